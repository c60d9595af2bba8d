/*
 * request.c
 *		What warehouses are asked to do after a cut-off: written, answered,
 *		carried out; usom.answer_request().
 *
 * A request names one location and either lines with units that it is to give
 * back, or an address.  Nothing of it is done before somebody answers yes: the
 * units stay where they are, and may leave meanwhile; then there is nothing
 * left to do.
 *
 * Locks: the order, under which its requests are written and answered.
 *
 * Memory: CurrentMemoryContext.
 */
#include "postgres.h"

#include "api/price.h"
#include "api/request.h"

#include "base/call.h"
#include "base/errors.h"
#include "base/ident.h"
#include "base/payload.h"
#include "base/query.h"
#include "fulfillment/handover.h"
#include "order/answer.h"
#include "order/news.h"
#include "party/party.h"
#include "payment/credit.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(usom_answer_request);

#define ASK_COLUMNS 6

static UsomQuery read_asks = {
	.text = "SELECT u.line_no, r.location_id, u.quantity FROM usom.warehouse_request AS r "
	"CROSS JOIN LATERAL jsonb_to_recordset(r.lines) AS u (line_no integer, quantity numeric) "
	"WHERE r.org_id = $1 AND r.sales_order_id = $2 AND r.status = 'pending' AND r.lines IS NOT NULL",
	.nargs = 2,
	.argtypes = {"bigint", "bigint"},
};

static UsomQuery insert_requests = {
	.text = "INSERT INTO usom.warehouse_request AS w (org_id, warehouse_request_id, request_no, sales_order_id, location_id, action, reason, asked_at, lines) "
	"SELECT $1, r.request_id, r.request_no, r.sales_order_id, r.location_id, $3, $4, $5, "
	"jsonb_agg(jsonb_build_object('line_no', r.line_no, 'quantity', trim_scale(r.quantity)) ORDER BY r.line_no) "
	"FROM (SELECT u.request_id, u.request_no, u.sales_order_id, u.location_id, u.line_no, sum(u.quantity) AS quantity "
	"FROM unnest($2) AS u GROUP BY u.request_id, u.request_no, u.sales_order_id, u.location_id, u.line_no) AS r "
	"GROUP BY r.request_id, r.request_no, r.sales_order_id, r.location_id ORDER BY r.request_id "
	"RETURNING w.request_no, w.sales_order_id, (SELECT l.code FROM usom.location l WHERE l.org_id = $1 AND l.location_id = w.location_id), w.lines",
	.nargs = 5,
	.argtypes = {"bigint", "usom._ask_row[]", "text", "text", "timestamptz"},
};

static UsomQuery insert_address = {
	.text = "INSERT INTO usom.warehouse_request AS w (org_id, warehouse_request_id, request_no, sales_order_id, location_id, action, reason, asked_at, address_id) "
	"VALUES ($1, $2, $3, $4, $5, 'address', $6, $7, $8) RETURNING w.request_no, w.sales_order_id, "
	"(SELECT l.code FROM usom.location l WHERE l.org_id = $1 AND l.location_id = w.location_id), NULL::jsonb",
	.nargs = 8,
	.argtypes = {"bigint", "bigint", "text", "bigint", "bigint", "text", "timestamptz", "bigint"},
};

static UsomQuery select_requests = {
	.text = "SELECT r.warehouse_request_id, r.request_no, r.action, r.location_id, r.address_id, r.lines, r.status "
	"FROM usom.warehouse_request AS r WHERE r.org_id = $1 AND r.sales_order_id = $2 "
	"AND CASE WHEN $4 IS NULL THEN r.status = 'pending' AND r.location_id = $3 ELSE r.request_no = $4 END ORDER BY r.warehouse_request_id",
	.nargs = 4,
	.argtypes = {"bigint", "bigint", "bigint", "text"},
};

static UsomQuery note_answer = {
	.text = "UPDATE usom.warehouse_request AS r SET status = $3, answered_at = $4, answered_by = session_user, answer = $5 "
	"WHERE r.org_id = $1 AND r.warehouse_request_id = $2 AND r.status = 'pending'",
	.nargs = 5,
	.argtypes = {"bigint", "bigint", "text", "timestamptz", "text"},
};

