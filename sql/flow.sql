-- Flows as data: written, checked, published, taken, guarded, revised.
\getenv srcdir PG_ABS_SRCDIR
\set helpers :srcdir '/sql/include/helpers.sql'
\set ECHO none
\i :helpers
\set ECHO all
\pset format unaligned
INSERT INTO usom.organisation (code) VALUES ('flows');
SET usom.org = 'flows';
INSERT INTO usom.location (code) VALUES ('FLOW-L');
INSERT INTO usom.product (sku) VALUES ('FLOW-PEN');
SELECT * FROM usom.receive_stock('FLOW-L', 'FLOW-PEN', 100);

-- A new flow is the built-in one: a state for each status but draft.
INSERT INTO usom.flow (code, description) VALUES ('engraving', 'Pens are engraved before they leave');
SELECT state, status, starts, built_in FROM usom.flow_state WHERE flow_id = usom.flow_id('engraving') ORDER BY status;
SELECT * FROM usom.check_flow('engraving');

-- What is wrong with a graph is told at once, one row each.
INSERT INTO usom.flow_state (flow_id, state, status) SELECT usom.flow_id('engraving'), s, 'confirmed' FROM unnest('{engraving,engraved,polished,lost}'::text[]) s;
INSERT INTO usom.flow_transition (flow_id, from_state, to_state) SELECT usom.flow_id('engraving'), t.* FROM (VALUES
	('confirmed', 'engraving'), ('confirmed', 'cancelled'), ('engraving', 'engraved'), ('engraved', 'engraving'), ('engraved', 'shipped'), ('polished', 'processing'), ('confirmed', 'lost')) t;
SELECT * FROM usom.check_flow('engraving');
SELECT * FROM pg_temp.refused($$SELECT usom.publish_flow('engraving')$$);
DELETE FROM usom.flow_transition WHERE flow_id = usom.flow_id('engraving') AND (from_state = 'polished' OR to_state IN ('shipped', 'lost'));
DELETE FROM usom.flow_state WHERE flow_id = usom.flow_id('engraving') AND state IN ('polished', 'lost');
INSERT INTO usom.flow_transition (flow_id, from_state, to_state) SELECT usom.flow_id('engraving'), t.* FROM (VALUES
	('engraved', 'processing'), ('engraved', 'cancelled')) t;
SELECT * FROM usom.check_flow('engraving');
UPDATE usom.flow_state SET starts = false WHERE flow_id = usom.flow_id('engraving') AND state = 'confirmed';
SELECT * FROM usom.check_flow('engraving');
UPDATE usom.flow_state SET starts = true WHERE flow_id = usom.flow_id('engraving') AND state = 'confirmed';

-- Guards are functions; what they may be is checked.
CREATE SCHEMA flow_shop;
CREATE TABLE flow_shop.approved_text (order_no text PRIMARY KEY);
CREATE FUNCTION flow_shop.text_is_approved(org_id bigint, order_no text) RETURNS boolean LANGUAGE sql STABLE
	AS 'SELECT EXISTS (SELECT FROM flow_shop.approved_text t WHERE t.order_no = $2)';
CREATE FUNCTION flow_shop.writes(org_id bigint, order_no text) RETURNS boolean LANGUAGE sql VOLATILE AS 'SELECT true';
CREATE FUNCTION flow_shop.counts(org_id bigint, order_no text) RETURNS integer LANGUAGE sql STABLE AS 'SELECT 1';
CREATE FUNCTION flow_shop.of_somebody(org_id bigint, order_no text) RETURNS boolean LANGUAGE sql STABLE AS 'SELECT true';
DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'usom_flow_author') THEN CREATE ROLE usom_flow_author; END IF; END $$;
GRANT CREATE ON SCHEMA flow_shop TO usom_flow_author;
ALTER FUNCTION flow_shop.of_somebody(bigint, text) OWNER TO usom_flow_author;
GRANT USAGE ON SCHEMA flow_shop TO usom_owner;
GRANT SELECT ON flow_shop.approved_text TO usom_owner;
SELECT r.* FROM unnest('{flow_shop.none,flow_shop.writes,flow_shop.counts,flow_shop.of_somebody,rich}'::text[]) WITH ORDINALITY g (guard, place), LATERAL pg_temp.refused(format(
	$$INSERT INTO usom.flow_guard (flow_id, from_state, to_state, guard) VALUES (usom.flow_id('engraving'), 'confirmed', 'engraving', %L); SELECT usom.publish_flow('engraving')$$, g.guard)) r ORDER BY g.place;
