-- Rows of stock are locked and changed past the executor, or by statements: both do the same.
\getenv srcdir PG_ABS_SRCDIR
\set helpers :srcdir '/sql/include/helpers.sql'
\set ECHO none
\i :helpers
\set ECHO all
\pset format unaligned
INSERT INTO usom.organisation (code) VALUES ('updates');
SET usom.org = 'updates';
INSERT INTO usom.location (code, priority) VALUES ('UPD-A', 1), ('UPD-B', 2);
INSERT INTO usom.location (code, priority, active) VALUES ('UPD-OFF', 0, false);
INSERT INTO usom.product (sku) SELECT 'UPD-' || n FROM generate_series(1, 1100) n;
INSERT INTO usom.product (sku, tracking) VALUES ('UPD-LOT', 'lot');
SELECT usom.receive_stocks((SELECT jsonb_agg(jsonb_build_object('location', l, 'sku', 'UPD-' || n, 'quantity', 100)) FROM generate_series(1, 1100) n, unnest('{UPD-A,UPD-B,UPD-OFF}'::text[]) l));
SELECT count(r) FROM unnest('{A,B}'::text[]) l, generate_series(1, 3) n, LATERAL usom.receive_stock('UPD-' || l, 'UPD-LOT', 5, 'lot ' || n) r;
-- All that stock says, and what the audit says of it in this transaction.
CREATE FUNCTION pg_temp.state() RETURNS text LANGUAGE sql AS $$
	SELECT count(*) || ' rows, ' || count(*) FILTER (WHERE line LIKE 'audit%') || ' of them of the audit: ' || md5(string_agg(line, chr(10) ORDER BY line)) FROM (
		SELECT format('row %s', to_jsonb(s) - 'held_until') AS line FROM usom.stock s WHERE s.org_id = usom.current_org()
		UNION ALL SELECT format('audit %s %s %s: %s, %s', dense_rank() OVER (ORDER BY e.audit_entry_id), e.operation, e.row_count, r.before - 'held_until', r.after - 'held_until')
			FROM usom.audit_entry e CROSS JOIN LATERAL ROWS FROM (usom._audit_rows(e.before), usom._audit_rows(e.after)) AS r (before, after)
			WHERE e.org_id = usom.current_org() AND e.table_name = 'stock' AND e.transaction_id = pg_current_xact_id()::text::bigint) x
$$;
CREATE FUNCTION pg_temp.place(key text, lines jsonb, more jsonb DEFAULT '{}') RETURNS text LANGUAGE sql AS $$
	SELECT (usom.place_order(more || jsonb_build_object('external_id', key, 'lines', lines))).order_no
$$;
CREATE FUNCTION pg_temp.lines(first integer, last integer, quantity numeric) RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_agg(jsonb_build_object('sku', 'UPD-' || i, 'quantity', quantity, 'unit_price', 1)) FROM generate_series(first, last) i
$$;
-- A day of the shop; what is told is the same whichever way.
CREATE FUNCTION pg_temp.day() RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	o text;
	r record;
