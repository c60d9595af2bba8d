/*
 * load_row.c
 *		What is written to the view usom.load_document.
 *
 * COPY takes rows that row security looks at from nobody, so documents come by
 * a view: its triggers seal what an INSERT or COPY brings, gather it, and
 * write a thousand rows with one statement of each kind.  An UPDATE mends a
 * document that was not loaded, a DELETE forgets one.
 *
 * Memory: rows that are gathered are in a context of their own, which ends
 * when they are written, or with the transaction.  Keys are wiped when they
 * were written.
 *
 * Locks: the row that is mended or deleted.
 *
 * Invariant: when the statement has ended, nothing is gathered.
 */
#include "postgres.h"

#include "intake/load.h"

#include "access/xact.h"
#include "base/call.h"
#include "base/card_guard.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/ident.h"
#include "base/query.h"
#include "base/trigger.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "party/party.h"
#include "party/person.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/rel.h"

PG_FUNCTION_INFO_V1(usom__load_document);
PG_FUNCTION_INFO_V1(usom__load_written);

#define AT_ONCE 1000

static const UsomTriggerSpec row_spec = {.function = "usom._load_document", .instead = true};
static const UsomTriggerSpec written_spec = {.function = "usom._load_written"};

/* A document with a card number is not kept: its row says so. */
static UsomQuery insert_rows = {
	.text = "INSERT INTO usom.load_row (org_id, load_row_id, batch, document, outcome, sqlstate, message) "
	"SELECT $1, r.load_row_id, r.batch, r.document, CASE WHEN r.document IS NULL THEN 'rejected' END, "
	"CASE WHEN r.document IS NULL THEN 'US502' END, CASE WHEN r.document IS NULL THEN 'the document holds what looks like a card number, and was not kept' END "
	"FROM unnest($2) AS r",
	.nargs = 2,
	.argtypes = {"bigint", "usom._load_new[]"},
};

static UsomQuery lock_row = {
	.text = "SELECT r.outcome, k.key FROM usom.load_row AS r LEFT JOIN usom.vault_key AS k ON k.org_id = $1 AND k.person_id = r.load_row_id "
	"WHERE r.org_id = $1 AND r.load_row_id = $2 FOR UPDATE OF r",
	.nargs = 2,
	.argtypes = {"bigint", "bigint"},
};

static UsomQuery mend_row = {
	.text = "UPDATE usom.load_row AS r SET document = $3, outcome = NULL, sqlstate = NULL, message = NULL, external_id = NULL, loaded_at = NULL "
	"WHERE r.org_id = $1 AND r.load_row_id = $2",
	.nargs = 3,
	.argtypes = {"bigint", "bigint", "text"},
};

static UsomQuery delete_row = {
	.text = "WITH gone AS (DELETE FROM usom.load_row AS r WHERE r.org_id = $1 AND r.load_row_id = $2 RETURNING r.load_row_id) "
	"DELETE FROM usom.vault_key AS k USING gone AS g WHERE k.org_id = $1 AND k.person_id = g.load_row_id",
	.nargs = 2,
	.argtypes = {"bigint", "bigint"},
};

typedef struct Gathered
{
	int64		load_row_id;
	char	   *batch;
	text	   *sealed;			/* NULL: it held a card number */
} Gathered;

static MemoryContext gathered_context = NULL;	/* NULL: nothing is gathered */
static int64 gathered_org;
static int	gathered_level;		/* of subtransactions */
static Gathered *gathered;
static UsomPersonKey *keys;
static int	ngathered = 0;
static int	nkeys = 0;

static void
forget(void)
{
	if (gathered_context == NULL)
		return;
	explicit_bzero(keys, sizeof(UsomPersonKey) * AT_ONCE);
	MemoryContextDelete(gathered_context);
	gathered_context = NULL;
	ngathered = nkeys = 0;
}

/* What a statement has gathered outlives subtransactions that begin and fail within it. */
static void
forget_at_abort(void)
{
	if (GetCurrentTransactionNestLevel() <= gathered_level)
		forget();
}

