/*
 * freight_charge.c
 *		The freight charges of an organisation, remembered by the backend.
 *
 * Memory: in a context of the memo (base/memo.h).  Locks: none.
 */
#include "postgres.h"

#include "pricing/freight.h"

#include "base/memo.h"
#include "utils/timestamp.h"

/* The more specific ones first: the channel says more than the type of the order, this more than the country. */
static UsomQuery select_charges = {
	.text = "SELECT f.name, f.channel, f.order_type, f.country, f.currency::text, f.order_price, f.weight_price, f.unit_price, "
	"f.free_from, f.valid_from, coalesce(f.valid_to, 'infinity') FROM usom.freight_charge AS f WHERE f.org_id = $1 "
	"ORDER BY f.channel IS NULL, f.order_type IS NULL, f.country IS NULL, f.valid_from DESC, f.freight_charge_id",
	.nargs = 1,
	.argtypes = {"bigint"},
};

static const void *
read_charges(int64 org_id)
{
	UsomFreightCharges *result = palloc_object(UsomFreightCharges);
	Datum		values[] = {Int64GetDatum(org_id)};

	result->count = (int) usom_memo_look(&select_charges, values);
	result->charges = palloc_array(UsomFreightCharge, Max(result->count, 1));
	for (int row = 0; row < result->count; row++)
	{
		bool		isnull;
		Datum		free_from = usom_query_get_or_null(row, 9, &isnull);

		result->charges[row] = (UsomFreightCharge) {
			.name = usom_query_get_text(row, 1),
			.channel = usom_query_get_text(row, 2),
			.order_type = usom_query_get_text(row, 3),
			.country = usom_query_get_text(row, 4),
			.currency = usom_query_get_text(row, 5),
			.order_price = DatumGetNumericCopy(usom_query_get(row, 6)),
			.weight_price = DatumGetNumericCopy(usom_query_get(row, 7)),
			.unit_price = DatumGetNumericCopy(usom_query_get(row, 8)),
			.free_from = isnull ? NULL : DatumGetNumericCopy(free_from),
			.valid_from = DatumGetTimestampTz(usom_query_get(row, 10)),
			.valid_to = DatumGetTimestampTz(usom_query_get(row, 11)),
		};
	}
	SPI_freetuptable(SPI_tuptable);
	return result;
}

static const UsomFreightCharges no_charges;

static UsomMemo memo = {
	.name = "usom freight charges",
	.tables = {"freight_charge"},
	.read = read_charges,
	.rules = {"freight_charge"},
	.nothing = &no_charges,
};

const UsomFreightCharges *
usom_freight_charges(int64 org_id)
{
	const UsomFreightCharges *charges = usom_memo_get(&memo, org_id);

	return charges->count > 0 ? charges : NULL;
}

void
usom_freight_init(void)
{
	usom_memo_register(&memo);
}
