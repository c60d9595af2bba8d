/*
 * manifest.c
 *		usom.close_manifest(): a carrier has taken what stood ready for it.
 *
 * Locks: the orders of its shipments, by key; then the shipments, which nobody
 * changes without them.  What is shipped meanwhile is on the next one.
 *
 * Memory: the call's.
 */
#include "postgres.h"

#include "fulfillment/parcel.h"

#include "base/call.h"
#include "base/errors.h"
#include "base/ident.h"
#include "base/query.h"
#include "order/answer.h"
#include "party/party.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(usom_close_manifest);

static UsomQuery find_location = {
	.text = "SELECT usom.location_id($1)",
	.nargs = 1,
	.argtypes = {"text"},
};

static UsomQuery lock_orders = {
	.text = "SELECT o.sales_order_id FROM usom.sales_order AS o WHERE o.org_id = $1 AND ($4 IS NULL OR o.channel_id = ANY ($4)) "
	"AND o.sales_order_id IN (SELECT s.sales_order_id FROM usom.shipment AS s WHERE s.org_id = $1 AND s.location_id = $2 "
	"AND s.carrier IS NOT DISTINCT FROM $3 AND s.manifest_id IS NULL AND s.status = 'shipped') ORDER BY o.sales_order_id FOR UPDATE",
	.nargs = 4,
	.argtypes = {"bigint", "bigint", "text", "bigint[]"},
};

static UsomQuery mark_shipments = {
	.text = "UPDATE usom.shipment AS s SET manifest_id = $4 WHERE s.org_id = $1 AND s.location_id = $2 "
	"AND s.carrier IS NOT DISTINCT FROM $3 AND s.manifest_id IS NULL AND s.status = 'shipped' AND s.sales_order_id = ANY ($5)",
	.nargs = 5,
	.argtypes = {"bigint", "bigint", "text", "bigint", "bigint[]"},
};

static UsomQuery insert_manifest = {
	.text = "INSERT INTO usom.manifest (org_id, manifest_id, manifest_no, location_id, carrier) VALUES ($1, $2, $3, $4, $5)",
	.nargs = 5,
	.argtypes = {"bigint", "bigint", "text", "bigint", "text"},
};

/* Keys of the orders, locked. */
static Datum
lock_ready(int64 org_id, int64 location_id, Datum carrier, bool no_carrier)
{
	bool		nulls[4] = {false, false, no_carrier};
	Datum		values[4] = {Int64GetDatum(org_id), Int64GetDatum(location_id), carrier};
	int			n;
	int64	   *keys;

	values[3] = usom_party_channels(&nulls[3]);
	n = (int) usom_query_run(&lock_orders, values, nulls);
	keys = palloc_array(int64, n + 1);
	for (int i = 0; i < n; i++)
		keys[i] = DatumGetInt64(usom_query_get(i, 1));
	return usom_query_keys(keys, n);
}

/* usom.close_manifest(location text, carrier text) */
Datum
usom_close_manifest(PG_FUNCTION_ARGS)
{
	UsomAnswer *answer = usom_order_answer_begin(fcinfo, "close_manifest", -1);
	char	   *location = usom_order_arg_text(fcinfo, 0, "location");
	int64		org_id = usom_party_org();
	bool		no_carrier = PG_ARGISNULL(1);
	Datum		carrier = no_carrier ? (Datum) 0 : PG_GETARG_DATUM(1);
	Datum		code = CStringGetTextDatum(location);
	Datum		marked[5] = {Int64GetDatum(org_id), (Datum) 0, carrier};
	bool		marked_nulls[5] = {false, false, no_carrier};
	Datum		added[5] = {Int64GetDatum(org_id)};
	bool		added_nulls[5] = {false, false, false, false, no_carrier};
	char	   *number;

	usom_query_run(&find_location, &code, NULL);
	marked[1] = usom_query_get(0, 1);
	marked[3] = Int64GetDatum(usom_ident_next());
	marked[4] = lock_ready(org_id, DatumGetInt64(marked[1]), carrier, no_carrier);
	if (usom_query_write(&mark_shipments, marked, marked_nulls) == 0)
		ereport(ERROR, errcode(USOM_ERR(NOTHING_TO_DO)),
				errmsg("nothing stands ready at location \"%s\" for this carrier", location),
				errdetail("No shipment of it is shipped and on no manifest yet."),
				errhint("Look at usom.shipments."));
	number = usom_ident_document_no(org_id, "manifest");
	added[1] = marked[3];
	added[2] = CStringGetTextDatum(number);
	added[3] = marked[1];
	added[4] = carrier;
	usom_query_write(&insert_manifest, added, added_nulls);
	return usom_order_answer_string(answer, number);
}
