/*
 * target.h
 *		What a backend keeps of a table that it writes to past the executor.
 *
 *		Between insert.c, update.c and row_lock.c, which write and lock;
 *		target.c, which keeps; insert_target.c and update_target.c, which look
 *		at the table.  Nobody else includes it.
 */
#ifndef USOM_BASE_TARGET_H
#define USOM_BASE_TARGET_H

#include "access/skey.h"
#include "base/insert.h"
#include "base/update.h"
#include "nodes/execnodes.h"
#include "utils/rel.h"

#define TARGET_SLOTS 64			/* rows that are inserted at once */

typedef struct UsomTarget UsomTarget;

/* What is done to the rows of a table. */
typedef struct UsomTargetKind
{
	const char *name;			/* of its memory */
	CmdType		command;		/* CMD_INSERT or CMD_UPDATE */
	AclMode		rights;			/* that it takes */
	bool		(*fits) (const UsomTarget *target, Relation table); /* besides what target.c asks for */
	bool		(*prepare) (UsomTarget *target, Relation table);
} UsomTargetKind;

/* A column that the rows do not have, with what it gets instead. */
typedef struct UsomTargetDefault
{
	int			column;			/* from 0 */
	ExprState  *value;
} UsomTargetDefault;

/* Where a row was that this transaction has locked or written. */
typedef struct UsomTargetHint
{
	FullTransactionId transaction;	/* or subtransaction */
	uint64		hash;			/* of the key */
	ItemPointerData tid;
} UsomTargetHint;

struct UsomTarget
{
	const UsomTargetKind *kind;
	const char *table;			/* of schema usom */
	UsomInsert *insert;			/* one of these two is NULL */
	UsomUpdate *update;
	const char *arbiter;		/* unique index whose conflicts count, or NULL */
	UsomTarget *root;			/* of a partition: the table that it is of */
	UsomTarget *leaf;			/* of a table in partitions: the one that rows went to last */
	Oid			relid;
	bool		is_valid;		/* nobody has changed the table since it was looked at */
	bool		is_fit;			/* is there nothing that only the executor handles? */
	bool		is_busy;		/* it is being written to */
	MemoryContext context;		/* of all below; NULL: not looked at */
	EState	   *estate;
	ResultRelInfo *result;		/* its expressions stay prepared; relations are opened each time */
	Oid		   *indexes;
	int		   *columns;		/* from 0, of the values of a row */
	TupleTableSlot **slots;
	int			nslots;			/* at most */

	/* of insertions */
	int			org_column;
	UsomTargetDefault *defaults;
	int			ndefaults;
	List	   *arbiters;
	int			key;			/* of a table in partitions: which value of a row says where it goes */

	/* of updates */
	Oid			key_index;
	ScanKeyData *scan_keys;
	bool	   *hashed;			/* columns of the key that a hint counts */
	int			last_column;	/* of those that are read */
	UsomTargetHint *hints;
};

/* ---- target.c ---- */

/* Kept for good; NULL: there are too many already. */
extern UsomTarget *usom_target_make(const UsomTarget *target);

/*
 * The table, locked as its command does, with a target that is fit for it and
 * not busy; NULL if there is none, or no target, or nothing may be written: the
 * statement knows what to say of that.  The second form: of that oid.
 */
extern Relation usom_target_open(UsomTarget *target);
extern Relation usom_target_open_relid(UsomTarget *target, Oid relid);

/* Work as a statement does: counted, in its own command, told in the context of errors by its text. */
extern void usom_target_run(UsomTarget *target, const char *statement, void (*work) (void *argument), void *argument);

/*
 * The index relations of the result, opened; closed, their locks kept.  What an
 * access method notes while they are open stays in the context.
 */
extern void usom_target_open_indexes(UsomTarget *target, MemoryContext context);
extern void usom_target_close_indexes(UsomTarget *target);

/* For prepare: a column by its name, from 0, or -1; the indexes, false if one does not fit. */
extern int	usom_target_column(const TupleDesc desc, const char *name);
extern bool usom_target_note_indexes(UsomTarget *target, Relation table);

/* Slot i of the target, empty. */
extern TupleTableSlot *usom_target_slot(UsomTarget *target, Relation table, int i);

/* text[]: tables that are written past the executor by that command, for tests. */
extern Datum usom_target_names(CmdType command);
extern void usom_target_init(void);

/* ---- insert_target.c ---- */

extern Relation usom_insert_target_open(UsomInsert *insert);

/*
 * Of a table in partitions: the one that all rows go to, locked, with a target
 * that is fit; NULL if they go to several, or it is not fit.
 */
extern Relation usom_insert_target_open_leaf(UsomTarget *root, Relation table, const UsomRows *rows);

/* ---- update_target.c ---- */

extern Relation usom_update_target_open(UsomUpdate *update);

/* The columns of the update, from a slot that stays as it is. */
extern void usom_update_target_read(const UsomTarget *target, TupleTableSlot *slot, Datum *values, bool *nulls);

/*
 * Where a row is that was locked or written just now, under its key.  A hint
 * proves nothing: who takes it looks whether the row is there and has the key.
 */
extern void usom_update_target_remember(UsomTarget *target, const Datum *key, ItemPointer tid);
extern bool usom_update_target_recall(const UsomTarget *target, const Datum *key, ItemPointer tid);

#endif							/* USOM_BASE_TARGET_H */
