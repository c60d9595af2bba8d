/*
 * retry.c
 *		Lock what was found, and look again.
 *
 * Locks: those of the attempt that succeeded.  Memory: the attempt allocates
 * in the context of the caller; what failed ones made goes with it.
 */
#include "postgres.h"

#include "base/retry.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "utils/resowner.h"

#define ROUNDS 12

static bool
run_attempt(UsomAttempt attempt, void *arg)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	volatile bool done = false;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		done = attempt(arg);
		if (done)
			ReleaseCurrentSubTransaction();
		else
			RollbackAndReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		ErrorData  *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(context);
		CurrentResourceOwner = owner;
		ReThrowError(error);
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	return done;
}

void
usom_retry(UsomAttempt attempt, void *arg)
{
	for (int i = 0; i < ROUNDS; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (run_attempt(attempt, arg))
			return;
	}
	ereport(ERROR, errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
			errmsg("could not lock all that changes together: others change it all the time"),
			errhint("Repeat the call."));
}
