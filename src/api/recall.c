/*
 * recall.c
 *		usom.block_lot(): a lot must not be used, and what orders keep of it is
 *		taken off it.
 *
 * Units that are reserved or released wait again and are served from other
 * lots or places in the same call; of picked and packed ones the desk is told
 * by a case lot_blocked, and they do not leave.
 *
 * Locks: the orders that keep units of the lot, by key; the lot; the stock of
 * its product, in stock order; its supply.  The orders are known by a look, so
 * it is looked again under the locks (base/retry.h).
 *
 * Memory: SPI's context of the call.
 */
#include "postgres.h"

#include "api/api.h"
#include "api/losers.h"
#include "api/replan.h"
#include "api/supply.h"
#include "api/waits.h"

#include "base/call.h"
#include "base/errors.h"
#include "base/query.h"
#include "base/retry.h"
#include "fulfillment/handover.h"
#include "order/answer.h"
#include "order/news.h"
#include "party/party.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(usom_block_lot);

typedef struct Blocking
{
	int64		org_id;
	int64		product_id;
	const char *sku;
	const char *lot;
	UsomOrderSet *set;			/* orders that keep units of it */
	UsomQuantity taken;
	UsomQuantity picked;
} Blocking;

static UsomQuery find_lot = {
	.text = "SELECT l.product_id FROM usom.lot AS l WHERE l.org_id = $1 AND l.sku = $2 AND l.lot = $3",
	.nargs = 3,
	.argtypes = {"bigint", "text", "text"},
};

static void
open_lot(Blocking *blocking)
{
	Datum		values[] = {
		Int64GetDatum(blocking->org_id), CStringGetTextDatum(blocking->sku), CStringGetTextDatum(blocking->lot)
	};

	if (usom_query_run(&find_lot, values, NULL) == 0)
		ereport(ERROR, errcode(USOM_ERR(UNKNOWN_LOT)),
				errmsg("there is no lot \"%s\" of \"%s\"", blocking->lot, blocking->sku),
				errhint("Look it up in usom.lots, or INSERT INTO usom.lot (sku, lot, blocked) what is to come."));
	blocking->product_id = DatumGetInt64(usom_query_get(0, 1));
}

static UsomQuery find_keepers = {
	.text = "SELECT DISTINCT f.sales_order_id FROM usom.fulfillment_line AS f WHERE f.org_id = $1 AND f.product_id = $2 "
	"AND f.lot = $3 AND f.lot <> '' AND f.status IN ('reserved', 'released', 'picked', 'packed') ORDER BY f.sales_order_id",
	.nargs = 3,
	.argtypes = {"bigint", "bigint", "text"},
};

static int64 *
find_ids(const Blocking *blocking, int *nids)
{
	Datum		values[] = {
		Int64GetDatum(blocking->org_id), Int64GetDatum(blocking->product_id), CStringGetTextDatum(blocking->lot)
	};
	int64	   *ids;

	*nids = (int) usom_query_run(&find_keepers, values, NULL);
	ids = palloc_array(int64, *nids + 1);
	for (int i = 0; i < *nids; i++)
		ids[i] = DatumGetInt64(usom_query_get(i, 1));
	return ids;
}

static UsomQuery lock_lot = {
	.text = "SELECT l.lot FROM usom.lot AS l WHERE l.org_id = $1 AND l.product_id = $2 AND l.lot = $3 FOR NO KEY UPDATE",
	.nargs = 3,
	.argtypes = {"bigint", "bigint", "text"},
};

static UsomQuery block_lot = {
	.text = "UPDATE usom.lot AS l SET blocked = $4 WHERE l.org_id = $1 AND l.product_id = $2 AND l.lot = $3",
	.nargs = 4,
	.argtypes = {"bigint", "bigint", "text", "text"},
};

static bool
lock_all(void *arg)
{
	Blocking   *blocking = arg;
	Datum		values[] = {
		Int64GetDatum(blocking->org_id), Int64GetDatum(blocking->product_id), CStringGetTextDatum(blocking->lot)
	};
	int			nids;
	int64	   *ids = find_ids(blocking, &nids);

	blocking->set = usom_order_load_many(blocking->org_id, ids, nids);
	usom_query_run(&lock_lot, values, NULL);
	usom_api_lock_to_serve(blocking->set, blocking->product_id);
	ids = find_ids(blocking, &nids);
	return usom_order_set_has(blocking->set, ids, nids);
}

