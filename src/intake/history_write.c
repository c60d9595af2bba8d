/*
 * history_write.c
 *		Orders of history are written as they ended.
 *
 * One statement for each kind of row, however many documents: headers, what
 * marks them as migrated, people, lines, their price steps, shipments, pieces,
 * lots and rows of stock that are not there yet, returns (three), history.
 * No trigger of theirs reserves, books, tells or asks for money: those follow
 * verbs, and there is none here.
 *
 * Locks: the new order rows, in the order of their numbers, then new rows of
 * stock, in stock order.  Memory: CurrentMemoryContext; keys of people are wiped when they were written.
 */
#include "postgres.h"

#include "intake/history.h"

#include "base/compat.h"
#include "base/errors.h"
#include "base/ident.h"
#include "base/query.h"
#include "base/settings.h"
#include "fulfillment/fulfillment.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"

static UsomQuery insert_orders = {
	.text = "INSERT INTO usom.sales_order (org_id, sales_order_id, order_no, channel_id, external_id, order_type, customer_id, status, currency, total, "
	"priority, placed_at, requested_at, address_id, instructions) "
	"SELECT $1, r.sales_order_id, r.order_no, r.channel_id, r.external_id, r.order_type, r.customer_id, r.status, r.currency, r.total, "
	"r.priority, r.placed_at, r.requested_at, r.address_id, r.instructions FROM unnest($2) AS r ORDER BY r.order_no "
	"ON CONFLICT DO NOTHING RETURNING sales_order_id",
	.nargs = 2,
	.argtypes = {"bigint", "usom._migrated_row[]"},
};

static UsomQuery insert_migrated = {
	.text = "INSERT INTO usom.migrated_order (org_id, sales_order_id, batch, digest, lines, quantity, quantity_shipped, quantity_delivered, "
	"quantity_returned, quantity_cancelled, total) "
	"SELECT $1, r.sales_order_id, $3, r.digest, l.lines, l.quantity, l.shipped, l.delivered, l.returned, l.cancelled, r.total FROM unnest($2) AS r "
	"JOIN (SELECT l.sales_order_id, count(*)::pg_catalog.int4 AS lines, sum(l.quantity) AS quantity, sum(l.quantity_shipped) AS shipped, "
	"sum(l.quantity_delivered) AS delivered, sum(l.quantity_returned) AS returned, sum(l.quantity_cancelled) AS cancelled "
	"FROM unnest($4) AS l GROUP BY l.sales_order_id) AS l ON l.sales_order_id = r.sales_order_id",
	.nargs = 4,
	.argtypes = {"bigint", "usom._migrated_row[]", "text", "usom._line_row[]"},
};

static UsomQuery insert_lines = {
	.text = "INSERT INTO usom.order_line (org_id, sales_order_id, line_no, product_id, quantity, unit_price, total, "
	"location_id, requested_at, substitution, partial, quantity_open, quantity_backordered, quantity_reserved, "
	"quantity_released, quantity_picked, quantity_packed, quantity_shipped, quantity_delivered, quantity_returned, "
	"quantity_cancelled, kit_line_no, kit_quantity, discount, freight, tax, tax_included, decimals) SELECT $1, r.* FROM unnest($2) AS r",
	.nargs = 2,
	.argtypes = {"bigint", "usom._line_row[]"},
};

/* Of lines that something was added to or taken off. */
static UsomQuery insert_steps = {
	.text = "INSERT INTO usom.price_step (org_id, sales_order_id, version, step_no, line_no, step, rule, unit_price, before, after) "
	"SELECT $1, r.sales_order_id, 1, row_number() OVER (PARTITION BY r.sales_order_id ORDER BY r.line_no, s.n), r.line_no, s.step, 'migrated', "
	"CASE WHEN s.n = 1 THEN r.unit_price END, s.before, s.after FROM unnest($2) AS r "
	"CROSS JOIN LATERAL (SELECT round(r.unit_price * r.quantity, r.decimals) AS goods, CASE WHEN r.tax_included THEN 0 ELSE r.tax END AS tax) AS g "
	"CROSS JOIN LATERAL (VALUES (1, 'document', NULL, g.goods), (2, 'promotion', g.goods, g.goods - r.discount), "
	"(3, 'freight', g.goods - r.discount, g.goods - r.discount + r.freight), "
	"(4, 'tax', g.goods - r.discount + r.freight, g.goods - r.discount + r.freight + g.tax)) AS s (n, step, before, after) "
	"WHERE r.decimals IS NOT NULL AND (s.n = 1 OR s.before <> s.after)",
	.nargs = 2,
	.argtypes = {"bigint", "usom._line_row[]"},
};

