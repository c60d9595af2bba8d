/*
 * sum.h
 *		Sums over images and rows: do all changes together make what is there?
 */
#ifndef USOM_AUDIT_SUM_H
#define USOM_AUDIT_SUM_H

#include "postgres.h"
#include "audit/canon.h"
#include "audit/siphash.h"

/* From SQL: a key of 16 bytes; 22023 for another length. */
extern UsomSipKey usom_sum_key(const bytea *bytes);

typedef struct UsomSum UsomSum;

/* In the context given, which may not be the one of add: that is reset between calls. */
extern UsomSum *usom_sum_make(MemoryContext context, UsomSipKey key);

/* The images of an entry; notes it where they do not fit. */
extern void usom_sum_add_entry(UsomSum *sum, int64 audit_entry_id, const text *operation, int32 row_count, const bytea *before, const bytea *after);

/* Rows of an image, as rows after (sign > 0) or before; false if the bytes are no image of so many rows. */
extern bool usom_sum_add_image(UsomSum *sum, const char *image, Size size, int sign, int64 row_count);

/* bigint[]: hash, rows, columns, least bad entry if there is one. */
extern Datum usom_sum_result(const UsomSum *sum);

#endif							/* USOM_AUDIT_SUM_H */
