/*
 * flow_write.c
 *		Writing flows: what may be written by hand, checking, publishing,
 *		revising.
 *
 * A flow is written by plain SQL while it is a draft; publish_flow() completes
 * and checks it, and from then on the guards refuse every change.
 *
 * Locks: the row of the flow, FOR UPDATE by whoever publishes or revises it,
 * FOR SHARE by whoever writes a part of it: no part slips into a flow that is
 * published meanwhile.
 *
 * Memory: the call's context.
 */
#include "postgres.h"

#include "order/flow.h"
#include "order/flow_graph.h"

#include "access/htup_details.h"
#include "base/call.h"
#include "base/card_guard.h"
#include "base/errors.h"
#include "base/glass.h"
#include "base/query.h"
#include "base/trigger.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "order/answer.h"
#include "party/party.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(usom__guard_flow);
PG_FUNCTION_INFO_V1(usom__guard_flow_part);
PG_FUNCTION_INFO_V1(usom__furnish_flow);
PG_FUNCTION_INFO_V1(usom_check_flow);
PG_FUNCTION_INFO_V1(usom_publish_flow);
PG_FUNCTION_INFO_V1(usom_revise_flow);

/* ---- what may be written by hand ---- */

static UsomQuery find_flow_of_part = {
	.text = "SELECT f.code, f.version, f.published_at IS NOT NULL FROM usom.flow AS f "
	"WHERE f.org_id = $1 AND f.flow_id = $2 FOR SHARE",
	.nargs = 2,
	.argtypes = {"bigint", "bigint"},
};

static void
refuse_published(const char *code, int32 version)
{
	ereport(ERROR, errcode(USOM_ERR(FLOW_PUBLISHED)),
			errmsg("version %d of flow \"%s\" is published and does not change", version, code),
			errdetail("Orders take it as it is."),
			errhint("SELECT usom.revise_flow(%s); makes the next version, to be changed and published.", quote_literal_cstr(code)));
}

static void
refuse_kept(TriggerData *trigdata, const char *column)
{
	ereport(ERROR, errcode(USOM_ERR(KEPT_BY_USOM)),
			errmsg("column \"%s\" of usom.%s is not written by hand", column, RelationGetRelationName(trigdata->tg_relation)),
			errhint("usom keeps it: see usom.publish_flow() and usom.revise_flow()."));
}

static Datum
get_column(TriggerData *trigdata, HeapTuple row, const char *name, Oid type, bool *isnull)
{
	return heap_getattr(row, usom_trigger_column(trigdata, name, type), RelationGetDescr(trigdata->tg_relation), isnull);
}

static bool
is_changed(TriggerData *trigdata, const char *name, Oid type)
{
	Form_pg_attribute att = TupleDescAttr(RelationGetDescr(trigdata->tg_relation), usom_trigger_column(trigdata, name, type) - 1);
	bool		was_null;
	bool		is_null;
	Datum		was = get_column(trigdata, trigdata->tg_trigtuple, name, type, &was_null);
	Datum		is = get_column(trigdata, trigdata->tg_newtuple, name, type, &is_null);

	return was_null != is_null || (!is_null && !datum_image_eq(was, is, att->attbyval, att->attlen));
}

/* Version 1 is written by hand, and nothing of what says whether it is published. */
static void
check_new_flow(TriggerData *trigdata, HeapTuple row)
{
	bool		isnull;

	if (DatumGetInt32(get_column(trigdata, row, "version", INT4OID, &isnull)) != 1 && !isnull)
		refuse_kept(trigdata, "version");
	get_column(trigdata, row, "published_at", TIMESTAMPTZOID, &isnull);
	if (!isnull)
		refuse_kept(trigdata, "published_at");
}

