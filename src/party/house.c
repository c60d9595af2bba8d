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

static UsomQuery select_house = {
	.text = "SELECT g.currency, c.channel_id, c.code, c.active, c.pricing, c.price_difference, "
	"c.price_tolerance, c.price_drift FROM usom.organisation AS g "
	"LEFT JOIN usom.channel AS c ON c.org_id = g.org_id WHERE g.org_id = $1",
	.nargs = 1,
	.argtypes = {"bigint"},
};

/* In ten-thousandths; -1 if null. */
static int64
get_percent(uint64 row, int column)
{
	bool		isnull;
	Datum		value = usom_query_get_or_null(row, column, &isnull);

	return isnull ? -1 : usom_quantity_of_datum(value) / (USOM_UNIT / 10000);
}

/* Columns as they are: each operator in the statement would have to be found by each new backend. */
static const void *
read_house(int64 org_id)
{
	UsomHouse  *house = palloc0_object(UsomHouse);
	Datum		values[] = {Int64GetDatum(org_id)};
	int			nrows = (int) usom_memo_look(&select_house, values);

	if (nrows == 0)
		ereport(ERROR, errcode(USOM_ERR(UNKNOWN_CODE)),
				errmsg("the organisation \"%s\" cannot be seen", usom_setting_org),
				errhint("Look at the setting usom.org and at the privileges of this role."));
	house->currency = usom_query_get_text(0, 1);
	house->channels = palloc_array(UsomChannel, nrows);
	for (int row = 0; row < nrows; row++)
	{
		bool		isnull;
		Datum		channel_id = usom_query_get_or_null(row, 2, &isnull);

		if (isnull)
			continue;
		house->channels[house->nchannels++] = (UsomChannel) {
			DatumGetInt64(channel_id), usom_query_get_text(row, 3), DatumGetBool(usom_query_get(row, 4)),
			strcmp(usom_query_get_text(row, 5), "list") == 0, usom_query_get_text(row, 6), get_percent(row, 7), get_percent(row, 8)
		};
	}
	SPI_freetuptable(SPI_tuptable);
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
