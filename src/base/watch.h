/*
 * watch.h
 *		Who wants to know that a table has changed.
 *
 *		PostgreSQL has room for ten that watch tables, its own included; usom
 *		takes one of them for all of its files.
 */
#ifndef USOM_BASE_WATCH_H
#define USOM_BASE_WATCH_H

#include "postgres.h"

/* Called with the table or index that has changed, InvalidOid: any may have.  It may only mark; for _PG_init. */
typedef void (*UsomTableChanged) (Oid relid);
extern void usom_watch_tables(UsomTableChanged changed);

#endif							/* USOM_BASE_WATCH_H */
