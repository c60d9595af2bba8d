/*
 * place.c
 *		Codes become keys; a place is read under its lock.
 *
 * Locks: usom_stock_lock_place() locks the rows of one product at one
 * location by lot, in the statement that looks up the codes.  The other
 * functions lock nothing.
 *
 * Memory: results in CurrentMemoryContext.
 */
#include "postgres.h"

#include "stock/place.h"

#include "base/call.h"
#include "base/errors.h"
#include "base/lookup.h"
#include "base/query.h"
#include "base/settings.h"
#include "party/party.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(usom_location_id);

static void
check_given(FunctionCallInfo fcinfo, int argument, const char *name)
{
	if (PG_ARGISNULL(argument))
		ereport(ERROR, errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				errmsg("%s must not be null", name),
				errhint("Name it: %s => ...", name));
}

char *
usom_stock_required_text(FunctionCallInfo fcinfo, int argument, const char *name)
{
	char	   *value;

	check_given(fcinfo, argument, name);
	value = text_to_cstring(PG_GETARG_TEXT_PP(argument));
	if (value[0] == '\0')
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("%s must not be empty", name),
				errhint("Name it: %s => ...", name));
	return value;
}

char *
usom_stock_optional_text(FunctionCallInfo fcinfo, int argument)
{
	return PG_ARGISNULL(argument) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(argument));
}

UsomQuantity
usom_stock_positive(UsomQuantity quantity, const char *name)
{
	if (quantity <= 0)
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("%s must be greater than zero", name),
				errdetail("It is %s.", usom_quantity_text(quantity)),
				errhint("Give the units as a positive number."));
	return quantity;
}

UsomQuantity
usom_stock_required_quantity(FunctionCallInfo fcinfo, int argument, const char *name)
{
	check_given(fcinfo, argument, name);
	return usom_quantity_of(PG_GETARG_NUMERIC(argument));
}

void
usom_stock_refuse_code(const char *entity, const char *column, const char *code)
{
	ereport(ERROR, errcode(USOM_ERR(UNKNOWN_CODE)),
			errmsg("%s \"%s\" does not exist", entity, code),
			errdetail("Organisation \"%s\" has none with this %s.", usom_setting_org, column),
			errhint("INSERT INTO usom.%s (%s) VALUES (%s), or correct the %s.",
					entity, column, quote_literal_cstr(code), column));
}

void
usom_stock_refuse(const UsomPlace *place)
{
	bool		is_kit = place->is_kit;
	const char *sku = place->sku;

	ereport(ERROR, errcode(USOM_ERR(NOT_STOCKED)),
			errmsg("product \"%s\" is a %s and has no stock", sku, is_kit ? "kit" : "service"),
			errdetail("Its kind is %s; stock is kept of physical products.", is_kit ? "kit" : "service"),
			is_kit ? errhint("Name its components: SELECT * FROM usom.kits WHERE kit = %s;", quote_literal_cstr(sku))
			: errhint("Leave it out, or insert a physical product under another sku."));
}

UsomTracking
usom_stock_tracking(const char *name)
{
	return strcmp(name, "none") == 0 ? USOM_UNTRACKED : strcmp(name, "lot") == 0 ? USOM_BY_LOT : USOM_BY_NUMBER;
}

void
usom_stock_check_named(const UsomPlace *place, const char *lot, bool by_number)
{
	bool		has_lot = lot != NULL && lot[0] != '\0';

	if (place->tracking == USOM_BY_LOT && !has_lot)
		ereport(ERROR, errcode(USOM_ERR(LOT_NEEDED)),
				errmsg("units of \"%s\" at \"%s\" need the name of their lot", place->sku, place->location),
				errdetail("The product is tracked by lot."), errhint("Name it: lot => '...'."));
	if ((place->tracking == USOM_BY_NUMBER) != by_number)
		ereport(ERROR, errcode(USOM_ERR(LOT_NEEDED)),
				errmsg(by_number ? "units of \"%s\" at \"%s\" have no serial numbers" :
					   "units of \"%s\" at \"%s\" need their serial numbers", place->sku, place->location),
				errdetail("The product is %s.", place->tracking == USOM_BY_NUMBER ? "tracked by serial number" :
						  place->tracking == USOM_BY_LOT ? "tracked by lot" : "not tracked"),
				by_number ? errhint("Call usom.receive_stock() or usom.adjust_stock(), or change tracking of the product.") :
				errhint("Call usom.receive_serials() or usom.remove_serials()."));
}

/* Keys from the first five columns of a row: product_id, kind, location_id, location is active, tracking. */
static void
read_place(UsomPlace *place, uint64 row)
{
	bool		no_product;
	bool		no_location;
	const char *kind;

	place->product_id = DatumGetInt64(usom_query_get_or_null(row, 1, &no_product));
	place->location_id = DatumGetInt64(usom_query_get_or_null(row, 3, &no_location));
	if (no_product)
		usom_stock_refuse_code("product", "sku", place->sku);
	if (no_location && place->location != NULL)
		usom_stock_refuse_code("location", "code", place->location);
	kind = usom_query_get_text(row, 2);
	place->is_kit = strcmp(kind, "kit") == 0;
	if (strcmp(kind, "physical") != 0 && !(place->is_kit && place->takes_kits))
		usom_stock_refuse(place);
	place->active = !no_location && DatumGetBool(usom_query_get(row, 4));
	place->tracking = usom_stock_tracking(usom_query_get_text(row, 5));
	if (no_location)
		place->location_id = 0;
}

