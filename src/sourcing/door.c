/*
 * door.c
 *		usom._source(): the optimiser, called with arrays from SQL.
 *
 *		For tests and twins alone; no table is read and nothing is locked.
 *
 * Memory: everything in the context of the call.
 */
#include "postgres.h"

#include "sourcing/door.h"
#include "sourcing/optimise.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(usom__source);

#define REASON_CODE(name, code, sentence) code,
static const char *const reason_codes[] = {
	"",
#define USOM_REASON REASON_CODE
#include "sourcing/reason.def"
#undef USOM_REASON
};

static void
refuse(const char *what)
{
	ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("%s", what));
}

static double
cost_field(Datum composite, int number)
{
	double		cost = DatumGetFloat8(usom_sourcing_field(composite, number));

	if (!isfinite(cost) || cost < 0 || cost > 1e12)
		refuse("costs and weights must be from 0 to 1e12");
	return cost;
}

static UsomQuantity
quantity_field(Datum composite, int number)
{
	UsomQuantity quantity = usom_quantity_of(DatumGetNumeric(usom_sourcing_field(composite, number)));

	if (quantity < 0)
		refuse("quantities must not be negative");
	return quantity;
}

static int
number_field(Datum composite, int field, int low, int high)
{
	int			number = DatumGetInt32(usom_sourcing_field(composite, field));

	if (number < low || number > high)
		refuse("numbers of products, sites and parts must be in range");
	return number;
}

static void
read_need(Datum composite, UsomSourcingNeed *need)
{
	bool		isnull;
	Datum		requested = usom_sourcing_field_or_null(composite, 8, &isnull);

	need->product = number_field(composite, 1, 1, PG_INT16_MAX) - 1;
	need->quantity = quantity_field(composite, 2);
	if (need->quantity == 0)
		refuse("needs must be greater than zero");
	need->smallest = quantity_field(composite, 3);
	need->most_parts = number_field(composite, 4, 0, PG_INT32_MAX);
	need->partial = DatumGetBool(usom_sourcing_field(composite, 5));
	need->weight = cost_field(composite, 6);
	need->late_cost = cost_field(composite, 7);
	need->requested_at = isnull ? PG_INT64_MIN : DatumGetTimestampTz(requested);
}

static void
read_site(Datum composite, UsomSourcingSite *site)
{
	bool		isnull;

	site->location_id = DatumGetInt64(usom_sourcing_field(composite, 1));
	site->arrives_at = DatumGetTimestampTz(usom_sourcing_field(composite, 2));
	site->freight = cost_field(composite, 3);
	site->freight_by_weight = cost_field(composite, 4);
	site->handling = cost_field(composite, 5);
	site->fixed = cost_field(composite, 6);
	site->penalty = cost_field(composite, 7);
	site->unit_cost = cost_field(composite, 8);
	usom_sourcing_field_or_null(composite, 9, &isnull);
	site->capacity = isnull ? PG_INT64_MAX : quantity_field(composite, 9);
}

static const UsomSourcingNeed *
read_needs(ArrayType *array, UsomSourcingProblem *problem)
{
	Datum	   *elements = usom_sourcing_elements(array, &problem->nneeds);
	UsomSourcingNeed *needs = palloc0_array(UsomSourcingNeed, Max(problem->nneeds, 1));
	UsomQuantity sum = 0;

	for (int i = 0; i < problem->nneeds; i++)
	{
		read_need(elements[i], &needs[i]);
		sum = usom_quantity_add(sum, needs[i].quantity);
		problem->nproducts = Max(problem->nproducts, needs[i].product + 1);
	}
	return needs;
}

static const UsomSourcingSite *
read_sites(ArrayType *array, UsomSourcingProblem *problem)
{
	Datum	   *elements = usom_sourcing_elements(array, &problem->nsites);
	UsomSourcingSite *sites = palloc0_array(UsomSourcingSite, Max(problem->nsites, 1));

	for (int i = 0; i < problem->nsites; i++)
		read_site(elements[i], &sites[i]);
	return sites;
}

