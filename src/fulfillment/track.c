/*
 * track.c
 *		What carriers say of shipments, and what people decide about those that
 *		did not arrive.
 *
 *		A message is kept whatever it says.  It changes a shipment if there is
 *		such a step and nothing later was heard; that units have arrived counts
 *		whenever it comes.  The same message again changes nothing.
 *
 * Locks: the orders, by key; then the shipment rows, which nobody changes
 * without them.  Memory: the call's.
 */
#include "postgres.h"

#include "fulfillment/parcel.h"

#include "base/call.h"
#include "base/card_guard.h"
#include "base/errors.h"
#include "base/payload.h"
#include "base/query.h"
#include "funcapi.h"
#include "order/answer.h"
#include "order/news.h"
#include "party/party.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(usom_record_tracking);
PG_FUNCTION_INFO_V1(usom_fail_delivery);
PG_FUNCTION_INFO_V1(usom_retry_delivery);
PG_FUNCTION_INFO_V1(usom_return_to_sender);
PG_FUNCTION_INFO_V1(usom_lose_shipment);

/* Its own number, the carrier's of it, or the carrier's of one of its packages. */
static UsomQuery find_tracked = {
	.text = "SELECT DISTINCT ON (k.shipment_id) k.shipment_id, k.package_id, s.sales_order_id FROM ("
	"SELECT s.shipment_id, NULL::bigint AS package_id FROM usom.shipment AS s WHERE s.org_id = $1 AND s.shipment_no = $2 "
	"UNION ALL SELECT s.shipment_id, NULL FROM usom.shipment AS s WHERE s.org_id = $1 AND s.tracking = $2 "
	"UNION ALL SELECT p.shipment_id, p.package_id FROM usom.package AS p WHERE p.org_id = $1 AND p.tracking = $2 AND p.shipment_id IS NOT NULL) AS k "
	"JOIN usom.shipment AS s ON s.org_id = $1 AND s.shipment_id = k.shipment_id AND (coalesce(s.carrier, $3) IS NOT DISTINCT FROM coalesce($3, s.carrier) OR s.shipment_no = $2) "
	"JOIN usom.sales_order AS o ON o.org_id = $1 AND o.sales_order_id = s.sales_order_id AND ($4 IS NULL OR o.channel_id = ANY ($4)) "
	"ORDER BY k.shipment_id, k.package_id NULLS FIRST",
	.nargs = 4,
	.argtypes = {"bigint", "text", "text", "bigint[]"},
};

static UsomQuery find_message = {
	.text = "SELECT e.counted FROM usom.tracking_event AS e WHERE e.org_id = $1 AND e.shipment_id = $2 AND e.message_id = $3",
	.nargs = 3,
	.argtypes = {"bigint", "bigint", "text"},
};

/* Packages of the shipment that have not arrived, but for the one that does now. */
static UsomQuery find_missing = {
	.text = "SELECT 1 FROM usom.package AS p WHERE p.org_id = $1 AND p.shipment_id = $2 AND p.package_id <> $3 "
	"AND NOT EXISTS (SELECT 1 FROM usom.tracking_event AS e WHERE e.org_id = $1 AND e.shipment_id = $2 "
	"AND e.package_id = p.package_id AND e.kind = 'delivered') LIMIT 1",
	.nargs = 3,
	.argtypes = {"bigint", "bigint", "bigint"},
};

static UsomQuery insert_event = {
	.text = "INSERT INTO usom.tracking_event (org_id, sales_order_id, shipment_id, package_id, message_id, kind, occurred_at, place, note, counted) "
	"VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
	.nargs = 10,
	.argtypes = {"bigint", "bigint", "bigint", "bigint", "text", "text", "timestamptz", "text", "text", "boolean"},
};

/* What carriers say, and where it leads. */
typedef struct News
{
	const char *kind;
	bool		moves;
	UsomShipmentStatus to;
	const char *event;			/* in the history of the order */
} News;

static const News all_news[] = {
	{"info", false, USOM_SHIPMENT_SHIPPED, NULL},
	{"in_transit", true, USOM_SHIPMENT_IN_TRANSIT, "track"},
	{"out_for_delivery", true, USOM_SHIPMENT_IN_TRANSIT, "track"},
	{"delivered", true, USOM_SHIPMENT_DELIVERED, "deliver"},
	{"failed", true, USOM_SHIPMENT_FAILED, "fail"},
	{"returning", true, USOM_SHIPMENT_RETURNING, "return_to_sender"},
	{"lost", true, USOM_SHIPMENT_LOST, "lose"},
};

