/*
 * line_guard.c
 *		Order lines that plain SQL writes.
 *
 * A draft's lines are written freely.  The BEFORE ROW trigger derives what is
 * kept (open units, total) and refuses hands on the counters; the AFTER
 * STATEMENT trigger locks the orders of the rows that were written, makes sure
 * that they are drafts, and brings their totals up to date.  Neither stands in
 * the way of the break-glass role.
 *
 * Locks: the orders, by key, after the lines were written: an order that stops
 * being a draft in between is seen here, and the statement fails.
 */
#include "postgres.h"

#include "order/order.h"

#include "access/htup_details.h"
#include "base/errors.h"
#include "base/glass.h"
#include "base/query.h"
#include "base/trigger.h"
#include "catalog/pg_type.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/fmgrprotos.h"
#include "utils/rel.h"
#include "utils/tuplestore.h"

PG_FUNCTION_INFO_V1(usom__adds_up);
PG_FUNCTION_INFO_V1(usom__piece_is_sound);
PG_FUNCTION_INFO_V1(usom__guard_line);
PG_FUNCTION_INFO_V1(usom__line_written);

static const UsomTriggerSpec guard_spec = {"usom._guard_line", .before = true, .row = true};
static const UsomTriggerSpec written_spec = {"usom._line_written", .before = false, .row = false};

static UsomQuery lock_orders = {
	.text = "SELECT o.order_no, o.status FROM usom.sales_order o "
	"JOIN unnest($1, $2) AS k (org_id, sales_order_id) ON o.org_id = k.org_id AND o.sales_order_id = k.sales_order_id "
	"ORDER BY o.org_id, o.sales_order_id FOR UPDATE OF o",
	.nargs = 2,
	.argtypes = {"bigint[]", "bigint[]"},
};

/* Codes of plain SQL's lines: usom's own are resolved before they are written. */
static UsomQuery find_orphan = {
	.text = "SELECT o.order_no, l.line_no, CASE WHEN p.product_id IS NULL THEN 'product' ELSE 'location' END "
	"FROM unnest($1, $2) AS k (org_id, sales_order_id) "
	"JOIN usom.sales_order o ON o.org_id = k.org_id AND o.sales_order_id = k.sales_order_id "
	"JOIN usom.order_line l ON l.org_id = k.org_id AND l.sales_order_id = k.sales_order_id "
	"LEFT JOIN usom.product p ON p.org_id = l.org_id AND p.product_id = l.product_id "
	"LEFT JOIN usom.location x ON x.org_id = l.org_id AND x.location_id = l.location_id "
	"WHERE p.product_id IS NULL OR (l.location_id IS NOT NULL AND x.location_id IS NULL) LIMIT 1",
	.nargs = 2,
	.argtypes = {"bigint[]", "bigint[]"},
};

/* Counters of an order are added up in 64 bits of millionths. */
static UsomQuery find_excess = {
	.text = "SELECT o.order_no FROM (SELECT DISTINCT d.org_id, d.sales_order_id FROM unnest($1, $2) AS d (org_id, sales_order_id)) AS k "
	"JOIN usom.sales_order o ON o.org_id = k.org_id AND o.sales_order_id = k.sales_order_id "
	"WHERE (SELECT sum(l.quantity) FROM usom.order_line l WHERE l.org_id = k.org_id AND l.sales_order_id = k.sales_order_id) "
	">= 9000000000000 LIMIT 1",
	.nargs = 2,
	.argtypes = {"bigint[]", "bigint[]"},
};

static UsomQuery sum_orders = {
	.text = "UPDATE usom.sales_order AS o SET total = "
	"(SELECT coalesce(sum(l.total), 0) FROM usom.order_line l "
	"WHERE l.org_id = o.org_id AND l.sales_order_id = o.sales_order_id) "
	"FROM (SELECT DISTINCT d.org_id, d.sales_order_id FROM unnest($1, $2) AS d (org_id, sales_order_id)) AS k "
	"WHERE o.org_id = k.org_id AND o.sales_order_id = k.sales_order_id",
	.nargs = 2,
	.argtypes = {"bigint[]", "bigint[]"},
};

/* Counters and what leads to them; a draft's line has open units alone. */
static const char *const counters[] = {
	"quantity_backordered", "quantity_reserved", "quantity_released", "quantity_picked", "quantity_packed",
	"quantity_shipped", "quantity_delivered", "quantity_returned", "quantity_cancelled"
};

