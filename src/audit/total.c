/*
 * total.c
 *		Totals over images: what many entries did to the rows of a table, in 272
 *		bytes that may be kept.
 *
 *		As in sum.c, the rows after less the rows before are the rows that live.
 *		There the hash has a key that is drawn for each comparison, so that
 *		nobody can make rows whose sum is that of others; what is kept while
 *		entries go to an archive cannot have such a key.  So a row counts with
 *		2,048 bits (SHA-256 of the row is the key of four blocks of ChaCha20),
 *		added in 32 lanes modulo 2^64: to find rows that add up to others is
 *		the problem of lattices behind LtHash and AdHash, out of reach at this
 *		width (Bellare and Micciancio, A New Paradigm for Collision-free
 *		Hashing, 1997).
 *
 * Memory: the state of an aggregate is in its aggregate's context; a reader's
 * arrays are in a context that is reset per image.  Nothing here locks.
 *
 * Invariant: totals of disjoint sets of entries add up to that of all; the
 * total of live rows, as INSERTs, is that of the entries that made them.
 */
#include "postgres.h"

#include "base/compat.h"

#include "audit/canon.h"
#include "audit/sha256.h"

#include "fmgr.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "port/pg_bswap.h"
#include "utils/memutils.h"

PG_FUNCTION_INFO_V1(usom__audit_total_add);
PG_FUNCTION_INFO_V1(usom__audit_total_result);
PG_FUNCTION_INFO_V1(usom__audit_total_plus);

#define LANES 32
#define NO_COLUMNS 0			/* no row yet */
#define MIXED_COLUMNS PG_UINT64_MAX /* rows have different ones */

/* As it is kept: each number in network order. */
typedef struct Total
{
	uint64		lanes[LANES];
	uint64		rows;			/* after less before */
	uint64		columns;		/* hash of those that all rows have */
} Total;

#define TOTAL_WORDS (sizeof(Total) / sizeof(uint64))
#define TOTAL_SIZE (VARHDRSZ + sizeof(Total))

typedef struct Totalling
{
	Total		total;
	UsomDigest	names;			/* of the header of the present image */
	StringInfoData row;
	MemoryContext per_image;
} Totalling;

/* ---- 2,048 bits of a row ---- */

static inline uint32
rotate(uint32 word, int bits)
{
	return word << bits | word >> (32 - bits);
}

static inline void
quarter_round(uint32 *x, int a, int b, int c, int d)
{
	x[a] += x[b];
	x[d] = rotate(x[d] ^ x[a], 16);
	x[c] += x[d];
	x[b] = rotate(x[b] ^ x[c], 12);
	x[a] += x[b];
	x[d] = rotate(x[d] ^ x[a], 8);
	x[c] += x[d];
	x[b] = rotate(x[b] ^ x[c], 7);
}

static inline uint32
word_of(const uint8 *bytes)
{
	return (uint32) bytes[0] | (uint32) bytes[1] << 8 | (uint32) bytes[2] << 16 | (uint32) bytes[3] << 24;
}

/* One block of ChaCha20 (RFC 8439 section 2.3) with a nonce of zeros. */
static void
chacha_block(const UsomDigest *key, uint32 counter, uint32 *out)
{
	uint32		state[16] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};

	for (int i = 0; i < 8; i++)
		state[4 + i] = word_of(key->bytes + 4 * i);
	state[12] = counter;
	memcpy(out, state, sizeof(state));
	for (int round = 0; round < 10; round++)
	{
		for (int i = 0; i < 4; i++)
			quarter_round(out, i, 4 + i, 8 + i, 12 + i);
		for (int i = 0; i < 4; i++)
			quarter_round(out, i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4);
	}
	for (int i = 0; i < 16; i++)
		out[i] += state[i];
}

static void
add_row(Total *total, const UsomDigest *row, int sign)
{
	uint32		words[2 * LANES];

	for (int block = 0; block < 2 * LANES / 16; block++)
		chacha_block(row, block, words + 16 * block);
	for (int i = 0; i < LANES; i++)
	{
		uint64		lane = words[2 * i] | (uint64) words[2 * i + 1] << 32;

		total->lanes[i] += sign > 0 ? lane : -lane;
	}
	total->rows += (uint64) (int64) sign;
}

/* ---- images ---- */

static uint64
same_columns(uint64 left, uint64 right)
{
	if (left == NO_COLUMNS || left == right)
		return right;
	return right == NO_COLUMNS ? left : MIXED_COLUMNS;
}

/* The columns are part of each row, for a row of other columns is another row. */
static void
read_header(Totalling *state, const char *header, Size size)
{
	UsomPart	part = {header, size};
	uint64		columns;

	usom_sha256(&part, 1, &state->names);
	memcpy(&columns, state->names.bytes, sizeof(columns));
	state->total.columns = same_columns(state->total.columns, pg_ntoh64(columns) >> 1 | 1);
}

