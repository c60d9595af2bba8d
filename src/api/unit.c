/*
 * unit.c
 *		Units that lines are ordered in: read for documents, and kept.
 *
 * Locks: none; the orders are new, or locked by the caller.
 *
 * Memory: CurrentMemoryContext, which is the call's.
 */
#include "postgres.h"

#include "api/unit.h"

#include "base/compat.h"
#include "base/query.h"
#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"

Numeric
usom_api_unit_share(const UsomUnitRatio *ratio, Numeric price)
{
	return usom_unit_price_numeric(usom_unit_share(ratio, usom_unit_price_of(price)));
}

/* ---- what documents name ---- */

static bool
names_unit(const Placing *placing, int index)
{
	return unlikely(placing->document->lines[index].unit != NULL) && placing->references[index].product_id != 0;
}

static int
count_units(Placing *const *placings, int count)
{
	int			n = 0;

	for (int i = 0; i < count; i++)
		for (int j = 0; placings[i]->references != NULL && j < placings[i]->document->nlines; j++)
			n += names_unit(placings[i], j);
	return n;
}

void
usom_api_look_up_units(Placing *const *placings, int count)
{
	int			nwanted = count_units(placings, count);
	UsomUnitWanted *wanted;
	UsomDocumentLine **lines;
	int			n = 0;

	if (likely(nwanted == 0))
		return;
	wanted = palloc_array(UsomUnitWanted, nwanted);
	lines = palloc_array(UsomDocumentLine *, nwanted);
	for (int i = 0; i < count; i++)
		for (int j = 0; placings[i]->references != NULL && j < placings[i]->document->nlines; j++)
			if (names_unit(placings[i], j))
			{
				lines[n] = &placings[i]->document->lines[j];
				wanted[n] = (UsomUnitWanted) {placings[i]->references[j].product_id, lines[n]->unit, NULL};
				n++;
			}
	usom_unit_read(placings[0]->org_id, wanted, nwanted);
	for (int i = 0; i < nwanted; i++)
		lines[i]->ratio = wanted[i].ratio;
}

static void
take_unit(Placing *placing, int index)
{
	UsomDocumentLine *from = &placing->document->lines[index];
	UsomLine   *line = &placing->set->lines[index];

	if (from->ratio->is_own)
	{
		from->ratio = NULL;
		return;
	}
	from->quantity = usom_unit_convert(from->ratio, from->quantity, psprintf("lines[%d].", index));
	line->quantity = line->counters.by_state[USOM_PIECE_OPEN] = from->quantity;
	if (!from->has_price)
		return;
	from->pack_price = from->unit_price;
	from->unit_price = line->unit_price = usom_api_unit_share(from->ratio, from->pack_price);
}

void
usom_api_take_units(Placing *placing)
{
	for (int i = 0; i < placing->document->nlines; i++)
	{
		const UsomDocumentLine *from = &placing->document->lines[i];

		if (likely(from->unit == NULL) || placing->set->lines[i].product_id == 0)
			continue;
		if (from->ratio != NULL)
			take_unit(placing, i);
		else
			usom_api_note_problem(placing, psprintf("lines[%d].unit", i), from->unit, "product_unit");
	}
}

/* ---- what is kept ---- */

static UsomQuery write_units = {
	.text = "INSERT INTO usom.line_unit AS u (org_id, sales_order_id, line_no, product_id, unit, quantity, per, unit_price) "
	"SELECT $1, r.* FROM unnest($2) AS r "
	"ON CONFLICT (org_id, sales_order_id, line_no) DO UPDATE SET product_id = excluded.product_id, unit = excluded.unit, "
	"quantity = excluded.quantity, per = excluded.per, unit_price = coalesce(excluded.unit_price, "
	"CASE WHEN u.unit = excluded.unit AND u.product_id = excluded.product_id THEN u.unit_price END)",
	.nargs = 2,
	.argtypes = {"bigint", "usom._line_unit_row[]"},
};

void
usom_api_write_line_units(int64 org_id, const UsomLineUnit *units, int count)
{
	UsomRows   *rows;
	Datum		values[2] = {Int64GetDatum(org_id)};

	if (likely(count == 0))
		return;
	rows = usom_rows_make("_line_unit_row", count);
	for (int i = 0; i < count; i++)
	{
		bool		nulls[7] = {false, false, false, false, false, false, units[i].unit_price == NULL};

		usom_rows_add(rows, (Datum[]) {
			Int64GetDatum(units[i].sales_order_id), Int32GetDatum(units[i].line_no), Int64GetDatum(units[i].product_id),
			CStringGetTextDatum(units[i].ratio->name), NumericGetDatum(usom_quantity_stored(units[i].ratio->quantity)),
			NumericGetDatum(usom_quantity_stored(units[i].ratio->per)), NumericGetDatum(units[i].unit_price)
		}, nulls);
	}
	values[1] = usom_rows_datum(rows);
	usom_query_write(&write_units, values, NULL);
}

void
usom_api_write_placed_units(Placing *const *placings, int count)
{
	UsomLineUnit *units = NULL;
	int			n = 0;
	int			capacity = 0;

	for (int i = 0; i < count; i++)
		for (int j = 0; j < placings[i]->document->nlines; j++)
		{
			const UsomDocumentLine *from = &placings[i]->document->lines[j];

			if (likely(from->ratio == NULL))
				continue;
			if (n == capacity)
			{
				capacity = Max(2 * capacity, 16);
				units = units == NULL ? palloc_array(UsomLineUnit, capacity) : repalloc_array(units, UsomLineUnit, capacity);
			}
			units[n++] = (UsomLineUnit) {
				placings[i]->set->orders[0].sales_order_id, j + 1, placings[i]->set->lines[j].product_id, from->ratio, from->pack_price
			};
		}
	usom_api_write_line_units(placings[0]->org_id, units, n);
}

static UsomQuery copy_units = {
	.text = "INSERT INTO usom.line_unit (org_id, sales_order_id, line_no, product_id, unit, quantity, per, unit_price) "
	"SELECT $1, $3, r.to_line, u.product_id, u.unit, u.quantity, u.per, u.unit_price "
	"FROM unnest($4, $5) AS r (from_line, to_line) "
	"JOIN usom.line_unit AS u ON u.org_id = $1 AND u.sales_order_id = $2 AND u.line_no = r.from_line",
	.nargs = 5,
	.argtypes = {"bigint", "bigint", "bigint", "integer[]", "integer[]"},
};

static Datum
line_numbers(const int32 *numbers, int count)
{
	Datum	   *elements = palloc_array(Datum, Max(count, 1));

	for (int i = 0; i < count; i++)
		elements[i] = Int32GetDatum(numbers[i]);
	return PointerGetDatum(construct_array(elements, count, INT4OID, sizeof(int32), true, TYPALIGN_INT));
}

void
usom_api_copy_line_units(const UsomOrderSet *set, int parent, int child, const int32 *from, const int32 *to, int count)
{
	Datum		values[] = {
		Int64GetDatum(set->org_id), Int64GetDatum(set->orders[parent].sales_order_id),
		Int64GetDatum(set->orders[child].sales_order_id), line_numbers(from, count), line_numbers(to, count)
	};

	usom_query_write(&copy_units, values, NULL);
}
