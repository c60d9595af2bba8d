/*
 * ration_call.c
 *		usom.ration(): fair shares, called with arrays from SQL.
 *
 *		No table is read and nothing is locked.
 *
 * Memory: everything in the context of the call, the result in the caller's
 * tuplestore.
 */
#include "postgres.h"

#include "sourcing/ration.h"

#include "base/card_guard.h"
#include "funcapi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"

PG_FUNCTION_INFO_V1(usom_ration);

typedef enum RationMode
{
	BY_DEMAND,
	BY_HEAD,
	BY_WEIGHT
} RationMode;

/* Arguments of ration(), in their order. */
enum
{
	ARG_SUPPLY,
	ARG_DEMANDS,
	ARG_WEIGHTS,
	ARG_MINIMUM,
	ARG_MULTIPLE,
	ARG_MODE,
	ARG_GROUPS,
	ARG_CAPS
};

#define RESULT_COLUMNS 3

/* The groups that have a cap. */
typedef struct Caps
{
	int			count;
	char	  **groups;
	UsomQuantity *most;
} Caps;

static void
refuse(const char *what, const char *hint)
{
	ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("%s", what), errhint("%s", hint));
}

static UsomQuantity
quantity_argument(FunctionCallInfo fcinfo, int arg, const char *name)
{
	UsomQuantity value;

	if (PG_ARGISNULL(arg))
		ereport(ERROR, errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("%s must not be null", name));
	value = usom_quantity_of(PG_GETARG_NUMERIC(arg));
	if (value < 0 || (value == 0 && arg == ARG_MULTIPLE))
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("%s %s is too small", name, usom_quantity_text(value)),
				errhint("Supply and minimum are 0 or more, the multiple is more."));
	return value;
}

static RationMode
mode_argument(FunctionCallInfo fcinfo)
{
	static const char *const names[] = {"proportional", "equal", "weighted"};
	char	   *name = PG_ARGISNULL(ARG_MODE) ? "" : text_to_cstring(PG_GETARG_TEXT_PP(ARG_MODE));

	for (int mode = 0; mode < (int) lengthof(names); mode++)
		if (strcmp(name, names[mode]) == 0)
			return (RationMode) mode;
	ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("there is no mode \"%s\" of ration()", name),
			errhint("One of: proportional, equal, weighted."));
}

/* Elements of an array argument that has one for each demand. */
static Datum *
array_argument(FunctionCallInfo fcinfo, int arg, const char *name, bool **nulls, int *count)
{
	ArrayType  *array = PG_GETARG_ARRAYTYPE_P(arg);
	Datum	   *elements;
	bool		is_text = arg == ARG_GROUPS;
	int			n;

	if (ARR_NDIM(array) > 1)
		ereport(ERROR, errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR), errmsg("%s must have one dimension", name));
	deconstruct_array(array, ARR_ELEMTYPE(array), -1, false, TYPALIGN_INT, &elements, nulls, &n);
	if (arg != ARG_DEMANDS && n != *count)
		ereport(ERROR, errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR), errmsg("there are %d %s for %d demands", n, name, *count),
				errhint("Give one for each demand, in the same order."));
	for (int i = 0; i < n && !is_text; i++)
		if ((*nulls)[i])
			ereport(ERROR, errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("%s must not be null", name));
	*count = n;
	return elements;
}

static UsomClaim *
read_claims(FunctionCallInfo fcinfo, RationMode mode, int *count)
{
	bool	   *nulls;
	Datum	   *demands = array_argument(fcinfo, ARG_DEMANDS, "demands", &nulls, count);
	Datum	   *weights = NULL;
	UsomClaim  *claims = palloc_array(UsomClaim, Max(*count, 1));

	if ((mode == BY_WEIGHT) != !PG_ARGISNULL(ARG_WEIGHTS))
		refuse(mode == BY_WEIGHT ? "mode weighted needs weights" : "weights are for mode weighted alone",
			   "Give weights and mode => 'weighted', or neither.");
	if (mode == BY_WEIGHT)
		weights = array_argument(fcinfo, ARG_WEIGHTS, "weights", &nulls, count);
	for (int i = 0; i < *count; i++)
	{
		claims[i].demand = usom_quantity_of(DatumGetNumeric(demands[i]));
		claims[i].group = -1;
		if (claims[i].demand < 0)
			refuse("demands must not be below zero", "Leave out what nobody asks for.");
		claims[i].weight = mode == BY_WEIGHT ? usom_quantity_of(DatumGetNumeric(weights[i]))
			: mode == BY_HEAD ? 1 : claims[i].demand;
		if (mode == BY_WEIGHT && claims[i].weight <= 0)
			refuse("weights must be greater than zero", "Leave out who is to get nothing.");
	}
	return claims;
}

