/*
 * peg.c
 *		What waits counts on what is under way.
 *
 * Two stages: pieces that count on nothing take what is free; then pieces that
 * count on a supply take what is still free of earlier ones, so that nothing
 * early is left idle, and nobody is promised later than before.
 *
 * Locks: the orders of the set are locked; the supply of the products that
 * wait, and what the set has let go of, by key, in one statement, after the
 * stock.
 *
 * Memory: CurrentMemoryContext.
 */
#include "postgres.h"

#include "api/peg.h"
#include "api/precedence.h"

#include "base/call.h"
#include "sourcing/peg.h"

/* Waiting pieces, the first to be served first. */
typedef struct Waiting
{
	int			count;
	int		   *pieces;
	UsomPegDemand *demands;
	UsomOrderSet *set;
	int64		product_id;		/* what it is about; 0: all products */
	int			nsupplies;
	UsomSupply *supplies;
	int		   *by_key;			/* indexes of the supplies, by key */
} Waiting;

static bool
waits(const UsomOrderSet *set, const UsomPiece *piece)
{
	return piece->status == USOM_PIECE_BACKORDERED && piece->quantity > 0 &&
		usom_order_is_running(set->orders[set->lines[piece->line].order].status);
}

static bool
any_waits(const UsomOrderSet *set, bool unpegged)
{
	for (int i = 0; i < set->npieces; i++)
		if (waits(set, &set->pieces[i]) && (!unpegged || set->pieces[i].supply_id == 0))
			return true;
	return false;
}

static bool
is_about(const Waiting *waiting, const UsomPiece *piece)
{
	return waits(waiting->set, piece) &&
		(waiting->product_id == 0 || waiting->set->lines[piece->line].product_id == waiting->product_id);
}

typedef struct Turns
{
	const UsomOrderSet *set;
	const int  *places;			/* of orders, by usom.fill_priority; NULL: there is one */
} Turns;

/* Firm orders first. */
static int
compare_orders(const Turns *turns, int x, int y)
{
	bool		firm = usom_order_type_is_firm(turns->set->orders[x].order_type);

	if (firm != usom_order_type_is_firm(turns->set->orders[y].order_type))
		return firm ? -1 : 1;
	return turns->places[x] - turns->places[y];
}

/* Within a line the piece with the earlier agreed date; one without any first. */
static int
compare_pieces(const void *a, const void *b, void *arg)
{
	const Turns *turns = arg;
	const UsomOrderSet *set = turns->set;
	const UsomPiece *x = &set->pieces[*(const int *) a];
	const UsomPiece *y = &set->pieces[*(const int *) b];

	if (set->lines[x->line].order != set->lines[y->line].order)
		return compare_orders(turns, set->lines[x->line].order, set->lines[y->line].order);
	if (x->line != y->line)
		return x->line < y->line ? -1 : 1;
	if (x->promised_at != y->promised_at)
		return x->promised_at < y->promised_at ? -1 : 1;
	return x->piece_no < y->piece_no ? -1 : x->piece_no > y->piece_no;
}

void
usom_api_sort_pieces(UsomOrderSet *set, int *pieces, int npieces)
{
	Turns		turns = {set, usom_api_fill_places(set)};

	qsort_arg(pieces, npieces, sizeof(int), compare_pieces, &turns);
}

static int
compare_keys(const void *a, const void *b, void *arg)
{
	const UsomSupply *supplies = arg;
	int64		left = supplies[*(const int *) a].supply_id;
	int64		right = supplies[*(const int *) b].supply_id;

	return left < right ? -1 : left > right;
}

/* Index into the supplies, or -1: it is not expected any more. */
static int
find_supply(const Waiting *waiting, int64 supply_id)
{
	int			low = 0;
	int			high = waiting->nsupplies;

	while (low < high)
	{
		int			middle = low + (high - low) / 2;

		if (waiting->supplies[waiting->by_key[middle]].supply_id < supply_id)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == waiting->nsupplies || waiting->supplies[waiting->by_key[low]].supply_id != supply_id)
		return -1;
	return waiting->by_key[low];
}

