/*
 * work.c
 *		What is at work at locations: handed over when it comes, taken back
 *		when it goes.
 *
 * Units of a line at a location are counted before and after a verb; pieces
 * may be split and joined in between as they like.  What a release gives to a
 * location is one hand-over; what is taken back is taken from the newest
 * hand-overs first.
 *
 * Locks: the orders, by the caller.  Memory: CurrentMemoryContext.
 *
 * Invariant: the status of a hand-over follows from its lines and messages
 * alone (usom._fulfillment_states).
 */
#include "postgres.h"

#include "fulfillment/handover.h"

#include "base/call.h"
#include "base/errors.h"
#include "base/ident.h"
#include "base/payload.h"
#include "base/query.h"
#include "miscadmin.h"
#include "order/news.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#define WORK_COLUMNS 9

/* Units of a line at a location. */
typedef struct Units
{
	int			order;
	int64		location_id;
	int32		line_no;
	int64		product_id;
	UsomQuantity quantity;
} Units;

struct UsomWork
{
	int			count;
	Units	   *units;			/* by order, location, line */
};

/* The lines of one hand-over are rows of the same key. */
static UsomQuery insert_fulfillments = {
	.text = "INSERT INTO usom.fulfillment (org_id, fulfillment_id, fulfillment_no, sales_order_id, location_id, wms, starts, released_at, lines) "
	"SELECT $1, r.fulfillment_id, r.fulfillment_no, r.sales_order_id, r.location_id, r.wms, r.starts, $3, "
	"jsonb_agg(jsonb_build_object('line_no', r.line_no, 'sku', p.sku, 'quantity', trim_scale(r.quantity)) ORDER BY r.line_no) "
	"FROM unnest($2) AS r JOIN usom.product AS p ON p.org_id = $1 AND p.product_id = r.product_id "
	"GROUP BY r.fulfillment_id, r.fulfillment_no, r.sales_order_id, r.location_id, r.wms, r.starts ORDER BY r.fulfillment_id "
	"RETURNING fulfillment_no, sales_order_id, location_id, lines",
	.nargs = 3,
	.argtypes = {"bigint", "usom._work_row[]", "timestamptz"},
};

/* $4: taken_back, or shipped. */
static UsomQuery insert_gone = {
	.text = "WITH held AS (SELECT f.fulfillment_id, f.sales_order_id, h.line_no, r.quantity AS lost, h.handed - h.shipped - h.gone AS left_there, "
	"sum(greatest(h.handed - h.shipped - h.gone, 0)) OVER (PARTITION BY f.sales_order_id, f.location_id, h.line_no "
	"ORDER BY f.fulfillment_id DESC) AS reached "
	"FROM usom._handover_lines($1, ARRAY(SELECT DISTINCT r.sales_order_id FROM unnest($2) AS r)) AS h "
	"JOIN usom.fulfillment AS f ON f.org_id = $1 AND f.fulfillment_id = h.fulfillment_id "
	"JOIN unnest($2) AS r ON r.sales_order_id = f.sales_order_id AND r.location_id = f.location_id AND r.line_no = h.line_no) "
	"INSERT INTO usom.fulfillment_message AS m (org_id, fulfillment_id, sales_order_id, kind, reason, lines) "
	"SELECT $1, t.fulfillment_id, t.sales_order_id, $4, $3, "
	"jsonb_agg(jsonb_build_object('line_no', t.line_no, 'quantity', trim_scale(least(t.left_there, t.lost - t.reached + t.left_there))) ORDER BY t.line_no) "
	"FROM held AS t WHERE t.left_there > 0 AND t.lost > t.reached - t.left_there "
	"GROUP BY t.fulfillment_id, t.sales_order_id ORDER BY t.fulfillment_id "
	"RETURNING (SELECT f.fulfillment_no FROM usom.fulfillment f WHERE f.org_id = $1 AND f.fulfillment_id = m.fulfillment_id), "
	"m.sales_order_id, (SELECT f.location_id FROM usom.fulfillment f WHERE f.org_id = $1 AND f.fulfillment_id = m.fulfillment_id), m.lines",
	.nargs = 4,
	.argtypes = {"bigint", "usom._work_row[]", "text", "text"},
};

static UsomQuery follow_messages = {
	.text = "UPDATE usom.fulfillment AS f SET status = s.status FROM usom._fulfillment_states($1, $2) AS s "
	"WHERE f.org_id = $1 AND f.fulfillment_id = s.fulfillment_id AND f.status <> s.status",
	.nargs = 2,
	.argtypes = {"bigint", "bigint[]"},
};

/* ---- count ---- */

static int
compare_units(const void *a, const void *b)
{
	const Units *left = a;
	const Units *right = b;

	if (left->order != right->order)
		return left->order < right->order ? -1 : 1;
	if (left->location_id != right->location_id)
		return left->location_id < right->location_id ? -1 : 1;
	return (left->line_no > right->line_no) - (left->line_no < right->line_no);
}

