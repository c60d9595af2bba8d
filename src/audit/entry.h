/*
 * entry.h
 *		Entries of the audit on their way to the table, and who they are from.
 */
#ifndef USOM_AUDIT_ENTRY_H
#define USOM_AUDIT_ENTRY_H

#include "postgres.h"
#include "datatype/timestamp.h"

/* What one statement did to rows of one organisation in one table. */
typedef struct UsomAuditEntry
{
	int64		org_id;
	int64		audit_entry_id;
	TimestampTz occurred_at;	/* set when it is written */
	const char *table_name;
	const char *operation;		/* a literal: "INSERT", "UPDATE", "DELETE" */
	int32		row_count;
	int64		sales_order_id;
	bool		has_order;		/* done for the order sales_order_id */
	int32		entry_no;		/* in the chain of the order, from 1 */
	bytea	   *previous;		/* digest of the entry before it in the chain; NULL: the first, or no order */
	const char *verb;			/* of the call, a literal; NULL: plain SQL */
	const char *reason;			/* NULL: none */
	bytea	   *before;			/* NULL for INSERT */
	bytea	   *after;			/* NULL for DELETE */
	int			level;			/* of the subtransaction it belongs to */
} UsomAuditEntry;

/* entry.c: where entries and all they point to must live until they are written. */
extern MemoryContext usom_audit_memory(void);

/* Take over an entry (the struct is copied).  It is written at the end of the call; outside of calls by write. */
extern void usom_audit_gather(const UsomAuditEntry *entry);

/* Write what the present subtransaction gathered if there is much of it, or if no call will. */
extern void usom_audit_write_if_due(Oid owner);

extern void usom_audit_entry_init(void);

/* heads.c: sales_order_id, entry_no, digest of the last entries of the orders that have some, by order, in SPI_tuptable; sorted keys. */
extern int	usom_audit_find_heads(int64 org_id, Datum *orders, int norders);

/* actor.c: strings are good until the next call; never NULL. */
typedef struct UsomActor
{
	const char *session_role;	/* who logged in */
	const char *active_role;	/* whom SET ROLE made of him */
	const char *app_user;		/* claimed by the application; "": nothing claimed */
	const char *client_addr;	/* numeric address, or "local" */
	const char *application_name;
} UsomActor;

extern UsomActor usom_audit_actor(void);
extern void usom_audit_actor_init(void);

/* seal.c */
extern void usom_audit_seal_init(void);

#endif							/* USOM_AUDIT_ENTRY_H */
