/*
 * canon_read.c
 *		Read rows in canonical form: see canon.h.
 *
 * Memory: a reader points into the bytes it was opened on; its arrays are in
 * CurrentMemoryContext.  Nothing here locks, raises or believes a length: the
 * bytes may have been tampered with.
 *
 * Invariant: at <= end; a field that next hands out fits its kind, so that who
 * makes values of it need not look again.  Only the inner form of json and
 * arrays is left to their input functions.
 */
#include "postgres.h"

#include "audit/canon.h"

#include "access/htup_details.h"
#include "common/sha2.h"
#include "datatype/timestamp.h"
#include "mb/pg_wchar.h"
#include "port/pg_bswap.h"
#include "utils/date.h"

#define NUMERIC_DIGIT_LIMIT 10000
#define NUMERIC_MAX_SCALE 0x3FFF
#define NUMERIC_MAX_DIGITS 33000	/* 131072 digits before the point and 16383 after */

static bool
take_byte(UsomCanonReader *reader, uint8 *byte)
{
	if (reader->at == reader->end)
		return false;
	*byte = (uint8) *reader->at++;
	return true;
}

/* At most 35 bits are read: no count in an image is larger. */
static bool
take_count(UsomCanonReader *reader, uint64 *count)
{
	uint8		byte;

	*count = 0;
	for (int shift = 0; shift < 35; shift += 7)
	{
		if (!take_byte(reader, &byte))
			return false;
		*count |= (uint64) (byte & 0x7F) << shift;
		if ((byte & 0x80) == 0)
			return true;
	}
	return false;
}

static bool
take_bytes(UsomCanonReader *reader, uint64 size, UsomCanonField *field)
{
	if (size > (uint64) (reader->end - reader->at))
		return false;
	field->data = reader->at;
	field->size = (int64) size;
	reader->at += size;
	return true;
}

static bool
is_text(const UsomCanonReader *reader, const UsomCanonField *field)
{
	return pg_verify_mbstr(reader->encoding, field->data, (int) field->size, true);
}

static bool
take_name(UsomCanonReader *reader, UsomCanonField *name)
{
	uint64		size;

	return take_count(reader, &size) && take_bytes(reader, size, name) && is_text(reader, name);
}

/* ---- fields ---- */

static uint16
word_at(const UsomCanonField *field, int index)
{
	uint16		word;

	memcpy(&word, field->data + index * sizeof(word), sizeof(word));
	return pg_ntoh16(word);
}

static bool
is_numeric(const UsomCanonField *field)
{
	int			ndigits;
	uint16		sign;

	if (field->size < 8 || field->size > 8 + 2 * NUMERIC_MAX_DIGITS)
		return false;
	ndigits = word_at(field, 0);
	sign = word_at(field, 2);
	if (field->size != 8 + 2 * ndigits || word_at(field, 3) > NUMERIC_MAX_SCALE)
		return false;
	if (sign != 0 && sign != 0x4000)
		return ndigits == 0 && (sign == 0xC000 || sign == 0xD000 || sign == 0xF000);
	for (int i = 0; i < ndigits; i++)
		if (word_at(field, 4 + i) >= NUMERIC_DIGIT_LIMIT)
			return false;
	return true;
}

static bool
is_timestamp(const UsomCanonField *field)
{
	uint64		bytes;
	Timestamp	value;

	if (field->size != sizeof(bytes))
		return false;
	memcpy(&bytes, field->data, sizeof(bytes));
	value = (Timestamp) pg_ntoh64(bytes);
	return TIMESTAMP_NOT_FINITE(value) || IS_VALID_TIMESTAMP(value);
}

static bool
is_date(const UsomCanonField *field)
{
	uint32		bytes;
	DateADT		value;

	if (field->size != sizeof(bytes))
		return false;
	memcpy(&bytes, field->data, sizeof(bytes));
	value = (DateADT) pg_ntoh32(bytes);
	return DATE_NOT_FINITE(value) || IS_VALID_DATE(value);
}

