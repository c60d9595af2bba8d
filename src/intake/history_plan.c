/*
 * history_plan.c
 *		A history document becomes lines and pieces, or says where it
 *		contradicts itself.
 *
 * Pure: no SPI, no catalog, no locks.  Memory: CurrentMemoryContext.
 *
 * Invariant: of a document without problems, the pieces of each line add up to
 * its quantity.
 */
#include "postgres.h"

#include "intake/history.h"

#include "base/compat.h"
#include "base/errors.h"
#include "lib/stringinfo.h"
#include "pricing/currency.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

#define MOST_TOLD 20

void
usom_history_note(UsomHistory *history, const char *format,...)
{
	StringInfoData words;
	int			needed;

	initStringInfo(&words);
	for (;;)
	{
		va_list		args;

		va_start(args, format);
		needed = appendStringInfoVA(&words, format, args);
		va_end(args);
		if (needed == 0)
			break;
		enlargeStringInfo(&words, needed);
	}
	history->problems = lappend(history->problems, words.data);
}

void
usom_history_check(const UsomHistory *history)
{
	StringInfoData list;
	ListCell   *cell;
	int			told = 0;

	if (history->problems == NIL)
		return;
	initStringInfo(&list);
	foreach(cell, history->problems)
	{
		if (told++ == MOST_TOLD)
		{
			appendStringInfoString(&list, "; and more");
			break;
		}
		appendStringInfo(&list, "%s%s", told > 1 ? "; " : "", (char *) lfirst(cell));
	}
	ereport(ERROR, errcode(USOM_ERR(CONTRADICTS)),
			errmsg("history of order \"%s\" contradicts itself or names what is not there", history->order_no),
			errdetail("%s.", list.data),
			errhint("Correct the document: UPDATE usom.load_document SET document = ...;"));
}

/* ---- shares ---- */

static bool
is_line(UsomHistory *history, const char *what, int index, const UsomHistoryShare *share)
{
	if (share->line_no >= 1 && share->line_no <= history->nlines)
		return true;
	usom_history_note(history, "%s[%d] names line %d, which the order does not have", what, index, share->line_no);
	return false;
}

/* Units of each line that are in shipments that say what they hold. */
static UsomQuantity *
count_shipped(UsomHistory *history)
{
	UsomQuantity *shipped = palloc0_array(UsomQuantity, history->nlines);

	for (int i = 0; i < history->nshipments; i++)
		for (int j = 0; j < history->shipments[i].nshares; j++)
			if (is_line(history, "shipments", i, &history->shipments[i].shares[j]))
				shipped[history->shipments[i].shares[j].line_no - 1] =
					usom_quantity_add(shipped[history->shipments[i].shares[j].line_no - 1], history->shipments[i].shares[j].quantity);
	return shipped;
}

/* A shipment that does not say what it holds has all that is in no other, of what its location may have sent. */
static void
fill_shipment(UsomHistory *history, UsomHistoryParcel *shipment, UsomQuantity *shipped)
{
	shipment->shares = palloc0_array(UsomHistoryShare, history->nlines);
	shipment->nshares = 0;
	for (int i = 0; i < history->nlines; i++)
	{
		const UsomHistoryLine *line = &history->lines[i];
		UsomQuantity left = line->quantity - line->cancelled - shipped[i];

		if (left <= 0 || (line->location_id != 0 && shipment->location_id != 0 && line->location_id != shipment->location_id))
			continue;
		shipment->shares[shipment->nshares++] = (UsomHistoryShare) {.line_no = i + 1, .quantity = left};
		shipped[i] += left;
	}
}

static void
check_lines(UsomHistory *history, const UsomQuantity *shipped)
{
	for (int i = 0; i < history->nlines; i++)
	{
		const UsomHistoryLine *line = &history->lines[i];
		UsomQuantity rest = line->quantity - line->cancelled - shipped[i];

		if (rest > 0)
			usom_history_note(history, "lines[%d]: %s units were neither shipped nor cancelled", i, usom_quantity_text(rest));
		else if (rest < 0)
			usom_history_note(history, "lines[%d]: %s units more were shipped or cancelled than ordered", i, usom_quantity_text(-rest));
	}
}

/* ---- where and when ---- */

static bool
is_stocked(const UsomHistoryLine *line)
{
	return line->kind != NULL && strcmp(line->kind, "physical") == 0;
}

static void
check_location(UsomHistory *history, int index)
{
	const UsomHistoryParcel *shipment = &history->shipments[index];

	for (int i = 0; i < shipment->nshares; i++)
	{
		const UsomHistoryShare *share = &shipment->shares[i];
		const UsomHistoryLine *line;

		if (share->line_no < 1 || share->line_no > history->nlines)
			continue;
		line = &history->lines[share->line_no - 1];
		if (is_stocked(line) && shipment->location_id == 0 && shipment->location == NULL)
		{
			usom_history_note(history, "shipments[%d] has goods and left from no location", index);
			return;
		}
		if (line->location_id != 0 && shipment->location_id != 0 && line->location_id != shipment->location_id)
			usom_history_note(history, "shipments[%d] left from another location than lines[%d] says", index, share->line_no - 1);
	}
}

