/*
 * release_due.c
 *		usom.release_due(): what a location should have at work by now, and
 *		usom.void_release(): what it should not have.
 *
 * Due are reserved pieces whose day at their location has come (ships_on), or,
 * of those without one, those that nobody asked for later.  Orders that ship
 * complete go as a whole or not at all.  An order that something keeps costs
 * the run that order alone.
 *
 * Locks: the orders, by key; what credit asks for at release, by customer.
 * Orders are found before they are locked; what changed in between shows when
 * they are loaded.
 *
 * Memory: the call's.
 */
#include "postgres.h"

#include "fulfillment/fulfillment.h"
#include "fulfillment/handover.h"

#include "access/xact.h"
#include "base/call.h"
#include "base/card_guard.h"
#include "base/errors.h"
#include "base/query.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "order/answer.h"
#include "order/flow.h"
#include "party/party.h"
#include "utils/builtins.h"
#include "utils/resowner.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(usom_release_due);
PG_FUNCTION_INFO_V1(usom_void_release);

#define ANSWER_COLUMNS 4

static UsomQuery find_location = {
	.text = "SELECT l.location_id, usom._local_day(l.time_zone, $3) FROM usom.location AS l "
	"WHERE l.org_id = $1 AND l.location_id = usom.location_id($2)",
	.nargs = 3,
	.argtypes = {"bigint", "text", "timestamptz"},
};

/* $4: day at the location, $5: until, $6: at most, $7: channels that the caller sees. */
static UsomQuery find_due = {
	.text = "SELECT o.sales_order_id FROM usom.sales_order AS o WHERE o.org_id = $1 AND usom._status_text(o.status) = ANY ('{confirmed,processing,partially_shipped}') "
	"AND ($6 IS NULL OR o.channel_id = ANY ($6)) AND EXISTS (SELECT 1 FROM usom.fulfillment_line AS f "
	"JOIN usom.order_line AS l ON l.org_id = $1 AND l.sales_order_id = f.sales_order_id AND l.line_no = f.line_no "
	"WHERE f.org_id = $1 AND f.sales_order_id = o.sales_order_id AND f.status = 'reserved' AND f.location_id = $2 "
	"AND CASE WHEN f.ships_on IS NOT NULL THEN f.ships_on <= $3 ELSE coalesce(l.requested_at, o.requested_at, $4) <= $4 END) "
	"AND NOT EXISTS (SELECT 1 FROM usom.hold AS h WHERE h.org_id = $1 AND h.sales_order_id = o.sales_order_id AND h.released_at IS NULL "
	"AND (h.expires_at IS NULL OR h.expires_at > pg_catalog.statement_timestamp()) AND h.line_no IS NULL AND 'release' = ANY (h.blocks)) "
	"AND NOT (o.ship_complete AND EXISTS (SELECT 1 FROM usom.order_line AS w WHERE w.org_id = $1 AND w.sales_order_id = o.sales_order_id "
	"AND w.quantity_open + w.quantity_backordered > 0)) "
	"ORDER BY o.priority, o.requested_at NULLS LAST, o.placed_at, o.sales_order_id LIMIT $5",
	.nargs = 6,
	.argtypes = {"bigint", "bigint", "date", "timestamptz", "bigint", "bigint[]"},
};

static UsomQuery find_held = {
	.text = "SELECT DISTINCT h.sales_order_id FROM usom.hold AS h WHERE h.org_id = $1 AND h.sales_order_id = ANY ($2) AND h.released_at IS NULL "
	"AND (h.expires_at IS NULL OR h.expires_at > $3) AND 'release' = ANY (h.blocks)",
	.nargs = 3,
	.argtypes = {"bigint", "bigint[]", "timestamptz"},
};

typedef struct Outcome
{
	const char *outcome;		/* NULL: nothing to say */
	const char *message;
	UsomQuantity units;
} Outcome;

typedef struct Due
{
	UsomOrderSet *set;
	int64		location_id;
	DateADT		day;
	TimestampTz until;
	bool	   *held;			/* by order: a hold of some kind stands on it */
	Outcome    *outcomes;		/* by order */
} Due;

