/*
 * party.h
 *		Organisations, channels, customers.
 */
#ifndef USOM_PARTY_PARTY_H
#define USOM_PARTY_PARTY_H

#include "postgres.h"

/*
 * Key of the organisation that usom.org names; US006 if there is none.
 * Remembered per backend until the setting changes or a transaction aborts.
 * The caller is connected to SPI.
 */
extern int64 usom_party_org(void);

/* The same for whoever is not connected to SPI; checks first that usom is installed. */
extern int64 usom_party_caller_org(void);

/* _PG_init of the room. */
extern void usom_party_init(void);

#endif							/* USOM_PARTY_PARTY_H */
