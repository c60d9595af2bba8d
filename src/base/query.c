/*
 * query.c
 *		Statements with kept plans.
 *
 * Memory: plans live in SPI's plan context until the backend ends; results
 * are SPI's.  Nothing here locks.
 *
 * Plans are generic and made for nested loops over keys: other joins and scans
 * are switched off, and every table counts as large (pretend_large).  Every
 * statement of usom on the hot path reaches a few rows by key.  A plan made
 * while the tables were empty would scan them, and would be kept while they
 * grow.  None is ever compiled (plan_without_jit).
 *
 * Every statement runs as the owner of the tables and with USOM_SEARCH_PATH.
 * Whoever could slip an operator or a function of his own into one would act
 * as the owner, so the path is looked at each time, not only when a plan is
 * made: PostgreSQL plans anew when it differs.  An error leaves the owner
 * behind: the abort of the (sub)transaction restores user and settings.
 *
 * Invariant: usom_query_is_writer() is true only for triggers that a statement
 * of usom_query_write() fires itself.  Triggers of others that those fire in
 * turn are one level deeper and are not believed.
 */
#include "postgres.h"

#include "base/call.h"
#include "base/errors.h"
#include "base/owner.h"
#include "base/query.h"

#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "jit/jit.h"
#include "optimizer/plancat.h"
#include "optimizer/planner.h"
#include "parser/parse_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

#define NO_WRITER (-1)
#define MOST_COLUMNS 64			/* of a row that is taken apart at once */

/* As the functions of usom have it in their SET clause. */
#define USOM_SEARCH_PATH "pg_catalog, usom, pg_temp"

/* Trigger depth at which a statement of usom's own writer runs. */
static int	writer_depth = NO_WRITER;

static uint64 statement_count = 0;

#define LARGE_TUPLES 1000000.0
#define LARGE_PAGES 20000

/* Is a plan of usom being made? */
static bool planning = false;
static get_relation_info_hook_type next_relation_hook = NULL;
static planner_hook_type next_planner_hook = NULL;

static int
trigger_depth(void)
{
	return DatumGetInt32(DirectFunctionCall1(pg_trigger_depth, (Datum) 0));
}

bool
usom_query_is_writer(void)
{
	return writer_depth != NO_WRITER && trigger_depth() == writer_depth + 1;
}

void
usom_query_note_direct(void)
{
	statement_count++;
}

uint64
usom_query_count(void)
{
	return statement_count;
}

/*
 * While a plan of usom is made, every table of the statement counts as large.
 * Tables that were never analysed, or are still small, look as if org_id alone
 * chose one or two rows, and a join by full key would be planned as a scan of
 * the organisation for each row of the array.  Estimates of a large table make
 * the full key win whatever the statistics say.  The checks of foreign keys
 * that a call fires are planned under it too.
 */
static void
pretend_large(PlannerInfo *root, Oid relid, bool inhparent, RelOptInfo *rel)
{
	ListCell   *cell;

	if (next_relation_hook != NULL)
		next_relation_hook(root, relid, inhparent, rel);
	if (!planning && !usom_call_active())
		return;
	rel->tuples = Max(rel->tuples, LARGE_TUPLES);
	rel->pages = Max(rel->pages, LARGE_PAGES);
	foreach(cell, rel->indexlist)
	{
		IndexOptInfo *index = lfirst(cell);

		index->tuples = Max(index->tuples, LARGE_TUPLES);
		index->pages = Max(index->pages, LARGE_PAGES);
		index->tree_height = Max(index->tree_height, 2);
	}
}

/*
 * What looks large looks as if compiling it would pay.  It never does: a plan
 * reaches a few rows, and to compile it takes longer than a hundred runs.
 * This is for statements of SQL functions and of triggers as well, which are
 * planned within a call with the caller's settings.
 */
static PlannedStmt *
plan_without_jit(Query *parse, const char *statement, int options, ParamListInfo params)
{
	PlannedStmt *plan = next_planner_hook != NULL ? next_planner_hook(parse, statement, options, params)
		: standard_planner(parse, statement, options, params);

	if (planning || usom_call_active())
		plan->jitFlags = PGJIT_NONE;
	return plan;
}

