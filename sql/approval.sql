-- Approvals: whose yes an order waits for; it is bound to what the order says.
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
	FOREACH r IN ARRAY ARRAY['usom_appr_ann', 'usom_appr_bob', 'usom_appr_eve', 'usom_appr_desk', 'usom_appr_risk'] LOOP
		IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = r) THEN
			EXECUTE format('CREATE ROLE %I', r);
		END IF;
	END LOOP;
END
$$;
RESET client_min_messages;
INSERT INTO usom.organisation (code) VALUES ('approvals');
SELECT usom.grant_access(r, p, 'approvals') FROM (VALUES ('usom_appr_ann', 'agent'), ('usom_appr_eve', 'agent'), ('usom_appr_desk', 'agent'), ('usom_appr_bob', 'manager'), ('usom_appr_risk', 'agent')) v (r, p) \g /dev/null
SET usom.org = 'approvals';
INSERT INTO usom.location (code) VALUES ('APR-A');
INSERT INTO usom.product (sku, category) VALUES ('APR-1', 'tools'), ('APR-2', 'blades'), ('APR-3', NULL);
INSERT INTO usom.customer (code, segment) VALUES ('APR-GOLD', 'gold'), ('APR-NEW', NULL);
SELECT usom.receive_stocks('[{"location": "APR-A", "sku": "APR-1", "quantity": 1000}, {"location": "APR-A", "sku": "APR-2", "quantity": 1000}, {"location": "APR-A", "sku": "APR-3", "quantity": 1000}]') \g /dev/null
CREATE FUNCTION pg_temp.ask(external_id text, quantity numeric, unit_price numeric, more jsonb DEFAULT '{}') RETURNS TABLE (order_no text, status text, reserved numeric, messages jsonb) LANGUAGE sql AS $$
	SELECT p.order_no, p.status, p.quantity_reserved, p.messages
	FROM usom.place_order(jsonb_build_object('external_id', external_id, 'lines', jsonb_build_array(jsonb_build_object('sku', 'APR-1', 'quantity', quantity, 'unit_price', unit_price))) || more) p
$$;
CREATE FUNCTION pg_temp.no(external_id text) RETURNS text LANGUAGE sql AS $$SELECT o.order_no FROM usom.orders o WHERE o.external_id = $1$$;
CREATE FUNCTION pg_temp.asked(external_id text) RETURNS TABLE (queue text, status text, rules text[], automatic boolean, by text, went_on boolean) LANGUAGE sql AS $$
	SELECT a.queue, a.status, a.rules, a.automatic, a.decided_by, a.settled_at IS NOT NULL FROM usom.approvals a WHERE a.order_no = pg_temp.no($1) ORDER BY a.asked_at, a.queue, a.status
$$;

-- Without rules nothing is asked.
SELECT status, reserved, messages FROM pg_temp.ask('none', 10, 900);

-- Rules name what there is, and can fit something.
SELECT pg_temp.refused($$INSERT INTO usom.approval_rule (code, channel) VALUES ('bad', 'smoke')$$);
SELECT pg_temp.refused($$INSERT INTO usom.approval_rule (code, customer) VALUES ('bad', 'nobody')$$);
SELECT pg_temp.refused($$INSERT INTO usom.approval_rule (code, queue) VALUES ('bad', 'usom_appr_nobody')$$);
SELECT pg_temp.refused($$INSERT INTO usom.approval_rule (code, value_above, value_up_to) VALUES ('bad', 10, 10)$$);
SELECT pg_temp.refused($$INSERT INTO usom.approval_rule (code, currency) VALUES ('bad', 'EUR')$$);
SELECT pg_temp.refused($$INSERT INTO usom.approval_rule (code, escalate_after) VALUES ('bad', '1 hour')$$);
INSERT INTO usom.approval_rule (code, name, priority, outcome, value_up_to, segment) VALUES ('regulars', 'regular customers', 10, 'approve', 5000, 'gold');
INSERT INTO usom.approval_rule (code, value_above) VALUES ('value', 1000);
INSERT INTO usom.approval_rule (code, category, queue) VALUES ('blades', 'blades', 'agent');
INSERT INTO usom.approval_rule (code, risk_above, queue, if_declined) VALUES ('risk', 70, 'usom_appr_risk', 'reject');

