/*
 * change.c
 *		usom.change_order(): a new agreement about an order.
 *
 * Units that are no longer wanted are dropped, least committed first; units
 * that are wanted more are open and planned like those of a new order.  A
 * change of price or words touches no piece.
 *
 * Locks: the order, then the stock of all products concerned in one statement.
 * Whatever fails, fails as a whole: nothing is written before all is planned.
 */
#include "postgres.h"

#include "api/api.h"
#include "api/document.h"
#include "api/resolve.h"
#include "api/withdraw.h"

#include "base/call.h"
#include "base/errors.h"
#include "base/query.h"
#include "order/answer.h"
#include "party/party.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(usom_change_order);

typedef struct LineChange
{
	int32		line_no;
	bool		has_line_no;	/* else a new line */
	char	   *sku;
	UsomQuantity quantity;
	bool		has_quantity;
	Numeric		unit_price;
	bool		has_price;
	char	   *location;
	TimestampTz requested_at;
	bool		remove;
} LineChange;

typedef struct Changes
{
	int			nlines;
	LineChange *lines;
	int32		priority;
	bool		has_priority;
	Jsonb	   *ship_to;
	TimestampTz requested_at;
	char	   *instructions;
	bool		ship_complete;
	bool		has_ship_complete;
} Changes;

static void read_lines(JsonbValue *array, void *target);

static const UsomKey line_keys[] = {
	USOM_KEY_GIVEN("line_no", USOM_KEY_INTEGER, LineChange, line_no, has_line_no),
	USOM_KEY_AS("sku", USOM_KEY_TEXT, LineChange, sku),
	USOM_KEY_GIVEN("quantity", USOM_KEY_QUANTITY, LineChange, quantity, has_quantity),
	USOM_KEY_GIVEN("unit_price", USOM_KEY_AMOUNT, LineChange, unit_price, has_price),
	USOM_KEY_AS("location", USOM_KEY_TEXT, LineChange, location),
	USOM_KEY_AS("requested_at", USOM_KEY_TIME, LineChange, requested_at),
	USOM_KEY_AS("remove", USOM_KEY_BOOLEAN, LineChange, remove),
};

static const UsomKey change_keys[] = {
	{"lines", USOM_KEY_LINES, 0, 0},
	USOM_KEY_GIVEN("priority", USOM_KEY_INTEGER, Changes, priority, has_priority),
	USOM_KEY_AS("ship_to", USOM_KEY_ADDRESS, Changes, ship_to),
	USOM_KEY_AS("requested_at", USOM_KEY_TIME, Changes, requested_at),
	USOM_KEY_AS("instructions", USOM_KEY_FREE_TEXT, Changes, instructions),
	USOM_KEY_GIVEN("ship_complete", USOM_KEY_BOOLEAN, Changes, ship_complete, has_ship_complete),
};

static UsomSchema line_schema = {"changes", 0, line_keys, lengthof(line_keys), NULL};
static UsomSchema change_schema = {"changes", 0, change_keys, lengthof(change_keys), read_lines};

static UsomQuery update_header = {
	.text = "UPDATE usom.sales_order AS o SET priority = coalesce($3, o.priority), ship_to = coalesce($4, o.ship_to), "
	"requested_at = coalesce($5, o.requested_at), instructions = coalesce($6, o.instructions), "
	"ship_complete = coalesce($7, o.ship_complete) WHERE o.org_id = $1 AND o.sales_order_id = $2",
	.nargs = 7,
	.argtypes = {"bigint", "bigint", "integer", "jsonb", "timestamptz", "text", "boolean"},
};

static void
read_line(JsonbContainer *object, int index, void *target)
{
	LineChange *change = &((Changes *) target)->lines[index];
	char		path[32];

	snprintf(path, sizeof(path), "lines[%d].", index);
	*change = (LineChange) {.requested_at = USOM_NO_TIME};
	usom_document_read(&line_schema, object, path, change);
	if (!change->has_line_no && (change->sku == NULL || !change->has_quantity))
		usom_document_refuse(&line_schema, path, "line_no", "is missing; a new line needs sku and quantity");
	if (change->remove && (!change->has_line_no || change->sku || change->has_quantity))
		usom_document_refuse(&line_schema, path, "remove", "goes with line_no alone");
}