enum TrackArg
{
	ARG_TRACKING,
	ARG_KIND,
	ARG_OCCURRED,
	ARG_MESSAGE,
	ARG_PLACE,
	ARG_NOTE,
	ARG_CARRIER
};

/* ---- what a step entails ---- */

static Jsonb *
describe(const UsomOrderSet *set, const UsomShipment *shipment, const char *reason)
{
	UsomPayload payload = usom_payload_begin();

	usom_payload_text(&payload, "order_no", set->orders[shipment->order].order_no);
	usom_payload_text(&payload, "shipment_no", shipment->shipment_no);
	usom_payload_text(&payload, "reason", reason);
	return usom_payload_end(&payload);
}

/* Events for the outside, cases for people; what was a case is none any more once it went on. */
static void
make_known(UsomOrderSet *set, const UsomShipment *shipment, UsomShipmentStatus from, const char *reason)
{
	Jsonb	   *words = describe(set, shipment, reason);
	UsomShipmentStatus to = shipment->status;
	const char *told = to == USOM_SHIPMENT_FAILED ? "delivery_failed" : to == USOM_SHIPMENT_RETURNING ? "return_to_sender"
		: to == USOM_SHIPMENT_LOST ? "shipment_lost" : to == USOM_SHIPMENT_DELIVERED ? NULL
		: from == USOM_SHIPMENT_FAILED ? "redelivery_wanted" : NULL;

	if (told != NULL)
		usom_order_tell(set, shipment->order, told, words);
	if (from == USOM_SHIPMENT_FAILED)
		usom_order_settle_one(set, shipment->order, "delivery_failed", shipment->shipment_no);
	else if (from == USOM_SHIPMENT_LOST)
		usom_order_settle_one(set, shipment->order, "shipment_lost", shipment->shipment_no);
	if (to == USOM_SHIPMENT_FAILED)
		usom_order_raise(set, shipment->order, 0, "delivery_failed", shipment->shipment_no,
						 psprintf("shipment %s could not be delivered", shipment->shipment_no), words, USOM_NO_TIME);
	else if (to == USOM_SHIPMENT_LOST)
		usom_order_raise(set, shipment->order, 0, "shipment_lost", shipment->shipment_no,
						 psprintf("shipment %s is lost", shipment->shipment_no), words, USOM_NO_TIME);
}

static void
take_step(UsomOrderSet *set, UsomShipment *shipment, UsomShipmentStatus to, TimestampTz at, const char *verb, const char *reason)
{
	UsomShipmentStatus from = shipment->status;

	usom_shipment_step(set, shipment, to, at, verb);
	make_known(set, shipment, from, reason);
}

/* ---- what carriers say ---- */

static const News *
find_news(const char *kind)
{
	for (int i = 0; i < (int) lengthof(all_news); i++)
		if (strcmp(all_news[i].kind, kind) == 0)
			return &all_news[i];
	ereport(ERROR, errcode(USOM_ERR(BAD_TRACKING)),
			errmsg("carriers say nothing of the kind \"%s\"", kind),
			errhint("Say info, in_transit, out_for_delivery, delivered, failed, returning or lost."));
}

typedef struct Message
{
	const News *news;
	TimestampTz at;
	FunctionCallInfo fcinfo;
	UsomOrderSet *set;
	int			count;
	UsomShipment *shipments;
	int64	   *packages;		/* by shipment; 0: the carrier named none */
} Message;

/* Pure: does it change the shipment? */
static bool
counts(const UsomShipment *shipment, const News *news, TimestampTz at)
{
	bool		late = shipment->told_at != USOM_NO_TIME && at < shipment->told_at;

	return news->moves && usom_lifecycle_allows(&usom_shipment_lifecycle_table, shipment->status, news->to) &&
		(!late || news->to == USOM_SHIPMENT_DELIVERED);
}

/* A carrier moves what is void, or has not what the customer has. */
static bool
contradicts(const UsomShipment *shipment, const News *news)
{
	if (!news->moves || shipment->status == news->to)
		return false;
	return shipment->status == USOM_SHIPMENT_VOIDED ||
		(shipment->status == USOM_SHIPMENT_DELIVERED && news->to != USOM_SHIPMENT_IN_TRANSIT);
}

