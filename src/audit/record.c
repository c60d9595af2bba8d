/*
 * record.c
 *		The trigger that turns what a statement did into entries of the audit.
 *
 * Memory: images are built where entries live (usom_audit_memory); what
 * encoding leaves behind is in a context that is reset per row.  Nothing here
 * locks.
 *
 * Invariant: an entry holds rows of one organisation, and of one order or of
 * none, in the order in which the statement touched them; the n-th row before
 * and the n-th row after are the same row.  An image that grows beyond IMAGE_LIMIT ends its entry, and
 * the statement goes on in the next one.
 *
 * The transition tables are read straight from their tuplestores: a query over
 * them would cost more than everything else here.
 */
#include "postgres.h"

#include "audit/audit.h"
#include "audit/entry.h"
#include "audit/layout.h"

#include "access/xact.h"
#include "base/call.h"
#include "base/ident.h"
#include "base/trigger.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/tuplestore.h"

#define IMAGE_LIMIT (1024 * 1024)

/* One side of the statement: rows before, or rows after. */
typedef struct Side
{
	Tuplestorestate *rows;		/* NULL: the operation has no such side */
	TupleTableSlot *slot;
	UsomCanonImage image;
} Side;

typedef struct Recording
{
	const UsomAuditLayout *layout;
	const char *table_name;		/* argument of the trigger: gone when the table's cache entry is rebuilt */
	UsomAuditEntry entry;		/* open while row_count > 0 */
	Side		before;
	Side		after;
	MemoryContext per_row;
} Recording;

PG_FUNCTION_INFO_V1(usom_audit_statement);

/* ---- the rows of a statement ---- */

static const char *
operation_of(TriggerEvent event)
{
	if (TRIGGER_FIRED_BY_INSERT(event))
		return "INSERT";
	if (TRIGGER_FIRED_BY_UPDATE(event))
		return "UPDATE";
	if (TRIGGER_FIRED_BY_DELETE(event))
		return "DELETE";
	ereport(ERROR, errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
			errmsg("function \"audit_statement\" must be fired by INSERT, UPDATE or DELETE"));
}

static void
open_side(Side *side, bool wanted, Tuplestorestate *rows, Relation table)
{
	if (!wanted)
		return;
	if (rows == NULL)
		ereport(ERROR, errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				errmsg("function \"audit_statement\" needs the transition tables of \"%s\"",
					   RelationGetRelationName(table)),
				errhint("Make the triggers with usom._audit_table()."));
	side->rows = rows;
	side->slot = MakeSingleTupleTableSlot(RelationGetDescr(table), &TTSOpsMinimalTuple);

	/* Others read the same tuplestore with read pointers of their own. */
	tuplestore_select_read_pointer(rows, 0);
	tuplestore_rescan(rows);
}

static void
close_side(Side *side)
{
	if (side->rows != NULL)
		ExecDropSingleTupleTableSlot(side->slot);
}

static bool
next_row(Side *side)
{
	if (!tuplestore_gettupleslot(side->rows, true, false, side->slot))
		return false;
	slot_getallattrs(side->slot);
	return true;
}

/* Step both sides; an UPDATE has a row on each. */
static bool
next_pair(Recording *recording)
{
	bool		before = recording->before.rows != NULL && next_row(&recording->before);
	bool		after = recording->after.rows != NULL && next_row(&recording->after);

	if (recording->before.rows != NULL && recording->after.rows != NULL && before != after)
		elog(ERROR, "transition tables of \"%s\" differ in length", recording->table_name);
	return before || after;
}

/* ---- entries ---- */

/* The row that says which organisation and order it is about: the newer one. */
static const TupleTableSlot *
telling_row(const Recording *recording)
{
	return recording->after.rows != NULL ? recording->after.slot : recording->before.slot;
}

/* Key of the order that the row is of; 0, which is no key: none. */
static int64
order_of(const Recording *recording)
{
	const TupleTableSlot *slot = telling_row(recording);
	int			index = recording->layout->sales_order_id;

	return index < 0 || slot->tts_isnull[index] ? 0 : DatumGetInt64(slot->tts_values[index]);
}

static void
open_entry(Recording *recording, int64 org_id, int64 sales_order_id)
{
	UsomAuditEntry *entry = &recording->entry;
	const char *reason = usom_call_reason();

	entry->org_id = org_id;
	entry->audit_entry_id = usom_ident_next();
	entry->verb = usom_call_verb();
	entry->table_name = pstrdup(recording->table_name);
	entry->reason = reason != NULL ? pstrdup(reason) : NULL;
	entry->sales_order_id = sales_order_id;
	entry->has_order = sales_order_id != 0;
	entry->level = GetCurrentTransactionNestLevel();
	if (recording->before.rows != NULL)
		usom_canon_begin(&recording->before.image, &recording->layout->canon);
	if (recording->after.rows != NULL)
		usom_canon_begin(&recording->after.image, &recording->layout->canon);
}

