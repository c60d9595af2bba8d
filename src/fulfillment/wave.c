/*
 * wave.c
 *		usom.plan_wave(): what is released at a location becomes work for pickers.
 *
 * Two statements, however much there is: tasks that other places still have of
 * pieces that lie here now end; then the pieces that no task is about are
 * taken in the order of their orders, as far as the rule allows, and put in
 * the sequence in which one walks.  Orders are taken whole.
 *
 * Locks: none on orders.  A piece that leaves meanwhile makes its task void,
 * which shows when it is claimed.  Of two waves that are planned at once for
 * one place, the second gets what the first has not, by pick_task_once.
 *
 * Memory: the call's.
 */
#include "postgres.h"

#include "base/call.h"
#include "base/errors.h"
#include "base/ident.h"
#include "base/query.h"
#include "order/answer.h"
#include "party/party.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(usom_plan_wave);

/* The place, the rule (0: none is named), and when the wave leaves: at the next cut-off at the clock of the place. */
static UsomQuery find_rule = {
	.text = "SELECT l.location_id, coalesce(r.wave_rule_id, 0), (c.day + r.cut_off + CASE WHEN c.day + r.cut_off > c.local "
	"THEN interval '0 days' ELSE interval '1 day' END) AT TIME ZONE l.time_zone, coalesce(r.active, true), "
	"(c.day + CASE WHEN c.day + r.cut_off > c.local THEN interval '0 days' ELSE interval '1 day' END)::date "
	"FROM usom.location AS l CROSS JOIN LATERAL (SELECT $4 AT TIME ZONE l.time_zone AS local, "
	"date_trunc('day', $4 AT TIME ZONE l.time_zone) AS day) AS c "
	"LEFT JOIN usom.wave_rule AS r ON r.org_id = $1 AND r.code = $3 "
	"WHERE l.org_id = $1 AND l.location_id = usom.location_id($2)",
	.nargs = 4,
	.argtypes = {"bigint", "text", "text", "timestamptz"},
};

static UsomQuery end_moved = {
	.text = "UPDATE usom.pick_task AS t SET status = CASE WHEN t.quantity_picked > 0 THEN 'picked' ELSE 'void' END, "
	"claimed_by = NULL, claimed_until = NULL, ended_at = $3 FROM usom.sales_order AS o "
	"JOIN usom.fulfillment_line AS f ON f.org_id = $1 AND f.sales_order_id = o.sales_order_id AND f.status = 'released' AND f.location_id = $2 "
	"WHERE o.org_id = $1 AND usom._status_text(o.status) = ANY ('{processing,partially_shipped}') AND t.org_id = $1 AND t.order_id = f.sales_order_id AND t.line_no = f.line_no "
	"AND t.piece_no = f.piece_no AND t.status = 'open' AND (t.location_id <> $2 OR t.product_id <> f.product_id)",
	.nargs = 3,
	.argtypes = {"bigint", "bigint", "timestamptz"},
};

/*
 * Sums run over orders by urgency, an order's rows being peers.  Tasks are
 * written in the order in which they are walked.  $5: the wave, $8: channels
 * that the caller sees.
 */
