/*
 * sha256.c
 *		PostgreSQL's SHA-256 behind two calls.
 *
 * Memory: the hash belongs to the resource owner, so an abort frees it.
 * Nothing here locks.
 */
#include "postgres.h"

#include "base/compat.h"

#include "audit/sha256.h"

static void
check(int result, pg_cryptohash_ctx *hash)
{
	if (unlikely(result < 0))
		elog(ERROR, "SHA-256 failed: %s", pg_cryptohash_error(hash));
}

pg_cryptohash_ctx *
usom_sha256_open(void)
{
	pg_cryptohash_ctx *hash = pg_cryptohash_create(PG_SHA256);

	if (hash == NULL)
		ereport(ERROR, errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory"));
	return hash;
}

void
usom_sha256(pg_cryptohash_ctx *hash, const UsomPart *parts, int nparts, UsomDigest *digest)
{
	check(pg_cryptohash_init(hash), hash);
	for (int i = 0; i < nparts; i++)
		if (parts[i].size > 0)
			check(pg_cryptohash_update(hash, parts[i].data, parts[i].size), hash);
	check(pg_cryptohash_final(hash, digest->bytes, USOM_DIGEST_SIZE), hash);
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