static void
begin_gathering(int64 org_id)
{
	MemoryContext context = AllocSetContextCreate(TopTransactionContext, "usom documents to load", ALLOCSET_DEFAULT_SIZES);

	gathered = MemoryContextAlloc(context, sizeof(Gathered) * AT_ONCE);
	keys = MemoryContextAllocZero(context, sizeof(UsomPersonKey) * AT_ONCE);
	gathered_org = org_id;
	gathered_level = GetCurrentTransactionNestLevel();
	gathered_context = context;
}

static Datum
gathered_rows(void)
{
	UsomRows   *rows = usom_rows_make("_load_new", ngathered);

	for (int i = 0; i < ngathered; i++)
	{
		bool		nulls[3] = {false, false, gathered[i].sealed == NULL};
		Datum		values[3] = {
			Int64GetDatum(gathered[i].load_row_id), CStringGetTextDatum(gathered[i].batch), PointerGetDatum(gathered[i].sealed)
		};

		usom_rows_add(rows, values, nulls);
	}
	return usom_rows_datum(rows);
}

static void
write_gathered(void)
{
	Datum		values[2];

	if (gathered_context == NULL)
		return;
	usom_call_begin("load", NULL);
	values[0] = Int64GetDatum(gathered_org);
	values[1] = gathered_rows();
	usom_query_write(&insert_rows, values, NULL);
	usom_person_write(gathered_org, keys, nkeys, NULL, 0);
	usom_call_end();
	forget();
}

/* ---- one row of the view ---- */

static char *
column_text(TriggerData *trigdata, HeapTuple row, const char *name)
{
	(void) usom_trigger_column(trigdata, name, TEXTOID);
	return SPI_getvalue(row, RelationGetDescr(trigdata->tg_relation), SPI_fnumber(RelationGetDescr(trigdata->tg_relation), name));
}

static int64
ordinal_of(TriggerData *trigdata, HeapTuple row)
{
	bool		isnull;
	Datum		value = SPI_getbinval(row, RelationGetDescr(trigdata->tg_relation), usom_trigger_column(trigdata, "ordinal", INT8OID), &isnull);

	return isnull ? 0 : DatumGetInt64(value);
}

/* Only batch and document are anybody's to write. */
static void
check_columns(TriggerData *trigdata, HeapTuple row, HeapTuple before)
{
	TupleDesc	columns = RelationGetDescr(trigdata->tg_relation);

	for (int i = 1; i <= columns->natts; i++)
	{
		const char *name = NameStr(TupleDescAttr(columns, i - 1)->attname);
		char	   *is = SPI_getvalue(row, columns, i);
		char	   *was = before != NULL ? SPI_getvalue(before, columns, i) : NULL;

		if (strcmp(name, "document") == 0 || (strcmp(name, "batch") == 0 && before == NULL) ||
			(is == NULL ? was == NULL : was != NULL && strcmp(is, was) == 0))
			continue;
		ereport(ERROR, errcode(USOM_ERR(BAD_LOAD)),
				errmsg("column \"%s\" of a document to load is not written by hand", name),
				errhint("Write batch and document: COPY usom.load_document (batch, document) FROM ...;"));
	}
}

static int64
check_caller(void)
{
	int64		org_id = usom_party_caller_org();

	if (!usom_party_sees_all_channels())
		ereport(ERROR, errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				errmsg("documents to load are for roles that see all channels"),
				errhint("usom.place_orders() takes those of a channel."));
	return org_id;
}

static void
require(const char *value, const char *name)
{
	if (value == NULL || value[0] == '\0')
		ereport(ERROR, errcode(USOM_ERR(BAD_LOAD)),
				errmsg("a document to load needs a %s", name),
				errhint("COPY usom.load_document (batch, document) FROM ...;"));
}

