/*
 * reservation.c
 *		Soft reservations: units kept for a cart or an agent for a while.
 *
 * Locks: the stock row is the lock of its reservation rows.  It is taken
 * first, by lot, and everything is read after that in new statements, whose
 * snapshots see all that was committed while we waited; see lock.c for why
 * that matters.
 *
 * Invariant: held is the sum of all reservation rows of the stock row and
 * held_until their earliest expiry, at every commit; whoever writes
 * reservation rows updates the stock row too.  Time only says how many of
 * them still count.
 *
 * Memory: results in CurrentMemoryContext.
 */
#include "postgres.h"

#include "stock/place.h"
#include "stock/stripe.h"

#include "base/call.h"
#include "base/card_guard.h"
#include "base/errors.h"
#include "base/query.h"
#include "catalog/pg_type.h"
#include "party/party.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(usom_reserve_stock);
PG_FUNCTION_INFO_V1(usom_release_stock);

/* What reserve_stock was asked for. */
typedef struct Wish
{
	const char *owner;
	UsomQuantity quantity;
	TimestampTz expires_at;
} Wish;

/* A locked row as the owner sees it: their own soft hold does not stand in their way. */
typedef struct Candidate
{
	UsomStockKey key;
	UsomQuantity free;			/* may be negative */
	UsomQuantity mine;			/* what the owner holds there now */
} Candidate;

static Datum
hold_rows(const UsomStockHold *holds, int nholds)
{
	UsomRows   *rows = usom_rows_make("_stock_hold", nholds);

	for (int i = 0; i < nholds; i++)
	{
		const UsomStockKey *key = &holds[i].key;
		Datum		values[] = {
			Int64GetDatum(key->product_id),
			Int64GetDatum(key->location_id),
			CStringGetTextDatum(key->lot),
			NumericGetDatum(usom_quantity_numeric(holds[i].held)),
		};
		bool		nulls[lengthof(values)] = {false};

		usom_rows_add(rows, values, nulls);
	}
	return usom_rows_datum(rows);
}

/* Holds as the last statement left them in SPI_tuptable: key, quantity. */
static UsomStockHold *
read_holds(uint64 nholds)
{
	UsomStockHold *holds = palloc_array(UsomStockHold, Max(nholds, 1));

	for (uint64 i = 0; i < nholds; i++)
	{
		holds[i].key = usom_stock_read_key(i, 1);
		holds[i].held = usom_quantity_of(DatumGetNumeric(usom_query_get(i, 4)));
	}
	return holds;
}

static UsomStockHold *
negate(UsomStockHold *holds, int nholds)
{
	for (int i = 0; i < nholds; i++)
		holds[i].held = -holds[i].held;
	return holds;
}

/* Keys may repeat; a change of zero still renews held_until. */
static UsomQuery change_held = {
	.text = "UPDATE usom.stock AS s SET held = s.held + h.held, held_until = "
	"(SELECT min(r.expires_at) FROM usom.reservation AS r WHERE r.org_id = $1 "
	"AND r.product_id = h.product_id AND r.location_id = h.location_id AND r.lot = h.lot) "
	"FROM (SELECT h.product_id, h.location_id, h.lot, sum(h.held) AS held FROM unnest($2) AS h GROUP BY 1, 2, 3) AS h "
	"WHERE s.org_id = $1 AND s.product_id = h.product_id AND s.location_id = h.location_id AND s.lot = h.lot "
	"RETURNING s.product_id, s.location_id, s.lot, s.held",
	.nargs = 2,
	.argtypes = {"bigint", "usom._stock_hold[]"},
};

/* After the reservation rows were written.  Returns the number of rows, which are in SPI_tuptable. */
static uint64
apply_holds(int64 org_id, const UsomStockHold *changes, int nchanges)
{
	Datum		values[] = {Int64GetDatum(org_id), hold_rows(changes, nchanges)};

	return usom_query_write(&change_held, values, NULL);
}

static UsomQuery delete_expired = {
	.text = "DELETE FROM usom.reservation AS r USING unnest($2) AS k "
	"WHERE r.org_id = $1 AND r.product_id = k.product_id AND r.location_id = k.location_id AND r.lot = k.lot "
	"AND r.expires_at <= $3 RETURNING r.product_id, r.location_id, r.lot, r.quantity",
	.nargs = 3,
	.argtypes = {"bigint", "usom._stock_key[]", "timestamptz"},
};

