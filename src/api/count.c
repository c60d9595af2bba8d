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
#include "api/peg.h"
#include "api/precedence.h"
#include "api/supply.h"
#include "api/waits.h"

#include "base/call.h"
#include "base/card_guard.h"
#include "base/query.h"
#include "base/retry.h"
#include "stock/place.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(usom_count_stock);

typedef struct Counting
{
	UsomPlace	place;
	const char *lot_name;		/* NULL: the only one */
	UsomQuantity counted;
	UsomLot		lot;			/* locked */
	bool		is_short;		/* units are missing that orders keep */
	UsomOrderSet *set;			/* orders that lose units, if any do */
} Counting;

/* Who loses first: firm orders last, reserved before released units, then the least urgent order, the latest. */
static UsomQuery find_losers = {
	.text = "SELECT w.sales_order_id FROM (SELECT f.sales_order_id, sum(f.quantity) OVER (ORDER BY "
	"(o.order_type = ANY (ARRAY(SELECT t.order_type FROM usom.order_types() t WHERE t.firm))), f.status, "
	"o.priority DESC, o.placed_at DESC, o.sales_order_id DESC, f.line_no, f.piece_no "
	"ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before FROM usom.fulfillment_line f "
	"JOIN usom.sales_order o ON o.org_id = f.org_id AND o.sales_order_id = f.sales_order_id "
	"WHERE f.org_id = $1 AND f.product_id = $2 AND f.location_id = $3 AND f.lot = $4 "
	"AND f.status IN ('reserved', 'released')) AS w "
	"WHERE coalesce(w.before, 0) < $5 GROUP BY w.sales_order_id ORDER BY w.sales_order_id",
	.nargs = 5,
	.argtypes = {"bigint", "bigint", "bigint", "text", "numeric"},
};

static bool
may_lose(const UsomOrderSet *set, int piece, const UsomStockKey *key)
{
	const UsomPiece *of = &set->pieces[piece];

	return (of->status == USOM_PIECE_RESERVED || of->status == USOM_PIECE_RELEASED) && of->quantity > 0 &&
		of->location_id == key->location_id && strcmp(of->lot, key->lot) == 0 &&
		set->lines[of->line].product_id == key->product_id;
}

static UsomQuantity
units_to_lose(const Counting *counting)
{
	UsomQuantity units = 0;

	for (int i = 0; i < counting->set->npieces; i++)
		if (may_lose(counting->set, i, &counting->lot.key))
			units += counting->set->pieces[i].quantity;
	return units;
}

static int64 *
find_ids(const Counting *counting, int *nids)
{
	Datum		values[] = {
		Int64GetDatum(counting->place.org_id),
		Int64GetDatum(counting->lot.key.product_id),
		Int64GetDatum(counting->lot.key.location_id),
		CStringGetTextDatum(counting->lot.key.lot),
		NumericGetDatum(usom_quantity_numeric(counting->lot.reserved - counting->counted)),
	};
	int64	   *ids;

	*nids = (int) usom_query_run(&find_losers, values, NULL);
	ids = palloc_array(int64, *nids + 1);
	for (int i = 0; i < *nids; i++)
		ids[i] = DatumGetInt64(usom_query_get(i, 1));
	return ids;
}

/* Whoever could lose is locked: more than they have is not to be had. */
static bool
knows_all(const Counting *counting)
{
	int			nids;
	int64	   *ids = find_ids(counting, &nids);

	return usom_order_set_has(counting->set, ids, nids);
}

