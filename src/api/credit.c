/*
 * credit.c
 *		Orders that credit holds, and that go on.
 *
 * What an order takes is decided in the room of payments; here is what becomes
 * of the order: it stays submitted, or it is confirmed.
 *
 * Locks: as payment/credit.h says: orders, accounts, stock.
 *
 * Memory: CurrentMemoryContext, which is the call's.
 */
#include "postgres.h"

#include "api/api.h"
#include "api/credit.h"

#include "base/call.h"
#include "base/card_guard.h"
#include "base/errors.h"
#include "base/query.h"
#include "funcapi.h"
#include "order/answer.h"
#include "party/party.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(usom_release_credit_hold);
PG_FUNCTION_INFO_V1(usom_review_credit);
PG_FUNCTION_INFO_V1(usom__review_credit);

static void
note_hold(UsomOrder *order, const char *event)
{
	order->event = event;
	order->event_reference = "credit";
	order->changed = true;
}

/* Of an order that is new, being placed says enough. */
static void
hold_back(UsomOrder *order)
{
	order->status = USOM_ORDER_SUBMITTED;
	order->event_reference = "credit";
	if (!order->is_new)
		note_hold(order, "hold");
}

const char **
usom_api_take_credit(UsomOrderSet *set)
{
	bool	   *marked;
	const char **why;
	bool		any = false;

	if (likely(!usom_credit_concerns(set)))
		return NULL;
	marked = palloc0_array(bool, set->norders + 1);
	for (int i = 0; i < set->norders; i++)
	{
		const UsomOrder *order = &set->orders[i];

		marked[i] = order->status == USOM_ORDER_CONFIRMED && (order->is_new || order->status_before == USOM_ORDER_SUBMITTED);
		any |= marked[i];
	}
	why = any ? usom_credit_take(set, marked, USOM_CREDIT_CONFIRM) : NULL;
	for (int i = 0; why != NULL && i < set->norders; i++)
		if (why[i] != NULL)
			hold_back(&set->orders[i]);
	return why;
}

bool
usom_api_credit_covers(UsomOrderSet *set, int order, UsomCreditPoint point)
{
	bool	   *marked;
	const char **why;

	if (likely(!usom_credit_concerns(set)) || !usom_order_is_running(set->orders[order].status))
		return true;
	marked = palloc0_array(bool, set->norders + 1);
	marked[order] = true;
	why = usom_credit_take(set, marked, point);
	if (why == NULL || why[order] == NULL)
		return true;
	note_hold(&set->orders[order], "hold");
	return false;
}

/* ---- orders that go on ---- */

/* For those who answer with a set that was saved before. */
static void
copy_headers(UsomOrderSet *to, const UsomOrderSet *from)
{
	for (int i = 0; to != NULL && i < from->norders; i++)
		for (int j = 0; j < to->norders; j++)
			if (to->orders[j].sales_order_id == from->orders[i].sales_order_id)
			{
				to->orders[j].version = from->orders[i].version;
				to->orders[j].status = to->orders[j].status_before = from->orders[i].status;
				to->orders[j].flow_id = from->orders[i].flow_id;
				to->orders[j].flow_state = from->orders[i].flow_state;
			}
}

/* Orders that nothing else keeps from being confirmed. */
static UsomOrderSet *
load_confirmable(UsomOrderSet *set)
{
	int64	   *ids = palloc_array(int64, set->norders + 1);
	int			n = 0;

	for (int i = 0; i < set->norders; i++)
		if (usom_api_goes_on(set, i))
			ids[n++] = set->orders[i].sales_order_id;
	return n > 0 ? usom_order_load_many(set->org_id, ids, n) : NULL;
}

/* Their holds have ended: a version of each says so, then they are confirmed. */
static void
let_go(UsomOrderSet *saved, UsomOrderSet *set)
{
	UsomOrderSet *confirmable;

	for (int i = 0; i < set->norders; i++)
		note_hold(&set->orders[i], "release_hold");
	usom_order_save(set);
	copy_headers(saved, set);
	confirmable = load_confirmable(set);
	if (confirmable == NULL)
		return;
	usom_api_confirm_covered(confirmable);
	copy_headers(saved, confirmable);
}

/* A call of its own: why the caller's order was changed is not why these go on. */
static void
go_on(UsomOrderSet *saved, int64 org_id, const int64 *sales_order_ids, int count)
{
	usom_call_begin("review_credit", "there is credit again");
	let_go(saved, usom_order_load_many(org_id, sales_order_ids, count));
	usom_call_end();
}

