/*
 * hold_rule.c
 *		Hold rules: which orders are put on hold by themselves.
 *
 * A rule follows a point of the order's life (place, submit, change) or a hold
 * of another type that is placed; what it places may be followed by others.
 *
 * Memory: rules in a context of the memo (base/memo.h), the rest in
 * CurrentMemoryContext.  Locks: none; the order is locked by the caller.
 *
 * Invariant: each rule is followed once at most in a call, so the chain ends,
 * whatever the rules say; circles are refused when they are written.
 */
#include "postgres.h"

#include "order/order.h"

#include "base/call.h"
#include "base/errors.h"
#include "base/memo.h"
#include "base/query.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"

static UsomQuery select_rules = {
	.text = "SELECT r.code, r.hold_type, r.reason, r.hold_for, r.looks_at, r.when_held, coalesce(c.channel_id, 0), "
	"coalesce(u.customer_id, 0), r.segment, r.country, r.order_type::text, r.value_above, r.currency FROM usom.hold_rule AS r "
	"LEFT JOIN usom.channel AS c ON c.org_id = r.org_id AND c.code = r.channel "
	"LEFT JOIN usom.customer AS u ON u.org_id = r.org_id AND u.code = r.customer "
	"WHERE r.org_id = $1 AND r.active AND (r.channel IS NULL OR c.channel_id IS NOT NULL) "
	"AND (r.customer IS NULL OR u.customer_id IS NOT NULL) ORDER BY r.code",
	.nargs = 1,
	.argtypes = {"bigint"},
};

static UsomQuery read_facts = {
	.text = "SELECT u.segment, a.country FROM usom.sales_order AS o "
	"LEFT JOIN usom.customer AS u ON u.org_id = $1 AND u.customer_id = o.customer_id "
	"LEFT JOIN usom.address AS a ON a.org_id = $1 AND a.address_id = o.address_id "
	"WHERE o.org_id = $1 AND o.sales_order_id = $2",
	.nargs = 2,
	.argtypes = {"bigint", "bigint"},
};

static UsomQuery write_holds = {
	.text = "WITH renewed AS (UPDATE usom.hold AS h SET reason = r.reason, expires_at = r.expires_at FROM unnest($2) AS r "
	"WHERE h.org_id = $1 AND h.sales_order_id = r.sales_order_id AND h.line_no IS NOT DISTINCT FROM r.line_no "
	"AND h.piece_no IS NULL AND h.hold_type = r.hold_type AND h.check_code = r.check_code "
	"AND h.released_at IS NULL AND (h.expires_at IS NULL OR h.expires_at > $3) "
	"RETURNING h.sales_order_id, h.line_no, h.hold_type, h.check_code) "
	"INSERT INTO usom.hold (org_id, sales_order_id, line_no, placed_at, hold_type, reason, expires_at, check_code, blocks) "
	"SELECT $1, r.sales_order_id, r.line_no, $3, r.hold_type, r.reason, r.expires_at, r.check_code, "
	"coalesce(t.blocks, ARRAY['confirm', 'release', 'ship']) FROM unnest($2) AS r "
	"LEFT JOIN usom.hold_type AS t ON t.org_id = $1 AND t.code = r.hold_type "
	"WHERE NOT EXISTS (SELECT 1 FROM renewed AS n WHERE n.sales_order_id = r.sales_order_id "
	"AND n.line_no IS NOT DISTINCT FROM r.line_no AND n.hold_type = r.hold_type AND n.check_code = r.check_code)",
	.nargs = 3,
	.argtypes = {"bigint", "usom._found_hold[]", "timestamptz"},
};

typedef struct HoldRule
{
	const char *code;
	const char *hold_type;
	const char *reason;			/* NULL: the code says it */
	int64		hold_for;		/* microseconds; 0: until it is released */
	char	  **looks_at;		/* NULL after the last */
	const char *when_held;		/* NULL: no hold is asked for */
	int64		channel_id;		/* 0: any */
	int64		customer_id;	/* 0: any */
	const char *segment;		/* NULL: any, as the next four */
	const char *country;
	const char *order_type;
	Numeric		value_above;
	const char *currency;
} HoldRule;

