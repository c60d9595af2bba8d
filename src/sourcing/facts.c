/*
 * facts.c
 *		What wants are: their products, their orders, where these go, and the
 *		rules they pass.
 *
 *		One statement, whatever the number of wants, and one more for addresses
 *		without coordinates.  The rules are matched in C over the master data.
 *
 * Memory: CurrentMemoryContext.  Locks: none.
 */
#include "postgres.h"

#include "sourcing/lanes.h"

#include "base/errors.h"
#include "base/query.h"
#include "party/house.h"
#include "utils/builtins.h"

/* What is the same for all wants of an order. */
typedef struct OrderFacts
{
	bool		ship_complete;
	int64		channel_id;
	RuleCase	of;				/* without channel and product */
	bool		has_place;
	double		latitude;
	double		longitude;
	char	   *postcode;
} OrderFacts;

typedef struct Reading
{
	int64		org_id;
	const UsomWant *wants;
	int			nwants;
	int		   *firsts;			/* by want: the first one of its order */
	OrderFacts *orders;			/* by want, where it is the first */
	WantFacts  *facts;
	const SourcingMaster *master;
	RuleRow   **rules;			/* by rule of the master data, made when it is first passed */
	int		   *passed;			/* rules that the want at hand passes */
} Reading;

/* ---- orders and products ---- */

static int
compare_wants(const void *a, const void *b, void *argument)
{
	const UsomWant *wants = argument;
	int			left = *(const int *) a;
	int			right = *(const int *) b;

	if (wants[left].sales_order_id != wants[right].sales_order_id)
		return wants[left].sales_order_id < wants[right].sales_order_id ? -1 : 1;
	return left - right;
}

static void
find_firsts(Reading *reading)
{
	int		   *sorted = palloc_array(int, Max(reading->nwants, 1));

	reading->firsts = palloc_array(int, Max(reading->nwants, 1));
	for (int i = 0; i < reading->nwants; i++)
		sorted[i] = i;
	qsort_arg(sorted, reading->nwants, sizeof(int), compare_wants, unconstify(UsomWant *, reading->wants));
	for (int i = 0; i < reading->nwants; i++)
	{
		bool		is_first = i == 0 ||
			reading->wants[sorted[i]].sales_order_id != reading->wants[sorted[i - 1]].sales_order_id;

		reading->firsts[sorted[i]] = is_first ? sorted[i] : reading->firsts[sorted[i - 1]];
	}
	pfree(sorted);
}

/* An order is looked up with its first want alone. */
static Datum
want_rows(const Reading *reading)
{
	UsomRows   *rows = usom_rows_make("_sourcing_want", reading->nwants);

	for (int i = 0; i < reading->nwants; i++)
	{
		Datum		values[3] = {
			Int32GetDatum(i + 1), Int64GetDatum(reading->wants[i].sales_order_id), Int64GetDatum(reading->wants[i].product_id)
		};
		bool		nulls[3] = {false, reading->firsts[i] != i, false};

		usom_rows_add(rows, values, nulls);
	}
	return usom_rows_datum(rows);
}

/* A key that is null finds nothing and costs little.  Channels are remembered. */
#define FACT_COLUMNS "SELECT w.ordinal, p.weight::pg_catalog.float8, p.sku, p.category, o.ship_complete, o.order_type, o.channel_id, " \
	"a.country, a.latitude, a.longitude, a.postcode"
#define FACT_TABLES " FROM unnest($2) AS w " \
	"JOIN usom.product AS p ON p.org_id = $1 AND p.product_id = w.product_id " \
	"LEFT JOIN usom.sales_order AS o ON o.org_id = $1 AND o.sales_order_id = w.sales_order_id " \
	"LEFT JOIN usom.address AS a ON a.org_id = $1 AND a.address_id = o.address_id"

static UsomQuery select_facts = {
	.text = FACT_COLUMNS FACT_TABLES,
	.nargs = 2,
	.argtypes = {"bigint", "usom._sourcing_want[]"},
};

/* Where a rule asks for customers. */
static UsomQuery select_facts_of_customers = {
	.text = FACT_COLUMNS ", u.code" FACT_TABLES
	" LEFT JOIN usom.customer AS u ON u.org_id = $1 AND u.customer_id = o.customer_id",
	.nargs = 2,
	.argtypes = {"bigint", "usom._sourcing_want[]"},
};

