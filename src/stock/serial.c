/*
 * serial.c
 *		Units with serial numbers: who claims them, and how they follow the
 *		counters of their line.
 *
 * Locks: free units are claimed by number, without waiting (SKIP LOCKED): one
 * that somebody else is claiming counts as taken.  Units of a line are changed
 * under the lock of its order.  They come after the order, before its stock.
 *
 * Invariant: a claimed unit is one line's; a line has no more shipped ones
 * than shipped units, and no more claimed ones at a location than units there.
 *
 * Memory: CurrentMemoryContext.
 */
#include "postgres.h"

#include "stock/serial.h"

#include "base/call.h"
#include "base/errors.h"
#include "base/query.h"
#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

static Datum
text_array(const char *const *texts, int n)
{
	Datum	   *elements = palloc_array(Datum, Max(n, 1));

	for (int i = 0; i < n; i++)
		elements[i] = CStringGetTextDatum(texts[i]);
	return PointerGetDatum(construct_array_builtin(elements, n, TEXTOID));
}

/* ---- claim ---- */

static UsomQuery claim_units = {
	.text = "SELECT u.serial, u.location_id FROM usom.serial_unit AS u WHERE u.org_id = $1 AND u.product_id = $2 AND u.serial = ANY ($3) "
	"AND ($4 = 0 OR u.location_id = $4) AND (u.status = 'on_hand' OR (u.status IN ('reserved', 'picked') "
	"AND u.sales_order_id = $5 AND u.line_no = $6)) ORDER BY u.serial FOR UPDATE SKIP LOCKED",
	.nargs = 6,
	.argtypes = {"bigint", "bigint", "text[]", "bigint", "bigint", "integer"},
};

static UsomQuery name_units = {
	.text = "UPDATE usom.serial_unit AS u SET status = CASE u.status WHEN 'on_hand' THEN 'reserved' ELSE u.status END, "
	"sales_order_id = $4, line_no = $5, named = true, reference = coalesce($6, u.reference), changed_at = $7 "
	"WHERE u.org_id = $1 AND u.product_id = $2 AND u.serial = ANY ($3)",
	.nargs = 7,
	.argtypes = {"bigint", "bigint", "text[]", "bigint", "integer", "text", "timestamptz"},
};

/* The first of the numbers that cannot be had; what it is is read without a lock. */
static UsomQuery find_untaken = {
	.text = "SELECT n.serial, p.sku, u.status, o.order_no, l.code FROM unnest($3) AS n (serial) "
	"JOIN usom.product AS p ON p.org_id = $1 AND p.product_id = $2 "
	"LEFT JOIN usom.serial_unit AS u ON u.org_id = $1 AND u.product_id = $2 AND u.serial = n.serial "
	"LEFT JOIN usom.sales_order AS o ON o.org_id = $1 AND o.sales_order_id = u.sales_order_id "
	"LEFT JOIN usom.location AS l ON l.org_id = $1 AND l.location_id = u.location_id "
	"WHERE n.serial <> ALL ($4) ORDER BY n.serial LIMIT 1",
	.nargs = 4,
	.argtypes = {"bigint", "bigint", "text[]", "text[]"},
};

static void
refuse_twice(void)
{
	ereport(ERROR, errcode(USOM_ERR(SERIAL_TAKEN)), errmsg("a serial number is named twice"), errhint("Name each unit once."));
}

static void
refuse_taken(int64 org_id, int64 product_id, Datum wanted, Datum had)
{
	Datum		values[] = {Int64GetDatum(org_id), Int64GetDatum(product_id), wanted, had};
	const char *serial;
	const char *status;
	const char *order_no;
	const char *location;

	if (usom_query_run(&find_untaken, values, NULL) == 0)
		refuse_twice();
	serial = usom_query_get_text(0, 1);
	status = usom_query_get_text(0, 3);
	order_no = usom_query_get_text(0, 4);
	location = usom_query_get_text(0, 5);
	ereport(ERROR, errcode(USOM_ERR(SERIAL_TAKEN)),
			errmsg("serial number \"%s\" of \"%s\" is not to be had", serial, usom_query_get_text(0, 2)),
			status == NULL ? errdetail("It was never received.") :
			order_no != NULL ? errdetail("It is %s for order \"%s\".", status, order_no) :
			strcmp(status, "gone") == 0 ? errdetail("It was taken out of stock.") :
			errdetail("It is at \"%s\", or somebody is claiming it.", location),
			errhint("Look it up in usom.serials and name another."));
}