void
usom_api_credit_init(void)
{
	usom_credit_go_on_by(go_on);
}

static void
check_reason(FunctionCallInfo fcinfo, int arg)
{
	usom_order_arg_required(fcinfo, arg, "reason");
	if (strspn(text_to_cstring(PG_GETARG_TEXT_PP(arg)), " ") == (size_t) VARSIZE_ANY_EXHDR(PG_GETARG_TEXT_PP(arg)))
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("a credit hold is released for a reason"),
				errhint("Say why the customer may owe more."));
}

Datum
usom_release_credit_hold(PG_FUNCTION_ARGS)
{
	UsomAnswer *answer = usom_order_answer_begin(fcinfo, "release_credit_hold", 1);
	UsomOrderSet *set = usom_order_load(usom_party_org(), usom_order_arg_text(fcinfo, 0, "order_no"));

	check_reason(fcinfo, 1);
	if (!usom_credit_pass(set))
		ereport(ERROR, errcode(USOM_ERR(UNKNOWN_HOLD)),
				errmsg("order \"%s\" has no active credit hold", set->orders[0].order_no),
				errhint("Look it up in usom.holds."));
	let_go(set, usom_order_load_many(set->org_id, &set->orders[0].sales_order_id, 1));
	return usom_order_answer_status(answer, set);
}

/* ---- review ---- */

static UsomQuery name_orders = {
	.text = "SELECT o.order_no, o.status::text FROM unnest($2) WITH ORDINALITY AS k (sales_order_id, ordinal) "
	"JOIN usom.sales_order AS o ON o.org_id = $1 AND o.sales_order_id = k.sales_order_id ORDER BY k.ordinal",
	.nargs = 2,
	.argtypes = {"bigint", "bigint[]"},
};

static void
put_orders(ReturnSetInfo *result, int64 org_id, const int64 *orders, int count)
{
	Datum		values[2] = {Int64GetDatum(org_id), usom_query_keys(orders, count)};
	uint64		n = usom_query_run(&name_orders, values, NULL);

	for (uint64 row = 0; row < n; row++)
	{
		bool		nulls[2] = {false, false};
		Datum		columns[2] = {usom_query_get(row, 1), usom_query_get(row, 2)};

		tuplestore_putvalues(result->setResult, result->setDesc, columns, nulls);
	}
}

static void
review(FunctionCallInfo fcinfo, int64 org_id, int64 customer_id)
{
	int64	   *orders;
	int			count = usom_credit_review(org_id, &customer_id, 1, &orders);

	if (count > 0)
		put_orders((ReturnSetInfo *) fcinfo->resultinfo, org_id, orders, count);
}

/* usom._review_credit(org_id bigint, customer_id bigint) */
Datum
usom__review_credit(PG_FUNCTION_ARGS)
{
	InitMaterializedSRF(fcinfo, 0);
	usom_call_begin("review_credit", NULL);
	review(fcinfo, PG_GETARG_INT64(0), PG_GETARG_INT64(1));
	usom_call_end();
	return (Datum) 0;
}

static UsomQuery find_customer = {
	.text = "SELECT u.customer_id FROM usom.customer AS u WHERE u.org_id = $1 AND u.code = $2 "
	"AND EXISTS (SELECT 1 FROM usom.credit_account AS a WHERE a.org_id = $1 AND a.customer_id = u.customer_id)",
	.nargs = 2,
	.argtypes = {"bigint", "text"},
};

Datum
usom_review_credit(PG_FUNCTION_ARGS)
{
	char	   *customer;
	Datum		values[2];

	usom_card_check_call(fcinfo);
	InitMaterializedSRF(fcinfo, 0);
	usom_call_begin("review_credit", NULL);
	customer = usom_order_arg_text(fcinfo, 0, "customer");
	values[0] = Int64GetDatum(usom_party_org());
	values[1] = CStringGetTextDatum(customer);
	if (usom_query_run(&find_customer, values, NULL) == 0)
		ereport(ERROR, errcode(USOM_ERR(UNKNOWN_CREDIT)),
				errmsg("customer \"%s\" has no credit account", customer),
				errhint("INSERT INTO usom.credit_account (customer_id, limit_amount) VALUES (usom.customer_id('code'), 1000);"));
	review(fcinfo, usom_party_org(), DatumGetInt64(usom_query_get(0, 1)));
	usom_call_end();
	return (Datum) 0;
}