void
usom_query_init(void)
{
	usom_owner_init();
	next_planner_hook = planner_hook;
	planner_hook = plan_without_jit;
	next_relation_hook = get_relation_info_hook;
	get_relation_info_hook = pretend_large;
}

/* Of schema usom, perhaps with [] after the name. */
Oid
usom_query_type(const char *name)
{
	Oid			schema = get_namespace_oid("usom", false);
	size_t		length = strlen(name);
	bool		is_array = length > 2 && strcmp(name + length - 2, "[]") == 0;
	char	   *bare = pnstrdup(name, is_array ? length - 2 : length);
	Oid			type = GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid, CStringGetDatum(bare), ObjectIdGetDatum(schema));

	if (OidIsValid(type) && is_array)
		type = get_array_type(type);
	if (!OidIsValid(type))
		elog(ERROR, "type usom.%s does not exist", name);
	pfree(bare);
	return type;
}

static void
set_for_statement(const char *name, const char *value)
{
	(void) set_config_option(name, value, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
}

/* Settings that hold while a plan is made. */
static void
set_planner_for_keys(void)
{
	static const char *const off[] = {
		"enable_hashjoin", "enable_mergejoin", "enable_seqscan", "enable_bitmapscan", "enable_material",
		"enable_memoize"
	};

	for (int i = 0; i < (int) lengthof(off); i++)
		set_for_statement(off[i], "off");
}

/*
 * The type of a name, which the parser would find as well, by way of a
 * statement that it makes of the name.
 */
Oid
usom_query_find_type(const char *name)
{
	static const struct
	{
		const char *name;
		Oid			type;
	}			frequent[] = {
		{"bigint", INT8OID}, {"bigint[]", INT8ARRAYOID}, {"text", TEXTOID}, {"text[]", TEXTARRAYOID}, {"timestamptz", TIMESTAMPTZOID},
		{"integer", INT4OID}, {"integer[]", INT4ARRAYOID}, {"numeric", NUMERICOID}, {"boolean", BOOLOID}, {"jsonb", JSONBOID},
		{"bytea", BYTEAOID}, {"smallint", INT2OID}, {"interval", INTERVALOID}, {"tid", TIDOID}, {"pg_catalog.int8", INT8OID}, {"pg_catalog.text", TEXTOID}
	};
	Oid			type;
	int32		typmod;

	for (int i = 0; i < (int) lengthof(frequent); i++)
		if (strcmp(name, frequent[i].name) == 0)
			return frequent[i].type;
	if (strncmp(name, "usom.", 5) == 0)
		return usom_query_type(name + 5);
	parseTypeString(name, &type, &typmod, false);
	return type;
}

/*
 * A plan of another era names types that are gone, so it is made anew; it is
 * not freed, since a statement further out may be running it.
 */
static void
prepare(UsomQuery *query)
{
	Oid			argtypes[USOM_QUERY_MAX_ARGS];
	SPIPlanPtr	plan;

	for (int i = 0; i < query->nargs; i++)
		argtypes[i] = usom_query_find_type(query->argtypes[i]);
	plan = SPI_prepare_cursor(query->text, query->nargs, argtypes, CURSOR_OPT_GENERIC_PLAN);
	if (plan == NULL)
		elog(ERROR, "SPI_prepare failed: %s", SPI_result_code_string(SPI_result));
	if (SPI_keepplan(plan) != 0)
		elog(ERROR, "SPI_keepplan failed");
	query->plan = plan;
	query->era = usom_owner_era();
}

static uint64
execute(UsomQuery *query, Datum *values, const bool *nulls, bool read_only)
{
	char		flags[USOM_QUERY_MAX_ARGS + 1];
	int			result;

	for (int i = 0; i < query->nargs; i++)
		flags[i] = (nulls != NULL && nulls[i]) ? 'n' : ' ';
	flags[query->nargs] = '\0';

	statement_count++;
	result = SPI_execute_plan(query->plan, values, flags, read_only, 0);
	if (result < 0)
		elog(ERROR, "SPI_execute_plan failed: %s", SPI_result_code_string(result));
	return SPI_processed;
}

/* A plan is to be made, or the caller has a search_path of his own. */
static uint64
execute_prepared(UsomQuery *query, Datum *values, const bool *nulls, bool read_only, bool plan_is_good)
{
	uint64		processed = 0;
	bool		outer = planning;
	int			nest = NewGUCNestLevel();

	if (strcmp(namespace_search_path, USOM_SEARCH_PATH) != 0)
		set_for_statement("search_path", USOM_SEARCH_PATH);
	planning = planning || !plan_is_good;
	PG_TRY();
	{
		if (!plan_is_good)
			set_planner_for_keys();
		if (query->plan == NULL || query->era != usom_owner_era())
			prepare(query);
		processed = execute(query, values, nulls, read_only);
	}
	PG_FINALLY();
	{
		planning = outer;
	}
	PG_END_TRY();
	AtEOXact_GUC(true, nest);
	return processed;
}

static uint64
run_as_owner(UsomQuery *query, Datum *values, const bool *nulls, bool read_only)
{
	Oid			owner = usom_owner_get();
	bool		plan_is_good = query->plan != NULL && query->era == usom_owner_era() && SPI_plan_is_valid(query->plan);
	uint64		processed;
	Oid			user;
	int			context;

	GetUserIdAndSecContext(&user, &context);
	if (likely(OidIsValid(owner)))
		SetUserIdAndSecContext(owner, context | SECURITY_LOCAL_USERID_CHANGE);
	if (likely(plan_is_good && strcmp(namespace_search_path, USOM_SEARCH_PATH) == 0))
		processed = execute(query, values, nulls, read_only);
	else
		processed = execute_prepared(query, values, nulls, read_only, plan_is_good);
	SetUserIdAndSecContext(user, context);
	return processed;
}

uint64
usom_query_run(UsomQuery *query, Datum *values, const bool *nulls)
{
	return run_as_owner(query, values, nulls, false);
}

uint64
usom_query_look(UsomQuery *query, Datum *values, const bool *nulls)
{
	return run_as_owner(query, values, nulls, true);
}

uint64
usom_query_write(UsomQuery *query, Datum *values, const bool *nulls)
{
	int			outer = writer_depth;
	uint64		processed = 0;

	writer_depth = trigger_depth();
	PG_TRY();
	{
		processed = usom_query_run(query, values, nulls);
	}
	PG_FINALLY();
	{
		writer_depth = outer;
	}
	PG_END_TRY();
	return processed;
}

/* The same for what writes without a statement: owner, path and writer are as they would be for one. */
uint64
usom_query_write_by(UsomQueryWork work, void *argument)
{
	Oid			owner = usom_owner_get();
	int			outer = writer_depth;
	int			nest = 0;
	uint64		processed = 0;
	Oid			user;
	int			context;

	GetUserIdAndSecContext(&user, &context);
	if (likely(OidIsValid(owner)))
		SetUserIdAndSecContext(owner, context | SECURITY_LOCAL_USERID_CHANGE);
	writer_depth = trigger_depth();
	PG_TRY();
	{
		if (unlikely(strcmp(namespace_search_path, USOM_SEARCH_PATH) != 0))
		{
			nest = NewGUCNestLevel();
			set_for_statement("search_path", USOM_SEARCH_PATH);
		}
		processed = work(argument);
		if (unlikely(nest > 0))
			AtEOXact_GUC(true, nest);
	}
	PG_FINALLY();
	{
		writer_depth = outer;
	}
	PG_END_TRY();
	SetUserIdAndSecContext(user, context);
	return processed;
}

/* A result that no statement gave: there is no row of it but in values. */
typedef struct Published
{
	SPITupleTable table;		/* first, and without tupdesc: so it is told apart */
	int			ncolumns;
	const Datum *values;
	const bool *nulls;
} Published;

void
usom_query_publish(int ncolumns, uint64 nrows, const Datum *values, const bool *nulls)
{
	Published  *published = palloc0_object(Published);

	*published = (Published) {.table = {.numvals = nrows}, .ncolumns = ncolumns, .values = values, .nulls = nulls};
	SPI_tuptable = &published->table;
	SPI_processed = nrows;
}

static Datum
get_published(uint64 row, int column, bool *isnull)
{
	const Published *published = (const Published *) SPI_tuptable;
	uint64		at = row * published->ncolumns + column - 1;

	Ensure(column >= 1 && column <= published->ncolumns, "a usom table gave no column %d", column);
	*isnull = published->nulls[at];
	return published->values[at];
}

/*
 * The row that was read last, taken apart: getting its columns one by one
 * would walk past all those before each.  A result belongs to its statement,
 * and the count of statements tells those of one address apart.
 */
static struct
{
	const SPITupleTable *table;
	uint64		statement;
	uint64		row;
	Datum		values[MOST_COLUMNS];
	bool		nulls[MOST_COLUMNS];
}			apart;

static void
take_apart(uint64 row)
{
	apart.table = NULL;
	heap_deform_tuple(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, apart.values, apart.nulls);
	apart.table = SPI_tuptable;
	apart.statement = statement_count;
	apart.row = row;
}

Datum
usom_query_get_or_null(uint64 row, int column, bool *isnull)
{
	Ensure(SPI_tuptable != NULL && row < SPI_tuptable->numvals, "a usom statement returned no row " UINT64_FORMAT, row);
	if (SPI_tuptable->tupdesc == NULL)
		return get_published(row, column, isnull);
	Ensure(column >= 1 && column <= SPI_tuptable->tupdesc->natts, "a usom statement returned no column %d", column);
	if (unlikely(SPI_tuptable->tupdesc->natts > MOST_COLUMNS))
		return SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column, isnull);
	if (apart.row != row || apart.table != SPI_tuptable || apart.statement != statement_count)
		take_apart(row);
	*isnull = apart.nulls[column - 1];
	return apart.values[column - 1];
}

