/*
 * allocate.c
 *		Stock for the open units and the waiting pieces of orders.
 *
 * Three steps: gather demands, lock the stock of their products and plan
 * (sourcing decides: by rules and costs where there are any, within what
 * quotas allow), write the plan into the set.
 *
 * Locks: the orders of the set are locked; the stock rows of all products of
 * the demands, and of what the set frees, are locked in one statement, in
 * stock order (of products in stripes one stripe instead, where that makes no
 * difference to the plan: stock/stripe.h); where there are quotas, then supply and quotas, by key.  The plan is made on locked rows, so no race can undo it.
 *
 * Memory: CurrentMemoryContext.
 */
#include "postgres.h"

#include "api/allocate.h"
#include "api/peg.h"
#include "api/pick_up.h"
#include "api/precedence.h"
#include "api/quota.h"
#include "api/substitute.h"
#include "api/waits.h"

#include "base/call.h"
#include "stock/place.h"
#include "stock/stripe.h"

static Gathered *
make_gathered(int capacity)
{
	Gathered   *gathered = palloc0_object(Gathered);

	gathered->demands = palloc_array(UsomDemand, Max(capacity, 1));
	gathered->wanted = palloc_array(Wanted, Max(capacity, 1));
	return gathered;
}

static void
gather(Gathered *gathered, const UsomOrderSet *set, int line, int piece, UsomQuantity quantity)
{
	const UsomLine *of = &set->lines[line];

	gathered->demands[gathered->count] = (UsomDemand) {of->product_id, of->location_id, quantity, of->partial};
	gathered->wanted[gathered->count++] = (Wanted) {line, piece};
	if (unlikely(usom_line_is_component(of)))
		gathered->whole_kits |= set->lines[usom_order_kit_of(set, line)].whole_kits;
}

/* A promise for what is on the shelf: when the customer wants it, now at the earliest. */
static TimestampTz
promise(const UsomOrderSet *set, const UsomLine *line)
{
	TimestampTz wanted = line->requested_at != USOM_NO_TIME ? line->requested_at
		: set->orders[line->order].requested_at;

	return Max(wanted, usom_call_time());
}

/* Services need no stock: their open units are as good as reserved. */
static void
reserve_services(UsomOrderSet *set)
{
	for (int i = 0; i < set->nlines; i++)
	{
		UsomQuantity open = set->lines[i].counters.by_state[USOM_PIECE_OPEN];
		int			piece;

		if (set->lines[i].stocked || set->lines[i].removed || set->lines[i].is_kit || open == 0 ||
			!usom_order_is_running(set->orders[set->lines[i].order].status))
			continue;
		piece = usom_order_add_piece(set, i, USOM_PIECE_RESERVED, open, NULL);
		set->pieces[piece].promised_at = promise(set, &set->lines[i]);
	}
}

static Gathered *
gather_open(const UsomOrderSet *set)
{
	Gathered   *gathered = make_gathered(set->nlines);

	for (int i = 0; i < set->nlines; i++)
	{
		UsomQuantity open = set->lines[i].counters.by_state[USOM_PIECE_OPEN];

		if (!set->lines[i].stocked || set->lines[i].removed || open == 0 ||
			!usom_order_is_running(set->orders[set->lines[i].order].status))
			continue;
		if (unlikely(usom_order_waits_for_supply(set, i)))
			gathered->left_out = true;
		else
			gather(gathered, set, i, -1, open);
	}
	return gathered;
}

typedef struct Turns
{
	const UsomOrderSet *set;
	const int  *places;			/* of orders, by usom.fill_priority */
} Turns;

/* Who is served first; within an order as gathered. */
static int
compare_wanted(const void *a, const void *b, void *argument)
{
	const Turns *turns = argument;
	const Wanted *left = a;
	const Wanted *right = b;
	int			one = turns->places[turns->set->lines[left->line].order];
	int			other = turns->places[turns->set->lines[right->line].order];

	return one != other ? one - other : left->piece - right->piece;
}

static void
sort_gathered(const UsomOrderSet *set, Gathered *gathered)
{
	Turns		turns = {set, usom_api_fill_places(set)};

	qsort_arg(gathered->wanted, gathered->count, sizeof(Wanted), compare_wanted, &turns);
	for (int i = 0; i < gathered->count; i++)
	{
		const UsomLine *of = &set->lines[gathered->wanted[i].line];

		gathered->demands[i] = (UsomDemand) {
			of->product_id, of->location_id, set->pieces[gathered->wanted[i].piece].quantity, of->partial
		};
	}
}

