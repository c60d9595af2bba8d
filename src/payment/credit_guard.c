/*
 * credit_guard.c
 *		Credit accounts that plain SQL writes.
 *
 * A manager writes the limit and the terms; the exposure is usom's.  A new
 * account begins with what its customer owes already; one that is checked at
 * another point takes in the orders that have passed it.  Then held orders go
 * on as far as the new terms let them.
 *
 * Locks: of a new account, which nobody else has: its customer, so that no
 * order of theirs is being placed, then their orders, by key, then the account.
 * Of one that is there: the statement has locked it, and who is about to
 * count an order waits for that; held orders with SKIP LOCKED.
 *
 * Memory: the call's context.
 */
#include "postgres.h"

#include "payment/credit.h"

#include "base/call.h"
#include "base/errors.h"
#include "base/glass.h"
#include "base/query.h"
#include "base/trigger.h"
#include "catalog/pg_type.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "party/person.h"
#include "utils/builtins.h"
#include "utils/rel.h"
#include "utils/tuplestore.h"

PG_FUNCTION_INFO_V1(usom__guard_credit_account);
PG_FUNCTION_INFO_V1(usom__credit_account_written);

static const UsomTriggerSpec guard_spec = {"usom._guard_credit_account", .before = true, .row = true};
static const UsomTriggerSpec written_spec = {"usom._credit_account_written", .before = false, .row = false};

/* ---- before ---- */

/* Text of a column before and after; before an INSERT what the default says. */
static bool
is_same(TriggerData *trigdata, const char *column, const char *unless)
{
	TupleDesc	desc = RelationGetDescr(trigdata->tg_relation);
	int			attnum = SPI_fnumber(desc, column);
	const char *after = SPI_getvalue(usom_trigger_row(trigdata), desc, attnum);
	const char *before = TRIGGER_FIRED_BY_INSERT(trigdata->tg_event) ? unless
		: SPI_getvalue(trigdata->tg_trigtuple, desc, attnum);

	return after != NULL && before != NULL && strcmp(before, after) == 0;
}

Datum
usom__guard_credit_account(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = usom_trigger_check(fcinfo, &guard_spec);

	if (usom_query_is_writer() || usom_trigger_is_replay() || usom_glass_passes())
		return PointerGetDatum(usom_trigger_row(trigdata));
	if (!is_same(trigdata, "exposure", "0.0000"))
		ereport(ERROR, errcode(USOM_ERR(KEPT_BY_USOM)),
				errmsg("the exposure of a credit account is kept by usom and is not written by hand"),
				errdetail("It is the sum of what orders take."),
				errhint("Look at usom.credit_position() for what it is made of."));
	if (!TRIGGER_FIRED_BY_INSERT(trigdata->tg_event) && !is_same(trigdata, "currency", NULL))
		ereport(ERROR, errcode(USOM_ERR(MASTER_ROW_KEPT)),
				errmsg("the currency of a credit account does not change"),
				errdetail("Orders in it are counted there."),
				errhint("Insert another account in the other currency."));
	return PointerGetDatum(usom_trigger_row(trigdata));
}

/* ---- after ---- */

static UsomQuery name_customers = {
	.text = "SELECT u.code FROM usom.customer AS u WHERE u.org_id = $1 AND u.customer_id = ANY ($2) ORDER BY u.code",
	.nargs = 2,
	.argtypes = {"bigint", "bigint[]"},
};

static UsomQuery lock_orders = {
	.text = "SELECT o.sales_order_id FROM usom.sales_order AS o WHERE o.org_id = $1 AND o.customer_id = ANY ($2) "
	"AND o.status < 'cancelled' ORDER BY o.sales_order_id FOR UPDATE",
	.nargs = 2,
	.argtypes = {"bigint", "bigint[]"},
};

/* Orders that have passed the point where their account is checked, and are not counted yet. */
static UsomQuery count_orders = {
	.text = "WITH counted AS (INSERT INTO usom.credit_use (org_id, sales_order_id, credit_account_id, amount, wanted) "
	"SELECT $1, o.sales_order_id, a.credit_account_id, d.owed, d.owed FROM usom.credit_account AS a "
	"JOIN usom.sales_order AS o ON o.org_id = $1 AND o.customer_id = a.customer_id AND o.currency = a.currency "
	"CROSS JOIN LATERAL usom._credit_owed($1, o.sales_order_id) AS d (owed) "
	"WHERE a.org_id = $1 AND a.credit_account_id = ANY ($2) "
	"AND usom._credit_counts($1, o.sales_order_id, CASE WHEN a.active THEN a.check_at ELSE 'none' END) "
	"ON CONFLICT (org_id, sales_order_id) DO NOTHING RETURNING credit_account_id, amount) "
	"UPDATE usom.credit_account AS a SET exposure = a.exposure + s.amount "
	"FROM (SELECT c.credit_account_id, sum(c.amount) AS amount FROM counted AS c GROUP BY c.credit_account_id) AS s "
	"WHERE a.org_id = $1 AND a.credit_account_id = s.credit_account_id AND s.amount > 0",
	.nargs = 2,
	.argtypes = {"bigint", "bigint[]"},
};

