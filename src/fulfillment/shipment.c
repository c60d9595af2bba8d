/*
 * shipment.c
 *		Shipments on their way: found, read under the lock of their order, and
 *		taken a step further.  And the life cycle of shipments.
 *
 * Locks: the order, then the shipment row, which nobody changes without the
 * order.  Memory: CurrentMemoryContext.
 *
 * Invariant: the units of a shipment are delivered iff it is; they came back
 * if it is returned; of one that is void there are none.
 */
#include "postgres.h"

#include "fulfillment/handover.h"
#include "fulfillment/parcel.h"

#include "base/errors.h"
#include "base/fetch.h"
#include "base/query.h"
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

static UsomQuery find_shipment = {
	.text = "SELECT s.shipment_id, o.order_no FROM usom.shipment AS s "
	"JOIN usom.sales_order AS o ON o.org_id = s.org_id AND o.sales_order_id = s.sales_order_id "
	"WHERE s.org_id = $1 AND s.shipment_no = $2 AND ($3 IS NULL OR o.channel_id = ANY ($3))",
	.nargs = 3,
	.argtypes = {"bigint", "text", "bigint[]"},
};

/* The same past the executor: the shipment, then its order. */
static UsomFetch fetch_shipment = {
	.table = "shipment", .index = "shipment_no_unique",
	.nkeys = 2, .keys = {{"org_id", "bigint"}, {"shipment_no", "text"}},
	.ncolumns = 2, .columns = {{"shipment_id", "bigint"}, {"sales_order_id", "bigint"}},
};

static UsomFetch fetch_order = {
	.table = "sales_order", .index = "sales_order_pkey",
	.nkeys = 2, .keys = {{"org_id", "bigint"}, {"sales_order_id", "bigint"}},
	.ncolumns = 2, .columns = {{"order_no", "text"}, {"channel_id", "bigint"}},
};

static UsomQuery read_shipments = {
	.text = "SELECT k.place::pg_catalog.int4, s.shipment_no, s.sales_order_id, s.location_id, s.status, s.told_at, s.manifest_id IS NOT NULL "
	"FROM unnest($2) WITH ORDINALITY AS k (id, place) JOIN usom.shipment AS s ON s.org_id = $1 AND s.shipment_id = k.id ORDER BY k.place",
	.nargs = 2,
	.argtypes = {"bigint", "bigint[]"},
};

static UsomQuery update_shipment = {
	.text = "UPDATE usom.shipment AS s SET status = $3, told_at = CASE WHEN $5 THEN $4 ELSE s.told_at END, "
	"delivered_at = CASE WHEN $3 = 'delivered' THEN $4 END WHERE s.org_id = $1 AND s.shipment_id = $2",
	.nargs = 5,
	.argtypes = {"bigint", "bigint", "usom.shipment_status", "timestamptz", "boolean"},
};

void
usom_shipment_refuse_unknown(const char *shipment_no)
{
	ereport(ERROR, errcode(USOM_ERR(UNKNOWN_SHIPMENT)),
			errmsg("no shipment \"%s\"", shipment_no),
			errhint("Look it up in usom.shipments."));
}

void
usom_shipment_refuse(const char *shipment_no, const char *verb, UsomShipmentStatus from)
{
	ereport(ERROR, errcode(USOM_ERR(ILLEGAL_TRANSITION)),
			errmsg("cannot %s shipment \"%s\" that is %s", verb, shipment_no, shipment_labels[from]),
			errdetail("The life cycle of shipments has no such step from \"%s\".", shipment_labels[from]),
			errhint("Next steps: %s.", usom_lifecycle_next_steps(&usom_shipment_lifecycle_table, from)));
}

