/*
 * sha256.h
 *		A digest of 32 bytes, and what makes it.
 */
#ifndef USOM_AUDIT_SHA256_H
#define USOM_AUDIT_SHA256_H

#include "postgres.h"
#include "common/sha2.h"

#define USOM_DIGEST_SIZE PG_SHA256_DIGEST_LENGTH

typedef struct UsomDigest
{
	uint8		bytes[USOM_DIGEST_SIZE];
} UsomDigest;

/* SHA-256 of the parts, one after the other; a part of size 0 may be NULL.  ERROR if the library has none. */
typedef struct UsomPart
{
	const void *data;
	Size		size;
} UsomPart;

extern void usom_sha256(const UsomPart *parts, int nparts, UsomDigest *digest);

/* To and from SQL; from raises 22P03 unless there are 32 bytes. */
extern bytea *usom_sha256_bytea(const UsomDigest *digest);
extern UsomDigest usom_sha256_from_bytea(const bytea *bytes);

#endif							/* USOM_AUDIT_SHA256_H */
