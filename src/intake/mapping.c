/*
 * mapping.c
 *		A payload becomes a document.
 *
 * Every field is looked for by its jsonpath and transformed; what is missing or
 * cannot be read is a finding, and all of them are told at once.  A payload in
 * order is read straight through, in one subtransaction; only one that raises
 * an error is read again with a subtransaction for each field.
 *
 * Memory: findings, traces and document in CurrentMemoryContext; what is read
 * on the way in a context that is reset with every line.  Locks: none.
 */
#include "postgres.h"

#include "intake/mapping.h"

#include "access/xact.h"
#include "base/compat.h"
#include "api/attempt.h"
#include "intake/transform.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/memutils.h"

/* A payload on its way. */
typedef struct Mapper
{
	const UsomMapping *mapping;
	Jsonb	   *payload;		/* or where the order stands in it */
	Datum		vars;			/* {"root": payload} */
	List	  **findings;
	List	  **traces;			/* NULL: not wanted */
	bool		careful;		/* each field in a subtransaction */
	MemoryContext keep;			/* of the document */
	MemoryContext scratch;
} Mapper;

/* What a target gets. */
typedef struct Found
{
	int			count;			/* 0: nothing */
	JsonbValue *values;			/* in keep */
} Found;

/* One look at one field. */
typedef struct Look
{
	Mapper	   *mapper;
	const UsomMapField *field;
	Datum		context;		/* jsonb: the payload, or the line */
	int			line;			/* from 0; -1: none */
	Found		found;
	const char *raw;			/* for traces */
} Look;

static char *
path_of(const UsomMapField *field, int line)
{
	return line < 0 ? pstrdup(field->target) : psprintf("lines[%d].%s", line, field->target + strlen("lines[]."));
}

static Jsonb *
query(Datum context, Datum path, Datum vars)
{
	return DatumGetJsonbP(DirectFunctionCall4(jsonb_path_query_array, context, path, vars, BoolGetDatum(true)));
}

/* The value stays when what it was read from is gone. */
static JsonbValue
keep_value(Mapper *mapper, JsonbValue value)
{
	MemoryContext old = MemoryContextSwitchTo(mapper->keep);

	if (value.type == jbvString)
		value.val.string.val = pnstrdup(value.val.string.val, value.val.string.len);
	else if (value.type == jbvNumeric)
		value.val.numeric = DatumGetNumericCopy(NumericGetDatum(value.val.numeric));
	MemoryContextSwitchTo(old);
	return value;
}

/* Scalars of the array that are not null; others are an error. */
static int
scalars_of(const Look *look, Jsonb *array, JsonbValue *scalars)
{
	int			count = 0;

	for (uint32 i = 0; i < JB_ROOT_COUNT(array); i++)
	{
		JsonbValue *value = getIthJsonbValueFromContainer(&array->root, i);

		if (value->type == jbvBinary)
			ereport(ERROR, errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
					errmsg("%s is not a single value", look->field->source_text));
		if (value->type != jbvNull)
			scalars[count++] = *value;
	}
	return count;
}

static JsonbValue
join(const UsomMapField *field, const JsonbValue *scalars, int count)
{
	StringInfoData all;

	initStringInfo(&all);
	for (int i = 0; i < count; i++)
		appendStringInfo(&all, "%s%s", i > 0 ? field->separator : "", usom_map_scalar_text(&scalars[i]));
	return (JsonbValue) {.type = jbvString, .val.string = {.len = all.len, .val = all.data}};
}

static void
note_raw(Look *look, Jsonb *array)
{
	MemoryContext old = MemoryContextSwitchTo(look->mapper->keep);

	if (JB_ROOT_COUNT(array) > 0)
		look->raw = JsonbToCString(NULL, &array->root, VARSIZE_ANY_EXHDR(array));
	MemoryContextSwitchTo(old);
}

