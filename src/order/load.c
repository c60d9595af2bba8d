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
#include "base/query.h"
#include "party/party.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#define SELECT_ORDER \
	"SELECT o.sales_order_id, o.order_no, o.status, o.version, o.total, o.currency, o.requested_at, o.ship_complete, " \
	"o.order_type, o.priority, o.placed_at, o.channel_id, o.customer_id, o.paid, o.payment->>'method', o.priced_at, " \
	"o.flow_id, o.flow_state " \
	"FROM usom.sales_order o "

#define KIT_COLUMN 22			/* of read_lines: where the columns about kits begin */
#define CHARGE_COLUMN 24		/* and those about charges */
#define HOLD_COLUMN 29			/* and what is said of all lines */

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

static UsomQuery read_lines = {
	.text = "SELECT l.sales_order_id, l.line_no, l.product_id, " USOM_PRODUCT_NATURE ", l.quantity, l.unit_price, l.total, "
	"l.location_id, l.requested_at, l.substitution, l.partial, "
	"l.quantity_open, l.quantity_backordered, l.quantity_reserved, l.quantity_released, l.quantity_picked, "
	"l.quantity_packed, l.quantity_shipped, l.quantity_delivered, l.quantity_returned, l.quantity_cancelled, "
	"l.kit_line_no, l.kit_quantity, l.discount, l.freight, l.tax, l.tax_included, l.decimals, "
	"EXISTS (SELECT 1 FROM usom.hold h WHERE h.org_id = $1 AND h.sales_order_id = ANY ($2) AND h.line_no IS NOT NULL "
	"AND h.released_at IS NULL) FROM usom.order_line l LEFT JOIN usom.product p ON p.org_id = l.org_id AND p.product_id = l.product_id "
	"WHERE l.org_id = $1 AND l.sales_order_id = ANY ($2) ORDER BY l.sales_order_id, l.line_no",
	.nargs = 2,
	.argtypes = {"bigint", "bigint[]"},
};

static UsomQuery read_pieces = {
	.text = "SELECT f.sales_order_id, f.line_no, f.piece_no, f.location_id, f.lot, f.status, f.quantity, f.promised_at, "
	"f.shipment_id, f.ships_on, f.supply_id, f.package_id FROM usom.fulfillment_line f "
	"WHERE f.org_id = $1 AND f.sales_order_id = ANY ($2) ORDER BY f.sales_order_id, f.line_no, f.piece_no",
	.nargs = 2,
	.argtypes = {"bigint", "bigint[]"},
};

static DateADT
get_day(uint64 row, int column)
{
	bool		isnull;
	Datum		value = usom_query_get_or_null(row, column, &isnull);

	return isnull ? USOM_NO_DAY : DatumGetDateADT(value);
}

static UsomQuantity
get_quantity(uint64 row, int column)
{
	return usom_quantity_of(DatumGetNumeric(usom_query_get(row, column)));
}

static void
take_order(UsomOrder *order, uint64 row)
{
	bool		unpaid;
	Datum		paid;

	order->sales_order_id = usom_query_get_key(row, 1);
	order->order_no = usom_query_get_text(row, 2);
	order->status = order->status_before = (UsomOrderStatus) DatumGetUInt8(usom_query_get(row, 3));
	order->version = DatumGetInt32(usom_query_get(row, 4));
	order->total = DatumGetNumeric(usom_query_get(row, 5));
	order->currency = usom_query_get_text(row, 6);
	order->requested_at = usom_query_get_time(row, 7, USOM_NO_TIME);
	order->ship_complete = DatumGetBool(usom_query_get(row, 8));
	Ensure(usom_order_type_find(usom_query_get_text(row, 9), &order->order_type), "an order is of no known type");
	order->priority = DatumGetInt32(usom_query_get(row, 10));
	order->placed_at = DatumGetTimestampTz(usom_query_get(row, 11));
	order->channel_id = usom_query_get_key(row, 12);
	order->customer_id = usom_query_get_key(row, 13);
	paid = usom_query_get_or_null(row, 14, &unpaid);
	order->paid = unpaid ? NULL : DatumGetNumeric(paid);
	order->pay_method = usom_query_get_text(row, 15);
	order->priced_at = usom_query_get_key(row, 16);
	order->flow_id = usom_query_get_key(row, 17);
	order->flow_state = usom_query_get_text(row, 18);
}

static void
take_kit(UsomLine *line, uint64 row)
{
	bool		isnull;
	Datum		kit_line_no = usom_query_get_or_null(row, KIT_COLUMN, &isnull);

	if (!isnull)
		line->kit_line_no = DatumGetInt32(kit_line_no);
	if (!usom_line_is_component(line))
		return;
	line->kit_quantity = get_quantity(row, KIT_COLUMN + 1);
	Ensure(line->kit_quantity > 0, "a component without units for a kit: see usom.verify()");
}

static void
take_charges(UsomLine *line, uint64 row)
{
	bool		isnull;
	Datum		decimals = usom_query_get_or_null(row, CHARGE_COLUMN + 4, &isnull);

	line->discount = DatumGetNumeric(usom_query_get(row, CHARGE_COLUMN));
	line->freight = DatumGetNumeric(usom_query_get(row, CHARGE_COLUMN + 1));
	line->tax = DatumGetNumeric(usom_query_get(row, CHARGE_COLUMN + 2));
	line->tax_included = DatumGetBool(usom_query_get(row, CHARGE_COLUMN + 3));
	line->decimals = isnull ? USOM_NO_DECIMALS : DatumGetInt16(decimals);
}

