/*
 * split_order.c
 *		usom.split_order(): what waits of an order becomes an order of its own.
 *
 *		The units are cancelled where they were ordered, and ordered anew by the
 *		child: same customer, channel, address, terms, turn and price; they go
 *		on counting on the supply they counted on, with the same promise.  What
 *		was ordered stays on record at the parent (decision 047).
 *
 * Locks: the parent; nobody knows the child yet.  Supply is not locked: what
 * is counted on stays as it is.
 *
 * Invariant: units and amounts of the two add up to what the parent's were, to
 * the last minor unit: the child costs what the parent costs less; shares of
 * discount, freight and tax are the difference of two values of one function,
 * and what rounding of the goods leaves is discount or freight.
 *
 * Memory: SPI's context of the call.
 */
#include "postgres.h"

#include "api/api.h"
#include "api/split_order.h"
#include "api/unit.h"
#include "api/waits.h"

#include "base/call.h"
#include "base/errors.h"
#include "base/ident.h"
#include "base/query.h"
#include "order/answer.h"
#include "order/line_list.h"
#include "order/news.h"
#include "party/party.h"
#include "payment/credit.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(usom_split_order);

#define PARENT 0				/* indexes of orders of the set */
#define CHILD 1

/* Instructions of a guest are sealed for the order they were given with. */
static UsomQuery insert_child = {
	.text = "INSERT INTO usom.sales_order (org_id, sales_order_id, order_no, parent_order_id, channel_id, order_type, customer_id, status, "
	"currency, total, priority, placed_at, requested_at, ship_complete, address_id, payment, instructions) "
	"SELECT o.org_id, $3, $4, o.sales_order_id, o.channel_id, o.order_type, o.customer_id, $5, o.currency, $6, o.priority, o.placed_at, "
	"o.requested_at, o.ship_complete, o.address_id, o.payment - 'authorized', CASE WHEN o.customer_id IS NOT NULL THEN o.instructions END "
	"FROM usom.sales_order AS o WHERE o.org_id = $1 AND o.sales_order_id = $2",
	.nargs = 6,
	.argtypes = {"bigint", "bigint", "bigint", "text", "usom.order_status", "usom.amount"},
};

/* Lines of the order that something is made, under way or kept for, and what it is. */
static UsomQuery find_bound = {
	.text = "SELECT b.line_no, b.what FROM (SELECT m.line_no, 'a make order' AS what FROM usom.make_order m "
	"WHERE m.org_id = $1 AND m.sales_order_id = $2 AND m.status <> 'cancelled' "
	"UNION ALL SELECT s.line_no, 'a supply of its own' FROM usom.supply s WHERE s.org_id = $1 AND s.sales_order_id = $2 AND s.status = 'expected' "
	"UNION ALL SELECT l.line_no, 'a pre-order offer' FROM usom.order_line l JOIN usom.product p ON p.org_id = $1 AND p.product_id = l.product_id "
	"JOIN usom.pre_order_offer e ON e.org_id = $1 AND e.sku = p.sku AND e.ended_at IS NULL WHERE l.org_id = $1 AND l.sales_order_id = $2) b "
	"WHERE b.line_no = ANY ($3) ORDER BY b.line_no, b.what LIMIT 1",
	.nargs = 3,
	.argtypes = {"bigint", "bigint", "integer[]"},
};

/* Open cases of the lines about what waits. */
static UsomQuery find_cases = {
	.text = "SELECT c.line_no, c.kind, c.reference, c.message, c.detail, c.due_at FROM usom.exception_case c "
	"WHERE c.org_id = $1 AND c.sales_order_id = $2 AND c.resolved_at IS NULL AND c.kind IN ('supply_short', 'promise_late') "
	"ORDER BY c.line_no, c.kind, c.reference",
	.nargs = 2,
	.argtypes = {"bigint", "bigint"},
};