\set VERBOSITY terse
INSERT INTO usom.flow_guard (flow_id, from_state, to_state, guard) VALUES (usom.flow_id('engraving'), 'confirmed', 'engraving', 'true; DROP TABLE usom.flow');
\set VERBOSITY default
INSERT INTO usom.flow_guard (flow_id, from_state, to_state, guard, severity, hold_type, message) SELECT usom.flow_id('engraving'), t.* FROM (VALUES
	('confirmed', 'engraving', 'flow_shop.text_is_approved', 'refuse', 'review', 'the customer has not approved the text'),
	('confirmed', 'engraving', 'reserved', 'refuse', 'review', NULL),
	('confirmed', 'engraving', 'promised', 'off', 'review', NULL),
	('engraving', 'engraved', 'unheld', 'warn', 'review', 'somebody has put it on hold meanwhile'),
	('engraved', 'processing', 'paid', 'hold', 'payment', 'it is not paid')) t;
INSERT INTO usom.flow_effect (flow_id, from_state, to_state, effect, argument, message) SELECT usom.flow_id('engraving'), t.* FROM (VALUES
	('confirmed', 'engraving', 'hold', 'workshop', 'it is in the workshop'),
	('engraving', 'engraved', 'release_hold', 'workshop', NULL),
	('engraving', 'engraved', 'event', 'engraved', NULL),
	('engraved', 'engraving', 'exception', 'engraved_again', NULL)) t;

-- Published, it does not change; a rule sends orders there.
SELECT * FROM pg_temp.refused($$INSERT INTO usom.flow_rule (code, flow) VALUES ('FLOW-WEB', 'engraving')$$);
SELECT usom.publish_flow('engraving') AS version, usom.publish_flow('engraving') AS again;
SELECT from_state, to_state, built_in FROM usom.flow_transition WHERE flow_id = usom.flow_id('engraving') ORDER BY 1, 2;
SELECT * FROM pg_temp.refused($$INSERT INTO usom.flow_state (flow_id, state, status) VALUES (usom.flow_id('engraving'), 'x', 'confirmed')$$);
SELECT * FROM pg_temp.refused($$UPDATE usom.flow_guard SET severity = 'off' WHERE flow_id = usom.flow_id('engraving')$$);
SELECT * FROM pg_temp.refused($$DELETE FROM usom.flow_effect WHERE flow_id = usom.flow_id('engraving')$$);
SELECT * FROM pg_temp.refused($$UPDATE usom.flow SET description = 'another' WHERE flow_id = usom.flow_id('engraving')$$);
SELECT * FROM pg_temp.refused($$INSERT INTO usom.flow (code, version) VALUES ('later', 7)$$);
SELECT * FROM pg_temp.refused($$INSERT INTO usom.flow_rule (code, flow, channel) VALUES ('FLOW-WEB', 'engraving', 'nowhere')$$);
INSERT INTO usom.flow_rule (code, flow, channel) VALUES ('FLOW-WEB', 'engraving', 'web');

-- An order of the channel begins in the state that starts; others take the built-in flow.
SELECT order_no AS o FROM usom.place_order('{"channel": "web", "external_id": "FLOW-1", "lines": [{"sku": "FLOW-PEN", "quantity": 2, "unit_price": 5}]}') \gset
SELECT order_no AS plain FROM usom.place_order('{"channel": "phone", "external_id": "FLOW-2", "lines": [{"sku": "FLOW-PEN", "quantity": 1}]}') \gset
SELECT external_id, status, flow, flow_state FROM usom.orders ORDER BY 1;
SELECT * FROM usom.explain_steps(:'o');
SELECT * FROM usom.explain_steps(:'plain');

