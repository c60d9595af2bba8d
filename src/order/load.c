/*
 * load.c
 *		Read orders, whole or their headers alone.
 *
 * Memory: everything in CurrentMemoryContext, values of rows included (they
 * are read out of SPI's result, which lives as long as the call).
 *
 * Locks: the order rows, FOR UPDATE, by key.  Lines and pieces are read after
 * that, so nobody changes them meanwhile: every writer takes the order first.
 *
 * Invariant: a set without lines is of an order of which nobody who follows a
 * save wants to know any (needs_lines).  Who asks such a set for what its lines
 * add up to is stopped.
 */
#include "postgres.h"

#include "order/order.h"

#include "base/errors.h"
#include "base/fetch.h"
#include "base/query.h"
#include "order/rows.h"
#include "party/party.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"

/* The columns of usom_header_rows. */
#define SELECT_ORDER \
	"SELECT o.org_id, o.order_no, o.sales_order_id, o.status, o.version, o.total, o.currency, o.requested_at, o.ship_complete, " \
	"o.order_type, o.priority, o.placed_at, o.channel_id, o.customer_id, o.paid, o.payment, o.priced_at, " \
	"o.flow_id, o.flow_state " \
	"FROM usom.sales_order o "

#define LINE_COLUMNS 26			/* of a line itself */
#define PIECE_COLUMNS 11
#define MOST_COLUMNS 32

static UsomQuery lock_by_number = {
	.text = SELECT_ORDER "WHERE o.org_id = $1 AND o.order_no = $2 AND ($3 IS NULL OR o.channel_id = ANY ($3)) FOR UPDATE",
	.nargs = 3,
	.argtypes = {"bigint", "text", "bigint[]"},
};

static UsomQuery lock_by_key = {
	.text = SELECT_ORDER "WHERE o.org_id = $1 AND o.sales_order_id = ANY ($2) ORDER BY o.sales_order_id FOR UPDATE",
	.nargs = 2,
	.argtypes = {"bigint", "bigint[]"},
};

/* What belongs to orders is read past the executor, or, where that cannot be, by these statements. */
static UsomQuery select_lines = {
	.text = "SELECT l.line_no, l.product_id, l.quantity, l.unit_price, l.total, l.location_id, l.requested_at, l.substitution, l.partial, "
	"l.quantity_open, l.quantity_backordered, l.quantity_reserved, l.quantity_released, l.quantity_picked, "
	"l.quantity_packed, l.quantity_shipped, l.quantity_delivered, l.quantity_returned, l.quantity_cancelled, "
	"l.kit_line_no, l.kit_quantity, l.discount, l.freight, l.tax, l.tax_included, l.decimals, " USOM_PRODUCT_NATURE ", l.sales_order_id, "
	"EXISTS (SELECT 1 FROM usom.hold h WHERE h.org_id = $1 AND h.sales_order_id = ANY ($2) AND h.line_no IS NOT NULL "
	"AND h.released_at IS NULL) FROM usom.order_line l LEFT JOIN usom.product p ON p.org_id = l.org_id AND p.product_id = l.product_id "
	"WHERE l.org_id = $1 AND l.sales_order_id = ANY ($2) ORDER BY l.sales_order_id, l.line_no",
	.nargs = 2,
	.argtypes = {"bigint", "bigint[]"},
};

static UsomQuery select_pieces = {
	.text = "SELECT f.line_no, f.piece_no, f.location_id, f.lot, f.status, f.quantity, f.promised_at, "
	"f.shipment_id, f.ships_on, f.supply_id, f.package_id, f.sales_order_id FROM usom.fulfillment_line f "
	"WHERE f.org_id = $1 AND f.sales_order_id = ANY ($2) ORDER BY f.sales_order_id, f.line_no, f.piece_no",
	.nargs = 2,
	.argtypes = {"bigint", "bigint[]"},
};

#define OF_ORDER .nkeys = 2, .keys = {{"org_id", "bigint"}, {"sales_order_id", "bigint"}}