/* Of a kit that is served whole, all components are looked at together. */
static bool
is_about(const UsomOrderSet *set, int line, int64 product_id)
{
	int			kit;

	if (product_id == 0 || set->lines[line].product_id == product_id)
		return true;
	if (likely(!usom_line_is_component(&set->lines[line])))
		return false;
	kit = usom_order_kit_of(set, line);
	for (int i = usom_order_next_component(set, kit, kit); i >= 0; i = usom_order_next_component(set, kit, i))
		if (set->lines[i].product_id == product_id)
			return set->lines[kit].whole_kits;
	return false;
}

static Gathered *
gather_backordered(const UsomOrderSet *set, int64 product_id)
{
	Gathered   *gathered = make_gathered(set->npieces);

	for (int i = 0; i < set->npieces; i++)
	{
		const UsomPiece *piece = &set->pieces[i];

		if (piece->status == USOM_PIECE_BACKORDERED && is_about(set, piece->line, product_id) &&
			!usom_order_waits_for_supply(set, piece->line))
			gather(gathered, set, piece->line, i, piece->quantity);
	}
	if (set->norders > 1)
		sort_gathered(set, gathered);
	return gathered;
}

/* What the set frees in this call may be taken again; what it takes already may not. */
static void
add_freed(const UsomOrderSet *set, UsomStockRow *rows, int nrows)
{
	int			ndeltas = 0;
	UsomStockDelta *deltas = set->ndeltas > 0 ? usom_stock_merge(set->deltas, set->ndeltas, &ndeltas) : NULL;

	for (int i = 0; i < ndeltas; i++)
	{
		UsomStockRow *row = bsearch(&deltas[i].key, rows, nrows, sizeof(UsomStockRow), usom_stock_key_compare);

		if (row != NULL && row->usable_until > usom_call_time())
			row->available = Max(row->available + deltas[i].on_hand - deltas[i].reserved, 0);
	}
}

static UsomStockWish *
wishes_of(const Gathered *gathered)
{
	UsomStockWish *wishes = palloc_array(UsomStockWish, Max(gathered->count, 1));

	for (int i = 0; i < gathered->count; i++)
		wishes[i] = (UsomStockWish) {
			gathered->demands[i].product_id, gathered->demands[i].location_id, gathered->demands[i].quantity};
	return wishes;
}

/*
 * May a demand be served without a look at all that there is of its product?
 * Not if units are freed or substitutes weighed, a quota or the other goods of
 * a kit say how many it may have, or pieces that wait are filled.
 */
static bool
is_plain(const UsomOrderSet *set, const Gathered *gathered, int nothers)
{
	return set->nowners == 0 && set->ndeltas == 0 && nothers == 0 && !gathered->whole_kits &&
		gathered->count > 0 && gathered->wanted[0].piece < 0 && !usom_quota_is_any(set->org_id);
}

/* What the set has taken from stripes, and not yet written, was gathered with all they have: it is taken from the rows. */
static void
keep_in_stock(UsomOrderSet *set)
{
	for (int i = 0; i < set->ndeltas; i++)
		set->deltas[i].key.stripe = 0;
}

static UsomStockRow *
lock_stock(UsomOrderSet *set, const Gathered *gathered, int *nrows)
{
	int			nothers;
	int64	   *others = usom_api_substitute_products(set, &nothers);
	int			nproducts = gathered->count + set->ndeltas + nothers;
	int64	   *products = palloc_array(int64, nproducts);
	UsomStockRow *rows;

	for (int i = 0; i < gathered->count; i++)
		products[i] = gathered->demands[i].product_id;
	for (int i = 0; i < set->ndeltas; i++)
		products[gathered->count + i] = set->deltas[i].key.product_id;
	memcpy(products + nproducts - nothers, others, nothers * sizeof(int64));

	/*
	 * With units to free, rows that have nothing left must be locked too; and
	 * where supply may arrive, so that it meets all who wait for it.
	 */
	if (set->nowners > 0)
		rows = usom_stock_take_over(set->org_id, products, nproducts, usom_call_time(), set->owners, set->nowners, nrows);
	else if (is_plain(set, gathered, nothers))
		rows = usom_stock_lock_to_serve(set->org_id, wishes_of(gathered), gathered->count, usom_call_time(),
										usom_supply_is_any(set->org_id), usom_sourcing_is_ruled(set->org_id), nrows);
	else
		rows = usom_stock_lock_products(set->org_id, products, nproducts, usom_call_time(),
										set->ndeltas > 0 || nothers > 0 || usom_supply_is_any(set->org_id), nrows);
	set->stock_locked = true;
	set->nowners = 0;
	keep_in_stock(set);
	add_freed(set, rows, *nrows);
	return rows;
}

