/*
 * master.h
 *		The master data that plans by rules follow: locations and their hours,
 *		service levels, transit times, freight rates, rules.
 *
 *		Of one organisation and one moment, remembered by the backend until one
 *		of the tables changes.  Lookups are pure.
 */
#ifndef USOM_SOURCING_MASTER_H
#define USOM_SOURCING_MASTER_H

#include "base/quantity.h"
#include "sourcing/calendar.h"

/* Codes of a filter or list; NULL entries: there is none. */
typedef struct CodeEntry
{
	const char *code;
	int			place;			/* in the list, from 1 */
} CodeEntry;

typedef struct CodeList
{
	int			count;
	CodeEntry  *entries;		/* by code, then place */
} CodeList;

typedef struct MasterLocation
{
	int64		location_id;
	const char *code;
	const char *kind;
	int32		priority;
	bool		active;
	bool		ships;
	bool		has_place;
	double		latitude;
	double		longitude;
	double		order_cost;
	double		unit_cost;
	double		handling_cost;
	UsomQuantity protected_quantity;
	const char *zone_name;
	int			nhours;
	const UsomHours *hours;		/* single dates in their order, then weekdays */
} MasterLocation;

typedef struct MasterLevel
{
	int64		service_level_id;
	const char *code;
	bool		active;
	TimeADT		cut_off;		/* USECS_PER_DAY: as the calendar says */
	double		late_cost;
} MasterLevel;

/* A pair of letters; NO_COUNTRY is that of rows for any. */
typedef uint16 CountryKey;
#define NO_COUNTRY ((CountryKey) 0)
#define STRANGE_COUNTRY ((CountryKey) 0xFFFF)

typedef struct Band
{
	double		from;
	double		to;				/* infinite: there is no end */
} Band;

typedef struct MasterTransit
{
	int64		service_level_id;
	CountryKey	country;
	Band		distance;
	double		days;
} MasterTransit;

typedef struct MasterRate
{
	int64		service_level_id;
	int64		location_id;	/* 0: any */
	CountryKey	country;
	int64		freight_rate_id;
	Band		distance;
	Band		weight;
	double		shipment_price;
	double		weight_price;
} MasterRate;

typedef enum LocationOrder
{
	ORDER_COST,
	ORDER_PRIORITY,
	ORDER_DISTANCE,
	ORDER_LISTED
} LocationOrder;

typedef struct MasterRule
{
	int64		sourcing_rule_id;
	const char *code;
	CodeList	channels;
	CodeList	customers;
	CodeList	countries;
	CodeList	order_types;
	CodeList	skus;
	CodeList	categories;
	CodeList	locations;
	CodeList	excluded_locations;
	CodeList	location_kinds;
	double		most_distance;	/* infinite: any */
	LocationOrder order;
	const char *service_level;	/* NULL: the cheapest */
	double		shipment_cost;
	double		distance_cost;
	double		late_cost;		/* negative: that of the service level */
	int			most_shipments; /* 0: no limit */
	int			most_parts;
	UsomQuantity smallest_part;
	bool		as_ordered;		/* ship_complete is the order's to say */
	bool		ship_complete;
	const char *when_short;
	const char *next_rule;		/* NULL: the next that fits */
} MasterRule;

typedef struct SourcingMaster
{
	int			nlocations;
	MasterLocation *locations;	/* by priority, then key */
	int		   *by_key;			/* indexes into them, by key */
	int			nlevels;
	MasterLevel *levels;		/* by key */
	int			ntransits;
	MasterTransit *transits;	/* by level, country */
	int			nrates;
	MasterRate *rates;			/* in the currency of the organisation; by level, location, country, key */
	int			nrules;
	MasterRule *rules;			/* active ones, as they are asked */
	bool		asks_customers; /* has any rule a filter by customers? */
} SourcingMaster;

/* Lives as usom_memo_get() says; the caller is connected to SPI. */
extern const SourcingMaster *usom_sourcing_master(int64 org_id);

/* Place of a code in the list, 0 if it is not there. */
extern int	usom_sourcing_place_of(const CodeList *list, const char *code);

/* Index of the location with the key, -1 if there is none. */
extern int	usom_sourcing_find_location(const SourcingMaster *master, int64 location_id);

extern CountryKey usom_sourcing_country_key(const char *country);

/* For _PG_init of the room. */
extern void usom_sourcing_master_init(void);

#endif							/* USOM_SOURCING_MASTER_H */
