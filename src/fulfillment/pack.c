/*
 * pack.c
 *		usom.pack(), usom.unpack() and usom.wrap_gift(): units of an order go
 *		into a package.
 *
 * What is in a package are the pieces that name it, so nothing can be in two,
 * and no more is packed than is released or picked.
 *
 * Locks: the order, under which packages change.  Packing touches no stock
 * row.  Memory: the call's.
 */
#include "postgres.h"

#include "fulfillment/parcel.h"

#include "base/call.h"
#include "base/errors.h"
#include "base/ident.h"
#include "base/query.h"
#include "order/answer.h"
#include "order/line_list.h"
#include "party/party.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(usom_pack);
PG_FUNCTION_INFO_V1(usom_unpack);
PG_FUNCTION_INFO_V1(usom_wrap_gift);

#define PACKAGING_COLUMNS \
	"g.packaging_id, g.code, g.max_weight::pg_catalog.numeric, " \
	"least(g.length::pg_catalog.numeric * g.width * g.height / 1000, 999999999999)::pg_catalog.numeric(18,6), g.handling "

static UsomQuery find_packaging = {
	.text = "SELECT " PACKAGING_COLUMNS "FROM usom.packaging AS g WHERE g.org_id = $1 AND g.code = $2 AND g.active",
	.nargs = 2,
	.argtypes = {"bigint", "text"},
};

static UsomQuery find_package = {
	.text = "SELECT " PACKAGING_COLUMNS ", k.package_id, k.location_id, k.shipment_id IS NOT NULL, k.unpacked_at IS NOT NULL, "
	"k.sales_order_id FROM usom.package AS k LEFT JOIN usom.packaging AS g ON g.org_id = k.org_id AND g.packaging_id = k.packaging_id "
	"WHERE k.org_id = $1 AND k.package_no = $2",
	.nargs = 2,
	.argtypes = {"bigint", "text"},
};

static UsomQuery find_order = {
	.text = "SELECT o.order_no FROM usom.package AS k JOIN usom.sales_order AS o ON o.org_id = k.org_id AND o.sales_order_id = k.sales_order_id "
	"WHERE k.org_id = $1 AND k.package_no = $2 AND ($3 IS NULL OR o.channel_id = ANY ($3))",
	.nargs = 3,
	.argtypes = {"bigint", "text", "bigint[]"},
};

static UsomQuery find_location = {
	.text = "SELECT usom.location_id($1)",
	.nargs = 1,
	.argtypes = {"text"},
};

static UsomQuery insert_package = {
	.text = "INSERT INTO usom.package (org_id, package_id, package_no, sales_order_id, location_id, packaging_id, weight, tracking) "
	"VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
	.nargs = 8,
	.argtypes = {"bigint", "bigint", "text", "bigint", "bigint", "bigint", "numeric", "text"},
};

static UsomQuery update_package = {
	.text = "UPDATE usom.package AS k SET weight = coalesce($3, k.weight), tracking = coalesce($4, k.tracking) "
	"WHERE k.org_id = $1 AND k.package_id = $2",
	.nargs = 4,
	.argtypes = {"bigint", "bigint", "numeric", "text"},
};

static UsomQuery mark_unpacked = {
	.text = "UPDATE usom.package AS k SET unpacked_at = $3 WHERE k.org_id = $1 AND k.package_id = $2",
	.nargs = 3,
	.argtypes = {"bigint", "bigint", "timestamptz"},
};

static UsomQuery want_wrap = {
	.text = "INSERT INTO usom.gift_wrap AS w (org_id, sales_order_id, line_no, style) VALUES ($1, $2, $3, $4) "
	"ON CONFLICT (org_id, sales_order_id, line_no) DO UPDATE SET style = EXCLUDED.style WHERE w.style <> EXCLUDED.style",
	.nargs = 4,
	.argtypes = {"bigint", "bigint", "integer", "text"},
};

static UsomQuery want_no_wrap = {
	.text = "DELETE FROM usom.gift_wrap AS w WHERE w.org_id = $1 AND w.sales_order_id = $2 AND w.line_no = $3",
	.nargs = 3,
	.argtypes = {"bigint", "bigint", "integer"},
};

