/*
 * sourcing_quality.c
 *		How far plans are from the optimum that a MILP solver finds.
 *
 * usage: sourcing_quality cbc|glpsol FOLDER SEED SECONDS NAME CASES NEEDS SITES [limited|days]
 *
 * NEEDS and SITES are ranges, 1-8.  SECONDS is what the solver may take for
 * one question; what it has not proven by then is told apart.  limited:
 * some sites can ship few units a day, which binds the lines of an order to
 * each other and is much the hardest.  days: and sites are days of locations.
 */
#include "postgres.h"

#include <time.h>

#include "instance.h"

typedef struct Answer
{
	bool		found;
	bool		proven;
	double		value;
} Answer;

static const char *solver;
static const char *folder;
static int	seconds;
static bool limited;			/* by what sites can ship in a day */

static double
now(void)
{
	struct timespec at;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &at);
	return (double) at.tv_sec * 1e6 + (double) at.tv_nsec / 1e3;
}

/* ---- the problem as a mixed integer program ---- */

static double
units(UsomQuantity quantity)
{
	return (double) quantity / USOM_UNIT;
}

static double
most_units(const Instance *instance, int need, int site)
{
	UsomQuantity most = Min(most_of(instance, need, site), instance->needs[need].quantity);

	return units(Min(most, instance->sites[site].capacity));
}

static bool
has_limits(const Instance *instance, int need)
{
	return instance->needs[need].most_parts > 0 || instance->needs[need].smallest > 0;
}

static void
write_sum(FILE *out, const Instance *instance, int need, const char *sign)
{
	for (int site = 0; site < instance->problem.nsites; site++)
		if (most_units(instance, need, site) > 0)
			fprintf(out, " %s x%d_%d", sign, need, site);
}

static void
write_goal(FILE *out, const Instance *instance, bool of_units)
{
	const UsomSourcingProblem *problem = &instance->problem;

	fprintf(out, of_units ? "Maximize\n goal: 0 nothing" : "Minimize\n goal: 0 nothing");
	for (int need = 0; need < problem->nneeds; need++)
	{
		if (of_units)
			write_sum(out, instance, need, "+");
		for (int site = 0; site < problem->nsites && !of_units; site++)
			if (most_units(instance, need, site) > 0)
				fprintf(out, "\n + %.9g x%d_%d", cost_of_unit(instance, need, site), need, site);
		fprintf(out, "\n");
	}
	for (int site = 0; site < problem->nsites && !of_units; site++)
		fprintf(out, " + %.9g y%d", cost_of_shipment(instance, site), site);
	fprintf(out, "\nSubject To\n");
}

static void
write_need(FILE *out, const Instance *instance, int need)
{
	const UsomSourcingNeed *of = &instance->needs[need];
	bool		complete = instance->problem.ship_complete;

	fprintf(out, " whole%d: 0 nothing", need);
	write_sum(out, instance, need, "+");
	if (complete || !of->partial)
		fprintf(out, " - %.9g w%d = 0\n", units(of->quantity), complete ? 0 : need);
	else
		fprintf(out, " <= %.9g\n", units(of->quantity));
	if (of->most_parts > 0)
	{
		fprintf(out, " parts%d: 0 nothing", need);
		for (int site = 0; site < instance->problem.nsites; site++)
			if (most_units(instance, need, site) > 0)
				fprintf(out, " + z%d_%d", need, site);
		fprintf(out, " <= %d\n", of->most_parts);
	}
	for (int site = 0; site < instance->problem.nsites; site++)
	{
		double		most = most_units(instance, need, site);

		if (most <= 0)
			continue;
		fprintf(out, " u%d_%d: x%d_%d - %.9g y%d <= 0\n", need, site, need, site, most, site);
		if (!has_limits(instance, need))
			continue;
		fprintf(out, " a%d_%d: x%d_%d - %.9g z%d_%d <= 0\n", need, site, need, site, most, need, site);
		fprintf(out, " b%d_%d: x%d_%d - %.9g z%d_%d >= 0\n", need, site, need, site,
				units(Min(of->smallest, of->quantity)), need, site);
		fprintf(out, " c%d_%d: z%d_%d - y%d <= 0\n", need, site, need, site, site);
	}
}

static void
write_stock(FILE *out, const Instance *instance, int product, int site)
{
	const UsomSourcingProblem *problem = &instance->problem;
	UsomQuantity stock = 0;

	fprintf(out, " s%d_%d: 0 nothing", product, site);
	for (int need = 0; need < problem->nneeds; need++)
		if (problem->needs[need].product == product && most_units(instance, need, site) > 0)
		{
			fprintf(out, " + x%d_%d", need, site);
			stock = most_of(instance, need, site);
		}
	fprintf(out, " <= %.9g\n", units(stock));
}