static void
check_times(UsomHistory *history, TimestampTz now)
{
	if (history->placed_at > now)
		usom_history_note(history, "placed_at is in the future");
	for (int i = 0; i < history->nshipments; i++)
	{
		const UsomHistoryParcel *shipment = &history->shipments[i];

		if (shipment->at > now || (shipment->delivered_at != USOM_NO_TIME && shipment->delivered_at > now))
			usom_history_note(history, "shipments[%d] is in the future", i);
		if (shipment->at < history->placed_at)
			usom_history_note(history, "shipments[%d] left before the order was placed", i);
		if (shipment->delivered_at != USOM_NO_TIME && shipment->delivered_at < shipment->at)
			usom_history_note(history, "shipments[%d] was delivered before it left", i);
		if (shipment->nshares == 0)
			usom_history_note(history, "shipments[%d] has nothing in it", i);
	}
	for (int i = 0; i < history->nreturns; i++)
	{
		if (history->returns[i].at > now)
			usom_history_note(history, "returns[%d] is in the future", i);
		if (history->returns[i].at < history->placed_at)
			usom_history_note(history, "returns[%d] came before the order was placed", i);
	}
}

/* ---- pieces ---- */

static UsomHistoryPiece *
add_piece(UsomHistory *history, UsomHistoryPiece piece)
{
	UsomHistoryPiece *slot = &history->pieces[history->npieces++];

	*slot = piece;
	return slot;
}

static int
count_shares(const UsomHistoryParcel *parcels, int count)
{
	int			n = 0;

	for (int i = 0; i < count; i++)
		n += parcels[i].nshares;
	return n;
}

/* What left, by shipment. */
static void
make_shipped(UsomHistory *history)
{
	for (int i = 0; i < history->nshipments; i++)
		for (int j = 0; j < history->shipments[i].nshares; j++)
		{
			const UsomHistoryShare *share = &history->shipments[i].shares[j];

			add_piece(history, (UsomHistoryPiece) {
				.line = share->line_no - 1,
				.status = history->shipments[i].delivered_at == USOM_NO_TIME ? USOM_PIECE_SHIPPED : USOM_PIECE_DELIVERED,
				.quantity = share->quantity,
				.shipment = i,
				.back = -1,
				.lot = share->lot != NULL ? share->lot : "",
			});
		}
}

/* Units of a return are of what was delivered before; fewer than all of a piece split it.  Returns what is not found. */
static UsomQuantity
take_back(UsomHistory *history, int index, const UsomHistoryShare *share)
{
	UsomQuantity left = share->quantity;
	int			npieces = history->npieces;

	for (int i = 0; i < npieces && left > 0; i++)
	{
		UsomHistoryPiece *piece = &history->pieces[i];
		UsomQuantity units = Min(left, piece->quantity);

		if (piece->line != share->line_no - 1 || piece->status != USOM_PIECE_DELIVERED ||
			(share->lot != NULL && strcmp(share->lot, piece->lot) != 0))
			continue;
		if (units < piece->quantity)
		{
			piece->quantity -= units;
			piece = add_piece(history, *piece);
			piece->quantity = units;
		}
		piece->status = USOM_PIECE_RETURNED;
		piece->back = index;
		left -= units;
	}
	return left;
}

static void
make_returned(UsomHistory *history)
{
	for (int i = 0; i < history->nreturns; i++)
		for (int j = 0; j < history->returns[i].nshares; j++)
		{
			const UsomHistoryShare *share = &history->returns[i].shares[j];

			if (!is_line(history, "returns", i, share))
				continue;
			for (int k = 0; k < j; k++)
				if (history->returns[i].shares[k].line_no == share->line_no)
					usom_history_note(history, "returns[%d] names line %d twice", i, share->line_no);
			if (take_back(history, i, share) > 0)
				usom_history_note(history, "returns[%d]: more of line %d came back than was delivered", i, share->line_no);
		}
}

static void
make_cancelled(UsomHistory *history)
{
	for (int i = 0; i < history->nlines; i++)
		if (history->lines[i].cancelled > 0)
			add_piece(history, (UsomHistoryPiece) {
				.line = i, .status = USOM_PIECE_CANCELLED, .quantity = history->lines[i].cancelled, .shipment = -1, .back = -1, .lot = ""
			});
}

