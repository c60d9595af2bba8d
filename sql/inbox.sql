-- The inbox: what channels send is kept, read, placed, changed, refused, mended.
SET client_min_messages = warning;
INSERT INTO usom.organisation (code) VALUES ('inbox');
SET usom.org = 'inbox';
INSERT INTO usom.location (code) VALUES ('IN-W');
INSERT INTO usom.product (sku) VALUES ('IN-A'), ('IN-B'), ('IN-C');
INSERT INTO usom.customer (code) VALUES ('IN-1');
SELECT location, sku, on_hand FROM usom.product p, usom.receive_stock('IN-W', p.sku, 100) WHERE p.org_id = usom.current_org();
-- Numbers of messages and orders depend on what ran before: they are told by what they are about.
CREATE FUNCTION pg_temp.took(channel text, payload jsonb, external_id text DEFAULT NULL, revision integer DEFAULT NULL, process boolean DEFAULT true)
RETURNS TABLE (status text, outcome text, same_order boolean, attempts integer, path text, source text, code text, message text) LANGUAGE sql AS $$
	SELECT i.status, i.outcome, i.order_no IS NOT NULL, i.attempts, f->>'path', f->>'source', f->>'code', f->>'message'
	FROM usom.ingest(channel, payload, external_id, revision, process) i LEFT JOIN jsonb_array_elements(i.findings) f ON true
$$;

-- A document is an order; again, it is the same answer; with another payload it is refused.
SELECT * FROM pg_temp.took('web', '{"lines": [{"sku": "IN-A", "quantity": 2, "unit_price": 3}]}', 'X-1');
SELECT * FROM pg_temp.took('web', '{"lines": [{"sku": "IN-A", "quantity": 2, "unit_price": 3}]}', 'X-1');
\set VERBOSITY terse
SELECT * FROM pg_temp.took('web', '{"lines": [{"sku": "IN-A", "quantity": 9, "unit_price": 3}]}', 'X-1');
\set VERBOSITY default
SELECT channel, external_id, revision, quantity_ordered FROM (SELECT o.channel, o.external_id, o.revision, sum(l.quantity) AS quantity_ordered
	FROM usom.orders o JOIN usom.order_lines l USING (order_no) GROUP BY 1, 2, 3) x;

-- A higher revision changes the order: one line more, one changed, one gone; a lower one is too late for ever.
SELECT * FROM pg_temp.took('web', '{"lines": [{"sku": "IN-A", "quantity": 2, "unit_price": 3}, {"sku": "IN-B", "quantity": 1, "unit_price": 5}]}', 'X-1', 2);
SELECT * FROM pg_temp.took('web', '{"priority": 1, "lines": [{"sku": "IN-B", "quantity": 4, "unit_price": 4.50}, {"sku": "IN-C", "quantity": 1, "unit_price": 7}]}', 'X-1', 5);
SELECT * FROM pg_temp.took('web', '{"lines": [{"sku": "IN-A", "quantity": 50}]}', 'X-1', 3);
SELECT o.revision, o.priority, l.line_no, l.sku, l.quantity, l.unit_price FROM usom.orders o JOIN usom.order_lines l USING (order_no) WHERE o.external_id = 'X-1' ORDER BY l.line_no;

-- The same with a revision in the document itself, and one that changes nothing.
SELECT * FROM pg_temp.took('web', '{"external_id": "X-2", "revision": 1, "lines": [{"sku": "IN-A", "quantity": 1, "unit_price": 3}, {"sku": "IN-A", "quantity": 2, "unit_price": 3}]}');
SELECT * FROM pg_temp.took('web', '{"external_id": "X-2", "revision": 2, "lines": [{"sku": "IN-A", "quantity": 1, "unit_price": 3}, {"sku": "IN-A", "quantity": 2, "unit_price": 3}]}');
SELECT revision, version FROM usom.orders WHERE external_id = 'X-2';

-- What cannot be placed stays, says why, and nothing of it is an order.
SELECT * FROM pg_temp.took('web', '{"lines": [{"sku": "IN-NONE", "quantity": 1}], "customer": "IN-9"}', 'X-3');
SELECT * FROM pg_temp.took('web', '{"lines": [{"sku": "IN-A", "quantity": 1}], "colour": "red"}', 'X-4');
SELECT * FROM pg_temp.took('web', '[]');
SELECT * FROM pg_temp.took('web', '{"channel": "pos", "lines": []}', 'X-5');
SELECT external_id, status, attempts, next_attempt_at > received_at AS waits FROM usom.inbox WHERE external_id IN ('X-3', 'X-4', 'X-5') ORDER BY 1;
SELECT count(*) FROM usom.orders WHERE external_id IN ('X-3', 'X-4', 'X-5');

