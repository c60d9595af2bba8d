/*
 * mapping_read.c
 *		Mappings, remembered by the backend, and which one reads a payload.
 *
 * Memory: in a context of the memo (base/memo.h).  Locks: none.
 */
#include "postgres.h"

#include "intake/mapping.h"

#include "base/compat.h"
#include "base/memo.h"
#include "base/query.h"
#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/jsonpath.h"
#include "utils/numeric.h"

static UsomQuery read_mappings = {
	.text = "SELECT m.mapping_id, m.code, m.version, m.channel, m.kind, m.applies, m.lines, m.root, m.problems, m.envelope FROM usom.mapping AS m "
	"WHERE m.org_id = $1 AND m.active ORDER BY m.priority, m.code, m.version DESC",
	.nargs = 1,
	.argtypes = {"bigint"},
};

static UsomQuery read_fields = {
	.text = "SELECT f.mapping_id, f.target, f.source, f.transforms, f.argument, f.fallback, f.required FROM usom.mapping_field AS f "
	"WHERE f.org_id = $1 ORDER BY f.mapping_id, f.target ~ '^lines', f.target, f.ordinal",
	.nargs = 1,
	.argtypes = {"bigint"},
};

static UsomQuery read_words = {
	.text = "SELECT v.list, v.source, v.target FROM usom.mapping_value AS v WHERE v.org_id = $1 ORDER BY v.list COLLATE \"C\", v.source COLLATE \"C\"",
	.nargs = 1,
	.argtypes = {"bigint"},
};

static const struct
{
	const char *name;
	UsomTransform bit;
}			transform_names[] = {
	{"trim", USOM_MAP_TRIM},
	{"upper", USOM_MAP_UPPER},
	{"lower", USOM_MAP_LOWER},
	{"currency", USOM_MAP_CURRENCY},
	{"unit", USOM_MAP_UNIT},
	{"lookup", USOM_MAP_LOOKUP},
	{"date", USOM_MAP_DATE},
	{"number", USOM_MAP_NUMBER},
	{"multiply", USOM_MAP_MULTIPLY},
	{"add", USOM_MAP_ADD},
	{"divide", USOM_MAP_DIVIDE},
	{"integer", USOM_MAP_INTEGER},
	{"boolean", USOM_MAP_BOOLEAN},
	{"join", USOM_MAP_JOIN},
};

/* The value lives in the memory of SPI, or nowhere: copied. */
static Datum
copy_or_none(uint64 row, int column)
{
	bool		isnull;
	Datum		value = usom_query_get_or_null(row, column, &isnull);

	return isnull ? (Datum) 0 : PointerGetDatum(PG_DETOAST_DATUM_COPY(value));
}

static int
transforms_of(Datum array)
{
	Datum	   *names;
	int			count;
	int			bits = 0;

	deconstruct_array(DatumGetArrayTypeP(array), TEXTOID, -1, false, TYPALIGN_INT, &names, NULL, &count);
	for (int i = 0; i < count; i++)
		for (int t = 0; t < (int) lengthof(transform_names); t++)
			if (strcmp(TextDatumGetCString(names[i]), transform_names[t].name) == 0)
				bits |= transform_names[t].bit;
	return bits;
}

/* A text of the argument; NULL if it has none. */
static char *
argument_text(Jsonb *argument, const char *key)
{
	JsonbValue	value;

	if (getKeyJsonValueFromContainer(&argument->root, key, (int) strlen(key), &value) == NULL || value.type != jbvString)
		return NULL;
	return pnstrdup(value.val.string.val, value.val.string.len);
}

static struct NumericData *
argument_number(Jsonb *argument, const char *key)
{
	JsonbValue	value;

	if (getKeyJsonValueFromContainer(&argument->root, key, (int) strlen(key), &value) == NULL || value.type != jbvNumeric)
		return NULL;
	return DatumGetNumericCopy(NumericGetDatum(value.val.numeric));
}

