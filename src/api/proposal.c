/*
 * proposal.c
 *		usom.propose_substitution(), accept_substitution(),
 *		decline_substitution(), substitute_backorders().
 *
 * A proposal keeps the units of the substitute by soft reservations of its
 * own, which end when it does.  Whether it is still open is read, not swept.
 *
 * Locks: the order; then stock, by reservations (proposing) or by allocation
 * (accepting).  A proposal is decided under the lock of its order.
 *
 * Memory: the call's.
 */
#include "postgres.h"

#include "api/substitute.h"

#include "api/api.h"
#include "base/call.h"
#include "base/card_guard.h"
#include "base/errors.h"
#include "base/query.h"
#include "funcapi.h"
#include "order/answer.h"
#include "order/news.h"
#include "party/party.h"
#include "payment/credit.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(usom_propose_substitution);
PG_FUNCTION_INFO_V1(usom_accept_substitution);
PG_FUNCTION_INFO_V1(usom_decline_substitution);
PG_FUNCTION_INFO_V1(usom_substitute_backorders);

static UsomQuery insert_proposal = {
	.text = "INSERT INTO usom.line_substitution (org_id, sales_order_id, line_no, product_id, substitute_product_id, "
	"quantity, substitute_quantity, unit_price, status, automatic, expires_at) "
	"VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'proposed', false, $9) RETURNING substitution_id",
	.nargs = 9,
	.argtypes = {
		"bigint", "bigint", "integer", "bigint", "bigint", "usom.positive_quantity", "usom.positive_quantity",
		"usom.price_amount", "timestamptz"
	},
};

static UsomQuery keep_units = {
	.text = "SELECT usom.reserve_stock('substitution ' || $1, l.code, p.sku, $4, $5 - $6) "
	"FROM usom.location l, usom.product p WHERE l.org_id = $7 AND l.location_id = $2 AND p.org_id = $7 AND p.product_id = $3",
	.nargs = 7,
	.argtypes = {"bigint", "bigint", "bigint", "numeric", "timestamptz", "timestamptz", "bigint"},
};

static UsomQuery free_units = {
	.text = "SELECT usom.release_stock(r.reservation_id) FROM usom.reservation r "
	"WHERE r.org_id = $1 AND r.owner = 'substitution ' || $2 ORDER BY r.product_id, r.location_id, r.lot",
	.nargs = 2,
	.argtypes = {"bigint", "bigint"},
};

static UsomQuery find_order = {
	.text = "SELECT o.order_no FROM usom.line_substitution s JOIN usom.sales_order o ON o.org_id = s.org_id "
	"AND o.sales_order_id = s.sales_order_id WHERE s.org_id = $1 AND s.substitution_id = $2",
	.nargs = 2,
	.argtypes = {"bigint", "bigint"},
};

static UsomQuery read_proposal = {
	.text = "SELECT s.line_no, s.product_id, s.substitute_product_id, s.quantity, s.substitute_quantity, s.unit_price, "
	"s.status, s.expires_at, p.sku, t.sku FROM usom.line_substitution s "
	"JOIN usom.product p ON p.org_id = s.org_id AND p.product_id = s.product_id "
	"JOIN usom.product t ON t.org_id = s.org_id AND t.product_id = s.substitute_product_id "
	"WHERE s.org_id = $1 AND s.substitution_id = $2",
	.nargs = 2,
	.argtypes = {"bigint", "bigint"},
};

static UsomQuery decide = {
	.text = "UPDATE usom.line_substitution AS s SET status = $3, decided_at = $4, decided_by = session_user, reason = $5, "
	"substitute_line_no = $6 "
	"WHERE s.org_id = $1 AND s.substitution_id = $2",
	.nargs = 6,
	.argtypes = {"bigint", "bigint", "text", "timestamptz", "text", "integer"},
};

static UsomQuery find_waiting = {
	.text = "SELECT DISTINCT l.sales_order_id FROM usom.fulfillment_line f "
	"JOIN usom.order_line l ON l.org_id = f.org_id AND l.sales_order_id = f.sales_order_id AND l.line_no = f.line_no "
	"WHERE f.org_id = $1 AND f.location_id IS NULL AND f.status = 'backordered' AND l.substitution = 'allowed' "
	"AND ($2 IS NULL OR f.product_id = (SELECT p.product_id FROM usom.product p WHERE p.org_id = $1 AND p.sku = $2)) "
	"AND ($3 IS NULL OR EXISTS (SELECT 1 FROM usom.sales_order o WHERE o.org_id = $1 "
	"AND o.sales_order_id = f.sales_order_id AND o.channel_id = ANY ($3))) ORDER BY l.sales_order_id",
	.nargs = 3,
	.argtypes = {"bigint", "text", "bigint[]"},
};

