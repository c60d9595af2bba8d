/*
 * fill.c
 *		usom.fill_backorders(), usom.allocate_order() and
 *		usom.reallocate_order(): stock for what waits, or is reserved.
 *
 * Orders are served by usom.fill_priority (by priority, then by age); lines and pieces in their order.
 *
 * Locks: the orders that wait, by key; then the stock of their products.
 * Orders are found before they are locked; what changed in between shows when
 * they are loaded.
 */
#include "postgres.h"

#include "api/api.h"
#include "api/precedence.h"
#include "api/supply.h"
#include "api/waits.h"

#include "base/call.h"
#include "base/card_guard.h"
#include "base/query.h"
#include "funcapi.h"
#include "order/answer.h"
#include "party/party.h"
#include "stock/stripe.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(usom_fill_backorders);
PG_FUNCTION_INFO_V1(usom_allocate_order);
PG_FUNCTION_INFO_V1(usom_reallocate_order);

/*
 * Orders with a backordered piece of a product that has something free, on the
 * shelf or, if the piece counts on nothing yet, under way; $3: of channels that
 * the caller sees.
 */
static UsomQuery find_waiting = {
	.text = "SELECT DISTINCT f.sales_order_id FROM usom.fulfillment_line f "
	"WHERE f.org_id = $1 AND f.location_id IS NULL AND f.status = 'backordered' AND ($2 IS NULL OR f.product_id = $2) "
	"AND (EXISTS (SELECT 1 FROM usom.stock s WHERE s.org_id = $1 AND s.product_id = f.product_id "
	"AND s.on_hand + " USOM_STRIPED_FREE " > s.reserved + s.safety) OR (f.supply_id IS NULL AND EXISTS (SELECT 1 FROM usom.supply u "
	"WHERE u.org_id = $1 AND u.product_id = f.product_id AND u.status = 'expected' "
	"AND u.quantity > u.received + u.pegged))) AND ($3 IS NULL OR EXISTS (SELECT 1 FROM usom.sales_order o "
	"WHERE o.org_id = $1 AND o.sales_order_id = f.sales_order_id AND o.channel_id = ANY ($3))) ORDER BY f.sales_order_id",
	.nargs = 3,
	.argtypes = {"bigint", "bigint", "bigint[]"},
};

static UsomQuery find_product = {
	.text = "SELECT usom.product_id($1)",
	.nargs = 1,
	.argtypes = {"text"},
};

static int64
product_argument(FunctionCallInfo fcinfo, int arg)
{
	Datum		sku;

	if (PG_ARGISNULL(arg))
		return 0;
	sku = PG_GETARG_DATUM(arg);
	usom_query_run(&find_product, &sku, NULL);
	return DatumGetInt64(usom_query_get(0, 1));
}

static UsomOrderSet *
load_waiting(int64 org_id, int64 product_id)
{
	Datum		values[3] = {Int64GetDatum(org_id), Int64GetDatum(product_id)};
	bool		nulls[3] = {false, product_id == 0};
	uint64		n;
	int64	   *ids;

	values[2] = usom_party_channels(&nulls[2]);
	n = usom_query_run(&find_waiting, values, nulls);
	ids = palloc_array(int64, n + 1);
	for (uint64 row = 0; row < n; row++)
		ids[row] = DatumGetInt64(usom_query_get(row, 1));
	return usom_order_load_many(org_id, ids, (int) n);
}

static UsomQuantity
waiting_of(const UsomLine *line)
{
	return line->counters.by_state[USOM_PIECE_OPEN] + line->counters.by_state[USOM_PIECE_BACKORDERED];
}

/* How it was before: units without stock by line, open ones included, and what waits. */
typedef struct Before
{
	UsomQuantity *units;
	UsomWait   *waits;
} Before;

static Before
look_before(const UsomOrderSet *set)
{
	Before		before = {palloc_array(UsomQuantity, set->nlines + 1), usom_api_look_at_waits(set)};

	for (int i = 0; i < set->nlines; i++)
		before.units[i] = waiting_of(&set->lines[i]);
	return before;
}

/* Settle the orders that got something, and tell. */
static void
settle_filled(UsomOrderSet *set, const Before *before)
{
	const char *rule = set->norders > 1 ? usom_api_fill_rule(set->org_id) : NULL;

	for (int i = 0; i < set->nlines; i++)
	{
		const UsomLine *line = &set->lines[i];
		UsomOrder  *order = &set->orders[line->order];
		UsomQuantity filled = usom_line_is_kit(line) ? 0 : before->units[i] - waiting_of(line);

		if (filled == 0)
			continue;
		order->event_quantity = usom_quantity_add(order->event_quantity, filled);
		if (order->changed)
			continue;
		usom_order_settle(set, line->order, "allocate");
		order->event_reference = rule;
	}
	usom_api_tell_waits(set, before->waits);
	usom_api_judge_waits(set, before->waits, NULL);
}

/* Those that count on other supply now, too. */
static void
save_filled(UsomOrderSet *set, const Before *before)
{
	settle_filled(set, before);
	usom_api_save_promises(set, "promise");
}

