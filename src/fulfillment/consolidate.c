/*
 * consolidate.c
 *		usom.consolidate() and usom.ship_consolidated(): orders of one customer
 *		to one address leave as one shipment.
 *
 * A consolidation is a row with its orders; what leaves is still a shipment an
 * order, so that deliveries, returns and invoices stay as they are.  The
 * shipments share carrier, tracking and the number of the consolidation.
 *
 * Locks: the orders, by key; then, when they ship, the stock rows that the
 * units leave, in one statement (by save).
 *
 * Memory: the call's.
 */
#include "postgres.h"

#include "fulfillment/fulfillment.h"
#include "fulfillment/handover.h"

#include "base/call.h"
#include "base/card_guard.h"
#include "base/errors.h"
#include "base/ident.h"
#include "base/query.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "order/answer.h"
#include "party/party.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(usom_consolidate);
PG_FUNCTION_INFO_V1(usom_ship_consolidated);

static UsomQuery find_orders = {
	.text = "SELECT DISTINCT k.order_no, o.sales_order_id FROM unnest($2) AS k (order_no) "
	"LEFT JOIN usom.sales_order AS o ON o.org_id = $1 AND o.order_no = k.order_no AND ($3 IS NULL OR o.channel_id = ANY ($3)) "
	"ORDER BY k.order_no",
	.nargs = 3,
	.argtypes = {"bigint", "text[]", "bigint[]"},
};

static UsomQuery read_places = {
	.text = "SELECT usom._place_of($1, o.address_id) FROM usom.sales_order AS o "
	"WHERE o.org_id = $1 AND o.sales_order_id = ANY ($2) ORDER BY o.sales_order_id",
	.nargs = 2,
	.argtypes = {"bigint", "bigint[]"},
};

static UsomQuery find_location = {
	.text = "SELECT usom.location_id($1)",
	.nargs = 1,
	.argtypes = {"text"},
};

static UsomQuery insert_consolidation = {
	.text = "INSERT INTO usom.consolidation (org_id, consolidation_id, consolidation_no, customer_id, location_id, reason) "
	"VALUES ($1, $2, $3, $4, $5, $6)",
	.nargs = 6,
	.argtypes = {"bigint", "bigint", "text", "bigint", "bigint", "text"},
};

static UsomQuery insert_members = {
	.text = "INSERT INTO usom.consolidation_order (org_id, consolidation_id, sales_order_id, units) "
	"SELECT $1, $2, k.id, k.units FROM unnest($3, $4) AS k (id, units)",
	.nargs = 4,
	.argtypes = {"bigint", "bigint", "bigint[]", "numeric[]"},
};

static UsomQuery find_consolidation = {
	.text = "SELECT c.consolidation_id, c.location_id, m.sales_order_id FROM usom.consolidation AS c "
	"JOIN usom.consolidation_order AS m ON m.org_id = $1 AND m.consolidation_id = c.consolidation_id "
	"JOIN usom.sales_order AS o ON o.org_id = $1 AND o.sales_order_id = m.sales_order_id AND ($3 IS NULL OR o.channel_id = ANY ($3)) "
	"WHERE c.org_id = $1 AND c.consolidation_no = $2",
	.nargs = 3,
	.argtypes = {"bigint", "text", "bigint[]"},
};

static UsomQuery mark_shipped = {
	.text = "UPDATE usom.consolidation AS c SET shipped_at = $3 "
	"WHERE c.org_id = $1 AND c.consolidation_id = $2 AND c.shipped_at IS NULL",
	.nargs = 3,
	.argtypes = {"bigint", "bigint", "timestamptz"},
};

static void
refuse(const char *message, const char *detail)
{
	ereport(ERROR, errcode(USOM_ERR(NOT_CONSOLIDATED)),
			errmsg("%s", message),
			errdetail("%s", detail),
			errhint("usom.consolidation_candidates() shows what goes together."));
}

/* ---- to release together ---- */

