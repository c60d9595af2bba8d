/*
 * short_pick.c
 *		usom.short_pick() and usom.report_short(): released units are not there.
 *
 * In one transaction: the ledger is corrected by what is missing, the units
 * wait again and are sourced from elsewhere, and somebody is asked to look at
 * the shelf.  A picker who finds too few has met an empty shelf: what no order
 * keeps there is taken off too, or else the units would be promised from there
 * again.  What other orders keep there stays theirs until their pickers come.
 * Units with numbers leave by them.
 *
 * Locks: the order, its task, then the stock of the products that are short,
 * of components of their kits and of substitutes, in one statement; units with
 * numbers without waiting.
 *
 * Memory: the call's.
 */
#include "postgres.h"

#include "api/short_pick.h"

#include "api/api.h"
#include "api/substitute.h"
#include "api/supply.h"
#include "api/waits.h"
#include "base/call.h"
#include "base/errors.h"
#include "base/payload.h"
#include "base/query.h"
#include "fulfillment/handover.h"
#include "fulfillment/pick_task.h"
#include "order/news.h"
#include "party/party.h"
#include "stock/place.h"
#include "stock/serial.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(usom_short_pick);
PG_FUNCTION_INFO_V1(usom_report_short);

/* The shelf under its lock: what nobody keeps there, and what people call it. */
static UsomQuery look_at_shelf = {
	.text = "SELECT k.product_id, k.location_id, k.lot, s.on_hand - s.reserved, p.sku, l.code FROM unnest($2) AS k "
	"JOIN usom.stock AS s ON s.org_id = $1 AND s.product_id = k.product_id AND s.location_id = k.location_id AND s.lot = k.lot "
	"JOIN usom.product AS p ON p.org_id = $1 AND p.product_id = k.product_id "
	"JOIN usom.location AS l ON l.org_id = $1 AND l.location_id = k.location_id",
	.nargs = 2,
	.argtypes = {"bigint", "usom._stock_key[]"},
};

static UsomQuery find_location = {
	.text = "SELECT usom.location_id($1)",
	.nargs = 1,
	.argtypes = {"text"},
};

/* A stock row that is short of units. */
typedef struct Shelf
{
	UsomStockKey key;
	UsomQuantity missing;
	UsomQuantity free;			/* that no order keeps */
	UsomQuantity taken_off;
	int			line;			/* of the first piece */
	int			order;
	int			nserials;		/* told; 0: none */
	const char *const *serials;
	const char *sku;
	const char *location;
} Shelf;

typedef struct Shelves
{
	int			count;
	Shelf	   *shelves;
} Shelves;

static UsomStockKey
key_of(const UsomOrderSet *set, const UsomPiece *piece)
{
	return (UsomStockKey) {set->lines[piece->line].product_id, piece->location_id, piece->lot, 0};
}

static Shelf *
find_shelf(const Shelves *shelves, const UsomStockKey *key)
{
	for (int i = 0; i < shelves->count; i++)
		if (usom_stock_key_compare(&shelves->shelves[i].key, key) == 0)
			return &shelves->shelves[i];
	return NULL;
}

static Shelves
gather_shelves(const UsomOrderSet *set, const UsomShort *shorts, int nshorts)
{
	Shelves		shelves = {0, palloc0_array(Shelf, Max(nshorts, 1))};

	for (int i = 0; i < nshorts; i++)
	{
		const UsomPiece *piece = &set->pieces[shorts[i].piece];
		UsomStockKey key = key_of(set, piece);
		Shelf	   *shelf = find_shelf(&shelves, &key);

		Ensure(piece->status == USOM_PIECE_RELEASED && piece->location_id != 0 && shorts[i].units > 0 &&
			   shorts[i].units <= piece->quantity, "only released units are short");
		if (shelf == NULL)
		{
			shelf = &shelves.shelves[shelves.count++];
			*shelf = (Shelf) {
				.key = key, .line = piece->line, .order = set->lines[piece->line].order,
				.nserials = shorts[i].nserials, .serials = shorts[i].serials
			};
		}
		shelf->missing = usom_quantity_add(shelf->missing, shorts[i].units);
	}
	return shelves;
}

/* All that sourcing may look at, before anything is read. */
static void
lock_stock(UsomOrderSet *set, const Shelves *shelves)
{
	int			nothers;
	int64	   *others = usom_api_substitute_products(set, &nothers);
	int64	   *products = palloc_array(int64, shelves->count + set->nlines + nothers + 1);
	int			count = 0;
	int			nrows;

	for (int i = 0; i < shelves->count; i++)
		products[count++] = shelves->shelves[i].key.product_id;
	for (int i = 0; i < set->nlines; i++)
		if (usom_line_is_component(&set->lines[i]))
			products[count++] = set->lines[i].product_id;
	memcpy(products + count, others, sizeof(int64) * nothers);
	usom_stock_lock_products(set->org_id, products, count + nothers, usom_call_time(), true, &nrows);
	set->stock_locked = true;
}

