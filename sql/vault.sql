-- What is kept about people: sealed on its way in, read by those who may, gone when erased.
SET client_min_messages = warning;
\pset format unaligned
INSERT INTO usom.organisation (code) VALUES ('vault');
SET usom.org = 'vault';
UPDATE usom.document_counter SET gap_free = true WHERE org_id = usom.current_org();
INSERT INTO usom.product (sku) VALUES ('VLT-1');
INSERT INTO usom.location (code) VALUES ('VLT-A');
SELECT on_hand FROM usom.receive_stock('VLT-A', 'VLT-1', 1000);

-- ---- customers: every way in ends sealed ----
INSERT INTO usom.customer (code, name, email, phone) VALUES ('ann', 'Änn Marker', 'Ann@Example.org', '+49 (30) 123'), ('bob', NULL, NULL, NULL), ('cy', 'Cy', '', NULL)
	RETURNING code, usom._is_sealed(name) AS name, name LIKE '%Marker%' AS clear;
COPY usom.customer (code, name) FROM stdin;
dan	Dan Marker
eve	Eve Marker
\.
SELECT customer, name, email, phone FROM usom.customers ORDER BY customer;
-- The text alone is changed that is written; null and '' are what they are.
UPDATE usom.customer SET phone = '0049 30 456' WHERE code = 'ann';
UPDATE usom.customer SET email = NULL, phone = '', name = 'Bob' WHERE code = 'bob';
UPDATE usom.customer SET active = active;
SELECT customer, name, email, phone, phone IS NULL AS no_phone FROM usom.customers WHERE customer IN ('ann', 'bob') ORDER BY customer;
-- ON CONFLICT sees EXCLUDED sealed for a row that never comes to be.
INSERT INTO usom.customer (code, name, email) VALUES ('ann', 'Ann Upsert', 'ann@upsert.org'), ('fay', 'Fay', 'fay@example.org')
	ON CONFLICT (org_id, code) DO UPDATE SET name = EXCLUDED.name, email = EXCLUDED.email RETURNING code;
MERGE INTO usom.customer c USING (VALUES ('ann', '030 789'), ('gus', '1')) AS s (code, phone) ON c.org_id = usom.current_org() AND c.code = s.code
	WHEN MATCHED THEN UPDATE SET phone = s.phone WHEN NOT MATCHED THEN INSERT (code, phone) VALUES (s.code, s.phone);
SELECT customer, name, email, phone FROM usom.customers WHERE customer IN ('ann', 'fay', 'gus') ORDER BY customer;
INSERT INTO usom.customer (customer_id, code, name, email) VALUES (usom.customer_id('ann'), 'ann', 'Ann Upsert', 'ann@upsert.org')
	ON CONFLICT (org_id, customer_id) DO UPDATE SET name = EXCLUDED.name, email = EXCLUDED.email RETURNING code;
SELECT customer, name, email, (SELECT array_agg(f.customer) FROM usom.find_customers('ann@upsert.org') f) AS found FROM usom.customers WHERE customer = 'ann';
-- A text that was sealed for one customer and is written to another is sealed anew.
UPDATE usom.customer SET name = (SELECT name FROM usom.customer WHERE org_id = usom.current_org() AND code = 'fay') WHERE code = 'gus';
SELECT customer, name FROM usom.customers WHERE customer = 'gus';
SELECT count(*) AS customers, count(k.key) AS keys FROM usom.customer c LEFT JOIN usom.vault_key k ON k.org_id = c.org_id AND k.person_id = c.customer_id WHERE c.org_id = usom.current_org();
-- One key a customer and the organisation's own: drafts of EXCLUDED are not kept.
SELECT count(*) AS keys FROM usom.vault_key WHERE org_id = usom.current_org();
-- In one statement with its address; after a savepoint that took the customer back.
BEGIN;
SAVEPOINT s;
INSERT INTO usom.customer (org_id, customer_id, code, name) VALUES (usom.current_org(), -5, 'hal', 'Hal');
ROLLBACK TO s;
INSERT INTO usom.customer (org_id, customer_id, code, name) VALUES (usom.current_org(), -5, 'hal', 'Hal again');
SELECT customer, name FROM usom.customers WHERE customer = 'hal';
COMMIT;
WITH c AS (INSERT INTO usom.customer (code, name) VALUES ('ida', 'Ida') RETURNING customer_id)
INSERT INTO usom.customer_address (customer_id, name, line1, line2, postcode, city, country, latitude, longitude)
SELECT customer_id, 'Ida', 'Marker Road 1', 'c/o X', 'LS1 4AB', 'Leeds', 'GB', 53.961234, -1.078901 FROM c;
INSERT INTO usom.customer_address (customer_id, address_no, name, postcode, country) VALUES (usom.customer_id('ida'), 2, 'Ida', 'the marker house', 'DE');
SELECT * FROM usom.addresses ORDER BY customer, address_no;
SELECT address_no, postcode LIKE 'usom1:%' AS postcode_sealed, postcode IS NOT DISTINCT FROM 'LS1 4AB' AS postcode_clear, country, latitude FROM usom.customer_address WHERE customer_id = usom.customer_id('ida') ORDER BY address_no;

