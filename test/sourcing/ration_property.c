/*
 * ration_property.c
 *		What usom.ration() promises, over seeded claims.  Prints TAP.
 *
 * usage: ration_property [SEED [CASES]]
 */
#include "postgres.h"

#include "instance.h"
#include "sourcing/ration.h"

#define MOST_CLAIMS 12
#define MOST_CAPS 3

typedef struct Case
{
	int			nclaims;
	UsomClaim	claims[MOST_CLAIMS];
	UsomQuantity supply;
	UsomLots	lots;
	int			ncaps;
	UsomQuantity caps[MOST_CAPS];
	int			mode;			/* 0 by demand, 1 equal, 2 by weight */
} Case;

/* Small figures, so that claims tie and lots do not fit; now and then enormous ones. */
static void
draw_case(Case *drawn, uint64 seed)
{
	UsomQuantity unit = draw_between(&seed, 0, 9) == 0 ? 1 : draw_between(&seed, 0, 9) == 0 ? INT64CONST(10000000000000000) : USOM_UNIT;

	memset(drawn, 0, sizeof(Case));
	drawn->nclaims = draw_between(&seed, 0, MOST_CLAIMS);
	drawn->mode = draw_between(&seed, 0, 2);
	drawn->ncaps = draw_between(&seed, 0, 2) == 0 ? draw_between(&seed, 1, MOST_CAPS) : 0;
	drawn->lots.multiple = draw_between(&seed, 0, 3) == 0 ? 1 : unit * draw_between(&seed, 1, 5);
	drawn->lots.minimum = draw_between(&seed, 0, 1) == 0 ? 0 : unit * draw_between(&seed, 0, 9);
	drawn->supply = unit * draw_between(&seed, 0, 90) + draw_between(&seed, 0, 3);
	for (int i = 0; i < drawn->ncaps; i++)
		drawn->caps[i] = unit * draw_between(&seed, 0, 30);
	for (int i = 0; i < drawn->nclaims; i++)
	{
		UsomClaim  *claim = &drawn->claims[i];

		claim->demand = unit * draw_between(&seed, 0, 20) + (draw_between(&seed, 0, 4) == 0 ? draw_between(&seed, 0, 9) : 0);
		claim->weight = drawn->mode == 0 ? claim->demand : drawn->mode == 1 ? 1 : unit * draw_between(&seed, 1, 4);
		claim->group = drawn->ncaps == 0 ? -1 : draw_between(&seed, -1, drawn->ncaps - 1);
	}
}

static void
share_case(Case *of)
{
	usom_sourcing_ration(of->claims, of->nclaims, of->supply, of->lots, of->caps, of->ncaps);
}

static UsomQuantity
first_lot(const Case *of)
{
	return Max((of->lots.minimum + of->lots.multiple - 1) / of->lots.multiple, 1) * of->lots.multiple;
}

/* What the claim could have if there were no end of supply, caps aside. */
static UsomQuantity
most_of_claim(const Case *of, int i)
{
	UsomQuantity most = of->claims[i].demand / of->lots.multiple * of->lots.multiple;

	return most < first_lot(of) ? 0 : most;
}

static UsomQuantity
sum_of_group(const Case *of, int group)
{
	UsomQuantity sum = 0;

	for (int i = 0; i < of->nclaims; i++)
		sum += group == -2 || of->claims[i].group == group ? of->claims[i].share : 0;
	return sum;
}

static const char *
judge_shares(const Case *of)
{
	for (int i = 0; i < of->nclaims; i++)
	{
		const UsomClaim *claim = &of->claims[i];

		if (claim->share < 0 || claim->share > claim->demand)
			return "a share is below zero or above its demand";
		if (claim->share % of->lots.multiple != 0)
			return "a share is no multiple";
		if (claim->share > 0 && claim->share < of->lots.minimum)
			return "a share is below the minimum";
	}
	for (int group = 0; group < of->ncaps; group++)
		if (sum_of_group(of, group) > of->caps[group])
			return "a group has more than its cap";
	return sum_of_group(of, -2) > of->supply ? "more is shared out than there is" : NULL;
}

/* Nothing stays behind that a next lot could be made of. */
static const char *
judge_rest(const Case *of)
{
	UsomQuantity left = of->supply - sum_of_group(of, -2);
	UsomQuantity next = first_lot(of);

	for (int i = 0; i < of->nclaims; i++)
	{
		const UsomClaim *claim = &of->claims[i];
		UsomQuantity free = claim->group < 0 ? left : Min(left, of->caps[claim->group] - sum_of_group(of, claim->group));

		if (claim->share < most_of_claim(of, i) && free >= next)
			return "a lot stays behind that a claim could take";
	}
	if (of->lots.minimum <= of->lots.multiple && of->ncaps == 0)
	{
		UsomQuantity most = 0;

		for (int i = 0; i < of->nclaims; i++)
			most += most_of_claim(of, i);
		if (sum_of_group(of, -2) != Min(of->supply / of->lots.multiple * of->lots.multiple, most))
			return "the shares do not sum to the supply";
	}
	return NULL;
}

