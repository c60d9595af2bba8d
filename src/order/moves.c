/*
 * moves.c
 *		Pure changes of orders in memory: pieces are planned, moved, split.
 *
 * No SPI, no locks, no clock.  Arrays of the set grow in its own context.
 *
 * Invariant: each function keeps the sum of a line's counters equal to its
 * quantity, and notes with every move what it does to the stock: entering the
 * states that keep stock reserves it, leaving them frees it, shipping takes it
 * from the shelf, a return puts it back, and so does a shipment that is void,
 * for whom it was reserved.  A piece that is cancelled, waits
 * again or is not wanted gives its day back; one that ships has had it.  A
 * piece that stops waiting lets go of the supply it counted on.
 */
#include "postgres.h"

#include "order/order.h"

#include "base/errors.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

#define AMOUNT_LIMIT INT64CONST(1000000000000000)

static UsomPiece *
new_piece(UsomOrderSet *set)
{
	UsomPiece  *piece;

	if (set->npieces == set->pieces_capacity)
	{
		set->pieces_capacity *= 2;
		set->pieces = repalloc_array(set->pieces, UsomPiece, set->pieces_capacity);
	}
	piece = &set->pieces[set->npieces++];
	memset(piece, 0, sizeof(UsomPiece));
	piece->is_new = true;
	piece->lot = "";
	piece->promised_at = USOM_NO_TIME;
	piece->ships_on = USOM_NO_DAY;
	return piece;
}

static UsomStockKey
stock_key(const UsomOrderSet *set, const UsomPiece *piece)
{
	return (UsomStockKey) {set->lines[piece->line].product_id, piece->location_id, piece->lot, 0};
}

static void
note_delta(UsomOrderSet *set, const UsomPiece *piece, UsomQuantity on_hand, UsomQuantity reserved)
{
	if (set->ndeltas == set->deltas_capacity)
	{
		set->deltas_capacity *= 2;
		set->deltas = repalloc_array(set->deltas, UsomStockDelta, set->deltas_capacity);
	}
	set->deltas[set->ndeltas++] = (UsomStockDelta) {stock_key(set, piece), on_hand, reserved};
}

static void
note_movement(UsomOrderSet *set, const UsomPiece *piece, const char *kind, UsomQuantity delta, const char *reference)
{
	if (set->nmovements == set->movements_capacity)
	{
		set->movements_capacity *= 2;
		set->movements = repalloc_array(set->movements, UsomStockMovement, set->movements_capacity);
	}
	set->movements[set->nmovements++] = (UsomStockMovement) {
		.key = stock_key(set, piece),
		.kind = kind,
		.delta = delta,
		.reference = reference,
		.sales_order_id = set->orders[set->lines[piece->line].order].sales_order_id,
	};
}

/* A piece counts on more or fewer units of its supply. */
static void
note_peg(UsomOrderSet *set, const UsomPiece *piece, UsomQuantity pegged)
{
	if (piece->supply_id == 0)
		return;
	if (set->npegs == set->pegs_capacity)
	{
		set->pegs_capacity *= 2;
		set->pegs = repalloc_array(set->pegs, UsomPegDelta, set->pegs_capacity);
	}
	set->pegs[set->npegs++] = (UsomPegDelta) {piece->supply_id, pegged};
}

void
usom_order_move_stock(UsomOrderSet *set, const UsomStockMovement *movement)
{
	if (set->ndeltas == set->deltas_capacity)
	{
		set->deltas_capacity *= 2;
		set->deltas = repalloc_array(set->deltas, UsomStockDelta, set->deltas_capacity);
	}
	if (set->nmovements == set->movements_capacity)
	{
		set->movements_capacity *= 2;
		set->movements = repalloc_array(set->movements, UsomStockMovement, set->movements_capacity);
	}
	set->deltas[set->ndeltas++] = (UsomStockDelta) {movement->key, movement->delta, 0};
	set->movements[set->nmovements++] = *movement;
}

/* What the ledger calls units that leave the shelf or come back to it. */
static const char *
ledger_kind(UsomPieceStatus to)
{
	return to == USOM_PIECE_SHIPPED ? "shipment" : to == USOM_PIECE_RETURNED ? "return" : "void";
}

