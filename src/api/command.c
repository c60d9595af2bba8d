/*
 * command.c
 *		Orders that plain SQL writes: the AFTER STATEMENT trigger of sales_order.
 *
 * The guard (order/guard.c) has let the rows pass: new drafts, statuses that
 * may be commanded, corrections.  Here follows what the verbs do besides: the
 * same functions run, told the status that the orders came from.  Orders of an
 * organisation that one statement takes to the same status are one set.
 *
 * Locks: as the verbs; the rows themselves are locked by the statement.  One
 * that takes orders to several statuses locks the stock and the supply of all
 * their products and the days of locations that are counted before the first
 * verb runs, in lock order, so that the verbs find them locked.
 *
 * Memory: the call's context.
 */
#include "postgres.h"

#include "api/api.h"

#include "access/htup_details.h"
#include "base/call.h"
#include "base/errors.h"
#include "base/glass.h"
#include "base/query.h"
#include "base/settings.h"
#include "base/trigger.h"
#include "catalog/pg_type.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "order/approval.h"
#include "order/flow.h"
#include "order/news.h"
#include "payment/credit.h"
#include "sourcing/ruled.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/rel.h"
#include "utils/tuplestore.h"

PG_FUNCTION_INFO_V1(usom__order_written);

static const UsomTriggerSpec spec = {"usom._order_written", .before = false, .row = false};

/* What became of one row: written anew, corrected, or taken to another status. */
typedef struct Written
{
	int64		org_id;
	int64		order_id;
	UsomOrderStatus from;
	UsomOrderStatus to;
	bool		moved;			/* goes to another address */
	const char *flow_state;		/* that a step was taken from; NULL: none was */
} Written;

typedef struct WrittenList
{
	int			count;
	int			capacity;
	Written    *rows;
} WrittenList;

/* The foreign keys of plain SQL: usom's own orders are resolved before they are written. */
static UsomQuery find_orphan = {
	.text = "SELECT o.order_no, CASE WHEN g.org_id IS NULL THEN 'organisation' WHEN c.channel_id IS NULL THEN 'channel' "
	"ELSE 'customer' END FROM unnest($1, $2) AS k (org_id, sales_order_id) "
	"JOIN usom.sales_order o ON o.org_id = k.org_id AND o.sales_order_id = k.sales_order_id "
	"LEFT JOIN usom.organisation g ON g.org_id = o.org_id "
	"LEFT JOIN usom.channel c ON c.org_id = o.org_id AND c.channel_id = o.channel_id "
	"LEFT JOIN usom.customer u ON u.org_id = o.org_id AND u.customer_id = o.customer_id "
	"WHERE g.org_id IS NULL OR c.channel_id IS NULL OR (o.customer_id IS NOT NULL AND u.customer_id IS NULL) LIMIT 1",
	.nargs = 2,
	.argtypes = {"bigint[]", "bigint[]"},
};

static UsomQuery note_creation = {
	.text = "INSERT INTO usom.order_history (org_id, sales_order_id, version, event, to_status, reason, app_user) "
	"SELECT k.org_id, k.sales_order_id, 1, 'create', 'draft', $3, $4 FROM unnest($1, $2) AS k (org_id, sales_order_id)",
	.nargs = 4,
	.argtypes = {"bigint[]", "bigint[]", "text", "text"},
};

/* A correction is a version of the order, too. */
static UsomQuery note_change = {
	.text = "WITH changed AS (UPDATE usom.sales_order AS o SET version = o.version + 1 "
	"FROM unnest($1, $2) AS k (org_id, sales_order_id) WHERE o.org_id = k.org_id AND o.sales_order_id = k.sales_order_id "
	"RETURNING o.org_id, o.sales_order_id, o.version, o.status) "
	"INSERT INTO usom.order_history (org_id, sales_order_id, version, event, from_status, to_status, reason, app_user) "
	"SELECT c.org_id, c.sales_order_id, c.version, 'change', c.status, c.status, $3, $4 FROM changed c",
	.nargs = 4,
	.argtypes = {"bigint[]", "bigint[]", "text", "text"},
};

/* The break-glass role writes what it will; the history says so.  $6: 0 for new rows, which have their version. */
static UsomQuery note_glass = {
	.text = "WITH changed AS (UPDATE usom.sales_order AS o SET version = o.version + $6 "
	"FROM unnest($1, $2, $5) AS k (org_id, sales_order_id, from_status) "
	"WHERE o.org_id = k.org_id AND o.sales_order_id = k.sales_order_id "
	"RETURNING o.org_id, o.sales_order_id, o.version, o.status, k.from_status) "
	"INSERT INTO usom.order_history (org_id, sales_order_id, version, event, from_status, to_status, reason, app_user) "
	"SELECT c.org_id, c.sales_order_id, c.version, 'break_glass', c.from_status::usom.order_status, c.status, $3, $4 "
	"FROM changed c",
	.nargs = 6,
	.argtypes = {"bigint[]", "bigint[]", "text", "text", "text[]", "integer"},
};

