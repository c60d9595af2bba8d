/*
 * history_resolve.c
 *		Codes of history documents to keys.
 *
 * One statement for each kind of code, whatever the number of documents.
 * Master rows that have been retired are found: what was sold then was sold.
 * What is not there is noted in the document that names it.
 *
 * Locks: customers, against being erased meanwhile.  Memory:
 * CurrentMemoryContext; keys of people are the caller's to wipe.
 */
#include "postgres.h"

#include "intake/history.h"

#include "base/compat.h"
#include "base/query.h"
#include "catalog/pg_type.h"
#include "party/house.h"
#include "utils/array.h"
#include "utils/builtins.h"

static UsomQuery find_products = {
	.text = "SELECT p.product_id, p.kind FROM unnest($2) WITH ORDINALITY AS s (code, n) "
	"LEFT JOIN usom.product AS p ON p.org_id = $1 AND p.sku = s.code ORDER BY s.n",
	.nargs = 2,
	.argtypes = {"bigint", "text[]"},
};

static UsomQuery find_locations = {
	.text = "SELECT l.location_id FROM unnest($2) WITH ORDINALITY AS s (code, n) "
	"LEFT JOIN usom.location AS l ON l.org_id = $1 AND l.code = s.code ORDER BY s.n",
	.nargs = 2,
	.argtypes = {"bigint", "text[]"},
};

static UsomQuery find_customers = {
	.text = "SELECT u.customer_id, u.erased_at IS NOT NULL, k.key FROM unnest($2) WITH ORDINALITY AS s (code, n) "
	"LEFT JOIN usom.customer AS u ON u.org_id = $1 AND u.code = s.code "
	"LEFT JOIN usom.vault_key AS k ON k.org_id = $1 AND k.person_id = u.customer_id ORDER BY s.n",
	.nargs = 2,
	.argtypes = {"bigint", "text[]"},
};

static UsomQuery find_prefixes = {
	.text = "SELECT c.prefix FROM usom.document_counter AS c WHERE c.org_id = $1 AND c.kind IN ('order', 'shipment', 'return')",
	.nargs = 1,
	.argtypes = {"bigint"},
};

/* Codes of all documents, in a fixed order; NULL: none. */
typedef struct Codes
{
	int			count;
	int			capacity;
	Datum	   *values;
	bool	   *nulls;
} Codes;

static void
add_code(Codes *codes, const char *code)
{
	if (codes->count == codes->capacity)
	{
		codes->capacity = Max(codes->capacity * 2, 64);
		codes->values = codes->values == NULL ? palloc_array(Datum, codes->capacity) : repalloc_array(codes->values, Datum, codes->capacity);
		codes->nulls = codes->nulls == NULL ? palloc_array(bool, codes->capacity) : repalloc_array(codes->nulls, bool, codes->capacity);
	}
	codes->nulls[codes->count] = code == NULL;
	codes->values[codes->count++] = code != NULL ? CStringGetTextDatum(code) : (Datum) 0;
}

static uint64
find(UsomQuery *query, int64 org_id, const Codes *codes)
{
	int			lower = 1;
	int			count = codes->count;
	Datum		values[2] = {Int64GetDatum(org_id)};

	values[1] = PointerGetDatum(construct_md_array(codes->values, codes->nulls, 1, &count, &lower, TEXTOID, -1, false, TYPALIGN_INT));
	return usom_query_run(query, values, NULL);
}

static void
resolve_products(int64 org_id, UsomHistory **histories, int count)
{
	Codes		codes = {0};
	uint64		row = 0;

	for (int i = 0; i < count; i++)
		for (int j = 0; j < histories[i]->nlines; j++)
			add_code(&codes, histories[i]->lines[j].sku);
	find(&find_products, org_id, &codes);
	for (int i = 0; i < count; i++)
		for (int j = 0; j < histories[i]->nlines; j++, row++)
		{
			UsomHistoryLine *line = &histories[i]->lines[j];

			line->product_id = usom_query_get_key(row, 1);
			line->kind = usom_query_get_text(row, 2);
			if (line->product_id == 0)
				usom_history_note(histories[i], "lines[%d].sku: no product \"%s\"", j, line->sku);
			else if (strcmp(line->kind, "kit") == 0)
				usom_history_note(histories[i], "lines[%d].sku: \"%s\" is a kit; name what it was made of", j, line->sku);
		}
}

