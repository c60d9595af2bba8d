/*
 * memo.c
 *		What a backend remembers of tables that change rarely.
 *
 *		A trigger of the tables sends an invalidation of the table (it also
 *		costs a new plan of every statement over it, so the tables had better
 *		change rarely).  PostgreSQL delivers it: to this backend when the
 *		command is over and when it is rolled back, to others at COMMIT before
 *		the client is told.  TRUNCATE and DROP send the same by themselves.
 *
 * Memory: values in contexts of their own below TopMemoryContext, a fixed
 * number for each memo.  While one is read, its context is below the caller's,
 * so an error leaves nothing behind.  Callbacks only mark: a value that is in
 * use stays until its memo is read again.
 *
 * Locks: none.
 *
 * Invariants:
 * - A value is of one snapshot.  If an invalidation came while it was read, it
 *   serves the one who asked and is not kept.
 * - A value that outlives its transaction shows every change whose
 *   invalidation this backend has seen.  At READ COMMITTED its snapshot is
 *   newer than they.  At REPEATABLE READ the snapshot may be older: then all
 *   transactions that were there when the last one came must be over for it,
 *   or the value goes with the transaction.
 * - What was read in a (sub)transaction that is rolled back is forgotten: it
 *   may show rows that are not there, of which no trigger has told yet.  Not so
 *   if the subtransaction has written nothing.
 */
#include "postgres.h"

#include "base/memo.h"

#include "access/transam.h"
#include "access/xact.h"
#include "base/errors.h"
#include "base/trigger.h"
#include "base/watch.h"
#include "catalog/namespace.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

PG_FUNCTION_INFO_V1(usom__memo_changed);

#define MAX_MEMOS 32

static UsomMemo *memos[MAX_MEMOS];
static int	nmemos = 0;

/* Is any slot fresh? */
static bool any_fresh = false;

/* Of the memo that is being read: what it was read from, until it is. */
static MemoryContext passing_rows = NULL;

/* ---- forgetting ---- */

static void
forget(UsomMemo *memo)
{
	memo->changes++;
	memo->is_settled = false;
	for (int i = 0; i < USOM_MEMO_SLOTS; i++)
		memo->slots[i].valid = false;
}

static void
at_table_change(Oid relid)
{
	for (int i = 0; i < nmemos; i++)
		for (int k = 0; k < USOM_MEMO_TABLES && memos[i]->tables[k] != NULL; k++)
			if (relid == InvalidOid || relid == memos[i]->relids[k])
			{
				forget(memos[i]);
				break;
			}
}

/* The end of a transaction, or of a subtransaction that is rolled back with what it has written. */
static void
settle_fresh(bool is_kept)
{
	if (likely(!any_fresh))
		return;
	for (int i = 0; i < nmemos; i++)
		for (int k = 0; k < USOM_MEMO_SLOTS; k++)
		{
			UsomMemoSlot *slot = &memos[i]->slots[k];

			if (slot->fresh && (!is_kept || slot->passing))
				slot->valid = false;
			slot->fresh = false;
		}
	any_fresh = false;
}

static void
at_transaction(XactEvent event, void *argument)
{
	if (event == XACT_EVENT_COMMIT)
		settle_fresh(true);
	else if (event == XACT_EVENT_ABORT || event == XACT_EVENT_PREPARE)
		settle_fresh(false);
}

static void
at_subtransaction(SubXactEvent event, SubTransactionId mine, SubTransactionId parent, void *argument)
{
	if (event == SUBXACT_EVENT_ABORT_SUB && TransactionIdIsValid(GetCurrentTransactionIdIfAny()))
		settle_fresh(false);
}

/* usom._memo_changed(['table']): trigger AFTER a row of a table that is remembered was written. */
Datum
usom__memo_changed(PG_FUNCTION_ARGS)
{
	static const UsomTriggerSpec spec = {"usom._memo_changed", .before = false, .row = true, .nargs = 0};
	static const UsomTriggerSpec spec_of_rules = {"usom._memo_changed", .before = false, .row = true, .nargs = 1};
	bool		is_of_rules = CALLED_AS_TRIGGER(fcinfo) && ((TriggerData *) fcinfo->context)->tg_trigger->tgnargs > 0;
	TriggerData *trigdata = usom_trigger_check(fcinfo, is_of_rules ? &spec_of_rules : &spec);

	if (is_of_rules)
		usom_memo_note_use(trigdata);
	at_table_change(RelationGetRelid(trigdata->tg_relation));
	CacheInvalidateRelcache(trigdata->tg_relation);
	return PointerGetDatum(NULL);
}

/* ---- reading ---- */

