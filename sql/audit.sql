-- Who changed what, when and why: entries, canonical images, verify_audit().
SELECT count(*) > 0 AS installed FROM usom.install();
\set SHOW_CONTEXT never
SET timezone = 'UTC';
SET usom.app_user = 'ann';
CREATE TYPE usom.audit_mood AS ENUM ('sad', 'glad');
CREATE TABLE usom.audit_probe (
	org_id bigint NOT NULL DEFAULT 1,
	gone text,
	id bigint NOT NULL,
	sales_order_id bigint,
	yes boolean, two smallint, four integer, f4 real, f8 double precision, n numeric, q usom.quantity,
	t text, v varchar(20), c char(5), nm name, b bytea, j jsonb, js json, tz timestamptz, ts timestamp, d date, ta text[],
	u uuid, iv interval, ia integer[], mood usom.audit_mood, status usom.order_status, r tstzrange, money money,
	PRIMARY KEY (org_id, id)
);
ALTER TABLE usom.audit_probe DROP COLUMN gone;
SELECT usom._audit_table('audit_probe');
SELECT tgname, tgenabled FROM pg_trigger WHERE tgrelid = 'usom.audit_probe'::regclass ORDER BY tgname;
-- what the audit says since it was asked last
CREATE TEMP TABLE seen AS SELECT coalesce(max(audit_entry_id), 0) AS upto FROM usom.audit_entry;
CREATE FUNCTION pg_temp.news() RETURNS TABLE (operation text, row_count integer, sales_order_id bigint, app_user text, verb text, reason text, ids text)
	LANGUAGE sql AS $$
	WITH look AS (UPDATE seen SET upto = (SELECT max(audit_entry_id) FROM usom.audit_entry) RETURNING 1)
	SELECT e.operation, e.row_count, e.sales_order_id, e.app_user, e.verb, e.reason,
		(SELECT string_agg(r->>'id', ' ') FROM usom._audit_rows(coalesce(e.after, e.before)) r)
	FROM usom.audit_entry e, seen WHERE e.audit_entry_id > seen.upto AND e.table_name = 'audit_probe' AND EXISTS (SELECT FROM look)
	ORDER BY e.audit_entry_id $$;

-- every type comes back as to_jsonb() shows it; other types as their text under fixed settings
INSERT INTO usom.audit_probe VALUES
	(1, 1, 7, true, -3, -70000, 1.5, 0.1, 12345.678900, 0.000001, 'héllo', 'varch', 'ab', 'nam', '\x00ff', '{"a": [1, {"b": null}], "z": 1.50}', '{"x":  1}',
		'2026-01-02 03:04:05.678901+00', 'infinity', '4000-01-01', ARRAY['a', NULL, 'b c', '"q"'], 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11',
		'1 year 2 days 03:04:05', '{1,2}', 'glad', 'partially_shipped', '[2026-01-01,2027-01-01)', 12.34),
	(1, 2, 7, false, 0, 0, 'NaN', '-Infinity', 'NaN', 0, '', '', '', '', '', '"scalar"', '"s"', '-infinity', '0044-03-15 BC', '-infinity', '{}', NULL,
		'-1 day', '{}', 'sad', 'draft', 'empty', -5);
INSERT INTO usom.audit_probe (id) VALUES (3);
INSERT INTO usom.audit_probe (id, n, ta) VALUES (4, 1e400, '{{a,b},{c,d}}'), (5, -1e-300, '{}'), (6, 10000, NULL), (7, 9999.9999, '{""}'), (8, 'Infinity', '{x}'), (9, 0.00, '{NULL}');
INSERT INTO usom.audit_probe (id, t, j, b) SELECT 10, string_agg(md5(i::text), ''), jsonb_agg(i), convert_to(string_agg(md5(i::text), ''), 'UTF8') FROM generate_series(1, 20000) i;
UPDATE usom.audit_probe SET four = 1 WHERE id = 10;
SELECT p.id, d.key, d.value AS image, to_jsonb(p)->d.key AS live
FROM usom.audit_probe p
	JOIN (SELECT DISTINCT ON (after->'id') after FROM usom.audit WHERE table_name = 'audit_probe' ORDER BY after->'id', audit_entry_id DESC) a ON a.after->>'id' = p.id::text
	CROSS JOIN LATERAL jsonb_each(a.after) d
