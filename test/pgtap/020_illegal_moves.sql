-- Every move of every pair of statuses, by function and by plain SQL, as
-- whoever: the legal ones do what their verb does, all others are refused with
-- the legal steps in the hint, and nothing has changed.
\set ON_ERROR_STOP on
\pset format unaligned
\pset tuples_only on
\pset pager off
BEGIN;
SET LOCAL client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pgtap;
CREATE EXTENSION IF NOT EXISTS usom;
SELECT count(*) FROM usom.install() \g /dev/null
SELECT no_plan();

INSERT INTO usom.location (code) VALUES ('TAP-A');
INSERT INTO usom.product (sku) VALUES ('TAP-1');
SELECT count(*) FROM usom.receive_stock('TAP-A', 'TAP-1', 1000) \g /dev/null

-- ---- how things are tried ----

-- Run a command and take it back.  What it came to: "ok" and the status that
-- the order then has, or the SQLSTATE with the hint.
CREATE FUNCTION pg_temp.attempt(command text, o text DEFAULT NULL) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	hint text;
	ends_as text;
BEGIN
	EXECUTE command;
	RESET ROLE;
	SELECT s.status::text INTO ends_as FROM usom.sales_order s WHERE s.order_no = o;
	RAISE EXCEPTION USING ERRCODE = 'ZZ000';
EXCEPTION WHEN OTHERS THEN
	IF SQLSTATE = 'ZZ000' THEN
		RETURN 'ok' || coalesce(' ' || ends_as, '');
	END IF;
	GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
	RETURN SQLSTATE || CASE WHEN hint <> '' THEN ' ' || hint ELSE '' END;
END
$$;