static void
gather(TriggerData *trigdata, int64 org_id)
{
	char	   *batch = column_text(trigdata, trigdata->tg_trigtuple, "batch");
	char	   *document = column_text(trigdata, trigdata->tg_trigtuple, "document");
	Gathered   *item;
	MemoryContext before;

	check_columns(trigdata, trigdata->tg_trigtuple, NULL);
	require(batch, "batch");
	require(document, "document");
	usom_card_check_string("column batch", batch);
	if (gathered_context != NULL && gathered_level != GetCurrentTransactionNestLevel())
		ereport(ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				errmsg("documents to load are brought by a function that is called for others"),
				errhint("Bring them in a statement of their own."));
	if (gathered_context != NULL && (ngathered == AT_ONCE || gathered_org != org_id))
		write_gathered();
	if (gathered_context == NULL)
		begin_gathering(org_id);
	before = MemoryContextSwitchTo(gathered_context);
	item = &gathered[ngathered];
	*item = (Gathered) {.load_row_id = usom_ident_next(), .batch = pstrdup(batch)};
	if (!usom_card_is_in(document))
	{
		usom_vault_make_key(&keys[nkeys], org_id, item->load_row_id);
		item->sealed = usom_vault_seal(&keys[nkeys++], cstring_to_text(document));
	}
	ngathered++;
	MemoryContextSwitchTo(before);
}

/* Under the key that the row has; one whose document was not kept gets one. */
static text *
seal_again(int64 org_id, int64 load_row_id, const char *document)
{
	UsomPersonKey key = {0};
	bool		no_key;
	Datum		stored = usom_query_get_or_null(0, 2, &no_key);
	text	   *sealed;

	if (no_key || !usom_person_take_key(stored, org_id, load_row_id, &key))
	{
		usom_vault_make_key(&key, org_id, load_row_id);
		usom_person_write(org_id, &key, 1, NULL, 0);
	}
	sealed = usom_vault_seal(&key, cstring_to_text(document));
	explicit_bzero(&key, sizeof(key));
	return sealed;
}

static void
mend(TriggerData *trigdata, int64 org_id)
{
	int64		load_row_id = ordinal_of(trigdata, trigdata->tg_trigtuple);
	char	   *document = column_text(trigdata, trigdata->tg_newtuple, "document");
	Datum		values[3] = {Int64GetDatum(org_id), Int64GetDatum(load_row_id)};
	char	   *outcome;

	check_columns(trigdata, trigdata->tg_newtuple, trigdata->tg_trigtuple);
	require(document, "document");
	usom_card_check_string("column document", document);
	if (usom_query_run(&lock_row, values, NULL) == 0)
		return;
	outcome = usom_query_get_text(0, 1);
	if (outcome != NULL && strcmp(outcome, "rejected") != 0)
		ereport(ERROR, errcode(USOM_ERR(LOAD_DONE)),
				errmsg("the document of batch \"%s\" was loaded", column_text(trigdata, trigdata->tg_trigtuple, "batch")),
				errdetail("It was %s.", outcome),
				errhint("usom.change_order() changes the order."));
	values[2] = PointerGetDatum(seal_again(org_id, load_row_id, document));
	usom_query_write(&mend_row, values, NULL);
}

static void
delete(TriggerData *trigdata, int64 org_id)
{
	Datum		values[] = {Int64GetDatum(org_id), Int64GetDatum(ordinal_of(trigdata, trigdata->tg_trigtuple))};

	usom_query_write(&delete_row, values, NULL);
}

/* INSTEAD OF INSERT, UPDATE, DELETE on usom.load_document */
Datum
usom__load_document(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = usom_trigger_check(fcinfo, &row_spec);
	int64		org_id = check_caller();

	if (TRIGGER_FIRED_BY_INSERT(trigdata->tg_event))
		gather(trigdata, org_id);
	else
	{
		usom_call_begin("load", NULL);
		if (TRIGGER_FIRED_BY_UPDATE(trigdata->tg_event))
			mend(trigdata, org_id);
		else
			delete(trigdata, org_id);
		usom_call_end();
	}
	return PointerGetDatum(usom_trigger_row(trigdata));
}

/* AFTER INSERT on usom.load_document, for the statement */
Datum
usom__load_written(PG_FUNCTION_ARGS)
{
	(void) usom_trigger_check(fcinfo, &written_spec);
	write_gathered();
	return PointerGetDatum(NULL);
}

void
usom_load_init(void)
{
	usom_call_at_abort(forget_at_abort);
}
