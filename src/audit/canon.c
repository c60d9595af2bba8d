/*
 * canon.c
 *		Write rows in canonical form: see canon.h.
 *
 * Memory: an image and its array of values above are palloc'd where begin is
 * called and grow there; what detoasting and output functions leave behind is
 * in CurrentMemoryContext of add, which the caller resets between rows.
 * Nothing here locks, reads a catalog or looks at a setting.
 *
 * Invariant: the bytes are a function of the layout and the values alone.
 *
 * This is on the path of every order, so values of the usual types are written
 * without a function call through fmgr.
 */
#include "postgres.h"

#include "base/compat.h"

#include <math.h>

#include "audit/canon.h"
#include "audit/sha256.h"

#include "catalog/pg_type.h"
#include "datatype/timestamp.h"
#include "mb/pg_wchar.h"
#include "port/pg_bswap.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/float.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#define FIRST_CAPACITY 1000
#define MAX_COUNT_SIZE 10		/* of a 64-bit number in LEB128 */

/* What the number before a value says; see canon.h. */
#define VALUE_NULL 0
#define VALUE_ABOVE 1
#define VALUE_BIAS 2

/* ---- growing bytes ---- */

static void
enlarge(UsomCanonImage *image, Size more)
{
	Size		wanted = image->size + more;
	Size		capacity = image->capacity;

	if (more > MaxAllocSize || wanted > MaxAllocSize)
		ereport(ERROR, errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				errmsg("row is too large for the audit"),
				errdetail("Its image would pass %zu bytes.", (Size) MaxAllocSize));
	while (capacity < wanted)
		capacity *= 2;
	capacity = Min(capacity, MaxAllocSize);
	image->data = repalloc(image->data, capacity);
	image->capacity = capacity;
}

static inline void
reserve(UsomCanonImage *image, Size more)
{
	if (unlikely(more > image->capacity - image->size))
		enlarge(image, more);
}

/* Room must have been reserved. */
static inline void
put_count(UsomCanonImage *image, uint64 count)
{
	while (unlikely(count >= 0x80))
	{
		image->data[image->size++] = (char) (count | 0x80);
		count >>= 7;
	}
	image->data[image->size++] = (char) count;
}

static inline void
put_bytes(UsomCanonImage *image, const char *bytes, Size size)
{
	memcpy(image->data + image->size, bytes, size);
	image->size += size;
}

static inline void
put_null(UsomCanonImage *image, UsomCanonAbove *above)
{
	reserve(image, 1);
	image->data[image->size++] = VALUE_NULL;
}

static inline void
put_value(UsomCanonImage *image, UsomCanonAbove *above, const char *bytes, Size size)
{
	reserve(image, size + MAX_COUNT_SIZE);
	if (above->size == (int64) size && memcmp(image->data + above->offset, bytes, size) == 0)
	{
		image->data[image->size++] = VALUE_ABOVE;
		return;
	}
	put_count(image, (uint64) size + VALUE_BIAS);
	above->offset = image->size;
	above->size = (int64) size;
	put_bytes(image, bytes, size);
}

/* ---- values ---- */

static inline void
put_int16(UsomCanonImage *image, UsomCanonAbove *above, int16 value)
{
	uint16		bytes = pg_hton16((uint16) value);

	put_value(image, above, (char *) &bytes, sizeof(bytes));
}

static inline void
put_int32(UsomCanonImage *image, UsomCanonAbove *above, int32 value)
{
	uint32		bytes = pg_hton32((uint32) value);

	put_value(image, above, (char *) &bytes, sizeof(bytes));
}

static inline void
put_int64(UsomCanonImage *image, UsomCanonAbove *above, int64 value)
{
	uint64		bytes = pg_hton64((uint64) value);

	put_value(image, above, (char *) &bytes, sizeof(bytes));
}

static void
put_float4(UsomCanonImage *image, UsomCanonAbove *above, float4 value)
{
	int32		bits;

	if (isnan(value))
		value = get_float4_nan();
	memcpy(&bits, &value, sizeof(bits));
	put_int32(image, above, bits);
}

static void
put_float8(UsomCanonImage *image, UsomCanonAbove *above, float8 value)
{
	int64		bits;

	if (isnan(value))
		value = get_float8_nan();
	memcpy(&bits, &value, sizeof(bits));
	put_int64(image, above, bits);
}

