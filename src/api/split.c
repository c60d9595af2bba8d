/*
 * split.c
 *		usom.split_backorder() and usom.merge_backorder(): what waits of a
 *		line, cut into dated parts, and made one again.
 *
 * Only waiting units are cut: what is reserved is there already, and a date
 * would not keep it.  Price and total belong to the line, which keeps them.
 *
 * Locks: the order, then supply of the product, by key.
 *
 * Memory: SPI's context of the call.
 */
#include "postgres.h"

#include "api/peg.h"
#include "api/supply.h"
#include "api/waits.h"

#include "base/call.h"
#include "base/card_guard.h"
#include "base/errors.h"
#include "base/query.h"
#include "funcapi.h"
#include "order/answer.h"
#include "party/party.h"
#include "sourcing/backorder.h"
#include "stock/place.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(usom_split_backorder);
PG_FUNCTION_INFO_V1(usom_merge_backorder);

#define MOST_PARTS 1000

/* The parts of a schedule, and a key that nobody knows. */
static UsomQuery read_parts = {
	.text = "SELECT r.quantity, r.promised_at, (SELECT min(k.name) FROM jsonb_object_keys(e.item) AS k (name) "
	"WHERE k.name NOT IN ('quantity', 'promised_at')) "
	"FROM (SELECT e.ordinal, CASE jsonb_typeof(e.item) WHEN 'object' THEN e.item ELSE '{}' END AS item "
	"FROM jsonb_array_elements($1) WITH ORDINALITY AS e (item, ordinal)) AS e "
	"CROSS JOIN LATERAL jsonb_to_record(e.item) AS r (quantity numeric, promised_at timestamptz) ORDER BY e.ordinal",
	.nargs = 1,
	.argtypes = {"jsonb"},
};

static UsomQuery read_rate = {
	.text = "SELECT r.quantity, r.every, coalesce(r.\"from\", $2 + r.every), (SELECT min(k.name) FROM ("
	"SELECT o.name FROM jsonb_object_keys($1) AS o (name) WHERE o.name <> 'rate' UNION ALL "
	"SELECT k.name FROM jsonb_object_keys($1 -> 'rate') AS k (name) WHERE k.name NOT IN ('quantity', 'every', 'from')) AS k) "
	"FROM jsonb_to_record($1 -> 'rate') AS r (quantity numeric, every interval, \"from\" timestamptz)",
	.nargs = 2,
	.argtypes = {"jsonb", "timestamptz"},
};

static UsomQuery make_dates = {
	.text = "SELECT $1 + $2 * n FROM generate_series(0, $3 - 1) AS n ORDER BY n",
	.nargs = 3,
	.argtypes = {"timestamptz", "interval", "integer"},
};

static UsomQuery read_pieces = {
	.text = "SELECT f.piece_no, trim_scale(f.quantity), f.promised_at, s.supply_no FROM usom.fulfillment_line f "
	"LEFT JOIN usom.supply s ON s.org_id = f.org_id AND s.supply_id = f.supply_id "
	"WHERE f.org_id = $1 AND f.sales_order_id = $2 AND f.line_no = $3 AND f.status = 'backordered' "
	"ORDER BY f.promised_at NULLS LAST, f.piece_no",
	.nargs = 3,
	.argtypes = {"bigint", "bigint", "integer"},
};

static void
refuse_schedule(const char *message, const char *detail)
{
	ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			errmsg("%s", message),
			detail ? errdetail("%s", detail) : 0,
			errhint("A schedule is [{\"quantity\": 4000, \"promised_at\": \"2027-02-01\"}, ...] or "
					"{\"rate\": {\"quantity\": 4000, \"every\": \"1 month\", \"from\": \"2027-02-01\"}}."));
}

static TimestampTz
check_date(TimestampTz date, const char *path)
{
	if (TIMESTAMP_NOT_FINITE(date) || date < usom_call_time())
		refuse_schedule(psprintf("%s: the date is past, or none", path), NULL);
	return date;
}

/* ---- the line ---- */

static bool
waits(const UsomOrderSet *set, int piece, int line)
{
	return set->pieces[piece].line == line && set->pieces[piece].status == USOM_PIECE_BACKORDERED &&
		set->pieces[piece].quantity > 0;
}

/*
 * The waiting units of the line in one piece, which counts on nothing and has
 * no date; or only those that count on nothing.  -1 if there are none.
 */
static int
take_waiting(UsomOrderSet *set, int line, bool pegged_too)
{
	int			taken = -1;

	for (int i = 0; i < set->npieces; i++)
	{
		if (!waits(set, i, line) || (set->pieces[i].supply_id != 0 && !pegged_too))
			continue;
		usom_order_peg_piece(set, i, set->pieces[i].quantity, 0, USOM_NO_TIME);
		if (taken < 0)
			taken = i;
		else
			usom_order_join_pieces(set, taken, i);
	}
	return taken;
}

