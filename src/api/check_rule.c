/*
 * check_rule.c
 *		Rules of checks and restrictions of products, remembered by the backend.
 *
 * Memory: in a context of the memo (base/memo.h); findings in
 * CurrentMemoryContext.  Locks: none.
 *
 * Invariant: what a row of usom.check_rule says can be read: its trigger reads
 * it with the function that is used here.
 */
#include "postgres.h"

#include "api/check_rule.h"

#include "base/call.h"
#include "base/errors.h"
#include "base/memo.h"
#include "base/query.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(usom_checks);
PG_FUNCTION_INFO_V1(usom__check_parameters);

#define DEFAULT_WINDOW (24 * USECS_PER_HOUR)

typedef struct CheckKind
{
	const char *code;
	const char *hold_type;
	const char *description;
	const char *parameters;
} CheckKind;

#define USOM_CHECK(name, code, function, hold_type, description, parameters) \
	[USOM_CHECK_##name] = {code, hold_type, description, parameters},
static const CheckKind kinds[USOM_CHECK_KINDS] = {
#include "api/check.def"
};
#undef USOM_CHECK

/* ---- parameters ---- */

/* As the reader fills it; then it is checked and becomes UsomCheckParameters. */
typedef struct Given
{
	ArrayType  *require;
	ArrayType  *segments;
	ArrayType  *blocked_segments;
	bool		guests;
	bool		has_guests;
	ArrayType  *countries;
	ArrayType  *not_countries;
	ArrayType  *not_postcodes;
	ArrayType  *accept;
	bool		required;
	UsomQuantity line_quantity;
	UsomQuantity order_quantity;
	int32		lines;
	Numeric		line_total;
	Numeric		order_total;
	char	   *window;
} Given;

static const UsomKey completeness_keys[] = {
	USOM_KEY_AS("require", USOM_KEY_TEXTS, Given, require),
};
static const UsomKey customer_keys[] = {
	USOM_KEY_AS("segments", USOM_KEY_TEXTS, Given, segments),
	USOM_KEY_AS("blocked_segments", USOM_KEY_TEXTS, Given, blocked_segments),
	USOM_KEY_GIVEN("guests", USOM_KEY_BOOLEAN, Given, guests, has_guests),
};
static const UsomKey delivery_keys[] = {
	USOM_KEY_AS("countries", USOM_KEY_TEXTS, Given, countries),
	USOM_KEY_AS("not_countries", USOM_KEY_TEXTS, Given, not_countries),
	USOM_KEY_AS("not_postcodes", USOM_KEY_TEXTS, Given, not_postcodes),
};
static const UsomKey address_keys[] = {
	USOM_KEY_AS("accept", USOM_KEY_TEXTS, Given, accept),
	USOM_KEY_AS("required", USOM_KEY_BOOLEAN, Given, required),
};
static const UsomKey limits_keys[] = {
	USOM_KEY_AS("line_quantity", USOM_KEY_QUANTITY, Given, line_quantity),
	USOM_KEY_AS("order_quantity", USOM_KEY_QUANTITY, Given, order_quantity),
	USOM_KEY_AS("lines", USOM_KEY_INTEGER, Given, lines),
	USOM_KEY_AS("line_total", USOM_KEY_AMOUNT, Given, line_total),
	USOM_KEY_AS("order_total", USOM_KEY_AMOUNT, Given, order_total),
};
static const UsomKey duplicate_keys[] = {
	USOM_KEY_AS("window", USOM_KEY_TEXT, Given, window),
};

static const struct
{
	const UsomKey *keys;
	int			nkeys;
}			keys_of[USOM_CHECK_KINDS] = {
	[USOM_CHECK_COMPLETENESS] = {completeness_keys, lengthof(completeness_keys)},
	[USOM_CHECK_CUSTOMER] = {customer_keys, lengthof(customer_keys)},
	[USOM_CHECK_SELLABLE] = {NULL, 0},
	[USOM_CHECK_DELIVERY] = {delivery_keys, lengthof(delivery_keys)},
	[USOM_CHECK_ADDRESS] = {address_keys, lengthof(address_keys)},
	[USOM_CHECK_LIMITS] = {limits_keys, lengthof(limits_keys)},
	[USOM_CHECK_DUPLICATE] = {duplicate_keys, lengthof(duplicate_keys)},
};

static const char *const required_names[] = {
	"ship_to.name", "ship_to.line1", "ship_to.postcode", "ship_to.city", "ship_to.country",
	"customer", "external_id", "requested_at", "payment", NULL
};
static const char *const verdicts[] = {"deliverable", "corrected", "undeliverable", "unknown", NULL};

static char **
texts_of(ArrayType *array)
{
	Datum	   *elements;
	int			count;
	char	  **texts;

	if (array == NULL)
		return NULL;
	deconstruct_array_builtin(array, TEXTOID, &elements, NULL, &count);
	texts = palloc0_array(char *, count + 1);
	for (int i = 0; i < count; i++)
		texts[i] = TextDatumGetCString(elements[i]);
	return texts;
}

static char **
known_texts(const UsomSchema *schema, const char *key, ArrayType *array, const char *const *known)
{
	char	  **texts = texts_of(array);

	for (int i = 0; texts != NULL && texts[i] != NULL; i++)
	{
		bool		is_known = false;

		for (int j = 0; known[j] != NULL && !is_known; j++)
			is_known = strcmp(known[j], texts[i]) == 0;
		if (!is_known)
			usom_document_refuse(schema, "", key, psprintf("names \"%s\", which is not known", texts[i]));
	}
	return texts;
}

static int64
microseconds(const Interval *interval)
{
	return ((int64) interval->month * DAYS_PER_MONTH + interval->day) * USECS_PER_DAY + interval->time;
}

static int64
read_window(const UsomSchema *schema, char *window)
{
	int64		result;

	if (window == NULL)
		return DEFAULT_WINDOW;
	result = microseconds(DatumGetIntervalP(DirectFunctionCall3(interval_in, CStringGetDatum(window),
																ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1))));
	if (result <= 0)
		usom_document_refuse(schema, "", "window", "must be more than nothing, as \"24 hours\"");
	return result;
}

