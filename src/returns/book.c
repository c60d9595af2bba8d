/*
 * book.c
 *		Rows of returns: made, loaded, written.
 *
 * Statements, whatever the number of lines: a new return is two; to load one
 * is two beside its order, with its pieces three; to write one is a statement
 * each for lines, new pieces, changed pieces and the header.
 *
 * Locks: the order, before anything of the return is read that may change.
 *
 * Memory: CurrentMemoryContext, which is the call's.
 */
#include "postgres.h"

#include "returns/returns.h"

#include "base/call.h"
#include "base/errors.h"
#include "base/ident.h"
#include "base/query.h"
#include "party/party.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

static UsomQuery find_return = {
	.text = "SELECT o.order_no, o.sales_order_id, r.exchange_order_id FROM usom.return_order r "
	"JOIN usom.sales_order o ON o.org_id = r.org_id AND o.sales_order_id = r.sales_order_id "
	"WHERE r.org_id = $1 AND r.return_no = $2 AND ($3 IS NULL OR o.channel_id = ANY ($3))",
	.nargs = 3,
	.argtypes = {"bigint", "text", "bigint[]"},
};

static UsomQuery read_return = {
	.text = "SELECT r.return_order_id, r.status, r.expires_at, r.is_blind, r.exchange_order_id, r.reason, t.line_no, t.quantity, "
	"t.quantity_received, t.quantity_accepted, t.quantity_rejected, t.quantity_given_up, t.inspects, t.disposition, t.rule, "
	"(SELECT coalesce(max(p.return_piece_no), 0) FROM usom.return_piece p "
	"WHERE p.org_id = $1 AND p.return_order_id = t.return_order_id AND p.line_no = t.line_no) "
	"FROM usom.return_order r JOIN usom.return_line t ON t.org_id = $1 AND t.return_order_id = r.return_order_id "
	"WHERE r.org_id = $1 AND r.return_no = $2 ORDER BY t.line_no",
	.nargs = 2,
	.argtypes = {"bigint", "text"},
};

static UsomQuery read_pieces = {
	.text = "SELECT p.line_no, p.return_piece_no, p.quantity, coalesce(p.disposition, ''), p.piece_no, p.location_id, p.condition, "
	"p.received_at, p.inspected_at FROM usom.return_piece p "
	"WHERE p.org_id = $1 AND p.return_order_id = $2 AND (p.disposition IS NULL OR p.disposition = 'refurbish') "
	"ORDER BY p.line_no, p.return_piece_no",
	.nargs = 2,
	.argtypes = {"bigint", "bigint"},
};

static UsomQuery insert_return = {
	.text = "INSERT INTO usom.return_order (org_id, return_order_id, return_no, sales_order_id, status, reason, is_blind, expires_at) "
	"VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
	.nargs = 8,
	.argtypes = {"bigint", "bigint", "text", "bigint", "usom.return_status", "text", "boolean", "timestamptz"},
};

static UsomQuery insert_lines = {
	.text = "INSERT INTO usom.return_line (org_id, return_order_id, line_no, quantity, quantity_received, quantity_accepted, "
	"quantity_rejected, quantity_given_up, inspects, disposition, rule) SELECT $1, r.* FROM unnest($2) AS r",
	.nargs = 2,
	.argtypes = {"bigint", "usom._return_row[]"},
};

static UsomQuery update_lines = {
	.text = "UPDATE usom.return_line AS t SET quantity_received = r.quantity_received, quantity_accepted = r.quantity_accepted, "
	"quantity_rejected = r.quantity_rejected, quantity_given_up = r.quantity_given_up "
	"FROM unnest($2) AS r WHERE t.org_id = $1 AND t.return_order_id = r.return_order_id AND t.line_no = r.line_no",
	.nargs = 2,
	.argtypes = {"bigint", "usom._return_row[]"},
};

static UsomQuery insert_pieces = {
	.text = "INSERT INTO usom.return_piece (org_id, return_order_id, line_no, return_piece_no, quantity, disposition, piece_no, "
	"location_id, condition, received_at, inspected_at) SELECT $1, r.* FROM unnest($2) AS r",
	.nargs = 2,
	.argtypes = {"bigint", "usom._return_piece_row[]"},
};

static UsomQuery update_pieces = {
	.text = "UPDATE usom.return_piece AS p SET quantity = r.quantity, disposition = r.disposition, piece_no = r.piece_no, "
	"condition = r.condition, inspected_at = r.inspected_at FROM unnest($2) AS r WHERE p.org_id = $1 "
	"AND p.return_order_id = r.return_order_id AND p.line_no = r.line_no AND p.return_piece_no = r.return_piece_no",
	.nargs = 2,
	.argtypes = {"bigint", "usom._return_piece_row[]"},
};

