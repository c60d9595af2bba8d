/*
 * transform.h
 *		Values between payload and document.  Memory: CurrentMemoryContext.
 */
#ifndef USOM_INTAKE_TRANSFORM_H
#define USOM_INTAKE_TRANSFORM_H

#include "intake/mapping.h"

/* Of a string, a number or a truth; NULL for anything else. */
extern char *usom_map_scalar_text(const JsonbValue *value);

/*
 * What the transforms of the field make of a scalar.  Errors as PostgreSQL
 * words them: 22P02, 22007, 22008, 22003; US006 for a word that no list has,
 * US401 for a currency that there is not.
 */
extern JsonbValue usom_map_transform(const UsomMappings *all, const UsomMapField *field, const JsonbValue *value);

#endif							/* USOM_INTAKE_TRANSFORM_H */
