/*
 * actor.c
 *		Who acts in this backend, as the audit will say.
 *
 * Memory: static buffers; a masked name of the client in CurrentMemoryContext.
 * Nothing here locks.
 *
 * The names of the two roles are remembered until a role changes; the client's
 * address does not change while the backend lives.
 *
 * The active role is the one SET ROLE chose (as PostgREST and poolers do), not
 * the owner of a SECURITY DEFINER function that happens to run: that one says
 * nothing about who asked.
 */
#include "postgres.h"

#include "audit/entry.h"

#include "base/card_guard.h"
#include "base/settings.h"
#include "miscadmin.h"
#include "utils/fmgrprotos.h"
#include "utils/guc.h"
#include "utils/inval.h"
#include "utils/syscache.h"

#define MAX_ADDRESS 64

typedef struct RoleName
{
	Oid			role;			/* InvalidOid: not known */
	char		name[NAMEDATALEN];
} RoleName;

static RoleName session_role;
static RoleName active_role;
static char client_address[MAX_ADDRESS];

static const char *
name_of_role(RoleName *known, Oid role)
{
	char	   *name;

	if (likely(known->role == role))
		return known->name;
	name = GetUserNameFromId(role, true);
	if (name == NULL)
		snprintf(known->name, sizeof(known->name), "role %u", role);	/* dropped while it worked */
	else
		strlcpy(known->name, name, sizeof(known->name));
	known->role = role;
	return known->name;
}

/* Asked of inet_client_addr(): it is null for sockets of the machine itself. */
static void
find_client_address(void)
{
	LOCAL_FCINFO(fcinfo, 0);
	Datum		address;

	InitFunctionCallInfoData(*fcinfo, NULL, 0, InvalidOid, NULL, NULL);
	address = inet_client_addr(fcinfo);
	strlcpy(client_address,
			fcinfo->isnull ? "local" : DatumGetCString(DirectFunctionCall1(inet_out, address)),
			sizeof(client_address));
}

/* Clients call themselves as they like, and nobody asks usom: so a card number is masked, not refused. */
static const char *
name_of_client(void)
{
	char	   *name;

	if (application_name == NULL)
		return "";
	if (likely(!usom_card_is_in(application_name)))
		return application_name;
	name = pstrdup(application_name);
	usom_card_mask(name);
	return name;
}

UsomActor
usom_audit_actor(void)
{
	if (unlikely(client_address[0] == '\0'))
		find_client_address();
	return (UsomActor) {
		.session_role = name_of_role(&session_role, GetSessionUserId()),
		.active_role = name_of_role(&active_role, GetOuterUserId()),
		.app_user = usom_setting_app_user,
		.client_addr = client_address,
		.application_name = name_of_client(),
	};
}

static void
forget_roles(Datum argument, int cacheid, uint32 hashvalue)
{
	session_role.role = InvalidOid;
	active_role.role = InvalidOid;
}

void
usom_audit_actor_init(void)
{
	CacheRegisterSyscacheCallback(AUTHOID, forget_roles, (Datum) 0);
}
