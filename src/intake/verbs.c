/*
 * verbs.c
 *		usom.ingest() and what is done with messages that were not processed.
 *
 * Locks: the message, then what its order needs.  One message is worked on in
 * a transaction of its own: several would take stock out of order.
 *
 * Memory: the call's; the answer in the caller's.
 */
#include "postgres.h"

#include "intake/circuit.h"

#include "base/call.h"
#include "base/card_guard.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/query.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "order/answer.h"
#include "party/house.h"
#include "party/party.h"
#include "party/person.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

PG_FUNCTION_INFO_V1(usom_ingest);
PG_FUNCTION_INFO_V1(usom_work_inbox);
PG_FUNCTION_INFO_V1(usom_replay);
PG_FUNCTION_INFO_V1(usom_park);
PG_FUNCTION_INFO_V1(usom_mend);
PG_FUNCTION_INFO_V1(usom_inbox_take);
PG_FUNCTION_INFO_V1(usom_explain_mapping);
PG_FUNCTION_INFO_V1(usom_map_payload);

#define ANSWER_COLUMNS 6

static void
fill_answer(const UsomMessage *message, Datum *values, bool *nulls)
{
	const char *texts[] = {message->message_no, message->status, message->outcome, message->order_no};

	for (int i = 0; i < (int) lengthof(texts); i++)
	{
		nulls[i] = texts[i] == NULL;
		values[i] = texts[i] != NULL ? CStringGetTextDatum(texts[i]) : (Datum) 0;
	}
	values[4] = Int32GetDatum(message->attempts);
	values[5] = JsonbPGetDatum(message->told);
	nulls[4] = false;
	nulls[5] = message->told == NULL;
}

static Datum
answer_message(UsomAnswer *answer, const UsomMessage *message)
{
	Datum		values[ANSWER_COLUMNS];
	bool		nulls[ANSWER_COLUMNS];

	fill_answer(message, values, nulls);
	return usom_order_answer_row(answer, values, nulls);
}

const UsomChannel *
usom_intake_channel(int64 org_id, const char *code)
{
	const UsomChannel *channel = usom_party_find_channel(usom_party_house(org_id), code);

	if (channel == NULL || !channel->active)
		ereport(ERROR, errcode(USOM_ERR(UNKNOWN_CODE)),
				errmsg("no active channel \"%s\"", code),
				errhint("INSERT INTO usom.channel (code) VALUES (%s);", quote_literal_cstr(code)));
	if (!usom_party_sees_channel(channel->channel_id))
		ereport(ERROR, errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				errmsg("orders of channel \"%s\" are not for this role", code),
				errhint("Name the role's own channel, or have a superuser call usom.grant_access()."));
	return channel;
}

/* usom.ingest(channel, payload, external_id, revision, process) */
Datum
usom_ingest(PG_FUNCTION_ARGS)
{
	UsomAnswer *answer = usom_order_answer_begin(fcinfo, "ingest", -1);
	UsomMessage *message = palloc0_object(UsomMessage);

	message->org_id = usom_party_org();
	message->channel = usom_order_arg_text(fcinfo, 0, "channel");
	usom_order_arg_required(fcinfo, 1, "payload");
	message->payload = PG_GETARG_JSONB_P(1);
	if (!PG_ARGISNULL(3) && PG_GETARG_INT32(3) < 1)
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("argument revision must be 1 or more"));
	message->channel_id = usom_intake_channel(message->org_id, message->channel)->channel_id;
	usom_intake_read(message, PG_ARGISNULL(2) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(2)),
					 PG_ARGISNULL(3) ? 1 : PG_GETARG_INT32(3), !PG_ARGISNULL(3));
	usom_inbox_write(message);
	if (!message->repeated && (PG_ARGISNULL(4) || PG_GETARG_BOOL(4)))
	{
		if (usom_circuit_lets(message))
			usom_intake_process(message);
		else
			usom_inbox_hold_back(message);
	}
	return answer_message(answer, message);
}

