/*
 * order.h
 *		An order with its lines and pieces, loaded, changed in memory, saved.
 *
 *		Every verb is three steps: load the orders it is about (which locks
 *		them), change them with the pure functions below, save.  Saving writes
 *		what changed, with a number of statements that does not depend on how
 *		many lines there are.  The stock that pieces keep follows from their
 *		moves: nobody computes it twice.
 *
 *		Locks: load locks the order rows, by key; save locks the stock rows it
 *		changes, in stock order, unless the verb did so before to plan, then
 *		the supply that pieces count on no more, by key, then the days of
 *		locations that it gives capacity back to.
 *
 *		Invariants: a line's counters are the sums over its pieces, open units
 *		being those without a piece; they add up to its quantity; the order's
 *		status follows from them; its version counts its saves.
 *
 *		Memory: a set lives in the context that is current when it is made
 *		(SPI's, inside a call) and ends with it.
 */
#ifndef USOM_ORDER_ORDER_H
#define USOM_ORDER_ORDER_H

#include "commands/trigger.h"
#include "nodes/pg_list.h"
#include "order/lifecycle.h"
#include "order/type.h"
#include "pricing/money.h"
#include "product/kit.h"
#include "stock/capacity.h"
#include "stock/quota.h"
#include "stock/stock.h"
#include "stock/supply.h"
#include "utils/array.h"
#include "utils/numeric.h"

#define USOM_NO_TIME PG_INT64_MIN	/* a timestamp that is not given */

typedef struct UsomPiece
{
	int			line;			/* index into set->lines */
	int32		piece_no;
	int64		location_id;	/* 0: none */
	const char *lot;
	UsomPieceStatus status;
	UsomQuantity quantity;		/* 0: taken away */
	TimestampTz promised_at;	/* or USOM_NO_TIME */
	int64		shipment_id;	/* 0: none */
	int64		package_id;		/* that it is packed in; 0: none */
	DateADT		ships_on;		/* day of its location that it takes capacity of, or USOM_NO_DAY */
	int64		supply_id;		/* that it waits for; 0: none, or it does not wait */
	int32		from_piece_no;	/* of a new one: piece that its units were in when it was loaded; 0: none */
	bool		is_new;
	bool		changed;
} UsomPiece;

/* What approvals are bound to, of a line. */
struct UsomAgreed
{
	int64		product_id;
	UsomQuantity quantity;
	Numeric		unit_price;		/* NULL: the line was not there */
	Numeric		discount;
	Numeric		freight;
	Numeric		tax;
};

typedef struct UsomLine
{
	int			order;			/* index into set->orders */
	int32		line_no;
	int64		product_id;
	bool		stocked;		/* a physical product */
	bool		is_made;		/* that is made for each order */
	bool		by_serial;		/* each unit has a number of its own */
	UsomQuantity quantity;
	Numeric		unit_price;
	Numeric		total;
	Numeric		discount;		/* of all units, cancelled ones too, as the next two; never NULL */
	Numeric		freight;
	Numeric		tax;
	bool		tax_included;	/* in the price */
	int			decimals;		/* of its amounts; USOM_NO_DECIMALS: nothing was added or taken off */
	int64		location_id;	/* must be served from here; 0: any */
	TimestampTz requested_at;	/* or USOM_NO_TIME */
	const char *substitution;
	bool		partial;
	bool		is_kit;			/* the product is a kit; its components are lines of their own once it is submitted */
	bool		whole_kits;		/* of a kit: components are reserved for whole kits alone */
	int32		kit_line_no;	/* of a component: line of its kit; of a kit that has components: its own; 0: neither */
	UsomQuantity kit_quantity;	/* of a component: units for one kit; else 0 */
	UsomCounters counters;
	UsomQuantity counted;		/* units that quotas have heard of: reserved or further, when loaded or last counted */
	UsomQuantity alive;			/* units that pre-order offers have heard of: ordered and not cancelled */
	struct UsomAgreed agreed;	/* when loaded or saved */
	struct UsomOverride *override;	/* price that this call sets by hand (approval.h); NULL: none */
	TimestampTz release_at;		/* of a product that is to be released; 0: it is */
	UsomQuantity capped;		/* units that a quota has kept from it in this call */
	const char *capped_by;		/* code of that quota */
	int32		last_piece_no;
	bool		is_new;
	bool		changed;
	bool		removed;
} UsomLine;

