/*
 * image.c
 *		Images as SQL sees them: rows of jsonb, and a check.
 *
 * Memory: rows go into the tuplestore of the function's result; what building
 * one leaves behind is in a context that is reset per row.  Nothing here locks.
 *
 * Invariant: the jsonb of a row equals to_jsonb() of the row that was encoded,
 * as the settings of the session make it (timestamps follow TimeZone), so live
 * rows can be compared with their last image.  Of kind 'x', and of text arrays
 * with more than one dimension, it is the text that was kept; of kind 'h' the
 * digest.
 */
#include "postgres.h"

#include "base/compat.h"

#include "audit/canon.h"

#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "port/pg_bswap.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/fmgroids.h"
#include "utils/fmgrprotos.h"
#include "utils/json.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"
#include "utils/numeric.h"

PG_FUNCTION_INFO_V1(usom__audit_rows);
PG_FUNCTION_INFO_V1(usom__audit_count);

/* Characters in the database's encoding; palloc'd, with a zero behind. */
static char *
text_of(const UsomCanonReader *reader, const UsomCanonField *field)
{
	char	   *string = pnstrdup(field->data, field->size);

	return pg_any_to_server(string, (int) field->size, reader->encoding);
}

static void
set_string(JsonbValue *value, char *string)
{
	value->type = jbvString;
	value->val.string.val = string;
	value->val.string.len = (int) strlen(string);
}

static void
set_numeric(JsonbValue *value, Numeric numeric)
{
	if (numeric_is_nan(numeric) || numeric_is_inf(numeric))
	{
		set_string(value, DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(numeric))));
		return;
	}
	value->type = jbvNumeric;
	value->val.numeric = numeric;
}

static int64
integer_of(const UsomCanonField *field)
{
	uint16		two;
	uint32		four;
	uint64		eight;

	switch (field->size)
	{
		case 2:
			memcpy(&two, field->data, sizeof(two));
			return (int16) pg_ntoh16(two);
		case 4:
			memcpy(&four, field->data, sizeof(four));
			return (int32) pg_ntoh32(four);
		default:
			memcpy(&eight, field->data, sizeof(eight));
			return (int64) pg_ntoh64(eight);
	}
}

/* As to_jsonb() does it: the shortest digits that give the same float. */
static void
set_float(JsonbValue *value, const UsomCanonField *field)
{
	int64		bits = integer_of(field);
	float8		wide;
	float4		narrow;
	Datum		string;

	if (field->size == sizeof(float4))
	{
		int32		low = (int32) bits;

		memcpy(&narrow, &low, sizeof(narrow));
		string = DirectFunctionCall1(float4out, Float4GetDatum(narrow));
	}
	else
	{
		memcpy(&wide, &bits, sizeof(wide));
		string = DirectFunctionCall1(float8out, Float8GetDatum(wide));
	}
	set_numeric(value, DatumGetNumeric(DirectFunctionCall3(numeric_in, string, ObjectIdGetDatum(InvalidOid),
														   Int32GetDatum(-1))));
}

static Numeric
numeric_of(const UsomCanonField *field)
{
	StringInfoData bytes;

	initStringInfo(&bytes);
	appendBinaryStringInfo(&bytes, field->data, (int) field->size);
	return DatumGetNumeric(DirectFunctionCall3(numeric_recv, PointerGetDatum(&bytes),
											   ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)));
}

static void
set_time(JsonbValue *value, const UsomCanonField *field, UsomCanonKind kind)
{
	char		string[MAXDATELEN + 1];
	int64		integer = integer_of(field);

	switch (kind)
	{
		case CANON_DATE:
			JsonEncodeDateTime(string, Int32GetDatum((int32) integer), DATEOID, NULL);
			break;
		case CANON_TIMESTAMP:
			JsonEncodeDateTime(string, Int64GetDatum(integer), TIMESTAMPOID, NULL);
			break;
		default:
			JsonEncodeDateTime(string, Int64GetDatum(integer), TIMESTAMPTZOID, NULL);
			break;
	}
	set_string(value, pstrdup(string));
}

static void
set_bytea(JsonbValue *value, const UsomCanonField *field)
{
	char	   *string = palloc(2 * field->size + 3);

	string[0] = '\\';
	string[1] = 'x';
	string[2 + hex_encode(field->data, field->size, string + 2)] = '\0';
	set_string(value, string);
}

static void
set_json(JsonbValue *value, char *string)
{
	Jsonb	   *jsonb = DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(string)));

	if (JB_ROOT_IS_SCALAR(jsonb))
	{
		JsonbExtractScalar(&jsonb->root, value);
		return;
	}
	value->type = jbvBinary;
	value->val.binary.data = &jsonb->root;
	value->val.binary.len = VARSIZE(jsonb) - VARHDRSZ;
}

/* A flat array becomes a json array; one of more dimensions stays text. */
static void
set_array(JsonbValue *value, char *string)
{
	ArrayType  *array = DatumGetArrayTypeP(OidInputFunctionCall(F_ARRAY_IN, string, TEXTOID, -1));
	JsonbParseState *state = NULL;
	Datum	   *elements;
	bool	   *nulls;
	int			count;

	if (ARR_NDIM(array) > 1)
	{
		set_string(value, string);
		return;
	}
	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &elements, &nulls, &count);
	pushJsonbValue(&state, WJB_BEGIN_ARRAY, NULL);
	for (int i = 0; i < count; i++)
	{
		JsonbValue	element = {.type = jbvNull};

		if (!nulls[i])
			set_string(&element, TextDatumGetCString(elements[i]));
		pushJsonbValue(&state, WJB_ELEM, &element);
	}
	*value = *pushJsonbValue(&state, WJB_END_ARRAY, NULL);
}

