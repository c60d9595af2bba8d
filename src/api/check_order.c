/*
 * check_order.c
 *		The checks that rows of usom.check_rule ask for, but for duplicates.
 *
 * All of them look, whatever the first has found.  What they compare with that
 * is not in the set is read in one statement about the order, one about its
 * products and one about locations, each only if a check wants it.
 *
 * Locks: none.  Memory: CurrentMemoryContext.
 */
#include "postgres.h"

#include "api/check_rule.h"

#include "base/call.h"
#include "base/errors.h"
#include "base/query.h"
#include "party/person.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"

#define FACTS "u.code, u.segment, u.active, u.blocked, " \
	"a.name <> '', a.line1 <> '', a.line2 <> '', a.postcode <> '', a.city <> '', a.region <> '', a.country <> '', " \
	"a.country, a.postcode, a.verdict"

#define FACTS_OF_DOCUMENT \
	"LEFT JOIN usom.customer AS u ON u.org_id = $1 AND u.customer_id = q.customer_id " \
	"LEFT JOIN usom.address AS a ON a.org_id = $1 AND a.address_id = q.address_id"

static UsomQuery facts_of_document = {
	.text = "SELECT " FACTS ", NULL, NULL, NULL FROM (SELECT $2 AS customer_id, $3 AS address_id) AS q " FACTS_OF_DOCUMENT,
	.nargs = 3,
	.argtypes = {"bigint", "bigint", "bigint"},
};

static UsomQuery facts_of_documents = {
	.text = "SELECT " FACTS ", NULL, NULL, NULL, q.position FROM unnest($2) AS q " FACTS_OF_DOCUMENT,
	.nargs = 2,
	.argtypes = {"bigint", "usom._check_question[]"},
};

static UsomQuery facts_of_order = {
	.text = "SELECT " FACTS ", o.external_id IS NOT NULL, o.requested_at IS NOT NULL, o.payment IS NOT NULL FROM usom.sales_order AS o "
	"LEFT JOIN usom.customer AS u ON u.org_id = $1 AND u.customer_id = o.customer_id "
	"LEFT JOIN usom.address AS a ON a.org_id = $1 AND a.address_id = o.address_id "
	"WHERE o.org_id = $1 AND o.sales_order_id = $2",
	.nargs = 2,
	.argtypes = {"bigint", "bigint"},
};

static UsomQuery read_products = {
	.text = "SELECT p.product_id, p.sku, p.category FROM usom.product AS p WHERE p.org_id = $1 AND p.product_id = ANY ($2)",
	.nargs = 2,
	.argtypes = {"bigint", "bigint[]"},
};

static UsomQuery read_products_of_many = {
	.text = "SELECT p.product_id, p.sku, p.category, q.position FROM unnest($2) AS q "
	"CROSS JOIN LATERAL (SELECT DISTINCT k AS product_id FROM unnest(q.products) AS k) AS k "
	"JOIN usom.product AS p ON p.org_id = $1 AND p.product_id = k.product_id",
	.nargs = 2,
	.argtypes = {"bigint", "usom._check_question[]"},
};

static UsomQuery read_shippers = {
	.text = "SELECT l.location_id FROM usom.location AS l WHERE l.org_id = $1 AND l.active AND l.ships ORDER BY l.location_id",
	.nargs = 1,
	.argtypes = {"bigint"},
};

/* What is known of an order that is not in the set. */
typedef struct Facts
{
	const char *customer;		/* NULL: a guest */
	const char *segment;
	bool		active;
	bool		blocked;
	bool		has[USOM_ADDRESS_TEXTS];
	const char *country;		/* NULL: none, or sealed */
	const char *postcode;
	const char *verdict;
	bool		has_external_id;
	bool		has_requested_at;
	bool		has_payment;
} Facts;

typedef struct Work
{
	UsomChecking *checking;
	const UsomCheckRules *rules;
	const UsomCheckRule *rule;	/* that the check looks for */
	const UsomOrder *order;
	Facts	   *facts;			/* NULL: not read yet */
} Work;

/* ---- facts ---- */

static bool
get_flag(int column)
{
	bool		isnull;
	Datum		value = usom_query_get_or_null(0, column, &isnull);

	return !isnull && DatumGetBool(value);
}

