/*
 * distance.c
 *		Kilometres as the crow flies.
 *
 *		Pure: no memory, no locks.  On a sphere; the earth is flattened by
 *		0.3 %, which is less than any road is longer than the bee-line.
 */
#include "postgres.h"

#include "sourcing/distance.h"

#include <math.h>

#include "fmgr.h"
#include "utils/fmgrprotos.h"
#include "utils/numeric.h"

#define RADIANS(degrees) ((degrees) * (M_PI / 180.0))

double
usom_sourcing_distance(double latitude_a, double longitude_a, double latitude_b, double longitude_b)
{
	double		south_north = sin(RADIANS(latitude_b - latitude_a) / 2);
	double		west_east = sin(RADIANS(longitude_b - longitude_a) / 2);
	double		chord = south_north * south_north +
		cos(RADIANS(latitude_a)) * cos(RADIANS(latitude_b)) * west_east * west_east;

	return 2 * USOM_EARTH_RADIUS * asin(sqrt(Min(chord, 1.0)));
}

static double
degrees_of(FunctionCallInfo fcinfo, int argument, const char *name, double limit)
{
	double		value = DatumGetFloat8(DirectFunctionCall1(numeric_float8, PG_GETARG_DATUM(argument)));

	if (!(fabs(value) <= limit))
		ereport(ERROR, errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				errmsg("%s is not on earth", name),
				errdetail("It is %g.", value),
				errhint("Give degrees between -%g and %g.", limit, limit));
	return value;
}

/* usom.distance_km(latitude_a, longitude_a, latitude_b, longitude_b): to the metre */
PG_FUNCTION_INFO_V1(usom_distance_km);
Datum
usom_distance_km(PG_FUNCTION_ARGS)
{
	double		distance = usom_sourcing_distance(degrees_of(fcinfo, 0, "latitude_a", 90), degrees_of(fcinfo, 1, "longitude_a", 180),
												  degrees_of(fcinfo, 2, "latitude_b", 90), degrees_of(fcinfo, 3, "longitude_b", 180));

	PG_RETURN_DATUM(DirectFunctionCall2(numeric_round, DirectFunctionCall1(float8_numeric, Float8GetDatum(distance)), Int32GetDatum(3)));
}

/* usom._distance(latitude_a, longitude_a, latitude_b, longitude_b): for statements that ask for many; degrees come from columns that check them */
PG_FUNCTION_INFO_V1(usom__distance);
Datum
usom__distance(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8(usom_sourcing_distance(PG_GETARG_FLOAT8(0), PG_GETARG_FLOAT8(1),
											PG_GETARG_FLOAT8(2), PG_GETARG_FLOAT8(3)));
}
