/*
 * change.c
 *		usom.change_order(): a new agreement about an order.
 *
 * Units that are no longer wanted are dropped, least committed first; units
 * that are wanted more are open and planned like those of a new order.  A
 * change of price or words touches no piece.
 *
 * Locks: the order, then the stock of all products concerned in one statement.
 * Texts about the buyer are sealed and written in between.
 * Whatever fails, fails as a whole: nothing is written before all is planned.
 */
#include "postgres.h"

#include "api/api.h"
#include "api/change.h"
#include "api/finding.h"
#include "api/request.h"

#include "base/call.h"
#include "base/errors.h"
#include "base/query.h"
#include "order/answer.h"
#include "party/party.h"
#include "payment/credit.h"
#include "party/person.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(usom_change_order);

static void read_lines(JsonbValue *array, void *target);

static const UsomKey line_keys[] = {
	USOM_KEY_GIVEN("line_no", USOM_KEY_INTEGER, UsomLineChange, line_no, has_line_no),
	USOM_KEY_AS("sku", USOM_KEY_TEXT, UsomLineChange, sku),
	USOM_KEY_GIVEN("quantity", USOM_KEY_QUANTITY, UsomLineChange, quantity, has_quantity),
	USOM_KEY_AS("unit", USOM_KEY_TEXT, UsomLineChange, unit),
	USOM_KEY_GIVEN("unit_price", USOM_KEY_AMOUNT, UsomLineChange, unit_price, has_price),
	USOM_KEY_AS("location", USOM_KEY_TEXT, UsomLineChange, location),
	USOM_KEY_AS("requested_at", USOM_KEY_TIME, UsomLineChange, requested_at),
	USOM_KEY_AS("remove", USOM_KEY_BOOLEAN, UsomLineChange, remove),
};

static const UsomKey change_keys[] = {
	{"lines", USOM_KEY_LINES, 0, 0},
	USOM_KEY_GIVEN("priority", USOM_KEY_INTEGER, UsomChanges, priority, has_priority),
	USOM_KEY_AS("ship_to", USOM_KEY_ADDRESS, UsomChanges, ship_to),
	USOM_KEY_AS("requested_at", USOM_KEY_TIME, UsomChanges, requested_at),
	USOM_KEY_AS("instructions", USOM_KEY_FREE_TEXT, UsomChanges, instructions),
	USOM_KEY_GIVEN("ship_complete", USOM_KEY_BOOLEAN, UsomChanges, ship_complete, has_ship_complete),
	USOM_KEY_GIVEN("coupons", USOM_KEY_TEXTS, UsomChanges, coupons, has_coupons),
};

static UsomSchema line_schema = {"changes", 0, line_keys, lengthof(line_keys), NULL};
static UsomSchema change_schema = {"changes", 0, change_keys, lengthof(change_keys), read_lines};

static UsomQuery update_header = {
	.text = "UPDATE usom.sales_order AS o SET priority = coalesce($3, o.priority), "
	"address_id = CASE WHEN $8 THEN $4 ELSE o.address_id END, "
	"requested_at = coalesce($5, o.requested_at), instructions = coalesce($6, o.instructions), "
	"ship_complete = coalesce($7, o.ship_complete), coupons = CASE WHEN $9 THEN $10 ELSE o.coupons END WHERE o.org_id = $1 AND o.sales_order_id = $2",
	.nargs = 10,
	.argtypes = {
		"bigint", "bigint", "integer", "bigint", "timestamptz", "text", "boolean", "boolean", "boolean", "text[]"
	},
};

/* The order is open and locked: nobody erases its buyer meanwhile. */
static UsomQuery read_buyer = {
	.text = "SELECT coalesce(o.customer_id, o.sales_order_id), k.key, x.person_id IS NOT NULL, o.customer_id IS NULL "
	"FROM usom.sales_order o "
	"LEFT JOIN usom.vault_key k ON k.org_id = o.org_id AND k.person_id = coalesce(o.customer_id, o.sales_order_id) "
	"LEFT JOIN usom.erasure x ON x.org_id = o.org_id AND x.person_id = coalesce(o.customer_id, o.sales_order_id) "
	"WHERE o.org_id = $1 AND o.sales_order_id = $2",
	.nargs = 2,
	.argtypes = {"bigint", "bigint"},
};