static UsomCheckParameters
read_parameters(UsomCheckKind kind, Jsonb *jsonb)
{
	UsomSchema	schema = {
		psprintf("parameters of check \"%s\"", kinds[kind].code), USOM_ERR(BAD_CHECK_RULE), keys_of[kind].keys, keys_of[kind].nkeys, NULL
	};
	Given		given = {0};

	if (!JB_ROOT_IS_OBJECT(jsonb))
		usom_document_refuse(&schema, "", "they", "must be an object");
	usom_document_read(&schema, &jsonb->root, "", &given);
	return (UsomCheckParameters) {
		.require = known_texts(&schema, "require", given.require, required_names),
		.segments = texts_of(given.segments),
		.blocked_segments = texts_of(given.blocked_segments),
		.no_guests = given.has_guests && !given.guests,
		.countries = texts_of(given.countries),
		.not_countries = texts_of(given.not_countries),
		.not_postcodes = texts_of(given.not_postcodes),
		.accept = known_texts(&schema, "accept", given.accept, verdicts),
		.required = given.required,
		.line_quantity = given.line_quantity, .order_quantity = given.order_quantity, .lines = given.lines,
		.line_total = given.line_total, .order_total = given.order_total,
		.window = read_window(&schema, given.window),
	};
}

static UsomCheckKind
find_kind(const char *code)
{
	for (int i = 0; i < USOM_CHECK_KINDS; i++)
		if (strcmp(kinds[i].code, code) == 0)
			return i;
	ereport(ERROR, errcode(USOM_ERR(BAD_CHECK_RULE)),
			errmsg("check \"%s\" is not known", code),
			errhint("Look at usom.checks()."));
}

/* usom._check_parameters(check_code text, parameters jsonb) */
Datum
usom__check_parameters(PG_FUNCTION_ARGS)
{
	(void) read_parameters(find_kind(text_to_cstring(PG_GETARG_TEXT_PP(0))), PG_GETARG_JSONB_P(1));
	PG_RETURN_VOID();
}

