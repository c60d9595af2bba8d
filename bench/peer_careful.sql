-- The careful peer: the twin's tables written by a few statements over sets.
-- Foreign keys inside the order only, one jsonb audit row for a statement.  The
-- document is taken apart into arrays first: a join of arrays is planned for
-- ten lines and goes by the index, one of the document itself for a hundred,
-- and would read all products.  Plans are made once: left to itself the server
-- would plan the statement of the stock anew for each order.
SET client_min_messages = warning;
CREATE SCHEMA careful;

DO $$
DECLARE
	item record;
BEGIN
	FOR item IN SELECT relname, reloptions FROM pg_class WHERE relnamespace = 'twin'::regnamespace AND relkind = 'r' LOOP
		EXECUTE format('CREATE TABLE careful.%1$I (LIKE twin.%1$I INCLUDING ALL)%2$s', item.relname,
			' WITH (' || array_to_string(item.reloptions, ', ') || ')');
		EXECUTE format('INSERT INTO careful.%1$I SELECT * FROM twin.%1$I', item.relname);
	END LOOP;
END
$$;
ALTER TABLE careful.order_line ADD FOREIGN KEY (order_id) REFERENCES careful.orders;
ALTER TABLE careful.reservation ADD FOREIGN KEY (order_line_id) REFERENCES careful.order_line;
ALTER TABLE careful.audit_log ALTER client_addr DROP DEFAULT;

CREATE FUNCTION careful.audit_insert() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO careful.audit_log (table_name, operation, new_row) SELECT TG_TABLE_NAME, TG_OP, jsonb_agg(to_jsonb(n)) FROM newer n;
	RETURN NULL;
END
$$;
CREATE FUNCTION careful.audit_update() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO careful.audit_log (table_name, operation, old_row, new_row)
	SELECT TG_TABLE_NAME, TG_OP, (SELECT jsonb_agg(to_jsonb(o)) FROM older o), (SELECT jsonb_agg(to_jsonb(n)) FROM newer n);
	RETURN NULL;
END
$$;

CREATE FUNCTION careful.place_order(document jsonb)
RETURNS TABLE (order_no text, status text, total numeric, quantity_reserved numeric, quantity_backordered numeric)
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan AS $$
DECLARE
	references_found record;
	the_order_id bigint;
	the_order_no text;
	skus text[];
	products bigint[];
	quantities numeric[];
	prices numeric[];
	locations bigint[];
	order_total numeric;
