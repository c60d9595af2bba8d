-- E30: the payment provider reports success after the order has ended. Nothing reopens it: no function, no SQL, no COPY, no superuser by mistake.
\getenv srcdir PG_ABS_SRCDIR
\set helpers :srcdir '/sql/include/helpers.sql'
\set ECHO none
\i :helpers
\set ECHO all
\pset format unaligned
SET timezone = 'UTC';
SET datestyle = 'ISO';
INSERT INTO usom.location (code) VALUES ('E30-A');
INSERT INTO usom.product (sku) VALUES ('E30');
SELECT usom.receive_stocks('[{"location": "E30-A", "sku": "E30", "quantity": 100}]');

-- An order for every status that has ended or left the house.
CREATE TEMP TABLE ended (status text PRIMARY KEY, order_no text, external_id text);
INSERT INTO ended SELECT s.status, p.order_no, 'E30-' || s.status
FROM unnest(ARRAY['cancelled', 'closed', 'rejected', 'partially_shipped', 'shipped', 'delivered']) AS s (status),
	usom.place_order(jsonb_build_object('external_id', 'E30-' || s.status, 'draft', s.status = 'rejected', 'payment', '{"method": "card", "reference": "psp-1"}'::jsonb,
		'lines', jsonb_build_array(jsonb_build_object('sku', 'E30', 'quantity', 2, 'unit_price', 9)))) p;
SELECT c.status FROM ended e, usom.cancel_order(e.order_no, 'not paid in time') c WHERE e.status = 'cancelled';
SELECT h.status FROM ended e, usom.hold_order(e.order_no, 'fraud', NULL) h WHERE e.status = 'rejected';
SELECT s.status FROM ended e, usom.submit_order(e.order_no) s WHERE e.status = 'rejected';
SELECT r.status FROM ended e, usom.release_hold(e.order_no, 'fraud', NULL) r WHERE e.status = 'rejected';
SELECT r.status FROM ended e, usom.reject_order(e.order_no, 'fraud') r WHERE e.status = 'rejected';
SELECT r.status FROM ended e, usom.release_order(e.order_no) r WHERE e.status NOT IN ('cancelled', 'rejected');
SELECT count(usom.ship(order_no, '[{"line_no": 1, "quantity": 1}]')) FROM ended WHERE status = 'partially_shipped';
SELECT count(usom.ship(order_no)) FROM ended WHERE status IN ('shipped', 'delivered', 'closed');
SELECT d.status FROM ended e JOIN usom.shipments s USING (order_no), usom.deliver(s.shipment_no) d WHERE e.status IN ('delivered', 'closed');
SELECT c.status FROM ended e, usom.close_order(e.order_no) c WHERE e.status = 'closed';
SELECT e.status AS wanted, o.status FROM ended e JOIN usom.orders o USING (order_no) ORDER BY 1;