BEGIN
	o := pg_temp.place('one', pg_temp.lines(1, 1, 3));
	o := pg_temp.place('five', pg_temp.lines(1, 5, 120));
	RETURN QUERY SELECT format('%s at %s: %s %s', sku, location, status, quantity) FROM usom.order_pieces WHERE order_no = o ORDER BY 1;
	PERFORM usom.cancel_line(o, 1, 7.5, 'fewer');
	PERFORM usom.release_order(o);
	PERFORM usom.ship(o, '[{"line_no": 2, "quantity": 100}]');
	o := pg_temp.place('many', pg_temp.lines(1, 1100, 1));
	PERFORM usom.release_order(o);
	PERFORM usom.ship(o);
	-- nothing is left: rows that are passed over, and one that is filled again
	o := pg_temp.place('last', pg_temp.lines(7, 7, 198));
	RETURN QUERY SELECT usom.available('UPD-7')::text;
	PERFORM usom.cancel_order(o, 'no');
	RETURN QUERY SELECT usom.available('UPD-7')::text;
	-- within a subtransaction that is taken back
	BEGIN
		o := pg_temp.place('undone', pg_temp.lines(1, 9, 2));
		PERFORM usom.cancel_line(o, 1, 1, 'fewer');
		RAISE EXCEPTION USING ERRCODE = 'ZZ000';
	EXCEPTION WHEN SQLSTATE 'ZZ000' THEN
		NULL;
	END;
	o := pg_temp.place('undone', pg_temp.lines(1, 9, 2));
	-- what is held softly, and was until it ran out
	PERFORM usom.reserve_stock('cart', 'UPD-A', 'UPD-20', 60, '1 hour');
	o := pg_temp.place('held', pg_temp.lines(20, 21, 95));
	RETURN QUERY SELECT format('%s at %s: %s %s', sku, location, status, quantity) FROM usom.order_pieces WHERE order_no = o ORDER BY 1;
	PERFORM usom.adjust_stock('UPD-B', 'UPD-30', -0.000001, 'grain');
	PERFORM usom.count_stock('UPD-B', 'UPD-31', 1234567.25);
	PERFORM usom.set_safety('UPD-A', 'UPD-32', 95);
	o := pg_temp.place('safe', pg_temp.lines(30, 32, 100));
	RETURN QUERY SELECT format('%s at %s: %s %s', sku, location, status, quantity) FROM usom.order_pieces WHERE order_no = o ORDER BY 1;
	o := pg_temp.place('lots', '[{"sku": "UPD-LOT", "quantity": 12, "unit_price": 1}]');
	RETURN QUERY SELECT format('%s at %s: %s %s %s', sku, location, status, quantity, lot) FROM usom.order_pieces WHERE order_no = o ORDER BY 1;
