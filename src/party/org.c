/*
 * org.c
 *		The organisation that the caller works for, and lookups by code.
 *
 *		The key of the organisation is remembered per backend, with the code
 *		it was found by, and compared with usom.org at each use: a setting
 *		that changes in whatever way is noticed.  Codes of organisations never
 *		change (usom_guard_master), so only an abort can make the memory
 *		wrong, and forgets it.  The code is kept in TopMemoryContext.
 *
 *		No locks.
 */
#include "postgres.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "base/call.h"
#include "base/errors.h"
#include "base/ident.h"
#include "base/lookup.h"
#include "base/query.h"
#include "base/settings.h"
#include "party/party.h"

static struct
{
	char	   *code;			/* NULL: nothing is remembered */
	int64		org_id;
}			known;

static void
forget(void)
{
	if (known.code != NULL)
		pfree(known.code);
	known.code = NULL;
}

static bool
is_known(void)
{
	return known.code != NULL && strcmp(known.code, usom_setting_org) == 0;
}

static int64
find_org(const char *code)
{
	static UsomQuery query = {
		.text = "SELECT org_id FROM usom.organisation WHERE code OPERATOR(pg_catalog.=) $1",
		.nargs = 1,
		.argtypes = {"pg_catalog.text"},
	};
	Datum		values[] = {CStringGetTextDatum(code)};

	if (usom_query_run(&query, values, NULL) == 0)
		ereport(ERROR,
				errcode(USOM_ERR(UNKNOWN_CODE)),
				errmsg("organisation \"%s\" does not exist", code),
				errdetail("The setting usom.org names it."),
				errhint("SET usom.org to the code of an organisation, or INSERT INTO usom.organisation (code) VALUES (%s);",
						quote_literal_cstr(code)));
	return DatumGetInt64(usom_query_get(0, 1));
}

int64
usom_party_org(void)
{
	int64		org_id;
	char	   *code;

	if (likely(is_known()))
		return known.org_id;
	org_id = find_org(usom_setting_org);
	code = MemoryContextStrdup(TopMemoryContext, usom_setting_org);
	forget();
	known.org_id = org_id;
	known.code = code;
	return org_id;
}

int64
usom_party_caller_org(void)
{
	int64		org_id;

	if (likely(is_known()))
		return known.org_id;
	usom_call_check_installed();
	SPI_connect();
	org_id = usom_party_org();
	SPI_finish();
	return org_id;
}

/* usom.current_org() */
PG_FUNCTION_INFO_V1(usom_current_org);
Datum
usom_current_org(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(usom_party_caller_org());
}

/* usom.default_currency() */
PG_FUNCTION_INFO_V1(usom_default_currency);
Datum
usom_default_currency(PG_FUNCTION_ARGS)
{
	static UsomQuery query = {
		.text = "SELECT currency FROM usom.organisation WHERE org_id = $1",
		.nargs = 1,
		.argtypes = {"pg_catalog.int8"},
	};
	Datum		values[] = {Int64GetDatum(usom_party_caller_org())};
	Datum		currency;

	SPI_connect();
	usom_query_run(&query, values, NULL);
	currency = SPI_datumTransfer(usom_query_get(0, 1), false, -1);
	SPI_finish();
	return currency;
}

/* usom.next_document_no(kind) */
PG_FUNCTION_INFO_V1(usom_next_document_no);
Datum
usom_next_document_no(PG_FUNCTION_ARGS)
{
	int64		org_id = usom_party_caller_org();
	char	   *kind = text_to_cstring(PG_GETARG_TEXT_PP(0));
	Datum		number;

	SPI_connect();
	number = CStringGetTextDatum(usom_ident_document_no(org_id, kind));
	number = SPI_datumTransfer(number, false, -1);
	SPI_finish();
	return number;
}

/* usom.channel_id(code) */
PG_FUNCTION_INFO_V1(usom_channel_id);
Datum
usom_channel_id(PG_FUNCTION_ARGS)
{
	static UsomQuery query = {
		.text = "SELECT channel_id FROM usom.channel WHERE org_id = $1 AND code = $2",
		.nargs = 2,
		.argtypes = {"pg_catalog.int8", "pg_catalog.text"},
	};

	PG_RETURN_INT64(usom_lookup_id(&query, usom_party_caller_org(), PG_GETARG_TEXT_PP(0), "channel", "code"));
}

/* usom.customer_id(code) */
PG_FUNCTION_INFO_V1(usom_customer_id);
Datum
usom_customer_id(PG_FUNCTION_ARGS)
{
	static UsomQuery query = {
		.text = "SELECT customer_id FROM usom.customer WHERE org_id = $1 AND code = $2",
		.nargs = 2,
		.argtypes = {"pg_catalog.int8", "pg_catalog.text"},
	};

	PG_RETURN_INT64(usom_lookup_id(&query, usom_party_caller_org(), PG_GETARG_TEXT_PP(0), "customer", "code"));
}

void
usom_party_init(void)
{
	usom_call_at_abort(forget);
}
