/*
 * walk.c
 *		Verification of the chains of orders: an aggregate over entries.
 *
 *		Entries come by order and number.  Each must have the digest that its
 *		columns make and hold the digest of the one before it, and the numbers
 *		must have no gaps.  The walk goes on behind what is bad: it answers
 *		with the bad entry that has the least key, which is the first that was
 *		written.
 *
 * Memory: the state is in the aggregate's context and does not grow.  Nothing
 * here locks.
 *
 * Invariant: found is empty, or tells of the entry with the least key of all
 * that are bad so far.
 */
#include "postgres.h"

#include "base/compat.h"

#include "audit/digest.h"

#include "access/htup_details.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

PG_FUNCTION_INFO_V1(usom__audit_walk_step);
PG_FUNCTION_INFO_V1(usom__audit_walk_result);

#define MAX_DETAIL 256

typedef struct Walk
{
	UsomDigester digester;
	UsomEntryShape *shape;
	MemoryContext context;		/* of this struct */
	MemoryContext per_entry;
	int64		entries;
	int64		sales_order_id;	/* of the entry before; 0: none */
	int32		entry_no;
	UsomDigest	digest;
	int64		bad_entry;
	const char *kind;			/* a literal; NULL: nothing is bad */
	char		detail[MAX_DETAIL];
} Walk;

static void
note(Walk *walk, const UsomEntryRow *entry, const char *kind, const char *detail)
{
	if (walk->kind != NULL && walk->bad_entry <= entry->audit_entry_id)
		return;
	walk->bad_entry = entry->audit_entry_id;
	walk->kind = kind;
	strlcpy(walk->detail, detail, MAX_DETAIL);
}

/* ---- links ---- */

/* prior: digest of the entry before the first, where the walk does not begin at the beginning. */
static void
begin_chain(Walk *walk, const UsomEntryRow *entry, const bytea *prior)
{
	walk->sales_order_id = entry->sales_order_id;
	walk->entry_no = 0;
	if (prior == NULL || VARSIZE_ANY_EXHDR(prior) != USOM_DIGEST_SIZE)
		return;
	walk->entry_no = entry->entry_no - 1;
	memcpy(walk->digest.bytes, VARDATA_ANY(prior), USOM_DIGEST_SIZE);
}

static bool
is_linked(const Walk *walk, const UsomEntryRow *entry)
{
	if (entry->entry_no == 1)
		return entry->previous == NULL;
	return entry->previous != NULL && usom_digest_is(entry->previous, &walk->digest);
}

static void
check_link(Walk *walk, const UsomEntryRow *entry)
{
	int			before = entry->entry_no - 1;

	if (before < walk->entry_no)
		note(walk, entry, "entry_renumbered", psprintf("number %d stands twice in the chain of its order", entry->entry_no));
	else if (before == walk->entry_no + 1)
		note(walk, entry, "entry_missing", psprintf("entry %d of its order, the one before it, is gone", before));
	else if (before > walk->entry_no)
		note(walk, entry, "entry_missing", psprintf("entries %d to %d of its order are gone", walk->entry_no + 1, before));
	else if (!is_linked(walk, entry))
		note(walk, entry, "entry_relinked", before == 0 ? "it is the first of its order and follows another"
			 : psprintf("it does not follow entry %d of its order as that is now: one of the two was written anew", before));
}

static void
check_chain(Walk *walk, const UsomEntryRow *entry, const bytea *prior)
{
	if (!entry->has_order)
	{
		if (entry->previous != NULL)
			note(walk, entry, "entry_relinked", "it is of no order and follows another");
		return;
	}
	if (entry->sales_order_id != walk->sales_order_id)
		begin_chain(walk, entry, prior);
	check_link(walk, entry);
	walk->entry_no = entry->entry_no;
	memset(walk->digest.bytes, 0, USOM_DIGEST_SIZE);
	if (entry->digest != NULL && VARSIZE_ANY_EXHDR(entry->digest) == USOM_DIGEST_SIZE)
		memcpy(walk->digest.bytes, VARDATA_ANY(entry->digest), USOM_DIGEST_SIZE);
}

/* ---- the aggregate ---- */

static Walk *
open_walk(MemoryContext context)
{
	MemoryContext outer = MemoryContextSwitchTo(context);
	Walk	   *walk = palloc0(sizeof(Walk));

	walk->context = context;
	walk->per_entry = AllocSetContextCreate(context, "usom audit walk", ALLOCSET_SMALL_SIZES);
	usom_digest_open(&walk->digester);
	MemoryContextSwitchTo(outer);
	return walk;
}

static void
take_step(Walk *walk, HeapTupleHeader row, const bytea *prior)
{
	UsomEntryRow entry;
	UsomDigest	computed;

	if (!usom_digest_read(row, &walk->shape, walk->context, &walk->digester, &entry, &computed))
		note(walk, &entry, "entry_renumbered", "it has a number without an order, or an order without a number");
	else if (!usom_digest_is(entry.digest, &computed))
		note(walk, &entry, "entry_changed", "its digest is not that of its columns");
	check_chain(walk, &entry, prior);
	walk->entries++;
}

/* usom._audit_walk_step(internal, entry record, prior bytea): transition of usom._audit_walk(). */
Datum
usom__audit_walk_step(PG_FUNCTION_ARGS)
{
	MemoryContext context;
	MemoryContext outer;
	Walk	   *walk;

	if (!AggCheckCallContext(fcinfo, &context))
		elog(ERROR, "usom._audit_walk_step was not called by an aggregate");
	if (PG_ARGISNULL(1))
		ereport(ERROR, errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("an entry to walk over must not be null"));
	walk = PG_ARGISNULL(0) ? open_walk(context) : (Walk *) PG_GETARG_POINTER(0);
	outer = MemoryContextSwitchTo(walk->per_entry);
	take_step(walk, PG_GETARG_HEAPTUPLEHEADER(1), PG_ARGISNULL(2) ? NULL : PG_GETARG_BYTEA_PP(2));
	MemoryContextSwitchTo(outer);
	MemoryContextReset(walk->per_entry);
	PG_RETURN_POINTER(walk);
}

/* usom._audit_walk_result(internal) RETURNS usom._audit_walked: entries, audit_entry_id, kind, detail. */
Datum
usom__audit_walk_result(PG_FUNCTION_ARGS)
{
	Walk	   *walk = PG_ARGISNULL(0) ? NULL : (Walk *) PG_GETARG_POINTER(0);
	Datum		values[4];
	bool		nulls[4] = {false};
	TupleDesc	tupdesc;

	if (walk == NULL)
		PG_RETURN_NULL();
	if (get_call_result_type(fcinfo, NULL, &tupdesc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "usom._audit_walk_result must return a row");
	values[0] = Int64GetDatum(walk->entries);
	nulls[1] = nulls[2] = nulls[3] = walk->kind == NULL;
	values[1] = Int64GetDatum(walk->bad_entry);
	if (walk->kind != NULL)
	{
		values[2] = CStringGetTextDatum(walk->kind);
		values[3] = CStringGetTextDatum(walk->detail);
	}
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(tupdesc), values, nulls)));
}
