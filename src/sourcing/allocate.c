/*
 * allocate.c
 *		Which stock serves which demand: the plan, purely computed.
 *
 *		Arrays in, plan out; no SPI, no catalog, no clock, no locks.  Of
 *		PostgreSQL it uses palloc and qsort only, so it compiles alone under a
 *		fuzzer with a shim for these two.
 *
 * How: rows are grouped into sources, one for each product and location with
 * all its lots.  Sources of a product are ranked by priority, then key; over
 * the ranks stands a tree of maxima, which finds in logarithmic time the first
 * source that has enough, and follows as units are taken.  Lots of a source
 * are used up from the first on, so the work is O((demands + rows) log rows)
 * even if every demand is for one product.
 *
 * Invariant: units taken from a row never exceed what it had, and the total of
 * a source is the sum over its rows (or less, where that sum would leave
 * int64: then the plan is careful, not wrong).
 *
 * Memory: all in CurrentMemoryContext; the plan is one array, made for the
 * most pieces there can be: a demand ends in one backordered rest at most, and
 * every other piece ends a row or a demand.
 */
#include "postgres.h"

#include "sourcing/sourcing.h"

typedef struct Source
{
	int64		product_id;
	int64		location_id;
	int			priority;
	int			next;			/* first row that may have something */
	int			end;			/* after its last row */
	int			rank;			/* place among the ranked sources */
	UsomQuantity total;
} Source;

typedef struct Planner
{
	UsomStockRow *rows;
	int			nsources;
	Source	   *sources;		/* by product, location */
	Source	  **ranked;			/* by product, priority, location */
	int			leaves;			/* of the tree: power of two, not below nsources */
	UsomQuantity *most;			/* the tree: node i has children 2i and 2i + 1, leaf of rank r is leaves + r */
	UsomPlan   *plan;
} Planner;

static UsomQuantity
add_saturating(UsomQuantity a, UsomQuantity b)
{
	return a > PG_INT64_MAX - b ? PG_INT64_MAX : a + b;
}

static int
compare_int64(int64 a, int64 b)
{
	return (a > b) - (a < b);
}

static int
compare_ranks(const void *a, const void *b)
{
	const Source *left = *(Source *const *) a;
	const Source *right = *(Source *const *) b;
	int			result = compare_int64(left->product_id, right->product_id);

	if (result == 0)
		result = compare_int64(left->priority, right->priority);
	return result != 0 ? result : compare_int64(left->location_id, right->location_id);
}

static bool
row_belongs(const Source *source, const UsomStockRow *row)
{
	return source->product_id == row->key.product_id && source->location_id == row->key.location_id;
}

static void
group_rows(Planner *planner, int nrows)
{
	Source	   *source = NULL;

	planner->sources = palloc(sizeof(Source) * Max(nrows, 1));
	for (int i = 0; i < nrows; i++)
	{
		const UsomStockRow *row = &planner->rows[i];

		if (source == NULL || !row_belongs(source, row))
		{
			source = &planner->sources[planner->nsources++];
			source->product_id = row->key.product_id;
			source->location_id = row->key.location_id;
			source->priority = row->priority;
			source->next = i;
			source->total = 0;
		}
		source->end = i + 1;
		source->total = add_saturating(source->total, Max(row->available, 0));
	}
}

static void
rank_sources(Planner *planner)
{
	planner->ranked = palloc(sizeof(Source *) * Max(planner->nsources, 1));
	for (int i = 0; i < planner->nsources; i++)
		planner->ranked[i] = &planner->sources[i];
	qsort(planner->ranked, planner->nsources, sizeof(Source *), compare_ranks);
	for (int i = 0; i < planner->nsources; i++)
		planner->ranked[i]->rank = i;
}

static void
build_tree(Planner *planner)
{
	for (planner->leaves = 1; planner->leaves < planner->nsources;)
		planner->leaves *= 2;
	planner->most = palloc0(sizeof(UsomQuantity) * 2 * planner->leaves);
	for (int i = 0; i < planner->nsources; i++)
		planner->most[planner->leaves + i] = planner->ranked[i]->total;
	for (int i = planner->leaves - 1; i > 0; i--)
		planner->most[i] = Max(planner->most[2 * i], planner->most[2 * i + 1]);
}

static void
lower_total(Planner *planner, Source *source, UsomQuantity taken)
{
	source->total -= taken;
	planner->most[planner->leaves + source->rank] = source->total;
	for (int i = (planner->leaves + source->rank) / 2; i > 0; i /= 2)
		planner->most[i] = Max(planner->most[2 * i], planner->most[2 * i + 1]);
}