UsomStockHold *
usom_stock_expire(int64 org_id, const UsomStockKey *keys, int nkeys, TimestampTz at, int *nholds)
{
	Datum		values[] = {Int64GetDatum(org_id), usom_stock_key_rows(keys, nkeys), TimestampTzGetDatum(at)};
	int			ngone = (int) usom_query_write(&delete_expired, values, NULL);
	UsomStockHold *gone = negate(read_holds(ngone), ngone);

	*nholds = (int) apply_holds(org_id, gone, ngone);
	return read_holds(*nholds);
}

/* Take what has run out off the locked rows of a place. */
static void
expire_lots(const UsomPlace *place, const UsomLot *lots, int nlots)
{
	UsomStockKey *keys = palloc_array(UsomStockKey, Max(nlots, 1));
	int			nkeys = 0;
	int			nholds;

	for (int i = 0; i < nlots; i++)
		if (lots[i].run_out)
			keys[nkeys++] = lots[i].key;
	if (nkeys > 0)
		(void) usom_stock_expire(place->org_id, keys, nkeys, usom_call_time(), &nholds);
}

/* Of the locked rows alone: one that was made since is not ours to decide on. */
static UsomQuery read_candidates = {
	.text = "SELECT s.product_id, s.location_id, s.lot, "
	"CASE WHEN coalesce(s.usable_until > $4, true) THEN s.on_hand - s.reserved - s.safety - s.held + coalesce(r.quantity, 0) ELSE 0 END, "
	"coalesce(r.quantity, 0) "
	"FROM unnest($2) AS k "
	"JOIN usom.stock AS s ON s.org_id = $1 AND s.product_id = k.product_id "
	"AND s.location_id = k.location_id AND s.lot = k.lot "
	"LEFT JOIN usom.reservation AS r ON r.org_id = $1 AND r.product_id = k.product_id "
	"AND r.location_id = k.location_id AND r.lot = k.lot AND r.owner = $3 "
	"ORDER BY s.usable_until NULLS LAST, s.lot",
	.nargs = 4,
	.argtypes = {"bigint", "usom._stock_key[]", "text", "timestamptz"},
};

static Candidate *
find_candidates(const UsomPlace *place, const UsomLot *lots, int nlots, const char *owner)
{
	UsomStockKey *keys = palloc_array(UsomStockKey, Max(nlots, 1));
	Candidate  *candidates = palloc_array(Candidate, Max(nlots, 1));
	Datum		values[4];
	uint64		found;

	for (int i = 0; i < nlots; i++)
		keys[i] = lots[i].key;
	values[0] = Int64GetDatum(place->org_id);
	values[1] = usom_stock_key_rows(keys, nlots);
	values[2] = CStringGetTextDatum(owner);
	values[3] = TimestampTzGetDatum(usom_call_time());
	found = usom_query_run(&read_candidates, values, NULL);
	Ensure(found == (uint64) nlots, "usom found " UINT64_FORMAT " of %d locked stock rows", found, nlots);
	for (int i = 0; i < nlots; i++)
	{
		candidates[i].key = usom_stock_read_key(i, 1);
		candidates[i].free = usom_quantity_of(DatumGetNumeric(usom_query_get(i, 4)));
		candidates[i].mine = usom_quantity_of(DatumGetNumeric(usom_query_get(i, 5)));
	}
	return candidates;
}

/* Stripes are left alone where the row has enough without them. */
static Candidate *
find_whole_candidates(const UsomPlace *place, UsomLot *lots, int nlots, const Wish *wish)
{
	Candidate  *candidates = find_candidates(place, lots, nlots, wish->owner);
	bool		short_of = false;
	bool		lent = false;

	/* Of the rows of a place, the one without a lot alone lends. */
	for (int i = 0; i < nlots; i++)
		short_of |= candidates[i].key.lot[0] == '\0' && candidates[i].free < wish->quantity;
	for (int i = 0; i < nlots && short_of; i++)
		lent |= lots[i].stripes > 0;
	if (likely(!lent))
		return candidates;
	usom_stripe_gather_lots(place, lots, nlots);
	return find_candidates(place, lots, nlots, wish->owner);
}

