/*
 * place_header.c
 *		Headers of new orders: numbered, and written in one statement.
 *
 * Locks: the counter of order numbers, if it is gap-free; the unique keys of
 * external ids, in their order, so that two batches with the same documents do
 * not cross: a call waits here for another that has the key, before any stock
 * is touched.
 *
 * Invariant: numbers ascend with the documents of a call.  Of a gap-free counter
 * none is lost: where others have taken keys meanwhile, the batch is
 * numbered anew without them.
 *
 * Memory: CurrentMemoryContext.
 */
#include "postgres.h"

#include "api/attempt.h"
#include "api/payment.h"
#include "api/place.h"
#include "api/resolve.h"

#include "base/errors.h"
#include "base/ident.h"
#include "base/insert.h"
#include "base/query.h"
#include "miscadmin.h"
#include "party/vault.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#define HEADER_COLUMNS 20
#define INSERT_HEADERS "INSERT INTO usom.sales_order AS o (org_id, sales_order_id, order_no, channel_id, external_id, revision, " \
	"order_type, customer_id, status, currency, total, priority, placed_at, requested_at, ship_complete, coupons, " \
	"address_id, payment, instructions, payload_digest, paid) SELECT $1, r.* FROM unnest($2) AS r " \
	"ON CONFLICT (org_id, channel_id, external_id) WHERE external_id IS NOT NULL DO NOTHING"

static UsomInsert insert_header = {
	.table = "sales_order",
	.row_type = "_header_row",
	.ncolumns = HEADER_COLUMNS,
	.arbiter = "sales_order_external_unique",
	.query.text = INSERT_HEADERS,
	.query.nargs = 2,
	.query.argtypes = {"bigint", "usom._header_row[]"},
};

static UsomQuery insert_headers = {
	.text = INSERT_HEADERS " RETURNING o.sales_order_id",
	.nargs = 2,
	.argtypes = {"bigint", "usom._header_row[]"},
};

static Datum
seal_instructions(const Placing *placing, bool *isnull)
{
	const char *instructions = placing->document->instructions;
	text	   *clear;

	*isnull = instructions == NULL;
	if (instructions == NULL)
		return (Datum) 0;
	clear = cstring_to_text(instructions);
	return PointerGetDatum(*instructions == '\0' ? clear : usom_vault_seal(&placing->key, clear));
}

static void
fill_header(const Placing *placing, Datum *values, bool *nulls)
{
	const UsomDocument *document = placing->document;
	const UsomOrder *order = &placing->set->orders[0];
	Datum		header[HEADER_COLUMNS] = {
		Int64GetDatum(order->sales_order_id), CStringGetTextDatum(order->order_no),
		Int64GetDatum(placing->channel_id), usom_api_text_or_null(placing->is_quote ? NULL : document->external_id, &nulls[3]),
		Int32GetDatum(document->revision), CStringGetTextDatum(document->order_type),
		Int64GetDatum(placing->customer_id), UInt8GetDatum(order->status), CStringGetTextDatum(placing->currency),
		NumericGetDatum(order->total), Int32GetDatum(document->priority), TimestampTzGetDatum(placing->placed_at),
		TimestampTzGetDatum(document->requested_at), BoolGetDatum(document->ship_complete),
		PointerGetDatum(document->coupons), Int64GetDatum(placing->address_id), PointerGetDatum(document->payment),
		seal_instructions(placing, &nulls[17]), PointerGetDatum(placing->digest),
		NumericGetDatum(usom_order_no_price())
	};

	memcpy(values, header, sizeof(header));
	nulls[6] = placing->is_guest;
	nulls[12] = document->requested_at == USOM_NO_TIME;
	nulls[14] = document->coupons == NULL;
	nulls[15] = placing->address_id == 0;
	nulls[16] = document->payment == NULL;
	nulls[18] = placing->digest == NULL;
	nulls[19] = !usom_api_is_authorized(document->payment);
}

static void
insert_one(Placing *placing)
{
	UsomRows   *rows = usom_insert_rows(&insert_header, 1);
	bool		nulls[HEADER_COLUMNS] = {false};
	Datum		values[HEADER_COLUMNS];

	fill_header(placing, values, nulls);
	usom_rows_add(rows, values, nulls);
	placing->placed = usom_insert_run(&insert_header, placing->org_id, rows) == 1;
}