static bool
argument_true(Jsonb *argument, const char *key)
{
	JsonbValue	value;

	return getKeyJsonValueFromContainer(&argument->root, key, (int) strlen(key), &value) != NULL && value.type == jbvBool && value.val.boolean;
}

/* Words that mean true; without any, those of PostgreSQL. */
static List *
argument_texts(Jsonb *argument, const char *key)
{
	JsonbValue	value;
	List	   *texts = NIL;

	if (getKeyJsonValueFromContainer(&argument->root, key, (int) strlen(key), &value) == NULL ||
		value.type != jbvBinary || !JsonContainerIsArray(value.val.binary.data))
		return NIL;
	for (uint32 i = 0; i < JsonContainerSize(value.val.binary.data); i++)
	{
		JsonbValue *element = getIthJsonbValueFromContainer(value.val.binary.data, i);

		if (element->type == jbvString)
			texts = lappend(texts, pnstrdup(element->val.string.val, element->val.string.len));
	}
	return texts;
}

/* lines[].tax.amount: of a line, group tax, key amount. */
static void
split_target(UsomMapField *field)
{
	char	   *path = pstrdup(field->target);
	char	   *dot;
	size_t		length;

	field->of_line = strncmp(path, "lines[].", strlen("lines[].")) == 0;
	if (field->of_line)
		path += strlen("lines[].");
	length = strlen(path);
	field->is_list = length > 2 && strcmp(path + length - 2, "[]") == 0;
	if (field->is_list)
		path[length - 2] = '\0';
	dot = strchr(path, '.');
	field->key = dot != NULL ? dot + 1 : path;
	field->group = dot != NULL ? path : NULL;
	if (dot != NULL)
		*dot = '\0';
}

static void
take_argument(UsomMapField *field, Jsonb *argument)
{
	char	   *decimal = argument_text(argument, "decimal");
	char	   *separator = argument_text(argument, "join");
	char	   *divisor = argument_text(argument, "divide");

	field->decimal = decimal != NULL ? decimal : ".";
	field->separator = separator != NULL ? separator : " ";
	field->date_format = argument_text(argument, "date");
	field->zone = argument_text(argument, "zone");
	if (field->zone == NULL)
		field->zone = "UTC";
	field->list = (field->transforms & USOM_MAP_UNIT) ? "unit" : argument_text(argument, "lookup");
	field->keep = argument_true(argument, "keep");
	field->factor = argument_number(argument, "multiply");
	field->addend = argument_number(argument, "add");
	if (divisor != NULL)
		field->divisor = DirectFunctionCall1(jsonpath_in, CStringGetDatum(divisor));
	field->truths = argument_texts(argument, "true");
}

static void
take_field(UsomMapField *field, uint64 row)
{
	bool		isnull;

	field->target = usom_query_get_text(row, 2);
	split_target(field);
	field->source = copy_or_none(row, 3);
	if (field->source != 0)
		field->source_text = DatumGetCString(DirectFunctionCall1(jsonpath_out, field->source));
	field->transforms = transforms_of(usom_query_get(row, 4));
	take_argument(field, DatumGetJsonbP(usom_query_get(row, 5)));
	usom_query_get_or_null(row, 6, &isnull);
	field->fallback = isnull ? NULL : (Jsonb *) DatumGetPointer(copy_or_none(row, 6));
	field->required = DatumGetBool(usom_query_get(row, 7));
}

/* Fields come by mapping: those of one stand together. */
static void
read_all_fields(UsomMappings *all, const int64 *ids, int64 org_id)
{
	Datum		values[] = {Int64GetDatum(org_id)};
	uint64		n = usom_memo_look(&read_fields, values);
	UsomMapField *fields = palloc0_array(UsomMapField, Max(n, 1));

	for (uint64 row = 0; row < n; row++)
		take_field(&fields[row], row);
	for (int i = 0; i < all->count; i++)
	{
		UsomMapping *mapping = &all->mappings[i];

		for (uint64 row = 0; row < n; row++)
			if (DatumGetInt64(usom_query_get(row, 1)) == ids[i] && mapping->nfields++ == 0)
				mapping->fields = &fields[row];
	}
	SPI_freetuptable(SPI_tuptable);
}