/* best is what one lot can give at most. */
static void
refuse_short(const UsomPlace *place, UsomQuantity wanted, UsomQuantity best, int nlots)
{
	const char *available = usom_quantity_text(best);

	ereport(ERROR, errcode(USOM_ERR(SHORT_STOCK)),
			errmsg("not enough stock of \"%s\" at \"%s\"", place->sku, place->location),
			!place->active ?
			errdetail("Available 0, wanted %s. The location is not active.", usom_quantity_text(wanted)) :
			nlots > 1 ?
			errdetail("Available %s in one lot, wanted %s.", available, usom_quantity_text(wanted)) :
			errdetail("Available %s, wanted %s.", available, usom_quantity_text(wanted)),
			errhint("Ask for at most the available quantity, or call usom.receive_stock() first."));
}

/* The first lot that has it all, an index; US201 if there is none. */
static int
choose_candidate(const UsomPlace *place, const Candidate *candidates, int ncandidates, UsomQuantity wanted)
{
	UsomQuantity best = 0;

	for (int i = 0; i < ncandidates && place->active; i++)
	{
		if (candidates[i].free >= wanted)
			return i;
		best = Max(best, candidates[i].free);
	}
	refuse_short(place, wanted, best, ncandidates);
	return -1;
}

static UsomQuery delete_owners = {
	.text = "DELETE FROM usom.reservation AS r USING unnest($2) AS k "
	"WHERE r.org_id = $1 AND r.product_id = k.product_id AND r.location_id = k.location_id AND r.lot = k.lot "
	"AND r.owner = ANY ($3) RETURNING r.product_id, r.location_id, r.lot, r.quantity",
	.nargs = 3,
	.argtypes = {"bigint", "usom._stock_key[]", "text[]"},
};

static Datum
owner_array(const char *const *owners, int nowners)
{
	Datum	   *elements = palloc_array(Datum, Max(nowners, 1));

	for (int i = 0; i < nowners; i++)
		elements[i] = CStringGetTextDatum(owners[i]);
	return PointerGetDatum(construct_array_builtin(elements, nowners, TEXTOID));
}

static UsomStockHold *
delete_of_owners(int64 org_id, const UsomStockKey *keys, int nkeys, const char *const *owners, int nowners, int *ngone)
{
	Datum		values[] = {
		Int64GetDatum(org_id),
		usom_stock_key_rows(keys, nkeys),
		owner_array(owners, nowners),
	};

	*ngone = (int) usom_query_write(&delete_owners, values, NULL);
	return read_holds(*ngone);
}

static UsomQuery write_reservation = {
	.text = "INSERT INTO usom.reservation AS r (org_id, owner, product_id, location_id, lot, quantity, expires_at) "
	"VALUES ($1, $2, $3, $4, $5, $6, $7) "
	"ON CONFLICT (org_id, product_id, location_id, lot, owner) "
	"DO UPDATE SET quantity = excluded.quantity, expires_at = excluded.expires_at "
	"RETURNING r.reservation_id",
	.nargs = 7,
	.argtypes = {"bigint", "text", "bigint", "bigint", "text", "numeric", "timestamptz"},
};

static int64
put_reservation(int64 org_id, const UsomStockKey *key, const Wish *wish)
{
	Datum		values[] = {
		Int64GetDatum(org_id),
		CStringGetTextDatum(wish->owner),
		Int64GetDatum(key->product_id),
		Int64GetDatum(key->location_id),
		CStringGetTextDatum(key->lot),
		NumericGetDatum(usom_quantity_numeric(wish->quantity)),
		TimestampTzGetDatum(wish->expires_at),
	};

	usom_query_write(&write_reservation, values, NULL);
	return DatumGetInt64(usom_query_get(0, 1));
}