static const char **
read_serials(int count)
{
	const char **serials = palloc_array(const char *, Max(count, 1));

	for (int i = 0; i < count; i++)
		serials[i] = usom_query_get_text(i, 1);
	return serials;
}

/* Of the units that were claimed; 0: they lie at several. */
static int64
location_of_all(int count)
{
	int64		location_id = usom_query_get_key(0, 2);

	for (int i = 1; i < count; i++)
		if (usom_query_get_key(i, 2) != location_id)
			return 0;
	return location_id;
}

int64
usom_stock_serials_take(int64 org_id, int64 product_id, int64 location_id, const char *const *serials, int nserials,
						int64 sales_order_id, int32 line_no, const char *reference)
{
	Datum		wanted = text_array(serials, nserials);
	Datum		claim[] = {
		Int64GetDatum(org_id), Int64GetDatum(product_id), wanted, Int64GetDatum(location_id),
		Int64GetDatum(sales_order_id), Int32GetDatum(line_no),
	};
	Datum		name[] = {
		Int64GetDatum(org_id), Int64GetDatum(product_id), wanted, Int64GetDatum(sales_order_id),
		Int32GetDatum(line_no), reference ? CStringGetTextDatum(reference) : (Datum) 0,
		TimestampTzGetDatum(usom_call_time()),
	};
	bool		nulls[7] = {[5] = reference == NULL};
	int			count;

	if (nserials == 0)
		return location_id;
	count = (int) usom_query_run(&claim_units, claim, NULL);
	if (count < nserials)
		refuse_taken(org_id, product_id, wanted, text_array(read_serials(count), count));
	location_id = location_of_all(count);
	usom_query_write(&name_units, name, nulls);
	return location_id;
}

/* ---- come and go ---- */

const char **
usom_stock_serials_argument(FunctionCallInfo fcinfo, int argument, int *nserials)
{
	ArrayType  *array;
	Datum	   *elements;
	bool	   *nulls;
	const char **serials;

	if (PG_ARGISNULL(argument))
		ereport(ERROR, errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				errmsg("serials must not be null"), errhint("Name them: serials => ARRAY['...']"));
	array = PG_GETARG_ARRAYTYPE_P(argument);
	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &elements, &nulls, nserials);
	serials = palloc_array(const char *, Max(*nserials, 1));
	for (int i = 0; i < *nserials; i++)
	{
		serials[i] = nulls[i] ? "" : TextDatumGetCString(elements[i]);
		for (int j = 0; j < i; j++)
			if (strcmp(serials[i], serials[j]) == 0)
				refuse_twice();
		if (serials[i][0] == '\0')
			ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("a serial number must not be empty"), errhint("Name each unit once."));
	}
	return serials;
}

/* What is in stock, or was shipped, does not come a second time. */
static UsomQuery receive_units = {
	.text = "INSERT INTO usom.serial_unit AS u (org_id, product_id, serial, location_id, reference, changed_at) "
	"SELECT $1, $2, n.serial, $4, $5, $6 FROM unnest($3) AS n (serial) ORDER BY n.serial "
	"ON CONFLICT (org_id, product_id, serial) DO UPDATE SET status = 'on_hand', location_id = excluded.location_id, "
	"reference = excluded.reference, changed_at = excluded.changed_at WHERE u.status = 'gone' RETURNING u.serial",
	.nargs = 6,
	.argtypes = {"bigint", "bigint", "text[]", "bigint", "text", "timestamptz"},
};

