/*
 * rows.c
 *		Rows of orders, lines and pieces are changed: past the executor, or, where
 *		that cannot be, by a statement.
 *
 * Memory: CurrentMemoryContext.
 *
 * Locks: those of UPDATE.  The orders are locked, so nobody else changes their
 * lines and pieces: every writer takes the order first.
 */
#include "postgres.h"

#include "order/rows.h"

UsomUpdate	usom_header_rows = {
	.table = "sales_order",
	.index = "sales_order_no_unique",
	.nkeys = HEADER_KEYS,
	.ncolumns = HEADER_COLUMNS,
	.columns = {
		[HEADER_ORG] = {"org_id", "bigint"},
		[HEADER_NO] = {"order_no", "text"},
		[HEADER_ID] = {"sales_order_id", "bigint"},
		[HEADER_STATUS] = {"status", "usom.order_status"},
		[HEADER_VERSION] = {"version", "integer"},
		[HEADER_TOTAL] = {"total", "numeric"},
		[HEADER_CURRENCY] = {"currency", "text"},
		[HEADER_REQUESTED_AT] = {"requested_at", "timestamptz"},
		[HEADER_SHIP_COMPLETE] = {"ship_complete", "boolean"},
		[HEADER_TYPE] = {"order_type", "text"},
		[HEADER_PRIORITY] = {"priority", "integer"},
		[HEADER_PLACED_AT] = {"placed_at", "timestamptz"},
		[HEADER_CHANNEL] = {"channel_id", "bigint"},
		[HEADER_CUSTOMER] = {"customer_id", "bigint"},
		[HEADER_PAID] = {"paid", "numeric"},
		[HEADER_PAYMENT] = {"payment", "jsonb"},
		[HEADER_PRICED_AT] = {"priced_at", "timestamptz"},
		[HEADER_FLOW] = {"flow_id", "bigint"},
		[HEADER_FLOW_STATE] = {"flow_state", "text"},
	},
};

/* What is said of substitution and partial is said when a line is made. */
UsomRowsUpdate usom_line_rows = {
	.update = {
		.table = "order_line",
		.index = "order_line_pkey",
		.nkeys = 3,
		.ncolumns = 28,
		.columns = {
			{"org_id", "bigint"}, {"sales_order_id", "bigint"}, {"line_no", "integer"}, {"product_id", "bigint"},
			{"quantity", "numeric"}, {"unit_price", "numeric"}, {"total", "numeric"}, {"location_id", "bigint"},
			{"requested_at", "timestamptz"}, {"substitution", "text"}, {"partial", "boolean"}, {"quantity_open", "numeric"},
			{"quantity_backordered", "numeric"}, {"quantity_reserved", "numeric"}, {"quantity_released", "numeric"},
			{"quantity_picked", "numeric"}, {"quantity_packed", "numeric"}, {"quantity_shipped", "numeric"},
			{"quantity_delivered", "numeric"}, {"quantity_returned", "numeric"}, {"quantity_cancelled", "numeric"},
			{"kit_line_no", "integer"}, {"kit_quantity", "numeric"}, {"discount", "numeric"}, {"freight", "numeric"},
			{"tax", "numeric"}, {"tax_included", "boolean"}, {"decimals", "smallint"}
		},
	},
	.kept = 1 << 9 | 1 << 10,
	.query = {
		.text = "UPDATE usom.order_line AS l SET product_id = r.product_id, quantity = r.quantity, "
		"unit_price = r.unit_price, total = r.total, location_id = r.location_id, requested_at = r.requested_at, "
		"quantity_open = r.quantity_open, quantity_backordered = r.quantity_backordered, "
		"quantity_reserved = r.quantity_reserved, quantity_released = r.quantity_released, "
		"quantity_picked = r.quantity_picked, quantity_packed = r.quantity_packed, "
		"quantity_shipped = r.quantity_shipped, quantity_delivered = r.quantity_delivered, "
		"quantity_returned = r.quantity_returned, quantity_cancelled = r.quantity_cancelled, "
		"kit_line_no = r.kit_line_no, kit_quantity = r.kit_quantity, discount = r.discount, freight = r.freight, "
		"tax = r.tax, tax_included = r.tax_included, decimals = r.decimals FROM unnest($2) AS r "
		"WHERE l.org_id = $1 AND l.sales_order_id = r.sales_order_id AND l.line_no = r.line_no",
		.nargs = 2,
		.argtypes = {"bigint", "usom._line_row[]"},
	},
};

UsomRowsUpdate usom_piece_rows = {
	.update = {
		.table = "fulfillment_line",
		.index = "fulfillment_line_pkey",
		.nkeys = 4,
		.ncolumns = 14,
		.columns = {
			{"org_id", "bigint"}, {"sales_order_id", "bigint"}, {"line_no", "integer"}, {"piece_no", "integer"},
			{"product_id", "bigint"}, {"location_id", "bigint"}, {"lot", "text"}, {"status", "usom.piece_status"},
			{"quantity", "numeric"}, {"promised_at", "timestamptz"}, {"shipment_id", "bigint"}, {"ships_on", "date"},
			{"supply_id", "bigint"}, {"package_id", "bigint"}
		},
	},
	.query = {
		.text = "UPDATE usom.fulfillment_line AS f SET product_id = r.product_id, location_id = r.location_id, lot = r.lot, "
		"status = r.status, quantity = r.quantity, promised_at = r.promised_at, shipment_id = r.shipment_id, "
		"ships_on = r.ships_on, supply_id = r.supply_id, package_id = r.package_id FROM unnest($2) AS r WHERE f.org_id = $1 AND f.sales_order_id = r.sales_order_id "
		"AND f.line_no = r.line_no AND f.piece_no = r.piece_no",
		.nargs = 2,
		.argtypes = {"bigint", "usom._piece_row[]"},
	},
};

typedef struct Changing
{
	const UsomRowsUpdate *update;
	UsomRows   *rows;
} Changing;

static void
change(void *argument, int i, Datum *values, bool *nulls)
{
	const Changing *changing = argument;
	const Datum *new_values;
	const bool *new_nulls;

	usom_rows_values(changing->rows, i, &new_values, &new_nulls);
	for (int column = changing->update->update.nkeys; column < changing->update->update.ncolumns; column++)
	{
		if (changing->update->kept & ((uint32) 1 << column))
			continue;
		values[column] = new_values[column - 1];
		nulls[column] = new_nulls[column - 1];
	}
}

/* org_id, and the first columns of each row. */
static Datum *
keys_of(const UsomRows *rows, int64 org_id, int nkeys)
{
	int			count = usom_rows_count(rows);
	Datum	   *keys = palloc_array(Datum, count * nkeys);

	for (int i = 0; i < count; i++)
	{
		const Datum *values;
		const bool *nulls;

		usom_rows_values(rows, i, &values, &nulls);
		keys[i * nkeys] = Int64GetDatum(org_id);
		memcpy(&keys[i * nkeys + 1], values, (nkeys - 1) * sizeof(Datum));
	}
	return keys;
}

uint64
usom_rows_change(UsomRowsUpdate *update, int64 org_id, UsomRows *rows)
{
	Changing	changing = {update, rows};
	UsomRowChanges changes = {
		.update = &update->update, .text = update->query.text, .keys = keys_of(rows, org_id, update->update.nkeys),
		.count = usom_rows_count(rows), .change = change, .argument = &changing,
	};
	Datum		values[2] = {Int64GetDatum(org_id)};

	if (likely(usom_update_run(&changes)))
		return changes.changed;
	values[1] = usom_rows_datum(rows);
	return usom_query_write(&update->query, values, NULL);
}