/* A price for so many becomes the price of one. */
static void
divide(const Look *look, JsonbValue *value)
{
	Jsonb	   *array = query(look->context, look->field->divisor, look->mapper->vars);
	JsonbValue *scalars = palloc_array(JsonbValue, JB_ROOT_COUNT(array) + 1);
	Datum		quotient;

	if (value->type != jbvNumeric || scalars_of(look, array, scalars) == 0)
		return;
	quotient = DirectFunctionCall2(numeric_div, NumericGetDatum(value->val.numeric),
								   DirectFunctionCall3(numeric_in, CStringGetDatum(usom_map_scalar_text(&scalars[0])), ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)));
	value->val.numeric = DatumGetNumeric(DirectFunctionCall1(numeric_trim_scale, quotient));
}

static JsonbValue
transform(const Look *look, const JsonbValue *scalar)
{
	JsonbValue	value = usom_map_transform(look->mapper->mapping->all, look->field, scalar);

	if ((look->field->transforms & USOM_MAP_DIVIDE) && look->field->divisor != 0)
		divide(look, &value);
	return value;
}

static void
take_source(Look *look)
{
	const UsomMapField *field = look->field;
	Jsonb	   *array = query(look->context, field->source, look->mapper->vars);
	JsonbValue *scalars = palloc_array(JsonbValue, JB_ROOT_COUNT(array) + 1);
	int			count = scalars_of(look, array, scalars);

	if (look->mapper->traces != NULL)
		note_raw(look, array);
	if (count > 1 && (field->transforms & USOM_MAP_JOIN))
	{
		scalars[0] = join(field, scalars, count);
		count = 1;
	}
	look->found.count = field->is_list ? count : Min(count, 1);
	look->found.values = MemoryContextAlloc(look->mapper->keep, sizeof(JsonbValue) * Max(count, 1));
	for (int i = 0; i < look->found.count; i++)
		look->found.values[i] = keep_value(look->mapper, transform(look, &scalars[i]));
}

static void
take_fallback(Look *look)
{
	JsonbValue *value = getIthJsonbValueFromContainer(&look->field->fallback->root, 0);

	if (value->type == jbvNull)
		return;
	look->found.count = 1;
	look->found.values = MemoryContextAlloc(look->mapper->keep, sizeof(JsonbValue));
	look->found.values[0] = keep_value(look->mapper, *value);
}

static void
take_value(void *arg)
{
	Look	   *look = arg;
	MemoryContext old = MemoryContextSwitchTo(look->mapper->scratch);

	if (look->field->source != 0)
		take_source(look);
	if (look->found.count == 0 && look->field->fallback != NULL)
		take_fallback(look);
	MemoryContextSwitchTo(old);
}

static void
add_finding(Look *look, const char *code, const char *message, const char *remedy)
{
	MemoryContext old = MemoryContextSwitchTo(look->mapper->keep);
	UsomMapFinding *finding = palloc0_object(UsomMapFinding);

	finding->path = path_of(look->field, look->line);
	finding->source = look->field->source_text;
	finding->code = pstrdup(code);
	finding->message = pstrdup(message);
	finding->remedy = remedy != NULL ? pstrdup(remedy) : NULL;
	*look->mapper->findings = lappend(*look->mapper->findings, finding);
	MemoryContextSwitchTo(old);
}

static void
add_trace(const Look *look, const char *problem)
{
	MemoryContext old = MemoryContextSwitchTo(look->mapper->keep);
	UsomMapTrace *trace = palloc0_object(UsomMapTrace);

	trace->path = path_of(look->field, look->line);
	trace->source = look->field->source_text;
	trace->found = look->raw;
	trace->result = look->found.count > 0 ? usom_map_scalar_text(&look->found.values[0]) : NULL;
	trace->problem = problem != NULL ? pstrdup(problem) : NULL;
	*look->mapper->traces = lappend(*look->mapper->traces, trace);
	MemoryContextSwitchTo(old);
}

/* PostgreSQL repeats what it cannot read; findings are not sealed, so they do not. */
static bool
says_value(const ErrorData *error)
{
	return ERRCODE_TO_CATEGORY(error->sqlerrcode) == ERRCODE_TO_CATEGORY(ERRCODE_DATA_EXCEPTION);
}

