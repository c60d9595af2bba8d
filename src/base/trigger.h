/*
 * trigger.h
 *		The protocol of a C trigger, checked in one place.
 */
#ifndef USOM_BASE_TRIGGER_H
#define USOM_BASE_TRIGGER_H

#include "postgres.h"
#include "commands/trigger.h"
#include "fmgr.h"

/* What a trigger function is written for; a call that differs is refused. */
typedef struct UsomTriggerSpec
{
	const char *function;		/* name, for the message */
	bool		before;
	bool		row;
	bool		instead;		/* of the event, on a view; before and row are not asked then */
	int			nargs;			/* arguments it reads in CREATE TRIGGER */
} UsomTriggerSpec;

/* ERROR 39P01 unless fcinfo is a call of the kind that spec tells. */
extern TriggerData *usom_trigger_check(FunctionCallInfo fcinfo, const UsomTriggerSpec *spec);

/*
 * Attribute number of a column, with its type verified: a trigger on another
 * table is refused.  A domain counts as its base type; InvalidOid asks for a
 * state type.
 */
extern int	usom_trigger_column(TriggerData *trigdata, const char *name, Oid type);

/* What a BEFORE ROW trigger returns to let the row go on. */
extern HeapTuple usom_trigger_row(TriggerData *trigdata);

/* A logical replication worker applies rows that were checked and audited at their origin. */
extern bool usom_trigger_is_replay(void);

#endif							/* USOM_BASE_TRIGGER_H */
