-- The bare peer: tables with the columns, indexes and constraints of usom's,
-- without triggers, and one prepared statement that inserts exactly the rows
-- which usom wrote for an order.
--
-- What one order has in common with every other (names, amounts, the images
-- of the audit) is a constant in the statement: its price is that of writing,
-- not of asking.
SET client_min_messages = warning;
CREATE SCHEMA bare;
CREATE SCHEMA bench;

DO $$
DECLARE
	tables text[] := ARRAY['sales_order', 'order_line', 'fulfillment_line', 'order_history', 'audit_entry', 'stock'];
	item record;
BEGIN
	FOR item IN
		-- of a table in partitions, one of these has its indexes
		SELECT t.name, c.relname, array_to_string(c.reloptions, ', ') AS options
		FROM unnest(tables) AS t (name) JOIN pg_class c ON c.oid = coalesce(
			(SELECT min(i.inhrelid::bigint)::oid FROM pg_inherits i WHERE i.inhparent = to_regclass('usom.' || t.name)), to_regclass('usom.' || t.name))
	LOOP
		EXECUTE format('CREATE TABLE bare.%I (LIKE usom.%I INCLUDING ALL) WITH (%s)',
			item.name, item.relname, coalesce(item.options, 'fillfactor = 100'));
	END LOOP;
	FOR item IN
		SELECT c.relname, k.conname, replace(pg_get_constraintdef(k.oid), 'usom.', 'bare.') AS definition
		FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_class p ON p.oid = k.confrelid
		WHERE k.contype = 'f' AND c.relnamespace = 'usom'::regnamespace AND c.relname = ANY (tables) AND p.relname = ANY (tables)
	LOOP
		EXECUTE format('ALTER TABLE bare.%I ADD CONSTRAINT %I %s', item.relname, item.conname, item.definition);
	END LOOP;
END
$$;
INSERT INTO bare.stock SELECT * FROM usom.stock;
VACUUM ANALYZE bare.stock;

-- INSERT of the rows of a table that an order wrote.  For the columns named in
-- parameters the text there is taken instead, unless they are null; # is the
-- number of the row, @ two more.
CREATE FUNCTION bench.rows_as_values(table_name text, filter text, sort text, parameters jsonb) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	columns text;
	items text;
	result text;
BEGIN
	SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum),
		string_agg(format('coalesce(%s, ''NULL'') || %L', CASE WHEN parameters ? attname
			THEN format('CASE WHEN t.%I IS NOT NULL THEN replace(replace(%L, ''#'', n::text), ''@'', (n + 2)::text) END', attname, parameters->>attname)
			ELSE format('quote_literal(t.%I)', attname) END, '::' || format_type(atttypid, atttypmod)),
			$q$ || ', ' || $q$ ORDER BY attnum)
	INTO columns, items
	FROM pg_attribute WHERE attrelid = ('usom.' || table_name)::regclass AND attnum > 0 AND NOT attisdropped;
	EXECUTE format($q$SELECT string_agg('(' || %s || ')', ', ' ORDER BY n) FROM (SELECT row_number() OVER (ORDER BY %s) AS n, x.* FROM usom.%I x WHERE %s) t$q$,
		items, sort, table_name, filter) INTO result;
	RETURN format('INSERT INTO bare.%I (%s) VALUES %s', table_name, columns, result);
END
$$;

