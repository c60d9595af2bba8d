-- A history of orders for the bench.  A thousand orders live their lives by the
-- functions of the library; their rows are then copied with new keys, numbers,
-- customers and older times, straight into the tables.  So every row is one
-- that the library wrote, and usom.verify() must find nothing.
--
-- Filling goes past the guards of the tables: a superuser switches them off for
-- its copies (bench.open, bench.close); the audit stays on if asked.
--
-- psql -v products=N -f setup.sql, then -f history.sql
SET client_min_messages = warning;
CREATE SCHEMA bench;

-- The rows of the originals, and how many keys they span.
CREATE TABLE bench.span (least bigint, keys bigint, orders integer, copies integer NOT NULL DEFAULT 0);
CREATE TABLE bench.switched (relation regclass, tgname name);

-- What is not simply copied, with k for the number of the copy.
CREATE TABLE bench.changed (relation name, attribute name, expression text, PRIMARY KEY (relation, attribute));
INSERT INTO bench.changed
SELECT r, a, CASE a WHEN 'product_id' THEN 'o.product_id' ELSE format('o.%I - s.least + base + (k - first) * s.keys', a) END
FROM unnest('{sales_order,order_line,fulfillment_line,order_history,shipment,stock_movement}'::name[]) AS r, unnest('{sales_order_id,shipment_id,stock_movement_id}'::name[]) AS a
WHERE EXISTS (SELECT FROM pg_attribute AS c WHERE c.attrelid = format('usom.%I', r)::regclass AND c.attname = a)
UNION ALL
SELECT r, a, format('o.%I + shift', a)
FROM unnest('{sales_order,fulfillment_line,order_history,shipment,stock_movement}'::name[]) AS r, unnest('{placed_at,created_at,promised_at,occurred_at,shipped_at,delivered_at,moved_at}'::name[]) AS a
WHERE EXISTS (SELECT FROM pg_attribute AS c WHERE c.attrelid = format('usom.%I', r)::regclass AND c.attname = a)
UNION ALL VALUES
	('sales_order', 'order_no', $$prefix || o.order_no$$), ('sales_order', 'external_id', $$prefix || o.external_id$$),
	('sales_order', 'customer_id', $$buyer + (k * s.orders::bigint + o.n) * 7919 % buyers$$),
	('shipment', 'shipment_no', $$prefix || o.shipment_no$$), ('stock_movement', 'reference', $$prefix || o.reference$$),
	('order_history', 'reference', $$prefix || o.reference$$);

-- A document of one to three lines: 1.6 on average.
CREATE FUNCTION bench.document(prefix text, n integer, products integer) RETURNS jsonb LANGUAGE sql IMMUTABLE
RETURN jsonb_build_object('channel', 'web', 'external_id', prefix || n, 'lines', (
	SELECT jsonb_agg(jsonb_build_object('sku', 'P' || 1 + (n * 37 + k * 211) % products, 'quantity', k, 'unit_price', 2.55 + k) ORDER BY k)
	FROM generate_series(1, CASE n % 10 WHEN 0 THEN 3 WHEN 5 THEN 3 WHEN 3 THEN 2 WHEN 7 THEN 2 ELSE 1 END) AS k));

-- The originals: delivered for the most part, some shipped, some cancelled.
CREATE FUNCTION bench.live(orders integer, products integer) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	placed record;
	shipment text;
	r name;
BEGIN
	INSERT INTO bench.span (least, orders) VALUES (usom.next_id(), orders);
	FOR placed IN
		SELECT * FROM usom.place_orders((SELECT jsonb_agg(bench.document('h-', k, products) ORDER BY k) FROM generate_series(1, orders) AS k))
	LOOP
		IF placed.ordinal % 20 = 0 THEN
			PERFORM usom.cancel_order(placed.order_no, 'not wanted');
			CONTINUE;
		END IF;
		PERFORM usom.release_order(placed.order_no);
		shipment := usom.ship(placed.order_no);
		IF placed.ordinal % 20 > 1 THEN
			PERFORM usom.deliver(shipment);
		END IF;
	END LOOP;
	UPDATE bench.span SET keys = usom.next_id() - least;
	FOREACH r IN ARRAY '{sales_order,order_line,fulfillment_line,order_history,shipment,stock_movement}'::name[] LOOP
		EXECUTE format('CREATE TABLE bench.%I AS SELECT t.*, dense_rank() OVER (ORDER BY t.sales_order_id) AS n FROM usom.%1$I AS t WHERE t.sales_order_id IS NOT NULL', r);
	END LOOP;
	ANALYZE;
END
$$;