static void
check_flow_update(TriggerData *trigdata)
{
	static const struct
	{
		const char *name;
		Oid			type;
	}			kept[] = {
		{"org_id", INT8OID}, {"flow_id", INT8OID}, {"code", TEXTOID}, {"version", INT4OID},
		{"published_at", TIMESTAMPTZOID}, {"published_by", TEXTOID}, {"created_at", TIMESTAMPTZOID},
	};

	for (int i = 0; i < (int) lengthof(kept); i++)
		if (is_changed(trigdata, kept[i].name, kept[i].type))
			refuse_kept(trigdata, kept[i].name);
}

/* The policies of the table come later: a row of another organisation is refused here. */
static void
check_side(TriggerData *trigdata, HeapTuple row)
{
	bool		isnull;
	Datum		org_id = get_column(trigdata, row, "org_id", INT8OID, &isnull);

	if (!isnull)
		usom_party_check_side(trigdata->tg_relation, DatumGetInt64(org_id));
}

static bool
may_pass(void)
{
	return usom_query_is_writer() || usom_trigger_is_replay() || usom_glass_passes();
}

/* usom._guard_flow(): BEFORE ROW on usom.flow. */
Datum
usom__guard_flow(PG_FUNCTION_ARGS)
{
	static const UsomTriggerSpec spec = {"usom._guard_flow", .before = true, .row = true, .nargs = 0};
	TriggerData *trigdata = usom_trigger_check(fcinfo, &spec);
	HeapTuple	row = usom_trigger_row(trigdata);
	bool		is_draft;
	bool		isnull;

	if (may_pass())
		return PointerGetDatum(row);
	if (TRIGGER_FIRED_BY_INSERT(trigdata->tg_event))
	{
		check_side(trigdata, row);
		check_new_flow(trigdata, row);
		return PointerGetDatum(row);
	}
	get_column(trigdata, trigdata->tg_trigtuple, "published_at", TIMESTAMPTZOID, &is_draft);
	if (!is_draft)
		refuse_published(TextDatumGetCString(get_column(trigdata, trigdata->tg_trigtuple, "code", TEXTOID, &isnull)),
						 DatumGetInt32(get_column(trigdata, trigdata->tg_trigtuple, "version", INT4OID, &isnull)));
	if (TRIGGER_FIRED_BY_UPDATE(trigdata->tg_event))
		check_flow_update(trigdata);
	return PointerGetDatum(row);
}

/* A flow that is not there is for the foreign key to refuse. */
static void
check_draft(TriggerData *trigdata, HeapTuple row)
{
	bool		no_org;
	bool		no_flow;
	Datum		values[2];

	values[0] = get_column(trigdata, row, "org_id", INT8OID, &no_org);
	values[1] = get_column(trigdata, row, "flow_id", INT8OID, &no_flow);
	if (no_org || no_flow || usom_query_run(&find_flow_of_part, values, NULL) == 0 || !DatumGetBool(usom_query_get(0, 3)))
		return;
	refuse_published(usom_query_get_text(0, 1), DatumGetInt32(usom_query_get(0, 2)));
}

/* Only what is made with a flow, or when it is published, is built in. */
static void
check_built_in(TriggerData *trigdata, HeapTuple row)
{
	bool		isnull;

	if (SPI_fnumber(RelationGetDescr(trigdata->tg_relation), "built_in") <= 0)
		return;
	if (TRIGGER_FIRED_BY_UPDATE(trigdata->tg_event) ? is_changed(trigdata, "built_in", BOOLOID)
		: DatumGetBool(get_column(trigdata, row, "built_in", BOOLOID, &isnull)) && !isnull)
		refuse_kept(trigdata, "built_in");
}

/* usom._guard_flow_part(): BEFORE ROW on the states, transitions, guards and effects. */
Datum
usom__guard_flow_part(PG_FUNCTION_ARGS)
{
	static const UsomTriggerSpec spec = {"usom._guard_flow_part", .before = true, .row = true, .nargs = 0};
	TriggerData *trigdata = usom_trigger_check(fcinfo, &spec);
	HeapTuple	row = usom_trigger_row(trigdata);

	if (may_pass())
		return PointerGetDatum(row);
	if (!TRIGGER_FIRED_BY_DELETE(trigdata->tg_event))
	{
		check_side(trigdata, row);
		check_built_in(trigdata, row);
	}
	usom_call_begin("write flow", NULL);
	check_draft(trigdata, trigdata->tg_trigtuple);
	if (TRIGGER_FIRED_BY_UPDATE(trigdata->tg_event))
		check_draft(trigdata, row);
	usom_call_end();
	return PointerGetDatum(row);
}

