/*
 * compat.h
 *		The only place that looks at PG_VERSION_NUM.
 */
#ifndef USOM_BASE_COMPAT_H
#define USOM_BASE_COMPAT_H

#include "postgres.h"

#if PG_VERSION_NUM < 150000
#error "usom needs PostgreSQL 15 or later"
#endif

/* PostgreSQL 18 names the module in its magic block. */
#if PG_VERSION_NUM >= 180000
#define USOM_MODULE_MAGIC PG_MODULE_MAGIC_EXT(.name = "usom", .version = "1.0")
#else
#define USOM_MODULE_MAGIC PG_MODULE_MAGIC
#endif

/* PostgreSQL 16 hides symbols of extensions unless they say otherwise. */
#ifndef PGDLLEXPORT
#define PGDLLEXPORT
#endif

#endif							/* USOM_BASE_COMPAT_H */
