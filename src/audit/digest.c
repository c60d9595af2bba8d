/*
 * digest.c
 *		SHA-256 of entries, over every column in a fixed form: see digest.h.
 *
 * Memory: the head of a digester grows in the context it was opened in; large
 * fields are pointed to.  Nothing here locks.
 *
 * Invariant: two entries that differ in any column have different input, so
 * that their digests differ: every field is there, in its place, with its
 * length before it.
 */
#include "postgres.h"

#include "base/compat.h"

#include "audit/digest.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "port/pg_bswap.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
#include "utils/typcache.h"

PG_FUNCTION_INFO_V1(usom__audit_digest);

#define NULL_LENGTH 0xFFFFFFFF
#define FIRST_HEAD_SIZE 512

/* ---- the form ---- */

void
usom_digest_open(UsomDigester *digester)
{
	initStringInfo(&digester->head);
	enlargeStringInfo(&digester->head, FIRST_HEAD_SIZE);
}

void
usom_digest_close(UsomDigester *digester)
{
	pfree(digester->head.data);
}

static void
put_length(UsomDigester *digester, uint32 length)
{
	uint32		bytes = pg_hton32(length);

	appendBinaryStringInfo(&digester->head, (char *) &bytes, sizeof(bytes));
}

void
usom_digest_begin(UsomDigester *digester, char what)
{
	resetStringInfo(&digester->head);
	digester->nlarge = 0;
	appendStringInfoChar(&digester->head, USOM_DIGEST_FORM);
	appendStringInfoChar(&digester->head, what);
}

void
usom_digest_null(UsomDigester *digester)
{
	put_length(digester, NULL_LENGTH);
}

void
usom_digest_bytes(UsomDigester *digester, const void *bytes, Size size)
{
	put_length(digester, (uint32) size);
	appendBinaryStringInfo(&digester->head, bytes, (int) size);
}

void
usom_digest_int(UsomDigester *digester, int64 value)
{
	uint64		bytes = pg_hton64((uint64) value);

	usom_digest_bytes(digester, &bytes, sizeof(bytes));
}

/* The same in databases of all encodings. */
void
usom_digest_text(UsomDigester *digester, const char *string)
{
	const char *utf8;

	if (string == NULL)
	{
		usom_digest_null(digester);
		return;
	}
	utf8 = pg_server_to_any(string, (int) strlen(string), PG_UTF8);
	usom_digest_bytes(digester, utf8, strlen(utf8));
}

void
usom_digest_large(UsomDigester *digester, const bytea *bytes)
{
	if (bytes == NULL)
	{
		usom_digest_null(digester);
		return;
	}
	Assert(digester->nlarge < USOM_DIGEST_MAX_LARGE);
	put_length(digester, (uint32) VARSIZE_ANY_EXHDR(bytes));
	digester->large[digester->nlarge].data = VARDATA_ANY(bytes);
	digester->large[digester->nlarge++].size = VARSIZE_ANY_EXHDR(bytes);
}

void
usom_digest_finish(UsomDigester *digester, UsomDigest *digest)
{
	UsomPart	parts[1 + USOM_DIGEST_MAX_LARGE];

	parts[0] = (UsomPart) {digester->head.data, digester->head.len};
	for (int i = 0; i < digester->nlarge; i++)
		parts[i + 1] = (UsomPart) {digester->large[i].data, digester->large[i].size};
	usom_sha256(parts, digester->nlarge + 1, digest);
}

/* ---- entries ---- */

static void
put_chain(UsomDigester *digester, const UsomAuditEntry *entry)
{
	if (entry->has_order)
	{
		usom_digest_int(digester, entry->sales_order_id);
		usom_digest_int(digester, entry->entry_no);
	}
	else
	{
		usom_digest_null(digester);
		usom_digest_null(digester);
	}
	if (entry->previous != NULL)
		usom_digest_bytes(digester, VARDATA_ANY(entry->previous), VARSIZE_ANY_EXHDR(entry->previous));
	else
		usom_digest_null(digester);
}

