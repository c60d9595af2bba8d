/*
 * schema_reader.c
 *		Read a jsonb object by a table of its keys.
 *
 * Pure: no SPI, no catalog, no locks.  Memory: CurrentMemoryContext.  Depth is
 * bounded: nested objects are read by tables of their own, everything deeper
 * is of a wrong type.
 */
#include "postgres.h"

#include "api/document.h"

#include "base/compat.h"
#include "base/errors.h"
#include "catalog/pg_type.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "order/order.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/fmgrprotos.h"

/* Codes are short; words for people have room.  A message never repeats more of a key than this. */
#define TEXT_LIMIT 200
#define FREE_TEXT_LIMIT 10000
#define KEY_SHOWN 60

typedef struct Address
{
	char	   *text;
	Numeric		degrees;
} Address;

typedef struct Payment
{
	char	   *text;
	Numeric		amount;
} Payment;

typedef struct Make
{
	char	   *text;
	Jsonb	   *object;
} Make;

static const UsomKey make_keys[] = {
	USOM_KEY_AS("name", USOM_KEY_FREE_TEXT, Make, text),
	USOM_KEY_AS("based_on", USOM_KEY_TEXT, Make, text),
	USOM_KEY_AS("attributes", USOM_KEY_OBJECT, Make, object),
};

static const UsomKey address_keys[] = {
	USOM_KEY_AS("name", USOM_KEY_FREE_TEXT, Address, text),
	USOM_KEY_AS("line1", USOM_KEY_FREE_TEXT, Address, text),
	USOM_KEY_AS("line2", USOM_KEY_FREE_TEXT, Address, text),
	USOM_KEY_AS("postcode", USOM_KEY_FREE_TEXT, Address, text),
	USOM_KEY_AS("city", USOM_KEY_FREE_TEXT, Address, text),
	USOM_KEY_AS("region", USOM_KEY_FREE_TEXT, Address, text),
	USOM_KEY_AS("country", USOM_KEY_FREE_TEXT, Address, text),
	USOM_KEY_AS("latitude", USOM_KEY_LATITUDE, Address, degrees),
	USOM_KEY_AS("longitude", USOM_KEY_LONGITUDE, Address, degrees),
	USOM_KEY_AS("verdict", USOM_KEY_TEXT, Address, text),
};

static const UsomKey payment_keys[] = {
	USOM_KEY_AS("method", USOM_KEY_TEXT, Payment, text),
	USOM_KEY_AS("reference", USOM_KEY_FREE_TEXT, Payment, text),
	USOM_KEY_AS("authorized", USOM_KEY_AMOUNT, Payment, amount),
};

void
usom_document_refuse(const UsomSchema *schema, const char *path, const char *key, const char *problem)
{
	ereport(ERROR, errcode(schema->sqlerrcode),
			errmsg("%s: %s%s %s", schema->what, path, key, problem),
			errhint("See usom.help('%s') for the shape.",
					schema->sqlerrcode == USOM_ERR(INVALID_DOCUMENT) ? "place_order"
					: schema->sqlerrcode == USOM_ERR(INVALID_PAYMENT) ? "record_payment"
					: schema->sqlerrcode == USOM_ERR(BAD_CHECK_RULE) ? "checks" : "change_order"));
}

static char *
list_keys(const UsomSchema *schema)
{
	StringInfoData list;

	initStringInfo(&list);
	for (int i = 0; i < schema->nkeys; i++)
		appendStringInfo(&list, "%s%s", i > 0 ? ", " : "", schema->keys[i].name);
	return list.data;
}

static const UsomKey *
find_key(const UsomSchema *schema, const JsonbValue *key, const char *path)
{
	for (int i = 0; i < schema->nkeys; i++)
		if (strlen(schema->keys[i].name) == (size_t) key->val.string.len &&
			memcmp(schema->keys[i].name, key->val.string.val, key->val.string.len) == 0)
			return &schema->keys[i];
	ereport(ERROR, errcode(schema->sqlerrcode),
			errmsg("%s: unknown key \"%s%s\"", schema->what, path,
				   pnstrdup(key->val.string.val, pg_mbcliplen(key->val.string.val, key->val.string.len, KEY_SHOWN))),
			errdetail("Known keys here: %s.", list_keys(schema)),
			errhint("Correct the spelling, or leave the key out."));
}

static char *
read_text(const UsomSchema *schema, const UsomKey *key, const char *path, const JsonbValue *value)
{
	if (value->type != jbvString)
		usom_document_refuse(schema, path, key->name, "must be a string");
	if (key->kind != USOM_KEY_FREE_TEXT && value->val.string.len == 0)
		usom_document_refuse(schema, path, key->name, "must not be empty");
	if (value->val.string.len > (key->kind == USOM_KEY_FREE_TEXT ? FREE_TEXT_LIMIT : TEXT_LIMIT))
		usom_document_refuse(schema, path, key->name,
							 key->kind == USOM_KEY_FREE_TEXT ? "must have at most 10,000 bytes"
							 : "must have at most 200 bytes");
	return pnstrdup(value->val.string.val, value->val.string.len);
}

