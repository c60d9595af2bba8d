/*
 * place.c
 *		From order documents to confirmed orders.
 *
 * Statements, whatever the number of documents and lines: references of
 * headers, of lines, components of kits (only if there are kits), headers, people (only if there is something to
 * seal), stock (lock, apply), lines, pieces, history, and the audit of them
 * all.  A batch is one set of orders.
 *
 * Locks: that the customers are not erased meanwhile, then the new order rows, in the order of their external ids
 * (place_header.c), then the credit of their customers, then the stock of them
 * all in one statement.
 *
 * Invariant: nothing is written before every reference of the document is
 * resolved; all that cannot be is reported at once.
 *
 * Memory: CurrentMemoryContext, which is the call's.
 */
#include "postgres.h"

#include "api/api.h"
#include "api/document.h"
#include "api/make_product.h"
#include "api/payment.h"
#include "api/pick_up.h"
#include "api/place.h"
#include "api/resolve.h"
#include "api/substitute.h"
#include "api/unit.h"

#include "base/compat.h"
#include "base/call.h"
#include "base/errors.h"
#include "base/ident.h"
#include "base/query.h"
#include "base/settings.h"
#include "order/flow.h"
#include "party/house.h"
#include "party/party.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

/* Now that the order has an id, the person of a guest has one, too; a key only if there is something to seal. */
static void
seal_person(Placing *placing)
{
	const UsomDocument *document = placing->document;
	int64		guest_id = placing->set->orders[0].sales_order_id;

	if (placing->is_personal && placing->is_guest)
		usom_vault_make_key(&placing->key, placing->org_id, guest_id);
	if (document->ship_to != NULL)
	{
		placing->key.person_id = placing->is_guest ? guest_id : placing->customer_id;
		placing->address = usom_address_make(document->ship_to, &placing->key);
	}
	if (placing->address != NULL)
		placing->address_id = placing->address->address_id;
	if (placing->is_personal && document->external_id != NULL)
		placing->digest = usom_api_placing_digest(placing, &placing->key);
}

/* Keys of guests and addresses of all orders that were written, in one statement. */
static void
write_people(Placing **placings, int count)
{
	UsomPersonKey *keys = palloc_array(UsomPersonKey, count);
	UsomAddress **addresses = palloc_array(UsomAddress *, count);
	int			nkeys = 0;
	int			naddresses = 0;

	for (int i = 0; i < count; i++)
	{
		if (placings[i]->is_personal && placings[i]->is_guest)
			keys[nkeys++] = placings[i]->key;
		if (placings[i]->address != NULL)
			addresses[naddresses++] = placings[i]->address;
	}
	usom_person_write(placings[0]->org_id, keys, nkeys, addresses, naddresses);
	while (nkeys > 0)
		explicit_bzero(&keys[--nkeys], sizeof(UsomPersonKey));
}

void
usom_api_begin(Placing *placing)
{
	const UsomDocument *document = placing->document;
	UsomOrder  *order = &placing->set->orders[0];

	usom_api_check_problems(placing);
	order->order_no = document->external_id ? document->external_id : "new";
	order->status = document->draft ? USOM_ORDER_DRAFT : USOM_ORDER_CONFIRMED;
	order->version = 1;
	order->currency = placing->currency;
	order->requested_at = document->requested_at;
	order->ship_complete = document->ship_complete;
	order->order_type = document->type;
	order->priority = document->priority;
	order->placed_at = placing->placed_at;
	order->channel_id = placing->channel_id;
	order->customer_id = placing->is_guest ? 0 : placing->customer_id;
	order->is_new = true;
}

void
usom_api_expand(Placing *placing)
{
	if (placing->set->orders[0].status != USOM_ORDER_DRAFT)
		usom_api_expand_kits_by(placing->set, placing->components);
}

/* What the lines add up to; before any number is drawn, so that a document beyond bounds costs none. */
void
usom_api_complete(Placing *placing)
{
	UsomOrder  *order = &placing->set->orders[0];

	usom_api_price_placing(placing);
	usom_order_settle(placing->set, 0, "place");
	if (order->status == USOM_ORDER_CONFIRMED && usom_flow_keeps_submitted(placing->set, 0))
		order->status = USOM_ORDER_SUBMITTED;
	if (order->status != USOM_ORDER_DRAFT)
		usom_api_settle_pick_ups(placing->set);
	usom_api_check_placing(placing);
}

/* Kits are read once, whichever orders have them. */
void
usom_api_foresee_kits(Placing *const *placings, int count)
{
	UsomOrderSet **sets = palloc_array(UsomOrderSet *, Max(count, 1));
	const UsomComponents *components;
	int			n = 0;

	for (int i = 0; i < count; i++)
		if (placings[i]->set->orders[0].status != USOM_ORDER_DRAFT)
			sets[n++] = placings[i]->set;
	components = usom_api_read_components(sets, n);
	for (int i = 0; i < count; i++)
		placings[i]->components = components;
}

