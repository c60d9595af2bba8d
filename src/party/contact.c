/*
 * contact.c
 *		Customers found by e-mail or phone, without either being readable.
 *
 * usom.vault_index has keyed digests of what is in the sealed texts of
 * usom.customer: HMAC under a key of the organisation, so that nobody without
 * it can try names.  It is kept from the rows (verify_vault() computes it
 * again), is no ledger and not in the audit, and goes when the person is
 * erased.
 *
 * Locks: none beyond the rows written.  Memory: CurrentMemoryContext and SPI's.
 */
#include "postgres.h"

#include "base/compat.h"

#include <ctype.h>

#include "party/person.h"

#include "base/query.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "party/party.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/formatting.h"

PG_FUNCTION_INFO_V1(usom_find_customers);
PG_FUNCTION_INFO_V1(usom__contact_digest);

/* A call that several sessions make at once ends with one key. */
void
usom_person_organisation_key(int64 org_id, UsomPersonKey *key)
{
	static UsomQuery query = {
		.text = "INSERT INTO usom.vault_key (org_id, person_id, key) VALUES ($1, 0, $2) ON CONFLICT DO NOTHING",
		.nargs = 2,
		.argtypes = {"bigint", "bytea"},
	};
	Datum		values[2] = {Int64GetDatum(org_id)};

	if (usom_person_find_key(org_id, USOM_NO_PERSON, key))
		return;
	usom_vault_make_key(key, org_id, USOM_NO_PERSON);
	values[1] = PointerGetDatum(cstring_to_text_with_len((const char *) key->bytes, USOM_KEY_BYTES));
	SPI_connect();
	usom_query_write(&query, values, NULL);
	SPI_finish();
	if (!usom_person_find_key(org_id, USOM_NO_PERSON, key))
		ereport(ERROR, errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				errmsg("another transaction made the key of the organisation"), errhint("Try again."));
}

/* How people write the same address in several ways.  Letters of ASCII alone change: locales would disagree. */
static char *
normal_email(const text *email)
{
	char	   *string = asc_tolower(VARDATA_ANY(email), VARSIZE_ANY_EXHDR(email));
	int			length;

	while (isspace((unsigned char) *string))
		string++;
	for (length = (int) strlen(string); length > 0 && isspace((unsigned char) string[length - 1]);)
		string[--length] = '\0';
	return string;
}

/* Digits alone; 00 at the front is +. */
static char *
normal_phone(const text *phone)
{
	const char *data = VARDATA_ANY(phone);
	Size		size = VARSIZE_ANY_EXHDR(phone);
	char	   *string = palloc(size + 2);
	int			length = 0;

	for (Size i = 0; i < size; i++)
		if ((data[i] >= '0' && data[i] <= '9') || (data[i] == '+' && length == 0))
			string[length++] = data[i];
	string[length] = '\0';
	if (strncmp(string, "00", 2) == 0)
	{
		string[1] = '+';
		return string + 1;
	}
	return string;
}

/* The same in databases of all encodings. */
static bytea *
digest(const UsomPersonKey *key, const char *kind, const char *normal)
{
	int			encoding = GetDatabaseEncoding() == PG_SQL_ASCII ? PG_SQL_ASCII : PG_UTF8;
	const char *utf8 = pg_server_to_any(normal, (int) strlen(normal), encoding);

	return usom_vault_digest(key, kind, utf8, strlen(utf8));
}

/* Columns of the rows to insert. */
typedef struct IndexRows
{
	ArrayBuildState *persons;
	ArrayBuildState *kinds;
	ArrayBuildState *digests;
} IndexRows;

/* Words in the place of a number find nobody. */
static void
add_contact(IndexRows *rows, const UsomPersonKey *key, int64 person_id, const char *kind, const char *normal)
{
	Datum		bytes;

	if (*normal == '\0')
		return;
	bytes = PointerGetDatum(digest(key, kind, normal));
	rows->persons = accumArrayResult(rows->persons, Int64GetDatum(person_id), false, INT8OID, CurrentMemoryContext);
	rows->kinds = accumArrayResult(rows->kinds, CStringGetTextDatum(kind), false, TEXTOID, CurrentMemoryContext);
	rows->digests = accumArrayResult(rows->digests, bytes, false, BYTEAOID, CurrentMemoryContext);
}

