/*
 * policy.c
 *		How often a message of a channel is tried, and when; remembered.
 *
 * Memory: in a context of the memo (base/memo.h).  Locks: none.
 */
#include "postgres.h"

#include "intake/inbox.h"
#include "intake/load.h"

#include "base/memo.h"
#include "base/query.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

#define DEFAULT_ATTEMPTS 5
#define DEFAULT_BACK_OFF (60 * USECS_PER_SEC)
#define LONGEST_BACK_OFF USECS_PER_DAY

static UsomQuery read_policies = {
	.text = "SELECT p.channel, p.max_attempts, (extract(epoch FROM p.back_off) * 1000000)::pg_catalog.int8 FROM usom.intake_policy AS p WHERE p.org_id = $1",
	.nargs = 1,
	.argtypes = {"bigint"},
};

typedef struct Policy
{
	const char *channel;
	int32		max_attempts;
	int64		back_off;		/* microseconds */
} Policy;

typedef struct Policies
{
	int			count;
	Policy	   *policies;
} Policies;

static const void *
read_all(int64 org_id)
{
	Policies   *all = palloc0_object(Policies);
	Datum		values[] = {Int64GetDatum(org_id)};

	all->count = (int) usom_memo_look(&read_policies, values);
	all->policies = palloc_array(Policy, Max(all->count, 1));
	for (int row = 0; row < all->count; row++)
		all->policies[row] = (Policy) {usom_query_get_text(row, 1), DatumGetInt32(usom_query_get(row, 2)), DatumGetInt64(usom_query_get(row, 3))};
	SPI_freetuptable(SPI_tuptable);
	return all;
}

static UsomMemo memo = {
	.name = "usom intake policies",
	.tables = {"intake_policy"},
	.read = read_all,
};

static Policy
policy_of(int64 org_id, const char *channel)
{
	const Policies *all = usom_memo_get(&memo, org_id);

	for (int i = 0; i < all->count; i++)
		if (strcmp(all->policies[i].channel, channel) == 0)
			return all->policies[i];
	return (Policy) {channel, DEFAULT_ATTEMPTS, DEFAULT_BACK_OFF};
}

bool
usom_intake_next_attempt(int64 org_id, const char *channel, int32 attempts, TimestampTz now, TimestampTz *next)
{
	Policy		policy = policy_of(org_id, channel);
	int64		wait = Min(policy.back_off, LONGEST_BACK_OFF);

	if (attempts >= policy.max_attempts)
		return false;
	for (int32 i = 1; i < attempts && wait < LONGEST_BACK_OFF; i++)
		wait = Min(wait * 2, LONGEST_BACK_OFF);
	*next = now + wait;
	return true;
}

void
usom_intake_init(void)
{
	usom_memo_register(&memo);
	usom_mapping_init();
	usom_load_init();
}
