/*
 * circuit.c
 *		A channel that fails again and again is left alone for a while.
 *
 * A circuit opens when a message has failed and the policy of its channel says
 * that it was one too many; only then is looked back, and only failures since
 * it closed last count.  What is parked is not brought back by anybody: it is
 * due, and passed over by the statement that takes messages as long as the
 * circuit is open.
 *
 * Locks: the row of the circuit, after the message, with SKIP LOCKED: who does
 * not get it leaves the circuit as it is.  Memory: CurrentMemoryContext.
 *
 * Invariant: of a half open circuit one message at a time is tried.  Whoever
 * tries it holds the row until his transaction ends, so a worker that dies
 * leaves the probe to the next.
 */
#include "postgres.h"

#include "intake/circuit.h"

#include "base/call.h"
#include "base/query.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

static UsomQuery claim_probe = {
	.text = "SELECT 1 FROM usom.channel_circuit AS k WHERE k.org_id = $1 AND k.channel_id = $2 AND k.state = 'open' AND k.retry_at <= $3 FOR UPDATE SKIP LOCKED",
	.nargs = 3,
	.argtypes = {"bigint", "bigint", "timestamptz"},
};

static UsomQuery postpone = {
	.text = "UPDATE usom.channel_circuit AS k SET retry_at = $3, probes = k.probes + 1 WHERE k.org_id = $1 AND k.channel_id = $2 AND k.state = 'open'",
	.nargs = 3,
	.argtypes = {"bigint", "bigint", "timestamptz"},
};

static UsomQuery close_circuit = {
	.text = "UPDATE usom.channel_circuit AS k SET state = 'closed', retry_at = NULL, closed_at = $3 WHERE k.org_id = $1 AND k.channel_id = $2 AND k.state = 'open'",
	.nargs = 3,
	.argtypes = {"bigint", "bigint", "timestamptz"},
};

/*
 * Messages, not attempts: one that is tried again and again says no more than
 * once.  What came too late is no fault of the channel.
 */
static UsomQuery look_back = {
	.text = "WITH came AS (SELECT m.status, m.received_at, m.attempted_at, m.inbox_message_id, m.findings FROM usom.inbox_message AS m "
	"WHERE m.org_id = $1 AND m.channel_id = $2 ORDER BY m.received_at DESC LIMIT $6), "
	"tried AS (SELECT m.status <> 'processed' AS failed, m.received_at > $3 - $5 AS recent, row_number() OVER (ORDER BY m.received_at DESC, m.inbox_message_id DESC) AS n "
	"FROM came AS m WHERE m.status IN ('processed', 'failed', 'dead') AND NOT m.findings @> '[{\"code\": \"US802\"}]' "
	"AND m.attempted_at >= coalesce((SELECT k.closed_at FROM usom.channel_circuit AS k WHERE k.org_id = $1 AND k.channel_id = $2), '-infinity')) "
	"SELECT count(*) FILTER (WHERE t.n <= $4) = $4 AND bool_and(t.failed) FILTER (WHERE t.n <= $4), "
	"count(*) FILTER (WHERE t.recent), count(*) FILTER (WHERE t.recent AND t.failed) FROM tried AS t",
	.nargs = 6,
	.argtypes = {"bigint", "bigint", "timestamptz", "integer", "interval", "integer"},
};

static UsomQuery lock_circuit = {
	.text = "SELECT 1 FROM usom.channel_circuit AS k WHERE k.org_id = $1 AND k.channel_id = $2 FOR UPDATE SKIP LOCKED",
	.nargs = 2,
	.argtypes = {"bigint", "bigint"},
};

static UsomQuery ask_circuit = {
	.text = "SELECT 1 FROM usom.channel_circuit AS k WHERE k.org_id = $1 AND k.channel_id = $2",
	.nargs = 2,
	.argtypes = {"bigint", "bigint"},
};

static UsomQuery open_circuit = {
	.text = "INSERT INTO usom.channel_circuit AS k (org_id, channel_id, state, because, opened_at, retry_at) VALUES ($1, $2, 'open', $3, $4, $5) "
	"ON CONFLICT (org_id, channel_id) DO UPDATE SET state = 'open', because = EXCLUDED.because, opened_at = EXCLUDED.opened_at, retry_at = EXCLUDED.retry_at, "
	"probes = 0, closed_at = NULL WHERE k.state = 'closed'",
	.nargs = 5,
	.argtypes = {"bigint", "bigint", "text", "timestamptz", "timestamptz"},
};

static bool
claim(int64 org_id, int64 channel_id, TimestampTz when)
{
	Datum		values[] = {Int64GetDatum(org_id), Int64GetDatum(channel_id), TimestampTzGetDatum(when)};

	return usom_query_run(&claim_probe, values, NULL) > 0;
}