static const char *
wanted(const UsomMapField *field)
{
	if (field->transforms & USOM_MAP_INTEGER)
		return "a whole number";
	if (field->transforms & USOM_MAP_NUMBERS)
		return "a number";
	if (field->transforms & USOM_MAP_DATE)
		return field->date_format != NULL ? psprintf("a time of the form %s", field->date_format) : "a time";
	return field->transforms & USOM_MAP_BOOLEAN ? "true or false" : "a single value";
}

/* Look; false if the field could not be read, which is a finding. */
static bool
look_carefully(Look *look)
{
	ErrorData  *error = usom_api_attempt(take_value, look);
	const char *message;

	if (error == NULL)
		return true;
	look->found.count = 0;
	message = says_value(error) ? psprintf("%s cannot be read as %s", path_of(look->field, look->line), wanted(look->field)) : error->message;
	add_finding(look, unpack_sql_state(error->sqlerrcode), message, error->hint);
	if (look->mapper->traces != NULL)
		add_trace(look, message);
	return false;
}

/* What a row found comes behind what the rows before it have found. */
static void
append_joined(Mapper *mapper, Found *all, const Found *more, const UsomMapField *field)
{
	MemoryContext old = MemoryContextSwitchTo(mapper->keep);

	if (all->count == 0)
		*all = *more;
	else if (more->count > 0)
		all->values[0] = join(field, (JsonbValue[]) {all->values[0], more->values[0]}, 2);
	MemoryContextSwitchTo(old);
}

/* The rows of a target are tried one after the other, until one finds something; those that join all find their part. */
static Found
find_target(Mapper *mapper, int from, int to, Datum context, int line)
{
	Look		look = {.mapper = mapper, .context = context, .line = line};
	Found		found = {0};
	bool		required = false;
	bool		failed = false;

	for (int i = from; i < to && !failed && (found.count == 0 || (look.field->transforms & USOM_MAP_JOIN)); i++)
	{
		look.field = &mapper->mapping->fields[i];
		look.found = (Found) {0};
		look.raw = NULL;
		required |= look.field->required;
		if (mapper->careful)
			failed = !look_carefully(&look);
		else
			take_value(&look);
		if (mapper->traces != NULL && !failed)
			add_trace(&look, NULL);
		append_joined(mapper, &found, &look.found, look.field);
	}
	if (found.count == 0 && required && !failed)
		add_finding(&look, "US803", psprintf("%s is missing", path_of(look.field, line)), "Send it, or give the mapping a fallback.");
	return found;
}

/* Targets of one name stand together: the end of those that begin at i. */
static int
end_of_target(const UsomMapping *mapping, int i)
{
	const char *target = mapping->fields[i].target;

	while (i < mapping->nfields && strcmp(mapping->fields[i].target, target) == 0)
		i++;
	return i;
}

static bool
same_group(const UsomMapField *a, const UsomMapField *b)
{
	return a->of_line == b->of_line && a->group != NULL && b->group != NULL && strcmp(a->group, b->group) == 0;
}

static void
push_key(JsonbParseState **state, const char *key)
{
	JsonbValue	value = {.type = jbvString, .val.string = {.len = (int) strlen(key), .val = unconstify(char *, key)}};

	pushJsonbValue(state, WJB_KEY, &value);
}

static void
push_found(JsonbParseState **state, const UsomMapField *field, const Found *found)
{
	push_key(state, field->key);
	if (!field->is_list)
	{
		pushJsonbValue(state, WJB_VALUE, &found->values[0]);
		return;
	}
	pushJsonbValue(state, WJB_BEGIN_ARRAY, NULL);
	for (int i = 0; i < found->count; i++)
		pushJsonbValue(state, WJB_ELEM, &found->values[i]);
	pushJsonbValue(state, WJB_END_ARRAY, NULL);
}

