/*
 * ship.c
 *		Ship: released pieces leave their locations.
 *
 * One shipment per location; services go along with the first of them, those
 * in kits as far as the goods of their kits have left.  Pieces that are packed
 * go first, then picked ones, then released ones: what is
 * nearest to the door.  A location may ask that units are picked or packed
 * before they leave; a package leaves whole.
 *
 * Locks: the order, then the stock rows that the units leave (by save).
 */
#include "postgres.h"

#include "fulfillment/handover.h"
#include "fulfillment/parcel.h"

#include "base/call.h"
#include "base/errors.h"
#include "base/ident.h"
#include "base/query.h"
#include "lib/stringinfo.h"
#include "order/answer.h"
#include "order/line_list.h"
#include "party/party.h"
#include "stock/serial.h"
#include "stock/site.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(usom_ship);

static UsomQuery insert_shipment = {
	.text = "INSERT INTO usom.shipment (org_id, shipment_id, shipment_no, sales_order_id, location_id, carrier, tracking, "
	"consolidation_id, service, status) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'shipped')",
	.nargs = 9,
	.argtypes = {"bigint", "bigint", "text", "bigint", "bigint", "text", "text", "bigint", "text"},
};

static UsomQuery find_code = {
	.text = "SELECT l.code, l.ships_from FROM usom.location AS l WHERE l.org_id = $1 AND l.location_id = $2",
	.nargs = 2,
	.argtypes = {"bigint", "bigint"},
};

enum ShipArg
{
	ARG_ORDER,
	ARG_LINES,
	ARG_CARRIER,
	ARG_TRACKING,
	ARG_SERVICE,
	ARG_PACKAGES
};

/* A location that asks for more than released units. */
typedef struct Door
{
	int64		location_id;
	UsomPieceStatus least;
} Door;

/* A shipment in the making. */
typedef struct Shipment
{
	int64		shipment_id;
	int64		location_id;
	char	   *shipment_no;
} Shipment;

typedef struct Shipping
{
	UsomOrderSet *set;
	int			order;
	const UsomHolds *holds;
	UsomShipLabel label;
	int			ndoors;
	Door	   *doors;
	int			nshipments;
	Shipment   *shipments;
} Shipping;

static bool
may_ship(UsomPieceStatus status)
{
	return status == USOM_PIECE_RELEASED || status == USOM_PIECE_PICKED || status == USOM_PIECE_PACKED;
}

/* Copied: what is remembered of locations may be forgotten while orders are saved. */
static void
read_doors(Shipping *shipping)
{
	const UsomSites *sites = usom_stock_sites(shipping->set->org_id);

	for (int i = 0; i < sites->count; i++)
	{
		if (likely(sites->sites[i].ships_from == USOM_SHIPS_RELEASED))
			continue;
		if (shipping->doors == NULL)
			shipping->doors = palloc_array(Door, sites->count);
		shipping->doors[shipping->ndoors++] = (Door) {
			sites->sites[i].location_id,
			sites->sites[i].ships_from == USOM_SHIPS_PACKED ? USOM_PIECE_PACKED : USOM_PIECE_PICKED
		};
	}
}

/* As far as its location asks for. */
static bool
is_so_far(const Shipping *shipping, const UsomPiece *piece)
{
	for (int i = 0; i < shipping->ndoors; i++)
		if (shipping->doors[i].location_id == piece->location_id)
			return piece->status >= shipping->doors[i].least;
	return true;
}

static void
write_shipment(const Shipping *shipping, const Shipment *shipment)
{
	const char *service = shipping->label.service;
	Datum		values[9] = {
		Int64GetDatum(shipping->set->org_id),
		Int64GetDatum(shipment->shipment_id),
		CStringGetTextDatum(shipment->shipment_no),
		Int64GetDatum(shipping->set->orders[shipping->order].sales_order_id),
		Int64GetDatum(shipment->location_id),
		shipping->label.carrier,
		shipping->label.tracking,
		Int64GetDatum(shipping->label.consolidation_id),
		service ? CStringGetTextDatum(service) : (Datum) 0,
	};
	bool		nulls[9] = {false};

	nulls[4] = shipment->location_id == 0;
	nulls[5] = shipping->label.no_carrier;
	nulls[6] = shipping->label.no_tracking;
	nulls[7] = shipping->label.consolidation_id == 0;
	nulls[8] = service == NULL;
	usom_query_write(&insert_shipment, values, nulls);
}

