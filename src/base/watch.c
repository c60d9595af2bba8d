/*
 * watch.c
 *		Who wants to know that a table has changed.
 *
 * Memory: static.  Nothing here locks.
 *
 * Invariant: all are told, in the order in which they asked, of each message
 * that PostgreSQL delivers.
 */
#include "postgres.h"

#include "base/watch.h"

#include "base/errors.h"
#include "utils/inval.h"

#define MOST_WATCHERS 16

static UsomTableChanged watchers[MOST_WATCHERS];
static int	nwatchers = 0;

static void
tell_all(Datum argument, Oid relid)
{
	for (int i = 0; i < nwatchers; i++)
		watchers[i] (relid);
}

void
usom_watch_tables(UsomTableChanged changed)
{
	Ensure(nwatchers < MOST_WATCHERS, "too many watch tables");
	if (nwatchers == 0)
		CacheRegisterRelcacheCallback(tell_all, (Datum) 0);
	watchers[nwatchers++] = changed;
}