static Datum
code_rows(const UsomPlace *places, int nplaces)
{
	UsomRows   *rows = usom_rows_make("_stock_code", nplaces);

	for (int i = 0; i < nplaces; i++)
	{
		Datum		values[2] = {(Datum) 0, CStringGetTextDatum(places[i].sku)};
		bool		nulls[2] = {places[i].location == NULL, false};

		if (!nulls[0])
			values[0] = CStringGetTextDatum(places[i].location);
		usom_rows_add(rows, values, nulls);
	}
	return usom_rows_datum(rows);
}

static UsomQuery find_places = {
	.text = "SELECT p.product_id, p.kind, l.location_id, l.active, p.tracking, "
	"coalesce(p.fill_on_receipt, (SELECT o.fill_on_receipt FROM usom.organisation AS o WHERE o.org_id = $1), false) "
	"FROM unnest($2) WITH ORDINALITY AS c (location, sku, ordinal) "
	"LEFT JOIN usom.product AS p ON p.org_id = $1 AND p.sku = c.sku "
	"LEFT JOIN usom.location AS l ON l.org_id = $1 AND l.code = c.location "
	"ORDER BY c.ordinal",
	.nargs = 2,
	.argtypes = {"bigint", "usom._stock_code[]"},
};

void
usom_stock_find_places(UsomPlace *places, int nplaces)
{
	int64		org_id = usom_party_org();
	Datum		values[] = {Int64GetDatum(org_id), code_rows(places, nplaces)};

	usom_query_run(&find_places, values, NULL);
	for (int i = 0; i < nplaces; i++)
	{
		places[i].org_id = org_id;
		read_place(&places[i], i);
		places[i].fills = DatumGetBool(usom_query_get(i, 6));
	}
}

/* One row if the place has no stock row: its lot is null then. */
static UsomQuery lock_place = {
	.text = "SELECT p.product_id, p.kind, l.location_id, l.active, p.tracking, "
	"s.lot, s.on_hand, s.reserved, coalesce(s.held_until <= $5, false), CASE WHEN s.lent > 0 THEN s.stripes::integer ELSE 0 END "
	"FROM (SELECT 1) AS one "
	"LEFT JOIN usom.product AS p ON p.org_id = $1 AND p.sku = $3 "
	"LEFT JOIN usom.location AS l ON l.org_id = $1 AND l.code = $2 "
	"LEFT JOIN LATERAL ("
	"SELECT s.lot, s.on_hand, s.reserved, s.held_until, s.lent, s.stripes FROM usom.stock AS s "
	"WHERE s.org_id = $1 AND s.product_id = p.product_id AND s.location_id = l.location_id "
	"AND s.lot = coalesce($4, s.lot) "
	"ORDER BY s.lot FOR NO KEY UPDATE) AS s ON true",
	.nargs = 5,
	.argtypes = {"bigint", "text", "text", "text", "timestamptz"},
};

static UsomLot
read_lot(const UsomPlace *place, uint64 row)
{
	UsomLot		lot;

	lot.key.product_id = place->product_id;
	lot.key.location_id = place->location_id;
	lot.key.lot = usom_query_get_text(row, 6);
	lot.key.stripe = 0;
	lot.on_hand = usom_quantity_of(DatumGetNumeric(usom_query_get(row, 7)));
	lot.reserved = usom_quantity_of(DatumGetNumeric(usom_query_get(row, 8)));
	lot.run_out = DatumGetBool(usom_query_get(row, 9));
	lot.stripes = DatumGetInt32(usom_query_get(row, 10));
	return lot;
}

UsomLot *
usom_stock_lock_place(UsomPlace *place, const char *lot, int *nlots)
{
	Datum		values[5];
	bool		nulls[5] = {false};
	UsomLot    *lots;

	place->org_id = usom_party_org();
	values[0] = Int64GetDatum(place->org_id);
	values[1] = CStringGetTextDatum(place->location);
	values[2] = CStringGetTextDatum(place->sku);
	values[3] = lot ? CStringGetTextDatum(lot) : (Datum) 0;
	values[4] = TimestampTzGetDatum(usom_call_time());
	nulls[3] = lot == NULL;
	*nlots = (int) usom_query_run(&lock_place, values, nulls);
	read_place(place, 0);
	lots = palloc_array(UsomLot, *nlots);
	if (usom_query_get_text(0, 6) == NULL)
		*nlots = 0;
	for (int i = 0; i < *nlots; i++)
		lots[i] = read_lot(place, i);
	return lots;
}

/* usom.location_id(code text) */
Datum
usom_location_id(PG_FUNCTION_ARGS)
{
	static UsomFetch fetch = {
		.table = "location", .index = "location_code_unique", .limit = 1,
		.nkeys = 2, .keys = {{"org_id", "bigint"}, {"code", "text"}},
		.ncolumns = 1, .columns = {{"location_id", "bigint"}},
		.query = {.text = "SELECT l.location_id FROM usom.location AS l WHERE l.org_id = $1 AND l.code = $2", .nargs = 2, .argtypes = {"bigint", "text"}},
	};

	PG_RETURN_INT64(usom_lookup_id(&fetch, usom_party_caller_org(), PG_GETARG_TEXT_PP(0), "location", "code"));
}
