/*
 * service_done.c
 *		usom.complete_service(): the work is done, and on paper.
 *
 * The service and the parts that were used are released, shipped and delivered
 * by the verbs for that, called as anybody would call them; parts that are
 * left when nothing more is to be done are cancelled as by cancel_line().
 *
 * Locks: the order, credit accounts, stock rows.  Memory: the call's.
 */
#include "postgres.h"

#include "api/price.h"
#include "api/service.h"
#include "api/withdraw.h"

#include "base/call.h"
#include "base/card_guard.h"
#include "base/errors.h"
#include "base/payload.h"
#include "base/query.h"
#include "fulfillment/fulfillment.h"
#include "order/answer.h"
#include "order/line_list.h"
#include "order/news.h"
#include "party/party.h"
#include "payment/credit.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(usom_complete_service);

typedef struct Report
{
	const char *work;			/* texts: NULL if not said */
	const char *started_at;
	const char *finished_at;
	bool		has_verdict;
	bool		accepted;
	Jsonb	   *parts;			/* NULL: not said */
} Report;

/* ---- read it ---- */

static void
refuse_key(const char *key, const char *problem)
{
	ereport(ERROR, errcode(USOM_ERR(BAD_REPORT)),
			errmsg("the report of the work %s \"%s\"", problem, key),
			errhint("It looks like {\"work\": \"burner replaced\", \"started_at\": \"2027-03-01T09:00Z\", "
					"\"finished_at\": \"2027-03-01T10:30Z\", \"accepted\": true, \"parts\": [{\"line_no\": 2, \"quantity\": 1}]}."));
}

static const char *
text_of(const char *key, const JsonbValue *value)
{
	if (value->type != jbvString)
		refuse_key(key, "must have a text at");
	return pnstrdup(value->val.string.val, value->val.string.len);
}

static void
take_key(Report *report, const char *key, JsonbValue *value)
{
	if (strcmp(key, "work") == 0)
		report->work = text_of(key, value);
	else if (strcmp(key, "started_at") == 0)
		report->started_at = text_of(key, value);
	else if (strcmp(key, "finished_at") == 0)
		report->finished_at = text_of(key, value);
	else if (strcmp(key, "accepted") == 0)
	{
		if (value->type != jbvBool)
			refuse_key(key, "must have true or false at");
		report->has_verdict = true;
		report->accepted = value->val.boolean;
	}
	else if (strcmp(key, "parts") == 0)
	{
		if (value->type != jbvBinary || !JsonContainerIsArray(value->val.binary.data))
			refuse_key(key, "must have a list at");
		report->parts = JsonbValueToJsonb(value);
	}
	else
		refuse_key(key, "has an unknown key");
}

static Report
read_report(FunctionCallInfo fcinfo, int arg)
{
	Report		report = {0};
	Jsonb	   *document;
	JsonbIterator *iterator;
	JsonbIteratorToken token;
	JsonbValue	item;

	usom_order_arg_required(fcinfo, arg, "report");
	document = PG_GETARG_JSONB_P(arg);
	if (!JB_ROOT_IS_OBJECT(document))
		refuse_key("report", "must be an object, not");
	iterator = JsonbIteratorInit(&document->root);
	token = JsonbIteratorNext(&iterator, &item, false);
	while ((token = JsonbIteratorNext(&iterator, &item, true)) == WJB_KEY)
	{
		char	   *key = pnstrdup(item.val.string.val, item.val.string.len);

		JsonbIteratorNext(&iterator, &item, true);
		take_key(&report, key, &item);
	}
	return report;
}

/* ---- the goods ---- */

/* Nothing but this line is left to be done. */
static bool
is_last(const UsomOrderSet *set, int line)
{
	for (int i = 0; i < set->nlines; i++)
		if (i != line && !set->lines[i].stocked && !usom_line_is_kit(&set->lines[i]) && usom_api_units_to_do(&set->lines[i]) > 0)
			return false;
	return true;
}

