/*
 * instance.c
 *		Seeded problems for the optimiser, and a judge of its plans that
 *		shares no code with it.
 */
#include "postgres.h"

#include "instance.h"

#define DAY INT64CONST(86400000000)

/* splitmix64 */
uint64
draw(uint64 *state)
{
	uint64		z = (*state += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

int
draw_between(uint64 *state, int low, int high)
{
	return low + (int) (draw(state) % (uint64) (high - low + 1));
}

static bool
chance(uint64 *state, int percent)
{
	return draw_between(state, 1, 100) <= percent;
}

/* Up to most: whole amounts, or cents. */
static double
draw_cost(uint64 *state, const Shape *shape, int most)
{
	return shape->most_cost > 0 ? draw_between(state, 0, Min(most, shape->most_cost)) : draw_between(state, 0, most * 100) / 100.0;
}

static void
draw_sites(Instance *instance, uint64 *state, const Shape *shape)
{
	int			fixed = draw_between(state, 0, 3) * 8 + 1;	/* how much shipments weigh against units */
	bool		capacities = chance(state, 20);

	for (int i = 0; i < instance->problem.nsites; i++)
	{
		double		distance = draw_between(state, 1, 3000);

		instance->sites[i] = (UsomSourcingSite) {
			.location_id = i + 1,
			.arrives_at = DAY * draw_between(state, 1, 8),
			.freight = shape->most_cost > 0 ? draw_cost(state, shape, 4) : 2 + (int) (distance / 300),
			.freight_by_weight = shape->most_cost > 0 ? draw_cost(state, shape, 2) : (int) (distance / 10) / 1000.0,
			.handling = draw_cost(state, shape, fixed),
			.fixed = chance(state, 30) ? draw_cost(state, shape, fixed) : 0,
			.penalty = chance(state, 30) ? draw_cost(state, shape, 3) : 0,
			.unit_cost = draw_cost(state, shape, 1),
			.capacity = capacities && chance(state, 60) ?
				draw_between(state, 0, 2 * shape->most_units) * USOM_UNIT : PG_INT64_MAX,
		};
	}
}

/* Some sites are a later day of the one before: it costs the same, arrives later, and the earlier day is limited. */
static void
draw_days(Instance *instance, uint64 *state, const Shape *shape)
{
	for (int i = 1; i < instance->problem.nsites; i++)
	{
		UsomSourcingSite *today = &instance->sites[i - 1];

		if (!chance(state, 50))
			continue;
		instance->sites[i] = *today;
		instance->sites[i].arrives_at = today->arrives_at + DAY * draw_between(state, 1, 5);
		if (today->capacity == PG_INT64_MAX && chance(state, 70))
			today->capacity = draw_between(state, 0, 2 * shape->most_units) * USOM_UNIT;
	}
}

static void
draw_needs(Instance *instance, uint64 *state, const Shape *shape)
{
	UsomSourcingProblem *problem = &instance->problem;
	bool		repeats = chance(state, 35);
	bool		minima = chance(state, 35);
	bool		limits = chance(state, 40);
	bool		late = chance(state, 50);
	int			whole = chance(state, 50) ? 0 : draw_between(state, 0, 100);

	for (int i = 0; i < problem->nneeds; i++)
	{
		bool		repeated = repeats && i > 0 && chance(state, 30);

		instance->needs[i] = (UsomSourcingNeed) {
			.product = repeated ? draw_between(state, 0, problem->nproducts - 1) : problem->nproducts,
			.quantity = draw_between(state, 1, shape->most_units) * USOM_UNIT,
			.smallest = minima && chance(state, 60) ? draw_between(state, 1, 5) * USOM_UNIT : 0,
			.most_parts = limits && chance(state, 60) ? draw_between(state, 1, 3) : 0,
			.partial = !chance(state, whole),
			.weight = draw_cost(state, shape, 4),
			.late_cost = late && chance(state, 60) ? draw_cost(state, shape, 1) : 0,
			.requested_at = chance(state, 70) ? DAY * draw_between(state, 1, 8) : PG_INT64_MIN,
		};
		problem->nproducts = Max(problem->nproducts, instance->needs[i].product + 1);
	}
}

static void
draw_stock(Instance *instance, uint64 *state, const Shape *shape)
{
	const UsomSourcingProblem *problem = &instance->problem;
	int			spread = draw_between(state, 20, 90);	/* percent of sites that have a product */
	int			most = draw_between(state, 1, 3) * shape->most_units / (chance(state, 40) ? 2 : 1);
	bool		stores = chance(state, 20);

	for (int product = 0; product < problem->nproducts; product++)
		for (int site = 0; site < problem->nsites; site++)
		{
			int			index = product * problem->nsites + site;

			instance->stock[index] = chance(state, spread) ? draw_between(state, 0, most) * USOM_UNIT : 0;
			instance->protected_stock[index] = stores && chance(state, 30) ? draw_between(state, 0, 3) * USOM_UNIT : 0;
		}
}

static void
draw_verdicts(Instance *instance, uint64 *state)
{
	const UsomSourcingProblem *problem = &instance->problem;
	int			closed = chance(state, 30) ? draw_between(state, 1, 30) : 0;

	for (int need = 0; need < problem->nneeds; need++)
	{
		int			forced = chance(state, 5) ? draw_between(state, 0, problem->nsites - 1) : -1;

		for (int site = 0; site < problem->nsites; site++)
			instance->verdicts[need * problem->nsites + site] =
				forced >= 0 && site != forced ? USOM_REASON_ELSEWHERE :
				chance(state, closed) ? USOM_REASON_EXCLUDED : USOM_REASON_NONE;
	}
}

void
draw_instance(Instance *instance, uint64 seed, const Shape *shape)
{
	uint64		state = seed;
	UsomSourcingProblem *problem = &instance->problem;

	memset(instance, 0, sizeof(Instance));
	problem->nneeds = draw_between(&state, shape->least_needs, shape->most_needs);
	problem->nsites = draw_between(&state, shape->least_sites, shape->most_sites);
	problem->most_shipments = chance(&state, 25) ? draw_between(&state, 1, 4) : 0;
	problem->ship_complete = chance(&state, 15);
	problem->needs = instance->needs;
	problem->sites = instance->sites;
	problem->stock = instance->stock;
	problem->protected_stock = instance->protected_stock;
	problem->verdicts = instance->verdicts;
	draw_sites(instance, &state, shape);
	if (shape->days)
		draw_days(instance, &state, shape);
	draw_needs(instance, &state, shape);
	draw_stock(instance, &state, shape);
	draw_verdicts(instance, &state);
}

UsomQuantity
most_of(const Instance *instance, int need, int site)
{
	const UsomSourcingProblem *problem = &instance->problem;
	int			index = instance->needs[need].product * problem->nsites + site;

	if (instance->verdicts[need * problem->nsites + site] != USOM_REASON_NONE)
		return 0;
	return Max(instance->stock[index] - instance->protected_stock[index], 0);
}

double
cost_of_unit(const Instance *instance, int need, int site)
{
	const UsomSourcingNeed *of = &instance->needs[need];
	const UsomSourcingSite *from = &instance->sites[site];
	double		late = of->requested_at == PG_INT64_MIN ? 0 :
		(double) (from->arrives_at - of->requested_at) / (double) DAY;

	return from->unit_cost + from->freight_by_weight * of->weight + Max(late, 0) * of->late_cost;
}

double
cost_of_shipment(const Instance *instance, int site)
{
	const UsomSourcingSite *from = &instance->sites[site];

	return from->freight + from->handling + from->fixed + from->penalty;
}

/* ---- the judge ---- */

typedef struct Tally
{
	UsomQuantity served[MOST_NEEDS];
	int			parts[MOST_NEEDS];
	UsomQuantity taken[MOST_NEEDS * MOST_SITES];
	UsomQuantity shipped[MOST_SITES];
	int			shipments;
	double		cost;
} Tally;

static const char *
count_part(const Instance *instance, const UsomSourcingPart *part, Tally *tally)
{
	const UsomSourcingNeed *need = &instance->needs[part->need];
	int			index = need->product * instance->problem.nsites + part->site;

	if (part->quantity <= 0)
		return "a part has units";
	if (part->quantity < Min(need->smallest, need->quantity))
		return "no part is below the smallest";
	tally->served[part->need] += part->quantity;
	tally->parts[part->need]++;
	tally->taken[index] += part->quantity;
	if (tally->taken[index] > most_of(instance, part->need, part->site))
		return "stock, protection and verdicts are kept";
	if (tally->shipped[part->site] == 0)
	{
		tally->shipments++;
		tally->cost += cost_of_shipment(instance, part->site);
	}
	tally->shipped[part->site] += part->quantity;
	if (tally->shipped[part->site] > instance->sites[part->site].capacity)
		return "capacity is kept";
	tally->cost += (double) part->quantity / USOM_UNIT * cost_of_unit(instance, part->need, part->site);
	return NULL;
}

static const char *
judge_need(const UsomSourcingNeed *need, UsomQuantity served, int parts)
{
	if (served > need->quantity)
		return "no need gets more than it wants";
	if (!need->partial && served != 0 && served != need->quantity)
		return "whole needs are whole";
	if (need->most_parts > 0 && parts > need->most_parts)
		return "the limit of parts is kept";
	return NULL;
}

static bool
differ(double a, double b)
{
	return (a > b ? a - b : b - a) > 1e-6 * (1 + (a > b ? a : b));
}

static const char *
judge_sums(const Instance *instance, const UsomSourcingPlan *plan, const Tally *tally, UsomQuantity unserved)
{
	const UsomSourcingProblem *problem = &instance->problem;

	if (problem->most_shipments > 0 && tally->shipments > problem->most_shipments)
		return "the limit of shipments is kept";
	if (problem->ship_complete && unserved > 0 && plan->nparts > 0)
		return "ship complete is kept";
	if (unserved != plan->unserved || tally->shipments != plan->shipments)
		return "units and shipments are counted";
	if (differ(tally->cost, plan->total))
		return "the total is the cost";
	if (differ(plan->total, plan->cost.freight + plan->cost.handling + plan->cost.fixed + plan->cost.penalty +
			   plan->cost.by_unit + plan->cost.lateness))
		return "the total is the sum of its parts";
	if (plan->least_unserved > plan->unserved ||
		(plan->least_unserved == plan->unserved && plan->least_total > plan->total * (1 + 1e-9) + 1e-9))
		return "the bound is a bound";
	if (plan->exact && (plan->least_unserved != plan->unserved || differ(plan->least_total, plan->total)))
		return "an exact plan meets its bound";
	return NULL;
}

static const char *
judge_reasons(const Instance *instance, const UsomSourcingPlan *plan)
{
	int			nsites = instance->problem.nsites;
	int			chosen = 0;

	for (int i = 0; i < instance->problem.nneeds * nsites; i++)
	{
		if (plan->reasons[i] == USOM_REASON_NONE || plan->reasons[i] >= USOM_REASONS)
			return "every site has a reason";
		chosen += plan->reasons[i] == USOM_REASON_CHOSEN;
	}
	for (int i = 0; i < plan->nparts; i++)
		if (plan->reasons[plan->parts[i].need * nsites + plan->parts[i].site] != USOM_REASON_CHOSEN)
			return "what serves is chosen";
	return chosen == plan->nparts ? NULL : "what is chosen serves";
}

const char *
judge_plan(const Instance *instance, const UsomSourcingPlan *plan)
{
	static Tally tally;
	const char *broken = NULL;
	UsomQuantity unserved = 0;

	memset(&tally, 0, sizeof(tally));
	for (int i = 0; i < plan->nparts && broken == NULL; i++)
		broken = count_part(instance, &plan->parts[i], &tally);
	for (int i = 0; i < instance->problem.nneeds && broken == NULL; i++)
	{
		unserved += instance->needs[i].quantity - tally.served[i];
		broken = judge_need(&instance->needs[i], tally.served[i], tally.parts[i]);
	}
	if (broken == NULL)
		broken = judge_sums(instance, plan, &tally, unserved);
	if (broken == NULL && plan->reasons != NULL)
		broken = judge_reasons(instance, plan);
	return broken;
}

/* ---- the clerk ---- */

typedef struct Desk
{
	const Instance *instance;
	Tally		tally;
} Desk;

static UsomQuantity
room_at(const Desk *desk, int need, int site)
{
	const Instance *instance = desk->instance;
	UsomQuantity room = most_of(instance, need, site);

	if (room == 0 || (desk->tally.shipped[site] == 0 && instance->problem.most_shipments > 0 &&
					  desk->tally.shipments == instance->problem.most_shipments))
		return 0;
	room -= desk->tally.taken[instance->needs[need].product * instance->problem.nsites + site];
	return Max(Min(room, instance->sites[site].capacity - desk->tally.shipped[site]), 0);
}

static void
take_at(Desk *desk, int need, int site, UsomQuantity quantity)
{
	const Instance *instance = desk->instance;

	desk->tally.taken[instance->needs[need].product * instance->problem.nsites + site] += quantity;
	if (desk->tally.shipped[site] == 0)
	{
		desk->tally.shipments++;
		desk->tally.cost += cost_of_shipment(instance, site);
	}
	desk->tally.shipped[site] += quantity;
	desk->tally.served[need] += quantity;
	desk->tally.parts[need]++;
	desk->tally.cost += (double) quantity / USOM_UNIT * cost_of_unit(instance, need, site);
}

/* The site of least cost a unit, of those that can take an allowed part; -1: none. */
static int
find_site(const Desk *desk, int need, UsomQuantity left, const bool *tried)
{
	const UsomSourcingNeed *of = &desk->instance->needs[need];
	int			best = -1;
	double		least = 0;

	for (int site = 0; site < desk->instance->problem.nsites; site++)
	{
		UsomQuantity taken = Min(room_at(desk, need, site), left);
		double		cost;

		if (tried[site] || taken == 0 || taken < Min(of->smallest, of->quantity))
			continue;
		cost = cost_of_unit(desk->instance, need, site);
		if (desk->tally.shipped[site] == 0)
			cost += cost_of_shipment(desk->instance, site) / ((double) taken / USOM_UNIT);
		if (best < 0 || cost < least)
		{
			best = site;
			least = cost;
		}
	}
	return best;
}

static void
serve_need(Desk *desk, int need)
{
	const UsomSourcingNeed *of = &desk->instance->needs[need];
	Tally		before = desk->tally;
	UsomQuantity left = of->quantity;
	bool		tried[MOST_SITES] = {false};
	int			site;

	while (left > 0 && (of->most_parts == 0 || desk->tally.parts[need] < of->most_parts) &&
		   (site = find_site(desk, need, left, tried)) >= 0)
	{
		UsomQuantity taken = Min(room_at(desk, need, site), left);

		tried[site] = true;
		take_at(desk, need, site, taken);
		left -= taken;
	}
	if (left > 0 && !of->partial)
		desk->tally = before;
}

Clerk
be_clerk(const Instance *instance)
{
	static Desk desk;
	Clerk		clerk = {0, 0};

	memset(&desk, 0, sizeof(desk));
	desk.instance = instance;
	for (int need = 0; need < instance->problem.nneeds; need++)
	{
		serve_need(&desk, need);
		clerk.unserved += instance->needs[need].quantity - desk.tally.served[need];
	}
	clerk.cost = desk.tally.cost;
	if (instance->problem.ship_complete && clerk.unserved > 0)
	{
		clerk.cost = 0;
		clerk.unserved = 0;
		for (int need = 0; need < instance->problem.nneeds; need++)
			clerk.unserved += instance->needs[need].quantity;
	}
	return clerk;
}
