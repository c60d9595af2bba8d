/*
 * lot.c
 *		Lots: their rows, and what stock keeps of them.
 *
 * Locks: rows of usom.lot by (product, lot), in share before stock rows of
 * theirs are made; by the UPDATE of a lot before its stock rows, which are
 * locked in stock order by the trigger behind it.  A first receipt of a lot
 * that is changed at that moment may come the other way round: then PostgreSQL
 * finds the deadlock and one of the two is repeated.
 *
 * Exactness.  Who makes a stock row reads the lot when it holds the share
 * lock; who changes the lot looks for stock rows when that lock is its own.
 * So one of the two sees what the other did.
 *
 * Invariant: usable_until of a stock row is what its lot says.
 *
 * Memory: CurrentMemoryContext.
 */
#include "postgres.h"

#include "stock/lot.h"

#include "base/call.h"
#include "base/errors.h"
#include "base/query.h"
#include "base/trigger.h"
#include "catalog/pg_type.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "stock/place.h"
#include "utils/builtins.h"
#include "utils/rel.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

PG_FUNCTION_INFO_V1(usom__lot_written);

/* ---- rows for lots ---- */

static UsomQuery find_unmade = {
	.text = "SELECT DISTINCT k.product_id, 0::bigint, k.lot FROM unnest($2) AS k WHERE NOT EXISTS (SELECT 1 FROM usom.stock AS s "
	"WHERE s.org_id = $1 AND s.product_id = k.product_id AND s.location_id = k.location_id AND s.lot = k.lot) ORDER BY 1, 3",
	.nargs = 2,
	.argtypes = {"bigint", "usom._stock_key[]"},
};

static UsomQuery make_lots = {
	.text = "INSERT INTO usom.lot (org_id, sku, lot, product_id) SELECT $1, p.sku, k.lot, k.product_id "
	"FROM unnest($2) AS k JOIN usom.product AS p ON p.org_id = $1 AND p.product_id = k.product_id "
	"ORDER BY k.product_id, k.lot ON CONFLICT (org_id, product_id, lot) DO NOTHING",
	.nargs = 2,
	.argtypes = {"bigint", "usom._stock_key[]"},
};

static UsomQuery share_lots = {
	.text = "SELECT l.lot FROM (SELECT k.product_id, k.lot FROM unnest($2) AS k ORDER BY 1, 2) AS k "
	"CROSS JOIN LATERAL (SELECT l.lot FROM usom.lot AS l "
	"WHERE l.org_id = $1 AND l.product_id = k.product_id AND l.lot = k.lot FOR SHARE) AS l",
	.nargs = 2,
	.argtypes = {"bigint", "usom._stock_key[]"},
};

void
usom_stock_open_lots(int64 org_id, const UsomStockKey *keys, int nkeys)
{
	Datum		values[2] = {Int64GetDatum(org_id)};
	UsomStockKey *unmade;
	int			count;

	if (nkeys == 0)
		return;
	values[1] = usom_stock_key_rows(keys, nkeys);
	count = (int) usom_query_run(&find_unmade, values, NULL);
	if (count == 0)
		return;
	unmade = palloc_array(UsomStockKey, count);
	for (int i = 0; i < count; i++)
		unmade[i] = usom_stock_read_key(i, 1);
	values[1] = usom_stock_key_rows(unmade, count);
	usom_query_write(&make_lots, values, NULL);
	usom_query_run(&share_lots, values, NULL);
}

/* ---- what stock keeps of lots ---- */

static UsomQuery lock_stock = {
	.text = "SELECT s.lot FROM (SELECT DISTINCT k.product_id, k.lot FROM unnest($2) AS k ORDER BY 1, 2) AS k "
	"CROSS JOIN LATERAL (SELECT s.lot FROM usom.stock AS s WHERE s.org_id = $1 AND s.product_id = k.product_id AND s.lot = k.lot "
	"ORDER BY s.location_id FOR NO KEY UPDATE) AS s",
	.nargs = 2,
	.argtypes = {"bigint", "usom._stock_key[]"},
};

static UsomQuery mark_stock = {
	.text = "UPDATE usom.stock AS s SET usable_until = m.usable_until "
	"FROM (SELECT l.org_id, l.product_id, l.lot, " USOM_LOT_USABLE_UNTIL " AS usable_until FROM usom.lot AS l "
	"WHERE l.org_id = $1 AND (l.product_id, l.lot) IN (SELECT k.product_id, k.lot FROM unnest($2) AS k)) AS m "
	"WHERE s.org_id = $1 AND m.org_id = $1 AND s.product_id = m.product_id AND s.lot = m.lot AND s.usable_until IS DISTINCT FROM m.usable_until",
	.nargs = 2,
	.argtypes = {"bigint", "usom._stock_key[]"},
};