-- It is not released before it is engraved, nor engraved before its guards are true: by function and by plain SQL alike.
SELECT * FROM pg_temp.refused(format('SELECT * FROM usom.release_order(%L)', :'o'));
SELECT * FROM pg_temp.refused(format('SELECT * FROM usom.take_step(%L, ''engraving'')', :'o'));
SELECT * FROM pg_temp.refused(format('UPDATE usom.sales_order SET flow_state = ''engraving'' WHERE org_id = usom.current_org() AND order_no = %L', :'o'));
SELECT * FROM pg_temp.refused(format('SELECT * FROM usom.take_step(%L, ''engraved'')', :'o'));
SELECT * FROM pg_temp.refused(format('SELECT * FROM usom.take_step(%L, ''gilded'')', :'o'));
SELECT * FROM pg_temp.refused(format('SELECT * FROM usom.take_step(%L, ''cancelled'')', :'o'));
SELECT * FROM pg_temp.refused(format('SELECT * FROM usom.take_step(%L, ''engraving'')', :'plain'));
SELECT * FROM pg_temp.refused(format('UPDATE usom.sales_order SET flow_state = ''engraving'' WHERE org_id = usom.current_org() AND order_no = %L', :'plain'));
SELECT * FROM pg_temp.refused(format('UPDATE usom.sales_order SET flow_id = NULL WHERE org_id = usom.current_org() AND order_no = %L', :'o'));
SELECT * FROM pg_temp.refused(format('UPDATE usom.sales_order SET flow_state = ''engraving'', status = ''cancelled'' WHERE org_id = usom.current_org() AND order_no = %L', :'o'));
INSERT INTO flow_shop.approved_text VALUES (:'o');
SELECT to_state, taken_by, open, guard, severity, passes FROM usom.explain_steps(:'o');
SELECT status, flow_state FROM usom.take_step(:'o', 'engraving', 'the customer has signed');
SELECT status, flow_state FROM usom.take_step(:'o', 'engraving', 'again: nothing changes');

-- Effects: a hold while it is in the workshop, its end and an event when it is done.
SELECT hold_type, reason, active FROM usom.holds WHERE order_no = :'o';
UPDATE usom.sales_order SET flow_state = 'engraved' WHERE org_id = usom.current_org() AND order_no = :'o';
SELECT hold_type, active, release_reason FROM usom.holds WHERE order_no = :'o';
SELECT kind, payload FROM usom.events WHERE order_no = :'o' ORDER BY event_no;
SELECT kind, reference, message, detail FROM usom.exceptions WHERE order_no = :'o' ORDER BY kind;
SELECT status, flow_state FROM usom.take_step(:'o', 'engraving', 'a letter is missing');
SELECT status, flow_state FROM usom.take_step(:'o', 'engraved');
SELECT kind, reference, message FROM usom.exceptions WHERE order_no = :'o' ORDER BY kind;

-- A guard that holds lets the step be taken and holds what comes next.
SELECT status FROM usom.release_order(:'o');
SELECT hold_type, reason, active FROM usom.holds WHERE order_no = :'o' ORDER BY hold_type, active;
SELECT * FROM pg_temp.refused(format('SELECT usom.ship(%L)', :'o'));
SELECT status FROM usom.release_hold(:'o', 'payment', 'cash');

-- Going back needs no step: the order returns to the state that it had.
SELECT status FROM usom.change_order(:'o', '{"lines": [{"sku": "FLOW-PEN", "quantity": 1}]}');
SELECT status FROM usom.cancel_line(:'o', 1, 2, 'the new one is enough');
SELECT status, flow_state FROM usom.orders WHERE order_no = :'o';
SELECT status FROM usom.release_order(:'o');
SELECT usom.ship(:'o') AS s \gset
SELECT status FROM usom.deliver(:'s');
SELECT status FROM usom.close_order(:'o');
SELECT * FROM pg_temp.refused(format('SELECT * FROM usom.take_step(%L, ''delivered'')', :'o'));
SELECT event, from_status, to_status, flow_state, reason FROM usom.timeline WHERE order_no = :'o' ORDER BY version;
SELECT status FROM usom.release_order(:'plain');

