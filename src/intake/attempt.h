/*
 * attempt.h
 *		Try something; what goes wrong is told, not raised.
 */
#ifndef USOM_INTAKE_ATTEMPT_H
#define USOM_INTAKE_ATTEMPT_H

#include "postgres.h"

/*
 * In a subtransaction: NULL if it went well, else the error, and nothing of it
 * is left.  An error that is not the fault of a payload (cancel, conflict of
 * serialization, out of resources) goes on.  Memory: CurrentMemoryContext.
 */
extern ErrorData *usom_intake_attempt(void (*run) (void *arg), void *arg);

#endif							/* USOM_INTAKE_ATTEMPT_H */
