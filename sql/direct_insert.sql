-- Rows go to tables past the executor, or by statements: both write the same.
\getenv srcdir PG_ABS_SRCDIR
\set helpers :srcdir '/sql/include/helpers.sql'
\set ECHO none
\i :helpers
\set ECHO all
\pset format unaligned
INSERT INTO usom.organisation (code) VALUES ('direct');
SET usom.org = 'direct';
INSERT INTO usom.location (code) VALUES ('DIR-A'), ('DIR-B');
INSERT INTO usom.customer (code, name) VALUES ('DIR-C', 'A. Buyer');
INSERT INTO usom.product (sku) SELECT 'DIR-' || n FROM generate_series(1, 201) n;
SELECT usom.receive_stocks((SELECT jsonb_agg(jsonb_build_object('location', 'DIR-A', 'sku', 'DIR-' || n, 'quantity', 1000)) FROM generate_series(1, 200) n));
-- What an order left in every table that takes new rows, without what differs between any two orders.
CREATE FUNCTION pg_temp.written(o text) RETURNS SETOF jsonb LANGUAGE sql AS $$
	WITH o AS (SELECT org_id, sales_order_id FROM usom.sales_order WHERE org_id = usom.current_org() AND external_id = $1)
	SELECT r.entry - ARRAY['sales_order_id', 'order_no', 'external_id', 'payload_digest', 'placed_at', 'created_at', 'occurred_at', 'promised_at', 'address_id'] FROM (
		-- what is sealed is never the same twice
		SELECT 1 AS part, 0 AS n, to_jsonb(s) || jsonb_build_object('instructions', length(instructions)) AS entry FROM usom.sales_order s JOIN o USING (org_id, sales_order_id)
		UNION ALL SELECT 2, line_no, to_jsonb(s) FROM usom.order_line s JOIN o USING (org_id, sales_order_id)
		UNION ALL SELECT 3, line_no * 100 + piece_no, to_jsonb(s) FROM usom.fulfillment_line s JOIN o USING (org_id, sales_order_id)
		UNION ALL SELECT 4, version, to_jsonb(s) FROM usom.order_history s JOIN o USING (org_id, sales_order_id)
		-- images of stock grow with what is reserved
		UNION ALL SELECT 5, entry_no, to_jsonb(s) - ARRAY['audit_entry_id', 'transaction_id', 'previous', 'digest', 'before', 'after']
			|| jsonb_build_object('before', before IS NULL, 'after', CASE WHEN table_name <> 'stock' THEN length(after) END, 'first', previous IS NULL, 'digest', length(digest))
			FROM usom.audit_entry s JOIN o USING (org_id, sales_order_id)) r ORDER BY part, n
$$;
CREATE FUNCTION pg_temp.place(key text, document jsonb) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM usom.place_order(document || jsonb_build_object('external_id', key));
	PERFORM usom.cancel_line(order_no, 1, 1, 'fewer') FROM usom.sales_order WHERE org_id = usom.current_org() AND external_id = key AND status = 'confirmed';
	RETURN key;
END
$$;
CREATE FUNCTION pg_temp.lines(first integer, n integer) RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_agg(jsonb_build_object('sku', 'DIR-' || i, 'quantity', 1 + i % 7, 'unit_price', i * 0.25)) FROM generate_series(first, first + n - 1) i
$$;
CREATE TEMP TABLE documents (n integer, document jsonb);
INSERT INTO documents VALUES
	(1, jsonb_build_object('lines', pg_temp.lines(1, 1))),
	(2, jsonb_build_object('lines', pg_temp.lines(1, 5), 'customer', 'DIR-C', 'instructions', 'ring twice', 'coupons', jsonb_build_array('A', 'B'), 'requested_at', '2030-01-02')),
	(3, jsonb_build_object('lines', pg_temp.lines(1, 64))),
	(4, jsonb_build_object('lines', pg_temp.lines(1, 65))),
	(5, jsonb_build_object('lines', pg_temp.lines(1, 200))),
	(6, jsonb_build_object('lines', jsonb_build_array(jsonb_build_object('sku', 'DIR-201', 'quantity', 5000, 'unit_price', 1, 'location', 'DIR-A')))),
	(7, jsonb_build_object('draft', true, 'lines', pg_temp.lines(3, 3))),
	(8, jsonb_build_object('lines', pg_temp.lines(1, 2), 'payment', jsonb_build_object('method', 'card', 'reference', 'R', 'authorized', 1.5)));
-- the first payment makes its method
SELECT pg_temp.place('first', document) FROM documents WHERE n = 8;
SELECT count(pg_temp.place('direct ' || n, document)) FROM documents;
SELECT usom._direct_inserts() @> '{audit_entry,fulfillment_line,order_history,order_line,sales_order}' AS direct;
SET usom.direct = off;
SELECT count(pg_temp.place('stated ' || n, document)) FROM documents;
RESET usom.direct;
SELECT n, d.rows AS written, d.all_of IS NOT DISTINCT FROM s.all_of AS same FROM documents,
	LATERAL (SELECT count(*) AS rows, jsonb_agg(w) AS all_of FROM pg_temp.written('direct ' || n) w) d,
	LATERAL (SELECT jsonb_agg(w) AS all_of FROM pg_temp.written('stated ' || n) w) s ORDER BY n;
