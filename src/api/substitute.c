/*
 * substitute.c
 *		Choose substitutes for units that wait, and put them on the order.
 *
 * What can be had is asked of the planner that allocation uses, so a
 * substitute is chosen only where the order would get it.
 *
 * Locks: the orders are locked.  Stock of the substitutes is locked by
 * allocation together with that of what was ordered (in stock order), when
 * the lines agreed beforehand; what is asked again here is locked already.
 *
 * Memory: CurrentMemoryContext.
 */
#include "postgres.h"

#include "api/substitute.h"

#include "api/api.h"
#include "api/withdraw.h"
#include "base/call.h"
#include "base/query.h"
#include "order/news.h"
#include "payment/credit.h"
#include "sourcing/ruled.h"
#include "sourcing/sourcing.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/json.h"
#include "utils/timestamp.h"

static UsomQuery read_rules = {
	.text = "SELECT p.product_id, s.product_id, r.sku, r.substitute_sku, r.quantity, r.substitute_quantity, r.price_rule "
	"FROM usom.product p JOIN usom.substitute r ON r.org_id = p.org_id AND r.sku = p.sku AND r.active "
	"JOIN usom.product s ON s.org_id = r.org_id AND s.sku = r.substitute_sku AND s.active AND s.kind = 'physical' "
	"WHERE p.org_id = $1 AND p.product_id = ANY ($2) ORDER BY p.product_id, r.priority, r.substitute_sku COLLATE \"C\"",
	.nargs = 2,
	.argtypes = {"bigint", "bigint[]"},
};

static UsomQuery insert_done = {
	.text = "INSERT INTO usom.line_substitution (org_id, sales_order_id, line_no, substitute_line_no, product_id, "
	"substitute_product_id, quantity, substitute_quantity, unit_price, status, automatic, decided_at, decided_by) "
	"SELECT $1, r.*, 'accepted', true, $3, session_user FROM unnest($2) AS r",
	.nargs = 3,
	.argtypes = {"bigint", "usom._substitution_row[]", "timestamptz"},
};

UsomSubstitute *
usom_api_read_substitutes(int64 org_id, const int64 *products, int nproducts, int *count)
{
	Datum		values[2] = {Int64GetDatum(org_id), usom_query_keys(products, nproducts)};
	UsomSubstitute *substitutes;

	*count = (int) usom_query_run(&read_rules, values, NULL);
	substitutes = palloc_array(UsomSubstitute, Max(*count, 1));
	for (int i = 0; i < *count; i++)
		substitutes[i] = (UsomSubstitute) {
			.product_id = DatumGetInt64(usom_query_get(i, 1)),
			.substitute_id = DatumGetInt64(usom_query_get(i, 2)),
			.sku = usom_query_get_text(i, 3),
			.substitute_sku = usom_query_get_text(i, 4),
			.quantity = usom_quantity_of(DatumGetNumeric(usom_query_get(i, 5))),
			.substitute_quantity = usom_quantity_of(DatumGetNumeric(usom_query_get(i, 6))),
			.price_rule = usom_query_get_text(i, 7),
		};
	return substitutes;
}

static bool
agrees(const UsomOrderSet *set, const UsomLine *line)
{
	return line->stocked && !line->removed && strcmp(line->substitution, "allowed") == 0 &&
		usom_order_is_running(set->orders[line->order].status) &&
		line->counters.by_state[USOM_PIECE_OPEN] + line->counters.by_state[USOM_PIECE_BACKORDERED] > 0;
}

/* Products of the lines that agreed, with units to be served. */
static int64 *
short_products(const UsomOrderSet *set, int *count)
{
	int64	   *products = palloc_array(int64, Max(set->nlines, 1));

	*count = 0;
	for (int i = 0; i < set->nlines; i++)
		if (agrees(set, &set->lines[i]))
			products[(*count)++] = set->lines[i].product_id;
	return products;
}

