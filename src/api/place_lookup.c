/*
 * place_lookup.c
 *		What documents name is looked up: customers, orders that have their
 *		external ids, products, locations, units.
 *
 * One statement each, however many documents there are: headers (those that
 * tell of a person have one of their own, which reads keys, too), lines, units
 * if a line names one.  Looking up notes what was found and raises nothing;
 * taking it into the order is done document by document, and what is wrong
 * with one is an error of that one.
 *
 * Locks: that the customers are not erased meanwhile.
 *
 * Memory: CurrentMemoryContext, which is the call's; keys and digests stay in
 * the results of their statements.
 */
#include "postgres.h"

#include "api/make_product.h"
#include "api/place.h"
#include "api/unit.h"

#include "base/errors.h"
#include "base/query.h"
#include "catalog/pg_type.h"
#include "party/house.h"
#include "party/party.h"
#include "pricing/rules.h"
#include "utils/array.h"
#include "utils/builtins.h"

/* ---- headers ---- */

/* The address is asked for where the document brings none. */
#define HEADER_COLUMNS "u.customer_id, u.substitution, a.address_id, e.order_no, e.revision, e.payload_digest, u.active"
#define HEADER_TABLES(channel, customer, external_id, wants_address) \
	"LEFT JOIN usom.customer u ON u.org_id = $1 AND u.code = " customer " AND (u.active OR u.erased_at IS NOT NULL) " \
	"LEFT JOIN usom.customer_address a ON a.org_id = $1 AND a.customer_id = CASE WHEN " wants_address " THEN u.customer_id END AND a.address_no = 1 " \
	"LEFT JOIN usom.sales_order e ON e.org_id = $1 AND e.channel_id = " channel " AND e.external_id = " external_id " "

/* The keys of the customer and of the person of the order that is there. */
#define PERSON_COLUMNS ", k.key, coalesce(e.customer_id, e.sales_order_id), ek.key, x.person_id IS NOT NULL "
#define PERSON_TABLES \
	"LEFT JOIN usom.vault_key k ON k.org_id = $1 AND k.person_id = u.customer_id " \
	"LEFT JOIN usom.vault_key ek ON ek.org_id = $1 AND ek.person_id = coalesce(e.customer_id, e.sales_order_id) " \
	"LEFT JOIN usom.erasure x ON x.org_id = $1 AND x.person_id = coalesce(e.customer_id, e.sales_order_id)"

#define OF_ONE "FROM (SELECT 1) AS one " HEADER_TABLES("$2", "$3", "$4", "$5")
#define OF_MANY "FROM unnest($2, $3, $4, $5) WITH ORDINALITY AS r (channel_id, customer, external_id, wants_address, position) " \
	HEADER_TABLES("r.channel_id", "r.customer", "r.external_id", "r.wants_address")

static UsomQuery find_header = {
	.text = "SELECT 1, " HEADER_COLUMNS " " OF_ONE,
	.nargs = 5,
	.argtypes = {"bigint", "bigint", "text", "text", "boolean"},
};

static UsomQuery find_person = {
	.text = "SELECT 1, " HEADER_COLUMNS PERSON_COLUMNS OF_ONE PERSON_TABLES,
	.nargs = 5,
	.argtypes = {"bigint", "bigint", "text", "text", "boolean"},
};

static UsomQuery find_headers = {
	.text = "SELECT r.position::int, " HEADER_COLUMNS " " OF_MANY,
	.nargs = 5,
	.argtypes = {"bigint", "bigint[]", "text[]", "text[]", "boolean[]"},
};

static UsomQuery find_persons = {
	.text = "SELECT r.position::int, " HEADER_COLUMNS PERSON_COLUMNS OF_MANY PERSON_TABLES,
	.nargs = 5,
	.argtypes = {"bigint", "bigint[]", "text[]", "text[]", "boolean[]"},
};

