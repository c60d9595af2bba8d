/*
 * save.c
 *		Write what changed in a set of orders.
 *
 * One statement for each kind of row and operation that occurs, however many
 * rows there are: stock (lock, apply, ledger), supply, capacity, lines (insert,
 * update), pieces (update, insert, delete), removed lines, headers, history,
 * approvals that follow what was agreed, news.
 *
 * Locks: the orders are locked by load; stock rows are locked here in stock
 * order unless the verb has locked them to plan; then supply by key, then days
 * of locations.
 *
 * Memory: rows for the statements in CurrentMemoryContext.
 */
#include "postgres.h"

#include "order/order.h"

#include "base/call.h"
#include "base/errors.h"
#include "base/insert.h"
#include "base/query.h"
#include "base/settings.h"
#include "order/approval.h"
#include "order/flow.h"
#include "order/news.h"
#include "order/rows.h"
#include "stock/lot.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#define LINE_COLUMNS 27
#define PIECE_COLUMNS 13
#define HISTORY_COLUMNS 11

static UsomInsert insert_lines = {
	.table = "order_line",
	.row_type = "_line_row",
	.ncolumns = LINE_COLUMNS,
	.query.text = "INSERT INTO usom.order_line (org_id, sales_order_id, line_no, product_id, quantity, unit_price, total, "
	"location_id, requested_at, substitution, partial, quantity_open, quantity_backordered, quantity_reserved, "
	"quantity_released, quantity_picked, quantity_packed, quantity_shipped, quantity_delivered, quantity_returned, "
	"quantity_cancelled, kit_line_no, kit_quantity, discount, freight, tax, tax_included, decimals) SELECT $1, r.* FROM unnest($2) AS r",
	.query.nargs = 2,
	.query.argtypes = {"bigint", "usom._line_row[]"},
};

static UsomQuery delete_lines = {
	.text = "DELETE FROM usom.order_line AS l USING unnest($2) AS r "
	"WHERE l.org_id = $1 AND l.sales_order_id = r.sales_order_id AND l.line_no = r.line_no",
	.nargs = 2,
	.argtypes = {"bigint", "usom._line_row[]"},
};

static UsomInsert insert_pieces = {
	.table = "fulfillment_line",
	.row_type = "_piece_row",
	.ncolumns = PIECE_COLUMNS,
	.query.text = "INSERT INTO usom.fulfillment_line (org_id, sales_order_id, line_no, piece_no, product_id, location_id, "
	"lot, status, quantity, promised_at, shipment_id, ships_on, supply_id, package_id) SELECT $1, r.* FROM unnest($2) AS r",
	.query.nargs = 2,
	.query.argtypes = {"bigint", "usom._piece_row[]"},
};

static UsomQuery delete_pieces = {
	.text = "DELETE FROM usom.fulfillment_line AS f USING unnest($2) AS r "
	"WHERE f.org_id = $1 AND f.sales_order_id = r.sales_order_id "
	"AND f.line_no = r.line_no AND f.piece_no = r.piece_no",
	.nargs = 2,
	.argtypes = {"bigint", "usom._piece_row[]"},
};

static UsomQuery update_orders = {
	.text = "UPDATE usom.sales_order AS o SET status = r.status, total = r.total, version = r.version, paid = coalesce(r.paid, o.paid), "
	"flow_id = coalesce(r.flow_id, o.flow_id), flow_state = coalesce(r.flow_state, o.flow_state) "
	"FROM unnest($2) AS r WHERE o.org_id = $1 AND o.sales_order_id = r.sales_order_id",
	.nargs = 2,
	.argtypes = {"bigint", "usom._order_row[]"},
};

static UsomInsert insert_history = {
	.table = "order_history",
	.row_type = "_history_row",
	.ncolumns = HISTORY_COLUMNS,
	.query.text = "INSERT INTO usom.order_history (org_id, sales_order_id, version, event, from_status, to_status, line_no, "
	"quantity, reason, reference, app_user, flow_state) SELECT $1, r.* FROM unnest($2) AS r",
	.query.nargs = 2,
	.query.argtypes = {"bigint", "usom._history_row[]"},
};

