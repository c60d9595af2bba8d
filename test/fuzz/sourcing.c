/*
 * sourcing.c
 *		Fuzz harness of the sourcing optimiser: bytes are a problem of up to
 *		six needs and seven sites, with small, odd and enormous figures.  What
 *		comes out is judged like any plan.
 */
#include "postgres.h"

#include "instance.h"

typedef struct Bytes
{
	const uint8 *next;
	const uint8 *end;
} Bytes;

static int
take(Bytes *bytes)
{
	return bytes->next < bytes->end ? *bytes->next++ : 0;
}

static UsomQuantity
take_quantity(Bytes *bytes)
{
	int			byte = take(bytes);

	if (byte >= 250)
		return USOM_QUANTITY_LIMIT - byte;
	return byte >= 240 ? byte - 239 : (byte % 32) * USOM_UNIT;
}

static double
take_cost(Bytes *bytes)
{
	int			byte = take(bytes);

	if (byte >= 250)
		return 1e12;
	return byte >= 240 ? (byte - 239) * 1e-9 : byte % 64;
}

static void
take_sites(Bytes *bytes, Instance *instance)
{
	for (int i = 0; i < instance->problem.nsites; i++)
		instance->sites[i] = (UsomSourcingSite) {
			.location_id = i,
			.arrives_at = take(bytes) * INT64CONST(43200000000),
			.freight = take_cost(bytes),
			.freight_by_weight = take_cost(bytes),
			.handling = take_cost(bytes),
			.unit_cost = take_cost(bytes),
			.capacity = take(bytes) % 3 == 0 ? take_quantity(bytes) : PG_INT64_MAX,
		};
}

static void
take_needs(Bytes *bytes, Instance *instance)
{
	UsomSourcingProblem *problem = &instance->problem;

	for (int i = 0; i < problem->nneeds; i++)
	{
		int			flags = take(bytes);

		instance->needs[i] = (UsomSourcingNeed) {
			.product = flags % problem->nproducts,
			.quantity = Max(take_quantity(bytes), 1),
			.smallest = flags & 16 ? take_quantity(bytes) : 0,
			.most_parts = flags & 32 ? 1 + take(bytes) % 3 : 0,
			.partial = (flags & 64) != 0,
			.weight = take_cost(bytes),
			.late_cost = take_cost(bytes),
			.requested_at = flags & 128 ? take(bytes) * INT64CONST(43200000000) : PG_INT64_MIN,
		};
	}
}

static void
take_problem(Bytes *bytes, Instance *instance)
{
	UsomSourcingProblem *problem = &instance->problem;
	int			flags = take(bytes);

	problem->nneeds = take(bytes) % 7;
	problem->nsites = take(bytes) % 8;
	problem->nproducts = 1 + take(bytes) % 6;
	problem->most_shipments = flags & 1 ? 1 + take(bytes) % 4 : 0;
	problem->ship_complete = (flags & 2) != 0;
	problem->needs = instance->needs;
	problem->sites = instance->sites;
	problem->stock = instance->stock;
	problem->protected_stock = flags & 4 ? instance->protected_stock : NULL;
	problem->verdicts = instance->verdicts;
	take_sites(bytes, instance);
	take_needs(bytes, instance);
	for (int i = 0; i < problem->nproducts * problem->nsites; i++)
		instance->stock[i] = take_quantity(bytes) - (flags & 8 ? USOM_UNIT : 0);
	for (int i = 0; i < problem->nproducts * problem->nsites && (flags & 4); i++)
		instance->protected_stock[i] = take_quantity(bytes);
	for (int i = 0; i < problem->nneeds * problem->nsites; i++)
		instance->verdicts[i] = take(bytes) % 8 == 7 ? USOM_REASON_EXCLUDED : USOM_REASON_NONE;
}

extern int	LLVMFuzzerTestOneInput(const uint8 *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8 *data, size_t size)
{
	static Instance instance;
	Bytes		bytes = {data, data + size};
	const char *broken;

	memset(&instance, 0, sizeof(instance));
	take_problem(&bytes, &instance);
	broken = judge_plan(&instance, usom_sourcing_optimise(&instance.problem, true));
	if (broken != NULL)
	{
		fprintf(stderr, "broken: %s\n", broken);
		abort();
	}
	shim_reset();
	return 0;
}

#ifdef DRAW_INPUTS
int
main(int argc, char **argv)
{
	int			runs = argc > 1 ? atoi(argv[1]) : 100000;
	uint64		state = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
	uint8		data[400];

	for (int run = 0; run < runs; run++)
	{
		int			size = draw_between(&state, 0, (int) sizeof(data));

		for (int i = 0; i < size; i++)
			data[i] = (uint8) draw(&state);
		LLVMFuzzerTestOneInput(data, (size_t) size);
	}
	printf("%d inputs\n", runs);
	return 0;
}
#endif