typedef struct UsomOrder
{
	int64		sales_order_id;
	const char *order_no;
	UsomOrderStatus status;
	UsomOrderStatus status_before;	/* when loaded */
	int32		version;
	Numeric		total;
	const char *currency;
	TimestampTz requested_at;	/* or USOM_NO_TIME */
	bool		ship_complete;
	UsomOrderType order_type;
	int32		priority;		/* lower is served first */
	TimestampTz placed_at;
	TimestampTz priced_at;		/* by the rules of when; 0: of placed_at */
	int64		channel_id;
	int64		customer_id;	/* 0: a guest */
	Numeric		paid;			/* captured less what went back or is asked to; NULL: no payment is known */
	const char *pay_method;		/* that the document named; NULL: none, or not loaded */
	int64		flow_id;		/* version of the flow that it takes (flow.h); 0: the built-in one */
	const char *flow_state;		/* of that flow; NULL: none */
	bool		flow_changed;	/* save writes both */
	bool		is_new;			/* header written by the caller, history begins */
	bool		changed;		/* save writes header and history */
	bool		content_changed;	/* what approvals are bound to, beside the lines */

	/* What history will say. */
	const char *event;
	int32		event_line;		/* 0: the order */
	UsomQuantity event_quantity;	/* 0: none */
	const char *event_reference;	/* may be NULL */
} UsomOrder;

/* The rules in force then are those that price the order. */
static inline TimestampTz
usom_order_price_time(const UsomOrder *order)
{
	return order->priced_at != 0 ? order->priced_at : order->placed_at;
}

typedef struct UsomOrderSet
{
	int64		org_id;
	int			norders;
	UsomOrder  *orders;			/* by key */
	int			nlines;
	int			lines_capacity;
	UsomLine   *lines;			/* by order, line number; new ones of a single order at the end */
	int			npieces;
	int			pieces_capacity;
	UsomPiece  *pieces;			/* by order, line, piece number; new ones at the end */
	int			ndeltas;
	int			deltas_capacity;
	UsomStockDelta *deltas;		/* what the moves do to the stock */
	int			nmovements;
	int			movements_capacity;
	UsomStockMovement *movements;
	int			nloads;
	int			loads_capacity;
	UsomCapacityChange *loads;	/* what pieces give back of the days of locations */
	int			npegs;
	int			pegs_capacity;
	UsomPegDelta *pegs;			/* what the moves do to the supply */
	bool		by_hand;		/* somebody asks for this very order: the shelf serves what else waits for its own supply */
	bool		stock_locked;	/* the rows of deltas are locked already */
	int			nowners;
	const char **owners;		/* whose soft reservations go over to the orders */
	bool		without_lines;	/* only the header is loaded */
	bool		unit_holds;		/* a hold stands on a line or a piece */
	List	   *joined;			/* hold_units.c: pieces whose units went over to others */
	List	   *events;		/* news.h: what the save makes known */
	List	   *raised;
	List	   *settled;
	struct UsomRows *flow_holds;	/* flow.h: what steps of flows do at the save */
	List	   *flow_releases;
} UsomOrderSet;

/* load.c: orders are locked and read; US105 if there is none of the number */
extern UsomOrderSet *usom_order_load(int64 org_id, const char *order_no);
extern UsomOrderSet *usom_order_load_many(int64 org_id, const int64 *ids, int nids);

/* For what changes nothing of lines and pieces: perhaps without them. */
extern UsomOrderSet *usom_order_load_header(int64 org_id, const char *order_no);

/* set.c */
extern UsomOrderSet *usom_order_set_make(int64 org_id, int norders, int nlines);
extern bool usom_order_set_has(const UsomOrderSet *set, const int64 *ids, int nids);	/* ids by key */
extern UsomLine *usom_order_add_line(UsomOrderSet *set);
extern void usom_order_take_nature(UsomLine *line, UsomNature nature);	/* of its product */

/* A new line behind the others of its order, with the next number.  Indexes of lines that the caller keeps are void. */
extern UsomLine *usom_order_insert_line(UsomOrderSet *set, int order);
/* The line as it is now is what was loaded or saved. */
extern void usom_order_mark_agreed(UsomLine *line);

extern int	usom_order_find_line(const UsomOrderSet *set, int order, int32 line_no); /* US106 */

/* After lines of several orders were added at the end: by order again.  Indexes of lines change. */
extern void usom_order_sort_lines(UsomOrderSet *set);

