-- E7: an order is edited while parts of it are shipped, reserved and waiting.
\getenv srcdir PG_ABS_SRCDIR
\set helpers :srcdir '/sql/include/helpers.sql'
\set ECHO none
\i :helpers
\set ECHO all
\pset format unaligned
SET timezone = 'UTC';
SET datestyle = 'ISO';
INSERT INTO usom.location (code) VALUES ('E7-A');
INSERT INTO usom.product (sku) VALUES ('E7-LAMP'), ('E7-SHADE');

-- A line of 10: 4 shipped, 3 reserved, 3 waiting.
SELECT * FROM usom.receive_stock('E7-A', 'E7-LAMP', 4);
SELECT order_no AS o FROM usom.place_order('{"lines": [{"sku": "E7-LAMP", "quantity": 10, "unit_price": 2}]}') \gset
SELECT status FROM usom.release_order(:'o');
SELECT usom.ship(:'o') IS NOT NULL AS shipped;
SELECT * FROM usom.receive_stock('E7-A', 'E7-LAMP', 3);
SELECT line_no, quantity FROM usom.fill_backorders('E7-LAMP');
SELECT * FROM pg_temp.pieces(:'o');
SELECT status, total, version FROM usom.orders WHERE order_no = :'o';

-- (a) A new price touches no piece and no stock.
SELECT pg_temp.image(:'o') AS before \gset
SELECT * FROM usom.change_order(:'o', '{"lines": [{"line_no": 1, "unit_price": 3}]}', reason => 'agreed by phone');
SELECT pg_temp.image(:'o') AS after \gset
SELECT :'before'::jsonb->'pieces' = :'after'::jsonb->'pieces' AS pieces_untouched, :'before'::jsonb->'stock' = :'after'::jsonb->'stock' AS stock_untouched;
SELECT status, total FROM usom.orders WHERE order_no = :'o';

-- (b) From 10 to 12: two more are wanted, and nothing else moves.
SELECT status FROM usom.change_order(:'o', '{"lines": [{"line_no": 1, "quantity": 12}]}');
SELECT * FROM pg_temp.pieces(:'o');
SELECT status, total FROM usom.orders WHERE order_no = :'o';

-- (c) From 12 to 5: what waits goes first, then what is reserved; what is shipped stays.
SELECT status FROM usom.change_order(:'o', '{"lines": [{"line_no": 1, "quantity": 5}]}');
SELECT * FROM pg_temp.pieces(:'o');
SELECT * FROM pg_temp.shelf('E7-%');
SELECT status, total FROM usom.orders WHERE order_no = :'o';

-- (d) From 5 to 3: below what is shipped.
SELECT pg_temp.image(:'o') AS before \gset
SELECT * FROM pg_temp.refused(format('SELECT usom.change_order(%L, %L)', :'o', '{"lines": [{"line_no": 1, "quantity": 3}]}'));
SELECT pg_temp.image(:'o') = :'before' AS unchanged;

-- (e) Another product: not for units that are shipped; else the old ones are freed and the new ones planned in one go.
SELECT * FROM pg_temp.refused(format('SELECT usom.change_order(%L, %L)', :'o', '{"lines": [{"line_no": 1, "sku": "E7-SHADE"}]}'));
SELECT pg_temp.image(:'o') = :'before' AS unchanged;
SELECT * FROM usom.receive_stock('E7-A', 'E7-SHADE', 2);
SELECT status FROM usom.change_order(:'o', '{"lines": [{"sku": "E7-LAMP", "quantity": 2, "unit_price": 3}]}');
SELECT * FROM pg_temp.pieces(:'o');
SELECT status FROM usom.change_order(:'o', '{"lines": [{"line_no": 2, "sku": "E7-SHADE", "quantity": 3, "unit_price": 1}]}');
SELECT * FROM pg_temp.pieces(:'o');
SELECT * FROM pg_temp.shelf('E7-%');

-- (f) Each of them fails at the very end: in the last write, and once more when it commits.
CREATE FUNCTION pg_temp.fail() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'the last guard says no'; END$$;
CREATE TRIGGER last_guard AFTER INSERT ON usom.order_history FOR EACH ROW WHEN (NEW.reason = 'E7 at the last write') EXECUTE FUNCTION pg_temp.fail();
CREATE CONSTRAINT TRIGGER commit_guard AFTER INSERT ON usom.order_history DEFERRABLE INITIALLY DEFERRED
	FOR EACH ROW WHEN (NEW.reason = 'E7 at commit') EXECUTE FUNCTION pg_temp.fail();
CREATE TEMP TABLE edit (edit text, changes jsonb);
INSERT INTO edit VALUES ('a', '{"lines": [{"line_no": 1, "unit_price": 9}]}'), ('b', '{"lines": [{"line_no": 1, "quantity": 12}]}'), ('c', '{"lines": [{"line_no": 1, "quantity": 4}]}'),
	('e', '{"lines": [{"line_no": 2, "sku": "E7-LAMP"}]}'), ('header', '{"priority": 1, "ship_to": {"city": "York"}, "instructions": "x", "requested_at": "2100-01-01T00:00:00Z"}'),
	('remove', '{"lines": [{"line_no": 2, "remove": true}]}'), ('add', '{"lines": [{"sku": "E7-LAMP", "quantity": 1}]}');
SELECT pg_temp.image(:'o') AS before, pg_temp.row_counts() AS rows \gset
SELECT edit, r.* FROM edit, pg_temp.refused(format('SELECT usom.change_order(%L, %L, reason => %L)', :'o', changes, 'E7 at the last write')) r;
SELECT pg_temp.image(:'o') = :'before' AS unchanged, pg_temp.row_counts() = :'rows' AS nothing_written;
\set SHOW_CONTEXT never
\set ECHO none
SELECT format('SELECT status FROM usom.change_order(%L, %L, reason => %L)', :'o', changes, 'E7 at commit') FROM edit ORDER BY edit \gexec
\set ECHO all
SELECT pg_temp.image(:'o') = :'before' AS unchanged, pg_temp.row_counts() = :'rows' AS nothing_written;
DROP TRIGGER last_guard ON usom.order_history;
DROP TRIGGER commit_guard ON usom.order_history;

-- (g) Two edits made from the same version: the second is told.
SELECT version AS read FROM usom.orders WHERE order_no = :'o' \gset
SELECT status, new_version - :read AS ahead FROM usom.change_order(:'o', '{"priority": 1}', version => :read);
SELECT regexp_replace(r, '\d+(?= was| is|,|\.)', '#', 'g') FROM pg_temp.refused(format('SELECT usom.change_order(%L, %L, version => %s)', :'o', '{"lines": [{"line_no": 1, "quantity": 9}]}', :read)) r;
SELECT priority, version - :read AS ahead FROM usom.orders WHERE order_no = :'o';
SELECT h.event, from_status, to_status, h.reason FROM usom.order_history h JOIN usom.sales_order s USING (org_id, sales_order_id) WHERE s.order_no = :'o' ORDER BY h.version;
SELECT * FROM usom.verify();
