-- All entries, read once: the sums over chains against the walk along them, the
-- sums over images against those that SQL adds up.
SELECT count(*) > 0 AS installed FROM usom.install();
\set SHOW_CONTEXT never
SET usom.org = 'scan';
INSERT INTO usom.organisation (code) VALUES ('scan');
INSERT INTO usom.location (code) VALUES ('SC1');
INSERT INTO usom.product (sku) VALUES ('SC-A'), ('SC-B');
SELECT on_hand FROM usom.receive_stock('SC1', 'SC-A', 1000);
SELECT count(*) FROM usom.place_orders((SELECT jsonb_agg(jsonb_build_object('external_id', 'scan-' || n, 'lines', jsonb_build_array(
	jsonb_build_object('sku', 'SC-A', 'quantity', 1, 'unit_price', 2), jsonb_build_object('sku', 'SC-B', 'quantity', n, 'unit_price', 3))) ORDER BY n) FROM generate_series(1, 200) n));
SELECT count(*) FROM usom.orders o, usom.hold_order(o.order_no, 'customer', 'asked') WHERE o.external_id ~ '^scan-[0-9]*[02468]$';
SELECT count(*) > 0 AS sealed FROM usom.seal_audit();
SELECT count(*) FROM usom.orders o, usom.release_hold(o.order_no, 'customer', 'answered') WHERE o.external_id ~ '^scan-[0-9]*[048]$';

-- what a scan finds, with room for so many orders; and whether the walk finds anything
CREATE FUNCTION pg_temp.scan(orders integer) RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(DISTINCT s.kind, ', ' ORDER BY s.kind) FROM usom._audit_scan(usom.current_org(), usom._settled_keys(), usom._audit_key(), orders) s $$;
CREATE FUNCTION pg_temp.walk() RETURNS text LANGUAGE sql AS $$
	SELECT usom._audit_walk(e, NULL)::text FROM (SELECT * FROM usom.audit_entry c WHERE c.org_id = usom.current_org() ORDER BY c.sales_order_id, c.entry_no) e $$;
SELECT pg_temp.scan(1000), pg_temp.scan(1), pg_temp.walk() ~ '^\(\d+,,,\)$' AS walked;
SELECT * FROM usom.verify_entries();

-- the same sums, by table
CREATE TEMPORARY TABLE told AS SELECT k AS key, usom._scan_audit(k) AS sums FROM usom._audit_key() k;
SELECT count(*) > 8 AS tables, bool_and(s.total = e.total) AS same
FROM told t, unnest(t.sums) s
	FULL JOIN (SELECT e.table_name, usom._audit_sum(t.key, e.audit_entry_id, e.operation, e.row_count, e.before, e.after) AS total
		FROM told t, usom.audit_entry e WHERE e.org_id = usom.current_org() GROUP BY 1) e USING (table_name);
SELECT usom._live_sum(t.key, usom.current_org(), 'order_line') = usom._audit_sum(t.key, NULL, 'INSERT', 1, NULL, usom._audit_image(l)) AS lines,
	(usom._live_sum(t.key, usom.current_org(), 'order_line'))[2] AS of
FROM told t, usom.order_line l WHERE l.org_id = usom.current_org() GROUP BY t.key;
-- kinds that print by settings are written under fixed ones, which do not stay
BEGIN;
CREATE TABLE usom.scan_probe (org_id bigint, during interval, at timetz, codes int[], said text);
INSERT INTO usom.scan_probe SELECT usom.current_org(), n * interval '1 day 2 hours', '12:00+02', ARRAY[n, NULL], NULL FROM generate_series(1, 50) n;
SET intervalstyle = 'sql_standard';
SELECT usom._live_sum(t.key, usom.current_org(), 'scan_probe') = usom._audit_sum(t.key, NULL, 'INSERT', 1, NULL, usom._audit_image(p)) AS same, current_setting('intervalstyle')
FROM told t, usom.scan_probe p GROUP BY t.key;
ROLLBACK;
SELECT usom._live_sum(t.key, usom.current_org(), 'scan_probe; DROP TABLE usom.scan_probe') FROM told t;
SELECT usom._live_sum('\x00', usom.current_org(), 'stock');

-- Forgeries of chains at random, with digests made to fit: the scan, in memory
-- and by its file, finds something whenever the walk does, and never else.
CREATE FUNCTION pg_temp.forge(what integer) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	e usom.audit_entry;
	o usom.audit_entry;
