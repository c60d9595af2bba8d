/*
 * place.c
 *		From an order document to a confirmed order.
 *
 * Statements, whatever the number of lines: header references, line
 * references, components of kits (only if there are kits), document number, header, people (only if there is something to
 * seal), stock (lock, apply), lines, pieces, history, and the audit of them
 * all.  A batch is one set of orders: the first four are for each document,
 * the others for all of them.
 *
 * Locks: that the customer is not erased meanwhile, then the new order rows, in the order of their external ids (the
 * unique key makes a second call with the same document wait here, before any
 * stock is touched), then the credit of their customers, then the stock of them
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

#define HEADER_ARGS 20

/* The address is asked for where the document brings none. */
#define HEADER_COLUMNS "u.customer_id, u.substitution, a.address_id, e.order_no, e.revision, e.payload_digest"
#define HEADER_TABLES "FROM (SELECT 1) AS one " \
	"LEFT JOIN usom.customer u ON u.org_id = $1 AND u.code = $3 AND u.active " \
	"LEFT JOIN usom.customer_address a ON a.org_id = $1 AND a.customer_id = CASE WHEN $5 THEN u.customer_id END AND a.address_no = 1 " \
	"LEFT JOIN usom.sales_order e ON e.org_id = $1 AND e.channel_id = $2 AND e.external_id = $4 "

static UsomQuery resolve_header = {
	.text = "SELECT " HEADER_COLUMNS " " HEADER_TABLES,
	.nargs = 5,
	.argtypes = {"bigint", "bigint", "text", "text", "boolean"},
};

/* The same with the keys of the customer and of the person of the order that is there. */
static UsomQuery resolve_person = {
	.text = "SELECT " HEADER_COLUMNS ", k.key, coalesce(e.customer_id, e.sales_order_id), ek.key, x.person_id IS NOT NULL "
	HEADER_TABLES
	"LEFT JOIN usom.vault_key k ON k.org_id = $1 AND k.person_id = u.customer_id "
	"LEFT JOIN usom.vault_key ek ON ek.org_id = $1 AND ek.person_id = coalesce(e.customer_id, e.sales_order_id) "
	"LEFT JOIN usom.erasure x ON x.org_id = $1 AND x.person_id = coalesce(e.customer_id, e.sales_order_id)",
	.nargs = 5,
	.argtypes = {"bigint", "bigint", "text", "text", "boolean"},
};

static UsomQuery insert_header = {
	.text = "INSERT INTO usom.sales_order (org_id, sales_order_id, order_no, channel_id, external_id, revision, "
	"order_type, customer_id, status, currency, total, priority, placed_at, requested_at, ship_complete, coupons, "
	"address_id, payment, instructions, payload_digest, paid) "
	"VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, CASE WHEN ($18->>'authorized')::pg_catalog.numeric > 0 THEN 0 END) "
	"ON CONFLICT (org_id, channel_id, external_id) WHERE external_id IS NOT NULL DO NOTHING",
	.nargs = HEADER_ARGS,
	.argtypes = {
		"bigint", "bigint", "text", "bigint", "text", "usom.ordinal", "usom.order_type", "bigint", "usom.order_status",
		"usom.currency_code",
		"usom.amount", "integer", "timestamptz", "timestamptz", "boolean", "text[]", "bigint", "jsonb", "text", "bytea"
	},
};

static void
note_customer(Placing *placing)
{
	usom_person_check_customer(placing->org_id, placing->document->customer);
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
	bool		isnull;
	Datum		stored = usom_query_get_or_null(0, 7, &isnull);

	if (isnull || !usom_person_take_key(stored, placing->org_id, placing->customer_id, &placing->key))
		usom_person_refuse_keyless(psprintf("customer \"%s\"", placing->document->customer));
}

/* The code as the backend remembers it; a channel that takes no new orders still answers for the old ones. */
static Datum
resolve_channel(Placing *placing, const UsomHouse *house, bool *isnull)
{
	const UsomDocument *document = placing->document;
	const UsomChannel *channel = usom_party_find_channel(house, document->channel);

	*isnull = channel == NULL;
	placing->channel_id = channel != NULL && channel->active ? channel->channel_id : 0;
	placing->currency = document->currency ? document->currency : pstrdup(house->currency);
	return Int64GetDatum(channel != NULL ? channel->channel_id : 0);
}

