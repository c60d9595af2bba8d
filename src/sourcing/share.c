/*
 * share.c
 *		The best that open sites can do for needs that compete, exactly.
 *
 *		A flow from needs over stocks and capacities to the customer is the
 *		best plan if needs may be cut at will.  Where it breaks a limit of a
 *		need (whole or not at all, parts, smallest part), there are two ways
 *		to mend that, and both are tried in depth: serve the need whole or not
 *		at all; use a site for it, with the smallest part at least, or not.
 *
 * Memory: CurrentMemoryContext; made once, then used again.
 */
#include "postgres.h"

#include "sourcing/work.h"

#include "miscadmin.h"
#include "sourcing/flow.h"

typedef enum Choice
{
	FREE,
	YES,						/* a need: whole; a candidate: in use */
	NO
} Choice;

typedef struct Sharing
{
	Work	   *work;
	const bool *open;
	int			begin;			/* of the cluster, in work->sequence */
	int			end;
	Choice	   *need;			/* by need */
	Choice	   *candidate;		/* by candidate */
	int		   *arc;			/* by candidate: -1 if it may not be used */
	int		   *source_arc;		/* by need */
	UsomQuantity *taken;		/* by candidate: in the flow */
	UsomQuantity *stock;		/* products by sites: left by smallest parts */
	UsomQuantity *capacity;
	int		   *stock_node;		/* products by sites */
	int		   *wanted;			/* by product: needs of the whole problem */
	Flow	   *flow;
	Score		relaxed;
	Score		best;
	UsomQuantity *best_taken;
} Sharing;

#define SOURCE 0
#define SINK 1

static Size
stock_index(const Sharing *sharing, int need, int site)
{
	return (Size) sharing->work->problem->needs[need].product * sharing->work->nsites + site;
}

/* Smallest part that must be taken of a candidate in use. */
static UsomQuantity
least_of(const Sharing *sharing, int need, int candidate)
{
	UsomQuantity smallest = sharing->work->smallest[need];

	return sharing->candidate[candidate] == YES && smallest > 1 ? smallest : 0;
}

static int
count_in_use(const Sharing *sharing, int need)
{
	int			count = 0;

	for (int i = sharing->work->first[need]; i < sharing->work->first[need + 1]; i++)
		count += sharing->candidate[i] == YES;
	return count;
}

/* Take the smallest parts of all candidates in use off; false if they do not fit. */
static bool
take_least(Sharing *sharing, int need, UsomQuantity *left)
{
	const Work *work = sharing->work;

	*left = sharing->need[need] == NO ? 0 : work->problem->needs[need].quantity;
	for (int i = work->first[need]; i < work->first[need + 1]; i++)
	{
		UsomQuantity least = least_of(sharing, need, i);
		int			site = work->candidates[i].site;

		*left -= least;
		sharing->stock[stock_index(sharing, need, site)] -= least;
		sharing->capacity[site] -= least;
		sharing->relaxed.cost += (double) least * work->candidates[i].cost;
		if (*left < 0 || sharing->stock[stock_index(sharing, need, site)] < 0 || sharing->capacity[site] < 0)
			return false;
	}
	return true;
}

static bool
may_use(const Sharing *sharing, int need, int candidate, bool full)
{
	return sharing->open[sharing->work->candidates[candidate].site] && sharing->need[need] != NO &&
		sharing->candidate[candidate] != NO && (!full || sharing->candidate[candidate] == YES);
}

/* Where the arc of a need leads: the stock, or the site itself if no other need wants the product. */
static int
node_of_stock(Sharing *sharing, int need, int site)
{
	Size		stock = stock_index(sharing, need, site);
	int			node = 2 + (sharing->end - sharing->begin) + site;

	if (sharing->wanted[sharing->work->problem->needs[need].product] == 1)
		return node;
	if (sharing->stock_node[stock] == 0)
	{
		sharing->stock_node[stock] = usom_sourcing_flow_add_node(sharing->flow);
		usom_sourcing_flow_connect(sharing->flow, sharing->stock_node[stock], node, sharing->stock[stock], 0);
	}
	return sharing->stock_node[stock];
}

