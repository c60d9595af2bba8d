/*
 * stream.h
 *		Rows of a statement, one by one, as the executor has them.
 *
 *		What reads millions of rows must not gather them first, nor copy each.
 */
#ifndef USOM_AUDIT_STREAM_H
#define USOM_AUDIT_STREAM_H

#include "postgres.h"
#include "access/tupdesc.h"

/* values and nulls are those of all columns; they and what work allocates last until it returns. */
typedef void (*UsomStreamWork) (void *argument, TupleDesc tupdesc, Datum *values, bool *nulls);

/*
 * Run a statement that reads, with the numbers $1 and $2, as the current user
 * and with the snapshot of the statement that asks.  The caller has connected to SPI;
 * work may connect anew.
 */
extern void usom_audit_stream(const char *statement, int64 first, int64 second, UsomStreamWork work, void *argument);

#endif							/* USOM_AUDIT_STREAM_H */