/* Its carrier has it: so nobody makes it void. */
static UsomQuery insert_shipments = {
	.text = "INSERT INTO usom.shipment (org_id, shipment_id, shipment_no, sales_order_id, location_id, carrier, tracking, service, status, "
	"shipped_at, delivered_at, told_at) SELECT $1, r.shipment_id, r.shipment_no, r.sales_order_id, r.location_id, r.carrier, r.tracking, r.service, "
	"r.status, r.shipped_at, r.delivered_at, coalesce(r.delivered_at, r.shipped_at) FROM unnest($2) AS r",
	.nargs = 2,
	.argtypes = {"bigint", "usom._migrated_shipment[]"},
};

static UsomQuery insert_pieces = {
	.text = "INSERT INTO usom.fulfillment_line (org_id, sales_order_id, line_no, piece_no, product_id, location_id, "
	"lot, status, quantity, promised_at, shipment_id, ships_on, supply_id, package_id) SELECT $1, r.* FROM unnest($2) AS r",
	.nargs = 2,
	.argtypes = {"bigint", "usom._piece_row[]"},
};

static UsomQuery insert_lots = {
	.text = "INSERT INTO usom.lot (org_id, sku, lot, product_id) SELECT DISTINCT $1, p.sku, r.lot, r.product_id FROM unnest($2) AS r "
	"JOIN usom.product AS p ON p.org_id = $1 AND p.product_id = r.product_id WHERE r.lot <> '' "
	"AND NOT EXISTS (SELECT FROM usom.lot AS l WHERE l.org_id = $1 AND l.product_id = r.product_id AND l.lot = r.lot) ON CONFLICT DO NOTHING",
	.nargs = 2,
	.argtypes = {"bigint", "usom._piece_row[]"},
};

/* Rows without units, which what comes back one day is added to. */
static UsomQuery insert_stock = {
	.text = "INSERT INTO usom.stock (org_id, product_id, location_id, lot) SELECT DISTINCT $1, r.product_id, r.location_id, r.lot FROM unnest($2) AS r "
	"WHERE r.location_id IS NOT NULL AND NOT EXISTS (SELECT FROM usom.stock AS s WHERE s.org_id = $1 AND s.product_id = r.product_id "
	"AND s.location_id = r.location_id AND s.lot = r.lot) ORDER BY r.product_id, r.location_id, r.lot ON CONFLICT DO NOTHING",
	.nargs = 2,
	.argtypes = {"bigint", "usom._piece_row[]"},
};

static UsomQuery insert_returns = {
	.text = "INSERT INTO usom.return_order (org_id, return_order_id, return_no, sales_order_id, status, reason, authorized_at, received_at, migrated) "
	"SELECT DISTINCT ON (r.return_order_id) $1, r.return_order_id, r.return_no, r.sales_order_id, 'received'::usom.return_status, r.reason, "
	"r.received_at, r.received_at, true FROM unnest($2) AS r",
	.nargs = 2,
	.argtypes = {"bigint", "usom._migrated_return[]"},
};

static UsomQuery insert_return_lines = {
	.text = "INSERT INTO usom.return_line (org_id, return_order_id, line_no, quantity, quantity_received, quantity_accepted) "
	"SELECT $1, r.return_order_id, r.line_no, sum(r.quantity), sum(r.quantity), sum(r.quantity) FROM unnest($2) AS r GROUP BY r.return_order_id, r.line_no",
	.nargs = 2,
	.argtypes = {"bigint", "usom._migrated_return[]"},
};