Datum
usom_query_get(uint64 row, int column)
{
	bool		isnull;
	Datum		value = usom_query_get_or_null(row, column, &isnull);

	if (isnull)
		elog(ERROR, "unexpected null in column %d of a usom statement", column);
	return value;
}

char *
usom_query_get_text(uint64 row, int column)
{
	bool		isnull;
	Datum		value = usom_query_get_or_null(row, column, &isnull);

	return isnull ? NULL : TextDatumGetCString(value);
}

int64
usom_query_get_key(uint64 row, int column)
{
	bool		isnull;
	Datum		value = usom_query_get_or_null(row, column, &isnull);

	return isnull ? 0 : DatumGetInt64(value);
}

int32
usom_query_get_number(uint64 row, int column)
{
	bool		isnull;
	Datum		value = usom_query_get_or_null(row, column, &isnull);

	return isnull ? 0 : DatumGetInt32(value);
}

TimestampTz
usom_query_get_time(uint64 row, int column, TimestampTz missing)
{
	bool		isnull;
	Datum		value = usom_query_get_or_null(row, column, &isnull);

	return isnull ? missing : DatumGetInt64(value);
}

SPITupleTable **
usom_query_cut(int count)
{
	const SPITupleTable *whole = SPI_tuptable;
	SPITupleTable *parts = palloc_array(SPITupleTable, Max(count, 1));
	SPITupleTable **cut = palloc_array(SPITupleTable *, Max(count, 1));

	Ensure(whole->tupdesc != NULL, "rows that no statement read are not cut");
	for (int i = 0; i < count; i++)
	{
		parts[i] = *whole;
		parts[i].numvals = 0;
		cut[i] = &parts[i];
	}
	for (uint64 row = 0; row < whole->numvals; row++)
	{
		int			position = DatumGetInt32(usom_query_get(row, whole->tupdesc->natts)) - 1;

		Ensure(position >= 0 && position < count, "an answer to no question");
		if (parts[position].numvals == 0)
			parts[position].vals = &whole->vals[row];
		Ensure(&parts[position].vals[parts[position].numvals] == &whole->vals[row], "answers do not stand together");
		parts[position].numvals++;
	}
	return cut;
}

uint64
usom_query_take(SPITupleTable *part)
{
	SPI_tuptable = part;
	return part->numvals;
}

Datum
usom_query_keys(const int64 *keys, int nkeys)
{
	Datum	   *elements = palloc_array(Datum, Max(nkeys, 1));

	for (int i = 0; i < nkeys; i++)
		elements[i] = Int64GetDatum(keys[i]);
	return PointerGetDatum(construct_array(elements, nkeys, INT8OID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}
