/*
 * approval_queue.c
 *		Who is of a queue.
 *
 *		A queue is called after a profile (its members are those of the group
 *		role usom_<profile>) or after a role.  Asked is the role that acts: the
 *		one that logged in, or that SET ROLE chose.
 *
 * No memory, no locks.
 */
#include "postgres.h"

#include "order/approval.h"

#include "fmgr.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(usom__queue_exists);
PG_FUNCTION_INFO_V1(usom__in_queue);

/* InvalidOid if there is none. */
static Oid
role_of(const char *queue)
{
	Oid			group = get_role_oid(psprintf("usom_%s", queue), true);

	return OidIsValid(group) ? group : get_role_oid(queue, true);
}

bool
usom_approval_is_member(const char *queue)
{
	Oid			role = role_of(queue);

	return OidIsValid(role) && has_privs_of_role(GetOuterUserId(), role);
}

/* usom._queue_exists(queue) */
Datum
usom__queue_exists(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(OidIsValid(role_of(text_to_cstring(PG_GETARG_TEXT_PP(0)))));
}

/* usom._in_queue(queue) */
Datum
usom__in_queue(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(usom_approval_is_member(text_to_cstring(PG_GETARG_TEXT_PP(0))));
}