static UsomQuery plan_tasks = {
	.text = "WITH found AS ("
	"SELECT f.sales_order_id, o.channel_id, f.line_no, f.piece_no, f.product_id, f.quantity, o.priority, o.placed_at, "
	"b.bin_id, b.zone, b.sequence AS bin_sequence, b.code AS bin_code, "
	"count(*) OVER (PARTITION BY f.sales_order_id) AS pieces, r.*, "
	"r.carrier_wanted IS NULL OR NOT EXISTS (SELECT 1 FROM usom.product AS g JOIN usom.handling_class AS h ON h.org_id = $1 AND h.active "
	"AND h.code = ANY (g.handling) AND r.carrier_wanted <> ALL (h.carriers) WHERE g.org_id = $1 AND g.product_id = f.product_id) AS carried "
	"FROM (SELECT w.zone AS zone_wanted, c.channel_id AS channel_wanted, w.channel, w.lines, w.priority_to, w.max_orders, w.max_tasks, "
	"w.max_units, w.sequence_by, w.carrier AS carrier_wanted FROM (SELECT $3 AS wave_rule_id) AS k "
	"LEFT JOIN usom.wave_rule AS w ON w.org_id = $1 AND w.wave_rule_id = k.wave_rule_id "
	"LEFT JOIN usom.channel AS c ON c.org_id = $1 AND c.code = w.channel) AS r CROSS JOIN usom.sales_order AS o "
	"JOIN usom.fulfillment_line AS f ON f.org_id = $1 AND f.sales_order_id = o.sales_order_id AND f.status = 'released' AND f.location_id = $2 "
	"LEFT JOIN LATERAL (SELECT b.bin_id, b.zone, b.sequence, b.code FROM usom.bin_product AS p "
	"JOIN usom.bin AS b ON b.org_id = $1 AND b.bin_id = p.bin_id AND b.location_id = $2 AND b.active "
	"WHERE p.org_id = $1 AND p.product_id = f.product_id ORDER BY b.zone, b.sequence, b.code LIMIT 1) AS b ON true "
	"WHERE o.org_id = $1 AND usom._status_text(o.status) = ANY ('{processing,partially_shipped}') AND ($8 IS NULL OR o.channel_id = ANY ($8)) AND ($7 IS NULL OR f.ships_on IS NULL OR f.ships_on <= $7) "
	"AND (r.channel IS NULL OR o.channel_id = r.channel_wanted) AND (r.priority_to IS NULL OR o.priority <= r.priority_to) "
	"AND NOT EXISTS (SELECT 1 FROM usom.pick_task AS t WHERE t.org_id = $1 AND t.order_id = f.sales_order_id "
	"AND t.line_no = f.line_no AND t.piece_no = f.piece_no AND t.status = 'open')"
	"), summed AS ("
	"SELECT n.*, dense_rank() OVER w AS place, count(*) OVER w AS tasks, sum(n.quantity) OVER w AS units FROM found AS n "
	"WHERE (n.zone_wanted IS NULL OR n.zone = n.zone_wanted) AND n.carried "
	"AND CASE n.lines WHEN 'single' THEN n.pieces = 1 WHEN 'multi' THEN n.pieces > 1 ELSE true END "
	"WINDOW w AS (ORDER BY n.priority, n.placed_at, n.sales_order_id)"
	"), planned AS ("
	"SELECT s.*, row_number() OVER (ORDER BY CASE WHEN s.sequence_by = 'order' THEN s.place END, s.zone, s.bin_sequence, "
	"s.bin_code, s.product_id, s.place, s.line_no, s.piece_no) AS step FROM summed AS s "
	"WHERE s.place = 1 OR ((s.max_orders IS NULL OR s.place <= s.max_orders) AND (s.max_tasks IS NULL OR s.tasks <= s.max_tasks) "
	"AND (s.max_units IS NULL OR s.units <= s.max_units))"
	"), made AS ("
	"INSERT INTO usom.pick_task (org_id, pick_task_id, wave_id, location_id, leaves_at, sequence, bin_id, order_id, channel_id, line_no, "
	"piece_no, product_id, quantity) SELECT $1, usom.next_id(), $5, $2, $6, p.step, p.bin_id, p.sales_order_id, p.channel_id, p.line_no, p.piece_no, "
	"p.product_id, p.quantity FROM planned AS p ORDER BY p.step ON CONFLICT DO NOTHING "
	"RETURNING order_id, quantity) "
	"INSERT INTO usom.wave (org_id, wave_id, wave_no, location_id, wave_rule, carrier, leaves_at, orders, tasks, units) "
	"SELECT $1, $5, $4, $2, r.code, r.carrier, $6, m.orders, m.tasks, m.units "
	"FROM (SELECT count(DISTINCT order_id) AS orders, count(*) AS tasks, sum(quantity) AS units FROM made) AS m "
	"LEFT JOIN usom.wave_rule AS r ON r.org_id = $1 AND r.wave_rule_id = $3 WHERE m.tasks > 0 RETURNING orders, tasks, units",
	.nargs = 8,
	.argtypes = {"bigint", "bigint", "bigint", "text", "bigint", "timestamptz", "date", "bigint[]"},
};

