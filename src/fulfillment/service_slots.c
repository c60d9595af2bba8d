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

/* Beginnings of half hours from $3 on, before $4, whose work ends by $5; $7: so many. */
static UsomQuery find_slots = {
	.text = "SELECT s.starts_at, s.starts_at + $8, t.technician "
	"FROM generate_series(date_bin('30 minutes', $3 + interval '30 minutes' - interval '1 microsecond', timestamptz '2000-01-01 00:00+00'), "
	"$4 - interval '1 microsecond', interval '30 minutes') AS s (starts_at) "
	"CROSS JOIN LATERAL usom._technicians_for($1, $2, s.starts_at, s.starts_at + $8) AS t "
	"WHERE s.starts_at + $8 <= $5 AND t.obstacle IS NULL AND ($6 IS NULL OR t.technician = $6) "
	"ORDER BY s.starts_at, t.technician COLLATE \"C\" LIMIT $7",
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