BEGIN
	SELECT c.id AS channel_id, u.id AS customer_id,
		(SELECT to_jsonb(a) - 'customer_id' - 'address_no' FROM careful.customer_address a WHERE a.customer_id = u.id AND a.address_no = 1) AS address
	INTO references_found
	FROM careful.channel c LEFT JOIN careful.customer u ON u.code = document->>'customer' AND u.active
	WHERE c.code = document->>'channel' AND c.active;
	IF NOT FOUND OR (references_found.customer_id IS NULL AND document->>'customer' IS NOT NULL) THEN
		RAISE EXCEPTION 'unknown channel % or customer %', document->>'channel', document->>'customer';
	END IF;

	SELECT array_agg(l.value->>'sku' ORDER BY l.ordinality), array_agg((l.value->>'quantity')::numeric ORDER BY l.ordinality),
		array_agg((l.value->>'unit_price')::numeric ORDER BY l.ordinality),
		sum(round((l.value->>'quantity')::numeric * (l.value->>'unit_price')::numeric, 4))
	INTO skus, quantities, prices, order_total
	FROM jsonb_array_elements(document->'lines') WITH ORDINALITY AS l;
	SELECT array_agg(p.id ORDER BY l.n) INTO products
	FROM unnest(skus) WITH ORDINALITY AS l (sku, n) JOIN careful.product p ON p.sku = l.sku AND p.active;
	IF coalesce(cardinality(products), 0) <> cardinality(skus) THEN
		RAISE EXCEPTION 'unknown product';
	END IF;

	INSERT INTO careful.orders (order_no, channel_id, customer_id, external_id, currency, ship_to, status, total)
	VALUES ('SO-' || lpad(nextval('twin.order_no')::text, 6, '0'), references_found.channel_id, references_found.customer_id,
		document->>'external_id', coalesce(document->>'currency', 'EUR'), coalesce(document->'ship_to', references_found.address), 'confirmed', order_total)
	RETURNING orders.id, orders.order_no INTO the_order_id, the_order_no;

	WITH locked AS (
		SELECT s.product_id, s.location_id, s.on_hand - s.reserved AS available
		FROM careful.stock s JOIN careful.location o ON o.id = s.location_id AND o.active
		WHERE s.product_id = ANY (products) ORDER BY s.product_id, s.location_id FOR NO KEY UPDATE OF s
	)
	SELECT array_agg((SELECT k.location_id FROM locked k WHERE k.product_id = w.product_id AND k.available >= w.wanted LIMIT 1) ORDER BY w.n)
	INTO locations
	FROM (SELECT l.n, l.product_id, sum(l.quantity) OVER (PARTITION BY l.product_id ORDER BY l.n) AS wanted
		FROM unnest(products, quantities) WITH ORDINALITY AS l (product_id, quantity, n)) AS w;
	UPDATE careful.stock s SET reserved = s.reserved + t.quantity
	FROM (SELECT l.product_id, l.location_id, sum(l.quantity) AS quantity
		FROM unnest(products, quantities, locations) AS l (product_id, quantity, location_id)
		WHERE l.location_id IS NOT NULL GROUP BY 1, 2) AS t
	WHERE s.product_id = t.product_id AND s.location_id = t.location_id;

	WITH written AS (
		INSERT INTO careful.order_line (order_id, line_no, product_id, quantity, unit_price, total, quantity_reserved, quantity_backordered)
		SELECT the_order_id, l.n, l.product_id, l.quantity, l.price, round(l.quantity * l.price, 4),
			CASE WHEN l.location_id IS NOT NULL THEN l.quantity ELSE 0 END, CASE WHEN l.location_id IS NULL THEN l.quantity ELSE 0 END
		FROM unnest(products, quantities, prices, locations) WITH ORDINALITY AS l (product_id, quantity, price, location_id, n)
		RETURNING id, line_no, product_id, quantity
	)
	INSERT INTO careful.reservation (order_line_id, product_id, location_id, status, quantity, promised_at)
	SELECT w.id, w.product_id, locations[w.line_no], CASE WHEN locations[w.line_no] IS NULL THEN 'backordered' ELSE 'reserved' END, w.quantity,
		CASE WHEN locations[w.line_no] IS NOT NULL THEN now() END
	FROM written w;
	INSERT INTO careful.order_history (order_id, to_status) VALUES (the_order_id, 'confirmed');

	RETURN QUERY SELECT the_order_no, 'confirmed', order_total, sum(l.quantity) FILTER (WHERE l.location_id IS NOT NULL),
		coalesce(sum(l.quantity) FILTER (WHERE l.location_id IS NULL), 0)
	FROM unnest(quantities, locations) AS l (quantity, location_id);
END
$$;

DO $$
DECLARE
	table_name text;
BEGIN
	FOREACH table_name IN ARRAY ARRAY['orders', 'order_line', 'reservation', 'stock'] LOOP
		EXECUTE format('CREATE TRIGGER audit_insert AFTER INSERT ON careful.%I REFERENCING NEW TABLE AS newer '
			'FOR EACH STATEMENT EXECUTE FUNCTION careful.audit_insert()', table_name);
		EXECUTE format('CREATE TRIGGER audit_update AFTER UPDATE ON careful.%I REFERENCING OLD TABLE AS older NEW TABLE AS newer '
			'FOR EACH STATEMENT EXECUTE FUNCTION careful.audit_update()', table_name);
	END LOOP;
END
$$;
VACUUM ANALYZE careful.product, careful.stock;
