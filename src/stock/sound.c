/*
 * sound.c
 *		What a row of stock may say of holds and stripes: the constraint
 *		stock_is_sound.  Nothing is read or kept, nothing is locked.
 */
#include "postgres.h"

#include "fmgr.h"

#include "base/quantity.h"
#include "stock/stripe.h"

PG_FUNCTION_INFO_V1(usom__stock_is_sound);

static bool
is_something(FunctionCallInfo fcinfo, int argument)
{
	return usom_quantity_of_datum(PG_GETARG_DATUM(argument)) > 0;
}

/* usom._stock_is_sound(held, held_until, stripes, lent, lot) */
Datum
usom__stock_is_sound(PG_FUNCTION_ARGS)
{
	int			stripes;

	/* NOT NULL speaks for itself; who calls this by hand gets an answer, too. */
	if (PG_ARGISNULL(0) || PG_ARGISNULL(2) || PG_ARGISNULL(3) || PG_ARGISNULL(4))
		PG_RETURN_NULL();
	if (is_something(fcinfo, 0) == PG_ARGISNULL(1))
		PG_RETURN_BOOL(false);
	stripes = PG_GETARG_INT16(2);
	if (stripes == 0)
		PG_RETURN_BOOL(!is_something(fcinfo, 3));
	PG_RETURN_BOOL(stripes >= 2 && stripes <= USOM_MOST_STRIPES && VARSIZE_ANY_EXHDR(PG_GETARG_TEXT_PP(4)) == 0);
}
