/*
 * configured.c
 *		Is there anything that the plan of least cost could follow, and any capacity to keep?
 *
 * Memory: the answers are remembered (base/memo.h).  Locks: none.
 */
#include "postgres.h"

#include "sourcing/ruled.h"

#include "base/memo.h"
#include "base/query.h"
#include "sourcing/master.h"
#include "stock/site.h"

static UsomQuery ask = {
	.text = "SELECT EXISTS (SELECT 1 FROM usom.sourcing_rule r WHERE r.org_id = $1 AND r.active) "
	"OR EXISTS (SELECT 1 FROM usom.freight_rate f WHERE f.org_id = $1) "
	"OR EXISTS (SELECT 1 FROM usom.location_calendar c WHERE c.org_id = $1), "
	"EXISTS (SELECT 1 FROM usom.location_capacity c WHERE c.org_id = $1)",
	.nargs = 1,
	.argtypes = {"bigint"},
};

typedef struct Answers
{
	bool		limits;
	bool		ruled;
} Answers;

static const void *
read_answers(int64 org_id)
{
	Datum		values[] = {Int64GetDatum(org_id)};
	Answers    *answers = palloc_object(Answers);

	usom_memo_look(&ask, values);
	answers->limits = DatumGetBool(usom_query_get(0, 2));
	answers->ruled = answers->limits || DatumGetBool(usom_query_get(0, 1));
	return answers;
}

static const Answers nothing;

static UsomMemo configured = {
	.name = "usom sourcing is configured",
	.tables = {"sourcing_rule", "freight_rate", "location_calendar", "location_capacity"},
	.read = read_answers,
	.rules = {"sourcing_rule", "freight_rate", "location_calendar", "location_capacity"},
	.nothing = &nothing,
};

bool
usom_sourcing_is_ruled(int64 org_id)
{
	return usom_stock_sites(org_id)->have_terms || ((const Answers *) usom_memo_get(&configured, org_id))->ruled;
}

bool
usom_sourcing_has_limits(int64 org_id)
{
	return ((const Answers *) usom_memo_get(&configured, org_id))->limits;
}

void
usom_sourcing_init(void)
{
	usom_memo_register(&configured);
	usom_sourcing_master_init();
}
