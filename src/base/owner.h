/*
 * owner.h
 *		The role that owns the tables of usom; its statements run as it.
 */
#ifndef USOM_BASE_OWNER_H
#define USOM_BASE_OWNER_H

#include "postgres.h"

/* InvalidOid before install(). */
extern Oid	usom_owner_get(void);

/* Has the role all rights of the owner: a superuser, the owner, its members. */
extern bool usom_owner_is(Oid role);

/* Rises when schema usom was dropped and made anew: what was kept of the old one is void. */
extern uint32 usom_owner_era(void);

/* Rises whenever the table that tells of the installed steps may be another, or gone. */
extern uint32 usom_owner_changes(void);

/* _PG_init of the room. */
extern void usom_owner_init(void);

#endif							/* USOM_BASE_OWNER_H */
