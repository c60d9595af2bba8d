/*
 * call.h
 *		A call: one public function from entry to return.
 *
 *		begin connects to SPI, checks once per backend that install() ran and
 *		the versions fit, and notes the reason for the audit.  end lets every
 *		room finish what it gathered (the audit writes its entries) and
 *		disconnects.  After an error nothing needs to be undone by the caller:
 *		transaction callbacks forget the calls of what was rolled back.
 *
 *		Calls nest: a public function may be called from a trigger that a
 *		call fired.
 */
#ifndef USOM_BASE_CALL_H
#define USOM_BASE_CALL_H

#include "postgres.h"
#include "datatype/timestamp.h"

/* reason may be NULL: then the setting usom.reason speaks. */
extern void usom_call_begin(const char *verb, const char *reason);
extern void usom_call_end(void);

extern bool usom_call_active(void);
extern const char *usom_call_verb(void);	/* NULL outside of calls */
extern const char *usom_call_reason(void);	/* NULL if none was given */
extern TimestampTz usom_call_time(void);	/* wall clock at the outermost begin */

/* Rooms register from _PG_init; run by end of the outermost call, still connected. */
typedef void (*UsomCallEnd) (void);
extern void usom_call_at_end(UsomCallEnd callback);

/* Rooms register from _PG_init; run at abort of a transaction, or of a subtransaction that has written something. */
typedef void (*UsomForget) (void);
extern void usom_call_at_abort(UsomForget callback);

/* US001 or US002 unless the tables are there and fit. */
extern void usom_call_check_installed(void);

/* _PG_init of the rooms. */
extern void usom_call_init(void);

#endif							/* USOM_BASE_CALL_H */
