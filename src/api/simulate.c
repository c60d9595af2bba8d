/*
 * simulate.c
 *		usom.simulate_sourcing(): many orders planned anew under other rules,
 *		and undone.
 *
 * The work is done in SQL, in a subtransaction that ends with an error: rows,
 * audit, events and what sessions remember go with it.  Here are the door,
 * through which it runs as the owner, and the plan of many orders.
 *
 * Locks: the orders, by key; then as usom.reallocate_order() does, in one
 * statement a kind.  They are let go when the subtransaction ends.
 *
 * Memory: the call's.
 */
#include "postgres.h"

#include "api/api.h"

#include "base/call.h"
#include "base/card_guard.h"
#include "base/query.h"
#include "funcapi.h"
#include "order/answer.h"
#include "party/party.h"
#include "utils/array.h"

PG_FUNCTION_INFO_V1(usom_simulate_sourcing);
PG_FUNCTION_INFO_V1(usom__replan_orders);

#define RESULT_COLUMNS 14

static UsomQuery simulate = {
	.text = "SELECT * FROM usom._simulate_sourcing($1, $2, $3)",
	.nargs = 3,
	.argtypes = {"jsonb", "jsonb", "bigint[]"},
};

static UsomQuery unnest_keys = {
	.text = "SELECT DISTINCT k FROM unnest($1) AS k ORDER BY k",
	.nargs = 1,
	.argtypes = {"bigint[]"},
};

/* usom.simulate_sourcing(changes jsonb, filter jsonb) */
Datum
usom_simulate_sourcing(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	bool		nulls[3] = {false};
	Datum		values[3] = {PG_GETARG_DATUM(0), PG_GETARG_DATUM(1)};
	uint64		n;

	usom_card_check_call(fcinfo);
	usom_order_arg_required(fcinfo, 0, "changes");
	usom_order_arg_required(fcinfo, 1, "filter");
	InitMaterializedSRF(fcinfo, 0);
	usom_call_begin("simulate_sourcing", NULL);
	(void) usom_party_org();
	values[2] = usom_party_channels(&nulls[2]);
	n = usom_query_run(&simulate, values, nulls);
	for (uint64 row = 0; row < n; row++)
	{
		Datum		columns[RESULT_COLUMNS];
		bool		isnull[RESULT_COLUMNS];

		for (int i = 0; i < RESULT_COLUMNS; i++)
			columns[i] = usom_query_get_or_null(row, i + 1, &isnull[i]);
		tuplestore_putvalues(result->setResult, result->setDesc, columns, isnull);
	}
	usom_call_end();
	return (Datum) 0;
}

static UsomOrderSet *
load(Datum keys)
{
	int			n = (int) usom_query_run(&unnest_keys, &keys, NULL);
	int64	   *ids = palloc_array(int64, n + 1);

	for (int i = 0; i < n; i++)
		ids[i] = DatumGetInt64(usom_query_get(i, 1));
	return usom_order_load_many(usom_party_org(), ids, n);
}

/* usom._replan_orders(orders bigint[]) */
Datum
usom__replan_orders(PG_FUNCTION_ARGS)
{
	UsomOrderSet *set;

	usom_call_begin("reallocate_order", NULL);
	set = load(PG_GETARG_DATUM(0));
	usom_api_give_up_reserved(set);
	usom_api_allocate_many(set);
	usom_call_end();
	PG_RETURN_VOID();
}
