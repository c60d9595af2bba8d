/*
 * approval.c
 *		What was asked about orders follows what they say.
 *
 *		Statements, for all orders of a set: what they say, what was asked
 *		about it; then, where it differs, one each to make void, to ask, to
 *		place and to end holds.  None if no rule or limit was ever written, and
 *		none for orders of which nothing changed that approvals are bound to.
 *
 * Locks: the orders, which the caller has.
 *
 * Memory: CurrentMemoryContext.
 *
 * Invariant: after it, every question and answer that is not void is about
 * what the order says now, and the order is held exactly as long as one of
 * them is pending or declined.
 */
#include "postgres.h"

#include "order/approval.h"

#include "base/call.h"
#include "base/errors.h"
#include "base/ident.h"
#include "base/payload.h"
#include "base/query.h"
#include "base/settings.h"
#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "order/news.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"

#define ROW_COLUMNS 13

#define IS_HELD "h.released_at IS NULL AND (h.expires_at IS NULL OR h.expires_at > $3) AND h.hold_type = 'approval'"

/* One row for an order about which nothing was asked. */
static UsomQuery read_asked = {
	.text = "SELECT k.sales_order_id, EXISTS (SELECT 1 FROM usom.hold AS h WHERE h.org_id = $1 "
	"AND h.sales_order_id = k.sales_order_id AND " IS_HELD "), a.approval_id, a.queue, a.rules, a.status, a.automatic, "
	"a.content, a.settled_at IS NULL AND a.expires_at <= $3 FROM unnest($2) AS k (sales_order_id) "
	"LEFT JOIN usom.approval AS a ON a.org_id = $1 AND a.sales_order_id = k.sales_order_id AND a.status <> 'void' "
	"ORDER BY k.sales_order_id, a.approval_id",
	.nargs = 3,
	.argtypes = {"bigint", "bigint[]", "timestamptz"},
};

static UsomQuery make_void = {
	.text = "UPDATE usom.approval AS a SET status = 'void', voided_at = $3 "
	"WHERE a.org_id = $1 AND a.approval_id = ANY ($2) AND a.status <> 'void'",
	.nargs = 3,
	.argtypes = {"bigint", "bigint[]", "timestamptz"},
};

static UsomQuery insert_asked = {
	.text = "INSERT INTO usom.approval (org_id, approval_id, sales_order_id, queue, rules, saw, status, automatic, content, "
	"expires_at, escalates_at, escalates_to, if_declined, apart_by, asked_at, decided_at, decided_by, decided_for, settled_at) "
	"SELECT $1, r.approval_id, r.sales_order_id, r.queue, r.rules, r.saw, r.status, r.automatic, r.content, "
	"r.expires_at, r.escalates_at, r.escalates_to, r.if_declined, r.apart_by, $3, n.at, n.who, n.app_user, n.at "
	"FROM unnest($2) AS r LEFT JOIN (SELECT $3 AS at, session_user::text AS who, nullif($4, '') AS app_user) AS n ON r.automatic",
	.nargs = 4,
	.argtypes = {"bigint", "usom._approval_row[]", "timestamptz", "text"},
};

static UsomQuery insert_holds = {
	.text = "INSERT INTO usom.hold (org_id, sales_order_id, placed_at, hold_type, reason, blocks) "
	"SELECT $1, k.sales_order_id, $3, 'approval', k.reason, coalesce((SELECT t.blocks FROM usom.hold_type AS t "
	"WHERE t.org_id = $1 AND t.code = 'approval'), ARRAY['confirm', 'release', 'ship']) "
	"FROM unnest($2, $4) AS k (sales_order_id, reason)",
	.nargs = 4,
	.argtypes = {"bigint", "bigint[]", "timestamptz", "text[]"},
};

static UsomQuery end_holds = {
	.text = "UPDATE usom.hold AS h SET released_at = $3, released_by = session_user, release_reason = $4 "
	"WHERE h.org_id = $1 AND h.sales_order_id = ANY ($2) AND " IS_HELD,
	.nargs = 4,
	.argtypes = {"bigint", "bigint[]", "timestamptz", "text"},
};

static UsomQuery settle_approved = {
	.text = "UPDATE usom.approval AS a SET settled_at = $3 WHERE a.org_id = $1 AND a.sales_order_id = ANY ($2) "
	"AND a.status = 'approved' AND a.settled_at IS NULL",
	.nargs = 3,
	.argtypes = {"bigint", "bigint[]", "timestamptz"},
};