int64 *
usom_api_substitute_products(const UsomOrderSet *set, int *count)
{
	int64	   *products = short_products(set, count);
	UsomSubstitute *substitutes;
	int64	   *others;

	if (likely(*count == 0))
		return products;
	substitutes = usom_api_read_substitutes(set->org_id, products, *count, count);
	others = palloc_array(int64, Max(*count, 1));
	for (int i = 0; i < *count; i++)
		others[i] = substitutes[i].substitute_id;
	return others;
}

/* ---- choice ---- */

/* A product's rows of one location stand together. */
static int64 *
locations_of(const UsomStockRow *rows, int nrows, int64 product_id, int *nlocations)
{
	int64	   *locations = palloc_array(int64, Max(nrows, 1));

	*nlocations = 0;
	for (int i = 0; i < nrows; i++)
		if (rows[i].key.product_id == product_id && rows[i].available > 0 &&
			(*nlocations == 0 || locations[*nlocations - 1] != rows[i].key.location_id))
			locations[(*nlocations)++] = rows[i].key.location_id;
	return locations;
}

/* How many units of the product allocation would give the line now; lowers rows[].available by them. */
static UsomQuantity
plan_units(const UsomOrderSet *set, int index, int64 product_id, UsomQuantity units, UsomStockRow *rows, int nrows)
{
	const UsomLine *line = &set->lines[index];
	const UsomOrder *order = &set->orders[line->order];
	UsomQuantity planned = 0;

	if (usom_sourcing_is_ruled(set->org_id))
	{
		UsomWant	want = {
			.sales_order_id = order->sales_order_id, .product_id = product_id, .location_id = line->location_id,
			.quantity = units, .partial = true,
			.requested_at = line->requested_at != USOM_NO_TIME ? line->requested_at : order->requested_at,
		};
		int			nlocations;
		int64	   *locations = locations_of(rows, nrows, product_id, &nlocations);
		UsomRuledPlan *plan = usom_sourcing_plan_by_rules(set->org_id, usom_call_time(), &want, 1, NULL, rows, nrows,
														  locations, nlocations, false);

		for (int i = 0; i < plan->nparts; i++)
			planned += plan->parts[i].quantity;
	}
	else
	{
		UsomDemand	demand = {product_id, line->location_id, units, true};
		UsomPlan   *plan = usom_sourcing_plan(&demand, 1, rows, nrows);

		for (int i = 0; i < plan->nassignments; i++)
			if (plan->assignments[i].row >= 0)
				planned += plan->assignments[i].quantity;
	}
	return planned;
}

UsomReplacement
usom_api_choose_substitute(const UsomOrderSet *set, int index, UsomQuantity units,
						   const UsomSubstitute *substitutes, int count, const UsomStockRow *rows, int nrows)
{
	const UsomLine *line = &set->lines[index];
	UsomReplacement best = {.order = line->order, .line_no = line->line_no};
	UsomStockRow *scratch = palloc_array(UsomStockRow, Max(nrows, 1));

	for (int i = 0; i < count; i++)
	{
		const UsomSubstitute *substitute = &substitutes[i];
		int64		most = units / substitute->quantity;
		int64		multiples;

		if (substitute->product_id != line->product_id || most == 0 ||
			most > USOM_QUANTITY_LIMIT / substitute->substitute_quantity)
			continue;
		memcpy(scratch, rows, nrows * sizeof(UsomStockRow));
		multiples = plan_units(set, index, substitute->substitute_id, most * substitute->substitute_quantity,
							   scratch, nrows) / substitute->substitute_quantity;
		if (multiples * substitute->quantity <= (best.substitute ? best.multiples * best.substitute->quantity : 0))
			continue;
		if (!line->partial && multiples * substitute->quantity < units)
			continue;
		best.substitute = substitute;
		best.multiples = multiples;
		if (multiples * substitute->quantity == units)
			break;
	}
	pfree(scratch);
	return best;
}