static void
add_demand(Waiting *waiting, int piece, int from)
{
	const UsomLine *line = &waiting->set->lines[waiting->set->pieces[piece].line];

	waiting->demands[waiting->count] = (UsomPegDemand) {
		.product_id = line->product_id,
		.location_id = line->location_id,
		.sales_order_id = waiting->set->orders[line->order].sales_order_id,
		.line_no = line->line_no,
		.quantity = waiting->set->pieces[piece].quantity,
		.partial = line->partial,
		.from = from,
	};
	waiting->pieces[waiting->count++] = piece;
}

static void
gather_unpegged(Waiting *waiting)
{
	waiting->count = 0;
	for (int i = 0; i < waiting->set->npieces; i++)
		if (waiting->set->pieces[i].supply_id == 0 && is_about(waiting, &waiting->set->pieces[i]))
			add_demand(waiting, i, -1);
}

/* Pieces whose promise is the date of their supply; what was bought for one line stays with it. */
static void
gather_pegged(Waiting *waiting)
{
	waiting->count = 0;
	for (int i = 0; i < waiting->set->npieces; i++)
	{
		const UsomPiece *piece = &waiting->set->pieces[i];
		int			from;

		if (piece->supply_id == 0 || !is_about(waiting, piece))
			continue;
		from = find_supply(waiting, piece->supply_id);
		if (from >= 0 && waiting->supplies[from].sales_order_id == 0 &&
			piece->promised_at <= waiting->supplies[from].expected_at)
			add_demand(waiting, i, from);
	}
}

/* Demands in the order of the pieces, which are sorted. */
static void
sort_waiting(Waiting *waiting)
{
	int		   *pieces = palloc_array(int, Max(waiting->count, 1));
	int			n = waiting->count;

	memcpy(pieces, waiting->pieces, sizeof(int) * n);
	usom_api_sort_pieces(waiting->set, pieces, n);
	if (memcmp(pieces, waiting->pieces, sizeof(int) * n) == 0)
		return;
	waiting->count = 0;
	for (int i = 0; i < n; i++)
	{
		int64		supply_id = waiting->set->pieces[pieces[i]].supply_id;

		add_demand(waiting, pieces[i], supply_id == 0 ? -1 : find_supply(waiting, supply_id));
	}
}

/* Not before a date that was agreed, or that the customer wants. */
static TimestampTz
promise(const UsomOrderSet *set, const UsomPiece *piece, TimestampTz expected_at)
{
	const UsomLine *line = &set->lines[piece->line];
	TimestampTz wanted = line->requested_at != USOM_NO_TIME ? line->requested_at : set->orders[line->order].requested_at;
	TimestampTz agreed = piece->supply_id == 0 ? piece->promised_at : USOM_NO_TIME;

	return Max(Max(expected_at, usom_call_time()), Max(wanted, agreed));
}

static int
plan_and_peg(Waiting *waiting)
{
	UsomOrderSet *set = waiting->set;
	int			npegs;
	UsomPeg    *pegs;

	sort_waiting(waiting);
	pegs = usom_sourcing_peg(waiting->demands, waiting->count, waiting->supplies, waiting->nsupplies, &npegs);
	for (int i = 0; i < npegs; i++)
	{
		const UsomSupply *supply = &waiting->supplies[pegs[i].supply];
		int			piece = waiting->pieces[pegs[i].demand];
		TimestampTz promised_at = promise(set, &set->pieces[piece], supply->expected_at);
		bool		cut = pegs[i].quantity < set->pieces[piece].quantity;

		usom_order_peg_piece(set, piece, pegs[i].quantity, supply->supply_id, promised_at);
		if (cut)
			waiting->pieces[pegs[i].demand] = set->npieces - 1;
	}
	return npegs;
}

/* What the set has pegged or let go of in this call is not written yet. */
static void
add_pending(Waiting *waiting)
{
	for (int i = 0; i < waiting->set->npegs; i++)
	{
		int			supply = find_supply(waiting, waiting->set->pegs[i].supply_id);

		if (supply >= 0)
			waiting->supplies[supply].free -= waiting->set->pegs[i].pegged;
	}
}