WHERE d.value IS DISTINCT FROM to_jsonb(p)->d.key ORDER BY 1, 2;
SELECT operation, row_count, sales_order_id FROM pg_temp.news();

-- the same bytes under all settings
CREATE TEMP TABLE bytes (image bytea);
CREATE FUNCTION pg_temp.keep() RETURNS void LANGUAGE sql AS $$
	INSERT INTO bytes SELECT e.after FROM usom.audit_entry e WHERE e.table_name = 'audit_probe' ORDER BY e.audit_entry_id DESC LIMIT 1 $$;
UPDATE usom.audit_probe SET four = 5 WHERE id < 10;
SELECT pg_temp.keep();
SET datestyle = 'German';
SET timezone = 'Asia/Tokyo';
SET extra_float_digits = -10;
SET intervalstyle = 'sql_standard';
SET bytea_output = 'escape';
SET search_path = public;
UPDATE usom.audit_probe SET four = 5 WHERE id < 10;
SHOW datestyle;
SELECT pg_temp.keep();
RESET datestyle; RESET extra_float_digits; RESET intervalstyle; RESET bytea_output; RESET search_path;
SET timezone = 'UTC';
SELECT count(*), count(DISTINCT image) FROM bytes;
-- and the same as those of the live rows
SELECT * FROM usom._audit_suspects('audit_probe', '{id}', NULL);

-- who and why; a statement that touches no row says nothing; organisations apart
SELECT operation, row_count, reason FROM pg_temp.news();
SET usom.reason = 'because';
INSERT INTO usom.audit_probe (org_id, id, sales_order_id) VALUES (1, 20, 5), (1, 21, 5), (2, 22, 5), (1, 23, 6);
UPDATE usom.audit_probe SET four = 0 WHERE id = -1;
DELETE FROM usom.audit_probe WHERE false;
RESET usom.reason;
SELECT * FROM pg_temp.news();
SELECT DISTINCT session_role = session_user AS session, active_role = current_user AS active, client_addr <> '' AS addr, application_name <> '' AS application
FROM usom.audit_entry WHERE table_name = 'audit_probe';

-- every way of writing
INSERT INTO usom.audit_probe (id, t) VALUES (20, 'conflict'), (30, 'new') ON CONFLICT (org_id, id) DO UPDATE SET t = excluded.t;
MERGE INTO usom.audit_probe p USING (VALUES (20, 'm'), (21, 'm'), (31, 'm')) AS v (id, t) ON p.org_id = 1 AND p.id = v.id
	WHEN MATCHED AND v.id = 20 THEN DELETE WHEN MATCHED THEN UPDATE SET t = v.t WHEN NOT MATCHED THEN INSERT (id, t) VALUES (v.id, v.t);
COPY usom.audit_probe (id, t) FROM stdin;
40	x
41	y
\.
WITH a AS (INSERT INTO usom.audit_probe (id) VALUES (50) RETURNING id), b AS (UPDATE usom.audit_probe SET t = 'cte' WHERE id = 40) SELECT id FROM a;
SET session_replication_role = replica;
DELETE FROM usom.audit_probe WHERE id = 50;
RESET session_replication_role;
SELECT operation, row_count, ids FROM pg_temp.news();
SELECT before->>'t' AS before, after->>'t' AS after FROM usom.audit WHERE table_name = 'audit_probe' AND operation = 'UPDATE' AND after->>'id' = '40';

-- what is rolled back leaves nothing
BEGIN;
INSERT INTO usom.audit_probe (id) VALUES (60);
SAVEPOINT a;
INSERT INTO usom.audit_probe (id) VALUES (61);
ROLLBACK TO a;
INSERT INTO usom.audit_probe (id) VALUES (62);
RELEASE a;
COMMIT;
SELECT operation, ids FROM pg_temp.news();

