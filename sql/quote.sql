-- quote(): what placing an order would do, with nothing written.
SELECT count(*) > 0 AS installed FROM usom.install();
\set SHOW_CONTEXT never
BEGIN;
\set ON_ERROR_ROLLBACK on
INSERT INTO usom.location (code) VALUES ('QUO-A'), ('QUO-B');
INSERT INTO usom.product (sku, kind) VALUES ('QUO-1', 'physical'), ('QUO-2', 'physical'), ('QUO-POST', 'service');
INSERT INTO usom.price (sku, unit_price) VALUES ('QUO-1', 2.5), ('QUO-2', 10);
SELECT FROM usom.receive_stock('QUO-A', 'QUO-1', 10);
SELECT FROM usom.receive_stock('QUO-B', 'QUO-1', 3);
CREATE FUNCTION pg_temp.everything() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	name text;
	sum text := '';
	part text;
BEGIN
	FOR name IN SELECT relname FROM pg_class WHERE relnamespace = 'usom'::regnamespace AND relkind = 'r' ORDER BY 1 LOOP
		EXECUTE format('SELECT md5(string_agg(t::text, ''|'' ORDER BY t::text)) FROM usom.%I t', name) INTO part;
		sum := md5(sum || coalesce(part, ''));
	END LOOP;
	RETURN sum || (SELECT last_value FROM usom.order_no_seq);
END $$;
SELECT pg_temp.everything() AS before \gset

SELECT jsonb_pretty(q - 'promised_at' #- '{lines,0,pieces}' #- '{lines,1,pieces}' #- '{lines,2,pieces}') AS quote
FROM usom.quote('{"lines": [{"sku": "QUO-1", "quantity": 12}, {"sku": "QUO-2", "quantity": 1}, {"sku": "QUO-POST", "quantity": 1, "unit_price": 4}]}') q;
SELECT l->'line_no' AS line, p->>'location' AS location, p->>'status' AS status, p->'quantity' AS quantity, p->>'promised_at' IS NOT NULL AS promised
FROM usom.quote('{"lines": [{"sku": "QUO-1", "quantity": 12}, {"sku": "QUO-2", "quantity": 1}]}') q, jsonb_array_elements(q->'lines') l, jsonb_array_elements(l->'pieces') p ORDER BY 1, 2;
-- all that is wrong, at once
SELECT jsonb_pretty(usom.quote('{"channel": "pigeon", "customer": "QUO-NOBODY", "lines": [{"sku": "QUO-1", "quantity": 1, "location": "QUO-C"}, {"sku": "QUO-3", "quantity": 1}]}'));
SELECT usom.quote('{"lines": [{"sku": "QUO-1", "quantity": -1}]}')->'problems';
SELECT usom.quote('{"lines": []}')->'problems'->0->>'message' AS message;
SELECT usom.quote('[]')->'valid' AS valid, usom.quote('{"colour": "red"}')->'valid' AS valid;
SELECT usom.quote(NULL);
SELECT usom.quote('{"instructions": "card 4111111111111111", "lines": [{"sku": "QUO-1", "quantity": 1}]}');
SELECT pg_temp.everything() = :'before' AS untouched;

-- quoted twice, then placed: the same, and then it is a repeat
SELECT q->'total' AS total, q->'quantity_reserved' AS reserved FROM usom.quote('{"external_id": "QUO-X", "lines": [{"sku": "QUO-1", "quantity": 4}]}') q;
SELECT q->'total' AS total, q->'quantity_reserved' AS reserved FROM usom.quote('{"external_id": "QUO-X", "draft": true, "lines": [{"sku": "QUO-1", "quantity": 4}]}') q;
SELECT total, quantity_reserved FROM usom.place_order('{"external_id": "QUO-X", "lines": [{"sku": "QUO-1", "quantity": 4}]}');
SELECT q->'valid' AS valid, q->'problems'->0->>'code' AS code FROM usom.quote('{"external_id": "QUO-X", "lines": [{"sku": "QUO-1", "quantity": 4}]}') q;
SELECT q->'problems'->0->>'code' AS code FROM usom.quote('{"external_id": "QUO-X", "lines": [{"sku": "QUO-1", "quantity": 5}]}') q;
-- with a customer, an address, instructions: nobody is written either
INSERT INTO usom.customer (code) VALUES ('QUO-CUST');
SELECT pg_temp.everything() AS before \gset
SELECT q->'valid' AS valid, q->'total' AS total FROM usom.quote('{"customer": "QUO-CUST", "ship_to": {"name": "Ada", "city": "Leeds", "country": "GB"}, "instructions": "ring twice", "lines": [{"sku": "QUO-2", "quantity": 2}]}') q;
SELECT q->'valid' AS valid, q->'total' AS total FROM usom.quote('{"ship_to": {"name": "Ada", "city": "Leeds", "country": "GB"}, "lines": [{"sku": "QUO-2", "quantity": 2}]}') q;
SELECT pg_temp.everything() = :'before' AS untouched;
-- quotes leave no trace in the audit
SELECT count(*) FILTER (WHERE verb = 'quote') AS quotes FROM usom.audit;
SELECT * FROM usom.verify();
ROLLBACK;