-- ---- found by e-mail and phone ----
SELECT * FROM usom.find_customers('  ANN@upsert.ORG ');
SELECT * FROM usom.find_customers('030789');
SELECT * FROM usom.find_customers('ann@example.org');
SELECT * FROM usom.find_customers('');

-- ---- orders ----
-- A snapshot of the customer's address, which may change meanwhile.
SELECT order_no AS o FROM usom.place_order('{"customer": "ida", "lines": [{"sku": "VLT-1", "quantity": 1}]}') \gset
UPDATE usom.customer_address SET line1 = 'Marker Lane 2' WHERE customer_id = usom.customer_id('ida') AND address_no = 1;
SELECT order_no AS o2 FROM usom.place_order('{"customer": "ida", "lines": [{"sku": "VLT-1", "quantity": 1}]}') \gset
SELECT ship_to->>'line1' AS line1 FROM usom.orders WHERE customer = 'ida' ORDER BY order_no;
-- One of its own for addresses, one for keys of guests; an unchanged statement count for those without.
SELECT usom._statement_count() AS before \gset
SELECT order_no AS bare FROM usom.place_order('{"lines": [{"sku": "VLT-1", "quantity": 1}]}') \gset
SELECT usom._statement_count() - :before AS plain \gset
SELECT usom._statement_count() AS before \gset
SELECT order_no AS g FROM usom.place_order('{"external_id": "G-1", "instructions": "ring for Marker", "ship_to": {"name": "Gil Marker", "line1": "Low Road 2", "postcode": "1010 AA", "city": "York", "country": "GB", "latitude": 53.96, "longitude": -1.08},
	"lines": [{"sku": "VLT-1", "quantity": 1}]}') \gset
SELECT usom._statement_count() - :before - :plain AS more_statements;
SELECT ship_to, instructions FROM usom.orders WHERE order_no = :'g';
SELECT ship_to, usom._is_sealed(instructions) AS sealed, address_id IS NOT NULL AS address FROM usom.sales_order WHERE org_id = usom.current_org() AND order_no = :'g';
-- A batch writes them all with one statement more than a batch without.
SELECT usom._statement_count() AS before \gset
SELECT outcome FROM usom.place_orders('[{"lines": [{"sku": "VLT-1", "quantity": 1}]}, {"lines": [{"sku": "VLT-1", "quantity": 1}]}]');
SELECT usom._statement_count() - :before AS plain \gset
SELECT usom._statement_count() AS before \gset
SELECT outcome FROM usom.place_orders('[{"ship_to": {"name": "Marker A"}, "lines": [{"sku": "VLT-1", "quantity": 1}]}, {"customer": "ann", "ship_to": {"name": "Marker B"}, "lines": [{"sku": "VLT-1", "quantity": 1}]}]');
SELECT usom._statement_count() - :before - :plain AS more_statements;
SELECT customer, ship_to FROM usom.orders WHERE ship_to->>'name' LIKE 'Marker%' ORDER BY 2;
-- The same document again, another one, and one of another name.
SELECT order_no = :'g' AS same FROM usom.place_order('{"external_id": "G-1", "instructions": "ring for Marker", "ship_to": {"name": "Gil Marker", "line1": "Low Road 2", "postcode": "1010 AA", "city": "York", "country": "GB", "latitude": 53.96, "longitude": -1.08},
	"lines": [{"sku": "VLT-1", "quantity": 1}]}');
