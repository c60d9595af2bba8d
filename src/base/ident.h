/*
 * ident.h
 *		Keys and document numbers.
 */
#ifndef USOM_BASE_IDENT_H
#define USOM_BASE_IDENT_H

#include "postgres.h"

/* usom.node in the high bits, the next value of usom.id_seq in the low 53: at node 0 exact in JavaScript. */
extern int64 usom_ident_next(void);

/*
 * Next number of a kind ("order", "shipment", "return", "supply", "make", "consolidation",
 * "package", "manifest", "appointment", "message", "draft", "fulfillment", "request", "wave")
 * of an organisation:
 * prefix and padded digits; palloc'd.  Gap-free counters are updated under
 * their row lock, others draw from their sequence.  One statement when
 * gap-free, none else; the caller is connected to SPI.
 */
extern char *usom_ident_document_no(int64 org_id, const char *kind);

/* So many of them at once, ascending, with as many statements. */
extern void usom_ident_document_nos(int64 org_id, const char *kind, int count, char **numbers);

/* May no number be left unused? */
extern bool usom_ident_is_gap_free(int64 org_id, const char *kind);

/* The number drawn last was not used: a gap-free counter takes it back. */
extern void usom_ident_give_back(int64 org_id, const char *kind);

/* The key that a node makes of a value of the sequence; of 0: one below its first key. */
extern int64 usom_ident_of_node(int node, int64 local);

/* _PG_init of the room. */
extern void usom_ident_init(void);

#endif							/* USOM_BASE_IDENT_H */