enum PackArg
{
	ARG_ORDER,
	ARG_LINES,
	ARG_PACKAGING,
	ARG_LOCATION,
	ARG_WEIGHT,
	ARG_TRACKING,
	ARG_PACKAGE
};

typedef struct Packing
{
	UsomOrderSet *set;
	UsomPackaging packaging;
	int64		package_id;
	const char *package_no;
	int64		location_id;	/* 0: not known yet */
	bool		is_new;
} Packing;

/* ---- what units go into ---- */

static UsomPackaging
take_packaging(uint64 row)
{
	UsomPackaging packaging = {.code = usom_query_get_text(row, 2), .max_weight = -1};
	bool		isnull;
	Datum		value;

	if (packaging.code == NULL)
		return packaging;
	packaging.packaging_id = DatumGetInt64(usom_query_get(row, 1));
	value = usom_query_get_or_null(row, 3, &isnull);
	if (!isnull)
		packaging.max_weight = usom_quantity_of(DatumGetNumeric(value));
	packaging.volume = usom_quantity_of(DatumGetNumeric(usom_query_get(row, 4)));
	packaging.handling = usom_handling_get_texts(row, 5, &packaging.nhandling);
	return packaging;
}

static void
refuse_unknown_package(const char *package_no)
{
	ereport(ERROR, errcode(USOM_ERR(UNKNOWN_PACKAGE)),
			errmsg("no package \"%s\"", package_no),
			errhint("Look it up in usom.packages."));
}

/* In a package that is there. */
static void
find_open_package(Packing *packing)
{
	Datum		values[] = {Int64GetDatum(packing->set->org_id), CStringGetTextDatum(packing->package_no)};

	if (usom_query_run(&find_package, values, NULL) == 0 ||
		DatumGetInt64(usom_query_get(0, 10)) != packing->set->orders[0].sales_order_id)
		refuse_unknown_package(packing->package_no);
	if (DatumGetBool(usom_query_get(0, 8)) || DatumGetBool(usom_query_get(0, 9)))
		ereport(ERROR, errcode(USOM_ERR(PACKAGE_IS_WHOLE)),
				errmsg("nothing goes into package \"%s\" any more", packing->package_no),
				errdetail("It was %s.", DatumGetBool(usom_query_get(0, 8)) ? "shipped" : "unpacked"),
				errhint("Leave package_no out: a new package is made."));
	packing->packaging = take_packaging(0);
	packing->package_id = DatumGetInt64(usom_query_get(0, 6));
	packing->location_id = DatumGetInt64(usom_query_get(0, 7));
}

static void
begin_package(Packing *packing, FunctionCallInfo fcinfo)
{
	packing->is_new = true;
	packing->packaging = (UsomPackaging) {.max_weight = -1};
	if (!PG_ARGISNULL(ARG_LOCATION))
	{
		Datum		code = PG_GETARG_DATUM(ARG_LOCATION);

		usom_query_run(&find_location, &code, NULL);
		packing->location_id = DatumGetInt64(usom_query_get(0, 1));
	}
	if (!PG_ARGISNULL(ARG_PACKAGING))
	{
		Datum		values[] = {Int64GetDatum(packing->set->org_id), PG_GETARG_DATUM(ARG_PACKAGING)};

		if (usom_query_run(&find_packaging, values, NULL) == 0)
			ereport(ERROR, errcode(USOM_ERR(UNKNOWN_CODE)),
					errmsg("no packaging \"%s\"", text_to_cstring(PG_GETARG_TEXT_PP(ARG_PACKAGING))),
					errhint("INSERT INTO usom.packaging (code, ...) first, or correct the code."));
		packing->packaging = take_packaging(0);
	}
	packing->package_id = usom_ident_next();
	packing->package_no = usom_ident_document_no(packing->set->org_id, "package");
}

/* ---- which units ---- */

/* Released or picked goods, of one line or of any (-1), of a lot or of any, there or anywhere. */
static bool
may_pack(const Packing *packing, int index, int line, const char *lot)
{
	const UsomPiece *piece = &packing->set->pieces[index];

	return (piece->status == USOM_PIECE_RELEASED || piece->status == USOM_PIECE_PICKED) && piece->location_id != 0 &&
		(line < 0 || piece->line == line) && (lot == NULL || strcmp(lot, piece->lot) == 0) &&
		(packing->location_id == 0 || piece->location_id == packing->location_id);
}