/* ---- find ---- */

static int64 *
find_orders(Due *due, int64 org_id, Datum most, int *count)
{
	Datum		values[6] = {
		Int64GetDatum(org_id), Int64GetDatum(due->location_id), DateADTGetDatum(due->day), TimestampTzGetDatum(due->until), most
	};
	bool		nulls[6] = {false};
	int64	   *ids;

	values[5] = usom_party_channels(&nulls[5]);
	*count = (int) usom_query_run(&find_due, values, nulls);
	ids = palloc_array(int64, *count + 1);
	for (int i = 0; i < *count; i++)
		ids[i] = DatumGetInt64(usom_query_get(i, 1));
	return ids;
}

/* Once they are locked. */
static void
look_at_holds(Due *due)
{
	UsomOrderSet *set = due->set;
	int64	   *ids = palloc_array(int64, set->norders + 1);
	Datum		values[3] = {Int64GetDatum(set->org_id), (Datum) 0, TimestampTzGetDatum(usom_call_time())};
	uint64		n;

	for (int i = 0; i < set->norders; i++)
		ids[i] = set->orders[i].sales_order_id;
	values[1] = usom_query_keys(ids, set->norders);
	due->held = palloc0_array(bool, set->norders + 1);
	n = usom_query_run(&find_held, values, NULL);
	for (uint64 row = 0; row < n; row++)
		for (int i = 0; i < set->norders; i++)
			due->held[i] |= set->orders[i].sales_order_id == DatumGetInt64(usom_query_get(row, 1));
}

/* ---- release ---- */

static bool
is_due(const Due *due, const UsomPiece *piece)
{
	const UsomLine *line = &due->set->lines[piece->line];
	const UsomOrder *order = &due->set->orders[line->order];
	TimestampTz requested_at = line->requested_at != USOM_NO_TIME ? line->requested_at : order->requested_at;

	if (piece->status != USOM_PIECE_RESERVED || piece->quantity == 0)
		return false;
	if (order->ship_complete)
		return true;
	if (piece->location_id != due->location_id)
		return piece->location_id == 0;
	if (piece->ships_on != USOM_NO_DAY)
		return piece->ships_on <= due->day;
	return requested_at == USOM_NO_TIME || requested_at <= due->until;
}

/* Of an order that ships complete, a unit that waits or is held keeps the others. */
static bool
is_whole(const Due *due, int order, const UsomHolds *holds)
{
	const UsomOrderSet *set = due->set;
	UsomCounters sum = usom_order_sum(set, order);

	if (!set->orders[order].ship_complete)
		return true;
	return sum.by_state[USOM_PIECE_OPEN] + sum.by_state[USOM_PIECE_BACKORDERED] == 0 && (holds == NULL || holds->count == 0);
}

static UsomQuantity
release_pieces(Due *due, int order, const UsomHolds *holds)
{
	UsomOrderSet *set = due->set;
	UsomQuantity units = 0;

	for (int i = 0; i < set->npieces; i++)
	{
		UsomQuantity quantity = set->pieces[i].quantity;

		if (set->lines[set->pieces[i].line].order != order || !is_due(due, &set->pieces[i]) ||
			usom_order_hold_of_piece(set, holds, i) != NULL)
			continue;
		usom_order_move_piece(set, i, USOM_PIECE_RELEASED, quantity, NULL);
		units = usom_quantity_add(units, quantity);
	}
	return units;
}

static bool
has_due(const Due *due, int order)
{
	for (int i = 0; i < due->set->npieces; i++)
		if (due->set->lines[due->set->pieces[i].line].order == order && due->set->pieces[i].location_id == due->location_id &&
			is_due(due, &due->set->pieces[i]))
			return true;
	return false;
}