/* Which rows a statement is about. */
typedef enum RowKind
{
	ROWS_NEW,
	ROWS_CHANGED,
	ROWS_GONE
} RowKind;

static RowKind
kind_of_line(const UsomLine *line)
{
	return line->removed ? ROWS_GONE : line->is_new ? ROWS_NEW : ROWS_CHANGED;
}

static RowKind
kind_of_piece(const UsomPiece *piece)
{
	return piece->quantity == 0 ? ROWS_GONE : piece->is_new ? ROWS_NEW : ROWS_CHANGED;
}

/* discount, freight, tax, tax_included, decimals */
static void
add_charges(const UsomLine *line, Datum *values, bool *nulls)
{
	values[0] = NumericGetDatum(line->discount);
	values[1] = NumericGetDatum(line->freight);
	values[2] = NumericGetDatum(line->tax);
	values[3] = BoolGetDatum(line->tax_included);
	values[4] = Int16GetDatum(line->decimals);
	nulls[4] = line->decimals == USOM_NO_DECIMALS;
}

static void
add_line(UsomRows *rows, const UsomOrderSet *set, const UsomLine *line)
{
	Datum		values[LINE_COLUMNS] = {
		Int64GetDatum(set->orders[line->order].sales_order_id),
		Int32GetDatum(line->line_no),
		Int64GetDatum(line->product_id),
		NumericGetDatum(usom_quantity_stored(line->quantity)),
		NumericGetDatum(line->unit_price),
		NumericGetDatum(line->total),
		Int64GetDatum(line->location_id),
		TimestampTzGetDatum(line->requested_at),
		CStringGetTextDatum(line->substitution),
		BoolGetDatum(line->partial),
	};
	bool		nulls[LINE_COLUMNS] = {false};
	Datum		zero = NumericGetDatum(usom_quantity_stored(0));

	nulls[6] = line->location_id == 0;
	nulls[7] = line->requested_at == USOM_NO_TIME;
	for (int state = 0; state < USOM_PIECE_STATES; state++)
		values[10 + state] = line->counters.by_state[state] == 0 ? zero
			: NumericGetDatum(usom_quantity_stored(line->counters.by_state[state]));
	nulls[20] = line->kit_line_no == 0;
	nulls[21] = line->kit_quantity == 0;
	values[20] = Int32GetDatum(line->kit_line_no);
	if (!nulls[21])
		values[21] = NumericGetDatum(usom_quantity_stored(line->kit_quantity));
	add_charges(line, &values[22], &nulls[22]);
	usom_rows_add(rows, values, nulls);
}

static void
add_piece(UsomRows *rows, const UsomOrderSet *set, const UsomPiece *piece)
{
	const UsomLine *line = &set->lines[piece->line];
	Datum		values[PIECE_COLUMNS] = {
		Int64GetDatum(set->orders[line->order].sales_order_id),
		Int32GetDatum(line->line_no),
		Int32GetDatum(piece->piece_no),
		Int64GetDatum(line->product_id),
		Int64GetDatum(piece->location_id),
		CStringGetTextDatum(piece->lot),
		UInt8GetDatum(piece->status),
		NumericGetDatum(usom_quantity_stored(piece->quantity)),
		TimestampTzGetDatum(piece->promised_at),
		Int64GetDatum(piece->shipment_id),
		DateADTGetDatum(piece->ships_on),
		Int64GetDatum(piece->supply_id),
		Int64GetDatum(piece->package_id),
	};
	bool		nulls[PIECE_COLUMNS] = {false};

	nulls[4] = piece->location_id == 0;
	nulls[8] = piece->promised_at == USOM_NO_TIME;
	nulls[9] = piece->shipment_id == 0;
	nulls[10] = piece->ships_on == USOM_NO_DAY;
	nulls[11] = piece->supply_id == 0;
	nulls[12] = piece->package_id == 0;
	usom_rows_add(rows, values, nulls);
}