/* The first look locks the place alone; if orders must lose units, they are locked before it. */
static bool
lock_all(void *arg)
{
	Counting   *counting = arg;
	bool		was_short = counting->is_short;
	int			nids;
	int			nrows;

	if (was_short)
	{
		int64	   *ids = find_ids(counting, &nids);

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
	if (units_to_lose(counting) < counting->lot.reserved - counting->counted)
		usom_stock_refuse_below_reserved(&counting->place, &counting->lot, counting->counted);
	return true;
}

/* ---- who loses ---- */

typedef struct Turns
{
	const UsomOrderSet *set;
	const int  *places;			/* of orders, by usom.fill_priority; NULL: there is one */
} Turns;

static int
compare_losers(const void *a, const void *b, void *arg)
{
	const Turns *turns = arg;
	const UsomOrderSet *set = turns->set;
	const UsomPiece *x = &set->pieces[*(const int *) a];
	const UsomPiece *y = &set->pieces[*(const int *) b];

	if (usom_order_is_firm(set, *(const int *) a) != usom_order_is_firm(set, *(const int *) b))
		return usom_order_is_firm(set, *(const int *) a) ? 1 : -1;
	if (x->status != y->status)
		return x->status < y->status ? -1 : 1;
	if (set->lines[x->line].order != set->lines[y->line].order)
		return turns->places[set->lines[y->line].order] - turns->places[set->lines[x->line].order];
	return *(const int *) a - *(const int *) b;
}

static void
let_wait(UsomOrderSet *set, int piece, UsomQuantity units)
{
	if (set->pieces[piece].status == USOM_PIECE_RELEASED)
		piece = usom_order_move_piece(set, piece, USOM_PIECE_RESERVED, units, NULL);
	usom_order_move_piece(set, piece, USOM_PIECE_BACKORDERED, units, NULL);
}

static void
take_from_losers(const Counting *counting)
{
	UsomOrderSet *set = counting->set;
	UsomQuantity missing = counting->lot.reserved - counting->counted;
	int		   *pieces = palloc_array(int, set->npieces + 1);
	Turns		turns = {set, usom_api_fill_places(set)};
	int			count = 0;

	for (int i = 0; i < set->npieces; i++)
		if (may_lose(set, i, &counting->lot.key))
			pieces[count++] = i;
	qsort_arg(pieces, count, sizeof(int), compare_losers, &turns);
	for (int i = 0; i < count && missing > 0; i++)
	{
		UsomQuantity units = Min(set->pieces[pieces[i]].quantity, missing);

		let_wait(set, pieces[i], units);
		missing -= units;
	}
}

static void
count_below_reserved(const Counting *counting)
{
	UsomOrderSet *set = counting->set;
	UsomWait   *before = usom_api_look_at_waits(set);
	UsomStockMovement movement = {
		.key = counting->lot.key,
		.kind = "count",
		.delta = counting->counted - counting->lot.on_hand,
		.reason = usom_call_reason(),
	};

	take_from_losers(counting);
	usom_order_move_stock(set, &movement);
	usom_api_fill(set, counting->lot.key.product_id);
	usom_api_tell_waits(set, before);
	usom_api_judge_waits(set, before, psprintf("%s at %s", counting->place.sku, counting->place.location));
	usom_api_save_promises(set, "count");
}

/* usom.count_stock(location text, sku text, counted numeric, lot text) */
Datum
usom_count_stock(PG_FUNCTION_ARGS)
{
	Counting	counting = {.set = NULL};

	usom_card_check_call(fcinfo);
	counting.place.location = usom_stock_required_text(fcinfo, 0, "location");
	counting.place.sku = usom_stock_required_text(fcinfo, 1, "sku");
	counting.counted = usom_stock_required_quantity(fcinfo, 2, "counted");
	usom_stock_check_not_negative(counting.counted, "counted", "Give the units that are on the shelf.");
	counting.lot_name = usom_stock_optional_text(fcinfo, 3);
	usom_call_begin("count_stock", NULL);
	usom_retry(lock_all, &counting);
	if (counting.is_short)
		count_below_reserved(&counting);
	else if (counting.counted != counting.lot.on_hand)
		usom_stock_change_on_hand(&counting.place, &counting.lot, counting.counted - counting.lot.on_hand, "count");
	usom_stock_return_position(fcinfo, &counting.place);
	usom_call_end();
	return (Datum) 0;
}
