/*
 * progress.c
 *		Progress of long work.
 *
 *		One work at a time per backend, told in a static struct without
 *		pointers.  application_name is changed as SET LOCAL does, so an error
 *		or the end of the transaction brings it back without our help; hence
 *		it is ours only while it reads like ours.
 */
#include "postgres.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/timestamp.h"

#include "base/progress.h"

#define INTERVAL_MS 2000

static struct
{
	char		what[NAMEDATALEN];
	int64		total;
	TimestampTz begun_at;
	TimestampTz shown_at;
	char		name_before[NAMEDATALEN];
}			work;

static void
set_name(const char *name)
{
	(void) set_config_option("application_name", name, PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_LOCAL, true, 0, false);
}

/* By its beginning, since a rollback to a savepoint brings back what we set before. */
static bool
is_name_ours(void)
{
	char	   *beginning = psprintf("usom %s:", work.what);

	return work.what[0] != '\0' && strncmp(application_name, beginning, Min(strlen(beginning), NAMEDATALEN - 1)) == 0;
}

static void
restore_name(void)
{
	if (is_name_ours())
		set_name(work.name_before);
}

void
usom_progress_begin(const char *what, int64 total)
{
	restore_name();
	strlcpy(work.what, what, sizeof(work.what));
	work.total = total;
	work.begun_at = work.shown_at = GetCurrentTimestamp();
}

/* "replay: 1200 of 4000 (30 %)" */
static char *
describe(int64 done)
{
	if (work.total <= 0)
		return psprintf("%s: " INT64_FORMAT, work.what, done);
	return psprintf("%s: " INT64_FORMAT " of " INT64_FORMAT " (%d %%)",
					work.what, done, work.total, (int) (100.0 * done / work.total));
}

static void
show(int64 done, TimestampTz now)
{
	char	   *words = describe(done);
	double		seconds = (now - work.begun_at) / (double) USECS_PER_SEC;

	ereport(NOTICE, errmsg("%s, %.0f/s", words, seconds > 0 ? done / seconds : 0.0));
	if (!is_name_ours())
		strlcpy(work.name_before, application_name, sizeof(work.name_before));
	set_name(psprintf("usom %s", words));
	work.shown_at = now;
}

void
usom_progress_step(int64 done)
{
	TimestampTz now = GetCurrentTimestamp();

	if (TimestampDifferenceExceeds(work.shown_at, now, INTERVAL_MS))
		show(done, now);
}

void
usom_progress_end(void)
{
	restore_name();
	work.what[0] = '\0';
}

/* usom._progress(what, done, total): begins when the words change, ends when done reaches total. */
PG_FUNCTION_INFO_V1(usom__progress);
Datum
usom__progress(PG_FUNCTION_ARGS)
{
	char	   *what = text_to_cstring(PG_GETARG_TEXT_PP(0));
	int64		done = PG_GETARG_INT64(1);
	int64		total = PG_GETARG_INT64(2);

	if (done == 0 || strncmp(work.what, what, NAMEDATALEN - 1) != 0)
		usom_progress_begin(what, total);
	else if (total > 0 && done >= total)
		usom_progress_end();
	else
		usom_progress_step(done);
	PG_RETURN_VOID();
}