static UsomQuery find_waiting = {
	.text = "SELECT a.queue FROM usom.approval AS a WHERE a.org_id = $1 AND a.sales_order_id = $2 "
	"AND NOT a.automatic AND a.status IN ('pending', 'declined') ORDER BY a.approval_id LIMIT 1",
	.nargs = 2,
	.argtypes = {"bigint", "bigint"},
};

/* A question that is not void, as it was read. */
typedef struct Asked
{
	int64		approval_id;	/* 0: nothing was asked */
	int64		sales_order_id;
	bool		held;			/* is the order? */
	const char *queue;
	List	   *rules;			/* codes */
	const char *status;
	bool		automatic;
	UsomDigest	content;
	bool		expired;
	bool		kept;
} Asked;

typedef struct Following
{
	UsomOrderSet *set;
	const UsomApprovalRules *rules;
	int			nasked;
	Asked	   *asked;			/* by order */
	int64	   *voids;
	int			nvoids;
	UsomRows   *rows;			/* new questions; NULL: none */
	int64	   *holds;
	Datum	   *reasons;		/* of the holds */
	int			nholds;
	int64	   *ends;
	int			nends;
} Following;

/* ---- reading ---- */

static List *
codes_list(Datum array)
{
	List	   *codes = NIL;
	Datum	   *elements;
	bool	   *nulls;
	int			n;

	deconstruct_array_builtin(DatumGetArrayTypeP(array), TEXTOID, &elements, &nulls, &n);
	for (int i = 0; i < n; i++)
		codes = lappend(codes, TextDatumGetCString(elements[i]));
	return codes;
}

static void
take_asked(Asked *asked, uint64 row)
{
	bool		isnull;
	Datum		approval_id = usom_query_get_or_null(row, 3, &isnull);

	*asked = (Asked) {
		.sales_order_id = DatumGetInt64(usom_query_get(row, 1)), .held = DatumGetBool(usom_query_get(row, 2))
	};
	if (isnull)
		return;
	asked->approval_id = DatumGetInt64(approval_id);
	asked->queue = usom_query_get_text(row, 4);
	asked->rules = codes_list(usom_query_get(row, 5));
	asked->status = usom_query_get_text(row, 6);
	asked->automatic = DatumGetBool(usom_query_get(row, 7));
	asked->content = usom_sha256_from_bytea(DatumGetByteaPP(usom_query_get(row, 8)));
	asked->expired = DatumGetBool(usom_query_get_or_null(row, 9, &isnull)) && !isnull;
}

static void
read_all(Following *following, const int64 *ids, int nids)
{
	Datum		values[3] = {
		Int64GetDatum(following->set->org_id), usom_query_keys(ids, nids), TimestampTzGetDatum(usom_call_time())
	};

	following->nasked = (int) usom_query_run(&read_asked, values, NULL);
	following->asked = palloc_array(Asked, Max(following->nasked, 1));
	for (int i = 0; i < following->nasked; i++)
		take_asked(&following->asked[i], i);
	following->voids = palloc_array(int64, Max(following->nasked, 1));
	following->holds = palloc_array(int64, nids);
	following->reasons = palloc_array(Datum, nids);
	following->ends = palloc_array(int64, nids);
}

/* ---- deciding ---- */

static Datum
codes_array(const List *codes)
{
	Datum	   *elements = palloc_array(Datum, Max(list_length(codes), 1));

	for (int i = 0; i < list_length(codes); i++)
		elements[i] = CStringGetTextDatum(list_nth(codes, i));
	return PointerGetDatum(construct_array_builtin(elements, list_length(codes), TEXTOID));
}

static bool
has_code(const List *codes, const char *code)
{
	for (int i = 0; i < list_length(codes); i++)
		if (strcmp(list_nth(codes, i), code) == 0)
			return true;
	return false;
}

static bool
covers(const Asked *asked, const List *codes)
{
	for (int i = 0; i < list_length(codes); i++)
		if (!has_code(asked->rules, list_nth(codes, i)))
			return false;
	return true;
}

static const UsomApprovalWanted *
find_wanted(const List *wanted, const char *queue)
{
	for (int i = 0; i < list_length(wanted); i++)
		if (strcmp(((UsomApprovalWanted *) list_nth(wanted, i))->queue, queue) == 0)
			return list_nth(wanted, i);
	return NULL;
}

/*
 * It stays if it is about what the order says, in time, and about all that is
 * asked for; a yes that nobody needs stays, too, and a no that ended the order.
 */
