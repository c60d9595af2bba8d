/*
 * credit_lock.c
 *		Credit accounts, locked and read; held orders that may go on.
 *
 * Locks: accounts FOR NO KEY UPDATE, by key; held orders of the same customers
 * with SKIP LOCKED, which waits for nobody; then stock, supply and days of all
 * orders that may change, so that what goes on finds them locked.  A held order
 * that somebody else works on is left to that call, which asks for the account
 * in its turn, or, if it is none that does, to the next one or to tick().
 *
 * Exactness: one statement locks the accounts and reads them as they are then,
 * with the uses and payments of the orders, which nobody changes without the
 * lock of the order.  At REPEATABLE READ an account that has changed is 40001.
 *
 * Memory: CurrentMemoryContext; which customers have accounts is remembered
 * (base/memo.h).
 */
#include "postgres.h"

#include "payment/credit.h"

#include "base/call.h"
#include "base/memo.h"
#include "base/query.h"
#include "sourcing/ruled.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

/* ---- whom it may concern ---- */

static UsomQuery select_customers = {
	.text = "SELECT DISTINCT a.customer_id FROM usom.credit_account AS a WHERE a.org_id = $1 ORDER BY a.customer_id",
	.nargs = 1,
	.argtypes = {"bigint"},
};

typedef struct Customers
{
	int			count;
	int64	   *ids;			/* by key */
} Customers;

static const void *
read_customers(int64 org_id)
{
	Customers  *customers = palloc_object(Customers);
	Datum		values[] = {Int64GetDatum(org_id)};

	customers->count = (int) usom_memo_look(&select_customers, values);
	customers->ids = palloc_array(int64, Max(customers->count, 1));
	for (int i = 0; i < customers->count; i++)
		customers->ids[i] = DatumGetInt64(usom_query_get(i, 1));
	SPI_freetuptable(SPI_tuptable);
	return customers;
}

static const Customers no_customers;

static UsomMemo memo = {
	.name = "usom customers with credit",
	.tables = {"credit_account"},
	.read = read_customers,
	.rules = {"credit_account"},
	.nothing = &no_customers,
};

void
usom_credit_init(void)
{
	usom_memo_register(&memo);
}

static bool
has_account(const Customers *customers, int64 customer_id)
{
	int			low = 0;
	int			high = customers->count;

	while (low < high)
	{
		int			middle = low + (high - low) / 2;

		if (customers->ids[middle] < customer_id)
			low = middle + 1;
		else
			high = middle;
	}
	return low < customers->count && customers->ids[low] == customer_id;
}

/* Customers of the set with accounts; one that ordered twice stands there twice. */
static int64 *
find_customers(const UsomOrderSet *set, int *count)
{
	const Customers *customers = usom_memo_get(&memo, set->org_id);
	int64	   *found;

	*count = 0;
	if (likely(customers->count == 0))
		return NULL;
	found = palloc_array(int64, set->norders + 1);
	for (int i = 0; i < set->norders; i++)
		if (set->orders[i].customer_id != 0 && has_account(customers, set->orders[i].customer_id))
			found[(*count)++] = set->orders[i].customer_id;
	return found;
}

bool
usom_credit_is_any(int64 org_id)
{
	return ((const Customers *) usom_memo_get(&memo, org_id))->count > 0;
}

bool
usom_credit_concerns(const UsomOrderSet *set)
{
	int			count;

	find_customers(set, &count);
	return count > 0;
}

/* ---- locks ---- */

static UsomQuery lock_accounts = {
	.text = "SELECT k.ordinal, o.sales_order_id, a.credit_account_id, u.code, a.currency, a.limit_amount, a.exposure, "
	"CASE WHEN a.active THEN a.check_at ELSE 'none' END, a.on_increase = 'refuse', c.held_at, "
	"o.status = 'submitted' AND EXISTS (SELECT 1 FROM usom.hold AS h WHERE h.org_id = $1 AND h.sales_order_id = o.sales_order_id "
	"AND h.check_code IS DISTINCT FROM 'credit' AND h.released_at IS NULL AND (h.expires_at IS NULL OR h.expires_at > $3) AND 'confirm' = ANY (h.blocks)), "
	"c.amount, c.wanted, c.beyond, (SELECT sum(p.captured - p.refunded - p.charged_back) FROM usom.payment AS p "
	"WHERE p.org_id = $1 AND p.sales_order_id = o.sales_order_id) "
	"FROM unnest($2) WITH ORDINALITY AS k (sales_order_id, ordinal) "
	"JOIN usom.sales_order AS o ON o.org_id = $1 AND o.sales_order_id = k.sales_order_id "
	"JOIN usom.customer AS u ON u.org_id = $1 AND u.customer_id = o.customer_id "
	"JOIN usom.credit_account AS a ON a.org_id = $1 AND a.customer_id = o.customer_id AND a.currency = o.currency "
	"LEFT JOIN usom.credit_use AS c ON c.org_id = $1 AND c.sales_order_id = k.sales_order_id "
	"WHERE c.sales_order_id IS NOT NULL OR " USOM_IS_ON_ACCOUNT " "
	"ORDER BY a.credit_account_id, k.ordinal FOR NO KEY UPDATE OF a",
	.nargs = 3,
	.argtypes = {"bigint", "bigint[]", "timestamptz"},
};