static Numeric
read_number(const UsomSchema *schema, const UsomKey *key, const char *path, const JsonbValue *value)
{
	if (value->type != jbvNumeric)
		usom_document_refuse(schema, path, key->name, "must be a number");
	return value->val.numeric;
}

/* Is low <= value < high, with so many decimals at most? */
static bool
in_bounds(Numeric value, int64 low, int64 high, int scale)
{
	Datum		number = NumericGetDatum(value);
	Datum		rounded;

	if (DatumGetInt32(DirectFunctionCall2(numeric_cmp, number, NumericGetDatum(int64_to_numeric(low)))) < 0 ||
		DatumGetInt32(DirectFunctionCall2(numeric_cmp, number, NumericGetDatum(int64_to_numeric(high)))) >= 0)
		return false;
	rounded = DirectFunctionCall2(numeric_round, number, Int32GetDatum(scale));
	return DatumGetInt32(DirectFunctionCall2(numeric_cmp, number, rounded)) == 0;
}

static int32
read_integer(const UsomSchema *schema, const UsomKey *key, const char *path, const JsonbValue *value)
{
	Numeric		number = read_number(schema, key, path, value);

	if (!in_bounds(number, 0, PG_INT32_MAX, 0))
		usom_document_refuse(schema, path, key->name, "must be a whole number from 0 to 2147483646");
	return DatumGetInt32(DirectFunctionCall1(numeric_int4, NumericGetDatum(number)));
}

static UsomQuantity
read_quantity(const UsomSchema *schema, const UsomKey *key, const char *path, const JsonbValue *value)
{
	Numeric		number = read_number(schema, key, path, value);

	if (!in_bounds(number, 0, INT64CONST(1000000000000), 6) || usom_quantity_of(number) == 0)
		usom_document_refuse(schema, path, key->name,
							 "must be more than 0 and less than 1000000000000, with six decimals at most");
	return usom_quantity_of(number);
}

static Numeric
read_amount(const UsomSchema *schema, const UsomKey *key, const char *path, const JsonbValue *value)
{
	Numeric		number = read_number(schema, key, path, value);

	if (!in_bounds(number, 0, INT64CONST(1000000000000), 4))
		usom_document_refuse(schema, path, key->name,
							 "must be 0 or more and less than 1000000000000, with four decimals at most");

	/* With the scale of the domain: the value reaches the table without a cast. */
	return DatumGetNumeric(DirectFunctionCall2(numeric_round, NumericGetDatum(number), Int32GetDatum(4)));
}

static Numeric
read_degrees(const UsomSchema *schema, const UsomKey *key, const char *path, const JsonbValue *value)
{
	Numeric		number = read_number(schema, key, path, value);
	int64		limit = key->kind == USOM_KEY_LATITUDE ? 90 : 180;
	Datum		high = NumericGetDatum(int64_to_numeric(limit));
	Datum		low = NumericGetDatum(int64_to_numeric(-limit));

	if (DatumGetInt32(DirectFunctionCall2(numeric_cmp, NumericGetDatum(number), low)) < 0 ||
		DatumGetInt32(DirectFunctionCall2(numeric_cmp, NumericGetDatum(number), high)) > 0)
		usom_document_refuse(schema, path, key->name, limit == 90 ? "must be from -90 to 90" : "must be from -180 to 180");
	return number;
}

/*
 * Without the exceptions of timestamptz_in, which could not tell the path, and
 * without its words: "now" in a document would be another time at each reading.
 */
static bool
parse_time(const char *string, TimestampTz *result)
{
	char	   *fields[MAXDATEFIELDS];
	int			types[MAXDATEFIELDS];
	char		work[MAXDATELEN + MAXDATEFIELDS];
	int			nfields;
	int			dtype;
	int			zone;
	fsec_t		fraction;
	struct pg_tm tm;

	if (*string < '0' || *string > '9' ||
		ParseDateTime(string, work, sizeof(work), fields, types, MAXDATEFIELDS, &nfields) != 0 ||
		usom_decode_datetime(fields, types, nfields, &dtype, &tm, &fraction, &zone) != 0 || dtype != DTK_DATE)
		return false;
	return tm2timestamp(&tm, fraction, &zone, result) == 0 && IS_VALID_TIMESTAMP(*result);
}

static TimestampTz
read_time(const UsomSchema *schema, const UsomKey *key, const char *path, const JsonbValue *value)
{
	TimestampTz result;

	if (!parse_time(read_text(schema, key, path, value), &result))
		usom_document_refuse(schema, path, key->name, "must be a time such as \"2026-12-01T08:26:00Z\"");
	return result;
}

static ArrayType *
read_texts(const UsomSchema *schema, const UsomKey *key, const char *path, const JsonbValue *value)
{
	JsonbContainer *array = value->type == jbvBinary ? value->val.binary.data : NULL;
	Datum	   *elements;
	int			count;

	if (array == NULL || !JsonContainerIsArray(array) || JsonContainerIsScalar(array))
		usom_document_refuse(schema, path, key->name, "must be an array of strings");
	count = JsonContainerSize(array);
	elements = palloc_array(Datum, Max(count, 1));
	for (int i = 0; i < count; i++)
	{
		JsonbValue *element = getIthJsonbValueFromContainer(array, i);

		CHECK_FOR_INTERRUPTS();
		elements[i] = CStringGetTextDatum(read_text(schema, key, path, element));
	}
	return construct_array_builtin(elements, count, TEXTOID);
}