/* usom.checks() */
Datum
usom_checks(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;

	InitMaterializedSRF(fcinfo, 0);
	for (int i = 0; i < USOM_CHECK_KINDS; i++)
	{
		bool		nulls[4] = {false};
		Datum		values[4] = {
			CStringGetTextDatum(kinds[i].code), CStringGetTextDatum(kinds[i].description),
			CStringGetTextDatum(kinds[i].parameters), CStringGetTextDatum(kinds[i].hold_type)
		};

		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}

/* ---- what the backend remembers ---- */

static UsomQuery select_rules = {
	.text = "SELECT r.check_rule_id, r.version, r.check_code, coalesce(c.channel_id, 0), coalesce(u.customer_id, 0), r.severity, "
	"r.hold_type, r.hold_for, r.looks_at, r.parameters FROM usom.check_rule AS r "
	"LEFT JOIN usom.channel AS c ON c.org_id = r.org_id AND c.code = r.channel "
	"LEFT JOIN usom.customer AS u ON u.org_id = r.org_id AND u.code = r.customer "
	"WHERE r.org_id = $1 AND r.active AND (r.channel IS NULL OR c.channel_id IS NOT NULL) "
	"AND (r.customer IS NULL OR u.customer_id IS NOT NULL) "
	"ORDER BY r.check_code, r.customer NULLS LAST, r.channel NULLS LAST",
	.nargs = 1,
	.argtypes = {"bigint"},
};

static UsomQuery select_restrictions = {
	.text = "SELECT r.sku, r.category, coalesce(c.channel_id, 0), r.country, r.valid_from, r.valid_to, r.reason "
	"FROM usom.product_restriction AS r LEFT JOIN usom.channel AS c ON c.org_id = r.org_id AND c.code = r.channel "
	"WHERE r.org_id = $1 AND (r.channel IS NULL OR c.channel_id IS NOT NULL) "
	"ORDER BY r.sku, r.category, r.channel, r.country, r.valid_from",
	.nargs = 1,
	.argtypes = {"bigint"},
};

static UsomQuery ask_hold_rules = {
	.text = "SELECT EXISTS (SELECT 1 FROM usom.hold_rule AS r WHERE r.org_id = $1 AND r.active)",
	.nargs = 1,
	.argtypes = {"bigint"},
};

static int
read_looks_at(Datum array)
{
	static const char *const points[] = {"place", "submit", "change", "confirm", "release", "ship"};
	char	  **texts = texts_of(DatumGetArrayTypePCopy(array));
	int			looks_at = 0;

	for (; *texts != NULL; texts++)
		for (int i = 0; i < (int) lengthof(points); i++)
			if (strcmp(*texts, points[i]) == 0)
				looks_at |= 1 << i;
	return looks_at;
}

static UsomCheckRule
take_rule(uint64 row)
{
	const char *severity = usom_query_get_text(row, 6);
	bool		forever;
	Datum		hold_for = usom_query_get_or_null(row, 8, &forever);
	UsomCheckRule rule = {
		.check_rule_id = DatumGetInt64(usom_query_get(row, 1)),
		.version = DatumGetInt32(usom_query_get(row, 2)),
		.kind = find_kind(usom_query_get_text(row, 3)),
		.channel_id = DatumGetInt64(usom_query_get(row, 4)),
		.customer_id = DatumGetInt64(usom_query_get(row, 5)),
		.is_off = strcmp(severity, "off") == 0,
		.severity = strcmp(severity, "refuse") == 0 ? USOM_REFUSE : strcmp(severity, "hold") == 0 ? USOM_HOLD : USOM_WARN,
		.hold_type = usom_query_get_text(row, 7),
		.hold_for = forever ? 0 : microseconds(DatumGetIntervalP(hold_for)),
		.looks_at = read_looks_at(usom_query_get(row, 9)),
	};

	if (rule.hold_type == NULL)
		rule.hold_type = kinds[rule.kind].hold_type;
	rule.parameters = read_parameters(rule.kind, DatumGetJsonbPCopy(usom_query_get(row, 10)));
	return rule;
}

static void
read_restrictions(UsomCheckRules *rules, Datum *values)
{
	int			n = (int) usom_memo_look(&select_restrictions, values);

	rules->restrictions = palloc_array(UsomRestriction, Max(n, 1));
	rules->nrestrictions = n;
	for (int i = 0; i < n; i++)
		rules->restrictions[i] = (UsomRestriction) {
			.sku = usom_query_get_text(i, 1), .category = usom_query_get_text(i, 2),
			.channel_id = DatumGetInt64(usom_query_get(i, 3)), .country = usom_query_get_text(i, 4),
			.from = DatumGetTimestampTz(usom_query_get(i, 5)), .to = DatumGetTimestampTz(usom_query_get(i, 6)),
			.reason = usom_query_get_text(i, 7)
		};
	SPI_freetuptable(SPI_tuptable);
}

static const void *
read_rules(int64 org_id)
{
	UsomCheckRules *rules = palloc0_object(UsomCheckRules);
	Datum		values[] = {Int64GetDatum(org_id)};

	rules->nrules = (int) usom_memo_look(&select_rules, values);
	rules->rules = palloc_array(UsomCheckRule, Max(rules->nrules, 1));
	for (int i = 0; i < rules->nrules; i++)
		rules->rules[i] = take_rule(i);
	SPI_freetuptable(SPI_tuptable);
	read_restrictions(rules, values);
	usom_memo_look(&ask_hold_rules, values);
	rules->has_hold_rules = DatumGetBool(usom_query_get(0, 1));
	SPI_freetuptable(SPI_tuptable);
	return rules;
}

static const UsomCheckRules no_rules;

static UsomMemo memo = {
	.name = "usom rules of checks",
	.tables = {"check_rule", "product_restriction", "channel", "hold_rule"},
	.read = read_rules,
	.rules = {"check_rule", "product_restriction", "hold_rule"},
	.nothing = &no_rules,
};

void
usom_api_check_rule_init(void)
{
	usom_memo_register(&memo);
}

const UsomCheckRules *
usom_api_check_rules(int64 org_id)
{
	return usom_memo_get(&memo, org_id);
}

/* ---- which rule counts, and what it finds ---- */

static int
point_of(const UsomChecking *checking)
{
	switch (checking->point)
	{
		case USOM_AT_PLACE:
			return USOM_LOOKS_AT_PLACE;
		case USOM_AT_SUBMIT:
			return checking->set->orders[checking->order].status_before == USOM_ORDER_DRAFT
				? USOM_LOOKS_AT_SUBMIT : USOM_LOOKS_AT_CONFIRM;
		case USOM_AT_CHANGE:
			return USOM_LOOKS_AT_CHANGE;
		case USOM_AT_RELEASE:
			return USOM_LOOKS_AT_RELEASE;
		default:
			return USOM_LOOKS_AT_SHIP;
	}
}

const UsomCheckRule *
usom_api_check_rule_of(const UsomCheckRules *rules, const UsomChecking *checking, UsomCheckKind kind)
{
	const UsomOrder *order = &checking->set->orders[checking->order];
	const UsomCheckRule *best = NULL;
	int			best_rank = -1;

	for (int i = 0; i < rules->nrules; i++)
	{
		const UsomCheckRule *rule = &rules->rules[i];
		int			rank = (rule->customer_id != 0 ? 2 : 0) + (rule->channel_id != 0 ? 1 : 0);

		if (rule->kind != kind || rank <= best_rank ||
			(rule->channel_id != 0 && rule->channel_id != order->channel_id) ||
			(rule->customer_id != 0 && rule->customer_id != order->customer_id))
			continue;
		best = rule;
		best_rank = rank;
	}
	return best == NULL || best->is_off || (best->looks_at & point_of(checking)) == 0 ? NULL : best;
}

const char *
usom_api_line_path(const UsomChecking *checking, int line, const char *field)
{
	const UsomLine *of = &checking->set->lines[line];
	int32		line_no = usom_line_is_component(of) ? of->kit_line_no : of->line_no;

	return checking->point == USOM_AT_PLACE ? psprintf("lines[%d].%s", line_no - 1, field) : psprintf("line %d, %s", line_no, field);
}

void
usom_api_find_by_rule(UsomChecking *checking, const UsomCheckRule *rule, const char *path, int line,
					  const char *message, const char *detail, const char *remedy)
{
	usom_api_find(checking, (UsomFinding) {
		.path = path, .code = kinds[rule->kind].code, .severity = rule->severity,
		.hold_type = pstrdup(rule->hold_type),
		.hold_until = rule->hold_for == 0 ? USOM_NO_TIME : usom_call_time() + rule->hold_for,
		.message = message, .detail = detail, .remedy = remedy,
		.line_no = line < 0 ? 0 : checking->set->lines[line].line_no,
		.check_rule_id = rule->check_rule_id, .rule_version = rule->version, .once = true,
	});
}