#define ORDER 5					/* first column of the order */

static double
get_double(uint64 row, int column, bool *isnull)
{
	Datum		value = usom_query_get_or_null(row, column, isnull);

	return *isnull ? 0 : DatumGetFloat8(value);
}

static void
take_order(Reading *reading, int want, uint64 row)
{
	OrderFacts *order = &reading->orders[want];
	bool		isnull;
	Datum		complete = usom_query_get_or_null(row, ORDER, &isnull);
	bool		no_latitude;
	bool		no_longitude;

	Ensure(!isnull, "a want is of an order that is not there");
	order->ship_complete = DatumGetBool(complete);
	order->of.order_type = usom_query_get_text(row, ORDER + 1);
	order->channel_id = DatumGetInt64(usom_query_get(row, ORDER + 2));
	order->of.country = usom_query_get_text(row, ORDER + 3);
	order->latitude = get_double(row, ORDER + 4, &no_latitude);
	order->longitude = get_double(row, ORDER + 5, &no_longitude);
	order->has_place = !no_latitude && !no_longitude;
	if (!order->has_place && order->of.country != NULL)
		order->postcode = usom_query_get_text(row, ORDER + 6);
	if (reading->master->asks_customers)
		order->of.customer = usom_query_get_text(row, ORDER + 7);
}

static RuleCase *
read_rows(Reading *reading)
{
	Datum		values[] = {Int64GetDatum(reading->org_id), want_rows(reading)};
	UsomQuery  *query = reading->master->asks_customers ? &select_facts_of_customers : &select_facts;
	int			nrows = (int) usom_query_run(query, values, NULL);
	RuleCase   *products = palloc0_array(RuleCase, Max(reading->nwants, 1));

	Ensure(nrows == reading->nwants, "a want is of a product that is not there");
	for (int row = 0; row < nrows; row++)
	{
		int			want = DatumGetInt32(usom_query_get(row, 1)) - 1;
		bool		isnull;

		reading->facts[want].weight = get_double(row, 2, &isnull);
		products[want].sku = usom_query_get_text(row, 3);
		products[want].category = usom_query_get_text(row, 4);
		if (reading->firsts[want] == want)
			take_order(reading, want, row);
	}
	return products;
}

/* ---- where postal codes are ---- */

static UsomQuery select_places = {
	.text = "SELECT p.ordinal, z.latitude, z.longitude FROM unnest($2) AS p "
	"CROSS JOIN LATERAL (SELECT z.latitude, z.longitude FROM usom.postcode_centroid AS z "
	"WHERE z.org_id = $1 AND z.country = p.country "
	"AND z.postcode = ANY (ARRAY(SELECT left(p.postcode, n) FROM generate_series(0, 12) AS n)) "
	"ORDER BY length(z.postcode) DESC LIMIT 1) AS z",
	.nargs = 2,
	.argtypes = {"bigint", "usom._sourcing_place[]"},
};

/* Capitals and digits alone, as centroids have them. */
static char *
plain_postcode(const char *postcode)
{
	char	   *plain = palloc(strlen(postcode) + 1);
	char	   *end = plain;

	for (const char *c = postcode; *c != '\0'; c++)
		if ((*c >= '0' && *c <= '9') || (*c >= 'A' && *c <= 'Z') || (*c >= 'a' && *c <= 'z'))
			*end++ = pg_ascii_toupper((unsigned char) *c);
	*end = '\0';
	return plain;
}

/* An address without coordinates is where the longest beginning of its postal code is. */
static void
find_places(Reading *reading)
{
	UsomRows   *rows = usom_rows_make("_sourcing_place", 8);
	Datum		values[2] = {Int64GetDatum(reading->org_id)};
	int			nrows;

	for (int i = 0; i < reading->nwants; i++)
		if (reading->orders[i].postcode != NULL)
			usom_rows_add(rows, (Datum[]) {
				Int32GetDatum(i + 1), CStringGetTextDatum(reading->orders[i].of.country),
				CStringGetTextDatum(plain_postcode(reading->orders[i].postcode))
			}, (bool[]) {false, false, false});
	values[1] = usom_rows_datum(rows);
	nrows = (int) usom_query_run(&select_places, values, NULL);
	for (int row = 0; row < nrows; row++)
	{
		OrderFacts *order = &reading->orders[DatumGetInt32(usom_query_get(row, 1)) - 1];

		order->has_place = true;
		order->latitude = DatumGetFloat8(usom_query_get(row, 2));
		order->longitude = DatumGetFloat8(usom_query_get(row, 3));
	}
}

