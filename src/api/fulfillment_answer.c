/*
 * fulfillment_answer.c
 *		usom.record_fulfillment(): what outside systems of warehouses answer.
 *
 * Messages come in any order, late, and more than once.  Each is kept once,
 * by its key; what it does is the difference that it makes to the sums of all
 * that were told so far: units that are shipped were picked and packed before,
 * whether that was said or not, and a message about it that comes later does
 * nothing.  So the same messages have the same end in every order.
 *
 * What is true in the warehouse is not refused: units that are not there any
 * more, because they were cancelled meanwhile, become a case for people.
 *
 * Locks: the order; then, where units are missing or leave, the stock.
 *
 * Memory: the call's.
 */
#include "postgres.h"

#include "api/fulfillment_answer.h"
#include "api/price.h"
#include "api/supply.h"

#include "audit/sha256.h"
#include "base/errors.h"
#include "base/query.h"
#include "order/answer.h"
#include "order/line_list.h"
#include "party/party.h"
#include "payment/credit.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

PG_FUNCTION_INFO_V1(usom_record_fulfillment);

enum
{
	ARG_FULFILLMENT, ARG_MESSAGE, ARG_KIND, ARG_LINES, ARG_REFERENCE, ARG_CARRIER, ARG_TRACKING, ARG_REASON
};

const char *const usom_answer_kinds[USOM_ANSWER_KINDS] = {
	"accepted", "rejected", "short", "picked", "packed", "shipped", "cancelled", "cancel_refused"
};

static UsomQuery find_fulfillment = {
	.text = "SELECT f.fulfillment_id, o.order_no, f.location_id FROM usom.fulfillment AS f "
	"JOIN usom.sales_order AS o ON o.org_id = $1 AND o.sales_order_id = f.sales_order_id "
	"WHERE f.org_id = $1 AND f.fulfillment_no = $2 AND ($3 IS NULL OR o.channel_id = ANY ($3))",
	.nargs = 3,
	.argtypes = {"bigint", "text", "bigint[]"},
};

static UsomQuery find_message = {
	.text = "SELECT m.digest, m.outcome, m.shipment_no FROM usom.fulfillment_message AS m "
	"WHERE m.org_id = $1 AND m.fulfillment_id = $2 AND m.message_id = $3",
	.nargs = 3,
	.argtypes = {"bigint", "bigint", "text"},
};

static UsomQuery read_told = {
	.text = "SELECT h.line_no, h.handed, h.picked, h.packed, h.shipped, h.gone FROM usom._handover_lines($1, ARRAY[$2]) AS h WHERE h.fulfillment_id = $3",
	.nargs = 3,
	.argtypes = {"bigint", "bigint", "bigint"},
};

static UsomQuery insert_message = {
	.text = "INSERT INTO usom.fulfillment_message (org_id, fulfillment_id, sales_order_id, message_id, kind, lines, digest, outcome, shipment_no, reference, reason) "
	"VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
	.nargs = 11,
	.argtypes = {"bigint", "bigint", "bigint", "text", "text", "jsonb", "bytea", "text", "text", "text", "text"},
};

static UsomQuery note_reference = {
	.text = "UPDATE usom.fulfillment AS f SET reference = $3 WHERE f.org_id = $1 AND f.fulfillment_id = $2 AND f.reference IS DISTINCT FROM $3",
	.nargs = 3,
	.argtypes = {"bigint", "bigint", "text"},
};

/* ---- read the message ---- */

static UsomAnswerKind
kind_argument(const char *label)
{
	for (int kind = 0; kind < USOM_ANSWER_KINDS; kind++)
		if (strcmp(usom_answer_kinds[kind], label) == 0)
			return kind;
	ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			errmsg("there is no message of kind \"%s\"", label),
			errhint("One of: accepted, rejected, short, picked, packed, shipped, cancelled, cancel_refused."));
}

