/*
 * insert_target.h
 *		What a backend keeps of a table that it inserts into past the executor.
 *
 *		Between insert.c, which writes, and insert_target.c, which looks at the
 *		table.  Nobody else includes it.
 */
#ifndef USOM_BASE_INSERT_TARGET_H
#define USOM_BASE_INSERT_TARGET_H

#include "base/insert.h"
#include "nodes/execnodes.h"

#define TARGET_SLOTS 64			/* rows that are written at once */

/* A column that the rows do not have, with what it gets instead. */
typedef struct UsomTargetDefault
{
	int			column;			/* from 0 */
	ExprState  *value;
} UsomTargetDefault;

typedef struct UsomTarget
{
	UsomInsert *insert;
	struct UsomTarget *root;	/* of a partition: the table that it is of */
	struct UsomTarget *leaf;	/* of a table in partitions: the one that rows went to last */
	Oid			relid;
	bool		is_valid;		/* nobody has changed the table since it was looked at */
	bool		is_fit;			/* is there nothing that only the executor handles? */
	bool		is_busy;		/* an insertion is under way */
	MemoryContext context;		/* of all below; NULL: not looked at */
	EState	   *estate;
	ResultRelInfo *result;		/* its expressions stay prepared; relations are opened each time */
	Oid		   *indexes;
	int			org_column;		/* from 0, as all columns here */
	int		   *columns;		/* of the values of a row */
	UsomTargetDefault *defaults;
	int			ndefaults;
	List	   *arbiters;
	int			key;			/* of a table in partitions: which value of a row says where it goes */
	TupleTableSlot **slots;
	int			nslots;			/* made so far */
} UsomTarget;

/*
 * The table, locked for insertion, with a target that is fit for it and not
 * busy; NULL if there is none.
 */
extern Relation usom_target_open(UsomInsert *insert);

/*
 * Of a table in partitions: the one that all rows go to, locked, with a target
 * that is fit; NULL if they go to several, or it is not fit.
 */
extern Relation usom_target_open_leaf(UsomTarget *root, Relation table, const UsomRows *rows);

/* Slot i of the target, empty. */
extern TupleTableSlot *usom_target_slot(UsomTarget *target, Relation table, int i);

extern void usom_target_init(void);

#endif							/* USOM_BASE_INSERT_TARGET_H */
