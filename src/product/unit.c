/*
 * unit.c
 *		A box of twelve: units that lines are ordered in, beside the product's own.
 *
 * Quantities are kept in the product's own unit alone, in millionths, so what
 * is split, cancelled and shipped adds up to the last of them; a quantity
 * that is no whole number of millionths is refused and not rounded.
 *
 * Reads master data; no locks.  Memory: CurrentMemoryContext.
 */
#include "postgres.h"

#include "product/unit.h"

#include "base/errors.h"
#include "base/query.h"
#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"

static UsomQuery select_units = {
	.text = "SELECT r.position::integer, p.unit = r.unit, u.quantity::numeric, u.per::numeric, u.divisible "
	"FROM unnest($2, $3) WITH ORDINALITY AS r (product_id, unit, position) "
	"JOIN usom.product AS p ON p.org_id = $1 AND p.product_id = r.product_id "
	"LEFT JOIN usom.product_unit AS u ON u.org_id = $1 AND u.sku = p.sku AND u.unit = r.unit AND u.active AND p.unit <> r.unit "
	"WHERE p.unit = r.unit OR u.unit IS NOT NULL",
	.nargs = 3,
	.argtypes = {"bigint", "bigint[]", "text[]"},
};

static int64
common_divisor(int64 a, int64 b)
{
	while (b != 0)
	{
		int64		rest = a % b;

		a = b;
		b = rest;
	}
	return a;
}

UsomUnitRatio *
usom_unit_make(const char *name, UsomQuantity quantity, UsomQuantity per, bool divisible, bool is_own)
{
	UsomUnitRatio *ratio = palloc_object(UsomUnitRatio);
	int64		divisor = common_divisor(quantity, per);

	Assert(quantity > 0 && per > 0);
	*ratio = (UsomUnitRatio) {name, quantity / divisor, per / divisor, divisible, is_own};
	return ratio;
}

static UsomUnitRatio *
take_ratio(const char *name, uint64 row)
{
	if (DatumGetBool(usom_query_get(row, 2)))
		return usom_unit_make(name, 1, 1, true, true);
	return usom_unit_make(name, usom_quantity_of(DatumGetNumeric(usom_query_get(row, 3))),
						  usom_quantity_of(DatumGetNumeric(usom_query_get(row, 4))),
						  DatumGetBool(usom_query_get(row, 5)), false);
}

void
usom_unit_read(int64 org_id, UsomUnitWanted *wanted, int count)
{
	Datum	   *products = palloc_array(Datum, Max(count, 1));
	Datum	   *names = palloc_array(Datum, Max(count, 1));
	Datum		values[3] = {Int64GetDatum(org_id)};
	uint64		nrows;

	for (int i = 0; i < count; i++)
	{
		products[i] = Int64GetDatum(wanted[i].product_id);
		names[i] = CStringGetTextDatum(wanted[i].name);
	}
	values[1] = PointerGetDatum(construct_array_builtin(products, count, INT8OID));
	values[2] = PointerGetDatum(construct_array_builtin(names, count, TEXTOID));
	nrows = usom_query_run(&select_units, values, NULL);
	for (uint64 row = 0; row < nrows; row++)
	{
		UsomUnitWanted *found = &wanted[DatumGetInt32(usom_query_get(row, 1)) - 1];

		found->ratio = take_ratio(found->name, row);
	}
}

static void
refuse(const UsomUnitRatio *ratio, UsomQuantity quantity, const char *path, const char *why)
{
	ereport(ERROR, errcode(USOM_ERR(INEXACT_UNIT)),
			errmsg("%squantity: %s of unit \"%s\" cannot be ordered", path, usom_quantity_text(quantity), ratio->name),
			errdetail("%s", why),
			errhint("Order a quantity that comes out, or in the product's own unit; see usom.product_units."));
}

UsomQuantity
usom_unit_convert(const UsomUnitRatio *ratio, UsomQuantity quantity, const char *path)
{
	int128		units = (int128) quantity * ratio->quantity;

	if (!ratio->divisible && quantity % USOM_UNIT != 0)
		refuse(ratio, quantity, path, "Only whole numbers of it are ordered.");
	if (units % ratio->per != 0)
		refuse(ratio, quantity, path, "In the product's own unit it has more than six decimals.");
	if (units / ratio->per >= USOM_QUANTITY_LIMIT)
		ereport(ERROR, errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE), errmsg("%squantity is out of range", path));
	return (UsomQuantity) (units / ratio->per);
}

int64
usom_unit_share(const UsomUnitRatio *ratio, int64 amount)
{
	int128		share = ((int128) amount * ratio->per + ratio->quantity - 1) / ratio->quantity;

	if (share > PG_INT64_MAX)
		ereport(ERROR, errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE), errmsg("price out of range"));
	return (int64) share;
}