static UsomQuery insert_return_pieces = {
	.text = "INSERT INTO usom.return_piece (org_id, return_order_id, line_no, return_piece_no, quantity, disposition, piece_no, received_at, inspected_at) "
	"SELECT $1, r.return_order_id, r.line_no, row_number() OVER (PARTITION BY r.return_order_id, r.line_no ORDER BY r.piece_no), r.quantity, 'restock', "
	"r.piece_no, r.received_at, r.received_at FROM unnest($2) AS r",
	.nargs = 2,
	.argtypes = {"bigint", "usom._migrated_return[]"},
};

static UsomQuery insert_history = {
	.text = "INSERT INTO usom.order_history (org_id, sales_order_id, version, event, to_status, reference, app_user) "
	"SELECT $1, r.sales_order_id, 1, 'migrated', r.status, $3, nullif($4, '') FROM unnest($2) AS r",
	.nargs = 4,
	.argtypes = {"bigint", "usom._migrated_row[]", "text", "text"},
};

/* Who has the number, or the external id? */
static UsomQuery find_other = {
	.text = "SELECT o.order_no, m.digest FROM usom.sales_order AS o LEFT JOIN usom.migrated_order AS m ON m.org_id = $1 AND m.sales_order_id = o.sales_order_id "
	"WHERE o.org_id = $1 AND (o.order_no = $2 OR o.channel_id = $3 AND o.external_id = $4) ORDER BY o.order_no <> $2 LIMIT 1",
	.nargs = 4,
	.argtypes = {"bigint", "text", "bigint", "text"},
};

static Datum
text_or_null(const char *string, bool *isnull)
{
	*isnull = string == NULL;
	return string != NULL ? CStringGetTextDatum(string) : (Datum) 0;
}

static void
write_rows(UsomQuery *query, int64 org_id, UsomRows *rows)
{
	Datum		values[2] = {Int64GetDatum(org_id)};

	if (usom_rows_count(rows) == 0)
		return;
	values[1] = usom_rows_datum(rows);
	usom_query_write(query, values, NULL);
}

/* ---- headers ---- */

/* The person of a guest gets a key if there is something to seal. */
static void
seal_person(int64 org_id, UsomHistory *history, int64 sales_order_id)
{
	bool		tells = (history->instructions != NULL && history->instructions[0] != '\0') ||
		(history->ship_to != NULL && usom_address_tells_who(history->ship_to));

	if (history->customer_id == 0 && tells)
		usom_vault_make_key(&history->key, org_id, sales_order_id);
	else if (tells && !history->has_key)
		usom_person_refuse_keyless(psprintf("customer \"%s\"", history->customer));
	history->key.person_id = history->customer_id != 0 ? history->customer_id : sales_order_id;
	history->key.org_id = org_id;
	if (history->ship_to != NULL)
		history->address = usom_address_make(history->ship_to, &history->key);
}

static Datum
sealed_instructions(const UsomHistory *history, bool *isnull)
{
	text	   *clear;

	*isnull = history->instructions == NULL;
	if (*isnull)
		return (Datum) 0;
	clear = cstring_to_text(history->instructions);
	return PointerGetDatum(history->instructions[0] == '\0' ? clear : usom_vault_seal(&history->key, clear));
}

static void
add_order(UsomRows *rows, const UsomOrder *order, const UsomHistory *history)
{
	bool		nulls[15] = {false};
	Datum		values[15] = {
		Int64GetDatum(order->sales_order_id), CStringGetTextDatum(order->order_no), Int64GetDatum(order->channel_id),
		text_or_null(history->external_id, &nulls[3]), CStringGetTextDatum(history->order_type), Int64GetDatum(history->customer_id),
		UInt8GetDatum(order->status), CStringGetTextDatum(order->currency), NumericGetDatum(order->total), Int32GetDatum(order->priority),
		TimestampTzGetDatum(order->placed_at), TimestampTzGetDatum(order->requested_at),
		Int64GetDatum(history->address != NULL ? history->address->address_id : 0), sealed_instructions(history, &nulls[13]),
		PointerGetDatum(history->digest)
	};

	nulls[5] = history->customer_id == 0;
	nulls[11] = order->requested_at == USOM_NO_TIME;
	nulls[12] = history->address == NULL;
	usom_rows_add(rows, values, nulls);
}