/* The shipment of a location, made at its first piece. */
static Shipment *
shipment_from(Shipping *shipping, int64 location_id)
{
	Shipment   *shipment;

	for (int i = 0; i < shipping->nshipments; i++)
		if (shipping->shipments[i].location_id == location_id || location_id == 0)
			return &shipping->shipments[i];
	shipment = &shipping->shipments[shipping->nshipments++];
	shipment->location_id = location_id;
	shipment->shipment_id = usom_ident_next();
	shipment->shipment_no = usom_ident_document_no(shipping->set->org_id, "shipment");
	write_shipment(shipping, shipment);
	return shipment;
}

static void
ship_piece(Shipping *shipping, int index, UsomQuantity quantity)
{
	Shipment   *shipment = shipment_from(shipping, shipping->set->pieces[index].location_id);

	index = usom_order_move_piece(shipping->set, index, USOM_PIECE_SHIPPED, quantity, shipment->shipment_no);
	shipping->set->pieces[index].shipment_id = shipment->shipment_id;
}

/* In one of the packages that the label names, if it names some; services are in none. */
static bool
is_in_package(const Shipping *shipping, const UsomPiece *piece)
{
	if (likely(shipping->label.npackages == 0) || piece->location_id == 0)
		return true;
	for (int i = 0; i < shipping->label.npackages; i++)
		if (shipping->label.packages[i] == piece->package_id)
			return true;
	return false;
}

/* Ready to leave the location that the label names, if it names one; held or not. */
static bool
is_ready(const Shipping *shipping, const UsomPiece *piece)
{
	return may_ship(piece->status) && is_so_far(shipping, piece) && is_in_package(shipping, piece) &&
		(shipping->label.location_id == 0 || piece->location_id == 0 || piece->location_id == shipping->label.location_id);
}

/* Of the order, ready, and not held. */
static bool
is_wanted(const Shipping *shipping, int index)
{
	const UsomPiece *piece = &shipping->set->pieces[index];

	return shipping->set->lines[piece->line].order == shipping->order && is_ready(shipping, piece) &&
		usom_order_hold_of_piece(shipping->set, shipping->holds, index) == NULL;
}

static bool
is_service(const UsomOrderSet *set, int line)
{
	return !set->lines[line].stocked;
}

/* Units of a service that may go: what is in a kit goes with the kit. */
static UsomQuantity
along(const UsomOrderSet *set, int line)
{
	const UsomLine *service = &set->lines[line];
	int			kit;

	if (likely(!usom_line_is_component(service)))
		return USOM_QUANTITY_LIMIT;
	kit = usom_order_kit_of(set, line);
	return usom_order_kit_units(usom_order_kits_left(set, kit), service->kit_quantity) - usom_order_units_left(service);
}

static UsomQuantity
ship_all(Shipping *shipping, bool services)
{
	UsomOrderSet *set = shipping->set;
	int			npieces = set->npieces;
	UsomQuantity shipped = 0;

	for (int i = 0; i < npieces; i++)
	{
		UsomQuantity quantity = set->pieces[i].quantity;

		if (!is_wanted(shipping, i) || is_service(set, set->pieces[i].line) != services)
			continue;
		if (services)
			quantity = Min(quantity, along(set, set->pieces[i].line));
		if (quantity <= 0)
			continue;
		shipped = usom_quantity_add(shipped, quantity);
		ship_piece(shipping, i, quantity);
	}
	return shipped;
}

/* Units that are not so far as their location asks, of one line or of any (-1). */
static void
refuse_not_so_far(const Shipping *shipping, int line)
{
	const UsomOrderSet *set = shipping->set;

	for (int i = 0; i < set->npieces; i++)
	{
		const UsomPiece *piece = &set->pieces[i];
		Datum		values[] = {Int64GetDatum(set->org_id), Int64GetDatum(piece->location_id)};

		if (!may_ship(piece->status) || is_so_far(shipping, piece) || set->lines[piece->line].order != shipping->order ||
			(line >= 0 && piece->line != line))
			continue;
		usom_query_run(&find_code, values, NULL);
		ereport(ERROR, errcode(USOM_ERR(NOT_SO_FAR)),
				errmsg("cannot ship line %d of order \"%s\": it is not %s", set->lines[piece->line].line_no,
					   set->orders[shipping->order].order_no, usom_query_get_text(0, 2)),
				errdetail("Units leave location \"%s\" when they are %s; %s are %s.", usom_query_get_text(0, 1), usom_query_get_text(0, 2),
						  usom_quantity_text(piece->quantity), usom_piece_lifecycle_table.labels[piece->status]),
				errhint("Have them picked; then usom.pack('%s') where they leave packed.", set->orders[shipping->order].order_no));
	}
}

