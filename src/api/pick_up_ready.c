/*
 * pick_up_ready.c
 *		usom.ready_pickup(), usom.collect_pickup(), usom.reject_pickup() and
 *		usom.put_back_pickups(): from the shelf of a store to its customer, or
 *		back.
 *
 * What is put aside is picked; fetching it is shipping and delivering it, by
 * the verbs for that.  What a store cannot put aside waits, as any unit that
 * is not there, and a hold keeps it until somebody decides: nothing sends it
 * instead.  Whoever does not come in time is put back by a person or a timer,
 * never by the clock alone.
 *
 * Locks: the orders; stock rows by save.  Memory: the call's.
 */
#include "postgres.h"

#include "api/pick_up.h"

#include "api/price.h"
#include "api/waits.h"
#include "api/withdraw.h"
#include "base/call.h"
#include "base/card_guard.h"
#include "base/errors.h"
#include "base/payload.h"
#include "base/query.h"
#include "fulfillment/fulfillment.h"
#include "fulfillment/handover.h"
#include "fulfillment/pickup.h"
#include "funcapi.h"
#include "order/answer.h"
#include "order/news.h"
#include "party/party.h"
#include "payment/credit.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(usom_ready_pickup);
PG_FUNCTION_INFO_V1(usom_collect_pickup);
PG_FUNCTION_INFO_V1(usom_reject_pickup);
PG_FUNCTION_INFO_V1(usom_put_back_pickups);

static UsomOrderSet *
load_pick_up(FunctionCallInfo fcinfo)
{
	UsomOrderSet *set = usom_order_load(usom_party_org(), usom_order_arg_text(fcinfo, 0, "order_no"));

	usom_api_check_pick_up(&set->orders[0], "Other orders are shipped with usom.ship().");
	return set;
}

static bool
is_put_aside(const UsomPiece *piece)
{
	return piece->quantity > 0 && (piece->status == USOM_PIECE_PICKED || piece->status == USOM_PIECE_PACKED);
}

static UsomQuantity
units_put_aside(const UsomOrderSet *set, int order)
{
	UsomQuantity units = 0;

	for (int i = 0; i < set->npieces; i++)
		if (set->lines[set->pieces[i].line].order == order && is_put_aside(&set->pieces[i]))
			units = usom_quantity_add(units, set->pieces[i].quantity);
	return units;
}

static void
refuse_empty(const UsomOrder *order, const char *verb)
{
	ereport(ERROR, errcode(USOM_ERR(NOTHING_PUT_ASIDE)),
			errmsg("nothing of order \"%s\" is there to %s", order->order_no, verb),
			errdetail("Its units wait, are put aside already, or have left."),
			errhint("Look at usom.order_pieces and usom.pickups."));
}

/* ---- ready ---- */

/* Released goods of the place become picked; returns how many units. */
static UsomQuantity
put_aside(UsomOrderSet *set, int64 place, const UsomHolds *holds)
{
	UsomQuantity units = 0;
	int			npieces = set->npieces;

	usom_fulfillment_release(set, 0, place, holds);
	for (int i = 0; i < npieces; i++)
	{
		const UsomPiece *piece = &set->pieces[i];

		if (piece->status != USOM_PIECE_RELEASED || piece->location_id != place || usom_order_hold_of_piece(set, holds, i) != NULL)
			continue;
		units = usom_quantity_add(units, piece->quantity);
		usom_order_move_piece(set, i, USOM_PIECE_PICKED, piece->quantity, NULL);
	}
	return units;
}

static UsomPickup
make_ready(UsomOrderSet *set, int64 place, UsomQuantity units, FunctionCallInfo fcinfo)
{
	UsomPickup	pickup = usom_pickup_make_ready(set, 0, place, PG_ARGISNULL(1) ? USOM_NO_TIME : PG_GETARG_TIMESTAMPTZ(1));
	UsomPayload payload = usom_payload_begin();

	usom_payload_text(&payload, "location", pickup.location);
	usom_payload_time(&payload, "collect_until", pickup.collect_until);
	usom_payload_quantity(&payload, "quantity", units_put_aside(set, 0));
	usom_order_tell(set, 0, "pickup_ready", usom_payload_end(&payload));
	set->orders[0].event_quantity = units;
	set->orders[0].event_reference = pickup.location;
	usom_order_settle(set, 0, "ready_pickup");
	usom_order_save(set);
	return pickup;
}