-- Mended: what came is kept beside it.  Parked: nobody tries it.  Played again, when the master data are there.
SELECT m.status, m.outcome, m.attempts FROM usom.inbox i, usom.mend(i.message_no, '[{"path": ["colour"], "remove": true}, {"path": ["lines", "0", "quantity"], "value": 3}]', 'colours are not for us') m WHERE i.external_id = 'X-4';
SELECT revision_no, usom._open(p.org_id, p.payload) AS payload, p.reason FROM usom.inbox_payload p JOIN usom.inbox_message m USING (org_id, inbox_message_id) WHERE m.external_id = 'X-4' AND m.org_id = usom.current_org() ORDER BY 1;
SELECT m.status, m.attempts FROM usom.inbox i, usom.park(i.message_no, 'asked the shop') m WHERE i.external_id = 'X-3';
SELECT status, parked_because, next_attempt_at FROM usom.inbox WHERE external_id = 'X-3';
INSERT INTO usom.product (sku) VALUES ('IN-NONE');
INSERT INTO usom.customer (code) VALUES ('IN-9');
SELECT m.status, m.outcome, m.attempts FROM usom.inbox i, usom.replay(i.message_no) m WHERE i.external_id = 'X-3';
\set VERBOSITY terse
SELECT m.status FROM usom.inbox i, usom.mend(i.message_no, '[{"value": 1}]') m WHERE i.external_id = 'X-5';
\set VERBOSITY default

-- Workers: what was only received is due at once, what failed waits twice as long each time, until it is dead.
INSERT INTO usom.intake_policy (channel, max_attempts, back_off) VALUES ('edi', 2, interval '0');
SELECT * FROM pg_temp.took('edi', '{"lines": [{"sku": "IN-B", "quantity": 1}]}', 'E-1', process => false);
SELECT * FROM pg_temp.took('edi', '{"lines": [{"sku": "IN-X", "quantity": 1}]}', 'E-2');
SELECT i.channel, i.attempts FROM usom.inbox_take(1) i;
SELECT w.status, w.outcome, w.attempts FROM usom.work_inbox() w;
SELECT w.status, w.outcome, w.attempts FROM usom.work_inbox() w;
SELECT external_id, status, attempts, leased_until IS NOT NULL AS leased FROM usom.inbox WHERE channel = 'edi' ORDER BY 1;
SELECT m.status, m.outcome FROM usom.inbox i, usom.replay(i.message_no) m WHERE i.external_id = 'E-1';
CALL usom.retry_inbox();
SELECT external_id, status FROM usom.inbox WHERE channel = 'edi' ORDER BY 1;

-- Mappings are rows: the first whose test is passed reads the payload; every field that cannot be read is told.
INSERT INTO usom.mapping (code, channel, applies, root, lines) VALUES ('shop', 'marketplace', 'exists ($.order)', '$.order', '$.items[*]');
INSERT INTO usom.mapping (code, channel, kind, applies) VALUES ('shop_change', 'marketplace', 'change', 'exists ($.hurry)'), ('shop_stop', 'marketplace', 'cancellation', 'exists ($.stop)');
INSERT INTO usom.mapping_value (list, source, target) VALUES ('unit', 'EA', 'each'), ('codes', '4711', 'IN-B');
INSERT INTO usom.mapping_field (mapping_id, target, ordinal, source, transforms, argument, fallback, required)
SELECT usom.mapping_id(v.m), v.t, v.n, v.s::jsonpath, v.x::text[], v.a::jsonb, v.f::jsonb, v.r FROM (VALUES
	('shop', 'external_id', 1, '$.no', '{trim}', '{}', NULL, true), ('shop', 'currency', 1, '$.money', '{currency}', '{}', '"EUR"', false),
	('shop', 'placed_at', 1, '$.on', '{date}', '{"date": "YYYYMMDD"}', NULL, false), ('shop', 'draft', 1, '$.open', '{boolean}', '{"true": ["J"]}', NULL, false),
	('shop', 'ship_to.name', 1, '$.to.first', '{join}', '{}', NULL, false), ('shop', 'ship_to.name', 2, '$.to.last', '{join}', '{}', NULL, false),
	('shop', 'ship_to.country', 1, '$.to.land', '{trim,upper}', '{}', NULL, false),
	('shop', 'lines[].sku', 1, '$.ean', '{lookup}', '{"lookup": "codes"}', NULL, false), ('shop', 'lines[].sku', 2, '$.sku', '{trim,upper}', '{}', NULL, true),
	('shop', 'lines[].quantity', 1, '$.qty', '{number}', '{"decimal": ","}', NULL, true), ('shop', 'lines[].unit_price', 1, '$.cents', '{number,multiply}', '{"multiply": 0.01}', NULL, false),
	('shop_change', 'external_id', 1, '$.hurry', '{}', '{}', NULL, true), ('shop_change', 'priority', 1, NULL, '{}', '{}', '1', false),
	('shop_stop', 'external_id', 1, '$.stop', '{}', '{}', NULL, true), ('shop_stop', 'reason', 1, '$.why', '{}', '{}', NULL, false)) AS v (m, t, n, s, x, a, f, r);
