/*
 * news.c
 *		Events and exception cases: queued in a set of orders, written with it.
 *
 * Memory: the queues are lists in the context of the set.
 *
 * Locks: the order of an event is locked by its writer, so that numbers within
 * an order have no gaps.  Cases are locked by their unique index alone.
 */
#include "postgres.h"

#include "order/news.h"

#include "base/call.h"
#include "base/card_guard.h"
#include "base/errors.h"
#include "base/query.h"
#include "order/answer.h"
#include "party/party.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(usom__tell);
PG_FUNCTION_INFO_V1(usom__raise_case);
PG_FUNCTION_INFO_V1(usom__settle_case);
PG_FUNCTION_INFO_V1(usom_resolve_exception);

/* The last number of an order is looked up once, for the first of its events. */
static UsomQuery insert_events = {
	.text = "INSERT INTO usom.event (org_id, sales_order_id, event_no, kind, payload) "
	"SELECT $1, r.sales_order_id, CASE WHEN r.sales_order_id IS NOT NULL THEN max(CASE WHEN r.n = 1 THEN "
	"(SELECT coalesce(max(e.event_no), 0) FROM usom.event AS e WHERE e.org_id = $1 AND e.sales_order_id = r.sales_order_id) END) "
	"OVER (PARTITION BY r.sales_order_id) + r.n END, r.kind, r.payload "
	"FROM (SELECT u.*, row_number() OVER (PARTITION BY u.sales_order_id ORDER BY u.ordinal) AS n FROM unnest($2) AS u) AS r "
	"ORDER BY r.ordinal",
	.nargs = 2,
	.argtypes = {"bigint", "usom._event_row[]"},
};

/* Raised twice in one save, the last word counts: one statement must not meet a row twice. */
static UsomQuery raise_cases = {
	.text = "INSERT INTO usom.exception_case AS c (org_id, kind, sales_order_id, line_no, reference, message, detail, due_at) "
	"SELECT DISTINCT ON (r.kind, r.sales_order_id, r.line_no, r.reference) "
	"$1, r.kind, r.sales_order_id, r.line_no, r.reference, r.message, r.detail, r.due_at FROM unnest($2) AS r "
	"ORDER BY r.kind, r.sales_order_id, r.line_no, r.reference, r.ordinal DESC "
	"ON CONFLICT (org_id, kind, sales_order_id, line_no, reference) WHERE resolved_at IS NULL "
	"DO UPDATE SET message = EXCLUDED.message, detail = EXCLUDED.detail, due_at = EXCLUDED.due_at "
	"WHERE (c.message, c.detail, c.due_at) IS DISTINCT FROM (EXCLUDED.message, EXCLUDED.detail, EXCLUDED.due_at)",
	.nargs = 2,
	.argtypes = {"bigint", "usom._case_row[]"},
};

static UsomQuery settle_cases = {
	.text = "UPDATE usom.exception_case AS c SET resolved_at = $3, resolved_by = session_user, resolution = 'its cause is gone' "
	"FROM unnest($2) AS r WHERE c.org_id = $1 AND c.resolved_at IS NULL AND c.kind = r.kind "
	"AND c.sales_order_id = r.sales_order_id AND c.line_no IS NOT DISTINCT FROM r.line_no "
	"AND (r.reference IS NULL OR c.reference = r.reference)",
	.nargs = 3,
	.argtypes = {"bigint", "usom._case_row[]", "timestamptz"},
};

/* An index finds those of an order; of no order there are few. */
static UsomQuery settle_cases_of_none = {
	.text = "UPDATE usom.exception_case AS c SET resolved_at = $3, resolved_by = session_user, resolution = 'its cause is gone' "
	"FROM unnest($2) AS r WHERE c.org_id = $1 AND c.resolved_at IS NULL AND c.kind = r.kind "
	"AND c.sales_order_id IS NULL AND (r.reference IS NULL OR c.reference = r.reference)",
	.nargs = 3,
	.argtypes = {"bigint", "usom._case_row[]", "timestamptz"},
};

static UsomQuery resolve_case = {
	.text = "UPDATE usom.exception_case AS c SET resolved_at = $3, resolved_by = session_user, resolution = $4 "
	"WHERE c.org_id = $1 AND c.exception_case_id = $2 AND c.resolved_at IS NULL AND ($5 IS NULL OR EXISTS ("
	"SELECT 1 FROM usom.sales_order o WHERE o.org_id = $1 AND o.sales_order_id = c.sales_order_id AND o.channel_id = ANY ($5)))",
	.nargs = 5,
	.argtypes = {"bigint", "bigint", "timestamptz", "text", "bigint[]"},
};

