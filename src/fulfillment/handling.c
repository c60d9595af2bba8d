/*
 * handling.c
 *		How goods want to be handled: in special packaging, apart from others,
 *		by some carriers alone.
 *
 * Memory: CurrentMemoryContext; the memo says only whether there are classes.
 * Locks: none; classes that change meanwhile hold from the next call on.
 */
#include "postgres.h"

#include "fulfillment/parcel.h"

#include "base/errors.h"
#include "base/memo.h"
#include "base/query.h"
#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"

static UsomQuery find_classes = {
	.text = "SELECT 1 FROM usom.handling_class AS c WHERE c.org_id = $1 AND c.active LIMIT 1",
	.nargs = 1,
	.argtypes = {"bigint"},
};

static UsomQuery read_goods = {
	.text = "SELECT l.line_no, p.sku, p.weight::pg_catalog.numeric, p.volume::pg_catalog.numeric, c.code, c.special_packaging, c.apart, c.carriers "
	"FROM usom.order_line AS l JOIN usom.product AS p ON p.org_id = l.org_id AND p.product_id = l.product_id "
	"LEFT JOIN usom.handling_class AS c ON c.org_id = p.org_id AND c.code = ANY (p.handling) AND c.active "
	"WHERE l.org_id = $1 AND l.sales_order_id = $2 ORDER BY l.line_no, c.code",
	.nargs = 2,
	.argtypes = {"bigint", "bigint"},
};

static const void *
read_any(int64 org_id)
{
	bool	   *any = palloc_object(bool);
	Datum		values[] = {Int64GetDatum(org_id)};

	*any = usom_memo_look(&find_classes, values) > 0;
	SPI_freetuptable(SPI_tuptable);
	return any;
}

static UsomMemo memo = {
	.name = "usom handling classes",
	.tables = {"handling_class"},
	.read = read_any,
};

bool
usom_handling_is_asked(int64 org_id)
{
	return *(const bool *) usom_memo_get(&memo, org_id);
}

char **
usom_handling_get_texts(uint64 row, int column, int *count)
{
	bool		isnull;
	Datum		value = usom_query_get_or_null(row, column, &isnull);
	Datum	   *items;
	char	  **texts;

	*count = -1;
	if (isnull)
		return NULL;
	deconstruct_array(DatumGetArrayTypeP(value), TEXTOID, -1, false, TYPALIGN_INT, &items, NULL, count);
	texts = palloc_array(char *, *count + 1);
	for (int i = 0; i < *count; i++)
		texts[i] = TextDatumGetCString(items[i]);
	return texts;
}

static void
take_care(UsomGoods *goods, uint64 row)
{
	UsomCare	care = {.code = usom_query_get_text(row, 5)};

	if (care.code == NULL)
		return;
	care.special_packaging = DatumGetBool(usom_query_get(row, 6));
	care.apart = DatumGetBool(usom_query_get(row, 7));
	care.carriers = usom_handling_get_texts(row, 8, &care.ncarriers);
	goods->cares = goods->ncares == 0 ? palloc_object(UsomCare) : repalloc_array(goods->cares, UsomCare, goods->ncares + 1);
	goods->cares[goods->ncares++] = care;
}

UsomGoods *
usom_handling_read_goods(const UsomOrderSet *set, int order)
{
	UsomGoods  *goods = palloc0_array(UsomGoods, set->nlines + 1);
	Datum		values[] = {Int64GetDatum(set->org_id), Int64GetDatum(set->orders[order].sales_order_id)};
	uint64		n = usom_query_run(&read_goods, values, NULL);
	int			line = usom_order_first_line(set, order);

	for (uint64 row = 0; row < n; row++)
	{
		int32		line_no = DatumGetInt32(usom_query_get(row, 1));

		while (set->lines[line].line_no != line_no)
			line++;
		goods[line].sku = usom_query_get_text(row, 2);
		goods[line].weight = usom_quantity_of(DatumGetNumeric(usom_query_get(row, 3)));
		goods[line].volume = usom_quantity_of(DatumGetNumeric(usom_query_get(row, 4)));
		take_care(&goods[line], row);
	}
	return goods;
}

/* ---- pure ---- */

static bool
is_among(const char *code, char *const *codes, int count)
{
	for (int i = 0; i < count; i++)
		if (strcmp(codes[i], code) == 0)
			return true;
	return false;
}

static bool
is_of(const UsomGoods *goods, const char *code)
{
	for (int i = 0; i < goods->ncares; i++)
		if (strcmp(goods->cares[i].code, code) == 0)
			return true;
	return false;
}

