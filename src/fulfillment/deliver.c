/*
 * deliver.c
 *		Deliver: a shipment has arrived.
 *
 * Locks: the order, then the shipment row, which nobody changes without the
 * order.
 */
#include "postgres.h"

#include "fulfillment/parcel.h"

#include "base/call.h"
#include "base/query.h"
#include "order/answer.h"
#include "order/news.h"
#include "party/party.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(usom_deliver);

/* The row before tells whether it had failed. */
static UsomQuery mark_delivered = {
	.text = "UPDATE usom.shipment AS s SET status = 'delivered', delivered_at = $3 FROM usom.shipment AS b "
	"WHERE s.org_id = $1 AND s.shipment_id = $2 AND s.status IN ('shipped', 'in_transit', 'failed', 'returning', 'lost') "
	"AND b.org_id = s.org_id AND b.shipment_id = s.shipment_id RETURNING b.status",
	.nargs = 3,
	.argtypes = {"bigint", "bigint", "timestamptz"},
};

/* False if it was delivered before; US101 if it cannot be. */
static bool
mark(UsomOrderSet *set, int64 shipment_id, const char *shipment_no, TimestampTz at)
{
	Datum		values[3] = {Int64GetDatum(set->org_id), Int64GetDatum(shipment_id), TimestampTzGetDatum(at)};
	UsomShipment shipment = {.shipment_id = shipment_id};

	if (usom_query_write(&mark_delivered, values, NULL) == 1)
	{
		shipment.status = (UsomShipmentStatus) DatumGetUInt8(usom_query_get(0, 1));
		if (shipment.status == USOM_SHIPMENT_FAILED)
			usom_order_settle_one(set, 0, "delivery_failed", shipment_no);
		else if (shipment.status == USOM_SHIPMENT_LOST)
			usom_order_settle_one(set, 0, "shipment_lost", shipment_no);
		return true;
	}
	usom_shipment_read(set, &shipment, 1);
	if (shipment.status != USOM_SHIPMENT_DELIVERED)
		usom_shipment_refuse(shipment_no, "deliver", shipment.status);
	return false;
}

Datum
usom_deliver(PG_FUNCTION_ARGS)
{
	UsomAnswer *answer = usom_order_answer_begin(fcinfo, "deliver", -1);
	char	   *shipment_no = usom_order_arg_text(fcinfo, 0, "shipment_no");
	TimestampTz at = PG_ARGISNULL(1) ? usom_call_time() : PG_GETARG_TIMESTAMPTZ(1);
	int64		shipment_id;
	UsomOrderSet *set = usom_shipment_find(usom_party_org(), shipment_no, &shipment_id);

	if (mark(set, shipment_id, shipment_no, at))
	{
		UsomMoney  *invoiced = usom_invoice_begin(set, 0, USOM_INVOICE_DELIVER);

		set->orders[0].event_quantity = usom_shipment_deliver_pieces(set, shipment_id);
		set->orders[0].event_reference = shipment_no;
		usom_order_settle(set, 0, "deliver");
		usom_invoice_end(set, 0, USOM_INVOICE_DELIVER, invoiced, shipment_no);
		usom_order_save(set);
	}
	return usom_order_answer_status(answer, set);
}
