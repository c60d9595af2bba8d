/*
 * flow_read.c
 *		Published flows and the rules about who takes which, as a backend
 *		remembers them.
 *
 * Memory: contexts of the memo (base/memo.h).  Locks: none.
 */
#include "postgres.h"

#include "order/flow.h"

#include "base/errors.h"
#include "base/memo.h"
#include "base/query.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/builtins.h"

static UsomQuery select_flows = {
	.text = "SELECT f.flow_id, f.code, f.version FROM usom.flow AS f WHERE f.org_id = $1 AND f.published_at IS NOT NULL ORDER BY f.flow_id",
	.nargs = 1,
	.argtypes = {"bigint"},
};

static UsomQuery select_states = {
	.text = "SELECT s.flow_id, s.state, s.status, s.starts, s.built_in FROM usom.flow AS f "
	"JOIN usom.flow_state AS s ON s.org_id = f.org_id AND s.flow_id = f.flow_id "
	"WHERE f.org_id = $1 AND f.published_at IS NOT NULL ORDER BY s.flow_id, s.state COLLATE \"C\"",
	.nargs = 1,
	.argtypes = {"bigint"},
};

static UsomQuery select_steps = {
	.text = "SELECT t.flow_id, t.from_state, t.to_state, t.built_in FROM usom.flow AS f "
	"JOIN usom.flow_transition AS t ON t.org_id = f.org_id AND t.flow_id = f.flow_id "
	"WHERE f.org_id = $1 AND f.published_at IS NOT NULL "
	"ORDER BY t.flow_id, t.from_state COLLATE \"C\", t.rank, t.to_state COLLATE \"C\"",
	.nargs = 1,
	.argtypes = {"bigint"},
};

/* In the order of the steps. */
static UsomQuery select_guards = {
	.text = "SELECT g.flow_id, g.from_state, g.to_state, g.guard, g.severity, g.hold_type, g.message FROM usom.flow AS f "
	"JOIN usom.flow_transition AS t ON t.org_id = f.org_id AND t.flow_id = f.flow_id "
	"JOIN usom.flow_guard AS g ON g.org_id = t.org_id AND g.flow_id = t.flow_id AND g.from_state = t.from_state AND g.to_state = t.to_state "
	"WHERE f.org_id = $1 AND f.published_at IS NOT NULL AND g.severity <> 'off' "
	"ORDER BY t.flow_id, t.from_state COLLATE \"C\", t.rank, t.to_state COLLATE \"C\", g.guard COLLATE \"C\"",
	.nargs = 1,
	.argtypes = {"bigint"},
};

static UsomQuery select_effects = {
	.text = "SELECT e.flow_id, e.from_state, e.to_state, e.effect, e.argument, e.message FROM usom.flow AS f "
	"JOIN usom.flow_transition AS t ON t.org_id = f.org_id AND t.flow_id = f.flow_id "
	"JOIN usom.flow_effect AS e ON e.org_id = t.org_id AND e.flow_id = t.flow_id AND e.from_state = t.from_state AND e.to_state = t.to_state "
	"WHERE f.org_id = $1 AND f.published_at IS NOT NULL "
	"ORDER BY t.flow_id, t.from_state COLLATE \"C\", t.rank, t.to_state COLLATE \"C\", e.effect COLLATE \"C\", e.argument COLLATE \"C\"",
	.nargs = 1,
	.argtypes = {"bigint"},
};

/* The most special rules first; the newest version that is published. */
static UsomQuery select_rules = {
	.text = "SELECT r.order_type::text, coalesce(c.channel_id, 0), f.flow_id FROM usom.flow_rule AS r "
	"CROSS JOIN LATERAL (SELECT f.flow_id FROM usom.flow AS f WHERE f.org_id = r.org_id AND f.code = r.flow "
	"AND f.published_at IS NOT NULL ORDER BY f.version DESC LIMIT 1) AS f "
	"LEFT JOIN usom.channel AS c ON c.org_id = r.org_id AND c.code = r.channel "
	"WHERE r.org_id = $1 AND r.active AND (r.channel IS NULL OR c.channel_id IS NOT NULL) "
	"ORDER BY r.order_type IS NULL, r.channel IS NULL, r.code",
	.nargs = 1,
	.argtypes = {"bigint"},
};

typedef struct FlowRule
{
	bool		any_type;
	UsomOrderType order_type;
	int64		channel_id;		/* 0: any */
	int64		flow_id;
} FlowRule;

typedef struct Flows
{
	int			nflows;
	UsomFlow   *flows;			/* by key */
	int			nrules;
	FlowRule   *rules;			/* the first that fits counts */
} Flows;

/* ---- what the backend remembers ---- */

static const char *const severities[] = {
	[USOM_FLOW_WARN] = "warn", [USOM_FLOW_HOLD] = "hold", [USOM_FLOW_REFUSE] = "refuse"
};

