/*
 * approval_content.c
 *		What is agreed about an order: its digest, and the facts that rules look at.
 *
 *		Read from what is written, so that who asks, who decides and who
 *		verifies digest the same.  The digest has the form of audit/digest.h,
 *		kind 'O'.  What is done about the order is no part of it: pieces,
 *		cancelled units, priority, dates, holds.
 *
 * Memory: CurrentMemoryContext.  No locks: whoever decides has the orders.
 */
#include "postgres.h"

#include "order/approval.h"

#include "audit/digest.h"
#include "base/call.h"
#include "base/query.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "party/party.h"
#include "utils/array.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(usom__order_content);

/* Row by line; the price before an override holds as long as the line has its price and product. */
static UsomQuery read_content = {
	.text = "SELECT o.sales_order_id, o.order_type, o.channel_id, o.customer_id, o.address_id, o.currency, o.coupons, o.total, "
	"c.code, u.code, u.segment, (SELECT r.score FROM usom.order_risk AS r WHERE r.org_id = o.org_id "
	"AND r.sales_order_id = o.sales_order_id ORDER BY r.order_risk_id DESC LIMIT 1), "
	"l.line_no, l.product_id, l.quantity, l.unit_price, l.discount, l.freight, l.tax, l.tax_included, p.category, "
	"v.price_before, v.queue, v.beyond "
	"FROM usom.sales_order AS o "
	"JOIN usom.order_line AS l ON l.org_id = o.org_id AND l.sales_order_id = o.sales_order_id "
	"LEFT JOIN usom.product AS p ON p.org_id = l.org_id AND p.product_id = l.product_id "
	"LEFT JOIN usom.channel AS c ON c.org_id = o.org_id AND c.channel_id = o.channel_id "
	"LEFT JOIN usom.customer AS u ON u.org_id = o.org_id AND u.customer_id = o.customer_id "
	"LEFT JOIN usom.price_override AS v ON v.org_id = l.org_id AND v.sales_order_id = l.sales_order_id AND v.line_no = l.line_no "
	"AND v.ended_at IS NULL AND v.product_id = l.product_id AND v.unit_price = l.unit_price "
	"WHERE o.org_id = $1 AND o.sales_order_id = ANY ($2) ORDER BY o.sales_order_id, l.line_no",
	.nargs = 2,
	.argtypes = {"bigint", "bigint[]"},
};

typedef enum ContentColumn
{
	ORDER_ID = 1, ORDER_TYPE, CHANNEL_ID, CUSTOMER_ID, ADDRESS_ID, CURRENCY, COUPONS, TOTAL, CHANNEL, CUSTOMER, SEGMENT,
	RISK, LINE_NO, PRODUCT_ID, QUANTITY, UNIT_PRICE, DISCOUNT, FREIGHT, TAX, TAX_INCLUDED, CATEGORY, PRICE_BEFORE,
	QUEUE, BEYOND
} ContentColumn;

static Numeric
get_numeric(uint64 row, ContentColumn column)
{
	return DatumGetNumericCopy(usom_query_get(row, column));
}

static void
put_key(UsomDigester *digester, uint64 row, ContentColumn column)
{
	bool		isnull;
	Datum		value = usom_query_get_or_null(row, column, &isnull);

	if (isnull)
		usom_digest_null(digester);
	else
		usom_digest_int(digester, DatumGetInt64(value));
}

static void
put_number(UsomDigester *digester, uint64 row, ContentColumn column)
{
	Datum		trimmed = DirectFunctionCall1(numeric_trim_scale, usom_query_get(row, column));

	usom_digest_text(digester, DatumGetCString(DirectFunctionCall1(numeric_out, trimmed)));
}

static void
put_coupons(UsomDigester *digester, uint64 row)
{
	bool		isnull;
	Datum		coupons = usom_query_get_or_null(row, COUPONS, &isnull);
	Datum	   *codes;
	bool	   *nulls;
	int			ncodes = 0;

	if (!isnull)
		deconstruct_array_builtin(DatumGetArrayTypeP(coupons), TEXTOID, &codes, &nulls, &ncodes);
	usom_digest_int(digester, ncodes);
	for (int i = 0; i < ncodes; i++)
		usom_digest_text(digester, nulls[i] ? NULL : TextDatumGetCString(codes[i]));
}

static void
put_header(UsomDigester *digester, uint64 row)
{
	usom_digest_begin(digester, 'O');
	put_key(digester, row, ORDER_ID);
	usom_digest_text(digester, usom_query_get_text(row, ORDER_TYPE));
	put_key(digester, row, CHANNEL_ID);
	put_key(digester, row, CUSTOMER_ID);
	put_key(digester, row, ADDRESS_ID);
	usom_digest_text(digester, usom_query_get_text(row, CURRENCY));
	put_coupons(digester, row);
}