/* The owner's holds on the other lots end with this one. */
static int64
reserve_in(const UsomPlace *place, const Candidate *candidates, int ncandidates, int chosen, const Wish *wish)
{
	UsomStockHold *changes = palloc_array(UsomStockHold, ncandidates);
	UsomStockKey *others = palloc_array(UsomStockKey, ncandidates);
	int			nothers = 0;
	int			ngone;
	int64		reservation_id;

	for (int i = 0; i < ncandidates; i++)
		if (i != chosen && candidates[i].mine > 0)
		{
			changes[nothers] = (UsomStockHold) {candidates[i].key, -candidates[i].mine};
			others[nothers++] = candidates[i].key;
		}
	if (nothers > 0)
		(void) delete_of_owners(place->org_id, others, nothers, &wish->owner, 1, &ngone);
	reservation_id = put_reservation(place->org_id, &candidates[chosen].key, wish);
	changes[nothers] = (UsomStockHold) {candidates[chosen].key, wish->quantity - candidates[chosen].mine};
	apply_holds(place->org_id, changes, nothers + 1);
	return reservation_id;
}

/* usom_call_time() plus ttl: 22023 unless that is later and finite. */
static TimestampTz
expiry_of(Interval *ttl)
{
	TimestampTz at = usom_call_time();
	TimestampTz expires_at = DatumGetTimestampTz(DirectFunctionCall2(timestamptz_pl_interval,
																	 TimestampTzGetDatum(at),
																	 IntervalPGetDatum(ttl)));

	if (expires_at <= at || TIMESTAMP_NOT_FINITE(expires_at))
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("ttl must be a finite time greater than zero"),
				errdetail("It is %s.", DatumGetCString(DirectFunctionCall1(interval_out, IntervalPGetDatum(ttl)))),
				errhint("Say how long the units are kept, as in ttl => '15 minutes'."));
	return expires_at;
}

/* usom.reserve_stock(owner text, location text, sku text, quantity numeric, ttl interval) */
Datum
usom_reserve_stock(PG_FUNCTION_ARGS)
{
	UsomPlace	place = {0};
	Wish		wish;
	UsomLot    *lots;
	Candidate  *candidates;
	int			nlots;
	int			chosen;
	int64		reservation_id;

	usom_card_check_call(fcinfo);
	wish.owner = usom_stock_required_text(fcinfo, 0, "owner");
	place.location = usom_stock_required_text(fcinfo, 1, "location");
	place.sku = usom_stock_required_text(fcinfo, 2, "sku");
	wish.quantity = usom_stock_positive(usom_stock_required_quantity(fcinfo, 3, "quantity"), "quantity");
	if (PG_ARGISNULL(4))
		ereport(ERROR, errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				errmsg("ttl must not be null"),
				errhint("Say how long the units are kept, as in ttl => '15 minutes'."));
	usom_call_begin("reserve_stock", NULL);
	wish.expires_at = expiry_of(PG_GETARG_INTERVAL_P(4));
	lots = usom_stock_lock_place(&place, NULL, &nlots);
	expire_lots(&place, lots, nlots);
	candidates = find_whole_candidates(&place, lots, nlots, &wish);
	chosen = choose_candidate(&place, candidates, nlots, wish.quantity);
	reservation_id = reserve_in(&place, candidates, nlots, chosen, &wish);
	usom_call_end();
	PG_RETURN_INT64(reservation_id);
}

/* A reservation keeps its stock row as long as it lives, so the row found before the wait is the right one. */
static UsomQuery lock_reservation = {
	.text = "SELECT s.product_id, s.location_id, s.lot FROM usom.reservation AS r "
	"CROSS JOIN LATERAL (SELECT s.product_id, s.location_id, s.lot FROM usom.stock AS s "
	"WHERE s.org_id = $1 AND s.product_id = r.product_id AND s.location_id = r.location_id AND s.lot = r.lot "
	"FOR NO KEY UPDATE) AS s "
	"WHERE r.org_id = $1 AND r.reservation_id = $2",
	.nargs = 2,
	.argtypes = {"bigint", "bigint"},
};

static UsomQuery delete_reservation = {
	.text = "DELETE FROM usom.reservation AS r WHERE r.org_id = $1 AND r.reservation_id = $2 "
	"RETURNING r.product_id, r.location_id, r.lot, r.quantity, r.expires_at > $3",
	.nargs = 3,
	.argtypes = {"bigint", "bigint", "timestamptz"},
};

