/*
 * ident.c
 *		Keys and document numbers.
 *
 *		A key is usom.node in the high ten bits and the next value of
 *		usom.id_seq in the low 53: databases that exchange orders never make
 *		the same key, and keys of node 0 are exact in JavaScript.
 *
 *		Locks: a gap-free counter locks its row of document_counter until the
 *		end of the transaction, so its writers queue; it is drawn after the
 *		order and before stock.  Sequences lock nothing.
 */
#include "postgres.h"
#include "catalog/namespace.h"
#include "commands/sequence.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "base/call.h"
#include "base/errors.h"
#include "base/ident.h"
#include "base/query.h"
#include "base/settings.h"

#define NODE_SHIFT 53

/* Whoever may insert may draw a key, as with identity columns: no privilege on the sequence is asked for. */
static int64
draw(const char *sequence)
{
	Oid			schema = get_namespace_oid("usom", true);
	Oid			relid = OidIsValid(schema) ? get_relname_relid(sequence, schema) : InvalidOid;

	if (!OidIsValid(relid))
	{
		usom_call_check_installed();
		ereport(ERROR, errcode(ERRCODE_UNDEFINED_TABLE), errmsg("sequence \"usom.%s\" is missing", sequence));
	}
	return nextval_internal(relid, false);
}

int64
usom_ident_of_node(int node, int64 local)
{
	return ((int64) node << NODE_SHIFT) | local;
}

int64
usom_ident_next(void)
{
	int64		local = draw("id_seq");

	if (local <= 0 || local >> NODE_SHIFT != 0)
		ereport(ERROR,
				errcode(ERRCODE_SEQUENCE_GENERATOR_LIMIT_EXCEEDED),
				errmsg("usom.id_seq has left the range of keys: " INT64_FORMAT, local),
				errhint("Set it back with setval() above the greatest key: usom.doctor() names it."));
	return usom_ident_of_node(usom_setting_node, local);
}

/* Prefix and digits of a counter, its number if it is gap-free. */
typedef struct Counter
{
	char	   *prefix;
	int			digits;
	bool		gap_free;
	int64		number;
} Counter;

static Counter
find_counter(int64 org_id, const char *kind)
{
	static UsomQuery query = {
		.text = "SELECT prefix, digits, gap_free FROM usom.document_counter"
		" WHERE org_id = $1 AND kind = $2",
		.nargs = 2,
		.argtypes = {"pg_catalog.int8", "pg_catalog.text"},
	};
	Datum		values[] = {Int64GetDatum(org_id), CStringGetTextDatum(kind)};
	Counter		counter = {0};

	if (usom_query_run(&query, values, NULL) == 0)
		ereport(ERROR,
				errcode(USOM_ERR(UNKNOWN_CODE)),
				errmsg("the organisation has no counter for documents of kind \"%s\"", kind),
				errhint("INSERT INTO usom.document_counter (org_id, kind, prefix) VALUES (" INT64_FORMAT ", %s, ...);",
						org_id, quote_literal_cstr(kind)));
	counter.prefix = usom_query_get_text(0, 1);
	counter.digits = DatumGetInt32(usom_query_get(0, 2));
	counter.gap_free = DatumGetBool(usom_query_get(0, 3));
	return counter;
}

static int64
draw_gap_free(int64 org_id, const char *kind)
{
	static UsomQuery query = {
		.text = "UPDATE usom.document_counter SET last_value = last_value + 1"
		" WHERE org_id = $1 AND kind = $2 RETURNING last_value",
		.nargs = 2,
		.argtypes = {"pg_catalog.int8", "pg_catalog.text"},
	};
	Datum		values[] = {Int64GetDatum(org_id), CStringGetTextDatum(kind)};

	usom_query_write(&query, values, NULL);
	return DatumGetInt64(usom_query_get(0, 1));
}

void
usom_ident_give_back(int64 org_id, const char *kind)
{
	static UsomQuery query = {
		.text = "UPDATE usom.document_counter SET last_value = last_value - 1"
		" WHERE org_id = $1 AND kind = $2 AND gap_free",
		.nargs = 2,
		.argtypes = {"pg_catalog.int8", "pg_catalog.text"},
	};
	Datum		values[] = {Int64GetDatum(org_id), CStringGetTextDatum(kind)};

	usom_query_write(&query, values, NULL);
}

char *
usom_ident_document_no(int64 org_id, const char *kind)
{
	Counter		counter = find_counter(org_id, kind);

	if (counter.gap_free)
		counter.number = draw_gap_free(org_id, kind);
	else
		counter.number = draw(psprintf("%s_no_seq", kind));
	return psprintf("%s%0*lld", counter.prefix, counter.digits, (long long) counter.number);
}

/* usom.next_id() */
PG_FUNCTION_INFO_V1(usom_next_id);
Datum
usom_next_id(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(usom_ident_next());
}