/* Cut the piece, and let each part count on what there is. */
static void
cut_piece(UsomOrderSet *set, int piece, const UsomDatedPart *parts, int nparts)
{
	for (int i = 0; i < nparts; i++)
	{
		bool		rest = parts[i].quantity < set->pieces[piece].quantity;

		usom_order_peg_piece(set, piece, parts[i].quantity, 0, parts[i].due_at);
		if (rest)
			piece = set->npieces - 1;
	}
}

static int
find_line(UsomOrderSet *set, int32 line_no, const char *verb)
{
	int			line;

	if (!usom_order_is_running(set->orders[0].status))
		usom_order_refuse(set->orders[0].order_no, verb, set->orders[0].status);
	usom_order_check_holds(set, 0, "change");
	line = usom_order_find_line(set, 0, line_no);
	if (set->lines[line].counters.by_state[USOM_PIECE_BACKORDERED] == 0)
		ereport(ERROR, errcode(USOM_ERR(NOTHING_TO_DO)),
				errmsg("nothing of line %d of order \"%s\" waits", line_no, set->orders[0].order_no),
				errdetail("What is reserved is there already; %s units are.",
						  usom_quantity_text(set->lines[line].counters.by_state[USOM_PIECE_RESERVED])),
				errhint("Look at usom.order_pieces."));
	return line;
}

/* ---- schedules ---- */

static UsomDatedPart *
read_schedule(Jsonb *schedule, int *nparts)
{
	Datum		values[] = {JsonbPGetDatum(schedule)};
	UsomDatedPart *parts;

	*nparts = (int) usom_query_run(&read_parts, values, NULL);
	if (*nparts == 0 || *nparts > MOST_PARTS)
		refuse_schedule(psprintf("a schedule has 1 to %d parts", MOST_PARTS), psprintf("It has %d.", *nparts));
	parts = palloc_array(UsomDatedPart, *nparts);
	for (int i = 0; i < *nparts; i++)
	{
		char	   *unknown = usom_query_get_text(i, 3);
		bool		no_quantity;
		bool		no_date;
		Datum		quantity = usom_query_get_or_null(i, 1, &no_quantity);
		Datum		date = usom_query_get_or_null(i, 2, &no_date);

		if (unknown != NULL || no_quantity || no_date)
			refuse_schedule(psprintf("schedule[%d]: %s key \"%s\"", i, unknown ? "unknown" : "missing",
									 unknown ? unknown : no_quantity ? "quantity" : "promised_at"), NULL);
		parts[i].quantity = usom_stock_positive(usom_quantity_of(DatumGetNumeric(quantity)), psprintf("schedule[%d].quantity", i));
		parts[i].due_at = check_date(DatumGetTimestampTz(date), psprintf("schedule[%d].promised_at", i));
	}
	return parts;
}

static void
split_by_schedule(UsomOrderSet *set, int line, Jsonb *schedule)
{
	UsomQuantity units = set->lines[line].counters.by_state[USOM_PIECE_BACKORDERED];
	int			nwanted;
	int			nparts;
	UsomDatedPart *wanted = read_schedule(schedule, &nwanted);
	UsomDatedPart *parts = usom_sourcing_cut_by_schedule(units, wanted, nwanted, &nparts);

	if (parts == NULL)
		refuse_schedule("the schedule has more units than wait", psprintf("%s wait.", usom_quantity_text(units)));
	cut_piece(set, take_waiting(set, line, true), parts, nparts);
}

/* Dates from the first on, one for each part. */
static TimestampTz *
dates_of_rate(TimestampTz from, Datum every, int64 ndates)
{
	TimestampTz *dates;

	if (ndates > MOST_PARTS)
		refuse_schedule(psprintf("the rate makes more than %d parts", MOST_PARTS), NULL);
	usom_query_run(&make_dates, (Datum[]) {TimestampTzGetDatum(from), every, Int32GetDatum((int32) Max(ndates, 2))}, NULL);
	dates = palloc_array(TimestampTz, Max(ndates, 2));
	for (int i = 0; i < Max(ndates, 2); i++)
		dates[i] = DatumGetTimestampTz(usom_query_get(i, 1));
	if (dates[1] <= dates[0])
		refuse_schedule("rate.every must be a time that passes", NULL);
	return dates;
}