static void
set_value(JsonbValue *value, const UsomCanonReader *reader, int column)
{
	const UsomCanonField *field = &reader->fields[column];

	if (field->size < 0)
	{
		value->type = jbvNull;
		return;
	}
	switch (reader->kinds[column])
	{
		case CANON_BOOL:
			value->type = jbvBool;
			value->val.boolean = field->data[0] != 0;
			break;
		case CANON_INT2:
		case CANON_INT4:
		case CANON_INT8:
			set_numeric(value, int64_to_numeric(integer_of(field)));
			break;
		case CANON_FLOAT4:
		case CANON_FLOAT8:
			set_float(value, field);
			break;
		case CANON_NUMERIC:
			set_numeric(value, numeric_of(field));
			break;
		case CANON_TIMESTAMPTZ:
		case CANON_TIMESTAMP:
		case CANON_DATE:
			set_time(value, field, reader->kinds[column]);
			break;
		case CANON_BYTEA:
		case CANON_SECRET:
			set_bytea(value, field);
			break;
		case CANON_JSON:
			set_json(value, text_of(reader, field));
			break;
		case CANON_ARRAY:
			set_array(value, text_of(reader, field));
			break;
		case CANON_TEXT:
		case CANON_OTHER:
			set_string(value, text_of(reader, field));
			break;
	}
}

/* A nested array or object is pushed in its binary form. */
static void
push_value(JsonbParseState **state, JsonbValue *value)
{
	Jsonb	   *jsonb;

	if (value->type == jbvArray)
	{
		jsonb = JsonbValueToJsonb(value);
		value->type = jbvBinary;
		value->val.binary.data = &jsonb->root;
		value->val.binary.len = VARSIZE(jsonb) - VARHDRSZ;
	}
	pushJsonbValue(state, WJB_VALUE, value);
}

static Jsonb *
row_of(const UsomCanonReader *reader)
{
	JsonbParseState *state = NULL;

	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	for (int i = 0; i < reader->ncolumns; i++)
	{
		JsonbValue	key;
		JsonbValue	value;

		set_string(&key, text_of(reader, &reader->names[i]));
		pushJsonbValue(&state, WJB_KEY, &key);
		set_value(&value, reader, i);
		push_value(&state, &value);
	}
	return JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL));
}

static void
raise_malformed(void)
{
	ereport(ERROR, errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
			errmsg("the bytes are no image of rows"),
			errdetail("They differ from what the audit writes, from the first bytes on or after some rows."),
			errhint("Look for the entry with: SELECT * FROM usom.verify_audit();"));
}

/* Are the texts of an image in an encoding that the database can read? */
static bool
is_readable(const UsomCanonReader *reader)
{
	int			server = GetDatabaseEncoding();

	return reader->encoding == server || reader->encoding == PG_SQL_ASCII || server == PG_SQL_ASCII
		|| OidIsValid(FindDefaultConversionProc(reader->encoding, server));
}

/* usom._audit_rows(image bytea) RETURNS SETOF jsonb: the rows of an image, in their order. */
Datum
usom__audit_rows(PG_FUNCTION_ARGS)
{
	bytea	   *image = PG_GETARG_BYTEA_PP(0);
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	MemoryContext per_row = AllocSetContextCreate(CurrentMemoryContext, "usom image row", ALLOCSET_DEFAULT_SIZES);
	UsomCanonReader reader;
	UsomCanonResult found;

	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	if (!usom_canon_open(&reader, VARDATA_ANY(image), VARSIZE_ANY_EXHDR(image)) || !is_readable(&reader))
		raise_malformed();
	while ((found = usom_canon_next(&reader)) == CANON_ROW)
	{
		MemoryContext outer = MemoryContextSwitchTo(per_row);
		Datum		value = JsonbPGetDatum(row_of(&reader));
		bool		isnull = false;

		CHECK_FOR_INTERRUPTS();
		tuplestore_putvalues(result->setResult, result->setDesc, &value, &isnull);
		MemoryContextSwitchTo(outer);
		MemoryContextReset(per_row);
	}
	if (found == CANON_MALFORMED)
		raise_malformed();
	MemoryContextDelete(per_row);
	return (Datum) 0;
}

/* usom._audit_count(image bytea) RETURNS bigint: rows of an image; -1 if the bytes are none. */
Datum
usom__audit_count(PG_FUNCTION_ARGS)
{
	bytea	   *image = PG_GETARG_BYTEA_PP(0);

	UsomCanonReader reader;
	UsomCanonResult found;

	if (!usom_canon_open(&reader, VARDATA_ANY(image), VARSIZE_ANY_EXHDR(image)) || !is_readable(&reader))
		PG_RETURN_INT64(-1);
	while ((found = usom_canon_next(&reader)) == CANON_ROW)
		CHECK_FOR_INTERRUPTS();
	PG_RETURN_INT64(found == CANON_END ? (int64) reader.rows : -1);
}
