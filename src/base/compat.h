/*
 * compat.h
 *		The only place that looks at PG_VERSION_NUM.
 */
#ifndef USOM_BASE_COMPAT_H
#define USOM_BASE_COMPAT_H

#include "postgres.h"

#if PG_VERSION_NUM < 150000
#error "usom needs PostgreSQL 15 or later"
#endif

/* The version of the library; the same as default_version of usom.control. */
#define USOM_VERSION "1.0"

/* PostgreSQL 18 names the module in its magic block. */
#if PG_VERSION_NUM >= 180000
#define USOM_MODULE_MAGIC PG_MODULE_MAGIC_EXT(.name = "usom", .version = USOM_VERSION)
#else
#define USOM_MODULE_MAGIC PG_MODULE_MAGIC
#endif

/* PostgreSQL 16 moved the macros of varlena out of postgres.h. */
#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif

/* PostgreSQL 16 hides symbols of extensions unless they say otherwise. */
#ifndef PGDLLEXPORT
#define PGDLLEXPORT
#endif

/* PostgreSQL 16 lets input functions report without raising, to those who ask for it. */
#if PG_VERSION_NUM >= 160000
#include "nodes/miscnodes.h"
#define usom_ereturn(context, value, ...) ereturn(context, value, __VA_ARGS__)
#else
#define usom_ereturn(context, value, ...) ereport(ERROR, __VA_ARGS__)
#endif

/* PostgreSQL 16 reports details of a failed decode in a further argument. */
#if PG_VERSION_NUM >= 160000
#define usom_decode_datetime(fields, types, n, dtype, tm, fraction, zone) \
	(DecodeDateTime(fields, types, n, dtype, tm, fraction, zone, &(DateTimeErrorExtra) {0}))
#else
#define usom_decode_datetime(fields, types, n, dtype, tm, fraction, zone) \
	(DecodeDateTime(fields, types, n, dtype, tm, fraction, zone))
#endif

/* A small number of this backend that no other running one has; PostgreSQL 17 counts anew, from 0. */
#if PG_VERSION_NUM >= 170000
#include "storage/procnumber.h"
#define USOM_BACKEND_NUMBER MyProcNumber
#else
#include "storage/backendid.h"
#define USOM_BACKEND_NUMBER MyBackendId
#endif

/* Columns that are computed: stored ones, and from PostgreSQL 18 on virtual ones. */
#if PG_VERSION_NUM >= 180000
#define usom_has_generated(constr) ((constr)->has_generated_stored || (constr)->has_generated_virtual)
#else
#define usom_has_generated(constr) ((constr)->has_generated_stored)
#endif

/* Entries of a new row into the indexes of its table; PostgreSQL 16 asks for summaries alone, 18 where the conflict is. */
#if PG_VERSION_NUM >= 160000
#define usom_insert_index_tuples(result, slot, estate, no_error, conflict, arbiters) \
	ExecInsertIndexTuples(result, slot, estate, false, no_error, conflict, arbiters, false)
#else
#define usom_insert_index_tuples(result, slot, estate, no_error, conflict, arbiters) \
	ExecInsertIndexTuples(result, slot, estate, false, no_error, conflict, arbiters)
#endif
#if PG_VERSION_NUM >= 180000
#define usom_check_index_constraints(result, slot, estate, arbiters) \
	ExecCheckIndexConstraints(result, slot, estate, &(ItemPointerData) {0}, &(ItemPointerData) {{0xFFFF, 0xFFFF}, 0}, arbiters)
#else
#define usom_check_index_constraints(result, slot, estate, arbiters) \
	ExecCheckIndexConstraints(result, slot, estate, &(ItemPointerData) {0}, arbiters)
#endif

/* A new version of a row, and which indexes want an entry of it: PostgreSQL 16 tells of those that summarize. */
#if PG_VERSION_NUM >= 160000
#define UsomIndexEntries TU_UpdateIndexes
#define usom_needs_entries(entries) ((entries) != TU_None)
#define usom_update_index_tuples(result, slot, estate, entries) \
	ExecInsertIndexTuples(result, slot, estate, true, false, NULL, NIL, (entries) == TU_Summarizing)
#else
#define UsomIndexEntries bool
#define usom_needs_entries(entries) (entries)
#define usom_update_index_tuples(result, slot, estate, entries) \
	ExecInsertIndexTuples(result, slot, estate, true, false, NULL, NIL)
#endif
#define usom_tuple_update(table, tid, slot, command, snapshot, failure, entries) \
	table_tuple_update(table, tid, slot, command, snapshot, InvalidSnapshot, true, failure, &(LockTupleMode) {0}, entries)

/* Triggers before a row is updated, of which the old version is there: PostgreSQL 16 tells how it went, 18 wants to know of MERGE. */
#if PG_VERSION_NUM >= 180000
#define usom_before_update(estate, result, old, slot) ExecBRUpdateTriggers(estate, NULL, result, NULL, old, slot, NULL, NULL, false)
#elif PG_VERSION_NUM >= 160000
#define usom_before_update(estate, result, old, slot) ExecBRUpdateTriggers(estate, NULL, result, NULL, old, slot, NULL, NULL)
#else
#define usom_before_update(estate, result, old, slot) ExecBRUpdateTriggers(estate, NULL, result, NULL, old, slot, NULL)
#endif

/* PostgreSQL 18 counts what a scan of an index does, for who asks. */
#if PG_VERSION_NUM >= 180000
#define usom_index_beginscan(table, index, snapshot, nkeys) index_beginscan(table, index, snapshot, NULL, nkeys, 0)
#else
#define usom_index_beginscan(table, index, snapshot, nkeys) index_beginscan(table, index, snapshot, nkeys, 0)
#endif

#endif							/* USOM_BASE_COMPAT_H */
