/*
 * trigger.c
 *		The protocol of a C trigger, checked in one place.
 *
 *		A trigger function can be attached to any table, with any arguments,
 *		at any moment, by whoever may create triggers.  So each one says what
 *		it is written for and believes nothing else.  No memory, no locks.
 */
#include "postgres.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "replication/logicalworker.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "base/trigger.h"

static void
refuse(const UsomTriggerSpec *spec, const char *why)
{
	ereport(ERROR,
			errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
			errmsg("function \"%s\" %s", spec->function, why));
}

static void
check_moment(const TriggerData *trigdata, const UsomTriggerSpec *spec)
{
	if (spec->before != (TRIGGER_FIRED_BEFORE(trigdata->tg_event) != 0))
		refuse(spec, spec->before ? "must be fired BEFORE the event" : "must be fired AFTER the event");
	if (!spec->before && !TRIGGER_FIRED_AFTER(trigdata->tg_event))
		refuse(spec, "must be fired AFTER the event");
	if (spec->row != (TRIGGER_FIRED_FOR_ROW(trigdata->tg_event) != 0))
		refuse(spec, spec->row ? "must be fired FOR EACH ROW" : "must be fired FOR EACH STATEMENT");
}

TriggerData *
usom_trigger_check(FunctionCallInfo fcinfo, const UsomTriggerSpec *spec)
{
	TriggerData *trigdata = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo))
		refuse(spec, "was not called by a trigger");
	if (!spec->instead)
		check_moment(trigdata, spec);
	else if (!TRIGGER_FIRED_INSTEAD(trigdata->tg_event))
		refuse(spec, "must be fired INSTEAD OF the event");
	if (trigdata->tg_trigger->tgnargs != spec->nargs)
		refuse(spec, "was given another number of arguments by its trigger");
	return trigdata;
}

/* Is the column of the type, or of a domain over it?  InvalidOid stands for a state type: one byte, by value. */
static bool
column_fits(Form_pg_attribute att, Oid type)
{
	if (!OidIsValid(type))
		return att->attbyval && att->attlen == 1;
	return att->atttypid == type || getBaseType(att->atttypid) == type;
}

int
usom_trigger_column(TriggerData *trigdata, const char *name, Oid type)
{
	TupleDesc	tupdesc = RelationGetDescr(trigdata->tg_relation);
	int			attnum = SPI_fnumber(tupdesc, name);

	if (attnum <= 0 || !column_fits(TupleDescAttr(tupdesc, attnum - 1), type))
		ereport(ERROR,
				errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				errmsg("trigger \"%s\" needs a column \"%s\" of type %s in table \"%s\"",
					   trigdata->tg_trigger->tgname, name, OidIsValid(type) ? format_type_be(type) : "status",
					   RelationGetRelationName(trigdata->tg_relation)));
	return attnum;
}

HeapTuple
usom_trigger_row(TriggerData *trigdata)
{
	if (TRIGGER_FIRED_BY_UPDATE(trigdata->tg_event))
		return trigdata->tg_newtuple;
	return trigdata->tg_trigtuple;
}

bool
usom_trigger_is_replay(void)
{
	return IsLogicalWorker();
}
