-- What documents name is read past the executor, or by statements: both find the same.
\getenv srcdir PG_ABS_SRCDIR
\set helpers :srcdir '/sql/include/helpers.sql'
\set ECHO none
\i :helpers
\set ECHO all
\pset format unaligned
SET timezone = 'UTC';
INSERT INTO usom.organisation (code) VALUES ('fetch'), ('fetch other');
SET usom.org = 'fetch other';
-- what another organisation has by the same codes
INSERT INTO usom.product (sku) VALUES ('FET-ELSEWHERE'), ('FET-1');
INSERT INTO usom.customer (code, name, substitution) VALUES ('FET-A', 'Somebody else', 'allowed');
SET usom.org = 'fetch';
INSERT INTO usom.location (code, active) VALUES ('FET-L', true), ('FET-M', true), ('FET-OFF', false);
INSERT INTO usom.product (sku, kind, kit_policy, decoupling, tracking, active) VALUES
	('FET-1', 'physical', 'whole', 'make_to_stock', 'none', true), ('FET-2', 'physical', 'whole', 'assemble', 'none', true),
	('FET-MTO', 'physical', 'whole', 'make_to_order', 'none', true), ('FET-ETO', 'physical', 'parts', 'engineer_to_order', 'none', true),
	('FET-SERIAL', 'physical', 'whole', 'make_to_stock', 'serial', true), ('FET-MTO-SERIAL', 'physical', 'whole', 'make_to_order', 'serial', true),
	('FET-POST', 'service', 'whole', 'make_to_stock', 'none', true), ('FET-OLD', 'physical', 'whole', 'make_to_stock', 'none', false),
	('FET-WHOLE', 'kit', 'whole', 'make_to_stock', 'none', true), ('FET-PARTS', 'kit', 'parts', 'make_to_order', 'none', true);
INSERT INTO usom.kit_component (kit_product_id, component_product_id, quantity)
	SELECT usom.product_id(k), usom.product_id(c), q FROM unnest(ARRAY['FET-WHOLE', 'FET-PARTS']) k, (VALUES ('FET-1', 1), ('FET-2', 3)) AS v (c, q);
INSERT INTO usom.price (sku, unit_price, per, currency, valid_from, valid_to) VALUES
	('FET-1', 10, 1, 'EUR', '-infinity', NULL), ('FET-1', 9, 1, 'EUR', '2020-01-01', '2020-02-01'), ('FET-1', 8, 1, 'EUR', '2021-01-01', NULL), ('FET-1', 11.5, 1, 'USD', '-infinity', NULL),
	('FET-2', 1.2345, 1, 'EUR', '2022-01-01', '2022-02-01'), ('FET-POST', 49, 10, 'EUR', '-infinity', NULL), ('FET-OLD', 3, 1, 'EUR', '-infinity', NULL);
INSERT INTO usom.customer (code, name, substitution) VALUES ('FET-A', 'A. Buyer', 'none'), ('FET-B', 'B. Buyer', 'allowed'), ('FET-GONE', 'G. One', 'none'), ('FET-RETIRED', 'R. Tired', 'allowed');
INSERT INTO usom.customer_address (customer_id, address_no, name, line1, city, country) VALUES
	(usom.customer_id('FET-A'), 1, 'Ann', 'High Street 1', 'Leeds', 'GB'), (usom.customer_id('FET-A'), 2, 'Ann', 'Low Street 2', 'York', 'GB'),
	(usom.customer_id('FET-B'), 2, 'Bob', 'Side Street 3', 'Ghent', 'BE'), (usom.customer_id('FET-GONE'), 1, 'Gil', 'Back Street 4', 'Lille', 'FR');
SELECT usom.erase_customer('FET-GONE', 'asked for') IS NOT NULL AS erased;
UPDATE usom.customer SET active = false WHERE code = 'FET-RETIRED' AND org_id = usom.current_org();
SELECT usom.receive_stocks('[{"location": "FET-L", "sku": "FET-1", "quantity": 50}, {"location": "FET-M", "sku": "FET-1", "quantity": 50}, {"location": "FET-L", "sku": "FET-2", "quantity": 500}]');
-- What an order says of what it found; then it is undone.
CREATE FUNCTION pg_temp.found(document jsonb) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	p record;
	told text;
	detail text;
