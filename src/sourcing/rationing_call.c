/*
 * rationing_call.c
 *		usom._ration_item(): backorder processing of one product, called with
 *		arrays from SQL.
 *
 *		For tests and twins alone; no table is read and nothing is locked.
 *
 * Memory: everything in the context of the call, the result in the caller's
 * tuplestore.
 */
#include "postgres.h"

#include "sourcing/door.h"
#include "sourcing/rationing.h"

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(usom__ration_item);

#define RESULT_COLUMNS 3

static void
refuse(const char *what)
{
	ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("%s", what));
}

static UsomQuantity
read_quantity(Datum value)
{
	UsomQuantity quantity = usom_quantity_of(DatumGetNumeric(value));

	if (quantity < 0)
		refuse("quantities must not be below zero");
	return quantity;
}

static UsomRationSource *
read_sources(ArrayType *array, int *count)
{
	Datum	   *elements = usom_sourcing_elements(array, count);
	UsomRationSource *sources = palloc_array(UsomRationSource, Max(*count, 1));

	for (int i = 0; i < *count; i++)
	{
		sources[i].quantity = read_quantity(usom_sourcing_field(elements[i], 1));
		sources[i].level = DatumGetInt32(usom_sourcing_field(elements[i], 2));
		if (sources[i].level < (i > 0 ? sources[i - 1].level : 0) || sources[i].level > *count)
			refuse("levels must count up from 0");
	}
	return sources;
}

/* The numbers of sources that may serve, from 1; and those that it holds units of. */
static void
read_mask(Datum numbers, const UsomQuantity *held, bool *mask, int nsources)
{
	Datum	   *elements;
	int			count;

	deconstruct_array_builtin(DatumGetArrayTypeP(numbers), INT4OID, &elements, NULL, &count);
	for (int source = 0; source < nsources; source++)
		mask[source] = held[source] > 0;
	for (int i = 0; i < count; i++)
	{
		if (DatumGetInt32(elements[i]) < 1 || DatumGetInt32(elements[i]) > nsources)
			refuse("there is no source of this number");
		mask[DatumGetInt32(elements[i]) - 1] = true;
	}
}

static void
read_held(Datum quantities, UsomQuantity *held, int nsources)
{
	Datum	   *elements;
	int			count;

	deconstruct_array(DatumGetArrayTypeP(quantities), NUMERICOID, -1, false, TYPALIGN_INT, &elements, NULL, &count);
	if (count != nsources)
		refuse("held needs a quantity for each source");
	for (int i = 0; i < count; i++)
		held[i] = read_quantity(elements[i]);
}

static void
read_claims(ArrayType *array, UsomRationItem *item)
{
	Datum	   *elements = usom_sourcing_elements(array, &item->nclaims);
	UsomRationClaim *claims = palloc_array(UsomRationClaim, Max(item->nclaims, 1));
	Size		size = Max((Size) item->nclaims * item->nsources, 1);
	UsomQuantity *held = palloc0_array(UsomQuantity, size);
	bool	   *masks = palloc0_array(bool, size);

	for (int i = 0; i < item->nclaims; i++)
	{
		int			strategy = usom_sourcing_strategy_of(TextDatumGetCString(usom_sourcing_field(elements[i], 1)));

		if (strategy < 0)
			refuse("there is no such strategy");
		claims[i] = (UsomRationClaim) {
			.strategy = (UsomStrategy) strategy,
			.wanted = read_quantity(usom_sourcing_field(elements[i], 2)),
			.on_time = Max(DatumGetInt32(usom_sourcing_field(elements[i], 3)), 0),
			.whole = DatumGetBool(usom_sourcing_field(elements[i], 4)),
			.mask = i,
		};
		read_held(usom_sourcing_field(elements[i], 6), &held[(Size) i * item->nsources], item->nsources);
		read_mask(usom_sourcing_field(elements[i], 5), &held[(Size) i * item->nsources], &masks[(Size) i * item->nsources],
				  item->nsources);
	}
	item->claims = claims;
	item->nmasks = item->nclaims;
	item->masks = masks;
	item->held = held;
}

static void
put_row(ReturnSetInfo *result, int claim, int source, UsomQuantity quantity)
{
	bool		nulls[RESULT_COLUMNS] = {false, source == 0, false};
	Datum		values[RESULT_COLUMNS] = {
		Int32GetDatum(claim), Int32GetDatum(source), NumericGetDatum(usom_quantity_numeric(quantity))
	};

	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

/* usom._ration_item(claims usom._ration_claim[], sources usom._ration_source[]) */
Datum
usom__ration_item(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	UsomRationItem item = {0};

	InitMaterializedSRF(fcinfo, 0);
	item.sources = read_sources(PG_GETARG_ARRAYTYPE_P(1), &item.nsources);
	read_claims(PG_GETARG_ARRAYTYPE_P(0), &item);
	if (!usom_sourcing_ration_item(&item))
	{
		put_row(result, item.exception + 1, 0, item.possible);
		return (Datum) 0;
	}
	for (int claim = 0; claim < item.nclaims; claim++)
		for (int source = 0; source < item.nsources; source++)
			if (item.given[(Size) claim * item.nsources + source] > 0)
				put_row(result, claim + 1, source + 1, item.given[(Size) claim * item.nsources + source]);
	return (Datum) 0;
}