static void
read_lines(JsonbValue *array, void *target)
{
	Changes    *changes = target;

	if (array->type != jbvBinary || !JsonContainerIsArray(array->val.binary.data))
		usom_document_refuse(&change_schema, "", "lines", "must be an array of objects");
	changes->lines = palloc_array(LineChange, Max(JsonContainerSize(array->val.binary.data), 1));
	changes->nlines = usom_document_each(&change_schema, array, "lines", read_line, changes);
}

static Changes *
parse_changes(Jsonb *jsonb)
{
	Changes    *changes = palloc0_object(Changes);

	line_schema.sqlerrcode = change_schema.sqlerrcode = USOM_ERR(INVALID_CHANGE);
	changes->requested_at = USOM_NO_TIME;
	if (!JB_ROOT_IS_OBJECT(jsonb))
		usom_document_refuse(&change_schema, "", "the argument", "must be an object");
	usom_document_read(&change_schema, &jsonb->root, "", changes);
	return changes;
}

static void
check_reference(const UsomLineReference *reference, int index)
{
	char		path[32];

	snprintf(path, sizeof(path), "lines[%d].", index);
	if (reference->sku != NULL && reference->product_id == 0)
		usom_document_refuse(&line_schema, path, "sku", psprintf("names no active product: \"%s\"", reference->sku));
	if (reference->location != NULL && reference->location_id == 0)
		usom_document_refuse(&line_schema, path, "location",
							 psprintf("names no active location: \"%s\"", reference->location));
}

static UsomLineReference *
resolve(const UsomOrderSet *set, const Changes *changes)
{
	UsomLineReference *references = palloc0_array(UsomLineReference, Max(changes->nlines, 1));

	for (int i = 0; i < changes->nlines; i++)
	{
		references[i].sku = changes->lines[i].sku;
		references[i].location = changes->lines[i].location;
		references[i].wants_price = !changes->lines[i].has_price;
	}
	if (changes->nlines > 0)
		usom_api_resolve_lines(set->org_id, references, changes->nlines, set->orders[0].currency, usom_call_time());
	for (int i = 0; i < changes->nlines; i++)
		check_reference(&references[i], i);
	return references;
}

static void
add_open_units(UsomLine *line, UsomQuantity quantity)
{
	line->quantity = usom_quantity_add(line->quantity, quantity);
	line->counters.by_state[USOM_PIECE_OPEN] += quantity;
	line->changed = true;
}

static void
add_line(UsomOrderSet *set, const LineChange *change, const UsomLineReference *reference)
{
	int32		last = 0;
	UsomLine   *line;

	for (int i = 0; i < set->nlines; i++)
		last = Max(last, set->lines[i].line_no);
	line = usom_order_add_line(set);
	line->line_no = last + 1;
	line->product_id = reference->product_id;
	line->stocked = reference->stocked;
	line->location_id = reference->location_id;
	line->unit_price = change->has_price ? change->unit_price
		: reference->price ? reference->price : usom_order_no_price();
	line->requested_at = change->requested_at;
	line->substitution = "none";
	line->partial = true;
	add_open_units(line, change->quantity);
}

/* Another product or place: the units are planned anew, so none of them may be committed. */
static void
replace_units(UsomOrderSet *set, int index, const UsomLineReference *reference)
{
	UsomQuantity units = set->lines[index].quantity;

	usom_api_withdraw(set, index, units, USOM_WITHDRAW_DROP);
	if (reference->sku != NULL)
	{
		set->lines[index].product_id = reference->product_id;
		set->lines[index].stocked = reference->stocked;
		if (reference->price != NULL)
			set->lines[index].unit_price = reference->price;
	}
	if (reference->location != NULL)
		set->lines[index].location_id = reference->location_id;
	add_open_units(&set->lines[index], units);
}

static void
set_quantity(UsomOrderSet *set, int index, UsomQuantity quantity)
{
	UsomQuantity before = set->lines[index].quantity;

	if (quantity > before)
		add_open_units(&set->lines[index], quantity - before);
	else if (quantity < before)
		usom_api_withdraw(set, index, before - quantity, USOM_WITHDRAW_DROP);
}