typedef struct Wave
{
	int64		org_id;
	int64		location_id;
	int64		wave_rule_id;	/* 0: all that is released */
	bool		timed;			/* the rule has a cut-off: */
	Datum		leaves_at;
	Datum		last_day;		/* at the place, by which what it takes is to leave */
	const char *wave_no;
	bool		made;
	int32		orders;
	int32		tasks;
	Numeric		units;
} Wave;

static void
read_rule(Wave *wave, FunctionCallInfo fcinfo)
{
	char	   *location = usom_order_arg_text(fcinfo, 0, "location");
	bool		nulls[4] = {false, false, PG_ARGISNULL(1), false};
	Datum		values[4] = {
		Int64GetDatum(wave->org_id), CStringGetTextDatum(location), nulls[2] ? (Datum) 0 : PG_GETARG_DATUM(1),
		TimestampTzGetDatum(usom_call_time())
	};
	bool		untimed;

	usom_query_run(&find_rule, values, nulls);
	wave->location_id = DatumGetInt64(usom_query_get(0, 1));
	wave->wave_rule_id = DatumGetInt64(usom_query_get(0, 2));
	wave->leaves_at = usom_query_get_or_null(0, 3, &untimed);
	wave->last_day = untimed ? (Datum) 0 : usom_query_get(0, 5);
	wave->timed = !untimed;
	if (!nulls[2] && (wave->wave_rule_id == 0 || !DatumGetBool(usom_query_get(0, 4))))
		ereport(ERROR, errcode(USOM_ERR(UNKNOWN_CODE)),
				errmsg("there is no active wave rule \"%s\"", text_to_cstring(PG_GETARG_TEXT_PP(1))),
				errhint("Look it up in usom.wave_rule, or leave it out to take all that is released."));
}

static void
plan(Wave *wave)
{
	bool		nulls[8] = {false, false, false, false, false, !wave->timed, !wave->timed};
	Datum		moved[] = {Int64GetDatum(wave->org_id), Int64GetDatum(wave->location_id), TimestampTzGetDatum(usom_call_time())};
	Datum		values[8] = {
		Int64GetDatum(wave->org_id), Int64GetDatum(wave->location_id), Int64GetDatum(wave->wave_rule_id),
		CStringGetTextDatum(wave->wave_no), Int64GetDatum(usom_ident_next()), wave->leaves_at, wave->last_day
	};

	values[7] = usom_party_channels(&nulls[7]);
	usom_query_write(&end_moved, moved, NULL);
	wave->made = usom_query_write(&plan_tasks, values, nulls) > 0;
	if (!wave->made)
		return;
	wave->orders = DatumGetInt32(usom_query_get(0, 1));
	wave->tasks = DatumGetInt32(usom_query_get(0, 2));
	wave->units = DatumGetNumeric(usom_query_get(0, 3));
}

static Datum
answer_wave(UsomAnswer *answer, const Wave *wave)
{
	bool		nulls[5] = {!wave->made, false, false, false, !wave->made || !wave->timed};
	Datum		values[5] = {
		CStringGetTextDatum(wave->wave_no), Int32GetDatum(wave->orders), Int32GetDatum(wave->tasks),
		NumericGetDatum(usom_quantity_numeric(wave->made ? usom_quantity_of(wave->units) : 0)),
		wave->leaves_at
	};

	return usom_order_answer_row(answer, values, nulls);
}

/* usom.plan_wave(location text, rule text) */
Datum
usom_plan_wave(PG_FUNCTION_ARGS)
{
	UsomAnswer *answer = usom_order_answer_begin(fcinfo, "plan_wave", -1);
	Wave		wave = {.org_id = usom_party_org()};

	read_rule(&wave, fcinfo);
	wave.wave_no = usom_ident_document_no(wave.org_id, "wave");
	plan(&wave);
	if (!wave.made)
		usom_ident_give_back(wave.org_id, "wave");
	return answer_wave(answer, &wave);
}
