/*
 * draft_verbs.c
 *		usom.start_draft(), and what is done with drafts until they are orders.
 *
 * Whose draft it is tells desks who works on what; it is no secret, and no
 * right: who may see the channel sees its drafts.
 *
 * Locks: the message of the draft, the draft, then what quoting or placing
 * locks.  Memory: the call's; the answer in the caller's.
 */
#include "postgres.h"

#include "intake/draft.h"

#include "api/place.h"
#include "base/errors.h"
#include "base/query.h"
#include "intake/circuit.h"
#include "miscadmin.h"
#include "order/answer.h"
#include "party/party.h"
#include "party/person.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

PG_FUNCTION_INFO_V1(usom_start_draft);
PG_FUNCTION_INFO_V1(usom_save_draft);
PG_FUNCTION_INFO_V1(usom_submit_draft);
PG_FUNCTION_INFO_V1(usom_drop_draft);
PG_FUNCTION_INFO_V1(usom_hand_over_draft);
PG_FUNCTION_INFO_V1(usom_draft_from_message);

static Datum
answer_draft(UsomAnswer *answer, const UsomDraft *draft)
{
	Datum		values[] = {
		CStringGetTextDatum(draft->draft_no),
		CStringGetTextDatum(draft->status),
		Int32GetDatum(draft->version),
		TimestampTzGetDatum(draft->held_until),
		NumericGetDatum(usom_quantity_numeric(draft->held)),
		JsonbPGetDatum(draft->findings),
		JsonbPGetDatum(draft->quote),
	};
	bool		nulls[lengthof(values)] = {false};

	return usom_order_answer_row(answer, values, nulls);
}

static Datum
answer_state(UsomAnswer *answer, const char *status, const char *agent)
{
	Datum		values[] = {CStringGetTextDatum(status), CStringGetTextDatum(agent)};
	bool		nulls[lengthof(values)] = {false};

	return usom_order_answer_row(answer, values, nulls);
}

static Jsonb *
get_document(FunctionCallInfo fcinfo, int arg)
{
	Jsonb	   *document;

	usom_order_arg_required(fcinfo, arg, "document");
	document = PG_GETARG_JSONB_P(arg);
	if (!JB_ROOT_IS_OBJECT(document) || JB_ROOT_IS_SCALAR(document))
		ereport(ERROR, errcode(USOM_ERR(INVALID_DOCUMENT)),
				errmsg("order document must be a JSON object"),
				errhint("Whatever else it lacks may come later: {} is a beginning."));
	return document;
}

/* That of the document, as place_order() takes it; a draft of a message stays with its channel. */
static const UsomChannel *
channel_of(int64 org_id, Jsonb *document, const char *fixed)
{
	JsonbValue	value;
	const char *code = fixed;

	if (code == NULL && getKeyJsonValueFromContainer(&document->root, "channel", (int) strlen("channel"), &value) != NULL && value.type == jbvString)
		code = pnstrdup(value.val.string.val, value.val.string.len);
	if (code == NULL)
		code = "manual";
	return usom_intake_channel(org_id, code);
}

/* usom.start_draft(document) */
Datum
usom_start_draft(PG_FUNCTION_ARGS)
{
	UsomAnswer *answer = usom_order_answer_begin(fcinfo, "start_draft", -1);
	int64		org_id = usom_party_org();
	Jsonb	   *document = get_document(fcinfo, 0);
	const UsomChannel *channel = channel_of(org_id, document, NULL);
	UsomDraft  *draft = usom_draft_make(org_id, channel, NULL);

	usom_draft_save(draft, document, channel_of(org_id, document, NULL));
	return answer_draft(answer, draft);
}

static bool
is_same(Jsonb *one, Jsonb *other)
{
	return one != NULL && compareJsonbContainers(&one->root, &other->root) == 0;
}

/* The save that made the version may come again, when its answer was lost. */
static void
check_version(const UsomDraft *draft, FunctionCallInfo fcinfo, int arg, Jsonb *document)
{
	int32		version = PG_ARGISNULL(arg) ? draft->version : PG_GETARG_INT32(arg);

	if (version == draft->version || (document != NULL && version == draft->version - 1 && is_same(draft->document, document)))
		return;
	ereport(ERROR, errcode(USOM_ERR(VERSION_CONFLICT)),
			errmsg("draft \"%s\" was saved meanwhile", draft->draft_no),
			errdetail("It has version %d, not %d.", draft->version, version),
			errhint("Read it again from usom.drafts, and save with version %d.", draft->version));
}