static UsomRows *
order_rows(const UsomOrderSet *set, UsomHistory **histories, int count)
{
	UsomRows   *rows = usom_rows_make("_migrated_row", Max(count, 1));

	for (int i = 0; i < count; i++)
		add_order(rows, &set->orders[histories[i]->order], histories[i]);
	return rows;
}

/* The same document again, or another one under its number. */
static void
settle_other(int64 org_id, UsomHistory *history)
{
	bool		nulls[4] = {false};
	Datum		values[4] = {
		Int64GetDatum(org_id), CStringGetTextDatum(history->order_no), Int64GetDatum(history->channel_id),
		text_or_null(history->external_id, &nulls[3])
	};
	bool		isnull;
	Datum		digest;

	if (usom_query_run(&find_other, values, nulls) == 0)
		ereport(ERROR, errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				errmsg("could not migrate order \"%s\" because another call took its number and let it go", history->order_no),
				errhint("Load the batch again."));
	digest = usom_query_get_or_null(0, 2, &isnull);
	history->item->order_no = usom_query_get_text(0, 1);
	history->item->outcome = "repeated";
	if (!isnull && DatumGetBool(DirectFunctionCall2(byteaeq, digest, PointerGetDatum(history->digest))))
		return;
	history->item->message = psprintf("order \"%s\" is there with another document", history->item->order_no);
	history->item->outcome = "rejected";
	history->item->sqlstate = "US801";
	history->item->order_no = NULL;
}

static int
compare_keys(const void *a, const void *b)
{
	int64		left = *(const int64 *) a;
	int64		right = *(const int64 *) b;

	return left < right ? -1 : left > right;
}

/* Those whose headers were written come first; returns how many they are. */
static int
write_headers(UsomOrderSet *set, UsomHistory **histories, int count)
{
	Datum		values[2] = {Int64GetDatum(set->org_id), usom_rows_datum(order_rows(set, histories, count))};
	int			n = (int) usom_query_write(&insert_orders, values, NULL);
	int64	   *written = palloc_array(int64, Max(n, 1));
	int			kept = 0;

	for (int i = 0; i < n; i++)
		written[i] = usom_query_get_key(i, 1);
	qsort(written, n, sizeof(int64), compare_keys);
	for (int i = 0; i < count; i++)
	{
		UsomHistory *history = histories[i];

		if (bsearch(&set->orders[history->order].sales_order_id, written, n, sizeof(int64), compare_keys) == NULL)
			settle_other(set->org_id, history);
		else
			histories[kept++] = history;
	}
	return kept;
}

static void
write_people(int64 org_id, UsomHistory **histories, int count)
{
	UsomPersonKey *keys = palloc_array(UsomPersonKey, Max(count, 1));
	UsomAddress **addresses = palloc_array(UsomAddress *, Max(count, 1));
	int			nkeys = 0;
	int			naddresses = 0;
	static const UsomPersonKey none = {0};

	for (int i = 0; i < count; i++)
	{
		if (histories[i]->customer_id == 0 && memcmp(histories[i]->key.bytes, none.bytes, USOM_KEY_BYTES) != 0)
			keys[nkeys++] = histories[i]->key;
		if (histories[i]->address != NULL)
			addresses[naddresses++] = histories[i]->address;
	}
	usom_person_write(org_id, keys, nkeys, addresses, naddresses);
	explicit_bzero(keys, sizeof(UsomPersonKey) * Max(count, 1));
}

/* ---- lines and pieces ---- */