static void
refuse(const UsomOrderSet *set, const char *why)
{
	ereport(ERROR, errcode(USOM_ERR(NOT_TO_BE_SPLIT)),
			errmsg("order \"%s\" is not split so", set->orders[PARENT].order_no),
			errdetail("%s", why),
			errhint("Name lines of goods that wait, and leave something to the order; usom.split_backorder() cuts what waits of one line."));
}

/* ---- what moves ---- */

/* All that waits, where no lines are named. */
static UsomLineUnits *
all_waiting(const UsomOrderSet *set, int *count)
{
	UsomLineUnits *units = palloc_array(UsomLineUnits, set->nlines + 1);

	*count = 0;
	for (int i = 0; i < set->nlines; i++)
		if (set->lines[i].kit_line_no == 0 && set->lines[i].counters.by_state[USOM_PIECE_BACKORDERED] > 0)
			units[(*count)++] = (UsomLineUnits) {i, set->lines[i].counters.by_state[USOM_PIECE_BACKORDERED]};
	return units;
}

static void
check_units(const UsomOrderSet *set, const UsomHolds *holds, const UsomLineUnits *units)
{
	const UsomLine *line = &set->lines[units->line];
	UsomQuantity waiting = line->counters.by_state[USOM_PIECE_BACKORDERED];

	usom_order_check_no_component(set, units->line, "split");
	usom_order_check_line(set, holds, units->line);
	if (line->kit_line_no != 0)
		refuse(set, psprintf("Line %d is a kit, whose components stay together.", line->line_no));
	if (units->quantity > waiting)
		refuse(set, psprintf("Of line %d wait %s units, not %s.", line->line_no, usom_quantity_text(waiting), usom_quantity_text(units->quantity)));
	if (!line->partial && units->quantity < line->quantity - line->counters.by_state[USOM_PIECE_CANCELLED])
		refuse(set, psprintf("The customer takes line %d whole or not at all (partial is false).", line->line_no));
}

static void
check_unbound(const UsomOrderSet *set, const UsomLineUnits *units, int count)
{
	Datum	   *numbers = palloc_array(Datum, count + 1);
	Datum		values[3] = {Int64GetDatum(set->org_id), Int64GetDatum(set->orders[PARENT].sales_order_id)};

	for (int i = 0; i < count; i++)
		numbers[i] = Int32GetDatum(set->lines[units[i].line].line_no);
	values[2] = PointerGetDatum(construct_array(numbers, count, INT4OID, sizeof(int32), true, TYPALIGN_INT));
	if (usom_query_run(&find_bound, values, NULL) > 0)
		refuse(set, psprintf("Line %d has %s.", DatumGetInt32(usom_query_get(0, 1)), usom_query_get_text(0, 2)));
}

static void
check_rest(const UsomOrderSet *set, const UsomLineUnits *units, int count)
{
	UsomQuantity rest = 0;

	for (int i = 0; i < set->nlines; i++)
		rest += set->lines[i].quantity - set->lines[i].counters.by_state[USOM_PIECE_CANCELLED];
	for (int i = 0; i < count; i++)
		rest -= units[i].quantity;
	if (count == 0)
		refuse(set, "Nothing of it waits.");
	if (rest <= 0)
		refuse(set, "Nothing would be left of it.");
}

static UsomLineUnits *
read_units(UsomOrderSet *set, Jsonb *list, int *count)
{
	UsomLineUnits *units;
	UsomHolds  *holds;

	if (!usom_order_is_running(set->orders[PARENT].status))
		usom_order_refuse(set->orders[PARENT].order_no, "split", set->orders[PARENT].status);
	holds = usom_order_check_whole(set, PARENT, "change");
	units = list != NULL ? usom_order_read_line_list(set, list, count) : all_waiting(set, count);
	for (int i = 0; i < *count; i++)
		check_units(set, holds, &units[i]);
	check_rest(set, units, *count);
	check_unbound(set, units, *count);
	return units;
}

/* ---- the child ---- */

