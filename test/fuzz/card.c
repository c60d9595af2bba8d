/*
 * card.c
 *		Random texts for src/base/card.c, and a twin that finds the same numbers
 *		in another way: by trying every pair of groups.
 *
 *		Built alone, with address and undefined-behaviour sanitizers; texts are
 *		kept in blocks of their exact size, so that a byte too far is noticed.
 *
 * usage: card SEED TEXTS
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/card.h"

#define MAX_TEXT 400
#define MAX_GROUPS 200

static unsigned long long state;

static unsigned
pick(unsigned below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (unsigned) ((state >> 20) % below);
}

/* ---- random texts ---- */

static char text[MAX_TEXT];
static size_t size;

static void
put(const char *bytes, size_t length)
{
	if (size + length <= MAX_TEXT)
	{
		memcpy(text + size, bytes, length);
		size += length;
	}
}

static void
put_string(const char *string)
{
	put(string, strlen(string));
}

static void
put_separator(void)
{
	static const char *const all[] = {" ", "-", "\t", "\xC2\xA0", "\xE2\x80\x91", "\xE2\x80\xAF", "\xE2\x88\x92", "\xE3\x80\x80", "  ", " - ", "    ", "\xE2\x80", "."};

	put_string(all[pick(pick(4) == 0 ? 13 : 3)]);
}

/* Digits that pass the check sum, most of them of a known issuer. */
static void
put_number(void)
{
	static const char *const prefixes[] = {"4", "51", "55", "2221", "272099", "34", "37", "6011", "65", "3528", "3589", "1800", "2131",
	"300", "305", "3095", "36", "38", "62", "5018", "6304", "6763", "1", "9", ""};
	char		digits[20];
	int			length = 12 + (int) pick(9);
	const char *prefix = prefixes[pick(25)];
	int			sum = 0;
	unsigned	split = pick(4);

	if (length > 19)
		length = 16;
	for (int i = 0; i < length; i++)
		digits[i] = i < (int) strlen(prefix) ? prefix[i] : (char) ('0' + pick(10));
	for (int i = 0; i < length - 1; i++)
	{
		int			value = digits[i] - '0';

		if ((length - 1 - i) % 2 == 1 && (value *= 2) > 9)
			value -= 9;
		sum += value;
	}
	digits[length - 1] = (char) ('0' + (10 - sum % 10) % 10);
	if (pick(10) == 0)
		digits[pick((unsigned) length)] = (char) ('0' + pick(10));
	for (int i = 0; i < length; i++)
	{
		if (i > 0 && ((split == 1 && i % 4 == 0) || (split == 2 && pick(5) == 0) || (split == 3 && pick(2) == 0)))
			put_separator();
		put(&digits[i], 1);
	}
}

static void
put_piece(void)
{
	static const char *const words[] = {"card", "+", "+49 ", "12.", ".", ",", "/", "BE68", "BE68539007547034", "DE89 3704 0044 0532 0130 00", "GB29NWBK60161331926819",
		"4006381333931", "4a1b2c3d-", "41111111-1111-1111-9999-999999999999", "a", "F", "4111-1111-1111", "0", "\n", "\xFF"};
	char		byte = (char) pick(256);

	switch (pick(10))
	{
		case 0:
		case 1:
		case 2:
			put_number();
			break;
		case 3:
		case 4:
			put_string(words[pick(20)]);
			break;
		case 5:
			put(&byte, 1);
			break;
		case 6:
		case 7:
			byte = (char) ('0' + pick(10));
			put(&byte, 1);
			break;
		default:
			put_separator();
	}
}

/* ---- the twin ---- */

static int
digit_at(const char *t, size_t n, size_t i)
{
	return i < n && t[i] >= '0' && t[i] <= '9' ? t[i] - '0' : -1;
}

/* May the bytes from a to b stand between two digits of a number? */
static bool
joins(const char *t, size_t a, size_t b)
{
	int			count = 0;

	while (a < b)
	{
		unsigned char c = (unsigned char) t[a];
		unsigned long three = b - a >= 3 ? (unsigned long) c << 16 | (unsigned long) (unsigned char) t[a + 1] << 8 | (unsigned char) t[a + 2] : 0;

		if (c == ' ' || c == '-' || c == '\t')
			a += 1;
		else if (c == 0xC2 && b - a >= 2 && (unsigned char) t[a + 1] == 0xA0)
			a += 2;
		else if ((three >= 0xE28080 && three <= 0xE28095) || three == 0xE280AF || three == 0xE28892 || three == 0xE38080)
			a += 3;
		else
			return false;
		count++;
	}
	return count >= 1 && count <= 3;
}

static bool
starts(const char *number, const char *low, const char *high)
{
	return strncmp(number, low, strlen(low)) >= 0 && strncmp(number, high, strlen(high)) <= 0;
}

