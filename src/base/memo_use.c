/*
 * memo_use.c
 *		Which tables of rules an organisation has ever had rows in.
 *
 *		usom._in_use has a row for each organisation and table, written by
 *		triggers of those tables with the first row, in the same transaction.
 *		It is a memo itself: one statement tells a new backend what it need not
 *		look for, where else each table would be opened and asked.
 *
 *		Two transactions may both write the first row of a table: then both
 *		write a row here, and none waits for the other.  Rows that replication
 *		brings are followed by that of usom._in_use from where they come.
 *
 * Memory: a memo (base/memo.h).  Locks: none.
 *
 * Invariant: whoever sees a row of such a table sees one here; verify_in_use()
 * looks.  The reverse need not hold: a table that was emptied is asked in vain.
 */
#include "postgres.h"

#include "base/memo.h"

#include "base/errors.h"
#include "base/trigger.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/rel.h"

PG_FUNCTION_INFO_V1(usom__note_in_use);

#define MAX_RELATIONS 64

static const char *relations[MAX_RELATIONS];
static int	nrelations = 0;

static UsomFetch select_in_use = {
	.table = "_in_use",
	.index = "_in_use_pkey",
	.nkeys = 1,
	.keys = {{"org_id", "bigint"}},
	.ncolumns = 1,
	.columns = {{"relation", "text"}},
	.query = {
		.text = "SELECT u.relation FROM usom._in_use AS u WHERE u.org_id = $1",
		.nargs = 1,
		.argtypes = {"bigint"},
	},
};

static UsomQuery insert_in_use = {
	.text = "INSERT INTO usom._in_use (org_id, relation) VALUES ($1, $2)",
	.nargs = 2,
	.argtypes = {"bigint", "text"},
};

/* The bit of a table; 0 if nobody asked for it. */
static uint64
find_relation(const char *name)
{
	for (int i = 0; i < nrelations; i++)
		if (strcmp(relations[i], name) == 0)
			return UINT64CONST(1) << i;
	return 0;
}

uint64
usom_memo_use_of(const char *table)
{
	uint64		found = find_relation(table);

	if (found != 0)
		return found;
	Ensure(nrelations < MAX_RELATIONS, "too many tables of rules");
	relations[nrelations++] = table;
	return UINT64CONST(1) << (nrelations - 1);
}

static const void *
read_in_use(int64 org_id)
{
	Datum		values[] = {Int64GetDatum(org_id)};
	uint64	   *uses = palloc0_object(uint64);
	uint64		nrows = usom_memo_fetch(&select_in_use, values);

	for (uint64 row = 0; row < nrows; row++)
		*uses |= find_relation(usom_query_get_text(row, 1));
	return uses;
}

static UsomMemo memo = {
	.name = "usom tables in use",
	.tables = {"_in_use"},
	.read = read_in_use,
};

uint64
usom_memo_uses(int64 org_id)
{
	return *(const uint64 *) usom_memo_get(&memo, org_id);
}

static void
note(int64 org_id, const char *relation)
{
	Datum		values[] = {Int64GetDatum(org_id), CStringGetTextDatum(relation)};

	SPI_connect();
	if ((usom_memo_uses(org_id) & find_relation(relation)) == 0)
		usom_query_write(&insert_in_use, values, NULL);
	SPI_finish();
}

void
usom_memo_note_use(TriggerData *trigdata)
{
	int			column = usom_trigger_column(trigdata, "org_id", INT8OID);
	const char *relation = trigdata->tg_trigger->tgargs[0];
	bool		isnull;
	Datum		org_id;

	if (TRIGGER_FIRED_BY_DELETE(trigdata->tg_event) || usom_trigger_is_replay())
		return;
	org_id = heap_getattr(usom_trigger_row(trigdata), column, RelationGetDescr(trigdata->tg_relation), &isnull);
	Ensure(!isnull && find_relation(relation) != 0, "nobody asks for the use of table \"%s\"", relation);
	note(DatumGetInt64(org_id), relation);
}

/* usom._note_in_use('table'): trigger AFTER a row of it was written, of which backends remember only that there are some. */
Datum
usom__note_in_use(PG_FUNCTION_ARGS)
{
	static const UsomTriggerSpec spec = {"usom._note_in_use", .before = false, .row = true, .nargs = 1};

	usom_memo_note_use(usom_trigger_check(fcinfo, &spec));
	return PointerGetDatum(NULL);
}

void
usom_memo_use_init(void)
{
	usom_memo_register(&memo);
}