\set VERBOSITY sqlstate
SELECT usom.place_order('{"external_id": "G-1", "instructions": "ring for Marker", "ship_to": {"name": "Gil Marker", "line1": "Low Road 3", "postcode": "1010 AA", "city": "York", "country": "GB", "latitude": 53.96, "longitude": -1.08}, "lines": [{"sku": "VLT-1", "quantity": 1}]}');
SELECT usom.place_order('{"external_id": "G-1", "lines": [{"sku": "VLT-1", "quantity": 1}]}');
\set VERBOSITY default
-- Of the same document in another organisation the digest is the same, unless it is about a person.
INSERT INTO usom.organisation (code) VALUES ('vault2');
SELECT count(*) FROM usom.place_order('{"external_id": "G-2", "lines": [{"sku": "VLT-1", "quantity": 1}]}');
BEGIN;
SET LOCAL usom.org = 'vault2';
INSERT INTO usom.product (sku) VALUES ('VLT-1');
SELECT count(*) FROM usom.place_order('{"external_id": "G-2", "lines": [{"sku": "VLT-1", "quantity": 1}]}');
SELECT count(*) FROM usom.place_order('{"external_id": "G-1", "instructions": "ring for Marker", "ship_to": {"name": "Gil Marker", "line1": "Low Road 2", "postcode": "1010 AA", "city": "York", "country": "GB", "latitude": 53.96, "longitude": -1.08},
	"lines": [{"sku": "VLT-1", "quantity": 1}]}');
COMMIT;
SELECT external_id, count(*), count(DISTINCT payload_digest) AS digests FROM usom.sales_order WHERE external_id IN ('G-1', 'G-2') GROUP BY 1 ORDER BY 1;
-- An address of a country alone tells nobody: no key is made.
SELECT order_no AS c FROM usom.place_order('{"external_id": "G-3", "ship_to": {"country": "GB", "postcode": "LS1 4AB"}, "lines": [{"sku": "VLT-1", "quantity": 1}]}') \gset
SELECT v.ship_to, k.key IS NOT NULL AS key, a.person_id = o.sales_order_id AS his FROM usom.orders v JOIN usom.sales_order o ON o.org_id = usom.current_org() AND o.order_no = v.order_no JOIN usom.address a ON a.org_id = o.org_id AND a.address_id = o.address_id
	LEFT JOIN usom.vault_key k ON k.org_id = o.org_id AND k.person_id = o.sales_order_id WHERE v.order_no = :'c';
-- change_order: another address, none, words; {} takes the address away.
SELECT status FROM usom.change_order(:'g', '{"ship_to": {"city": "Marker City"}, "instructions": "leave at Marker"}');
SELECT ship_to, instructions FROM usom.orders WHERE order_no = :'g';
SELECT status FROM usom.change_order(:'g', '{"priority": 1}');
SELECT ship_to, instructions FROM usom.orders WHERE order_no = :'g';
SELECT status FROM usom.change_order(:'g', '{"ship_to": {}, "instructions": ""}');
SELECT ship_to, instructions FROM usom.orders WHERE order_no = :'g';
SELECT status FROM usom.change_order(:'bare', '{"ship_to": {"city": "Marker Town"}}');
SELECT ship_to FROM usom.orders WHERE order_no = :'bare';

-- ---- plain SQL ----
INSERT INTO usom.sales_order (external_id, ship_to, instructions) VALUES ('VLT-raw', '{"name": "Raw Marker", "country": "GB"}', 'raw Marker') RETURNING ship_to, address_id IS NOT NULL AS address, usom._is_sealed(instructions) AS sealed;
SELECT ship_to, instructions FROM usom.orders WHERE external_id = 'VLT-raw';
INSERT INTO usom.sales_order (external_id, ship_to, instructions) VALUES ('VLT-raw', '{"name": "Again Marker"}', 'again Marker')
	ON CONFLICT (org_id, channel_id, external_id) WHERE external_id IS NOT NULL DO UPDATE SET address_id = EXCLUDED.address_id, instructions = EXCLUDED.instructions;
