/*
 * charge.h
 *		What an order costs after its goods: freight and tax, the last two
 *		steps of the waterfall.
 *
 *		The rules are remembered by the backend.  Where there are some, or a
 *		tax was told for a line, one statement reads what they ask about: the
 *		products, the customer, the address, the taxes that were told before.
 *
 *		Memory: CurrentMemoryContext, which is the call's.
 */
#ifndef USOM_API_CHARGE_H
#define USOM_API_CHARGE_H

#include "api/document.h"
#include "base/query.h"
#include "order/order.h"
#include "pricing/waterfall.h"

/* What the sender says that the set does not know. */
typedef struct UsomChargeRequest
{
	const Jsonb *ship_to;		/* in clear, as in the document or the changes; NULL: not said */
	int64		address_id;		/* the snapshot that counts without a ship_to; 0: that of the order as it is written */
	const UsomToldTax *taxes;	/* by line of the set; NULL: none */
	SPITupleTable *foreseen;	/* what was read for it together with others; NULL: it is to be read */
} UsomChargeRequest;

/* A tax that was told for a line, until it is written; in the minor unit. */
typedef struct UsomTaxAnswer
{
	int32		line_no;
	int64		product_id;
	const char *jurisdiction;
	UsomMoney	amount;
	bool		included;
	UsomMoney	taxable;		/* what it is for: goods less discount plus freight */
	int			decimals;
} UsomTaxAnswer;

/* Those of an order. */
typedef struct UsomTaxAnswers
{
	int			count;
	UsomTaxAnswer *answers;
} UsomTaxAnswers;

/* Is there a rule that may add something to the order, or is a tax told?  One told before is for the caller to see: its line has decimals. */
extern bool usom_api_is_charged(const UsomOrderSet *set, int order, const UsomChargeRequest *request);

/*
 * Freight and tax of a priced order: notes the steps, which change the
 * waterfall, that of a tax of 0 % too.  lines[i] is the set's index of the waterfall's
 * line i.  US420 for a tax that cannot be.
 */
extern UsomTaxAnswers *usom_api_add_charges(const UsomOrderSet *set, int order, const UsomChargeRequest *request,
									   UsomWaterfall *waterfall, const int *lines);

/* The taxes alone of lines whose goods, discount and freight stand. */
extern void usom_api_add_taxes(const UsomOrderSet *set, int order, const UsomChargeRequest *request, UsomWaterfall *waterfall, const int *lines);

/* order_tax.c: the taxes that were told, of several orders in one statement; NULLs among them are passed over. */
extern void usom_api_write_taxes(int64 org_id, UsomTaxAnswers *const *answers, const int64 *order_ids, int count);

#endif							/* USOM_API_CHARGE_H */
