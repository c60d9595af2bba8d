/*
 * replan.c
 *		A supply changes, and what waits for its product is planned anew.
 *
 * Who counted on the supply lets go of it, the row changes, and everybody is
 * pegged again in the order of service: firm orders first, then by priority,
 * then as they were placed.  So what is lost is lost by the least firm, least
 * urgent, latest order.  Who counted on other supply keeps it, or an earlier one.
 *
 * Locks: orders by key, stock of the product in stock order (if it changes,
 * too), supply of the product by key.  The orders are known by a look at what
 * is locked after them, so it is looked again under the locks, and all is
 * given back and tried again if somebody came in between (base/retry.h).
 *
 * Memory: SPI's context of the call.
 */
#include "postgres.h"

#include "api/replan.h"

#include "api/losers.h"
#include "api/peg.h"
#include "api/substitute.h"
#include "base/call.h"
#include "base/errors.h"
#include "base/query.h"
#include "base/retry.h"
#include "lib/qunique.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

static UsomQuery read_supply = {
	.text = "SELECT s.supply_id, s.product_id, s.location_id, s.quantity, s.received, s.expected_at, s.confidence, s.status, s.sales_order_id IS NOT NULL "
	"FROM usom.supply s WHERE s.org_id = $1 AND s.supply_no = $2",
	.nargs = 2,
	.argtypes = {"bigint", "text"},
};

/* By key: what is expected of the product, and this supply, whatever became of it. */
static UsomQuery lock_supply = {
	.text = "SELECT s.supply_id FROM usom.supply s WHERE s.org_id = $1 AND s.product_id = $2 "
	"AND (s.status = 'expected' OR s.supply_id = $3) ORDER BY s.supply_id FOR NO KEY UPDATE",
	.nargs = 3,
	.argtypes = {"bigint", "bigint", "bigint"},
};

/*
 * Orders that count on the supply, and those that are served first of the
 * others; of lines that may not be cut all that are met on the way.
 */
static UsomQuery find_orders = {
	.text = "SELECT w.sales_order_id FROM (SELECT f.sales_order_id, f.supply_id, "
	"sum(CASE WHEN l.partial AND f.supply_id IS DISTINCT FROM $3 THEN f.quantity ELSE 0 END) "
	"OVER (ORDER BY (o.order_type = ANY (ARRAY(SELECT t.order_type FROM usom.order_types() t WHERE t.firm))) DESC, o.priority, o.placed_at, o.sales_order_id, f.line_no, f.piece_no "
	"ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before FROM usom.fulfillment_line f "
	"JOIN usom.sales_order o ON o.org_id = f.org_id AND o.sales_order_id = f.sales_order_id "
	"JOIN usom.order_line l ON l.org_id = f.org_id AND l.sales_order_id = f.sales_order_id AND l.line_no = f.line_no "
	"WHERE f.org_id = $1 AND f.product_id = $2 AND f.location_id IS NULL AND f.status = 'backordered') AS w "
	"WHERE w.supply_id = $3 OR coalesce(w.before, 0) < $4 GROUP BY w.sales_order_id ORDER BY w.sales_order_id",
	.nargs = 4,
	.argtypes = {"bigint", "bigint", "bigint", "numeric"},
};

static UsomQuery update_supply = {
	.text = "UPDATE usom.supply AS s SET quantity = $3, received = $4, expected_at = $5, confidence = $6, status = $7 "
	"WHERE s.org_id = $1 AND s.supply_id = $2",
	.nargs = 7,
	.argtypes = {"bigint", "bigint", "numeric", "numeric", "timestamptz", "numeric", "text"},
};

static void
read_row(UsomReplan *replan)
{
	Datum		values[] = {Int64GetDatum(replan->org_id), CStringGetTextDatum(replan->supply_no)};

	if (usom_query_run(&read_supply, values, NULL) == 0)
		ereport(ERROR, errcode(USOM_ERR(UNKNOWN_SUPPLY)),
				errmsg("no supply \"%s\"", replan->supply_no),
				errhint("Look it up in usom.supplies."));
	replan->supply_id = DatumGetInt64(usom_query_get(0, 1));
	replan->product_id = DatumGetInt64(usom_query_get(0, 2));
	replan->location_id = DatumGetInt64(usom_query_get(0, 3));
	replan->quantity = usom_quantity_of(DatumGetNumeric(usom_query_get(0, 4)));
	replan->received = usom_quantity_of(DatumGetNumeric(usom_query_get(0, 5)));
	replan->expected_at = replan->expected_before = DatumGetTimestampTz(usom_query_get(0, 6));
	replan->confidence = DatumGetNumeric(usom_query_get(0, 7));
	replan->status = usom_query_get_text(0, 8);
	replan->of_line = DatumGetBool(usom_query_get(0, 9));
}