static void
read_line(JsonbContainer *object, int index, void *target)
{
	UsomLineChange *change = &((UsomChanges *) target)->lines[index];
	char		path[32];

	snprintf(path, sizeof(path), "lines[%d].", index);
	*change = (UsomLineChange) {.requested_at = USOM_NO_TIME};
	usom_document_read(&line_schema, object, path, change);
	if (!change->has_line_no && (change->sku == NULL || !change->has_quantity))
		usom_document_refuse(&line_schema, path, "line_no", "is missing; a new line needs sku and quantity");
	if (change->unit != NULL && !change->has_quantity)
		usom_document_refuse(&line_schema, path, "unit", "goes with quantity");
	if (change->remove && (!change->has_line_no || change->sku || change->has_quantity))
		usom_document_refuse(&line_schema, path, "remove", "goes with line_no alone");
}

static void
read_lines(JsonbValue *array, void *target)
{
	UsomChanges    *changes = target;

	if (array->type != jbvBinary || !JsonContainerIsArray(array->val.binary.data))
		usom_document_refuse(&change_schema, "", "lines", "must be an array of objects");
	changes->lines = palloc_array(UsomLineChange, Max(JsonContainerSize(array->val.binary.data), 1));
	changes->nlines = usom_document_each(&change_schema, array, "lines", read_line, changes);
}

