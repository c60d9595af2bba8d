/*
 * inbox.h
 *		Messages of channels: what was sent, and what became of it.
 *
 *		A message is written before anything is made of it, in the transaction
 *		that then makes something of it.  Its row is its lock: whoever works on
 *		it has it locked, before any order.
 *
 *		Invariants: of one channel, order, kind and revision there is one
 *		message; it is processed if and only if it has an outcome; one that is
 *		not processed has changed nothing but itself.
 *
 *		Memory: CurrentMemoryContext.  The caller has an open call.
 */
#ifndef USOM_INTAKE_INBOX_H
#define USOM_INTAKE_INBOX_H

#include "intake/mapping.h"
#include "party/vault.h"
#include "utils/numeric.h"

typedef struct UsomMessage
{
	int64		org_id;
	int64		inbox_message_id;
	const char *message_no;
	int64		channel_id;
	const char *channel;
	const char *kind;			/* order, change, cancellation */
	const char *external_id;
	int32		revision;
	bool		has_revision;	/* it was told, and not taken to be 1 */
	const char *mapping;		/* "shopify 1"; NULL: none */
	const char *order_named;	/* of a change or cancellation that names our number; NULL: by external_id */
	const char *status;
	const char *outcome;		/* NULL: not processed */
	int32		attempts;
	int64		sales_order_id;	/* 0: none */
	const char *order_no;		/* NULL: none */
	Jsonb	   *payload;
	Jsonb	   *content;		/* the payload without its envelope: what makes it the same message */
	bytea	   *digest;
	Jsonb	   *document;		/* NULL: not read, or not readable */
	List	   *findings;		/* of UsomMapFinding * */
	Jsonb	   *told;			/* findings as they stand in the row */
	bool		repeated;		/* it was there before, and done */
	bool		is_probe;		/* of a half open circuit, see circuit.h */
} UsomMessage;

/* ---- inbox.c: rows ---- */

/*
 * Write a message as received, with its payload sealed under a key of its
 * own.  If it was there before, it is locked and what is known of it taken:
 * US801 if the payload was another one.
 */
extern void usom_inbox_write(UsomMessage *message);

/* It is known by its digest: neither the caller nor the payload said what it is about. */
extern bool usom_inbox_is_nameless(const UsomMessage *message);

/* Lock a message by number and read its payload, as it was last mended: US820 if the caller sees none such, US821 if it was processed. */
extern UsomMessage *usom_inbox_open(int64 org_id, const char *message_no);

/* The same without a lock, processed or not. */
extern UsomMessage *usom_inbox_look(int64 org_id, const char *message_no);

/* Lock the one that is due first, nobody else works on, no worker has leased, and whose channel is not shut; NULL: none. */
extern UsomMessage *usom_inbox_take_due(int64 org_id, const int64 *shut, int nshut);

/* Lease so many that are due to the caller, for the interval; numbers and attempts, one statement.  channel_id 0: of all but those that are shut. */
extern uint64 usom_inbox_lease(int64 org_id, int limit, const Interval *lease, int64 channel_id, const int64 *shut, int nshut);

/* What became of it: status, outcome, findings, next attempt. */
extern void usom_inbox_settle(UsomMessage *message);

/* Findings as the row has them. */
extern Jsonb *usom_inbox_findings_json(List *findings);

/* Put aside until the circuit of its channel closes; one that was there before stays as it is. */
extern void usom_inbox_hold_back(UsomMessage *message);

/* Put aside, with the reason. */
extern void usom_inbox_park(const UsomMessage *message, const char *reason);

/* Another payload in the place of the last one; the first stays. */
extern void usom_inbox_mend(UsomMessage *message, Jsonb *payload, const char *reason);

/* ---- read.c: from payload to document; nothing is written ---- */

/* Kind, document, findings, identity.  given: what the caller said about identity counts more than what the payload says. */
extern void usom_intake_read(UsomMessage *message, const char *external_id, int32 revision, bool has_revision);

/* ---- process.c: from document to order ---- */

/* Do what it asks for; then settle. */
extern void usom_intake_process(UsomMessage *message);

/* revise.c: what changes an order of an older revision into the document. */
extern Jsonb *usom_intake_difference(int64 org_id, int64 sales_order_id, Jsonb *document);

/*
 * revise.c: changes whose lines say what is done to them ("action": add, change,
 * remove, none) and name products, as change_order() takes them.  Lines without
 * an action stay as they are.  US106 for a line that the order does not have.
 */
extern Jsonb *usom_intake_resolve(int64 org_id, int64 sales_order_id, Jsonb *changes);

/* ---- policy.c: how often a channel is tried, remembered ---- */

/* Of the attempts made: when is the next one; false: none. */
extern bool usom_intake_next_attempt(int64 org_id, const char *channel, int32 attempts, TimestampTz now, TimestampTz *next);

/* _PG_init of the room. */
extern void usom_intake_init(void);

#endif							/* USOM_INTAKE_INBOX_H */