static void
connect_need(Sharing *sharing, int need, int node)
{
	const Work *work = sharing->work;
	bool		full = count_in_use(sharing, need) >= work->most_parts[need];

	for (int i = work->first[need]; i < work->first[need + 1]; i++)
	{
		int			site = work->candidates[i].site;

		sharing->arc[i] = -1;
		if (may_use(sharing, need, i, full))
			sharing->arc[i] =
				usom_sourcing_flow_connect(sharing->flow, node, node_of_stock(sharing, need, site),
										   work->candidates[i].most - least_of(sharing, need, i),
										   work->candidates[i].cost * USOM_UNIT);
	}
}

/* Nodes: source, sink, needs, sites, stocks. */
static int
count_nodes(const Sharing *sharing)
{
	const Work *work = sharing->work;

	return 2 + (sharing->end - sharing->begin) + work->nsites +
		Min(work->problem->nproducts, sharing->end - sharing->begin) * work->nsites;
}

static void
restore_room(Sharing *sharing)
{
	const Work *work = sharing->work;

	for (int i = sharing->begin; i < sharing->end; i++)
	{
		Size		begin = stock_index(sharing, work->sequence[i], 0);

		memcpy(&sharing->stock[begin], &work->stock_left[begin], sizeof(UsomQuantity) * work->nsites);
		memset(&sharing->stock_node[begin], 0, sizeof(int) * work->nsites);
	}
	memcpy(sharing->capacity, work->capacity, sizeof(UsomQuantity) * work->nsites);
}

static void
connect_all(Sharing *sharing, const UsomQuantity *left)
{
	const Work *work = sharing->work;
	int			nneeds = sharing->end - sharing->begin;

	usom_sourcing_flow_clear(sharing->flow, 2 + nneeds + work->nsites);
	for (int site = 0; site < work->nsites; site++)
		if (sharing->open[site])
			usom_sourcing_flow_connect(sharing->flow, 2 + nneeds + site, SINK, sharing->capacity[site], 0);
	for (int i = 0; i < nneeds; i++)
	{
		int			need = work->sequence[sharing->begin + i];

		sharing->source_arc[need] = usom_sourcing_flow_connect(sharing->flow, SOURCE, 2 + i, 0, 0);
		if (sharing->need[need] == YES)
			sharing->flow->arcs[sharing->source_arc[need]].room = left[i];
		connect_need(sharing, need, 2 + i);
	}
}

/* Needs that must be whole go first: what left the source by their arcs stays. */
static bool
send_all(Sharing *sharing, const UsomQuantity *left)
{
	int			nneeds = sharing->end - sharing->begin;
	UsomQuantity whole = 0;

	for (int i = 0; i < nneeds; i++)
		if (sharing->need[sharing->work->sequence[sharing->begin + i]] == YES)
			whole += left[i];
	if (usom_sourcing_flow_send(sharing->flow, SOURCE, SINK) < whole)
		return false;
	for (int i = 0; i < nneeds; i++)
	{
		int			need = sharing->work->sequence[sharing->begin + i];

		if (sharing->need[need] == FREE)
			sharing->flow->arcs[sharing->source_arc[need]].room = left[i];
	}
	usom_sourcing_flow_send(sharing->flow, SOURCE, SINK);
	return true;
}

static void
read_flow(Sharing *sharing, int need)
{
	const Work *work = sharing->work;
	UsomQuantity left = work->problem->needs[need].quantity;

	for (int i = work->first[need]; i < work->first[need + 1]; i++)
	{
		UsomQuantity more = sharing->arc[i] >= 0 ? usom_sourcing_flow_along(sharing->flow, sharing->arc[i]) : 0;

		sharing->taken[i] = more + least_of(sharing, need, i);
		sharing->relaxed.cost += (double) more * work->candidates[i].cost;
		left -= sharing->taken[i];
	}
	sharing->relaxed.unserved += left;
}

