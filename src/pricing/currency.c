/*
 * currency.c
 *		Which currencies there are, and how finely they are divided.
 *
 * Pure but for errors: no SPI, no locks.  Memory: CurrentMemoryContext.
 *
 * Invariant: no row of usom names a currency that ISO 4217 does not know; the
 * domain usom.currency_code asks here.
 */
#include "postgres.h"

#include "pricing/currency.h"

#include "base/compat.h"
#include "base/errors.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/builtins.h"

#define CURRENCY_COLUMNS 2
#define NEAR_LENGTH 128

PG_FUNCTION_INFO_V1(usom__minor_digits);
PG_FUNCTION_INFO_V1(usom__check_currency);
PG_FUNCTION_INFO_V1(usom_currencies);

typedef struct Currency
{
	const char *code;
	int			decimals;
} Currency;

/* By code. */
static const Currency currencies[] = {
#define USOM_CURRENCY(code, decimals) {code, decimals},
#include "pricing/currency.def"
#undef USOM_CURRENCY
};

static int
compare_code(const void *code, const void *currency)
{
	return strcmp(code, ((const Currency *) currency)->code);
}

int
usom_currency_decimals(const char *code)
{
	const Currency *found = bsearch(code, currencies, lengthof(currencies), sizeof(Currency), compare_code);

	return found != NULL ? found->decimals : -1;
}

/* Those of the same country: its code is the first two letters. */
static const char *
near_codes(const char *code)
{
	static char list[NEAR_LENGTH];

	list[0] = '\0';
	for (int i = 0; i < (int) lengthof(currencies); i++)
		if (strncmp(code, currencies[i].code, 2) == 0 && strlen(list) + 8 < NEAR_LENGTH)
		{
			strlcat(list, list[0] == '\0' ? " Is it " : " or ", NEAR_LENGTH);
			strlcat(list, currencies[i].code, NEAR_LENGTH);
		}
	if (list[0] != '\0')
		strlcat(list, "?", NEAR_LENGTH);
	return list;
}

int
usom_currency_require(const char *code)
{
	int			decimals = usom_currency_decimals(code);

	if (unlikely(decimals < 0))
		ereport(ERROR, errcode(USOM_ERR(UNKNOWN_CURRENCY)),
				errmsg("no currency \"%s\"", code),
				errdetail("ISO 4217 has no such code.%s", near_codes(code)),
				errhint("Take a code of usom.currencies()."));
	return decimals;
}

Datum
usom__minor_digits(PG_FUNCTION_ARGS)
{
	int			decimals = usom_currency_decimals(text_to_cstring(PG_GETARG_TEXT_PP(0)));

	if (decimals < 0)
		PG_RETURN_NULL();
	PG_RETURN_INT32(decimals);
}

/* The CHECK of usom.currency_code. */
Datum
usom__check_currency(PG_FUNCTION_ARGS)
{
	usom_currency_require(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	PG_RETURN_BOOL(true);
}

Datum
usom_currencies(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;

	InitMaterializedSRF(fcinfo, 0);
	for (int i = 0; i < (int) lengthof(currencies); i++)
	{
		bool		nulls[CURRENCY_COLUMNS] = {false};
		Datum		values[CURRENCY_COLUMNS] = {CStringGetTextDatum(currencies[i].code), Int32GetDatum(currencies[i].decimals)};

		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}
