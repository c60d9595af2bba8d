/*
 * chains.h
 *		Are the entries of every order one chain, each holding the digest of
 *		the one before it?  In any order of entries, in fixed memory.
 */
#ifndef USOM_AUDIT_CHAINS_H
#define USOM_AUDIT_CHAINS_H

#include "postgres.h"
#include "audit/sha256.h"
#include "audit/siphash.h"

typedef struct UsomChains UsomChains;

/* In CurrentMemoryContext; states of more orders than that go to a file. */
extern UsomChains *usom_chains_make(UsomSipKey key, int orders);

/* An entry of an order; previous is NULL or the digest it holds of the one before it. */
extern void usom_chains_add(UsomChains *chains, int64 sales_order_id, int32 entry_no, const bytea *previous, const bytea *digest);

/*
 * Whole?  Of a chain that does not begin at 1, begins must find the digest of
 * the entry before its first, or return false.
 */
typedef bool (*UsomChainBegins) (void *argument, int64 sales_order_id, int32 entry_no, UsomDigest *digest);
extern bool usom_chains_whole(UsomChains *chains, UsomChainBegins begins, void *argument);

#endif							/* USOM_AUDIT_CHAINS_H */