static UsomFetch read_lines = {
	.table = "order_line", .index = "order_line_pkey", OF_ORDER, .order = {"line_no"},
	.ncolumns = LINE_COLUMNS,
	.columns = {
		{"line_no", "integer"}, {"product_id", "bigint"}, {"quantity", "numeric"}, {"unit_price", "numeric"}, {"total", "numeric"},
		{"location_id", "bigint"}, {"requested_at", "timestamptz"}, {"substitution", "text"}, {"partial", "boolean"},
		{"quantity_open", "numeric"}, {"quantity_backordered", "numeric"}, {"quantity_reserved", "numeric"},
		{"quantity_released", "numeric"}, {"quantity_picked", "numeric"}, {"quantity_packed", "numeric"}, {"quantity_shipped", "numeric"},
		{"quantity_delivered", "numeric"}, {"quantity_returned", "numeric"}, {"quantity_cancelled", "numeric"},
		{"kit_line_no", "integer"}, {"kit_quantity", "numeric"}, {"discount", "numeric"}, {"freight", "numeric"}, {"tax", "numeric"},
		{"tax_included", "boolean"}, {"decimals", "smallint"}
	},
};

static UsomFetch read_pieces = {
	.table = "fulfillment_line", .index = "fulfillment_line_pkey", OF_ORDER, .order = {"line_no", "piece_no"},
	.ncolumns = PIECE_COLUMNS,
	.columns = {
		{"line_no", "integer"}, {"piece_no", "integer"}, {"location_id", "bigint"}, {"lot", "text"}, {"status", "usom.piece_status"},
		{"quantity", "numeric"}, {"promised_at", "timestamptz"}, {"shipment_id", "bigint"}, {"ships_on", "date"}, {"supply_id", "bigint"},
		{"package_id", "bigint"}
	},
};

static UsomFetch read_product = {
	.table = "product", .index = "product_pkey",
	.nkeys = 2, .keys = {{"org_id", "bigint"}, {"product_id", "bigint"}},
	.ncolumns = USOM_NATURE_COLUMNS, .columns = {USOM_NATURE_OF},
};

static UsomFetch read_holds = {
	.table = "hold", .index = "hold_of_order", .null_columns = {"released_at"}, OF_ORDER,
	.ncolumns = 1, .columns = {{"line_no", "integer"}},
};

/* ---- rows ---- */

/* A row, wherever it comes from. */
typedef struct Row
{
	const Datum *values;
	const bool *nulls;
} Row;

static inline int64
row_key(Row row, int column)
{
	return row.nulls[column] ? 0 : DatumGetInt64(row.values[column]);
}

static inline TimestampTz
row_time(Row row, int column)
{
	return row.nulls[column] ? USOM_NO_TIME : DatumGetTimestampTz(row.values[column]);
}

static inline UsomQuantity
row_quantity(Row row, int column)
{
	return usom_quantity_of(DatumGetNumeric(row.values[column]));
}

static inline char *
row_text(Row row, int column)
{
	return row.nulls[column] ? NULL : TextDatumGetCString(row.values[column]);
}

/* The method that a document named. */
static char *
pay_method(Row row)
{
	LOCAL_FCINFO(fcinfo, 2);
	Datum		method;

	if (likely(row.nulls[HEADER_PAYMENT]))
		return NULL;
	InitFunctionCallInfoData(*fcinfo, NULL, 2, InvalidOid, NULL, NULL);
	fcinfo->args[0] = (NullableDatum) {row.values[HEADER_PAYMENT], false};
	fcinfo->args[1] = (NullableDatum) {CStringGetTextDatum("method"), false};
	method = jsonb_object_field_text(fcinfo);
	return fcinfo->isnull ? NULL : TextDatumGetCString(method);
}

/* Copies: the row may go. */
static void
take_order(UsomOrder *order, Row row)
{
	order->sales_order_id = row_key(row, HEADER_ID);
	order->order_no = row_text(row, HEADER_NO);
	order->status = order->status_before = (UsomOrderStatus) DatumGetUInt8(row.values[HEADER_STATUS]);
	order->version = DatumGetInt32(row.values[HEADER_VERSION]);
	order->total = DatumGetNumericCopy(row.values[HEADER_TOTAL]);
	order->currency = row_text(row, HEADER_CURRENCY);
	order->requested_at = row_time(row, HEADER_REQUESTED_AT);
	order->ship_complete = DatumGetBool(row.values[HEADER_SHIP_COMPLETE]);
	Ensure(usom_order_type_find(row_text(row, HEADER_TYPE), &order->order_type), "an order is of no known type");
	order->priority = DatumGetInt32(row.values[HEADER_PRIORITY]);
	order->placed_at = DatumGetTimestampTz(row.values[HEADER_PLACED_AT]);
	order->channel_id = row_key(row, HEADER_CHANNEL);
	order->customer_id = row_key(row, HEADER_CUSTOMER);
	order->paid = row.nulls[HEADER_PAID] ? NULL : DatumGetNumericCopy(row.values[HEADER_PAID]);
	order->pay_method = pay_method(row);
	order->priced_at = row_key(row, HEADER_PRICED_AT);
	order->flow_id = row_key(row, HEADER_FLOW);
	order->flow_state = row_text(row, HEADER_FLOW_STATE);
}