static UsomOrderSet *
load_orders(int64 org_id, Datum order_nos)
{
	bool		nulls[3] = {false};
	Datum		values[3] = {Int64GetDatum(org_id), order_nos};
	int			n;
	int64	   *ids;

	values[2] = usom_party_channels(&nulls[2]);
	n = (int) usom_query_run(&find_orders, values, nulls);
	ids = palloc_array(int64, Max(n, 1));
	for (int i = 0; i < n; i++)
	{
		bool		isnull;
		const char *order_no = usom_query_get_text(i, 1);

		ids[i] = DatumGetInt64(usom_query_get_or_null(i, 2, &isnull));
		if (isnull)
			ereport(ERROR, errcode(USOM_ERR(UNKNOWN_ORDER)),
					errmsg("no order \"%s\"", order_no ? order_no : ""),
					errhint("Look it up in usom.orders."));
	}
	if (n < 2)
		refuse("a consolidation has two orders at least", psprintf("There is %d.", n));
	return usom_order_load_many(org_id, ids, n);
}

static void
check_orders(UsomOrderSet *set)
{
	for (int i = 0; i < set->norders; i++)
	{
		const UsomOrder *order = &set->orders[i];

		if (!usom_order_is_running(order->status) || order->status >= USOM_ORDER_SHIPPED)
			usom_order_refuse(order->order_no, "release", order->status);
		usom_order_check_holds(set, i, "release");
		if (order->order_type == USOM_TYPE_PICK_UP)
			refuse(psprintf("order \"%s\" is not sent", order->order_no), "It is a pick-up.");
		if (order->customer_id == 0)
			refuse(psprintf("order \"%s\" is of a guest", order->order_no), "Nobody knows whether two guests are one.");
		if (order->customer_id != set->orders[0].customer_id)
			refuse("the orders are of several customers",
				   psprintf("\"%s\" and \"%s\" are.", set->orders[0].order_no, order->order_no));
	}
}

/* One that is held now keeps the others back. */
static bool
may_leave(UsomOrderSet *set)
{
	bool		answer = true;

	for (int i = 0; i < set->norders; i++)
		answer = usom_fulfillment_may_leave(set, i, "release") && answer;
	return answer;
}

static Datum
keys_of(const UsomOrderSet *set)
{
	int64	   *ids = palloc_array(int64, set->norders);

	for (int i = 0; i < set->norders; i++)
		ids[i] = set->orders[i].sales_order_id;
	return usom_query_keys(ids, set->norders);
}

/* The addresses are not repeated: whoever may release orders may not open all of them. */
static void
check_places(const UsomOrderSet *set)
{
	Datum		values[] = {Int64GetDatum(set->org_id), keys_of(set)};
	const char *first = NULL;

	usom_query_run(&read_places, values, NULL);
	for (int i = 0; i < set->norders; i++)
	{
		const char *place = usom_query_get_text(i, 1);

		if (place == NULL)
			refuse(psprintf("order \"%s\" has no address to compare", set->orders[i].order_no), "Street, place and all the rest must be there.");
		if (first != NULL && strcmp(first, place) != 0)
			refuse("the orders go to several addresses",
				   psprintf("\"%s\" and \"%s\" do.", set->orders[0].order_no, set->orders[i].order_no));
		first = place;
	}
}

static UsomQuantity
reserved_at(const UsomOrderSet *set, int order, int64 location_id)
{
	UsomQuantity units = 0;

	for (int i = 0; i < set->npieces; i++)
		if (set->pieces[i].status == USOM_PIECE_RESERVED && set->pieces[i].location_id == location_id &&
			set->lines[set->pieces[i].line].order == order)
			units = usom_quantity_add(units, set->pieces[i].quantity);
	return units;
}

/* Units at the location, 0 unless every order has some. */
static UsomQuantity
units_at(const UsomOrderSet *set, int64 location_id)
{
	UsomQuantity all = 0;

	for (int order = 0; order < set->norders; order++)
	{
		UsomQuantity units = reserved_at(set, order, location_id);

		if (units == 0)
			return 0;
		all = usom_quantity_add(all, units);
	}
	return all;
}