static Jsonb *
read_object(const UsomSchema *schema, const UsomKey *key, const char *path, JsonbValue *value,
			const UsomKey *keys, int nkeys)
{
	UsomSchema	nested = {schema->what, schema->sqlerrcode, keys, nkeys, NULL};
	Address		target;

	StaticAssertStmt(sizeof(Address) == sizeof(Payment), "one scratch struct serves both");
	if (value->type != jbvBinary || !JsonContainerIsObject(value->val.binary.data))
		usom_document_refuse(schema, path, key->name, "must be an object");
	usom_document_read(&nested, value->val.binary.data, psprintf("%s%s.", path, key->name), &target);
	return JsonbValueToJsonb(value);
}

static void
read_scalar(const UsomSchema *schema, const UsomKey *key, const char *path, JsonbValue *value, char *field)
{
	switch (key->kind)
	{
		case USOM_KEY_TEXT:
		case USOM_KEY_FREE_TEXT:
			*(char **) field = read_text(schema, key, path, value);
			break;
		case USOM_KEY_INTEGER:
			*(int32 *) field = read_integer(schema, key, path, value);
			break;
		case USOM_KEY_QUANTITY:
			*(UsomQuantity *) field = read_quantity(schema, key, path, value);
			break;
		case USOM_KEY_AMOUNT:
			*(Numeric *) field = read_amount(schema, key, path, value);
			break;
		case USOM_KEY_LATITUDE:
		case USOM_KEY_LONGITUDE:
			*(Numeric *) field = read_degrees(schema, key, path, value);
			break;
		case USOM_KEY_BOOLEAN:
			if (value->type != jbvBool)
				usom_document_refuse(schema, path, key->name, "must be true or false");
			*(bool *) field = value->val.boolean;
			break;
		case USOM_KEY_TIME:
			*(TimestampTz *) field = read_time(schema, key, path, value);
			break;
		default:
			elog(ERROR, "unexpected kind of key %d", key->kind);
	}
}

static void
read_value(const UsomSchema *schema, const UsomKey *key, const char *path, JsonbValue *value, char *target)
{
	char	   *field = target + key->offset;

	if (value->type == jbvNull)
		return;
	if (key->given_offset != 0)
		*(bool *) (target + key->given_offset) = true;
	switch (key->kind)
	{
		case USOM_KEY_TEXTS:
			*(ArrayType **) field = read_texts(schema, key, path, value);
			break;
		case USOM_KEY_ADDRESS:
			*(Jsonb **) field = read_object(schema, key, path, value, address_keys, lengthof(address_keys));
			break;
		case USOM_KEY_PAYMENT:
			*(Jsonb **) field = read_object(schema, key, path, value, payment_keys, lengthof(payment_keys));
			break;
		case USOM_KEY_MAKE:
			*(Jsonb **) field = read_object(schema, key, path, value, make_keys, lengthof(make_keys));
			break;
		case USOM_KEY_OBJECT:
			if (value->type != jbvBinary || !JsonContainerIsObject(value->val.binary.data))
				usom_document_refuse(schema, path, key->name, "must be an object");
			*(Jsonb **) field = JsonbValueToJsonb(value);
			break;
		case USOM_KEY_LINES:
			schema->read_lines(value, target);
			break;
		default:
			read_scalar(schema, key, path, value, field);
	}
}

void
usom_document_read(const UsomSchema *schema, JsonbContainer *object, const char *path, void *target)
{
	JsonbIterator *it = JsonbIteratorInit(object);
	JsonbIteratorToken token;
	JsonbValue	value;
	const UsomKey *key = NULL;

	while ((token = JsonbIteratorNext(&it, &value, true)) != WJB_DONE)
	{
		if (token == WJB_KEY)
			key = find_key(schema, &value, path);
		else if (token == WJB_VALUE)
			read_value(schema, key, path, &value, target);
	}
}

int
usom_document_each(const UsomSchema *schema, JsonbValue *array, const char *key, UsomReadElement read, void *target)
{
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue	value;
	int			index = 0;

	if (array->type != jbvBinary || !JsonContainerIsArray(array->val.binary.data))
		usom_document_refuse(schema, "", key, "must be an array of objects");
	it = JsonbIteratorInit(array->val.binary.data);
	token = JsonbIteratorNext(&it, &value, true);
	while ((token = JsonbIteratorNext(&it, &value, true)) == WJB_ELEM)
	{
		CHECK_FOR_INTERRUPTS();
		if (value.type != jbvBinary || !JsonContainerIsObject(value.val.binary.data))
			usom_document_refuse(schema, "", psprintf("%s[%d]", key, index), "must be an object");
		read(value.val.binary.data, index++, target);
	}
	return index;
}
