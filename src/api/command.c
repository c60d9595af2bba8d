/*
 * command.c
 *		Orders that plain SQL writes: the AFTER ROW trigger of sales_order.
 *
 * The guard (order/guard.c) has let the row pass: a new draft, a status that
 * may be commanded, or a correction.  Here follows what the verbs do besides:
 * the same functions run, told the status that the order came from.
 *
 * Locks: as the verb; the row itself is locked by the statement.
 */
#include "postgres.h"

#include "api/api.h"

#include "access/htup_details.h"
#include "base/call.h"
#include "base/query.h"
#include "base/settings.h"
#include "base/trigger.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/rel.h"

PG_FUNCTION_INFO_V1(usom__order_written);

static const UsomTriggerSpec spec = {"usom._order_written", .before = false, .row = true};

/* A correction is a version of the order, too. */
static UsomQuery note_change = {
	.text = "WITH changed AS (UPDATE usom.sales_order AS o SET version = o.version + 1 "
	"WHERE o.org_id = $1 AND o.sales_order_id = $2 AND $3 <> 'create' RETURNING o.version, o.status) "
	"INSERT INTO usom.order_history (org_id, sales_order_id, version, event, from_status, to_status, reason, app_user) "
	"SELECT $1, $2, coalesce(c.version, 1), $3, c.status, coalesce(c.status, 'draft'), $4, $5 "
	"FROM (VALUES (1)) AS one LEFT JOIN changed c ON true",
	.nargs = 5,
	.argtypes = {"bigint", "bigint", "text", "text", "text"},
};

static Datum
get_column(TriggerData *trigdata, HeapTuple row, const char *name, Oid type)
{
	bool		isnull;

	return heap_getattr(row, usom_trigger_column(trigdata, name, type), RelationGetDescr(trigdata->tg_relation), &isnull);
}

static UsomOrderStatus
get_status(TriggerData *trigdata, HeapTuple row)
{
	return (UsomOrderStatus) DatumGetUInt8(get_column(trigdata, row, "status", InvalidOid));
}

static void
write_history(Datum org_id, Datum order_id, const char *event)
{
	const char *reason = usom_call_reason();
	Datum		values[5] = {org_id, order_id, CStringGetTextDatum(event)};
	bool		nulls[5] = {false, false, false, reason == NULL, usom_setting_app_user[0] == '\0'};

	values[3] = reason ? CStringGetTextDatum(reason) : (Datum) 0;
	values[4] = CStringGetTextDatum(usom_setting_app_user);
	usom_query_write(&note_change, values, nulls);
}

static void
run_verb(Datum org_id, Datum order_id, UsomOrderStatus from, UsomOrderStatus to)
{
	int64		id = DatumGetInt64(order_id);
	UsomOrderSet *set = usom_order_load_many(DatumGetInt64(org_id), &id, 1);

	/* A second statement of the same command, or a verb below it, may have gone on already. */
	if (set->norders == 0 || set->orders[0].status != to)
		return;
	set->orders[0].status = set->orders[0].status_before = from;
	switch (to)
	{
		case USOM_ORDER_SUBMITTED:
			usom_api_submit(set);
			break;
		case USOM_ORDER_CONFIRMED:
			usom_api_confirm(set);
			break;
		case USOM_ORDER_REJECTED:
			usom_api_reject(set);
			break;
		case USOM_ORDER_CANCELLED:
			usom_api_cancel(set);
			break;
		case USOM_ORDER_CLOSED:
			usom_api_close(set);
			break;
		default:
			elog(ERROR, "unexpected commanded order state %d", to);
	}
}

static void
follow_update(TriggerData *trigdata, Datum org_id, Datum order_id)
{
	UsomOrderStatus from = get_status(trigdata, trigdata->tg_trigtuple);
	UsomOrderStatus to = get_status(trigdata, trigdata->tg_newtuple);

	if (from != to)
		run_verb(org_id, order_id, from, to);
	else
		write_history(org_id, order_id, "change");
}

Datum
usom__order_written(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = usom_trigger_check(fcinfo, &spec);
	HeapTuple	row = usom_trigger_row(trigdata);
	Datum		org_id;
	Datum		order_id;

	if (usom_query_is_writer() || usom_trigger_is_replay())
		return PointerGetDatum(NULL);
	org_id = get_column(trigdata, row, "org_id", INT8OID);
	order_id = get_column(trigdata, row, "sales_order_id", INT8OID);
	usom_call_begin(TRIGGER_FIRED_BY_INSERT(trigdata->tg_event) ? "insert order" : "update order", NULL);
	if (TRIGGER_FIRED_BY_INSERT(trigdata->tg_event))
		write_history(org_id, order_id, "create");
	else
		follow_update(trigdata, org_id, order_id);
	usom_call_end();
	return PointerGetDatum(NULL);
}
