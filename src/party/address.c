/*
 * address.c
 *		Addresses: from a ship_to to a sealed row of usom.address.
 *
 * A row of usom.address is never changed: who moves gets a new one, and orders
 * keep the one they were placed with.  What books and sourcing need stays in
 * clear: country, region, postcode, coordinates to two decimals.  Texts in these
 * places that do not look like it are sealed like the rest.
 *
 * Memory: CurrentMemoryContext.  Locks: none; the rows written are new.
 */
#include "postgres.h"

#include "base/compat.h"

#include <math.h>

#include "party/person.h"

#include "base/errors.h"
#include "base/ident.h"
#include "base/insert.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

#define POSTCODE_LIMIT 12
#define ADDRESS_COLUMNS (2 + USOM_ADDRESS_TEXTS + 3)

const char *const usom_address_texts[USOM_ADDRESS_TEXTS] = {
	[USOM_ADDRESS_NAME] = "name", [USOM_ADDRESS_LINE1] = "line1", [USOM_ADDRESS_LINE2] = "line2",
	[USOM_ADDRESS_POSTCODE] = "postcode", [USOM_ADDRESS_CITY] = "city", [USOM_ADDRESS_REGION] = "region",
	[USOM_ADDRESS_COUNTRY] = "country",
};
const char *const usom_address_degrees[2] = {"latitude", "longitude"};

/* ---- sealing ---- */

static bool
is_country(const char *data, Size size)
{
	return size == 2 && data[0] >= 'A' && data[0] <= 'Z' && data[1] >= 'A' && data[1] <= 'Z';
}

/* The part of an ISO 3166-2 code after the country. */
static bool
is_region(const char *data, Size size)
{
	for (Size i = 0; i < size; i++)
		if (!(data[i] >= '0' && data[i] <= '9') && !(data[i] >= 'A' && data[i] <= 'Z'))
			return false;
	return size <= 3;
}

/* Letters, digits, blanks and dashes, with a digit, or four letters at most: AB1 2CD, 1010 AA, D-10115. */
static bool
is_postcode(const char *data, Size size)
{
	bool		has_digit = false;

	for (Size i = 0; i < size; i++)
	{
		if (data[i] >= '0' && data[i] <= '9')
			has_digit = true;
		else if (!(data[i] >= 'A' && data[i] <= 'Z') && !(data[i] >= 'a' && data[i] <= 'z') &&
				 data[i] != ' ' && data[i] != '-')
			return false;
	}
	return size <= POSTCODE_LIMIT && (has_digit || size <= 4);
}

bool
usom_address_is_plain(UsomAddressText kind, const text *clear)
{
	const char *data = VARDATA_ANY(clear);
	Size		size = VARSIZE_ANY_EXHDR(clear);

	return size == 0 || (kind == USOM_ADDRESS_COUNTRY && is_country(data, size)) ||
		(kind == USOM_ADDRESS_REGION && is_region(data, size)) ||
		(kind == USOM_ADDRESS_POSTCODE && is_postcode(data, size));
}

text *
usom_address_seal(UsomAddressText kind, text *clear, const UsomPersonKey *key)
{
	return usom_address_is_plain(kind, clear) ? clear : usom_vault_seal(key, clear);
}

float8
usom_address_round(float8 degrees)
{
	return rint(degrees * 100) / 100;
}

/* ---- reading a ship_to ---- */

static void
refuse(const char *key, const char *problem)
{
	ereport(ERROR, errcode(USOM_ERR(INVALID_DOCUMENT)),
			errmsg("ship_to: \"%s\" %s", key, problem),
			errhint("Its keys are name, line1, line2, postcode, city, region, country (strings), latitude and longitude (numbers)."));
}

static bool
take_text(UsomAddress *address, const char *name, const JsonbValue *value)
{
	for (int i = 0; i < USOM_ADDRESS_TEXTS; i++)
	{
		if (strcmp(name, usom_address_texts[i]) != 0)
			continue;
		if (value->type != jbvString)
			refuse(name, "must be a string");
		address->texts[i] = cstring_to_text_with_len(value->val.string.val, value->val.string.len);
		return true;
	}
	return false;
}

static bool
take_degrees(UsomAddress *address, const char *name, const JsonbValue *value)
{
	for (int i = 0; i < 2; i++)
	{
		if (strcmp(name, usom_address_degrees[i]) != 0)
			continue;
		if (value->type != jbvNumeric)
			refuse(name, "must be a number");
		address->degrees[i] = DatumGetFloat8(DirectFunctionCall1(numeric_float8, NumericGetDatum(value->val.numeric)));
		if (fabs(address->degrees[i]) > (i == 0 ? 90 : 180))
			refuse(name, i == 0 ? "must be from -90 to 90" : "must be from -180 to 180");
		address->degrees[i] = usom_address_round(address->degrees[i]);
		address->has_degrees[i] = true;
		return true;
	}
	return false;
}

