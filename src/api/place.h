/*
 * place.h
 *		Placing, between place.c (what is written) and place_answer.c (what is said).
 */
#ifndef USOM_API_PLACE_H
#define USOM_API_PLACE_H

#include "api/api.h"
#include "api/document.h"
#include "api/finding.h"
#include "api/price.h"
#include "order/answer.h"
#include "api/resolve.h"
#include "party/person.h"

/* What the tables say about the references of a header. */
typedef struct UsomHeaderFound
{
	int64		customer_id;	/* active; 0: none */
	bool		is_gone;		/* the customer was erased */
	char	   *substitution;	/* the customer's consent; NULL: none */
	int64		address_id;		/* 0: none, or not asked for */
	char	   *order_no;		/* of the order that has the external id; NULL: none has it */
	int32		revision;
	bytea	   *digest;			/* NULL: none */

	/* Where the document is about a person; NULL: there is none. */
	bytea	   *customer_key;
	int64		person_id;		/* of that order */
	bytea	   *person_key;
	bool		is_erased;
} UsomHeaderFound;

typedef struct Placing
{
	int64		org_id;
	UsomDocument *document;
	Jsonb	   *payload;		/* as it came */
	bytea	   *digest;			/* NULL without an external id */
	bool		is_personal;	/* there is something to seal in ship_to or instructions */
	UsomPersonKey key;			/* of the person; a guest's is made when the order is written */
	UsomAddress *address;		/* what ship_to became; NULL: none */
	int64		address_id;		/* 0: none */
	TimestampTz placed_at;
	int64		channel_id;
	int64		customer_id;
	bool		is_guest;
	char	   *currency;
	char	   *substitution;	/* the customer's consent; NULL: a guest */
	UsomHeaderFound found;
	UsomLineReference *references;	/* by line */
	struct UsomMaking *making;	/* of all documents of the call */
	char	   *repeats;		/* order number, if the document was placed before */
	bool		refused;		/* by a check, when the others of its call were known */
	bool		placed;			/* its header is written; else another call was first */
	int			ordinal;		/* among the documents of the call */
	UsomOrderSet *set;
	int			nmade;
	struct UsomMade *made;		/* products that the order brings with it */
	const struct UsomMade *unmade;	/* one that others have made meanwhile; NULL: none */
	const UsomComponents *components;	/* of all kits of the call; NULL: not read yet */
	List	   *problems;		/* of UsomProblem: references that could not be resolved */
	UsomChecking checking;		/* what checks have found */
	UsomPriceRequest *price_request;	/* with what was read for many; NULL: it is alone */
	UsomPricing *pricing;		/* NULL: there is nothing to price by */
	List	   *price_problems;	/* of UsomFinding: coupons that do not fit */
	bool		is_quote;		/* will be undone: takes no number and no external id */
	JsonbParseState *messages;	/* array under construction; NULL: empty */
} Placing;

typedef struct UsomProblem
{
	const char *path;			/* lines[2].sku */
	const char *code;			/* that no master row has */
	const char *what;			/* product */
} UsomProblem;

/*
 * The steps from documents to orders.  place.c: parse is pure.
 */
extern Placing *usom_api_parse(Jsonb *document);

/* place_lookup.c: what documents name, in a fixed number of statements for all of them; nothing is raised for one of them. */
extern void usom_api_look_up(Placing *const *placings, int count);

/* place_find.c: the headers of them. */
extern void usom_api_look_up_headers(Placing *const *placings, int count);

/* place_lookup.c: it is taken, and problems are noted.  Of one that repeats another only the header is. */
extern void usom_api_refer(Placing *placing);

/*
 * place.c: raise problems and begin the order; take its kits apart; price and
 * check it.  Not for one that repeats another.
 */
extern void usom_api_begin(Placing *placing);
extern void usom_api_expand(Placing *placing);
extern void usom_api_complete(Placing *placing);

