/*
 * site.h
 *		What stock needs to know of locations, remembered by the backend.
 */
#ifndef USOM_STOCK_SITE_H
#define USOM_STOCK_SITE_H

#include "postgres.h"

/* The steps that units must have taken before they leave, in the order of their states. */
typedef enum UsomShipsFrom
{
	USOM_SHIPS_RELEASED,
	USOM_SHIPS_PICKED,
	USOM_SHIPS_PACKED
} UsomShipsFrom;

typedef struct UsomSite
{
	int64		location_id;
	const char *code;
	int32		priority;
	bool		active;
	UsomShipsFrom ships_from;
	bool		protects;		/* units of each product are left to the shop */
} UsomSite;

/* A place whose stock is in stripes (stripe.h). */
typedef struct UsomStriped
{
	int64		product_id;
	int64		location_id;
	int			stripes;
} UsomStriped;

typedef struct UsomSites
{
	int			count;
	UsomSite   *sites;			/* by key */
	const UsomSite **by_code;
	bool		have_terms;		/* one of them costs something, keeps units back or does not send */
	int			nstriped;
	UsomStriped *striped;		/* by product; there by priority and key of the location */
} UsomSites;

/* All locations; lives as usom_memo_get() says.  The caller is connected to SPI. */
extern const UsomSites *usom_stock_sites(int64 org_id);

/* NULL if there is none with the key. */
extern const UsomSite *usom_stock_find_site(const UsomSites *sites, int64 location_id);
extern const UsomSite *usom_stock_find_code(const UsomSites *sites, const char *code);

/* The first place of the product that is striped, those after it follow; NULL: none is. */
extern const UsomStriped *usom_stock_find_striped(const UsomSites *sites, int64 product_id);

/* _PG_init of the room. */
extern void usom_stock_init(void);

#endif							/* USOM_STOCK_SITE_H */
