/*
 * losers.c
 *		Units leave a shelf that orders keep: who of them waits again.
 *
 * Locks: none here; the orders of a set are locked.
 *
 * Memory: CurrentMemoryContext.
 */
#include "postgres.h"

#include "api/losers.h"
#include "api/precedence.h"

#include "base/errors.h"
#include "base/query.h"
#include "utils/builtins.h"

/* Who loses first: firm orders last, reserved before released units, then the least urgent order, the latest. */
static UsomQuery find_losers = {
	.text = "SELECT w.sales_order_id FROM (SELECT f.sales_order_id, sum(f.quantity) OVER (ORDER BY "
	"(o.order_type = ANY (ARRAY(SELECT t.order_type FROM usom.order_types() t WHERE t.firm))), f.status, "
	"o.priority DESC, o.placed_at DESC, o.sales_order_id DESC, f.line_no, f.piece_no "
	"ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before FROM usom.fulfillment_line f "
	"JOIN usom.sales_order o ON o.org_id = f.org_id AND o.sales_order_id = f.sales_order_id "
	"WHERE f.org_id = $1 AND f.product_id = $2 AND f.location_id = $3 AND f.lot = $4 "
	"AND f.status IN ('reserved', 'released')) AS w "
	"WHERE coalesce(w.before, 0) < $5 GROUP BY w.sales_order_id ORDER BY w.sales_order_id",
	.nargs = 5,
	.argtypes = {"bigint", "bigint", "bigint", "text", "numeric"},
};

int64 *
usom_api_find_losers(int64 org_id, const UsomStockKey *key, UsomQuantity units, int *nids)
{
	Datum		values[] = {
		Int64GetDatum(org_id),
		Int64GetDatum(key->product_id),
		Int64GetDatum(key->location_id),
		CStringGetTextDatum(key->lot),
		NumericGetDatum(usom_quantity_numeric(units)),
	};
	int64	   *ids;

	*nids = (int) usom_query_run(&find_losers, values, NULL);
	ids = palloc_array(int64, *nids + 1);
	for (int i = 0; i < *nids; i++)
		ids[i] = DatumGetInt64(usom_query_get(i, 1));
	return ids;
}

static bool
may_lose(const UsomOrderSet *set, int piece, const UsomStockKey *key)
{
	const UsomPiece *of = &set->pieces[piece];

	return (of->status == USOM_PIECE_RESERVED || of->status == USOM_PIECE_RELEASED) && of->quantity > 0 &&
		of->location_id == key->location_id && strcmp(of->lot, key->lot) == 0 &&
		set->lines[of->line].product_id == key->product_id;
}

UsomQuantity
usom_api_units_to_lose(const UsomOrderSet *set, const UsomStockKey *key)
{
	UsomQuantity units = 0;

	for (int i = 0; i < set->npieces; i++)
		if (may_lose(set, i, key))
			units += set->pieces[i].quantity;
	return units;
}

typedef struct Turns
{
	const UsomOrderSet *set;
	const int  *places;			/* of orders, by usom.fill_priority; NULL: there is one */
} Turns;

static int
compare_losers(const void *a, const void *b, void *arg)
{
	const Turns *turns = arg;
	const UsomOrderSet *set = turns->set;
	const UsomPiece *x = &set->pieces[*(const int *) a];
	const UsomPiece *y = &set->pieces[*(const int *) b];

	if (usom_order_is_firm(set, *(const int *) a) != usom_order_is_firm(set, *(const int *) b))
		return usom_order_is_firm(set, *(const int *) a) ? 1 : -1;
	if (x->status != y->status)
		return x->status < y->status ? -1 : 1;
	if (set->lines[x->line].order != set->lines[y->line].order)
		return turns->places[set->lines[y->line].order] - turns->places[set->lines[x->line].order];
	return *(const int *) a - *(const int *) b;
}

static void
let_wait(UsomOrderSet *set, int piece, UsomQuantity units)
{
	if (set->pieces[piece].status == USOM_PIECE_RELEASED)
		piece = usom_order_move_piece(set, piece, USOM_PIECE_RESERVED, units, NULL);
	usom_order_move_piece(set, piece, USOM_PIECE_BACKORDERED, units, NULL);
}

void
usom_api_take_from_losers(UsomOrderSet *set, const UsomStockKey *key, UsomQuantity units)
{
	int		   *pieces = palloc_array(int, set->npieces + 1);
	Turns		turns = {set, usom_api_fill_places(set)};
	int			count = 0;

	for (int i = 0; i < set->npieces; i++)
		if (may_lose(set, i, key))
			pieces[count++] = i;
	qsort_arg(pieces, count, sizeof(int), compare_losers, &turns);
	for (int i = 0; i < count && units > 0; i++)
	{
		UsomQuantity lost = Min(set->pieces[pieces[i]].quantity, units);

		let_wait(set, pieces[i], lost);
		units -= lost;
	}
	Ensure(units == 0, "orders lose units that they do not keep");
}