/* Of the line, and of the lot if one is named. */
static bool
is_of(const UsomPiece *piece, const UsomMarkedUnits *entry)
{
	return piece->line == entry->units.line && (entry->lot == NULL || strcmp(entry->lot, piece->lot) == 0);
}

/* Units of these numbers are the line's, and the first to leave: from where they lie; 0: from anywhere. */
static int64
take_serials(const Shipping *shipping, const UsomMarkedUnits *entry)
{
	const UsomOrderSet *set = shipping->set;
	const UsomLine *line = &set->lines[entry->units.line];

	if (likely(entry->nserials == 0))
		return 0;
	return usom_stock_serials_take(set->org_id, line->product_id, shipping->label.location_id, entry->serials, entry->nserials,
								   set->orders[shipping->order].sales_order_id, line->line_no, NULL);
}

static UsomQuantity
ready_units(const Shipping *shipping, const UsomMarkedUnits *entry)
{
	UsomQuantity ready = 0;

	for (int i = 0; i < shipping->set->npieces; i++)
		if (is_of(&shipping->set->pieces[i], entry) && is_ready(shipping, &shipping->set->pieces[i]))
			ready += shipping->set->pieces[i].quantity;
	return ready;
}

static void
check_enough(const Shipping *shipping, const UsomMarkedUnits *entry)
{
	const UsomOrderSet *set = shipping->set;
	const UsomLine *line = &set->lines[entry->units.line];
	const UsomQuantity *count = line->counters.by_state;
	UsomQuantity ready = ready_units(shipping, entry);

	if (entry->units.quantity <= ready)
		return;
	if (shipping->ndoors > 0 && ready < count[USOM_PIECE_RELEASED] + count[USOM_PIECE_PICKED] + count[USOM_PIECE_PACKED])
		refuse_not_so_far(shipping, entry->units.line);
	ereport(ERROR, errcode(USOM_ERR(OVER_SHIPPED)),
			errmsg("cannot ship %s of line %d of order \"%s\"", usom_quantity_text(entry->units.quantity),
				   line->line_no, set->orders[shipping->order].order_no),
			errdetail("%s released%s%s, %s reserved, %s backordered, %s shipped already.", usom_quantity_text(ready),
					  entry->lot ? " of lot " : "", entry->lot ? entry->lot : "",
					  usom_quantity_text(count[USOM_PIECE_RESERVED]),
					  usom_quantity_text(count[USOM_PIECE_BACKORDERED]),
					  usom_quantity_text(count[USOM_PIECE_SHIPPED] + count[USOM_PIECE_DELIVERED])),
			count[USOM_PIECE_RESERVED] > 0
			? errhint("Call usom.release_order('%s') first, or ship less.", set->orders[shipping->order].order_no)
			: errhint("Ship %s at most.", usom_quantity_text(ready)));
}

/* Ready units are held: of one line, or of any (-1). */
static void
refuse_held(const Shipping *shipping, int line)
{
	const UsomOrderSet *set = shipping->set;

	for (int i = 0; i < set->npieces; i++)
		if (may_ship(set->pieces[i].status) && set->lines[set->pieces[i].line].order == shipping->order &&
			(line < 0 || set->pieces[i].line == line) && usom_order_hold_of_piece(set, shipping->holds, i) != NULL)
			usom_order_refuse_held(set, shipping->holds, usom_order_hold_of_piece(set, shipping->holds, i));
}

static void
refuse_elsewhere(const Shipping *shipping, const UsomMarkedUnits *entry, UsomQuantity left)
{
	const UsomOrderSet *set = shipping->set;

	ereport(ERROR, errcode(USOM_ERR(SERIAL_TAKEN)),
			errmsg("%s units of line %d of order \"%s\" whose serial numbers are named are not ready to be shipped",
				   usom_quantity_text(left), set->lines[entry->units.line].line_no, set->orders[shipping->order].order_no),
			errdetail("So many fewer are ready where the units of these numbers lie."),
			errhint("Name units of the locations that usom.order_pieces shows for the line."));
}