static UsomOrderSet *
load_order(UsomMessage *message)
{
	int64		org_id = usom_party_org();
	bool		nulls[3] = {false};
	Datum		values[3] = {Int64GetDatum(org_id), CStringGetTextDatum(message->fulfillment_no)};

	values[2] = usom_party_channels(&nulls[2]);
	if (usom_query_run(&find_fulfillment, values, nulls) == 0)
		ereport(ERROR, errcode(USOM_ERR(UNKNOWN_FULFILLMENT)),
				errmsg("no hand-over \"%s\"", message->fulfillment_no),
				errhint("Look it up in usom.fulfillments."));
	message->fulfillment_id = DatumGetInt64(usom_query_get(0, 1));
	message->location_id = DatumGetInt64(usom_query_get(0, 3));
	return usom_order_load(org_id, usom_query_get_text(0, 2));
}

/* A line that was removed meanwhile has nothing to be told about. */
static int
find_line(const UsomOrderSet *set, int32 line_no)
{
	int			low = 0;
	int			high = set->nlines;

	while (low < high)
	{
		int			middle = low + (high - low) / 2;

		if (set->lines[middle].line_no < line_no)
			low = middle + 1;
		else
			high = middle;
	}
	return low < set->nlines && set->lines[low].line_no == line_no ? low : -1;
}

static void
read_sums(UsomMessage *message)
{
	UsomOrderSet *set = message->set;
	Datum		values[3] = {
		Int64GetDatum(set->org_id), Int64GetDatum(set->orders[0].sales_order_id), Int64GetDatum(message->fulfillment_id)
	};
	uint64		n = usom_query_run(&read_told, values, NULL);

	message->told = palloc0_array(UsomTold, set->nlines + 1);
	for (uint64 row = 0; row < n; row++)
	{
		int			line = find_line(set, DatumGetInt32(usom_query_get(row, 1)));

		if (line < 0)
			continue;
		message->told[line].is_handed = true;
		message->told[line].sums = (UsomHanded) {
			usom_quantity_of(DatumGetNumeric(usom_query_get(row, 2))), usom_quantity_of(DatumGetNumeric(usom_query_get(row, 3))),
			usom_quantity_of(DatumGetNumeric(usom_query_get(row, 4))), usom_quantity_of(DatumGetNumeric(usom_query_get(row, 5))),
			usom_quantity_of(DatumGetNumeric(usom_query_get(row, 6)))
		};
	}
}

static bool
has_units(UsomAnswerKind kind)
{
	return kind != USOM_ACCEPTED && kind != USOM_CANCEL_REFUSED;
}

static void
read_units(UsomMessage *message)
{
	UsomMarkedUnits *marked = usom_order_read_marked_list(message->set, message->list, &message->nmarked);

	message->marked = marked;
	for (int i = 0; i < message->nmarked; i++)
	{
		UsomTold	   *told = &message->told[marked[i].units.line];

		if (!told->is_handed)
			ereport(ERROR, errcode(USOM_ERR(INVALID_CHANGE)),
					errmsg("line %d is not of hand-over \"%s\"", message->set->lines[marked[i].units.line].line_no, message->fulfillment_no),
					errhint("Look at its lines in usom.fulfillments."));
		told->units = usom_quantity_add(told->units, marked[i].units.quantity);
		message->is_marked |= marked[i].lot != NULL || marked[i].nserials > 0;
	}
}

/* Without a list: all that is left to tell. */
static void
assume_units(UsomMessage *message)
{
	message->marked = palloc0_array(UsomMarkedUnits, message->set->nlines + 1);
	for (int i = 0; i < message->set->nlines; i++)
	{
		const UsomHanded *sums = &message->told[i].sums;
		UsomQuantity left = sums->handed - sums->shipped - sums->gone;

		if (message->kind == USOM_PICKED || message->kind == USOM_PACKED)
			left = sums->handed - sums->gone - Max(message->kind == USOM_PICKED ? Max(sums->picked, sums->packed) : sums->packed, sums->shipped);
		message->told[i].units = Max(left, 0);
		if (left > 0)
			message->marked[message->nmarked++].units = (UsomLineUnits) {i, left};
	}
}