/* Nobody waits, so they may come by age, and after the accounts. */
static UsomQuery lock_held = {
	.text = "SELECT o.sales_order_id FROM usom.credit_account AS a "
	"JOIN usom.credit_use AS c ON c.org_id = $1 AND c.credit_account_id = a.credit_account_id AND c.held_at IS NOT NULL "
	"JOIN usom.sales_order AS o ON o.org_id = $1 AND o.sales_order_id = c.sales_order_id "
	"WHERE a.org_id = $1 AND a.customer_id = ANY ($2) AND c.sales_order_id <> ALL ($3) "
	"ORDER BY c.held_at, c.sales_order_id LIMIT $4 FOR UPDATE OF o SKIP LOCKED",
	.nargs = 4,
	.argtypes = {"bigint", "bigint[]", "bigint[]", "integer"},
};

static UsomQuery lock_customers = {
	.text = "SELECT a.credit_account_id FROM usom.credit_account AS a WHERE a.org_id = $1 AND a.customer_id = ANY ($2) "
	"ORDER BY a.credit_account_id FOR NO KEY UPDATE",
	.nargs = 2,
	.argtypes = {"bigint", "bigint[]"},
};

static UsomCreditPoint
point_named(const char *name)
{
	static const char *const names[] = {"none", "confirm", "release", "ship"};

	for (int i = 0; i < (int) lengthof(names); i++)
		if (strcmp(names[i], name) == 0)
			return (UsomCreditPoint) i;
	elog(ERROR, "unexpected point of a credit account: %s", name);
}

static Numeric
numeric_or_zero(uint64 row, int column)
{
	bool		isnull;
	Datum		value = usom_query_get_or_null(row, column, &isnull);

	return isnull ? usom_order_no_price() : DatumGetNumeric(value);
}

/* Rows come by account. */
static int
take_account(UsomCredit *credit, uint64 row)
{
	int64		id = DatumGetInt64(usom_query_get(row, 3));

	if (credit->naccounts > 0 && credit->accounts[credit->naccounts - 1].credit_account_id == id)
		return credit->naccounts - 1;
	credit->accounts[credit->naccounts] = (UsomCreditAccount) {
		.credit_account_id = id,
		.customer = usom_query_get_text(row, 4),
		.currency = usom_query_get_text(row, 5),
		.limit = DatumGetNumeric(usom_query_get(row, 6)),
		.exposure = DatumGetNumeric(usom_query_get(row, 7)),
		.exposure_before = DatumGetNumeric(usom_query_get(row, 7)),
		.given_up = usom_order_no_price(),
		.checked_at = point_named(usom_query_get_text(row, 8)),
		.refuses_increase = DatumGetBool(usom_query_get(row, 9)),
	};
	return credit->naccounts++;
}

static void
take_demand(UsomCredit *credit, UsomCreditDemand *demand, uint64 row)
{
	bool		isnull;
	Datum		held_at = usom_query_get_or_null(row, 10, &isnull);

	demand->sales_order_id = DatumGetInt64(usom_query_get(row, 2));
	demand->account = take_account(credit, row);
	demand->held_at = isnull ? USOM_NO_TIME : DatumGetTimestampTz(held_at);
	demand->is_blocked = DatumGetBool(usom_query_get(row, 11));
	usom_query_get_or_null(row, 12, &isnull);
	demand->is_known = !isnull;
	demand->amount = numeric_or_zero(row, 12);
	demand->wanted = demand->owed = numeric_or_zero(row, 13);
	demand->beyond = numeric_or_zero(row, 14);
	demand->paid = numeric_or_zero(row, 15);
}

