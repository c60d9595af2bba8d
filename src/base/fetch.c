/*
 * fetch.c
 *		Rows that are read past the executor.
 *
 *		The steps are those of an index scan of the executor, by the same
 *		functions of PostgreSQL, with the snapshot that a statement would have;
 *		what it does not do is to begin and end a plan.
 *
 * Memory: rows in CurrentMemoryContext; see fetch_source.c for what is kept.
 *
 * Locks: as SELECT: the table and the index.
 *
 * Invariants: a reading runs no code but that of tables, indexes and types of
 * PostgreSQL itself, so nothing else is read within it, and it needs no user
 * and no search_path.  After it, or after an error, no source is open and no
 * slot holds a row.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/fetch_source.h"

#include "access/tableam.h"
#include "access/xact.h"
#include "base/errors.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "utils/datum.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

/* The reading that is under way, and what it has open. */
static struct
{
	bool		active;
	UsomSource *sources;
}			reading;

/* ---- rows ---- */

static void
grow(UsomFetched *fetched, uint64 *capacity, int ncolumns)
{
	*capacity = *capacity == 0 ? 1 : *capacity * 4;
	if (fetched->values == NULL)
	{
		fetched->values = palloc_array(Datum, *capacity * ncolumns);
		fetched->nulls = palloc_array(bool, *capacity * ncolumns);
		return;
	}
	fetched->values = repalloc_huge(fetched->values, *capacity * ncolumns * sizeof(Datum));
	fetched->nulls = repalloc_huge(fetched->nulls, *capacity * ncolumns * sizeof(bool));
}

/* A short one becomes a long one on the way, as whoever reads a number wants it. */
static Datum
copy_value(Datum value, int16 length)
{
	const struct varlena *from = (const struct varlena *) DatumGetPointer(value);
	struct varlena *to;

	if (length != -1 || !VARATT_IS_SHORT(from))
		return datumCopy(value, false, length);
	to = palloc(VARSIZE_SHORT(from) - VARHDRSZ_SHORT + VARHDRSZ);
	SET_VARSIZE(to, VARSIZE_SHORT(from) - VARHDRSZ_SHORT + VARHDRSZ);
	memcpy(VARDATA(to), VARDATA_SHORT(from), VARSIZE_SHORT(from) - VARHDRSZ_SHORT);
	return PointerGetDatum(to);
}

/* What the row has, where it stays. */
static void
take_row(const UsomSource *source, Datum *values, bool *nulls)
{
	TupleTableSlot *slot = source->slot;

	slot_getsomeattrs(slot, source->last);
	for (int i = 0; i < source->fetch->ncolumns; i++)
	{
		const UsomSourceColumn *column = &source->columns[i];

		nulls[i] = column->column != SOURCE_TID && slot->tts_isnull[column->column];
		if (column->column == SOURCE_TID)
			values[i] = datumCopy(PointerGetDatum(&slot->tts_tid), false, sizeof(ItemPointerData));
		else if (nulls[i])
			values[i] = (Datum) 0;
		else if (column->by_value)
			values[i] = slot->tts_values[column->column];
		else
			values[i] = copy_value(slot->tts_values[column->column], column->length);
	}
}

static void
take_rows(UsomSource *source, UsomFetched *fetched)
{
	int			ncolumns = source->fetch->ncolumns;
	uint64		limit = source->fetch->limit > 0 ? source->fetch->limit : PG_UINT64_MAX;
	ScanDirection direction = source->fetch->backward ? BackwardScanDirection : ForwardScanDirection;
	uint64		capacity = 0;

	while (fetched->count < limit && index_getnext_slot(source->scan, direction, source->slot))
	{
		CHECK_FOR_INTERRUPTS();
		if (fetched->count == capacity)
			grow(fetched, &capacity, ncolumns);
		take_row(source, &fetched->values[fetched->count * ncolumns], &fetched->nulls[fetched->count * ncolumns]);
		fetched->count++;
	}
	ExecClearTuple(source->slot);
}

