/*
 * entry.c
 *		Entries of the audit on their way to the table.
 *
 *		A call writes all its entries with one statement when it ends; plain
 *		SQL writes those of each statement at once.
 *
 * Memory: entries, images and the list are in one context of their own, which
 * is reset when the list has been written.  Nothing here locks.
 *
 * Invariant: the list holds the entries of live subtransactions that are not
 * written yet, and their levels never fall from one entry to the next.  Those
 * of a subtransaction are dropped when it aborts, and become its parent's when
 * it commits.  An entry is written in the subtransaction it belongs to or, at
 * the end of a call, in a parent of it, so it is rolled back with its rows.
 *
 * The table is written as the owner of the audited table, after the example of
 * foreign keys: nobody needs a privilege on audit_entry, so nobody can forge.
 */
#include "postgres.h"

#include "audit/entry.h"

#include "access/transam.h"
#include "access/xact.h"
#include "base/compat.h"
#include "base/call.h"
#include "base/query.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#define KEPT_BLOCK_SIZE (32 * 1024)	/* stays with the backend */
#define GATHERED_LIMIT (16 * 1024 * 1024)	/* bytes; a call that gathers more writes early */
#define FIRST_CAPACITY 16

static MemoryContext memory = NULL;
static UsomAuditEntry *entries = NULL;
static int	entry_count = 0;
static int	entry_capacity = 0;
static Size gathered_size = 0;

/* Owner of the tables that the entries are about. */
static Oid	writer = InvalidOid;

MemoryContext
usom_audit_memory(void)
{
	if (unlikely(memory == NULL))
		memory = AllocSetContextCreate(TopMemoryContext, "usom audit entries",
									   0, KEPT_BLOCK_SIZE, ALLOCSET_DEFAULT_MAXSIZE);
	return memory;
}

static Size
size_of(const UsomAuditEntry *entry)
{
	return (entry->before != NULL ? VARSIZE(entry->before) : 0)
		+ (entry->after != NULL ? VARSIZE(entry->after) : 0);
}

static void
forget_all(void)
{
	entries = NULL;
	entry_count = 0;
	entry_capacity = 0;
	gathered_size = 0;
	MemoryContextReset(memory);
}

/* Drop the entries from the one given on; an image that is being built stays. */
static void
forget_from(int first)
{
	for (int i = first; i < entry_count; i++)
	{
		gathered_size -= size_of(&entries[i]);
		if (entries[i].before != NULL)
			pfree(entries[i].before);
		if (entries[i].after != NULL)
			pfree(entries[i].after);
	}
	entry_count = first;
}

static void
grow(void)
{
	int			capacity = entry_capacity == 0 ? FIRST_CAPACITY : 2 * entry_capacity;
	Size		size = capacity * sizeof(UsomAuditEntry);

	entries = entries == NULL
		? MemoryContextAlloc(usom_audit_memory(), size)
		: repalloc(entries, size);
	entry_capacity = capacity;
}

void
usom_audit_gather(const UsomAuditEntry *entry)
{
	if (entry_count == entry_capacity)
		grow();
	entries[entry_count++] = *entry;
	gathered_size += size_of(entry);
}

/* ---- writing ---- */

static Datum
text_or_null(const char *string, bool *isnull)
{
	*isnull = (string == NULL);
	return string == NULL ? (Datum) 0 : CStringGetTextDatum(string);
}

static void
add_row(UsomRows *rows, const UsomAuditEntry *entry)
{
	Datum		values[10];
	bool		nulls[10] = {false};

	values[0] = Int64GetDatum(entry->audit_entry_id);
	values[1] = TimestampTzGetDatum(entry->occurred_at);
	values[2] = CStringGetTextDatum(entry->table_name);
	values[3] = CStringGetTextDatum(entry->operation);
	values[4] = Int32GetDatum(entry->row_count);
	values[5] = Int64GetDatum(entry->sales_order_id);
	nulls[5] = !entry->has_order;
	values[6] = text_or_null(entry->verb, &nulls[6]);
	values[7] = text_or_null(entry->reason, &nulls[7]);
	values[8] = PointerGetDatum(entry->before);
	nulls[8] = entry->before == NULL;
	values[9] = PointerGetDatum(entry->after);
	nulls[9] = entry->after == NULL;
	usom_rows_add(rows, values, nulls);
}