/* All of a package is packed at one location: that of the wanted units, if there is one alone. */
static void
settle_location(Packing *packing, const UsomMarkedUnits *units, int count)
{
	const UsomOrderSet *set = packing->set;
	int64		place = packing->location_id;

	for (int i = 0; i < set->npieces; i++)
	{
		bool		wanted = units == NULL;

		for (int u = 0; u < count && !wanted; u++)
			wanted = units[u].units.line == set->pieces[i].line;
		if (!wanted || !may_pack(packing, i, -1, NULL))
			continue;
		if (place != 0 && place != set->pieces[i].location_id)
			ereport(ERROR, errcode(USOM_ERR(OVER_PACKED)),
					errmsg("units of order \"%s\" are at several locations", set->orders[0].order_no),
					errdetail("A package is packed at one."),
					errhint("Name the location: usom.pack(..., location => '...')."));
		place = set->pieces[i].location_id;
	}
	packing->location_id = place;
}

static UsomQuantity
pack_from(Packing *packing, UsomPieceStatus status, int line, const char *lot, UsomQuantity left)
{
	UsomOrderSet *set = packing->set;
	UsomQuantity packed = 0;
	int			npieces = set->npieces;

	for (int i = 0; i < npieces && packed < left; i++)
	{
		UsomQuantity quantity = Min(left - packed, set->pieces[i].quantity);
		int			moved;

		if (set->pieces[i].status != status || !may_pack(packing, i, line, lot))
			continue;
		moved = usom_order_move_piece(set, i, USOM_PIECE_PACKED, quantity, NULL);
		set->pieces[moved].package_id = packing->package_id;
		packed += quantity;
	}
	return packed;
}

static UsomQuantity
pack_line(Packing *packing, int line, const char *lot, UsomQuantity wanted)
{
	UsomQuantity picked = pack_from(packing, USOM_PIECE_PICKED, line, lot, wanted);

	return picked + pack_from(packing, USOM_PIECE_RELEASED, line, lot, wanted - picked);
}

static void
refuse_more(const Packing *packing, const UsomMarkedUnits *entry, UsomQuantity packed)
{
	const UsomLine *line = &packing->set->lines[entry->units.line];
	const UsomQuantity *count = line->counters.by_state;
	UsomQuantity before = count[USOM_PIECE_PACKED] - packed;

	ereport(ERROR, errcode(USOM_ERR(OVER_PACKED)),
			errmsg("cannot pack %s of line %d of order \"%s\"", usom_quantity_text(entry->units.quantity), line->line_no,
				   packing->set->orders[0].order_no),
			line->stocked ? errdetail("%s are released or picked there%s%s, %s packed already, %s reserved.", usom_quantity_text(packed),
									  entry->lot ? " of lot " : "", entry->lot ? entry->lot : "", usom_quantity_text(before),
									  usom_quantity_text(count[USOM_PIECE_RESERVED]))
			: errdetail("The product is a service."),
			errhint("Pack %s at most; usom.order_pieces shows what is where.", usom_quantity_text(packed)));
}

static UsomQuantity
pack_list(Packing *packing, const UsomMarkedUnits *units, int count)
{
	UsomQuantity packed = 0;

	for (int i = 0; i < count; i++)
	{
		UsomQuantity done = pack_line(packing, units[i].units.line, units[i].lot, units[i].units.quantity);

		if (done < units[i].units.quantity)
			refuse_more(packing, &units[i], done);
		packed = usom_quantity_add(packed, done);
	}
	return packed;
}

static void
check_something(const Packing *packing, UsomQuantity packed)
{
	const UsomOrder *order = &packing->set->orders[0];

	if (packed > 0)
		return;
	if (!usom_order_is_running(order->status) || order->status >= USOM_ORDER_SHIPPED)
		usom_order_refuse(order->order_no, "pack", order->status);
	ereport(ERROR, errcode(USOM_ERR(NOTHING_TO_DO)),
			errmsg("nothing of order \"%s\" is there to be packed", order->order_no),
			errdetail("Only released and picked goods are packed."),
			errhint("Call usom.release_order('%s') first.", order->order_no));
}

