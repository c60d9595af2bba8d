/*
 * access.h
 *		Which role works for which organisation, and by which channels.
 */
#ifndef USOM_PARTY_ACCESS_H
#define USOM_PARTY_ACCESS_H

#include "postgres.h"

/* What the rows of usom.access allow in one organisation. */
typedef struct UsomAccess
{
	bool		member;
	bool		limited;		/* to the channels that follow */
	int			nchannels;
	int64	   *channels;		/* palloc'd in CurrentMemoryContext */
} UsomAccess;

/*
 * Of a role in an organisation; superusers and the owner of the tables may do
 * everything everywhere.  US903 if the role both sets prices and approves.
 * The caller is connected to SPI.
 */
extern UsomAccess usom_party_access(int64 org_id, Oid role);

/* Only what both allow. */
extern UsomAccess usom_party_access_both(const UsomAccess *one, const UsomAccess *other);

/* Run when usom.access, a role or a membership may have changed: the callback marks only. */
extern void usom_party_access_init(void (*changed) (void));

#endif							/* USOM_PARTY_ACCESS_H */