/* {"web": 100, "shop": 50}, sorted by the group. */
static Caps
read_caps(Jsonb *object)
{
	Caps		caps = {0};
	JsonbIterator *iterator;
	JsonbIteratorToken token;
	JsonbValue	value;

	if (!JB_ROOT_IS_OBJECT(object))
		refuse("caps must be a JSON object", "{\"group\": most units}");
	caps.groups = palloc_array(char *, JB_ROOT_COUNT(object) + 1);
	caps.most = palloc_array(UsomQuantity, JB_ROOT_COUNT(object) + 1);
	iterator = JsonbIteratorInit(&object->root);
	while ((token = JsonbIteratorNext(&iterator, &value, true)) != WJB_DONE)
	{
		if (token == WJB_KEY)
			caps.groups[caps.count] = pnstrdup(value.val.string.val, value.val.string.len);
		if (token != WJB_VALUE)
			continue;
		if (value.type != jbvNumeric)
			refuse("caps must be numbers", "{\"group\": most units}");
		caps.most[caps.count] = usom_quantity_of(value.val.numeric);
		if (caps.most[caps.count++] < 0)
			refuse("caps must not be below zero", "{\"group\": most units}");
	}
	return caps;
}

/* Groups of which nobody said how much they may have have no cap. */
static void
put_into_groups(FunctionCallInfo fcinfo, UsomClaim *claims, int count, const Caps *caps)
{
	bool	   *nulls;
	Datum	   *groups = array_argument(fcinfo, ARG_GROUPS, "groups", &nulls, &count);

	for (int i = 0; i < count; i++)
	{
		char	   *group = nulls[i] ? NULL : TextDatumGetCString(groups[i]);

		for (int k = 0; k < caps->count && group != NULL && claims[i].group < 0; k++)
			if (strcmp(group, caps->groups[k]) == 0)
				claims[i].group = k;
	}
}

static void
put_share(ReturnSetInfo *result, int ordinal, const UsomClaim *claim)
{
	bool		nulls[RESULT_COLUMNS] = {false};
	Datum		values[RESULT_COLUMNS] = {
		Int32GetDatum(ordinal),
		NumericGetDatum(usom_quantity_numeric(claim->demand)),
		NumericGetDatum(usom_quantity_numeric(claim->share)),
	};

	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

/* usom.ration(supply, demands, weights, minimum, multiple, mode, groups, caps) */
Datum
usom_ration(PG_FUNCTION_ARGS)
{
	UsomQuantity supply;
	UsomLots	lots;
	UsomClaim  *claims;
	Caps		caps = {0};
	int			count = 0;

	usom_card_check_call(fcinfo);
	InitMaterializedSRF(fcinfo, 0);
	if (PG_ARGISNULL(ARG_DEMANDS) || PG_ARGISNULL(ARG_SUPPLY))
		return (Datum) 0;
	supply = quantity_argument(fcinfo, ARG_SUPPLY, "supply");
	lots.minimum = quantity_argument(fcinfo, ARG_MINIMUM, "minimum");
	lots.multiple = quantity_argument(fcinfo, ARG_MULTIPLE, "multiple");
	claims = read_claims(fcinfo, mode_argument(fcinfo), &count);
	if (PG_ARGISNULL(ARG_GROUPS) != PG_ARGISNULL(ARG_CAPS))
		refuse("groups and caps go together", "Give one group for each demand, and a cap for each group that has one.");
	if (!PG_ARGISNULL(ARG_GROUPS))
	{
		caps = read_caps(PG_GETARG_JSONB_P(ARG_CAPS));
		put_into_groups(fcinfo, claims, count, &caps);
	}
	usom_sourcing_ration(claims, count, supply, lots, caps.most, caps.count);
	for (int i = 0; i < count; i++)
		put_share((ReturnSetInfo *) fcinfo->resultinfo, i + 1, &claims[i]);
	return (Datum) 0;
}