typedef struct Event
{
	int64		sales_order_id; /* 0: of no order */
	const char *kind;
	Jsonb	   *payload;
} Event;

typedef struct Case
{
	int64		sales_order_id; /* 0: of no order */
	int32		line_no;		/* 0: of no line */
	const char *kind;
	const char *reference;		/* NULL: none; where settled: any */
	const char *message;
	Jsonb	   *detail;
	TimestampTz due_at;			/* or USOM_NO_TIME */
} Case;

static List *
queue(List *list, const void *item, Size size)
{
	return lappend(list, memcpy(palloc(size), item, size));
}

void
usom_order_tell(UsomOrderSet *set, int order, const char *kind, Jsonb *payload)
{
	Event		event = {set->orders[order].sales_order_id, kind, payload};

	set->events = queue(set->events, &event, sizeof(event));
}

void
usom_order_raise(UsomOrderSet *set, int order, int32 line_no, const char *kind, const char *reference,
				 const char *message, Jsonb *detail, TimestampTz due_at)
{
	Case		raised = {set->orders[order].sales_order_id, line_no, kind, reference, message, detail, due_at};

	set->raised = queue(set->raised, &raised, sizeof(raised));
}

void
usom_order_settle_case(UsomOrderSet *set, int order, int32 line_no, const char *kind)
{
	Case		settled = {set->orders[order].sales_order_id, line_no, kind, NULL, NULL, NULL, USOM_NO_TIME};

	set->settled = queue(set->settled, &settled, sizeof(settled));
}

void
usom_order_settle_one(UsomOrderSet *set, int order, const char *kind, const char *reference)
{
	Case		settled = {set->orders[order].sales_order_id, 0, kind, reference, NULL, NULL, USOM_NO_TIME};

	set->settled = queue(set->settled, &settled, sizeof(settled));
}

static void
write_events(int64 org_id, const List *events)
{
	UsomRows   *rows = usom_rows_make("_event_row", list_length(events));
	Datum		parameters[2] = {Int64GetDatum(org_id)};

	for (int i = 0; i < list_length(events); i++)
	{
		const Event *event = list_nth(events, i);
		Datum		values[4] = {
			Int32GetDatum(i),
			Int64GetDatum(event->sales_order_id),
			CStringGetTextDatum(event->kind),
			JsonbPGetDatum(event->payload),
		};
		bool		nulls[4] = {false, event->sales_order_id == 0};

		usom_rows_add(rows, values, nulls);
	}
	parameters[1] = usom_rows_datum(rows);
	usom_query_write(&insert_events, parameters, NULL);
}

static void
add_case(UsomRows *rows, int ordinal, const Case *row)
{
	Datum		values[8] = {
		Int32GetDatum(ordinal),
		CStringGetTextDatum(row->kind),
		Int64GetDatum(row->sales_order_id),
		Int32GetDatum(row->line_no),
		row->reference ? CStringGetTextDatum(row->reference) : (Datum) 0,
		row->message ? CStringGetTextDatum(row->message) : (Datum) 0,
		row->detail ? JsonbPGetDatum(row->detail) : (Datum) 0,
		TimestampTzGetDatum(row->due_at),
	};
	bool		nulls[8] = {
		false, false, row->sales_order_id == 0, row->line_no == 0, row->reference == NULL,
		row->message == NULL, row->detail == NULL, row->due_at == USOM_NO_TIME,
	};

	usom_rows_add(rows, values, nulls);
}

static void
write_cases(UsomQuery *query, int64 org_id, const List *cases)
{
	UsomRows   *rows = usom_rows_make("_case_row", list_length(cases));
	Datum		parameters[3] = {Int64GetDatum(org_id)};

	for (int i = 0; i < list_length(cases); i++)
		add_case(rows, i, list_nth(cases, i));
	parameters[1] = usom_rows_datum(rows);
	parameters[2] = TimestampTzGetDatum(usom_call_time());
	usom_query_write(query, parameters, NULL);
}

/* What waits of a pick-up is a case: nobody sends it instead.  What does no longer, is none. */
static void
watch_pick_ups(UsomOrderSet *set)
{
	for (int i = 0; i < set->nlines; i++)
	{
		const UsomLine *line = &set->lines[i];
		UsomQuantity waiting = line->counters.by_state[USOM_PIECE_BACKORDERED];

		if (likely(set->orders[line->order].order_type != USOM_TYPE_PICK_UP) || !(line->changed || line->is_new))
			continue;
		if (waiting > 0 && !line->removed)
			usom_order_raise(set, line->order, line->line_no, "pick_up_short", NULL,
							 psprintf("%s units of a pick-up are not there", usom_quantity_text(waiting)), NULL, USOM_NO_TIME);
		else if (!line->is_new)
			usom_order_settle_case(set, line->order, line->line_no, "pick_up_short");
	}
}

