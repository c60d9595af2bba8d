/*
 * fulfillment_follow.c
 *		What a message of the outside system of a warehouse does to its order.
 *
 * What is true in the warehouse is not refused: units that are not there any
 * more, because they were cancelled meanwhile, become a case for people.
 *
 * Locks: the order is locked; then, where units are missing or leave, the stock.
 *
 * Memory: the call's.
 */
#include "postgres.h"

#include "api/fulfillment_answer.h"
#include "api/request.h"
#include "api/short_pick.h"

#include "base/errors.h"
#include "base/payload.h"
#include "order/news.h"

/* Of a lot if one is named. */
static UsomQuantity
units_at_work(const UsomMessage *message, int line, const char *lot, UsomPieceStatus from, UsomPieceStatus to)
{
	const UsomOrderSet *set = message->set;
	UsomQuantity units = 0;

	for (int i = 0; i < set->npieces; i++)
		if (set->pieces[i].line == line && set->pieces[i].location_id == message->location_id &&
			set->pieces[i].status >= from && set->pieces[i].status <= to && (lot == NULL || strcmp(set->pieces[i].lot, lot) == 0))
			units += set->pieces[i].quantity;
	return units;
}

/* Move units of a line at the location towards the door; from what is nearest to it. */
static UsomQuantity
move_units(UsomMessage *message, int line, UsomPieceStatus to, UsomQuantity quantity)
{
	UsomOrderSet *set = message->set;
	UsomQuantity left = quantity;

	for (UsomPieceStatus state = to - 1; state >= USOM_PIECE_RELEASED && left > 0; state--)
		for (int i = 0, n = set->npieces; i < n && left > 0; i++)
		{
			UsomQuantity units = Min(left, set->pieces[i].quantity);

			if (set->pieces[i].line != line || set->pieces[i].status != state || units == 0 ||
				set->pieces[i].location_id != message->location_id)
				continue;
			usom_order_move_piece(set, i, to, units, NULL);
			left -= units;
		}
	return quantity - left;
}

static void
pick_or_pack(UsomMessage *message)
{
	for (int i = 0; i < message->set->nlines; i++)
	{
		UsomTold	   *told = &message->told[i];
		UsomQuantity units = usom_fulfillment_untold(&told->sums, usom_answer_kinds[message->kind], told->units);

		told->done = units == 0 ? 0 : move_units(message, i, message->kind == USOM_PICKED ? USOM_PIECE_PICKED : USOM_PIECE_PACKED, units);
	}
}

/* What the warehouse says has left, and nothing is there that could: somebody cancelled it meanwhile. */
static void
raise_excess(UsomMessage *message, int line, UsomQuantity units)
{
	UsomPayload detail = usom_payload_begin();

	usom_payload_text(&detail, "fulfillment_no", message->fulfillment_no);
	usom_payload_text(&detail, "message_id", message->message_id);
	usom_payload_quantity(&detail, "units", units);
	usom_order_raise(message->set, 0, message->set->lines[line].line_no, "shipped_too_much", message->fulfillment_no,
					 psprintf("the warehouse shipped %s units that are not to be shipped any more", usom_quantity_text(units)),
					 usom_payload_end(&detail), USOM_NO_TIME);
}

/* What can leave of it is told as to ship(). */
Jsonb *
usom_message_list(const UsomMessage *message, bool done)
{
	JsonbParseState *state = NULL;
	bool		any = false;

	pushJsonbValue(&state, WJB_BEGIN_ARRAY, NULL);
	for (int i = 0; i < message->set->nlines; i++)
	{
		UsomQuantity units = done ? message->told[i].done : message->told[i].units;
		UsomPayload entry;
		JsonbValue	value = {.type = jbvBinary};
		Jsonb	   *object;

		if (units == 0)
			continue;
		any = true;
		entry = usom_payload_begin();
		usom_payload_integer(&entry, "line_no", message->set->lines[i].line_no);
		usom_payload_quantity(&entry, "quantity", units);
		object = usom_payload_end(&entry);
		value.val.binary.data = &object->root;
		value.val.binary.len = VARSIZE(object) - VARHDRSZ;
		pushJsonbValue(&state, WJB_ELEM, &value);
	}
	return any ? JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_ARRAY, NULL)) : NULL;
}

static bool
ships_all(const UsomMessage *message)
{
	for (int i = 0; i < message->set->nlines; i++)
		if (message->told[i].done != message->told[i].units)
			return false;
	return true;
}

