/*
 * quote.c
 *		usom.quote(): what an order would be, with nothing written.
 *
 * The document is placed by the code that places orders, and undone: so what
 * is quoted is what placing would do now, by all rules there are.  Order
 * numbers are not drawn and external ids not taken.
 *
 * Locks: those of placing the order, until it is undone, which is at once.
 *
 * Memory: the answer in the call's context, the rest goes with it.
 */
#include "postgres.h"

#include "api/attempt.h"
#include "api/place.h"

#include "access/xact.h"
#include "base/call.h"
#include "base/card_guard.h"
#include "base/errors.h"
#include "base/json.h"
#include "base/query.h"
#include "miscadmin.h"
#include "order/answer.h"
#include "stock/stripe.h"
#include "utils/builtins.h"
#include "utils/resowner.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(usom_quote);

/* What usom.available() says, of all lines in one statement. */
#define AVAILABLE "(SELECT coalesce(sum(greatest(s.on_hand - s.reserved + " USOM_STRIPED_FREE " - s.safety - s.held + CASE WHEN s.held_until <= $9 THEN " \
	"(SELECT coalesce(sum(r.quantity), 0) FROM usom.reservation r WHERE r.org_id = $1 AND r.product_id = s.product_id " \
	"AND r.location_id = s.location_id AND r.lot = s.lot AND r.expires_at <= $9) ELSE 0 END, 0)), 0) " \
	"FROM usom.stock s JOIN usom.location x ON x.org_id = $1 AND x.location_id = s.location_id AND x.active " \
	"WHERE s.org_id = $1 AND s.product_id = l.product_id AND coalesce(s.usable_until > $9, true) " \
	"AND s.location_id = coalesce(l.location_id, s.location_id))"

/* Units that the order itself keeps were available before it. */
static UsomQuery describe_order = {
	.text = "SELECT pg_catalog.jsonb_build_object('valid', $8, 'currency', o.currency, 'total', pg_catalog.trim_scale(o.total), "
	"'lines', (SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('line_no', l.line_no, 'sku', p.sku, "
	"'quantity', pg_catalog.trim_scale(l.quantity), 'unit_price', pg_catalog.trim_scale(l.unit_price), 'total', pg_catalog.trim_scale(l.total), "
	"'available', CASE WHEN p.kind = 'physical' THEN pg_catalog.trim_scale(" AVAILABLE " + (SELECT coalesce(pg_catalog.sum(f.quantity), 0) "
	"FROM usom.fulfillment_line f WHERE f.org_id = $1 AND f.sales_order_id = $2 AND f.product_id = l.product_id "
	"AND f.status = 'reserved' AND (l.location_id IS NULL OR f.location_id = l.location_id))) END, "
	"'reserved', pg_catalog.trim_scale(l.quantity_reserved), 'backordered', pg_catalog.trim_scale(l.quantity_backordered), "
	"'pieces', (SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('location', g.code, 'status', f.status::pg_catalog.text, "
	"'quantity', pg_catalog.trim_scale(f.quantity), 'promised_at', f.promised_at) ORDER BY f.piece_no) FROM usom.fulfillment_line f "
	"LEFT JOIN usom.location g ON g.org_id = $1 AND g.location_id = f.location_id "
	"WHERE f.org_id = $1 AND f.sales_order_id = $2 AND f.line_no = l.line_no)) ORDER BY l.line_no) "
	"FROM usom.order_line l JOIN usom.product p ON p.org_id = $1 AND p.product_id = l.product_id "
	"WHERE l.org_id = $1 AND l.sales_order_id = $2), "
	"'quantity_reserved', $3, 'quantity_backordered', $4, 'promised_at', $5, 'messages', $6, 'problems', $7) "
	"|| coalesce((SELECT pg_catalog.jsonb_build_object('price_steps', pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object("
	"'line_no', s.line_no, 'step', s.step, 'rule', s.rule, 'unit_price', pg_catalog.trim_scale(s.unit_price), "
	"'before', pg_catalog.trim_scale(s.before), 'after', pg_catalog.trim_scale(s.after), 'reason', s.reason) ORDER BY s.step_no)) "
	"FROM usom.price_step s WHERE s.org_id = $1 AND s.sales_order_id = $2 HAVING pg_catalog.count(*) > 0), '{}') "
	"FROM usom.sales_order o WHERE o.org_id = $1 AND o.sales_order_id = $2",
	.nargs = 9,
	.argtypes = {"bigint", "bigint", "numeric", "numeric", "timestamptz", "jsonb", "jsonb", "boolean", "timestamptz"},
};

/* What was wrong with the document; null where it does not apply. */
typedef struct Problem
{
	const char *path;
	const char *code;
	const char *message;
	const char *detail;
	const char *remedy;
} Problem;

static void
push_problem(JsonbParseState **state, const Problem *problem)
{
	pushJsonbValue(state, WJB_BEGIN_OBJECT, NULL);
	usom_json_text(state, "path", problem->path);
	usom_json_text(state, "code", problem->code);
	usom_json_text(state, "severity", "refuse");
	usom_json_text(state, "message", problem->message);
	usom_json_text(state, "detail", problem->detail);
	usom_json_text(state, "remedy", problem->remedy);
	pushJsonbValue(state, WJB_END_OBJECT, NULL);
}