static void
write_limits(FILE *out, const Instance *instance, double least_units)
{
	const UsomSourcingProblem *problem = &instance->problem;

	for (int need = 0; need < problem->nneeds; need++)
		write_need(out, instance, need);
	for (int site = 0; site < problem->nsites; site++)
	{
		for (int product = 0; product < problem->nproducts; product++)
			write_stock(out, instance, product, site);
		if (problem->sites[site].capacity == PG_INT64_MAX)
			continue;
		fprintf(out, " k%d: 0 nothing", site);
		for (int need = 0; need < problem->nneeds; need++)
			if (most_units(instance, need, site) > 0)
				fprintf(out, " + x%d_%d", need, site);
		fprintf(out, " <= %.9g\n", units(problem->sites[site].capacity));
	}
	if (problem->most_shipments > 0)
	{
		fprintf(out, " shipments: 0 nothing");
		for (int site = 0; site < problem->nsites; site++)
			fprintf(out, " + y%d", site);
		fprintf(out, " <= %d\n", problem->most_shipments);
	}
	fprintf(out, " served: 0 nothing\n");
	for (int need = 0; need < problem->nneeds; need++)
		write_sum(out, instance, need, "\n +");
	fprintf(out, " >= %.9g\n", least_units);
}

static void
write_program(const char *path, const Instance *instance, bool of_units, double least_units)
{
	const UsomSourcingProblem *problem = &instance->problem;
	FILE	   *out = fopen(path, "w");

	if (out == NULL)
		abort();
	write_goal(out, instance, of_units);
	write_limits(out, instance, least_units);
	fprintf(out, "Bounds\n nothing <= 1\nBinary\n");
	for (int site = 0; site < problem->nsites; site++)
		fprintf(out, " y%d\n", site);
	for (int need = 0; need < problem->nneeds; need++)
	{
		if ((problem->ship_complete && need == 0) || (!problem->ship_complete && !problem->needs[need].partial))
			fprintf(out, " w%d\n", need);
		for (int site = 0; site < problem->nsites; site++)
			if (has_limits(instance, need) && most_units(instance, need, site) > 0)
				fprintf(out, " z%d_%d\n", need, site);
	}
	fprintf(out, "End\n");
	fclose(out);
}

/* ---- the solver ---- */

static Answer
read_cbc(FILE *in)
{
	Answer		answer = {false, false, 0};
	char		line[500];
	char	   *value;

	if (fgets(line, sizeof(line), in) == NULL || (value = strstr(line, "objective value")) == NULL)
		return answer;
	answer.value = strtod(value + strlen("objective value"), NULL);
	answer.proven = strncmp(line, "Optimal", 7) == 0;
	answer.found = answer.proven || strstr(line, "no integer solution") == NULL;
	return answer;
}

static Answer
read_glpsol(FILE *in)
{
	Answer		answer = {false, false, 0};
	char		line[500];
	char		status;

	while (fgets(line, sizeof(line), in) != NULL)
		if (sscanf(line, "s mip %*d %*d %c %lf", &status, &answer.value) == 2)
		{
			answer.proven = status == 'o';
			answer.found = answer.proven || status == 'f';
		}
	return answer;
}

static Answer
ask(const Instance *instance, bool of_units, double least_units)
{
	bool		cbc = strcmp(solver, "cbc") == 0;
	char		program[400];
	char		solution[400];
	char		command[1200];
	Answer		answer = {false, false, 0};
	FILE	   *in;

	snprintf(program, sizeof(program), "%s/program.lp", folder);
	snprintf(solution, sizeof(solution), "%s/solution", folder);
	write_program(program, instance, of_units, least_units);
	remove(solution);
	if (cbc)
		snprintf(command, sizeof(command), "cbc %s ratioGap 1e-7 sec %d solve solu %s >/dev/null 2>&1",
				 program, seconds, solution);
	else
		snprintf(command, sizeof(command), "glpsol --lp %s --tmlim %d --cuts -w %s >/dev/null 2>&1",
				 program, seconds, solution);
	if (system(command) != 0 || (in = fopen(solution, "r")) == NULL)
		return answer;
	answer = cbc ? read_cbc(in) : read_glpsol(in);
	fclose(in);
	return answer;
}

/* ---- the comparison ---- */

typedef struct Tally
{
	int			cases;
	int			exact;			/* said to be, by the planner */
	int			wrong;			/* said to be exact and is not */
	int			proven;			/* by the solver */
	int			units_missed;
	int			behind_clerk;
	int			broken;
	double		gaps;
	double		worst;
	uint64		worst_seed;
	double		time[100000];
} Tally;

/* Units that no plan serves, as one sees at once: no need gets more than all sites have. */
static UsomQuantity
plainly_unserved(const Instance *instance)
{
	UsomQuantity unserved = 0;

	for (int need = 0; need < instance->problem.nneeds; need++)
	{
		UsomQuantity left = instance->needs[need].quantity;

		for (int site = 0; site < instance->problem.nsites; site++)
			left -= Min(left, most_of(instance, need, site));
		unserved += left;
	}
	return unserved;
}