UsomCredit *
usom_credit_read(int64 org_id, UsomOrderSet *set, const int64 *ids, int nids)
{
	UsomCredit *credit = palloc0_object(UsomCredit);
	Datum		values[3] = {Int64GetDatum(org_id), usom_query_keys(ids, nids), TimestampTzGetDatum(usom_call_time())};
	int			n = (int) usom_query_run(&lock_accounts, values, NULL);
	UsomCreditDemand *slots = palloc0_array(UsomCreditDemand, nids + 1);

	credit->org_id = org_id;
	credit->set = set;
	credit->accounts = palloc_array(UsomCreditAccount, n + 1);
	credit->demands = slots;
	for (int row = 0; row < n; row++)
	{
		int			place = (int) DatumGetInt64(usom_query_get(row, 1)) - 1;

		slots[place].order = set != NULL && place < set->norders ? place : -1;
		take_demand(credit, &slots[place], row);
	}
	for (int i = 0; i < nids; i++)
		if (slots[i].sales_order_id != 0)
			slots[credit->ndemands++] = slots[i];
	return credit;
}

int64 *
usom_credit_keys(const UsomOrderSet *set, int more)
{
	int64	   *ids = palloc_array(int64, set->norders + more + 1);

	for (int i = 0; i < set->norders; i++)
		ids[i] = set->orders[i].sales_order_id;
	return ids;
}

/* Held orders of the customers that nobody else has locked, but for these; their keys go to held. */
static int
find_held(int64 org_id, const int64 *customers, int ncustomers, const int64 *but, int nbut, int64 *held)
{
	Datum		values[4] = {
		Int64GetDatum(org_id), usom_query_keys(customers, ncustomers), usom_query_keys(but, nbut), Int32GetDatum(USOM_CREDIT_HELD_AT_MOST)
	};
	int			n = (int) usom_query_run(&lock_held, values, NULL);

	for (int i = 0; i < n; i++)
		held[i] = DatumGetInt64(usom_query_get(i, 1));
	return n;
}

/* What the set frees and what held orders need, in one statement each. */
static void
lock_stock(const UsomOrderSet *set, const int64 *held, int nheld)
{
	UsomOrderSet *others = usom_order_load_many(set->org_id, held, nheld);
	int64	   *products = palloc_array(int64, set->nlines + others->nlines + 1);
	int			nproducts = 0;
	int			n;

	for (int i = 0; i < set->nlines; i++)
		products[nproducts++] = set->lines[i].product_id;
	for (int i = 0; i < others->nlines; i++)
		products[nproducts++] = others->lines[i].product_id;
	usom_stock_lock_products(set->org_id, products, nproducts, usom_call_time(), true, &n);
	if (usom_supply_is_any(set->org_id))
		usom_supply_lock_products(set->org_id, products, nproducts, NULL, 0, &n);
	if (usom_sourcing_has_limits(set->org_id))
		usom_capacity_lock_all(set->org_id);
}

static void
lock_all(int64 org_id, const int64 *customers, int count)
{
	Datum		values[2] = {Int64GetDatum(org_id), usom_query_keys(customers, count)};

	usom_query_run(&lock_customers, values, NULL);
}

void
usom_credit_lock(int64 org_id, UsomOrderSet *const *sets, int nsets)
{
	int64	   *all = palloc_array(int64, 1);
	int			nall = 0;

	for (int i = 0; i < nsets; i++)
	{
		int			n;
		int64	   *customers = sets[i] != NULL ? find_customers(sets[i], &n) : NULL;

		if (customers == NULL)
			continue;
		all = repalloc_array(all, int64, nall + n + 1);
		memcpy(all + nall, customers, n * sizeof(int64));
		nall += n;
	}
	if (unlikely(nall > 0))
		lock_all(org_id, all, nall);
}

UsomCredit *
usom_credit_open(UsomOrderSet *set)
{
	int			ncustomers;
	int64	   *customers = find_customers(set, &ncustomers);
	int64	   *ids;
	int			nheld;
	UsomCredit *credit;

	if (likely(ncustomers == 0))
		return NULL;
	ids = usom_credit_keys(set, USOM_CREDIT_HELD_AT_MOST);
	credit = usom_credit_read(set->org_id, set, ids, set->norders);
	nheld = find_held(set->org_id, customers, ncustomers, ids, set->norders, ids + set->norders);
	if (nheld == 0)
		return credit;
	credit = usom_credit_read(set->org_id, set, ids, set->norders + nheld);
	lock_stock(set, ids + set->norders, nheld);
	return credit;
}

UsomCredit *
usom_credit_open_held(int64 org_id, const int64 *customers, int ncustomers)
{
	int64	   *held = palloc_array(int64, USOM_CREDIT_HELD_AT_MOST + 1);
	int			nheld;

	lock_all(org_id, customers, ncustomers);
	nheld = find_held(org_id, customers, ncustomers, NULL, 0, held);
	return nheld > 0 ? usom_credit_read(org_id, NULL, held, nheld) : NULL;
}