static void
take_facts(Facts *facts)
{
	facts->customer = usom_query_get_text(0, 1);
	facts->segment = usom_query_get_text(0, 2);
	facts->active = get_flag(3);
	facts->blocked = get_flag(4);
	for (int i = 0; i < USOM_ADDRESS_TEXTS; i++)
		facts->has[i] = get_flag(5 + i);
	facts->country = usom_query_get_text(0, 5 + USOM_ADDRESS_TEXTS);
	facts->postcode = usom_query_get_text(0, 6 + USOM_ADDRESS_TEXTS);
	facts->verdict = usom_query_get_text(0, 7 + USOM_ADDRESS_TEXTS);
	facts->has_external_id = get_flag(8 + USOM_ADDRESS_TEXTS);
	facts->has_requested_at = get_flag(9 + USOM_ADDRESS_TEXTS);
	facts->has_payment = get_flag(10 + USOM_ADDRESS_TEXTS);
}

static const char *
get_key(const Jsonb *object, const char *key)
{
	JsonbValue	value;

	if (getKeyJsonValueFromContainer(unconstify(JsonbContainer *, &object->root), key, strlen(key), &value) == NULL ||
		value.type != jbvString || value.val.string.len == 0)
		return NULL;
	return pnstrdup(value.val.string.val, value.val.string.len);
}

/* The address of the document takes the place of the one that is kept. */
static void
take_ship_to(Facts *facts, const Jsonb *ship_to)
{
	for (int i = 0; i < USOM_ADDRESS_TEXTS; i++)
		facts->has[i] = get_key(ship_to, usom_address_texts[i]) != NULL;
	facts->country = get_key(ship_to, "country");
	facts->postcode = get_key(ship_to, "postcode");
	facts->verdict = get_key(ship_to, "verdict");
}

static const Facts *
read_facts(Work *work)
{
	const UsomDocument *document = work->checking->document;
	bool		is_document = work->checking->point == USOM_AT_PLACE;
	bool		nulls[3] = {false, is_document && work->order->customer_id == 0, false};
	Datum		values[3] = {
		Int64GetDatum(work->checking->set->org_id),
		Int64GetDatum(is_document ? work->order->customer_id : work->order->sales_order_id),
		Int64GetDatum(work->checking->address_id),
	};
	SPITupleTable *foreseen = work->checking->facts;
	Facts	   *facts;

	if (work->facts != NULL)
		return work->facts;
	facts = work->facts = palloc0_object(Facts);
	Ensure((foreseen != NULL ? usom_query_take(foreseen)
			: usom_query_run(is_document ? &facts_of_document : &facts_of_order, values, nulls)) == 1,
		   "an order that is checked is not there");
	take_facts(facts);
	if (document != NULL)
	{
		facts->has_external_id = document->external_id != NULL;
		facts->has_requested_at = document->requested_at != USOM_NO_TIME;
		facts->has_payment = document->payment != NULL;
	}
	if (work->checking->ship_to != NULL)
		take_ship_to(facts, work->checking->ship_to);
	return facts;
}

static bool
is_listed(char *const *list, const char *word)
{
	for (; word != NULL && list != NULL && *list != NULL; list++)
		if (strcmp(*list, word) == 0)
			return true;
	return false;
}

static void
find(Work *work, const char *path, int line, const char *message, const char *detail, const char *remedy)
{
	usom_api_find_by_rule(work->checking, work->rule, path, line, message, detail, remedy);
}

/* ---- completeness ---- */

static bool
is_given(Work *work, const char *name)
{
	const Facts *facts = read_facts(work);

	if (strncmp(name, "ship_to.", 8) == 0)
	{
		for (int i = 0; i < USOM_ADDRESS_TEXTS; i++)
			if (strcmp(name + 8, usom_address_texts[i]) == 0)
				return facts->has[i];
		return false;
	}
	if (strcmp(name, "customer") == 0)
		return facts->customer != NULL;
	if (strcmp(name, "external_id") == 0)
		return facts->has_external_id;
	if (strcmp(name, "requested_at") == 0)
		return facts->has_requested_at || work->order->requested_at != USOM_NO_TIME;
	return facts->has_payment;
}

static void
check_completeness(Work *work)
{
	static char *usual[] = {"ship_to.line1", "ship_to.city", "ship_to.country", NULL};
	char *const *require = work->rule->parameters.require ? work->rule->parameters.require : usual;

	for (; *require != NULL; require++)
		if (!is_given(work, *require))
			find(work, pstrdup(*require), -1, psprintf("%s is missing", *require), NULL, psprintf("Give %s.", *require));
}

/* ---- customer ---- */

