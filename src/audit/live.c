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

#include "executor/spi.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/memutils.h"

PG_FUNCTION_INFO_V1(usom__live_sum);

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

/* usom._live_sum(key bytea, org_id bigint, relation text) RETURNS bigint[] */
Datum
usom__live_sum(PG_FUNCTION_ARGS)
{
	LiveRows	rows = {0};
	char	   *statement;
	Datum		result;

	SPI_connect();
	rows.context = CurrentMemoryContext;
	rows.sum = usom_sum_make(rows.context, usom_sum_key(PG_GETARG_BYTEA_PP(0)));
	statement = psprintf("SELECT live_row.* FROM usom.%s AS live_row WHERE live_row.org_id = $1",
					quote_identifier(text_to_cstring(PG_GETARG_TEXT_PP(2))));
	usom_audit_stream(statement, PG_GETARG_INT64(1), 0, add_row, &rows);
	if (rows.nest > 0)
		AtEOXact_GUC(true, rows.nest);
	result = SPI_datumTransfer(usom_sum_result(rows.sum), false, -1);
	SPI_finish();
	return result;
}