/* The largest total among the ranks from begin to before end. */
static UsomQuantity
find_most(const Planner *planner, int begin, int end)
{
	UsomQuantity most = 0;

	for (begin += planner->leaves, end += planner->leaves; begin < end; begin /= 2, end /= 2)
	{
		if (begin % 2 == 1)
		{
			most = Max(most, planner->most[begin]);
			begin++;
		}
		if (end % 2 == 1)
		{
			end--;
			most = Max(most, planner->most[end]);
		}
	}
	return most;
}

/*
 * The first rank from begin on whose total is at least enough, below node,
 * which covers width ranks from left on; -1 if there is none.
 */
static int
find_first(const Planner *planner, int node, int left, int width, int begin, UsomQuantity enough)
{
	int			found;

	if (left + width <= begin || planner->most[node] < enough)
		return -1;
	if (width == 1)
		return left;
	found = find_first(planner, 2 * node, left, width / 2, begin, enough);
	if (found < 0)
		found = find_first(planner, 2 * node + 1, left + width / 2, width / 2, begin, enough);
	return found;
}

/* Index of the first source at or after (product, location) in key order. */
static int
lower_bound(const Planner *planner, int64 product_id, int64 location_id)
{
	int			low = 0;
	int			high = planner->nsources;

	while (low < high)
	{
		int			middle = low + (high - low) / 2;
		const Source *source = &planner->sources[middle];
		int			order = compare_int64(source->product_id, product_id);

		if (order < 0 || (order == 0 && source->location_id < location_id))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Sources of a product are as many in key order as in rank order, and after the same others. */
static Source *
choose_anywhere(const Planner *planner, const UsomDemand *demand)
{
	int			begin = lower_bound(planner, demand->product_id, PG_INT64_MIN);
	int			end = demand->product_id == PG_INT64_MAX ? planner->nsources :
		lower_bound(planner, demand->product_id + 1, PG_INT64_MIN);
	UsomQuantity most = find_most(planner, begin, end);
	UsomQuantity enough = Min(demand->quantity, most);

	if (enough == 0 || (enough < demand->quantity && !demand->partial))
		return NULL;
	return planner->ranked[find_first(planner, 1, 0, planner->leaves, begin, enough)];
}

static Source *
choose_there(const Planner *planner, const UsomDemand *demand)
{
	int			index = lower_bound(planner, demand->product_id, demand->location_id);
	Source	   *source = &planner->sources[index];

	if (index == planner->nsources || source->product_id != demand->product_id ||
		source->location_id != demand->location_id)
		return NULL;
	if (source->total < demand->quantity && (!demand->partial || source->total == 0))
		return NULL;
	return source;
}

static void
add_assignment(UsomPlan *plan, int demand, int row, UsomQuantity quantity)
{
	UsomAssignment *assignment = &plan->assignments[plan->nassignments++];

	assignment->demand = demand;
	assignment->row = row;
	assignment->quantity = quantity;
}

/* Take up to quantity from the lots of the source; returns what is left to serve. */
static UsomQuantity
serve_from(Planner *planner, Source *source, int demand, UsomQuantity quantity)
{
	UsomQuantity left = Min(quantity, source->total);

	quantity -= left;
	lower_total(planner, source, left);
	while (left > 0)
	{
		UsomStockRow *row = &planner->rows[source->next];
		UsomQuantity taken = Min(left, Max(row->available, 0));

		Assert(source->next < source->end);
		if (taken > 0)
			add_assignment(planner->plan, demand, source->next, taken);
		row->available -= taken;
		left -= taken;
		if (row->available <= 0)
			source->next++;
	}
	return quantity;
}

static void
serve(Planner *planner, const UsomDemand *demand, int index)
{
	Source	   *source = demand->location_id == 0 ? choose_anywhere(planner, demand) : choose_there(planner, demand);
	UsomQuantity rest = demand->quantity;

	if (source != NULL)
		rest = serve_from(planner, source, index, rest);
	if (rest > 0)
		add_assignment(planner->plan, index, -1, rest);
}

UsomPlan *
usom_sourcing_plan(const UsomDemand *demands, int ndemands, UsomStockRow *rows, int nrows)
{
	Planner		planner = {.rows = rows};
	UsomPlan   *plan = palloc0(sizeof(UsomPlan));

	plan->assignments = palloc(sizeof(UsomAssignment) * (2 * (Size) ndemands + nrows + 1));
	planner.plan = plan;
	group_rows(&planner, nrows);
	rank_sources(&planner);
	build_tree(&planner);
	for (int i = 0; i < ndemands; i++)
		serve(&planner, &demands[i], i);
	return plan;
}
