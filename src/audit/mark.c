/*
 * mark.c
 *		Marks: rows of images and live rows in 64 bits, to compare many of them.
 *
 *		verify_audit() compares every live row with its last image.  It does so
 *		by the hashes of keys and rows, and reads as jsonb only those that
 *		differ.
 *
 * Memory: marks go into the tuplestore of the function's result; layouts of
 * live rows into the memory of the calling expression.  Nothing here locks.
 *
 * Invariant: rows with the same columns and values have the same mark, whether
 * they come from a table or from an image.
 */
#include "postgres.h"

#include "base/compat.h"

#include "audit/canon.h"
#include "audit/layout.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "funcapi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/typcache.h"

PG_FUNCTION_INFO_V1(usom__audit_marks);
PG_FUNCTION_INFO_V1(usom__audit_image);

#define MAX_KEY_COLUMNS 8

static inline uint64
hash_field(const UsomCanonField *field, uint64 hash)
{
	if (field->size < 0)
		return hash_combine64(hash, 1);
	return hash_bytes_extended((const unsigned char *) field->data, (int) field->size, hash);
}

/* Hash of the names: a row of other columns is another row. */
static uint64
hash_of_names(const UsomCanonReader *reader)
{
	uint64		hash = 0;

	for (int i = 0; i < reader->ncolumns; i++)
		hash = hash_field(&reader->names[i], hash);
	return hash;
}

/* Where the key columns are in the image; those it lacks are left out. */
static int
find_keys(const UsomCanonReader *reader, ArrayType *names, int *keys)
{
	Datum	   *elements;
	int			count;
	int			found = 0;

	deconstruct_array(names, TEXTOID, -1, false, TYPALIGN_INT, &elements, NULL, &count);
	for (int k = 0; k < Min(count, MAX_KEY_COLUMNS); k++)
	{
		text	   *name = DatumGetTextPP(elements[k]);

		for (int i = 0; i < reader->ncolumns; i++)
			if (reader->names[i].size == (int64) VARSIZE_ANY_EXHDR(name)
				&& memcmp(reader->names[i].data, VARDATA_ANY(name), reader->names[i].size) == 0)
				keys[found++] = i;
	}
	return found;
}

static void
put_marks(ReturnSetInfo *result, const UsomCanonReader *reader, const int *keys, int nkeys, uint64 names)
{
	bool		nulls[2] = {false};
	Datum		values[2];
	uint64		key = 0;
	uint64		mark = names;

	for (int k = 0; k < nkeys; k++)
		key = hash_field(&reader->fields[keys[k]], key);
	for (int i = 0; i < reader->ncolumns; i++)
		mark = hash_field(&reader->fields[i], mark);
	values[0] = Int64GetDatum((int64) key);
	values[1] = Int64GetDatum((int64) mark);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

/*
 * usom._audit_marks(image bytea, key_columns text[]) RETURNS TABLE (key bigint, mark bigint):
 * one per row, in their order; none beyond where the bytes cease to be an image.
 */
Datum
usom__audit_marks(PG_FUNCTION_ARGS)
{
	bytea	   *image = PG_GETARG_BYTEA_PP(0);
	UsomCanonReader reader;
	int			keys[MAX_KEY_COLUMNS];
	int			nkeys;
	uint64		names;

	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	if (!usom_canon_open(&reader, VARDATA_ANY(image), VARSIZE_ANY_EXHDR(image)))
		return (Datum) 0;
	nkeys = find_keys(&reader, PG_GETARG_ARRAYTYPE_P(1), keys);
	names = hash_of_names(&reader);
	while (usom_canon_next(&reader) == CANON_ROW)
		put_marks((ReturnSetInfo *) fcinfo->resultinfo, &reader, keys, nkeys, names);
	return (Datum) 0;
}

/* ---- live rows ---- */

typedef struct RowShape
{
	Oid			type;
	int32		typmod;
	TupleDesc	tupdesc;
	UsomAuditLayout *layout;
	Datum	   *values;
	bool	   *nulls;
} RowShape;

/* Made for the first row, good for all that have the same type. */
static RowShape *
shape_of(FunctionCallInfo fcinfo, HeapTupleHeader row)
{
	RowShape   *shape = fcinfo->flinfo->fn_extra;
	MemoryContext outer;

	if (likely(shape != NULL && shape->type == HeapTupleHeaderGetTypeId(row)
			   && shape->typmod == HeapTupleHeaderGetTypMod(row)))
		return shape;
	outer = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);
	shape = palloc(sizeof(RowShape));
	shape->type = HeapTupleHeaderGetTypeId(row);
	shape->typmod = HeapTupleHeaderGetTypMod(row);
	shape->tupdesc = lookup_rowtype_tupdesc_copy(shape->type, shape->typmod);
	shape->layout = usom_audit_layout_of_rows(shape->tupdesc);
	shape->values = palloc(shape->tupdesc->natts * sizeof(Datum));
	shape->nulls = palloc(shape->tupdesc->natts * sizeof(bool));
	MemoryContextSwitchTo(outer);
	fcinfo->flinfo->fn_extra = shape;
	return shape;
}

static bytea *
encode_row(const RowShape *shape)
{
	UsomCanonImage image;

	usom_canon_begin(&image, &shape->layout->canon);
	usom_canon_add(&image, shape->values, shape->nulls);
	return usom_canon_finish(&image);
}

/* usom._audit_image(live record) RETURNS bytea: the image that the audit would keep of the row. */
Datum
usom__audit_image(PG_FUNCTION_ARGS)
{
	HeapTupleHeader row = PG_GETARG_HEAPTUPLEHEADER(0);
	RowShape   *shape = shape_of(fcinfo, row);
	HeapTupleData tuple = {.t_len = HeapTupleHeaderGetDatumLength(row), .t_data = row};
	bytea	   *image;
	int			nest;

	ItemPointerSetInvalid(&tuple.t_self);
	heap_deform_tuple(&tuple, shape->tupdesc, shape->values, shape->nulls);
	if (!shape->layout->canon.needs_settings)
		PG_RETURN_BYTEA_P(encode_row(shape));
	nest = NewGUCNestLevel();
	usom_audit_fix_settings();
	image = encode_row(shape);
	AtEOXact_GUC(true, nest);
	PG_RETURN_BYTEA_P(image);
}
