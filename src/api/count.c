/*
 * count.c
 *		usom.count_stock(): what is on the shelf, whatever was promised of it.
 *
 * A count is the truth.  If fewer units are there than orders keep, the least
 * firm of those orders wait again: they are served from elsewhere, count on
 * supply, or are short, and the desk is told.  Units that are picked or packed
 * have left the shelf, so a count below those is none.
 *
 * Locks: a count that leaves enough locks the rows of its place alone.  Else
 * the orders that lose units, by key, then all stock of the product, in stock
 * order, then its supply.  The orders are known by a look at the stock, so it
 * is looked again under the locks, and tried again if that has changed
 * (base/retry.h).
 *
 * Memory: arguments in the context of the caller, the rest in SPI's.
 */
#include "postgres.h"

#include "api/api.h"
#include "api/count.h"
#include "api/losers.h"
#include "api/supply.h"
#include "api/waits.h"

#include "base/call.h"
#include "base/card_guard.h"
#include "base/retry.h"
#include "fulfillment/handover.h"
#include "stock/place.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(usom_count_stock);

static UsomQuantity
missing(const UsomCounting *counting)
{
	return counting->lot.reserved - counting->counted;
}

/* Whoever could lose is locked: more than they have is not to be had. */
static bool
knows_all(const UsomCounting *counting)
{
	int			nids;
	int64	   *ids = usom_api_find_losers(counting->place.org_id, &counting->lot.key, missing(counting), &nids);

	return usom_order_set_has(counting->set, ids, nids);
}

/* The first look locks the place alone; if orders must lose units, they are locked before it. */
static bool
lock_all(void *arg)
{
	UsomCounting *counting = arg;
	bool		was_short = counting->is_short;
	int			nids;
	int			nrows;

	if (was_short)
	{
		int64	   *ids = usom_api_find_losers(counting->place.org_id, &counting->lot.key, missing(counting), &nids);

		counting->set = usom_order_load_many(counting->place.org_id, ids, nids);
		usom_stock_lock_products(counting->place.org_id, &counting->lot.key.product_id, 1, usom_call_time(), true, &nrows);
		counting->set->stock_locked = true;
	}
	counting->lot = usom_stock_open_lot(&counting->place, counting->lot_name, counting->counted > 0);
	counting->is_short = counting->counted < counting->lot.reserved;
	if (!counting->is_short)
		return true;
	if (!was_short)
		return false;
	if (!knows_all(counting))
		return false;
	if (usom_api_units_to_lose(counting->set, &counting->lot.key) < missing(counting))
		usom_stock_refuse_below_reserved(&counting->place, &counting->lot, counting->counted);
	return true;
}

static void
count_below_reserved(const UsomCounting *counting)
{
	UsomOrderSet *set = counting->set;
	UsomWait   *before = usom_api_look_at_waits(set);
	UsomWork   *work = usom_fulfillment_look(set);
	UsomStockMovement movement = {
		.key = counting->lot.key,
		.kind = "count",
		.delta = counting->counted - counting->lot.on_hand,
		.reason = usom_call_reason(),
	};

	usom_api_take_from_losers(set, &counting->lot.key, missing(counting));
	usom_order_move_stock(set, &movement);
	usom_api_fill(set, counting->lot.key.product_id);
	usom_api_tell_waits(set, before);
	usom_api_judge_waits(set, before, psprintf("%s at %s", counting->place.sku, counting->place.location));
	usom_fulfillment_tell(set, work);
	usom_api_save_promises(set, "count");
}

void
usom_api_count_arguments(FunctionCallInfo fcinfo, UsomCounting *counting)
{
	counting->place.location = usom_stock_required_text(fcinfo, 0, "location");
	counting->place.sku = usom_stock_required_text(fcinfo, 1, "sku");
	counting->counted = usom_stock_required_quantity(fcinfo, 2, "counted");
	usom_stock_check_not_negative(counting->counted, "counted", "Give the units that are on the shelf.");
	counting->lot_name = usom_stock_optional_text(fcinfo, 3);
}

void
usom_api_count_lock(UsomCounting *counting)
{
	usom_retry(lock_all, counting);
	if (counting->counted != counting->lot.on_hand)
		usom_stock_check_named(&counting->place, counting->lot.key.lot, false);
}

void
usom_api_count_book(UsomCounting *counting)
{
	if (counting->is_short)
		count_below_reserved(counting);
	else if (counting->counted != counting->lot.on_hand)
		usom_stock_change_on_hand(&counting->place, &counting->lot, counting->counted - counting->lot.on_hand, "count");
}

/* usom.count_stock(location text, sku text, counted numeric, lot text) */
Datum
usom_count_stock(PG_FUNCTION_ARGS)
{
	UsomCounting counting = {.set = NULL};

	usom_card_check_call(fcinfo);
	usom_api_count_arguments(fcinfo, &counting);
	usom_call_begin("count_stock", NULL);
	usom_api_count_lock(&counting);
	usom_api_count_book(&counting);
	usom_stock_return_position(fcinfo, &counting.place);
	usom_call_end();
	return (Datum) 0;
}
