/*
 * duplicate.c
 *		Orders that look like ones that were placed before.
 *
 * Of a customer's orders with the same products and quantities the last one is
 * known by a fingerprint; two that are placed at once meet at its row, and the
 * second sees the first.  The same document again is no duplicate: it is a
 * repeat, which the unique key of external ids finds.
 *
 * Locks: rows of usom.order_fingerprint by key, before the headers of new
 * orders are written.  At REPEATABLE READ a row that changed meanwhile is 40001.
 *
 * What no rule looks back to is forgotten by tick(), rows that nobody has locked alone.
 *
 * Memory: CurrentMemoryContext.
 */
#include "postgres.h"

#include "api/check_rule.h"

#include "audit/sha256.h"
#include "base/call.h"
#include "base/errors.h"
#include "base/query.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(usom__tidy_fingerprints);

/* Of a customer's lines there may be several in one call: the last of them is kept. */
static UsomQuery claim = {
	.text = "INSERT INTO usom.order_fingerprint AS f (org_id, customer_id, fingerprint, sales_order_id) "
	"SELECT $1, r.customer_id, r.fingerprint, r.sales_order_id FROM unnest($2) AS r ORDER BY r.customer_id, r.fingerprint "
	"ON CONFLICT (org_id, customer_id, fingerprint) DO UPDATE SET previous_id = f.sales_order_id, sales_order_id = EXCLUDED.sales_order_id "
	"RETURNING f.sales_order_id, f.previous_id",
	.nargs = 2,
	.argtypes = {"bigint", "usom._claimed_lines[]"},
};

/* A statement of its own: what another call has committed while this one waited is seen by it. */
static UsomQuery read_earlier = {
	.text = "SELECT o.sales_order_id, o.order_no, o.placed_at, o.channel_id, o.external_id FROM usom.sales_order AS o "
	"WHERE o.org_id = $1 AND o.sales_order_id = ANY ($2) AND o.status NOT IN ('cancelled', 'rejected')",
	.nargs = 2,
	.argtypes = {"bigint", "bigint[]"},
};

static UsomQuery unclaim = {
	.text = "UPDATE usom.order_fingerprint AS f SET sales_order_id = f.previous_id, previous_id = NULL "
	"WHERE f.org_id = $1 AND f.sales_order_id = ANY ($2) AND f.previous_id IS NOT NULL",
	.nargs = 2,
	.argtypes = {"bigint", "bigint[]"},
};

typedef struct Ordered
{
	int64		product_id;
	UsomQuantity quantity;
} Ordered;

static int
compare_ordered(const void *a, const void *b)
{
	const Ordered *left = a;
	const Ordered *right = b;

	if (left->product_id != right->product_id)
		return left->product_id < right->product_id ? -1 : 1;
	return (left->quantity > right->quantity) - (left->quantity < right->quantity);
}

/* Products and quantities as the customer ordered them, in whatever order. */
static bytea *
fingerprint(const UsomOrderSet *set, int order)
{
	Ordered    *ordered = palloc0_array(Ordered, set->nlines + 1);
	int			count = 0;
	UsomDigest	digest;

	for (int i = 0; i < set->nlines; i++)
		if (set->lines[i].order == order && !set->lines[i].removed && !usom_line_is_component(&set->lines[i]))
			ordered[count++] = (Ordered) {set->lines[i].product_id, set->lines[i].quantity};
	qsort(ordered, count, sizeof(Ordered), compare_ordered);
	usom_sha256(&(UsomPart) {ordered, count * sizeof(Ordered)}, 1, &digest);
	return usom_sha256_bytea(&digest);
}

/* An order that was placed before, or comes before in this call. */
typedef struct Earlier
{
	int64		sales_order_id;
	const char *order_no;		/* NULL: has none yet */
	TimestampTz placed_at;
	int64		channel_id;
	const char *external_id;
} Earlier;

static const UsomOrder *
order_of(const UsomChecking *checking)
{
	return &checking->set->orders[checking->order];
}

