/*
 * rationing_property.c
 *		What the strategies of backorder processing promise, over seeded items:
 *		a judge that shares no code with what it judges.  Prints TAP.
 *
 * usage: rationing_property [SEED [CASES]]
 */
#include "rationing_case.h"

static const char *(*const judges[]) (const RationCase *of) = {
	judge_conserved, judge_promises, judge_idle, judge_order, judge_again, judge_more,
};

static const char *const names[] = {
	"conserved, served by who may", "each strategy keeps its promise", "no unit idle while a claim waits",
	"nobody later has what an earlier claim could have", "a second run changes nothing", "more supply never raises an exception nor serves less",
};

/* E22: 100, of them 30 firm; an old order for 100 and a late one for 80. */
static const char *
judge_e22(void)
{
	static const struct
	{
		UsomStrategy late;
		UsomStrategy old;
		UsomQuantity wants;
		bool		decided;
		UsomQuantity late_gets;
		UsomQuantity old_keeps;
		UsomQuantity possible;
	}			tries[] = {
		{USOM_WIN, USOM_REDISTRIBUTE, 80, false, 0, 100, 70},
		{USOM_GAIN, USOM_REDISTRIBUTE, 80, true, 70, 0, 0},
		{USOM_WIN, USOM_FILL, 50, true, 50, 20, 0},
		{USOM_WIN, USOM_LOSE, 50, true, 50, 0, 0},
		{USOM_WIN, USOM_GAIN, 50, false, 0, 100, 20},
		{USOM_REDISTRIBUTE, USOM_IMPROVE, 80, true, 0, 70, 0},
		{USOM_GAIN, USOM_FILL, 80, true, 70, 0, 0},
		{USOM_LOSE, USOM_FILL, 80, true, 0, 70, 0},
	};

	for (int i = 0; i < (int) lengthof(tries); i++)
	{
		RationCase	of = {.item = {.nclaims = 3, .nsources = 1, .nmasks = 1}, .sources = {{100 * USOM_UNIT, 0}}, .masks = {true}};

		point_item(&of);
		of.claims[0] = (UsomRationClaim) {tries[i].late, tries[i].wants * USOM_UNIT, 0, false, 0};
		of.claims[1] = (UsomRationClaim) {tries[i].old, 100 * USOM_UNIT, 0, false, 0};
		of.claims[2] = (UsomRationClaim) {USOM_SKIP, 30 * USOM_UNIT, 0, false, 0};
		of.held[1] = 100 * USOM_UNIT;
		of.held[2] = 30 * USOM_UNIT;
		if (usom_sourcing_ration_item(&of.item) != tries[i].decided)
			return "an exception where there is none, or none where there is one";
		if (of.item.given[0] != tries[i].late_gets * USOM_UNIT || of.item.given[1] != tries[i].old_keeps * USOM_UNIT ||
			of.item.given[2] != 30 * USOM_UNIT || of.item.possible != tries[i].possible * USOM_UNIT)
			return "other units than E22 says";
	}
	return NULL;
}

int
main(int argc, char **argv)
{
	uint64		seed = argc > 1 ? strtoull(argv[1], NULL, 10) : 20101201;
	int			cases = 20000 * (argc > 2 ? atoi(argv[2]) : 1);
	const char *broken[lengthof(judges)] = {0};
	const char *e22 = judge_e22();
	int			exceptions = 0;
	int			status = e22 != NULL;

	for (int i = 0; i < cases; i++)
	{
		RationCase	of;
		uint64		state = seed + i;

		draw_ration_case(&of, draw(&state));
		exceptions += !usom_sourcing_ration_item(&of.item);
		for (int k = 0; k < (int) lengthof(judges); k++)
		{
			const char *found = judges[k](&of);

			if (found == NULL || broken[k] != NULL)
				continue;
			broken[k] = found;
			printf("# case %llu: %s\n", (unsigned long long) (seed + i), found);
		}
		shim_reset();
	}
	printf("%s 1 - rationing: E22%s%s\n", e22 == NULL ? "ok" : "not ok", e22 ? ": " : "", e22 ? e22 : "");
	for (int k = 0; k < (int) lengthof(judges); k++)
	{
		printf("%s %d - rationing: %s (%d cases, %d exceptions)\n", broken[k] == NULL ? "ok" : "not ok", k + 2, names[k], cases, exceptions);
		status |= broken[k] != NULL;
	}
	return status;
}