/* The address counts once every location that was asked has said yes. */
static UsomQuery move_order = {
	.text = "UPDATE usom.sales_order AS o SET address_id = $3 WHERE o.org_id = $1 AND o.sales_order_id = $2 "
	"AND o.address_id IS DISTINCT FROM $3 AND NOT EXISTS (SELECT 1 FROM usom.warehouse_request AS r WHERE r.org_id = $1 AND r.sales_order_id = $2 "
	"AND r.action = 'address' AND r.address_id IS NOT DISTINCT FROM $3 AND r.warehouse_request_id <> $4 AND r.status <> 'accepted')",
	.nargs = 4,
	.argtypes = {"bigint", "bigint", "bigint", "bigint"},
};

/* ---- ask ---- */

List *
usom_api_read_asks_of(const UsomOrderSet *set, int order)
{
	Datum		values[2] = {Int64GetDatum(set->org_id), Int64GetDatum(set->orders[order].sales_order_id)};
	uint64		n = usom_query_run(&read_asks, values, NULL);
	List	   *asks = NIL;

	for (uint64 row = 0; row < n; row++)
	{
		UsomAsk    *ask = palloc_object(UsomAsk);

		*ask = (UsomAsk) {
			order, DatumGetInt32(usom_query_get(row, 1)), DatumGetInt64(usom_query_get(row, 2)),
			usom_quantity_of(DatumGetNumeric(usom_query_get(row, 3)))
		};
		asks = lappend(asks, ask);
	}
	return asks;
}

static const char *
label_of(UsomWithdrawal kind)
{
	return kind == USOM_WITHDRAW_CANCEL ? "cancel" : "change";
}

static int
order_of(const UsomOrderSet *set, int64 key)
{
	int			order = 0;

	while (order < set->norders && set->orders[order].sales_order_id != key)
		order++;
	Ensure(order < set->norders, "a request is of an order that was not loaded");
	return order;
}

/* What was returned: number, order, location, lines.  The caller of the verb hears of it, and so does the warehouse. */
static void
tell_requests(UsomOrderSet *set, const char *action)
{
	SPITupleTable *rows = SPI_tuptable;
	uint64		n = SPI_processed;

	for (uint64 row = 0; row < n; row++)
	{
		int			order = order_of(set, DatumGetInt64(usom_query_get(row, 2)));
		const char *number = usom_query_get_text(row, 1);
		const char *location = usom_query_get_text(row, 3);
		bool		no_lines;
		Datum		lines = usom_query_get_or_null(row, 4, &no_lines);
		UsomPayload payload = usom_payload_begin();

		usom_payload_text(&payload, "request_no", number);
		usom_payload_text(&payload, "order_no", set->orders[order].order_no);
		usom_payload_text(&payload, "location", location);
		usom_payload_text(&payload, "action", action);
		if (!no_lines)
			usom_payload_document(&payload, "lines", DatumGetJsonbP(lines));
		usom_order_tell(set, order, "request_made", usom_payload_end(&payload));
		ereport(NOTICE,
				errmsg("%s is asked: request %s to %s order \"%s\"", location, number,
					   no_lines ? "send elsewhere what it has of" : "give back units of", set->orders[order].order_no),
				no_lines ? errhint("The answer comes by usom.answer_request().")
				: errhint("The answer comes by usom.answer_request() or usom.record_fulfillment()."));
		SPI_tuptable = rows;
	}
}

static int
compare_asks(const ListCell *a, const ListCell *b)
{
	const UsomAsk *left = lfirst(a);
	const UsomAsk *right = lfirst(b);

	if (left->order != right->order)
		return left->order < right->order ? -1 : 1;
	if (left->location_id != right->location_id)
		return left->location_id < right->location_id ? -1 : 1;
	return (left->line_no > right->line_no) - (left->line_no < right->line_no);
}

static void
add_ask(UsomRows *rows, const UsomOrderSet *set, const UsomAsk *ask, int64 id, const char *number)
{
	bool		nulls[ASK_COLUMNS] = {false};
	Datum		values[ASK_COLUMNS] = {
		Int64GetDatum(id),
		CStringGetTextDatum(number),
		Int64GetDatum(set->orders[ask->order].sales_order_id),
		Int64GetDatum(ask->location_id),
		Int32GetDatum(ask->line_no),
		NumericGetDatum(usom_quantity_numeric(ask->quantity)),
	};

	usom_rows_add(rows, values, nulls);
}

