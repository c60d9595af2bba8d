-- Rules of checks: severities, scopes, what each check finds, holds that end with their cause, overrides, counts.
\getenv srcdir PG_ABS_SRCDIR
\set helpers :srcdir '/sql/include/helpers.sql'
\set ECHO none
\i :helpers
\set ECHO all
\pset format unaligned
SET timezone = 'UTC';
SET datestyle = 'ISO';
SELECT check_code, hold_type FROM usom.checks();
INSERT INTO usom.location (code) VALUES ('CHK-A');
INSERT INTO usom.product (sku) VALUES ('CHK-1'), ('CHK-2');
INSERT INTO usom.product (sku, category) VALUES ('CHK-3', 'CHK-knives');
INSERT INTO usom.customer (code, segment) VALUES ('CHK-GOLD', 'CHK-gold'), ('CHK-TIN', 'CHK-tin');
SELECT usom.receive_stocks('[{"location": "CHK-A", "sku": "CHK-1", "quantity": 1000}, {"location": "CHK-A", "sku": "CHK-2", "quantity": 1000}, {"location": "CHK-A", "sku": "CHK-3", "quantity": 1000}]');
CREATE FUNCTION pg_temp.doc(more jsonb DEFAULT '{}', lines jsonb DEFAULT '[{"sku": "CHK-1", "quantity": 2, "unit_price": 5}]') RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_build_object('lines', lines) || more
$$;
CREATE FUNCTION pg_temp.try(command text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	d text;
	h text;
	answer text;
BEGIN
	EXECUTE command INTO answer;
	RETURN regexp_replace(coalesce(answer, 'done'), 'SO-\d+', '(order)', 'g');
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS d = PG_EXCEPTION_DETAIL, h = PG_EXCEPTION_HINT;
	RETURN regexp_replace(concat_ws(' | ', SQLSTATE, SQLERRM, CASE WHEN SQLSTATE <> '23514' THEN d END, h), 'SO-\d+', '(order)', 'g');
END
$$;
CREATE FUNCTION pg_temp.placed(document jsonb) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	p record;
	d text;
BEGIN
	SELECT * INTO p FROM usom.place_order(document);
	RETURN regexp_replace(format('%s, %s reserved, %s', p.status, p.quantity_reserved::float,
		coalesce((SELECT string_agg(concat_ws(' ', m->>'severity', m->>'code', m->>'hold_type', m->>'path'), '; ') FROM jsonb_array_elements(p.messages) m WHERE m->>'code' <> 'no_price'), 'nothing said')), 'SO-\d+', '(order)', 'g');
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS d = PG_EXCEPTION_DETAIL;
	RETURN regexp_replace(concat_ws(' | ', SQLSTATE, SQLERRM, d), 'SO-\d+', '(order)', 'g');
END
$$;
-- without rules nothing is asked
SELECT pg_temp.placed(pg_temp.doc());
-- rules that can never be read are refused when they are written
SELECT pg_temp.try($$INSERT INTO usom.check_rule (check_code) VALUES ('colour')$$);
SELECT pg_temp.try($$INSERT INTO usom.check_rule (check_code, parameters) VALUES ('limits', '{"colour": 1}')$$);
SELECT pg_temp.try($$INSERT INTO usom.check_rule (check_code, parameters) VALUES ('limits', '{"lines": "many"}')$$);
SELECT pg_temp.try($$INSERT INTO usom.check_rule (check_code, parameters) VALUES ('completeness', '{"require": ["ship_to.colour"]}')$$);
SELECT pg_temp.try($$INSERT INTO usom.check_rule (check_code, parameters) VALUES ('duplicate', '{"window": "0"}')$$);
SELECT pg_temp.try($$INSERT INTO usom.check_rule (check_code, parameters) VALUES ('limits', '[]')$$);
SELECT pg_temp.try($$INSERT INTO usom.check_rule (check_code, channel) VALUES ('limits', 'pigeon')$$);
SELECT pg_temp.try($$INSERT INTO usom.check_rule (check_code, severity) VALUES ('limits', 'shout')$$);
SELECT pg_temp.try($$INSERT INTO usom.check_rule (check_code, looks_at) VALUES ('limits', '{dawn}')$$);
-- warn, hold, refuse, off; the most specific row counts
INSERT INTO usom.check_rule (check_code, severity, parameters) VALUES ('limits', 'warn', '{"line_quantity": 10, "order_total": 1000}');
SELECT pg_temp.placed(pg_temp.doc('{}', '[{"sku": "CHK-1", "quantity": 11}]'));
INSERT INTO usom.check_rule (check_code, channel, severity, parameters) VALUES ('limits', 'web', 'hold', '{"line_quantity": 10}');
INSERT INTO usom.check_rule (check_code, customer, severity, parameters) VALUES ('limits', 'CHK-TIN', 'refuse', '{"line_quantity": 10, "lines": 1}');
INSERT INTO usom.check_rule (check_code, channel, customer, severity) VALUES ('limits', 'web', 'CHK-TIN', 'off');
SELECT pg_temp.placed(pg_temp.doc('{"channel": "web"}', '[{"sku": "CHK-1", "quantity": 11}]'));
SELECT pg_temp.placed(pg_temp.doc('{"customer": "CHK-TIN"}', '[{"sku": "CHK-1", "quantity": 11}, {"sku": "CHK-2", "quantity": 12}]'));
SELECT pg_temp.placed(pg_temp.doc('{"channel": "web", "customer": "CHK-TIN"}', '[{"sku": "CHK-1", "quantity": 11}, {"sku": "CHK-2", "quantity": 12}]'));
-- a batch: a refusal costs its document, a hold holds it
SELECT ordinal, outcome, sqlstate, message FROM usom.place_orders(jsonb_build_array(
	pg_temp.doc('{"channel": "web", "external_id": "CHK-B1"}', '[{"sku": "CHK-1", "quantity": 11}]'),
	pg_temp.doc('{"customer": "CHK-TIN", "external_id": "CHK-B2"}', '[{"sku": "CHK-1", "quantity": 11}]'),
	pg_temp.doc('{"external_id": "CHK-B3"}')));
SELECT external_id, status, held FROM usom.orders WHERE external_id LIKE 'CHK-B%' ORDER BY 1;
SELECT external_id, check_code, version, severity, path, order_no IS NULL AS refused FROM usom.check_hits WHERE external_id LIKE 'CHK-B%' ORDER BY 1, path;
-- a held order: what the history says, and that a release by hand lets it be confirmed
SELECT order_no AS o FROM usom.orders WHERE external_id = 'CHK-B1' \gset
SELECT event, to_status, reference FROM usom.timeline WHERE order_no = :'o';
SELECT hold_type, line_no, reason, check_code, active FROM usom.holds WHERE order_no = :'o';
SELECT pg_temp.try(format('SELECT usom.confirm_order(%L)', :'o'));
SELECT status FROM usom.release_hold(:'o', 'review', 'they are moving house');
SELECT status FROM usom.confirm_order(:'o');
SELECT check_code, channel, customer, severity, version, hits, overrides FROM usom.check_rules ORDER BY 1, 2, 3;
-- a change that makes it right ends the hold, and the order goes on; one by hand stays released
SELECT order_no AS o FROM usom.place_order(pg_temp.doc('{"channel": "web"}', '[{"sku": "CHK-1", "quantity": 30}]')) \gset
\set VERBOSITY terse
SET client_min_messages = error;
SELECT status FROM usom.change_order(:'o', '{"priority": 3}');
SELECT status FROM usom.change_order(:'o', '{"lines": [{"line_no": 1, "quantity": 9}]}');
SELECT reason, active, release_reason FROM usom.holds WHERE order_no = :'o';
SELECT status FROM usom.change_order(:'o', '{"lines": [{"line_no": 1, "quantity": 12}]}');
SELECT status, held FROM usom.orders WHERE order_no = :'o';
SELECT status FROM usom.release_hold(:'o', 'review', 'fine');
SELECT status FROM usom.change_order(:'o', '{"priority": 4}');
SELECT held FROM usom.orders WHERE order_no = :'o';
-- the document says that it is all right
SELECT pg_temp.placed(pg_temp.doc('{"channel": "web", "override": {"checks": ["limits"], "reason": "asked on the phone"}}', '[{"sku": "CHK-1", "quantity": 11}]'));
SELECT pg_temp.placed(pg_temp.doc('{"channel": "web", "override": {"checks": ["limits"]}}', '[{"sku": "CHK-1", "quantity": 11}]'));
SELECT check_code, severity, overridden, reason FROM usom.check_hits WHERE overridden;
UPDATE usom.check_rule SET active = false;
SELECT check_code, channel, version FROM usom.check_rules ORDER BY 1, 2, 3;
-- completeness
INSERT INTO usom.check_rule (check_code, severity, parameters) VALUES ('completeness', 'refuse', '{"require": ["ship_to.line1", "ship_to.city", "ship_to.country", "customer", "external_id"]}');
SELECT pg_temp.placed(pg_temp.doc('{"ship_to": {"line1": "Street 1"}}'));
UPDATE usom.check_rule SET severity = 'hold', parameters = '{}' WHERE check_code = 'completeness';
SELECT pg_temp.placed(pg_temp.doc('{"ship_to": {"line1": "Street 1", "city": "Graz", "country": "AT"}}'));
INSERT INTO usom.customer_address (customer_id, line1, city, country) VALUES (usom.customer_id('CHK-GOLD'), 'Street 2', 'Linz', 'AT');
SELECT pg_temp.placed(pg_temp.doc('{"customer": "CHK-GOLD"}'));
SELECT pg_temp.placed(pg_temp.doc('{"customer": "CHK-TIN"}'));
-- a draft is looked at when it is submitted; the address that it gets later ends the hold
SELECT order_no AS o, status FROM usom.place_order(pg_temp.doc('{"draft": true}')) \gset
SELECT :'status' AS status;
SELECT status FROM usom.submit_order(:'o');
SELECT reason, active FROM usom.holds WHERE order_no = :'o' ORDER BY reason;
SELECT status FROM usom.change_order(:'o', '{"ship_to": {"line1": "Street 3", "city": "Wels", "country": "AT"}}');
SELECT (usom.submit_order(order_no)).status FROM usom.place_order(pg_temp.doc('{"draft": true, "ship_to": {"line1": "Street 1", "city": "Graz", "country": "AT"}}'));
-- plain SQL takes the same path
INSERT INTO usom.sales_order (order_no) VALUES ('CHK-PLAIN');
INSERT INTO usom.order_line (sales_order_id, line_no, product_id, quantity) SELECT sales_order_id, 1, usom.product_id('CHK-1'), 1 FROM usom.sales_order WHERE order_no = 'CHK-PLAIN';
UPDATE usom.sales_order SET status = 'submitted' WHERE order_no = 'CHK-PLAIN';
SELECT status, held FROM usom.orders WHERE order_no = 'CHK-PLAIN';
UPDATE usom.check_rule SET active = false;
-- the customer
INSERT INTO usom.check_rule (check_code, severity, parameters, looks_at) VALUES ('customer', 'hold', '{"blocked_segments": ["CHK-tin"], "guests": false}', '{place,submit,change,confirm,release}');
SELECT pg_temp.placed(pg_temp.doc());
SELECT pg_temp.placed(pg_temp.doc('{"customer": "CHK-TIN"}'));
SELECT order_no AS o, status FROM usom.place_order(pg_temp.doc('{"customer": "CHK-GOLD"}')) \gset
SELECT :'status' AS status;
UPDATE usom.customer SET blocked = true WHERE code = 'CHK-GOLD';
SELECT pg_temp.placed(pg_temp.doc('{"customer": "CHK-GOLD"}'));
-- at release: it is held, and nothing leaves
SELECT status FROM usom.release_order(:'o');
SELECT hold_type, reason FROM usom.holds WHERE order_no = :'o';
SELECT pg_temp.try(format('SELECT status FROM usom.release_order(%L)', :'o'));
SELECT status FROM usom.release_hold(:'o', 'customer', 'paid');
SELECT status FROM usom.release_order(:'o');
UPDATE usom.customer SET blocked = false WHERE code = 'CHK-GOLD';
UPDATE usom.check_rule SET active = false;
-- products that are not sold
INSERT INTO usom.check_rule (check_code, severity) VALUES ('sellable', 'refuse');
INSERT INTO usom.product_restriction (sku, country, reason) VALUES ('CHK-2', 'AT', 'no licence');
INSERT INTO usom.product_restriction (category, channel, valid_to) VALUES ('CHK-knives', 'web', '2020-01-01');
SELECT pg_temp.try($$INSERT INTO usom.product_restriction (sku) VALUES ('CHK-NONE')$$);
SELECT pg_temp.try($$INSERT INTO usom.product_restriction (country) VALUES ('AT')$$);
SELECT pg_temp.placed(pg_temp.doc('{"ship_to": {"country": "DE"}}', '[{"sku": "CHK-1", "quantity": 1}, {"sku": "CHK-2", "quantity": 1}]'));
SELECT pg_temp.placed(pg_temp.doc('{"ship_to": {"country": "AT"}}', '[{"sku": "CHK-1", "quantity": 1}, {"sku": "CHK-2", "quantity": 1}]'));
SELECT pg_temp.placed(pg_temp.doc('{"channel": "web"}', '[{"sku": "CHK-3", "quantity": 1}]'));
SELECT pg_temp.placed(pg_temp.doc('{"channel": "web", "placed_at": "2019-06-01T00:00:00Z"}', '[{"sku": "CHK-3", "quantity": 1}]'));
UPDATE usom.check_rule SET active = false;
-- delivery
INSERT INTO usom.check_rule (check_code, severity, parameters) VALUES ('delivery', 'refuse', '{"countries": ["AT", "DE"], "not_postcodes": ["99"]}');
SELECT pg_temp.placed(pg_temp.doc('{"ship_to": {"country": "AT", "postcode": "9900"}}'));
SELECT pg_temp.placed(pg_temp.doc('{"ship_to": {"country": "FR", "postcode": "75001"}}'));
INSERT INTO usom.location (code, ships) VALUES ('CHK-SHOP', false);
SELECT pg_temp.placed(pg_temp.doc('{"ship_to": {"country": "AT"}}', '[{"sku": "CHK-1", "quantity": 1, "location": "CHK-SHOP"}]'));
UPDATE usom.location SET ships = true, active = false WHERE code = 'CHK-SHOP';
UPDATE usom.check_rule SET active = false;
-- the verdict about the address, in the document and afterwards
INSERT INTO usom.check_rule (check_code, severity, parameters) VALUES ('address', 'hold', '{"required": true}');
SELECT pg_temp.placed(pg_temp.doc('{"ship_to": {"country": "AT", "verdict": "undeliverable"}}'));
SELECT pg_temp.placed(pg_temp.doc('{"ship_to": {"country": "AT", "verdict": "corrected"}}'));
SELECT pg_temp.placed(pg_temp.doc('{"ship_to": {"country": "AT", "verdict": "odd"}}'));
SELECT order_no AS o, status FROM usom.place_order(pg_temp.doc('{"ship_to": {"name": "Ann", "country": "AT"}}')) \gset
SELECT :'status' AS status;
SELECT status FROM usom.set_address_verdict(:'o', 'undeliverable', 'no such street');
SELECT status FROM usom.set_address_verdict(:'o', 'deliverable', 'found it');
SELECT reason, active, release_reason FROM usom.holds WHERE order_no = :'o' ORDER BY reason;
SELECT ship_to FROM usom.orders WHERE order_no = :'o';
SELECT pg_temp.try(format('SELECT usom.set_address_verdict(%L, ''odd'')', :'o'));
SELECT pg_temp.try(format('SELECT usom.set_address_verdict(%L, ''unknown'')', (usom.place_order(pg_temp.doc())).order_no));
UPDATE usom.check_rule SET active = false;
-- duplicates
INSERT INTO usom.check_rule (check_code, severity, parameters) VALUES ('duplicate', 'hold', '{"window": "2 hours"}');
SELECT pg_temp.placed(pg_temp.doc('{"customer": "CHK-GOLD", "external_id": "CHK-D1", "placed_at": "2026-05-01T10:00:00Z"}', '[{"sku": "CHK-1", "quantity": 1}, {"sku": "CHK-2", "quantity": 2}]'));
SELECT pg_temp.placed(pg_temp.doc('{"customer": "CHK-GOLD", "external_id": "CHK-D2", "placed_at": "2026-05-01T11:00:00Z"}', '[{"sku": "CHK-2", "quantity": 2}, {"sku": "CHK-1", "quantity": 1}]'));
SELECT pg_temp.placed(pg_temp.doc('{"customer": "CHK-GOLD", "external_id": "CHK-D2", "placed_at": "2026-05-01T11:00:00Z"}', '[{"sku": "CHK-2", "quantity": 2}, {"sku": "CHK-1", "quantity": 1}]'));
SELECT pg_temp.placed(pg_temp.doc('{"customer": "CHK-GOLD", "placed_at": "2026-05-01T14:00:00Z"}', '[{"sku": "CHK-2", "quantity": 2}, {"sku": "CHK-1", "quantity": 1}]'));
SELECT pg_temp.placed(pg_temp.doc('{"customer": "CHK-TIN", "placed_at": "2026-05-01T14:00:00Z"}', '[{"sku": "CHK-2", "quantity": 2}, {"sku": "CHK-1", "quantity": 1}]'));
SELECT pg_temp.placed(pg_temp.doc('{"placed_at": "2026-05-01T14:00:00Z"}', '[{"sku": "CHK-2", "quantity": 2}, {"sku": "CHK-1", "quantity": 1}]'));
SELECT regexp_replace(reason, 'SO-\d+', '(order)') AS reason, h.hold_type, o.status FROM usom.holds h JOIN usom.orders o USING (order_no) WHERE h.check_code = 'duplicate';
-- a cancelled one is no reason
SELECT usom.cancel_order(order_no, 'once is enough') IS NOT NULL AS cancelled FROM usom.orders WHERE customer = 'CHK-TIN' AND placed_at = '2026-05-01T14:00:00Z';
SELECT pg_temp.placed(pg_temp.doc('{"customer": "CHK-TIN", "placed_at": "2026-05-01T14:00:00Z"}', '[{"sku": "CHK-2", "quantity": 2}, {"sku": "CHK-1", "quantity": 1}]'));
-- in one call, refused; the same document twice is a repeat
UPDATE usom.check_rule SET severity = 'refuse' WHERE check_code = 'duplicate';
SELECT ordinal, outcome, sqlstate, regexp_replace(message, 'SO-\d+', '(order)', 'g') AS message FROM usom.place_orders(jsonb_build_array(
	pg_temp.doc('{"customer": "CHK-GOLD", "external_id": "CHK-E1"}', '[{"sku": "CHK-1", "quantity": 7}]'),
	pg_temp.doc('{"customer": "CHK-GOLD", "external_id": "CHK-E2"}', '[{"sku": "CHK-1", "quantity": 7}]'),
	pg_temp.doc('{"customer": "CHK-GOLD", "external_id": "CHK-E1"}', '[{"sku": "CHK-1", "quantity": 7}]')));
SELECT pg_temp.placed(pg_temp.doc('{"customer": "CHK-GOLD"}', '[{"sku": "CHK-1", "quantity": 7}]'));
SELECT (usom.submit_order(order_no)).status FROM usom.place_order(pg_temp.doc('{"draft": true, "customer": "CHK-GOLD"}', '[{"sku": "CHK-1", "quantity": 8}]'));
SELECT pg_temp.placed(pg_temp.doc('{"customer": "CHK-GOLD"}', '[{"sku": "CHK-1", "quantity": 8}]'));
-- a quote lists all, and leaves nothing behind
UPDATE usom.check_rule SET active = true, severity = 'hold' WHERE check_code IN ('completeness', 'duplicate');
UPDATE usom.check_rule SET active = true WHERE check_code = 'limits' AND channel IS NULL AND customer IS NULL;
UPDATE usom.check_rule SET active = true, severity = 'refuse' WHERE check_code = 'customer';
SELECT q->'valid' AS valid, p->>'severity' AS severity, p->>'code' AS code, p->>'path' AS path, p->>'message' AS message, p->>'remedy' AS remedy, p->>'hold_type' AS hold_type
FROM usom.quote(pg_temp.doc('{}', '[{"sku": "CHK-1", "quantity": 50, "unit_price": 100}]')) q, jsonb_array_elements((q->'problems') || (q->'messages')) p WHERE p ? 'severity';
SELECT q->'valid' AS valid, q->'total' AS total, p->>'severity' AS severity, p->>'code' AS code FROM usom.quote(pg_temp.doc('{"customer": "CHK-TIN"}')) q, jsonb_array_elements(q->'problems') p;
SELECT count(*) FROM usom.check_hit WHERE sales_order_id IS NOT NULL AND NOT EXISTS (SELECT FROM usom.sales_order o WHERE o.org_id = check_hit.org_id AND o.sales_order_id = check_hit.sales_order_id);
SELECT check_code, channel, customer, hits, overrides FROM usom.check_rules ORDER BY 1, 2, 3;
-- what no rule looks back to is forgotten
SELECT count(*) > 3 AS known FROM usom.order_fingerprint WHERE org_id = usom.current_org();
SELECT usom._tidy_fingerprints(usom.current_org()) AS too_early;
UPDATE usom.check_rule SET parameters = '{"window": "1 microsecond"}' WHERE check_code = 'duplicate';
SELECT usom._tidy_fingerprints(usom.current_org()) > 3 AS forgotten;
SELECT count(*) FROM usom.order_fingerprint WHERE org_id = usom.current_org();
-- rows are kept
SELECT pg_temp.try('DELETE FROM usom.check_rule WHERE check_code = ''limits''');
SELECT pg_temp.try($$UPDATE usom.check_hit SET reason = 'x'$$);
SELECT pg_temp.try('DELETE FROM usom.order_fingerprint');
UPDATE usom.check_rule SET active = false;
SELECT * FROM usom.verify();