/* ---- a new flow ---- */

/* Drafts have no state: which flow an order takes is settled when it is submitted. */
static UsomQuery insert_built_in_states = {
	.text = "INSERT INTO usom.flow_state (org_id, flow_id, state, status, starts, built_in) "
	"SELECT $1, $2, s.status, s.status::usom.order_status, true, true "
	"FROM (SELECT e.from_status AS status FROM usom.order_lifecycle() AS e UNION SELECT e.to_status FROM usom.order_lifecycle() AS e) AS s "
	"WHERE s.status <> 'draft'",
	.nargs = 2,
	.argtypes = {"bigint", "bigint"},
};

/* usom._furnish_flow(): AFTER ROW on usom.flow. */
Datum
usom__furnish_flow(PG_FUNCTION_ARGS)
{
	static const UsomTriggerSpec spec = {"usom._furnish_flow", .before = false, .row = true, .nargs = 0};
	TriggerData *trigdata = usom_trigger_check(fcinfo, &spec);
	Datum		values[2];
	bool		isnull;

	if (usom_trigger_is_replay())
		return PointerGetDatum(NULL);
	values[0] = get_column(trigdata, trigdata->tg_trigtuple, "org_id", INT8OID, &isnull);
	values[1] = get_column(trigdata, trigdata->tg_trigtuple, "flow_id", INT8OID, &isnull);
	usom_call_begin("write flow", NULL);
	usom_query_write(&insert_built_in_states, values, NULL);
	usom_call_end();
	return PointerGetDatum(NULL);
}

/* ---- checked ---- */

static UsomQuery lock_newest = {
	.text = "SELECT f.flow_id, f.version, f.published_at IS NOT NULL FROM usom.flow AS f WHERE f.org_id = $1 AND f.code = $2 "
	"ORDER BY f.version DESC LIMIT 1 FOR UPDATE",
	.nargs = 2,
	.argtypes = {"bigint", "text"},
};

static UsomQuery read_newest = {
	.text = "SELECT f.flow_id, f.version, f.published_at IS NOT NULL FROM usom.flow AS f WHERE f.org_id = $1 AND f.code = $2 "
	"ORDER BY f.version DESC LIMIT 1",
	.nargs = 2,
	.argtypes = {"bigint", "text"},
};

static UsomQuery read_states = {
	.text = "SELECT s.state, s.status, s.starts, s.built_in FROM usom.flow_state AS s "
	"WHERE s.org_id = $1 AND s.flow_id = $2 ORDER BY s.state COLLATE \"C\"",
	.nargs = 2,
	.argtypes = {"bigint", "bigint"},
};

/* Of places in the list of states. */
static UsomQuery read_arcs = {
	.text = "WITH state AS (SELECT s.state, row_number() OVER (ORDER BY s.state COLLATE \"C\")::integer - 1 AS place "
	"FROM usom.flow_state AS s WHERE s.org_id = $1 AND s.flow_id = $2) "
	"SELECT f.place, g.place, t.built_in FROM usom.flow_transition AS t JOIN state AS f ON f.state = t.from_state "
	"JOIN state AS g ON g.state = t.to_state WHERE t.org_id = $1 AND t.flow_id = $2 ORDER BY 1, 2",
	.nargs = 2,
	.argtypes = {"bigint", "bigint"},
};

/* A version of a flow that is written. */
typedef struct Written
{
	int64		org_id;
	int64		flow_id;
	const char *code;
	int32		version;
	bool		is_published;
	UsomFlowGraph *graph;
	const char **names;			/* of states, by node */
} Written;

