/*
 * json.h
 *		Keys and values of a jsonb object under construction.
 */
#ifndef USOM_BASE_JSON_H
#define USOM_BASE_JSON_H

#include "postgres.h"
#include "utils/jsonb.h"

/* The texts live as long as the state. */
extern void usom_json_key(JsonbParseState **state, const char *key);
extern void usom_json_text(JsonbParseState **state, const char *key, const char *value);	/* NULL: null */

#endif							/* USOM_BASE_JSON_H */