static const char *const effects[] = {
	[USOM_FLOW_PLACES_HOLD] = "hold", [USOM_FLOW_RELEASES_HOLD] = "release_hold", [USOM_FLOW_TELLS] = "event",
	[USOM_FLOW_RAISES] = "exception"
};

static int
place_of(const char *const *words, int nwords, const char *word)
{
	for (int i = 0; i < nwords; i++)
		if (strcmp(words[i], word) == 0)
			return i;
	elog(ERROR, "a flow says \"%s\", which is not known", word);
}

static UsomFlow *
flow_of(const Flows *flows, int64 flow_id)
{
	int			low = 0;
	int			high = flows->nflows;

	while (low < high)
	{
		int			middle = low + (high - low) / 2;

		if (flows->flows[middle].flow_id < flow_id)
			low = middle + 1;
		else
			high = middle;
	}
	return low < flows->nflows && flows->flows[low].flow_id == flow_id ? &flows->flows[low] : NULL;
}

/* How many rows of the result are of the flow of this row; they stand together. */
static int
count_rows(uint64 row, uint64 nrows)
{
	int64		flow_id = DatumGetInt64(usom_query_get(row, 1));
	int			count = 0;

	while (row + count < nrows && DatumGetInt64(usom_query_get(row + count, 1)) == flow_id)
		count++;
	return count;
}

static UsomFlow *
flow_of_row(const Flows *flows, uint64 row)
{
	UsomFlow   *flow = flow_of(flows, DatumGetInt64(usom_query_get(row, 1)));

	Ensure(flow != NULL, "a part of a flow that is not published");
	return flow;
}

static void
take_states(Flows *flows, Datum *org)
{
	uint64		n = usom_memo_look(&select_states, org);

	for (uint64 row = 0; row < n;)
	{
		UsomFlow   *flow = flow_of_row(flows, row);

		flow->states = palloc_array(UsomFlowState, count_rows(row, n));
		for (int count = count_rows(row, n); count > 0; count--, row++)
		{
			UsomFlowState *state = &flow->states[flow->nstates++];

			state->name = usom_query_get_text(row, 2);
			state->status = (UsomOrderStatus) DatumGetUInt8(usom_query_get(row, 3));
			state->starts = DatumGetBool(usom_query_get(row, 4));
			state->built_in = DatumGetBool(usom_query_get(row, 5));
			flow->stays_submitted |= state->status == USOM_ORDER_SUBMITTED && !state->built_in;
		}
	}
	SPI_freetuptable(SPI_tuptable);
}

static void
take_steps(Flows *flows, Datum *org)
{
	uint64		n = usom_memo_look(&select_steps, org);

	for (uint64 row = 0; row < n;)
	{
		UsomFlow   *flow = flow_of_row(flows, row);

		flow->steps = palloc0_array(UsomFlowStep, count_rows(row, n));
		for (int count = count_rows(row, n); count > 0; count--, row++)
		{
			UsomFlowStep *step = &flow->steps[flow->nsteps++];

			step->from = usom_flow_find_state(flow, usom_query_get_text(row, 2));
			step->to = usom_flow_find_state(flow, usom_query_get_text(row, 3));
			step->built_in = DatumGetBool(usom_query_get(row, 4));
			flow->stays_submitted |= flow->states[step->from].status == USOM_ORDER_SUBMITTED && !step->built_in;
		}
	}
	SPI_freetuptable(SPI_tuptable);
}

/* The step that a guard or an effect is of. */
static UsomFlowStep *
step_of_row(const Flows *flows, uint64 row)
{
	UsomFlow   *flow = flow_of_row(flows, row);
	int			from = usom_flow_find_state(flow, usom_query_get_text(row, 2));
	int			to = usom_flow_find_state(flow, usom_query_get_text(row, 3));

	for (int i = 0; i < flow->nsteps; i++)
		if (flow->steps[i].from == from && flow->steps[i].to == to)
			return &flow->steps[i];
	elog(ERROR, "a part of no step of flow \"%s\"", flow->code);
}

static void
take_guards(Flows *flows, Datum *org)
{
	uint64		n = usom_memo_look(&select_guards, org);
	UsomFlowGuard *guards = palloc_array(UsomFlowGuard, n + 1);

	for (uint64 row = 0; row < n; row++)
	{
		UsomFlowStep *step = step_of_row(flows, row);
		char	   *message = usom_query_get_text(row, 7);

		guards[row].name = usom_query_get_text(row, 4);
		guards[row].severity = (UsomFlowSeverity) place_of(severities, lengthof(severities), usom_query_get_text(row, 5));
		guards[row].hold_type = usom_query_get_text(row, 6);
		guards[row].message = message ? message : psprintf("\"%s\" is not true", guards[row].name);
		if (step->nguards++ == 0)
			step->guards = &guards[row];
	}
	SPI_freetuptable(SPI_tuptable);
}