/*
 * Read and do what was written before.  A message that told no revision was
 * taken to be of revision 1: above that, one was told.
 */
static void
work_on(UsomMessage *message)
{
	bool		nameless = usom_inbox_is_nameless(message);
	const char *external_id = nameless ? NULL : message->external_id;
	int32		revision = message->revision;

	if (message->payload == NULL)
	{
		UsomMapFinding *finding = palloc0_object(UsomMapFinding);

		finding->code = "US904";
		finding->message = "nobody can open the payload any more: who it names was erased";
		message->findings = list_make1(finding);
	}
	else
		usom_intake_read(message, external_id, revision, revision > 1);
	usom_intake_process(message);
}

/* The message that is due first and may be tried; NULL: none. */
static UsomMessage *
take_one(int64 org_id)
{
	UsomShut	shut = usom_circuit_shut(org_id);
	UsomMessage *message;

	while ((message = usom_inbox_take_due(org_id, shut.channels, shut.count)) != NULL && !usom_circuit_lets(message))
	{
		CHECK_FOR_INTERRUPTS();
		usom_circuit_pass_over(&shut, message->channel_id);
	}
	return message;
}

/* usom.work_inbox(): the message that is due first, or nothing. */
Datum
usom_work_inbox(PG_FUNCTION_ARGS)
{
	UsomMessage *message;
	Datum		values[ANSWER_COLUMNS];
	bool		nulls[ANSWER_COLUMNS];

	InitMaterializedSRF(fcinfo, 0);
	usom_call_begin("work_inbox", NULL);
	message = take_one(usom_party_org());
	if (message != NULL)
	{
		ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;

		work_on(message);
		fill_answer(message, values, nulls);
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	usom_call_end();
	return (Datum) 0;
}

/* usom.replay(message_no) */
Datum
usom_replay(PG_FUNCTION_ARGS)
{
	UsomAnswer *answer = usom_order_answer_begin(fcinfo, "replay", -1);
	UsomMessage *message = usom_inbox_open(usom_party_org(), usom_order_arg_text(fcinfo, 0, "message_no"));

	usom_circuit_probe(message);
	work_on(message);
	return answer_message(answer, message);
}

/* usom.park(message_no, reason) */
Datum
usom_park(PG_FUNCTION_ARGS)
{
	UsomAnswer *answer = usom_order_answer_begin(fcinfo, "park", 1);
	UsomMessage *message = usom_inbox_open(usom_party_org(), usom_order_arg_text(fcinfo, 0, "message_no"));

	usom_inbox_park(message, usom_order_arg_text(fcinfo, 1, "reason"));
	message->status = "parked";
	return answer_message(answer, message);
}

static void
refuse_patch(int step, const char *what)
{
	ereport(ERROR, errcode(USOM_ERR(BAD_PATCH)),
			errmsg("step %d of the patch %s", step + 1, what),
			errhint("A patch is [{\"path\": [\"lines\", \"0\", \"sku\"], \"value\": \"A\"}, {\"path\": [\"note\"], \"remove\": true}]."));
}

/* The steps to a place, as text[]. */
static Datum
patch_path(Jsonb *step, int number)
{
	JsonbValue	path;
	Datum	   *words;
	uint32		count;

	if (getKeyJsonValueFromContainer(&step->root, "path", (int) strlen("path"), &path) == NULL || path.type != jbvBinary ||
		!JsonContainerIsArray(path.val.binary.data) || JsonContainerSize(path.val.binary.data) == 0)
		refuse_patch(number, "has no path");
	count = JsonContainerSize(path.val.binary.data);
	words = palloc_array(Datum, count);
	for (uint32 i = 0; i < count; i++)
	{
		JsonbValue *word = getIthJsonbValueFromContainer(path.val.binary.data, i);

		if (word->type != jbvString)
			refuse_patch(number, "has a path that is not all texts");
		words[i] = PointerGetDatum(cstring_to_text_with_len(word->val.string.val, word->val.string.len));
	}
	return PointerGetDatum(construct_array(words, (int) count, TEXTOID, -1, false, TYPALIGN_INT));
}

static Jsonb *
patch_step(Jsonb *payload, Jsonb *step, int number)
{
	Datum		path = patch_path(step, number);
	JsonbValue	value;
	JsonbValue	gone;

	if (getKeyJsonValueFromContainer(&step->root, "remove", (int) strlen("remove"), &gone) != NULL && gone.type == jbvBool && gone.val.boolean)
		return DatumGetJsonbP(DirectFunctionCall2(jsonb_delete_path, JsonbPGetDatum(payload), path));
	if (getKeyJsonValueFromContainer(&step->root, "value", (int) strlen("value"), &value) == NULL)
		refuse_patch(number, "has neither value nor remove");
	return DatumGetJsonbP(DirectFunctionCall4(jsonb_set, JsonbPGetDatum(payload), path, JsonbPGetDatum(JsonbValueToJsonb(&value)), BoolGetDatum(true)));
}

static Jsonb *
patched(Jsonb *payload, Jsonb *patch)
{
	if (!JB_ROOT_IS_ARRAY(patch) || JB_ROOT_IS_SCALAR(patch))
		refuse_patch(0, "is not there: the patch is no array");
	for (uint32 i = 0; i < JB_ROOT_COUNT(patch); i++)
	{
		JsonbValue *step = getIthJsonbValueFromContainer(&patch->root, i);

		if (step->type != jbvBinary || !JsonContainerIsObject(step->val.binary.data))
			refuse_patch((int) i, "is no object");
		payload = patch_step(payload, JsonbValueToJsonb(step), (int) i);
	}
	return payload;
}

/* usom.mend(message_no, patch, reason) */
Datum
usom_mend(PG_FUNCTION_ARGS)
{
	UsomAnswer *answer = usom_order_answer_begin(fcinfo, "mend", 2);
	UsomMessage *message = usom_inbox_open(usom_party_org(), usom_order_arg_text(fcinfo, 0, "message_no"));

	usom_order_arg_required(fcinfo, 1, "patch");
	if (message->payload == NULL)
		usom_person_refuse_erased(psprintf("the payload of message \"%s\"", message->message_no));
	usom_inbox_mend(message, patched(message->payload, PG_GETARG_JSONB_P(1)), usom_call_reason());
	work_on(message);
	return answer_message(answer, message);
}

/* One of a channel whose circuit is half open, before all others; or as many as are wanted of those whose circuits are closed. */
static uint64
lease(int64 org_id, int limit, const Interval *interval)
{
	UsomShut	shut = usom_circuit_shut(org_id);
	UsomShut	half = usom_circuit_half_open(org_id);

	for (int i = 0; i < half.count; i++)
	{
		int64		channel_id = half.channels[i];

		if (usom_party_sees_channel(channel_id) && usom_circuit_may_lease(org_id, channel_id) &&
			usom_inbox_lease(org_id, 1, interval, channel_id, NULL, 0) > 0)
		{
			const UsomChannel *channel = usom_party_channel_of(usom_party_house(org_id), channel_id);
			SPITupleTable *leased = SPI_tuptable;

			usom_circuit_pause(org_id, channel_id, channel->code);
			SPI_tuptable = leased;
			return 1;
		}
		usom_circuit_pass_over(&shut, channel_id);
	}
	return usom_inbox_lease(org_id, limit, interval, 0, shut.channels, shut.count);
}

/* usom.inbox_take(limit, lease) */
Datum
usom_inbox_take(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Interval   *interval;
	uint64		count;

	usom_order_arg_required(fcinfo, 0, "limit");
	usom_order_arg_required(fcinfo, 1, "lease");
	interval = PG_GETARG_INTERVAL_P(1);
	if (PG_GETARG_INT32(0) < 1 || DatumGetInt32(DirectFunctionCall2(interval_cmp, IntervalPGetDatum(interval), IntervalPGetDatum(&(Interval) {0}))) <= 0)
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("limit and lease must be above zero"));
	InitMaterializedSRF(fcinfo, 0);
	usom_call_begin("inbox_take", NULL);
	count = lease(usom_party_org(), PG_GETARG_INT32(0), interval);
	for (uint64 row = 0; row < count; row++)
	{
		Datum		values[4];
		bool		nulls[4];

		for (int column = 0; column < 4; column++)
			values[column] = usom_query_get_or_null(row, column + 1, &nulls[column]);
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	usom_call_end();
	return (Datum) 0;
}

/* What the payload of a message says, for those who may read about people. */
static Jsonb *
readable_payload(const UsomMessage *message)
{
	if (!usom_person_may_open())
		ereport(ERROR, errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				errmsg("payloads are not for this role"),
				errhint("They are for roles that may read usom.vault_key; findings stand in usom.inbox."));
	if (message->payload == NULL)
		usom_person_refuse_erased(psprintf("the payload of message \"%s\"", message->message_no));
	return message->payload;
}

static void
put_trace(ReturnSetInfo *result, const UsomMapTrace *trace)
{
	const char *texts[] = {trace->path, trace->source, trace->found, trace->result, trace->problem};
	Datum		values[lengthof(texts)];
	bool		nulls[lengthof(texts)];

	for (int i = 0; i < (int) lengthof(texts); i++)
	{
		nulls[i] = texts[i] == NULL;
		values[i] = texts[i] != NULL ? CStringGetTextDatum(texts[i]) : (Datum) 0;
	}
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

/* usom.explain_mapping(message_no) */
Datum
usom_explain_mapping(PG_FUNCTION_ARGS)
{
	List	   *findings = NIL;
	List	   *traces = NIL;
	UsomMessage *message;
	const UsomMapping *mapping;
	ListCell   *cell;

	usom_card_check_call(fcinfo);
	InitMaterializedSRF(fcinfo, 0);
	usom_call_begin("explain_mapping", NULL);
	message = usom_inbox_look(usom_party_org(), usom_order_arg_text(fcinfo, 0, "message_no"));
	mapping = usom_mapping_find(message->org_id, message->channel, readable_payload(message));
	if (mapping != NULL)
		usom_mapping_apply(mapping, message->payload, &findings, &traces);
	foreach(cell, traces)
		put_trace((ReturnSetInfo *) fcinfo->resultinfo, lfirst(cell));
	usom_call_end();
	return (Datum) 0;
}

/* usom.map_payload(channel, payload): the document, and what is wrong with it; writes nothing. */
Datum
usom_map_payload(PG_FUNCTION_ARGS)
{
	UsomAnswer *answer = usom_order_answer_begin(fcinfo, "map_payload", -1);
	UsomMessage *message = palloc0_object(UsomMessage);
	Datum		values[4];
	bool		nulls[4] = {false};

	message->org_id = usom_party_org();
	message->channel = usom_order_arg_text(fcinfo, 0, "channel");
	usom_order_arg_required(fcinfo, 1, "payload");
	message->payload = PG_GETARG_JSONB_P(1);
	message->channel_id = usom_intake_channel(message->org_id, message->channel)->channel_id;
	usom_intake_read(message, NULL, 1, false);
	values[0] = CStringGetTextDatum(message->kind);
	nulls[1] = message->mapping == NULL;
	values[1] = message->mapping != NULL ? CStringGetTextDatum(message->mapping) : (Datum) 0;
	nulls[2] = message->document == NULL;
	values[2] = JsonbPGetDatum(message->document);
	values[3] = JsonbPGetDatum(usom_inbox_findings_json(message->findings));
	return usom_order_answer_row(answer, values, nulls);
}