static void
take_line(UsomLine *line, int order, uint64 row)
{
	line->order = order;
	line->line_no = DatumGetInt32(usom_query_get(row, 2));
	line->product_id = usom_query_get_key(row, 3);
	usom_order_take_nature(line, (UsomNature) DatumGetInt32(usom_query_get(row, 4)));
	line->quantity = get_quantity(row, 5);
	line->unit_price = DatumGetNumeric(usom_query_get(row, 6));
	line->total = DatumGetNumeric(usom_query_get(row, 7));
	line->location_id = usom_query_get_key(row, 8);
	line->requested_at = usom_query_get_time(row, 9, USOM_NO_TIME);
	line->substitution = usom_query_get_text(row, 10);
	line->partial = DatumGetBool(usom_query_get(row, 11));
	for (int state = 0; state < USOM_PIECE_STATES; state++)
		line->counters.by_state[state] = get_quantity(row, 12 + state);
	take_kit(line, row);
	take_charges(line, row);
	line->counted = usom_order_countable(line);
	line->alive = usom_order_live(line);
	usom_order_mark_agreed(line);
}

static void
take_piece(UsomPiece *piece, int line, uint64 row)
{
	piece->line = line;
	piece->piece_no = DatumGetInt32(usom_query_get(row, 3));
	piece->location_id = usom_query_get_key(row, 4);
	piece->lot = usom_query_get_text(row, 5);
	piece->status = (UsomPieceStatus) DatumGetUInt8(usom_query_get(row, 6));
	piece->quantity = get_quantity(row, 7);
	piece->promised_at = usom_query_get_time(row, 8, USOM_NO_TIME);
	piece->shipment_id = usom_query_get_key(row, 9);
	piece->ships_on = get_day(row, 10);
	piece->supply_id = usom_query_get_key(row, 11);
	piece->package_id = usom_query_get_key(row, 12);
}

/* Both results come sorted as the set is, so one pass over each finds the parents. */
static void
load_lines(UsomOrderSet *set, Datum *values)
{
	uint64		n = usom_query_run(&read_lines, values, NULL);
	int			order = 0;

	set->unit_holds = n > 0 && DatumGetBool(usom_query_get(0, HOLD_COLUMN));
	set->lines_capacity = Max((int) n, 8);
	set->lines = palloc0_array(UsomLine, set->lines_capacity);
	for (uint64 row = 0; row < n; row++)
	{
		while (order < set->norders && set->orders[order].sales_order_id != usom_query_get_key(row, 1))
			order++;
		Ensure(order < set->norders, "a line belongs to none of the orders");
		take_line(&set->lines[set->nlines++], order, row);
	}
}

static void
load_pieces(UsomOrderSet *set, Datum *values)
{
	uint64		n = usom_query_run(&read_pieces, values, NULL);
	int			line = 0;

	set->pieces_capacity = Max((int) n, 8);
	set->pieces = palloc0_array(UsomPiece, set->pieces_capacity);
	for (uint64 row = 0; row < n; row++)
	{
		int64		order_id = usom_query_get_key(row, 1);
		int32		line_no = DatumGetInt32(usom_query_get(row, 2));

		while (line < set->nlines && (set->lines[line].line_no != line_no ||
									  set->orders[set->lines[line].order].sales_order_id != order_id))
			line++;
		Ensure(line < set->nlines, "piece %d of line %d has no line: see usom.verify()",
			   DatumGetInt32(usom_query_get(row, 3)), line_no);
		take_piece(&set->pieces[set->npieces++], line, row);
		set->lines[line].last_piece_no = set->pieces[set->npieces - 1].piece_no;
	}
}

/* The order rows are in SPI's result. */
static UsomOrderSet *
take_orders(int64 org_id, uint64 norders)
{
	UsomOrderSet *set = usom_order_set_make(org_id, (int) norders, 0);

	for (uint64 row = 0; row < norders; row++)
		take_order(&set->orders[row], row);
	return set;
}

/* What belongs to the orders. */
static UsomOrderSet *
load_rest(UsomOrderSet *set)
{
	int64	   *ids = palloc_array(int64, set->norders + 1);
	Datum		values[2] = {Int64GetDatum(set->org_id)};

	for (int i = 0; i < set->norders; i++)
		ids[i] = set->orders[i].sales_order_id;
	values[1] = usom_query_keys(ids, set->norders);
	load_lines(set, values);
	load_pieces(set, values);
	return set;
}

static UsomOrderSet *
lock_order(int64 org_id, const char *order_no)
{
	bool		nulls[3] = {false};
	Datum		values[3] = {Int64GetDatum(org_id), CStringGetTextDatum(order_no)};

	values[2] = usom_party_channels(&nulls[2]);
	if (usom_query_run(&lock_by_number, values, nulls) == 0)
		ereport(ERROR, errcode(USOM_ERR(UNKNOWN_ORDER)),
				errmsg("no order \"%s\"", order_no),
				errhint("Look it up in usom.orders."));
	return take_orders(org_id, 1);
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