static const char *
judge_more(const Case *of, UsomQuantity more)
{
	Case		other = *of;

	other.supply += more;
	share_case(&other);
	for (int i = 0; i < of->nclaims; i++)
		if (other.claims[i].share < of->claims[i].share)
			return "a claim has less of a larger supply";
	return NULL;
}

static const char *
judge_again(const Case *of)
{
	Case		other = *of;

	share_case(&other);
	return memcmp(&other, of, sizeof(Case)) == 0 ? NULL : "the same claims give other shares";
}

/* Who has what it was given, and asks for no more than that, is given just that: shares of shares are the shares. */
static const char *
judge_shares_of_shares(const Case *of)
{
	Case		other = *of;

	for (int i = 0; i < of->nclaims; i++)
	{
		other.claims[i].demand = of->claims[i].share;
		other.claims[i].weight = Max(of->claims[i].weight, 1);
	}
	share_case(&other);
	for (int i = 0; i < of->nclaims; i++)
		if (other.claims[i].share != of->claims[i].share)
			return "what was shared out is not kept when it is shared out again";
	return NULL;
}

static const char *
judge_equals(const Case *of)
{
	for (int i = 0; i < of->nclaims; i++)
		for (int k = i + 1; k < of->nclaims; k++)
		{
			const UsomClaim *first = &of->claims[i];
			const UsomClaim *second = &of->claims[k];

			if (first->demand != second->demand || first->weight != second->weight || first->group != second->group)
				continue;
			if (first->share < second->share)
				return "of equals the later one has more";
			if (first->share - second->share > (second->share == 0 ? first_lot(of) : of->lots.multiple))
				return "of equals one is ahead by more than a lot";
		}
	return NULL;
}

/* A larger weight, or a larger demand under the same weight, never has less than a smaller one. */
static const char *
judge_order(const Case *of)
{
	for (int i = 0; i < of->nclaims; i++)
		for (int k = 0; k < of->nclaims; k++)
		{
			const UsomClaim *large = &of->claims[i];
			const UsomClaim *small = &of->claims[k];

			if (large->group == small->group && large->weight >= small->weight && large->demand >= small->demand &&
				large->share + (large->share == 0 ? first_lot(of) : of->lots.multiple) < small->share)
				return "who asks for more, and counts for more, has less by more than a lot";
		}
	return NULL;
}

/* E23. */
static const char *
judge_e23(void)
{
	static const UsomQuantity want[] = {45, 35, 20};
	Case		of = {.nclaims = 3, .supply = 100 * USOM_UNIT, .lots = {5 * USOM_UNIT, 5 * USOM_UNIT}};

	for (int i = 0; i < 3; i++)
		of.claims[i] = (UsomClaim) {(i == 0 ? 70 : i == 1 ? 50 : 30) * USOM_UNIT, i == 0 ? 70 : i == 1 ? 50 : 30, -1, 0};
	share_case(&of);
	for (int i = 0; i < 3; i++)
		if (of.claims[i].share != want[i] * USOM_UNIT)
			return "not 45, 35, 20";
	for (of.supply = 0; of.supply < 170 * USOM_UNIT; of.supply += USOM_UNIT)
	{
		const char *broken;

		share_case(&of);
		if ((broken = judge_shares(&of)) != NULL || (broken = judge_more(&of, USOM_UNIT)) != NULL)
			return broken;
	}
	return NULL;
}

int
main(int argc, char **argv)
{
	uint64		seed = argc > 1 ? strtoull(argv[1], NULL, 10) : 20101201;
	int			cases = 20000 * (argc > 2 ? atoi(argv[2]) : 1);
	const char *names[] = {
		"shares keep to demand, multiple, minimum, cap and supply", "nothing stays behind", "nobody has less of one unit more",
		"nobody has less of much more", "the same again", "shares of shares", "equals", "who counts for more",
	};
	const char *broken[8] = {0};
	const char *e23 = judge_e23();
	int			status = e23 != NULL;

	for (int i = 0; i < cases; i++)
	{
		Case		of;
		uint64		state = seed + i;

		draw_case(&of, draw(&state));
		share_case(&of);
		for (int k = 0; k < 8; k++)
		{
			const char *found = k == 0 ? judge_shares(&of) : k == 1 ? judge_rest(&of) : k == 2 ? judge_more(&of, of.lots.multiple)
				: k == 3 ? judge_more(&of, of.supply / 2 + 1) : k == 4 ? judge_again(&of) : k == 5 ? judge_shares_of_shares(&of)
				: k == 6 ? judge_equals(&of) : judge_order(&of);

			if (found != NULL && broken[k] == NULL)
			{
				broken[k] = found;
				printf("# case %llu: %s\n", (unsigned long long) (seed + i), found);
			}
		}
		shim_reset();
	}
	printf("%s 1 - ration: E23\n", e23 == NULL ? "ok" : "not ok");
	for (int k = 0; k < 8; k++)
	{
		printf("%s %d - ration: %s (%d cases)\n", broken[k] == NULL ? "ok" : "not ok", k + 2, names[k], cases);
		status |= broken[k] != NULL;
	}
	return status;
}
