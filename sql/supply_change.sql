-- Supply moves, slips, shrinks, fails and arrives: promises follow, people are told before a date is missed.
\getenv srcdir PG_ABS_SRCDIR
\set helpers :srcdir '/sql/include/helpers.sql'
\set ECHO none
\i :helpers
CREATE FUNCTION pg_temp.waits(sku text) RETURNS TABLE (ref text, status text, quantity numeric, promised_at timestamptz, supply_no text)
LANGUAGE sql AS $$
	SELECT o.external_id, p.status, p.quantity, CASE WHEN p.promised_at > '2029-01-01' THEN p.promised_at END, p.supply_no
	FROM usom.order_pieces p JOIN usom.orders o USING (order_no) WHERE p.sku = $1 AND p.status <> 'cancelled'
	ORDER BY o.external_id, p.promised_at NULLS LAST, p.status DESC, p.quantity
$$;
CREATE FUNCTION pg_temp.place(ref text, sku text, quantity numeric, more jsonb DEFAULT '{}', line jsonb DEFAULT '{}')
RETURNS TABLE (reserved numeric, backordered numeric, promised_at timestamptz) LANGUAGE sql AS $$
	SELECT quantity_reserved, quantity_backordered, CASE WHEN promised_at > '2029-01-01' THEN promised_at END
	FROM usom.place_order(jsonb_build_object('external_id', $1, 'placed_at', '2026-01-01', 'lines', jsonb_build_array(jsonb_build_object('sku', $2, 'quantity', $3, 'unit_price', 2) || $5)) || $4)
$$;
CREATE FUNCTION pg_temp.told(sku text) RETURNS TABLE (ref text, event_no bigint, kind text, quantity text, promised_at date, promised_before date) LANGUAGE sql AS $$
	SELECT o.external_id, row_number() OVER (PARTITION BY o.external_id ORDER BY e.event_no), e.kind, e.payload->>'quantity',
		CASE WHEN e.payload->>'promised_at' > '2029' THEN (e.payload->>'promised_at')::timestamptz END::date, CASE WHEN e.payload->>'promised_before' > '2029' THEN (e.payload->>'promised_before')::timestamptz END::date
	FROM usom.events e JOIN usom.orders o USING (order_no) WHERE e.payload->>'sku' = $1 ORDER BY o.external_id, e.event_no
$$;
CREATE FUNCTION pg_temp.cases(sku text) RETURNS TABLE (ref text, kind text, reference text, due_at timestamptz, open boolean, detail jsonb) LANGUAGE sql AS $$
	SELECT o.external_id, x.kind, x.reference, x.due_at, x.open, x.detail FROM usom.exceptions x JOIN usom.orders o USING (order_no)
	WHERE EXISTS (SELECT FROM usom.order_lines l WHERE l.order_no = x.order_no AND l.sku = $1) ORDER BY o.external_id, x.kind, x.reference
$$;
CREATE FUNCTION pg_temp.supply(sku text) RETURNS TABLE (supply_no text, status text, quantity numeric, received numeric, pegged numeric, free numeric, expected_at timestamptz) LANGUAGE sql AS $$
	SELECT supply_no, status, quantity, received, pegged, free, expected_at FROM usom.supplies WHERE sku = $1 ORDER BY supply_no
$$;
\set ECHO all
SET timezone = 'UTC';
SET datestyle = 'ISO';
INSERT INTO usom.location (code) VALUES ('SCH-A'), ('SCH-B');
INSERT INTO usom.product (sku) VALUES ('SCH-1'), ('SCH-2'), ('SCH-3'), ('SCH-4'), ('SCH-5');

-- Three orders count on one supply: urgent, usual, and one placed later.
SELECT usom.add_supply('purchase', 'SCH-A', 'SCH-1', 12, '2030-02-01', supply_no => 'SCH-PO-1');
SELECT * FROM pg_temp.place('SCH-LATE', 'SCH-1', 4, '{"placed_at": "2026-01-03"}');
SELECT * FROM pg_temp.place('SCH-USUAL', 'SCH-1', 4);
SELECT * FROM pg_temp.place('SCH-URGENT', 'SCH-1', 4, '{"priority": 1, "requested_at": "2030-02-10"}');
SELECT * FROM pg_temp.told('SCH-1');

-- It slips by a month: all are told; the urgent one is later than it is wanted, the others than they were told.
SELECT * FROM usom.change_supply('SCH-PO-1', expected_at => '2030-03-01', reason => 'the ship is late');
SELECT * FROM pg_temp.waits('SCH-1');
SELECT * FROM pg_temp.told('SCH-1') WHERE event_no = 2;
SELECT * FROM pg_temp.cases('SCH-1');
SELECT h.event, h.reason FROM usom.order_history h JOIN usom.sales_order o USING (org_id, sales_order_id) WHERE o.external_id = 'SCH-USUAL' ORDER BY h.version;

-- It shrinks to nine: the order placed last loses three, and counts on nothing for them.
SELECT * FROM usom.change_supply('SCH-PO-1', 9);
SELECT * FROM pg_temp.waits('SCH-1');
SELECT * FROM pg_temp.cases('SCH-1') WHERE kind = 'supply_short';

-- Other supply comes up: those three count on it, their case is closed; then the urgent order, which it serves in time.
SELECT usom.add_supply('production', 'SCH-A', 'SCH-1', 5, '2030-02-05', supply_no => 'SCH-WO-1');
SELECT * FROM usom.change_supply('SCH-WO-1', confidence => 0.9);
SELECT * FROM pg_temp.waits('SCH-1');
SELECT * FROM pg_temp.cases('SCH-1');
SELECT * FROM usom.change_supply('SCH-WO-1', 7);
SELECT * FROM pg_temp.waits('SCH-1');
SELECT * FROM pg_temp.cases('SCH-1');