/* An open proposal, read under the lock of its order. */
typedef struct Proposal
{
	int64		substitution_id;
	UsomSubstitute substitute;	/* quantities are those proposed */
	int32		line_no;
	Numeric		unit_price;
} Proposal;

/* ---- propose ---- */

static void
refuse_nothing(const UsomOrder *order, const UsomLine *line, UsomQuantity wanted)
{
	ereport(ERROR, errcode(USOM_ERR(NOTHING_TO_SUBSTITUTE)),
			errmsg("line %d of order \"%s\" has no such units that wait", line->line_no, order->order_no),
			errdetail("%s wait, %s were asked for.",
					  usom_quantity_text(line->counters.by_state[USOM_PIECE_BACKORDERED]), usom_quantity_text(wanted)),
			errhint("Look it up in usom.backorders."));
}

static UsomQuantity
wanted_units(const UsomOrderSet *set, int index, bool given, Numeric quantity)
{
	const UsomLine *line = &set->lines[index];
	UsomQuantity waiting = line->counters.by_state[USOM_PIECE_BACKORDERED];
	UsomQuantity wanted = given ? usom_quantity_of(quantity) : waiting;

	if (wanted <= 0 || wanted > waiting)
		refuse_nothing(&set->orders[0], line, wanted);
	return wanted;
}

/* Only one substitute, if it was named. */
static UsomSubstitute *
candidates(const UsomOrderSet *set, int index, const char *sku, int *count)
{
	UsomSubstitute *all = usom_api_read_substitutes(set->org_id, &set->lines[index].product_id, 1, count);
	int			kept = 0;

	for (int i = 0; i < *count; i++)
		if (sku == NULL || strcmp(all[i].substitute_sku, sku) == 0)
			all[kept++] = all[i];
	*count = kept;
	return all;
}

static UsomReplacement
choose(const UsomOrderSet *set, int index, UsomQuantity units, const char *sku, UsomStockRow **rows, int *nrows)
{
	int			count;
	UsomSubstitute *substitutes = candidates(set, index, sku, &count);
	int64	   *products = palloc_array(int64, Max(count, 1));
	UsomReplacement choice = {0};

	for (int i = 0; i < count; i++)
		products[i] = substitutes[i].substitute_id;
	*rows = usom_stock_look_at_products(set->org_id, products, count, usom_call_time(), nrows);
	if (count > 0)
		choice = usom_api_choose_substitute(set, index, units, substitutes, count, *rows, *nrows);
	if (choice.multiples == 0)
		ereport(ERROR, errcode(USOM_ERR(NO_SUBSTITUTE)),
				errmsg("nothing that is available may replace line %d of order \"%s\"",
					   set->lines[index].line_no, set->orders[0].order_no),
				errdetail_plural("%d rule of usom.substitute was looked at.", "%d rules of usom.substitute were looked at.", count, count),
				errhint("Look at usom.substitutes, or receive stock."));
	return choice;
}

static void
keep_row(int64 org_id, int64 substitution_id, const UsomStockRow *row, UsomQuantity units, TimestampTz expires_at)
{
	Datum		values[7] = {
		Int64GetDatum(substitution_id),
		Int64GetDatum(row->key.location_id),
		Int64GetDatum(row->key.product_id),
		NumericGetDatum(usom_quantity_numeric(units)),
		TimestampTzGetDatum(expires_at),
		TimestampTzGetDatum(usom_call_time()),
		Int64GetDatum(org_id),
	};

	usom_query_run(&keep_units, values, NULL);
}

/* An owner has one reservation at a location, which is from one lot: the row is the best of its location. */
static bool
is_best_lot(const UsomStockRow *rows, int nrows, int index)
{
	for (int i = 0; i < nrows; i++)
		if (rows[i].key.product_id == rows[index].key.product_id && rows[i].key.location_id == rows[index].key.location_id &&
			(rows[i].available > rows[index].available || (rows[i].available == rows[index].available && i < index)))
			return false;
	return true;
}

