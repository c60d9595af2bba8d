/*
 * demo.c
 *		usom.demo_remove(): takes away what usom.demo() made.
 *
 *		Orders are never deleted, with this one exception: orders for products
 *		of the demo alone, which all have codes that begin with DEMO-.  The
 *		statements are fixed and run as usom's own writer, so the guards let
 *		them pass and the audit notes every row.
 *
 * Locks: the orders by key, then the stock rows of the products of the demo
 * in stock order, like everybody else.
 *
 * Invariant: what other orders or other stock refer to stays; all parts of
 * verify() find nothing afterwards, if they found nothing before.
 *
 * Memory: the rows of the answer in the caller's tuplestore, the rest in SPI's.
 */
#include "postgres.h"

#include "base/call.h"
#include "base/errors.h"
#include "base/query.h"
#include "funcapi.h"
#include "party/party.h"
#include "utils/builtins.h"
#include "utils/tuplestore.h"

PG_FUNCTION_INFO_V1(usom_demo_remove);

/* One statement of the removal; $1: organisation, $2: keys of the orders. */
typedef struct Removal
{
	const char *what;
	UsomQuery	query;
} Removal;

#define OF_ORDERS(table) \
	{.text = "DELETE FROM usom." table " WHERE org_id = $1 AND sales_order_id = ANY ($2)", \
	 .nargs = 2, .argtypes = {"pg_catalog.int8", "pg_catalog.int8[]"}}
#define OF_DEMO(statement) \
	{.text = statement, .nargs = 2, .argtypes = {"pg_catalog.int8", "pg_catalog.int8[]"}}
#define DEMO_PRODUCTS "(SELECT p.product_id FROM usom.product AS p WHERE p.org_id = $1 AND p.sku LIKE 'DEMO-%')"

/* Children first: the foreign keys refuse any other order. */
static Removal removals[] = {
	{"pieces of returns", OF_DEMO("DELETE FROM usom.return_piece WHERE org_id = $1 AND return_order_id IN "
								  "(SELECT r.return_order_id FROM usom.return_order AS r "
								  "WHERE r.org_id = $1 AND r.sales_order_id = ANY ($2))")},
	{"return lines", OF_DEMO("DELETE FROM usom.return_line WHERE org_id = $1 AND return_order_id IN "
							 "(SELECT r.return_order_id FROM usom.return_order AS r "
							 "WHERE r.org_id = $1 AND r.sales_order_id = ANY ($2))")},
	{"returns", OF_ORDERS("return_order")},
	{"pieces", OF_ORDERS("fulfillment_line")},
	{"shipments", OF_ORDERS("shipment")},
	{"holds", OF_ORDERS("hold")},
	{"history", OF_ORDERS("order_history")},
	{"order lines", OF_ORDERS("order_line")},
	{"orders", OF_ORDERS("sales_order")},
	{"soft reservations", OF_DEMO("DELETE FROM usom.reservation WHERE org_id = $1 AND product_id IN " DEMO_PRODUCTS)},
	{"stock movements", OF_DEMO("DELETE FROM usom.stock_movement WHERE org_id = $1 AND product_id IN " DEMO_PRODUCTS)},
	{"stripes of stock", OF_DEMO("DELETE FROM usom.stock_stripe WHERE org_id = $1 AND product_id IN " DEMO_PRODUCTS)},
	{"stock", OF_DEMO("DELETE FROM usom.stock WHERE org_id = $1 AND product_id IN " DEMO_PRODUCTS)},
	{"prices", OF_DEMO("DELETE FROM usom.price WHERE org_id = $1 AND sku LIKE 'DEMO-%'")},
	{"products", OF_DEMO("DELETE FROM usom.product WHERE org_id = $1 AND sku LIKE 'DEMO-%'")},
	{"customers", OF_DEMO("DELETE FROM usom.customer AS c WHERE c.org_id = $1 AND c.code LIKE 'DEMO-%' AND NOT EXISTS "
						  "(SELECT FROM usom.sales_order AS o WHERE o.org_id = $1 AND o.customer_id = c.customer_id) "
						  "AND NOT EXISTS (SELECT FROM usom.customer_address AS a "
						  "WHERE a.org_id = $1 AND a.customer_id = c.customer_id)")},
	{"addresses", OF_DEMO("DELETE FROM usom.address AS a WHERE a.org_id = $1 AND $2 IS NOT NULL "
						  "AND NOT EXISTS (SELECT FROM usom.customer AS c WHERE c.org_id = $1 AND c.customer_id = a.person_id) "
						  "AND NOT EXISTS (SELECT FROM usom.sales_order AS o WHERE o.org_id = $1 AND o.sales_order_id = a.person_id)")},
	{"keys of people", OF_DEMO("DELETE FROM usom.vault_key AS k WHERE k.org_id = $1 AND k.person_id <> 0 AND $2 IS NOT NULL "
							   "AND NOT EXISTS (SELECT FROM usom.customer AS c WHERE c.org_id = $1 AND c.customer_id = k.person_id) "
							   "AND NOT EXISTS (SELECT FROM usom.sales_order AS o WHERE o.org_id = $1 AND o.sales_order_id = k.person_id)")},
	{"contacts", OF_DEMO("DELETE FROM usom.vault_index AS i WHERE i.org_id = $1 AND $2 IS NOT NULL AND NOT EXISTS "
						 "(SELECT FROM usom.customer AS c WHERE c.org_id = $1 AND c.customer_id = i.person_id)")},
	{"locations", OF_DEMO("DELETE FROM usom.location AS l WHERE l.org_id = $1 AND l.code LIKE 'DEMO-%' AND NOT EXISTS "
						  "(SELECT FROM usom.stock AS s WHERE s.org_id = $1 AND s.location_id = l.location_id) AND NOT EXISTS "
						  "(SELECT FROM usom.stock_movement AS m WHERE m.org_id = $1 AND m.location_id = l.location_id) AND NOT EXISTS "
						  "(SELECT FROM usom.order_line AS k WHERE k.org_id = $1 AND k.location_id = l.location_id) AND NOT EXISTS "
						  "(SELECT FROM usom.fulfillment_line AS f WHERE f.org_id = $1 AND f.location_id = l.location_id) AND NOT EXISTS "
						  "(SELECT FROM usom.shipment AS h WHERE h.org_id = $1 AND h.location_id = l.location_id)")},
};

