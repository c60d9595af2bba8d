/*
 * authorize.c
 *		Leave to return: which units of an order may come back.
 *
 * A unit may be authorised once it has been shipped, and only once: what
 * earlier returns still expect is subtracted.
 *
 * Locks: the order; returns are changed under it alone.
 */
#include "postgres.h"

#include "returns/returns.h"

#include "base/call.h"
#include "base/errors.h"
#include "base/ident.h"
#include "base/query.h"
#include "order/answer.h"
#include "order/line_list.h"
#include "party/party.h"
#include "utils/builtins.h"

#define RETURN_STATE(number, name, label) [number] = label,
static const char *const return_labels[] = {
#include "returns/lifecycle.def"
};

#define RETURN_EDGE(from, to, verb, commanded) {USOM_RETURN_##from, USOM_RETURN_##to, verb, commanded},
static const UsomEdge return_edges[] = {
#include "returns/lifecycle.def"
};

const UsomLifecycle usom_return_lifecycle_table = {
	.entity = "return",
	.type_name = "return_status",
	.nstates = USOM_RETURN_STATES,
	.labels = return_labels,
	.nedges = lengthof(return_edges),
	.edges = return_edges,
};

USOM_STATE_TYPE(return_status, usom_return_lifecycle_table)

PG_FUNCTION_INFO_V1(usom_authorize_return);

static UsomQuery read_expected = {
	.text = "SELECT t.line_no, sum(t.quantity - t.quantity_received) FROM usom.return_order r "
	"JOIN usom.return_line t ON t.org_id = r.org_id AND t.return_order_id = r.return_order_id "
	"WHERE r.org_id = $1 AND r.sales_order_id = $2 AND r.status <> 'received' GROUP BY t.line_no",
	.nargs = 2,
	.argtypes = {"bigint", "bigint"},
};

static UsomQuery insert_return = {
	.text = "INSERT INTO usom.return_order (org_id, return_order_id, return_no, sales_order_id, status, reason) "
	"VALUES ($1, $2, $3, $4, 'authorized', $5)",
	.nargs = 5,
	.argtypes = {"bigint", "bigint", "text", "bigint", "text"},
};

static UsomQuery insert_lines = {
	.text = "INSERT INTO usom.return_line (org_id, return_order_id, line_no, quantity) "
	"SELECT $1, r.return_order_id, r.line_no, r.quantity FROM unnest($2) AS r",
	.nargs = 2,
	.argtypes = {"bigint", "usom._return_row[]"},
};

void
usom_returns_init(void)
{
	usom_lifecycle_register(&usom_return_lifecycle_table);
}

/* Units that earlier returns still expect, by line of the set. */
static UsomQuantity *
expected_units(const UsomOrderSet *set)
{
	UsomQuantity *expected = palloc0_array(UsomQuantity, set->nlines + 1);
	Datum		values[2] = {Int64GetDatum(set->org_id), Int64GetDatum(set->orders[0].sales_order_id)};
	uint64		n = usom_query_run(&read_expected, values, NULL);

	for (uint64 row = 0; row < n; row++)
		expected[usom_order_find_line(set, 0, DatumGetInt32(usom_query_get(row, 1)))] =
			usom_quantity_of(DatumGetNumeric(usom_query_get(row, 2)));
	return expected;
}

static void
check_units(const UsomOrderSet *set, const UsomLineUnits *units, const UsomQuantity *expected)
{
	const UsomLine *line = &set->lines[units->line];
	UsomQuantity out = line->counters.by_state[USOM_PIECE_SHIPPED] + line->counters.by_state[USOM_PIECE_DELIVERED];

	if (units->quantity > out - expected[units->line])
		ereport(ERROR, errcode(USOM_ERR(OVER_RETURNED)),
				errmsg("cannot authorize the return of %s of line %d of order \"%s\"",
					   usom_quantity_text(units->quantity), line->line_no, set->orders[0].order_no),
				errdetail("%s are with the customer, %s of them are expected back already.", usom_quantity_text(out),
						  usom_quantity_text(expected[units->line])),
				errhint("Ask for %s at most.", usom_quantity_text(out - expected[units->line])));
}

static void
write_return(const UsomOrderSet *set, int64 id, const char *return_no, const UsomLineUnits *units, int count,
			 const char *reason)
{
	UsomRows   *rows = usom_rows_make("_return_row", count);
	Datum		header[5] = {
		Int64GetDatum(set->org_id), Int64GetDatum(id), CStringGetTextDatum(return_no),
		Int64GetDatum(set->orders[0].sales_order_id), reason ? CStringGetTextDatum(reason) : (Datum) 0
	};
	bool		header_nulls[5] = {false, false, false, false, reason == NULL};
	Datum		values[2] = {Int64GetDatum(set->org_id)};

	for (int i = 0; i < count; i++)
	{
		Datum		row[3] = {
			Int64GetDatum(id), Int32GetDatum(set->lines[units[i].line].line_no),
			NumericGetDatum(usom_quantity_stored(units[i].quantity))
		};
		bool		nulls[3] = {false, false, false};

		usom_rows_add(rows, row, nulls);
	}
	usom_query_write(&insert_return, header, header_nulls);
	values[1] = usom_rows_datum(rows);
	usom_query_write(&insert_lines, values, NULL);
}

Datum
usom_authorize_return(PG_FUNCTION_ARGS)
{
	UsomAnswer *answer = usom_order_answer_begin(fcinfo, "authorize_return", 2);
	UsomOrderSet *set = usom_order_load(usom_party_org(), usom_order_arg_text(fcinfo, 0, "order_no"));
	char	   *return_no;
	UsomQuantity *expected;
	UsomLineUnits *units;
	int			count;

	usom_order_arg_required(fcinfo, 1, "lines");
	units = usom_order_read_line_list(set, PG_GETARG_JSONB_P(1), &count);
	expected = expected_units(set);
	for (int i = 0; i < count; i++)
		check_units(set, &units[i], expected);
	return_no = usom_ident_document_no(set->org_id, "return");
	write_return(set, usom_ident_next(), return_no, units, count, usom_call_reason());
	set->orders[0].event = "authorize_return";
	set->orders[0].event_reference = return_no;
	set->orders[0].changed = true;
	usom_order_save(set);
	return usom_order_answer_string(answer, return_no);
}
