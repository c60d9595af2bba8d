/*
 * resolve.h
 *		Codes of lines to keys, in one statement for all of them.
 */
#ifndef USOM_API_RESOLVE_H
#define USOM_API_RESOLVE_H

#include "datatype/timestamp.h"
#include "product/kit.h"
#include "utils/numeric.h"

typedef struct UsomLineReference
{
	const char *sku;			/* NULL: nothing to look up */
	const char *location;		/* NULL: nothing to look up */
	bool		wants_price;
	const char *currency;		/* that the price is wanted in, and of when */
	TimestampTz at;

	/* Found, or 0 and NULL. */
	int64		product_id;
	UsomNature	nature;
	int64		location_id;
	Numeric		price;			/* list price */
} UsomLineReference;

extern void usom_api_resolve_lines(int64 org_id, UsomLineReference *references, int count);

/* A text parameter, null for NULL. */
extern Datum usom_api_text_or_null(const char *string, bool *isnull);

/* A text[] parameter, null for NULL. */
extern Datum usom_api_texts(const char *const *strings, int count);

#endif							/* USOM_API_RESOLVE_H */
