/*
 * retry.h
 *		Lock what was found, and look again.
 *
 *		What has to be locked first is often known only by a look without a
 *		lock at what is locked later.  An attempt finds, locks in the one lock
 *		order, and finds again; if something came in between it answers false,
 *		its subtransaction gives all of its locks back, and it runs again.  It
 *		changes nothing.
 */
#ifndef USOM_BASE_RETRY_H
#define USOM_BASE_RETRY_H

#include "postgres.h"

typedef bool (*UsomAttempt) (void *arg);

/* Until an attempt answers true; 40001 if none of a dozen does. */
extern void usom_retry(UsomAttempt attempt, void *arg);

#endif							/* USOM_BASE_RETRY_H */
