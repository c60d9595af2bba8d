/*
 * place_find.c
 *		Headers of documents: what customers and orders they name.
 *
 * They are looked up past the executor (base/fetch.c) with one snapshot, which
 * counts as one statement, however many documents there are; where that cannot
 * be, by a statement, and one for those that tell of a person, which reads keys, too.
 *
 * Locks: that the customers are not erased meanwhile.
 *
 * Memory: CurrentMemoryContext, which is the call's.
 */
#include "postgres.h"

#include "api/place.h"

#include "base/errors.h"
#include "base/fetch.h"
#include "base/query.h"
#include "catalog/pg_type.h"
#include "party/house.h"
#include "party/party.h"
#include "utils/array.h"
#include "utils/builtins.h"

/* ---- as statements ---- */

/* The address is asked for where the document brings none. */
#define HEADER_COLUMNS "u.customer_id, u.substitution, a.address_id, e.order_no, e.revision, e.payload_digest, u.active"

/* The keys of the customer and of the person of the order that is there. */
#define PERSON_COLUMNS ", k.key, coalesce(e.customer_id, e.sales_order_id), ek.key, x.person_id IS NOT NULL "
#define PERSON_TABLES \
	"LEFT JOIN usom.vault_key k ON k.org_id = $1 AND k.person_id = u.customer_id " \
	"LEFT JOIN usom.vault_key ek ON ek.org_id = $1 AND ek.person_id = coalesce(e.customer_id, e.sales_order_id) " \
	"LEFT JOIN usom.erasure x ON x.org_id = $1 AND x.person_id = coalesce(e.customer_id, e.sales_order_id)"

#define OF_DOCUMENTS \
	"FROM unnest($2, $3, $4, $5) WITH ORDINALITY AS r (channel_id, customer, external_id, wants_address, position) " \
	"LEFT JOIN usom.customer u ON u.org_id = $1 AND u.code = r.customer AND (u.active OR u.erased_at IS NOT NULL) " \
	"LEFT JOIN usom.customer_address a ON a.org_id = $1 AND a.customer_id = CASE WHEN r.wants_address THEN u.customer_id END AND a.address_no = 1 " \
	"LEFT JOIN usom.sales_order e ON e.org_id = $1 AND e.channel_id = r.channel_id AND e.external_id = r.external_id "

static UsomQuery find_headers = {
	.text = "SELECT r.position::int, " HEADER_COLUMNS " " OF_DOCUMENTS,
	.nargs = 5,
	.argtypes = {"bigint", "bigint[]", "text[]", "text[]", "boolean[]"},
};