-- The next version: orders keep theirs, new ones take it.
SELECT order_no AS old FROM usom.place_order('{"channel": "web", "external_id": "FLOW-3", "lines": [{"sku": "FLOW-PEN", "quantity": 1}]}') \gset
SELECT usom.revise_flow('engraving') AS version, usom.revise_flow('engraving') AS again;
INSERT INTO usom.flow_state (flow_id, state, status, starts) VALUES (usom.flow_id('engraving'), 'screening', 'submitted', false);
INSERT INTO usom.flow_transition (flow_id, from_state, to_state) SELECT usom.flow_id('engraving'), t.* FROM (VALUES
	('submitted', 'screening'), ('submitted', 'cancelled'), ('screening', 'confirmed'), ('screening', 'rejected'), ('screening', 'cancelled')) t;
SELECT usom.publish_flow('engraving');
SELECT order_no AS new, status FROM usom.place_order('{"channel": "web", "external_id": "FLOW-4", "lines": [{"sku": "FLOW-PEN", "quantity": 1}]}') \gset
SELECT external_id, status, flow, flow_version, flow_state FROM usom.orders WHERE order_no IN (:'old', :'new') ORDER BY 1;
SELECT * FROM pg_temp.refused(format('SELECT * FROM usom.confirm_order(%L)', :'new'));
SELECT status, flow_state FROM usom.take_step(:'new', 'screening');
UPDATE usom.sales_order SET status = 'confirmed' WHERE org_id = usom.current_org() AND order_no = :'new';
SELECT external_id, status, flow_version, flow_state FROM usom.orders WHERE order_no IN (:'old', :'new') ORDER BY 1;
SELECT status FROM usom.cancel_order(:'new', 'not wanted');
INSERT INTO flow_shop.approved_text VALUES (:'old');
SELECT status, flow_state FROM usom.take_step(:'old', 'engraving');
SELECT * FROM pg_temp.refused(format('SELECT * FROM usom.cancel_order(%L, ''too late'')', :'old'));

-- A draft of plain SQL takes its flow when it is submitted; which one is read then.
INSERT INTO usom.sales_order (order_no, channel_id) VALUES ('FLOW-DRAFT', usom.channel_id('web'));
INSERT INTO usom.order_line (sales_order_id, line_no, product_id, quantity) SELECT sales_order_id, 1, usom.product_id('FLOW-PEN'), 1 FROM usom.sales_order WHERE order_no = 'FLOW-DRAFT';
SELECT * FROM pg_temp.refused($$UPDATE usom.sales_order SET flow_state = 'confirmed' WHERE org_id = usom.current_org() AND order_no = 'FLOW-DRAFT'$$);
SELECT status, flow, flow_state FROM usom.orders WHERE order_no = 'FLOW-DRAFT';
UPDATE usom.sales_order SET status = 'submitted' WHERE org_id = usom.current_org() AND order_no = 'FLOW-DRAFT';
SELECT status, flow, flow_version, flow_state FROM usom.orders WHERE order_no = 'FLOW-DRAFT';

-- The most special rule counts: type and channel, then type, then channel; one that is off counts not at all.
INSERT INTO usom.flow (code) VALUES ('plain'), ('indents'), ('web indents');
SELECT usom.publish_flow(f) FROM unnest('{plain,indents,web indents}'::text[]) f;
INSERT INTO usom.flow_rule (code, flow, order_type, channel, active) VALUES ('FLOW-ALL', 'plain', NULL, NULL, true), ('FLOW-IND', 'indents', 'indent', NULL, true), ('FLOW-WIND', 'web indents', 'indent', 'web', true), ('FLOW-OFF', 'indents', NULL, 'pos', false);
\set VERBOSITY terse
INSERT INTO usom.flow_rule (code, flow) VALUES ('FLOW-ALL-2', 'plain');
\set VERBOSITY default
SELECT outcome FROM usom.place_orders((SELECT jsonb_agg(jsonb_build_object('external_id', 'FLOW-R' || t.n, 'channel', t.channel, 'order_type', t.kind, 'lines', '[{"sku": "FLOW-PEN", "quantity": 1}]'::jsonb))
	FROM (VALUES (1, 'web', 'standard'), (2, 'web', 'indent'), (3, 'pos', 'indent'), (4, 'pos', 'standard')) t (n, channel, kind)));
