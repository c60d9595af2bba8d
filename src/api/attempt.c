/*
 * attempt.c
 *		Try something in a subtransaction.
 *
 * Locks: those that it took go with it if it fails.
 */
#include "postgres.h"

#include "api/attempt.h"

#include "access/xact.h"
#include "utils/resowner.h"

bool
usom_api_is_fault_of_document(const ErrorData *error)
{
	int			category = ERRCODE_TO_CATEGORY(error->sqlerrcode);

	return error->sqlerrcode != ERRCODE_LOCK_NOT_AVAILABLE &&
		category != ERRCODE_TO_CATEGORY(ERRCODE_QUERY_CANCELED) &&
		category != ERRCODE_TO_CATEGORY(ERRCODE_T_R_SERIALIZATION_FAILURE) &&
		category != ERRCODE_TO_CATEGORY(ERRCODE_INTERNAL_ERROR) &&
		category != ERRCODE_TO_CATEGORY(ERRCODE_INSUFFICIENT_RESOURCES);
}

static ErrorData *
attempt(void (*run) (void *arg), void *arg)
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
	return error;
}

ErrorData *
usom_api_attempt(void (*run) (void *arg), void *arg)
{
	ErrorData  *error = attempt(run, arg);

	if (error != NULL && !usom_api_is_fault_of_document(error))
		ReThrowError(error);
	return error;
}

ErrorData *
usom_api_attempt_kept(void (*run) (void *arg), void *arg)
{
	ErrorData  *error = attempt(run, arg);
	int			category = error != NULL ? ERRCODE_TO_CATEGORY(error->sqlerrcode) : 0;

	if (category == ERRCODE_TO_CATEGORY(ERRCODE_QUERY_CANCELED) || category == ERRCODE_TO_CATEGORY(ERRCODE_T_R_SERIALIZATION_FAILURE))
		ReThrowError(error);
	return error;
}
