/*
 * erase.c
 *		usom.erase_customer(), usom.erase_order_person(), and those who are due.
 *
 * Erasing is deleting a key: what was sealed under it stays where it is, in
 * orders, audit, dumps and WAL, and nobody reads it any more.  Country,
 * postcode and amounts are not sealed: the books stay whole.
 *
 * Locks: that nobody places an order for the customer meanwhile
 * (usom_person_lock_customer), then the row of the customer, which stops plain
 * SQL; or the order of a guest.  Then the open orders are counted, by a
 * snapshot that is newer than the locks.
 *
 * Invariant: after it there is no key of the person, and a row in usom.erasure
 * says so.
 */
#include "postgres.h"

#include "api/api.h"

#include "access/xact.h"
#include "base/call.h"
#include "base/card_guard.h"
#include "base/errors.h"
#include "base/query.h"
#include "miscadmin.h"
#include "order/answer.h"
#include "party/party.h"
#include "party/person.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(usom_erase_customer);
PG_FUNCTION_INFO_V1(usom_erase_order_person);
PG_FUNCTION_INFO_V1(usom__retain);

/* Persons that one run of _retain() erases of a kind in an organisation. */
#define AT_ONCE 1000

/* Keys of the customer, and of his orders, which may have been a guest's before. */
static UsomQuery erase_customer = {
	.text = "WITH person AS (SELECT $2 AS person_id UNION ALL "
	"SELECT o.sales_order_id FROM usom.sales_order o WHERE o.org_id = $1 AND o.customer_id = $2), "
	"keys AS (DELETE FROM usom.vault_key k USING person p WHERE k.org_id = $1 AND k.person_id = p.person_id), "
	"contacts AS (DELETE FROM usom.vault_index i WHERE i.org_id = $1 AND i.person_id = $2), "
	"addresses AS (DELETE FROM usom.customer_address a WHERE a.org_id = $1 AND a.customer_id = $2), "
	"master AS (UPDATE usom.customer c SET active = false, name = NULL, email = NULL, phone = NULL, erased_at = now() "
	"WHERE c.org_id = $1 AND c.customer_id = $2) "
	"INSERT INTO usom.erasure (org_id, person_id, kind, code, reason) VALUES ($1, $2, 'customer', $3, $4)",
	.nargs = 4,
	.argtypes = {"bigint", "bigint", "text", "text"},
};

static UsomQuery erase_guest = {
	.text = "WITH keys AS (DELETE FROM usom.vault_key k WHERE k.org_id = $1 AND k.person_id = $2) "
	"INSERT INTO usom.erasure (org_id, person_id, kind, code, reason) VALUES ($1, $2, 'guest', $3, $4)",
	.nargs = 4,
	.argtypes = {"bigint", "bigint", "text", "text"},
};

static void
erase(UsomQuery *query, int64 org_id, int64 person_id, const char *code, const char *reason)
{
	Datum		values[] = {
		Int64GetDatum(org_id), Int64GetDatum(person_id), CStringGetTextDatum(code),
		reason != NULL ? CStringGetTextDatum(reason) : (Datum) 0
	};
	bool		nulls[] = {false, false, false, reason == NULL};

	usom_query_write(query, values, nulls);
	usom_person_forget_key();
}

/* ---- customers ---- */

/* Orders of a customer that have not ended; the first five by number. */
static char *
find_open_orders(int64 org_id, int64 customer_id)
{
	static UsomQuery query = {
		.text = "SELECT string_agg(o.order_no, ', ' ORDER BY o.sales_order_id) FROM ("
		"SELECT s.sales_order_id, s.order_no FROM usom.sales_order s WHERE s.org_id = $1 AND s.customer_id = $2 "
		"AND s.status < 'delivered' ORDER BY s.sales_order_id LIMIT 5) o",
		.nargs = 2,
		.argtypes = {"bigint", "bigint"},
	};
	Datum		values[] = {Int64GetDatum(org_id), Int64GetDatum(customer_id)};

	usom_query_run(&query, values, NULL);
	return usom_query_get_text(0, 1);
}