/* ---- carrying out ---- */

static void
replace_one(UsomOrderSet *set, UsomReplacement *replacement)
{
	const UsomSubstitute *substitute = replacement->substitute;
	int			index = usom_order_find_line(set, replacement->order, replacement->line_no);
	UsomLine	before = set->lines[index];
	UsomLine   *line;

	usom_api_withdraw(set, index, replacement->multiples * substitute->quantity, USOM_WITHDRAW_CANCEL);
	line = usom_order_insert_line(set, replacement->order);
	line->product_id = substitute->substitute_id;
	line->stocked = true;
	line->quantity = line->counters.by_state[USOM_PIECE_OPEN] = replacement->multiples * substitute->substitute_quantity;
	line->unit_price = replacement->unit_price;
	line->location_id = before.location_id;
	line->requested_at = before.requested_at;
	line->substitution = "none";
	line->partial = before.partial;
	usom_api_take_over_charges(&before, &set->lines[usom_order_find_line(set, replacement->order, replacement->line_no)],
							   line, replacement);
	replacement->substitute_line_no = line->line_no;
}

static char *
json_string(const char *value)
{
	StringInfoData quoted;

	initStringInfo(&quoted);
	escape_json(&quoted, value);
	return quoted.data;
}

Jsonb *
usom_api_describe_replacement(const UsomReplacement *replacement)
{
	const UsomSubstitute *substitute = replacement->substitute;
	const char *new_line = replacement->substitute_line_no > 0 ? psprintf("%d", replacement->substitute_line_no) : "null";
	char	   *json = psprintf("{\"line_no\": %d, \"sku\": %s, \"quantity\": %s, \"substitute_line_no\": %s, "
								"\"substitute_sku\": %s, \"substitute_quantity\": %s, \"unit_price\": %s}",
								replacement->line_no, json_string(substitute->sku),
								usom_quantity_text(replacement->multiples * substitute->quantity),
								new_line, json_string(substitute->substitute_sku),
								usom_quantity_text(replacement->multiples * substitute->substitute_quantity),
								DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(replacement->unit_price))));

	return DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(json)));
}

static void
settle(UsomOrderSet *set, const UsomReplacement *replacement)
{
	UsomOrder  *order = &set->orders[replacement->order];

	usom_order_settle(set, replacement->order, "substitute");
	order->event_line = replacement->line_no;
	order->event_quantity = usom_quantity_add(order->event_quantity, replacement->multiples * replacement->substitute->quantity);
	usom_order_tell(set, replacement->order, "substitution_accepted", usom_api_describe_replacement(replacement));
}

void
usom_api_replace(UsomOrderSet *set, UsomReplacement *replacements, int count)
{
	for (int i = 0; i < count; i++)
		replace_one(set, &replacements[i]);
	usom_api_tax_replacements(set, replacements, count);
	usom_api_allocate(set);
	for (int i = 0; i < count; i++)
		settle(set, &replacements[i]);
}

/* ---- what agreed beforehand ---- */

static bool
waits(const UsomOrderSet *set, int index)
{
	return agrees(set, &set->lines[index]) && set->lines[index].counters.by_state[USOM_PIECE_BACKORDERED] > 0;
}

static UsomOrderSet *
reload_waiting(const UsomOrderSet *set)
{
	int64	   *ids = palloc_array(int64, Max(set->nlines, 1));
	int			nids = 0;

	for (int i = 0; i < set->nlines; i++)
	{
		int64		id = set->orders[set->lines[i].order].sales_order_id;

		if (waits(set, i) && (nids == 0 || ids[nids - 1] != id))
			ids[nids++] = id;
	}
	return nids > 0 ? usom_order_load_many(set->org_id, ids, nids) : NULL;
}