static void
take_kit(UsomLine *line, Row row)
{
	line->kit_line_no = row.nulls[19] ? 0 : DatumGetInt32(row.values[19]);
	if (!usom_line_is_component(line))
		return;
	line->kit_quantity = row.nulls[20] ? 0 : row_quantity(row, 20);
	Ensure(line->kit_quantity > 0, "a component without units for a kit: see usom.verify()");
}

static void
take_line(UsomLine *line, int order, Row row, UsomNature nature)
{
	line->order = order;
	line->line_no = DatumGetInt32(row.values[0]);
	line->product_id = row_key(row, 1);
	usom_order_take_nature(line, nature);
	line->quantity = row_quantity(row, 2);
	line->unit_price = DatumGetNumeric(row.values[3]);
	line->total = DatumGetNumeric(row.values[4]);
	line->location_id = row_key(row, 5);
	line->requested_at = row_time(row, 6);
	line->substitution = TextDatumGetCString(row.values[7]);
	line->partial = DatumGetBool(row.values[8]);
	for (int state = 0; state < USOM_PIECE_STATES; state++)
		line->counters.by_state[state] = row_quantity(row, 9 + state);
	take_kit(line, row);
	line->discount = DatumGetNumeric(row.values[21]);
	line->freight = DatumGetNumeric(row.values[22]);
	line->tax = DatumGetNumeric(row.values[23]);
	line->tax_included = DatumGetBool(row.values[24]);
	line->decimals = row.nulls[25] ? USOM_NO_DECIMALS : DatumGetInt16(row.values[25]);
	line->counted = usom_order_countable(line);
	line->alive = usom_order_live(line);
	usom_order_mark_agreed(line);
}

static void
take_piece(UsomPiece *piece, int line, Row row)
{
	piece->line = line;
	piece->piece_no = DatumGetInt32(row.values[1]);
	piece->location_id = row_key(row, 2);
	piece->lot = TextDatumGetCString(row.values[3]);
	piece->status = (UsomPieceStatus) DatumGetUInt8(row.values[4]);
	piece->quantity = row_quantity(row, 5);
	piece->promised_at = row_time(row, 6);
	piece->shipment_id = row_key(row, 7);
	piece->ships_on = row.nulls[8] ? USOM_NO_DAY : DatumGetDateADT(row.values[8]);
	piece->supply_id = row_key(row, 9);
	piece->package_id = row_key(row, 10);
}

/* Room for so many more, zeroed as far as it is new. */
static void
want_lines(UsomOrderSet *set, uint64 count)
{
	int			capacity = set->lines_capacity;

	if (set->nlines + (int) count <= capacity)
		return;
	set->lines_capacity = Max(2 * capacity, set->nlines + (int) count);
	set->lines = repalloc_array(set->lines, UsomLine, set->lines_capacity);
	memset(&set->lines[capacity], 0, (set->lines_capacity - capacity) * sizeof(UsomLine));
}

static void
want_pieces(UsomOrderSet *set, uint64 count)
{
	int			capacity = set->pieces_capacity;

	if (set->npieces + (int) count <= capacity)
		return;
	set->pieces_capacity = Max(2 * capacity, set->npieces + (int) count);
	set->pieces = repalloc_array(set->pieces, UsomPiece, set->pieces_capacity);
	memset(&set->pieces[capacity], 0, (set->pieces_capacity - capacity) * sizeof(UsomPiece));
}

/* Pieces come sorted as lines are, so one pass over both finds the parents: the search goes on from the line of the one before. */
static void
add_piece(UsomOrderSet *set, int64 order_id, Row row)
{
	int			line = set->npieces > 0 ? set->pieces[set->npieces - 1].line : 0;
	int32		line_no = DatumGetInt32(row.values[0]);

	while (line < set->nlines && (set->lines[line].line_no != line_no ||
								  set->orders[set->lines[line].order].sales_order_id != order_id))
		line++;
	Ensure(line < set->nlines, "piece %d of line %d has no line: see usom.verify()", DatumGetInt32(row.values[1]), line_no);
	take_piece(&set->pieces[set->npieces++], line, row);
	set->lines[line].last_piece_no = set->pieces[set->npieces - 1].piece_no;
}

/* ---- past the executor ---- */

