/*
 * card_guard.c
 *		Card numbers in texts and documents: refused before anything else.
 *
 *		Strings, keys and whole numbers of a jsonb document are searched one by
 *		one; a number cut over two of them is not found.
 *
 * Memory: detoasted values in CurrentMemoryContext, nothing beyond.  No locks,
 * no statements.
 *
 * Invariant: no message, detail, hint or context that leaves this file holds a
 * byte of what was searched, but for plain keys (is_plain).
 */
#include "postgres.h"

#include "base/card.h"
#include "base/card_guard.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/query.h"
#include "base/trigger.h"

#include "access/htup_details.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

/* Shorter ones cannot hold 13 digits. */
#define MIN_SIZE 13
#define KEY_SHOWN 40
#define KEY_DIGITS 2

/* Contexts quote statements, rows of COPY and parameters: nobody is asked for one. */
static void
refuse(const char *what, const char *place)
{
	error_context_stack = NULL;
	ereport(ERROR,
			errcode(USOM_ERR(CARD_NUMBER)),
			errmsg("%s holds what looks like the number of a payment card", what),
			place ? errdetail("It stands at %s. Card numbers are neither stored nor repeated.", place)
			: errdetail("Card numbers are neither stored nor repeated."),
			errhint("Take it out; a payment is named by the reference that the payment provider gave."),
			errhidestmt(true), errhidecontext(true));
}

static bool
has_card(const char *string, Size size)
{
	UsomCardSpan span;

	return size >= MIN_SIZE && usom_card_find(string, size, 0, &span);
}

bool
usom_card_is_in(const char *string)
{
	return has_card(string, strlen(string));
}

void
usom_card_check_string(const char *what, const char *string)
{
	if (unlikely(usom_card_is_in(string)))
		refuse(what, NULL);
}

/* ---- documents ---- */

/* Where a walk through a document is: one step for each container around. */
typedef struct Step
{
	bool		is_array;
	int			index;
	char		key[KEY_SHOWN + 1];	/* empty: none that may be shown */
} Step;

typedef struct Walk
{
	int			depth;
	int			capacity;
	Step	   *steps;
} Walk;

static bool
value_has_card(const JsonbValue *value)
{
	char	   *digits;

	if (value->type == jbvString)
		return has_card(value->val.string.val, value->val.string.len);
	if (value->type != jbvNumeric)
		return false;
	digits = DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(value->val.numeric)));
	return usom_card_is_in(digits);
}

static void
enter(Walk *walk, bool is_array)
{
	if (walk->depth == walk->capacity)
	{
		walk->capacity *= 2;
		walk->steps = repalloc_array(walk->steps, Step, walk->capacity);
	}
	walk->steps[walk->depth++] = (Step) {.is_array = is_array, .index = -1};
}

/* A plain name, such as line1: no room for digits of a card. */
static bool
is_plain(const char *key, int length)
{
	int			digits = 0;

	for (int i = 0; i < length; i++)
	{
		digits += key[i] >= '0' && key[i] <= '9';
		if (!(key[i] >= 'a' && key[i] <= 'z') && !(key[i] >= '0' && key[i] <= '9') && key[i] != '_')
			return false;
	}
	return length <= KEY_SHOWN && digits <= KEY_DIGITS;
}

static void
note_key(Step *step, const JsonbValue *key)
{
	int			length = key->val.string.len;

	if (!is_plain(key->val.string.val, length))
		length = 0;
	memcpy(step->key, key->val.string.val, length);
	step->key[length] = '\0';
}

/* Keep up with the iterator. */
static void
follow(Walk *walk, JsonbIteratorToken token, const JsonbValue *value)
{
	if (token == WJB_END_ARRAY || token == WJB_END_OBJECT)
		walk->depth--;
	else
	{
		Step	   *step = walk->depth > 0 ? &walk->steps[walk->depth - 1] : NULL;

		if (step != NULL && step->is_array)
			step->index++;
		if (token == WJB_KEY)
			note_key(step, value);
		else if (token == WJB_BEGIN_ARRAY || token == WJB_BEGIN_OBJECT)
			enter(walk, token == WJB_BEGIN_ARRAY);
	}
}

/* lines[0].sku; a key that is not plain is not shown. */
static char *
place_of(const Walk *walk, bool in_key)
{
	StringInfoData place;

	initStringInfo(&place);
	for (int i = 0; i < walk->depth; i++)
	{
		const Step *step = &walk->steps[i];

		if (step->is_array)
			appendStringInfo(&place, "[%d]", step->index);
		else
			appendStringInfo(&place, "%s%s", place.len > 0 ? "." : "",
							 in_key && i == walk->depth - 1 ? "(a key)" : step->key[0] ? step->key : "(...)");
	}
	return place.data;
}