static bool
is_repeat(const UsomChecking *checking, const Earlier *earlier)
{
	const char *external_id = checking->document ? checking->document->external_id : NULL;

	return external_id != NULL && earlier->external_id != NULL && earlier->channel_id == order_of(checking)->channel_id &&
		strcmp(external_id, earlier->external_id) == 0;
}

static void
compare(UsomChecking *checking, const UsomCheckRule *rule, const Earlier *earlier)
{
	int64		apart = order_of(checking)->placed_at - earlier->placed_at;

	if (Abs(apart) > rule->parameters.window || is_repeat(checking, earlier))
		return;
	usom_api_find_by_rule(checking, rule, "lines", -1,
						  earlier->order_no ? psprintf("it looks like order \"%s\"", earlier->order_no)
						  : "it looks like another order of the same call",
						  "The same customer ordered the same lines a short time before",
						  "Cancel one of them, or release the hold if both are wanted.");
}

/* The rule that wants to know; NULL: nobody does, or there is no customer to compare. */
static const UsomCheckRule *
wanted(const UsomCheckRules *rules, const UsomChecking *checking)
{
	return order_of(checking)->customer_id == 0 ? NULL : usom_api_check_rule_of(rules, checking, USOM_CHECK_DUPLICATE);
}

static int
compare_lines(const UsomChecking *one, const UsomChecking *other)
{
	int64		left = order_of(one)->customer_id;
	int64		right = order_of(other)->customer_id;

	if (left != right)
		return left < right ? -1 : 1;
	return memcmp(VARDATA_ANY(one->claimed), VARDATA_ANY(other->claimed), sizeof(UsomDigest));
}

/* A place in the call, to be sorted by customer and lines. */
typedef struct Place
{
	const UsomChecking *checking;
	int			index;
} Place;

static int
compare_places(const void *a, const void *b)
{
	const Place *left = a;
	const Place *right = b;
	int			difference = compare_lines(left->checking, right->checking);

	return difference != 0 ? difference : left->index - right->index;
}

/* For each of the call the first before it that has the same lines of the same customer; -1: none. */
static int *
find_firsts(UsomChecking *const *checkings, int count)
{
	int		   *firsts = palloc_array(int, count);
	Place	   *places = palloc_array(Place, count);
	int			n = 0;

	for (int i = 0; i < count; i++)
	{
		firsts[i] = -1;
		if (checkings[i]->claimed != NULL)
			places[n++] = (Place) {checkings[i], i};
	}
	qsort(places, n, sizeof(Place), compare_places);
	for (int i = 1, first = 0; i < n; i++)
	{
		if (compare_lines(places[i].checking, places[first].checking) != 0)
			first = i;
		else
			firsts[places[i].index] = places[first].index;
	}
	return firsts;
}

static Earlier
as_earlier(const UsomChecking *checking)
{
	return (Earlier) {
		.placed_at = order_of(checking)->placed_at, .channel_id = order_of(checking)->channel_id,
		.external_id = checking->document ? checking->document->external_id : NULL
	};
}

/* The same document came before it in the call. */
static bool
repeats_in_call(UsomChecking *const *checkings, int index)
{
	for (int i = 0; i < index; i++)
	{
		Earlier		earlier = as_earlier(checkings[i]);

		if (is_repeat(checkings[index], &earlier))
			return true;
	}
	return false;
}

/* Keys that each occur once: of several in the call, the first. */
static UsomRows *
claimed_rows(UsomChecking *const *checkings, int count, const int *firsts)
{
	UsomRows   *rows = NULL;

	for (int i = 0; i < count; i++)
	{
		bool		nulls[3] = {false};
		Datum		values[3];

		CHECK_FOR_INTERRUPTS();
		if (checkings[i]->claimed == NULL || firsts[i] >= 0)
			continue;
		if (rows == NULL)
			rows = usom_rows_make("_claimed_lines", count);
		values[0] = Int64GetDatum(order_of(checkings[i])->customer_id);
		values[1] = PointerGetDatum(checkings[i]->claimed);
		values[2] = Int64GetDatum(order_of(checkings[i])->sales_order_id);
		usom_rows_add(rows, values, nulls);
	}
	return rows;
}

