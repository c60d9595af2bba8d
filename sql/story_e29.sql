-- Scenario E29: holds that raise each other in a circle are refused when they are defined; a hold or an edit that has
-- run out does not keep an order, even if no job runs.
\getenv srcdir PG_ABS_SRCDIR
\set helpers :srcdir '/sql/include/helpers.sql'
\set ECHO none
\i :helpers
\set ECHO all
\pset format unaligned
\set VERBOSITY terse
SET timezone = 'UTC';
INSERT INTO usom.location (code) VALUES ('E29');
INSERT INTO usom.product (sku, category) VALUES ('E29-RADIO', 'E29'), ('E29-BATTERY', 'E29');
INSERT INTO usom.customer (code, segment) VALUES ('E29-NEW', 'E29-new');
SELECT usom.receive_stocks('[{"location": "E29", "sku": "E29-RADIO", "quantity": 100}, {"location": "E29", "sku": "E29-BATTERY", "quantity": 100}]');
INSERT INTO usom.hold_type (code, blocks) VALUES ('E29-A', '{release,ship}'), ('E29-B', '{release,ship}'), ('E29-C', '{release,ship}');
CREATE FUNCTION pg_temp.try(command text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE command;
	RETURN 'done';
EXCEPTION WHEN OTHERS THEN
	RETURN regexp_replace(SQLSTATE || ' ' || SQLERRM, 'SO-\d+', '(order)', 'g');
END
$$;
-- A raises B, B raises C: a chain, which is fine
INSERT INTO usom.hold_rule (code, when_held, hold_type, reason) VALUES ('E29-AB', 'E29-A', 'E29-B', 'B follows A');
INSERT INTO usom.hold_rule (code, when_held, hold_type, segment) VALUES ('E29-BC', 'E29-B', 'E29-C', 'E29-new');
-- C raises A: a circle, refused with the circle
\set VERBOSITY default
\set SHOW_CONTEXT never
INSERT INTO usom.hold_rule (code, when_held, hold_type) VALUES ('E29-CA', 'E29-C', 'E29-A');
INSERT INTO usom.hold_rule (code, when_held, hold_type) VALUES ('E29-BA', 'E29-B', 'E29-A');
INSERT INTO usom.hold_rule (code, when_held, hold_type) VALUES ('E29-AA', 'E29-A', 'E29-A');
UPDATE usom.hold_rule SET hold_type = 'E29-A' WHERE code = 'E29-BC';
\set VERBOSITY terse
-- one that is off may stand, until it is switched on
INSERT INTO usom.hold_rule (code, when_held, hold_type, active) VALUES ('E29-CA', 'E29-C', 'E29-A', false);
UPDATE usom.hold_rule SET active = true WHERE code = 'E29-CA';
-- what A raises
SELECT order_no AS o FROM usom.place_order('{"customer": "E29-NEW", "lines": [{"sku": "E29-RADIO", "quantity": 1, "unit_price": 1}, {"sku": "E29-BATTERY", "quantity": 2, "unit_price": 1}]}') \gset
SELECT status FROM usom.hold_order(:'o', 'E29-A', 'somebody asked');
SELECT hold_type, reason, check_code FROM usom.holds WHERE order_no = :'o' AND active ORDER BY hold_type;
SELECT status FROM usom.hold_order(:'o', 'E29-A', 'asked again');
SELECT count(*) FROM usom.holds WHERE order_no = :'o';
SELECT pg_temp.try(format('SELECT usom.release_order(%L)', :'o'));
SELECT (usom.release_hold(:'o', t, 'done')).status FROM unnest(ARRAY['E29-A', 'E29-B', 'E29-C']) t;
SELECT status FROM usom.release_order(:'o');
-- of a line, the others go
SELECT order_no AS o FROM usom.place_order('{"lines": [{"sku": "E29-RADIO", "quantity": 1, "unit_price": 1}, {"sku": "E29-BATTERY", "quantity": 2, "unit_price": 1}]}') \gset
SELECT status FROM usom.hold_order(:'o', 'E29-A', 'the radio hums', line_no => 1);
SELECT line_no, hold_type FROM usom.holds WHERE order_no = :'o' AND active ORDER BY hold_type;
SELECT status FROM usom.release_order(:'o');
SELECT usom.ship(:'o') IS NOT NULL AS shipped;
SELECT line_no, status FROM usom.order_pieces WHERE order_no = :'o' ORDER BY line_no;
-- rules about orders: by value, country, type, and what they raise; at placing, and at a change
INSERT INTO usom.hold_rule (code, hold_type, value_above, currency, hold_for) SELECT 'E29-BIG', 'E29-A', 1000, g.currency, '1 hour' FROM usom.organisation g WHERE g.org_id = usom.current_org();
INSERT INTO usom.hold_rule (code, hold_type, country, channel) VALUES ('E29-FAR', 'review', 'NZ', 'web');
SELECT status, jsonb_path_query_array(messages, '$[*].hold_type') AS holds FROM usom.place_order('{"lines": [{"sku": "E29-RADIO", "quantity": 1, "unit_price": 1001}]}');
SELECT status, jsonb_path_query_array(messages, '$[*].hold_type') AS holds FROM usom.place_order('{"channel": "web", "ship_to": {"country": "NZ"}, "lines": [{"sku": "E29-RADIO", "quantity": 1, "unit_price": 1}]}');
SELECT status, jsonb_path_query_array(messages, '$[*].hold_type') AS holds FROM usom.place_order('{"channel": "web", "ship_to": {"country": "NZ"}, "lines": [{"sku": "E29-RADIO", "quantity": 1000, "unit_price": 2}]}');
SELECT order_no AS o, messages FROM usom.place_order('{"lines": [{"sku": "E29-RADIO", "quantity": 1, "unit_price": 1}]}') \gset
SET client_min_messages = error;
SELECT status FROM usom.change_order(:'o', '{"lines": [{"line_no": 1, "unit_price": 2000}]}');
SELECT hold_type, check_code, active, expires_at - placed_at AS stands FROM usom.holds WHERE order_no = :'o' ORDER BY hold_type;
-- what somebody has released is not placed again by the next change
SELECT (usom.release_hold(:'o', t, 'known')).status FROM unnest(ARRAY['E29-A', 'E29-B']) t;
SELECT status FROM usom.change_order(:'o', '{"priority": 1}');
SELECT count(*) FROM usom.holds WHERE order_no = :'o' AND active;
RESET client_min_messages;
-- an expired hold keeps nothing from leaving, and nobody has swept it; somebody who edits an order holds it for a while like that
SELECT order_no AS o FROM usom.place_order('{"lines": [{"sku": "E29-RADIO", "quantity": 1, "unit_price": 1}, {"sku": "E29-BATTERY", "quantity": 1, "unit_price": 1}]}') \gset
SELECT status FROM usom.hold_order(:'o', 'fraud', 'for a moment', clock_timestamp() + interval '3 seconds');
SELECT status FROM usom.hold_order(:'o', 'customer', 'for a moment', clock_timestamp() + interval '3 seconds', line_no => 2);
SELECT status FROM usom.hold_order(:'o', 'edit', 'for a moment', clock_timestamp() + interval '3 seconds', line_no => 2, piece_no => 1);
SELECT pg_temp.try(format('SELECT usom.release_order(%L)', :'o'));
SELECT pg_sleep(3.2);
SELECT hold_type, active, expires_at < clock_timestamp() AS expired FROM usom.holds WHERE order_no = :'o' ORDER BY hold_type;
SELECT held FROM usom.orders WHERE order_no = :'o';
SELECT status FROM usom.release_order(:'o');
SELECT usom.ship(:'o') IS NOT NULL AS shipped;
SELECT count(*) AS swept FROM usom.holds WHERE order_no = :'o' AND released_at IS NOT NULL;
UPDATE usom.hold_rule SET active = false;
SELECT * FROM usom.verify();
