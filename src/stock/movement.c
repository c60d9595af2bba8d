/*
 * movement.c
 *		The verbs that change what is on hand: receive and adjust, and what
 *		count (api/count.c) shares with them; and the safety stock.
 *
 * Four statements each: find (and lock) the place, write the balance, write
 * the ledger, read the position to return.  Two more where units are lent to
 * stripes: what is decided on is the whole.
 *
 * Locks: adjust and count lock the rows of one place in their first
 * statement and decide under the lock.  A row that is missing is made before
 * anything else of the place is locked, so making it keeps the lock order.
 * receive decides nothing and locks by writing.
 *
 * Invariant: whatever is added to on_hand is booked as a movement by the same
 * call.
 *
 * Memory: arguments in the context of the caller, the rest in SPI's.
 */
#include "postgres.h"

#include "stock/place.h"

#include "base/call.h"
#include "base/card_guard.h"
#include "base/errors.h"
#include "base/query.h"
#include "stock/lot.h"
#include "stock/stripe.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(usom_receive_stocks);
PG_FUNCTION_INFO_V1(usom_adjust_stock);
PG_FUNCTION_INFO_V1(usom_set_safety);

typedef struct Receipt
{
	const char *lot;
	UsomQuantity quantity;
	const char *reference;		/* may be NULL */
} Receipt;

/* Two statements, however many receipts there are. */
static void
receive(const UsomPlace *places, const Receipt *receipts, int nreceipts)
{
	UsomStockDelta *deltas = palloc0_array(UsomStockDelta, nreceipts);
	UsomStockMovement *movements = palloc0_array(UsomStockMovement, nreceipts);

	for (int i = 0; i < nreceipts; i++)
	{
		UsomStockKey key = {places[i].product_id, places[i].location_id, receipts[i].lot, 0};

		deltas[i].key = movements[i].key = key;
		deltas[i].on_hand = movements[i].delta = receipts[i].quantity;
		movements[i].kind = "receipt";
		movements[i].reference = receipts[i].reference;
		movements[i].reason = usom_call_reason();
	}
	usom_stock_add(places[0].org_id, deltas, nreceipts);
	usom_stock_book(places[0].org_id, movements, nreceipts);
}

void
usom_stock_receive(const UsomPlace *place, const char *lot, UsomQuantity quantity, const char *reference)
{
	Receipt		receipt = {lot ? lot : "", quantity, reference};

	receive(place, &receipt, 1);
}

/* PostgreSQL reads the array; the last column is a key of an item that nobody knows. */
static UsomQuery read_receipts = {
	.text = "SELECT r.location, r.sku, r.quantity, coalesce(r.lot, ''), r.reference, "
	"(SELECT min(k.name) FROM jsonb_object_keys(e.item) AS k (name) "
	"WHERE k.name NOT IN ('location', 'sku', 'quantity', 'lot', 'reference')) "
	"FROM (SELECT e.ordinal, CASE jsonb_typeof(e.item) WHEN 'object' THEN e.item ELSE '{}' END AS item "
	"FROM jsonb_array_elements($1) WITH ORDINALITY AS e (item, ordinal)) AS e "
	"CROSS JOIN LATERAL jsonb_to_record(e.item) "
	"AS r (location text, sku text, quantity numeric, lot text, reference text) ORDER BY e.ordinal",
	.nargs = 1,
	.argtypes = {"jsonb"},
};

static void
refuse_receipt(uint64 row, const char *what, const char *key)
{
	ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			errmsg("receipts[" UINT64_FORMAT "]: %s \"%s\"", row, what, key),
			errhint("A receipt has location, sku, quantity and, if you like, lot and reference."));
}

static char *
receipt_text(uint64 row, int column, const char *key)
{
	char	   *value = usom_query_get_text(row, column);

	if (value == NULL || value[0] == '\0')
		refuse_receipt(row, "missing key", key);
	return value;
}

