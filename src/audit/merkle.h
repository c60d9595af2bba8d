/*
 * merkle.h
 *		Merkle trees as RFC 6962 (Certificate Transparency) defines them.
 *
 *		A leaf is SHA-256 of the byte 0 and its digest, a node SHA-256 of the
 *		byte 1 and its two children; a tree of n leaves has the largest power
 *		of two below n to its left.  Pure: arrays in, digests out.
 */
#ifndef USOM_AUDIT_MERKLE_H
#define USOM_AUDIT_MERKLE_H

#include "audit/sha256.h"

/* A path has at most this many digests: a tree of 2^31 leaves is 31 high. */
#define USOM_MERKLE_MAX_PATH 64

typedef struct UsomMerklePath
{
	int			count;
	UsomDigest	digests[USOM_MERKLE_MAX_PATH];
} UsomMerklePath;

/* Root over the leaves; of none it is SHA-256 of nothing (section 2.1). */
extern UsomDigest usom_merkle_root(const UsomDigest *leaves, int count);

/* Siblings from the leaf up to the root (section 2.1.1); 0 <= position < count. */
extern void usom_merkle_path(const UsomDigest *leaves, int count, int position,
							 UsomMerklePath *path);

/* The root that a leaf and its path lead to; false if the path has the wrong length. */
extern bool usom_merkle_climb(const UsomDigest *leaf, int count, int position,
							  const UsomMerklePath *path, UsomDigest *root);

/* Proof that the first older leaves are the same in both trees (section 2.1.2); 0 < older <= count. */
extern void usom_merkle_consistency(const UsomDigest *leaves, int count, int older,
									UsomMerklePath *proof);

/* Does the proof lead from the root over older leaves to the root over count leaves? */
extern bool usom_merkle_is_consistent(int older, int count, const UsomDigest *older_root,
									  const UsomDigest *root, const UsomMerklePath *proof);

#endif							/* USOM_AUDIT_MERKLE_H */
