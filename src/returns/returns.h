/*
 * returns.h
 *		Goods that come back.
 *
 *		A return is leave to send units of order lines back.  They come
 *		(received), and are taken back at once or when they have been inspected
 *		(accepted), or go to the customer again (rejected); what does not come
 *		is given up.  Units that are taken back are pieces of the order in the
 *		state returned: the refund follows from that alone (payment/follow.c).
 *		They are on hand again if they are restocked; of others the ledger says
 *		that they came and where they went.
 *
 *		Locks: the order; returns are changed under it alone.
 *
 *		Invariants: of a line received + given up <= quantity and accepted +
 *		rejected <= received, each the sum of its pieces; units accepted of all
 *		returns of an order line are its counter returned; what is expected
 *		back was shipped.  The status follows from the units, but for requested
 *		and refused, which are decisions.
 *
 *		Memory: CurrentMemoryContext, which is the call's.
 */
#ifndef USOM_RETURNS_RETURNS_H
#define USOM_RETURNS_RETURNS_H

#include "base/state.h"
#include "order/line_list.h"
#include "order/order.h"

#define RETURN_STATE(number, name, label) USOM_RETURN_##name = number,
typedef enum UsomReturnStatus
{
#include "returns/lifecycle.def"
	USOM_RETURN_STATES
} UsomReturnStatus;

#define DISPOSITION(name, label, is_final) USOM_##name,
typedef enum UsomDisposition
{
#include "returns/disposition.def"
	USOM_DISPOSITIONS
} UsomDisposition;

extern const UsomLifecycle usom_return_lifecycle_table;

typedef struct UsomReturnLine
{
	int			line;			/* index into set->lines */
	UsomQuantity quantity;
	UsomQuantity received;
	UsomQuantity accepted;
	UsomQuantity rejected;
	UsomQuantity given_up;
	bool		inspects;
	UsomDisposition disposition;	/* unless the inspection says something else */
	const char *rule;			/* NULL: none */
	int32		last_piece_no;
	bool		changed;
} UsomReturnLine;

typedef struct UsomReturnPiece
{
	int			line;			/* index into lines of the return */
	int32		return_piece_no;
	UsomQuantity quantity;
	UsomDisposition disposition;
	int32		piece_no;		/* of the order line; 0: not taken back */
	int64		location_id;	/* 0: where it was shipped from */
	const char *condition;		/* NULL: nothing is said of it */
	TimestampTz received_at;
	TimestampTz inspected_at;	/* or USOM_NO_TIME */
	bool		is_new;
	bool		changed;
} UsomReturnPiece;

/* Units of a line that are named by their numbers, and where they left from. */
typedef struct UsomReturnPlace
{
	int			line;			/* of the set */
	int64		location_id;
	UsomQuantity units;			/* not taken back yet */
} UsomReturnPlace;

typedef struct UsomReturn
{
	UsomOrderSet *set;
	int64		return_order_id;
	const char *return_no;
	UsomReturnStatus status;
	TimestampTz expires_at;		/* or USOM_NO_TIME */
	bool		is_blind;
	int64		shipment_id;	/* units of it alone are taken back in this call; 0: of any */
	int64		exchange_order_id;	/* 0: none */
	const char *reason;			/* NULL: none is given */
	int			nlines;
	UsomReturnLine *lines;		/* by line number */
	int			npieces;
	int			pieces_capacity;
	UsomReturnPiece *pieces;	/* those of usom_return_read_pieces(), and new ones */
	int			nplaces;
	UsomReturnPlace *places;	/* of units that are named in this call */
	bool		takes;			/* units became returned ones of the order */
	bool		moves_on;		/* to another shelf than they left from */
} UsomReturn;

/* ---- rule.c ---- */

/* The stricter is the greater. */
typedef enum UsomReturnOutcome
{
	USOM_RETURN_ALLOW,
	USOM_RETURN_ASK,
	USOM_RETURN_REFUSE
} UsomReturnOutcome;

extern const char *const usom_return_outcomes[];