static Datum
answer_ready(UsomAnswer *answer, const UsomOrderSet *set, const UsomPickup *pickup)
{
	const UsomOrder *order = &set->orders[0];
	bool		nulls[4] = {false, false, pickup == NULL, pickup == NULL};
	Datum		values[4] = {CStringGetTextDatum(usom_order_lifecycle_table.labels[order->status]), Int32GetDatum(order->version)};

	if (pickup != NULL)
	{
		values[2] = CStringGetTextDatum(pickup->location);
		values[3] = TimestampTzGetDatum(pickup->collect_until);
	}
	return usom_order_answer_row(answer, values, nulls);
}

static void
check_window(FunctionCallInfo fcinfo, int arg)
{
	if (!PG_ARGISNULL(arg) && (TIMESTAMP_NOT_FINITE(PG_GETARG_TIMESTAMPTZ(arg)) || PG_GETARG_TIMESTAMPTZ(arg) <= usom_call_time()))
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("collect_until must be a moment to come"),
				errhint("Leave it null to keep it as long as pickup_days of the location says."));
}

/* usom.ready_pickup(order_no, collect_until) */
Datum
usom_ready_pickup(PG_FUNCTION_ARGS)
{
	UsomAnswer *answer = usom_order_answer_begin(fcinfo, "ready_pickup", -1);
	UsomOrderSet *set = load_pick_up(fcinfo);
	UsomPickup	pickup;
	const UsomHolds *holds;
	UsomQuantity units;
	int64		place = usom_api_pick_up_place(set, 0);

	check_window(fcinfo, 1);
	if (!usom_order_is_running(set->orders[0].status) || set->orders[0].status >= USOM_ORDER_SHIPPED)
		usom_order_refuse(set->orders[0].order_no, "put aside", set->orders[0].status);
	if (place == 0)
		refuse_empty(&set->orders[0], "put aside");
	usom_pickup_decide(set, 0);
	holds = usom_order_check_whole(set, 0, "release");
	usom_fulfillment_check_releasable(set, 0);
	if (!usom_fulfillment_may_leave(set, 0, "release"))
	{
		usom_order_save(set);
		return answer_ready(answer, set, NULL);
	}
	units = put_aside(set, place, holds);
	if (units == 0 && usom_pickup_read(set, 0, &pickup))
		return answer_ready(answer, set, &pickup);
	if (units_put_aside(set, 0) == 0)
		refuse_empty(&set->orders[0], "put aside");
	pickup = make_ready(set, place, units, fcinfo);
	return answer_ready(answer, set, &pickup);
}

/* ---- collect ---- */

static UsomQuery ship_lines = {
	.text = "SELECT usom.ship($1, $2, NULL, NULL)",
	.nargs = 2,
	.argtypes = {"text", "jsonb"},
};

static UsomQuery deliver_shipments = {
	.text = "SELECT count(*) FROM unnest(string_to_array($1, ', ')) AS n (shipment_no) CROSS JOIN LATERAL usom.deliver(n.shipment_no, $2) AS d",
	.nargs = 2,
	.argtypes = {"text", "timestamptz"},
};

static UsomQuery find_collected = {
	.text = "SELECT s.shipment_no FROM usom.shipment AS s JOIN usom.pickup AS p "
	"ON p.org_id = $1 AND p.sales_order_id = s.sales_order_id AND p.location_id = s.location_id AND p.status = 'collected' "
	"WHERE s.org_id = $1 AND s.sales_order_id = $2 ORDER BY s.shipment_id DESC LIMIT 1",
	.nargs = 2,
	.argtypes = {"bigint", "bigint"},
};

static void
push_number(JsonbParseState **state, const char *key, Numeric value)
{
	JsonbValue	item = {.type = jbvString};

	item.val.string.val = unconstify(char *, key);
	item.val.string.len = strlen(key);
	pushJsonbValue(state, WJB_KEY, &item);
	item = (JsonbValue) {.type = jbvNumeric, .val.numeric = value};
	pushJsonbValue(state, WJB_VALUE, &item);
}