/* False: it cannot be read so, as that of all below. */
static bool
fetch_nature(const UsomOrderSet *set, int64 product_id, UsomNature *nature)
{
	Datum		keys[] = {Int64GetDatum(set->org_id), Int64GetDatum(product_id)};
	UsomFetched product;

	if (!usom_fetch_rows(&read_product, keys, NULL, &product))
		return false;
	Ensure(product.count == 1, "a line of a product that there is not: see usom.verify()");
	*nature = usom_product_nature(product.values);
	return true;
}

static bool
fetch_lines(UsomOrderSet *set, int order, const Datum *keys)
{
	UsomFetched rows;

	if (!usom_fetch_rows(&read_lines, keys, NULL, &rows))
		return false;
	want_lines(set, rows.count);
	for (uint64 i = 0; i < rows.count; i++)
	{
		Row			row = {&rows.values[i * LINE_COLUMNS], &rows.nulls[i * LINE_COLUMNS]};
		UsomNature	nature;

		if (!fetch_nature(set, row_key(row, 1), &nature))
			return false;
		take_line(&set->lines[set->nlines++], order, row, nature);
	}
	return true;
}

static bool
fetch_pieces(UsomOrderSet *set, const Datum *keys)
{
	UsomFetched rows;

	if (!usom_fetch_rows(&read_pieces, keys, NULL, &rows))
		return false;
	want_pieces(set, rows.count);
	for (uint64 i = 0; i < rows.count; i++)
		add_piece(set, DatumGetInt64(keys[1]), (Row) {&rows.values[i * PIECE_COLUMNS], &rows.nulls[i * PIECE_COLUMNS]});
	return true;
}

static bool
fetch_holds(UsomOrderSet *set, const Datum *keys)
{
	UsomFetched rows;

	if (!usom_fetch_rows(&read_holds, keys, NULL, &rows))
		return false;
	for (uint64 i = 0; i < rows.count; i++)
		set->unit_holds |= !rows.nulls[i];
	return true;
}

static bool
fetch_rest(void *argument)
{
	UsomOrderSet *set = argument;

	for (int order = 0; order < set->norders; order++)
	{
		Datum		keys[] = {Int64GetDatum(set->org_id), Int64GetDatum(set->orders[order].sales_order_id)};

		if (!fetch_lines(set, order, keys) || !fetch_pieces(set, keys) || !fetch_holds(set, keys))
			return false;
	}
	return true;
}

/* ---- by statements ---- */

static Row
result_row(uint64 row, Datum *values, bool *nulls)
{
	for (int i = 0; i < SPI_tuptable->tupdesc->natts; i++)
		values[i] = usom_query_get_or_null(row, i + 1, &nulls[i]);
	return (Row) {values, nulls};
}

static void
select_rest_lines(UsomOrderSet *set, Datum *arguments)
{
	uint64		n = usom_query_run(&select_lines, arguments, NULL);
	Datum		values[MOST_COLUMNS];
	bool		nulls[MOST_COLUMNS];
	int			order = 0;

	want_lines(set, n);
	for (uint64 i = 0; i < n; i++)
	{
		Row			row = result_row(i, values, nulls);

		while (order < set->norders && set->orders[order].sales_order_id != row_key(row, LINE_COLUMNS + 1))
			order++;
		Ensure(order < set->norders, "a line belongs to none of the orders");
		Ensure(!nulls[LINE_COLUMNS], "a line of a product that there is not: see usom.verify()");
		take_line(&set->lines[set->nlines++], order, row, (UsomNature) DatumGetInt32(values[LINE_COLUMNS]));
		set->unit_holds |= DatumGetBool(values[LINE_COLUMNS + 2]);
	}
}

static void
select_rest_pieces(UsomOrderSet *set, Datum *arguments)
{
	uint64		n = usom_query_run(&select_pieces, arguments, NULL);
	Datum		values[MOST_COLUMNS];
	bool		nulls[MOST_COLUMNS];

	want_pieces(set, n);
	for (uint64 i = 0; i < n; i++)
	{
		Row			row = result_row(i, values, nulls);

		add_piece(set, row_key(row, PIECE_COLUMNS), row);
	}
}

static void
select_rest(UsomOrderSet *set)
{
	int64	   *ids = palloc_array(int64, set->norders + 1);
	Datum		arguments[2] = {Int64GetDatum(set->org_id)};

	for (int i = 0; i < set->norders; i++)
		ids[i] = set->orders[i].sales_order_id;
	arguments[1] = usom_query_keys(ids, set->norders);
	memset(set->lines, 0, set->nlines * sizeof(UsomLine));
	memset(set->pieces, 0, set->npieces * sizeof(UsomPiece));
	set->nlines = set->npieces = 0;
	set->unit_holds = false;
	select_rest_lines(set, arguments);
	select_rest_pieces(set, arguments);
}