/* A group is there if something of it is. */
static int
push_group(Mapper *mapper, JsonbParseState **state, int from, Datum context, int line)
{
	const UsomMapping *mapping = mapper->mapping;
	bool		open = false;
	int			i = from;

	while (i < mapping->nfields && same_group(&mapping->fields[from], &mapping->fields[i]))
	{
		int			end = end_of_target(mapping, i);
		Found		found = find_target(mapper, i, end, context, line);

		if (found.count > 0 && !open)
		{
			push_key(state, mapping->fields[from].group);
			pushJsonbValue(state, WJB_BEGIN_OBJECT, NULL);
			open = true;
		}
		if (found.count > 0)
			push_found(state, &mapping->fields[i], &found);
		i = end;
	}
	if (open)
		pushJsonbValue(state, WJB_END_OBJECT, NULL);
	return i;
}

/* Fields from one on, as long as they are of a line, or are not. */
static void
push_fields(Mapper *mapper, JsonbParseState **state, bool of_line, Datum context, int line)
{
	const UsomMapping *mapping = mapper->mapping;
	int			i = 0;

	while (i < mapping->nfields && mapping->fields[i].of_line != of_line)
		i++;
	while (i < mapping->nfields && mapping->fields[i].of_line == of_line)
	{
		int			end = end_of_target(mapping, i);
		Found		found;

		if (mapping->fields[i].group != NULL)
		{
			i = push_group(mapper, state, i, context, line);
			continue;
		}
		found = find_target(mapper, i, end, context, line);
		if (found.count > 0)
			push_found(state, &mapping->fields[i], &found);
		i = end;
	}
}

static void
push_lines(Mapper *mapper, JsonbParseState **state)
{
	Jsonb	   *lines = query(JsonbPGetDatum(mapper->payload), mapper->mapping->lines, mapper->vars);

	push_key(state, "lines");
	pushJsonbValue(state, WJB_BEGIN_ARRAY, NULL);
	for (uint32 i = 0; i < JB_ROOT_COUNT(lines); i++)
	{
		MemoryContext old = MemoryContextSwitchTo(mapper->scratch);
		Datum		line = JsonbPGetDatum(JsonbValueToJsonb(getIthJsonbValueFromContainer(&lines->root, i)));

		CHECK_FOR_INTERRUPTS();
		MemoryContextSwitchTo(old);
		pushJsonbValue(state, WJB_BEGIN_OBJECT, NULL);
		push_fields(mapper, state, true, line, (int) i);
		pushJsonbValue(state, WJB_END_OBJECT, NULL);
		MemoryContextReset(mapper->scratch);
	}
	pushJsonbValue(state, WJB_END_ARRAY, NULL);
}

static Jsonb *
build(Mapper *mapper)
{
	JsonbParseState *state = NULL;

	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	push_fields(mapper, &state, false, JsonbPGetDatum(mapper->payload), -1);
	if (mapper->mapping->lines != 0)
		push_lines(mapper, &state);
	return JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL));
}

typedef struct Reading
{
	Mapper	   *mapper;
	Jsonb	   *document;
} Reading;

static void
read_straight(void *arg)
{
	Reading    *reading = arg;

	reading->document = build(reading->mapper);
}

static Datum
vars_of(Jsonb *payload)
{
	JsonbParseState *state = NULL;
	JsonbValue	root = {.type = jbvBinary, .val.binary = {.len = VARSIZE_ANY_EXHDR(payload), .data = &payload->root}};

	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	push_key(&state, "root");
	pushJsonbValue(&state, WJB_VALUE, &root);
	return JsonbPGetDatum(JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL)));
}

/* Where the order stands; a payload that has none there is read from its top. */
static Jsonb *
root_of(const UsomMapping *mapping, Jsonb *payload)
{
	Jsonb	   *items;

	if (mapping->root == 0)
		return payload;
	items = query(JsonbPGetDatum(payload), mapping->root, DirectFunctionCall1(jsonb_in, CStringGetDatum("{}")));
	return JB_ROOT_COUNT(items) == 0 ? payload : JsonbValueToJsonb(getIthJsonbValueFromContainer(&items->root, 0));
}

