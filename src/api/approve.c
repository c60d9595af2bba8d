/*
 * approve.c
 *		The answer of a queue: approve_order, decline_order, and asking again.
 *
 * A decision is about the questions that could be seen when the call began,
 * and about the content that they were asked for: a change that was made
 * while the call waited for the order, or behind usom's back, is US134.  The
 * last answer lets the order go on in the same call.
 *
 * Locks: the order, then what confirming locks.
 *
 * Memory: the call's context.
 */
#include "postgres.h"

#include "api/api.h"
#include "order/approval.h"

#include "base/call.h"
#include "base/errors.h"
#include "base/payload.h"
#include "base/query.h"
#include "base/settings.h"
#include "order/answer.h"
#include "order/news.h"
#include "party/party.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(usom_approve_order);
PG_FUNCTION_INFO_V1(usom_decline_order);
PG_FUNCTION_INFO_V1(usom_request_approval);
PG_FUNCTION_INFO_V1(usom_score_order);

/* Before the lock, with the snapshot of the statement. */
static UsomQuery see_questions = {
	.text = "SELECT a.approval_id FROM usom.sales_order AS o JOIN usom.approval AS a ON a.org_id = o.org_id "
	"AND a.sales_order_id = o.sales_order_id WHERE o.org_id = $1 AND o.order_no = $2 AND a.status = 'pending'",
	.nargs = 2,
	.argtypes = {"bigint", "text"},
};

static UsomQuery read_questions = {
	.text = "SELECT a.approval_id, a.queue, a.status, a.content, a.expires_at <= $3, "
	"CASE WHEN a.escalates_at <= $3 THEN a.escalates_to END, a.apart_by, a.if_declined "
	"FROM usom.approval AS a WHERE a.org_id = $1 AND a.sales_order_id = $2 AND a.status <> 'void' AND NOT a.automatic "
	"ORDER BY a.approval_id",
	.nargs = 3,
	.argtypes = {"bigint", "bigint", "timestamptz"},
};

/* Who had a hand in what the order says.  $5: by application user where both are known. */
static UsomQuery find_own_hand = {
	.text = "SELECT h.event FROM usom.order_history AS h WHERE h.org_id = $1 AND h.sales_order_id = $2 "
	"AND h.event IN ('create', 'place', 'submit', 'change', 'substitute', 'override', 'reprice', 'break_glass') "
	"AND CASE WHEN $4 AND $3 <> '' AND h.app_user <> '' THEN h.app_user = $3 "
	"ELSE h.actor = session_user OR ($3 <> '' AND h.app_user = $3) END ORDER BY h.version LIMIT 1",
	.nargs = 4,
	.argtypes = {"bigint", "bigint", "text", "boolean"},
};

static UsomQuery write_decision = {
	.text = "UPDATE usom.approval AS a SET status = $3, decided_at = $4, decided_by = session_user, "
	"decided_for = nullif($5, ''), reason = $6 WHERE a.org_id = $1 AND a.approval_id = ANY ($2) AND a.status = 'pending'",
	.nargs = 6,
	.argtypes = {"bigint", "bigint[]", "text", "timestamptz", "text", "text"},
};

static UsomQuery insert_score = {
	.text = "INSERT INTO usom.order_risk (org_id, sales_order_id, score, reason, scored_at) VALUES ($1, $2, $3, $4, $5)",
	.nargs = 5,
	.argtypes = {"bigint", "bigint", "integer", "text", "timestamptz"},
};

typedef struct Question
{
	int64		approval_id;
	const char *queue;
	bool		pending;
	bool		approved;
	UsomDigest	content;
	bool		expired;
	const char *escalated_to;	/* NULL: not yet, or never */
	bool		by_app_user;
	bool		rejects;
	bool		chosen;			/* decided in this call */
} Question;

typedef struct Deciding
{
	UsomOrderSet *set;
	int			nseen;
	int64	   *seen;			/* questions that could be seen before the lock */
	int			count;
	Question   *questions;
} Deciding;

/* ---- reading ---- */

static void
note_seen(Deciding *deciding, const char *order_no)
{
	Datum		values[2] = {Int64GetDatum(usom_party_org()), CStringGetTextDatum(order_no)};

	deciding->nseen = (int) usom_query_look(&see_questions, values, NULL);
	deciding->seen = palloc_array(int64, Max(deciding->nseen, 1));
	for (int i = 0; i < deciding->nseen; i++)
		deciding->seen[i] = DatumGetInt64(usom_query_get(i, 1));
}

