/*
 * inspect.c
 *		usom.inspect_return(): what becomes of units that came back.
 *
 * Locks: the order, then the stock rows (by save).
 *
 * Memory: the call's.
 */
#include "postgres.h"

#include "returns/returns.h"

#include "base/call.h"
#include "base/errors.h"
#include "order/answer.h"
#include "order/news.h"
#include "party/party.h"
#include "payment/credit.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

PG_FUNCTION_INFO_V1(usom_inspect_return);

#define EXAMPLE "The list looks like [{\"line_no\": 1, \"quantity\": 2, \"disposition\": \"restock\", \"condition\": \"as new\"}]."

typedef struct Finding
{
	int			line;			/* of the return */
	UsomQuantity quantity;
	UsomDisposition disposition;
	const char *condition;		/* NULL: nothing is said of it */
	int			nserials;
	const char **serials;
} Finding;

/* ---- the argument lines ---- */

static void
refuse_entry(int index, const char *problem)
{
	ereport(ERROR, errcode(USOM_ERR(INVALID_CHANGE)),
			errmsg("lines[%d] %s", index, problem),
			errhint(EXAMPLE));
}

static bool
is_key(const JsonbValue *key, const char *name)
{
	return key->val.string.len == (int) strlen(name) && memcmp(key->val.string.val, name, key->val.string.len) == 0;
}

static char *
text_of(const JsonbValue *value, int index, const char *key)
{
	if (value->type != jbvString)
		refuse_entry(index, psprintf("must have a text \"%s\"", key));
	return pnstrdup(value->val.string.val, value->val.string.len);
}

static Numeric
number_of(const JsonbValue *value, int index, const char *key)
{
	if (value->type != jbvNumeric)
		refuse_entry(index, psprintf("must have a number \"%s\"", key));
	return value->val.numeric;
}

static int
line_of(const UsomReturn *back, const JsonbValue *value, int index)
{
	Datum		number = NumericGetDatum(number_of(value, index, "line_no"));
	int			line;

	if (DatumGetInt32(DirectFunctionCall2(numeric_cmp, number, NumericGetDatum(int64_to_numeric(PG_INT32_MAX)))) > 0 ||
		DatumGetInt32(DirectFunctionCall2(numeric_cmp, number, NumericGetDatum(int64_to_numeric(1)))) < 0 ||
		!DatumGetBool(DirectFunctionCall2(numeric_eq, number, DirectFunctionCall1(numeric_floor, number))))
		refuse_entry(index, "must have a whole line_no from 1");
	line = usom_return_find_line(back, usom_order_find_line(back->set, 0, DatumGetInt32(DirectFunctionCall1(numeric_int4, number))));
	if (line < 0)
		ereport(ERROR, errcode(USOM_ERR(UNKNOWN_LINE)),
				errmsg("return \"%s\" has no line %d", back->return_no, DatumGetInt32(DirectFunctionCall1(numeric_int4, number))),
				errhint("Look it up in usom.returns."));
	return line;
}

static UsomDisposition
disposition_of(const JsonbValue *value, int index)
{
	UsomDisposition disposition = usom_disposition_of(text_of(value, index, "disposition"));

	if (disposition == USOM_DISPOSITIONS)
		refuse_entry(index, "must have a disposition of restock, refurbish, scrap, to_vendor, reject");
	return disposition;
}

static void
read_serials(Finding *finding, const JsonbValue *value, int index)
{
	JsonbContainer *list = value->val.binary.data;

	if (value->type != jbvBinary || !JsonContainerIsArray(list) || JsonContainerIsScalar(list))
		refuse_entry(index, "must have an array as serials");
	finding->nserials = JsonContainerSize(list);
	finding->serials = palloc_array(const char *, finding->nserials + 1);
	for (int i = 0; i < finding->nserials; i++)
		finding->serials[i] = text_of(getIthJsonbValueFromContainer(list, i), index, "serials");
}

static void
read_key(const UsomReturn *back, Finding *finding, const JsonbValue *key, const JsonbValue *value, int index)
{
	if (is_key(key, "line_no"))
		finding->line = line_of(back, value, index);
	else if (is_key(key, "quantity"))
		finding->quantity = usom_quantity_of(number_of(value, index, "quantity"));
	else if (is_key(key, "disposition"))
		finding->disposition = disposition_of(value, index);
	else if (is_key(key, "condition"))
		finding->condition = text_of(value, index, "condition");
	else if (is_key(key, "serials"))
		read_serials(finding, value, index);
	else
		refuse_entry(index, psprintf("has the unknown key \"%s\"", pnstrdup(key->val.string.val, key->val.string.len)));
}

static Finding
read_entry(const UsomReturn *back, const JsonbValue *entry, int index)
{
	Finding		finding = {.line = -1, .disposition = USOM_WAITS};
	JsonbIterator *iterator;
	JsonbValue	key;
	JsonbValue	value;

	if (entry->type != jbvBinary || !JsonContainerIsObject(entry->val.binary.data))
		refuse_entry(index, "must be an object");
	iterator = JsonbIteratorInit(entry->val.binary.data);
	for (JsonbIteratorToken token = JsonbIteratorNext(&iterator, &key, false); token != WJB_DONE;
		 token = JsonbIteratorNext(&iterator, &key, false))
	{
		if (token != WJB_KEY)
			continue;
		JsonbIteratorNext(&iterator, &value, true);
		read_key(back, &finding, &key, &value, index);
	}
	if (finding.line < 0 || finding.quantity <= 0)
		refuse_entry(index, "must have a line_no, and a quantity above 0");
	if (finding.disposition == USOM_WAITS)
		finding.disposition = back->lines[finding.line].disposition;
	return finding;
}

