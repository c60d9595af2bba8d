/*
 * undelivered.c
 *		usom.receive_undelivered(): a shipment is back that never arrived, or is
 *		written off.
 *
 * Its units become a return of the order like any other, of which nobody had
 * to give leave; so money follows as it does there.
 *
 * Locks: the order, the credit account of its customer, the stock rows (by
 * save).  Memory: the call's.
 */
#include "postgres.h"

#include "returns/returns.h"

#include "base/call.h"
#include "base/errors.h"
#include "fulfillment/parcel.h"
#include "order/answer.h"
#include "order/news.h"
#include "party/party.h"
#include "stock/serial.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(usom_receive_undelivered);

enum UndeliveredArg
{
	ARG_SHIPMENT,
	ARG_REASON,
	ARG_DISPOSITION,
	ARG_LOCATION,
	ARG_SERIALS
};

/* Numbers of units that are in it, if they are told. */
typedef struct Named
{
	const char **serials;		/* NULL: not told */
	int			nserials;
} Named;

/* Units of the shipment that are on their way, by line. */
static UsomLineUnits *
units_of(const UsomOrderSet *set, int64 shipment_id, int *count)
{
	UsomLineUnits *units = palloc_array(UsomLineUnits, set->npieces + 1);

	*count = 0;
	for (int i = 0; i < set->npieces; i++)
	{
		const UsomPiece *piece = &set->pieces[i];

		if (piece->shipment_id != shipment_id || piece->status != USOM_PIECE_SHIPPED)
			continue;
		if (*count > 0 && units[*count - 1].line == piece->line)
			units[*count - 1].quantity = usom_quantity_add(units[*count - 1].quantity, piece->quantity);
		else
			units[(*count)++] = (UsomLineUnits) {piece->line, piece->quantity};
	}
	return units;
}

static UsomDisposition
disposition_of(const char *label)
{
	UsomDisposition disposition = usom_disposition_of(label);

	if (disposition != USOM_RESTOCK && disposition != USOM_SCRAP && disposition != USOM_TO_VENDOR)
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("units do not become \"%s\" that come back undelivered", label),
				errhint("Say restock, scrap or to_vendor."));
	return disposition;
}

static void
check_step(const UsomShipment *shipment, UsomDisposition disposition)
{
	if (!usom_lifecycle_allows(&usom_shipment_lifecycle_table, shipment->status, USOM_SHIPMENT_RETURNED))
		usom_shipment_refuse(shipment->shipment_no, "receive", shipment->status);
	if (shipment->status == USOM_SHIPMENT_LOST && disposition == USOM_RESTOCK)
		ereport(ERROR, errcode(USOM_ERR(ILLEGAL_TRANSITION)),
				errmsg("shipment \"%s\" is lost: nothing of it comes on a shelf", shipment->shipment_no),
				errdetail("It may be written off, or turn up."),
				errhint("usom.receive_undelivered('%s', 'why', 'scrap'), or usom.return_to_sender() once it was found.", shipment->shipment_no));
}

static void
receive(UsomOrderSet *set, UsomShipment *shipment, UsomDisposition disposition, int64 location_id, const Named *named)
{
	int			count;
	UsomLineUnits *units = units_of(set, shipment->shipment_id, &count);
	UsomReturnJudgement *judgements = usom_return_judge_lines(set, usom_call_reason());
	UsomMarkedUnits *due;
	UsomReturn *back;

	for (int i = 0; i < count; i++)
		usom_return_check_units(set, &units[i], judgements);
	if (shipment->status == USOM_SHIPMENT_LOST)
		usom_order_settle_one(set, 0, "shipment_lost", shipment->shipment_no);
	usom_shipment_write(set, shipment, USOM_SHIPMENT_RETURNED, USOM_NO_TIME);
	back = usom_return_make(set, units, count, judgements, USOM_RETURN_AUTHORIZED, false);
	back->shipment_id = shipment->shipment_id;
	for (int i = 0; i < back->nlines; i++)
	{
		back->lines[i].inspects = false;
		back->lines[i].disposition = disposition;
	}
	due = usom_return_all_due(back, &count);
	for (int i = 0; i < count; i++)
		usom_return_find_units(back, &due[i], shipment->location_id, named->serials, named->nserials);
	usom_return_receive(back, due, count, location_id);
}

/* usom.receive_undelivered(shipment_no, reason, disposition, location, serials) */
Datum
usom_receive_undelivered(PG_FUNCTION_ARGS)
{
	UsomAnswer *answer = usom_order_answer_begin(fcinfo, "receive_undelivered", ARG_REASON);
	UsomDisposition disposition = disposition_of(usom_order_arg_text(fcinfo, ARG_DISPOSITION, "disposition"));
	int64		org_id = usom_party_org();
	int64		location_id = usom_return_location_argument(fcinfo, ARG_LOCATION);
	Named		named = {NULL, 0};
	UsomShipment shipment;
	UsomOrderSet *set = usom_shipment_load(org_id, usom_order_arg_text(fcinfo, ARG_SHIPMENT, "shipment_no"), &shipment);

	if (shipment.status != USOM_SHIPMENT_RETURNED)
	{
		check_step(&shipment, disposition);
		if (!PG_ARGISNULL(ARG_SERIALS))
			named.serials = usom_stock_serials_argument(fcinfo, ARG_SERIALS, &named.nserials);
		receive(set, &shipment, disposition, location_id, &named);
	}
	return usom_order_answer_status(answer, set);
}
