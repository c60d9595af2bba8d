/*
 * payload.c
 *		A flat JSON object, key by key: see payload.h.
 *
 * No locks; memory: CurrentMemoryContext.
 */
#include "postgres.h"

#include "base/payload.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/timestamp.h"

UsomPayload
usom_payload_begin(void)
{
	UsomPayload payload = {NULL};

	pushJsonbValue(&payload.state, WJB_BEGIN_OBJECT, NULL);
	return payload;
}

static void
push_key(UsomPayload *payload, const char *key)
{
	JsonbValue	item = {.type = jbvString};

	item.val.string.val = unconstify(char *, key);
	item.val.string.len = strlen(key);
	pushJsonbValue(&payload->state, WJB_KEY, &item);
}

void
usom_payload_text(UsomPayload *payload, const char *key, const char *value)
{
	JsonbValue	item = {.type = value ? jbvString : jbvNull};

	push_key(payload, key);
	if (value != NULL)
	{
		item.val.string.val = unconstify(char *, value);
		item.val.string.len = strlen(value);
	}
	pushJsonbValue(&payload->state, WJB_VALUE, &item);
}

void
usom_payload_number(UsomPayload *payload, const char *key, Numeric value)
{
	JsonbValue	item = {.type = jbvNumeric};

	push_key(payload, key);
	item.val.numeric = value;
	pushJsonbValue(&payload->state, WJB_VALUE, &item);
}

void
usom_payload_integer(UsomPayload *payload, const char *key, int64 value)
{
	usom_payload_number(payload, key, int64_to_numeric(value));
}

void
usom_payload_quantity(UsomPayload *payload, const char *key, UsomQuantity value)
{
	usom_payload_number(payload, key, usom_quantity_numeric(value));
}

void
usom_payload_time(UsomPayload *payload, const char *key, TimestampTz value)
{
	if (value == PG_INT64_MIN)
		usom_payload_text(payload, key, NULL);
	else
		usom_payload_text(payload, key, JsonEncodeDateTime(NULL, TimestampTzGetDatum(value), TIMESTAMPTZOID, NULL));
}

void
usom_payload_document(UsomPayload *payload, const char *key, Jsonb *value)
{
	JsonbValue	item = {.type = jbvBinary};

	push_key(payload, key);
	item.val.binary.data = &value->root;
	item.val.binary.len = VARSIZE(value) - VARHDRSZ;
	pushJsonbValue(&payload->state, WJB_VALUE, &item);
}

Jsonb *
usom_payload_end(UsomPayload *payload)
{
	return JsonbValueToJsonb(pushJsonbValue(&payload->state, WJB_END_OBJECT, NULL));
}
