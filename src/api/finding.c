/*
 * finding.c
 *		What checks have found: refusals, holds, warnings.
 *
 * Locks: the orders, as for every change of them; holds are rows of their own.
 *
 * Memory: CurrentMemoryContext, which is the call's.
 *
 * Invariant: of one order, line, type and check at most one hold is active
 * that a check has placed; found again, it is renewed.
 */
#include "postgres.h"

#include "api/check_rule.h"

#include "base/call.h"
#include "base/errors.h"
#include "base/json.h"
#include "base/query.h"
#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#define FINDINGS_SHOWN 20

static const char *const severities[] = {
	[USOM_WARN] = "warn", [USOM_HOLD] = "hold", [USOM_REFUSE] = "refuse",
};

void
usom_api_find(UsomChecking *checking, UsomFinding finding)
{
	UsomFinding *kept = palloc_object(UsomFinding);

	Assert(finding.code != NULL && finding.message != NULL);
	Ensure(finding.severity != USOM_HOLD || finding.hold_type != NULL, "check \"%s\" names no type of its hold", finding.code);
	*kept = finding;
	if (kept->hold_until == 0)
		kept->hold_until = USOM_NO_TIME;
	checking->findings = lappend(checking->findings, kept);
}

/* ---- refusals ---- */

static void
append_refusal(StringInfo listed, const UsomFinding *finding)
{
	if (listed->len > 0)
		appendStringInfoString(listed, "; ");
	if (finding->path != NULL)
		appendStringInfo(listed, "%s: ", finding->path);
	appendStringInfoString(listed, finding->message);
	if (finding->detail != NULL)
		appendStringInfo(listed, " (%s)", finding->detail);
	if (finding->remedy != NULL)
		appendStringInfo(listed, " [%s]", finding->remedy);
}

/* Of a finding that is an error of its own, when it is alone. */
static bool
is_sqlstate(const char *code)
{
	return strlen(code) == 5 && strncmp(code, "US", 2) == 0;
}

void
usom_api_refuse_findings(const UsomChecking *checking)
{
	const UsomOrder *order = &checking->set->orders[checking->order];
	const UsomFinding *last = NULL;
	StringInfoData listed;
	int			count = 0;

	initStringInfo(&listed);
	for (int i = 0; i < list_length(checking->findings); i++)
	{
		const UsomFinding *finding = list_nth(checking->findings, i);

		if (finding->severity != USOM_REFUSE)
			continue;
		last = finding;
		if (count++ < FINDINGS_SHOWN)
			append_refusal(&listed, finding);
	}
	if (count == 0)
		return;
	if (count == 1 && is_sqlstate(last->code))
		ereport(ERROR, errcode(MAKE_SQLSTATE(last->code[0], last->code[1], last->code[2], last->code[3], last->code[4])),
				errmsg("%s", last->message), last->detail ? errdetail("%s", last->detail) : 0,
				last->remedy ? errhint("%s", last->remedy) : 0);
	if (count > FINDINGS_SHOWN)
		appendStringInfo(&listed, "; and %d more", count - FINDINGS_SHOWN);
	ereport(ERROR, errcode(USOM_ERR(REFUSED_BY_CHECKS)),
			errmsg_plural("order \"%s\" is refused by %d check", "order \"%s\" is refused by %d checks", count,
						  order->order_no, count),
			errdetail("%s.", listed.data),
			errhint("Correct what is listed; usom.quote() shows beforehand what checks find."));
}

/* ---- holds ---- */

bool
usom_api_findings_block(const UsomChecking *checking, const char *action)
{
	for (int i = 0; i < list_length(checking->findings); i++)
	{
		const UsomFinding *finding = list_nth(checking->findings, i);

		if (finding->severity == USOM_HOLD && usom_order_hold_blocks(checking->set->org_id, finding->hold_type, action))
			return true;
	}
	return false;
}