static void
add_line(UsomRows *rows, const UsomOrderSet *set, const UsomLine *line)
{
	Datum		values[27] = {
		Int64GetDatum(set->orders[line->order].sales_order_id), Int32GetDatum(line->line_no), Int64GetDatum(line->product_id),
		NumericGetDatum(usom_quantity_stored(line->quantity)), NumericGetDatum(line->unit_price), NumericGetDatum(line->total),
		Int64GetDatum(line->location_id), 0, CStringGetTextDatum(line->substitution), BoolGetDatum(line->partial)
	};
	bool		nulls[27] = {false};

	nulls[6] = line->location_id == 0;
	nulls[7] = nulls[20] = nulls[21] = true;
	for (int state = 0; state < USOM_PIECE_STATES; state++)
		values[10 + state] = NumericGetDatum(usom_quantity_stored(line->counters.by_state[state]));
	values[22] = NumericGetDatum(line->discount);
	values[23] = NumericGetDatum(line->freight);
	values[24] = NumericGetDatum(line->tax);
	values[25] = BoolGetDatum(line->tax_included);
	values[26] = Int16GetDatum(line->decimals);
	nulls[26] = line->decimals == USOM_NO_DECIMALS;
	usom_rows_add(rows, values, nulls);
}

static UsomRows *
line_rows(const UsomOrderSet *set, UsomHistory **histories, int count)
{
	UsomRows   *rows = usom_rows_make("_line_row", Max(set->nlines, 1));

	for (int i = 0; i < count; i++)
	{
		int			first = usom_order_first_line(set, histories[i]->order);

		for (int j = 0; j < histories[i]->nlines; j++)
			add_line(rows, set, &set->lines[first + j]);
	}
	return rows;
}

static void
add_piece(UsomRows *rows, int64 sales_order_id, const UsomHistory *history, const UsomHistoryPiece *piece)
{
	const UsomHistoryLine *line = &history->lines[piece->line];
	const UsomHistoryParcel *shipment = piece->shipment >= 0 ? &history->shipments[piece->shipment] : NULL;
	bool		is_placed = shipment != NULL && strcmp(line->kind, "physical") == 0;
	Datum		values[13] = {
		Int64GetDatum(sales_order_id), Int32GetDatum(piece->line + 1), Int32GetDatum(piece->piece_no), Int64GetDatum(line->product_id),
		Int64GetDatum(is_placed ? shipment->location_id : 0), CStringGetTextDatum(piece->lot), UInt8GetDatum(piece->status),
		NumericGetDatum(usom_quantity_stored(piece->quantity)), 0, Int64GetDatum(shipment != NULL ? shipment->id : 0)
	};
	bool		nulls[13] = {false, false, false, false, !is_placed, false, false, false, true, shipment == NULL, true, true, true};

	usom_rows_add(rows, values, nulls);
}

static UsomRows *
piece_rows(const UsomOrderSet *set, UsomHistory **histories, int count)
{
	UsomRows   *rows = usom_rows_make("_piece_row", Max(set->nlines, 1));

	for (int i = 0; i < count; i++)
		for (int j = 0; j < histories[i]->npieces; j++)
			add_piece(rows, set->orders[histories[i]->order].sales_order_id, histories[i], &histories[i]->pieces[j]);
	return rows;
}

/* ---- shipments and returns ---- */

static void
add_shipment(UsomRows *rows, int64 sales_order_id, UsomHistoryParcel *shipment)
{
	bool		nulls[10] = {false};
	Datum		values[10] = {
		Int64GetDatum(shipment->id), CStringGetTextDatum(shipment->number), Int64GetDatum(sales_order_id), Int64GetDatum(shipment->location_id),
		text_or_null(shipment->carrier, &nulls[4]), text_or_null(shipment->tracking, &nulls[5]), text_or_null(shipment->service, &nulls[6]),
		UInt8GetDatum(shipment->delivered_at == USOM_NO_TIME ? USOM_SHIPMENT_SHIPPED : USOM_SHIPMENT_DELIVERED),
		TimestampTzGetDatum(shipment->at), TimestampTzGetDatum(shipment->delivered_at)
	};

	nulls[3] = shipment->location_id == 0;
	nulls[9] = shipment->delivered_at == USOM_NO_TIME;
	usom_rows_add(rows, values, nulls);
}