void
usom_digest_entry(UsomDigester *digester, const UsomAuditEntry *entry, const UsomActor *actor,
				  int64 transaction_id, UsomDigest *digest)
{
	usom_digest_begin(digester, 'E');
	usom_digest_int(digester, entry->org_id);
	usom_digest_int(digester, entry->audit_entry_id);
	usom_digest_int(digester, entry->occurred_at);
	usom_digest_int(digester, transaction_id);
	usom_digest_text(digester, entry->table_name);
	usom_digest_text(digester, entry->operation);
	usom_digest_int(digester, entry->row_count);
	put_chain(digester, entry);
	usom_digest_text(digester, actor->session_role);
	usom_digest_text(digester, actor->active_role);
	usom_digest_text(digester, actor->app_user);
	usom_digest_text(digester, actor->client_addr);
	usom_digest_text(digester, actor->application_name);
	usom_digest_text(digester, entry->verb);
	usom_digest_text(digester, entry->reason);
	usom_digest_large(digester, entry->before);
	usom_digest_large(digester, entry->after);
	usom_digest_finish(digester, digest);
}

/* ---- from SQL ---- */

/* Columns of an entry as they are read from its row; EntryColumn indexes them. */
static const struct
{
	const char *name;
	Oid			type;
}			entry_columns[] = {
	{"org_id", INT8OID}, {"audit_entry_id", INT8OID}, {"occurred_at", TIMESTAMPTZOID}, {"transaction_id", INT8OID},
	{"table_name", TEXTOID}, {"operation", TEXTOID}, {"row_count", INT4OID}, {"sales_order_id", INT8OID},
	{"entry_no", INT4OID}, {"previous", BYTEAOID}, {"session_role", TEXTOID}, {"active_role", TEXTOID},
	{"app_user", TEXTOID}, {"client_addr", TEXTOID}, {"application_name", TEXTOID}, {"verb", TEXTOID},
	{"reason", TEXTOID}, {"before", BYTEAOID}, {"after", BYTEAOID},
};

typedef enum EntryColumn
{
	COL_ORG, COL_ID, COL_AT, COL_TRANSACTION, COL_TABLE, COL_OPERATION, COL_ROWS, COL_ORDER, COL_NO, COL_PREVIOUS,
	COL_SESSION, COL_ACTIVE, COL_USER, COL_ADDRESS, COL_APPLICATION, COL_VERB, COL_REASON, COL_BEFORE, COL_AFTER,
	COL_COUNT
} EntryColumn;

StaticAssertDecl(lengthof(entry_columns) == COL_COUNT, "each column of an entry has its place");

/* How rows of one type are taken apart. */
struct UsomEntryShape
{
	Oid			type;
	int32		typmod;
	TupleDesc	tupdesc;
	int			index[COL_COUNT];
	int			digest;			/* where the column digest is */
	Datum	   *values;
	bool	   *nulls;
};

typedef struct UsomEntryShape EntryShape;

static int
find_column(TupleDesc tupdesc, const char *name, Oid type)
{
	for (int i = 0; i < tupdesc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(tupdesc, i);

		if (!attribute->attisdropped && attribute->atttypid == type && strcmp(NameStr(attribute->attname), name) == 0)
			return i;
	}
	ereport(ERROR, errcode(ERRCODE_DATATYPE_MISMATCH),
			errmsg("the row is no audit entry"),
			errdetail("It has no column \"%s\" of the type that entries have.", name),
			errhint("Give a row of usom.audit_entry."));
}

/* The shape made for the first row is good for all that have the same type. */
static EntryShape *
shape_of(HeapTupleHeader row, EntryShape **known, MemoryContext context)
{
	EntryShape *shape = *known;
	MemoryContext outer;

	if (likely(shape != NULL && shape->type == HeapTupleHeaderGetTypeId(row)
			   && shape->typmod == HeapTupleHeaderGetTypMod(row)))
		return shape;
	outer = MemoryContextSwitchTo(context);
	shape = palloc(sizeof(EntryShape));
	shape->type = HeapTupleHeaderGetTypeId(row);
	shape->typmod = HeapTupleHeaderGetTypMod(row);
	shape->tupdesc = lookup_rowtype_tupdesc_copy(shape->type, shape->typmod);
	for (int i = 0; i < COL_COUNT; i++)
		shape->index[i] = find_column(shape->tupdesc, entry_columns[i].name, entry_columns[i].type);
	shape->digest = find_column(shape->tupdesc, "digest", BYTEAOID);
	shape->values = palloc(shape->tupdesc->natts * sizeof(Datum));
	shape->nulls = palloc(shape->tupdesc->natts * sizeof(bool));
	MemoryContextSwitchTo(outer);
	return *known = shape;
}