/* Some other goods in it that are not of the class; NULL: none. */
static const char *
stranger_to(const char *code, const UsomGoods *goods, const UsomQuantity *units, int nlines)
{
	for (int i = 0; i < nlines; i++)
		if (units[i] > 0 && !is_of(&goods[i], code))
			return goods[i].sku;
	return NULL;
}

static const char *
care_misfit(const UsomGoods *of, const UsomCare *care, const UsomGoods *goods, const UsomQuantity *units, int nlines,
			const UsomPackaging *packaging)
{
	const char *stranger;

	if (care->special_packaging && !is_among(care->code, packaging->handling, packaging->nhandling))
		return psprintf("\"%s\" is %s, and %s is not for that", of->sku, care->code,
						packaging->code ? packaging->code : "what it would be packed in");
	stranger = care->apart ? stranger_to(care->code, goods, units, nlines) : NULL;
	return stranger == NULL ? NULL
		: psprintf("\"%s\" is %s and goes apart, \"%s\" is not", of->sku, care->code, stranger);
}

/* Of one unit, times units; rounded to the nearest millionth. */
static UsomQuantity
times(UsomQuantity one, UsomQuantity units)
{
	int128		product = (int128) one * units + USOM_UNIT / 2;

	return product / USOM_UNIT >= USOM_QUANTITY_LIMIT ? USOM_QUANTITY_LIMIT : (UsomQuantity) (product / USOM_UNIT);
}

static UsomQuantity
sum_up(UsomQuantity sum, UsomQuantity more)
{
	return Min(sum + more, USOM_QUANTITY_LIMIT);
}

const char *
usom_handling_misfit(const UsomGoods *goods, const UsomQuantity *units, int nlines, const UsomPackaging *packaging)
{
	UsomQuantity weight = 0;
	UsomQuantity volume = 0;

	for (int i = 0; i < nlines; i++)
	{
		if (units[i] <= 0)
			continue;
		weight = sum_up(weight, times(goods[i].weight, units[i]));
		volume = sum_up(volume, times(goods[i].volume, units[i]));
		for (int c = 0; c < goods[i].ncares; c++)
		{
			const char *misfit = care_misfit(&goods[i], &goods[i].cares[c], goods, units, nlines, packaging);

			if (misfit != NULL)
				return misfit;
		}
	}
	if (packaging->max_weight >= 0 && weight > packaging->max_weight)
		return psprintf("%s kg would be in it, %s takes %s", usom_quantity_text(weight), packaging->code,
						usom_quantity_text(packaging->max_weight));
	if (packaging->volume > 0 && volume > packaging->volume)
		return psprintf("%s litres would be in it, %s has %s", usom_quantity_text(volume), packaging->code,
						usom_quantity_text(packaging->volume));
	return NULL;
}

/* ---- at the door ---- */

static void
check_piece(const UsomOrderSet *set, const UsomPiece *piece, const UsomGoods *goods, const char *carrier)
{
	for (int i = 0; i < goods->ncares; i++)
	{
		const UsomCare *care = &goods->cares[i];
		bool		unpacked = care->special_packaging && piece->package_id == 0;

		if (!unpacked && (care->ncarriers < 0 || (carrier != NULL && is_among(carrier, care->carriers, care->ncarriers))))
			continue;
		ereport(ERROR, errcode(USOM_ERR(BAD_HANDLING)),
				errmsg("line %d of order \"%s\" does not leave so: \"%s\" is %s", set->lines[piece->line].line_no,
					   set->orders[set->lines[piece->line].order].order_no, goods->sku, care->code),
				unpacked ? errdetail("Units of the class leave in a package alone.")
				: carrier == NULL ? errdetail("No carrier was named, and not every one may take it.")
				: errdetail("\"%s\" is not among its carriers.", carrier),
				unpacked ? errhint("Call usom.pack() with a packaging that is fit for it.")
				: errhint("Name a carrier of usom.handling_class.carriers."));
	}
}

void
usom_handling_check_leaving(const UsomOrderSet *set, int order, const char *carrier)
{
	UsomGoods  *goods = NULL;

	if (likely(!usom_handling_is_asked(set->org_id)))
		return;
	for (int i = 0; i < set->npieces; i++)
	{
		const UsomPiece *piece = &set->pieces[i];

		if (piece->status != USOM_PIECE_SHIPPED || !piece->changed || set->lines[piece->line].order != order ||
			piece->location_id == 0)
			continue;
		if (goods == NULL)
			goods = usom_handling_read_goods(set, order);
		check_piece(set, piece, &goods[piece->line], carrier);
	}
}

void
usom_parcel_init(void)
{
	usom_memo_register(&memo);
}
