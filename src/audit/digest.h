/*
 * digest.h
 *		SHA-256 of entries and blocks, over every column in a fixed form.
 *
 *		Form 1: the byte 1, a byte that tells what is digested ('E' an entry,
 *		'B' a block), then the fields in their fixed order.  A field is its
 *		length in four bytes, big-endian, and its bytes; null has the length
 *		FFFFFFFF.  Integers and times are eight bytes, big-endian; texts are
 *		UTF-8.  The bytes of large fields (images) follow after all others, in
 *		their order; their lengths stand where the fields do.  A form once
 *		released never changes.
 */
#ifndef USOM_AUDIT_DIGEST_H
#define USOM_AUDIT_DIGEST_H

#include "postgres.h"
#include "access/htup.h"
#include "access/tupdesc.h"
#include "audit/entry.h"
#include "audit/sha256.h"
#include "lib/stringinfo.h"

#define USOM_DIGEST_FORM 1
#define USOM_DIGEST_MAX_LARGE 2

/* Makes digests one after the other. */
typedef struct UsomDigester
{
	StringInfoData head;		/* all but the bytes of large fields */
	int			nlarge;
	struct
	{
		const char *data;
		Size		size;
	}			large[USOM_DIGEST_MAX_LARGE];
} UsomDigester;

/* In CurrentMemoryContext; close gives the hash back (so does an abort). */
extern void usom_digest_open(UsomDigester *digester);
extern void usom_digest_close(UsomDigester *digester);

extern void usom_digest_begin(UsomDigester *digester, char what);
extern void usom_digest_int(UsomDigester *digester, int64 value);
extern void usom_digest_null(UsomDigester *digester);
extern void usom_digest_text(UsomDigester *digester, const char *string);	/* NULL is null */
extern void usom_digest_bytes(UsomDigester *digester, const void *bytes, Size size);
extern void usom_digest_large(UsomDigester *digester, const bytea *bytes);	/* NULL is null; must stay until finish */
extern void usom_digest_finish(UsomDigester *digester, UsomDigest *digest);

/* What entry.c writes and usom._audit_digest() recomputes. */
extern void usom_digest_entry(UsomDigester *digester, const UsomAuditEntry *entry, const UsomActor *actor,
							  int64 transaction_id, UsomDigest *digest);

/* A row of usom.audit_entry: what is asked of it besides its digest. */
typedef struct UsomEntryRow
{
	int64		audit_entry_id;
	bool		has_order;
	int64		sales_order_id;
	int32		entry_no;
	int32		row_count;
	const bytea *table_name;	/* characters; NULL only where somebody took the constraint away */
	const bytea *operation;		/* the same */
	const bytea *previous;
	const bytea *before;
	const bytea *after;
	const bytea *digest;		/* as it stands there */
} UsomEntryRow;

/* How rows of one type are taken apart; in CurrentMemoryContext.  ERROR 42804 for rows of another table. */
typedef struct UsomEntryShape UsomEntryShape;

extern UsomEntryShape *usom_digest_shape(TupleDesc tupdesc);

/*
 * Take a row apart, and say what its digest must be; false if no digest fits
 * it (it is numbered without an order, or the other way round).  The entry
 * points into the row and into CurrentMemoryContext.  Of the form with a row,
 * known is NULL at first and kept from row to row, in the context given.
 */
extern bool usom_digest_take(const UsomEntryShape *shape, const Datum *values, const bool *nulls, UsomDigester *digester,
							 UsomEntryRow *entry, UsomDigest *computed);
extern bool usom_digest_read(HeapTupleHeader row, UsomEntryShape **known, MemoryContext context, UsomDigester *digester,
							 UsomEntryRow *entry, UsomDigest *computed);

/* Are these bytes the digest? */
extern bool usom_digest_is(const bytea *bytes, const UsomDigest *digest);

#endif							/* USOM_AUDIT_DIGEST_H */