static UsomQuery update_return = {
	.text = "UPDATE usom.return_order AS r SET status = $3, expires_at = $4, "
	"received_at = CASE WHEN $3 IN ('received', 'inspected') THEN coalesce(r.received_at, now()) END "
	"WHERE r.org_id = $1 AND r.return_order_id = $2",
	.nargs = 4,
	.argtypes = {"bigint", "bigint", "usom.return_status", "timestamptz"},
};

static UsomQuery note_exchange = {
	.text = "UPDATE usom.return_order AS r SET exchange_order_id = $3 WHERE r.org_id = $1 AND r.return_order_id = $2",
	.nargs = 3,
	.argtypes = {"bigint", "bigint", "bigint"},
};

static int64
get_key(uint64 row, int column)
{
	bool		isnull;
	Datum		value = usom_query_get_or_null(row, column, &isnull);

	return isnull ? 0 : DatumGetInt64(value);
}

static TimestampTz
get_time(uint64 row, int column)
{
	bool		isnull;
	Datum		value = usom_query_get_or_null(row, column, &isnull);

	return isnull ? USOM_NO_TIME : DatumGetTimestampTz(value);
}

static UsomQuantity
get_quantity(uint64 row, int column)
{
	return usom_quantity_of(DatumGetNumeric(usom_query_get(row, column)));
}

/* ---- load ---- */

static UsomReturnLine
take_line(const UsomOrderSet *set, uint64 row)
{
	return (UsomReturnLine) {
		.line = usom_order_find_line(set, 0, DatumGetInt32(usom_query_get(row, 7))), .quantity = get_quantity(row, 8),
		.received = get_quantity(row, 9), .accepted = get_quantity(row, 10), .rejected = get_quantity(row, 11),
		.given_up = get_quantity(row, 12), .inspects = DatumGetBool(usom_query_get(row, 13)),
		.disposition = usom_disposition_of(usom_query_get_text(row, 14)), .rule = usom_query_get_text(row, 15),
		.last_piece_no = DatumGetInt32(usom_query_get(row, 16))
	};
}

static void
read_header(UsomReturn *back)
{
	Datum		values[2] = {Int64GetDatum(back->set->org_id), CStringGetTextDatum(back->return_no)};

	back->nlines = (int) usom_query_run(&read_return, values, NULL);
	Ensure(back->nlines > 0, "a return has no lines");
	back->return_order_id = DatumGetInt64(usom_query_get(0, 1));
	back->status = (UsomReturnStatus) DatumGetUInt8(usom_query_get(0, 2));
	back->expires_at = get_time(0, 3);
	back->is_blind = DatumGetBool(usom_query_get(0, 4));
	back->exchange_order_id = get_key(0, 5);
	back->reason = usom_query_get_text(0, 6);
	back->lines = palloc_array(UsomReturnLine, back->nlines);
	for (int i = 0; i < back->nlines; i++)
		back->lines[i] = take_line(back->set, i);
}

UsomReturn *
usom_return_load(int64 org_id, const char *return_no)
{
	UsomReturn *back = palloc0_object(UsomReturn);
	bool		nulls[3] = {false};
	Datum		values[3] = {Int64GetDatum(org_id), CStringGetTextDatum(return_no)};
	char	   *order_no;

	values[2] = usom_party_channels(&nulls[2]);
	if (usom_query_run(&find_return, values, nulls) == 0)
		ereport(ERROR, errcode(USOM_ERR(UNKNOWN_RETURN)),
				errmsg("no return \"%s\"", return_no),
				errhint("Look it up in usom.returns."));
	back->return_no = return_no;
	order_no = usom_query_get_text(0, 1);
	if (get_key(0, 3) != 0)
		usom_return_lock_both(org_id, get_key(0, 2), get_key(0, 3));
	back->set = usom_order_load(org_id, order_no);
	read_header(back);
	return back;
}