/* A varlena; a copy made by detoasting is left to the caller's context. */
static inline void
put_varlena(UsomCanonImage *image, UsomCanonAbove *above, Datum value)
{
	struct varlena *bytes = PG_DETOAST_DATUM_PACKED(value);

	put_value(image, above, VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes));
}

/* Keys do not belong into the audit; that they changed does. */
static void
put_secret(UsomCanonImage *image, UsomCanonAbove *above, Datum value)
{
	struct varlena *bytes = PG_DETOAST_DATUM_PACKED(value);
	UsomDigest	digest;

	usom_sha256(&(UsomPart) {VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes)}, 1, &digest);
	put_value(image, above, (char *) digest.bytes, USOM_DIGEST_SIZE);
}

static void
put_json(UsomCanonImage *image, UsomCanonAbove *above, Datum value)
{
	Jsonb	   *jsonb = DatumGetJsonbP(value);
	char	   *string = JsonbToCString(NULL, &jsonb->root, VARSIZE(jsonb));

	put_value(image, above, string, strlen(string));
}

static void
put_output(UsomCanonImage *image, UsomCanonAbove *above, FmgrInfo *output, Datum value)
{
	char	   *string = OutputFunctionCall(output, value);

	put_value(image, above, string, strlen(string));
}

/*
 * A numeric, read in its form on disk: PostgreSQL hides that form but cannot
 * change it, and numeric_send() costs several times as much.  A header word of
 * 10svvvvvvvwwwwww is the short form (sign, display scale, weight), 0s... the
 * long one (sign and scale, then a word of weight), 11... NaN or an infinity.
 */
#define NUMERIC_FORM 0xC000
#define NUMERIC_FORM_SPECIAL 0xC000
#define NUMERIC_FORM_SHORT 0x8000
#define NUMERIC_WORDS_ON_STACK 32

typedef struct NumericForm
{
	uint16		weight;			/* two's complement */
	uint16		sign;
	uint16		scale;
	int			header_size;
} NumericForm;

static inline NumericForm
read_numeric_header(const char *bytes)
{
	uint16		word;
	uint16		weight;

	memcpy(&word, bytes, sizeof(word));
	switch (word & NUMERIC_FORM)
	{
		case NUMERIC_FORM_SPECIAL:
			return (NumericForm) {0, word & 0xF000, 0, 2};
		case NUMERIC_FORM_SHORT:
			weight = word & 0x007F;
			if (weight & 0x0040)
				weight |= 0xFF80;
			return (NumericForm) {weight, (word & 0x2000) << 1, (word & 0x1F80) >> 7, 2};
		default:
			memcpy(&weight, bytes + 2, sizeof(weight));
			return (NumericForm) {weight, word & NUMERIC_FORM, word & 0x3FFF, 4};
	}
}

static void
put_numeric(UsomCanonImage *image, UsomCanonAbove *above, Datum value)
{
	struct varlena *varlena = PG_DETOAST_DATUM_PACKED(value);
	const char *bytes = VARDATA_ANY(varlena);
	NumericForm form = read_numeric_header(bytes);
	int			ndigits = (VARSIZE_ANY_EXHDR(varlena) - form.header_size) / (int) sizeof(uint16);
	uint16		on_stack[NUMERIC_WORDS_ON_STACK];
	uint16	   *words = on_stack;

	if (unlikely(ndigits + 4 > NUMERIC_WORDS_ON_STACK))
		words = palloc((ndigits + 4) * sizeof(uint16));
	words[0] = pg_hton16((uint16) ndigits);
	words[1] = pg_hton16(form.weight);
	words[2] = pg_hton16(form.sign);
	words[3] = pg_hton16(form.scale);
	for (int i = 0; i < ndigits; i++)
	{
		uint16		digit;

		memcpy(&digit, bytes + form.header_size + i * sizeof(digit), sizeof(digit));
		words[4 + i] = pg_hton16(digit);
	}
	put_value(image, above, (char *) words, (ndigits + 4) * sizeof(uint16));
}

