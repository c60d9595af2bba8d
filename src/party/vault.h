/*
 * vault.h
 *		Texts about people, sealed under a key per person.
 *
 *		A sealed text is what a table, the audit, the WAL and a dump hold of a
 *		name: it says whose it is, and only the key of that person opens it.
 *		Erasing a person is deleting the key.
 *
 *		Form: "usom1:" and base64 of
 *			8 bytes		the person, big-endian
 *			12 bytes	nonce, random
 *			n bytes		the text, AES-256-GCM
 *			16 bytes	tag
 *		The form, the organisation and the person are authenticated with the
 *		text: moved to another person or organisation it cannot be opened.
 *		A form once released never changes; a new one gets another prefix.
 *
 *		Empty strings are not sealed: they tell nothing.
 */
#ifndef USOM_PARTY_VAULT_H
#define USOM_PARTY_VAULT_H

#include "postgres.h"

#define USOM_KEY_BYTES 32

/* Who holds the keys of the organisation itself: no person. */
#define USOM_NO_PERSON INT64CONST(0)

typedef struct UsomPersonKey
{
	int64		org_id;
	int64		person_id;
	uint8		bytes[USOM_KEY_BYTES];
} UsomPersonKey;

/* A key of random bytes; ERROR when the system has none. */
extern void usom_vault_make_key(UsomPersonKey *key, int64 org_id, int64 person_id);

/* The sealed text, palloc'd. */
extern text *usom_vault_seal(const UsomPersonKey *key, const text *clear);

/* Has the text the form of a sealed one; whose is it then? */
extern bool usom_vault_is_sealed(const text *string, int64 *person_id);

/* The text, palloc'd; NULL unless it was sealed under this very key. */
extern text *usom_vault_open(const UsomPersonKey *key, const text *sealed);

/* HMAC-SHA-256 under the key of a label and some bytes; palloc'd.  The label tells uses apart. */
extern bytea *usom_vault_digest(const UsomPersonKey *key, const char *label, const void *data, Size size);

#endif							/* USOM_PARTY_VAULT_H */