Jsonb *
usom_mapping_apply(const UsomMapping *mapping, Jsonb *payload, List **findings, List **traces)
{
	Jsonb	   *root = root_of(mapping, payload);
	Mapper		mapper = {
		.mapping = mapping, .payload = root, .vars = vars_of(root), .findings = findings, .traces = traces,
		.careful = traces != NULL, .keep = CurrentMemoryContext,
		.scratch = AllocSetContextCreate(CurrentMemoryContext, "usom line of a payload", ALLOCSET_DEFAULT_SIZES)
	};
	Reading		reading = {.mapper = &mapper};
	List	   *before = list_copy(*findings);

	if (!mapper.careful && usom_api_attempt(read_straight, &reading) != NULL)
	{
		*findings = before;
		mapper.careful = true;
	}
	if (mapper.careful)
		reading.document = build(&mapper);
	MemoryContextDelete(mapper.scratch);
	return reading.document;
}

Jsonb *
usom_mapping_content(const UsomMapping *mapping, Jsonb *payload)
{
	if (mapping == NULL || ARR_NDIM(mapping->envelope) == 0 || !JB_ROOT_IS_OBJECT(payload) || JB_ROOT_IS_SCALAR(payload))
		return payload;
	return DatumGetJsonbP(DirectFunctionCall2(jsonb_delete_array, JsonbPGetDatum(payload), PointerGetDatum(mapping->envelope)));
}

/* A text of an object, or nothing. */
static const char *
text_of(const JsonbContainer *object, const char *key)
{
	JsonbValue	value;

	if (getKeyJsonValueFromContainer(unconstify(JsonbContainer *, object), key, (int) strlen(key), &value) == NULL || value.type != jbvString)
		return NULL;
	return pnstrdup(value.val.string.val, value.val.string.len);
}

/* An object with path, message, detail and remedy, or a text: the message. */
static UsomMapFinding *
problem_of(const UsomMapping *mapping, JsonbValue *item)
{
	UsomMapFinding *finding = palloc0_object(UsomMapFinding);

	finding->source = pstrdup(mapping->problems_text);
	finding->code = "US803";
	finding->final = true;
	if (item->type == jbvBinary && JsonContainerIsObject(item->val.binary.data))
	{
		finding->path = text_of(item->val.binary.data, "path");
		finding->message = text_of(item->val.binary.data, "message");
		finding->detail = text_of(item->val.binary.data, "detail");
		finding->remedy = text_of(item->val.binary.data, "remedy");
	}
	else if (item->type == jbvString)
		finding->message = pnstrdup(item->val.string.val, item->val.string.len);
	if (finding->message == NULL)
		finding->message = "the payload says that it cannot be used";
	return finding;
}

bool
usom_mapping_problems(const UsomMapping *mapping, Jsonb *payload, List **findings)
{
	Jsonb	   *items;

	if (mapping->problems == 0)
		return false;
	items = query(JsonbPGetDatum(payload), mapping->problems, DirectFunctionCall1(jsonb_in, CStringGetDatum("{}")));
	for (uint32 i = 0; i < JB_ROOT_COUNT(items); i++)
		*findings = lappend(*findings, problem_of(mapping, getIthJsonbValueFromContainer(&items->root, i)));
	return JB_ROOT_COUNT(items) > 0;
}

/* lines[12].sku is the target lines[].sku. */
static bool
is_target(const char *target, const char *path)
{
	while (*target != '\0' && *target == *path)
	{
		bool		index = *path == '[';

		target++;
		path++;
		if (index)
			path += strspn(path, "0123456789");
	}
	return *target == '\0' && *path == '\0';
}

const char *
usom_mapping_source(const UsomMapping *mapping, const char *path)
{
	for (int i = 0; i < mapping->nfields; i++)
		if (is_target(mapping->fields[i].target, path))
			return mapping->fields[i].source_text;
	return NULL;
}