static bool
twin_issued(const char *d, size_t n)
{
	if (d[0] == '4')
		return n == 13 || n == 16 || n == 19;
	if (starts(d, "51", "55") && n == 16)
		return true;
	if (starts(d, "2221", "2720") && n == 16)
		return true;
	if ((starts(d, "34", "34") || starts(d, "37", "37") || starts(d, "1800", "1800") || starts(d, "2131", "2131")) && n == 15)
		return true;
	if ((starts(d, "6011", "6011") || starts(d, "644", "649") || starts(d, "65", "65") || starts(d, "3528", "3589") || starts(d, "62", "62")) && n >= 16)
		return true;
	if ((starts(d, "300", "305") || starts(d, "3095", "3095") || starts(d, "36", "36") || starts(d, "38", "39")) && n >= 14)
		return true;
	return starts(d, "5018", "5018") || starts(d, "5020", "5020") || starts(d, "5038", "5038") || starts(d, "5893", "5893") ||
		starts(d, "6304", "6304") || starts(d, "6759", "6759") || starts(d, "6761", "6763");
}

static bool
twin_luhn(const char *d, size_t n)
{
	static const int doubled[] = {0, 2, 4, 6, 8, 1, 3, 5, 7, 9};
	int			sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += (n - i) % 2 == 0 ? doubled[d[i] - '0'] : d[i] - '0';
	return sum % 10 == 0;
}

typedef struct Group
{
	size_t		start;
	size_t		end;
	bool		joined;			/* to the one before */
} Group;

static size_t
cut(const char *t, size_t n, Group *groups)
{
	size_t		count = 0;

	for (size_t i = 0; i < n; i++)
	{
		if (digit_at(t, n, i) < 0)
			continue;
		groups[count].start = i;
		while (digit_at(t, n, i) >= 0)
			i++;
		groups[count].end = i;
		groups[count].joined = count > 0 && joins(t, groups[count - 1].end, groups[count].start) &&
			groups[count].end - groups[count].start <= 19 && groups[count - 1].end - groups[count - 1].start <= 19;
		count++;
	}
	return count;
}

/* A number by its looks alone, from group a to group b; whether it is something else is not asked here. */
static bool
looks_right(const char *t, const Group *groups, size_t a, size_t b)
{
	char		digits[20];
	size_t		n = 0;

	for (size_t g = a; g <= b; g++)
	{
		if (g > a && !groups[g].joined)
			return false;
		for (size_t i = groups[g].start; i < groups[g].end; i++)
		{
			if (n == 19)
				return false;
			digits[n++] = t[i];
		}
	}
	digits[n] = '\0';
	return n >= 13 && twin_issued(digits, n) && twin_luhn(digits, n);
}

/* Where letters, "+" or "." stand beside the chain, or it holds a GTIN, the scanner may see something else in it. */
static bool
is_plain_chain(const char *t, size_t n, const Group *groups, size_t count, size_t g)
{
	size_t		first = g;
	size_t		last = g;

	while (groups[first].joined)
		first--;
	while (last + 1 < count && groups[last + 1].joined)
		last++;
	for (size_t i = first; i <= last; i++)
		if (groups[i].end - groups[i].start == 13)
			return false;
	for (size_t i = groups[first].start < 60 ? 0 : groups[first].start - 60; i < groups[first].start; i++)
		if (strchr("+.-", t[i]) != NULL || (t[i] >= 'A' && t[i] <= 'Z') || (t[i] >= 'a' && t[i] <= 'f'))
			return false;
	for (size_t i = groups[first].start; i < groups[last].end; i++)
		if (t[i] == '-')
			return false;
	return n > 0;
}

static void
fail(const char *what, const char *t, size_t n)
{
	printf("not ok - %s: ", what);
	for (size_t i = 0; i < n; i++)
		printf(t[i] >= ' ' && t[i] <= '~' && t[i] != '\\' ? "%c" : "\\x%02x", (unsigned char) t[i]);
	printf("\n");
	exit(1);
}

/* Returns whether there was a number. */
static bool
try(const char *t, size_t n)
{
	Group		groups[MAX_GROUPS + MAX_TEXT];
	size_t		count = cut(t, n, groups);
	UsomCardSpan span = {0, 0};
	bool		found = usom_card_find(t, n, 0, &span);
	bool		explained = false;

	for (size_t a = 0; a < count; a++)
		for (size_t b = a; b < count && (b == a || groups[b].joined); b++)
		{
			bool		right = looks_right(t, groups, a, b);

			if (right && !found && is_plain_chain(t, n, groups, count, a))
				fail("a number is missed", t, n);
			explained |= right && found && groups[a].start == span.start && groups[b].end == span.end;
		}
	if (found && !explained)
		fail("found what is no number", t, n);
	for (size_t least = 0; usom_card_find(t, n, span.end, &span); least = span.end)
		if (span.start < least || span.end > n || span.start >= span.end)
			fail("spans do not follow each other", t, n);
	return found;
}

int
main(int argc, char **argv)
{
	unsigned long long seed = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
	long		texts = argc > 2 ? atol(argv[2]) : 1000000;
	long		found = 0;

	state = seed * 2654435769u + 88172645463325252u;
	for (long i = 0; i < texts; i++)
	{
		char	   *exact;

		size = 0;
		for (unsigned pieces = pick(12); pieces > 0; pieces--)
			put_piece();
		exact = malloc(size + (size == 0));
		memcpy(exact, text, size);
		found += try(exact, size);
		free(exact);
	}
	printf("ok - card numbers: %ld texts, %ld with one\n", texts, found);
	return found > 0 ? 0 : 1;
}