static bool
is_kept(const Asked *asked, const UsomContent *content, const List *wanted, const UsomApprovalRule *standard, bool ended)
{
	const UsomApprovalWanted *mine = find_wanted(wanted, asked->queue);

	if (memcmp(&asked->content, &content->digest, sizeof(UsomDigest)) != 0 || asked->expired)
		return false;
	if (asked->automatic && !ended)
		return standard != NULL && wanted == NIL && covers(asked, list_make1(unconstify(char *, standard->code)));
	if (mine != NULL)
		return covers(asked, mine->codes);
	return strcmp(asked->status, "approved") == 0 || (ended && strcmp(asked->status, "declined") == 0);
}

/* ---- asking ---- */

static Datum
trimmed(Numeric value)
{
	return DirectFunctionCall1(numeric_trim_scale, NumericGetDatum(value));
}

static void
note_excess(UsomPayload *saw, const UsomApprovalExcess *excess)
{
	usom_payload_text(saw, psprintf("line %d", excess->line_no),
					  psprintf("%s instead of %s", DatumGetCString(DirectFunctionCall1(numeric_out, trimmed(excess->unit_price))),
							   DatumGetCString(DirectFunctionCall1(numeric_out, trimmed(excess->price_before)))));
}

static Jsonb *
describe(const UsomApprovalFacts *facts, const char *queue)
{
	UsomPayload saw = usom_payload_begin();

	usom_payload_number(&saw, "total", DatumGetNumeric(trimmed(facts->total)));
	usom_payload_text(&saw, "currency", facts->currency);
	usom_payload_number(&saw, "discount", DatumGetNumeric(trimmed(usom_approval_discount(facts))));
	if (facts->risk != USOM_NO_RISK)
		usom_payload_integer(&saw, "risk", facts->risk);
	if (facts->customer != NULL)
		usom_payload_text(&saw, "customer", facts->customer);
	if (facts->segment != NULL)
		usom_payload_text(&saw, "segment", facts->segment);
	usom_payload_text(&saw, "channel", facts->channel);
	for (int i = 0; i < list_length(facts->excesses); i++)
	{
		const UsomApprovalExcess *excess = list_nth(facts->excesses, i);

		if (queue != NULL && strcmp(excess->queue, queue) == 0)
			note_excess(&saw, excess);
	}
	return usom_payload_end(&saw);
}

static Datum
after(const Interval *span, bool *isnull)
{
	*isnull = span == NULL;
	if (span == NULL)
		return (Datum) 0;
	return DirectFunctionCall2(timestamptz_pl_interval, TimestampTzGetDatum(usom_call_time()), IntervalPGetDatum(span));
}

/* rule: NULL where a price limit asks. */
static void
add_row(Following *following, const UsomContent *content, const char *queue, const List *codes,
		const UsomApprovalRule *rule, bool automatic)
{
	bool		nulls[ROW_COLUMNS] = {false};
	Datum		values[ROW_COLUMNS] = {
		Int64GetDatum(usom_ident_next()),
		Int64GetDatum(content->sales_order_id),
		CStringGetTextDatum(queue),
		codes_array(codes),
		JsonbPGetDatum(describe(&content->facts, automatic ? NULL : queue)),
		CStringGetTextDatum(automatic ? "approved" : "pending"),
		BoolGetDatum(automatic),
		PointerGetDatum(usom_sha256_bytea(&content->digest)),
		after(rule ? rule->valid_for : NULL, &nulls[8]),
		after(rule ? rule->escalate_after : NULL, &nulls[9]),
		rule && rule->escalate_to ? CStringGetTextDatum(rule->escalate_to) : (Datum) 0,
		CStringGetTextDatum(rule ? rule->if_declined : "keep"),
		CStringGetTextDatum(rule ? rule->apart_by : "login"),
	};

	nulls[10] = nulls[9];
	if (following->rows == NULL)
		following->rows = usom_rows_make("_approval_row", 4);
	usom_rows_add(following->rows, values, nulls);
}

static int
find_order(const UsomOrderSet *set, int64 sales_order_id)
{
	for (int i = 0; i < set->norders; i++)
		if (set->orders[i].sales_order_id == sales_order_id)
			return i;
	Ensure(false, "an approval is about no order of the set");
	return -1;
}

