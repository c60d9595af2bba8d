/*
 * place_check.c
 *		What checks and credit find about orders that are placed.
 *
 * Locks: rows of usom.order_fingerprint (duplicate.c), before headers are written; of
 * the credit of customers after them.
 *
 * Memory: CurrentMemoryContext.
 */
#include "postgres.h"

#include "api/check_rule.h"
#include "api/credit.h"
#include "api/place.h"

#include "base/errors.h"
#include "base/query.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"

/* ---- what the document says is all right ---- */

typedef struct Override
{
	ArrayType  *checks;
	char	   *reason;
} Override;

static const UsomKey override_keys[] = {
	USOM_KEY_AS("checks", USOM_KEY_TEXTS, Override, checks),
	USOM_KEY_AS("reason", USOM_KEY_FREE_TEXT, Override, reason),
};

/* Who may release a hold may say beforehand that it is not needed. */
static UsomQuery ask_privilege = {
	.text = "SELECT pg_catalog.has_function_privilege($1, 'usom.release_hold(text, text, text, integer, integer)', 'EXECUTE')",
	.nargs = 1,
	.argtypes = {"oid"},
};

static Override
read_override(Jsonb *jsonb)
{
	UsomSchema	schema = {"order document", USOM_ERR(INVALID_DOCUMENT), override_keys, lengthof(override_keys), NULL};
	Override	override = {0};
	Datum		value = ObjectIdGetDatum(GetUserId());

	usom_document_read(&schema, &jsonb->root, "override.", &override);
	if (override.checks == NULL)
		usom_document_refuse(&schema, "override.", "checks", "is missing");
	if (override.reason == NULL || override.reason[0] == '\0')
		usom_document_refuse(&schema, "override.", "reason", "is missing");
	usom_query_run(&ask_privilege, &value, NULL);
	if (!DatumGetBool(usom_query_get(0, 1)))
		ereport(ERROR, errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				errmsg("checks are not overridden by this role"),
				errdetail("Only who may call usom.release_hold() may say beforehand that a hold is not needed."),
				errhint("Leave \"override\" out, and have the hold released."));
	return override;
}

static bool
names_check(const Override *override, const char *code)
{
	Datum	   *elements;
	int			count;

	deconstruct_array_builtin(override->checks, TEXTOID, &elements, NULL, &count);
	for (int i = 0; i < count; i++)
		if (strcmp(TextDatumGetCString(elements[i]), code) == 0)
			return true;
	return false;
}

/* Holds of rules alone: what refuses, and what other rooms decide, is not for a document to say. */
static void
override_holds(Placing *placing)
{
	Override	override;

	if (likely(placing->document->override == NULL))
		return;
	override = read_override(placing->document->override);
	for (int i = 0; i < list_length(placing->checking.findings); i++)
	{
		UsomFinding *finding = list_nth(placing->checking.findings, i);

		if (finding->severity != USOM_HOLD || finding->check_rule_id == 0 || !names_check(&override, finding->code))
			continue;
		finding->severity = USOM_WARN;
		finding->overridden = true;
		finding->override_reason = override.reason;
	}
}

/* ---- what becomes of the order ---- */

static bool
is_refused(const UsomChecking *checking)
{
	for (int i = 0; i < list_length(checking->findings); i++)
		if (((const UsomFinding *) list_nth(checking->findings, i))->severity == USOM_REFUSE)
			return true;
	return false;
}

static void
settle(Placing *placing)
{
	UsomOrder  *order = &placing->set->orders[0];

	if (likely(placing->checking.findings == NIL))
		return;
	if (usom_api_findings_block(&placing->checking, "confirm"))
		order->status = USOM_ORDER_SUBMITTED;
	order->event_reference = usom_api_found_hold_types(&placing->checking);
}

static void
begin_checking(Placing *placing)
{
	placing->checking = (UsomChecking) {
		.point = USOM_AT_PLACE, .set = placing->set, .document = placing->document,
		.ship_to = placing->document->ship_to, .is_quote = placing->is_quote, .address_id = placing->address_id
	};
}

void
usom_api_foresee_checks(Placing *const *placings, int count)
{
	UsomChecking **checkings = palloc_array(UsomChecking *, count + 1);
	int			n = 0;

	for (int i = 0; i < count; i++)
	{
		if (placings[i]->set->orders[0].status == USOM_ORDER_DRAFT)
			continue;
		begin_checking(placings[i]);
		checkings[n++] = &placings[i]->checking;
	}
	usom_api_foresee_facts(checkings, n);
	usom_api_foresee_approval(checkings, n);
}

