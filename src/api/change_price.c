/*
 * change_price.c
 *		What a change of an order says about units and prices.
 *
 * Locks: none; the order is locked.  Memory: CurrentMemoryContext, which is
 * the call's.
 */
#include "postgres.h"

#include "api/change.h"

#include "base/query.h"
#include "catalog/pg_type.h"
#include "utils/array.h"

/* Quantities and prices of changes that name a unit become those of the product's own. */
void
usom_api_resolve_change_units(const UsomOrderSet *set, const UsomChanges *changes, const UsomSchema *schema,
							  const UsomLineReference *references)
{
	for (int i = 0; i < changes->nlines; i++)
	{
		UsomLineChange *change = &changes->lines[i];
		UsomUnitWanted wanted = {.name = change->unit};
		char		path[32];

		if (likely(change->unit == NULL))
			continue;
		snprintf(path, sizeof(path), "lines[%d].", i);
		wanted.product_id = change->sku != NULL ? references[i].product_id
			: set->lines[usom_order_find_line(set, 0, change->line_no)].product_id;
		usom_unit_read(set->org_id, &wanted, 1);
		if (wanted.ratio == NULL)
			usom_document_refuse(schema, path, "unit", psprintf("names no active unit of the product: \"%s\"", change->unit));
		change->quantity = usom_unit_convert(wanted.ratio, change->quantity, path);
		if (wanted.ratio->is_own)
			continue;
		change->ratio = wanted.ratio;
		if (!change->has_price)
			continue;
		change->pack_price = change->unit_price;
		change->unit_price = usom_api_unit_share(change->ratio, change->pack_price);
	}
}

/* What the change says about prices: of lines that it names, and of new ones. */
static UsomPriceAsk *
gather_asks(const UsomOrderSet *set, const UsomChanges *changes)
{
	UsomPriceAsk *asks = palloc0_array(UsomPriceAsk, Max(set->nlines, 1));
	int			next = 0;

	for (int i = 0; i < changes->nlines; i++)
	{
		UsomLineChange *change = &changes->lines[i];
		int			line;

		if (change->remove)
			continue;
		while (!change->has_line_no && !set->lines[next].is_new)
			next++;
		line = change->has_line_no ? usom_order_find_line(set, 0, change->line_no) : next++;
		change->changed_line = set->lines[line].line_no;
		if (change->has_line_no && !change->has_price && change->sku == NULL)
			continue;
		asks[line] = (UsomPriceAsk) {
			.is_told = true,
			.unit_price = change->has_price ? change->unit_price : NULL,
			.pack = change->ratio,
			.pack_price = change->pack_price,
			.fallback = set->lines[line].unit_price,
		};
	}
	return asks;
}

UsomPricing *
usom_api_price_change(UsomOrderSet *set, const UsomChanges *changes)
{
	UsomPriceRequest request = {
		.asks = gather_asks(set, changes), .has_coupons = changes->has_coupons, .coupons = changes->coupons,
		.must_fit = changes->has_coupons, .charge = {.ship_to = changes->ship_to}
	};

	if (changes->nlines == 0 && !changes->has_coupons && changes->ship_to == NULL)
		return NULL;
	return usom_api_price(set, 0, &request);
}

const Numeric *
usom_api_expected_prices(const UsomOrderSet *set, const UsomChanges *changes)
{
	Numeric    *expected = NULL;

	for (int i = 0; i < changes->nlines; i++)
	{
		if (!changes->lines[i].has_price || changes->lines[i].remove)
			continue;
		if (expected == NULL)
			expected = palloc0_array(Numeric, Max(set->nlines, 1));
		expected[usom_order_find_line(set, 0, changes->lines[i].changed_line)] = changes->lines[i].unit_price;
	}
	return expected;
}

/* The number of a line that is gone may be given to another one. */
static UsomQuery forget_lines = {
	.text = "WITH wrap AS (DELETE FROM usom.gift_wrap AS w WHERE w.org_id = $1 AND w.sales_order_id = $2 AND w.line_no = ANY ($3)), "
	"tax AS (DELETE FROM usom.order_tax AS t WHERE t.org_id = $1 AND t.sales_order_id = $2 AND t.line_no = ANY ($3)) "
	"DELETE FROM usom.line_unit AS u WHERE u.org_id = $1 AND u.sales_order_id = $2 AND u.line_no = ANY ($3)",
	.nargs = 3,
	.argtypes = {"bigint", "bigint", "integer[]"},
};

void
usom_api_forget_removed_lines(const UsomOrderSet *set)
{
	Datum	   *lines = palloc_array(Datum, set->nlines + 1);
	Datum		values[3] = {Int64GetDatum(set->org_id), Int64GetDatum(set->orders[0].sales_order_id)};
	int			count = 0;

	for (int i = 0; i < set->nlines; i++)
		if (set->lines[i].removed)
			lines[count++] = Int32GetDatum(set->lines[i].line_no);
	if (likely(count == 0))
		return;
	values[2] = PointerGetDatum(construct_array_builtin(lines, count, INT4OID));
	usom_query_write(&forget_lines, values, NULL);
}

/* Lines that were changed in another unit than the product's own. */
void
usom_api_write_change_units(const UsomOrderSet *set, const UsomChanges *changes)
{
	UsomLineUnit *units = palloc_array(UsomLineUnit, Max(changes->nlines, 1));
	int			count = 0;

	for (int i = 0; i < changes->nlines; i++)
	{
		const UsomLineChange *change = &changes->lines[i];

		if (change->ratio == NULL)
			continue;
		units[count++] = (UsomLineUnit) {
			set->orders[0].sales_order_id, change->changed_line,
			set->lines[usom_order_find_line(set, 0, change->changed_line)].product_id, change->ratio, change->pack_price
		};
	}
	usom_api_write_line_units(set->org_id, units, count);
}
