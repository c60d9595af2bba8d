/*
 * guard.c
 *		What plain SQL may do to orders and pieces.
 *
 * BEFORE ROW triggers.  usom's own writer passes at once, and the break-glass
 * role with a reason, but for sealing; for everybody else, superusers included,
 * the rules are:
 *
 *	sales_order		INSERT: drafts only, kept columns at their defaults.
 *					UPDATE: a status that may be commanded (the verb itself runs
 *					in the AFTER trigger, api/command.c), and columns that are
 *					not kept: all of them in a draft, those in FREE_COLUMNS
 *					while the order runs.
 *					DELETE: never; orders are cancelled.
 *	fulfillment_line UPDATE: never; pieces are moved by the verbs.
 *
 * What they let pass is sealed where it is about people (seal.c).  Else they
 * read the two rows they are given and nothing else: no SPI, no locks.
 */
#include "postgres.h"

#include "order/order.h"

#include "access/htup_details.h"
#include "base/errors.h"
#include "base/glass.h"
#include "base/query.h"
#include "base/trigger.h"
#include "catalog/pg_type.h"
#include "party/party.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/fmgrprotos.h"
#include "utils/numeric.h"
#include "utils/rel.h"

PG_FUNCTION_INFO_V1(usom__guard_order);
PG_FUNCTION_INFO_V1(usom__guard_piece);

static const UsomTriggerSpec order_spec = {"usom._guard_order", .before = true, .row = true};
static const UsomTriggerSpec piece_spec = {"usom._guard_piece", .before = true, .row = true};

/* Columns of sales_order that are set when the row is made and never by hand after. */
static const char *const kept_columns[] = {
	"org_id", "sales_order_id", "order_no", "total", "version", "priced_at", "payload_digest", "paid", "created_at", "flow_id", NULL
};

/* Columns that may be corrected while the order runs. */
static const char *const free_columns[] = {
	"status", "priority", "requested_at", "ship_complete", "ship_to", "address_id", "payment", "instructions", "flow_state", NULL
};

static bool
is_listed(const char *const *list, const char *name)
{
	for (; *list != NULL; list++)
		if (strcmp(*list, name) == 0)
			return true;
	return false;
}

static bool
column_changed(TupleDesc desc, int attnum, HeapTuple before, HeapTuple after)
{
	Form_pg_attribute att = TupleDescAttr(desc, attnum - 1);
	bool		was_null;
	bool		is_null;
	Datum		was = heap_getattr(before, attnum, desc, &was_null);
	Datum		is = heap_getattr(after, attnum, desc, &is_null);

	if (was_null || is_null)
		return was_null != is_null;
	return !datum_image_eq(was, is, att->attbyval, att->attlen);
}

static Datum
get_column(TriggerData *trigdata, HeapTuple tuple, const char *name, Oid type)
{
	TupleDesc	desc = RelationGetDescr(trigdata->tg_relation);
	bool		isnull;
	int			attnum = usom_trigger_column(trigdata, name, type);
	Datum		value = heap_getattr(tuple, attnum, desc, &isnull);

	if (isnull)
		ereport(ERROR, errcode(ERRCODE_NOT_NULL_VIOLATION),
				errmsg("null value in column \"%s\" of \"%s\"", name, RelationGetRelationName(trigdata->tg_relation)));
	return value;
}

static bool
column_is_null(TriggerData *trigdata, HeapTuple tuple, const char *name, Oid type)
{
	return heap_attisnull(tuple, usom_trigger_column(trigdata, name, type), RelationGetDescr(trigdata->tg_relation));
}

/* The column holds a state: one byte, by value; its type is usom's own. */
static uint8
get_state(TriggerData *trigdata, HeapTuple tuple)
{
	return DatumGetUInt8(get_column(trigdata, tuple, "status", InvalidOid));
}

static char *
get_order_no(TriggerData *trigdata, HeapTuple tuple)
{
	return TextDatumGetCString(get_column(trigdata, tuple, "order_no", TEXTOID));
}

