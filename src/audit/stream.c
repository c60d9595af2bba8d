/*
 * stream.c
 *		Rows of a statement, one by one: see stream.h.
 *
 * Memory: one context that is reset after each row; what outlives a row is in
 * contexts of the caller.  Locks are those of the statement.
 *
 * Invariant: the row that work sees is the executor's own, so nothing of it is
 * kept.
 */
#include "postgres.h"

#include "base/compat.h"

#include "audit/stream.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "nodes/params.h"
#include "tcop/dest.h"
#include "utils/memutils.h"

typedef struct Receiver
{
	DestReceiver dest;			/* first: the executor knows it by this */
	UsomStreamWork work;
	void	   *argument;
	TupleDesc	tupdesc;		/* of the result: a row's own may have no names */
	MemoryContext per_row;
} Receiver;

static bool
receive(TupleTableSlot *slot, DestReceiver *self)
{
	Receiver   *receiver = (Receiver *) self;
	MemoryContext outer = MemoryContextSwitchTo(receiver->per_row);

	CHECK_FOR_INTERRUPTS();
	slot_getallattrs(slot);
	receiver->work(receiver->argument, receiver->tupdesc, slot->tts_values, slot->tts_isnull);
	MemoryContextSwitchTo(outer);
	MemoryContextReset(receiver->per_row);
	return true;
}

static void
start(DestReceiver *self, int operation, TupleDesc tupdesc)
{
	((Receiver *) self)->tupdesc = tupdesc;
}

static void
stop(DestReceiver *self)
{
}

void
usom_audit_stream(const char *statement, int64 first, int64 second, UsomStreamWork work, void *argument)
{
	Receiver	receiver = {
		.dest = {.receiveSlot = receive, .rStartup = start, .rShutdown = stop, .rDestroy = stop, .mydest = DestTuplestore},
		.work = work,
		.argument = argument,
		.per_row = AllocSetContextCreate(CurrentMemoryContext, "usom audit stream", ALLOCSET_DEFAULT_SIZES),
	};
	ParamListInfo params = makeParamList(2);
	SPIExecuteOptions options = {.params = params, .read_only = true, .dest = &receiver.dest};
	int			result;

	params->params[0] = (ParamExternData) {.value = Int64GetDatum(first), .pflags = PARAM_FLAG_CONST, .ptype = INT8OID};
	params->params[1] = (ParamExternData) {.value = Int64GetDatum(second), .pflags = PARAM_FLAG_CONST, .ptype = INT8OID};
	result = SPI_execute_extended(statement, &options);
	if (result < 0)
		elog(ERROR, "SPI_execute_extended failed: %s", SPI_result_code_string(result));
	MemoryContextDelete(receiver.per_row);
}
