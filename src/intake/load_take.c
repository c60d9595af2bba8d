/*
 * load_take.c
 *		Rows of a batch: taken to be worked on, and settled.
 *
 * Locks: the rows taken, until the transaction ends; before any order.
 * Memory: CurrentMemoryContext; keys are wiped when their document is read.
 */
#include "postgres.h"

#include "intake/load.h"

#include "api/attempt.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/query.h"
#include "party/party.h"
#include "party/person.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"

static UsomQuery find_batch = {
	.text = "SELECT FROM usom.load_row AS r WHERE r.org_id = $1 AND r.batch = $2 LIMIT 1",
	.nargs = 2,
	.argtypes = {"bigint", "text"},
};

static UsomQuery count_due = {
	.text = "SELECT count(*) FROM usom.load_row AS r WHERE r.org_id = $1 AND r.batch = $2 AND r.outcome IS NULL",
	.nargs = 2,
	.argtypes = {"bigint", "text"},
};

static UsomQuery take_rows = {
	.text = "SELECT r.load_row_id, r.document, k.key FROM (SELECT q.load_row_id, q.document FROM usom.load_row AS q "
	"WHERE q.org_id = $1 AND q.batch = $2 AND q.outcome IS NULL AND q.load_row_id > $3 "
	"ORDER BY q.load_row_id LIMIT $4 FOR NO KEY UPDATE SKIP LOCKED) AS r "
	"LEFT JOIN usom.vault_key AS k ON k.org_id = $1 AND k.person_id = r.load_row_id ORDER BY r.load_row_id",
	.nargs = 4,
	.argtypes = {"bigint", "text", "bigint", "integer"},
};

static UsomQuery settle_rows = {
	.text = "UPDATE usom.load_row AS r SET outcome = d.outcome, external_id = d.external_id, sqlstate = d.sqlstate, message = d.message, "
	"document = CASE WHEN d.outcome = 'rejected' THEN r.document END, loaded_at = $3, "
	"sales_order_id = (SELECT o.sales_order_id FROM usom.sales_order AS o WHERE o.org_id = $1 AND o.order_no = d.order_no) "
	"FROM unnest($2) AS d WHERE r.org_id = $1 AND r.load_row_id = d.load_row_id",
	.nargs = 3,
	.argtypes = {"bigint", "usom._load_done[]", "timestamptz"},
};

static UsomQuery forget_keys = {
	.text = "DELETE FROM usom.vault_key AS k USING unnest($2) AS d (load_row_id) WHERE k.org_id = $1 AND k.person_id = d.load_row_id",
	.nargs = 2,
	.argtypes = {"bigint", "bigint[]"},
};

void
usom_load_check_batch(int64 org_id, const char *batch)
{
	Datum		values[] = {Int64GetDatum(org_id), CStringGetTextDatum(batch)};

	if (!usom_party_sees_all_channels())
		ereport(ERROR, errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				errmsg("batches are loaded by roles that see all channels"),
				errhint("usom.place_orders() takes documents of a channel."));
	if (usom_query_run(&find_batch, values, NULL) == 0)
		ereport(ERROR, errcode(USOM_ERR(UNKNOWN_BATCH)),
				errmsg("no documents were brought for batch \"%s\"", batch),
				errhint("COPY usom.load_document (batch, document) FROM ...;"));
}

int64
usom_load_due(int64 org_id, const char *batch)
{
	Datum		values[] = {Int64GetDatum(org_id), CStringGetTextDatum(batch)};

	usom_query_run(&count_due, values, NULL);
	return DatumGetInt64(usom_query_get(0, 1));
}

/* ---- reading ---- */

static text *
open_document(int64 org_id, int64 load_row_id, uint64 row)
{
	bool		no_document;
	bool		no_key;
	Datum		document = usom_query_get_or_null(row, 2, &no_document);
	Datum		stored = usom_query_get_or_null(row, 3, &no_key);
	UsomPersonKey key = {0};
	text	   *clear = NULL;

	if (!no_document && !no_key && usom_person_take_key(stored, org_id, load_row_id, &key))
		clear = usom_vault_open(&key, DatumGetTextPP(document));
	explicit_bzero(&key, sizeof(key));
	return clear;
}

