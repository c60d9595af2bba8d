/*
 * entry.c
 *		Entries of the audit on their way to the table.
 *
 *		A call writes all its entries with one statement when it ends; plain
 *		SQL writes those of each statement at once.  Entries of an order are
 *		numbered, and each holds the digest of the one before it; those of
 *		different orders share nothing, so no order waits for another.
 *
 * Memory: entries, images and the list are in one context of their own, which
 * is reset when the list has been written; what writing needs is the SPI
 * connection's.  Nothing here locks.
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

#include "audit/digest.h"
#include "audit/entry.h"

#include "access/transam.h"
#include "access/xact.h"
#include "base/compat.h"
#include "base/call.h"
#include "base/insert.h"
#include "base/query.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#define KEPT_BLOCK_SIZE (32 * 1024)	/* stays with the backend */
#define GATHERED_LIMIT (16 * 1024 * 1024)	/* bytes; a call that gathers more writes early */
#define LARGE_IMAGES (64 * 1024)	/* bytes of a call, from which on they are compressed by the faster method */
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

/* ---- chains ---- */

/*
 * What was done for one order alone is of that order, whatever table it is in:
 * stock that a call reserves stands in the chain of the order it is for.
 */
static void
attribute(UsomAuditEntry *run, int count)
{
	const UsomAuditEntry *told = NULL;

	for (int i = 0; i < count; i++)
	{
		if (!run[i].has_order)
			continue;
		if (told != NULL && told->sales_order_id != run[i].sales_order_id)
			return;
		told = &run[i];
	}
	for (int i = 0; told != NULL && i < count; i++)
	{
		run[i].has_order = true;
		run[i].sales_order_id = told->sales_order_id;
	}
}

/* By order; those of none first; within an order as they were gathered. */
static int
compare_by_chain(const void *a, const void *b)
{
	const UsomAuditEntry *left = *(UsomAuditEntry *const *) a;
	const UsomAuditEntry *right = *(UsomAuditEntry *const *) b;

	if (left->has_order != right->has_order)
		return left->has_order ? 1 : -1;
	if (left->has_order && left->sales_order_id != right->sales_order_id)
		return left->sales_order_id > right->sales_order_id ? 1 : -1;
	return left > right ? 1 : -1;
}

static UsomAuditEntry **
sort_by_chain(UsomAuditEntry *run, int count)
{
	UsomAuditEntry **sorted = palloc(count * sizeof(UsomAuditEntry *));

	for (int i = 0; i < count; i++)
		sorted[i] = &run[i];
	qsort(sorted, count, sizeof(UsomAuditEntry *), compare_by_chain);
	return sorted;
}

static bool
begins_chain(UsomAuditEntry **sorted, int i)
{
	return sorted[i]->has_order
		&& (i == 0 || !sorted[i - 1]->has_order || sorted[i - 1]->sales_order_id != sorted[i]->sales_order_id);
}

/* An order that these entries make has none before them. */
static bool
is_birth(const UsomAuditEntry *entry)
{
	return strcmp(entry->operation, "INSERT") == 0 && strcmp(entry->table_name, "sales_order") == 0;
}

static int
find_heads(UsomAuditEntry **sorted, int count)
{
	Datum	   *orders = palloc(count * sizeof(Datum));
	int			norders = 0;

	for (int i = 0; i < count; i++)
		if (begins_chain(sorted, i) && !is_birth(sorted[i]))
			orders[norders++] = Int64GetDatum(sorted[i]->sales_order_id);
	return norders == 0 ? 0 : usom_audit_find_heads(sorted[0]->org_id, orders, norders);
}

/* Put the entry behind the head of its chain; heads and chains are both by order. */
static void
follow_head(UsomAuditEntry *entry, int *head, int nheads)
{
	entry->entry_no = 1;
	entry->previous = NULL;
	if (*head == nheads || DatumGetInt64(usom_query_get(*head, 1)) != entry->sales_order_id)
		return;
	entry->entry_no = DatumGetInt32(usom_query_get(*head, 2)) + 1;
	entry->previous = DatumGetByteaPP(usom_query_get(*head, 3));
	(*head)++;
}

/* Number and link the entries of one organisation, and make their digests. */
static bytea **
link_chains(UsomAuditEntry *run, int count, const UsomActor *actor, int64 transaction_id)
{
	UsomAuditEntry **sorted;
	bytea	  **digests = palloc(count * sizeof(bytea *));
	int			nheads;
	int			head = 0;
	UsomDigester digester;
	UsomDigest	digest;

	attribute(run, count);
	sorted = sort_by_chain(run, count);
	nheads = find_heads(sorted, count);
	usom_digest_open(&digester);
	for (int i = 0; i < count; i++)
	{
		if (begins_chain(sorted, i))
			follow_head(sorted[i], &head, nheads);
		else if (sorted[i]->has_order)
		{
			sorted[i]->entry_no = sorted[i - 1]->entry_no + 1;
			sorted[i]->previous = digests[sorted[i - 1] - run];
		}
		usom_digest_entry(&digester, sorted[i], actor, transaction_id, &digest);
		digests[sorted[i] - run] = usom_sha256_bytea(&digest);
	}
	usom_digest_close(&digester);
	return digests;
}

