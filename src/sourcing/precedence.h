/*
 * precedence.h
 *		Who comes first, by rows of fill_priority or backorder_sort.  Pure.
 */
#ifndef USOM_SOURCING_PRECEDENCE_H
#define USOM_SOURCING_PRECEDENCE_H

#include "postgres.h"
#include "datatype/timestamp.h"

typedef enum UsomSortExpression
{
	USOM_BY_PRIORITY,
	USOM_BY_PLACED_AT,
	USOM_BY_REQUESTED_AT,
	USOM_BY_VALUE,
	USOM_BY_CHANNEL,
	USOM_BY_SEGMENT,
	USOM_BY_SERVICE_LEVEL
} UsomSortExpression;

/* Codes, as a text[] has them. */
typedef struct UsomCodes
{
	bool		any;			/* there is no list */
	int			count;
	char	  **codes;
} UsomCodes;

typedef struct UsomSortKey
{
	UsomSortExpression expression;
	bool		descending;
	UsomCodes	listed;
} UsomSortKey;

typedef struct UsomPrecedence
{
	int			nkeys;			/* 0: by priority, then by placed_at */
	UsomSortKey *keys;
} UsomPrecedence;

/* A line that wants to be served; texts may be NULL. */
typedef struct UsomContender
{
	int64		sales_order_id;
	int32		line_no;
	int32		priority;
	TimestampTz placed_at;
	TimestampTz requested_at;	/* PG_INT64_MIN: none */
	double		value;
	const char *channel;
	const char *segment;
	const char *service_level;
} UsomContender;

/* Of equals the older order, then the order that was made first, then the line. */
extern int	usom_sourcing_compare(const UsomPrecedence *precedence, const UsomContender *a, const UsomContender *b);

/* The expression of a name; those that the table admits. */
extern UsomSortExpression usom_sourcing_expression_of(const char *name);
extern const char *usom_sourcing_expression_name(UsomSortExpression expression);

extern bool usom_sourcing_lists(const UsomCodes *codes, const char *code);

#endif							/* USOM_SOURCING_PRECEDENCE_H */
