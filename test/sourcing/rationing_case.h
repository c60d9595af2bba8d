/*
 * rationing_case.h
 *		Items for backorder processing, and judges of what comes out: for the
 *		property test and the fuzz harness.
 */
#ifndef TEST_SOURCING_RATIONING_CASE_H
#define TEST_SOURCING_RATIONING_CASE_H

#include "postgres.h"

#include "instance.h"
#include "sourcing/rationing.h"

#define MOST_CLAIMS 8
#define MOST_SOURCES 4
#define MOST_MASKS 3

typedef struct RationCase
{
	UsomRationItem item;
	UsomRationClaim claims[MOST_CLAIMS];
	UsomRationSource sources[MOST_SOURCES];
	bool		masks[MOST_MASKS * MOST_SOURCES];
	UsomQuantity held[MOST_CLAIMS * MOST_SOURCES];
	bool		overheld;		/* more is held than there is */
} RationCase;

/* The item's arrays are those of the case. */
extern void point_item(RationCase *of);

extern void draw_ration_case(RationCase *of, uint64 seed);

/* NULL, or what is wrong. */
extern const char *judge_conserved(const RationCase *of);
extern const char *judge_promises(const RationCase *of);
extern const char *judge_idle(const RationCase *of);
extern const char *judge_order(const RationCase *of);
extern const char *judge_again(const RationCase *of);
extern const char *judge_more(const RationCase *of);

#endif							/* TEST_SOURCING_RATIONING_CASE_H */