BEGIN
	SELECT * INTO p FROM usom.place_order(document);
	told := (SELECT jsonb_build_object('placed', to_jsonb(p) - ARRAY['order_no', 'promised_at'], 'order', to_jsonb(o) - ARRAY['order_no', 'placed_at', 'changed_at', 'created_at', 'external_id', 'promised_at'])
			FROM usom.orders o WHERE o.order_no = p.order_no)
		|| coalesce((SELECT string_agg(to_jsonb(l)::text, ' ' ORDER BY line_no) FROM (SELECT line_no, sku, quantity, unit_price, location, substitution, status FROM usom.order_lines WHERE order_no = p.order_no) l), '')
		|| coalesce((SELECT string_agg(to_jsonb(f)::text, ' ' ORDER BY line_no, piece_no) FROM (SELECT line_no, piece_no, quantity, sku, location, status FROM usom.order_pieces WHERE order_no = p.order_no) f), '');
	RAISE EXCEPTION USING ERRCODE = 'ZZ000', MESSAGE = told;
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
	RETURN pg_temp.mask(CASE WHEN SQLSTATE = 'ZZ000' THEN SQLERRM ELSE concat_ws(' ', SQLSTATE, SQLERRM, detail) END);
END
$$;
CREATE FUNCTION pg_temp.both(document jsonb) RETURNS TABLE (same boolean, said text) LANGUAGE plpgsql AS $$
DECLARE
	stated text;
BEGIN
	SET LOCAL usom.direct = off;
	stated := pg_temp.found(document);
	SET LOCAL usom.direct = on;
	said := pg_temp.found(document);
	same := said IS NOT DISTINCT FROM stated;
	-- what was refused in full, of orders the lines and pieces
	said := CASE WHEN said LIKE '{%' THEN substr(said, strpos(said, '}{') + 1) ELSE said END;
	RETURN NEXT;
END
$$;
CREATE FUNCTION pg_temp.line(sku text, more jsonb DEFAULT '{}') RETURNS jsonb LANGUAGE sql AS $$SELECT jsonb_build_object('sku', sku, 'quantity', 2) || more$$;
-- Products of all kinds, with prices of all times.
SELECT sku, b.* FROM unnest(ARRAY['FET-1', 'FET-2', 'FET-MTO', 'FET-ETO', 'FET-SERIAL', 'FET-MTO-SERIAL', 'FET-POST', 'FET-OLD', 'FET-WHOLE', 'FET-PARTS', 'FET-ELSEWHERE', 'fet-1']) sku,
	pg_temp.both(jsonb_build_object('lines', jsonb_build_array(pg_temp.line(sku)))) b;
SELECT at, currency, b.* FROM unnest(ARRAY['2019-06-01', '2020-01-01', '2020-01-31T23:59:59Z', '2020-02-01', '2021-01-01', '2022-01-15', '2023-01-01']) at, unnest(ARRAY['EUR', 'USD', 'GBP']) currency,
	pg_temp.both(jsonb_build_object('placed_at', at, 'currency', currency, 'lines', jsonb_build_array(pg_temp.line('FET-1'), pg_temp.line('FET-2'), pg_temp.line('FET-POST')))) b;
SELECT location, b.* FROM unnest(ARRAY['FET-L', 'FET-M', 'FET-OFF', 'FET-N']) location,
	pg_temp.both(jsonb_build_object('lines', jsonb_build_array(pg_temp.line('FET-1', jsonb_build_object('location', location)), pg_temp.line('FET-2', '{"unit_price": 1}')))) b;
-- Customers of all kinds, with addresses and without, with something to seal and without.
SELECT customer, left(extra::text, 20) AS extra, b.* FROM unnest(ARRAY['FET-A', 'FET-B', 'FET-GONE', 'FET-RETIRED', 'FET-NOBODY', NULL]) customer,
	unnest(ARRAY['{}', '{"ship_to": {"name": "Eve", "city": "Rome", "country": "IT"}}', '{"instructions": "ring twice"}', '{"ship_to": {"country": "IT"}}']::jsonb[]) WITH ORDINALITY e (extra, n),
	pg_temp.both(jsonb_strip_nulls(jsonb_build_object('customer', customer)) || extra || jsonb_build_object('lines', jsonb_build_array(pg_temp.line('FET-POST')))) b ORDER BY customer, n;
