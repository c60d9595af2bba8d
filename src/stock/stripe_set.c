/*
 * stripe_set.c
 *		usom.set_stock_stripes(): how many rows the stock of a place is in.
 *
 * Locks: the rows of stock of the product, and their stripes, in stock order;
 * all is gathered before, and dealt out after, so it does not matter how many
 * stripes there were.  An order that looked before it and takes after it finds
 * a stripe that is gone, or has changed, and looks again.
 *
 * The rows of stripes are inserted and deleted here alone: that tells the
 * backends, which remember what is striped (site.c).
 *
 * Memory: arguments in the context of the caller, the rest in SPI's.
 */
#include "postgres.h"

#include "stock/stripe.h"

#include "base/call.h"
#include "base/card_guard.h"
#include "base/errors.h"
#include "base/query.h"
#include "stock/heat.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(usom_set_stock_stripes);

static UsomQuery make_place = {
	.text = "INSERT INTO usom.stock (org_id, product_id, location_id) VALUES ($1, $2, $3) "
	"ON CONFLICT (org_id, product_id, location_id, lot) DO NOTHING",
	.nargs = 3,
	.argtypes = {"bigint", "bigint", "bigint"},
};

static UsomQuery delete_stripes = {
	.text = "DELETE FROM usom.stock_stripe AS t WHERE t.org_id = $1 AND t.product_id = $2 AND t.location_id = $3 AND t.stripe > $4",
	.nargs = 4,
	.argtypes = {"bigint", "bigint", "bigint", "smallint"},
};

static UsomQuery insert_stripes = {
	.text = "INSERT INTO usom.stock_stripe (org_id, product_id, location_id, stripe) "
	"SELECT $1, $2, $3, n.stripe FROM pg_catalog.generate_series($5 + 1, $4) AS n (stripe)",
	.nargs = 5,
	.argtypes = {"bigint", "bigint", "bigint", "smallint", "smallint"},
};

static UsomQuery write_number = {
	.text = "UPDATE usom.stock AS s SET stripes = $4 WHERE s.org_id = $1 AND s.product_id = $2 AND s.location_id = $3 AND s.lot = ''",
	.nargs = 4,
	.argtypes = {"bigint", "bigint", "bigint", "smallint"},
};

static void
change_number(const UsomPlace *place, int before, int after)
{
	Datum		values[] = {
		Int64GetDatum(place->org_id),
		Int64GetDatum(place->product_id),
		Int64GetDatum(place->location_id),
		Int16GetDatum(after),
		Int16GetDatum(before),
	};

	if (after == before)
		return;
	if (after < before)
		usom_query_write(&delete_stripes, values, NULL);
	else
		usom_query_write(&insert_stripes, values, NULL);
	usom_query_write(&write_number, values, NULL);
}

static void
refuse_lots(const UsomPlace *place, const char *lot)
{
	ereport(ERROR, errcode(USOM_ERR(STRIPES_OF_LOTS)),
			errmsg("stock of \"%s\" at \"%s\" is kept in lots and cannot be in stripes", place->sku, place->location),
			lot != NULL ? errdetail("The first lot is \"%s\".", lot) : errdetail("The product is tracked by lot."),
			errhint("Each lot is a row of its own already; see usom.lots."));
}

/* The row of the place; US218 if others of it have units. */
static UsomStockRow *
find_row(const UsomPlace *place, UsomStockRow *rows, int nrows)
{
	UsomStockRow *found = NULL;

	if (place->tracking == USOM_BY_LOT)
		refuse_lots(place, NULL);
	for (int i = 0; i < nrows; i++)
	{
		if (rows[i].key.location_id != place->location_id)
			continue;
		if (rows[i].key.lot[0] == '\0')
			found = &rows[i];
		else if (rows[i].available > 0)
			refuse_lots(place, rows[i].key.lot);
	}
	Ensure(found != NULL, "a row of stock that was made is not there");
	return found;
}

void
usom_stripe_set(const UsomPlace *place, int stripes)
{
	Datum		values[] = {Int64GetDatum(place->org_id), Int64GetDatum(place->product_id), Int64GetDatum(place->location_id)};
	int			after = stripes > 1 ? stripes : 0;
	UsomStockRow *rows;
	UsomStockRow *row;
	int			nrows;

	usom_query_write(&make_place, values, NULL);
	rows = usom_stock_lock_products(place->org_id, &place->product_id, 1, usom_call_time(), true, &nrows);
	row = find_row(place, rows, nrows);
	change_number(place, row->stripes, after);
	row->stripes = after;
	usom_stripe_deal(place->org_id, rows, nrows, NULL, 0);
}

static int
stripes_argument(FunctionCallInfo fcinfo, int argument)
{
	int			stripes;

	if (PG_ARGISNULL(argument))
		ereport(ERROR, errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				errmsg("stripes must not be null"), errhint("Name it: stripes => ..."));
	stripes = PG_GETARG_INT32(argument);
	if (stripes < 0 || stripes > USOM_MOST_STRIPES)
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("stripes must be from 0 to %d", USOM_MOST_STRIPES),
				errdetail("It is %d.", stripes),
				errhint("0 merges the stock into one row again."));
	return stripes;
}

/* usom.set_stock_stripes(sku text, location text, stripes integer) */
Datum
usom_set_stock_stripes(PG_FUNCTION_ARGS)
{
	UsomPlace	place = {0};
	int			stripes;

	usom_card_check_call(fcinfo);
	place.sku = usom_stock_required_text(fcinfo, 0, "sku");
	place.location = usom_stock_required_text(fcinfo, 1, "location");
	stripes = stripes_argument(fcinfo, 2);
	usom_call_begin("set_stock_stripes", NULL);
	usom_stock_find_places(&place, 1);
	usom_stripe_set(&place, stripes);
	usom_stock_forget_heat(place.org_id, place.product_id, place.location_id);
	usom_stock_return_position(fcinfo, &place);
	usom_call_end();
	return (Datum) 0;
}