static int
compare_keys(const void *a, const void *b)
{
	int64		left = *(const int64 *) a;
	int64		right = *(const int64 *) b;

	return (left > right) - (left < right);
}

/* Those who lose units of the shelf, too. */
static int64 *
add_losers(const UsomReplan *replan, int64 *ids, int *nids)
{
	const UsomLeaving *leaving = replan->leaving;
	int			nlosers;
	int64	   *losers;

	if (leaving == NULL || leaving->missing == 0)
		return ids;
	losers = usom_api_find_losers(replan->org_id, &leaving->lot.key, leaving->missing, &nlosers);
	ids = repalloc_array(ids, int64, *nids + nlosers + 1);
	memcpy(ids + *nids, losers, sizeof(int64) * nlosers);
	qsort(ids, *nids + nlosers, sizeof(int64), compare_keys);
	*nids = (int) qunique(ids, *nids + nlosers, sizeof(int64), compare_keys);
	return ids;
}

/* What could be served of it besides what counts on it. */
static UsomQuantity
units_to_come(const UsomReplan *replan)
{
	if (replan->leaving != NULL)
		return usom_quantity_add(Max(replan->quantity - replan->received, 0), replan->leaving->quantity);
	return replan->more >= 0 ? replan->more : replan->quantity - replan->received;
}

static int64 *
find_ids(const UsomReplan *replan, int *nids)
{
	Datum		values[] = {
		Int64GetDatum(replan->org_id),
		Int64GetDatum(replan->product_id),
		Int64GetDatum(replan->supply_id),
		NumericGetDatum(usom_quantity_numeric(units_to_come(replan))),
	};
	int64	   *ids;

	*nids = (int) usom_query_run(&find_orders, values, NULL);
	ids = palloc_array(int64, Max(*nids, 1));
	for (int i = 0; i < *nids; i++)
		ids[i] = DatumGetInt64(usom_query_get(i, 1));
	return add_losers(replan, ids, nids);
}

/* The product, and what serving it may look at besides: other components of kits, substitutes. */
void
usom_api_lock_to_serve(UsomOrderSet *set, int64 product_id)
{
	int			nothers;
	int64	   *others = usom_api_substitute_products(set, &nothers);
	int64	   *products = palloc_array(int64, set->nlines + nothers + 1);
	int			nproducts = 0;
	int			nrows;

	products[nproducts++] = product_id;
	for (int i = 0; i < set->nlines; i++)
		if (usom_line_is_component(&set->lines[i]))
			products[nproducts++] = set->lines[i].product_id;
	memcpy(products + nproducts, others, sizeof(int64) * nothers);
	usom_stock_lock_products(set->org_id, products, nproducts + nothers, usom_call_time(), true, &nrows);
	set->stock_locked = true;
}

static void
read_leaving(UsomReplan *replan)
{
	if (replan->leaving != NULL && replan->leaving->all)
		replan->leaving->quantity = replan->received;
}

/* Does the shelf, which is locked, ask for more from orders than was thought before? */
static bool
loses_more(UsomLeaving *leaving)
{
	UsomQuantity before = leaving->missing;

	leaving->lot = usom_stock_open_lot(&leaving->place, leaving->lot_name, false);
	leaving->missing = Max(leaving->lot.reserved - (leaving->lot.on_hand - leaving->quantity), 0);
	return leaving->missing > before;
}

static bool
lock_all(void *arg)
{
	UsomReplan *replan = arg;
	int			nids;
	int64	   *ids;

	read_row(replan);
	read_leaving(replan);
	ids = find_ids(replan, &nids);
	replan->set = usom_order_load_many(replan->org_id, ids, nids);
	if (replan->with_stock)
		usom_api_lock_to_serve(replan->set, replan->product_id);
	if (replan->leaving != NULL && loses_more(replan->leaving))
		return false;
	usom_query_run(&lock_supply, (Datum[]) {Int64GetDatum(replan->org_id), Int64GetDatum(replan->product_id),
				   Int64GetDatum(replan->supply_id)}, NULL);
	read_row(replan);
	if (replan->leaving != NULL && replan->leaving->all && replan->leaving->quantity != replan->received)
		return false;
	ids = find_ids(replan, &nids);
	return usom_order_set_has(replan->set, ids, nids);
}

