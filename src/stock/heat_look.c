/*
 * heat_look.c
 *		Who waits for a row of stock: seen from outside, so that nobody who
 *		takes stock pays for it.
 *
 * Whoever must wait for a row that another transaction has changed takes the
 * lock of its place in the table first.  Those locks are in the table of locks
 * for as long as somebody waits, one for each; without a wait there are none.
 * So their number at a moment is the length of the queue.  It is read a few
 * times in a row, and the average counts: one slow transaction is no heat.
 *
 * The lock names a place (block and offset), mostly of a version that has been
 * replaced meanwhile.  The version is read whatever became of it: all
 * versions of a row have the same key, and while somebody waits for one it is
 * not cleaned away.  Should it be gone a moment later and another row stand
 * there, that row is taken for hot, which does no harm.  Nothing else in usom
 * reads a table past the executor.
 *
 * Locks: ACCESS SHARE on the two tables.  Memory: CurrentMemoryContext.
 */
#include "postgres.h"

#include "access/table.h"
#include "access/tableam.h"
#include "base/errors.h"
#include "catalog/namespace.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/bufmgr.h"
#include "storage/latch.h"
#include "storage/lock.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/tuplestore.h"
#include "utils/wait_event.h"

#define MAX_PLACES 1024
#define MAX_LOOKS 100
#define MAX_PAUSE 1000

/* The stock of a product at a location, and all who were seen waiting for it. */
typedef struct Queue
{
	int64		org_id;
	int64		product_id;
	int64		location_id;
	int64		waiters;
} Queue;

typedef struct Queues
{
	int			count;
	Queue		all[MAX_PLACES];
} Queues;

static const char *const tables[] = {"stock", "stock_stripe"};

static int64
get_key(TupleTableSlot *slot, const char *column)
{
	bool		isnull;
	AttrNumber	number = get_attnum(slot->tts_tableOid, column);
	Datum		value;

	Ensure(number != InvalidAttrNumber, "usom.%s has no column %s", get_rel_name(slot->tts_tableOid), column);
	value = slot_getattr(slot, number, &isnull);
	return isnull ? 0 : DatumGetInt64(value);
}

/* More queues than there is room for: the rest is seen another time. */
static void
add_waiter(Queues *queues, TupleTableSlot *slot)
{
	Queue		queue = {get_key(slot, "org_id"), get_key(slot, "product_id"), get_key(slot, "location_id"), 1};

	for (int i = 0; i < queues->count; i++)
		if (queues->all[i].product_id == queue.product_id && queues->all[i].location_id == queue.location_id &&
			queues->all[i].org_id == queue.org_id)
		{
			queues->all[i].waiters++;
			return;
		}
	if (queues->count < MAX_PLACES)
		queues->all[queues->count++] = queue;
}

static bool
is_of(const LockInstanceData *lock, Oid relid)
{
	return lock->locktag.locktag_type == LOCKTAG_TUPLE && lock->locktag.locktag_field1 == MyDatabaseId &&
		lock->locktag.locktag_field2 == relid;
}

static void
look_at_table(Queues *queues, const LockData *locks, Relation table, TupleTableSlot *slot)
{
	BlockNumber blocks = RelationGetNumberOfBlocks(table);

	for (int i = 0; i < locks->nelements; i++)
	{
		const LockInstanceData *lock = &locks->locks[i];
		ItemPointerData place;

		if (!is_of(lock, RelationGetRelid(table)) || lock->locktag.locktag_field3 >= blocks)
			continue;
		ItemPointerSet(&place, lock->locktag.locktag_field3, lock->locktag.locktag_field4);
		if (table_tuple_fetch_row_version(table, &place, SnapshotAny, slot))
			add_waiter(queues, slot);
		ExecClearTuple(slot);
	}
}

static void
look_once(Queues *queues, Relation *relations, TupleTableSlot **slots)
{
	LockData   *locks = GetLockStatusData();

	for (int i = 0; i < (int) lengthof(tables); i++)
		if (relations[i] != NULL)
			look_at_table(queues, locks, relations[i], slots[i]);
}

static void
pause_for(int milliseconds)
{
	(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, milliseconds, PG_WAIT_EXTENSION);
	ResetLatch(MyLatch);
	CHECK_FOR_INTERRUPTS();
}

/* Of a table that is divided among other tables or servers no place is known here. */
static Relation
open_table(const char *name)
{
	Oid			relid = get_relname_relid(name, get_namespace_oid("usom", false));

	if (!OidIsValid(relid) || get_rel_relkind(relid) != RELKIND_RELATION)
		return NULL;
	return table_open(relid, AccessShareLock);
}

static Queues *
look(int looks, int pause)
{
	Queues	   *queues = palloc0_object(Queues);
	Relation	relations[lengthof(tables)];
	TupleTableSlot *slots[lengthof(tables)] = {NULL};

	for (int i = 0; i < (int) lengthof(tables); i++)
	{
		relations[i] = open_table(tables[i]);
		if (relations[i] != NULL)
			slots[i] = table_slot_create(relations[i], NULL);
	}
	for (int n = 0; n < looks; n++)
	{
		if (n > 0)
			pause_for(pause);
		look_once(queues, relations, slots);
	}
	for (int i = 0; i < (int) lengthof(tables); i++)
		if (relations[i] != NULL)
		{
			ExecDropSingleTupleTableSlot(slots[i]);
			table_close(relations[i], NoLock);
		}
	return queues;
}

/*
 * usom._stock_waits(looks, pause): stock that somebody waits for, and how many
 * do, on the average of so many looks with so many milliseconds in between
 */
PG_FUNCTION_INFO_V1(usom__stock_waits);
Datum
usom__stock_waits(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	int			looks = Min(Max(PG_GETARG_INT32(0), 1), MAX_LOOKS);
	Queues	   *queues = look(looks, Min(Max(PG_GETARG_INT32(1), 1), MAX_PAUSE));

	InitMaterializedSRF(fcinfo, 0);
	for (int i = 0; i < queues->count; i++)
	{
		const Queue *queue = &queues->all[i];
		Datum		values[] = {
			Int64GetDatum(queue->org_id), Int64GetDatum(queue->product_id), Int64GetDatum(queue->location_id),
			Int32GetDatum((int32) ((queue->waiters + looks / 2) / looks))
		};
		bool		nulls[lengthof(values)] = {false};

		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}