static void
check_all_written(uint64 processed, const UsomRows *rows)
{
	Ensure(processed == (uint64) usom_rows_count(rows), "usom wrote " UINT64_FORMAT " of %d rows",
		   processed, usom_rows_count(rows));
}

static void
insert_rows(UsomInsert *insert, const UsomOrderSet *set, UsomRows *rows)
{
	if (usom_rows_count(rows) > 0)
		check_all_written(usom_insert_run(insert, set->org_id, rows), rows);
}

static void
write_rows(UsomQuery *query, const UsomOrderSet *set, UsomRows *rows)
{
	Datum		values[2];

	values[0] = Int64GetDatum(set->org_id);
	values[1] = usom_rows_datum(rows);
	check_all_written(usom_query_write(query, values, NULL), rows);
}

/* The lines of a kind; without any no rows are made. */
static UsomRows *
collect_lines(const UsomOrderSet *set, RowKind kind)
{
	UsomRows   *rows = NULL;

	for (int i = 0; i < set->nlines; i++)
	{
		const UsomLine *line = &set->lines[i];

		if (!(line->changed || line->is_new) || kind_of_line(line) != kind || (line->is_new && line->removed))
			continue;
		if (rows == NULL)
			rows = usom_rows_make_late("_line_row", LINE_COLUMNS, set->nlines);
		add_line(rows, set, line);
	}
	return rows;
}

static UsomRows *
collect_pieces(const UsomOrderSet *set, RowKind kind)
{
	UsomRows   *rows = NULL;

	for (int i = 0; i < set->npieces; i++)
	{
		const UsomPiece *piece = &set->pieces[i];

		if (!(piece->changed || piece->is_new) || kind_of_piece(piece) != kind || (piece->is_new && piece->quantity == 0))
			continue;
		if (rows == NULL)
			rows = usom_rows_make_late("_piece_row", PIECE_COLUMNS, set->npieces);
		add_piece(rows, set, piece);
	}
	return rows;
}

static void
write_new(UsomInsert *insert, const UsomOrderSet *set, UsomRows *rows)
{
	if (rows != NULL)
		insert_rows(insert, set, rows);
}

static void
write_changed(UsomRowsUpdate *update, const UsomOrderSet *set, UsomRows *rows)
{
	if (rows != NULL)
		check_all_written(usom_rows_change(update, set->org_id, rows), rows);
}

static void
write_gone(UsomQuery *query, const UsomOrderSet *set, UsomRows *rows)
{
	if (rows != NULL)
		write_rows(query, set, rows);
}

/* Nothing leaves of a lot that has expired or is blocked.  No statement where nothing with a lot leaves. */
static void
check_lots(const UsomOrderSet *set)
{
	UsomStockKey *keys = palloc_array(UsomStockKey, set->nmovements + 1);
	int			count = 0;

	for (int i = 0; i < set->nmovements; i++)
		if (set->movements[i].key.lot[0] != '\0' && strcmp(set->movements[i].kind, "shipment") == 0)
			keys[count++] = set->movements[i].key;
	if (unlikely(count > 0))
		usom_stock_check_usable(set->org_id, keys, count);
}

static void
write_stock(UsomOrderSet *set)
{
	if (set->ndeltas == 0)
		return;
	if (!set->stock_locked)
	{
		UsomStockKey *keys = palloc_array(UsomStockKey, set->ndeltas);

		for (int i = 0; i < set->ndeltas; i++)
			keys[i] = set->deltas[i].key;
		usom_stock_lock_keys(set->org_id, keys, set->ndeltas);
	}
	check_lots(set);
	usom_stock_apply(set->org_id, set->deltas, set->ndeltas);
	if (set->nmovements > 0)
		usom_stock_book(set->org_id, set->movements, set->nmovements);
}