static void
close_entry(Recording *recording)
{
	UsomAuditEntry *entry = &recording->entry;

	if (entry->row_count == 0)
		return;
	entry->before = recording->before.rows != NULL ? usom_canon_finish(&recording->before.image) : NULL;
	entry->after = recording->after.rows != NULL ? usom_canon_finish(&recording->after.image) : NULL;
	usom_audit_gather(entry);
	entry->row_count = 0;
}

static void
add_side(Recording *recording, Side *side)
{
	MemoryContext outer;

	if (side->rows == NULL)
		return;
	outer = MemoryContextSwitchTo(recording->per_row);
	usom_canon_add(&side->image, side->slot->tts_values, side->slot->tts_isnull);
	MemoryContextSwitchTo(outer);
}

/* Does the open entry take a row of this organisation and order? */
static bool
takes(const Recording *recording, int64 org_id, int64 sales_order_id)
{
	return recording->entry.row_count > 0
		&& recording->entry.org_id == org_id && recording->entry.sales_order_id == sales_order_id
		&& recording->before.image.size <= IMAGE_LIMIT && recording->after.image.size <= IMAGE_LIMIT;
}

static void
add_pair(Recording *recording)
{
	const TupleTableSlot *slot = telling_row(recording);
	int			index = recording->layout->org_id;
	int64		org_id = DatumGetInt64(slot->tts_values[index]);
	int64		sales_order_id = order_of(recording);

	if (slot->tts_isnull[index])
		ereport(ERROR, errcode(ERRCODE_NOT_NULL_VIOLATION),
				errmsg("a row of \"%s\" belongs to no organisation", recording->table_name));
	if (!takes(recording, org_id, sales_order_id))
	{
		close_entry(recording);
		open_entry(recording, org_id, sales_order_id);
	}
	add_side(recording, &recording->before);
	add_side(recording, &recording->after);
	recording->entry.row_count++;
	MemoryContextReset(recording->per_row);
}

/* ---- the trigger ---- */

static void
record_rows(Recording *recording)
{
	MemoryContext outer = MemoryContextSwitchTo(usom_audit_memory());

	do
	{
		CHECK_FOR_INTERRUPTS();
		add_pair(recording);
	} while (next_pair(recording));
	close_entry(recording);
	MemoryContextSwitchTo(outer);
}

static void
record_statement(Recording *recording)
{
	int			nest;

	recording->per_row = AllocSetContextCreate(CurrentMemoryContext, "usom audit row", ALLOCSET_SMALL_SIZES);
	if (recording->layout->canon.needs_settings)
	{
		nest = NewGUCNestLevel();
		usom_audit_fix_settings();
		record_rows(recording);
		AtEOXact_GUC(true, nest);
	}
	else
		record_rows(recording);
	MemoryContextDelete(recording->per_row);
}

/* usom.audit_statement(table): AFTER INSERT, UPDATE or DELETE, for each statement. */
Datum
usom_audit_statement(PG_FUNCTION_ARGS)
{
	static const UsomTriggerSpec spec = {"audit_statement", .before = false, .row = false, .nargs = 1};
	TriggerData *trigdata = usom_trigger_check(fcinfo, &spec);
	Relation	table = trigdata->tg_relation;
	Recording	recording = {0};

	if (usom_trigger_is_replay())
		return PointerGetDatum(NULL);

	recording.entry.operation = operation_of(trigdata->tg_event);
	recording.table_name = trigdata->tg_trigger->tgargs[0];
	open_side(&recording.before, !TRIGGER_FIRED_BY_INSERT(trigdata->tg_event), trigdata->tg_oldtable, table);
	open_side(&recording.after, !TRIGGER_FIRED_BY_DELETE(trigdata->tg_event), trigdata->tg_newtable, table);
	if (next_pair(&recording))
	{
		recording.layout = usom_audit_layout(table);
		record_statement(&recording);
		usom_audit_write_if_due(table->rd_rel->relowner);
	}
	close_side(&recording.before);
	close_side(&recording.after);
	return PointerGetDatum(NULL);
}

void
usom_audit_init(void)
{
	usom_audit_layout_init();
	usom_audit_entry_init();
	usom_audit_actor_init();
	usom_audit_seal_init();
}