static bool
fits_kind(const UsomCanonReader *reader, UsomCanonKind kind, const UsomCanonField *field)
{
	switch (kind)
	{
		case CANON_BOOL:
			return field->size == 1 && (uint8) field->data[0] <= 1;
		case CANON_INT2:
			return field->size == 2;
		case CANON_INT4:
		case CANON_FLOAT4:
			return field->size == 4;
		case CANON_INT8:
		case CANON_FLOAT8:
			return field->size == 8;
		case CANON_NUMERIC:
			return is_numeric(field);
		case CANON_TIMESTAMPTZ:
		case CANON_TIMESTAMP:
			return is_timestamp(field);
		case CANON_DATE:
			return is_date(field);
		case CANON_SECRET:
			return field->size == PG_SHA256_DIGEST_LENGTH;
		case CANON_BYTEA:
			return true;
		case CANON_TEXT:
		case CANON_JSON:
		case CANON_ARRAY:
		case CANON_OTHER:
			return is_text(reader, field);
	}
	return false;
}

static bool
is_kind(uint8 byte)
{
	return byte != 0 && strchr("b248fdntyjzseaxh", byte) != NULL;
}

/* ---- images ---- */

static bool
take_column(UsomCanonReader *reader, int column)
{
	uint8		kind;
	UsomCanonField type;

	if (!take_byte(reader, &kind) || !is_kind(kind))
		return false;
	reader->kinds[column] = (UsomCanonKind) kind;
	if (kind == CANON_OTHER && !take_name(reader, &type))
		return false;
	reader->above[column].size = -1;
	return take_name(reader, &reader->names[column]);
}

static bool
take_rows(UsomCanonReader *reader)
{
	UsomCanonField field;
	uint32		rows;

	if (!take_bytes(reader, sizeof(rows), &field))
		return false;
	memcpy(&rows, field.data, sizeof(rows));
	reader->rows = pg_ntoh32(rows);
	return true;
}

bool
usom_canon_open(UsomCanonReader *reader, const char *data, Size size)
{
	uint8		version;
	uint8		encoding;
	uint64		ncolumns;

	*reader = (UsomCanonReader) {.at = data, .end = data + size};
	if (!take_byte(reader, &version) || version != USOM_CANON_VERSION)
		return false;
	if (!take_byte(reader, &encoding) || encoding > PG_ENCODING_BE_LAST)
		return false;
	if (!take_count(reader, &ncolumns) || ncolumns < 1 || ncolumns > MaxHeapAttributeNumber)
		return false;
	reader->encoding = encoding;
	reader->ncolumns = (int) ncolumns;
	reader->kinds = palloc(ncolumns * sizeof(UsomCanonKind));
	reader->names = palloc(ncolumns * sizeof(UsomCanonField));
	reader->fields = palloc(ncolumns * sizeof(UsomCanonField));
	reader->above = palloc(ncolumns * sizeof(UsomCanonField));
	for (int i = 0; i < reader->ncolumns; i++)
		if (!take_column(reader, i))
			return false;
	return take_rows(reader);
}

bool
usom_canon_again(UsomCanonReader *reader, const char *data, Size size, Size header_size)
{
	reader->at = data + header_size;
	reader->end = data + size;
	reader->rows_read = 0;
	for (int i = 0; i < reader->ncolumns; i++)
		reader->above[i].size = -1;
	return take_rows(reader);
}

void
usom_canon_close(UsomCanonReader *reader)
{
	if (reader->kinds == NULL)
		return;
	pfree(reader->kinds);
	pfree(reader->names);
	pfree(reader->fields);
	pfree(reader->above);
}

static bool
take_field(UsomCanonReader *reader, int column)
{
	UsomCanonField *field = &reader->fields[column];
	UsomCanonField *above = &reader->above[column];
	uint64		count;

	if (!take_count(reader, &count))
		return false;
	if (count == 0)
	{
		*field = (UsomCanonField) {NULL, -1};
		return true;
	}
	if (count == 1)
	{
		*field = *above;
		return above->size >= 0;
	}
	if (!take_bytes(reader, count - 2, field) || !fits_kind(reader, reader->kinds[column], field))
		return false;
	*above = *field;
	return true;
}

UsomCanonResult
usom_canon_next(UsomCanonReader *reader)
{
	if (reader->rows_read == reader->rows)
		return reader->at == reader->end ? CANON_END : CANON_MALFORMED;
	for (int i = 0; i < reader->ncolumns; i++)
		if (!take_field(reader, i))
			return CANON_MALFORMED;
	reader->rows_read++;
	return CANON_ROW;
}
