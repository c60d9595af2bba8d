/*
 * place_repeat.c
 *		A document that was placed before: the same again, or an error.
 *
 * Locks: none.  Memory: CurrentMemoryContext, which is the call's.
 */
#include "postgres.h"

#include "api/place.h"

#include "audit/sha256.h"
#include "base/errors.h"
#include "base/query.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

static bytea *
digest(const Jsonb *document)
{
	UsomDigest	result;

	usom_sha256(&(UsomPart) {VARDATA_ANY(document), VARSIZE_ANY_EXHDR(document)}, 1, &result);
	return usom_sha256_bytea(&result);
}

/*
 * What tells a repeat from another payload.  Of a document about a person it
 * is keyed: nobody without the key can try which name gives it.
 */
bytea *
usom_api_placing_digest(const Placing *placing, const UsomPersonKey *key)
{
	if (!placing->is_personal)
		return digest(placing->payload);
	return usom_vault_digest(key, "payload", VARDATA_ANY(placing->payload), VARSIZE_ANY_EXHDR(placing->payload));
}

/* The digest that the order would have that is there; NULL if it is about a person and there is no key. */
static bytea *
expected_digest(const Placing *placing)
{
	UsomPersonKey key = {0};
	bool		isnull;
	Datum		stored;

	if (!placing->is_personal)
		return usom_api_placing_digest(placing, &key);
	if (DatumGetBool(usom_query_get(0, 10)))
		usom_person_refuse_erased(psprintf("the buyer of order \"%s\"", placing->repeats));
	stored = usom_query_get_or_null(0, 9, &isnull);
	if (isnull)
		return NULL;
	if (!usom_person_take_key(stored, placing->org_id, DatumGetInt64(usom_query_get(0, 8)), &key))
		return NULL;
	return usom_api_placing_digest(placing, &key);
}

/* An order of the channel has this external id: the same document again, or an error. */
void
usom_api_check_repeat(Placing *placing)
{
	const UsomDocument *document = placing->document;
	int32		revision = DatumGetInt32(usom_query_get(0, 5));
	bool		isnull;
	Datum		known = usom_query_get_or_null(0, 6, &isnull);
	bytea	   *expected;

	placing->repeats = usom_query_get_text(0, 4);
	expected = expected_digest(placing);
	if (!isnull && expected != NULL && revision == document->revision &&
		DatumGetBool(DirectFunctionCall2(byteaeq, known, PointerGetDatum(expected))))
		return;
	if (document->revision < revision)
		ereport(ERROR, errcode(USOM_ERR(STALE_REVISION)),
				errmsg("document \"%s\" of channel \"%s\" is stale", document->external_id, document->channel),
				errdetail("It has revision %d; order \"%s\" was placed from revision %d.",
						  document->revision, placing->repeats, revision),
				errhint("Send the newest revision."));
	ereport(ERROR, errcode(USOM_ERR(KEY_REUSED)),
			errmsg("document \"%s\" of channel \"%s\" was placed with another payload",
				   document->external_id, document->channel),
			errdetail("It is order \"%s\", placed from revision %d.", placing->repeats, revision),
			errhint("Call usom.change_order('%s', ...) to change it, or send another external_id.", placing->repeats));
}

void
usom_api_resolve_again(Placing *placing)
{
	usom_api_resolve_references(placing);
	if (placing->repeats == NULL)
		ereport(ERROR, errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				errmsg("could not place document \"%s\" because another call took its key and let it go",
					   placing->document->external_id),
				errhint("Send the document again."));
}