/* What a change of state means for the shelf. */
static void
note_stock(UsomOrderSet *set, const UsomPiece *piece, UsomPieceStatus from, UsomPieceStatus to,
		   UsomQuantity quantity, const char *reference)
{
	UsomQuantity on_hand = 0;
	UsomQuantity reserved = 0;

	/* Services are served from nowhere; what the product is now does not matter to what was reserved. */
	if (piece->location_id == 0)
		return;
	if (usom_piece_keeps_stock(from))
		reserved -= quantity;
	if (usom_piece_keeps_stock(to))
		reserved += quantity;
	if (to == USOM_PIECE_SHIPPED)
		on_hand = -quantity;
	else if (to == USOM_PIECE_RETURNED || (from == USOM_PIECE_SHIPPED && to == USOM_PIECE_RELEASED))
		on_hand = quantity;

	if (on_hand != 0)
		note_movement(set, piece, ledger_kind(to), on_hand, reference);
	if (on_hand != 0 || reserved != 0)
		note_delta(set, piece, on_hand, reserved);
}

/* Units that will not leave on the day they have taken capacity of. */
static void
note_load(UsomOrderSet *set, const UsomPiece *piece, UsomQuantity quantity)
{
	if (piece->ships_on == USOM_NO_DAY)
		return;
	if (set->nloads == set->loads_capacity)
	{
		set->loads_capacity *= 2;
		set->loads = repalloc_array(set->loads, UsomCapacityChange, set->loads_capacity);
	}
	set->loads[set->nloads++] = (UsomCapacityChange) {
		.at = {piece->location_id, piece->ships_on},
		.sales_order_id = set->orders[set->lines[piece->line].order].sales_order_id,
		.units = -quantity,
	};
}

static void
count_units(UsomLine *line, UsomPieceStatus from, UsomPieceStatus to, UsomQuantity quantity)
{
	line->counters.by_state[from] -= quantity;
	line->counters.by_state[to] += quantity;
	line->changed = true;
	Assert(line->counters.by_state[from] >= 0);
}

int
usom_order_add_piece(UsomOrderSet *set, int line, UsomPieceStatus status, UsomQuantity quantity,
					 const UsomStockKey *from)
{
	UsomPiece  *piece = new_piece(set);

	Assert(status == USOM_PIECE_RESERVED || status == USOM_PIECE_BACKORDERED || status == USOM_PIECE_CANCELLED);
	piece->line = line;
	piece->piece_no = ++set->lines[line].last_piece_no;
	piece->status = status;
	piece->quantity = quantity;
	if (from != NULL)
	{
		piece->location_id = from->location_id;
		piece->lot = from->lot;
	}
	count_units(&set->lines[line], USOM_PIECE_OPEN, status, quantity);
	note_stock(set, piece, USOM_PIECE_OPEN, status, quantity, NULL);
	if (from != NULL && unlikely(from->stripe > 0))
		set->deltas[set->ndeltas - 1].key.stripe = from->stripe;
	return set->npieces - 1;
}

void
usom_order_backorder(UsomOrderSet *set, int line, UsomQuantity quantity)
{
	for (int i = set->npieces - 1; i >= 0 && set->pieces[i].is_new; i--)
	{
		UsomPiece  *piece = &set->pieces[i];

		if (piece->line != line || piece->status != USOM_PIECE_BACKORDERED || piece->quantity == 0 || piece->supply_id != 0)
			continue;
		piece->quantity += quantity;
		count_units(&set->lines[line], USOM_PIECE_OPEN, USOM_PIECE_BACKORDERED, quantity);
		return;
	}
	usom_order_add_piece(set, line, USOM_PIECE_BACKORDERED, quantity, NULL);
}

/* Cut units off a piece: a twin with the next number takes them. */
static int
split_piece(UsomOrderSet *set, int index, UsomQuantity quantity)
{
	UsomPiece  *twin = new_piece(set);
	UsomPiece  *piece = &set->pieces[index];

	*twin = *piece;
	twin->from_piece_no = usom_order_piece_origin(piece);
	twin->is_new = true;
	twin->piece_no = ++set->lines[piece->line].last_piece_no;
	twin->quantity = quantity;
	piece->quantity -= quantity;
	piece->changed = true;
	return set->npieces - 1;
}

