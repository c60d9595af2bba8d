/*
 * sha256.h
 *		A digest of 32 bytes, and the hash of PostgreSQL that makes it.
 */
#ifndef USOM_AUDIT_SHA256_H
#define USOM_AUDIT_SHA256_H

#include "postgres.h"
#include "common/cryptohash.h"
#include "common/sha2.h"

#define USOM_DIGEST_SIZE PG_SHA256_DIGEST_LENGTH

typedef struct UsomDigest
{
	uint8		bytes[USOM_DIGEST_SIZE];
} UsomDigest;

/* A hash that can be used again and again; ERROR if the library has none. */
extern pg_cryptohash_ctx *usom_sha256_open(void);

/* SHA-256 of the parts, one after the other; a part of size 0 may be NULL. */
typedef struct UsomPart
{
	const void *data;
	Size		size;
} UsomPart;

extern void usom_sha256(pg_cryptohash_ctx *hash, const UsomPart *parts, int nparts, UsomDigest *digest);

/* To and from SQL; from raises 22P03 unless there are 32 bytes. */
extern bytea *usom_sha256_bytea(const UsomDigest *digest);
extern UsomDigest usom_sha256_from_bytea(const bytea *bytes);

#endif							/* USOM_AUDIT_SHA256_H */