static void
take_effects(Flows *flows, Datum *org)
{
	uint64		n = usom_memo_look(&select_effects, org);
	UsomFlowEffect *taken = palloc_array(UsomFlowEffect, n + 1);

	for (uint64 row = 0; row < n; row++)
	{
		UsomFlowStep *step = step_of_row(flows, row);

		taken[row].kind = (UsomFlowEffectKind) place_of(effects, lengthof(effects), usom_query_get_text(row, 4));
		taken[row].argument = usom_query_get_text(row, 5);
		taken[row].message = usom_query_get_text(row, 6);
		if (step->neffects++ == 0)
			step->effects = &taken[row];
	}
	SPI_freetuptable(SPI_tuptable);
}

static void
take_rules(Flows *flows, Datum *org)
{
	flows->nrules = (int) usom_memo_look(&select_rules, org);
	flows->rules = palloc_array(FlowRule, Max(flows->nrules, 1));
	for (int i = 0; i < flows->nrules; i++)
	{
		FlowRule   *rule = &flows->rules[i];
		char	   *type = usom_query_get_text(i, 1);

		rule->any_type = type == NULL;
		Ensure(type == NULL || usom_order_type_find(type, &rule->order_type), "a flow rule is about no known type");
		rule->channel_id = DatumGetInt64(usom_query_get(i, 2));
		rule->flow_id = DatumGetInt64(usom_query_get(i, 3));
	}
	SPI_freetuptable(SPI_tuptable);
}

static const void *
read_flows(int64 org_id)
{
	Flows	   *flows = palloc0_object(Flows);
	Datum		org[] = {Int64GetDatum(org_id)};

	flows->nflows = (int) usom_memo_look(&select_flows, org);
	flows->flows = palloc0_array(UsomFlow, Max(flows->nflows, 1));
	for (int i = 0; i < flows->nflows; i++)
	{
		flows->flows[i].flow_id = DatumGetInt64(usom_query_get(i, 1));
		flows->flows[i].code = usom_query_get_text(i, 2);
		flows->flows[i].version = DatumGetInt32(usom_query_get(i, 3));
	}
	SPI_freetuptable(SPI_tuptable);
	if (flows->nflows == 0)
		return flows;
	take_states(flows, org);
	take_steps(flows, org);
	take_guards(flows, org);
	take_effects(flows, org);
	take_rules(flows, org);
	return flows;
}

static const Flows no_flows;

static UsomMemo memo = {
	.name = "usom flows",
	.tables = {"flow", "flow_state", "flow_transition", "flow_guard", "flow_effect", "flow_rule", "channel"},
	.read = read_flows,
	.rules = {"flow"},
	.nothing = &no_flows,
};

void
usom_flow_init(void)
{
	usom_memo_register(&memo);
}

/* ---- what it is asked ---- */

const UsomFlow *
usom_flow_get(int64 org_id, int64 flow_id)
{
	const UsomFlow *flow = flow_of(usom_memo_get(&memo, org_id), flow_id);

	Ensure(flow != NULL, "an order takes a flow that is not there: see usom.verify()");
	return flow;
}

const UsomFlow *
usom_flow_of(int64 org_id, UsomOrderType type, int64 channel_id)
{
	const Flows *flows = usom_memo_get(&memo, org_id);

	for (int i = 0; i < flows->nrules; i++)
	{
		const FlowRule *rule = &flows->rules[i];

		if ((rule->any_type || rule->order_type == type) && (rule->channel_id == 0 || rule->channel_id == channel_id))
			return flow_of(flows, rule->flow_id);
	}
	return NULL;
}

int
usom_flow_find_state(const UsomFlow *flow, const char *name)
{
	int			low = 0;
	int			high = flow->nstates;

	while (low < high)
	{
		int			middle = low + (high - low) / 2;
		int			difference = strcmp(flow->states[middle].name, name);

		if (difference == 0)
			return middle;
		if (difference < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return -1;
}

int
usom_flow_start(const UsomFlow *flow, UsomOrderStatus status)
{
	for (int i = 0; i < flow->nstates; i++)
		if (flow->states[i].status == status && flow->states[i].starts)
			return i;
	return -1;
}

char *
usom_flow_next_steps(const UsomFlow *flow, int state)
{
	StringInfoData list;

	initStringInfo(&list);
	for (int i = 0; i < flow->nsteps; i++)
	{
		const UsomFlowState *to = &flow->states[flow->steps[i].to];

		if (flow->steps[i].from == state)
			appendStringInfo(&list, "%s%s (%s)", list.len > 0 ? ", " : "", to->name,
							 usom_order_lifecycle_table.labels[to->status]);
	}
	return list.len > 0 ? list.data : psprintf("none: \"%s\" is final", flow->states[state].name);
}