static Written
find_newest(UsomQuery *query, const char *code)
{
	Written		written = {.org_id = usom_party_org(), .code = code};
	Datum		values[2] = {Int64GetDatum(written.org_id), CStringGetTextDatum(code)};

	if (usom_query_run(query, values, NULL) == 0)
		ereport(ERROR, errcode(USOM_ERR(UNKNOWN_CODE)),
				errmsg("no flow \"%s\"", code),
				errhint("INSERT INTO usom.flow (code) first, or correct the code."));
	written.flow_id = DatumGetInt64(usom_query_get(0, 1));
	written.version = DatumGetInt32(usom_query_get(0, 2));
	written.is_published = DatumGetBool(usom_query_get(0, 3));
	return written;
}

/* Somebody who had the lock before may have begun another version meanwhile: then that is the newest. */
static Written
lock_written(const char *code)
{
	Written		locked = find_newest(&lock_newest, code);
	Written		newest = find_newest(&read_newest, code);

	return newest.flow_id == locked.flow_id ? locked : find_newest(&lock_newest, code);
}

static void
read_graph(Written *written)
{
	Datum		values[2] = {Int64GetDatum(written->org_id), Int64GetDatum(written->flow_id)};
	int			n = (int) usom_query_run(&read_states, values, NULL);

	written->graph = usom_flow_graph_make(n, 4 * n);
	written->names = palloc_array(const char *, n + 1);
	for (int i = 0; i < n; i++)
	{
		written->names[i] = usom_query_get_text(i, 1);
		written->graph->nodes[i].status = (UsomOrderStatus) DatumGetUInt8(usom_query_get(i, 2));
		written->graph->nodes[i].starts = DatumGetBool(usom_query_get(i, 3));
		written->graph->nodes[i].built_in = DatumGetBool(usom_query_get(i, 4));
	}
	n = (int) usom_query_run(&read_arcs, values, NULL);
	for (int i = 0; i < n; i++)
		usom_flow_graph_add(written->graph, DatumGetInt32(usom_query_get(i, 1)), DatumGetInt32(usom_query_get(i, 2)),
							DatumGetBool(usom_query_get(i, 3)));
	if (!written->is_published)
		usom_flow_graph_complete(written->graph);
}

static char *
fault_words(const Written *written, const UsomFlowFault *fault)
{
	const char *status = usom_order_lifecycle_table.labels[fault->status];
	const char *state = fault->node >= 0 ? written->names[fault->node] : NULL;

	switch (fault->kind)
	{
		case USOM_FLOW_BAD_STEP:
			return psprintf("from \"%s\" to \"%s\": an order that is %s does not become %s", state, written->names[fault->other],
							status, usom_order_lifecycle_table.labels[written->graph->nodes[fault->other].status]);
		case USOM_FLOW_NO_START:
			return psprintf("no state starts for orders that become %s", status);
		case USOM_FLOW_UNREACHABLE:
			return psprintf("\"%s\" cannot be reached", state);
		case USOM_FLOW_DEAD_END:
			return psprintf("from \"%s\" no end can be reached: closed, cancelled or rejected", state);
		case USOM_FLOW_NO_CANCEL:
			return psprintf("from \"%s\" the order cannot be cancelled while it is %s", state, status);
	}
	return NULL;
}