/* From one row that has all; else from location to location in lock order. */
static void
keep(const UsomOrderSet *set, int64 substitution_id, const UsomReplacement *choice, TimestampTz expires_at,
	 const UsomStockRow *rows, int nrows)
{
	int			line = usom_order_find_line(set, 0, choice->line_no);
	UsomQuantity left = choice->multiples * choice->substitute->substitute_quantity;
	bool		whole = false;

	for (int i = 0; i < nrows; i++)
		whole |= rows[i].key.product_id == choice->substitute->substitute_id && rows[i].available >= left;
	for (int i = 0; i < nrows && left > 0; i++)
	{
		UsomQuantity units = Min(left, rows[i].available);

		if (rows[i].key.product_id != choice->substitute->substitute_id || units <= 0 || (whole && units < left) ||
			(set->lines[line].location_id != 0 && rows[i].key.location_id != set->lines[line].location_id) ||
			!is_best_lot(rows, nrows, i))
			continue;
		keep_row(set->org_id, substitution_id, &rows[i], units, expires_at);
		left -= units;
	}
}

static int64
write_proposal(const UsomOrderSet *set, const UsomReplacement *choice, TimestampTz expires_at)
{
	const UsomSubstitute *substitute = choice->substitute;
	Datum		values[9] = {
		Int64GetDatum(set->org_id),
		Int64GetDatum(set->orders[0].sales_order_id),
		Int32GetDatum(choice->line_no),
		Int64GetDatum(substitute->product_id),
		Int64GetDatum(substitute->substitute_id),
		NumericGetDatum(usom_quantity_stored(choice->multiples * substitute->quantity)),
		NumericGetDatum(usom_quantity_stored(choice->multiples * substitute->substitute_quantity)),
		NumericGetDatum(choice->unit_price),
		TimestampTzGetDatum(expires_at),
	};

	usom_query_write(&insert_proposal, values, NULL);
	return DatumGetInt64(usom_query_get(0, 1));
}

static TimestampTz
expiry(FunctionCallInfo fcinfo, int arg)
{
	TimestampTz expires_at;

	usom_order_arg_required(fcinfo, arg, "ttl");
	expires_at = DatumGetTimestampTz(DirectFunctionCall2(timestamptz_pl_interval, TimestampTzGetDatum(usom_call_time()),
														 PG_GETARG_DATUM(arg)));
	if (expires_at <= usom_call_time() || TIMESTAMP_NOT_FINITE(expires_at))
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("a proposal must stand for some time"),
				errdetail("It would expire at %s.", timestamptz_to_str(expires_at)),
				errhint("Give a ttl above zero, as interval '2 days'."));
	return expires_at;
}

static void
check_running(const UsomOrderSet *set)
{
	if (!usom_order_is_running(set->orders[0].status))
		usom_order_refuse(set->orders[0].order_no, "substitute", set->orders[0].status);
}

static void
note_event(UsomOrderSet *set, const char *event, const UsomReplacement *replacement, int64 substitution_id)
{
	UsomOrder  *order = &set->orders[0];

	order->event = event;
	order->event_line = replacement->line_no;
	order->event_quantity = replacement->multiples * replacement->substitute->quantity;
	order->event_reference = psprintf(INT64_FORMAT, substitution_id);
	order->changed = true;
}

Datum
usom_propose_substitution(PG_FUNCTION_ARGS)
{
	UsomOrderSet *set;
	UsomReplacement choice;
	UsomStockRow *rows;
	int			nrows;
	int			line;
	int64		substitution_id;
	TimestampTz expires_at;

	usom_card_check_call(fcinfo);
	usom_call_begin("propose_substitution", NULL);
	expires_at = expiry(fcinfo, 4);
	set = usom_order_load(usom_party_org(), usom_order_arg_text(fcinfo, 0, "order_no"));
	usom_order_arg_required(fcinfo, 1, "line_no");
	check_running(set);
	line = usom_order_find_line(set, 0, PG_GETARG_INT32(1));
	usom_order_check_no_component(set, line, "substitute");
	choice = choose(set, line, wanted_units(set, line, !PG_ARGISNULL(3), PG_ARGISNULL(3) ? NULL : PG_GETARG_NUMERIC(3)),
					PG_ARGISNULL(2) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(2)), &rows, &nrows);
	usom_api_price_replacements(set, &choice, 1);
	substitution_id = write_proposal(set, &choice, expires_at);
	keep(set, substitution_id, &choice, expires_at, rows, nrows);
	note_event(set, "propose_substitution", &choice, substitution_id);
	usom_order_tell(set, 0, "substitution_proposed", usom_api_describe_replacement(&choice));
	usom_order_save(set);
	usom_call_end();
	PG_RETURN_INT64(substitution_id);
}