static void
put_line(UsomDigester *digester, uint64 row)
{
	usom_digest_int(digester, DatumGetInt32(usom_query_get(row, LINE_NO)));
	put_key(digester, row, PRODUCT_ID);
	put_number(digester, row, QUANTITY);
	put_number(digester, row, UNIT_PRICE);
	put_number(digester, row, DISCOUNT);
	put_number(digester, row, FREIGHT);
	put_number(digester, row, TAX);
	usom_digest_int(digester, DatumGetBool(usom_query_get(row, TAX_INCLUDED)));
}

static void
take_header(UsomContent *content, uint64 row, int nrows)
{
	bool		isnull;
	Datum		risk = usom_query_get_or_null(row, RISK, &isnull);

	*content = (UsomContent) {.sales_order_id = DatumGetInt64(usom_query_get(row, ORDER_ID))};
	content->facts = (UsomApprovalFacts) {
		.total = get_numeric(row, TOTAL),
		.currency = usom_query_get_text(row, CURRENCY),
		.risk = isnull ? USOM_NO_RISK : DatumGetInt32(risk),
		.customer = usom_query_get_text(row, CUSTOMER),
		.segment = usom_query_get_text(row, SEGMENT),
		.channel = usom_query_get_text(row, CHANNEL),
		.categories = palloc_array(const char *, nrows),
	};
	usom_order_type_find(usom_query_get_text(row, ORDER_TYPE), &content->facts.order_type);
}

static void
take_excess(UsomApprovalFacts *facts, uint64 row)
{
	UsomApprovalExcess *excess = palloc_object(UsomApprovalExcess);

	*excess = (UsomApprovalExcess) {
		.line_no = DatumGetInt32(usom_query_get(row, LINE_NO)),
		.unit_price = get_numeric(row, UNIT_PRICE),
		.price_before = get_numeric(row, PRICE_BEFORE),
		.queue = usom_query_get_text(row, QUEUE),
		.beyond = usom_query_get_text(row, BEYOND),
	};
	facts->excesses = lappend(facts->excesses, excess);
}

static void
take_line(UsomContent *content, uint64 row)
{
	bool		no_override;
	bool		no_queue;

	usom_query_get_or_null(row, PRICE_BEFORE, &no_override);
	usom_query_get_or_null(row, QUEUE, &no_queue);
	usom_approval_add_line(&content->facts, get_numeric(row, UNIT_PRICE),
						   get_numeric(row, no_override ? UNIT_PRICE : PRICE_BEFORE), get_numeric(row, DISCOUNT),
						   usom_quantity_of(DatumGetNumeric(usom_query_get(row, QUANTITY))),
						   usom_query_get_text(row, CATEGORY));
	if (!no_queue)
		take_excess(&content->facts, row);
}

/* Rows from first on that are of the same order. */
static int
count_lines(int first, int nrows)
{
	int64		order_id = DatumGetInt64(usom_query_get(first, ORDER_ID));
	int			count = 1;

	while (first + count < nrows && DatumGetInt64(usom_query_get(first + count, ORDER_ID)) == order_id)
		count++;
	return count;
}

int
usom_approval_read_content(int64 org_id, const int64 *ids, int nids, UsomContent **contents)
{
	Datum		values[2] = {Int64GetDatum(org_id), usom_query_keys(ids, nids)};
	int			nrows = (int) usom_query_run(&read_content, values, NULL);
	int			count = 0;
	UsomDigester digester;

	*contents = palloc_array(UsomContent, Max(nids, 1));
	usom_digest_open(&digester);
	for (int first = 0, nlines; first < nrows; first += nlines)
	{
		UsomContent *content = &(*contents)[count++];

		CHECK_FOR_INTERRUPTS();
		nlines = count_lines(first, nrows);
		take_header(content, first, nlines);
		put_header(&digester, first);
		usom_digest_int(&digester, nlines);
		for (int row = first; row < first + nlines; row++)
		{
			put_line(&digester, row);
			take_line(content, row);
		}
		usom_digest_finish(&digester, &content->digest);
	}
	usom_digest_close(&digester);
	return count;
}

/* usom._order_content(sales_order_id) */
Datum
usom__order_content(PG_FUNCTION_ARGS)
{
	MemoryContext caller = CurrentMemoryContext;
	int64		id = PG_GETARG_INT64(0);
	UsomContent *contents;
	UsomDigest	digest;
	int			count;

	SPI_connect();
	count = usom_approval_read_content(usom_party_org(), &id, 1, &contents);
	if (count > 0)
		digest = contents[0].digest;
	SPI_finish();
	MemoryContextSwitchTo(caller);
	if (count == 0)
		PG_RETURN_NULL();
	PG_RETURN_BYTEA_P(usom_sha256_bytea(&digest));
}