SELECT external_id, channel, order_type, status, flow, flow_version, flow_state FROM usom.orders WHERE external_id LIKE 'FLOW-R%' ORDER BY 1;

-- Several steps to one status: the lowest rank that its guards let pass is taken.
INSERT INTO usom.flow (code) VALUES ('lanes');
INSERT INTO usom.flow_state (flow_id, state, status) SELECT usom.flow_id('lanes'), s, 'processing' FROM unnest('{express,later}'::text[]) s;
INSERT INTO usom.flow_transition (flow_id, from_state, to_state, rank) SELECT usom.flow_id('lanes'), t.* FROM (VALUES
	('confirmed', 'express', 1), ('confirmed', 'later', 2), ('confirmed', 'cancelled', 10), ('express', 'shipped', 10), ('express', 'cancelled', 10),
	('later', 'shipped', 10), ('later', 'partially_shipped', 10), ('later', 'cancelled', 10)) t;
INSERT INTO usom.flow_guard (flow_id, from_state, to_state, guard, message) VALUES (usom.flow_id('lanes'), 'confirmed', 'express', 'reserved', 'all of it is there');
SELECT fault, status FROM usom.check_flow('lanes');
DELETE FROM usom.flow_state WHERE flow_id = usom.flow_id('lanes') AND state = 'processing';
UPDATE usom.flow_state SET starts = true WHERE flow_id = usom.flow_id('lanes') AND state = 'later';
SELECT usom.publish_flow('lanes');
SELECT state FROM usom.flow_state WHERE flow_id = usom.flow_id('lanes') AND status = 'processing' ORDER BY 1;
INSERT INTO usom.flow_rule (code, flow, channel) VALUES ('FLOW-EDI', 'lanes', 'edi');
SELECT order_no AS whole FROM usom.place_order('{"channel": "edi", "external_id": "FLOW-5", "lines": [{"sku": "FLOW-PEN", "quantity": 2}]}') \gset
SELECT order_no AS part FROM usom.place_order('{"channel": "edi", "external_id": "FLOW-6", "lines": [{"sku": "FLOW-PEN", "quantity": 1000}]}') \gset
SELECT usom.release_order(o) IS NOT NULL AS released FROM unnest(ARRAY[:'whole', :'part']) o;
SELECT external_id, status, flow_state FROM usom.orders WHERE order_no IN (:'whole', :'part') ORDER BY 1;
-- whoever takes the express lane is sent whole
SELECT * FROM pg_temp.refused(format('SELECT usom.ship(%L, ''[{"line_no": 1, "quantity": 1}]'')', :'whole'));
SELECT usom.ship(:'part') IS NOT NULL AS shipped;
SELECT external_id, status, flow_state FROM usom.orders WHERE order_no IN (:'whole', :'part') ORDER BY 1;
-- what is split off an order takes its flow and begins anew
SELECT usom.split_order(:'part') AS child \gset
SELECT status, flow, flow_state FROM usom.orders WHERE order_no = :'child';

-- The picture, and all is well.
SELECT usom.flow_dot('lanes');
SELECT code, version, status, states, rules FROM usom.flows ORDER BY 1, 2;
SELECT flow, version, from_state, to_state, guards, effects FROM usom.flow_steps WHERE guards <> '{}' OR effects <> '{}' ORDER BY 1, 2, 3, 4;
SELECT * FROM usom.verify();
RESET usom.org;
