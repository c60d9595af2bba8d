/*
 * parcel.h
 *		What the files of packing and shipping share: goods and how they want
 *		to be handled, packages, shipments on their way.
 *
 *		All want an open call and the orders loaded.  Memory: CurrentMemoryContext.
 */
#ifndef USOM_FULFILLMENT_PARCEL_H
#define USOM_FULFILLMENT_PARCEL_H

#include "fulfillment/fulfillment.h"

/* ---- handling.c ---- */

/* A class that goods are of. */
typedef struct UsomCare
{
	const char *code;
	bool		special_packaging;
	bool		apart;
	int			ncarriers;		/* that may take it; -1: any */
	char	  **carriers;
} UsomCare;

typedef struct UsomGoods
{
	const char *sku;
	UsomQuantity weight;		/* of one unit */
	UsomQuantity volume;
	int			ncares;
	UsomCare   *cares;
} UsomGoods;

/* What units may be in. */
typedef struct UsomPackaging
{
	int64		packaging_id;	/* 0: nothing was said */
	const char *code;			/* NULL: nothing was said */
	UsomQuantity max_weight;	/* -1: no limit */
	UsomQuantity volume;		/* 0: not known */
	int			nhandling;
	char	  **handling;		/* classes it is fit for */
} UsomPackaging;

/* Is there any class?  No statement where it is remembered. */
extern bool usom_handling_is_asked(int64 org_id);

/* Of the lines of an order, by index of the line in the set.  One statement. */
extern UsomGoods *usom_handling_read_goods(const UsomOrderSet *set, int order);

/*
 * Pure.  units of each line (by index in the set) are together in a packaging:
 * what speaks against it, or NULL.
 */
extern const char *usom_handling_misfit(const UsomGoods *goods, const UsomQuantity *units, int nlines,
										const UsomPackaging *packaging);

/* US624 if units of the order that leave in this call may not leave so. */
extern void usom_handling_check_leaving(const UsomOrderSet *set, int order, const char *carrier);

/* A text[] of the last statement as strings; *count -1 if it is null. */
extern char **usom_handling_get_texts(uint64 row, int column, int *count);

/* ---- parcel.c: packages that leave ---- */

/* Keys of the packages of an order by their numbers (text[]); US622 if one is not there.  One statement. */
extern int64 *usom_parcel_find(const UsomOrderSet *set, int order, Datum package_nos, int *count);

/* US623 if a package would leave in part; else those that leave know their shipment.  No statement without packages. */
extern void usom_parcel_leave(UsomOrderSet *set, int order);

/* ---- invoice.c ---- */

typedef enum UsomInvoiceOn
{
	USOM_INVOICE_NEVER,
	USOM_INVOICE_SHIP,
	USOM_INVOICE_DELIVER
} UsomInvoiceOn;

/* No statement where it is remembered. */
extern UsomInvoiceOn usom_invoice_on(int64 org_id, int64 channel_id);

/* What the units of each line that are to be invoiced cost so far; NULL if the order's channel does not ask for it at that point. */
extern UsomMoney *usom_invoice_begin(UsomOrderSet *set, int order, UsomInvoiceOn point);

/* Tell what they cost more since begin (which may have given NULL): invoice_wanted, or invoice_void if it is less. */
extern void usom_invoice_end(UsomOrderSet *set, int order, UsomInvoiceOn point, const UsomMoney *before, const char *reference);

/* ---- shipment.c ---- */

typedef struct UsomShipment
{
	int64		shipment_id;
	const char *shipment_no;
	int			order;			/* index in the set */
	int64		location_id;	/* 0: services alone */
	UsomShipmentStatus status;
	TimestampTz told_at;		/* or USOM_NO_TIME */
	bool		is_manifested;
} UsomShipment;

/* The order of a shipment, loaded; US602 if there is none.  The second form reads the shipment, too. */
extern UsomOrderSet *usom_shipment_find(int64 org_id, const char *shipment_no, int64 *shipment_id);
extern UsomOrderSet *usom_shipment_load(int64 org_id, const char *shipment_no, UsomShipment *shipment);

/* Of shipments whose orders are loaded: the rest, as it is now. */
extern void usom_shipment_read(UsomOrderSet *set, UsomShipment *shipments, int count);

/* The row alone; at USOM_NO_TIME: its carrier has said nothing. */
extern void usom_shipment_write(UsomOrderSet *set, UsomShipment *shipment, UsomShipmentStatus to, TimestampTz at);

/* US101 if there is no such step from its status; units that arrive are delivered. */
extern void usom_shipment_step(UsomOrderSet *set, UsomShipment *shipment, UsomShipmentStatus to, TimestampTz at, const char *event);

extern void usom_shipment_refuse(const char *shipment_no, const char *verb, UsomShipmentStatus from) pg_attribute_noreturn();
extern void usom_shipment_refuse_unknown(const char *shipment_no) pg_attribute_noreturn();

/* Units of the shipment that are on their way arrive; how many. */
extern UsomQuantity usom_shipment_deliver_pieces(UsomOrderSet *set, int64 shipment_id);

/* _PG_init of the room. */
extern void usom_parcel_init(void);
extern void usom_invoice_init(void);

#endif							/* USOM_FULFILLMENT_PARCEL_H */
