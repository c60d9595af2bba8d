/*
 * lookup.h
 *		From codes, which people and documents use, to keys.
 */
#ifndef USOM_BASE_LOOKUP_H
#define USOM_BASE_LOOKUP_H

#include "postgres.h"
#include "base/fetch.h"

/*
 * Key of the row of an organisation that a code names.  What is fetched takes
 * org_id (int8) and the code (text) and gives one int8.  US006 if there is no
 * row: thing ("channel") and column ("code") are for its message.  Connects to
 * SPI itself, and is no call: the audit has nothing to say about reading.
 */
extern int64 usom_lookup_id(UsomFetch *fetch, int64 org_id, text *code, const char *thing, const char *column);

#endif							/* USOM_BASE_LOOKUP_H */