/* Orders that had the lines before; they are noted with those that have them now. */
static int
claim_rows(UsomChecking *const *checkings, int count, UsomRows *rows, int64 *earlier_ids)
{
	Datum		values[2] = {Int64GetDatum(checkings[0]->set->org_id), usom_rows_datum(rows)};
	int			n = (int) usom_query_write(&claim, values, NULL);
	int			nearlier = 0;

	for (int row = 0; row < n; row++)
	{
		int64		id = DatumGetInt64(usom_query_get(row, 1));
		bool		isnull;
		int64		previous = DatumGetInt64(usom_query_get_or_null(row, 2, &isnull));

		if (isnull)
			continue;
		earlier_ids[nearlier++] = previous;
		for (int i = 0; i < count; i++)
			if (order_of(checkings[i])->sales_order_id == id)
				checkings[i]->claimed_from = previous;
	}
	return nearlier;
}

static Earlier *
read_orders(int64 org_id, const int64 *ids, int nids, int *count)
{
	Datum		values[2] = {Int64GetDatum(org_id), usom_query_keys(ids, nids)};
	Earlier    *earlier;

	*count = nids == 0 ? 0 : (int) usom_query_run(&read_earlier, values, NULL);
	earlier = palloc_array(Earlier, *count + 1);
	for (int i = 0; i < *count; i++)
		earlier[i] = (Earlier) {
			DatumGetInt64(usom_query_get(i, 1)), usom_query_get_text(i, 2), DatumGetTimestampTz(usom_query_get(i, 3)),
			DatumGetInt64(usom_query_get(i, 4)), usom_query_get_text(i, 5)
		};
	return earlier;
}

static void
compare_all(UsomChecking *const *checkings, int count, const int *firsts, const UsomCheckRule *const *rules, const Earlier *earlier,
			int nearlier)
{
	for (int i = 0; i < count; i++)
	{
		const UsomChecking *before = firsts[i] >= 0 ? checkings[firsts[i]] : NULL;

		CHECK_FOR_INTERRUPTS();
		if (checkings[i]->claimed == NULL || (before != NULL && repeats_in_call(checkings, i)))
			continue;
		if (before != NULL)
		{
			Earlier		first = as_earlier(before);

			compare(checkings[i], rules[i], &first);
		}
		for (int j = 0; j < nearlier && checkings[i]->claimed_from != 0; j++)
			if (earlier[j].sales_order_id == checkings[i]->claimed_from)
				compare(checkings[i], rules[i], &earlier[j]);
	}
}

void
usom_api_find_duplicates(UsomChecking *const *checkings, int count)
{
	const UsomCheckRules *rules;
	const UsomCheckRule **of;
	int		   *firsts;
	UsomRows   *rows;
	int64	   *earlier_ids;
	Earlier    *earlier;
	int			nearlier;

	if (count == 0)
		return;
	rules = usom_api_check_rules(checkings[0]->set->org_id);
	if (likely(rules->nrules == 0))
		return;
	of = palloc0_array(const UsomCheckRule *, count);
	for (int i = 0; i < count; i++)
	{
		of[i] = wanted(rules, checkings[i]);
		if (of[i] != NULL)
			checkings[i]->claimed = fingerprint(checkings[i]->set, checkings[i]->order);
	}
	firsts = find_firsts(checkings, count);
	rows = claimed_rows(checkings, count, firsts);
	if (rows == NULL)
		return;
	earlier_ids = palloc_array(int64, count);
	nearlier = claim_rows(checkings, count, rows, earlier_ids);
	earlier = read_orders(checkings[0]->set->org_id, earlier_ids, nearlier, &nearlier);
	compare_all(checkings, count, firsts, of, earlier, nearlier);
}