/* The row of the customer, locked; US006 if there is none, US904 if erased before. */
static int64
lock_customer(int64 org_id, const char *code)
{
	static UsomQuery query = {
		.text = "SELECT c.customer_id, c.erased_at IS NOT NULL FROM usom.customer c "
		"WHERE c.org_id = $1 AND c.code = $2 FOR UPDATE OF c",
		.nargs = 2,
		.argtypes = {"bigint", "text"},
	};
	Datum		values[] = {Int64GetDatum(org_id), CStringGetTextDatum(code)};

	if (usom_query_run(&query, values, NULL) == 0)
		ereport(ERROR, errcode(USOM_ERR(UNKNOWN_CODE)),
				errmsg("customer \"%s\" does not exist", code),
				errhint("Look it up in usom.customers."));
	if (DatumGetBool(usom_query_get(0, 2)))
		usom_person_refuse_erased(psprintf("customer \"%s\"", code));
	return DatumGetInt64(usom_query_get(0, 1));
}

static void
refuse_open(const char *what, const char *orders)
{
	ereport(ERROR, errcode(USOM_ERR(CUSTOMER_HAS_OPEN_ORDERS)),
			errmsg("%s cannot be erased while an order is open", what),
			errdetail("Open: %s.", orders),
			errhint("Cancel or deliver first what is open, then erase again."));
}

/* Orders that were placed since an older snapshot would not be seen. */
static void
check_isolation(void)
{
	if (IsolationUsesXactSnapshot())
		ereport(ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				errmsg("a customer is not erased at this isolation level"),
				errdetail("An order may have been placed that the snapshot of the transaction does not show."),
				errhint("Erase in a transaction of its own, at READ COMMITTED."));
}

/* usom.erase_customer(customer, reason) */
Datum
usom_erase_customer(PG_FUNCTION_ARGS)
{
	UsomAnswer *answer = usom_order_answer_begin(fcinfo, "erase_customer", 1);
	int64		org_id = usom_party_org();
	char	   *code = usom_order_arg_text(fcinfo, 0, "customer");
	int64		customer_id;
	char	   *orders;

	check_isolation();
	usom_person_lock_customer(org_id, code, true);
	customer_id = lock_customer(org_id, code);
	orders = find_open_orders(org_id, customer_id);
	if (orders != NULL)
		refuse_open(psprintf("customer \"%s\"", code), orders);
	erase(&erase_customer, org_id, customer_id, code, usom_call_reason());
	return usom_order_answer_string(answer, code);
}

/* ---- guests ---- */

/* Who ordered: US904 if erased before, 22023 for an order of a customer. */
static void
check_guest(int64 org_id, const UsomOrder *order)
{
	static UsomQuery query = {
		.text = "SELECT c.code, x.person_id IS NOT NULL FROM usom.sales_order o "
		"LEFT JOIN usom.customer c ON c.org_id = o.org_id AND c.customer_id = o.customer_id "
		"LEFT JOIN usom.erasure x ON x.org_id = o.org_id AND x.person_id = o.sales_order_id "
		"WHERE o.org_id = $1 AND o.sales_order_id = $2",
		.nargs = 2,
		.argtypes = {"bigint", "bigint"},
	};
	Datum		values[] = {Int64GetDatum(org_id), Int64GetDatum(order->sales_order_id)};
	char	   *code;

	usom_query_run(&query, values, NULL);
	if (DatumGetBool(usom_query_get(0, 2)))
		usom_person_refuse_erased(psprintf("the buyer of order \"%s\"", order->order_no));
	code = usom_query_get_text(0, 1);
	if (code != NULL)
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("order \"%s\" is of customer \"%s\"", order->order_no, code),
				errdetail("The buyer of one order alone is erased if there is no customer."),
				errhint("Call usom.erase_customer('%s', ...).", code));
}

/* usom.erase_order_person(order_no, reason) */
Datum
usom_erase_order_person(PG_FUNCTION_ARGS)
{
	UsomAnswer *answer = usom_order_answer_begin(fcinfo, "erase_order_person", 1);
	UsomOrderSet *set = usom_order_load(usom_party_org(), usom_order_arg_text(fcinfo, 0, "order_no"));
	const UsomOrder *order = &set->orders[0];

	check_guest(set->org_id, order);
	if (order->status < USOM_ORDER_DELIVERED)
		refuse_open(psprintf("the buyer of order \"%s\"", order->order_no), order->order_no);
	erase(&erase_guest, set->org_id, order->sales_order_id, order->order_no, usom_call_reason());
	return usom_order_answer_string(answer, order->order_no);
}

/* ---- retention ---- */

