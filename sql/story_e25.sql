-- E25: a pick-up that the store rejects is not sent instead: it goes to its own queue, with one row of history, until somebody decides.
\getenv srcdir PG_ABS_SRCDIR
\set helpers :srcdir '/sql/include/helpers.sql'
\set ECHO none
\i :helpers
\set ECHO all
\pset format unaligned
SET timezone = 'UTC';
SET datestyle = 'ISO';
INSERT INTO usom.organisation (code) VALUES ('e25');
SET usom.org = 'e25';
INSERT INTO usom.location (code, kind, priority, picks_up) VALUES ('CENTRAL', 'warehouse', 1, false), ('MITTE', 'store', 10, true), ('WEST', 'store', 20, true);
INSERT INTO usom.product (sku) VALUES ('CUP'), ('POT');
SELECT usom.receive_stocks('[{"location": "CENTRAL", "sku": "CUP", "quantity": 100}, {"location": "CENTRAL", "sku": "POT", "quantity": 100}, {"location": "MITTE", "sku": "CUP", "quantity": 2},
	{"location": "MITTE", "sku": "POT", "quantity": 1}, {"location": "WEST", "sku": "CUP", "quantity": 5}, {"location": "WEST", "sku": "POT", "quantity": 5}]');
-- All of it from the warehouse would be a rule for other orders.
INSERT INTO usom.sourcing_rule (code, order_types, locations) VALUES ('all from the warehouse', '{pick_up}', '{CENTRAL}');
SELECT order_no AS o, quantity_reserved FROM usom.place_order('{"order_type": "pick_up", "lines": [{"sku": "CUP", "quantity": 2, "unit_price": 4, "location": "MITTE"}, {"sku": "POT", "quantity": 1, "unit_price": 9}]}') \gset
CREATE VIEW pg_temp.state AS
	SELECT p.line_no, p.status, p.quantity, p.location FROM usom.order_pieces p ORDER BY p.line_no, p.piece_no;
CREATE VIEW pg_temp.queue AS
	SELECT x.kind, x.reference, x.open FROM usom.exceptions x WHERE x.kind = 'pickup_rejected' ORDER BY x.raised_at;

-- The store has put it aside, and finds the pot broken.
SELECT status FROM usom.ready_pickup(:'o', '2099-01-01');
SELECT status FROM usom.reject_pickup(:'o', 'the pot is broken');
SELECT * FROM pg_temp.state;
SELECT * FROM pg_temp.queue;
SELECT location, status, open, reason, quantity_ready FROM usom.pickups;
SELECT hold_type, reason, blocks, active FROM usom.holds;
SELECT h.event, h.reason, h.quantity FROM usom.order_history h WHERE h.org_id = usom.current_org() ORDER BY h.version;
-- Said twice, it is so once.
SELECT status, version FROM usom.reject_pickup(:'o', 'the pot is broken');
SELECT count(*) FROM usom.order_history WHERE org_id = usom.current_org() AND event = 'reject_pickup';
SELECT count(*) FROM usom.exceptions WHERE kind = 'pickup_rejected';

-- Nothing sends it instead: no fill, no plan, no run, no rule.
SELECT count(*) >= 0 AS filled FROM usom.fill_backorders();
SELECT status FROM usom.allocate_order(:'o');
SELECT status FROM usom.reallocate_order(:'o', 'elsewhere?');
CALL usom.allocate_orders();
SELECT DISTINCT location FROM usom.order_pieces WHERE location IS NOT NULL;
-- What the store still has may be reserved there; nobody releases it, hands it out or ships it before somebody has decided.
SELECT * FROM pg_temp.refused(format('SELECT * FROM usom.release_order(%L)', :'o'));
SELECT * FROM pg_temp.refused(format('SELECT usom.collect_pickup(%L)', :'o'));
SELECT * FROM pg_temp.refused(format('SELECT usom.ship(%L)', :'o'));
SELECT * FROM pg_temp.queue;

-- The customer goes to the other store: the case and the hold end, the goods are there.
SELECT status FROM usom.move_pickup(:'o', 'WEST', 'asked the customer');
SELECT * FROM pg_temp.state;
SELECT * FROM pg_temp.queue;
SELECT hold_type, active FROM usom.holds;
SELECT location, status, open FROM usom.pickups ORDER BY location;
SELECT status FROM usom.ready_pickup(:'o', '2099-01-01');
SELECT usom.collect_pickup(:'o') IS NOT NULL AS fetched;
SELECT status FROM usom.orders;
SELECT location, status, open FROM usom.pickups ORDER BY location;
SELECT kind FROM usom.events ORDER BY event_no;

-- Or the store finds it after all, or the customer gives up: both are decisions, too.
SELECT order_no AS found FROM usom.place_order('{"order_type": "pick_up", "lines": [{"sku": "CUP", "quantity": 1, "unit_price": 4, "location": "MITTE"}]}') \gset
SELECT status FROM usom.reject_pickup(:'found', 'not on the shelf');
SELECT count(*) FROM usom.fill_backorders();
SELECT status FROM usom.ready_pickup(:'found', '2099-01-01');
SELECT order_no AS given_up FROM usom.place_order('{"order_type": "pick_up", "lines": [{"sku": "CUP", "quantity": 1, "unit_price": 4, "location": "MITTE"}]}') \gset
SELECT status FROM usom.reject_pickup(:'given_up', 'closed for stocktaking');
SELECT status FROM usom.cancel_order(:'given_up', 'no time');
SELECT o.order_no = :'found' AS was_found, p.status, p.open FROM usom.pickups p JOIN usom.orders o USING (order_no) WHERE o.order_no IN (:'found', :'given_up') ORDER BY 1 DESC, p.ready_at NULLS FIRST;
SELECT * FROM pg_temp.queue WHERE open;
SELECT * FROM usom.verify();