/* Before the second and the third of them, for many: what each would read for itself. */
extern void usom_api_foresee_kits(Placing *const *placings, int count);
extern void usom_api_foresee(Placing *const *placings, int count);

/* All three, for one document. */
extern void usom_api_finish(Placing *placing);

/* All of it up to refer, for one document. */
extern Placing *usom_api_read(Jsonb *document);

/*
 * Write finished documents; the array is reordered.  Those whose external id
 * another call took meanwhile are not placed: look their headers up again, and
 * compare them.
 */
extern void usom_api_write(Placing **placings, int count);
extern void usom_api_take_header(Placing *placing);

/* place_header.c: draw numbers and write headers; placed says of each whether it is. */
extern void usom_api_write_headers(Placing **placings, int count);

/* place_repeat.c: an order of the channel has the external id; US801, US802 unless it came of this very document. */
extern void usom_api_check_repeat(Placing *placing);

/* The same file: what tells it; the key is looked at where the document is about a person. */
extern bytea *usom_api_placing_digest(const Placing *placing, const UsomPersonKey *key);

/* The second look, after another call took the external id: 40001 if its order is gone again. */
extern void usom_api_compare_again(Placing *placing);

/*
 * place_check.c: look at an order that is made and not written; US804 unless
 * it is a quote.  One that is held before it is confirmed stays submitted and
 * takes no stock; a draft is checked when it is submitted.
 */
extern void usom_api_check_placing(Placing *placing);

/*
 * The same file: of orders that have ids and are not written, those that look
 * like others; what refuses them makes them refused, and leaves them out.
 * Returns how many are left.  Then, when headers are written: what was not
 * placed lets go of its lines.
 */
extern int	usom_api_look_for_duplicates(Placing **placings, int count);
extern void usom_api_let_go_of_duplicates(Placing **placings, int count);

/* Findings of orders whose headers are written: their holds, in one statement, and what their placers are told. */
extern void usom_api_write_findings(Placing **placings, int count);

/* place_check.c: what checks of many compare with. */
extern void usom_api_foresee_checks(Placing *const *placings, int count);

/* place_check.c: orders that their customers' credit does not cover stay submitted; their placers are told. */
extern void usom_api_place_on_credit(UsomOrderSet *set, Placing **placings);
/* place_price.c: what many are priced by; before the order is settled; and when its header is there: its coupons and steps. */
extern void usom_api_foresee_placing_prices(Placing *const *placings, int count);
extern void usom_api_price_placing(Placing *placing);
extern void usom_api_redeem_placings(UsomOrderSet *set, Placing *const *placings);

/* approval_check.c: scores that documents bring, in one statement; none if there are none. */
extern void usom_api_write_risk_scores(Placing *const *placings, int count);

/* A code of the document that no master row has. */
extern void usom_api_note_problem(Placing *placing, const char *path, const char *code, const char *what);

/* US803 that lists all problems, if there are any. */
extern void usom_api_check_problems(Placing *placing);

/* Something the caller should know, for the column messages; quantity 0: none. */
extern void usom_api_note_message(Placing *placing, int32 line_no, const char *code, UsomQuantity quantity);

/* The same of what a check has found. */
extern void usom_api_note_finding(Placing *placing, const UsomFinding *finding);

extern UsomPlaced *usom_api_answer(Placing *placing);
extern UsomPlaced *usom_api_answer_repeat(Placing *placing);

/* place_verbs.c: end the call with the row that place_order() answers. */
extern Datum usom_api_answer_placed(UsomAnswer *answer, const UsomPlaced *placed);

/*
 * quote.c: what placing the document would do now, undone again, as
 * usom.quote() answers it; and the order as it would be, in the caller's
 * memory; NULL if there would be none.
 */
extern Jsonb *usom_api_quote(Jsonb *document, UsomOrderSet **set);

#endif							/* USOM_API_PLACE_H */
