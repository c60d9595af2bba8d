/*
 * place_lookup.c
 *		What documents name is looked up: customers, orders that have their
 *		external ids (place_find.c), products, locations, units.
 *
 * One statement each, however many documents there are: headers, lines, units
 * if a line names one.  Looking up notes what was found and raises nothing;
 * taking it into the order is done document by document, and what is wrong
 * with one is an error of that one.
 *
 * Locks: those of place_find.c.
 *
 * Memory: CurrentMemoryContext, which is the call's.
 */
#include "postgres.h"

#include "api/make_product.h"
#include "api/place.h"
#include "api/unit.h"

#include "base/errors.h"
#include "party/house.h"
#include "party/party.h"
#include "pricing/rules.h"
#include "utils/builtins.h"

/* ---- lines ---- */

/* Where rules price the order, list prices are read with them. */
static void
fill_references(const Placing *placing, UsomLineReference *references)
{
	const UsomDocument *document = placing->document;
	bool		is_ruled = usom_price_rules(placing->org_id)->is_any && usom_currency_decimals(placing->currency) != USOM_NO_DECIMALS;

	for (int i = 0; i < document->nlines; i++)
		references[i] = (UsomLineReference) {
			.sku = document->lines[i].sku, .location = document->lines[i].location,
			.wants_price = !document->lines[i].has_price && !is_ruled,
			.currency = placing->currency, .at = placing->placed_at
		};
}

/* Of documents that repeat others only the header is looked at. */
static void
look_up_lines(Placing *const *placings, int count)
{
	UsomLineReference *references;
	int			total = 0;

	for (int i = 0; i < count; i++)
		if (placings[i]->found.order_no == NULL)
			total += placings[i]->document->nlines;
	if (total == 0)
		return;
	references = palloc_array(UsomLineReference, total);
	total = 0;
	for (int i = 0; i < count; i++)
		if (placings[i]->found.order_no == NULL)
		{
			placings[i]->references = &references[total];
			fill_references(placings[i], placings[i]->references);
			total += placings[i]->document->nlines;
		}
	usom_api_resolve_lines(placings[0]->org_id, references, total);
}

void
usom_api_look_up(Placing *const *placings, int count)
{
	UsomMaking *making;

	if (count == 0)
		return;
	making = usom_api_making_begin();
	for (int i = 0; i < count; i++)
		placings[i]->making = making;
	usom_api_look_up_headers(placings, count);
	look_up_lines(placings, count);
	usom_api_look_up_units(placings, count);
}

/* ---- one document takes what was found ---- */

static void
note_customer(Placing *placing)
{
	if (placing->found.is_gone)
		usom_person_refuse_erased(psprintf("customer \"%s\"", placing->document->customer));
	usom_api_note_problem(placing, "customer", placing->document->customer, "customer");
}

static void
check_channel(const Placing *placing)
{
	if (likely(usom_party_sees_channel(placing->channel_id)))
		return;
	ereport(ERROR, errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			errmsg("orders of channel \"%s\" are not for this role", placing->document->channel),
			errdetail("usom.access limits it to other channels."),
			errhint("Name the channel in the document, or have a superuser call usom.grant_access()."));
}

static void
take_key(Placing *placing)
{
	if (placing->found.customer_key == NULL ||
		!usom_person_take_key(PointerGetDatum(placing->found.customer_key), placing->org_id, placing->customer_id, &placing->key))
		usom_person_refuse_keyless(psprintf("customer \"%s\"", placing->document->customer));
}

/* Without an address of its own, an order goes to the customer's first. */
void
usom_api_take_header(Placing *placing)
{
	placing->customer_id = placing->found.customer_id;
	placing->is_guest = placing->customer_id == 0;
	placing->substitution = placing->found.substitution;
	placing->address_id = placing->found.address_id;
	if (placing->channel_id == 0)
		usom_api_note_problem(placing, "channel", placing->document->channel, "channel");
	else
		check_channel(placing);
	if (placing->is_guest && placing->document->customer != NULL)
		note_customer(placing);
	else if (placing->is_personal && !placing->is_guest)
		take_key(placing);
	placing->repeats = NULL;
	if (placing->found.order_no != NULL)
		usom_api_check_repeat(placing);
}

static void
take_line(Placing *placing, int index)
{
	const UsomLineReference *reference = &placing->references[index];
	const UsomDocumentLine *from = &placing->document->lines[index];
	UsomLine   *line = &placing->set->lines[index];

	line->product_id = reference->product_id;
	usom_order_take_nature(line, reference->nature);
	line->location_id = reference->location_id;
	if (reference->product_id == 0 && from->make != NULL)
	{
		line->product_id = usom_api_plan_product(placing, index);
		usom_order_take_nature(line, USOM_MADE);
	}
	else if (reference->product_id == 0)
		usom_api_note_problem(placing, psprintf("lines[%d].sku", index), from->sku, "product");
	if (reference->location_id == 0 && from->location != NULL)
		usom_api_note_problem(placing, psprintf("lines[%d].location", index), from->location, "location");

	line->unit_price = from->has_price ? from->unit_price : reference->price;
	if (line->unit_price == NULL)
		line->unit_price = usom_order_no_price();
}

static void
make_lines(Placing *placing)
{
	const UsomDocument *document = placing->document;

	for (int i = 0; i < document->nlines; i++)
	{
		UsomLine   *line = usom_order_add_line(placing->set);

		line->line_no = i + 1;
		line->quantity = line->counters.by_state[USOM_PIECE_OPEN] = document->lines[i].quantity;
		line->requested_at = document->lines[i].requested_at;
		line->substitution = document->lines[i].substitution ? document->lines[i].substitution
			: placing->substitution ? placing->substitution : "none";
		line->partial = document->lines[i].partial;
		take_line(placing, i);
	}
}

void
usom_api_refer(Placing *placing)
{
	usom_api_take_header(placing);
	if (placing->repeats != NULL)
		return;
	placing->set = usom_order_set_make(placing->org_id, 1, placing->document->nlines);
	make_lines(placing);
	usom_api_take_units(placing);
}