/* Goods that left went through every state before; lots and serials are for ship() to choose. */
static void
ship_units(UsomMessage *message, UsomShipLabel *label)
{
	UsomOrderSet *set = message->set;
	Jsonb	   *list;

	for (int i = 0; i < set->nlines; i++)
	{
		UsomTold	   *told = &message->told[i];

		told->done = told->units == 0 ? 0 : Min(told->units, units_at_work(message, i, NULL, USOM_PIECE_RELEASED, USOM_PIECE_PACKED));
		if (told->done < told->units)
			raise_excess(message, i, told->units - told->done);
		if (told->done > 0 && !message->is_marked)
			move_units(message, i, USOM_PIECE_PACKED, Max(told->done - units_at_work(message, i, NULL, USOM_PIECE_PACKED, USOM_PIECE_PACKED), 0));
	}
	list = message->is_marked && ships_all(message) ? message->list : usom_message_list(message, true);
	label->location_id = message->location_id;
	if (list == NULL)
		return;
	if (!usom_fulfillment_ship_list(set, list, label))
		ereport(ERROR, errcode(USOM_ERR(ACTION_HELD)),
				errmsg("order \"%s\" is on hold and must not ship", set->orders[0].order_no),
				errhint("See usom.holds; release the hold and let the message come again."));
	message->shipment_no = set->orders[0].event_reference;
}

/* Units at the location, of a lot if one is named, go back so far that they are released, or reserved as before the release. */
static UsomQuantity
put_back_units(UsomMessage *message, int line, const char *lot, UsomPieceStatus to, UsomQuantity quantity)
{
	UsomOrderSet *set = message->set;
	UsomQuantity left = quantity;

	for (UsomPieceStatus state = to + 1; state <= USOM_PIECE_PACKED && left > 0; state++)
		for (int i = 0, n = set->npieces; i < n && left > 0; i++)
		{
			UsomQuantity units = Min(left, set->pieces[i].quantity);

			if (set->pieces[i].line != line || set->pieces[i].status != state || units == 0 ||
				set->pieces[i].location_id != message->location_id || (lot != NULL && strcmp(set->pieces[i].lot, lot) != 0))
				continue;
			usom_fulfillment_put_back(set, i, to, units);
			left -= units;
		}
	return quantity - left;
}

/* The warehouse will not do it: reserved as before, and a case for people. */
static void
take_back_units(UsomMessage *message, int line, UsomQuantity quantity)
{
	UsomOrderSet *set = message->set;
	UsomQuantity units = put_back_units(message, line, NULL, USOM_PIECE_RESERVED, quantity);

	message->told[line].done += units;
	if (units > 0)
		usom_order_raise(set, 0, set->lines[line].line_no, "fulfillment_rejected", message->fulfillment_no,
						 psprintf("the warehouse does not fulfil %s units%s%s", usom_quantity_text(units),
								  message->reason ? ": " : "", message->reason ? message->reason : ""),
						 NULL, USOM_NO_TIME);
}

static void
take_back(UsomMessage *message)
{
	for (int i = 0; i < message->set->nlines; i++)
		if (message->told[i].units > 0)
			take_back_units(message, i, message->told[i].units);
}

/* Units of the entry are released and missing, as far as they are at work: those that were not picked before those that were. */
static void
choose_missing(UsomMessage *message, const UsomMarkedUnits *entry, UsomShort *shorts, int *nshorts)
{
	UsomQuantity left = usom_api_choose_short(message->set, entry, message->location_id, shorts, nshorts);

	message->told[entry->units.line].done += entry->units.quantity - left;
}

/* What is missing is not on a cart: units that were called picked were not. */
static void
put_missing_back(UsomMessage *message)
{
	for (int i = 0; i < message->nmarked; i++)
	{
		const UsomMarkedUnits *entry = &message->marked[i];
		int			line = entry->units.line;
		UsomQuantity picked = entry->units.quantity - units_at_work(message, line, entry->lot, USOM_PIECE_RELEASED, USOM_PIECE_RELEASED);

		if (picked > 0)
			put_back_units(message, line, entry->lot, USOM_PIECE_RELEASED, picked);
	}
}

/* Nobody keeps them any more, and the shelf may be wrong all the same. */
static void
raise_missing(UsomMessage *message, int line, UsomQuantity units)
{
	UsomPayload detail = usom_payload_begin();

	usom_payload_text(&detail, "fulfillment_no", message->fulfillment_no);
	usom_payload_text(&detail, "message_id", message->message_id);
	usom_payload_quantity(&detail, "missing", units);
	usom_order_raise(message->set, 0, message->set->lines[line].line_no, "short_pick", message->fulfillment_no,
					 psprintf("the warehouse misses %s units that are not to be picked any more: count them", usom_quantity_text(units)),
					 usom_payload_end(&detail), USOM_NO_TIME);
}