static void
read_shelves(const UsomOrderSet *set, Shelves *shelves)
{
	UsomStockKey *keys = palloc_array(UsomStockKey, shelves->count);
	uint64		nrows;

	for (int i = 0; i < shelves->count; i++)
		keys[i] = shelves->shelves[i].key;
	nrows = usom_query_run(&look_at_shelf, (Datum[]) {Int64GetDatum(set->org_id), usom_stock_key_rows(keys, shelves->count)}, NULL);
	for (uint64 row = 0; row < nrows; row++)
	{
		UsomStockKey key = usom_stock_read_key(row, 1);
		Shelf	   *shelf = find_shelf(shelves, &key);

		shelf->free = usom_quantity_of(DatumGetNumeric(usom_query_get(row, 4)));
		shelf->sku = usom_query_get_text(row, 5);
		shelf->location = usom_query_get_text(row, 6);
	}
}

/* Which of them are missing, somebody has to say. */
static void
refuse_serials(const UsomOrderSet *set, const Shelf *shelf, const char *problem)
{
	ereport(ERROR, errcode(USOM_ERR(SERIALS_MISSING)),
			errmsg("units of line %d of order \"%s\" have serial numbers", set->lines[shelf->line].line_no,
				   set->orders[shelf->order].order_no),
			errdetail("%s", problem),
			errhint("Name those of %s that are missing at %s: serials => ARRAY['...'].", shelf->sku, shelf->location));
}

/* Without names: those that the shelf should hold, if these are as many. */
static void
take_off_serials(const UsomOrderSet *set, Shelf *shelf)
{
	int64		order_id = set->orders[shelf->order].sales_order_id;
	UsomQuantity most = shelf->taken_off;

	if (shelf->nserials > 0)
		shelf->taken_off = shelf->nserials * USOM_UNIT;
	else
		shelf->serials = usom_stock_serials_there(set->org_id, shelf->key.product_id, shelf->key.location_id, order_id,
												  (int) (most / USOM_UNIT) + 1, &shelf->nserials);
	if (shelf->nserials * USOM_UNIT != shelf->taken_off)
		refuse_serials(set, shelf, "More are there than are missing, and it is not told which.");
	if (shelf->taken_off < shelf->missing || shelf->taken_off > most)
		refuse_serials(set, shelf, psprintf("%s to %s can be named; %d are.", usom_quantity_text(shelf->missing), usom_quantity_text(most),
											shelf->nserials));
	usom_stock_serials_remove(set->org_id, shelf->key.product_id, shelf->key.location_id, shelf->serials, shelf->nserials, order_id);
}

static void
count_off(const UsomOrderSet *set, Shelves *shelves, bool shelf_empty)
{
	for (int i = 0; i < shelves->count; i++)
	{
		Shelf	   *shelf = &shelves->shelves[i];

		shelf->taken_off = usom_quantity_add(shelf->missing, shelf_empty ? shelf->free : 0);
		if (set->lines[shelf->line].by_serial)
			take_off_serials(set, shelf);
	}
}

static void
correct_stock(UsomOrderSet *set, const Shelves *shelves, const char *reason)
{
	for (int i = 0; i < shelves->count; i++)
	{
		const Shelf *shelf = &shelves->shelves[i];
		UsomStockMovement movement = {
			.key = shelf->key,
			.kind = "adjustment",
			.delta = -shelf->taken_off,
			.reference = set->orders[shelf->order].order_no,
			.reason = reason,
			.sales_order_id = set->orders[shelf->order].sales_order_id,
		};

		usom_order_move_stock(set, &movement);
	}
}

static void
raise_case(UsomOrderSet *set, const UsomShort *missing, const Shelf *shelf, const char *reason)
{
	const UsomPiece *piece = &set->pieces[missing->piece];
	const UsomLine *line = &set->lines[piece->line];
	UsomPayload detail = usom_payload_begin();

	usom_payload_text(&detail, "sku", shelf->sku);
	usom_payload_text(&detail, "location", shelf->location);
	usom_payload_text(&detail, "lot", piece->lot[0] != '\0' ? piece->lot : NULL);
	usom_payload_quantity(&detail, "missing", missing->units);
	usom_payload_quantity(&detail, "released", piece->quantity);
	usom_payload_quantity(&detail, "taken_off", shelf->taken_off);
	usom_payload_text(&detail, "reason", reason);
	usom_order_raise(set, line->order, line->line_no, "short_pick", shelf->location,
					 psprintf("%s of %s units of %s were not at %s", usom_quantity_text(missing->units),
							  usom_quantity_text(piece->quantity), shelf->sku, shelf->location),
					 usom_payload_end(&detail), USOM_NO_TIME);
}

