/*
 * exchange.c
 *		usom.exchange_return(): other goods for those that come back.
 *
 * The exchange is an order like any other, placed for the customer, channel,
 * currency and address of the order whose goods come back, which is its
 * parent.  Until they are back it is on hold and keeps its stock, unless they
 * are exchanged in advance.  What the returned goods cost pays for it
 * (returns/exchange.c).
 *
 * Locks: the order of the return, then the new order and its stock, as placing.
 *
 * Memory: the call's.
 */
#include "postgres.h"

#include "api/api.h"
#include "api/place.h"
#include "base/call.h"
#include "base/errors.h"
#include "base/payload.h"
#include "base/query.h"
#include "order/answer.h"
#include "order/news.h"
#include "party/party.h"
#include "returns/returns.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(usom_exchange_return);

/* Without lines ($3), the same goods at the price they had. */
static UsomQuery make_document = {
	.text = "SELECT pg_catalog.jsonb_strip_nulls(pg_catalog.jsonb_build_object('channel', c.code, 'customer', u.code, 'currency', o.currency, "
	"'priority', o.priority, 'lines', coalesce($3, (SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('sku', p.sku, "
	"'quantity', t.quantity - t.quantity_rejected - t.quantity_given_up, 'unit_price', l.unit_price) ORDER BY t.line_no) "
	"FROM usom.return_line t JOIN usom.order_line l ON l.org_id = $1 AND l.sales_order_id = o.sales_order_id AND l.line_no = t.line_no "
	"JOIN usom.product p ON p.org_id = $1 AND p.product_id = l.product_id "
	"WHERE t.org_id = $1 AND t.return_order_id = $2 AND t.quantity > t.quantity_rejected + t.quantity_given_up)))), o.address_id "
	"FROM usom.return_order r JOIN usom.sales_order o ON o.org_id = $1 AND o.sales_order_id = r.sales_order_id "
	"LEFT JOIN usom.channel c ON c.org_id = $1 AND c.channel_id = o.channel_id "
	"LEFT JOIN usom.customer u ON u.org_id = $1 AND u.customer_id = o.customer_id "
	"WHERE r.org_id = $1 AND r.return_order_id = $2",
	.nargs = 3,
	.argtypes = {"bigint", "bigint", "jsonb"},
};

static UsomQuery link_parent = {
	.text = "UPDATE usom.sales_order AS o SET parent_order_id = $3 WHERE o.org_id = $1 AND o.sales_order_id = $2",
	.nargs = 3,
	.argtypes = {"bigint", "bigint", "bigint"},
};

static UsomQuery insert_hold = {
	.text = "INSERT INTO usom.hold (org_id, sales_order_id, placed_at, hold_type, reason, blocks) "
	"VALUES ($1, $2, $3, '" USOM_EXCHANGE_HOLD "', $4, ARRAY['release', 'ship'])",
	.nargs = 4,
	.argtypes = {"bigint", "bigint", "timestamptz", "text"},
};

static UsomQuery find_number = {
	.text = "SELECT o.order_no FROM usom.sales_order AS o WHERE o.org_id = $1 AND o.sales_order_id = $2",
	.nargs = 2,
	.argtypes = {"bigint", "bigint"},
};

static void
refuse(const UsomReturn *back, const char *why)
{
	ereport(ERROR, errcode(USOM_ERR(NOT_TO_EXCHANGE)),
			errmsg("there is no exchange for return \"%s\"", back->return_no),
			errdetail("%s", why),
			errhint("Place an order for what the customer wants."));
}

static void
check_return(const UsomReturn *back)
{
	UsomQuantity units = 0;

	if (back->status == USOM_RETURN_REQUESTED || back->status == USOM_RETURN_REFUSED || back->status == USOM_RETURN_CANCELLED)
		refuse(back, psprintf("It is %s.", usom_return_lifecycle_table.labels[back->status]));
	for (int i = 0; i < back->nlines; i++)
		units = usom_quantity_add(units, back->lines[i].quantity - back->lines[i].rejected - back->lines[i].given_up);
	if (units == 0)
		refuse(back, "Nothing of it was taken back.");
}

