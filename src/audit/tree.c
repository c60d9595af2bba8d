/*
 * tree.c
 *		Merkle trees and blocks as SQL sees them.
 *
 * Memory: CurrentMemoryContext.  Nothing here locks or reads a table: an
 * outsider can run these functions over what he was given.
 */
#include "postgres.h"

#include "base/compat.h"

#include "audit/digest.h"
#include "audit/merkle.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/array.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(usom__merkle_root);
PG_FUNCTION_INFO_V1(usom__merkle_path);
PG_FUNCTION_INFO_V1(usom__merkle_climb);
PG_FUNCTION_INFO_V1(usom__merkle_consistency);
PG_FUNCTION_INFO_V1(usom__merkle_is_consistent);
PG_FUNCTION_INFO_V1(usom__block_header);
PG_FUNCTION_INFO_V1(usom__block_digest);

/* ---- arrays of digests ---- */

static UsomDigest *
digests_of(ArrayType *array, int *count)
{
	Datum	   *elements;
	bool	   *nulls;
	UsomDigest *digests;

	deconstruct_array(array, BYTEAOID, -1, false, TYPALIGN_INT, &elements, &nulls, count);
	digests = palloc(Max(*count, 1) * sizeof(UsomDigest));
	for (int i = 0; i < *count; i++)
	{
		if (nulls[i])
			ereport(ERROR, errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("a digest of the array is null"));
		digests[i] = usom_sha256_from_bytea(DatumGetByteaPP(elements[i]));
	}
	return digests;
}

static Datum
array_of(const UsomMerklePath *path)
{
	Datum		elements[USOM_MERKLE_MAX_PATH];

	for (int i = 0; i < path->count; i++)
		elements[i] = PointerGetDatum(usom_sha256_bytea(&path->digests[i]));
	return PointerGetDatum(construct_array(elements, path->count, BYTEAOID, -1, false, TYPALIGN_INT));
}

/* False if the array is longer than any path. */
static bool
path_of(ArrayType *array, UsomMerklePath *path)
{
	UsomDigest *digests = digests_of(array, &path->count);

	if (path->count > USOM_MERKLE_MAX_PATH)
		return false;
	memcpy(path->digests, digests, path->count * sizeof(UsomDigest));
	return true;
}

static void
check_position(int position, int least, int count)
{
	if (position < least || position > count)
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("position %d is not among %d leaves", position, count));
}

/* ---- trees ---- */

/* usom._merkle_root(leaves bytea[]) RETURNS bytea */
Datum
usom__merkle_root(PG_FUNCTION_ARGS)
{
	int			count;
	UsomDigest *leaves = digests_of(PG_GETARG_ARRAYTYPE_P(0), &count);
	UsomDigest	root = usom_merkle_root(leaves, count);

	PG_RETURN_BYTEA_P(usom_sha256_bytea(&root));
}

/* usom._merkle_path(leaves bytea[], place integer) RETURNS bytea[]: place counts from 1. */
Datum
usom__merkle_path(PG_FUNCTION_ARGS)
{
	int			count;
	UsomDigest *leaves = digests_of(PG_GETARG_ARRAYTYPE_P(0), &count);
	UsomMerklePath path;

	check_position(PG_GETARG_INT32(1), 1, count);
	usom_merkle_path(leaves, count, PG_GETARG_INT32(1) - 1, &path);
	PG_RETURN_DATUM(array_of(&path));
}

/* usom._merkle_climb(leaf bytea, count integer, place integer, path bytea[]) RETURNS bytea: null if they do not fit. */
Datum
usom__merkle_climb(PG_FUNCTION_ARGS)
{
	UsomDigest	leaf = usom_sha256_from_bytea(PG_GETARG_BYTEA_PP(0));
	UsomMerklePath path;
	UsomDigest	root;
	bool		fits;

	if (!path_of(PG_GETARG_ARRAYTYPE_P(3), &path))
		PG_RETURN_NULL();
	fits = usom_merkle_climb(&leaf, PG_GETARG_INT32(1), PG_GETARG_INT32(2) - 1, &path, &root);
	if (!fits)
		PG_RETURN_NULL();
	PG_RETURN_BYTEA_P(usom_sha256_bytea(&root));
}

