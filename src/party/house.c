/*
 * house.c
 *		An organisation's currency and channels, remembered by the backend.
 *
 * Memory: in a context of the memo (base/memo.h).  Locks: none.
 */
#include "postgres.h"

#include "party/house.h"

#include "base/errors.h"
#include "base/memo.h"
#include "base/quantity.h"
#include "base/query.h"
#include "base/settings.h"

static UsomFetch select_currency = {
	.table = "organisation",
	.index = "organisation_pkey",
	.nkeys = 1,
	.keys = {{"org_id", "bigint"}},
	.ncolumns = 1,
	.columns = {{"currency", "text"}},
	.query = {
		.text = "SELECT g.currency FROM usom.organisation AS g WHERE g.org_id = $1",
		.nargs = 1,
		.argtypes = {"bigint"},
	},
};

static UsomFetch select_channels = {
	.table = "channel",
	.index = "channel_pkey", .order = {"channel_id"},
	.nkeys = 1,
	.keys = {{"org_id", "bigint"}},
	.ncolumns = 7,
	.columns = {{"channel_id", "bigint"}, {"code", "text"}, {"active", "boolean"}, {"pricing", "text"}, {"price_difference", "text"},
	{"price_tolerance", "numeric"}, {"price_drift", "numeric"}},
	.query = {
		.text = "SELECT c.channel_id, c.code, c.active, c.pricing, c.price_difference, c.price_tolerance, c.price_drift "
		"FROM usom.channel AS c WHERE c.org_id = $1 ORDER BY c.channel_id",
		.nargs = 1,
		.argtypes = {"bigint"},
	},
};

/* In ten-thousandths; -1 if null. */
static int64
get_percent(uint64 row, int column)
{
	bool		isnull;
	Datum		value = usom_query_get_or_null(row, column, &isnull);

	return isnull ? -1 : usom_quantity_of_datum(value) / (USOM_UNIT / 10000);
}

static void
read_channels(UsomHouse *house, Datum *values)
{
	house->nchannels = (int) usom_memo_fetch(&select_channels, values);
	house->channels = palloc_array(UsomChannel, Max(house->nchannels, 1));
	for (int row = 0; row < house->nchannels; row++)
		house->channels[row] = (UsomChannel) {
			usom_query_get_key(row, 1), usom_query_get_text(row, 2), DatumGetBool(usom_query_get(row, 3)),
			strcmp(usom_query_get_text(row, 4), "list") == 0, usom_query_get_text(row, 5), get_percent(row, 6), get_percent(row, 7)
		};
}

static const void *
read_house(int64 org_id)
{
	UsomHouse  *house = palloc0_object(UsomHouse);
	Datum		values[] = {Int64GetDatum(org_id)};

	if (usom_memo_fetch(&select_currency, values) == 0)
		ereport(ERROR, errcode(USOM_ERR(UNKNOWN_CODE)),
				errmsg("the organisation \"%s\" cannot be seen", usom_setting_org),
				errhint("Look at the setting usom.org and at the privileges of this role."));
	house->currency = usom_query_get_text(0, 1);
	read_channels(house, values);
	return house;
}

static UsomMemo memo = {
	.name = "usom organisation and channels",
	.tables = {"organisation", "channel"},
	.read = read_house,
};

const UsomHouse *
usom_party_house(int64 org_id)
{
	return usom_memo_get(&memo, org_id);
}

const UsomChannel *
usom_party_find_channel(const UsomHouse *house, const char *code)
{
	for (int i = 0; i < house->nchannels; i++)
		if (strcmp(house->channels[i].code, code) == 0)
			return &house->channels[i];
	return NULL;
}

const UsomChannel *
usom_party_channel_of(const UsomHouse *house, int64 channel_id)
{
	for (int i = 0; i < house->nchannels; i++)
		if (house->channels[i].channel_id == channel_id)
			return &house->channels[i];
	return NULL;
}

void
usom_party_house_init(void)
{
	usom_memo_register(&memo);
}
