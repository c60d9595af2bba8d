/*
 * told.c
 *		What a message about a hand-over adds to what was told before.
 *
 * Pure.  A unit that is shipped was packed, one that is packed was picked: so
 * of each line, at least so many are packed as are shipped, at least so many
 * picked as are packed, and a message does no more than raise its own sum
 * above that.  Sums do not care for the order of what is added, so neither
 * does what becomes of the units.
 */
#include "postgres.h"

#include "fulfillment/handover.h"

#include "base/errors.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(usom__untold);

UsomQuantity
usom_fulfillment_untold(const UsomHanded *sums, const char *kind, UsomQuantity units)
{
	UsomQuantity packed = Max(sums->packed, sums->shipped);
	UsomQuantity picked = Max(sums->picked, packed);

	if (strcmp(kind, "picked") == 0)
		return Max(usom_quantity_add(sums->picked, units), packed) - picked;
	if (strcmp(kind, "packed") == 0)
		return Max(usom_quantity_add(sums->packed, units), sums->shipped) - packed;
	return units;
}

/* usom._untold(picked numeric, packed numeric, shipped numeric, kind text, units numeric) */
Datum
usom__untold(PG_FUNCTION_ARGS)
{
	UsomHanded	sums = {
		.picked = usom_quantity_of(PG_GETARG_NUMERIC(0)),
		.packed = usom_quantity_of(PG_GETARG_NUMERIC(1)),
		.shipped = usom_quantity_of(PG_GETARG_NUMERIC(2)),
	};
	UsomQuantity units = usom_quantity_of(PG_GETARG_NUMERIC(4));

	PG_RETURN_NUMERIC(usom_quantity_numeric(usom_fulfillment_untold(&sums, text_to_cstring(PG_GETARG_TEXT_PP(3)), units)));
}
