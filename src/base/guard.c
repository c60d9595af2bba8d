/*
 * guard.c
 *		What plain SQL may not do: triggers that refuse.
 *
 *		usom_guard_kept stands before the statement, so it costs nothing per
 *		row and covers COPY, MERGE, ON CONFLICT and TRUNCATE alike.  Two kinds
 *		of writers pass: usom's own statements, and workers of logical
 *		replication, whose rows were checked where they came from.  The
 *		break-glass role passes the guards of kept tables, never of ledgers.
 *
 *		No memory beyond the message, no locks, no statements.
 */
#include "postgres.h"
#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/rel.h"

#include "base/errors.h"
#include "base/glass.h"
#include "base/query.h"
#include "base/trigger.h"

static bool
may_pass(void)
{
	return usom_query_is_writer() || usom_trigger_is_replay();
}

static const char *
verb_of(TriggerEvent event)
{
	if (TRIGGER_FIRED_BY_INSERT(event))
		return "INSERT";
	if (TRIGGER_FIRED_BY_UPDATE(event))
		return "UPDATE";
	return TRIGGER_FIRED_BY_DELETE(event) ? "DELETE" : "TRUNCATE";
}

/* usom.guard_kept(): arguments: kept, ledger or master; table; hint. */
PG_FUNCTION_INFO_V1(usom_guard_kept);
Datum
usom_guard_kept(PG_FUNCTION_ARGS)
{
	static const UsomTriggerSpec spec = {"usom.guard_kept", .before = true, .row = false, .nargs = 3};
	TriggerData *trigdata = usom_trigger_check(fcinfo, &spec);
	const char *kind = trigdata->tg_trigger->tgargs[0];
	const char *table = trigdata->tg_trigger->tgargs[1];
	const char *hint = trigdata->tg_trigger->tgargs[2];
	const char *verb = verb_of(trigdata->tg_event);

	if (may_pass())
		return PointerGetDatum(NULL);
	if (strcmp(kind, "ledger") == 0)
		ereport(ERROR,
				errcode(USOM_ERR(APPEND_ONLY)),
				errmsg("usom.%s is a ledger that usom alone appends to", table),
				errdetail("%s by hand is refused.", verb),
				errhint("To correct it, call %s.", hint));
	if (strcmp(kind, "master") == 0)
		ereport(ERROR,
				errcode(USOM_ERR(MASTER_ROW_KEPT)),
				errmsg("usom.%s is not emptied", table),
				errdetail("%s would take rows that orders refer to.", verb),
				errhint("%s", hint));
	if (usom_glass_passes())
		return PointerGetDatum(NULL);
	ereport(ERROR,
			errcode(USOM_ERR(KEPT_BY_USOM)),
			errmsg("usom.%s is kept by usom and is not written by hand", table),
			errdetail("%s by hand is refused.", verb),
			errhint("Call %s.", hint));
}

/* Value of a column as text, or NULL; also NULL if there is no such column. */
static char *
column_text(Relation relation, HeapTuple row, const char *column)
{
	int			attnum = SPI_fnumber(RelationGetDescr(relation), column);

	return attnum > 0 ? SPI_getvalue(row, RelationGetDescr(relation), attnum) : NULL;
}

static bool
is_same(Relation relation, HeapTuple before, HeapTuple after, const char *column)
{
	char	   *old_text = column_text(relation, before, column);
	char	   *new_text = column_text(relation, after, column);

	if (old_text == NULL || new_text == NULL)
		return old_text == new_text;
	return strcmp(old_text, new_text) == 0;
}

static void
refuse_delete(Relation relation, const char *code_column, const char *code)
{
	const char *table = RelationGetRelationName(relation);
	bool		retires = SPI_fnumber(RelationGetDescr(relation), "active") > 0;

	ereport(ERROR,
			errcode(USOM_ERR(MASTER_ROW_KEPT)),
			errmsg("%s \"%s\" is not deleted", table, code),
			errdetail("Orders, stock and the audit refer to master rows for ever."),
			retires ? errhint("Retire it: UPDATE usom.%s SET active = false WHERE %s = %s;",
							  table, code_column, quote_literal_cstr(code)) : 0);
}

static void
refuse_key_change(Relation relation, const char *column, const char *code)
{
	const char *table = RelationGetRelationName(relation);

	ereport(ERROR,
			errcode(USOM_ERR(MASTER_ROW_KEPT)),
			errmsg("%s of %s \"%s\" does not change", column, table, code),
			errdetail("Documents, stock and other systems rely on it."),
			errhint("Add a new row with the value you want."));
}

/*
 * usom.guard_master(): argument: the column with the code.  Where rows are of
 * a kind (physical or service), that stays, too: stock and pieces rest on it.
 */
PG_FUNCTION_INFO_V1(usom_guard_master);
Datum
usom_guard_master(PG_FUNCTION_ARGS)
{
	static const UsomTriggerSpec spec = {"usom.guard_master", .before = true, .row = true, .nargs = 1};
	TriggerData *trigdata = usom_trigger_check(fcinfo, &spec);
	Relation	relation = trigdata->tg_relation;
	const char *code_column = trigdata->tg_trigger->tgargs[0];
	HeapTuple	row = usom_trigger_row(trigdata);
	char	   *code = column_text(relation, trigdata->tg_trigtuple, code_column);
	const char *keys[] = {"org_id", psprintf("%s_id", RelationGetRelationName(relation)), code_column, "kind"};

	if (may_pass())
		return PointerGetDatum(row);
	if (!TRIGGER_FIRED_BY_UPDATE(trigdata->tg_event))
		refuse_delete(relation, code_column, code);
	for (int i = 0; i < (int) lengthof(keys); i++)
	{
		if (!is_same(relation, trigdata->tg_trigtuple, row, keys[i]))
			refuse_key_change(relation, keys[i], code);
	}
	return PointerGetDatum(row);
}
