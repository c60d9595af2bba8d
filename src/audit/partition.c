/*
 * partition.c
 *		Partitions are made by the owner of the tables, whoever lets the clock
 *		tick: the statements themselves are in partition.sql.
 *
 * Memory: that of the SPI connection.
 *
 * Locks: SHARE UPDATE EXCLUSIVE of usom.audit_entry, tried and not waited for,
 * so that there is one maker at a time, and nobody without rights on the table
 * can keep it from its work; then the rest against readers and the view of the
 * recent ones against all, each waited for 200 milliseconds at most.
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