static UsomDraft *
open_mine(FunctionCallInfo fcinfo)
{
	UsomDraft  *draft = usom_draft_lock(usom_party_org(), usom_order_arg_text(fcinfo, 0, "draft_no"));

	usom_draft_check_open(draft);
	usom_draft_check_mine(draft);
	return draft;
}

/* usom.save_draft(draft_no, document, version) */
Datum
usom_save_draft(PG_FUNCTION_ARGS)
{
	UsomAnswer *answer = usom_order_answer_begin(fcinfo, "save_draft", -1);
	Jsonb	   *document = get_document(fcinfo, 1);
	UsomDraft  *draft = open_mine(fcinfo);

	check_version(draft, fcinfo, 2, document);
	usom_draft_save(draft, document, channel_of(draft->org_id, document, draft->inbox_message_id != 0 ? draft->channel : NULL));
	return answer_draft(answer, draft);
}

/* usom.drop_draft(draft_no, reason) */
Datum
usom_drop_draft(PG_FUNCTION_ARGS)
{
	UsomAnswer *answer = usom_order_answer_begin(fcinfo, "drop_draft", 1);
	UsomDraft  *draft = usom_draft_lock(usom_party_org(), usom_order_arg_text(fcinfo, 0, "draft_no"));
	const char *reason = PG_ARGISNULL(1) ? "not wanted" : text_to_cstring(PG_GETARG_TEXT_PP(1));

	if (strcmp(draft->status, "dropped") != 0)
	{
		usom_draft_check_open(draft);
		usom_draft_check_mine(draft);
		usom_draft_write_dropped(draft, reason);
		if (draft->inbox_message_id != 0)
			usom_inbox_park(&(UsomMessage) {.org_id = draft->org_id, .inbox_message_id = draft->inbox_message_id},
							psprintf("draft %s was dropped", draft->draft_no));
	}
	return answer_state(answer, "dropped", draft->agent);
}

/* Who may reject orders may give away the drafts of others. */
static UsomQuery ask_privilege = {
	.text = "SELECT pg_catalog.has_function_privilege($1, 'usom.reject_order(text, text)', 'EXECUTE')",
	.nargs = 1,
	.argtypes = {"oid"},
};

static bool
may_give_away(void)
{
	Datum		value = ObjectIdGetDatum(GetUserId());

	usom_query_run(&ask_privilege, &value, NULL);
	return DatumGetBool(usom_query_get(0, 1));
}

/* usom.hand_over_draft(draft_no, agent, reason) */
Datum
usom_hand_over_draft(PG_FUNCTION_ARGS)
{
	UsomAnswer *answer = usom_order_answer_begin(fcinfo, "hand_over_draft", 2);
	UsomDraft  *draft = usom_draft_lock(usom_party_org(), usom_order_arg_text(fcinfo, 0, "draft_no"));
	const char *agent = usom_order_arg_text(fcinfo, 1, "agent");

	if (*agent == '\0')
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("agent must not be empty"));
	usom_draft_check_open(draft);
	if (strcmp(agent, draft->agent) != 0)
	{
		if (!may_give_away())
			usom_draft_check_mine(draft);
		usom_draft_write_agent(draft, agent);
	}
	return answer_state(answer, "open", agent);
}

/* ---- submit ---- */

/* Another key means that another order is wanted: this draft is one already. */
static UsomPlaced *
answer_again(const UsomDraft *draft, const char *key)
{
	Placing    *placing = palloc0_object(Placing);

	if (draft->order_no == NULL || (key != NULL && (draft->submit_key == NULL || strcmp(key, draft->submit_key) != 0)))
		usom_draft_check_open(draft);
	placing->org_id = draft->org_id;
	placing->repeats = unconstify(char *, draft->order_no);
	return usom_api_answer_repeat(placing);
}

/* The message was entered by hand: it is done. */
static void
settle_message(const UsomDraft *draft, const UsomPlaced *placed)
{
	UsomMessage *message = usom_inbox_open(draft->org_id, draft->message_no);

	message->outcome = placed->repeated ? "repeated" : "placed";
	message->order_no = placed->order_no;
	usom_inbox_settle(message);
}