/* usom.check_flow(flow) */
Datum
usom_check_flow(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Written		written;
	UsomFlowFault *faults;
	int			count;

	usom_card_check_call(fcinfo);
	InitMaterializedSRF(fcinfo, 0);
	usom_call_begin("check_flow", NULL);
	written = find_newest(&read_newest, usom_order_arg_text(fcinfo, 0, "flow"));
	read_graph(&written);
	faults = usom_flow_graph_check(written.graph, &count);
	for (int i = 0; i < count; i++)
	{
		bool		nulls[4] = {false, faults[i].node < 0, false, false};
		Datum		values[4] = {
			CStringGetTextDatum(usom_flow_fault_name(faults[i].kind)),
			faults[i].node < 0 ? (Datum) 0 : CStringGetTextDatum(written.names[faults[i].node]),
			CStringGetTextDatum(usom_order_lifecycle_table.labels[faults[i].status]),
			CStringGetTextDatum(fault_words(&written, &faults[i])),
		};

		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	usom_call_end();
	return (Datum) 0;
}

static void
check_faults(const Written *written)
{
	int			count;
	UsomFlowFault *faults = usom_flow_graph_check(written->graph, &count);
	StringInfoData words;

	if (count == 0)
		return;
	initStringInfo(&words);
	for (int i = 0; i < count; i++)
		appendStringInfo(&words, "%s%s", i > 0 ? "; " : "", fault_words(written, &faults[i]));
	ereport(ERROR, errcode(USOM_ERR(BAD_FLOW)),
			errmsg("version %d of flow \"%s\" cannot be published", written->version, written->code),
			errdetail("%s.", words.data),
			errhint("SELECT * FROM usom.check_flow(%s); lists what is wrong, one row each.", quote_literal_cstr(written->code)));
}

/* ---- published ---- */

/* US143 for one that cannot be asked. */
static UsomQuery check_guards = {
	.text = "SELECT usom._check_flow_guard(g.guard) FROM usom.flow_guard AS g WHERE g.org_id = $1 AND g.flow_id = $2 "
	"ORDER BY g.guard COLLATE \"C\"",
	.nargs = 2,
	.argtypes = {"bigint", "bigint"},
};

static UsomQuery delete_states = {
	.text = "DELETE FROM usom.flow_state AS s WHERE s.org_id = $1 AND s.flow_id = $2 AND s.state = ANY ($3)",
	.nargs = 3,
	.argtypes = {"bigint", "bigint", "text[]"},
};

static UsomQuery insert_transitions = {
	.text = "INSERT INTO usom.flow_transition (org_id, flow_id, from_state, to_state, built_in) "
	"SELECT $1, $2, t.from_state, t.to_state, true FROM unnest($3, $4) AS t (from_state, to_state)",
	.nargs = 4,
	.argtypes = {"bigint", "bigint", "text[]", "text[]"},
};

static UsomQuery mark_published = {
	.text = "UPDATE usom.flow AS f SET published_at = $3, published_by = session_user WHERE f.org_id = $1 AND f.flow_id = $2",
	.nargs = 3,
	.argtypes = {"bigint", "bigint", "timestamptz"},
};

static void
write_gone(const Written *written)
{
	Datum	   *gone = palloc_array(Datum, written->graph->nnodes + 1);
	Datum		values[3] = {Int64GetDatum(written->org_id), Int64GetDatum(written->flow_id)};
	int			n = 0;

	for (int i = 0; i < written->graph->nnodes; i++)
		if (written->graph->nodes[i].gone)
			gone[n++] = CStringGetTextDatum(written->names[i]);
	values[2] = PointerGetDatum(construct_array_builtin(gone, n, TEXTOID));
	usom_query_write(&delete_states, values, NULL);
}

static void
write_built_in(const Written *written)
{
	const UsomFlowGraph *graph = written->graph;
	Datum	   *from = palloc_array(Datum, graph->narcs + 1);
	Datum	   *to = palloc_array(Datum, graph->narcs + 1);
	Datum		values[4] = {Int64GetDatum(written->org_id), Int64GetDatum(written->flow_id)};
	int			n = 0;

	for (int i = 0; i < graph->narcs; i++)
		if (graph->arcs[i].built_in)
		{
			from[n] = CStringGetTextDatum(written->names[graph->arcs[i].from]);
			to[n++] = CStringGetTextDatum(written->names[graph->arcs[i].to]);
		}
	values[2] = PointerGetDatum(construct_array_builtin(from, n, TEXTOID));
	values[3] = PointerGetDatum(construct_array_builtin(to, n, TEXTOID));
	usom_query_write(&insert_transitions, values, NULL);
}

/* usom.publish_flow(flow) */
Datum
usom_publish_flow(PG_FUNCTION_ARGS)
{
	Written		written;
	Datum		values[3];

	usom_card_check_call(fcinfo);
	usom_call_begin("publish_flow", NULL);
	written = lock_written(usom_order_arg_text(fcinfo, 0, "flow"));
	if (!written.is_published)
	{
		read_graph(&written);
		check_faults(&written);
		values[0] = Int64GetDatum(written.org_id);
		values[1] = Int64GetDatum(written.flow_id);
		values[2] = TimestampTzGetDatum(usom_call_time());
		usom_query_run(&check_guards, values, NULL);
		write_gone(&written);
		write_built_in(&written);
		usom_query_write(&mark_published, values, NULL);
	}
	usom_call_end();
	PG_RETURN_INT32(written.version);
}

/* ---- revised ---- */

static UsomQuery insert_version = {
	.text = "INSERT INTO usom.flow (org_id, code, version, description) "
	"SELECT f.org_id, f.code, f.version + 1, f.description FROM usom.flow AS f WHERE f.org_id = $1 AND f.flow_id = $2 RETURNING flow_id",
	.nargs = 2,
	.argtypes = {"bigint", "bigint"},
};

static UsomQuery copy_parts[] = {
	{
		.text = "INSERT INTO usom.flow_state (org_id, flow_id, state, status, starts, description, built_in) "
		"SELECT s.org_id, $3, s.state, s.status, s.starts, s.description, s.built_in "
		"FROM usom.flow_state AS s WHERE s.org_id = $1 AND s.flow_id = $2",
		.nargs = 3,
		.argtypes = {"bigint", "bigint", "bigint"},
	},
	{
		.text = "INSERT INTO usom.flow_transition (org_id, flow_id, from_state, to_state, rank, description) "
		"SELECT t.org_id, $3, t.from_state, t.to_state, t.rank, t.description "
		"FROM usom.flow_transition AS t WHERE t.org_id = $1 AND t.flow_id = $2 AND NOT t.built_in",
		.nargs = 3,
		.argtypes = {"bigint", "bigint", "bigint"},
	},
	{
		.text = "INSERT INTO usom.flow_guard (org_id, flow_id, from_state, to_state, guard, severity, hold_type, message) "
		"SELECT g.org_id, $3, g.from_state, g.to_state, g.guard, g.severity, g.hold_type, g.message "
		"FROM usom.flow_guard AS g WHERE g.org_id = $1 AND g.flow_id = $2",
		.nargs = 3,
		.argtypes = {"bigint", "bigint", "bigint"},
	},
	{
		.text = "INSERT INTO usom.flow_effect (org_id, flow_id, from_state, to_state, effect, argument, message) "
		"SELECT e.org_id, $3, e.from_state, e.to_state, e.effect, e.argument, e.message "
		"FROM usom.flow_effect AS e WHERE e.org_id = $1 AND e.flow_id = $2",
		.nargs = 3,
		.argtypes = {"bigint", "bigint", "bigint"},
	},
};

/* usom.revise_flow(flow) */
Datum
usom_revise_flow(PG_FUNCTION_ARGS)
{
	Written		written;
	Datum		values[3];

	usom_card_check_call(fcinfo);
	usom_call_begin("revise_flow", NULL);
	written = lock_written(usom_order_arg_text(fcinfo, 0, "flow"));
	if (written.is_published)
	{
		values[0] = Int64GetDatum(written.org_id);
		values[1] = Int64GetDatum(written.flow_id);
		usom_query_write(&insert_version, values, NULL);
		values[2] = usom_query_get(0, 1);
		for (int i = 0; i < (int) lengthof(copy_parts); i++)
			usom_query_write(&copy_parts[i], values, NULL);
		written.version++;
	}
	usom_call_end();
	PG_RETURN_INT32(written.version);
}