static void
read_all_words(UsomMappings *all, int64 org_id)
{
	Datum		values[] = {Int64GetDatum(org_id)};

	all->nwords = (int) usom_memo_look(&read_words, values);
	all->words = palloc_array(UsomMapWord, Max(all->nwords, 1));
	for (int row = 0; row < all->nwords; row++)
		all->words[row] = (UsomMapWord) {usom_query_get_text(row, 1), usom_query_get_text(row, 2), usom_query_get_text(row, 3)};
	SPI_freetuptable(SPI_tuptable);
}

static const void *
read_all(int64 org_id)
{
	UsomMappings *all = palloc0_object(UsomMappings);
	Datum		values[] = {Int64GetDatum(org_id)};
	int64	   *ids;

	all->count = (int) usom_memo_look(&read_mappings, values);
	all->mappings = palloc0_array(UsomMapping, Max(all->count, 1));
	ids = palloc_array(int64, Max(all->count, 1));
	for (int row = 0; row < all->count; row++)
	{
		UsomMapping *mapping = &all->mappings[row];

		ids[row] = DatumGetInt64(usom_query_get(row, 1));
		mapping->code = usom_query_get_text(row, 2);
		mapping->version = DatumGetInt32(usom_query_get(row, 3));
		mapping->channel = usom_query_get_text(row, 4);
		mapping->kind = usom_query_get_text(row, 5);
		mapping->applies = copy_or_none(row, 6);
		mapping->lines = copy_or_none(row, 7);
		mapping->root = copy_or_none(row, 8);
		mapping->problems = copy_or_none(row, 9);
		mapping->envelope = DatumGetArrayTypeP(copy_or_none(row, 10));
		if (mapping->problems != 0)
			mapping->problems_text = DatumGetCString(DirectFunctionCall1(jsonpath_out, mapping->problems));
		mapping->all = all;
	}
	SPI_freetuptable(SPI_tuptable);
	if (all->count == 0)
		return all;
	read_all_fields(all, ids, org_id);
	read_all_words(all, org_id);
	return all;
}

static UsomMemo memo = {
	.name = "usom mappings",
	.tables = {"mapping", "mapping_field", "mapping_value"},
	.read = read_all,
};

/* A test that fails, or says neither yes nor no, is not passed. */
static bool
passes(const UsomMapping *mapping, Jsonb *payload)
{
	LOCAL_FCINFO(fcinfo, 4);
	Datum		result;

	if (mapping->applies == 0)
		return true;
	InitFunctionCallInfoData(*fcinfo, NULL, 4, InvalidOid, NULL, NULL);
	fcinfo->args[0] = (NullableDatum) {JsonbPGetDatum(payload), false};
	fcinfo->args[1] = (NullableDatum) {mapping->applies, false};
	fcinfo->args[2] = (NullableDatum) {DirectFunctionCall1(jsonb_in, CStringGetDatum("{}")), false};
	fcinfo->args[3] = (NullableDatum) {BoolGetDatum(true), false};
	result = jsonb_path_match(fcinfo);
	return !fcinfo->isnull && DatumGetBool(result);
}

const UsomMapping *
usom_mapping_find(int64 org_id, const char *channel, Jsonb *payload)
{
	const UsomMappings *all = usom_memo_get(&memo, org_id);

	for (int i = 0; i < all->count; i++)
		if ((all->mappings[i].channel == NULL || strcmp(all->mappings[i].channel, channel) == 0) &&
			passes(&all->mappings[i], payload))
			return &all->mappings[i];
	return NULL;
}

void
usom_mapping_init(void)
{
	usom_memo_register(&memo);
}