static bool
take_verdict(UsomAddress *address, const char *name, const JsonbValue *value)
{
	static const char *const verdicts[] = {"deliverable", "corrected", "undeliverable", "unknown"};

	if (strcmp(name, "verdict") != 0)
		return false;
	for (int i = 0; i < (int) lengthof(verdicts) && address->verdict == NULL; i++)
		if (value->type == jbvString && (size_t) value->val.string.len == strlen(verdicts[i]) &&
			memcmp(value->val.string.val, verdicts[i], value->val.string.len) == 0)
			address->verdict = verdicts[i];
	if (address->verdict == NULL)
		refuse(name, "must be deliverable, corrected, undeliverable or unknown");
	return true;
}

/* A key that is too long to be one is not repeated: it may be anything. */
static void
take_value(UsomAddress *address, const JsonbValue *key, const JsonbValue *value)
{
	char	   *name = pnstrdup(key->val.string.val, key->val.string.len);

	if (value->type == jbvNull)
		return;
	if (!take_text(address, name, value) && !take_degrees(address, name, value) && !take_verdict(address, name, value))
		refuse(strlen(name) > 20 ? "a key" : name, "is not known");
}

static UsomAddress *
read_address(Jsonb *ship_to)
{
	UsomAddress *address = palloc0(sizeof(UsomAddress));
	JsonbIterator *it = JsonbIteratorInit(&ship_to->root);
	JsonbIteratorToken token;
	JsonbValue	value;
	JsonbValue	key = {0};

	if (!JB_ROOT_IS_OBJECT(ship_to))
		refuse("ship_to", "must be an object");
	while ((token = JsonbIteratorNext(&it, &value, true)) != WJB_DONE)
	{
		if (token == WJB_KEY)
			key = value;
		else if (token == WJB_VALUE)
			take_value(address, &key, &value);
	}
	return address;
}

static bool
says_nothing(const UsomAddress *address)
{
	for (int i = 0; i < USOM_ADDRESS_TEXTS; i++)
		if (address->texts[i] != NULL)
			return false;
	return !address->has_degrees[0] && !address->has_degrees[1];
}

static void
seal_address(UsomAddress *address, const UsomPersonKey *key)
{
	address->address_id = usom_ident_next();
	address->person_id = key->person_id;
	for (int i = 0; i < USOM_ADDRESS_TEXTS; i++)
		if (address->texts[i] != NULL)
			address->texts[i] = usom_address_seal(i, address->texts[i], key);
}

bool
usom_address_tells_who(Jsonb *ship_to)
{
	UsomAddress *address = read_address(ship_to);

	for (int i = 0; i < USOM_ADDRESS_TEXTS; i++)
		if (address->texts[i] != NULL && !usom_address_is_plain(i, address->texts[i]))
			return true;
	return false;
}

UsomAddress *
usom_address_make(Jsonb *ship_to, const UsomPersonKey *key)
{
	UsomAddress *address = read_address(ship_to);

	if (says_nothing(address))
		return NULL;
	seal_address(address, key);
	return address;
}

/* ---- rows ---- */

static void
add_address(UsomRows *rows, const UsomAddress *address)
{
	Datum		values[ADDRESS_COLUMNS] = {Int64GetDatum(address->address_id), Int64GetDatum(address->person_id)};
	bool		nulls[ADDRESS_COLUMNS] = {false};
	int			column = 2;

	for (int i = 0; i < USOM_ADDRESS_TEXTS; i++, column++)
	{
		nulls[column] = address->texts[i] == NULL;
		values[column] = PointerGetDatum(address->texts[i]);
	}
	for (int i = 0; i < 2; i++, column++)
	{
		nulls[column] = !address->has_degrees[i];
		values[column] = Float8GetDatum(address->degrees[i]);
	}
	nulls[column] = address->verdict == NULL;
	values[column] = nulls[column] ? (Datum) 0 : CStringGetTextDatum(address->verdict);
	usom_rows_add(rows, values, nulls);
}

static UsomInsert insert_addresses = {
	.table = "address", .row_type = "_address_row", .ncolumns = ADDRESS_COLUMNS,
	.query = {
		.text = "INSERT INTO usom.address (org_id, address_id, person_id, name, line1, line2, postcode, city, region, country, latitude, longitude, verdict) "
		"SELECT $1, r.* FROM unnest($2) AS r",
		.nargs = 2,
		.argtypes = {"bigint", "usom._address_row[]"},
	},
};