static void
take_question(Question *question, uint64 row)
{
	const char *status = usom_query_get_text(row, 3);
	bool		isnull;

	*question = (Question) {
		.approval_id = DatumGetInt64(usom_query_get(row, 1)),
		.queue = usom_query_get_text(row, 2),
		.pending = strcmp(status, "pending") == 0,
		.approved = strcmp(status, "approved") == 0,
		.content = usom_sha256_from_bytea(DatumGetByteaPP(usom_query_get(row, 4))),
		.escalated_to = usom_query_get_text(row, 6),
		.by_app_user = strcmp(usom_query_get_text(row, 7), "app_user") == 0,
		.rejects = strcmp(usom_query_get_text(row, 8), "reject") == 0,
	};
	question->expired = DatumGetBool(usom_query_get_or_null(row, 5, &isnull)) && !isnull;
}

static void
read_all(Deciding *deciding)
{
	Datum		values[3] = {
		Int64GetDatum(deciding->set->org_id), Int64GetDatum(deciding->set->orders[0].sales_order_id),
		TimestampTzGetDatum(usom_call_time())
	};

	deciding->count = (int) usom_query_run(&read_questions, values, NULL);
	deciding->questions = palloc_array(Question, Max(deciding->count, 1));
	for (int i = 0; i < deciding->count; i++)
		take_question(&deciding->questions[i], i);
}

/* ---- refusing ---- */

static void
refuse_nothing(const Deciding *deciding, const char *queue)
{
	const char *order_no = deciding->set->orders[0].order_no;

	ereport(ERROR, errcode(USOM_ERR(NOTHING_TO_APPROVE)),
			queue ? errmsg("order \"%s\" waits for no approval of \"%s\"", order_no, queue)
			: errmsg("order \"%s\" waits for no approval", order_no),
			errhint("SELECT * FROM usom.approvals WHERE order_no = '%s';", order_no));
}

static void
refuse_expired(const Deciding *deciding, const Question *question)
{
	const char *order_no = deciding->set->orders[0].order_no;

	ereport(ERROR, errcode(USOM_ERR(APPROVAL_EXPIRED)),
			errmsg("the question to \"%s\" about order \"%s\" has expired", question->queue, order_no),
			errhint("Call usom.request_approval('%s', ...) to ask anew.", order_no));
}

static void
refuse_stranger(const Deciding *deciding, const Question *question)
{
	ereport(ERROR, errcode(USOM_ERR(NOT_OF_QUEUE)),
			errmsg("the approval of order \"%s\" is for others to decide", deciding->set->orders[0].order_no),
			question->escalated_to
			? errdetail("It is asked of \"%s\", and of \"%s\" by now.", question->queue, question->escalated_to)
			: errdetail("It is asked of \"%s\".", question->queue),
			errhint("Have a member of the queue decide."));
}

static void
refuse_changed(const Deciding *deciding, const char *detail)
{
	const char *order_no = deciding->set->orders[0].order_no;

	ereport(ERROR, errcode(USOM_ERR(CONTENT_CHANGED)),
			errmsg("order \"%s\" is not any more what was asked about", order_no),
			errdetail("%s", detail),
			errhint("Look at usom.approvals again; if nothing is asked there, call usom.request_approval('%s', ...).",
					order_no));
}

/* ---- choosing ---- */

static bool
may_decide(const Question *question)
{
	return usom_approval_is_member(question->queue) ||
		(question->escalated_to != NULL && usom_approval_is_member(question->escalated_to));
}

/* Those of the queue, or all, that wait, are in time and are the caller's to decide. */
static void
choose(Deciding *deciding, const char *queue)
{
	const Question *expired = NULL;
	const Question *strange = NULL;
	int			count = 0;

	for (int i = 0; i < deciding->count; i++)
	{
		Question   *question = &deciding->questions[i];

		if (!question->pending || (queue != NULL && strcmp(question->queue, queue) != 0))
			continue;
		if (!may_decide(question))
			strange = question;
		else if (question->expired)
			expired = question;
		else
			question->chosen = true;
		count += question->chosen;
	}
	if (count > 0)
		return;
	if (expired != NULL)
		refuse_expired(deciding, expired);
	if (strange != NULL)
		refuse_stranger(deciding, strange);
	refuse_nothing(deciding, queue);
}

