/*
 * configured.c
 *		Is there anything that the plan of least cost could follow, and any capacity to keep?
 *
 *		Asked once a backend and organisation, then remembered until one of the
 *		tables changes: their trigger sends an invalidation of the table, which
 *		every backend has seen before its next statement reads.
 *
 * Memory: one organisation's answers, in static variables.
 *
 * Invariant: an answer is never newer than the invalidations seen: it is
 * forgotten by the callback, and read anew by a statement of its own.  What an
 * older snapshot says is not remembered.
 */
#include "postgres.h"

#include "sourcing/ruled.h"

#include "access/xact.h"
#include "base/call.h"
#include "base/query.h"
#include "base/trigger.h"
#include "utils/inval.h"
#include "utils/rel.h"

PG_FUNCTION_INFO_V1(usom__sourcing_changed);

#define TABLES 5

static int64 known_org = 0;		/* 0: nothing is known */
static bool known_answer;
static bool known_limits;
static Oid	relids[TABLES];

static UsomQuery ask = {
	.text = "SELECT EXISTS (SELECT 1 FROM usom.sourcing_rule r WHERE r.org_id = $1 AND r.active) "
	"OR EXISTS (SELECT 1 FROM usom.freight_rate f WHERE f.org_id = $1) "
	"OR EXISTS (SELECT 1 FROM usom.location_calendar c WHERE c.org_id = $1) "
	"OR EXISTS (SELECT 1 FROM usom.location l WHERE l.org_id = $1 AND (NOT l.ships "
	"OR l.order_cost > 0 OR l.unit_cost > 0 OR l.handling_cost > 0 OR l.protected_quantity > 0)), "
	"EXISTS (SELECT 1 FROM usom.location_capacity c WHERE c.org_id = $1), "
	"'usom.sourcing_rule'::pg_catalog.regclass::pg_catalog.oid, 'usom.freight_rate'::pg_catalog.regclass::pg_catalog.oid, "
	"'usom.location_calendar'::pg_catalog.regclass::pg_catalog.oid, 'usom.location'::pg_catalog.regclass::pg_catalog.oid, "
	"'usom.location_capacity'::pg_catalog.regclass::pg_catalog.oid",
	.nargs = 1,
	.argtypes = {"bigint"},
};

/* Both answers; remembered if the snapshot is of now. */
static void
look_up(int64 org_id, bool *ruled, bool *limits)
{
	Datum		values[] = {Int64GetDatum(org_id)};

	usom_query_run(&ask, values, NULL);
	*limits = DatumGetBool(usom_query_get(0, 2));
	*ruled = *limits || DatumGetBool(usom_query_get(0, 1));
	if (IsolationUsesXactSnapshot())
		return;
	known_answer = *ruled;
	known_limits = *limits;
	for (int i = 0; i < TABLES; i++)
		relids[i] = DatumGetObjectId(usom_query_get(0, i + 3));
	known_org = org_id;
}

bool
usom_sourcing_is_ruled(int64 org_id)
{
	bool		ruled;
	bool		limits;

	if (likely(known_org == org_id))
		return known_answer;
	look_up(org_id, &ruled, &limits);
	return ruled;
}

bool
usom_sourcing_has_limits(int64 org_id)
{
	bool		ruled;
	bool		limits;

	if (likely(known_org == org_id))
		return known_limits;
	look_up(org_id, &ruled, &limits);
	return limits;
}

static void
forget(void)
{
	known_org = 0;
}

static void
at_table_change(Datum argument, Oid relid)
{
	for (int i = 0; i < TABLES; i++)
		if (relid == InvalidOid || relid == relids[i])
			known_org = 0;
}

/* Trigger AFTER rows of a table that is asked changed. */
Datum
usom__sourcing_changed(PG_FUNCTION_ARGS)
{
	static const UsomTriggerSpec spec = {"usom._sourcing_changed", .before = false, .row = true, .nargs = 0};
	TriggerData *trigdata = usom_trigger_check(fcinfo, &spec);

	forget();
	CacheInvalidateRelcache(trigdata->tg_relation);
	return PointerGetDatum(NULL);
}

void
usom_sourcing_init(void)
{
	usom_call_at_abort(forget);
	CacheRegisterRelcacheCallback(at_table_change, (Datum) 0);
}