/* What pricing adds and takes off. */
static const char *const charges[] = {"discount", "freight", "tax"};

/* usom._adds_up(quantity, counters ...): the constraint that nothing is lost.  None is negative, and ten fit 64 bits so. */
Datum
usom__adds_up(PG_FUNCTION_ARGS)
{
	uint64		sum = 0;

	for (int i = 1; i < PG_NARGS(); i++)
		sum += (uint64) usom_quantity_of_datum(PG_GETARG_DATUM(i));
	PG_RETURN_BOOL(sum == (uint64) usom_quantity_of_datum(PG_GETARG_DATUM(0)));
}

/* usom._piece_is_sound(status, location_id, supply_id, ships_on, shipment_id) */
Datum
usom__piece_is_sound(PG_FUNCTION_ARGS)
{
	uint8		status = DatumGetUInt8(PG_GETARG_DATUM(0));
	bool		left = status >= USOM_PIECE_SHIPPED && status <= USOM_PIECE_RETURNED;
	bool		waits = status <= USOM_PIECE_BACKORDERED;

	if (PG_ARGISNULL(0) || left == PG_ARGISNULL(4))
		PG_RETURN_BOOL(false);
	if (waits ? !PG_ARGISNULL(1) : !PG_ARGISNULL(2))
		PG_RETURN_BOOL(false);
	PG_RETURN_BOOL(PG_ARGISNULL(3) || (!PG_ARGISNULL(1) && status >= USOM_PIECE_RESERVED && status <= USOM_PIECE_RETURNED));
}

static Datum
get_numeric(TriggerData *trigdata, HeapTuple row, const char *name)
{
	TupleDesc	desc = RelationGetDescr(trigdata->tg_relation);
	bool		isnull;
	Datum		value = heap_getattr(row, usom_trigger_column(trigdata, name, NUMERICOID), desc, &isnull);

	if (isnull)
		ereport(ERROR, errcode(ERRCODE_NOT_NULL_VIOLATION),
				errmsg("column \"%s\" of an order line must not be null", name));
	return value;
}

static bool
has_counters(TriggerData *trigdata, HeapTuple row)
{
	for (int i = 0; i < (int) lengthof(counters); i++)
		if (!DatumGetBool(DirectFunctionCall2(numeric_eq, get_numeric(trigdata, row, counters[i]),
											  NumericGetDatum(int64_to_numeric(0)))))
			return true;
	return false;
}

static int
line_no_of(TriggerData *trigdata, HeapTuple row)
{
	bool		isnull;
	int			column = usom_trigger_column(trigdata, "line_no", INT4OID);
	Datum		line_no = heap_getattr(row, column, RelationGetDescr(trigdata->tg_relation), &isnull);

	return isnull ? 0 : DatumGetInt32(line_no);
}

/* Kept when the order is priced; a draft's may be there already and stay as they are. */
static void
refuse_charges(TriggerData *trigdata, HeapTuple row)
{
	for (int i = 0; i < (int) lengthof(charges); i++)
	{
		Datum		before = TRIGGER_FIRED_BY_INSERT(trigdata->tg_event) ? NumericGetDatum(int64_to_numeric(0))
			: get_numeric(trigdata, trigdata->tg_trigtuple, charges[i]);

		if (!DatumGetBool(DirectFunctionCall2(numeric_eq, get_numeric(trigdata, row, charges[i]), before)))
			ereport(ERROR, errcode(USOM_ERR(KEPT_BY_USOM)),
					errmsg("%s of an order line is not written by hand", charges[i]),
					errhint("usom keeps it; insert quantity and unit_price alone."));
	}
}

/* The row before tells what was decided on the line, the row after hands on the counters. */
static void
refuse_counters(TriggerData *trigdata, HeapTuple row)
{
	if (!TRIGGER_FIRED_BY_INSERT(trigdata->tg_event) && has_counters(trigdata, trigdata->tg_trigtuple))
		ereport(ERROR, errcode(USOM_ERR(KEPT_BY_USOM)),
				errmsg("order line %d is no longer written by hand", line_no_of(trigdata, trigdata->tg_trigtuple)),
				errdetail("Units of the line are reserved, backordered, cancelled or further on."),
				errhint("Call usom.change_order() or usom.cancel_line()."));
	refuse_charges(trigdata, row);
	if (has_counters(trigdata, row))
		ereport(ERROR, errcode(USOM_ERR(KEPT_BY_USOM)),
				errmsg("counters of order lines are not written by hand"),
				errhint("usom keeps them; insert quantity and unit_price alone."));
}