SELECT ship_to, instructions FROM usom.orders WHERE external_id = 'VLT-raw';
-- A draft that goes to a customer takes its texts along; they are the customer's then.
UPDATE usom.sales_order SET customer_id = usom.customer_id('dan') WHERE external_id = 'VLT-raw';
SELECT o.customer, o.ship_to, o.instructions, a.person_id = s.customer_id AS his FROM usom.orders o JOIN usom.sales_order s ON s.org_id = usom.current_org() AND s.order_no = o.order_no JOIN usom.address a ON a.org_id = s.org_id AND a.address_id = s.address_id WHERE o.external_id = 'VLT-raw';
UPDATE usom.sales_order SET ship_to = '{"city": "Markerville"}' WHERE external_id = 'VLT-raw';
SELECT ship_to, instructions FROM usom.orders WHERE external_id = 'VLT-raw';
UPDATE usom.sales_order SET ship_to = '{}', instructions = NULL WHERE external_id = 'VLT-raw';
SELECT ship_to, instructions FROM usom.orders WHERE external_id = 'VLT-raw';
\set VERBOSITY terse
UPDATE usom.sales_order SET ship_to = '{"planet": "Mars"}' WHERE external_id = 'VLT-raw';
UPDATE usom.sales_order SET ship_to = '{"city": 7}' WHERE external_id = 'VLT-raw';
UPDATE usom.sales_order SET ship_to = '{"latitude": 91}' WHERE external_id = 'VLT-raw';
UPDATE usom.sales_order SET ship_to = '[]' WHERE external_id = 'VLT-raw';
UPDATE usom.sales_order SET address_id = -1 WHERE external_id = 'VLT-raw';
DELETE FROM usom.vault_key;
UPDATE usom.address SET country = 'XX';
INSERT INTO usom.vault_index VALUES (usom.current_org(), 1, 'email', '\x00');
INSERT INTO usom.erasure (org_id, person_id, kind, code) VALUES (usom.current_org(), 1, 'customer', 'x');
\set VERBOSITY default

-- ---- tampering ----
-- A sealed text opens with its own organisation, person and bytes alone.
SELECT name AS sealed FROM usom.customer WHERE org_id = usom.current_org() AND code = 'ann' \gset
SELECT usom._open(usom.current_org(), :'sealed') AS right, usom._open(1, :'sealed') AS other_organisation, usom._open(usom.current_org(), left(:'sealed', -6) || 'AAAA==') AS other_bytes,
	usom._open(usom.current_org(), 'usom1:') AS no_bytes, usom._open(usom.current_org(), 'plain') AS plain;
-- Other bytes give nothing, or, where base64 leaves bits unused, the same.
SELECT count(*) > 3000 AS tried, count(*) FILTER (WHERE usom._open(usom.current_org(), s) <> 'Ann Upsert') AS opened FROM (
	SELECT overlay(:'sealed' PLACING chr(33 + (i * 7) % 90) FROM 7 + i % (length(:'sealed') - 6)) AS s FROM generate_series(1, 6000) i
	UNION ALL SELECT left(:'sealed', i) FROM generate_series(6, length(:'sealed') - 1) i) x WHERE s <> :'sealed' AND usom._seal_state(usom.current_org(), s) <> 'clear';
SELECT usom._seal_state(usom.current_org(), s) FROM unnest(ARRAY[:'sealed', left(:'sealed', -6) || 'AAAA==', 'plain', '']) s;

-- ---- what is known, and nothing any more ----
SELECT e->'customer'->>'name' AS name, jsonb_array_length(e->'addresses') AS addresses, jsonb_array_length(e->'orders') AS orders, e->'orders'->0->'ship_to'->>'line1' AS line1, e->'orders'->0->'lines'->0->>'sku' AS sku
FROM usom.export_customer('ida') e;
SELECT usom.erase_customer('ida', 'asked for it');
SELECT count(*) AS cancelled FROM (SELECT order_no FROM usom.orders WHERE customer = 'ida' OFFSET 0) o, usom.cancel_order(o.order_no, 'erasure') c WHERE c.status = 'cancelled';
SELECT usom.erase_customer('ida', 'asked for it');
SELECT customer, name, email, active, erased_at IS NOT NULL AS erased FROM usom.customers WHERE customer = 'ida';
SELECT * FROM usom.addresses WHERE customer = 'ida';
SELECT ship_to FROM usom.orders WHERE customer = 'ida';
SELECT kind, code, reason FROM usom.erasure WHERE org_id = usom.current_org();
\set VERBOSITY terse
SELECT usom.erase_customer('ida', 'again');
SELECT usom.erase_customer('nobody', 'x');
SELECT usom.export_customer('ida');
SELECT usom.export_customer('nobody');
SELECT usom.place_order('{"customer": "ida", "lines": [{"sku": "VLT-1", "quantity": 1}]}');
SELECT sqlstate, message FROM usom.place_orders('[{"customer": "ida", "lines": [{"sku": "VLT-1", "quantity": 1}]}]');
UPDATE usom.customer SET active = true WHERE code = 'ida';
UPDATE usom.customer SET name = 'Ida' WHERE code = 'ida';
INSERT INTO usom.customer_address (customer_id, city) VALUES (usom.customer_id('ida'), 'Leeds');
INSERT INTO usom.sales_order (customer_id) VALUES (usom.customer_id('ida'));
UPDATE usom.sales_order SET instructions = 'x' WHERE org_id = usom.current_org() AND customer_id = usom.customer_id('ida');
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT usom.erase_customer('cy', 'x');
ROLLBACK;
-- A guest.
SELECT usom.erase_order_person(:'g', 'asked for it');
SELECT status FROM usom.change_order(:'g', '{"ship_to": {"name": "Gil Marker", "country": "GB"}, "instructions": "Marker"}');
SELECT status FROM usom.cancel_order(:'g', 'erasure');
SELECT usom.erase_order_person(:'g', 'asked for it');
SELECT usom.erase_order_person(:'g', 'again');
SELECT usom.erase_order_person(:'o', 'of a customer');
SELECT usom.erase_order_person('none', 'x');
SELECT ship_to, instructions FROM usom.orders WHERE order_no = :'g';
SELECT usom.place_order('{"external_id": "G-1", "instructions": "ring for Marker", "ship_to": {"name": "Gil Marker", "line1": "Low Road 2", "postcode": "1010 AA", "city": "York", "country": "GB", "latitude": 53.96, "longitude": -1.08},
	"lines": [{"sku": "VLT-1", "quantity": 1}]}');
