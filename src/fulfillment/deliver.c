/*
 * deliver.c
 *		Deliver: a shipment has arrived.  And the life cycle of shipments.
 *
 * Locks: the order, then the shipment row, which nobody changes without the
 * order.
 */
#include "postgres.h"

#include "fulfillment/fulfillment.h"

#include "base/call.h"
#include "base/errors.h"
#include "base/query.h"
#include "order/answer.h"
#include "party/party.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#define SHIPMENT_STATE(number, name, label) [number] = label,
static const char *const shipment_labels[] = {
#include "fulfillment/lifecycle.def"
};

#define SHIPMENT_EDGE(from, to, verb, commanded) {USOM_SHIPMENT_##from, USOM_SHIPMENT_##to, verb, commanded},
static const UsomEdge shipment_edges[] = {
#include "fulfillment/lifecycle.def"
};

const UsomLifecycle usom_shipment_lifecycle_table = {
	.entity = "shipment",
	.type_name = "shipment_status",
	.nstates = USOM_SHIPMENT_STATES,
	.labels = shipment_labels,
	.nedges = lengthof(shipment_edges),
	.edges = shipment_edges,
};

USOM_STATE_TYPE(shipment_status, usom_shipment_lifecycle_table)

PG_FUNCTION_INFO_V1(usom_deliver);

static UsomQuery find_shipment = {
	.text = "SELECT s.shipment_id, o.order_no, s.shipped_at FROM usom.shipment s "
	"JOIN usom.sales_order o ON o.org_id = s.org_id AND o.sales_order_id = s.sales_order_id "
	"WHERE s.org_id = $1 AND s.shipment_no = $2 AND ($3 IS NULL OR o.channel_id = ANY ($3))",
	.nargs = 3,
	.argtypes = {"bigint", "text", "bigint[]"},
};

static UsomQuery mark_delivered = {
	.text = "UPDATE usom.shipment AS s SET status = 'delivered', delivered_at = $3 "
	"WHERE s.org_id = $1 AND s.shipment_id = $2 AND s.status = 'shipped'",
	.nargs = 3,
	.argtypes = {"bigint", "bigint", "timestamptz"},
};

void
usom_fulfillment_init(void)
{
	usom_lifecycle_register(&usom_shipment_lifecycle_table);
}

static void
refuse_unknown(const char *shipment_no)
{
	ereport(ERROR, errcode(USOM_ERR(UNKNOWN_SHIPMENT)),
			errmsg("no shipment \"%s\"", shipment_no),
			errhint("Look it up in usom.shipments."));
}

static UsomQuantity
deliver_pieces(UsomOrderSet *set, int64 shipment_id)
{
	UsomQuantity delivered = 0;

	for (int i = 0; i < set->npieces; i++)
		if (set->pieces[i].shipment_id == shipment_id && set->pieces[i].status == USOM_PIECE_SHIPPED)
		{
			delivered = usom_quantity_add(delivered, set->pieces[i].quantity);
			usom_order_move_piece(set, i, USOM_PIECE_DELIVERED, set->pieces[i].quantity, NULL);
		}
	return delivered;
}

/* False if it was delivered before. */
static bool
mark(int64 org_id, int64 shipment_id, TimestampTz at)
{
	Datum		values[3] = {Int64GetDatum(org_id), Int64GetDatum(shipment_id), TimestampTzGetDatum(at)};

	return usom_query_write(&mark_delivered, values, NULL) == 1;
}

Datum
usom_deliver(PG_FUNCTION_ARGS)
{
	UsomAnswer *answer = usom_order_answer_begin(fcinfo, "deliver", -1);
	int64		org_id = usom_party_org();
	char	   *shipment_no = usom_order_arg_text(fcinfo, 0, "shipment_no");
	TimestampTz at = PG_ARGISNULL(1) ? usom_call_time() : PG_GETARG_TIMESTAMPTZ(1);
	bool		nulls[3] = {false};
	Datum		values[3] = {Int64GetDatum(org_id), CStringGetTextDatum(shipment_no)};
	UsomOrderSet *set;
	int64		shipment_id;

	values[2] = usom_party_channels(&nulls[2]);
	if (usom_query_run(&find_shipment, values, nulls) == 0)
		refuse_unknown(shipment_no);
	shipment_id = DatumGetInt64(usom_query_get(0, 1));
	set = usom_order_load(org_id, usom_query_get_text(0, 2));
	if (mark(org_id, shipment_id, at))
	{
		set->orders[0].event_quantity = deliver_pieces(set, shipment_id);
		set->orders[0].event_reference = shipment_no;
		usom_order_settle(set, 0, "deliver");
		usom_order_save(set);
	}
	return usom_order_answer_status(answer, set);
}
