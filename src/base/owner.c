/*
 * owner.c
 *		Whose the tables are.
 *
 *		Every statement of the library runs as the owner of the tables
 *		(query.c), so callers need no rights on the tables that a verb writes:
 *		the right to call it is the right to do what it does.  SECURITY DEFINER
 *		would do the same, but members of an extension are owned by whoever
 *		made it, and a dump does not carry another owner; see
 *		doc/decisions/023-statements-run-as-the-owner.md.
 *
 * Memory: three numbers.  Nothing here locks.
 *
 * Invariant: owner is that of usom._schema_step as the catalog of the present
 * transaction has it.  Invalidation messages make it forgotten, those of a
 * transaction that rolls back included; the callbacks only mark.
 */
#include "postgres.h"

#include "base/owner.h"

#include "access/htup_details.h"
#include "base/watch.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

static Oid	owner = InvalidOid;		/* not known */
static Oid	steps_relid = InvalidOid;	/* table that told it */
static Oid	schema_seen = InvalidOid;
static uint32 era = 1;
static uint32 changes = 1;

static void
note_schema(Oid schema)
{
	if (OidIsValid(schema) && schema != schema_seen)
	{
		schema_seen = schema;
		era++;
	}
}

static Oid
find_owner(void)
{
	Oid			schema = get_namespace_oid("usom", true);
	HeapTuple	tuple;

	note_schema(schema);
	steps_relid = OidIsValid(schema) ? get_relname_relid("_schema_step", schema) : InvalidOid;
	if (!OidIsValid(steps_relid))
		return InvalidOid;
	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(steps_relid));
	if (!HeapTupleIsValid(tuple))
		return InvalidOid;
	owner = ((Form_pg_class) GETSTRUCT(tuple))->relowner;
	ReleaseSysCache(tuple);
	return owner;
}

Oid
usom_owner_get(void)
{
	return likely(OidIsValid(owner)) ? owner : find_owner();
}

bool
usom_owner_is(Oid role)
{
	Oid			found = usom_owner_get();

	return superuser_arg(role) || (OidIsValid(found) && has_privs_of_role(role, found));
}

uint32
usom_owner_era(void)
{
	return era;
}

uint32
usom_owner_changes(void)
{
	return changes;
}

static void
at_schema_change(Datum argument, int cacheid, uint32 hash)
{
	owner = InvalidOid;
}

static void
at_table_change(Oid relid)
{
	if (relid != steps_relid && OidIsValid(relid))
		return;
	owner = InvalidOid;
	changes++;
}

void
usom_owner_init(void)
{
	CacheRegisterSyscacheCallback(NAMESPACEOID, at_schema_change, (Datum) 0);
	usom_watch_tables(at_table_change);
}
