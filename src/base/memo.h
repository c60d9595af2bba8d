/*
 * memo.h
 *		What a backend remembers of tables that change rarely.
 *
 *		A memo is static and says how it is read for one organisation; it is
 *		read at first use, kept until one of its tables changes, and then read
 *		anew.  The tables have the trigger usom._memo_changed(), ENABLE ALWAYS.
 *
 *			static UsomMemo memo = {
 *				.name = "usom colours", .tables = {"colour"}, .read = read_colours
 *			};
 *			usom_memo_register(&memo);			-- _PG_init of the room
 *			const Colours *colours = usom_memo_get(&memo, org_id);
 *
 *		A change counts for the session that made it at once, and for others
 *		when it is committed: a call that begins after the COMMIT has returned
 *		sees it.  A transaction at REPEATABLE READ sees what its snapshot shows,
 *		or what was remembered before it; at SERIALIZABLE each transaction reads
 *		for itself, so that its reads count among those of others.
 */
#ifndef USOM_BASE_MEMO_H
#define USOM_BASE_MEMO_H

#include "base/query.h"

#define USOM_MEMO_TABLES 8
#define USOM_MEMO_SLOTS 8

typedef struct UsomMemoSlot
{
	bool		valid;
	int64		org_id;
	const void *value;
	MemoryContext context;		/* what is no longer valid is freed when the memo is read again */
	bool		fresh;			/* read in the running transaction */
	bool		passing;		/* not for others */
} UsomMemoSlot;

typedef struct UsomMemo
{
	const char *name;			/* of its memory contexts */
	const char *tables[USOM_MEMO_TABLES];	/* of schema usom; NULL after the last */

	/* Never NULL; all in CurrentMemoryContext, by usom_memo_look() alone. */
	const void *(*read) (int64 org_id);

	/* what memo.c keeps */
	Oid			relids[USOM_MEMO_TABLES];
	uint64		changes;		/* counts what made it forgotten */
	bool		is_settled;		/* is horizon of the last one? */
	TransactionId horizon;		/* a snapshot for which all before it are over shows every change */
	int			next_slot;
	UsomMemoSlot slots[USOM_MEMO_SLOTS];
} UsomMemo;

/* Run a statement of read: all of one snapshot; stays in CurrentMemoryContext, where SPI would leave it. */
extern uint64 usom_memo_look(UsomQuery *query, Datum *values);

/* For _PG_init of a room. */
extern void usom_memo_register(UsomMemo *memo);

/*
 * Lives until the memo is asked again, by the caller or by what a trigger
 * calls, and no longer than the caller's memory.  The caller is connected to SPI.
 */
extern const void *usom_memo_get(UsomMemo *memo, int64 org_id);

/* _PG_init of the room. */
extern void usom_memo_init(void);

#endif							/* USOM_BASE_MEMO_H */