/* The walk that names the place, once it is known that there is one. */
static char *
find_place(Jsonb *document)
{
	JsonbIterator *it = JsonbIteratorInit(&document->root);
	Walk		walk = {.capacity = 8, .steps = palloc_array(Step, 8)};
	JsonbValue	value;
	JsonbIteratorToken token;

	while ((token = JsonbIteratorNext(&it, &value, false)) != WJB_DONE)
	{
		CHECK_FOR_INTERRUPTS();
		follow(&walk, token, &value);
		if ((token == WJB_KEY || token == WJB_VALUE || token == WJB_ELEM) && value_has_card(&value))
			break;
	}
	return JB_ROOT_IS_SCALAR(document) ? NULL : place_of(&walk, token == WJB_KEY);
}

static bool
document_has_card(Jsonb *document)
{
	JsonbIterator *it = JsonbIteratorInit(&document->root);
	JsonbValue	value;
	JsonbIteratorToken token;

	while ((token = JsonbIteratorNext(&it, &value, false)) != WJB_DONE)
	{
		CHECK_FOR_INTERRUPTS();
		if ((token == WJB_KEY || token == WJB_VALUE || token == WJB_ELEM) && value_has_card(&value))
			return true;
	}
	return false;
}

void
usom_card_check_jsonb(const char *what, Jsonb *document)
{
	if (unlikely(document_has_card(document)))
		refuse(what, find_place(document));
}

/* ---- values by their type ---- */

static bool
array_has_card(ArrayType *array, Oid type)
{
	Datum	   *elements;
	bool	   *nulls;
	int			count;

	deconstruct_array(array, type, -1, false, TYPALIGN_INT, &elements, &nulls, &count);
	for (int i = 0; i < count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (!nulls[i] && usom_card_is_in(TextDatumGetCString(elements[i])))
			return true;
	}
	return false;
}

/* Domains count as their base type; what is no text is not looked at. */
static bool
datum_has_card(Oid type, Datum value, char **place)
{
	text	   *string;

	switch (type < FirstNormalObjectId ? type : getBaseType(type))
	{
		case TEXTOID:
		case VARCHAROID:
		case BPCHAROID:
		case JSONOID:
			string = DatumGetTextPP(value);
			return has_card(VARDATA_ANY(string), VARSIZE_ANY_EXHDR(string));
		case JSONBOID:
			if (!document_has_card(DatumGetJsonbP(value)))
				return false;
			*place = find_place(DatumGetJsonbP(value));
			return true;
		case TEXTARRAYOID:
			return array_has_card(DatumGetArrayTypeP(value), TEXTOID);
		default:
			return false;
	}
}

static char *
name_of_argument(Oid function, int argument)
{
	char	  **names;
	Oid		   *types;
	char	   *modes;
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));

	get_func_arg_info(tuple, &types, &names, &modes);
	ReleaseSysCache(tuple);
	return psprintf("argument %s", names[argument]);
}

void
usom_card_check_call(FunctionCallInfo fcinfo)
{
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(fcinfo->flinfo->fn_oid));
	const oidvector *types;
	char	   *place = NULL;
	int			found = -1;

	Ensure(HeapTupleIsValid(tuple), "cache lookup failed for function %u", fcinfo->flinfo->fn_oid);
	types = &((Form_pg_proc) GETSTRUCT(tuple))->proargtypes;
	for (int i = 0; i < PG_NARGS() && found < 0; i++)
		if (!PG_ARGISNULL(i) && datum_has_card(types->values[i], PG_GETARG_DATUM(i), &place))
			found = i;
	ReleaseSysCache(tuple);
	if (unlikely(found >= 0))
		refuse(name_of_argument(fcinfo->flinfo->fn_oid, found), place);
}

/* usom._check_card(name text, value text): for the public functions in PL/pgSQL. */
PG_FUNCTION_INFO_V1(usom__check_card);
Datum
usom__check_card(PG_FUNCTION_ARGS)
{
	if (!PG_ARGISNULL(0) && !PG_ARGISNULL(1))
		usom_card_check_string(psprintf("argument %s", text_to_cstring(PG_GETARG_TEXT_PP(0))),
							   text_to_cstring(PG_GETARG_TEXT_PP(1)));
	PG_RETURN_VOID();
}

/* usom.guard_cards(): BEFORE INSERT OR UPDATE, for each row. */
PG_FUNCTION_INFO_V1(usom_guard_cards);
Datum
usom_guard_cards(PG_FUNCTION_ARGS)
{
	static const UsomTriggerSpec spec = {"usom.guard_cards", .before = true, .row = true};
	TriggerData *trigdata = usom_trigger_check(fcinfo, &spec);
	HeapTuple	row = usom_trigger_row(trigdata);
	TupleDesc	desc = RelationGetDescr(trigdata->tg_relation);

	if (usom_query_is_writer() || usom_trigger_is_replay())
		return PointerGetDatum(row);
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);
		char	   *place = NULL;
		bool		isnull;
		Datum		value = heap_getattr(row, i + 1, desc, &isnull);

		if (!isnull && !att->attisdropped && unlikely(datum_has_card(att->atttypid, value, &place)))
			refuse(psprintf("column %s of usom.%s", NameStr(att->attname), RelationGetRelationName(trigdata->tg_relation)), place);
	}
	return PointerGetDatum(row);
}
