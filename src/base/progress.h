/*
 * progress.h
 *		Progress of long work, for those who wait and those who watch.
 *
 *		Every two seconds at most: a NOTICE for the caller, and
 *		application_name for pg_stat_activity.  The name comes back at the end
 *		of the work, and with the transaction in any case.
 */
#ifndef USOM_BASE_PROGRESS_H
#define USOM_BASE_PROGRESS_H

#include "postgres.h"

/* what: a few words that stay; total: 0 if it is not known. */
extern void usom_progress_begin(const char *what, int64 total);
extern void usom_progress_step(int64 done);
extern void usom_progress_end(void);

#endif							/* USOM_BASE_PROGRESS_H */
