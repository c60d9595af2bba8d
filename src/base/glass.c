/*
 * glass.c
 *		Break-glass: the one role that may write by hand what usom keeps.
 *
 *		Members of the role have to SET ROLE to it: inheriting its rights is
 *		not enough, so nobody breaks the glass by mistake.  Neither is a
 *		SECURITY DEFINER function that it owns: who acts must be the role that
 *		the audit will name.  Everything written is in the audit as usual, with
 *		the role and the reason.
 *
 * No memory, no locks, no statements.
 */
#include "postgres.h"

#include "base/glass.h"

#include "base/errors.h"
#include "base/settings.h"
#include "miscadmin.h"
#include "utils/acl.h"

bool
usom_glass_is(Oid role)
{
	return OidIsValid(role) && role == get_role_oid(USOM_GLASS_ROLE, true);
}

static bool
has_reason(void)
{
	return usom_setting_reason[strspn(usom_setting_reason, " \t\r\n")] != '\0';
}

bool
usom_glass_passes(void)
{
	if (GetUserId() != GetOuterUserId() || !usom_glass_is(GetUserId()))
		return false;
	if (!has_reason())
		ereport(ERROR, errcode(USOM_ERR(BREAK_GLASS_REASON)),
				errmsg("break-glass needs a reason"),
				errdetail("The audit keeps it beside what is written by hand."),
				errhint("SET LOCAL usom.reason = 'why';"));
	return true;
}