/* Each field behind its length, so that bytes cannot wander from one to the next; null has the length -1. */
static UsomDigest
digest_of_row(Totalling *state, const UsomCanonReader *reader)
{
	UsomPart	parts[2];
	UsomDigest	digest;

	resetStringInfo(&state->row);
	for (int i = 0; i < reader->ncolumns; i++)
	{
		const UsomCanonField *field = &reader->fields[i];
		uint32		size = pg_hton32((uint32) (int32) field->size);

		appendBinaryStringInfo(&state->row, (const char *) &size, sizeof(size));
		if (field->size > 0)
			appendBinaryStringInfo(&state->row, field->data, (int) field->size);
	}
	parts[0] = (UsomPart) {state->names.bytes, USOM_DIGEST_SIZE};
	parts[1] = (UsomPart) {state->row.data, state->row.len};
	usom_sha256(parts, 2, &digest);
	return digest;
}

/* An image that cannot be read adds what could be read: its entry is told by others. */
static void
add_image(Totalling *state, const bytea *image, int sign)
{
	UsomCanonReader reader;

	if (!usom_canon_open(&reader, VARDATA_ANY(image), VARSIZE_ANY_EXHDR(image)))
		return;
	read_header(state, VARDATA_ANY(image), reader.at - VARDATA_ANY(image) - sizeof(reader.rows));
	while (usom_canon_next(&reader) == CANON_ROW)
	{
		UsomDigest	row = digest_of_row(state, &reader);

		CHECK_FOR_INTERRUPTS();
		add_row(&state->total, &row, sign);
	}
}

/* ---- the aggregates ---- */

static Totalling *
open_total(MemoryContext context)
{
	MemoryContext outer = MemoryContextSwitchTo(context);
	Totalling  *state = palloc0(sizeof(Totalling));

	initStringInfo(&state->row);
	state->per_image = AllocSetContextCreate(context, "usom image total", ALLOCSET_SMALL_SIZES);
	MemoryContextSwitchTo(outer);
	return state;
}

/* usom._audit_total_add(internal, before bytea, after bytea): transition of usom._audit_total(). */
Datum
usom__audit_total_add(PG_FUNCTION_ARGS)
{
	MemoryContext context;
	MemoryContext outer;
	Totalling  *state;

	if (!AggCheckCallContext(fcinfo, &context))
		elog(ERROR, "usom._audit_total_add was not called by an aggregate");
	state = PG_ARGISNULL(0) ? open_total(context) : (Totalling *) PG_GETARG_POINTER(0);
	outer = MemoryContextSwitchTo(state->per_image);
	if (!PG_ARGISNULL(1))
		add_image(state, PG_GETARG_BYTEA_PP(1), -1);
	if (!PG_ARGISNULL(2))
		add_image(state, PG_GETARG_BYTEA_PP(2), 1);
	MemoryContextSwitchTo(outer);
	MemoryContextReset(state->per_image);
	PG_RETURN_POINTER(state);
}

static bytea *
bytes_of(const Total *total)
{
	bytea	   *bytes = palloc(TOTAL_SIZE);
	uint64		words[TOTAL_WORDS];

	memcpy(words, total, sizeof(Total));
	for (Size i = 0; i < TOTAL_WORDS; i++)
		words[i] = pg_hton64(words[i]);
	SET_VARSIZE(bytes, TOTAL_SIZE);
	memcpy(VARDATA(bytes), words, sizeof(Total));
	return bytes;
}

static Total
total_of(const bytea *bytes)
{
	Total		total;
	uint64		words[TOTAL_WORDS];

	if (VARSIZE_ANY_EXHDR(bytes) != sizeof(Total))
		ereport(ERROR, errcode(ERRCODE_INVALID_BINARY_REPRESENTATION), errmsg("a total has %zu bytes", sizeof(Total)));
	memcpy(words, VARDATA_ANY(bytes), sizeof(Total));
	for (Size i = 0; i < TOTAL_WORDS; i++)
		words[i] = pg_ntoh64(words[i]);
	memcpy(&total, words, sizeof(Total));
	return total;
}

/* usom._audit_total_result(internal) RETURNS bytea: lanes, rows, columns; null over nothing. */
Datum
usom__audit_total_result(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	PG_RETURN_BYTEA_P(bytes_of(&((Totalling *) PG_GETARG_POINTER(0))->total));
}

/* usom._audit_total_plus(one bytea, other bytea) RETURNS bytea */
Datum
usom__audit_total_plus(PG_FUNCTION_ARGS)
{
	Total		total = total_of(PG_GETARG_BYTEA_PP(0));
	Total		other = total_of(PG_GETARG_BYTEA_PP(1));

	for (int i = 0; i < LANES; i++)
		total.lanes[i] += other.lanes[i];
	total.rows += other.rows;
	total.columns = same_columns(total.columns, other.columns);
	PG_RETURN_BYTEA_P(bytes_of(&total));
}
