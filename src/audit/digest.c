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

/* The length, and the bytes if there are any here. */
static inline void
put_field(UsomDigester *digester, uint32 length, const void *bytes, Size size)
{
	StringInfo	head = &digester->head;
	uint32		network = pg_hton32(length);

	enlargeStringInfo(head, (int) (sizeof(network) + size));
	memcpy(head->data + head->len, &network, sizeof(network));
	if (size > 0)
		memcpy(head->data + head->len + sizeof(network), bytes, size);
	head->len += (int) (sizeof(network) + size);
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
	put_field(digester, NULL_LENGTH, NULL, 0);
}

void
usom_digest_bytes(UsomDigester *digester, const void *bytes, Size size)
{
	put_field(digester, (uint32) size, bytes, size);
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
	put_field(digester, (uint32) VARSIZE_ANY_EXHDR(bytes), NULL, 0);
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
	Datum	   *values;			/* room for a row that is taken apart here */
	bool	   *nulls;
};

typedef struct UsomEntryShape EntryShape;

/* A row: the shape and what it has. */
typedef struct EntryValues
{
	const EntryShape *shape;
	const Datum *values;
	const bool *nulls;
} EntryValues;

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

UsomEntryShape *
usom_digest_shape(TupleDesc tupdesc)
{
	EntryShape *shape = palloc0(sizeof(EntryShape));

	shape->type = tupdesc->tdtypeid;
	shape->typmod = tupdesc->tdtypmod;
	shape->tupdesc = tupdesc;
	for (int i = 0; i < COL_COUNT; i++)
		shape->index[i] = find_column(tupdesc, entry_columns[i].name, entry_columns[i].type);
	shape->digest = find_column(tupdesc, "digest", BYTEAOID);
	shape->values = palloc(tupdesc->natts * sizeof(Datum));
	shape->nulls = palloc(tupdesc->natts * sizeof(bool));
	return shape;
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
	shape = usom_digest_shape(lookup_rowtype_tupdesc_copy(HeapTupleHeaderGetTypeId(row), HeapTupleHeaderGetTypMod(row)));
	MemoryContextSwitchTo(outer);
	return *known = shape;
}

static inline bool
is_null(const EntryValues *row, EntryColumn column)
{
	return row->nulls[row->shape->index[column]];
}

static inline Datum
value_of(const EntryValues *row, EntryColumn column)
{
	return row->values[row->shape->index[column]];
}

static inline int64
int_of(const EntryValues *row, EntryColumn column)
{
	if (is_null(row, column))
		return 0;
	return entry_columns[column].type == INT4OID ? DatumGetInt32(value_of(row, column)) : DatumGetInt64(value_of(row, column));
}

static inline bytea *
bytes_of(const EntryValues *row, EntryColumn column)
{
	return is_null(row, column) ? NULL : DatumGetByteaPP(value_of(row, column));
}

static UsomEntryRow
entry_of(const EntryValues *row)
{
	return (UsomEntryRow) {
		.audit_entry_id = int_of(row, COL_ID),
		.table_name = bytes_of(row, COL_TABLE),
		.operation = bytes_of(row, COL_OPERATION),
		.row_count = (int32) int_of(row, COL_ROWS),
		.has_order = !is_null(row, COL_ORDER),
		.sales_order_id = int_of(row, COL_ORDER),
		.entry_no = (int32) int_of(row, COL_NO),
		.previous = bytes_of(row, COL_PREVIOUS),
		.before = bytes_of(row, COL_BEFORE),
		.after = bytes_of(row, COL_AFTER),
		.digest = row->nulls[row->shape->digest] ? NULL : DatumGetByteaPP(row->values[row->shape->digest]),
	};
}

/* Entries have a number if and only if they are of an order; the digest tells no other rows apart. */
static bool
is_numbered_right(const EntryValues *row)
{
	return is_null(row, COL_ORDER) ? is_null(row, COL_NO) : int_of(row, COL_NO) > 0;
}

static void
put_text(UsomDigester *digester, const text *string)
{
	if (GetDatabaseEncoding() == PG_UTF8)
		usom_digest_bytes(digester, VARDATA_ANY(string), VARSIZE_ANY_EXHDR(string));
	else
		usom_digest_text(digester, text_to_cstring(string));
}

static void
put_column(UsomDigester *digester, const EntryValues *row, EntryColumn column)
{
	if (is_null(row, column))
		usom_digest_null(digester);
	else if (entry_columns[column].type == TEXTOID)
		put_text(digester, DatumGetTextPP(value_of(row, column)));
	else if (entry_columns[column].type == BYTEAOID)
		usom_digest_bytes(digester, VARDATA_ANY(bytes_of(row, column)), VARSIZE_ANY_EXHDR(bytes_of(row, column)));
	else
		usom_digest_int(digester, int_of(row, column));
}

/* As usom_digest_entry(): columns stand in its order. */
static void
digest_row(UsomDigester *digester, const EntryValues *row, const UsomEntryRow *entry, UsomDigest *digest)
{
	usom_digest_begin(digester, 'E');
	for (int column = COL_ORG; column < COL_BEFORE; column++)
		put_column(digester, row, column);
	usom_digest_large(digester, entry->before);
	usom_digest_large(digester, entry->after);
	usom_digest_finish(digester, digest);
}

bool
usom_digest_take(const UsomEntryShape *shape, const Datum *values, const bool *nulls, UsomDigester *digester,
				 UsomEntryRow *entry, UsomDigest *computed)
{
	EntryValues row = {shape, values, nulls};

	*entry = entry_of(&row);
	if (!is_numbered_right(&row))
		return false;
	digest_row(digester, &row, entry, computed);
	return true;
}

bool
usom_digest_read(HeapTupleHeader row, UsomEntryShape **known, MemoryContext context, UsomDigester *digester,
				 UsomEntryRow *entry, UsomDigest *computed)
{
	EntryShape *shape = shape_of(row, known, context);
	HeapTupleData tuple = {.t_len = HeapTupleHeaderGetDatumLength(row), .t_data = row};

	ItemPointerSetInvalid(&tuple.t_self);
	heap_deform_tuple(&tuple, shape->tupdesc, shape->values, shape->nulls);
	return usom_digest_take(shape, shape->values, shape->nulls, digester, entry, computed);
}

bool
usom_digest_is(const bytea *bytes, const UsomDigest *digest)
{
	return bytes != NULL && VARSIZE_ANY_EXHDR(bytes) == USOM_DIGEST_SIZE
		&& memcmp(VARDATA_ANY(bytes), digest->bytes, USOM_DIGEST_SIZE) == 0;
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
	UsomEntryRow entry;
	UsomDigest	digest;
	bool		fits;

	usom_digest_open(&digester);
	fits = usom_digest_read(PG_GETARG_HEAPTUPLEHEADER(0), &shape, fcinfo->flinfo->fn_mcxt, &digester, &entry, &digest);
	usom_digest_close(&digester);
	fcinfo->flinfo->fn_extra = shape;
	if (!fits)
		PG_RETURN_NULL();
	PG_RETURN_BYTEA_P(usom_sha256_bytea(&digest));
}