void
usom_api_carry_out(UsomOrderSet *set, const Wanted *wanted, Served served)
{
	int			piece;

	if (wanted->piece >= 0 && served.from == NULL)
		return;
	if (wanted->piece >= 0)
		piece = usom_order_fill_piece(set, wanted->piece, served.quantity, served.from);
	else
		piece = usom_order_add_piece(set, wanted->line, served.from ? USOM_PIECE_RESERVED : USOM_PIECE_BACKORDERED,
									 served.quantity, served.from);
	set->pieces[piece].ships_on = served.ships_on;
	if (served.from != NULL)
		set->pieces[piece].promised_at = Max(promise(set, &set->lines[wanted->line]), served.arrives_at);
}

/* Demands are cut to what quotas let them have; those that get nothing are gone.  NULL: there are no quotas. */
static UsomCapping *
cap_by_quota(UsomOrderSet *set, Gathered *gathered, const UsomStockRow *rows, int nrows)
{
	UsomCapping *capping;
	int			nsupplies;
	int			count = 0;

	if (likely(!usom_quota_is_any(set->org_id)))
		return NULL;
	usom_api_lock_supply(set, &nsupplies);
	capping = usom_api_capping_make(set, gathered->count);
	for (int i = 0; i < gathered->count; i++)
		usom_api_capping_add(capping, set, gathered->wanted[i].line, gathered->wanted[i].piece < 0,
							 &gathered->demands[i]);
	usom_api_cap(capping, set, rows, nrows);
	for (int i = 0; i < gathered->count; i++)
	{
		gathered->demands[count] = gathered->demands[i];
		gathered->demands[count].quantity = capping->demands[i].cap;
		gathered->wanted[count] = gathered->wanted[i];
		count += capping->demands[i].cap > 0;
	}
	gathered->count = count;
	return capping;
}

/* Returns how many assignments took stock. */
static int
serve_by_priority(UsomOrderSet *set, const Gathered *gathered, UsomStockRow *rows, int nrows)
{
	int			served = 0;
	UsomPlan   *plan;

	plan = usom_sourcing_plan(gathered->demands, gathered->count, rows, nrows);
	for (int i = 0; i < plan->nassignments; i++)
	{
		const UsomAssignment *assignment = &plan->assignments[i];

		usom_api_carry_out(set, &gathered->wanted[assignment->demand], (Served) {
			assignment->row >= 0 ? &rows[assignment->row].key : NULL, assignment->quantity, PG_INT64_MIN, USOM_NO_DAY});
		served += assignment->row >= 0;
	}
	return served;
}

static int
serve(UsomOrderSet *set, Gathered *gathered)
{
	int			nrows;
	int			served;
	UsomStockRow *rows;
	UsomCapping *capping;

	if (gathered->count == 0 && set->nowners == 0)
		return 0;
	rows = lock_stock(set, gathered, &nrows);
	capping = cap_by_quota(set, gathered, rows, nrows);
	if (unlikely(gathered->whole_kits))
		usom_api_ask_for_whole_kits(set, gathered, rows, nrows);
	usom_stock_first_expired_first(rows, nrows);
	served = unlikely(gathered->count > 0 && usom_sourcing_is_ruled(set->org_id))
		? usom_api_serve_by_rules(set, gathered, rows, nrows) : serve_by_priority(set, gathered, rows, nrows);
	usom_stripe_deal(set->org_id, rows, nrows, wishes_of(gathered), gathered->count);
	usom_api_charge(capping, set);
	return served;
}

void
usom_api_allocate(UsomOrderSet *set)
{
	UsomWait   *before = usom_api_look_at_waits(set);
	Gathered   *gathered;

	usom_api_settle_pick_ups(set);
	gathered = gather_open(set);
	serve(set, gathered);
	if (unlikely(gathered->whole_kits || gathered->left_out || usom_quota_is_any(set->org_id)))
		usom_api_backorder_rests(set);
	if (unlikely(usom_quota_is_any(set->org_id)))
		usom_api_promise_release(set);
	usom_api_peg(set, 0);
	usom_api_tell_waits(set, before);
	reserve_services(set);
}

int
usom_api_fill(UsomOrderSet *set, int64 product_id)
{
	int			served = serve(set, gather_backordered(set, product_id));

	usom_api_peg_anew(set, product_id);
	return served;
}

int
usom_api_fill_pieces(UsomOrderSet *set, const int *pieces, int npieces, int64 location_id)
{
	Gathered   *gathered = make_gathered(npieces);

	for (int i = 0; i < npieces; i++)
	{
		int			line = set->pieces[pieces[i]].line;

		if (location_id == 0 && usom_order_waits_for_supply(set, line))
			continue;
		gather(gathered, set, line, pieces[i], set->pieces[pieces[i]].quantity);
		if (location_id != 0)
			gathered->demands[gathered->count - 1].location_id = location_id;
	}
	return serve(set, gathered);
}