/* The best flow under the choices made; false if there is none. */
static bool
relax(Sharing *sharing)
{
	Work	   *work = sharing->work;
	UsomQuantity *left = palloc(sizeof(UsomQuantity) * (sharing->end - sharing->begin));
	bool		fits = true;

	sharing->relaxed = (Score) {0};
	restore_room(sharing);
	for (int i = sharing->begin; i < sharing->end && fits; i++)
		fits = take_least(sharing, work->sequence[i], &left[i - sharing->begin]);
	if (fits)
	{
		connect_all(sharing, left);
		work->effort -= 1000 + 20 * (int64) sharing->flow->narcs * (sharing->end - sharing->begin);
		fits = send_all(sharing, left);
	}
	pfree(left);
	if (!fits)
		return false;
	for (int i = sharing->begin; i < sharing->end; i++)
		read_flow(sharing, work->sequence[i]);
	return true;
}

/* A candidate that makes the need break a limit; -1: none does. */
static int
find_bad_part(const Sharing *sharing, int need)
{
	const Work *work = sharing->work;
	int			parts = 0;
	int			largest = -1;

	for (int i = work->first[need]; i < work->first[need + 1]; i++)
	{
		if (sharing->taken[i] == 0)
			continue;
		if (sharing->taken[i] < work->smallest[need])
			return i;
		parts++;
		if (sharing->candidate[i] == FREE && (largest < 0 || sharing->taken[i] > sharing->taken[largest]))
			largest = i;
	}
	return parts > work->most_parts[need] ? largest : -1;
}

static bool
is_cut(const Sharing *sharing, int need)
{
	const UsomSourcingNeed *of = &sharing->work->problem->needs[need];
	UsomQuantity sum = 0;

	for (int i = sharing->work->first[need]; i < sharing->work->first[need + 1]; i++)
		sum += sharing->taken[i];
	return !of->partial && sum > 0 && sum < of->quantity;
}

static void try_both(Sharing *sharing, Choice *choice, Choice first);

/* Choose until the flow breaks no limit; keep the best. */
static void
divide(Sharing *sharing)
{
	const Work *work = sharing->work;
	int			bad;

	CHECK_FOR_INTERRUPTS();
	if (is_tired(sharing->work))
		sharing->work->gave_up = true;
	if (is_tired(sharing->work) || !relax(sharing) || !is_better(sharing->relaxed, sharing->best))
		return;
	for (int i = sharing->begin; i < sharing->end; i++)
		if (is_cut(sharing, work->sequence[i]))
		{
			try_both(sharing, &sharing->need[work->sequence[i]], YES);
			return;
		}
	for (int i = sharing->begin; i < sharing->end; i++)
		if ((bad = find_bad_part(sharing, work->sequence[i])) >= 0)
		{
			try_both(sharing, &sharing->candidate[bad],
					 sharing->taken[bad] < work->smallest[work->sequence[i]] ? NO : YES);
			return;
		}
	sharing->best = sharing->relaxed;
	memcpy(sharing->best_taken, sharing->taken, sizeof(UsomQuantity) * work->first[work->nneeds]);
}

static void
try_both(Sharing *sharing, Choice *choice, Choice first)
{
	*choice = first;
	divide(sharing);
	*choice = first == YES ? NO : YES;
	divide(sharing);
	*choice = FREE;
}

static Sharing *
make_sharing(Work *work)
{
	Sharing    *sharing = palloc0(sizeof(Sharing));
	int			ncandidates = work->first[work->nneeds];
	Size		nstocks = (Size) work->problem->nproducts * work->nsites;

	sharing->work = work;
	sharing->need = palloc0(sizeof(Choice) * work->nneeds);
	sharing->candidate = palloc0(sizeof(Choice) * (ncandidates + 1));
	sharing->arc = palloc(sizeof(int) * (ncandidates + 1));
	sharing->source_arc = palloc(sizeof(int) * work->nneeds);
	sharing->taken = palloc(sizeof(UsomQuantity) * (ncandidates + 1));
	sharing->best_taken = palloc0(sizeof(UsomQuantity) * (ncandidates + 1));
	sharing->stock = palloc(sizeof(UsomQuantity) * (nstocks + 1));
	sharing->stock_node = palloc0(sizeof(int) * (nstocks + 1));
	sharing->capacity = palloc(sizeof(UsomQuantity) * work->nsites);
	sharing->wanted = palloc0(sizeof(int) * Max(work->problem->nproducts, 1));
	for (int need = 0; need < work->nneeds; need++)
		sharing->wanted[work->problem->needs[need].product]++;
	sharing->end = work->nneeds;
	sharing->flow = usom_sourcing_flow_make(count_nodes(sharing), work->nneeds + 2 * ncandidates + work->nsites);
	return sharing;
}