static void
read_stock(ArrayType *array, UsomSourcingProblem *problem)
{
	int			count;
	Datum	   *elements = usom_sourcing_elements(array, &count);
	Size		size = (Size) Max(problem->nproducts, 1) * Max(problem->nsites, 1);
	UsomQuantity *stock = palloc0_array(UsomQuantity, size);
	UsomQuantity *kept = palloc0_array(UsomQuantity, size);

	for (int i = 0; i < count; i++)
	{
		int			product = number_field(elements[i], 1, 1, problem->nproducts) - 1;
		int			site = number_field(elements[i], 2, 1, problem->nsites) - 1;

		stock[product * problem->nsites + site] = quantity_field(elements[i], 3);
		kept[product * problem->nsites + site] = quantity_field(elements[i], 4);
	}
	problem->stock = stock;
	problem->protected_stock = kept;
}

/* Field 9 of a need: numbers of sites that may not serve it. */
static void
read_verdicts(ArrayType *array, UsomSourcingProblem *problem)
{
	int			count;
	Datum	   *elements = usom_sourcing_elements(array, &count);
	uint8	   *verdicts = palloc0((Size) Max(count, 1) * Max(problem->nsites, 1));

	for (int need = 0; need < count; need++)
	{
		int			nexcluded;
		Datum	   *excluded;
		bool	   *nulls;

		deconstruct_array(DatumGetArrayTypeP(usom_sourcing_field(elements[need], 9)), INT4OID, sizeof(int32), true,
						  TYPALIGN_INT, &excluded, &nulls, &nexcluded);
		for (int i = 0; i < nexcluded; i++)
			if (nulls[i] || DatumGetInt32(excluded[i]) < 1 || DatumGetInt32(excluded[i]) > problem->nsites)
				refuse("there is no such site");
			else
				verdicts[(Size) need * problem->nsites + DatumGetInt32(excluded[i]) - 1] = USOM_REASON_EXCLUDED;
	}
	problem->verdicts = verdicts;
}

static void
put_parts(StringInfo out, const UsomSourcingPlan *plan)
{
	appendStringInfoString(out, "{\"parts\": [");
	for (int i = 0; i < plan->nparts; i++)
		appendStringInfo(out, "%s{\"need\": %d, \"site\": %d, \"quantity\": %s}", i > 0 ? ", " : "",
						 plan->parts[i].need + 1, plan->parts[i].site + 1, usom_quantity_text(plan->parts[i].quantity));
	appendStringInfoString(out, "], ");
}

static void
put_reasons(StringInfo out, const UsomSourcingPlan *plan, const UsomSourcingProblem *problem)
{
	appendStringInfoString(out, "\"reasons\": [");
	for (int i = 0; i < problem->nneeds * problem->nsites; i++)
		appendStringInfo(out, "%s\"%s\"", i > 0 ? ", " : "", reason_codes[plan->reasons[i]]);
	appendStringInfoString(out, "]}");
}

static void
put_figures(StringInfo out, const UsomSourcingPlan *plan)
{
	appendStringInfo(out, "\"unserved\": %s, \"shipments\": %d, \"exact\": %s, \"least_unserved\": %s, ",
					 usom_quantity_text(plan->unserved), plan->shipments, plan->exact ? "true" : "false",
					 usom_quantity_text(plan->least_unserved));
	appendStringInfo(out, "\"total\": %.17g, \"least_total\": %.17g, ", plan->total, plan->least_total);
	appendStringInfo(out, "\"freight\": %.17g, \"handling\": %.17g, \"fixed\": %.17g, \"penalty\": %.17g, "
					 "\"by_unit\": %.17g, \"lateness\": %.17g, ", plan->cost.freight, plan->cost.handling,
					 plan->cost.fixed, plan->cost.penalty, plan->cost.by_unit, plan->cost.lateness);
}

/* usom._source(needs, sites, stock, most_shipments, ship_complete) */
Datum
usom__source(PG_FUNCTION_ARGS)
{
	UsomSourcingProblem problem = {0};
	UsomSourcingPlan *plan;
	StringInfoData out;

	problem.needs = read_needs(PG_GETARG_ARRAYTYPE_P(0), &problem);
	problem.sites = read_sites(PG_GETARG_ARRAYTYPE_P(1), &problem);
	read_stock(PG_GETARG_ARRAYTYPE_P(2), &problem);
	read_verdicts(PG_GETARG_ARRAYTYPE_P(0), &problem);
	problem.most_shipments = Max(PG_GETARG_INT32(3), 0);
	problem.ship_complete = PG_GETARG_BOOL(4);
	plan = usom_sourcing_optimise(&problem, true);
	initStringInfo(&out);
	put_parts(&out, plan);
	put_figures(&out, plan);
	put_reasons(&out, plan, &problem);
	return DirectFunctionCall1(jsonb_in, CStringGetDatum(out.data));
}