-- An order of three units, brought to a status by the verbs.
CREATE FUNCTION pg_temp.order_that_is(wanted text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	o text;
	s text;
BEGIN
	SELECT p.order_no INTO o FROM usom.place_order('{"draft": true, "lines": [{"sku": "TAP-1", "quantity": 3, "unit_price": 2}]}') p;
	IF wanted IN ('submitted', 'rejected') THEN
		PERFORM usom.hold_order(o, 'credit', 'to stay submitted');
	END IF;
	IF wanted <> 'draft' THEN
		PERFORM usom.submit_order(o);
	END IF;
	IF wanted IN ('submitted', 'rejected') THEN
		PERFORM usom.release_hold(o, 'credit', 'submitted');
	END IF;
	IF wanted = 'rejected' THEN
		PERFORM usom.reject_order(o, 'fraud');
	ELSIF wanted = 'cancelled' THEN
		PERFORM usom.cancel_order(o, 'changed my mind');
	END IF;
	IF wanted IN ('processing', 'partially_shipped', 'shipped', 'delivered', 'closed') THEN
		PERFORM usom.release_order(o);
	END IF;
	IF wanted = 'partially_shipped' THEN
		PERFORM usom.ship(o, '[{"line_no": 1, "quantity": 1}]');
	ELSIF wanted IN ('shipped', 'delivered', 'closed') THEN
		s := usom.ship(o);
	END IF;
	IF wanted IN ('delivered', 'closed') THEN
		PERFORM usom.deliver(s);
	END IF;
	IF wanted = 'closed' THEN
		PERFORM usom.close_order(o);
	END IF;
	RETURN o;
END
$$;

CREATE TEMP TABLE status (status text PRIMARY KEY, n serial, hint text, o text);
INSERT INTO status (status, hint) VALUES
	('draft', 'submit (submitted), cancel (cancelled)'),
	('submitted', 'confirm (confirmed), reject (rejected), cancel (cancelled)'),
	('confirmed', 'release (processing), cancel (cancelled)'),
	('processing', 'cancel_line (confirmed), ship (partially_shipped), ship (shipped), cancel (cancelled)'),
	('partially_shipped', 'ship (shipped), deliver (delivered), void (processing)'),
	('shipped', 'deliver (delivered), void (partially_shipped), void (processing)'),
	('delivered', 'close (closed)'),
	('closed', 'closed is final'),
	('cancelled', 'cancelled is final'),
	('rejected', 'rejected is final');
UPDATE status s SET o = pg_temp.order_that_is(s.status);
SELECT is(v.status, s.status, format('there is an order that is %s', s.status)) FROM status s LEFT JOIN usom.orders v ON v.order_no = s.o ORDER BY s.n;
SELECT is_empty('SELECT * FROM usom.verify()', 'all is well before');
CREATE TEMP TABLE image AS SELECT to_jsonb(o) AS image FROM usom.sales_order o UNION ALL SELECT to_jsonb(l) FROM usom.order_line l UNION ALL SELECT to_jsonb(f) FROM usom.fulfillment_line f
	UNION ALL SELECT to_jsonb(s) FROM usom.stock s UNION ALL SELECT to_jsonb(h) FROM usom.order_history h;

-- ---- orders, 10 x 10, by UPDATE ----

-- What may be commanded, and where it leads.
CREATE TEMP TABLE commanded (from_status text, to_status text, ends_as text);
INSERT INTO commanded VALUES ('draft', 'submitted', 'confirmed'), ('draft', 'cancelled', 'cancelled'), ('submitted', 'confirmed', 'confirmed'), ('submitted', 'rejected', 'rejected'),
	('submitted', 'cancelled', 'cancelled'), ('confirmed', 'cancelled', 'cancelled'), ('processing', 'cancelled', 'cancelled'), ('delivered', 'closed', 'closed');
SELECT results_eq('SELECT from_status, to_status FROM usom.order_lifecycle() WHERE commanded ORDER BY 1, 2', 'SELECT from_status, to_status FROM commanded ORDER BY 1, 2', 'the life cycle says the same');

CREATE TEMP TABLE outcome AS
	SELECT f.status AS from_status, t.status AS to_status, w.who, pg_temp.attempt(format(w.how, f.o, t.status), f.o) AS came_to, c.ends_as, f.hint
	FROM status f CROSS JOIN status t
	CROSS JOIN (VALUES
		('superuser', 'UPDATE usom.sales_order SET status = %2$L WHERE order_no = %1$L'),
		('owner', 'SET LOCAL ROLE usom_owner; UPDATE usom.sales_order SET status = %2$L WHERE order_no = %1$L'),
		('replica role', 'SET LOCAL session_replication_role = replica; UPDATE usom.sales_order SET status = %2$L WHERE order_no = %1$L'),
		('MERGE', 'MERGE INTO usom.sales_order o USING (VALUES (%1$L)) AS v (order_no) ON o.order_no = v.order_no WHEN MATCHED THEN UPDATE SET status = %2$L'),
		('ON CONFLICT', 'INSERT INTO usom.sales_order (order_no) VALUES (%1$L) ON CONFLICT (org_id, order_no) DO UPDATE SET status = %2$L')) AS w (who, how)
	LEFT JOIN commanded c ON c.from_status = f.status AND c.to_status = t.status;
SELECT is(count(*), 500::bigint, '500 moves were tried') FROM outcome;
SELECT is(o.came_to, 'ok ' || o.ends_as, format('%s: UPDATE from %s to %s does what the verb does', o.who, o.from_status, o.to_status))
FROM outcome o WHERE o.ends_as IS NOT NULL ORDER BY o.who, o.from_status, o.to_status;
SELECT is(o.came_to, 'ok ' || o.from_status, format('%s: %s stays %s', o.who, o.from_status, o.to_status)) FROM outcome o WHERE o.from_status = o.to_status ORDER BY o.who, o.from_status;
SELECT ok(o.came_to LIKE 'US101 Next steps%' || o.hint || '%', format('%s: UPDATE from %s to %s is refused, the hint names the steps', o.who, o.from_status, o.to_status))
	|| CASE WHEN o.came_to NOT LIKE 'US101 Next steps%' || o.hint || '%' THEN E'\n# ' || o.came_to ELSE '' END
FROM outcome o WHERE o.ends_as IS NULL AND o.from_status <> o.to_status ORDER BY o.who, o.from_status, o.to_status;

-- ---- orders, by function ----

-- Each verb from each status: where it leads, or null where there is no such step.
CREATE TEMP TABLE verb (verb text, call text, works jsonb);
INSERT INTO verb VALUES
	('submit', 'SELECT usom.submit_order(%L)', '{"draft": "confirmed", "submitted": "submitted", "confirmed": "confirmed"}'),
	('confirm', 'SELECT usom.confirm_order(%L)', '{"submitted": "confirmed", "confirmed": "confirmed"}'),
	('reject', 'SELECT usom.reject_order(%L, NULL)', '{"submitted": "rejected", "rejected": "rejected"}'),
	('cancel', 'SELECT usom.cancel_order(%L, NULL)', '{"draft": "cancelled", "submitted": "cancelled", "confirmed": "cancelled", "processing": "cancelled", "cancelled": "cancelled"}'),
	('close', 'SELECT usom.close_order(%L)', '{"delivered": "closed", "closed": "closed"}'),
	('release', 'SELECT usom.release_order(%L)', '{"confirmed": "processing", "processing": "processing", "partially_shipped": "partially_shipped"}'),
	('ship', 'SELECT usom.ship(%L)', '{"processing": "shipped", "partially_shipped": "shipped"}'),
	('change', 'SELECT usom.change_order(%L, ''{"priority": 1}'')', '{"draft": "draft", "submitted": "submitted", "confirmed": "confirmed", "processing": "processing", "partially_shipped": "partially_shipped"}'),
	('cancel_line', 'SELECT usom.cancel_line(%L, 1, NULL, NULL)', '{"draft": "cancelled", "submitted": "cancelled", "confirmed": "cancelled", "processing": "cancelled", "partially_shipped": "shipped", "shipped": "shipped", "delivered": "delivered"}'),
	('hold', 'SELECT usom.hold_order(%L, ''fraud'', NULL)', '{"draft": "draft", "submitted": "submitted", "confirmed": "confirmed", "processing": "processing", "partially_shipped": "partially_shipped", "shipped": "shipped", "delivered": "delivered"}'),
	('allocate', 'SELECT usom.allocate_order(%L)', '{"confirmed": "confirmed", "processing": "processing", "partially_shipped": "partially_shipped", "shipped": "shipped", "delivered": "delivered"}'),
	('deliver', 'SELECT usom.deliver(s.shipment_no) FROM usom.shipments s WHERE s.order_no = %L', '{"draft": "draft", "submitted": "submitted", "confirmed": "confirmed", "processing": "processing", "cancelled": "cancelled", "rejected": "rejected",
		"partially_shipped": "partially_shipped", "shipped": "delivered", "delivered": "delivered", "closed": "closed"}');
CREATE TEMP TABLE called AS
	SELECT v.verb, s.status, s.hint, v.works->>s.status AS ends_as, pg_temp.attempt(format(v.call, s.o), s.o) AS came_to FROM verb v CROSS JOIN status s;
SELECT is(c.came_to, 'ok ' || c.ends_as, format('%s an order that is %s: it is %s', c.verb, c.status, c.ends_as)) FROM called c WHERE c.ends_as IS NOT NULL ORDER BY c.verb, c.status;
SELECT ok(c.came_to LIKE 'US101%' || c.hint || '%' OR (c.verb = 'ship' AND c.status = 'confirmed' AND c.came_to LIKE 'US101 Call usom.release_order%'), format('%s an order that is %s: refused, the hint names the steps', c.verb, c.status))
	|| CASE WHEN c.came_to NOT LIKE 'US101%' THEN E'\n# ' || c.came_to ELSE '' END
FROM called c WHERE c.ends_as IS NULL ORDER BY c.verb, c.status;

-- ---- orders that begin in the middle, or end by force ----

CREATE TEMP TABLE forced (what text, command text, code text);
INSERT INTO forced SELECT format('INSERT as %s', status), format('INSERT INTO usom.sales_order (status) VALUES (%L)', status), CASE WHEN status = 'draft' THEN 'ok' ELSE 'US101' END FROM status;
INSERT INTO forced SELECT format('COPY as %s', status), format('COPY usom.sales_order (status) FROM PROGRAM %L', 'echo ' || status), CASE WHEN status = 'draft' THEN 'ok' ELSE 'US101' END FROM status;
INSERT INTO forced SELECT format('MERGE as %s', status), format('MERGE INTO usom.sales_order o USING (VALUES (%L)) AS v (status) ON false WHEN NOT MATCHED THEN INSERT (status) VALUES (v.status)', status), CASE WHEN status = 'draft' THEN 'ok' ELSE 'US101' END FROM status;
INSERT INTO forced SELECT format('DELETE one that is %s', status), format('DELETE FROM usom.sales_order WHERE order_no = %L', o), 'US004' FROM status;
INSERT INTO forced SELECT format('MERGE DELETE one that is %s', status), format('MERGE INTO usom.sales_order o USING (VALUES (%L)) AS v (order_no) ON o.order_no = v.order_no WHEN MATCHED THEN DELETE', o), 'US004' FROM status;
INSERT INTO forced VALUES
	('TRUNCATE', 'TRUNCATE usom.sales_order', '0A000'), ('TRUNCATE CASCADE', 'TRUNCATE usom.sales_order CASCADE', 'US004'),
	('TRUNCATE lines', 'TRUNCATE usom.order_line', 'US004'), ('TRUNCATE lines CASCADE', 'TRUNCATE usom.order_line CASCADE', 'US004'),
	('TRUNCATE all together', (WITH RECURSIVE r (t) AS (SELECT 'usom.sales_order'::regclass::oid UNION SELECT c.conrelid FROM pg_constraint c JOIN r ON c.confrelid = r.t WHERE c.contype = 'f')
		SELECT 'TRUNCATE ' || string_agg(format('usom.%I', k.relname), ', ' ORDER BY k.relname <> 'sales_order', k.relname) FROM r JOIN pg_class k ON k.oid = r.t), 'US004');
-- A line of no order, or of what does not exist.
INSERT INTO forced SELECT 'INSERT ' || what, command, 'refused' FROM (VALUES
	('a line of no order', 'INSERT INTO usom.order_line (sales_order_id, line_no, product_id, quantity) VALUES (-1, 1, usom.product_id(''TAP-1''), 1)'),
	('a line of no product', 'INSERT INTO usom.order_line (sales_order_id, line_no, product_id, quantity) SELECT sales_order_id, 7, -1, 1 FROM usom.sales_order WHERE status = ''draft'' LIMIT 1'),
	('a line for no location', 'INSERT INTO usom.order_line (sales_order_id, line_no, product_id, quantity, location_id) SELECT sales_order_id, 7, usom.product_id(''TAP-1''), 1, -1 FROM usom.sales_order WHERE status = ''draft'' LIMIT 1'),
	('an order of no customer', 'INSERT INTO usom.sales_order (customer_id) VALUES (-1)'), ('an order by no channel', 'INSERT INTO usom.sales_order (channel_id) VALUES (-1)'),
	('an order of no organisation', 'INSERT INTO usom.sales_order (org_id) VALUES (-1)'), ('an order with a total', 'INSERT INTO usom.sales_order (total) VALUES (1000)')) AS w (what, command);
-- Columns that are kept: never; those of the agreement: in a draft alone; words and dates: until the end.
INSERT INTO forced SELECT format('UPDATE %s of one that is %s', c, status), format('UPDATE usom.sales_order SET %s WHERE order_no = %L', c, o), 'US004'
	FROM status, unnest(ARRAY['org_id = org_id + 1', 'sales_order_id = -1', 'order_no = ''MINE''', 'total = total + 1', 'version = version + 1', 'payload_digest = ''\x00''', 'created_at = now() - interval ''1 day''']) AS c;
INSERT INTO forced SELECT format('UPDATE %s of one that is %s', c, status), format('UPDATE usom.sales_order SET %s WHERE order_no = %L', c, o), CASE WHEN status = 'draft' THEN 'ok' ELSE 'US004' END
	FROM status, unnest(ARRAY['currency = ''USD''', 'external_id = ''TAP''', 'order_type = ''indent''', 'revision = 2', 'placed_at = now() - interval ''1 day''', 'coupons = ''{TEN}''']) AS c;
INSERT INTO forced SELECT format('UPDATE %s of one that is %s', c, status), format('UPDATE usom.sales_order SET %s WHERE order_no = %L', c, o), CASE WHEN status IN ('closed', 'cancelled', 'rejected') THEN 'US004' ELSE 'ok' END
	FROM status, unnest(ARRAY['priority = 1', 'instructions = ''ring''', 'requested_at = now()', 'ship_to = ''{"city": "York"}''']) AS c;
-- Lines by hand: of drafts alone.
INSERT INTO forced SELECT format('UPDATE a line of one that is %s', status), format('UPDATE usom.order_line l SET quantity = 5 FROM usom.sales_order o WHERE o.order_no = %L AND l.sales_order_id = o.sales_order_id', o), CASE WHEN status = 'draft' THEN 'ok' ELSE 'US004' END FROM status;
INSERT INTO forced SELECT format('UPDATE the price of a line of one that is %s', status), format('UPDATE usom.order_line l SET unit_price = 5 FROM usom.sales_order o WHERE o.order_no = %L AND l.sales_order_id = o.sales_order_id', o), CASE WHEN status = 'draft' THEN 'ok' ELSE 'US004' END FROM status;
INSERT INTO forced SELECT format('INSERT a line of one that is %s', status), format('INSERT INTO usom.order_line (sales_order_id, line_no, product_id, quantity) SELECT sales_order_id, 7, usom.product_id(''TAP-1''), 1 FROM usom.sales_order WHERE order_no = %L', o), CASE WHEN status = 'draft' THEN 'ok' ELSE 'US004' END FROM status;
INSERT INTO forced SELECT format('DELETE a line of one that is %s', status), format('DELETE FROM usom.order_line l USING usom.sales_order o WHERE o.order_no = %L AND l.sales_order_id = o.sales_order_id', o), CASE WHEN status = 'draft' THEN 'ok' ELSE 'US004' END FROM status;
INSERT INTO forced SELECT format('move a line of one that is %s', s.status), format('UPDATE usom.order_line l SET sales_order_id = d.sales_order_id, line_no = 9 FROM usom.sales_order o, usom.sales_order d WHERE o.order_no = %L AND l.sales_order_id = o.sales_order_id AND d.order_no = %L', s.o, d.o),
	CASE WHEN s.status = 'draft' THEN 'ok' ELSE 'US004' END FROM status s, status d WHERE d.status = 'draft';
INSERT INTO forced SELECT format('UPDATE %s of a line of one that is %s', c, status), format('UPDATE usom.order_line l SET %s = 1 FROM usom.sales_order o WHERE o.order_no = %L AND l.sales_order_id = o.sales_order_id', c, o), 'US004'
	FROM status, unnest(ARRAY['quantity_backordered', 'quantity_reserved', 'quantity_released', 'quantity_picked', 'quantity_packed', 'quantity_shipped', 'quantity_delivered', 'quantity_returned', 'quantity_cancelled']) AS c;

CREATE TEMP TABLE force_outcome AS
	SELECT f.what, w.who, f.code, pg_temp.attempt(w.how || f.command) AS came_to
	FROM forced f CROSS JOIN (VALUES ('superuser', ''), ('owner', 'SET LOCAL ROLE usom_owner; '), ('replica role', 'SET LOCAL session_replication_role = replica; ')) AS w (who, how)
	WHERE NOT (w.who = 'owner' AND f.what LIKE 'COPY%');
SELECT is(left(came_to, length(code)), code, format('%s: %s', who, what)) FROM force_outcome WHERE code <> 'refused' ORDER BY who, what;
SELECT isnt(came_to, 'ok', format('%s: %s is refused', who, what)) FROM force_outcome WHERE code = 'refused' ORDER BY who, what;

-- ---- pieces, 10 x 10 ----

-- Nothing of the verbs makes open, picked or packed pieces yet: the guard is lifted to make them, and put back.
CREATE TEMP TABLE piece (status text PRIMARY KEY, o text, hint text);
INSERT INTO piece (status, hint) VALUES
	('open', 'backorder (backordered), reserve (reserved), cancel (cancelled)'), ('backordered', 'fill (reserved), cancel (cancelled)'),
	('reserved', 'backorder (backordered), release (released), cancel (cancelled)'), ('released', 'recall (reserved), pick (picked), pack (packed), ship (shipped), cancel (cancelled)'),
	('picked', 'pack (packed), ship (shipped)'), ('packed', 'ship (shipped)'), ('shipped', 'deliver (delivered), return (returned)'), ('delivered', 'return (returned)'),
	('returned', 'returned is final'), ('cancelled', 'cancelled is final');
SAVEPOINT pieces;
UPDATE piece p SET o = pg_temp.order_that_is(CASE p.status WHEN 'open' THEN 'processing' WHEN 'reserved' THEN 'confirmed' WHEN 'released' THEN 'processing' WHEN 'picked' THEN 'processing' WHEN 'packed' THEN 'processing'
	WHEN 'shipped' THEN 'shipped' WHEN 'delivered' THEN 'delivered' WHEN 'returned' THEN 'delivered' WHEN 'cancelled' THEN 'cancelled' WHEN 'backordered' THEN 'processing' END);
ALTER TABLE usom.fulfillment_line DISABLE TRIGGER usom_guard_update;
UPDATE usom.fulfillment_line f SET status = p.status, location_id = CASE WHEN p.status IN ('open', 'backordered') THEN NULL ELSE f.location_id END
FROM usom.sales_order o JOIN piece p ON p.o = o.order_no WHERE f.sales_order_id = o.sales_order_id AND f.status <> p.status::usom.piece_status;
ALTER TABLE usom.fulfillment_line ENABLE ALWAYS TRIGGER usom_guard_update;
SELECT results_eq('SELECT p.status FROM piece p JOIN usom.order_pieces v ON v.order_no = p.o AND v.status = p.status ORDER BY 1', 'SELECT status FROM piece ORDER BY 1', 'there is a piece in every state');
CREATE TEMP TABLE piece_outcome AS
	SELECT f.status AS from_status, t.status AS to_status, f.hint, w.who, pg_temp.attempt(format(w.how, f.o, t.status)) AS came_to
	FROM piece f CROSS JOIN piece t CROSS JOIN (VALUES
		('superuser', 'UPDATE usom.fulfillment_line f SET status = %2$L FROM usom.sales_order o WHERE o.order_no = %1$L AND f.sales_order_id = o.sales_order_id'),
		('owner', 'SET LOCAL ROLE usom_owner; UPDATE usom.fulfillment_line f SET status = %2$L FROM usom.sales_order o WHERE o.order_no = %1$L AND f.sales_order_id = o.sales_order_id'),
		('replica role', 'SET LOCAL session_replication_role = replica; UPDATE usom.fulfillment_line f SET status = %2$L FROM usom.sales_order o WHERE o.order_no = %1$L AND f.sales_order_id = o.sales_order_id'),
		('MERGE', 'MERGE INTO usom.fulfillment_line f USING (SELECT sales_order_id FROM usom.sales_order WHERE order_no = %1$L) AS v ON f.sales_order_id = v.sales_order_id WHEN MATCHED THEN UPDATE SET status = %2$L')) AS w (who, how);
SELECT is(count(*), 400::bigint, '400 moves of pieces were tried') FROM piece_outcome;
SELECT ok(came_to LIKE 'US101 Next steps%' || hint || '%', format('%s: a piece from %s to %s is refused, the hint names the steps', who, from_status, to_status))
	|| CASE WHEN came_to NOT LIKE 'US101 Next steps%' || hint || '%' THEN E'\n# ' || came_to ELSE '' END
FROM piece_outcome WHERE from_status <> to_status ORDER BY who, from_status, to_status;
SELECT is(left(came_to, 5), 'US004', format('%s: a piece from %s to %s is refused', who, from_status, to_status)) FROM piece_outcome WHERE from_status = to_status ORDER BY who, from_status;
ROLLBACK TO pieces;

-- ---- nothing has changed ----

SELECT results_eq('SELECT image::text FROM (SELECT to_jsonb(o) AS image FROM usom.sales_order o UNION ALL SELECT to_jsonb(l) FROM usom.order_line l UNION ALL SELECT to_jsonb(f) FROM usom.fulfillment_line f
	UNION ALL SELECT to_jsonb(s) FROM usom.stock s UNION ALL SELECT to_jsonb(h) FROM usom.order_history h) AS now ORDER BY 1', 'SELECT image::text FROM image ORDER BY 1', 'orders, lines, pieces, stock and history are as before');
SELECT is_empty('SELECT * FROM usom.verify()', 'all is well after');
SELECT * FROM finish();
ROLLBACK;
