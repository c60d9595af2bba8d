/*
 * place_batch.h
 *		Many documents placed in one call: each has its own outcome.
 */
#ifndef USOM_API_PLACE_BATCH_H
#define USOM_API_PLACE_BATCH_H

#include "api/place.h"

/* What became of a document. */
typedef struct UsomOutcome
{
	const char *external_id;	/* NULL: none, or not readable */
	const char *outcome;		/* placed, repeated or rejected */
	const char *order_no;		/* NULL: rejected, as are the next two if it is not */
	const char *sqlstate;
	const char *message;
} UsomOutcome;

/*
 * Places those that can be placed, in one piece; by position.  Errors that are
 * not the fault of a document are raised.  Wants an open call.
 */
extern UsomOutcome *usom_api_place_batch(Jsonb *const *documents, int count);

#endif							/* USOM_API_PLACE_BATCH_H */
