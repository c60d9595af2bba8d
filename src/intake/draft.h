/*
 * draft.h
 *		Orders that somebody is typing: what stands so far, and the units that
 *		are kept for it.
 *
 *		A draft is a document that is saved again and again.  Each save quotes
 *		it, and holds softly (stock/reservation.c) what placing it would
 *		reserve; submitting places it under the locks that these holds are
 *		given up under.  It is no order before: numbers of orders, credit,
 *		coupons and quotas are untouched by what is never sent.
 *
 *		Locks: the message that a draft came of, the draft, then what quoting
 *		or placing locks.
 *
 *		Invariants: a draft has a document if and only if it is open, sealed
 *		under a key that goes with it; its holds are of the owner
 *		usom_draft_owner(), none of them lasts longer than held_until.
 *
 *		Memory: CurrentMemoryContext.  The caller has an open call.
 */
#ifndef USOM_INTAKE_DRAFT_H
#define USOM_INTAKE_DRAFT_H

#include "api/api.h"
#include "intake/inbox.h"
#include "party/house.h"

typedef struct UsomDraft
{
	int64		org_id;
	int64		draft_id;
	const char *draft_no;
	int64		channel_id;
	const char *channel;
	const char *agent;			/* whose it is */
	const char *status;			/* open, submitted, dropped */
	int32		version;		/* counts the saves */
	Jsonb	   *document;		/* NULL: not open, or nobody can open it any more */
	Jsonb	   *findings;		/* of the message that it came of */
	Jsonb	   *told;			/* what the last quote has said; NULL: no quote yet */
	const char *submit_key;		/* NULL: not submitted, or without a key */
	const char *order_no;		/* NULL: not submitted */
	const char *dropped_because;
	int64		inbox_message_id;	/* 0: it came of no message */
	const char *message_no;
	const char *external_id;	/* of that message */
	int32		revision;
	TimestampTz held_until;
	UsomQuantity held;
	Jsonb	   *quote;			/* of this call */
} UsomDraft;

/* ---- draft.c: rows ---- */

/* Whose name the soft holds of a draft are under. */
extern char *usom_draft_owner(const char *draft_no);

/* Who types: the user that the application claims, else the role. */
extern const char *usom_draft_agent(void);

/* Begin one: the row, without a document yet.  message: that it comes of; NULL: none. */
extern UsomDraft *usom_draft_make(int64 org_id, const UsomChannel *channel, const UsomMessage *message);

/* Lock it and its message: US835 if the caller sees none such. */
extern UsomDraft *usom_draft_lock(int64 org_id, const char *draft_no);

/* The open draft of a message, locked already; NULL: there is none. */
extern UsomDraft *usom_draft_of_message(const UsomMessage *message);

/* US836 unless it is open, US837 unless it is the caller's. */
extern void usom_draft_check_open(const UsomDraft *draft);
extern void usom_draft_check_mine(const UsomDraft *draft);

/* Its document is this one from now on, quoted and held. */
extern void usom_draft_save(UsomDraft *draft, Jsonb *document, const UsomChannel *channel);

/* The document as it is placed: under the identity of the message, with what is held for it. */
extern Jsonb *usom_draft_document(const UsomDraft *draft, Jsonb *document);

/* It is an order; what was told and is not so. */
extern void usom_draft_write_submitted(const UsomDraft *draft, const char *key, const UsomPlaced *placed);
extern Jsonb *usom_draft_differences(const UsomDraft *draft, const char *order_no);
extern void usom_draft_write_dropped(const UsomDraft *draft, const char *reason);
extern void usom_draft_write_agent(const UsomDraft *draft, const char *agent);

/* US801 if the key has submitted another draft. */
extern void usom_draft_check_key(const UsomDraft *draft, const char *key);

#endif							/* USOM_INTAKE_DRAFT_H */
