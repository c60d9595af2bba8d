/*
 * site.c
 *		What stock needs to know of locations: their order, and which are
 *		active, and from which state goods leave them; and which products are in
 *		stripes there.
 *
 * Memory: in a context of the memo (base/memo.h).  Locks: none.
 *
 * Invariant: sites are sorted by key, pointers to them by code.
 */
#include "postgres.h"

#include "stock/site.h"

#include "base/decimal.h"
#include "base/memo.h"
#include "base/query.h"

static UsomFetch select_sites = {
	.table = "location",
	.index = "location_pkey", .order = {"location_id"},
	.nkeys = 1,
	.keys = {{"org_id", "bigint"}},
	.ncolumns = 10,
	.columns = {{"location_id", "bigint"}, {"priority", "integer"}, {"active", "boolean"}, {"ships_from", "text"}, {"code", "text"},
	{"ships", "boolean"}, {"order_cost", "numeric"}, {"unit_cost", "numeric"}, {"handling_cost", "numeric"}, {"protected_quantity", "numeric"}},
	.query = {
		.text = "SELECT l.location_id, l.priority, l.active, l.ships_from, l.code, "
		"l.ships, l.order_cost, l.unit_cost, l.handling_cost, l.protected_quantity "
		"FROM usom.location AS l WHERE l.org_id = $1 ORDER BY l.location_id",
		.nargs = 1,
		.argtypes = {"bigint"},
	},
};

static UsomShipsFrom
ships_from(const char *label)
{
	return strcmp(label, "packed") == 0 ? USOM_SHIPS_PACKED : strcmp(label, "picked") == 0 ? USOM_SHIPS_PICKED : USOM_SHIPS_RELEASED;
}

static int
compare_codes(const void *a, const void *b)
{
	return strcmp((*(const UsomSite *const *) a)->code, (*(const UsomSite *const *) b)->code);
}

static void
sort_by_code(UsomSites *sites)
{
	sites->by_code = palloc_array(const UsomSite *, Max(sites->count, 1));
	for (int i = 0; i < sites->count; i++)
		sites->by_code[i] = &sites->sites[i];
	qsort(sites->by_code, sites->count, sizeof(UsomSite *), compare_codes);
}

static uint64 stripes_used;

static UsomQuery select_striped = {
	.text = "SELECT s.product_id, s.location_id, s.stripes FROM usom.stock AS s JOIN usom.location AS l "
	"ON l.org_id = $1 AND l.location_id = s.location_id WHERE s.org_id = $1 AND s.stripes > 0 "
	"ORDER BY s.product_id, l.priority, s.location_id",
	.nargs = 1,
	.argtypes = {"bigint"},
};

static void
read_striped(UsomSites *sites, Datum *values)
{
	sites->nstriped = (int) usom_memo_look(&select_striped, values);
	sites->striped = palloc_array(UsomStriped, Max(sites->nstriped, 1));
	for (int i = 0; i < sites->nstriped; i++)
		sites->striped[i] = (UsomStriped) {
			DatumGetInt64(usom_query_get(i, 1)), DatumGetInt64(usom_query_get(i, 2)), DatumGetInt16(usom_query_get(i, 3))};
	SPI_freetuptable(SPI_tuptable);
}

static bool
is_positive(uint64 row, int column)
{
	return usom_decimal_compare(DatumGetNumeric(usom_query_get(row, column)), int64_to_numeric(0)) > 0;
}

static bool
has_terms(uint64 row)
{
	return !DatumGetBool(usom_query_get(row, 6)) || is_positive(row, 7) || is_positive(row, 8) || is_positive(row, 9)
		|| is_positive(row, 10);
}

static const void *
read_sites(int64 org_id)
{
	UsomSites  *sites = palloc0_object(UsomSites);
	Datum		values[] = {Int64GetDatum(org_id)};

	sites->count = (int) usom_memo_fetch(&select_sites, values);
	sites->sites = palloc_array(UsomSite, Max(sites->count, 1));
	for (int i = 0; i < sites->count; i++)
	{
		sites->have_terms |= has_terms(i);
		sites->sites[i] = (UsomSite) {
			.location_id = DatumGetInt64(usom_query_get(i, 1)),
			.priority = DatumGetInt32(usom_query_get(i, 2)),
			.active = DatumGetBool(usom_query_get(i, 3)),
			.ships_from = ships_from(usom_query_get_text(i, 4)),
			.code = usom_query_get_text(i, 5),
			.protects = is_positive(i, 10),
		};
	}
	sort_by_code(sites);
	if ((usom_memo_uses(org_id) & stripes_used) != 0)
		read_striped(sites, values);
	return sites;
}

static UsomMemo memo = {
	.name = "usom locations",
	.tables = {"location", "stock_stripe"},
	.read = read_sites,
};

const UsomSites *
usom_stock_sites(int64 org_id)
{
	return usom_memo_get(&memo, org_id);
}

const UsomSite *
usom_stock_find_site(const UsomSites *sites, int64 location_id)
{
	int			low = 0;
	int			high = sites->count;

	while (low < high)
	{
		int			middle = low + (high - low) / 2;

		if (sites->sites[middle].location_id < location_id)
			low = middle + 1;
		else
			high = middle;
	}
	return low < sites->count && sites->sites[low].location_id == location_id ? &sites->sites[low] : NULL;
}

const UsomStriped *
usom_stock_find_striped(const UsomSites *sites, int64 product_id)
{
	int			low = 0;
	int			high = sites->nstriped;

	while (low < high)
	{
		int			middle = low + (high - low) / 2;

		if (sites->striped[middle].product_id < product_id)
			low = middle + 1;
		else
			high = middle;
	}
	return low < sites->nstriped && sites->striped[low].product_id == product_id ? &sites->striped[low] : NULL;
}

const UsomSite *
usom_stock_find_code(const UsomSites *sites, const char *code)
{
	const UsomSite key = {.code = code};
	const UsomSite *wanted = &key;
	const UsomSite **found = bsearch(&wanted, sites->by_code, sites->count, sizeof(UsomSite *), compare_codes);

	return found != NULL ? *found : NULL;
}

void
usom_stock_init(void)
{
	usom_memo_register(&memo);
	stripes_used = usom_memo_use_of("stock_stripe");
}
