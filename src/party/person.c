/*
 * person.c
 *		Keys of people, and who may open what.
 *
 * Memory: the keys of customers that a statement is inserting are kept in
 * TopTransactionContext until the rows are there (drafts); the key used last
 * is remembered for one statement of the client, because a row of a view opens
 * several texts.  Both are overwritten when the transaction ends.
 *
 * Locks: a lock by code of customer before anything else of an order; see
 * usom_person_lock_customer.  Rows of keys are not locked.
 *
 * Invariants: a key of a draft is written with the row it was drawn for or
 * never; nothing here raises, logs or returns a key to SQL.
 */
#include "postgres.h"

#include "base/compat.h"

#include "party/person.h"

#include "access/xact.h"
#include "base/call.h"
#include "base/errors.h"
#include "base/fetch.h"
#include "base/query.h"
#include "catalog/namespace.h"
#include "common/hashfn.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "party/party.h"
#include "storage/lock.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

PG_FUNCTION_INFO_V1(usom__open);
PG_FUNCTION_INFO_V1(usom__is_sealed);
PG_FUNCTION_INFO_V1(usom__seal_state);
PG_FUNCTION_INFO_V1(usom__has_key);

/* Advisory locks of our own kind: pg_locks shows it as objsubid. */
#define LOCK_KIND 21365
#define LOCKS 64

typedef struct PersonTag
{
	int64		org_id;
	int64		person_id;
} PersonTag;

typedef struct Draft
{
	PersonTag	tag;
	UsomPersonKey key;
} Draft;

static HTAB *drafts = NULL;

static struct
{
	bool		valid;
	TimestampTz statement;
	UsomPersonKey key;
}			last;

static void
forget_last(void)
{
	explicit_bzero(&last, sizeof(last));
}

/* The memory of the drafts goes with the transaction. */
static void
forget_drafts(XactEvent event, void *arg)
{
	HASH_SEQ_STATUS scan;
	Draft	   *draft;

	if (event != XACT_EVENT_COMMIT && event != XACT_EVENT_ABORT && event != XACT_EVENT_PREPARE)
		return;
	forget_last();
	if (drafts == NULL)
		return;
	hash_seq_init(&scan, drafts);
	while ((draft = hash_seq_search(&scan)) != NULL)
		explicit_bzero(&draft->key, sizeof(draft->key));
	drafts = NULL;
}

/* ---- finding ---- */

