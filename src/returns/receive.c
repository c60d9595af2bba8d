/*
 * receive.c
 *		Goods of returns arrive, with leave or without.
 *
 * What is not to be inspected is taken back at once; the rest waits.
 *
 * Locks: the order, then the stock rows (by save).  The return's own rows are
 * changed under the order's lock alone.
 *
 * Memory: the call's.
 */
#include "postgres.h"

#include "returns/returns.h"

#include "base/call.h"
#include "base/errors.h"
#include "base/query.h"
#include "order/answer.h"
#include "order/news.h"
#include "party/party.h"
#include "payment/credit.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(usom_receive_return);
PG_FUNCTION_INFO_V1(usom_receive_blind_return);

static UsomQuery find_location = {
	.text = "SELECT usom.location_id($1)",
	.nargs = 1,
	.argtypes = {"text"},
};

int64
usom_return_location_argument(FunctionCallInfo fcinfo, int arg)
{
	Datum		values[1];

	if (PG_ARGISNULL(arg))
		return 0;
	values[0] = PG_GETARG_DATUM(arg);
	usom_query_run(&find_location, values, NULL);
	return DatumGetInt64(usom_query_get(0, 1));
}

UsomMarkedUnits *
usom_return_all_due(const UsomReturn *back, int *count)
{
	UsomMarkedUnits *units = palloc_array(UsomMarkedUnits, back->nlines + 1);

	*count = 0;
	for (int i = 0; i < back->nlines; i++)
		if (usom_return_due(&back->lines[i]) > 0)
			units[(*count)++] = (UsomMarkedUnits) {.units = {back->lines[i].line, usom_return_due(&back->lines[i])}};
	return units;
}

static void
check_open(const UsomReturn *back, int count)
{
	if (back->status == USOM_RETURN_REQUESTED)
		usom_return_refuse(back, "receive", "usom.approve_return() gives leave; usom.receive_blind_return() books what came without.");
	if (back->status == USOM_RETURN_REFUSED || back->status == USOM_RETURN_CANCELLED)
		usom_return_refuse(back, "receive", "usom.receive_blind_return() books what came all the same.");
	if (count > 0 && back->expires_at != USOM_NO_TIME && back->expires_at <= usom_call_time())
		ereport(ERROR, errcode(USOM_ERR(RETURN_EXPIRED)),
				errmsg("the time of return \"%s\" is over", back->return_no),
				errdetail("Its goods were expected until %s.", timestamptz_to_str(back->expires_at)),
				errhint("usom.receive_blind_return('%s', ...) books what came all the same.", back->set->orders[0].order_no));
}

static int
check_due(const UsomReturn *back, const UsomLineUnits *units)
{
	int			line = usom_return_find_line(back, units->line);
	UsomQuantity due = line < 0 ? 0 : usom_return_due(&back->lines[line]);

	if (units->quantity > due)
		ereport(ERROR, errcode(USOM_ERR(OVER_RETURNED)),
				errmsg("cannot receive %s of line %d with return \"%s\"", usom_quantity_text(units->quantity),
					   back->set->lines[units->line].line_no, back->return_no),
				errdetail("%s are authorised and not here yet.", usom_quantity_text(due)),
				errhint("Call usom.authorize_return('%s', ...) for the rest.", back->set->orders[0].order_no));
	return line;
}

/* Which lot it is follows from what was shipped. */
static UsomMarkedUnits *
read_units(const UsomReturn *back, Jsonb *list, int *count)
{
	UsomMarkedUnits *units = usom_order_read_marked_list(back->set, list, count);

	for (int i = 0; i < *count; i++)
		if (units[i].lot != NULL)
			ereport(ERROR, errcode(USOM_ERR(INVALID_CHANGE)),
					errmsg("the lot of line %d is not told when it comes back", back->set->lines[units[i].units.line].line_no),
					errhint("Leave it out: it is the lot that was shipped."));
	return units;
}