static UsomChanges *
parse_changes(Jsonb *jsonb)
{
	UsomChanges    *changes = palloc0_object(UsomChanges);

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
resolve(const UsomOrderSet *set, const UsomChanges *changes)
{
	UsomLineReference *references = palloc0_array(UsomLineReference, Max(changes->nlines, 1));

	for (int i = 0; i < changes->nlines; i++)
	{
		references[i].sku = changes->lines[i].sku;
		references[i].location = changes->lines[i].location;
		references[i].wants_price = !changes->lines[i].has_price;
		references[i].currency = set->orders[0].currency;
		references[i].at = usom_call_time();
	}
	if (changes->nlines > 0)
		usom_api_resolve_lines(set->org_id, references, changes->nlines);
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
add_line(UsomOrderSet *set, const UsomLineChange *change, const UsomLineReference *reference)
{
	int32		last = 0;
	UsomLine   *line;

	for (int i = 0; i < set->nlines; i++)
		last = Max(last, set->lines[i].line_no);
	line = usom_order_add_line(set);
	line->line_no = last + 1;
	line->product_id = reference->product_id;
	usom_order_take_nature(line, reference->nature);
	line->location_id = reference->location_id;
	line->unit_price = change->has_price ? change->unit_price
		: reference->price ? reference->price : usom_order_no_price();
	line->requested_at = change->requested_at;
	line->substitution = "none";
	line->partial = true;
	add_open_units(line, change->quantity);
}

/* Of a kit all of whose units were taken back: from now on its counters are its own. */
static void
remove_components(UsomOrderSet *set, int kit)
{
	for (int i = usom_order_next_component(set, kit, kit); i >= 0; i = usom_order_next_component(set, kit, i))
		set->lines[i].removed = set->lines[i].changed = true;
	Assert(set->lines[kit].quantity == 0);
	set->lines[kit].kit_line_no = 0;
	set->lines[kit].counters = (UsomCounters) {0};
}

static void
add_units(UsomOrderSet *set, int index, UsomQuantity quantity)
{
	if (!usom_line_is_kit(&set->lines[index]))
	{
		add_open_units(&set->lines[index], quantity);
		return;
	}
	usom_order_check_whole_kits(set, index, quantity);
	for (int i = usom_order_next_component(set, index, index); i >= 0; i = usom_order_next_component(set, index, i))
		add_open_units(&set->lines[i], usom_order_kit_units(quantity, set->lines[i].kit_quantity));
	usom_order_add_kits(set, index, quantity);
}

/* The same for the components of a kit. */
static void
set_location(UsomOrderSet *set, int index, int64 location_id)
{
	set->lines[index].location_id = location_id;
	if (!usom_line_is_kit(&set->lines[index]))
		return;
	for (int i = usom_order_next_component(set, index, index); i >= 0; i = usom_order_next_component(set, index, i))
		set->lines[i].location_id = location_id;
}

static void
set_request(UsomOrderSet *set, int index, TimestampTz requested_at)
{
	set->lines[index].requested_at = requested_at;
	if (!usom_line_is_kit(&set->lines[index]))
		return;
	for (int i = usom_order_next_component(set, index, index); i >= 0; i = usom_order_next_component(set, index, i))
	{
		set->lines[i].requested_at = requested_at;
		set->lines[i].changed = true;
	}
}

/* Another product or place: the units are planned anew, so none of them may be committed. */
static void
replace_units(UsomOrderSet *set, const UsomChanges *changes, int index, const UsomLineReference *reference)
{
	UsomQuantity units = set->lines[index].quantity;

	usom_api_take_alone(changes->withdrawing, index, units);
	if (reference->sku != NULL)
	{
		if (usom_line_is_kit(&set->lines[index]))
			remove_components(set, index);
		set->lines[index].product_id = reference->product_id;
		usom_order_take_nature(&set->lines[index], reference->nature);
		if (reference->price != NULL)
			set->lines[index].unit_price = reference->price;
	}
	if (reference->location != NULL)
		set_location(set, index, reference->location_id);
	add_units(set, index, units);
}

/* Units that a warehouse is asked for already are not asked for again. */
static void
set_quantity(UsomOrderSet *set, const UsomChanges *changes, int index, UsomQuantity quantity)
{
	UsomQuantity before = set->lines[index].quantity;

	if (quantity > before)
		add_units(set, index, quantity - before);
	else if (quantity < before && before - quantity > usom_api_asked(changes->withdrawing, index))
		usom_api_take(changes->withdrawing, index, before - quantity - usom_api_asked(changes->withdrawing, index));
}

/* What a warehouse is asked for stays until it answers. */
static void
remove_line(UsomOrderSet *set, const UsomChanges *changes, int index)
{
	set_quantity(set, changes, index, 0);
	if (set->lines[index].quantity > 0)
		return;
	if (usom_line_is_kit(&set->lines[index]))
		remove_components(set, index);
	set->lines[index].removed = true;
}

static void
change_line(UsomOrderSet *set, const UsomChanges *changes, const UsomLineChange *change, const UsomLineReference *reference)
{
	int			index = usom_order_find_line(set, 0, change->line_no);
	UsomLine   *line = &set->lines[index];

	usom_order_check_no_component(set, index, "change");
	line->changed = true;
	if (change->remove)
	{
		remove_line(set, changes, index);
		return;
	}
	if (change->has_quantity)
		set_quantity(set, changes, index, change->quantity);
	if (reference->sku != NULL || reference->location != NULL)
		replace_units(set, changes, index, reference);
	if (change->has_price)
		line->unit_price = change->unit_price;
	if (change->requested_at != USOM_NO_TIME)
		set_request(set, index, change->requested_at);
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
change_lines(UsomOrderSet *set, const UsomChanges *changes)
{
	UsomLineReference *references = resolve(set, changes);

	usom_api_resolve_change_units(set, changes, &line_schema, references);
	for (int i = 0; i < changes->nlines; i++)
	{
		if (changes->lines[i].has_line_no)
		{
			usom_order_check_line(set, changes->holds, usom_order_find_line(set, 0, changes->lines[i].line_no));
			change_line(set, changes, &changes->lines[i], &references[i]);
		}
		else
			add_line(set, &changes->lines[i], &references[i]);
	}
	check_some_line_left(set);
	if (set->orders[0].status != USOM_ORDER_DRAFT)
		usom_api_expand_kits(set);
}

/* The key of who ordered; a guest that had none gets one, which is to be written. */
static bool
find_key(const UsomOrderSet *set, UsomPersonKey *key)
{
	Datum		values[2] = {Int64GetDatum(set->org_id), Int64GetDatum(set->orders[0].sales_order_id)};
	int64		person_id;
	bool		isnull;
	Datum		stored;

	usom_query_run(&read_buyer, values, NULL);
	person_id = DatumGetInt64(usom_query_get(0, 1));
	stored = usom_query_get_or_null(0, 2, &isnull);
	if (isnull && DatumGetBool(usom_query_get(0, 3)))
		usom_person_refuse_erased(psprintf("the buyer of order \"%s\"", set->orders[0].order_no));
	if (isnull && DatumGetBool(usom_query_get(0, 4)))
		usom_vault_make_key(key, set->org_id, person_id);
	else if (isnull || !usom_person_take_key(stored, set->org_id, person_id, key))
		usom_person_refuse_keyless(psprintf("the buyer of order \"%s\"", set->orders[0].order_no));
	return isnull;
}

/* Before any stock is locked. */
static void
seal_texts(const UsomOrderSet *set, UsomChanges *changes)
{
	bool		has_instructions = changes->instructions != NULL && *changes->instructions != '\0';
	UsomPersonKey key;
	bool		is_new;

	if (changes->instructions != NULL)
		changes->sealed_instructions = cstring_to_text(changes->instructions);
	if (changes->ship_to == NULL && !has_instructions)
		return;
	is_new = find_key(set, &key);
	if (has_instructions)
		changes->sealed_instructions = usom_vault_seal(&key, changes->sealed_instructions);
	if (changes->ship_to != NULL)
		changes->address = usom_address_make(changes->ship_to, &key);
	usom_person_write(set->org_id, &key, is_new ? 1 : 0, &changes->address, changes->address != NULL ? 1 : 0);
	explicit_bzero(&key, sizeof(key));
}

static void
change_header(const UsomOrderSet *set, const UsomChanges *changes)
{
	Datum		values[10] = {
		Int64GetDatum(set->org_id),
		Int64GetDatum(set->orders[0].sales_order_id),
		Int32GetDatum(changes->priority),
		Int64GetDatum(changes->address != NULL ? changes->address->address_id : 0),
		TimestampTzGetDatum(changes->requested_at),
		PointerGetDatum(changes->sealed_instructions),
		BoolGetDatum(changes->ship_complete),
		BoolGetDatum(changes->ship_to != NULL),
		BoolGetDatum(changes->has_coupons),
		PointerGetDatum(changes->coupons),
	};
	bool		nulls[10] = {false};

	nulls[2] = !changes->has_priority;
	nulls[3] = changes->address == NULL;
	nulls[4] = changes->requested_at == USOM_NO_TIME;
	nulls[5] = changes->sealed_instructions == NULL;
	nulls[6] = !changes->has_ship_complete;
	nulls[9] = changes->coupons == NULL;
	usom_query_write(&update_header, values, nulls);
}

static bool
changes_header(const UsomChanges *changes)
{
	return changes->has_priority || changes->ship_to != NULL || changes->requested_at != USOM_NO_TIME ||
		changes->instructions != NULL || changes->has_ship_complete || changes->has_coupons;
}

/* A draft is checked when it is submitted. */
static const UsomChecking *
check_change(UsomOrderSet *set, const UsomChanges *changes)
{
	if (set->orders[0].status == USOM_ORDER_DRAFT)
		return NULL;
	usom_order_settle(set, 0, "change");
	return usom_api_check_change(set, changes->ship_to, usom_api_expected_prices(set, changes));
}

/* After the cut-off the order keeps its address until the warehouse agrees. */
static void
ask_address(UsomOrderSet *set, UsomChanges *changes)
{
	if (changes->ship_to == NULL || !usom_api_must_ask_address(set))
		return;
	usom_api_ask_address(set, changes->address != NULL ? changes->address->address_id : 0);
	changes->ship_to = NULL;
}

static void
carry_out(UsomOrderSet *set, UsomChanges *changes)
{
	UsomCredit *credit = usom_credit_open(set);
	UsomPricing *pricing;
	const UsomChecking *checking;

	seal_texts(set, changes);
	changes->withdrawing = usom_api_withdraw_begin(set, USOM_WITHDRAW_DROP);
	ask_address(set, changes);
	change_lines(set, changes);
	if (changes->requested_at != USOM_NO_TIME)
		set->orders[0].requested_at = changes->requested_at;
	pricing = usom_api_price_change(set, changes);
	checking = check_change(set, changes);
	usom_api_redeem(set, &pricing);
	usom_api_allocate(set);
	set->orders[0].content_changed = changes->ship_to != NULL;
	usom_order_settle(set, 0, "change");
	if (changes_header(changes))
		change_header(set, changes);
	usom_api_withdraw_end(changes->withdrawing);
	usom_order_save(set);
	usom_api_forget_removed_lines(set);
	usom_api_write_change_units(set, changes);
	usom_credit_close(credit, USOM_CREDIT_CHANGES);
	usom_api_write_prices(set, &pricing);
	if (checking != NULL)
		usom_api_go_on(set, checking);
}

/* What holds its units. */
static const UsomHolds *
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
	return usom_order_check_whole(set, 0, "change");
}

Datum
usom_change_order(PG_FUNCTION_ARGS)
{
	UsomAnswer *answer = usom_order_answer_begin(fcinfo, "change_order", 3);
	UsomOrderSet *set = usom_order_load(usom_party_org(), usom_order_arg_text(fcinfo, 0, "order_no"));
	const UsomHolds *holds;
	UsomChanges    *changes;

	usom_order_arg_required(fcinfo, 1, "changes");
	holds = check_changeable(set, !PG_ARGISNULL(2), PG_ARGISNULL(2) ? 0 : PG_GETARG_INT32(2));
	changes = parse_changes(PG_GETARG_JSONB_P(1));
	changes->holds = holds;
	if (changes->nlines > 0 || changes_header(changes))
		carry_out(set, changes);
	return usom_order_answer_status(answer, set);
}
