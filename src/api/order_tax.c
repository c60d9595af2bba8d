/*
 * order_tax.c
 *		Taxes that were told: kept, and usom.set_order_tax().
 *
 * The answer of a tax service comes when it comes, after the order was placed
 * and before anything of it leaves.  Prices, discounts and freight stay.
 *
 * Locks: the order.
 *
 * Memory: the call's context.
 *
 * Invariant: a tax stands for all units of its line as the line is now.
 */
#include "postgres.h"

#include "api/charge.h"

#include "base/call.h"
#include "base/errors.h"
#include "base/query.h"
#include "catalog/pg_type.h"
#include "order/answer.h"
#include "party/party.h"
#include "payment/credit.h"
#include "utils/array.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(usom_set_order_tax);

typedef struct LineTax
{
	int32		line_no;
	bool		has_line_no;
	Numeric		amount;
	bool		included;
	char	   *jurisdiction;
} LineTax;

typedef struct LineTaxes
{
	int			count;
	LineTax    *taxes;
} LineTaxes;

static const UsomKey keys[] = {
	USOM_KEY_GIVEN("line_no", USOM_KEY_INTEGER, LineTax, line_no, has_line_no),
	USOM_KEY_AS("amount", USOM_KEY_AMOUNT, LineTax, amount),
	USOM_KEY_AS("included", USOM_KEY_BOOLEAN, LineTax, included),
	USOM_KEY_AS("jurisdiction", USOM_KEY_TEXT, LineTax, jurisdiction),
};

static UsomSchema schema = {"taxes", 0, keys, lengthof(keys), NULL};

/*
 * The steps of the lines that are not told about, and those before the tax of
 * the others, are those of the version that was priced last; a line that had
 * none begins with its price.
 */
static UsomQuery write_steps = {
	.text = "WITH kept AS (SELECT s.line_no, s.step, s.rule, s.unit_price, s.before, s.after, s.reason, s.step_no "
	"FROM usom.price_step AS s WHERE s.org_id = $1 AND s.sales_order_id = $2 "
	"AND s.version = (SELECT max(m.version) FROM usom.price_step AS m WHERE m.org_id = $1 AND m.sales_order_id = $2) "
	"AND NOT (s.step = 'tax' AND s.line_no = ANY ($4))), "
	"told AS (SELECT l.line_no, l.unit_price, round(l.unit_price * l.quantity, l.decimals) AS goods, "
	"round(l.unit_price * l.quantity, l.decimals) - l.discount + l.freight AS taxable, l.tax, l.tax_included, t.jurisdiction "
	"FROM usom.order_line AS l JOIN usom.order_tax AS t ON t.org_id = $1 AND t.sales_order_id = $2 AND t.line_no = l.line_no "
	"WHERE l.org_id = $1 AND l.sales_order_id = $2 AND l.line_no = ANY ($4)), "
	"step AS (TABLE kept UNION ALL "
	"SELECT t.line_no, 'document', NULL, t.unit_price, NULL, t.goods, NULL, 0 FROM told AS t "
	"WHERE NOT EXISTS (SELECT 1 FROM kept AS k WHERE k.line_no = t.line_no) UNION ALL "
	"SELECT t.line_no, 'tax', t.jurisdiction, NULL, t.taxable, t.taxable + CASE WHEN t.tax_included THEN 0 ELSE t.tax END, "
	"CASE WHEN t.tax_included THEN 'told, included' ELSE 'told' END, 2147483647 FROM told AS t) "
	"INSERT INTO usom.price_step (org_id, sales_order_id, version, step_no, line_no, step, rule, unit_price, before, after, reason) "
	"SELECT $1, $2, $3, row_number() OVER (ORDER BY x.step_no, x.line_no), x.line_no, x.step, x.rule, x.unit_price, x.before, "
	"x.after, x.reason FROM step AS x",
	.nargs = 4,
	.argtypes = {"bigint", "bigint", "integer", "integer[]"},
};

/* ---- what was told is kept ---- */

