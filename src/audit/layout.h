/*
 * layout.h
 *		What the audit has to know of a table, remembered per backend.
 */
#ifndef USOM_AUDIT_LAYOUT_H
#define USOM_AUDIT_LAYOUT_H

#include "audit/canon.h"
#include "utils/rel.h"

typedef struct UsomAuditLayout
{
	UsomCanonLayout canon;
	int			org_id;			/* index into the values of a row */
	int			sales_order_id; /* the same; -1 where the table has none */
} UsomAuditLayout;

/* Good until the next call for the same table; the caller has the table open and locked. */
extern const UsomAuditLayout *usom_audit_layout(Relation table);

/* A new layout for rows of any shape, in CurrentMemoryContext. */
extern UsomAuditLayout *usom_audit_layout_of_rows(TupleDesc tupdesc);

/*
 * Fix what output functions look at, for layouts whose canon.needs_settings is
 * on; the caller brackets it with NewGUCNestLevel() and AtEOXact_GUC().
 */
extern void usom_audit_fix_settings(void);

extern void usom_audit_layout_init(void);

#endif							/* USOM_AUDIT_LAYOUT_H */
