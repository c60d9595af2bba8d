/*
 * house.h
 *		An organisation's currency and channels, remembered by the backend.
 */
#ifndef USOM_PARTY_HOUSE_H
#define USOM_PARTY_HOUSE_H

#include "postgres.h"

typedef struct UsomChannel
{
	int64		channel_id;
	const char *code;
	bool		active;
	bool		prices_by_list;	/* and not by the document */
	const char *price_difference;	/* accept, warn, hold or refuse */
	int64		price_tolerance;	/* in ten-thousandths of a per cent */
	int64		price_drift;	/* likewise; -1: not looked at */
} UsomChannel;

typedef struct UsomHouse
{
	const char *currency;
	int			nchannels;
	UsomChannel *channels;		/* in no order: there are few */
} UsomHouse;

/* Lives as usom_memo_get() says; US006 if there is no such organisation.  The caller is connected to SPI. */
extern const UsomHouse *usom_party_house(int64 org_id);

/* NULL if there is none. */
extern const UsomChannel *usom_party_find_channel(const UsomHouse *house, const char *code);
extern const UsomChannel *usom_party_channel_of(const UsomHouse *house, int64 channel_id);

/* _PG_init of the room calls it. */
extern void usom_party_house_init(void);

#endif							/* USOM_PARTY_HOUSE_H */