/* Most units, then the older location. */
static int64
common_location(const UsomOrderSet *set)
{
	int64		best = 0;
	UsomQuantity most = 0;

	for (int i = 0; i < set->npieces && set->lines[set->pieces[i].line].order == 0; i++)
	{
		int64		location_id = set->pieces[i].location_id;
		UsomQuantity units = location_id != 0 && location_id != best ? units_at(set, location_id) : 0;

		if (units > most || (units == most && units > 0 && location_id < best))
		{
			best = location_id;
			most = units;
		}
	}
	return best;
}

static int64
choose_location(const UsomOrderSet *set, FunctionCallInfo fcinfo)
{
	Datum		code;
	int64		location_id;

	if (PG_ARGISNULL(2))
		location_id = common_location(set);
	else
	{
		code = PG_GETARG_DATUM(2);
		usom_query_run(&find_location, &code, NULL);
		location_id = DatumGetInt64(usom_query_get(0, 1));
	}
	if (location_id == 0 || units_at(set, location_id) == 0)
		refuse("the orders have nothing reserved at one location",
			   "Each of them needs units that are reserved there and not released.");
	return location_id;
}

static void
check_complete(const UsomOrderSet *set, int order, int64 location_id)
{
	usom_fulfillment_check_releasable(set, order);
	for (int i = 0; i < set->npieces && set->orders[order].ship_complete; i++)
	{
		const UsomPiece *piece = &set->pieces[i];

		if (set->lines[piece->line].order == order && piece->location_id != 0 && piece->location_id != location_id &&
			piece->status >= USOM_PIECE_RESERVED && piece->status <= USOM_PIECE_PACKED)
			refuse(psprintf("order \"%s\" ships complete", set->orders[order].order_no),
				   psprintf("%s units of line %d are at another location.", usom_quantity_text(piece->quantity),
							set->lines[piece->line].line_no));
	}
}

/* Before anything is released. */
static Datum
units_of(const UsomOrderSet *set, int64 location_id)
{
	Datum	   *units = palloc_array(Datum, set->norders);

	for (int order = 0; order < set->norders; order++)
		units[order] = NumericGetDatum(usom_quantity_numeric(reserved_at(set, order, location_id)));
	return PointerGetDatum(construct_array(units, set->norders, NUMERICOID, -1, false, TYPALIGN_INT));
}

static void
write_consolidation(const UsomOrderSet *set, int64 id, const char *number, int64 location_id)
{
	const char *reason = usom_call_reason();
	bool		nulls[6] = {false, false, false, false, false, reason == NULL};
	Datum		values[6] = {
		Int64GetDatum(set->org_id), Int64GetDatum(id), CStringGetTextDatum(number), Int64GetDatum(set->orders[0].customer_id),
		Int64GetDatum(location_id), reason ? CStringGetTextDatum(reason) : (Datum) 0
	};
	Datum		members[4] = {Int64GetDatum(set->org_id), Int64GetDatum(id), keys_of(set), units_of(set, location_id)};

	usom_query_write(&insert_consolidation, values, nulls);
	usom_query_write(&insert_members, members, NULL);
}

/* usom.consolidate(order_nos text[], reason text, location text) */
Datum
usom_consolidate(PG_FUNCTION_ARGS)
{
	UsomAnswer *answer = usom_order_answer_begin(fcinfo, "consolidate", 1);
	UsomOrderSet *set;
	UsomWork   *work;
	int64		location_id;
	const char *number;

	usom_order_arg_required(fcinfo, 0, "order_nos");
	set = load_orders(usom_party_org(), PG_GETARG_DATUM(0));
	work = usom_fulfillment_look(set);
	check_orders(set);
	if (!may_leave(set))
	{
		usom_order_save(set);
		return usom_order_answer_null(answer);
	}
	check_places(set);
	location_id = choose_location(set, fcinfo);
	for (int order = 0; order < set->norders; order++)
		check_complete(set, order, location_id);
	number = usom_ident_document_no(set->org_id, "consolidation");
	write_consolidation(set, usom_ident_next(), number, location_id);
	for (int order = 0; order < set->norders; order++)
	{
		usom_fulfillment_release(set, order, location_id, NULL);
		set->orders[order].event_reference = number;
		usom_order_settle(set, order, "release");
	}
	usom_fulfillment_tell(set, work);
	usom_order_save(set);
	return usom_order_answer_string(answer, number);
}