typedef struct HoldRules
{
	int			count;
	HoldRule   *rules;
} HoldRules;

/* ---- what the backend remembers ---- */

static char **
texts_of(Datum array)
{
	Datum	   *elements;
	int			count;
	char	  **texts;

	deconstruct_array_builtin(DatumGetArrayTypePCopy(array), TEXTOID, &elements, NULL, &count);
	texts = palloc0_array(char *, count + 1);
	for (int i = 0; i < count; i++)
		texts[i] = TextDatumGetCString(elements[i]);
	return texts;
}

static HoldRule
take_rule(uint64 row)
{
	bool		forever;
	bool		any_value;
	Datum		hold_for = usom_query_get_or_null(row, 4, &forever);
	Datum		value_above = usom_query_get_or_null(row, 12, &any_value);
	const Interval *interval = DatumGetIntervalP(hold_for);

	return (HoldRule) {
		.code = usom_query_get_text(row, 1), .hold_type = usom_query_get_text(row, 2), .reason = usom_query_get_text(row, 3),
		.hold_for = forever ? 0 : ((int64) interval->month * DAYS_PER_MONTH + interval->day) * USECS_PER_DAY + interval->time,
		.looks_at = texts_of(usom_query_get(row, 5)), .when_held = usom_query_get_text(row, 6),
		.channel_id = DatumGetInt64(usom_query_get(row, 7)), .customer_id = DatumGetInt64(usom_query_get(row, 8)),
		.segment = usom_query_get_text(row, 9), .country = usom_query_get_text(row, 10), .order_type = usom_query_get_text(row, 11),
		.value_above = any_value ? NULL : DatumGetNumericCopy(value_above), .currency = usom_query_get_text(row, 13)
	};
}

static const void *
read_rules(int64 org_id)
{
	HoldRules  *rules = palloc0_object(HoldRules);
	Datum		values[] = {Int64GetDatum(org_id)};

	rules->count = (int) usom_memo_look(&select_rules, values);
	rules->rules = palloc_array(HoldRule, Max(rules->count, 1));
	for (int i = 0; i < rules->count; i++)
		rules->rules[i] = take_rule(i);
	SPI_freetuptable(SPI_tuptable);
	return rules;
}

static UsomMemo memo = {
	.name = "usom hold rules",
	.tables = {"hold_rule", "channel"},
	.read = read_rules,
};

void
usom_order_hold_rule_init(void)
{
	usom_memo_register(&memo);
}

/* ---- which rules follow ---- */

typedef struct Raising
{
	const UsomOrderSet *set;
	const UsomOrder *order;
	const char *point;
	const UsomHoldFacts *facts; /* NULL: not read yet */
	List	   *types;			/* of holds placed in this call: char * */
	List	   *raised;
} Raising;

static const UsomHoldFacts *
facts_of(Raising *raising)
{
	UsomHoldFacts *facts;
	Datum		values[2] = {Int64GetDatum(raising->set->org_id), Int64GetDatum(raising->order->sales_order_id)};

	if (raising->facts != NULL)
		return raising->facts;
	facts = palloc0_object(UsomHoldFacts);
	if (usom_query_run(&read_facts, values, NULL) > 0)
		*facts = (UsomHoldFacts) {usom_query_get_text(0, 1), usom_query_get_text(0, 2)};
	raising->facts = facts;
	return facts;
}

static bool
is_among(char *const *words, const char *word)
{
	for (; *words != NULL; words++)
		if (strcmp(*words, word) == 0)
			return true;
	return false;
}

static bool
is_called(const Raising *raising, const HoldRule *rule)
{
	if (rule->when_held == NULL)
		return raising->point != NULL && is_among(rule->looks_at, raising->point);
	for (int i = 0; i < list_length(raising->types); i++)
		if (strcmp(list_nth(raising->types, i), rule->when_held) == 0)
			return true;
	return false;
}

