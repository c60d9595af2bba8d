-- doctor(): every way to take the triggers out of their work is found and named.
\set VERBOSITY default
SELECT count(*) > 0 AS installed FROM usom.install();
\set SHOW_CONTEXT never
SELECT * FROM usom.doctor() WHERE NOT ok;

-- Runs statements, says what doctor() finds, and takes everything back.
CREATE FUNCTION pg_temp.found(statements text) RETURNS TABLE ("check" text, detail text, hint text) LANGUAGE plpgsql AS $$
DECLARE
	findings jsonb;
BEGIN
	BEGIN
		EXECUTE statements;
		SELECT jsonb_agg(d ORDER BY d."check") INTO findings FROM usom.doctor() d WHERE NOT d.ok;
		RAISE EXCEPTION SQLSTATE 'ZZZZZ';
	EXCEPTION WHEN SQLSTATE 'ZZZZZ' THEN
		NULL;
	END;
	RETURN QUERY SELECT f->>'check', replace(f->>'detail', current_database(), 'this database'), f->>'hint' FROM jsonb_array_elements(findings) f;
END
$$;
\pset format unaligned
\pset tuples_only on
\pset fieldsep '\n    '

SELECT * FROM pg_temp.found('ALTER TABLE usom.stock DISABLE TRIGGER audit_update');
SELECT * FROM pg_temp.found('ALTER TABLE usom.stock ENABLE TRIGGER audit_update');
SELECT * FROM pg_temp.found('ALTER TABLE usom.stock ENABLE REPLICA TRIGGER audit_update');
SELECT * FROM pg_temp.found('DROP TRIGGER audit_delete ON usom.order_line');
SELECT * FROM pg_temp.found('ALTER TRIGGER audit_delete ON usom.order_line RENAME TO audit_delete_line');
SELECT * FROM pg_temp.found('ALTER TABLE usom.reservation RENAME TO holds_of_carts');
SELECT * FROM pg_temp.found($$
	CREATE FUNCTION public.audit_statement() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
	DROP TRIGGER audit_insert ON usom.price;
	CREATE TRIGGER audit_insert AFTER INSERT ON usom.price REFERENCING NEW TABLE AS newer
		FOR EACH STATEMENT EXECUTE FUNCTION public.audit_statement('price');
	ALTER TABLE usom.price ENABLE ALWAYS TRIGGER audit_insert$$);
SELECT * FROM pg_temp.found($$
	CREATE OR REPLACE TRIGGER audit_insert AFTER INSERT ON usom.price REFERENCING NEW TABLE AS newer
		FOR EACH STATEMENT EXECUTE FUNCTION usom.audit_statement('product');
	ALTER TABLE usom.price ENABLE ALWAYS TRIGGER audit_insert$$);
SELECT * FROM pg_temp.found($$
	CREATE OR REPLACE TRIGGER audit_update AFTER UPDATE ON usom.price REFERENCING OLD TABLE AS older NEW TABLE AS newer
		FOR EACH STATEMENT WHEN (false) EXECUTE FUNCTION usom.audit_statement('price');
	ALTER TABLE usom.price ENABLE ALWAYS TRIGGER audit_update$$);
SELECT * FROM pg_temp.found($$
	CREATE OR REPLACE TRIGGER audit_update AFTER UPDATE ON usom.price REFERENCING OLD TABLE AS newer NEW TABLE AS older
		FOR EACH STATEMENT EXECUTE FUNCTION usom.audit_statement('price');
	ALTER TABLE usom.price ENABLE ALWAYS TRIGGER audit_update$$);
SELECT * FROM pg_temp.found($$
	CREATE OR REPLACE TRIGGER usom_guard BEFORE UPDATE OF code ON usom.customer FOR EACH ROW EXECUTE FUNCTION usom.guard_master('code');
	ALTER TABLE usom.customer ENABLE ALWAYS TRIGGER usom_guard$$);
