/*
 * postgres.h
 *		What pure files of src/ use of PostgreSQL, without PostgreSQL: so that
 *		they compile alone, under a fuzzer or in a bench.
 *
 *		Memory comes from one arena that shim_reset() empties, as a memory
 *		context would be; with SHIM_MALLOC each piece is malloc's, for a
 *		sanitizer to watch, and shim_reset() frees them.
 */
#ifndef SHIM_POSTGRES_H
#define SHIM_POSTGRES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef uintptr_t Datum;
typedef int32_t int32;
typedef int64_t int64;
typedef uint8_t uint8;
typedef uint32_t uint32;
typedef uint64_t uint64;
typedef unsigned __int128 uint128;
typedef size_t Size;

#define INT64CONST(x) INT64_C(x)
#define PG_INT64_MAX INT64_MAX
#define PG_INT64_MIN INT64_MIN
#define PG_INT32_MAX INT32_MAX
#define Max(x, y) ((x) > (y) ? (x) : (y))
#define Min(x, y) ((x) < (y) ? (x) : (y))
#define lengthof(array) (sizeof(array) / sizeof((array)[0]))
#define unlikely(x) __builtin_expect((x) != 0, 0)
#define Assert(condition) ((condition) ? (void) 0 : abort())
#define ERROR 20
#define ereport(level, ...) abort()

extern void *palloc(Size size);
extern void *palloc0(Size size);
extern void pfree(void *pointer);
extern void shim_reset(void);

#endif							/* SHIM_POSTGRES_H */