void
usom_api_open_supply(UsomReplan *replan)
{
	usom_retry(lock_all, replan);
	replan->before = usom_api_look_at_waits(replan->set);
	replan->counted_on_it = palloc0_array(bool, replan->set->npieces + 1);
	for (int i = 0; i < replan->set->npieces; i++)
		replan->counted_on_it[i] = replan->set->pieces[i].supply_id == replan->supply_id;
	replan->nloaded = replan->set->npieces;
	replan->loaded = palloc_array(UsomPiece, replan->nloaded + 1);
	memcpy(replan->loaded, replan->set->pieces, sizeof(UsomPiece) * replan->nloaded);
}

void
usom_api_check_expected(const UsomReplan *replan)
{
	if (strcmp(replan->status, "expected") != 0)
		ereport(ERROR, errcode(USOM_ERR(SUPPLY_ENDED)),
				errmsg("supply \"%s\" is %s", replan->supply_no, replan->status),
				errdetail("Nothing more is expected of it; %s of %s units have arrived.",
						  usom_quantity_text(replan->received), usom_quantity_text(replan->quantity)),
				errhint("Record another one with usom.add_supply()."));
}

/* A date that was agreed stays; one that followed from the supply goes with it. */
static void
let_go(UsomReplan *replan)
{
	UsomOrderSet *set = replan->set;
	int			npieces = set->npieces;

	for (int i = 0; i < npieces; i++)
	{
		const UsomPiece *piece = &set->pieces[i];
		const UsomLine *line = &set->lines[piece->line];
		TimestampTz wanted = line->requested_at != USOM_NO_TIME ? line->requested_at : set->orders[line->order].requested_at;
		bool		agreed = piece->promised_at > Max(replan->expected_before, wanted);

		if (piece->supply_id == replan->supply_id)
			usom_order_peg_piece(set, i, piece->quantity, 0, agreed ? piece->promised_at : USOM_NO_TIME);
	}
	usom_order_write_pegs(set);
}

void
usom_api_write_supply(UsomReplan *replan)
{
	Datum		values[] = {
		Int64GetDatum(replan->org_id),
		Int64GetDatum(replan->supply_id),
		NumericGetDatum(usom_quantity_stored(replan->quantity)),
		NumericGetDatum(usom_quantity_stored(replan->received)),
		TimestampTzGetDatum(replan->expected_at),
		NumericGetDatum(replan->confidence),
		CStringGetTextDatum(replan->status),
	};

	let_go(replan);
	usom_query_write(&update_supply, values, NULL);
}

static bool
is_as_loaded(const UsomPiece *piece, const UsomPiece *loaded)
{
	return piece->status == loaded->status && piece->quantity == loaded->quantity &&
		piece->supply_id == loaded->supply_id && piece->promised_at == loaded->promised_at &&
		piece->location_id == loaded->location_id && strcmp(piece->lot, loaded->lot) == 0;
}

/* Who let go of a supply and counts on it again as before did not change. */
static void
settle_changed(UsomReplan *replan, const char *event)
{
	UsomOrderSet *set = replan->set;

	for (int i = 0; i < replan->nloaded; i++)
		if (is_as_loaded(&set->pieces[i], &replan->loaded[i]))
			set->pieces[i].changed = false;
	for (int i = 0; i < set->npieces; i++)
	{
		int			order = set->lines[set->pieces[i].line].order;

		if ((set->pieces[i].changed || set->pieces[i].is_new) && !set->orders[order].changed)
			usom_order_settle(set, order, event);
	}
}

/* A supply of one line that brings no more than the line wants: whoever asked about it has an answer. */
static UsomQuery settle_excess = {
	.text = "SELECT usom._settle_case(s.sales_order_id, s.line_no, 'supply_excess', s.supply_no) FROM usom.supply AS s "
	"WHERE s.org_id = $1 AND s.supply_id = $2 AND (s.status <> 'expected' OR s.quantity <= s.received + s.pegged)",
	.nargs = 2,
	.argtypes = {"bigint", "bigint"},
};

void
usom_api_close_supply(UsomReplan *replan, const char *event)
{
	UsomOrderSet *set = replan->set;

	usom_api_peg_anew(set, replan->product_id);
	usom_api_tell_waits(set, replan->before);
	usom_api_judge_waits(set, replan->before, replan->supply_no);
	settle_changed(replan, event);
	usom_order_save(set);
	if (replan->of_line)
		usom_query_run(&settle_excess, (Datum[]) {Int64GetDatum(replan->org_id), Int64GetDatum(replan->supply_id)}, NULL);
}