/* Keys of the orders that go, locked: all that are the demo's or have a product of the demo. */
static Datum
lock_orders(int64 org_id)
{
	static UsomQuery query = {
		.text = "SELECT coalesce(array_agg(d.sales_order_id), '{}') FROM ("
		"SELECT o.sales_order_id FROM usom.sales_order AS o WHERE o.org_id = $1 AND (o.external_id LIKE 'DEMO-%' OR EXISTS ("
		"SELECT FROM usom.order_line AS l JOIN usom.product AS p ON p.org_id = $1 AND p.product_id = l.product_id "
		"WHERE l.org_id = $1 AND l.sales_order_id = o.sales_order_id AND p.sku LIKE 'DEMO-%')) "
		"ORDER BY o.sales_order_id FOR UPDATE OF o) AS d",
		.nargs = 1,
		.argtypes = {"pg_catalog.int8"},
	};
	Datum		values[] = {Int64GetDatum(org_id)};

	usom_query_run(&query, values, NULL);
	return SPI_datumTransfer(usom_query_get(0, 1), false, -1);
}

/* An order that is more than a game is not deleted. */
static void
refuse_mixed(int64 org_id, Datum orders)
{
	static UsomQuery query = {
		.text = "SELECT o.order_no, p.sku FROM usom.sales_order AS o "
		"JOIN usom.order_line AS l ON l.org_id = $1 AND l.sales_order_id = o.sales_order_id "
		"JOIN usom.product AS p ON p.org_id = $1 AND p.product_id = l.product_id "
		"WHERE o.org_id = $1 AND o.sales_order_id = ANY ($2) AND p.sku NOT LIKE 'DEMO-%' "
		"ORDER BY o.order_no, l.line_no LIMIT 1",
		.nargs = 2,
		.argtypes = {"pg_catalog.int8", "pg_catalog.int8[]"},
	};
	Datum		values[] = {Int64GetDatum(org_id), orders};

	if (usom_query_run(&query, values, NULL) > 0)
		ereport(ERROR, errcode(USOM_ERR(MASTER_ROW_KEPT)),
				errmsg("the demo is not removed: order \"%s\" has products of the demo and product \"%s\"",
					   usom_query_get_text(0, 1), usom_query_get_text(0, 2)),
				errdetail("Orders with products that are not the demo's are kept, and so is what they refer to."),
				errhint("Retire the demo instead: UPDATE usom.product SET active = false WHERE sku LIKE 'DEMO-%%';"));
}

static void
lock_stock(int64 org_id)
{
	static UsomQuery query = {
		.text = "SELECT FROM usom.stock AS s WHERE s.org_id = $1 AND s.product_id IN " DEMO_PRODUCTS " "
		"ORDER BY s.product_id, s.location_id, s.lot FOR UPDATE OF s",
		.nargs = 1,
		.argtypes = {"pg_catalog.int8"},
	};
	Datum		values[] = {Int64GetDatum(org_id)};

	usom_query_run(&query, values, NULL);
}

static void
remove_all(ReturnSetInfo *result, int64 org_id, Datum orders)
{
	Datum		values[] = {Int64GetDatum(org_id), orders};

	for (int i = 0; i < (int) lengthof(removals); i++)
	{
		uint64		removed = usom_query_write(&removals[i].query, values, NULL);
		Datum		row[] = {CStringGetTextDatum(removals[i].what), Int64GetDatum((int64) removed)};
		bool		nulls[] = {false, false};

		tuplestore_putvalues(result->setResult, result->setDesc, row, nulls);
	}
}

/* usom.demo_remove() */
Datum
usom_demo_remove(PG_FUNCTION_ARGS)
{
	int64		org_id;
	Datum		orders;

	InitMaterializedSRF(fcinfo, 0);
	usom_call_begin("demo_remove", NULL);
	org_id = usom_party_org();
	orders = lock_orders(org_id);
	refuse_mixed(org_id, orders);
	lock_stock(org_id);
	remove_all((ReturnSetInfo *) fcinfo->resultinfo, org_id, orders);
	usom_call_end();
	return (Datum) 0;
}
