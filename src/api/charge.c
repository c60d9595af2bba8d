/*
 * charge.c
 *		Freight and tax of an order: the facts are read, the rules looked up,
 *		the pure functions of the room pricing asked, their steps noted.
 *
 * Locks: none; the order is new, or locked by the caller.
 *
 * Memory: CurrentMemoryContext; what steps say is copied out of the memos.
 *
 * Invariant: of each line, the steps lead from goods less discount to what the
 * whole line costs.
 */
#include "postgres.h"

#include "api/price.h"

#include "base/compat.h"
#include "base/errors.h"
#include "base/query.h"
#include "catalog/pg_type.h"
#include "order/type.h"
#include "party/person.h"
#include "party/vault.h"
#include "pricing/freight.h"
#include "pricing/tax.h"
#include "utils/array.h"
#include "utils/builtins.h"

/* What the rules ask about a line of the waterfall. */
typedef struct ChargeFact
{
	const char *tax_class;		/* NULL: none */
	UsomQuantity weight;
	bool		is_sent;
	bool		was_told;		/* the next four, in an earlier call */
	UsomMoney	told;
	bool		included;
	const char *jurisdiction;
	UsomMoney	taxable;
} ChargeFact;

typedef struct Charging
{
	const UsomOrderSet *set;
	const UsomOrder *order;
	const UsomChargeRequest *request;
	UsomWaterfall *waterfall;
	const int  *lines;			/* of the set, by line of the waterfall */
	ChargeFact *facts;			/* by line of the waterfall */
	UsomTaxPlace place;
	UsomTaxAnswers *answers;
} Charging;

/* Products that the order brings with it are not written yet. */
#define FACTS \
	"SELECT r.n::integer, p.tax_class, p.weight, coalesce(p.kind, 'physical') <> 'service', u.tax_exemption, a.country, a.region, " \
	"a.postcode, t.amount, t.included, t.jurisdiction, t.taxable " \
	"FROM unnest(q.products, q.line_nos) WITH ORDINALITY AS r (product_id, line_no, n) " \
	"LEFT JOIN usom.product AS p ON p.org_id = $1 AND p.product_id = r.product_id " \
	"LEFT JOIN usom.customer AS u ON u.org_id = $1 AND u.customer_id = q.customer_id " \
	"LEFT JOIN usom.sales_order AS o ON o.org_id = $1 AND o.sales_order_id = q.sales_order_id " \
	"LEFT JOIN usom.address AS a ON a.org_id = $1 AND a.address_id = coalesce(q.address_id, o.address_id) " \
	"LEFT JOIN usom.order_tax AS t ON t.org_id = $1 AND t.sales_order_id = q.sales_order_id AND t.line_no = r.line_no AND t.product_id = r.product_id"

static UsomQuery read_facts = {
	.text = "SELECT f.* FROM (SELECT $2 AS products, $3 AS line_nos, $4 AS customer_id, $5 AS sales_order_id, $6 AS address_id) AS q "
	"CROSS JOIN LATERAL (" FACTS ") AS f",
	.nargs = 6,
	.argtypes = {"bigint", "bigint[]", "integer[]", "bigint", "bigint", "bigint"},
};

static UsomQuery read_facts_of_many = {
	.text = "SELECT f.*, q.position FROM unnest($2) AS q CROSS JOIN LATERAL (" FACTS ") AS f",
	.nargs = 2,
	.argtypes = {"bigint", "usom._charge_question[]"},
};

bool
usom_api_is_charged(const UsomOrderSet *set, int order, const UsomChargeRequest *request)
{
	if (usom_tax_rates(set->org_id) != NULL || usom_freight_charges(set->org_id) != NULL)
		return true;
	for (int i = 0; request->taxes != NULL && i < set->nlines; i++)
		if (set->lines[i].order == order && request->taxes[i].amount != NULL)
			return true;
	return false;
}

/* ---- what the rules ask about ---- */