-- Below the value an order goes on; above it waits, without stock; the quote says so.
SELECT status, reserved, messages FROM pg_temp.ask('small', 10, 100);
SELECT usom.quote('{"lines": [{"sku": "APR-1", "quantity": 20, "unit_price": 100}]}') #> '{problems,0}' AS problem;
SELECT status, reserved, messages FROM pg_temp.ask('large', 20, 100);
SELECT * FROM pg_temp.asked('large');
SELECT hold_type, reason, blocks, active FROM usom.holds WHERE order_no = pg_temp.no('large');
SELECT saw, total, mine, digest = encode(usom._order_content((SELECT sales_order_id FROM usom.sales_order WHERE external_id = 'large')), 'hex') AS is_what_it_says FROM usom.approvals WHERE order_no = pg_temp.no('large');
-- The standard case is approved by rule, and that stands in the books.
SELECT status, reserved FROM pg_temp.ask('gold', 20, 100, '{"customer": "APR-GOLD"}');
SELECT * FROM pg_temp.asked('gold');
SELECT status FROM pg_temp.ask('too much gold', 60, 100, '{"customer": "APR-GOLD"}');

-- Not by releasing the hold, not by an order of one's own, not by a stranger, not about something else.
SELECT pg_temp.refused(format('SELECT usom.confirm_order(%L)', pg_temp.no('large')));
SELECT pg_temp.refused(format('SELECT usom.release_hold(%L, ''approval'', ''it is fine'')', pg_temp.no('large')));
SELECT pg_temp.refused(format('UPDATE usom.sales_order SET status = ''confirmed'' WHERE order_no = %L', pg_temp.no('large')));
SELECT pg_temp.refused(format('SELECT usom.approve_order(%L, ''it is fine'')', pg_temp.no('large')));
SELECT pg_temp.refused(format('SELECT usom.approve_order(%L, ''it is fine'')', pg_temp.no('small')));
SET ROLE usom_appr_ann;
SELECT pg_temp.refused(format('SELECT usom.approve_order(%L, ''it is fine'')', pg_temp.no('large')));
RESET ROLE;
SET SESSION AUTHORIZATION usom_appr_bob;
SET usom.org = 'approvals';
SELECT pg_temp.refused(format('SELECT usom.approve_order(%L, ''it is fine'', ''agent'')', pg_temp.no('large')));
SELECT regexp_replace(said, '[0-9a-f]{16}\.', '#.') FROM pg_temp.refused(format('SELECT usom.approve_order(%L, ''it is fine'', digest => ''00'')', pg_temp.no('large'))) said;
SELECT pg_temp.refused(format('SELECT usom.decline_order(%L, NULL)', pg_temp.no('large')));
SELECT queue, status, mine, total FROM usom.approvals WHERE mine ORDER BY total;
-- The last yes confirms in the same call.
SELECT a.status FROM usom.approvals q, usom.approve_order(q.order_no, 'they always pay', digest => q.digest) a WHERE q.order_no = pg_temp.no('large');
SELECT pg_temp.refused(format('SELECT usom.approve_order(%L, ''again'')', pg_temp.no('large')));
RESET SESSION AUTHORIZATION;
SET usom.org = 'approvals';
SELECT * FROM pg_temp.asked('large');
SELECT * FROM pg_temp.pieces(pg_temp.no('large'));
SELECT event, reference, actor, to_status::text FROM usom.order_history WHERE sales_order_id = (SELECT sales_order_id FROM usom.sales_order WHERE external_id = 'large') ORDER BY version;
SELECT kind, payload FROM usom.events WHERE order_no = pg_temp.no('large') ORDER BY event_no;

