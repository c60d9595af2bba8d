/*
 * party.h
 *		Organisations, channels, customers.
 */
#ifndef USOM_PARTY_PARTY_H
#define USOM_PARTY_PARTY_H

#include "postgres.h"

#include "utils/relcache.h"

/*
 * Key of the organisation that usom.org names; 42501 unless the caller's role
 * works for it, for those who may see them all US006 if there is none.
 * Remembered per backend, see org.c.  The caller is connected to SPI.
 */
extern int64 usom_party_org(void);

/* The same for whoever is not connected to SPI; checks first that usom is installed. */
extern int64 usom_party_caller_org(void);

/* May the caller see orders of a channel of the organisation; of all? */
extern bool usom_party_sees_channel(int64 channel_id);
extern bool usom_party_sees_all_channels(void);

/* Keys of the channels whose orders the caller may see, a bigint[] for a statement; null: all. */
extern Datum usom_party_channels(bool *isnull);

/* Do policies of the table hold for the present user? */
extern bool usom_party_has_policies(Relation table);

/*
 * For triggers BEFORE a row, which come before the policies of its table: an
 * error as theirs if the row would be another organisation's.  Whoever policies
 * do not hold for passes.  The second one passes the channel of an order, too.
 */
extern void usom_party_check_side(Relation table, int64 org_id);
extern void usom_party_check_channel(Relation table, int64 channel_id);

/* _PG_init of the room. */
extern void usom_party_init(void);

#endif							/* USOM_PARTY_PARTY_H */