\set VERBOSITY default

-- ---- retention ----
INSERT INTO usom.retention (what, keep_for) VALUES ('guest', '30 days'), ('customer', '1 year');
SELECT usom._retain();
SELECT order_no AS old FROM usom.place_order('{"ship_to": {"name": "Old Marker", "country": "GB"}, "lines": [{"sku": "VLT-1", "quantity": 1}]}') \gset
SELECT status FROM usom.cancel_order(:'old', 'x');
-- Everything is forty days older, then two years.
BEGIN;
SET LOCAL session_replication_role = replica;
ALTER TABLE usom.order_history DISABLE TRIGGER USER;
ALTER TABLE usom.sales_order DISABLE TRIGGER USER;
ALTER TABLE usom.customer DISABLE TRIGGER USER;
UPDATE usom.order_history SET occurred_at = occurred_at - interval '40 days' WHERE org_id = usom.current_org();
UPDATE usom.sales_order SET created_at = created_at - interval '40 days' WHERE org_id = usom.current_org();
UPDATE usom.retention SET looked_at = NULL;
SELECT usom._retain() AS erased;
SELECT ship_to FROM usom.orders WHERE order_no = :'old';
SELECT usom._retain() AS looks_once_an_hour;
UPDATE usom.order_history SET occurred_at = occurred_at - interval '2 years' WHERE org_id = usom.current_org();
UPDATE usom.customer SET created_at = created_at - interval '2 years' WHERE org_id = usom.current_org() AND code IN ('bob', 'eve', 'ann');
UPDATE usom.retention SET looked_at = NULL;
SELECT usom._retain() AS erased;
SELECT customer, erased_at IS NOT NULL AS erased FROM usom.customers WHERE customer IN ('ann', 'bob', 'cy', 'eve') ORDER BY customer;
ROLLBACK;

-- ---- sound ----
SELECT * FROM usom.verify();
-- Nothing in clear in any table, the audit included.
SELECT count(*) FROM usom.audit WHERE before::text ~ 'Marker' OR after::text ~ 'Marker';

-- Keys that were tampered with: found, and shown by digest alone.
BEGIN;
SET LOCAL usom.org = 'vault';
ALTER TABLE usom.vault_key DISABLE TRIGGER USER;
UPDATE usom.vault_key SET key = '\x00' WHERE org_id = usom.current_org() AND person_id = usom.customer_id('fay');
UPDATE usom.vault_key SET key = sha256('\x01' || key) WHERE org_id = usom.current_org() AND person_id = usom.customer_id('gus');
SELECT area, regexp_replace(entity, '\d{2,}', 'N') AS entity, problem FROM usom.verify() ORDER BY 1, 2, 3;
SELECT count(*) FROM usom.verify() v, usom.vault_key k WHERE v::text ~ substr(k.key::text, 3) AND length(k.key) > 1;
ROLLBACK;
RESET usom.org;