bool
usom_circuit_lets(UsomMessage *message)
{
	switch (usom_circuit_state(message->org_id, message->channel_id))
	{
		case USOM_CIRCUIT_CLOSED:
			return true;
		case USOM_CIRCUIT_HALF_OPEN:
			message->is_probe = claim(message->org_id, message->channel_id, usom_call_time());
			return message->is_probe;
		default:
			return false;
	}
}

void
usom_circuit_probe(UsomMessage *message)
{
	if (usom_circuit_state(message->org_id, message->channel_id) != USOM_CIRCUIT_CLOSED)
		message->is_probe = claim(message->org_id, message->channel_id, DT_NOEND);
}

bool
usom_circuit_may_lease(int64 org_id, int64 channel_id)
{
	return claim(org_id, channel_id, usom_call_time());
}

void
usom_circuit_pause(int64 org_id, int64 channel_id, const char *channel)
{
	UsomIntakePolicy policy = usom_intake_policy(org_id, channel);
	Datum		values[] = {Int64GetDatum(org_id), Int64GetDatum(channel_id), TimestampTzGetDatum(usom_call_time() + policy.pause)};

	usom_query_write(&postpone, values, NULL);
}

static void
close_it(const UsomMessage *message)
{
	Datum		values[] = {Int64GetDatum(message->org_id), Int64GetDatum(message->channel_id), TimestampTzGetDatum(usom_call_time())};

	usom_query_write(&close_circuit, values, NULL);
	usom_intake_watch(message->org_id);
}

/* Has too much failed?  Then why, in words. */
static const char *
reason_to_open(const UsomMessage *message, const UsomIntakePolicy *policy)
{
	Interval	window = {.time = policy->open_window};
	Datum		values[] = {
		Int64GetDatum(message->org_id), Int64GetDatum(message->channel_id), TimestampTzGetDatum(usom_call_time()),
		Int32GetDatum(policy->open_after), IntervalPGetDatum(&window), Int32GetDatum(policy->open_above >= 0 ? 10000 : policy->open_after + 1000)
	};
	bool		isnull;
	bool		in_a_row;
	int64		tried;
	int64		failed;

	usom_query_run(&look_back, values, NULL);
	in_a_row = policy->open_after > 0 && DatumGetBool(usom_query_get_or_null(0, 1, &isnull));
	tried = DatumGetInt64(usom_query_get(0, 2));
	failed = DatumGetInt64(usom_query_get(0, 3));
	if (in_a_row && !isnull)
		return policy->open_after == 1 ? "the last message has failed" : psprintf("the last %d messages have failed", policy->open_after);
	if (policy->open_above >= 0 && tried >= policy->open_at_least && failed * 10000 > tried * policy->open_above)
		return psprintf(INT64_FORMAT " of the last " INT64_FORMAT " messages have failed", failed, tried);
	return NULL;
}

/* Somebody else who is at the circuit knows as much. */
static bool
may_write(const UsomMessage *message)
{
	Datum		values[] = {Int64GetDatum(message->org_id), Int64GetDatum(message->channel_id)};

	return usom_query_run(&lock_circuit, values, NULL) > 0 || usom_query_run(&ask_circuit, values, NULL) == 0;
}

static void
open_if_too_much(const UsomMessage *message, const UsomIntakePolicy *policy)
{
	const char *because = reason_to_open(message, policy);
	TimestampTz now = usom_call_time();
	Datum		values[] = {
		Int64GetDatum(message->org_id), Int64GetDatum(message->channel_id), (Datum) 0, TimestampTzGetDatum(now), TimestampTzGetDatum(now + policy->pause)
	};

	if (because == NULL || !may_write(message))
		return;
	values[2] = CStringGetTextDatum(because);
	if (usom_query_write(&open_circuit, values, NULL) > 0)
		usom_intake_watch(message->org_id);
}

void
usom_circuit_learn(const UsomMessage *message)
{
	UsomIntakePolicy policy;

	if (message->outcome != NULL)
	{
		if (message->is_probe)
			close_it(message);
		return;
	}
	if (message->is_probe)
	{
		usom_circuit_pause(message->org_id, message->channel_id, message->channel);
		return;
	}
	policy = usom_intake_policy(message->org_id, message->channel);
	if (!policy.forced_open && !policy.forced_closed && (policy.open_after > 0 || policy.open_above >= 0) &&
		usom_circuit_state(message->org_id, message->channel_id) == USOM_CIRCUIT_CLOSED)
		open_if_too_much(message, &policy);
}
