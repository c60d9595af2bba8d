/*
 * deliver.c
 *		Deliver: a shipment has arrived.
 *
 * Locks: the order, then the shipment row, which nobody changes without the
 * order: so what is read of it stays true.
 */
#include "postgres.h"

#include "fulfillment/parcel.h"

#include "base/call.h"
#include "base/errors.h"
#include "base/fetch.h"
#include "base/update.h"
#include "order/answer.h"
#include "order/news.h"
#include "party/party.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(usom_deliver);

static UsomFetch read_status = {
	.table = "shipment", .index = "shipment_pkey",
	.nkeys = 2, .keys = {{"org_id", "bigint"}, {"shipment_id", "bigint"}},
	.ncolumns = 1, .columns = {{"status", "usom.shipment_status"}},
	.query = {
		.text = "SELECT s.status FROM usom.shipment AS s WHERE s.org_id = $1 AND s.shipment_id = $2",
		.nargs = 2, .argtypes = {"bigint", "bigint"},
	},
};

static UsomQuery mark_delivered = {
	.text = "UPDATE usom.shipment AS s SET status = 'delivered', delivered_at = $3 WHERE s.org_id = $1 AND s.shipment_id = $2",
	.nargs = 3,
	.argtypes = {"bigint", "bigint", "timestamptz"},
};

typedef enum ShipmentColumn
{
	SHIPMENT_ORG,
	SHIPMENT_ID,
	SHIPMENT_STATUS,
	SHIPMENT_DELIVERED_AT,
	SHIPMENT_COLUMNS
} ShipmentColumn;

static UsomUpdate shipment_rows = {
	.table = "shipment",
	.index = "shipment_pkey",
	.nkeys = 2,
	.ncolumns = SHIPMENT_COLUMNS,
	.columns = {
		[SHIPMENT_ORG] = {"org_id", "bigint"},
		[SHIPMENT_ID] = {"shipment_id", "bigint"},
		[SHIPMENT_STATUS] = {"status", "usom.shipment_status"},
		[SHIPMENT_DELIVERED_AT] = {"delivered_at", "timestamptz"},
	},
};

static void
change_shipment(void *argument, int i, Datum *values, bool *nulls)
{
	values[SHIPMENT_STATUS] = UInt8GetDatum(USOM_SHIPMENT_DELIVERED);
	values[SHIPMENT_DELIVERED_AT] = *(const Datum *) argument;
	nulls[SHIPMENT_DELIVERED_AT] = false;
}

static void
write_delivered(Datum *values)
{
	UsomRowChanges changes = {
		.update = &shipment_rows, .text = mark_delivered.text, .keys = values, .count = 1, .change = change_shipment, .argument = &values[2],
	};

	if (unlikely(!usom_update_run(&changes)))
		changes.changed = usom_query_write(&mark_delivered, values, NULL);
	Ensure(changes.changed == 1, "a shipment has gone");
}

/* False if it was delivered before; US101 if it cannot be. */
static bool
mark(UsomOrderSet *set, int64 shipment_id, const char *shipment_no, TimestampTz at)
{
	Datum		values[3] = {Int64GetDatum(set->org_id), Int64GetDatum(shipment_id), TimestampTzGetDatum(at)};
	UsomShipmentStatus status;

	Ensure(usom_fetch_run(&read_status, values, NULL) == 1, "a shipment has gone");
	status = (UsomShipmentStatus) DatumGetUInt8(usom_query_get(0, 1));
	if (status == USOM_SHIPMENT_DELIVERED)
		return false;
	if (!usom_lifecycle_allows(&usom_shipment_lifecycle_table, status, USOM_SHIPMENT_DELIVERED))
		usom_shipment_refuse(shipment_no, "deliver", status);
	write_delivered(values);
	if (status == USOM_SHIPMENT_FAILED)
		usom_order_settle_one(set, 0, "delivery_failed", shipment_no);
	else if (status == USOM_SHIPMENT_LOST)
		usom_order_settle_one(set, 0, "shipment_lost", shipment_no);
	return true;
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