static Datum
get_column(TriggerData *trigdata, TupleTableSlot *slot, const char *name, Oid type)
{
	bool		isnull;
	Datum		value = slot_getattr(slot, usom_trigger_column(trigdata, name, type), &isnull);

	Ensure(!isnull, "column %s is null", name);
	return value;
}

static bool
is_moved(TriggerData *trigdata, TupleTableSlot *before, TupleTableSlot *after)
{
	int			column = usom_trigger_column(trigdata, "address_id", INT8OID);
	bool		was_null;
	bool		is_null;
	Datum		was = slot_getattr(before, column, &was_null);
	Datum		is = slot_getattr(after, column, &is_null);

	return was_null != is_null || (!is_null && DatumGetInt64(was) != DatumGetInt64(is));
}

/* The state of its flow, if it has become another one; the guard has seen that there are both. */
static const char *
state_left(TriggerData *trigdata, TupleTableSlot *before, TupleTableSlot *after)
{
	int			column = usom_trigger_column(trigdata, "flow_state", TEXTOID);
	bool		was_null;
	bool		is_null;
	Datum		was = slot_getattr(before, column, &was_null);
	Datum		is = slot_getattr(after, column, &is_null);
	char	   *left;

	if (was_null || is_null)
		return NULL;
	left = TextDatumGetCString(was);
	return strcmp(left, TextDatumGetCString(is)) != 0 ? left : NULL;
}

static void
note_row(WrittenList *list, TriggerData *trigdata, TupleTableSlot *before, TupleTableSlot *after)
{
	if (list->count == list->capacity)
	{
		list->capacity *= 2;
		list->rows = repalloc_array(list->rows, Written, list->capacity);
	}
	list->rows[list->count++] = (Written) {
		.org_id = DatumGetInt64(get_column(trigdata, after, "org_id", INT8OID)),
		.order_id = DatumGetInt64(get_column(trigdata, after, "sales_order_id", INT8OID)),
		.from = (UsomOrderStatus) DatumGetUInt8(get_column(trigdata, before, "status", InvalidOid)),
		.to = (UsomOrderStatus) DatumGetUInt8(get_column(trigdata, after, "status", InvalidOid)),
		.moved = is_moved(trigdata, before, after),
		.flow_state = state_left(trigdata, before, after),
	};
}

/* UPDATE ... SET priority = priority changes nothing. */
static bool
is_changed(TupleTableSlot *before, TupleTableSlot *after)
{
	TupleDesc	desc = before->tts_tupleDescriptor;

	slot_getallattrs(before);
	slot_getallattrs(after);
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);

		if (before->tts_isnull[i] != after->tts_isnull[i])
			return true;
		if (!before->tts_isnull[i] &&
			!datum_image_eq(before->tts_values[i], after->tts_values[i], att->attbyval, att->attlen))
			return true;
	}
	return false;
}

static TupleTableSlot *
open_rows(TriggerData *trigdata, Tuplestorestate *rows)
{
	if (rows == NULL)
		ereport(ERROR, errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				errmsg("trigger \"%s\" needs transition tables", trigdata->tg_trigger->tgname));
	tuplestore_select_read_pointer(rows, 0);
	tuplestore_rescan(rows);
	return MakeSingleTupleTableSlot(RelationGetDescr(trigdata->tg_relation), &TTSOpsMinimalTuple);
}

/* Rows of the statement that became something else; the n-th old and the n-th new row are the same row. */
static WrittenList *
collect(TriggerData *trigdata)
{
	WrittenList *list = palloc0_object(WrittenList);
	bool		insert = TRIGGER_FIRED_BY_INSERT(trigdata->tg_event);
	TupleTableSlot *after = open_rows(trigdata, trigdata->tg_newtable);
	TupleTableSlot *before = insert ? after : open_rows(trigdata, trigdata->tg_oldtable);

	list->capacity = 8;
	list->rows = palloc_array(Written, list->capacity);
	while (tuplestore_gettupleslot(trigdata->tg_newtable, true, false, after))
	{
		CHECK_FOR_INTERRUPTS();
		if (!insert)
			tuplestore_gettupleslot(trigdata->tg_oldtable, true, false, before);
		if (insert || is_changed(before, after))
			note_row(list, trigdata, before, after);
	}
	if (!insert)
		ExecDropSingleTupleTableSlot(before);
	ExecDropSingleTupleTableSlot(after);
	return list;
}