/* False if it was gone, or had run out. */
static bool
release(int64 org_id, int64 reservation_id)
{
	Datum		values[] = {
		Int64GetDatum(org_id),
		Int64GetDatum(reservation_id),
		TimestampTzGetDatum(usom_call_time()),
	};
	UsomStockHold *gone;
	bool		counted;

	if (usom_query_run(&lock_reservation, values, NULL) == 0 ||
		usom_query_write(&delete_reservation, values, NULL) == 0)
		return false;
	gone = negate(read_holds(1), 1);
	counted = DatumGetBool(usom_query_get(0, 5));
	apply_holds(org_id, gone, 1);
	return counted;
}

/* usom.release_stock(reservation_id bigint) */
Datum
usom_release_stock(PG_FUNCTION_ARGS)
{
	bool		released;

	usom_call_begin("release_stock", NULL);
	released = release(usom_party_org(), PG_GETARG_INT64(0));
	usom_call_end();
	PG_RETURN_BOOL(released);
}

static UsomQuery find_owners_products = {
	.text = "SELECT DISTINCT r.product_id FROM usom.reservation AS r WHERE r.org_id = $1 AND r.owner = ANY ($2)",
	.nargs = 2,
	.argtypes = {"bigint", "text[]"},
};

int64 *
usom_stock_products_of_owners(int64 org_id, const char *const *owners, int nowners, int *nproducts)
{
	Datum		values[] = {Int64GetDatum(org_id), owner_array(owners, nowners)};
	int			count = (int) usom_query_run(&find_owners_products, values, NULL);
	int64	   *products = palloc_array(int64, Max(count, 1));

	for (int i = 0; i < count; i++)
		products[i] = DatumGetInt64(usom_query_get(i, 1));
	*nproducts = count;
	return products;
}

UsomStockHold *
usom_stock_give_up(int64 org_id, const char *const *owners, int nowners, const UsomStockRow *rows, int nrows, int *nholds)
{
	UsomStockKey *keys = palloc_array(UsomStockKey, Max(nrows, 1));
	UsomStockHold *gone;

	for (int i = 0; i < nrows; i++)
		keys[i] = rows[i].key;
	gone = delete_of_owners(org_id, keys, nrows, owners, nowners, nholds);
	negate(gone, *nholds);
	if (*nholds > 0)
		apply_holds(org_id, gone, *nholds);
	return gone;
}

/* ---- for a draft: all that its owner holds is what it wants now ---- */

static UsomQuery find_owners_keys = {
	.text = "SELECT r.product_id, r.location_id, r.lot, CASE WHEN r.expires_at > $3 THEN r.quantity ELSE 0 END FROM usom.reservation AS r "
	"WHERE r.org_id = $1 AND r.owner = $2",
	.nargs = 3,
	.argtypes = {"bigint", "text", "timestamptz"},
};

static UsomQuery write_reservations = {
	.text = "INSERT INTO usom.reservation AS r (org_id, owner, product_id, location_id, lot, quantity, expires_at) "
	"SELECT $1, $2, h.product_id, h.location_id, h.lot, h.held, $4 FROM unnest($3) AS h "
	"ON CONFLICT (org_id, product_id, location_id, lot, owner) "
	"DO UPDATE SET quantity = excluded.quantity, expires_at = excluded.expires_at",
	.nargs = 4,
	.argtypes = {"bigint", "text", "usom._stock_hold[]", "timestamptz"},
};

UsomStockHold *
usom_stock_holds_of(int64 org_id, const char *owner, int *nholds)
{
	Datum		values[] = {Int64GetDatum(org_id), CStringGetTextDatum(owner), TimestampTzGetDatum(usom_call_time())};

	*nholds = (int) usom_query_run(&find_owners_keys, values, NULL);
	return read_holds(*nholds);
}

static int
compare_holds(const void *a, const void *b)
{
	return usom_stock_key_compare(&((const UsomStockHold *) a)->key, &((const UsomStockHold *) b)->key);
}

