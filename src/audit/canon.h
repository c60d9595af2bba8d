/*
 * canon.h
 *		Canonical form of a set of rows: the bytes that the audit keeps.
 *
 *		The same rows give the same bytes whatever DateStyle, TimeZone,
 *		extra_float_digits, search_path, locale or client_encoding say.  An
 *		image describes itself: it can be read when the table has changed or
 *		is gone.  A form once released never changes; a new one gets a new
 *		version byte, and readers know them all.
 *
 *		Version 1 (integers are big-endian; "count" is a LEB128 number):
 *			byte		version, 1
 *			byte		encoding of all texts, a pg_enc number
 *			count		columns
 *			a column:	byte kind; for kind 'x' the type's name; the name
 *						(a name is a count of bytes and the bytes)
 *			4 bytes		rows
 *			a row:		for each column a count, then bytes:
 *						0 null; 1 the value of the row above; n + 2: n bytes
 *
 *		A value that equals the one above (the last one of the column that was
 *		not null, if the row above has one) is always written as 1.
 *
 *		Kinds and their bytes:
 *			b boolean, 1 byte		2 4 8 integers		f d floats, IEEE; one NaN
 *			n numeric: digits, weight, sign, display scale, base 10000 digits,
 *			  two bytes each, as numeric's binary protocol form
 *			t text, varchar, bpchar, name: the characters
 *			y bytea			j json and jsonb: its text
 *			z timestamptz, s timestamp: microseconds since 2000-01-01 (UTC)
 *			e date: days since 2000-01-01
 *			a text arrays: their output text
 *			h domain usom.secret: SHA-256 of the bytes
 *			x all others: their output text under fixed settings
 *		Domains are written as their base type.
 */
#ifndef USOM_AUDIT_CANON_H
#define USOM_AUDIT_CANON_H

#include "postgres.h"
#include "fmgr.h"

#define USOM_CANON_VERSION 1

typedef enum UsomCanonKind
{
	CANON_BOOL = 'b',
	CANON_INT2 = '2',
	CANON_INT4 = '4',
	CANON_INT8 = '8',
	CANON_FLOAT4 = 'f',
	CANON_FLOAT8 = 'd',
	CANON_NUMERIC = 'n',
	CANON_TEXT = 't',
	CANON_BYTEA = 'y',
	CANON_JSON = 'j',
	CANON_TIMESTAMPTZ = 'z',
	CANON_TIMESTAMP = 's',
	CANON_DATE = 'e',
	CANON_ARRAY = 'a',
	CANON_SECRET = 'h',
	CANON_OTHER = 'x'
} UsomCanonKind;

/* How a column is read from a row and written. */
typedef struct UsomCanonColumn
{
	int			index;			/* into the values of a row, from 0 */
	Oid			type;			/* base type */
	UsomCanonKind kind;
	FmgrInfo	output;			/* of CANON_ARRAY and CANON_OTHER */
} UsomCanonColumn;

typedef struct UsomCanonLayout
{
	int			ncolumns;
	UsomCanonColumn *columns;
	char	   *header;			/* all bytes before the number of rows */
	Size		header_size;
	bool		needs_settings; /* an output function looks at settings: fix them around add */
} UsomCanonLayout;

/* canon.c: writing */

/* Where the value above stands in the image. */
typedef struct UsomCanonAbove
{
	Size		offset;
	int64		size;			/* -1: none */
} UsomCanonAbove;

/* An image that grows; data is a bytea whose size is set by finish. */
typedef struct UsomCanonImage
{
	const UsomCanonLayout *layout;
	char	   *data;
	Size		size;
	Size		capacity;
	uint32		rows;
	UsomCanonAbove *above;		/* one per column */
} UsomCanonImage;

/* Make the header of a layout whose columns are set; names of columns and of their types. */
extern void usom_canon_make_header(UsomCanonLayout *layout, const char *const *names, const char *const *types);

/*
 * The image lives in CurrentMemoryContext of begin; add may leave garbage in
 * its own.  values and nulls are a deformed row.  ERROR 54000 beyond 1 GB.
 */
extern void usom_canon_begin(UsomCanonImage *image, const UsomCanonLayout *layout);
extern void usom_canon_add(UsomCanonImage *image, const Datum *values, const bool *nulls);
extern bytea *usom_canon_finish(UsomCanonImage *image);

/* Empty the image for other rows, in the room it has; finish must not have been called. */
extern void usom_canon_empty(UsomCanonImage *image);

/* The number of rows; the bytes of the image are then those from data + VARHDRSZ to data + size. */
extern void usom_canon_seal(UsomCanonImage *image);

/* canon_read.c: reading; never raises, whatever the bytes are */

typedef struct UsomCanonField
{
	const char *data;
	int64		size;			/* -1: null */
} UsomCanonField;

typedef struct UsomCanonReader
{
	const char *at;
	const char *end;
	int			encoding;
	int			ncolumns;
	UsomCanonKind *kinds;
	UsomCanonField *names;
	UsomCanonField *fields;		/* the row that next read */
	UsomCanonField *above;		/* last values that were not null */
	uint32		rows;
	uint32		rows_read;
} UsomCanonReader;

typedef enum UsomCanonResult
{
	CANON_ROW,
	CANON_END,
	CANON_MALFORMED
} UsomCanonResult;

/* False if the bytes are no image.  The reader points into them. */
extern bool usom_canon_open(UsomCanonReader *reader, const char *data, Size size);
extern UsomCanonResult usom_canon_next(UsomCanonReader *reader);

/* Go on with an image whose first bytes, up to the number of rows, are those of the one before. */
extern bool usom_canon_again(UsomCanonReader *reader, const char *data, Size size, Size header_size);
extern void usom_canon_close(UsomCanonReader *reader);	/* its arrays; nothing for one that was never opened */

#endif							/* USOM_AUDIT_CANON_H */