static void
ship_units(Shipping *shipping, const UsomMarkedUnits *entry)
{
	UsomOrderSet *set = shipping->set;
	UsomQuantity left = entry->units.quantity;
	int			npieces = set->npieces;
	int64		place;

	check_enough(shipping, entry);
	place = take_serials(shipping, entry);
	for (UsomPieceStatus status = USOM_PIECE_PACKED; status >= USOM_PIECE_RELEASED; status--)
		for (int i = 0; i < npieces && left > 0; i++)
		{
			UsomQuantity quantity = Min(left, set->pieces[i].quantity);

			if (!is_of(&set->pieces[i], entry) || set->pieces[i].status != status || !is_wanted(shipping, i) ||
				(place != 0 && set->pieces[i].location_id != place))
				continue;
			left -= quantity;
			ship_piece(shipping, i, quantity);
		}
	if (left > 0)
		refuse_held(shipping, entry->units.line);
	if (left > 0)
		refuse_elsewhere(shipping, entry, left);
}

static UsomQuantity
ship_lines(Shipping *shipping, Jsonb *list, bool services)
{
	int			count;
	UsomMarkedUnits *units = usom_order_read_marked_list(shipping->set, list, &count);
	UsomQuantity shipped = 0;

	for (int i = 0; i < count; i++)
	{
		if (is_service(shipping->set, units[i].units.line) != services)
			continue;
		ship_units(shipping, &units[i]);
		shipped = usom_quantity_add(shipped, units[i].units.quantity);
	}
	return shipped;
}

/* Goods before services, so that these find a shipment to go with. */
static UsomQuantity
ship_wanted(Shipping *shipping, Jsonb *list)
{
	UsomQuantity goods = list ? ship_lines(shipping, list, false) : ship_all(shipping, false);
	UsomQuantity services = list ? ship_lines(shipping, list, true) : ship_all(shipping, true);

	return usom_quantity_add(goods, services);
}

static char *
shipment_numbers(const Shipping *shipping)
{
	StringInfoData list;

	initStringInfo(&list);
	for (int i = 0; i < shipping->nshipments; i++)
		appendStringInfo(&list, "%s%s", i > 0 ? ", " : "", shipping->shipments[i].shipment_no);
	return list.data;
}

static void
check_something(const Shipping *shipping, UsomQuantity shipped)
{
	const UsomOrder *order = &shipping->set->orders[shipping->order];

	if (shipped > 0)
		return;
	refuse_held(shipping, -1);
	if (shipping->ndoors > 0)
		refuse_not_so_far(shipping, -1);
	if (!usom_order_is_running(order->status) || order->status >= USOM_ORDER_SHIPPED)
		usom_order_refuse(order->order_no, "ship", order->status);
	ereport(ERROR, errcode(USOM_ERR(ILLEGAL_TRANSITION)),
			errmsg("nothing of order \"%s\" is released", order->order_no),
			errdetail("Only released, picked or packed pieces are shipped."),
			errhint("Call usom.release_order('%s') first.", order->order_no));
}

static void
check_complete(const UsomOrderSet *set, int order)
{
	UsomCounters sum = usom_order_sum(set, order);
	UsomQuantity staying = 0;

	for (int state = USOM_PIECE_OPEN; state <= USOM_PIECE_PACKED; state++)
		staying += sum.by_state[state];
	if (set->orders[order].ship_complete && staying > 0)
		ereport(ERROR, errcode(USOM_ERR(SHORT_STOCK)),
				errmsg("order \"%s\" ships complete or not at all", set->orders[order].order_no),
				errdetail("%s units would stay behind.", usom_quantity_text(staying)),
				errhint("Ship all of it, or call usom.change_order() to set ship_complete to false."));
}

/* Of a kit that is served whole, no component leaves without the others. */
static void
check_whole_kits(const UsomOrderSet *set)
{
	for (int i = 0; i < set->nlines; i++)
	{
		const UsomLine *line = &set->lines[i];
		const UsomLine *kit;
		UsomQuantity whole;

		if (likely(!usom_line_is_component(line)) || !line->stocked || !line->changed)
			continue;
		kit = &set->lines[usom_order_kit_of(set, i)];
		whole = usom_order_kits_left(set, usom_order_kit_of(set, i));
		if (kit->whole_kits && usom_order_units_left(line) != usom_order_kit_units(whole, line->kit_quantity))
			ereport(ERROR, errcode(USOM_ERR(KIT_COMPONENT)),
					errmsg("cannot ship a part of the kit of line %d of order \"%s\"", kit->line_no,
						   set->orders[kit->order].order_no),
					errdetail("%s units of line %d would have left, with %s whole kits.",
							  usom_quantity_text(usom_order_units_left(line)), line->line_no, usom_quantity_text(whole)),
					errhint("Ship line %d: its components follow. Or set kit_policy of the product to 'parts'.", kit->line_no));
	}
}

