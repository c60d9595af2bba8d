/*
 * site.c
 *		What stock needs to know of locations: their order, and which are
 *		active, and from which state goods leave them.
 *
 * Memory: in a context of the memo (base/memo.h).  Locks: none.
 *
 * Invariant: sites are sorted by key.
 */
#include "postgres.h"

#include "stock/site.h"

#include "base/memo.h"
#include "base/query.h"

static UsomQuery select_sites = {
	.text = "SELECT l.location_id, l.priority, l.active, l.ships_from FROM usom.location AS l WHERE l.org_id = $1 ORDER BY l.location_id",
	.nargs = 1,
	.argtypes = {"bigint"},
};

static UsomShipsFrom
ships_from(const char *label)
{
	return strcmp(label, "packed") == 0 ? USOM_SHIPS_PACKED : strcmp(label, "picked") == 0 ? USOM_SHIPS_PICKED : USOM_SHIPS_RELEASED;
}

static const void *
read_sites(int64 org_id)
{
	UsomSites  *sites = palloc_object(UsomSites);
	Datum		values[] = {Int64GetDatum(org_id)};

	sites->count = (int) usom_memo_look(&select_sites, values);
	sites->sites = palloc_array(UsomSite, Max(sites->count, 1));
	for (int i = 0; i < sites->count; i++)
		sites->sites[i] = (UsomSite) {
			.location_id = DatumGetInt64(usom_query_get(i, 1)),
			.priority = DatumGetInt32(usom_query_get(i, 2)),
			.active = DatumGetBool(usom_query_get(i, 3)),
			.ships_from = ships_from(usom_query_get_text(i, 4)),
		};
	SPI_freetuptable(SPI_tuptable);
	return sites;
}

static UsomMemo memo = {
	.name = "usom locations",
	.tables = {"location"},
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

void
usom_stock_init(void)
{
	usom_memo_register(&memo);
}
