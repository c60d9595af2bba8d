/*
 * position.c
 *		What there is of a product: on hand and available.
 *
 * Nothing here locks.  The snapshot of one statement shows stock rows and
 * soft holds of the same moment, so here a hold that has run out is simply
 * subtracted; nothing is tidied up.
 *
 * Available is the sum over the rows of what each has above zero: a row whose
 * soft holds or safety stock pass its units does not eat those of another.
 *
 * Memory: the result row in the caller's tuplestore.
 */
#include "postgres.h"

#include "stock/place.h"
#include "stock/stripe.h"

#include "base/call.h"
#include "base/card_guard.h"
#include "base/fetch.h"
#include "base/query.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "party/party.h"
#include "product/kit.h"
#include "stock/site.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

PG_FUNCTION_INFO_V1(usom_available);

static UsomQuery read_position = {
	.text = "SELECT trim_scale(coalesce(sum(s.on_hand), 0)), "
	"trim_scale(coalesce(sum(greatest(s.on_hand - s.reserved + " USOM_STRIPED_FREE " - s.safety - s.held "
	"+ CASE WHEN s.held_until <= $4 THEN "
	"(SELECT coalesce(sum(r.quantity), 0) FROM usom.reservation AS r "
	"WHERE r.org_id = $1 AND r.product_id = $2 AND r.location_id = s.location_id AND r.lot = s.lot "
	"AND r.expires_at <= $4) ELSE 0 END, 0)) FILTER (WHERE l.active AND coalesce(s.usable_until > $4, true)), 0)) "
	"FROM usom.stock AS s JOIN usom.location AS l ON l.org_id = $1 AND l.location_id = s.location_id "
	"WHERE s.org_id = $1 AND s.product_id = $2 AND s.location_id = coalesce($3, s.location_id)",
	.nargs = 4,
	.argtypes = {"bigint", "bigint", "bigint", "timestamptz"},
};

/* Leaves on_hand and available in SPI_tuptable. */
static void
run_position(const UsomPlace *place)
{
	Datum		values[4];
	bool		nulls[4] = {false};

	values[0] = Int64GetDatum(place->org_id);
	values[1] = Int64GetDatum(place->product_id);
	values[2] = Int64GetDatum(place->location_id);
	values[3] = TimestampTzGetDatum(usom_call_time());
	nulls[2] = place->location_id == 0;
	usom_query_run(&read_position, values, nulls);
}

void
usom_stock_return_position(FunctionCallInfo fcinfo, const UsomPlace *place)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Datum		values[4];
	bool		nulls[4] = {false};

	run_position(place);
	values[0] = CStringGetTextDatum(place->location);
	values[1] = CStringGetTextDatum(place->sku);
	values[2] = usom_query_get(0, 1);
	values[3] = usom_query_get(0, 2);
	InitMaterializedSRF(fcinfo, 0);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

/*
 * What a kit could be made of, taken together: the scarcest of its goods says
 * how many.  A kit of services has no stock, like a service.
 */
static UsomQuery read_kits = {
	.text = "SELECT min(floor(coalesce(a.available, 0) / c.quantity)) "
	"FROM unnest($2, $3) AS c (product_id, quantity) LEFT JOIN (SELECT s.product_id, "
	"sum(greatest(s.on_hand - s.reserved + " USOM_STRIPED_FREE " - s.safety - s.held + CASE WHEN s.held_until <= $5 THEN "
	"(SELECT coalesce(sum(r.quantity), 0) FROM usom.reservation AS r "
	"WHERE r.org_id = $1 AND r.product_id = s.product_id AND r.location_id = s.location_id AND r.lot = s.lot "
	"AND r.expires_at <= $5) ELSE 0 END, 0)) AS available "
	"FROM usom.stock AS s JOIN usom.location AS l ON l.org_id = $1 AND l.location_id = s.location_id AND l.active "
	"WHERE s.org_id = $1 AND coalesce(s.usable_until > $5, true) AND s.product_id = ANY ($2) AND s.location_id = coalesce($4, s.location_id) "
	"GROUP BY s.product_id) AS a ON a.product_id = c.product_id",
	.nargs = 5,
	.argtypes = {"bigint", "bigint[]", "numeric[]", "bigint", "timestamptz"},
};

/* Leaves the number of kits in the only column of SPI_tuptable. */
static void
run_kits(const UsomPlace *place)
{
	int			n;
	UsomComponent *components = usom_product_components(place->org_id, &place->product_id, 1, &n);
	int64	   *products = palloc_array(int64, n);
	Datum	   *quantities = palloc_array(Datum, n);
	int			goods = 0;
	Datum		values[5] = {Int64GetDatum(place->org_id)};
	bool		nulls[5] = {false, false, false, place->location_id == 0, false};

	for (int i = 0; i < n; i++)
		if (components[i].stocked)
		{
			products[goods] = components[i].product_id;
			quantities[goods++] = NumericGetDatum(usom_quantity_numeric(components[i].quantity));
		}
	if (goods == 0)
		usom_stock_refuse(place);
	values[1] = usom_query_keys(products, goods);
	values[2] = PointerGetDatum(construct_array(quantities, goods, NUMERICOID, -1, false, TYPALIGN_INT));
	values[3] = Int64GetDatum(place->location_id);
	values[4] = TimestampTzGetDatum(usom_call_time());
	usom_query_run(&read_kits, values, nulls);
}

