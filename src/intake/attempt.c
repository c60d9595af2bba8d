/*
 * attempt.c
 *		Try something in a subtransaction.
 *
 * Locks: those that it took go with it if it fails.
 */
#include "postgres.h"

#include "intake/attempt.h"

#include "access/xact.h"
#include "api/place.h"
#include "utils/resowner.h"

ErrorData *
usom_intake_attempt(void (*run) (void *arg), void *arg)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	ErrorData  *volatile error = NULL;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		run(arg);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	if (error != NULL && !usom_api_is_fault_of_document(error))
		ReThrowError(error);
	return error;
}
