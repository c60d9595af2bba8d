/*
 * invoice.c
 *		What is to be invoiced is told by events, where a channel asks for it:
 *		when units leave, or when they arrive.
 *
 * The amount of an event is what the units of a line cost after the call, less
 * what they cost before it: so the amounts of all events of a line add up to
 * what its units cost, to the last minor unit, whatever the parts.  A line
 * that is a kit is told with its price, its components cost nothing.
 *
 * Locks: the order.  Memory: CurrentMemoryContext.
 */
#include "postgres.h"

#include "fulfillment/parcel.h"

#include "base/memo.h"
#include "base/query.h"
#include "order/news.h"
#include "utils/jsonb.h"

static UsomQuery read_channels = {
	.text = "SELECT c.channel_id, c.invoice_on = 'ship' FROM usom.channel AS c WHERE c.org_id = $1 AND c.invoice_on <> 'never'",
	.nargs = 1,
	.argtypes = {"bigint"},
};

typedef struct Channels
{
	int			count;
	int64	   *ids;
	bool	   *ship;
} Channels;

static const void *
read_all(int64 org_id)
{
	Channels   *channels = palloc_object(Channels);
	Datum		values[] = {Int64GetDatum(org_id)};

	channels->count = (int) usom_memo_look(&read_channels, values);
	channels->ids = palloc_array(int64, channels->count + 1);
	channels->ship = palloc_array(bool, channels->count + 1);
	for (int i = 0; i < channels->count; i++)
	{
		channels->ids[i] = DatumGetInt64(usom_query_get(i, 1));
		channels->ship[i] = DatumGetBool(usom_query_get(i, 2));
	}
	SPI_freetuptable(SPI_tuptable);
	return channels;
}

static UsomMemo memo = {
	.name = "usom channels that invoice",
	.tables = {"channel"},
	.read = read_all,
};

UsomInvoiceOn
usom_invoice_on(int64 org_id, int64 channel_id)
{
	const Channels *channels = usom_memo_get(&memo, org_id);

	for (int i = 0; i < channels->count; i++)
		if (channels->ids[i] == channel_id)
			return channels->ship[i] ? USOM_INVOICE_SHIP : USOM_INVOICE_DELIVER;
	return USOM_INVOICE_NEVER;
}

static UsomQuantity
units_at(const UsomLine *line, UsomInvoiceOn point)
{
	UsomQuantity left = usom_order_units_left(line);

	return point == USOM_INVOICE_SHIP ? left : left - line->counters.by_state[USOM_PIECE_SHIPPED];
}

UsomMoney *
usom_invoice_begin(UsomOrderSet *set, int order, UsomInvoiceOn point)
{
	UsomMoney  *before;

	if (likely(usom_invoice_on(set->org_id, set->orders[order].channel_id) != point))
		return NULL;
	before = palloc_array(UsomMoney, set->nlines + 1);
	usom_order_mirror_kits(set, order);
	for (int i = 0; i < set->nlines; i++)
		before[i] = usom_order_units_value(&set->lines[i], units_at(&set->lines[i], point));
	return before;
}

static void
push_number(JsonbParseState **state, const char *key, Numeric value)
{
	JsonbValue	item = {.type = jbvString};

	item.val.string.val = unconstify(char *, key);
	item.val.string.len = strlen(key);
	pushJsonbValue(state, WJB_KEY, &item);
	item.type = jbvNumeric;
	item.val.numeric = value;
	pushJsonbValue(state, WJB_VALUE, &item);
}

static void
push_text(JsonbParseState **state, const char *key, const char *value)
{
	JsonbValue	item = {.type = jbvString};

	item.val.string.val = unconstify(char *, key);
	item.val.string.len = strlen(key);
	pushJsonbValue(state, WJB_KEY, &item);
	item.val.string.val = unconstify(char *, value);
	item.val.string.len = strlen(value);
	pushJsonbValue(state, WJB_VALUE, &item);
}

/* Lines whose value has changed; their sum. */
static UsomMoney
push_lines(JsonbParseState **state, const UsomOrderSet *set, int order, UsomInvoiceOn point, const UsomMoney *before)
{
	JsonbValue	key = {.type = jbvString};
	UsomMoney	sum = 0;

	key.val.string.val = "lines";
	key.val.string.len = strlen("lines");
	pushJsonbValue(state, WJB_KEY, &key);
	pushJsonbValue(state, WJB_BEGIN_ARRAY, NULL);
	for (int i = usom_order_first_line(set, order); i < set->nlines && set->lines[i].order == order; i++)
	{
		const UsomLine *line = &set->lines[i];
		UsomMoney	more = usom_order_units_value(line, units_at(line, point)) - before[i];

		if (more == 0)
			continue;
		pushJsonbValue(state, WJB_BEGIN_OBJECT, NULL);
		push_number(state, "line_no", int64_to_numeric(line->line_no));
		push_number(state, "amount", usom_money_numeric(Abs(more), USOM_AMOUNT_DECIMALS));
		pushJsonbValue(state, WJB_END_OBJECT, NULL);
		sum += more;
	}
	pushJsonbValue(state, WJB_END_ARRAY, NULL);
	return sum;
}

void
usom_invoice_end(UsomOrderSet *set, int order, UsomInvoiceOn point, const UsomMoney *before, const char *reference)
{
	JsonbParseState *state = NULL;
	UsomMoney	sum;

	if (likely(before == NULL))
		return;
	usom_order_mirror_kits(set, order);
	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	push_text(&state, "order_no", set->orders[order].order_no);
	push_text(&state, "shipment_no", reference);
	push_text(&state, "currency", set->orders[order].currency);
	sum = push_lines(&state, set, order, point, before);
	push_number(&state, "amount", usom_money_numeric(Abs(sum), USOM_AMOUNT_DECIMALS));
	if (sum != 0)
		usom_order_tell(set, order, sum > 0 ? "invoice_wanted" : "invoice_void",
						JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL)));
}

void
usom_invoice_init(void)
{
	usom_memo_register(&memo);
}
