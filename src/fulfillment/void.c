/*
 * void.c
 *		usom.void_shipment(): a shipment that no carrier took never left.
 *
 * Its units go back to the state from which they left, into the stock of
 * their location and reserved for their order; the ledger says void.  Packages
 * stay packed.  An outside system that runs the warehouse gets them once more,
 * as a new hand-over: what it said of the old one is said.
 *
 * Locks: the order, then the stock rows (by save).  Memory: the call's.
 */
#include "postgres.h"

#include "fulfillment/handover.h"
#include "fulfillment/parcel.h"

#include "base/call.h"
#include "base/errors.h"
#include "base/payload.h"
#include "base/query.h"
#include "order/answer.h"
#include "order/news.h"
#include "party/party.h"
#include "stock/site.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(usom_void_shipment);

static UsomQuery mark_void = {
	.text = "UPDATE usom.shipment AS s SET status = 'voided', voided_at = $3 WHERE s.org_id = $1 AND s.shipment_id = $2",
	.nargs = 3,
	.argtypes = {"bigint", "bigint", "timestamptz"},
};

static UsomQuery keep_packages = {
	.text = "UPDATE usom.package AS k SET shipment_id = NULL WHERE k.org_id = $1 AND k.package_id = ANY ($2)",
	.nargs = 2,
	.argtypes = {"bigint", "bigint[]"},
};

/* Where units leave picked, these were. */
static bool
leaves_picked(int64 org_id, int64 location_id)
{
	const UsomSite *site = usom_stock_find_site(usom_stock_sites(org_id), location_id);

	return site != NULL && site->ships_from != USOM_SHIPS_RELEASED;
}

static int
put_back(UsomOrderSet *set, int index, int64 package_id, bool picked, const char *shipment_no)
{
	UsomQuantity quantity = set->pieces[index].quantity;

	index = usom_order_move_piece(set, index, USOM_PIECE_RELEASED, quantity, shipment_no);
	if (picked && set->pieces[index].location_id != 0)
		index = usom_order_move_piece(set, index, USOM_PIECE_PICKED, quantity, NULL);
	if (package_id != 0)
	{
		index = usom_order_move_piece(set, index, USOM_PIECE_PACKED, quantity, NULL);
		set->pieces[index].package_id = package_id;
	}
	return index;
}

/* Units of the shipment; its packages are written. */
static UsomQuantity
take_back(UsomOrderSet *set, const UsomShipment *shipment)
{
	bool		picked = leaves_picked(set->org_id, shipment->location_id);
	int64	   *packages = palloc_array(int64, set->npieces + 1);
	Datum		values[2] = {Int64GetDatum(set->org_id)};
	UsomQuantity units = 0;
	int			npackages = 0;

	for (int i = 0; i < set->npieces; i++)
	{
		int64		package_id = set->pieces[i].package_id;

		if (set->pieces[i].shipment_id != shipment->shipment_id || set->pieces[i].status != USOM_PIECE_SHIPPED)
			continue;
		units = usom_quantity_add(units, set->pieces[i].quantity);
		put_back(set, i, package_id, picked, shipment->shipment_no);
		if (package_id != 0)
			packages[npackages++] = package_id;
	}
	values[1] = usom_query_keys(packages, npackages);
	if (npackages > 0)
		usom_query_write(&keep_packages, values, NULL);
	return units;
}

static void
check_voidable(const UsomOrderSet *set, const UsomShipment *shipment)
{
	if (shipment->is_manifested || shipment->told_at != USOM_NO_TIME || shipment->status == USOM_SHIPMENT_IN_TRANSIT)
		ereport(ERROR, errcode(USOM_ERR(CARRIER_HAS_IT)),
				errmsg("shipment \"%s\" of order \"%s\" has left", shipment->shipment_no, set->orders[0].order_no),
				shipment->is_manifested ? errdetail("It stands on a manifest that was closed.")
				: errdetail("A carrier said that it is %s.", usom_shipment_lifecycle_table.labels[shipment->status]),
				errhint("Call usom.return_to_sender('%s', 'why'), or wait until it is delivered.", shipment->shipment_no));
	if (!usom_lifecycle_allows(&usom_shipment_lifecycle_table, shipment->status, USOM_SHIPMENT_VOIDED))
		usom_shipment_refuse(shipment->shipment_no, "void", shipment->status);
	for (int i = 0; i < set->npieces; i++)
		if (set->pieces[i].shipment_id == shipment->shipment_id && set->pieces[i].status != USOM_PIECE_SHIPPED)
			ereport(ERROR, errcode(USOM_ERR(CARRIER_HAS_IT)),
					errmsg("shipment \"%s\" of order \"%s\" has left", shipment->shipment_no, set->orders[0].order_no),
					errdetail("Units of line %d are %s.", set->lines[set->pieces[i].line].line_no,
							  usom_piece_lifecycle_table.labels[set->pieces[i].status]),
					errhint("What is with the customer comes back by usom.authorize_return()."));
}

static void
tell(UsomOrderSet *set, const UsomShipment *shipment)
{
	UsomPayload payload = usom_payload_begin();

	usom_payload_text(&payload, "order_no", set->orders[0].order_no);
	usom_payload_text(&payload, "shipment_no", shipment->shipment_no);
	usom_payload_text(&payload, "reason", usom_call_reason());
	usom_order_tell(set, 0, "shipment_void", usom_payload_end(&payload));
}

static void
void_it(UsomOrderSet *set, const UsomShipment *shipment)
{
	UsomMoney  *invoiced = usom_invoice_begin(set, 0, USOM_INVOICE_SHIP);
	UsomWork   *work = usom_fulfillment_look(set);
	Datum		values[] = {
		Int64GetDatum(set->org_id), Int64GetDatum(shipment->shipment_id), TimestampTzGetDatum(usom_call_time())
	};

	set->orders[0].event_quantity = take_back(set, shipment);
	set->orders[0].event_reference = shipment->shipment_no;
	usom_query_write(&mark_void, values, NULL);
	usom_order_settle(set, 0, "void");
	usom_invoice_end(set, 0, USOM_INVOICE_SHIP, invoiced, shipment->shipment_no);
	tell(set, shipment);
	usom_fulfillment_tell(set, work);
	usom_order_save(set);
}

/* usom.void_shipment(shipment_no text, reason text) */
Datum
usom_void_shipment(PG_FUNCTION_ARGS)
{
	UsomAnswer *answer = usom_order_answer_begin(fcinfo, "void_shipment", 1);
	UsomShipment shipment;
	UsomOrderSet *set = usom_shipment_load(usom_party_org(), usom_order_arg_text(fcinfo, 0, "shipment_no"), &shipment);

	if (shipment.status != USOM_SHIPMENT_VOIDED)
	{
		check_voidable(set, &shipment);
		void_it(set, &shipment);
	}
	return usom_order_answer_status(answer, set);
}
