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

static const char *
text_of(const JsonbValue *value, int index, const char *problem)
{
	if (value->type != jbvString || value->val.string.len == 0)
		refuse(index, problem);
	return pnstrdup(value->val.string.val, value->val.string.len);
}

static void
read_lot(JsonbContainer *object, int index, UsomMarkedUnits *entry)
{
	JsonbValue	value;

	if (getKeyJsonValueFromContainer(object, "lot", strlen("lot"), &value) != NULL && value.type != jbvNull)
		entry->lot = text_of(&value, index, "must have a text as lot");
}

static void
read_serials(JsonbContainer *object, int index, UsomMarkedUnits *entry)
{
	JsonbValue	value;
	JsonbContainer *list;

	if (getKeyJsonValueFromContainer(object, "serials", strlen("serials"), &value) == NULL)
		return;
	if (value.type != jbvBinary || !JsonContainerIsArray(value.val.binary.data) || JsonContainerIsScalar(value.val.binary.data))
		refuse(index, "must have an array as serials");
	list = value.val.binary.data;
	entry->nserials = JsonContainerSize(list);
	if (entry->units.quantity != entry->nserials * USOM_UNIT)
		refuse(index, "must have one serial for each unit");
	entry->serials = palloc_array(const char *, entry->nserials + 1);
	for (int i = 0; i < entry->nserials; i++)
		entry->serials[i] = text_of(getIthJsonbValueFromContainer(list, i), index, "must have texts as serials");
}

static bool
has_key(JsonbContainer *object, const char *key)
{
	JsonbValue	value;

	return getKeyJsonValueFromContainer(object, key, strlen(key), &value) != NULL;
}

static void
check_keys(JsonbContainer *object, int index, bool marked)
{
	uint32		known = 2;

	if (marked)
		known += has_key(object, "lot") + has_key(object, "serials");
	if (JsonContainerSize(object) != known)
		refuse(index, marked ? "must have the keys line_no and quantity, may have lot and serials, and no other"
			   : "must have the keys line_no and quantity and no other");
}

static UsomMarkedUnits
read_entry(const UsomOrderSet *set, JsonbValue *entry, int index, bool marked)
{
	UsomMarkedUnits read = {.lot = NULL};
	JsonbContainer *object;

	if (entry->type != jbvBinary || !JsonContainerIsObject(entry->val.binary.data))
		refuse(index, "must be an object");
	object = entry->val.binary.data;
	check_keys(object, index, marked);
	read.units.line = usom_order_find_line(set, 0, line_no_of(object, index));
	read.units.quantity = usom_quantity_of(number_of(object, "quantity", index));
	if (read.units.quantity <= 0)
		refuse(index, "must have a quantity above 0");
	if (!marked)
		return read;
	read_lot(object, index, &read);
	read_serials(object, index, &read);
	if ((read.lot != NULL || read.nserials > 0) && usom_line_is_kit(&set->lines[read.units.line]))
		refuse(index, "is a kit: tell lot and serials of the lines of its components");
	return read;
}

/* Entries of one line and lot are one. */
typedef struct Gathering
{
	const UsomOrderSet *set;
	int			capacity;
	int			count;
	UsomMarkedUnits *units;
	int		   *next;			/* 1 + position of the next entry of the line */
	int		   *place;			/* 1 + position of the last entry of the line, by line */
} Gathering;

static bool
is_same_lot(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static void
append_serials(UsomMarkedUnits *known, const UsomMarkedUnits *more)
{
	const char **serials = palloc_array(const char *, known->nserials + more->nserials + 1);

	for (int i = 0; i < known->nserials; i++)
		serials[i] = known->serials[i];
	for (int i = 0; i < more->nserials; i++)
		serials[known->nserials + i] = more->serials[i];
	known->serials = serials;
	known->nserials += more->nserials;
}

static void
add_units(Gathering *gathering, const UsomMarkedUnits *entry)
{
	int			line = entry->units.line;

	for (int at = gathering->place[line]; at != 0; at = gathering->next[at - 1])
	{
		UsomMarkedUnits *known = &gathering->units[at - 1];

		if (!is_same_lot(known->lot, entry->lot))
			continue;
		known->units.quantity = usom_quantity_add(known->units.quantity, entry->units.quantity);
		if (entry->nserials > 0)
			append_serials(known, entry);
		return;
	}
	if (gathering->count == gathering->capacity)
	{
		gathering->capacity *= 2;
		gathering->units = repalloc_array(gathering->units, UsomMarkedUnits, gathering->capacity);
		gathering->next = repalloc_array(gathering->next, int, gathering->capacity);
	}
	gathering->units[gathering->count] = *entry;
	gathering->next[gathering->count++] = gathering->place[line];
	gathering->place[line] = gathering->count;
}

/* Kits are so many units of each of their components. */
static void
add_entry(Gathering *gathering, const UsomMarkedUnits *entry)
{
	const UsomOrderSet *set = gathering->set;
	int			line = entry->units.line;

	if (likely(!usom_line_is_kit(&set->lines[line])))
	{
		add_units(gathering, entry);
		return;
	}
	usom_order_check_whole_kits(set, line, entry->units.quantity);
	for (int i = usom_order_next_component(set, line, line); i >= 0; i = usom_order_next_component(set, line, i))
	{
		UsomMarkedUnits component = {
			.units = {i, usom_order_kit_units(entry->units.quantity, set->lines[i].kit_quantity)}
		};

		add_units(gathering, &component);
	}
}

static UsomMarkedUnits *
read_list(const UsomOrderSet *set, Jsonb *list, bool marked, int *count)
{
	int			n = JB_ROOT_COUNT(list);
	Gathering	gathering = {.set = set, .capacity = set->nlines + 1};

	if (!JB_ROOT_IS_ARRAY(list) || JB_ROOT_IS_SCALAR(list) || n == 0)
		ereport(ERROR, errcode(USOM_ERR(INVALID_CHANGE)),
				errmsg("lines must be a JSON array with at least one entry"),
				errhint("The list looks like [{\"line_no\": 1, \"quantity\": 2}]."));
	gathering.units = palloc_array(UsomMarkedUnits, gathering.capacity);
	gathering.next = palloc_array(int, gathering.capacity);
	gathering.place = palloc0_array(int, set->nlines + 1);
	for (int i = 0; i < n; i++)
	{
		UsomMarkedUnits entry = read_entry(set, getIthJsonbValueFromContainer(&list->root, i), i, marked);

		add_entry(&gathering, &entry);
	}
	*count = gathering.count;
	return gathering.units;
}

UsomLineUnits *
usom_order_read_line_list(const UsomOrderSet *set, Jsonb *list, int *count)
{
	UsomMarkedUnits *read = read_list(set, list, false, count);
	UsomLineUnits *units = palloc_array(UsomLineUnits, *count + 1);

	for (int i = 0; i < *count; i++)
		units[i] = read[i].units;
	return units;
}

UsomMarkedUnits *
usom_order_read_marked_list(const UsomOrderSet *set, Jsonb *list, int *count)
{
	return read_list(set, list, true, count);
}