/* Orders of a set stand by key. */
static int
order_of(const UsomOrderSet *set, int64 sales_order_id)
{
	int			low = 0;
	int			high = set->norders - 1;

	while (low < high)
	{
		int			middle = low + (high - low) / 2;

		if (set->orders[middle].sales_order_id < sales_order_id)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

void
usom_shipment_read(UsomOrderSet *set, UsomShipment *shipments, int count)
{
	int64	   *ids = palloc_array(int64, count + 1);
	Datum		values[2] = {Int64GetDatum(set->org_id)};

	for (int i = 0; i < count; i++)
		ids[i] = shipments[i].shipment_id;
	values[1] = usom_query_keys(ids, count);
	if (usom_query_run(&read_shipments, values, NULL) != (uint64) count)
		Ensure(false, "a shipment has gone");
	for (int i = 0; i < count; i++)
	{
		bool		isnull;
		Datum		told;

		shipments[i].shipment_no = usom_query_get_text(i, 2);
		shipments[i].order = order_of(set, DatumGetInt64(usom_query_get(i, 3)));
		shipments[i].location_id = DatumGetInt64(usom_query_get_or_null(i, 4, &isnull));
		if (isnull)
			shipments[i].location_id = 0;
		shipments[i].status = (UsomShipmentStatus) DatumGetUInt8(usom_query_get(i, 5));
		told = usom_query_get_or_null(i, 6, &isnull);
		shipments[i].told_at = isnull ? USOM_NO_TIME : DatumGetTimestampTz(told);
		shipments[i].is_manifested = DatumGetBool(usom_query_get(i, 7));
	}
}

/* A shipment that is looked for by its number. */
typedef struct Finding
{
	Datum		keys[2];		/* org_id, shipment_no */
	bool		is_there;
	int64		shipment_id;
	char	   *order_no;
	int64		channel_id;
} Finding;

static bool
fetch_found(void *argument)
{
	Finding    *finding = argument;
	UsomFetched shipment;
	UsomFetched order;
	Datum		keys[2] = {finding->keys[0]};

	if (!usom_fetch_rows(&fetch_shipment, finding->keys, NULL, &shipment))
		return false;
	if (shipment.count == 0)
		return true;
	keys[1] = shipment.values[1];
	if (!usom_fetch_rows(&fetch_order, keys, NULL, &order))
		return false;
	finding->is_there = order.count == 1;
	if (!finding->is_there)
		return true;
	finding->shipment_id = DatumGetInt64(shipment.values[0]);
	finding->order_no = TextDatumGetCString(order.values[0]);
	finding->channel_id = DatumGetInt64(order.values[1]);
	return true;
}

static void
select_found(Finding *finding)
{
	bool		nulls[3] = {false};
	Datum		values[3] = {finding->keys[0], finding->keys[1]};

	values[2] = usom_party_channels(&nulls[2]);
	finding->is_there = usom_query_run(&find_shipment, values, nulls) > 0;
	if (!finding->is_there)
		return;
	finding->shipment_id = DatumGetInt64(usom_query_get(0, 1));
	finding->order_no = usom_query_get_text(0, 2);
}

UsomOrderSet *
usom_shipment_find(int64 org_id, const char *shipment_no, int64 *shipment_id)
{
	Finding		finding = {.keys = {Int64GetDatum(org_id), CStringGetTextDatum(shipment_no)}};

	if (unlikely(!usom_fetch_together(fetch_found, &finding)))
		select_found(&finding);
	else
		finding.is_there = finding.is_there && usom_party_sees_channel(finding.channel_id);
	if (!finding.is_there)
		usom_shipment_refuse_unknown(shipment_no);
	*shipment_id = finding.shipment_id;
	return usom_order_load(org_id, finding.order_no);
}

UsomOrderSet *
usom_shipment_load(int64 org_id, const char *shipment_no, UsomShipment *shipment)
{
	UsomOrderSet *set = usom_shipment_find(org_id, shipment_no, &shipment->shipment_id);

	usom_shipment_read(set, shipment, 1);
	return set;
}

UsomQuantity
usom_shipment_deliver_pieces(UsomOrderSet *set, int64 shipment_id)
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

void
usom_shipment_write(UsomOrderSet *set, UsomShipment *shipment, UsomShipmentStatus to, TimestampTz at)
{
	Datum		values[] = {
		Int64GetDatum(set->org_id), Int64GetDatum(shipment->shipment_id), UInt8GetDatum(to), TimestampTzGetDatum(at),
		BoolGetDatum(at != USOM_NO_TIME)
	};
	bool		nulls[] = {false, false, false, at == USOM_NO_TIME, false};

	usom_query_write(&update_shipment, values, nulls);
	shipment->status = to;
	if (at != USOM_NO_TIME)
		shipment->told_at = at;
}

/* Time at which the carrier said so: of what people decide, it has said nothing. */
void
usom_shipment_step(UsomOrderSet *set, UsomShipment *shipment, UsomShipmentStatus to, TimestampTz at, const char *event)
{
	UsomOrder  *order = &set->orders[shipment->order];
	UsomMoney  *invoiced;

	if (!usom_lifecycle_allows(&usom_shipment_lifecycle_table, shipment->status, to))
		usom_shipment_refuse(shipment->shipment_no, event, shipment->status);
	usom_shipment_write(set, shipment, to, at);
	invoiced = to == USOM_SHIPMENT_DELIVERED ? usom_invoice_begin(set, shipment->order, USOM_INVOICE_DELIVER) : NULL;
	order->event_quantity = to == USOM_SHIPMENT_DELIVERED ? usom_shipment_deliver_pieces(set, shipment->shipment_id) : 0;
	order->event_reference = shipment->shipment_no;
	usom_order_settle(set, shipment->order, event);
	usom_invoice_end(set, shipment->order, USOM_INVOICE_DELIVER, invoiced, shipment->shipment_no);
}

void
usom_fulfillment_init(void)
{
	usom_lifecycle_register(&usom_shipment_lifecycle_table);
	usom_parcel_init();
	usom_invoice_init();
	usom_fulfillment_handover_init();
}
