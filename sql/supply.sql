-- Supply: what is under way, what waits counts on it, promises follow.
\getenv srcdir PG_ABS_SRCDIR
\set helpers :srcdir '/sql/include/helpers.sql'
\set ECHO none
\i :helpers
CREATE FUNCTION pg_temp.waits(sku text) RETURNS TABLE (ref text, line_no integer, status text, quantity numeric, promised_at timestamptz, supply_no text)
LANGUAGE sql AS $$
	SELECT o.external_id, p.line_no, p.status, p.quantity, CASE WHEN p.promised_at > '2029-01-01' THEN p.promised_at END, p.supply_no
	FROM usom.order_pieces p JOIN usom.orders o USING (order_no) WHERE p.sku = $1 AND p.status <> 'cancelled'
	ORDER BY o.external_id, p.line_no, p.promised_at NULLS LAST, p.status DESC, p.quantity
$$;
CREATE FUNCTION pg_temp.place(ref text, sku text, quantity numeric, more jsonb DEFAULT '{}', line jsonb DEFAULT '{}')
RETURNS TABLE (reserved numeric, backordered numeric, promised_at timestamptz) LANGUAGE sql AS $$
	SELECT quantity_reserved, quantity_backordered, CASE WHEN promised_at > '2029-01-01' THEN promised_at END
	FROM usom.place_order(jsonb_build_object('external_id', $1, 'lines', jsonb_build_array(jsonb_build_object('sku', $2, 'quantity', $3, 'unit_price', 2) || $5)) || $4)
$$;
CREATE FUNCTION pg_temp.no(ref text) RETURNS text LANGUAGE sql AS $$SELECT order_no FROM usom.orders WHERE external_id = $1$$;
\set ECHO all
SET timezone = 'UTC';
SET datestyle = 'ISO';
INSERT INTO usom.location (code) VALUES ('SUP-A'), ('SUP-B');
INSERT INTO usom.product (sku) VALUES ('SUP-1'), ('SUP-2'), ('SUP-3');
INSERT INTO usom.product (sku, kind) VALUES ('SUP-WORK', 'service');

-- Nothing is under way: who waits has no date.
SELECT * FROM usom.receive_stock('SUP-A', 'SUP-1', 3);
SELECT * FROM pg_temp.place('SUP-O1', 'SUP-1', 10);
SELECT * FROM pg_temp.waits('SUP-1');

-- Supply is recorded: the seven are promised for its date, three of it are free.
SELECT usom.add_supply('purchase', 'SUP-A', 'SUP-1', 5, '2030-02-01', reference => 'PO-7', confidence => 0.8, supply_no => 'SUP-PO-7');
SELECT usom.add_supply('production', 'SUP-B', 'SUP-1', 5, '2030-01-15', supply_no => 'SUP-WO-1');
SELECT * FROM pg_temp.waits('SUP-1');
SELECT supply_no, kind, location, sku, quantity, received, pegged, free, expected_at, confidence, status, overdue, reference, order_no FROM usom.supplies WHERE sku = 'SUP-1' ORDER BY supply_no;
SELECT * FROM usom.stock_position WHERE sku = 'SUP-1' ORDER BY location;
SELECT promised_at FROM usom.orders WHERE external_id = 'SUP-O1';
SELECT event, from_status, to_status FROM usom.order_history WHERE sales_order_id = (SELECT sales_order_id FROM usom.sales_order WHERE external_id = 'SUP-O1') ORDER BY version;

-- The next order takes what is free, earliest first, and is told so when it is placed.
SELECT * FROM pg_temp.place('SUP-O2', 'SUP-1', 2);
SELECT * FROM pg_temp.place('SUP-O3', 'SUP-1', 4);
SELECT * FROM pg_temp.waits('SUP-1');
SELECT supply_no, pegged, free FROM usom.supplies WHERE sku = 'SUP-1' ORDER BY supply_no;

-- Units that are cancelled, or taken out of the order, count on it no more.
SELECT status FROM usom.cancel_line(pg_temp.no('SUP-O1'), 1, 1, 'too many');
SELECT status FROM usom.change_order(pg_temp.no('SUP-O1'), '{"lines": [{"line_no": 1, "quantity": 8}]}');
SELECT supply_no, pegged, free FROM usom.supplies WHERE sku = 'SUP-1' ORDER BY supply_no;
-- Who waits without a date counts on it with the next fill, which needs no stock.
SELECT line_no, quantity FROM usom.fill_backorders('SUP-1');
SELECT * FROM pg_temp.waits('SUP-1');
SELECT status FROM usom.cancel_order(pg_temp.no('SUP-O2'), 'not needed');
SELECT supply_no, pegged, free FROM usom.supplies WHERE sku = 'SUP-1' ORDER BY supply_no;

-- Stock from elsewhere: what is reserved does not wait, and counts on nothing.
SELECT * FROM usom.receive_stock('SUP-A', 'SUP-1', 2);
SELECT line_no, quantity FROM usom.fill_backorders('SUP-1');
SELECT * FROM pg_temp.waits('SUP-1');
SELECT supply_no, pegged, free FROM usom.supplies WHERE sku = 'SUP-1' ORDER BY supply_no;