/* Rows come back as they were written: in the order of keys, those that others have left out. */
static void
insert_many(Placing *const *by_key, int count)
{
	UsomRows   *rows = usom_rows_make("_header_row", count);
	Datum		values[2] = {Int64GetDatum(by_key[0]->org_id)};
	uint64		nrows;
	int			next = 0;

	for (int i = 0; i < count; i++)
	{
		bool		nulls[HEADER_COLUMNS] = {false};
		Datum		header[HEADER_COLUMNS];

		CHECK_FOR_INTERRUPTS();
		fill_header(by_key[i], header, nulls);
		usom_rows_add(rows, header, nulls);
		by_key[i]->placed = false;
	}
	values[1] = usom_rows_datum(rows);
	nrows = usom_query_write(&insert_headers, values, NULL);
	for (uint64 row = 0; row < nrows; row++)
	{
		int64		id = DatumGetInt64(usom_query_get(row, 1));

		while (next < count && by_key[next]->set->orders[0].sales_order_id != id)
			next++;
		Ensure(next < count, "a header was written of no document");
		by_key[next]->placed = true;
	}
}

/* The order in which unique keys are taken. */
static int
compare_keys(const void *a, const void *b)
{
	const Placing *left = *(Placing *const *) a;
	const Placing *right = *(Placing *const *) b;

	if (left->channel_id != right->channel_id)
		return left->channel_id < right->channel_id ? -1 : 1;
	if (left->document->external_id != NULL && right->document->external_id != NULL)
	{
		int			difference = strcmp(left->document->external_id, right->document->external_id);

		if (difference != 0)
			return difference;
	}
	else if (left->document->external_id != right->document->external_id)
		return left->document->external_id != NULL ? 1 : -1;
	return left->ordinal - right->ordinal;
}

/* Headers of a batch, under numbers that may have to be drawn again. */
typedef struct Numbering
{
	Placing   **placings;
	int			count;
	bool		is_gap_free;
	int			nlost;			/* whose keys others have */
} Numbering;

static void
draw_numbers(Numbering *numbering)
{
	char	  **numbers = palloc_array(char *, numbering->count);

	usom_ident_document_nos(numbering->placings[0]->org_id, "order", numbering->count, numbers);
	for (int i = 0; i < numbering->count; i++)
		numbering->placings[i]->set->orders[0].order_no = numbers[i];
}

static void
number_and_insert(void *arg)
{
	Numbering  *numbering = arg;
	Placing   **by_key = palloc_array(Placing *, numbering->count);

	draw_numbers(numbering);
	memcpy(by_key, numbering->placings, numbering->count * sizeof(Placing *));
	qsort(by_key, numbering->count, sizeof(Placing *), compare_keys);
	insert_many(by_key, numbering->count);
	numbering->nlost = 0;
	for (int i = 0; i < numbering->count; i++)
		numbering->nlost += !numbering->placings[i]->placed;
	if (numbering->is_gap_free && numbering->nlost > 0)
		ereport(ERROR, errcode(USOM_ERR(KEY_REUSED)), errmsg("others have taken external ids meanwhile"),
				errhint("Send the documents again."));
}

/* In a subtransaction each time; what is lost once stays lost: who has the key has committed, or is of this call. */
static void
insert_gap_free(Placing **placings, int count)
{
	Numbering	numbering = {
		.placings = memcpy(palloc_array(Placing *, count), placings, count * sizeof(Placing *)), .count = count, .is_gap_free = true
	};
	ErrorData  *error;

	while (numbering.count > 0 && (error = usom_api_attempt(number_and_insert, &numbering)) != NULL)
	{
		int			left = 0;

		if (numbering.nlost == 0)
			ReThrowError(error);
		for (int i = 0; i < numbering.count; i++)
			if (numbering.placings[i]->placed)
				numbering.placings[left++] = numbering.placings[i];
		numbering.count = left;
		numbering.nlost = 0;
	}
}

static void
write_one(Placing *placing)
{
	UsomOrder  *order = &placing->set->orders[0];

	order->order_no = placing->is_quote ? psprintf("quote " INT64_FORMAT, order->sales_order_id)
		: usom_ident_document_no(placing->org_id, "order");
	insert_one(placing);
	if (!placing->placed)
		usom_ident_give_back(placing->org_id, "order");
}

void
usom_api_write_headers(Placing **placings, int count)
{
	if (count == 1)
		write_one(placings[0]);
	else if (count > 1 && usom_ident_is_gap_free(placings[0]->org_id, "order"))
		insert_gap_free(placings, count);
	else if (count > 1)
		number_and_insert(&(Numbering) {.placings = placings, .count = count});
}