int
usom_api_write_asks(UsomOrderSet *set, List *asks, UsomWithdrawal kind)
{
	UsomRows   *rows = usom_rows_make("_ask_row", list_length(asks));
	const char *reason = usom_call_reason();
	bool		nulls[5] = {false, false, false, reason == NULL, false};
	Datum		values[5] = {Int64GetDatum(set->org_id)};
	const UsomAsk *last = NULL;
	const char *number = NULL;
	int64		id = 0;
	int			count = 0;

	list_sort(asks, compare_asks);
	for (int i = 0; i < list_length(asks); i++)
	{
		const UsomAsk *ask = list_nth(asks, i);

		if (last == NULL || last->order != ask->order || last->location_id != ask->location_id)
		{
			id = usom_ident_next();
			number = usom_ident_document_no(set->org_id, "request");
			count++;
		}
		add_ask(rows, set, ask, id, number);
		last = ask;
	}
	values[1] = usom_rows_datum(rows);
	values[2] = CStringGetTextDatum(label_of(kind));
	values[3] = reason ? CStringGetTextDatum(reason) : (Datum) 0;
	values[4] = TimestampTzGetDatum(usom_call_time());
	usom_query_write(&insert_requests, values, nulls);
	tell_requests(set, label_of(kind));
	return count;
}

/* ---- ask for an address ---- */

static bool
is_at_work(const UsomPiece *piece)
{
	return piece->location_id != 0 && piece->quantity > 0 &&
		piece->status >= USOM_PIECE_RELEASED && piece->status <= USOM_PIECE_PACKED;
}

bool
usom_api_must_ask_address(UsomOrderSet *set)
{
	const UsomCuts *cuts = usom_fulfillment_read_cuts(set, 0, USOM_CUT_ADDRESS);

	for (int i = 0; i < set->npieces && usom_fulfillment_has_cuts(cuts); i++)
		if (is_at_work(&set->pieces[i]) &&
			usom_fulfillment_judge(cuts, set->pieces[i].location_id, set->pieces[i].status) == USOM_CUT_ASK)
			return true;
	return false;
}

static void
ask_location(UsomOrderSet *set, int64 location_id, int64 address_id)
{
	const char *reason = usom_call_reason();
	bool		nulls[8] = {false, false, false, false, false, reason == NULL, false, address_id == 0};
	Datum		values[8] = {
		Int64GetDatum(set->org_id), Int64GetDatum(usom_ident_next()),
		CStringGetTextDatum(usom_ident_document_no(set->org_id, "request")),
		Int64GetDatum(set->orders[0].sales_order_id), Int64GetDatum(location_id),
		reason ? CStringGetTextDatum(reason) : (Datum) 0, TimestampTzGetDatum(usom_call_time()), Int64GetDatum(address_id)
	};

	usom_query_write(&insert_address, values, nulls);
	tell_requests(set, "address");
}

void
usom_api_ask_address(UsomOrderSet *set, int64 address_id)
{
	int64	   *asked = palloc_array(int64, set->npieces + 1);
	int			nasked = 0;

	for (int i = 0; i < set->npieces; i++)
	{
		bool		known = !is_at_work(&set->pieces[i]);

		for (int j = 0; j < nasked && !known; j++)
			known = asked[j] == set->pieces[i].location_id;
		if (known)
			continue;
		asked[nasked++] = set->pieces[i].location_id;
		ask_location(set, set->pieces[i].location_id, address_id);
	}
}

/* ---- answer ---- */

static UsomRequest *
take_request(uint64 row)
{
	UsomRequest *request = palloc_object(UsomRequest);
	bool		no_address;
	bool		no_lines;
	Datum		address = usom_query_get_or_null(row, 5, &no_address);
	Datum		lines = usom_query_get_or_null(row, 6, &no_lines);

	*request = (UsomRequest) {
		.request_id = DatumGetInt64(usom_query_get(row, 1)),
		.request_no = usom_query_get_text(row, 2),
		.action = usom_query_get_text(row, 3),
		.location_id = DatumGetInt64(usom_query_get(row, 4)),
		.address_id = no_address ? 0 : DatumGetInt64(address),
		.lines = no_lines ? NULL : DatumGetJsonbPCopy(lines),
		.status = usom_query_get_text(row, 7),
	};
	return request;
}

static List *
read_requests(const UsomOrderSet *set, int64 location_id, const char *request_no)
{
	bool		nulls[4] = {false, false, false, request_no == NULL};
	Datum		values[4] = {
		Int64GetDatum(set->org_id), Int64GetDatum(set->orders[0].sales_order_id), Int64GetDatum(location_id),
		request_no ? CStringGetTextDatum(request_no) : (Datum) 0
	};
	uint64		n = usom_query_run(&select_requests, values, nulls);
	List	   *requests = NIL;

	for (uint64 row = 0; row < n; row++)
		requests = lappend(requests, take_request(row));
	return requests;
}