-- External ids: the same document, another one, with and without a person, of somebody who was erased since.
CREATE TEMP TABLE documents (name text PRIMARY KEY, document jsonb);
INSERT INTO documents VALUES
	('bare', '{"external_id": "fet 1", "lines": [{"sku": "FET-POST", "quantity": 1}]}'),
	('known', '{"external_id": "fet 2", "customer": "FET-A", "instructions": "ring twice", "lines": [{"sku": "FET-POST", "quantity": 1}]}'),
	('guest', '{"external_id": "fet 3", "ship_to": {"name": "Eve", "city": "Rome", "country": "IT"}, "lines": [{"sku": "FET-POST", "quantity": 1}]}'),
	('lost', '{"external_id": "fet 4", "ship_to": {"name": "Leo", "city": "Rome", "country": "IT"}, "lines": [{"sku": "FET-POST", "quantity": 1}]}');
SELECT count(o.order_no) FROM documents, usom.place_order(document) o;
SELECT usom.cancel_order(order_no, 'changed their mind') IS NOT NULL AS cancelled FROM usom.orders WHERE external_id = 'fet 4';
SELECT usom.erase_order_person(order_no, 'asked for') IS NOT NULL AS erased FROM usom.orders WHERE external_id = 'fet 4';
SELECT name, left(extra::text, 30) AS extra, b.same, left(b.said, 110) AS said FROM documents, unnest(ARRAY['{}', '{"revision": 2}', '{"instructions": "no bell"}', '{"ship_to": {"name": "Eva"}}', '{"customer": "FET-B"}', '{"channel": "pos"}']::jsonb[]) extra,
	pg_temp.both(document || extra) b ORDER BY 1, 2;
SELECT usom._direct_reads() @> '{customer_address_pkey,customer_code_unique,erasure_pkey,location_code_unique,price_once_at_a_time,product_sku_unique,sales_order_external_unique,vault_key_pkey}' AS direct;
SELECT usom._direct_inserts() @> '{address,vault_key}' AS people_are_written_directly;
-- Keys by code.
CREATE FUNCTION pg_temp.keys() RETURNS text LANGUAGE sql AS $$
	SELECT jsonb_build_array(usom.product_id('FET-1'), usom.product_id('FET-OLD'), usom.location_id('FET-OFF'), usom.customer_id('FET-A'), usom.customer_id('FET-RETIRED'), usom.channel_id('pos'))::text
$$;
SELECT pg_temp.keys() AS direct, (SELECT product_id FROM usom.product WHERE sku = 'FET-1' AND org_id = usom.current_org()) = usom.product_id('FET-1') AS own \gset
SELECT pg_temp.refused($$SELECT usom.product_id('FET-ELSEWHERE')$$);
SET usom.direct = off;
SELECT pg_temp.keys() = :'direct' AS same, :'own' AS own;
SELECT pg_temp.refused($$SELECT usom.product_id('FET-ELSEWHERE')$$);
RESET usom.direct;
-- As many statements.
CREATE FUNCTION pg_temp.statements(document jsonb) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	before bigint := usom._statement_count();
BEGIN
	PERFORM usom.place_order(document);
	RETURN usom._statement_count() - before;
END
$$;
-- once before, since some are asked once a session
SELECT count(pg_temp.statements(document || jsonb_build_object('external_id', name || '0'))) FROM documents WHERE name <> 'bare';
SELECT name, direct - stated AS more FROM (
	SELECT name, pg_temp.statements(document || jsonb_build_object('external_id', name || '1')) AS direct, set_config('usom.direct', 'off', false),
		pg_temp.statements(document || jsonb_build_object('external_id', name || '2')) AS stated, set_config('usom.direct', 'on', false) FROM documents WHERE name <> 'bare' ORDER BY 1) c ORDER BY name;