static void
tell_wanted(Following *following, const UsomContent *content, const UsomApprovalWanted *wanted)
{
	UsomPayload payload = usom_payload_begin();
	StringInfoData codes;

	initStringInfo(&codes);
	for (int i = 0; i < list_length(wanted->codes); i++)
		appendStringInfo(&codes, "%s%s", i > 0 ? ", " : "", (char *) list_nth(wanted->codes, i));
	usom_payload_text(&payload, "queue", wanted->queue);
	usom_payload_text(&payload, "rules", codes.data);
	usom_order_tell(following->set, find_order(following->set, content->sales_order_id), "approval_wanted",
					usom_payload_end(&payload));
}

/* ---- one order ---- */

static bool
is_asked(const Asked *asked, int nasked, const char *queue)
{
	for (int i = 0; i < nasked; i++)
		if (asked[i].kept && !asked[i].automatic && strcmp(asked[i].queue, queue) == 0)
			return true;
	return false;
}

/* Returns whether an answer is missing. */
static bool
ask(Following *following, const UsomContent *content, const Asked *asked, int nasked, const List *wanted)
{
	bool		waits = false;

	for (int i = 0; i < list_length(wanted); i++)
	{
		const UsomApprovalWanted *one = list_nth(wanted, i);

		if (is_asked(asked, nasked, one->queue))
			continue;
		add_row(following, content, one->queue, one->codes, one->rule, false);
		tell_wanted(following, content, one);
		waits = true;
	}
	for (int i = 0; i < nasked; i++)
		waits |= asked[i].kept && strcmp(asked[i].status, "approved") != 0;
	return waits;
}

static const char *
say_whom(const List *wanted)
{
	StringInfoData queues;

	initStringInfo(&queues);
	for (int i = 0; i < list_length(wanted); i++)
		appendStringInfo(&queues, "%s%s", i > 0 ? ", " : "", ((UsomApprovalWanted *) list_nth(wanted, i))->queue);
	return psprintf("waits for %s", queues.data);
}

static void
follow_order(Following *following, const UsomContent *content, Asked *asked, int nasked, bool ended)
{
	const UsomApprovalRule *standard = NULL;
	List	   *wanted = ended ? NIL : usom_approval_match(following->rules, &content->facts, &standard);
	bool		any_standard = false;
	bool		waits;

	for (int i = 0; i < nasked; i++)
	{
		asked[i].kept = asked[i].approval_id != 0 && is_kept(&asked[i], content, wanted, standard, ended);
		if (asked[i].approval_id != 0 && !asked[i].kept)
			following->voids[following->nvoids++] = asked[i].approval_id;
		any_standard |= asked[i].kept && asked[i].automatic;
	}
	waits = ask(following, content, asked, nasked, wanted) && !ended;
	if (standard != NULL && wanted == NIL && !any_standard)
		add_row(following, content, standard->queue, list_make1(unconstify(char *, standard->code)), standard, true);
	if (waits && !asked[0].held)
	{
		following->reasons[following->nholds] = CStringGetTextDatum(say_whom(wanted));
		following->holds[following->nholds++] = content->sales_order_id;
	}
	else if (!waits && asked[0].held)
		following->ends[following->nends++] = content->sales_order_id;
}

/* ---- writing ---- */

static void
write_holds(const Following *following, TimestampTz at)
{
	Datum		values[4] = {Int64GetDatum(following->set->org_id), 0, TimestampTzGetDatum(at), 0};

	if (following->nholds > 0)
	{
		values[1] = usom_query_keys(following->holds, following->nholds);
		values[3] = PointerGetDatum(construct_array_builtin(following->reasons, following->nholds, TEXTOID));
		usom_query_write(&insert_holds, values, NULL);
	}
	if (following->nends > 0)
	{
		values[1] = usom_query_keys(following->ends, following->nends);
		values[3] = CStringGetTextDatum("no approval is missing any more");
		usom_query_write(&end_holds, values, NULL);
		usom_query_write(&settle_approved, values, NULL);
	}
}

static void
write_all(const Following *following)
{
	TimestampTz at = usom_call_time();
	Datum		values[4] = {
		Int64GetDatum(following->set->org_id), 0, TimestampTzGetDatum(at), CStringGetTextDatum(usom_setting_app_user)
	};

	if (following->nvoids > 0)
	{
		values[1] = usom_query_keys(following->voids, following->nvoids);
		usom_query_write(&make_void, values, NULL);
	}
	if (following->rows != NULL)
	{
		values[1] = usom_rows_datum(following->rows);
		usom_query_write(&insert_asked, values, NULL);
	}
	write_holds(following, at);
}