/* Warnings are messages, where there is a quote that has them. */
static void
push_findings(JsonbParseState **state, const List *findings, bool with_warnings)
{
	for (int i = 0; i < list_length(findings); i++)
	{
		const UsomFinding *finding = list_nth(findings, i);

		if (finding->severity == USOM_WARN && !with_warnings)
			continue;
		pushJsonbValue(state, WJB_BEGIN_OBJECT, NULL);
		usom_api_push_finding(state, finding);
		pushJsonbValue(state, WJB_END_OBJECT, NULL);
	}
}

static Jsonb *
refuse(const Problem *problems, int count, const List *findings)
{
	JsonbParseState *state = NULL;
	JsonbValue	item;

	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	usom_json_key(&state, "valid");
	item.type = jbvBool;
	item.val.boolean = false;
	pushJsonbValue(&state, WJB_VALUE, &item);
	usom_json_key(&state, "problems");
	pushJsonbValue(&state, WJB_BEGIN_ARRAY, NULL);
	for (int i = 0; i < count; i++)
		push_problem(&state, &problems[i]);
	push_findings(&state, findings, true);
	pushJsonbValue(&state, WJB_END_ARRAY, NULL);
	return JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL));
}

/* All codes that nobody has, at once. */
static Jsonb *
refuse_codes(const List *problems)
{
	Problem    *refused = palloc_array(Problem, list_length(problems));

	for (int i = 0; i < list_length(problems); i++)
	{
		const UsomProblem *problem = list_nth(problems, i);

		refused[i] = (Problem) {
			problem->path, "US803", psprintf("no active %s \"%s\"", problem->what, problem->code), NULL,
			psprintf("Correct the code, or insert the row into usom.%s.", problem->what),
		};
	}
	return refuse(refused, list_length(problems), NIL);
}

static Jsonb *
refuse_error(const ErrorData *error, const List *findings)
{
	Problem		problem = {NULL, unpack_sql_state(error->sqlerrcode), error->message, error->detail, error->hint};

	return refuse(&problem, 1, findings);
}

static Jsonb *
refuse_repeat(const Placing *placing)
{
	Problem		problem = {"external_id", "repeated", psprintf("the document was placed as order \"%s\"", placing->repeats), NULL,
	"To place another order, send another external_id."};

	return refuse(&problem, 1, NIL);
}

/* What stands in the way of placing, or of going on. */
static Jsonb *
problems_of(const List *findings, bool *is_valid)
{
	JsonbParseState *state = NULL;

	*is_valid = true;
	for (int i = 0; i < list_length(findings); i++)
		if (((const UsomFinding *) list_nth(findings, i))->severity == USOM_REFUSE)
			*is_valid = false;
	pushJsonbValue(&state, WJB_BEGIN_ARRAY, NULL);
	push_findings(&state, findings, false);
	return JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_ARRAY, NULL));
}

static Jsonb *
describe(const Placing *placing, const UsomPlaced *placed)
{
	bool		is_valid;
	Jsonb	   *problems = problems_of(placing->checking.findings, &is_valid);
	bool		nulls[9] = {false};
	Datum		values[9] = {
		Int64GetDatum(placing->org_id),
		Int64GetDatum(placing->set->orders[0].sales_order_id),
		NumericGetDatum(usom_quantity_numeric(placed->reserved)),
		NumericGetDatum(usom_quantity_numeric(placed->backordered)),
		TimestampTzGetDatum(placed->promised_at),
		JsonbPGetDatum(placed->messages),
		JsonbPGetDatum(problems),
		BoolGetDatum(is_valid),
		TimestampTzGetDatum(usom_call_time()),
	};

	nulls[4] = placed->promised_at == USOM_NO_TIME;
	usom_query_run(&describe_order, values, nulls);
	return DatumGetJsonbPCopy(usom_query_get(0, 1));
}

/* Inside the subtransaction; what checks have found stands in *placed, whatever fails after them. */
static Jsonb *
quote(Jsonb *document, Placing *volatile *placed)
{
	Placing    *placing = usom_api_read(document);

	*placed = placing;
	if (placing->repeats != NULL)
		return refuse_repeat(placing);
	if (placing->problems != NIL)
		return refuse_codes(placing->problems);
	placing->is_quote = true;
	placing->document->draft = false;
	usom_api_finish(placing);
	usom_api_write(&(Placing *) {placing}, 1);
	return describe(placing, usom_api_answer(placing));
}

/* A refusal is an answer; what is no fault of the document goes on. */
Jsonb *
usom_api_quote(Jsonb *document, UsomOrderSet **set)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	Jsonb	   *volatile answer = NULL;
	ErrorData  *volatile error = NULL;
	Placing    *volatile placing = NULL;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		answer = quote(document, &placing);
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
	}
	PG_END_TRY();
	RollbackAndReleaseCurrentSubTransaction();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	if (error != NULL && !usom_api_is_fault_of_document(error))
		ReThrowError(error);
	*set = error == NULL && placing->is_quote ? placing->set : NULL;
	return error != NULL ? refuse_error(error, placing ? placing->checking.findings : NIL) : answer;
}

Datum
usom_quote(PG_FUNCTION_ARGS)
{
	MemoryContext caller = CurrentMemoryContext;
	UsomOrderSet *set;
	Jsonb	   *answer;

	usom_card_check_call(fcinfo);
	usom_call_begin("quote", NULL);
	usom_order_arg_required(fcinfo, 0, "document");
	answer = usom_api_quote(PG_GETARG_JSONB_P(0), &set);
	MemoryContextSwitchTo(caller);
	answer = memcpy(palloc(VARSIZE(answer)), answer, VARSIZE(answer));
	usom_call_end();
	PG_RETURN_JSONB_P(answer);
}
