/*
 * org.c
 *		The organisation that the caller works for, and lookups by code.
 *
 *		usom.org names it, and usom.access says who may: the role that logged
 *		in or that SET ROLE chose, and, inside SECURITY DEFINER functions of
 *		others, the role that they run as, too.  The answer is remembered per
 *		backend with all it was found by, and compared at each use, so a
 *		setting or a role that changes in whatever way is noticed.  Whatever
 *		else could make it wrong makes it forgotten: an abort, another grant or
 *		role, another schema usom.
 *
 * Memory: code and channels of what is remembered in TopMemoryContext.
 *
 * No locks.
 */
#include "postgres.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/rls.h"

#include "base/call.h"
#include "base/card_guard.h"
#include "base/errors.h"
#include "base/fetch.h"
#include "base/ident.h"
#include "base/lookup.h"
#include "base/owner.h"
#include "base/query.h"
#include "base/settings.h"
#include "party/access.h"
#include "party/house.h"
#include "party/party.h"
#include "party/person.h"

static struct
{
	bool		valid;
	char	   *code;
	Oid			outer_role;
	Oid			role;			/* may act beside the outer one and the owner of the tables */
	int64		org_id;
	UsomAccess	access;
}			known;

/* Rises with everything that could make an answer wrong. */
static uint64 changes = 0;

/* A callback of the caches, too: it only marks. */
static void
forget(void)
{
	known.valid = false;
	changes++;
}

static bool
is_known(void)
{
	Oid			role = GetUserId();

	return known.valid && known.outer_role == GetOuterUserId()
		&& (role == known.role || role == known.outer_role || role == usom_owner_get())
		&& strcmp(known.code, usom_setting_org) == 0;
}

/* 0 if there is none. */
static int64
find_org(const char *code)
{
	static UsomFetch fetch = {
		.table = "organisation",
		.index = "organisation_code_unique",
		.nkeys = 1,
		.keys = {{"code", "text"}},
		.ncolumns = 1,
		.columns = {{"org_id", "bigint"}},
		.query = {
			.text = "SELECT org_id FROM usom.organisation WHERE code = $1",
			.nargs = 1,
			.argtypes = {"text"},
		},
	};
	Datum		values[] = {CStringGetTextDatum(code)};

	return usom_fetch_run(&fetch, values, NULL) == 0 ? 0 : DatumGetInt64(usom_query_get(0, 1));
}

static void
refuse_unknown(const char *code)
{
	ereport(ERROR,
			errcode(USOM_ERR(UNKNOWN_CODE)),
			errmsg("organisation \"%s\" does not exist", code),
			errdetail("The setting usom.org names it."),
			errhint("SET usom.org to the code of an organisation, or INSERT INTO usom.organisation (code) VALUES (%s);",
					quote_literal_cstr(code)));
}

/* Says the same whether there is such an organisation or not. */
static void
refuse_stranger(Oid role, const char *code)
{
	char	   *name = GetUserNameFromId(role, false);

	ereport(ERROR,
			errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			errmsg("role \"%s\" does not work for organisation \"%s\"", name, code),
			errdetail("The setting usom.org names it."),
			errhint("SET usom.org to your organisation, or have a superuser call usom.grant_access(%s, profile, %s).",
					quote_literal_cstr(name), quote_literal_cstr(code)));
}

static UsomAccess
check_role(Oid role, int64 org_id)
{
	UsomAccess	access = {.member = false};

	if (org_id == 0 && usom_owner_is(role))
		refuse_unknown(usom_setting_org);
	if (org_id != 0)
		access = usom_party_access(org_id, role);
	if (!access.member)
		refuse_stranger(role, usom_setting_org);
	return access;
}

static void
publish(int64 org_id, Oid role, const UsomAccess *access)
{
	char	   *code = MemoryContextStrdup(TopMemoryContext, usom_setting_org);
	int64	   *channels = MemoryContextAlloc(TopMemoryContext, Max(access->nchannels, 1) * sizeof(int64));

	known.valid = false;
	if (known.code != NULL)
	{
		pfree(known.code);
		pfree(known.access.channels);
	}
	if (access->nchannels > 0)
		memcpy(channels, access->channels, access->nchannels * sizeof(int64));
	known.code = code;
	known.outer_role = GetOuterUserId();
	known.role = role;
	known.org_id = org_id;
	known.access = *access;
	known.access.channels = channels;
}