static void
check_seen(const Deciding *deciding, const Question *question)
{
	for (int i = 0; i < deciding->nseen; i++)
		if (deciding->seen[i] == question->approval_id)
			return;
	refuse_changed(deciding, "It was changed while this call waited for it.");
}

static void
check_digest(const Deciding *deciding, const Question *question, const char *digest)
{
	UsomContent *contents;
	int			count = usom_approval_read_content(deciding->set->org_id, &deciding->set->orders[0].sales_order_id, 1, &contents);
	char		asked[2 * USOM_DIGEST_SIZE + 1];

	if (count != 1 || memcmp(&contents[0].digest, &question->content, sizeof(UsomDigest)) != 0)
		refuse_changed(deciding, "What it says now was never asked about.");
	hex_encode((const char *) question->content.bytes, USOM_DIGEST_SIZE, asked);
	asked[2 * USOM_DIGEST_SIZE] = '\0';
	if (digest != NULL && strcmp(digest, asked) != 0)
		refuse_changed(deciding, psprintf("The decision is about content %.16s..., what is asked about is %.16s....", digest, asked));
}

static void
check_not_own(const Deciding *deciding, const Question *question)
{
	Datum		values[4] = {
		Int64GetDatum(deciding->set->org_id), Int64GetDatum(deciding->set->orders[0].sales_order_id),
		CStringGetTextDatum(usom_setting_app_user), BoolGetDatum(question->by_app_user)
	};

	if (usom_query_run(&find_own_hand, values, NULL) == 0)
		return;
	ereport(ERROR, errcode(USOM_ERR(OWN_ORDER)),
			errmsg("nobody decides about an order of their own: \"%s\"", deciding->set->orders[0].order_no),
			errdetail("Whoever calls had a hand in it: %s.", usom_query_get_text(0, 1)),
			errhint("Have another member of \"%s\" decide.", question->queue));
}

/* ---- deciding ---- */

static void
write_chosen(const Deciding *deciding, const char *status)
{
	int64	   *ids = palloc_array(int64, deciding->count);
	const char *reason = usom_call_reason();
	int			nids = 0;
	bool		nulls[6] = {false, false, false, false, false, reason == NULL};
	Datum		values[6] = {
		Int64GetDatum(deciding->set->org_id), 0, CStringGetTextDatum(status), TimestampTzGetDatum(usom_call_time()),
		CStringGetTextDatum(usom_setting_app_user), reason ? CStringGetTextDatum(reason) : (Datum) 0
	};

	for (int i = 0; i < deciding->count; i++)
		if (deciding->questions[i].chosen)
			ids[nids++] = deciding->questions[i].approval_id;
	values[1] = usom_query_keys(ids, nids);
	usom_query_write(&write_decision, values, nulls);
}

/* History and news name the queues. */
static void
note_decision(const Deciding *deciding, const char *verb, const char *kind)
{
	StringInfoData queues;
	UsomPayload payload = usom_payload_begin();

	initStringInfo(&queues);
	for (int i = 0; i < deciding->count; i++)
		if (deciding->questions[i].chosen)
			appendStringInfo(&queues, "%s%s", queues.len > 0 ? ", " : "", deciding->questions[i].queue);
	usom_payload_text(&payload, "queue", queues.data);
	usom_order_tell(deciding->set, 0, kind, usom_payload_end(&payload));
	deciding->set->orders[0].event = verb;
	deciding->set->orders[0].event_reference = queues.data;
	deciding->set->orders[0].changed = true;
	usom_order_save(deciding->set);
	deciding->set->orders[0].event_reference = NULL;
}