static UsomReturnPiece
take_piece(const UsomReturn *back, uint64 row)
{
	bool		no_piece;
	Datum		piece_no = usom_query_get_or_null(row, 5, &no_piece);
	int			line = usom_order_find_line(back->set, 0, DatumGetInt32(usom_query_get(row, 1)));

	return (UsomReturnPiece) {
		.line = usom_return_find_line(back, line), .return_piece_no = DatumGetInt32(usom_query_get(row, 2)),
		.quantity = get_quantity(row, 3),
		.disposition = *usom_query_get_text(row, 4) == '\0' ? USOM_WAITS : usom_disposition_of(usom_query_get_text(row, 4)),
		.piece_no = no_piece ? 0 : DatumGetInt32(piece_no), .location_id = get_key(row, 6),
		.condition = usom_query_get_text(row, 7), .received_at = get_time(row, 8), .inspected_at = get_time(row, 9)
	};
}

void
usom_return_read_pieces(UsomReturn *back)
{
	Datum		values[2] = {Int64GetDatum(back->set->org_id), Int64GetDatum(back->return_order_id)};
	uint64		n = usom_query_run(&read_pieces, values, NULL);

	back->pieces_capacity = (int) n + 8;
	back->pieces = palloc_array(UsomReturnPiece, back->pieces_capacity);
	for (uint64 row = 0; row < n; row++)
		back->pieces[back->npieces++] = take_piece(back, row);
}

int
usom_return_find_line(const UsomReturn *back, int line)
{
	for (int i = 0; i < back->nlines; i++)
		if (back->lines[i].line == line)
			return i;
	return -1;
}

/* ---- write ---- */

static void
add_line(UsomRows *rows, const UsomReturn *back, const UsomReturnLine *line)
{
	Datum		values[10] = {
		Int64GetDatum(back->return_order_id), Int32GetDatum(back->set->lines[line->line].line_no),
		NumericGetDatum(usom_quantity_stored(line->quantity)), NumericGetDatum(usom_quantity_stored(line->received)),
		NumericGetDatum(usom_quantity_stored(line->accepted)), NumericGetDatum(usom_quantity_stored(line->rejected)),
		NumericGetDatum(usom_quantity_stored(line->given_up)), BoolGetDatum(line->inspects),
		CStringGetTextDatum(usom_disposition_label(line->disposition)), line->rule ? CStringGetTextDatum(line->rule) : (Datum) 0
	};
	bool		nulls[10] = {false};

	nulls[9] = line->rule == NULL;
	usom_rows_add(rows, values, nulls);
}

static void
add_piece(UsomRows *rows, const UsomReturn *back, const UsomReturnPiece *piece)
{
	Datum		values[10] = {
		Int64GetDatum(back->return_order_id), Int32GetDatum(back->set->lines[back->lines[piece->line].line].line_no),
		Int32GetDatum(piece->return_piece_no), NumericGetDatum(usom_quantity_stored(piece->quantity)),
		CStringGetTextDatum(usom_disposition_label(piece->disposition)), Int32GetDatum(piece->piece_no),
		Int64GetDatum(piece->location_id), piece->condition ? CStringGetTextDatum(piece->condition) : (Datum) 0,
		TimestampTzGetDatum(piece->received_at), TimestampTzGetDatum(piece->inspected_at)
	};
	bool		nulls[10] = {false};

	nulls[4] = piece->disposition == USOM_WAITS;
	nulls[5] = piece->piece_no == 0;
	nulls[6] = piece->location_id == 0;
	nulls[7] = piece->condition == NULL;
	nulls[9] = piece->inspected_at == USOM_NO_TIME;
	usom_rows_add(rows, values, nulls);
}

static void
write_rows(UsomQuery *query, const UsomReturn *back, UsomRows *rows)
{
	Datum		values[2] = {Int64GetDatum(back->set->org_id)};
	uint64		processed;

	if (usom_rows_count(rows) == 0)
		return;
	values[1] = usom_rows_datum(rows);
	processed = usom_query_write(query, values, NULL);
	Ensure(processed == (uint64) usom_rows_count(rows), "usom wrote " UINT64_FORMAT " of %d rows of a return", processed,
		   usom_rows_count(rows));
}

static void
write_lines(UsomQuery *query, const UsomReturn *back)
{
	UsomRows   *rows = usom_rows_make("_return_row", back->nlines);

	for (int i = 0; i < back->nlines; i++)
		if (back->lines[i].changed)
			add_line(rows, back, &back->lines[i]);
	write_rows(query, back, rows);
}

static void
write_pieces(UsomQuery *query, const UsomReturn *back, bool is_new)
{
	UsomRows   *rows = usom_rows_make("_return_piece_row", Max(back->npieces, 1));

	for (int i = 0; i < back->npieces; i++)
		if (back->pieces[i].is_new == is_new && (is_new || back->pieces[i].changed))
			add_piece(rows, back, &back->pieces[i]);
	write_rows(query, back, rows);
}