/* Settled before raised: what is raised again in the same call stays open as a new case. */
void
usom_order_write_news(UsomOrderSet *set)
{
	watch_pick_ups(set);
	usom_order_watch_paid(set);
	if (set->settled != NIL)
		write_cases(&settle_cases, set->org_id, set->settled);
	if (set->raised != NIL)
		write_cases(&raise_cases, set->org_id, set->raised);
	if (set->events != NIL)
		write_events(set->org_id, set->events);
	set->settled = set->raised = set->events = NIL;
}

/* ---- the same for functions in SQL, which hold the lock of the order ---- */

static int64
key_argument(FunctionCallInfo fcinfo, int arg)
{
	return PG_ARGISNULL(arg) ? 0 : PG_GETARG_INT64(arg);
}

static const char *
text_argument(FunctionCallInfo fcinfo, int arg)
{
	return PG_ARGISNULL(arg) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(arg));
}

/* usom._tell(sales_order_id, kind, payload) */
Datum
usom__tell(PG_FUNCTION_ARGS)
{
	Event		event = {key_argument(fcinfo, 0), NULL, NULL};

	usom_call_begin("tell", NULL);
	event.kind = usom_order_arg_text(fcinfo, 1, "kind");
	usom_order_arg_required(fcinfo, 2, "payload");
	event.payload = PG_GETARG_JSONB_P(2);
	write_events(usom_party_org(), list_make1(&event));
	usom_call_end();
	PG_RETURN_VOID();
}

static void
read_case(FunctionCallInfo fcinfo, Case *row)
{
	row->sales_order_id = key_argument(fcinfo, 0);
	row->line_no = PG_ARGISNULL(1) ? 0 : PG_GETARG_INT32(1);
	row->kind = usom_order_arg_text(fcinfo, 2, "kind");
	row->reference = text_argument(fcinfo, 3);
}

/* usom._raise_case(sales_order_id, line_no, kind, reference, message, detail, due_at) */
Datum
usom__raise_case(PG_FUNCTION_ARGS)
{
	Case		row = {.due_at = USOM_NO_TIME};

	usom_call_begin("raise_case", NULL);
	read_case(fcinfo, &row);
	row.message = usom_order_arg_text(fcinfo, 4, "message");
	row.detail = PG_ARGISNULL(5) ? NULL : PG_GETARG_JSONB_P(5);
	row.due_at = PG_ARGISNULL(6) ? USOM_NO_TIME : PG_GETARG_TIMESTAMPTZ(6);
	write_cases(&raise_cases, usom_party_org(), list_make1(&row));
	usom_call_end();
	PG_RETURN_VOID();
}

/* usom._settle_case(sales_order_id, line_no, kind, reference) */
Datum
usom__settle_case(PG_FUNCTION_ARGS)
{
	Case		row = {.due_at = USOM_NO_TIME};

	usom_call_begin("settle_case", NULL);
	read_case(fcinfo, &row);
	write_cases(row.sales_order_id != 0 ? &settle_cases : &settle_cases_of_none, usom_party_org(), list_make1(&row));
	usom_call_end();
	PG_RETURN_VOID();
}

Datum
usom_resolve_exception(PG_FUNCTION_ARGS)
{
	bool		nulls[5] = {false};
	Datum		values[5];

	usom_card_check_call(fcinfo);
	usom_call_begin("resolve_exception", NULL);
	usom_order_arg_required(fcinfo, 0, "exception_id");
	usom_order_arg_required(fcinfo, 1, "resolution");
	values[0] = Int64GetDatum(usom_party_org());
	values[1] = PG_GETARG_DATUM(0);
	values[2] = TimestampTzGetDatum(usom_call_time());
	values[3] = PG_GETARG_DATUM(1);
	values[4] = usom_party_channels(&nulls[4]);
	if (usom_query_write(&resolve_case, values, nulls) == 0)
		ereport(ERROR, errcode(USOM_ERR(UNKNOWN_EXCEPTION)),
				errmsg("no open exception " INT64_FORMAT, PG_GETARG_INT64(0)),
				errhint("Look it up in usom.exceptions WHERE open."));
	usom_call_end();
	PG_RETURN_VOID();
}
