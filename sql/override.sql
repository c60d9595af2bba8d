-- Prices that people set: with a reason, within limits by role, beyond them with another person's approval.
\getenv srcdir PG_ABS_SRCDIR
\set helpers :srcdir '/sql/include/helpers.sql'
\set ECHO none
\i :helpers
\set ECHO all
\pset format unaligned
SET timezone = 'UTC';
SET datestyle = 'ISO';
SET client_min_messages = warning;
DO $$
DECLARE
	r text;
BEGIN
	-- roles outlive their database
	FOREACH r IN ARRAY ARRAY['usom_ovr_ann', 'usom_ovr_bob', 'usom_ovr_tom', 'usom_ovr_lead'] LOOP
		IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = r) THEN
			EXECUTE format('CREATE ROLE %I', r);
		END IF;
	END LOOP;
END
$$;
RESET client_min_messages;
INSERT INTO usom.organisation (code) VALUES ('overrides');
SELECT usom.grant_access(r, p, 'overrides') FROM (VALUES ('usom_ovr_ann', 'agent'), ('usom_ovr_tom', 'agent'), ('usom_ovr_bob', 'manager')) v (r, p) \g /dev/null
SET client_min_messages = warning;
GRANT usom_ovr_lead TO usom_ovr_tom;
RESET client_min_messages;
SET usom.org = 'overrides';
UPDATE usom.channel SET pricing = 'list' WHERE org_id = usom.current_org() AND code = 'phone';
INSERT INTO usom.location (code) VALUES ('OVR-A');
INSERT INTO usom.product (sku, category) VALUES ('OVR-1', 'tools'), ('OVR-2', 'blades'), ('OVR-3', NULL), ('OVR-4', NULL);
INSERT INTO usom.price (sku, unit_price) VALUES ('OVR-1', 10), ('OVR-2', 20), ('OVR-3', 50);
SELECT usom.receive_stocks('[{"location": "OVR-A", "sku": "OVR-1", "quantity": 1000}, {"location": "OVR-A", "sku": "OVR-2", "quantity": 1000}, {"location": "OVR-A", "sku": "OVR-3", "quantity": 1000}]') \g /dev/null
CREATE FUNCTION pg_temp.no(external_id text) RETURNS text LANGUAGE sql AS $$SELECT o.order_no FROM usom.orders o WHERE o.external_id = $1$$;
CREATE FUNCTION pg_temp.ask(external_id text, lines jsonb, more jsonb DEFAULT '{}') RETURNS TABLE (status text, total numeric) LANGUAGE sql AS $$
	SELECT p.status, p.total FROM usom.place_order(jsonb_build_object('external_id', external_id, 'channel', 'phone', 'lines', lines) || more) p
$$;
CREATE FUNCTION pg_temp.set_by_hand(external_id text) RETURNS TABLE (line_no integer, sku text, unit_price numeric, price_before numeric, reason text, queue text, beyond text, by text, over boolean) LANGUAGE sql AS $$
	SELECT v.line_no, v.sku, v.unit_price, v.price_before, v.reason, v.queue, v.beyond, v.placed_by, v.ended_at IS NOT NULL FROM usom.price_overrides v WHERE v.order_no = pg_temp.no($1) ORDER BY v.line_no, v.placed_at
$$;