int
usom_order_move_piece(UsomOrderSet *set, int index, UsomPieceStatus to, UsomQuantity quantity, const char *reference)
{
	UsomPieceStatus from = set->pieces[index].status;
	UsomPiece  *piece;

	Ensure(usom_lifecycle_allows(&usom_piece_lifecycle_table, from, to), "no step from piece state %d to %d", from, to);
	Ensure(quantity > 0 && quantity <= set->pieces[index].quantity, "a piece cannot move more units than it has");
	if (quantity < set->pieces[index].quantity)
		index = split_piece(set, index, quantity);
	piece = &set->pieces[index];
	note_stock(set, piece, from, to, quantity, reference);
	count_units(&set->lines[piece->line], from, to, quantity);
	note_peg(set, piece, -quantity);
	piece->supply_id = 0;
	piece->status = to;
	piece->changed = true;
	if (from == USOM_PIECE_SHIPPED && to == USOM_PIECE_RELEASED)
		piece->shipment_id = 0;
	if (to == USOM_PIECE_BACKORDERED || to == USOM_PIECE_CANCELLED)
	{
		note_load(set, piece, quantity);
		piece->ships_on = USOM_NO_DAY;
	}
	if (to < USOM_PIECE_PACKED)
		piece->package_id = 0;
	if (to == USOM_PIECE_BACKORDERED)
	{
		piece->location_id = 0;
		piece->lot = "";
		piece->promised_at = USOM_NO_TIME;
	}
	return index;
}

int
usom_order_fill_piece(UsomOrderSet *set, int index, UsomQuantity quantity, const UsomStockKey *from)
{
	UsomPiece  *piece;

	Assert(set->pieces[index].status == USOM_PIECE_BACKORDERED);
	if (quantity < set->pieces[index].quantity)
		index = split_piece(set, index, quantity);
	piece = &set->pieces[index];
	if (from != NULL)
	{
		piece->location_id = from->location_id;
		piece->lot = from->lot;
	}
	return usom_order_move_piece(set, index, USOM_PIECE_RESERVED, quantity, NULL);
}

void
usom_order_peg_piece(UsomOrderSet *set, int index, UsomQuantity quantity, int64 supply_id, TimestampTz promised_at)
{
	UsomPiece  *piece;

	Assert(set->pieces[index].status == USOM_PIECE_BACKORDERED);
	Ensure(quantity > 0 && quantity <= set->pieces[index].quantity, "a piece cannot count on more units than it has");
	if (quantity < set->pieces[index].quantity)
		split_piece(set, index, set->pieces[index].quantity - quantity);
	piece = &set->pieces[index];
	note_peg(set, piece, -quantity);
	piece->supply_id = supply_id;
	note_peg(set, piece, quantity);
	piece->promised_at = promised_at;
	piece->changed = true;
}

int
usom_order_swap_lot(UsomOrderSet *set, int index, UsomQuantity units, const char *lot)
{
	UsomPiece  *piece;

	Assert(set->pieces[index].status == USOM_PIECE_RESERVED || set->pieces[index].status == USOM_PIECE_RELEASED);
	Ensure(units > 0 && units <= set->pieces[index].quantity, "a piece cannot take more units from a lot than it has");
	if (strcmp(set->pieces[index].lot, lot) == 0)
		return index;
	if (units < set->pieces[index].quantity)
		index = split_piece(set, index, units);
	piece = &set->pieces[index];
	note_delta(set, piece, 0, -units);
	piece->lot = lot;
	note_delta(set, piece, 0, units);
	piece->changed = true;
	return index;
}

void
usom_order_join_pieces(UsomOrderSet *set, int into, int index)
{
	UsomPiece  *piece = &set->pieces[index];

	Assert(into != index && set->pieces[into].line == piece->line && set->pieces[into].status == piece->status);
	Ensure(set->pieces[into].supply_id == piece->supply_id, "pieces that count on different supply are not joined");
	set->pieces[into].quantity += piece->quantity;
	set->pieces[into].changed = true;
	usom_order_note_joined(set, &set->pieces[into], piece);
	piece->quantity = 0;
	piece->changed = true;
}

