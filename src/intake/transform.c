/*
 * transform.c
 *		What becomes of a value between payload and document: the fixed set of
 *		transforms, in their fixed order.
 *
 * Pure but for the words of the mapping: no SPI, no locks.  What cannot be
 * read is an error, as PostgreSQL words it.  Memory: CurrentMemoryContext.
 */
#include "postgres.h"

#include "intake/transform.h"

#include "base/compat.h"
#include "base/errors.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "pgtime.h"
#include "pricing/money.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/fmgrprotos.h"
#include "utils/formatting.h"
#include "utils/json.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"

char *
usom_map_scalar_text(const JsonbValue *value)
{
	switch (value->type)
	{
		case jbvString:
			return pnstrdup(value->val.string.val, value->val.string.len);
		case jbvNumeric:
			return DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(value->val.numeric)));
		case jbvBool:
			return pstrdup(value->val.boolean ? "true" : "false");
		default:
			return NULL;
	}
}

static char *
trim(char *string)
{
	size_t		length;

	while (isspace((unsigned char) *string))
		string++;
	for (length = strlen(string); length > 0 && isspace((unsigned char) string[length - 1]);)
		string[--length] = '\0';
	return string;
}

static int
compare_words(const void *a, const void *b)
{
	const UsomMapWord *left = a;
	const UsomMapWord *right = b;
	int			difference = strcmp(left->list, right->list);

	return difference != 0 ? difference : strcmp(left->source, right->source);
}

/* A word that the list does not have is a mistake of the payload, or of the list, unless it may stay. */
static const char *
look_up(const UsomMappings *all, const UsomMapField *field, const char *string)
{
	UsomMapWord wanted = {.list = field->list != NULL ? field->list : "", .source = string};
	const UsomMapWord *word = bsearch(&wanted, all->words, all->nwords, sizeof(UsomMapWord), compare_words);

	if (word == NULL && field->keep)
		return string;
	if (word == NULL)
		ereport(ERROR, errcode(USOM_ERR(UNKNOWN_CODE)),
				errmsg("list \"%s\" has no word \"%s\"", wanted.list, string),
				errhint("INSERT INTO usom.mapping_value (list, source, target) VALUES ('%s', '%s', ...);", wanted.list, string));
	return word->target;
}

static char *
time_text(const UsomMapField *field, const char *string)
{
	char		buffer[MAXDATELEN + 1];
	Datum		time;

	if (field->date_format != NULL)
		time = DirectFunctionCall2Coll(to_timestamp, DEFAULT_COLLATION_OID, CStringGetTextDatum(string), CStringGetTextDatum(field->date_format));
	else
		time = DirectFunctionCall3(timestamptz_in, CStringGetDatum(string), ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1));
	return pstrdup(JsonEncodeDateTime(buffer, time, TIMESTAMPTZOID, NULL));
}

/* A time as JSON has it.  One without a zone is of the zone of the field, wherever the session is. */
static char *
read_time(const UsomMapField *field, const char *string)
{
	pg_tz	   *session = session_timezone;
	pg_tz	   *zone = pg_tzset(field->zone);
	char	   *time;

	if (zone == NULL)
		ereport(ERROR, errcode(USOM_ERR(UNKNOWN_TIME_ZONE)), errmsg("unknown time zone \"%s\"", field->zone));
	session_timezone = zone;
	PG_TRY();
	{
		time = time_text(field, string);
	}
	PG_FINALLY();
	{
		session_timezone = session;
	}
	PG_END_TRY();
	return time;
}

/* 1.234,50 with the decimal sign ",": what is neither digit nor sign goes. */
static Numeric
read_number(const UsomMapField *field, const char *string)
{
	char	   *plain = palloc(strlen(string) + 1);
	char	   *to = plain;
	char		decimal = field->decimal[0];
	char		group = decimal == ',' ? '.' : ',';

	for (const char *from = string; *from != '\0'; from++)
		if (*from == decimal)
			*to++ = '.';
		else if (*from != group)
			*to++ = *from;
	*to = '\0';
	return DatumGetNumeric(DirectFunctionCall3(numeric_in, CStringGetDatum(plain), ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)));
}

static bool
read_truth(const UsomMapField *field, const char *string)
{
	ListCell   *cell;

	if (field->truths == NIL)
		return DatumGetBool(DirectFunctionCall1(boolin, CStringGetDatum(string)));
	foreach(cell, field->truths)
		if (strcmp(lfirst(cell), string) == 0)
			return true;
	return false;
}

static void
check_currency(const char *string)
{
	if (usom_currency_decimals(string) < 0)
		ereport(ERROR, errcode(USOM_ERR(UNKNOWN_CURRENCY)),
				errmsg("unknown currency \"%s\"", string),
				errhint("Take a code of usom.currencies()."));
}

/* Steps that leave a text a text. */
static const char *
transform_text(const UsomMappings *all, const UsomMapField *field, char *string)
{
	int			steps = field->transforms;

	if (steps & (USOM_MAP_TRIM | USOM_MAP_NUMBER | USOM_MAP_INTEGER | USOM_MAP_DATE))
		string = trim(string);
	if (steps & (USOM_MAP_UPPER | USOM_MAP_CURRENCY))
		string = str_toupper(string, strlen(string), DEFAULT_COLLATION_OID);
	if (steps & USOM_MAP_LOWER)
		string = str_tolower(string, strlen(string), DEFAULT_COLLATION_OID);
	if (steps & USOM_MAP_CURRENCY)
		check_currency(string);
	if (steps & (USOM_MAP_UNIT | USOM_MAP_LOOKUP))
		return look_up(all, field, string);
	if (steps & USOM_MAP_DATE)
		return read_time(field, string);
	return string;
}

static JsonbValue
number_value(const UsomMapField *field, const char *string)
{
	Numeric		number = read_number(field, string);

	if (numeric_is_nan(number) || numeric_is_inf(number))
		ereport(ERROR, errcode(ERRCODE_INVALID_TEXT_REPRESENTATION), errmsg("\"%s\" is not a number", string));
	if ((field->transforms & USOM_MAP_MULTIPLY) && field->factor != NULL)
		number = DatumGetNumeric(DirectFunctionCall2(numeric_mul, NumericGetDatum(number), NumericGetDatum(field->factor)));
	if ((field->transforms & USOM_MAP_ADD) && field->addend != NULL)
		number = DatumGetNumeric(DirectFunctionCall2(numeric_add, NumericGetDatum(number), NumericGetDatum(field->addend)));
	if (field->transforms & USOM_MAP_INTEGER)
		number = DatumGetNumeric(DirectFunctionCall1(int4_numeric, DirectFunctionCall1(numeric_int4, NumericGetDatum(number))));
	return (JsonbValue) {.type = jbvNumeric, .val.numeric = DatumGetNumeric(DirectFunctionCall1(numeric_trim_scale, NumericGetDatum(number)))};
}

JsonbValue
usom_map_transform(const UsomMappings *all, const UsomMapField *field, const JsonbValue *value)
{
	const char *string;

	if ((field->transforms & ~USOM_MAP_JOIN) == 0)
		return *value;
	string = transform_text(all, field, usom_map_scalar_text(value));
	if (field->transforms & USOM_MAP_NUMBERS)
		return number_value(field, string);
	if (field->transforms & USOM_MAP_BOOLEAN)
		return (JsonbValue) {.type = jbvBool, .val.boolean = read_truth(field, string)};
	return (JsonbValue) {.type = jbvString, .val.string = {.len = (int) strlen(string), .val = unconstify(char *, string)}};
}