SELECT kind, mapping, document, findings FROM usom.map_payload('marketplace', '{"order": {"no": 17, "on": "20101201", "open": "N", "to": {"first": "Ann", "last": "Bee", "land": " gb"}, "items": [
	{"ean": "4711", "qty": "1.000,5", "cents": "250"}, {"sku": " in-a ", "qty": 2}]}}');
SELECT f->>'path' AS path, f->>'source' AS source, f->>'code' AS code, f->>'message' AS message, f->>'remedy' AS remedy
FROM usom.map_payload('marketplace', '{"order": {"on": "tomorrow", "money": "XXY", "items": [{"qty": "many"}, {"ean": "0815", "qty": {"a": 1}}]}}') m, jsonb_array_elements(m.findings) f ORDER BY 1;
SELECT * FROM pg_temp.took('marketplace', '{"order": {"no": 17, "to": {"first": "Ann", "last": "Bee", "land": "gb"}, "items": [{"ean": "4711", "qty": "2", "cents": "250"}]}}');
SELECT * FROM pg_temp.took('marketplace', '{"hurry": "17"}');
SELECT priority FROM usom.orders WHERE external_id = '17';
SELECT * FROM pg_temp.took('marketplace', '{"stop": "17", "why": "found it elsewhere"}');
SELECT * FROM pg_temp.took('marketplace', '{"stop": "18"}');
SELECT status FROM usom.orders WHERE external_id = '17';
SELECT kind, external_id, mapping, status, outcome, amount FROM usom.inbox WHERE channel = 'marketplace' ORDER BY message_no;
SELECT e.path, e.source, e.found, e.result, e.problem FROM usom.inbox i, usom.explain_mapping(i.message_no) e WHERE i.external_id = '17' AND i.kind = 'order' ORDER BY 1, 2;

-- Formats that usom brings: documented shapes of shops.
SELECT code, kind FROM usom.standard_mappings();
SELECT count(usom.add_mapping(code, 'web')) FROM usom.standard_mappings();
SELECT mapping, document FROM usom.map_payload('web', '{"id": 727, "status": "processing", "currency": "usd", "date_created_gmt": "2017-03-22T19:28:02", "customer_note": "", "payment_method": "bacs", "transaction_id": "",
	"shipping": {"first_name": "John", "last_name": "Doe", "address_1": "969 Market", "address_2": "", "city": "San Francisco", "state": "CA", "postcode": "94103", "country": "US"},
	"line_items": [{"id": 315, "name": "Shirt", "sku": "IN-A", "quantity": 2, "price": 3}]}');
SELECT mapping, document FROM usom.map_payload('web', '{"increment_id": "000000001", "order_currency_code": "EUR", "created_at": "2017-10-17 12:13:14", "payment": {"method": "checkmo"},
	"extension_attributes": {"shipping_assignments": [{"shipping": {"address": {"firstname": "Jane", "lastname": "Roe", "street": ["1 High Street", "Flat 2"], "city": "Leeds", "postcode": "LS1", "country_id": "gb"}}}]},
	"items": [{"sku": "IN-A", "qty_ordered": 1, "price": 5}, {"sku": "IN-A-RED", "qty_ordered": 1, "price": 0, "parent_item_id": 1}]}');

-- Who is erased leaves no payload that names him.
SELECT outcome FROM pg_temp.took('web', '{"customer": "IN-1", "ship_to": {"name": "Nobody Knows"}, "lines": [{"sku": "IN-A", "quantity": 1}]}', 'X-9');
SELECT payload LIKE '%Nobody Knows%' AS there FROM usom.inbox WHERE external_id = 'X-9';
SELECT c.status FROM usom.orders o, usom.cancel_order(o.order_no, 'leaves') c WHERE o.external_id = 'X-9';
SELECT usom.erase_customer('IN-1', 'asked for it');
SELECT payload, status, outcome FROM usom.inbox WHERE external_id = 'X-9';

-- The payloads of old messages are kept as long as usom.retention says.
INSERT INTO usom.retention (what, keep_for) VALUES ('message', interval '1 microsecond');
SELECT usom._retain_messages(usom.current_org()) > 10 AS forgotten, usom._retain_messages(usom.current_org());
SELECT count(payload) FROM usom.inbox WHERE status IN ('processed', 'dead');
SELECT * FROM usom.verify();