/* Both come by order; asked has every order, contents those that have lines. */
static void
follow_orders(UsomOrderSet *set, const int64 *ids, int nids)
{
	Following	following = {.set = set, .rules = usom_approval_rules(set->org_id)};
	UsomContent *contents;
	int			ncontents = usom_approval_read_content(set->org_id, ids, nids, &contents);
	int			next = 0;

	read_all(&following, ids, nids);
	for (int i = 0, n; i < following.nasked; i += n)
	{
		int64		order_id = following.asked[i].sales_order_id;

		for (n = 1; i + n < following.nasked && following.asked[i + n].sales_order_id == order_id;)
			n++;
		while (next < ncontents && contents[next].sales_order_id < order_id)
			next++;
		if (next < ncontents && contents[next].sales_order_id == order_id)
			follow_order(&following, &contents[next], &following.asked[i], n,
						 set->orders[find_order(set, order_id)].status >= USOM_ORDER_CLOSED);
	}
	write_all(&following);
}

/* ---- which orders ---- */

static bool
differs(Numeric a, Numeric b)
{
	return a != b && !DatumGetBool(DirectFunctionCall2(numeric_eq, NumericGetDatum(a), NumericGetDatum(b)));
}

static bool
line_changed(const UsomLine *line)
{
	const struct UsomAgreed *agreed = &line->agreed;

	if (!line->changed && !line->is_new)
		return false;
	return line->removed || agreed->unit_price == NULL || agreed->product_id != line->product_id ||
		agreed->quantity != line->quantity || differs(agreed->unit_price, line->unit_price) ||
		differs(agreed->discount, line->discount) || differs(agreed->freight, line->freight) ||
		differs(agreed->tax, line->tax);
}

/* Running, or ended just now. */
static bool
is_followed(const UsomOrder *order)
{
	if (order->status == USOM_ORDER_CANCELLED || order->status == USOM_ORDER_REJECTED)
		return order->status_before != order->status;
	return order->status > USOM_ORDER_DRAFT && order->status < USOM_ORDER_SHIPPED;
}

static bool
order_changed(const UsomOrderSet *set, int index)
{
	const UsomOrder *order = &set->orders[index];

	if (order->is_new || order->content_changed || order->status_before == USOM_ORDER_DRAFT ||
		order->status >= USOM_ORDER_CLOSED)
		return true;
	for (int i = usom_order_first_line(set, index); i < set->nlines && set->lines[i].order == index; i++)
		if (line_changed(&set->lines[i]))
			return true;
	return false;
}

static void
follow_some(UsomOrderSet *set, bool all)
{
	int64	   *ids;
	int			nids = 0;

	if (likely(!usom_approval_rules(set->org_id)->any))
		return;
	ids = palloc_array(int64, Max(set->norders, 1));
	for (int i = 0; i < set->norders; i++)
		if (is_followed(&set->orders[i]) && (all || order_changed(set, i)))
			ids[nids++] = set->orders[i].sales_order_id;
	if (nids > 0)
		follow_orders(set, ids, nids);
}

void
usom_approval_follow(UsomOrderSet *set)
{
	follow_some(set, false);
}

void
usom_approval_follow_all(UsomOrderSet *set)
{
	follow_some(set, true);
}

/* ---- holds ---- */

void
usom_approval_check_release(const UsomOrderSet *set, int order, const char *hold_type)
{
	Datum		values[2] = {Int64GetDatum(set->org_id), Int64GetDatum(set->orders[order].sales_order_id)};
	const char *order_no = set->orders[order].order_no;

	if (strcmp(hold_type, USOM_APPROVAL_HOLD) != 0 || usom_query_run(&find_waiting, values, NULL) == 0)
		return;
	ereport(ERROR, errcode(USOM_ERR(APPROVAL_WAITS)),
			errmsg("the approval hold of order \"%s\" is not released by hand", order_no),
			errdetail("An answer of %s is missing.", usom_query_get_text(0, 1)),
			errhint("Have a member of the queue call usom.approve_order('%s', ...), or change the order.", order_no));
}

void
usom_approval_settle(UsomOrderSet *set, int order)
{
	Datum		values[4] = {
		Int64GetDatum(set->org_id), usom_query_keys(&set->orders[order].sales_order_id, 1),
		TimestampTzGetDatum(usom_call_time()), CStringGetTextDatum("approved")
	};

	usom_query_write(&end_holds, values, NULL);
	usom_query_write(&settle_approved, values, NULL);
}