/* Open units and waiting pieces are planned one after the other, so their stock is locked before, in one order. */
static void
lock_stock_of(const UsomOrderSet *set)
{
	int64	   *products = palloc_array(int64, set->nlines + 1);
	bool		any_open = false;
	int			nrows;

	for (int i = 0; i < set->nlines; i++)
	{
		products[i] = set->lines[i].product_id;
		any_open |= set->lines[i].counters.by_state[USOM_PIECE_OPEN] > 0;
	}
	if (any_open)
		usom_stock_lock_products(set->org_id, products, set->nlines, usom_call_time(), true, &nrows);
}

UsomQuantity
usom_api_allocate_many(UsomOrderSet *set)
{
	Before		before = look_before(set);
	UsomQuantity units = 0;

	lock_stock_of(set);
	usom_api_allocate(set);
	before.waits = usom_api_look_at_waits(set);
	usom_api_fill(set, 0);
	settle_filled(set, &before);
	for (int i = 0; i < set->nlines; i++)
	{
		if (!usom_line_is_kit(&set->lines[i]))
			units = usom_quantity_add(units, before.units[i] - waiting_of(&set->lines[i]));
		if (set->lines[i].changed && !set->orders[set->lines[i].order].changed)
			usom_order_settle(set, set->lines[i].order, "allocate");
	}
	usom_api_save_promises(set, "promise");
	return units;
}

static void
put_filled(ReturnSetInfo *result, const UsomOrderSet *set, const Before *before)
{
	for (int i = 0; i < set->nlines; i++)
	{
		const UsomLine *line = &set->lines[i];
		UsomQuantity filled = before->units[i] - waiting_of(line);
		bool		nulls[3] = {false, false, false};
		Datum		values[3];

		if (filled == 0)
			continue;
		values[0] = CStringGetTextDatum(set->orders[line->order].order_no);
		values[1] = Int32GetDatum(line->line_no);
		values[2] = NumericGetDatum(usom_quantity_numeric(filled));
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
}

void
usom_api_fill_set(UsomOrderSet *set, int64 product_id, ReturnSetInfo *result)
{
	Before		before = look_before(set);

	if (usom_api_fill(set, product_id) == 0 && set->npegs == 0)
		return;
	save_filled(set, &before);
	if (result != NULL)
		put_filled(result, set, &before);
}

Datum
usom_fill_backorders(PG_FUNCTION_ARGS)
{
	int64		product_id;

	usom_card_check_call(fcinfo);
	InitMaterializedSRF(fcinfo, 0);
	usom_call_begin("fill_backorders", NULL);
	product_id = product_argument(fcinfo, 0);
	usom_api_fill_set(load_waiting(usom_party_org(), product_id), product_id, (ReturnSetInfo *) fcinfo->resultinfo);
	usom_call_end();
	return (Datum) 0;
}

Datum
usom_allocate_order(PG_FUNCTION_ARGS)
{
	UsomAnswer *answer = usom_order_answer_begin(fcinfo, "allocate_order", -1);
	UsomOrderSet *set = usom_order_load(usom_party_org(), usom_order_arg_text(fcinfo, 0, "order_no"));
	Before		before = look_before(set);

	if (!usom_order_is_running(set->orders[0].status))
		usom_order_refuse(set->orders[0].order_no, "allocate", set->orders[0].status);
	set->by_hand = true;
	if (usom_api_fill(set, 0) > 0 || set->npegs > 0)
		save_filled(set, &before);
	return usom_order_answer_status(answer, set);
}

bool
usom_api_give_up_reserved(UsomOrderSet *set)
{
	bool		any = false;

	for (int i = 0; i < set->npieces; i++)
		if (set->pieces[i].status == USOM_PIECE_RESERVED && set->pieces[i].location_id != 0 &&
			set->pieces[i].quantity > 0 && !usom_order_is_firm(set, i))
		{
			usom_order_move_piece(set, i, USOM_PIECE_BACKORDERED, set->pieces[i].quantity, NULL);
			any = true;
		}
	return any;
}

Datum
usom_reallocate_order(PG_FUNCTION_ARGS)
{
	UsomAnswer *answer = usom_order_answer_begin(fcinfo, "reallocate_order", 1);
	UsomOrderSet *set = usom_order_load(usom_party_org(), usom_order_arg_text(fcinfo, 0, "order_no"));
	UsomWait   *before = usom_api_look_at_waits(set);
	bool		given_up;

	if (!usom_order_is_running(set->orders[0].status))
		usom_order_refuse(set->orders[0].order_no, "reallocate", set->orders[0].status);
	usom_order_check_holds(set, 0, "change");
	given_up = usom_api_give_up_reserved(set);
	if (usom_api_fill(set, 0) > 0 || given_up)
	{
		usom_api_tell_waits(set, before);
		usom_order_settle(set, 0, "reallocate");
		usom_order_save(set);
	}
	return usom_order_answer_status(answer, set);
}
