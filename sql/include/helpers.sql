-- Helpers of the regression tests; read with \i, so that they are made in pg_temp.
SET client_min_messages = warning;
SELECT count(*) FROM usom.install() \g /dev/null
RESET client_min_messages;

-- Numbers of documents depend on what ran before: SO-000017 is shown as SO-#.
CREATE FUNCTION pg_temp.mask(shown text) RETURNS text LANGUAGE sql
	AS $$SELECT regexp_replace(regexp_replace($1, '\m(SO|SH|RT|MO|PK|MF)-\d+', '\1-#', 'g'), '(row contains |\)=)\(.*\)', '\1(...)')$$;

-- Run a command that should fail; what it said, line by line.
CREATE FUNCTION pg_temp.refused(command text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	code text;
	message text;
	detail text;
	hint text;
BEGIN
	EXECUTE command;
	RETURN NEXT 'NOT REFUSED';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
	RETURN NEXT code || ': ' || pg_temp.mask(message);
	IF detail <> '' THEN
		RETURN NEXT '  detail: ' || pg_temp.mask(detail);
	END IF;
	IF hint <> '' THEN
		RETURN NEXT '  hint: ' || pg_temp.mask(hint);
	END IF;
END
$$;

-- Is the command refused?  Whatever it did is taken back.
CREATE FUNCTION pg_temp.is_refused(command text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE command;
	RAISE EXCEPTION USING ERRCODE = 'ZZ000';
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE <> 'ZZ000';
END
$$;

-- Rows of every table, to see that nothing was written.
CREATE FUNCTION pg_temp.row_counts() RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
	counts jsonb := '{}';
	relation text;
	n bigint;
BEGIN
	FOR relation IN SELECT tablename FROM pg_tables WHERE schemaname = 'usom' ORDER BY 1 LOOP
		EXECUTE format('SELECT count(*) FROM usom.%I', relation) INTO n;
		counts := counts || jsonb_build_object(relation, n);
	END LOOP;
	RETURN counts;
END
$$;

-- All that belongs to an order and the stock of its products, byte by byte.
CREATE FUNCTION pg_temp.image(order_no text) RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_build_object(
		'order', to_jsonb(o),
		'lines', (SELECT jsonb_agg(to_jsonb(l) ORDER BY l.line_no) FROM usom.order_line l WHERE l.sales_order_id = o.sales_order_id),
		'pieces', (SELECT jsonb_agg(to_jsonb(f) ORDER BY f.line_no, f.piece_no) FROM usom.fulfillment_line f WHERE f.sales_order_id = o.sales_order_id),
		'holds', (SELECT jsonb_agg(to_jsonb(h) ORDER BY h.hold_id) FROM usom.hold h WHERE h.sales_order_id = o.sales_order_id),
		'history', (SELECT jsonb_agg(to_jsonb(y) ORDER BY y.version) FROM usom.order_history y WHERE y.sales_order_id = o.sales_order_id),
		'stock', (SELECT jsonb_agg(to_jsonb(s) ORDER BY s.product_id, s.location_id, s.lot) FROM usom.stock s
			WHERE s.product_id IN (SELECT l.product_id FROM usom.order_line l WHERE l.sales_order_id = o.sales_order_id)))
	FROM usom.sales_order o WHERE o.order_no = $1
$$;

-- Pieces of an order, readable aloud: 1: 4 shipped at A, 3 reserved at A, 3 backordered
CREATE FUNCTION pg_temp.pieces(order_no text) RETURNS SETOF text LANGUAGE sql AS $$
	SELECT p.line_no || ' ' || p.sku || ': ' || string_agg(p.quantity || ' ' || p.status || coalesce(' at ' || p.location, ''), ', ' ORDER BY p.status COLLATE "C" DESC, p.location)
	FROM (SELECT p.line_no, p.sku, p.status, p.location, sum(p.quantity) AS quantity
		FROM usom.order_pieces p WHERE p.order_no = $1 GROUP BY 1, 2, 3, 4) AS p
	GROUP BY p.line_no, p.sku ORDER BY p.line_no
$$;

-- Stock of products, readable aloud.
CREATE FUNCTION pg_temp.shelf(skus text) RETURNS SETOF text LANGUAGE sql AS $$
	SELECT s.sku || ' at ' || s.location || ': ' || s.on_hand || ' on hand, ' || s.reserved || ' reserved, ' || s.available || ' available'
	FROM usom.stock_position s WHERE s.sku LIKE $1 ORDER BY s.sku, s.location
$$;