/* Goes with the customer: what is put aside, and services that are released. */
static UsomQuantity
units_to_hand_out(const UsomOrderSet *set, int line)
{
	UsomQuantity units = 0;

	for (int i = 0; i < set->npieces; i++)
		if (set->pieces[i].line == line &&
			(is_put_aside(&set->pieces[i]) || (!set->lines[line].stocked && set->pieces[i].status == USOM_PIECE_RELEASED)))
			units = usom_quantity_add(units, set->pieces[i].quantity);
	return units;
}

static Jsonb *
list_put_aside(const UsomOrderSet *set)
{
	JsonbParseState *state = NULL;

	pushJsonbValue(&state, WJB_BEGIN_ARRAY, NULL);
	for (int i = 0; i < set->nlines; i++)
	{
		UsomQuantity units = units_to_hand_out(set, i);

		if (units == 0)
			continue;
		pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
		push_number(&state, "line_no", int64_to_numeric(set->lines[i].line_no));
		push_number(&state, "quantity", usom_quantity_numeric(units));
		pushJsonbValue(&state, WJB_END_OBJECT, NULL);
	}
	return JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_ARRAY, NULL));
}

/* The shipment, which has arrived; NULL if a hold came up. */
static char *
hand_out(const UsomOrderSet *set, Jsonb *lines)
{
	Datum		values[] = {CStringGetTextDatum(set->orders[0].order_no), JsonbPGetDatum(lines)};
	char	   *shipments;

	usom_query_run(&ship_lines, values, NULL);
	shipments = usom_query_get_text(0, 1);
	if (shipments != NULL)
		usom_query_run(&deliver_shipments, (Datum[]) {CStringGetTextDatum(shipments), TimestampTzGetDatum(usom_call_time())}, NULL);
	return shipments;
}

/* usom.collect_pickup(order_no, lines) */
Datum
usom_collect_pickup(PG_FUNCTION_ARGS)
{
	UsomAnswer *answer = usom_order_answer_begin(fcinfo, "collect_pickup", -1);
	UsomOrderSet *set = load_pick_up(fcinfo);
	Datum		values[] = {Int64GetDatum(set->org_id), Int64GetDatum(set->orders[0].sales_order_id)};
	UsomPickup	pickup;
	char	   *shipments;

	if (!usom_pickup_read(set, 0, &pickup) || units_put_aside(set, 0) == 0)
	{
		if (!PG_ARGISNULL(1) || usom_query_run(&find_collected, values, NULL) == 0)
			refuse_empty(&set->orders[0], "hand out");
		return usom_order_answer_string(answer, usom_query_get_text(0, 1));
	}
	shipments = hand_out(set, PG_ARGISNULL(1) ? list_put_aside(set) : PG_GETARG_JSONB_P(1));
	return shipments == NULL ? usom_order_answer_null(answer) : usom_order_answer_string(answer, shipments);
}

/* ---- reject ---- */

/* Everything of the order that is at the place waits again; how many units. */
static UsomQuantity
take_off_place(UsomOrderSet *set, int64 place)
{
	static const UsomPieceStatus before[] = {
		[USOM_PIECE_RESERVED] = USOM_PIECE_BACKORDERED, [USOM_PIECE_RELEASED] = USOM_PIECE_RESERVED,
		[USOM_PIECE_PICKED] = USOM_PIECE_RELEASED, [USOM_PIECE_PACKED] = USOM_PIECE_PICKED,
	};
	UsomQuantity units = 0;

	for (int i = 0; i < set->npieces; i++)
	{
		const UsomPiece *piece = &set->pieces[i];

		if (piece->location_id != place || piece->quantity == 0 || !usom_piece_keeps_stock(piece->status))
			continue;
		units = usom_quantity_add(units, piece->quantity);
		while (set->pieces[i].status != USOM_PIECE_BACKORDERED)
			usom_order_move_piece(set, i, before[set->pieces[i].status], set->pieces[i].quantity, NULL);
	}
	return units;
}

