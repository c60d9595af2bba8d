/*
 * card_guard.h
 *		Card numbers are refused, and not repeated.
 *
 *		US502 names the place, never the value, and goes without the context
 *		and the statement, which would show it.  Arguments are looked at before
 *		anything else is said about them; tables by the trigger usom_card.
 */
#ifndef USOM_BASE_CARD_GUARD_H
#define USOM_BASE_CARD_GUARD_H

#include "postgres.h"
#include "fmgr.h"
#include "utils/jsonb.h"

extern bool usom_card_is_in(const char *string);

/* Stars in the place of their digits; for what cannot be refused. */
extern void usom_card_mask(char *string);

/* US502 if there is a card number in it; what: "argument reason". */
extern void usom_card_check_string(const char *what, const char *string);
extern void usom_card_check_jsonb(const char *what, Jsonb *document);

/* The same for each argument of an SQL function that is text, text[] or jsonb. */
extern void usom_card_check_call(FunctionCallInfo fcinfo);

/* _PG_init of the room: what is logged is searched, too; see card_log.c. */
extern void usom_card_init(void);

#endif							/* USOM_BASE_CARD_GUARD_H */