static void
split_by_rate(UsomOrderSet *set, int line, Jsonb *schedule)
{
	Datum		values[] = {JsonbPGetDatum(schedule), TimestampTzGetDatum(usom_call_time())};
	int			piece = take_waiting(set, line, false);
	bool		nulls[3];
	Datum		read[3];
	UsomQuantity rate;
	int64		ndates;
	TimestampTz *dates;
	char	   *unknown;

	if (usom_query_run(&read_rate, values, NULL) != 1)
		refuse_schedule("the schedule is neither an array nor a rate", NULL);
	unknown = usom_query_get_text(0, 4);
	for (int i = 0; i < 3; i++)
		read[i] = usom_query_get_or_null(0, i + 1, &nulls[i]);
	if (unknown != NULL || nulls[0] || nulls[1])
		refuse_schedule(psprintf("rate: %s key \"%s\"", unknown ? "unknown" : "missing",
								 unknown ? unknown : nulls[0] ? "quantity" : "every"), NULL);
	rate = usom_stock_positive(usom_quantity_of(DatumGetNumeric(read[0])), "rate.quantity");
	if (piece < 0)
		return;
	ndates = usom_sourcing_count_parts(set->pieces[piece].quantity, rate);
	dates = dates_of_rate(check_date(DatumGetTimestampTz(read[2]), "rate.from"), read[1], ndates);
	cut_piece(set, piece, usom_sourcing_cut_by_rate(set->pieces[piece].quantity, rate, dates, (int) ndates), (int) ndates);
}

static void
check_may_be_cut(const UsomOrderSet *set, int line)
{
	bool		kit = usom_line_is_component(&set->lines[line]);

	if (set->lines[line].partial && !kit)
		return;
	ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			errmsg("line %d of order \"%s\" is not cut into parts", set->lines[line].line_no, set->orders[0].order_no),
			errdetail(kit ? "It is a component of a kit." : "The customer takes it whole or not at all (partial is false)."),
			errhint("Where the customer agrees to parts, order them as lines: usom.change_order()."));
}

/* ---- the verbs ---- */

static void
return_pieces(FunctionCallInfo fcinfo, const UsomOrderSet *set, int line)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	uint64		n = usom_query_run(&read_pieces, (Datum[]) {Int64GetDatum(set->org_id),
								   Int64GetDatum(set->orders[0].sales_order_id), Int32GetDatum(set->lines[line].line_no)}, NULL);

	for (uint64 row = 0; row < n; row++)
	{
		Datum		values[4];
		bool		nulls[4];

		for (int i = 0; i < 4; i++)
			values[i] = usom_query_get_or_null(row, i + 1, &nulls[i]);
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
}

static void
finish(FunctionCallInfo fcinfo, UsomOrderSet *set, int line, const UsomWait *before, const char *event)
{
	usom_api_peg(set, set->lines[line].product_id);
	usom_api_tell_waits(set, before);
	set->orders[0].event_line = set->lines[line].line_no;
	usom_order_settle(set, 0, event);
	usom_order_save(set);
	return_pieces(fcinfo, set, line);
	usom_call_end();
}

/* usom.split_backorder(order_no, line_no, schedule) */
Datum
usom_split_backorder(PG_FUNCTION_ARGS)
{
	UsomOrderSet *set;
	UsomWait   *before;
	Jsonb	   *schedule = PG_ARGISNULL(2) ? NULL : PG_GETARG_JSONB_P(2);
	int			line;

	usom_card_check_call(fcinfo);
	InitMaterializedSRF(fcinfo, 0);
	usom_call_begin("split_backorder", NULL);
	usom_order_arg_required(fcinfo, 1, "line_no");
	set = usom_order_load(usom_party_org(), usom_order_arg_text(fcinfo, 0, "order_no"));
	line = find_line(set, PG_GETARG_INT32(1), "split");
	check_may_be_cut(set, line);
	before = usom_api_look_at_waits(set);
	if (schedule == NULL)
		take_waiting(set, line, true);
	else if (JB_ROOT_IS_ARRAY(schedule) && !JB_ROOT_IS_SCALAR(schedule))
		split_by_schedule(set, line, schedule);
	else if (JB_ROOT_IS_OBJECT(schedule))
		split_by_rate(set, line, schedule);
	else
		refuse_schedule("the schedule is neither an array nor a rate", NULL);
	finish(fcinfo, set, line, before, "split");
	return (Datum) 0;
}

/* usom.merge_backorder(order_no, line_no) */
Datum
usom_merge_backorder(PG_FUNCTION_ARGS)
{
	UsomOrderSet *set;
	UsomWait   *before;
	int			line;

	usom_card_check_call(fcinfo);
	InitMaterializedSRF(fcinfo, 0);
	usom_call_begin("merge_backorder", NULL);
	usom_order_arg_required(fcinfo, 1, "line_no");
	set = usom_order_load(usom_party_org(), usom_order_arg_text(fcinfo, 0, "order_no"));
	line = find_line(set, PG_GETARG_INT32(1), "merge");
	before = usom_api_look_at_waits(set);
	take_waiting(set, line, true);
	finish(fcinfo, set, line, before, "merge");
	return (Datum) 0;
}