/* usom.reject_pickup(order_no, reason) */
Datum
usom_reject_pickup(PG_FUNCTION_ARGS)
{
	UsomAnswer *answer = usom_order_answer_begin(fcinfo, "reject_pickup", 1);
	UsomOrderSet *set = load_pick_up(fcinfo);
	int64		place = usom_api_pick_up_place(set, 0);
	UsomWait   *before = usom_api_look_at_waits(set);
	UsomWork   *work = usom_fulfillment_look(set);
	UsomPickup	pickup;
	UsomQuantity units;

	if (!usom_order_is_running(set->orders[0].status) || set->orders[0].status >= USOM_ORDER_SHIPPED)
		usom_order_refuse(set->orders[0].order_no, "reject the pick-up of", set->orders[0].status);
	units = place != 0 ? take_off_place(set, place) : 0;
	if (units == 0)
	{
		if (!usom_pickup_read(set, 0, &pickup) || strcmp(pickup.status, "rejected") != 0)
			refuse_empty(&set->orders[0], "reject");
		return usom_order_answer_status(answer, set);
	}
	usom_pickup_reject(set, 0, place, usom_call_reason());
	usom_api_tell_waits(set, before);
	usom_fulfillment_tell(set, work);
	set->orders[0].event_quantity = units;
	usom_order_settle(set, 0, "reject_pickup");
	usom_order_save(set);
	return usom_order_answer_status(answer, set);
}

/* ---- put back ---- */

static UsomQuery find_missed = {
	.text = "SELECT p.sales_order_id FROM usom.pickup AS p "
	"JOIN usom.sales_order AS o ON o.org_id = $1 AND o.sales_order_id = p.sales_order_id "
	"WHERE p.org_id = $1 AND p.ended_at IS NULL AND p.status = 'ready' AND p.collect_until <= $2 "
	"AND ($3 IS NULL OR p.location_id = $3) AND ($4 IS NULL OR o.order_no = $4) "
	"AND ($5 IS NULL OR o.channel_id = ANY ($5)) ORDER BY p.sales_order_id",
	.nargs = 5,
	.argtypes = {"bigint", "timestamptz", "bigint", "text", "bigint[]"},
};

static UsomQuery find_location = {
	.text = "SELECT usom.location_id($1)",
	.nargs = 1,
	.argtypes = {"text"},
};

static Datum
location_argument(FunctionCallInfo fcinfo, int arg)
{
	Datum		code;

	if (PG_ARGISNULL(arg))
		return (Datum) 0;
	code = PG_GETARG_DATUM(arg);
	usom_query_run(&find_location, &code, NULL);
	return usom_query_get(0, 1);
}

static UsomOrderSet *
load_missed(FunctionCallInfo fcinfo, int64 org_id)
{
	bool		nulls[5] = {false, false, PG_ARGISNULL(0), PG_ARGISNULL(1), false};
	Datum		values[5] = {
		Int64GetDatum(org_id), TimestampTzGetDatum(usom_call_time()), location_argument(fcinfo, 0),
		PG_ARGISNULL(1) ? (Datum) 0 : PG_GETARG_DATUM(1)
	};
	int64	   *ids;
	int			n;

	values[4] = usom_party_channels(&nulls[4]);
	n = (int) usom_query_run(&find_missed, values, nulls);
	ids = palloc_array(int64, n + 1);
	for (int i = 0; i < n; i++)
		ids[i] = DatumGetInt64(usom_query_get(i, 1));
	return usom_order_load_many(org_id, ids, n);
}

/* The order that is named was not missed: it is still kept, or nothing is put aside. */
static void
refuse_named(int64 org_id, const char *order_no)
{
	UsomOrderSet *set = usom_order_load(org_id, order_no);
	UsomPickup	pickup;

	usom_api_check_pick_up(&set->orders[0], "usom.cancel_order() is for all orders.");
	if (!usom_pickup_read(set, 0, &pickup) || strcmp(pickup.status, "ready") != 0)
		refuse_empty(&set->orders[0], "put back");
	ereport(ERROR, errcode(USOM_ERR(PICKUP_STILL_OPEN)),
			errmsg("order \"%s\" is still kept for its customer", order_no),
			errdetail("It is kept at \"%s\" until %s.", pickup.location, timestamptz_to_str(pickup.collect_until)),
			errhint("Wait, or put an end to it with usom.cancel_order()."));
}