/* Before the snapshot is taken, so that no change of them is missed. */
static void
find_tables(UsomMemo *memo)
{
	Oid			schema = get_namespace_oid("usom", false);

	for (int i = 0; i < USOM_MEMO_TABLES && memo->tables[i] != NULL; i++)
	{
		Oid			relid = get_relname_relid(memo->tables[i], schema);

		if (relid != memo->relids[i])
			forget(memo);
		memo->relids[i] = relid;
	}
	if (!memo->is_settled)
		memo->horizon = ReadNextTransactionId();
	memo->is_settled = true;
}

uint64
usom_memo_look(UsomQuery *query, Datum *values)
{
	MemoryContext context = CurrentMemoryContext;
	uint64		processed = usom_query_look(query, values, NULL);

	MemoryContextSwitchTo(context);
	return processed;
}

uint64
usom_memo_fetch(UsomFetch *fetch, Datum *values)
{
	MemoryContext context = MemoryContextSwitchTo(passing_rows);
	uint64		processed = usom_fetch_look(fetch, values, NULL);

	MemoryContextSwitchTo(context);
	return processed;
}

static UsomMemoSlot *
choose_slot(UsomMemo *memo, int64 org_id)
{
	UsomMemoSlot *chosen = NULL;

	for (int i = 0; i < USOM_MEMO_SLOTS; i++)
	{
		UsomMemoSlot *slot = &memo->slots[i];

		if (slot->valid && slot->org_id == org_id)
			slot->valid = false;
		if (!slot->valid && slot->context != NULL)
		{
			MemoryContextDelete(slot->context);
			slot->context = NULL;
		}
		if (!slot->valid && chosen == NULL)
			chosen = slot;
	}
	if (chosen != NULL)
		return chosen;
	chosen = &memo->slots[memo->next_slot++ % USOM_MEMO_SLOTS];
	chosen->valid = false;
	MemoryContextDelete(chosen->context);
	chosen->context = NULL;
	return chosen;
}

static void
keep(UsomMemo *memo, int64 org_id, const void *value, MemoryContext context, bool passing)
{
	UsomMemoSlot *slot = choose_slot(memo, org_id);

	MemoryContextSetParent(context, TopMemoryContext);
	*slot = (UsomMemoSlot) {true, org_id, value, context, .fresh = true, .passing = passing};
	any_fresh = true;
}

/* May what this snapshot shows outlive the transaction? */
static bool
is_passing(const UsomMemo *memo, Snapshot snapshot)
{
	return IsolationUsesXactSnapshot() &&
		(IsolationIsSerializable() || TransactionIdPrecedes(snapshot->xmin, memo->horizon));
}

/* One may ask for another on the way. */
static const void *
read_within(const UsomMemo *memo, int64 org_id, MemoryContext context)
{
	MemoryContext outer = passing_rows;
	MemoryContext rows = AllocSetContextCreate(CurrentMemoryContext, "usom memo rows", ALLOCSET_SMALL_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(context);
	const void *value;

	passing_rows = rows;
	value = memo->read(org_id);
	passing_rows = outer;
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(rows);
	return value;
}

static const void *
read_memo(UsomMemo *memo, int64 org_id)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "usom memo", ALLOCSET_SMALL_SIZES);
	const void *value;
	uint64		seen;
	bool		passing;

	MemoryContextSetIdentifier(context, memo->name);
	find_tables(memo);
	seen = memo->changes;
	CommandCounterIncrement();
	PushActiveSnapshot(GetTransactionSnapshot());
	passing = is_passing(memo, GetActiveSnapshot());
	value = read_within(memo, org_id, context);
	PopActiveSnapshot();
	if (seen == memo->changes)
		keep(memo, org_id, value, context, passing);
	return value;
}

const void *
usom_memo_get(UsomMemo *memo, int64 org_id)
{
	if (memo->needs != 0 && (usom_memo_uses(org_id) & memo->needs) == 0)
		return memo->nothing;
	AcceptInvalidationMessages();
	for (int i = 0; i < USOM_MEMO_SLOTS; i++)
	{
		const UsomMemoSlot *slot = &memo->slots[i];

		if (slot->valid && slot->org_id == org_id && likely(slot->fresh || !IsolationIsSerializable()))
			return slot->value;
	}
	return read_memo(memo, org_id);
}

void
usom_memo_register(UsomMemo *memo)
{
	Ensure(nmemos < MAX_MEMOS, "too many memos");
	for (int i = 0; i < USOM_MEMO_TABLES && memo->rules[i] != NULL; i++)
		memo->needs |= usom_memo_use_of(memo->rules[i]);
	Ensure((memo->needs != 0) == (memo->nothing != NULL), "a memo says what it is without rules, or needs none");
	memos[nmemos++] = memo;
}

void
usom_memo_init(void)
{
	usom_watch_tables(at_table_change);
	RegisterXactCallback(at_transaction, NULL);
	RegisterSubXactCallback(at_subtransaction, NULL);
}
