/*
 * backorder_write.c
 *		Carry a plan of a backorder run out on locked orders, and record it.
 *
 * Locks: none taken here: the orders, the stock and the supply of the plan are
 * locked.
 *
 * Memory: CurrentMemoryContext.
 *
 * Invariant: what is given up is given up before anything is taken, line by
 * line, so each line's units are the same in number before and after.
 */
#include "postgres.h"

#include "api/backorder.h"

#include "base/call.h"
#include "base/errors.h"
#include "base/ident.h"
#include "base/query.h"
#include "base/settings.h"
#include "order/news.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/timestamp.h"

#define EXCEPTION_KIND "strategy_unmet"

/* A line of the set while its units are dealt out. */
typedef struct Dealing
{
	UsomOrderSet *set;
	const BackorderChange *change;
	int			first;			/* its pieces as they were loaded */
	int			last;
	int			nwaiting;
	int		   *waiting;		/* pieces that wait for nothing in particular */
} Dealing;

/* Where the pieces of each line begin in the set, as it was loaded. */
static int *
first_pieces(const UsomOrderSet *set)
{
	int		   *first = palloc_array(int, set->nlines + 1);
	int			piece = 0;

	for (int line = 0; line <= set->nlines; line++)
	{
		while (piece < set->npieces && set->pieces[piece].line < line)
			piece++;
		first[line] = piece;
	}
	return first;
}

static int
compare_order(const void *key, const void *element)
{
	int64		left = *(const int64 *) key;
	int64		right = ((const UsomOrder *) element)->sales_order_id;

	return (left > right) - (left < right);
}

static int
order_of(const UsomOrderSet *set, const BackorderLine *line)
{
	UsomOrder  *found = bsearch(&line->contender.sales_order_id, set->orders, set->norders, sizeof(UsomOrder), compare_order);

	Ensure(found != NULL, "a backorder run changes an order that is not locked");
	return (int) (found - set->orders);
}

static bool
is_at(const UsomPiece *piece, int64 product_id, const BackorderSource *source)
{
	if (source->supply_id != 0)
		return piece->status == USOM_PIECE_BACKORDERED && piece->supply_id == source->supply_id;
	return piece->status == USOM_PIECE_RESERVED &&
		usom_stock_key_compare(&source->key, &(UsomStockKey) {product_id, piece->location_id, piece->lot, 0}) == 0;
}

static void
give_up(Dealing *dealing, const BackorderSource *source, UsomQuantity quantity)
{
	UsomOrderSet *set = dealing->set;

	for (int i = dealing->first; i < dealing->last && quantity > 0; i++)
	{
		UsomPiece  *piece = &set->pieces[i];
		UsomQuantity units = Min(piece->quantity, quantity);
		int			waits = i;

		if (!is_at(piece, set->lines[piece->line].product_id, source) || units == 0)
			continue;
		if (source->supply_id != 0)
			usom_order_peg_piece(set, i, units, 0, USOM_NO_TIME);
		else
			waits = usom_order_move_piece(set, i, USOM_PIECE_BACKORDERED, units, NULL);
		dealing->waiting[dealing->nwaiting++] = waits;
		quantity -= units;
	}
	Ensure(quantity == 0, "a backorder run takes units that a line does not have");
}

static TimestampTz
promise_from(const BackorderChange *change, const BackorderSource *source, TimestampTz agreed)
{
	TimestampTz promise = Max(change->line->contender.requested_at, usom_call_time());

	return source->supply_id == 0 ? promise : Max(Max(promise, source->expected_at), agreed);
}

/* Units of a waiting piece; returns how many it had. */
static UsomQuantity
take_for(Dealing *dealing, int *waiting, const BackorderSource *source, UsomQuantity quantity)
{
	UsomOrderSet *set = dealing->set;
	UsomQuantity units = Min(set->pieces[*waiting].quantity, quantity);
	bool		cut = units < set->pieces[*waiting].quantity;
	TimestampTz promised_at = promise_from(dealing->change, source, set->pieces[*waiting].promised_at);

	if (source->supply_id == 0)
	{
		int			piece = usom_order_fill_piece(set, *waiting, units, &source->key);

		set->pieces[piece].promised_at = promised_at;
		if (!cut)
			*waiting = -1;
		return units;
	}
	usom_order_peg_piece(set, *waiting, units, source->supply_id, promised_at);
	*waiting = cut ? set->npieces - 1 : -1;
	return units;
}