END
$$;
SELECT usom.reserve_stock('gone', 'UPD-A', 'UPD-21', 60, '1 ms') IS NOT NULL AS held, pg_sleep(0.01);
-- once before: some rows are made in the first one
BEGIN;
SELECT count(*) > 0 AS told FROM pg_temp.day();
ROLLBACK;
SELECT 'stock' = ANY (usom._direct_updates()) AS direct;
BEGIN;
SELECT * FROM pg_temp.day();
SELECT pg_temp.state() AS state, 'stock' = ANY (usom._direct_updates()) AS direct \gset direct_
ROLLBACK;
BEGIN;
SET LOCAL usom.direct = off;
SELECT * FROM pg_temp.day();
SELECT pg_temp.state() AS state \gset stated_
ROLLBACK;
SELECT :'direct_direct' AS direct, :'direct_state' = :'stated_state' AS same, regexp_replace(:'direct_state', ': .*', '') AS told;
-- as many statements
CREATE FUNCTION pg_temp.statements(delta numeric, way text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	before bigint;
BEGIN
	PERFORM set_config('usom.direct', way, true);
	before := usom._statement_count();
	PERFORM usom.adjust_stock('UPD-A', 'UPD-40', delta, 'counted');
	RETURN usom._statement_count() - before;
END
$$;
SELECT pg_temp.statements(1, 'on') > 0 AS counted;
SELECT pg_temp.statements(2, 'on') - pg_temp.statements(3, 'off') AS more;
-- The table's own bounds refuse in the same words.
CREATE FUNCTION pg_temp.both(command text) RETURNS TABLE (how text, said text) LANGUAGE plpgsql AS $$
BEGIN
	FOREACH how IN ARRAY ARRAY['direct', 'stated'] LOOP
		PERFORM set_config('usom.direct', CASE how WHEN 'direct' THEN 'on' ELSE 'off' END, false);
		FOR said IN SELECT pg_temp.refused(command) LOOP
			RETURN NEXT;
		END LOOP;
	END LOOP;
	PERFORM set_config('usom.direct', 'on', false);
END
$$;
SELECT pg_temp.place('bound', pg_temp.lines(50, 50, 10)) AS o \gset
BEGIN;
SET LOCAL session_replication_role = replica;
ALTER TABLE usom.stock DISABLE TRIGGER usom_guard;
UPDATE usom.stock s SET reserved = 4 FROM usom.product p WHERE p.sku = 'UPD-50' AND s.org_id = p.org_id AND s.product_id = p.product_id AND s.reserved = 10;
ALTER TABLE usom.stock ENABLE ALWAYS TRIGGER usom_guard;
SET LOCAL session_replication_role = origin;
SELECT * FROM pg_temp.both(format('SELECT usom.cancel_order(%L, ''no'')', :'o'));
ROLLBACK;
ALTER TABLE usom.stock ADD CONSTRAINT direct_bound CHECK (reserved < 90) NOT VALID;
SELECT * FROM pg_temp.both($$SELECT pg_temp.place('bound 2', pg_temp.lines(51, 52, 95))$$);
SELECT 'stock' = ANY (usom._direct_updates()) AS still_direct;
ALTER TABLE usom.stock DROP CONSTRAINT direct_bound;
CREATE UNIQUE INDEX direct_once ON usom.stock (org_id, reserved) WHERE reserved = 17.25;
SELECT * FROM pg_temp.both($$SELECT pg_temp.place('once', pg_temp.lines(53, 54, 17.25))$$);
DROP INDEX usom.direct_once;
-- Stripes, and the ledger of what leaves.
CREATE FUNCTION pg_temp.striped(key text, way text) RETURNS TABLE (told text) LANGUAGE plpgsql AS $$
BEGIN
	PERFORM set_config('usom.direct', way, true);
	PERFORM pg_temp.place(key || ' 1', pg_temp.lines(108, 110, 2));
	PERFORM usom.ship(pg_temp.ready(pg_temp.place(key || ' 2', pg_temp.lines(108, 110, 2.5))));
	PERFORM pg_temp.place(key || ' 3', pg_temp.lines(108, 110, 1));
	RETURN QUERY SELECT format('%s %s %s %s', p.sku, p.on_hand, p.reserved, p.available) FROM usom.stock_position p WHERE sku IN ('UPD-108', 'UPD-109', 'UPD-110') AND location = 'UPD-A';
	RETURN QUERY SELECT format('stripes of %s: %s free, %s takes', sku, sum(free), sum(takes)) FROM usom.stock_stripes GROUP BY sku;
	RETURN QUERY SELECT format('%s %s %s, %s', p.sku, m.kind, m.delta, m.sales_order_id IS NOT NULL) FROM usom.stock_movement m JOIN usom.product p USING (org_id, product_id)
		WHERE org_id = usom.current_org() AND m.reference = (SELECT s.shipment_no FROM usom.shipments s JOIN usom.orders o USING (order_no) WHERE o.external_id = key || ' 2') ORDER BY 1;
END
$$;
CREATE FUNCTION pg_temp.ready(o text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM usom.release_order(o);
	RETURN o;
END
$$;
SELECT * FROM usom.set_stock_stripes('UPD-109', 'UPD-A', 4);
BEGIN;
SELECT * FROM pg_temp.striped('stripes', 'on');
SELECT usom._direct_updates() @> '{stock,stock_stripe}' AS updates, 'stock_movement' = ANY (usom._direct_inserts()) AS books;
ROLLBACK;
BEGIN;
SELECT * FROM pg_temp.striped('stripes', 'off');
ROLLBACK;
SELECT * FROM usom.set_stock_stripes('UPD-109', 'UPD-A', 0);
-- New versions that are not heap-only have their entries in every index.
CREATE INDEX direct_reserved ON usom.stock (org_id, reserved);
SELECT pg_temp.place('indexed', pg_temp.lines(60, 69, 7.125)) IS NOT NULL AS placed;
BEGIN;
SET LOCAL enable_seqscan = off;
SET LOCAL enable_bitmapscan = off;
SELECT count(*) FROM usom.stock WHERE org_id = usom.current_org() AND reserved = 7.125;
SELECT usom.cancel_order(order_no, 'no') IS NOT NULL AS cancelled FROM usom.orders WHERE external_id = 'indexed';
SELECT count(*) FROM usom.stock WHERE org_id = usom.current_org() AND reserved = 7.125;
COMMIT;
SELECT 'stock' = ANY (usom._direct_updates()) AS direct;
DROP INDEX usom.direct_reserved;
-- What others add to the table is heeded: it means statements, or it is kept.
CREATE SCHEMA update_other;
GRANT USAGE ON SCHEMA update_other TO usom_owner;
CREATE TABLE update_other.seen (how text, reserved numeric);
GRANT INSERT, SELECT ON update_other.seen TO usom_owner;
CREATE FUNCTION update_other.look() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF TG_LEVEL = 'STATEMENT' THEN
		INSERT INTO update_other.seen SELECT TG_NAME, o.reserved FROM older o;
	ELSE
		INSERT INTO update_other.seen VALUES (TG_NAME, NEW.reserved);
	END IF;
	RETURN NEW;
END
$$;
CREATE FUNCTION pg_temp.seen(key text, first integer) RETURNS TABLE (direct boolean, seen text[]) LANGUAGE plpgsql AS $$
BEGIN
	DELETE FROM update_other.seen;
	PERFORM pg_temp.place(key, pg_temp.lines(first, first + 1, 4));
	RETURN QUERY SELECT 'stock' = ANY (usom._direct_updates()), (SELECT array_agg(concat_ws(' ', s.how, trim_scale(s.reserved)) ORDER BY 1) FROM update_other.seen s);
END
$$;
SELECT * FROM pg_temp.seen('plain', 70);
CREATE TRIGGER direct_row AFTER UPDATE ON usom.stock FOR EACH ROW EXECUTE FUNCTION update_other.look();
SELECT * FROM pg_temp.seen('row', 72);
DROP TRIGGER direct_row ON usom.stock;
CREATE TRIGGER direct_before BEFORE UPDATE OF reserved ON usom.stock FOR EACH ROW EXECUTE FUNCTION update_other.look();
SELECT * FROM pg_temp.seen('before', 74);
ALTER TABLE usom.stock DISABLE TRIGGER direct_before;
SELECT * FROM pg_temp.seen('disabled', 76);
DROP TRIGGER direct_before ON usom.stock;
CREATE TRIGGER direct_statement AFTER UPDATE ON usom.stock REFERENCING OLD TABLE AS older FOR EACH STATEMENT EXECUTE FUNCTION update_other.look();
SELECT * FROM pg_temp.seen('statement', 78);
DROP TRIGGER direct_statement ON usom.stock;
CREATE TRIGGER direct_insert AFTER INSERT ON usom.stock FOR EACH ROW EXECUTE FUNCTION update_other.look();
SELECT * FROM pg_temp.seen('insert', 80);
DROP TRIGGER direct_insert ON usom.stock;
-- triggers of usom itself fire as they do for statements: before a row, and checks of foreign keys after it
CREATE TRIGGER direct_own BEFORE UPDATE ON usom.stock FOR EACH ROW EXECUTE FUNCTION usom.guard_master('lot');
SELECT * FROM pg_temp.seen('own', 102);
DROP TRIGGER direct_own ON usom.stock;
CREATE TABLE update_other.place (org_id bigint, location_id bigint, PRIMARY KEY (org_id, location_id));
GRANT SELECT, UPDATE ON update_other.place TO usom_owner;
INSERT INTO update_other.place SELECT org_id, location_id FROM usom.location WHERE org_id = usom.current_org() AND code <> 'UPD-B';
CREATE TABLE update_other.shelf (org_id bigint, product_id bigint, location_id bigint, lot text COLLATE "C", FOREIGN KEY (org_id, product_id, location_id, lot) REFERENCES usom.stock);
ALTER TABLE usom.stock ADD CONSTRAINT direct_place FOREIGN KEY (org_id, location_id) REFERENCES update_other.place NOT VALID;
SELECT * FROM pg_temp.seen('keys', 104);
-- a row of this transaction is checked; who is refused finds the table as it was
INSERT INTO usom.product (sku) VALUES ('UPD-NEW');
BEGIN;
SET LOCAL session_replication_role = replica;
SELECT on_hand FROM usom.receive_stock('UPD-B', 'UPD-NEW', 5);
SET LOCAL session_replication_role = origin;
SELECT * FROM pg_temp.both($$SELECT pg_temp.place('unknown place', '[{"sku": "UPD-NEW", "quantity": 1, "unit_price": 1}]')$$);
SELECT * FROM pg_temp.seen('after it', 106);
INSERT INTO update_other.place SELECT org_id, location_id FROM usom.location WHERE org_id = usom.current_org() AND code = 'UPD-B';
SELECT pg_temp.place('known place', '[{"sku": "UPD-NEW", "quantity": 1, "unit_price": 1}]') IS NOT NULL AS placed, 'stock' = ANY (usom._direct_updates()) AS direct;
ROLLBACK;
ALTER TABLE usom.stock DROP CONSTRAINT direct_place;
DROP TABLE update_other.shelf;
CREATE RULE direct_rule AS ON UPDATE TO usom.stock DO ALSO NOTIFY direct_rule;
SELECT * FROM pg_temp.seen('rule', 82);
DROP RULE direct_rule ON usom.stock;
ALTER TABLE usom.stock FORCE ROW LEVEL SECURITY;
SELECT * FROM pg_temp.seen('forced', 84);
ALTER TABLE usom.stock NO FORCE ROW LEVEL SECURITY;
ALTER TABLE usom.stock ADD COLUMN direct_twice numeric GENERATED ALWAYS AS (reserved * 2) STORED;
SELECT * FROM pg_temp.seen('computed', 86);
SELECT count(*) AS wrong FROM usom.stock WHERE direct_twice <> reserved * 2;
ALTER TABLE usom.stock DROP COLUMN direct_twice;
ALTER TABLE usom.stock ADD COLUMN direct_note text DEFAULT 'noted';
SELECT * FROM pg_temp.seen('noted', 88);
SELECT count(*) AS lost FROM usom.stock WHERE direct_note IS DISTINCT FROM 'noted';
ALTER TABLE usom.stock DROP COLUMN direct_note;
CREATE TABLE update_other.child () INHERITS (usom.stock);
SELECT * FROM pg_temp.seen('child', 90);
DROP TABLE update_other.child;
-- a table that was a parent once is looked at as one until it is analyzed
ANALYZE usom.stock;
ALTER INDEX usom.stock_pkey RENAME TO stock_other;
SELECT * FROM pg_temp.seen('renamed', 92);
CREATE UNIQUE INDEX stock_pkey ON usom.stock (org_id, product_id, location_id DESC, lot);
SELECT * FROM pg_temp.seen('backward', 111);
DROP INDEX usom.stock_pkey;
CREATE UNIQUE INDEX stock_pkey ON usom.stock (org_id, product_id, location_id, lot COLLATE "POSIX");
SELECT * FROM pg_temp.seen('collated', 113);
DROP INDEX usom.stock_pkey;
CREATE UNIQUE INDEX stock_pkey ON usom.stock (org_id, product_id, location_id, lot text_pattern_ops);
SELECT * FROM pg_temp.seen('pattern', 115);
DROP INDEX usom.stock_pkey;
ALTER INDEX usom.stock_other RENAME TO stock_pkey;
SELECT * FROM pg_temp.seen('again', 94);
REVOKE UPDATE ON usom.stock FROM usom_owner;
SELECT pg_temp.refused($$SELECT pg_temp.place('no right', pg_temp.lines(95, 95, 1))$$);
GRANT UPDATE ON usom.stock TO usom_owner;
-- A CHECK of somebody else's that itself places an order: one within the other.
CREATE FUNCTION update_other.place_one(reserved numeric) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
	IF reserved = 7.77 THEN
		PERFORM usom.place_order('{"external_id": "within", "lines": [{"sku": "UPD-96", "quantity": 3, "unit_price": 1}]}');
	END IF;
	RETURN true;
END
$$;
ALTER TABLE usom.stock ADD CONSTRAINT direct_nested CHECK (update_other.place_one(reserved)) NOT VALID;
SELECT pg_temp.place('around', pg_temp.lines(97, 98, 7.77)) IS NOT NULL AS placed;
SELECT p.sku, p.location, p.reserved FROM usom.stock_position p WHERE p.sku IN ('UPD-96', 'UPD-97', 'UPD-98') AND p.reserved > 0 ORDER BY 1, 2;
ALTER TABLE usom.stock DROP CONSTRAINT direct_nested;
DROP SCHEMA update_other CASCADE;
-- What is read only stays so.
BEGIN READ ONLY;
SELECT * FROM pg_temp.both($$SELECT usom.adjust_stock('UPD-A', 'UPD-99', 1, 'found')$$);
ROLLBACK;
-- Higher isolation.
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT pg_temp.place('serial', pg_temp.lines(99, 100, 2)) IS NOT NULL AS placed;
SELECT usom.cancel_line(order_no, 1, 1, 'fewer') IS NOT NULL AS cancelled FROM usom.orders WHERE external_id = 'serial';
COMMIT;
SELECT 'stock' = ANY (usom._direct_updates()) AS direct;
SELECT * FROM usom.verify();