static void
make_pieces(UsomHistory *history)
{
	int			most = history->nlines + count_shares(history->shipments, history->nshipments);
	int32	   *last = palloc0_array(int32, history->nlines);

	/* a return splits one piece for each of its lines at most, beside those that it takes whole */
	most += count_shares(history->returns, history->nreturns);
	history->pieces = palloc_array(UsomHistoryPiece, most);
	make_shipped(history);
	make_returned(history);
	make_cancelled(history);
	for (int i = 0; i < history->npieces; i++)
		history->pieces[i].piece_no = ++last[history->pieces[i].line];
}

/* ---- the order ---- */

static void
add_charges(UsomLine *line, const UsomHistoryLine *from, const char *currency)
{
	if (from->discount == NULL && from->freight == NULL && from->tax == NULL)
		return;
	line->decimals = usom_currency_require(currency);
	if (from->discount != NULL)
		line->discount = from->discount;
	if (from->freight != NULL)
		line->freight = from->freight;
	if (from->tax != NULL)
		line->tax = from->tax;
	line->tax_included = from->tax_included;
}

/* A charge that is finer than the minor unit, or more off than there is. */
static void
check_charges(UsomHistory *history, int index, const UsomLine *line)
{
	Numeric		charges[] = {line->discount, line->freight, line->tax};

	if (line->decimals == USOM_NO_DECIMALS)
		return;
	for (int i = 0; i < (int) lengthof(charges); i++)
		if (!DatumGetBool(DirectFunctionCall2(numeric_eq, NumericGetDatum(charges[i]),
											  DirectFunctionCall2(numeric_round, NumericGetDatum(charges[i]), Int32GetDatum(line->decimals)))))
		{
			usom_history_note(history, "lines[%d]: discount, freight or tax is finer than the currency", index);
			return;
		}
	if (usom_money_of(line->discount, line->decimals) > usom_money_extend(line->unit_price, line->quantity, line->decimals))
		usom_history_note(history, "lines[%d]: the discount is more than the goods cost", index);
}

static void
add_lines(UsomHistory *history, UsomOrderSet *set, int order, const char *currency)
{
	int			first = set->nlines;

	for (int i = 0; i < history->nlines; i++)
	{
		const UsomHistoryLine *from = &history->lines[i];
		UsomLine   *line = usom_order_add_line(set);

		line->order = order;
		line->line_no = i + 1;
		line->product_id = from->product_id;
		line->quantity = from->quantity;
		line->unit_price = from->unit_price != NULL ? from->unit_price : usom_order_no_price();
		line->location_id = from->location_id;
		line->substitution = "none";
		line->partial = true;
		add_charges(line, from, currency);
		check_charges(history, i, line);
	}
	for (int i = 0; i < history->npieces; i++)
		set->lines[first + history->pieces[i].line].counters.by_state[history->pieces[i].status] += history->pieces[i].quantity;
}

/* What follows from the units against what the document says of the whole. */
static void
check_told(UsomHistory *history, UsomOrder *order)
{
	const char *status;

	if (history->status != NULL && strcmp(history->status, "closed") == 0 && order->status == USOM_ORDER_DELIVERED)
		order->status = USOM_ORDER_CLOSED;
	status = usom_order_lifecycle_table.labels[order->status];
	if (history->status != NULL && strcmp(history->status, status) != 0)
		usom_history_note(history, "status is \"%s\", but its units make it \"%s\"", history->status, status);
	if (history->total != NULL &&
		!DatumGetBool(DirectFunctionCall2(numeric_eq, NumericGetDatum(history->total), NumericGetDatum(order->total))))
		usom_history_note(history, "total is %s, but its lines add up to %s",
						  DatumGetCString(DirectFunctionCall1(numeric_out, DirectFunctionCall1(numeric_trim_scale, NumericGetDatum(history->total)))),
						  DatumGetCString(DirectFunctionCall1(numeric_out, DirectFunctionCall1(numeric_trim_scale, NumericGetDatum(order->total)))));
}

void
usom_history_plan(UsomHistory *history, UsomOrderSet *set, int index, TimestampTz now)
{
	UsomOrder  *order = &set->orders[index];
	UsomQuantity *shipped = count_shipped(history);

	for (int i = 0; i < history->nshipments; i++)
		if (history->shipments[i].nshares < 0)
			fill_shipment(history, &history->shipments[i], shipped);
	check_lines(history, shipped);
	check_times(history, now);
	for (int i = 0; i < history->nshipments; i++)
		check_location(history, i);
	if (history->problems != NIL)
		return;
	make_pieces(history);
	*order = (UsomOrder) {
		.order_no = history->order_no, .status = USOM_ORDER_CONFIRMED, .version = 1, .currency = history->currency,
		.requested_at = history->requested_at, .order_type = history->type, .priority = history->priority,
		.placed_at = history->placed_at, .channel_id = history->channel_id, .customer_id = history->customer_id, .is_new = true
	};
	add_lines(history, set, index, history->currency);
	usom_order_settle(set, index, "migrated");
	check_told(history, order);
	history->order = index;
}