static UsomPlaced *
submit(UsomDraft *draft, const char *key)
{
	UsomPlaced *placed;

	if (draft->document == NULL)
		usom_person_refuse_erased(psprintf("draft \"%s\"", draft->draft_no));
	if (draft->message_no != NULL)
		usom_inbox_open(draft->org_id, draft->message_no);
	if (key != NULL)
		usom_draft_check_key(draft, key);
	placed = usom_api_place(usom_draft_document(draft, draft->document));
	placed->messages = DatumGetJsonbP(DirectFunctionCall2(jsonb_concat, JsonbPGetDatum(placed->messages),
														  JsonbPGetDatum(usom_draft_differences(draft, placed->order_no))));
	usom_draft_write_submitted(draft, key, placed);
	if (draft->message_no != NULL)
		settle_message(draft, placed);
	return placed;
}

/* usom.submit_draft(draft_no, key, version) */
Datum
usom_submit_draft(PG_FUNCTION_ARGS)
{
	UsomAnswer *answer = usom_order_answer_begin(fcinfo, "submit_draft", -1);
	UsomDraft  *draft = usom_draft_lock(usom_party_org(), usom_order_arg_text(fcinfo, 0, "draft_no"));
	const char *key = PG_ARGISNULL(1) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(1));

	if (strcmp(draft->status, "open") != 0)
		return usom_api_answer_placed(answer, answer_again(draft, key));
	usom_draft_check_mine(draft);
	check_version(draft, fcinfo, 2, NULL);
	return usom_api_answer_placed(answer, submit(draft, key));
}

/* ---- from a message ---- */

static UsomQuery find_order = {
	.text = "SELECT o.order_no FROM usom.sales_order AS o WHERE o.org_id = $1 AND o.channel_id = $2 AND o.external_id = $3",
	.nargs = 3,
	.argtypes = {"bigint", "bigint", "text"},
};

static void
check_brings_order(const UsomMessage *message)
{
	Datum		values[] = {Int64GetDatum(message->org_id), Int64GetDatum(message->channel_id), CStringGetTextDatum(message->external_id)};

	if (message->payload == NULL)
		usom_person_refuse_erased(psprintf("the payload of message \"%s\"", message->message_no));
	if (strcmp(message->kind, "order") != 0)
		ereport(ERROR, errcode(USOM_ERR(NO_DRAFT_OF_IT)),
				errmsg("message \"%s\" brings no order", message->message_no),
				errdetail("It is a %s.", message->kind),
				errhint("Mend it: usom.mend('%s', ...), and it is tried again.", message->message_no));
	if (usom_query_run(&find_order, values, NULL) > 0)
		ereport(ERROR, errcode(USOM_ERR(NO_DRAFT_OF_IT)),
				errmsg("message \"%s\" is about an order that is there", message->message_no),
				errdetail("It is order \"%s\".", usom_query_get_text(0, 1)),
				errhint("Change the order: usom.change_order('%s', ...).", usom_query_get_text(0, 1)));
}

/* As far as a mapping can read it; of the rest the findings tell. */
static Jsonb *
document_of(UsomMessage *message)
{
	const char *external_id = message->external_id;
	int32		revision = message->revision;
	Jsonb	   *document;

	usom_intake_read(message, external_id, revision, true);
	if (message->findings != NIL)
		message->told = usom_inbox_findings_json(message->findings);
	document = message->document;
	message->external_id = external_id;
	message->revision = revision;
	return document != NULL ? document : DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum("{}")));
}

static UsomDraft *
begin_from(UsomMessage *message)
{
	Jsonb	   *document = document_of(message);
	UsomDraft  *draft;

	check_brings_order(message);
	draft = usom_draft_make(message->org_id, channel_of(message->org_id, document, message->channel), message);
	usom_draft_save(draft, document, channel_of(message->org_id, document, message->channel));
	usom_inbox_park(message, psprintf("entered by hand as draft %s", draft->draft_no));
	return draft;
}

/* usom.draft_from_message(message_no) */
Datum
usom_draft_from_message(PG_FUNCTION_ARGS)
{
	UsomAnswer *answer = usom_order_answer_begin(fcinfo, "draft_from_message", -1);
	UsomMessage *message = usom_inbox_open(usom_party_org(), usom_order_arg_text(fcinfo, 0, "message_no"));
	UsomDraft  *draft = usom_draft_of_message(message);

	if (draft == NULL)
		draft = begin_from(message);
	else
	{
		usom_draft_check_mine(draft);
		usom_draft_save(draft, draft->document, channel_of(draft->org_id, draft->document, message->channel));
	}
	return answer_draft(answer, draft);
}