static int
compare_keys(const void *a, const void *b)
{
	int64		one = *(const int64 *) a;
	int64		other = *(const int64 *) b;

	return one < other ? -1 : one > other;
}

static void
load_tracked(Message *message, const char *number)
{
	FunctionCallInfo fcinfo = message->fcinfo;
	int64		org_id = usom_party_org();
	bool		nulls[4] = {false, false, PG_ARGISNULL(ARG_CARRIER)};
	Datum		values[4] = {Int64GetDatum(org_id), PG_GETARG_DATUM(ARG_TRACKING), nulls[2] ? (Datum) 0 : PG_GETARG_DATUM(ARG_CARRIER)};
	int64	   *order_ids;
	int			norders = 0;

	values[3] = usom_party_channels(&nulls[3]);
	message->count = (int) usom_query_run(&find_tracked, values, nulls);
	if (message->count == 0)
		usom_shipment_refuse_unknown(number);
	order_ids = palloc_array(int64, message->count);
	message->shipments = palloc0_array(UsomShipment, message->count);
	message->packages = palloc0_array(int64, message->count);
	for (int i = 0; i < message->count; i++)
	{
		bool		isnull;
		Datum		package_id = usom_query_get_or_null(i, 2, &isnull);

		message->shipments[i].shipment_id = DatumGetInt64(usom_query_get(i, 1));
		message->packages[i] = isnull ? 0 : DatumGetInt64(package_id);
		order_ids[i] = DatumGetInt64(usom_query_get(i, 3));
	}
	qsort(order_ids, message->count, sizeof(int64), compare_keys);
	for (int i = 0; i < message->count; i++)
		if (norders == 0 || order_ids[norders - 1] != order_ids[i])
			order_ids[norders++] = order_ids[i];
	message->set = usom_order_load_many(org_id, order_ids, norders);
	usom_shipment_read(message->set, message->shipments, message->count);
}

/* Was it heard before?  Then whether it counted. */
static bool
is_repeated(const Message *message, int which, bool *counted)
{
	FunctionCallInfo fcinfo = message->fcinfo;
	Datum		values[3] = {Int64GetDatum(message->set->org_id), Int64GetDatum(message->shipments[which].shipment_id)};

	if (PG_ARGISNULL(ARG_MESSAGE))
		return false;
	values[2] = PG_GETARG_DATUM(ARG_MESSAGE);
	if (usom_query_run(&find_message, values, NULL) == 0)
		return false;
	*counted = DatumGetBool(usom_query_get(0, 1));
	return true;
}

/* Of several packages the last one that arrives brings the shipment. */
static bool
is_whole(const Message *message, int which)
{
	Datum		values[] = {
		Int64GetDatum(message->set->org_id), Int64GetDatum(message->shipments[which].shipment_id),
		Int64GetDatum(message->packages[which])
	};

	return message->packages[which] == 0 || message->news->to != USOM_SHIPMENT_DELIVERED ||
		usom_query_run(&find_missing, values, NULL) == 0;
}

static void
keep(const Message *message, int which, bool counted)
{
	FunctionCallInfo fcinfo = message->fcinfo;
	const UsomShipment *shipment = &message->shipments[which];
	Datum		values[10] = {
		Int64GetDatum(message->set->org_id), Int64GetDatum(message->set->orders[shipment->order].sales_order_id),
		Int64GetDatum(shipment->shipment_id), Int64GetDatum(message->packages[which]), (Datum) 0,
		CStringGetTextDatum(message->news->kind), TimestampTzGetDatum(message->at), (Datum) 0, (Datum) 0, BoolGetDatum(counted)
	};
	bool		nulls[10] = {false, false, false, message->packages[which] == 0, PG_ARGISNULL(ARG_MESSAGE),
		false, false, PG_ARGISNULL(ARG_PLACE), PG_ARGISNULL(ARG_NOTE)};

	if (!nulls[4])
		values[4] = PG_GETARG_DATUM(ARG_MESSAGE);
	if (!nulls[7])
		values[7] = PG_GETARG_DATUM(ARG_PLACE);
	if (!nulls[8])
		values[8] = PG_GETARG_DATUM(ARG_NOTE);
	usom_query_write(&insert_event, values, nulls);
}