/* usom._merkle_consistency(leaves bytea[], older integer) RETURNS bytea[] */
Datum
usom__merkle_consistency(PG_FUNCTION_ARGS)
{
	int			count;
	UsomDigest *leaves = digests_of(PG_GETARG_ARRAYTYPE_P(0), &count);
	UsomMerklePath proof;

	check_position(PG_GETARG_INT32(1), 1, count);
	usom_merkle_consistency(leaves, count, PG_GETARG_INT32(1), &proof);
	PG_RETURN_DATUM(array_of(&proof));
}

/* usom._merkle_is_consistent(older integer, count integer, older_root bytea, root bytea, proof bytea[]) RETURNS boolean */
Datum
usom__merkle_is_consistent(PG_FUNCTION_ARGS)
{
	UsomDigest	older_root = usom_sha256_from_bytea(PG_GETARG_BYTEA_PP(2));
	UsomDigest	root = usom_sha256_from_bytea(PG_GETARG_BYTEA_PP(3));
	UsomMerklePath proof;
	bool		consistent;

	if (!path_of(PG_GETARG_ARRAYTYPE_P(4), &proof))
		PG_RETURN_BOOL(false);
	consistent = usom_merkle_is_consistent(PG_GETARG_INT32(0), PG_GETARG_INT32(1), &older_root, &root, &proof);
	PG_RETURN_BOOL(consistent);
}

/* ---- blocks ---- */

static void
put_ids(UsomDigester *digester, ArrayType *ids)
{
	Datum	   *elements;
	int			count;

	deconstruct_array(ids, INT8OID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE, &elements, NULL, &count);
	usom_digest_int(digester, count);
	for (int i = 0; i < count; i++)
		usom_digest_int(digester, DatumGetInt64(elements[i]));
}

/*
 * usom._block_header(org_id, node, block_no, sealed_at, entry_ids, entries_total,
 * previous, system_id, sequence_at, next_xid, settled_to) RETURNS bytea:
 * digest of all that a block says but the root; previous alone may be null.
 */
Datum
usom__block_header(PG_FUNCTION_ARGS)
{
	UsomDigester digester;
	UsomDigest	digest;

	for (int i = 0; i < PG_NARGS(); i++)
		if (PG_ARGISNULL(i) && i != 6)
			PG_RETURN_NULL();
	usom_digest_open(&digester);
	usom_digest_begin(&digester, 'H');
	usom_digest_int(&digester, PG_GETARG_INT64(0));
	usom_digest_int(&digester, PG_GETARG_INT16(1));
	usom_digest_int(&digester, PG_GETARG_INT32(2));
	usom_digest_int(&digester, PG_GETARG_TIMESTAMPTZ(3));
	put_ids(&digester, PG_GETARG_ARRAYTYPE_P(4));
	usom_digest_int(&digester, PG_GETARG_INT64(5));
	if (PG_ARGISNULL(6))
		usom_digest_null(&digester);
	else
		usom_digest_bytes(&digester, VARDATA_ANY(PG_GETARG_BYTEA_PP(6)), VARSIZE_ANY_EXHDR(PG_GETARG_BYTEA_PP(6)));
	for (int i = 7; i <= 10; i++)
		usom_digest_int(&digester, PG_GETARG_INT64(i));
	usom_digest_finish(&digester, &digest);
	usom_digest_close(&digester);
	PG_RETURN_BYTEA_P(usom_sha256_bytea(&digest));
}

/* usom._block_digest(root bytea, header bytea) RETURNS bytea */
Datum
usom__block_digest(PG_FUNCTION_ARGS)
{
	UsomDigest	root = usom_sha256_from_bytea(PG_GETARG_BYTEA_PP(0));
	UsomDigest	header = usom_sha256_from_bytea(PG_GETARG_BYTEA_PP(1));
	UsomDigester digester;
	UsomDigest	digest;

	usom_digest_open(&digester);
	usom_digest_begin(&digester, 'B');
	usom_digest_bytes(&digester, root.bytes, USOM_DIGEST_SIZE);
	usom_digest_bytes(&digester, header.bytes, USOM_DIGEST_SIZE);
	usom_digest_finish(&digester, &digest);
	usom_digest_close(&digester);
	PG_RETURN_BYTEA_P(usom_sha256_bytea(&digest));
}