List *
usom_api_pending_requests(const UsomOrderSet *set, int64 location_id)
{
	return read_requests(set, location_id, NULL);
}

/* Of a line that is still there: its units at the location, least committed first. */
static UsomQuantity
take_back(UsomOrderSet *set, int line, int64 location_id, UsomQuantity quantity, UsomWithdrawal kind)
{
	UsomQuantity left = quantity;

	if (kind == USOM_WITHDRAW_DROP && set->lines[line].quantity <= quantity)
		kind = USOM_WITHDRAW_CANCEL;	/* a line has units */
	for (UsomPieceStatus state = USOM_PIECE_RELEASED; state <= USOM_PIECE_PACKED && left > 0; state++)
		for (int i = set->npieces - 1; i >= 0 && left > 0; i--)
		{
			UsomQuantity units = Min(left, set->pieces[i].quantity);

			if (set->pieces[i].line != line || set->pieces[i].status != state || set->pieces[i].location_id != location_id || units == 0)
				continue;
			left -= units;
			usom_api_take_from_piece(set, i, units, kind);
		}
	return quantity - left;
}

/* A line that was removed meanwhile has nothing to give back. */
static int
find_line(const UsomOrderSet *set, int32 line_no)
{
	for (int i = 0; i < set->nlines; i++)
		if (set->lines[i].line_no == line_no)
			return i;
	return -1;
}

static Numeric
number_in(JsonbContainer *object, const char *key)
{
	JsonbValue	value;

	Ensure(getKeyJsonValueFromContainer(object, key, strlen(key), &value) != NULL && value.type == jbvNumeric,
		   "a request has a line without \"%s\"", key);
	return value.val.numeric;
}

/* most: by line of the set, so many at most, and lowered by what there is; NULL: all that was asked for. */
static UsomQuantity
give_back_lines(UsomOrderSet *set, const UsomRequest *request, UsomQuantity *most)
{
	UsomWithdrawal kind = strcmp(request->action, "cancel") == 0 ? USOM_WITHDRAW_CANCEL : USOM_WITHDRAW_DROP;
	UsomQuantity units = 0;

	for (uint32 i = 0; i < JB_ROOT_COUNT(request->lines); i++)
	{
		JsonbContainer *object = getIthJsonbValueFromContainer(&request->lines->root, i)->val.binary.data;
		int			line = find_line(set, DatumGetInt32(DirectFunctionCall1(numeric_int4, NumericGetDatum(number_in(object, "line_no")))));

		UsomQuantity wanted = usom_quantity_of(number_in(object, "quantity"));
		UsomQuantity taken;

		if (line < 0)
			continue;
		taken = take_back(set, line, request->location_id, most ? Min(wanted, most[line]) : wanted, kind);
		if (most != NULL)
			most[line] -= taken;
		units += taken;
	}
	return units;
}

UsomQuantity
usom_api_carry_out_request(UsomOrderSet *set, const UsomRequest *request, UsomQuantity *most)
{
	bool		nulls[4] = {false, false, request->address_id == 0, false};
	Datum		values[4] = {
		Int64GetDatum(set->org_id), Int64GetDatum(set->orders[0].sales_order_id), Int64GetDatum(request->address_id),
		Int64GetDatum(request->request_id)
	};
	UsomQuantity units = 0;

	if (request->lines != NULL)
		return give_back_lines(set, request, most);
	for (int i = 0; i < set->npieces; i++)
		if (is_at_work(&set->pieces[i]) && set->pieces[i].location_id == request->location_id)
			units = usom_quantity_add(units, set->pieces[i].quantity);
	if (units > 0 && usom_query_write(&move_order, values, nulls) > 0)
		set->orders[0].content_changed = true;
	return units;
}

