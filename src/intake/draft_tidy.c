/*
 * draft_tidy.c
 *		Drafts that nobody went on with, and those of people who are erased.
 *
 * Their holds have run out, or will: nothing waits for this.
 *
 * Locks: rows of drafts and of keys.  Memory: that of SPI.
 */
#include "postgres.h"

#include "base/call.h"
#include "base/query.h"
#include "base/trigger.h"
#include "catalog/pg_type.h"
#include "party/person.h"
#include "utils/builtins.h"
#include "utils/rel.h"

PG_FUNCTION_INFO_V1(usom__tidy_drafts);
PG_FUNCTION_INFO_V1(usom__erase_drafts);

/* Once an hour: who looks notes that, and nobody else looks before the hour is over. */
static UsomQuery note_look = {
	.text = "UPDATE usom.retention AS r SET looked_at = now() WHERE r.org_id = $1 AND r.what = 'draft' "
	"AND (r.looked_at IS NULL OR r.looked_at < now() - interval '1 hour') RETURNING now() - r.keep_for",
	.nargs = 1,
	.argtypes = {"bigint"},
};

/* Who is being saved is not abandoned. */
#define DROP "gone AS (UPDATE usom.draft AS d SET status = 'dropped', document = NULL, dropped_at = now(), dropped_because = $3, quantity_held = 0 " \
	"FROM due WHERE d.org_id = $1 AND d.draft_id = due.draft_id RETURNING d.draft_id) " \
	"DELETE FROM usom.vault_key AS k USING gone WHERE k.org_id = $1 AND k.person_id = gone.draft_id"

static UsomQuery drop_old = {
	.text = "WITH due AS (SELECT d.draft_id FROM usom.draft AS d WHERE d.org_id = $1 AND d.status = 'open' AND d.saved_at < $2 AND d.held_until < now() "
	"ORDER BY d.draft_id LIMIT 1000 FOR NO KEY UPDATE SKIP LOCKED), " DROP,
	.nargs = 3,
	.argtypes = {"bigint", "timestamptz", "text"},
};

static UsomQuery drop_of_person = {
	.text = "WITH due AS (SELECT d.draft_id FROM usom.draft AS d JOIN usom.customer AS c ON c.org_id = $1 AND c.code = d.customer "
	"WHERE d.org_id = $1 AND d.status = 'open' AND c.customer_id = $2 ORDER BY d.draft_id FOR NO KEY UPDATE OF d), " DROP,
	.nargs = 3,
	.argtypes = {"bigint", "bigint", "text"},
};

/* usom._tidy_drafts(org_id): how many were dropped. */
Datum
usom__tidy_drafts(PG_FUNCTION_ARGS)
{
	Datum		values[3] = {PG_GETARG_DATUM(0)};
	uint64		count = 0;

	usom_call_begin("tick", NULL);
	if (usom_query_write(&note_look, values, NULL) > 0)
	{
		values[1] = usom_query_get(0, 1);
		values[2] = PointerGetDatum(cstring_to_text("abandoned"));
		count = usom_query_write(&drop_old, values, NULL);
	}
	usom_call_end();
	PG_RETURN_INT64((int64) count);
}

/* usom._erase_drafts(): AFTER INSERT of a row of usom.erasure. */
Datum
usom__erase_drafts(PG_FUNCTION_ARGS)
{
	static const UsomTriggerSpec spec = {.function = "_erase_drafts", .before = false, .row = true, .nargs = 0};
	TriggerData *trigdata = usom_trigger_check(fcinfo, &spec);
	TupleDesc	columns = RelationGetDescr(trigdata->tg_relation);
	bool		isnull;
	Datum		values[3];

	values[0] = SPI_getbinval(trigdata->tg_trigtuple, columns, usom_trigger_column(trigdata, "org_id", INT8OID), &isnull);
	values[1] = SPI_getbinval(trigdata->tg_trigtuple, columns, usom_trigger_column(trigdata, "person_id", INT8OID), &isnull);
	values[2] = PointerGetDatum(cstring_to_text("the customer was erased"));
	if (!usom_trigger_is_replay())
	{
		SPI_connect();
		usom_query_write(&drop_of_person, values, NULL);
		SPI_finish();
		usom_person_forget_key();
	}
	return PointerGetDatum(NULL);
}