static UsomOrderSet *
add_child(UsomOrderSet *set)
{
	UsomOrder  *child;

	set->orders = repalloc_array(set->orders, UsomOrder, 2);
	set->norders = 2;
	child = &set->orders[CHILD];
	*child = set->orders[PARENT];
	child->sales_order_id = usom_ident_next();
	child->order_no = usom_ident_document_no(set->org_id, "order");
	child->status = USOM_ORDER_CONFIRMED;
	child->version = 1;
	child->is_new = true;
	child->event_line = 0;
	child->event_quantity = 0;
	return set;
}

static int
add_line(UsomOrderSet *set, const UsomLineUnits *units, int32 line_no)
{
	UsomLine   *line = usom_order_add_line(set);
	const UsomLine *from = &set->lines[units->line];

	line->order = CHILD;
	line->line_no = line_no;
	line->product_id = from->product_id;
	line->stocked = from->stocked;
	line->is_made = from->is_made;
	line->quantity = line->counters.by_state[USOM_PIECE_OPEN] = units->quantity;
	line->unit_price = from->unit_price;
	line->location_id = from->location_id;
	line->requested_at = from->requested_at;
	line->substitution = from->substitution;
	line->partial = from->partial;
	return set->nlines - 1;
}

/* The parent keeps what comes first: no date goes before a date, a late one before an early one. */
static int
compare_pieces(const void *a, const void *b, void *arg)
{
	const UsomOrderSet *set = arg;
	const UsomPiece *x = &set->pieces[*(const int *) a];
	const UsomPiece *y = &set->pieces[*(const int *) b];

	if ((x->promised_at == USOM_NO_TIME) != (y->promised_at == USOM_NO_TIME))
		return x->promised_at == USOM_NO_TIME ? -1 : 1;
	if (x->promised_at != y->promised_at)
		return x->promised_at > y->promised_at ? -1 : 1;
	return y->piece_no - x->piece_no;
}

static void
move_piece(UsomOrderSet *set, int piece, UsomQuantity quantity, int line)
{
	int64		supply_id = set->pieces[piece].supply_id;
	TimestampTz promised_at = set->pieces[piece].promised_at;
	int			moved;

	usom_order_move_piece(set, piece, USOM_PIECE_CANCELLED, quantity, NULL);
	moved = usom_order_add_piece(set, line, USOM_PIECE_BACKORDERED, quantity, NULL);
	if (supply_id != 0)
		usom_order_peg_piece(set, moved, quantity, supply_id, promised_at);
	set->pieces[moved].promised_at = promised_at;
}

static void
move_units(UsomOrderSet *set, const UsomLineUnits *units, int line)
{
	int		   *pieces = palloc_array(int, set->npieces + 1);
	UsomQuantity rest = units->quantity;
	int			count = 0;

	for (int i = 0; i < set->npieces; i++)
		if (set->pieces[i].line == units->line && set->pieces[i].status == USOM_PIECE_BACKORDERED && set->pieces[i].quantity > 0)
			pieces[count++] = i;
	qsort_arg(pieces, count, sizeof(int), compare_pieces, set);
	for (int i = 0; i < count && rest > 0; i++)
	{
		UsomQuantity part = Min(set->pieces[pieces[i]].quantity, rest);

		move_piece(set, pieces[i], part, line);
		rest -= part;
	}
	Ensure(rest == 0, "more units wait than there are pieces of");
	if (set->lines[units->line].counters.by_state[USOM_PIECE_BACKORDERED] == 0)
		usom_api_settle_waiting(set, units->line);
}