static bool
is_null(const EntryShape *shape, EntryColumn column)
{
	return shape->nulls[shape->index[column]];
}

static int64
int_of(const EntryShape *shape, EntryColumn column)
{
	Datum		value = shape->values[shape->index[column]];

	if (is_null(shape, column))
		return 0;
	return entry_columns[column].type == INT4OID ? DatumGetInt32(value) : DatumGetInt64(value);
}

static char *
text_of(const EntryShape *shape, EntryColumn column)
{
	return is_null(shape, column) ? NULL : TextDatumGetCString(shape->values[shape->index[column]]);
}

static bytea *
bytes_of(const EntryShape *shape, EntryColumn column)
{
	return is_null(shape, column) ? NULL : DatumGetByteaPP(shape->values[shape->index[column]]);
}

static UsomAuditEntry
entry_of(const EntryShape *shape)
{
	return (UsomAuditEntry) {
		.org_id = int_of(shape, COL_ORG),
		.audit_entry_id = int_of(shape, COL_ID),
		.occurred_at = int_of(shape, COL_AT),
		.table_name = text_of(shape, COL_TABLE),
		.operation = text_of(shape, COL_OPERATION),
		.row_count = (int32) int_of(shape, COL_ROWS),
		.has_order = !is_null(shape, COL_ORDER),
		.sales_order_id = int_of(shape, COL_ORDER),
		.entry_no = (int32) int_of(shape, COL_NO),
		.previous = bytes_of(shape, COL_PREVIOUS),
		.verb = text_of(shape, COL_VERB),
		.reason = text_of(shape, COL_REASON),
		.before = bytes_of(shape, COL_BEFORE),
		.after = bytes_of(shape, COL_AFTER),
	};
}

/* Entries have a number if and only if they are of an order; the digest tells no other rows apart. */
static bool
is_numbered_right(const EntryShape *shape)
{
	return is_null(shape, COL_ORDER) ? is_null(shape, COL_NO) : int_of(shape, COL_NO) > 0;
}

/* The digest of the row that was taken apart; false if no digest fits it. */
static bool
digest_shape(const EntryShape *shape, const UsomAuditEntry *entry, UsomDigester *digester, UsomDigest *digest)
{
	UsomActor	actor = {
		.session_role = text_of(shape, COL_SESSION),
		.active_role = text_of(shape, COL_ACTIVE),
		.app_user = text_of(shape, COL_USER),
		.client_addr = text_of(shape, COL_ADDRESS),
		.application_name = text_of(shape, COL_APPLICATION),
	};

	if (!is_numbered_right(shape))
		return false;
	usom_digest_entry(digester, entry, &actor, int_of(shape, COL_TRANSACTION), digest);
	return true;
}

bool
usom_digest_read(HeapTupleHeader row, UsomEntryShape **known, MemoryContext context, UsomDigester *digester,
				 UsomAuditEntry *entry, const bytea **digest, UsomDigest *computed)
{
	EntryShape *shape = shape_of(row, known, context);
	HeapTupleData tuple = {.t_len = HeapTupleHeaderGetDatumLength(row), .t_data = row};

	ItemPointerSetInvalid(&tuple.t_self);
	heap_deform_tuple(&tuple, shape->tupdesc, shape->values, shape->nulls);
	*entry = entry_of(shape);
	*digest = shape->nulls[shape->digest] ? NULL : DatumGetByteaPP(shape->values[shape->digest]);
	return digest_shape(shape, entry, digester, computed);
}

/*
 * usom._audit_digest(entry record) RETURNS bytea: what the digest of a row of
 * usom.audit_entry must be; null if no digest fits the row.
 */
Datum
usom__audit_digest(PG_FUNCTION_ARGS)
{
	UsomEntryShape *shape = fcinfo->flinfo->fn_extra;
	UsomDigester digester;
	UsomAuditEntry entry;
	const bytea *stored;
	UsomDigest	digest;
	bool		fits;

	usom_digest_open(&digester);
	fits = usom_digest_read(PG_GETARG_HEAPTUPLEHEADER(0), &shape, fcinfo->flinfo->fn_mcxt, &digester, &entry, &stored, &digest);
	usom_digest_close(&digester);
	fcinfo->flinfo->fn_extra = shape;
	if (!fits)
		PG_RETURN_NULL();
	PG_RETURN_BYTEA_P(usom_sha256_bytea(&digest));
}
