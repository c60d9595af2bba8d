/*
 * capacity_door.c
 *		Capacity from SQL, for tests: what allocation calls, over given arrays.
 *
 * Locks: as src/stock/capacity.c.  Memory: the call's.
 */
#include "postgres.h"

#include "base/call.h"
#include "funcapi.h"
#include "party/party.h"
#include "sourcing/door.h"
#include "stock/capacity.h"

static UsomCapacityChange *
read_changes(ArrayType *array, int *count)
{
	Datum	   *elements = usom_sourcing_elements(array, count);
	UsomCapacityChange *changes = palloc_array(UsomCapacityChange, Max(*count, 1));

	for (int i = 0; i < *count; i++)
	{
		changes[i].at.location_id = DatumGetInt64(usom_sourcing_field(elements[i], 1));
		changes[i].at.day = DatumGetDateADT(usom_sourcing_field(elements[i], 2));
		changes[i].sales_order_id = DatumGetInt64(usom_sourcing_field(elements[i], 3));
		changes[i].units = usom_quantity_of(DatumGetNumeric(usom_sourcing_field(elements[i], 4)));
	}
	return changes;
}

/* usom._change_capacity(changes usom._capacity_change[]): what is refused */
PG_FUNCTION_INFO_V1(usom__change_capacity);
Datum
usom__change_capacity(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	UsomLocationDay *refused;
	int			nchanges;
	int			nrefused;
	UsomCapacityChange *changes = read_changes(PG_GETARG_ARRAYTYPE_P(0), &nchanges);

	InitMaterializedSRF(fcinfo, 0);
	usom_call_begin("_change_capacity", NULL);
	refused = usom_capacity_change(usom_party_org(), changes, nchanges, &nrefused);
	for (int i = 0; i < nrefused; i++)
	{
		Datum		values[2] = {Int64GetDatum(refused[i].location_id), DateADTGetDatum(refused[i].day)};
		bool		nulls[2] = {false};

		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	usom_call_end();
	return (Datum) 0;
}

/* usom._look_at_capacity(location_id bigint, on_date date): null where there is no limit */
PG_FUNCTION_INFO_V1(usom__look_at_capacity);
Datum
usom__look_at_capacity(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	UsomLocationDay day = {PG_GETARG_INT64(0), PG_GETARG_DATEADT(1)};
	UsomFreeCapacity *left;
	Datum		values[2];
	bool		nulls[2];

	InitMaterializedSRF(fcinfo, 0);
	usom_call_begin("_look_at_capacity", NULL);
	left = usom_capacity_look(usom_party_org(), &day, 1);
	nulls[0] = left->units == USOM_NO_LIMIT;
	nulls[1] = left->orders == USOM_NO_LIMIT;
	values[0] = nulls[0] ? (Datum) 0 : NumericGetDatum(usom_quantity_numeric(Max(left->units, 0)));
	values[1] = Int64GetDatum(Max(left->orders, 0));
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	usom_call_end();
	return (Datum) 0;
}