/* A lot that a statement wrote. */
typedef struct Written
{
	int64		org_id;
	UsomStockKey key;
} Written;

static int
compare_written(const void *a, const void *b)
{
	const Written *left = a;
	const Written *right = b;

	if (left->org_id != right->org_id)
		return left->org_id < right->org_id ? -1 : 1;
	return usom_stock_key_compare(&left->key, &right->key);
}

static Written
read_written(TriggerData *trigdata, TupleTableSlot *slot)
{
	bool		isnull[3];
	Datum		org = slot_getattr(slot, usom_trigger_column(trigdata, "org_id", INT8OID), &isnull[0]);
	Datum		product = slot_getattr(slot, usom_trigger_column(trigdata, "product_id", INT8OID), &isnull[1]);
	Datum		lot = slot_getattr(slot, usom_trigger_column(trigdata, "lot", TEXTOID), &isnull[2]);

	Ensure(!isnull[0] && !isnull[1] && !isnull[2], "the key of a lot is null");
	return (Written) {DatumGetInt64(org), {DatumGetInt64(product), 0, TextDatumGetCString(lot), 0}};
}

static Written *
collect(TriggerData *trigdata, int *count)
{
	int			capacity = 8;
	Written    *rows = palloc_array(Written, capacity);
	TupleTableSlot *slot;

	if (trigdata->tg_newtable == NULL)
		ereport(ERROR, errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				errmsg("trigger \"%s\" needs a transition table", trigdata->tg_trigger->tgname));
	*count = 0;
	tuplestore_select_read_pointer(trigdata->tg_newtable, 0);
	tuplestore_rescan(trigdata->tg_newtable);
	slot = MakeSingleTupleTableSlot(RelationGetDescr(trigdata->tg_relation), &TTSOpsMinimalTuple);
	while (tuplestore_gettupleslot(trigdata->tg_newtable, true, false, slot))
	{
		CHECK_FOR_INTERRUPTS();
		if (*count == capacity)
			rows = repalloc_array(rows, Written, capacity *= 2);
		rows[(*count)++] = read_written(trigdata, slot);
	}
	ExecDropSingleTupleTableSlot(slot);
	qsort(rows, *count, sizeof(Written), compare_written);
	return rows;
}

/* Lots of one organisation. */
static void
mark(const Written *rows, int count)
{
	UsomStockKey *keys = palloc_array(UsomStockKey, count);
	Datum		values[2] = {Int64GetDatum(rows[0].org_id)};

	for (int i = 0; i < count; i++)
		keys[i] = rows[i].key;
	values[1] = usom_stock_key_rows(keys, count);
	if (usom_query_run(&lock_stock, values, NULL) > 0)
		usom_query_write(&mark_stock, values, NULL);
}

/* Trigger AFTER a statement wrote usom.lot. */
Datum
usom__lot_written(PG_FUNCTION_ARGS)
{
	static const UsomTriggerSpec spec = {"usom._lot_written", .before = false, .row = false};
	TriggerData *trigdata = usom_trigger_check(fcinfo, &spec);
	Written    *rows;
	int			count;

	if (usom_trigger_is_replay())
		return PointerGetDatum(NULL);
	usom_call_begin("write lot", NULL);
	rows = collect(trigdata, &count);
	for (int first = 0, next; first < count; first = next)
	{
		for (next = first; next < count && rows[next].org_id == rows[first].org_id;)
			next++;
		mark(&rows[first], next - first);
	}
	usom_call_end();
	return PointerGetDatum(NULL);
}

/* ---- refusals ---- */

static UsomQuery find_unusable = {
	.text = "SELECT p.sku, o.code, s.lot, s.usable_until::text, l.blocked FROM unnest($2) AS k "
	"JOIN usom.stock AS s ON s.org_id = $1 AND s.product_id = k.product_id AND s.location_id = k.location_id AND s.lot = k.lot "
	"JOIN usom.product AS p ON p.org_id = $1 AND p.product_id = s.product_id "
	"JOIN usom.location AS o ON o.org_id = $1 AND o.location_id = s.location_id "
	"LEFT JOIN usom.lot AS l ON l.org_id = $1 AND l.product_id = s.product_id AND l.lot = s.lot "
	"WHERE s.usable_until <= $3 ORDER BY p.sku, o.code, s.lot LIMIT 1",
	.nargs = 3,
	.argtypes = {"bigint", "usom._stock_key[]", "timestamptz"},
};

