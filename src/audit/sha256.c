/*
 * sha256.c
 *		SHA-256 by OpenSSL.
 *
 *		The one of PostgreSQL (common/cryptohash.h) is OpenSSL's too, but it
 *		looks the algorithm up for every digest, which costs more than to make
 *		a short one: verification makes three for each entry.
 *
 * Memory: one context, made once for the backend and used by one digest at a
 * time; nothing between its begin and its end can raise but usom_sha256 itself,
 * and the next begin sets it up anew.  Nothing here locks.
 */
#include "postgres.h"

#include "base/compat.h"

#include "audit/sha256.h"

#include <openssl/evp.h>

static EVP_MD_CTX *context = NULL;
static const EVP_MD *algorithm = NULL;

static void
check(int result)
{
	if (result != 1)
		elog(ERROR, "SHA-256 failed");
}

/* OpenSSL 3 hands out algorithms; before, they were constants. */
static const EVP_MD *
find_algorithm(void)
{
#if OPENSSL_VERSION_NUMBER >= 0x30000000L
	return EVP_MD_fetch(NULL, "SHA256", NULL);
#else
	return EVP_sha256();
#endif
}

static void
make_context(void)
{
	EVP_MD_CTX *made = EVP_MD_CTX_new();

	algorithm = find_algorithm();
	if (made == NULL || algorithm == NULL)
	{
		EVP_MD_CTX_free(made);
		ereport(ERROR, errcode(ERRCODE_OUT_OF_MEMORY), errmsg("the crypto library has no SHA-256"));
	}
	context = made;
}

void
usom_sha256(const UsomPart *parts, int nparts, UsomDigest *digest)
{
	if (unlikely(context == NULL))
		make_context();
	check(EVP_DigestInit_ex(context, algorithm, NULL));
	for (int i = 0; i < nparts; i++)
		if (parts[i].size > 0)
			check(EVP_DigestUpdate(context, parts[i].data, parts[i].size));
	check(EVP_DigestFinal_ex(context, digest->bytes, NULL));
}

bytea *
usom_sha256_bytea(const UsomDigest *digest)
{
	bytea	   *result = palloc(VARHDRSZ + USOM_DIGEST_SIZE);

	SET_VARSIZE(result, VARHDRSZ + USOM_DIGEST_SIZE);
	memcpy(VARDATA(result), digest->bytes, USOM_DIGEST_SIZE);
	return result;
}

UsomDigest
usom_sha256_from_bytea(const bytea *bytes)
{
	UsomDigest	digest;

	if (VARSIZE_ANY_EXHDR(bytes) != USOM_DIGEST_SIZE)
		ereport(ERROR, errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				errmsg("a digest has %d bytes, not %zu", USOM_DIGEST_SIZE, VARSIZE_ANY_EXHDR(bytes)));
	memcpy(digest.bytes, VARDATA_ANY(bytes), USOM_DIGEST_SIZE);
	return digest;
}