/* ---- a reading ---- */

static UsomSource *
open_source(UsomFetch *fetch)
{
	UsomSource *source = usom_source_open(fetch);

	if (source == NULL)
		return NULL;
	source->scan = index_beginscan(source->table, source->index, GetActiveSnapshot(), fetch->nkeys, 0);
	source->next = reading.sources;
	reading.sources = source;
	return source;
}

bool
usom_fetch_rows(UsomFetch *fetch, const Datum *keys, const bool *nulls, UsomFetched *fetched)
{
	UsomSource *source = fetch->source != NULL && fetch->source->scan != NULL ? fetch->source : open_source(fetch);

	Assert(reading.active);
	*fetched = (UsomFetched) {0};
	if (unlikely(source == NULL))
		return false;
	for (int i = 0; i < fetch->nkeys; i++)
	{
		if (nulls != NULL && nulls[i])
			return true;
		source->keys[i].sk_argument = keys[i];
	}
	index_rescan(source->scan, source->keys, fetch->nkeys, NULL, 0);
	take_rows(source, fetched);
	return true;
}

static void
close_sources(void)
{
	while (reading.sources != NULL)
	{
		UsomSource *source = reading.sources;

		reading.sources = source->next;
		index_endscan(source->scan);
		source->scan = NULL;
		usom_source_close(source);
	}
}

/* Scans and relations go with the transaction; the slots are ours. */
static void
let_go(void)
{
	while (reading.sources != NULL)
	{
		UsomSource *source = reading.sources;

		reading.sources = source->next;
		source->scan = NULL;
		source->table = source->index = NULL;
		ExecClearTuple(source->slot);
	}
	reading.active = false;
}

static bool
read_by(UsomFetchWork work, void *argument)
{
	bool		done = false;

	Ensure(!reading.active, "a reading within a reading");
	reading.active = true;
	PG_TRY();
	{
		done = work(argument);
		close_sources();
	}
	PG_CATCH();
	{
		let_go();
		PG_RE_THROW();
	}
	PG_END_TRY();
	reading.active = false;
	if (likely(done))
		usom_query_note_direct();
	return done;
}

/* What a statement that is not read-only would see. */
bool
usom_fetch_together(UsomFetchWork work, void *argument)
{
	bool		done;

	CommandCounterIncrement();
	PushActiveSnapshot(GetTransactionSnapshot());
	done = read_by(work, argument);
	PopActiveSnapshot();
	return done;
}

/* ---- one table ---- */

typedef struct Asking
{
	UsomFetch  *fetch;
	const Datum *keys;
	const bool *nulls;
	UsomFetched fetched;
} Asking;

static bool
ask(void *argument)
{
	Asking	   *asking = argument;

	return usom_fetch_rows(asking->fetch, asking->keys, asking->nulls, &asking->fetched);
}

static uint64
publish(const Asking *asking)
{
	usom_query_publish(asking->fetch->ncolumns, asking->fetched.count, asking->fetched.values, asking->fetched.nulls);
	return asking->fetched.count;
}

uint64
usom_fetch_run(UsomFetch *fetch, Datum *values, const bool *nulls)
{
	Asking		asking = {.fetch = fetch, .keys = values, .nulls = nulls};

	return likely(usom_fetch_together(ask, &asking)) ? publish(&asking) : usom_query_run(&fetch->query, values, nulls);
}

uint64
usom_fetch_look(UsomFetch *fetch, Datum *values, const bool *nulls)
{
	Asking		asking = {.fetch = fetch, .keys = values, .nulls = nulls};

	Assert(ActiveSnapshotSet());
	return likely(read_by(ask, &asking)) ? publish(&asking) : usom_query_look(&fetch->query, values, nulls);
}

void
usom_fetch_init(void)
{
	usom_source_init();
}
