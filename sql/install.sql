-- Life of an installation, in a database of its own.
SELECT current_database() AS home \gset
CREATE DATABASE usom_install_probe;
\c usom_install_probe
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE EXTENSION usom;

-- before install() everything says what to do
SELECT * FROM usom.doctor();
SELECT usom.current_org();
\echo :LAST_ERROR_SQLSTATE
SELECT usom.next_id();
SELECT usom.next_document_no('order');
SELECT usom._check_installed();
SELECT * FROM usom.upgrade();
\echo :LAST_ERROR_SQLSTATE

-- dropping it is still a matter of course
DROP EXTENSION usom;
CREATE EXTENSION usom;

-- install() makes the steps, once
SELECT step, room, outcome FROM usom.install('usom_probe_owner') WHERE room IN ('base', 'party', 'product');
SELECT DISTINCT outcome FROM usom.install();
SELECT count(*) FROM usom.upgrade(dry_run => true);
SELECT count(*) FROM usom.upgrade();
SELECT current_user = session_user AS role_is_back, current_setting('role') AS role;
SELECT * FROM usom.doctor();

-- the owner cannot log in and owns all there is
SELECT rolcanlogin, rolsuper FROM pg_roles WHERE rolname = 'usom_probe_owner';
SELECT DISTINCT pg_get_userbyid(relowner) AS owner FROM pg_class
WHERE relnamespace = 'usom'::regnamespace AND relkind IN ('r', 'p', 'S', 'v') AND relname <> '_migration';

-- only superusers install; nobody else reads the steps
CREATE ROLE usom_probe_user;
SET ROLE usom_probe_user;
SELECT count(*) FROM usom.install();
SELECT count(*) FROM usom._migration;
SELECT usom.version();
RESET ROLE;

-- a step that is missing is found and made; one that fails leaves nothing behind
SELECT pg_get_viewdef('usom._migration') AS released \gset
\set released ' AS ' :released
SELECT rtrim(:'released', ';') AS released \gset
\set probe ' UNION ALL VALUES (1, 9901, \'probe\', \'CREATE TABLE usom.probe (org_id bigint); INSERT INTO usom.probe VALUES (1);\')'
\set probe_two ', (1, 9902, \'probe\', \'CREATE TABLE usom.probe_two (org_id bigint); SELECT 1 / 0;\')'
CREATE OR REPLACE VIEW usom._migration :released :probe :probe_two;
SELECT * FROM usom.upgrade(dry_run => true);
SELECT * FROM usom.doctor() WHERE NOT ok;
SELECT * FROM usom.upgrade();
SELECT current_user = session_user AS role_is_back;
SELECT to_regclass('usom.probe') IS NULL AS nothing;
CREATE OR REPLACE VIEW usom._migration :released :probe;
SELECT * FROM usom.upgrade();
SELECT tableowner FROM pg_tables WHERE tablename = 'probe';
CREATE OR REPLACE VIEW usom._migration :released;
SELECT * FROM usom.doctor() WHERE NOT ok;
DELETE FROM usom._schema_step WHERE number = 9901;
DROP TABLE usom.probe;

-- what doctor() finds
BEGIN;
ALTER TABLE usom.product DISABLE TRIGGER usom_guard;
ALTER TABLE usom.channel ENABLE TRIGGER usom_guard;
ALTER EVENT TRIGGER usom_guard_drop DISABLE;
ALTER SEQUENCE usom.id_seq RESTART;
ALTER TABLE usom.price OWNER TO CURRENT_USER;
SELECT "check", CASE WHEN "check" IN ('guards', 'event trigger') THEN detail END AS detail FROM usom.doctor() WHERE NOT ok;
SELECT hint FROM usom.doctor() WHERE "check" = 'guards';
ROLLBACK;
SELECT count(*) FROM usom.doctor() WHERE NOT ok;

-- without orders nothing is in the way of DROP
BEGIN;
DROP EXTENSION usom CASCADE;
ROLLBACK;

-- with one it is, whichever way
INSERT INTO usom.sales_order DEFAULT VALUES;
\set VERBOSITY terse
DROP EXTENSION usom;
\set VERBOSITY default
DROP EXTENSION usom CASCADE;
\echo :LAST_ERROR_SQLSTATE
\set VERBOSITY terse
DROP SCHEMA usom CASCADE;
DROP SCHEMA public CASCADE;
DROP EXTENSION IF EXISTS plpgsql CASCADE;
DROP OWNED BY usom_probe_owner;
DROP TABLE usom.sales_order CASCADE;
DROP TABLE IF EXISTS usom.channel;
-- other things go as ever
CREATE SCHEMA other CREATE TABLE thing ();
CREATE TABLE thing ();
DROP TABLE thing;
DROP SCHEMA other CASCADE;
DROP TABLE IF EXISTS nothing_here;
DROP OWNED BY usom_probe_user;
DROP TABLE nothing_here;
-- who means it says so
SET usom.allow_drop = on;
DROP EXTENSION usom CASCADE;
SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'usom';
RESET usom.allow_drop;

\c :home
DROP DATABASE usom_install_probe;
DROP ROLE usom_probe_owner, usom_probe_user;