static void
refuse_unusable(const char *sku, const char *location, const char *lot, const char *until, const char *blocked)
{
	ereport(ERROR, errcode(USOM_ERR(LOT_UNUSABLE)),
			errmsg("lot \"%s\" of \"%s\" at \"%s\" must not be used", lot, sku, location),
			blocked != NULL ? errdetail("It is blocked: %s.", blocked) : errdetail("It expired at %s.", until),
			errhint("Take another lot of usom.lots, or take the reserved units off it with usom.block_lot()."));
}

void
usom_stock_check_usable(int64 org_id, const UsomStockKey *keys, int nkeys)
{
	Datum		values[] = {
		Int64GetDatum(org_id),
		usom_stock_key_rows(keys, nkeys),
		TimestampTzGetDatum(usom_call_time()),
	};

	if (usom_query_run(&find_unusable, values, NULL) > 0)
		refuse_unusable(usom_query_get_text(0, 1), usom_query_get_text(0, 2), usom_query_get_text(0, 3),
						usom_query_get_text(0, 4), usom_query_get_text(0, 5));
}

/* One row always; lot and units are null where there is none. */
static UsomQuery read_lot = {
	.text = "SELECT p.sku, o.code, s.usable_until::text, coalesce(s.usable_until <= $5, false), l.blocked, "
	"(s.on_hand - s.reserved)::pg_catalog.numeric FROM usom.product AS p "
	"JOIN usom.location AS o ON o.org_id = $1 AND o.location_id = $3 "
	"LEFT JOIN usom.stock AS s ON s.org_id = $1 AND s.product_id = $2 AND s.location_id = $3 AND s.lot = $4 "
	"LEFT JOIN usom.lot AS l ON l.org_id = $1 AND l.product_id = $2 AND l.lot = $4 "
	"WHERE p.org_id = $1 AND p.product_id = $2",
	.nargs = 5,
	.argtypes = {"bigint", "bigint", "bigint", "text", "timestamptz"},
};

static void
refuse_missing(const char *sku, const char *location, const char *lot)
{
	ereport(ERROR, errcode(USOM_ERR(LOT_UNUSABLE)),
			errmsg("there is no lot \"%s\" of \"%s\" at \"%s\"", lot, sku, location),
			errhint("Look it up in usom.lots, or count what is there with usom.count_stock()."));
}

void
usom_stock_check_lot(int64 org_id, int64 product_id, int64 location_id, const char *lot, UsomQuantity units)
{
	Datum		values[] = {
		Int64GetDatum(org_id),
		Int64GetDatum(product_id),
		Int64GetDatum(location_id),
		CStringGetTextDatum(lot),
		TimestampTzGetDatum(usom_call_time()),
	};
	bool		isnull;
	UsomQuantity found;
	Datum		quantity;
	const char *sku;
	const char *location;

	Ensure(usom_query_run(&read_lot, values, NULL) == 1, "a product or location of a piece is not there");
	sku = usom_query_get_text(0, 1);
	location = usom_query_get_text(0, 2);
	quantity = usom_query_get_or_null(0, 6, &isnull);
	if (isnull)
		refuse_missing(sku, location, lot);
	if (DatumGetBool(usom_query_get(0, 4)))
		refuse_unusable(sku, location, lot, usom_query_get_text(0, 3), usom_query_get_text(0, 5));
	found = usom_quantity_of(DatumGetNumeric(quantity));
	if (found < units)
		ereport(ERROR, errcode(USOM_ERR(SHORT_STOCK)),
				errmsg("not enough of lot \"%s\" of \"%s\" at \"%s\" is free", lot, sku, location),
				errdetail("%s are not reserved, %s are wanted.", usom_quantity_text(found), usom_quantity_text(units)),
				errhint("Take the lot that was reserved, or fewer units of this one."));
}

/* ---- first expired, first out ---- */

static int
compare_ends(const void *a, const void *b)
{
	const UsomStockRow *left = a;
	const UsomStockRow *right = b;

	if (left->key.product_id != right->key.product_id)
		return left->key.product_id < right->key.product_id ? -1 : 1;
	if (left->key.location_id != right->key.location_id)
		return left->key.location_id < right->key.location_id ? -1 : 1;
	if (left->usable_until != right->usable_until)
		return left->usable_until < right->usable_until ? -1 : 1;
	return strcmp(left->key.lot, right->key.lot);
}

void
usom_stock_first_expired_first(UsomStockRow *rows, int nrows)
{
	for (int i = 0; i < nrows; i++)
		if (unlikely(rows[i].usable_until != PG_INT64_MAX))
		{
			qsort(rows, nrows, sizeof(UsomStockRow), compare_ends);
			return;
		}
}