/* ---- decide ---- */

static void
refuse_decided(int64 substitution_id, const char *detail)
{
	ereport(ERROR, errcode(USOM_ERR(UNKNOWN_SUBSTITUTION)),
			errmsg("no open proposal of a substitution " INT64_FORMAT, substitution_id),
			errdetail("%s", detail),
			errhint("Look it up in usom.substitutions, or call usom.propose_substitution()."));
}

/* Locks the order of the proposal. */
static UsomOrderSet *
load_order(int64 substitution_id)
{
	Datum		values[2] = {Int64GetDatum(usom_party_org()), Int64GetDatum(substitution_id)};

	if (usom_query_run(&find_order, values, NULL) == 0)
		refuse_decided(substitution_id, "There is none with this key.");
	return usom_order_load(usom_party_org(), usom_query_get_text(0, 1));
}

static Proposal
read_open(const UsomOrderSet *set, int64 substitution_id)
{
	Datum		values[2] = {Int64GetDatum(set->org_id), Int64GetDatum(substitution_id)};
	Proposal	proposal = {.substitution_id = substitution_id};
	const char *status;
	TimestampTz expires_at;

	usom_query_run(&read_proposal, values, NULL);
	status = usom_query_get_text(0, 7);
	if (strcmp(status, "proposed") != 0)
		refuse_decided(substitution_id, psprintf("It was %s.", status));
	expires_at = DatumGetTimestampTz(usom_query_get(0, 8));
	if (expires_at <= usom_call_time())
		refuse_decided(substitution_id, psprintf("It expired at %s.", timestamptz_to_str(expires_at)));
	proposal.line_no = DatumGetInt32(usom_query_get(0, 1));
	proposal.unit_price = DatumGetNumericCopy(usom_query_get(0, 6));
	proposal.substitute = (UsomSubstitute) {
		.product_id = DatumGetInt64(usom_query_get(0, 2)),
		.substitute_id = DatumGetInt64(usom_query_get(0, 3)),
		.quantity = usom_quantity_of(DatumGetNumeric(usom_query_get(0, 4))),
		.substitute_quantity = usom_quantity_of(DatumGetNumeric(usom_query_get(0, 5))),
		.sku = usom_query_get_text(0, 9),
		.substitute_sku = usom_query_get_text(0, 10),
	};
	return proposal;
}

static void
write_decision(const UsomOrderSet *set, const Proposal *proposal, const char *status, const UsomReplacement *done)
{
	const char *reason = usom_call_reason();
	Datum		values[6] = {
		Int64GetDatum(set->org_id),
		Int64GetDatum(proposal->substitution_id),
		CStringGetTextDatum(status),
		TimestampTzGetDatum(usom_call_time()),
		reason ? CStringGetTextDatum(reason) : (Datum) 0,
		Int32GetDatum(done ? done->substitute_line_no : 0),
	};
	bool		nulls[6] = {false, false, false, false, reason == NULL, done == NULL};

	usom_query_write(&decide, values, nulls);
}