void
usom_api_unclaim_duplicates(UsomChecking *const *checkings, const bool *is_gone, int count)
{
	int64	   *ids = palloc_array(int64, count + 1);
	Datum		values[2];
	int			n = 0;

	for (int i = 0; i < count; i++)
		if (is_gone[i] && checkings[i]->claimed != NULL && checkings[i]->claimed_from != 0)
			ids[n++] = order_of(checkings[i])->sales_order_id;
	if (n == 0)
		return;
	values[0] = Int64GetDatum(checkings[0]->set->org_id);
	values[1] = usom_query_keys(ids, n);
	usom_query_write(&unclaim, values, NULL);
}

/* ---- what no rule asks for any more ---- */

#define TIDIED_AT_ONCE 10000

/*
 * Who ticks every minute does not look at all rows each time: of many, at so
 * many as a sample of blocks has.
 */
#define LOOKED_AT_ONCE "20000"

static UsomQuery choose_share = {
	.text = "SELECT least(100, 100 * " LOOKED_AT_ONCE " / greatest(c.reltuples, 1))::pg_catalog.float4 "
	"FROM pg_catalog.pg_class AS c WHERE c.oid = pg_catalog.to_regclass('usom.order_fingerprint')",
};

/* Longer ago than any rule looks back, or of an order that was never written. */
#define FORGOTTEN "coalesce((SELECT greatest(o.placed_at, o.created_at) FROM usom.sales_order AS o " \
	"WHERE o.org_id = $1 AND o.sales_order_id = f.sales_order_id), '-infinity') < statement_timestamp() - " \
	"(SELECT coalesce(max(coalesce((r.parameters->>'window')::interval, '24 hours')), '0') FROM usom.check_rule AS r " \
	"WHERE r.org_id = $1 AND r.check_code = 'duplicate')"

static UsomQuery lock_forgotten = {
	.text = "SELECT f.fingerprint, f.customer_id FROM usom.order_fingerprint AS f TABLESAMPLE SYSTEM ($3) WHERE f.org_id = $1 AND " FORGOTTEN
	" LIMIT $2 FOR UPDATE SKIP LOCKED",
	.nargs = 3,
	.argtypes = {"bigint", "bigint", "real"},
};

/* A statement of its own: it sees the order that claimed a row just before it was locked. */
static UsomQuery delete_forgotten = {
	.text = "DELETE FROM usom.order_fingerprint AS f USING unnest($2, $3) AS r (fingerprint, customer_id) "
	"WHERE f.org_id = $1 AND f.customer_id = r.customer_id AND f.fingerprint = r.fingerprint AND " FORGOTTEN,
	.nargs = 3,
	.argtypes = {"bigint", "bytea[]", "bigint[]"},
};

static uint64
tidy(int64 org_id)
{
	Datum		values[3] = {Int64GetDatum(org_id), Int64GetDatum(TIDIED_AT_ONCE)};
	uint64		n;
	Datum	   *fingerprints;
	Datum	   *customers;

	usom_query_look(&choose_share, NULL, NULL);
	values[2] = usom_query_get(0, 1);
	n = usom_query_write(&lock_forgotten, values, NULL);
	if (n == 0)
		return 0;
	fingerprints = palloc_array(Datum, n + 1);
	customers = palloc_array(Datum, n + 1);
	for (uint64 row = 0; row < n; row++)
	{
		fingerprints[row] = PointerGetDatum(DatumGetByteaPCopy(usom_query_get(row, 1)));
		customers[row] = usom_query_get(row, 2);
	}
	values[1] = PointerGetDatum(construct_array(fingerprints, (int) n, BYTEAOID, -1, false, TYPALIGN_INT));
	values[2] = PointerGetDatum(construct_array(customers, (int) n, INT8OID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
	return usom_query_write(&delete_forgotten, values, NULL);
}

/* usom._tidy_fingerprints(org_id bigint) */
Datum
usom__tidy_fingerprints(PG_FUNCTION_ARGS)
{
	uint64		gone;

	usom_call_begin("tidy", NULL);
	gone = tidy(PG_GETARG_INT64(0));
	usom_call_end();
	PG_RETURN_INT64((int64) gone);
}
