/*
 * expedite.c
 *		usom.expedite_order(): one order goes before others, by rule.
 *
 * It is a backorder run with a variant of its own (backorder_variant.c), so it
 * is planned, carried out and recorded as any other.
 *
 * Locks: those of the run, among them the order if anything changes for it;
 * then the order.
 *
 * Memory: the context of the call.
 */
#include "postgres.h"

#include "api/backorder.h"
#include "api/precedence.h"

#include "base/errors.h"
#include "base/query.h"
#include "order/answer.h"
#include "party/party.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(usom_expedite_order);

typedef struct Expedited
{
	const char *order_no;
	int64		sales_order_id;
	int32		priority;		/* from now on */
	bool		more_urgent;	/* than it was */
	UsomQuantity reserved;		/* before */
	UsomCodes	waits_for;		/* products */
} Expedited;

static UsomQuery look_at_order = {
	.text = "SELECT o.sales_order_id, o.priority, coalesce((SELECT sum(f.quantity) FROM usom.fulfillment_line AS f WHERE f.org_id = $1 "
	"AND f.sales_order_id = o.sales_order_id AND f.status = 'reserved'), 0), "
	"ARRAY(SELECT DISTINCT p.sku FROM usom.fulfillment_line AS f JOIN usom.product AS p ON p.org_id = $1 AND p.product_id = f.product_id "
	"WHERE f.org_id = $1 AND f.sales_order_id = o.sales_order_id AND f.status = 'backordered') "
	"FROM usom.sales_order AS o WHERE o.org_id = $1 AND o.order_no = $2 AND ($3 IS NULL OR o.channel_id = ANY ($3))",
	.nargs = 3,
	.argtypes = {"bigint", "text", "bigint[]"},
};

static UsomQuery write_priority = {
	.text = "UPDATE usom.sales_order AS o SET priority = $3 WHERE o.org_id = $1 AND o.sales_order_id = $2",
	.nargs = 3,
	.argtypes = {"bigint", "bigint", "integer"},
};

static Expedited
look_at(int64 org_id, const char *order_no, int32 priority)
{
	Expedited	expedited = {.order_no = order_no};
	bool		nulls[3] = {false};
	Datum		values[3] = {Int64GetDatum(org_id), CStringGetTextDatum(order_no)};
	int32		before;

	values[2] = usom_party_channels(&nulls[2]);
	if (usom_query_run(&look_at_order, values, nulls) == 0)
	{
		usom_order_load(org_id, order_no);	/* says that there is none */
		Ensure(usom_query_run(&look_at_order, values, nulls) == 1, "order \"%s\" comes and goes", order_no);
	}
	expedited.sales_order_id = usom_query_get_key(0, 1);
	before = usom_query_get_number(0, 2);
	expedited.priority = Min(before, priority);
	expedited.more_urgent = expedited.priority < before;
	expedited.reserved = usom_quantity_of(DatumGetNumeric(usom_query_get(0, 3)));
	expedited.waits_for = usom_api_read_codes(0, 4);
	return expedited;
}

/* Only an order that still waits for its goods can be served sooner. */
static void
check_running(const UsomOrder *order)
{
	if (order->status < USOM_ORDER_CONFIRMED || order->status >= USOM_ORDER_SHIPPED)
		usom_order_refuse(order->order_no, "expedite", order->status);
}

/* The order says so itself, and its history. */
static void
note(UsomOrderSet *set, const Expedited *expedited, const char *run_no)
{
	Datum		values[] = {Int64GetDatum(set->org_id), Int64GetDatum(expedited->sales_order_id), Int32GetDatum(expedited->priority)};

	set->orders[0].priority = expedited->priority;
	usom_order_settle(set, 0, "expedite");
	set->orders[0].event_reference = run_no;
	usom_query_write(&write_priority, values, NULL);
	usom_order_save(set);
}

static Datum
answer_expedited(UsomAnswer *answer, const Expedited *expedited, const UsomOrderSet *set, const char *run_no, int norders)
{
	UsomCounters sum = usom_order_sum(set, 0);
	Datum		values[] = {
		CStringGetTextDatum(run_no),
		Int32GetDatum(expedited->priority),
		NumericGetDatum(usom_quantity_numeric(sum.by_state[USOM_PIECE_RESERVED] - expedited->reserved)),
		NumericGetDatum(usom_quantity_numeric(sum.by_state[USOM_PIECE_BACKORDERED])),
		Int32GetDatum(norders),
		CStringGetTextDatum(usom_api_fill_rule(set->org_id)),
	};
	bool		nulls[lengthof(values)] = {false};

	return usom_order_answer_row(answer, values, nulls);
}

/* usom.expedite_order(order_no, reason, priority) */
Datum
usom_expedite_order(PG_FUNCTION_ARGS)
{
	UsomAnswer *answer = usom_order_answer_begin(fcinfo, "expedite_order", 1);
	int64		org_id = usom_party_org();
	int32		priority = PG_ARGISNULL(2) ? 1 : PG_GETARG_INT32(2);
	const BackorderPlan *plan;
	UsomOrderSet *set;
	Expedited	expedited;
	char	   *run_no;
	int			norders;

	usom_order_arg_text(fcinfo, 1, "reason");
	if (priority < 0 || priority > 1000)
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("priority must be from 0 to 1000"));
	expedited = look_at(org_id, usom_order_arg_text(fcinfo, 0, "order_no"), priority);
	plan = usom_api_backorder_run(org_id, usom_api_expedite_variant(org_id, expedited.sales_order_id, expedited.priority, expedited.waits_for),
								  "expedite", false, &run_no, &norders);
	set = usom_order_load(org_id, expedited.order_no);
	check_running(&set->orders[0]);
	if (expedited.more_urgent || plan->nchanges > 0)
		note(set, &expedited, run_no);
	return answer_expedited(answer, &expedited, set, run_no, norders);
}