/* Line of the kit that the row names, or 0. */
static int
kit_line_no_of(TriggerData *trigdata, HeapTuple row)
{
	bool		isnull;
	int			column = usom_trigger_column(trigdata, "kit_line_no", INT4OID);
	Datum		line_no = heap_getattr(row, column, RelationGetDescr(trigdata->tg_relation), &isnull);

	return isnull ? 0 : DatumGetInt32(line_no);
}

/* Lines of components are made with those of their kits. */
static void
refuse_components(TriggerData *trigdata, HeapTuple row)
{
	HeapTuple	before = TRIGGER_FIRED_BY_INSERT(trigdata->tg_event) ? row : trigdata->tg_trigtuple;
	int			line_no = line_no_of(trigdata, before);
	int			kit_line_no = kit_line_no_of(trigdata, before);

	if (kit_line_no == 0)
		kit_line_no = kit_line_no_of(trigdata, row);
	if (likely(kit_line_no == 0))
		return;
	ereport(ERROR, errcode(USOM_ERR(KIT_COMPONENT)),
			errmsg("order line %d belongs to a kit and is not written by hand", line_no),
			errdetail("The kit is line %d.", kit_line_no),
			errhint("Call usom.change_order() or usom.cancel_line() for line %d: its components follow.", kit_line_no));
}

/* Lines count from 1, like the lines of a document. */
static void
check_line_no(TriggerData *trigdata, HeapTuple row)
{
	int			line_no = line_no_of(trigdata, row);

	if (line_no < 1)
		ereport(ERROR, errcode(ERRCODE_CHECK_VIOLATION),
				errmsg("order line number %d is below 1", line_no),
				errhint("Number the lines of an order from 1."));
}

/* The row with open units and total as they follow from quantity and price; what is added and taken off follows at submit. */
static HeapTuple
derive_row(TriggerData *trigdata, HeapTuple row)
{
	Datum		quantity = get_numeric(trigdata, row, "quantity");
	Datum		price = get_numeric(trigdata, row, "unit_price");
	Datum		zero = NumericGetDatum(usom_order_no_price());
	int			columns[7] = {
		usom_trigger_column(trigdata, "quantity_open", NUMERICOID),
		usom_trigger_column(trigdata, "total", NUMERICOID),
		usom_trigger_column(trigdata, charges[0], NUMERICOID),
		usom_trigger_column(trigdata, charges[1], NUMERICOID),
		usom_trigger_column(trigdata, charges[2], NUMERICOID),
		usom_trigger_column(trigdata, "tax_included", BOOLOID),
		usom_trigger_column(trigdata, "decimals", INT2OID),
	};
	Datum		values[7] = {
		quantity,
		DirectFunctionCall2(numeric_round, DirectFunctionCall2(numeric_mul, quantity, price), Int32GetDatum(4)),
		zero, zero, zero, BoolGetDatum(false), (Datum) 0,
	};
	bool		nulls[7] = {false, false, false, false, false, false, true};

	return heap_modify_tuple_by_cols(row, RelationGetDescr(trigdata->tg_relation), 7, columns, values, nulls);
}

Datum
usom__guard_line(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = usom_trigger_check(fcinfo, &guard_spec);
	HeapTuple	row = usom_trigger_row(trigdata);

	if (usom_query_is_writer() || usom_trigger_is_replay() || usom_glass_passes())
		return PointerGetDatum(row);
	refuse_components(trigdata, row);
	refuse_counters(trigdata, row);
	if (TRIGGER_FIRED_BY_DELETE(trigdata->tg_event))
		return PointerGetDatum(row);
	check_line_no(trigdata, row);
	return PointerGetDatum(derive_row(trigdata, row));
}

/* Keys of the orders that the rows of a transition table belong to. */
typedef struct OrderKeys
{
	Datum	   *orgs;
	Datum	   *orders;
	int			count;
	int			capacity;
} OrderKeys;