static void
key_arrays(const WrittenList *list, Datum *values)
{
	Datum	   *orgs = palloc_array(Datum, list->count);
	Datum	   *orders = palloc_array(Datum, list->count);

	for (int i = 0; i < list->count; i++)
	{
		orgs[i] = Int64GetDatum(list->rows[i].org_id);
		orders[i] = Int64GetDatum(list->rows[i].order_id);
	}
	values[0] = PointerGetDatum(construct_array_builtin(orgs, list->count, INT8OID));
	values[1] = PointerGetDatum(construct_array_builtin(orders, list->count, INT8OID));
}

static void
check_references(const WrittenList *list)
{
	Datum		values[2];

	key_arrays(list, values);
	if (usom_query_run(&find_orphan, values, NULL) > 0)
		ereport(ERROR, errcode(ERRCODE_FOREIGN_KEY_VIOLATION),
				errmsg("order \"%s\" names no %s that is there", usom_query_get_text(0, 1), usom_query_get_text(0, 2)),
				errhint("Use usom.current_org(), usom.channel_id('web') and usom.customer_id('code')."));
}

/* What every note begins with: keys, reason, user of the application. */
static void
note_arguments(const WrittenList *list, Datum *values, bool *nulls)
{
	const char *reason = usom_call_reason();

	key_arrays(list, values);
	nulls[2] = reason == NULL;
	values[2] = reason ? CStringGetTextDatum(reason) : (Datum) 0;
	nulls[3] = usom_setting_app_user[0] == '\0';
	values[3] = CStringGetTextDatum(usom_setting_app_user);
}

static void
note(UsomQuery *query, const WrittenList *list)
{
	bool		nulls[4] = {false};
	Datum		values[4];

	if (list->count == 0)
		return;
	note_arguments(list, values, nulls);
	usom_query_write(query, values, nulls);
}

static void
note_break_glass(const WrittenList *list, bool insert)
{
	int			count = list->count;
	Datum	   *labels = palloc_array(Datum, count);
	bool	   *no_label = palloc_array(bool, count);
	int			lower = 1;
	bool		nulls[6] = {false};
	Datum		values[6];

	note_arguments(list, values, nulls);
	for (int i = 0; i < list->count; i++)
	{
		labels[i] = CStringGetTextDatum(usom_order_lifecycle_table.labels[list->rows[i].from]);
		no_label[i] = insert;
	}
	values[4] = PointerGetDatum(construct_md_array(labels, no_label, 1, &count, &lower,
												   TEXTOID, -1, false, TYPALIGN_INT));
	values[5] = Int32GetDatum(insert ? 0 : 1);
	usom_query_write(&note_glass, values, nulls);
}