/* The lines of an order stand together: the index of the first, or of what follows if it has none. */
extern int	usom_order_first_line(const UsomOrderSet *set, int order);

/* moves.c: pure changes in memory */

/* Plan open units of a line: a new piece in the given state.  Returns its index. */
extern int	usom_order_add_piece(UsomOrderSet *set, int line, UsomPieceStatus status, UsomQuantity quantity,
								 const UsomStockKey *from);

/* Open units of a line wait: they join what this call lets wait already, or are a new piece. */
extern void usom_order_backorder(UsomOrderSet *set, int line, UsomQuantity quantity);

/*
 * Move units of a piece to another state; fewer than all splits it, and the
 * moved units become the new piece.  reference names the document in the
 * ledger (shipment, return).  Returns the index of the moved piece.  XX000 if
 * there is no such edge: verbs choose pieces that may move.
 */
extern int	usom_order_move_piece(UsomOrderSet *set, int piece, UsomPieceStatus to, UsomQuantity quantity,
								  const char *reference);

/* A backordered piece gets stock. */
extern int	usom_order_fill_piece(UsomOrderSet *set, int piece, UsomQuantity quantity, const UsomStockKey *from);

/*
 * A waiting piece counts on a supply from now on, and is promised for a date
 * (or USOM_NO_TIME); if that is fewer units than all, the rest becomes the
 * last piece of the set, as it was.  Supply 0 lets it count on none.  A piece
 * that stops waiting, or loses units, lets go of its supply by itself.
 */
extern void usom_order_peg_piece(UsomOrderSet *set, int piece, UsomQuantity quantity, int64 supply_id,
								 TimestampTz promised_at);

/* Units come to the shelf or leave it by no piece: written with what pieces do. */
extern void usom_order_move_stock(UsomOrderSet *set, const UsomStockMovement *movement);

/* The units of a waiting piece go over to another one of its line that counts on the same; it is gone. */
extern void usom_order_join_pieces(UsomOrderSet *set, int into, int piece);

/*
 * Units of a piece that is reserved or released are taken from another lot of
 * the same product and location: the reservation moves there.  Whether the lot
 * has them and is usable is asked before (usom_stock_check_lot), and guarded
 * by save.  Fewer units than all become a new piece.  Returns its index.
 */
extern int	usom_order_swap_lot(UsomOrderSet *set, int piece, UsomQuantity units, const char *lot);

/* Take units away from a piece, as if they had not been ordered (change_order). */
extern void usom_order_drop_units(UsomOrderSet *set, int piece, UsomQuantity quantity);

/* Recompute line totals, order total and derived status of an order; marks it changed. */
extern void usom_order_settle(UsomOrderSet *set, int order, const char *event);

/* Zero, with the decimals of the domain. */
extern Numeric usom_order_no_price(void);

/* money.c: pure.  What all units of a line cost; of one with decimals. */
extern UsomMoney usom_order_line_whole(const UsomLine *line);

/* What some of its units cost, out of all: unit price times units if nothing was added or taken off. */
extern Numeric usom_order_line_part(const UsomLine *line, UsomQuantity units);

/* Nothing is added to the line, nothing taken off. */
extern void usom_order_clear_charges(UsomLine *line);

/* The same in units of 10^-4, in which payments are counted. */
extern UsomMoney usom_order_units_value(const UsomLine *line, UsomQuantity units);

/*
 * What the units of a line that left cost, and of those that came back; sums
 * of what shipments and returns cost, exact over any number of them.
 */
extern UsomMoney usom_order_left_value(const UsomLine *line);
extern UsomMoney usom_order_returned_value(const UsomLine *line);

/* paid.c: pure.  Units that are to be paid: not cancelled, not back, and with stock or a date once the order is confirmed. */
extern UsomQuantity usom_order_served_units(const UsomOrderSet *set, int line);

/* What is paid of an order beyond its served units, in units of 10^-4; below zero: less is paid. */
extern UsomMoney usom_order_unallocated(const UsomOrderSet *set, int order);

/* The smallest unit of the order's currency, in units of 10^-4. */
extern UsomMoney usom_order_minor_unit(const UsomOrder *order);

/* Cases paid_unallocated of orders that changed: raised, or settled. */
extern void usom_order_watch_paid(UsomOrderSet *set);