/* All that is in the package now fits it, and each other. */
static void
check_fit(const Packing *packing)
{
	const UsomOrderSet *set = packing->set;
	UsomGoods  *goods = usom_handling_read_goods(set, 0);
	UsomQuantity *units = palloc0_array(UsomQuantity, set->nlines + 1);
	const char *misfit;

	for (int i = 0; i < set->npieces; i++)
		if (set->pieces[i].package_id == packing->package_id && set->pieces[i].status == USOM_PIECE_PACKED)
			units[set->pieces[i].line] = usom_quantity_add(units[set->pieces[i].line], set->pieces[i].quantity);
	misfit = usom_handling_misfit(goods, units, set->nlines, &packing->packaging);
	if (misfit != NULL)
		ereport(ERROR, errcode(USOM_ERR(BAD_HANDLING)),
				errmsg("the package of order \"%s\" cannot be packed so", set->orders[0].order_no),
				errdetail("%s.", misfit),
				errhint("Take another packaging, or several packages."));
}

/* ---- what is written ---- */

static void
write_package(const Packing *packing, FunctionCallInfo fcinfo)
{
	bool		no_weight = PG_ARGISNULL(ARG_WEIGHT);
	bool		no_tracking = PG_ARGISNULL(ARG_TRACKING);
	Datum		weight = no_weight ? (Datum) 0 : PG_GETARG_DATUM(ARG_WEIGHT);
	Datum		tracking = no_tracking ? (Datum) 0 : PG_GETARG_DATUM(ARG_TRACKING);
	Datum		added[] = {
		Int64GetDatum(packing->set->org_id), Int64GetDatum(packing->package_id), CStringGetTextDatum(packing->package_no),
		Int64GetDatum(packing->set->orders[0].sales_order_id), Int64GetDatum(packing->location_id),
		Int64GetDatum(packing->packaging.packaging_id), weight, tracking
	};
	bool		added_nulls[] = {false, false, false, false, false, packing->packaging.packaging_id == 0, no_weight, no_tracking};
	Datum		changed[] = {Int64GetDatum(packing->set->org_id), Int64GetDatum(packing->package_id), weight, tracking};
	bool		changed_nulls[] = {false, false, no_weight, no_tracking};

	if (packing->is_new)
		usom_query_write(&insert_package, added, added_nulls);
	else if (!no_weight || !no_tracking)
		usom_query_write(&update_package, changed, changed_nulls);
}

static void
finish(UsomOrderSet *set, const char *event, const char *reference, UsomQuantity quantity)
{
	set->orders[0].event_quantity = quantity;
	set->orders[0].event_reference = reference;
	usom_order_settle(set, 0, event);
	usom_order_save(set);
}

/* usom.pack(order_no, lines, packaging, location, weight, tracking, package_no) */
Datum
usom_pack(PG_FUNCTION_ARGS)
{
	UsomAnswer *answer = usom_order_answer_begin(fcinfo, "pack", -1);
	Packing		packing = {.set = usom_order_load(usom_party_org(), usom_order_arg_text(fcinfo, ARG_ORDER, "order_no"))};
	UsomMarkedUnits *units = NULL;
	int			count = 0;
	UsomQuantity packed;

	if (!PG_ARGISNULL(ARG_LINES))
		units = usom_order_read_marked_list(packing.set, PG_GETARG_JSONB_P(ARG_LINES), &count);
	if (PG_ARGISNULL(ARG_PACKAGE))
		begin_package(&packing, fcinfo);
	else
	{
		packing.package_no = usom_order_arg_text(fcinfo, ARG_PACKAGE, "package_no");
		find_open_package(&packing);
	}
	settle_location(&packing, units, count);
	packed = units ? pack_list(&packing, units, count) : pack_line(&packing, -1, NULL, USOM_QUANTITY_LIMIT);
	check_something(&packing, packed);
	check_fit(&packing);
	write_package(&packing, fcinfo);
	finish(packing.set, "pack", packing.package_no, packed);
	return usom_order_answer_string(answer, packing.package_no);
}

/* ---- back out of it ---- */

