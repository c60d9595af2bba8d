/*
 * tax.c
 *		Which rate counts for a line, and what it makes of an order.
 *
 * Pure: no SPI, no locks.  Memory: CurrentMemoryContext.
 *
 * Invariant: taxes of the lines of a group add up to the tax of the group, and
 * none is negative; a tax that is included is less than what it is in.
 */
#include "postgres.h"

#include "pricing/tax.h"

#include "base/compat.h"
#include "miscadmin.h"
#include "utils/timestamp.h"

#define PLAIN_POSTCODE 12
#define KEY_LENGTH 512

/* ---- the rate of a line ---- */

/* The first rate of a key, or NULL. */
static const UsomTaxRate *
find_key(const UsomTaxRates *rates, const char *key)
{
	int			low = 0;
	int			high = rates->count;

	while (low < high)
	{
		int			middle = low + (high - low) / 2;

		if (strcmp(rates->rates[middle].key, key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < rates->count && strcmp(rates->rates[low].key, key) == 0 ? &rates->rates[low] : NULL;
}

/* Of one key, the rate that is in force. */
static const UsomTaxRate *
find_in_force(const UsomTaxRates *rates, const char *key, TimestampTz at)
{
	const UsomTaxRate *rate = find_key(rates, key);

	for (; rate != NULL && rate < rates->rates + rates->count && strcmp(rate->key, key) == 0; rate++)
		if (rate->valid_from <= at && at < rate->valid_to)
			return rate;
	return NULL;
}

/* What a postal code is compared as: capital letters and digits alone. */
static int
plain_postcode(const char *postcode, char *plain)
{
	int			length = 0;

	for (const char *c = postcode; c != NULL && *c != '\0' && length < PLAIN_POSTCODE; c++)
	{
		if ((*c >= '0' && *c <= '9') || (*c >= 'A' && *c <= 'Z'))
			plain[length++] = *c;
		else if (*c >= 'a' && *c <= 'z')
			plain[length++] = *c - 'a' + 'A';
	}
	plain[length] = '\0';
	return length;
}

/* Keys of one country and region, the longest postal code first. */
static const UsomTaxRate *
find_postcode(const UsomTaxRates *rates, const UsomTaxPlace *place, const char *country, const char *region,
			  int length, const char *postcode, const char *rest)
{
	char		key[KEY_LENGTH];

	snprintf(key, sizeof(key), "%s/%s/%.*s/%s", country, region, length, postcode, rest);
	return find_in_force(rates, key, place->at);
}

/* Of one exemption and class: the longest postal code, then the region, then the country, then anywhere. */
static const UsomTaxRate *
find_place(const UsomTaxRates *rates, const UsomTaxPlace *place, const char *rest)
{
	char		postcode[PLAIN_POSTCODE + 1];
	const UsomTaxRate *rate = NULL;

	if (place->country != NULL)
	{
		for (int length = plain_postcode(place->postcode, postcode); length >= 0 && rate == NULL; length--)
		{
			if (place->region != NULL)
				rate = find_postcode(rates, place, place->country, place->region, length, postcode, rest);
			if (rate == NULL)
				rate = find_postcode(rates, place, place->country, "", length, postcode, rest);
		}
	}
	return rate != NULL ? rate : find_postcode(rates, place, "", "", 0, "", rest);
}

static const UsomTaxRate *
find_class(const UsomTaxRates *rates, const UsomTaxPlace *place, const char *tax_class, const char *exemption)
{
	char		rest[KEY_LENGTH];
	const UsomTaxRate *rate = NULL;

	if (tax_class != NULL)
	{
		snprintf(rest, sizeof(rest), "%s//%s", tax_class, exemption);
		rate = find_place(rates, place, rest);
	}
	if (rate != NULL)
		return rate;
	snprintf(rest, sizeof(rest), "//%s", exemption);
	return find_place(rates, place, rest);
}

const UsomTaxRate *
usom_tax_find(const UsomTaxRates *rates, const UsomTaxPlace *place, const char *tax_class)
{
	const UsomTaxRate *rate = NULL;

	if (rates == NULL)
		return NULL;
	if (place->exemption != NULL)
		rate = find_class(rates, place, tax_class, place->exemption);
	return rate != NULL ? rate : find_class(rates, place, tax_class, "");
}

/* ---- the taxes of an order ---- */

static UsomMoney
taxable(const UsomTaxLine *line)
{
	return line->goods + (line->rate->on_freight ? line->freight : 0);
}

/* Rates that say the same are one group, whatever place they are of. */
static bool
same_group(const UsomTaxLine *a, const UsomTaxLine *b)
{
	return a->rate == b->rate ||
		(a->rate->millionths == b->rate->millionths && a->rate->included == b->rate->included &&
		 a->rate->on_freight == b->rate->on_freight && strcmp(a->rate->jurisdiction, b->rate->jurisdiction) == 0);
}

static UsomMoney
group_tax(UsomMoney amount, const UsomTaxRate *rate)
{
	int64		whole = USOM_TAX_PARTS + (rate->included ? rate->millionths : 0);

	return usom_money_scale(amount, rate->millionths, whole);
}

/* The group of a line that is the first of it. */
static void
tax_group(UsomTaxLine *lines, int nlines, int first, bool *done)
{
	int		   *members = palloc_array(int, nlines - first);
	int64	   *weights = palloc_array(int64, nlines - first);
	UsomMoney  *shares = palloc_array(UsomMoney, nlines - first);
	UsomMoney	amount = 0;
	int			count = 0;

	for (int i = first; i < nlines; i++)
	{
		if (done[i] || !same_group(&lines[i], &lines[first]))
			continue;
		done[i] = true;
		members[count] = i;
		weights[count] = taxable(&lines[i]);
		Assert(weights[count] >= 0);
		if (pg_add_s64_overflow(amount, weights[count++], &amount))
			ereport(ERROR, errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE), errmsg("taxable amount out of range"));
	}
	usom_money_apportion(group_tax(amount, lines[first].rate), weights, count, shares);
	for (int i = 0; i < count; i++)
	{
		lines[members[i]].tax = shares[i];
		lines[members[i]].included = lines[first].rate->included;
	}
	pfree(members);
	pfree(weights);
	pfree(shares);
}

void
usom_tax_lines(UsomTaxLine *lines, int nlines)
{
	bool	   *done = palloc_array(bool, Max(nlines, 1));

	for (int i = 0; i < nlines; i++)
	{
		done[i] = lines[i].is_told || lines[i].rate == NULL;
		if (lines[i].is_told || lines[i].rate != NULL)
			continue;
		lines[i].tax = 0;
		lines[i].included = false;
	}
	for (int i = 0; i < nlines; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (!done[i])
			tax_group(lines, nlines, i, done);
	}
	pfree(done);
}