static void
take(Dealing *dealing, const BackorderSource *source, UsomQuantity quantity)
{
	for (int i = 0; i < dealing->nwaiting && quantity > 0; i++)
		if (dealing->waiting[i] >= 0)
			quantity -= take_for(dealing, &dealing->waiting[i], source, quantity);
	Ensure(quantity == 0, "a backorder run gives a line more units than it waits for");
}

/* What waits for nothing in particular before anything is given up. */
static void
list_waiting(Dealing *dealing)
{
	dealing->nwaiting = 0;
	dealing->waiting = palloc_array(int, 2 * (dealing->last - dealing->first) + 1 + dealing->change->nsources);
	for (int i = dealing->first; i < dealing->last; i++)
	{
		const UsomPiece *piece = &dealing->set->pieces[i];

		if (piece->status == USOM_PIECE_BACKORDERED && piece->supply_id == 0 && piece->quantity > 0)
			dealing->waiting[dealing->nwaiting++] = i;
	}
}

static void
deal(UsomOrderSet *set, const int *first, int line, const BackorderChange *change)
{
	Dealing		dealing = {.set = set, .change = change, .first = first[line], .last = first[line + 1]};

	list_waiting(&dealing);
	for (int i = 0; i < change->nsources; i++)
		if (change->given[i] < change->held[i])
			give_up(&dealing, &change->sources[i], change->held[i] - change->given[i]);
	for (int i = 0; i < change->nsources; i++)
		if (change->given[i] > change->held[i])
			take(&dealing, &change->sources[i], change->given[i] - change->held[i]);
	pfree(dealing.waiting);
}

/* ---- what is said about it ---- */

static const char *
reason_of(const BackorderPlan *plan, const BackorderChange *change)
{
	const char *strategy = usom_sourcing_strategy_name(change->segment->strategy);
	const char *rule = psprintf("%s, segment %d of %s", strategy, change->segment->rank, change->variant->code);

	if (change->after == change->before)
		return psprintf("%s: as much as before, from elsewhere", rule);
	return psprintf("%s: %s of %s instead of %s", rule, usom_quantity_text(change->after), usom_quantity_text(change->wanted),
					usom_quantity_text(change->before));
}

static void
put_key(JsonbParseState **state, const char *key)
{
	JsonbValue	value = {.type = jbvString, .val.string = {(int) strlen(key), unconstify(char *, key)}};

	pushJsonbValue(state, WJB_KEY, &value);
}

static void
put_text(JsonbParseState **state, const char *key, const char *string)
{
	JsonbValue	value = {.type = jbvString, .val.string = {(int) strlen(string), unconstify(char *, string)}};

	put_key(state, key);
	pushJsonbValue(state, WJB_VALUE, &value);
}

static void
put_number(JsonbParseState **state, const char *key, Numeric number)
{
	JsonbValue	value = {.type = jbvNumeric, .val.numeric = number};

	put_key(state, key);
	pushJsonbValue(state, WJB_VALUE, &value);
}

static void
put_time(JsonbParseState **state, const char *key, TimestampTz time)
{
	JsonbValue	value = {.type = jbvNull};

	if (time != USOM_NO_TIME)
	{
		put_text(state, key, JsonEncodeDateTime(NULL, TimestampTzGetDatum(time), TIMESTAMPTZOID, NULL));
		return;
	}
	put_key(state, key);
	pushJsonbValue(state, WJB_VALUE, &value);
}

static Jsonb *
payload_of(const BackorderPlan *plan, const BackorderChange *change, const char *run_no)
{
	JsonbParseState *state = NULL;

	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	put_number(&state, "line_no", int64_to_numeric(change->line->contender.line_no));
	put_text(&state, "sku", plan->facts->products[change->line->product].sku);
	put_number(&state, "quantity", usom_quantity_numeric(change->after));
	put_number(&state, "quantity_before", usom_quantity_numeric(change->before));
	put_time(&state, "promised_at", change->promised_after);
	put_time(&state, "promised_before", change->promised_before);
	put_text(&state, "run_no", run_no);
	put_text(&state, "reason", reason_of(plan, change));
	return JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL));
}