static UsomQuantity
units_at_hand(const UsomOrderSet *set, int line)
{
	UsomQuantity units = 0;

	for (int i = 0; i < set->npieces; i++)
		if (set->pieces[i].line == line && usom_piece_keeps_stock(set->pieces[i].status))
			units = usom_quantity_add(units, set->pieces[i].quantity);
	return units;
}

/* Every part that is there, or none: where the report does not say. */
static UsomLineUnits *
assume_parts(const UsomOrderSet *set, bool all, int *count)
{
	UsomLineUnits *units = palloc_array(UsomLineUnits, set->nlines + 2);

	*count = 0;
	for (int i = 0; i < set->nlines && all; i++)
		if (set->lines[i].stocked && !usom_line_is_kit(&set->lines[i]) && units_at_hand(set, i) > 0)
			units[(*count)++] = (UsomLineUnits) {.line = i, .quantity = units_at_hand(set, i)};
	return units;
}

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

static Jsonb *
list_of(const UsomOrderSet *set, const UsomLineUnits *units, int count)
{
	JsonbParseState *state = NULL;

	pushJsonbValue(&state, WJB_BEGIN_ARRAY, NULL);
	for (int i = 0; i < count; i++)
	{
		pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
		push_number(&state, "line_no", int64_to_numeric(set->lines[units[i].line].line_no));
		push_number(&state, "quantity", usom_quantity_numeric(units[i].quantity));
		pushJsonbValue(&state, WJB_END_OBJECT, NULL);
	}
	return JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_ARRAY, NULL));
}

/* So many units of a line can be shipped: what of them is still reserved is released. */
static void
release_units(UsomOrderSet *set, int line, UsomQuantity quantity)
{
	const UsomQuantity *count = set->lines[line].counters.by_state;
	UsomQuantity left = quantity - count[USOM_PIECE_RELEASED] - count[USOM_PIECE_PICKED] - count[USOM_PIECE_PACKED];
	int			npieces = set->npieces;

	for (int i = 0; i < npieces && left > 0; i++)
	{
		UsomQuantity units = Min(left, set->pieces[i].quantity);

		if (set->pieces[i].line != line || set->pieces[i].status != USOM_PIECE_RESERVED)
			continue;
		left -= units;
		usom_order_move_piece(set, i, USOM_PIECE_RELEASED, units, NULL);
	}
}

static UsomQuery ship_lines = {
	.text = "SELECT usom.ship($1, $2 || $3, NULL, NULL)",
	.nargs = 3,
	.argtypes = {"text", "jsonb", "jsonb"},
};

static UsomQuery deliver_shipments = {
	.text = "SELECT count(*) FROM unnest(string_to_array($1, ', ')) AS n (shipment_no) CROSS JOIN LATERAL usom.deliver(n.shipment_no, $2) AS d",
	.nargs = 2,
	.argtypes = {"text", "timestamptz"},
};

/* Numbers of the shipments that the service and its parts leave and arrive with. */
static const char *
hand_over(UsomOrderSet *set, int line, const Report *report, bool last)
{
	int			count = 0;
	bool		named = report->parts != NULL && JB_ROOT_COUNT(report->parts) > 0;
	UsomLineUnits *parts = named ? usom_order_read_line_list(set, report->parts, &count)
		: assume_parts(set, report->parts == NULL && last, &count);
	UsomLineUnits service = {.line = line, .quantity = units_at_hand(set, line)};
	Datum		values[3] = {CStringGetTextDatum(set->orders[0].order_no), (Datum) 0, JsonbPGetDatum(list_of(set, &service, 1))};
	const char *shipments;

	values[1] = JsonbPGetDatum(named ? report->parts : list_of(set, parts, count));
	release_units(set, line, service.quantity);
	for (int i = 0; i < count; i++)
		release_units(set, parts[i].line, parts[i].quantity);
	usom_order_settle(set, 0, "release");
	usom_order_save(set);
	usom_query_run(&ship_lines, values, NULL);
	shipments = usom_query_get_text(0, 1);
	Ensure(shipments != NULL, "a check that passed holds the order");
	usom_query_run(&deliver_shipments, (Datum[]) {CStringGetTextDatum(shipments), TimestampTzGetDatum(usom_call_time())}, NULL);
	return shipments;
}