static bool
hear(Message *message, int which)
{
	FunctionCallInfo fcinfo = message->fcinfo;
	UsomShipment *shipment = &message->shipments[which];
	const char *note = PG_ARGISNULL(ARG_NOTE) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(ARG_NOTE));
	bool		counted;

	if (is_repeated(message, which, &counted))
		return counted;
	counted = counts(shipment, message->news, message->at) && is_whole(message, which);
	keep(message, which, counted);
	if (counted)
		take_step(message->set, shipment, message->news->to, message->at, message->news->event, note);
	else if (contradicts(shipment, message->news))
		usom_order_raise(message->set, shipment->order, 0, "tracking_conflict", shipment->shipment_no,
						 psprintf("the carrier says %s of shipment %s that is %s", message->news->kind, shipment->shipment_no,
								  usom_shipment_lifecycle_table.labels[shipment->status]),
						 describe(message->set, shipment, note), USOM_NO_TIME);
	return counted;
}

static void
put_answer(ReturnSetInfo *result, const UsomShipment *shipment, bool counted)
{
	bool		nulls[3] = {false};
	Datum		values[3] = {
		CStringGetTextDatum(shipment->shipment_no),
		CStringGetTextDatum(usom_shipment_lifecycle_table.labels[shipment->status]),
		BoolGetDatum(counted)
	};

	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

/* usom.record_tracking(tracking, kind, occurred_at, message_id, place, note, carrier) */
Datum
usom_record_tracking(PG_FUNCTION_ARGS)
{
	Message		message = {.fcinfo = fcinfo};
	char	   *number;

	usom_card_check_call(fcinfo);
	number = usom_order_arg_text(fcinfo, ARG_TRACKING, "tracking");
	message.news = find_news(usom_order_arg_text(fcinfo, ARG_KIND, "kind"));
	InitMaterializedSRF(fcinfo, 0);
	usom_call_begin("record_tracking", NULL);
	message.at = PG_ARGISNULL(ARG_OCCURRED) ? usom_call_time() : PG_GETARG_TIMESTAMPTZ(ARG_OCCURRED);
	load_tracked(&message, number);
	for (int i = 0; i < message.count; i++)
	{
		bool		counted = hear(&message, i);

		put_answer((ReturnSetInfo *) fcinfo->resultinfo, &message.shipments[i], counted);
	}
	usom_order_save(message.set);
	usom_call_end();
	return (Datum) 0;
}

/* ---- what people decide ---- */

/* Repeated, it answers as before. */
static Datum
decide(FunctionCallInfo fcinfo, const char *function, UsomShipmentStatus to, const char *verb)
{
	UsomAnswer *answer = usom_order_answer_begin(fcinfo, function, 1);
	UsomShipment shipment;
	UsomOrderSet *set = usom_shipment_load(usom_party_org(), usom_order_arg_text(fcinfo, 0, "shipment_no"), &shipment);

	if (shipment.status != to)
	{
		if (to == USOM_SHIPMENT_IN_TRANSIT && shipment.status != USOM_SHIPMENT_FAILED)
			usom_shipment_refuse(shipment.shipment_no, verb, shipment.status);
		take_step(set, &shipment, to, USOM_NO_TIME, verb, usom_call_reason());
		usom_order_save(set);
	}
	return usom_order_answer_status(answer, set);
}

/* usom.fail_delivery(shipment_no text, reason text) */
Datum
usom_fail_delivery(PG_FUNCTION_ARGS)
{
	return decide(fcinfo, "fail_delivery", USOM_SHIPMENT_FAILED, "fail");
}

/* usom.retry_delivery(shipment_no text, reason text) */
Datum
usom_retry_delivery(PG_FUNCTION_ARGS)
{
	return decide(fcinfo, "retry_delivery", USOM_SHIPMENT_IN_TRANSIT, "retry");
}

/* usom.return_to_sender(shipment_no text, reason text) */
Datum
usom_return_to_sender(PG_FUNCTION_ARGS)
{
	return decide(fcinfo, "return_to_sender", USOM_SHIPMENT_RETURNING, "return_to_sender");
}

/* usom.lose_shipment(shipment_no text, reason text) */
Datum
usom_lose_shipment(PG_FUNCTION_ARGS)
{
	return decide(fcinfo, "lose_shipment", USOM_SHIPMENT_LOST, "lose");
}