/* The shelf is corrected and the units are sourced again, as by short_pick(). Numbers that are not told cannot be taken off. */
static void
hear_short(UsomMessage *message)
{
	UsomOrderSet *set = message->set;
	UsomShort  *shorts;
	int			nshorts = 0;

	put_missing_back(message);
	shorts = palloc_array(UsomShort, set->npieces + 1);
	for (int i = 0; i < message->nmarked; i++)
		if (set->lines[message->marked[i].units.line].by_serial && message->marked[i].nserials == 0)
			take_back_units(message, message->marked[i].units.line, message->told[message->marked[i].units.line].units);
		else
			choose_missing(message, &message->marked[i], shorts, &nshorts);
	for (int i = 0; i < set->nlines; i++)
		if (message->told[i].units > message->told[i].done)
			raise_missing(message, i, message->told[i].units - message->told[i].done);
	usom_api_short_pick(set, shorts, nshorts, message->reason ? message->reason : "short at the warehouse", true);
}

/* Those that ask for units; where an order goes is not for a message about units to say. */
static List *
requests_for_units(const UsomMessage *message)
{
	List	   *pending = usom_api_pending_requests(message->set, message->location_id);
	List	   *requests = NIL;

	for (int i = 0; i < list_length(pending); i++)
		if (((const UsomRequest *) list_nth(pending, i))->lines != NULL)
			requests = lappend(requests, list_nth(pending, i));
	return requests;
}

/* Units of the lines at work before, less those after; a request that the list (most) names nothing of waits on. */
static void
count_given_back(UsomMessage *message, const UsomRequest *request, UsomQuantity *most)
{
	UsomOrderSet *set = message->set;
	UsomQuantity *before = palloc_array(UsomQuantity, set->nlines + 1);
	UsomQuantity units;

	for (int i = 0; i < set->nlines; i++)
		before[i] = units_at_work(message, i, NULL, USOM_PIECE_RELEASED, USOM_PIECE_PACKED);
	units = usom_api_carry_out_request(set, request, most);
	if (units == 0 && most != NULL)
		return;
	for (int i = 0; i < set->nlines && units > 0; i++)
	{
		UsomQuantity gone = before[i] - units_at_work(message, i, NULL, USOM_PIECE_RELEASED, USOM_PIECE_PACKED);

		if (most == NULL)
			message->told[i].units += gone;
		message->told[i].done += gone;
	}
	message->any = true;
	message->reprices |= units > 0 && strcmp(request->action, "cancel") != 0;
	usom_api_answer_request(set, request, units > 0, message->reason);
}

/* The answer to what was asked; what was not asked for, the warehouse has cancelled by itself. */
static void
hear_cancelled(UsomMessage *message)
{
	List	   *requests = requests_for_units(message);
	UsomQuantity *most = palloc_array(UsomQuantity, message->set->nlines + 1);

	if (requests == NIL)
	{
		take_back(message);
		return;
	}
	for (int i = 0; i < message->set->nlines; i++)
	{
		most[i] = message->told[i].units;
		if (message->list == NULL)
			message->told[i].units = 0;
	}
	for (int i = 0; i < list_length(requests); i++)
		count_given_back(message, list_nth(requests, i), message->list != NULL ? most : NULL);
	for (int i = 0; i < message->set->nlines && message->list != NULL; i++)
		if (most[i] > 0)
			take_back_units(message, i, most[i]);
}

static void
hear_refused(UsomMessage *message)
{
	List	   *requests = requests_for_units(message);

	message->any = requests != NIL;
	for (int i = 0; i < list_length(requests); i++)
		usom_api_answer_request(message->set, list_nth(requests, i), false, message->reason);
}

/* What has left cannot be given back: its requests are refused. */
static void
refuse_overtaken(UsomMessage *message)
{
	List	   *requests;

	for (int i = 0; i < message->set->nlines; i++)
		if (units_at_work(message, i, NULL, USOM_PIECE_RELEASED, USOM_PIECE_PACKED) > 0)
			return;
	requests = usom_api_pending_requests(message->set, message->location_id);
	for (int i = 0; i < list_length(requests); i++)
		usom_api_answer_request(message->set, list_nth(requests, i), false, "it has left");
}

void
usom_message_follow(UsomMessage *message, UsomShipLabel *label)
{
	switch (message->kind)
	{
		case USOM_ACCEPTED:
			message->any = true;
			break;
		case USOM_PICKED:
		case USOM_PACKED:
			pick_or_pack(message);
			break;
		case USOM_SHIPPED:
			ship_units(message, label);
			refuse_overtaken(message);
			break;
		case USOM_SHORT:
			hear_short(message);
			break;
		case USOM_REJECTED:
			take_back(message);
			break;
		case USOM_CANCELLED:
			hear_cancelled(message);
			break;
		default:
			hear_refused(message);
			break;
	}
}