static void
read_receipt(uint64 row, UsomPlace *place, Receipt *receipt)
{
	char	   *unknown = usom_query_get_text(row, 6);
	bool		isnull;
	Datum		quantity = usom_query_get_or_null(row, 3, &isnull);

	if (unknown != NULL)
		refuse_receipt(row, "unknown key", unknown);
	place->location = receipt_text(row, 1, "location");
	place->sku = receipt_text(row, 2, "sku");
	if (isnull)
		refuse_receipt(row, "missing key", "quantity");
	receipt->quantity = usom_stock_positive(usom_quantity_of(DatumGetNumeric(quantity)),
											psprintf("receipts[" UINT64_FORMAT "].quantity", row));
	receipt->lot = usom_query_get_text(row, 4);
	receipt->reference = usom_query_get_text(row, 5);
}

/* usom.receive_stocks(receipts jsonb) */
Datum
usom_receive_stocks(PG_FUNCTION_ARGS)
{
	Datum		values[] = {PG_GETARG_DATUM(0)};
	UsomPlace  *places;
	Receipt    *receipts;
	int			nreceipts;

	usom_card_check_call(fcinfo);
	usom_call_begin("receive_stocks", NULL);
	nreceipts = (int) usom_query_run(&read_receipts, values, NULL);
	places = palloc0_array(UsomPlace, Max(nreceipts, 1));
	receipts = palloc_array(Receipt, Max(nreceipts, 1));
	for (int i = 0; i < nreceipts; i++)
		read_receipt(i, &places[i], &receipts[i]);
	if (nreceipts > 0)
	{
		usom_stock_find_places(places, nreceipts);
		for (int i = 0; i < nreceipts; i++)
			usom_stock_check_named(&places[i], receipts[i].lot, false);
		receive(places, receipts, nreceipts);
	}
	usom_call_end();
	PG_RETURN_INT32(nreceipts);
}

static UsomQuery make_row = {
	.text = "INSERT INTO usom.stock (org_id, product_id, location_id, lot, usable_until) VALUES ($1, $2, $3, $4, "
	"(SELECT " USOM_LOT_USABLE_UNTIL " FROM usom.lot AS l WHERE l.org_id = $1 AND l.product_id = $2 AND l.lot = $4)) "
	"ON CONFLICT (org_id, product_id, location_id, lot) DO NOTHING",
	.nargs = 4,
	.argtypes = {"bigint", "bigint", "bigint", "text"},
};

static void
make_stock_row(const UsomPlace *place, const char *lot)
{
	UsomStockKey key = {place->product_id, place->location_id, lot, 0};
	Datum		values[] = {
		Int64GetDatum(place->org_id),
		Int64GetDatum(place->product_id),
		Int64GetDatum(place->location_id),
		CStringGetTextDatum(lot),
	};

	usom_stock_open_lots(place->org_id, &key, lot[0] != '\0');
	usom_query_write(&make_row, values, NULL);
}

/* Of several lots the caller means the only one that has something; if there are more, they must name it. */
static UsomLot
choose_lot(const UsomPlace *place, const UsomLot *lots, int nlots)
{
	int			chosen = 0;
	int			filled = 0;

	for (int i = 0; i < nlots; i++)
		if (lots[i].on_hand > 0 && filled++ == 0)
			chosen = i;
	if (filled > 1)
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("stock of \"%s\" at \"%s\" is in %d lots", place->sku, place->location, filled),
				errdetail("The first of them is \"%s\".", lots[chosen].key.lot),
				errhint("Name the lot: lot => %s.", quote_literal_cstr(lots[chosen].key.lot)));
	return lots[chosen];
}

UsomLot
usom_stock_open_lot(UsomPlace *place, const char *lot, bool make)
{
	int			nlots;
	UsomLot    *lots = usom_stock_lock_place(place, lot, &nlots);

	if (nlots == 0 && make)
	{
		make_stock_row(place, lot ? lot : "");
		lots = usom_stock_lock_place(place, lot, &nlots);
	}
	usom_stripe_gather_lots(place, lots, nlots);
	if (nlots > 0)
		return choose_lot(place, lots, nlots);
	return (UsomLot) {.key = {place->product_id, place->location_id, lot ? lot : "", 0}};
}

