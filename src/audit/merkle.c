/*
 * merkle.c
 *		Merkle trees as RFC 6962 (Certificate Transparency) defines them.
 *
 * Pure but for the hash that is handed in.  No memory beyond the stack, no
 * locks.  The recursion is as deep as the tree is high: 31 at most.
 */
#include "postgres.h"

#include "audit/merkle.h"

#include "miscadmin.h"

static UsomDigest
hash_leaf(const UsomDigest *leaf)
{
	UsomDigest	result;

	usom_sha256((UsomPart[]) {{"\0", 1}, {leaf->bytes, USOM_DIGEST_SIZE}}, 2, &result);
	return result;
}

static UsomDigest
hash_node(const UsomDigest *left, const UsomDigest *right)
{
	UsomDigest	result;

	usom_sha256((UsomPart[]) {{"\1", 1}, {left->bytes, USOM_DIGEST_SIZE}, {right->bytes, USOM_DIGEST_SIZE}}, 3,
				&result);
	return result;
}

/* How many leaves the left subtree has: the largest power of two below count. */
static int
split(int count)
{
	int			left = 1;

	while (left < count - left)
		left *= 2;
	return left;
}

UsomDigest
usom_merkle_root(const UsomDigest *leaves, int count)
{
	UsomDigest	left;
	UsomDigest	right;
	int			middle;

	if (count == 0)
	{
		usom_sha256(NULL, 0, &left);
		return left;
	}
	if (count == 1)
		return hash_leaf(leaves);
	CHECK_FOR_INTERRUPTS();
	middle = split(count);
	left = usom_merkle_root(leaves, middle);
	right = usom_merkle_root(leaves + middle, count - middle);
	return hash_node(&left, &right);
}

static void
put(UsomMerklePath *path, UsomDigest digest)
{
	Assert(path->count < USOM_MERKLE_MAX_PATH);
	path->digests[path->count++] = digest;
}

static void
climb_from(const UsomDigest *leaves, int count, int position, UsomMerklePath *path)
{
	int			middle;

	if (count == 1)
		return;
	middle = split(count);
	if (position < middle)
	{
		climb_from(leaves, middle, position, path);
		put(path, usom_merkle_root(leaves + middle, count - middle));
	}
	else
	{
		climb_from(leaves + middle, count - middle, position - middle, path);
		put(path, usom_merkle_root(leaves, middle));
	}
}

void
usom_merkle_path(const UsomDigest *leaves, int count, int position, UsomMerklePath *path)
{
	path->count = 0;
	climb_from(leaves, count, position, path);
}

/* The path is used up from its end: the sibling of the topmost node stands last. */
static bool
root_above(const UsomDigest *leaf, int count, int position, const UsomMerklePath *path,
		   int height, UsomDigest *root)
{
	UsomDigest	below;
	int			middle;

	if (count == 1)
	{
		*root = hash_leaf(leaf);
		return height == 0;
	}
	if (height == 0)
		return false;
	middle = split(count);
	if (position < middle)
	{
		if (!root_above(leaf, middle, position, path, height - 1, &below))
			return false;
		*root = hash_node(&below, &path->digests[height - 1]);
	}
	else
	{
		if (!root_above(leaf, count - middle, position - middle, path, height - 1, &below))
			return false;
		*root = hash_node(&path->digests[height - 1], &below);
	}
	return true;
}

bool
usom_merkle_climb(const UsomDigest *leaf, int count, int position,
				  const UsomMerklePath *path, UsomDigest *root)
{
	if (position < 0 || position >= count)
		return false;
	return root_above(leaf, count, position, path, path->count, root);
}

/* whole: the older tree is a subtree that the verifier knows already. */
static void
prove_from(const UsomDigest *leaves, int count, int older, bool whole, UsomMerklePath *proof)
{
	int			middle;

	if (older == count)
	{
		if (!whole)
			put(proof, usom_merkle_root(leaves, count));
		return;
	}
	middle = split(count);
	if (older <= middle)
	{
		prove_from(leaves, middle, older, whole, proof);
		put(proof, usom_merkle_root(leaves + middle, count - middle));
	}
	else
	{
		prove_from(leaves + middle, count - middle, older - middle, false, proof);
		put(proof, usom_merkle_root(leaves, middle));
	}
}

void
usom_merkle_consistency(const UsomDigest *leaves, int count, int older,
						UsomMerklePath *proof)
{
	proof->count = 0;
	prove_from(leaves, count, older, true, proof);
}

/* Both roots as the proof has them, by the recursion of prove_from; false if it has the wrong length. */
static bool
roots_of(int count, int older, bool whole, const UsomDigest *known,
		 const UsomMerklePath *proof, int height, UsomDigest *older_root, UsomDigest *root)
{
	const UsomDigest *sibling = height > 0 ? &proof->digests[height - 1] : NULL;
	int			middle;

	if (older == count)
	{
		if (whole ? height != 0 : height != 1)
			return false;
		*older_root = *root = whole ? *known : *sibling;
		return true;
	}
	if (height == 0)
		return false;
	middle = split(count);
	if (older <= middle)
	{
		if (!roots_of(middle, older, whole, known, proof, height - 1, older_root, root))
			return false;
		*root = hash_node(root, sibling);
		return true;
	}
	if (!roots_of(count - middle, older - middle, false, known, proof, height - 1, older_root, root))
		return false;
	*older_root = hash_node(sibling, older_root);
	*root = hash_node(sibling, root);
	return true;
}

bool
usom_merkle_is_consistent(int older, int count, const UsomDigest *older_root,
						  const UsomDigest *root, const UsomMerklePath *proof)
{
	UsomDigest	older_proven;
	UsomDigest	proven;

	if (older <= 0 || older > count)
		return false;
	if (!roots_of(count, older, true, older_root, proof, proof->count, &older_proven, &proven))
		return false;
	return memcmp(&older_proven, older_root, USOM_DIGEST_SIZE) == 0 && memcmp(&proven, root, USOM_DIGEST_SIZE) == 0;
}
