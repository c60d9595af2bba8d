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
 *		Most organisations have no rows in most of these tables, and to find that
 *		out each backend would open them and make plans.  So it is kept which
 *		tables an organisation has ever had rows in (usom._in_use, memo_use.c).
 *		A memo that names those of its tables without whose rows it says nothing
 *		(.rules), and what it is then (.nothing), is not read before.
 *
 *		A change counts for the session that made it at once, and for others
 *		when it is committed: a call that begins after the COMMIT has returned
 *		sees it.  A transaction at REPEATABLE READ sees what its snapshot shows,
 *		or what was remembered before it; at SERIALIZABLE each transaction reads
 *		for itself, so that its reads count among those of others.
 */
#ifndef USOM_BASE_MEMO_H
#define USOM_BASE_MEMO_H

#include "base/fetch.h"
#include "base/query.h"
#include "commands/trigger.h"

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

	/* Those of the tables that must have had rows; NULL after the last.  Without any it is read in any case. */
	const char *rules[USOM_MEMO_TABLES];
	const void *nothing;

	/* what memo.c keeps */
	uint64		needs;			/* rules, as bits of usom_memo_uses() */
	Oid			relids[USOM_MEMO_TABLES];
	uint64		changes;		/* counts what made it forgotten */
	bool		is_settled;		/* is horizon of the last one? */
	TransactionId horizon;		/* a snapshot for which all before it are over shows every change */
	int			next_slot;
	UsomMemoSlot slots[USOM_MEMO_SLOTS];
} UsomMemo;

/* Run a statement of read: all of one snapshot; stays in CurrentMemoryContext, where SPI would leave it. */
extern uint64 usom_memo_look(UsomQuery *query, Datum *values);

/* The same past the executor.  Rows are not to be freed: they go when all is read. */
extern uint64 usom_memo_fetch(UsomFetch *fetch, Datum *values);

/* For _PG_init of a room. */
extern void usom_memo_register(UsomMemo *memo);

/*
 * Lives until the memo is asked again, by the caller or by what a trigger
 * calls, and no longer than the caller's memory.  The caller is connected to SPI.
 */
extern const void *usom_memo_get(UsomMemo *memo, int64 org_id);

/* ---- tables that are in use ---- */

/* For _PG_init of a room: a table that is kept in usom._in_use, as one bit. */
extern uint64 usom_memo_use_of(const char *table);

/* Which of them the organisation has ever had rows in.  The caller is connected to SPI. */
extern uint64 usom_memo_uses(int64 org_id);

/* A row of the table, which a trigger was fired for, is there. */
extern void usom_memo_note_use(TriggerData *trigdata);

/* _PG_init of the room. */
extern void usom_memo_init(void);
extern void usom_memo_use_init(void);

#endif							/* USOM_BASE_MEMO_H */