/* What need by need gives is where the search begins. */
static void
begin_with(Sharing *sharing, const Parts *parts, int from, Score score)
{
	Work	   *work = sharing->work;

	sharing->best = (Score) {0, score.unserved, 0};
	memset(sharing->best_taken, 0, sizeof(UsomQuantity) * work->first[work->nneeds]);
	for (int k = from; k < parts->count; k++)
	{
		const UsomSourcingPart *part = &parts->parts[k];

		for (int i = work->first[part->need]; i < work->first[part->need + 1]; i++)
			if (work->candidates[i].site == part->site)
			{
				sharing->best_taken[i] = part->quantity;
				sharing->best.cost += (double) part->quantity * work->candidates[i].cost;
			}
	}
}

static void
put_parts(const Sharing *sharing, Parts *parts)
{
	const Work *work = sharing->work;

	for (int k = sharing->begin; k < sharing->end; k++)
		for (int i = work->first[work->sequence[k]]; i < work->first[work->sequence[k] + 1]; i++)
			if (sharing->best_taken[i] > 0)
				parts->parts[parts->count++] =
					(UsomSourcingPart) {work->sequence[k], work->candidates[i].site, sharing->best_taken[i]};
}

/* What the cluster could do if no need took anything from another one. */
static Score
score_alone(Sharing *sharing)
{
	Work	   *work = sharing->work;
	Score		score = {0};

	for (int i = sharing->begin; i < sharing->end; i++)
	{
		UsomQuantity left;
		double		cost;

		usom_sourcing_fill_need(work, sharing->open, work->sequence[i], &left, &cost);
		score.unserved += left;
		score.cost += cost;
	}
	return score;
}

static void
share_cluster(Sharing *sharing, int cluster, Parts *parts, Score *score)
{
	Work	   *work = sharing->work;
	int			from = parts->count;
	Score		one_by_one = {0};

	sharing->begin = work->cluster[cluster];
	sharing->end = work->cluster[cluster + 1];
	usom_sourcing_fill_some(work, sharing->open, sharing->begin, sharing->end, parts, &one_by_one);
	begin_with(sharing, parts, from, one_by_one);
	if (is_better(score_alone(sharing), sharing->best))
		divide(sharing);
	parts->count = from;
	put_parts(sharing, parts);
	score->unserved += sharing->best.unserved;
	score->cost += sharing->best.cost;
}

/* Which sites are used is known only now. */
static void
count_shipments(Work *work, const Parts *parts, Score *score)
{
	memset(work->used, 0, sizeof(bool) * work->nsites);
	work->nused = 0;
	for (int i = 0; i < parts->count; i++)
		usom_sourcing_use(work, parts->parts[i].site, score);
}

static Score
cost_of_alone(Work *work, const bool *open, Parts *parts)
{
	Score		score = {0};

	memset(work->used, 0, sizeof(bool) * work->nsites);
	work->nused = 0;
	parts->count = 0;
	usom_sourcing_fill_some(work, open, 0, work->nalone, parts, &score);
	for (int site = 0; site < work->nsites; site++)
		if (work->used[site])
			score.cost -= work->shipment[site];
	return score;
}

Score
usom_sourcing_fill_exactly(Work *work, const bool *open, Parts *parts)
{
	Score		score;

	if (work->nclusters == 0)
		return usom_sourcing_fill(work, open, parts);
	score = cost_of_alone(work, open, parts);
	if (work->sharing == NULL)
		work->sharing = make_sharing(work);
	work->sharing->open = open;
	for (int cluster = 0; cluster < work->nclusters; cluster++)
		share_cluster(work->sharing, cluster, parts, &score);
	count_shipments(work, parts, &score);
	return score;
}