static void
check_customer(Work *work)
{
	const UsomCheckParameters *parameters = &work->rule->parameters;
	const Facts *facts = read_facts(work);

	if (facts->customer == NULL)
	{
		if (parameters->no_guests)
			find(work, "customer", -1, "guests are not served", NULL, "Name a customer.");
		return;
	}
	if (!facts->active)
		find(work, "customer", -1, psprintf("customer \"%s\" is not active", facts->customer), NULL,
			 "Set active of the customer to true, or cancel the order.");
	if (facts->blocked)
		find(work, "customer", -1, psprintf("customer \"%s\" is blocked", facts->customer), NULL,
			 "Set blocked of the customer to false when it is settled.");
	if ((parameters->segments != NULL && !is_listed(parameters->segments, facts->segment)) ||
		is_listed(parameters->blocked_segments, facts->segment))
		find(work, "customer", -1, psprintf("customer \"%s\" is of a segment that is not served", facts->customer),
			 facts->segment ? psprintf("Its segment is \"%s\"", facts->segment) : "It has no segment",
			 "Correct the segment of the customer, or the rule.");
}

/* ---- sellable ---- */

static bool
is_restricted(const Work *work, const UsomRestriction *restriction, const char *sku, const char *category, const char *country)
{
	TimestampTz at = work->order->placed_at;

	if (restriction->sku != NULL ? strcmp(restriction->sku, sku) != 0
		: category == NULL || strcmp(restriction->category, category) != 0)
		return false;
	return (restriction->channel_id == 0 || restriction->channel_id == work->order->channel_id) &&
		(restriction->country == NULL || (country != NULL && strcmp(restriction->country, country) == 0)) &&
		restriction->from <= at && at < restriction->to;
}

static void
check_product(Work *work, int64 product_id, const char *sku, const char *category, const char *country)
{
	const UsomOrderSet *set = work->checking->set;

	for (int i = 0; i < work->rules->nrestrictions; i++)
	{
		const UsomRestriction *restriction = &work->rules->restrictions[i];

		if (!is_restricted(work, restriction, sku, category, country))
			continue;
		for (int line = usom_order_first_line(set, work->checking->order);
			 line < set->nlines && set->lines[line].order == work->checking->order; line++)
			if (set->lines[line].product_id == product_id && !set->lines[line].removed)
				find(work, usom_api_line_path(work->checking, line, "sku"), line,
					 psprintf("product \"%s\" is not sold %s", sku,
							  restriction->country ? psprintf("to %s", restriction->country)
							  : restriction->channel_id != 0 ? "in this channel" : "now"),
					 restriction->reason ? pstrdup(restriction->reason) : NULL, "Take the line out, or order another product.");
		return;
	}
}

static Datum
products_of(const UsomChecking *checking)
{
	const UsomOrderSet *set = checking->set;
	int64	   *products = palloc_array(int64, set->nlines + 1);
	int			n = 0;

	for (int i = 0; i < set->nlines; i++)
		if (set->lines[i].order == checking->order)
			products[n++] = set->lines[i].product_id;
	return usom_query_keys(products, n);
}

static void
check_sellable(Work *work)
{
	Datum		values[2] = {Int64GetDatum(work->checking->set->org_id)};
	const char *country;
	int64	   *products;
	const char **texts;
	int			n;

	if (work->rules->nrestrictions == 0)
		return;
	country = read_facts(work)->country;
	values[1] = products_of(work->checking);
	n = (int) (work->checking->products != NULL ? usom_query_take(work->checking->products)
			   : usom_query_run(&read_products, values, NULL));
	products = palloc_array(int64, n + 1);
	texts = palloc_array(const char *, 2 * n + 1);
	for (int i = 0; i < n; i++)
	{
		products[i] = DatumGetInt64(usom_query_get(i, 1));
		texts[2 * i] = usom_query_get_text(i, 2);
		texts[2 * i + 1] = usom_query_get_text(i, 3);
	}
	for (int i = 0; i < n; i++)
		check_product(work, products[i], texts[2 * i], texts[2 * i + 1], country);
}

/* ---- delivery ---- */

static bool
begins_like(char *const *list, const char *word)
{
	for (; word != NULL && list != NULL && *list != NULL; list++)
		if (strncmp(*list, word, strlen(*list)) == 0)
			return true;
	return false;
}

static bool
ships(const int64 *shippers, int count, int64 location_id)
{
	for (int i = 0; i < count; i++)
		if (location_id == 0 || shippers[i] == location_id)
			return true;
	return false;
}