static UsomInsert insert_keys = {
	.table = "vault_key", .row_type = "_vault_key_row", .ncolumns = 2,
	.query = {
		.text = "INSERT INTO usom.vault_key (org_id, person_id, key) SELECT $1, r.* FROM unnest($2) AS r",
		.nargs = 2,
		.argtypes = {"bigint", "usom._vault_key_row[]"},
	},
};

static void
write_keys(int64 org_id, const UsomPersonKey *keys, int count)
{
	UsomRows   *rows = usom_insert_rows(&insert_keys, count);

	for (int i = 0; i < count; i++)
	{
		Datum		values[2] = {
			Int64GetDatum(keys[i].person_id), PointerGetDatum(cstring_to_text_with_len((const char *) keys[i].bytes, USOM_KEY_BYTES))
		};

		usom_rows_add(rows, values, (bool[2]) {false});
	}
	usom_insert_run(&insert_keys, org_id, rows);
}

static void
write_addresses(int64 org_id, UsomAddress *const *addresses, int count)
{
	UsomRows   *rows = usom_insert_rows(&insert_addresses, count);

	for (int i = 0; i < count; i++)
		add_address(rows, addresses[i]);
	usom_insert_run(&insert_addresses, org_id, rows);
}

void
usom_person_write(int64 org_id, const UsomPersonKey *keys, int nkeys, UsomAddress *const *addresses, int naddresses)
{
	SPI_connect();
	if (nkeys > 0)
		write_keys(org_id, keys, nkeys);
	if (naddresses > 0)
		write_addresses(org_id, addresses, naddresses);
	SPI_finish();
}

/* ---- handing over ---- */

static UsomAddress *
load_address(int64 org_id, int64 address_id)
{
	static UsomQuery query = {
		.text = "SELECT a.person_id, a.name, a.line1, a.line2, a.postcode, a.city, a.region, a.country, a.latitude, a.longitude, a.verdict "
		"FROM usom.address AS a WHERE a.org_id = $1 AND a.address_id = $2",
		.nargs = 2,
		.argtypes = {"bigint", "bigint"},
	};
	Datum		values[] = {Int64GetDatum(org_id), Int64GetDatum(address_id)};
	UsomAddress *address;

	if (usom_query_run(&query, values, NULL) == 0)
		ereport(ERROR, errcode(ERRCODE_FOREIGN_KEY_VIOLATION),
				errmsg("address " INT64_FORMAT " is not there", address_id),
				errhint("Write ship_to, and leave address_id to usom."));
	address = SPI_palloc(sizeof(UsomAddress));
	*address = (UsomAddress) {.address_id = address_id, .person_id = DatumGetInt64(usom_query_get(0, 1))};
	for (int i = 0; i < USOM_ADDRESS_TEXTS; i++)
	{
		bool		isnull;
		Datum		value = usom_query_get_or_null(0, 2 + i, &isnull);

		address->texts[i] = isnull ? NULL : DatumGetTextPP(SPI_datumTransfer(value, false, -1));
	}
	for (int i = 0; i < 2; i++)
	{
		bool		isnull;

		address->degrees[i] = DatumGetFloat8(usom_query_get_or_null(0, 2 + USOM_ADDRESS_TEXTS + i, &isnull));
		address->has_degrees[i] = !isnull;
	}
	address->verdict = usom_query_get_text(0, 4 + USOM_ADDRESS_TEXTS);
	if (address->verdict != NULL)
		address->verdict = strcpy(SPI_palloc(strlen(address->verdict) + 1), address->verdict);
	return address;
}

/* Texts that were erased, or never readable, stay behind. */
static void
open_texts(UsomAddress *address, const UsomPersonKey *key, bool found)
{
	for (int i = 0; i < USOM_ADDRESS_TEXTS; i++)
	{
		int64		person_id;

		if (address->texts[i] != NULL && usom_vault_is_sealed(address->texts[i], &person_id))
			address->texts[i] = found ? usom_vault_open(key, address->texts[i]) : NULL;
	}
}

UsomAddress *
usom_address_hand_over(int64 org_id, int64 address_id, const UsomPersonKey *key)
{
	UsomAddress *address;
	UsomPersonKey owner;
	bool		found;

	SPI_connect();
	address = load_address(org_id, address_id);
	SPI_finish();
	if (address->person_id == key->person_id)
		return address;
	found = usom_person_find_key(org_id, address->person_id, &owner);
	open_texts(address, &owner, found);
	seal_address(address, key);
	return address;
}