/* What was shipped of the order stands in its history. */
static void
finish(Shipping *shipping, UsomQuantity shipped, const UsomMoney *invoiced)
{
	UsomOrderSet *set = shipping->set;
	UsomOrder  *order = &set->orders[shipping->order];

	check_complete(set, shipping->order);
	check_whole_kits(set);
	usom_handling_check_leaving(set, shipping->order, shipping->label.no_carrier ? NULL : TextDatumGetCString(shipping->label.carrier));
	usom_parcel_leave(set, shipping->order);
	order->event_quantity = shipped;
	order->event_reference = shipment_numbers(shipping);
	usom_order_settle(set, shipping->order, "ship");
	usom_invoice_end(set, shipping->order, USOM_INVOICE_SHIP, invoiced, order->event_reference);
}

static bool
has_goods(const Shipping *shipping)
{
	const UsomOrderSet *set = shipping->set;

	for (int i = 0; i < set->npieces; i++)
		if (set->pieces[i].quantity > 0 && is_wanted(shipping, i) && !is_service(set, set->pieces[i].line))
			return true;
	return false;
}

bool
usom_fulfillment_ship_some(UsomOrderSet *set, int order, const UsomShipLabel *label)
{
	Shipping	shipping = {.set = set, .order = order, .label = *label};
	UsomMoney  *invoiced;
	UsomQuantity goods;

	read_doors(&shipping);
	if (!has_goods(&shipping))
		return false;
	shipping.holds = usom_order_check_whole(set, order, "ship");
	if (!has_goods(&shipping))
		refuse_held(&shipping, -1);
	if (!usom_fulfillment_may_leave(set, order, "ship"))
		return false;
	shipping.shipments = palloc_array(Shipment, set->npieces + 1);
	invoiced = usom_invoice_begin(set, order, USOM_INVOICE_SHIP);
	goods = ship_all(&shipping, false);
	finish(&shipping, usom_quantity_add(goods, ship_all(&shipping, true)), invoiced);
	return true;
}

bool
usom_fulfillment_ship_list(UsomOrderSet *set, Jsonb *list, const UsomShipLabel *label)
{
	Shipping	shipping = {.set = set, .label = *label};
	UsomMoney  *invoiced;
	UsomQuantity shipped;

	shipping.shipments = palloc_array(Shipment, set->npieces + 1);
	shipping.holds = usom_order_check_whole(set, 0, "ship");
	if (!usom_fulfillment_may_leave(set, 0, "ship"))
		return false;
	read_doors(&shipping);
	invoiced = usom_invoice_begin(set, 0, USOM_INVOICE_SHIP);
	shipped = ship_wanted(&shipping, list);
	check_something(&shipping, shipped);
	finish(&shipping, shipped, invoiced);
	return true;
}

/* usom.ship(order_no, lines, carrier, tracking, service, packages) */
Datum
usom_ship(PG_FUNCTION_ARGS)
{
	UsomAnswer *answer = usom_order_answer_begin(fcinfo, "ship", -1);
	UsomOrderSet *set = usom_order_load(usom_party_org(), usom_order_arg_text(fcinfo, ARG_ORDER, "order_no"));
	UsomShipLabel label = {.no_carrier = PG_ARGISNULL(ARG_CARRIER), .no_tracking = PG_ARGISNULL(ARG_TRACKING)};
	UsomWork   *work = usom_fulfillment_look(set);
	bool		left;

	label.carrier = label.no_carrier ? (Datum) 0 : PG_GETARG_DATUM(ARG_CARRIER);
	label.tracking = label.no_tracking ? (Datum) 0 : PG_GETARG_DATUM(ARG_TRACKING);
	label.service = PG_ARGISNULL(ARG_SERVICE) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(ARG_SERVICE));
	if (!PG_ARGISNULL(ARG_PACKAGES))
		label.packages = usom_parcel_find(set, 0, PG_GETARG_DATUM(ARG_PACKAGES), &label.npackages);
	left = usom_fulfillment_ship_list(set, PG_ARGISNULL(ARG_LINES) ? NULL : PG_GETARG_JSONB_P(ARG_LINES), &label);
	usom_fulfillment_tell_shipped(set, work);
	usom_order_save(set);
	return left ? usom_order_answer_string(answer, set->orders[0].event_reference) : usom_order_answer_null(answer);
}