-- as many statements
CREATE FUNCTION pg_temp.statements(key text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	before bigint := usom._statement_count();
BEGIN
	PERFORM usom.place_order(jsonb_build_object('external_id', key, 'lines', pg_temp.lines(1, 5)));
	RETURN usom._statement_count() - before;
END
$$;
-- once before, since some are asked once a session
SELECT pg_temp.statements('count 0') > 0 AS counted;
SELECT pg_temp.statements('count 1') AS direct \gset
SET usom.direct = off;
SELECT pg_temp.statements('count 2') - :direct AS more;
RESET usom.direct;
-- a key that is there: the same answer, and no second order
SELECT count(*), count(DISTINCT order_no) FROM (SELECT (usom.place_order((SELECT document FROM documents WHERE n = 1) || '{"external_id": "direct 1"}')).order_no FROM generate_series(1, 3)) r;
SELECT * FROM usom.verify_stock() UNION ALL SELECT * FROM usom.verify_orders();
-- what others add to the tables is heeded: a CHECK is read, triggers by row mean statements
CREATE SCHEMA direct_other;
GRANT USAGE ON SCHEMA direct_other TO usom_owner;
ALTER TABLE usom.order_line ADD CONSTRAINT direct_bound CHECK (unit_price < 40) NOT VALID;
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
SELECT how, regexp_replace(said, 'row contains.*', 'row contains ...') FROM pg_temp.both($$SELECT usom.place_order(jsonb_build_object('lines', pg_temp.lines(150, 20)))$$);
SELECT 'order_line' = ANY (usom._direct_inserts()) AS still_direct;
ALTER TABLE usom.order_line DROP CONSTRAINT direct_bound;
CREATE UNIQUE INDEX direct_once ON usom.order_line (org_id, sales_order_id, unit_price) WHERE unit_price = 1.2345;
SELECT how, regexp_replace(said, '=\(.*\)', '=(...)') FROM pg_temp.both($$SELECT usom.place_order('{"lines": [{"sku": "DIR-1", "quantity": 1, "unit_price": 1.2345}, {"sku": "DIR-2", "quantity": 1, "unit_price": 1.2345}]}')$$);
DROP INDEX usom.direct_once;
CREATE TABLE direct_other.seen (line_no integer, unit_price numeric);
GRANT INSERT ON direct_other.seen TO usom_owner;
CREATE FUNCTION direct_other.look() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF TG_LEVEL = 'STATEMENT' THEN
		INSERT INTO direct_other.seen SELECT line_no + 100, unit_price FROM newer;
	ELSE
		INSERT INTO direct_other.seen VALUES (NEW.line_no, NEW.unit_price);
	END IF;
	RETURN NEW;
END
$$;
CREATE TRIGGER direct_row AFTER INSERT ON usom.order_line FOR EACH ROW EXECUTE FUNCTION direct_other.look();
SELECT pg_temp.place('seen 1', jsonb_build_object('lines', pg_temp.lines(1, 2)));
SELECT 'order_line' = ANY (usom._direct_inserts()) AS still_direct, (SELECT array_agg(line_no ORDER BY 1) FROM direct_other.seen) AS seen;
ALTER TABLE usom.order_line DISABLE TRIGGER direct_row;
SELECT pg_temp.place('seen 2', jsonb_build_object('lines', pg_temp.lines(1, 2)));
SELECT 'order_line' = ANY (usom._direct_inserts()) AS direct_again;
CREATE TRIGGER direct_statement AFTER INSERT ON usom.order_line REFERENCING NEW TABLE AS newer FOR EACH STATEMENT EXECUTE FUNCTION direct_other.look();
SELECT pg_temp.place('seen 3', jsonb_build_object('lines', pg_temp.lines(1, 2)));
SELECT 'order_line' = ANY (usom._direct_inserts()) AS still_direct, (SELECT array_agg(line_no ORDER BY 1) FROM direct_other.seen) AS seen;
DROP TRIGGER direct_row ON usom.order_line;
DROP TRIGGER direct_statement ON usom.order_line;
-- a rule, forced row security, a column that is computed
CREATE RULE direct_rule AS ON INSERT TO usom.order_history DO ALSO NOTIFY direct_rule;
ALTER TABLE usom.fulfillment_line FORCE ROW LEVEL SECURITY;
ALTER TABLE usom.order_line ADD COLUMN direct_twice numeric GENERATED ALWAYS AS (unit_price * 2) STORED;
SELECT pg_temp.place('odd 1', jsonb_build_object('lines', pg_temp.lines(1, 2)));
SELECT usom._direct_inserts() && '{fulfillment_line,order_history,order_line}' AS any_direct, (SELECT sum(direct_twice) FROM usom.order_line WHERE org_id = usom.current_org() AND direct_twice IS NOT NULL) > 0 AS computed;
DROP RULE direct_rule ON usom.order_history;
ALTER TABLE usom.fulfillment_line NO FORCE ROW LEVEL SECURITY;
ALTER TABLE usom.order_line DROP COLUMN direct_twice;
-- a column that others add gets its default
ALTER TABLE usom.order_line ADD COLUMN direct_note text DEFAULT 'noted ' || 1;
SELECT pg_temp.place('odd 2', jsonb_build_object('lines', pg_temp.lines(1, 2)));
SELECT 'order_line' = ANY (usom._direct_inserts()) AS direct_again, array_agg(l.direct_note ORDER BY line_no) FROM usom.order_line l
	JOIN usom.sales_order o USING (org_id, sales_order_id) WHERE o.org_id = usom.current_org() AND o.external_id = 'odd 2';
ALTER TABLE usom.order_line DROP COLUMN direct_note;
-- a CHECK of somebody else's that itself places an order: one within the other
CREATE FUNCTION direct_other.place_one(price numeric) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
	IF price = 7.77 THEN
		PERFORM usom.place_order('{"external_id": "within", "lines": [{"sku": "DIR-9", "quantity": 1, "unit_price": 1}]}');
	END IF;
	RETURN true;
END
$$;
ALTER TABLE usom.order_line ADD CONSTRAINT direct_nested CHECK (direct_other.place_one(unit_price)) NOT VALID;
SELECT usom.place_order('{"external_id": "around", "lines": [{"sku": "DIR-8", "quantity": 1, "unit_price": 7.77}, {"sku": "DIR-9", "quantity": 1, "unit_price": 7.77}]}') IS NOT NULL AS placed;
SELECT external_id, count(*) FROM usom.sales_order o JOIN usom.order_line l USING (org_id, sales_order_id) WHERE o.org_id = usom.current_org() AND external_id IN ('within', 'around') GROUP BY 1 ORDER BY 1;
ALTER TABLE usom.order_line DROP CONSTRAINT direct_nested;
DROP SCHEMA direct_other CASCADE;
-- partitions of the audit: all entries of a call in one, the next ones in another, some here and some there
CREATE FUNCTION pg_temp.entries(key text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM usom.place_order(jsonb_build_object('external_id', key, 'lines', pg_temp.lines(1, 2)));
	RETURN (SELECT string_agg(format('%s in %s', n, relation), ', ' ORDER BY first) FROM (
		SELECT count(*) AS n, regexp_replace(e.tableoid::regclass::text, '\d+$', '#') AS relation, min(entry_no) AS first FROM usom.audit_entry e JOIN usom.sales_order o USING (org_id, sales_order_id)
		WHERE o.org_id = usom.current_org() AND o.external_id = key GROUP BY 2) x)
		|| CASE WHEN 'audit_entry' = ANY (usom._direct_inserts()) THEN ', directly' ELSE '' END;
END
$$;
BEGIN;
SELECT pg_temp.entries('parts 1');
SELECT usom._make_audit_partition('_audit_direct_1', format('FOR VALUES FROM (%s) TO (%s)', usom.next_id() + 5 + (1::bigint << 53), (1::bigint << 53) + (1 << 24)));
SET LOCAL usom.node = 1;
SELECT pg_temp.entries('parts 2');
SELECT pg_temp.entries('parts 3');
SET LOCAL usom.node = 2;
SELECT pg_temp.entries('parts 4');
SELECT * FROM usom.verify_entries();
ROLLBACK;
SELECT pg_temp.entries('parts 5');
-- what fails half way leaves nothing, and the next one goes on
BEGIN;
SAVEPOINT s;
SELECT usom.place_order('{"external_id": "half", "lines": [{"sku": "DIR-8", "quantity": 1, "unit_price": 1}]}') IS NOT NULL AS placed;
ROLLBACK TO s;
SELECT usom.place_order('{"external_id": "half", "lines": [{"sku": "DIR-8", "quantity": 2, "unit_price": 1}]}') IS NOT NULL AS placed;
COMMIT;
SELECT count(*), sum(l.quantity) FROM usom.sales_order o JOIN usom.order_line l USING (org_id, sales_order_id) WHERE o.org_id = usom.current_org() AND external_id = 'half';
-- at higher isolation a key that is there is still answered
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT usom.place_order('{"external_id": "half", "lines": [{"sku": "DIR-8", "quantity": 2, "unit_price": 1}]}') IS NOT NULL AS repeated;
SELECT usom.place_order('{"external_id": "serial", "lines": [{"sku": "DIR-8", "quantity": 2, "unit_price": 1}]}') IS NOT NULL AS placed;
COMMIT;
SELECT count(*) FROM usom.sales_order WHERE org_id = usom.current_org() AND external_id IN ('half', 'serial');
SELECT * FROM usom.verify();