void
usom_stock_serials_receive(int64 org_id, int64 product_id, int64 location_id, const char *const *serials, int nserials,
						   const char *reference)
{
	Datum		values[] = {
		Int64GetDatum(org_id), Int64GetDatum(product_id), text_array(serials, nserials), Int64GetDatum(location_id),
		reference ? CStringGetTextDatum(reference) : (Datum) 0, TimestampTzGetDatum(usom_call_time()),
	};
	bool		nulls[6] = {[4] = reference == NULL};
	int			count = (int) usom_query_write(&receive_units, values, nulls);

	if (count < nserials)
		refuse_taken(org_id, product_id, values[2], text_array(read_serials(count), count));
}

static UsomQuery remove_units = {
	.text = "UPDATE usom.serial_unit AS u SET status = 'gone', sales_order_id = NULL, line_no = NULL, named = false, changed_at = $5 "
	"FROM (SELECT c.serial FROM usom.serial_unit AS c WHERE c.org_id = $1 AND c.product_id = $2 AND c.serial = ANY ($3) "
	"AND c.location_id = $4 AND (c.status = 'on_hand' OR (c.status IN ('reserved', 'picked') AND c.sales_order_id = $6)) "
	"ORDER BY c.serial FOR UPDATE SKIP LOCKED) AS c "
	"WHERE u.org_id = $1 AND u.product_id = $2 AND u.serial = c.serial RETURNING u.serial",
	.nargs = 6,
	.argtypes = {"bigint", "bigint", "text[]", "bigint", "timestamptz", "bigint"},
};

void
usom_stock_serials_remove(int64 org_id, int64 product_id, int64 location_id, const char *const *serials, int nserials,
						  int64 sales_order_id)
{
	Datum		values[] = {
		Int64GetDatum(org_id), Int64GetDatum(product_id), text_array(serials, nserials), Int64GetDatum(location_id),
		TimestampTzGetDatum(usom_call_time()), Int64GetDatum(sales_order_id),
	};
	int			count = (int) usom_query_write(&remove_units, values, NULL);

	if (count < nserials)
		refuse_taken(org_id, product_id, values[2], text_array(read_serials(count), count));
}

static UsomQuery find_there = {
	.text = "SELECT u.serial FROM usom.serial_unit AS u WHERE u.org_id = $1 AND u.product_id = $2 AND u.location_id = $3 "
	"AND (u.status = 'on_hand' OR (u.status IN ('reserved', 'picked') AND u.sales_order_id = $4)) ORDER BY u.serial LIMIT $5",
	.nargs = 5,
	.argtypes = {"bigint", "bigint", "bigint", "bigint", "integer"},
};

const char **
usom_stock_serials_there(int64 org_id, int64 product_id, int64 location_id, int64 sales_order_id, int most, int *nserials)
{
	Datum		values[] = {
		Int64GetDatum(org_id), Int64GetDatum(product_id), Int64GetDatum(location_id), Int64GetDatum(sales_order_id), Int32GetDatum(most)
	};

	*nserials = (int) usom_query_run(&find_there, values, NULL);
	return read_serials(*nserials);
}

/* ---- give back ---- */

static UsomQuery free_units = {
	.text = "UPDATE usom.serial_unit AS u SET status = CASE $4 WHEN 0 THEN 'gone' ELSE 'on_hand' END, "
	"location_id = CASE $4 WHEN 0 THEN u.location_id ELSE $4 END, sales_order_id = NULL, line_no = NULL, named = false, "
	"reference = coalesce($7, u.reference), changed_at = $8 WHERE u.org_id = $1 AND u.product_id = $2 "
	"AND u.serial = ANY ($3) AND u.sales_order_id = $5 AND u.line_no = $6 RETURNING u.serial",
	.nargs = 8,
	.argtypes = {"bigint", "bigint", "text[]", "bigint", "bigint", "integer", "text", "timestamptz"},
};