/* Guests whose order has ended and rested; each order is locked, those that others work on are left for later. */
static UsomQuery find_due_guests = {
	.text = "SELECT k.person_id, o.order_no FROM usom.vault_key k "
	"JOIN usom.sales_order o ON o.org_id = k.org_id AND o.sales_order_id = k.person_id "
	"WHERE k.org_id = $1 AND o.customer_id IS NULL AND o.status >= 'delivered' AND o.created_at < now() - $2 "
	"AND NOT EXISTS (SELECT FROM usom.order_history h WHERE h.org_id = o.org_id AND h.sales_order_id = o.sales_order_id "
	"AND h.occurred_at >= now() - $2) "
	"ORDER BY k.person_id LIMIT $3 FOR UPDATE OF o SKIP LOCKED",
	.nargs = 3,
	.argtypes = {"bigint", "interval", "integer"},
};

static UsomQuery find_due_customers = {
	.text = "SELECT c.customer_id, c.code FROM usom.customer c "
	"WHERE c.org_id = $1 AND c.erased_at IS NULL AND c.created_at < now() - $2 "
	"AND NOT EXISTS (SELECT FROM usom.sales_order o WHERE o.org_id = c.org_id AND o.customer_id = c.customer_id "
	"AND (o.status < 'delivered' OR EXISTS (SELECT FROM usom.order_history h WHERE h.org_id = o.org_id "
	"AND h.sales_order_id = o.sales_order_id AND h.occurred_at >= now() - $2))) "
	"ORDER BY c.customer_id LIMIT $3 FOR UPDATE OF c SKIP LOCKED",
	.nargs = 3,
	.argtypes = {"bigint", "interval", "integer"},
};

static UsomQuery note_look = {
	.text = "UPDATE usom.retention SET looked_at = now() WHERE org_id = $1 AND what = $2",
	.nargs = 2,
	.argtypes = {"bigint", "text"},
};

typedef struct Due
{
	int64		person_id;
	char	   *code;
} Due;

static Due *
find_due(UsomQuery *query, int64 org_id, Datum keep_for, uint64 *count)
{
	Datum		values[] = {Int64GetDatum(org_id), keep_for, Int32GetDatum(AT_ONCE)};
	Due		   *due;

	*count = usom_query_run(query, values, NULL);
	due = palloc(sizeof(Due) * (*count + 1));
	for (uint64 i = 0; i < *count; i++)
		due[i] = (Due) {DatumGetInt64(usom_query_get(i, 1)), usom_query_get_text(i, 2)};
	return due;
}

/* Those who are ordering at this moment are not due after all. */
static bool
erase_due_customer(int64 org_id, const Due *due)
{
	if (IsolationUsesXactSnapshot() || !usom_person_try_lock_customer(org_id, due->code) || find_open_orders(org_id, due->person_id) != NULL)
		return false;
	erase(&erase_customer, org_id, due->person_id, due->code, usom_call_reason());
	return true;
}

static int
erase_due(int64 org_id, const char *what, Datum keep_for)
{
	bool		are_guests = strcmp(what, "guest") == 0;
	Datum		values[] = {Int64GetDatum(org_id), CStringGetTextDatum(what)};
	uint64		count;
	Due		   *due = find_due(are_guests ? &find_due_guests : &find_due_customers, org_id, keep_for, &count);
	int			erased = 0;

	for (uint64 i = 0; i < count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (are_guests)
			erase(&erase_guest, org_id, due[i].person_id, due[i].code, usom_call_reason());
		if (are_guests || erase_due_customer(org_id, &due[i]))
			erased++;
	}
	if (count < AT_ONCE)
		usom_query_write(&note_look, values, NULL);
	return erased;
}

/* usom._retain() RETURNS integer: of all organisations */
Datum
usom__retain(PG_FUNCTION_ARGS)
{
	static UsomQuery query = {
		.text = "SELECT r.org_id, r.what, r.keep_for FROM usom.retention r "
		"WHERE r.looked_at IS NULL OR r.looked_at < now() - interval '1 hour' ORDER BY r.org_id, r.what FOR UPDATE SKIP LOCKED",
	};
	int			erased = 0;
	uint64		count;
	SPITupleTable *rows;

	usom_call_begin("retain", "retention");
	count = usom_query_run(&query, NULL, NULL);
	rows = SPI_tuptable;
	for (uint64 i = 0; i < count; i++)
	{
		bool		isnull;
		int64		org_id = DatumGetInt64(SPI_getbinval(rows->vals[i], rows->tupdesc, 1, &isnull));
		char	   *what = SPI_getvalue(rows->vals[i], rows->tupdesc, 2);

		erased += erase_due(org_id, what, SPI_getbinval(rows->vals[i], rows->tupdesc, 3, &isnull));
	}
	usom_call_end();
	PG_RETURN_INT32(erased);
}