/* It goes where the goods went; who the buyer is does not matter to a snapshot of an address. */
static Placing *
place(const UsomReturn *back, FunctionCallInfo fcinfo)
{
	bool		nulls[3] = {false, false, PG_ARGISNULL(1)};
	Datum		values[3] = {
		Int64GetDatum(back->set->org_id), Int64GetDatum(back->return_order_id), PG_ARGISNULL(1) ? (Datum) 0 : PG_GETARG_DATUM(1)
	};
	bool		no_address;
	Datum		address_id;
	Placing    *placing;
	Placing    *written;
	Jsonb	   *document;

	Ensure(usom_query_run(&make_document, values, nulls) == 1, "a return is of no order");
	address_id = usom_query_get_or_null(0, 2, &no_address);
	document = DatumGetJsonbPCopy(usom_query_get(0, 1));
	written = placing = usom_api_read(document);
	if (!no_address)
		placing->address_id = DatumGetInt64(address_id);
	usom_api_finish(placing);
	usom_api_write(&written, 1);
	if (placing->refused)
		usom_api_refuse_findings(&placing->checking);
	return placing;
}

static void
hold(const UsomReturn *back, int64 exchange_order_id)
{
	Datum		values[4] = {
		Int64GetDatum(back->set->org_id), Int64GetDatum(exchange_order_id), TimestampTzGetDatum(usom_call_time()),
		CStringGetTextDatum(psprintf("until return %s is back", back->return_no))
	};

	usom_query_write(&insert_hold, values, NULL);
}

static Jsonb *
names(const UsomReturn *back, const char *order_no)
{
	UsomPayload payload = usom_payload_begin();

	usom_payload_text(&payload, "return_no", back->return_no);
	usom_payload_text(&payload, "parent_order_no", back->set->orders[0].order_no);
	usom_payload_text(&payload, "exchange_order_no", order_no);
	return usom_payload_end(&payload);
}

/* The new order knows what it is for; whoever sends it in advance is reminded of what is outstanding. */
static void
finish(UsomReturn *back, const UsomOrder *placed, bool advance)
{
	UsomOrderSet *set = usom_order_load(back->set->org_id, placed->order_no);
	UsomOrder  *order = &set->orders[0];
	Datum		values[3] = {
		Int64GetDatum(set->org_id), Int64GetDatum(order->sales_order_id), Int64GetDatum(back->set->orders[0].sales_order_id)
	};

	usom_query_write(&link_parent, values, NULL);
	if (usom_return_waits(back) && !advance)
		hold(back, order->sales_order_id);
	else if (usom_return_waits(back))
		usom_order_raise(set, 0, 0, "exchange_outstanding", back->return_no,
						 psprintf("goods of return %s are outstanding", back->return_no), NULL, back->expires_at);
	usom_order_tell(set, 0, "exchange_placed", names(back, order->order_no));
	order->event = "exchange_return";
	order->event_reference = back->return_no;
	order->changed = true;
	usom_order_save(set);
	usom_return_write_exchange(back, order->sales_order_id);
}

static char *
number_of(const UsomReturn *back)
{
	Datum		values[2] = {Int64GetDatum(back->set->org_id), Int64GetDatum(back->exchange_order_id)};

	usom_query_run(&find_number, values, NULL);
	return usom_query_get_text(0, 1);
}

/* usom.exchange_return(return_no, lines, advance, reason) */
Datum
usom_exchange_return(PG_FUNCTION_ARGS)
{
	UsomAnswer *answer = usom_order_answer_begin(fcinfo, "exchange_return", 3);
	UsomReturn *back = usom_return_load(usom_party_org(), usom_order_arg_text(fcinfo, 0, "return_no"));
	bool		advance = !PG_ARGISNULL(2) && PG_GETARG_BOOL(2);
	UsomOrder  *order = &back->set->orders[0];

	if (back->exchange_order_id == 0)
	{
		check_return(back);
		finish(back, &place(back, fcinfo)->set->orders[0], advance);
		order->event = "exchange_return";
		order->event_reference = back->return_no;
		order->changed = true;
		usom_order_save(back->set);
	}
	return usom_order_answer_string(answer, number_of(back));
}