BEGIN
	SELECT * INTO e FROM usom.audit_entry x WHERE x.org_id = usom.current_org() AND x.sales_order_id IS NOT NULL ORDER BY random() LIMIT 1;
	SELECT * INTO o FROM usom.audit_entry x WHERE x.org_id = usom.current_org() AND x.sales_order_id = e.sales_order_id AND x.audit_entry_id <> e.audit_entry_id ORDER BY random() LIMIT 1;
	CASE what
		WHEN 0 THEN UPDATE usom.audit_entry x SET reason = 'forged' WHERE x.audit_entry_id = e.audit_entry_id;
		WHEN 1 THEN UPDATE usom.audit_entry x SET entry_no = x.entry_no + 100 WHERE x.audit_entry_id = e.audit_entry_id;
		WHEN 2 THEN DELETE FROM usom.audit_entry x WHERE x.audit_entry_id = e.audit_entry_id;
		WHEN 3 THEN UPDATE usom.audit_entry x SET previous = o.previous WHERE x.audit_entry_id = e.audit_entry_id;
		WHEN 4 THEN UPDATE usom.audit_entry x SET previous = CASE WHEN x.previous IS NULL THEN x.digest END WHERE x.audit_entry_id = e.audit_entry_id;
		WHEN 5 THEN UPDATE usom.audit_entry x SET entry_no = x.entry_no - 1 WHERE x.sales_order_id = e.sales_order_id AND x.entry_no > 1 AND e.entry_no = 1;
		WHEN 6 THEN DELETE FROM usom.audit_entry x WHERE x.sales_order_id = e.sales_order_id;
		WHEN 7 THEN UPDATE usom.audit_entry x SET sales_order_id = NULL, entry_no = NULL WHERE x.audit_entry_id = e.audit_entry_id;
		WHEN 8 THEN	-- the chain made anew from there on, as whoever has all rights would
			UPDATE usom.audit_entry x SET reason = 'forged' WHERE x.audit_entry_id = e.audit_entry_id;
			FOR o IN SELECT * FROM usom.audit_entry x WHERE x.sales_order_id = e.sales_order_id AND x.entry_no >= e.entry_no ORDER BY x.entry_no LOOP
				UPDATE usom.audit_entry x SET previous = CASE WHEN x.entry_no > e.entry_no THEN e.digest ELSE x.previous END WHERE x.audit_entry_id = o.audit_entry_id;
				UPDATE usom.audit_entry x SET digest = usom._audit_digest(x) WHERE x.audit_entry_id = o.audit_entry_id RETURNING x.digest INTO e.digest;
			END LOOP;
	END CASE;
	UPDATE usom.audit_entry x SET digest = usom._audit_digest(x) WHERE x.org_id = usom.current_org() AND x.digest <> usom._audit_digest(x);
END
$$;
BEGIN;
DO $$
DECLARE
	fork text;
	scanned text;
	walked boolean;
	found integer := 0;
	none integer := 0;
BEGIN
	PERFORM setseed(0.074);
	ALTER TABLE usom.audit_entry DISABLE TRIGGER ALL;
	FOR fork IN SELECT x.relname FROM pg_class x WHERE x.relname ~ '_chain_has_no_fork$' AND x.relkind = 'i' LOOP
		EXECUTE format('DROP INDEX usom.%I', fork);
	END LOOP;
	FOR n IN 0 .. 89 LOOP
		BEGIN
			PERFORM pg_temp.forge(n % 9);
			walked := pg_temp.walk() !~ '^\(\d+,,,\)$';
			FOREACH scanned IN ARRAY ARRAY[pg_temp.scan(1000), pg_temp.scan(1)] LOOP
				IF walked <> (scanned IS NOT NULL AND scanned ~ 'broken') THEN
					RAISE EXCEPTION 'forgery %: the scan says %, the walk %', n % 9, scanned, pg_temp.walk();
				END IF;
			END LOOP;
			found := found + walked::integer;
			none := none + (NOT walked)::integer;
			RAISE EXCEPTION USING ERRCODE = '02000';
		EXCEPTION WHEN SQLSTATE '02000' THEN NULL;
		END;
	END LOOP;
	RAISE NOTICE 'chains broken in more than half of the forgeries: %, whole in some: %', found > 45, none > 0;
END
$$;
ROLLBACK;
RESET usom.org;
