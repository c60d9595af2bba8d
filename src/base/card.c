/*
 * card.c
 *		Numbers of payment cards in texts: the scanner.
 *
 *		A chain is digits with nothing but separators between them; its groups
 *		are the runs of digits.  At the end of each group the digits are walked
 *		back: the check sum counts from the last digit, so one walk tries every
 *		number that ends there.  What looks right is then held against the
 *		things that have such digits by right.
 *
 *		Pure: bytes in, bytes out; no memory, no locks, no PostgreSQL.  Linear
 *		in the size of the text.  Nothing outside [0, size) is read.
 */
#include "base/card.h"

#include <string.h>

#define MIN_DIGITS 13
#define MAX_DIGITS 19
#define MAX_SEPARATORS 3
#define PREFIX_DIGITS 6
#define GTIN_DIGITS 13
#define PHONE_DIGITS 15			/* E.164 */
#define UUID_SIZE 36
#define IBAN_MIN 15
#define IBAN_MAX 34
#define IBAN_HEAD 4				/* country and check digits */

#define LENGTH(digits) (1u << (digits))
#define LENGTHS(low, high) ((1u << ((high) + 1)) - (1u << (low)))

/* Who gives out numbers that begin so, and how long they are. */
static const struct
{
	int			low;			/* of the first six digits */
	int			high;
	unsigned	lengths;		/* bit n: n digits */
}			issuers[] = {
	{400000, 499999, LENGTH(13) | LENGTH(16) | LENGTH(19)}, /* Visa */
	{510000, 559999, LENGTH(16)},	/* Mastercard */
	{222100, 272099, LENGTH(16)},
	{340000, 349999, LENGTH(15)},	/* American Express */
	{370000, 379999, LENGTH(15)},
	{601100, 601199, LENGTHS(16, 19)},	/* Discover */
	{644000, 659999, LENGTHS(16, 19)},
	{352800, 358999, LENGTHS(16, 19)},	/* JCB */
	{180000, 180099, LENGTH(15)},
	{213100, 213199, LENGTH(15)},
	{300000, 305999, LENGTHS(14, 19)},	/* Diners Club */
	{309500, 309599, LENGTHS(14, 19)},
	{360000, 369999, LENGTHS(14, 19)},
	{380000, 399999, LENGTHS(14, 19)},
	{620000, 629999, LENGTHS(16, 19)},	/* UnionPay */
	{501800, 501899, LENGTHS(13, 19)},	/* Maestro */
	{502000, 502099, LENGTHS(13, 19)},
	{503800, 503899, LENGTHS(13, 19)},
	{589300, 589399, LENGTHS(13, 19)},
	{630400, 630499, LENGTHS(13, 19)},
	{675900, 675999, LENGTHS(13, 19)},
	{676100, 676399, LENGTHS(13, 19)},
};

#define NISSUERS ((int) (sizeof(issuers) / sizeof(issuers[0])))

/* A chain as far as it was read. */
typedef struct Chain
{
	const char *text;
	size_t		size;
	size_t		start;			/* of its first digit */
	size_t		end;			/* of the group read last */
	size_t		digits;
} Chain;

static inline bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static inline bool
is_capital(char c)
{
	return c >= 'A' && c <= 'Z';
}