-- Random documents, the same ones each time.
SELECT setseed(0.42) \g /dev/null
CREATE FUNCTION pg_temp.any_of(VARIADIC of text[]) RETURNS text LANGUAGE sql VOLATILE AS $$SELECT of[1 + floor(random() * cardinality(of))::integer]$$;
CREATE TEMP TABLE random_documents AS SELECT n, jsonb_strip_nulls(jsonb_build_object(
		'customer', pg_temp.any_of('FET-A', 'FET-B', 'FET-GONE', 'FET-RETIRED', 'FET-NOBODY', NULL, NULL), 'channel', pg_temp.any_of('manual', 'no such channel', NULL, NULL, NULL, NULL),
		'external_id', pg_temp.any_of('fet 1', 'fet 2', 'fet 3', 'fet 4', 'fet 5', NULL, NULL, NULL, NULL, NULL), 'currency', pg_temp.any_of('EUR', 'USD', NULL), 'instructions', pg_temp.any_of('knock', NULL, NULL),
		'placed_at', pg_temp.any_of('2020-01-15', '2020-03-01', '2022-01-15', NULL),
		'lines', (SELECT jsonb_agg(jsonb_build_object('sku', pg_temp.any_of('FET-1', 'FET-2', 'FET-MTO', 'FET-POST', 'FET-WHOLE', 'FET-PARTS', 'FET-POST', 'FET-1', 'FET-2', 'FET-OLD', 'FET-SERIAL'), 'quantity', i,
			'unit_price', pg_temp.any_of('1.5', NULL)::numeric, 'location', pg_temp.any_of('FET-L', 'FET-M', NULL, NULL, NULL))) FROM generate_series(1, 1 + n % 4) i))) AS document
	FROM generate_series(1, 300) n;
SELECT count(*), count(*) FILTER (WHERE b.same) AS same, count(*) FILTER (WHERE b.said LIKE '{%') > 50 AS many_placed, count(*) FILTER (WHERE b.said NOT LIKE '{%') > 50 AS many_refused FROM random_documents, pg_temp.both(document) b;
-- What the transaction itself has written is seen, and no longer when it is undone.
BEGIN;
INSERT INTO usom.product (sku) VALUES ('FET-NEW');
SAVEPOINT s;
UPDATE usom.product SET decoupling = 'make_to_order' WHERE sku = 'FET-NEW' AND org_id = usom.current_org();
SELECT * FROM pg_temp.both('{"lines": [{"sku": "FET-NEW", "quantity": 1}]}');
ROLLBACK TO s;
SELECT * FROM pg_temp.both('{"lines": [{"sku": "FET-NEW", "quantity": 1}]}');
ROLLBACK;
SELECT * FROM pg_temp.both('{"lines": [{"sku": "FET-NEW", "quantity": 1}]}');
-- Tables that others have changed: what is not the same is read by statements, and directly again when it is undone.
CREATE FUNCTION pg_temp.still(index_name text, document jsonb) RETURNS TABLE (same boolean, direct boolean) LANGUAGE plpgsql AS $$
BEGIN
	same := (SELECT b.same FROM pg_temp.both(document) b);
	direct := index_name = ANY (usom._direct_reads());
	RETURN NEXT;
