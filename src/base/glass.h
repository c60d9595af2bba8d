/*
 * glass.h
 *		Break-glass: the one role that may write by hand what usom keeps.
 */
#ifndef USOM_BASE_GLASS_H
#define USOM_BASE_GLASS_H

#include "postgres.h"

#define USOM_GLASS_ROLE "usom_break_glass"

/* Is it this role? */
extern bool usom_glass_is(Oid role);

/*
 * Does the session work as the break-glass role now, by SET ROLE?  Then the
 * guards of kept tables let it pass; US902 unless usom.reason says why.
 */
extern bool usom_glass_passes(void);

#endif							/* USOM_BASE_GLASS_H */