void
usom_order_drop_units(UsomOrderSet *set, int index, UsomQuantity quantity)
{
	UsomPiece  *piece = &set->pieces[index];
	UsomLine   *line = &set->lines[piece->line];

	Ensure(quantity > 0 && quantity <= piece->quantity, "a piece cannot lose more units than it has");
	note_stock(set, piece, piece->status, USOM_PIECE_OPEN, quantity, NULL);
	note_load(set, piece, quantity);
	note_peg(set, piece, -quantity);
	count_units(line, piece->status, USOM_PIECE_OPEN, quantity);
	line->counters.by_state[USOM_PIECE_OPEN] -= quantity;
	line->quantity -= quantity;
	piece->quantity -= quantity;
	piece->changed = true;
}

bool
usom_order_is_firm(const UsomOrderSet *set, int index)
{
	const UsomPiece *piece = &set->pieces[index];

	return usom_order_type_is_firm(set->orders[set->lines[piece->line].order].order_type) ||
		(piece->status >= USOM_PIECE_PICKED && piece->status != USOM_PIECE_CANCELLED);
}

bool
usom_order_is_made_for(const UsomOrderSet *set, int index)
{
	UsomOrderType type = set->orders[set->lines[index].order].order_type;

	return set->lines[index].is_made || type == USOM_TYPE_MAKE_TO_ORDER || type == USOM_TYPE_ENGINEER_TO_ORDER ||
		type == USOM_TYPE_DROP_SHIP;
}

bool
usom_order_waits_for_supply(const UsomOrderSet *set, int index)
{
	return !set->by_hand && usom_order_is_made_for(set, index);
}

UsomCounters
usom_order_sum(const UsomOrderSet *set, int order)
{
	UsomCounters sum = {0};

	Ensure(!set->without_lines, "the units of an order without lines are asked for");
	for (int i = usom_order_first_line(set, order); i < set->nlines && set->lines[i].order == order; i++)
		if (!set->lines[i].removed && !usom_line_is_kit(&set->lines[i]))
			for (int state = 0; state < USOM_PIECE_STATES; state++)
				sum.by_state[state] = usom_quantity_add(sum.by_state[state], set->lines[i].counters.by_state[state]);
	return sum;
}

/* The domain usom.amount, for values that reach the table past its input. */
static void
check_amount(const UsomOrder *order, Datum amount)
{
	Datum		limit = NumericGetDatum(int64_to_numeric(AMOUNT_LIMIT));

	if (DatumGetInt32(DirectFunctionCall2(numeric_cmp, amount, limit)) >= 0)
		ereport(ERROR, errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				errmsg("the total of order \"%s\" is out of range", order->order_no),
				errdetail("Amounts are below 1e15."),
				errhint("Check quantities and prices, or divide the order."));
}

static Numeric
settle_lines(UsomOrderSet *set, int order)
{
	Datum		total = NumericGetDatum(int64_to_numeric(0));

	for (int i = usom_order_first_line(set, order); i < set->nlines && set->lines[i].order == order; i++)
	{
		UsomLine   *line = &set->lines[i];

		if (line->removed)
			continue;
		if (line->changed || line->is_new)
			line->total = usom_order_line_part(line, line->quantity - line->counters.by_state[USOM_PIECE_CANCELLED]);
		total = DirectFunctionCall2(numeric_add, total, NumericGetDatum(line->total));
	}
	check_amount(&set->orders[order], total);
	return DatumGetNumeric(DirectFunctionCall2(numeric_round, total, Int32GetDatum(USOM_AMOUNT_DECIMALS)));
}

void
usom_order_settle(UsomOrderSet *set, int index, const char *event)
{
	UsomOrder  *order = &set->orders[index];
	UsomCounters sum = usom_order_sum(set, index);

	usom_order_mirror_kits(set, index);
	order->total = settle_lines(set, index);
	order->status = usom_order_derive_status(order->status, &sum);
	order->event = event;
	order->changed = true;
}