-- What it says changes: the answer is void, and asked anew; what it does not say is free.
SELECT status FROM usom.change_order(pg_temp.no('large'), '{"priority": 1, "requested_at": "2040-01-01"}');
SELECT queue, status FROM pg_temp.asked('large');
SELECT status FROM usom.change_order(pg_temp.no('large'), '{"lines": [{"line_no": 1, "quantity": 21}]}');
SELECT queue, status, went_on FROM pg_temp.asked('large');
SELECT pg_temp.refused(format('SELECT usom.release_order(%L)', pg_temp.no('large')));
-- Back below the value nothing is asked any more.
SELECT status FROM usom.change_order(pg_temp.no('large'), '{"lines": [{"line_no": 1, "quantity": 5}]}');
SELECT queue, status FROM pg_temp.asked('large');
SELECT hold_type, active, release_reason FROM usom.holds WHERE order_no = pg_temp.no('large') ORDER BY placed_at;
SELECT status FROM usom.release_order(pg_temp.no('large'));

-- Units that are cancelled need no yes; another address does, by plain SQL, too.
SELECT status FROM pg_temp.ask('moved', 20, 100, '{"ship_to": {"line1": "1 High Street", "country": "GB"}}');
SET SESSION AUTHORIZATION usom_appr_bob;
SET usom.org = 'approvals';
SELECT status FROM usom.approve_order(pg_temp.no('moved'), NULL);
RESET SESSION AUTHORIZATION;
SET usom.org = 'approvals';
SELECT status FROM usom.cancel_line(pg_temp.no('moved'), 1, 1, 'one less');
SELECT queue, status FROM pg_temp.asked('moved');
UPDATE usom.sales_order SET ship_to = '{"line1": "2 Low Street", "country": "GB"}' WHERE order_no = pg_temp.no('moved');
SELECT queue, status FROM pg_temp.asked('moved');
SELECT hold_type, active FROM usom.holds WHERE order_no = pg_temp.no('moved') ORDER BY placed_at;

-- Two queues are asked; both have to say yes.
SELECT status FROM usom.place_order('{"external_id": "both", "lines": [{"sku": "APR-1", "quantity": 20, "unit_price": 100}, {"sku": "APR-2", "quantity": 1, "unit_price": 5}]}');
SELECT * FROM pg_temp.asked('both');
SET SESSION AUTHORIZATION usom_appr_eve;
SET usom.org = 'approvals';
SELECT status FROM usom.approve_order(pg_temp.no('both'), 'of age');
SELECT pg_temp.refused(format('SELECT usom.approve_order(%L, ''of age'')', pg_temp.no('both')));
RESET SESSION AUTHORIZATION;
SET SESSION AUTHORIZATION usom_appr_bob;
SET usom.org = 'approvals';
SELECT status FROM usom.approve_order(pg_temp.no('both'), 'fine');
RESET SESSION AUTHORIZATION;
SET usom.org = 'approvals';
SELECT * FROM pg_temp.asked('both');