static void
release_order(Due *due, int order)
{
	UsomOrderSet *set = due->set;
	UsomHolds  *holds = due->held[order] ? usom_order_read_holds(set, order, "release") : NULL;
	Outcome    *outcome = &due->outcomes[order];

	if (!has_due(due, order))
		return;
	if ((holds != NULL && usom_order_hold_of_all(holds) != NULL) || !is_whole(due, order, holds))
		return;
	if (set->orders[order].status < USOM_ORDER_PROCESSING && !usom_flow_allows(set, order, USOM_ORDER_PROCESSING))
	{
		outcome->outcome = "refused";
		outcome->message = "a guard of its flow does not let it begin: see usom.explain_steps()";
		return;
	}
	if (!usom_fulfillment_may_leave(set, order, "release"))
	{
		outcome->outcome = "held";
		outcome->message = "a check holds it: see usom.holds";
		return;
	}
	outcome->units = release_pieces(due, order, holds);
	if (outcome->units == 0)
		return;
	outcome->outcome = "released";
	set->orders[order].event_quantity = outcome->units;
	usom_order_settle(set, order, "release");
}

/* What is refused is the order's own business; what befell the server, or the transaction, ends the run. */
static bool
is_of_order(const ErrorData *error)
{
	return ERRCODE_TO_CATEGORY(error->sqlerrcode) == MAKE_SQLSTATE('U', 'S', '0', '0', '0');
}

/* Nothing of the order is moved before all that may refuse it has run. */
static void
try_order(Due *due, int order)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	ErrorData  *volatile error = NULL;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		release_order(due, order);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	if (error == NULL)
		return;
	if (!is_of_order(error))
		ReThrowError(error);
	due->outcomes[order] = (Outcome) {"refused", error->message, 0};
}

typedef struct Turn
{
	int64		customer_id;
	int			order;
} Turn;

static int
compare_turns(const void *a, const void *b)
{
	const Turn *left = a;
	const Turn *right = b;

	if (left->customer_id != right->customer_id)
		return left->customer_id < right->customer_id ? -1 : 1;
	return left->order - right->order;
}

/* By customer, so that runs that ask for credit do so in one order. */
static void
release_all(Due *due)
{
	UsomOrderSet *set = due->set;
	UsomWork   *work = usom_fulfillment_look(set);
	Turn	   *turns = palloc_array(Turn, set->norders + 1);

	due->outcomes = palloc0_array(Outcome, set->norders + 1);
	for (int i = 0; i < set->norders; i++)
		turns[i] = (Turn) {set->orders[i].customer_id, i};
	qsort(turns, set->norders, sizeof(Turn), compare_turns);
	for (int i = 0; i < set->norders; i++)
	{
		CHECK_FOR_INTERRUPTS();
		try_order(due, turns[i].order);
	}
	usom_fulfillment_tell(set, work);
	usom_order_save(set);
}

static void
put_outcomes(ReturnSetInfo *result, const Due *due)
{
	for (int i = 0; i < due->set->norders; i++)
	{
		const Outcome *outcome = &due->outcomes[i];
		bool		nulls[ANSWER_COLUMNS] = {false, false, false, outcome->message == NULL};
		Datum		values[ANSWER_COLUMNS] = {CStringGetTextDatum(due->set->orders[i].order_no)};

		if (outcome->outcome == NULL)
			continue;
		values[1] = CStringGetTextDatum(outcome->outcome);
		values[2] = NumericGetDatum(usom_quantity_numeric(outcome->units));
		values[3] = outcome->message ? CStringGetTextDatum(outcome->message) : (Datum) 0;
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
}

static Datum
most_argument(FunctionCallInfo fcinfo)
{
	usom_order_arg_required(fcinfo, 2, "max_orders");
	if (PG_GETARG_INT32(2) < 1 || PG_GETARG_INT32(2) > 10000)
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("max_orders must be from 1 to 10000, not %d", PG_GETARG_INT32(2)),
				errhint("Call usom.release_due() again for the next ones."));
	return Int64GetDatum(PG_GETARG_INT32(2));
}