static void
note_substitutions(const UsomOrderSet *set, const UsomReplacement *replacements, int count)
{
	UsomRows   *rows = usom_rows_make("_substitution_row", count);
	Datum		parameters[3] = {Int64GetDatum(set->org_id)};

	for (int i = 0; i < count; i++)
	{
		const UsomReplacement *done = &replacements[i];
		const UsomSubstitute *substitute = done->substitute;
		Datum		values[8] = {
			Int64GetDatum(set->orders[done->order].sales_order_id),
			Int32GetDatum(done->line_no),
			Int32GetDatum(done->substitute_line_no),
			Int64GetDatum(substitute->product_id),
			Int64GetDatum(substitute->substitute_id),
			NumericGetDatum(usom_quantity_stored(done->multiples * substitute->quantity)),
			NumericGetDatum(usom_quantity_stored(done->multiples * substitute->substitute_quantity)),
			NumericGetDatum(done->unit_price),
		};
		bool		nulls[8] = {false};

		usom_rows_add(rows, values, nulls);
	}
	parameters[1] = usom_rows_datum(rows);
	parameters[2] = TimestampTzGetDatum(usom_call_time());
	usom_query_write(&insert_done, parameters, NULL);
}

/* Choose for every line that waits; what one is given the next does not have. */
static UsomReplacement *
choose_all(const UsomOrderSet *set, int *count)
{
	UsomReplacement *chosen = palloc_array(UsomReplacement, Max(set->nlines, 1));
	int			nproducts;
	int64	   *products = short_products(set, &nproducts);
	int			nsubstitutes;
	UsomSubstitute *substitutes = usom_api_read_substitutes(set->org_id, products, nproducts, &nsubstitutes);
	int64	   *others = palloc_array(int64, Max(nsubstitutes, 1));
	UsomStockRow *rows;
	int			nrows;

	*count = 0;
	if (nsubstitutes == 0)
		return chosen;
	for (int i = 0; i < nsubstitutes; i++)
		others[i] = substitutes[i].substitute_id;
	rows = usom_stock_lock_products(set->org_id, others, nsubstitutes, usom_call_time(), false, &nrows);
	for (int i = 0; i < set->nlines; i++)
	{
		UsomReplacement *choice = &chosen[*count];

		if (!waits(set, i))
			continue;
		*choice = usom_api_choose_substitute(set, i, set->lines[i].counters.by_state[USOM_PIECE_BACKORDERED],
											 substitutes, nsubstitutes, rows, nrows);
		if (choice->multiples == 0)
			continue;
		plan_units(set, i, choice->substitute->substitute_id, choice->multiples * choice->substitute->substitute_quantity,
				   rows, nrows);
		(*count)++;
	}
	return chosen;
}

/* Headers as they are now, for those who answer with the set that was saved before. */
static void
copy_headers(UsomOrderSet *to, const UsomOrderSet *from)
{
	for (int i = 0; i < from->norders; i++)
		for (int j = 0; j < to->norders; j++)
			if (to->orders[j].sales_order_id == from->orders[i].sales_order_id)
			{
				to->orders[j].version = from->orders[i].version;
				to->orders[j].total = from->orders[i].total;
				to->orders[j].status = to->orders[j].status_before = from->orders[i].status;
				to->orders[j].flow_id = from->orders[i].flow_id;
				to->orders[j].flow_state = from->orders[i].flow_state;
			}
}

UsomOrderSet *
usom_api_substitute_waiting(UsomOrderSet *saved, UsomReplacement **replacements, int *count)
{
	UsomOrderSet *set = reload_waiting(saved);

	*count = 0;
	if (likely(set == NULL))
		return NULL;
	*replacements = choose_all(set, count);
	if (*count == 0)
		return NULL;
	usom_api_price_replacements(set, *replacements, *count);
	usom_api_replace(set, *replacements, *count);
	usom_order_save(set);
	usom_api_write_replacement_prices(set, *replacements, *count);
	note_substitutions(set, *replacements, *count);
	usom_credit_follow_set(set, USOM_CREDIT_CHANGES);
	copy_headers(saved, set);
	return set;
}
