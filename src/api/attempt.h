/*
 * attempt.h
 *		Try something; what goes wrong is told, not raised.
 */
#ifndef USOM_API_ATTEMPT_H
#define USOM_API_ATTEMPT_H

#include "postgres.h"

/*
 * In a subtransaction: NULL if it went well, else the error, and nothing of it
 * is left.  An error that is not the fault of a payload (cancel, a lock that
 * was waited for too long, conflict of serialization, out of resources) goes on.  Memory: CurrentMemoryContext.
 */
extern ErrorData *usom_api_attempt(void (*run) (void *arg), void *arg);

/*
 * The same for what is written down and tried again, whoever's fault it is:
 * only a cancel and a conflict of serialization go on, for they say nothing.
 */
extern ErrorData *usom_api_attempt_kept(void (*run) (void *arg), void *arg);

/* A cancelled or failed transaction is not a fault of the document it happened in. */
extern bool usom_api_is_fault_of_document(const ErrorData *error);

#endif							/* USOM_API_ATTEMPT_H */