void
usom_stock_serials_give_back(int64 org_id, int64 product_id, int64 location_id, const char *const *serials, int nserials,
							 int64 sales_order_id, int32 line_no, const char *reference)
{
	Datum		values[] = {
		Int64GetDatum(org_id), Int64GetDatum(product_id), text_array(serials, nserials), Int64GetDatum(location_id),
		Int64GetDatum(sales_order_id), Int32GetDatum(line_no),
		reference ? CStringGetTextDatum(reference) : (Datum) 0, TimestampTzGetDatum(usom_call_time()),
	};
	bool		nulls[8] = {[6] = reference == NULL};
	int			count;

	if (nserials == 0)
		return;
	count = (int) usom_query_write(&free_units, values, nulls);
	if (count < nserials)
		refuse_taken(org_id, product_id, values[2], text_array(read_serials(count), count));
}

static UsomQuery find_shipped = {
	.text = "SELECT u.serial, u.location_id FROM usom.serial_unit AS u WHERE u.org_id = $1 AND u.sales_order_id = $2 AND u.line_no = $3 "
	"AND u.status = 'shipped' AND ($4 = 0 OR u.location_id = $4) AND ($5 IS NULL OR u.serial = ANY ($5)) ORDER BY u.location_id, u.serial",
	.nargs = 5,
	.argtypes = {"bigint", "bigint", "integer", "bigint", "text[]"},
};

const char **
usom_stock_serials_shipped(int64 org_id, int64 sales_order_id, int32 line_no, int64 location_id, const char *const *given, int ngiven,
						   int *nserials, int64 **places)
{
	Datum		values[] = {
		Int64GetDatum(org_id), Int64GetDatum(sales_order_id), Int32GetDatum(line_no), Int64GetDatum(location_id),
		given ? text_array(given, ngiven) : (Datum) 0,
	};
	bool		nulls[5] = {[4] = given == NULL};

	*nserials = (int) usom_query_run(&find_shipped, values, nulls);
	if (places != NULL)
		*places = palloc_array(int64, *nserials + 1);
	for (int i = 0; i < *nserials && places != NULL; i++)
		(*places)[i] = DatumGetInt64(usom_query_get(i, 2));
	return read_serials(*nserials);
}

/* ---- follow ---- */

/*
 * At each location the units of a line stand in a row: shipped ones, then
 * those asked for by number, picked ones, the longest claimed.  As many of
 * them as were shipped are shipped, and so on; who is left is free.  One that
 * was asked for by number is not left: the line has no unit where it lies.
 */
static UsomQuery follow_lines = {
	.text = "UPDATE usom.serial_unit AS u SET status = t.status, named = false, changed_at = $3, "
	"sales_order_id = CASE t.status WHEN 'on_hand' THEN NULL ELSE u.sales_order_id END, "
	"line_no = CASE t.status WHEN 'on_hand' THEN NULL ELSE u.line_no END "
	"FROM (SELECT r.product_id, r.serial, r.status AS was, r.named, r.location_id, CASE WHEN r.n <= coalesce(k.shipped, 0) THEN 'shipped' "
	"WHEN r.n <= k.shipped + k.picked THEN 'picked' WHEN r.n <= k.shipped + k.kept THEN 'reserved' ELSE 'on_hand' END AS status "
	"FROM (SELECT u.product_id, u.serial, u.sales_order_id, u.line_no, u.location_id, u.status, u.named, row_number() OVER ("
	"PARTITION BY u.sales_order_id, u.line_no, u.location_id ORDER BY u.status = 'shipped' DESC, u.named DESC, "
	"u.status = 'picked' DESC, u.changed_at, u.serial) AS n "
	"FROM (SELECT DISTINCT k.sales_order_id, k.line_no FROM unnest($2) AS k) AS d "
	"JOIN usom.serial_unit AS u ON u.org_id = $1 AND u.sales_order_id = d.sales_order_id AND u.line_no = d.line_no) AS r "
	"LEFT JOIN unnest($2) AS k ON k.sales_order_id = r.sales_order_id AND k.line_no = r.line_no AND k.location_id = r.location_id) AS t "
	"WHERE u.org_id = $1 AND u.product_id = t.product_id AND u.serial = t.serial AND (t.status <> t.was OR u.named) "
	"RETURNING t.serial, t.named AND t.status = 'on_hand', (SELECT p.sku FROM usom.product AS p WHERE p.org_id = $1 AND p.product_id = t.product_id), "
	"(SELECT l.code FROM usom.location AS l WHERE l.org_id = $1 AND l.location_id = t.location_id)",
	.nargs = 3,
	.argtypes = {"bigint", "usom._serial_line[]", "timestamptz"},
};