/* What is given back is never refused. */
static void
write_loads(UsomOrderSet *set)
{
	int			nrefused;

	if (set->nloads == 0)
		return;
	usom_capacity_change(set->org_id, set->loads, set->nloads, &nrefused);
	Ensure(nrefused == 0, "a day refuses what is given back");
}

static void
add_history(UsomRows *rows, const UsomOrder *order)
{
	const char *reason = usom_call_reason();
	const char *app_user = usom_setting_app_user;
	Datum		values[HISTORY_COLUMNS] = {
		Int64GetDatum(order->sales_order_id),
		Int32GetDatum(order->version),
		CStringGetTextDatum(order->event),
		UInt8GetDatum(order->status_before),
		UInt8GetDatum(order->status),
		Int32GetDatum(order->event_line),
		NumericGetDatum(usom_quantity_numeric(order->event_quantity)),
		reason ? CStringGetTextDatum(reason) : (Datum) 0,
		order->event_reference ? CStringGetTextDatum(order->event_reference) : (Datum) 0,
		CStringGetTextDatum(app_user),
		order->flow_state ? CStringGetTextDatum(order->flow_state) : (Datum) 0,
	};
	bool		nulls[lengthof(values)] = {false};

	nulls[3] = order->is_new;
	nulls[5] = order->event_line == 0;
	nulls[6] = order->event_quantity == 0;
	nulls[7] = reason == NULL;
	nulls[8] = order->event_reference == NULL;
	nulls[9] = app_user[0] == '\0';
	nulls[10] = order->flow_state == NULL;
	usom_rows_add(rows, values, nulls);
}

static void
check_step(const UsomOrder *order)
{
	Ensure(order->is_new || order->status == order->status_before ||
		   usom_lifecycle_allows(&usom_order_lifecycle_table, order->status_before, order->status),
		   "no step from order state %d to %d", order->status_before, order->status);
}

/* Headers that change, and their rows for the statement. */
typedef struct Headers
{
	UsomOrderSet *set;
	int			count;
	int		   *orders;			/* indexes */
	Datum	   *keys;
} Headers;

static void
add_header(Headers *headers, int order)
{
	Datum	   *key = &headers->keys[HEADER_KEYS * headers->count];

	key[HEADER_ORG] = Int64GetDatum(headers->set->org_id);
	key[HEADER_NO] = CStringGetTextDatum(headers->set->orders[order].order_no);
	headers->orders[headers->count++] = order;
}

static void
change_header(void *argument, int i, Datum *values, bool *nulls)
{
	const Headers *headers = argument;
	const UsomOrder *order = &headers->set->orders[headers->orders[i]];

	values[HEADER_STATUS] = UInt8GetDatum(order->status);
	values[HEADER_TOTAL] = NumericGetDatum(order->total);
	values[HEADER_VERSION] = Int32GetDatum(order->version);
	if (order->paid != NULL)
		values[HEADER_PAID] = NumericGetDatum(order->paid);
	nulls[HEADER_PAID] &= order->paid == NULL;
	if (!order->flow_changed)
		return;
	values[HEADER_FLOW] = Int64GetDatum(order->flow_id);
	values[HEADER_FLOW_STATE] = CStringGetTextDatum(order->flow_state);
	nulls[HEADER_FLOW] = nulls[HEADER_FLOW_STATE] = false;
}

static UsomRows *
header_rows(const Headers *headers)
{
	UsomRows   *rows = usom_rows_make("_order_row", headers->count);

	for (int i = 0; i < headers->count; i++)
	{
		const UsomOrder *order = &headers->set->orders[headers->orders[i]];
		bool		nulls[7] = {false, false, false, false, order->paid == NULL, !order->flow_changed, !order->flow_changed};
		Datum		values[7] = {
			Int64GetDatum(order->sales_order_id), UInt8GetDatum(order->status), NumericGetDatum(order->total),
			Int32GetDatum(order->version), NumericGetDatum(order->paid), Int64GetDatum(order->flow_id),
			order->flow_changed ? CStringGetTextDatum(order->flow_state) : (Datum) 0,
		};

		usom_rows_add(rows, values, nulls);
	}
	return rows;
}

