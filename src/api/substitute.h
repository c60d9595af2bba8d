/*
 * substitute.h
 *		Another product in the place of one that is short.
 *
 *		The units that are replaced are cancelled on their line, which stays on
 *		record as it was ordered; a new line of the order has the substitute.
 *		usom.line_substitution ties the two.
 *
 *		All functions want an open call, and their orders locked.
 */
#ifndef USOM_API_SUBSTITUTE_H
#define USOM_API_SUBSTITUTE_H

#include "api/charge.h"
#include "order/order.h"
#include "utils/jsonb.h"

/* A row of usom.substitute: so many units of the one may be replaced by so many of the other. */
typedef struct UsomSubstitute
{
	int64		product_id;
	int64		substitute_id;
	const char *sku;
	const char *substitute_sku;
	UsomQuantity quantity;
	UsomQuantity substitute_quantity;
	const char *price_rule;
} UsomSubstitute;

/* What is to be done to a line, or was. */
typedef struct UsomReplacement
{
	int			order;
	int32		line_no;
	const UsomSubstitute *substitute;
	int64		multiples;		/* how many times the quantities of the rule */
	Numeric		unit_price;		/* of the substitute */
	int32		substitute_line_no;	/* once it is done */
	UsomTaxAnswer *told;		/* tax that follows what was told for the line; NULL: none */
	const char *jurisdiction;	/* of its tax; NULL: not taxed */
	bool		costs_the_same;	/* before tax, as the units replaced */
	UsomMoney	tax_before;		/* of those */
} UsomReplacement;

/* Rules of products, each product's by priority; one statement. */
extern UsomSubstitute *usom_api_read_substitutes(int64 org_id, const int64 *products, int nproducts, int *count);

/*
 * The best of the rules for units of a line, over rows that are not changed:
 * the first that can replace all of them, else, for a line that may be cut,
 * the one that replaces most.  multiples is 0 if there is none.
 */
extern UsomReplacement usom_api_choose_substitute(const UsomOrderSet *set, int line, UsomQuantity units,
												  const UsomSubstitute *substitutes, int count,
												  const UsomStockRow *rows, int nrows);

/* substitute_price.c: what the units cost then; one statement where list prices matter. */
extern void usom_api_price_replacements(const UsomOrderSet *set, UsomReplacement *replacements, int count);

/*
 * The same file: units of a line were cancelled (before, after), and the
 * substitute has their discount and freight; then the taxes of substitutes.
 * When the lines are saved, the steps and told taxes are written.
 */
extern void usom_api_take_over_charges(const UsomLine *before, const UsomLine *after, UsomLine *substitute, UsomReplacement *replacement);
extern void usom_api_tax_replacements(const UsomOrderSet *set, UsomReplacement *replacements, int count);
extern void usom_api_write_replacement_prices(const UsomOrderSet *set, const UsomReplacement *replacements, int count);

/* Carry them out in memory and plan the new lines; settles the orders. */
extern void usom_api_replace(UsomOrderSet *set, UsomReplacement *replacements, int count);

/* The payload of an event about it. */
extern Jsonb *usom_api_describe_replacement(const UsomReplacement *replacement);

/* Of lines that agreed beforehand: products that allocation should lock along, so that its locks are in order. */
extern int64 *usom_api_substitute_products(const UsomOrderSet *set, int *count);

/*
 * Replace what still waits on lines that agreed to it beforehand, in orders
 * that are saved.  Returns the set with what was done, saved, or NULL if
 * there was nothing to do; the headers of the given set are brought up to date.
 */
extern UsomOrderSet *usom_api_substitute_waiting(UsomOrderSet *saved, UsomReplacement **replacements, int *count);

#endif							/* USOM_API_SUBSTITUTE_H */