-- a call writes its entries at its end, without those of subtransactions that failed
INSERT INTO usom.location (code) VALUES ('AUDIT');
INSERT INTO usom.product (sku) SELECT 'AUDIT-' || i FROM generate_series(1, 3) i;
CREATE FUNCTION usom.audit_probe_trigger() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO usom.audit_probe (id) VALUES (70);
	BEGIN
		INSERT INTO usom.audit_probe (id) VALUES (71);
		RAISE division_by_zero;
	EXCEPTION WHEN division_by_zero THEN NULL;
	END;
	BEGIN
		INSERT INTO usom.audit_probe (id) VALUES (72);
	EXCEPTION WHEN division_by_zero THEN NULL;
	END;
	BEGIN
		INSERT INTO usom.audit_probe (id) VALUES (73);
		PERFORM 1 / 0;
	EXCEPTION WHEN division_by_zero THEN NULL;
	END;
	INSERT INTO usom.audit_probe (id) VALUES (74);
	RETURN NULL;
END $$;
-- statements of the library run as the owner of the tables, and the triggers they fire with them
GRANT INSERT ON usom.audit_probe TO usom_owner;
CREATE TRIGGER audit_probe AFTER INSERT ON usom.stock_movement FOR EACH STATEMENT EXECUTE FUNCTION usom.audit_probe_trigger();
SELECT location, sku, on_hand FROM usom.receive_stock('AUDIT', 'AUDIT-1', 5);
DROP TRIGGER audit_probe ON usom.stock_movement;
SELECT operation, verb, ids FROM pg_temp.news();
SELECT location, sku, on_hand FROM usom.adjust_stock('AUDIT', 'AUDIT-1', -1, 'broken');
SELECT operation, verb, reason, row_count FROM usom.audit_entry WHERE table_name = 'stock' ORDER BY audit_entry_id DESC LIMIT 1;
DO $$
BEGIN
	PERFORM usom.receive_stock('AUDIT', 'AUDIT-2', -5);
EXCEPTION WHEN OTHERS THEN
	INSERT INTO usom.audit_probe (id) VALUES (80);
END $$;
SELECT operation, verb, ids FROM pg_temp.news();

-- a statement with many rows makes several entries
INSERT INTO usom.audit_probe (id, t) SELECT 1000 + i, md5(i::text) FROM generate_series(1, 50000) i;
SELECT count(*) > 1 AS several, sum(row_count) FROM pg_temp.news();
DELETE FROM usom.audit_probe WHERE id > 1000;
SELECT count(*) > 1 AS several, sum(row_count) FROM pg_temp.news();

-- columns come and go
ALTER TABLE usom.audit_probe ADD COLUMN extra integer DEFAULT 4;
UPDATE usom.audit_probe SET t = 'with' WHERE id = 3;
ALTER TABLE usom.audit_probe DROP COLUMN extra;
UPDATE usom.audit_probe SET t = 'without' WHERE id = 3;
SELECT before->'extra' AS before, after->'extra' AS after, after->>'t' AS t FROM usom.audit
WHERE table_name = 'audit_probe' AND operation = 'UPDATE' AND after->>'t' LIKE 'with%' ORDER BY audit_entry_id;

-- whoever may write a table needs no privilege on the audit, and gets none
CREATE ROLE usom_test_clerk;
GRANT INSERT ON usom.audit_probe TO usom_test_clerk;
SET ROLE usom_test_clerk;
INSERT INTO usom.audit_probe (id) VALUES (90);
INSERT INTO usom.audit_entry (org_id) VALUES (1);
RESET ROLE;
SELECT active_role FROM usom.audit_entry ORDER BY audit_entry_id DESC LIMIT 1;
DROP OWNED BY usom_test_clerk;
DROP ROLE usom_test_clerk;

-- the audit is a ledger
INSERT INTO usom.audit_entry (org_id) VALUES (1);
\echo :LAST_ERROR_SQLSTATE
UPDATE usom.audit_entry SET reason = '';
DELETE FROM usom.audit_entry;
TRUNCATE usom.audit_entry;

