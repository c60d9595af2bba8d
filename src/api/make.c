/*
 * make.c
 *		usom.request_make(), approve_make(), start_make(), receive_make(),
 *		cancel_make(): what is made for an order line.
 *
 *		A make order goes from requested (or engineering, which approves it
 *		first) to in_production, which makes a supply for the line and no other,
 *		and ends received or cancelled.  The units are the supply's to count:
 *		the verbs on supply do that, called as anybody would call them.
 *
 * Locks: none of its own but the row that is updated, last.  Each step is one
 * guarded UPDATE: of two that take the same step, the second is told that it
 * was taken (US111), and what it did to the supply is undone with it.
 *
 * Memory: SPI's context of the call.
 */
#include "postgres.h"

#include "api/api.h"

#include "base/errors.h"
#include "base/ident.h"
#include "base/query.h"
#include "order/answer.h"
#include "party/party.h"
#include "stock/place.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(usom_request_make);
PG_FUNCTION_INFO_V1(usom_approve_make);
PG_FUNCTION_INFO_V1(usom_start_make);
PG_FUNCTION_INFO_V1(usom_receive_make);
PG_FUNCTION_INFO_V1(usom_cancel_make);

typedef struct Make
{
	int64		org_id;
	int64		make_order_id;
	const char *make_no;
	const char *status;
	const char *order_no;
	int32		line_no;
	const char *sku;
	const char *location;
	Datum		quantity;
	const char *supply_no;		/* NULL: none yet */
} Make;

static UsomQuery find_make = {
	.text = "SELECT m.make_order_id, m.status, o.order_no, m.line_no, p.sku, l.code, m.quantity::pg_catalog.numeric, s.supply_no "
	"FROM usom.make_order AS m "
	"JOIN usom.sales_order AS o ON o.org_id = $1 AND o.sales_order_id = m.sales_order_id "
	"JOIN usom.product AS p ON p.org_id = $1 AND p.product_id = m.product_id "
	"JOIN usom.location AS l ON l.org_id = $1 AND l.location_id = m.location_id "
	"LEFT JOIN usom.supply AS s ON s.org_id = $1 AND s.supply_id = m.supply_id "
	"WHERE m.org_id = $1 AND m.make_no = $2 AND ($3 IS NULL OR o.channel_id = ANY ($3))",
	.nargs = 3,
	.argtypes = {"bigint", "text", "bigint[]"},
};

static Make
find(FunctionCallInfo fcinfo)
{
	Make		make = {.org_id = usom_party_org(), .make_no = usom_order_arg_text(fcinfo, 0, "make_no")};
	bool		nulls[3] = {false};
	Datum		values[3] = {Int64GetDatum(make.org_id), CStringGetTextDatum(make.make_no)};

	values[2] = usom_party_channels(&nulls[2]);
	if (usom_query_run(&find_make, values, nulls) == 0)
		ereport(ERROR, errcode(USOM_ERR(UNKNOWN_MAKE)),
				errmsg("no make order \"%s\"", make.make_no),
				errhint("Look it up in usom.make_orders."));
	make.make_order_id = DatumGetInt64(usom_query_get(0, 1));
	make.status = usom_query_get_text(0, 2);
	make.order_no = usom_query_get_text(0, 3);
	make.line_no = DatumGetInt32(usom_query_get(0, 4));
	make.sku = usom_query_get_text(0, 5);
	make.location = usom_query_get_text(0, 6);
	make.quantity = NumericGetDatum(DatumGetNumericCopy(usom_query_get(0, 7)));
	make.supply_no = usom_query_get_text(0, 8);
	return make;
}

static void
refuse(const Make *make, const char *step, const char *from)
{
	ereport(ERROR, errcode(USOM_ERR(MAKE_STEP)),
			errmsg("cannot %s make order \"%s\" that is %s", step, make->make_no, make->status),
			errdetail("The step starts from %s.", from),
			errhint("Steps: request_make, approve_make where engineering has a say, start_make, receive_make; cancel_make before it is received."));
}

/* $2: the key; $3: the states that the step starts from; $4: the new one. */
static UsomQuery take_step = {
	.text = "UPDATE usom.make_order AS m SET status = $4, "
	"approved_at = CASE $4 WHEN 'approved' THEN now() ELSE m.approved_at END, "
	"approved_by = CASE $4 WHEN 'approved' THEN session_user::text ELSE m.approved_by END, "
	"started_at = CASE WHEN $4 = 'in_production' AND m.started_at IS NULL THEN now() ELSE m.started_at END, "
	"ended_at = CASE WHEN $4 IN ('received', 'cancelled') THEN now() END, note = coalesce($5, m.note), "
	"supply_id = coalesce((SELECT s.supply_id FROM usom.supply AS s WHERE s.org_id = $1 AND s.supply_no = $6), m.supply_id) "
	"WHERE m.org_id = $1 AND m.make_order_id = $2 AND m.status = ANY (string_to_array($3, ' or '))",
	.nargs = 6,
	.argtypes = {"bigint", "bigint", "text", "text", "text", "text"},
};

