/*
 * type.c
 *		The types of orders: names, the domain usom.order_type, the list.
 *
 *		Constants alone: no SPI, no locks; results in the memory of the call.
 */
#include "postgres.h"

#include "order/type.h"

#include "base/errors.h"
#include "funcapi.h"
#include "utils/builtins.h"

#define TYPE_COLUMNS 3

typedef struct TypeInfo
{
	const char *name;
	bool		firm;
	const char *meaning;
} TypeInfo;

#define ORDER_TYPE(name, label, firm, meaning) {label, firm, meaning},
static const TypeInfo types[] = {
#include "order/type.def"
};
#undef ORDER_TYPE

#define ORDER_TYPE(name, label, firm, meaning) ", " label
static const char list[] =
#include "order/type.def"
;
#undef ORDER_TYPE

bool
usom_order_type_find(const char *name, UsomOrderType *type)
{
	for (int i = 0; i < USOM_ORDER_TYPES; i++)
		if (strcmp(types[i].name, name) == 0)
		{
			*type = (UsomOrderType) i;
			return true;
		}
	return false;
}

const char *
usom_order_type_name(UsomOrderType type)
{
	return types[type].name;
}

bool
usom_order_type_is_firm(UsomOrderType type)
{
	return types[type].firm;
}

const char *
usom_order_type_list(void)
{
	return list + strlen(", ");
}

/* The CHECK of the domain: it raises by itself, because a failed CHECK could not say what would pass. */
PG_FUNCTION_INFO_V1(usom__check_order_type);
Datum
usom__check_order_type(PG_FUNCTION_ARGS)
{
	char	   *name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	UsomOrderType type;

	if (!usom_order_type_find(name, &type))
		ereport(ERROR, errcode(USOM_ERR(UNKNOWN_ORDER_TYPE)),
				errmsg("no order type \"%s\"", name),
				errdetail("The type says which flow the order takes."),
				errhint("Known types: %s.", usom_order_type_list()));
	PG_RETURN_BOOL(true);
}

/* usom.order_types() */
PG_FUNCTION_INFO_V1(usom_order_types);
Datum
usom_order_types(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;

	InitMaterializedSRF(fcinfo, 0);
	for (int i = 0; i < USOM_ORDER_TYPES; i++)
	{
		bool		nulls[TYPE_COLUMNS] = {false};
		Datum		values[TYPE_COLUMNS] = {
			CStringGetTextDatum(types[i].name),
			BoolGetDatum(types[i].firm),
			CStringGetTextDatum(types[i].meaning),
		};

		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}