static bool
any_postcode(const Reading *reading)
{
	for (int i = 0; i < reading->nwants; i++)
		if (reading->orders[i].postcode != NULL)
			return true;
	return false;
}

/* ---- rules ---- */

/* A copy of it, once for all wants. */
static const RuleRow *
rule_row(Reading *reading, int index)
{
	const MasterRule *rule = &reading->master->rules[index];
	RuleRow    *row = reading->rules[index];

	if (row != NULL)
		return row;
	row = reading->rules[index] = palloc_object(RuleRow);
	*row = (RuleRow) {
		.sourcing_rule_id = rule->sourcing_rule_id,
		.code = pstrdup(rule->code),
		.next_rule = rule->next_rule != NULL ? pstrdup(rule->next_rule) : NULL,
		.when_short = pstrdup(rule->when_short),
		.shipment_cost = rule->shipment_cost,
		.distance_cost = rule->distance_cost,
		.late_cost = rule->late_cost,
		.most_shipments = rule->most_shipments,
		.most_parts = rule->most_parts,
		.smallest_part = rule->smallest_part,
		.ship_complete = rule->ship_complete,
		.as_ordered = rule->as_ordered,
	};
	return row;
}

/* One without any has the empty rule. */
static void
match_rules(Reading *reading, WantFacts *facts, const RuleCase *of)
{
	static const RuleRow empty = {.code = "", .when_short = "backorder", .late_cost = -1, .as_ordered = true};

	for (int i = 0; i < reading->master->nrules; i++)
		if (usom_sourcing_rule_matches(&reading->master->rules[i], of))
			reading->passed[facts->nrules++] = i;
	facts->rules = palloc_array(RuleRow, Max(facts->nrules, 1));
	for (int i = 0; i < facts->nrules; i++)
		facts->rules[i] = *rule_row(reading, reading->passed[i]);
	if (facts->nrules == 0)
		facts->rules[facts->nrules++] = empty;
}

static void
make_facts(Reading *reading, const RuleCase *products)
{
	const UsomHouse *house = usom_party_house(reading->org_id);

	reading->rules = palloc0_array(RuleRow *, Max(reading->master->nrules, 1));
	reading->passed = palloc_array(int, Max(reading->master->nrules, 1));
	for (int i = 0; i < reading->nwants; i++)
	{
		const OrderFacts *order = &reading->orders[reading->firsts[i]];
		WantFacts  *facts = &reading->facts[i];
		const UsomChannel *channel = usom_party_channel_of(house, order->channel_id);
		RuleCase	of = order->of;

		of.channel = channel != NULL ? channel->code : NULL;
		of.sku = products[i].sku;
		of.category = products[i].category;
		facts->ship_complete = order->ship_complete;
		facts->has_place = order->has_place;
		facts->latitude = order->latitude;
		facts->longitude = order->longitude;
		facts->country = order->of.country;
		facts->master = reading->master;
		match_rules(reading, facts, &of);
	}
}

WantFacts *
usom_sourcing_read_facts(int64 org_id, const UsomWant *wants, int nwants)
{
	Reading		reading = {
		.org_id = org_id, .wants = wants, .nwants = nwants,
		.orders = palloc0_array(OrderFacts, Max(nwants, 1)),
		.facts = palloc0_array(WantFacts, Max(nwants, 1)),
		.master = usom_sourcing_master(org_id),
	};
	const RuleCase *products;

	find_firsts(&reading);
	products = read_rows(&reading);
	if (any_postcode(&reading))
		find_places(&reading);
	make_facts(&reading, products);
	for (int i = 0; i < nwants; i++)
		reading.facts[i].fetched = wants[i].fetched;
	return reading.facts;
}