/* The units wait; a piece that loses some keeps its number. */
static void
let_wait(UsomOrderSet *set, const UsomShort *missing)
{
	int			piece = usom_order_move_piece(set, missing->piece, USOM_PIECE_RESERVED, missing->units, NULL);

	usom_order_move_piece(set, piece, USOM_PIECE_BACKORDERED, missing->units, NULL);
}

static void
source_again(UsomOrderSet *set, const Shelves *shelves)
{
	for (int i = 0; i < shelves->count; i++)
	{
		bool		done = false;

		for (int j = 0; j < i; j++)
			done |= shelves->shelves[j].key.product_id == shelves->shelves[i].key.product_id;
		if (!done)
			usom_api_fill(set, shelves->shelves[i].key.product_id);
	}
}

void
usom_api_short_pick(UsomOrderSet *set, const UsomShort *shorts, int nshorts, const char *reason, bool shelf_empty)
{
	UsomWait   *before = usom_api_look_at_waits(set);
	Shelves		shelves = gather_shelves(set, shorts, nshorts);

	if (nshorts == 0)
		return;
	lock_stock(set, &shelves);
	read_shelves(set, &shelves);
	count_off(set, &shelves, shelf_empty);
	for (int i = 0; i < nshorts; i++)
	{
		UsomStockKey key = key_of(set, &set->pieces[shorts[i].piece]);

		raise_case(set, &shorts[i], find_shelf(&shelves, &key), reason);
		let_wait(set, &shorts[i]);
	}
	correct_stock(set, &shelves, reason);
	source_again(set, &shelves);
	usom_api_tell_waits(set, before);
	usom_api_judge_waits(set, before, psprintf("%s at %s", shelves.shelves[0].sku, shelves.shelves[0].location));
}

/* ---- a line, without a task ---- */

static bool
is_missing(const UsomPiece *piece, const UsomMarkedUnits *entry, int64 location_id)
{
	return piece->line == entry->units.line && piece->status == USOM_PIECE_RELEASED && piece->location_id != 0 && piece->quantity > 0 &&
		(location_id == 0 || piece->location_id == location_id) && (entry->lot == NULL || strcmp(entry->lot, piece->lot) == 0);
}

/* The entry of a piece, new if there is none. */
static UsomShort *
short_of(UsomShort *shorts, int *nshorts, int piece)
{
	for (int i = 0; i < *nshorts; i++)
		if (shorts[i].piece == piece)
			return &shorts[i];
	shorts[*nshorts] = (UsomShort) {.piece = piece};
	return &shorts[(*nshorts)++];
}

UsomQuantity
usom_api_choose_short(const UsomOrderSet *set, const UsomMarkedUnits *entry, int64 location_id, UsomShort *shorts, int *nshorts)
{
	UsomQuantity left = entry->units.quantity;

	for (int i = set->npieces - 1; i >= 0 && left > 0; i--)
	{
		UsomShort  *missing;
		UsomQuantity units;

		if (!is_missing(&set->pieces[i], entry, location_id))
			continue;
		missing = short_of(shorts, nshorts, i);
		units = Min(left, set->pieces[i].quantity - missing->units);
		missing->units += units;
		missing->nserials = entry->nserials;
		missing->serials = entry->serials;
		left -= units;
	}
	return left;
}

static void
refuse_too_many(const UsomOrderSet *set, const UsomLineUnits *units, UsomQuantity left)
{
	ereport(ERROR, errcode(USOM_ERR(NOT_PICKABLE)),
			errmsg("not %s units of line %d of order \"%s\" can be missing", usom_quantity_text(units->quantity),
				   set->lines[units->line].line_no, set->orders[0].order_no),
			errdetail("%s of them are released there and not picked.", usom_quantity_text(units->quantity - left)),
			errhint("Look at usom.order_pieces. What is picked is put back first."));
}

static const char *
reason_argument(FunctionCallInfo fcinfo, int arg)
{
	char	   *reason = usom_order_arg_text(fcinfo, arg, "reason");

	if (reason[0] == '\0')
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("argument reason must not be empty"),
				errhint("Say what the picker saw: bin empty, damaged."));
	return reason;
}