-- the trigger believes nothing
SELECT usom.audit_statement();
CREATE TRIGGER bad AFTER INSERT ON usom.audit_probe FOR EACH STATEMENT EXECUTE FUNCTION usom.audit_statement('audit_probe');
INSERT INTO usom.audit_probe (id) VALUES (91);
DROP TRIGGER bad ON usom.audit_probe;
CREATE TABLE usom.audit_bare (id bigint);
SELECT usom._audit_table('audit_bare');
INSERT INTO usom.audit_bare VALUES (1);
SET usom.allow_drop = on; -- other tests may have left orders
DROP TABLE usom.audit_bare;

-- neither do the readers: damaged images are refused, never misread into a crash
SELECT usom._audit_count('\x'), usom._audit_count('\x0106'), usom._audit_count(NULL);
SELECT usom._audit_rows('\x01');
\echo :LAST_ERROR_SQLSTATE
DO $$
DECLARE
	image bytea := (SELECT after FROM usom.audit_entry WHERE table_name = 'audit_probe' AND row_count = 2 ORDER BY audit_entry_id LIMIT 1);
	damaged bytea;
	counted bigint;
	listed bigint;
BEGIN
	FOR i IN 0 .. length(image) - 1 LOOP
		FOR delta IN 1 .. 255 BY 37 LOOP
			damaged := set_byte(image, i, (get_byte(image, i) + delta) % 256);
			counted := usom._audit_count(damaged);
			BEGIN
				SELECT count(*) INTO listed FROM usom._audit_rows(damaged);
				ASSERT listed = counted;
			EXCEPTION WHEN invalid_binary_representation THEN
				ASSERT counted = -1;
			WHEN data_exception THEN
				NULL;				-- json and arrays have their own readers
			END;
		END LOOP;
		ASSERT usom._audit_count(substr(image, 1, i)) = -1;
	END LOOP;
END $$;

-- verify_audit() sees what was changed behind its back
SELECT * FROM usom.verify_audit();
ALTER TABLE usom.audit_probe OWNER TO usom_owner;
SELECT * FROM usom.verify_audit();
SELECT * FROM usom.verify_audit(since => '2020-01-01', digests => usom.export_digest());
-- a table of somebody else that is gone is not missed
DROP TABLE usom.audit_probe;
DROP TYPE usom.audit_mood;
DROP FUNCTION usom.audit_probe_trigger();
SELECT * FROM usom.verify_audit(since => now() + interval '1 day');
SELECT * FROM usom.verify_entries();
BEGIN;
ALTER TABLE usom.stock DISABLE TRIGGER ALL;
ALTER TABLE usom.audit_entry DISABLE TRIGGER ALL;
UPDATE usom.stock s SET on_hand = 77 FROM usom.product p WHERE p.sku = 'AUDIT-1' AND (s.org_id, s.product_id) = (p.org_id, p.product_id);
INSERT INTO usom.stock (org_id, product_id, location_id, on_hand) SELECT p.org_id, p.product_id, 1, 1 FROM usom.product p WHERE p.sku = 'AUDIT-3';
SELECT ok, kind FROM usom.verify_audit();
SELECT problem, expected, (actual::jsonb)->>'on_hand' AS on_hand FROM usom.verify_entries() ORDER BY 1;
-- images are looked at even where the digest was made to fit
CREATE FUNCTION pg_temp.forge(id bigint) RETURNS void LANGUAGE sql AS $$
	UPDATE usom.audit_entry e SET digest = usom._audit_digest(e) WHERE audit_entry_id = id $$;
