/*
 * override.h
 *		Prices that people set, and prices that are not the expected ones.
 */
#ifndef USOM_API_OVERRIDE_H
#define USOM_API_OVERRIDE_H

#include "api/finding.h"
#include "api/price.h"

/*
 * The price of a line was set by hand in the pricing: note on the line what
 * the rules say, and whether the caller may go so far.  Nothing if it is what
 * the rules say.
 */
extern void usom_api_note_override(UsomOrderSet *set, const UsomPricing *pricing, int line, const char *reason);

/* Write what was noted; the headers are there, the lines are not saved yet.  One statement, two for orders that were there. */
extern void usom_api_write_overrides(UsomOrderSet *set);

/* Checks, for the table of check.c. */
extern void usom_api_check_approval(UsomChecking *checking);
extern void usom_api_check_expected_prices(UsomChecking *checking);
extern void usom_api_check_drift(UsomChecking *checking);

/* The order is priced by the rules in force then from now on; the caller prices and saves it. */
extern void usom_api_set_price_time(UsomOrderSet *set, int order, TimestampTz at);

#endif							/* USOM_API_OVERRIDE_H */