static void
check_shippers(Work *work)
{
	const UsomOrderSet *set = work->checking->set;
	Datum		values[] = {Int64GetDatum(set->org_id)};
	int			n = (int) (work->checking->shippers != NULL ? usom_query_take(work->checking->shippers)
					   : usom_query_run(&read_shippers, values, NULL));
	int64	   *shippers = palloc_array(int64, n + 1);

	for (int i = 0; i < n; i++)
		shippers[i] = DatumGetInt64(usom_query_get(i, 1));
	for (int i = 0; i < set->nlines; i++)
		if (set->lines[i].order == work->checking->order && set->lines[i].stocked && !set->lines[i].removed &&
			!ships(shippers, n, set->lines[i].location_id))
			find(work, usom_api_line_path(work->checking, i, "location"), i,
				 set->lines[i].location_id != 0 ? "the location does not ship" : "no location ships", NULL,
				 "Name another location, or set ships and active of one to true.");
}

static void
check_delivery(Work *work)
{
	const UsomCheckParameters *parameters = &work->rule->parameters;
	const Facts *facts;

	if (work->order->order_type == USOM_TYPE_PICK_UP)
		return;
	facts = read_facts(work);
	if ((parameters->countries != NULL && !is_listed(parameters->countries, facts->country)) ||
		is_listed(parameters->not_countries, facts->country))
		find(work, "ship_to.country", -1, "the country is not served",
			 facts->country && strlen(facts->country) == 2 ? psprintf("It is %s", facts->country) : NULL, "Give an address in a country that is served.");
	if (begins_like(parameters->not_postcodes, facts->postcode))
		find(work, "ship_to.postcode", -1, "the postcode is not served", NULL, "Give an address that is served.");
	check_shippers(work);
}

/* ---- address ---- */

static void
check_address(Work *work)
{
	static char *usual[] = {"deliverable", "corrected", NULL};
	char *const *accept = work->rule->parameters.accept ? work->rule->parameters.accept : usual;
	const Facts *facts = read_facts(work);

	if (facts->verdict == NULL && work->rule->parameters.required)
		find(work, "ship_to", -1, "the address was not verified", NULL,
			 "Verify it and call usom.set_address_verdict().");
	else if (facts->verdict != NULL && !is_listed(accept, facts->verdict))
		find(work, "ship_to", -1, psprintf("the verification of the address says %s", facts->verdict), NULL,
			 "Correct the address by usom.change_order(), or call usom.set_address_verdict().");
}

/* ---- limits ---- */

static bool
is_more(Numeric amount, Numeric limit)
{
	return limit != NULL && DatumGetInt32(DirectFunctionCall2(numeric_cmp, NumericGetDatum(amount), NumericGetDatum(limit))) > 0;
}

static char *
amount_text(Numeric amount)
{
	return DatumGetCString(DirectFunctionCall1(numeric_out, DirectFunctionCall1(numeric_trim_scale, NumericGetDatum(amount))));
}

static const char *
asked(const char *what, const char *limit)
{
	return psprintf("%s, at most %s", what, limit);
}

static void
check_line_limits(Work *work, int line)
{
	const UsomCheckParameters *parameters = &work->rule->parameters;
	const UsomLine *of = &work->checking->set->lines[line];

	if (parameters->line_quantity > 0 && of->quantity > parameters->line_quantity)
		find(work, usom_api_line_path(work->checking, line, "quantity"), line, psprintf("line %d has an unusual quantity", of->line_no),
			 asked(usom_quantity_text(of->quantity), usom_quantity_text(parameters->line_quantity)), "Order less, or ask for a release.");
	if (is_more(of->total, parameters->line_total))
		find(work, usom_api_line_path(work->checking, line, "unit_price"), line, psprintf("line %d has an unusual total", of->line_no),
			 asked(amount_text(of->total), amount_text(parameters->line_total)), "Order less, or ask for a release.");
}