/* ---- writing ---- */

#define ROW_COLUMNS 19

static Datum
text_or_null(const char *string, bool *isnull)
{
	*isnull = (string == NULL);
	return string == NULL ? (Datum) 0 : CStringGetTextDatum(string);
}

static Datum
bytes_or_null(const bytea *bytes, bool *isnull)
{
	*isnull = (bytes == NULL);
	return PointerGetDatum(bytes);
}

static UsomInsert insert_entries = {
	.table = "audit_entry",
	.row_type = "_audit_row",
	.ncolumns = ROW_COLUMNS,
	.query.text = "INSERT INTO usom.audit_entry (org_id, audit_entry_id, occurred_at, transaction_id, table_name, operation,"
	" row_count, sales_order_id, entry_no, previous, session_role, active_role, app_user, client_addr, application_name,"
	" verb, reason, before, after, digest)"
	" SELECT $1, r.* FROM pg_catalog.unnest($2) AS r",
	.query.nargs = 2,
	.query.argtypes = {"pg_catalog.int8", "usom._audit_row[]"},
};

/* Columns that all entries of a run share. */
typedef struct Common
{
	Datum		transaction_id;
	Datum		actor[5];
	bool		no_app_user;
} Common;

static Common
make_common(const UsomActor *actor, int64 transaction_id)
{
	Common		common = {.transaction_id = Int64GetDatum(transaction_id)};

	common.actor[0] = CStringGetTextDatum(actor->session_role);
	common.actor[1] = CStringGetTextDatum(actor->active_role);
	common.actor[2] = text_or_null(actor->app_user, &common.no_app_user);
	common.actor[3] = CStringGetTextDatum(actor->client_addr);
	common.actor[4] = CStringGetTextDatum(actor->application_name);
	return common;
}

static void
add_row(UsomRows *rows, const UsomAuditEntry *entry, const Common *common, const bytea *digest)
{
	Datum		values[ROW_COLUMNS];
	bool		nulls[ROW_COLUMNS] = {false};

	values[0] = Int64GetDatum(entry->audit_entry_id);
	values[1] = TimestampTzGetDatum(entry->occurred_at);
	values[2] = common->transaction_id;
	values[3] = CStringGetTextDatum(entry->table_name);
	values[4] = CStringGetTextDatum(entry->operation);
	values[5] = Int32GetDatum(entry->row_count);
	values[6] = Int64GetDatum(entry->sales_order_id);
	values[7] = Int32GetDatum(entry->entry_no);
	nulls[6] = nulls[7] = !entry->has_order;
	values[8] = bytes_or_null(entry->previous, &nulls[8]);
	memcpy(&values[9], common->actor, sizeof(common->actor));
	nulls[11] = common->no_app_user;
	values[14] = text_or_null(entry->verb, &nulls[14]);
	values[15] = text_or_null(entry->reason, &nulls[15]);
	values[16] = bytes_or_null(entry->before, &nulls[16]);
	values[17] = bytes_or_null(entry->after, &nulls[17]);
	values[18] = PointerGetDatum(digest);
	usom_rows_add(rows, values, nulls);
}

static UsomActor
find_actor(void)
{
	UsomActor	actor = usom_audit_actor();

	if (actor.app_user[0] == '\0')
		actor.app_user = NULL;
	return actor;
}

/*
 * Images of many rows are compressed by the faster method, where the server
 * has it: the level of settings to go back to, 0 for none.
 */
static int
choose_compression(int first, int end)
{
	int			nest = 0;
#ifdef USE_LZ4
	Size		size = 0;

	for (int i = first; i < end; i++)
		size += (entries[i].before ? VARSIZE(entries[i].before) : 0) + (entries[i].after ? VARSIZE(entries[i].after) : 0);
	if (likely(size < LARGE_IMAGES))
		return 0;
	nest = NewGUCNestLevel();
	set_config_option("default_toast_compression", "lz4", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
#endif
	return nest;
}

/* Entries [first, end) are of one organisation. */
static void
insert_run(int first, int end)
{
	UsomActor	actor = find_actor();
	int64		transaction_id = (int64) U64FromFullTransactionId(GetTopFullTransactionId());
	bytea	  **digests = link_chains(&entries[first], end - first, &actor, transaction_id);
	UsomRows   *rows = usom_insert_rows(&insert_entries, end - first);
	Common		common = make_common(&actor, transaction_id);
	int			nest;

	for (int i = first; i < end; i++)
		add_row(rows, &entries[i], &common, digests[i - first]);
	nest = choose_compression(first, end);
	usom_insert_run(&insert_entries, entries[first].org_id, rows);
	if (nest > 0)
		AtEOXact_GUC(true, nest);
}

/* What is written at once ended at once: no moment shows a half of a call. */
static void
stamp(int first)
{
	TimestampTz now = GetCurrentTimestamp();

	for (int i = first; i < entry_count; i++)
		entries[i].occurred_at = now;
}

/* Write the entries from the one given on.  The caller is connected to SPI. */
static void
write_from(int first)
{
	Oid			user;
	int			context;
	int			run = first;

	stamp(first);
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