static void
resolve_locations(int64 org_id, UsomHistory **histories, int count)
{
	Codes		codes = {0};
	uint64		row = 0;

	for (int i = 0; i < count; i++)
	{
		for (int j = 0; j < histories[i]->nlines; j++)
			add_code(&codes, histories[i]->lines[j].location);
		for (int j = 0; j < histories[i]->nshipments; j++)
			add_code(&codes, histories[i]->shipments[j].location);
	}
	find(&find_locations, org_id, &codes);
	for (int i = 0; i < count; i++)
	{
		for (int j = 0; j < histories[i]->nlines; j++, row++)
		{
			histories[i]->lines[j].location_id = usom_query_get_key(row, 1);
			if (histories[i]->lines[j].location != NULL && histories[i]->lines[j].location_id == 0)
				usom_history_note(histories[i], "lines[%d].location: no location \"%s\"", j, histories[i]->lines[j].location);
		}
		for (int j = 0; j < histories[i]->nshipments; j++, row++)
		{
			histories[i]->shipments[j].location_id = usom_query_get_key(row, 1);
			if (histories[i]->shipments[j].location != NULL && histories[i]->shipments[j].location_id == 0)
				usom_history_note(histories[i], "shipments[%d].location: no location \"%s\"", j, histories[i]->shipments[j].location);
		}
	}
}

static int
compare_codes(const void *a, const void *b)
{
	return strcmp(*(const char *const *) a, *(const char *const *) b);
}

/* In one order, whoever loads. */
static void
lock_customers(int64 org_id, UsomHistory **histories, int count)
{
	const char **codes = palloc_array(const char *, Max(count, 1));
	int			n = 0;

	for (int i = 0; i < count; i++)
		if (histories[i]->customer != NULL)
			codes[n++] = histories[i]->customer;
	qsort(codes, n, sizeof(char *), compare_codes);
	for (int i = 0; i < n; i++)
		if (i == 0 || strcmp(codes[i], codes[i - 1]) != 0)
			usom_person_lock_customer(org_id, codes[i], false);
}

static void
resolve_customers(int64 org_id, UsomHistory **histories, int count)
{
	Codes		codes = {0};

	lock_customers(org_id, histories, count);
	for (int i = 0; i < count; i++)
		add_code(&codes, histories[i]->customer);
	find(&find_customers, org_id, &codes);
	for (int i = 0; i < count; i++)
	{
		UsomHistory *history = histories[i];
		bool		no_key;
		bool		no_row;
		Datum		stored = usom_query_get_or_null(i, 3, &no_key);

		history->customer_id = usom_query_get_key(i, 1);
		if (history->customer == NULL)
			continue;
		if (history->customer_id == 0)
			usom_history_note(history, "customer: no customer \"%s\"", history->customer);
		else if (DatumGetBool(usom_query_get_or_null(i, 2, &no_row)))
			usom_history_note(history, "customer: \"%s\" was erased", history->customer);
		else
			history->has_key = !no_key && usom_person_take_key(stored, org_id, history->customer_id, &history->key);
	}
}

static void
resolve_channel(const UsomHouse *house, UsomHistory *history)
{
	const UsomChannel *channel = usom_party_find_channel(house, history->channel);

	if (channel == NULL)
		usom_history_note(history, "channel: no channel \"%s\"", history->channel);
	else
		history->channel_id = channel->channel_id;
	if (history->currency == NULL)
		history->currency = pstrdup(house->currency);
}

/* ---- numbers ---- */

/* The prefix and digits: usom would give it out one day. */
static bool
looks_drawn(const char *number, const char *prefix)
{
	size_t		length = strlen(prefix);

	return number != NULL && strncmp(number, prefix, length) == 0 && number[length] != '\0' &&
		strspn(number + length, "0123456789") == strlen(number + length);
}

static void
check_number(UsomHistory *history, const char *number, const char *prefix)
{
	if (looks_drawn(number, prefix))
		usom_history_note(history, "number \"%s\" is of the form of those that usom gives out; change prefix in usom.document_counter first", number);
}

static void
check_numbers(int64 org_id, UsomHistory **histories, int count)
{
	Datum		values[] = {Int64GetDatum(org_id)};
	uint64		n = usom_query_run(&find_prefixes, values, NULL);

	for (uint64 row = 0; row < n; row++)
	{
		char	   *prefix = usom_query_get_text(row, 1);

		for (int i = 0; i < count; i++)
		{
			check_number(histories[i], histories[i]->order_no, prefix);
			for (int j = 0; j < histories[i]->nshipments; j++)
				check_number(histories[i], histories[i]->shipments[j].number, prefix);
			for (int j = 0; j < histories[i]->nreturns; j++)
				check_number(histories[i], histories[i]->returns[j].number, prefix);
		}
	}
}

void
usom_history_resolve(int64 org_id, UsomHistory **histories, int count)
{
	const UsomHouse *house;

	resolve_products(org_id, histories, count);
	resolve_locations(org_id, histories, count);
	resolve_customers(org_id, histories, count);
	check_numbers(org_id, histories, count);
	house = usom_party_house(org_id);
	for (int i = 0; i < count; i++)
		resolve_channel(house, histories[i]);
}