/* ---- the paper ---- */

static UsomQuery read_paper = {
	.text = "SELECT r.paper FROM usom.service_report AS r WHERE r.org_id = $1 AND r.appointment_id = $2",
	.nargs = 2,
	.argtypes = {"bigint", "bigint"},
};

static UsomQuery write_paper = {
	.text = "INSERT INTO usom.service_report (org_id, appointment_id, sales_order_id, line_no, paper) "
	"SELECT $1, a.appointment_id, a.sales_order_id, a.line_no, jsonb_build_object('appointment_no', a.appointment_no, 'order_no', o.order_no, "
	"'line_no', a.line_no, 'service', p.sku, 'technician', t.code, 'booked_from', lower(a.during), 'booked_until', upper(a.during), "
	"'started_at', $4::pg_catalog.timestamptz, 'finished_at', $5::pg_catalog.timestamptz, 'work', $6, 'accepted', $7, "
	"'shipments', to_jsonb(string_to_array($3, ', ')), 'parts', coalesce((SELECT jsonb_agg(jsonb_build_object("
	"'line_no', f.line_no, 'sku', f.sku, 'quantity', trim_scale(f.units)) ORDER BY f.line_no) "
	"FROM (SELECT x.line_no, y.sku, sum(x.quantity) AS units FROM usom.shipment AS s "
	"JOIN usom.fulfillment_line AS x ON x.org_id = $1 AND x.sales_order_id = a.sales_order_id AND x.shipment_id = s.shipment_id "
	"JOIN usom.product AS y ON y.org_id = $1 AND y.product_id = x.product_id AND y.kind = 'physical' "
	"WHERE s.org_id = $1 AND s.shipment_no = ANY (string_to_array($3, ', ')) GROUP BY x.line_no, y.sku) AS f), '[]')) "
	"FROM usom.appointment AS a JOIN usom.sales_order AS o ON o.org_id = $1 AND o.sales_order_id = a.sales_order_id "
	"JOIN usom.order_line AS l ON l.org_id = $1 AND l.sales_order_id = a.sales_order_id AND l.line_no = a.line_no "
	"JOIN usom.product AS p ON p.org_id = $1 AND p.product_id = l.product_id "
	"JOIN usom.technician AS t ON t.org_id = $1 AND t.technician_id = a.technician_id "
	"WHERE a.org_id = $1 AND a.appointment_id = $2 RETURNING paper",
	.nargs = 7,
	.argtypes = {"bigint", "bigint", "text", "text", "text", "text", "boolean"},
};

static Datum
text_or_null(const char *value, bool *isnull)
{
	*isnull = value == NULL;
	return value ? CStringGetTextDatum(value) : (Datum) 0;
}

static Jsonb *
put_on_paper(int64 org_id, const UsomAppointment *appointment, const Report *report, const char *shipments)
{
	bool		nulls[7] = {false, false, false, false, false, false, !report->has_verdict};
	Datum		values[7] = {Int64GetDatum(org_id), Int64GetDatum(appointment->appointment_id), CStringGetTextDatum(shipments)};

	values[3] = text_or_null(report->started_at, &nulls[3]);
	values[4] = text_or_null(report->finished_at, &nulls[4]);
	values[5] = text_or_null(report->work, &nulls[5]);
	values[6] = BoolGetDatum(report->accepted);
	Ensure(usom_query_write(&write_paper, values, nulls) == 1, "the appointment of a paper is gone");
	return DatumGetJsonbPCopy(usom_query_get(0, 1));
}

/* ---- what is left ---- */