Datum
usom_accept_substitution(PG_FUNCTION_ARGS)
{
	UsomAnswer *answer = usom_order_answer_begin(fcinfo, "accept_substitution", -1);
	UsomOrderSet *set;
	UsomReplacement replacement = {0};
	Proposal	proposal;
	UsomCredit *credit;
	int			line;

	usom_order_arg_required(fcinfo, 0, "substitution_id");
	set = load_order(PG_GETARG_INT64(0));
	check_running(set);
	proposal = read_open(set, PG_GETARG_INT64(0));
	line = usom_order_find_line(set, 0, proposal.line_no);
	if (set->lines[line].product_id != proposal.substitute.product_id ||
		set->lines[line].counters.by_state[USOM_PIECE_BACKORDERED] < proposal.substitute.quantity)
		refuse_nothing(&set->orders[0], &set->lines[line], proposal.substitute.quantity);
	replacement.line_no = proposal.line_no;
	replacement.substitute = &proposal.substitute;
	replacement.multiples = 1;
	replacement.unit_price = proposal.unit_price;
	set->owners = palloc_array(const char *, 1);
	set->owners[set->nowners++] = psprintf("substitution " INT64_FORMAT, proposal.substitution_id);
	credit = usom_credit_open(set);
	usom_api_replace(set, &replacement, 1);
	set->orders[0].event_reference = psprintf(INT64_FORMAT, proposal.substitution_id);
	usom_order_save(set);
	usom_api_write_replacement_prices(set, &replacement, 1);
	write_decision(set, &proposal, "accepted", &replacement);
	usom_credit_close(credit, USOM_CREDIT_CHANGES);
	return usom_order_answer_status(answer, set);
}

Datum
usom_decline_substitution(PG_FUNCTION_ARGS)
{
	UsomAnswer *answer = usom_order_answer_begin(fcinfo, "decline_substitution", 1);
	UsomOrderSet *set;
	UsomReplacement replacement = {.multiples = 1};
	Datum		values[2];
	Proposal	proposal;

	usom_order_arg_required(fcinfo, 0, "substitution_id");
	set = load_order(PG_GETARG_INT64(0));
	proposal = read_open(set, PG_GETARG_INT64(0));
	replacement.line_no = proposal.line_no;
	replacement.substitute = &proposal.substitute;
	replacement.unit_price = proposal.unit_price;
	values[0] = Int64GetDatum(set->org_id);
	values[1] = Int64GetDatum(proposal.substitution_id);
	usom_query_run(&free_units, values, NULL);
	note_event(set, "decline_substitution", &replacement, proposal.substitution_id);
	usom_order_tell(set, 0, "substitution_declined", usom_api_describe_replacement(&replacement));
	usom_order_save(set);
	write_decision(set, &proposal, "declined", NULL);
	return usom_order_answer_status(answer, set);
}

/* ---- all that agreed beforehand ---- */

static UsomOrderSet *
load_waiting(FunctionCallInfo fcinfo)
{
	Datum		values[3] = {Int64GetDatum(usom_party_org()), PG_ARGISNULL(0) ? (Datum) 0 : PG_GETARG_DATUM(0)};
	bool		nulls[3] = {false, PG_ARGISNULL(0), false};
	uint64		n;
	int64	   *ids;

	values[2] = usom_party_channels(&nulls[2]);
	n = usom_query_run(&find_waiting, values, nulls);
	ids = palloc_array(int64, n + 1);
	for (uint64 row = 0; row < n; row++)
		ids[row] = DatumGetInt64(usom_query_get(row, 1));
	return usom_order_load_many(usom_party_org(), ids, (int) n);
}

static void
put_replacement(ReturnSetInfo *result, const UsomOrderSet *set, const UsomReplacement *done)
{
	bool		nulls[6] = {false};
	Datum		values[6] = {
		CStringGetTextDatum(set->orders[done->order].order_no),
		Int32GetDatum(done->line_no),
		NumericGetDatum(usom_quantity_numeric(done->multiples * done->substitute->quantity)),
		Int32GetDatum(done->substitute_line_no),
		CStringGetTextDatum(done->substitute->substitute_sku),
		NumericGetDatum(usom_quantity_numeric(done->multiples * done->substitute->substitute_quantity)),
	};

	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

Datum
usom_substitute_backorders(PG_FUNCTION_ARGS)
{
	UsomReplacement *replacements;
	UsomOrderSet *waiting;
	UsomOrderSet *set;
	int			count;

	usom_card_check_call(fcinfo);
	InitMaterializedSRF(fcinfo, 0);
	usom_call_begin("substitute_backorders", NULL);
	waiting = load_waiting(fcinfo);
	usom_credit_lock(waiting->org_id, &waiting, 1);
	set = usom_api_substitute_waiting(waiting, &replacements, &count);
	for (int i = 0; i < count; i++)
		put_replacement((ReturnSetInfo *) fcinfo->resultinfo, set, &replacements[i]);
	usom_call_end();
	return (Datum) 0;
}