static UsomQuery write_taxes = {
	.text = "INSERT INTO usom.order_tax AS t (org_id, sales_order_id, line_no, product_id, jurisdiction, amount, included, taxable) "
	"SELECT $1, r.* FROM unnest($2) AS r "
	"ON CONFLICT (org_id, sales_order_id, line_no) DO UPDATE SET product_id = excluded.product_id, jurisdiction = excluded.jurisdiction, "
	"amount = excluded.amount, included = excluded.included, taxable = excluded.taxable, told_at = statement_timestamp()",
	.nargs = 2,
	.argtypes = {"bigint", "usom._tax_answer[]"},
};

static void
add_answer(UsomRows *rows, int64 order_id, const UsomTaxAnswer *answer)
{
	bool		nulls[7] = {false};
	Datum		values[7] = {
		Int64GetDatum(order_id), Int32GetDatum(answer->line_no), Int64GetDatum(answer->product_id),
		CStringGetTextDatum(answer->jurisdiction), NumericGetDatum(usom_money_numeric(answer->amount, answer->decimals)),
		BoolGetDatum(answer->included), NumericGetDatum(usom_money_numeric(answer->taxable, answer->decimals)),
	};

	usom_rows_add(rows, values, nulls);
}

void
usom_api_write_taxes(int64 org_id, UsomTaxAnswers *const *answers, const int64 *order_ids, int count)
{
	UsomRows   *rows = NULL;
	Datum		values[2] = {Int64GetDatum(org_id)};

	for (int i = 0; i < count; i++)
		for (int j = 0; answers[i] != NULL && j < answers[i]->count; j++)
		{
			if (rows == NULL)
				rows = usom_rows_make("_tax_answer", answers[i]->count);
			add_answer(rows, order_ids[i], &answers[i]->answers[j]);
		}
	if (rows == NULL)
		return;
	values[1] = usom_rows_datum(rows);
	usom_query_write(&write_taxes, values, NULL);
}

/* ---- set_order_tax ---- */

static void
read_tax(JsonbContainer *object, int index, void *target)
{
	LineTax    *tax = &((LineTaxes *) target)->taxes[index];
	char		path[32];

	snprintf(path, sizeof(path), "[%d].", index);
	*tax = (LineTax) {.jurisdiction = "outside"};
	usom_document_read(&schema, object, path, tax);
	if (!tax->has_line_no)
		usom_document_refuse(&schema, path, "line_no", "is missing");
	if (tax->amount == NULL)
		usom_document_refuse(&schema, path, "amount", "is missing");
}

static LineTaxes
parse(Jsonb *jsonb)
{
	JsonbValue	array = {.type = jbvBinary, .val.binary = {VARSIZE_ANY_EXHDR(jsonb), &jsonb->root}};
	LineTaxes	taxes;

	schema.sqlerrcode = USOM_ERR(INVALID_CHANGE);
	if (!JB_ROOT_IS_ARRAY(jsonb) || JB_ROOT_IS_SCALAR(jsonb) || JB_ROOT_COUNT(jsonb) == 0)
		usom_document_refuse(&schema, "", "the argument", "must be an array with at least one entry");
	taxes.taxes = palloc_array(LineTax, JB_ROOT_COUNT(jsonb));
	taxes.count = usom_document_each(&schema, &array, "the argument", read_tax, &taxes);
	return taxes;
}

static void
check_open(UsomOrderSet *set)
{
	const UsomOrder *order = &set->orders[0];
	UsomCounters sum = usom_order_sum(set, 0);
	UsomQuantity left = sum.by_state[USOM_PIECE_SHIPPED] + sum.by_state[USOM_PIECE_DELIVERED] + sum.by_state[USOM_PIECE_RETURNED];

	if (left > 0 || order->status >= USOM_ORDER_SHIPPED)
		ereport(ERROR, errcode(USOM_ERR(TAX_STANDS)),
				errmsg("the tax of order \"%s\" stands", order->order_no),
				left > 0 ? errdetail("%s units have left.", usom_quantity_text(left))
				: errdetail("It is %s.", usom_order_lifecycle_table.labels[order->status]),
				errhint("Credit the difference, or return the goods."));
	usom_order_check_holds(set, 0, "change");
}