static UsomQuery find_persons = {
	.text = "SELECT r.position::int, " HEADER_COLUMNS PERSON_COLUMNS OF_DOCUMENTS PERSON_TABLES,
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

/* ---- past the executor ---- */

static UsomFetch customer_by_code = {
	.table = "customer", .index = "customer_code_unique",
	.nkeys = 2, .keys = {{"org_id", "bigint"}, {"code", "text"}},
	.limit = 1, .ncolumns = 4, .columns = {{"customer_id", "bigint"}, {"substitution", "text"}, {"active", "boolean"}, {"erased_at", "timestamptz"}},
};

static UsomFetch address_of_customer = {
	.table = "customer_address", .index = "customer_address_pkey",
	.nkeys = 3, .keys = {{"org_id", "bigint"}, {"customer_id", "bigint"}, {"address_no", "integer"}},
	.limit = 1, .ncolumns = 1, .columns = {{"address_id", "bigint"}},
};

static UsomFetch order_by_external_id = {
	.table = "sales_order", .index = "sales_order_external_unique",
	.nkeys = 3, .keys = {{"org_id", "bigint"}, {"channel_id", "bigint"}, {"external_id", "text"}},
	.limit = 1, .ncolumns = 5, .columns = {{"order_no", "text"}, {"revision", "integer"}, {"payload_digest", "bytea"}, {"customer_id", "bigint"}, {"sales_order_id", "bigint"}},
};

static UsomFetch key_of_person = {
	.table = "vault_key", .index = "vault_key_pkey",
	.nkeys = 2, .keys = {{"org_id", "bigint"}, {"person_id", "bigint"}},
	.limit = 1, .ncolumns = 1, .columns = {{"key", "bytea"}},
};

static UsomFetch erasure_of_person = {
	.table = "erasure", .index = "erasure_pkey",
	.nkeys = 2, .keys = {{"org_id", "bigint"}, {"person_id", "bigint"}},
	.limit = 1, .ncolumns = 1, .columns = {{"person_id", "bigint"}},
};

/* Documents with the channels that they name, 0: there is none. */
typedef struct Finding
{
	Placing    *const *placings;
	const int64 *channels;
	int			count;
} Finding;

static bool
find_key(int64 org_id, int64 person_id, bytea **key)
{
	Datum		keys[] = {Int64GetDatum(org_id), Int64GetDatum(person_id)};
	UsomFetched row;

	if (!usom_fetch_rows(&key_of_person, keys, NULL, &row))
		return false;
	*key = row.count > 0 ? DatumGetByteaPP(row.values[0]) : NULL;
	return true;
}

static bool
find_address(int64 org_id, int64 customer_id, int64 *address_id)
{
	Datum		keys[] = {Int64GetDatum(org_id), Int64GetDatum(customer_id), Int32GetDatum(1)};
	UsomFetched row;

	if (!usom_fetch_rows(&address_of_customer, keys, NULL, &row))
		return false;
	*address_id = row.count > 0 && !row.nulls[0] ? DatumGetInt64(row.values[0]) : 0;
	return true;
}

/* One that is retired is not there, unless that is because it was erased. */
static bool
find_customer(Placing *placing)
{
	UsomHeaderFound *found = &placing->found;
	Datum		keys[] = {Int64GetDatum(placing->org_id), CStringGetTextDatum(placing->document->customer)};
	UsomFetched row;
	int64		customer_id;

	if (!usom_fetch_rows(&customer_by_code, keys, NULL, &row))
		return false;
	if (row.count == 0 || (!DatumGetBool(row.values[2]) && row.nulls[3]))
		return true;
	customer_id = DatumGetInt64(row.values[0]);
	found->is_gone = !DatumGetBool(row.values[2]);
	found->customer_id = found->is_gone ? 0 : customer_id;
	found->substitution = TextDatumGetCString(row.values[1]);
	if (placing->document->ship_to == NULL && !find_address(placing->org_id, customer_id, &found->address_id))
		return false;
	return !placing->is_personal || find_key(placing->org_id, customer_id, &found->customer_key);
}

/* Whose order it is, and whether they are still known. */
static bool
find_person_of(Placing *placing, int64 person_id)
{
	UsomHeaderFound *found = &placing->found;
	Datum		keys[] = {Int64GetDatum(placing->org_id), Int64GetDatum(person_id)};
	UsomFetched row;

	if (!usom_fetch_rows(&erasure_of_person, keys, NULL, &row))
		return false;
	found->is_erased = row.count > 0;
	found->person_id = person_id;
	return find_key(placing->org_id, person_id, &found->person_key);
}

static bool
find_order(Placing *placing, int64 channel_id)
{
	UsomHeaderFound *found = &placing->found;
	Datum		keys[] = {Int64GetDatum(placing->org_id), Int64GetDatum(channel_id), CStringGetTextDatum(placing->document->external_id)};
	UsomFetched row;

	if (!usom_fetch_rows(&order_by_external_id, keys, NULL, &row))
		return false;
	if (row.count == 0)
		return true;
	found->order_no = TextDatumGetCString(row.values[0]);
	found->revision = DatumGetInt32(row.values[1]);
	found->digest = row.nulls[2] ? NULL : DatumGetByteaPP(row.values[2]);
	return !placing->is_personal || find_person_of(placing, DatumGetInt64(row.nulls[3] ? row.values[4] : row.values[3]));
}

static bool
find_header(Placing *placing, int64 channel_id)
{
	placing->found = (UsomHeaderFound) {0};
	return (placing->document->customer == NULL || find_customer(placing)) &&
		(placing->document->external_id == NULL || channel_id == 0 || find_order(placing, channel_id));
}

static bool
find_all(void *argument)
{
	const Finding *finding = argument;

	for (int i = 0; i < finding->count; i++)
		if (!find_header(finding->placings[i], finding->channels[i]))
			return false;
	return true;
}

/* ---- headers ---- */

static void
run_statement(const Finding *finding, UsomQuery *query)
{
	int			count = finding->count;
	const char **customers = palloc_array(const char *, count);
	const char **external_ids = palloc_array(const char *, count);
	Datum	   *wants_address = palloc_array(Datum, count);
	Datum		values[5] = {Int64GetDatum(finding->placings[0]->org_id), usom_query_keys(finding->channels, count)};
	uint64		nrows;

	for (int i = 0; i < count; i++)
	{
		customers[i] = finding->placings[i]->document->customer;
		external_ids[i] = finding->placings[i]->document->external_id;
		wants_address[i] = BoolGetDatum(finding->placings[i]->document->ship_to == NULL);
	}
	values[2] = usom_api_texts(customers, count);
	values[3] = usom_api_texts(external_ids, count);
	values[4] = PointerGetDatum(construct_array(wants_address, count, BOOLOID, 1, true, TYPALIGN_CHAR));
	nrows = usom_query_run(query, values, NULL);
	Ensure(nrows == (uint64) count, "headers of " UINT64_FORMAT " of %d documents", nrows, count);
	for (uint64 row = 0; row < nrows; row++)
		note_header(finding->placings[DatumGetInt32(usom_query_get(row, 1)) - 1], row);
}

/* Only documents that tell of a person want keys. */
static void
run_statements(const Finding *finding)
{
	Placing   **placings = palloc_array(Placing *, finding->count);
	int64	   *channels = palloc_array(int64, finding->count);

	for (int personal = 0; personal <= 1; personal++)
	{
		int			n = 0;

		for (int i = 0; i < finding->count; i++)
			if (finding->placings[i]->is_personal == (personal == 1))
			{
				placings[n] = finding->placings[i];
				channels[n++] = finding->channels[i];
			}
		if (n > 0)
			run_statement(&(Finding) {placings, channels, n}, personal ? &find_persons : &find_headers);
	}
}

void
usom_api_look_up_headers(Placing *const *placings, int count)
{
	int64	   *channels = palloc_array(int64, Max(count, 1));
	Finding		finding = {placings, channels, count};

	for (int i = 0; i < count; i++)
	{
		if (placings[i]->document->customer != NULL)
			usom_person_lock_customer(placings[i]->org_id, placings[i]->document->customer, false);
		channels[i] = find_channel(placings[i]);
	}
	if (count > 0 && unlikely(!usom_fetch_together(find_all, &finding)))
		run_statements(&finding);
}
