/*
 * lanes_door.c
 *		Rules and lanes, called with arrays from SQL: for tests and twins.
 *
 * Memory: everything in the context of the call.  Locks: none.
 */
#include "postgres.h"

#include "sourcing/door.h"
#include "sourcing/lanes.h"

#include "base/call.h"
#include "base/card_guard.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "party/party.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

static char *
text_field(Datum composite, int number)
{
	bool		isnull;
	Datum		value = usom_sourcing_field_or_null(composite, number, &isnull);

	return isnull ? NULL : TextDatumGetCString(value);
}

static RuleCase
read_case(Datum composite)
{
	return (RuleCase) {
		.channel = text_field(composite, 2),
		.customer = text_field(composite, 3),
		.country = text_field(composite, 4),
		.order_type = text_field(composite, 5),
		.sku = text_field(composite, 6),
		.category = text_field(composite, 7),
	};
}

static void
put_rules(ReturnSetInfo *result, const SourcingMaster *master, Datum composite)
{
	RuleCase	of = read_case(composite);
	Datum		ordinal = usom_sourcing_field(composite, 1);
	int			place = 0;

	for (int i = 0; i < master->nrules; i++)
	{
		Datum		values[3] = {ordinal, Int64GetDatum(master->rules[i].sourcing_rule_id), Int32GetDatum(place + 1)};
		bool		nulls[3] = {false};

		if (!usom_sourcing_rule_matches(&master->rules[i], &of))
			continue;
		place++;
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
}

/* usom._passed_rules(cases): ordinal, sourcing_rule_id, place */
PG_FUNCTION_INFO_V1(usom__passed_rules);
Datum
usom__passed_rules(PG_FUNCTION_ARGS)
{
	int			count;
	Datum	   *cases = usom_sourcing_elements(PG_GETARG_ARRAYTYPE_P(0), &count);
	const SourcingMaster *master;

	usom_card_check_call(fcinfo);
	InitMaterializedSRF(fcinfo, 0);
	usom_call_begin("passed_rules", NULL);
	master = usom_sourcing_master(usom_party_org());
	for (int i = 0; i < count; i++)
		put_rules((ReturnSetInfo *) fcinfo->resultinfo, master, cases[i]);
	usom_call_end();
	return (Datum) 0;
}

static double
double_field(Datum composite, int number, bool *isnull)
{
	Datum		value = usom_sourcing_field_or_null(composite, number, isnull);

	return *isnull ? 0 : DatumGetFloat8(value);
}

static LaneGroup
read_group(Datum composite, const SourcingMaster *master)
{
	WantFacts  *facts = palloc0_object(WantFacts);
	bool		no_latitude;
	bool		no_longitude;

	facts->master = master;
	facts->latitude = double_field(composite, 3, &no_latitude);
	facts->longitude = double_field(composite, 4, &no_longitude);
	facts->has_place = !no_latitude && !no_longitude;
	facts->country = text_field(composite, 5);
	return (LaneGroup) {
		.sourcing_rule_id = DatumGetInt64(usom_sourcing_field(composite, 2)),
		.facts = facts,
		.weight = DatumGetFloat8(usom_sourcing_field(composite, 6)),
	};
}

static void
put_lane(ReturnSetInfo *result, Datum ordinal, const UsomLane *lane)
{
	Datum		values[] = {
		ordinal, CStringGetTextDatum(lane->code), Float8GetDatum(lane->distance),
		CStringGetTextDatum(usom_sourcing_reason_code(lane->verdict)), Float8GetDatum(lane->rank),
		Float8GetDatum(lane->site.fixed), Float8GetDatum(lane->site.unit_cost), Float8GetDatum(lane->site.handling),
		Float8GetDatum(lane->site.freight), Float8GetDatum(lane->site.freight_by_weight), Float8GetDatum(lane->late_cost),
		NumericGetDatum(usom_quantity_numeric(lane->protected_quantity)), TimestampTzGetDatum(lane->site.arrives_at)
	};
	bool		nulls[lengthof(values)] = {false};

	nulls[2] = !lane->is_far_known;
	nulls[12] = lane->site.arrives_at == USOM_NEVER;
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

static int64 *
read_keys(ArrayType *array, int *count)
{
	Datum	   *elements;
	bool	   *nulls;
	int64	   *keys;

	deconstruct_array(array, INT8OID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE, &elements, &nulls, count);
	keys = palloc_array(int64, Max(*count, 1));
	for (int i = 0; i < *count; i++)
		keys[i] = nulls[i] ? 0 : DatumGetInt64(elements[i]);
	return keys;
}

/* usom._lanes(groups, locations, at) */
PG_FUNCTION_INFO_V1(usom__lanes);
Datum
usom__lanes(PG_FUNCTION_ARGS)
{
	int			ngroups;
	int			nlocations;
	Datum	   *elements = usom_sourcing_elements(PG_GETARG_ARRAYTYPE_P(0), &ngroups);
	int64	   *locations = read_keys(PG_GETARG_ARRAYTYPE_P(1), &nlocations);
	LaneGroup  *groups = palloc_array(LaneGroup, Max(ngroups, 1));
	const SourcingMaster *master;

	usom_card_check_call(fcinfo);
	InitMaterializedSRF(fcinfo, 0);
	usom_call_begin("lanes", NULL);
	master = usom_sourcing_master(usom_party_org());
	for (int i = 0; i < ngroups; i++)
		groups[i] = read_group(elements[i], master);
	usom_sourcing_make_lanes(PG_GETARG_TIMESTAMPTZ(2), groups, ngroups, locations, nlocations);
	for (int i = 0; i < ngroups; i++)
		for (int k = 0; k < groups[i].nlanes; k++)
			put_lane((ReturnSetInfo *) fcinfo->resultinfo, usom_sourcing_field(elements[i], 1), &groups[i].lanes[k]);
	usom_call_end();
	return (Datum) 0;
}