-- Who tries: a program, the owner of the tables, a superuser who acts as a replica or without row security.
CREATE TEMP TABLE who (who text, how text);
INSERT INTO who VALUES ('program', ''), ('owner', 'SET LOCAL ROLE usom_owner; '), ('replica', 'SET LOCAL session_replication_role = replica; '), ('no row security', 'SET LOCAL row_security = off; ');
CREATE FUNCTION pg_temp.came_to(command text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE command;
	RESET ROLE;
	RAISE EXCEPTION USING ERRCODE = 'ZZ000';
EXCEPTION WHEN OTHERS THEN
	RETURN replace(SQLSTATE, 'ZZ000', 'NOT REFUSED');
END
$$;
-- On the order %1$s with the external id %2$s. The owner may not read programs (42501) and gets no further.
CREATE TEMP TABLE way (n integer GENERATED ALWAYS AS IDENTITY, way text);
INSERT INTO way (way) VALUES
	('UPDATE usom.sales_order SET status = ''confirmed'' WHERE order_no = %1$L'),
	('UPDATE usom.sales_order SET status = ''processing'' WHERE order_no = %1$L'),
	('UPDATE usom.sales_order SET status = ''submitted'', payment = ''{"method": "card", "captured": 18}'' WHERE order_no = %1$L'),
	('UPDATE usom.sales_order SET status = ''draft'' WHERE order_no = %1$L'),
	('WITH paid AS (UPDATE usom.sales_order SET status = ''confirmed'' WHERE order_no = %1$L RETURNING 1) SELECT count(*) FROM paid'),
	('MERGE INTO usom.sales_order o USING (SELECT %1$L AS order_no) p ON o.order_no = p.order_no WHEN MATCHED THEN UPDATE SET status = ''confirmed'''),
	('INSERT INTO usom.sales_order (external_id, channel_id) SELECT external_id, channel_id FROM usom.sales_order WHERE order_no = %1$L ON CONFLICT (org_id, channel_id, external_id) WHERE external_id IS NOT NULL DO UPDATE SET status = ''confirmed'''),
	('INSERT INTO usom.sales_order (external_id, status) VALUES (%2$L || ''-again'', ''confirmed'')'),
	('DELETE FROM usom.sales_order WHERE order_no = %1$L'),
	('UPDATE usom.fulfillment_line f SET status = ''reserved'' FROM usom.sales_order o WHERE o.order_no = %1$L AND (f.org_id, f.sales_order_id) = (o.org_id, o.sales_order_id)'),
	('INSERT INTO usom.order_line (sales_order_id, line_no, product_id, quantity) SELECT sales_order_id, 2, usom.product_id(''E30''), 1 FROM usom.sales_order WHERE order_no = %1$L'),
	('INSERT INTO usom.order_history (org_id, sales_order_id, version, event, to_status) SELECT org_id, sales_order_id, version + 1, ''confirm'', ''confirmed'' FROM usom.sales_order WHERE order_no = %1$L'),
	('COPY usom.sales_order (external_id, status) FROM PROGRAM ''printf "%2$s-copy\\tconfirmed\\n"'''),
	('COPY usom.fulfillment_line FROM PROGRAM ''true'''),
	('COPY usom.order_history FROM PROGRAM ''true'''),
	('SELECT usom.submit_order(%1$L)'), ('SELECT usom.confirm_order(%1$L)'), ('SELECT usom.release_order(%1$L)'), ('SELECT usom.ship(%1$L)'),
	('SELECT usom.change_order(%1$L, ''{"lines": [{"line_no": 1, "quantity": 3}]}'')'),
	('SELECT usom.place_order(''{"external_id": "%2$s", "payment": {"method": "card", "reference": "psp-1", "authorized": 18}, "lines": [{"sku": "E30", "quantity": 2, "unit_price": 9}]}'')');
SELECT pg_temp.row_counts() AS rows, jsonb_agg(pg_temp.image(order_no) ORDER BY order_no) AS before FROM ended \gset
SELECT w.n, string_agg(DISTINCT pg_temp.came_to(who.how || format(w.way, e.order_no, e.external_id)), ', ') AS cancelled_closed_rejected, min(w.way) AS way
FROM way w CROSS JOIN who CROSS JOIN ended e WHERE e.status IN ('cancelled', 'closed', 'rejected') GROUP BY w.n ORDER BY w.n;
SELECT order_no AS o FROM ended WHERE status = 'cancelled' \gset
SELECT * FROM pg_temp.refused(format('UPDATE usom.sales_order SET status = %L WHERE order_no = %L', 'confirmed', :'o'));
SELECT * FROM pg_temp.refused(format('UPDATE usom.sales_order SET payment = %L WHERE order_no = %L', '{"method": "card", "captured": 18}', :'o'));
-- The document again, as it was: an answer, and no order.
SELECT order_no = :'o' AS same, status, messages FROM usom.place_order('{"external_id": "E30-cancelled", "draft": false, "payment": {"method": "card", "reference": "psp-1"}, "lines": [{"sku": "E30", "quantity": 2, "unit_price": 9}]}');
SELECT ordinal, outcome, order_no = :'o' AS same FROM usom.place_orders('[{"external_id": "E30-cancelled", "draft": false, "payment": {"method": "card", "reference": "psp-1"}, "lines": [{"sku": "E30", "quantity": 2, "unit_price": 9}]}]');
SELECT pg_temp.row_counts() = :'rows' AS nothing_written, jsonb_agg(pg_temp.image(order_no) ORDER BY order_no) = :'before' AS unchanged FROM ended;

-- What the provider says is recorded all the same: the order stays what it was, the money is somebody's to give back.
CREATE TEMP TABLE late AS SELECT e.status, r.* FROM ended e, usom.record_payment(e.order_no, 'sale', 18, 'E30-late-' || e.status) r WHERE e.status IN ('cancelled', 'rejected');
SELECT status, order_status, payment_status, repeated FROM late ORDER BY 1;
SELECT e.status, c.order_status, c.payment_status, c.repeated FROM ended e, usom.complete_order(e.order_no, 18, 'E30-late-' || e.status) c WHERE e.status IN ('cancelled', 'rejected') ORDER BY 1;
SELECT c.order_status, c.payment_status FROM ended e, usom.complete_order(e.order_no, 25, 'E30-late-' || e.status) c WHERE e.status = 'closed';
SELECT e.status, x.kind, x.message, x.open FROM ended e JOIN usom.exceptions x USING (order_no) ORDER BY 1;
SELECT e.status, r.amount_wanted FROM ended e, usom.refund_order(e.order_no, reason => 'it has ended') r WHERE e.status IN ('cancelled', 'rejected', 'closed') ORDER BY 1;
SELECT e.status AS was, o.status, o.payment_status, o.paid FROM ended e JOIN usom.orders o USING (order_no) WHERE o.paid IS NOT NULL ORDER BY 1;
SELECT pg_temp.row_counts() AS rows, jsonb_agg(pg_temp.image(order_no) ORDER BY order_no) AS before FROM ended \gset

-- No cancellation where the life cycle has no such step, whoever asks.
SELECT e.status, string_agg(DISTINCT pg_temp.came_to(who.how || format(c.command, e.order_no)), ', ') AS cancel
FROM ended e CROSS JOIN who CROSS JOIN (VALUES ('SELECT usom.cancel_order(%L, NULL)'), ('UPDATE usom.sales_order SET status = ''cancelled'' WHERE order_no = %L')) AS c (command)
WHERE e.status <> 'cancelled' GROUP BY e.status ORDER BY e.status;
SELECT * FROM pg_temp.refused(format('SELECT usom.cancel_order(%L, NULL)', (SELECT order_no FROM ended WHERE status = 'shipped')));
SELECT * FROM pg_temp.refused(format('UPDATE usom.sales_order SET status = %L WHERE order_no = %L', 'cancelled', (SELECT order_no FROM ended WHERE status = 'shipped')));
SELECT * FROM pg_temp.refused('COPY usom.sales_order (external_id, status) FROM PROGRAM ''printf "E30-copy\\tcancelled\\n"''');
SELECT pg_temp.row_counts() = :'rows' AS nothing_written, jsonb_agg(pg_temp.image(order_no) ORDER BY order_no) = :'before' AS unchanged FROM ended;

-- Where it has one, each way takes it, and leaves the step in the history and the rows in the audit.
SELECT order_no AS a FROM usom.place_order('{"lines": [{"sku": "E30", "quantity": 1}]}') \gset
SELECT order_no AS b FROM usom.place_order('{"lines": [{"sku": "E30", "quantity": 1}]}') \gset
SELECT order_no AS c FROM usom.place_order('{"lines": [{"sku": "E30", "quantity": 1}]}') \gset
SELECT status FROM usom.cancel_order(:'a', 'by function');
BEGIN;
SET LOCAL usom.reason = 'by plain SQL';
UPDATE usom.sales_order SET status = 'cancelled' WHERE order_no = :'b';
COMMIT;
BEGIN;
SET LOCAL session_replication_role = replica;
SET LOCAL usom.reason = 'by a superuser, who thought that no trigger would fire';
UPDATE usom.sales_order SET status = 'cancelled' WHERE order_no = :'c';
COMMIT;
SELECT h.event, h.from_status, h.to_status, h.reason FROM usom.order_history h JOIN usom.sales_order o USING (org_id, sales_order_id) WHERE o.order_no IN (:'a', :'b', :'c') AND h.version > 1 ORDER BY h.occurred_at;
SELECT a.reason, string_agg(DISTINCT a.table_name, ', ' ORDER BY a.table_name) AS audited FROM usom.audit a JOIN usom.sales_order o USING (sales_order_id) WHERE o.order_no IN (:'a', :'b', :'c') AND a.reason LIKE 'by %' GROUP BY 1 ORDER BY 1;

-- COPY brings drafts, which go the way of all orders.
COPY usom.sales_order (external_id, instructions) FROM stdin;
E30-copied	from another system
\.
SELECT sales_order_id AS id, order_no AS o, status, version FROM usom.sales_order WHERE external_id = 'E30-copied' \gset
SELECT format('COPY usom.order_line (sales_order_id, line_no, product_id, quantity, unit_price) FROM PROGRAM %L', format('printf "%s\t1\t%s\t2\t9\n"', :id, usom.product_id('E30'))) AS copy \gset
:copy;
UPDATE usom.sales_order SET status = 'submitted' WHERE order_no = :'o';
SELECT o.status, o.total, l.quantity_reserved FROM usom.orders o JOIN usom.order_lines l USING (order_no) WHERE order_no = :'o';
SELECT table_name, operation, count(*) FROM usom.audit a WHERE a.sales_order_id = :id AND operation = 'INSERT' AND verb IS DISTINCT FROM 'update order' GROUP BY 1, 2 ORDER BY 1;
SELECT * FROM usom.verify();