static UsomQuery find_missing = {
	.text = "SELECT o.order_no, k.line_no, p.sku, l.code, k.shipped::text, c.named::text FROM unnest($2) AS k "
	"CROSS JOIN LATERAL (SELECT count(*) AS named FROM usom.serial_unit AS u WHERE u.org_id = $1 AND u.sales_order_id = k.sales_order_id "
	"AND u.line_no = k.line_no AND u.location_id = k.location_id AND u.status = 'shipped') AS c "
	"JOIN usom.sales_order AS o ON o.org_id = $1 AND o.sales_order_id = k.sales_order_id "
	"JOIN usom.order_line AS i ON i.org_id = $1 AND i.sales_order_id = k.sales_order_id AND i.line_no = k.line_no "
	"JOIN usom.product AS p ON p.org_id = $1 AND p.product_id = i.product_id "
	"JOIN usom.location AS l ON l.org_id = $1 AND l.location_id = k.location_id "
	"WHERE c.named < k.shipped ORDER BY k.line_no, l.code LIMIT 1",
	.nargs = 2,
	.argtypes = {"bigint", "usom._serial_line[]"},
};

/* A part of a unit has no number: it counts as one. */
static Datum
whole(UsomQuantity units)
{
	return Int64GetDatum((units + USOM_UNIT - 1) / USOM_UNIT);
}

static Datum
line_rows(const UsomSerialLine *lines, int nlines)
{
	UsomRows   *rows = usom_rows_make("_serial_line", nlines);

	for (int i = 0; i < nlines; i++)
	{
		bool		nulls[6] = {false};
		Datum		values[6] = {
			Int64GetDatum(lines[i].sales_order_id), Int32GetDatum(lines[i].line_no), Int64GetDatum(lines[i].location_id),
			whole(lines[i].kept), whole(lines[i].picked), whole(lines[i].shipped),
		};

		usom_rows_add(rows, values, nulls);
	}
	return usom_rows_datum(rows);
}

static void
refuse_missing(void)
{
	const char *order_no = usom_query_get_text(0, 1);
	int32		line_no = DatumGetInt32(usom_query_get(0, 2));

	ereport(ERROR, errcode(USOM_ERR(SERIALS_MISSING)),
			errmsg("units of \"%s\" of line %d of order \"%s\" leave without their serial numbers",
				   usom_query_get_text(0, 3), line_no, order_no),
			errdetail("%s leave \"%s\" or have left it, %s of them by number.", usom_query_get_text(0, 5),
					  usom_query_get_text(0, 4), usom_query_get_text(0, 6)),
			errhint("Call usom.assign_serials(%s, %d, ARRAY['...']) first.", quote_literal_cstr(order_no), line_no));
}

static void
refuse_left(uint64 row)
{
	ereport(ERROR, errcode(USOM_ERR(SERIAL_TAKEN)),
			errmsg("serial number \"%s\" of \"%s\" is not to be had", usom_query_get_text(row, 1), usom_query_get_text(row, 3)),
			errdetail("It is at \"%s\", where the line keeps no unit for it.", usom_query_get_text(row, 4)),
			errhint("Name one of a location that usom.order_pieces shows for the line."));
}

void
usom_stock_serials_follow(int64 org_id, const UsomSerialLine *lines, int nlines)
{
	Datum		values[] = {Int64GetDatum(org_id), line_rows(lines, nlines), TimestampTzGetDatum(usom_call_time())};
	uint64		changed = usom_query_write(&follow_lines, values, NULL);

	for (uint64 row = 0; row < changed; row++)
		if (DatumGetBool(usom_query_get(row, 2)))
			refuse_left(row);
	if (usom_query_run(&find_missing, values, NULL) > 0)
		refuse_missing();
}
