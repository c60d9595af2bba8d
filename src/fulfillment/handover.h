/*
 * handover.h
 *		Orders at the door of a warehouse: what is handed over to the outside
 *		systems that run some of them, and until when it may be taken back.
 *
 *		Units of an order are at work at a location while they are released,
 *		picked or packed there.  A verb looks at what is at work before it
 *		changes a set and tells the difference before it saves: units that
 *		came are a new hand-over (table fulfillment, event fulfillment_sent),
 *		units that went are taken back, or have left by our own hand (event
 *		fulfillment_changed).  An organisation without outside systems and
 *		without cut-offs pays for neither: a look at a memo.
 */
#ifndef USOM_FULFILLMENT_HANDOVER_H
#define USOM_FULFILLMENT_HANDOVER_H

#include "order/order.h"
#include "sourcing/calendar.h"

/* ---- cut_off.c: until when units may be taken back without asking ---- */

typedef enum UsomCutAction
{
	USOM_CUT_CANCEL,
	USOM_CUT_CHANGE,			/* units are not ordered any more */
	USOM_CUT_ADDRESS
} UsomCutAction;

typedef enum UsomCutVerdict
{
	USOM_CUT_EDIT,				/* done by us alone */
	USOM_CUT_ASK,				/* the warehouse is asked */
	USOM_CUT_REFUSE
} UsomCutVerdict;

typedef struct UsomCutOff
{
	int64		location_id;	/* 0: all that have no row of their own */
	UsomCutAction action;
	UsomPieceStatus stage;		/* released, picked or packed */
	int32		minutes;		/* after the release; -1: not given */
	TimeADT		until;			/* time of day; -1: not given */
} UsomCutOff;

/* What a backend remembers of locations. */
typedef struct UsomDoor
{
	int64		location_id;
	const char *code;
	const char *wms;			/* NULL: none */
	const char *zone_name;
} UsomDoor;

typedef struct UsomDoors
{
	int			count;
	UsomDoor   *doors;			/* by key */
	int			ncuts;
	UsomCutOff *cuts;
} UsomDoors;

/* NULL if no location has an outside system and there are no cut-offs.  Lives as memo.h says. */
extern const UsomDoors *usom_fulfillment_doors(int64 org_id);
extern const UsomDoor *usom_fulfillment_find_door(const UsomDoors *doors, int64 location_id);

/* Pure.  The moment from which on the cut-off asks; USOM_NEVER: never. */
extern TimestampTz usom_fulfillment_cut_ends(const UsomCutOff *cut, const pg_tz *zone, TimestampTz released_at);

/* What an order may do now: cut-offs of one action, and when its units were released.  One statement if there are cut-offs. */
typedef struct UsomCuts UsomCuts;
extern const UsomCuts *usom_fulfillment_read_cuts(const UsomOrderSet *set, int order, UsomCutAction action);

/* Are there rows for the action at all? */
extern bool usom_fulfillment_has_cuts(const UsomCuts *cuts);

/* Of units in a state at a location. */
extern UsomCutVerdict usom_fulfillment_judge(const UsomCuts *cuts, int64 location_id, UsomPieceStatus status);

/* ---- work.c: what is at work ---- */

typedef struct UsomWork UsomWork;

/* Before a verb changes the set; NULL if nobody needs to know. */
extern UsomWork *usom_fulfillment_look(const UsomOrderSet *set);

/*
 * Before it saves: hand over what came, take back what went.  Two statements
 * and one for each hand-over's number, if there is anything; none for NULL.
 */
extern void usom_fulfillment_tell(UsomOrderSet *set, const UsomWork *before);

/* The same where what went was shipped, and not because its outside system said so. */
extern void usom_fulfillment_tell_shipped(UsomOrderSet *set, const UsomWork *before);

/* The statuses of the hand-overs of an order, from their messages.  One statement. */
extern void usom_fulfillment_follow_messages(int64 org_id, const int64 *orders, int norders);

/*
 * Units of a piece go back towards the shelf: packed ones are unpacked, picked ones put
 * back, until they are in the wanted state (released or reserved).  Returns the piece they are in.
 */
extern int	usom_fulfillment_put_back(UsomOrderSet *set, int piece, UsomPieceStatus to, UsomQuantity quantity);

/* ---- told.c: pure ---- */

/* A line of a hand-over: units handed over, and the sums of what was told about them. */
typedef struct UsomHanded
{
	UsomQuantity handed;
	UsomQuantity picked;
	UsomQuantity packed;
	UsomQuantity shipped;
	UsomQuantity gone;			/* otherwise: short, rejected, cancelled, taken back */
} UsomHanded;

/* Of units that a message ("picked", "packed", "shipped") tells: those that are news. */
extern UsomQuantity usom_fulfillment_untold(const UsomHanded *sums, const char *kind, UsomQuantity units);

/* _PG_init of the file. */
extern void usom_fulfillment_handover_init(void);

#endif							/* USOM_FULFILLMENT_HANDOVER_H */
