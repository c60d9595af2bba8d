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
 * Memory: a sum is in the context of make, with a buffer for one row and the
 * reader of the last image: most images of a table have the same columns, so
 * they are read once.  Nothing here locks.
 *
 * Invariant: rows with the same columns and values have the same hash, whether
 * they come from a table or from an image.  The key is drawn by _audit_key()
 * for each comparison and shown to nobody, so no set of rows can be made whose
 * sum is that of another.
 */
#include "postgres.h"

#include "base/compat.h"

#include "audit/sum.h"

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

struct UsomSum
{
	uint64		hash;			/* modulo 2^64 */
	int64		rows;			/* rows after less rows before */
	uint64		names;			/* hash of the columns of all rows; 0: they differ, or no rows */
	bool		mixed;
	int64		bad_entry;		/* least entry whose images do not fit it */
	bool		has_bad;
	UsomSipKey	key;
	StringInfoData header;		/* that names is the hash of; with room for a number of rows behind it */
	UsomCanonReader reader;		/* for images that begin with header; its columns point into that */
	StringInfoData row;			/* the row that is hashed */
	MemoryContext context;
	MemoryContext per_entry;	/* of the aggregate */
};

typedef struct UsomSum Sum;

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

UsomSipKey
usom_sum_key(const bytea *bytes)
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

	PG_RETURN_INT64((int64) usom_siphash(usom_sum_key(PG_GETARG_BYTEA_PP(0)), VARDATA_ANY(data), VARSIZE_ANY_EXHDR(data)));
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
 * The columns of an image are part of each row, for a row of other columns is
 * another row.  False if the bytes are no image.
 */
static bool
take_header(Sum *sum, const char *image, Size size)
{
	MemoryContext outer;
	UsomCanonReader reader;
	uint64		names;

	if (!usom_canon_open(&reader, image, size))
		return false;
	outer = MemoryContextSwitchTo(sum->context);
	sum->header.len = 0;
	appendBinaryStringInfo(&sum->header, image, (int) (reader.at - image));
	sum->header.len -= sizeof(reader.rows);
	usom_canon_close(&sum->reader);
	(void) usom_canon_open(&sum->reader, sum->header.data, reader.at - image);
	MemoryContextSwitchTo(outer);
	names = usom_siphash(sum->key, sum->header.data, sum->header.len);
	sum->mixed |= sum->names != 0 && sum->names != names;
	sum->names = names;
	return true;
}

static bool
has_header(const Sum *sum, const char *image, Size size)
{
	return sum->header.len > 0 && size > (Size) sum->header.len && memcmp(sum->header.data, image, sum->header.len) == 0;
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

/* Where it returns false, the sum is of no use. */
bool
usom_sum_add_image(UsomSum *sum, const char *image, Size size, int sign, int64 row_count)
{
	UsomCanonReader *reader = &sum->reader;
	UsomCanonResult found;

	if (!has_header(sum, image, size) && !take_header(sum, image, size))
		return false;
	if (!usom_canon_again(reader, image, size, sum->header.len))
		return false;
	while ((found = usom_canon_next(reader)) == CANON_ROW)
	{
		uint64		hash = hash_row(sum, reader);

		CHECK_FOR_INTERRUPTS();
		sum->hash += sign > 0 ? hash : -hash;
		sum->rows += sign;
	}
	return found == CANON_END && reader->rows == row_count;
}

UsomSum *
usom_sum_make(MemoryContext context, UsomSipKey key)
{
	MemoryContext outer = MemoryContextSwitchTo(context);
	UsomSum    *sum = palloc0(sizeof(UsomSum));

	sum->key = key;
	sum->context = context;
	initStringInfo(&sum->header);
	initStringInfo(&sum->row);
	MemoryContextSwitchTo(outer);
	return sum;
}

/* ---- entries ---- */

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

void
usom_sum_add_entry(UsomSum *sum, int64 audit_entry_id, const text *operation, int32 row_count, const bytea *before, const bytea *after)
{
	bool		good = operation != NULL && fits_operation(operation, before != NULL, after != NULL);

	if (before != NULL)
		good &= usom_sum_add_image(sum, VARDATA_ANY(before), VARSIZE_ANY_EXHDR(before), -1, row_count);
	if (after != NULL)
		good &= usom_sum_add_image(sum, VARDATA_ANY(after), VARSIZE_ANY_EXHDR(after), 1, row_count);
	if (!good)
		note_bad(sum, audit_entry_id);
}

Datum
usom_sum_result(const UsomSum *sum)
{
	Datum		numbers[4];

	numbers[0] = Int64GetDatum((int64) sum->hash);
	numbers[1] = Int64GetDatum(sum->rows);
	numbers[2] = Int64GetDatum(sum->mixed ? 0 : (int64) sum->names);
	numbers[3] = Int64GetDatum(sum->bad_entry);
	return PointerGetDatum(construct_array(numbers, sum->has_bad ? 4 : 3, INT8OID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}

/* ---- the aggregate ---- */

/*
 * usom._audit_sum_add(internal, key bytea, audit_entry_id bigint, operation text,
 * row_count integer, before bytea, after bytea): transition of usom._audit_sum().
 */
Datum
usom__audit_sum_add(PG_FUNCTION_ARGS)
{
	MemoryContext context;
	MemoryContext outer;
	UsomSum    *sum;

	if (!AggCheckCallContext(fcinfo, &context))
		elog(ERROR, "usom._audit_sum_add was not called by an aggregate");
	if (PG_ARGISNULL(1) || PG_ARGISNULL(3) || PG_ARGISNULL(4))
		ereport(ERROR, errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				errmsg("key, operation and row count of an entry must not be null"));
	sum = PG_ARGISNULL(0) ? NULL : (UsomSum *) PG_GETARG_POINTER(0);
	if (sum == NULL)
	{
		sum = usom_sum_make(context, usom_sum_key(PG_GETARG_BYTEA_PP(1)));
		sum->per_entry = AllocSetContextCreate(context, "usom image sum", ALLOCSET_SMALL_SIZES);
	}
	outer = MemoryContextSwitchTo(sum->per_entry);
	usom_sum_add_entry(sum, PG_ARGISNULL(2) ? 0 : PG_GETARG_INT64(2), PG_GETARG_TEXT_PP(3), PG_GETARG_INT32(4),
					   PG_ARGISNULL(5) ? NULL : PG_GETARG_BYTEA_PP(5), PG_ARGISNULL(6) ? NULL : PG_GETARG_BYTEA_PP(6));
	MemoryContextSwitchTo(outer);
	MemoryContextReset(sum->per_entry);
	PG_RETURN_POINTER(sum);
}

/* usom._audit_sum_result(internal) RETURNS bigint[]: hash, rows, columns, least bad entry if there is one. */
Datum
usom__audit_sum_result(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	return usom_sum_result((UsomSum *) PG_GETARG_POINTER(0));
}
