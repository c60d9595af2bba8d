/*
 * document.h
 *		The order document: jsonb in, a checked struct out.
 *
 *		A key that the schema does not know and a value of the wrong type are
 *		US803 with the path in the message (lines[2].quantity).  Codes are not
 *		resolved here.  Pure: no SPI, no catalog; allocated in
 *		CurrentMemoryContext.
 */
#ifndef USOM_API_DOCUMENT_H
#define USOM_API_DOCUMENT_H

#include "base/quantity.h"
#include "datatype/timestamp.h"
#include "order/type.h"
#include "product/unit.h"
#include "utils/jsonb.h"
#include "utils/numeric.h"

/* How a value of a document is read.  What is not given keeps its default. */
typedef enum UsomKeyKind
{
	USOM_KEY_TEXT,				/* char *, not empty, 200 bytes at most */
	USOM_KEY_FREE_TEXT,			/* char *, 10,000 bytes at most */
	USOM_KEY_INTEGER,			/* int32 */
	USOM_KEY_QUANTITY,			/* UsomQuantity, > 0 */
	USOM_KEY_AMOUNT,			/* Numeric, >= 0, four decimals at most */
	USOM_KEY_LATITUDE,			/* Numeric, -90 to 90 */
	USOM_KEY_LONGITUDE,			/* Numeric, -180 to 180 */
	USOM_KEY_BOOLEAN,			/* bool */
	USOM_KEY_TIME,				/* TimestampTz */
	USOM_KEY_TEXTS,				/* ArrayType * of text */
	USOM_KEY_ADDRESS,			/* Jsonb *, checked */
	USOM_KEY_PAYMENT,			/* Jsonb *, checked */
	USOM_KEY_MAKE,				/* Jsonb *, checked */
	USOM_KEY_OBJECT,			/* Jsonb *, any object */
	USOM_KEY_LINES				/* by the caller's own function */
} UsomKeyKind;

typedef struct UsomKey
{
	const char *name;
	UsomKeyKind kind;
	size_t		offset;			/* into the struct that is filled */
	size_t		given_offset;	/* of a bool that is set when the value is given and not null; 0: none */
} UsomKey;

/* A row of a table of keys: the field is called like the key, or as given. */
#define USOM_KEY_AS(name, kind, type, field) {name, kind, offsetof(type, field), 0}
#define USOM_KEY_GIVEN(name, kind, type, field, given) {name, kind, offsetof(type, field), offsetof(type, given)}

/* What objects of lines are read with. */
typedef void (*UsomReadLines) (JsonbValue *array, void *target);

typedef struct UsomSchema
{
	const char *what;			/* "order document" */
	int			sqlerrcode;
	const UsomKey *keys;
	int			nkeys;
	UsomReadLines read_lines;
} UsomSchema;

/* Fill target from an object; path is what stands before the key in messages ("", "lines[0]."). */
extern void usom_document_read(const UsomSchema *schema, JsonbContainer *object, const char *path, void *target);

/* The error of all documents: "order document: lines[0].quantity must be ..." */
extern void usom_document_refuse(const UsomSchema *schema, const char *path, const char *key,
								 const char *problem) pg_attribute_noreturn();

/* Call read for each element of an array of objects, with its index. */
typedef void (*UsomReadElement) (JsonbContainer *object, int index, void *target);
extern int	usom_document_each(const UsomSchema *schema, JsonbValue *array, const char *key,
							   UsomReadElement read, void *target);

/* A tax that somebody outside has worked out for a line. */
typedef struct UsomToldTax
{
	Numeric		amount;			/* NULL: none is told */
	bool		included;		/* in the price */
	char	   *jurisdiction;
} UsomToldTax;

/* From {"amount", "included", "jurisdiction"}; path is what stands before its keys in messages. */
extern UsomToldTax usom_document_read_tax(const UsomSchema *schema, JsonbContainer *object, const char *path);

typedef struct UsomDocumentLine
{
	char	   *sku;
	UsomQuantity quantity;
	char	   *unit;			/* NULL: the product's own */
	UsomUnitRatio *ratio;		/* of the unit, once it is resolved; quantity and unit_price are the product's own from then on */
	Numeric		pack_price;		/* of one such unit; NULL: none was told */
	Numeric		unit_price;
	bool		has_price;
	char	   *location;		/* NULL: any */
	TimestampTz requested_at;	/* USOM_NO_TIME: as the order */
	char	   *substitution;	/* NULL: as the customer agreed */
	bool		partial;
	Jsonb	   *make;			/* the product is made for the order if there is none; NULL: not so */
	Jsonb	   *override_object;	/* what the next two are read from */
	Numeric		override_price;	/* set by hand; NULL: not so */
	char	   *override_reason;
	Jsonb	   *tax_object;		/* what tax is read from */
	UsomToldTax tax;
} UsomDocumentLine;

typedef struct UsomDocument
{
	char	   *channel;
	char	   *external_id;	/* NULL: none */
	int32		revision;
	char	   *order_type;
	UsomOrderType type;			/* the same */
	char	   *customer;		/* NULL: guest */
	char	   *currency;		/* NULL: the organisation's */
	int32		priority;
	TimestampTz placed_at;		/* USOM_NO_TIME: now */
	TimestampTz requested_at;
	bool		ship_complete;
	bool		draft;
	ArrayType  *coupons;
	Jsonb	   *ship_to;
	Jsonb	   *payment;
	char	   *instructions;
	Jsonb	   *override;		/* checks whose holds are all right, and why; place_check.c reads it */
	char	   *reservation_owner;	/* whose soft reservations the order takes over */
	int32		risk_score;
	bool		has_risk_score;
	int			nlines;
	UsomDocumentLine *lines;
} UsomDocument;

extern UsomDocument *usom_document_parse(Jsonb *document);

#endif							/* USOM_API_DOCUMENT_H */