static Draft *
find_draft(int64 org_id, int64 person_id, bool make)
{
	HASHCTL		control = {.keysize = sizeof(PersonTag), .entrysize = sizeof(Draft), .hcxt = TopTransactionContext};
	PersonTag	tag = {org_id, person_id};
	Draft	   *draft;
	bool		found;

	if (drafts == NULL && !make)
		return NULL;
	if (drafts == NULL)
		drafts = hash_create("usom keys of new customers", 64, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	draft = hash_search(drafts, &tag, make ? HASH_ENTER : HASH_FIND, &found);
	if (make && !found)
		usom_vault_make_key(&draft->key, org_id, person_id);
	return draft;
}

void
usom_person_draft_key(int64 org_id, int64 person_id, UsomPersonKey *key)
{
	*key = find_draft(org_id, person_id, true)->key;
}

void
usom_person_take_draft(int64 org_id, int64 person_id, UsomPersonKey *key)
{
	Draft	   *draft = find_draft(org_id, person_id, true);

	*key = draft->key;
	explicit_bzero(&draft->key, sizeof(draft->key));
	(void) hash_search(drafts, &draft->tag, HASH_REMOVE, NULL);
}

bool
usom_person_find_draft(int64 org_id, int64 person_id, UsomPersonKey *key)
{
	const Draft *draft = find_draft(org_id, person_id, false);

	if (draft != NULL)
		*key = draft->key;
	return draft != NULL;
}

static bool
read_key(int64 org_id, int64 person_id, UsomPersonKey *key)
{
	static UsomFetch fetch = {
		.table = "vault_key", .index = "vault_key_pkey", .limit = 1,
		.nkeys = 2, .keys = {{"org_id", "bigint"}, {"person_id", "bigint"}},
		.ncolumns = 1, .columns = {{"key", "bytea"}},
		.query = {.text = "SELECT k.key FROM usom.vault_key AS k WHERE k.org_id = $1 AND k.person_id = $2", .nargs = 2, .argtypes = {"bigint", "bigint"}},
	};
	Datum		values[] = {Int64GetDatum(org_id), Int64GetDatum(person_id)};
	bool		found;

	SPI_connect();
	found = usom_fetch_run(&fetch, values, NULL) > 0 &&
		usom_person_take_key(usom_query_get(0, 1), org_id, person_id, key);
	SPI_finish();
	return found;
}

bool
usom_person_take_key(Datum stored, int64 org_id, int64 person_id, UsomPersonKey *key)
{
	bytea	   *bytes = DatumGetByteaPP(stored);

	if (VARSIZE_ANY_EXHDR(bytes) != USOM_KEY_BYTES)
		return false;
	key->org_id = org_id;
	key->person_id = person_id;
	memcpy(key->bytes, VARDATA_ANY(bytes), USOM_KEY_BYTES);
	return true;
}

static bool
is_last(int64 org_id, int64 person_id)
{
	return last.valid && last.key.org_id == org_id && last.key.person_id == person_id &&
		last.statement == GetCurrentStatementStartTimestamp();
}

bool
usom_person_find_key(int64 org_id, int64 person_id, UsomPersonKey *key)
{
	if (!is_last(org_id, person_id))
	{
		last.valid = false;
		if (!read_key(org_id, person_id, &last.key))
			return usom_person_find_draft(org_id, person_id, key);
		last.statement = GetCurrentStatementStartTimestamp();
		last.valid = true;
	}
	*key = last.key;
	return true;
}

void
usom_person_forget_key(void)
{
	forget_last();
}

/* ---- customers and guests ---- */

void
usom_person_refuse_erased(const char *what)
{
	ereport(ERROR, errcode(USOM_ERR(CUSTOMER_ERASED)),
			errmsg("%s was erased", what),
			errdetail("What told who it was is gone for good."),
			errhint("Insert a new customer if there is to be new business."));
}

void
usom_person_refuse_keyless(const char *what)
{
	ereport(ERROR, errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			errmsg("%s has no key, and was not erased", what),
			errdetail("The database was restored without the rows of usom.vault_key, or they were damaged."),
			errhint("Restore them; usom.verify_vault() lists what cannot be read."));
}

bool
usom_person_pin_customer(int64 org_id, int64 customer_id)
{
	static UsomQuery query = {
		.text = "SELECT c.code, c.erased_at IS NOT NULL FROM usom.customer AS c "
		"WHERE c.org_id = $1 AND c.customer_id = $2 FOR SHARE OF c",
		.nargs = 2,
		.argtypes = {"bigint", "bigint"},
	};
	Datum		values[] = {Int64GetDatum(org_id), Int64GetDatum(customer_id)};
	bool		found;

	SPI_connect();
	found = usom_query_run(&query, values, NULL) > 0;
	if (found && DatumGetBool(usom_query_get(0, 2)))
		usom_person_refuse_erased(psprintf("customer \"%s\"", usom_query_get_text(0, 1)));
	SPI_finish();
	return found;
}

static void
require_guest(int64 org_id, int64 sales_order_id)
{
	static UsomQuery query = {
		.text = "SELECT FROM usom.erasure AS e WHERE e.org_id = $1 AND e.person_id = $2",
		.nargs = 2,
		.argtypes = {"bigint", "bigint"},
	};
	Datum		values[] = {Int64GetDatum(org_id), Int64GetDatum(sales_order_id)};

	SPI_connect();
	if (usom_query_run(&query, values, NULL) > 0)
		usom_person_refuse_erased("the buyer of the order");
	SPI_finish();
}

void
usom_person_require_key(int64 org_id, int64 customer_id, bool is_guest, int64 sales_order_id, UsomPersonKey *key)
{
	int64		person_id = is_guest ? sales_order_id : customer_id;

	if (!is_guest && !usom_person_pin_customer(org_id, customer_id))
		ereport(ERROR, errcode(ERRCODE_FOREIGN_KEY_VIOLATION),
				errmsg("customer " INT64_FORMAT " is not there", customer_id),
				errhint("Use usom.customer_id('code')."));
	if (usom_person_find_key(org_id, person_id, key))
		return;
	if (!is_guest)
		usom_person_refuse_keyless(psprintf("customer " INT64_FORMAT, customer_id));
	require_guest(org_id, sales_order_id);
	usom_vault_make_key(key, org_id, person_id);
	usom_person_write(org_id, key, 1, NULL, 0);
}

/* The row itself, for snapshots that may be older than the lock. */
static void
pin_customer(int64 org_id, const char *code)
{
	static UsomQuery query = {
		.text = "SELECT FROM usom.customer AS c WHERE c.org_id = $1 AND c.code = $2 FOR SHARE OF c",
		.nargs = 2,
		.argtypes = {"bigint", "text"},
	};
	Datum		values[] = {Int64GetDatum(org_id), CStringGetTextDatum(code)};

	SPI_connect();
	usom_query_run(&query, values, NULL);
	SPI_finish();
}

static LOCKTAG
tag_of(int64 org_id, const char *code)
{
	uint32		bucket = hash_bytes((const unsigned char *) code, (int) strlen(code)) % LOCKS;
	uint32		org = hash_bytes((const unsigned char *) &org_id, sizeof(org_id));
	LOCKTAG		tag;

	SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, org, bucket, LOCK_KIND);
	return tag;
}