static UsomQuantity
take_out(UsomOrderSet *set, int64 package_id)
{
	UsomQuantity units = 0;

	for (int i = 0; i < set->npieces; i++)
		if (set->pieces[i].package_id == package_id && set->pieces[i].status == USOM_PIECE_PACKED)
		{
			units = usom_quantity_add(units, set->pieces[i].quantity);
			usom_order_move_piece(set, i, USOM_PIECE_PICKED, set->pieces[i].quantity, NULL);
		}
	return units;
}

static UsomOrderSet *
load_order_of(int64 org_id, const char *package_no)
{
	bool		nulls[3] = {false};
	Datum		values[3] = {Int64GetDatum(org_id), CStringGetTextDatum(package_no)};

	values[2] = usom_party_channels(&nulls[2]);
	if (usom_query_run(&find_order, values, nulls) == 0)
		refuse_unknown_package(package_no);
	return usom_order_load(org_id, usom_query_get_text(0, 1));
}

/* usom.unpack(package_no text, reason text) */
Datum
usom_unpack(PG_FUNCTION_ARGS)
{
	UsomAnswer *answer = usom_order_answer_begin(fcinfo, "unpack", 1);
	char	   *package_no = usom_order_arg_text(fcinfo, 0, "package_no");
	UsomOrderSet *set = load_order_of(usom_party_org(), package_no);
	Datum		values[3] = {Int64GetDatum(set->org_id), CStringGetTextDatum(package_no)};
	int64		package_id;

	usom_query_run(&find_package, values, NULL);
	package_id = DatumGetInt64(usom_query_get(0, 6));
	if (DatumGetBool(usom_query_get(0, 8)))
		ereport(ERROR, errcode(USOM_ERR(PACKAGE_IS_WHOLE)),
				errmsg("package \"%s\" was shipped", package_no),
				errdetail("What left is not unpacked here."),
				errhint("usom.void_shipment() while no carrier has it, or authorise a return."));
	if (!DatumGetBool(usom_query_get(0, 9)))
	{
		values[1] = Int64GetDatum(package_id);
		values[2] = TimestampTzGetDatum(usom_call_time());
		usom_query_write(&mark_unpacked, values, NULL);
		finish(set, "unpack", package_no, take_out(set, package_id));
	}
	return usom_order_answer_status(answer, set);
}

/* ---- gifts ---- */

static void
check_wrappable(const UsomOrderSet *set, int line)
{
	const UsomQuantity *count = set->lines[line].counters.by_state;
	UsomQuantity gone = count[USOM_PIECE_PACKED] + usom_order_units_left(&set->lines[line]);

	if (set->orders[0].status > USOM_ORDER_PARTIALLY_SHIPPED)
		usom_order_refuse(set->orders[0].order_no, "wrap", set->orders[0].status);
	if (gone > 0)
		ereport(ERROR, errcode(USOM_ERR(BELOW_COMMITTED)),
				errmsg("line %d of order \"%s\" is packed already", set->lines[line].line_no, set->orders[0].order_no),
				errdetail("%s of %s units are packed or have left.", usom_quantity_text(gone), usom_quantity_text(set->lines[line].quantity)),
				errhint("Call usom.unpack() first; usom.packages shows what they are in."));
}

/* usom.wrap_gift(order_no text, line_no integer, style text) */
Datum
usom_wrap_gift(PG_FUNCTION_ARGS)
{
	UsomAnswer *answer = usom_order_answer_begin(fcinfo, "wrap_gift", -1);
	UsomOrderSet *set = usom_order_load(usom_party_org(), usom_order_arg_text(fcinfo, 0, "order_no"));
	Datum		values[4] = {Int64GetDatum(set->org_id), Int64GetDatum(set->orders[0].sales_order_id)};
	int			line;
	uint64		changed;

	usom_order_arg_required(fcinfo, 1, "line_no");
	line = usom_order_find_line(set, 0, PG_GETARG_INT32(1));
	check_wrappable(set, line);
	values[2] = PG_GETARG_DATUM(1);
	values[3] = PG_ARGISNULL(2) ? (Datum) 0 : PG_GETARG_DATUM(2);
	changed = usom_query_write(PG_ARGISNULL(2) ? &want_no_wrap : &want_wrap, values, NULL);
	if (changed > 0)
	{
		set->orders[0].event_line = set->lines[line].line_no;
		finish(set, "wrap_gift", PG_ARGISNULL(2) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(2)), 0);
	}
	return usom_order_answer_status(answer, set);
}
