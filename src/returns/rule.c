/*
 * rule.c
 *		Return rules: what may come back, and until when.
 *
 * The judgement is pure: rules, facts and times in, an outcome out.
 *
 * Memory: rules in a context of the memo (base/memo.h).  Locks: none.
 */
#include "postgres.h"

#include "returns/returns.h"

#include "base/errors.h"
#include "base/memo.h"
#include "base/query.h"

const char *const usom_return_outcomes[] = {"allow", "ask", "refuse"};

static UsomQuery select_rules = {
	.text = "SELECT r.code, r.sku, r.category, r.channel, r.segment, r.reason, coalesce(r.days, -1), r.outcome, r.late, "
	"coalesce(r.valid_days, 0), r.inspects, r.disposition FROM usom.return_rule AS r "
	"WHERE r.org_id = $1 AND r.active ORDER BY r.priority, r.code COLLATE \"C\"",
	.nargs = 1,
	.argtypes = {"bigint"},
};

/* ---- what the backend remembers ---- */

static UsomReturnOutcome
outcome_of(const char *label)
{
	for (int i = 0; i < (int) lengthof(usom_return_outcomes); i++)
		if (strcmp(usom_return_outcomes[i], label) == 0)
			return (UsomReturnOutcome) i;
	elog(ERROR, "no outcome of a return \"%s\"", label);
}

static UsomReturnRule
take_rule(uint64 row)
{
	return (UsomReturnRule) {
		.code = usom_query_get_text(row, 1), .sku = usom_query_get_text(row, 2), .category = usom_query_get_text(row, 3),
		.channel = usom_query_get_text(row, 4), .segment = usom_query_get_text(row, 5), .reason = usom_query_get_text(row, 6),
		.days = DatumGetInt32(usom_query_get(row, 7)), .outcome = outcome_of(usom_query_get_text(row, 8)),
		.late = outcome_of(usom_query_get_text(row, 9)), .valid_days = DatumGetInt32(usom_query_get(row, 10)),
		.inspects = DatumGetBool(usom_query_get(row, 11)), .disposition = usom_disposition_of(usom_query_get_text(row, 12))
	};
}

static const void *
read_rules(int64 org_id)
{
	UsomReturnRules *rules = palloc0_object(UsomReturnRules);
	Datum		values[] = {Int64GetDatum(org_id)};
	UsomReturnRule *taken;

	rules->count = (int) usom_memo_look(&select_rules, values);
	rules->rules = taken = palloc_array(UsomReturnRule, Max(rules->count, 1));
	for (int i = 0; i < rules->count; i++)
		taken[i] = take_rule(i);
	SPI_freetuptable(SPI_tuptable);
	return rules;
}

static UsomMemo memo = {
	.name = "usom return rules",
	.tables = {"return_rule"},
	.read = read_rules,
};

void
usom_return_rule_init(void)
{
	usom_memo_register(&memo);
}

const UsomReturnRules *
usom_return_rules(int64 org_id)
{
	return usom_memo_get(&memo, org_id);
}

/* ---- judgement ---- */

static bool
fits(const char *wanted, const char *is)
{
	return wanted == NULL || (is != NULL && strcmp(wanted, is) == 0);
}

const UsomReturnRule *
usom_return_find_rule(const UsomReturnRules *rules, const UsomReturnFacts *facts)
{
	for (int i = 0; i < rules->count; i++)
	{
		const UsomReturnRule *rule = &rules->rules[i];

		if (fits(rule->sku, facts->sku) && fits(rule->category, facts->category) && fits(rule->channel, facts->channel) &&
			fits(rule->segment, facts->segment) && fits(rule->reason, facts->reason))
			return rule;
	}
	return NULL;
}

/* When units are no longer in time. */
static TimestampTz
end_of(const UsomReturnRule *rule, TimestampTz since)
{
	if (rule == NULL || rule->days < 0 || since == USOM_NO_TIME)
		return USOM_NO_TIME;
	return since + rule->days * USECS_PER_DAY;
}

/* What is expected back already is of those in time: asking twice gives no more than asking once. */
UsomReturnJudgement
usom_return_judge(const UsomReturnRule *rule, const UsomReturnStay *stays, int nstays, int line, UsomQuantity expected,
				  TimestampTz at)
{
	UsomReturnJudgement judgement = {.rule = rule, .expected = expected, .until = USOM_NO_TIME};
	UsomQuantity over = 0;
	bool		ends = true;

	for (int i = 0; i < nstays; i++)
	{
		TimestampTz end = end_of(rule, stays[i].since);

		if (stays[i].line != line)
			continue;
		judgement.with_customer += stays[i].quantity;
		if (end != USOM_NO_TIME && end < at)
			over += stays[i].quantity;
		else if (end == USOM_NO_TIME)
			ends = false;
		else
			judgement.until = Max(judgement.until, end);
	}
	if (!ends)
		judgement.until = USOM_NO_TIME;
	judgement.in_time = Max(judgement.with_customer - over - expected, 0);
	return judgement;
}

UsomReturnOutcome
usom_return_outcome(const UsomReturnJudgement *judgement, UsomQuantity quantity)
{
	if (judgement->rule == NULL)
		return USOM_RETURN_ALLOW;
	if (quantity <= judgement->in_time)
		return judgement->rule->outcome;
	return Max(judgement->rule->outcome, judgement->rule->late);
}
