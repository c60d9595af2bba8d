/*
 * service_slots.c
 *		usom.service_slots(): when could somebody do the work of a service?
 *
 * One statement for each day that is looked at, until enough is found.  It is
 * run as the owner of the tables: whoever may book sees when technicians are
 * busy, not with what.
 *
 * No locks.  Memory: the call's.
 */
#include "postgres.h"

#include "fulfillment/service.h"

#include "base/call.h"
#include "base/card_guard.h"
#include "base/errors.h"
#include "base/query.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "order/answer.h"
#include "party/party.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#define MOST_DAYS 92
#define USUAL_DAYS 7

PG_FUNCTION_INFO_V1(usom_service_slots);

static UsomQuery find_product = {
	.text = "SELECT usom.product_id($1), CASE WHEN $2 IS NOT NULL THEN usom.technician_id($2) END",
	.nargs = 2,
	.argtypes = {"text", "text"},
};

/*
 * Beginnings of half hours from $3 on, before $4, whose work ends by $5; $7: so
 * many.  The rules are those of usom._technicians_for(), which books by them
 * and says what is in the way; to ask it for each half hour would begin its
 * statement as often.  Who does not work then is asked no more.
 */
static UsomQuery find_slots = {
	.text = "SELECT l.starts_at, l.ends_at, l.code "
	"FROM (SELECT s.starts_at, s.starts_at + $8 AS ends_at, t.org_id, t.technician_id, t.code, "
	"s.starts_at AT TIME ZONE t.time_zone AS begins, (s.starts_at + $8) AT TIME ZONE t.time_zone AS ends "
	"FROM usom.technician AS t, generate_series(date_bin('30 minutes', $3 + interval '30 minutes' - interval '1 microsecond', timestamptz '2000-01-01 00:00+00'), "
	"$4 - interval '1 microsecond', interval '30 minutes') AS s (starts_at) "
	"WHERE t.org_id = $1 AND t.active AND ($6 IS NULL OR t.code = $6) AND s.starts_at + $8 <= $5 OFFSET 0) AS l "
	"WHERE CASE WHEN EXISTS (SELECT FROM usom.technician_hours AS h WHERE h.org_id = l.org_id AND h.technician_id = l.technician_id "
	"AND h.weekday = extract(isodow FROM l.begins)::integer AND h.begins <= l.begins::time AND h.ends::interval >= l.ends - date_trunc('day', l.begins)) THEN true "
	"ELSE NOT EXISTS (SELECT FROM usom.technician_hours AS h WHERE h.org_id = l.org_id AND h.technician_id = l.technician_id) END "
	"AND CASE WHEN EXISTS (SELECT FROM usom.service_work AS w, unnest(w.skills) AS k (skill) WHERE w.org_id = l.org_id AND w.product_id = $2 "
	"AND NOT EXISTS (SELECT FROM usom.technician_skill AS s WHERE s.org_id = l.org_id AND s.technician_id = l.technician_id AND s.skill = k.skill "
	"AND (s.valid_until IS NULL OR s.valid_until >= l.ends::date))) THEN false "
	"ELSE NOT EXISTS (SELECT FROM usom.appointment AS a WHERE int8range(a.org_id, a.org_id, '[]') = int8range(l.org_id, l.org_id, '[]') "
	"AND int8range(a.technician_id, a.technician_id, '[]') = int8range(l.technician_id, l.technician_id, '[]') "
	"AND a.during && tstzrange(l.starts_at, l.ends_at) AND a.status = 'booked') END "
	"ORDER BY l.starts_at, l.code COLLATE \"C\" LIMIT $7",
	.nargs = 8,
	.argtypes = {"bigint", "bigint", "timestamptz", "timestamptz", "timestamptz", "text", "bigint", "interval"},
};

typedef struct Search
{
	int64		org_id;
	int64		product_id;
	TimestampTz from;
	TimestampTz until;
	Datum		technician;
	bool		anybody;
	Interval	length;
	int			wanted;
	ReturnSetInfo *result;
} Search;

static void
read_window(Search *search, FunctionCallInfo fcinfo)
{
	search->from = PG_ARGISNULL(1) ? usom_call_time() : PG_GETARG_TIMESTAMPTZ(1);
	search->until = PG_ARGISNULL(2) ? (TIMESTAMP_NOT_FINITE(search->from) ? 0 : search->from + USUAL_DAYS * USECS_PER_DAY) : PG_GETARG_TIMESTAMPTZ(2);
	if (TIMESTAMP_NOT_FINITE(search->from) || TIMESTAMP_NOT_FINITE(search->until) ||
		search->until - search->from > MOST_DAYS * USECS_PER_DAY)
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("slots are looked for in %d days at most", MOST_DAYS),
				errhint("Name starts_from, and an until that is not later than that."));
}

static void
read_length(Search *search, FunctionCallInfo fcinfo)
{
	int			minutes = PG_ARGISNULL(4) ? usom_service_minutes(search->org_id, search->product_id) : PG_GETARG_INT32(4);

	usom_service_check_minutes(minutes);
	search->length = (Interval) {.time = minutes * USECS_PER_MINUTE};
	search->wanted = PG_ARGISNULL(5) ? 20 : PG_GETARG_INT32(5);
}

/* How many were found from a moment to another. */
static int
find(const Search *search, TimestampTz from, TimestampTz to, int found)
{
	bool		nulls[8] = {false, false, false, false, false, search->anybody, false, false};
	Datum		values[8] = {
		Int64GetDatum(search->org_id), Int64GetDatum(search->product_id), TimestampTzGetDatum(from), TimestampTzGetDatum(to),
		TimestampTzGetDatum(search->until), search->technician, Int64GetDatum(search->wanted - found), IntervalPGetDatum(&search->length)
	};
	int			n = (int) usom_query_run(&find_slots, values, nulls);

	for (int i = 0; i < n; i++)
	{
		bool		row_nulls[3] = {false};
		Datum		row[3] = {usom_query_get(i, 1), usom_query_get(i, 2), usom_query_get(i, 3)};

		tuplestore_putvalues(search->result->setResult, search->result->setDesc, row, row_nulls);
	}
	return n;
}

/* usom.service_slots(sku, starts_from, until, technician, minutes, slots) */
Datum
usom_service_slots(PG_FUNCTION_ARGS)
{
	Search		search = {.anybody = PG_ARGISNULL(3)};
	bool		nulls[2] = {false, PG_ARGISNULL(3)};
	Datum		values[2];
	int			found = 0;

	usom_card_check_call(fcinfo);
	usom_order_arg_required(fcinfo, 0, "sku");
	search.technician = values[1] = search.anybody ? (Datum) 0 : PG_GETARG_DATUM(3);
	values[0] = PG_GETARG_DATUM(0);
	InitMaterializedSRF(fcinfo, 0);
	search.result = (ReturnSetInfo *) fcinfo->resultinfo;
	usom_call_begin("service_slots", NULL);
	search.org_id = usom_party_org();
	usom_query_run(&find_product, values, nulls);
	search.product_id = DatumGetInt64(usom_query_get(0, 1));
	read_window(&search, fcinfo);
	read_length(&search, fcinfo);
	for (TimestampTz from = search.from; from < search.until && found < search.wanted; from += USECS_PER_DAY)
	{
		CHECK_FOR_INTERRUPTS();
		found += find(&search, from, Min(from + USECS_PER_DAY, search.until), found);
	}
	usom_call_end();
	return (Datum) 0;
}