-- The production order arrives in two parts, the second short of two, and nothing more comes.
SELECT * FROM usom.receive_supply('SCH-WO-1', 2);
SELECT * FROM pg_temp.waits('SCH-1');
SELECT * FROM usom.receive_supply('SCH-WO-1', 3, final => true);
SELECT * FROM pg_temp.waits('SCH-1');
SELECT * FROM pg_temp.supply('SCH-1');
SELECT * FROM usom.stock_position WHERE sku = 'SCH-1';
SELECT kind, delta, reference FROM usom.stock_movement m WHERE product_id = usom.product_id('SCH-1') ORDER BY stock_movement_id;

-- The purchase is cancelled: who waited for it waits for nothing.  Another one ends it all, and closes all cases.
SELECT * FROM usom.cancel_supply('SCH-PO-1', 'the mill burnt down');
SELECT * FROM pg_temp.waits('SCH-1');
SELECT * FROM pg_temp.cases('SCH-1') WHERE open;
SELECT usom.add_supply('purchase', 'SCH-B', 'SCH-1', 20, '2030-02-20', supply_no => 'SCH-PO-2');
SELECT * FROM usom.receive_supply('SCH-PO-2');
SELECT * FROM pg_temp.waits('SCH-1');
SELECT * FROM pg_temp.cases('SCH-1') WHERE open;
SELECT * FROM pg_temp.told('SCH-1');
SELECT * FROM usom.stock_position WHERE sku = 'SCH-1' ORDER BY location;

-- What arrives goes to who was promised it, then to who waits, by priority; a date that comes earlier moves those behind up.
SELECT usom.add_supply('purchase', 'SCH-A', 'SCH-2', 5, '2030-01-10', supply_no => 'SCH-PO-3'),
	usom.add_supply('purchase', 'SCH-A', 'SCH-2', 5, '2030-02-10', supply_no => 'SCH-PO-4');
SELECT * FROM pg_temp.place('SCH-P1', 'SCH-2', 5);
SELECT * FROM pg_temp.place('SCH-P2', 'SCH-2', 5);
SELECT * FROM pg_temp.place('SCH-P3', 'SCH-2', 5);
SELECT * FROM pg_temp.place('SCH-P4', 'SCH-2', 5, '{"priority": 2}');
SELECT status FROM usom.cancel_order((SELECT order_no FROM usom.orders WHERE external_id = 'SCH-P1'), 'not needed');
SELECT * FROM usom.change_supply('SCH-PO-3', 8, '2030-01-05');
SELECT * FROM pg_temp.waits('SCH-2');
SELECT * FROM usom.receive_supply('SCH-PO-3', 10);
SELECT * FROM pg_temp.waits('SCH-2');
SELECT * FROM usom.receive_supply('SCH-PO-4', 0, final => true);
SELECT * FROM pg_temp.waits('SCH-2');
SELECT * FROM pg_temp.cases('SCH-2');

-- A firm order keeps what is short, whatever the others' priority; one that may not be cut gets all or nothing.
SELECT usom.add_supply('purchase', 'SCH-A', 'SCH-3', 10, '2030-01-10', supply_no => 'SCH-PO-5');
SELECT * FROM pg_temp.place('SCH-Q1', 'SCH-3', 4, '{"priority": 1}', '{"partial": false}');
SELECT * FROM pg_temp.place('SCH-Q2', 'SCH-3', 5, '{"order_type": "indent", "priority": 9}');
SELECT * FROM usom.change_supply('SCH-PO-5', 8);
SELECT * FROM pg_temp.waits('SCH-3');
SELECT * FROM usom.receive_supply('SCH-PO-5', 3);
SELECT * FROM pg_temp.waits('SCH-3');
SELECT * FROM usom.receive_supply('SCH-PO-5', lot => 'L-1');
SELECT * FROM pg_temp.waits('SCH-3');
SELECT * FROM usom.receive_stock('SCH-A', 'SCH-3', 1);
SELECT line_no, quantity FROM usom.fill_backorders('SCH-3');
SELECT * FROM pg_temp.waits('SCH-3');

-- What is refused.
SELECT pg_temp.refused($$SELECT usom.change_supply('SCH-NONE', 1)$$);
SELECT pg_temp.refused($$SELECT usom.change_supply(NULL, 1)$$);
SELECT pg_temp.refused($$SELECT usom.change_supply('SCH-PO-5', 1)$$);
SELECT pg_temp.refused($$SELECT usom.cancel_supply('SCH-PO-1')$$);
SELECT pg_temp.refused($$SELECT usom.receive_supply('SCH-PO-2', 1)$$);
SELECT usom.add_supply('purchase', 'SCH-A', 'SCH-4', 5, '2030-01-10', supply_no => 'SCH-PO-6');
SELECT pg_temp.refused($$SELECT usom.receive_supply('SCH-PO-6', 0)$$);
SELECT pg_temp.refused($$SELECT usom.receive_supply('SCH-PO-6', 'NaN')$$);
SELECT pg_temp.refused($$SELECT usom.change_supply('SCH-PO-6', 0)$$);
SELECT pg_temp.refused($$SELECT usom.change_supply('SCH-PO-6', expected_at => 'infinity')$$);
SELECT pg_temp.refused($$SELECT usom.change_supply('SCH-PO-6', confidence => 2)$$);
SELECT * FROM usom.receive_supply('SCH-PO-6', 2);
SELECT pg_temp.refused($$SELECT usom.change_supply('SCH-PO-6', 2)$$);
SELECT * FROM usom.verify();