static void
check_limits(Work *work)
{
	const UsomCheckParameters *parameters = &work->rule->parameters;
	const UsomOrderSet *set = work->checking->set;
	UsomQuantity units = 0;
	int			lines = 0;

	for (int i = 0; i < set->nlines; i++)
	{
		if (set->lines[i].order != work->checking->order || set->lines[i].removed || usom_line_is_component(&set->lines[i]))
			continue;
		lines++;
		units = usom_quantity_add(units, set->lines[i].quantity);
		check_line_limits(work, i);
	}
	if (parameters->order_quantity > 0 && units > parameters->order_quantity)
		find(work, "lines", -1, "the order has an unusual number of units",
			 asked(usom_quantity_text(units), usom_quantity_text(parameters->order_quantity)), "Order less, or ask for a release.");
	if (parameters->lines > 0 && lines > parameters->lines)
		find(work, "lines", -1, "the order has an unusual number of lines",
			 asked(psprintf("%d", lines), psprintf("%d", parameters->lines)), "Cut the order in two, or ask for a release.");
	if (is_more(work->order->total, parameters->order_total))
		find(work, "lines", -1, "the order has an unusual total",
			 asked(amount_text(work->order->total), amount_text(parameters->order_total)), "Order less, or ask for a release.");
}

/* ---- all of them ---- */

#define USOM_CHECK(name, code, function, hold_type, description, parameters) [USOM_CHECK_##name] = {code, function},
static const struct
{
	const char *code;
	void		(*check) (Work *work);	/* NULL: not here */
}			checks[USOM_CHECK_KINDS] = {
#include "api/check.def"
};
#undef USOM_CHECK

static bool
has_hold_of(const List *findings, const char *code)
{
	for (int i = 0; i < list_length(findings); i++)
	{
		const UsomFinding *finding = list_nth(findings, i);

		if (finding->severity == USOM_HOLD && strcmp(finding->code, code) == 0)
			return true;
	}
	return false;
}

UsomHoldFacts
usom_api_hold_facts(UsomChecking *checking)
{
	Work		work = {.checking = checking, .order = &checking->set->orders[checking->order]};
	const Facts *facts = read_facts(&work);

	return (UsomHoldFacts) {facts->segment, facts->country};
}

Datum
usom_api_check_questions(UsomChecking *const *checkings, int count)
{
	UsomRows   *rows = usom_rows_make("_check_question", count);

	for (int i = 0; i < count; i++)
	{
		const UsomOrder *order = &checkings[i]->set->orders[checkings[i]->order];
		bool		nulls[4] = {false, order->customer_id == 0, false, false};

		usom_rows_add(rows, (Datum[]) {
			Int32GetDatum(i + 1), Int64GetDatum(order->customer_id), Int64GetDatum(checkings[i]->address_id), products_of(checkings[i])
		}, nulls);
	}
	return usom_rows_datum(rows);
}

static void
foresee_products(UsomChecking *const *checkings, int count, Datum *values)
{
	SPITupleTable **parts;

	usom_query_run(&read_products_of_many, values, NULL);
	parts = usom_query_cut(count);
	for (int i = 0; i < count; i++)
		checkings[i]->products = parts[i];
}

void
usom_api_foresee_facts(UsomChecking *const *checkings, int count)
{
	const UsomCheckRules *rules = count > 1 ? usom_api_check_rules(checkings[0]->set->org_id) : NULL;
	bool		has_rules = rules != NULL && rules->nrules > 0;
	bool		is_restricted = has_rules && rules->nrestrictions > 0;
	Datum		values[2];
	SPITupleTable **parts;

	if (likely(rules == NULL || (!has_rules && !rules->has_hold_rules)))
		return;
	values[0] = Int64GetDatum(checkings[0]->set->org_id);
	values[1] = usom_api_check_questions(checkings, count);
	usom_query_run(&facts_of_documents, values, NULL);
	parts = usom_query_cut(count);
	for (int i = 0; i < count; i++)
		checkings[i]->facts = parts[i];
	if (has_rules)
		usom_query_run(&read_shippers, values, NULL);
	for (int i = 0; has_rules && i < count; i++)
		checkings[i]->shippers = SPI_tuptable;
	if (is_restricted)
		foresee_products(checkings, count, values);
}

void
usom_api_check_by_rules(UsomChecking *checking)
{
	Work		work = {
		.checking = checking, .rules = usom_api_check_rules(checking->set->org_id),
		.order = &checking->set->orders[checking->order]
	};

	if (likely(work.rules->nrules == 0))
		return;
	for (int kind = 0; kind < USOM_CHECK_KINDS; kind++)
	{
		work.rule = usom_api_check_rule_of(work.rules, checking, kind);
		if (work.rule == NULL || checks[kind].check == NULL)
			continue;
		checks[kind].check(&work);
		if (!has_hold_of(checking->findings, checks[kind].code))
			checking->passed = lappend(checking->passed, unconstify(char *, checks[kind].code));
	}
}