/* ---- to ship together ---- */

static UsomOrderSet *
load_consolidation(int64 org_id, const char *number, int64 *id, int64 *location_id)
{
	bool		nulls[3] = {false};
	Datum		values[3] = {Int64GetDatum(org_id), CStringGetTextDatum(number)};
	int			n;
	int64	   *ids;

	values[2] = usom_party_channels(&nulls[2]);
	n = (int) usom_query_run(&find_consolidation, values, nulls);
	if (n == 0)
		ereport(ERROR, errcode(USOM_ERR(NOT_CONSOLIDATED)),
				errmsg("no consolidation \"%s\"", number),
				errhint("Look it up in usom.consolidations."));
	*id = DatumGetInt64(usom_query_get(0, 1));
	*location_id = DatumGetInt64(usom_query_get(0, 2));
	ids = palloc_array(int64, n);
	for (int i = 0; i < n; i++)
		ids[i] = DatumGetInt64(usom_query_get(i, 3));
	return usom_order_load_many(org_id, ids, n);
}

static void
mark(int64 org_id, int64 id)
{
	Datum		values[] = {Int64GetDatum(org_id), Int64GetDatum(id), TimestampTzGetDatum(usom_call_time())};

	usom_query_write(&mark_shipped, values, NULL);
}

static void
put_shipped(ReturnSetInfo *result, const UsomOrder *order, const char *shipments)
{
	bool		nulls[2] = {false, false};
	Datum		values[2] = {CStringGetTextDatum(order->order_no), CStringGetTextDatum(shipments)};

	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

/* usom.ship_consolidated(consolidation_no text, carrier text, tracking text) */
Datum
usom_ship_consolidated(PG_FUNCTION_ARGS)
{
	UsomShipLabel label = {
		.carrier = PG_ARGISNULL(1) ? (Datum) 0 : PG_GETARG_DATUM(1), .no_carrier = PG_ARGISNULL(1),
		.tracking = PG_ARGISNULL(2) ? (Datum) 0 : PG_GETARG_DATUM(2), .no_tracking = PG_ARGISNULL(2)
	};
	UsomOrderSet *set;
	UsomWork   *work;
	char	   *number;
	bool		any = false;
	bool		held = false;

	usom_card_check_call(fcinfo);
	number = usom_order_arg_text(fcinfo, 0, "consolidation_no");
	InitMaterializedSRF(fcinfo, 0);
	usom_call_begin("ship_consolidated", NULL);
	set = load_consolidation(usom_party_org(), number, &label.consolidation_id, &label.location_id);
	work = usom_fulfillment_look(set);
	for (int order = 0; order < set->norders; order++)
		if (usom_fulfillment_ship_some(set, order, &label))
		{
			put_shipped((ReturnSetInfo *) fcinfo->resultinfo, &set->orders[order], set->orders[order].event_reference);
			any = true;
		}
		else
			held |= set->orders[order].changed;
	if (!any && !held)
		ereport(ERROR, errcode(USOM_ERR(ILLEGAL_TRANSITION)),
				errmsg("nothing of consolidation \"%s\" is released", number),
				errdetail("Its orders were shipped or cancelled."),
				errhint("Look at their pieces in usom.order_pieces."));
	if (any)
		mark(set->org_id, label.consolidation_id);
	usom_fulfillment_tell_shipped(set, work);
	usom_order_save(set);
	usom_call_end();
	return (Datum) 0;
}