/* What was put aside goes back to the shelf, and everything that has not left is cancelled; how many units. */
static UsomQuantity
put_back(UsomOrderSet *set, int order)
{
	UsomQuantity units = 0;
	int			npieces = set->npieces;
	int			nlines = set->nlines;

	for (int i = 0; i < npieces; i++)
		while (set->lines[set->pieces[i].line].order == order && is_put_aside(&set->pieces[i]))
			usom_order_move_piece(set, i, set->pieces[i].status == USOM_PIECE_PACKED ? USOM_PIECE_PICKED : USOM_PIECE_RELEASED,
								  set->pieces[i].quantity, NULL);
	for (int i = 0; i < nlines; i++)
	{
		UsomQuantity quantity = set->lines[i].order != order || usom_line_is_component(&set->lines[i]) ? 0
			: usom_api_withdrawable(set, i, USOM_WITHDRAW_CANCEL);

		if (quantity > 0)
			usom_api_withdraw(set, i, quantity, USOM_WITHDRAW_CANCEL);
		units = usom_quantity_add(units, quantity);
	}
	return units;
}

static void
tell_missed(UsomOrderSet *set, int order, UsomQuantity units)
{
	UsomPayload payload = usom_payload_begin();

	usom_payload_quantity(&payload, "quantity", units);
	usom_order_tell(set, order, "pickup_missed", usom_payload_end(&payload));
	set->orders[order].event_quantity = units;
	usom_order_settle(set, order, "put_back_pickup");
}

static void
put_answer(ReturnSetInfo *result, const UsomOrder *order)
{
	bool		nulls[3] = {false};
	Datum		values[3] = {
		CStringGetTextDatum(order->order_no), CStringGetTextDatum(usom_order_lifecycle_table.labels[order->status]),
		NumericGetDatum(usom_quantity_numeric(order->event_quantity))
	};

	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

/* Orders that a hold keeps are left as they are, unless one is named. */
static int
choose(UsomOrderSet *set, int *orders, bool named)
{
	int			count = 0;

	for (int i = 0; i < set->norders; i++)
	{
		if (named)
			usom_order_check_holds(set, i, "cancel");
		if (named || !usom_order_is_held(set, i, "cancel"))
			orders[count++] = i;
	}
	return count;
}

static void
put_back_all(UsomOrderSet *set, bool named, ReturnSetInfo *result)
{
	int		   *chosen = palloc_array(int, set->norders + 1);
	int			nchosen = choose(set, chosen, named);
	int			count;
	int		   *missed = usom_pickup_put_back(set, chosen, nchosen, usom_call_reason(), &count);
	UsomCredit *credit = usom_credit_open(set);

	for (int i = 0; i < count; i++)
		tell_missed(set, missed[i], put_back(set, missed[i]));
	usom_api_release_coupons(set);
	for (int i = 0; i < count; i++)
		put_answer(result, &set->orders[missed[i]]);
	usom_order_save(set);
	usom_credit_close(credit, USOM_CREDIT_FOLLOWS);
}

/* usom.put_back_pickups(location, order_no, reason) */
Datum
usom_put_back_pickups(PG_FUNCTION_ARGS)
{
	int64		org_id;
	UsomOrderSet *set;

	usom_card_check_call(fcinfo);
	InitMaterializedSRF(fcinfo, 0);
	usom_call_begin("put_back_pickups", PG_ARGISNULL(2) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(2)));
	org_id = usom_party_org();
	set = load_missed(fcinfo, org_id);
	if (set->norders > 0)
		put_back_all(set, !PG_ARGISNULL(1), (ReturnSetInfo *) fcinfo->resultinfo);
	else if (!PG_ARGISNULL(1))
		refuse_named(org_id, text_to_cstring(PG_GETARG_TEXT_PP(1)));
	usom_call_end();
	return (Datum) 0;
}