/* usom.release_due(location text, until timestamptz, max_orders integer) */
Datum
usom_release_due(PG_FUNCTION_ARGS)
{
	Due			due = {0};
	int64		org_id;
	Datum		values[3];
	Datum		most;
	int			count;
	int64	   *ids;

	usom_card_check_call(fcinfo);
	InitMaterializedSRF(fcinfo, 0);
	usom_call_begin("release_due", NULL);
	usom_order_arg_required(fcinfo, 0, "location");
	usom_order_arg_required(fcinfo, 1, "until");
	most = most_argument(fcinfo);
	org_id = usom_party_org();
	due.until = PG_GETARG_TIMESTAMPTZ(1);
	values[0] = Int64GetDatum(org_id);
	values[1] = PG_GETARG_DATUM(0);
	values[2] = PG_GETARG_DATUM(1);
	usom_query_run(&find_location, values, NULL);
	due.location_id = DatumGetInt64(usom_query_get(0, 1));
	due.day = DatumGetDateADT(usom_query_get(0, 2));
	ids = find_orders(&due, org_id, most, &count);
	due.set = usom_order_load_many(org_id, ids, count);
	look_at_holds(&due);
	release_all(&due);
	put_outcomes((ReturnSetInfo *) fcinfo->resultinfo, &due);
	usom_call_end();
	return (Datum) 0;
}

/* ---- void_release ---- */

static void
refuse_late(const UsomOrderSet *set, int piece)
{
	const UsomPiece *late = &set->pieces[piece];

	ereport(ERROR, errcode(USOM_ERR(PAST_CUT_OFF)),
			errmsg("order \"%s\" was released too long ago to be called back", set->orders[0].order_no),
			errdetail("%s units of line %d are %s, and the cut-off has passed.", usom_quantity_text(late->quantity),
					  set->lines[late->line].line_no, usom_piece_lifecycle_table.labels[late->status]),
			errhint("Call usom.cancel_line() or usom.cancel_order(): the warehouse is asked."));
}

static UsomQuantity
put_back_pieces(UsomOrderSet *set, int64 location_id)
{
	const UsomCuts *cuts = usom_fulfillment_read_cuts(set, 0, USOM_CUT_CANCEL);
	UsomQuantity units = 0;
	int			npieces = set->npieces;

	for (int i = 0; i < npieces; i++)
	{
		const UsomPiece piece = set->pieces[i];

		if (piece.status < USOM_PIECE_RELEASED || piece.status > USOM_PIECE_PACKED || piece.quantity == 0 ||
			(location_id != 0 && piece.location_id != location_id))
			continue;
		if (usom_fulfillment_judge(cuts, piece.location_id, piece.status) == USOM_CUT_ASK)
			refuse_late(set, i);
		usom_fulfillment_put_back(set, i, USOM_PIECE_RESERVED, piece.quantity);
		units = usom_quantity_add(units, piece.quantity);
	}
	return units;
}

/* usom.void_release(order_no text, reason text, location text) */
Datum
usom_void_release(PG_FUNCTION_ARGS)
{
	UsomAnswer *answer = usom_order_answer_begin(fcinfo, "void_release", 1);
	UsomOrderSet *set = usom_order_load(usom_party_org(), usom_order_arg_text(fcinfo, 0, "order_no"));
	Datum		values[3] = {Int64GetDatum(set->org_id), (Datum) 0, TimestampTzGetDatum(usom_call_time())};
	int64		location_id = 0;
	UsomWork   *work;

	if (!PG_ARGISNULL(2))
	{
		values[1] = PG_GETARG_DATUM(2);
		usom_query_run(&find_location, values, NULL);
		location_id = DatumGetInt64(usom_query_get(0, 1));
	}
	if (!usom_order_is_running(set->orders[0].status))
		usom_order_refuse(set->orders[0].order_no, "call back", set->orders[0].status);
	work = usom_fulfillment_look(set);
	set->orders[0].event_quantity = put_back_pieces(set, location_id);
	if (set->orders[0].event_quantity > 0)
	{
		usom_order_settle(set, 0, "void_release");
		usom_fulfillment_tell(set, work);
		usom_order_save(set);
	}
	return usom_order_answer_status(answer, set);
}