-- The statement.  $1: key of the order, $2: its number and external id, $3 to
-- $7: keys of its products.
CREATE FUNCTION bench.bare_statement(of_order text, with_stock boolean) RETURNS text LANGUAGE sql AS $$
	WITH o AS (SELECT * FROM usom.sales_order WHERE order_no = of_order),
	f AS (SELECT format('org_id = %s AND sales_order_id = %s', org_id, sales_order_id) AS filter FROM o)
	SELECT format('WITH o AS (%s), l AS (%s), p AS (%s), h AS (%s)%s %s',
		bench.rows_as_values('sales_order', filter, '1', '{"sales_order_id": "$1", "order_no": "$2", "external_id": "$2"}'),
		bench.rows_as_values('order_line', filter, 'line_no', '{"sales_order_id": "$1", "product_id": "$@"}'),
		bench.rows_as_values('fulfillment_line', filter, 'line_no', '{"sales_order_id": "$1", "product_id": "$@"}'),
		bench.rows_as_values('order_history', filter, 'version', '{"sales_order_id": "$1"}'),
		CASE WHEN with_stock THEN format(', s AS (UPDATE bare.stock AS s SET reserved = s.reserved + v.quantity '
			'FROM (VALUES %s) AS v (product_id, quantity) '
			'WHERE s.org_id = %s AND s.product_id = v.product_id AND s.location_id = %s AND s.lot = '''')',
			(SELECT string_agg(format('($%s, %s::numeric)', line_no + 2, p.quantity), ', ' ORDER BY line_no)
				FROM usom.fulfillment_line p JOIN o USING (org_id, sales_order_id)),
			(SELECT org_id FROM o),
			(SELECT min(location_id) FROM usom.fulfillment_line p JOIN o USING (org_id, sales_order_id))) ELSE '' END,
		bench.rows_as_values('audit_entry', format('transaction_id IN (SELECT transaction_id FROM usom.audit_entry WHERE %s)', filter),
			'audit_entry_id', '{"sales_order_id": "$1", "audit_entry_id": "$1 * 8 + #"}'))
	FROM f
$$;

-- What an order of bench_document demands of each peer: history and audit by
-- its own rules.  The twin's order is inserted and then confirmed, and has an
-- audit row for each of its rows and each row of stock; careful has one for
-- each of its four statements.
CREATE FUNCTION bench.due(OUT peer text, OUT orders bigint, OUT lines bigint, OUT pieces bigint, OUT history bigint, OUT audit bigint, OUT units bigint)
RETURNS SETOF record LANGUAGE sql AS $$
	WITH o AS (SELECT org_id, sales_order_id FROM usom.sales_order WHERE external_id = 'model'),
	w AS (SELECT count(*) AS history FROM usom.order_history JOIN o USING (org_id, sales_order_id)),
	a AS (SELECT count(*) AS audit FROM usom.audit_entry WHERE transaction_id IN (SELECT transaction_id FROM usom.audit_entry JOIN o USING (org_id, sales_order_id)))
	SELECT p.peer, 1::bigint, 5::bigint, 5::bigint, coalesce(p.history, w.history), coalesce(p.audit, a.audit), p.units
	FROM w, a, (VALUES ('usom', NULL::bigint, NULL::bigint, 15::bigint), ('bare', NULL, NULL, 0), ('stock', NULL, NULL, 15),
		('careful', 1, 4, 15), ('twin', 2, 17, 15)) AS p (peer, history, audit, units)
$$;

-- Bytes of the rows of an order that usom wrote, beside one of the bare peer;
-- an error if they differ by more than a thirtieth (the numbers of orders do).
CREATE FUNCTION bench.row_width() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	item text;
	width numeric;
	ours numeric := 0;
	theirs numeric := 0;
BEGIN
	FOREACH item IN ARRAY ARRAY['sales_order', 'order_line', 'fulfillment_line', 'order_history', 'audit_entry'] LOOP
		EXECUTE format('SELECT sum(pg_column_size(t)) FROM usom.%I t WHERE sales_order_id = (SELECT max(sales_order_id) FROM usom.sales_order)', item) INTO width;
		ours := ours + width;
		EXECUTE format('SELECT sum(pg_column_size(t)) FROM bare.%I t WHERE sales_order_id = (SELECT max(sales_order_id) FROM bare.sales_order WHERE sales_order_id < 2000000000000)', item) INTO width;
		theirs := theirs + coalesce(width, ours);
	END LOOP;
	IF abs(ours - theirs) > ours / 30 THEN
		RAISE EXCEPTION 'NOT THE SAME WORK: an order has % bytes of rows, one of bare %', ours, theirs;
	END IF;
	RETURN format('an order has %s bytes of rows, one of bare %s', ours, theirs);
END
$$;