static void
forget_contacts(int64 org_id, const UsomContact *contacts, int count)
{
	static UsomQuery query = {
		.text = "DELETE FROM usom.vault_index WHERE org_id = $1 AND person_id = ANY ($2)",
		.nargs = 2,
		.argtypes = {"bigint", "bigint[]"},
	};
	Datum	   *persons = palloc(count * sizeof(Datum));
	Datum		values[2] = {Int64GetDatum(org_id)};

	for (int i = 0; i < count; i++)
		persons[i] = Int64GetDatum(contacts[i].person_id);
	values[1] = PointerGetDatum(construct_array(persons, count, INT8OID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
	usom_query_write(&query, values, NULL);
}

static void
insert_contacts(int64 org_id, const UsomContact *contacts, int count)
{
	static UsomQuery query = {
		.text = "INSERT INTO usom.vault_index (org_id, person_id, kind, digest) "
		"SELECT $1, r.person_id, r.kind, r.digest FROM unnest($2, $3, $4) AS r (person_id, kind, digest)",
		.nargs = 4,
		.argtypes = {"bigint", "bigint[]", "text[]", "bytea[]"},
	};
	Datum		values[4] = {Int64GetDatum(org_id)};
	IndexRows	rows = {NULL};
	UsomPersonKey key;

	usom_person_organisation_key(org_id, &key);
	for (int i = 0; i < count; i++)
	{
		if (contacts[i].email != NULL)
			add_contact(&rows, &key, contacts[i].person_id, "email", normal_email(contacts[i].email));
		if (contacts[i].phone != NULL)
			add_contact(&rows, &key, contacts[i].person_id, "phone", normal_phone(contacts[i].phone));
	}
	if (rows.persons == NULL)
		return;
	values[1] = makeArrayResult(rows.persons, CurrentMemoryContext);
	values[2] = makeArrayResult(rows.kinds, CurrentMemoryContext);
	values[3] = makeArrayResult(rows.digests, CurrentMemoryContext);
	usom_query_write(&query, values, NULL);
}

void
usom_contact_write(int64 org_id, const UsomContact *contacts, int count, bool replace)
{
	if (count == 0)
		return;
	SPI_connect();
	if (replace)
		forget_contacts(org_id, contacts, count);
	insert_contacts(org_id, contacts, count);
	SPI_finish();
}

/* ---- finding ---- */

static bytea *
digest_of(int64 org_id, const text *contact, const char **kind)
{
	bool		is_email = memchr(VARDATA_ANY(contact), '@', VARSIZE_ANY_EXHDR(contact)) != NULL;
	UsomPersonKey key;

	*kind = is_email ? "email" : "phone";
	if (!usom_person_find_key(org_id, USOM_NO_PERSON, &key))
		return NULL;
	return digest(&key, *kind, is_email ? normal_email(contact) : normal_phone(contact));
}

/* usom._contact_digest(org_id, kind, sealed): what usom.vault_index should hold of a sealed text; null if it cannot be opened. */
Datum
usom__contact_digest(PG_FUNCTION_ARGS)
{
	int64		org_id = PG_GETARG_INT64(0);
	char	   *kind = text_to_cstring(PG_GETARG_TEXT_PP(1));
	text	   *sealed = PG_GETARG_TEXT_PP(2);
	UsomPersonKey key;
	UsomPersonKey person;
	int64		person_id;
	text	   *clear;
	char	   *normal;

	if (org_id != usom_party_caller_org() ||
		!usom_vault_is_sealed(sealed, &person_id) || !usom_person_find_key(org_id, person_id, &person) ||
		!usom_person_find_key(org_id, USOM_NO_PERSON, &key))
		PG_RETURN_NULL();
	clear = usom_vault_open(&person, sealed);
	if (clear == NULL)
		PG_RETURN_NULL();
	normal = strcmp(kind, "email") == 0 ? normal_email(clear) : normal_phone(clear);
	if (*normal == '\0')
		PG_RETURN_NULL();
	PG_RETURN_BYTEA_P(digest(&key, kind, normal));
}

static void
check_reader(void)
{
	if (!usom_person_may_open())
		ereport(ERROR, errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				errmsg("permission denied to look for people"),
				errdetail("Only roles that may read usom.vault_key find customers by e-mail or phone."));
}

/* usom.find_customers(contact) RETURNS SETOF text: their codes. */
Datum
usom_find_customers(PG_FUNCTION_ARGS)
{
	static UsomQuery query = {
		.text = "SELECT c.code FROM usom.vault_index AS i "
		"JOIN usom.customer AS c ON c.org_id = $1 AND c.customer_id = i.person_id "
		"WHERE i.org_id = $1 AND i.kind = $2 AND i.digest = $3 ORDER BY c.code",
		.nargs = 3,
		.argtypes = {"bigint", "text", "bytea"},
	};
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	int64		org_id = usom_party_caller_org();
	const char *kind;
	bytea	   *bytes = digest_of(org_id, PG_GETARG_TEXT_PP(0), &kind);
	Datum		values[] = {Int64GetDatum(org_id), CStringGetTextDatum(kind), PointerGetDatum(bytes)};
	uint64		count;

	check_reader();
	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	if (bytes == NULL)
		return (Datum) 0;
	SPI_connect();
	count = usom_query_run(&query, values, NULL);
	for (uint64 i = 0; i < count; i++)
	{
		Datum		code = usom_query_get(i, 1);
		bool		isnull = false;

		tuplestore_putvalues(result->setResult, result->setDesc, &code, &isnull);
	}
	SPI_finish();
	return (Datum) 0;
}