void
usom_api_answer_request(UsomOrderSet *set, const UsomRequest *request, bool accepted, const char *answer)
{
	bool		nulls[5] = {false, false, false, false, answer == NULL};
	Datum		values[5] = {
		Int64GetDatum(set->org_id), Int64GetDatum(request->request_id), CStringGetTextDatum(accepted ? "accepted" : "refused"),
		TimestampTzGetDatum(usom_call_time()), answer ? CStringGetTextDatum(answer) : (Datum) 0
	};
	UsomPayload payload = usom_payload_begin();

	usom_query_write(&note_answer, values, nulls);
	usom_payload_text(&payload, "request_no", request->request_no);
	usom_payload_text(&payload, "order_no", set->orders[0].order_no);
	usom_payload_text(&payload, "action", request->action);
	usom_order_tell(set, 0, accepted ? "request_accepted" : "request_refused", usom_payload_end(&payload));
}

/* ---- usom.answer_request() ---- */

static UsomQuery find_request = {
	.text = "SELECT o.order_no FROM usom.warehouse_request AS r "
	"JOIN usom.sales_order AS o ON o.org_id = $1 AND o.sales_order_id = r.sales_order_id "
	"WHERE r.org_id = $1 AND r.request_no = $2 AND ($3 IS NULL OR o.channel_id = ANY ($3))",
	.nargs = 3,
	.argtypes = {"bigint", "text", "bigint[]"},
};

static UsomOrderSet *
load_order(const char *request_no)
{
	int64		org_id = usom_party_org();
	bool		nulls[3] = {false};
	Datum		values[3] = {Int64GetDatum(org_id), CStringGetTextDatum(request_no)};

	values[2] = usom_party_channels(&nulls[2]);
	if (usom_query_run(&find_request, values, nulls) == 0)
		ereport(ERROR, errcode(USOM_ERR(UNKNOWN_REQUEST)),
				errmsg("no request \"%s\"", request_no),
				errhint("Look it up in usom.warehouse_requests."));
	return usom_order_load(org_id, usom_query_get_text(0, 1));
}

static void
refuse_gone(const UsomOrderSet *set, const UsomRequest *request)
{
	ereport(ERROR, errcode(USOM_ERR(REQUEST_SETTLED)),
			errmsg("request %s comes too late: nothing that it asks for is at its location any more", request->request_no),
			errdetail("Order \"%s\" has nothing of it released, picked or packed there.", set->orders[0].order_no),
			errhint("Answer no: accepted => false. What was shipped comes back by usom.authorize_return()."));
}

/* Fewer units, or another place: priced again as it was priced before. */
static void
save_accepted(UsomOrderSet *set, const UsomRequest *request)
{
	UsomCredit *credit = usom_credit_open(set);
	UsomWork   *work = usom_fulfillment_look(set);
	UsomPriceRequest asks = {0};
	UsomPricing *pricing = NULL;

	if (usom_api_carry_out_request(set, request, NULL) == 0)
		refuse_gone(set, request);
	if (strcmp(request->action, "cancel") != 0)
		pricing = usom_api_price(set, 0, &asks);
	usom_api_redeem(set, &pricing);
	usom_order_settle(set, 0, "answer_request");
	usom_api_release_coupons(set);
	usom_api_answer_request(set, request, true, usom_call_reason());
	usom_fulfillment_tell(set, work);
	usom_order_save(set);
	usom_credit_close(credit, USOM_CREDIT_FOLLOWS);
	usom_api_write_prices(set, &pricing);
}

static void
save_refused(UsomOrderSet *set, const UsomRequest *request)
{
	usom_api_answer_request(set, request, false, usom_call_reason());
	usom_order_settle(set, 0, "answer_request");
	usom_order_save(set);
}

/* usom.answer_request(request_no text, accepted boolean, answer text) */
Datum
usom_answer_request(PG_FUNCTION_ARGS)
{
	UsomAnswer *answer = usom_order_answer_begin(fcinfo, "answer_request", 2);
	char	   *request_no = usom_order_arg_text(fcinfo, 0, "request_no");
	UsomOrderSet *set = load_order(request_no);
	const UsomRequest *request = linitial(read_requests(set, 0, request_no));
	bool		accepted;

	usom_order_arg_required(fcinfo, 1, "accepted");
	accepted = PG_GETARG_BOOL(1);
	set->orders[0].event_reference = request->request_no;
	if (strcmp(request->status, "pending") == 0)
	{
		if (accepted)
			save_accepted(set, request);
		else
			save_refused(set, request);
	}
	else if ((strcmp(request->status, "accepted") == 0) != accepted)
		ereport(ERROR, errcode(USOM_ERR(REQUEST_SETTLED)),
				errmsg("request %s is %s already", request_no, request->status),
				errhint("Look at usom.warehouse_requests. Another answer needs another request."));
	return usom_order_answer_status(answer, set);
}