/*
 * The usual case without a statement: a product that is no kit, no soft hold
 * that has run out, no stripes.  Locations are remembered.
 */
static UsomFetch fetch_product = {
	.table = "product",
	.index = "product_sku_unique",
	.nkeys = 2,
	.keys = {{"org_id", "bigint"}, {"sku", "text"}},
	.ncolumns = 2,
	.columns = {{"product_id", "bigint"}, {"kind", "text"}},
};

static UsomFetch fetch_stock = {
	.table = "stock",
	.index = "stock_pkey",
	.nkeys = 2,
	.keys = {{"org_id", "bigint"}, {"product_id", "bigint"}},
	.ncolumns = 8,
	.columns = {{"location_id", "bigint"}, {"on_hand", "numeric"}, {"reserved", "numeric"}, {"held", "numeric"},
	{"held_until", "timestamptz"}, {"safety", "numeric"}, {"usable_until", "timestamptz"}, {"lent", "numeric"}},
};

typedef struct Looking
{
	int64		org_id;
	const char *sku;
	const UsomSites *sites;
	const UsomSite *site;		/* NULL: anywhere */
	TimestampTz now;
	UsomQuantity available;
} Looking;

/* False: the row has to be looked at by the statement. */
static bool
add_row(Looking *looking, const Datum *row, const bool *nulls)
{
	const UsomSite *site = usom_stock_find_site(looking->sites, DatumGetInt64(row[0]));
	UsomQuantity taken;

	if (site == NULL || usom_quantity_of_datum(row[7]) > 0 || (!nulls[4] && DatumGetTimestampTz(row[4]) <= looking->now))
		return false;
	if (!site->active || (looking->site != NULL && site != looking->site) || (!nulls[6] && DatumGetTimestampTz(row[6]) <= looking->now))
		return true;
	taken = usom_quantity_add(usom_quantity_of_datum(row[2]), usom_quantity_of_datum(row[3]));
	taken = usom_quantity_add(taken, usom_quantity_of_datum(row[5]));
	looking->available = usom_quantity_add(looking->available, Max(usom_quantity_of_datum(row[1]) - taken, 0));
	return true;
}

static bool
look(void *argument)
{
	Looking    *looking = argument;
	Datum		keys[2] = {Int64GetDatum(looking->org_id), CStringGetTextDatum(looking->sku)};
	UsomFetched found;

	if (!usom_fetch_rows(&fetch_product, keys, NULL, &found) || found.count == 0 ||
		strcmp(TextDatumGetCString(found.values[1]), "physical") != 0)
		return false;
	keys[1] = found.values[0];
	if (!usom_fetch_rows(&fetch_stock, keys, NULL, &found))
		return false;
	for (uint64 i = 0; i < found.count; i++)
		if (!add_row(looking, &found.values[i * fetch_stock.ncolumns], &found.nulls[i * fetch_stock.ncolumns]))
			return false;
	return true;
}

static bool
find_available(const UsomPlace *place, Datum *available)
{
	Looking		looking = {.org_id = usom_party_org(), .sku = place->sku, .now = usom_call_time()};

	looking.sites = usom_stock_sites(looking.org_id);
	if (place->location != NULL)
	{
		looking.site = usom_stock_find_code(looking.sites, place->location);
		if (looking.site == NULL)
			return false;
	}
	if (!usom_fetch_together(look, &looking))
		return false;
	*available = NumericGetDatum(usom_quantity_numeric(looking.available));
	return true;
}

static Datum
ask_available(UsomPlace *place)
{
	Datum		available;

	if (find_available(place, &available))
		return available;
	usom_stock_find_places(place, 1);
	if (place->is_kit)
		run_kits(place);
	else
		run_position(place);
	return usom_query_get(0, place->is_kit ? 1 : 2);
}

/* usom.available(sku text, location text) */
Datum
usom_available(PG_FUNCTION_ARGS)
{
	MemoryContext caller = CurrentMemoryContext;
	UsomPlace	place = {0};
	Datum		available;

	usom_card_check_call(fcinfo);
	place.sku = usom_stock_required_text(fcinfo, 0, "sku");
	place.location = usom_stock_optional_text(fcinfo, 1);
	usom_call_begin("available", NULL);
	place.takes_kits = true;
	available = ask_available(&place);
	MemoryContextSwitchTo(caller);
	available = PointerGetDatum(PG_DETOAST_DATUM_COPY(available));
	usom_call_end();
	PG_RETURN_DATUM(available);
}
