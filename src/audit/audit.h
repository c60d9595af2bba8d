/*
 * audit.h
 *		Who changed what, when, why: the room's face.
 *
 *		Tables join by "SELECT usom._audit_table('name')" at the end of their
 *		room's schema.sql; nothing else has to be told.
 */
#ifndef USOM_AUDIT_AUDIT_H
#define USOM_AUDIT_AUDIT_H

#include "postgres.h"

/* _PG_init of the room; after usom_call_init(). */
extern void usom_audit_init(void);

#endif							/* USOM_AUDIT_AUDIT_H */
