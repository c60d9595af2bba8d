/*
 * line_list.c
 *		Read the argument "lines" of verbs.
 *
 * Pure: no SPI, no locks.  Entries of one line are added up before anybody
 * compares them with what there is, so that 6 and 6 is seen as 12 of 10.  An
 * entry for a kit stands for entries for its components.
 */
#include "postgres.h"

#include "order/line_list.h"

#include "base/errors.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

static void
refuse(int index, const char *problem)
{
	ereport(ERROR, errcode(USOM_ERR(INVALID_CHANGE)),
			errmsg("lines[%d] %s", index, problem),
			errhint("The list looks like [{\"line_no\": 1, \"quantity\": 2}]."));
}

static Numeric
number_of(JsonbContainer *object, const char *key, int index)
{
	JsonbValue	value;

	if (getKeyJsonValueFromContainer(object, key, strlen(key), &value) == NULL || value.type != jbvNumeric)
		refuse(index, psprintf("must have a number \"%s\"", key));
	return value.val.numeric;
}

static int32
line_no_of(JsonbContainer *object, int index)
{
	Datum		number = NumericGetDatum(number_of(object, "line_no", index));
	Datum		limit = NumericGetDatum(int64_to_numeric(PG_INT32_MAX));

	if (DatumGetInt32(DirectFunctionCall2(numeric_cmp, number, limit)) > 0 ||
		DatumGetInt32(DirectFunctionCall2(numeric_cmp, number, NumericGetDatum(int64_to_numeric(1)))) < 0 ||
		!DatumGetBool(DirectFunctionCall2(numeric_eq, number, DirectFunctionCall1(numeric_floor, number))))
		refuse(index, "must have a whole line_no from 1");
	return DatumGetInt32(DirectFunctionCall1(numeric_int4, number));
}

static UsomLineUnits
read_entry(const UsomOrderSet *set, JsonbValue *entry, int index)
{
	UsomLineUnits units = {0};
	JsonbContainer *object;

	if (entry->type != jbvBinary || !JsonContainerIsObject(entry->val.binary.data))
		refuse(index, "must be an object");
	object = entry->val.binary.data;
	if (JsonContainerSize(object) != 2)
		refuse(index, "must have the keys line_no and quantity and no other");
	units.line = usom_order_find_line(set, 0, line_no_of(object, index));
	units.quantity = usom_quantity_of(number_of(object, "quantity", index));
	if (units.quantity <= 0)
		refuse(index, "must have a quantity above 0");
	return units;
}

/* Entries of one line are one. */
typedef struct Gathering
{
	const UsomOrderSet *set;
	UsomLineUnits *units;
	int			count;
	int		   *place;			/* 1 + position in units, by line */
} Gathering;

static void
add_units(Gathering *gathering, int line, UsomQuantity quantity)
{
	UsomLineUnits *known;

	if (gathering->place[line] == 0)
	{
		gathering->units[gathering->count++] = (UsomLineUnits) {line, quantity};
		gathering->place[line] = gathering->count;
		return;
	}
	known = &gathering->units[gathering->place[line] - 1];
	known->quantity = usom_quantity_add(known->quantity, quantity);
}

/* Kits are so many units of each of their components. */
static void
add_entry(Gathering *gathering, const UsomLineUnits *entry)
{
	const UsomOrderSet *set = gathering->set;

	if (likely(!usom_line_is_kit(&set->lines[entry->line])))
	{
		add_units(gathering, entry->line, entry->quantity);
		return;
	}
	usom_order_check_whole_kits(set, entry->line, entry->quantity);
	for (int i = usom_order_next_component(set, entry->line, entry->line); i >= 0;
		 i = usom_order_next_component(set, entry->line, i))
		add_units(gathering, i, usom_order_kit_units(entry->quantity, set->lines[i].kit_quantity));
}

UsomLineUnits *
usom_order_read_line_list(const UsomOrderSet *set, Jsonb *list, int *count)
{
	int			n = JB_ROOT_COUNT(list);
	Gathering	gathering = {.set = set};

	if (!JB_ROOT_IS_ARRAY(list) || JB_ROOT_IS_SCALAR(list) || n == 0)
		ereport(ERROR, errcode(USOM_ERR(INVALID_CHANGE)),
				errmsg("lines must be a JSON array with at least one entry"),
				errhint("The list looks like [{\"line_no\": 1, \"quantity\": 2}]."));
	gathering.units = palloc_array(UsomLineUnits, set->nlines + 1);
	gathering.place = palloc0_array(int, set->nlines + 1);
	for (int i = 0; i < n; i++)
	{
		UsomLineUnits entry = read_entry(set, getIthJsonbValueFromContainer(&list->root, i), i);

		add_entry(&gathering, &entry);
	}
	*count = gathering.count;
	return gathering.units;
}