SELECT * FROM pg_temp.found($$CREATE OR REPLACE FUNCTION usom.audit_statement() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'$$);
SELECT * FROM pg_temp.found($$CREATE OR REPLACE FUNCTION usom.guard_kept() RETURNS trigger AS '$libdir/usom', 'usom_audit_statement' LANGUAGE C$$);
SELECT * FROM pg_temp.found($$
	CREATE FUNCTION public.swallow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
	CREATE TRIGGER quiet BEFORE INSERT ON usom.audit_entry FOR EACH ROW EXECUTE FUNCTION public.swallow()$$);
SELECT * FROM pg_temp.found('ALTER TABLE usom.audit_entry DISABLE TRIGGER usom_guard');
SELECT * FROM pg_temp.found('ALTER TABLE usom.organisation DISABLE TRIGGER usom_furnish');
SELECT * FROM pg_temp.found('CREATE RULE quiet AS ON INSERT TO usom.audit_entry DO INSTEAD NOTHING');
SELECT * FROM pg_temp.found('CREATE TABLE public.more_stock () INHERITS (usom.stock)');
SELECT * FROM pg_temp.found('CREATE TABLE public.all_stock (LIKE usom.stock); ALTER TABLE usom.stock INHERIT public.all_stock');
SELECT * FROM pg_temp.found('CREATE TABLE public.parts (LIKE usom.price) PARTITION BY LIST (org_id); ALTER TABLE public.parts ATTACH PARTITION usom.price DEFAULT');
SELECT * FROM pg_temp.found('ALTER TABLE usom.document_counter SET UNLOGGED');
SELECT * FROM pg_temp.found(format('ALTER DATABASE %I SET session_replication_role = replica', current_database()));
SELECT * FROM pg_temp.found('ALTER SEQUENCE usom.id_seq CACHE 20');
-- what a session says about strings does not make it blind
SET standard_conforming_strings = off;
SELECT count(*) FROM pg_temp.found('ALTER TABLE usom.stock DISABLE TRIGGER audit_update');
RESET standard_conforming_strings;
-- every trigger of every table, switched off or dropped; a remedy for each
CREATE FUNCTION pg_temp.healed(command text) RETURNS TABLE (tried bigint, named bigint, left_over text) LANGUAGE plpgsql AS $$
DECLARE
	target record;
	ill text[];
BEGIN
	FOR target IN SELECT e.relation, e.name FROM usom._expected_triggers() e
		WHERE command ~ 'DROP' OR (SELECT c.relkind <> 'v' FROM pg_class c WHERE c.oid = to_regclass('usom.' || e.relation))
	LOOP
		tried := coalesce(tried, 0) + 1;
		EXECUTE format(command, target.relation, target.name);
	END LOOP;
	SELECT count(*), array_agg(p.remedy ORDER BY p.relation, p.name) INTO named, ill FROM usom._trigger_problems() p;
	FOR i IN 1 .. named LOOP
		EXECUTE ill[i];
	END LOOP;
	SELECT string_agg(d::text, ', ') INTO left_over FROM usom.doctor() d WHERE NOT d.ok;
	RETURN NEXT;
END
$$;
SET client_min_messages = warning;
SELECT tried > 90 AS many, tried - named AS missed, left_over FROM pg_temp.healed('ALTER TABLE usom.%I DISABLE TRIGGER %I');
SELECT tried > 90 AS many, tried - named AS missed, left_over FROM pg_temp.healed('DROP TRIGGER %2$I ON usom.%1$I');
RESET client_min_messages;
-- all triggers of usom are expected ones
SELECT t.tgrelid::regclass, t.tgname
FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
WHERE c.relnamespace = 'usom'::regnamespace AND NOT t.tgisinternal
	AND NOT EXISTS (SELECT FROM usom._expected_triggers() e WHERE e.relation = c.relname AND e.name = t.tgname)
ORDER BY 1, 2;
-- TRUNCATE fires no trigger of rows, so where it were let through the audit would say nothing
SELECT t.relation FROM usom._audited_tables() t
WHERE t.known AND NOT EXISTS (SELECT FROM pg_trigger g WHERE g.tgrelid = to_regclass('usom.' || t.relation) AND g.tgtype & 34 = 34 AND g.tgenabled = 'A');
\set VERBOSITY terse
TRUNCATE usom.price;
TRUNCATE usom.customer_address;
TRUNCATE usom.retention;
\set VERBOSITY default
-- a foreign key that sleeps: its triggers have numbers in their names
SELECT "check", regexp_count(detail, 'RI_ConstraintTrigger_\w+_\d+ on return_line is disabled') AS foreign_key
FROM pg_temp.found('ALTER TABLE usom.return_line DISABLE TRIGGER ALL') WHERE "check" = 'other triggers';
SELECT "check", detail FROM usom.doctor() WHERE NOT ok;
