/*
 * drop.c
 *		Orders are not dropped in passing.
 *
 *		An event trigger at the start of DROP commands looks at the parse
 *		tree, since afterwards it is too late: with the extension goes its own
 *		event trigger.  It asks for rows only when the command would reach
 *		the tables of usom, so other DROP commands pay a few comparisons.
 *
 *		Also dangerous, because the extension hangs on them: its nominal
 *		schema (public, mostly), the extension plpgsql, and whatever its owner
 *		owns.
 *
 *		No locks, no memory.
 */
#include "postgres.h"
#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "commands/event_trigger.h"
#include "executor/spi.h"
#include "nodes/parsenodes.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "base/errors.h"
#include "base/query.h"
#include "base/settings.h"

/* What must not go while there are orders. */
typedef struct Keep
{
	Oid			schema;			/* usom */
	Oid			home;			/* nominal schema of the extension */
	Oid			extension_owner;
	Oid			table_owner;
} Keep;

static Oid
owner_of_table(Oid relid)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	Oid			owner;

	if (!HeapTupleIsValid(tuple))
		return InvalidOid;
	owner = ((Form_pg_class) GETSTRUCT(tuple))->relowner;
	ReleaseSysCache(tuple);
	return owner;
}

/* The caller is connected to SPI. */
static void
find_extension(Keep *keep)
{
	static UsomQuery query = {
		.text = "SELECT extnamespace, extowner FROM pg_catalog.pg_extension"
		" WHERE extname OPERATOR(pg_catalog.=) 'usom'",
	};

	if (usom_query_run(&query, NULL, NULL) == 0)
		return;
	keep->home = DatumGetObjectId(usom_query_get(0, 1));
	keep->extension_owner = DatumGetObjectId(usom_query_get(0, 2));
}

/* The caller is connected to SPI.  Any organisation counts. */
static bool
orders_exist(void)
{
	static UsomQuery query = {.text = "SELECT org_id FROM usom.sales_order LIMIT 1"};

	return usom_query_run(&query, NULL, NULL) > 0;
}

static bool
drops_extension(const DropStmt *stmt)
{
	ListCell   *cell;

	foreach(cell, stmt->objects)
	{
		const char *name = strVal(lfirst(cell));

		if (strcmp(name, "usom") == 0 || strcmp(name, "plpgsql") == 0)
			return stmt->behavior == DROP_CASCADE;
	}
	return false;
}

static bool
drops_schema(const DropStmt *stmt, const Keep *keep)
{
	ListCell   *cell;

	foreach(cell, stmt->objects)
	{
		Oid			schema = get_namespace_oid(strVal(lfirst(cell)), true);

		if (schema == keep->schema || (schema == keep->home && stmt->behavior == DROP_CASCADE))
			return true;
	}
	return false;
}

static bool
drops_table(const DropStmt *stmt, const Keep *keep)
{
	ListCell   *cell;

	foreach(cell, stmt->objects)
	{
		RangeVar   *name = makeRangeVarFromNameList(lfirst_node(List, cell));
		Oid			relid = RangeVarGetRelid(name, NoLock, true);

		if (OidIsValid(relid) && get_rel_namespace(relid) == keep->schema)
			return true;
	}
	return false;
}

static bool
drops_owned(const DropOwnedStmt *stmt, const Keep *keep)
{
	ListCell   *cell;

	foreach(cell, stmt->roles)
	{
		Oid			role = get_rolespec_oid(lfirst_node(RoleSpec, cell), true);

		if (role == keep->table_owner || role == keep->extension_owner)
			return true;
	}
	return false;
}

static bool
reaches_orders(Node *parsetree, const Keep *keep)
{
	if (IsA(parsetree, DropOwnedStmt))
		return drops_owned((DropOwnedStmt *) parsetree, keep);
	if (!IsA(parsetree, DropStmt))
		return false;
	switch (((DropStmt *) parsetree)->removeType)
	{
		case OBJECT_EXTENSION:
			return drops_extension((DropStmt *) parsetree);
		case OBJECT_SCHEMA:
			return drops_schema((DropStmt *) parsetree, keep);
		case OBJECT_TABLE:
			return drops_table((DropStmt *) parsetree, keep);
		default:
			return false;
	}
}

/* usom.guard_drop() */
PG_FUNCTION_INFO_V1(usom_guard_drop);
Datum
usom_guard_drop(PG_FUNCTION_ARGS)
{
	Keep		keep = {0};
	EventTriggerData *trigdata = (EventTriggerData *) fcinfo->context;
	Oid			orders;
	bool		refused;

	if (!CALLED_AS_EVENT_TRIGGER(fcinfo))
		ereport(ERROR,
				errcode(ERRCODE_E_R_I_E_EVENT_TRIGGER_PROTOCOL_VIOLATED),
				errmsg("function \"usom.guard_drop\" was not called by an event trigger"));
	keep.schema = get_namespace_oid("usom", true);
	orders = OidIsValid(keep.schema) ? get_relname_relid("sales_order", keep.schema) : InvalidOid;
	if (usom_setting_allow_drop || !OidIsValid(orders))
		return (Datum) 0;
	keep.table_owner = owner_of_table(orders);

	SPI_connect();
	find_extension(&keep);
	refused = reaches_orders(trigdata->parsetree, &keep) && orders_exist();
	SPI_finish();
	if (refused)
		ereport(ERROR,
				errcode(USOM_ERR(ORDERS_EXIST)),
				errmsg("the command would drop orders"),
				errdetail("usom.sales_order has rows."),
				errhint("If that is what you want: SET usom.allow_drop = on;"));
	return (Datum) 0;
}