void
usom_api_check_placing(Placing *placing)
{
	if (placing->set->orders[0].status == USOM_ORDER_DRAFT)
	{
		usom_api_refuse_findings(&(UsomChecking) {.set = placing->set, .findings = placing->price_problems});
		return;
	}
	if (placing->checking.set == NULL)
		begin_checking(placing);
	usom_api_check(&placing->checking);
	placing->checking.findings = list_concat(placing->checking.findings, placing->price_problems);
	if (!placing->is_quote)
		usom_api_refuse_findings(&placing->checking);
}

/* Of orders that are checked, which a draft is not. */
static UsomChecking **
gather_checkings(Placing **placings, int count, int *nchecked)
{
	UsomChecking **checkings = palloc_array(UsomChecking *, count + 1);

	*nchecked = 0;
	for (int i = 0; i < count; i++)
		if (placings[i]->checking.set != NULL)
			checkings[(*nchecked)++] = &placings[i]->checking;
	return checkings;
}

int
usom_api_look_for_duplicates(Placing **placings, int count)
{
	int			nchecked;
	UsomChecking **checkings = gather_checkings(placings, count, &nchecked);
	int			left = 0;

	usom_api_find_duplicates(checkings, nchecked);
	for (int i = 0; i < count; i++)
	{
		if (placings[i]->checking.set != NULL)
		{
			override_holds(placings[i]);
			usom_api_find_raised(&placings[i]->checking);
			settle(placings[i]);
			placings[i]->refused = !placings[i]->is_quote && is_refused(&placings[i]->checking);
		}
		if (!placings[i]->refused)
			placings[left++] = placings[i];
	}
	return left;
}

void
usom_api_let_go_of_duplicates(Placing **placings, int count)
{
	UsomChecking **checkings = palloc_array(UsomChecking *, count + 1);
	bool	   *is_gone = palloc0_array(bool, count + 1);
	int			n = 0;

	for (int i = 0; i < count; i++)
	{
		if (placings[i]->checking.set == NULL)
			continue;
		is_gone[n] = !placings[i]->placed;
		checkings[n++] = &placings[i]->checking;
	}
	usom_api_unclaim_duplicates(checkings, is_gone, n);
}

void
usom_api_write_findings(Placing **placings, int count)
{
	UsomChecking **checkings = palloc_array(UsomChecking *, count);
	int			n = 0;

	for (int i = 0; i < count; i++)
	{
		const List *findings = placings[i]->checking.findings;

		if (findings != NIL)
			checkings[n++] = &placings[i]->checking;
		for (int j = 0; j < list_length(findings); j++)
		{
			const UsomFinding *finding = list_nth(findings, j);

			if (finding->severity == USOM_WARN || !placings[i]->is_quote)
				usom_api_note_finding(placings[i], finding);
		}
	}
	usom_api_write_found_holds(checkings, n);
	usom_api_write_hits(checkings, n, false);
}

/* ---- credit ---- */

static UsomQuery hold_back = {
	.text = "UPDATE usom.sales_order AS o SET status = 'submitted' WHERE o.org_id = $1 AND o.sales_order_id = ANY ($2)",
	.nargs = 2,
	.argtypes = {"bigint", "bigint[]"},
};

void
usom_api_place_on_credit(UsomOrderSet *set, Placing **placings)
{
	const char **why = usom_api_take_credit(set);
	int64	   *held;
	Datum		values[2] = {Int64GetDatum(set->org_id)};
	int			n = 0;

	if (likely(why == NULL))
		return;
	held = palloc_array(int64, set->norders);
	for (int i = 0; i < set->norders; i++)
	{
		UsomFinding finding = {.code = "credit", .severity = USOM_HOLD, .hold_type = "credit", .hold_until = USOM_NO_TIME};

		if (why[i] == NULL)
			continue;
		held[n++] = set->orders[i].sales_order_id;
		placings[i]->set->orders[0].status = USOM_ORDER_SUBMITTED;
		finding.message = "the credit of the customer does not cover the order";
		finding.detail = why[i];
		finding.remedy = "It goes on when there is credit again; usom.release_credit_hold() lets it pass.";
		if (placings[i]->is_quote)
			usom_api_find(&placings[i]->checking, finding);
		else
			usom_api_note_finding(placings[i], &finding);
	}
	values[1] = usom_query_keys(held, n);
	if (n > 0)
		usom_query_write(&hold_back, values, NULL);
}
