/*
 * policy.c
 *		What row security asks about channels, and the rows of usom.access.
 *
 *		Policies call these for each row, so callers who see all channels are
 *		answered at once.  For others the channel of an order is looked up with
 *		the snapshot of the statement that asks, and the last answer is kept as
 *		long as that statement's function call node: rows of one order stand
 *		together.
 *
 * Memory: the last answer in the memory of the calling expression.  No locks.
 */
#include "postgres.h"

#include "base/call.h"
#include "base/query.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "party/party.h"

PG_FUNCTION_INFO_V1(usom__sees_channel);
PG_FUNCTION_INFO_V1(usom__sees_order);
PG_FUNCTION_INFO_V1(usom__sees_return);
PG_FUNCTION_INFO_V1(usom__add_access);
PG_FUNCTION_INFO_V1(usom__remove_access);

static UsomQuery channel_of_order = {
	.text = "SELECT o.channel_id FROM usom.sales_order o WHERE o.org_id = $1 AND o.sales_order_id = $2",
	.nargs = 2,
	.argtypes = {"pg_catalog.int8", "pg_catalog.int8"},
};

static UsomQuery channel_of_return = {
	.text = "SELECT o.channel_id FROM usom.return_order r "
	"JOIN usom.sales_order o ON o.org_id = r.org_id AND o.sales_order_id = r.sales_order_id "
	"WHERE r.org_id = $1 AND r.return_order_id = $2",
	.nargs = 2,
	.argtypes = {"pg_catalog.int8", "pg_catalog.int8"},
};

typedef struct LastAnswer
{
	int64		org_id;
	int64		key;
	int64		channel_id;		/* 0: there is no such row */
} LastAnswer;

/* The key is of an order or a return of the caller's organisation. */
static int64
find_channel(UsomQuery *query, int64 org_id, int64 key)
{
	Datum		values[] = {Int64GetDatum(org_id), Int64GetDatum(key)};
	int64		channel_id = 0;

	SPI_connect();
	if (usom_query_look(query, values, NULL) > 0)
		channel_id = DatumGetInt64(usom_query_get(0, 1));
	SPI_finish();
	return channel_id;
}

static bool
sees(FunctionCallInfo fcinfo, UsomQuery *query)
{
	LastAnswer *last = fcinfo->flinfo->fn_extra;
	int64		org_id;
	int64		key;

	if (likely(usom_party_sees_all_channels()))
		return true;
	if (PG_ARGISNULL(0))
		return false;
	org_id = usom_party_caller_org();
	key = PG_GETARG_INT64(0);
	if (last == NULL)
		last = fcinfo->flinfo->fn_extra = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof(LastAnswer));
	if (last->org_id != org_id || last->key != key || last->channel_id == 0)
		*last = (LastAnswer) {org_id, key, find_channel(query, org_id, key)};
	return last->channel_id != 0 && usom_party_sees_channel(last->channel_id);
}

/* usom._sees_channel(channel_id) */
Datum
usom__sees_channel(PG_FUNCTION_ARGS)
{
	if (likely(usom_party_sees_all_channels()))
		PG_RETURN_BOOL(true);
	PG_RETURN_BOOL(!PG_ARGISNULL(0) && usom_party_sees_channel(PG_GETARG_INT64(0)));
}

/* usom._sees_order(sales_order_id) */
Datum
usom__sees_order(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(sees(fcinfo, &channel_of_order));
}

/* usom._sees_return(return_order_id) */
Datum
usom__sees_return(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(sees(fcinfo, &channel_of_return));
}

/* ---- rows of usom.access ---- */

static UsomQuery add_row = {
	.text = "INSERT INTO usom.access (role, profile, org_id, channel_id) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
	.nargs = 4,
	.argtypes = {"pg_catalog.text", "pg_catalog.text", "pg_catalog.int8", "pg_catalog.int8"},
};

static UsomQuery remove_rows = {
	.text = "DELETE FROM usom.access AS a WHERE a.role = $1 AND a.profile = $2 AND a.org_id = $3 "
	"AND ($4 IS NULL OR a.channel_id = $4)",
	.nargs = 4,
	.argtypes = {"pg_catalog.text", "pg_catalog.text", "pg_catalog.int8", "pg_catalog.int8"},
};

static Datum
write_access(FunctionCallInfo fcinfo, const char *verb, UsomQuery *query)
{
	bool		nulls[4];
	Datum		values[4];
	uint64		processed;

	for (int i = 0; i < 4; i++)
	{
		nulls[i] = PG_ARGISNULL(i);
		values[i] = PG_GETARG_DATUM(i);
	}
	usom_call_begin(verb, NULL);
	processed = usom_query_write(query, values, nulls);
	usom_call_end();
	return Int64GetDatum((int64) processed);
}

/* usom._add_access(role, profile, org_id, channel_id) */
Datum
usom__add_access(PG_FUNCTION_ARGS)
{
	return write_access(fcinfo, "grant_access", &add_row);
}

/* usom._remove_access(role, profile, org_id, channel_id) */
Datum
usom__remove_access(PG_FUNCTION_ARGS)
{
	return write_access(fcinfo, "revoke_access", &remove_rows);
}
