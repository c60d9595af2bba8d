-- The SQL of doc/flows.md, made by tools/make-story.sh: edit the document.
SELECT current_database() AS home \gset
SET client_min_messages = warning;
DROP DATABASE IF EXISTS usom_story;
CREATE DATABASE usom_story TEMPLATE template0;
\c usom_story
SET lc_messages = 'C';
SET client_min_messages = warning;
CREATE EXTENSION usom;
SELECT count(*) > 0 AS installed FROM usom.install();

-- A flow of your own
INSERT INTO usom.flow (code) VALUES ('engraving');
INSERT INTO usom.flow_state (flow_id, state, status) VALUES
	(usom.flow_id('engraving'), 'engraving', 'confirmed'), (usom.flow_id('engraving'), 'engraved', 'confirmed');
INSERT INTO usom.flow_transition (flow_id, from_state, to_state) VALUES
	(usom.flow_id('engraving'), 'confirmed', 'engraving'), (usom.flow_id('engraving'), 'confirmed', 'cancelled'),
	(usom.flow_id('engraving'), 'engraving', 'engraved'),  (usom.flow_id('engraving'), 'engraving', 'cancelled'),
	(usom.flow_id('engraving'), 'engraved', 'processing'), (usom.flow_id('engraving'), 'engraved', 'cancelled');
SELECT * FROM usom.check_flow('engraving');   -- what is wrong, one row each
SELECT usom.publish_flow('engraving');        -- from now on it does not change
INSERT INTO usom.flow_rule (code, flow, channel) VALUES ('web engraves', 'engraving', 'web');

INSERT INTO usom.location (code) VALUES ('SHOP');
INSERT INTO usom.product (sku) VALUES ('PEN');
SELECT * FROM usom.receive_stock('SHOP', 'PEN', 10);
SELECT order_no, status FROM usom.place_order('{"channel": "web", "lines": [{"sku": "PEN", "quantity": 1, "unit_price": 30}]}');
SELECT to_state, status, taken_by, open FROM usom.explain_steps('SO-000001');
SELECT status, flow_state FROM usom.take_step('SO-000001', 'engraving', 'on the bench');
SELECT status FROM usom.release_order('SO-000001');   -- not yet
SELECT status, flow_state FROM usom.take_step('SO-000001', 'engraved');
SELECT status FROM usom.release_order('SO-000001');
SELECT event, to_status, flow_state FROM usom.timeline WHERE order_no = 'SO-000001' ORDER BY version;

\c :home
DROP DATABASE usom_story;