static bool
is_of_lot(const Blocking *blocking, const UsomPiece *piece)
{
	return piece->quantity > 0 && blocking->set->lines[piece->line].product_id == blocking->product_id &&
		strcmp(piece->lot, blocking->lot) == 0;
}

/* Reserved and released units wait again, place by place. */
static void
take_off(Blocking *blocking)
{
	UsomOrderSet *set = blocking->set;
	int			npieces = set->npieces;

	for (int i = 0; i < npieces; i++)
	{
		UsomStockKey key = {blocking->product_id, set->pieces[i].location_id, blocking->lot, 0};
		UsomQuantity units;

		if (!is_of_lot(blocking, &set->pieces[i]))
			continue;
		units = usom_api_units_to_lose(set, &key);
		blocking->taken = usom_quantity_add(blocking->taken, units);
		if (units > 0)
			usom_api_take_from_losers(set, &key, units);
	}
}

/* Picked and packed units stay where they are, and do not leave: somebody has to look. */
static void
raise_picked(Blocking *blocking, const char *reason)
{
	UsomOrderSet *set = blocking->set;

	for (int i = 0; i < set->npieces; i++)
	{
		const UsomPiece *piece = &set->pieces[i];
		const UsomLine *line = &set->lines[piece->line];

		if (!is_of_lot(blocking, piece) || (piece->status != USOM_PIECE_PICKED && piece->status != USOM_PIECE_PACKED))
			continue;
		blocking->picked = usom_quantity_add(blocking->picked, piece->quantity);
		usom_order_raise(set, line->order, line->line_no, "lot_blocked", blocking->lot,
						 psprintf("units of lot %s of %s are picked, and it is blocked: %s", blocking->lot, blocking->sku, reason),
						 NULL, USOM_NO_TIME);
	}
}

static UsomQuantity
waiting(const UsomOrderSet *set)
{
	UsomQuantity units = 0;

	for (int i = 0; i < set->nlines; i++)
		if (!usom_line_is_kit(&set->lines[i]))
			units = usom_quantity_add(units, set->lines[i].counters.by_state[USOM_PIECE_BACKORDERED]);
	return units;
}

/* Returns how many of the units taken off were served from elsewhere. */
static UsomQuantity
serve_again(Blocking *blocking)
{
	UsomOrderSet *set = blocking->set;
	UsomWait   *before = usom_api_look_at_waits(set);
	UsomWork   *work = usom_fulfillment_look(set);
	UsomQuantity wait;

	take_off(blocking);
	raise_picked(blocking, usom_call_reason());
	wait = waiting(set);
	usom_api_fill(set, blocking->product_id);
	wait -= waiting(set);
	usom_api_tell_waits(set, before);
	usom_api_judge_waits(set, before, psprintf("%s lot %s", blocking->sku, blocking->lot));
	usom_fulfillment_tell(set, work);
	usom_api_save_promises(set, "block_lot");
	return wait;
}

/* usom.block_lot(sku text, lot text, reason text) */
Datum
usom_block_lot(PG_FUNCTION_ARGS)
{
	UsomAnswer *answer = usom_order_answer_begin(fcinfo, "block_lot", 2);
	Blocking	blocking = {
		.org_id = usom_party_org(),
		.sku = usom_order_arg_text(fcinfo, 0, "sku"),
		.lot = usom_order_arg_text(fcinfo, 1, "lot"),
	};
	Datum		values[5];
	bool		nulls[5] = {false};
	UsomQuantity served;

	open_lot(&blocking);
	usom_retry(lock_all, &blocking);
	values[0] = Int64GetDatum(blocking.org_id);
	values[1] = Int64GetDatum(blocking.product_id);
	values[2] = CStringGetTextDatum(blocking.lot);
	values[3] = CStringGetTextDatum(usom_order_arg_text(fcinfo, 2, "reason"));
	usom_query_write(&block_lot, values, NULL);
	served = serve_again(&blocking);
	values[0] = CStringGetTextDatum(blocking.sku);
	values[1] = CStringGetTextDatum(blocking.lot);
	values[2] = NumericGetDatum(usom_quantity_numeric(blocking.taken));
	values[3] = NumericGetDatum(usom_quantity_numeric(served));
	values[4] = NumericGetDatum(usom_quantity_numeric(blocking.picked));
	return usom_order_answer_row(answer, values, nulls);
}