static void
step(Make *make, const char *verb, const char *from, const char *to, const char *note)
{
	bool		nulls[6] = {false};
	Datum		values[6] = {
		Int64GetDatum(make->org_id), Int64GetDatum(make->make_order_id), CStringGetTextDatum(from), CStringGetTextDatum(to),
		note ? CStringGetTextDatum(note) : (Datum) 0, make->supply_no ? CStringGetTextDatum(make->supply_no) : (Datum) 0
	};

	nulls[4] = note == NULL;
	nulls[5] = make->supply_no == NULL;
	if (usom_query_write(&take_step, values, nulls) == 0)
	{
		*make = (Make) {.make_no = make->make_no, .status = make->status};
		refuse(make, verb, from);
	}
	make->status = to;
}

static Datum
answer_make(UsomAnswer *answer, const Make *make)
{
	bool		nulls[3] = {false, false, make->supply_no == NULL};
	Datum		values[3] = {
		CStringGetTextDatum(make->make_no), CStringGetTextDatum(make->status),
		make->supply_no ? CStringGetTextDatum(make->supply_no) : (Datum) 0
	};

	return usom_order_answer_row(answer, values, nulls);
}

/* ---- request ---- */

static UsomQuery read_wanted = {
	.text = "SELECT (l.quantity_open + l.quantity_backordered)::pg_catalog.numeric - coalesce((SELECT sum(m.quantity) FROM usom.make_order AS m "
	"WHERE m.org_id = $1 AND m.sales_order_id = $2 AND m.line_no = $3 AND m.status NOT IN ('received', 'cancelled')), 0), p.sku, "
	"o.order_type = 'engineer_to_order' OR p.decoupling = 'engineer_to_order' "
	"FROM usom.order_line AS l JOIN usom.product AS p ON p.org_id = $1 AND p.product_id = l.product_id "
	"JOIN usom.sales_order AS o ON o.org_id = $1 AND o.sales_order_id = l.sales_order_id "
	"WHERE l.org_id = $1 AND l.sales_order_id = $2 AND l.line_no = $3",
	.nargs = 3,
	.argtypes = {"bigint", "bigint", "integer"},
};

static UsomQuery insert_make = {
	.text = "INSERT INTO usom.make_order (org_id, make_no, sales_order_id, line_no, product_id, location_id, quantity, due_at, status) "
	"VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
	.nargs = 9,
	.argtypes = {"bigint", "text", "bigint", "integer", "bigint", "bigint", "usom.positive_quantity", "timestamptz", "text"},
};

/* Units of the line that wait and nobody makes yet. */
static UsomQuantity
wanted_units(const UsomOrderSet *set, const UsomLine *line, UsomPlace *place, bool *needs_engineering)
{
	Datum		values[] = {
		Int64GetDatum(set->org_id), Int64GetDatum(set->orders[0].sales_order_id), Int32GetDatum(line->line_no)
	};
	UsomQuantity units;

	Ensure(usom_query_run(&read_wanted, values, NULL) == 1, "line %d is gone", line->line_no);
	units = usom_quantity_of(DatumGetNumeric(usom_query_get(0, 1)));
	place->sku = usom_query_get_text(0, 2);
	*needs_engineering = DatumGetBool(usom_query_get(0, 3));
	return units;
}

static UsomQuantity
quantity_argument(FunctionCallInfo fcinfo, const UsomOrderSet *set, int32 line_no, UsomQuantity wanted)
{
	UsomQuantity quantity = PG_ARGISNULL(3) ? wanted
		: usom_stock_positive(usom_stock_required_quantity(fcinfo, 3, "quantity"), "quantity");

	if (wanted <= 0 || quantity > wanted)
		ereport(ERROR, errcode(USOM_ERR(MAKE_STEP)),
				errmsg("nobody waits for so many units of line %d of order \"%s\"", line_no, set->orders[0].order_no),
				errdetail("%s units wait and are not being made.", usom_quantity_text(Max(wanted, 0))),
				errhint("Look at usom.make_orders."));
	return quantity;
}

/* usom.request_make(order_no, line_no, location, quantity, due_at) */
Datum
usom_request_make(PG_FUNCTION_ARGS)
{
	UsomAnswer *answer = usom_order_answer_begin(fcinfo, "request_make", -1);
	UsomOrderSet *set = usom_order_load(usom_party_org(), usom_order_arg_text(fcinfo, 0, "order_no"));
	UsomPlace	place = {.location = usom_stock_required_text(fcinfo, 2, "location")};
	const char *make_no;
	const UsomLine *line;
	UsomQuantity quantity;
	bool		needs_engineering;
	bool		nulls[9] = {false};
	Datum		values[9];

	usom_order_arg_required(fcinfo, 1, "line_no");
	if (!usom_order_is_running(set->orders[0].status))
		usom_order_refuse(set->orders[0].order_no, "make something for", set->orders[0].status);
	line = &set->lines[usom_order_find_line(set, 0, PG_GETARG_INT32(1))];
	quantity = wanted_units(set, line, &place, &needs_engineering);
	quantity = quantity_argument(fcinfo, set, line->line_no, quantity);
	usom_stock_find_places(&place, 1);
	make_no = usom_ident_document_no(set->org_id, "make");
	values[0] = Int64GetDatum(set->org_id);
	values[1] = CStringGetTextDatum(make_no);
	values[2] = Int64GetDatum(set->orders[0].sales_order_id);
	values[3] = Int32GetDatum(line->line_no);
	values[4] = Int64GetDatum(line->product_id);
	values[5] = Int64GetDatum(place.location_id);
	values[6] = NumericGetDatum(usom_quantity_stored(quantity));
	values[7] = PG_ARGISNULL(4) ? (Datum) 0 : PG_GETARG_DATUM(4);
	values[8] = CStringGetTextDatum(needs_engineering ? "engineering" : "requested");
	nulls[7] = PG_ARGISNULL(4);
	usom_query_write(&insert_make, values, nulls);
	return usom_order_answer_string(answer, make_no);
}