static void
cancel_rest(UsomOrderSet *set)
{
	int			nlines = set->nlines;

	for (int i = 0; i < nlines; i++)
	{
		UsomQuantity quantity = usom_line_is_component(&set->lines[i]) ? 0 : usom_api_withdrawable(set, i, USOM_WITHDRAW_CANCEL);

		if (quantity > 0)
			usom_api_withdraw(set, i, quantity, USOM_WITHDRAW_CANCEL);
	}
}

static void
finish(UsomOrderSet *set, const UsomAppointment *appointment, const Report *report, bool last)
{
	UsomCredit *credit = usom_credit_open(set);
	UsomPayload payload = usom_payload_begin();

	if (last)
		cancel_rest(set);
	if (report->has_verdict && !report->accepted)
		usom_order_raise(set, 0, appointment->line_no, "service_not_accepted", appointment->appointment_no,
						 "the customer did not accept the work", NULL, USOM_NO_TIME);
	usom_payload_text(&payload, "appointment_no", appointment->appointment_no);
	usom_payload_integer(&payload, "line_no", appointment->line_no);
	usom_order_tell(set, 0, "service_completed", usom_payload_end(&payload));
	set->orders[0].event_line = appointment->line_no;
	set->orders[0].event_reference = appointment->appointment_no;
	usom_order_settle(set, 0, "complete_service");
	usom_api_release_coupons(set);
	usom_order_save(set);
	usom_credit_close(credit, USOM_CREDIT_FOLLOWS);
}

/* End the call; the answer is the caller's.  NULL: nothing was done. */
static Datum
answer_paper(FunctionCallInfo fcinfo, MemoryContext caller, const Jsonb *paper)
{
	MemoryContext call = MemoryContextSwitchTo(caller);
	Jsonb	   *answer = paper ? memcpy(palloc(VARSIZE(paper)), paper, VARSIZE(paper)) : NULL;

	MemoryContextSwitchTo(call);
	usom_call_end();
	if (answer == NULL)
		PG_RETURN_NULL();
	PG_RETURN_JSONB_P(answer);
}

static bool
has_paper(int64 org_id, const UsomAppointment *appointment)
{
	return strcmp(appointment->status, "done") == 0 &&
		usom_query_run(&read_paper, (Datum[]) {Int64GetDatum(org_id), Int64GetDatum(appointment->appointment_id)}, NULL) > 0;
}

/* The appointment stands, and nothing holds its order. */
static Jsonb *
complete(UsomOrderSet *set, const UsomAppointment *appointment, const Report *report)
{
	int			line = usom_order_find_line(set, 0, appointment->line_no);
	bool		last = is_last(set, line);
	const char *shipments;
	Jsonb	   *paper;

	usom_service_end(set->org_id, appointment, "done", NULL);
	shipments = hand_over(set, line, report, last);
	paper = put_on_paper(set->org_id, appointment, report, shipments);
	finish(usom_order_load(set->org_id, appointment->order_no), appointment, report, last);
	return paper;
}

/* usom.complete_service(appointment_no, report) */
Datum
usom_complete_service(PG_FUNCTION_ARGS)
{
	MemoryContext caller = CurrentMemoryContext;
	Report		report;
	UsomAppointment appointment;
	UsomOrderSet *set;
	int64		org_id;

	usom_card_check_call(fcinfo);
	usom_call_begin("complete_service", NULL);
	org_id = usom_party_org();
	report = read_report(fcinfo, 1);
	set = usom_api_load_appointment(&appointment, org_id, usom_order_arg_text(fcinfo, 0, "appointment_no"));
	if (set == NULL)
		usom_api_refuse_absence(&appointment, "complete");
	if (has_paper(org_id, &appointment))
		return answer_paper(fcinfo, caller, DatumGetJsonbP(usom_query_get(0, 1)));
	usom_order_check_holds(set, 0, "release");
	usom_order_check_holds(set, 0, "ship");
	if (usom_fulfillment_may_leave(set, 0, "ship"))
		return answer_paper(fcinfo, caller, complete(set, &appointment, &report));
	usom_order_save(set);
	return answer_paper(fcinfo, caller, NULL);
}
