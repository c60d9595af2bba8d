/*
 * authorize.c
 *		Leave to return: which units of an order may come back.
 *
 * A unit may be authorised once it has been shipped, and only once: what
 * earlier returns still expect is subtracted.  Return rules say whether, until
 * when, and whether somebody decides.
 *
 * Locks: the order; returns are changed under it alone.
 *
 * Memory: the call's.
 */
#include "postgres.h"

#include "returns/returns.h"

#include "base/call.h"
#include "base/errors.h"
#include "order/answer.h"
#include "party/party.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#define RETURN_STATE(number, name, label) [number] = label,
static const char *const return_labels[] = {
#include "returns/lifecycle.def"
};

#define RETURN_EDGE(from, to, verb, commanded) {USOM_RETURN_##from, USOM_RETURN_##to, verb, commanded},
static const UsomEdge return_edges[] = {
#include "returns/lifecycle.def"
};

const UsomLifecycle usom_return_lifecycle_table = {
	.entity = "return",
	.type_name = "return_status",
	.nstates = USOM_RETURN_STATES,
	.labels = return_labels,
	.nedges = lengthof(return_edges),
	.edges = return_edges,
};

USOM_STATE_TYPE(return_status, usom_return_lifecycle_table)

PG_FUNCTION_INFO_V1(usom_authorize_return);

void
usom_returns_init(void)
{
	usom_lifecycle_register(&usom_return_lifecycle_table);
	usom_return_rule_init();
}

void
usom_return_check_units(const UsomOrderSet *set, const UsomLineUnits *units, const UsomReturnJudgement *judgements)
{
	const UsomReturnJudgement *judgement = &judgements[units->line];
	UsomQuantity left = judgement->with_customer - judgement->expected;

	if (units->quantity > left)
		ereport(ERROR, errcode(USOM_ERR(OVER_RETURNED)),
				errmsg("cannot authorize the return of %s of line %d of order \"%s\"",
					   usom_quantity_text(units->quantity), set->lines[units->line].line_no, set->orders[0].order_no),
				errdetail("%s are with the customer, %s of them are expected back already.",
						  usom_quantity_text(judgement->with_customer), usom_quantity_text(judgement->expected)),
				errhint("Ask for %s at most.", usom_quantity_text(left)));
}

static void
refuse(const UsomOrderSet *set, const UsomLineUnits *units, const UsomReturnJudgement *judgement)
{
	const char *why = judgement->rule->outcome == USOM_RETURN_REFUSE
		? psprintf("Rule \"%s\" takes nothing back.", judgement->rule->code)
		: psprintf("Rule \"%s\" takes units back for %d days from delivery; %s are in time.", judgement->rule->code,
				   judgement->rule->days, usom_quantity_text(judgement->in_time));

	ereport(ERROR, errcode(USOM_ERR(NOT_RETURNABLE)),
			errmsg("%s of line %d of order \"%s\" do not come back", usom_quantity_text(units->quantity),
				   set->lines[units->line].line_no, set->orders[0].order_no),
			errdetail("%s", why),
			errhint("SELECT * FROM usom.explain_return('%s') says what may come back.", set->orders[0].order_no));
}

/* The strictest of what the lines come to. */
static UsomReturnOutcome
judge(const UsomOrderSet *set, const UsomLineUnits *units, int count, const UsomReturnJudgement *judgements)
{
	UsomReturnOutcome strictest = USOM_RETURN_ALLOW;

	for (int i = 0; i < count; i++)
	{
		const UsomReturnJudgement *judgement = &judgements[units[i].line];
		UsomReturnOutcome outcome = usom_return_outcome(judgement, units[i].quantity);

		usom_return_check_units(set, &units[i], judgements);
		if (outcome == USOM_RETURN_REFUSE)
			refuse(set, &units[i], judgement);
		strictest = Max(strictest, outcome);
	}
	return strictest;
}

Datum
usom_authorize_return(PG_FUNCTION_ARGS)
{
	UsomAnswer *answer = usom_order_answer_begin(fcinfo, "authorize_return", 2);
	UsomOrderSet *set = usom_order_load(usom_party_org(), usom_order_arg_text(fcinfo, 0, "order_no"));
	UsomReturnJudgement *judgements;
	UsomLineUnits *units;
	UsomReturn *back;
	bool		asks;
	int			count;

	usom_order_arg_required(fcinfo, 1, "lines");
	units = usom_order_read_line_list(set, PG_GETARG_JSONB_P(1), &count);
	judgements = usom_return_judge_lines(set, usom_call_reason());
	asks = judge(set, units, count, judgements) == USOM_RETURN_ASK;
	back = usom_return_make(set, units, count, judgements, asks ? USOM_RETURN_REQUESTED : USOM_RETURN_AUTHORIZED, false);
	if (asks)
		usom_return_tell(back, "return_requested");
	usom_return_save(back, asks ? "request_return" : "authorize_return", 0);
	return usom_order_answer_string(answer, back->return_no);
}