/* Accounts that a statement wrote. */
typedef struct Written
{
	int64		org_id;
	int64		credit_account_id;
	int64		customer_id;
} Written;

typedef struct WrittenList
{
	int			count;
	int			capacity;
	Written    *rows;
} WrittenList;

static int64
get_key(TriggerData *trigdata, TupleTableSlot *slot, const char *column)
{
	bool		isnull;
	Datum		value = slot_getattr(slot, usom_trigger_column(trigdata, column, INT8OID), &isnull);

	Ensure(!isnull, "column %s is null", column);
	return DatumGetInt64(value);
}

static WrittenList *
collect(TriggerData *trigdata)
{
	WrittenList *list = palloc0_object(WrittenList);
	TupleTableSlot *slot;

	if (trigdata->tg_newtable == NULL)
		ereport(ERROR, errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				errmsg("trigger \"%s\" needs a transition table", trigdata->tg_trigger->tgname));
	list->capacity = 8;
	list->rows = palloc_array(Written, list->capacity);
	tuplestore_select_read_pointer(trigdata->tg_newtable, 0);
	tuplestore_rescan(trigdata->tg_newtable);
	slot = MakeSingleTupleTableSlot(RelationGetDescr(trigdata->tg_relation), &TTSOpsMinimalTuple);
	while (tuplestore_gettupleslot(trigdata->tg_newtable, true, false, slot))
	{
		CHECK_FOR_INTERRUPTS();
		if (list->count == list->capacity)
			list->rows = repalloc_array(list->rows, Written, list->capacity *= 2);
		list->rows[list->count++] = (Written) {
			get_key(trigdata, slot, "org_id"), get_key(trigdata, slot, "credit_account_id"), get_key(trigdata, slot, "customer_id")
		};
	}
	ExecDropSingleTupleTableSlot(slot);
	return list;
}

/* Nobody places or confirms an order of theirs before the account is seen. */
static void
lock_customers(int64 org_id, Datum customers)
{
	Datum		values[2] = {Int64GetDatum(org_id), customers};
	int			n = (int) usom_query_run(&name_customers, values, NULL);
	char	  **codes = palloc_array(char *, n + 1);

	for (int i = 0; i < n; i++)
		codes[i] = usom_query_get_text(i, 1);
	for (int i = 0; i < n; i++)
		usom_person_lock_customer(org_id, codes[i], true);
	usom_query_run(&lock_orders, values, NULL);
}

/* Accounts of one organisation. */
static void
follow(const Written *rows, int count, bool is_new)
{
	int64	   *accounts = palloc_array(int64, count);
	int64	   *customers = palloc_array(int64, count);
	int64	   *orders;
	Datum		values[2] = {Int64GetDatum(rows[0].org_id)};

	for (int i = 0; i < count; i++)
	{
		accounts[i] = rows[i].credit_account_id;
		customers[i] = rows[i].customer_id;
	}
	if (is_new)
		lock_customers(rows[0].org_id, usom_query_keys(customers, count));
	values[1] = usom_query_keys(accounts, count);
	usom_query_write(&count_orders, values, NULL);
	if (!is_new)
		usom_credit_review(rows[0].org_id, customers, count, &orders);
}

static int
compare_orgs(const void *a, const void *b)
{
	const Written *left = a;
	const Written *right = b;

	return (left->org_id > right->org_id) - (left->org_id < right->org_id);
}

Datum
usom__credit_account_written(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = usom_trigger_check(fcinfo, &written_spec);
	bool		is_new = TRIGGER_FIRED_BY_INSERT(trigdata->tg_event);
	WrittenList *list;

	if (usom_query_is_writer() || usom_trigger_is_replay())
		return PointerGetDatum(NULL);
	usom_call_begin(is_new ? "insert credit_account" : "update credit_account", NULL);
	list = collect(trigdata);
	qsort(list->rows, list->count, sizeof(Written), compare_orgs);
	for (int first = 0, next; first < list->count; first = next)
	{
		for (next = first; next < list->count && list->rows[next].org_id == list->rows[first].org_id;)
			next++;
		follow(&list->rows[first], next - first, is_new);
	}
	usom_call_end();
	return PointerGetDatum(NULL);
}