static UsomQuantity
receive_units(UsomReturn *back, const UsomMarkedUnits *marked, int count, int64 location_id)
{
	UsomQuantity total = 0;

	for (int i = 0; i < count; i++)
	{
		UsomQuantity quantity = marked[i].units.quantity;
		int			line = check_due(back, &marked[i].units);
		UsomDisposition to = back->lines[line].disposition;

		usom_return_add_piece(back, line, quantity, location_id, usom_call_time());
		total = usom_quantity_add(total, quantity);
		if (back->lines[line].inspects)
			continue;
		usom_return_name_units(back, line, quantity, to, marked[i].serials, marked[i].nserials);
		usom_return_dispose(back, line, quantity, to, NULL, usom_call_time());
	}
	return total;
}

void
usom_return_receive(UsomReturn *back, const UsomMarkedUnits *units, int count, int64 location_id)
{
	UsomCredit *credit = usom_credit_open(back->set);
	UsomQuantity total = receive_units(back, units, count, location_id);

	usom_return_write(back);
	usom_return_save(back, "receive_return", total);
	usom_credit_close(credit, USOM_CREDIT_FOLLOWS);
}

void
usom_return_statuses(const UsomReturn *back, Datum *values)
{
	values[0] = CStringGetTextDatum(usom_return_lifecycle_table.labels[back->status]);
	values[1] = CStringGetTextDatum(usom_order_lifecycle_table.labels[back->set->orders[0].status]);
}

/* usom.receive_return(return_no, lines, location) */
Datum
usom_receive_return(PG_FUNCTION_ARGS)
{
	UsomAnswer *answer = usom_order_answer_begin(fcinfo, "receive_return", -1);
	const char *return_no = usom_order_arg_text(fcinfo, 0, "return_no");
	int64		org_id = usom_party_org();
	int64		location_id = usom_return_location_argument(fcinfo, 2);
	UsomReturn *back = usom_return_load(org_id, return_no);
	bool		nulls[2] = {false, false};
	Datum		values[2];
	UsomMarkedUnits *units;
	int			count;

	units = PG_ARGISNULL(1) ? usom_return_all_due(back, &count) : read_units(back, PG_GETARG_JSONB_P(1), &count);
	check_open(back, count);
	if (count > 0)
		usom_return_receive(back, units, count, location_id);
	usom_return_statuses(back, values);
	return usom_order_answer_row(answer, values, nulls);
}

/* usom.receive_blind_return(order_no, lines, reason, location) */
Datum
usom_receive_blind_return(PG_FUNCTION_ARGS)
{
	UsomAnswer *answer = usom_order_answer_begin(fcinfo, "receive_blind_return", 2);
	const char *order_no = usom_order_arg_text(fcinfo, 0, "order_no");
	int64		org_id = usom_party_org();
	int64		location_id = usom_return_location_argument(fcinfo, 3);
	UsomOrderSet *set = usom_order_load(org_id, order_no);
	bool		nulls[3] = {false};
	UsomMarkedUnits *due;
	UsomReturnJudgement *judgements;
	UsomLineUnits *units;
	UsomReturn *back;
	Datum		values[3];
	int			count;

	usom_order_arg_required(fcinfo, 1, "lines");
	units = usom_order_read_line_list(set, PG_GETARG_JSONB_P(1), &count);
	judgements = usom_return_judge_lines(set, usom_call_reason());
	for (int i = 0; i < count; i++)
		usom_return_check_units(set, &units[i], judgements);
	back = usom_return_make(set, units, count, judgements, USOM_RETURN_AUTHORIZED, true);
	usom_order_raise(set, 0, 0, "blind_return", back->return_no, psprintf("return %s came without leave", back->return_no), NULL,
					 USOM_NO_TIME);
	due = usom_return_all_due(back, &count);
	usom_return_receive(back, due, count, location_id);
	values[0] = CStringGetTextDatum(back->return_no);
	usom_return_statuses(back, &values[1]);
	return usom_order_answer_row(answer, values, nulls);
}