END
$$;
\set d '{"customer": "FET-A", "external_id": "fet 9", "lines": [{"sku": "FET-1", "quantity": 1}, {"sku": "FET-PARTS", "quantity": 1}]}'
BEGIN;
ALTER TABLE usom.product FORCE ROW LEVEL SECURITY;
SELECT 'forced' AS what, * FROM pg_temp.still('product_sku_unique', :'d');
ALTER TABLE usom.product NO FORCE ROW LEVEL SECURITY;
SELECT 'as before' AS what, * FROM pg_temp.still('product_sku_unique', :'d');
ALTER TABLE usom.product ADD COLUMN fetch_note text DEFAULT 'noted ' || 1, DROP COLUMN attributes CASCADE;
SELECT 'columns come and go' AS what, * FROM pg_temp.still('product_sku_unique', :'d');
CREATE TABLE public.fetch_heir () INHERITS (usom.product);
SELECT 'an heir' AS what, * FROM pg_temp.still('product_sku_unique', :'d');
ROLLBACK;
BEGIN;
ALTER INDEX usom.product_sku_unique RENAME TO product_sku_once;
SELECT 'renamed' AS what, * FROM pg_temp.still('product_sku_unique', :'d');
ROLLBACK;
BEGIN;
ALTER TABLE usom.customer DROP CONSTRAINT customer_code_unique;
SELECT 'gone' AS what, * FROM pg_temp.still('customer_code_unique', :'d');
CREATE UNIQUE INDEX customer_code_unique ON usom.customer (org_id, code) WHERE active;
SELECT 'leaves out others' AS what, * FROM pg_temp.still('customer_code_unique', :'d');
DROP INDEX usom.customer_code_unique;
CREATE INDEX customer_code_unique ON usom.customer (org_id, code DESC, name);
SELECT 'backwards' AS what, * FROM pg_temp.still('customer_code_unique', :'d');
DROP INDEX usom.customer_code_unique;
CREATE INDEX customer_code_unique ON usom.customer (org_id, code text_pattern_ops);
SELECT 'another class' AS what, * FROM pg_temp.still('customer_code_unique', :'d');
DROP INDEX usom.customer_code_unique;
CREATE INDEX customer_code_unique ON usom.customer (org_id, code COLLATE "POSIX");
SELECT 'another collation' AS what, * FROM pg_temp.still('customer_code_unique', :'d');
DROP INDEX usom.customer_code_unique;
CREATE INDEX customer_code_unique ON usom.customer (code, org_id);
SELECT 'other columns' AS what, * FROM pg_temp.still('customer_code_unique', :'d');
DROP INDEX usom.customer_code_unique;
CREATE INDEX customer_code_unique ON usom.customer (org_id, lower(code));
SELECT 'an expression' AS what, * FROM pg_temp.still('customer_code_unique', :'d');
DROP INDEX usom.customer_code_unique;
CREATE INDEX customer_code_unique ON usom.customer USING hash (code);
SELECT 'no btree' AS what, * FROM pg_temp.still('customer_code_unique', :'d');
DROP INDEX usom.customer_code_unique;
CREATE INDEX customer_code_unique ON usom.organisation (org_id, code);
SELECT 'of another table' AS what, * FROM pg_temp.still('customer_code_unique', :'d');
ROLLBACK;
-- kits are taken apart in the order of the index
BEGIN;
SELECT 'as it was' AS what, * FROM pg_temp.still('kit_component_pkey', :'d');
ALTER TABLE usom.kit_component DROP CONSTRAINT kit_component_pkey;
CREATE UNIQUE INDEX kit_component_pkey ON usom.kit_component (org_id, kit_product_id, quantity, component_product_id);
SELECT 'sorted otherwise' AS what, * FROM pg_temp.still('kit_component_pkey', :'d');
DROP INDEX usom.kit_component_pkey;
CREATE UNIQUE INDEX kit_component_pkey ON usom.kit_component (org_id, kit_product_id, component_product_id, quantity);
SELECT 'sorted the same' AS what, * FROM pg_temp.still('kit_component_pkey', :'d');
ROLLBACK;
-- kits in kits, and what is refused
BEGIN;
INSERT INTO usom.product (sku, kind, active) VALUES ('FET-SET', 'kit', true), ('FET-EMPTY', 'kit', true), ('FET-ODD', 'kit', true);
INSERT INTO usom.kit_component (kit_product_id, component_product_id, quantity) SELECT usom.product_id(k), usom.product_id(c), q
	FROM (VALUES ('FET-SET', 'FET-WHOLE', 2), ('FET-SET', 'FET-1', 0.5), ('FET-ODD', 'FET-OLD', 1)) AS v (k, c, q);
SELECT sku, b.* FROM unnest(ARRAY['FET-SET', 'FET-EMPTY', 'FET-ODD']) sku, pg_temp.both(jsonb_build_object('lines', jsonb_build_array(pg_temp.line(sku), pg_temp.line('FET-PARTS')))) b;
ROLLBACK;
BEGIN;
REVOKE SELECT ON usom.customer FROM usom_owner;
SELECT 'no right' AS what, * FROM pg_temp.still('customer_code_unique', :'d');
ROLLBACK;
BEGIN;
ALTER TABLE usom.erasure OWNER TO CURRENT_USER;
SELECT 'another owner' AS what, b.same, 'erasure_pkey' = ANY (usom._direct_reads()) AS direct FROM documents, pg_temp.both(document) b WHERE name = 'guest';
ROLLBACK;
SELECT 'as before' AS what, * FROM pg_temp.still('customer_code_unique', :'d');
SELECT b.same, usom._direct_reads() @> '{customer_code_unique,erasure_pkey,product_sku_unique,sales_order_external_unique}' AS direct FROM documents, pg_temp.both(document) b WHERE name = 'guest';
SELECT * FROM usom.verify();
