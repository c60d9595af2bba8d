/*
 * renegotiate.c
 *		What is made or bought for a line follows the line: whoever supplies it
 *		is told when the customer wants more or less.
 *
 *		Cases, for the desk that talks to the supplier: supply_wanted, while
 *		units of a line that waits for its own supply count on none;
 *		supply_excess, for a supply of the line that brings more than the line
 *		wants any more, with an event of the same name.
 *
 * Locks: none; pegs are written, so the rows of supply that count are locked
 * by those who change them.  Memory: CurrentMemoryContext.
 */
#include "postgres.h"

#include "order/news.h"

#include "base/payload.h"
#include "base/query.h"
#include "utils/timestamp.h"

static UsomQuery read_excess = {
	.text = "SELECT r.ordinal::pg_catalog.int4, s.supply_no, (s.quantity - s.received)::pg_catalog.numeric, s.pegged::pg_catalog.numeric, s.expected_at "
	"FROM unnest($2, $3) WITH ORDINALITY AS r (sales_order_id, line_no, ordinal) JOIN usom.supply AS s "
	"ON s.org_id = $1 AND s.sales_order_id = r.sales_order_id AND s.line_no = r.line_no "
	"WHERE s.status = 'expected' AND s.quantity > s.received + s.pegged ORDER BY r.ordinal, s.supply_id",
	.nargs = 3,
	.argtypes = {"bigint", "bigint[]", "bigint[]"},
};

/* Units that wait and count on no supply. */
static UsomQuantity
unpegged_units(const UsomOrderSet *set, int line)
{
	UsomQuantity units = 0;

	for (int i = 0; i < set->npieces; i++)
		if (set->pieces[i].line == line && set->pieces[i].status == USOM_PIECE_BACKORDERED && set->pieces[i].supply_id == 0)
			units += set->pieces[i].quantity;
	return units;
}

static void
ask_for_supply(UsomOrderSet *set, int index)
{
	const UsomLine *line = &set->lines[index];
	UsomQuantity units = unpegged_units(set, index);

	if (units > 0)
		usom_order_raise(set, line->order, line->line_no, "supply_wanted", NULL,
						 psprintf("%s units of line %d are to be made or bought", usom_quantity_text(units), line->line_no),
						 NULL, line->requested_at != USOM_NO_TIME ? line->requested_at : set->orders[line->order].requested_at);
	else if (!line->is_new)
		usom_order_settle_case(set, line->order, line->line_no, "supply_wanted");
}

static void
tell_excess(UsomOrderSet *set, int index, uint64 row)
{
	const UsomLine *line = &set->lines[index];
	const char *supply_no = usom_query_get_text(row, 2);
	UsomQuantity coming = usom_quantity_of(DatumGetNumeric(usom_query_get(row, 3)));
	UsomQuantity wanted = usom_quantity_of(DatumGetNumeric(usom_query_get(row, 4)));
	UsomPayload payload = usom_payload_begin();

	usom_payload_integer(&payload, "line_no", line->line_no);
	usom_payload_text(&payload, "supply_no", supply_no);
	usom_payload_quantity(&payload, "coming", coming);
	usom_payload_quantity(&payload, "wanted", wanted);
	usom_order_tell(set, line->order, "supply_excess", usom_payload_end(&payload));
	usom_order_raise(set, line->order, line->line_no, "supply_excess", supply_no,
					 psprintf("supply \"%s\" brings %s units, of which line %d wants %s", supply_no, usom_quantity_text(coming),
							  line->line_no, usom_quantity_text(wanted)),
					 NULL, DatumGetTimestampTz(usom_query_get(row, 5)));
}

/* Lines that none of their supply brings too much for have no such case any more. */
static void
look_for_excess(UsomOrderSet *set, const int *lines, int nlines)
{
	int64	   *orders = palloc_array(int64, nlines);
	int64	   *numbers = palloc_array(int64, nlines);
	bool	   *excess = palloc0_array(bool, nlines);
	Datum		values[3];
	uint64		n;

	for (int i = 0; i < nlines; i++)
	{
		orders[i] = set->orders[set->lines[lines[i]].order].sales_order_id;
		numbers[i] = set->lines[lines[i]].line_no;
	}
	values[0] = Int64GetDatum(set->org_id);
	values[1] = usom_query_keys(orders, nlines);
	values[2] = usom_query_keys(numbers, nlines);
	n = usom_query_run(&read_excess, values, NULL);
	for (uint64 row = 0; row < n; row++)
	{
		int			i = DatumGetInt32(usom_query_get(row, 1)) - 1;

		excess[i] = true;
		if (usom_order_live(&set->lines[lines[i]]) < set->lines[lines[i]].alive)
			tell_excess(set, lines[i], row);
	}
	for (int i = 0; i < nlines; i++)
		if (!excess[i] && !set->lines[lines[i]].is_new)
			usom_order_settle_case(set, set->lines[lines[i]].order, set->lines[lines[i]].line_no, "supply_excess");
}

static bool
is_touched(const UsomOrderSet *set, int line)
{
	bool		touched = set->lines[line].changed || set->lines[line].is_new;

	for (int i = 0; i < set->npieces && !touched; i++)
		touched = set->pieces[i].line == line && (set->pieces[i].changed || set->pieces[i].is_new);
	return touched;
}

void
usom_order_renegotiate(UsomOrderSet *set)
{
	int		   *lines = NULL;
	int			nlines = 0;

	for (int i = 0; i < set->nlines; i++)
	{
		const UsomLine *line = &set->lines[i];
		bool		made = usom_order_is_made_for(set, i) && line->stocked;

		if (likely(!made && usom_order_live(line) >= line->alive))
			continue;
		if (line->removed || !is_touched(set, i))
			continue;
		if (made)
			ask_for_supply(set, i);
		if (lines == NULL)
			lines = palloc_array(int, set->nlines - i);
		lines[nlines++] = i;
	}
	if (nlines > 0 && usom_supply_is_any(set->org_id))
		look_for_excess(set, lines, nlines);
}
