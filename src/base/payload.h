/*
 * payload.h
 *		A JSON object, key by key: what events and exceptions say.
 *
 *		Memory: CurrentMemoryContext, throughout.
 */
#ifndef USOM_BASE_PAYLOAD_H
#define USOM_BASE_PAYLOAD_H

#include "base/quantity.h"
#include "datatype/timestamp.h"
#include "utils/jsonb.h"
#include "utils/numeric.h"

typedef struct UsomPayload
{
	JsonbParseState *state;
} UsomPayload;

extern UsomPayload usom_payload_begin(void);
extern void usom_payload_text(UsomPayload *payload, const char *key, const char *value);	/* NULL: null */
extern void usom_payload_integer(UsomPayload *payload, const char *key, int64 value);
extern void usom_payload_number(UsomPayload *payload, const char *key, Numeric value);
extern void usom_payload_quantity(UsomPayload *payload, const char *key, UsomQuantity value);

/* As PostgreSQL writes it in JSON; PG_INT64_MIN: null. */
extern void usom_payload_time(UsomPayload *payload, const char *key, TimestampTz value);
extern void usom_payload_document(UsomPayload *payload, const char *key, Jsonb *value);	/* array or object */
extern Jsonb *usom_payload_end(UsomPayload *payload);

#endif							/* USOM_BASE_PAYLOAD_H */
