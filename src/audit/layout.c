/*
 * layout.c
 *		What the audit has to know of a table, remembered per backend.
 *
 * Memory: the cache and each layout are in CacheMemoryContext; a layout is
 * replaced when it is asked for after the table has changed.  Nothing here
 * locks: the caller's lock on the table keeps its columns as they are.
 *
 * Invariant: a layout that is valid was made after the last change of the
 * table that this backend has seen.  The invalidation callback only marks.
 */
#include "postgres.h"

#include "audit/layout.h"

#include "access/htup_details.h"
#include "base/watch.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

typedef struct CacheEntry
{
	Oid			relid;			/* key */
	bool		valid;
	MemoryContext context;		/* of the layout; NULL: never made */
	UsomAuditLayout *layout;
} CacheEntry;

static HTAB *cache = NULL;

/* ---- which kind a column is ---- */

static UsomCanonKind
kind_of(Oid type)
{
	static const struct
	{
		Oid			type;
		UsomCanonKind kind;
	}			kinds[] = {
		{BOOLOID, CANON_BOOL}, {INT2OID, CANON_INT2}, {INT4OID, CANON_INT4}, {INT8OID, CANON_INT8},
		{FLOAT4OID, CANON_FLOAT4}, {FLOAT8OID, CANON_FLOAT8}, {NUMERICOID, CANON_NUMERIC},
		{TEXTOID, CANON_TEXT}, {VARCHAROID, CANON_TEXT}, {BPCHAROID, CANON_TEXT}, {NAMEOID, CANON_TEXT},
		{BYTEAOID, CANON_BYTEA}, {JSONBOID, CANON_JSON}, {JSONOID, CANON_JSON},
		{TIMESTAMPTZOID, CANON_TIMESTAMPTZ}, {TIMESTAMPOID, CANON_TIMESTAMP}, {DATEOID, CANON_DATE},
		{TEXTARRAYOID, CANON_ARRAY},
	};

	for (int i = 0; i < (int) lengthof(kinds); i++)
		if (kinds[i].type == type)
			return kinds[i].kind;
	return CANON_OTHER;
}

static Oid
schema_of(Oid type)
{
	HeapTuple	tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(type));
	Oid			schema;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for type %u", type);
	schema = ((Form_pg_type) GETSTRUCT(tuple))->typnamespace;
	ReleaseSysCache(tuple);
	return schema;
}

/* Text arrays, uuids and the state types of usom print the same under all settings. */
static bool
looks_at_settings(const UsomCanonColumn *column)
{
	if (column->kind != CANON_OTHER || column->type == UUIDOID)
		return false;
	return get_typtype(column->type) != TYPTYPE_BASE
		|| schema_of(column->type) != get_namespace_oid("usom", true);
}

static bool
is_secret(Oid type)
{
	return type == GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid, CStringGetDatum("secret"),
								   ObjectIdGetDatum(get_namespace_oid("usom", true)));
}

/* ---- making ---- */

static void
set_column(UsomCanonColumn *column, Form_pg_attribute attribute)
{
	Oid			output;
	bool		varlena;

	column->index = attribute->attnum - 1;
	column->type = getBaseType(attribute->atttypid);
	column->kind = is_secret(attribute->atttypid) ? CANON_SECRET : kind_of(column->type);
	if (column->kind != CANON_ARRAY && column->kind != CANON_OTHER)
		return;
	getTypeOutputInfo(column->type, &output, &varlena);
	fmgr_info_cxt(output, &column->output, CurrentMemoryContext);
}

