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
	const UsomHeaderFound *found = &placing->found;
	UsomPersonKey key = {0};

	if (!placing->is_personal)
		return usom_api_placing_digest(placing, &key);
	if (found->is_erased)
		usom_person_refuse_erased(psprintf("the buyer of order \"%s\"", placing->repeats));
	if (found->person_key == NULL ||
		!usom_person_take_key(PointerGetDatum(found->person_key), placing->org_id, found->person_id, &key))
		return NULL;
	return usom_api_placing_digest(placing, &key);
}

/* An order of the channel has this external id: the same document again, or an error. */
void
usom_api_check_repeat(Placing *placing)
{
	const UsomDocument *document = placing->document;
	int32		revision = placing->found.revision;
	bytea	   *known = placing->found.digest;
	bytea	   *expected;

	placing->repeats = placing->found.order_no;
	expected = expected_digest(placing);
	if (known != NULL && expected != NULL && revision == document->revision &&
		DatumGetBool(DirectFunctionCall2(byteaeq, PointerGetDatum(known), PointerGetDatum(expected))))
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
usom_api_compare_again(Placing *placing)
{
	usom_api_take_header(placing);
	if (placing->repeats == NULL)
		ereport(ERROR, errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				errmsg("could not place document \"%s\" because another call took its key and let it go",
					   placing->document->external_id),
				errhint("Send the document again."));
}