/* What is wanted of each key that is wanted or held, by key: of a key that is only held, nothing. */
static UsomStockHold *
join_holds(const UsomStockHold *wanted, int nwanted, const UsomStockHold *own, int nown, int *nall)
{
	UsomStockHold *all = palloc_array(UsomStockHold, nwanted + nown + 1);
	int			count = 0;

	for (int i = 0; i < nwanted + nown; i++)
		all[i] = i < nwanted ? wanted[i] : (UsomStockHold) {own[i - nwanted].key, 0};
	qsort(all, nwanted + nown, sizeof(UsomStockHold), compare_holds);
	for (int i = 0; i < nwanted + nown; i++)
	{
		if (count > 0 && compare_holds(&all[count - 1], &all[i]) == 0)
			all[count - 1].held = usom_quantity_add(all[count - 1].held, all[i].held);
		else
			all[count++] = all[i];
	}
	*nall = count;
	return all;
}

/*
 * What is wanted becomes what may be held, and the change to what is held;
 * nothing of rows that are not there.
 */
static void
cut_to_free(int64 org_id, const char *owner, UsomStockHold *all, UsomStockHold *changes, int count, const UsomStockKey *keys)
{
	Datum		values[] = {
		Int64GetDatum(org_id), usom_stock_key_rows(keys, count), CStringGetTextDatum(owner), TimestampTzGetDatum(usom_call_time())
	};
	uint64		nrows = usom_query_run(&read_candidates, values, NULL);
	UsomStockHold *wanted = memcpy(palloc_array(UsomStockHold, count), all, count * sizeof(UsomStockHold));

	for (int i = 0; i < count; i++)
	{
		changes[i] = (UsomStockHold) {all[i].key, 0};
		all[i].held = 0;
	}
	for (uint64 row = 0; row < nrows; row++)
	{
		UsomStockHold key = {usom_stock_read_key(row, 1), 0};
		UsomStockHold *found = bsearch(&key, wanted, count, sizeof(UsomStockHold), compare_holds);
		UsomQuantity free = usom_quantity_of(DatumGetNumeric(usom_query_get(row, 4)));
		UsomQuantity mine = usom_quantity_of(DatumGetNumeric(usom_query_get(row, 5)));

		all[found - wanted].held = Min(found->held, Max(free, 0));
		changes[found - wanted].held = all[found - wanted].held - mine;
	}
}

/* The rows of the owner: those with nothing go, the others are there until then. */
static void
put_holds(int64 org_id, const char *owner, const UsomStockHold *all, int count, TimestampTz until)
{
	UsomStockHold *kept = palloc_array(UsomStockHold, count);
	UsomStockKey *gone = palloc_array(UsomStockKey, count);
	int			nkept = 0;
	int			ngone = 0;
	int			ndeleted;
	Datum		values[4] = {Int64GetDatum(org_id), CStringGetTextDatum(owner), 0, TimestampTzGetDatum(until)};

	for (int i = 0; i < count; i++)
		if (all[i].held > 0)
			kept[nkept++] = all[i];
		else
			gone[ngone++] = all[i].key;
	if (ngone > 0)
		(void) delete_of_owners(org_id, gone, ngone, &owner, 1, &ndeleted);
	values[2] = hold_rows(kept, nkept);
	if (nkept > 0)
		usom_query_write(&write_reservations, values, NULL);
}

UsomStockHold *
usom_stock_hold(int64 org_id, const char *owner, const UsomStockHold *wanted, int nwanted, TimestampTz until, int *nholds)
{
	int			nown;
	int			count;
	int			nexpired;
	UsomStockHold *own = usom_stock_holds_of(org_id, owner, &nown);
	UsomStockHold *all = join_holds(wanted, nwanted, own, nown, &count);
	UsomStockHold *changes = palloc_array(UsomStockHold, count + 1);
	UsomStockKey *keys = palloc_array(UsomStockKey, count + 1);

	*nholds = count;
	if (count == 0)
		return all;
	for (int i = 0; i < count; i++)
		keys[i] = all[i].key;
	usom_stock_lock_whole_keys(org_id, keys, count);
	(void) usom_stock_expire(org_id, keys, count, usom_call_time(), &nexpired);
	cut_to_free(org_id, owner, all, changes, count, keys);
	put_holds(org_id, owner, all, count, until);
	apply_holds(org_id, changes, count);
	return all;
}
