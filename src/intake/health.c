/*
 * health.c
 *		Signs of life of channels, circuits that are set by hand, and the
 *		exception cases of both.
 *
 * Silence is read, by usom._channel_troubles(), whenever somebody asks; only
 * cases need somebody who opens them, which tick() does.
 *
 * Locks: rows of beats, policies, circuits, cases; the caller of a verb holds
 * nothing else.  Memory: that of SPI.
 */
#include "postgres.h"

#include "intake/circuit.h"

#include "base/call.h"
#include "base/errors.h"
#include "base/query.h"
#include "order/answer.h"
#include "party/party.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(usom_heartbeat);
PG_FUNCTION_INFO_V1(usom_set_circuit);
PG_FUNCTION_INFO_V1(usom__watch_channels);

static UsomQuery beat = {
	.text = "INSERT INTO usom.channel_beat AS b (org_id, channel_id, beat_at, note) VALUES ($1, $2, $3, $4) "
	"ON CONFLICT (org_id, channel_id) DO UPDATE SET beat_at = EXCLUDED.beat_at, note = EXCLUDED.note, beaten_by = EXCLUDED.beaten_by "
	"WHERE b.beat_at <= EXCLUDED.beat_at",
	.nargs = 4,
	.argtypes = {"bigint", "bigint", "timestamptz", "text"},
};

static UsomQuery set_circuit = {
	.text = "INSERT INTO usom.intake_policy AS p (org_id, channel, circuit) VALUES ($1, $2, $3) "
	"ON CONFLICT (org_id, channel) DO UPDATE SET circuit = EXCLUDED.circuit WHERE p.circuit <> EXCLUDED.circuit",
	.nargs = 3,
	.argtypes = {"bigint", "text", "text"},
};

static UsomQuery close_circuit = {
	.text = "UPDATE usom.channel_circuit AS k SET state = 'closed', retry_at = NULL, closed_at = $3 WHERE k.org_id = $1 AND k.channel_id = $2 AND k.state = 'open'",
	.nargs = 3,
	.argtypes = {"bigint", "bigint", "timestamptz"},
};

static UsomQuery open_cases = {
	.text = "INSERT INTO usom.exception_case AS c (org_id, kind, reference, message, detail) "
	"SELECT $1, t.kind, t.channel, t.message, t.detail FROM usom._channel_troubles($1, $2) AS t ORDER BY t.kind, t.channel "
	"ON CONFLICT (org_id, kind, sales_order_id, line_no, reference) WHERE resolved_at IS NULL "
	"DO UPDATE SET message = EXCLUDED.message, detail = EXCLUDED.detail WHERE (c.message, c.detail) IS DISTINCT FROM (EXCLUDED.message, EXCLUDED.detail)",
	.nargs = 2,
	.argtypes = {"bigint", "timestamptz"},
};

static UsomQuery close_cases = {
	.text = "UPDATE usom.exception_case AS c SET resolved_at = $2, resolved_by = session_user, resolution = 'its cause is gone' "
	"WHERE c.org_id = $1 AND c.resolved_at IS NULL AND c.kind IN ('channel_silent', 'channel_stopped') "
	"AND (c.kind, c.reference) NOT IN (SELECT t.kind, t.channel FROM usom._channel_troubles($1, $2) AS t)",
	.nargs = 2,
	.argtypes = {"bigint", "timestamptz"},
};

uint64
usom_intake_watch(int64 org_id)
{
	Datum		values[] = {Int64GetDatum(org_id), TimestampTzGetDatum(usom_call_time())};

	return usom_query_write(&close_cases, values, NULL) + usom_query_write(&open_cases, values, NULL);
}

/* usom._watch_channels(org_id) */
Datum
usom__watch_channels(PG_FUNCTION_ARGS)
{
	uint64		count;

	usom_call_begin("tick", NULL);
	count = usom_intake_watch(PG_GETARG_INT64(0));
	usom_call_end();
	PG_RETURN_INT64((int64) count);
}

/* usom.heartbeat(channel, note) */
Datum
usom_heartbeat(PG_FUNCTION_ARGS)
{
	UsomAnswer *answer = usom_order_answer_begin(fcinfo, "heartbeat", -1);
	int64		org_id = usom_party_org();
	TimestampTz now = usom_call_time();
	bool		nulls[4] = {false, false, false, PG_ARGISNULL(1)};
	Datum		values[4] = {
		Int64GetDatum(org_id), Int64GetDatum(usom_intake_channel(org_id, usom_order_arg_text(fcinfo, 0, "channel"))->channel_id),
		TimestampTzGetDatum(now), PG_GETARG_DATUM(1)
	};

	usom_query_write(&beat, values, nulls);
	usom_order_answer_null(answer);
	fcinfo->isnull = false;
	PG_RETURN_TIMESTAMPTZ(now);
}

static void
check_circuit(const char *circuit)
{
	if (strcmp(circuit, "auto") != 0 && strcmp(circuit, "open") != 0 && strcmp(circuit, "closed") != 0)
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("circuit \"%s\" is not known", circuit),
				errhint("Take auto, open or closed."));
}

/* usom.set_circuit(channel, circuit, reason): what was open by itself is closed, unless it is to be open. */
Datum
usom_set_circuit(PG_FUNCTION_ARGS)
{
	UsomAnswer *answer = usom_order_answer_begin(fcinfo, "set_circuit", 2);
	int64		org_id = usom_party_org();
	const char *code = usom_order_arg_text(fcinfo, 0, "channel");
	const char *circuit = usom_order_arg_text(fcinfo, 1, "circuit");
	bool		opens = strcmp(circuit, "open") == 0;
	Datum		policy[] = {Int64GetDatum(org_id), CStringGetTextDatum(code), CStringGetTextDatum(circuit)};
	Datum		closing[] = {Int64GetDatum(org_id), 0, TimestampTzGetDatum(usom_call_time())};

	check_circuit(circuit);
	closing[1] = Int64GetDatum(usom_intake_channel(org_id, code)->channel_id);
	usom_query_write(&set_circuit, policy, NULL);
	if (!opens)
		usom_query_write(&close_circuit, closing, NULL);
	usom_intake_watch(org_id);
	return usom_order_answer_string(answer, opens ? "open" : "closed");
}
