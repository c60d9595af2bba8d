/*
 * freight.h
 *		What the customer pays for the delivery of an order.
 *
 *		One amount for the order, by its goods that are sent: order price,
 *		kilograms, units, free from a basket value on.  It is cut to those lines
 *		in proportion to what they cost by largest remainder, or to their units
 *		if they cost nothing.
 *
 *		usom_freight_lines and usom_freight_find are pure: no SPI, no locks;
 *		memory: CurrentMemoryContext.
 */
#ifndef USOM_PRICING_FREIGHT_H
#define USOM_PRICING_FREIGHT_H

#include "datatype/timestamp.h"
#include "pricing/money.h"

typedef struct UsomFreightCharge
{
	const char *name;
	const char *channel;		/* NULL: all */
	const char *order_type;		/* NULL: all but pick_up */
	const char *country;		/* NULL: all */
	const char *currency;
	Numeric		order_price;
	Numeric		weight_price;	/* of a kilogram */
	Numeric		unit_price;
	Numeric		free_from;		/* NULL: never */
	TimestampTz valid_from;
	TimestampTz valid_to;		/* that moment not; DT_NOEND: no end */
} UsomFreightCharge;

typedef struct UsomFreightCharges
{
	int			count;
	UsomFreightCharge *charges;	/* the more specific ones first */
} UsomFreightCharges;

/* An order; country NULL: not known. */
typedef struct UsomFreightOrder
{
	const char *channel;
	const char *order_type;
	const char *country;
	const char *currency;
	TimestampTz at;
} UsomFreightOrder;

/* A line, for all its units. */
typedef struct UsomFreightLine
{
	bool		is_sent;		/* a physical product or a kit, and no component */
	UsomQuantity quantity;
	UsomQuantity weight;		/* of one unit, in millionths of a kilogram */
	UsomMoney	goods;			/* less discount; never negative */
	UsomMoney	freight;		/* out */
} UsomFreightLine;

/* The charge that counts; NULL: delivery costs nothing. */
extern const UsomFreightCharge *usom_freight_find(const UsomFreightCharges *charges, const UsomFreightOrder *order);

/* Fill in the shares of the lines of one order; returns their sum. */
extern UsomMoney usom_freight_lines(const UsomFreightCharge *charge, int decimals, UsomFreightLine *lines, int nlines);

/* freight_charge.c: those of an organisation, remembered by the backend; NULL: it has none.  Wants an SPI connection. */
extern const UsomFreightCharges *usom_freight_charges(int64 org_id);

/* _PG_init of the room calls it. */
extern void usom_freight_init(void);

#endif							/* USOM_PRICING_FREIGHT_H */