static bool
is_more_than(Numeric total, Numeric limit)
{
	return DatumGetInt32(DirectFunctionCall2(numeric_cmp, NumericGetDatum(total), NumericGetDatum(limit))) > 0;
}

static bool
fits(Raising *raising, const HoldRule *rule)
{
	const UsomOrder *order = raising->order;

	if ((rule->channel_id != 0 && rule->channel_id != order->channel_id) ||
		(rule->customer_id != 0 && rule->customer_id != order->customer_id) ||
		(rule->order_type != NULL && strcmp(rule->order_type, usom_order_type_name(order->order_type)) != 0) ||
		(rule->value_above != NULL && (strcmp(rule->currency, order->currency) != 0 || !is_more_than(order->total, rule->value_above))))
		return false;
	if (rule->segment != NULL &&
		(facts_of(raising)->segment == NULL || strcmp(rule->segment, facts_of(raising)->segment) != 0))
		return false;
	return rule->country == NULL ||
		(facts_of(raising)->country != NULL && strcmp(rule->country, facts_of(raising)->country) == 0);
}

static void
raise_hold(Raising *raising, const HoldRule *rule)
{
	UsomRaisedHold *raised = palloc_object(UsomRaisedHold);

	*raised = (UsomRaisedHold) {
		.code = psprintf("hold_rule:%s", rule->code), .hold_type = pstrdup(rule->hold_type),
		.reason = rule->reason ? pstrdup(rule->reason) : psprintf("hold rule \"%s\" asks for it", rule->code),
		.until = rule->hold_for == 0 ? USOM_NO_TIME : usom_call_time() + rule->hold_for
	};
	raising->raised = lappend(raising->raised, raised);
	raising->types = lappend(raising->types, unconstify(char *, raised->hold_type));
}

List *
usom_order_raise_holds(const UsomOrderSet *set, int order, const char *point, List *types, const UsomHoldFacts *facts)
{
	const HoldRules *rules = usom_memo_get(&memo, set->org_id);
	bool	   *followed = palloc0_array(bool, Max(rules->count, 1));
	Raising		raising = {
		.set = set, .order = &set->orders[order], .point = point, .facts = facts, .types = list_copy(types)
	};
	bool		is_done = false;

	while (!is_done)
	{
		is_done = true;
		for (int i = 0; i < rules->count; i++)
		{
			CHECK_FOR_INTERRUPTS();
			if (followed[i] || !is_called(&raising, &rules->rules[i]) || !fits(&raising, &rules->rules[i]))
				continue;
			followed[i] = true;
			raise_hold(&raising, &rules->rules[i]);
			is_done = false;
		}
	}
	return raising.raised;
}

/* ---- what is placed ---- */

UsomRows *
usom_order_add_hold(UsomRows *rows, int64 sales_order_id, int32 line_no, const UsomRaisedHold *hold)
{
	Datum		values[6] = {
		Int64GetDatum(sales_order_id), Int32GetDatum(line_no), CStringGetTextDatum(hold->hold_type),
		CStringGetTextDatum(hold->reason), TimestampTzGetDatum(hold->until), CStringGetTextDatum(hold->code),
	};
	bool		nulls[6] = {false, line_no == 0, false, false, hold->until == USOM_NO_TIME, false};

	if (rows == NULL)
		rows = usom_rows_make("_found_hold", 4);
	usom_rows_add(rows, values, nulls);
	return rows;
}

void
usom_order_write_holds(int64 org_id, UsomRows *rows)
{
	Datum		values[3] = {Int64GetDatum(org_id), (Datum) 0, TimestampTzGetDatum(usom_call_time())};

	if (rows == NULL)
		return;
	values[1] = usom_rows_datum(rows);
	usom_query_write(&write_holds, values, NULL);
}