static bool
is_at_work(const UsomPiece *piece)
{
	return piece->location_id != 0 && piece->quantity > 0 &&
		piece->status >= USOM_PIECE_RELEASED && piece->status <= USOM_PIECE_PACKED;
}

/* Sorted; units of one line at one location are one. */
static UsomWork *
count_work(const UsomOrderSet *set)
{
	UsomWork   *work = palloc0_object(UsomWork);
	int			count = 0;

	work->units = palloc_array(Units, set->npieces + 1);
	for (int i = 0; i < set->npieces; i++)
	{
		const UsomPiece *piece = &set->pieces[i];
		const UsomLine *line = &set->lines[piece->line];

		if (is_at_work(piece))
			work->units[count++] = (Units) {line->order, piece->location_id, line->line_no, line->product_id, piece->quantity};
	}
	qsort(work->units, count, sizeof(Units), compare_units);
	for (int i = 0; i < count; i++)
	{
		Units	   *last = work->count > 0 ? &work->units[work->count - 1] : NULL;

		if (last != NULL && compare_units(last, &work->units[i]) == 0)
			last->quantity = usom_quantity_add(last->quantity, work->units[i].quantity);
		else
			work->units[work->count++] = work->units[i];
	}
	return work;
}

UsomWork *
usom_fulfillment_look(const UsomOrderSet *set)
{
	if (likely(usom_fulfillment_doors(set->org_id) == NULL))
		return NULL;
	return count_work(set);
}

/* What is in one and not in the other, line by line. */
static UsomWork *
subtract(const UsomWork *from, const UsomWork *what)
{
	UsomWork   *rest = palloc0_object(UsomWork);
	int			next = 0;

	rest->units = palloc_array(Units, from->count + 1);
	for (int i = 0; i < from->count; i++)
	{
		Units		units = from->units[i];

		while (next < what->count && compare_units(&what->units[next], &units) < 0)
			next++;
		if (next < what->count && compare_units(&what->units[next], &units) == 0)
			units.quantity -= what->units[next].quantity;
		if (units.quantity > 0)
			rest->units[rest->count++] = units;
	}
	return rest;
}