-- Declined: it stays held until it is changed or cancelled, or is rejected, as the rule says.
SELECT status FROM pg_temp.ask('declined', 20, 100);
SET SESSION AUTHORIZATION usom_appr_bob;
SET usom.org = 'approvals';
SELECT status FROM usom.decline_order(pg_temp.no('declined'), 'too much at once');
SELECT pg_temp.refused(format('SELECT usom.release_hold(%L, ''approval'', ''well'')', pg_temp.no('declined')));
SELECT status FROM usom.request_approval(pg_temp.no('declined'), 'once more');
RESET SESSION AUTHORIZATION;
SET usom.org = 'approvals';
SELECT queue, status, by FROM pg_temp.asked('declined');
SELECT status FROM usom.change_order(pg_temp.no('declined'), '{"lines": [{"line_no": 1, "quantity": 5}]}');
SELECT queue, status FROM pg_temp.asked('declined');
SELECT status FROM usom.confirm_order(pg_temp.no('declined'));
SELECT status, messages FROM pg_temp.ask('risky', 1, 10, '{"risk_score": 90}');
SET SESSION AUTHORIZATION usom_appr_risk;
SET usom.org = 'approvals';
SELECT order_no = pg_temp.no('risky') AS it, risk, saw -> 'risk' AS saw FROM usom.approvals WHERE mine AND queue = 'usom_appr_risk';
SELECT status FROM usom.decline_order(pg_temp.no('risky'), 'forwarder');
RESET SESSION AUTHORIZATION;
SET usom.org = 'approvals';
SELECT queue, status, by FROM pg_temp.asked('risky');
SELECT pg_temp.refused($$SELECT usom.place_order('{"risk_score": 101, "lines": [{"sku": "APR-1", "quantity": 1}]}')$$);
-- The score may come later.
SELECT status FROM pg_temp.ask('scored', 1, 10);
SELECT status FROM usom.score_order(pg_temp.no('scored'), 20, 'known device');
SELECT * FROM pg_temp.asked('scored');
SELECT status FROM usom.score_order(pg_temp.no('scored'), 80, 'new device');
SELECT * FROM pg_temp.asked('scored');
SELECT status FROM usom.score_order(pg_temp.no('scored'), 10, 'called back');
SELECT queue, status FROM pg_temp.asked('scored');
SELECT hold_type, active FROM usom.holds WHERE order_no = pg_temp.no('scored');

-- Questions expire, and escalate: both are read, nobody sweeps.
INSERT INTO usom.approval_rule (code, channel, queue, valid_for) VALUES ('soon', 'phone', 'manager', '1 microsecond');
INSERT INTO usom.approval_rule (code, channel, queue, escalate_after, escalate_to) VALUES ('up', 'rep', 'usom_appr_risk', '0', 'manager');
SELECT status FROM pg_temp.ask('soon', 1, 10, '{"channel": "phone"}');
SELECT status FROM pg_temp.ask('up', 1, 10, '{"channel": "rep"}');
SET SESSION AUTHORIZATION usom_appr_bob;
SET usom.org = 'approvals';
SELECT queue, status, mine FROM usom.approvals WHERE order_no = pg_temp.no('soon');
SELECT pg_temp.refused(format('SELECT usom.approve_order(%L, ''late'')', pg_temp.no('soon')));
SELECT queue, status, escalated, escalates_to, mine FROM usom.approvals WHERE order_no = pg_temp.no('up');
SELECT status FROM usom.approve_order(pg_temp.no('up'), 'nobody else was there');
UPDATE usom.approval_rule SET valid_for = '1 day' WHERE code = 'soon';
SELECT status FROM usom.request_approval(pg_temp.no('soon'));
SELECT queue, status, mine FROM usom.approvals WHERE order_no = pg_temp.no('soon') ORDER BY status;
SELECT status FROM usom.approve_order(pg_temp.no('soon'), 'in time');
RESET SESSION AUTHORIZATION;
SET usom.org = 'approvals';

-- A draft is asked about when it is submitted, by plain SQL, too.
INSERT INTO usom.sales_order (order_no, external_id) VALUES ('APR-DRAFT', 'draft');
INSERT INTO usom.order_line (sales_order_id, line_no, product_id, quantity, unit_price) SELECT sales_order_id, 1, usom.product_id('APR-1'), 20, 100 FROM usom.sales_order WHERE order_no = 'APR-DRAFT';
SELECT * FROM pg_temp.asked('draft');
UPDATE usom.sales_order SET status = 'submitted' WHERE order_no = 'APR-DRAFT';
SELECT status FROM usom.orders WHERE order_no = 'APR-DRAFT';
SELECT * FROM pg_temp.asked('draft');
SELECT status FROM usom.cancel_order('APR-DRAFT', 'no');
SELECT queue, status FROM pg_temp.asked('draft');