static Deciding *
begin(FunctionCallInfo fcinfo)
{
	Deciding   *deciding = palloc0_object(Deciding);
	const char *order_no = usom_order_arg_text(fcinfo, 0, "order_no");
	const char *queue = PG_ARGISNULL(2) ? NULL : usom_order_arg_text(fcinfo, 2, "queue");
	const char *digest = PG_ARGISNULL(3) ? NULL : usom_order_arg_text(fcinfo, 3, "digest");

	note_seen(deciding, order_no);
	deciding->set = usom_order_load(usom_party_org(), order_no);
	read_all(deciding);
	choose(deciding, queue);
	for (int i = 0; i < deciding->count; i++)
	{
		if (!deciding->questions[i].chosen)
			continue;
		check_seen(deciding, &deciding->questions[i]);
		check_digest(deciding, &deciding->questions[i], digest);
		check_not_own(deciding, &deciding->questions[i]);
	}
	return deciding;
}

/* An answer that came too early to be in time counts no more. */
static bool
is_complete(const Deciding *deciding)
{
	for (int i = 0; i < deciding->count; i++)
		if (!deciding->questions[i].chosen && (!deciding->questions[i].approved || deciding->questions[i].expired))
			return false;
	return true;
}

Datum
usom_approve_order(PG_FUNCTION_ARGS)
{
	UsomAnswer *answer = usom_order_answer_begin(fcinfo, "approve_order", 1);
	Deciding   *deciding = begin(fcinfo);
	UsomOrderSet *set = deciding->set;

	write_chosen(deciding, "approved");
	if (is_complete(deciding))
		usom_approval_settle(set, 0);
	note_decision(deciding, "approve", "approved");
	if (usom_api_goes_on(set, 0))
		usom_api_confirm(set);
	return usom_order_answer_status(answer, set);
}

Datum
usom_decline_order(PG_FUNCTION_ARGS)
{
	UsomAnswer *answer = usom_order_answer_begin(fcinfo, "decline_order", 1);
	Deciding   *deciding;
	bool		rejects = false;

	usom_order_arg_required(fcinfo, 1, "reason");
	deciding = begin(fcinfo);
	write_chosen(deciding, "declined");
	note_decision(deciding, "decline", "declined");
	for (int i = 0; i < deciding->count; i++)
		rejects |= deciding->questions[i].chosen && deciding->questions[i].rejects;
	if (rejects && deciding->set->orders[0].status == USOM_ORDER_SUBMITTED)
		usom_api_reject(deciding->set);
	return usom_order_answer_status(answer, deciding->set);
}

/* ---- asking anew ---- */

static void
check_running(const UsomOrder *order, const char *verb)
{
	if (order->status == USOM_ORDER_DRAFT || order->status >= USOM_ORDER_SHIPPED)
		usom_order_refuse(order->order_no, verb, order->status);
}

static void
ask_anew(UsomOrderSet *set, const char *event, const char *reference)
{
	usom_approval_follow_all(set);
	set->orders[0].event = event;
	set->orders[0].event_reference = reference;
	set->orders[0].changed = true;
	usom_order_save(set);
}

Datum
usom_request_approval(PG_FUNCTION_ARGS)
{
	UsomAnswer *answer = usom_order_answer_begin(fcinfo, "request_approval", 1);
	UsomOrderSet *set = usom_order_load(usom_party_org(), usom_order_arg_text(fcinfo, 0, "order_no"));

	check_running(&set->orders[0], "request approval of");
	ask_anew(set, "request_approval", NULL);
	return usom_order_answer_status(answer, set);
}

Datum
usom_score_order(PG_FUNCTION_ARGS)
{
	UsomAnswer *answer = usom_order_answer_begin(fcinfo, "score_order", 2);
	UsomOrderSet *set = usom_order_load(usom_party_org(), usom_order_arg_text(fcinfo, 0, "order_no"));
	const char *reason = usom_call_reason();
	Datum		values[5] = {
		Int64GetDatum(set->org_id), Int64GetDatum(set->orders[0].sales_order_id), PG_GETARG_DATUM(1),
		reason ? CStringGetTextDatum(reason) : (Datum) 0, TimestampTzGetDatum(usom_call_time())
	};
	bool		nulls[5] = {false, false, false, reason == NULL, false};

	usom_order_arg_required(fcinfo, 1, "score");
	if (set->orders[0].status >= USOM_ORDER_CLOSED)
		usom_order_refuse(set->orders[0].order_no, "score", set->orders[0].status);
	usom_query_write(&insert_score, values, nulls);
	ask_anew(set, "score", psprintf("%d", PG_GETARG_INT32(1)));
	return usom_order_answer_status(answer, set);
}
