/*
 * ident.c
 *		Keys and document numbers.
 *
 *		A key is usom.node in the high ten bits and the next value of
 *		usom.id_seq in the low 53: databases that exchange orders never make
 *		the same key, and keys of node 0 are exact in JavaScript.
 *
 *		How an organisation numbers is remembered (base/memo.h); the last number
 *		of a gap-free counter is not.
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
#include "base/memo.h"
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

/* ---- counters ---- */

/* How documents of a kind are numbered; remembered, without the number itself. */
typedef struct Counter
{
	const char *kind;
	const char *prefix;
	int			digits;
	bool		gap_free;
} Counter;

typedef struct Counters
{
	int			count;
	Counter    *counters;
} Counters;

static const void *
read_counters(int64 org_id)
{
	static UsomFetch fetch = {
		.table = "document_counter",
		.index = "document_counter_pkey",
		.nkeys = 1,
		.keys = {{"org_id", "bigint"}},
		.ncolumns = 4,
		.columns = {{"kind", "text"}, {"prefix", "text"}, {"digits", "integer"}, {"gap_free", "boolean"}},
		.query = {
			.text = "SELECT kind, prefix, digits, gap_free FROM usom.document_counter WHERE org_id = $1",
			.nargs = 1,
			.argtypes = {"bigint"},
		},
	};
	Datum		values[] = {Int64GetDatum(org_id)};
	Counters   *counters = palloc0_object(Counters);

	counters->count = (int) usom_memo_fetch(&fetch, values);
	counters->counters = palloc_array(Counter, Max(counters->count, 1));
	for (int row = 0; row < counters->count; row++)
		counters->counters[row] = (Counter) {
			usom_query_get_text(row, 1), usom_query_get_text(row, 2), DatumGetInt32(usom_query_get(row, 3)),
			DatumGetBool(usom_query_get(row, 4))
		};
	return counters;
}

static UsomMemo memo = {
	.name = "usom document counters",
	.tables = {"document_counter"},
	.read = read_counters,
};

void
usom_ident_init(void)
{
	usom_memo_register(&memo);
}

/* What is remembered may go with the next statement. */
static Counter
find_counter(int64 org_id, const char *kind)
{
	const Counters *counters = usom_memo_get(&memo, org_id);

	for (int i = 0; i < counters->count; i++)
		if (strcmp(counters->counters[i].kind, kind) == 0)
		{
			Counter		counter = counters->counters[i];

			counter.prefix = pstrdup(counter.prefix);
			return counter;
		}
	ereport(ERROR,
			errcode(USOM_ERR(UNKNOWN_CODE)),
			errmsg("the organisation has no counter for documents of kind \"%s\"", kind),
			errhint("INSERT INTO usom.document_counter (org_id, kind, prefix) VALUES (" INT64_FORMAT ", %s, ...);",
					org_id, quote_literal_cstr(kind)));
}

/* Returns the last of so many numbers. */
static int64
draw_gap_free(int64 org_id, const char *kind, int count)
{
	static UsomQuery query = {
		.text = "UPDATE usom.document_counter SET last_value = last_value + $3"
		" WHERE org_id = $1 AND kind = $2 RETURNING last_value",
		.nargs = 3,
		.argtypes = {"pg_catalog.int8", "pg_catalog.text", "pg_catalog.int8"},
	};
	Datum		values[] = {Int64GetDatum(org_id), CStringGetTextDatum(kind), Int64GetDatum(count)};

	Ensure(usom_query_write(&query, values, NULL) == 1, "the counter of documents of kind \"%s\" is gone", kind);
	return DatumGetInt64(usom_query_get(0, 1));
}

void
usom_ident_document_nos(int64 org_id, const char *kind, int count, char **numbers)
{
	Counter		counter = find_counter(org_id, kind);
	char	   *sequence = psprintf("%s_no_seq", kind);
	int64		number = counter.gap_free && count > 0 ? draw_gap_free(org_id, kind, count) - count : 0;

	for (int i = 0; i < count; i++)
	{
		number = counter.gap_free ? number + 1 : draw(sequence);
		numbers[i] = psprintf("%s%0*lld", counter.prefix, counter.digits, (long long) number);
	}
}

bool
usom_ident_is_gap_free(int64 org_id, const char *kind)
{
	return find_counter(org_id, kind).gap_free;
}

char *
usom_ident_document_no(int64 org_id, const char *kind)
{
	char	   *number;

	usom_ident_document_nos(org_id, kind, 1, &number);
	return number;
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

/* usom.next_id() */
PG_FUNCTION_INFO_V1(usom_next_id);
Datum
usom_next_id(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(usom_ident_next());
}