-- People who share a login are told apart by the application, if the rule trusts it; else the login alone is not enough.
INSERT INTO usom.approval_rule (code, channel, queue, apart_by) VALUES ('desk', 'pos', 'agent', 'app_user');
SET SESSION AUTHORIZATION usom_appr_desk;
SET usom.org = 'approvals';
SET usom.app_user = 'ann';
SELECT status FROM pg_temp.ask('desk', 1, 10, '{"channel": "pos"}');
SELECT pg_temp.refused(format('SELECT usom.approve_order(%L, ''mine'')', pg_temp.no('desk')));
SET usom.app_user = '';
SELECT pg_temp.refused(format('SELECT usom.approve_order(%L, ''mine'')', pg_temp.no('desk')));
SET usom.app_user = 'bob';
SELECT status FROM usom.approve_order(pg_temp.no('desk'), 'not mine');
SET usom.app_user = 'ann';
SELECT status FROM usom.place_order('{"external_id": "blade", "lines": [{"sku": "APR-2", "quantity": 1, "unit_price": 5}]}');
SET usom.app_user = 'bob';
SELECT pg_temp.refused(format('SELECT usom.approve_order(%L, ''same login'')', pg_temp.no('blade')));
RESET SESSION AUTHORIZATION;
SET usom.org = 'approvals';
SET SESSION AUTHORIZATION usom_appr_eve;
SET usom.org = 'approvals';
SET usom.app_user = 'ann';
SELECT pg_temp.refused(format('SELECT usom.approve_order(%L, ''same person'')', pg_temp.no('blade')));
SET usom.app_user = 'bob';
SELECT status FROM usom.approve_order(pg_temp.no('blade'), 'fine');
RESET SESSION AUTHORIZATION;
RESET usom.app_user;
SET usom.org = 'approvals';

-- A batch is asked about as a whole.
SELECT ordinal, outcome FROM usom.place_orders('[{"external_id": "b1", "lines": [{"sku": "APR-1", "quantity": 1, "unit_price": 1}]}, {"external_id": "b2", "lines": [{"sku": "APR-1", "quantity": 20, "unit_price": 100}]}, {"external_id": "b3", "lines": [{"sku": "APR-2", "quantity": 1, "unit_price": 1}]}]') p ORDER BY ordinal;
SELECT external_id, o.status, o.total FROM usom.orders o WHERE external_id LIKE 'b_' ORDER BY 1;
SELECT external_id, a.queue, a.status FROM usom.approvals a JOIN usom.orders o USING (order_no) WHERE external_id LIKE 'b_' ORDER BY 1, 2;

SELECT * FROM usom.verify();
-- What goes round usom is found: another content, a missing hold, a decision of one's own.
BEGIN;
SET LOCAL ROLE usom_break_glass;
SET LOCAL usom.reason = 'test';
UPDATE usom.order_line SET unit_price = unit_price + 1, total = total + quantity WHERE sales_order_id = (SELECT sales_order_id FROM usom.sales_order WHERE external_id = 'both') AND line_no = 1;
UPDATE usom.sales_order SET total = total + 20 WHERE external_id = 'both';
UPDATE usom.hold SET released_at = now(), released_by = 'x' WHERE hold_type = 'approval' AND sales_order_id = (SELECT sales_order_id FROM usom.sales_order WHERE external_id = 'b2');
UPDATE usom.approval SET decided_by = 'usom_appr_desk' WHERE sales_order_id = (SELECT sales_order_id FROM usom.sales_order WHERE external_id = 'blade') AND status = 'approved';
RESET ROLE;
SELECT area, pg_temp.mask(entity) AS entity, problem, length(expected), length(actual) FROM usom.verify_approvals() ORDER BY 2, 3;
ROLLBACK;
SELECT usom.revoke_access(r, p, 'approvals') FROM (VALUES ('usom_appr_ann', 'agent'), ('usom_appr_eve', 'agent'), ('usom_appr_desk', 'agent'), ('usom_appr_bob', 'manager'), ('usom_appr_risk', 'agent')) v (r, p) \g /dev/null
RESET usom.org;
