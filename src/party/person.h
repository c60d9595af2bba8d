/*
 * person.h
 *		People: whose key opens what, and the texts of an address.
 *
 *		A person is a customer, known by customer_id, or the buyer of one order
 *		without a customer, known by sales_order_id: keys are unique among all
 *		tables.  Every customer has a key from the statement that inserts the
 *		row; a guest has one from the first text.  Without a key the person was
 *		erased.
 *
 *		All functions connect to SPI themselves.
 */
#ifndef USOM_PARTY_PERSON_H
#define USOM_PARTY_PERSON_H

#include "postgres.h"
#include "party/vault.h"
#include "utils/jsonb.h"

/* ---- person.c: keys ---- */

/* The key of a person; false if there is none (any more). */
extern bool usom_person_find_key(int64 org_id, int64 person_id, UsomPersonKey *key);

/* The same from a value of usom.vault_key; false if it is no key. */
extern bool usom_person_take_key(Datum stored, int64 org_id, int64 person_id, UsomPersonKey *key);

/* May the present role read usom.vault_key, and so what is sealed? */
extern bool usom_person_may_open(void);

/* Keys were deleted: remember none. */
extern void usom_person_forget_key(void);

/* The key that a customer will have whose row is being inserted; when the row is there it is taken, to be written. */
extern void usom_person_draft_key(int64 org_id, int64 person_id, UsomPersonKey *key);
extern void usom_person_take_draft(int64 org_id, int64 person_id, UsomPersonKey *key);

/* Such a key, if it was drawn and not taken; false if not. */
extern bool usom_person_find_draft(int64 org_id, int64 person_id, UsomPersonKey *key);

/* Lock the row of a customer against being erased: US904 if it was; false if there is none. */
extern bool usom_person_pin_customer(int64 org_id, int64 customer_id);

/*
 * The key of the person of an order that plain SQL writes; a guest gets one.
 * The caller has the row of the order locked; the customer's row is locked
 * here.  US904 if the person was erased, 23503 if there is no such customer.
 */
extern void usom_person_require_key(int64 org_id, int64 customer_id, bool is_guest, int64 sales_order_id,
									UsomPersonKey *key);

/* US904: "what was erased". */
extern void usom_person_refuse_erased(const char *what) pg_attribute_noreturn();

/* 55000: "what has no key". */
extern void usom_person_refuse_keyless(const char *what) pg_attribute_noreturn();

/*
 * Keep a customer from being erased while an order is placed: shared by those
 * who place orders, exclusive for who erases.  Held until the transaction ends;
 * hundreds of customers share a lock, so that a batch does not need many.  At
 * REPEATABLE READ and above a customer that was changed since the snapshot is
 * 40001.
 */
extern void usom_person_lock_customer(int64 org_id, const char *code, bool exclusive);

/* The exclusive lock without waiting; false if somebody is placing an order. */
extern bool usom_person_try_lock_customer(int64 org_id, const char *code);

/* _PG_init of these files. */
extern void usom_person_init(void);

/* ---- address.c: where to deliver ---- */

typedef enum UsomAddressText
{
	USOM_ADDRESS_NAME,
	USOM_ADDRESS_LINE1,
	USOM_ADDRESS_LINE2,
	USOM_ADDRESS_POSTCODE,
	USOM_ADDRESS_CITY,
	USOM_ADDRESS_REGION,
	USOM_ADDRESS_COUNTRY,
	USOM_ADDRESS_TEXTS
} UsomAddressText;

/* A row of usom.address. */
typedef struct UsomAddress
{
	int64		address_id;
	int64		person_id;
	text	   *texts[USOM_ADDRESS_TEXTS];	/* NULL: none */
	float8		degrees[2];		/* north, east */
	bool		has_degrees[2];
	const char *verdict;		/* of who verified it; NULL: nobody */
} UsomAddress;

/* Names of the columns, by UsomAddressText; of the degrees. */
extern const char *const usom_address_texts[USOM_ADDRESS_TEXTS];
extern const char *const usom_address_degrees[2];

/* Does the text tell so little that it is kept in clear? */
extern bool usom_address_is_plain(UsomAddressText kind, const text *clear);

/*
 * From a ship_to: US803 for an unknown key or a wrong type.  Sealed under the
 * key, with an id of its own.  NULL if it says nothing.
 */
extern UsomAddress *usom_address_make(Jsonb *ship_to, const UsomPersonKey *key);

/* Is there anything in it to seal?  Without it the key that make takes needs no bytes. */
extern bool usom_address_tells_who(Jsonb *ship_to);

/* A text of an address as it is kept: postcodes and countries in clear if they look like that. */
extern text *usom_address_seal(UsomAddressText kind, text *clear, const UsomPersonKey *key);

/* Two decimals of a degree, about a kilometre: enough to choose a location, not to find a door. */
extern float8 usom_address_round(float8 degrees);

/* Write new keys and addresses of an organisation: a statement for each of the two, if there are any. */
extern void usom_person_write(int64 org_id, const UsomPersonKey *keys, int nkeys,
							  UsomAddress *const *addresses, int naddresses);

/* The address under the key, with a new id; itself if it is that person's already. */
extern UsomAddress *usom_address_hand_over(int64 org_id, int64 address_id, const UsomPersonKey *key);

/* ---- contact.c: found by e-mail or phone ---- */

/* What a customer can be found by; NULL: not by this. */
typedef struct UsomContact
{
	int64		person_id;
	text	   *email;			/* in clear */
	text	   *phone;
} UsomContact;

/* The key of the organisation, for digests; made at first use.  40001 if another transaction makes it. */
extern void usom_person_organisation_key(int64 org_id, UsomPersonKey *key);

/* Replace what is noted of these customers of an organisation. */
extern void usom_contact_write(int64 org_id, const UsomContact *contacts, int count, bool replace);

#endif							/* USOM_PARTY_PERSON_H */