/* And what the set lets go of, which is written later in the call. */
static void
lock_products(Waiting *waiting, const int64 *products, int nproducts)
{
	int64	   *others = palloc_array(int64, waiting->set->npegs + 1);

	for (int i = 0; i < waiting->set->npegs; i++)
		others[i] = waiting->set->pegs[i].supply_id;
	waiting->supplies = usom_supply_lock_products(waiting->set->org_id, products, nproducts, others, waiting->set->npegs,
												  &waiting->nsupplies);
	waiting->by_key = palloc_array(int, Max(waiting->nsupplies, 1));
	for (int i = 0; i < waiting->nsupplies; i++)
		waiting->by_key[i] = i;
	qsort_arg(waiting->by_key, waiting->nsupplies, sizeof(int), compare_keys, waiting->supplies);
	add_pending(waiting);
}

static void
lock_supply(Waiting *waiting)
{
	UsomOrderSet *set = waiting->set;
	int64	   *products = palloc_array(int64, set->npieces);
	int			nproducts = 0;

	for (int i = 0; i < set->npieces; i++)
		if (is_about(waiting, &set->pieces[i]))
			products[nproducts++] = set->lines[set->pieces[i].line].product_id;
	lock_products(waiting, products, nproducts);
}

UsomSupply *
usom_api_lock_supply(const UsomOrderSet *set, int *nsupplies)
{
	Waiting		waiting = {.set = unconstify(UsomOrderSet *, set)};
	int64	   *products = palloc_array(int64, set->nlines + 1);

	*nsupplies = 0;
	if (likely(!usom_supply_is_any(set->org_id)))
		return NULL;
	for (int i = 0; i < set->nlines; i++)
		products[i] = set->lines[i].product_id;
	lock_products(&waiting, products, set->nlines);
	*nsupplies = waiting.nsupplies;
	return waiting.supplies;
}

/* Pegging cuts pieces: there is room for those that come of it. */
static int
peg_stage(Waiting *waiting, void (*gather) (Waiting *))
{
	waiting->pieces = palloc_array(int, waiting->set->npieces);
	waiting->demands = palloc_array(UsomPegDemand, waiting->set->npieces);
	gather(waiting);
	return waiting->count > 0 ? plan_and_peg(waiting) : 0;
}

/* By line, supply and date: what can be one piece stands together, the oldest first. */
static int
compare_alike(const void *a, const void *b, void *arg)
{
	const UsomOrderSet *set = arg;
	const UsomPiece *x = &set->pieces[*(const int *) a];
	const UsomPiece *y = &set->pieces[*(const int *) b];

	if (x->line != y->line)
		return x->line < y->line ? -1 : 1;
	if (x->supply_id != y->supply_id)
		return x->supply_id < y->supply_id ? -1 : 1;
	if (x->promised_at != y->promised_at)
		return x->promised_at < y->promised_at ? -1 : 1;
	return x->piece_no < y->piece_no ? -1 : x->piece_no > y->piece_no;
}

void
usom_api_join_alike(UsomOrderSet *set)
{
	int		   *pieces = palloc_array(int, set->npieces + 1);
	int			count = 0;

	for (int i = 0; i < set->npieces; i++)
		if (waits(set, &set->pieces[i]))
			pieces[count++] = i;
	qsort_arg(pieces, count, sizeof(int), compare_alike, set);
	for (int i = 1, into = 0; i < count; i++)
	{
		const UsomPiece *piece = &set->pieces[pieces[i]];
		const UsomPiece *kept = &set->pieces[pieces[into]];

		if (piece->line == kept->line && piece->supply_id == kept->supply_id && piece->promised_at == kept->promised_at &&
			set->lines[piece->line].partial)
			usom_order_join_pieces(set, pieces[into], pieces[i]);
		else
			into = i;
	}
}

int
usom_api_peg(UsomOrderSet *set, int64 product_id)
{
	Waiting		waiting = {.set = set, .product_id = product_id};

	if (likely(!any_waits(set, true)) || !usom_supply_is_any(set->org_id))
		return 0;
	lock_supply(&waiting);
	return peg_stage(&waiting, gather_unpegged);
}

int
usom_api_peg_anew(UsomOrderSet *set, int64 product_id)
{
	Waiting		waiting = {.set = set, .product_id = product_id};
	int			npegs;

	if (!any_waits(set, false) || !usom_supply_is_any(set->org_id))
		return 0;
	lock_supply(&waiting);
	npegs = peg_stage(&waiting, gather_unpegged);
	npegs += peg_stage(&waiting, gather_pegged);
	usom_api_join_alike(set);
	return npegs;
}