/* Has one before it the same place, type and check?  Then they are one hold. */
static bool
is_repeated(const List *findings, int index)
{
	const UsomFinding *finding = list_nth(findings, index);

	for (int i = 0; i < index; i++)
	{
		const UsomFinding *other = list_nth(findings, i);

		if (other->severity == USOM_HOLD && other->line_no == finding->line_no &&
			strcmp(other->hold_type, finding->hold_type) == 0 && strcmp(other->code, finding->code) == 0)
			return true;
	}
	return false;
}

/* What all findings of the hold say; it stands as long as the longest of them. */
static const char *
gather_reason(const List *findings, const UsomFinding *first, TimestampTz *until)
{
	StringInfoData reason;

	initStringInfo(&reason);
	*until = first->hold_until;
	for (int i = 0; i < list_length(findings); i++)
	{
		const UsomFinding *finding = list_nth(findings, i);

		if (finding->severity != USOM_HOLD || finding->line_no != first->line_no ||
			strcmp(finding->hold_type, first->hold_type) != 0 || strcmp(finding->code, first->code) != 0)
			continue;
		appendStringInfo(&reason, "%s%s%s%s", reason.len > 0 ? "; " : "", finding->message,
						 finding->detail ? ": " : "", finding->detail ? finding->detail : "");
		if (*until != USOM_NO_TIME)
			*until = finding->hold_until == USOM_NO_TIME ? USOM_NO_TIME : Max(*until, finding->hold_until);
	}
	return reason.data;
}

static UsomRows *
add_hold(UsomRows *rows, const UsomChecking *checking, const UsomFinding *finding)
{
	UsomRaisedHold hold = {.code = finding->code, .hold_type = finding->hold_type};

	hold.reason = gather_reason(checking->findings, finding, &hold.until);
	return usom_order_add_hold(rows, checking->set->orders[checking->order].sales_order_id, finding->line_no, &hold);
}

void
usom_api_write_found_holds(UsomChecking *const *checkings, int count)
{
	UsomRows   *rows = NULL;

	for (int i = 0; i < count; i++)
		for (int j = 0; checkings[i] != NULL && j < list_length(checkings[i]->findings); j++)
		{
			const UsomFinding *finding = list_nth(checkings[i]->findings, j);

			if (finding->severity == USOM_HOLD && !is_repeated(checkings[i]->findings, j))
				rows = add_hold(rows, checkings[i], finding);
		}
	if (rows != NULL)
		usom_order_write_holds(checkings[0]->set->org_id, rows);
}

const char *
usom_api_found_hold_types(const UsomChecking *checking)
{
	StringInfoData types;

	initStringInfo(&types);
	for (int i = 0; i < list_length(checking->findings); i++)
	{
		const UsomFinding *finding = list_nth(checking->findings, i);
		bool		is_named = finding->severity != USOM_HOLD;

		for (int j = 0; j < i && !is_named; j++)
		{
			const UsomFinding *other = list_nth(checking->findings, j);

			is_named = other->severity == USOM_HOLD && strcmp(other->hold_type, finding->hold_type) == 0;
		}
		if (!is_named)
			appendStringInfo(&types, "%s%s", types.len > 0 ? ", " : "", finding->hold_type);
	}
	return types.len > 0 ? types.data : NULL;
}

/* ---- what verbs on orders that are there say ---- */

static void
say_findings(const UsomChecking *checking)
{
	const char *order_no = checking->set->orders[checking->order].order_no;

	for (int i = 0; i < list_length(checking->findings); i++)
	{
		const UsomFinding *finding = list_nth(checking->findings, i);

		ereport(WARNING,
				finding->severity == USOM_HOLD
				? errmsg("order \"%s\" is put on %s hold: %s", order_no, finding->hold_type, finding->message)
				: errmsg("order \"%s\": %s", order_no, finding->message),
				finding->detail ? errdetail("%s", finding->detail) : 0,
				finding->remedy ? errhint("%s", finding->remedy) : 0);
	}
}