/*
 * Is the piece out of reach of runs and reallocation?  What was got for its
 * buyer (indent and other firm types), and what is picked or further.  Only
 * cancelling takes those.
 */
extern bool usom_order_is_firm(const UsomOrderSet *set, int piece);

/*
 * Does the line wait for what is made or bought for it, and not for what is on
 * the shelf?  Unless somebody asks for this order by hand.
 */
extern bool usom_order_waits_for_supply(const UsomOrderSet *set, int line);

/* Is it a line that things are made or bought for? */
extern bool usom_order_is_made_for(const UsomOrderSet *set, int line);

/* Sum of the counters over the lines of an order; of a kit, those of its components count. */
extern UsomCounters usom_order_sum(const UsomOrderSet *set, int order);

/* serials.c, for save.c: units with serial numbers follow their pieces.  No statement where no line has any. */
extern void usom_order_follow_serials(UsomOrderSet *set);

/*
 * kit.c: pure.  A kit has no pieces: its counters mirror those of its
 * components, which keep stock, move and are shipped like any line.
 */
static inline bool
usom_line_is_kit(const UsomLine *line)
{
	return line->kit_line_no != 0 && line->kit_line_no == line->line_no;
}

static inline bool
usom_line_is_component(const UsomLine *line)
{
	return line->kit_line_no != line->line_no && line->kit_line_no != 0;
}

/* Index of the line of the kit that a component belongs to. */
extern int	usom_order_kit_of(const UsomOrderSet *set, int component);

/* Index of the next component of a kit after a line (first: the kit itself), or -1. */
extern int	usom_order_next_component(const UsomOrderSet *set, int kit, int after);

/* Counters of the kits of an order; settle and save do that. */
extern void usom_order_mirror_kits(UsomOrderSet *set, int order);

/* Units that left: shipped, delivered, returned.  Kits that left with all their goods. */
extern UsomQuantity usom_order_units_left(const UsomLine *line);
extern UsomQuantity usom_order_kits_left(const UsomOrderSet *set, int kit);

/* So many kits are cancelled: on the line of the kit; its components are the caller's to cancel. */
extern void usom_order_cancel_kits(UsomOrderSet *set, int kit, UsomQuantity kits);

/* So many kits more are ordered, or fewer; the same for its components is the caller's to do. */
extern void usom_order_add_kits(UsomOrderSet *set, int kit, UsomQuantity kits);

/* US113 if the line is a component: what concerns a kit is done on its own line. */
extern void usom_order_check_no_component(const UsomOrderSet *set, int line, const char *verb);

/* A number of kits: US114 unless it is whole. */
extern void usom_order_check_whole_kits(const UsomOrderSet *set, int line, UsomQuantity kits);

/*
 * Units of so many kits: kits in millionths, as all quantities.  22003 if they
 * pass the bounds of a line.
 */
extern UsomQuantity usom_order_kit_units(UsomQuantity kits, UsomQuantity kit_quantity);

/* quota.c: the units of a line that quotas count: reserved or further, returned ones too. */
extern UsomQuantity usom_order_countable(const UsomLine *line);

/* The units of a line that pre-order offers count: ordered and not cancelled. */
extern UsomQuantity usom_order_live(const UsomLine *line);

/* Lines that have fewer of them than quotas have heard of; count says how many. */
extern UsomQuotaLoss *usom_order_losses(const UsomOrderSet *set, int *count);

/* Quotas have heard of what the lines have now. */
extern void usom_order_mark_counted(UsomOrderSet *set);

/* Give back to the quotas what lines have lost.  No statement if nothing was lost, or there are no quotas. */
extern void usom_order_give_back(UsomOrderSet *set);

/*
 * renegotiate.c: suppliers hear of lines that changed: cases supply_wanted and
 * supply_excess.  One statement if such a line has changed, or any has lost units, and there is supply.
 */
extern void usom_order_renegotiate(UsomOrderSet *set);

/* save.c */
extern void usom_order_save(UsomOrderSet *set);

/*
 * Rooms to the right follow what orders do: called by save before it writes,
 * with the orders as they will be, in the order in which they asked.  They may tell and raise, and set what is paid.
 */
typedef void (*UsomOrderFollow) (UsomOrderSet *set);
extern void usom_order_at_save(UsomOrderFollow follow);

/* What the moves did to the supply so far is written at once: before its rows change by themselves. */
extern void usom_order_write_pegs(UsomOrderSet *set);

