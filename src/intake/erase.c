/*
 * erase.c
 *		Who is erased leaves no payload behind: trigger of usom.erasure.
 *
 * The keys of the messages of his orders are deleted; those of old messages, too,
 * if usom.retention says so.
 *
 * Locks: rows of keys.  Memory: that of SPI.
 */
#include "postgres.h"

#include "base/call.h"
#include "base/query.h"
#include "base/trigger.h"
#include "catalog/pg_type.h"
#include "party/person.h"
#include "utils/rel.h"

PG_FUNCTION_INFO_V1(usom__erase_messages);
PG_FUNCTION_INFO_V1(usom__retain_messages);

static UsomQuery delete_keys = {
	.text = "DELETE FROM usom.vault_key AS k USING usom.inbox_message AS m, usom.sales_order AS o WHERE o.org_id = $1 "
	"AND (o.customer_id = $2 OR o.sales_order_id = $2) AND m.org_id = $1 AND m.sales_order_id = o.sales_order_id "
	"AND k.org_id = $1 AND k.person_id = m.inbox_message_id",
	.nargs = 2,
	.argtypes = {"bigint", "bigint"},
};

Datum
usom__erase_messages(PG_FUNCTION_ARGS)
{
	static const UsomTriggerSpec spec = {.function = "_erase_messages", .before = false, .row = true, .nargs = 0};
	TriggerData *trigdata = usom_trigger_check(fcinfo, &spec);
	TupleDesc	columns = RelationGetDescr(trigdata->tg_relation);
	bool		isnull;
	Datum		values[2];

	values[0] = SPI_getbinval(trigdata->tg_trigtuple, columns, usom_trigger_column(trigdata, "org_id", INT8OID), &isnull);
	values[1] = SPI_getbinval(trigdata->tg_trigtuple, columns, usom_trigger_column(trigdata, "person_id", INT8OID), &isnull);
	if (!usom_trigger_is_replay())
	{
		SPI_connect();
		usom_query_write(&delete_keys, values, NULL);
		SPI_finish();
	}
	return PointerGetDatum(NULL);
}

/* ---- retention ---- */

/* Once an hour: who looks notes that, and nobody else looks before the hour is over. */
static UsomQuery note_look = {
	.text = "UPDATE usom.retention AS r SET looked_at = now() WHERE r.org_id = $1 AND r.what = 'message' "
	"AND (r.looked_at IS NULL OR r.looked_at < now() - interval '1 hour') RETURNING now() - r.keep_for",
	.nargs = 1,
	.argtypes = {"bigint"},
};

/* Of what was not loaded, too: nobody but its document says whom it is about. */
static UsomQuery delete_old_keys = {
	.text = "DELETE FROM usom.vault_key AS k USING (SELECT m.inbox_message_id AS person_id FROM usom.inbox_message AS m WHERE m.org_id = $1 "
	"AND m.channel_id = ANY (SELECT c.channel_id FROM usom.channel AS c WHERE c.org_id = $1) AND m.received_at < $2 "
	"AND m.status IN ('processed', 'dead') UNION ALL "
	"SELECT r.load_row_id FROM usom.load_row AS r WHERE r.org_id = $1 AND r.outcome = 'rejected' AND r.brought_at < $2) AS old "
	"WHERE k.org_id = $1 AND k.person_id = old.person_id",
	.nargs = 2,
	.argtypes = {"bigint", "timestamptz"},
};

/* usom._retain_messages(org_id): how many payloads nobody can open any more. */
Datum
usom__retain_messages(PG_FUNCTION_ARGS)
{
	Datum		values[2] = {PG_GETARG_DATUM(0)};
	uint64		count = 0;

	usom_call_begin("tick", NULL);
	if (usom_query_write(&note_look, values, NULL) > 0)
	{
		values[1] = usom_query_get(0, 1);
		count = usom_query_write(&delete_old_keys, values, NULL);
	}
	usom_call_end();
	PG_RETURN_INT64((int64) count);
}