/* With their keys, and numbers where none were told: A-1001-1, A-1001-R1. */
static void
name_parcels(UsomHistory *history)
{
	for (int i = 0; i < history->nshipments; i++)
	{
		history->shipments[i].id = usom_ident_next();
		if (history->shipments[i].number == NULL)
			history->shipments[i].number = psprintf("%s-%d", history->order_no, i + 1);
	}
	for (int i = 0; i < history->nreturns; i++)
	{
		history->returns[i].id = usom_ident_next();
		if (history->returns[i].number == NULL)
			history->returns[i].number = psprintf("%s-R%d", history->order_no, i + 1);
	}
}

static UsomRows *
shipment_rows(const UsomOrderSet *set, UsomHistory **histories, int count)
{
	UsomRows   *rows = usom_rows_make("_migrated_shipment", Max(count, 1));

	for (int i = 0; i < count; i++)
		for (int j = 0; j < histories[i]->nshipments; j++)
			add_shipment(rows, set->orders[histories[i]->order].sales_order_id, &histories[i]->shipments[j]);
	return rows;
}

static void
add_return(UsomRows *rows, int64 sales_order_id, const UsomHistory *history, const UsomHistoryPiece *piece)
{
	const UsomHistoryParcel *back = &history->returns[piece->back];
	bool		nulls[8] = {false};
	Datum		values[8] = {
		Int64GetDatum(back->id), CStringGetTextDatum(back->number), Int64GetDatum(sales_order_id), text_or_null(back->reason, &nulls[3]),
		TimestampTzGetDatum(back->at), Int32GetDatum(piece->line + 1), NumericGetDatum(usom_quantity_stored(piece->quantity)),
		Int32GetDatum(piece->piece_no)
	};

	usom_rows_add(rows, values, nulls);
}

static void
write_returns(const UsomOrderSet *set, UsomHistory **histories, int count)
{
	UsomRows   *rows = usom_rows_make("_migrated_return", Max(count, 1));

	for (int i = 0; i < count; i++)
		for (int j = 0; j < histories[i]->npieces; j++)
			if (histories[i]->pieces[j].back >= 0)
				add_return(rows, set->orders[histories[i]->order].sales_order_id, histories[i], &histories[i]->pieces[j]);
	write_rows(&insert_returns, set->org_id, rows);
	write_rows(&insert_return_lines, set->org_id, rows);
	write_rows(&insert_return_pieces, set->org_id, rows);
}

/* ---- all of it ---- */

static void
write_orders(UsomOrderSet *set, UsomHistory **histories, int count, const char *batch)
{
	UsomRows   *lines = line_rows(set, histories, count);
	UsomRows   *pieces = piece_rows(set, histories, count);
	Datum		values[4] = {
		Int64GetDatum(set->org_id), usom_rows_datum(order_rows(set, histories, count)), CStringGetTextDatum(batch), usom_rows_datum(lines)
	};

	usom_query_write(&insert_migrated, values, NULL);
	write_people(set->org_id, histories, count);
	write_rows(&insert_lines, set->org_id, lines);
	write_rows(&insert_steps, set->org_id, lines);
	write_rows(&insert_shipments, set->org_id, shipment_rows(set, histories, count));
	write_rows(&insert_pieces, set->org_id, pieces);
	write_rows(&insert_lots, set->org_id, pieces);
	write_rows(&insert_stock, set->org_id, pieces);
	write_returns(set, histories, count);
	values[3] = CStringGetTextDatum(usom_setting_app_user);
	usom_query_write(&insert_history, values, NULL);
}

void
usom_history_write(UsomOrderSet *set, UsomHistory **histories, int count, const char *batch)
{
	for (int i = 0; i < count; i++)
	{
		set->orders[histories[i]->order].sales_order_id = usom_ident_next();
		seal_person(set->org_id, histories[i], set->orders[histories[i]->order].sales_order_id);
		name_parcels(histories[i]);
	}
	count = write_headers(set, histories, count);
	if (count > 0)
		write_orders(set, histories, count, batch);
	for (int i = 0; i < count; i++)
	{
		histories[i]->item->outcome = "migrated";
		histories[i]->item->order_no = histories[i]->order_no;
		explicit_bzero(&histories[i]->key, sizeof(UsomPersonKey));
	}
}
