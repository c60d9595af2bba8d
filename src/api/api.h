/*
 * api.h
 *		The public verbs that span rooms.
 *
 *		Each verb loads the orders it is about (locking them), changes them in
 *		memory and saves.  The functions below do that on loaded sets: the
 *		public SQL functions and the trigger of a commanded status share them.
 *
 *		All want an open call (usom_call_begin).
 */
#ifndef USOM_API_API_H
#define USOM_API_API_H

#include "order/order.h"
#include "utils/jsonb.h"

/* allocate.c */

/*
 * Plan the open units of all lines of running orders of the set: pieces
 * reserved where stock can serve them, the rest backordered.  Locks the stock
 * of the products in one statement, together with what the set already frees.
 */
extern void usom_api_allocate(UsomOrderSet *set);

/* Give stock to backordered pieces, by priority of their orders, then oldest first.  Returns the number of pieces that got some. */
extern int	usom_api_fill(UsomOrderSet *set, int64 product_id);

/* The same for some waiting pieces, in the order given, from one location (0: as their lines say); nothing is pegged. */
extern int	usom_api_fill_pieces(UsomOrderSet *set, const int *pieces, int npieces, int64 location_id);

/*
 * fill.c: plan the open and waiting units of all orders of the set together,
 * settle the orders and save them.  Returns how many units got stock.
 */
extern UsomQuantity usom_api_allocate_many(UsomOrderSet *set);

/* The same file: reserved pieces wait again, firm ones aside; returns whether there were any. */
extern bool usom_api_give_up_reserved(UsomOrderSet *set);

/*
 * kit.c: lines for the components of kits that have none yet, after the other
 * lines of their orders.  One statement if there are such kits.  US114 for
 * what cannot be ordered.
 */
extern void usom_api_expand_kits(UsomOrderSet *set);

/* What kits are made of, by kit. */
typedef struct UsomComponents
{
	int			count;
	UsomComponent *components;
} UsomComponents;

/* Of the kits of several sets, for the second; NULL if they have none.  NULL given: they are read. */
extern const UsomComponents *usom_api_read_components(UsomOrderSet *const *sets, int nsets);
extern void usom_api_expand_kits_by(UsomOrderSet *set, const UsomComponents *components);

/* fill.c: fill, tell, save, and say which lines got how much: order_no, line_no, quantity. */
extern void usom_api_fill_set(UsomOrderSet *set, int64 product_id, struct ReturnSetInfo *result);

/* steps.c: on all orders of the set, whose new status may have been written by plain SQL already */
extern void usom_api_submit(UsomOrderSet *set);
extern void usom_api_confirm(UsomOrderSet *set);
extern void usom_api_confirm_covered(UsomOrderSet *set);	/* credit has been asked already */
extern void usom_api_reject(UsomOrderSet *set);
extern void usom_api_cancel(UsomOrderSet *set);
extern void usom_api_close(UsomOrderSet *set);

/* May a submitted order be confirmed by itself: no hold and no flow keeps it? */
extern bool usom_api_goes_on(UsomOrderSet *set, int order);

/* place.c */
typedef struct UsomPlaced
{
	char	   *order_no;
	const char *status;
	Numeric		total;
	char	   *currency;
	UsomQuantity reserved;
	UsomQuantity backordered;
	TimestampTz promised_at;	/* or USOM_NO_TIME */
	bool		repeated;		/* the same document was placed before */
	Jsonb	   *messages;
} UsomPlaced;

extern UsomPlaced *usom_api_place(Jsonb *document);

/* check.c: _PG_init of the room */
extern void usom_api_init(void);

#endif							/* USOM_API_API_H */