/* The code as the backend remembers it; a channel that takes no new orders still answers for the old ones. */
static int64
find_channel(Placing *placing)
{
	const UsomDocument *document = placing->document;
	const UsomHouse *house = usom_party_house(placing->org_id);
	const UsomChannel *channel = usom_party_find_channel(house, document->channel);

	placing->channel_id = channel != NULL && channel->active ? channel->channel_id : 0;
	placing->currency = document->currency ? document->currency : pstrdup(house->currency);
	return channel != NULL ? channel->channel_id : 0;
}

static bytea *
get_bytes(uint64 row, int column)
{
	bool		isnull;
	Datum		value = usom_query_get_or_null(row, column, &isnull);

	return isnull ? NULL : DatumGetByteaPP(value);
}

static void
note_header(Placing *placing, uint64 row)
{
	UsomHeaderFound *found = &placing->found;

	bool		isnull;
	bool		is_active = DatumGetBool(usom_query_get_or_null(row, 8, &isnull));

	*found = (UsomHeaderFound) {
		.is_gone = !isnull && !is_active, .customer_id = is_active ? usom_query_get_key(row, 2) : 0, .substitution = usom_query_get_text(row, 3),
		.address_id = usom_query_get_key(row, 4), .order_no = usom_query_get_text(row, 5),
		.revision = usom_query_get_number(row, 6), .digest = get_bytes(row, 7)
	};
	if (!placing->is_personal)
		return;
	found->customer_key = get_bytes(row, 9);
	found->person_id = usom_query_get_key(row, 10);
	found->person_key = get_bytes(row, 11);
	found->is_erased = DatumGetBool(usom_query_get(row, 12));
}

static void
look_up_header(Placing *placing)
{
	const UsomDocument *document = placing->document;
	int64		channel_id = find_channel(placing);
	bool		nulls[5] = {false, channel_id == 0};
	Datum		values[5] = {Int64GetDatum(placing->org_id), Int64GetDatum(channel_id)};

	values[2] = usom_api_text_or_null(document->customer, &nulls[2]);
	values[3] = usom_api_text_or_null(document->external_id, &nulls[3]);
	values[4] = BoolGetDatum(document->ship_to == NULL);
	usom_query_run(placing->is_personal ? &find_person : &find_header, values, nulls);
	note_header(placing, 0);
}

static void
look_up_many(Placing *const *placings, int count, UsomQuery *query)
{
	int64	   *channels = palloc_array(int64, count);
	const char **customers = palloc_array(const char *, count);
	const char **external_ids = palloc_array(const char *, count);
	Datum	   *wants_address = palloc_array(Datum, count);
	Datum		values[5] = {Int64GetDatum(placings[0]->org_id)};
	uint64		nrows;

	for (int i = 0; i < count; i++)
	{
		channels[i] = find_channel(placings[i]);
		customers[i] = placings[i]->document->customer;
		external_ids[i] = placings[i]->document->external_id;
		wants_address[i] = BoolGetDatum(placings[i]->document->ship_to == NULL);
	}
	values[1] = usom_query_keys(channels, count);
	values[2] = usom_api_texts(customers, count);
	values[3] = usom_api_texts(external_ids, count);
	values[4] = PointerGetDatum(construct_array(wants_address, count, BOOLOID, 1, true, TYPALIGN_CHAR));
	nrows = usom_query_run(query, values, NULL);
	Ensure(nrows == (uint64) count, "headers of " UINT64_FORMAT " of %d documents", nrows, count);
	for (uint64 row = 0; row < nrows; row++)
		note_header(placings[DatumGetInt32(usom_query_get(row, 1)) - 1], row);
}

void
usom_api_look_up_headers(Placing *const *placings, int count)
{
	Placing   **group = palloc_array(Placing *, Max(count, 1));

	for (int i = 0; i < count; i++)
		if (placings[i]->document->customer != NULL)
			usom_person_lock_customer(placings[i]->org_id, placings[i]->document->customer, false);
	for (int personal = 0; personal <= 1; personal++)
	{
		int			n = 0;

		for (int i = 0; i < count; i++)
			if (placings[i]->is_personal == (personal == 1))
				group[n++] = placings[i];
		if (n == 1)
			look_up_header(group[0]);
		else if (n > 1)
			look_up_many(group, n, personal ? &find_persons : &find_headers);
	}
}

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