static void
run_verb(UsomOrderSet *set, UsomOrderStatus to)
{
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

static int
compare_written(const void *a, const void *b)
{
	const Written *left = a;
	const Written *right = b;

	if (left->org_id != right->org_id)
		return left->org_id < right->org_id ? -1 : 1;
	return (left->order_id > right->order_id) - (left->order_id < right->order_id);
}

/* The set knows the new status; the verb wants to hear where the order comes from.  The list is sorted. */
static void
tell_origin(UsomOrderSet *set, const WrittenList *list)
{
	for (int i = 0; i < set->norders; i++)
	{
		Written		key = {.org_id = set->org_id, .order_id = set->orders[i].sales_order_id};
		const Written *written = bsearch(&key, list->rows, list->count, sizeof(Written), compare_written);

		Ensure(written != NULL, "an order was loaded that the statement did not write");
		set->orders[i].status = set->orders[i].status_before = written->from;
	}
}

/* Orders of one organisation that go to one status; NULL if there are none. */
static UsomOrderSet *
load_orders(const WrittenList *list, int64 org_id, UsomOrderStatus to)
{
	int64	   *ids = palloc_array(int64, list->count);
	int			n = 0;
	UsomOrderSet *set;

	for (int i = 0; i < list->count; i++)
		if (list->rows[i].org_id == org_id && list->rows[i].to == to && list->rows[i].from != to)
			ids[n++] = list->rows[i].order_id;
	if (n == 0)
		return NULL;
	set = usom_order_load_many(org_id, ids, n);
	tell_origin(set, list);
	return set;
}

/* Sets that make or free pieces, of all that there are; closing touches no stock. */
static void
lock_stock(UsomOrderSet *const *sets)
{
	int64	   *products = palloc_array(int64, 1);
	int64		org_id = 0;
	int			nproducts = 0;
	int			nsets = 0;
	int			nrows;
	int			nsupplies;

	for (UsomOrderStatus to = 0; to < USOM_ORDER_STATES; to++)
	{
		if (sets[to] == NULL || to == USOM_ORDER_CLOSED)
			continue;
		nsets++;
		org_id = sets[to]->org_id;
		products = repalloc_array(products, int64, nproducts + sets[to]->nlines + 1);
		for (int i = 0; i < sets[to]->nlines; i++)
			products[nproducts++] = sets[to]->lines[i].product_id;
	}
	if (nsets < 2)
		return;
	usom_stock_lock_products(org_id, products, nproducts, usom_call_time(), true, &nrows);
	if (usom_supply_is_any(org_id))
		usom_supply_lock_products(org_id, products, nproducts, NULL, 0, &nsupplies);
	if (usom_sourcing_has_limits(org_id))
		usom_capacity_lock_all(org_id);
}

/* Orders of one organisation, whatever status they go to. */
static void
follow(const WrittenList *list, int64 org_id)
{
	UsomOrderSet *sets[USOM_ORDER_STATES];

	for (UsomOrderStatus to = 0; to < USOM_ORDER_STATES; to++)
		sets[to] = load_orders(list, org_id, to);
	usom_credit_lock(org_id, sets, USOM_ORDER_STATES);
	lock_stock(sets);
	for (UsomOrderStatus to = 0; to < USOM_ORDER_STATES; to++)
		if (sets[to] != NULL)
			run_verb(sets[to], to);
}

/* Orders of the organisation that go to another address are not what was approved; the list is sorted. */
static void
follow_moves(const WrittenList *list, int64 org_id)
{
	int64	   *ids = palloc_array(int64, list->count);
	int			n = 0;
	UsomOrderSet *set;

	for (int i = 0; i < list->count; i++)
		if (list->rows[i].org_id == org_id && list->rows[i].from == list->rows[i].to && list->rows[i].moved)
			ids[n++] = list->rows[i].order_id;
	if (n == 0 || !usom_approval_rules(org_id)->any)
		return;
	set = usom_order_load_many(org_id, ids, n);
	usom_approval_follow_all(set);
	usom_order_write_news(set);
}

/* The step is taken from the state that the order had; the list is sorted. */
static void
take_steps(UsomOrderSet *set, const WrittenList *list)
{
	for (int i = 0; i < set->norders; i++)
	{
		Written		key = {.org_id = set->org_id, .order_id = set->orders[i].sales_order_id};
		const Written *written = bsearch(&key, list->rows, list->count, sizeof(Written), compare_written);
		const char *to_state = set->orders[i].flow_state;

		Ensure(written != NULL, "an order was loaded that the statement did not write");
		set->orders[i].flow_state = written->flow_state;
		usom_flow_step(set, i, to_state);
	}
	usom_order_save(set);
}

static void
follow_steps(const WrittenList *list, int64 org_id)
{
	int64	   *ids = palloc_array(int64, list->count);
	int			n = 0;

	for (int i = 0; i < list->count; i++)
		if (list->rows[i].org_id == org_id && list->rows[i].flow_state != NULL)
			ids[n++] = list->rows[i].order_id;
	if (n > 0)
		take_steps(usom_order_load_many(org_id, ids, n), list);
}

static void
follow_updates(WrittenList *list)
{
	WrittenList corrections = {.rows = palloc_array(Written, Max(list->count, 1))};

	for (int i = 0; i < list->count; i++)
		if (list->rows[i].from == list->rows[i].to && list->rows[i].flow_state == NULL)
			corrections.rows[corrections.count++] = list->rows[i];
	note(&note_change, &corrections);
	qsort(list->rows, list->count, sizeof(Written), compare_written);

	for (int i = 0; i < list->count; i++)
		if (i == 0 || list->rows[i].org_id != list->rows[i - 1].org_id)
		{
			follow_steps(list, list->rows[i].org_id);
			follow_moves(list, list->rows[i].org_id);
			follow(list, list->rows[i].org_id);
		}
}

Datum
usom__order_written(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = usom_trigger_check(fcinfo, &spec);
	WrittenList *list;

	if (usom_query_is_writer() || usom_trigger_is_replay())
		return PointerGetDatum(NULL);
	usom_call_begin(TRIGGER_FIRED_BY_INSERT(trigdata->tg_event) ? "insert order" : "update order", NULL);
	list = collect(trigdata);
	if (list->count > 0 && usom_glass_passes())
		note_break_glass(list, TRIGGER_FIRED_BY_INSERT(trigdata->tg_event) != 0);
	else if (list->count > 0)
	{
		check_references(list);
		if (TRIGGER_FIRED_BY_INSERT(trigdata->tg_event))
			note(&note_creation, list);
		else
			follow_updates(list);
	}
	usom_call_end();
	return PointerGetDatum(NULL);
}