void
usom_return_write_status(UsomReturn *back, UsomReturnStatus status)
{
	Datum		values[4] = {
		Int64GetDatum(back->set->org_id), Int64GetDatum(back->return_order_id), UInt8GetDatum(status),
		TimestampTzGetDatum(back->expires_at)
	};
	bool		nulls[4] = {false, false, false, back->expires_at == USOM_NO_TIME};

	Ensure(status == back->status || usom_lifecycle_allows(&usom_return_lifecycle_table, back->status, status),
		   "no step from return state %d to %d", back->status, status);
	usom_query_write(&update_return, values, nulls);
	back->status = status;
}

static void
mark_written(UsomReturn *back)
{
	for (int i = 0; i < back->nlines; i++)
		back->lines[i].changed = false;
	for (int i = 0; i < back->npieces; i++)
		back->pieces[i].is_new = back->pieces[i].changed = false;
}

void
usom_return_write(UsomReturn *back)
{
	write_lines(&update_lines, back);
	write_pieces(&update_pieces, back, false);
	write_pieces(&insert_pieces, back, true);
	usom_return_write_status(back, usom_return_derive_status(back));
	mark_written(back);
}

void
usom_return_write_exchange(UsomReturn *back, int64 exchange_order_id)
{
	Datum		values[3] = {
		Int64GetDatum(back->set->org_id), Int64GetDatum(back->return_order_id), Int64GetDatum(exchange_order_id)
	};

	usom_query_write(&note_exchange, values, NULL);
	back->exchange_order_id = exchange_order_id;
}

/* ---- make ---- */

static void
add_lines(UsomReturn *back, const UsomLineUnits *units, int count, const UsomReturnJudgement *judgements)
{
	back->lines = palloc0_array(UsomReturnLine, count + 1);
	for (int i = 0; i < count; i++)
	{
		const UsomReturnRule *rule = judgements[units[i].line].rule;

		back->lines[back->nlines++] = (UsomReturnLine) {
			.line = units[i].line, .quantity = units[i].quantity, .inspects = back->is_blind || (rule != NULL && rule->inspects),
			.disposition = rule != NULL ? rule->disposition : USOM_RESTOCK, .rule = rule != NULL ? rule->code : NULL, .changed = true
		};
	}
}

static void
write_new(const UsomReturn *back)
{
	Datum		values[8] = {
		Int64GetDatum(back->set->org_id), Int64GetDatum(back->return_order_id), CStringGetTextDatum(back->return_no),
		Int64GetDatum(back->set->orders[0].sales_order_id), UInt8GetDatum(back->status),
		back->reason ? CStringGetTextDatum(back->reason) : (Datum) 0, BoolGetDatum(back->is_blind), TimestampTzGetDatum(back->expires_at)
	};
	bool		nulls[8] = {false};

	nulls[5] = back->reason == NULL;
	nulls[7] = back->expires_at == USOM_NO_TIME;
	usom_query_write(&insert_return, values, nulls);
	write_lines(&insert_lines, back);
}

UsomReturn *
usom_return_make(UsomOrderSet *set, const UsomLineUnits *units, int count, const UsomReturnJudgement *judgements,
				 UsomReturnStatus status, bool is_blind)
{
	UsomReturn *back = palloc0_object(UsomReturn);

	back->set = set;
	back->return_order_id = usom_ident_next();
	back->return_no = usom_ident_document_no(set->org_id, "return");
	back->status = status;
	back->is_blind = is_blind;
	back->reason = usom_call_reason();
	add_lines(back, units, count, judgements);
	back->expires_at = is_blind || status == USOM_RETURN_REQUESTED ? USOM_NO_TIME : usom_return_expiry(back);
	write_new(back);
	mark_written(back);
	return back;
}

/* The shortest of its rules counts, as they are now. */
TimestampTz
usom_return_expiry(const UsomReturn *back)
{
	const UsomReturnRules *rules = usom_return_rules(back->set->org_id);
	TimestampTz expiry = USOM_NO_TIME;

	for (int i = 0; i < back->nlines; i++)
		for (int k = 0; k < rules->count && back->lines[i].rule != NULL; k++)
		{
			const UsomReturnRule *rule = &rules->rules[k];
			TimestampTz end = usom_call_time() + rule->valid_days * USECS_PER_DAY;

			if (strcmp(rule->code, back->lines[i].rule) == 0 && rule->valid_days > 0 && (expiry == USOM_NO_TIME || end < expiry))
				expiry = end;
		}
	return expiry;
}