UPDATE usom.audit_entry SET row_count = 9 WHERE audit_entry_id = (SELECT max(audit_entry_id) FROM usom.audit_entry WHERE table_name = 'audit_probe') RETURNING pg_temp.forge(audit_entry_id);
UPDATE usom.audit_entry SET after = set_byte(after, 0, 2) WHERE audit_entry_id = (SELECT max(audit_entry_id) FROM usom.audit_entry WHERE table_name = 'product') RETURNING pg_temp.forge(audit_entry_id);
UPDATE usom.audit_entry SET operation = 'DELETE' WHERE audit_entry_id = (SELECT max(audit_entry_id) FROM usom.audit_entry WHERE table_name = 'location') RETURNING pg_temp.forge(audit_entry_id);
SELECT problem, expected, actual FROM usom.verify_entries() WHERE entity LIKE 'audit entry %' AND problem LIKE '%image%' ORDER BY 1;
SELECT kind, count(*) FROM usom._audit_key() k, usom._verify_audit_rows(NULL, k, usom._scan_audit(k)) GROUP BY 1 ORDER BY 1;
ROLLBACK;
BEGIN;
ALTER TABLE usom.stock DISABLE TRIGGER ALL;
DELETE FROM usom.stock s USING usom.product p WHERE p.sku = 'AUDIT-1' AND (s.org_id, s.product_id) = (p.org_id, p.product_id);
SELECT problem, (expected::jsonb)->>'on_hand' AS on_hand FROM usom.verify_entries();
ROLLBACK;
-- a change between two that are told
BEGIN;
ALTER TABLE usom.product DISABLE TRIGGER audit_update;
UPDATE usom.product SET name = 'in the dark' WHERE sku = 'AUDIT-1';
ALTER TABLE usom.product ENABLE ALWAYS TRIGGER audit_update;
UPDATE usom.product SET name = 'in the light' WHERE sku = 'AUDIT-1';
SELECT ok, kind FROM usom.verify_audit();
SELECT problem ~ 'no entry tells of the change' AS told, expected, actual FROM usom.verify_entries();
ROLLBACK;
-- of late: rows that a few entries tell of are looked up one by one
-- (as soon as nobody in the server has a transaction that began before them)
DO $$
BEGIN
	FOR attempt IN 1 .. 200 LOOP
		UPDATE usom.location SET name = 'sealed ' || attempt WHERE code = 'AUDIT';
		COMMIT;
		PERFORM usom.seal_audit();
		EXIT WHEN NOT EXISTS (SELECT FROM usom.audit_entry e WHERE e.org_id = usom.current_org() AND e.audit_entry_id > (
			SELECT b.settled_to FROM usom.audit_block b WHERE b.org_id = usom.current_org() ORDER BY b.block_no DESC LIMIT 1));
		PERFORM pg_sleep(0.1);
	END LOOP;
END $$;
BEGIN;
UPDATE usom.product SET name = 'honest' WHERE sku = 'AUDIT-1';
SELECT ok, kind FROM usom.verify_audit(since => now() + interval '1 day');
ALTER TABLE usom.product DISABLE TRIGGER audit_update;
UPDATE usom.product SET name = 'in the dark' WHERE sku = 'AUDIT-1';
UPDATE usom.product SET name = 'in the dark' WHERE sku = 'AUDIT-2';
SELECT ok, kind FROM usom.verify_audit(since => now() + interval '1 day');
SELECT problem, expected, actual FROM usom.verify_entries(since => now() + interval '1 day');
SELECT problem, expected, actual FROM usom.verify_entries() ORDER BY 2 DESC;
ROLLBACK;
-- a column that came later is in no old image
BEGIN;
ALTER TABLE usom.stock ADD COLUMN later integer DEFAULT 1;
SELECT * FROM usom.verify_audit();
SELECT * FROM usom.verify_audit(since => '2020-01-01');
ROLLBACK;
-- digests of something else, and of nothing yet
SELECT * FROM usom.verify_audit(digests => '{"org_id": 1, "node": 0, "blocks": 0}');
SELECT ok FROM usom.verify_audit(digests => '{"org_id": 2, "blocks": 1}');
SELECT ok FROM usom.verify_audit(digests => '[7]');
SELECT usom._audit_siphash('\x000102030405060708090a0b0c0d0e0f', '\x000102030405060708090a0b0c0d0e') = x'a129ca6149be45e5'::bigint AS vector_15,
	usom._audit_siphash('\x000102030405060708090a0b0c0d0e0f', '') = x'726fdb47dd0e0e31'::bigint AS vector_0;
SELECT usom._audit_siphash('\x00', '');
