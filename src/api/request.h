/*
 * request.h
 *		What warehouses are asked to do after a cut-off, and may refuse.
 */
#ifndef USOM_API_REQUEST_H
#define USOM_API_REQUEST_H

#include "api/withdraw.h"
#include "utils/jsonb.h"

/* Units of a line that a location is asked for. */
typedef struct UsomAsk
{
	int			order;			/* of the set */
	int32		line_no;
	int64		location_id;
	UsomQuantity quantity;
} UsomAsk;

/* Those of the order that are pending.  One statement. */
extern List *usom_api_read_asks_of(const UsomOrderSet *set, int order);

/* A request for each order and location; returns how many.  A statement, and one for each number. */
extern int	usom_api_write_asks(UsomOrderSet *set, List *asks, UsomWithdrawal kind);

/* Is anything of the first order at work that is past its cut-off for addresses? */
extern bool usom_api_must_ask_address(UsomOrderSet *set);

/* Ask every location where the first order is at work to send it elsewhere; address 0: none. */
extern void usom_api_ask_address(UsomOrderSet *set, int64 address_id);

/* A pending request of the first order of a set. */
typedef struct UsomRequest
{
	int64		request_id;
	const char *request_no;
	const char *action;
	int64		location_id;
	int64		address_id;		/* 0: none */
	Jsonb	   *lines;			/* NULL: of an address */
	const char *status;
} UsomRequest;

/* At a location, oldest first.  One statement. */
extern List *usom_api_pending_requests(const UsomOrderSet *set, int64 location_id);

/*
 * Do what was asked, in memory; returns the units that were still there.  Credit and prices are the caller's.
 * most: by line of the set, the units that are given back at most, lowered by those that are; NULL: all.
 */
extern UsomQuantity usom_api_carry_out_request(UsomOrderSet *set, const UsomRequest *request, UsomQuantity *most);

/* Note the answer, and tell it.  One statement. */
extern void usom_api_answer_request(UsomOrderSet *set, const UsomRequest *request, bool accepted, const char *answer);

#endif							/* USOM_API_REQUEST_H */
