/*
 * card.h
 *		Numbers of payment cards in texts: the scanner.
 *
 *		A card number is 13 to 19 digits with a right check digit (Luhn) that
 *		begin as the numbers of Visa, Mastercard, American Express, Discover,
 *		JCB, Diners Club, UnionPay or Maestro do, and are as long.  Up to three
 *		spaces and dashes may stand between the digits; a number begins and ends
 *		where a run of digits does.
 *
 *		What has such digits by right is none: a GTIN-13 by its own check digit,
 *		an IBAN by its, digits within a UUID, the decimals of a number, and a
 *		telephone number of up to 15 digits after "+".
 *
 *		Knows no PostgreSQL, so that it can be fuzzed alone.
 */
#ifndef USOM_BASE_CARD_H
#define USOM_BASE_CARD_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes [start, end) of a text, from the first digit of a number to its last. */
typedef struct UsomCardSpan
{
	size_t		start;
	size_t		end;
} UsomCardSpan;

/*
 * The first card number at or after from, which is 0 or the end of the span
 * found before.  The text need not end with a zero byte, and may be anything.
 */
extern bool usom_card_find(const char *text, size_t size, size_t from, UsomCardSpan *span);

#endif							/* USOM_BASE_CARD_H */