-- Without limits a reason is enough; the price is a step of its own.
SELECT * FROM pg_temp.ask('free', '[{"sku": "OVR-1", "quantity": 4}, {"sku": "OVR-2", "quantity": 1}]');
SELECT status FROM usom.override_price(pg_temp.no('free'), 1, 7.5, 'scratched');
SELECT line_no, unit_price, total FROM usom.order_lines WHERE order_no = pg_temp.no('free') ORDER BY line_no;
SELECT * FROM pg_temp.set_by_hand('free');
SELECT line_no, step, rule, before, after, reason FROM usom.price_step s WHERE s.sales_order_id = (SELECT sales_order_id FROM usom.sales_order WHERE external_id = 'free') AND version = (SELECT max(version) FROM usom.price_step m WHERE m.sales_order_id = s.sales_order_id) ORDER BY line_no, step_no;
-- It stays when the order is priced anew, and another one takes its place.
SELECT status FROM usom.change_order(pg_temp.no('free'), '{"lines": [{"line_no": 1, "quantity": 5}]}');
SELECT status FROM usom.override_price(pg_temp.no('free'), 1, 8, 'scratched, but not so bad');
SELECT line_no, quantity, unit_price, total FROM usom.order_lines WHERE order_no = pg_temp.no('free') ORDER BY line_no;
SELECT * FROM pg_temp.set_by_hand('free');
-- Taken back, the rules say the price again.
SELECT status FROM usom.override_price(pg_temp.no('free'), 1, NULL, 'no scratch after all');
SELECT line_no, unit_price, total FROM usom.order_lines WHERE order_no = pg_temp.no('free') ORDER BY line_no;
SELECT unit_price, over FROM pg_temp.set_by_hand('free');
SELECT event, line_no, reason FROM usom.order_history WHERE sales_order_id = (SELECT sales_order_id FROM usom.sales_order WHERE external_id = 'free') ORDER BY version;
SELECT pg_temp.refused(format('SELECT usom.override_price(%L, 1, NULL, ''again'')', pg_temp.no('free')));
SELECT pg_temp.refused(format('SELECT usom.override_price(%L, 1, 5, NULL)', pg_temp.no('free')));
SELECT pg_temp.refused(format('SELECT usom.override_price(%L, 1, 5, '''')', pg_temp.no('free')));
SELECT pg_temp.refused(format('SELECT usom.override_price(%L, 9, 5, ''no such line'')', pg_temp.no('free')));
SELECT pg_temp.refused(format('SELECT usom.override_price(%L, 1, -1, ''below zero'')', pg_temp.no('free')));
SELECT pg_temp.refused(format('SELECT usom.override_price(%L, 1, ''NaN'', ''no number'')', pg_temp.no('free')));
SELECT pg_temp.refused($$SELECT usom.place_order('{"lines": [{"sku": "OVR-1", "quantity": 1, "override": {"unit_price": 5}}]}')$$);
SELECT pg_temp.refused($$SELECT usom.place_order('{"lines": [{"sku": "OVR-1", "quantity": 1, "override": {"reason": "why"}}]}')$$);
SELECT pg_temp.refused($$SELECT usom.place_order('{"lines": [{"sku": "OVR-1", "quantity": 1, "override": {"price": 5, "reason": "why"}}]}')$$);

-- Limits: the narrowest of a role, the widest of several roles.
SELECT pg_temp.refused($$INSERT INTO usom.price_limit (code, sku) VALUES ('bad', 'OVR-NONE')$$);
SELECT pg_temp.refused($$INSERT INTO usom.price_limit (code, role) VALUES ('bad', 'usom_ovr_nobody')$$);
SELECT pg_temp.refused($$INSERT INTO usom.price_limit (code, max_discount) VALUES ('bad', 101)$$);
INSERT INTO usom.price_limit (code, role, max_discount, max_markup) VALUES ('agents', 'agent', 10, 5);
INSERT INTO usom.price_limit (code, role, category, max_discount) VALUES ('agents, blades', 'agent', 'blades', 20);
INSERT INTO usom.price_limit (code, role, max_discount, max_markup) VALUES ('leads', 'usom_ovr_lead', 30, 30);
INSERT INTO usom.price_limit (code, role, sku, max_discount) VALUES ('leads, OVR-3', 'usom_ovr_lead', 'OVR-3', 5);
SELECT pg_temp.refused($$INSERT INTO usom.price_limit (code, role, max_discount) VALUES ('twice', 'agent', 11)$$);
SET SESSION AUTHORIZATION usom_ovr_ann;
SET usom.org = 'overrides';
SELECT * FROM pg_temp.ask('ten', '[{"sku": "OVR-1", "quantity": 4, "override": {"unit_price": 9, "reason": "ten per cent"}}, {"sku": "OVR-2", "quantity": 1, "override": {"unit_price": 16, "reason": "twenty"}}]');
SELECT * FROM pg_temp.set_by_hand('ten');
SELECT usom.quote('{"channel": "phone", "lines": [{"sku": "OVR-1", "quantity": 4, "override": {"unit_price": 8.99, "reason": "a bit more"}}]}') #> '{problems,0}' AS problem;
SELECT * FROM pg_temp.ask('more', '[{"sku": "OVR-1", "quantity": 4, "override": {"unit_price": 8.99, "reason": "a bit more"}}]');
SELECT * FROM pg_temp.set_by_hand('more');
SELECT queue, status, rules, saw FROM usom.approvals WHERE order_no = pg_temp.no('more');
SELECT * FROM pg_temp.ask('up', '[{"sku": "OVR-1", "quantity": 4, "override": {"unit_price": 10.51, "reason": "they pay"}}, {"sku": "OVR-2", "quantity": 1, "override": {"unit_price": 20.01, "reason": "no markup here"}}]');
SELECT line_no, queue, beyond FROM pg_temp.set_by_hand('up');
-- A product without a price has none to go from.
SELECT * FROM pg_temp.ask('no price', '[{"sku": "OVR-4", "quantity": 1, "override": {"unit_price": 1, "reason": "no price yet"}}]');
SELECT price_before, queue, beyond FROM pg_temp.set_by_hand('no price');
SELECT pg_temp.refused(format('SELECT usom.approve_order(%L, ''myself'')', pg_temp.no('more')));
RESET SESSION AUTHORIZATION;
SET SESSION AUTHORIZATION usom_ovr_tom;
SET usom.org = 'overrides';
SELECT * FROM pg_temp.ask('lead', '[{"sku": "OVR-1", "quantity": 4, "override": {"unit_price": 7, "reason": "thirty"}}]');
SELECT queue, beyond FROM pg_temp.set_by_hand('lead');
-- Of the lead the narrow limit counts, of the agent the wide one: that is the better.
SELECT * FROM pg_temp.ask('narrow', '[{"sku": "OVR-3", "quantity": 1, "override": {"unit_price": 45, "reason": "ten"}}]');
SELECT queue, beyond FROM pg_temp.set_by_hand('narrow');
SELECT * FROM pg_temp.ask('narrower', '[{"sku": "OVR-3", "quantity": 1, "override": {"unit_price": 44, "reason": "twelve"}}]');
SELECT queue, beyond FROM pg_temp.set_by_hand('narrower');
RESET SESSION AUTHORIZATION;
SET usom.org = 'overrides';
SELECT usom.revoke_access('usom_ovr_bob', 'manager', 'overrides'), usom.grant_access('usom_ovr_bob', 'manager', 'overrides') \g /dev/null

-- Another person approves; who set the price, and who changed the order, do not.
SET SESSION AUTHORIZATION usom_ovr_bob;
SET usom.org = 'overrides';
SELECT status FROM usom.approve_order(pg_temp.no('more'), 'a good customer');
SELECT queue, status FROM usom.approvals WHERE order_no = pg_temp.no('more');
SELECT status FROM usom.override_price(pg_temp.no('narrower'), 1, 1, 'managers have no limit of their own');
SELECT line_no, unit_price, queue, beyond, over FROM pg_temp.set_by_hand('narrower');
SELECT pg_temp.refused(format('SELECT usom.approve_order(%L, ''myself'')', pg_temp.no('narrower')));
RESET SESSION AUTHORIZATION;
SET usom.org = 'overrides';
SELECT queue, status, saw -> 'line 1' AS line FROM usom.approvals WHERE order_no = pg_temp.no('narrower') ORDER BY asked_at, status DESC;

-- On an order that is confirmed: it goes no further until it is approved.  Within the limit again, nothing is asked.
SET SESSION AUTHORIZATION usom_ovr_ann;
SET usom.org = 'overrides';
SELECT * FROM pg_temp.ask('later', '[{"sku": "OVR-1", "quantity": 4}]');
SELECT status FROM usom.override_price(pg_temp.no('later'), 1, 5, 'half');
SELECT pg_temp.refused(format('SELECT usom.release_order(%L)', pg_temp.no('later')));
SELECT status FROM usom.override_price(pg_temp.no('later'), 1, 9.5, 'five');
SELECT queue, status FROM usom.approvals WHERE order_no = pg_temp.no('later');
SELECT status FROM usom.release_order(pg_temp.no('later'));
RESET SESSION AUTHORIZATION;
SET usom.org = 'overrides';
-- Not on what has left.
SELECT usom.ship(pg_temp.no('later')) IS NOT NULL AS shipped;
SELECT pg_temp.refused(format('SELECT usom.override_price(%L, 1, 9, ''too late'')', pg_temp.no('later')));

-- A draft: set by hand, and asked about when it is submitted.
SET SESSION AUTHORIZATION usom_ovr_ann;
SET usom.org = 'overrides';
SELECT * FROM pg_temp.ask('draft', '[{"sku": "OVR-1", "quantity": 4}]', '{"draft": true}');
SELECT status FROM usom.override_price(pg_temp.no('draft'), 1, 5, 'half');
SELECT count(*) FROM usom.approvals WHERE order_no = pg_temp.no('draft');
SELECT status FROM usom.submit_order(pg_temp.no('draft'));
SELECT unit_price, total FROM usom.order_lines WHERE order_no = pg_temp.no('draft');
SELECT queue, status, rules FROM usom.approvals WHERE order_no = pg_temp.no('draft');
RESET SESSION AUTHORIZATION;
SET usom.org = 'overrides';

-- Rules see what overrides and discounts take off.
INSERT INTO usom.approval_rule (code, discount_above) VALUES ('discount', 12);
SELECT * FROM pg_temp.ask('discount', '[{"sku": "OVR-1", "quantity": 10, "override": {"unit_price": 7, "reason": "thirty"}}, {"sku": "OVR-3", "quantity": 2}]');
SELECT queue, rules, discount, saw FROM usom.approvals WHERE order_no = pg_temp.no('discount');
SELECT * FROM pg_temp.ask('less discount', '[{"sku": "OVR-1", "quantity": 10, "override": {"unit_price": 8, "reason": "twenty"}}, {"sku": "OVR-3", "quantity": 2}]');

SELECT * FROM usom.verify();
SELECT usom.revoke_access(r, p, 'overrides') FROM (VALUES ('usom_ovr_ann', 'agent'), ('usom_ovr_tom', 'agent'), ('usom_ovr_bob', 'manager')) v (r, p) \g /dev/null
RESET usom.org;