void
usom_api_foresee(Placing *const *placings, int count)
{
	usom_api_foresee_placing_prices(placings, count);
	usom_api_foresee_checks(placings, count);
}

static bool
tells_of_person(const UsomDocument *document)
{
	return (document->instructions != NULL && *document->instructions != '\0') ||
		(document->ship_to != NULL && usom_address_tells_who(document->ship_to));
}

Placing *
usom_api_parse(Jsonb *jsonb)
{
	Placing    *placing = palloc0_object(Placing);

	placing->org_id = usom_party_org();
	placing->document = usom_document_parse(jsonb);
	placing->payload = jsonb;
	placing->is_personal = tells_of_person(placing->document);
	if (placing->document->external_id != NULL && !placing->is_personal)
		placing->digest = usom_api_placing_digest(placing, NULL);
	placing->placed_at = placing->document->placed_at != USOM_NO_TIME ? placing->document->placed_at : usom_call_time();
	return placing;
}

Placing *
usom_api_read(Jsonb *jsonb)
{
	Placing    *placing = usom_api_parse(jsonb);

	usom_api_look_up(&placing, 1);
	usom_api_refer(placing);
	return placing;
}

void
usom_api_finish(Placing *placing)
{
	usom_api_begin(placing);
	usom_api_expand(placing);
	usom_api_complete(placing);
}

/* Carts become orders: whose soft reservations are given up under the lock that allocation takes. */
static void
gather_owners(UsomOrderSet *set, Placing **placings, int count)
{
	set->owners = palloc_array(const char *, count);
	for (int i = 0; i < count; i++)
		if (placings[i]->document->reservation_owner != NULL && usom_order_is_running(placings[i]->set->orders[0].status))
			set->owners[set->nowners++] = placings[i]->document->reservation_owner;
}

/* One set of them all: stock is locked once, every kind of row is written with one statement. */
static UsomOrderSet *
merge(Placing **placings, int count)
{
	UsomOrderSet *set;
	int			nlines = 0;

	if (count == 1)
		return placings[0]->set;
	for (int i = 0; i < count; i++)
		nlines += placings[i]->set->nlines;
	set = usom_order_set_make(placings[0]->org_id, count, nlines);
	for (int i = 0; i < count; i++)
	{
		set->orders[i] = placings[i]->set->orders[0];
		for (int j = 0; j < placings[i]->set->nlines; j++)
		{
			UsomLine   *line = usom_order_add_line(set);

			*line = placings[i]->set->lines[j];
			line->order = i;
		}
	}
	return set;
}

void
usom_api_write(Placing **placings, int count)
{
	int			nplaced = 0;
	int			nall = count;
	Placing   **all = memcpy(palloc_array(Placing *, count), placings, count * sizeof(Placing *));
	UsomOrderSet *set;
	UsomOrderSet *replaced;
	UsomReplacement *replacements;
	int			nreplacements;

	for (int i = 0; i < count; i++)
	{
		placings[i]->ordinal = i;
		placings[i]->set->orders[0].sales_order_id = usom_ident_next();
		seal_person(placings[i]);
	}
	count = usom_api_look_for_duplicates(placings, count);
	usom_api_write_headers(placings, count);
	for (int i = 0; i < count; i++)
		if (placings[i]->placed)
			placings[nplaced++] = placings[i];
	usom_api_let_go_of_duplicates(all, nall);
	if (nplaced == 0)
		return;
	usom_api_write_products(placings, nplaced);
	write_people(placings, nplaced);
	usom_api_write_payments(placings, nplaced);
	usom_api_write_findings(placings, nplaced);
	usom_api_write_risk_scores(placings, nplaced);
	set = merge(placings, nplaced);
	gather_owners(set, placings, nplaced);
	usom_api_place_on_credit(set, placings);
	usom_api_redeem_placings(set, placings);
	usom_api_allocate(set);
	usom_order_save(set);
	usom_api_write_placed_units(placings, nplaced);
	replaced = usom_api_substitute_waiting(set, &replacements, &nreplacements);
	if (replaced != NULL && nplaced == 1)
		placings[0]->set = replaced;
}

UsomPlaced *
usom_api_place(Jsonb *jsonb)
{
	Placing    *placing = usom_api_read(jsonb);
	Placing    *written = placing;

	if (placing->repeats == NULL)
	{
		usom_api_finish(placing);
		usom_api_write(&written, 1);
	}
	if (placing->refused)
		usom_api_refuse_findings(&placing->checking);
	if (placing->placed)
		return usom_api_answer(placing);

	/* If another call was first, it has committed: what it wrote is there to compare with. */
	if (placing->repeats == NULL)
	{
		usom_api_look_up_headers(&placing, 1);
		usom_api_compare_again(placing);
	}
	return usom_api_answer_repeat(placing);
}