/* A document that is no JSON; what it says is not repeated. */
static void
reject_unreadable(UsomLoadItem *item, const char *message)
{
	item->outcome = "rejected";
	item->sqlstate = "22P02";
	item->message = message;
}

typedef struct Reading
{
	const char *text;
	Jsonb	   *document;
} Reading;

static void
read_json(void *arg)
{
	Reading    *reading = arg;

	reading->document = DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(reading->text)));
}

static void
read_document(UsomLoadItem *item, text *clear)
{
	Reading		reading = {.text = clear != NULL ? text_to_cstring(clear) : NULL};

	if (clear == NULL)
		reject_unreadable(item, "the document cannot be opened: it has no key");
	else if (usom_api_attempt(read_json, &reading) != NULL)
		reject_unreadable(item, "the document is no JSON");
	else
		item->document = reading.document;
}

UsomLoadItem *
usom_load_take(int64 org_id, const char *batch, int64 after, int limit, int *count, int64 *last)
{
	Datum		values[] = {Int64GetDatum(org_id), CStringGetTextDatum(batch), Int64GetDatum(after), Int32GetDatum(limit)};
	int			n = (int) usom_query_run(&take_rows, values, NULL);
	UsomLoadItem *items = palloc0_array(UsomLoadItem, Max(n, 1));
	text	  **clear = palloc_array(text *, Max(n, 1));

	for (int i = 0; i < n; i++)
	{
		items[i].load_row_id = DatumGetInt64(usom_query_get(i, 1));
		clear[i] = open_document(org_id, items[i].load_row_id, i);
	}
	for (int i = 0; i < n; i++)
		read_document(&items[i], clear[i]);
	*count = n;
	*last = n > 0 ? items[n - 1].load_row_id : after;
	return items;
}

/* ---- settling ---- */

void
usom_load_reject(UsomLoadItem *item, const ErrorData *error)
{
	item->outcome = "rejected";
	item->order_no = NULL;
	item->sqlstate = pstrdup(unpack_sql_state(error->sqlerrcode));
	item->message = error->detail ? psprintf("%s (%s)", error->message, error->detail) : error->message;
}

static Datum
settled_rows(const UsomLoadItem *items, int count)
{
	UsomRows   *rows = usom_rows_make("_load_done", count);

	for (int i = 0; i < count; i++)
	{
		const char *texts[] = {items[i].outcome, items[i].order_no, items[i].external_id, items[i].sqlstate, items[i].message};
		Datum		values[lengthof(texts) + 1] = {Int64GetDatum(items[i].load_row_id)};
		bool		nulls[lengthof(texts) + 1] = {false};

		for (int j = 0; j < (int) lengthof(texts); j++)
		{
			nulls[j + 1] = texts[j] == NULL;
			values[j + 1] = texts[j] != NULL ? CStringGetTextDatum(texts[j]) : (Datum) 0;
		}
		usom_rows_add(rows, values, nulls);
	}
	return usom_rows_datum(rows);
}

void
usom_load_settle(int64 org_id, const UsomLoadItem *items, int count)
{
	int64	   *done = palloc_array(int64, Max(count, 1));
	int			ndone = 0;
	Datum		values[3] = {Int64GetDatum(org_id), settled_rows(items, count), TimestampTzGetDatum(GetCurrentTimestamp())};
	Datum		keys[2] = {Int64GetDatum(org_id)};

	for (int i = 0; i < count; i++)
		if (strcmp(items[i].outcome, "rejected") != 0)
			done[ndone++] = items[i].load_row_id;
	usom_query_write(&settle_rows, values, NULL);
	keys[1] = usom_query_keys(done, ndone);
	if (ndone > 0)
		usom_query_write(&forget_keys, keys, NULL);
}
