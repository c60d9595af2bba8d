/*
 * property.c
 *		Properties of the optimiser over seeded problems: no plan breaks a
 *		constraint, none is worse than a clerk's, tiny ones are the best of
 *		all plans there are.  Prints TAP.
 *
 * usage: property [SEED [CASES]]
 */
#include "postgres.h"

#include "instance.h"

static int	tests;
static int	failures;

static void
report(const char *what, int cases, const char *broken, uint64 seed)
{
	tests++;
	if (broken == NULL)
	{
		printf("ok %d - %s (%d cases)\n", tests, what, cases);
		return;
	}
	failures++;
	printf("not ok %d - %s\n#   of seed %llu: %s\n", tests, what, (unsigned long long) seed, broken);
}

/* ---- all plans there are of a tiny instance, in whole units ---- */

typedef struct Brute
{
	const Instance *instance;
	UsomSourcingPlan trial;
	UsomSourcingPart parts[16];
	bool		found;
	UsomQuantity unserved;
	double		cost;
} Brute;

static double
cost_of_trial(const Brute *brute)
{
	double		cost = 0;

	for (int i = 0; i < brute->trial.nparts; i++)
	{
		const UsomSourcingPart *part = &brute->parts[i];
		bool		first = true;

		for (int k = 0; k < i; k++)
			first &= brute->parts[k].site != part->site;
		cost += (first ? cost_of_shipment(brute->instance, part->site) : 0) +
			(double) part->quantity / USOM_UNIT * cost_of_unit(brute->instance, part->need, part->site);
	}
	return cost;
}

static int
shipments_of_trial(const Brute *brute)
{
	uint32		used = 0;
	int			count = 0;

	for (int i = 0; i < brute->trial.nparts; i++)
		used |= UINT32_C(1) << brute->parts[i].site;
	for (; used != 0; used &= used - 1)
		count++;
	return count;
}

static void
keep_trial(Brute *brute, UsomQuantity unserved)
{
	UsomSourcingPlan *trial = &brute->trial;

	trial->parts = brute->parts;
	trial->unserved = trial->least_unserved = unserved;
	trial->cost.freight = trial->total = trial->least_total = cost_of_trial(brute);
	trial->shipments = shipments_of_trial(brute);
	if (judge_plan(brute->instance, trial) != NULL)
		return;
	if (brute->found && (unserved > brute->unserved ||
						 (unserved == brute->unserved && trial->total >= brute->cost)))
		return;
	brute->found = true;
	brute->unserved = unserved;
	brute->cost = trial->total;
}

static void
try_all(Brute *brute, int need, int site, UsomQuantity left, UsomQuantity unserved)
{
	const UsomSourcingProblem *problem = &brute->instance->problem;

	if (site == problem->nsites)
	{
		unserved += left;
		if (++need == problem->nneeds)
		{
			keep_trial(brute, unserved);
			return;
		}
		site = 0;
		left = problem->needs[need].quantity;
	}
	try_all(brute, need, site + 1, left, unserved);
	for (UsomQuantity taken = USOM_UNIT; taken <= Min(left, most_of(brute->instance, need, site)); taken += USOM_UNIT)
	{
		brute->parts[brute->trial.nparts++] = (UsomSourcingPart) {need, site, taken};
		try_all(brute, need, site + 1, left - taken, unserved);
		brute->trial.nparts--;
	}
}

static const char *
compare_with_all(const Instance *instance, const UsomSourcingPlan *plan)
{
	static Brute brute;

	memset(&brute, 0, sizeof(brute));
	brute.instance = instance;
	try_all(&brute, 0, 0, instance->needs[0].quantity, 0);
	if (!plan->exact)
		return "a small plan is exact";
	if (plan->unserved != brute.unserved)
		return plan->unserved > brute.unserved ? "units are left that another plan serves" : "more is served than can be";
	if (plan->total > brute.cost + 1e-9)
		return "another plan costs less";
	return NULL;
}

/* ---- the properties ---- */

static const char *
compare_with_clerk(const Instance *instance, const UsomSourcingPlan *plan)
{
	Clerk		clerk = be_clerk(instance);

	if (plan->unserved > clerk.unserved)
		return "a clerk serves more";
	if (plan->unserved == clerk.unserved && plan->total > clerk.cost * (1 + 1e-9) + 1e-9)
		return "a clerk's plan costs less";
	return NULL;
}

static const char *
judge(const Instance *instance, const UsomSourcingPlan *plan)
{
	return judge_plan(instance, plan);
}

typedef const char *(*Property) (const Instance *instance, const UsomSourcingPlan *plan);

static void
try_property(const char *what, Property property, const Shape *shape, uint64 seed, int cases)
{
	static Instance instance;
	const char *broken = NULL;
	int			i = 0;

	for (; i < cases && broken == NULL; i++)
	{
		draw_instance(&instance, seed + (uint64) i, shape);
		broken = property(&instance, usom_sourcing_optimise(&instance.problem, true));
		shim_reset();
	}
	report(what, cases, broken, seed + (uint64) i - 1);
}

static const char *
repeat(const Instance *instance, const UsomSourcingPlan *plan)
{
	UsomSourcingPlan *again = usom_sourcing_optimise(&instance->problem, true);

	if (again->nparts != plan->nparts || memcmp(again->parts, plan->parts, sizeof(UsomSourcingPart) * plan->nparts) != 0)
		return "the same problem has the same plan";
	return NULL;
}

static const char *
small_is_exact(const Instance *instance, const UsomSourcingPlan *plan)
{
	return plan->exact ? judge_plan(instance, plan) : "it is not exact";
}

int
main(int argc, char **argv)
{
	const Shape tiny = {1, 3, 1, 3, 3, 5, false};
	const Shape small = {1, 8, 1, 8, 20, 0, false};
	const Shape large = {1, 60, 3, 30, 20, 0, false};
	const Shape days = {1, 8, 2, 8, 20, 0, true};
	const Shape many_days = {1, 40, 6, 30, 20, 0, true};
	uint64		seed = argc > 1 ? strtoull(argv[1], NULL, 10) : 20101201;
	int			cases = argc > 2 ? atoi(argv[2]) : 1;

	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("# seed %llu, cases %d\n", (unsigned long long) seed, cases);
	try_property("tiny plans are the best of all", compare_with_all, &tiny, seed, 4000 * cases);
	try_property("tiny plans keep every constraint", judge, &tiny, seed, 20000 * cases);
	try_property("small plans are exact and keep every constraint", small_is_exact, &small, seed, 4000 * cases);
	try_property("small plans are never worse than a clerk's", compare_with_clerk, &small, seed, 4000 * cases);
	try_property("plans keep every constraint", judge, &large, seed, 500 * cases);
	try_property("plans are never worse than a clerk's", compare_with_clerk, &large, seed, 500 * cases);
	try_property("small plans over days are exact", small_is_exact, &days, seed, 2000 * cases);
	try_property("small plans over days are never worse than a clerk's", compare_with_clerk, &days, seed, 2000 * cases);
	try_property("plans over days keep every constraint", judge, &many_days, seed, 200 * cases);
	try_property("plans over days are never worse than a clerk's", compare_with_clerk, &many_days, seed, 200 * cases);
	try_property("plans repeat", repeat, &large, seed, 100 * cases);
	printf("1..%d\n", tests);
	return failures > 0;
}