int64
usom_party_org(void)
{
	Oid			outer_role = GetOuterUserId();
	Oid			role = GetUserId();
	uint64		seen = changes;
	int64		org_id;
	UsomAccess	access;

	if (likely(is_known()))
		return known.org_id;
	org_id = find_org(usom_setting_org);
	access = check_role(outer_role, org_id);
	if (role != outer_role && role != usom_owner_get())
	{
		UsomAccess	inner = check_role(role, org_id);

		access = usom_party_access_both(&access, &inner);
	}
	else
		role = outer_role;
	publish(org_id, role, &access);
	/* what was revoked while it was looked up is looked up again at the next use */
	known.valid = seen == changes;
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

bool
usom_party_sees_channel(int64 channel_id)
{
	(void) usom_party_caller_org();
	if (likely(!known.access.limited))
		return true;
	for (int i = 0; i < known.access.nchannels; i++)
		if (known.access.channels[i] == channel_id)
			return true;
	return false;
}

bool
usom_party_sees_all_channels(void)
{
	(void) usom_party_caller_org();
	return !known.access.limited;
}

Datum
usom_party_channels(bool *isnull)
{
	Datum	   *elements;

	*isnull = usom_party_sees_all_channels();
	if (*isnull)
		return (Datum) 0;
	elements = palloc_array(Datum, Max(known.access.nchannels, 1));
	for (int i = 0; i < known.access.nchannels; i++)
		elements[i] = Int64GetDatum(known.access.channels[i]);
	return PointerGetDatum(construct_array_builtin(elements, known.access.nchannels, INT8OID));
}

/* ---- rows that triggers see before policies do ---- */

bool
usom_party_has_policies(Relation table)
{
	return check_enable_rls(RelationGetRelid(table), InvalidOid, true) == RLS_ENABLED;
}

static void
refuse_row(Relation table)
{
	ereport(ERROR,
			errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			errmsg("new row violates row-level security policy for table \"%s\"", RelationGetRelationName(table)));
}

void
usom_party_check_side(Relation table, int64 org_id)
{
	if (usom_party_has_policies(table) && org_id != usom_party_caller_org())
		refuse_row(table);
}

void
usom_party_check_channel(Relation table, int64 channel_id)
{
	if (usom_party_has_policies(table) && !usom_party_sees_channel(channel_id))
		refuse_row(table);
}

/* ---- what SQL may ask ---- */

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
	int64		org_id = usom_party_caller_org();
	Datum		currency;

	SPI_connect();
	currency = SPI_datumTransfer(CStringGetTextDatum(usom_party_house(org_id)->currency), false, -1);
	SPI_finish();
	return currency;
}

/* usom.next_document_no(kind) */
PG_FUNCTION_INFO_V1(usom_next_document_no);
Datum
usom_next_document_no(PG_FUNCTION_ARGS)
{
	char	   *kind = text_to_cstring(PG_GETARG_TEXT_PP(0));
	int64		org_id;
	Datum		number;

	usom_card_check_string("argument kind", kind);
	org_id = usom_party_caller_org();
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
	static UsomFetch fetch = {
		.table = "channel", .index = "channel_code_unique", .limit = 1,
		.nkeys = 2, .keys = {{"org_id", "bigint"}, {"code", "text"}},
		.ncolumns = 1, .columns = {{"channel_id", "bigint"}},
		.query = {.text = "SELECT channel_id FROM usom.channel WHERE org_id = $1 AND code = $2", .nargs = 2, .argtypes = {"bigint", "text"}},
	};

	PG_RETURN_INT64(usom_lookup_id(&fetch, usom_party_caller_org(), PG_GETARG_TEXT_PP(0), "channel", "code"));
}

/* usom.customer_id(code) */
PG_FUNCTION_INFO_V1(usom_customer_id);
Datum
usom_customer_id(PG_FUNCTION_ARGS)
{
	static UsomFetch fetch = {
		.table = "customer", .index = "customer_code_unique", .limit = 1,
		.nkeys = 2, .keys = {{"org_id", "bigint"}, {"code", "text"}},
		.ncolumns = 1, .columns = {{"customer_id", "bigint"}},
		.query = {.text = "SELECT customer_id FROM usom.customer WHERE org_id = $1 AND code = $2", .nargs = 2, .argtypes = {"bigint", "text"}},
	};

	PG_RETURN_INT64(usom_lookup_id(&fetch, usom_party_caller_org(), PG_GETARG_TEXT_PP(0), "customer", "code"));
}

void
usom_party_init(void)
{
	usom_call_at_abort(forget);
	usom_party_access_init(forget);
	usom_person_init();
	usom_party_house_init();
}