/* ---- keep it ---- */

static void
add_part(UsomPart *part, FunctionCallInfo fcinfo, int arg)
{
	static const char none[] = "\1";
	char	   *words = PG_ARGISNULL(arg) ? NULL
		: arg == ARG_LINES ? JsonbToCString(NULL, &PG_GETARG_JSONB_P(arg)->root, VARSIZE(PG_GETARG_JSONB_P(arg)))
		: text_to_cstring(PG_GETARG_TEXT_PP(arg));

	*part = (UsomPart) {words ? words : none, (words ? strlen(words) : 1) + 1};
}

static Datum
digest_of(FunctionCallInfo fcinfo)
{
	UsomPart	parts[ARG_REASON - ARG_KIND + 1];
	UsomDigest	digest;

	for (int arg = ARG_KIND; arg <= ARG_REASON; arg++)
		add_part(&parts[arg - ARG_KIND], fcinfo, arg);
	usom_sha256(parts, lengthof(parts), &digest);
	return PointerGetDatum(usom_sha256_bytea(&digest));
}

static const char *
outcome_of(const UsomMessage *message)
{
	bool		all = true;
	bool		any = message->any;

	for (int i = 0; i < message->set->nlines; i++)
	{
		any |= message->told[i].done > 0;
		all &= message->told[i].done == message->told[i].units;
	}
	return !any ? "late" : all ? "applied" : "partly";
}

static void
keep(const UsomMessage *message, FunctionCallInfo fcinfo, Datum digest, const char *outcome)
{
	const UsomOrderSet *set = message->set;
	Jsonb	   *list = has_units(message->kind) ? usom_message_list(message, false) : NULL;
	int			reference = PG_ARGISNULL(ARG_REFERENCE) ? ARG_TRACKING : ARG_REFERENCE;
	bool		nulls[11] = {false};
	Datum		values[11] = {
		Int64GetDatum(set->org_id), Int64GetDatum(message->fulfillment_id), Int64GetDatum(set->orders[0].sales_order_id),
		CStringGetTextDatum(message->message_id), CStringGetTextDatum(usom_answer_kinds[message->kind]), (Datum) 0, digest,
		CStringGetTextDatum(outcome), message->shipment_no ? CStringGetTextDatum(message->shipment_no) : (Datum) 0,
		PG_ARGISNULL(reference) ? (Datum) 0 : PG_GETARG_DATUM(reference),
		message->reason ? CStringGetTextDatum(message->reason) : (Datum) 0
	};
	Datum		references[3] = {values[0], values[1], PG_ARGISNULL(ARG_REFERENCE) ? (Datum) 0 : PG_GETARG_DATUM(ARG_REFERENCE)};

	nulls[5] = list == NULL;
	values[5] = list ? JsonbPGetDatum(list) : (Datum) 0;
	nulls[8] = message->shipment_no == NULL;
	nulls[9] = PG_ARGISNULL(reference);
	nulls[10] = message->reason == NULL;
	usom_query_write(&insert_message, values, nulls);
	if (!PG_ARGISNULL(ARG_REFERENCE))
		usom_query_write(&note_reference, references, NULL);
	usom_fulfillment_follow_messages(set->org_id, &set->orders[0].sales_order_id, 1);
}