typedef struct UsomReturnRule
{
	const char *code;
	const char *sku;			/* NULL: any, as the next four */
	const char *category;
	const char *channel;
	const char *segment;
	const char *reason;
	int			days;			/* -1: no end */
	UsomReturnOutcome outcome;
	UsomReturnOutcome late;
	int			valid_days;		/* 0: no end */
	bool		inspects;
	UsomDisposition disposition;
} UsomReturnRule;

typedef struct UsomReturnRules
{
	int			count;
	const UsomReturnRule *rules;	/* in the order in which they are looked at */
} UsomReturnRules;

/* What a rule may ask about a line. */
typedef struct UsomReturnFacts
{
	const char *sku;
	const char *category;		/* NULL: none, as the next two */
	const char *channel;
	const char *segment;
	const char *reason;
} UsomReturnFacts;

/* Units that are with the customer, and since when. */
typedef struct UsomReturnStay
{
	int			line;			/* of the set */
	UsomQuantity quantity;
	TimestampTz since;			/* or USOM_NO_TIME: not delivered yet */
} UsomReturnStay;

typedef struct UsomReturnJudgement
{
	const UsomReturnRule *rule; /* NULL: none fits */
	UsomQuantity with_customer;
	UsomQuantity expected;		/* of them back already */
	UsomQuantity in_time;		/* of those that are not expected */
	TimestampTz until;			/* when the last unit in time is no more; USOM_NO_TIME: no end */
} UsomReturnJudgement;

/* Remembered by the backend: no statement unless a rule has changed. */
extern const UsomReturnRules *usom_return_rules(int64 org_id);

/* Pure: the first that fits, or NULL. */
extern const UsomReturnRule *usom_return_find_rule(const UsomReturnRules *rules, const UsomReturnFacts *facts);

/* Pure: how units stand that are with the customer at a time. */
extern UsomReturnJudgement usom_return_judge(const UsomReturnRule *rule, const UsomReturnStay *stays, int nstays, int line,
											 UsomQuantity expected, TimestampTz at);

/* Pure: what the rule says of so many units. */
extern UsomReturnOutcome usom_return_outcome(const UsomReturnJudgement *judgement, UsomQuantity quantity);

extern void usom_return_rule_init(void);

/* ---- judge.c: two statements more where there are rules ---- */

/*
 * By line of the set: how its units stand now.  Read once for all lines.
 */
extern UsomReturnJudgement *usom_return_judge_lines(const UsomOrderSet *set, const char *reason);

/* ---- disposition.c: pure ---- */

extern const char *usom_disposition_label(UsomDisposition disposition);

/* Of a label; USOM_DISPOSITIONS if there is none such. */
extern UsomDisposition usom_disposition_of(const char *label);

/* May units that wait, or are refurbished, become that? */
extern bool usom_disposition_allows(UsomDisposition from, UsomDisposition to);

/* Units of a line that are in a state. */
extern UsomQuantity usom_return_units(const UsomReturn *back, int line, UsomDisposition disposition);

/*
 * Units of a line become something: those that wait first, then those that
 * are refurbished.  Pieces are cut where they must be, in the order in which
 * they came.  Returns how many units there were none of.
 */
extern UsomQuantity usom_return_dispose(UsomReturn *back, int line, UsomQuantity quantity, UsomDisposition to,
										const char *condition, TimestampTz at);

/* Units come: a new piece that waits.  Returns its index. */
extern int	usom_return_add_piece(UsomReturn *back, int line, UsomQuantity quantity, int64 location_id, TimestampTz at);

/* Cut units off a piece, unless they are all of it.  Returns the index of the piece that they are. */
extern int	usom_return_cut_piece(UsomReturn *back, int index, UsomQuantity quantity);

/* Status that follows from the units of the lines. */
extern UsomReturnStatus usom_return_derive_status(const UsomReturn *back);

/* ---- book.c: rows ---- */

/* Locks the order.  US702 if there is none. */
extern UsomReturn *usom_return_load(int64 org_id, const char *return_no);

/* Pieces that are not final; one statement. */
extern void usom_return_read_pieces(UsomReturn *back);

