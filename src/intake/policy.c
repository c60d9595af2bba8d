/*
 * policy.c
 *		What channels are treated by: how often a message is tried, and when,
 *		and whether any is; remembered.
 *
 * Memory: in a context of the memo (base/memo.h).  Locks: none.
 */
#include "postgres.h"

#include "intake/circuit.h"
#include "intake/load.h"

#include "base/call.h"
#include "base/memo.h"
#include "base/query.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

#define DEFAULT_ATTEMPTS 5
#define DEFAULT_BACK_OFF (60 * USECS_PER_SEC)
#define DEFAULT_PAUSE (300 * USECS_PER_SEC)
#define LONGEST_BACK_OFF USECS_PER_DAY

#define MICROSECONDS(column) "(extract(epoch FROM " column ") * 1000000)::pg_catalog.int8"

static UsomQuery read_policies = {
	.text = "SELECT p.channel, p.max_attempts, " MICROSECONDS("p.back_off") ", " MICROSECONDS("p.open_window") ", " MICROSECONDS("p.pause") ", "
	"coalesce(p.open_after, 0), coalesce((p.open_above * 10000)::pg_catalog.int4, -1), p.open_at_least, p.circuit = 'open', p.circuit = 'closed' "
	"FROM usom.intake_policy AS p WHERE p.org_id = $1",
	.nargs = 1,
	.argtypes = {"bigint"},
};

/* Those that are open, or are said to be. */
static UsomQuery read_circuits = {
	.text = "SELECT c.channel_id, CASE WHEN p.circuit = 'open' THEN 'infinity' ELSE k.retry_at END FROM usom.channel AS c "
	"LEFT JOIN usom.intake_policy AS p ON p.org_id = $1 AND p.channel = c.code LEFT JOIN usom.channel_circuit AS k ON k.org_id = $1 AND k.channel_id = c.channel_id "
	"WHERE c.org_id = $1 AND (p.circuit = 'open' OR k.state = 'open' AND coalesce(p.circuit, 'auto') = 'auto') ORDER BY c.channel_id",
	.nargs = 1,
	.argtypes = {"bigint"},
};

typedef struct Circuit
{
	int64		channel_id;
	TimestampTz retry_at;
} Circuit;

typedef struct Policies
{
	int			count;
	UsomIntakePolicy *policies;
	int			ncircuits;
	Circuit    *circuits;
} Policies;

static UsomIntakePolicy
take_policy(uint64 row)
{
	return (UsomIntakePolicy) {
		.channel = usom_query_get_text(row, 1), .max_attempts = DatumGetInt32(usom_query_get(row, 2)),
		.back_off = DatumGetInt64(usom_query_get(row, 3)), .open_window = DatumGetInt64(usom_query_get(row, 4)),
		.pause = DatumGetInt64(usom_query_get(row, 5)), .open_after = DatumGetInt32(usom_query_get(row, 6)),
		.open_above = DatumGetInt32(usom_query_get(row, 7)), .open_at_least = DatumGetInt32(usom_query_get(row, 8)),
		.forced_open = DatumGetBool(usom_query_get(row, 9)), .forced_closed = DatumGetBool(usom_query_get(row, 10)),
	};
}

static const void *
read_all(int64 org_id)
{
	Policies   *all = palloc0_object(Policies);
	Datum		values[] = {Int64GetDatum(org_id)};

	all->count = (int) usom_memo_look(&read_policies, values);
	all->policies = palloc_array(UsomIntakePolicy, Max(all->count, 1));
	for (int row = 0; row < all->count; row++)
		all->policies[row] = take_policy(row);
	SPI_freetuptable(SPI_tuptable);
	all->ncircuits = (int) usom_memo_look(&read_circuits, values);
	all->circuits = palloc_array(Circuit, Max(all->ncircuits, 1));
	for (int row = 0; row < all->ncircuits; row++)
		all->circuits[row] = (Circuit) {
			DatumGetInt64(usom_query_get(row, 1)), DatumGetTimestampTz(usom_query_get(row, 2))
		};
	SPI_freetuptable(SPI_tuptable);
	return all;
}

static UsomMemo memo = {
	.name = "usom intake policies",
	.tables = {"intake_policy", "channel_circuit", "channel"},
	.read = read_all,
};

/* Its name is the caller's: what is remembered may go. */
UsomIntakePolicy
usom_intake_policy(int64 org_id, const char *channel)
{
	const Policies *all = usom_memo_get(&memo, org_id);
	UsomIntakePolicy policy = {
		.max_attempts = DEFAULT_ATTEMPTS, .back_off = DEFAULT_BACK_OFF, .open_above = -1, .pause = DEFAULT_PAUSE
	};

	for (int i = 0; i < all->count; i++)
		if (strcmp(all->policies[i].channel, channel) == 0)
			policy = all->policies[i];
	policy.channel = channel;
	return policy;
}

bool
usom_intake_next_attempt(int64 org_id, const char *channel, int32 attempts, TimestampTz now, TimestampTz *next)
{
	UsomIntakePolicy policy = usom_intake_policy(org_id, channel);
	int64		wait = Min(policy.back_off, LONGEST_BACK_OFF);

	if (attempts >= policy.max_attempts)
		return false;
	for (int32 i = 1; i < attempts && wait < LONGEST_BACK_OFF; i++)
		wait = Min(wait * 2, LONGEST_BACK_OFF);
	*next = now + wait;
	return true;
}

/* ---- circuits ---- */

UsomCircuit
usom_circuit_state(int64 org_id, int64 channel_id)
{
	const Policies *all = usom_memo_get(&memo, org_id);

	for (int i = 0; i < all->ncircuits; i++)
		if (all->circuits[i].channel_id == channel_id)
			return all->circuits[i].retry_at <= usom_call_time() ? USOM_CIRCUIT_HALF_OPEN : USOM_CIRCUIT_OPEN;
	return USOM_CIRCUIT_CLOSED;
}

/* Those that are open, or those that are half open. */
static UsomShut
circuits_of(int64 org_id, bool half_open)
{
	const Policies *all = usom_memo_get(&memo, org_id);
	UsomShut	shut = {0, palloc_array(int64, all->ncircuits + 1)};

	for (int i = 0; i < all->ncircuits; i++)
		if ((all->circuits[i].retry_at <= usom_call_time()) == half_open)
			shut.channels[shut.count++] = all->circuits[i].channel_id;
	return shut;
}

UsomShut
usom_circuit_shut(int64 org_id)
{
	return circuits_of(org_id, false);
}

UsomShut
usom_circuit_half_open(int64 org_id)
{
	return circuits_of(org_id, true);
}

void
usom_circuit_pass_over(UsomShut *shut, int64 channel_id)
{
	shut->channels = repalloc(shut->channels, sizeof(int64) * (shut->count + 1));
	shut->channels[shut->count++] = channel_id;
}

void
usom_intake_init(void)
{
	usom_memo_register(&memo);
	usom_mapping_init();
	usom_load_init();
}
