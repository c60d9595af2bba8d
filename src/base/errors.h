/*
 * errors.h
 *		SQLSTATE class US as C constants, and Ensure().
 *
 *		Use them with ereport():
 *			ereport(ERROR, errcode(USOM_ERR(SHORT_STOCK)),
 *					errmsg(what, with the business key),
 *					errdetail(the numbers), errhint(the next call));
 */
#ifndef USOM_BASE_ERRORS_H
#define USOM_BASE_ERRORS_H

#include "postgres.h"

/* MAKE_SQLSTATE of the five characters of a literal. */
#define USOM_SQLSTATE(s) MAKE_SQLSTATE((s)[0], (s)[1], (s)[2], (s)[3], (s)[4])

/*
 * One constant per row of errors.def.  The SQLSTATE is computed from the
 * literal, so this is a table of functions that the compiler folds away.
 */
#define USOM_ERROR(sqlstate, name, meaning, remedy) \
	static inline int usom_err_##name(void) { return USOM_SQLSTATE(sqlstate); }
#include "base/errors.def"
#undef USOM_ERROR

#define USOM_ERR(name) usom_err_##name()

/* A belief that must hold in release builds too: stock or orders could be harmed. */
#define Ensure(condition, ...) \
	do { \
		if (unlikely(!(condition))) \
			ereport(ERROR, errcode(ERRCODE_INTERNAL_ERROR), errmsg_internal(__VA_ARGS__)); \
	} while (0)

#endif							/* USOM_BASE_ERRORS_H */