/* Without an address of its own, an order goes to the customer's first. */
static void
take_header(Placing *placing)
{
	bool		isnull;

	placing->customer_id = DatumGetInt64(usom_query_get_or_null(0, 1, &placing->is_guest));
	placing->substitution = usom_query_get_text(0, 2);
	placing->address_id = DatumGetInt64(usom_query_get_or_null(0, 3, &isnull));
	if (placing->channel_id == 0)
		usom_api_note_problem(placing, "channel", placing->document->channel, "channel");
	else
		check_channel(placing);
	if (placing->is_guest && placing->document->customer != NULL)
		note_customer(placing);
	else if (placing->is_personal && !placing->is_guest)
		take_key(placing);
}

void
usom_api_resolve_references(Placing *placing)
{
	const UsomDocument *document = placing->document;
	bool		nulls[5] = {false};
	Datum		values[5];
	bool		isnull;

	if (document->customer != NULL)
		usom_person_lock_customer(placing->org_id, document->customer, false);
	values[0] = Int64GetDatum(placing->org_id);
	values[1] = resolve_channel(placing, usom_party_house(placing->org_id), &nulls[1]);
	values[2] = usom_api_text_or_null(document->customer, &nulls[2]);
	values[3] = usom_api_text_or_null(document->external_id, &nulls[3]);
	values[4] = BoolGetDatum(document->ship_to == NULL);
	usom_query_run(placing->is_personal ? &resolve_person : &resolve_header, values, nulls);
	take_header(placing);
	placing->repeats = NULL;
	usom_query_get_or_null(0, 4, &isnull);
	if (!isnull)
		usom_api_check_repeat(placing);
}

static void
take_line(Placing *placing, int index, const UsomLineReference *reference)
{
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
	}
}

static void
resolve_products(Placing *placing)
{
	const UsomDocument *document = placing->document;
	UsomLineReference *references = palloc0_array(UsomLineReference, document->nlines);
	bool		is_ruled = usom_price_rules(placing->org_id)->is_any && usom_currency_decimals(placing->currency) != USOM_NO_DECIMALS;

	for (int i = 0; i < document->nlines; i++)
	{
		references[i].sku = document->lines[i].sku;
		references[i].location = document->lines[i].location;
		/* Where rules price the order, list prices are read with them. */
		references[i].wants_price = !document->lines[i].has_price && !is_ruled;
	}
	usom_api_resolve_lines(placing->org_id, references, document->nlines, placing->currency, placing->placed_at);
	for (int i = 0; i < document->nlines; i++)
		take_line(placing, i, &references[i]);
}

static Datum
seal_instructions(const Placing *placing, bool *isnull)
{
	const char *instructions = placing->document->instructions;
	text	   *clear;

	*isnull = instructions == NULL;
	if (instructions == NULL)
		return (Datum) 0;
	clear = cstring_to_text(instructions);
	return PointerGetDatum(*instructions == '\0' ? clear : usom_vault_seal(&placing->key, clear));
}

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

/* False if another transaction placed the same external id meanwhile. */
static bool
write_header(Placing *placing)
{
	const UsomDocument *document = placing->document;
	const UsomOrder *order = &placing->set->orders[0];
	bool		nulls[HEADER_ARGS] = {false};
	Datum		values[HEADER_ARGS] = {
		Int64GetDatum(placing->org_id), Int64GetDatum(order->sales_order_id), CStringGetTextDatum(order->order_no),
		Int64GetDatum(placing->channel_id), usom_api_text_or_null(placing->is_quote ? NULL : document->external_id, &nulls[4]),
		Int32GetDatum(document->revision), CStringGetTextDatum(document->order_type),
		Int64GetDatum(placing->customer_id), UInt8GetDatum(order->status), CStringGetTextDatum(placing->currency),
		NumericGetDatum(order->total), Int32GetDatum(document->priority), TimestampTzGetDatum(placing->placed_at),
		TimestampTzGetDatum(document->requested_at), BoolGetDatum(document->ship_complete),
		PointerGetDatum(document->coupons), Int64GetDatum(placing->address_id), PointerGetDatum(document->payment),
		seal_instructions(placing, &nulls[18]), PointerGetDatum(placing->digest)
	};

	nulls[7] = placing->is_guest;
	nulls[13] = document->requested_at == USOM_NO_TIME;
	nulls[15] = document->coupons == NULL;
	nulls[16] = placing->address_id == 0;
	nulls[17] = document->payment == NULL;
	nulls[19] = placing->digest == NULL;
	return usom_query_write(&insert_header, values, nulls) == 1;
}