static void
change_line(UsomOrderSet *set, const LineChange *change, const UsomLineReference *reference)
{
	int			index = usom_order_find_line(set, 0, change->line_no);
	UsomLine   *line = &set->lines[index];

	line->changed = true;
	if (change->remove)
	{
		usom_api_withdraw(set, index, line->quantity, USOM_WITHDRAW_DROP);
		line->removed = true;
		return;
	}
	if (change->has_quantity)
		set_quantity(set, index, change->quantity);
	if (reference->sku != NULL || reference->location != NULL)
		replace_units(set, index, reference);
	if (change->has_price)
		line->unit_price = change->unit_price;
	if (change->requested_at != USOM_NO_TIME)
		line->requested_at = change->requested_at;
}

static void
check_some_line_left(const UsomOrderSet *set)
{
	for (int i = 0; i < set->nlines; i++)
		if (!set->lines[i].removed)
			return;
	ereport(ERROR, errcode(USOM_ERR(NO_LINES)),
			errmsg("cannot remove the last line of order \"%s\"", set->orders[0].order_no),
			errhint("Call usom.cancel_order('%s', ...).", set->orders[0].order_no));
}

static void
change_lines(UsomOrderSet *set, const Changes *changes)
{
	UsomLineReference *references = resolve(set, changes);

	for (int i = 0; i < changes->nlines; i++)
	{
		if (changes->lines[i].has_line_no)
			change_line(set, &changes->lines[i], &references[i]);
		else
			add_line(set, &changes->lines[i], &references[i]);
	}
	check_some_line_left(set);
}

static void
change_header(const UsomOrderSet *set, const Changes *changes)
{
	Datum		values[7] = {
		Int64GetDatum(set->org_id),
		Int64GetDatum(set->orders[0].sales_order_id),
		Int32GetDatum(changes->priority),
		PointerGetDatum(changes->ship_to),
		TimestampTzGetDatum(changes->requested_at),
		(Datum) 0,
		BoolGetDatum(changes->ship_complete),
	};
	bool		nulls[7] = {false};

	nulls[2] = !changes->has_priority;
	nulls[3] = changes->ship_to == NULL;
	nulls[4] = changes->requested_at == USOM_NO_TIME;
	values[5] = usom_api_text_or_null(changes->instructions, &nulls[5]);
	nulls[6] = !changes->has_ship_complete;
	usom_query_write(&update_header, values, nulls);
}

static bool
changes_header(const Changes *changes)
{
	return changes->has_priority || changes->ship_to != NULL || changes->requested_at != USOM_NO_TIME ||
		changes->instructions != NULL || changes->has_ship_complete;
}

static void
carry_out(UsomOrderSet *set, const Changes *changes)
{
	change_lines(set, changes);
	if (changes->requested_at != USOM_NO_TIME)
		set->orders[0].requested_at = changes->requested_at;
	usom_api_allocate(set);
	usom_order_settle(set, 0, "change");
	if (changes_header(changes))
		change_header(set, changes);
	usom_order_save(set);
}

static void
check_changeable(UsomOrderSet *set, bool has_version, int32 version)
{
	const UsomOrder *order = &set->orders[0];

	if (has_version && version != order->version)
		ereport(ERROR, errcode(USOM_ERR(VERSION_CONFLICT)),
				errmsg("order \"%s\" was changed meanwhile", order->order_no),
				errdetail("It is at version %d, the change was made for version %d.", order->version, version),
				errhint("Read the order again and repeat the change with its present version."));
	if (order->status >= USOM_ORDER_SHIPPED)
		usom_order_refuse(order->order_no, "change", order->status);
	usom_order_check_holds(set, 0, "change");
}

Datum
usom_change_order(PG_FUNCTION_ARGS)
{
	UsomAnswer *answer = usom_order_answer_begin(fcinfo, "change_order", 3);
	UsomOrderSet *set = usom_order_load(usom_party_org(), usom_order_arg_text(fcinfo, 0, "order_no"));
	Changes    *changes;

	usom_order_arg_required(fcinfo, 1, "changes");
	check_changeable(set, !PG_ARGISNULL(2), PG_ARGISNULL(2) ? 0 : PG_GETARG_INT32(2));
	changes = parse_changes(PG_GETARG_JSONB_P(1));
	if (changes->nlines > 0 || changes_header(changes))
		carry_out(set, changes);
	return usom_order_answer_status(answer, set);
}
