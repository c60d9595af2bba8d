/*
 * ruled.h
 *		Plans by rules, costs and calendars: what allocation and explanation
 *		share.
 *
 *		Reads rules and lanes with a fixed number of statements, whatever the
 *		number of orders, and plans order by order over given stock.  Locks
 *		nothing but days, and those only if asked to: whoever means to take
 *		the stock holds its rows.
 *
 *		All functions want an SPI connection.
 */
#ifndef USOM_SOURCING_RULED_H
#define USOM_SOURCING_RULED_H

#include "sourcing/calendar.h"
#include "sourcing/optimise.h"
#include "stock/capacity.h"
#include "stock/stock.h"
#include "stock/supply.h"

/* Units of a line that want to be served. */
typedef struct UsomWant
{
	int64		sales_order_id;
	int64		product_id;
	int64		location_id;	/* must be served from here; 0: anywhere */
	UsomQuantity quantity;
	bool		partial;		/* may be cut, a rest may wait */
	bool		may_wait;		/* for supply that is under way, where being late costs less */
	TimestampTz requested_at;	/* or USOM_NO_TIME */
	bool		fetched;		/* by the customer: nothing is sent */
} UsomWant;

/* Of a row of stock, or of a supply; what has neither is not served. */
typedef struct UsomRuledPart
{
	int			want;
	int			row;			/* -1: of a supply */
	int			supply;			/* -1: of a row */
	UsomQuantity quantity;
	TimestampTz arrives_at;
	DateADT		ships_on;		/* USOM_NO_DAY where days are not counted */
} UsomRuledPart;

/* What an order takes of a day: by what is written, and by what the call has decided since. */
typedef struct UsomDayUse
{
	int64		sales_order_id;
	UsomLocationDay at;
	UsomQuantity counted;
	UsomQuantity units;
} UsomDayUse;

/* What is known beyond the stock; NULL: nothing. */
typedef struct UsomOutlook
{
	const UsomDayUse *uses;
	int			nuses;
	bool		lock_days;		/* of uses, and all that are looked at, first */
	UsomSupply *supplies;		/* free is lowered by what is planned */
	int			nsupplies;
} UsomOutlook;

/* Sort uses by order and day, and add up those of one: returns how many there are. */
extern int	usom_sourcing_merge_uses(UsomDayUse *uses, int nuses);

/* A location as the rule of a want sees it. */
typedef struct UsomLane
{
	int64		location_id;
	const char *code;
	bool		is_far_known;	/* is the distance known? */
	double		distance;
	UsomReason	verdict;
	double		rank;			/* of the rule's order; 0 where cost decides */
	UsomSourcingSite site;
	UsomQuantity protected_quantity;
	double		late_cost;
	const UsomCalendar *calendar;	/* with the cut-off of the service level */
	TimestampTz ships_at;		/* at the earliest; USOM_NEVER: it does not */
	int64		transit;		/* microseconds to the customer */
} UsomLane;

/* Why a location serves a want, or does not. */
typedef struct UsomRuledReason
{
	const UsomLane *lane;
	UsomReason	reason;
	UsomQuantity available;
	double		cost;			/* of the want from there alone, preferences aside */
	TimestampTz arrives_at;
	DateADT		ships_on;		/* USOM_NO_DAY: days are not counted, or none has room */
	bool		from_supply;	/* that arrives before it ships */
	DateADT		full_on;		/* the first day on which it ships has no room; USOM_NO_DAY: it has */
} UsomRuledReason;

typedef struct UsomRuledPlan
{
	int			nparts;
	UsomRuledPart *parts;		/* in order of wants */
	bool	   *exceptions;		/* by want: its last rule asks for an exception if it is short */
	int			nlocations;
	UsomRuledReason *reasons;	/* wants by locations, where asked for */
} UsomRuledPlan;

/* Has the organisation any rule, rate, calendar, capacity or cost?  If not, the plan is that of usom_sourcing_plan(). */
extern bool usom_sourcing_is_ruled(int64 org_id);

/* Has any location of it a capacity? */
extern bool usom_sourcing_has_limits(int64 org_id);

/* _PG_init of the room. */
extern void usom_sourcing_init(void);

/*
 * Plan wants, order by order as they first appear, over rows in lock order;
 * lowers rows[].available by what is taken.  locations: what is looked at;
 * others serve nothing.  Of days that are counted no more is taken than they
 * have left; whoever means to take it asks again, unless days are locked.
 */
extern UsomRuledPlan *usom_sourcing_plan_by_rules(int64 org_id, TimestampTz at, const UsomWant *wants, int nwants,
												  const UsomOutlook *outlook, UsomStockRow *rows,
												  int nrows, const int64 *locations, int nlocations, bool with_reasons);

/*
 * The same with the reasons, as allocation would plan now: by rules, or where
 * there are none as usom_sourcing_plan() does.
 */
extern UsomRuledPlan *usom_sourcing_explain(int64 org_id, TimestampTz at, const UsomWant *wants, int nwants,
											const UsomOutlook *outlook, UsomStockRow *rows, int nrows, const int64 *locations, int nlocations);

extern const char *usom_sourcing_reason_code(UsomReason reason);
extern const char *usom_sourcing_reason_text(UsomReason reason);

#endif							/* USOM_SOURCING_RULED_H */