/* What is in hand that was not, what is gone that was there, or another date. */
static const char *
event_kind(const BackorderChange *change)
{
	UsomQuantity reserved = 0;

	for (int i = 0; i < change->nsources; i++)
		if (change->sources[i].supply_id == 0)
			reserved += change->given[i] - change->held[i];
	if (change->after < change->before)
		return "backordered";
	return reserved > 0 ? "filled" : "promise_changed";
}

static void
raise_case(UsomOrderSet *set, const BackorderPlan *plan, const BackorderException *exception, const char *run_no)
{
	JsonbParseState *state = NULL;
	const char *strategy = usom_sourcing_strategy_name(exception->segment->strategy);
	const UsomContender *contender = &exception->line->contender;

	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	put_text(&state, "run_no", run_no);
	put_text(&state, "variant", exception->variant->code);
	put_text(&state, "strategy", strategy);
	put_text(&state, "sku", plan->facts->products[exception->line->product].sku);
	put_number(&state, "wanted", usom_quantity_numeric(exception->wanted));
	put_number(&state, "possible", usom_quantity_numeric(exception->possible));
	usom_order_raise(set, order_of(set, exception->line), contender->line_no, EXCEPTION_KIND, exception->variant->code,
					 psprintf("%s cannot be kept: %s of %s", strategy, usom_quantity_text(exception->possible),
							  usom_quantity_text(exception->wanted)),
					 JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL)), contender->requested_at);
}

/* A line that now has all it wants is nobody's case any more. */
static void
settle_case(UsomOrderSet *set, int order, const BackorderChange *change)
{
	if (change->after == change->wanted)
		usom_order_settle_case(set, order, change->line->contender.line_no, EXCEPTION_KIND);
}

void
usom_api_backorder_carry_out(UsomOrderSet *set, const BackorderPlan *plan, const char *run_no)
{
	int		   *first = first_pieces(set);

	for (int i = 0; i < plan->nchanges; i++)
	{
		const BackorderChange *change = &plan->changes[i];
		int			order = order_of(set, change->line);
		int			line = usom_order_find_line(set, order, change->line->contender.line_no);

		deal(set, first, line, change);
		set->orders[order].event_quantity = Max(set->orders[order].event_quantity, change->after);
		usom_order_tell(set, order, event_kind(change), payload_of(plan, change, run_no));
		settle_case(set, order, change);
		set->orders[order].changed = true;
	}
	for (int order = 0; order < set->norders; order++)
		if (set->orders[order].changed)
		{
			usom_order_settle(set, order, "backorder_run");
			set->orders[order].event_quantity = 0;
			set->orders[order].event_reference = run_no;
		}
	for (int i = 0; i < plan->nexceptions; i++)
		raise_case(set, plan, &plan->exceptions[i], run_no);
	set->stock_locked = true;
	usom_order_save(set);
}

/* ---- the record ---- */

static UsomQuery insert_run = {
	.text = "INSERT INTO usom.backorder_run (org_id, backorder_run_id, run_no, variant, simulated, status, items, items_changed, "
	"lines_changed, orders_changed, exceptions, app_user) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
	.nargs = 12,
	.argtypes = {"bigint", "bigint", "text", "text", "boolean", "text", "integer", "integer", "integer", "integer", "jsonb", "text"},
};

static UsomQuery insert_changes = {
	.text = "INSERT INTO usom.backorder_change (org_id, backorder_run_id, sales_order_id, line_no, product_id, variant, segment_rank, "
	"strategy, quantity_wanted, quantity_before, quantity_after, promised_before, promised_after, reason) "
	"SELECT $1, $2, r.* FROM unnest($3) AS r",
	.nargs = 3,
	.argtypes = {"bigint", "bigint", "usom._backorder_change_row[]"},
};