static void
put_column(UsomCanonImage *image, UsomCanonAbove *above, UsomCanonColumn *column, Datum value)
{
	switch (column->kind)
	{
		case CANON_BOOL:
			put_value(image, above, DatumGetBool(value) ? "\1" : "\0", 1);
			break;
		case CANON_INT2:
			put_int16(image, above, DatumGetInt16(value));
			break;
		case CANON_INT4:
		case CANON_DATE:
			put_int32(image, above, DatumGetInt32(value));
			break;
		case CANON_INT8:
		case CANON_TIMESTAMPTZ:
		case CANON_TIMESTAMP:
			put_int64(image, above, DatumGetInt64(value));
			break;
		case CANON_FLOAT4:
			put_float4(image, above, DatumGetFloat4(value));
			break;
		case CANON_FLOAT8:
			put_float8(image, above, DatumGetFloat8(value));
			break;
		case CANON_NUMERIC:
			put_numeric(image, above, value);
			break;
		case CANON_TEXT:
			if (column->type == NAMEOID)
				put_value(image, above, NameStr(*DatumGetName(value)), strlen(NameStr(*DatumGetName(value))));
			else
				put_varlena(image, above, value);
			break;
		case CANON_BYTEA:
			put_varlena(image, above, value);
			break;
		case CANON_SECRET:
			put_secret(image, above, value);
			break;
		case CANON_JSON:
			if (column->type == JSONOID)
				put_varlena(image, above, value);
			else
				put_json(image, above, value);
			break;
		case CANON_ARRAY:
		case CANON_OTHER:
			put_output(image, above, &column->output, value);
			break;
	}
}

/* ---- images ---- */

void
usom_canon_begin(UsomCanonImage *image, const UsomCanonLayout *layout)
{
	image->layout = layout;
	image->capacity = Max(FIRST_CAPACITY, 2 * layout->header_size);
	image->data = palloc(image->capacity);
	image->above = palloc(layout->ncolumns * sizeof(UsomCanonAbove));
	image->size = VARHDRSZ;
	put_bytes(image, layout->header, layout->header_size);
	usom_canon_empty(image);
}

void
usom_canon_empty(UsomCanonImage *image)
{
	image->rows = 0;
	image->size = VARHDRSZ + image->layout->header_size + sizeof(uint32);	/* the number of rows: seal writes it */
	for (int i = 0; i < image->layout->ncolumns; i++)
		image->above[i].size = -1;
}

void
usom_canon_add(UsomCanonImage *image, const Datum *values, const bool *nulls)
{
	const UsomCanonLayout *layout = image->layout;

	for (int i = 0; i < layout->ncolumns; i++)
	{
		UsomCanonColumn *column = &layout->columns[i];

		if (nulls[column->index])
			put_null(image, &image->above[i]);
		else
			put_column(image, &image->above[i], column, values[column->index]);
	}
	image->rows++;
}

void
usom_canon_seal(UsomCanonImage *image)
{
	uint32		rows = pg_hton32(image->rows);

	memcpy(image->data + VARHDRSZ + image->layout->header_size, &rows, sizeof(rows));
}

bytea *
usom_canon_finish(UsomCanonImage *image)
{
	usom_canon_seal(image);
	SET_VARSIZE(image->data, image->size);
	pfree(image->above);
	return (bytea *) image->data;
}

static void
put_name(UsomCanonImage *image, const char *name)
{
	Size		size = strlen(name);

	reserve(image, size + MAX_COUNT_SIZE);
	put_count(image, size);
	put_bytes(image, name, size);
}

void
usom_canon_make_header(UsomCanonLayout *layout, const char *const *names, const char *const *types)
{
	UsomCanonImage bytes = {.data = palloc(FIRST_CAPACITY), .capacity = FIRST_CAPACITY};

	bytes.data[bytes.size++] = USOM_CANON_VERSION;
	bytes.data[bytes.size++] = (char) GetDatabaseEncoding();
	put_count(&bytes, layout->ncolumns);
	for (int i = 0; i < layout->ncolumns; i++)
	{
		reserve(&bytes, 1);
		bytes.data[bytes.size++] = (char) layout->columns[i].kind;
		if (layout->columns[i].kind == CANON_OTHER)
			put_name(&bytes, types[i]);
		put_name(&bytes, names[i]);
	}
	layout->header = bytes.data;
	layout->header_size = bytes.size;
}