/* ---- steps ---- */

/* usom.approve_make(make_no, note) */
Datum
usom_approve_make(PG_FUNCTION_ARGS)
{
	UsomAnswer *answer = usom_order_answer_begin(fcinfo, "approve_make", 1);
	Make		make = find(fcinfo);

	step(&make, "approve", "engineering", "approved", PG_ARGISNULL(1) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(1)));
	return answer_make(answer, &make);
}

static UsomQuery add_supply = {
	.text = "SELECT usom.add_supply('production', $1, $2, $3, $4, $5, 1, NULL, $6, $7)",
	.nargs = 7,
	.argtypes = {"text", "text", "numeric", "timestamptz", "text", "text", "integer"},
};

/* usom.start_make(make_no, expected_at) */
Datum
usom_start_make(PG_FUNCTION_ARGS)
{
	UsomAnswer *answer = usom_order_answer_begin(fcinfo, "start_make", -1);
	Make		make = find(fcinfo);
	Datum		values[7] = {
		CStringGetTextDatum(make.location), CStringGetTextDatum(make.sku), make.quantity, (Datum) 0,
		CStringGetTextDatum(make.make_no), CStringGetTextDatum(make.order_no), Int32GetDatum(make.line_no)
	};

	usom_order_arg_required(fcinfo, 1, "expected_at");
	if (strcmp(make.status, "requested") != 0 && strcmp(make.status, "approved") != 0)
		refuse(&make, "start", "requested or approved");
	values[3] = PG_GETARG_DATUM(1);
	usom_query_run(&add_supply, values, NULL);
	make.supply_no = usom_query_get_text(0, 1);
	step(&make, "start", "requested or approved", "in_production", NULL);
	return answer_make(answer, &make);
}

static UsomQuery receive_supply = {
	.text = "SELECT r.status FROM usom.receive_supply($1, $2, NULL, $3) AS r",
	.nargs = 3,
	.argtypes = {"text", "numeric", "boolean"},
};

/* usom.receive_make(make_no, quantity, final) */
Datum
usom_receive_make(PG_FUNCTION_ARGS)
{
	UsomAnswer *answer = usom_order_answer_begin(fcinfo, "receive_make", -1);
	Make		make = find(fcinfo);
	bool		nulls[3] = {false, PG_ARGISNULL(1), false};
	Datum		values[3];

	if (strcmp(make.status, "in_production") != 0)
		refuse(&make, "receive", "in_production");
	values[0] = CStringGetTextDatum(make.supply_no);
	values[1] = PG_ARGISNULL(1) ? (Datum) 0 : PG_GETARG_DATUM(1);
	values[2] = BoolGetDatum(!PG_ARGISNULL(2) && PG_GETARG_BOOL(2));
	usom_query_run(&receive_supply, values, nulls);
	step(&make, "receive", "in_production", strcmp(usom_query_get_text(0, 1), "received") == 0 ? "received" : "in_production", NULL);
	return answer_make(answer, &make);
}

static UsomQuery cancel_supply = {
	.text = "SELECT r.status FROM usom.cancel_supply($1, $2) AS r",
	.nargs = 2,
	.argtypes = {"text", "text"},
};

/* usom.cancel_make(make_no, reason) */
Datum
usom_cancel_make(PG_FUNCTION_ARGS)
{
	UsomAnswer *answer = usom_order_answer_begin(fcinfo, "cancel_make", 1);
	Make		make = find(fcinfo);
	bool		nulls[2] = {false, PG_ARGISNULL(1)};
	Datum		values[2] = {(Datum) 0, PG_ARGISNULL(1) ? (Datum) 0 : PG_GETARG_DATUM(1)};

	if (strcmp(make.status, "received") == 0 || strcmp(make.status, "cancelled") == 0)
		refuse(&make, "cancel", "what is not received yet");
	if (make.supply_no != NULL)
	{
		values[0] = CStringGetTextDatum(make.supply_no);
		usom_query_run(&cancel_supply, values, nulls);
	}
	step(&make, "cancel", "requested or engineering or approved or in_production", "cancelled",
		 PG_ARGISNULL(1) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(1)));
	return answer_make(answer, &make);
}