static void
add_key(OrderKeys *keys, Datum org, Datum order)
{
	if (keys->count > 0 && keys->orders[keys->count - 1] == order && keys->orgs[keys->count - 1] == org)
		return;
	if (keys->count == keys->capacity)
	{
		keys->capacity = Max(keys->capacity * 2, 16);
		keys->orgs = keys->orgs ? repalloc_array(keys->orgs, Datum, keys->capacity) : palloc_array(Datum, keys->capacity);
		keys->orders = keys->orders ? repalloc_array(keys->orders, Datum, keys->capacity)
			: palloc_array(Datum, keys->capacity);
	}
	keys->orgs[keys->count] = org;
	keys->orders[keys->count++] = order;
}

static void
collect_keys(TriggerData *trigdata, Tuplestorestate *rows, OrderKeys *keys)
{
	TupleDesc	desc = RelationGetDescr(trigdata->tg_relation);
	int			org_column = usom_trigger_column(trigdata, "org_id", INT8OID);
	int			order_column = usom_trigger_column(trigdata, "sales_order_id", INT8OID);
	TupleTableSlot *slot = MakeSingleTupleTableSlot(desc, &TTSOpsMinimalTuple);

	tuplestore_rescan(rows);
	while (tuplestore_gettupleslot(rows, true, false, slot))
	{
		bool		isnull;
		Datum		org = slot_getattr(slot, org_column, &isnull);

		CHECK_FOR_INTERRUPTS();
		add_key(keys, org, slot_getattr(slot, order_column, &isnull));
	}
	ExecDropSingleTupleTableSlot(slot);
}

/* The foreign key of plain SQL; usom's own lines are written with their order. */
static void
check_orders_exist(const OrderKeys *keys, uint64 norders)
{
	if (norders < (uint64) keys->count)
		ereport(ERROR, errcode(ERRCODE_FOREIGN_KEY_VIOLATION),
				errmsg("an order line belongs to no order"),
				errdetail("%d of the orders that the lines name are not there.", (int) (keys->count - norders)),
				errhint("Insert the row of usom.sales_order first."));
}

static void
check_drafts(uint64 norders)
{
	for (uint64 row = 0; row < norders; row++)
	{
		UsomOrderStatus status = DatumGetUInt8(usom_query_get(row, 2));

		if (status != USOM_ORDER_DRAFT)
			ereport(ERROR, errcode(USOM_ERR(KEPT_BY_USOM)),
					errmsg("lines of order \"%s\" are not written by hand", usom_query_get_text(row, 1)),
					errdetail("The order is %s; only lines of drafts are.", usom_order_lifecycle_table.labels[status]),
					errhint("Call usom.change_order() or usom.cancel_line()."));
	}
}

static void
check_references(Datum *keys)
{
	if (usom_query_run(&find_orphan, keys, NULL) == 0)
		return;
	ereport(ERROR, errcode(ERRCODE_FOREIGN_KEY_VIOLATION),
			errmsg("line %d of order \"%s\" names no %s that is there", DatumGetInt32(usom_query_get(0, 2)),
				   usom_query_get_text(0, 1), usom_query_get_text(0, 3)),
			errhint("Use usom.product_id('sku') and usom.location_id('code')."));
}

static void
check_sum(Datum *keys)
{
	if (usom_query_run(&find_excess, keys, NULL) > 0)
		ereport(ERROR, errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				errmsg("order \"%s\" has too many units", usom_query_get_text(0, 1)),
				errdetail("The units of an order are below 9,000,000,000,000."),
				errhint("Divide the order."));
}

static void
settle_drafts(const OrderKeys *keys)
{
	Datum		values[2] = {
		PointerGetDatum(construct_array_builtin(keys->orgs, keys->count, INT8OID)),
		PointerGetDatum(construct_array_builtin(keys->orders, keys->count, INT8OID)),
	};

	uint64		norders;

	SPI_connect();
	norders = usom_query_run(&lock_orders, values, NULL);
	check_orders_exist(keys, norders);
	check_drafts(norders);
	check_references(values);
	check_sum(values);
	usom_query_write(&sum_orders, values, NULL);
	SPI_finish();
}

Datum
usom__line_written(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = usom_trigger_check(fcinfo, &written_spec);
	OrderKeys	keys = {0};

	if (usom_query_is_writer() || usom_trigger_is_replay() || usom_glass_passes())
		return PointerGetDatum(NULL);
	if (trigdata->tg_oldtable != NULL)
		collect_keys(trigdata, trigdata->tg_oldtable, &keys);
	if (trigdata->tg_newtable != NULL)
		collect_keys(trigdata, trigdata->tg_newtable, &keys);
	if (keys.count > 0)
		settle_drafts(&keys);
	return PointerGetDatum(NULL);
}