static UsomQuery insert_entries = {
	.text = "INSERT INTO usom.audit_entry (org_id, audit_entry_id, occurred_at, transaction_id, table_name, operation,"
	" row_count, sales_order_id, session_role, active_role, app_user, client_addr, application_name,"
	" verb, reason, before, after)"
	" SELECT $1, r.audit_entry_id, r.occurred_at, $2, r.table_name, r.operation,"
	" r.row_count, r.sales_order_id, $3, $4, $5, $6, $7, r.verb, r.reason, r.before, r.after"
	" FROM pg_catalog.unnest($8) AS r",
	.nargs = 8,
	.argtypes = {"pg_catalog.int8", "pg_catalog.int8", "pg_catalog.text", "pg_catalog.text", "pg_catalog.text",
	"pg_catalog.text", "pg_catalog.text", "usom._audit_row[]"},
};

/* Entries [first, end) are of one organisation. */
static void
insert_run(int first, int end)
{
	UsomActor	actor = usom_audit_actor();
	UsomRows   *rows = usom_rows_make("_audit_row", end - first);
	bool		nulls[8] = {false};
	Datum		values[8];

	for (int i = first; i < end; i++)
		add_row(rows, &entries[i]);
	values[0] = Int64GetDatum(entries[first].org_id);
	values[1] = Int64GetDatum((int64) U64FromFullTransactionId(GetTopFullTransactionId()));
	values[2] = CStringGetTextDatum(actor.session_role);
	values[3] = CStringGetTextDatum(actor.active_role);
	values[4] = actor.app_user[0] != '\0' ? CStringGetTextDatum(actor.app_user) : (Datum) 0;
	nulls[4] = actor.app_user[0] == '\0';
	values[5] = CStringGetTextDatum(actor.client_addr);
	values[6] = CStringGetTextDatum(actor.application_name);
	values[7] = usom_rows_datum(rows);
	usom_query_write(&insert_entries, values, nulls);
}

/* Write the entries from the one given on.  The caller is connected to SPI. */
static void
write_from(int first)
{
	Oid			user;
	int			context;
	int			run = first;

	GetUserIdAndSecContext(&user, &context);
	SetUserIdAndSecContext(writer, context | SECURITY_LOCAL_USERID_CHANGE);
	for (int i = first + 1; i <= entry_count; i++)
		if (i == entry_count || entries[i].org_id != entries[run].org_id)
		{
			insert_run(run, i);
			run = i;
		}
	SetUserIdAndSecContext(user, context);
	if (first == 0)
		forget_all();
	else
		forget_from(first);
}

/*
 * Only the entries of the present subtransaction may be written now: if it
 * aborts, those of its parents must stay.
 */
static int
first_of_level(int level)
{
	int			first = entry_count;

	while (first > 0 && entries[first - 1].level >= level)
		first--;
	return first;
}

void
usom_audit_write_if_due(Oid owner)
{
	int			first;

	writer = owner;
	if (usom_call_active() && gathered_size <= GATHERED_LIMIT)
		return;
	first = first_of_level(GetCurrentTransactionNestLevel());
	if (first == entry_count)
		return;
	SPI_connect();
	write_from(first);
	SPI_finish();
}

/* ---- callbacks ---- */

static void
at_end_of_call(void)
{
	if (entry_count > 0)
		write_from(0);
}

static void
at_abort(void)
{
	int			level = GetCurrentTransactionNestLevel();

	if (memory == NULL)
		return;
	if (level == 1)
		forget_all();
	else
		forget_from(first_of_level(level));
}

static void
at_subtransaction(SubXactEvent event, SubTransactionId mine, SubTransactionId parent, void *arg)
{
	int			level;

	if (event != SUBXACT_EVENT_COMMIT_SUB)
		return;
	level = GetCurrentTransactionNestLevel();
	for (int i = first_of_level(level); i < entry_count; i++)
		entries[i].level = level - 1;
}

void
usom_audit_entry_init(void)
{
	usom_call_at_end(at_end_of_call);
	usom_call_at_abort(at_abort);
	RegisterSubXactCallback(at_subtransaction, NULL);
}