static Jsonb *
exceptions_of(const BackorderPlan *plan)
{
	JsonbParseState *state = NULL;

	pushJsonbValue(&state, WJB_BEGIN_ARRAY, NULL);
	for (int i = 0; i < plan->nexceptions; i++)
	{
		const BackorderException *exception = &plan->exceptions[i];

		pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
		put_text(&state, "sku", plan->facts->products[exception->line->product].sku);
		put_text(&state, "order_no", exception->line->order_no);
		put_number(&state, "line_no", int64_to_numeric(exception->line->contender.line_no));
		put_text(&state, "variant", exception->variant->code);
		put_text(&state, "strategy", usom_sourcing_strategy_name(exception->segment->strategy));
		put_number(&state, "wanted", usom_quantity_numeric(exception->wanted));
		put_number(&state, "possible", usom_quantity_numeric(exception->possible));
		pushJsonbValue(&state, WJB_END_OBJECT, NULL);
	}
	return JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_ARRAY, NULL));
}

static int
compare_orders(const void *a, const void *b)
{
	int64		left = *(const int64 *) a;
	int64		right = *(const int64 *) b;

	return (left > right) - (left < right);
}

static int
count_orders(const BackorderPlan *plan)
{
	int64	   *orders = palloc_array(int64, Max(plan->nchanges, 1));
	int			count = 0;

	for (int i = 0; i < plan->nchanges; i++)
		orders[i] = plan->changes[i].line->contender.sales_order_id;
	qsort(orders, plan->nchanges, sizeof(int64), compare_orders);
	for (int i = 0; i < plan->nchanges; i++)
		count += i == 0 || orders[i] != orders[i - 1];
	return count;
}

static void
write_changes(int64 org_id, int64 run_id, const BackorderPlan *plan)
{
	UsomRows   *rows = usom_rows_make("_backorder_change_row", plan->nchanges);
	Datum		values[3] = {Int64GetDatum(org_id), Int64GetDatum(run_id)};

	for (int i = 0; i < plan->nchanges; i++)
	{
		const BackorderChange *change = &plan->changes[i];
		Datum		columns[] = {
			Int64GetDatum(change->line->contender.sales_order_id),
			Int32GetDatum(change->line->contender.line_no),
			Int64GetDatum(plan->facts->products[change->line->product].product_id),
			CStringGetTextDatum(change->variant->code),
			Int32GetDatum(change->segment->rank),
			CStringGetTextDatum(usom_sourcing_strategy_name(change->segment->strategy)),
			NumericGetDatum(usom_quantity_numeric(change->wanted)),
			NumericGetDatum(usom_quantity_numeric(change->before)),
			NumericGetDatum(usom_quantity_numeric(change->after)),
			TimestampTzGetDatum(change->promised_before),
			TimestampTzGetDatum(change->promised_after),
			CStringGetTextDatum(reason_of(plan, change)),
		};
		bool		nulls[lengthof(columns)] = {false};

		nulls[9] = change->promised_before == USOM_NO_TIME;
		nulls[10] = change->promised_after == USOM_NO_TIME;
		usom_rows_add(rows, columns, nulls);
	}
	values[2] = usom_rows_datum(rows);
	usom_query_write(&insert_changes, values, NULL);
}

int
usom_api_backorder_record(int64 org_id, const BackorderPlan *plan, const char *run_no, const char *variant, bool simulated)
{
	int64		run_id = usom_ident_next();
	int			norders = count_orders(plan);
	Datum		values[] = {
		Int64GetDatum(org_id),
		Int64GetDatum(run_id),
		CStringGetTextDatum(run_no),
		CStringGetTextDatum(variant),
		BoolGetDatum(simulated),
		CStringGetTextDatum(plan->stopped ? "stopped" : "done"),
		Int32GetDatum(plan->nitems),
		Int32GetDatum(plan->nitems_changed),
		Int32GetDatum(plan->nchanges),
		Int32GetDatum(norders),
		JsonbPGetDatum(exceptions_of(plan)),
		CStringGetTextDatum(usom_setting_app_user),
	};
	bool		nulls[lengthof(values)] = {false};

	nulls[11] = usom_setting_app_user[0] == '\0';
	usom_query_write(&insert_run, values, nulls);
	if (plan->nchanges > 0)
		write_changes(org_id, run_id, plan);
	return norders;
}