-- Guards off, except that the audit stays where wanted; and on again.  Indexes
-- stand still meanwhile: what follows bench.close() is REINDEX TABLE of each.
CREATE FUNCTION bench.tables() RETURNS regclass[] LANGUAGE sql IMMUTABLE
RETURN '{usom.sales_order,usom.order_line,usom.fulfillment_line,usom.order_history,usom.shipment,usom.stock_movement,usom.stock}'::regclass[];
CREATE FUNCTION bench.open(audited boolean) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	t record;
BEGIN
	INSERT INTO bench.switched SELECT g.tgrelid, g.tgname FROM pg_trigger AS g
	WHERE NOT g.tgisinternal AND g.tgenabled = 'A' AND g.tgparentid = 0 AND NOT (audited AND g.tgname LIKE 'audit\_%') AND g.tgrelid = ANY (bench.tables());
	FOR t IN SELECT * FROM bench.switched LOOP
		EXECUTE format('ALTER TABLE %s DISABLE TRIGGER %I', t.relation, t.tgname);
	END LOOP;
	UPDATE pg_index SET indisready = false WHERE indrelid = ANY (bench.tables()) AND indrelid <> 'usom.stock'::regclass;
END
$$;
CREATE FUNCTION bench.close() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	t record;
BEGIN
	FOR t IN DELETE FROM bench.switched RETURNING * LOOP
		EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER %I', t.relation, t.tgname);
	END LOOP;
END
$$;

-- Customers of the copies up to the number: one for twenty orders.
CREATE FUNCTION bench.make_buyers(copies integer) RETURNS TABLE (buyer bigint, buyers bigint) LANGUAGE plpgsql AS $$
BEGIN
	buyers := (SELECT (make_buyers.copies - s.copies) * s.orders / 20 FROM bench.span AS s);
	buyer := setval('usom.id_seq', usom.next_id() + buyers) - buyers;
	INSERT INTO usom.customer (customer_id, code) SELECT make_buyers.buyer + n, 'H' || make_buyers.buyer + n FROM generate_series(0, make_buyers.buyers - 1) AS n;
	RETURN NEXT;
END
$$;

-- The copies of all originals of a table, numbers $1 to $2.  prefix makes their numbers, shift their time.
CREATE FUNCTION bench.copy_rows(r name) RETURNS text LANGUAGE sql STABLE
RETURN (SELECT format('INSERT INTO usom.%I (%s) SELECT %s FROM (SELECT $1 AS first, $3::bigint AS base, $4::bigint AS buyer, $5::bigint AS buyers) AS b, bench.span AS s, generate_series($1, $2) AS k'
		' CROSS JOIN LATERAL (VALUES (to_char(k, ''"H"FM00000-''), k * interval ''5 hours'' - interval ''3 years'')) AS m (prefix, shift) CROSS JOIN bench.%1$I AS o ORDER BY k, o.n',
		r, string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum), string_agg(coalesce(x.expression, 'o.' || quote_ident(a.attname)), ', ' ORDER BY a.attnum))
	FROM pg_attribute AS a LEFT JOIN bench.changed AS x ON x.relation = r AND x.attribute = a.attname
	WHERE a.attrelid = format('usom.%I', r)::regclass AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '');

-- Every so many-th group of five copies from the first on, so that as many sessions can copy at once.
CREATE PROCEDURE bench.copy(first integer, last integer, buyer bigint, buyers bigint, sessions integer DEFAULT 1) LANGUAGE plpgsql AS $$
DECLARE
	r name;
	k integer := first;
	base bigint;
BEGIN
	SET session_replication_role = replica;
	SET jit = off;
	SET synchronous_commit = off;
	WHILE k <= last LOOP
		PERFORM pg_advisory_xact_lock(1);
		base := (SELECT setval('usom.id_seq', usom.next_id() + 5 * s.keys) - 5 * s.keys FROM bench.span AS s);
		COMMIT;
		FOREACH r IN ARRAY '{sales_order,order_line,fulfillment_line,shipment,stock_movement,order_history}'::name[] LOOP
			EXECUTE bench.copy_rows(r) USING k, least(k + 4, last), base, buyer, buyers;
		END LOOP;
		PERFORM usom.prepare_partitions();
		COMMIT;
		k := k + 5 * sessions;
	END LOOP;
END
$$;

-- The stock follows: what copies shipped is gone.
CREATE FUNCTION bench.settle(copies integer) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	UPDATE usom.stock AS t SET on_hand = t.on_hand + (settle.copies - s.copies) * o.delta
	FROM bench.span AS s, (SELECT product_id, location_id, lot, sum(delta) AS delta FROM bench.stock_movement GROUP BY 1, 2, 3) AS o
	WHERE t.org_id = usom.current_org() AND t.product_id = o.product_id AND t.location_id = o.location_id AND t.lot = o.lot;
	UPDATE bench.span SET copies = settle.copies;
END
$$;