/* products, numbers of lines, customer, order, address */
static void
fill_question(const UsomOrderSet *set, const UsomOrder *order, const UsomWaterfall *waterfall, const int *lines, int64 address_id,
			  Datum *values, bool *nulls)
{
	int			n = waterfall->nlines;
	Datum	   *products = palloc_array(Datum, Max(n, 1));
	Datum	   *numbers = palloc_array(Datum, Max(n, 1));

	for (int i = 0; i < n; i++)
	{
		products[i] = Int64GetDatum(set->lines[lines[i]].product_id);
		numbers[i] = Int32GetDatum(waterfall->lines[i].line_no);
	}
	values[0] = PointerGetDatum(construct_array(products, n, INT8OID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
	values[1] = PointerGetDatum(construct_array(numbers, n, INT4OID, sizeof(int32), true, TYPALIGN_INT));
	values[2] = Int64GetDatum(order->customer_id);
	values[3] = Int64GetDatum(order->sales_order_id);
	values[4] = Int64GetDatum(address_id);
	nulls[4] = address_id == 0;
}

/* A text of the address that is kept in clear; NULL for others. */
static const char *
plain_text(uint64 row, int column)
{
	char	   *string = usom_query_get_text(row, column);
	int64		person_id;

	if (string == NULL || usom_vault_is_sealed(cstring_to_text(string), &person_id))
		return NULL;
	return string;
}

/* The same of a ship_to that is not sealed yet: what will be is not looked at. */
static const char *
said_text(const Jsonb *ship_to, const char *key, UsomAddressText kind)
{
	JsonbValue	found;
	text	   *clear;

	if (getKeyJsonValueFromContainer((JsonbContainer *) &ship_to->root, key, strlen(key), &found) == NULL ||
		found.type != jbvString || found.val.string.len == 0)
		return NULL;
	clear = cstring_to_text_with_len(found.val.string.val, found.val.string.len);
	return usom_address_is_plain(kind, clear) ? text_to_cstring(clear) : NULL;
}

static void
take_place(Charging *charging, uint64 row)
{
	const Jsonb *ship_to = charging->request->ship_to;

	charging->place = (UsomTaxPlace) {
		.country = ship_to ? said_text(ship_to, "country", USOM_ADDRESS_COUNTRY) : plain_text(row, 6),
		.region = ship_to ? said_text(ship_to, "region", USOM_ADDRESS_REGION) : plain_text(row, 7),
		.postcode = ship_to ? said_text(ship_to, "postcode", USOM_ADDRESS_POSTCODE) : plain_text(row, 8),
		.exemption = usom_query_get_text(row, 5),
		.at = charging->waterfall->at,
	};
}

static void
take_fact(Charging *charging, uint64 row)
{
	ChargeFact *fact = &charging->facts[DatumGetInt32(usom_query_get(row, 1)) - 1];
	int			decimals = charging->waterfall->decimals;
	bool		isnull;
	Datum		value;

	fact->tax_class = usom_query_get_text(row, 2);
	value = usom_query_get_or_null(row, 3, &isnull);
	fact->weight = isnull ? 0 : usom_quantity_of_datum(value);
	fact->is_sent = DatumGetBool(usom_query_get(row, 4));
	value = usom_query_get_or_null(row, 9, &isnull);
	fact->was_told = !isnull;
	if (isnull)
		return;
	fact->told = usom_money_of(DatumGetNumeric(value), decimals);
	fact->included = DatumGetBool(usom_query_get(row, 10));
	fact->jurisdiction = usom_query_get_text(row, 11);
	fact->taxable = usom_money_of(DatumGetNumeric(usom_query_get(row, 12)), decimals);
}

static void
read_all(Charging *charging, SPITupleTable *foreseen)
{
	Datum		values[6] = {Int64GetDatum(charging->set->org_id)};
	bool		nulls[6] = {false};
	uint64		rows;

	fill_question(charging->set, charging->order, charging->waterfall, charging->lines, charging->request->address_id, &values[1], &nulls[1]);
	charging->facts = palloc0_array(ChargeFact, Max(charging->waterfall->nlines, 1));
	rows = foreseen != NULL ? usom_query_take(foreseen) : usom_query_run(&read_facts, values, nulls);
	for (uint64 row = 0; row < rows; row++)
		take_fact(charging, row);
	if (rows > 0)
		take_place(charging, 0);
}

void
usom_api_foresee_charges(const UsomPriceWish *wishes, UsomPricing *const *pricings, int count)
{
	UsomRows   *rows = usom_rows_make("_charge_question", count);
	Datum		values[2] = {Int64GetDatum(wishes[0].set->org_id)};
	SPITupleTable **parts;

	for (int i = 0; i < count; i++)
	{
		const UsomOrderSet *set = wishes[i].set;
		Datum		question[6] = {Int32GetDatum(i + 1)};
		bool		nulls[6] = {false};

		if (!usom_api_is_charged(set, 0, &wishes[i].request->charge))
			continue;
		fill_question(set, &set->orders[0], &pricings[i]->waterfall, pricings[i]->lines, wishes[i].request->charge.address_id, &question[1], &nulls[1]);
		usom_rows_add(rows, question, nulls);
	}
	if (usom_rows_count(rows) == 0)
		return;
	values[1] = usom_rows_datum(rows);
	usom_query_run(&read_facts_of_many, values, NULL);
	parts = usom_query_cut(count);
	for (int i = 0; i < count; i++)
		if (usom_api_is_charged(wishes[i].set, 0, &wishes[i].request->charge))
			wishes[i].request->charge.foreseen = parts[i];
}

/* ---- freight ---- */

static void
add_freight(Charging *charging)
{
	UsomWaterfall *waterfall = charging->waterfall;
	UsomFreightLine *lines = palloc0_array(UsomFreightLine, Max(waterfall->nlines, 1));
	const UsomFreightOrder asked = {
		waterfall->channel, usom_order_type_name(charging->order->order_type), charging->place.country, waterfall->currency, waterfall->at
	};
	const UsomFreightCharge *charge = usom_freight_find(usom_freight_charges(charging->set->org_id), &asked);
	const char *name = charge != NULL ? pstrdup(charge->name) : NULL;

	for (int i = 0; i < waterfall->nlines; i++)
		lines[i] = (UsomFreightLine) {
			.is_sent = charging->facts[i].is_sent, .quantity = waterfall->lines[i].quantity, .weight = charging->facts[i].weight,
			.goods = waterfall->lines[i].goods - waterfall->lines[i].discount
		};
	usom_freight_lines(charge, waterfall->decimals, lines, waterfall->nlines);
	for (int i = 0; i < waterfall->nlines; i++)
	{
		UsomMoney	before = usom_price_line_amount(&waterfall->lines[i]);

		waterfall->lines[i].freight = lines[i].freight;
		if (lines[i].freight == 0)
			continue;
		usom_price_note(waterfall, i, USOM_STEP_FREIGHT, name, before, "share of the freight of the order");
	}
}

/* ---- tax ---- */

static UsomMoney
taxable_of(const UsomPriceLine *line)
{
	return line->goods - line->discount + line->freight;
}

static void
refuse_tax(int32 line_no, const char *what, UsomMoney amount, int decimals)
{
	ereport(ERROR, errcode(USOM_ERR(BAD_TAX)),
			errmsg("the tax told for line %d %s", line_no, what),
			errdetail("The line costs %s before tax is added.", usom_money_text(amount, decimals)),
			errhint("Tell the tax on all units of the line, in the minor unit of the currency."));
}

/* What is told now. */
static void
take_told(Charging *charging, int index, const UsomToldTax *told, UsomTaxLine *line)
{
	UsomWaterfall *waterfall = charging->waterfall;
	UsomPriceLine *priced = &waterfall->lines[index];
	UsomTaxAnswer *answer = &charging->answers->answers[charging->answers->count++];

	*answer = (UsomTaxAnswer) {
		priced->line_no, charging->set->lines[charging->lines[index]].product_id, told->jurisdiction,
		usom_money_of(told->amount, waterfall->decimals), told->included, taxable_of(priced), waterfall->decimals
	};
	if (!usom_money_is_exact(told->amount, waterfall->decimals))
		refuse_tax(priced->line_no, "is finer than the currency", answer->taxable, waterfall->decimals);
	if (told->included && answer->amount > answer->taxable)
		refuse_tax(priced->line_no, "is more than what it is in", answer->taxable, waterfall->decimals);
	line->is_told = true;
	line->tax = answer->amount;
	line->included = told->included;
}

/* What was told before, for the amount that the line had then. */
static void
follow_told(const ChargeFact *fact, UsomMoney taxable, UsomTaxLine *line)
{
	line->is_told = true;
	line->included = fact->included;
	line->tax = fact->taxable == taxable ? fact->told
		: fact->taxable == 0 ? 0 : usom_money_scale(fact->told, taxable, fact->taxable);
}

static UsomTaxLine
ask_line(Charging *charging, const UsomTaxRates *rates, int index)
{
	const UsomPriceLine *priced = &charging->waterfall->lines[index];
	const ChargeFact *fact = &charging->facts[index];
	const UsomToldTax *told = charging->request->taxes ? &charging->request->taxes[charging->lines[index]] : NULL;
	UsomTaxLine line = {.goods = priced->goods - priced->discount, .freight = priced->freight};

	if (told != NULL && told->amount != NULL)
		take_told(charging, index, told, &line);
	else if (fact->was_told)
		follow_told(fact, taxable_of(priced), &line);
	else
		line.rate = usom_tax_find(rates, &charging->place, fact->tax_class);
	return line;
}

static const char *
jurisdiction_of(const Charging *charging, int index, const UsomTaxLine *line)
{
	const UsomToldTax *told = charging->request->taxes ? &charging->request->taxes[charging->lines[index]] : NULL;

	if (line->rate != NULL)
		return pstrdup(line->rate->jurisdiction);
	return told != NULL && told->amount != NULL ? told->jurisdiction : charging->facts[index].jurisdiction;
}

static void
add_tax(Charging *charging)
{
	UsomWaterfall *waterfall = charging->waterfall;
	UsomTaxLine *lines = palloc_array(UsomTaxLine, Max(waterfall->nlines, 1));
	const UsomTaxRates *rates = usom_tax_rates(charging->set->org_id);

	for (int i = 0; i < waterfall->nlines; i++)
		lines[i] = ask_line(charging, rates, i);
	usom_tax_lines(lines, waterfall->nlines);
	for (int i = 0; i < waterfall->nlines; i++)
	{
		UsomPriceLine *line = &waterfall->lines[i];
		UsomMoney	before = usom_price_line_amount(line);

		line->tax = lines[i].tax;
		line->tax_included = lines[i].included;
		if (lines[i].rate == NULL && !lines[i].is_told)
			continue;
		usom_price_note(waterfall, i, USOM_STEP_TAX, jurisdiction_of(charging, i, &lines[i]), before,
						lines[i].is_told ? (lines[i].included ? "told, included" : "told") : usom_tax_describe(lines[i].rate));
	}
}

static Charging
begin(const UsomOrderSet *set, int order, const UsomChargeRequest *request, UsomWaterfall *waterfall, const int *lines)
{
	Charging	charging = {
		.set = set, .order = &set->orders[order], .request = request, .waterfall = waterfall, .lines = lines,
		.answers = palloc0_object(UsomTaxAnswers)
	};

	charging.answers->answers = palloc_array(UsomTaxAnswer, Max(waterfall->nlines, 1));
	read_all(&charging, request->foreseen);
	return charging;
}

UsomTaxAnswers *
usom_api_add_charges(const UsomOrderSet *set, int order, const UsomChargeRequest *request, UsomWaterfall *waterfall, const int *lines)
{
	Charging	charging = begin(set, order, request, waterfall, lines);

	add_freight(&charging);
	add_tax(&charging);
	return charging.answers;
}

void
usom_api_add_taxes(const UsomOrderSet *set, int order, const UsomChargeRequest *request, UsomWaterfall *waterfall, const int *lines)
{
	Charging	charging = begin(set, order, request, waterfall, lines);

	add_tax(&charging);
}