static void
refuse(const UsomOrderSet *set, int32 line_no, const char *what, UsomMoney amount, int decimals)
{
	ereport(ERROR, errcode(USOM_ERR(BAD_TAX)),
			errmsg("the tax told for line %d of order \"%s\" %s", line_no, set->orders[0].order_no, what),
			errdetail("The line costs %s before tax is added.", usom_money_text(amount, decimals)),
			errhint("Tell the tax on all units of the line, in the minor unit of the currency."));
}

/* Goods less discount plus freight. */
static UsomMoney
taxable_of(const UsomLine *line)
{
	return usom_money_extend(line->unit_price, line->quantity, line->decimals) -
		usom_money_of(line->discount, line->decimals) + usom_money_of(line->freight, line->decimals);
}

static UsomTaxAnswer
tell_line(UsomOrderSet *set, const LineTax *tax)
{
	int			index = usom_order_find_line(set, 0, tax->line_no);
	UsomLine   *line = &set->lines[index];
	int			decimals = usom_currency_require(set->orders[0].currency);
	UsomTaxAnswer answer;

	usom_order_check_no_component(set, index, "change");
	line->decimals = decimals;
	answer = (UsomTaxAnswer) {
		line->line_no, line->product_id, tax->jurisdiction, usom_money_of(tax->amount, decimals), tax->included,
		taxable_of(line), decimals
	};
	line->tax = usom_money_numeric(answer.amount, decimals);
	line->tax_included = tax->included;
	line->changed = true;
	if (!usom_money_is_exact(tax->amount, decimals))
		refuse(set, tax->line_no, "is finer than the currency", answer.taxable, decimals);
	if (tax->included && answer.amount > answer.taxable)
		refuse(set, tax->line_no, "is more than what it is in", answer.taxable, decimals);
	return answer;
}

static UsomTaxAnswers *
tell_lines(UsomOrderSet *set, const LineTaxes *taxes)
{
	UsomTaxAnswers *answers = palloc_object(UsomTaxAnswers);

	answers->count = taxes->count;
	answers->answers = palloc_array(UsomTaxAnswer, taxes->count);
	for (int i = 0; i < taxes->count; i++)
	{
		answers->answers[i] = tell_line(set, &taxes->taxes[i]);
		for (int j = 0; j < i; j++)
			if (answers->answers[j].line_no == answers->answers[i].line_no)
				refuse(set, answers->answers[i].line_no, "is told twice", answers->answers[i].taxable, answers->answers[i].decimals);
	}
	return answers;
}

static void
note_steps(const UsomOrderSet *set, const UsomTaxAnswers *answers)
{
	Datum	   *numbers = palloc_array(Datum, answers->count);
	Datum		values[4] = {
		Int64GetDatum(set->org_id), Int64GetDatum(set->orders[0].sales_order_id), Int32GetDatum(set->orders[0].version)
	};

	for (int i = 0; i < answers->count; i++)
		numbers[i] = Int32GetDatum(answers->answers[i].line_no);
	values[3] = PointerGetDatum(construct_array(numbers, answers->count, INT4OID, sizeof(int32), true, TYPALIGN_INT));
	usom_query_write(&write_steps, values, NULL);
}

Datum
usom_set_order_tax(PG_FUNCTION_ARGS)
{
	UsomAnswer *answer = usom_order_answer_begin(fcinfo, "set_order_tax", 2);
	UsomOrderSet *set = usom_order_load(usom_party_org(), usom_order_arg_text(fcinfo, 0, "order_no"));
	UsomTaxAnswers *answers;
	UsomCredit *credit;
	LineTaxes	taxes;

	usom_order_arg_required(fcinfo, 1, "taxes");
	check_open(set);
	credit = usom_credit_open(set);
	taxes = parse(PG_GETARG_JSONB_P(1));
	answers = tell_lines(set, &taxes);
	usom_order_settle(set, 0, "tax");
	usom_order_save(set);
	usom_api_write_taxes(set->org_id, &answers, &set->orders[0].sales_order_id, 1);
	note_steps(set, answers);
	usom_credit_close(credit, USOM_CREDIT_CHANGES);
	return usom_order_answer_status(answer, set);
}
