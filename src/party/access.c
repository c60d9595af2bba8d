/*
 * access.c
 *		Which role works for which organisation, and by which channels.
 *
 *		usom.access has a row for each profile that a role was given in an
 *		organisation.  A role works for those of every role whose rights it
 *		has, so rows may be given to groups.  Rows add up: a role that one row
 *		limits to a channel and another does not is not limited.  Privileges are
 *		those of group roles, which know no organisations; so a role must have
 *		in each organisation a row for every profile that it is a member of.
 *
 *		Rows of the profile break_glass count for nothing but the role
 *		usom_break_glass itself, and there for whoever logged in: SET ROLE
 *		changes what may be done, not for whom.
 *
 * Memory: lists of channels in CurrentMemoryContext.  Nothing here locks.
 */
#include "postgres.h"

#include "party/access.h"

#include "base/errors.h"
#include "base/fetch.h"
#include "base/glass.h"
#include "base/owner.h"
#include "base/query.h"
#include "base/settings.h"
#include "base/trigger.h"
#include "base/watch.h"
#include "catalog/namespace.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

PG_FUNCTION_INFO_V1(usom__access_changed);

static void (*on_change) (void) = NULL;
static Oid	access_relid = InvalidOid;	/* as last read */

static UsomFetch read_access = {
	.table = "access",
	.index = "access_pkey",
	.nkeys = 1,
	.keys = {{"org_id", "bigint"}},
	.ncolumns = 3,
	.columns = {{"role", "text"}, {"profile", "text"}, {"channel_id", "bigint"}},
	.query = {
		.text = "SELECT a.role, a.profile, a.channel_id FROM usom.access a WHERE a.org_id = $1",
		.nargs = 1,
		.argtypes = {"bigint"},
	},
};

static bool
has_profile(Oid role, const char *group)
{
	Oid			oid = get_role_oid(group, true);

	return OidIsValid(oid) && is_member_of_role_nosuper(role, oid);
}

/* Whoever sets prices approves nothing, by whichever way the two came together. */
static void
check_duties(Oid role)
{
	if (has_profile(role, "usom_integrator") && has_profile(role, "usom_manager"))
		ereport(ERROR, errcode(USOM_ERR(SEPARATION_OF_DUTIES)),
				errmsg("role \"%s\" both writes prices and approves", GetUserNameFromId(role, false)),
				errdetail("It is a member of usom_integrator and of usom_manager."),
				errhint("REVOKE one of the two; a role that may become another counts as that one, too."));
}

/* Profiles whose group role gives rights; the guards see to it that break_glass is not inherited. */
static const char *const profiles[] = {"agent", "manager", "warehouse", "channel", "integrator", "bi", "auditor"};

#define PROFILE_BIT(i) (UINT32_C(1) << (i))

static uint32
bit_of_profile(const char *name)
{
	for (int i = 0; i < (int) lengthof(profiles); i++)
		if (strcmp(name, profiles[i]) == 0)
			return PROFILE_BIT(i);
	return 0;
}

/* Privileges are the role's whatever it works for, so a profile of one organisation would hold in all. */
static void
check_profiles(Oid role, uint32 granted)
{
	for (int i = 0; i < (int) lengthof(profiles); i++)
	{
		Oid			group = get_role_oid(psprintf("usom_%s", profiles[i]), true);

		if ((granted & PROFILE_BIT(i)) != 0 || !OidIsValid(group) || !has_privs_of_role(role, group))
			continue;
		ereport(ERROR, errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				errmsg("role \"%s\" is %s, but not for organisation \"%s\"",
					   GetUserNameFromId(role, false), profiles[i], usom_setting_org),
				errdetail("What a role may do does not depend on the organisation, so it needs the same profiles in all that it works for."),
				errhint("Grant it the profile here, too, with usom.grant_access(), or use a role for each organisation."));
	}
}

/* Does a row of usom.access speak of the role? */
static bool
row_applies(Oid role, uint64 row)
{
	Oid			granted = get_role_oid(usom_query_get_text(row, 1), true);
	bool		glass_row = strcmp(usom_query_get_text(row, 2), "break_glass") == 0;

	if (!OidIsValid(granted))
		return false;
	if (usom_glass_is(role))
		return glass_row && is_member_of_role(GetSessionUserId(), granted);
	return !glass_row && has_privs_of_role(role, granted);
}

static uint32
take_row(UsomAccess *access, uint64 row)
{
	bool		everywhere;
	int64		channel_id = DatumGetInt64(usom_query_get_or_null(row, 3, &everywhere));

	access->member = true;
	if (everywhere)
		access->limited = false;
	else
		access->channels[access->nchannels++] = channel_id;
	return bit_of_profile(usom_query_get_text(row, 2));
}

UsomAccess
usom_party_access(int64 org_id, Oid role)
{
	UsomAccess	access = {.member = false, .limited = true};
	Datum		values[] = {Int64GetDatum(org_id)};
	Oid			schema = get_namespace_oid("usom", false);
	uint64		nrows;
	uint32		granted = 0;

	if (usom_owner_is(role) || (usom_glass_is(role) && usom_owner_is(GetSessionUserId())))
		return (UsomAccess) {.member = true};
	check_duties(role);
	access_relid = get_relname_relid("access", schema);
	nrows = usom_fetch_look(&read_access, values, NULL);
	access.channels = palloc_array(int64, Max(nrows, 1));
	for (uint64 row = 0; row < nrows; row++)
		if (row_applies(role, row))
			granted |= take_row(&access, row);
	if (access.member)
		check_profiles(role, granted);
	return access;
}

UsomAccess
usom_party_access_both(const UsomAccess *one, const UsomAccess *other)
{
	UsomAccess	both = {.member = one->member && other->member, .limited = true};

	if (!one->limited || !other->limited)
	{
		const UsomAccess *tighter = one->limited ? one : other;

		both.limited = tighter->limited;
		both.nchannels = tighter->nchannels;
		both.channels = tighter->channels;
		return both;
	}
	both.channels = palloc_array(int64, Max(one->nchannels, 1));
	for (int i = 0; i < one->nchannels; i++)
		for (int j = 0; j < other->nchannels; j++)
			if (one->channels[i] == other->channels[j])
			{
				both.channels[both.nchannels++] = one->channels[i];
				break;
			}
	return both;
}

/* usom._access_changed(): tells every backend to look again. */
Datum
usom__access_changed(PG_FUNCTION_ARGS)
{
	static const UsomTriggerSpec spec = {"usom._access_changed", .before = false, .row = true};
	TriggerData *trigdata = usom_trigger_check(fcinfo, &spec);

	CacheInvalidateRelcache(trigdata->tg_relation);
	return PointerGetDatum(NULL);
}

static void
at_syscache_change(Datum argument, int cacheid, uint32 hash)
{
	on_change();
}

static void
at_table_change(Oid relid)
{
	if (relid == access_relid || !OidIsValid(relid))
		on_change();
}

void
usom_party_access_init(void (*changed) (void))
{
	on_change = changed;
	CacheRegisterSyscacheCallback(AUTHOID, at_syscache_change, (Datum) 0);
	CacheRegisterSyscacheCallback(AUTHMEMROLEMEM, at_syscache_change, (Datum) 0);
	CacheRegisterSyscacheCallback(NAMESPACEOID, at_syscache_change, (Datum) 0);
	usom_watch_tables(at_table_change);
}
