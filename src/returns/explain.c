/*
 * explain.c
 *		usom.explain_return(): what of an order may come back, and why.
 *
 * Locks: the order, as every verb that judges; nothing is written.
 *
 * Memory: the call's; rows are copied into the caller's tuplestore.
 */
#include "postgres.h"

#include "returns/returns.h"

#include "base/call.h"
#include "base/card_guard.h"
#include "base/query.h"
#include "funcapi.h"
#include "order/answer.h"
#include "party/party.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(usom_explain_return);

#define EXPLAIN_COLUMNS 9

static UsomQuery read_skus = {
	.text = "SELECT p.product_id, p.sku FROM usom.product p WHERE p.org_id = $1 AND p.product_id = ANY ($2)",
	.nargs = 2,
	.argtypes = {"bigint", "bigint[]"},
};

static char **
find_skus(const UsomOrderSet *set)
{
	char	  **skus = palloc0_array(char *, set->nlines + 1);
	int64	   *ids = palloc_array(int64, set->nlines + 1);
	Datum		values[2] = {Int64GetDatum(set->org_id)};
	uint64		n;

	for (int i = 0; i < set->nlines; i++)
		ids[i] = set->lines[i].product_id;
	values[1] = usom_query_keys(ids, set->nlines);
	n = usom_query_run(&read_skus, values, NULL);
	for (uint64 row = 0; row < n; row++)
		for (int i = 0; i < set->nlines; i++)
			if (set->lines[i].product_id == DatumGetInt64(usom_query_get(row, 1)))
				skus[i] = usom_query_get_text(row, 2);
	return skus;
}

/* What so many units more that come back cost: the first that left are those that the customer keeps. */
static UsomMoney
value_of(const UsomLine *line, UsomQuantity units)
{
	UsomQuantity kept = usom_order_units_left(line) - line->counters.by_state[USOM_PIECE_RETURNED];

	return usom_order_units_value(line, kept) - usom_order_units_value(line, kept - units);
}

static void
put_line(ReturnSetInfo *result, const UsomLine *line, const char *sku, const UsomReturnJudgement *judgement)
{
	UsomQuantity returnable = judgement->with_customer - judgement->expected;
	Datum		values[EXPLAIN_COLUMNS] = {
		Int32GetDatum(line->line_no), sku ? CStringGetTextDatum(sku) : (Datum) 0,
		NumericGetDatum(usom_quantity_numeric(judgement->with_customer)), NumericGetDatum(usom_quantity_numeric(judgement->expected)),
		NumericGetDatum(usom_quantity_numeric(returnable)),
		CStringGetTextDatum(usom_return_outcomes[usom_return_outcome(judgement, returnable)]),
		judgement->rule ? CStringGetTextDatum(judgement->rule->code) : (Datum) 0, TimestampTzGetDatum(judgement->until),
		NumericGetDatum(usom_money_numeric(value_of(line, returnable), USOM_AMOUNT_DECIMALS))
	};
	bool		nulls[EXPLAIN_COLUMNS] = {false};

	nulls[1] = sku == NULL;
	nulls[6] = judgement->rule == NULL;
	nulls[7] = judgement->until == USOM_NO_TIME;
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

/* usom.explain_return(order_no, reason) */
Datum
usom_explain_return(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	UsomReturnJudgement *judgements;
	UsomOrderSet *set;
	char	  **skus;

	usom_card_check_call(fcinfo);
	InitMaterializedSRF(fcinfo, 0);
	usom_call_begin("explain_return", NULL);
	set = usom_order_load(usom_party_org(), usom_order_arg_text(fcinfo, 0, "order_no"));
	judgements = usom_return_judge_lines(set, PG_ARGISNULL(1) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(1)));
	skus = find_skus(set);
	for (int i = 0; i < set->nlines; i++)
		if (judgements[i].with_customer > 0)
			put_line(result, &set->lines[i], skus[i], &judgements[i]);
	usom_call_end();
	return (Datum) 0;
}
