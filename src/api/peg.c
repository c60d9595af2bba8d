/*
 * peg.c
 *		What waits counts on what is under way.
 *
 * Locks: the orders of the set are locked; the supply of the products that
 * wait, by key, after the stock.
 *
 * Memory: CurrentMemoryContext.
 */
#include "postgres.h"

#include "api/peg.h"

#include "base/call.h"
#include "sourcing/peg.h"

/* Waiting pieces, the first to be served first. */
typedef struct Waiting
{
	int			count;
	int		   *pieces;
	const UsomOrderSet *set;
} Waiting;

static bool
is_unpegged(const UsomOrderSet *set, const UsomPiece *piece)
{
	return piece->status == USOM_PIECE_BACKORDERED && piece->supply_id == 0 && piece->quantity > 0 &&
		usom_order_is_running(set->orders[set->lines[piece->line].order].status);
}

/* By order, then a piece with the earlier agreed date; one without any first. */
static int
compare_pieces(const void *a, const void *b, void *arg)
{
	const UsomOrderSet *set = arg;
	int			left = *(const int *) a;
	int			right = *(const int *) b;
	const UsomPiece *x = &set->pieces[left];
	const UsomPiece *y = &set->pieces[right];

	if (x->line != y->line)
		return x->line < y->line ? -1 : 1;
	if (x->promised_at != y->promised_at)
		return x->promised_at < y->promised_at ? -1 : 1;
	return x->piece_no < y->piece_no ? -1 : x->piece_no > y->piece_no;
}

static Waiting
find_waiting(const UsomOrderSet *set)
{
	Waiting		waiting = {.set = set};

	for (int i = 0; i < set->npieces; i++)
		if (is_unpegged(set, &set->pieces[i]))
		{
			if (waiting.pieces == NULL)
				waiting.pieces = palloc_array(int, set->npieces - i);
			waiting.pieces[waiting.count++] = i;
		}
	if (waiting.count > 1)
		qsort_arg(waiting.pieces, waiting.count, sizeof(int), compare_pieces, unconstify(UsomOrderSet *, set));
	return waiting;
}

static UsomPegDemand *
demands_of(const Waiting *waiting)
{
	const UsomOrderSet *set = waiting->set;
	UsomPegDemand *demands = palloc_array(UsomPegDemand, waiting->count);

	for (int i = 0; i < waiting->count; i++)
	{
		const UsomPiece *piece = &set->pieces[waiting->pieces[i]];
		const UsomLine *line = &set->lines[piece->line];

		demands[i] = (UsomPegDemand) {
			.product_id = line->product_id,
			.location_id = line->location_id,
			.sales_order_id = set->orders[line->order].sales_order_id,
			.line_no = line->line_no,
			.quantity = piece->quantity,
			.partial = line->partial,
		};
	}
	return demands;
}

/* Not before a date that was agreed, or that the customer wants. */
static TimestampTz
promise(const UsomOrderSet *set, const UsomPiece *piece, TimestampTz expected_at)
{
	const UsomLine *line = &set->lines[piece->line];
	TimestampTz wanted = line->requested_at != USOM_NO_TIME ? line->requested_at : set->orders[line->order].requested_at;
	TimestampTz promised_at = Max(expected_at, usom_call_time());

	return Max(promised_at, Max(wanted, piece->promised_at));
}

static int
carry_out(UsomOrderSet *set, const Waiting *waiting, const UsomPeg *pegs, int npegs, const UsomSupply *supplies)
{
	for (int i = 0; i < npegs; i++)
	{
		const UsomSupply *supply = &supplies[pegs[i].supply];
		int			piece = waiting->pieces[pegs[i].demand];
		TimestampTz promised_at = promise(set, &set->pieces[piece], supply->expected_at);
		bool		cut = pegs[i].quantity < set->pieces[piece].quantity;

		usom_order_peg_piece(set, piece, pegs[i].quantity, supply->supply_id, promised_at);
		if (cut)
			waiting->pieces[pegs[i].demand] = set->npieces - 1;
	}
	return npegs;
}

int
usom_api_peg(UsomOrderSet *set)
{
	Waiting		waiting = find_waiting(set);
	UsomPegDemand *demands;
	UsomSupply *supplies;
	UsomPeg    *pegs;
	int64	   *products;
	int			nsupplies;
	int			npegs;

	if (likely(waiting.count == 0) || !usom_supply_is_any(set->org_id))
		return 0;
	demands = demands_of(&waiting);
	products = palloc_array(int64, waiting.count);
	for (int i = 0; i < waiting.count; i++)
		products[i] = demands[i].product_id;
	supplies = usom_supply_lock_products(set->org_id, products, waiting.count, &nsupplies);
	pegs = usom_sourcing_peg(demands, waiting.count, supplies, nsupplies, &npegs);
	return carry_out(set, &waiting, pegs, npegs, supplies);
}