/* Is anything of the order at work at the location?  The units are sorted. */
static bool
has_work(const UsomWork *work, int order, int64 location_id)
{
	int			low = 0;
	int			high = work->count;
	Units		key = {.order = order, .location_id = location_id};

	while (low < high)
	{
		int			middle = low + (high - low) / 2;

		if (compare_units(&work->units[middle], &key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < work->count && work->units[low].order == order && work->units[low].location_id == location_id;
}

/* ---- tell ---- */

static void
tell_row(UsomOrderSet *set, const UsomDoors *doors, uint64 row, const char *kind, const char *why)
{
	int64		key = DatumGetInt64(usom_query_get(row, 2));
	const UsomDoor *door = usom_fulfillment_find_door(doors, DatumGetInt64(usom_query_get(row, 3)));
	UsomPayload payload;
	int			order = 0;

	if (door == NULL || door->wms == NULL)
		return;
	while (order < set->norders && set->orders[order].sales_order_id != key)
		order++;
	Ensure(order < set->norders, "a hand-over is of an order that was not loaded");
	payload = usom_payload_begin();
	usom_payload_text(&payload, "fulfillment_no", usom_query_get_text(row, 1));
	usom_payload_text(&payload, "order_no", set->orders[order].order_no);
	usom_payload_text(&payload, "location", door->code);
	usom_payload_text(&payload, "wms", door->wms);
	usom_payload_document(&payload, "lines", DatumGetJsonbP(usom_query_get(row, 4)));
	if (why != NULL)
		usom_payload_text(&payload, "why", why);
	usom_order_tell(set, order, kind, usom_payload_end(&payload));
}

static void
tell_rows(UsomOrderSet *set, const UsomDoors *doors, const char *kind, const char *why)
{
	uint64		n = SPI_processed;

	for (uint64 row = 0; row < n; row++)
	{
		CHECK_FOR_INTERRUPTS();
		tell_row(set, doors, row, kind, why);
	}
}

/* One hand-over: its first row draws the number. */
typedef struct Document
{
	int64		fulfillment_id;
	const char *fulfillment_no;
	const char *wms;
	bool		starts;
} Document;

static void
add_row(UsomRows *rows, const UsomOrderSet *set, const Units *units, const Document *document)
{
	bool		nulls[WORK_COLUMNS] = {false};
	Datum		values[WORK_COLUMNS] = {
		Int64GetDatum(document->fulfillment_id),
		document->fulfillment_no ? CStringGetTextDatum(document->fulfillment_no) : (Datum) 0,
		Int64GetDatum(set->orders[units->order].sales_order_id),
		Int64GetDatum(units->location_id),
		document->wms ? CStringGetTextDatum(document->wms) : (Datum) 0,
		BoolGetDatum(document->starts),
		Int32GetDatum(units->line_no),
		Int64GetDatum(units->product_id),
		NumericGetDatum(usom_quantity_numeric(units->quantity)),
	};

	nulls[1] = document->fulfillment_no == NULL;
	nulls[4] = document->wms == NULL;
	usom_rows_add(rows, values, nulls);
}

/* A location with an outside system, or one that cut-offs may be about. */
static bool
is_recorded(const UsomDoors *doors, const UsomDoor *door)
{
	if (door->wms != NULL)
		return true;
	for (int i = 0; i < doors->ncuts; i++)
		if (doors->cuts[i].location_id == 0 || doors->cuts[i].location_id == door->location_id)
			return true;
	return false;
}

static UsomRows *
gather_new(const UsomOrderSet *set, const UsomDoors *doors, const UsomWork *came, const UsomWork *before)
{
	UsomRows   *rows = usom_rows_make("_work_row", Max(came->count, 1));
	Document	document = {0};

	for (int i = 0; i < came->count; i++)
	{
		const Units *units = &came->units[i];
		const UsomDoor *door = usom_fulfillment_find_door(doors, units->location_id);

		if (door == NULL || !is_recorded(doors, door))
			continue;
		if (document.fulfillment_no == NULL || i == 0 || came->units[i - 1].order != units->order ||
			came->units[i - 1].location_id != units->location_id)
			document = (Document) {
				usom_ident_next(), usom_ident_document_no(set->org_id, "fulfillment"), door->wms,
				!has_work(before, units->order, units->location_id)
			};
		add_row(rows, set, units, &document);
	}
	return rows;
}

static void
hand_over(UsomOrderSet *set, const UsomDoors *doors, const UsomWork *came, const UsomWork *before)
{
	UsomRows   *rows = gather_new(set, doors, came, before);
	Datum		values[3] = {Int64GetDatum(set->org_id), (Datum) 0, TimestampTzGetDatum(usom_call_time())};

	if (usom_rows_count(rows) == 0)
		return;
	values[1] = usom_rows_datum(rows);
	usom_query_write(&insert_fulfillments, values, NULL);
	tell_rows(set, doors, "fulfillment_sent", NULL);
}

static void
take_back(UsomOrderSet *set, const UsomDoors *doors, const UsomWork *went, const char *why)
{
	UsomRows   *rows = usom_rows_make("_work_row", Max(went->count, 1));
	int64	   *orders = palloc_array(int64, went->count + 1);
	const char *reason = usom_call_reason();
	bool		nulls[4] = {false, false, reason == NULL, false};
	Datum		values[4] = {Int64GetDatum(set->org_id), [3] = CStringGetTextDatum(why)};
	int			n = 0;

	for (int i = 0; i < went->count; i++)
	{
		const UsomDoor *door = usom_fulfillment_find_door(doors, went->units[i].location_id);
		Document	document = {0};

		if (door == NULL || door->wms == NULL)
			continue;
		orders[n++] = set->orders[went->units[i].order].sales_order_id;
		add_row(rows, set, &went->units[i], &document);
	}
	if (n == 0)
		return;
	values[1] = usom_rows_datum(rows);
	values[2] = reason ? CStringGetTextDatum(reason) : (Datum) 0;
	usom_query_write(&insert_gone, values, nulls);
	tell_rows(set, doors, "fulfillment_changed", why);
	usom_fulfillment_follow_messages(set->org_id, orders, n);
}

static void
tell(UsomOrderSet *set, const UsomWork *before, const char *why)
{
	const UsomDoors *doors;
	UsomWork   *now;

	if (likely(before == NULL))
		return;
	now = count_work(set);
	doors = usom_fulfillment_doors(set->org_id);
	if (doors == NULL)
		return;
	hand_over(set, doors, subtract(now, before), before);
	take_back(set, doors, subtract(before, now), why);
}

void
usom_fulfillment_tell(UsomOrderSet *set, const UsomWork *before)
{
	tell(set, before, "taken_back");
}

void
usom_fulfillment_tell_shipped(UsomOrderSet *set, const UsomWork *before)
{
	tell(set, before, "shipped");
}

void
usom_fulfillment_follow_messages(int64 org_id, const int64 *orders, int norders)
{
	Datum		values[2] = {Int64GetDatum(org_id), usom_query_keys(orders, norders)};

	usom_query_write(&follow_messages, values, NULL);
}

int
usom_fulfillment_put_back(UsomOrderSet *set, int piece, UsomPieceStatus to, UsomQuantity quantity)
{
	Assert(to == USOM_PIECE_RELEASED || to == USOM_PIECE_RESERVED);
	while (set->pieces[piece].status > to)
		piece = usom_order_move_piece(set, piece, set->pieces[piece].status - 1, quantity, NULL);
	return piece;
}
