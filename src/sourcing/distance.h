/*
 * distance.h
 *		How far two places on earth are from each other.
 */
#ifndef USOM_SOURCING_DISTANCE_H
#define USOM_SOURCING_DISTANCE_H

/* Mean radius of the earth in kilometres (IUGG). */
#define USOM_EARTH_RADIUS 6371.0088

/* Kilometres along the great circle between two places in degrees north and east: haversine. */
extern double usom_sourcing_distance(double latitude_a, double longitude_a, double latitude_b, double longitude_b);

#endif							/* USOM_SOURCING_DISTANCE_H */
