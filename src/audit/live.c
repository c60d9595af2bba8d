/*
 * live.c
 *		The sum over the rows of a table as they are: see sum.h.
 *
 * Memory: one image, in the SPI connection's context, that every row is
 * written into; what writing leaves behind is reset per row.  Locks are those
 * of a SELECT.
 *
 * Invariant: a row makes the bytes here that its image in the audit has.
 */
#include "postgres.h"

#include "base/compat.h"

#include "audit/layout.h"
#include "audit/stream.h"
#include "audit/sum.h"

#include "access/skey.h"
#include "access/stratnum.h"
#include "access/table.h"
#include "access/tableam.h"
#include "catalog/namespace.h"
#include "catalog/pg_am.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "executor/tuptable.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

PG_FUNCTION_INFO_V1(usom__live_sum);

#define SMALL_PAGES 64

typedef struct LiveRows
{
	MemoryContext context;
	UsomSum    *sum;
	UsomAuditLayout *layout;	/* NULL before the first row */
	UsomCanonImage image;
	int			nest;			/* level of settings; 0: those of the session do */
} LiveRows;

static void
begin(LiveRows *rows, TupleDesc tupdesc)
{
	MemoryContext outer = MemoryContextSwitchTo(rows->context);

	rows->layout = usom_audit_layout_of_rows(CreateTupleDescCopy(tupdesc));
	usom_canon_begin(&rows->image, &rows->layout->canon);
	MemoryContextSwitchTo(outer);
	if (!rows->layout->canon.needs_settings)
		return;
	rows->nest = NewGUCNestLevel();
	usom_audit_fix_settings();
}

static void
add_row(void *argument, TupleDesc tupdesc, Datum *values, bool *nulls)
{
	LiveRows   *rows = argument;

	if (unlikely(rows->layout == NULL))
		begin(rows, tupdesc);
	usom_canon_empty(&rows->image);
	usom_canon_add(&rows->image, values, nulls);
	usom_canon_seal(&rows->image);
	if (!usom_sum_add_image(rows->sum, rows->image.data + VARHDRSZ, rows->image.size - VARHDRSZ, 1, 1))
		elog(ERROR, "a row of the audit cannot be read back");
}

/* ---- small tables ---- */

/*
 * A table of few pages is read as it lies: to plan the statement would cost
 * more than to run it.
 */
static bool
is_small(Relation table)
{
	return table->rd_rel->relkind == RELKIND_RELATION && table->rd_rel->relam == HEAP_TABLE_AM_OID && !table->rd_rel->relhassubclass
		&& !table->rd_rel->relforcerowsecurity && RelationGetNumberOfBlocks(table) <= SMALL_PAGES;
}

/* Rows of an organisation, with the snapshot of the statement that asks. */
static void
add_all(LiveRows *rows, Relation table, AttrNumber org_column, int64 org_id)
{
	TupleTableSlot *slot = table_slot_create(table, NULL);
	MemoryContext per_row = AllocSetContextCreate(rows->context, "usom live rows", ALLOCSET_SMALL_SIZES);
	MemoryContext outer = MemoryContextSwitchTo(rows->context);
	TableScanDesc scan;
	ScanKeyData key;

	ScanKeyInit(&key, org_column, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(org_id));
	scan = table_beginscan(table, GetActiveSnapshot(), 1, &key);
	while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		CHECK_FOR_INTERRUPTS();
		slot_getallattrs(slot);
		MemoryContextSwitchTo(per_row);
		add_row(rows, RelationGetDescr(table), slot->tts_values, slot->tts_isnull);
		MemoryContextSwitchTo(rows->context);
		MemoryContextReset(per_row);
	}
	table_endscan(scan);
	MemoryContextSwitchTo(outer);
	ExecDropSingleTupleTableSlot(slot);
}

/* False: it is to be read by a statement. */
static bool
add_small(LiveRows *rows, const char *relation, int64 org_id)
{
	Oid			relid = get_relname_relid(relation, get_namespace_oid("usom", false));
	AttrNumber	org_column = OidIsValid(relid) ? get_attnum(relid, "org_id") : InvalidAttrNumber;
	bool		small = false;
	Relation	table;

	if (org_column == InvalidAttrNumber || get_atttype(relid, org_column) != INT8OID)
		return false;
	table = table_open(relid, AccessShareLock);
	small = is_small(table);
	if (small)
		add_all(rows, table, org_column, org_id);
	table_close(table, NoLock);
	return small;
}

/* ---- from SQL ---- */

/* usom._live_sum(key bytea, org_id bigint, relation text) RETURNS bigint[] */
Datum
usom__live_sum(PG_FUNCTION_ARGS)
{
	LiveRows	rows = {0};
	const char *relation;
	Datum		result;

	SPI_connect();
	rows.context = CurrentMemoryContext;
	rows.sum = usom_sum_make(rows.context, usom_sum_key(PG_GETARG_BYTEA_PP(0)));
	relation = text_to_cstring(PG_GETARG_TEXT_PP(2));
	if (!add_small(&rows, relation, PG_GETARG_INT64(1)))
		usom_audit_stream(psprintf("SELECT live_row.* FROM usom.%s AS live_row WHERE live_row.org_id = $1", quote_identifier(relation)),
						  PG_GETARG_INT64(1), 0, add_row, &rows);
	if (rows.nest > 0)
		AtEOXact_GUC(true, rows.nest);
	result = SPI_datumTransfer(usom_sum_result(rows.sum), false, -1);
	SPI_finish();
	return result;
}
