/*
 * parcel.c
 *		Packages that leave: whole, and knowing their shipment.
 *
 * Locks: the order, under which packages change.  Memory: CurrentMemoryContext.
 *
 * Invariant: the pieces that name a package are together in one state and one
 * shipment.
 */
#include "postgres.h"

#include "fulfillment/parcel.h"

#include "base/errors.h"
#include "base/query.h"
#include "utils/builtins.h"

static UsomQuery find_packages = {
	.text = "SELECT k.no, p.package_id FROM unnest($3) WITH ORDINALITY AS k (no, place) LEFT JOIN usom.package AS p "
	"ON p.org_id = $1 AND p.package_no = k.no AND p.sales_order_id = $2 AND p.unpacked_at IS NULL ORDER BY k.place",
	.nargs = 3,
	.argtypes = {"bigint", "bigint", "text[]"},
};

static UsomQuery mark_shipped = {
	.text = "UPDATE usom.package AS k SET shipment_id = r.shipment_id FROM unnest($2, $3) AS r (package_id, shipment_id) "
	"WHERE k.org_id = $1 AND k.package_id = r.package_id",
	.nargs = 3,
	.argtypes = {"bigint", "bigint[]", "bigint[]"},
};

static UsomQuery find_number = {
	.text = "SELECT k.package_no FROM usom.package AS k WHERE k.org_id = $1 AND k.package_id = $2",
	.nargs = 2,
	.argtypes = {"bigint", "bigint"},
};

/* A package, and what a piece of it says. */
typedef struct Leaving
{
	int64		package_id;
	int64		shipment_id;	/* 0: stays */
} Leaving;

int64 *
usom_parcel_find(const UsomOrderSet *set, int order, Datum package_nos, int *count)
{
	Datum		values[] = {Int64GetDatum(set->org_id), Int64GetDatum(set->orders[order].sales_order_id), package_nos};
	int64	   *ids;

	*count = (int) usom_query_run(&find_packages, values, NULL);
	ids = palloc_array(int64, *count + 1);
	for (int i = 0; i < *count; i++)
	{
		bool		isnull;

		ids[i] = DatumGetInt64(usom_query_get_or_null(i, 2, &isnull));
		if (isnull)
			ereport(ERROR, errcode(USOM_ERR(UNKNOWN_PACKAGE)),
					errmsg("order \"%s\" has no package \"%s\"", set->orders[order].order_no,
						   usom_query_get_text(i, 1) ? usom_query_get_text(i, 1) : ""),
					errhint("Look it up in usom.packages."));
	}
	return ids;
}

static int
compare_leaving(const void *a, const void *b)
{
	const Leaving *one = a;
	const Leaving *other = b;

	if (one->package_id != other->package_id)
		return one->package_id < other->package_id ? -1 : 1;
	return one->shipment_id < other->shipment_id ? -1 : one->shipment_id > other->shipment_id;
}

/* Pieces in packages that leave now or are still there, by package. */
static Leaving *
gather(const UsomOrderSet *set, int order, int *count, bool *any)
{
	Leaving    *leaving = palloc_array(Leaving, set->npieces + 1);

	*count = 0;
	*any = false;
	for (int i = 0; i < set->npieces; i++)
	{
		const UsomPiece *piece = &set->pieces[i];
		bool		leaves = piece->status == USOM_PIECE_SHIPPED && piece->changed;

		if (likely(piece->package_id == 0) || piece->quantity == 0 || set->lines[piece->line].order != order ||
			!(leaves || piece->status == USOM_PIECE_PACKED))
			continue;
		*any |= leaves;
		leaving[(*count)++] = (Leaving) {piece->package_id, leaves ? piece->shipment_id : 0};
	}
	qsort(leaving, *count, sizeof(Leaving), compare_leaving);
	return leaving;
}

static void
refuse_part(const UsomOrderSet *set, int64 package_id)
{
	Datum		values[] = {Int64GetDatum(set->org_id), Int64GetDatum(package_id)};

	usom_query_run(&find_number, values, NULL);
	ereport(ERROR, errcode(USOM_ERR(PACKAGE_IS_WHOLE)),
			errmsg("package \"%s\" leaves whole or not at all", usom_query_get_text(0, 1)),
			errdetail("Some of its units would stay, or go with another shipment."),
			errhint("Ship all that is in it, or call usom.unpack('%s') first.", usom_query_get_text(0, 1)));
}

static void
write_shipments(const UsomOrderSet *set, const Leaving *leaving, int count)
{
	int64	   *packages = palloc_array(int64, count + 1);
	int64	   *shipments = palloc_array(int64, count + 1);
	Datum		values[3] = {Int64GetDatum(set->org_id)};
	int			n = 0;

	for (int i = 0; i < count; i++)
		if (leaving[i].shipment_id != 0 && (n == 0 || packages[n - 1] != leaving[i].package_id))
		{
			packages[n] = leaving[i].package_id;
			shipments[n++] = leaving[i].shipment_id;
		}
	values[1] = usom_query_keys(packages, n);
	values[2] = usom_query_keys(shipments, n);
	usom_query_write(&mark_shipped, values, NULL);
}

void
usom_parcel_leave(UsomOrderSet *set, int order)
{
	int			count;
	bool		any;
	Leaving    *leaving = gather(set, order, &count, &any);

	if (likely(!any))
		return;
	for (int i = 1; i < count; i++)
		if (leaving[i].package_id == leaving[i - 1].package_id && leaving[i].shipment_id != leaving[i - 1].shipment_id)
			refuse_part(set, leaving[i].package_id);
	write_shipments(set, leaving, count);
}
