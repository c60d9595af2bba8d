/*
 * sum.c
 *		Sums over images: do all changes together make the rows that are there?
 *
 *		Every row of an image has a keyed hash.  Over all entries of a table,
 *		the hashes of the rows after less those of the rows before are the
 *		hashes of the rows that live, whatever order the changes came in; a
 *		change that no entry tells leaves a difference.  So one number a table
 *		compares its whole history with what is there, in fixed memory.
 *
 * Memory: the state of an aggregate is in its aggregate's context, with a
 * buffer for one row; a reader's arrays are in a context that is reset per
 * image.  Nothing here locks.
 *
 * Invariant: rows with the same columns and values have the same hash, whether
 * they come from a table or from an image.  The key is drawn by _audit_key()
 * for each comparison and shown to nobody, so no set of rows can be made whose
 * sum is that of another.
 */
#include "postgres.h"

#include "base/compat.h"

#include "audit/canon.h"
#include "audit/siphash.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

PG_FUNCTION_INFO_V1(usom__audit_key);
PG_FUNCTION_INFO_V1(usom__audit_siphash);
PG_FUNCTION_INFO_V1(usom__audit_sum_add);
PG_FUNCTION_INFO_V1(usom__audit_sum_result);

typedef struct Sum
{
	uint64		hash;			/* modulo 2^64 */
	int64		rows;			/* rows after less rows before */
	uint64		names;			/* hash of the columns of all rows; 0: they differ, or no rows */
	bool		mixed;
	int64		bad_entry;		/* least entry whose images do not fit it */
	bool		has_bad;
	UsomSipKey	key;
	StringInfoData header;		/* that names is the hash of */
	StringInfoData row;			/* the row that is hashed */
	MemoryContext per_image;
} Sum;

/* usom._audit_key() RETURNS bytea */
Datum
usom__audit_key(PG_FUNCTION_ARGS)
{
	bytea	   *key = palloc(VARHDRSZ + USOM_SIPHASH_KEY_SIZE);

	SET_VARSIZE(key, VARHDRSZ + USOM_SIPHASH_KEY_SIZE);
	if (!pg_strong_random(VARDATA(key), USOM_SIPHASH_KEY_SIZE))
		ereport(ERROR, errcode(ERRCODE_INTERNAL_ERROR), errmsg("could not draw random bytes"));
	PG_RETURN_BYTEA_P(key);
}

static UsomSipKey
key_of(const bytea *bytes)
{
	if (VARSIZE_ANY_EXHDR(bytes) != USOM_SIPHASH_KEY_SIZE)
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("a key has %d bytes", USOM_SIPHASH_KEY_SIZE));
	return usom_siphash_key(VARDATA_ANY(bytes));
}

/* usom._audit_siphash(key bytea, data bytea) RETURNS bigint */
Datum
usom__audit_siphash(PG_FUNCTION_ARGS)
{
	bytea	   *data = PG_GETARG_BYTEA_PP(1);

	PG_RETURN_INT64((int64) usom_siphash(key_of(PG_GETARG_BYTEA_PP(0)), VARDATA_ANY(data), VARSIZE_ANY_EXHDR(data)));
}

/* ---- rows ---- */

/* The length, so that bytes cannot wander from one field to the next, and the bytes; null has the length -1. */
static inline void
put_field(StringInfo row, const UsomCanonField *field)
{
	int32		size = (int32) field->size;
	char	   *at;

	enlargeStringInfo(row, (int) sizeof(size) + Max(size, 0));
	at = row->data + row->len;
	memcpy(at, &size, sizeof(size));
	if (size > 0)
		memcpy(at + sizeof(size), field->data, size);
	row->len += (int) sizeof(size) + Max(size, 0);
}

/*
 * Hash of the columns: they are part of each row, for a row of other columns
 * is another row.  Most images of a table have the same header.
 */
static void
hash_header(Sum *sum, const char *header, Size size)
{
	uint64		names;

	if (sum->header.len == (int) size && memcmp(sum->header.data, header, size) == 0)
		return;
	resetStringInfo(&sum->header);
	appendBinaryStringInfo(&sum->header, header, (int) size);
	names = usom_siphash(sum->key, header, size);
	sum->mixed |= sum->names != 0 && sum->names != names;
	sum->names = names;
}

static uint64
hash_row(Sum *sum, const UsomCanonReader *reader)
{
	resetStringInfo(&sum->row);
	appendBinaryStringInfo(&sum->row, (const char *) &sum->names, sizeof(sum->names));
	for (int i = 0; i < reader->ncolumns; i++)
		put_field(&sum->row, &reader->fields[i]);
	return usom_siphash(sum->key, sum->row.data, sum->row.len);
}

