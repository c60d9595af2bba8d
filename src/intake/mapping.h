/*
 * mapping.h
 *		From the payload of a channel to a document of usom, by rows.
 *
 *		Mappings are remembered by the backend (base/memo.h), compiled: paths
 *		are parsed once, lists of words are sorted.
 *
 *		Memory: CurrentMemoryContext.  Locks: none.  The caller is connected to
 *		SPI.
 */
#ifndef USOM_INTAKE_MAPPING_H
#define USOM_INTAKE_MAPPING_H

#include "nodes/pg_list.h"
#include "utils/array.h"
#include "utils/jsonb.h"
#include "utils/timestamp.h"

/* Steps from a value of the payload to one of the document; bits, in the order in which they are done. */
typedef enum UsomTransform
{
	USOM_MAP_TRIM = 1 << 0,
	USOM_MAP_UPPER = 1 << 1,
	USOM_MAP_LOWER = 1 << 2,
	USOM_MAP_CURRENCY = 1 << 3,
	USOM_MAP_UNIT = 1 << 4,
	USOM_MAP_LOOKUP = 1 << 5,
	USOM_MAP_DATE = 1 << 6,
	USOM_MAP_NUMBER = 1 << 7,
	USOM_MAP_MULTIPLY = 1 << 8,
	USOM_MAP_ADD = 1 << 9,
	USOM_MAP_INTEGER = 1 << 10,
	USOM_MAP_DIVIDE = 1 << 11,
	USOM_MAP_BOOLEAN = 1 << 12,
	USOM_MAP_JOIN = 1 << 13
} UsomTransform;

/* Those that make a number of a text. */
#define USOM_MAP_NUMBERS (USOM_MAP_NUMBER | USOM_MAP_MULTIPLY | USOM_MAP_ADD | USOM_MAP_INTEGER | USOM_MAP_DIVIDE)

typedef struct UsomMapField
{
	const char *target;			/* as written */
	bool		of_line;
	bool		is_list;		/* [] at its end */
	const char *group;			/* before the dot; NULL: none */
	const char *key;			/* after it */
	Datum		source;			/* jsonpath; 0: none */
	const char *source_text;
	int			transforms;
	const char *decimal;		/* of numbers; "." or what the argument says */
	const char *date_format;	/* NULL: as PostgreSQL reads times */
	const char *zone;			/* of times without one */
	const char *list;			/* of words; NULL: none */
	bool		keep;			/* a word that the list does not have stays as it is */
	const char *separator;
	struct NumericData *factor;
	struct NumericData *addend;
	Datum		divisor;		/* jsonpath, beginning where the source does; 0: none */
	List	   *truths;			/* of char *: what is true */
	Jsonb	   *fallback;		/* NULL: none */
	bool		required;
} UsomMapField;

typedef struct UsomMapWord
{
	const char *list;
	const char *source;
	const char *target;
} UsomMapWord;

typedef struct UsomMapping
{
	const char *code;
	int32		version;
	const char *channel;		/* NULL: all */
	const char *kind;			/* order, change, cancellation */
	Datum		applies;		/* jsonpath; 0: always */
	Datum		root;			/* jsonpath; 0: the payload */
	Datum		lines;			/* jsonpath; 0: none */
	Datum		problems;		/* jsonpath; 0: none */
	const char *problems_text;
	ArrayType  *envelope;		/* of text: keys of the payload that do not belong to the message */
	int			nfields;
	UsomMapField *fields;		/* by target, ordinal: those of lines last */
	const struct UsomMappings *all;
} UsomMapping;

typedef struct UsomMappings
{
	int			count;
	UsomMapping *mappings;		/* in the order in which they are tried */
	int			nwords;
	UsomMapWord *words;			/* sorted */
} UsomMappings;

/* What is wrong with a payload, or was when its document was placed. */
typedef struct UsomMapFinding
{
	const char *path;			/* of the document: lines[2].sku; NULL: not known */
	const char *source;			/* jsonpath; NULL: not known */
	const char *code;			/* SQLSTATE */
	const char *message;
	const char *detail;			/* may be NULL */
	const char *remedy;			/* may be NULL */
	bool		final;			/* it is not found otherwise by trying again */
} UsomMapFinding;

/* A field that was looked at, for explain_mapping(). */
typedef struct UsomMapTrace
{
	const char *path;
	const char *source;
	const char *found;			/* NULL: nothing */
	const char *result;			/* NULL: nothing */
	const char *problem;		/* NULL: none */
} UsomMapTrace;

/* The mapping that a payload of the channel is read by; NULL: none. */
extern const UsomMapping *usom_mapping_find(int64 org_id, const char *channel, Jsonb *payload);

/*
 * The document.  What is missing or cannot be read is added to findings, and
 * left out.  traces: NULL, or each field is added to it.
 */
extern Jsonb *usom_mapping_apply(const UsomMapping *mapping, Jsonb *payload, List **findings, List **traces);

/* The payload without its envelope. */
extern Jsonb *usom_mapping_content(const UsomMapping *mapping, Jsonb *payload);

/* What the payload itself says is wrong with it, or its mapping says of all such payloads: added to findings; true if there is anything. */
extern bool usom_mapping_problems(const UsomMapping *mapping, Jsonb *payload, List **findings);

/* Where the value of a place in the document comes from; NULL: from nowhere. */
extern const char *usom_mapping_source(const UsomMapping *mapping, const char *path);

/* _PG_init of the room. */
extern void usom_mapping_init(void);

#endif							/* USOM_INTAKE_MAPPING_H */