/* Cases about what waits go with it. */
static void
raise_cases(UsomOrderSet *set, const UsomLineUnits *units, int count)
{
	Datum		values[] = {Int64GetDatum(set->org_id), Int64GetDatum(set->orders[PARENT].sales_order_id)};
	uint64		n = usom_query_run(&find_cases, values, NULL);

	for (uint64 row = 0; row < n; row++)
		for (int i = 0; i < count; i++)
		{
			bool		no_detail;
			bool		no_date;
			Datum		detail = usom_query_get_or_null(row, 5, &no_detail);
			Datum		due_at = usom_query_get_or_null(row, 6, &no_date);

			if (set->lines[units[i].line].line_no == DatumGetInt32(usom_query_get(row, 1)))
				usom_order_raise(set, CHILD, i + 1, usom_query_get_text(row, 2), usom_query_get_text(row, 3), usom_query_get_text(row, 4),
								 no_detail ? NULL : DatumGetJsonbPCopy(detail), no_date ? USOM_NO_TIME : DatumGetTimestampTz(due_at));
		}
}

/* What it was before the units went, and what they take with them. */
static void
move_lines(UsomOrderSet *set, const UsomLineUnits *units, int count)
{
	raise_cases(set, units, count);
	for (int i = 0; i < count; i++)
	{
		int			line = add_line(set, &units[i], i + 1);
		UsomLine	before = set->lines[units[i].line];

		move_units(set, &units[i], line);
		usom_api_share_charges(&before, &set->lines[units[i].line], &set->lines[line]);
	}
}

static void
tell(UsomOrderSet *set, int order, const char *key, const char *other)
{
	static const char *const kind = "order_split";
	JsonbParseState *state = NULL;
	JsonbValue	name = {.type = jbvString, .val.string = {(int) strlen(key), unconstify(char *, key)}};
	JsonbValue	value = {.type = jbvString, .val.string = {(int) strlen(other), unconstify(char *, other)}};

	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	pushJsonbValue(&state, WJB_KEY, &name);
	pushJsonbValue(&state, WJB_VALUE, &value);
	usom_order_tell(set, order, kind, JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL)));
	usom_order_settle(set, order, "split_order");
	set->orders[order].event_reference = other;
}

static void
write_child(const UsomOrderSet *set)
{
	const UsomOrder *child = &set->orders[CHILD];
	Datum		values[] = {
		Int64GetDatum(set->org_id), Int64GetDatum(set->orders[PARENT].sales_order_id), Int64GetDatum(child->sales_order_id),
		CStringGetTextDatum(child->order_no), UInt8GetDatum(child->status), NumericGetDatum(child->total)
	};

	Ensure(usom_query_write(&insert_child, values, NULL) == 1, "an order is split that is not there");
}

/* The child's lines are numbered as they were named. */
static void
copy_units(const UsomOrderSet *set, const UsomLineUnits *units, int count)
{
	int32	   *from = palloc_array(int32, count);
	int32	   *to = palloc_array(int32, count);

	for (int i = 0; i < count; i++)
	{
		from[i] = set->lines[units[i].line].line_no;
		to[i] = i + 1;
	}
	usom_api_copy_line_units(set, PARENT, CHILD, from, to, count);
}

/* usom.split_order(order_no, lines, reason) */
Datum
usom_split_order(PG_FUNCTION_ARGS)
{
	UsomAnswer *answer = usom_order_answer_begin(fcinfo, "split_order", 2);
	UsomOrderSet *set = usom_order_load(usom_party_org(), usom_order_arg_text(fcinfo, 0, "order_no"));
	int			count;
	UsomLineUnits *units = read_units(set, PG_ARGISNULL(1) ? NULL : PG_GETARG_JSONB_P(1), &count);
	int64		ids[2];

	add_child(set);
	move_lines(set, units, count);
	tell(set, PARENT, "child_order_no", set->orders[CHILD].order_no);
	tell(set, CHILD, "parent_order_no", set->orders[PARENT].order_no);
	write_child(set);
	usom_order_save(set);
	copy_units(set, units, count);
	usom_api_write_shares(set, CHILD, set->orders[PARENT].order_no);
	ids[0] = set->orders[PARENT].sales_order_id;
	ids[1] = set->orders[CHILD].sales_order_id;
	usom_credit_follow(set->org_id, ids, 2);
	return usom_order_answer_string(answer, set->orders[CHILD].order_no);
}