/* hold.c: US102 if an active hold blocks the action; the second form only asks. */
extern void usom_order_check_holds(UsomOrderSet *set, int order, const char *action);
extern bool usom_order_is_held(UsomOrderSet *set, int order, const char *action);

/* Would a hold of the type block the action? */
extern bool usom_order_hold_blocks(int64 org_id, const char *hold_type, const char *action);

/* hold_read.c: by line, piece, key; what is on the order comes first. */
typedef struct UsomActiveHold
{
	int64		hold_id;
	int32		line_no;		/* 0: the order */
	int32		piece_no;		/* 0: the line */
	const char *type;
	const char *reason;			/* may be NULL */
	ArrayType  *blocks;			/* text[]: actions */
	bool		is_found;		/* by a check or a hold rule */
} UsomActiveHold;

extern UsomActiveHold *usom_order_active_holds(const UsomOrderSet *set, int order, int *count);
extern bool usom_order_is_among(ArrayType *actions, const char *action);

/*
 * hold_units.c: what of an order is held.  Holds on the order come first.
 */
typedef struct UsomHold
{
	int32		line_no;		/* 0: the order */
	int32		piece_no;		/* 0: the line */
	const char *type;
	const char *reason;			/* may be NULL */
} UsomHold;

typedef struct UsomHolds
{
	int			order;
	const char *action;			/* that they block */
	int			count;
	UsomHold   *holds;
} UsomHolds;

/* One statement. */
extern UsomHolds *usom_order_read_holds(const UsomOrderSet *set, int order, const char *action);

/* The hold that keeps the order, the line, or the piece; NULL: none.  No holds (NULL) hold nothing. */
extern const UsomHold *usom_order_hold_of_all(const UsomHolds *holds);
extern const UsomHold *usom_order_hold_of_line(const UsomOrderSet *set, const UsomHolds *holds, int line);
extern const UsomHold *usom_order_hold_of_piece(const UsomOrderSet *set, const UsomHolds *holds, int piece);

/* US102 */
extern void usom_order_refuse_held(const UsomOrderSet *set, const UsomHolds *holds, const UsomHold *hold) pg_attribute_noreturn();

/* US102 if a hold on the whole order blocks the action; else what holds its units. */
extern UsomHolds *usom_order_check_whole(const UsomOrderSet *set, int order, const char *action);

/* US102 if the line or any piece of it is held. */
extern void usom_order_check_line(const UsomOrderSet *set, const UsomHolds *holds, int line);

/* For moves.c and save.c: number of the piece that its units were in when the set was loaded, or 0. */
extern int32 usom_order_piece_origin(const UsomPiece *piece);
extern void usom_order_note_joined(UsomOrderSet *set, const UsomPiece *into, const UsomPiece *piece);

/* Holds follow the units they hold.  No statement if no hold stands on a line or a piece. */
extern void usom_order_move_holds(UsomOrderSet *set);

/*
 * hold_rule.c: what hold rules ask for at a point of an order's life ("place",
 * "submit", "change"; NULL: only because holds were placed) and after holds of
 * some types (List of char *) were placed.  List of UsomRaisedHold *.
 */
typedef struct UsomRaisedHold
{
	const char *code;			/* what the hold's check_code says */
	const char *hold_type;
	const char *reason;
	TimestampTz until;			/* or USOM_NO_TIME */
} UsomRaisedHold;

typedef struct UsomHoldFacts
{
	const char *segment;		/* of the customer; NULL: none */
	const char *country;		/* of the address; NULL: none */
} UsomHoldFacts;

/* facts NULL: they are read from the order, which is there then. */
extern List *usom_order_raise_holds(const UsomOrderSet *set, int order, const char *point, List *types,
									const UsomHoldFacts *facts);

/*
 * Gather holds of checks and rules, of any orders (rows NULL at first), and
 * write them in one statement.  One that stands already is renewed.
 */
extern struct UsomRows *usom_order_add_hold(struct UsomRows *rows, int64 sales_order_id, int32 line_no, const UsomRaisedHold *hold);
extern void usom_order_write_holds(int64 org_id, struct UsomRows *rows);

/*
 * seal.c: what plain SQL says about the buyer of an order, in sealed form.
 * Gives the row back, or another one.  US904 if the person was erased.
 */
extern HeapTuple usom_order_seal(TriggerData *trigdata, HeapTuple row);

#endif							/* USOM_ORDER_ORDER_H */
