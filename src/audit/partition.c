/*
 * partition.c
 *		Partitions are made by the owner of the tables, whoever lets the clock
 *		tick: the statements themselves are in partition.sql.
 *
 * Memory: that of the SPI connection.
 *
 * Locks: one maker at a time, by an advisory lock that is tried; a partition
 * that is attached locks the table against other changes of its kind, and its
 * rest against readers, for 200 milliseconds at most.
 */
#include "postgres.h"

#include "base/call.h"
#include "base/query.h"
#include "fmgr.h"

PG_FUNCTION_INFO_V1(usom_prepare_partitions);

/* usom.prepare_partitions() RETURNS integer: how many were made. */
Datum
usom_prepare_partitions(PG_FUNCTION_ARGS)
{
	static UsomQuery query = {.text = "SELECT usom._extend_audit()"};
	int			made;

	usom_call_begin("prepare_partitions", NULL);
	made = (int) usom_query_write(&query, NULL, NULL);
	usom_call_end();
	PG_RETURN_INT32(made);
}