static double
all_units(const Instance *instance)
{
	double		sum = 0;

	for (int need = 0; need < instance->problem.nneeds; need++)
		sum += units(instance->needs[need].quantity);
	return sum;
}

static void
count_gap(Tally *tally, uint64 seed, const UsomSourcingPlan *plan, const Answer *answer)
{
	double		gap = (plan->total - answer->value) / Max(answer->value, 1e-9);

	if (gap < 1e-6)
		return;
	tally->gaps += gap;
	tally->wrong += plan->exact;
	if (getenv("SOURCING_SHOW") != NULL)
		printf("# seed %llu: %.4f against %.4f, gap %.3f %%%s\n", (unsigned long long) seed, plan->total,
			   answer->value, 100 * gap, plan->exact ? ", said exact" : "");
	if (gap > tally->worst)
	{
		tally->worst = gap;
		tally->worst_seed = seed;
	}
}

static void
compare(Tally *tally, uint64 seed, const Instance *instance, const UsomSourcingPlan *plan)
{
	double		served = all_units(instance) - units(plan->unserved);
	Answer		answer = {true, true, served};

	if (plan->unserved > plainly_unserved(instance))
		answer = ask(instance, true, 0);
	if (answer.found && answer.value > served + 1e-5)
	{
		tally->units_missed++;
		tally->wrong += plan->exact;
		printf("# seed %llu: serves %g of %g units\n", (unsigned long long) seed, served, answer.value);
		return;
	}
	if (answer.proven && served > 0)
		answer = ask(instance, false, served - 1e-6);
	else
		answer.value = plan->total;
	tally->proven += answer.proven;
	if (answer.found)
		count_gap(tally, seed, plan, &answer);
}

static bool
is_behind(const Clerk *clerk, const UsomSourcingPlan *plan)
{
	return plan->unserved > clerk->unserved ||
		(plan->unserved == clerk->unserved && plan->total > clerk->cost * (1 + 1e-9) + 1e-9);
}

static void
try_case(Tally *tally, uint64 seed, const Shape *shape)
{
	static Instance instance;
	UsomSourcingPlan *plan;
	Clerk		clerk;
	double		begin;

	draw_instance(&instance, seed, shape);
	if (!limited)
		for (int site = 0; site < instance.problem.nsites; site++)
			instance.sites[site].capacity = PG_INT64_MAX;
	clerk = be_clerk(&instance);
	begin = now();
	plan = usom_sourcing_optimise(&instance.problem, false);
	tally->time[tally->cases++] = now() - begin;
	tally->exact += plan->exact;
	tally->broken += judge_plan(&instance, plan) != NULL;
	tally->behind_clerk += is_behind(&clerk, plan);
	if (seconds > 0)
		compare(tally, seed, &instance, plan);
	shim_reset();
}

static int
compare_times(const void *a, const void *b)
{
	double		left = *(const double *) a;
	double		right = *(const double *) b;

	return (left > right) - (left < right);
}

static void
report(const char *name, Tally *tally)
{
	int			n = tally->cases;
	double		sum = 0;

	qsort(tally->time, n, sizeof(double), compare_times);
	for (int i = 0; i < n; i++)
		sum += tally->time[i];
	printf("%-8s %5d cases: microseconds mean %.0f, median %.0f, p95 %.0f, p99 %.0f, worst %.0f\n", name, n,
		   sum / n, tally->time[n / 2], tally->time[n * 95 / 100], tally->time[n * 99 / 100], tally->time[n - 1]);
	printf("%-8s %5d exact, %d broke a constraint, %d worse than a clerk\n", "", tally->exact, tally->broken,
		   tally->behind_clerk);
	if (seconds > 0)
		printf("%-8s %5d optimal by %s: gap mean %.4f %%, worst %.3f %% (seed %llu); units missed in %d; "
			   "%d said exact and were not\n", "", tally->proven, solver, 100 * tally->gaps / n, 100 * tally->worst,
			   (unsigned long long) tally->worst_seed, tally->units_missed, tally->wrong);
}

int
main(int argc, char **argv)
{
	static Tally tally;
	Shape		shape = {.most_units = 20};
	uint64		seed;
	int			cases;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc < 9 || sscanf(argv[7], "%d-%d", &shape.least_needs, &shape.most_needs) != 2 ||
		sscanf(argv[8], "%d-%d", &shape.least_sites, &shape.most_sites) != 2)
		return 2;
	solver = argv[1];
	folder = argv[2];
	seed = strtoull(argv[3], NULL, 10);
	seconds = atoi(argv[4]);
	shape.days = argc > 9 && strcmp(argv[9], "days") == 0;
	limited = shape.days || (argc > 9 && strcmp(argv[9], "limited") == 0);
	cases = Min(atoi(argv[6]), 100000);
	for (int i = 0; i < cases; i++)
		try_case(&tally, seed + (uint64) i, &shape);
	report(argv[5], &tally);
	return tally.broken + tally.wrong > 0;
}
