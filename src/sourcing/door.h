/*
 * door.h
 *		Arrays of composites, as tests pass them to the planners.
 */
#ifndef USOM_SOURCING_DOOR_H
#define USOM_SOURCING_DOOR_H

#include "postgres.h"
#include "utils/array.h"

/* Elements of an array of composites; 22004 for null elements. */
extern Datum *usom_sourcing_elements(ArrayType *array, int *count);

/* A field of one, numbered from 1; the second raises 22004 for null. */
extern Datum usom_sourcing_field_or_null(Datum composite, int number, bool *isnull);
extern Datum usom_sourcing_field(Datum composite, int number);

#endif							/* USOM_SOURCING_DOOR_H */