void
usom_stock_refuse_below_reserved(const UsomPlace *place, const UsomLot *lot, UsomQuantity target)
{
	const char *hint = lot->reserved > 0 ?
		"Free reserved units with usom.cancel_order() or usom.cancel_line(), or usom.ship() them; then repeat." :
		"Take away no more than there is, or call usom.receive_stock() first.";

	ereport(ERROR, errcode(USOM_ERR(SHORT_STOCK)),
			errmsg("stock of \"%s\" at \"%s\" cannot become %s", place->sku, place->location,
				   usom_quantity_text(target)),
			errdetail("On hand %s, reserved for orders %s.", usom_quantity_text(lot->on_hand),
					  usom_quantity_text(lot->reserved)),
			errhint("%s", hint));
}

void
usom_stock_change_on_hand(const UsomPlace *place, const UsomLot *lot, UsomQuantity delta, const char *kind)
{
	UsomStockDelta change = {.key = lot->key, .on_hand = delta};
	UsomStockMovement movement = {.key = lot->key, .kind = kind, .delta = delta, .reason = usom_call_reason()};
	UsomQuantity target = usom_quantity_add(lot->on_hand, delta);

	if (target < lot->reserved || target < 0)
		usom_stock_refuse_below_reserved(place, lot, target);
	usom_stock_apply(place->org_id, &change, 1);
	usom_stock_book(place->org_id, &movement, 1);
}

/* usom.adjust_stock(location text, sku text, delta numeric, reason text, lot text) */
Datum
usom_adjust_stock(PG_FUNCTION_ARGS)
{
	UsomPlace	place = {0};
	UsomQuantity delta;
	UsomLot		lot;

	usom_card_check_call(fcinfo);
	place.location = usom_stock_required_text(fcinfo, 0, "location");
	place.sku = usom_stock_required_text(fcinfo, 1, "sku");
	delta = usom_stock_required_quantity(fcinfo, 2, "delta");
	if (delta == 0)
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("delta must not be zero"),
				errhint("Give the units that came (positive) or went (negative)."));
	usom_call_begin("adjust_stock", usom_stock_required_text(fcinfo, 3, "reason"));
	lot = usom_stock_open_lot(&place, usom_stock_optional_text(fcinfo, 4), delta > 0);
	usom_stock_check_named(&place, lot.key.lot, false);
	usom_stock_change_on_hand(&place, &lot, delta, "adjustment");
	usom_stock_return_position(fcinfo, &place);
	usom_call_end();
	return (Datum) 0;
}

void
usom_stock_check_not_negative(UsomQuantity quantity, const char *name, const char *hint)
{
	if (quantity < 0)
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("%s must not be negative", name),
				errdetail("It is %s.", usom_quantity_text(quantity)),
				errhint("%s", hint));
}

static UsomQuery write_safety = {
	.text = "UPDATE usom.stock AS s SET safety = $5 WHERE s.org_id = $1 AND s.product_id = $2 "
	"AND s.location_id = $3 AND s.lot = $4 AND s.safety <> $5",
	.nargs = 5,
	.argtypes = {"bigint", "bigint", "bigint", "text", "numeric"},
};

static void
change_safety(int64 org_id, const UsomStockKey *key, UsomQuantity quantity)
{
	Datum		values[] = {
		Int64GetDatum(org_id),
		Int64GetDatum(key->product_id),
		Int64GetDatum(key->location_id),
		CStringGetTextDatum(key->lot),
		NumericGetDatum(usom_quantity_numeric(quantity)),
	};

	usom_query_write(&write_safety, values, NULL);
}

/* usom.set_safety(location text, sku text, quantity numeric, lot text) */
Datum
usom_set_safety(PG_FUNCTION_ARGS)
{
	UsomPlace	place = {0};
	UsomQuantity quantity;
	UsomLot		lot;

	usom_card_check_call(fcinfo);
	place.location = usom_stock_required_text(fcinfo, 0, "location");
	place.sku = usom_stock_required_text(fcinfo, 1, "sku");
	quantity = usom_stock_required_quantity(fcinfo, 2, "quantity");
	usom_stock_check_not_negative(quantity, "quantity", "Zero takes the safety stock away.");
	usom_call_begin("set_safety", NULL);
	lot = usom_stock_open_lot(&place, usom_stock_optional_text(fcinfo, 3), quantity > 0);
	change_safety(place.org_id, &lot.key, quantity);
	usom_stock_return_position(fcinfo, &place);
	usom_call_end();
	return (Datum) 0;
}