static int64
location_argument(FunctionCallInfo fcinfo, int arg)
{
	Datum		code;

	if (PG_ARGISNULL(arg))
		return 0;
	code = PG_GETARG_DATUM(arg);
	usom_query_run(&find_location, &code, NULL);
	return DatumGetInt64(usom_query_get(0, 1));
}

/* Units with numbers that are named are of one shelf. */
static void
check_one_shelf(const UsomOrderSet *set, const UsomShort *shorts, int nshorts)
{
	for (int i = 1; i < nshorts; i++)
		if (shorts[i].nserials > 0 && set->pieces[shorts[i].piece].location_id != set->pieces[shorts[0].piece].location_id)
			ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("units of line %d of order \"%s\" are missing at several locations", set->lines[set->pieces[shorts[0].piece].line].line_no,
						   set->orders[0].order_no),
					errhint("Name the numbers of one location at a time: location => '...'."));
}

static void
name_missing(UsomMarkedUnits *entry, FunctionCallInfo fcinfo, int arg)
{
	if (!PG_ARGISNULL(arg))
		entry->serials = usom_stock_serials_argument(fcinfo, arg, &entry->nserials);
}

/* usom.report_short(order_no text, line_no integer, missing numeric, reason text, location text, shelf_empty boolean, serials text[]) */
Datum
usom_report_short(PG_FUNCTION_ARGS)
{
	UsomAnswer *answer = usom_order_answer_begin(fcinfo, "report_short", 3);
	UsomOrderSet *set = usom_order_load(usom_party_org(), usom_order_arg_text(fcinfo, 0, "order_no"));
	const char *reason = reason_argument(fcinfo, 3);
	UsomShort  *shorts = palloc_array(UsomShort, set->npieces + 1);
	UsomWork   *work = usom_fulfillment_look(set);
	UsomMarkedUnits entry = {.lot = NULL};
	UsomQuantity left;
	int			count = 0;

	usom_order_arg_required(fcinfo, 1, "line_no");
	usom_order_arg_required(fcinfo, 5, "shelf_empty");
	entry.units.line = usom_order_find_line(set, 0, PG_GETARG_INT32(1));
	entry.units.quantity = usom_stock_positive(usom_stock_required_quantity(fcinfo, 2, "missing"), "missing");
	name_missing(&entry, fcinfo, 6);
	left = usom_api_choose_short(set, &entry, location_argument(fcinfo, 4), shorts, &count);
	if (left > 0)
		refuse_too_many(set, &entry.units, left);
	check_one_shelf(set, shorts, count);
	set->orders[0].event_line = set->lines[entry.units.line].line_no;
	set->orders[0].event_quantity = entry.units.quantity;
	usom_api_short_pick(set, shorts, count, reason, PG_GETARG_BOOL(5));
	usom_fulfillment_tell(set, work);
	usom_api_save_promises(set, "short_pick");
	return usom_order_answer_status(answer, set);
}

/* ---- a task ---- */

static void
miss(UsomPickTask *task, const UsomMarkedUnits *seen, const char *reason, bool shelf_empty)
{
	UsomShort	missing = {task->piece, task->left, seen->nserials, seen->serials};
	UsomWork   *work = usom_fulfillment_look(task->set);

	task->missing = task->left;
	task->left = 0;
	task->set->orders[0].event_line = task->set->lines[task->line].line_no;
	task->set->orders[0].event_quantity = task->missing;
	task->set->orders[0].event_reference = task->wave_no;
	usom_api_short_pick(task->set, &missing, 1, reason, shelf_empty);
	usom_fulfillment_tell(task->set, work);
}

/* usom.short_pick(task bigint, found numeric, reason text, picker text, shelf_empty boolean, serials text[]) */
Datum
usom_short_pick(PG_FUNCTION_ARGS)
{
	UsomAnswer *answer = usom_order_answer_begin(fcinfo, "short_pick", 2);
	UsomPickTask *task = usom_pick_open(fcinfo, 3);
	const char *reason = reason_argument(fcinfo, 2);
	UsomScan	scan = {.nserials = 0};
	UsomMarkedUnits seen = {.lot = NULL};
	UsomQuantity units;

	usom_order_arg_required(fcinfo, 1, "found");
	usom_order_arg_required(fcinfo, 4, "shelf_empty");
	units = usom_pick_units(task, fcinfo, 1) - task->picked;
	if (task->piece >= 0)
	{
		name_missing(&seen, fcinfo, 5);
		usom_pick_take(task, units, &scan);
		if (task->left > 0)
			miss(task, &seen, reason, PG_GETARG_BOOL(4));
		usom_api_save_promises(task->set, "short_pick");
		usom_pick_write(task);
	}
	return usom_pick_answer(answer, task);
}