static Finding *
read_findings(const UsomReturn *back, Jsonb *list, int *count)
{
	Finding    *findings;

	*count = JB_ROOT_COUNT(list);
	if (!JB_ROOT_IS_ARRAY(list) || JB_ROOT_IS_SCALAR(list) || *count == 0)
		ereport(ERROR, errcode(USOM_ERR(INVALID_CHANGE)),
				errmsg("lines must be a JSON array with at least one entry"),
				errhint(EXAMPLE));
	findings = palloc_array(Finding, *count);
	for (int i = 0; i < *count; i++)
		findings[i] = read_entry(back, getIthJsonbValueFromContainer(&list->root, i), i);
	return findings;
}

/* Without a list, all that waits, as the rules said. */
static Finding *
all_waiting(const UsomReturn *back, int *count)
{
	Finding    *findings = palloc_array(Finding, back->nlines + 1);

	*count = 0;
	for (int i = 0; i < back->nlines; i++)
		if (usom_return_units(back, i, USOM_WAITS) > 0)
			findings[(*count)++] = (Finding) {i, usom_return_units(back, i, USOM_WAITS), back->lines[i].disposition, NULL, 0, NULL};
	return findings;
}

/* ---- the inspection ---- */

static void
refuse(const UsomReturn *back, const Finding *finding)
{
	ereport(ERROR, errcode(USOM_ERR(NOT_TO_INSPECT)),
			errmsg("cannot %s %s of line %d of return \"%s\"", usom_disposition_label(finding->disposition),
				   usom_quantity_text(finding->quantity), back->set->lines[back->lines[finding->line].line].line_no, back->return_no),
			errdetail("%s wait for inspection, %s are refurbished.",
					  usom_quantity_text(usom_return_units(back, finding->line, USOM_WAITS)),
					  usom_quantity_text(usom_return_units(back, finding->line, USOM_REFURBISH))),
			errhint("Receive them first; what is refurbished is restocked, scrapped or sent to the vendor."));
}

static UsomQuantity
available(const UsomReturn *back, const Finding *finding)
{
	UsomQuantity units = usom_return_units(back, finding->line, USOM_WAITS);

	if (usom_disposition_allows(USOM_REFURBISH, finding->disposition))
		units = usom_quantity_add(units, usom_return_units(back, finding->line, USOM_REFURBISH));
	return units;
}

static UsomQuantity
count_waiting(const UsomReturn *back)
{
	UsomQuantity units = 0;

	for (int i = 0; i < back->nlines; i++)
		units += back->lines[i].received - back->lines[i].accepted - back->lines[i].rejected;
	return units;
}

static UsomQuantity
inspect(UsomReturn *back, const Finding *findings, int count)
{
	UsomQuantity total = 0;

	for (int i = 0; i < count; i++)
	{
		const Finding *finding = &findings[i];

		if (finding->quantity > available(back, finding))
			refuse(back, finding);
		usom_return_name_units(back, finding->line, finding->quantity, finding->disposition, finding->serials, finding->nserials);
		usom_return_dispose(back, finding->line, finding->quantity, finding->disposition, finding->condition, usom_call_time());
		total = usom_quantity_add(total, finding->quantity);
	}
	return total;
}

static void
carry_out(UsomReturn *back, const Finding *findings, int count)
{
	UsomQuantity waited = count_waiting(back);
	UsomQuantity total = inspect(back, findings, count);

	usom_return_write(back);
	if (waited > 0 && count_waiting(back) == 0)
	{
		usom_return_tell(back, "return_inspected");
		if (back->is_blind)
			usom_order_settle_case(back->set, 0, 0, "blind_return");
	}
	usom_return_save(back, "inspect_return", total);
}

/* usom.inspect_return(return_no, lines, reason) */
Datum
usom_inspect_return(PG_FUNCTION_ARGS)
{
	UsomAnswer *answer = usom_order_answer_begin(fcinfo, "inspect_return", 2);
	UsomReturn *back = usom_return_load(usom_party_org(), usom_order_arg_text(fcinfo, 0, "return_no"));
	bool		nulls[2] = {false, false};
	Finding    *findings;
	Datum		values[2];
	int			count;

	usom_return_read_pieces(back);
	findings = PG_ARGISNULL(1) ? all_waiting(back, &count) : read_findings(back, PG_GETARG_JSONB_P(1), &count);
	if (count > 0)
	{
		UsomCredit *credit = usom_credit_open(back->set);

		carry_out(back, findings, count);
		usom_credit_close(credit, USOM_CREDIT_FOLLOWS);
	}
	usom_return_statuses(back, values);
	return usom_order_answer_row(answer, values, nulls);
}
