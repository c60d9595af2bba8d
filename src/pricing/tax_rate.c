/*
 * tax_rate.c
 *		The tax rates of an organisation, remembered by the backend.
 *
 * Memory: in a context of the memo (base/memo.h).  Locks: none.
 */
#include "postgres.h"

#include "pricing/tax.h"

#include "base/memo.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"

#define RATE_DECIMALS 4			/* of a percent: millionths */

/* The key is that of tax_rates_do_not_overlap. */
static UsomQuery select_rates = {
	.text = "SELECT coalesce(r.country, '') || '/' || coalesce(r.region, '') || '/' || coalesce(r.postcode, '') || '/' "
	"|| coalesce(r.tax_class, '') || '//' || coalesce(r.exemption, ''), r.jurisdiction, r.percent, r.included, r.on_freight, "
	"r.valid_from, coalesce(r.valid_to, 'infinity') FROM usom.tax_rate AS r WHERE r.org_id = $1",
	.nargs = 1,
	.argtypes = {"bigint"},
};

static int
compare_rates(const void *a, const void *b)
{
	const UsomTaxRate *left = a;
	const UsomTaxRate *right = b;
	int			difference = strcmp(left->key, right->key);

	if (difference != 0)
		return difference;
	return (left->valid_from < right->valid_from) - (left->valid_from > right->valid_from);
}

static const void *
read_rates(int64 org_id)
{
	UsomTaxRates *result = palloc_object(UsomTaxRates);
	Datum		values[] = {Int64GetDatum(org_id)};

	result->count = (int) usom_memo_look(&select_rates, values);
	result->rates = palloc_array(UsomTaxRate, Max(result->count, 1));
	for (int row = 0; row < result->count; row++)
		result->rates[row] = (UsomTaxRate) {
			.key = usom_query_get_text(row, 1),
			.jurisdiction = usom_query_get_text(row, 2),
			.millionths = usom_money_of(DatumGetNumeric(usom_query_get(row, 3)), RATE_DECIMALS),
			.included = DatumGetBool(usom_query_get(row, 4)),
			.on_freight = DatumGetBool(usom_query_get(row, 5)),
			.valid_from = DatumGetTimestampTz(usom_query_get(row, 6)),
			.valid_to = DatumGetTimestampTz(usom_query_get(row, 7)),
		};
	SPI_freetuptable(SPI_tuptable);
	qsort(result->rates, result->count, sizeof(UsomTaxRate), compare_rates);
	return result;
}

static const UsomTaxRates no_rates;

static UsomMemo memo = {
	.name = "usom tax rates",
	.tables = {"tax_rate"},
	.read = read_rates,
	.rules = {"tax_rate"},
	.nothing = &no_rates,
};

const UsomTaxRates *
usom_tax_rates(int64 org_id)
{
	const UsomTaxRates *rates = usom_memo_get(&memo, org_id);

	return rates->count > 0 ? rates : NULL;
}

char *
usom_tax_describe(const UsomTaxRate *rate)
{
	Numeric		percent = usom_money_numeric(rate->millionths, RATE_DECIMALS);
	Datum		trimmed = DirectFunctionCall1(numeric_trim_scale, NumericGetDatum(percent));

	return psprintf("%s %%%s", DatumGetCString(DirectFunctionCall1(numeric_out, trimmed)), rate->included ? " included" : "");
}

void
usom_tax_init(void)
{
	usom_memo_register(&memo);
}