/* False if the bytes are no image of so many rows; the sum is of no use then. */
static bool
add_image(Sum *sum, const bytea *image, int sign, int64 row_count)
{
	UsomCanonReader reader;
	UsomCanonResult found;

	if (!usom_canon_open(&reader, VARDATA_ANY(image), VARSIZE_ANY_EXHDR(image)))
		return false;
	hash_header(sum, VARDATA_ANY(image), reader.at - VARDATA_ANY(image) - sizeof(reader.rows));
	while ((found = usom_canon_next(&reader)) == CANON_ROW)
	{
		uint64		hash = hash_row(sum, &reader);

		CHECK_FOR_INTERRUPTS();
		sum->hash += sign > 0 ? hash : -hash;
		sum->rows += sign;
	}
	return found == CANON_END && reader.rows == row_count;
}

/* ---- the aggregate ---- */

static Sum *
make_sum(MemoryContext context, const bytea *key)
{
	MemoryContext outer = MemoryContextSwitchTo(context);
	Sum		   *sum = palloc0(sizeof(Sum));

	sum->key = key_of(key);
	initStringInfo(&sum->header);
	initStringInfo(&sum->row);
	sum->per_image = AllocSetContextCreate(context, "usom image sum", ALLOCSET_SMALL_SIZES);
	MemoryContextSwitchTo(outer);
	return sum;
}

/* An INSERT has rows after, a DELETE rows before, an UPDATE both; nothing else is an operation. */
static bool
fits_operation(const text *operation, bool before, bool after)
{
	const char *name = VARDATA_ANY(operation);

	if (VARSIZE_ANY_EXHDR(operation) != 6)
		return false;
	if (memcmp(name, "INSERT", 6) == 0)
		return !before && after;
	if (memcmp(name, "UPDATE", 6) == 0)
		return before && after;
	return memcmp(name, "DELETE", 6) == 0 && before && !after;
}

static void
note_bad(Sum *sum, int64 entry)
{
	if (!sum->has_bad || entry < sum->bad_entry)
		sum->bad_entry = entry;
	sum->has_bad = true;
}

/*
 * usom._audit_sum_add(internal, key bytea, audit_entry_id bigint, operation text,
 * row_count integer, before bytea, after bytea): transition of usom._audit_sum().
 */
Datum
usom__audit_sum_add(PG_FUNCTION_ARGS)
{
	bool		before = !PG_ARGISNULL(5);
	bool		after = !PG_ARGISNULL(6);
	MemoryContext context;
	MemoryContext outer;
	Sum		   *sum;
	bool		good;

	if (!AggCheckCallContext(fcinfo, &context))
		elog(ERROR, "usom._audit_sum_add was not called by an aggregate");
	if (PG_ARGISNULL(1) || PG_ARGISNULL(3) || PG_ARGISNULL(4))
		ereport(ERROR, errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				errmsg("key, operation and row count of an entry must not be null"));
	sum = PG_ARGISNULL(0) ? make_sum(context, PG_GETARG_BYTEA_PP(1)) : (Sum *) PG_GETARG_POINTER(0);
	outer = MemoryContextSwitchTo(sum->per_image);
	good = fits_operation(PG_GETARG_TEXT_PP(3), before, after);
	if (before)
		good &= add_image(sum, PG_GETARG_BYTEA_PP(5), -1, PG_GETARG_INT32(4));
	if (after)
		good &= add_image(sum, PG_GETARG_BYTEA_PP(6), 1, PG_GETARG_INT32(4));
	if (!good)
		note_bad(sum, PG_ARGISNULL(2) ? 0 : PG_GETARG_INT64(2));
	MemoryContextSwitchTo(outer);
	MemoryContextReset(sum->per_image);
	PG_RETURN_POINTER(sum);
}

/* usom._audit_sum_result(internal) RETURNS bigint[]: hash, rows, columns, least bad entry if there is one. */
Datum
usom__audit_sum_result(PG_FUNCTION_ARGS)
{
	Sum		   *sum = PG_ARGISNULL(0) ? NULL : (Sum *) PG_GETARG_POINTER(0);
	Datum		numbers[4] = {0};

	if (sum == NULL)
		PG_RETURN_NULL();
	numbers[0] = Int64GetDatum((int64) sum->hash);
	numbers[1] = Int64GetDatum(sum->rows);
	numbers[2] = Int64GetDatum(sum->mixed ? 0 : (int64) sum->names);
	numbers[3] = Int64GetDatum(sum->bad_entry);
	PG_RETURN_ARRAYTYPE_P(construct_array(numbers, sum->has_bad ? 4 : 3, INT8OID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}