/* An order of which units were changed away has another price; one of which they were cancelled keeps it, as by cancel_line(). */
static void
save(UsomMessage *message)
{
	UsomOrderSet *set = message->set;
	UsomPriceRequest asks = {0};
	UsomPricing *pricing = NULL;

	if (message->kind != USOM_CANCELLED || !message->any)
	{
		if (!set->orders[0].changed && message->kind != USOM_SHIPPED)
			set->orders[0].event_reference = message->fulfillment_no;
		usom_api_save_promises(set, usom_answer_kinds[message->kind]);
		return;
	}
	if (message->reprices)
		pricing = usom_api_price(set, 0, &asks);
	usom_api_redeem(set, &pricing);
	set->orders[0].event_reference = message->fulfillment_no;
	usom_order_settle(set, 0, "answer_request");
	usom_api_release_coupons(set);
	usom_order_save(set);
	usom_api_write_prices(set, &pricing);
}

static Datum
answer_with(UsomAnswer *answer, const char *outcome, const char *shipment_no)
{
	bool		nulls[2] = {false, shipment_no == NULL};
	Datum		values[2] = {CStringGetTextDatum(outcome), shipment_no ? CStringGetTextDatum(shipment_no) : (Datum) 0};

	return usom_order_answer_row(answer, values, nulls);
}

/* Was it here before?  Then its answer stands in SPI's result. */
static bool
is_repeated(const UsomMessage *message, Datum digest)
{
	Datum		values[3] = {
		Int64GetDatum(message->set->org_id), Int64GetDatum(message->fulfillment_id), CStringGetTextDatum(message->message_id)
	};

	if (usom_query_run(&find_message, values, NULL) == 0)
		return false;
	if (!DatumGetBool(DirectFunctionCall2(byteaeq, usom_query_get(0, 1), digest)))
		ereport(ERROR, errcode(USOM_ERR(KEY_REUSED)),
				errmsg("message \"%s\" about \"%s\" came before, and said something else", message->message_id, message->fulfillment_no),
				errhint("Give every message a key of its own."));
	return true;
}

/* usom.record_fulfillment(fulfillment_no, message_id, kind, lines, reference, carrier, tracking, reason) */
Datum
usom_record_fulfillment(PG_FUNCTION_ARGS)
{
	UsomAnswer *answer = usom_order_answer_begin(fcinfo, "record_fulfillment", ARG_REASON);
	UsomMessage		message = {
		.fulfillment_no = usom_order_arg_text(fcinfo, ARG_FULFILLMENT, "fulfillment_no"),
		.message_id = usom_order_arg_text(fcinfo, ARG_MESSAGE, "message_id"),
		.kind = kind_argument(usom_order_arg_text(fcinfo, ARG_KIND, "kind")),
		.list = PG_ARGISNULL(ARG_LINES) ? NULL : PG_GETARG_JSONB_P(ARG_LINES),
		.reason = PG_ARGISNULL(ARG_REASON) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(ARG_REASON)),
	};
	UsomShipLabel label = {.no_carrier = PG_ARGISNULL(ARG_CARRIER), .no_tracking = PG_ARGISNULL(ARG_TRACKING)};
	Datum		digest = digest_of(fcinfo);
	UsomCredit *credit = NULL;
	const char *outcome;

	message.set = load_order(&message);
	if (is_repeated(&message, digest))
		return answer_with(answer, usom_query_get_text(0, 2), usom_query_get_text(0, 3));
	label.carrier = label.no_carrier ? (Datum) 0 : PG_GETARG_DATUM(ARG_CARRIER);
	label.tracking = label.no_tracking ? (Datum) 0 : PG_GETARG_DATUM(ARG_TRACKING);
	read_sums(&message);
	if (has_units(message.kind) && message.list != NULL)
		read_units(&message);
	else if (has_units(message.kind))
		assume_units(&message);
	if (message.kind == USOM_CANCELLED)
		credit = usom_credit_open(message.set);
	usom_message_follow(&message, &label);
	outcome = outcome_of(&message);
	keep(&message, fcinfo, digest, outcome);
	save(&message);
	if (credit != NULL)
		usom_credit_close(credit, USOM_CREDIT_FOLLOWS);
	return answer_with(answer, outcome, message.shipment_no);
}
