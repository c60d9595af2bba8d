/*
 * approval_check.c
 *		The check of approvals: an order that is placed waits for whose?
 *
 * Finds what order/approval.c asks when the order is written, so that it stays
 * submitted and a quote can say so.  Of orders that are there, the save says.
 *
 * Memory: CurrentMemoryContext, which is the call's.  No locks.
 */
#include "postgres.h"

#include "api/override.h"
#include "api/place.h"
#include "order/approval.h"

#include "base/query.h"
#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "party/house.h"
#include "utils/array.h"
#include "utils/builtins.h"

#define FACTS \
	"SELECT u.code, u.segment, p.category FROM unnest(q.products) WITH ORDINALITY AS k (product_id, position) " \
	"LEFT JOIN usom.product AS p ON p.org_id = $1 AND p.product_id = k.product_id " \
	"LEFT JOIN usom.customer AS u ON u.org_id = $1 AND u.customer_id = q.customer_id ORDER BY k.position"

static UsomQuery read_facts = {
	.text = "SELECT f.* FROM (SELECT $2 AS products, $3 AS customer_id) AS q CROSS JOIN LATERAL (" FACTS ") AS f",
	.nargs = 3,
	.argtypes = {"bigint", "bigint[]", "bigint"},
};

static UsomQuery read_facts_of_many = {
	.text = "SELECT f.*, q.position FROM unnest($2) AS q CROSS JOIN LATERAL (" FACTS ") AS f",
	.nargs = 2,
	.argtypes = {"bigint", "usom._check_question[]"},
};

static UsomQuery insert_scores = {
	.text = "INSERT INTO usom.order_risk (org_id, sales_order_id, score, reason) "
	"SELECT $1, k.sales_order_id, k.score, 'order document' FROM unnest($2, $3) AS k (sales_order_id, score)",
	.nargs = 3,
	.argtypes = {"bigint", "bigint[]", "integer[]"},
};

static void
take_line(UsomApprovalFacts *facts, const UsomLine *line, const char *category)
{
	const UsomOverride *override = line->override;
	UsomApprovalExcess *excess;

	usom_approval_add_line(facts, line->unit_price, override != NULL ? override->price_before : line->unit_price,
						   line->discount, line->quantity, category);
	if (override == NULL || override->queue == NULL)
		return;
	excess = palloc_object(UsomApprovalExcess);
	*excess = (UsomApprovalExcess) {
		line->line_no, override->unit_price, override->price_before, override->queue, override->beyond
	};
	facts->excesses = lappend(facts->excesses, excess);
}

static const char *
code_of_channel(const UsomOrderSet *set, const UsomOrder *order)
{
	const UsomChannel *channel = usom_party_channel_of(usom_party_house(set->org_id), order->channel_id);

	return channel != NULL ? pstrdup(channel->code) : NULL;
}

/* An order that is placed is alone in its set. */
static void
gather_facts(const UsomChecking *checking, UsomApprovalFacts *facts)
{
	const UsomOrderSet *set = checking->set;
	const UsomOrder *order = &set->orders[checking->order];
	int64	   *products = palloc_array(int64, Max(set->nlines, 1));
	Datum		values[3] = {Int64GetDatum(set->org_id), 0, Int64GetDatum(order->customer_id)};
	int			nrows;

	for (int i = 0; i < set->nlines; i++)
		products[i] = set->lines[i].product_id;
	values[1] = usom_query_keys(products, set->nlines);
	*facts = (UsomApprovalFacts) {
		.total = order->total,
		.currency = order->currency,
		.risk = checking->document->has_risk_score ? checking->document->risk_score : USOM_NO_RISK,
		.channel = code_of_channel(set, order),
		.order_type = order->order_type,
		.categories = palloc_array(const char *, Max(set->nlines, 1)),
	};
	nrows = (int) (checking->approval != NULL ? usom_query_take(checking->approval) : usom_query_run(&read_facts, values, NULL));
	for (int i = 0; i < nrows; i++)
	{
		facts->customer = usom_query_get_text(i, 1);
		facts->segment = usom_query_get_text(i, 2);
		take_line(facts, &set->lines[i], usom_query_get_text(i, 3));
	}
}

void
usom_api_foresee_approval(UsomChecking *const *checkings, int count)
{
	Datum		values[2];
	SPITupleTable **parts;

	if (count < 2 || likely(usom_approval_rules(checkings[0]->set->org_id)->nrules == 0))
		return;
	values[0] = Int64GetDatum(checkings[0]->set->org_id);
	values[1] = usom_api_check_questions(checkings, count);
	usom_query_run(&read_facts_of_many, values, NULL);
	parts = usom_query_cut(count);
	for (int i = 0; i < count; i++)
		checkings[i]->approval = parts[i];
}

static void
find(UsomChecking *checking, const UsomApprovalWanted *wanted)
{
	StringInfoData codes;

	initStringInfo(&codes);
	for (int i = 0; i < list_length(wanted->codes); i++)
		appendStringInfo(&codes, "%s%s", i > 0 ? ", " : "", (char *) list_nth(wanted->codes, i));
	usom_api_find(checking, (UsomFinding) {
		.code = "approval",
		.severity = USOM_HOLD,
		.hold_type = USOM_APPROVAL_HOLD,
		.hold_until = USOM_NO_TIME,
		.message = psprintf("waits for %s", wanted->queue),
		.detail = psprintf("asked by %s", codes.data),
		.remedy = "Have a member of the queue call usom.approve_order().",
	});
}

static bool
has_excess(const UsomOrderSet *set)
{
	for (int i = 0; i < set->nlines; i++)
		if (set->lines[i].override != NULL && set->lines[i].override->queue != NULL)
			return true;
	return false;
}

void
usom_api_check_approval(UsomChecking *checking)
{
	const UsomApprovalRule *standard;
	UsomApprovalFacts facts;
	List	   *wanted;

	if (checking->point != USOM_AT_PLACE ||
		(usom_approval_rules(checking->set->org_id)->nrules == 0 && !has_excess(checking->set)))
		return;
	gather_facts(checking, &facts);
	wanted = usom_approval_match(usom_approval_rules(checking->set->org_id), &facts, &standard);
	for (int i = 0; i < list_length(wanted); i++)
		find(checking, list_nth(wanted, i));
}

void
usom_api_write_risk_scores(Placing *const *placings, int count)
{
	int64	   *orders = palloc_array(int64, count);
	Datum	   *scores = palloc_array(Datum, count);
	Datum		values[3] = {Int64GetDatum(placings[0]->org_id)};
	int			n = 0;

	for (int i = 0; i < count; i++)
	{
		if (likely(!placings[i]->document->has_risk_score))
			continue;
		orders[n] = placings[i]->set->orders[0].sales_order_id;
		scores[n++] = Int32GetDatum(placings[i]->document->risk_score);
	}
	if (likely(n == 0))
		return;
	values[1] = usom_query_keys(orders, n);
	values[2] = PointerGetDatum(construct_array_builtin(scores, n, INT4OID));
	usom_query_write(&insert_scores, values, NULL);
}
