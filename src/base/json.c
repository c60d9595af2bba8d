/*
 * json.c
 *		Keys and values of a jsonb object under construction.
 *
 * Pure.  Memory: CurrentMemoryContext.
 */
#include "postgres.h"

#include "base/json.h"

static void
push_string(JsonbParseState **state, JsonbIteratorToken token, const char *string)
{
	JsonbValue	item;

	item.type = jbvString;
	item.val.string.val = unconstify(char *, string);
	item.val.string.len = (int) strlen(string);
	pushJsonbValue(state, token, &item);
}

void
usom_json_key(JsonbParseState **state, const char *key)
{
	push_string(state, WJB_KEY, key);
}

void
usom_json_text(JsonbParseState **state, const char *key, const char *value)
{
	JsonbValue	none = {.type = jbvNull};

	usom_json_key(state, key);
	if (value != NULL)
		push_string(state, WJB_VALUE, value);
	else
		pushJsonbValue(state, WJB_VALUE, &none);
}