/* What the lines add up to; before any number is drawn, so that a document beyond bounds costs none. */
static void
make_order(Placing *placing)
{
	const UsomDocument *document = placing->document;
	UsomOrder  *order = &placing->set->orders[0];

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
	if (!document->draft)
		usom_api_expand_kits(placing->set);
	usom_api_price_placing(placing);
	usom_order_settle(placing->set, 0, "place");
	if (order->status == USOM_ORDER_CONFIRMED && usom_flow_keeps_submitted(placing->set, 0))
		order->status = USOM_ORDER_SUBMITTED;
	if (order->status != USOM_ORDER_DRAFT)
		usom_api_settle_pick_ups(placing->set);
}

static bool
tells_of_person(const UsomDocument *document)
{
	return (document->instructions != NULL && *document->instructions != '\0') ||
		(document->ship_to != NULL && usom_address_tells_who(document->ship_to));
}

Placing *
usom_api_read(Jsonb *jsonb)
{
	Placing    *placing = palloc0_object(Placing);

	placing->org_id = usom_party_org();
	placing->document = usom_document_parse(jsonb);
	placing->payload = jsonb;
	placing->is_personal = tells_of_person(placing->document);
	if (placing->document->external_id != NULL && !placing->is_personal)
		placing->digest = usom_api_placing_digest(placing, NULL);
	placing->placed_at = placing->document->placed_at != USOM_NO_TIME ? placing->document->placed_at : usom_call_time();
	usom_api_resolve_references(placing);
	if (placing->repeats != NULL)
		return placing;

	placing->set = usom_order_set_make(placing->org_id, 1, placing->document->nlines);
	make_lines(placing);
	resolve_products(placing);
	usom_api_resolve_units(placing);
	return placing;
}

void
usom_api_finish(Placing *placing)
{
	usom_api_check_problems(placing);
	make_order(placing);
	usom_api_check_placing(placing);
}

Placing *
usom_api_prepare(Jsonb *jsonb)
{
	Placing    *placing = usom_api_read(jsonb);

	if (placing->repeats == NULL)
		usom_api_finish(placing);
	return placing;
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

/* Number and header.  A gap-free number that is not used goes back: its counter is still locked. */
static bool
write_order(Placing *placing)
{
	UsomOrder  *order = &placing->set->orders[0];

	order->order_no = placing->is_quote ? psprintf("quote " INT64_FORMAT, order->sales_order_id)
		: usom_ident_document_no(placing->org_id, "order");
	placing->placed = write_header(placing);
	if (!placing->placed)
		usom_ident_give_back(placing->org_id, "order");
	return placing->placed;
}

/* The order in which unique keys are taken, so that two batches with the same documents do not cross. */
static int
compare_keys(const void *a, const void *b)
{
	const Placing *left = *(Placing *const *) a;
	const Placing *right = *(Placing *const *) b;

	if (left->channel_id != right->channel_id)
		return left->channel_id < right->channel_id ? -1 : 1;
	if (left->document->external_id != NULL && right->document->external_id != NULL)
	{
		int			difference = strcmp(left->document->external_id, right->document->external_id);

		if (difference != 0)
			return difference;
	}
	else if (left->document->external_id != right->document->external_id)
		return left->document->external_id != NULL ? 1 : -1;
	return left->ordinal - right->ordinal;
}

/* First come, first served. */
static int
compare_ordinals(const void *a, const void *b)
{
	return (*(Placing *const *) a)->ordinal - (*(Placing *const *) b)->ordinal;
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
	qsort(placings, count, sizeof(Placing *), compare_keys);
	for (int i = 0; i < count; i++)
		if (write_order(placings[i]))
			placings[nplaced++] = placings[i];
	usom_api_let_go_of_duplicates(all, nall);
	if (nplaced == 0)
		return;
	qsort(placings, nplaced, sizeof(Placing *), compare_ordinals);
	for (int i = 0; i < nplaced; i++)
		usom_api_write_products(placings[i]);
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
	Placing    *placing = usom_api_prepare(jsonb);
	Placing    *written = placing;

	if (placing->repeats == NULL)
		usom_api_write(&written, 1);
	if (placing->refused)
		usom_api_refuse_findings(&placing->checking);
	if (placing->placed)
		return usom_api_answer(placing);

	/* If another call was first, it has committed: what it wrote is there to compare with. */
	if (placing->repeats == NULL)
		usom_api_resolve_again(placing);
	return usom_api_answer_repeat(placing);
}
