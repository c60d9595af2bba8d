-- State types behave as clients expect, from a search_path that knows nothing of usom.
SET search_path = public;
CREATE TABLE state_probe (id integer, status usom.order_status);
INSERT INTO state_probe VALUES (1, 'draft'), (2, 'closed'), (3, NULL);
INSERT INTO state_probe SELECT 4, label FROM (VALUES ('shipped'::text)) AS labels (label);
INSERT INTO state_probe SELECT 5, label FROM (VALUES ('rejected'::varchar)) AS labels (label);

-- the order of the life cycle
SELECT * FROM state_probe ORDER BY status;
SELECT id FROM state_probe WHERE status >= 'shipped' ORDER BY id;
SELECT max(status), min(status), count(DISTINCT status) FROM state_probe;
SELECT status, count(*) FROM state_probe GROUP BY status ORDER BY status;

-- literals, lists, CASE, NULLIF, text
SELECT id FROM state_probe WHERE status = 'draft';
SELECT id FROM state_probe WHERE status IN ('draft', 'closed') ORDER BY id;
SELECT id FROM state_probe WHERE status <> 'draft' ORDER BY id;
SELECT id, CASE status WHEN 'draft' THEN 'new' ELSE 'other' END AS "case", nullif(status, 'draft'), coalesce(status, 'confirmed'),
	status::text || '!' AS text FROM state_probe ORDER BY id;

-- parameters as drivers send them
PREPARE one_text(text) AS SELECT id FROM state_probe WHERE status = $1;
EXECUTE one_text('closed');
PREPARE one_cast(text) AS SELECT id FROM state_probe WHERE status = $1::text;
EXECUTE one_cast('closed');
PREPARE one_varchar(varchar) AS SELECT id FROM state_probe WHERE status = $1::varchar;
EXECUTE one_varchar('closed');
PREPARE many(text[]) AS SELECT id FROM state_probe WHERE status = ANY ($1::text[]) ORDER BY id;
EXECUTE many('{draft,shipped}');
PREPARE untyped AS INSERT INTO state_probe VALUES (6, $1) RETURNING status;
EXECUTE untyped('picked');
EXECUTE untyped('delivered');

-- typos get the labels
INSERT INTO state_probe VALUES (7, 'shiped');
\echo :LAST_ERROR_SQLSTATE
SELECT id FROM state_probe WHERE status = 'Draft';
EXECUTE many('{draft,unknown}');
-- two life cycles do not compare
SELECT 'shipped'::usom.order_status = 'shipped'::usom.piece_status;

-- indexes, also with text on the other side, joins by hash and by merge
CREATE INDEX state_probe_btree ON state_probe (status);
CREATE INDEX state_probe_text ON state_probe ((status::text));
SET enable_seqscan = off;
SET enable_bitmapscan = off;
EXPLAIN (COSTS off) SELECT id FROM state_probe WHERE status = 'draft'::text;
EXPLAIN (COSTS off) SELECT id FROM state_probe WHERE status = ANY ('{draft,closed}'::text[]);
EXPLAIN (COSTS off) SELECT id FROM state_probe WHERE status::text = 'draft';
EXPLAIN (COSTS off) SELECT max(status) FROM state_probe;
RESET enable_seqscan;
RESET enable_bitmapscan;
DROP INDEX state_probe_btree;
CREATE INDEX state_probe_hash ON state_probe USING hash (status);
SET enable_nestloop = off;
SET enable_mergejoin = off;
EXPLAIN (COSTS off) SELECT a.id FROM state_probe a JOIN state_probe b USING (status);
SELECT count(*) FROM state_probe a JOIN state_probe b USING (status);
SET enable_hashjoin = off;
SET enable_mergejoin = on;
EXPLAIN (COSTS off) SELECT a.id FROM state_probe a JOIN state_probe b USING (status);
RESET enable_nestloop;
RESET enable_mergejoin;
RESET enable_hashjoin;

-- max and min in parallel workers
BEGIN;
INSERT INTO state_probe SELECT n, 'confirmed' FROM generate_series(10, 20000) AS n;
ANALYZE state_probe;
SET LOCAL parallel_setup_cost = 0;
SET LOCAL parallel_tuple_cost = 0;
SET LOCAL min_parallel_table_scan_size = 0;
SET LOCAL enable_indexscan = off;
SET LOCAL enable_indexonlyscan = off;
EXPLAIN (COSTS off) SELECT max(status), min(status) FROM state_probe;
SELECT max(status), min(status) FROM state_probe;
ROLLBACK;

-- there and back in binary
CREATE TABLE state_copy (LIKE state_probe);
SELECT current_setting('data_directory') || '/usom_state_probe.bin' AS file \gset
COPY state_probe TO :'file' (FORMAT binary);
COPY state_copy FROM :'file' (FORMAT binary);
SELECT count(*) FROM state_copy;
SELECT * FROM state_probe EXCEPT SELECT * FROM state_copy;

-- every state type is dressed alike and every part of it has a comment
RESET search_path;
SELECT DISTINCT t.typlen, t.typbyval, t.typalign, count(o.oid) OVER (PARTITION BY t.oid) AS operators
FROM pg_type t JOIN pg_operator o ON o.oprleft = t.oid AND o.oprnamespace = 'pg_catalog'::regnamespace
WHERE t.typnamespace = 'usom'::regnamespace AND t.typname LIKE '%\_status';
SELECT o.oid::regoperator FROM pg_operator o JOIN pg_type t ON t.oid = o.oprleft
WHERE t.typnamespace = 'usom'::regnamespace AND obj_description(o.oid, 'pg_operator') IS NULL;
DROP TABLE state_probe, state_copy;