static void
update_headers(Headers *headers)
{
	UsomRowChanges changes = {
		.update = &usom_header_rows, .text = update_orders.text, .keys = headers->keys, .count = headers->count,
		.change = change_header, .argument = headers,
	};

	if (headers->count == 0)
		return;
	if (unlikely(!usom_update_run(&changes)))
		write_rows(&update_orders, headers->set, header_rows(headers));
	else
		Ensure(changes.changed == (uint64) headers->count, "usom wrote " UINT64_FORMAT " of %d orders", changes.changed, headers->count);
}

static void
write_headers(UsomOrderSet *set)
{
	UsomRows   *history = usom_insert_rows(&insert_history, set->norders);
	Headers		headers = {
		.set = set, .orders = palloc_array(int, set->norders + 1), .keys = palloc_array(Datum, HEADER_KEYS * set->norders + 1)
	};

	for (int i = 0; i < set->norders; i++)
	{
		UsomOrder  *order = &set->orders[i];

		if (!order->changed)
			continue;
		check_step(order);
		if (!order->is_new)
			order->version++;
		if (!order->is_new || order->flow_changed)
			add_header(&headers, i);
		add_history(history, order);
	}
	update_headers(&headers);
	insert_rows(&insert_history, set, history);
}

/* What was written is from now on what was loaded. */
static void
mark_saved(UsomOrderSet *set)
{
	for (int i = 0; i < set->norders; i++)
	{
		set->orders[i].changed = set->orders[i].is_new = set->orders[i].content_changed = set->orders[i].flow_changed = false;
		set->orders[i].status_before = set->orders[i].status;
	}
	for (int i = 0; i < set->nlines; i++)
	{
		set->lines[i].changed = set->lines[i].is_new = false;
		usom_order_mark_agreed(&set->lines[i]);
	}
	for (int i = 0; i < set->npieces; i++)
		set->pieces[i].changed = set->pieces[i].is_new = false;
	set->ndeltas = set->nmovements = set->nloads = 0;
}

void
usom_order_write_pegs(UsomOrderSet *set)
{
	usom_supply_apply(set->org_id, set->pegs, set->npegs);
	set->npegs = 0;
}

#define MOST_FOLLOWERS 8

static UsomOrderFollow followers[MOST_FOLLOWERS];
static int	nfollowers = 0;

void
usom_order_at_save(UsomOrderFollow follow)
{
	Ensure(nfollowers < MOST_FOLLOWERS, "too many rooms follow orders");
	followers[nfollowers++] = follow;
}

void
usom_order_save(UsomOrderSet *set)
{
	for (int i = 0; i < set->norders; i++)
		usom_order_mirror_kits(set, i);
	usom_flow_follow(set);
	for (int i = 0; i < nfollowers; i++)
		followers[i](set);
	write_stock(set);
	usom_order_write_pegs(set);
	usom_order_renegotiate(set);
	usom_order_give_back(set);
	write_loads(set);
	write_new(&insert_lines, set, collect_lines(set, ROWS_NEW));
	write_changed(&usom_line_rows, set, collect_lines(set, ROWS_CHANGED));
	write_changed(&usom_piece_rows, set, collect_pieces(set, ROWS_CHANGED));
	write_new(&insert_pieces, set, collect_pieces(set, ROWS_NEW));
	write_gone(&delete_pieces, set, collect_pieces(set, ROWS_GONE));
	write_gone(&delete_lines, set, collect_lines(set, ROWS_GONE));
	usom_order_follow_serials(set);
	usom_order_move_holds(set);
	write_headers(set);
	usom_approval_follow(set);
	usom_order_write_news(set);
	mark_saved(set);
}
