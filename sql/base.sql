-- The ground: domains, keys, life cycles, the error table, guards, progress.
SELECT count(*) > 0 AS installed FROM usom.install();
\set SHOW_CONTEXT never
SELECT usom.version();

-- quantities and amounts have bounds, and every number that is not one is outside of them
SELECT 0::usom.quantity, 999999999999.999999::usom.quantity, 2.5::usom.quantity;
SELECT (-0.000001)::usom.quantity;
SELECT 1e12::usom.quantity;
SELECT 'NaN'::usom.quantity;
SELECT 'Infinity'::usom.quantity;
SELECT '-Infinity'::usom.quantity;
SELECT (-12.3456)::usom.amount, 999999999999999.9999::usom.amount;
SELECT 1e15::usom.amount;
SELECT 'NaN'::usom.amount;
SELECT '-Infinity'::usom.amount;

-- keys: the node in the high bits, a sequence below
SELECT a > 0 AND b > a AND b < 2::bigint ^ 53 AS ascending FROM (SELECT usom.next_id() AS a, usom.next_id() AS b) AS keys;
SET usom.node = 5;
SELECT usom.next_id() >> 53 AS node;
SET usom.node = 1024;
RESET usom.node;
BEGIN;
ALTER SEQUENCE usom.id_seq RESTART 9007199254740992;
SELECT usom.next_id();
\echo :LAST_ERROR_SQLSTATE
ROLLBACK;

-- the error table
SELECT count(*) > 20 AS many, bool_and(sqlstate ~ '^US[0-9]{3}$') AS class_us, count(*) = count(DISTINCT sqlstate) AS once FROM usom.error_codes();
SELECT * FROM usom.error_codes() WHERE sqlstate IN ('US001', 'US101');

-- life cycles as rows and as a picture
SELECT * FROM usom.order_lifecycle() WHERE from_status IN ('draft', 'submitted', 'delivered');
SELECT to_status, verb FROM usom.piece_lifecycle() WHERE from_status = 'released';
SELECT usom.lifecycle_dot('piece');
\set VERBOSITY terse
SELECT * FROM usom.lifecycle('nothing');
\echo :LAST_ERROR_SQLSTATE
\set VERBOSITY default

-- guards, on a table of our own: US004, US901 and US005
BEGIN;
\set ON_ERROR_ROLLBACK on
CREATE TABLE usom.probe (org_id bigint, probe_id bigint, code text, name text);
INSERT INTO usom.probe VALUES (1, 1, 'A', NULL);
SELECT usom._guard_kept('probe', 'usom.receive_stock()');
INSERT INTO usom.probe VALUES (1, 2, 'B', NULL);
\echo :LAST_ERROR_SQLSTATE
UPDATE usom.probe SET name = 'x';
DELETE FROM usom.probe WHERE false;
TRUNCATE usom.probe;
COPY usom.probe FROM stdin;
\.
MERGE INTO usom.probe USING (SELECT 1 AS one) AS s ON probe_id = s.one WHEN MATCHED THEN DELETE;
SET LOCAL session_replication_role = replica;
UPDATE usom.probe SET name = 'x';
SET LOCAL session_replication_role = origin;
DROP TRIGGER usom_guard ON usom.probe;
SELECT usom._guard_ledger('probe', 'usom.adjust_stock()');
DELETE FROM usom.probe;
\echo :LAST_ERROR_SQLSTATE
DROP TRIGGER usom_guard ON usom.probe;
SELECT usom._guard_master('probe', 'code');
INSERT INTO usom.probe VALUES (1, 3, 'C', NULL);
UPDATE usom.probe SET name = 'x' RETURNING code, name;
UPDATE usom.probe SET code = 'D' WHERE code = 'A';
\echo :LAST_ERROR_SQLSTATE
UPDATE usom.probe SET org_id = 2 WHERE code = 'A';
UPDATE usom.probe SET probe_id = NULL WHERE code = 'A';
DELETE FROM usom.probe WHERE code = 'C';
TRUNCATE usom.probe;
-- a trigger on another table or for another event is refused
CREATE TRIGGER wrong AFTER INSERT ON usom.probe FOR EACH ROW EXECUTE FUNCTION usom.guard_master('code');
INSERT INTO usom.probe VALUES (1, 4, 'E', NULL);
\echo :LAST_ERROR_SQLSTATE
ROLLBACK;
\set ON_ERROR_ROLLBACK off
SELECT usom.guard_drop();

-- progress is silent while work is short
SELECT usom._progress('work', done, 3) FROM generate_series(0, 3) AS done;
SHOW application_name;