static void
refuse_column(TriggerData *trigdata, HeapTuple tuple, const char *column, UsomOrderStatus status)
{
	ereport(ERROR, errcode(USOM_ERR(KEPT_BY_USOM)),
			errmsg("column \"%s\" of order \"%s\" is not written by hand", column, get_order_no(trigdata, tuple)),
			errdetail("The order is %s.", usom_order_lifecycle_table.labels[status]),
			is_listed(kept_columns, column) ? errhint("usom keeps it.")
			: status >= USOM_ORDER_CLOSED ? errhint("The order has ended.")
			: errhint("It is settled when the order is submitted; call usom.change_order() for what may change."));
}

/* Nulls are refused by their columns. */
static void
check_side(TriggerData *trigdata, HeapTuple row)
{
	TupleDesc	desc = RelationGetDescr(trigdata->tg_relation);
	bool		no_org;
	bool		no_channel;
	Datum		org_id = heap_getattr(row, usom_trigger_column(trigdata, "org_id", INT8OID), desc, &no_org);
	Datum		channel_id = heap_getattr(row, usom_trigger_column(trigdata, "channel_id", INT8OID), desc, &no_channel);

	if (!no_org)
		usom_party_check_side(trigdata->tg_relation, DatumGetInt64(org_id));
	if (!no_channel)
		usom_party_check_channel(trigdata->tg_relation, DatumGetInt64(channel_id));
}

static void
check_new_order(TriggerData *trigdata, HeapTuple row)
{
	UsomOrderStatus status = get_state(trigdata, row);

	if (status != USOM_ORDER_DRAFT)
		ereport(ERROR, errcode(USOM_ERR(ILLEGAL_TRANSITION)),
				errmsg("cannot insert order \"%s\" that is %s", get_order_no(trigdata, row),
					   usom_order_lifecycle_table.labels[status]),
				errdetail("An order begins as a draft."),
				errhint("Insert it as draft with its lines, then set status to submitted; or call usom.place_order()."));
	if (DatumGetInt32(get_column(trigdata, row, "version", INT4OID)) != 1)
		refuse_column(trigdata, row, "version", status);
	if (!DatumGetBool(DirectFunctionCall2(numeric_eq, get_column(trigdata, row, "total", NUMERICOID),
										  NumericGetDatum(int64_to_numeric(0)))))
		refuse_column(trigdata, row, "total", status);
	if (!column_is_null(trigdata, row, "flow_id", INT8OID))
		refuse_column(trigdata, row, "flow_id", status);
	if (!column_is_null(trigdata, row, "flow_state", TEXTOID))
		refuse_column(trigdata, row, "flow_state", status);
}

/* A step of a flow is taken from the state that the order has, to another one, and not together with a status. */
static void
check_flow_step(TriggerData *trigdata, HeapTuple before, HeapTuple after)
{
	if (get_state(trigdata, before) != get_state(trigdata, after) || column_is_null(trigdata, after, "flow_state", TEXTOID) ||
		column_is_null(trigdata, before, "flow_state", TEXTOID))
		ereport(ERROR, errcode(USOM_ERR(FLOW_STEP)),
				errmsg("cannot set the state of the flow of order \"%s\" so", get_order_no(trigdata, before)),
				errdetail("It goes from one state to another, of an order that has a flow, and not together with the status."),
				errhint("Call usom.take_step('%s', ...); the state follows by itself where the status changes.", get_order_no(trigdata, before)));
}