static void
fill_layout(UsomAuditLayout *layout, TupleDesc tupdesc)
{
	const char **names = palloc(tupdesc->natts * sizeof(char *));
	const char **types = palloc(tupdesc->natts * sizeof(char *));

	layout->org_id = -1;
	layout->sales_order_id = -1;
	layout->canon.columns = palloc0(tupdesc->natts * sizeof(UsomCanonColumn));
	for (int i = 0; i < tupdesc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(tupdesc, i);
		UsomCanonColumn *column = &layout->canon.columns[layout->canon.ncolumns];

		if (attribute->attisdropped)
			continue;
		set_column(column, attribute);
		names[layout->canon.ncolumns] = NameStr(attribute->attname);
		types[layout->canon.ncolumns] = format_type_extended(column->type, -1, FORMAT_TYPE_FORCE_QUALIFY);
		layout->canon.needs_settings |= looks_at_settings(column);
		layout->canon.ncolumns++;
		if (column->type == INT8OID && strcmp(NameStr(attribute->attname), "org_id") == 0)
			layout->org_id = i;
		if (column->type == INT8OID && strcmp(NameStr(attribute->attname), "sales_order_id") == 0)
			layout->sales_order_id = i;
	}
	usom_canon_make_header(&layout->canon, names, types);
}

UsomAuditLayout *
usom_audit_layout_of_rows(TupleDesc tupdesc)
{
	UsomAuditLayout *layout = palloc0(sizeof(UsomAuditLayout));

	fill_layout(layout, tupdesc);
	return layout;
}

/* The new layout is made aside and replaces the old one when nothing can fail any more. */
static void
make_layout(CacheEntry *entry, Relation table)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "usom audit layout", ALLOCSET_SMALL_SIZES);
	MemoryContext outer = MemoryContextSwitchTo(context);
	UsomAuditLayout *layout = usom_audit_layout_of_rows(RelationGetDescr(table));

	MemoryContextSwitchTo(outer);
	if (layout->org_id < 0)
		ereport(ERROR, errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				errmsg("table \"%s\" cannot be audited", RelationGetRelationName(table)),
				errdetail("It has no column org_id of type bigint."));

	MemoryContextSetParent(context, CacheMemoryContext);
	if (entry->context != NULL)
		MemoryContextDelete(entry->context);
	entry->context = context;
	entry->layout = layout;
	entry->valid = true;
}

static void
make_cache(void)
{
	HASHCTL		control = {.keysize = sizeof(Oid), .entrysize = sizeof(CacheEntry), .hcxt = CacheMemoryContext};

	cache = hash_create("usom audit layouts", 64, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

const UsomAuditLayout *
usom_audit_layout(Relation table)
{
	Oid			relid = RelationGetRelid(table);
	CacheEntry *entry;
	bool		found;

	if (unlikely(cache == NULL))
		make_cache();
	entry = hash_search(cache, &relid, HASH_ENTER, &found);
	if (!found)
	{
		entry->valid = false;
		entry->context = NULL;
	}
	if (unlikely(!entry->valid))
		make_layout(entry, table);
	return entry->layout;
}

/* ---- settings ---- */

void
usom_audit_fix_settings(void)
{
	static const char *const settings[][2] = {
		{"datestyle", "ISO, YMD"}, {"intervalstyle", "iso_8601"}, {"timezone", "UTC"},
		{"extra_float_digits", "1"}, {"bytea_output", "hex"}, {"lc_monetary", "C"}, {"xmloption", "content"},
		{"search_path", "pg_catalog"}, {"quote_all_identifiers", "off"},
	};

	for (int i = 0; i < (int) lengthof(settings); i++)
		(void) set_config_option(settings[i][0], settings[i][1], PGC_USERSET, PGC_S_SESSION,
								 GUC_ACTION_SAVE, true, 0, false);
}

/* ---- forgetting ---- */

static void
mark_changed(Oid relid)
{
	HASH_SEQ_STATUS scan;
	CacheEntry *entry;

	if (cache == NULL)
		return;
	if (OidIsValid(relid))
	{
		entry = hash_search(cache, &relid, HASH_FIND, NULL);
		if (entry != NULL)
			entry->valid = false;
		return;
	}
	hash_seq_init(&scan, cache);
	while ((entry = hash_seq_search(&scan)) != NULL)
		entry->valid = false;
}

void
usom_audit_layout_init(void)
{
	usom_watch_tables(mark_changed);
}
