/*
 * blocks.h
 *		Entries against the blocks that list them.
 */
#ifndef USOM_AUDIT_BLOCKS_H
#define USOM_AUDIT_BLOCKS_H

#include "postgres.h"
#include "utils/array.h"

typedef struct UsomBlocks UsomBlocks;

typedef struct UsomBlockFinding
{
	bool		has_entry;
	int64		audit_entry_id;
	const char *kind;			/* a literal; NULL: none */
	char	   *detail;
} UsomBlockFinding;

/*
 * Behind the key above; settled is by node from 0.  In CurrentMemoryContext,
 * which must live until close.  The caller has connected to SPI.
 */
extern UsomBlocks *usom_blocks_open(int64 org_id, ArrayType *settled, int64 above);

/* The next entry by key. */
extern void usom_blocks_take(UsomBlocks *blocks, int64 audit_entry_id, const bytea *digest);

/* What is bad: of entries that with the least key, else the first block whose root is that of other entries. */
extern UsomBlockFinding usom_blocks_close(UsomBlocks *blocks);

#endif							/* USOM_AUDIT_BLOCKS_H */