/* What is held stands in the history; the rest is said. */
static void
tell(const UsomChecking *checking)
{
	const char *types = usom_api_found_hold_types(checking);

	say_findings(checking);
	if (types != NULL)
		checking->set->orders[checking->order].event_reference = types;
}

void
usom_api_settle_findings(UsomChecking *checking)
{
	usom_api_refuse_findings(checking);
	usom_api_write_found_holds(&checking, 1);
	usom_api_write_hits(&checking, 1, false);
	tell(checking);
}

static UsomQuery settle_holds = {
	.text = "UPDATE usom.hold AS h SET released_at = $4, released_by = session_user, release_reason = 'its cause is gone', "
	"settled = true WHERE h.org_id = $1 AND h.sales_order_id = $2 AND h.check_code = ANY ($3) AND h.released_at IS NULL "
	"AND (h.expires_at IS NULL OR h.expires_at > $4)",
	.nargs = 4,
	.argtypes = {"bigint", "bigint", "text[]", "timestamptz"},
};

/* Holds of checks that have nothing to hold any more. */
static void
settle_passed(UsomChecking *checking)
{
	int			count = list_length(checking->passed);
	Datum	   *codes = palloc_array(Datum, count + 1);
	Datum		values[4] = {
		Int64GetDatum(checking->set->org_id), Int64GetDatum(checking->set->orders[checking->order].sales_order_id),
		(Datum) 0, TimestampTzGetDatum(usom_call_time())
	};

	if (count == 0)
		return;
	for (int i = 0; i < count; i++)
		codes[i] = CStringGetTextDatum((const char *) list_nth(checking->passed, i));
	values[2] = PointerGetDatum(construct_array_builtin(codes, count, TEXTOID));
	checking->settled = (int) usom_query_write(&settle_holds, values, NULL);
}

static UsomChecking **
check_orders(UsomOrderSet *set, UsomCheckPoint point, const Jsonb *ship_to, const Numeric *expected)
{
	UsomChecking **checkings = palloc0_array(UsomChecking *, Max(set->norders, 1));

	for (int i = 0; i < set->norders; i++)
	{
		checkings[i] = palloc0_object(UsomChecking);
		*checkings[i] = (UsomChecking) {.point = point, .set = set, .order = i, .ship_to = ship_to, .expected = expected};
		usom_api_check(checkings[i]);
	}
	if (point == USOM_AT_SUBMIT)
		usom_api_find_duplicates(checkings, set->norders);
	for (int i = 0; i < set->norders; i++)
	{
		usom_api_find_raised(checkings[i]);
		usom_api_refuse_findings(checkings[i]);
		if (point == USOM_AT_CHANGE)
			settle_passed(checkings[i]);
	}
	usom_api_write_found_holds(checkings, set->norders);
	usom_api_write_hits(checkings, set->norders, false);
	for (int i = 0; i < set->norders; i++)
		tell(checkings[i]);
	return checkings;
}

UsomChecking **
usom_api_check_orders(UsomOrderSet *set, UsomCheckPoint point, const Jsonb *ship_to)
{
	return check_orders(set, point, ship_to, NULL);
}

UsomChecking *
usom_api_check_change(UsomOrderSet *set, const Jsonb *ship_to, const Numeric *expected)
{
	return check_orders(set, USOM_AT_CHANGE, ship_to, expected)[0];
}

/* ---- for messages and quotes ---- */

static void
push_text(JsonbParseState **state, const char *key, const char *value)
{
	if (value != NULL)
		usom_json_text(state, key, value);
}

void
usom_api_push_finding(JsonbParseState **state, const UsomFinding *finding)
{
	push_text(state, "code", finding->code);
	push_text(state, "severity", severities[finding->severity]);
	push_text(state, "path", finding->path);
	push_text(state, "message", finding->message);
	push_text(state, "detail", finding->detail);
	push_text(state, "remedy", finding->remedy);
	if (finding->severity == USOM_HOLD)
		push_text(state, "hold_type", finding->hold_type);
}