/* ---- the whole ---- */

/* The order rows are in SPI's result. */
static UsomOrderSet *
take_orders(int64 org_id, uint64 norders)
{
	UsomOrderSet *set = usom_order_set_make(org_id, (int) norders, 0);
	Datum		values[MOST_COLUMNS];
	bool		nulls[MOST_COLUMNS];

	for (uint64 i = 0; i < norders; i++)
		take_order(&set->orders[i], result_row(i, values, nulls));
	return set;
}

/* What belongs to the orders. */
static UsomOrderSet *
load_rest(UsomOrderSet *set)
{
	if (unlikely(!usom_fetch_together(fetch_rest, set)))
		select_rest(set);
	return set;
}

/* What is locked, and the channels that the caller may see: while rows are locked the owner of the tables asks. */
typedef struct Locking
{
	UsomOrderSet *set;
	ArrayType  *channels;		/* NULL: all */
} Locking;

static bool
is_visible(void *argument, const Datum *values, const bool *nulls)
{
	const Locking *locking = argument;
	const int64 *channels;

	if (likely(locking->channels == NULL))
		return true;
	channels = (const int64 *) ((const char *) locking->channels + ARR_OVERHEAD_NONULLS(ARR_NDIM(locking->channels)));
	for (int i = 0; i < ArrayGetNItems(ARR_NDIM(locking->channels), ARR_DIMS(locking->channels)); i++)
		if (channels[i] == DatumGetInt64(values[HEADER_CHANNEL]))
			return true;
	return false;
}

static void
take_locked(void *argument, const Datum *values, const bool *nulls)
{
	UsomOrderSet *set = ((Locking *) argument)->set;

	take_order(&set->orders[set->norders++], (Row) {values, nulls});
}

static UsomOrderSet *
lock_by_statement(int64 org_id, Datum order_no, ArrayType *channels)
{
	bool		nulls[3] = {false, false, channels == NULL};
	Datum		values[3] = {Int64GetDatum(org_id), order_no, PointerGetDatum(channels)};

	return take_orders(org_id, usom_query_run(&lock_by_number, values, nulls));
}

static UsomOrderSet *
lock_order(int64 org_id, const char *order_no)
{
	bool		sees_all;
	Datum		channels = usom_party_channels(&sees_all);
	Locking		locking = {usom_order_set_make(org_id, 1, 0), sees_all ? NULL : DatumGetArrayTypeP(channels)};
	Datum		key[HEADER_KEYS] = {[HEADER_ORG] = Int64GetDatum(org_id), [HEADER_NO] = CStringGetTextDatum(order_no)};
	UsomRowLocks locks = {
		.update = &usom_header_rows, .text = lock_by_number.text, .keys = key, .nkeys = HEADER_KEYS, .count = 1,
		.exclusive = true, .wanted = is_visible, .locked = take_locked, .argument = &locking,
	};

	locking.set->norders = 0;
	if (unlikely(!usom_row_locks_take(&locks)))
		locking.set = lock_by_statement(org_id, key[HEADER_NO], locking.channels);
	if (locking.set->norders == 0)
		ereport(ERROR, errcode(USOM_ERR(UNKNOWN_ORDER)),
				errmsg("no order \"%s\"", order_no),
				errhint("Look it up in usom.orders."));
	return locking.set;
}

UsomOrderSet *
usom_order_load(int64 org_id, const char *order_no)
{
	return load_rest(lock_order(org_id, order_no));
}

/*
 * Those who follow each save and look at lines that did not change: what is
 * paid is compared with what is served (paid.c), and pick-ups end with their
 * last unit (fulfillment/service_follow.c).
 */
static bool
needs_lines(const UsomOrder *order)
{
	return order->paid != NULL || order->order_type == USOM_TYPE_PICK_UP;
}

UsomOrderSet *
usom_order_load_header(int64 org_id, const char *order_no)
{
	UsomOrderSet *set = lock_order(org_id, order_no);

	if (unlikely(needs_lines(&set->orders[0])))
		return load_rest(set);
	set->without_lines = true;
	return set;
}

UsomOrderSet *
usom_order_load_many(int64 org_id, const int64 *ids, int nids)
{
	Datum		values[2] = {Int64GetDatum(org_id), usom_query_keys(ids, nids)};

	return load_rest(take_orders(org_id, usom_query_run(&lock_by_key, values, NULL)));
}