static inline bool
is_hex(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static inline bool
is_letter_or_digit(char c)
{
	return is_digit(c) || is_capital(c) || (c >= 'a' && c <= 'z');
}

/* Bytes of the space or dash that the text begins with, as ASCII or UTF-8; 0: none. */
static size_t
separator_size(const char *text, size_t size)
{
	static const char *const others[] = {
		"\xC2\xA0", "\xE2\x80\xAF", "\xE2\x88\x92", "\xE3\x80\x80"	/* U+00A0, 202F, 2212, 3000 */
	};

	if (size == 0)
		return 0;
	if (text[0] == ' ' || text[0] == '-' || text[0] == '\t')
		return 1;
	if ((unsigned char) text[0] < 0x80)
		return 0;
	if (size >= 3 && memcmp(text, "\xE2\x80", 2) == 0 &&
		(unsigned char) text[2] >= 0x80 && (unsigned char) text[2] <= 0x95)
		return 3;				/* U+2000 to U+2015 */
	for (int i = 0; i < (int) (sizeof(others) / sizeof(others[0])); i++)
	{
		size_t		length = strlen(others[i]);

		if (size >= length && memcmp(text, others[i], length) == 0)
			return length;
	}
	return 0;
}

/* ---- digits that are no card ---- */

static bool
is_gtin(const char *digits)
{
	int			sum = 0;

	for (int i = 0; i < GTIN_DIGITS; i++)
		sum += (digits[i] - '0') * (i % 2 == 0 ? 1 : 3);
	return sum % 10 == 0;
}

/* Are the bytes [start, end) within a UUID in its usual form? */
static bool
is_in_uuid(const Chain *chain, size_t start, size_t end)
{
	const char *text = chain->text;
	size_t		first = start;
	size_t		last = end;

	while (first > 0 && start - first <= UUID_SIZE && (is_hex(text[first - 1]) || text[first - 1] == '-'))
		first--;
	while (last < chain->size && last - end <= UUID_SIZE && (is_hex(text[last]) || text[last] == '-'))
		last++;
	if (last - first != UUID_SIZE)
		return false;
	for (size_t i = 0; i < UUID_SIZE; i++)
		if ((text[first + i] == '-') != (i == 8 || i == 13 || i == 18 || i == 23))
			return false;
	return true;
}

/* Remainder by 97 with one more character, a letter counting as two digits. */
static int
feed_iban(int remainder, char c)
{
	int			value = is_digit(c) ? c - '0' : c - 'A' + 10;

	return (remainder * (value < 10 ? 10 : 100) + value) % 97;
}

/* Does an IBAN begin at first and end at or after end? */
static bool
is_iban_from(const Chain *chain, size_t first, size_t end)
{
	const char *text = chain->text;
	int			remainder = 0;
	int			count = 0;

	for (size_t at = first; at < chain->size && count < IBAN_MAX; at++)
	{
		if (text[at] == ' ' && at > first && text[at - 1] != ' ')
			continue;
		if (!is_digit(text[at]) && !is_capital(text[at]))
			return false;
		if (++count > IBAN_HEAD)
			remainder = feed_iban(remainder, text[at]);
		if (count >= IBAN_MIN && at + 1 >= end && (at + 1 == chain->size || !is_letter_or_digit(text[at + 1])))
		{
			int			whole = remainder;

			for (size_t i = 0; i < IBAN_HEAD; i++)
				whole = feed_iban(whole, text[first + i]);
			if (whole == 1)
				return true;
		}
	}
	return false;
}

/* Is the number that ends at end part of an IBAN, which begins in its chain or before it? */
static bool
is_in_iban(const Chain *chain, size_t end)
{
	const char *text = chain->text;
	size_t		least = chain->start > IBAN_MAX + IBAN_MAX / 4 ? chain->start - IBAN_MAX - IBAN_MAX / 4 : 0;

	for (size_t first = chain->start; first-- > least;)
	{
		if (!is_capital(text[first]) && !is_digit(text[first]) && text[first] != ' ')
			return false;
		if (chain->size - first > IBAN_HEAD && is_capital(text[first]) && is_capital(text[first + 1]) &&
			is_digit(text[first + 2]) && is_digit(text[first + 3]) &&
			(first == 0 || !is_letter_or_digit(text[first - 1])) && is_iban_from(chain, first, end))
			return true;
	}
	return false;
}

/* ---- numbers ---- */

/* Do so many digits from here on begin and end as some issuer's do?  Six of them at least. */
static bool
is_issued(const char *text, int digits)
{
	int			prefix = 0;

	for (int seen = 0; seen < PREFIX_DIGITS; text++)
		if (is_digit(*text))
		{
			prefix = prefix * 10 + (*text - '0');
			seen++;
		}
	for (int i = 0; i < NISSUERS; i++)
		if (prefix >= issuers[i].low && prefix <= issuers[i].high && (issuers[i].lengths & LENGTH(digits)) != 0)
			return true;
	return false;
}

static bool
is_something_else(const Chain *chain, size_t start, size_t end)
{
	if (end - start == GTIN_DIGITS && is_gtin(chain->text + start))
		return true;
	return is_in_uuid(chain, start, end) || is_in_iban(chain, end);
}

/* Luhn: every second digit from the right counts double, the digits of its double added up. */
static int
luhn_value(char c, int place)
{
	int			value = c - '0';

	if (place % 2 == 0)
		return value;
	return value * 2 > 9 ? value * 2 - 9 : value * 2;
}

/* Decimals of a number begin no card number: "52.4012345678901234". */
static bool
is_fraction(const Chain *chain)
{
	return chain->start >= 2 && chain->text[chain->start - 1] == '.' && is_digit(chain->text[chain->start - 2]);
}

static bool
is_phone(const Chain *chain)
{
	return chain->digits <= PHONE_DIGITS && chain->start > 0 && chain->text[chain->start - 1] == '+';
}

/* Is there a number of whole groups that ends with the chain? */
static bool
find_at_end(const Chain *chain, UsomCardSpan *span)
{
	const char *text = chain->text;
	int			count = 0;
	int			sum = 0;

	if (chain->digits < MIN_DIGITS || is_phone(chain))
		return false;
	for (size_t at = chain->end; at-- > chain->start && count < MAX_DIGITS;)
	{
		if (!is_digit(text[at]))
			continue;
		sum += luhn_value(text[at], count++);
		if (count < MIN_DIGITS || sum % 10 != 0 || (at > chain->start && is_digit(text[at - 1])))
			continue;
		if ((at == chain->start && is_fraction(chain)) || !is_issued(text + at, count)
			|| is_something_else(chain, at, chain->end))
			continue;
		*span = (UsomCardSpan) {at, chain->end};
		return true;
	}
	return false;
}

/* Where the next group begins, or 0 if the chain ends here. */
static size_t
next_group(const Chain *chain)
{
	size_t		at = chain->end;

	for (int i = 0; i < MAX_SEPARATORS; i++)
	{
		size_t		bytes = separator_size(chain->text + at, chain->size - at);

		if (bytes == 0)
			break;
		at += bytes;
	}
	return at > chain->end && at < chain->size && is_digit(chain->text[at]) ? at : 0;
}

/* Read the chain that begins at its start; its end tells how far it was read. */
static bool
find_in_chain(Chain *chain, UsomCardSpan *span)
{
	size_t		group = chain->start;

	do
	{
		for (chain->end = group; chain->end < chain->size && is_digit(chain->text[chain->end]);)
			chain->end++;
		if (chain->end - group > MAX_DIGITS)
			return false;		/* part of no number: what follows begins anew */
		chain->digits += chain->end - group;
		if (find_at_end(chain, span))
			return true;
	} while ((group = next_group(chain)) != 0);
	return false;
}

bool
usom_card_find(const char *text, size_t size, size_t from, UsomCardSpan *span)
{
	size_t		at = from;

	while (at < size && size - at >= MIN_DIGITS)
	{
		Chain		chain = {.text = text, .size = size, .start = at};

		if (!is_digit(text[at]))
			at++;
		else if (find_in_chain(&chain, span))
			return true;
		else
			at = chain.end;
	}
	return false;
}