/* A new return of units of the first order of the set, judged line by line; written at once. */
extern UsomReturn *usom_return_make(UsomOrderSet *set, const UsomLineUnits *units, int count,
									const UsomReturnJudgement *judgements, UsomReturnStatus status, bool is_blind);

/* Until when it must come if leave is given now; USOM_NO_TIME: no end. */
extern TimestampTz usom_return_expiry(const UsomReturn *back);

/* Lines and pieces that changed, and the status that follows from them. */
extern void usom_return_write(UsomReturn *back);

/* Write a decision. */
extern void usom_return_write_status(UsomReturn *back, UsomReturnStatus status);

/* Index of the line of the return; -1: it has none such. */
extern int	usom_return_find_line(const UsomReturn *back, int line);

/* Units that may come still: not received, not given up. */
static inline UsomQuantity
usom_return_due(const UsomReturnLine *line)
{
	return line->quantity - line->received - line->given_up;
}

/* ---- serials.c ---- */

/*
 * Before units of a line become something: those that have numbers are named,
 * unless they go to the customer again.  US708 if not; US212 names one that
 * is none of the line's.
 */
extern void usom_return_name_units(UsomReturn *back, int line, UsomQuantity quantity, UsomDisposition to,
								   const char *const *serials, int nserials);

/*
 * The numbers of units of a line that left a location, as far as they are among
 * those given (NULL: all): those that can only be meant, or US708.
 */
extern void usom_return_find_units(const UsomReturn *back, UsomMarkedUnits *units, int64 location_id, const char *const *given, int ngiven);

/* ---- take.c: pure, but for save ---- */

/* Index of the piece of the order with that number, or (0) of the one whose units come back first; -1: none. */
extern int	usom_return_find_out(const UsomReturn *back, int line, int32 piece_no);


/*
 * A piece of the return has another disposition now: what that means for the
 * order and the stock.  Units that are taken back leave the pieces of the
 * order that were delivered first.
 */
extern void usom_return_take(UsomReturn *back, int piece, UsomDisposition from);

/* Save the order: with what was taken, as a return; else with the event. */
extern void usom_return_save(UsomReturn *back, const char *event, UsomQuantity quantity);

/* ---- authorize.c ---- */

/* US701 for more units than are with the customer and not expected back already. */
extern void usom_return_check_units(const UsomOrderSet *set, const UsomLineUnits *units,
									const UsomReturnJudgement *judgements);

/* ---- receive.c ---- */

/* Everything that is due. */
extern UsomMarkedUnits *usom_return_all_due(const UsomReturn *back, int *count);

/* Units of the lines are here: rows of the return, then the order with all that follows. */
extern void usom_return_receive(UsomReturn *back, const UsomMarkedUnits *units, int count, int64 location_id);

/* A code; 0 if it is null: where units were shipped from. */
extern int64 usom_return_location_argument(FunctionCallInfo fcinfo, int arg);

/* ---- exchange.c ---- */

/* Type of the hold on an exchange order until its return is back. */
#define USOM_EXCHANGE_HOLD "exchange"

/* Lock an order and the one that is the exchange for its return, by key. */
extern void usom_return_lock_both(int64 org_id, int64 sales_order_id, int64 exchange_order_id);

/* Is anything still to come, or to be inspected? */
extern bool usom_return_waits(const UsomReturn *back);

/* After units of the return moved in memory: the exchange order is paid with them, and goes on when all is back. */
extern void usom_return_follow_exchange(UsomReturn *back);

/* Note the order that is the exchange for the return. */
extern void usom_return_write_exchange(UsomReturn *back, int64 exchange_order_id);

/* ---- decide.c ---- */

/* US704: the return does not take the step from its status. */
extern void usom_return_refuse(const UsomReturn *back, const char *verb, const char *hint) pg_attribute_noreturn();

/* An event of the order about the return. */
extern void usom_return_tell(UsomReturn *back, const char *kind);

/* ---- receive.c ---- */

/* Statuses of the return and of its order, as texts. */
extern void usom_return_statuses(const UsomReturn *back, Datum *values);

extern void usom_returns_init(void);

#endif							/* USOM_RETURNS_RETURNS_H */