-- A line tied to a location counts on what arrives there; one that may not be cut on a supply that has all of it;
-- the promise is not before the date the customer wants.
SELECT usom.add_supply('purchase', 'SUP-A', 'SUP-2', 6, '2030-01-01', supply_no => 'SUP-PO-8'),
	usom.add_supply('purchase', 'SUP-B', 'SUP-2', 9, '2030-02-01', supply_no => 'SUP-PO-9');
SELECT * FROM pg_temp.place('SUP-P1', 'SUP-2', 1, line => '{"location": "SUP-B"}');
SELECT * FROM pg_temp.place('SUP-P2', 'SUP-2', 7, line => '{"partial": false}');
SELECT * FROM pg_temp.place('SUP-P3', 'SUP-2', 7, line => '{"partial": false}');
SELECT * FROM pg_temp.place('SUP-P4', 'SUP-2', 1, '{"requested_at": "2030-01-20"}');
SELECT * FROM pg_temp.waits('SUP-2');

-- Supply for one line is for no other.
SELECT * FROM pg_temp.place('SUP-Q1', 'SUP-3', 5);
SELECT * FROM pg_temp.place('SUP-Q2', 'SUP-3', 5);
SELECT usom.add_supply('purchase', 'SUP-A', 'SUP-3', 8, '2030-03-01', supply_no => 'SUP-PO-10', order_no => pg_temp.no('SUP-Q2'), line_no => 1);
SELECT line_no, quantity FROM usom.fill_backorders('SUP-3');
SELECT * FROM pg_temp.waits('SUP-3');
SELECT supply_no, pegged, free, order_no = pg_temp.no('SUP-Q2') AS of_order, line_no FROM usom.supplies WHERE sku = 'SUP-3';
-- Its own line takes it before what is for all, though that comes first; the rest of a higher priority goes first.
SELECT usom.add_supply('purchase', 'SUP-A', 'SUP-3', 4, '2030-01-01', supply_no => 'SUP-PO-11');
SELECT * FROM pg_temp.waits('SUP-3');

-- A number of its own, from the counter.
SELECT usom.add_supply('return', 'SUP-A', 'SUP-3', 1, '2030-01-01') ~ '^SU-\d{6}$' AS numbered;

-- What is refused.
SELECT pg_temp.refused($$SELECT usom.add_supply('gift', 'SUP-A', 'SUP-1', 1, '2030-01-01')$$);
SELECT pg_temp.refused($$SELECT usom.add_supply('purchase', 'SUP-X', 'SUP-1', 1, '2030-01-01')$$);
SELECT pg_temp.refused($$SELECT usom.add_supply('purchase', 'SUP-A', 'SUP-X', 1, '2030-01-01')$$);
SELECT pg_temp.refused($$SELECT usom.add_supply('purchase', 'SUP-A', 'SUP-WORK', 1, '2030-01-01')$$);
SELECT pg_temp.refused($$SELECT usom.add_supply('purchase', 'SUP-A', 'SUP-1', 0, '2030-01-01')$$);
SELECT pg_temp.refused($$SELECT usom.add_supply('purchase', 'SUP-A', 'SUP-1', 'NaN', '2030-01-01')$$);
SELECT pg_temp.refused($$SELECT usom.add_supply('purchase', 'SUP-A', 'SUP-1', 1, 'infinity')$$);
SELECT pg_temp.refused($$SELECT usom.add_supply('purchase', 'SUP-A', 'SUP-1', 1, NULL)$$);
SELECT pg_temp.refused($$SELECT usom.add_supply('purchase', 'SUP-A', 'SUP-1', 1, '2030-01-01', confidence => 1.5)$$);
SELECT pg_temp.refused($$SELECT usom.add_supply('purchase', 'SUP-A', 'SUP-1', 1, '2030-01-01', confidence => 0.0001)$$);
SELECT pg_temp.refused($$SELECT usom.add_supply('purchase', 'SUP-A', 'SUP-1', 1, '2030-01-01', confidence => 'NaN')$$);
SELECT pg_temp.refused($$SELECT usom.add_supply('purchase', 'SUP-A', 'SUP-1', 1, '2030-01-01', supply_no => 'SUP-PO-7')$$);
SELECT pg_temp.refused($$SELECT usom.add_supply('purchase', 'SUP-A', 'SUP-1', 1, '2030-01-01', order_no => 'SO-9')$$);
SELECT pg_temp.refused($$SELECT usom.add_supply('purchase', 'SUP-A', 'SUP-1', 1, '2030-01-01', order_no => 'SUP-NONE', line_no => 1)$$);
SELECT pg_temp.refused(format($$SELECT usom.add_supply('purchase', 'SUP-A', 'SUP-1', 1, '2030-01-01', order_no => %L, line_no => 7)$$, pg_temp.no('SUP-O1')));
SELECT pg_temp.refused(format($$SELECT usom.add_supply('purchase', 'SUP-A', 'SUP-1', 1, '2030-01-01', order_no => %L, line_no => 1)$$, pg_temp.no('SUP-Q1')));
SELECT pg_temp.refused($$UPDATE usom.supply SET pegged = 0$$);
SELECT pg_temp.refused($$DELETE FROM usom.supply$$);

SELECT * FROM usom.verify();