void
usom_person_lock_customer(int64 org_id, const char *code, bool exclusive)
{
	LOCKTAG		tag = tag_of(org_id, code);

	(void) LockAcquire(&tag, exclusive ? ExclusiveLock : ShareLock, false, false);
	if (!exclusive && IsolationUsesXactSnapshot())
		pin_customer(org_id, code);
}

bool
usom_person_try_lock_customer(int64 org_id, const char *code)
{
	LOCKTAG		tag = tag_of(org_id, code);

	return LockAcquire(&tag, ExclusiveLock, false, true) != LOCKACQUIRE_NOT_AVAIL;
}

/* ---- what SQL may ask ---- */

bool
usom_person_may_open(void)
{
	Oid			relid = get_relname_relid("vault_key", get_namespace_oid("usom", false));

	return OidIsValid(relid) && pg_class_aclcheck(relid, GetUserId(), ACL_SELECT) == ACLCHECK_OK;
}

/* usom._open(org_id, sealed): the text for those who may read usom.vault_key. */
Datum
usom__open(PG_FUNCTION_ARGS)
{
	int64		org_id = PG_GETARG_INT64(0);
	text	   *sealed = PG_GETARG_TEXT_PP(1);
	UsomPersonKey key;
	int64		person_id;
	text	   *clear;

	if (!usom_vault_is_sealed(sealed, &person_id))
		PG_RETURN_TEXT_P(sealed);
	if (org_id != usom_party_caller_org() || !usom_person_may_open() || !usom_person_find_key(org_id, person_id, &key))
		PG_RETURN_NULL();
	clear = usom_vault_open(&key, sealed);
	explicit_bzero(&key, sizeof(key));
	if (clear == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(clear);
}

/* usom._is_sealed(string): sealed, or tells nothing. */
Datum
usom__is_sealed(PG_FUNCTION_ARGS)
{
	text	   *string = PG_GETARG_TEXT_PP(0);
	int64		person_id;

	PG_RETURN_BOOL(VARSIZE_ANY_EXHDR(string) == 0 || usom_vault_is_sealed(string, &person_id));
}

/* Checks ask about the organisation of who checks; what others have is nobody's business. */
static bool
is_own(int64 org_id)
{
	return org_id == usom_party_caller_org();
}

static const char *
state_of(int64 org_id, const text *string)
{
	UsomPersonKey key;
	int64		person_id;

	if (!usom_vault_is_sealed(string, &person_id))
		return VARSIZE_ANY_EXHDR(string) == 0 ? "empty" : "clear";
	if (!is_own(org_id) || !usom_person_find_key(org_id, person_id, &key))
		return "erased";
	return usom_vault_open(&key, string) != NULL ? "sealed" : "broken";
}

/* usom._seal_state(org_id, string): empty, clear, sealed, erased (there is no key) or broken. */
Datum
usom__seal_state(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(cstring_to_text(state_of(PG_GETARG_INT64(0), PG_GETARG_TEXT_PP(1))));
}

/* usom._has_key(org_id, person_id) */
Datum
usom__has_key(PG_FUNCTION_ARGS)
{
	UsomPersonKey key = {0};
	bool		found = is_own(PG_GETARG_INT64(0))
		&& usom_person_find_key(PG_GETARG_INT64(0), PG_GETARG_INT64(1), &key);

	explicit_bzero(&key, sizeof(key));
	PG_RETURN_BOOL(found);
}

void
usom_person_init(void)
{
	usom_call_at_abort(forget_last);
	RegisterXactCallback(forget_drafts, NULL);
}