static void
check_order_update(TriggerData *trigdata, HeapTuple before, HeapTuple after)
{
	TupleDesc	desc = RelationGetDescr(trigdata->tg_relation);
	UsomOrderStatus from = get_state(trigdata, before);
	UsomOrderStatus to = get_state(trigdata, after);

	if (from != to && !usom_lifecycle_commands(&usom_order_lifecycle_table, from, to))
		ereport(ERROR, errcode(USOM_ERR(ILLEGAL_TRANSITION)),
				errmsg("cannot set order \"%s\" from %s to %s", get_order_no(trigdata, before),
					   usom_order_lifecycle_table.labels[from], usom_order_lifecycle_table.labels[to]),
				errdetail(usom_lifecycle_allows(&usom_order_lifecycle_table, from, to)
						  ? "That status follows from the pieces and is not set by hand."
						  : "The life cycle of orders has no such step."),
				errhint("Next steps: %s.", usom_lifecycle_next_steps(&usom_order_lifecycle_table, from)));

	for (int i = 0; i < desc->natts; i++)
	{
		const char *name = NameStr(TupleDescAttr(desc, i)->attname);

		if (TupleDescAttr(desc, i)->attisdropped || !column_changed(desc, i + 1, before, after))
			continue;
		if (is_listed(kept_columns, name) ||
			(from != USOM_ORDER_DRAFT && (from >= USOM_ORDER_CLOSED || !is_listed(free_columns, name))))
			refuse_column(trigdata, before, name, from);
		if (strcmp(name, "flow_state") == 0)
			check_flow_step(trigdata, before, after);
	}
}

Datum
usom__guard_order(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = usom_trigger_check(fcinfo, &order_spec);
	HeapTuple	row = usom_trigger_row(trigdata);

	if (usom_query_is_writer() || usom_trigger_is_replay())
		return PointerGetDatum(row);

	if (TRIGGER_FIRED_BY_INSERT(trigdata->tg_event))
		check_side(trigdata, row);
	if (usom_glass_passes())
		return PointerGetDatum(TRIGGER_FIRED_BY_DELETE(trigdata->tg_event) ? row : usom_order_seal(trigdata, row));
	if (TRIGGER_FIRED_BY_INSERT(trigdata->tg_event))
		check_new_order(trigdata, row);
	else if (TRIGGER_FIRED_BY_UPDATE(trigdata->tg_event))
		check_order_update(trigdata, trigdata->tg_trigtuple, trigdata->tg_newtuple);
	else
		ereport(ERROR, errcode(USOM_ERR(KEPT_BY_USOM)),
				errmsg("order \"%s\" cannot be deleted", get_order_no(trigdata, row)),
				errhint("Call usom.cancel_order('%s', ...).", get_order_no(trigdata, row)));
	return PointerGetDatum(usom_order_seal(trigdata, row));
}

static const char *
verb_of(UsomPieceStatus from, UsomPieceStatus to)
{
	for (int i = 0; i < usom_piece_lifecycle_table.nedges; i++)
		if (usom_piece_lifecycle_table.edges[i].from == from && usom_piece_lifecycle_table.edges[i].to == to)
			return usom_piece_lifecycle_table.edges[i].verb;
	return NULL;
}

static void
refuse_piece(TriggerData *trigdata, UsomPieceStatus from, UsomPieceStatus to)
{
	const char *verb = verb_of(from, to);

	ereport(ERROR, errcode(USOM_ERR(ILLEGAL_TRANSITION)),
			errmsg("cannot set a piece from %s to %s by hand", usom_piece_lifecycle_table.labels[from],
				   usom_piece_lifecycle_table.labels[to]),
			verb ? errdetail("The step is called \"%s\"; it also changes stock, line and order.", verb)
			: errdetail("The life cycle of pieces has no such step."),
			errhint("Next steps, by the functions of the order: %s.",
					usom_lifecycle_next_steps(&usom_piece_lifecycle_table, from)));
}

Datum
usom__guard_piece(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = usom_trigger_check(fcinfo, &piece_spec);
	UsomPieceStatus from;
	UsomPieceStatus to;

	if (usom_query_is_writer() || usom_trigger_is_replay() || usom_glass_passes())
		return PointerGetDatum(usom_trigger_row(trigdata));

	from = get_state(trigdata, trigdata->tg_trigtuple);
	to = get_state(trigdata, usom_trigger_row(trigdata));
	if (from != to)
		refuse_piece(trigdata, from, to);
	ereport(ERROR, errcode(USOM_ERR(KEPT_BY_USOM)),
			errmsg("pieces are not written by hand"),
			errhint("Call usom.change_order(), usom.cancel_line(), usom.release_order() or usom.ship()."));
}
