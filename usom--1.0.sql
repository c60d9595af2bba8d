/* usom--1.0.sql: assembled from src/<room>/ by tools/assemble.sh; do not edit. */

-- complain if the script is sourced in psql, rather than by CREATE EXTENSION
\echo Use "CREATE EXTENSION usom" to load this file. \quit

/* ---- base ---- */

CREATE SCHEMA usom;
COMMENT ON SCHEMA usom IS 'Order management. Begin with SELECT usom.install(), then SELECT * FROM usom.help().';
GRANT USAGE ON SCHEMA usom TO PUBLIC;

CREATE DOMAIN usom.quantity AS numeric(18,6)
	CONSTRAINT quantity_in_bounds CHECK (VALUE >= 0 AND VALUE < 1e12);
COMMENT ON DOMAIN usom.quantity IS 'Units of a product: not negative, below 1e12, six decimals. NaN and infinity are not quantities.';

CREATE DOMAIN usom.amount AS numeric(19,4)
	CONSTRAINT amount_in_bounds CHECK (VALUE > -1e15 AND VALUE < 1e15);
COMMENT ON DOMAIN usom.amount IS 'Money in the currency of the column beside it: between -1e15 and 1e15, four decimals. NaN and infinity are not amounts.';

-- Bounds of single columns are domains, not CHECKs of their tables: PostgreSQL
-- parses every CHECK of a table anew for each statement, a domain's once.
CREATE DOMAIN usom.positive_quantity AS numeric(18,6)
	CONSTRAINT quantity_above_zero CHECK (VALUE > 0 AND VALUE < 1e12);
COMMENT ON DOMAIN usom.positive_quantity IS 'Units of a product that are some: above zero, below 1e12, six decimals.';

CREATE DOMAIN usom.price_amount AS numeric(19,4)
	CONSTRAINT price_not_negative CHECK (VALUE >= 0 AND VALUE < 1e15);
COMMENT ON DOMAIN usom.price_amount IS 'Price of one unit in the currency of the column beside it: not negative, below 1e15, four decimals.';

CREATE DOMAIN usom.charge AS numeric(19,4)
	CONSTRAINT charge_not_negative CHECK (VALUE >= 0 AND VALUE < 1e15);
COMMENT ON DOMAIN usom.charge IS 'Money that is added or taken off, in the currency of the column beside it: not negative, below 1e15, four decimals.';

CREATE DOMAIN usom.currency_code AS text
	CONSTRAINT currency_iso CHECK (VALUE ~ '^[A-Z]{3}$');
COMMENT ON DOMAIN usom.currency_code IS 'ISO 4217 code: three capital letters.';

CREATE DOMAIN usom.ordinal AS integer
	CONSTRAINT ordinal_from_one CHECK (VALUE >= 1);
COMMENT ON DOMAIN usom.ordinal IS 'A number that counts from 1.';

CREATE DOMAIN usom.substitution AS text
	CONSTRAINT substitution_known CHECK (VALUE IN ('none', 'allowed'));
COMMENT ON DOMAIN usom.substitution IS 'May another product be sent instead: none or allowed.';

CREATE DOMAIN usom.secret AS bytea;
COMMENT ON DOMAIN usom.secret IS 'Bytes that nobody needs to see: the audit keeps their SHA-256 alone.';

CREATE FUNCTION usom.version() RETURNS text
	AS 'MODULE_PATHNAME', 'usom_version' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.version() IS 'Version of the library. The version of the tables is in usom.doctor(). Example: SELECT usom.version();';

CREATE FUNCTION usom.error_codes() RETURNS TABLE (sqlstate text, name text, meaning text, remedy text)
	AS 'MODULE_PATHNAME', 'usom_error_codes' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.error_codes() IS 'Every SQLSTATE of class US: what it means and what to do. Example: SELECT * FROM usom.error_codes() WHERE sqlstate = ''US101'';';

CREATE FUNCTION usom._check_installed() RETURNS void
	AS 'MODULE_PATHNAME', 'usom__check_installed' LANGUAGE C STABLE STRICT PARALLEL RESTRICTED;
COMMENT ON FUNCTION usom._check_installed() IS 'US001 or US002 unless the tables are there and fit the library; remembered per backend. The public functions in PL/pgSQL begin with it, so it is the one internal function that everybody may call.';
REVOKE ALL ON FUNCTION usom._check_installed() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION usom._check_installed() TO PUBLIC;

CREATE FUNCTION usom._statement_count() RETURNS bigint
	AS 'MODULE_PATHNAME', 'usom__statement_count' LANGUAGE C VOLATILE STRICT PARALLEL RESTRICTED;
COMMENT ON FUNCTION usom._statement_count() IS 'Statements that the library has run in this backend. For tests of how the cost of a call grows.';
REVOKE ALL ON FUNCTION usom._statement_count() FROM PUBLIC;

-- A default of every key: a SET clause would cost more than the function.
CREATE FUNCTION usom.next_id() RETURNS bigint
	AS 'MODULE_PATHNAME', 'usom_next_id' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION usom.next_id() IS 'A new key: usom.node in the high bits, the next value of usom.id_seq in the low 53. Errors: US001, 2200H when the sequence has left its range. Example: SELECT usom.next_id();';

CREATE FUNCTION usom.lifecycle(entity text)
	RETURNS TABLE (from_status text, to_status text, verb text, commanded boolean)
	AS 'MODULE_PATHNAME', 'usom_lifecycle' LANGUAGE C STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.lifecycle(text) IS 'Steps of a life cycle: from which status to which, by which verb; commanded: may be asked for, else it follows from the pieces. Errors: 22023 for an unknown entity, the hint lists them. Example: SELECT * FROM usom.lifecycle(''shipment'');';

CREATE FUNCTION usom.order_lifecycle()
	RETURNS TABLE (from_status text, to_status text, verb text, commanded boolean)
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, usom, pg_temp
	AS $$SELECT * FROM usom.lifecycle('order')$$;
COMMENT ON FUNCTION usom.order_lifecycle() IS 'Steps of the life cycle of orders, see usom.lifecycle(). Example: SELECT verb FROM usom.order_lifecycle() WHERE from_status = ''draft'';';

CREATE FUNCTION usom.piece_lifecycle()
	RETURNS TABLE (from_status text, to_status text, verb text, commanded boolean)
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, usom, pg_temp
	AS $$SELECT * FROM usom.lifecycle('piece')$$;
COMMENT ON FUNCTION usom.piece_lifecycle() IS 'Steps of the life cycle of pieces, see usom.lifecycle(). Example: SELECT * FROM usom.piece_lifecycle();';

CREATE FUNCTION usom.lifecycle_dot(entity text) RETURNS text
	AS 'MODULE_PATHNAME', 'usom_lifecycle_dot' LANGUAGE C STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.lifecycle_dot(text) IS 'Picture of a life cycle for Graphviz: final states have a double border, derived steps are dashed. Errors: 22023 for an unknown entity. Example: psql -Atc "SELECT usom.lifecycle_dot(''order'')" | dot -Tsvg > order.svg';

CREATE FUNCTION usom._progress(what text, done bigint, total bigint) RETURNS void
	AS 'MODULE_PATHNAME', 'usom__progress' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION usom._progress(text, bigint, bigint) IS 'Tells the progress of long work by NOTICE and application_name, every two seconds at most. Begins when done is 0 or the words change, ends when done reaches total; total 0: not known.';
REVOKE ALL ON FUNCTION usom._progress(text, bigint, bigint) FROM PUBLIC;

CREATE FUNCTION usom.guard_kept() RETURNS trigger
	AS 'MODULE_PATHNAME', 'usom_guard_kept' LANGUAGE C;
COMMENT ON FUNCTION usom.guard_kept() IS 'Trigger BEFORE a statement: refuses what usom did not write itself. Arguments: kept (US004), ledger (US901) or master (US005); name of the table; what to call instead.';
REVOKE ALL ON FUNCTION usom.guard_kept() FROM PUBLIC;

CREATE FUNCTION usom.guard_master() RETURNS trigger
	AS 'MODULE_PATHNAME', 'usom_guard_master' LANGUAGE C;
COMMENT ON FUNCTION usom.guard_master() IS 'Trigger BEFORE UPDATE or DELETE of a row: refuses deletion and changes of org_id, key, code and kind (US005). Argument: the column with the code.';
REVOKE ALL ON FUNCTION usom.guard_master() FROM PUBLIC;

CREATE FUNCTION usom.guard_cards() RETURNS trigger
	AS 'MODULE_PATHNAME', 'usom_guard_cards' LANGUAGE C;
COMMENT ON FUNCTION usom.guard_cards() IS 'Trigger BEFORE INSERT or UPDATE of a row: refuses what looks like the number of a payment card in any text, text[] or jsonb column (US502).';
REVOKE ALL ON FUNCTION usom.guard_cards() FROM PUBLIC;

CREATE FUNCTION usom._guard_cards(relation text) RETURNS void
	LANGUAGE plpgsql VOLATILE STRICT
	SET search_path = pg_catalog, usom, pg_temp
	AS $$
BEGIN
	EXECUTE format('CREATE TRIGGER usom_card BEFORE INSERT OR UPDATE ON usom.%I
		FOR EACH ROW EXECUTE FUNCTION usom.guard_cards()', relation);
	EXECUTE format('ALTER TABLE usom.%I ENABLE ALWAYS TRIGGER usom_card', relation);
END
$$;
COMMENT ON FUNCTION usom._guard_cards(text) IS 'Puts the trigger usom_card on a table of usom that takes words of people. By its name it comes before the others of its kind, which might repeat what they refuse.';
REVOKE ALL ON FUNCTION usom._guard_cards(text) FROM PUBLIC;

CREATE FUNCTION usom._check_card(name text, value text) RETURNS void
	AS 'MODULE_PATHNAME', 'usom__check_card' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION usom._check_card(text, text) IS 'US502 if the value of an argument holds what looks like the number of a payment card. The public functions in PL/pgSQL that repeat an argument in a message begin with it, so everybody may call it.';
REVOKE ALL ON FUNCTION usom._check_card(text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION usom._check_card(text, text) TO PUBLIC;

CREATE FUNCTION usom._guard(relation text, kind text, hint text) RETURNS void
	LANGUAGE plpgsql VOLATILE STRICT
	SET search_path = pg_catalog, usom, pg_temp
	AS $$
BEGIN
	EXECUTE format('CREATE TRIGGER usom_guard BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON usom.%I
		FOR EACH STATEMENT EXECUTE FUNCTION usom.guard_kept(%L, %L, %L)', relation, kind, relation, hint);
	EXECUTE format('ALTER TABLE usom.%I ENABLE ALWAYS TRIGGER usom_guard', relation);
END
$$;
COMMENT ON FUNCTION usom._guard(text, text, text) IS 'Puts the trigger usom_guard on a table of usom. kind: kept or ledger; hint: what to call instead.';
REVOKE ALL ON FUNCTION usom._guard(text, text, text) FROM PUBLIC;

CREATE FUNCTION usom._guard_kept(relation text, hint text) RETURNS void
	LANGUAGE sql VOLATILE STRICT
	SET search_path = pg_catalog, usom, pg_temp
	AS $$SELECT usom._guard(relation, 'kept', hint)$$;
COMMENT ON FUNCTION usom._guard_kept(text, text) IS 'Guards a table that usom keeps: plain SQL that writes it is US004. hint: what to call instead.';
REVOKE ALL ON FUNCTION usom._guard_kept(text, text) FROM PUBLIC;

CREATE FUNCTION usom._guard_ledger(relation text, hint text) RETURNS void
	LANGUAGE sql VOLATILE STRICT
	SET search_path = pg_catalog, usom, pg_temp
	AS $$SELECT usom._guard(relation, 'ledger', hint)$$;
COMMENT ON FUNCTION usom._guard_ledger(text, text) IS 'Guards a table that usom only appends to: plain SQL that writes it is US901. hint: what to call instead.';
REVOKE ALL ON FUNCTION usom._guard_ledger(text, text) FROM PUBLIC;

CREATE FUNCTION usom._guard_master(relation text, code_column text) RETURNS void
	LANGUAGE plpgsql VOLATILE STRICT
	SET search_path = pg_catalog, usom, pg_temp
	AS $$
BEGIN
	EXECUTE format('CREATE TRIGGER usom_guard BEFORE UPDATE OR DELETE ON usom.%I
		FOR EACH ROW EXECUTE FUNCTION usom.guard_master(%L)', relation, code_column);
	EXECUTE format('CREATE TRIGGER usom_guard_truncate BEFORE TRUNCATE ON usom.%I
		FOR EACH STATEMENT EXECUTE FUNCTION usom.guard_kept(''master'', %L, ''Retire rows one by one.'')', relation, relation);
	EXECUTE format('ALTER TABLE usom.%I ENABLE ALWAYS TRIGGER usom_guard, ENABLE ALWAYS TRIGGER usom_guard_truncate', relation);
END
$$;
COMMENT ON FUNCTION usom._guard_master(text, text) IS 'Guards a table of master data: rows are retired, not deleted, and org_id, key, code and kind do not change (US005).';
REVOKE ALL ON FUNCTION usom._guard_master(text, text) FROM PUBLIC;

CREATE FUNCTION usom.guard_drop() RETURNS event_trigger
	AS 'MODULE_PATHNAME', 'usom_guard_drop' LANGUAGE C;
COMMENT ON FUNCTION usom.guard_drop() IS 'Event trigger: refuses commands that would drop orders (US003) unless usom.allow_drop is on.';
REVOKE ALL ON FUNCTION usom.guard_drop() FROM PUBLIC;

CREATE EVENT TRIGGER usom_guard_drop ON ddl_command_start
	WHEN TAG IN ('DROP EXTENSION', 'DROP SCHEMA', 'DROP OWNED', 'DROP TABLE')
	EXECUTE FUNCTION usom.guard_drop();
ALTER EVENT TRIGGER usom_guard_drop ENABLE ALWAYS;
COMMENT ON EVENT TRIGGER usom_guard_drop IS 'Refuses commands that would drop orders, unless usom.allow_drop is on.';

CREATE VIEW usom._migration (version, number, room, text) WITH (security_invoker = true) AS
SELECT NULL::integer, NULL::integer, NULL::text, NULL::text WHERE false;
COMMENT ON VIEW usom._migration IS 'What usom.install() and usom.upgrade() run: the DDL of every room, by schema version; the last statement of the script fills it. A view, since it is code: nobody replicates it, or writes it. A step once released never changes.';
COMMENT ON COLUMN usom._migration.version IS 'Schema version.';
COMMENT ON COLUMN usom._migration.number IS 'Order of the steps: number of the room times 100 and the step within it.';
COMMENT ON COLUMN usom._migration.room IS 'Room of the source.';
COMMENT ON COLUMN usom._migration.text IS 'Statements, run as the owner of the tables.';
REVOKE ALL ON usom._migration FROM PUBLIC;

CREATE FUNCTION usom._owner() RETURNS name
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, usom, pg_temp
	AS $$SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = to_regclass('usom._schema_step')$$;
COMMENT ON FUNCTION usom._owner() IS 'Role that owns the tables of usom; null before install().';
REVOKE ALL ON FUNCTION usom._owner() FROM PUBLIC;

CREATE FUNCTION usom._steps() RETURNS TABLE (version integer, number integer, room text, text text, applied boolean)
	LANGUAGE plpgsql STABLE STRICT
	SET search_path = pg_catalog, usom, pg_temp
	AS $$
#variable_conflict use_column
BEGIN
	IF to_regclass('usom._schema_step') IS NULL THEN
		RETURN QUERY SELECT m.version, m.number, m.room, m.text, false FROM usom._migration m ORDER BY 1, 2;
	ELSE
		RETURN QUERY SELECT m.version, m.number, m.room, m.text, s.number IS NOT NULL
			FROM usom._migration m LEFT JOIN usom._schema_step s USING (version, number) ORDER BY 1, 2;
	END IF;
END
$$;
COMMENT ON FUNCTION usom._steps() IS 'Steps of the library in their order, and whether this database has them.';
REVOKE ALL ON FUNCTION usom._steps() FROM PUBLIC;

CREATE FUNCTION usom._let_owner_in(owner name) RETURNS void
	LANGUAGE plpgsql VOLATILE STRICT
	SET search_path = pg_catalog, usom, pg_temp
	AS $$
DECLARE
	routine regprocedure;
BEGIN
	IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = owner) THEN
		EXECUTE format('CREATE ROLE %I NOLOGIN', owner);
	END IF;
	EXECUTE format('GRANT USAGE, CREATE ON SCHEMA usom TO %I', owner);
	EXECUTE format('GRANT SELECT ON usom._migration TO %I', owner);
	FOR routine IN
		SELECT oid FROM pg_proc WHERE pronamespace = 'usom'::regnamespace AND NOT has_function_privilege(owner, oid, 'EXECUTE')
	LOOP
		EXECUTE format('GRANT EXECUTE ON ROUTINE %s TO %I', routine, owner);
	END LOOP;
END
$$;
COMMENT ON FUNCTION usom._let_owner_in(name) IS 'Makes the role that owns the tables, unless it is there, and grants it what the steps need.';
REVOKE ALL ON FUNCTION usom._let_owner_in(name) FROM PUBLIC;

CREATE FUNCTION usom._run_steps(owner name, settle boolean) RETURNS TABLE (step integer, room text, outcome text)
	LANGUAGE plpgsql VOLATILE STRICT
	SET search_path = pg_catalog, usom, pg_temp SET jit = off
	AS $$
#variable_conflict use_column
DECLARE
	caller text := current_setting('role');
	todo record;
BEGIN
	PERFORM pg_advisory_xact_lock(hashtextextended('usom._run_steps', 0));
	PERFORM usom._let_owner_in(owner);
	FOR todo IN SELECT * FROM usom._steps() LOOP
		step := todo.number;
		room := todo.room;
		outcome := 'already there';
		IF NOT todo.applied THEN
			PERFORM set_config('role', owner, true);
			EXECUTE todo.text;
			INSERT INTO usom._schema_step (version, number, room) VALUES (todo.version, todo.number, todo.room);
			PERFORM set_config('role', caller, true);
			outcome := 'made';
			settle := true;
		END IF;
		RETURN NEXT;
	END LOOP;
	IF settle THEN
		PERFORM usom._settle_privileges();
	END IF;
END
$$;
COMMENT ON FUNCTION usom._run_steps(name, boolean) IS 'Runs the missing steps as the owner of the tables, one caller at a time; then settles who may do what, if it made something or settle says so.';
REVOKE ALL ON FUNCTION usom._run_steps(name, boolean) FROM PUBLIC;

CREATE FUNCTION usom.install(owner name DEFAULT 'usom_owner') RETURNS TABLE (step integer, room text, outcome text)
	LANGUAGE sql VOLATILE STRICT
	SET search_path = pg_catalog, usom, pg_temp
	AS $$SELECT * FROM usom._run_steps(coalesce(usom._owner(), owner), false)$$;
COMMENT ON FUNCTION usom.install(name) IS 'Makes the tables, views, triggers and functions over them, one step per room, and says what it made; run again, it finds all there. owner: role that owns them, made without login if missing; where tables exist, their owner stays. For superusers. Example: SELECT * FROM usom.install();';
REVOKE ALL ON FUNCTION usom.install(name) FROM PUBLIC;

CREATE FUNCTION usom.upgrade(dry_run boolean DEFAULT false) RETURNS TABLE (step integer, room text, outcome text)
	LANGUAGE plpgsql VOLATILE STRICT
	SET search_path = pg_catalog, usom, pg_temp
	AS $$
#variable_conflict use_column
BEGIN
	IF usom._owner() IS NULL THEN
		RAISE EXCEPTION 'usom is not installed in this database' USING
			ERRCODE = 'US001', DETAIL = 'There are no tables to upgrade.', HINT = 'Run: SELECT usom.install();';
	END IF;
	IF dry_run THEN
		RETURN QUERY SELECT s.number, s.room, 'missing' FROM usom._steps() s WHERE NOT s.applied;
	ELSE
		RETURN QUERY SELECT r.step, r.room, r.outcome FROM usom._run_steps(usom._owner(), true) r WHERE r.outcome = 'made';
	END IF;
END
$$;
COMMENT ON FUNCTION usom.upgrade(boolean) IS 'After ALTER EXTENSION usom UPDATE: runs the steps that this database lacks and returns them; with dry_run it only lists them. Brings privileges to what they should be, too. For superusers. Errors: US001. Example: SELECT * FROM usom.upgrade(dry_run => true);';
REVOKE ALL ON FUNCTION usom.upgrade(boolean) FROM PUBLIC;

CREATE FUNCTION usom._memo_changed() RETURNS trigger
	AS 'MODULE_PATHNAME', 'usom__memo_changed' LANGUAGE C
	SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom._memo_changed() IS 'Trigger AFTER a row of a table was written that backends remember: all of them read it again at the next use.';
REVOKE ALL ON FUNCTION usom._memo_changed() FROM PUBLIC;

/* ---- base ---- */

-- doctor(): is the installation as the steps of the library made it?

-- What a step says and what pg_get_triggerdef() says, made comparable.
CREATE FUNCTION usom._trigger_words(definition text) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, usom, pg_temp
	AS $$
	SELECT trim(replace(regexp_replace(replace(lower(definition), 'usom.', ''), '[\s();]+', ' ', 'g'), 'update or delete', 'delete or update'))
$$;
COMMENT ON FUNCTION usom._trigger_words(text) IS 'Definition of a trigger in a form in which two that mean the same are equal: without schema, brackets, case and spare space.';
REVOKE ALL ON FUNCTION usom._trigger_words(text) FROM PUBLIC;

CREATE FUNCTION usom._expected_triggers() RETURNS TABLE (relation text, name text, area text, always boolean, definition text)
	LANGUAGE sql STABLE STRICT
	SET search_path = pg_catalog, usom, pg_temp
	AS $$
	WITH helper (helper, name, events, called) AS (VALUES
		('_guard_kept', 'usom_guard', 'BEFORE INSERT OR DELETE OR UPDATE OR TRUNCATE ON usom.%1$s FOR EACH STATEMENT', 'usom.guard_kept(''kept'', ''%1$s'', ''%2$s'')'),
		('_guard_ledger', 'usom_guard', 'BEFORE INSERT OR DELETE OR UPDATE OR TRUNCATE ON usom.%1$s FOR EACH STATEMENT', 'usom.guard_kept(''ledger'', ''%1$s'', ''%2$s'')'),
		('_guard_master', 'usom_guard', 'BEFORE DELETE OR UPDATE ON usom.%1$s FOR EACH ROW', 'usom.guard_master(''%2$s'')'),
		('_guard_master', 'usom_guard_truncate', 'BEFORE TRUNCATE ON usom.%1$s FOR EACH STATEMENT', 'usom.guard_kept(''master'', ''%1$s'', ''Retire rows one by one.'')'),
		('_guard_cards', 'usom_card', 'BEFORE INSERT OR UPDATE ON usom.%1$s FOR EACH ROW', 'usom.guard_cards()'),
		('_audit_table', 'usom_truncate', 'BEFORE TRUNCATE ON usom.%1$s FOR EACH STATEMENT', 'usom.guard_kept(''master'', ''%1$s'', ''Use DELETE, of which the audit tells.'')'),
		('_audit_table', 'audit_insert', 'AFTER INSERT ON usom.%1$s REFERENCING NEW TABLE AS newer FOR EACH STATEMENT', 'usom.audit_statement(''%1$s'')'),
		('_audit_table', 'audit_update', 'AFTER UPDATE ON usom.%1$s REFERENCING OLD TABLE AS older NEW TABLE AS newer FOR EACH STATEMENT', 'usom.audit_statement(''%1$s'')'),
		('_audit_table', 'audit_delete', 'AFTER DELETE ON usom.%1$s REFERENCING OLD TABLE AS older FOR EACH STATEMENT', 'usom.audit_statement(''%1$s'')')
	), made AS (
		SELECT found[2] AS relation, h.name, true AS always,
			format('CREATE TRIGGER %s ', h.name) || format(h.events || ' EXECUTE FUNCTION ' || h.called, found[2], found[3]) AS definition
		FROM usom._migration m,
			regexp_matches(m.text, 'usom\.(_guard_kept|_guard_ledger|_guard_master|_guard_cards|_audit_table)\(''(\w+)''(?:, ''((?:[^'']|'''')*)'')?\)', 'g') AS found
			JOIN helper h ON h.helper = found[1]
		UNION ALL
		SELECT found[3], found[2],
			EXISTS (SELECT FROM usom._migration a, regexp_matches(a.text, 'ALTER TABLE usom\.(\w+)([^;]*)', 'g') AS altered
				WHERE altered[1] = found[3] AND altered[2] ~ ('ENABLE ALWAYS TRIGGER ' || found[2] || '\M')),
			found[1]
		FROM usom._migration m,
			regexp_matches(m.text, '(CREATE TRIGGER (\w+) [^;%]*? ON usom\.(\w+)\s[^;%]*);', 'g') AS found
	)
	SELECT m.relation, m.name,
		CASE WHEN m.name ~ '^usom_(guard|card|truncate)' THEN 'guards' WHEN m.name ~ '^audit_' THEN 'audit triggers' ELSE 'other triggers' END,
		m.always, m.definition
	FROM made m
$$;
COMMENT ON FUNCTION usom._expected_triggers() IS 'Triggers that the steps of the library make, by its helpers and by CREATE TRIGGER: table, name, check of doctor() that asks for it, whether it is ENABLE ALWAYS, definition.';
REVOKE ALL ON FUNCTION usom._expected_triggers() FROM PUBLIC;

CREATE FUNCTION usom._trigger_problems() RETURNS TABLE (area text, relation text, name text, problem text, remedy text)
	LANGUAGE sql STABLE STRICT
	SET search_path = pg_catalog, usom, pg_temp
	AS $$
	WITH expected AS MATERIALIZED (
		SELECT * FROM usom._expected_triggers()
	)
	SELECT e.area, e.relation, e.name, w.problem,
		CASE WHEN w.problem !~ '^(is disabled|fires|is not|is ENABLE)' THEN format('DROP TRIGGER IF EXISTS %s ON usom.%s; %s; ', e.name, e.relation, e.definition) ELSE '' END
			|| format('ALTER TABLE usom.%s ENABLE %sTRIGGER %s;', e.relation, CASE WHEN e.always THEN 'ALWAYS ' ELSE '' END, e.name)
	FROM expected e
		LEFT JOIN pg_trigger t ON t.tgrelid = to_regclass(format('usom.%I', e.relation)) AND t.tgname = e.name
		LEFT JOIN pg_proc p ON p.oid = t.tgfoid
		CROSS JOIN LATERAL (
			SELECT usom._trigger_words(e.definition) AS wanted, usom._trigger_words(pg_get_triggerdef(t.oid)) AS found) d
		CROSS JOIN LATERAL (
			SELECT CASE
				WHEN to_regclass(format('usom.%I', e.relation)) IS NULL THEN 'is gone with its table'
				WHEN t.oid IS NULL THEN 'is missing'
				WHEN p.pronamespace <> 'usom'::regnamespace OR split_part(d.wanted, ' execute function ', 2) !~ ('^' || p.proname || '( |$)')
					THEN format('calls %s', p.oid::regprocedure)
				WHEN split_part(d.wanted, ' execute function ', 2) <> split_part(d.found, ' execute function ', 2) THEN 'has other arguments'
				WHEN d.wanted <> d.found THEN 'stands for other events, columns or rows'
				WHEN t.tgenabled = 'D' THEN 'is disabled'
				WHEN t.tgenabled = 'R' THEN 'fires for replication alone'
				WHEN e.always AND t.tgenabled <> 'A' THEN 'is not ENABLE ALWAYS'
				WHEN NOT e.always AND t.tgenabled <> 'O' THEN 'is ENABLE ALWAYS'
			END AS problem) w
	WHERE w.problem IS NOT NULL
	UNION ALL
	-- beside them: foreign keys that sleep, and strangers at a ledger
	SELECT 'other triggers', c.relname, t.tgname,
		CASE WHEN t.tgisinternal THEN 'is disabled' ELSE 'stands at a ledger that usom alone writes' END,
		CASE WHEN t.tgisinternal THEN format('ALTER TABLE usom.%I ENABLE TRIGGER ALL; then look at doctor() again', c.relname)
			ELSE format('DROP TRIGGER %I ON usom.%I;', t.tgname, c.relname) END
	FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
	WHERE c.relnamespace = 'usom'::regnamespace
		AND CASE WHEN t.tgisinternal THEN t.tgenabled <> 'O'
			ELSE NOT EXISTS (SELECT FROM expected e WHERE e.relation = c.relname AND e.name = t.tgname)
				AND EXISTS (SELECT FROM expected e WHERE e.relation = c.relname AND e.definition ~ '''ledger''') END
$$;
COMMENT ON FUNCTION usom._trigger_problems() IS 'Triggers that are gone, switched off, not ENABLE ALWAYS, call another function than they should, with other arguments or for other events; foreign keys switched off; triggers where none should stand. With the command that puts it right.';
REVOKE ALL ON FUNCTION usom._trigger_problems() FROM PUBLIC;

-- CREATE OR REPLACE FUNCTION leaves the trigger as it was.
CREATE FUNCTION usom._replaced_functions() RETURNS TABLE (routine text)
	LANGUAGE sql STABLE STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
	SELECT p.oid::regprocedure::text
	FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
	WHERE p.pronamespace = 'usom'::regnamespace AND p.prorettype IN ('trigger'::regtype, 'event_trigger'::regtype)
		AND (p.proname ~ '^(_?guard_\w+|audit_statement|_\w+_written)$' OR l.lanname = 'c')
		AND NOT (l.lanname = 'c' AND p.prosrc = 'usom_' || p.proname AND p.probin = '$libdir/usom')
$$;
COMMENT ON FUNCTION usom._replaced_functions() IS 'Trigger functions of usom that are no longer those of the library.';
REVOKE ALL ON FUNCTION usom._replaced_functions() FROM PUBLIC;

-- A trigger of a statement fires at the table that the statement names: rows
-- reached through a parent, or written into a child, pass it by.
CREATE FUNCTION usom._strange_kin() RETURNS TABLE (problem text)
	LANGUAGE sql STABLE STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
	SELECT format('%s is a child of %s', i.inhrelid::regclass, i.inhparent::regclass)
	FROM pg_inherits i JOIN pg_class child ON child.oid = i.inhrelid JOIN pg_class parent ON parent.oid = i.inhparent
	WHERE child.relkind IN ('r', 'p', 'f') AND 'usom'::regnamespace IN (child.relnamespace, parent.relnamespace)
		AND (parent.relnamespace <> 'usom'::regnamespace OR EXISTS (
			SELECT FROM pg_trigger t
			WHERE t.tgrelid = parent.oid AND NOT t.tgisinternal AND (t.tgtype & 1) = 0 AND NOT EXISTS (
				SELECT FROM pg_trigger own
				WHERE own.tgrelid = child.oid
					AND (own.tgname, own.tgtype, own.tgfoid, own.tgargs, own.tgenabled) = (t.tgname, t.tgtype, t.tgfoid, t.tgargs, t.tgenabled))))
$$;
COMMENT ON FUNCTION usom._strange_kin() IS 'Inheritance children and partitions without the triggers of their parent, and tables of usom that were made children of others.';
REVOKE ALL ON FUNCTION usom._strange_kin() FROM PUBLIC;

CREATE FUNCTION usom._keys_ahead() RETURNS TABLE (relation text, greatest_key bigint)
	LANGUAGE plpgsql STABLE STRICT
	SET search_path = pg_catalog, usom, pg_temp
	AS $$
DECLARE
	node_base bigint := current_setting('usom.node')::bigint << 53;
	last_key bigint := (SELECT last_value FROM usom.id_seq);
	keyed record;
BEGIN
	FOR keyed IN
		SELECT c.relname, a.attname
		FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid JOIN pg_attrdef d ON (d.adrelid, d.adnum) = (c.oid, a.attnum)
		WHERE c.relnamespace = 'usom'::regnamespace AND c.relkind IN ('r', 'p') AND pg_get_expr(d.adbin, d.adrelid) ~ 'next_id\(\)'
		ORDER BY 1
	LOOP
		-- per organisation, since it leads the index
		EXECUTE format('SELECT max(k.key) FROM usom.organisation o, LATERAL (
				SELECT max(%1$I) AS key FROM usom.%2$I t WHERE t.org_id = o.org_id AND %1$I >= $1 AND %1$I < $2) k',
			keyed.attname, keyed.relname)
			INTO greatest_key USING node_base, node_base + (1::bigint << 53) - 1;
		relation := keyed.relname;
		greatest_key := greatest_key - node_base;
		IF greatest_key > last_key THEN
			RETURN NEXT;
		END IF;
	END LOOP;
END
$$;
COMMENT ON FUNCTION usom._keys_ahead() IS 'Tables whose greatest key of this node is beyond usom.id_seq, so that next_id() would repeat keys.';
REVOKE ALL ON FUNCTION usom._keys_ahead() FROM PUBLIC;

CREATE FUNCTION usom._doctor_rows() RETURNS TABLE ("check" text, trouble text, hint text)
	LANGUAGE sql STABLE STRICT
	SET search_path = pg_catalog, usom, pg_temp
	AS $$
	SELECT 'schema version', string_agg(format('step %s (%s)', s.number, s.room), ', '), 'Run: SELECT usom.upgrade();'
		FROM usom._steps() s WHERE NOT s.applied
	UNION ALL
	SELECT 'library version', string_agg(format('step %s (%s)', s.number, s.room), ', '), 'The tables are newer than the library: install the newer one.'
		FROM usom._schema_step s WHERE NOT EXISTS (
			SELECT FROM usom._migration m WHERE (m.version, m.number) = (s.version, s.number))
	UNION ALL
	SELECT 'owner', string_agg(DISTINCT pg_get_userbyid(c.relowner), ', '), 'Give every table of usom to one role that is no superuser.'
		FROM pg_class c JOIN pg_roles r ON r.oid = c.relowner
		WHERE c.relnamespace = 'usom'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'S') AND c.relname <> '_migration'
			AND (r.rolsuper OR r.rolname <> usom._owner())
	UNION ALL
	(SELECT a.area, string_agg(p.name || ' on ' || p.relation || ' ' || p.problem, ', ' ORDER BY p.relation, p.name),
			(array_agg(p.remedy ORDER BY p.relation, p.name))[1]
		FROM unnest(ARRAY['guards', 'audit triggers', 'other triggers']) WITH ORDINALITY AS a (area, n)
			LEFT JOIN usom._trigger_problems() p ON p.area = a.area
		GROUP BY a.area, a.n ORDER BY a.n)
	UNION ALL
	SELECT 'trigger functions', string_agg(routine, ', ' ORDER BY routine),
			'Run their CREATE FUNCTION of the extension script again, with OR REPLACE and AS ''$libdir/usom''.'
		FROM usom._replaced_functions()
	UNION ALL
	SELECT 'rules', string_agg(format('%s on %s', r.rulename, r.ev_class::regclass), ', '), 'DROP RULE each: it rewrites statements before any trigger sees them.'
		FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class
		WHERE c.relnamespace = 'usom'::regnamespace AND c.relkind IN ('r', 'p')
	UNION ALL
	SELECT 'inheritance', string_agg(problem, ', ' ORDER BY problem), 'ALTER TABLE ... NO INHERIT each, or give the child the triggers of its parent.'
		FROM usom._strange_kin()
	UNION ALL
	SELECT 'unlogged tables', string_agg(c.oid::regclass::text, ', '), 'ALTER TABLE ... SET LOGGED each: a crash would empty them.'
		FROM pg_class c WHERE c.relnamespace = 'usom'::regnamespace AND c.relkind IN ('r', 'p') AND c.relpersistence <> 'p'
	UNION ALL
	SELECT 'replication role', string_agg(coalesce(r.rolname, d.datname, 'all'), ', '), 'ALTER ROLE or ALTER DATABASE ... RESET session_replication_role: foreign keys sleep under it.'
		FROM pg_db_role_setting s LEFT JOIN pg_roles r ON r.oid = s.setrole LEFT JOIN pg_database d ON d.oid = s.setdatabase
		WHERE (s.setdatabase = 0 OR d.datname = current_database())
			AND EXISTS (SELECT FROM unnest(s.setconfig) AS c (setting) WHERE c.setting ~* '^session_replication_role=(replica|local)')
	UNION ALL
	SELECT 'event trigger', CASE WHEN count(*) = 0 THEN 'usom_guard_drop is off' END, 'ALTER EVENT TRIGGER usom_guard_drop ENABLE ALWAYS;'
		FROM pg_event_trigger WHERE evtname = 'usom_guard_drop' AND evtenabled = 'A'
	UNION ALL
	SELECT 'indexes', string_agg(indexrelid::regclass::text, ', '), 'REINDEX INDEX CONCURRENTLY each.'
		FROM pg_index JOIN pg_class c ON c.oid = indrelid
		WHERE c.relnamespace = 'usom'::regnamespace AND NOT (indisvalid AND indisready)
	UNION ALL
	SELECT 'keys', string_agg(format('%s has %s', relation, greatest_key), ', '),
			format('SELECT setval(''usom.id_seq'', %s);', max(greatest_key))
		FROM usom._keys_ahead()
	UNION ALL
	SELECT 'sequence', string_agg('usom.id_seq has CACHE ' || seqcache, ', '), 'ALTER SEQUENCE usom.id_seq CACHE 1: sealing relies on keys that rise with time.'
		FROM pg_sequence WHERE seqrelid = to_regclass('usom.id_seq') AND seqcache <> 1
	UNION ALL
	SELECT 'prepared transactions', string_agg(format('%s since %s', gid, prepared), ', '), 'COMMIT PREPARED or ROLLBACK PREPARED each: they keep their locks.'
		FROM pg_prepared_xacts WHERE database = current_database() AND prepared < now() - interval '1 hour'
$$;
COMMENT ON FUNCTION usom._doctor_rows() IS 'What is wrong with an installed usom: trouble is null where all is well.';
REVOKE ALL ON FUNCTION usom._doctor_rows() FROM PUBLIC;

CREATE FUNCTION usom.doctor() RETURNS TABLE ("check" text, ok boolean, detail text, hint text)
	LANGUAGE plpgsql STABLE STRICT
	SET search_path = pg_catalog, usom, pg_temp SET jit = off
	AS $$
DECLARE
	made_by text := (SELECT extversion FROM pg_extension WHERE extname = 'usom');
	owner name := usom._owner();
BEGIN
	RETURN QUERY SELECT 'library', made_by = usom.version(), format('library %s, extension %s', usom.version(), made_by),
		CASE WHEN made_by <> usom.version() THEN 'Run: ALTER EXTENSION usom UPDATE;' END;
	RETURN QUERY SELECT 'installed', owner IS NOT NULL, coalesce('tables of ' || owner, 'no tables'),
		CASE WHEN owner IS NULL THEN 'Run: SELECT usom.install();' END;
	IF owner IS NOT NULL THEN
		RETURN QUERY SELECT d."check", d.trouble IS NULL, coalesce(d.trouble, 'as it should be'), CASE WHEN d.trouble IS NOT NULL THEN d.hint END
			FROM (SELECT * FROM usom._doctor_rows() UNION ALL SELECT * FROM usom._doctor_access()) d;
	END IF;
END
$$;
COMMENT ON FUNCTION usom.doctor() IS 'Health of the installation: one row per check, with what is wrong and what to run. For superusers; verify() checks the data. Example: SELECT * FROM usom.doctor() WHERE NOT ok;';
REVOKE ALL ON FUNCTION usom.doctor() FROM PUBLIC;

/* ---- audit ---- */

-- The row of usom.audit_entry as far as it differs between the entries of a call.
CREATE TYPE usom._audit_row AS (
	audit_entry_id bigint,
	occurred_at timestamptz,
	table_name text,
	operation text,
	row_count integer,
	sales_order_id bigint,
	entry_no integer,
	previous bytea,
	verb text,
	reason text,
	before bytea,
	after bytea,
	digest bytea
);
COMMENT ON TYPE usom._audit_row IS 'How entries travel from the library to usom.audit_entry.';

CREATE FUNCTION usom.audit_statement() RETURNS trigger
	AS 'MODULE_PATHNAME', 'usom_audit_statement' LANGUAGE C;
COMMENT ON FUNCTION usom.audit_statement() IS 'Trigger AFTER a statement, with transition tables: writes what it did to usom.audit_entry. Argument: name of the table. See usom._audit_table().';
REVOKE ALL ON FUNCTION usom.audit_statement() FROM PUBLIC;

CREATE FUNCTION usom._audit_table(table_name text) RETURNS void
	LANGUAGE plpgsql VOLATILE STRICT
	SET search_path = pg_catalog, usom, pg_temp
	AS $$
DECLARE
	event record;
BEGIN
	FOR event IN
		SELECT * FROM (VALUES
			('audit_insert', 'INSERT', 'NEW TABLE AS newer'),
			('audit_update', 'UPDATE', 'OLD TABLE AS older NEW TABLE AS newer'),
			('audit_delete', 'DELETE', 'OLD TABLE AS older')) AS e (name, operation, tables)
	LOOP
		EXECUTE format('CREATE TRIGGER %I AFTER %s ON usom.%I REFERENCING %s
			FOR EACH STATEMENT EXECUTE FUNCTION usom.audit_statement(%L)',
			event.name, event.operation, table_name, event.tables, table_name);
		EXECUTE format('ALTER TABLE usom.%I ENABLE ALWAYS TRIGGER %I', table_name, event.name);
	END LOOP;
	-- TRUNCATE has no rows to tell of, so it is refused, after the guards that say more
	EXECUTE format('CREATE TRIGGER usom_truncate BEFORE TRUNCATE ON usom.%I
		FOR EACH STATEMENT EXECUTE FUNCTION usom.guard_kept(''master'', %L, ''Use DELETE, of which the audit tells.'')', table_name, table_name);
	EXECUTE format('ALTER TABLE usom.%I ENABLE ALWAYS TRIGGER usom_truncate', table_name);
END
$$;
COMMENT ON FUNCTION usom._audit_table(text) IS 'Puts the triggers audit_insert, audit_update and audit_delete on a table of usom, and usom_truncate, which refuses TRUNCATE. The table needs a column org_id bigint; a column sales_order_id bigint is noted in the entry.';
REVOKE ALL ON FUNCTION usom._audit_table(text) FROM PUBLIC;

-- Views check functions against who reads them, so the readers of usom.audit need it.
CREATE FUNCTION usom._audit_rows(image bytea) RETURNS SETOF jsonb
	AS 'MODULE_PATHNAME', 'usom__audit_rows' LANGUAGE C STABLE STRICT PARALLEL SAFE COST 20 ROWS 5;
COMMENT ON FUNCTION usom._audit_rows(bytea) IS 'Rows of an image of usom.audit_entry, in their order, as to_jsonb() shows them. Errors: 22P03 when the bytes are no image.';
REVOKE ALL ON FUNCTION usom._audit_rows(bytea) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION usom._audit_rows(bytea) TO PUBLIC;

CREATE FUNCTION usom._audit_digest(entry record) RETURNS bytea
	AS 'MODULE_PATHNAME', 'usom__audit_digest' LANGUAGE C STABLE STRICT PARALLEL SAFE COST 30;
COMMENT ON FUNCTION usom._audit_digest(record) IS 'What the digest of a row of usom.audit_entry must be: SHA-256 over all other columns in a fixed form (src/audit/digest.h); null if the row is numbered without an order or the other way round. Errors: 42804 when it is a row of another table. Example: SELECT count(*) FROM usom.audit_entry e WHERE e.digest IS DISTINCT FROM usom._audit_digest(e);';
REVOKE ALL ON FUNCTION usom._audit_digest(record) FROM PUBLIC;

CREATE FUNCTION usom._audit_count(image bytea) RETURNS bigint
	AS 'MODULE_PATHNAME', 'usom__audit_count' LANGUAGE C STABLE STRICT PARALLEL SAFE COST 10;
COMMENT ON FUNCTION usom._audit_count(bytea) IS 'Number of rows of an image of usom.audit_entry; -1 when the bytes are no image.';
REVOKE ALL ON FUNCTION usom._audit_count(bytea) FROM PUBLIC;

CREATE FUNCTION usom._audit_image(live record) RETURNS bytea
	AS 'MODULE_PATHNAME', 'usom__audit_image' LANGUAGE C STABLE STRICT PARALLEL SAFE COST 10;
COMMENT ON FUNCTION usom._audit_image(record) IS 'The image that the audit would keep of a row: its canonical bytes.';
REVOKE ALL ON FUNCTION usom._audit_image(record) FROM PUBLIC;

CREATE FUNCTION usom._audit_marks(image bytea, key_columns text[]) RETURNS TABLE (key bigint, mark bigint)
	AS 'MODULE_PATHNAME', 'usom__audit_marks' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 ROWS 5;
COMMENT ON FUNCTION usom._audit_marks(bytea, text[]) IS 'Hashes of the key and of the whole of each row of an image, in their order. Equal rows have equal marks.';
REVOKE ALL ON FUNCTION usom._audit_marks(bytea, text[]) FROM PUBLIC;

-- ---- blocks and proofs ----

CREATE FUNCTION usom._merkle_root(leaves bytea[]) RETURNS bytea
	AS 'MODULE_PATHNAME', 'usom__merkle_root' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000;
COMMENT ON FUNCTION usom._merkle_root(bytea[]) IS 'Root of the Merkle tree over digests of 32 bytes, as RFC 6962 section 2.1 defines it. Errors: 22P03, 22004.';
REVOKE ALL ON FUNCTION usom._merkle_root(bytea[]) FROM PUBLIC;

CREATE FUNCTION usom._merkle_path(leaves bytea[], place integer) RETURNS bytea[]
	AS 'MODULE_PATHNAME', 'usom__merkle_path' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000;
COMMENT ON FUNCTION usom._merkle_path(bytea[], integer) IS 'Siblings on the way from the leaf at a place (from 1) up to the root: RFC 6962 section 2.1.1. Errors: 22023, 22P03.';
REVOKE ALL ON FUNCTION usom._merkle_path(bytea[], integer) FROM PUBLIC;

CREATE FUNCTION usom._merkle_climb(leaf bytea, count integer, place integer, path bytea[]) RETURNS bytea
	AS 'MODULE_PATHNAME', 'usom__merkle_climb' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100;
COMMENT ON FUNCTION usom._merkle_climb(bytea, integer, integer, bytea[]) IS 'Root that a leaf leads to by its path in a tree of count leaves; null if the path does not fit. Errors: 22P03.';
REVOKE ALL ON FUNCTION usom._merkle_climb(bytea, integer, integer, bytea[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION usom._merkle_climb(bytea, integer, integer, bytea[]) TO PUBLIC;

CREATE FUNCTION usom._merkle_consistency(leaves bytea[], older integer) RETURNS bytea[]
	AS 'MODULE_PATHNAME', 'usom__merkle_consistency' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000;
COMMENT ON FUNCTION usom._merkle_consistency(bytea[], integer) IS 'Proof that the tree over the first older leaves is the beginning of the tree over all: RFC 6962 section 2.1.2. Errors: 22023, 22P03.';
REVOKE ALL ON FUNCTION usom._merkle_consistency(bytea[], integer) FROM PUBLIC;

CREATE FUNCTION usom._merkle_is_consistent(older integer, count integer, older_root bytea, root bytea, proof bytea[]) RETURNS boolean
	AS 'MODULE_PATHNAME', 'usom__merkle_is_consistent' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100;
COMMENT ON FUNCTION usom._merkle_is_consistent(integer, integer, bytea, bytea, bytea[]) IS 'Does the proof lead from the root over older leaves to the root over count leaves? Errors: 22P03.';
REVOKE ALL ON FUNCTION usom._merkle_is_consistent(integer, integer, bytea, bytea, bytea[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION usom._merkle_is_consistent(integer, integer, bytea, bytea, bytea[]) TO PUBLIC;

CREATE FUNCTION usom._block_header(org_id bigint, node smallint, block_no integer, sealed_at timestamptz, entry_ids bigint[],
	entries_total bigint, previous bytea, system_id bigint, sequence_at bigint, next_xid bigint, settled_to bigint) RETURNS bytea
	AS 'MODULE_PATHNAME', 'usom__block_header' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100;
COMMENT ON FUNCTION usom._block_header(bigint, smallint, integer, timestamptz, bigint[], bigint, bytea, bigint, bigint, bigint, bigint) IS 'Digest of all that a block says but the root of its tree; null if anything but previous is null.';
REVOKE ALL ON FUNCTION usom._block_header(bigint, smallint, integer, timestamptz, bigint[], bigint, bytea, bigint, bigint, bigint, bigint) FROM PUBLIC;

CREATE FUNCTION usom._block_digest(root bytea, header bytea) RETURNS bytea
	AS 'MODULE_PATHNAME', 'usom__block_digest' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10;
COMMENT ON FUNCTION usom._block_digest(bytea, bytea) IS 'Digest of a block: over the root of its tree and its header. Errors: 22P03.';
REVOKE ALL ON FUNCTION usom._block_digest(bytea, bytea) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION usom._block_digest(bytea, bytea) TO PUBLIC;

CREATE FUNCTION usom._seal(org_id bigint) RETURNS TABLE (block_no integer, entries integer)
	AS 'MODULE_PATHNAME', 'usom__seal' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE
	SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom._seal(bigint) IS 'Seals what an organisation has committed: see usom.seal_audit().';
REVOKE ALL ON FUNCTION usom._seal(bigint) FROM PUBLIC;

CREATE FUNCTION usom.seal_audit() RETURNS TABLE (block_no integer, entries integer)
	LANGUAGE sql VOLATILE STRICT
	SET search_path = pg_catalog, usom, pg_temp
	AS $$SELECT * FROM usom._seal(usom.current_org())$$;
COMMENT ON FUNCTION usom.seal_audit() IS 'Seals all audit entries of the caller''s organisation that have committed, in blocks of 32768 at most, and notifies the channel usom_audit of each new digest; usom.tick() does it for all organisations. One row per block; none if nothing is new or another session is sealing. Waits for nobody, nobody waits for it: what commits later goes into a later block. Errors: US001, US006. Example: SELECT * FROM usom.seal_audit();';

CREATE FUNCTION usom.export_digest() RETURNS jsonb
	LANGUAGE plpgsql STABLE STRICT
	SET search_path = pg_catalog, usom, pg_temp
	AS $$
BEGIN
	PERFORM usom._check_installed();
	RETURN (
		SELECT jsonb_build_object('org_id', usom.current_org(), 'node', current_setting('usom.node')::smallint,
			'blocks', count(*), 'entries', coalesce(max(b.entries_total), 0),
			'head', encode((array_agg(b.digest ORDER BY b.block_no DESC))[1], 'hex'),
			'tree', encode(usom._merkle_root(array_agg(b.digest ORDER BY b.block_no)), 'hex'), 'sealed_at', max(b.sealed_at))
		FROM usom.audit_block b
		WHERE b.org_id = usom.current_org() AND b.node = current_setting('usom.node')::smallint);
END
$$;
COMMENT ON FUNCTION usom.export_digest() IS 'What to keep outside of the database to prove later that nothing sealed so far was changed: org_id, node, blocks and entries sealed, head (SHA-256 of the last block, which has the one before in it), tree (root of the RFC 6962 tree over the digests of all blocks), sealed_at. Give it to usom.verify_audit(), usom.consistency_proof() or usom.check_inclusion(). head and tree are null before the first block. Errors: US001, US006. Example: psql -Atc "SELECT usom.export_digest()" >> digests.jsonl';

CREATE FUNCTION usom.inclusion_proof(audit_entry_id bigint) RETURNS jsonb
	LANGUAGE plpgsql STABLE STRICT
	SET search_path = pg_catalog, usom, pg_temp
	AS $$
DECLARE
	proof jsonb;
BEGIN
	PERFORM usom._check_installed();
	SELECT jsonb_build_object('audit_entry_id', inclusion_proof.audit_entry_id, 'entry', encode(leaves.digests[b.place], 'hex'),
		'place', b.place, 'leaves', cardinality(b.entry_ids), 'path', usom._to_hex(usom._merkle_path(leaves.digests, b.place)),
		'header', encode(usom._block_header(b.org_id, b.node, b.block_no, b.sealed_at, b.entry_ids, b.entries_total, b.previous,
			b.system_id, b.sequence_at, b.next_xid, b.settled_to), 'hex'),
		'block', b.block_no, 'blocks', cardinality(chain.digests), 'block_path', usom._to_hex(usom._merkle_path(chain.digests, b.block_no)))
	INTO proof
	FROM (SELECT s.*, array_position(s.entry_ids, inclusion_proof.audit_entry_id) AS place FROM usom.audit_block s
			WHERE s.org_id = usom.current_org() AND s.last_id >= inclusion_proof.audit_entry_id
				AND s.entry_ids @> ARRAY[inclusion_proof.audit_entry_id]) AS b
		CROSS JOIN LATERAL (SELECT array_agg(e.digest ORDER BY i.n) AS digests
			FROM unnest(b.entry_ids) WITH ORDINALITY AS i (id, n)
				LEFT JOIN usom.audit_entry e ON e.org_id = b.org_id AND e.audit_entry_id = i.id) AS leaves
		CROSS JOIN LATERAL (SELECT array_agg(c.digest ORDER BY c.block_no) AS digests
			FROM usom.audit_block c WHERE c.org_id = b.org_id AND c.node = b.node) AS chain;
	IF proof IS NULL THEN
		RAISE EXCEPTION 'audit entry % is in no block', audit_entry_id USING
			ERRCODE = 'US906', DETAIL = 'Only what is sealed can be proven.', HINT = 'SELECT * FROM usom.seal_audit(); or look the entry up in usom.audit.';
	END IF;
	RETURN proof;
END
$$;
COMMENT ON FUNCTION usom.inclusion_proof(bigint) IS 'Proof that an entry of the audit is among those that the present digest seals: the siblings from the entry to the root of its block, and from the block to the root over all blocks (RFC 6962). Digests are hex. Who has it and the output of usom.export_digest() needs nothing else: see usom.check_inclusion(). Errors: US001, US006, US906 when the entry is unknown or not sealed yet. Example: SELECT usom.inclusion_proof(max(audit_entry_id)) FROM usom.audit;';

CREATE FUNCTION usom.check_inclusion(proof jsonb, digest jsonb) RETURNS boolean
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, usom, pg_temp
	AS $$
	SELECT coalesce(proof->'blocks' = digest->'blocks' AND decode(digest->>'tree', 'hex') = usom._merkle_climb(
		usom._block_digest(
			usom._merkle_climb(decode(proof->>'entry', 'hex'), (proof->>'leaves')::integer, (proof->>'place')::integer, usom._from_hex(proof->'path')),
			decode(proof->>'header', 'hex')),
		(proof->>'blocks')::integer, (proof->>'block')::integer, usom._from_hex(proof->'block_path')), false)
	$$;
COMMENT ON FUNCTION usom.check_inclusion(jsonb, jsonb) IS 'Does a proof of usom.inclusion_proof() lead from its entry to a digest of usom.export_digest()? False also when a part is missing. Reads no table: it can be asked in any database that has usom. The entry''s own digest is what usom._audit_digest() gives for its row. Errors: 22023, 22P02 and 22P03 for a proof that cannot be read. Example: SELECT usom.check_inclusion(usom.inclusion_proof(7), usom.export_digest());';

CREATE FUNCTION usom.consistency_proof(older jsonb) RETURNS jsonb
	LANGUAGE plpgsql STABLE STRICT
	SET search_path = pg_catalog, usom, pg_temp
	AS $$
DECLARE
	digests bytea[];
	first_blocks integer := (older->>'blocks')::integer;
BEGIN
	PERFORM usom._check_installed();
	SELECT array_agg(b.digest ORDER BY b.block_no) INTO digests
	FROM usom.audit_block b
	WHERE b.org_id = usom.current_org() AND b.node = coalesce((older->>'node')::smallint, current_setting('usom.node')::smallint);
	IF first_blocks IS NULL OR first_blocks < 1 OR first_blocks > coalesce(cardinality(digests), 0) THEN
		RAISE EXCEPTION 'the digest cannot be compared with the audit of this database' USING
			ERRCODE = 'US907', DETAIL = format('It is over %s blocks, here are %s.', coalesce(older->>'blocks', 'no'), coalesce(cardinality(digests), 0)),
			HINT = 'Give what usom.export_digest() returned; if it did, blocks are missing here: see usom.verify_audit().';
	END IF;
	RETURN jsonb_build_object('older', first_blocks, 'blocks', cardinality(digests),
		'proof', usom._to_hex(usom._merkle_consistency(digests, first_blocks)));
END
$$;
COMMENT ON FUNCTION usom.consistency_proof(jsonb) IS 'Proof that what an older digest of usom.export_digest() sealed is unchanged in what the present one seals: RFC 6962 section 2.1.2, some digests in hex, checked by usom.check_consistency(). Errors: US001, US006, US907 when the digest is of more blocks than there are. Example: SELECT usom.consistency_proof(older) FROM kept_digests;';

CREATE FUNCTION usom.check_consistency(proof jsonb, older jsonb, newer jsonb) RETURNS boolean
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, usom, pg_temp
	AS $$
	SELECT coalesce(proof->'older' = older->'blocks' AND proof->'blocks' = newer->'blocks' AND usom._merkle_is_consistent(
		(proof->>'older')::integer, (proof->>'blocks')::integer, decode(older->>'tree', 'hex'), decode(newer->>'tree', 'hex'),
		usom._from_hex(proof->'proof')), false)
	$$;
COMMENT ON FUNCTION usom.check_consistency(jsonb, jsonb, jsonb) IS 'Does a proof of usom.consistency_proof() lead from an older digest to a newer one? False also when a part is missing. Reads no table. Errors: 22023, 22P02 and 22P03 for a proof that cannot be read. Example: SELECT usom.check_consistency(usom.consistency_proof(older), older, usom.export_digest()) FROM kept_digests;';

CREATE FUNCTION usom._to_hex(digests bytea[]) RETURNS jsonb
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, usom, pg_temp
	AS $$SELECT coalesce(jsonb_agg(encode(d.digest, 'hex') ORDER BY d.n), '[]') FROM unnest(digests) WITH ORDINALITY AS d (digest, n)$$;
COMMENT ON FUNCTION usom._to_hex(bytea[]) IS 'Digests as an array of hex strings.';
REVOKE ALL ON FUNCTION usom._to_hex(bytea[]) FROM PUBLIC;

CREATE FUNCTION usom._from_hex(digests jsonb) RETURNS bytea[]
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, usom, pg_temp
	AS $$SELECT coalesce(array_agg(decode(d.hex, 'hex') ORDER BY d.n), '{}') FROM jsonb_array_elements_text(digests) WITH ORDINALITY AS d (hex, n)$$;
COMMENT ON FUNCTION usom._from_hex(jsonb) IS 'An array of hex strings as digests. Errors: 22023.';
REVOKE ALL ON FUNCTION usom._from_hex(jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION usom._from_hex(jsonb) TO PUBLIC;

-- No SET clause and no SECURITY DEFINER: with either, a procedure cannot commit.
CREATE PROCEDURE usom.tick()
	LANGUAGE plpgsql
	AS $$
DECLARE
	organisation bigint;
BEGIN
	PERFORM usom._check_installed();
	FOREACH organisation IN ARRAY ARRAY(SELECT o.org_id FROM usom.organisation AS o ORDER BY o.org_id) LOOP
		PERFORM * FROM usom._seal(organisation);
		COMMIT;
	END LOOP;
	FOREACH organisation IN ARRAY ARRAY(SELECT o.org_id FROM usom.organisation AS o ORDER BY o.org_id) LOOP
		PERFORM usom._convert_pre_orders(organisation);
		PERFORM usom._tell_back_in_stock(organisation);
		PERFORM usom._review_credits(organisation);
		PERFORM usom._tidy_fingerprints(organisation);
		COMMIT;
	END LOOP;
	PERFORM usom._retain();
	COMMIT;
END
$$;
COMMENT ON PROCEDURE usom.tick() IS 'What is to be done from time to time, for all organisations, each in a transaction of its own: seals the audit, gives stock to pre-orders that are released, tells who waits for a product that is in stock again, lets orders go on that there is credit for again, forgets which orders looked alike when no rule looks back so far, then erases people who are due by usom.retention. Limits of time never wait for it. For pg_cron or a timer, once a minute. Errors: US001; 2D000 inside a transaction block. Example: CALL usom.tick();';

/* ---- audit ---- */

-- verify_audit(): is what the audit says true, whole, and what is there?

-- ---- sums: all changes of a table together make its rows ----

CREATE FUNCTION usom._audit_key() RETURNS bytea
	AS 'MODULE_PATHNAME', 'usom__audit_key' LANGUAGE C VOLATILE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION usom._audit_key() IS 'Sixteen random bytes: the key of one comparison by usom._audit_sum().';
REVOKE ALL ON FUNCTION usom._audit_key() FROM PUBLIC;

CREATE FUNCTION usom._audit_siphash(key bytea, data bytea) RETURNS bigint
	AS 'MODULE_PATHNAME', 'usom__audit_siphash' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION usom._audit_siphash(bytea, bytea) IS 'SipHash-2-4 of data under a key of 16 bytes. Errors: 22023 for a key of another length. Source: Aumasson and Bernstein, SipHash: a fast short-input PRF, 2012.';
REVOKE ALL ON FUNCTION usom._audit_siphash(bytea, bytea) FROM PUBLIC;

CREATE FUNCTION usom._audit_sum_add(state internal, key bytea, audit_entry_id bigint, operation text, row_count integer, before bytea, after bytea)
	RETURNS internal
	AS 'MODULE_PATHNAME', 'usom__audit_sum_add' LANGUAGE C IMMUTABLE CALLED ON NULL INPUT PARALLEL SAFE COST 20;
COMMENT ON FUNCTION usom._audit_sum_add(internal, bytea, bigint, text, integer, bytea, bytea) IS 'Step of usom._audit_sum().';
REVOKE ALL ON FUNCTION usom._audit_sum_add(internal, bytea, bigint, text, integer, bytea, bytea) FROM PUBLIC;

CREATE FUNCTION usom._audit_sum_result(state internal) RETURNS bigint[]
	AS 'MODULE_PATHNAME', 'usom__audit_sum_result' LANGUAGE C IMMUTABLE CALLED ON NULL INPUT PARALLEL SAFE;
COMMENT ON FUNCTION usom._audit_sum_result(internal) IS 'End of usom._audit_sum().';
REVOKE ALL ON FUNCTION usom._audit_sum_result(internal) FROM PUBLIC;

CREATE AGGREGATE usom._audit_sum(key bytea, audit_entry_id bigint, operation text, row_count integer, before bytea, after bytea) (
	SFUNC = usom._audit_sum_add, STYPE = internal, SSPACE = 4096, FINALFUNC = usom._audit_sum_result, FINALFUNC_MODIFY = READ_ONLY, PARALLEL = SAFE);
COMMENT ON AGGREGATE usom._audit_sum(bytea, bigint, text, integer, bytea, bytea) IS 'Over entries: keyed hashes of the rows after less those of the rows before (modulo 2^64), number of rows after less before, a hash of their columns (0 where these differ), and the least entry whose images cannot be read, have another number of rows, or do not go with the operation. Over the images of live rows, as INSERTs of one: the same numbers, if the entries tell all that was done.';
REVOKE ALL ON FUNCTION usom._audit_sum(bytea, bigint, text, integer, bytea, bytea) FROM PUBLIC;

-- ---- the walk: each entry, and the links of each order ----

CREATE TYPE usom._audit_walked AS (entries bigint, audit_entry_id bigint, kind text, detail text);
COMMENT ON TYPE usom._audit_walked IS 'What usom._audit_walk() found.';

CREATE FUNCTION usom._audit_walk_step(state internal, entry record, prior bytea) RETURNS internal
	AS 'MODULE_PATHNAME', 'usom__audit_walk_step' LANGUAGE C IMMUTABLE CALLED ON NULL INPUT PARALLEL SAFE COST 30;
COMMENT ON FUNCTION usom._audit_walk_step(internal, record, bytea) IS 'Step of usom._audit_walk().';
REVOKE ALL ON FUNCTION usom._audit_walk_step(internal, record, bytea) FROM PUBLIC;

CREATE FUNCTION usom._audit_walk_result(state internal) RETURNS usom._audit_walked
	AS 'MODULE_PATHNAME', 'usom__audit_walk_result' LANGUAGE C IMMUTABLE CALLED ON NULL INPUT PARALLEL SAFE;
COMMENT ON FUNCTION usom._audit_walk_result(internal) IS 'End of usom._audit_walk().';
REVOKE ALL ON FUNCTION usom._audit_walk_result(internal) FROM PUBLIC;

CREATE AGGREGATE usom._audit_walk(entry record, prior bytea) (
	SFUNC = usom._audit_walk_step, STYPE = internal, SSPACE = 4096, FINALFUNC = usom._audit_walk_result, FINALFUNC_MODIFY = READ_ONLY, PARALLEL = SAFE);
COMMENT ON AGGREGATE usom._audit_walk(record, bytea) IS 'Over rows of usom.audit_entry that come by order and number: their number, and of all that are bad the one with the least key, with kind (entry_changed, entry_relinked, entry_missing, entry_renumbered) and detail. prior is the digest of the entry before, for walks that begin within orders.';
REVOKE ALL ON FUNCTION usom._audit_walk(record, bytea) FROM PUBLIC;

-- ---- blocks ----

CREATE FUNCTION usom._verify_blocks(org_id bigint, settled bigint[], above bigint,
	OUT entries bigint, OUT unsealed bigint, OUT audit_entry_id bigint, OUT kind text, OUT detail text) RETURNS record
	AS 'MODULE_PATHNAME', 'usom__verify_blocks' LANGUAGE C STABLE STRICT PARALLEL RESTRICTED
	SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom._verify_blocks(bigint, bigint[], bigint) IS 'Entries behind a key against the blocks that list them: how many there are, how many are in no block, and what is bad: entry_missing, entry_inserted (in no block, with a key that must be in one: settled says by node up to which), entry_sealed_twice with the least key, else entry_rewritten for the first block whose root is that of other entries. Nobody waits for it.';
REVOKE ALL ON FUNCTION usom._verify_blocks(bigint, bigint[], bigint) FROM PUBLIC;

CREATE FUNCTION usom._verify_audit_blocks(since timestamptz)
	RETURNS TABLE (kind text, audit_entry_id bigint, entity text, problem text, expected text, actual text)
	LANGUAGE plpgsql STABLE CALLED ON NULL INPUT
	SET search_path = pg_catalog, usom, pg_temp
	AS $$
BEGIN
	RETURN QUERY
	SELECT w.kind, NULL::bigint, format('block %s of node %s', b.block_no, b.node), w.problem, w.expected, w.actual
	FROM (
		SELECT s.*, lag(s.block_no, 1, 0) OVER w AS last_no, lag(s.digest) OVER w AS last_digest, lag(s.entries_total, 1, 0::bigint) OVER w AS last_total,
			lag(s.settled_to) OVER w AS last_settled, f.first_no,
			usom._block_digest(s.root, usom._block_header(s.org_id, s.node, s.block_no, s.sealed_at, s.entry_ids, s.entries_total, s.previous,
				s.system_id, s.sequence_at, s.next_xid, s.settled_to)) AS computed
		FROM usom.audit_block s
			CROSS JOIN LATERAL (
				SELECT CASE WHEN since IS NULL THEN 1 ELSE (SELECT min(o.block_no) FROM usom.audit_block o
					WHERE o.org_id = s.org_id AND o.node = s.node AND o.sealed_at >= since) END AS first_no) f
		WHERE s.org_id = usom.current_org() AND s.block_no >= f.first_no - 1
		WINDOW w AS (PARTITION BY s.node ORDER BY s.block_no)
	) b
		CROSS JOIN LATERAL (
			SELECT 'block_changed', 'its digest is not that of its columns', encode(b.computed, 'hex'), encode(b.digest, 'hex')
				WHERE b.digest IS DISTINCT FROM b.computed
			UNION ALL
			SELECT 'block_missing', format('the blocks before it are gone, from %s on', b.last_no + 1), NULL, NULL
				WHERE b.block_no <> b.last_no + 1
			UNION ALL
			SELECT 'block_relinked', 'it does not follow the block before it as that is now: one of the two was written anew', encode(b.last_digest, 'hex'), encode(b.previous, 'hex')
				WHERE b.block_no = b.last_no + 1 AND b.previous IS DISTINCT FROM b.last_digest
			UNION ALL
			SELECT 'block_changed', 'entries counted to this block', (b.last_total + cardinality(b.entry_ids))::text, b.entries_total::text
				WHERE b.block_no = b.last_no + 1 AND b.entries_total <> b.last_total + cardinality(b.entry_ids)
			UNION ALL
			SELECT 'block_changed', 'greatest key of its entries', b.entry_ids[cardinality(b.entry_ids)]::text, b.last_id::text
				WHERE b.last_id IS DISTINCT FROM b.entry_ids[cardinality(b.entry_ids)]
			UNION ALL
			SELECT 'block_changed', 'it leaves more open than the block before it', format('%s or more', b.last_settled), b.settled_to::text
				WHERE b.settled_to < b.last_settled
		) AS w (kind, problem, expected, actual)
	WHERE b.block_no >= b.first_no
	ORDER BY b.node, b.block_no;
END
$$;
COMMENT ON FUNCTION usom._verify_audit_blocks(timestamptz) IS 'Blocks that are not what they were, not all there, or not linked: block_changed, block_missing, block_relinked. since: of each node the blocks from the first that was sealed since then. Part of verify_audit().';
REVOKE ALL ON FUNCTION usom._verify_audit_blocks(timestamptz) FROM PUBLIC;

CREATE FUNCTION usom._verify_audit_digests(digests jsonb)
	RETURNS TABLE (kind text, audit_entry_id bigint, entity text, problem text, expected text, actual text)
	LANGUAGE plpgsql STABLE STRICT
	SET search_path = pg_catalog, usom, pg_temp
	AS $$
DECLARE
	kept jsonb;
BEGIN
	FOR kept IN SELECT d.value FROM jsonb_array_elements(CASE jsonb_typeof(digests) WHEN 'array' THEN digests ELSE jsonb_build_array(digests) END) d LOOP
		IF jsonb_typeof(kept->'blocks') IS DISTINCT FROM 'number' OR (kept->>'org_id')::bigint IS DISTINCT FROM usom.current_org() THEN
			RAISE EXCEPTION 'the digest cannot be compared with the audit of this organisation' USING
				ERRCODE = 'US907', DETAIL = format('It is of organisation %s, this is organisation %s.', coalesce(kept->>'org_id', 'none'), usom.current_org()),
				HINT = 'Give what usom.export_digest() returned here, one digest or an array of them.';
		END IF;
		CONTINUE WHEN kept->'blocks' = '0';
		RETURN QUERY
		SELECT CASE WHEN b.blocks < (kept->>'blocks')::integer THEN 'truncated' ELSE 'rewritten' END, NULL::bigint,
			format('digest of %s', kept->>'sealed_at'),
			CASE WHEN b.blocks < (kept->>'blocks')::integer THEN 'blocks were there that are gone' ELSE 'what was sealed until then is not what it was' END,
			CASE WHEN b.blocks < (kept->>'blocks')::integer THEN kept->>'blocks' ELSE kept->>'tree' END,
			CASE WHEN b.blocks < (kept->>'blocks')::integer THEN b.blocks::text ELSE b.tree END
		FROM (SELECT count(*)::integer AS blocks, encode(usom._merkle_root(array_agg(s.digest ORDER BY s.block_no)), 'hex') AS tree,
				(array_agg(s.entries_total ORDER BY s.block_no DESC))[1] AS entries
			FROM usom.audit_block s
			WHERE s.org_id = usom.current_org() AND s.node = coalesce((kept->>'node')::smallint, current_setting('usom.node')::smallint)
				AND s.block_no <= (kept->>'blocks')::integer) b
		WHERE b.blocks < (kept->>'blocks')::integer OR b.tree IS DISTINCT FROM kept->>'tree';
	END LOOP;
END
$$;
COMMENT ON FUNCTION usom._verify_audit_digests(jsonb) IS 'What was sealed against digests that were kept outside: truncated, rewritten. One digest of usom.export_digest(), or an array of them. Errors: US907 for a digest of something else. Part of verify_audit().';
REVOKE ALL ON FUNCTION usom._verify_audit_digests(jsonb) FROM PUBLIC;

-- The index of the chains gives the order of the walk: a sort would need as
-- much room as the entries.
CREATE FUNCTION usom._verify_audit_entries(above bigint)
	RETURNS TABLE (kind text, audit_entry_id bigint, entity text, problem text, expected text, actual text)
	LANGUAGE plpgsql STABLE CALLED ON NULL INPUT
	SET search_path = pg_catalog, usom, pg_temp
	SET enable_sort = off
	SET jit = off
	SET max_parallel_workers_per_gather = 0
	AS $$
DECLARE
	org bigint := usom.current_org();
	settled bigint[] := ARRAY(
		SELECT (SELECT b.settled_to FROM usom.audit_block b WHERE b.org_id = org AND b.node = n ORDER BY b.block_no DESC LIMIT 1)
		FROM generate_series(0, (SELECT max(m.node) FROM usom.audit_block m WHERE m.org_id = org)) n ORDER BY n);
	walked usom._audit_walked;
BEGIN
	IF above IS NULL THEN
		SELECT w.* INTO walked FROM (
			SELECT usom._audit_walk(e, NULL) AS w
			FROM ((SELECT * FROM usom.audit_entry c WHERE c.org_id = org AND c.sales_order_id IS NOT NULL ORDER BY c.sales_order_id, c.entry_no)
				UNION ALL SELECT * FROM usom.audit_entry o WHERE o.org_id = org AND o.sales_order_id IS NULL) e) r, LATERAL (SELECT (r.w).*) w;
	ELSE
		SELECT w.* INTO walked FROM (
			SELECT usom._audit_walk(e, CASE WHEN e.entry_no > 1 THEN (SELECT p.digest FROM usom.audit_entry p
				WHERE p.org_id = org AND p.sales_order_id = e.sales_order_id AND p.entry_no = e.entry_no - 1) END) AS w
			FROM (SELECT * FROM usom.audit_entry c WHERE c.org_id = org AND c.audit_entry_id > above ORDER BY c.sales_order_id, c.entry_no) e) r,
			LATERAL (SELECT (r.w).*) w;
	END IF;
	RETURN QUERY
	SELECT f.kind, f.id, coalesce(format('audit entry %s', f.id), 'audit'), f.detail, NULL::text, NULL::text
	FROM (SELECT walked.kind, walked.audit_entry_id, walked.detail, 2
		UNION ALL SELECT b.kind, b.audit_entry_id, b.detail, 1 FROM usom._verify_blocks(org, settled, coalesce(above, -1)) b) AS f (kind, id, detail, n)
	WHERE f.kind IS NOT NULL
	ORDER BY f.id, f.n;
END
$$;
COMMENT ON FUNCTION usom._verify_audit_entries(bigint) IS 'Entries that are not what they were, not all there, or not linked: by their digests, by the links of their orders, by the blocks that list them; of each of the two the first. above: those behind that key alone. Part of verify_audit().';
REVOKE ALL ON FUNCTION usom._verify_audit_entries(bigint) FROM PUBLIC;

-- ---- rows ----

CREATE FUNCTION usom._audited_tables() RETURNS TABLE (relation text, known boolean, key_columns text[])
	LANGUAGE sql STABLE STRICT
	SET search_path = pg_catalog, usom, pg_temp
	AS $$
	-- those that the steps of the library audit, whether their triggers are there or not, and those that anybody audits
	SELECT t.relation, bool_or(t.known), (
		SELECT array_agg(a.attname::text ORDER BY k.n)
		FROM pg_index i CROSS JOIN LATERAL unnest(i.indkey) WITH ORDINALITY AS k (attnum, n)
			JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
		WHERE i.indrelid = to_regclass(format('usom.%I', t.relation)) AND i.indisprimary AND (k.n > 1 OR i.indnkeyatts = 1))
	FROM (SELECT e.relation, true AS known FROM usom._expected_triggers() e WHERE e.area = 'audit triggers'
		UNION SELECT c.relname, false FROM pg_trigger g JOIN pg_class c ON c.oid = g.tgrelid
			WHERE c.relnamespace = 'usom'::regnamespace AND g.tgfoid = 'usom.audit_statement()'::regprocedure) AS t
	GROUP BY t.relation
	$$;
COMMENT ON FUNCTION usom._audited_tables() IS 'Tables whose rows the audit tells, whether usom itself wants it so, and the columns of their keys but org_id.';
REVOKE ALL ON FUNCTION usom._audited_tables() FROM PUBLIC;

CREATE FUNCTION usom._live_sum(key bytea, relation text) RETURNS bigint[]
	LANGUAGE plpgsql STABLE STRICT
	SET search_path = pg_catalog, usom, pg_temp
	AS $$
DECLARE
	total bigint[];
BEGIN
	EXECUTE format('SELECT usom._audit_sum($1, NULL, ''INSERT'', 1, NULL, usom._audit_image(live_row)) FROM usom.%I live_row WHERE live_row.org_id = $2', relation)
		INTO total USING key, usom.current_org();
	RETURN coalesce(total, '{0,0,0}');
END
$$;
COMMENT ON FUNCTION usom._live_sum(bytea, text) IS 'usom._audit_sum() of the rows of a table as they are.';
REVOKE ALL ON FUNCTION usom._live_sum(bytea, text) FROM PUBLIC;

-- Marks are added as numbers: where the audit tells all, those after less those
-- before are that of the live row.  Behind a key, one of the rows before may be
-- the one that all began with.
CREATE FUNCTION usom._audit_suspects(table_name text, key_columns text[], above bigint) RETURNS SETOF bigint
	LANGUAGE plpgsql STABLE CALLED ON NULL INPUT
	SET search_path = pg_catalog, usom, pg_temp
	AS $$
DECLARE
	live text := CASE WHEN above IS NULL THEN format('usom.%I live_row', table_name)
		ELSE format('(SELECT kept_row.* FROM (SELECT DISTINCT ON (r.key) r.image FROM usom.audit_entry e,
				ROWS FROM (usom._audit_rows(coalesce(e.after, e.before)), usom._audit_marks(coalesce(e.after, e.before), $3)) AS r (image, key, mark)
				WHERE e.org_id = $1 AND e.table_name = $2 AND e.audit_entry_id > $4) touched,
			jsonb_populate_record(NULL::usom.%1$I, touched.image) told_row JOIN usom.%1$I kept_row ON kept_row.org_id = $1 AND %2$s) live_row', table_name,
			(SELECT string_agg(format('kept_row.%1$I = told_row.%1$I', k), ' AND ') FROM unnest(key_columns) k)) END;
BEGIN
	RETURN QUERY EXECUTE format($query$
		WITH told AS (
			SELECT m.key, sum(m.mark::numeric * i.sign) AS mark, array_agg(m.mark) FILTER (WHERE i.sign < 0 AND $4 IS NOT NULL) AS starts
			FROM usom.audit_entry e
				CROSS JOIN LATERAL (VALUES (e.before, -1), (e.after, 1)) AS i (image, sign)
				CROSS JOIN LATERAL usom._audit_marks(i.image, $3) m
			WHERE e.org_id = $1 AND e.table_name = $2 AND ($4 IS NULL OR e.audit_entry_id > $4)
			GROUP BY m.key
		), live AS (
			SELECT m.key, sum(m.mark::numeric) AS mark FROM %s, usom._audit_marks(usom._audit_image(live_row), $3) m WHERE live_row.org_id = $1 GROUP BY m.key
		)
		SELECT coalesce(a.key, l.key) FROM told a FULL JOIN live l USING (key)
		WHERE coalesce(l.mark, 0) <> coalesce(a.mark, 0) AND (coalesce(l.mark, 0) - a.mark = ANY (a.starts)) IS NOT TRUE
		$query$, live)
	USING usom.current_org(), table_name, key_columns, above;
END
$$;
COMMENT ON FUNCTION usom._audit_suspects(text, text[], bigint) IS 'Hashes of the keys of those rows of a table that do not follow from their entries; _verify_audit_table() looks at them closely. above: only rows that entries behind that key tell of.';
REVOKE ALL ON FUNCTION usom._audit_suspects(text, text[], bigint) FROM PUBLIC;

-- A trigger of a row may change the row again before the entry of its own
-- statement is written, so within a transaction entries of a row may stand in
-- any order, and any image of the last one may be the last.  Columns that came
-- later are in no old image.
CREATE FUNCTION usom._verify_audit_table(table_name text, key_columns text[], suspects bigint[])
	RETURNS TABLE (kind text, audit_entry_id bigint, entity text, problem text, expected text, actual text)
	LANGUAGE plpgsql STABLE STRICT
	SET search_path = pg_catalog, usom, pg_temp
	SET timezone = 'UTC'
	SET bytea_output = 'hex'
	SET extra_float_digits = 1
	AS $$
BEGIN
	RETURN QUERY EXECUTE format($query$
		WITH suspect AS (
			SELECT unnest($4) AS key
		), told AS MATERIALIZED (
			-- rows by their place within the entry: that before and that after
			SELECT m.key, e.audit_entry_id AS id, e.transaction_id AS tx, e.operation, b.image AS before, a.image AS after,
				coalesce(a.image, b.image) AS image, row_number() OVER w = 1 AS newest, first_value(e.transaction_id) OVER w = e.transaction_id AS recent
			FROM usom.audit_entry e
				CROSS JOIN LATERAL usom._audit_marks(coalesce(e.after, e.before), $3) WITH ORDINALITY AS m (key, mark, n)
				JOIN suspect USING (key)
				LEFT JOIN LATERAL usom._audit_rows(e.before) WITH ORDINALITY AS b (image, n) ON b.n = m.n
				LEFT JOIN LATERAL usom._audit_rows(e.after) WITH ORDINALITY AS a (image, n) ON a.n = m.n
			WHERE e.org_id = $1 AND e.table_name = $2
			WINDOW w AS (PARTITION BY m.key ORDER BY e.audit_entry_id & $5 DESC, e.audit_entry_id DESC)
		), live AS (
			-- as the audit would show it: of secrets a digest
			SELECT m.key, live_shown AS image
			FROM usom.%I live_row, usom._audit_image(live_row) live_image, usom._audit_rows(live_image) live_shown,
				usom._audit_marks(live_image, $3) m JOIN suspect USING (key)
			WHERE live_row.org_id = $1
		), last AS (
			SELECT l.key, l.id, l.image AS shown, CASE WHEN l.operation <> 'DELETE' THEN l.image END AS image FROM told l WHERE l.newest
		), gap AS (
			SELECT g.* FROM (
				SELECT t.*, lag(t.after) OVER w AS prior, lag(t.tx) OVER w AS prior_tx, lag(t.id) OVER w AS prior_id
				FROM told t WINDOW w AS (PARTITION BY t.key ORDER BY t.id & $5, t.id)) g
			WHERE g.prior_tx IS DISTINCT FROM g.tx AND ((g.before IS NULL) <> (g.prior IS NULL)
				OR EXISTS (SELECT FROM jsonb_each(g.prior) c WHERE g.before ? c.key AND g.before->c.key <> c.value))
		)
		SELECT f.kind, f.id, format('%%s %%s', $2, (SELECT string_agg(f.shown->>k.name, '/' ORDER BY k.n) FROM unnest($3) WITH ORDINALITY AS k (name, n))),
			f.problem, f.expected::text, f.actual::text
		FROM (
			SELECT CASE WHEN l.image IS NULL THEN 'row_missing' WHEN x.image IS NULL THEN 'row_unknown' ELSE 'row_changed' END AS kind, x.id,
				CASE WHEN l.image IS NULL THEN 'the row is gone, the audit knows nothing of it'
					WHEN x.image IS NULL THEN 'the row is there, the audit knows nothing of it'
					ELSE 'the row differs from its last image' END AS problem,
				CASE WHEN l.image IS NULL THEN x.image ELSE d.expected END AS expected,
				CASE WHEN x.image IS NULL THEN l.image ELSE d.actual END AS actual, coalesce(l.image, x.shown) AS shown
			FROM last x
				FULL JOIN live l USING (key)
				CROSS JOIN LATERAL (
					SELECT jsonb_object_agg(c.key, c.value) AS expected, jsonb_object_agg(c.key, l.image->c.key) AS actual
					FROM jsonb_each(x.image) c WHERE l.image ? c.key AND l.image->c.key <> c.value) d
			WHERE (l.image IS NULL) <> (x.image IS NULL) OR d.expected IS NOT NULL
				AND NOT EXISTS (SELECT FROM told o WHERE o.key = x.key AND o.recent AND NOT o.newest AND l.image @> o.image)
			UNION ALL
			SELECT 'change_missing', g.id, format('the row is not as entry %%s left it, no entry tells of the change', coalesce(g.prior_id::text, '0')),
				CASE WHEN g.before IS NULL OR g.prior IS NULL THEN g.prior ELSE d.expected END,
				CASE WHEN g.before IS NULL OR g.prior IS NULL THEN g.before ELSE d.actual END, coalesce(g.before, g.after)
			FROM gap g
				CROSS JOIN LATERAL (
					SELECT jsonb_object_agg(c.key, c.value) AS expected, jsonb_object_agg(c.key, g.before->c.key) AS actual
					FROM jsonb_each(g.prior) c WHERE g.before ? c.key AND g.before->c.key <> c.value) d
		) f
		ORDER BY 3, 2
		$query$, table_name)
	USING usom.current_org(), table_name, key_columns, suspects, (1::bigint << 53) - 1;
END
$$;
COMMENT ON FUNCTION usom._verify_audit_table(text, text[], bigint[]) IS 'Why rows of a table do not follow from their entries: row_changed, row_missing, row_unknown for what is there now, change_missing where an entry does not begin as the one before it ended. Columns that came after an image was written are not compared. Part of verify_audit().';
REVOKE ALL ON FUNCTION usom._verify_audit_table(text, text[], bigint[]) FROM PUBLIC;

CREATE FUNCTION usom._verify_audit_images(ids bigint[])
	RETURNS TABLE (kind text, audit_entry_id bigint, entity text, problem text, expected text, actual text)
	LANGUAGE plpgsql STABLE STRICT
	SET search_path = pg_catalog, usom, pg_temp
	AS $$
BEGIN
	RETURN QUERY
	SELECT CASE WHEN i.counted < 0 THEN 'image_unreadable' ELSE 'image_misfit' END, e.audit_entry_id, format('audit entry %s', e.audit_entry_id),
		CASE WHEN i.counted < 0 THEN format('the image %s cannot be read', i.side)
			ELSE format('the image %s has another number of rows', i.side) END,
		format('%s rows', e.row_count), CASE WHEN i.counted >= 0 THEN format('%s rows', i.counted) END
	FROM usom.audit_entry e
		CROSS JOIN LATERAL (VALUES ('before', usom._audit_count(e.before)), ('after', usom._audit_count(e.after))) AS i (side, counted)
	WHERE e.org_id = usom.current_org() AND e.audit_entry_id = ANY (ids) AND i.counted <> e.row_count
	UNION ALL
	SELECT 'image_misfit', e.audit_entry_id, format('audit entry %s', e.audit_entry_id), 'the operation does not go with the images',
		CASE e.operation WHEN 'INSERT' THEN 'after' WHEN 'DELETE' THEN 'before' WHEN 'UPDATE' THEN 'before, after' END,
		concat_ws(', ', CASE WHEN e.before IS NOT NULL THEN 'before' END, CASE WHEN e.after IS NOT NULL THEN 'after' END)
	FROM usom.audit_entry e
	WHERE e.org_id = usom.current_org() AND e.audit_entry_id = ANY (ids) AND (e.operation NOT IN ('INSERT', 'UPDATE', 'DELETE')
		OR (e.operation <> 'INSERT') <> (e.before IS NOT NULL) OR (e.operation <> 'DELETE') <> (e.after IS NOT NULL))
	ORDER BY 2, 4;
END
$$;
COMMENT ON FUNCTION usom._verify_audit_images(bigint[]) IS 'What is wrong with the images of entries: they cannot be read (image_unreadable), have another number of rows than the entry says or do not go with its operation (image_misfit). Part of verify_audit().';
REVOKE ALL ON FUNCTION usom._verify_audit_images(bigint[]) FROM PUBLIC;

CREATE FUNCTION usom._verify_audit_rows(above bigint)
	RETURNS TABLE (kind text, audit_entry_id bigint, entity text, problem text, expected text, actual text)
	LANGUAGE plpgsql STABLE CALLED ON NULL INPUT
	SET search_path = pg_catalog, usom, pg_temp
	AS $$
DECLARE
	key bytea := usom._audit_key();
	told record;
	live bigint[];
	suspects bigint[];
BEGIN
	-- rows of a few entries are looked up one by one; of many, all rows are compared sooner
	IF 20 * (SELECT count(*) FROM usom.audit_entry e WHERE e.org_id = usom.current_org() AND e.audit_entry_id > above)
			> (SELECT greatest(c.reltuples, 1000) FROM pg_class c WHERE c.oid = 'usom.audit_entry'::regclass) THEN
		above := NULL;
	END IF;
	FOR told IN
		SELECT t.relation, t.known, t.key_columns, coalesce(s.total, '{0,0,0}') AS total, s.table_name IS NOT NULL AS touched
		FROM usom._audited_tables() t
			FULL JOIN (SELECT e.table_name, usom._audit_sum(key, e.audit_entry_id, e.operation, e.row_count, e.before, e.after) AS total
				FROM usom.audit_entry e WHERE e.org_id = usom.current_org() AND (above IS NULL OR e.audit_entry_id > above) GROUP BY e.table_name) s
				ON s.table_name = t.relation
		WHERE s.total[4] IS NOT NULL OR t.relation IS NOT NULL
		ORDER BY coalesce(t.relation, s.table_name)
	LOOP
		IF told.total[4] IS NOT NULL THEN
			RETURN QUERY SELECT * FROM usom._verify_audit_images(ARRAY[told.total[4]]);
			CONTINUE;
		END IF;
		IF to_regclass(format('usom.%I', told.relation)) IS NULL THEN
			RETURN QUERY SELECT 'row_missing', NULL::bigint, told.relation, 'the table is gone', told.total[2] || ' rows', NULL::text WHERE told.known;
			CONTINUE;
		END IF;
		IF NOT has_table_privilege(format('usom.%I', told.relation), 'SELECT') THEN
			RETURN QUERY SELECT 'table_unreadable', NULL::bigint, told.relation, 'the owner of the tables cannot read it', NULL::text, NULL::text;
			CONTINUE;
		END IF;
		IF above IS NULL THEN
			live := usom._live_sum(key, told.relation);
		END IF;
		CONTINUE WHEN CASE WHEN above IS NULL THEN live = told.total ELSE NOT told.touched END;
		suspects := ARRAY(SELECT usom._audit_suspects(told.relation, told.key_columns, above));
		RETURN QUERY SELECT * FROM usom._verify_audit_table(told.relation, told.key_columns, suspects);
		-- the sums are exact where all rows have the same columns
		IF NOT FOUND AND above IS NULL AND live[3] = told.total[3] THEN
			RETURN QUERY SELECT 'row_changed', NULL::bigint, told.relation, 'the rows do not follow from their entries', told.total[2] || ' rows', live[2] || ' rows';
		END IF;
	END LOOP;
END
$$;
COMMENT ON FUNCTION usom._verify_audit_rows(bigint) IS 'Rows of all audited tables that do not follow from their entries, after images that cannot be read. above: only rows that entries behind that key tell of, unless these are many. Part of verify_audit().';
REVOKE ALL ON FUNCTION usom._verify_audit_rows(bigint) FROM PUBLIC;

-- ---- all of it ----

-- Entries up to this key were all sealed before that time, and whatever was
-- sealed later has a greater one.
CREATE FUNCTION usom._sealed_before(since timestamptz) RETURNS bigint
	LANGUAGE sql STABLE STRICT
	SET search_path = pg_catalog, usom, pg_temp
	AS $$
	SELECT coalesce((
		SELECT b.settled_to FROM usom.audit_block b
		WHERE b.org_id = o.org_id AND b.node = o.least >> 53
			AND b.block_no < coalesce((SELECT min(l.block_no) FROM usom.audit_block l
				WHERE l.org_id = o.org_id AND l.node = b.node AND l.sealed_at >= since), b.block_no + 1)
		ORDER BY b.block_no DESC LIMIT 1), -1)
	FROM (SELECT e.org_id, e.audit_entry_id AS least FROM usom.audit_entry e WHERE e.org_id = usom.current_org() ORDER BY e.audit_entry_id LIMIT 1) o
	$$;
COMMENT ON FUNCTION usom._sealed_before(timestamptz) IS 'Key behind which all entries stand that were sealed since then or are not sealed yet; of the lowest node that has entries, as those of higher nodes stand behind it anyway.';
REVOKE ALL ON FUNCTION usom._sealed_before(timestamptz) FROM PUBLIC;

CREATE FUNCTION usom._verify_audit_parts(since timestamptz, digests jsonb)
	RETURNS TABLE (kind text, audit_entry_id bigint, entity text, problem text, expected text, actual text)
	LANGUAGE plpgsql STABLE CALLED ON NULL INPUT
	SET search_path = pg_catalog, usom, pg_temp
	AS $$
DECLARE
	above bigint;
BEGIN
	above := usom._sealed_before(since);
	RETURN QUERY SELECT * FROM usom._verify_audit_blocks(since);
	RETURN QUERY SELECT * FROM usom._verify_audit_entries(above);
	RETURN QUERY SELECT * FROM usom._verify_audit_digests(digests);
	RETURN QUERY SELECT * FROM usom._verify_audit_rows(above);
EXCEPTION WHEN data_corrupted OR index_corrupted OR data_exception OR internal_error THEN
	IF SQLSTATE IN ('22023', '22P02') THEN
		RAISE;
	END IF;
	kind := 'page_unreadable';
	entity := 'audit';
	problem := 'what is stored cannot be read';
	actual := SQLERRM;
	RETURN NEXT;
END
$$;
COMMENT ON FUNCTION usom._verify_audit_parts(timestamptz, jsonb) IS 'All parts of verify_audit(), one after the other, what is bad in the order in which it is told.';
REVOKE ALL ON FUNCTION usom._verify_audit_parts(timestamptz, jsonb) FROM PUBLIC;

CREATE FUNCTION usom.verify_entries(since timestamptz DEFAULT NULL, digests jsonb DEFAULT NULL)
	RETURNS TABLE (area text, entity text, problem text, expected text, actual text)
	AS 'MODULE_PATHNAME', 'usom_verify_entries' LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL UNSAFE
	SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.verify_entries(timestamptz, jsonb) IS 'What is wrong with the audit of the organisation, a row each, empty when all is well: the findings behind usom.verify_audit(), which has the arguments explained. Of entries that are bad in the same way the first alone; all rows of tables that do not follow from their entries. Errors: US001, US006, US907. Example: SELECT * FROM usom.verify_entries();';
REVOKE ALL ON FUNCTION usom.verify_entries(timestamptz, jsonb) FROM PUBLIC;

CREATE FUNCTION usom.verify_audit(since timestamptz DEFAULT NULL, digests jsonb DEFAULT NULL)
	RETURNS TABLE (ok boolean, audit_entry_id bigint, kind text, detail text)
	AS 'MODULE_PATHNAME', 'usom_verify_audit' LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL UNSAFE ROWS 1
	SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.verify_audit(timestamptz, jsonb) IS 'Is the audit of the organisation true, whole, and does it tell how all rows came to be what they are? One row: ok, true or false and never null, and the first thing that is bad, with its entry if it is one. Recomputes the digest of every entry, the links within orders, the trees and links of blocks, and compares all rows with their images. since: only what was sealed since then or is not sealed yet, and rows that it tells of. digests: what usom.export_digest() returned earlier, one or an array; without one kept outside, what an owner of the tables rewrote consistently or cut off at the end is not seen: see doc/audit.md. kind: block_changed, block_missing, block_relinked, entry_changed, entry_missing, entry_inserted, entry_relinked, entry_renumbered, entry_sealed_twice, entry_rewritten, truncated, rewritten, image_unreadable, image_misfit, row_changed, row_missing, row_unknown, change_missing, table_unreadable, page_unreadable. One snapshot: it may run while others work. Errors: US001, US006, US907 for a digest of something else. Example: SELECT ok, kind, detail FROM usom.verify_audit(digests => ''{"org_id": 1, "node": 0, "blocks": 0}'');';
REVOKE ALL ON FUNCTION usom.verify_audit(timestamptz, jsonb) FROM PUBLIC;

/* ---- party ---- */

-- A default and a filter of every table: a SET clause would cost more than the function.
CREATE FUNCTION usom.current_org() RETURNS bigint
	AS 'MODULE_PATHNAME', 'usom_current_org' LANGUAGE C STABLE STRICT PARALLEL RESTRICTED;
COMMENT ON FUNCTION usom.current_org() IS 'Key of the organisation that the setting usom.org names. Errors: US001; 42501 if the role does not work for it; for superusers US006 if there is none. Example: SELECT usom.current_org();';

CREATE FUNCTION usom.default_currency() RETURNS text
	AS 'MODULE_PATHNAME', 'usom_default_currency' LANGUAGE C STABLE STRICT PARALLEL RESTRICTED
	SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.default_currency() IS 'ISO 4217 code that the caller''s organisation uses unless a document says otherwise. Errors: US001, US006. Example: SELECT usom.default_currency();';

CREATE FUNCTION usom.channel_id(code text) RETURNS bigint
	AS 'MODULE_PATHNAME', 'usom_channel_id' LANGUAGE C STABLE STRICT PARALLEL RESTRICTED
	SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.channel_id(text) IS 'Key of a channel of the caller''s organisation. Errors: US001, US006. Example: SELECT usom.channel_id(''web'');';

CREATE FUNCTION usom.customer_id(code text) RETURNS bigint
	AS 'MODULE_PATHNAME', 'usom_customer_id' LANGUAGE C STABLE STRICT PARALLEL RESTRICTED
	SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.customer_id(text) IS 'Key of a customer of the caller''s organisation. Errors: US001, US006. Example: SELECT usom.customer_id(''17850'');';

CREATE FUNCTION usom.next_document_no(kind text) RETURNS text
	AS 'MODULE_PATHNAME', 'usom_next_document_no' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE
	SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.next_document_no(text) IS 'Next number for a document of the caller''s organisation. kind: order, shipment, return, supply, make or consolidation. Gap-free counters make their callers queue until commit. Errors: US001, US006. Example: SELECT usom.next_document_no(''order'');';

CREATE FUNCTION usom.furnish_organisation() RETURNS trigger
	LANGUAGE plpgsql
	SET search_path = pg_catalog, usom, pg_temp
	AS $$
BEGIN
	INSERT INTO usom.document_counter (org_id, kind, prefix)
	VALUES (NEW.org_id, 'order', 'SO-'), (NEW.org_id, 'shipment', 'SH-'), (NEW.org_id, 'return', 'RT-'), (NEW.org_id, 'supply', 'SU-'), (NEW.org_id, 'make', 'MO-'), (NEW.org_id, 'run', 'BR-'), (NEW.org_id, 'consolidation', 'CN-'), (NEW.org_id, 'package', 'PK-'), (NEW.org_id, 'manifest', 'MF-'), (NEW.org_id, 'appointment', 'AP-');
	INSERT INTO usom.channel (org_id, code, name)
	VALUES
		(NEW.org_id, 'web', 'Web shop'), (NEW.org_id, 'pos', 'Shop counter'), (NEW.org_id, 'phone', 'Telephone'),
		(NEW.org_id, 'rep', 'Sales representative'), (NEW.org_id, 'edi', 'EDI'), (NEW.org_id, 'marketplace', 'Marketplace'),
		(NEW.org_id, 'manual', 'Manual entry');
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION usom.furnish_organisation() IS 'Trigger AFTER INSERT of an organisation: gives it document counters and the usual channels.';
REVOKE ALL ON FUNCTION usom.furnish_organisation() FROM PUBLIC;

CREATE FUNCTION usom._access_changed() RETURNS trigger
	AS 'MODULE_PATHNAME', 'usom__access_changed' LANGUAGE C
	SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom._access_changed() IS 'Trigger AFTER a row of usom.access changed: every session looks again at what it may do.';
REVOKE ALL ON FUNCTION usom._access_changed() FROM PUBLIC;

CREATE TYPE usom._address_row AS (
	address_id bigint,
	person_id bigint,
	name text,
	line1 text,
	line2 text,
	postcode text,
	city text,
	region text,
	country text,
	latitude double precision,
	longitude double precision,
	verdict text
);
COMMENT ON TYPE usom._address_row IS 'How addresses travel from the library to usom.address.';

CREATE FUNCTION usom._is_sealed(string text) RETURNS boolean
	AS 'MODULE_PATHNAME', 'usom__is_sealed' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION usom._is_sealed(text) IS 'Has the text the form of a sealed one, or is it empty: what a column about people may hold. Constraints check it, so everybody may call it.';
REVOKE ALL ON FUNCTION usom._is_sealed(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION usom._is_sealed(text) TO PUBLIC;

-- Views check functions against who reads them, so everybody may call it; it opens nothing for those without rights on usom.vault_key.
CREATE FUNCTION usom._open(org_id bigint, sealed text) RETURNS text
	AS 'MODULE_PATHNAME', 'usom__open' LANGUAGE C STABLE STRICT PARALLEL RESTRICTED COST 50;
COMMENT ON FUNCTION usom._open(bigint, text) IS 'A sealed text in clear, for roles that may SELECT from usom.vault_key; null for others, after the person was erased, and for bytes that were tampered with. A text that is not sealed is given back.';
REVOKE ALL ON FUNCTION usom._open(bigint, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION usom._open(bigint, text) TO PUBLIC;

CREATE FUNCTION usom._seal_state(org_id bigint, string text) RETURNS text
	AS 'MODULE_PATHNAME', 'usom__seal_state' LANGUAGE C STABLE STRICT PARALLEL RESTRICTED COST 50;
COMMENT ON FUNCTION usom._seal_state(bigint, text) IS 'What a text of a column about people is: sealed, erased (sealed, and there is no key any more), broken (sealed, and cannot be opened with the key), empty or clear. Part of verify_vault().';
REVOKE ALL ON FUNCTION usom._seal_state(bigint, text) FROM PUBLIC;

CREATE FUNCTION usom._has_key(org_id bigint, person_id bigint) RETURNS boolean
	AS 'MODULE_PATHNAME', 'usom__has_key' LANGUAGE C STABLE STRICT PARALLEL RESTRICTED COST 20;
COMMENT ON FUNCTION usom._has_key(bigint, bigint) IS 'Is there a key of the person? Part of verify_vault().';
REVOKE ALL ON FUNCTION usom._has_key(bigint, bigint) FROM PUBLIC;

CREATE FUNCTION usom._contact_digest(org_id bigint, kind text, sealed text) RETURNS bytea
	AS 'MODULE_PATHNAME', 'usom__contact_digest' LANGUAGE C STABLE STRICT PARALLEL RESTRICTED COST 50;
COMMENT ON FUNCTION usom._contact_digest(bigint, text, text) IS 'What usom.vault_index should hold of a sealed e-mail or phone (kind); null if it cannot be opened or finds nobody. Part of verify_vault().';
REVOKE ALL ON FUNCTION usom._contact_digest(bigint, text, text) FROM PUBLIC;

CREATE FUNCTION usom._seal_customer() RETURNS trigger
	AS 'MODULE_PATHNAME', 'usom__seal_customer' LANGUAGE C;
COMMENT ON FUNCTION usom._seal_customer() IS 'Trigger BEFORE INSERT or UPDATE of a row of customer: seals name, email and phone. Errors: US904.';
REVOKE ALL ON FUNCTION usom._seal_customer() FROM PUBLIC;

CREATE FUNCTION usom._seal_address() RETURNS trigger
	AS 'MODULE_PATHNAME', 'usom__seal_address' LANGUAGE C;
COMMENT ON FUNCTION usom._seal_address() IS 'Trigger BEFORE INSERT or UPDATE of a row of customer_address: seals its texts, rounds its degrees, draws the key of its snapshot. Errors: US904.';
REVOKE ALL ON FUNCTION usom._seal_address() FROM PUBLIC;

CREATE FUNCTION usom._customer_written() RETURNS trigger
	AS 'MODULE_PATHNAME', 'usom__customer_written' LANGUAGE C;
COMMENT ON FUNCTION usom._customer_written() IS 'Trigger AFTER INSERT or UPDATE of customer, with transition tables: writes the keys of new customers and what customers are found by.';
REVOKE ALL ON FUNCTION usom._customer_written() FROM PUBLIC;

CREATE FUNCTION usom._address_written() RETURNS trigger
	AS 'MODULE_PATHNAME', 'usom__address_written' LANGUAGE C;
COMMENT ON FUNCTION usom._address_written() IS 'Trigger AFTER INSERT or UPDATE of customer_address, with transition tables: writes the snapshots that orders refer to.';
REVOKE ALL ON FUNCTION usom._address_written() FROM PUBLIC;

CREATE FUNCTION usom.find_customers(contact text) RETURNS TABLE (customer text)
	AS 'MODULE_PATHNAME', 'usom_find_customers' LANGUAGE C STABLE STRICT PARALLEL RESTRICTED ROWS 1
	SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.find_customers(text) IS 'Codes of the customers with an e-mail address or a phone number. contact: with @ an address, in whatever case; else a number, whose digits count and a leading + or 00. Errors: US001, US006; 42501 for roles that may not read usom.vault_key. Example: SELECT * FROM usom.find_customers(''anna@example.org'');';

/* ---- product ---- */

CREATE FUNCTION usom.product_id(sku text) RETURNS bigint
	AS 'MODULE_PATHNAME', 'usom_product_id' LANGUAGE C STABLE STRICT PARALLEL RESTRICTED
	SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.product_id(text) IS 'Key of a product of the caller''s organisation. Errors: US001, US006. Example: SELECT usom.product_id(''85123A'');';

CREATE FUNCTION usom._check_kit_component() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, usom, pg_temp
AS $$
DECLARE
	kit record;
BEGIN
	SELECT p.sku, p.kind INTO kit FROM usom.product p WHERE p.org_id = NEW.org_id AND p.product_id = NEW.kit_product_id;
	IF kit.kind IS DISTINCT FROM 'kit' THEN
		RAISE EXCEPTION 'product "%" is no kit', coalesce(kit.sku, '#' || NEW.kit_product_id) USING
			ERRCODE = 'US114', DETAIL = format('Its kind is %s; only kits have components.', coalesce(kit.kind, 'unknown')),
			HINT = 'INSERT INTO usom.product (sku, kind) VALUES (''...'', ''kit''); the kind of a product does not change.';
	END IF;
	-- one after the other, so that two of them do not make a circle together
	PERFORM pg_advisory_xact_lock(hashtextextended('usom.kit_component', NEW.org_id));
	IF EXISTS (
		WITH RECURSIVE inside (product_id) AS (
			SELECT NEW.component_product_id
			UNION
			SELECT c.component_product_id
			FROM inside i JOIN usom.kit_component c ON c.org_id = NEW.org_id AND c.kit_product_id = i.product_id
		)
		SELECT FROM inside i WHERE i.product_id = NEW.kit_product_id
	) THEN
		RAISE EXCEPTION 'kit "%" would be a part of itself', kit.sku USING ERRCODE = 'US114',
			DETAIL = format('Its component "%s" is the kit or is made of it.', (SELECT p.sku FROM usom.product p WHERE p.org_id = NEW.org_id AND p.product_id = NEW.component_product_id)),
			HINT = 'Kits may be in kits, but never in a circle.';
	END IF;
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION usom._check_kit_component() IS 'Trigger AFTER a component of a kit is written: US114 unless the one is a kit and the other is not made of it.';
REVOKE ALL ON FUNCTION usom._check_kit_component() FROM PUBLIC;

/* ---- product ---- */

-- Quantities in other units than the product's own.
CREATE FUNCTION usom._unit_of(org bigint, product_sku text, named text, OUT quantity numeric, OUT per numeric)
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, usom, pg_temp
AS $$
BEGIN
	SELECT 1, 1 INTO quantity, per FROM usom.product p WHERE p.org_id = org AND p.sku = product_sku AND p.unit = named;
	IF NOT FOUND THEN
		SELECT u.quantity, u.per INTO quantity, per FROM usom.product_unit u WHERE u.org_id = org AND u.sku = product_sku AND u.unit = named AND u.active;
	END IF;
	IF quantity IS NULL THEN
		RAISE EXCEPTION 'product "%" has no unit "%"', product_sku, named USING
			ERRCODE = 'US221', DETAIL = 'Units are the product''s own and the active ones of usom.product_unit.',
			HINT = format('Name one of usom.product_units, or INSERT INTO usom.product_unit (sku, unit, quantity) VALUES (%L, %L, ...).', product_sku, named);
	END IF;
END
$$;
COMMENT ON FUNCTION usom._unit_of(bigint, text, text) IS 'What a unit of a product is: so many of the product''s own are so many of it. US221 if it has none of this name.';
REVOKE ALL ON FUNCTION usom._unit_of(bigint, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION usom._unit_of(bigint, text, text) TO PUBLIC;

CREATE FUNCTION usom.convert_quantity(sku text, quantity numeric, unit text, to_unit text DEFAULT NULL) RETURNS numeric
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, usom, pg_temp
AS $$
DECLARE
	org CONSTANT bigint := usom.current_org();
	own text;
	above numeric;
	below numeric;
	converted numeric;
BEGIN
	SELECT p.unit INTO own FROM usom.product p WHERE p.org_id = org AND p.product_id = usom.product_id(convert_quantity.sku);
	SELECT a.quantity * b.per, a.per * b.quantity INTO above, below
	FROM usom._unit_of(org, sku, unit) a, usom._unit_of(org, sku, coalesce(to_unit, own)) b;
	converted := round(quantity * above / below, 6);
	IF converted * below <> quantity * above THEN
		RAISE EXCEPTION '% % of product "%" are no exact number of %', trim_scale(quantity), unit, sku, coalesce(to_unit, own) USING
			ERRCODE = 'US220', DETAIL = format('They would be about %s; quantities have six decimals.', converted),
			HINT = 'Ask for a quantity that comes out, or for another unit.';
	END IF;
	RETURN trim_scale(converted);
END
$$;
COMMENT ON FUNCTION usom.convert_quantity(text, numeric, text, text) IS
'A quantity of a product in another unit, exactly.
sku, quantity, unit: so many of this unit; the product''s own or one of usom.product_units. to_unit: the unit of the answer; null: the product''s own.
Errors: US006 unknown product, US221 the product has no such unit, US220 it does not come out in six decimals.
Example: SELECT usom.convert_quantity(''85123A'', 2, ''box''); -- 24';

/* ---- pricing ---- */

CREATE FUNCTION usom._shares(amount numeric, weights numeric[], decimals integer DEFAULT 2) RETURNS numeric[]
LANGUAGE c AS 'MODULE_PATHNAME', 'usom__shares'
IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom._shares(numeric, numeric[], integer) IS 'An amount cut in proportion to weights by largest remainder, to so many decimals (more if the amount has more): the shares sum to the amount. Errors: 22003, 22023 for what is no amount or weight.';
REVOKE ALL ON FUNCTION usom._shares(numeric, numeric[], integer) FROM PUBLIC;

CREATE FUNCTION usom._part(amount numeric, units numeric, all_units numeric, decimals integer) RETURNS numeric
LANGUAGE c AS 'MODULE_PATHNAME', 'usom__part'
IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom._part(numeric, numeric, numeric, integer) IS 'The part of an amount that some of all units have, rounded to so many decimals, halves up: what units added one by one get adds up to the amount.';
REVOKE ALL ON FUNCTION usom._part(numeric, numeric, numeric, integer) FROM PUBLIC;

CREATE TYPE usom._price_step_row AS (
	sales_order_id bigint,
	version integer,
	step_no integer,
	line_no integer,
	step text,
	rule text,
	unit_price usom.price_amount,
	before usom.amount,
	after usom.amount,
	reason text
);
COMMENT ON TYPE usom._price_step_row IS 'A step of the price waterfall on its way from C to price_step, by unnest().';

CREATE TYPE usom._coupon_change AS (
	sales_order_id bigint,
	coupon_id bigint,
	customer_id bigint,
	takes boolean
);
COMMENT ON TYPE usom._coupon_change IS 'An order that takes a coupon or lets go of it, on its way from C to coupon_redemption, by unnest().';

/* ---- pricing ---- */

CREATE FUNCTION usom._check_freight_charge() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, usom, pg_temp
AS $$
BEGIN
	IF NEW.channel IS NOT NULL AND NOT EXISTS (SELECT FROM usom.channel c WHERE c.org_id = NEW.org_id AND c.code = NEW.channel) THEN
		RAISE EXCEPTION 'a freight charge names channel "%", which does not exist', NEW.channel USING
			ERRCODE = 'US006', DETAIL = 'Codes in freight charges are looked up when they are written.',
			HINT = 'INSERT INTO usom.channel first, or correct the code.';
	END IF;
	PERFORM usom._check_order_type(NEW.order_type);
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION usom._check_freight_charge() IS 'Trigger BEFORE a freight charge is written: US006 for a channel, US110 for an order type that there is not.';
REVOKE ALL ON FUNCTION usom._check_freight_charge() FROM PUBLIC;

/* ---- pricing ---- */

CREATE FUNCTION usom._minor_digits(currency text) RETURNS integer
LANGUAGE c AS 'MODULE_PATHNAME', 'usom__minor_digits'
IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom._minor_digits(text) IS 'Decimals of the smallest unit of a currency, by ISO 4217; null if it has no such code.';
REVOKE ALL ON FUNCTION usom._minor_digits(text) FROM PUBLIC;

CREATE FUNCTION usom._check_currency(code text) RETURNS boolean
LANGUAGE c AS 'MODULE_PATHNAME', 'usom__check_currency'
IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION usom._check_currency(text) IS 'The CHECK of usom.currency_code: true, or US401 if ISO 4217 has no such code.';
REVOKE ALL ON FUNCTION usom._check_currency(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION usom._check_currency(text) TO PUBLIC;

ALTER DOMAIN usom.currency_code ADD CONSTRAINT currency_known CHECK (usom._check_currency(VALUE));
COMMENT ON DOMAIN usom.currency_code IS 'ISO 4217 code: three capital letters, one of usom.currencies(). Anything else is US401 (or 23514).';

CREATE FUNCTION usom.currencies() RETURNS TABLE (currency text, decimals integer)
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'usom_currencies'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.currencies() IS
'The currencies that amounts may be in: their ISO 4217 code and the decimals of their smallest unit, which shares, taxes and discounts are rounded to (JPY 0, EUR 2, BHD 3).
Source: ISO 4217, list one, active codes with a minor unit. Errors: none. Example: SELECT decimals FROM usom.currencies() WHERE currency = ''BHD'';';

/* ---- pricing ---- */

-- What price rules are checked with when they are written.

CREATE TYPE usom._text_range AS RANGE (subtype = text, collation = "C");
COMMENT ON TYPE usom._text_range IS 'Ranges of texts: a range of one text can be compared in an EXCLUDE constraint without another extension.';

COMMENT ON FUNCTION usom._text_range(text, text) IS 'Makes a range of texts.';
COMMENT ON FUNCTION usom._text_range(text, text, text) IS 'Makes a range of texts with the bounds that the third says.';
COMMENT ON TYPE usom._text_multirange IS 'Comes with usom._text_range.';
COMMENT ON FUNCTION usom._text_multirange() IS 'Comes with usom._text_range.';
COMMENT ON FUNCTION usom._text_multirange(usom._text_range) IS 'Comes with usom._text_range.';
COMMENT ON FUNCTION usom._text_multirange(usom._text_range[]) IS 'Comes with usom._text_range.';

CREATE FUNCTION usom._rule_range(org_id bigint, sku text, category text, owner text, segment text, currency text, minimum numeric) RETURNS usom._text_range
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, usom, pg_temp
AS $$
	SELECT usom._text_range(k.key, k.key, '[]')
	FROM (SELECT jsonb_build_array(org_id, sku, category, owner, segment, currency, trim_scale(minimum))::text) AS k (key)
$$;
COMMENT ON FUNCTION usom._rule_range(bigint, text, text, text, text, text, numeric) IS 'What two price rules are about, as one value: equal if they would stand in each other''s way at the same time. Constraints of price, price_contract and price_break.';
REVOKE ALL ON FUNCTION usom._rule_range(bigint, text, text, text, text, text, numeric) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION usom._rule_range(bigint, text, text, text, text, text, numeric) TO PUBLIC;

CREATE FUNCTION usom._refuse_price_codes(what text, org bigint, sku text, customer text, channel text) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, usom, pg_temp
AS $$
DECLARE
	unknown record;
BEGIN
	SELECT g.entity, g.code INTO unknown
	FROM (VALUES ('product', sku, 1), ('channel', channel, 2), ('customer', customer, 3)) g (entity, code, place)
	WHERE g.code IS NOT NULL AND NOT CASE g.entity
		WHEN 'product' THEN EXISTS (SELECT FROM usom.product x WHERE x.org_id = org AND x.sku = g.code)
		WHEN 'channel' THEN EXISTS (SELECT FROM usom.channel x WHERE x.org_id = org AND x.code = g.code)
		ELSE EXISTS (SELECT FROM usom.customer x WHERE x.org_id = org AND x.code = g.code)
	END
	ORDER BY g.place LIMIT 1;
	IF FOUND THEN
		RAISE EXCEPTION '% names % "%", which does not exist', what, unknown.entity, unknown.code USING
			ERRCODE = 'US006', DETAIL = 'Codes in price rules are looked up when they are written.',
			HINT = format('INSERT INTO usom.%I first, or correct the code.', unknown.entity);
	END IF;
END
$$;
COMMENT ON FUNCTION usom._refuse_price_codes(text, bigint, text, text, text) IS 'US006 if one of the codes that a price rule names does not exist.';
REVOKE ALL ON FUNCTION usom._refuse_price_codes(text, bigint, text, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION usom._refuse_price_codes(text, bigint, text, text, text) TO PUBLIC;

CREATE FUNCTION usom._refuse_overlap(what text, mine tstzrange, other tstzrange) RETURNS void
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, usom, pg_temp
AS $$
BEGIN
	IF other IS NOT NULL THEN
		RAISE EXCEPTION '% would be valid together with another one', what USING
			ERRCODE = 'US402', DETAIL = format('The other one is valid in %s, this one in %s.', other, mine),
			HINT = 'Let one end before the other begins: set valid_to of the earlier one first.';
	END IF;
END
$$;
COMMENT ON FUNCTION usom._refuse_overlap(text, tstzrange, tstzrange) IS 'US402 if there is another rule for the same at the same time. Constraints of the tables refuse those that come at the same moment.';
REVOKE ALL ON FUNCTION usom._refuse_overlap(text, tstzrange, tstzrange) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION usom._refuse_overlap(text, tstzrange, tstzrange) TO PUBLIC;

CREATE FUNCTION usom._refuse_no_time(what text, valid_from timestamptz, valid_to timestamptz) RETURNS void
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, usom, pg_temp
AS $$
BEGIN
	IF valid_to <= valid_from THEN
		RAISE EXCEPTION '% is never valid', what USING
			ERRCODE = 'US403', DETAIL = format('It would end at %s and begin at %s.', valid_to, valid_from),
			HINT = 'Let valid_to be later than valid_from, or null.';
	END IF;
END
$$;
COMMENT ON FUNCTION usom._refuse_no_time(text, timestamptz, timestamptz) IS 'US403 if a price rule ends before it begins.';
REVOKE ALL ON FUNCTION usom._refuse_no_time(text, timestamptz, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION usom._refuse_no_time(text, timestamptz, timestamptz) TO PUBLIC;

CREATE FUNCTION usom._check_price() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, usom, pg_temp
AS $$
DECLARE
	what text := format('the price of "%s"', NEW.sku);
BEGIN
	IF NEW.unit <> '' THEN
		PERFORM usom._unit_of(NEW.org_id, NEW.sku, NEW.unit);
	END IF;
	PERFORM usom._refuse_no_time(what, NEW.valid_from, NEW.valid_to);
	IF NEW.valid_to IS NOT NULL THEN
		PERFORM usom._refuse_overlap(what, tstzrange(NEW.valid_from, NEW.valid_to), (
			SELECT tstzrange(x.valid_from, x.valid_to) FROM usom.price x
			WHERE x.org_id = NEW.org_id AND x.sku = NEW.sku AND x.unit = NEW.unit AND x.currency = NEW.currency AND x.price_id <> NEW.price_id
				AND x.valid_to IS NOT NULL AND x.valid_from < NEW.valid_to AND x.valid_to > NEW.valid_from
			ORDER BY x.valid_from LIMIT 1));
	END IF;
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION usom._check_price() IS 'Trigger BEFORE a list price is written: US221 for a unit that the product has not, US402 if one with an end overlaps another, US403 for what can never be valid.';
REVOKE ALL ON FUNCTION usom._check_price() FROM PUBLIC;

CREATE FUNCTION usom._check_price_contract() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, usom, pg_temp
AS $$
DECLARE
	what text := format('the contract of %s about %s', coalesce('customer "' || NEW.customer || '"', 'segment "' || NEW.segment || '"'),
		coalesce('"' || NEW.sku || '"', 'category "' || NEW.category || '"'));
BEGIN
	PERFORM usom._refuse_price_codes(what, NEW.org_id, NEW.sku, NEW.customer, NULL);
	PERFORM usom._refuse_no_time(what, NEW.valid_from, NEW.valid_to);
	PERFORM usom._refuse_overlap(what, tstzrange(NEW.valid_from, NEW.valid_to), (
		SELECT tstzrange(x.valid_from, x.valid_to) FROM usom.price_contract x
		WHERE x.org_id = NEW.org_id AND (x.customer = NEW.customer OR x.segment = NEW.segment)
			AND (x.sku = NEW.sku OR x.category = NEW.category) AND x.currency IS NOT DISTINCT FROM NEW.currency
			AND x.price_contract_id <> NEW.price_contract_id
			AND tstzrange(x.valid_from, x.valid_to) && tstzrange(NEW.valid_from, NEW.valid_to)
		ORDER BY x.valid_from LIMIT 1));
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION usom._check_price_contract() IS 'Trigger BEFORE a contract is written: US006 for codes that nobody has, US402 if another one is about the same at the same time, US403 for what can never be valid.';
REVOKE ALL ON FUNCTION usom._check_price_contract() FROM PUBLIC;

CREATE FUNCTION usom._check_price_break() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, usom, pg_temp
AS $$
DECLARE
	what text := format('the break of %s from %s on', coalesce('"' || NEW.sku || '"', 'category "' || NEW.category || '"', 'all products'),
		trim_scale(coalesce(NEW.min_quantity, NEW.min_value)));
BEGIN
	PERFORM usom._refuse_price_codes(what, NEW.org_id, NEW.sku, NULL, NULL);
	PERFORM usom._refuse_no_time(what, NEW.valid_from, NEW.valid_to);
	PERFORM usom._refuse_overlap(what, tstzrange(NEW.valid_from, NEW.valid_to), (
		SELECT tstzrange(x.valid_from, x.valid_to) FROM usom.price_break x
		WHERE x.org_id = NEW.org_id AND x.level = NEW.level AND x.sku IS NOT DISTINCT FROM NEW.sku AND x.category IS NOT DISTINCT FROM NEW.category
			AND coalesce(x.min_quantity, x.min_value) = coalesce(NEW.min_quantity, NEW.min_value) AND x.currency IS NOT DISTINCT FROM NEW.currency
			AND x.price_break_id <> NEW.price_break_id
			AND tstzrange(x.valid_from, x.valid_to) && tstzrange(NEW.valid_from, NEW.valid_to)
		ORDER BY x.valid_from LIMIT 1));
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION usom._check_price_break() IS 'Trigger BEFORE a break is written: US006 for a product that there is not, US402 if another one is about the same at the same time, US403 for what can never be valid.';
REVOKE ALL ON FUNCTION usom._check_price_break() FROM PUBLIC;

CREATE FUNCTION usom._check_promotion() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, usom, pg_temp
AS $$
DECLARE
	what text := format('promotion "%s"', NEW.code);
BEGIN
	PERFORM usom._refuse_price_codes(what, NEW.org_id, s.sku, NULL, NEW.channel)
	FROM (SELECT NULL::text UNION ALL SELECT n.sku FROM unnest(NEW.skus) n (sku)) s (sku);
	PERFORM usom._refuse_no_time(what, NEW.valid_from, NEW.valid_to);
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION usom._check_promotion() IS 'Trigger BEFORE a promotion is written: US006 for codes that nobody has, US403 for what can never be valid.';
REVOKE ALL ON FUNCTION usom._check_promotion() FROM PUBLIC;

CREATE FUNCTION usom._check_coupon() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, usom, pg_temp
AS $$
DECLARE
	what text := format('coupon "%s"', NEW.code);
BEGIN
	IF TG_OP = 'INSERT' AND NEW.redeemed <> 0 THEN
		RAISE EXCEPTION 'redeemed of a coupon is not written by hand' USING
			ERRCODE = 'US004', DETAIL = format('It would begin at %s.', NEW.redeemed), HINT = 'Leave it out: usom counts it in usom.place_order().';
	END IF;
	IF TG_OP = 'INSERT' OR NEW.promotion IS DISTINCT FROM OLD.promotion THEN
		IF NOT EXISTS (SELECT FROM usom.promotion x WHERE x.org_id = NEW.org_id AND x.code = NEW.promotion) THEN
			RAISE EXCEPTION '% names promotion "%", which does not exist', what, NEW.promotion USING
				ERRCODE = 'US006', DETAIL = 'Codes in price rules are looked up when they are written.',
				HINT = 'INSERT INTO usom.promotion first, or correct the code.';
		END IF;
	END IF;
	PERFORM usom._refuse_no_time(what, NEW.valid_from, NEW.valid_to);
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION usom._check_coupon() IS 'Trigger BEFORE a coupon is written: US006 for a promotion that there is not, US403 for what can never be valid, US004 for a count by hand.';
REVOKE ALL ON FUNCTION usom._check_coupon() FROM PUBLIC;

/* ---- stock ---- */

CREATE TYPE usom._stock_key AS (
	product_id bigint,
	location_id bigint,
	lot text COLLATE "C"
);
COMMENT ON TYPE usom._stock_key IS 'Key of a stock row on its way from C, by unnest().';

CREATE TYPE usom._stock_delta AS (
	product_id bigint,
	location_id bigint,
	lot text COLLATE "C",
	on_hand numeric,
	reserved numeric
);
COMMENT ON TYPE usom._stock_delta IS 'Change of a stock row on its way from C to stock, by unnest().';

CREATE TYPE usom._stock_hold AS (
	product_id bigint,
	location_id bigint,
	lot text COLLATE "C",
	held numeric
);
COMMENT ON TYPE usom._stock_hold IS 'Change of the soft holds on a stock row on its way from C to stock, by unnest().';

CREATE TYPE usom._movement_row AS (
	product_id bigint,
	location_id bigint,
	lot text COLLATE "C",
	kind text,
	delta numeric,
	reference text,
	reason text,
	sales_order_id bigint
);
COMMENT ON TYPE usom._movement_row IS 'A movement on its way from C to stock_movement, by unnest().';

CREATE TYPE usom._stock_code AS (
	location text,
	sku text
);
COMMENT ON TYPE usom._stock_code IS 'Codes on their way from C to the statement that looks them up, by unnest().';

CREATE FUNCTION usom._free(on_hand usom.quantity, reserved usom.quantity, safety usom.quantity, held usom.quantity, held_until timestamptz, usable_until timestamptz, at timestamptz)
RETURNS bigint
LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'usom__free';
COMMENT ON FUNCTION usom._free(usom.quantity, usom.quantity, usom.quantity, usom.quantity, timestamptz, timestamptz, timestamptz) IS
'Units of a stock row that nobody has, in millionths: on_hand - reserved - safety, and - held unless held_until has passed. Below zero where there is less than the safety stock. For the statement that locks many rows: one function call instead of eight. None if usable_until has passed. Only held_until and usable_until may be null.';
REVOKE ALL ON FUNCTION usom._free(usom.quantity, usom.quantity, usom.quantity, usom.quantity, timestamptz, timestamptz, timestamptz) FROM PUBLIC;

CREATE FUNCTION usom.location_id(code text) RETURNS bigint
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_location_id'
STABLE STRICT PARALLEL RESTRICTED
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.location_id(text) IS 'Key of the location with this code in the organisation of the caller. Raises US006 if there is none. Example: SELECT usom.location_id(''MAIN'');';

CREATE FUNCTION usom.receive_stock(location text, sku text, quantity numeric, lot text DEFAULT NULL, reference text DEFAULT NULL)
RETURNS TABLE (location text, sku text, on_hand numeric, available numeric)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_receive_stock'
VOLATILE PARALLEL UNSAFE ROWS 1
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.receive_stock(text, text, numeric, text, text) IS 'Take units into stock: location and product by code, units of the product (above zero, six decimals at most), lot if the product has lots, number of the delivery note. Where fill_on_receipt of the product (or, if it is null there, of the organisation) is on, the units go to lines that wait for the product in the same call, as with fill_backorders(). Returns what the location has now over all lots. Raises US006 for an unknown code, US203 for a service, 22003 or 22023 for a quantity that is none. Example: SELECT * FROM usom.receive_stock(''MAIN'', ''85123A'', 100, reference => ''PO-7'');';

CREATE FUNCTION usom.receive_stocks(receipts jsonb) RETURNS integer
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_receive_stocks'
VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.receive_stocks(jsonb) IS 'Take many deliveries into stock, all or none, with a number of statements that does not grow with them; nothing is filled by it, fill_backorders() is called after it: an array of objects with location, sku, quantity and, if wanted, lot and reference. Returns how many were booked. Raises what receive_stock raises, and 22023 naming the item and key that is missing or unknown. Example: SELECT usom.receive_stocks(''[{"location": "MAIN", "sku": "85123A", "quantity": 100}]'');';

CREATE FUNCTION usom.adjust_stock(location text, sku text, delta numeric, reason text, lot text DEFAULT NULL)
RETURNS TABLE (location text, sku text, on_hand numeric, available numeric)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_adjust_stock'
VOLATILE PARALLEL UNSAFE ROWS 1
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.adjust_stock(text, text, numeric, text, text) IS 'Correct what is on hand by so many units, up or down, and say why. The lot may be left out where the location has stock of the product in one lot only. Returns what the location has now over all lots. Raises US201 if less would be left than is reserved for orders, US006 for an unknown code, US203 for a service, 22003 or 22023 for a delta that is none or a lot that must be named. Example: SELECT * FROM usom.adjust_stock(''MAIN'', ''85123A'', -2, ''broken'');';

CREATE FUNCTION usom.count_stock(location text, sku text, counted numeric, lot text DEFAULT NULL)
RETURNS TABLE (location text, sku text, on_hand numeric, available numeric)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_count_stock'
VOLATILE PARALLEL UNSAFE ROWS 1
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.count_stock(text, text, numeric, text) IS 'Set what is on hand to the units that were counted; the difference is booked, and none if there is none. The lot may be left out where the location has stock of the product in one lot only. Returns what the location has now over all lots. If orders keep more than was counted, the least firm of them wait again: firm orders lose last; then what is released, orders of higher priority, those placed earlier. They are served from elsewhere, count on supply or are short: events, and exceptions promise_late and supply_short that name the place. Raises US201 if fewer were counted than are picked and packed, US006 for an unknown code, US203 for a service, 22003 or 22023 for a quantity that is none or a lot that must be named. Example: SELECT * FROM usom.count_stock(''MAIN'', ''85123A'', 97);';

CREATE FUNCTION usom.set_safety(location text, sku text, quantity numeric, lot text DEFAULT NULL)
RETURNS TABLE (location text, sku text, on_hand numeric, available numeric)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_set_safety'
VOLATILE PARALLEL UNSAFE ROWS 1
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.set_safety(text, text, numeric, text) IS 'Set the safety stock: units of a product at a location that are never promised; zero takes it away. The lot may be left out where the location has stock of the product in one lot only. Returns what the location has now over all lots. Raises US006 for an unknown code, US203 for a service, 22003 or 22023 for a quantity that is none or a lot that must be named. Example: SELECT * FROM usom.set_safety(''MAIN'', ''85123A'', 10);';

CREATE FUNCTION usom.reserve_stock(owner text, location text, sku text, quantity numeric, ttl interval) RETURNS bigint
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_reserve_stock'
VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.reserve_stock(text, text, text, numeric, interval) IS 'Keep units for a cart or an agent (owner) until ttl has passed; then they are free without anybody''s doing. Another reservation of the same owner for the same product and location takes the place of the first, which does not stand in its way. The units come from one lot. Returns the number that release_stock takes. Raises US201 with what is available and wanted if there is too little, US006 for an unknown code, US203 for a service, 22003 or 22023 for a quantity or ttl that is none. Example: SELECT usom.reserve_stock(''cart-17'', ''MAIN'', ''85123A'', 2, ''15 minutes'');';

CREATE FUNCTION usom.release_stock(reservation_id bigint) RETURNS boolean
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_release_stock'
VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.release_stock(bigint) IS 'Give back the units of a soft reservation, by the number that reserve_stock returned. Returns true if they were freed now, false if the reservation was gone or had run out already. Example: SELECT usom.release_stock(42);';

CREATE FUNCTION usom.available(sku text, location text DEFAULT NULL) RETURNS numeric
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_available'
STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.available(text, text) IS 'Units of a product that can be promised now, at one location or at all active ones: on hand less reserved, soft reservations that have not run out and safety stock, but no stock row counts below zero. Raises US006 for an unknown code, US203 for a service. Example: SELECT usom.available(''85123A''), usom.available(''85123A'', ''MAIN'');';

CREATE FUNCTION usom._check_time_zone() RETURNS trigger
LANGUAGE c AS 'MODULE_PATHNAME', 'usom__check_time_zone'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom._check_time_zone() IS 'Trigger BEFORE a row with a column time_zone is written: US301 unless pg_timezone_names has it, capitals and all.';
REVOKE ALL ON FUNCTION usom._check_time_zone() FROM PUBLIC;

CREATE FUNCTION usom.verify_stock() RETURNS TABLE (area text, entity text, problem text, expected text, actual text)
LANGUAGE sql
STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, usom, pg_temp
AS $$
	WITH stock_row AS (
		SELECT s.product_id, s.location_id, s.lot, s.on_hand, s.reserved, s.held, s.held_until
		FROM usom.stock s WHERE s.org_id = usom.current_org()
	), moved AS (
		SELECT m.product_id, m.location_id, m.lot, sum(m.delta) AS on_hand
		FROM usom.stock_movement m WHERE m.org_id = usom.current_org()
		GROUP BY m.product_id, m.location_id, m.lot
	), kept AS (
		SELECT r.product_id, r.location_id, r.lot, sum(r.quantity) AS held, min(r.expires_at) AS held_until
		FROM usom.reservation r WHERE r.org_id = usom.current_org()
		GROUP BY r.product_id, r.location_id, r.lot
	), finding AS (
		SELECT product_id, location_id, lot, 'on hand is not the sum of the movements' AS problem,
			trim_scale(coalesce(m.on_hand, 0))::text AS expected, trim_scale(s.on_hand)::text AS actual
		FROM stock_row s FULL JOIN moved m USING (product_id, location_id, lot)
		WHERE s.on_hand IS DISTINCT FROM coalesce(m.on_hand, 0)
		UNION ALL
		SELECT product_id, location_id, lot, 'held is not the sum of the soft reservations',
			trim_scale(coalesce(k.held, 0))::text, trim_scale(s.held)::text
		FROM stock_row s FULL JOIN kept k USING (product_id, location_id, lot)
		WHERE s.held IS DISTINCT FROM coalesce(k.held, 0)
		UNION ALL
		SELECT product_id, location_id, lot, 'held_until is not the earliest expiry of the soft reservations',
			k.held_until::text, s.held_until::text
		FROM stock_row s FULL JOIN kept k USING (product_id, location_id, lot)
		WHERE s.held_until IS DISTINCT FROM k.held_until
		UNION ALL
		SELECT s.product_id, s.location_id, s.lot, 'more is reserved than is on hand',
			'at most ' || trim_scale(s.on_hand)::text, trim_scale(s.reserved)::text
		FROM stock_row s WHERE s.reserved > s.on_hand
		UNION ALL
		SELECT s.product_id, s.location_id, s.lot, 'product is unknown or has no stock', 'physical', p.kind
		FROM stock_row s LEFT JOIN usom.product p ON p.org_id = usom.current_org() AND p.product_id = s.product_id
		WHERE p.kind IS DISTINCT FROM 'physical' AND (p.kind IS NULL OR s.on_hand > 0)
		UNION ALL
		SELECT s.product_id, s.location_id, s.lot, 'location is unknown', 'a location', NULL
		FROM stock_row s LEFT JOIN usom.location l ON l.org_id = usom.current_org() AND l.location_id = s.location_id
		WHERE l.location_id IS NULL
	)
	SELECT 'stock',
		coalesce(p.sku, 'product ' || f.product_id) || ' at ' || coalesce(l.code, 'location ' || f.location_id)
			|| CASE WHEN f.lot <> '' THEN ' lot ' || f.lot ELSE '' END,
		f.problem, f.expected, f.actual
	FROM finding f
	LEFT JOIN usom.product p ON p.org_id = usom.current_org() AND p.product_id = f.product_id
	LEFT JOIN usom.location l ON l.org_id = usom.current_org() AND l.location_id = f.location_id
$$;
COMMENT ON FUNCTION usom.verify_stock() IS 'What stock keeps, recomputed: on hand from the movements, soft holds from the reservations, reserved against on hand, and rows of products or locations that do not exist. One row a finding, none when all is well. Example: SELECT * FROM usom.verify_stock();';

/* ---- stock ---- */

CREATE TYPE usom._location_day AS (
	location_id bigint,
	on_date date
);
COMMENT ON TYPE usom._location_day IS 'A day of a location on its way from C, by unnest().';

CREATE TYPE usom._capacity_change AS (
	location_id bigint,
	on_date date,
	sales_order_id bigint,
	units numeric
);
COMMENT ON TYPE usom._capacity_change IS 'Units of an order that a location''s day gets, or with a minus is rid of, on their way from C, by unnest().';

CREATE FUNCTION usom.verify_capacity() RETURNS TABLE (area text, entity text, problem text, expected text, actual text)
LANGUAGE sql STABLE
SET search_path = pg_catalog, usom, pg_temp
AS $$
	WITH taken AS (
		SELECT u.location_id, u.on_date, sum(u.units) AS units, count(*) AS orders
		FROM usom.capacity_use u WHERE u.org_id = usom.current_org()
		GROUP BY u.location_id, u.on_date
	), pieces AS (
		SELECT f.location_id, f.ships_on AS on_date, f.sales_order_id, sum(f.quantity) AS units
		FROM usom.fulfillment_line f WHERE f.org_id = usom.current_org() AND f.ships_on IS NOT NULL
		GROUP BY f.location_id, f.ships_on, f.sales_order_id
	), finding AS (
		SELECT location_id, on_date, v.problem, v.expected, v.actual
		FROM (SELECT * FROM usom.location_load d WHERE d.org_id = usom.current_org()) d
			FULL JOIN taken t USING (location_id, on_date)
			CROSS JOIN LATERAL (VALUES
				('units of the day are not the sum of what its orders take', trim_scale(coalesce(t.units, 0))::text, trim_scale(d.units)::text),
				('orders of the day are not counted right', coalesce(t.orders, 0)::text, d.orders::text)) v (problem, expected, actual)
		WHERE v.expected IS DISTINCT FROM v.actual
		UNION ALL
		SELECT location_id, on_date, 'an order takes other units of the day than its pieces are', coalesce(trim_scale(p.units)::text, '0'),
			format('%s for order %s', coalesce(trim_scale(u.units), 0), coalesce(o.order_no, '#' || coalesce(u.sales_order_id, p.sales_order_id)))
		FROM (SELECT * FROM usom.capacity_use u WHERE u.org_id = usom.current_org()) u
			FULL JOIN pieces p USING (location_id, on_date, sales_order_id)
			LEFT JOIN usom.sales_order o ON o.org_id = usom.current_org() AND o.sales_order_id = coalesce(u.sales_order_id, p.sales_order_id)
		WHERE p.units IS DISTINCT FROM u.units
		UNION ALL
		SELECT u.location_id, u.on_date, 'capacity is taken for an unknown order', 'a row of sales_order', '#' || u.sales_order_id
		FROM usom.capacity_use u
		WHERE u.org_id = usom.current_org()
			AND NOT EXISTS (SELECT FROM usom.sales_order o WHERE o.org_id = u.org_id AND o.sales_order_id = u.sales_order_id)
	)
	SELECT 'capacity', format('%s on %s', coalesce(l.code, 'location ' || f.location_id), f.on_date), f.problem, f.expected, f.actual
	FROM finding f
	LEFT JOIN usom.location l ON l.org_id = usom.current_org() AND l.location_id = f.location_id
$$;
COMMENT ON FUNCTION usom.verify_capacity() IS 'What is taken of the days of locations, recomputed from what each order takes, that again from the pieces that leave on the day, and orders that do not exist. That a day has more than its limit is no finding: limits may be lowered. One row a finding, none when all is well. Example: SELECT * FROM usom.verify_capacity();';

/* ---- stock ---- */

CREATE FUNCTION usom._check_lot() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, usom, pg_temp
AS $$
BEGIN
	IF TG_OP = 'UPDATE' AND (NEW.sku, NEW.product_id) IS DISTINCT FROM (OLD.sku, OLD.product_id) THEN
		RAISE EXCEPTION 'sku of lot "%" does not change', OLD.lot USING
			ERRCODE = 'US005', HINT = 'Add a new row with the value you want.';
	END IF;
	IF TG_OP = 'INSERT' THEN
		NEW.product_id := (SELECT p.product_id FROM usom.product p WHERE p.org_id = NEW.org_id AND p.sku = NEW.sku AND p.kind = 'physical');
	END IF;
	IF NEW.product_id IS NULL THEN
		RAISE EXCEPTION 'a lot names product "%", which is not stocked', NEW.sku USING
			ERRCODE = 'US006', HINT = 'INSERT INTO usom.product first, or correct the code.';
	END IF;
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION usom._check_lot() IS 'Trigger BEFORE a lot is written: finds the key of its product, US006 if there is none; US005 for another product.';
REVOKE ALL ON FUNCTION usom._check_lot() FROM PUBLIC;

CREATE FUNCTION usom._lot_written() RETURNS trigger
	AS 'MODULE_PATHNAME', 'usom__lot_written' LANGUAGE C
	SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom._lot_written() IS 'Trigger AFTER a statement wrote lots: their stock, locked in its order, is usable as long as they are.';
REVOKE ALL ON FUNCTION usom._lot_written() FROM PUBLIC;

CREATE FUNCTION usom._check_tracking() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, usom, pg_temp
AS $$
BEGIN
	IF EXISTS (SELECT FROM usom.stock s WHERE s.org_id = NEW.org_id AND s.product_id = NEW.product_id AND s.on_hand > 0) THEN
		RAISE EXCEPTION 'tracking of product "%" does not change while it is in stock', NEW.sku USING
			ERRCODE = 'US216', DETAIL = format('It is %s; units on the shelf have no other names.', OLD.tracking),
			HINT = 'Take its stock to zero first, see usom.stock_position.';
	END IF;
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION usom._check_tracking() IS 'Trigger BEFORE the tracking of a product changes: US216 while there is stock of it.';
REVOKE ALL ON FUNCTION usom._check_tracking() FROM PUBLIC;

/* ---- stock ---- */

CREATE TYPE usom._quota_demand AS (
	ordinal integer,
	sales_order_id bigint,
	line_no integer,
	product_id bigint
);
COMMENT ON TYPE usom._quota_demand IS 'A product that an order wants, on its way from C, by unnest().';

CREATE TYPE usom._quota_loss AS (
	sales_order_id bigint,
	line_no integer,
	lost numeric,
	kept numeric,
	live numeric
);
COMMENT ON TYPE usom._quota_loss IS 'A line that has fewer units than before, on its way from C, by unnest().';

CREATE TYPE usom._quota_change AS (
	sales_order_id bigint,
	line_no integer,
	quota_id bigint,
	lender_id bigint,
	starts_at timestamptz,
	units numeric
);
COMMENT ON TYPE usom._quota_change IS 'Units that a line has more, or with a minus less, under a quota, on their way from C to quota_use, by unnest().';

CREATE FUNCTION usom._quota_changed() RETURNS trigger
	AS 'MODULE_PATHNAME', 'usom__quota_changed' LANGUAGE C
	SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom._quota_changed() IS 'Trigger AFTER quotas were written: every session looks again at whether there are any.';
REVOKE ALL ON FUNCTION usom._quota_changed() FROM PUBLIC;

CREATE FUNCTION usom._check_quota() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, usom, pg_temp
AS $$
DECLARE
	unknown record;
	lender record;
BEGIN
	SELECT g.entity, g.code INTO unknown
	FROM (VALUES ('product', NEW.sku, 1), ('channel', NEW.channel, 2), ('customer', NEW.customer, 3)) g (entity, code, place)
	WHERE g.code IS NOT NULL AND NOT CASE g.entity
		WHEN 'product' THEN EXISTS (SELECT FROM usom.product x WHERE x.org_id = NEW.org_id AND x.sku = g.code)
		WHEN 'channel' THEN EXISTS (SELECT FROM usom.channel x WHERE x.org_id = NEW.org_id AND x.code = g.code)
		ELSE EXISTS (SELECT FROM usom.customer x WHERE x.org_id = NEW.org_id AND x.code = g.code)
	END
	ORDER BY g.place LIMIT 1;
	IF FOUND THEN
		RAISE EXCEPTION 'quota "%" names % "%", which does not exist', NEW.code, unknown.entity, unknown.code USING
			ERRCODE = 'US006', DETAIL = 'Codes in quotas are looked up when they are written.',
			HINT = format('INSERT INTO usom.%I first, or correct the code.', unknown.entity);
	END IF;
	IF NOT EXISTS (SELECT FROM pg_timezone_names z WHERE z.name = NEW.time_zone) THEN
		RAISE EXCEPTION 'quota "%" has an unknown time zone "%"', NEW.code, NEW.time_zone USING
			ERRCODE = 'US301', HINT = 'Take a name of pg_timezone_names.';
	END IF;
	SELECT n.code, b.quota_id, b.sku, b.meaning INTO lender
	FROM unnest(NEW.borrows_from) n (code)
	LEFT JOIN usom.quota b ON b.org_id = NEW.org_id AND b.code = n.code AND b.quota_id <> NEW.quota_id
	WHERE b.quota_id IS NULL OR b.meaning <> NEW.meaning OR NEW.meaning = 'protection' AND b.sku IS DISTINCT FROM NEW.sku
	LIMIT 1;
	IF FOUND THEN
		RAISE EXCEPTION 'quota "%" cannot borrow from "%"', NEW.code, lender.code USING
			ERRCODE = 'US207', DETAIL = CASE WHEN lender.quota_id IS NULL THEN 'There is no other quota with this code.'
				WHEN lender.meaning <> NEW.meaning THEN format('It is a %s, this is a %s.', lender.meaning, NEW.meaning)
				ELSE format('It protects "%s", this one "%s".', lender.sku, NEW.sku) END,
			HINT = 'Ceilings borrow from ceilings, protections from protections of the same product.';
	END IF;
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION usom._check_quota() IS 'Trigger BEFORE a quota is written: US006 for codes that nobody has, US301 for an unknown time zone, US207 for a lender that cannot lend.';
REVOKE ALL ON FUNCTION usom._check_quota() FROM PUBLIC;

CREATE FUNCTION usom._check_pre_order() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, usom, pg_temp
AS $$
BEGIN
	IF NOT EXISTS (SELECT FROM usom.product x WHERE x.org_id = NEW.org_id AND x.sku = NEW.sku AND x.kind = 'physical') THEN
		RAISE EXCEPTION 'a pre-order offer names product "%", which is not stocked', NEW.sku USING
			ERRCODE = 'US006', HINT = 'INSERT INTO usom.product first, or correct the code.';
	END IF;
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION usom._check_pre_order() IS 'Trigger BEFORE a pre-order offer is written: US006 for a product that there is not, or that is never in stock.';
REVOKE ALL ON FUNCTION usom._check_pre_order() FROM PUBLIC;

CREATE FUNCTION usom.verify_quota() RETURNS TABLE (area text, entity text, problem text, expected text, actual text)
LANGUAGE sql STABLE
SET search_path = pg_catalog, usom, pg_temp
AS $$
	WITH taken AS (
		SELECT u.lender_id AS quota_id, u.starts_at, sum(u.units) AS units
		FROM usom.quota_use u WHERE u.org_id = usom.current_org()
		GROUP BY u.lender_id, u.starts_at
	), line_use AS (
		SELECT u.quota_id, u.sales_order_id, u.line_no, sum(u.units) AS units
		FROM usom.quota_use u WHERE u.org_id = usom.current_org()
		GROUP BY u.quota_id, u.sales_order_id, u.line_no
	), finding AS (
		SELECT quota_id, format('from %s', starts_at) AS period, 'used is not the sum of what lines use' AS problem,
			coalesce(trim_scale(t.units), 0)::text AS expected, coalesce(trim_scale(d.used), 0)::text AS actual
		FROM (SELECT * FROM usom.quota_load d WHERE d.org_id = usom.current_org()) d
			FULL JOIN taken t USING (quota_id, starts_at)
		WHERE coalesce(t.units, 0) <> coalesce(d.used, 0)
		UNION ALL
		SELECT u.quota_id, format('line %s of order %s', u.line_no, coalesce(o.order_no, '#' || u.sales_order_id)), 'a line uses more units than it has',
			format('at most %s', coalesce(trim_scale(l.quantity - l.quantity_open - l.quantity_backordered - l.quantity_cancelled), 0)), trim_scale(u.units)::text
		FROM line_use u
			LEFT JOIN usom.order_line l ON l.org_id = usom.current_org() AND l.sales_order_id = u.sales_order_id AND l.line_no = u.line_no
			LEFT JOIN usom.sales_order o ON o.org_id = usom.current_org() AND o.sales_order_id = u.sales_order_id
		WHERE u.units > CASE WHEN EXISTS (SELECT FROM usom.pre_order_offer f WHERE f.org_id = usom.current_org() AND f.pre_order_offer_id = u.quota_id)
			THEN coalesce(l.quantity - l.quantity_cancelled, 0)
			ELSE coalesce(l.quantity - l.quantity_open - l.quantity_backordered - l.quantity_cancelled, 0) END
		UNION ALL
		SELECT u.quota_id, format('period from %s', u.starts_at), 'units are used of an unknown quota', 'a row of quota', '#' || u.quota_id
		FROM usom.quota_use u
		WHERE u.org_id = usom.current_org()
			AND NOT EXISTS (SELECT FROM usom.quota q WHERE q.org_id = u.org_id AND q.quota_id = u.quota_id)
			AND NOT EXISTS (SELECT FROM usom.pre_order_offer f WHERE f.org_id = u.org_id AND f.pre_order_offer_id = u.quota_id)
	)
	SELECT 'quota', format('%s, %s', coalesce(q.code, 'pre-orders of ' || p.sku, 'quota ' || f.quota_id), f.period), f.problem, f.expected, f.actual
	FROM finding f
	LEFT JOIN usom.pre_order_offer p ON p.org_id = usom.current_org() AND p.pre_order_offer_id = f.quota_id
	LEFT JOIN usom.quota q ON q.org_id = usom.current_org() AND q.quota_id = f.quota_id
$$;
COMMENT ON FUNCTION usom.verify_quota() IS 'What is used of quotas and sold of pre-order offers, recomputed from what each line uses, and lines that use more than the units they have. That more is used than a quota allows is no finding: it may have been lowered. One row a finding, none when all is well. Example: SELECT * FROM usom.verify_quota();';

/* ---- stock ---- */

CREATE TYPE usom._serial_line AS (
	sales_order_id bigint,
	line_no integer,
	location_id bigint,
	kept bigint,
	picked bigint,
	shipped bigint
);
COMMENT ON TYPE usom._serial_line IS 'Units of a line at a location that have serial numbers, on their way from C to serial_unit, by unnest().';

/* ---- stock ---- */

CREATE TYPE usom._supply_delta AS (
	supply_id bigint,
	pegged numeric
);
COMMENT ON TYPE usom._supply_delta IS 'Units that pieces count on more, or with a minus less, on their way from C to supply, by unnest().';

CREATE FUNCTION usom._supply_added() RETURNS trigger
	AS 'MODULE_PATHNAME', 'usom__supply_added' LANGUAGE C
	SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom._supply_added() IS 'Trigger AFTER supply was recorded: every session looks again at whether there is any.';
REVOKE ALL ON FUNCTION usom._supply_added() FROM PUBLIC;

/* ---- order ---- */

CREATE TYPE usom.order_status;
COMMENT ON TYPE usom.order_status IS 'State of a life cycle: one byte, shown and read as its label, in the order of the life cycle. Text converts to it by itself; a label that does not exist is 22P02 with the labels in the hint.';

CREATE FUNCTION usom.order_status_in(cstring) RETURNS usom.order_status
	AS 'MODULE_PATHNAME', 'usom_order_status_in' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION usom.order_status_in(cstring) IS 'Input of usom.order_status.';

CREATE FUNCTION usom.order_status_out(usom.order_status) RETURNS cstring
	AS 'MODULE_PATHNAME', 'usom_order_status_out' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION usom.order_status_out(usom.order_status) IS 'Output of usom.order_status.';

CREATE FUNCTION usom.order_status_recv(internal) RETURNS usom.order_status
	AS 'MODULE_PATHNAME', 'usom_order_status_recv' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION usom.order_status_recv(internal) IS 'Binary input of usom.order_status: the label.';

CREATE FUNCTION usom.order_status_send(usom.order_status) RETURNS bytea
	AS 'MODULE_PATHNAME', 'usom_order_status_send' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION usom.order_status_send(usom.order_status) IS 'Binary output of usom.order_status: the label.';

CREATE TYPE usom.order_status (
	INPUT = usom.order_status_in,
	OUTPUT = usom.order_status_out,
	RECEIVE = usom.order_status_recv,
	SEND = usom.order_status_send,
	INTERNALLENGTH = 1,
	PASSEDBYVALUE,
	ALIGNMENT = char,
	STORAGE = plain
);

CREATE CAST (text AS usom.order_status) WITH INOUT AS IMPLICIT;
COMMENT ON CAST (text AS usom.order_status) IS 'So that parameters sent as text work wherever the state is asked for.';
CREATE CAST (varchar AS usom.order_status) WITH INOUT AS IMPLICIT;
COMMENT ON CAST (varchar AS usom.order_status) IS 'So that parameters sent as varchar work wherever the state is asked for.';
CREATE CAST (usom.order_status AS text) WITH INOUT AS ASSIGNMENT;
COMMENT ON CAST (usom.order_status AS text) IS 'The label.';

CREATE FUNCTION usom.order_status_eq(usom.order_status, usom.order_status) RETURNS boolean
	LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'chareq';
COMMENT ON FUNCTION usom.order_status_eq(usom.order_status, usom.order_status) IS 'The first is the same state as the second.';

CREATE FUNCTION usom.order_status_ne(usom.order_status, usom.order_status) RETURNS boolean
	LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'charne';
COMMENT ON FUNCTION usom.order_status_ne(usom.order_status, usom.order_status) IS 'The first is another state than the second.';

CREATE FUNCTION usom.order_status_lt(usom.order_status, usom.order_status) RETURNS boolean
	LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'charlt';
COMMENT ON FUNCTION usom.order_status_lt(usom.order_status, usom.order_status) IS 'The first comes before the second.';

CREATE FUNCTION usom.order_status_le(usom.order_status, usom.order_status) RETURNS boolean
	LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'charle';
COMMENT ON FUNCTION usom.order_status_le(usom.order_status, usom.order_status) IS 'The first does not come after the second.';

CREATE FUNCTION usom.order_status_gt(usom.order_status, usom.order_status) RETURNS boolean
	LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'chargt';
COMMENT ON FUNCTION usom.order_status_gt(usom.order_status, usom.order_status) IS 'The first comes after the second.';

CREATE FUNCTION usom.order_status_ge(usom.order_status, usom.order_status) RETURNS boolean
	LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'charge';
COMMENT ON FUNCTION usom.order_status_ge(usom.order_status, usom.order_status) IS 'The first does not come before the second.';

CREATE FUNCTION usom.order_status_cmp(usom.order_status, usom.order_status) RETURNS integer
	LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'btcharcmp';
COMMENT ON FUNCTION usom.order_status_cmp(usom.order_status, usom.order_status) IS 'Negative, zero or positive: order of the life cycle.';

CREATE FUNCTION usom.order_status_hash(usom.order_status) RETURNS integer
	LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'hashchar';
COMMENT ON FUNCTION usom.order_status_hash(usom.order_status) IS 'Hash of 32 bits.';

CREATE FUNCTION usom.order_status_hash_extended(usom.order_status, bigint) RETURNS bigint
	LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'hashcharextended';
COMMENT ON FUNCTION usom.order_status_hash_extended(usom.order_status, bigint) IS 'Hash of 64 bits with a seed.';

CREATE FUNCTION usom.order_status_larger(usom.order_status, usom.order_status) RETURNS usom.order_status
	AS 'MODULE_PATHNAME', 'usom_state_larger' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION usom.order_status_larger(usom.order_status, usom.order_status) IS 'The later of two states.';

CREATE FUNCTION usom.order_status_smaller(usom.order_status, usom.order_status) RETURNS usom.order_status
	AS 'MODULE_PATHNAME', 'usom_state_smaller' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION usom.order_status_smaller(usom.order_status, usom.order_status) IS 'The earlier of two states.';

-- Operators stand in pg_catalog, so they are found from any search_path.
CREATE OPERATOR pg_catalog.= (
	LEFTARG = usom.order_status, RIGHTARG = usom.order_status, FUNCTION = usom.order_status_eq,
	COMMUTATOR = OPERATOR(pg_catalog.=), NEGATOR = OPERATOR(pg_catalog.<>), RESTRICT = eqsel, JOIN = eqjoinsel, HASHES, MERGES
);
COMMENT ON OPERATOR pg_catalog.= (usom.order_status, usom.order_status) IS 'Same state.';

CREATE OPERATOR pg_catalog.<> (
	LEFTARG = usom.order_status, RIGHTARG = usom.order_status, FUNCTION = usom.order_status_ne,
	COMMUTATOR = OPERATOR(pg_catalog.<>), NEGATOR = OPERATOR(pg_catalog.=), RESTRICT = neqsel, JOIN = neqjoinsel
);
COMMENT ON OPERATOR pg_catalog.<> (usom.order_status, usom.order_status) IS 'Another state.';

CREATE OPERATOR pg_catalog.< (
	LEFTARG = usom.order_status, RIGHTARG = usom.order_status, FUNCTION = usom.order_status_lt,
	COMMUTATOR = OPERATOR(pg_catalog.>), NEGATOR = OPERATOR(pg_catalog.>=), RESTRICT = scalarltsel, JOIN = scalarltjoinsel
);
COMMENT ON OPERATOR pg_catalog.< (usom.order_status, usom.order_status) IS 'Earlier in the life cycle.';

CREATE OPERATOR pg_catalog.<= (
	LEFTARG = usom.order_status, RIGHTARG = usom.order_status, FUNCTION = usom.order_status_le,
	COMMUTATOR = OPERATOR(pg_catalog.>=), NEGATOR = OPERATOR(pg_catalog.>), RESTRICT = scalarlesel, JOIN = scalarlejoinsel
);
COMMENT ON OPERATOR pg_catalog.<= (usom.order_status, usom.order_status) IS 'Not later in the life cycle.';

CREATE OPERATOR pg_catalog.> (
	LEFTARG = usom.order_status, RIGHTARG = usom.order_status, FUNCTION = usom.order_status_gt,
	COMMUTATOR = OPERATOR(pg_catalog.<), NEGATOR = OPERATOR(pg_catalog.<=), RESTRICT = scalargtsel, JOIN = scalargtjoinsel
);
COMMENT ON OPERATOR pg_catalog.> (usom.order_status, usom.order_status) IS 'Later in the life cycle.';

CREATE OPERATOR pg_catalog.>= (
	LEFTARG = usom.order_status, RIGHTARG = usom.order_status, FUNCTION = usom.order_status_ge,
	COMMUTATOR = OPERATOR(pg_catalog.<=), NEGATOR = OPERATOR(pg_catalog.<), RESTRICT = scalargesel, JOIN = scalargejoinsel
);
COMMENT ON OPERATOR pg_catalog.>= (usom.order_status, usom.order_status) IS 'Not earlier in the life cycle.';

CREATE OPERATOR FAMILY usom.order_status_ops USING btree;
COMMENT ON OPERATOR FAMILY usom.order_status_ops USING btree IS 'Order of the life cycle.';
CREATE OPERATOR CLASS usom.order_status_ops DEFAULT FOR TYPE usom.order_status USING btree FAMILY usom.order_status_ops AS
	OPERATOR 1 pg_catalog.<,
	OPERATOR 2 pg_catalog.<=,
	OPERATOR 3 pg_catalog.=,
	OPERATOR 4 pg_catalog.>=,
	OPERATOR 5 pg_catalog.>,
	FUNCTION 1 usom.order_status_cmp(usom.order_status, usom.order_status),
	FUNCTION 4 (usom.order_status, usom.order_status) pg_catalog.btequalimage(oid);
COMMENT ON OPERATOR CLASS usom.order_status_ops USING btree IS 'Order of the life cycle.';

CREATE OPERATOR FAMILY usom.order_status_ops USING hash;
COMMENT ON OPERATOR FAMILY usom.order_status_ops USING hash IS 'Equality of states.';
CREATE OPERATOR CLASS usom.order_status_ops DEFAULT FOR TYPE usom.order_status USING hash FAMILY usom.order_status_ops AS
	OPERATOR 1 pg_catalog.=,
	FUNCTION 1 usom.order_status_hash(usom.order_status),
	FUNCTION 2 usom.order_status_hash_extended(usom.order_status, bigint);
COMMENT ON OPERATOR CLASS usom.order_status_ops USING hash IS 'Equality of states.';

CREATE AGGREGATE pg_catalog.max(usom.order_status) (
	SFUNC = usom.order_status_larger, STYPE = usom.order_status, COMBINEFUNC = usom.order_status_larger,
	SORTOP = OPERATOR(pg_catalog.>), PARALLEL = SAFE
);
COMMENT ON AGGREGATE pg_catalog.max(usom.order_status) IS 'The latest state.';
CREATE AGGREGATE pg_catalog.min(usom.order_status) (
	SFUNC = usom.order_status_smaller, STYPE = usom.order_status, COMBINEFUNC = usom.order_status_smaller,
	SORTOP = OPERATOR(pg_catalog.<), PARALLEL = SAFE
);
COMMENT ON AGGREGATE pg_catalog.min(usom.order_status) IS 'The earliest state.';
CREATE TYPE usom.piece_status;
COMMENT ON TYPE usom.piece_status IS 'State of a life cycle: one byte, shown and read as its label, in the order of the life cycle. Text converts to it by itself; a label that does not exist is 22P02 with the labels in the hint.';

CREATE FUNCTION usom.piece_status_in(cstring) RETURNS usom.piece_status
	AS 'MODULE_PATHNAME', 'usom_piece_status_in' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION usom.piece_status_in(cstring) IS 'Input of usom.piece_status.';

CREATE FUNCTION usom.piece_status_out(usom.piece_status) RETURNS cstring
	AS 'MODULE_PATHNAME', 'usom_piece_status_out' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION usom.piece_status_out(usom.piece_status) IS 'Output of usom.piece_status.';

CREATE FUNCTION usom.piece_status_recv(internal) RETURNS usom.piece_status
	AS 'MODULE_PATHNAME', 'usom_piece_status_recv' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION usom.piece_status_recv(internal) IS 'Binary input of usom.piece_status: the label.';

CREATE FUNCTION usom.piece_status_send(usom.piece_status) RETURNS bytea
	AS 'MODULE_PATHNAME', 'usom_piece_status_send' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION usom.piece_status_send(usom.piece_status) IS 'Binary output of usom.piece_status: the label.';

CREATE TYPE usom.piece_status (
	INPUT = usom.piece_status_in,
	OUTPUT = usom.piece_status_out,
	RECEIVE = usom.piece_status_recv,
	SEND = usom.piece_status_send,
	INTERNALLENGTH = 1,
	PASSEDBYVALUE,
	ALIGNMENT = char,
	STORAGE = plain
);

CREATE CAST (text AS usom.piece_status) WITH INOUT AS IMPLICIT;
COMMENT ON CAST (text AS usom.piece_status) IS 'So that parameters sent as text work wherever the state is asked for.';
CREATE CAST (varchar AS usom.piece_status) WITH INOUT AS IMPLICIT;
COMMENT ON CAST (varchar AS usom.piece_status) IS 'So that parameters sent as varchar work wherever the state is asked for.';
CREATE CAST (usom.piece_status AS text) WITH INOUT AS ASSIGNMENT;
COMMENT ON CAST (usom.piece_status AS text) IS 'The label.';

CREATE FUNCTION usom.piece_status_eq(usom.piece_status, usom.piece_status) RETURNS boolean
	LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'chareq';
COMMENT ON FUNCTION usom.piece_status_eq(usom.piece_status, usom.piece_status) IS 'The first is the same state as the second.';

CREATE FUNCTION usom.piece_status_ne(usom.piece_status, usom.piece_status) RETURNS boolean
	LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'charne';
COMMENT ON FUNCTION usom.piece_status_ne(usom.piece_status, usom.piece_status) IS 'The first is another state than the second.';

CREATE FUNCTION usom.piece_status_lt(usom.piece_status, usom.piece_status) RETURNS boolean
	LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'charlt';
COMMENT ON FUNCTION usom.piece_status_lt(usom.piece_status, usom.piece_status) IS 'The first comes before the second.';

CREATE FUNCTION usom.piece_status_le(usom.piece_status, usom.piece_status) RETURNS boolean
	LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'charle';
COMMENT ON FUNCTION usom.piece_status_le(usom.piece_status, usom.piece_status) IS 'The first does not come after the second.';

CREATE FUNCTION usom.piece_status_gt(usom.piece_status, usom.piece_status) RETURNS boolean
	LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'chargt';
COMMENT ON FUNCTION usom.piece_status_gt(usom.piece_status, usom.piece_status) IS 'The first comes after the second.';

CREATE FUNCTION usom.piece_status_ge(usom.piece_status, usom.piece_status) RETURNS boolean
	LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'charge';
COMMENT ON FUNCTION usom.piece_status_ge(usom.piece_status, usom.piece_status) IS 'The first does not come before the second.';

CREATE FUNCTION usom.piece_status_cmp(usom.piece_status, usom.piece_status) RETURNS integer
	LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'btcharcmp';
COMMENT ON FUNCTION usom.piece_status_cmp(usom.piece_status, usom.piece_status) IS 'Negative, zero or positive: order of the life cycle.';

CREATE FUNCTION usom.piece_status_hash(usom.piece_status) RETURNS integer
	LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'hashchar';
COMMENT ON FUNCTION usom.piece_status_hash(usom.piece_status) IS 'Hash of 32 bits.';

CREATE FUNCTION usom.piece_status_hash_extended(usom.piece_status, bigint) RETURNS bigint
	LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'hashcharextended';
COMMENT ON FUNCTION usom.piece_status_hash_extended(usom.piece_status, bigint) IS 'Hash of 64 bits with a seed.';

CREATE FUNCTION usom.piece_status_larger(usom.piece_status, usom.piece_status) RETURNS usom.piece_status
	AS 'MODULE_PATHNAME', 'usom_state_larger' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION usom.piece_status_larger(usom.piece_status, usom.piece_status) IS 'The later of two states.';

CREATE FUNCTION usom.piece_status_smaller(usom.piece_status, usom.piece_status) RETURNS usom.piece_status
	AS 'MODULE_PATHNAME', 'usom_state_smaller' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION usom.piece_status_smaller(usom.piece_status, usom.piece_status) IS 'The earlier of two states.';

-- Operators stand in pg_catalog, so they are found from any search_path.
CREATE OPERATOR pg_catalog.= (
	LEFTARG = usom.piece_status, RIGHTARG = usom.piece_status, FUNCTION = usom.piece_status_eq,
	COMMUTATOR = OPERATOR(pg_catalog.=), NEGATOR = OPERATOR(pg_catalog.<>), RESTRICT = eqsel, JOIN = eqjoinsel, HASHES, MERGES
);
COMMENT ON OPERATOR pg_catalog.= (usom.piece_status, usom.piece_status) IS 'Same state.';

CREATE OPERATOR pg_catalog.<> (
	LEFTARG = usom.piece_status, RIGHTARG = usom.piece_status, FUNCTION = usom.piece_status_ne,
	COMMUTATOR = OPERATOR(pg_catalog.<>), NEGATOR = OPERATOR(pg_catalog.=), RESTRICT = neqsel, JOIN = neqjoinsel
);
COMMENT ON OPERATOR pg_catalog.<> (usom.piece_status, usom.piece_status) IS 'Another state.';

CREATE OPERATOR pg_catalog.< (
	LEFTARG = usom.piece_status, RIGHTARG = usom.piece_status, FUNCTION = usom.piece_status_lt,
	COMMUTATOR = OPERATOR(pg_catalog.>), NEGATOR = OPERATOR(pg_catalog.>=), RESTRICT = scalarltsel, JOIN = scalarltjoinsel
);
COMMENT ON OPERATOR pg_catalog.< (usom.piece_status, usom.piece_status) IS 'Earlier in the life cycle.';

CREATE OPERATOR pg_catalog.<= (
	LEFTARG = usom.piece_status, RIGHTARG = usom.piece_status, FUNCTION = usom.piece_status_le,
	COMMUTATOR = OPERATOR(pg_catalog.>=), NEGATOR = OPERATOR(pg_catalog.>), RESTRICT = scalarlesel, JOIN = scalarlejoinsel
);
COMMENT ON OPERATOR pg_catalog.<= (usom.piece_status, usom.piece_status) IS 'Not later in the life cycle.';

CREATE OPERATOR pg_catalog.> (
	LEFTARG = usom.piece_status, RIGHTARG = usom.piece_status, FUNCTION = usom.piece_status_gt,
	COMMUTATOR = OPERATOR(pg_catalog.<), NEGATOR = OPERATOR(pg_catalog.<=), RESTRICT = scalargtsel, JOIN = scalargtjoinsel
);
COMMENT ON OPERATOR pg_catalog.> (usom.piece_status, usom.piece_status) IS 'Later in the life cycle.';

CREATE OPERATOR pg_catalog.>= (
	LEFTARG = usom.piece_status, RIGHTARG = usom.piece_status, FUNCTION = usom.piece_status_ge,
	COMMUTATOR = OPERATOR(pg_catalog.<=), NEGATOR = OPERATOR(pg_catalog.<), RESTRICT = scalargesel, JOIN = scalargejoinsel
);
COMMENT ON OPERATOR pg_catalog.>= (usom.piece_status, usom.piece_status) IS 'Not earlier in the life cycle.';

CREATE OPERATOR FAMILY usom.piece_status_ops USING btree;
COMMENT ON OPERATOR FAMILY usom.piece_status_ops USING btree IS 'Order of the life cycle.';
CREATE OPERATOR CLASS usom.piece_status_ops DEFAULT FOR TYPE usom.piece_status USING btree FAMILY usom.piece_status_ops AS
	OPERATOR 1 pg_catalog.<,
	OPERATOR 2 pg_catalog.<=,
	OPERATOR 3 pg_catalog.=,
	OPERATOR 4 pg_catalog.>=,
	OPERATOR 5 pg_catalog.>,
	FUNCTION 1 usom.piece_status_cmp(usom.piece_status, usom.piece_status),
	FUNCTION 4 (usom.piece_status, usom.piece_status) pg_catalog.btequalimage(oid);
COMMENT ON OPERATOR CLASS usom.piece_status_ops USING btree IS 'Order of the life cycle.';

CREATE OPERATOR FAMILY usom.piece_status_ops USING hash;
COMMENT ON OPERATOR FAMILY usom.piece_status_ops USING hash IS 'Equality of states.';
CREATE OPERATOR CLASS usom.piece_status_ops DEFAULT FOR TYPE usom.piece_status USING hash FAMILY usom.piece_status_ops AS
	OPERATOR 1 pg_catalog.=,
	FUNCTION 1 usom.piece_status_hash(usom.piece_status),
	FUNCTION 2 usom.piece_status_hash_extended(usom.piece_status, bigint);
COMMENT ON OPERATOR CLASS usom.piece_status_ops USING hash IS 'Equality of states.';

CREATE AGGREGATE pg_catalog.max(usom.piece_status) (
	SFUNC = usom.piece_status_larger, STYPE = usom.piece_status, COMBINEFUNC = usom.piece_status_larger,
	SORTOP = OPERATOR(pg_catalog.>), PARALLEL = SAFE
);
COMMENT ON AGGREGATE pg_catalog.max(usom.piece_status) IS 'The latest state.';
CREATE AGGREGATE pg_catalog.min(usom.piece_status) (
	SFUNC = usom.piece_status_smaller, STYPE = usom.piece_status, COMBINEFUNC = usom.piece_status_smaller,
	SORTOP = OPERATOR(pg_catalog.<), PARALLEL = SAFE
);
COMMENT ON AGGREGATE pg_catalog.min(usom.piece_status) IS 'The earliest state.';
CREATE FUNCTION usom._check_order_type(name text) RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'usom__check_order_type';
COMMENT ON FUNCTION usom._check_order_type(text) IS 'The CHECK of usom.order_type: true, or US110 with the known types in the hint.';
REVOKE ALL ON FUNCTION usom._check_order_type(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION usom._check_order_type(text) TO PUBLIC;

CREATE DOMAIN usom.order_type AS text
	CONSTRAINT order_type_known CHECK (usom._check_order_type(VALUE));
COMMENT ON DOMAIN usom.order_type IS 'Flow of an order: one of usom.order_types(). Anything else is US110.';

CREATE FUNCTION usom.order_types() RETURNS TABLE (order_type text, firm boolean, meaning text)
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'usom_order_types'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.order_types() IS
'The types of orders. firm: what such an order has was got for its buyer; no run and no reallocation takes it, only cancelling.
Errors: none. Example: SELECT * FROM usom.order_types();';

CREATE TYPE usom._line_row AS (
	sales_order_id bigint,
	line_no integer,
	product_id bigint,
	quantity usom.positive_quantity,
	unit_price usom.price_amount,
	total usom.amount,
	location_id bigint,
	requested_at timestamptz,
	substitution usom.substitution,
	partial boolean,
	quantity_open usom.quantity,
	quantity_backordered usom.quantity,
	quantity_reserved usom.quantity,
	quantity_released usom.quantity,
	quantity_picked usom.quantity,
	quantity_packed usom.quantity,
	quantity_shipped usom.quantity,
	quantity_delivered usom.quantity,
	quantity_returned usom.quantity,
	quantity_cancelled usom.quantity,
	kit_line_no integer,
	kit_quantity usom.positive_quantity,
	discount usom.charge,
	freight usom.charge,
	tax usom.charge,
	tax_included boolean,
	decimals smallint
);
COMMENT ON TYPE usom._line_row IS 'An order line on its way from C to order_line, by unnest().';

CREATE TYPE usom._piece_row AS (
	sales_order_id bigint,
	line_no integer,
	piece_no integer,
	product_id bigint,
	location_id bigint,
	lot text,
	status usom.piece_status,
	quantity usom.positive_quantity,
	promised_at timestamptz,
	shipment_id bigint,
	ships_on date,
	supply_id bigint,
	package_id bigint
);
COMMENT ON TYPE usom._piece_row IS 'A piece on its way from C to fulfillment_line, by unnest().';

CREATE TYPE usom._order_row AS (
	sales_order_id bigint,
	status usom.order_status,
	total usom.amount,
	version integer,
	paid usom.charge,
	flow_id bigint,
	flow_state text
);
COMMENT ON TYPE usom._order_row IS 'The kept columns of an order on their way from C to sales_order, by unnest().';

CREATE TYPE usom._history_row AS (
	sales_order_id bigint,
	version integer,
	event text,
	from_status usom.order_status,
	to_status usom.order_status,
	line_no integer,
	quantity numeric,
	reason text,
	reference text,
	app_user text,
	flow_state text
);
COMMENT ON TYPE usom._history_row IS 'A change on its way from C to order_history, by unnest().';

CREATE FUNCTION usom._adds_up(quantity usom.positive_quantity, open usom.quantity, backordered usom.quantity,
	reserved usom.quantity, released usom.quantity, picked usom.quantity, packed usom.quantity, shipped usom.quantity,
	delivered usom.quantity, returned usom.quantity, cancelled usom.quantity)
RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'usom__adds_up';
COMMENT ON FUNCTION usom._adds_up(usom.positive_quantity, usom.quantity, usom.quantity, usom.quantity, usom.quantity, usom.quantity, usom.quantity, usom.quantity, usom.quantity, usom.quantity, usom.quantity) IS
'Is the quantity the sum of all the others? The constraint order_line_quantity_conserved: one function call, because the text of a CHECK is parsed anew for every statement.';
REVOKE ALL ON FUNCTION usom._adds_up(usom.positive_quantity, usom.quantity, usom.quantity, usom.quantity, usom.quantity, usom.quantity, usom.quantity, usom.quantity, usom.quantity, usom.quantity, usom.quantity) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION usom._adds_up(usom.positive_quantity, usom.quantity, usom.quantity, usom.quantity, usom.quantity, usom.quantity, usom.quantity, usom.quantity, usom.quantity, usom.quantity, usom.quantity) TO PUBLIC;

CREATE FUNCTION usom._piece_is_sound(status usom.piece_status, location_id bigint, supply_id bigint, ships_on date, shipment_id bigint)
RETURNS boolean
LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'usom__piece_is_sound';
COMMENT ON FUNCTION usom._piece_is_sound(usom.piece_status, bigint, bigint, date, bigint) IS
'The constraint fulfillment_line_is_sound: what waits is nowhere, and only what waits counts on a supply; a day of shipment has what is reserved or further at a location; a shipment has what is shipped, delivered or returned, and nothing else. One function call, because the text of a CHECK is parsed anew for every statement.';
REVOKE ALL ON FUNCTION usom._piece_is_sound(usom.piece_status, bigint, bigint, date, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION usom._piece_is_sound(usom.piece_status, bigint, bigint, date, bigint) TO PUBLIC;

CREATE FUNCTION usom._guard_order() RETURNS trigger
LANGUAGE c AS 'MODULE_PATHNAME', 'usom__guard_order';
COMMENT ON FUNCTION usom._guard_order() IS 'BEFORE ROW on sales_order: plain SQL may write drafts, ask for decisions by status and correct what is not kept; all else is refused (US004, US101).';
REVOKE ALL ON FUNCTION usom._guard_order() FROM PUBLIC;

CREATE FUNCTION usom._guard_line() RETURNS trigger
LANGUAGE c AS 'MODULE_PATHNAME', 'usom__guard_line';
COMMENT ON FUNCTION usom._guard_line() IS 'BEFORE ROW on order_line: counters and totals of lines that plain SQL writes are derived; kept columns are refused (US004).';
REVOKE ALL ON FUNCTION usom._guard_line() FROM PUBLIC;

CREATE FUNCTION usom._line_written() RETURNS trigger
LANGUAGE c AS 'MODULE_PATHNAME', 'usom__line_written'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom._line_written() IS 'AFTER STATEMENT on order_line: lines that plain SQL wrote belong to drafts (else US004), whose totals follow.';
REVOKE ALL ON FUNCTION usom._line_written() FROM PUBLIC;

CREATE FUNCTION usom._guard_piece() RETURNS trigger
LANGUAGE c AS 'MODULE_PATHNAME', 'usom__guard_piece';
COMMENT ON FUNCTION usom._guard_piece() IS 'BEFORE ROW UPDATE on fulfillment_line: pieces are moved by the verbs alone (US101 with the legal steps, US004 for other columns).';
REVOKE ALL ON FUNCTION usom._guard_piece() FROM PUBLIC;

CREATE TYPE usom._held_piece AS (
	sales_order_id bigint,
	line_no integer,
	piece_no integer,
	from_piece_no integer
);
COMMENT ON TYPE usom._held_piece IS 'Piece that units of a held one are in now, or that is gone, on its way from C to hold, by unnest().';

CREATE TYPE usom._found_hold AS (
	sales_order_id bigint,
	line_no integer,
	hold_type text,
	reason text,
	expires_at timestamptz,
	check_code text
);
COMMENT ON TYPE usom._found_hold IS 'Hold that a check places, on its way from C to hold, by unnest().';

CREATE FUNCTION usom._standard_hold_types() RETURNS TABLE (code text, blocks text[], description text)
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, usom, pg_temp
AS $$
	VALUES ('credit', ARRAY['confirm', 'release', 'ship'], 'Credit limit or unpaid invoices'),
		('fraud', ARRAY['confirm', 'release', 'ship', 'change'], 'Suspected fraud, under review'),
		('address', ARRAY['release', 'ship'], 'Address to be clarified'),
		('customer', ARRAY['release', 'ship'], 'Customer asked to wait'),
		('payment', ARRAY['release', 'ship'], 'What the order costs is neither paid nor authorised'),
		('duplicate', ARRAY['confirm', 'release', 'ship'], 'Looks like an order that was placed before'),
		('review', ARRAY['confirm', 'release', 'ship'], 'A check found something that somebody should look at'),
		('approval', ARRAY['confirm', 'release', 'ship'], 'Waits for an approval'),
		('price', ARRAY['confirm', 'release', 'ship'], 'The price is not the one expected')
$$;
COMMENT ON FUNCTION usom._standard_hold_types() IS 'Types of holds that an organisation begins with.';
REVOKE ALL ON FUNCTION usom._standard_hold_types() FROM PUBLIC;

CREATE FUNCTION usom.furnish_hold_types() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, usom, pg_temp
AS $$
BEGIN
	INSERT INTO usom.hold_type (org_id, code, blocks, description)
	SELECT NEW.org_id, t.* FROM usom._standard_hold_types() t;
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION usom.furnish_hold_types() IS 'AFTER INSERT on organisation: a new organisation begins with the standard types of holds.';
REVOKE ALL ON FUNCTION usom.furnish_hold_types() FROM PUBLIC;

CREATE FUNCTION usom.hold_order(order_no text, hold_type text, reason text, expires_at timestamptz DEFAULT NULL,
	line_no integer DEFAULT NULL, piece_no integer DEFAULT NULL)
RETURNS TABLE (status text, version integer)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_hold_order'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.hold_order(text, text, text, timestamptz, integer, integer) IS
'Place a hold on an order, a line or a piece: the actions that its type blocks (usom.hold_type; confirm, release and ship for other types) fail with US102 until release_hold() or expires_at.
order_no: the order. hold_type: for example credit, fraud, address, customer. reason: why, for the people who see it. expires_at: when it ends by itself; null: never. line_no: hold the units of one line; null: the whole order. piece_no: hold one piece of that line.
A hold is not a status; several may stand at once. The same type at the same place again renews reason and expiry. A hold on a line or a piece keeps its units from being released and shipped, while release_order() and ship() let the others go; confirm, cancel and close are of the whole order and wait for every hold. Units that are cut off a held piece stay held. Hold rules (usom.hold_rule) may place other holds with it.
Returns the status and version of the order.
Errors: US105 unknown order, US106 unknown line, US120 unknown piece, US101 if the order is closed, cancelled or rejected or the piece has left, 22023 if the type is empty, the expiry is past or a piece comes without its line.
Example: SELECT * FROM usom.hold_order(''SO-000001'', ''credit'', ''invoice 4711 is overdue'', now() + interval ''3 days'');';

CREATE FUNCTION usom.release_hold(order_no text, hold_type text, reason text, line_no integer DEFAULT NULL, piece_no integer DEFAULT NULL)
RETURNS TABLE (status text, version integer)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_release_hold'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.release_hold(text, text, text, integer, integer) IS
'End the active holds of one type on an order.
order_no: the order. hold_type: as given to hold_order(). reason: why it may go on. line_no: only those on this line and its pieces; null: wherever they stand. piece_no: only that on this piece.
Returns the status and version of the order; call confirm_order() or release_order() next.
Errors: US105 unknown order, US107 if no active hold has this type there, 22023 if a piece comes without its line.
Example: SELECT * FROM usom.release_hold(''SO-000001'', ''credit'', ''paid'');';

/* ---- order ---- */

CREATE TYPE usom._approval_row AS (
	approval_id bigint,
	sales_order_id bigint,
	queue text,
	rules text[],
	saw jsonb,
	status text,
	automatic boolean,
	content bytea,
	expires_at timestamptz,
	escalates_at timestamptz,
	escalates_to text,
	if_declined text,
	apart_by text
);
COMMENT ON TYPE usom._approval_row IS 'A question to a queue on its way from C to approval, by unnest().';

CREATE TYPE usom._override_row AS (
	sales_order_id bigint,
	line_no integer,
	product_id bigint,
	unit_price numeric,
	price_before numeric,
	reason text,
	queue text,
	beyond text
);
COMMENT ON TYPE usom._override_row IS 'A price that somebody set, on its way from C to price_override, by unnest().';

CREATE FUNCTION usom._queue_exists(queue text) RETURNS boolean
LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'usom__queue_exists'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom._queue_exists(text) IS 'Is it a profile (then its group role is meant), or the name of a role? For the checks of rules, so everybody may call it.';
REVOKE ALL ON FUNCTION usom._queue_exists(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION usom._queue_exists(text) TO PUBLIC;

CREATE FUNCTION usom._in_queue(queue text) RETURNS boolean
LANGUAGE c STABLE STRICT PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'usom__in_queue'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom._in_queue(text) IS 'Does the role that acts (the one that logged in, or that SET ROLE chose) have the rights of the queue? Superusers have those of all. For the column mine of usom.approvals, so everybody may call it.';
REVOKE ALL ON FUNCTION usom._in_queue(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION usom._in_queue(text) TO PUBLIC;

CREATE FUNCTION usom._order_content(sales_order_id bigint) RETURNS bytea
LANGUAGE c STABLE STRICT PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'usom__order_content'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom._order_content(bigint) IS 'SHA-256 of what is agreed about an order: type, channel, customer, address, currency, coupons, and of each line number, product, quantity, price, discount, freight and tax, in the form of src/audit/digest.h. What was done about it (pieces, cancelled units, priority, dates) is no part of it. Null if there is no such order.';
REVOKE ALL ON FUNCTION usom._order_content(bigint) FROM PUBLIC;

CREATE FUNCTION usom._check_approval_rule() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, usom, pg_temp
AS $$
DECLARE
	unknown record;
BEGIN
	SELECT g.entity, g.code INTO unknown
	FROM (VALUES ('channel', NEW.channel, 1), ('customer', NEW.customer, 2)) g (entity, code, place)
	WHERE g.code IS NOT NULL AND NOT CASE g.entity
		WHEN 'channel' THEN EXISTS (SELECT FROM usom.channel x WHERE x.org_id = NEW.org_id AND x.code = g.code)
		ELSE EXISTS (SELECT FROM usom.customer x WHERE x.org_id = NEW.org_id AND x.code = g.code)
	END
	ORDER BY g.place LIMIT 1;
	IF FOUND THEN
		RAISE EXCEPTION 'approval rule "%" names % "%", which does not exist', NEW.code, unknown.entity, unknown.code USING
			ERRCODE = 'US006', DETAIL = 'Codes in rules are looked up when they are written.',
			HINT = format('INSERT INTO usom.%I first, or correct the code.', unknown.entity);
	END IF;
	IF NEW.outcome = 'ask' THEN
		PERFORM usom._check_queue('approval rule', NEW.code, q) FROM unnest(ARRAY[NEW.queue, NEW.escalate_to]) q WHERE q IS NOT NULL;
	END IF;
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION usom._check_approval_rule() IS 'Trigger BEFORE an approval rule is written: US006 for codes that nobody has, US135 for a queue that is neither a profile nor a role.';
REVOKE ALL ON FUNCTION usom._check_approval_rule() FROM PUBLIC;

CREATE FUNCTION usom._check_queue(what text, code text, queue text) RETURNS void
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, usom, pg_temp
AS $$
BEGIN
	IF NOT usom._queue_exists(queue) THEN
		RAISE EXCEPTION '% "%" names "%", which is neither a profile nor a role', what, code, queue USING
			ERRCODE = 'US135', DETAIL = 'Nobody could decide what waits there.',
			HINT = 'Take a profile (manager, agent ...), or CREATE ROLE first.';
	END IF;
END
$$;
COMMENT ON FUNCTION usom._check_queue(text, text, text) IS 'US135 unless there is a role for the queue. For triggers, so everybody may call it.';
REVOKE ALL ON FUNCTION usom._check_queue(text, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION usom._check_queue(text, text, text) TO PUBLIC;

CREATE FUNCTION usom._check_price_limit() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, usom, pg_temp
AS $$
BEGIN
	IF NEW.sku IS NOT NULL AND NOT EXISTS (SELECT FROM usom.product x WHERE x.org_id = NEW.org_id AND x.sku = NEW.sku) THEN
		RAISE EXCEPTION 'price limit "%" names product "%", which does not exist', NEW.code, NEW.sku USING
			ERRCODE = 'US006', DETAIL = 'Codes in limits are looked up when they are written.',
			HINT = 'INSERT INTO usom.product first, or correct the code.';
	END IF;
	PERFORM usom._check_queue('price limit', NEW.code, q) FROM unnest(ARRAY[NEW.role, NEW.queue]) q;
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION usom._check_price_limit() IS 'Trigger BEFORE a price limit is written: US006 for a product that there is not, US135 for a role or queue that is neither a profile nor a role.';
REVOKE ALL ON FUNCTION usom._check_price_limit() FROM PUBLIC;

/* ---- order ---- */

-- Flows that somebody writes: see src/order/flow.h.

CREATE FUNCTION usom._guard_flow() RETURNS trigger
LANGUAGE c AS 'MODULE_PATHNAME', 'usom__guard_flow'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom._guard_flow() IS 'BEFORE ROW on flow: a published version does not change (US144); version and publication are kept by usom (US004).';
REVOKE ALL ON FUNCTION usom._guard_flow() FROM PUBLIC;

CREATE FUNCTION usom._guard_flow_part() RETURNS trigger
LANGUAGE c AS 'MODULE_PATHNAME', 'usom__guard_flow_part'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom._guard_flow_part() IS 'BEFORE ROW on the parts of flows: those of a published version do not change (US144).';
REVOKE ALL ON FUNCTION usom._guard_flow_part() FROM PUBLIC;

CREATE FUNCTION usom._furnish_flow() RETURNS trigger
LANGUAGE c AS 'MODULE_PATHNAME', 'usom__furnish_flow'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom._furnish_flow() IS 'AFTER ROW on flow: a new flow has a state for each status of orders but draft.';
REVOKE ALL ON FUNCTION usom._furnish_flow() FROM PUBLIC;

CREATE FUNCTION usom._check_flow_rule() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, usom, pg_temp
AS $$
BEGIN
	IF NEW.channel IS NOT NULL AND NOT EXISTS (SELECT FROM usom.channel c WHERE c.org_id = NEW.org_id AND c.code = NEW.channel) THEN
		RAISE EXCEPTION 'flow rule "%" names channel "%", which does not exist', NEW.code, NEW.channel USING
			ERRCODE = 'US006', DETAIL = 'Codes in rules are looked up when they are written.', HINT = 'INSERT INTO usom.channel first, or correct the code.';
	ELSIF NOT EXISTS (SELECT FROM usom.flow f WHERE f.org_id = NEW.org_id AND f.code = NEW.flow AND f.published_at IS NOT NULL) THEN
		RAISE EXCEPTION 'flow rule "%" names flow "%", which is not published', NEW.code, NEW.flow USING
			ERRCODE = 'US006', DETAIL = 'Orders take published flows.', HINT = format('SELECT usom.publish_flow(%L);', NEW.flow);
	END IF;
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION usom._check_flow_rule() IS 'Trigger BEFORE a flow rule is written: US006 for a channel that nobody has, or a flow that is not published.';
REVOKE ALL ON FUNCTION usom._check_flow_rule() FROM PUBLIC;

CREATE FUNCTION usom._flow_guard_name(guard text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, usom, pg_temp
AS $$
	SELECT CASE WHEN guard LIKE '%.%' THEN guard ELSE 'usom._flow_' || guard END
$$;
COMMENT ON FUNCTION usom._flow_guard_name(text) IS 'Name of the function of a guard: its own, or one of usom''s.';
REVOKE ALL ON FUNCTION usom._flow_guard_name(text) FROM PUBLIC;

CREATE FUNCTION usom._check_flow_guard(guard text) RETURNS boolean
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, usom, pg_temp
AS $$
DECLARE
	found CONSTANT regprocedure := to_regprocedure(usom._flow_guard_name(guard) || '(bigint, text)');
	the record;
	problem text;
BEGIN
	SELECT p.prokind = 'f' AND p.prorettype = 'boolean'::regtype AND NOT p.proretset AS is_predicate, p.provolatile <> 'v' AS is_stable,
		r.rolsuper OR r.oid = t.relowner AS is_trusted
	INTO the
	FROM pg_proc p JOIN pg_roles r ON r.oid = p.proowner, pg_class t
	WHERE p.oid = found AND t.oid = 'usom.sales_order'::regclass;
	problem := CASE
		WHEN found IS NULL AND guard LIKE '%.%' THEN format('There is no function %s(bigint, text).', guard)
		WHEN found IS NULL THEN 'usom''s own are paid, promised, released, reserved and unheld.'
		WHEN NOT the.is_predicate THEN 'It does not return one boolean.'
		WHEN NOT the.is_stable THEN 'It is VOLATILE: a guard looks and changes nothing.'
		WHEN NOT the.is_trusted THEN 'It is owned neither by a superuser nor by the owner of usom, as whom guards run.'
	END;
	IF problem IS NOT NULL THEN
		RAISE EXCEPTION 'guard "%" of a flow cannot be asked', guard USING ERRCODE = 'US143', DETAIL = problem,
			HINT = 'CREATE FUNCTION ' || CASE WHEN guard LIKE '%.%' THEN guard ELSE 'schema.' || guard END || '(org_id bigint, order_no text) RETURNS boolean, STABLE, as a superuser.';
	END IF;
	RETURN true;
END
$$;
COMMENT ON FUNCTION usom._check_flow_guard(text) IS 'True, or US143: the guard is no function that may be asked.';
REVOKE ALL ON FUNCTION usom._check_flow_guard(text) FROM PUBLIC;

CREATE FUNCTION usom._ask_flow_guard(guard text, org_id bigint, order_no text) RETURNS boolean
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, usom, pg_temp
AS $$
DECLARE
	answer boolean;
BEGIN
	PERFORM usom._check_flow_guard(guard);
	EXECUTE format('SELECT %s($1, $2)', usom._flow_guard_name(guard)) INTO answer USING org_id, order_no;
	RETURN answer;
END
$$;
COMMENT ON FUNCTION usom._ask_flow_guard(text, bigint, text) IS 'Is the guard true of the order as it is? By the constraint flow_guard_named a guard is a plain name. US143 if it is no function that may be asked.';
REVOKE ALL ON FUNCTION usom._ask_flow_guard(text, bigint, text) FROM PUBLIC;

CREATE FUNCTION usom._flow_paid(org_id bigint, order_no text) RETURNS boolean
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, usom, pg_temp
AS $$
BEGIN
	RETURN (SELECT coalesce(o.paid, 0) >= o.total FROM usom.sales_order o WHERE o.org_id = $1 AND o.order_no = $2);
END
$$;
COMMENT ON FUNCTION usom._flow_paid(bigint, text) IS 'Guard paid: as much is captured as the order costs.';
REVOKE ALL ON FUNCTION usom._flow_paid(bigint, text) FROM PUBLIC;

CREATE FUNCTION usom._flow_promised(org_id bigint, order_no text) RETURNS boolean
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, usom, pg_temp
AS $$
BEGIN
	RETURN (
		SELECT NOT EXISTS (SELECT FROM usom.order_line l WHERE l.org_id = $1 AND l.sales_order_id = o.sales_order_id AND l.quantity_open > 0)
			AND NOT EXISTS (SELECT FROM usom.fulfillment_line f WHERE f.org_id = $1 AND f.sales_order_id = o.sales_order_id
				AND f.status = 'backordered' AND f.promised_at IS NULL)
		FROM usom.sales_order o WHERE o.org_id = $1 AND o.order_no = $2);
END
$$;
COMMENT ON FUNCTION usom._flow_promised(bigint, text) IS 'Guard promised: whatever waits is promised for a date.';
REVOKE ALL ON FUNCTION usom._flow_promised(bigint, text) FROM PUBLIC;

CREATE FUNCTION usom._flow_reserved(org_id bigint, order_no text) RETURNS boolean
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, usom, pg_temp
AS $$
BEGIN
	RETURN (
		SELECT NOT EXISTS (SELECT FROM usom.order_line l WHERE l.org_id = $1 AND l.sales_order_id = o.sales_order_id
			AND (l.quantity_open > 0 OR l.quantity_backordered > 0))
		FROM usom.sales_order o WHERE o.org_id = $1 AND o.order_no = $2);
END
$$;
COMMENT ON FUNCTION usom._flow_reserved(bigint, text) IS 'Guard reserved: nothing of the order is open or waits for stock.';
REVOKE ALL ON FUNCTION usom._flow_reserved(bigint, text) FROM PUBLIC;

CREATE FUNCTION usom._flow_released(org_id bigint, order_no text) RETURNS boolean
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, usom, pg_temp
AS $$
BEGIN
	RETURN (
		SELECT NOT EXISTS (SELECT FROM usom.order_line l WHERE l.org_id = $1 AND l.sales_order_id = o.sales_order_id
			AND (l.quantity_open > 0 OR l.quantity_backordered > 0 OR l.quantity_reserved > 0))
		FROM usom.sales_order o WHERE o.org_id = $1 AND o.order_no = $2);
END
$$;
COMMENT ON FUNCTION usom._flow_released(bigint, text) IS 'Guard released: everything of the order is released to a location, or further.';
REVOKE ALL ON FUNCTION usom._flow_released(bigint, text) FROM PUBLIC;

CREATE FUNCTION usom._flow_unheld(org_id bigint, order_no text) RETURNS boolean
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, usom, pg_temp
AS $$
BEGIN
	RETURN (
		SELECT NOT EXISTS (SELECT FROM usom.hold h WHERE h.org_id = $1 AND h.sales_order_id = o.sales_order_id
			AND h.released_at IS NULL AND (h.expires_at IS NULL OR h.expires_at > statement_timestamp()))
		FROM usom.sales_order o WHERE o.org_id = $1 AND o.order_no = $2);
END
$$;
COMMENT ON FUNCTION usom._flow_unheld(bigint, text) IS 'Guard unheld: no hold is active, whatever it blocks.';
REVOKE ALL ON FUNCTION usom._flow_unheld(bigint, text) FROM PUBLIC;

CREATE FUNCTION usom._flow_graph(statuses text[], starts boolean[], built_in boolean[], from_place integer[], to_place integer[])
RETURNS TABLE (what text, place integer, other integer, status text)
LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'usom__flow_graph'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom._flow_graph(text[], boolean[], boolean[], integer[], integer[]) IS
'A flow as a graph, for those who try the checks: what publishing adds (adds) and leaves out (gone), and what is wrong (bad_step, no_start, unreachable, dead_end, no_cancel). Places of states in the arrays, from 1.';
REVOKE ALL ON FUNCTION usom._flow_graph(text[], boolean[], boolean[], integer[], integer[]) FROM PUBLIC;

CREATE FUNCTION usom.flow_id(code text, version integer DEFAULT NULL) RETURNS bigint
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, usom, pg_temp
AS $$
DECLARE
	found bigint;
BEGIN
	PERFORM usom._check_installed(), usom._check_card('code', code);
	SELECT f.flow_id INTO found FROM usom.flow f
	WHERE f.org_id = usom.current_org() AND f.code = flow_id.code AND (flow_id.version IS NULL OR f.version = flow_id.version)
	ORDER BY f.version DESC LIMIT 1;
	IF found IS NULL THEN
		RAISE EXCEPTION 'no flow "%"%', code, coalesce(format(' in version %s', version), '') USING ERRCODE = 'US006',
			HINT = 'INSERT INTO usom.flow (code) first, or correct the code.';
	END IF;
	RETURN found;
END
$$;
COMMENT ON FUNCTION usom.flow_id(text, integer) IS 'Key of a version of a flow of the caller''s organisation. code: the flow. version: null: the newest, which is the one that is being written if there is one. Errors: US001, US006. Example: INSERT INTO usom.flow_state (flow_id, state, status) VALUES (usom.flow_id(''engraving''), ''engraved'', ''confirmed'');';

CREATE FUNCTION usom.check_flow(flow text) RETURNS TABLE (fault text, state text, status text, message text)
LANGUAGE c STABLE STRICT PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'usom_check_flow'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.check_flow(text) IS
'What keeps the newest version of a flow from being published, one row each; writes nothing. flow: its code.
fault: bad_step (a step between statuses that orders do not go between, see order_lifecycle()), no_start (no state of a status starts), unreachable, dead_end (neither closed nor cancelled nor rejected can be reached), no_cancel (the order could be cancelled in this status, but no way within it leads to a state of cancelled).
Errors: US006 unknown flow. Example: SELECT * FROM usom.check_flow(''engraving'');';

CREATE FUNCTION usom.publish_flow(flow text) RETURNS integer
LANGUAGE c STRICT AS 'MODULE_PATHNAME', 'usom_publish_flow'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.publish_flow(text) IS
'Check the newest version of a flow and publish it: from then on it does not change, and orders that a row of usom.flow_rule sends to the flow take it.
flow: its code. Its built-in states from which no transition was written go on as orders do without a flow; those that nothing leads to are left out.
Returns the version; a repeated call returns it again.
Errors: US006 unknown flow, US142 with everything that check_flow() finds in the detail, US143 for a guard that cannot be asked.
Example: SELECT usom.publish_flow(''engraving'');';

CREATE FUNCTION usom.revise_flow(flow text) RETURNS integer
LANGUAGE c STRICT AS 'MODULE_PATHNAME', 'usom_revise_flow'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.revise_flow(text) IS
'Begin the next version of a published flow: a copy of what was written, to be changed by plain SQL and published. Orders keep the version that they have. flow: its code.
Returns the version; while one is being written, its number.
Errors: US006 unknown flow. Example: SELECT usom.revise_flow(''engraving'');';

CREATE FUNCTION usom.take_step(order_no text, to_state text, reason text DEFAULT NULL)
RETURNS TABLE (status text, version integer, flow_state text)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_take_step'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.take_step(text, text, text) IS
'Take an order to another state of its flow, within its status. UPDATE usom.sales_order SET flow_state does the same. Between statuses the state follows by itself when the order is confirmed, released, shipped and so on.
order_no: the order. to_state: a state that a step leads to, see explain_steps(). reason: why; it stands in the history.
Returns status, version and state of the order; asking for the state that it has changes nothing.
Errors: US105 unknown order, US140 no such step, US141 a guard refuses it (all of them in the detail), US101 if the order has ended.
Example: SELECT * FROM usom.take_step(''SO-000001'', ''engraved'');';

CREATE FUNCTION usom.explain_steps(order_no text)
RETURNS TABLE (to_state text, status text, taken_by text, open boolean, guard text, severity text, passes boolean, message text)
LANGUAGE c STABLE STRICT PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'usom_explain_steps'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.explain_steps(text) IS
'The steps of its flow that lead on from where an order is, with every guard asked now; writes nothing. One row per step and guard; none for an order without a flow. order_no: the order.
taken_by: take_step, or the step of the order that goes to that status (release, ship and so on). open: false while a guard refuses it. passes: null for a guard that is off.
Errors: US105 unknown order, US143 a guard that cannot be asked. Example: SELECT * FROM usom.explain_steps(''SO-000001'');';

CREATE FUNCTION usom.flow_dot(flow text, version integer DEFAULT NULL) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, usom, pg_temp
AS $$
DECLARE
	key CONSTANT bigint := usom.flow_id(flow, version);
BEGIN
	RETURN (
		SELECT format(E'digraph %s {\n\trankdir=LR;\n%s%s}\n', quote_ident(flow),
			(SELECT string_agg(format(E'\tsubgraph cluster_%s {\n\t\tlabel="%s";\n%s\t}\n', c.status, c.status, c.states), '' ORDER BY c.place)
			 FROM (SELECT s.status::text AS status, min(s.status) AS place,
					string_agg(format(E'\t\t"%s"%s;\n', replace(s.state, '"', '\"'), CASE WHEN s.starts THEN ' [penwidth=2]' ELSE '' END), '' ORDER BY s.state) AS states
				FROM usom.flow_state s WHERE s.org_id = usom.current_org() AND s.flow_id = key GROUP BY s.status) c),
			coalesce((SELECT string_agg(format(E'\t"%s" -> "%s"%s;\n', replace(t.from_state, '"', '\"'), replace(t.to_state, '"', '\"'),
				CASE WHEN t.built_in THEN ' [style=dashed]' ELSE '' END), '' ORDER BY t.from_state, t.rank, t.to_state)
			 FROM usom.flow_transition t WHERE t.org_id = usom.current_org() AND t.flow_id = key), '')));
END
$$;
COMMENT ON FUNCTION usom.flow_dot(text, integer) IS
'A version of a flow as a picture for Graphviz: states in the status that they lie within, those where orders begin drawn bold, steps that nobody wrote dashed. flow: its code. version: null: the newest. Errors: US006 unknown flow. Example: SELECT usom.flow_dot(''engraving'');';

/* ---- order ---- */

CREATE FUNCTION usom._check_hold_rule() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, usom, pg_temp
AS $$
DECLARE
	unknown record;
	circle text[];
BEGIN
	SELECT g.entity, g.code INTO unknown
	FROM (VALUES ('channel', NEW.channel, 1), ('customer', NEW.customer, 2)) g (entity, code, place)
	WHERE g.code IS NOT NULL AND NOT CASE g.entity
		WHEN 'channel' THEN EXISTS (SELECT FROM usom.channel x WHERE x.org_id = NEW.org_id AND x.code = g.code)
		ELSE EXISTS (SELECT FROM usom.customer x WHERE x.org_id = NEW.org_id AND x.code = g.code)
	END
	ORDER BY g.place LIMIT 1;
	IF FOUND THEN
		RAISE EXCEPTION 'hold rule "%" names % "%", which does not exist', NEW.code, unknown.entity, unknown.code USING
			ERRCODE = 'US006', DETAIL = 'Codes in rules are looked up when they are written.',
			HINT = format('INSERT INTO usom.%I first, or correct the code.', unknown.entity);
	END IF;
	IF NEW.when_held IS NULL OR NOT NEW.active THEN
		RETURN NEW;
	END IF;
	-- Two rules that are written at once may close a circle together.
	PERFORM pg_advisory_xact_lock(hashtextextended('usom.hold_rule', NEW.org_id));
	WITH RECURSIVE raised (hold_type, chain) AS (
		SELECT NEW.hold_type, ARRAY[NEW.when_held, NEW.hold_type]
		UNION ALL
		SELECT r.hold_type, raised.chain || r.hold_type
		FROM raised JOIN usom.hold_rule r ON r.org_id = NEW.org_id AND r.hold_rule_id <> NEW.hold_rule_id AND r.active AND r.when_held = raised.hold_type
		WHERE raised.hold_type <> NEW.when_held AND NOT r.hold_type = ANY (raised.chain[2:])
	)
	SELECT chain INTO circle FROM raised WHERE hold_type = NEW.when_held ORDER BY cardinality(chain), chain LIMIT 1;
	IF FOUND THEN
		RAISE EXCEPTION 'hold rule "%" would raise holds in a circle', NEW.code USING
			ERRCODE = 'US121', DETAIL = format('The circle is %s.', array_to_string(circle, ' -> ')),
			HINT = 'Let one of the rules place a hold of another type, or set active to false.';
	END IF;
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION usom._check_hold_rule() IS 'Trigger BEFORE a hold rule is written: US006 for codes that nobody has, US121 for rules that raise each other in a circle.';
REVOKE ALL ON FUNCTION usom._check_hold_rule() FROM PUBLIC;

/* ---- order ---- */

CREATE TYPE usom._event_row AS (
	ordinal integer,
	sales_order_id bigint,
	kind text,
	payload jsonb
);
COMMENT ON TYPE usom._event_row IS 'An event on its way from C, by unnest().';

CREATE TYPE usom._case_row AS (
	ordinal integer,
	kind text,
	sales_order_id bigint,
	line_no integer,
	reference text,
	message text,
	detail jsonb,
	due_at timestamptz
);
COMMENT ON TYPE usom._case_row IS 'An exception case on its way from C, by unnest().';

CREATE FUNCTION usom._tell(sales_order_id bigint, kind text, payload jsonb) RETURNS void
LANGUAGE c AS 'MODULE_PATHNAME', 'usom__tell'
VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom._tell(bigint, text, jsonb) IS 'Writes an event of an order, whose row the caller has locked, or with null of no order. payload: business keys, nothing about people.';
REVOKE ALL ON FUNCTION usom._tell(bigint, text, jsonb) FROM PUBLIC;

CREATE FUNCTION usom._raise_case(sales_order_id bigint, line_no integer, kind text, reference text, message text,
	detail jsonb DEFAULT NULL, due_at timestamptz DEFAULT NULL) RETURNS void
LANGUAGE c AS 'MODULE_PATHNAME', 'usom__raise_case'
VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom._raise_case(bigint, integer, text, text, text, jsonb, timestamptz) IS 'Opens an exception case, or brings the open one of this kind, order, line and reference up to date. What does not apply is null.';
REVOKE ALL ON FUNCTION usom._raise_case(bigint, integer, text, text, text, jsonb, timestamptz) FROM PUBLIC;

CREATE FUNCTION usom._settle_case(sales_order_id bigint, line_no integer, kind text, reference text DEFAULT NULL) RETURNS void
LANGUAGE c AS 'MODULE_PATHNAME', 'usom__settle_case'
VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom._settle_case(bigint, integer, text, text) IS 'Closes the open exception cases of this kind, order and line, because their cause is gone; reference null: whatever their reference.';
REVOKE ALL ON FUNCTION usom._settle_case(bigint, integer, text, text) FROM PUBLIC;

CREATE FUNCTION usom.resolve_exception(exception_id bigint, resolution text) RETURNS void
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_resolve_exception'
VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.resolve_exception(bigint, text) IS
'Close an exception that somebody has dealt with.
exception_id: key, see usom.exceptions. resolution: what was done, for those who read it later.
Exceptions whose cause goes away are closed by usom; one that is closed while its cause lasts is opened again by the next call that meets it.
Errors: US115 if there is no open exception with this key, 22004 for a null.
Example: SELECT usom.resolve_exception(4711, ''customer accepts the later date'');';

/* ---- sourcing ---- */

CREATE TYPE usom._demand AS (
	product_id bigint,
	location_id bigint,
	quantity numeric,
	partial boolean
);
COMMENT ON TYPE usom._demand IS 'What is to be served, for usom._plan(): location_id 0 is any location, partial allows to cut.';

CREATE TYPE usom._stock_available AS (
	product_id bigint,
	location_id bigint,
	lot text COLLATE "C",
	priority integer,
	available numeric
);
COMMENT ON TYPE usom._stock_available IS 'What there is, for usom._plan(): units of a lot at a location of a priority.';

CREATE FUNCTION usom._plan(demands usom._demand[], stock usom._stock_available[])
RETURNS TABLE (demand integer, location_id bigint, lot text, quantity numeric)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom__plan'
IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom._plan(usom._demand[], usom._stock_available[]) IS 'The planner that place_order uses, over given arrays: which location and lot serves which demand (numbered from 1), null for what is backordered. Raises 22003, 22004 or 22023 for arrays that make no sense.';
REVOKE ALL ON FUNCTION usom._plan(usom._demand[], usom._stock_available[]) FROM PUBLIC;

CREATE TYPE usom._sourcing_need AS (
	product integer,
	quantity numeric,
	smallest numeric,
	most_parts integer,
	partial boolean,
	weight double precision,
	late_cost double precision,
	requested_at timestamptz,
	excluded integer[]
);
COMMENT ON TYPE usom._sourcing_need IS 'What is to be served, for usom._source(): units of a product (numbered from 1), the smallest part and the most parts (0: any) it may be cut into, whether a rest may stay, the weight of a unit, what a unit costs for a day late, and the sites (numbered from 1) that may not serve it.';

CREATE TYPE usom._sourcing_site AS (
	location_id bigint,
	arrives_at timestamptz,
	freight double precision,
	freight_by_weight double precision,
	handling double precision,
	fixed double precision,
	penalty double precision,
	unit_cost double precision,
	capacity numeric
);
COMMENT ON TYPE usom._sourcing_site IS 'A location on a day, for usom._source(): when a shipment arrives, what it costs (freight, handling, fixed, penalty, and by weight and unit), and how many units it can ship (null: any number).';

CREATE TYPE usom._sourcing_stock AS (
	product integer,
	site integer,
	quantity numeric,
	kept numeric
);
COMMENT ON TYPE usom._sourcing_stock IS 'What there is, for usom._source(): units of a product at a site, and how many of them it keeps for itself.';

CREATE FUNCTION usom._source(needs usom._sourcing_need[], sites usom._sourcing_site[], stock usom._sourcing_stock[],
	most_shipments integer, ship_complete boolean) RETURNS jsonb
LANGUAGE c AS 'MODULE_PATHNAME', 'usom__source'
IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom._source(usom._sourcing_need[], usom._sourcing_site[], usom._sourcing_stock[], integer, boolean) IS 'The planner of least cost over given arrays: parts, what is unserved, cost by kind, whether the plan is proven to be the best and what no plan can beat, and for each need and site why it was not chosen. First the most units are served, then the cost is least. Raises 22003, 22004 or 22023 for arrays that make no sense.';
REVOKE ALL ON FUNCTION usom._source(usom._sourcing_need[], usom._sourcing_site[], usom._sourcing_stock[], integer, boolean) FROM PUBLIC;

CREATE TYPE usom._sourcing_want AS (
	ordinal integer,
	sales_order_id bigint,
	product_id bigint
);
COMMENT ON TYPE usom._sourcing_want IS 'Units that want to be served, on their way from C, by unnest(): the order with the first of its units, null with the others.';

CREATE TYPE usom._sourcing_place AS (
	ordinal integer,
	country text,
	postcode text
);
COMMENT ON TYPE usom._sourcing_place IS 'An address without coordinates, on its way from C, by unnest(): capitals and digits of its postal code.';

CREATE TYPE usom._sourcing_group AS (
	ordinal integer,
	sourcing_rule_id bigint,
	latitude double precision,
	longitude double precision,
	country text,
	weight double precision
);
COMMENT ON TYPE usom._sourcing_group IS 'An order under a rule (0: under none), for usom._lanes().';

CREATE FUNCTION usom._lanes(groups usom._sourcing_group[], locations bigint[], at timestamptz)
RETURNS TABLE (ordinal integer, location text, distance double precision, verdict text, rank double precision, fixed double precision,
	unit_cost double precision, handling double precision, freight double precision, freight_by_weight double precision,
	late_cost double precision, protected_quantity numeric, arrives_at timestamptz)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom__lanes'
VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom._lanes(usom._sourcing_group[], bigint[], timestamptz) IS 'What each location is to each order under its rule, as place_order sees it: distance (null: unknown), why it cannot serve (empty: it can), its rank by the order of the rule, costs, and when an order of the moment arrives (null: never). For tests. Raises 22004 for null elements, XX000 for a rule that is not active.';
REVOKE ALL ON FUNCTION usom._lanes(usom._sourcing_group[], bigint[], timestamptz) FROM PUBLIC;

CREATE FUNCTION usom._distance(latitude_a double precision, longitude_a double precision, latitude_b double precision, longitude_b double precision)
	RETURNS double precision
	AS 'MODULE_PATHNAME', 'usom__distance' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION usom._distance(double precision, double precision, double precision, double precision) IS 'What usom.distance_km() computes, unrounded and unchecked.';
REVOKE ALL ON FUNCTION usom._distance(double precision, double precision, double precision, double precision) FROM PUBLIC;

/* ---- sourcing ---- */

CREATE TYPE usom._hours AS (
	weekday integer,
	on_date date,
	opens time,
	closes time,
	cut_off time
);
COMMENT ON TYPE usom._hours IS 'A row of location_calendar, for usom._ship_time().';

CREATE FUNCTION usom._ship_time(hours usom._hours[], time_zone text, at timestamptz) RETURNS timestamptz
LANGUAGE c AS 'MODULE_PATHNAME', 'usom__ship_time'
STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom._ship_time(usom._hours[], text, timestamptz) IS 'What usom.earliest_shipment() computes, over given hours. Errors: US301.';
REVOKE ALL ON FUNCTION usom._ship_time(usom._hours[], text, timestamptz) FROM PUBLIC;

CREATE FUNCTION usom._local_day(time_zone text, at timestamptz) RETURNS date
LANGUAGE c AS 'MODULE_PATHNAME', 'usom__local_day'
STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom._local_day(text, timestamptz) IS 'Day that a clock of the time zone shows. Errors: US301.';
REVOKE ALL ON FUNCTION usom._local_day(text, timestamptz) FROM PUBLIC;

CREATE FUNCTION usom.earliest_shipment(location text, at timestamptz DEFAULT now()) RETURNS timestamptz
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_earliest_shipment'
VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.earliest_shipment(text, timestamptz) IS 'When an order of this moment leaves the location at the earliest: within the first hours of its calendar whose cut-off it meets, at the location''s own clock. Null if the location does not ship within a year. A local time that does not exist on the day the clock changes is the moment of the change; of one that comes twice, the first counts. Errors: US001, US006. Example: SELECT usom.earliest_shipment(''MAIN'');';

CREATE FUNCTION usom.distance_km(latitude_a numeric, longitude_a numeric, latitude_b numeric, longitude_b numeric) RETURNS numeric
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_distance_km'
IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.distance_km(numeric, numeric, numeric, numeric) IS 'Kilometres along the great circle between two places, in degrees north and east, on a sphere with the mean radius of the earth (6371.0088 km). Errors: 22003 for degrees that are not on earth. Example: SELECT usom.distance_km(52.52, 13.405, 48.8566, 2.3522);';

/* ---- sourcing ---- */

CREATE FUNCTION usom._change_capacity(changes usom._capacity_change[]) RETURNS TABLE (location_id bigint, on_date date)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom__change_capacity'
VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom._change_capacity(usom._capacity_change[]) IS 'Takes and gives back capacity as the allocation of orders does, and returns the days that had too little left; nothing has happened to those. Errors: 22003, 22004 for changes that are none.';
REVOKE ALL ON FUNCTION usom._change_capacity(usom._capacity_change[]) FROM PUBLIC;

CREATE FUNCTION usom._look_at_capacity(location_id bigint, on_date date) RETURNS TABLE (units numeric, orders bigint)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom__look_at_capacity'
VOLATILE STRICT PARALLEL UNSAFE ROWS 1
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom._look_at_capacity(bigint, date) IS 'What is left of a location''s day, as the allocation of orders sees it; null: no limit.';
REVOKE ALL ON FUNCTION usom._look_at_capacity(bigint, date) FROM PUBLIC;

/* ---- sourcing ---- */

CREATE FUNCTION usom.ration(supply numeric, demands numeric[], weights numeric[] DEFAULT NULL, minimum numeric DEFAULT 0,
	multiple numeric DEFAULT 1, mode text DEFAULT 'proportional', groups text[] DEFAULT NULL, caps jsonb DEFAULT NULL)
RETURNS TABLE (ordinal integer, demand numeric, share numeric)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_ration'
IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.ration(numeric, numeric[], numeric[], numeric, numeric, text, text[], jsonb) IS
'Fair shares of a scarce supply, over any rows: give what they ask for as an array, join the shares back by ordinal.
supply, demands: in one unit, whichever; six decimals. mode: proportional (to the demands), equal (the same for all, as far as they ask for it) or weighted (by weights, one for each demand, above 0).
minimum: who gets less than this gets nothing. multiple: shares are whole multiples of it. groups, caps: a group for each demand, and the most a group gets, as {"web": 100}; groups without a cap, and null, have none.
Returns a row for each demand, in the order given: ordinal from 1, demand, share.
A share is never above its demand or below 0. The shares sum to the supply, rounded down to the multiple, or to what the demands can take (each rounded down to the multiple, those of a group up to its cap) if that is less; with a minimum above the multiple, less than one minimum may stay behind where it would start no further share. The same arguments give the same shares, of equal claims the first one is ahead by a lot at most, and nobody gets less when the supply grows.
That last promise is why quotas are not rounded by largest remainders, which break it (the Alabama paradox): lots are given out one by one, each to the claim with the highest average, by the divisors of Webster and Sainte-Lague (M. L. Balinski, H. P. Young: Fair Representation, 1982).
Null supply or demands give no rows. Errors: 22023 for negative or unknown arguments, 22004 for null elements, 2202E for arrays of different lengths, 22003 for quantities out of range.
Example: WITH waiting AS (SELECT row_number() OVER (ORDER BY order_no, line_no) AS n, * FROM usom.backorders WHERE sku = ''85123A'') SELECT w.order_no, w.line_no, r.demand, r.share FROM usom.ration(100, ARRAY(SELECT quantity FROM waiting ORDER BY n), minimum => 5, multiple => 5) r JOIN waiting w ON w.n = r.ordinal;';

/* ---- sourcing ---- */

CREATE TYPE usom._ration_claim AS (
	strategy text,
	wanted numeric,
	on_time integer,
	whole boolean,
	serves integer[],
	held numeric[]
);
COMMENT ON TYPE usom._ration_claim IS 'A line in a backorder run, for usom._ration_item(): its strategy, what it has and waits for, the last level that is on time, whether it must not be cut, the sources (numbered from 1) that may serve it, and what it has of each source.';

CREATE TYPE usom._ration_source AS (
	quantity numeric,
	level integer
);
COMMENT ON TYPE usom._ration_source IS 'Where units come from, for usom._ration_item(): how many for all claims together, and the level: 0 is there, from 1 on in the order of arrival.';

CREATE FUNCTION usom._ration_item(claims usom._ration_claim[], sources usom._ration_source[])
RETURNS TABLE (claim integer, source integer, quantity numeric)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom__ration_item'
IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom._ration_item(usom._ration_claim[], usom._ration_source[]) IS 'The core of backorder_run() over given arrays: what each claim has of each source in the end; or one row without source, the claim that cannot have what its strategy promises and what it could have. Raises 22003, 22004 or 22023 for arrays that make no sense.';
REVOKE ALL ON FUNCTION usom._ration_item(usom._ration_claim[], usom._ration_source[]) FROM PUBLIC;

/* ---- sourcing ---- */

CREATE TYPE usom._rule_case AS (
	ordinal integer,
	channel text,
	customer text,
	country text,
	order_type text,
	sku text,
	category text
);
COMMENT ON TYPE usom._rule_case IS 'A line with what sourcing rules ask of it and its order, for usom._matching_rule().';

CREATE FUNCTION usom._matching_rule(cases usom._rule_case[])
RETURNS TABLE (ordinal integer, sourcing_rule_id bigint, place integer)
LANGUAGE sql STABLE STRICT
SET search_path = pg_catalog, usom, pg_temp
AS $$
	SELECT c.ordinal, r.sourcing_rule_id, row_number() OVER (PARTITION BY c.ordinal ORDER BY r.priority, r.code COLLATE "C")::integer
	FROM unnest(cases) c
	JOIN usom.sourcing_rule r ON r.org_id = usom.current_org() AND r.active
		AND (r.channels IS NULL OR c.channel = ANY (r.channels))
		AND (r.customers IS NULL OR c.customer = ANY (r.customers))
		AND (r.countries IS NULL OR c.country = ANY (r.countries))
		AND (r.order_types IS NULL OR c.order_type = ANY (r.order_types))
		AND (r.skus IS NULL OR c.sku = ANY (r.skus))
		AND (r.categories IS NULL OR c.category = ANY (r.categories))
$$;
COMMENT ON FUNCTION usom._matching_rule(usom._rule_case[]) IS 'All active sourcing rules whose filters a line passes, in the order in which they are asked: place 1 is the one that holds. A filter on what the line lacks is not passed. The twin of what place_order does in C, see usom._passed_rules().';
REVOKE ALL ON FUNCTION usom._matching_rule(usom._rule_case[]) FROM PUBLIC;

CREATE FUNCTION usom._passed_rules(cases usom._rule_case[])
RETURNS TABLE (ordinal integer, sourcing_rule_id bigint, place integer)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom__passed_rules'
VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom._passed_rules(usom._rule_case[]) IS 'The same as usom._matching_rule(), as place_order finds it out: in C, over rules that the backend remembers. For tests. Raises 22004 for null elements.';
REVOKE ALL ON FUNCTION usom._passed_rules(usom._rule_case[]) FROM PUBLIC;

-- Runs with the rights of who writes, who may read all that a rule names.
-- Cycles are looked for by one writer of the organisation at a time.  At
-- REPEATABLE READ two may still make one between them, so whoever follows a
-- chain stops at a rule that it has met.
CREATE FUNCTION usom._check_sourcing_rule() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, usom, pg_temp
AS $$
DECLARE
	unknown record;
	twice text[] := ARRAY(SELECT unnest(NEW.locations) INTERSECT SELECT unnest(NEW.excluded_locations) ORDER BY 1);
	chain text[] := ARRAY[NEW.code];
	next text := NEW.next_rule;
BEGIN
	-- US110 for a type that there is not.
	PERFORM NEW.order_types::usom.order_type[];
	SELECT g.entity, g.code INTO unknown
	FROM (
		SELECT 'channel', unnest(NEW.channels), 1
		UNION ALL SELECT 'customer', unnest(NEW.customers), 2
		UNION ALL SELECT 'product', unnest(NEW.skus), 3
		UNION ALL SELECT 'location', unnest(NEW.locations), 4
		UNION ALL SELECT 'location', unnest(NEW.excluded_locations), 5
		UNION ALL SELECT 'service_level', NEW.service_level, 6
		UNION ALL SELECT 'sourcing_rule', NEW.next_rule, 7 WHERE NEW.next_rule <> NEW.code
	) g (entity, code, place)
	WHERE g.code IS NOT NULL AND NOT CASE g.entity
		WHEN 'channel' THEN EXISTS (SELECT FROM usom.channel x WHERE x.org_id = NEW.org_id AND x.code = g.code)
		WHEN 'customer' THEN EXISTS (SELECT FROM usom.customer x WHERE x.org_id = NEW.org_id AND x.code = g.code)
		WHEN 'product' THEN EXISTS (SELECT FROM usom.product x WHERE x.org_id = NEW.org_id AND x.sku = g.code)
		WHEN 'location' THEN EXISTS (SELECT FROM usom.location x WHERE x.org_id = NEW.org_id AND x.code = g.code)
		WHEN 'service_level' THEN EXISTS (SELECT FROM usom.service_level x WHERE x.org_id = NEW.org_id AND x.code = g.code)
		ELSE EXISTS (SELECT FROM usom.sourcing_rule x WHERE x.org_id = NEW.org_id AND x.code = g.code)
	END
	ORDER BY g.place, g.code LIMIT 1;
	IF FOUND THEN
		RAISE EXCEPTION 'sourcing rule "%" names % "%", which does not exist', NEW.code, replace(unknown.entity, '_', ' '), unknown.code USING
			ERRCODE = 'US006', DETAIL = 'Codes in rules are looked up when they are written.',
			HINT = format('INSERT INTO usom.%I first, or correct the code.', unknown.entity);
	END IF;
	IF twice <> '{}' THEN
		RAISE EXCEPTION 'sourcing rule "%" both asks for and excludes locations', NEW.code USING
			ERRCODE = 'US302', DETAIL = format('In both lists: %s.', array_to_string(twice, ', ')), HINT = 'Take them out of one of the two.';
	END IF;
	IF next IS NOT NULL THEN
		PERFORM pg_advisory_xact_lock(hashtextextended('usom.sourcing_rule', NEW.org_id));
	END IF;
	WHILE next IS NOT NULL LOOP
		IF next = ANY (chain) THEN
			RAISE EXCEPTION 'sourcing rule "%" would be tried again and again', NEW.code USING
				ERRCODE = 'US302', DETAIL = format('The chain is %s.', array_to_string(chain || next, ' -> ')), HINT = 'Let one of them backorder what is short.';
		END IF;
		chain := chain || next;
		SELECT r.next_rule INTO next FROM usom.sourcing_rule r WHERE r.org_id = NEW.org_id AND r.code = next;
	END LOOP;
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION usom._check_sourcing_rule() IS 'Trigger BEFORE a sourcing rule is written: US006 for codes that nobody has, US110 for types of orders that there are not, US302 for a chain of rules that comes back to itself, or locations both asked for and excluded.';
REVOKE ALL ON FUNCTION usom._check_sourcing_rule() FROM PUBLIC;

/* ---- payment ---- */

CREATE TYPE usom._payment_row AS (
	payment_id bigint,
	sales_order_id bigint,
	payment_no integer,
	method text,
	reference text,
	currency text,
	authorized numeric,
	voided numeric,
	captured numeric,
	capture_wanted numeric,
	refunded numeric,
	refund_wanted numeric,
	charged_back numeric,
	expires_at timestamptz
);
COMMENT ON TYPE usom._payment_row IS 'A payment on its way from C, by unnest(): a new one whole, of one that is there what is added to its amounts.';

CREATE TYPE usom._payment_line_row AS (
	sales_order_id bigint,
	line_no integer,
	captured numeric,
	captured_tax numeric,
	capture_wanted numeric,
	refunded numeric,
	refunded_tax numeric,
	refund_wanted numeric,
	refund_wanted_tax numeric,
	for_units numeric,
	for_freight numeric
);
COMMENT ON TYPE usom._payment_line_row IS 'Amounts of a line on their way from C, by unnest(), as those of a payment.';

CREATE TYPE usom._payment_request_row AS (
	sales_order_id bigint,
	request_no integer,
	payment_id bigint,
	kind text,
	amount numeric,
	reference text,
	lines jsonb,
	reason text,
	due_at timestamptz,
	status text
);
COMMENT ON TYPE usom._payment_request_row IS 'A request to a payment provider on its way from C, by unnest().';

CREATE TYPE usom._payment_transaction_row AS (
	sales_order_id bigint,
	transaction_no integer,
	payment_id bigint,
	kind text,
	amount numeric,
	reference text,
	outcome text,
	lines jsonb,
	tax numeric,
	request_no integer,
	expires_at timestamptz,
	occurred_at timestamptz
);
COMMENT ON TYPE usom._payment_transaction_row IS 'A transaction of a payment on its way from C, by unnest().';

CREATE FUNCTION usom._standard_payment_methods() RETURNS TABLE (code text, terms text, name text)
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, usom, pg_temp
AS $$
	VALUES ('card', 'prepaid', 'Payment card'),
		('gift_card', 'prepaid', 'Gift card'),
		('transfer', 'prepaid', 'Bank transfer in advance'),
		('cash', 'prepaid', 'Cash at the counter'),
		('account', 'on_account', 'Invoice'),
		('cod', 'cod', 'Cash on delivery')
$$;
COMMENT ON FUNCTION usom._standard_payment_methods() IS 'Payment methods that an organisation begins with; none demands anything.';
REVOKE ALL ON FUNCTION usom._standard_payment_methods() FROM PUBLIC;

CREATE FUNCTION usom.furnish_payment_methods() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, usom, pg_temp
AS $$
BEGIN
	INSERT INTO usom.payment_method (org_id, code, terms, name)
	SELECT NEW.org_id, t.* FROM usom._standard_payment_methods() t;
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION usom.furnish_payment_methods() IS 'AFTER INSERT on organisation: a new organisation begins with the standard payment methods.';
REVOKE ALL ON FUNCTION usom.furnish_payment_methods() FROM PUBLIC;

CREATE FUNCTION usom._payment_status(authorized numeric, voided numeric, captured numeric, refunded numeric, charged_back numeric, is_expired boolean) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, usom, pg_temp
AS $$
	SELECT CASE
		WHEN charged_back > 0 THEN 'charged_back'
		WHEN refunded > 0 THEN CASE WHEN refunded = captured THEN 'refunded' ELSE 'partially_refunded' END
		WHEN captured > 0 THEN CASE WHEN captured + voided = authorized THEN 'captured' ELSE 'partially_captured' END
		WHEN authorized = 0 THEN 'pending'
		WHEN voided = authorized THEN 'voided'
		WHEN is_expired THEN 'expired'
		ELSE 'authorized'
	END
$$;
COMMENT ON FUNCTION usom._payment_status(numeric, numeric, numeric, numeric, numeric, boolean) IS 'State of a payment, from what became of it.';
REVOKE ALL ON FUNCTION usom._payment_status(numeric, numeric, numeric, numeric, numeric, boolean) FROM PUBLIC;

CREATE FUNCTION usom._line_value(unit_price numeric, quantity numeric, discount numeric, freight numeric, tax numeric, tax_included boolean, decimals integer, units numeric) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, usom, pg_temp
AS $$
	SELECT CASE WHEN decimals IS NULL THEN round(unit_price * units, 4)
		ELSE usom._part(round(unit_price * quantity, decimals) - discount + freight + CASE WHEN tax_included THEN 0 ELSE tax END, units, quantity, decimals) END
$$;
COMMENT ON FUNCTION usom._line_value(numeric, numeric, numeric, numeric, numeric, boolean, integer, numeric) IS 'What some units of an order line cost: the part that they have of the whole line.';
REVOKE ALL ON FUNCTION usom._line_value(numeric, numeric, numeric, numeric, numeric, boolean, integer, numeric) FROM PUBLIC;

CREATE FUNCTION usom._unallocated(org_id bigint, sales_order_id bigint) RETURNS numeric
LANGUAGE plpgsql STABLE STRICT PARALLEL RESTRICTED
SET search_path = pg_catalog, usom, pg_temp
AS $$
BEGIN
	-- before it is confirmed nobody allocates anything; a kit waits without a date if one of its components does
	RETURN (
		SELECT o.paid - coalesce((
			SELECT sum(usom._line_value(l.unit_price, l.quantity, l.discount, l.freight, l.tax, l.tax_included, l.decimals,
				l.quantity - l.quantity_cancelled - l.quantity_returned - CASE WHEN o.status <= 'submitted' THEN 0
					WHEN l.kit_line_no = l.line_no THEN l.quantity_open + CASE WHEN w.units > 0 THEN l.quantity_backordered ELSE 0 END
					ELSE l.quantity_open + w.units END))
			FROM usom.order_line l
			CROSS JOIN LATERAL (
				SELECT coalesce(sum(f.quantity), 0) AS units
				FROM usom.order_line c
				JOIN usom.fulfillment_line f ON f.org_id = c.org_id AND f.sales_order_id = c.sales_order_id AND f.line_no = c.line_no
				WHERE l.quantity_backordered > 0 AND c.org_id = $1 AND c.sales_order_id = $2
					AND (c.line_no = l.line_no OR c.kit_line_no = l.line_no) AND f.status = 'backordered' AND f.promised_at IS NULL) w
			WHERE l.org_id = $1 AND l.sales_order_id = $2), 0)
		FROM usom.sales_order o WHERE o.org_id = $1 AND o.sales_order_id = $2);
END
$$;
COMMENT ON FUNCTION usom._unallocated(bigint, bigint) IS 'What is paid of an order beyond the units that have stock, or a date: not those that were cancelled, came back, or wait without one. Null if no payment is known.';
REVOKE ALL ON FUNCTION usom._unallocated(bigint, bigint) FROM PUBLIC;

CREATE FUNCTION usom._order_payment_status(org_id bigint, sales_order_id bigint) RETURNS text
LANGUAGE plpgsql STABLE STRICT PARALLEL RESTRICTED
SET search_path = pg_catalog, usom, pg_temp
AS $$
BEGIN
	RETURN (
		SELECT CASE
			WHEN s.payments = 0 THEN 'none'
			WHEN usom._unallocated($1, $2) >= m.unit THEN 'paid_unallocated'
			WHEN s.charged_back > 0 THEN 'charged_back'
			WHEN s.back > 0 THEN CASE WHEN o.paid = 0 THEN 'refunded' ELSE 'partially_refunded' END
			WHEN o.paid > 0 THEN CASE WHEN o.total - o.paid < m.unit THEN 'paid' ELSE 'partially_paid' END
			WHEN s.authorized = 0 THEN 'pending'
			WHEN s.voided = s.authorized THEN 'voided'
			WHEN s.open > 0 THEN CASE WHEN o.total - s.open < m.unit THEN 'authorized' ELSE 'partially_authorized' END
			ELSE 'expired'
		END
		FROM usom.sales_order o
		CROSS JOIN LATERAL (SELECT 10.0 ^ -coalesce(usom._minor_digits(o.currency), 4) AS unit) m
		CROSS JOIN LATERAL (
			SELECT count(*) AS payments, sum(p.charged_back) AS charged_back, sum(p.refunded + p.refund_wanted) AS back, sum(p.authorized) AS authorized, sum(p.voided) AS voided,
				coalesce(sum(p.authorized - p.voided) FILTER (WHERE coalesce(p.expires_at > statement_timestamp(), true)), 0) AS open
			FROM usom.payment p WHERE p.org_id = $1 AND p.sales_order_id = $2) s
		WHERE o.org_id = $1 AND o.sales_order_id = $2);
END
$$;
COMMENT ON FUNCTION usom._order_payment_status(bigint, bigint) IS 'Column payment_status of usom.orders for an order that has a payment. Amounts are compared in the smallest unit of the currency.';
REVOKE ALL ON FUNCTION usom._order_payment_status(bigint, bigint) FROM PUBLIC;

/* ---- payment ---- */

CREATE TYPE usom._credit_use_row AS (
	sales_order_id bigint,
	credit_account_id bigint,
	amount usom.amount,
	wanted usom.amount,
	held_at timestamptz,
	beyond usom.amount
);
COMMENT ON TYPE usom._credit_use_row IS 'What an order takes of a credit account, on its way from C to credit_use, by unnest().';

CREATE TYPE usom._credit_row AS (
	credit_account_id bigint,
	more numeric,
	forced boolean
);
COMMENT ON TYPE usom._credit_row IS 'By how much the exposure of a credit account moves, and whether it may pass the limit, on its way from C, by unnest().';

CREATE FUNCTION usom._guard_credit_account() RETURNS trigger
LANGUAGE c AS 'MODULE_PATHNAME', 'usom__guard_credit_account';
COMMENT ON FUNCTION usom._guard_credit_account() IS 'BEFORE ROW on credit_account: the exposure is kept by usom (US004), the currency does not change (US005).';
REVOKE ALL ON FUNCTION usom._guard_credit_account() FROM PUBLIC;

CREATE FUNCTION usom._credit_account_written() RETURNS trigger
LANGUAGE c AS 'MODULE_PATHNAME', 'usom__credit_account_written'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom._credit_account_written() IS 'AFTER STATEMENT on credit_account: orders that are to be counted are, and held ones go on as far as the new terms let them.';
REVOKE ALL ON FUNCTION usom._credit_account_written() FROM PUBLIC;

-- The words of the contract, read anew; src/payment/credit_plan.c computes the same from an order in memory.
CREATE FUNCTION usom._credit_owed(org_id bigint, sales_order_id bigint) RETURNS numeric
LANGUAGE sql STABLE
SET search_path = pg_catalog, usom, pg_temp
AS $$
	SELECT greatest(0.0000, coalesce((
			SELECT sum(CASE WHEN l.decimals IS NULL THEN round(l.unit_price * u.units, 4)
				ELSE round((round(l.unit_price * l.quantity, l.decimals) - l.discount + l.freight + CASE WHEN l.tax_included THEN 0 ELSE l.tax END)
					* u.units / l.quantity, l.decimals) END)
			FROM usom.order_line l CROSS JOIN LATERAL (SELECT l.quantity - l.quantity_cancelled - l.quantity_returned AS units) u
			WHERE l.org_id = $1 AND l.sales_order_id = $2), 0)
		- coalesce((SELECT sum(p.captured - p.refunded - p.charged_back) FROM usom.payment p WHERE p.org_id = $1 AND p.sales_order_id = $2), 0))
$$;
COMMENT ON FUNCTION usom._credit_owed(bigint, bigint) IS 'What an order owes: the units that are neither cancelled nor returned, less what was captured and not given back; never below 0.';
REVOKE ALL ON FUNCTION usom._credit_owed(bigint, bigint) FROM PUBLIC;

CREATE FUNCTION usom._credit_counts(org_id bigint, sales_order_id bigint, check_at text) RETURNS boolean
LANGUAGE sql STABLE
SET search_path = pg_catalog, usom, pg_temp
AS $$
	SELECT o.status BETWEEN 'confirmed' AND 'closed'
		AND (o.payment ->> 'method' IS NULL OR EXISTS (SELECT FROM usom.payment_method m
			WHERE m.org_id = $1 AND m.code = o.payment ->> 'method' AND m.terms = 'on_account'))
		AND (check_at IN ('none', 'confirm') OR EXISTS (SELECT FROM usom.order_line l WHERE l.org_id = $1 AND l.sales_order_id = $2
			AND l.quantity_shipped + l.quantity_delivered + l.quantity_returned
				+ CASE check_at WHEN 'release' THEN l.quantity_released + l.quantity_picked + l.quantity_packed ELSE 0 END > 0))
	FROM usom.sales_order o WHERE o.org_id = $1 AND o.sales_order_id = $2
$$;
COMMENT ON FUNCTION usom._credit_counts(bigint, bigint, text) IS 'Is the order on account, and has it passed the point where an account is checked (none and confirm: it is confirmed; release: some of it is released; ship: some of it left)?';
REVOKE ALL ON FUNCTION usom._credit_counts(bigint, bigint, text) FROM PUBLIC;

CREATE FUNCTION usom.credit_position(customer text)
RETURNS TABLE (order_no text, status text, currency text, total numeric, owed numeric, taken numeric, held_at timestamptz, beyond_limit numeric)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, usom, pg_temp
AS $$
#variable_conflict use_column
BEGIN
	PERFORM usom._check_card('customer', customer);
	IF NOT EXISTS (SELECT FROM usom.credit_account a JOIN usom.customer u ON u.org_id = a.org_id AND u.customer_id = a.customer_id
			WHERE a.org_id = usom.current_org() AND u.code = credit_position.customer) THEN
		RAISE EXCEPTION 'customer "%" has no credit account', coalesce(customer, 'null') USING
			ERRCODE = 'US511', HINT = 'INSERT INTO usom.credit_account (customer_id, limit_amount) VALUES (usom.customer_id(''code''), 1000);';
	END IF;
	RETURN QUERY
		SELECT o.order_no, o.status::text, o.currency::text, trim_scale(o.total), trim_scale(c.wanted), trim_scale(c.amount), c.held_at,
			trim_scale(c.beyond)
		FROM usom.customer u
		JOIN usom.credit_account a ON a.org_id = u.org_id AND a.customer_id = u.customer_id
		JOIN usom.credit_use c ON c.org_id = a.org_id AND c.credit_account_id = a.credit_account_id
		JOIN usom.sales_order o ON o.org_id = c.org_id AND o.sales_order_id = c.sales_order_id
		WHERE u.org_id = usom.current_org() AND u.code = credit_position.customer AND c.wanted > 0
		ORDER BY c.held_at NULLS FIRST, o.placed_at, o.sales_order_id;
END
$$;
COMMENT ON FUNCTION usom.credit_position(text) IS
'What the exposure of a customer''s credit accounts is made of: the orders that owe something, then those that wait for credit, in the order in which they go on.
customer: code. owed: units neither cancelled nor returned, less what was paid. taken: of that, what counts; less than owed while the order is held. held_at: since when it waits; null: it does not. beyond_limit: what a manager let pass.
Errors: US511 if the customer has no account.
Example: SELECT * FROM usom.credit_position(''ACME'');';

CREATE FUNCTION usom.verify_credit() RETURNS TABLE (area text, entity text, problem text, expected text, actual text)
LANGUAGE sql STABLE
SET search_path = pg_catalog, usom, pg_temp SET jit = off
AS $$
	WITH account AS MATERIALIZED (
		SELECT a.*, format('credit of customer %s in %s', coalesce(u.code, '#' || a.customer_id), a.currency) AS name
		FROM usom.credit_account a
		LEFT JOIN usom.customer u ON u.org_id = a.org_id AND u.customer_id = a.customer_id
		WHERE a.org_id = usom.current_org()
	), taken AS (
		SELECT c.credit_account_id, sum(c.amount) AS amount
		FROM usom.credit_use c WHERE c.org_id = usom.current_org()
		GROUP BY c.credit_account_id
	), used AS MATERIALIZED (
		SELECT c.*, coalesce('order ' || o.order_no, 'order #' || c.sales_order_id) AS name, o.status, usom._credit_owed(c.org_id, c.sales_order_id) AS owed,
			coalesce(usom._credit_counts(c.org_id, c.sales_order_id, CASE WHEN a.active THEN a.check_at ELSE 'none' END), false) AS counts,
			a.credit_account_id IS NOT NULL AND o.customer_id = a.customer_id AND o.currency = a.currency AS belongs
		FROM usom.credit_use c
		LEFT JOIN account a ON a.credit_account_id = c.credit_account_id
		LEFT JOIN usom.sales_order o ON o.org_id = c.org_id AND o.sales_order_id = c.sales_order_id
		WHERE c.org_id = usom.current_org()
	)
	SELECT 'credit', a.name, 'exposure is not the sum of what orders take', trim_scale(coalesce(t.amount, 0))::text, trim_scale(a.exposure)::text
	FROM account a LEFT JOIN taken t ON t.credit_account_id = a.credit_account_id
	WHERE a.exposure <> coalesce(t.amount, 0)
	UNION ALL
	SELECT 'credit', c.name, 'what it owes is not what its account knows', trim_scale(c.owed)::text, trim_scale(c.wanted)::text
	FROM used c WHERE c.wanted <> c.owed
	UNION ALL
	SELECT 'credit', c.name, 'takes less than it owes and is not held', trim_scale(c.wanted)::text, trim_scale(c.amount)::text
	FROM used c WHERE c.amount < c.wanted AND c.held_at IS NULL AND c.counts
	UNION ALL
	SELECT 'credit', c.name, 'waits for credit although it has ended', 'not held', 'held since ' || c.held_at
	FROM used c WHERE c.held_at IS NOT NULL AND c.status > 'closed'
	UNION ALL
	SELECT 'credit', c.name, 'takes of an account that is not of its customer and currency', 'an account of its own', '#' || c.credit_account_id
	FROM used c WHERE c.belongs IS NOT TRUE
	UNION ALL
	SELECT 'credit', 'order ' || o.order_no, 'is on account and takes no credit', trim_scale(usom._credit_owed(o.org_id, o.sales_order_id))::text, 'none'
	FROM account a
	JOIN usom.sales_order o ON o.org_id = a.org_id AND o.customer_id = a.customer_id AND o.currency = a.currency
	WHERE NOT EXISTS (SELECT FROM usom.credit_use c WHERE c.org_id = o.org_id AND c.sales_order_id = o.sales_order_id)
		AND usom._credit_counts(o.org_id, o.sales_order_id, CASE WHEN a.active THEN a.check_at ELSE 'none' END)
$$;
COMMENT ON FUNCTION usom.verify_credit() IS 'Exposures of credit accounts and what orders take of them, recomputed from lines and payments. That an exposure is above its limit is no finding: a manager may have let an order pass, or lowered the limit. Part of verify_money(). One row a finding, none when all is well. Example: SELECT * FROM usom.verify_credit();';

/* ---- fulfillment ---- */

CREATE TYPE usom.shipment_status;
COMMENT ON TYPE usom.shipment_status IS 'State of a life cycle: one byte, shown and read as its label, in the order of the life cycle. Text converts to it by itself; a label that does not exist is 22P02 with the labels in the hint.';

CREATE FUNCTION usom.shipment_status_in(cstring) RETURNS usom.shipment_status
	AS 'MODULE_PATHNAME', 'usom_shipment_status_in' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION usom.shipment_status_in(cstring) IS 'Input of usom.shipment_status.';

CREATE FUNCTION usom.shipment_status_out(usom.shipment_status) RETURNS cstring
	AS 'MODULE_PATHNAME', 'usom_shipment_status_out' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION usom.shipment_status_out(usom.shipment_status) IS 'Output of usom.shipment_status.';

CREATE FUNCTION usom.shipment_status_recv(internal) RETURNS usom.shipment_status
	AS 'MODULE_PATHNAME', 'usom_shipment_status_recv' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION usom.shipment_status_recv(internal) IS 'Binary input of usom.shipment_status: the label.';

CREATE FUNCTION usom.shipment_status_send(usom.shipment_status) RETURNS bytea
	AS 'MODULE_PATHNAME', 'usom_shipment_status_send' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION usom.shipment_status_send(usom.shipment_status) IS 'Binary output of usom.shipment_status: the label.';

CREATE TYPE usom.shipment_status (
	INPUT = usom.shipment_status_in,
	OUTPUT = usom.shipment_status_out,
	RECEIVE = usom.shipment_status_recv,
	SEND = usom.shipment_status_send,
	INTERNALLENGTH = 1,
	PASSEDBYVALUE,
	ALIGNMENT = char,
	STORAGE = plain
);

CREATE CAST (text AS usom.shipment_status) WITH INOUT AS IMPLICIT;
COMMENT ON CAST (text AS usom.shipment_status) IS 'So that parameters sent as text work wherever the state is asked for.';
CREATE CAST (varchar AS usom.shipment_status) WITH INOUT AS IMPLICIT;
COMMENT ON CAST (varchar AS usom.shipment_status) IS 'So that parameters sent as varchar work wherever the state is asked for.';
CREATE CAST (usom.shipment_status AS text) WITH INOUT AS ASSIGNMENT;
COMMENT ON CAST (usom.shipment_status AS text) IS 'The label.';

CREATE FUNCTION usom.shipment_status_eq(usom.shipment_status, usom.shipment_status) RETURNS boolean
	LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'chareq';
COMMENT ON FUNCTION usom.shipment_status_eq(usom.shipment_status, usom.shipment_status) IS 'The first is the same state as the second.';

CREATE FUNCTION usom.shipment_status_ne(usom.shipment_status, usom.shipment_status) RETURNS boolean
	LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'charne';
COMMENT ON FUNCTION usom.shipment_status_ne(usom.shipment_status, usom.shipment_status) IS 'The first is another state than the second.';

CREATE FUNCTION usom.shipment_status_lt(usom.shipment_status, usom.shipment_status) RETURNS boolean
	LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'charlt';
COMMENT ON FUNCTION usom.shipment_status_lt(usom.shipment_status, usom.shipment_status) IS 'The first comes before the second.';

CREATE FUNCTION usom.shipment_status_le(usom.shipment_status, usom.shipment_status) RETURNS boolean
	LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'charle';
COMMENT ON FUNCTION usom.shipment_status_le(usom.shipment_status, usom.shipment_status) IS 'The first does not come after the second.';

CREATE FUNCTION usom.shipment_status_gt(usom.shipment_status, usom.shipment_status) RETURNS boolean
	LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'chargt';
COMMENT ON FUNCTION usom.shipment_status_gt(usom.shipment_status, usom.shipment_status) IS 'The first comes after the second.';

CREATE FUNCTION usom.shipment_status_ge(usom.shipment_status, usom.shipment_status) RETURNS boolean
	LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'charge';
COMMENT ON FUNCTION usom.shipment_status_ge(usom.shipment_status, usom.shipment_status) IS 'The first does not come before the second.';

CREATE FUNCTION usom.shipment_status_cmp(usom.shipment_status, usom.shipment_status) RETURNS integer
	LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'btcharcmp';
COMMENT ON FUNCTION usom.shipment_status_cmp(usom.shipment_status, usom.shipment_status) IS 'Negative, zero or positive: order of the life cycle.';

CREATE FUNCTION usom.shipment_status_hash(usom.shipment_status) RETURNS integer
	LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'hashchar';
COMMENT ON FUNCTION usom.shipment_status_hash(usom.shipment_status) IS 'Hash of 32 bits.';

CREATE FUNCTION usom.shipment_status_hash_extended(usom.shipment_status, bigint) RETURNS bigint
	LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'hashcharextended';
COMMENT ON FUNCTION usom.shipment_status_hash_extended(usom.shipment_status, bigint) IS 'Hash of 64 bits with a seed.';

CREATE FUNCTION usom.shipment_status_larger(usom.shipment_status, usom.shipment_status) RETURNS usom.shipment_status
	AS 'MODULE_PATHNAME', 'usom_state_larger' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION usom.shipment_status_larger(usom.shipment_status, usom.shipment_status) IS 'The later of two states.';

CREATE FUNCTION usom.shipment_status_smaller(usom.shipment_status, usom.shipment_status) RETURNS usom.shipment_status
	AS 'MODULE_PATHNAME', 'usom_state_smaller' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION usom.shipment_status_smaller(usom.shipment_status, usom.shipment_status) IS 'The earlier of two states.';

-- Operators stand in pg_catalog, so they are found from any search_path.
CREATE OPERATOR pg_catalog.= (
	LEFTARG = usom.shipment_status, RIGHTARG = usom.shipment_status, FUNCTION = usom.shipment_status_eq,
	COMMUTATOR = OPERATOR(pg_catalog.=), NEGATOR = OPERATOR(pg_catalog.<>), RESTRICT = eqsel, JOIN = eqjoinsel, HASHES, MERGES
);
COMMENT ON OPERATOR pg_catalog.= (usom.shipment_status, usom.shipment_status) IS 'Same state.';

CREATE OPERATOR pg_catalog.<> (
	LEFTARG = usom.shipment_status, RIGHTARG = usom.shipment_status, FUNCTION = usom.shipment_status_ne,
	COMMUTATOR = OPERATOR(pg_catalog.<>), NEGATOR = OPERATOR(pg_catalog.=), RESTRICT = neqsel, JOIN = neqjoinsel
);
COMMENT ON OPERATOR pg_catalog.<> (usom.shipment_status, usom.shipment_status) IS 'Another state.';

CREATE OPERATOR pg_catalog.< (
	LEFTARG = usom.shipment_status, RIGHTARG = usom.shipment_status, FUNCTION = usom.shipment_status_lt,
	COMMUTATOR = OPERATOR(pg_catalog.>), NEGATOR = OPERATOR(pg_catalog.>=), RESTRICT = scalarltsel, JOIN = scalarltjoinsel
);
COMMENT ON OPERATOR pg_catalog.< (usom.shipment_status, usom.shipment_status) IS 'Earlier in the life cycle.';

CREATE OPERATOR pg_catalog.<= (
	LEFTARG = usom.shipment_status, RIGHTARG = usom.shipment_status, FUNCTION = usom.shipment_status_le,
	COMMUTATOR = OPERATOR(pg_catalog.>=), NEGATOR = OPERATOR(pg_catalog.>), RESTRICT = scalarlesel, JOIN = scalarlejoinsel
);
COMMENT ON OPERATOR pg_catalog.<= (usom.shipment_status, usom.shipment_status) IS 'Not later in the life cycle.';

CREATE OPERATOR pg_catalog.> (
	LEFTARG = usom.shipment_status, RIGHTARG = usom.shipment_status, FUNCTION = usom.shipment_status_gt,
	COMMUTATOR = OPERATOR(pg_catalog.<), NEGATOR = OPERATOR(pg_catalog.<=), RESTRICT = scalargtsel, JOIN = scalargtjoinsel
);
COMMENT ON OPERATOR pg_catalog.> (usom.shipment_status, usom.shipment_status) IS 'Later in the life cycle.';

CREATE OPERATOR pg_catalog.>= (
	LEFTARG = usom.shipment_status, RIGHTARG = usom.shipment_status, FUNCTION = usom.shipment_status_ge,
	COMMUTATOR = OPERATOR(pg_catalog.<=), NEGATOR = OPERATOR(pg_catalog.<), RESTRICT = scalargesel, JOIN = scalargejoinsel
);
COMMENT ON OPERATOR pg_catalog.>= (usom.shipment_status, usom.shipment_status) IS 'Not earlier in the life cycle.';

CREATE OPERATOR FAMILY usom.shipment_status_ops USING btree;
COMMENT ON OPERATOR FAMILY usom.shipment_status_ops USING btree IS 'Order of the life cycle.';
CREATE OPERATOR CLASS usom.shipment_status_ops DEFAULT FOR TYPE usom.shipment_status USING btree FAMILY usom.shipment_status_ops AS
	OPERATOR 1 pg_catalog.<,
	OPERATOR 2 pg_catalog.<=,
	OPERATOR 3 pg_catalog.=,
	OPERATOR 4 pg_catalog.>=,
	OPERATOR 5 pg_catalog.>,
	FUNCTION 1 usom.shipment_status_cmp(usom.shipment_status, usom.shipment_status),
	FUNCTION 4 (usom.shipment_status, usom.shipment_status) pg_catalog.btequalimage(oid);
COMMENT ON OPERATOR CLASS usom.shipment_status_ops USING btree IS 'Order of the life cycle.';

CREATE OPERATOR FAMILY usom.shipment_status_ops USING hash;
COMMENT ON OPERATOR FAMILY usom.shipment_status_ops USING hash IS 'Equality of states.';
CREATE OPERATOR CLASS usom.shipment_status_ops DEFAULT FOR TYPE usom.shipment_status USING hash FAMILY usom.shipment_status_ops AS
	OPERATOR 1 pg_catalog.=,
	FUNCTION 1 usom.shipment_status_hash(usom.shipment_status),
	FUNCTION 2 usom.shipment_status_hash_extended(usom.shipment_status, bigint);
COMMENT ON OPERATOR CLASS usom.shipment_status_ops USING hash IS 'Equality of states.';

CREATE AGGREGATE pg_catalog.max(usom.shipment_status) (
	SFUNC = usom.shipment_status_larger, STYPE = usom.shipment_status, COMBINEFUNC = usom.shipment_status_larger,
	SORTOP = OPERATOR(pg_catalog.>), PARALLEL = SAFE
);
COMMENT ON AGGREGATE pg_catalog.max(usom.shipment_status) IS 'The latest state.';
CREATE AGGREGATE pg_catalog.min(usom.shipment_status) (
	SFUNC = usom.shipment_status_smaller, STYPE = usom.shipment_status, COMBINEFUNC = usom.shipment_status_smaller,
	SORTOP = OPERATOR(pg_catalog.<), PARALLEL = SAFE
);
COMMENT ON AGGREGATE pg_catalog.min(usom.shipment_status) IS 'The earliest state.';
CREATE FUNCTION usom.release_order(order_no text)
RETURNS TABLE (status text, version integer)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_release_order'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.release_order(text) IS
'Hand the reserved pieces of an order to their locations, which may pick and ship them.
order_no: the order.
Returns the status (processing, or as before if nothing new was reserved) and version of the order.
Errors: US105 unknown order, US102 a hold blocks release, US101 the order is not confirmed, US201 the order ships complete and something is backordered, US603 nothing is reserved.
Example: SELECT * FROM usom.release_order(''SO-000001'');';

CREATE FUNCTION usom.ship(order_no text, lines jsonb DEFAULT NULL, carrier text DEFAULT NULL, tracking text DEFAULT NULL, service text DEFAULT NULL, packages text[] DEFAULT NULL)
RETURNS text
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_ship'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.ship(text, jsonb, text, text, text, text[]) IS
'Ship units that are released, picked or packed, as their location asks: they leave its stock.
order_no: the order. lines: [{"line_no": 1, "quantity": 2}], in units of the product, entries of one line add up, "lot" names one, "serials": ["A1", "A2"] the units; null: all that is ready. carrier, tracking, service: for the customer. packages: numbers of packages; null: whatever units are in.
Returns the shipment number; with several locations one shipment each, the numbers joined by a comma and a blank.
Errors: US105 unknown order, US106 unknown line, US108 unreadable lines, US102 a hold blocks ship, US101 nothing is released, US601 more than is released, US620 not picked or packed where the location asks for it, US201 the order ships complete and units would stay behind, US622 unknown package, US623 a package would leave in part, US624 the carrier may not take it or it has to be packed, US212 a serial is not there or another''s, US213 not as many serials as units.
Example: SELECT usom.ship(''SO-000001'', ''[{"line_no": 1, "quantity": 2}]'', ''DHL'', ''JD014600003'');';

CREATE FUNCTION usom.deliver(shipment_no text, at timestamptz DEFAULT now())
RETURNS TABLE (status text, version integer)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_deliver'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.deliver(text, timestamptz) IS
'Note that a shipment has arrived. A shipment that was delivered before is left as it is.
shipment_no: as ship() gave it. at: when it arrived.
Returns the status and version of the order.
Errors: US602 unknown shipment, US101 it is void, or came back.
Example: SELECT * FROM usom.deliver(''SH-000001'');';

/* ---- fulfillment ---- */

CREATE FUNCTION usom._place_of(org_id bigint, address_id bigint) RETURNS text
LANGUAGE sql STABLE STRICT
SET search_path = pg_catalog, usom, pg_temp
AS $$
	SELECT CASE WHEN bool_and(v.sealed IS NULL OR v.clear IS NOT NULL) AND bool_or(v.n = 2 AND v.clear <> '')
		THEN string_agg(lower(regexp_replace(btrim(coalesce(v.clear, '')), '\s+', ' ', 'g')), E'\n' ORDER BY v.n) END
	FROM usom.address a
		CROSS JOIN LATERAL (VALUES (1, a.name), (2, a.line1), (3, a.line2), (4, a.postcode), (5, a.city), (6, a.region), (7, a.country)) t (n, sealed)
		CROSS JOIN LATERAL (SELECT t.n, t.sealed, usom._open(a.org_id, t.sealed) AS clear) v
	WHERE a.org_id = _place_of.org_id AND a.address_id = _place_of.address_id AND (t.n <> 6 OR t.sealed IS NOT NULL)
$$;
COMMENT ON FUNCTION usom._place_of(bigint, bigint) IS 'An address in clear, to compare with another: small letters, single blanks. Null where it has no line1, or some of it cannot be opened.';
REVOKE ALL ON FUNCTION usom._place_of(bigint, bigint) FROM PUBLIC;

CREATE FUNCTION usom.consolidation_candidates(customer text DEFAULT NULL)
RETURNS TABLE (buyer text, address text, location text, orders text[], units numeric)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, usom, pg_temp SET jit = off
AS $$
DECLARE
	org CONSTANT bigint := usom.current_org();
	wanted bigint;
BEGIN
	PERFORM usom._check_card('customer', consolidation_candidates.customer);
	PERFORM usom._check_installed();
	wanted := usom.customer_id(consolidation_candidates.customer);
	RETURN QUERY
		WITH ready AS (
			SELECT o.sales_order_id, o.order_no, o.customer_id, o.placed_at, o.address_id, f.location_id, f.units
			FROM usom.sales_order o
			CROSS JOIN LATERAL (
				SELECT f.location_id, sum(f.quantity) AS units FROM usom.fulfillment_line f
				WHERE f.org_id = org AND f.sales_order_id = o.sales_order_id AND f.status = 'reserved' AND f.location_id IS NOT NULL
				GROUP BY f.location_id) f
			WHERE o.org_id = org AND o.status BETWEEN 'confirmed' AND 'partially_shipped' AND o.order_type <> 'pick_up'
				AND o.customer_id IS NOT NULL AND (wanted IS NULL OR o.customer_id = wanted)
				AND NOT EXISTS (SELECT FROM usom.hold h WHERE h.org_id = org AND h.sales_order_id = o.sales_order_id AND h.released_at IS NULL
					AND (h.expires_at IS NULL OR h.expires_at > statement_timestamp()) AND 'release' = ANY (h.blocks))
				AND NOT (o.ship_complete AND EXISTS (SELECT FROM usom.fulfillment_line w WHERE w.org_id = org AND w.sales_order_id = o.sales_order_id
					AND (w.status = 'backordered' OR (w.status BETWEEN 'reserved' AND 'packed' AND w.location_id <> f.location_id))))
		), several AS (
			-- addresses are opened only where there is something to compare
			SELECT r.*, count(*) OVER (PARTITION BY r.customer_id, r.location_id) AS orders FROM ready r
		), placed AS (
			SELECT s.*, usom._place_of(org, s.address_id) AS place FROM several s WHERE s.orders > 1
		)
		SELECT u.code, replace(regexp_replace(p.place, E'\n+', E'\n', 'g'), E'\n', ', '), l.code,
			array_agg(p.order_no ORDER BY p.placed_at, p.order_no), trim_scale(sum(p.units))
		FROM placed p
		JOIN usom.customer u ON u.org_id = org AND u.customer_id = p.customer_id
		JOIN usom.location l ON l.org_id = org AND l.location_id = p.location_id
		WHERE p.place IS NOT NULL
		GROUP BY u.code, p.place, l.code
		HAVING count(*) > 1
		ORDER BY u.code, p.place, l.code;
END
$$;
COMMENT ON FUNCTION usom.consolidation_candidates(text) IS
'Orders that can be released as one shipment: of one customer, to one address, with units reserved at one location and not released; not on hold, and complete there if they ship complete. Pick-ups and guests are not among them.
customer: code; null: all.
Returns a row for each customer (buyer), address (in small letters) and location with two orders or more, oldest first, and the units they have there. Only roles that may open addresses see any.
Errors: US006 unknown customer.
Example: SELECT * FROM usom.consolidation_candidates(''17850'');';

CREATE FUNCTION usom.consolidate(order_nos text[], reason text, location text DEFAULT NULL) RETURNS text
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_consolidate'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.consolidate(text[], text, text) IS
'Release orders of one customer to one address together, to leave as one shipment: what they have reserved at one location, and their services.
order_nos: two orders or more, see usom.consolidation_candidates(). reason: kept in the audit. location: where they leave from; null: where all of them have units reserved, with several the one with most.
Returns the number of the consolidation, for usom.ship_consolidated(). An order that is cancelled meanwhile leaves the others as they are.
Errors: US105 unknown order, US006 unknown location, US307 the orders are of several customers, of guests, to several addresses, have nothing at one location, or an order that ships complete has units elsewhere; US102 a hold blocks release, US101 an order is not confirmed or has ended, US201 an order ships complete and waits for stock.
Example: SELECT usom.consolidate(ARRAY[''SO-000001'', ''SO-000002''], ''one parcel'');';

CREATE FUNCTION usom.ship_consolidated(consolidation_no text, carrier text DEFAULT NULL, tracking text DEFAULT NULL)
RETURNS TABLE (order_no text, shipment_no text)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_ship_consolidated'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.ship_consolidated(text, text, text) IS
'Ship what is released of the orders of a consolidation: one parcel, a shipment for each order, all with its carrier, tracking and number.
consolidation_no: as usom.consolidate() gave it. carrier, tracking: for the customer.
Returns a row for each order that had something to ship; those that were cancelled or shipped on their own have none.
Errors: US307 unknown consolidation, US102 a hold blocks ship, US101 nothing of it is released, US201 an order ships complete and units would stay behind.
Example: SELECT * FROM usom.ship_consolidated(''CN-000001'', ''DHL'', ''JD014600003'');';

/* ---- fulfillment ---- */

CREATE FUNCTION usom._check_handling() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, usom, pg_temp
AS $$
DECLARE
	unknown text := CASE WHEN NEW.handling <> '{}' THEN (SELECT h.code FROM unnest(NEW.handling) AS h (code)
		WHERE NOT EXISTS (SELECT FROM usom.handling_class c WHERE c.org_id = NEW.org_id AND c.code = h.code) LIMIT 1) END;
BEGIN
	IF unknown IS NOT NULL THEN
		RAISE EXCEPTION '% "%" names handling class "%", which does not exist', TG_TABLE_NAME, to_jsonb(NEW)->>TG_ARGV[0], unknown USING
			ERRCODE = 'US006', DETAIL = 'Codes of handling classes are looked up when they are written.',
			HINT = 'INSERT INTO usom.handling_class first, or correct the code.';
	END IF;
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION usom._check_handling() IS 'Trigger BEFORE a product or packaging is written: US006 for handling classes that nobody has. Argument: the column with the code.';
REVOKE ALL ON FUNCTION usom._check_handling() FROM PUBLIC;

CREATE FUNCTION usom.pack(order_no text, lines jsonb DEFAULT NULL, packaging text DEFAULT NULL, location text DEFAULT NULL, weight numeric DEFAULT NULL, tracking text DEFAULT NULL, package_no text DEFAULT NULL)
RETURNS text
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_pack'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.pack(text, jsonb, text, text, numeric, text, text) IS
'Pack units of an order that are released or picked, at one location, into a package. Units that are picked go first.
order_no: the order. lines: [{"line_no": 1, "quantity": 2}], in units of the product, "lot" names one; null: all that is there. packaging: code of usom.packaging; null: nothing is said. location: where; null: where the units are, if that is one place. weight: kilograms as weighed. tracking: the carrier''s number of the package. package_no: a package to put them into that has not left; null: a new one.
Returns the number of the package. usom.package_lines shows what is in it.
Errors: US105 unknown order, US106 unknown line, US108 unreadable lines, US006 unknown location or packaging, US603 nothing is there to be packed, US621 more than is released or picked, or at several locations, US622 unknown package, US623 it has left or was unpacked, US624 too much for the packaging, or not as handling classes ask.
Example: SELECT usom.pack(''SO-000001'', ''[{"line_no": 1, "quantity": 2}]'', ''BOX-M'', weight => 1.2);';

CREATE FUNCTION usom.unpack(package_no text, reason text DEFAULT NULL)
RETURNS TABLE (status text, version integer)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_unpack'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.unpack(text, text) IS
'Take all units out of a package that has not left: they are picked again. A package that was unpacked before is left as it is.
package_no: as pack() gave it. reason: kept in the audit.
Returns the status and version of the order.
Errors: US622 unknown package, US623 it was shipped.
Example: SELECT * FROM usom.unpack(''PK-000001'', ''wrong box'');';

CREATE FUNCTION usom.wrap_gift(order_no text, line_no integer, style text DEFAULT 'standard')
RETURNS TABLE (status text, version integer)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_wrap_gift'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.wrap_gift(text, integer, text) IS
'Have a line wrapped as a gift: usom.package_lines and the packing slip say so, and a slip with a gift shows no prices.
order_no: the order. line_no: a line of which nothing is packed yet. style: the paper; null: no gift any more.
Returns the status and version of the order.
Errors: US105 unknown order, US106 unknown line, US104 some of it is packed or has left, US101 the order has ended.
Example: SELECT * FROM usom.wrap_gift(''SO-000001'', 1, ''birthday'');';

/* ---- fulfillment ---- */

CREATE FUNCTION usom.technician_id(code text) RETURNS bigint
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_technician_id'
STABLE STRICT PARALLEL RESTRICTED
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.technician_id(text) IS 'Key of the technician with this code in the organisation of the caller, for rows of technician_skill and technician_hours. Raises US006 if there is none. Example: INSERT INTO usom.technician_skill (technician_id, skill) VALUES (usom.technician_id(''ANN''), ''boiler'');';

CREATE FUNCTION usom._check_service_work() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, usom, pg_temp
AS $$
DECLARE
	product record;
BEGIN
	SELECT p.sku, p.kind INTO product FROM usom.product p WHERE p.org_id = NEW.org_id AND p.product_id = NEW.product_id;
	IF product.kind IS DISTINCT FROM 'service' THEN
		RAISE EXCEPTION 'product "%" is no service', coalesce(product.sku, '#' || NEW.product_id) USING
			ERRCODE = 'US650', DETAIL = format('Its kind is %s.', coalesce(product.kind, 'unknown')),
			HINT = 'INSERT INTO usom.product (sku, kind) VALUES (''...'', ''service''); the kind of a product does not change.';
	END IF;
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION usom._check_service_work() IS 'Trigger BEFORE a row of service_work is written: US650 unless its product is a service.';
REVOKE ALL ON FUNCTION usom._check_service_work() FROM PUBLIC;

CREATE FUNCTION usom._technicians_for(org_id bigint, product_id bigint, starts_at timestamptz, ends_at timestamptz)
RETURNS TABLE (technician_id bigint, technician text, obstacle text, detail text)
LANGUAGE sql STABLE
SET search_path = pg_catalog, usom, pg_temp SET jit = off
AS $$
	SELECT t.technician_id, t.code,
		CASE WHEN NOT t.active AND $2 IS NOT NULL THEN 'inactive' WHEN m.skill IS NOT NULL THEN 'skill' WHEN NOT h.works AND $2 IS NOT NULL THEN 'hours' WHEN b.busy IS NOT NULL THEN 'busy' END,
		CASE WHEN NOT t.active AND $2 IS NOT NULL THEN 'gets no new appointments' WHEN m.skill IS NOT NULL THEN format('lacks the skill "%s"', m.skill)
			WHEN NOT h.works AND $2 IS NOT NULL THEN 'does not work then' WHEN b.busy IS NOT NULL THEN format('is booked then: %s', b.busy) END
	FROM usom.technician t
	CROSS JOIN LATERAL (SELECT $3 AT TIME ZONE t.time_zone AS begins, $4 AT TIME ZONE t.time_zone AS ends) l
	LEFT JOIN LATERAL (
		SELECT min(k.skill) AS skill
		FROM usom.service_work w CROSS JOIN unnest(w.skills) k (skill)
		WHERE w.org_id = t.org_id AND w.product_id = $2 AND NOT EXISTS (
			SELECT FROM usom.technician_skill s
			WHERE s.org_id = t.org_id AND s.technician_id = t.technician_id AND s.skill = k.skill AND (s.valid_until IS NULL OR s.valid_until >= l.ends::date))
	) m ON true
	CROSS JOIN LATERAL (
		SELECT NOT EXISTS (SELECT FROM usom.technician_hours h WHERE h.org_id = t.org_id AND h.technician_id = t.technician_id)
			OR EXISTS (SELECT FROM usom.technician_hours h WHERE h.org_id = t.org_id AND h.technician_id = t.technician_id
				AND h.weekday = extract(isodow FROM l.begins) AND h.begins <= l.begins::time AND h.ends::interval >= l.ends - date_trunc('day', l.begins)) AS works
	) h
	LEFT JOIN LATERAL (
		SELECT min(a.appointment_no) AS busy FROM usom.appointment a
		WHERE int8range(a.org_id, a.org_id, '[]') = int8range(t.org_id, t.org_id, '[]')
			AND int8range(a.technician_id, a.technician_id, '[]') = int8range(t.technician_id, t.technician_id, '[]')
			AND a.during && tstzrange($3, $4) AND a.status = 'booked'
	) b ON true
	WHERE t.org_id = $1
$$;
COMMENT ON FUNCTION usom._technicians_for(bigint, bigint, timestamptz, timestamptz) IS 'Technicians of an organisation for the work of a service from when to when: what is in the way (inactive, skill, hours, busy; null: nothing), and in words. Of no service (null), busy alone.';
REVOKE ALL ON FUNCTION usom._technicians_for(bigint, bigint, timestamptz, timestamptz) FROM PUBLIC;

CREATE FUNCTION usom.service_slots(sku text, starts_from timestamptz DEFAULT now(), until timestamptz DEFAULT NULL, technician text DEFAULT NULL,
	minutes integer DEFAULT NULL, slots integer DEFAULT 20)
RETURNS TABLE (starts_at timestamptz, ends_at timestamptz, technician text)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_service_slots'
VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.service_slots(text, timestamptz, timestamptz, text, integer, integer) IS
'Who could do the work of a service, and when: free times of technicians that have the skills and work then, every half hour, earliest first.
sku: the service, see usom.service_work. starts_from, until: where to look, 92 days at most; until null: seven days. technician: code, null: anybody. minutes: length; null: that of the service, or an hour. slots: so many at most.
A slot is not kept: book_appointment() says whether it still stands.
Errors: US006 unknown product or technician, 22023 for a time that is none.
Example: SELECT * FROM usom.service_slots(''BOILER-CHECK'', now() + interval ''1 day'');';

/* ---- fulfillment ---- */

CREATE FUNCTION usom.void_shipment(shipment_no text, reason text)
RETURNS TABLE (status text, version integer)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_void_shipment'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.void_shipment(text, text) IS
'Make a shipment void that no carrier took: its units never left. They are back in the stock of their location and stay reserved for the order, as far on as the location asks for; packages stay packed. Writes the events shipment_void and, where ship() told what is to be invoiced, invoice_void. A shipment that is void already is left as it is.
shipment_no: as ship() gave it. reason: kept in the audit.
Returns the status and version of the order.
Errors: US602 unknown shipment, US625 a carrier has it: it stands on a closed manifest, was heard of, or some of it came back; US101 it was delivered or returned.
Example: SELECT * FROM usom.void_shipment(''SH-000001'', ''wrong label'');';

CREATE FUNCTION usom.close_manifest(location text, carrier text DEFAULT NULL)
RETURNS text
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_close_manifest'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.close_manifest(text, text) IS
'A carrier has taken what stood ready for it at a location: all its shipments that are shipped and on no manifest yet. They cannot be made void any more.
location: code. carrier: as ship() was told; null: shipments without one.
Returns the number of the manifest; usom.manifests shows what is on it, usom.manifest() gives it as JSON.
Errors: US006 unknown location, US603 nothing stands ready.
Example: SELECT usom.close_manifest(''MAIN'', ''DHL'');';

CREATE FUNCTION usom.record_tracking(tracking text, kind text, occurred_at timestamptz DEFAULT now(), message_id text DEFAULT NULL, place text DEFAULT NULL, note text DEFAULT NULL, carrier text DEFAULT NULL)
RETURNS TABLE (shipment_no text, status text, counted boolean)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_record_tracking'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.record_tracking(text, text, timestamptz, text, text, text, text) IS
'Note what a carrier says of a shipment. Messages may come late, in any order, and twice: all are kept, and one counts if there is such a step and nothing later was heard; that a shipment has arrived counts whenever it is heard. Of a shipment with several packages that have numbers of their own, the last one that arrives brings it. What fails is a case delivery_failed and an event; what cannot be (a void shipment moves) a case tracking_conflict.
tracking: number of the shipment, or the carrier''s number of it or of a package; shipments that share it are told all. kind: info, in_transit, out_for_delivery, delivered, failed, returning or lost. occurred_at: when, by the carrier. message_id: the carrier''s key of the message. place, note: its words, nothing about people. carrier: to tell equal numbers apart.
Returns for each shipment its status now, and whether the message counted.
Errors: US602 nobody has this number, US626 unknown kind.
Example: SELECT * FROM usom.record_tracking(''JD014600003'', ''in_transit'', message_id => ''e-17'', place => ''Leipzig'');';

CREATE FUNCTION usom.fail_delivery(shipment_no text, reason text)
RETURNS TABLE (status text, version integer)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_fail_delivery'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.fail_delivery(text, text) IS
'Note that a shipment could not be delivered. It is a case delivery_failed until somebody decides: retry_delivery(), return_to_sender(), lose_shipment(), or it is delivered after all. Writes the event delivery_failed. Repeated, it changes nothing.
shipment_no: as ship() gave it. reason: kept in the audit and told by the event; nothing about people.
Returns the status and version of the order.
Errors: US602 unknown shipment, US101 it was delivered, is void, or comes back.
Example: SELECT * FROM usom.fail_delivery(''SH-000001'', ''nobody there'');';

CREATE FUNCTION usom.retry_delivery(shipment_no text, reason text DEFAULT NULL)
RETURNS TABLE (status text, version integer)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_retry_delivery'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.retry_delivery(text, text) IS
'Have a shipment that failed delivered again: it is in transit, its case is settled. Writes the event redelivery_wanted, which the carrier''s system reads. Repeated, it changes nothing.
shipment_no: as ship() gave it. reason: kept in the audit and told by the event.
Returns the status and version of the order.
Errors: US602 unknown shipment, US101 it has not failed.
Example: SELECT * FROM usom.retry_delivery(''SH-000001'', ''tomorrow before noon'');';

CREATE FUNCTION usom.return_to_sender(shipment_no text, reason text)
RETURNS TABLE (status text, version integer)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_return_to_sender'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.return_to_sender(text, text) IS
'Have a shipment brought back that does not arrive. Its units are on their way until they are received. Writes the event return_to_sender. Repeated, it changes nothing.
shipment_no: as ship() gave it. reason: kept in the audit and told by the event.
Returns the status and version of the order.
Errors: US602 unknown shipment, US101 it was delivered, is void, or has come back.
Example: SELECT * FROM usom.return_to_sender(''SH-000001'', ''refused'');';

CREATE FUNCTION usom.lose_shipment(shipment_no text, reason text)
RETURNS TABLE (status text, version integer)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_lose_shipment'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.lose_shipment(text, text) IS
'Give a shipment up that does not arrive and does not come back. It is a case shipment_lost until it turns up; the customer''s money or goods are for people to decide about. Writes the event shipment_lost. Repeated, it changes nothing.
shipment_no: as ship() gave it. reason: kept in the audit and told by the event.
Returns the status and version of the order.
Errors: US602 unknown shipment, US101 it was delivered, is void, or has come back.
Example: SELECT * FROM usom.lose_shipment(''SH-000001'', ''not heard of for four weeks'');';

/* ---- fulfillment ---- */

CREATE FUNCTION usom.verify_service() RETURNS TABLE (area text, entity text, problem text, expected text, actual text)
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, usom, pg_temp SET jit = off SET max_parallel_workers_per_gather = 0
AS $$
DECLARE
	org CONSTANT bigint := usom.current_org();
BEGIN
	PERFORM usom._check_installed();
	RETURN QUERY
		SELECT 'service', format('pick-up of order %s', o.order_no), CASE WHEN p.status = 'ready' THEN 'is ready with nothing put aside' ELSE 'waits for a decision about an order that is over' END,
			CASE WHEN p.status = 'ready' THEN 'picked or packed units' ELSE 'an order that runs' END, CASE WHEN p.status = 'ready' THEN '0' ELSE o.status::text END
		FROM usom.pickup p
		JOIN usom.sales_order o ON o.org_id = org AND o.sales_order_id = p.sales_order_id
		WHERE p.org_id = org AND p.ended_at IS NULL AND CASE WHEN p.status = 'ready'
			THEN NOT EXISTS (SELECT FROM usom.fulfillment_line f WHERE f.org_id = org AND f.sales_order_id = p.sales_order_id AND f.status IN ('picked', 'packed'))
			ELSE o.status IN ('delivered', 'closed', 'cancelled', 'rejected') END;
	RETURN QUERY
		SELECT 'service', format('pick-up of order %s', o.order_no), 'is of an order that nobody fetches', 'pick_up', o.order_type::text
		FROM usom.pickup p
		JOIN usom.sales_order o ON o.org_id = org AND o.sales_order_id = p.sales_order_id
		WHERE p.org_id = org AND o.order_type <> 'pick_up';
	RETURN QUERY
		SELECT 'service', format('supply %s', s.supply_no), 'says less than its receipts', r.units::text, s.received::text
		FROM (SELECT d.supply_id, sum(d.delivered) AS units FROM usom.drop_ship_receipt d WHERE d.org_id = org GROUP BY d.supply_id) r
		LEFT JOIN usom.supply s ON s.org_id = org AND s.supply_id = r.supply_id
		WHERE r.units > coalesce(s.received, 0);
	RETURN QUERY
		SELECT 'service', format('shipment %s', h.shipment_no), 'holds other units than the supplier sent', trim_scale(d.delivered)::text, trim_scale(coalesce(f.units, 0))::text
		FROM usom.drop_ship_receipt d
		JOIN usom.shipment h ON h.org_id = org AND h.shipment_id = d.shipment_id AND h.status = 'delivered'
		LEFT JOIN LATERAL (SELECT sum(x.quantity) AS units FROM usom.fulfillment_line x
			WHERE x.org_id = org AND x.sales_order_id = d.sales_order_id AND x.line_no = d.line_no AND x.shipment_id = d.shipment_id) f ON true
		WHERE d.org_id = org AND f.units IS DISTINCT FROM d.delivered;
	RETURN QUERY
		SELECT 'service', format('appointment %s', a.appointment_no), 'is for a line that nothing is left of', 'units to be done', '0'
		FROM usom.appointment a
		LEFT JOIN usom.order_line l ON l.org_id = org AND l.sales_order_id = a.sales_order_id AND l.line_no = a.line_no
		WHERE a.org_id = org AND a.status = 'booked' AND a.sales_order_id IS NOT NULL
			AND coalesce(l.quantity_open + l.quantity_backordered + l.quantity_reserved + l.quantity_released + l.quantity_picked + l.quantity_packed, 0) = 0;
	RETURN QUERY
		SELECT 'service', format('appointment %s', a.appointment_no), 'names no technician', '#' || a.technician_id, 'none'
		FROM usom.appointment a
		WHERE a.org_id = org AND NOT EXISTS (SELECT FROM usom.technician t WHERE t.org_id = org AND t.technician_id = a.technician_id);
	RETURN QUERY
		SELECT 'service', format('appointment %s', a.appointment_no), 'has a completion paper and is not done', 'done', a.status
		FROM usom.service_report r
		JOIN usom.appointment a ON a.org_id = org AND a.appointment_id = r.appointment_id
		WHERE r.org_id = org AND a.status <> 'done';
	RETURN QUERY
		SELECT 'service', format('appointments %s and %s', a.appointment_no, b.appointment_no), 'of one technician at one time', 'one', 'two'
		FROM usom.appointment a
		JOIN usom.appointment b ON b.org_id = org AND b.technician_id = a.technician_id AND b.appointment_id > a.appointment_id AND b.during && a.during AND b.status = 'booked'
		WHERE a.org_id = org AND a.status = 'booked';
END
$$;
COMMENT ON FUNCTION usom.verify_service() IS
'Pick-ups, drop shipments and appointments against the orders they belong to: what is ready is put aside, what suppliers delivered is what left and was received, no technician is booked twice, papers are of work that was done. One row a finding, none when all is well.
Example: SELECT * FROM usom.verify_service();';

/* ---- returns ---- */

CREATE TYPE usom.return_status;
COMMENT ON TYPE usom.return_status IS 'State of a life cycle: one byte, shown and read as its label, in the order of the life cycle. Text converts to it by itself; a label that does not exist is 22P02 with the labels in the hint.';

CREATE FUNCTION usom.return_status_in(cstring) RETURNS usom.return_status
	AS 'MODULE_PATHNAME', 'usom_return_status_in' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION usom.return_status_in(cstring) IS 'Input of usom.return_status.';

CREATE FUNCTION usom.return_status_out(usom.return_status) RETURNS cstring
	AS 'MODULE_PATHNAME', 'usom_return_status_out' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION usom.return_status_out(usom.return_status) IS 'Output of usom.return_status.';

CREATE FUNCTION usom.return_status_recv(internal) RETURNS usom.return_status
	AS 'MODULE_PATHNAME', 'usom_return_status_recv' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION usom.return_status_recv(internal) IS 'Binary input of usom.return_status: the label.';

CREATE FUNCTION usom.return_status_send(usom.return_status) RETURNS bytea
	AS 'MODULE_PATHNAME', 'usom_return_status_send' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION usom.return_status_send(usom.return_status) IS 'Binary output of usom.return_status: the label.';

CREATE TYPE usom.return_status (
	INPUT = usom.return_status_in,
	OUTPUT = usom.return_status_out,
	RECEIVE = usom.return_status_recv,
	SEND = usom.return_status_send,
	INTERNALLENGTH = 1,
	PASSEDBYVALUE,
	ALIGNMENT = char,
	STORAGE = plain
);

CREATE CAST (text AS usom.return_status) WITH INOUT AS IMPLICIT;
COMMENT ON CAST (text AS usom.return_status) IS 'So that parameters sent as text work wherever the state is asked for.';
CREATE CAST (varchar AS usom.return_status) WITH INOUT AS IMPLICIT;
COMMENT ON CAST (varchar AS usom.return_status) IS 'So that parameters sent as varchar work wherever the state is asked for.';
CREATE CAST (usom.return_status AS text) WITH INOUT AS ASSIGNMENT;
COMMENT ON CAST (usom.return_status AS text) IS 'The label.';

CREATE FUNCTION usom.return_status_eq(usom.return_status, usom.return_status) RETURNS boolean
	LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'chareq';
COMMENT ON FUNCTION usom.return_status_eq(usom.return_status, usom.return_status) IS 'The first is the same state as the second.';

CREATE FUNCTION usom.return_status_ne(usom.return_status, usom.return_status) RETURNS boolean
	LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'charne';
COMMENT ON FUNCTION usom.return_status_ne(usom.return_status, usom.return_status) IS 'The first is another state than the second.';

CREATE FUNCTION usom.return_status_lt(usom.return_status, usom.return_status) RETURNS boolean
	LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'charlt';
COMMENT ON FUNCTION usom.return_status_lt(usom.return_status, usom.return_status) IS 'The first comes before the second.';

CREATE FUNCTION usom.return_status_le(usom.return_status, usom.return_status) RETURNS boolean
	LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'charle';
COMMENT ON FUNCTION usom.return_status_le(usom.return_status, usom.return_status) IS 'The first does not come after the second.';

CREATE FUNCTION usom.return_status_gt(usom.return_status, usom.return_status) RETURNS boolean
	LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'chargt';
COMMENT ON FUNCTION usom.return_status_gt(usom.return_status, usom.return_status) IS 'The first comes after the second.';

CREATE FUNCTION usom.return_status_ge(usom.return_status, usom.return_status) RETURNS boolean
	LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'charge';
COMMENT ON FUNCTION usom.return_status_ge(usom.return_status, usom.return_status) IS 'The first does not come before the second.';

CREATE FUNCTION usom.return_status_cmp(usom.return_status, usom.return_status) RETURNS integer
	LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'btcharcmp';
COMMENT ON FUNCTION usom.return_status_cmp(usom.return_status, usom.return_status) IS 'Negative, zero or positive: order of the life cycle.';

CREATE FUNCTION usom.return_status_hash(usom.return_status) RETURNS integer
	LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'hashchar';
COMMENT ON FUNCTION usom.return_status_hash(usom.return_status) IS 'Hash of 32 bits.';

CREATE FUNCTION usom.return_status_hash_extended(usom.return_status, bigint) RETURNS bigint
	LANGUAGE internal IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'hashcharextended';
COMMENT ON FUNCTION usom.return_status_hash_extended(usom.return_status, bigint) IS 'Hash of 64 bits with a seed.';

CREATE FUNCTION usom.return_status_larger(usom.return_status, usom.return_status) RETURNS usom.return_status
	AS 'MODULE_PATHNAME', 'usom_state_larger' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION usom.return_status_larger(usom.return_status, usom.return_status) IS 'The later of two states.';

CREATE FUNCTION usom.return_status_smaller(usom.return_status, usom.return_status) RETURNS usom.return_status
	AS 'MODULE_PATHNAME', 'usom_state_smaller' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION usom.return_status_smaller(usom.return_status, usom.return_status) IS 'The earlier of two states.';

-- Operators stand in pg_catalog, so they are found from any search_path.
CREATE OPERATOR pg_catalog.= (
	LEFTARG = usom.return_status, RIGHTARG = usom.return_status, FUNCTION = usom.return_status_eq,
	COMMUTATOR = OPERATOR(pg_catalog.=), NEGATOR = OPERATOR(pg_catalog.<>), RESTRICT = eqsel, JOIN = eqjoinsel, HASHES, MERGES
);
COMMENT ON OPERATOR pg_catalog.= (usom.return_status, usom.return_status) IS 'Same state.';

CREATE OPERATOR pg_catalog.<> (
	LEFTARG = usom.return_status, RIGHTARG = usom.return_status, FUNCTION = usom.return_status_ne,
	COMMUTATOR = OPERATOR(pg_catalog.<>), NEGATOR = OPERATOR(pg_catalog.=), RESTRICT = neqsel, JOIN = neqjoinsel
);
COMMENT ON OPERATOR pg_catalog.<> (usom.return_status, usom.return_status) IS 'Another state.';

CREATE OPERATOR pg_catalog.< (
	LEFTARG = usom.return_status, RIGHTARG = usom.return_status, FUNCTION = usom.return_status_lt,
	COMMUTATOR = OPERATOR(pg_catalog.>), NEGATOR = OPERATOR(pg_catalog.>=), RESTRICT = scalarltsel, JOIN = scalarltjoinsel
);
COMMENT ON OPERATOR pg_catalog.< (usom.return_status, usom.return_status) IS 'Earlier in the life cycle.';

CREATE OPERATOR pg_catalog.<= (
	LEFTARG = usom.return_status, RIGHTARG = usom.return_status, FUNCTION = usom.return_status_le,
	COMMUTATOR = OPERATOR(pg_catalog.>=), NEGATOR = OPERATOR(pg_catalog.>), RESTRICT = scalarlesel, JOIN = scalarlejoinsel
);
COMMENT ON OPERATOR pg_catalog.<= (usom.return_status, usom.return_status) IS 'Not later in the life cycle.';

CREATE OPERATOR pg_catalog.> (
	LEFTARG = usom.return_status, RIGHTARG = usom.return_status, FUNCTION = usom.return_status_gt,
	COMMUTATOR = OPERATOR(pg_catalog.<), NEGATOR = OPERATOR(pg_catalog.<=), RESTRICT = scalargtsel, JOIN = scalargtjoinsel
);
COMMENT ON OPERATOR pg_catalog.> (usom.return_status, usom.return_status) IS 'Later in the life cycle.';

CREATE OPERATOR pg_catalog.>= (
	LEFTARG = usom.return_status, RIGHTARG = usom.return_status, FUNCTION = usom.return_status_ge,
	COMMUTATOR = OPERATOR(pg_catalog.<=), NEGATOR = OPERATOR(pg_catalog.<), RESTRICT = scalargesel, JOIN = scalargejoinsel
);
COMMENT ON OPERATOR pg_catalog.>= (usom.return_status, usom.return_status) IS 'Not earlier in the life cycle.';

CREATE OPERATOR FAMILY usom.return_status_ops USING btree;
COMMENT ON OPERATOR FAMILY usom.return_status_ops USING btree IS 'Order of the life cycle.';
CREATE OPERATOR CLASS usom.return_status_ops DEFAULT FOR TYPE usom.return_status USING btree FAMILY usom.return_status_ops AS
	OPERATOR 1 pg_catalog.<,
	OPERATOR 2 pg_catalog.<=,
	OPERATOR 3 pg_catalog.=,
	OPERATOR 4 pg_catalog.>=,
	OPERATOR 5 pg_catalog.>,
	FUNCTION 1 usom.return_status_cmp(usom.return_status, usom.return_status),
	FUNCTION 4 (usom.return_status, usom.return_status) pg_catalog.btequalimage(oid);
COMMENT ON OPERATOR CLASS usom.return_status_ops USING btree IS 'Order of the life cycle.';

CREATE OPERATOR FAMILY usom.return_status_ops USING hash;
COMMENT ON OPERATOR FAMILY usom.return_status_ops USING hash IS 'Equality of states.';
CREATE OPERATOR CLASS usom.return_status_ops DEFAULT FOR TYPE usom.return_status USING hash FAMILY usom.return_status_ops AS
	OPERATOR 1 pg_catalog.=,
	FUNCTION 1 usom.return_status_hash(usom.return_status),
	FUNCTION 2 usom.return_status_hash_extended(usom.return_status, bigint);
COMMENT ON OPERATOR CLASS usom.return_status_ops USING hash IS 'Equality of states.';

CREATE AGGREGATE pg_catalog.max(usom.return_status) (
	SFUNC = usom.return_status_larger, STYPE = usom.return_status, COMBINEFUNC = usom.return_status_larger,
	SORTOP = OPERATOR(pg_catalog.>), PARALLEL = SAFE
);
COMMENT ON AGGREGATE pg_catalog.max(usom.return_status) IS 'The latest state.';
CREATE AGGREGATE pg_catalog.min(usom.return_status) (
	SFUNC = usom.return_status_smaller, STYPE = usom.return_status, COMBINEFUNC = usom.return_status_smaller,
	SORTOP = OPERATOR(pg_catalog.<), PARALLEL = SAFE
);
COMMENT ON AGGREGATE pg_catalog.min(usom.return_status) IS 'The earliest state.';
CREATE TYPE usom._return_row AS (
	return_order_id bigint,
	line_no integer,
	quantity usom.quantity,
	quantity_received usom.quantity,
	quantity_accepted usom.quantity,
	quantity_rejected usom.quantity,
	quantity_given_up usom.quantity,
	inspects boolean,
	disposition text,
	rule text
);
COMMENT ON TYPE usom._return_row IS 'A return line on its way from C, by unnest().';

CREATE TYPE usom._return_piece_row AS (
	return_order_id bigint,
	line_no integer,
	return_piece_no integer,
	quantity usom.quantity,
	disposition text,
	piece_no integer,
	location_id bigint,
	condition text,
	received_at timestamptz,
	inspected_at timestamptz
);
COMMENT ON TYPE usom._return_piece_row IS 'A piece of a return on its way from C, by unnest().';

CREATE FUNCTION usom.authorize_return(order_no text, lines jsonb, reason text)
RETURNS text
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_authorize_return'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.authorize_return(text, jsonb, text) IS
'Give leave to return units that were shipped, as the return rules say: a line that no rule of usom.return_rule fits may come back.
order_no: the order. lines: [{"line_no": 1, "quantity": 2}], in units of the product; entries of one line add up. reason: why they come back; rules may ask for it.
Returns the number of the return, which the customer quotes; call receive_return() when they arrive. Where a rule says ask, the return is requested: it waits for approve_return() or refuse_return(), and an event return_requested tells. usom.returns.expires_at says until when the goods must come.
Errors: US105 unknown order, US106 unknown line, US108 unreadable lines, US701 more than is with the customer and not expected back already, US703 a rule refuses it.
Example: SELECT usom.authorize_return(''SO-000001'', ''[{"line_no": 1, "quantity": 2}]'', ''wrong colour'');';

CREATE FUNCTION usom.explain_return(order_no text, reason text DEFAULT NULL)
RETURNS TABLE (line_no integer, sku text, with_customer numeric, expected numeric, returnable numeric, outcome text, rule text, until timestamptz, refund numeric)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_explain_return'
VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.explain_return(text, text) IS
'What of an order may come back now, line by line, and why: the judgement that authorize_return() makes. Writes nothing.
order_no: the order. reason: the one that the customer would give.
Returns for each line of goods or services that left: units with_customer, expected back already, returnable (the others), the outcome for all of them (allow, ask, refuse), the code of the rule (null: none fits), until when the last of them is in time (null: no end), and the refund if all that is returnable came back: what those units cost, at most; what was captured is the ceiling.
Errors: US105 unknown order.
Example: SELECT * FROM usom.explain_return(''SO-000001'', ''too big'');';

CREATE FUNCTION usom.approve_return(return_no text, reason text)
RETURNS TABLE (status text, order_status text)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_approve_return'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.approve_return(text, text) IS
'Give leave to a return that was requested. One that is authorised already stays as it is.
return_no: as authorize_return() gave it. reason: kept in the history and the audit.
Returns the status of the return and of the order.
Errors: US702 unknown return, US704 it was decided otherwise, or has gone on.
Example: SELECT * FROM usom.approve_return(''RT-000001'', ''a good customer'');';

CREATE FUNCTION usom.refuse_return(return_no text, reason text)
RETURNS TABLE (status text, order_status text)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_refuse_return'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.refuse_return(text, text) IS
'Refuse a return that was requested: its units stay with the customer. One that is refused already stays as it is.
return_no: as authorize_return() gave it. reason: kept in the history and the audit.
Returns the status of the return and of the order. Writes the event return_refused.
Errors: US702 unknown return, US704 it was decided otherwise, or has gone on.
Example: SELECT * FROM usom.refuse_return(''RT-000001'', ''worn for a year'');';

CREATE FUNCTION usom.cancel_return(return_no text, reason text)
RETURNS TABLE (status text, order_status text)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_cancel_return'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.cancel_return(text, text) IS
'What of a return has not come is not expected any more: the customer keeps it. What came stays, and is inspected as it would have been. Nothing left to come: nothing happens.
return_no: as authorize_return() gave it. reason: kept in the history and the audit.
Returns the status of the return (cancelled if nothing came, else received or inspected) and of the order.
Errors: US702 unknown return.
Example: SELECT * FROM usom.cancel_return(''RT-000001'', ''the customer keeps them'');';

CREATE FUNCTION usom.receive_return(return_no text, lines jsonb DEFAULT NULL, location text DEFAULT NULL)
RETURNS TABLE (status text, order_status text)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_receive_return'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.receive_return(text, jsonb, text) IS
'Book units of a return that have arrived: they are returned units of the order, are refunded, and are on hand again where they were shipped from. Lines whose return rule says inspects wait for inspect_return() instead; a rule may have units refurbished, scrapped or sent to the vendor.
return_no: as authorize_return() gave it. lines: [{"line_no": 1, "quantity": 2}]; null: all that is due. location: code of the location where they arrived; null: where they were shipped from.
Returns the status of the return (partially_received, received) and of the order.
Errors: US702 unknown return, US006 unknown location, US106 unknown line, US108 unreadable lines, US701 more than authorised, US704 it is requested, refused or cancelled, US705 its time is over.
Example: SELECT * FROM usom.receive_return(''RT-000001'', ''[{"line_no": 1, "quantity": 2}]'');';

CREATE FUNCTION usom.receive_blind_return(order_no text, lines jsonb, reason text DEFAULT NULL, location text DEFAULT NULL)
RETURNS TABLE (return_no text, status text, order_status text)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_receive_blind_return'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.receive_blind_return(text, jsonb, text, text) IS
'Book units of an order that came back without leave. They wait for inspect_return(), whatever return rules say, and are an exception blind_return until all of them are inspected.
order_no: the order that they are of. lines: [{"line_no": 1, "quantity": 2}]. reason: what the customer says, if anything. location: code of the location where they arrived; null: where they were shipped from.
Returns the number of the return, its status (received) and that of the order.
Errors: US105 unknown order, US006 unknown location, US106 unknown line, US108 unreadable lines, US701 more than is with the customer and not expected back already.
Example: SELECT * FROM usom.receive_blind_return(''SO-000001'', ''[{"line_no": 1, "quantity": 1}]'');';

CREATE FUNCTION usom.inspect_return(return_no text, lines jsonb DEFAULT NULL, reason text DEFAULT NULL)
RETURNS TABLE (status text, order_status text)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_inspect_return'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.inspect_return(text, jsonb, text) IS
'Say what becomes of units that came back. restock: on hand again; refurbish: kept, and decided by another call; scrap; to_vendor: sent to who made them. All of these are taken back: returned units of the order, refunded as the customer paid for them. reject: not taken back; they go to the customer again, who is not refunded.
return_no: the return. lines: [{"line_no": 1, "quantity": 2, "disposition": "restock", "condition": "as new"}]; disposition: as the return rule says if left out; condition: words for the record, may be left out. Units that wait come first, in the order in which they came, then those that are refurbished. null: all that waits, as the rules say. reason: kept in the history and the audit.
Units that are not restocked are in the ledger of stock as a return and a movement of kind refurbish, scrap or to_vendor; they are never on hand. Writes the event return_inspected when nothing waits any more.
Returns the status of the return (inspected, when all has come and nothing waits) and of the order.
Errors: US702 unknown return, US106 unknown line, US108 unreadable lines, US706 fewer units wait, or units cannot become that.
Example: SELECT * FROM usom.inspect_return(''RT-000001'', ''[{"line_no": 1, "quantity": 1, "disposition": "scrap", "condition": "broken"}]'');';

/* ---- returns ---- */

CREATE FUNCTION usom.verify_returns()
RETURNS TABLE (area text, entity text, problem text, expected text, actual text)
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, usom, pg_temp SET jit = off SET max_parallel_workers_per_gather = 0 SET enable_nestloop = off
AS $$
DECLARE
	org CONSTANT bigint := usom.current_org();
BEGIN
	RETURN QUERY
		SELECT 'returns', 'return ' || r.return_no, r.wrong[1], r.wrong[2], r.wrong[3]
		FROM (
			SELECT h.return_no, CASE
				WHEN o.sales_order_id IS NULL THEN ARRAY['return for an unknown order', 'a row of sales_order', '#' || h.sales_order_id]
				WHEN u.return_order_id IS NULL THEN ARRAY['return has no lines', 'at least 1', '0']
				WHEN h.status::text <> u.derived
					AND (h.status::text, u.derived) NOT IN (('requested', 'authorized'), ('refused', 'cancelled')) THEN ARRAY['status does not follow from the units', u.derived, h.status::text]
			END AS wrong
			FROM usom.return_order h
			LEFT JOIN usom.sales_order o ON o.org_id = org AND o.sales_order_id = h.sales_order_id
			LEFT JOIN (
				SELECT l.return_order_id, CASE
						WHEN sum(l.quantity_received) = 0 AND sum(l.quantity_given_up) = sum(l.quantity) THEN 'cancelled'
						WHEN sum(l.quantity_received) = 0 THEN 'authorized'
						WHEN sum(l.quantity_received + l.quantity_given_up) < sum(l.quantity) THEN 'partially_received'
						WHEN bool_or(l.inspects AND l.quantity_received > 0)
							AND sum(l.quantity_received) = sum(l.quantity_accepted + l.quantity_rejected) THEN 'inspected'
						ELSE 'received'
					END AS derived
				FROM usom.return_line l
				WHERE l.org_id = org
				GROUP BY l.return_order_id
			) u ON u.return_order_id = h.return_order_id
			WHERE h.org_id = org
		) r
		WHERE r.wrong IS NOT NULL;
	RETURN QUERY
		SELECT 'returns', 'return #' || l.return_order_id || ' line ' || l.line_no, 'line without a return', 'a row of return_order', 'none'
		FROM usom.return_line l
		LEFT JOIN usom.return_order h ON h.org_id = org AND h.return_order_id = l.return_order_id
		WHERE l.org_id = org AND h.return_order_id IS NULL;
	RETURN QUERY
		SELECT 'returns', format('order %s line %s', coalesce(
				(SELECT o.order_no FROM usom.sales_order o WHERE o.org_id = org AND o.sales_order_id = w.sales_order_id),
				'#' || w.sales_order_id), w.line_no), w.wrong[1], w.wrong[2], w.wrong[3]
		FROM (
			SELECT u.sales_order_id, u.line_no, CASE
				WHEN l.line_no IS NULL THEN ARRAY['return of an unknown line', 'a row of order_line', 'none']
				WHEN l.quantity_returned <> u.accepted THEN
					ARRAY['units returned are not those taken back', trim_scale(u.accepted)::text, trim_scale(l.quantity_returned)::text]
				WHEN u.authorized > l.quantity_shipped + l.quantity_delivered + l.quantity_returned THEN
					ARRAY['more may come back than left', trim_scale(l.quantity_shipped + l.quantity_delivered + l.quantity_returned)::text,
						trim_scale(u.authorized)::text]
			END AS wrong
			FROM (
				SELECT x.sales_order_id, x.line_no, sum(x.authorized) AS authorized, sum(x.accepted) AS accepted
				FROM (
					-- what has not come in time is expected no more than what was given up
					SELECT h.sales_order_id, r.line_no, r.quantity_accepted AS accepted,
						CASE WHEN h.expires_at <= statement_timestamp() THEN r.quantity_received ELSE r.quantity - r.quantity_given_up END
							- r.quantity_rejected AS authorized
					FROM usom.return_line r
					JOIN usom.return_order h ON h.org_id = org AND h.return_order_id = r.return_order_id
					WHERE r.org_id = org
					UNION ALL
					SELECT l.sales_order_id, l.line_no, 0, 0
					FROM usom.order_line l
					WHERE l.org_id = org AND l.quantity_returned > 0 AND l.kit_line_no IS DISTINCT FROM l.line_no
				) x
				GROUP BY x.sales_order_id, x.line_no
			) u
			LEFT JOIN usom.order_line l ON l.org_id = org AND l.sales_order_id = u.sales_order_id AND l.line_no = u.line_no
		) w
		WHERE w.wrong IS NOT NULL;
	RETURN QUERY
		SELECT 'returns', format('return #%s line %s', w.return_order_id, w.line_no), w.wrong[1], w.wrong[2], w.wrong[3]
		FROM (
			SELECT coalesce(l.return_order_id, p.return_order_id) AS return_order_id, coalesce(l.line_no, p.line_no) AS line_no, CASE
				WHEN l.line_no IS NULL THEN ARRAY['pieces of no line', 'a row of return_line', 'none']
				WHEN l.quantity_received <> coalesce(p.received, 0) THEN
					ARRAY['units received are not those of the pieces', trim_scale(coalesce(p.received, 0))::text, trim_scale(l.quantity_received)::text]
				WHEN l.quantity_accepted <> coalesce(p.accepted, 0) THEN
					ARRAY['units taken back are not those of the pieces', trim_scale(coalesce(p.accepted, 0))::text, trim_scale(l.quantity_accepted)::text]
				WHEN l.quantity_rejected <> coalesce(p.rejected, 0) THEN
					ARRAY['units not taken back are not those of the pieces', trim_scale(coalesce(p.rejected, 0))::text, trim_scale(l.quantity_rejected)::text]
			END AS wrong
			FROM (SELECT * FROM usom.return_line l WHERE l.org_id = org) l
			FULL JOIN (
				SELECT p.return_order_id, p.line_no, sum(p.quantity) AS received,
					coalesce(sum(p.quantity) FILTER (WHERE p.disposition <> 'reject'), 0) AS accepted,
					coalesce(sum(p.quantity) FILTER (WHERE p.disposition = 'reject'), 0) AS rejected
				FROM usom.return_piece p WHERE p.org_id = org GROUP BY p.return_order_id, p.line_no
			) p ON p.return_order_id = l.return_order_id AND p.line_no = l.line_no
		) w
		WHERE w.wrong IS NOT NULL;
	-- a piece of the order comes back once
	RETURN QUERY
		SELECT 'returns', format('order %s line %s piece %s', coalesce(
				(SELECT o.order_no FROM usom.sales_order o WHERE o.org_id = org AND o.sales_order_id = w.sales_order_id),
				'#' || w.sales_order_id), w.line_no, w.piece_no), 'units returned are not those of the pieces of returns', w.back, w.returned
		FROM (
			SELECT x.sales_order_id, x.line_no, x.piece_no, trim_scale(sum(x.back))::text AS back, trim_scale(sum(x.returned))::text AS returned
			FROM (
				SELECT h.sales_order_id, p.line_no, p.piece_no, p.quantity AS back, 0 AS returned
				FROM usom.return_piece p JOIN usom.return_order h ON h.org_id = org AND h.return_order_id = p.return_order_id
				WHERE p.org_id = org AND p.piece_no IS NOT NULL
				UNION ALL
				SELECT f.sales_order_id, f.line_no, f.piece_no, 0, f.quantity
				FROM usom.fulfillment_line f WHERE f.org_id = org AND f.status = 'returned'
			) x
			GROUP BY x.sales_order_id, x.line_no, x.piece_no
			HAVING sum(x.back) <> sum(x.returned)
		) w;
	-- what is not restocked has left the shelf again
	RETURN QUERY
		SELECT 'returns', 'return ' || w.return_no, 'units in the ledger are not those of the pieces: ' || w.kind, w.gone, w.booked
		FROM (
			SELECT x.return_no, x.kind, trim_scale(sum(x.gone))::text AS gone, trim_scale(sum(x.booked))::text AS booked
			FROM (
				SELECT h.return_no, p.disposition AS kind, p.quantity AS gone, 0 AS booked
				FROM usom.return_piece p
				JOIN usom.return_order h ON h.org_id = org AND h.return_order_id = p.return_order_id
				JOIN usom.fulfillment_line f ON f.org_id = org AND f.sales_order_id = h.sales_order_id AND f.line_no = p.line_no
					AND f.piece_no = p.piece_no AND f.location_id IS NOT NULL
				WHERE p.org_id = org AND p.disposition IN ('refurbish', 'scrap', 'to_vendor')
				UNION ALL
				SELECT m.reference, m.kind, 0, -m.delta
				FROM usom.stock_movement m WHERE m.org_id = org AND m.kind IN ('refurbish', 'scrap', 'to_vendor')
			) x
			GROUP BY x.return_no, x.kind
			HAVING sum(x.gone) <> sum(x.booked)
		) w;
END
$$;
COMMENT ON FUNCTION usom.verify_returns() IS
'Returns against the orders they belong to: status, units received, taken back and not, piece by piece; never more than left; and against the ledger of stock. Empty when all is well.
Example: SELECT * FROM usom.verify_returns();';

/* ---- api ---- */

CREATE FUNCTION usom._order_written() RETURNS trigger
LANGUAGE c AS 'MODULE_PATHNAME', 'usom__order_written'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom._order_written() IS 'AFTER STATEMENT on sales_order: statuses that plain SQL has set do what their verbs do; other changes get their history.';
REVOKE ALL ON FUNCTION usom._order_written() FROM PUBLIC;

CREATE FUNCTION usom.place_order(document jsonb)
RETURNS TABLE (order_no text, status text, total numeric, currency text, quantity_reserved numeric,
	quantity_backordered numeric, promised_at timestamptz, messages jsonb)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_place_order'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.place_order(jsonb) IS
'Place an order: it is checked, written, confirmed, and its stock reserved, or nothing happens at all.
document: an object with these keys; every one but lines, sku and quantity may be left out.
  channel (manual), external_id, revision (1), order_type (standard; see usom.order_types()), customer (a guest), currency (the organisation''s), priority (5; lower is served first), placed_at (now), requested_at, ship_complete (false), draft (false), coupons [text], instructions,
  ship_to {name, line1, line2, postcode, city, region, country, latitude, longitude} (the customer''s first address), payment {method, reference, authorized},
  reservation_owner (its soft reservations are given up for this order),
  lines [{sku, quantity, unit (of quantity and unit_price, one of usom.product_units; the product''s own), unit_price (list price, else 0), location (any), requested_at, substitution (as the customer agreed, else none), partial (true), make {name, based_on, attributes} (the sku is no product yet and is made for the order, for roles that may insert products: engineering approves it)}].
Quantities in the product''s own unit or the one named (then kept in the product''s own, and exact), six decimals; prices in the currency, four decimals; times as ISO 8601.
Each line is reserved at the first location, by priority, that can serve it whole; else the rest is backordered, unless partial is false.
Returns one row: order number, status (confirmed; draft if asked for), total, units reserved and backordered, the latest promise (null if something has none), messages [{line_no, code, quantity}] with the codes backordered, no_price, repeated.
The same channel, external_id and document again returns the order that is there and changes nothing.
Errors: US803 unknown key, wrong type or unknown code (the path is named), US220 a quantity that its unit does not give exactly, US801 the external_id came with another document, US802 the revision is older.
Example: SELECT * FROM usom.place_order(''{"customer": "17850", "lines": [{"sku": "85123A", "quantity": 6, "unit_price": 2.55}]}'');';

CREATE FUNCTION usom.place_orders(documents jsonb)
RETURNS TABLE (ordinal integer, external_id text, outcome text, order_no text, sqlstate text, message text)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_place_orders'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.place_orders(jsonb) IS
'Place many orders in one call; a document that fails costs that document alone.
documents: an array of documents as place_order() takes them.
Returns one row per document, in order: ordinal from 1, external_id, outcome (placed, repeated, rejected), the order number, or the SQLSTATE and message of the refusal.
Errors: US803 if the argument is not an array.
Example: SELECT * FROM usom.place_orders(''[{"lines": [{"sku": "85123A", "quantity": 6}]}, {"lines": []}]'');';

CREATE FUNCTION usom.quote(document jsonb) RETURNS jsonb
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_quote'
VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.quote(jsonb) IS
'What place_order() would do with a document now: prices, availability, promise, or all that stands in its way. Nothing is written, no number drawn; stock is not kept for the asker (reserve_stock() does that).
document: as place_order() takes it; draft is not looked at.
Returns {"valid": true, currency, total, quantity_reserved, quantity_backordered, promised_at (the latest; null if something has none), messages (as place_order()), problems: [],
  lines [{line_no, sku, quantity, unit_price, total, available (units that can be promised now; null for services and kits), reserved, backordered, pieces [{location, status, quantity, promised_at}]}]},
or {"valid": false, problems [{path, code (SQLSTATE, or repeated), message, detail, remedy}]}: all unknown codes at once.
It is computed by placing the order and undoing it, so all rules hold; it waits where placing would wait, and needs a server that can write.
Errors: US502 for a card number, 22004 for a null, 40001 and the like where the transaction, not the document, is at fault.
Example: SELECT usom.quote(''{"lines": [{"sku": "85123A", "quantity": 6}]}'');';

CREATE FUNCTION usom.submit_order(order_no text)
RETURNS TABLE (status text, version integer)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_submit_order'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.submit_order(text) IS
'Submit a draft. It goes on to confirmed by itself, with its stock reserved, unless a hold blocks confirm.
order_no: the order. Submitting twice changes nothing.
Returns the status and version of the order.
Errors: US105 unknown order, US101 it is not a draft, US109 it has no lines.
Example: SELECT * FROM usom.submit_order(''SO-000001'');';

CREATE FUNCTION usom.confirm_order(order_no text)
RETURNS TABLE (status text, version integer)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_confirm_order'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.confirm_order(text) IS
'Confirm a submitted order: its units are reserved or backordered.
order_no: the order. Confirming twice changes nothing.
Returns the status and version of the order.
Errors: US105 unknown order, US101 it is not submitted, US102 a hold blocks confirm.
Example: SELECT * FROM usom.confirm_order(''SO-000001'');';

CREATE FUNCTION usom.reject_order(order_no text, reason text)
RETURNS TABLE (status text, version integer)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_reject_order'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.reject_order(text, text) IS
'Turn a submitted order down.
order_no: the order. reason: why. Rejecting twice changes nothing.
Returns the status and version of the order.
Errors: US105 unknown order, US101 it is not submitted.
Example: SELECT * FROM usom.reject_order(''SO-000001'', ''fraud'');';

CREATE FUNCTION usom.cancel_order(order_no text, reason text)
RETURNS TABLE (status text, version integer)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_cancel_order'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.cancel_order(text, text) IS
'Cancel an order of which nothing has left: every unit is cancelled and its stock is free again. UPDATE usom.sales_order SET status = ''cancelled'' does the same.
order_no: the order. reason: why. Cancelling twice changes nothing and gives the same answer.
Returns the status and version of the order.
Errors: US105 unknown order, US101 something was picked or shipped (cancel the rest with cancel_line(), take the shipped units back with authorize_return()), US102 a hold blocks cancel.
Example: SELECT * FROM usom.cancel_order(''SO-000001'', ''customer changed their mind'');';

CREATE FUNCTION usom.close_order(order_no text)
RETURNS TABLE (status text, version integer)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_close_order'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.close_order(text) IS
'Close a delivered order: nothing more will happen to it but returns.
order_no: the order. Closing twice changes nothing.
Returns the status and version of the order.
Errors: US105 unknown order, US101 it is not delivered, US102 a hold blocks close.
Example: SELECT * FROM usom.close_order(''SO-000001'');';

CREATE FUNCTION usom.cancel_line(order_no text, line_no integer, quantity numeric, reason text)
RETURNS TABLE (status text, version integer)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_cancel_line'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.cancel_line(text, integer, numeric, text) IS
'Cancel units of a line, least committed first: open, backordered, reserved, released. The units stay on the line as cancelled, and its total falls.
order_no, line_no: the line. quantity: units; null: all that may be cancelled. reason: why.
A repeated call that finds nothing left, and so many units cancelled already, changes nothing.
Returns the status and version of the order; an order of which every unit is cancelled is cancelled.
Errors: US105 unknown order, US106 unknown line, US104 more than may be cancelled, US101 the order is closed, cancelled or rejected, US102 a hold blocks cancel, 22023 quantity not above 0.
Example: SELECT * FROM usom.cancel_line(''SO-000001'', 1, 2, ''customer wants fewer'');';

CREATE FUNCTION usom.change_order(order_no text, changes jsonb, version integer DEFAULT NULL, reason text DEFAULT NULL)
RETURNS TABLE (status text, new_version integer)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_change_order'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.change_order(text, jsonb, integer, text) IS
'Change what was agreed, as a whole or not at all.
order_no: the order. version: the version the caller has read; another one is US103; null: whatever it is. reason: why.
changes: an object with any of priority, requested_at, instructions, ship_complete, ship_to (as in the order document), coupons (an array of codes: those that the order uses from now on, in the place of those that it had; each must fit, as when placing) and lines, an array of
  {line_no, quantity, unit (of quantity and unit_price; the product''s own), unit_price, sku, location, requested_at}: an existing line; what is given is set. {line_no, remove: true}: the line is taken away. {sku, quantity, unit, unit_price, location, requested_at}: a new line.
A higher quantity is planned like a new order''s; a lower one drops units, least committed first: open, backordered, reserved. Another sku or location plans the units of the line anew. A new price touches no piece.
Returns the status and the new version of the order.
Errors: US105 unknown order, US106 unknown line, US108 unreadable changes or unknown codes, US103 version conflict, US104 below what is committed, US109 the last line would go, US220 a quantity that its unit does not give exactly, US404 to US407 coupons that do not fit, US101 the order is shipped or ended, US102 a hold blocks change.
Example: SELECT * FROM usom.change_order(''SO-000001'', ''{"lines": [{"line_no": 1, "quantity": 5}, {"sku": "22423", "quantity": 1}]}'', version => 1);';

CREATE FUNCTION usom.allocate_order(order_no text)
RETURNS TABLE (status text, version integer)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_allocate_order'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.allocate_order(text) IS
'Look for stock for the backordered units of one order.
order_no: the order.
Returns the status and version of the order, unchanged if there is no stock.
Errors: US105 unknown order, US101 the order is not confirmed or has ended.
Example: SELECT * FROM usom.allocate_order(''SO-000001'');';

CREATE FUNCTION usom.reallocate_order(order_no text, reason text)
RETURNS TABLE (status text, version integer)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_reallocate_order'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.reallocate_order(text, text) IS
'Plan the reserved and backordered units of one order anew, by the rules and the stock of now. What is released or further stays where it is.
order_no: the order. reason: kept in the audit.
Returns the status and version of the order, unchanged if there is nothing to plan.
Errors: US105 unknown order, US101 the order is not confirmed or has ended, US102 a hold blocks changes.
Example: SELECT * FROM usom.reallocate_order(''SO-000001'', ''the warehouse is flooded'');';

CREATE FUNCTION usom.explain_sourcing(order_no text)
RETURNS TABLE (line_no integer, location text, rank integer, eligible boolean, reason_code text, reason text,
	distance_km numeric, available numeric, promised_at timestamptz, cost numeric)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_explain_sourcing'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.explain_sourcing(text) IS
'Why each location serves a line of the order, or does not: planned again by the code that allocates, over the stock of now and what the order itself has reserved.
order_no: the order.
Returns a row for each line with units open, backordered or reserved, and each location. rank orders those that could serve, best first, what serves first of all; reason_code chosen serves the line. distance_km is as the crow flies, null without coordinates or a postal code that is known; available is in the unit of the product; cost is that of the line served from there alone, in the currency of the organisation, preferences aside; promised_at is when it would arrive.
Errors: US105 unknown order.
Example: SELECT * FROM usom.explain_sourcing(''SO-000001'') ORDER BY line_no, rank;';

CREATE FUNCTION usom.why_not_allocated(order_no text, line_no integer)
RETURNS TABLE (location text, reason_code text, reason text, available numeric)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_why_not_allocated'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.why_not_allocated(text, integer) IS
'Why a line waits: each location with the reason why it does not serve the units that are open or backordered; chosen: it serves others of the line already.
order_no, line_no: the line; of a kit, its components that are short are named.
Returns no row if no unit of the line waits; else one for each location, by priority; and one without location (reason_code quota or pre_order) if a quota or a pre-order offer stands in the way, with the units that it would let the line have.
Errors: US105 unknown order.
Example: SELECT * FROM usom.why_not_allocated(''SO-000001'', 1);';

CREATE FUNCTION usom.fill_backorders(sku text DEFAULT NULL)
RETURNS TABLE (order_no text, line_no integer, quantity numeric)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_fill_backorders'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.fill_backorders(text) IS
'Give free stock to backordered units: by priority of their orders, then oldest first, within what quotas allow.
sku: of one product; null: of all.
Returns a row per line that got stock, with the units it got.
Errors: US006 unknown sku.
Example: SELECT * FROM usom.fill_backorders(''85123A'');';

CREATE FUNCTION usom.switch_counter() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, usom, pg_temp
AS $$
DECLARE
	used bigint;
BEGIN
	IF NEW.gap_free THEN
		EXECUTE format('SELECT max(substring(%1$I FROM length($2) + 1)::numeric) FROM usom.%2$I
			WHERE org_id = $1 AND starts_with(%1$I, $2) AND substring(%1$I FROM length($2) + 1) ~ ''^[0-9]{1,18}$''',
			NEW.kind || '_no', CASE NEW.kind WHEN 'order' THEN 'sales_order' WHEN 'return' THEN 'return_order' WHEN 'make' THEN 'make_order' WHEN 'run' THEN 'backorder_run' ELSE NEW.kind END)
			INTO used USING NEW.org_id, NEW.prefix;
		NEW.last_value := greatest(NEW.last_value, used);
	ELSE
		PERFORM setval(format('usom.%I', NEW.kind || '_no_seq')::regclass,
			greatest(nextval(format('usom.%I', NEW.kind || '_no_seq')::regclass), NEW.last_value));
	END IF;
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION usom.switch_counter() IS 'BEFORE UPDATE of gap_free on document_counter: the numbers go on above those that were given out. Switch while no documents are being made.';
REVOKE ALL ON FUNCTION usom.switch_counter() FROM PUBLIC;

CREATE FUNCTION usom.erase_customer(customer text, reason text) RETURNS text
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'usom_erase_customer'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.erase_customer(text, text) IS
'Make a customer unknown for good: the key is deleted under which name, e-mail, phone, addresses and instructions are sealed, in all orders and in the audit. The customer is retired. Country, postcode, amounts and everything else of the orders stay.
customer: code. reason: why, for the audit; it must not say who it was.
Returns the code.
Errors: US006 unknown customer, US904 erased before, US905 an order is open (drafts included); 0A000 above READ COMMITTED.
Example: SELECT usom.erase_customer(''17850'', ''asked for it, ticket 4711'');';

CREATE FUNCTION usom.erase_order_person(order_no text, reason text) RETURNS text
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'usom_erase_order_person'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.erase_order_person(text, text) IS
'Make the buyer of an order without a customer unknown for good: the key is deleted under which address and instructions are sealed.
order_no: the order, delivered or ended. reason: why; it must not say who it was.
Returns the order number.
Errors: US105 unknown order, US904 erased before, US905 the order is open, 22023 the order is of a customer.
Example: SELECT usom.erase_order_person(''SO-000001'', ''asked for it'');';

CREATE FUNCTION usom._retain() RETURNS integer
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'usom__retain'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom._retain() IS 'Erases who is due by usom.retention, in all organisations, at most 1000 of a kind; looks once an hour. Returns how many. Part of tick().';
REVOKE ALL ON FUNCTION usom._retain() FROM PUBLIC;

CREATE FUNCTION usom.export_customer(customer text) RETURNS jsonb
LANGUAGE plpgsql STABLE STRICT PARALLEL RESTRICTED
SET search_path = pg_catalog, usom, pg_temp
AS $$
DECLARE
	known record;
BEGIN
	PERFORM usom._check_card('customer', export_customer.customer);
	PERFORM usom._check_installed();
	IF NOT has_table_privilege('usom.vault_key', 'SELECT') THEN
		RAISE EXCEPTION 'permission denied to export what is known of a person'
			USING ERRCODE = 'insufficient_privilege', DETAIL = 'Only roles that may read usom.vault_key see it.';
	END IF;
	SELECT c.* INTO known FROM usom.customers c WHERE c.customer = export_customer.customer;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'customer "%" does not exist', export_customer.customer
			USING ERRCODE = 'US006', HINT = 'Look it up in usom.customers.';
	ELSIF known.erased_at IS NOT NULL THEN
		RAISE EXCEPTION 'customer "%" was erased', export_customer.customer
			USING ERRCODE = 'US904', DETAIL = 'What told who it was is gone for good.';
	END IF;
	RETURN jsonb_build_object(
		'customer', to_jsonb(known) - 'erased_at',
		'addresses', (
			SELECT coalesce(jsonb_agg(to_jsonb(a) - 'customer' ORDER BY a.address_no), '[]')
			FROM usom.addresses a
			WHERE a.customer = export_customer.customer),
		'orders', (
			SELECT coalesce(jsonb_agg(to_jsonb(o) - 'customer' - 'held' || jsonb_build_object(
				'lines', (
					SELECT coalesce(jsonb_agg(jsonb_build_object('line_no', l.line_no, 'sku', l.sku, 'product_name', l.product_name,
						'quantity', l.quantity, 'unit_price', l.unit_price, 'total', l.total, 'status', l.status) ORDER BY l.line_no), '[]')
					FROM usom.order_lines l
					WHERE l.order_no = o.order_no),
				'shipments', (
					SELECT coalesce(jsonb_agg(to_jsonb(s) - 'order_no' ORDER BY s.shipment_no), '[]')
					FROM usom.shipments s
					WHERE s.order_no = o.order_no),
				'returns', (
					SELECT coalesce(jsonb_agg(to_jsonb(r) - 'order_no' ORDER BY r.return_no), '[]')
					FROM usom.returns r
					WHERE r.order_no = o.order_no)) ORDER BY o.placed_at, o.order_no), '[]')
			FROM usom.orders o
			WHERE o.customer = export_customer.customer));
END
$$;
COMMENT ON FUNCTION usom.export_customer(text) IS
'All that is known of a customer, in clear: an object with customer, addresses and orders (with lines, shipments, returns), for the person who asks what is kept.
customer: code.
Errors: US006 unknown customer, US904 erased; 42501 for roles that may not read usom.vault_key.
Example: SELECT jsonb_pretty(usom.export_customer(''17850''));';

CREATE FUNCTION usom.verify_vault()
RETURNS TABLE (area text, entity text, problem text, expected text, actual text)
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, usom, pg_temp SET jit = off
AS $$
DECLARE
	org CONSTANT bigint := usom.current_org();
BEGIN
	RETURN QUERY
		SELECT 'privacy', x.entity, CASE x.state WHEN 'clear' THEN 'a text about a person is not sealed'
			WHEN 'broken' THEN 'a sealed text cannot be opened with the key of its person'
			ELSE 'a text about a person who was not erased has no key' END,
			'sealed', x.state
		FROM (
			SELECT format('customer "%s" %s', c.code, v.name) AS entity, usom._seal_state(org, v.value) AS state, c.erased_at IS NOT NULL AS erased
			FROM usom.customer c CROSS JOIN LATERAL (VALUES ('name', c.name), ('email', c.email), ('phone', c.phone)) v (name, value)
			WHERE c.org_id = org AND v.value IS NOT NULL
			UNION ALL
			SELECT format('customer #%s address %s %s', a.customer_id, a.address_no, v.name), usom._seal_state(org, v.value), false
			FROM usom.customer_address a
				CROSS JOIN LATERAL (VALUES ('name', a.name), ('line1', a.line1), ('line2', a.line2), ('city', a.city)) v (name, value)
			WHERE a.org_id = org AND v.value IS NOT NULL
			UNION ALL
			SELECT format('address #%s %s', a.address_id, v.name), usom._seal_state(org, v.value), e.person_id IS NOT NULL
			FROM usom.address a
				LEFT JOIN usom.sales_order o ON o.org_id = org AND o.sales_order_id = a.person_id
				LEFT JOIN usom.erasure e ON e.org_id = org AND e.person_id IN (a.person_id, o.customer_id)
				CROSS JOIN LATERAL (VALUES ('name', a.name), ('line1', a.line1), ('line2', a.line2), ('city', a.city)) v (name, value)
			WHERE a.org_id = org AND v.value IS NOT NULL
			UNION ALL
			SELECT format('order "%s" instructions', o.order_no), usom._seal_state(org, o.instructions), e.person_id IS NOT NULL
			FROM usom.sales_order o LEFT JOIN usom.erasure e ON e.org_id = org AND e.person_id = coalesce(o.customer_id, o.sales_order_id)
			WHERE o.org_id = org AND o.instructions IS NOT NULL
			UNION ALL
			SELECT format('order "%s" ship_to', o.order_no), 'clear', false
			FROM usom.sales_order o
			WHERE o.org_id = org AND o.ship_to IS NOT NULL
		) x
		WHERE x.state IN ('clear', 'broken') OR (x.state = 'erased' AND NOT x.erased);
	RETURN QUERY
		SELECT 'privacy', format('customer "%s"', c.code), CASE WHEN c.erased_at IS NULL THEN 'a customer who was not erased has no key'
			ELSE 'a customer who was erased has a key' END, CASE WHEN c.erased_at IS NULL THEN 'a key' ELSE 'none' END,
			CASE WHEN c.erased_at IS NULL THEN 'none' ELSE 'a key' END
		FROM usom.customer c
		WHERE c.org_id = org AND usom._has_key(org, c.customer_id) <> (c.erased_at IS NULL);
	RETURN QUERY
		SELECT 'privacy', format('order "%s"', o.order_no), 'order refers to an unknown address', 'a row of address', format('#%s', o.address_id)
		FROM usom.sales_order o LEFT JOIN usom.address a ON a.org_id = org AND a.address_id = o.address_id
		WHERE o.org_id = org AND o.address_id IS NOT NULL AND a.address_id IS NULL;
	RETURN QUERY
		SELECT 'privacy', format('customer #%s', coalesce(w.person_id, i.person_id)), format('what the %s is found by is wrong', coalesce(w.kind, i.kind)),
			CASE WHEN w.digest IS NULL THEN 'none' ELSE 'a digest' END, CASE WHEN i.digest IS NULL THEN 'none' ELSE 'another digest' END
		FROM (
			SELECT c.customer_id AS person_id, v.kind, usom._contact_digest(org, v.kind, v.value) AS digest
			FROM usom.customer c CROSS JOIN LATERAL (VALUES ('email', c.email), ('phone', c.phone)) v (kind, value)
			WHERE c.org_id = org AND v.value IS NOT NULL
		) w
		FULL JOIN (SELECT * FROM usom.vault_index n WHERE n.org_id = org) i ON i.person_id = w.person_id AND i.kind = w.kind
		WHERE w.digest IS DISTINCT FROM i.digest;
END
$$;
COMMENT ON FUNCTION usom.verify_vault() IS
'What is kept about people, looked at again: every text sealed and readable with the key of its person, a key for everybody but those who were erased, what find_customers() looks in. Empty when all is well.
Example: SELECT * FROM usom.verify_vault();';

/* ---- api ---- */

CREATE FUNCTION usom.approve_order(order_no text, reason text, queue text DEFAULT NULL, digest text DEFAULT NULL)
RETURNS TABLE (status text, version integer)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_approve_order'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.approve_order(text, text, text, text) IS
'Say yes to what is asked about an order in usom.approvals. The last yes that is missing ends its approval hold, and an order that is submitted goes on to confirmed in the same call, unless something else holds it.
order_no: the order. reason: why; may be null. queue: as which queue; null: all that wait for the caller. digest: of usom.approvals, so that the decision is about what was read there; null: about what could be seen when the call began.
Members of the queue decide, and from escalates_at on those of the queue it escalates to. Nobody decides about an order that they placed or changed: see apart_by of usom.approval_rule.
Returns the status and version of the order.
Errors: US105 unknown order, US130 nothing waits, US131 not of the queue, US132 an order of one''s own, US133 expired, US134 the order is not any more what was asked about.
Example: SELECT * FROM usom.approve_order(''SO-000001'', ''long-standing customer'');';

CREATE FUNCTION usom.decline_order(order_no text, reason text, queue text DEFAULT NULL, digest text DEFAULT NULL)
RETURNS TABLE (status text, version integer)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_decline_order'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.decline_order(text, text, text, text) IS
'Say no to what is asked about an order in usom.approvals. By what the rule says (if_declined), the order is rejected if it is only submitted, or stays held until it is changed, which asks anew, or cancelled.
order_no: the order. reason: why; must be given. queue, digest: as in approve_order().
Returns the status and version of the order.
Errors: as approve_order(), and 22004 without a reason.
Example: SELECT * FROM usom.decline_order(''SO-000001'', ''unknown buyer, large sum'');';

CREATE FUNCTION usom.request_approval(order_no text, reason text DEFAULT NULL)
RETURNS TABLE (status text, version integer)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_request_approval'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.request_approval(text, text) IS
'Hold an order against the approval rules as they are now: what has expired is asked anew, what no rule asks any more is not waited for, what new rules ask is asked. Answers in time about what the order says stay, refusals too.
order_no: the order. reason: why.
Returns the status and version of the order.
Errors: US105 unknown order, US101 if it is a draft, shipped or over.
Example: SELECT * FROM usom.request_approval(''SO-000001'', ''asked last week, nobody had time'');';

CREATE FUNCTION usom.score_order(order_no text, score integer, reason text DEFAULT NULL)
RETURNS TABLE (status text, version integer)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_score_order'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.score_order(text, integer, text) IS
'Tell what an assessment outside says about the risk of an order. The last score counts; approval rules that look at it are asked at once.
order_no: the order. score: 0, no risk, to 100. reason: why, or who says so.
Returns the status and version of the order.
Errors: US105 unknown order, US101 if it is closed, cancelled or rejected, 23514 for a score beyond 0 to 100.
Example: SELECT * FROM usom.score_order(''SO-000001'', 85, ''new device, address of a forwarder'');';

/* ---- api ---- */

CREATE FUNCTION usom._is_sort_expression(expression text) RETURNS boolean
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, usom, pg_temp
AS $$
	SELECT expression IN ('priority', 'placed_at', 'requested_at', 'value', 'channel', 'segment', 'service_level')
$$;
COMMENT ON FUNCTION usom._is_sort_expression(text) IS 'Part of constraints: may backorders be compared by it?';
REVOKE ALL ON FUNCTION usom._is_sort_expression(text) FROM PUBLIC;

CREATE FUNCTION usom._is_listed_right(expression text, listed text[]) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, usom, pg_temp
AS $$
	SELECT CASE WHEN expression IN ('channel', 'segment', 'service_level')
		THEN coalesce(cardinality(listed), 0) > 0 AND array_position(listed, NULL) IS NULL ELSE listed IS NULL END
$$;
COMMENT ON FUNCTION usom._is_listed_right(text, text[]) IS 'Part of constraints: codes are listed for what is compared by its place in a list, and for nothing else.';
REVOKE ALL ON FUNCTION usom._is_listed_right(text, text[]) FROM PUBLIC;

-- Cycles are looked for by one writer of the organisation at a time, as with sourcing rules.
CREATE FUNCTION usom._check_backorder_variant() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, usom, pg_temp
AS $$
DECLARE
	unknown text := (SELECT s FROM unnest(NEW.skus) s WHERE NOT EXISTS (SELECT FROM usom.product p WHERE p.org_id = NEW.org_id AND p.sku = s) ORDER BY s LIMIT 1);
	chain text[] := ARRAY[NEW.code];
	next text := NEW.fallback;
BEGIN
	IF unknown IS NOT NULL THEN
		RAISE EXCEPTION 'backorder variant "%" names product "%", which does not exist', NEW.code, unknown USING
			ERRCODE = 'US006', DETAIL = 'Codes are looked up when they are written.', HINT = 'INSERT INTO usom.product first, or correct the code.';
	END IF;
	IF next IS NOT NULL THEN
		PERFORM pg_advisory_xact_lock(hashtextextended('usom.backorder_variant', NEW.org_id));
	END IF;
	WHILE next IS NOT NULL LOOP
		IF next = ANY (chain) THEN
			RAISE EXCEPTION 'backorder variant "%" would fall back again and again', NEW.code USING
				ERRCODE = 'US309', DETAIL = format('The chain is %s.', array_to_string(chain || next, ' -> ')), HINT = 'Let one of them have no fallback.';
		END IF;
		chain := chain || next;
		SELECT v.fallback INTO next FROM usom.backorder_variant v WHERE v.org_id = NEW.org_id AND v.code = next;
		IF NOT FOUND THEN
			RAISE EXCEPTION 'backorder variant "%" falls back to "%", which does not exist', NEW.code, chain[cardinality(chain)] USING
				ERRCODE = 'US006', DETAIL = 'Codes are looked up when they are written.', HINT = 'INSERT INTO usom.backorder_variant first, or correct the code.';
		END IF;
	END LOOP;
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION usom._check_backorder_variant() IS 'Trigger BEFORE a backorder variant is written: US006 for codes that nobody has, US309 for fallbacks that come back to the variant.';
REVOKE ALL ON FUNCTION usom._check_backorder_variant() FROM PUBLIC;

CREATE FUNCTION usom._check_backorder_segment() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, usom, pg_temp
AS $$
DECLARE
	unknown record;
BEGIN
	SELECT g.entity, g.code INTO unknown
	FROM (
		SELECT 'channel', unnest(NEW.channels), 1
		UNION ALL SELECT 'customer', unnest(NEW.customers), 2
		UNION ALL SELECT 'product', unnest(NEW.skus), 3
		UNION ALL SELECT 'order type', unnest(NEW.order_types), 4
	) g (entity, code, place)
	WHERE NOT CASE g.entity
		WHEN 'channel' THEN EXISTS (SELECT FROM usom.channel x WHERE x.org_id = NEW.org_id AND x.code = g.code)
		WHEN 'customer' THEN EXISTS (SELECT FROM usom.customer x WHERE x.org_id = NEW.org_id AND x.code = g.code)
		WHEN 'product' THEN EXISTS (SELECT FROM usom.product x WHERE x.org_id = NEW.org_id AND x.sku = g.code)
		ELSE EXISTS (SELECT FROM usom.order_types() x WHERE x.order_type = g.code)
	END
	ORDER BY g.place, g.code LIMIT 1;
	IF FOUND THEN
		RAISE EXCEPTION 'segment % of backorder variant "%" names % "%", which does not exist', NEW.rank, NEW.variant, unknown.entity, unknown.code USING
			ERRCODE = 'US006', DETAIL = 'Codes are looked up when they are written.', HINT = 'Insert the master row first, or correct the code.';
	END IF;
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION usom._check_backorder_segment() IS 'Trigger BEFORE a segment of a backorder variant is written: US006 for codes that nobody has.';
REVOKE ALL ON FUNCTION usom._check_backorder_segment() FROM PUBLIC;

CREATE TYPE usom._backorder_change_row AS (
	sales_order_id bigint,
	line_no integer,
	product_id bigint,
	variant text,
	segment_rank integer,
	strategy text,
	quantity_wanted numeric,
	quantity_before numeric,
	quantity_after numeric,
	promised_before timestamptz,
	promised_after timestamptz,
	reason text
);
COMMENT ON TYPE usom._backorder_change_row IS 'What a backorder run does to a line, on its way from C, by unnest().';

CREATE FUNCTION usom.backorder_run(variant text, simulate boolean DEFAULT false)
RETURNS TABLE (run_no text, status text, items integer, items_changed integer, lines_changed integer, orders_changed integer, exceptions integer)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_backorder_run'
VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.backorder_run(text, boolean) IS
'Deal scarce stock out again: over all lines that wait for a product, and those that have it reserved or promised, product by product, in one transaction.
variant: code of a row of usom.backorder_variant; its segments (usom.backorder_segment) say which lines are treated how, usom.backorder_sort who comes first within one. simulate: only say what would change.
Strategies, in the order in which they are carried out, whatever the ranks of their segments:
  win: all of the line, on time (by its requested date, or now), or an exception; gain: at least what it has, none of it later, and more if there is, or an exception; improve: as gain, but what it has is set aside before anybody wins, so there is no exception; redistribute: more, the same or less, in sort order; fill: what it has as far as it is left, never more; lose: gives up all it has; skip: left as it is.
Lines of no segment are left as they are; so are orders whose pieces are firm (indent and other types that goods were got for), held orders (change), kits, and what is released or further.
An exception leaves the product as it is and hands it to the fallback of the variant, or, with on_exception stop_run, leaves everything as it is; it is on the list in usom.exceptions either way.
Returns the number of the run, done or stopped, the products looked at and changed, lines and orders changed, and exceptions. Each line has its row in usom.backorder_changes, with the reason, and, unless simulated, an event. A second run changes nothing. Orders that do not change are not locked for good, and products that do not change not at all.
Errors: US006 unknown variant, 22004 if it is null.
Example: SELECT * FROM usom.backorder_run(''morning'', simulate => true);';

/* ---- api ---- */

CREATE FUNCTION usom.checks() RETURNS TABLE (check_code text, description text, parameters text, hold_type text)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_checks'
IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.checks() IS
'The checks that rows of usom.check_rule configure: what each looks at, the keys of its parameters, and the type of its holds where the rule names none. Without a row a check is not made. References (channel, customer, product, location) are always checked: US803. Credit, approval and price checks have tables of their own.
Example: SELECT * FROM usom.checks();';

CREATE FUNCTION usom._check_parameters(check_code text, parameters jsonb) RETURNS void
LANGUAGE c AS 'MODULE_PATHNAME', 'usom__check_parameters'
STABLE STRICT
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom._check_parameters(text, jsonb) IS 'US805 unless the check is known and can read the parameters.';
REVOKE ALL ON FUNCTION usom._check_parameters(text, jsonb) FROM PUBLIC;

CREATE FUNCTION usom._check_check_rule() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, usom, pg_temp
AS $$
DECLARE
	unknown record;
BEGIN
	PERFORM usom._check_parameters(NEW.check_code, NEW.parameters);
	SELECT g.entity, g.code INTO unknown
	FROM (VALUES ('channel', NEW.channel, 1), ('customer', NEW.customer, 2)) g (entity, code, place)
	WHERE g.code IS NOT NULL AND NOT CASE g.entity
		WHEN 'channel' THEN EXISTS (SELECT FROM usom.channel x WHERE x.org_id = NEW.org_id AND x.code = g.code)
		ELSE EXISTS (SELECT FROM usom.customer x WHERE x.org_id = NEW.org_id AND x.code = g.code)
	END
	ORDER BY g.place LIMIT 1;
	IF FOUND THEN
		RAISE EXCEPTION 'the rule of check "%" names % "%", which does not exist', NEW.check_code, unknown.entity, unknown.code USING
			ERRCODE = 'US006', DETAIL = 'Codes in rules are looked up when they are written.',
			HINT = format('INSERT INTO usom.%I first, or correct the code.', unknown.entity);
	END IF;
	NEW.version := CASE WHEN TG_OP = 'INSERT' THEN 1 WHEN NEW IS DISTINCT FROM OLD THEN OLD.version + 1 ELSE OLD.version END;
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION usom._check_check_rule() IS 'Trigger BEFORE a rule of a check is written: US805 for parameters that the check cannot read, US006 for codes that nobody has; counts the versions.';
REVOKE ALL ON FUNCTION usom._check_check_rule() FROM PUBLIC;

CREATE FUNCTION usom._check_product_restriction() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, usom, pg_temp
AS $$
DECLARE
	unknown record;
BEGIN
	SELECT g.entity, g.code INTO unknown
	FROM (VALUES ('product', NEW.sku, 1), ('channel', NEW.channel, 2)) g (entity, code, place)
	WHERE g.code IS NOT NULL AND NOT CASE g.entity
		WHEN 'product' THEN EXISTS (SELECT FROM usom.product x WHERE x.org_id = NEW.org_id AND x.sku = g.code)
		ELSE EXISTS (SELECT FROM usom.channel x WHERE x.org_id = NEW.org_id AND x.code = g.code)
	END
	ORDER BY g.place LIMIT 1;
	IF FOUND THEN
		RAISE EXCEPTION 'a product restriction names % "%", which does not exist', unknown.entity, unknown.code USING
			ERRCODE = 'US006', DETAIL = 'Codes in restrictions are looked up when they are written.',
			HINT = format('INSERT INTO usom.%I first, or correct the code.', unknown.entity);
	END IF;
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION usom._check_product_restriction() IS 'Trigger BEFORE a product restriction is written: US006 for codes that nobody has.';
REVOKE ALL ON FUNCTION usom._check_product_restriction() FROM PUBLIC;

CREATE TYPE usom._found_hit AS (
	check_rule_id bigint,
	rule_version integer,
	check_code text,
	severity text,
	sales_order_id bigint,
	external_id text,
	path text,
	overridden boolean,
	reason text
);
COMMENT ON TYPE usom._found_hit IS 'Finding of a rule, on its way from C to check_hit, by unnest().';

CREATE TYPE usom._claimed_lines AS (
	customer_id bigint,
	fingerprint bytea,
	sales_order_id bigint
);
COMMENT ON TYPE usom._claimed_lines IS 'Order that has the lines of a fingerprint, on its way from C to order_fingerprint, by unnest().';

CREATE FUNCTION usom.set_address_verdict(order_no text, verdict text, reason text DEFAULT NULL)
RETURNS TABLE (status text, version integer)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_set_address_verdict'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.set_address_verdict(text, text, text) IS
'Say what the verification of an order''s address by somebody outside has found; the checks look at the order again.
order_no: the order, not closed, cancelled or rejected. verdict: deliverable, corrected, undeliverable or unknown. reason: for the history.
A hold that the check address has placed ends when its cause is gone, and an order that only waited for that goes on to confirmed. The address of the order becomes a new snapshot: others that share it keep theirs.
Returns the status and version of the order.
Errors: US105 unknown order, US101 if it has ended, 22023 for another verdict or an order without an address, US804 if a check refuses.
Example: SELECT * FROM usom.set_address_verdict(''SO-000001'', ''undeliverable'', ''no such street'');';

CREATE FUNCTION usom._tidy_fingerprints(org_id bigint) RETURNS bigint
LANGUAGE c STRICT AS 'MODULE_PATHNAME', 'usom__tidy_fingerprints'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom._tidy_fingerprints(bigint) IS 'Fingerprints of orders of an organisation that no rule about duplicates looks back to are forgotten, 10,000 at most: part of tick(). Returns how many.';
REVOKE ALL ON FUNCTION usom._tidy_fingerprints(bigint) FROM PUBLIC;

/* ---- api ---- */

CREATE FUNCTION usom.release_credit_hold(order_no text, reason text)
RETURNS TABLE (status text, version integer)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_release_credit_hold'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.release_credit_hold(text, text) IS
'Let an order pass that credit holds, whatever the limit says, and confirm it unless something else holds it.
order_no: the order. reason: why the customer may owe more; it stands with the hold, in the history and in the audit. How much of it is beyond the limit stands in usom.credit_position().
release_hold() only takes the hold away: at the next step the order is checked, and held, again.
Returns the status and version of the order.
Errors: US105 unknown order, US107 if no credit hold is active, 22004 and 22023 without a reason.
Example: SELECT * FROM usom.release_credit_hold(''SO-000001'', ''guaranteed by the bank until March'');';

CREATE FUNCTION usom._review_credit(org_id bigint, customer_id bigint)
RETURNS TABLE (order_no text, status text)
LANGUAGE c STRICT AS 'MODULE_PATHNAME', 'usom__review_credit'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom._review_credit(bigint, bigint) IS 'Orders of a customer that credit holds go on as far as there is room.';
REVOKE ALL ON FUNCTION usom._review_credit(bigint, bigint) FROM PUBLIC;

CREATE FUNCTION usom._review_credits(org_id bigint) RETURNS bigint
LANGUAGE sql VOLATILE STRICT
SET search_path = pg_catalog, usom, pg_temp
AS $$
	SELECT count(*) FROM (
		SELECT DISTINCT a.customer_id
		FROM usom.credit_account a
		WHERE a.org_id = $1 AND (a.exposure < a.limit_amount OR a.check_at = 'none' OR NOT a.active)
			AND EXISTS (SELECT FROM usom.credit_use c WHERE c.org_id = $1 AND c.credit_account_id = a.credit_account_id AND c.held_at IS NOT NULL
				AND (a.exposure + c.wanted - c.amount <= a.limit_amount OR a.check_at = 'none' OR NOT a.active))
		ORDER BY a.customer_id
	) w CROSS JOIN LATERAL usom._review_credit($1, w.customer_id)
$$;
COMMENT ON FUNCTION usom._review_credits(bigint) IS 'The same for all customers of an organisation with orders that fit: part of tick(). Returns the number of orders.';
REVOKE ALL ON FUNCTION usom._review_credits(bigint) FROM PUBLIC;

CREATE FUNCTION usom.review_credit(customer text)
RETURNS TABLE (order_no text, status text)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_review_credit'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.review_credit(text) IS
'Orders of a customer that credit holds go on as far as there is room, the oldest first; one that does not fit lets smaller ones pass. Payments, cancellations, returns and a higher limit do this by themselves, and tick() for orders that somebody else was working on just then.
customer: code. Returns the orders that are held no more.
Errors: US511 if the customer has no account.
Example: SELECT * FROM usom.review_credit(''ACME'');';

/* ---- api ---- */

CREATE FUNCTION usom.receive_drop_ship(supply_no text, quantity numeric DEFAULT NULL, reference text DEFAULT NULL, carrier text DEFAULT NULL,
	tracking text DEFAULT NULL, delivered boolean DEFAULT true, final boolean DEFAULT false)
RETURNS TABLE (supply_no text, status text, received numeric, delivered numeric, surplus numeric, shipment_no text)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_receive_drop_ship'
VOLATILE PARALLEL UNSAFE ROWS 1
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.receive_drop_ship(text, numeric, text, text, text, boolean, boolean) IS
'A supplier has sent units of an order line straight to the customer: they are received where the supplier is, and in the same call reserved for the line, shipped and delivered, so that what is delivered is what was received.
supply_no: supply of kind drop_ship that names the line, see usom.add_supply(). quantity: units; null: all that is to come. reference: delivery note or message of the supplier: one that comes again answers as before. carrier, tracking: as in usom.ship(). delivered: false if they are only under way, usom.deliver() tells the rest. final: nothing more comes, though it is less (then 0 is a quantity): what is left waits again as with usom.receive_supply().
Units that the line does not want any more, because it was cancelled or changed, are no stock: they are surplus, with an exception drop_ship_surplus. What the customer changes meanwhile is told as supply_excess and supply_wanted; usom.change_supply() says what the supplier answers.
Returns the supply as it is now, and of this message the units delivered and surplus and the shipment, which is null if none were, or a check has put the order on hold.
Errors: US204 unknown supply, US642 it is sent to no customer, US206 it has ended and quantity is null, US102 a hold blocks ship, US201 the order ships complete and something would stay behind, 22003 or 22023 for a quantity that is none.
Example: SELECT * FROM usom.receive_drop_ship(''SU-000001'', 6, ''DN-4711'');';

/* ---- api ---- */

CREATE FUNCTION usom.exchange_return(return_no text, lines jsonb DEFAULT NULL, advance boolean DEFAULT false, reason text DEFAULT NULL)
RETURNS text
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_exchange_return'
VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.exchange_return(text, jsonb, boolean, text) IS
'Other goods for those that come back: an order of its own, for the same customer, channel, currency and address, whose parent_order_no is the order of the return. It reserves its stock at once and is on hold (type exchange) until all of the return is back and taken back; then the hold ends by itself. If some of it is not taken back, or does not come, the exception exchange_short waits for somebody who releases the hold or cancels.
return_no: a return that leave was given to. lines: what the customer gets, as in the order document; null: the same goods again, at the price they had. advance: true lets it leave before the goods are back; the exception exchange_outstanding is due when the return expires. reason: kept in the audit.
The refund of what comes back after it was placed pays for it as far as it costs something, as a payment by the method exchange; what is left is asked back like any refund, and what it costs more is to be paid like any order. What came back before is refunded already.
Returns the number of the new order; a repeated call returns the same one.
Errors: US702 unknown return, US707 it is requested, refused or cancelled, or nothing of it was taken back; those of usom.place_order().
Example: SELECT usom.exchange_return(''RT-000001'', ''[{"sku": "LAMP-RED", "quantity": 1}]'');';

/* ---- api ---- */

CREATE FUNCTION usom.watch_stock(customer text, sku text, quantity numeric DEFAULT 1, location text DEFAULT NULL,
	expires_at timestamptz DEFAULT NULL) RETURNS bigint
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_watch_stock'
VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.watch_stock(text, text, numeric, text, timestamptz) IS
'Tell a customer when a product is in stock again.
customer, sku: codes. quantity: units the customer wants, above zero. location: only there; null: anywhere. expires_at: until when; null: until told.
Nothing is reserved: as soon as so many units can be promised, tick() or tell_back_in_stock() writes the event back_in_stock, to those who asked first as long as units last. Asked again, only the newest quantity and expiry count, and the place in the queue stays.
Returns the key of the interest.
Errors: US006 for an unknown code, 22003 or 22023 for a quantity that is none, 22004 for a null.
Example: SELECT usom.watch_stock(''17850'', ''85123A'', 2);';

CREATE FUNCTION usom.unwatch_stock(customer text, sku text) RETURNS boolean
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_unwatch_stock'
VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.unwatch_stock(text, text) IS
'Forget what watch_stock() noted, at all locations.
customer, sku: codes.
Returns whether there was anything.
Errors: US006 for an unknown code, 22004 for a null.
Example: SELECT usom.unwatch_stock(''17850'', ''85123A'');';

CREATE FUNCTION usom.tell_back_in_stock(sku text DEFAULT NULL) RETURNS bigint
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_tell_back_in_stock'
VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.tell_back_in_stock(text) IS
'Tell those who watch a product that can be promised again: an event back_in_stock for each, once, in the order in which they asked and as long as units last. tick() does it for all products; call it after a receipt to be sooner.
sku: the product; null: all.
Returns how many were told.
Errors: US001.
Example: SELECT usom.tell_back_in_stock(''85123A'');';

CREATE FUNCTION usom._tell_back_in_stock(org_id bigint) RETURNS bigint
LANGUAGE c AS 'MODULE_PATHNAME', 'usom__tell_back_in_stock'
VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom._tell_back_in_stock(bigint) IS 'What tell_back_in_stock() does, for the organisation with this key.';
REVOKE ALL ON FUNCTION usom._tell_back_in_stock(bigint) FROM PUBLIC;

/* ---- api ---- */

CREATE FUNCTION usom.request_make(order_no text, line_no integer, location text, quantity numeric DEFAULT NULL, due_at timestamptz DEFAULT NULL)
RETURNS text
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_request_make'
VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.request_make(text, integer, text, numeric, timestamptz) IS
'Ask for what is made for an order line; returns the number of the make order. Of an engineer-to-order line it begins in engineering, which approves it with approve_make(); else it is requested, and start_make() is next.
order_no, line_no: the line. location: where it will be made and received. quantity: units; null: all that wait and are not being made. due_at: when it is needed.
Errors: US105 or US106 unknown order or line, US101 an order that does not run, US006 unknown location, US111 nobody waits for so many.
Example: SELECT usom.request_make(''SO-000001'', 1, ''PLANT'', due_at => now() + interval ''4 weeks'');';

CREATE FUNCTION usom.approve_make(make_no text, note text DEFAULT NULL)
RETURNS TABLE (make_no text, status text, supply_no text)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_approve_make'
VOLATILE PARALLEL UNSAFE ROWS 1
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.approve_make(text, text) IS
'Engineering approves what is to be made; who did is kept. make_no: the make order. note: what was decided, for the audit, too.
Errors: US112 unknown make order, US111 it is not in engineering.
Example: SELECT * FROM usom.approve_make(''MO-000001'', ''drawing 4711, revision B'');';

CREATE FUNCTION usom.start_make(make_no text, expected_at timestamptz)
RETURNS TABLE (make_no text, status text, supply_no text)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_start_make'
VOLATILE PARALLEL UNSAFE ROWS 1
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.start_make(text, timestamptz) IS
'Production begins: a supply for the line and no other is made, the line counts on it and is promised for its date.
make_no: the make order. expected_at: when it will be done; usom.change_supply() tells of delays.
Errors: US112 unknown make order, US111 it is not requested or approved yet, or begun already.
Example: SELECT * FROM usom.start_make(''MO-000001'', now() + interval ''3 weeks'');';

CREATE FUNCTION usom.receive_make(make_no text, quantity numeric DEFAULT NULL, final boolean DEFAULT false)
RETURNS TABLE (make_no text, status text, supply_no text)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_receive_make'
VOLATILE PARALLEL UNSAFE ROWS 1
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.receive_make(text, numeric, boolean) IS
'What was made comes from production: as usom.receive_supply() for its supply, so the units are reserved for the line in the same call.
make_no: the make order. quantity: units; null: all that is to come. final: nothing more comes.
Errors: US112 unknown make order, US111 it is not in production, and those of receive_supply().
Example: SELECT * FROM usom.receive_make(''MO-000001'');';

CREATE FUNCTION usom.cancel_make(make_no text, reason text DEFAULT NULL)
RETURNS TABLE (make_no text, status text, supply_no text)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_cancel_make'
VOLATILE PARALLEL UNSAFE ROWS 1
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.cancel_make(text, text) IS
'It is not made, or not to its end: its supply is cancelled, and the line waits again. What was received stays.
make_no: the make order. reason: why.
Errors: US112 unknown make order, US111 it is received or cancelled.
Example: SELECT * FROM usom.cancel_make(''MO-000001'', ''the customer has cancelled'');';

/* ---- api ---- */

CREATE FUNCTION usom.override_price(order_no text, line_no integer, unit_price numeric, reason text)
RETURNS TABLE (status text, version integer)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_override_price'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.override_price(text, integer, numeric, text) IS
'Set the price of a line by hand, in place of what list, contract and breaks say. It is the step manual of the price, with its reason. What goes beyond the limits of the caller (usom.price_limit) holds the order until another person approves it (usom.approvals).
order_no: the order. line_no: the line. unit_price: price of one unit in the currency of the order; null: the override is taken back. reason: why; must be given.
In an order document: "override": {"unit_price": 9.5, "reason": "last piece, scratched"} on the line.
Returns the status and version of the order.
Errors: US105 unknown order, US106 unknown line, US101 if it is shipped or over, US102 if a hold blocks changes, US113 a component of a kit, US430 no reason, US431 nothing to take back, 22023 a price below zero.
Example: SELECT * FROM usom.override_price(''SO-000001'', 1, 9.50, ''last piece, scratched'');';

CREATE FUNCTION usom.reprice_order(order_no text, reason text DEFAULT NULL)
RETURNS TABLE (status text, version integer)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_reprice_order'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.reprice_order(text, text) IS
'Take the prices that the rules say now: the order is priced by the rules in force now, and by those from then on, and its holds of type price end. Prices of documents and overrides stay.
order_no: the order. reason: why.
Returns the status and version of the order.
Errors: US105 unknown order, US101 if something of it is shipped or it is over, US102 if a hold blocks changes.
Example: SELECT * FROM usom.reprice_order(''SO-000001'', ''customer agrees to the new list'');';

/* ---- api ---- */

CREATE FUNCTION usom.record_payment(order_no text, kind text, amount numeric, reference text, method text DEFAULT NULL,
	payment_reference text DEFAULT NULL, lines jsonb DEFAULT NULL, expires_at timestamptz DEFAULT NULL, outcome text DEFAULT 'ok',
	request text DEFAULT NULL, occurred_at timestamptz DEFAULT NULL)
RETURNS TABLE (payment_status text, order_status text, version integer, repeated boolean)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_record_payment'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.record_payment(text, text, numeric, text, text, text, jsonb, timestamptz, text, text, timestamptz) IS
'Record what the payment provider did. The same kind and reference again changes nothing and answers the same.
order_no: the order. kind: authorize, capture, sale (both at once: cash, transfer, gift card), void, refund, chargeback. amount: above 0, in the currency of the order, no finer than its smallest unit. reference: the one that the provider gave for this transaction; never a card number.
method: of a new payment, see usom.payment_method (that of the document, or card); of others it tells which. payment_reference: the payment that the transaction is about; may be left out where the order has one, or a request names it.
lines: shares of the amount, [{"line_no": 1, "amount": 5.00, "tax": 0.83}], of a refund also {"line_no": 1, "quantity": 2} (units that came back or were cancelled) or {"line_no": 1, "freight": 4.90}; null: as asked for, or in proportion to what the lines cost. expires_at: of an authorisation; null: valid_for of the method.
outcome: ok or failed; what failed moves no money, and what was asked for is free again. request: the request that is answered, as its event names it; null: the oldest that wants just this kind and amount. occurred_at: null: now.
Captured is never above authorised, refunded and asked for never above captured, of the payment, of each line, and of its tax. An order that has ended stays so: what is captured for it then shows as paid_unallocated, with a case.
Returns the state of payment of the order (see usom.orders), its status and version, and whether the transaction was recorded before.
Errors: US105 unknown order, US501 above a ceiling, US502 card number, US503 the authorisation has expired and the method refuses that, US504 reference taken, US505 no payment, US506 unknown payment or request, US106 unknown line.
Example: SELECT * FROM usom.record_payment(''SO-000001'', ''capture'', 19.90, ''psp-capture-1'', request => ''SO-000001/1'');';

CREATE FUNCTION usom.authorize_payment(order_no text, amount numeric, reference text, method text DEFAULT NULL, expires_at timestamptz DEFAULT NULL)
RETURNS TABLE (payment_status text, order_status text, version integer, repeated boolean)
LANGUAGE sql
SET search_path = pg_catalog, usom, pg_temp
AS $$SELECT * FROM usom.record_payment($1, 'authorize', $2, $3, method => $4, expires_at => $5)$$;
COMMENT ON FUNCTION usom.authorize_payment(text, numeric, text, text, timestamptz) IS
'Record that an amount is authorised: record_payment() with kind authorize. It covers the order until expires_at (null: valid_for of the method), ends holds that wait for cover, and is captured shipment by shipment.
order_no: the order. amount: in its currency. reference: of the authorisation. method: null: that of the document, or card.
Errors: as record_payment(). Example: SELECT * FROM usom.authorize_payment(''SO-000001'', 59.70, ''psp-1'', ''card'');';

CREATE FUNCTION usom.capture_payment(order_no text, amount numeric, reference text, payment_reference text DEFAULT NULL, request text DEFAULT NULL)
RETURNS TABLE (payment_status text, order_status text, version integer, repeated boolean)
LANGUAGE sql
SET search_path = pg_catalog, usom, pg_temp
AS $$SELECT * FROM usom.record_payment($1, 'capture', $2, $3, payment_reference => $4, request => $5)$$;
COMMENT ON FUNCTION usom.capture_payment(text, numeric, text, text, text) IS
'Record that an amount was captured: record_payment() with kind capture.
order_no: the order. amount: in its currency. reference: of the capture. payment_reference: of the authorisation, where the order has several. request: as the event capture_wanted names it.
Errors: as record_payment(), US501 above what is authorised. Example: SELECT * FROM usom.capture_payment(''SO-000001'', 19.90, ''psp-capture-1'');';

CREATE FUNCTION usom.void_payment(order_no text, amount numeric, reference text, payment_reference text DEFAULT NULL, request text DEFAULT NULL)
RETURNS TABLE (payment_status text, order_status text, version integer, repeated boolean)
LANGUAGE sql
SET search_path = pg_catalog, usom, pg_temp
AS $$SELECT * FROM usom.record_payment($1, 'void', $2, $3, payment_reference => $4, request => $5)$$;
COMMENT ON FUNCTION usom.void_payment(text, numeric, text, text, text) IS
'Record that an authorisation was given up, or a part of it: record_payment() with kind void.
order_no: the order. amount: in its currency. reference: of the void. payment_reference: of the authorisation, where the order has several. request: as the event void_wanted names it.
Errors: as record_payment(), US501 above what is authorised and not captured. Example: SELECT * FROM usom.void_payment(''SO-000001'', 19.90, ''psp-void-1'');';

CREATE FUNCTION usom.refund_payment(order_no text, amount numeric, reference text, payment_reference text DEFAULT NULL, request text DEFAULT NULL, lines jsonb DEFAULT NULL)
RETURNS TABLE (payment_status text, order_status text, version integer, repeated boolean)
LANGUAGE sql
SET search_path = pg_catalog, usom, pg_temp
AS $$SELECT * FROM usom.record_payment($1, 'refund', $2, $3, payment_reference => $4, request => $5, lines => $6)$$;
COMMENT ON FUNCTION usom.refund_payment(text, numeric, text, text, text, jsonb) IS
'Record that an amount was refunded: record_payment() with kind refund. To ask the provider for a refund, call refund_order().
order_no: the order. amount: in its currency. reference: of the refund. payment_reference: of the payment, where the order has several. request: as the event refund_wanted names it. lines: shares of it; null: as asked for, or in proportion.
Errors: as record_payment(), US501 above what was captured. Example: SELECT * FROM usom.refund_payment(''SO-000001'', 5.00, ''psp-refund-1'', lines => ''[{"line_no": 1, "amount": 5.00}]'');';

CREATE FUNCTION usom.charge_back(order_no text, amount numeric, reference text, payment_reference text DEFAULT NULL)
RETURNS TABLE (payment_status text, order_status text, version integer, repeated boolean)
LANGUAGE sql
SET search_path = pg_catalog, usom, pg_temp
AS $$SELECT * FROM usom.record_payment($1, 'chargeback', $2, $3, payment_reference => $4)$$;
COMMENT ON FUNCTION usom.charge_back(text, numeric, text, text) IS
'Record that the buyer''s bank took an amount back: record_payment() with kind chargeback.
order_no: the order. amount: in its currency. reference: of the chargeback. payment_reference: of the payment, where the order has several.
Errors: as record_payment(), US501 above what was captured and neither refunded nor asked to be. Example: SELECT * FROM usom.charge_back(''SO-000001'', 59.70, ''psp-dispute-1'');';

CREATE FUNCTION usom.complete_order(order_no text, amount numeric, reference text, method text DEFAULT NULL)
RETURNS TABLE (payment_status text, order_status text, version integer, repeated boolean)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_complete_order'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.complete_order(text, numeric, text, text) IS
'The buyer has paid: record the sale and take an order that waits as draft or submitted as far as the rules allow, in one. Called twice, by the message of the provider and by the browser, it is done once; every call answers what came of it.
order_no: the order. amount: paid, in its currency. reference: of the provider. method: null: that of the document, or card.
If stock was sold meanwhile the order waits, and shows as paid_unallocated until it is filled, a date is promised, or money goes back by cancel_order() or refund_order(). An order that has ended stays so.
Returns the state of payment, status and version of the order, and whether the sale was recorded before.
Errors: as record_payment() and submit_order(). Example: SELECT * FROM usom.complete_order(''SO-000001'', 59.70, ''psp-1'');';

CREATE FUNCTION usom.refund_order(order_no text, amount numeric DEFAULT NULL, lines jsonb DEFAULT NULL, reason text DEFAULT NULL)
RETURNS TABLE (amount_wanted numeric, requests integer)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_refund_order'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.refund_order(text, numeric, jsonb, text) IS
'Ask for a refund: it counts as wanted from now on, and leaves as an event refund_wanted for each payment, the last one first. What comes back by receive_return() or is cancelled is asked for by itself.
order_no: the order. amount: in its currency, in proportion to what was captured for the lines. lines: [{"line_no": 1, "amount": 5.00, "tax": 0.83}], {"line_no": 1, "freight": 4.90}, or {"line_no": 1, "quantity": 2} for units that came back or were cancelled. Neither: what is paid_unallocated. reason: why.
Returns the amount and how many requests it became; record_payment() takes the answers.
Errors: US105 unknown order, US106 unknown line, US501 above what was captured for the payment, the line, its tax or its freight, or for units that did not come back, US505 unreadable lines, US603 nothing to refund.
Example: SELECT * FROM usom.refund_order(''SO-000001'', lines => ''[{"line_no": 1, "amount": 5.00}]'', reason => ''scratched'');';

CREATE FUNCTION usom.collect_payment(order_no text)
RETURNS TABLE (amount_wanted numeric, requests integer)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_collect_payment'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.collect_payment(text) IS
'Ask to capture what has left and is neither captured nor asked for: after a capture has failed, or another authorisation has come.
order_no: the order.
Returns the amount and how many requests it became.
Errors: US105 unknown order. Example: SELECT * FROM usom.collect_payment(''SO-000001'');';

/* ---- api ---- */

CREATE FUNCTION usom._pickup_alternatives(sales_order_id bigint)
RETURNS TABLE (line_no integer, location text, distance_km numeric, available numeric, wanted numeric, serves_all boolean, place bigint)
LANGUAGE sql STABLE STRICT
SET search_path = pg_catalog, usom, pg_temp SET jit = off
AS $$
	WITH line AS (
		SELECT l.line_no, l.product_id, p.sku, l.location_id, l.quantity_open + l.quantity_backordered AS waiting,
			l.quantity_open + l.quantity_backordered + l.quantity_reserved AS movable
		FROM usom.order_line l JOIN usom.product p ON p.org_id = l.org_id AND p.product_id = l.product_id AND p.kind = 'physical'
		WHERE l.org_id = usom.current_org() AND l.sales_order_id = _pickup_alternatives.sales_order_id AND l.location_id IS NOT NULL
	), store AS (
		SELECT o.location_id, o.code, round(usom.distance_km(h.latitude::numeric, h.longitude::numeric, o.latitude::numeric, o.longitude::numeric), 3) AS km
		FROM usom.location h JOIN usom.location o ON o.org_id = h.org_id AND o.location_id <> h.location_id AND o.picks_up AND o.active
		WHERE h.org_id = usom.current_org() AND h.location_id = (SELECT min(l.location_id) FROM line l)
	), offer AS (
		SELECT l.line_no, s.code, s.km, coalesce(t.available, 0) AS available, l.waiting, l.movable,
			bool_and(coalesce(t.available, 0) >= l.movable) OVER (PARTITION BY s.location_id) AS all_of_it
		FROM line l CROSS JOIN store s
		LEFT JOIN usom.stock_position t ON t.sku = l.sku AND t.location = s.code
	)
	SELECT f.line_no, f.code, f.km, f.available, trim_scale(f.waiting), f.all_of_it,
		row_number() OVER (PARTITION BY f.line_no ORDER BY f.km NULLS LAST, f.code COLLATE "C")
	FROM offer f
	WHERE f.waiting > 0 AND f.available > 0
$$;
COMMENT ON FUNCTION usom._pickup_alternatives(bigint) IS 'See usom.pickup_alternatives(); of an order by its key, whoever may see it.';
REVOKE ALL ON FUNCTION usom._pickup_alternatives(bigint) FROM PUBLIC;

CREATE FUNCTION usom.pickup_alternatives(order_no text)
RETURNS TABLE (line_no integer, location text, distance_km numeric, available numeric, wanted numeric, serves_all boolean)
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, usom, pg_temp
AS $$
DECLARE
	wanted_order record;
BEGIN
	PERFORM usom._check_card('order_no', pickup_alternatives.order_no);
	PERFORM usom._check_installed();
	SELECT o.sales_order_id, o.order_type::text AS order_type INTO wanted_order FROM usom.sales_order o
	WHERE o.org_id = usom.current_org() AND o.order_no = pickup_alternatives.order_no;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'no order "%"', pickup_alternatives.order_no USING ERRCODE = 'US105', HINT = 'Look it up in usom.orders.';
	ELSIF wanted_order.order_type <> 'pick_up' THEN
		RAISE EXCEPTION 'order "%" is no pick-up', pickup_alternatives.order_no USING
			ERRCODE = 'US306', DETAIL = format('Its type is %s.', wanted_order.order_type), HINT = 'See usom.why_not_allocated() for orders that are sent.';
	END IF;
	RETURN QUERY
		SELECT a.line_no, a.location, a.distance_km, a.available, a.wanted, a.serves_all
		FROM usom._pickup_alternatives(wanted_order.sales_order_id) a ORDER BY a.line_no, a.place;
END
$$;
COMMENT ON FUNCTION usom.pickup_alternatives(text) IS
'Where else a pick-up order could be fetched, as long as its own location is short: places where customers fetch orders and that have some of what waits.
order_no: the order, of type pick_up.
Returns by line, nearest to the order''s location first: location, distance_km as the crow flies (null where coordinates are missing), available there, wanted (units of the line that wait), and whether the place has all that the order has not been handed out yet.
Errors: US105 unknown order, US306 the order is no pick-up.
Example: SELECT * FROM usom.pickup_alternatives(''SO-000001'');';

CREATE FUNCTION usom.move_pickup(order_no text, location text, reason text)
RETURNS TABLE (status text, version integer)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_move_pickup'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.move_pickup(text, text, text) IS
'Have a pick-up order fetched elsewhere: what its location has reserved is given up, and all that is not handed out yet is planned at the other one. Writes the event pick_up_moved.
order_no: the order, of type pick_up. location: another location with picks_up on. reason: kept in the audit.
Returns the status and version of the order, unchanged if it is fetched there already.
What its location has rejected is decided about so.
Errors: US105 unknown order, US006 unknown location, US306 the order is no pick-up or nobody picks up there, US101 some of it is released already or the order has ended, US102 a hold blocks changes.
Example: SELECT * FROM usom.move_pickup(''SO-000001'', ''CITY'', ''the customer asked'');';

CREATE FUNCTION usom.ready_pickup(order_no text, collect_until timestamptz DEFAULT NULL)
RETURNS TABLE (status text, version integer, location text, collect_until timestamptz)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_ready_pickup'
VOLATILE PARALLEL UNSAFE ROWS 1
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.ready_pickup(text, timestamptz) IS
'Put a pick-up order aside for its customer: what its location has reserved or released for it is picked, and the customer is told by the event pickup_ready (location, collect_until, quantity).
order_no: the order, of type pick_up. collect_until: until when it is kept; null: to the end of the day pickup_days after today, by the clock of the location.
What waits for stock is put aside by a later call, which begins the time anew. What was rejected before is not any more. A repeated call answers as the first.
Returns the status and version of the order, where it is and until when; these are null if a check has put the order on hold.
Errors: US105 unknown order, US306 it is no pick-up, US101 it does not run or has left, US102 a hold blocks release, US201 it ships complete and something waits, US640 nothing is there, 22023 collect_until has passed.
Example: SELECT * FROM usom.ready_pickup(''SO-000001'');';

CREATE FUNCTION usom.collect_pickup(order_no text, lines jsonb DEFAULT NULL)
RETURNS text
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_collect_pickup'
VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.collect_pickup(text, jsonb) IS
'The customer is there: what was put aside is handed out, shipped and delivered in one. Writes the event pickup_collected with the last of it. Somebody who comes late gets it as long as it was not put back.
order_no: the order, of type pick_up. lines: as in usom.ship(), if the customer takes a part; null: all that is put aside, and services that are released.
Returns the number of the shipment; null if a check has put the order on hold. A repeated call without lines answers as the first.
Errors: US105 unknown order, US306 it is no pick-up, US640 nothing is put aside, and those of usom.ship().
Example: SELECT usom.collect_pickup(''SO-000001'');';

CREATE FUNCTION usom.reject_pickup(order_no text, reason text)
RETURNS TABLE (status text, version integer)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_reject_pickup'
VOLATILE PARALLEL UNSAFE ROWS 1
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.reject_pickup(text, text) IS
'The location cannot put the order aside: its units wait again, and it stands in usom.exceptions and usom.pickups as pickup_rejected until somebody decides. Nothing sends it instead; a hold of that type keeps it from being released. Writes the event pickup_rejected and one row of history.
order_no: the order, of type pick_up. reason: why, for those who decide.
What is decided: usom.move_pickup() to another location, usom.ready_pickup() after all, or usom.cancel_order(). That the shelf has less than was thought is for usom.count_stock() to say.
Returns the status and version of the order. A repeated call changes nothing.
Errors: US105 unknown order, US306 it is no pick-up, US101 it does not run or has left, US640 nothing of it is there.
Example: SELECT * FROM usom.reject_pickup(''SO-000001'', ''the box is damaged'');';

CREATE FUNCTION usom.put_back_pickups(location text DEFAULT NULL, order_no text DEFAULT NULL, reason text DEFAULT NULL)
RETURNS TABLE (order_no text, status text, quantity numeric)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_put_back_pickups'
VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.put_back_pickups(text, text, text) IS
'Nobody came: of orders whose time is over (missed in usom.pickups) what was put aside goes back to the shelf, and all that was not fetched is cancelled; money follows as with usom.cancel_line(). Writes the event pickup_missed. Until somebody calls it, the goods are kept and may still be fetched.
location: code, null: all. order_no: only this one. reason: why, for the history.
Returns the orders, their status now, and the units that were cancelled. Orders with a hold that blocks cancel are left out, unless one is named.
Errors: US006 unknown location; with order_no US105 unknown order, US306 no pick-up, US640 nothing is put aside, US641 the time is not over, US102 a hold blocks cancel.
Example: SELECT * FROM usom.put_back_pickups(''MITTE'');';

/* ---- api ---- */

CREATE FUNCTION usom.convert_pre_orders(sku text DEFAULT NULL)
RETURNS TABLE (order_no text, line_no integer, quantity numeric)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_convert_pre_orders'
VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.convert_pre_orders(text) IS
'From the release on: give stock to what was ordered before it, by priority of the orders, then oldest first. An offer of which nothing waits any more ends.
sku: of one product; null: of all that are released.
New orders of the product get only what these leave, whether this runs early or late; fill_backorders() serves them, too, and tick() calls it for all.
Returns a row per line that got stock, with the units it got.
Errors: US006 unknown sku.
Example: SELECT * FROM usom.convert_pre_orders(''85123A'');';

CREATE FUNCTION usom._convert_pre_orders(org_id bigint) RETURNS bigint
LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, usom, pg_temp
AS $$
DECLARE
	before text := current_setting('usom.org');
	lines bigint := 0;
BEGIN
	IF EXISTS (SELECT FROM usom.pre_order_offer f WHERE f.org_id = $1 AND f.ended_at IS NULL AND f.release_at <= statement_timestamp()) THEN
		PERFORM set_config('usom.org', (SELECT o.code FROM usom.organisation o WHERE o.org_id = $1), true);
		SELECT count(*) INTO lines FROM usom.convert_pre_orders();
		PERFORM set_config('usom.org', before, true);
	END IF;
	RETURN lines;
END
$$;
COMMENT ON FUNCTION usom._convert_pre_orders(bigint) IS 'convert_pre_orders() for an organisation, if there is anything to convert: part of tick(). Returns the number of lines that got stock.';
REVOKE ALL ON FUNCTION usom._convert_pre_orders(bigint) FROM PUBLIC;

/* ---- api ---- */

CREATE FUNCTION usom.explain_price(order_no text)
RETURNS TABLE (line_no integer, step_no integer, step text, rule text, unit_price numeric, before numeric, after numeric, reason text)
LANGUAGE plpgsql STABLE STRICT PARALLEL RESTRICTED SET search_path = pg_catalog, usom, pg_temp
AS $$
DECLARE
	org CONSTANT bigint := usom.current_org();
	the record;
BEGIN
	PERFORM usom._check_installed(), usom._check_card('order_no', order_no);
	SELECT o.sales_order_id, o.currency, o.placed_at INTO the
	FROM usom.sales_order o WHERE o.org_id = org AND o.order_no = explain_price.order_no;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'no order "%"', explain_price.order_no
			USING ERRCODE = 'US105', HINT = 'Look it up in usom.orders.';
	END IF;
	RETURN QUERY
		WITH taken AS (
			SELECT s.line_no, s.step_no, s.step, s.rule, s.unit_price::numeric, s.before::numeric, s.after::numeric, s.reason
			FROM usom.price_step s
			WHERE s.org_id = org AND s.sales_order_id = the.sales_order_id AND s.version = (
				SELECT max(m.version) FROM usom.price_step m WHERE m.org_id = org AND m.sales_order_id = the.sales_order_id)
		), priced AS (
			SELECT * FROM taken
			UNION ALL
			SELECT l.line_no, 0, CASE WHEN t.unit_price = l.unit_price THEN 'list' ELSE 'document' END, NULL, l.unit_price, NULL,
				round(l.unit_price * l.quantity, coalesce(l.decimals::integer, 4)),
				CASE WHEN t.unit_price = l.unit_price THEN 'list price' WHEN l.unit_price = 0 THEN 'no price' ELSE 'price of the document' END
			FROM usom.order_line l
			JOIN usom.product p ON p.org_id = org AND p.product_id = l.product_id
			LEFT JOIN LATERAL (
				SELECT round(x.unit_price / x.per, 4) AS unit_price FROM usom.price x
				WHERE x.org_id = org AND x.sku = p.sku AND x.unit = '' AND x.currency = the.currency AND x.valid_from <= the.placed_at
					AND (x.valid_to IS NULL OR x.valid_to > the.placed_at)
				ORDER BY x.valid_from DESC LIMIT 1) t ON true
			WHERE l.org_id = org AND l.sales_order_id = the.sales_order_id AND coalesce(l.kit_line_no = l.line_no, true)
				AND NOT EXISTS (SELECT FROM taken k WHERE k.line_no = l.line_no)
		)
		SELECT p.line_no, row_number() OVER (ORDER BY p.step_no, p.line_no)::integer, p.step, p.rule, trim_scale(p.unit_price),
			trim_scale(p.before), trim_scale(p.after), p.reason
		FROM priced p
		ORDER BY 2;
END
$$;
COMMENT ON FUNCTION usom.explain_price(text) IS
'How the amounts of an order came about: a row for each step of the price waterfall that set or changed the amount of a line, in the order in which they were taken: document or list, contract, break, promotion, coupon, manual, freight, tax. rule: which contract, minimum, promotion, coupon or rate; unit_price: that of one unit from this step on, null: it stays; before and after: amount of the whole line, in the currency of the order. What is taken off the order stands with the lines that share it. The last row of a line is what all its units cost. An order that met no rule has one row a line. Errors: US105 unknown order. Source: usom.price_step, the version priced last.
Example: SELECT line_no, step, rule, before, after, reason FROM usom.explain_price(''SO-000001'');';

/* ---- api ---- */

CREATE FUNCTION usom._begin_allocation(filter jsonb, batch_size integer, resume bigint)
RETURNS TABLE (run bigint, orders bigint[], begun_at bigint)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom__begin_allocation'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom._begin_allocation(jsonb, integer, bigint) IS 'The first step of allocate_orders(): its run, the orders that are to be done as they are to be done, and how many of the run were done before.';
REVOKE ALL ON FUNCTION usom._begin_allocation(jsonb, integer, bigint) FROM PUBLIC;

CREATE FUNCTION usom._continue_allocation(run bigint, orders bigint[], begun_at bigint, reached bigint) RETURNS bigint
LANGUAGE c STRICT AS 'MODULE_PATHNAME', 'usom__continue_allocation'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom._continue_allocation(bigint, bigint[], bigint, bigint) IS 'A chunk of allocate_orders(): plans the orders that follow on the first reached ones, and answers how many are done then; null when the run has ended, or another session goes on with it.';
REVOKE ALL ON FUNCTION usom._continue_allocation(bigint, bigint[], bigint, bigint) FROM PUBLIC;

-- No SET clause and no SECURITY DEFINER: with either, a procedure cannot commit.  No operators either: they would be looked up where the caller says.
CREATE PROCEDURE usom.allocate_orders(filter jsonb DEFAULT '{}', batch_size integer DEFAULT 500, resume bigint DEFAULT NULL)
	LANGUAGE plpgsql
	AS $$
DECLARE
	run record;
	reached bigint;
BEGIN
	SELECT * INTO run FROM usom._begin_allocation(filter, batch_size, resume);
	COMMIT;
	reached := 0;
	LOOP
		reached := usom._continue_allocation(run.run, run.orders, run.begun_at, reached);
		COMMIT;
		EXIT WHEN reached IS NULL;
	END LOOP;
END
$$;
COMMENT ON PROCEDURE usom.allocate_orders(jsonb, integer, bigint) IS
'Look for stock for many orders: those with open or backordered units, highest priority first, then oldest first. They are planned together in chunks; each chunk locks its stock once and is committed.
filter: an object with any of channel, customer, country, sku, location (that a line names, or that serves it), order_type, priority, order_nos (one value or an array of them), placed_from, placed_to (from, and before); {}: all.
batch_size: orders of a chunk, 1 to 10000. resume: a run of usom.allocation_runs to go on with; null: the unfinished run of the same filter that nobody works on, or a new one.
A run that was broken off by an error or a crash is as far as its last commit and goes on behind it. Progress: NOTICE every two seconds, application_name, usom.allocation_runs.
Errors: US308 for a filter that cannot be read, US006, US105 for codes that nobody has, 22023 for a batch_size or run that makes no sense, 55006 when another session works on the run; 2D000 inside a transaction block.
Example: CALL usom.allocate_orders(''{"channel": "web", "country": ["DE", "AT"]}'', 1000);';

/* ---- api ---- */

CREATE FUNCTION usom._check_keys(what text, given jsonb, known text[]) RETURNS void
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, usom, pg_temp
AS $$
DECLARE
	unknown text;
BEGIN
	IF jsonb_typeof(given) IS DISTINCT FROM 'object' THEN
		RAISE EXCEPTION '% must be a JSON object', what USING
			ERRCODE = 'US308', DETAIL = format('It is %s.', coalesce(jsonb_typeof(given), 'null')), HINT = format('Its keys are %s.', array_to_string(known, ', '));
	END IF;
	SELECT k.key INTO unknown FROM jsonb_object_keys(given) AS k (key) WHERE k.key <> ALL (known) ORDER BY k.key LIMIT 1;
	IF FOUND THEN
		RAISE EXCEPTION '%: "%" is not known', what, unknown USING
			ERRCODE = 'US308', DETAIL = 'Every key has to be one that is read.', HINT = format('Its keys are %s.', array_to_string(known, ', '));
	END IF;
END
$$;
COMMENT ON FUNCTION usom._check_keys(text, jsonb, text[]) IS 'US308 that names the first key that is not known, or says that there is no object.';
REVOKE ALL ON FUNCTION usom._check_keys(text, jsonb, text[]) FROM PUBLIC;

CREATE FUNCTION usom._filter_values(filter jsonb, key text) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, usom, pg_temp
AS $$
DECLARE
	value CONSTANT jsonb := nullif(filter->key, 'null');
BEGIN
	IF value IS NULL THEN
		RETURN NULL;
	ELSIF jsonb_typeof(value) IN ('string', 'number') THEN
		RETURN ARRAY[value #>> '{}'];
	ELSIF jsonb_typeof(value) = 'array' AND NOT jsonb_path_exists(value, '$[*] ? (@.type() != "string" && @.type() != "number")') THEN
		RETURN ARRAY(SELECT jsonb_array_elements_text(value));
	END IF;
	RAISE EXCEPTION 'filter: "%" must be one value or an array of them', key USING
		ERRCODE = 'US308', DETAIL = format('It is %s.', jsonb_typeof(value)), HINT = format('For example {"%1$s": "A"} or {"%1$s": ["A", "B"]}.', key);
END
$$;
COMMENT ON FUNCTION usom._filter_values(jsonb, text) IS 'What a key of a filter asks for; null: the key is not there. US308 for a value that is neither one nor an array.';
REVOKE ALL ON FUNCTION usom._filter_values(jsonb, text) FROM PUBLIC;

CREATE FUNCTION usom._filter_keys(filter jsonb, key text) RETURNS bigint[]
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, usom, pg_temp
AS $$
DECLARE
	org CONSTANT bigint := usom.current_org();
	wanted CONSTANT text[] := usom._filter_values(filter, key);
	found bigint[];
	missing text;
BEGIN
	IF wanted IS NULL THEN
		RETURN NULL;
	END IF;
	WITH entity AS (
		SELECT c.code, c.channel_id AS id FROM usom.channel c WHERE key = 'channel' AND c.org_id = org AND c.code = ANY (wanted)
		UNION ALL SELECT u.code, u.customer_id FROM usom.customer u WHERE key = 'customer' AND u.org_id = org AND u.code = ANY (wanted)
		UNION ALL SELECT p.sku, p.product_id FROM usom.product p WHERE key = 'sku' AND p.org_id = org AND p.sku = ANY (wanted)
		UNION ALL SELECT l.code, l.location_id FROM usom.location l WHERE key = 'location' AND l.org_id = org AND l.code = ANY (wanted)
		UNION ALL SELECT o.order_no, o.sales_order_id FROM usom.sales_order o WHERE key = 'order_nos' AND o.org_id = org AND o.order_no = ANY (wanted)
	)
	SELECT array_agg(e.id), min(w.code) FILTER (WHERE e.id IS NULL) INTO found, missing
	FROM unnest(wanted) AS w (code) LEFT JOIN entity e ON e.code = w.code;
	IF missing IS NOT NULL THEN
		RAISE EXCEPTION 'filter: no % "%"', CASE key WHEN 'sku' THEN 'product' WHEN 'order_nos' THEN 'order' ELSE key END, missing USING
			ERRCODE = CASE key WHEN 'order_nos' THEN 'US105' ELSE 'US006' END, DETAIL = 'Codes in a filter must be there.', HINT = 'Correct the code.';
	END IF;
	RETURN coalesce(found, '{}');
END
$$;
COMMENT ON FUNCTION usom._filter_keys(jsonb, text) IS 'Keys of the rows that a filter names by code: of channel, customer, sku, location or order_nos; null: the key is not there. US006 or US105 for a code that nobody has.';
REVOKE ALL ON FUNCTION usom._filter_keys(jsonb, text) FROM PUBLIC;

CREATE FUNCTION usom._filter_time(filter jsonb, key text) RETURNS timestamptz
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, usom, pg_temp
AS $$
BEGIN
	RETURN (filter->>key)::timestamptz;
EXCEPTION WHEN invalid_datetime_format OR datetime_field_overflow THEN
	RAISE EXCEPTION 'filter: "%" must be a date or time', key USING
		ERRCODE = 'US308', DETAIL = format('It is %s.', filter->key), HINT = 'For example "2026-12-01T08:00:00Z".';
END
$$;
COMMENT ON FUNCTION usom._filter_time(jsonb, text) IS 'A time of a filter; null: the key is not there. US308 for what is none.';
REVOKE ALL ON FUNCTION usom._filter_time(jsonb, text) FROM PUBLIC;

-- What waits counts only if something of its product is free: the others would be loaded for nothing.
CREATE FUNCTION usom._select_orders(filter jsonb, visible bigint[], planned boolean, reached_priority integer, reached_placed_at timestamptz, reached_key bigint)
RETURNS SETOF bigint
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, usom, pg_temp
AS $$
DECLARE
	org CONSTANT bigint := usom.current_org();
	channels bigint[];
	customers bigint[];
	products bigint[];
	locations bigint[];
	orders bigint[];
	countries text[];
	types text[];
	priorities text[];
	placed_from timestamptz;
	placed_to timestamptz;
BEGIN
	PERFORM usom._check_keys('filter', filter, ARRAY['channel', 'customer', 'country', 'sku', 'location', 'order_type', 'priority', 'placed_from', 'placed_to', 'order_nos']);
	channels := usom._filter_keys(filter, 'channel');
	customers := usom._filter_keys(filter, 'customer');
	products := usom._filter_keys(filter, 'sku');
	locations := usom._filter_keys(filter, 'location');
	orders := usom._filter_keys(filter, 'order_nos');
	countries := usom._filter_values(filter, 'country');
	types := usom._filter_values(filter, 'order_type');
	priorities := usom._filter_values(filter, 'priority');
	placed_from := usom._filter_time(filter, 'placed_from');
	placed_to := usom._filter_time(filter, 'placed_to');
	RETURN QUERY
		WITH wanted AS (
			SELECT f.sales_order_id FROM usom.fulfillment_line f
			WHERE NOT planned AND f.org_id = org AND f.location_id IS NULL AND f.status = 'backordered' AND (products IS NULL OR f.product_id = ANY (products))
				AND EXISTS (SELECT FROM usom.stock s WHERE s.org_id = org AND s.product_id = f.product_id AND s.on_hand > s.reserved + s.safety)
			UNION ALL
			SELECT l.sales_order_id FROM usom.order_line l
			WHERE NOT planned AND l.org_id = org AND l.quantity_open > 0 AND (products IS NULL OR l.product_id = ANY (products))
			UNION ALL
			SELECT f.sales_order_id FROM usom.fulfillment_line f
			WHERE planned AND f.org_id = org AND f.status IN ('backordered', 'reserved') AND (products IS NULL OR f.product_id = ANY (products))
		)
		SELECT o.sales_order_id
		FROM usom.sales_order o
		WHERE o.org_id = org AND o.status BETWEEN 'confirmed' AND 'delivered' AND o.sales_order_id IN (SELECT w.sales_order_id FROM wanted w)
			AND (visible IS NULL OR o.channel_id = ANY (visible))
			AND (channels IS NULL OR o.channel_id = ANY (channels))
			AND (customers IS NULL OR o.customer_id = ANY (customers))
			AND (orders IS NULL OR o.sales_order_id = ANY (orders))
			AND (types IS NULL OR o.order_type = ANY (types))
			AND (priorities IS NULL OR o.priority::text = ANY (priorities))
			AND (placed_from IS NULL OR o.placed_at >= placed_from) AND (placed_to IS NULL OR o.placed_at < placed_to)
			AND (countries IS NULL OR EXISTS (SELECT FROM usom.address a WHERE a.org_id = org AND a.address_id = o.address_id AND a.country = ANY (countries)))
			AND (locations IS NULL
				OR EXISTS (SELECT FROM usom.order_line l WHERE l.org_id = org AND l.sales_order_id = o.sales_order_id AND l.location_id = ANY (locations))
				OR EXISTS (SELECT FROM usom.fulfillment_line f WHERE f.org_id = org AND f.sales_order_id = o.sales_order_id AND f.location_id = ANY (locations)))
			AND (reached_key IS NULL OR (o.priority, o.placed_at, o.sales_order_id) > (reached_priority, reached_placed_at, reached_key))
		ORDER BY o.priority, o.placed_at, o.sales_order_id;
END
$$;
COMMENT ON FUNCTION usom._select_orders(jsonb, bigint[], boolean, integer, timestamptz, bigint) IS 'Keys of the running orders that a filter chooses, by priority, then age: planned, those with units reserved or waiting; else those with open units, or waiting ones of products of which something is free. visible: channels that the caller sees, null: all. reached_...: only those behind that order. Errors: US308 for a filter that cannot be read, US006, US105 for codes that nobody has.';
REVOKE ALL ON FUNCTION usom._select_orders(jsonb, bigint[], boolean, integer, timestamptz, bigint) FROM PUBLIC;

/* ---- api ---- */

CREATE FUNCTION usom.receive_serials(location text, sku text, serials text[], reference text DEFAULT NULL)
RETURNS TABLE (location text, sku text, on_hand numeric, available numeric)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_receive_serials'
VOLATILE PARALLEL UNSAFE ROWS 1
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.receive_serials(text, text, text[], text) IS
'Take units into stock that have serial numbers (tracking of the product is serial), one unit for each number. Else as receive_stock().
location, sku: where and what. serials: the numbers, each once. reference: number of the delivery note.
A number that was taken out of stock may come back; one that is in stock, or was shipped, does not come a second time: what a customer sends back is received with its return.
Returns what the location has now.
Errors: US212 a number that is in stock already, or is named twice; US210 the product has no serial numbers; US006 unknown code; US203 a service; 22023 no number, or an empty one.
Example: SELECT * FROM usom.receive_serials(''MAIN'', ''PHONE'', ARRAY[''SN-1'', ''SN-2''], ''PO-7'');';

CREATE FUNCTION usom.remove_serials(location text, sku text, serials text[], reason text)
RETURNS TABLE (location text, sku text, on_hand numeric, available numeric)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_remove_serials'
VOLATILE PARALLEL UNSAFE ROWS 1
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.remove_serials(text, text, text[], text) IS
'Take units out of stock by their serial numbers, as adjust_stock() does without.
location, sku: where and what. serials: the numbers, each on hand there and nobody''s. reason: why.
Returns what the location has now.
Errors: US212 a number that is not there or is an order''s; US201 if less would be left than is reserved for orders; US210 the product has no serial numbers; US006 unknown code; US203 a service; 22023 no number, or an empty one.
Example: SELECT * FROM usom.remove_serials(''MAIN'', ''PHONE'', ARRAY[''SN-2''], ''broken'');';

CREATE FUNCTION usom.assign_serials(order_no text, line_no integer, serials text[]) RETURNS void
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_assign_serials'
VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.assign_serials(text, integer, text[]) IS
'These very units are for the line: they are reserved for it, and go with it when it is picked or shipped. Units of a product with serial numbers leave by number alone, so this (or a picker who scans them) comes before usom.ship().
order_no, line_no: the line. serials: the numbers, on hand where the line keeps units (usom.order_pieces), at most as many as it keeps there. Those assigned earlier stay as far as there is room; what the line keeps no more is free by itself.
Who asks for a number that somebody else is just getting is refused at once.
Errors: US212 a number that is not there or is another order''s; US210 the product has no serial numbers; US105 or US106 unknown order or line; 22023 more numbers than the line keeps units there.
Example: SELECT usom.assign_serials(''SO-000001'', 1, ARRAY[''SN-1'']);';

/* ---- api ---- */

CREATE FUNCTION usom.book_appointment(order_no text, line_no integer, starts_at timestamptz, technician text DEFAULT NULL, minutes integer DEFAULT NULL)
RETURNS TABLE (appointment_no text, technician text, starts_at timestamptz, ends_at timestamptz)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_book_appointment'
VOLATILE PARALLEL UNSAFE ROWS 1
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.book_appointment(text, integer, timestamptz, text, integer) IS
'Book a technician for a line of a service order, and reserve the parts of the order with it: what waits is planned in the same call, and all of it must be there, or promised for before the appointment begins. Writes the event appointment_booked.
order_no, line_no: a line with a service, of an order of type service. starts_at: when it begins. technician: code; null: the first by code who can. minutes: length; null: that of usom.service_work, or an hour.
The technician needs the skills that service_work asks for, works then, and has nothing else: nobody is booked twice for one time, whoever asks first.
Errors: US105 or US106 unknown order or line, US006 unknown technician, US101 the order does not run, US102 a hold blocks release, US650 no service, US657 the line has an appointment, US651 busy, US652 nobody fits, US653 parts are missing, 22023 minutes or a time that are none.
Example: SELECT * FROM usom.book_appointment(''SO-000001'', 1, ''2027-03-01 09:00+00'');';

CREATE FUNCTION usom.move_appointment(appointment_no text, starts_at timestamptz, technician text DEFAULT NULL, reason text DEFAULT NULL)
RETURNS TABLE (appointment_no text, technician text, starts_at timestamptz, ends_at timestamptz)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_move_appointment'
VOLATILE PARALLEL UNSAFE ROWS 1
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.move_appointment(text, timestamptz, text, text) IS
'Another time or technician for an appointment: a new one takes its place, of the same length, in one step; if that cannot be, the old one stands. Writes the event appointment_moved.
appointment_no: one of an order that stands. starts_at: when the new one begins. technician: code; null: the same. reason: why.
Errors: US654 unknown appointment, US655 it does not stand, or is an absence, and those of usom.book_appointment().
Example: SELECT * FROM usom.move_appointment(''AP-000001'', ''2027-03-02 09:00+00'', reason => ''the customer asked'');';

CREATE FUNCTION usom.cancel_appointment(appointment_no text, reason text DEFAULT NULL)
RETURNS text
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_cancel_appointment'
VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.cancel_appointment(text, text) IS
'Nobody comes: the time of the technician is free again; an absence ends the same way. The order keeps its parts and waits for another appointment; usom.cancel_order() cancels the appointments of an order by itself. Writes the event appointment_cancelled.
appointment_no: one that stands. reason: why. Returns the status, cancelled. A repeated call changes nothing.
Errors: US654 unknown appointment, US655 it is done, moved or has failed.
Example: SELECT usom.cancel_appointment(''AP-000001'', ''the customer is ill'');';

CREATE FUNCTION usom.fail_appointment(appointment_no text, reason text)
RETURNS text
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_fail_appointment'
VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.fail_appointment(text, text) IS
'The technician came and could not work: nobody at home, no access. The line stands in usom.exceptions as appointment_failed until it has another appointment; parts stay reserved. Writes the event appointment_failed.
appointment_no: one that stands. reason: why. Returns the status, failed. A repeated call changes nothing.
Errors: US654 unknown appointment, US655 it is done, moved, cancelled, or an absence.
Example: SELECT usom.fail_appointment(''AP-000001'', ''nobody at home'');';

CREATE FUNCTION usom.block_technician(technician text, starts_at timestamptz, ends_at timestamptz, reason text)
RETURNS text
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_block_technician'
VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.block_technician(text, timestamptz, timestamptz, text) IS
'A technician is away from when to when: leave, training. Returns the number, which usom.cancel_appointment() takes.
technician: code. reason: why; it needs to say no more than colleagues may know.
Errors: US006 unknown technician, US651 there are appointments then: move them first, 22023 times that are none.
Example: SELECT usom.block_technician(''ANN'', ''2027-08-01 00:00+00'', ''2027-08-15 00:00+00'', ''leave'');';

CREATE FUNCTION usom.complete_service(appointment_no text, report jsonb)
RETURNS jsonb
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_complete_service'
VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.complete_service(text, jsonb) IS
'The work is done: the service and the parts that were used are shipped and delivered in one, and the completion paper is written. With the last service of the order, parts that were not used go back to the shelf: they are cancelled, and money follows.
appointment_no: one that stands. report: {"work": "text", "started_at": "time", "finished_at": "time", "accepted": true, "parts": [{"line_no": 2, "quantity": 1}]}; all keys may be left out. Without parts all parts of the order were used, if it is its last service, or else none. accepted: did the customer accept the work; false opens a case service_not_accepted.
Returns the paper, as usom.service_papers shows it; null if a check has put the order on hold. A repeated call answers as the first.
Errors: US654 unknown appointment, US655 it does not stand, US656 the report cannot be read, US106 or US108 for its parts, and those of usom.ship(): US102 a hold, US601 more parts than there are.
Example: SELECT usom.complete_service(''AP-000001'', ''{"work": "burner replaced", "parts": [{"line_no": 2, "quantity": 1}], "accepted": true}'');';

/* ---- api ---- */

CREATE TYPE usom._simulated_part AS (
	order_no text,
	line_no integer,
	location text,
	promised_at timestamptz,
	quantity numeric
);
COMMENT ON TYPE usom._simulated_part IS 'Units of a line at a location (null: they wait), before or after a simulation.';

CREATE TYPE usom._simulated_price AS (
	order_no text,
	shipments integer,
	distance_km numeric,
	cost numeric
);
COMMENT ON TYPE usom._simulated_price IS 'What is reserved of an order costs, before or after a simulation.';

CREATE FUNCTION usom._price_orders(orders bigint[])
RETURNS TABLE (sales_order_id bigint, shipments integer, distance_km numeric, cost numeric)
LANGUAGE c STRICT AS 'MODULE_PATHNAME', 'usom__price_orders'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom._price_orders(bigint[]) IS 'What the reserved units of orders cost by the cost function of the planner and the rules, rates and costs of now, preferences aside: in the currency of the organisation, with the number of shipments (by location and day) and the kilometres they go together.';
REVOKE ALL ON FUNCTION usom._price_orders(bigint[]) FROM PUBLIC;

CREATE FUNCTION usom._replan_orders(orders bigint[]) RETURNS void
LANGUAGE c STRICT AS 'MODULE_PATHNAME', 'usom__replan_orders'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom._replan_orders(bigint[]) IS 'What usom.reallocate_order() does, for many orders planned together.';
REVOKE ALL ON FUNCTION usom._replan_orders(bigint[]) FROM PUBLIC;

CREATE FUNCTION usom._change_columns(relation text) RETURNS text[]
LANGUAGE sql STABLE STRICT
SET search_path = pg_catalog, usom, pg_temp
AS $$
	SELECT array_agg(CASE WHEN a.attname IN ('location_id', 'service_level_id') AND a.attname <> relation || '_id' THEN regexp_replace(a.attname, '_id$', '') ELSE a.attname END ORDER BY a.attnum)
	FROM pg_attribute a
	WHERE a.attrelid = format('usom.%I', relation)::regclass AND a.attnum > 0 AND NOT a.attisdropped
		AND a.attname NOT IN ('org_id', 'created_at', relation || '_id')
$$;
COMMENT ON FUNCTION usom._change_columns(text) IS 'What changes of a simulation may say of a row of a table: its columns, codes instead of keys.';
REVOKE ALL ON FUNCTION usom._change_columns(text) FROM PUBLIC;

CREATE FUNCTION usom._change_values(relation text, given jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, usom, pg_temp
AS $$
DECLARE
	result jsonb := given;
	level bigint;
BEGIN
	PERFORM usom._check_keys(format('changes: %s', relation), given, usom._change_columns(relation));
	IF given ? 'location' AND relation <> 'sourcing_rule' THEN
		result := result - 'location' || jsonb_build_object('location_id', usom.location_id(given->>'location'));
	END IF;
	IF given ? 'service_level' AND relation <> 'sourcing_rule' THEN
		SELECT s.service_level_id INTO level FROM usom.service_level s WHERE s.org_id = usom.current_org() AND s.code = given->>'service_level';
		IF level IS NULL THEN
			RAISE EXCEPTION 'changes: no service level "%"', given->>'service_level' USING ERRCODE = 'US006', HINT = 'Add it under "service_level", or correct the code.';
		END IF;
		result := result - 'service_level' || jsonb_build_object('service_level_id', level);
	END IF;
	RETURN result;
END
$$;
COMMENT ON FUNCTION usom._change_values(text, jsonb) IS 'A row of changes with keys instead of codes. US308 for a key that is not known, US006 for a code that nobody has.';
REVOKE ALL ON FUNCTION usom._change_values(text, jsonb) FROM PUBLIC;

CREATE FUNCTION usom._write_change(relation text, given jsonb) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, usom, pg_temp
AS $$
DECLARE
	written CONSTANT jsonb := usom._change_values(relation, given);
	names text;
	found_rows bigint;
	-- by what a row is found that is there already; without: every row is a new one
	identity CONSTANT text := CASE WHEN relation IN ('location', 'service_level', 'sourcing_rule') THEN 't.code = x.code'
		WHEN relation = 'location_capacity' THEN 't.location_id = x.location_id AND t.on_date IS NOT DISTINCT FROM x.on_date' ELSE 'false' END;
BEGIN
	IF identity LIKE '%code%' AND written->>'code' IS NULL THEN
		RAISE EXCEPTION 'changes: a row of "%" has no code', relation USING ERRCODE = 'US308', HINT = 'The code says which row is changed, or added.';
	END IF;
	SELECT string_agg(quote_ident(k.key), ', ' ORDER BY k.key) INTO names FROM jsonb_object_keys(written) AS k (key);
	EXECUTE format('UPDATE usom.%1$I AS t SET (%2$s) = (SELECT %2$s FROM jsonb_populate_record(t, $1) y) FROM jsonb_populate_record(NULL::usom.%1$I, $1) x WHERE t.org_id = usom.current_org() AND %3$s',
		relation, coalesce(names, 'org_id'), identity) USING written;
	GET DIAGNOSTICS found_rows = ROW_COUNT;
	IF found_rows = 0 THEN
		EXECUTE format('INSERT INTO usom.%1$I (org_id%2$s) SELECT usom.current_org()%2$s FROM jsonb_populate_record(NULL::usom.%1$I, $1)', relation, coalesce(', ' || names, '')) USING written;
	END IF;
END
$$;
COMMENT ON FUNCTION usom._write_change(text, jsonb) IS 'Writes a row of changes: those that are there are changed (masters by code, capacities by location and day), others are added.';
REVOKE ALL ON FUNCTION usom._write_change(text, jsonb) FROM PUBLIC;

CREATE FUNCTION usom._remove_change(relation text, given jsonb) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, usom, pg_temp
AS $$
DECLARE
	removed jsonb;
	condition text;
	found_rows bigint;
BEGIN
	IF relation IN ('location', 'service_level', 'sourcing_rule') THEN
		EXECUTE format('UPDATE usom.%I SET active = false WHERE org_id = usom.current_org() AND code = $1', relation) USING given #>> '{}';
	ELSE
		removed := usom._change_values(relation, given);
		SELECT string_agg(format('t.%1$I IS NOT DISTINCT FROM x.%1$I', k.key), ' AND ') INTO condition FROM jsonb_object_keys(removed) AS k (key);
		EXECUTE format('DELETE FROM usom.%1$I t USING jsonb_populate_record(NULL::usom.%1$I, $1) x WHERE t.org_id = usom.current_org() AND %2$s', relation, coalesce(condition, 'true')) USING removed;
	END IF;
	GET DIAGNOSTICS found_rows = ROW_COUNT;
	IF found_rows = 0 THEN
		RAISE EXCEPTION 'changes: there is no % %', replace(relation, '_', ' '), given USING
			ERRCODE = 'US308', DETAIL = 'What is removed has to be there.', HINT = 'Name a code, or an object with columns of rows that are there.';
	END IF;
END
$$;
COMMENT ON FUNCTION usom._remove_change(text, jsonb) IS 'Removes what changes name under "remove": masters are switched off by their code, rows of other tables are deleted that have all the values given.';
REVOKE ALL ON FUNCTION usom._remove_change(text, jsonb) FROM PUBLIC;

CREATE FUNCTION usom._apply_changes(changes jsonb) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, usom, pg_temp
AS $$
DECLARE
	-- what others name comes first
	relations CONSTANT text[] := ARRAY['location', 'location_calendar', 'location_capacity', 'service_level', 'transit_time', 'freight_rate', 'postcode_centroid', 'sourcing_rule'];
	relation text;
	entry jsonb;
	part jsonb;
BEGIN
	PERFORM usom._check_keys('changes', changes, relations || 'remove'::text);
	PERFORM usom._check_keys('changes: remove', coalesce(changes->'remove', '{}'), relations);
	FOREACH part IN ARRAY ARRAY[changes - 'remove', coalesce(changes->'remove', '{}')] LOOP
		SELECT k.key INTO relation FROM jsonb_each(part) k WHERE jsonb_typeof(k.value) <> 'array' ORDER BY 1 LIMIT 1;
		IF FOUND THEN
			RAISE EXCEPTION 'changes: "%" must be an array', relation USING ERRCODE = 'US308', HINT = 'For example {"sourcing_rule": [{"code": "near", "priority": 1}], "remove": {"sourcing_rule": ["old"]}}.';
		END IF;
	END LOOP;
	FOREACH relation IN ARRAY relations LOOP
		FOR entry IN SELECT jsonb_array_elements(changes->'remove'->relation) LOOP
			PERFORM usom._remove_change(relation, entry);
		END LOOP;
	END LOOP;
	FOREACH relation IN ARRAY relations LOOP
		FOR entry IN SELECT jsonb_array_elements(changes->relation) LOOP
			PERFORM usom._write_change(relation, entry);
		END LOOP;
	END LOOP;
END
$$;
COMMENT ON FUNCTION usom._apply_changes(jsonb) IS 'Writes the changes of a simulation: first what is removed, then what is changed or added.';
REVOKE ALL ON FUNCTION usom._apply_changes(jsonb) FROM PUBLIC;

CREATE FUNCTION usom._simulated_parts(orders bigint[]) RETURNS SETOF usom._simulated_part
LANGUAGE sql STABLE STRICT
SET search_path = pg_catalog, usom, pg_temp
AS $$
	SELECT o.order_no, f.line_no, l.code, f.promised_at, sum(f.quantity)
	FROM usom.fulfillment_line f
	JOIN usom.sales_order o ON o.org_id = f.org_id AND o.sales_order_id = f.sales_order_id
	JOIN usom.product p ON p.org_id = f.org_id AND p.product_id = f.product_id AND p.kind = 'physical'
	LEFT JOIN usom.location l ON l.org_id = f.org_id AND l.location_id = f.location_id
	WHERE f.org_id = usom.current_org() AND f.sales_order_id = ANY (orders) AND f.status IN ('backordered', 'reserved')
	GROUP BY o.order_no, f.line_no, l.code, f.promised_at
$$;
COMMENT ON FUNCTION usom._simulated_parts(bigint[]) IS 'Where the units of orders are reserved, or that they wait.';
REVOKE ALL ON FUNCTION usom._simulated_parts(bigint[]) FROM PUBLIC;

CREATE FUNCTION usom._simulated_prices(orders bigint[]) RETURNS SETOF usom._simulated_price
LANGUAGE sql VOLATILE STRICT
SET search_path = pg_catalog, usom, pg_temp
AS $$
	SELECT o.order_no, p.shipments, p.distance_km, p.cost
	FROM usom._price_orders(orders) p
	JOIN usom.sales_order o ON o.org_id = usom.current_org() AND o.sales_order_id = p.sales_order_id
$$;
COMMENT ON FUNCTION usom._simulated_prices(bigint[]) IS 'usom._price_orders() with the numbers of the orders.';
REVOKE ALL ON FUNCTION usom._simulated_prices(bigint[]) FROM PUBLIC;

-- Units that stay where they are drop out; the others are laid side by side, before and after, in order of location and promise.
CREATE FUNCTION usom._moved_units(before usom._simulated_part[], after usom._simulated_part[])
RETURNS TABLE (order_no text, line_no integer, quantity numeric, location_before text, location_after text, promised_before timestamptz, promised_after timestamptz)
LANGUAGE sql STABLE STRICT
SET search_path = pg_catalog, usom, pg_temp
AS $$
	WITH side AS (
		SELECT b.*, -1 AS sign FROM unnest(before) b UNION ALL SELECT a.*, 1 FROM unnest(after) a
	), place AS (
		-- A day's difference counts as another promise: what is planned later is promised a little later.
		SELECT s.order_no, s.line_no, s.location, min(s.promised_at) FILTER (WHERE s.sign < 0) AS promised_before, max(s.promised_at) FILTER (WHERE s.sign > 0) AS promised_after,
			coalesce(sum(s.quantity) FILTER (WHERE s.sign < 0), 0) AS units_before, coalesce(sum(s.quantity) FILTER (WHERE s.sign > 0), 0) AS units_after
		FROM side s GROUP BY s.order_no, s.line_no, s.location
	), leaving AS (
		SELECT p.*, sum(p.units_before - p.units_after) OVER w AS upto FROM place p WHERE p.units_before > p.units_after WINDOW w AS (PARTITION BY p.order_no, p.line_no ORDER BY p.location COLLATE "C" NULLS LAST)
	), coming AS (
		SELECT p.*, sum(p.units_after - p.units_before) OVER w AS upto FROM place p WHERE p.units_after > p.units_before WINDOW w AS (PARTITION BY p.order_no, p.line_no ORDER BY p.location COLLATE "C" NULLS LAST)
	)
	SELECT l.order_no, l.line_no, trim_scale(least(l.upto, c.upto) - greatest(l.upto - (l.units_before - l.units_after), c.upto - (c.units_after - c.units_before))),
		l.location, c.location, l.promised_before, c.promised_after
	FROM leaving l JOIN coming c ON c.order_no = l.order_no AND c.line_no = l.line_no
		AND l.upto - (l.units_before - l.units_after) < c.upto AND c.upto - (c.units_after - c.units_before) < l.upto
	UNION ALL
	SELECT p.order_no, p.line_no, trim_scale(least(p.units_before, p.units_after)), p.location, p.location, p.promised_before, p.promised_after
	FROM place p
	WHERE p.units_before > 0 AND p.units_after > 0
		AND ((p.promised_before IS NULL) <> (p.promised_after IS NULL) OR abs(extract(epoch FROM p.promised_after - p.promised_before)) >= 86400)
$$;
COMMENT ON FUNCTION usom._moved_units(usom._simulated_part[], usom._simulated_part[]) IS 'What differs between two plans of the same lines: units that are served from elsewhere, or are promised for a day more or less.';
REVOKE ALL ON FUNCTION usom._moved_units(usom._simulated_part[], usom._simulated_part[]) FROM PUBLIC;

CREATE FUNCTION usom._simulate_sourcing(changes jsonb, filter jsonb, visible bigint[])
RETURNS TABLE (scope text, order_no text, line_no integer, quantity numeric, location_before text, location_after text, promised_before timestamptz, promised_after timestamptz,
	shipments_before integer, shipments_after integer, distance_before numeric, distance_after numeric, cost_before numeric, cost_after numeric)
LANGUAGE plpgsql
SET search_path = pg_catalog, usom, pg_temp SET jit = off
AS $$
DECLARE
	orders CONSTANT bigint[] := ARRAY(SELECT usom._select_orders(filter, visible, true, NULL, NULL, NULL));
	parts_before usom._simulated_part[];
	parts_after usom._simulated_part[];
	prices_before usom._simulated_price[];
	prices_after usom._simulated_price[];
BEGIN
	BEGIN
		PERFORM FROM usom.sales_order o WHERE o.org_id = usom.current_org() AND o.sales_order_id = ANY (orders) ORDER BY o.sales_order_id FOR UPDATE;
		parts_before := ARRAY(SELECT p FROM usom._simulated_parts(orders) p);
		prices_before := ARRAY(SELECT p FROM usom._simulated_prices(orders) p);
		PERFORM usom._apply_changes(changes);
		PERFORM usom._replan_orders(orders);
		parts_after := ARRAY(SELECT p FROM usom._simulated_parts(orders) p);
		prices_after := ARRAY(SELECT p FROM usom._simulated_prices(orders) p);
		RAISE EXCEPTION 'simulated' USING ERRCODE = 'ZZ001';
	EXCEPTION WHEN SQLSTATE 'ZZ001' THEN
		NULL;
	END;
	RETURN QUERY
		WITH price AS (
			SELECT coalesce(b.order_no, a.order_no) AS order_no, coalesce(b.shipments, 0) AS shipments_before, coalesce(a.shipments, 0) AS shipments_after,
				coalesce(b.distance_km, 0) AS distance_before, coalesce(a.distance_km, 0) AS distance_after, coalesce(b.cost, 0) AS cost_before, coalesce(a.cost, 0) AS cost_after
			FROM unnest(prices_before) b FULL JOIN unnest(prices_after) a ON a.order_no = b.order_no
		), line AS (
			SELECT 3 AS place, 'line' AS scope, m.*, NULL::integer, NULL::integer, NULL::numeric, NULL::numeric, NULL::numeric, NULL::numeric
			FROM usom._moved_units(parts_before, parts_after) m
		), changed AS (
			SELECT 2, 'order', p.order_no, NULL::integer, NULL::numeric, NULL::text, NULL::text, NULL::timestamptz, NULL::timestamptz,
				p.shipments_before, p.shipments_after, p.distance_before, p.distance_after, p.cost_before, p.cost_after
			FROM price p
			WHERE p.shipments_before <> p.shipments_after OR p.distance_before <> p.distance_after OR p.cost_before <> p.cost_after
				OR p.order_no IN (SELECT l.order_no FROM line l)
		), total AS (
			SELECT 1, 'total', NULL::text, NULL::integer, (SELECT coalesce(sum(l.quantity), 0) FROM line l), NULL::text, NULL::text, NULL::timestamptz, NULL::timestamptz,
				coalesce(sum(p.shipments_before), 0)::integer, coalesce(sum(p.shipments_after), 0)::integer, coalesce(sum(p.distance_before), 0), coalesce(sum(p.distance_after), 0),
				coalesce(sum(p.cost_before), 0), coalesce(sum(p.cost_after), 0)
			FROM price p
		), answer (place, scope, order_no, line_no, quantity, location_before, location_after, promised_before, promised_after, shipments_before, shipments_after, distance_before, distance_after, cost_before, cost_after) AS (
			TABLE total UNION ALL TABLE changed UNION ALL TABLE line
		)
		SELECT a.scope, a.order_no, a.line_no, a.quantity, a.location_before, a.location_after, a.promised_before, a.promised_after,
			a.shipments_before, a.shipments_after, a.distance_before, a.distance_after, a.cost_before, a.cost_after
		FROM answer a
		ORDER BY a.order_no NULLS FIRST, a.place, a.line_no, a.location_before COLLATE "C", a.location_after COLLATE "C";
END
$$;
COMMENT ON FUNCTION usom._simulate_sourcing(jsonb, jsonb, bigint[]) IS 'See usom.simulate_sourcing(). visible: channels that the caller sees, null: all. What is done in the inner block is undone by the exception that ends it.';
REVOKE ALL ON FUNCTION usom._simulate_sourcing(jsonb, jsonb, bigint[]) FROM PUBLIC;

CREATE FUNCTION usom.simulate_sourcing(changes jsonb, filter jsonb DEFAULT '{}')
RETURNS TABLE (scope text, order_no text, line_no integer, quantity numeric, location_before text, location_after text, promised_before timestamptz, promised_after timestamptz,
	shipments_before integer, shipments_after integer, distance_before numeric, distance_after numeric, cost_before numeric, cost_after numeric)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_simulate_sourcing'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.simulate_sourcing(jsonb, jsonb) IS
'What if other rules, rates and locations held: the reserved and waiting units of many orders are planned anew under them, by the code that allocates, and all of it is undone. Nothing remains, and nobody is told. What is released, shipped or firmly held for a buyer stays where it is.
changes: an object with any of location, location_calendar, location_capacity, service_level, transit_time, freight_rate, postcode_centroid, sourcing_rule, each an array of rows; their keys are the columns, with codes instead of keys (location, service_level). Rows with a code that is there are changed, as are capacities of a location and day; others are added.
  remove: {table: [...]}: codes of locations, service levels and rules, which are switched off; objects for rows of other tables, of which all that have these values go.
filter: which orders, as for usom.allocate_orders().
Returns one row of scope total; one of scope order for each order that differs: shipments, kilometres and cost of what is reserved, before and after, by the cost function of the planner, in the currency of the organisation; and one of scope line for units that differ: where they are served from and when they are promised, before and after (null: they wait). A promise differs when it moves by a day or more.
The orders and their stock are locked meanwhile, as by usom.reallocate_order().
Errors: US308 for changes or a filter that cannot be read, US006, US105 for codes that nobody has, US302 and others for rules that would be refused.
Example: SELECT * FROM usom.simulate_sourcing(''{"location": [{"code": "A", "active": false}]}'', ''{"country": "DE"}'');';

/* ---- api ---- */

CREATE FUNCTION usom.split_backorder(order_no text, line_no integer, schedule jsonb DEFAULT NULL)
RETURNS TABLE (piece_no integer, quantity numeric, promised_at timestamptz, supply_no text)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_split_backorder'
VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.split_backorder(text, integer, jsonb) IS
'Cut what waits of a line into dated parts, as agreed with the customer or as it will come. What is reserved is there already and is not cut; price and total of the line stay.
order_no, line_no: the line. schedule: parts, as [{"quantity": 4000, "promised_at": "2027-02-01"}], at most what waits; the rest stays without an agreed date. Or a production rate, {"rate": {"quantity": 4000, "every": "1 month", "from": "2027-02-01"}}, for what counts on no supply, the rest in the last part (from: one interval from now, if left out). Null: as expected supply will come.
Each part counts on supply, the one agreed for the earliest date first; it is promised for its agreed date, or for that of its supply if that is later.
Returns the pieces of the line that wait. The order history has an event split; a line that is promised for another date an event promise_changed.
Errors: US105 or US106 unknown order or line, US101 the order does not run, US102 held, US603 nothing of the line waits, 22023 for a schedule that is none, is past or has more than waits, or a line that is taken whole.
Example: SELECT * FROM usom.split_backorder(''SO-000001'', 1, ''[{"quantity": 12000, "promised_at": "2030-03-01"}, {"quantity": 8000, "promised_at": "2030-04-01"}]'');';

CREATE FUNCTION usom.merge_backorder(order_no text, line_no integer)
RETURNS TABLE (piece_no integer, quantity numeric, promised_at timestamptz, supply_no text)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_merge_backorder'
VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.merge_backorder(text, integer) IS
'The parts of a line that wait become one again: agreed dates are gone, and it counts on expected supply, the earliest first.
order_no, line_no: the line. Returns the pieces of the line that wait: as many as it counts on supplies, and what counts on none.
Errors: US105 or US106 unknown order or line, US101 the order does not run, US102 held, US603 nothing of the line waits.
Example: SELECT * FROM usom.merge_backorder(''SO-000001'', 1);';

CREATE FUNCTION usom.split_order(order_no text, lines jsonb DEFAULT NULL, reason text DEFAULT NULL)
RETURNS text
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_split_order'
VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.split_order(text, jsonb, text) IS
'What waits of an order becomes an order of its own, with a number of its own: returns that number. usom.orders.parent_order_no of the new order names the old one; what becomes of one is no concern of the other: cancelling the old one leaves the new one.
order_no: the order. lines: units that wait, as [{"line_no": 1, "quantity": 2}]; null: all that wait. Of a line, what is promised last goes first. reason: why, for the history of both and the audit.
The units are cancelled where they were ordered, and ordered by the new order at the same price, with their shares of discount, freight and tax: both together cost what the old one cost, to the last minor unit. They go on counting on the supply they counted on, with the same promise; open exceptions about it go with them. Customer, channel, address, priority, dates, terms of payment and turn (placed_at) are those of the old order.
Not taken along: holds, approvals, payments and authorisations, coupons (their discount is), the external_id, and instructions of guests.
Errors: US105 or US106 unknown order or line, US101 the order does not run, US102 held, US108 for lines that are none, US113 a component, US119 fewer wait, nothing would be left, a kit, a line that is taken whole, or one with a make order, a supply of its own or a pre-order offer.
Example: SELECT usom.split_order(''SO-000001'', ''[{"line_no": 1, "quantity": 8000}]'', ''the rest is billed apart'');';

/* ---- api ---- */

CREATE TYPE usom._price_wanted AS (
	ordinal integer,
	sku text,
	currency text
);
COMMENT ON TYPE usom._price_wanted IS 'A list price that is asked for, on its way from C, by unnest().';

CREATE TYPE usom._substitution_row AS (
	sales_order_id bigint,
	line_no integer,
	substitute_line_no integer,
	product_id bigint,
	substitute_product_id bigint,
	quantity usom.positive_quantity,
	substitute_quantity usom.positive_quantity,
	unit_price usom.price_amount
);
COMMENT ON TYPE usom._substitution_row IS 'A substitution on its way from C to line_substitution, by unnest().';

CREATE FUNCTION usom.propose_substitution(order_no text, line_no integer, substitute_sku text DEFAULT NULL,
	quantity numeric DEFAULT NULL, ttl interval DEFAULT '2 days') RETURNS bigint
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_propose_substitution'
VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.propose_substitution(text, integer, text, numeric, interval) IS
'Offer the customer another product for units of a line that wait.
order_no, line_no: the line. substitute_sku: one of the products that usom.substitute names for it; null: the first by priority that has all units, else the one that has most. quantity: units of the line, at most what waits; null: all that wait. ttl: how long the offer stands.
The units of the substitute are kept softly until then. The event substitution_proposed tells the customer; the order itself does not change.
Returns the key that accept_substitution() and decline_substitution() take.
Errors: US105, US106 unknown order or line, US101 if the order does not run, US116 if no such units wait, US117 if nothing that may replace it is available, US201 if another call took the units meanwhile, 22023 for a ttl that is none.
Example: SELECT usom.propose_substitution(''SO-000001'', 1, ''MUG-BLUE'');';

CREATE FUNCTION usom.accept_substitution(substitution_id bigint) RETURNS TABLE (status text, version integer)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_accept_substitution'
VOLATILE PARALLEL UNSAFE ROWS 1
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.accept_substitution(bigint) IS
'The customer agrees: the units that waited are cancelled on their line, which stays on record, and a new line has the substitute, reserved, at the price that was offered.
substitution_id: as propose_substitution() returned it.
Returns the status and version of the order.
Errors: US118 if the proposal is unknown, decided or expired, US116 if the units do not wait any more, US101 if the order does not run.
Example: SELECT * FROM usom.accept_substitution(4711);';

CREATE FUNCTION usom.decline_substitution(substitution_id bigint, reason text DEFAULT NULL) RETURNS TABLE (status text, version integer)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_decline_substitution'
VOLATILE PARALLEL UNSAFE ROWS 1
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.decline_substitution(bigint, text) IS
'The customer rather waits: the units that were kept for the proposal are free again.
substitution_id: as propose_substitution() returned it. reason: what the customer said.
Returns the status and version of the order.
Errors: US118 if the proposal is unknown, decided or expired.
Example: SELECT * FROM usom.decline_substitution(4711, ''wants the red one'');';

CREATE FUNCTION usom.substitute_backorders(sku text DEFAULT NULL)
RETURNS TABLE (order_no text, line_no integer, quantity numeric, substitute_line_no integer, substitute_sku text, substitute_quantity numeric)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_substitute_backorders'
VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.substitute_backorders(text) IS
'Replace what waits on lines that agreed beforehand (substitution allowed) by what usom.substitute names and stock has, as placing an order does.
sku: the product that is short; null: all.
Returns a row for each line that was replaced, with units of both products.
Errors: US001.
Example: SELECT * FROM usom.substitute_backorders();';

/* ---- api ---- */

CREATE FUNCTION usom.add_supply(kind text, location text, sku text, quantity numeric, expected_at timestamptz,
	reference text DEFAULT NULL, confidence numeric DEFAULT 1, supply_no text DEFAULT NULL, order_no text DEFAULT NULL, line_no integer DEFAULT NULL)
RETURNS text
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_add_supply'
VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.add_supply(text, text, text, numeric, timestamptz, text, numeric, text, text, integer) IS
'Record stock that is under way, so that what waits can count on it and be promised for its date. Returns its number.
kind: purchase, production, transfer, return or drop_ship. location, sku: where it arrives and what it is. quantity: units. expected_at: when.
reference: number of the document of the outside world. confidence: how sure quantity and date are, above 0, 1 is certain. supply_no: its number; null: the next of the counter.
order_no, line_no: it is for this line and for no other; else whatever waits for the product may count on it.
Pieces that wait and count on nothing yet count on it at once, orders by priority, then as they were placed; a line tied to a location only if it arrives there. It is not stock before receive_supply().
Errors: US006 unknown location or product, US203 a service, US205 the number is taken, US105 or US106 unknown order or line, 22023 for a value that is none.
Example: SELECT usom.add_supply(''purchase'', ''MAIN'', ''85123A'', 500, now() + interval ''3 weeks'', reference => ''PO-7'');';

CREATE FUNCTION usom.change_supply(supply_no text, quantity numeric DEFAULT NULL, expected_at timestamptz DEFAULT NULL, confidence numeric DEFAULT NULL, reason text DEFAULT NULL)
RETURNS TABLE (supply_no text, status text, quantity numeric, received numeric, pegged numeric, expected_at timestamptz, filled numeric)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_change_supply'
VOLATILE PARALLEL UNSAFE ROWS 1
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.change_supply(text, numeric, timestamptz, numeric, text) IS
'Supply moves, slips, shrinks or grows: what counts on it is planned anew in the same call, and promises follow.
supply_no: as add_supply() gave it. quantity: units in all, more than have arrived. expected_at, confidence: as in add_supply(). What is null stays. reason: why, for the audit and the history of the orders.
Firm orders keep it first, then those of higher priority, then those placed earlier; the others count on other supply, or on none. A line that is promised for another date gets an event promise_changed; one that counts on nothing any more, or is promised later than the customer wants it or was told, a case in usom.exceptions (supply_short, promise_late), before the date is missed.
Returns the supply as it is now.
Errors: US204 unknown supply, US206 it has ended, 22023 for a value that is none.
Example: SELECT * FROM usom.change_supply(''SU-000001'', expected_at => ''2030-03-01'', reason => ''the ship is late'');';

CREATE FUNCTION usom.cancel_supply(supply_no text, reason text DEFAULT NULL)
RETURNS TABLE (supply_no text, status text, quantity numeric, received numeric, pegged numeric, expected_at timestamptz, filled numeric)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_cancel_supply'
VOLATILE PARALLEL UNSAFE ROWS 1
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.cancel_supply(text, text) IS
'Nothing more comes of a supply. What counted on it counts on other supply, or on none: events and exceptions as with change_supply(). What has arrived stays.
supply_no: as add_supply() gave it. reason: why.
Errors: US204 unknown supply, US206 it has ended.
Example: SELECT * FROM usom.cancel_supply(''SU-000001'', ''the mill burnt down'');';

CREATE FUNCTION usom.receive_supply(supply_no text, quantity numeric DEFAULT NULL, lot text DEFAULT NULL, final boolean DEFAULT false)
RETURNS TABLE (supply_no text, status text, quantity numeric, received numeric, pegged numeric, expected_at timestamptz, filled numeric)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_receive_supply'
VOLATILE PARALLEL UNSAFE ROWS 1
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.receive_supply(text, numeric, text, boolean) IS
'Supply arrives: its units go on the shelf, and in the same call to what counts on them, then to what else waits for the product: firm orders first, then by priority, then as they were placed.
supply_no: as add_supply() gave it. quantity: units that arrived; null: all that is to come; more than that is taken, too. lot: if the product has lots. final: nothing more comes, though it is less than was expected (then 0 is a quantity): who counted on the rest is planned anew as with change_supply().
The movement has the number of the supply as its reference. Lines that get units have an event filled; their exceptions are closed.
Returns the supply as it is now, and the units that orders got.
Errors: US204 unknown supply, US206 it has ended, 22003 or 22023 for a quantity that is none.
Example: SELECT * FROM usom.receive_supply(''SU-000001'', 480, final => true);';

CREATE FUNCTION usom.reverse_receipt(supply_no text, quantity numeric DEFAULT NULL, reason text DEFAULT NULL, lot text DEFAULT NULL)
RETURNS TABLE (supply_no text, status text, quantity numeric, received numeric, pegged numeric, expected_at timestamptz, filled numeric)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_reverse_receipt'
VOLATILE PARALLEL UNSAFE ROWS 1
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.reverse_receipt(text, numeric, text, text) IS
'Units of a supply were received by mistake: they leave the shelf again, in the ledger as a reversal, and as many are expected of the supply again, at its date (usom.change_supply() tells another one).
supply_no: as add_supply() gave it. quantity: units; null: all that were received. reason: why, for the ledger, the audit and the history of the orders. lot: may be left out where the location has stock of the product in one lot only.
What orders keep of them meanwhile is no obstacle: the least firm of them wait again, as with count_stock(): firm orders lose last, then what is released, orders of higher priority, those placed earlier. They are served from elsewhere, or count on the supply; events, and exceptions supply_short and promise_late that name the supply. A make order that had ended is in production again; of a cancelled supply nothing is expected again.
Returns the supply as it is now; filled is what orders got, with a minus what waits again.
Errors: US204 unknown supply, US209 more than was received and not reversed, of the supply or of the lot, or than is on the shelf and not picked, 22023 for a quantity that is none or a lot that must be named. A receipt without a supply is corrected with usom.count_stock() or usom.adjust_stock().
Example: SELECT * FROM usom.reverse_receipt(''SU-000001'', 20, ''counted twice'');';

/* ---- api ---- */

CREATE TYPE usom._tax_answer AS (
	sales_order_id bigint,
	line_no integer,
	product_id bigint,
	jurisdiction text,
	amount numeric,
	included boolean,
	taxable numeric
);
COMMENT ON TYPE usom._tax_answer IS 'A tax that was told for a line, on its way from C to order_tax, by unnest().';

CREATE FUNCTION usom.set_order_tax(order_no text, taxes jsonb, reason text DEFAULT NULL)
RETURNS TABLE (status text, new_version integer)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_set_order_tax'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.set_order_tax(text, jsonb, text) IS
'Take the taxes that a tax service has worked out for lines of an order, before anything of it is shipped.
order_no: the order. reason: why.
taxes: an array of {line_no, amount, included, jurisdiction}. amount: the tax on all units of the line and its share of the freight, in the currency of the order and not finer than its smallest unit. included: is it in the price (false)? jurisdiction: whose tax it is (outside).
What is told stands before every row of tax_rate; lines that are not named keep the tax they have. If the line changes later, the tax follows its amount in proportion until it is told again.
Returns the status and the new version of the order.
Errors: US105 unknown order, US106 unknown line, US108 unreadable taxes, US113 a component of a kit, US420 a tax that cannot be, US421 something was shipped or the order has ended, US102 a hold blocks change.
Example: SELECT * FROM usom.set_order_tax(''SO-000001'', ''[{"line_no": 1, "amount": 1.53, "jurisdiction": "US-CA"}]'');';

/* ---- api ---- */

CREATE TYPE usom._line_unit_row AS (
	sales_order_id bigint,
	line_no integer,
	product_id bigint,
	unit text,
	quantity numeric,
	per numeric,
	unit_price numeric
);
COMMENT ON TYPE usom._line_unit_row IS 'The unit of a line, on its way from C to line_unit, by unnest().';

/* ---- analytics ---- */

CREATE FUNCTION usom.order_timeline(order_no text)
RETURNS TABLE (at timestamptz, event text, from_status text, to_status text, line_no integer, quantity numeric,
	reason text, actor text, reference text)
LANGUAGE plpgsql STABLE STRICT PARALLEL RESTRICTED SET search_path = pg_catalog, usom, pg_temp
AS $$
BEGIN
	PERFORM usom._check_installed(), usom._check_card('order_no', order_no);
	IF NOT EXISTS (SELECT FROM usom.orders o WHERE o.order_no = order_timeline.order_no) THEN
		RAISE EXCEPTION 'no order "%"', order_timeline.order_no
			USING ERRCODE = 'US105', HINT = 'Look it up in usom.orders.';
	END IF;
	RETURN QUERY
		SELECT t.at, t.event, t.from_status, t.to_status, t.line_no, t.quantity, t.reason, t.actor, t.reference
		FROM usom.timeline t
		WHERE t.order_no = order_timeline.order_no
		ORDER BY t.version;
END
$$;
COMMENT ON FUNCTION usom.order_timeline(text) IS
'What was done to an order, oldest first: when (at), the verb (event), from which status to which, the line and units it was about, why, by whom (actor: the session user), and the shipment, return or hold type it made.
Errors: US105 unknown order.
Example: SELECT at, event, to_status, reason FROM usom.order_timeline(''SO-000001'');';

CREATE FUNCTION usom.explain_status(order_no text)
RETURNS TABLE (subject text, status text, why text)
LANGUAGE plpgsql STABLE STRICT PARALLEL RESTRICTED SET search_path = pg_catalog, usom, pg_temp
AS $$
DECLARE
	the record;
	quoted text := quote_literal(explain_status.order_no);
BEGIN
	PERFORM usom._check_installed(), usom._check_card('order_no', order_no);
	SELECT o.status, o.held,
		trim_scale(coalesce(sum(l.quantity - l.quantity_cancelled), 0)) AS live,
		trim_scale(coalesce(sum(l.quantity_cancelled), 0)) AS cancelled,
		trim_scale(coalesce(sum(l.quantity_backordered), 0)) AS waiting,
		trim_scale(coalesce(sum(l.quantity_reserved), 0)) AS reserved,
		trim_scale(coalesce(sum(l.quantity_released + l.quantity_picked + l.quantity_packed), 0)) AS in_work,
		trim_scale(coalesce(sum(l.quantity_shipped + l.quantity_delivered + l.quantity_returned), 0)) AS gone,
		trim_scale(coalesce(sum(l.quantity_delivered + l.quantity_returned), 0)) AS arrived,
		trim_scale(coalesce(sum(l.quantity_returned), 0)) AS returned
	INTO the
	FROM usom.orders o
	LEFT JOIN usom.order_lines l ON l.order_no = o.order_no
		AND NOT EXISTS (SELECT FROM usom.order_lines c WHERE c.order_no = l.order_no AND c.kit_line_no = l.line_no)
	WHERE o.order_no = explain_status.order_no
	GROUP BY o.status, o.held;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'no order "%"', explain_status.order_no
			USING ERRCODE = 'US105', HINT = 'Look it up in usom.orders.';
	END IF;

	RETURN QUERY SELECT 'order ' || explain_status.order_no, the.status, CASE the.status
		WHEN 'draft' THEN 'It is being written; nothing is reserved.'
		WHEN 'submitted' THEN 'It is handed in and not confirmed yet.'
		WHEN 'confirmed' THEN format('It is accepted and no unit is released yet. Reserved: %s, backordered: %s.', the.reserved, the.waiting)
		WHEN 'processing' THEN format('Released, picked or packed: %s of %s; none has left.', the.in_work, the.live)
		WHEN 'partially_shipped' THEN format('Left: %s of %s; the rest is to leave.', the.gone, the.live)
		WHEN 'shipped' THEN format('Left: all of %s. Arrived: %s.', the.live, the.arrived)
		WHEN 'delivered' THEN format('Arrived: all of %s. Came back: %s.', the.live, the.returned)
		WHEN 'closed' THEN format('It is settled. Arrived: all of %s. Came back: %s.', the.live, the.returned)
		WHEN 'cancelled' THEN format('Cancelled: all of %s.', the.cancelled)
		WHEN 'rejected' THEN 'It was not accepted.'
	END;

	RETURN QUERY
		SELECT 'line ' || l.line_no, l.status, format('Of %s x %s: %s.', l.quantity, l.sku, concat_ws(', ',
			nullif(l.quantity_open, 0) || ' open', nullif(l.quantity_backordered, 0) || ' backordered',
			nullif(l.quantity_reserved, 0) || ' reserved', nullif(l.quantity_released, 0) || ' released',
			nullif(l.quantity_picked, 0) || ' picked', nullif(l.quantity_packed, 0) || ' packed',
			nullif(l.quantity_shipped, 0) || ' on the way', nullif(l.quantity_delivered, 0) || ' delivered',
			nullif(l.quantity_returned, 0) || ' returned', nullif(l.quantity_cancelled, 0) || ' cancelled'))
		FROM usom.order_lines l
		WHERE l.order_no = explain_status.order_no
		ORDER BY l.line_no;

	RETURN QUERY
		SELECT concat_ws(' ', 'hold', h.hold_type, 'of line ' || h.line_no, 'piece ' || h.piece_no), 'active',
			format('It blocks %s until %s%s. SELECT usom.release_hold(%s, %L, ''reason''%s%s);', array_to_string(h.blocks, ', '),
				coalesce(h.expires_at::text, 'it is released'), ': ' || h.reason, quoted, h.hold_type,
				', line_no => ' || h.line_no, ', piece_no => ' || h.piece_no)
		FROM usom.holds h
		WHERE h.order_no = explain_status.order_no AND h.active
		ORDER BY h.placed_at, h.hold_type, h.line_no, h.piece_no;

	RETURN QUERY
		SELECT 'next step', s.verb, s.call || coalesce(
			(SELECT ' It is blocked by: ' || string_agg(h.hold_type, ', ' ORDER BY h.hold_type) || '.'
			 FROM usom.holds h
			 WHERE h.order_no = explain_status.order_no AND h.active AND s.verb = ANY (h.blocks)), '')
		FROM (
			SELECT 1 AS rank, e.verb, CASE e.verb
				WHEN 'cancel' THEN format('SELECT usom.cancel_order(%s, ''reason'');', quoted)
				WHEN 'reject' THEN format('SELECT usom.reject_order(%s, ''reason'');', quoted)
				ELSE format('SELECT usom.%s_order(%s);', e.verb, quoted)
			END AS call
			FROM usom.order_lifecycle() e
			WHERE e.from_status = the.status AND e.commanded
			UNION ALL
			SELECT 2, 'fill', format('SELECT usom.fill_backorders(%L);', b.sku)
			FROM (SELECT DISTINCT k.sku FROM usom.backorders k WHERE k.order_no = explain_status.order_no) b
			UNION ALL
			SELECT 3, 'release', format('SELECT usom.release_order(%s);', quoted) WHERE the.reserved > 0
			UNION ALL
			SELECT 4, 'ship', format('SELECT usom.ship(%s);', quoted) WHERE the.in_work > 0
			UNION ALL
			SELECT 5, 'deliver', format('SELECT usom.deliver(%L);', s.shipment_no)
			FROM usom.shipments s
			WHERE s.order_no = explain_status.order_no AND s.status IN ('shipped', 'in_transit')
			UNION ALL
			SELECT 5, v.verb, format(v.call, s.shipment_no)
			FROM usom.shipments s, (VALUES ('retry', 'SELECT usom.retry_delivery(%L);'), ('return to sender', 'SELECT usom.return_to_sender(%L, ''reason'');')) AS v (verb, call)
			WHERE s.order_no = explain_status.order_no AND s.status = 'failed'
			UNION ALL
			SELECT 6, 'return', format('SELECT usom.authorize_return(%s, ''[{"line_no": %s, "quantity": %s}]'', ''reason'');',
				quoted, l.line_no, l.quantity_shipped + l.quantity_delivered)
			FROM usom.order_lines l
			WHERE l.order_no = explain_status.order_no AND l.quantity_shipped + l.quantity_delivered > 0
				AND NOT EXISTS (SELECT FROM usom.order_lines k WHERE k.order_no = l.order_no AND k.line_no = l.kit_line_no
					AND k.quantity_shipped + k.quantity_delivered > 0)
		) s
		ORDER BY s.rank, s.verb, s.call;
END
$$;
COMMENT ON FUNCTION usom.explain_status(text) IS
'Why an order is where it is: one row for the order with the rule that gave its status, one for each line with its counters, one for each active hold with what it blocks, one for each step that may come next with the call that makes it.
Errors: US105 unknown order.
Example: SELECT * FROM usom.explain_status(''SO-000001'');';

-- The parts of verify(): current_org() is US001 before install(); whole tables are joined, whatever stale statistics say of their size.
CREATE FUNCTION usom.verify_counters()
RETURNS TABLE (area text, entity text, problem text, expected text, actual text)
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, usom, pg_temp SET jit = off SET max_parallel_workers_per_gather = 0
SET enable_nestloop = off SET enable_hashjoin = off -- lines and pieces both come in the order of their keys: nothing spills
AS $$
DECLARE
	org CONSTANT bigint := usom.current_org();
	conserved CONSTANT boolean := EXISTS (SELECT FROM pg_constraint c WHERE c.conrelid = 'usom.order_line'::regclass
		AND c.conname = 'order_line_quantity_conserved' AND c.convalidated);
BEGIN
	-- Counters add up to the quantity by constraint: most lines are in one state and right if that one is. The others are added up.
	RETURN QUERY
		WITH suspect AS MATERIALIZED (
			SELECT l.*
			FROM usom.order_line l
			LEFT JOIN (
				SELECT f.sales_order_id, f.line_no, min(f.status) AS status, max(f.status) AS last_status, sum(f.quantity) AS quantity
				FROM usom.fulfillment_line f
				WHERE f.org_id = org
				GROUP BY f.sales_order_id, f.line_no
			) g ON g.sales_order_id = l.sales_order_id AND g.line_no = l.line_no
			WHERE l.org_id = org AND l.kit_line_no IS DISTINCT FROM l.line_no AND (NOT conserved OR (
				(g.sales_order_id IS NULL AND l.quantity_open = l.quantity)
				OR (g.status = g.last_status AND l.quantity_open + g.quantity = l.quantity AND g.quantity = CASE g.status
					WHEN 'backordered' THEN l.quantity_backordered WHEN 'reserved' THEN l.quantity_reserved
					WHEN 'released' THEN l.quantity_released WHEN 'picked' THEN l.quantity_picked
					WHEN 'packed' THEN l.quantity_packed WHEN 'shipped' THEN l.quantity_shipped
					WHEN 'delivered' THEN l.quantity_delivered WHEN 'returned' THEN l.quantity_returned
					WHEN 'cancelled' THEN l.quantity_cancelled END)) IS NOT TRUE)
		)
		SELECT 'orders', format('order %s line %s', coalesce(
				(SELECT o.order_no FROM usom.sales_order o WHERE o.org_id = org AND o.sales_order_id = w.sales_order_id),
				'#' || w.sales_order_id), w.line_no),
			format('quantity_%s is not what the pieces add up to', c.state), trim_scale(c.pieces)::text, trim_scale(c.kept)::text
		FROM suspect w
		CROSS JOIN LATERAL (
			SELECT coalesce(sum(f.quantity) FILTER (WHERE f.status = 'backordered'), 0) AS backordered,
				coalesce(sum(f.quantity) FILTER (WHERE f.status = 'reserved'), 0) AS reserved,
				coalesce(sum(f.quantity) FILTER (WHERE f.status = 'released'), 0) AS released,
				coalesce(sum(f.quantity) FILTER (WHERE f.status = 'picked'), 0) AS picked,
				coalesce(sum(f.quantity) FILTER (WHERE f.status = 'packed'), 0) AS packed,
				coalesce(sum(f.quantity) FILTER (WHERE f.status = 'shipped'), 0) AS shipped,
				coalesce(sum(f.quantity) FILTER (WHERE f.status = 'delivered'), 0) AS delivered,
				coalesce(sum(f.quantity) FILTER (WHERE f.status = 'returned'), 0) AS returned,
				coalesce(sum(f.quantity) FILTER (WHERE f.status = 'cancelled'), 0) AS cancelled,
				coalesce(sum(f.quantity) FILTER (WHERE f.status <> 'open'), 0) AS planned
			FROM usom.fulfillment_line f
			WHERE f.org_id = org AND f.sales_order_id = w.sales_order_id AND f.line_no = w.line_no
		) p
		CROSS JOIN LATERAL (VALUES
			('open', w.quantity - p.planned, w.quantity_open), ('backordered', p.backordered, w.quantity_backordered),
			('reserved', p.reserved, w.quantity_reserved), ('released', p.released, w.quantity_released),
			('picked', p.picked, w.quantity_picked), ('packed', p.packed, w.quantity_packed),
			('shipped', p.shipped, w.quantity_shipped), ('delivered', p.delivered, w.quantity_delivered),
			('returned', p.returned, w.quantity_returned), ('cancelled', p.cancelled, w.quantity_cancelled)
		) c (state, pieces, kept)
		WHERE c.pieces <> c.kept
			AND (w.quantity - p.planned, p.backordered, p.reserved, p.released, p.picked, p.packed, p.shipped, p.delivered, p.returned, p.cancelled)
			<> (w.quantity_open, w.quantity_backordered, w.quantity_reserved, w.quantity_released, w.quantity_picked, w.quantity_packed,
				w.quantity_shipped, w.quantity_delivered, w.quantity_returned, w.quantity_cancelled);
END
$$;
COMMENT ON FUNCTION usom.verify_counters() IS
'Counters of order lines that differ from the sums over their pieces, recomputed; open units are those without a piece. Part of verify_orders(); empty when all is well.
Example: SELECT * FROM usom.verify_counters();';

CREATE FUNCTION usom.verify_statuses()
RETURNS TABLE (area text, entity text, problem text, expected text, actual text)
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, usom, pg_temp SET jit = off SET max_parallel_workers_per_gather = 0 SET enable_nestloop = off
AS $$
DECLARE
	org CONSTANT bigint := usom.current_org();
BEGIN
	RETURN QUERY
		SELECT 'orders', 'order ' || r.order_no, r.wrong[1], r.wrong[2], r.wrong[3]
		FROM (
			SELECT d.order_no, CASE
				WHEN d.derived <> d.status THEN ARRAY['status does not follow from the units', d.derived, d.status]
				WHEN d.live IS NULL AND d.status NOT IN ('draft', 'cancelled') THEN ARRAY['order has no lines', 'at least 1', '0']
				WHEN d.live AND d.status = 'cancelled' THEN ARRAY['units of a cancelled order are not cancelled', 'none', 'some']
				WHEN (d.waiting OR d.working OR d.on_the_way) AND d.status = 'closed' THEN
					ARRAY['units of a closed order have not arrived', 'none', 'some']
				WHEN d.planned AND d.status IN ('draft', 'submitted', 'rejected') THEN
					ARRAY['units are planned though the order is not confirmed', 'none', 'some']
			END AS wrong
			FROM (
				SELECT o.order_no, o.status::text AS status, u.*, CASE
					WHEN o.status IN ('closed', 'cancelled', 'rejected') THEN o.status::text
					WHEN NOT u.live THEN 'cancelled'
					WHEN o.status IN ('draft', 'submitted') THEN o.status::text
					WHEN NOT (u.waiting OR u.working OR u.on_the_way) THEN 'delivered'
					WHEN NOT (u.waiting OR u.working) THEN 'shipped'
					WHEN u.on_the_way OR u.arrived THEN 'partially_shipped'
					WHEN u.working THEN 'processing'
					ELSE 'confirmed'
				END AS derived
				FROM usom.sales_order o
				LEFT JOIN (
					SELECT l.sales_order_id, bool_or(l.quantity_cancelled < l.quantity) AS live,
						bool_or(l.quantity_open > 0 OR l.quantity_backordered > 0 OR l.quantity_reserved > 0) AS waiting,
						bool_or(l.quantity_released > 0 OR l.quantity_picked > 0 OR l.quantity_packed > 0) AS working,
						bool_or(l.quantity_shipped > 0) AS on_the_way,
						bool_or(l.quantity_delivered > 0 OR l.quantity_returned > 0) AS arrived,
						bool_or(l.quantity_open + l.quantity_cancelled < l.quantity) AS planned
					FROM usom.order_line l
					WHERE l.org_id = org
					GROUP BY l.sales_order_id
				) u ON u.sales_order_id = o.sales_order_id
				WHERE o.org_id = org
			) d
		) r
		WHERE r.wrong IS NOT NULL;
END
$$;
COMMENT ON FUNCTION usom.verify_statuses() IS
'Orders whose status is not what follows from the units of their lines, by rules written here anew. Part of verify_orders(); empty when all is well.
Example: SELECT * FROM usom.verify_statuses();';

CREATE FUNCTION usom.verify_history()
RETURNS TABLE (area text, entity text, problem text, expected text, actual text)
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, usom, pg_temp SET jit = off SET max_parallel_workers_per_gather = 0 SET enable_nestloop = off
AS $$
DECLARE
	org CONSTANT bigint := usom.current_org();
BEGIN
	RETURN QUERY
		SELECT 'orders', concat_ws(' version ', 'order ' || r.name, r.version), r.wrong[1], r.wrong[2], r.wrong[3]
		FROM (
			SELECT coalesce(o.order_no, '#' || h.sales_order_id) AS name, h.version, CASE
				WHEN o.sales_order_id IS NULL THEN ARRAY['history without an order', 'a row of sales_order', 'none']
				WHEN h.sales_order_id IS NULL THEN ARRAY['order without history', 'version ' || o.version, 'none']
				WHEN h.version <> coalesce(h.version_before, 0) + 1 THEN
					ARRAY['versions do not count up by one', (coalesce(h.version_before, 0) + 1)::text, h.version::text]
				WHEN h.from_status IS DISTINCT FROM h.status_before THEN
					ARRAY['step does not begin where the last one ended', coalesce(h.status_before::text, 'none'), coalesce(h.from_status::text, 'none')]
				WHEN h.version_after IS NULL AND h.version <> o.version THEN
					ARRAY['order is not at the last version of its history', h.version::text, o.version::text]
				WHEN h.version_after IS NULL AND h.to_status <> o.status THEN
					ARRAY['order is not at the last status of its history', h.to_status::text, o.status::text]
			END AS wrong
			FROM (
				SELECT k.sales_order_id, k.version, k.from_status, k.to_status, lag(k.version) OVER w AS version_before,
					lag(k.to_status) OVER w AS status_before, lead(k.version) OVER w AS version_after
				FROM usom.order_history k
				WHERE k.org_id = org
				WINDOW w AS (PARTITION BY k.sales_order_id ORDER BY k.version)
			) h
			FULL JOIN (
				SELECT s.sales_order_id, s.order_no, s.version, s.status
				FROM usom.sales_order s
				WHERE s.org_id = org
			) o ON o.sales_order_id = h.sales_order_id
		) r
		WHERE r.wrong IS NOT NULL;
END
$$;
COMMENT ON FUNCTION usom.verify_history() IS
'Gaps and breaks in the history of orders: versions count up by one, each step begins at the status where the last one ended, the last one is the order as it stands. Part of verify_orders(); empty when all is well.
Example: SELECT * FROM usom.verify_history();';

CREATE FUNCTION usom.verify_references()
RETURNS TABLE (area text, entity text, problem text, expected text, actual text)
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, usom, pg_temp SET jit = off SET max_parallel_workers_per_gather = 0 SET enable_nestloop = off
AS $$
DECLARE
	org CONSTANT bigint := usom.current_org();
BEGIN
	RETURN QUERY
		SELECT 'orders', 'order ' || r.order_no, r.wrong[1], r.wrong[2], r.wrong[3]
		FROM (
			SELECT o.order_no, CASE
				WHEN ch.channel_id IS NULL THEN ARRAY['order of an unknown channel', 'a row of channel', '#' || o.channel_id]
				WHEN o.customer_id IS NOT NULL AND cu.customer_id IS NULL THEN
					ARRAY['order of an unknown customer', 'a row of customer', '#' || o.customer_id]
			END AS wrong
			FROM usom.sales_order o
			LEFT JOIN usom.channel ch ON ch.org_id = org AND ch.channel_id = o.channel_id
			LEFT JOIN usom.customer cu ON cu.org_id = org AND cu.customer_id = o.customer_id
			WHERE o.org_id = org
		) r
		WHERE r.wrong IS NOT NULL;
	RETURN QUERY
		SELECT 'orders', format('order %s line %s', coalesce(r.order_no, '#' || r.sales_order_id), r.line_no), r.wrong[1], r.wrong[2], r.wrong[3]
		FROM (
			SELECT o.order_no, l.sales_order_id, l.line_no, CASE
				WHEN o.sales_order_id IS NULL THEN ARRAY['line without an order', 'a row of sales_order', 'none']
				WHEN p.product_id IS NULL THEN ARRAY['line of an unknown product', 'a row of product', '#' || l.product_id]
				WHEN l.location_id IS NOT NULL AND lo.location_id IS NULL THEN
					ARRAY['line for an unknown location', 'a row of location', '#' || l.location_id]
			END AS wrong
			FROM usom.order_line l
			LEFT JOIN usom.sales_order o ON o.org_id = org AND o.sales_order_id = l.sales_order_id
			LEFT JOIN usom.product p ON p.org_id = org AND p.product_id = l.product_id
			LEFT JOIN usom.location lo ON lo.org_id = org AND lo.location_id = l.location_id
			WHERE l.org_id = org
		) r
		WHERE r.wrong IS NOT NULL;
	RETURN QUERY
		SELECT 'orders', format('hold %s of order %s', r.hold_type, coalesce(r.order_no, '#' || r.sales_order_id)), r.wrong[1], r.wrong[2], r.wrong[3]
		FROM (
			SELECT h.hold_type, o.order_no, h.sales_order_id, CASE
				WHEN o.sales_order_id IS NULL THEN ARRAY['hold on an unknown order', 'a row of sales_order', 'none']
				WHEN h.line_no IS NOT NULL AND l.line_no IS NULL AND h.released_at IS NULL THEN
					ARRAY['hold on an unknown line', 'a row of order_line', 'line ' || h.line_no]
				WHEN h.piece_no IS NOT NULL AND h.released_at IS NULL AND NOT EXISTS (SELECT FROM usom.fulfillment_line f
					WHERE f.org_id = org AND f.sales_order_id = h.sales_order_id AND f.line_no = h.line_no AND f.piece_no = h.piece_no) THEN
					ARRAY['hold on an unknown piece', 'a row of fulfillment_line', format('piece %s of line %s', h.piece_no, h.line_no)]
			END AS wrong
			FROM usom.hold h
			LEFT JOIN usom.sales_order o ON o.org_id = org AND o.sales_order_id = h.sales_order_id
			LEFT JOIN usom.order_line l ON l.org_id = org AND l.sales_order_id = h.sales_order_id AND l.line_no = h.line_no
			WHERE h.org_id = org
		) r
		WHERE r.wrong IS NOT NULL;
END
$$;
COMMENT ON FUNCTION usom.verify_references() IS
'Orders, lines and holds that refer to a row that is not there: channel, customer, order, product, location, line. Part of verify_orders(); empty when all is well.
Example: SELECT * FROM usom.verify_references();';

CREATE FUNCTION usom.verify_pieces()
RETURNS TABLE (area text, entity text, problem text, expected text, actual text)
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, usom, pg_temp SET jit = off SET max_parallel_workers_per_gather = 0 SET enable_nestloop = off
AS $$
DECLARE
	org CONSTANT bigint := usom.current_org();
BEGIN
	RETURN QUERY
		SELECT 'orders', format('order %s line %s piece %s', coalesce(
				(SELECT o.order_no FROM usom.sales_order o WHERE o.org_id = org AND o.sales_order_id = r.sales_order_id),
				'#' || r.sales_order_id), r.line_no, r.piece_no),
			r.wrong[1], r.wrong[2], r.wrong[3]
		FROM (
			SELECT f.sales_order_id, f.line_no, f.piece_no, CASE
				WHEN l.line_no IS NULL THEN ARRAY['piece without a line', 'a row of order_line', 'none']
				WHEN l.product_id <> f.product_id THEN
					ARRAY['piece of another product than its line', '#' || l.product_id, '#' || f.product_id]
				WHEN f.location_id IS NOT NULL AND lo.location_id IS NULL THEN
					ARRAY['piece at an unknown location', 'a row of location', '#' || f.location_id]
				WHEN f.location_id IS NOT NULL AND p.kind = 'service' THEN
					ARRAY['piece of a service has a location', 'none', lo.code]
				WHEN l.kit_line_no = l.line_no THEN ARRAY['kit has a piece of its own', 'none', f.status::text]
				WHEN f.location_id IS NULL AND p.kind = 'physical' AND f.status NOT IN ('open', 'backordered', 'cancelled') THEN
					ARRAY['piece is served from nowhere', 'a location', 'none']
				WHEN f.shipment_id IS NULL THEN NULL
				WHEN s.shipment_id IS NULL THEN ARRAY['piece of an unknown shipment', 'a row of shipment', '#' || f.shipment_id]
				WHEN s.sales_order_id <> f.sales_order_id THEN
					ARRAY['piece in the shipment of another order', '#' || f.sales_order_id, '#' || s.sales_order_id]
				WHEN f.location_id IS NOT NULL AND f.location_id IS DISTINCT FROM s.location_id THEN
					ARRAY['piece left from another location than its shipment', '#' || s.location_id, '#' || f.location_id]
				WHEN s.status = 'voided' OR (f.status = 'delivered') <> (s.status = 'delivered') AND f.status <> 'returned' THEN
					ARRAY['piece is not as far as its shipment', s.status::text, f.status::text]
			END AS wrong
			FROM usom.fulfillment_line f
			LEFT JOIN usom.order_line l ON l.org_id = org AND l.sales_order_id = f.sales_order_id AND l.line_no = f.line_no
			LEFT JOIN usom.product p ON p.org_id = org AND p.product_id = f.product_id
			LEFT JOIN usom.location lo ON lo.org_id = org AND lo.location_id = f.location_id
			LEFT JOIN usom.shipment s ON s.org_id = org AND s.shipment_id = f.shipment_id
			WHERE f.org_id = org
		) r
		WHERE r.wrong IS NOT NULL;
	RETURN QUERY
		SELECT 'orders', 'shipment ' || r.shipment_no, r.wrong[1], r.wrong[2], r.wrong[3]
		FROM (
			SELECT s.shipment_no, CASE
				WHEN o.sales_order_id IS NULL THEN ARRAY['shipment of an unknown order', 'a row of sales_order', '#' || s.sales_order_id]
				WHEN s.location_id IS NOT NULL AND lo.location_id IS NULL THEN
					ARRAY['shipment from an unknown location', 'a row of location', '#' || s.location_id]
				WHEN f.shipment_id IS NULL AND s.status <> 'voided' THEN ARRAY['shipment without pieces', 'at least 1', '0']
			END AS wrong
			FROM usom.shipment s
			LEFT JOIN usom.sales_order o ON o.org_id = org AND o.sales_order_id = s.sales_order_id
			LEFT JOIN usom.location lo ON lo.org_id = org AND lo.location_id = s.location_id
			LEFT JOIN (
				SELECT DISTINCT k.shipment_id
				FROM usom.fulfillment_line k
				WHERE k.org_id = org AND k.shipment_id IS NOT NULL
			) f ON f.shipment_id = s.shipment_id
			WHERE s.org_id = org
		) r
		WHERE r.wrong IS NOT NULL;
END
$$;
COMMENT ON FUNCTION usom.verify_pieces() IS
'Pieces that do not fit their line, location or shipment, and shipments without an order, a location or pieces. Part of verify_orders(); empty when all is well.
Example: SELECT * FROM usom.verify_pieces();';

CREATE FUNCTION usom.verify_reserved()
RETURNS TABLE (area text, entity text, problem text, expected text, actual text)
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, usom, pg_temp SET jit = off SET max_parallel_workers_per_gather = 0 SET enable_nestloop = off
AS $$
DECLARE
	org CONSTANT bigint := usom.current_org();
BEGIN
	RETURN QUERY
		SELECT 'reserved', concat_ws(' ', coalesce(p.sku, 'product ' || w.product_id), 'at', coalesce(lo.code, 'location ' || w.location_id),
				'lot ' || nullif(w.lot, '')), v.problem, trim_scale(v.expected)::text, trim_scale(v.actual)::text
		FROM (
			SELECT k.product_id, k.location_id, k.lot, sum(k.kept) AS kept, sum(k.reserved) AS reserved, sum(k.gone) AS gone,
				sum(k.shipped) AS shipped, sum(k.back) AS back, sum(k.returned) AS returned
			FROM (
				SELECT s.product_id, s.location_id, s.lot, s.reserved AS kept, 0 AS reserved, 0 AS gone, 0 AS shipped, 0 AS back, 0 AS returned
				FROM usom.stock s
				WHERE s.org_id = org
				UNION ALL
				SELECT f.product_id, f.location_id, f.lot, 0,
					coalesce(sum(f.quantity) FILTER (WHERE f.status IN ('reserved', 'released', 'picked', 'packed')), 0),
					coalesce(sum(f.quantity) FILTER (WHERE f.status IN ('shipped', 'delivered', 'returned')), 0), 0,
					coalesce(sum(f.quantity) FILTER (WHERE f.status = 'returned'), 0), 0
				FROM usom.fulfillment_line f
				WHERE f.org_id = org AND f.location_id IS NOT NULL
				GROUP BY f.product_id, f.location_id, f.lot
				UNION ALL
				SELECT m.product_id, m.location_id, m.lot, 0, 0, 0, coalesce(-sum(m.delta) FILTER (WHERE m.kind IN ('shipment', 'void')), 0),
					0, coalesce(sum(m.delta) FILTER (WHERE m.kind = 'return'), 0)
				FROM usom.stock_movement m
				WHERE m.org_id = org AND m.kind IN ('shipment', 'void', 'return')
				GROUP BY m.product_id, m.location_id, m.lot
			) k
			GROUP BY k.product_id, k.location_id, k.lot
		) w
		LEFT JOIN usom.product p ON p.org_id = org AND p.product_id = w.product_id
		LEFT JOIN usom.location lo ON lo.org_id = org AND lo.location_id = w.location_id
		CROSS JOIN LATERAL (VALUES
			('reserved stock is not what the pieces keep', w.reserved, w.kept),
			('units that left stock by shipments are not those of the pieces', w.gone, w.shipped),
			('units that came back into stock are not those of the pieces', w.back, w.returned)
		) v (problem, expected, actual)
		WHERE v.expected <> v.actual;
END
$$;
COMMENT ON FUNCTION usom.verify_reserved() IS
'Stock against pieces, per product, location and lot: what is reserved, what left by shipments, what came back. Empty when all is well.
Example: SELECT * FROM usom.verify_reserved();';

CREATE FUNCTION usom.verify()
RETURNS TABLE (area text, entity text, problem text, expected text, actual text)
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, usom, pg_temp
AS $$
BEGIN
	PERFORM usom._check_installed();
	RETURN QUERY
		SELECT * FROM usom.verify_stock()
		UNION ALL SELECT * FROM usom.verify_reserved()
		UNION ALL SELECT * FROM usom.verify_supply()
		UNION ALL SELECT * FROM usom.verify_capacity() UNION ALL SELECT * FROM usom.verify_quota() UNION ALL SELECT * FROM usom.verify_parcels()
		UNION ALL SELECT * FROM usom.verify_orders() UNION ALL SELECT * FROM usom.verify_holds() UNION ALL SELECT * FROM usom.verify_flows()
		UNION ALL SELECT * FROM usom.verify_money()
		UNION ALL SELECT * FROM usom.verify_returns()
		UNION ALL SELECT * FROM usom.verify_service()
		UNION ALL SELECT * FROM usom.verify_vault()
		UNION ALL SELECT * FROM usom.verify_entries();
END
$$;
COMMENT ON FUNCTION usom.verify() IS
'Everything that usom keeps in the caller''s organisation, recomputed from scratch and compared: verify_stock(), verify_reserved(), verify_supply(), verify_capacity(), verify_quota(), verify_parcels(), verify_orders(), verify_holds(), verify_flows(), verify_money(), verify_returns(), verify_service(), verify_vault(), verify_entries(). One row per difference with area, entity (the business key), problem, expected and actual value; empty when all is well. One snapshot: it may run while others work.
Example: SELECT * FROM usom.verify();';

/* ---- analytics ---- */

-- Orders as they were, from the images of the audit.

CREATE FUNCTION usom._order_tables() RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, usom, pg_temp
AS $$
	SELECT ARRAY['sales_order', 'order_line', 'fulfillment_line', 'hold', 'shipment', 'return_order', 'return_line']
$$;
COMMENT ON FUNCTION usom._order_tables() IS 'Tables whose rows are an order.';
REVOKE ALL ON FUNCTION usom._order_tables() FROM PUBLIC;

CREATE FUNCTION usom._order_address(org_id bigint, address_id bigint) RETURNS jsonb
LANGUAGE plpgsql STABLE STRICT PARALLEL RESTRICTED
SET search_path = pg_catalog, usom, pg_temp
AS $$
BEGIN
	RETURN (
		SELECT jsonb_strip_nulls(jsonb_build_object('name', usom._open(a.org_id, a.name),
			'line1', usom._open(a.org_id, a.line1), 'line2', usom._open(a.org_id, a.line2), 'postcode', usom._open(a.org_id, a.postcode),
			'city', usom._open(a.org_id, a.city), 'region', usom._open(a.org_id, a.region), 'country', usom._open(a.org_id, a.country), 'latitude', a.latitude, 'longitude', a.longitude, 'verdict', a.verdict))
		FROM usom.address a WHERE a.org_id = $1 AND a.address_id = $2);
END
$$;
COMMENT ON FUNCTION usom._order_address(bigint, bigint) IS 'An address as the caller may read it: see usom._open(). Addresses are snapshots and do not change.';
REVOKE ALL ON FUNCTION usom._order_address(bigint, bigint) FROM PUBLIC;

CREATE FUNCTION usom._charge_part(line jsonb, charge text) RETURNS numeric
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, usom, pg_temp
AS $$
	SELECT trim_scale(CASE WHEN (line->>charge)::numeric = 0 THEN 0
		ELSE usom._part((line->>charge)::numeric, (line->>'quantity')::numeric - (line->>'quantity_cancelled')::numeric,
			(line->>'quantity')::numeric, (line->>'decimals')::integer) END)
$$;
COMMENT ON FUNCTION usom._charge_part(jsonb, text) IS 'A charge of the image of an order line, of the units that are not cancelled: what usom.order_lines shows.';
REVOKE ALL ON FUNCTION usom._charge_part(jsonb, text) FROM PUBLIC;

CREATE FUNCTION usom._order_fields(table_name text, image jsonb) RETURNS json
LANGUAGE plpgsql STABLE STRICT PARALLEL RESTRICTED
SET search_path = pg_catalog, usom, pg_temp SET plan_cache_mode = force_generic_plan -- planning costs more than running
AS $$
DECLARE
	org CONSTANT bigint := (image->>'org_id')::bigint;
	location CONSTANT text := (SELECT l.code FROM usom.location l WHERE l.org_id = org AND l.location_id = (image->>'location_id')::bigint);
	sku CONSTANT text := (SELECT p.sku FROM usom.product p WHERE p.org_id = org AND p.product_id = (image->>'product_id')::bigint);
BEGIN
	RETURN CASE table_name
		WHEN 'sales_order' THEN json_build_object('order_no', image->'order_no', 'status', image->'status', 'version', image->'version',
			'channel', (SELECT c.code FROM usom.channel c WHERE c.org_id = org AND c.channel_id = (image->>'channel_id')::bigint),
			'external_id', image->'external_id', 'revision', image->'revision', 'order_type', image->'order_type',
			'customer', (SELECT c.code FROM usom.customer c WHERE c.org_id = org AND c.customer_id = (image->>'customer_id')::bigint),
			'currency', image->'currency', 'total', trim_scale((image->>'total')::numeric), 'priority', image->'priority',
			'placed_at', image->'placed_at', 'requested_at', image->'requested_at', 'ship_complete', image->'ship_complete',
			'coupons', image->'coupons', 'ship_to', usom._order_address(org, (image->>'address_id')::bigint), 'payment', image->'payment',
			'instructions', usom._open(org, image->>'instructions'), 'paid', trim_scale((image->>'paid')::numeric),
			'created_at', image->'created_at',
			'parent_order_no', (SELECT p.order_no FROM usom.sales_order p WHERE p.org_id = org AND p.sales_order_id = (image->>'parent_order_id')::bigint),
			'flow', (SELECT f.code FROM usom.flow f WHERE f.org_id = org AND f.flow_id = (image->>'flow_id')::bigint),
			'flow_version', (SELECT f.version FROM usom.flow f WHERE f.org_id = org AND f.flow_id = (image->>'flow_id')::bigint),
			'flow_state', image->'flow_state')
		WHEN 'order_line' THEN json_build_object('line_no', image->'line_no', 'sku', sku, 'quantity', trim_scale((image->>'quantity')::numeric),
			'unit_price', trim_scale((image->>'unit_price')::numeric), 'total', trim_scale((image->>'total')::numeric), 'location', location,
			'requested_at', image->'requested_at', 'substitution', image->'substitution', 'partial', image->'partial',
			'kit_line_no', nullif(image->'kit_line_no', image->'line_no'), 'kit_quantity', trim_scale((image->>'kit_quantity')::numeric),
			'discount', usom._charge_part(image, 'discount'), 'freight', usom._charge_part(image, 'freight'), 'tax', usom._charge_part(image, 'tax'),
			'tax_included', image->'tax_included',
			'quantity_open', trim_scale((image->>'quantity_open')::numeric), 'quantity_backordered', trim_scale((image->>'quantity_backordered')::numeric),
			'quantity_reserved', trim_scale((image->>'quantity_reserved')::numeric), 'quantity_released', trim_scale((image->>'quantity_released')::numeric),
			'quantity_picked', trim_scale((image->>'quantity_picked')::numeric), 'quantity_packed', trim_scale((image->>'quantity_packed')::numeric),
			'quantity_shipped', trim_scale((image->>'quantity_shipped')::numeric), 'quantity_delivered', trim_scale((image->>'quantity_delivered')::numeric),
			'quantity_returned', trim_scale((image->>'quantity_returned')::numeric), 'quantity_cancelled', trim_scale((image->>'quantity_cancelled')::numeric))
		WHEN 'fulfillment_line' THEN json_build_object('piece_no', image->'piece_no', 'sku', sku, 'status', image->'status',
			'quantity', trim_scale((image->>'quantity')::numeric), 'location', location, 'lot', nullif(image->>'lot', ''),
			'promised_at', image->'promised_at',
			'shipment_no', (SELECT s.shipment_no FROM usom.shipment s WHERE s.org_id = org AND s.shipment_id = (image->>'shipment_id')::bigint),
			'supply_no', (SELECT u.supply_no FROM usom.supply u WHERE u.org_id = org AND u.supply_id = (image->>'supply_id')::bigint),
			'package_no', (SELECT k.package_no FROM usom.package k WHERE k.org_id = org AND k.package_id = (image->>'package_id')::bigint))
		WHEN 'hold' THEN json_build_object('hold_type', image->'hold_type', 'line_no', image->'line_no', 'piece_no', image->'piece_no', 'reason', image->'reason',
			'blocks', image->'blocks', 'expires_at', image->'expires_at', 'placed_at', image->'placed_at', 'placed_by', image->'placed_by',
			'released_at', image->'released_at', 'released_by', image->'released_by', 'release_reason', image->'release_reason', 'check_code', image->'check_code', 'settled', image->'settled')
		WHEN 'shipment' THEN json_build_object('shipment_no', image->'shipment_no', 'status', image->'status', 'location', location,
			'carrier', image->'carrier', 'tracking', image->'tracking', 'shipped_at', image->'shipped_at', 'delivered_at', image->'delivered_at',
			'consolidation_no', (SELECT c.consolidation_no FROM usom.consolidation c WHERE c.org_id = org AND c.consolidation_id = (image->>'consolidation_id')::bigint),
			'service', image->'service', 'voided_at', image->'voided_at', 'told_at', image->'told_at',
			'manifest_no', (SELECT m.manifest_no FROM usom.manifest m WHERE m.org_id = org AND m.manifest_id = (image->>'manifest_id')::bigint))
		WHEN 'return_order' THEN json_build_object('return_no', image->'return_no', 'status', image->'status', 'reason', image->'reason',
			'authorized_at', image->'authorized_at', 'received_at', image->'received_at', 'expires_at', image->'expires_at',
			'is_blind', image->'is_blind', 'exchange_order_no',
			(SELECT e.order_no FROM usom.sales_order e WHERE e.org_id = org AND e.sales_order_id = (image->>'exchange_order_id')::bigint))
		WHEN 'return_line' THEN json_build_object('line_no', image->'line_no', 'quantity', trim_scale((image->>'quantity')::numeric),
			'quantity_received', trim_scale((image->>'quantity_received')::numeric),
			'quantity_accepted', trim_scale((image->>'quantity_accepted')::numeric), 'quantity_rejected', trim_scale((image->>'quantity_rejected')::numeric),
			'quantity_given_up', trim_scale((image->>'quantity_given_up')::numeric), 'inspects', image->'inspects',
			'disposition', image->'disposition', 'rule', image->'rule')
	END;
END
$$;
COMMENT ON FUNCTION usom._order_fields(text, jsonb) IS 'What people read of the image of a row of an order, in their order: codes for keys, numbers without trailing zeros. Codes do not change, so those of today are those of then.';
REVOKE ALL ON FUNCTION usom._order_fields(text, jsonb) FROM PUBLIC;

CREATE FUNCTION usom._order_id(order_no text) RETURNS bigint
LANGUAGE plpgsql STABLE STRICT PARALLEL RESTRICTED
SET search_path = pg_catalog, usom, pg_temp
AS $$
DECLARE
	id bigint;
BEGIN
	PERFORM usom._check_installed(), usom._check_card('order_no', order_no);
	SELECT o.sales_order_id INTO id FROM usom.sales_order o WHERE o.org_id = usom.current_org() AND o.order_no = _order_id.order_no;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'no order "%"', order_no USING ERRCODE = 'US105', HINT = 'Look it up in usom.orders.';
	END IF;
	RETURN id;
END
$$;
COMMENT ON FUNCTION usom._order_id(text) IS 'Key of an order that the caller may see; else US105.';
REVOKE ALL ON FUNCTION usom._order_id(text) FROM PUBLIC;

CREATE FUNCTION usom._order_entry_at(sales_order_id bigint, at timestamptz) RETURNS integer
LANGUAGE plpgsql STABLE STRICT PARALLEL RESTRICTED
SET search_path = pg_catalog, usom, pg_temp SET plan_cache_mode = force_generic_plan -- planning costs more than running
AS $$
DECLARE
	org CONSTANT bigint := usom.current_org();
	by_clock CONSTANT integer := (
		WITH last AS (
			-- the clock may have gone back in between; the chain did not
			SELECT e.entry_no, e.transaction_id, e.verb FROM usom.audit_entry e
			WHERE e.org_id = org AND e.sales_order_id = $1 AND e.occurred_at <= at
			ORDER BY e.entry_no DESC LIMIT 1
		)
		SELECT coalesce((
			SELECT max(f.entry_no)
			FROM usom.audit_entry n
				JOIN usom.audit_entry f ON (f.org_id, f.sales_order_id, f.transaction_id, f.occurred_at) = (n.org_id, n.sales_order_id, n.transaction_id, n.occurred_at)
			WHERE n.org_id = org AND n.sales_order_id = $1 AND n.entry_no = l.entry_no + 1
				AND n.transaction_id = l.transaction_id AND n.verb = 'update order' AND l.verb IS NULL), l.entry_no)
		FROM last l);
BEGIN
	IF NOT EXISTS (SELECT FROM usom.order_history h WHERE h.org_id = org AND h.sales_order_id = $1 AND h.occurred_at = at) THEN
		RETURN by_clock;
	END IF;
	-- the history has the time at which the transaction began
	RETURN greatest(by_clock, (
		SELECT max(f.entry_no)
		FROM usom.audit_entry n
			CROSS JOIN LATERAL usom._audit_rows(n.after) AS i (image)
			JOIN usom.audit_entry f ON (f.org_id, f.sales_order_id, f.transaction_id, f.occurred_at) = (n.org_id, n.sales_order_id, n.transaction_id, n.occurred_at)
		WHERE n.org_id = org AND n.sales_order_id = $1 AND n.entry_no > coalesce(by_clock, 0)
			AND n.table_name = 'order_history' AND i.image->'occurred_at' = to_jsonb(at)));
END
$$;
COMMENT ON FUNCTION usom._order_entry_at(bigint, timestamptz) IS 'Number of the last entry of an order at a time; null before the first. What an UPDATE of the order entailed goes with it, though it was written a moment later, and so does what the history says of that time.';
REVOKE ALL ON FUNCTION usom._order_entry_at(bigint, timestamptz) FROM PUBLIC;

CREATE FUNCTION usom.order_as_of(order_no text, at timestamptz) RETURNS jsonb
LANGUAGE plpgsql STABLE STRICT PARALLEL RESTRICTED
SET search_path = pg_catalog, usom, pg_temp SET plan_cache_mode = force_generic_plan -- planning costs more than running
AS $$
DECLARE
	id CONSTANT bigint := usom._order_id(order_no);
	last_entry CONSTANT integer := usom._order_entry_at(id, at);
BEGIN
	IF last_entry IS NULL THEN
		RAISE EXCEPTION 'there was no order "%" at %', order_no, at
			USING ERRCODE = 'US105', HINT = 'usom.order_changes() shows when it was made.';
	END IF;
	RETURN (
		WITH newest AS (
			SELECT DISTINCT ON (e.table_name, k.key) e.table_name, k.key, e.operation, i.image
			FROM usom.audit_entry e
				CROSS JOIN LATERAL usom._audit_rows(coalesce(e.after, e.before)) WITH ORDINALITY AS i (image, n)
				CROSS JOIN LATERAL (SELECT CASE e.table_name
					WHEN 'sales_order' THEN '{}'
					WHEN 'order_line' THEN ARRAY[(i.image->>'line_no')::bigint]
					WHEN 'fulfillment_line' THEN ARRAY[(i.image->>'line_no')::bigint, (i.image->>'piece_no')::bigint]
					WHEN 'return_line' THEN ARRAY[(i.image->>'return_order_id')::bigint, (i.image->>'line_no')::bigint]
					ELSE ARRAY[(i.image->>(e.table_name || '_id'))::bigint] END) AS k (key)
			WHERE e.org_id = usom.current_org() AND e.sales_order_id = id AND e.entry_no <= last_entry
				AND e.table_name = ANY (usom._order_tables())
			ORDER BY e.table_name, k.key, e.entry_no DESC, i.n DESC
		), live AS MATERIALIZED (
			SELECT n.table_name, n.key, usom._order_fields(n.table_name, n.image)::jsonb AS fields
			FROM newest n WHERE n.operation <> 'DELETE'
		), part AS MATERIALIZED (
			-- pieces by line, lines of returns by return
			SELECT p.table_name, p.key[1] AS whole, jsonb_agg(p.fields ORDER BY p.key) AS fields
			FROM live p WHERE p.table_name IN ('fulfillment_line', 'return_line') GROUP BY 1, 2
		), whole AS (
			SELECT w.table_name, jsonb_agg(CASE w.table_name
				WHEN 'order_line' THEN w.fields || jsonb_build_object('pieces', coalesce(p.fields, '[]'))
				WHEN 'return_order' THEN w.fields || jsonb_build_object('lines', coalesce(p.fields, '[]'))
				ELSE w.fields END ORDER BY w.key) AS fields
			FROM live w
				LEFT JOIN part p ON p.whole = w.key[1]
					AND p.table_name = CASE w.table_name WHEN 'order_line' THEN 'fulfillment_line' WHEN 'return_order' THEN 'return_line' END
			GROUP BY 1
		)
		SELECT o.fields || jsonb_build_object(
			'lines', coalesce((SELECT w.fields FROM whole w WHERE w.table_name = 'order_line'), '[]'),
			'holds', coalesce((SELECT w.fields FROM whole w WHERE w.table_name = 'hold'), '[]'),
			'shipments', coalesce((SELECT w.fields FROM whole w WHERE w.table_name = 'shipment'), '[]'),
			'returns', coalesce((SELECT w.fields FROM whole w WHERE w.table_name = 'return_order'), '[]'))
		FROM live o WHERE o.table_name = 'sales_order');
END
$$;
COMMENT ON FUNCTION usom.order_as_of(text, timestamptz) IS
'The order as it was: one document made from the audit, with the keys of the order document and with status, version and total; in lines the counters and pieces; beside them holds, shipments, returns.
order_no: the order. at: the time, to the microsecond; ''infinity'' gives the order as it is. A change counts from the moment its call ended, also while its transaction had not committed yet. The timeline tells when transactions began: a time taken from there, and now() in the transaction itself, gives the order after what the transaction did to it.
Amounts in the currency of the order, quantities in units of the product, times in the time zone of the session. Codes of products, channels, customers, locations are those of today; they do not change.
For who may read usom.audit_entry. Names, streets and instructions are shown to those who may read usom.vault_key, until the person is erased.
Errors: US105 unknown order, or it was not there yet.
Example: SELECT jsonb_pretty(usom.order_as_of(''SO-000001'', ''2026-12-01 08:30+00''));';

CREATE FUNCTION usom._order_entity(table_name text, image jsonb) RETURNS text
LANGUAGE plpgsql STABLE STRICT PARALLEL RESTRICTED
SET search_path = pg_catalog, usom, pg_temp SET plan_cache_mode = force_generic_plan -- planning costs more than running
AS $$
BEGIN
	RETURN CASE table_name
		WHEN 'sales_order' THEN 'order'
		WHEN 'order_line' THEN format('line %s', image->>'line_no')
		WHEN 'fulfillment_line' THEN format('line %s piece %s', image->>'line_no', image->>'piece_no')
		WHEN 'hold' THEN concat_ws(' ', 'hold', image->>'hold_type', 'of line ' || (image->>'line_no'), 'piece ' || (image->>'piece_no'))
		WHEN 'shipment' THEN format('shipment %s', image->>'shipment_no')
		WHEN 'return_order' THEN format('return %s', image->>'return_no')
		WHEN 'return_line' THEN format('return %s line %s', (SELECT r.return_no FROM usom.return_order r
			WHERE r.org_id = (image->>'org_id')::bigint AND r.return_order_id = (image->>'return_order_id')::bigint), image->>'line_no')
	END;
END
$$;
COMMENT ON FUNCTION usom._order_entity(text, jsonb) IS 'What people call a row of an order: line 1, line 1 piece 2, hold fraud.';
REVOKE ALL ON FUNCTION usom._order_entity(text, jsonb) FROM PUBLIC;

CREATE FUNCTION usom.order_changes(order_no text)
RETURNS TABLE (occurred_at timestamptz, who text, verb text, reason text, entity text, field text, before text, after text)
LANGUAGE plpgsql STABLE STRICT PARALLEL RESTRICTED
SET search_path = pg_catalog, usom, pg_temp SET plan_cache_mode = force_generic_plan -- planning costs more than running
AS $$
#variable_conflict use_column
DECLARE
	id CONSTANT bigint := usom._order_id(order_no);
BEGIN
	RETURN QUERY
		WITH entry AS (
			-- what was written together is shown together: the order, then its lines, and so on
			SELECT e.*, min(e.entry_no) OVER (PARTITION BY e.transaction_id, e.occurred_at) AS batch
			FROM usom.audit_entry e
			WHERE e.org_id = usom.current_org() AND e.sales_order_id = id AND e.table_name = ANY (usom._order_tables())
		)
		SELECT e.occurred_at,
			CASE WHEN e.app_user IS NULL THEN e.active_role ELSE e.app_user || ' (' || e.active_role || ')' END,
			coalesce(e.verb, lower(e.operation)), e.reason,
			usom._order_entity(e.table_name, coalesce(i.after, i.before)), d.field, d.before, d.after
		FROM entry e
			CROSS JOIN LATERAL ROWS FROM (usom._audit_rows(e.before), usom._audit_rows(e.after)) WITH ORDINALITY AS i (before, after, n)
			CROSS JOIN LATERAL (
				SELECT coalesce(a.key, b.key) AS field, coalesce(a.n, b.n) AS n, b.value AS before, a.value AS after
				FROM json_each_text(usom._order_fields(e.table_name, i.before)) WITH ORDINALITY AS b (key, value, n)
					FULL JOIN json_each_text(usom._order_fields(e.table_name, i.after)) WITH ORDINALITY AS a (key, value, n) USING (key)
				WHERE a.value IS DISTINCT FROM b.value
					AND NOT (coalesce(a.key, b.key) LIKE 'quantity\_%' AND coalesce(a.value, '0') = coalesce(b.value, '0'))) d
		ORDER BY e.batch, array_position(usom._order_tables(), e.table_name), e.entry_no, i.n, d.n;
END
$$;
COMMENT ON FUNCTION usom.order_changes(text) IS
'What became of an order, like a diff: one row for each field of the order, its lines, pieces, holds, shipments and returns that came, changed or went, in the order it happened.
order_no: the order.
Returns when, who (the user that the application claimed and the role, or the role alone), verb (the function; insert, update or delete for plain SQL), reason, entity (order, line 1, line 1 piece 2, hold fraud), field, its value before (null: none) and after (null: gone).
For who may read usom.audit_entry. Names, streets and instructions are shown to those who may read usom.vault_key, until the person is erased.
Errors: US105 unknown order.
Example: SELECT occurred_at, who, verb, entity, field, before, after FROM usom.order_changes(''SO-000001'');';

/* ---- analytics ---- */

-- Papers of the warehouse as JSON, and what is kept of packages and shipments, recomputed.

CREATE FUNCTION usom.packing_slip(shipment_no text) RETURNS jsonb
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, usom, pg_temp
AS $$
DECLARE
	the record;
	gift boolean;
BEGIN
	PERFORM usom._check_card('shipment_no', packing_slip.shipment_no);
	PERFORM usom._check_installed();
	SELECT s.org_id, s.shipment_id, s.sales_order_id, v.*, o.ship_to, o.instructions, o.currency, o.external_id INTO the
	FROM usom.shipment s JOIN usom.shipments v ON v.shipment_no = s.shipment_no JOIN usom.orders o ON o.order_no = v.order_no
	WHERE s.org_id = usom.current_org() AND s.shipment_no = packing_slip.shipment_no;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'no shipment "%"', packing_slip.shipment_no USING ERRCODE = 'US602', HINT = 'Look it up in usom.shipments.';
	END IF;
	gift := EXISTS (
		SELECT FROM usom.gift_wrap w JOIN usom.fulfillment_line f ON f.org_id = w.org_id AND f.sales_order_id = w.sales_order_id AND f.line_no = w.line_no
		WHERE w.org_id = the.org_id AND w.sales_order_id = the.sales_order_id AND f.shipment_id = the.shipment_id);
	RETURN jsonb_build_object('shipment_no', the.shipment_no, 'order_no', the.order_no, 'external_id', the.external_id, 'status', the.status,
		'location', the.location, 'carrier', the.carrier, 'service', the.service, 'tracking', the.tracking, 'shipped_at', the.shipped_at,
		'ship_to', the.ship_to, 'instructions', the.instructions, 'gift', gift, 'currency', CASE WHEN NOT gift THEN the.currency END,
		'lines', (
			SELECT coalesce(jsonb_agg(jsonb_build_object('line_no', l.line_no, 'sku', l.sku, 'name', l.name, 'quantity', trim_scale(l.units),
				'lot', l.lot, 'package_no', l.package_no, 'gift_wrap', l.style, 'unit_price', CASE WHEN NOT gift THEN trim_scale(l.unit_price) END)
				ORDER BY l.line_no, l.package_no, l.lot), '[]')
			FROM (
				SELECT f.line_no, p.sku, p.name, nullif(f.lot, '') AS lot, k.package_no, w.style, t.unit_price, sum(f.quantity) AS units
				FROM usom.fulfillment_line f
				JOIN usom.order_line t ON t.org_id = f.org_id AND t.sales_order_id = f.sales_order_id AND t.line_no = f.line_no
				JOIN usom.product p ON p.org_id = f.org_id AND p.product_id = f.product_id
				LEFT JOIN usom.package k ON k.org_id = f.org_id AND k.package_id = f.package_id
				LEFT JOIN usom.gift_wrap w ON w.org_id = f.org_id AND w.sales_order_id = f.sales_order_id AND w.line_no = f.line_no
				WHERE f.org_id = the.org_id AND f.sales_order_id = the.sales_order_id AND f.shipment_id = the.shipment_id
				GROUP BY 1, 2, 3, 4, 5, 6, 7) l),
		'to_follow', (
			SELECT coalesce(jsonb_agg(jsonb_build_object('line_no', l.line_no, 'sku', l.sku, 'quantity', l.units) ORDER BY l.line_no), '[]')
			FROM (
				SELECT v.line_no, v.sku, v.quantity - v.quantity_cancelled - v.quantity_shipped - v.quantity_delivered - v.quantity_returned AS units
				FROM usom.order_lines v WHERE v.order_no = the.order_no) l
			WHERE l.units > 0));
END
$$;
COMMENT ON FUNCTION usom.packing_slip(text) IS
'The packing slip of a shipment as JSON: what is in it by line, lot and package, where it goes, and what of the order is to follow. Where a line is a gift, it names no prices.
shipment_no: as ship() gave it. The address is as full as the caller may read it.
Errors: US602 unknown shipment.
Example: SELECT jsonb_pretty(usom.packing_slip(''SH-000001''));';

CREATE FUNCTION usom.shipping_label(package_no text) RETURNS jsonb
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, usom, pg_temp
AS $$
DECLARE
	the record;
	answer jsonb;
BEGIN
	PERFORM usom._check_card('package_no', shipping_label.package_no);
	PERFORM usom._check_installed();
	SELECT k.* INTO the FROM usom.packages k WHERE k.package_no = shipping_label.package_no;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'no package "%"', shipping_label.package_no USING ERRCODE = 'US622', HINT = 'Look it up in usom.packages.';
	END IF;
	SELECT jsonb_build_object('package_no', the.package_no, 'order_no', the.order_no, 'shipment_no', the.shipment_no, 'carrier', s.carrier,
		'service', s.service, 'tracking', the.tracking, 'location', the.location, 'ship_to', o.ship_to, 'packaging', the.packaging, 'weight', the.weight,
		'number', (SELECT count(*) FROM usom.packages k WHERE k.order_no = the.order_no AND k.shipment_no = the.shipment_no AND k.package_no <= the.package_no),
		'of', (SELECT count(*) FROM usom.packages k WHERE k.order_no = the.order_no AND k.shipment_no = the.shipment_no),
		'handling', (
			SELECT coalesce(jsonb_agg(jsonb_build_object('code', c.code, 'name', c.name,
				'temperature_from', c.temperature_from, 'temperature_to', c.temperature_to) ORDER BY c.code), '[]')
			FROM usom.handling_class c WHERE c.org_id = usom.current_org() AND c.code = ANY (the.handling)))
	INTO answer
	FROM usom.orders o LEFT JOIN usom.shipments s ON s.shipment_no = the.shipment_no
	WHERE o.order_no = the.order_no;
	RETURN answer;
END
$$;
COMMENT ON FUNCTION usom.shipping_label(text) IS
'What stands on the label of a package, as JSON: where it goes, by whom, its weight (kilograms) and how it wants to be handled; number and of count the packages of its shipment, 0 before it has left.
package_no: as pack() gave it. The address is as full as the caller may read it.
Errors: US622 unknown package.
Example: SELECT usom.shipping_label(''PK-000001'');';

CREATE FUNCTION usom.manifest_sheet(manifest_no text) RETURNS jsonb
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, usom, pg_temp
AS $$
DECLARE
	answer jsonb;
BEGIN
	PERFORM usom._check_card('manifest_no', manifest_sheet.manifest_no);
	PERFORM usom._check_installed();
	SELECT jsonb_build_object('manifest_no', m.manifest_no, 'location', m.location, 'carrier', m.carrier, 'closed_at', m.closed_at,
		'packages', sum(m.packages), 'weight', sum(m.weight),
		'shipments', jsonb_agg(jsonb_build_object('shipment_no', m.shipment_no, 'order_no', m.order_no, 'service', m.service, 'tracking', m.tracking,
			'packages', m.packages, 'weight', m.weight) ORDER BY m.shipment_no))
	INTO answer
	FROM usom.manifests m
	WHERE m.manifest_no = manifest_sheet.manifest_no
	GROUP BY m.manifest_no, m.location, m.carrier, m.closed_at;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'no manifest "%"', manifest_sheet.manifest_no USING ERRCODE = 'US627', HINT = 'Look it up in usom.manifests.';
	END IF;
	RETURN answer;
END
$$;
COMMENT ON FUNCTION usom.manifest_sheet(text) IS
'A closed manifest as JSON: its shipments, with packages and weight (kilograms), and their sums.
manifest_no: as close_manifest() gave it.
Errors: US627 unknown manifest.
Example: SELECT usom.manifest_sheet(''MF-000001'');';

CREATE FUNCTION usom.verify_parcels()
RETURNS TABLE (area text, entity text, problem text, expected text, actual text)
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, usom, pg_temp SET jit = off SET max_parallel_workers_per_gather = 0 SET enable_nestloop = off
AS $$
DECLARE
	org CONSTANT bigint := usom.current_org();
BEGIN
	RETURN QUERY
		SELECT 'parcels', 'package ' || coalesce(r.package_no, '#' || r.package_id), r.wrong[1], r.wrong[2], r.wrong[3]
		FROM (
			SELECT k.package_no, f.package_id, CASE
				WHEN k.package_id IS NULL THEN ARRAY['units in an unknown package', 'a row of package', '#' || f.package_id]
				WHEN f.first_order <> k.sales_order_id OR f.last_order <> k.sales_order_id THEN
					ARRAY['units of another order in a package', '#' || k.sales_order_id, '#' || f.last_order]
				WHEN f.first_location <> k.location_id OR f.last_location <> k.location_id THEN
					ARRAY['units of another location in a package', '#' || k.location_id, '#' || f.last_location]
				WHEN k.unpacked_at IS NOT NULL THEN ARRAY['units in a package that was unpacked', '0', trim_scale(f.units)::text]
				WHEN k.shipment_id IS NULL AND f.left_units > 0 THEN ARRAY['units left out of a package that has not', '0', trim_scale(f.left_units)::text]
				WHEN k.shipment_id IS NOT NULL AND f.left_units < f.units THEN
					ARRAY['units stayed of a package that left', '0', trim_scale(f.units - f.left_units)::text]
				WHEN k.shipment_id IS NOT NULL AND (f.first_shipment <> k.shipment_id OR f.last_shipment <> k.shipment_id) THEN
					ARRAY['units left with another shipment than their package', '#' || k.shipment_id, '#' || f.last_shipment]
				WHEN f.no_goods > 0 THEN ARRAY['units in a package that are not packed', '0', trim_scale(f.no_goods)::text]
			END AS wrong
			FROM (
				SELECT k.package_id, min(k.sales_order_id) AS first_order, max(k.sales_order_id) AS last_order, min(k.location_id) AS first_location,
					max(k.location_id) AS last_location, min(k.shipment_id) AS first_shipment, max(k.shipment_id) AS last_shipment, sum(k.quantity) AS units,
					coalesce(sum(k.quantity) FILTER (WHERE k.shipment_id IS NOT NULL), 0) AS left_units,
					coalesce(sum(k.quantity) FILTER (WHERE k.status NOT IN ('packed', 'shipped', 'delivered', 'returned')), 0) AS no_goods
				FROM usom.fulfillment_line k
				WHERE k.org_id = org AND k.package_id IS NOT NULL
				GROUP BY k.package_id
			) f
			LEFT JOIN usom.package k ON k.org_id = org AND k.package_id = f.package_id
		) r
		WHERE r.wrong IS NOT NULL;
	RETURN QUERY
		SELECT 'parcels', 'shipment ' || r.shipment_no, r.wrong[1], r.wrong[2], r.wrong[3]
		FROM (
			SELECT s.shipment_no, CASE
				WHEN s.manifest_id IS NOT NULL AND m.manifest_id IS NULL THEN ARRAY['shipment on an unknown manifest', 'a row of manifest', '#' || s.manifest_id]
				WHEN m.location_id <> s.location_id OR m.carrier IS DISTINCT FROM s.carrier AND m.manifest_id IS NOT NULL THEN
					ARRAY['shipment on the manifest of another location or carrier', m.carrier, s.carrier]
				WHEN s.manifest_id IS NOT NULL AND s.status = 'voided' THEN ARRAY['void shipment on a manifest', 'none', m.manifest_no]
				WHEN s.told_at IS DISTINCT FROM e.told_at AND e.told_at IS NOT NULL AND s.told_at IS NULL THEN
					ARRAY['shipment does not know what its carrier said', e.told_at::text, NULL]
			END AS wrong
			FROM usom.shipment s
			LEFT JOIN usom.manifest m ON m.org_id = org AND m.manifest_id = s.manifest_id
			LEFT JOIN (
				SELECT e.shipment_id, max(e.occurred_at) AS told_at FROM usom.tracking_event e WHERE e.org_id = org AND e.counted GROUP BY e.shipment_id
			) e ON e.shipment_id = s.shipment_id
			WHERE s.org_id = org
		) r
		WHERE r.wrong IS NOT NULL;
END
$$;
COMMENT ON FUNCTION usom.verify_parcels() IS
'Packages against the pieces that are in them, and shipments against manifests and what carriers said. Empty when all is well.
Example: SELECT * FROM usom.verify_parcels();';

/* ---- analytics ---- */

CREATE FUNCTION usom.verify_supply()
RETURNS TABLE (area text, entity text, problem text, expected text, actual text)
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, usom, pg_temp SET jit = off SET max_parallel_workers_per_gather = 0 SET enable_nestloop = off
AS $$
DECLARE
	org CONSTANT bigint := usom.current_org();
BEGIN
	RETURN QUERY
		SELECT 'supply', coalesce(u.supply_no, '#' || k.supply_id), r.wrong[1], r.wrong[2], r.wrong[3]
		FROM (SELECT * FROM usom.supply s WHERE s.org_id = org) u
		FULL JOIN (
			SELECT f.supply_id, sum(f.quantity) AS units, min(f.product_id) AS product_id, max(f.product_id) AS other_id
			FROM usom.fulfillment_line f
			WHERE f.org_id = org AND f.location_id IS NULL AND f.supply_id IS NOT NULL
			GROUP BY f.supply_id
		) k ON k.supply_id = u.supply_id
		LEFT JOIN usom.product p ON p.org_id = org AND p.product_id = u.product_id
		LEFT JOIN usom.location lo ON lo.org_id = org AND lo.location_id = u.location_id
		LEFT JOIN usom.order_line l ON l.org_id = org AND l.sales_order_id = u.sales_order_id AND l.line_no = u.line_no
		CROSS JOIN LATERAL (VALUES
			(CASE WHEN u.supply_id IS NULL THEN ARRAY['pieces count on an unknown supply', 'a row of supply', trim_scale(k.units)::text] END),
			(CASE WHEN u.pegged <> coalesce(k.units, 0) THEN
				ARRAY['pegged units are not those of the pieces that wait for it', trim_scale(coalesce(k.units, 0))::text, trim_scale(u.pegged)::text] END),
			(CASE WHEN u.product_id NOT IN (k.product_id, k.other_id) OR k.product_id <> k.other_id THEN
				ARRAY['pieces of another product count on it', '#' || u.product_id, '#' || k.product_id] END),
			(CASE WHEN p.kind IS DISTINCT FROM 'physical' THEN ARRAY['supply of an unknown product, or of a service', 'physical', p.kind] END),
			(CASE WHEN lo.location_id IS NULL THEN ARRAY['supply arrives at an unknown location', 'a row of location', '#' || u.location_id] END),
			(CASE WHEN u.sales_order_id IS NOT NULL AND l.line_no IS NULL THEN
				ARRAY['supply is for an unknown line', 'a row of order_line', format('#%s line %s', u.sales_order_id, u.line_no)] END)
		) r (wrong)
		WHERE r.wrong IS NOT NULL AND (u.supply_id IS NOT NULL OR r.wrong[1] = 'pieces count on an unknown supply');
END
$$;
COMMENT ON FUNCTION usom.verify_supply() IS
'Supply against what counts on it: pegged units are those of the waiting pieces that name it, of its product; product, location and line are there. Empty when all is well.
Example: SELECT * FROM usom.verify_supply();';

CREATE FUNCTION usom.explain_promise(order_no text)
RETURNS TABLE (line_no integer, piece_no integer, sku text, status text, quantity numeric, promised_at timestamptz, why text,
	confidence numeric, requested_at timestamptz, late_by interval)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, usom, pg_temp
AS $$
#variable_conflict use_column
BEGIN
	PERFORM usom._check_installed(), usom._check_card('order_no', order_no);
	IF NOT EXISTS (SELECT FROM usom.orders o WHERE o.order_no = $1) THEN
		RAISE EXCEPTION 'no order "%"', $1 USING ERRCODE = 'US105', HINT = 'Look it up in usom.orders.';
	END IF;
	RETURN QUERY
		SELECT l.line_no, p.piece_no, l.sku, coalesce(p.status, 'open'), coalesce(p.quantity, l.quantity_open), p.promised_at,
			CASE
				WHEN p.piece_no IS NULL THEN 'nobody has planned it yet'
				WHEN p.status IN ('shipped', 'delivered', 'returned') THEN format('%s with %s', p.status, p.shipment_no)
				WHEN p.status = 'cancelled' THEN 'cancelled'
				WHEN p.status <> 'backordered' THEN coalesce('on the shelf at ' || p.location, 'a service')
				WHEN s.supply_no IS NOT NULL THEN format('%s %s, %s at %s on %s', s.kind, s.supply_no,
					CASE WHEN s.overdue THEN 'overdue, was expected' ELSE 'expected' END, s.location, s.expected_at)
				WHEN p.promised_at IS NOT NULL THEN 'agreed, but it counts on no supply'
				ELSE 'it counts on no supply'
			END,
			CASE WHEN p.status = 'backordered' THEN s.confidence WHEN p.status IN ('reserved', 'released', 'picked', 'packed') THEN 1 END,
			l.requested_at,
			CASE WHEN p.status NOT IN ('shipped', 'delivered', 'returned', 'cancelled') AND p.promised_at > l.requested_at THEN p.promised_at - l.requested_at END
		FROM usom.order_lines l
		LEFT JOIN usom.order_pieces p ON p.order_no = l.order_no AND p.line_no = l.line_no
		LEFT JOIN usom.supplies s ON s.supply_no = p.supply_no
		WHERE l.order_no = $1 AND (p.piece_no IS NOT NULL OR l.quantity_open > 0)
		ORDER BY l.line_no, p.promised_at NULLS LAST, p.piece_no;
END
$$;
COMMENT ON FUNCTION usom.explain_promise(text) IS
'Why an order is promised for when it is: a row for each piece, with its date, what that rests on, and how sure it is.
order_no: the order. why: the shelf it lies on, the supply it waits for, or that there is none. confidence: 1 for what is on the shelf, else that of the supply. late_by: how much later than requested_at; null: it is not, or no date was requested.
Errors: US105 unknown order.
Example: SELECT * FROM usom.explain_promise(''SO-000001'');';

CREATE FUNCTION usom.piece_amounts(order_no text)
RETURNS TABLE (line_no integer, piece_no integer, status text, quantity numeric, amount numeric, currency text)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, usom, pg_temp
AS $$
#variable_conflict use_column
BEGIN
	PERFORM usom._check_installed(), usom._check_card('order_no', order_no);
	IF NOT EXISTS (SELECT FROM usom.orders o WHERE o.order_no = $1) THEN
		RAISE EXCEPTION 'no order "%"', $1 USING ERRCODE = 'US105', HINT = 'Look it up in usom.orders.';
	END IF;
	RETURN QUERY
		SELECT w.line_no, w.piece_no, w.status, w.quantity, trim_scale(w.shares[w.place]), w.currency
		FROM (
			SELECT l.line_no, f.piece_no, coalesce(f.status, l.status) AS status, coalesce(f.quantity, l.quantity) AS quantity, l.currency,
				row_number() OVER ordered AS place,
				usom._shares(l.total, array_agg(CASE WHEN f.status = 'cancelled' THEN 0 ELSE coalesce(f.quantity, 1) END) OVER whole,
					coalesce(usom._minor_digits(l.currency), 2)) AS shares
			FROM usom.order_lines l
			LEFT JOIN (
				SELECT p.line_no, p.piece_no, p.status, p.quantity FROM usom.order_pieces p WHERE p.order_no = $1
				UNION ALL
				SELECT o.line_no, NULL, 'open', o.quantity_open FROM usom.order_lines o WHERE o.order_no = $1 AND o.quantity_open > 0
			) f ON f.line_no = l.line_no
			WHERE l.order_no = $1
			WINDOW ordered AS (PARTITION BY l.line_no ORDER BY f.piece_no NULLS LAST),
				whole AS (PARTITION BY l.line_no ORDER BY f.piece_no NULLS LAST ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)
		) w
		ORDER BY w.line_no, w.piece_no NULLS LAST;
END
$$;
COMMENT ON FUNCTION usom.piece_amounts(text) IS
'What each piece of an order is worth: the total of its line, shared out by units to the smallest unit of the currency by largest remainder. The amounts of the pieces of a line always sum to its total, however often it is split and merged; cancelled pieces have none.
order_no: the order. Units that nobody has planned yet, and lines served as other lines, have no piece_no.
Errors: US105 unknown order. Example: SELECT * FROM usom.piece_amounts(''SO-000001'');';

/* ---- analytics ---- */

CREATE FUNCTION usom.verify_flows() RETURNS TABLE (area text, entity text, problem text, expected text, actual text)
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, usom, pg_temp SET jit = off SET max_parallel_workers_per_gather = 0
AS $$
DECLARE
	org CONSTANT bigint := usom.current_org();
BEGIN
	RETURN QUERY
		SELECT 'flows', format('order %s', o.order_no), CASE WHEN f.published_at IS NULL THEN 'takes a flow that is not published' ELSE 'is in a state of another status, or of none' END,
			CASE WHEN f.published_at IS NULL THEN 'a published version' ELSE o.status::text END,
			CASE WHEN f.published_at IS NULL THEN coalesce(f.code || ' ' || f.version, '#' || o.flow_id) ELSE coalesce(o.flow_state || ': ' || s.status, o.flow_state, 'none') END
		FROM usom.sales_order o
		LEFT JOIN usom.flow f ON f.org_id = org AND f.flow_id = o.flow_id
		LEFT JOIN usom.flow_state s ON s.org_id = org AND s.flow_id = o.flow_id AND s.state = o.flow_state
		WHERE o.org_id = org AND (o.flow_id IS NOT NULL OR o.flow_state IS NOT NULL)
			AND (f.published_at IS NULL OR s.status IS DISTINCT FROM o.status);
	RETURN QUERY
		SELECT 'flows', format('order %s', o.order_no), 'is in another state than its history says', coalesce(h.flow_state, 'none'), o.flow_state
		FROM usom.sales_order o
		LEFT JOIN LATERAL (
			SELECT h.flow_state FROM usom.order_history h
			WHERE h.org_id = org AND h.sales_order_id = o.sales_order_id AND h.flow_state IS NOT NULL ORDER BY h.version DESC LIMIT 1
		) h ON true
		WHERE o.org_id = org AND o.flow_id IS NOT NULL AND h.flow_state IS DISTINCT FROM o.flow_state;
	RETURN QUERY
		SELECT 'flows', format('order %s', t.order_no), format('version %s took a step that its flow has not', t.version), t.before || ' -> ' || t.flow_state, 'none'
		FROM (
			SELECT o.order_no, o.flow_id, h.version, h.event, h.flow_state, h.to_status, b.status AS status_before,
				lag(h.flow_state) OVER (PARTITION BY h.sales_order_id ORDER BY h.version) AS before
			FROM usom.order_history h
			JOIN usom.sales_order o ON o.org_id = org AND o.sales_order_id = h.sales_order_id
			JOIN usom.flow_state b ON b.org_id = org AND b.flow_id = o.flow_id AND b.state = h.flow_state
			WHERE h.org_id = org AND h.flow_state IS NOT NULL
		) t
		JOIN usom.flow_state p ON p.org_id = org AND p.flow_id = t.flow_id AND p.state = t.before
		WHERE t.before <> t.flow_state AND t.status_before >= p.status
			AND NOT EXISTS (SELECT FROM usom.flow_transition s WHERE s.org_id = org AND s.flow_id = t.flow_id AND s.from_state = t.before AND s.to_state = t.flow_state);
	RETURN QUERY
		SELECT 'flows', format('flow %s', f.code), format('version %s is published and has a fault: %s', f.version, g.what), 'none', coalesce(a.states[g.place], g.status)
		FROM usom.flow f
		CROSS JOIN LATERAL (
			SELECT array_agg(s.state ORDER BY s.state COLLATE "C") AS states, array_agg(s.status::text ORDER BY s.state COLLATE "C") AS statuses,
				array_agg(s.starts ORDER BY s.state COLLATE "C") AS starts, array_agg(false) AS marks
			FROM usom.flow_state s WHERE s.org_id = org AND s.flow_id = f.flow_id
		) a
		CROSS JOIN LATERAL (
			SELECT coalesce(array_agg(array_position(a.states, t.from_state) ORDER BY t.from_state, t.to_state), '{}') AS from_places,
				coalesce(array_agg(array_position(a.states, t.to_state) ORDER BY t.from_state, t.to_state), '{}') AS to_places
			FROM usom.flow_transition t WHERE t.org_id = org AND t.flow_id = f.flow_id
		) b
		CROSS JOIN LATERAL usom._flow_graph(a.statuses, a.starts, a.marks, b.from_places, b.to_places) g
		WHERE f.org_id = org AND f.published_at IS NOT NULL AND g.what NOT IN ('adds', 'gone');
END
$$;
COMMENT ON FUNCTION usom.verify_flows() IS
'Flows and the orders that take them, recomputed: each is in a state of its published version that lies within its status and that its history ends with, by steps that the flow has (what goes back needs none), and published versions have no fault. One row a finding, none when all is well.
Example: SELECT * FROM usom.verify_flows();';

/* ---- analytics ---- */

CREATE FUNCTION usom.verify_holds() RETURNS TABLE (area text, entity text, problem text, expected text, actual text)
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, usom, pg_temp SET jit = off SET max_parallel_workers_per_gather = 0
AS $$
DECLARE
	org CONSTANT bigint := usom.current_org();
BEGIN
	RETURN QUERY
		SELECT 'holds', format('order %s', o.order_no), 'a check holds it twice for the same', '1', t.n::text
		FROM (
			SELECT h.sales_order_id, count(*) AS n FROM usom.hold h
			WHERE h.org_id = org AND h.check_code IS NOT NULL AND h.released_at IS NULL AND (h.expires_at IS NULL OR h.expires_at > statement_timestamp())
			GROUP BY h.sales_order_id, h.line_no, h.piece_no, h.hold_type, h.check_code HAVING count(*) > 1
		) t
		JOIN usom.sales_order o ON o.org_id = org AND o.sales_order_id = t.sales_order_id;
	RETURN QUERY
		SELECT 'holds', format('finding %s', h.check_hit_id), CASE WHEN r.check_rule_id IS NULL THEN 'of an unknown rule' WHEN h.rule_version > r.version THEN 'of a version that the rule has not reached' ELSE 'about an unknown order' END,
			CASE WHEN r.check_rule_id IS NULL THEN 'a row of check_rule' WHEN h.rule_version > r.version THEN 'at most ' || r.version ELSE 'a row of sales_order' END,
			CASE WHEN h.rule_version > r.version THEN h.rule_version::text ELSE 'none' END
		FROM usom.check_hit h
		LEFT JOIN usom.check_rule r ON r.org_id = org AND r.check_rule_id = h.check_rule_id
		LEFT JOIN usom.sales_order o ON o.org_id = org AND o.sales_order_id = h.sales_order_id
		WHERE h.org_id = org AND (r.check_rule_id IS NULL OR h.rule_version > r.version OR (h.sales_order_id IS NOT NULL AND o.sales_order_id IS NULL));
	RETURN QUERY
		SELECT 'holds', format('fingerprint %s', left(encode(f.fingerprint, 'hex'), 12)), 'names no order of the customer', '#' || f.customer_id, coalesce('#' || o.customer_id, 'none')
		FROM usom.order_fingerprint f
		LEFT JOIN usom.sales_order o ON o.org_id = org AND o.sales_order_id = f.sales_order_id
		WHERE f.org_id = org AND o.customer_id IS DISTINCT FROM f.customer_id;
	RETURN QUERY
		WITH RECURSIVE raised (code, held, hold_type) AS (
			SELECT r.code, r.when_held, r.hold_type FROM usom.hold_rule r WHERE r.org_id = org AND r.active AND r.when_held IS NOT NULL
			UNION
			SELECT raised.code, raised.held, r.hold_type FROM raised
			JOIN usom.hold_rule r ON r.org_id = org AND r.active AND r.when_held = raised.hold_type
		)
		SELECT 'holds', format('hold rule "%s"', code), 'raises holds in a circle', 'an end', held FROM raised WHERE hold_type = held;
END
$$;
COMMENT ON FUNCTION usom.verify_holds() IS
'Holds of checks and rules, recomputed: none stands twice, findings are of rules and orders that there are, the last order with some lines is of that customer, and no hold rules raise each other in a circle. Holds on lines and pieces that there are not: verify_references(). One row a finding, none when all is well.
Example: SELECT * FROM usom.verify_holds();';

/* ---- analytics ---- */

-- Money recomputed by a reading of the words; src/order/money.c and the room of prices compute it while orders change.
CREATE FUNCTION usom.verify_money()
RETURNS TABLE (area text, entity text, problem text, expected text, actual text)
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, usom, pg_temp SET jit = off SET max_parallel_workers_per_gather = 0 SET enable_nestloop = off
AS $$
DECLARE
	org CONSTANT bigint := usom.current_org();
BEGIN
	RETURN QUERY
		SELECT 'money', format('order %s line %s', coalesce(
				(SELECT o.order_no FROM usom.sales_order o WHERE o.org_id = org AND o.sales_order_id = l.sales_order_id),
				'#' || l.sales_order_id), l.line_no),
			'line total is not what its units cost', trim_scale(e.total)::text, trim_scale(l.total)::text
		FROM usom.order_line l
		CROSS JOIN LATERAL (
			SELECT CASE WHEN l.decimals IS NULL THEN round(l.unit_price * (l.quantity - l.quantity_cancelled), 4)
				ELSE round((round(l.unit_price * l.quantity, l.decimals) - l.discount + l.freight + CASE WHEN l.tax_included THEN 0 ELSE l.tax END)
					* (l.quantity - l.quantity_cancelled) / l.quantity, l.decimals) END AS total
		) e
		WHERE l.org_id = org AND l.total <> e.total;
	RETURN QUERY
		SELECT 'money', format('order %s line %s', coalesce(
				(SELECT o.order_no FROM usom.sales_order o WHERE o.org_id = org AND o.sales_order_id = l.sales_order_id),
				'#' || l.sales_order_id), l.line_no),
			w.wrong, 'none', concat_ws(' ', trim_scale(l.discount), trim_scale(l.freight), trim_scale(l.tax), l.decimals)
		FROM usom.order_line l
		CROSS JOIN LATERAL (
			SELECT CASE
				WHEN l.decimals IS NULL AND (l.discount <> 0 OR l.freight <> 0 OR l.tax <> 0) THEN 'charges of a line that nothing was added to'
				WHEN l.discount <> round(l.discount, l.decimals) OR l.freight <> round(l.freight, l.decimals) OR l.tax <> round(l.tax, l.decimals)
					THEN 'charge is finer than the minor unit'
				WHEN l.discount > round(l.unit_price * l.quantity, l.decimals) THEN 'more is taken off than the goods cost'
			END AS wrong
		) w
		WHERE l.org_id = org AND w.wrong IS NOT NULL;
	RETURN QUERY
		SELECT 'money', 'order ' || o.order_no, 'order total is not the sum of its lines', trim_scale(coalesce(u.total, 0))::text, trim_scale(o.total)::text
		FROM usom.sales_order o
		LEFT JOIN (
			SELECT l.sales_order_id, sum(l.total) AS total
			FROM usom.order_line l
			WHERE l.org_id = org
			GROUP BY l.sales_order_id
		) u ON u.sales_order_id = o.sales_order_id
		WHERE o.org_id = org AND o.total <> coalesce(u.total, 0);
	-- The steps of the version that was priced last: of each line one leads to the next, and the last to what the line costs.
	RETURN QUERY
		WITH latest AS MATERIALIZED (
			SELECT s.*, lag(s.after) OVER line AS left_before, lead(s.step_no) OVER line IS NULL AS is_last
			FROM usom.price_step s
			JOIN (SELECT m.sales_order_id, max(m.version) AS version FROM usom.price_step m WHERE m.org_id = org GROUP BY m.sales_order_id) m USING (sales_order_id, version)
			WHERE s.org_id = org
			WINDOW line AS (PARTITION BY s.sales_order_id, s.line_no ORDER BY s.step_no)
		), priced AS (
			SELECT s.sales_order_id, s.line_no, max(s.after) FILTER (WHERE s.is_last) AS after,
				coalesce(sum(s.after - s.before) FILTER (WHERE s.step = 'freight'), 0) AS freight, coalesce(sum(s.after - s.before) FILTER (WHERE s.step = 'tax'), 0) AS tax,
				min(s.step_no) FILTER (WHERE s.before IS DISTINCT FROM s.left_before) AS broken_at
			FROM latest s GROUP BY s.sales_order_id, s.line_no
		), line AS (
			SELECT l.*, CASE WHEN l.decimals IS NULL THEN round(l.unit_price * l.quantity, 4)
				ELSE round(l.unit_price * l.quantity, l.decimals) - l.discount + l.freight + CASE WHEN l.tax_included THEN 0 ELSE l.tax END END AS whole
			FROM usom.order_line l WHERE l.org_id = org
		)
		SELECT 'money', format('order %s line %s', coalesce(o.order_no, '#' || l.sales_order_id), l.line_no), w.wrong, w.expected, w.actual
		FROM line l
		LEFT JOIN priced p ON p.sales_order_id = l.sales_order_id AND p.line_no = l.line_no
		LEFT JOIN usom.sales_order o ON o.org_id = org AND o.sales_order_id = l.sales_order_id
		CROSS JOIN LATERAL (VALUES
			(p.line_no IS NULL AND l.decimals IS NOT NULL AND (l.discount <> 0 OR l.freight <> 0 OR l.tax <> 0), 'charges that no step of its prices says', 'a step', 'none'),
			(p.broken_at IS NOT NULL, 'a step of its prices does not begin where the one before it ends', NULL, 'step ' || p.broken_at),
			(p.after <> l.whole, 'steps of its prices lead to another amount', trim_scale(l.whole)::text, trim_scale(p.after)::text),
			(p.freight <> l.freight, 'freight is not that of the steps of its prices', trim_scale(p.freight)::text, trim_scale(l.freight)::text),
			(p.tax <> CASE WHEN l.tax_included THEN 0 ELSE l.tax END, 'tax is not that of the steps of its prices', trim_scale(p.tax)::text, trim_scale(l.tax)::text)
		) w (found, wrong, expected, actual)
		WHERE w.found;
	-- A tax that was told stands, in proportion if the line has changed since.
	RETURN QUERY
		SELECT 'money', format('order %s line %s', coalesce(o.order_no, '#' || l.sales_order_id), l.line_no), 'tax is not what was told', trim_scale(e.tax)::text, trim_scale(l.tax)::text
		FROM usom.order_tax t
		JOIN usom.order_line l ON l.org_id = org AND l.sales_order_id = t.sales_order_id AND l.line_no = t.line_no AND l.product_id = t.product_id
		LEFT JOIN usom.sales_order o ON o.org_id = org AND o.sales_order_id = l.sales_order_id
		CROSS JOIN LATERAL (SELECT round(l.unit_price * l.quantity, l.decimals) - l.discount + l.freight AS taxable) w
		CROSS JOIN LATERAL (SELECT CASE WHEN w.taxable = t.taxable THEN t.amount WHEN t.taxable = 0 THEN 0 ELSE round(t.amount * w.taxable / t.taxable, l.decimals) END AS tax) e
		WHERE t.org_id = org AND (l.tax, l.tax_included) IS DISTINCT FROM (e.tax, t.included);
	RETURN QUERY
		SELECT 'money', format('coupon %s', c.code), 'redeemed is not the number of orders that use it', coalesce(r.uses, 0)::text, c.redeemed::text
		FROM usom.coupon c
		LEFT JOIN (SELECT d.coupon_id, count(*) AS uses FROM usom.coupon_redemption d WHERE d.org_id = org AND d.released_at IS NULL GROUP BY d.coupon_id) r ON r.coupon_id = c.coupon_id
		WHERE c.org_id = org AND c.redeemed <> coalesce(r.uses, 0);
	RETURN QUERY
		SELECT 'money', format('order %s', coalesce(o.order_no, '#' || d.sales_order_id)), CASE
				WHEN o.sales_order_id IS NULL THEN 'uses a coupon, and is not there'
				WHEN c.coupon_id IS NULL THEN 'uses a coupon that is not there'
				ELSE 'ended without goods, and uses a coupon still' END, 'none', coalesce(c.code, '#' || d.coupon_id)
		FROM usom.coupon_redemption d
		LEFT JOIN usom.sales_order o ON o.org_id = org AND o.sales_order_id = d.sales_order_id
		LEFT JOIN usom.coupon c ON c.org_id = org AND c.coupon_id = d.coupon_id
		WHERE d.org_id = org AND d.released_at IS NULL AND (o.sales_order_id IS NULL OR c.coupon_id IS NULL OR o.status IN ('cancelled', 'rejected'));
	RETURN QUERY SELECT * FROM usom.verify_credit();
	RETURN QUERY SELECT * FROM usom.verify_payments();
END
$$;
COMMENT ON FUNCTION usom.verify_money() IS
'Money that does not add up. Totals: a line''s is round(unit_price * (quantity - quantity_cancelled), 4), or, of a line that something is added to or taken off, the part that these units have of the whole; an order''s is the sum of its lines''. The steps of prices lead to what the lines cost, with their freight and tax; taxes that were told stand; coupons count the orders that use them. And what verify_credit() and verify_payments() find. Empty when all is well.
Example: SELECT * FROM usom.verify_money();';

/* ---- analytics ---- */

-- Kits: recomputed by a reading of the words; src/order/kit.c computes them while orders change.
CREATE FUNCTION usom.verify_kits()
RETURNS TABLE (area text, entity text, problem text, expected text, actual text)
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, usom, pg_temp SET jit = off SET max_parallel_workers_per_gather = 0
AS $$
DECLARE
	org CONSTANT bigint := usom.current_org();
BEGIN
	RETURN QUERY
		SELECT 'orders', format('order %s line %s', coalesce(o.order_no, '#' || r.sales_order_id), r.line_no), r.wrong[1], r.wrong[2], r.wrong[3]
		FROM (
			SELECT c.sales_order_id, c.line_no, CASE
				WHEN k.line_no IS NULL THEN ARRAY['component of an unknown kit', 'a line with number ' || c.kit_line_no, 'none']
				WHEN k.kit_line_no IS DISTINCT FROM k.line_no THEN ARRAY['component of a line that is no kit', k.line_no::text, coalesce(k.kit_line_no::text, 'none')]
				WHEN c.line_no < k.line_no THEN ARRAY['component comes before its kit', 'above ' || k.line_no, c.line_no::text]
				WHEN c.kit_quantity IS NULL THEN ARRAY['component without units for a kit', 'a quantity', 'none']
				WHEN c.quantity <> k.quantity * c.kit_quantity THEN
					ARRAY['units are not those of the kits', trim_scale(k.quantity * c.kit_quantity)::text, trim_scale(c.quantity)::text]
				WHEN c.quantity_cancelled <> k.quantity_cancelled * c.kit_quantity THEN
					ARRAY['units cancelled are not those of the kits cancelled', trim_scale(k.quantity_cancelled * c.kit_quantity)::text, trim_scale(c.quantity_cancelled)::text]
				WHEN c.unit_price <> 0 THEN ARRAY['component has a price', '0', trim_scale(c.unit_price)::text]
			END AS wrong
			FROM usom.order_line c
			LEFT JOIN usom.order_line k ON k.org_id = org AND k.sales_order_id = c.sales_order_id AND k.line_no = c.kit_line_no
			WHERE c.org_id = org AND c.kit_line_no <> c.line_no
		) r
		LEFT JOIN usom.sales_order o ON o.org_id = org AND o.sales_order_id = r.sales_order_id
		WHERE r.wrong IS NOT NULL;
	RETURN QUERY
		SELECT 'orders', format('order %s line %s', coalesce(o.order_no, '#' || r.sales_order_id), r.line_no), r.wrong[1], r.wrong[2], r.wrong[3]
		FROM (
			SELECT k.sales_order_id, k.line_no, CASE
				WHEN k.kit_quantity IS NOT NULL THEN ARRAY['kit is a component of itself', 'none', trim_scale(k.kit_quantity)::text]
				WHEN c.kits IS NULL THEN ARRAY['kit without lines for its components', 'at least 1', '0']
				WHEN c.kits <> c.kept THEN
					ARRAY['kit is not as far as its components (open, backordered, reserved, released, picked, packed, shipped, delivered, returned)', c.kits::text, c.kept::text]
			END AS wrong
			FROM usom.order_line k
			CROSS JOIN LATERAL (
				-- kits that got at least so far are as many as every component has units for, less those that got further
				SELECT array_agg(trim_scale(g.kits - g.further) ORDER BY g.state) AS kits, array_agg(trim_scale(g.kept) ORDER BY g.state) AS kept
				FROM (
					SELECT a.state, a.kits, a.kept, coalesce(lead(a.kits) OVER (ORDER BY a.state), 0) AS further
					FROM (
						SELECT s.state, s.kept, min(floor((SELECT sum(x) FROM unnest(u.units[s.state:]) AS x) / u.kit_quantity)) AS kits
						FROM unnest(ARRAY[k.quantity_open, k.quantity_backordered, k.quantity_reserved, k.quantity_released, k.quantity_picked,
							k.quantity_packed, k.quantity_shipped, k.quantity_delivered, k.quantity_returned]) WITH ORDINALITY AS s (kept, state)
						CROSS JOIN LATERAL (
							SELECT l.kit_quantity, ARRAY[l.quantity_open, l.quantity_backordered, l.quantity_reserved, l.quantity_released, l.quantity_picked,
								l.quantity_packed, l.quantity_shipped, l.quantity_delivered, l.quantity_returned]::numeric[] AS units
							FROM usom.order_line l
							WHERE l.org_id = org AND l.sales_order_id = k.sales_order_id AND l.kit_line_no = k.line_no AND l.line_no <> k.line_no
						) u
						GROUP BY s.state, s.kept
					) a
				) g
			) c
			WHERE k.org_id = org AND k.kit_line_no = k.line_no
		) r
		LEFT JOIN usom.sales_order o ON o.org_id = org AND o.sales_order_id = r.sales_order_id
		WHERE r.wrong IS NOT NULL;
	RETURN QUERY
		SELECT 'orders', format('order %s line %s', o.order_no, l.line_no), 'kit was never taken apart', 'lines for its components', 'none'
		FROM usom.product p
		JOIN usom.order_line l ON l.org_id = org AND l.product_id = p.product_id AND l.kit_line_no IS NULL
		JOIN usom.sales_order o ON o.org_id = org AND o.sales_order_id = l.sales_order_id AND o.status NOT IN ('draft', 'cancelled')
		WHERE p.org_id = org AND p.kind = 'kit';
	RETURN QUERY
		SELECT 'products', 'kit ' || k.sku, r.problem, r.expected, r.actual
		FROM usom.kit_component c
		JOIN usom.product k ON k.org_id = org AND k.product_id = c.kit_product_id
		CROSS JOIN LATERAL (
			SELECT 'components of a product that is no kit' AS problem, 'kit' AS expected, k.kind AS actual WHERE k.kind <> 'kit'
			UNION ALL
			SELECT 'kit is a part of itself', 'none', k.sku
			WHERE EXISTS (
				WITH RECURSIVE inside (product_id) AS (
					SELECT c.component_product_id
					UNION
					SELECT d.component_product_id FROM inside i JOIN usom.kit_component d ON d.org_id = org AND d.kit_product_id = i.product_id
				)
				SELECT FROM inside i WHERE i.product_id = k.product_id
			)
		) r
		WHERE c.org_id = org;
END
$$;
COMMENT ON FUNCTION usom.verify_kits() IS
'Kits recomputed: units of components are those of the kits, ordered and cancelled; a kit is as far as its components are; every kit was taken apart; no kit is a part of itself. Part of verify_orders(); empty when all is well.
Example: SELECT * FROM usom.verify_kits();';

-- Approvals: what was answered is what the order says; by whom; and the holds.
CREATE FUNCTION usom.verify_approvals()
RETURNS TABLE (area text, entity text, problem text, expected text, actual text)
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, usom, pg_temp SET jit = off SET max_parallel_workers_per_gather = 0
AS $$
DECLARE
	org CONSTANT bigint := usom.current_org();
BEGIN
	RETURN QUERY
		SELECT 'approvals', format('order %s, %s', coalesce(o.order_no, '#' || a.sales_order_id), a.queue), 'what was asked about is not what the order says',
			encode(usom._order_content(a.sales_order_id), 'hex'), encode(a.content, 'hex')
		FROM usom.approval a
		LEFT JOIN usom.sales_order o ON o.org_id = org AND o.sales_order_id = a.sales_order_id
		WHERE a.org_id = org AND a.status <> 'void' AND usom._order_content(a.sales_order_id) IS DISTINCT FROM a.content;
	RETURN QUERY
		SELECT 'approvals', 'order ' || o.order_no, 'waits for an answer without a hold', 'an active hold of type approval', 'none'
		FROM usom.sales_order o
		WHERE o.org_id = org AND o.status IN ('submitted', 'confirmed', 'processing', 'partially_shipped')
			AND EXISTS (SELECT FROM usom.approval a WHERE a.org_id = org AND a.sales_order_id = o.sales_order_id AND a.status IN ('pending', 'declined'))
			AND NOT EXISTS (SELECT FROM usom.hold h WHERE h.org_id = org AND h.sales_order_id = o.sales_order_id AND h.hold_type = 'approval'
				AND h.released_at IS NULL AND h.expires_at IS NULL);
	RETURN QUERY
		SELECT DISTINCT 'approvals', format('order %s, %s', o.order_no, a.queue), 'decided by whoever had a hand in the order', 'somebody else', a.decided_by
		FROM usom.approval a
		JOIN usom.sales_order o ON o.org_id = org AND o.sales_order_id = a.sales_order_id
		JOIN usom.order_history d ON d.org_id = org AND d.sales_order_id = a.sales_order_id AND d.event IN ('approve', 'decline')
			AND a.queue = ANY (string_to_array(d.reference, ', '))
		JOIN usom.order_history h ON h.org_id = org AND h.sales_order_id = a.sales_order_id AND h.version < d.version
			AND h.event IN ('create', 'place', 'submit', 'change', 'substitute', 'override', 'reprice', 'break_glass')
		WHERE a.org_id = org AND a.status IN ('approved', 'declined') AND NOT a.automatic
			AND CASE WHEN a.apart_by = 'app_user' AND a.decided_for <> '' AND h.app_user <> '' THEN h.app_user = a.decided_for
				ELSE h.actor = a.decided_by OR (h.app_user <> '' AND h.app_user = a.decided_for) END;
END
$$;
COMMENT ON FUNCTION usom.verify_approvals() IS
'Approvals whose digest is not that of what the order says, orders that wait for an answer without being held, and answers of people who placed or changed the order themselves. Part of verify_orders(); empty when all is well.
Example: SELECT * FROM usom.verify_approvals();';

CREATE FUNCTION usom.verify_orders()
RETURNS TABLE (area text, entity text, problem text, expected text, actual text)
LANGUAGE sql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, usom, pg_temp
AS $$
	SELECT * FROM usom.verify_counters()
	UNION ALL SELECT * FROM usom.verify_statuses()
	UNION ALL SELECT * FROM usom.verify_history()
	UNION ALL SELECT * FROM usom.verify_references()
	UNION ALL SELECT * FROM usom.verify_pieces()
	UNION ALL SELECT * FROM usom.verify_kits()
	UNION ALL SELECT * FROM usom.verify_approvals()
$$;
COMMENT ON FUNCTION usom.verify_orders() IS
'All about orders that is kept, recomputed: verify_counters(), verify_statuses(), verify_history(), verify_references(), verify_pieces(), verify_kits(), verify_approvals(). Empty when all is well.
Example: SELECT * FROM usom.verify_orders();';

/* ---- analytics ---- */

-- Payments recomputed from the ledger and the requests, by a reading of the words; src/payment keeps them while orders change.
CREATE FUNCTION usom._payment_sums(org bigint)
RETURNS TABLE (sales_order_id bigint, payment_id bigint, kind text, wanted boolean, amount numeric, tax numeric, lines jsonb)
LANGUAGE plpgsql STABLE STRICT PARALLEL RESTRICTED
SET search_path = pg_catalog, usom, pg_temp
AS $$
#variable_conflict use_column
BEGIN
	RETURN QUERY
		SELECT t.sales_order_id, t.payment_id, t.kind, false, t.amount::numeric, t.tax::numeric, t.lines FROM usom.payment_transaction t WHERE t.org_id = org AND t.outcome = 'ok'
		UNION ALL
		SELECT r.sales_order_id, r.payment_id, r.kind, true, r.amount::numeric, NULL, r.lines FROM usom.payment_request r WHERE r.org_id = org AND r.status = 'wanted';
END
$$;
COMMENT ON FUNCTION usom._payment_sums(bigint) IS 'What was recorded for payments, and what is asked for and not answered: what verify_payments() adds up.';
REVOKE ALL ON FUNCTION usom._payment_sums(bigint) FROM PUBLIC;

CREATE FUNCTION usom.verify_payments()
RETURNS TABLE (area text, entity text, problem text, expected text, actual text)
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, usom, pg_temp SET jit = off SET max_parallel_workers_per_gather = 0 SET enable_nestloop = off
AS $$
DECLARE
	org CONSTANT bigint := usom.current_org();
BEGIN
	RETURN QUERY
		SELECT 'payments', format('order %s payment %s', coalesce(o.order_no, '#' || p.sales_order_id), p.payment_no), w.problem, trim_scale(w.expected)::text, trim_scale(w.actual)::text
		FROM usom.payment p
		LEFT JOIN usom.sales_order o ON o.org_id = org AND o.sales_order_id = p.sales_order_id
		LEFT JOIN (
			SELECT s.payment_id,
				coalesce(sum(s.amount) FILTER (WHERE NOT s.wanted AND s.kind IN ('authorize', 'sale')), 0) AS authorized,
				coalesce(sum(s.amount) FILTER (WHERE NOT s.wanted AND s.kind = 'void'), 0) AS voided,
				coalesce(sum(s.amount) FILTER (WHERE NOT s.wanted AND s.kind IN ('capture', 'sale')), 0) AS captured,
				coalesce(sum(s.amount) FILTER (WHERE NOT s.wanted AND s.kind = 'refund'), 0) AS refunded,
				coalesce(sum(s.amount) FILTER (WHERE NOT s.wanted AND s.kind = 'chargeback'), 0) AS charged_back,
				coalesce(sum(s.amount) FILTER (WHERE s.wanted AND s.kind IN ('capture', 'invoice')), 0) AS capture_wanted,
				coalesce(sum(s.amount) FILTER (WHERE s.wanted AND s.kind = 'refund'), 0) AS refund_wanted
			FROM usom._payment_sums(org) s GROUP BY s.payment_id
		) s ON s.payment_id = p.payment_id
		CROSS JOIN LATERAL (VALUES
			('authorised is not what the ledger says', coalesce(s.authorized, 0), p.authorized::numeric),
			('voided is not what the ledger says', coalesce(s.voided, 0), p.voided::numeric),
			('captured is not what the ledger says', coalesce(s.captured, 0), p.captured::numeric),
			('refunded is not what the ledger says', coalesce(s.refunded, 0), p.refunded::numeric),
			('charged back is not what the ledger says', coalesce(s.charged_back, 0), p.charged_back::numeric),
			('captures wanted are not those that are asked for', coalesce(s.capture_wanted, 0), p.capture_wanted::numeric),
			('refunds wanted are not those that are asked for', coalesce(s.refund_wanted, 0), p.refund_wanted::numeric)) AS w (problem, expected, actual)
		WHERE p.org_id = org AND w.expected <> w.actual;
	RETURN QUERY
		SELECT 'payments', format('order %s payment %s', coalesce(o.order_no, '#' || p.sales_order_id), p.payment_no), w.problem, w.expected, w.actual
		FROM usom.payment p
		LEFT JOIN usom.sales_order o ON o.org_id = org AND o.sales_order_id = p.sales_order_id
		CROSS JOIN LATERAL (VALUES
			('more is captured or voided than authorised', 'at most ' || trim_scale(p.authorized), trim_scale(p.captured + p.voided)::text, p.captured + p.voided > p.authorized),
			('more goes back than was captured', 'at most ' || trim_scale(p.captured), trim_scale(p.refunded + p.refund_wanted + p.charged_back)::text,
				p.refunded + p.refund_wanted + p.charged_back > p.captured),
			('payment of no order', 'an order', 'none', o.sales_order_id IS NULL),
			('payment in another currency', o.currency::text, p.currency::text, o.currency <> p.currency)) AS w (problem, expected, actual, wrong)
		WHERE p.org_id = org AND w.wrong;
	RETURN QUERY
		SELECT 'payments', format('order %s line %s', coalesce(o.order_no, '#' || coalesce(l.sales_order_id, s.sales_order_id)), coalesce(l.line_no, s.line_no)), w.problem, trim_scale(w.expected)::text, trim_scale(w.actual)::text
		FROM (
			SELECT s.sales_order_id, x.line_no,
				coalesce(sum(x.amount) FILTER (WHERE NOT s.wanted AND s.kind IN ('capture', 'sale')), 0) AS captured,
				coalesce(sum(x.tax) FILTER (WHERE NOT s.wanted AND s.kind IN ('capture', 'sale')), 0) AS captured_tax,
				coalesce(sum(x.amount) FILTER (WHERE s.wanted AND s.kind IN ('capture', 'invoice')), 0) AS capture_wanted,
				coalesce(sum(x.amount) FILTER (WHERE NOT s.wanted AND s.kind IN ('refund', 'chargeback')), 0) AS refunded,
				coalesce(sum(x.tax) FILTER (WHERE NOT s.wanted AND s.kind IN ('refund', 'chargeback')), 0) AS refunded_tax,
				coalesce(sum(x.amount) FILTER (WHERE s.wanted AND s.kind = 'refund'), 0) AS refund_wanted,
				coalesce(sum(x.tax) FILTER (WHERE s.wanted AND s.kind = 'refund'), 0) AS refund_wanted_tax,
				coalesce(sum(x.units) FILTER (WHERE s.kind IN ('refund', 'chargeback')), 0) AS for_units,
				coalesce(sum(x.freight) FILTER (WHERE s.kind IN ('refund', 'chargeback')), 0) AS for_freight
			FROM usom._payment_sums(org) s
			CROSS JOIN LATERAL jsonb_to_recordset(s.lines) AS x (line_no integer, amount numeric, tax numeric, units numeric, freight numeric)
			GROUP BY s.sales_order_id, x.line_no
		) s
		FULL JOIN (SELECT * FROM usom.payment_line l WHERE l.org_id = org) l ON l.sales_order_id = s.sales_order_id AND l.line_no = s.line_no
		LEFT JOIN usom.sales_order o ON o.org_id = org AND o.sales_order_id = coalesce(l.sales_order_id, s.sales_order_id)
		CROSS JOIN LATERAL (VALUES
			('captured of the line is not what the ledger says', coalesce(s.captured, 0), coalesce(l.captured, 0)::numeric),
			('captured tax of the line is not what the ledger says', coalesce(s.captured_tax, 0), coalesce(l.captured_tax, 0)::numeric),
			('captures wanted of the line are not those that are asked for', coalesce(s.capture_wanted, 0), coalesce(l.capture_wanted, 0)::numeric),
			('refunded of the line is not what the ledger says', coalesce(s.refunded, 0), coalesce(l.refunded, 0)::numeric),
			('refunded tax of the line is not what the ledger says', coalesce(s.refunded_tax, 0), coalesce(l.refunded_tax, 0)::numeric),
			('refunds wanted of the line are not those that are asked for', coalesce(s.refund_wanted, 0), coalesce(l.refund_wanted, 0)::numeric),
			('tax of refunds wanted of the line is not that of those that are asked for', coalesce(s.refund_wanted_tax, 0), coalesce(l.refund_wanted_tax, 0)::numeric),
			('refunds for units of the line are not those in the ledger', coalesce(s.for_units, 0), coalesce(l.for_units, 0)::numeric),
			('refunds of freight of the line are not those in the ledger', coalesce(s.for_freight, 0), coalesce(l.for_freight, 0)::numeric)) AS w (problem, expected, actual)
		WHERE w.expected <> w.actual;
	RETURN QUERY
		SELECT 'payments', format('order %s line %s', coalesce(o.order_no, '#' || l.sales_order_id), l.line_no), w.problem, w.expected, w.actual
		FROM usom.payment_line l
		LEFT JOIN usom.sales_order o ON o.org_id = org AND o.sales_order_id = l.sales_order_id
		CROSS JOIN LATERAL (VALUES
			('more goes back than was captured for the line', 'at most ' || trim_scale(l.captured), trim_scale(l.refunded + l.refund_wanted)::text, l.refunded + l.refund_wanted > l.captured),
			('more tax goes back than was captured for the line', 'at most ' || trim_scale(l.captured_tax), trim_scale(l.refunded_tax + l.refund_wanted_tax)::text,
				l.refunded_tax + l.refund_wanted_tax > l.captured_tax)) AS w (problem, expected, actual, wrong)
		WHERE l.org_id = org AND w.wrong;
	RETURN QUERY
		SELECT 'payments', format('order %s transaction %s', coalesce(o.order_no, '#' || t.sales_order_id), t.transaction_no), w.problem, trim_scale(w.expected)::text, trim_scale(w.actual)::text
		FROM usom.payment_transaction t
		LEFT JOIN usom.sales_order o ON o.org_id = org AND o.sales_order_id = t.sales_order_id
		CROSS JOIN LATERAL (SELECT sum(x.amount) AS amount, coalesce(sum(x.tax), 0) AS tax FROM jsonb_to_recordset(t.lines) AS x (amount numeric, tax numeric)) x
		CROSS JOIN LATERAL (VALUES
			('shares do not add up to the amount', t.amount::numeric, x.amount), ('shares of tax do not add up to the tax', t.tax::numeric, x.tax)) AS w (problem, expected, actual)
		WHERE t.org_id = org AND t.lines IS NOT NULL AND w.expected IS DISTINCT FROM w.actual;
	RETURN QUERY
		SELECT 'payments', 'order ' || o.order_no, 'what is paid is not what payments say', coalesce(trim_scale(p.paid)::text, 'none'), coalesce(trim_scale(o.paid)::text, 'none')
		FROM usom.sales_order o
		LEFT JOIN (
			SELECT p.sales_order_id, sum(p.captured - p.refunded - p.refund_wanted - p.charged_back) AS paid
			FROM usom.payment p WHERE p.org_id = org GROUP BY p.sales_order_id
		) p ON p.sales_order_id = o.sales_order_id
		WHERE o.org_id = org AND coalesce(o.paid, 0) <> coalesce(p.paid, 0);
END
$$;
COMMENT ON FUNCTION usom.verify_payments() IS
'Payments recomputed: their amounts, and those of the lines, from the ledger and what is asked for; the ceilings of payments, lines and tax; shares that add up; what is paid of orders. Part of verify_money(); empty when all is well.
Example: SELECT * FROM usom.verify_payments();';

/* ---- security ---- */

CREATE FUNCTION usom._privileges()
	RETURNS TABLE (object text, everybody text, agent text, manager text, warehouse text, channel text, integrator text, bi text, auditor text, break_glass text)
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, usom, pg_temp
	AS $$
	SELECT * FROM (VALUES
	--                            every  agent  mana-  ware-  chan-  inte-  bi     audi-  break
	--                            body          ger    house  nel    grator        tor    glass
	('organisation',              '',    'r',   'r',   'r',   'r',   'r',   'r',   'r',   'r'),
	('channel',                   '',    'r',   'riu', 'r',   'r',   'r',   'r',   'r',   'r'),
	('access',                    '',    '',    'r',   '',    '',    '',    '',    'r',   ''),
	('customer',                  '',    'riu', 'riu', 'r',   'r',   'riu', 'r',   'r',   'r'),
	('customer_address',          '',    'riud','riud','r',   '',    'riud','r',   'r',   'r'),
	('address',                   '',    'r',   'r',   'r',   'r',   'r',   'r',   'r',   'r'),
	('vault_key',                 '',    'r',   'r',   'r',   '',    '',    '',    '',    ''),
	('vault_index',               '',    '',    'r',   '',    '',    '',    '',    'r',   ''),
	('erasure',                   '',    '',    'r',   '',    '',    '',    '',    'r',   ''),
	('retention',                 '',    '',    'riud','',    '',    '',    '',    'r',   ''),
	('product',                   '',    'r',   'r',   'r',   'r',   'riu', 'r',   'r',   'r'),
	('kit_component',             '',    'r',   'r',   'r',   'r',   'riud','r',   'r',   'r'),
	('product_unit',              '',    'r',   'r',   'r',   'r',   'riud','r',   'r',   'r'),
	('price',                     '',    'r',   'r',   '',    'r',   'riud','r',   'r',   'r'),
	('tax_rate',                  '',    'r',   'r',   '',    'r',   'riud','r',   'r',   'r'),
	('freight_charge',            '',    'r',   'r',   '',    'r',   'riud','r',   'r',   'r'),
	('price_contract',            '',    'r',   'r',   '',    '',    'riud','r',   'r',   'r'),
	('price_break',               '',    'r',   'r',   '',    'r',   'riud','r',   'r',   'r'),
	('promotion',                 '',    'r',   'r',   '',    'r',   'riu', 'r',   'r',   'r'),
	('coupon',                    '',    'r',   'r',   '',    '',    'riu', 'r',   'r',   'r'),
	('coupon_redemption',         '',    'r',   'r',   '',    '',    'r',   'r',   'r',   'riud'),
	('price_step',                '',    'r',   'r',   'r',   'r',   'r',   'r',   'r',   'r'),
	('lot',                       '',    'r',   'riu', 'riu', '',    'r',   'r',   'r',   'r'),
	('serial_unit',               '',    'r',   'r',   'r',   '',    'r',   'r',   'r',   'riud'),
	('location',                  '',    'r',   'riu', 'r',   'r',   'r',   'r',   'r',   'r'),
	('location_calendar',         '',    'r',   'riud','r',   'r',   'r',   'r',   'r',   'r'),
	('location_capacity',         '',    'r',   'riud','r',   '',    'r',   'r',   'r',   'r'),
	('location_load',             '',    'r',   'r',   'r',   '',    'r',   'r',   'r',   'riud'),
	('capacity_use',              '',    'r',   'r',   'r',   '',    'r',   'r',   'r',   'riud'),
	('service_level',             '',    'r',   'riu', 'r',   'r',   'r',   'r',   'r',   'r'),
	('transit_time',              '',    'r',   'r',   'r',   'r',   'riud','r',   'r',   'r'),
	('freight_rate',              '',    'r',   'r',   'r',   '',    'riud','r',   'r',   'r'),
	('postcode_centroid',         '',    'r',   'r',   'r',   'r',   'riud','r',   'r',   'r'),
	('sourcing_rule',             '',    'r',   'riu', 'r',   '',    'r',   'r',   'r',   'r'),
	('quota',                     '',    'r',   'riu', 'r',   '',    'r',   'r',   'r',   'r'),
	('pre_order_offer',           '',    'r',   'riu', 'r',   '',    'r',   'r',   'r',   'r'),
	('quota_load',                '',    'r',   'r',   'r',   '',    'r',   'r',   'r',   'riud'),
	('quota_use',                 '',    'r',   'r',   'r',   '',    'r',   'r',   'r',   'riud'),
	('fill_priority',             '',    'r',   'riud','r',   '',    'r',   'r',   'r',   'r'),
	('backorder_variant',         '',    'r',   'riu', 'r',   '',    'r',   'r',   'r',   'r'),
	('backorder_segment',         '',    'r',   'riud','r',   '',    'r',   'r',   'r',   'r'),
	('backorder_sort',            '',    'r',   'riud','r',   '',    'r',   'r',   'r',   'r'),
	('backorder_run',             '',    'r',   'r',   'r',   '',    'r',   'r',   'r',   'r'),
	('backorder_change',          '',    'r',   'r',   'r',   '',    'r',   'r',   'r',   'r'),
	('stock',                     '',    'r',   'r',   'r',   'r',   'r',   'r',   'r',   'riud'),
	('stock_movement',            '',    'r',   'r',   'r',   '',    'r',   'r',   'r',   'r'),
	('reservation',               '',    'r',   'r',   'r',   'r',   'r',   'r',   'r',   'riud'),
	('supply',                    '',    'r',   'r',   'r',   'r',   'r',   'r',   'r',   'riud'),
	('sales_order',               '',    'riu', 'riu', 'r',   'riu', 'r',   'r',   'r',   'riud'),
	('order_line',                '',    'riud','riud','r',   'riud','r',   'r',   'r',   'riud'),
	('fulfillment_line',          '',    'r',   'r',   'r',   'r',   'r',   'r',   'r',   'riud'),
	('hold',                      '',    'r',   'r',   'r',   'r',   'r',   'r',   'r',   'riud'),
	('hold_type',                 '',    'r',   'riu', 'r',   'r',   'r',   'r',   'r',   'r'),
	('hold_rule',                 '',    'r',   'riu', 'r',   '',    'r',   'r',   'r',   'r'),
	('flow',                      '',    'r',   'riud','r',   'r',   'r',   'r',   'r',   'r'),
	('flow_state',                '',    'r',   'riud','r',   'r',   'r',   'r',   'r',   'r'),
	('flow_transition',           '',    'r',   'riud','r',   'r',   'r',   'r',   'r',   'r'),
	('flow_guard',                '',    'r',   'riud','r',   'r',   'r',   'r',   'r',   'r'),
	('flow_effect',               '',    'r',   'riud','r',   'r',   'r',   'r',   'r',   'r'),
	('flow_rule',                 '',    'r',   'riu', 'r',   '',    'r',   'r',   'r',   'r'),
	('check_rule',                '',    'r',   'riu', 'r',   '',    'r',   'r',   'r',   'r'),
	('product_restriction',       '',    'r',   'riud','r',   'r',   'r',   'r',   'r',   'r'),
	('check_hit',                 '',    'r',   'r',   'r',   '',    'r',   'r',   'r',   'r'),
	('order_fingerprint',         '',    'r',   'r',   'r',   '',    'r',   'r',   'r',   'riud'),
	('payment_method',            '',    'r',   'riu', 'r',   'r',   'r',   'r',   'r',   'r'),
	('payment',                   '',    'r',   'r',   'r',   'r',   'r',   'r',   'r',   'riud'),
	('payment_line',              '',    'r',   'r',   '',    '',    'r',   'r',   'r',   'riud'),
	('payment_request',           '',    'r',   'r',   '',    'r',   'r',   'r',   'r',   'riud'),
	('credit_account',            '',    'r',   'riu', '',    '',    'r',   'r',   'r',   'ru'),
	('credit_use',                '',    'r',   'r',   '',    '',    'r',   'r',   'r',   'riud'),
	('payment_transaction',       '',    'r',   'r',   '',    'r',   'r',   'r',   'r',   'r'),
	('order_history',             '',    'r',   'r',   'r',   'r',   'r',   'r',   'r',   'r'),
	('approval_rule',              '',    'r',   'riu', '',    '',    'r',   'r',   'r',   'r'),
	('price_limit',                '',    'r',   'riu', '',    '',    'r',   'r',   'r',   'r'),
	('approval',                   '',    'r',   'r',   '',    '',    '',    'r',   'r',   'riud'),
	('price_override',             '',    'r',   'r',   '',    '',    '',    'r',   'r',   'riud'),
	('order_risk',                 '',    'r',   'r',   '',    '',    'r',   'r',   'r',   'r'),
	('event',                     '',    'r',   'r',   'r',   'r',   'r',   'r',   'r',   'r'),
	('exception_case',            '',    'r',   'r',   'r',   '',    'r',   'r',   'r',   'riud'),
	('make_order',                '',    'r',   'r',   'r',   '',    'r',   'r',   'r',   'riud'),
	('allocation_run',            '',    'r',   'r',   'r',   '',    '',    'r',   'r',   'riud'),
	('substitute',                '',    'r',   'riud', 'r',  'r',   'riud', 'r',  'r',   'r'),
	('line_unit',                 '',    'r',   'r',   'r',   'r',   'r',   'r',   'r',   'riud'),
	('order_tax',                 '',    'r',   'r',   'r',   'r',   'r',   'r',   'r',   'riud'),
	('line_substitution',         '',    'r',   'r',   'r',   'r',   'r',   'r',   'r',   'riud'),
	('stock_interest',            '',    'r',   'r',   'r',   '',    'r',   'r',   'r',   'riud'),
	('consolidation',             '',    'r',   'r',   'r',   '',    '',    'r',   'r',   'riud'),
	('consolidation_order',       '',    'r',   'r',   'r',   '',    '',    'r',   'r',   'riud'),
	('handling_class',             '',    'r',   'riu', 'r',   'r',   'r',   'r',   'r',   'r'),
	('packaging',                  '',    'r',   'riu', 'r',   'r',   'r',   'r',   'r',   'r'),
	('package',                    '',    'r',   'r',   'r',   'r',   'r',   'r',   'r',   'riud'),
	('manifest',                   '',    'r',   'r',   'r',   'r',   'r',   'r',   'r',   'riud'),
	('gift_wrap',                  '',    'r',   'r',   'r',   'r',   'r',   'r',   'r',   'riud'),
	('tracking_event',             '',    'r',   'r',   'r',   'r',   'r',   'r',   'r',   'r'),
	('pickup',                    '',    'r',   'r',   'r',   'r',   'r',   'r',   'r',   'riud'),
	('drop_ship_receipt',         '',    'r',   'r',   'r',   'r',   'r',   'r',   'r',   'riud'),
	('technician',                '',    'r',   'riu', 'r',   '',    'r',   'r',   'r',   'r'),
	('technician_skill',          '',    'r',   'riud','r',   '',    'r',   'r',   'r',   'r'),
	('technician_hours',          '',    'r',   'riud','r',   '',    'r',   'r',   'r',   'r'),
	('service_work',              '',    'r',   'riud','r',   'r',   'r',   'r',   'r',   'r'),
	('appointment',               '',    'r',   'r',   'r',   '',    'r',   'r',   'r',   'riud'),
	('service_report',            '',    'r',   'r',   'r',   '',    'r',   'r',   'r',   'r'),
	('shipment',                  '',    'r',   'r',   'r',   'r',   'r',   'r',   'r',   'riud'),
	('return_order',              '',    'r',   'r',   'r',   'r',   'r',   'r',   'r',   'riud'),
	('return_line',               '',    'r',   'r',   'r',   'r',   'r',   'r',   'r',   'riud'),
	('return_piece',              '',    'r',   'r',   'r',   'r',   'r',   'r',   'r',   'riud'),
	('return_rule',               '',    'r',   'riu', 'r',   'r',   'r',   'r',   'r',   'r'),
	('document_counter',          '',    '',    'r',   '',    '',    '',    '',    'r',   ''),
	('audit_entry',               '',    '',    'r',   '',    '',    '',    '',    'r',   ''),
	('audit_block',               '',    '',    'r',   '',    '',    '',    '',    'r',   ''),
	-- views run with the rights of who reads them
	('customers',                 '',    'r',   'r',   'r',   'r',   'r',   'r',   'r',   'r'),
	('addresses',                 '',    'r',   'r',   'r',   '',    'r',   'r',   'r',   'r'),
	('price_steps',               '',    'r',   'r',   'r',   'r',   'r',   'r',   'r',   'r'),
	('orders',                    '',    'r',   'r',   'r',   'r',   'r',   'r',   'r',   'r'),
	('order_lines',               '',    'r',   'r',   'r',   'r',   'r',   'r',   'r',   'r'),
	('order_pieces',              '',    'r',   'r',   'r',   'r',   'r',   'r',   'r',   'r'),
	('backorders',                '',    'r',   'r',   'r',   'r',   'r',   'r',   'r',   'r'),
	('kits',                      '',    'r',   'r',   'r',   'r',   'r',   'r',   'r',   'r'),
	('locations',                 '',    'r',   'r',   'r',   'r',   'r',   'r',   'r',   'r'),
	('location_hours',            '',    'r',   'r',   'r',   'r',   'r',   'r',   'r',   'r'),
	('location_loads',            '',    'r',   'r',   'r',   '',    'r',   'r',   'r',   'r'),
	('freight_rates',             '',    'r',   'r',   'r',   '',    'r',   'r',   'r',   'r'),
	('sourcing_rules',            '',    'r',   'r',   'r',   '',    'r',   'r',   'r',   'r'),
	('backorder_runs',            '',    'r',   'r',   'r',   '',    'r',   'r',   'r',   'r'),
	('backorder_changes',         '',    'r',   'r',   'r',   '',    'r',   'r',   'r',   'r'),
	('supplies',                  '',    'r',   'r',   'r',   'r',   'r',   'r',   'r',   'r'),
	('lots',                      '',    'r',   'r',   'r',   '',    'r',   'r',   'r',   'r'),
	('serials',                   '',    'r',   'r',   'r',   '',    'r',   'r',   'r',   'r'),
	('quotas',                    '',    'r',   'r',   'r',   '',    'r',   'r',   'r',   'r'),
	('make_orders',               '',    'r',   'r',   'r',   '',    'r',   'r',   'r',   'r'),
	('pre_orders',                '',    'r',   'r',   'r',   '',    'r',   'r',   'r',   'r'),
	('stock_position',            '',    'r',   'r',   'r',   'r',   'r',   'r',   'r',   'r'),
	('holds',                     '',    'r',   'r',   'r',   'r',   'r',   'r',   'r',   'r'),
	('flows',                      '',    'r',   'r',   'r',   'r',   'r',   'r',   'r',   'r'),
	('flow_steps',                 '',    'r',   'r',   'r',   'r',   'r',   'r',   'r',   'r'),
	('check_rules',               '',    'r',   'r',   'r',   '',    'r',   'r',   'r',   'r'),
	('check_hits',                '',    'r',   'r',   'r',   '',    'r',   'r',   'r',   'r'),
	('approvals',                  '',    'r',   'r',   '',    '',    '',    'r',   'r',   'r'),
	('price_overrides',            '',    'r',   'r',   '',    '',    '',    'r',   'r',   'r'),
	('events',                    '',    'r',   'r',   'r',   'r',   'r',   'r',   'r',   'r'),
	('exceptions',                '',    'r',   'r',   'r',   '',    'r',   'r',   'r',   'r'),
	('allocation_runs',           '',    'r',   'r',   'r',   '',    '',    'r',   'r',   'r'),
	('substitutes',               '',    'r',   'r',   'r',   'r',   'r',   'r',   'r',   'r'),
	('product_units',             '',    'r',   'r',   'r',   'r',   'r',   'r',   'r',   'r'),
	('line_units',                '',    'r',   'r',   'r',   'r',   'r',   'r',   'r',   'r'),
	('substitutions',             '',    'r',   'r',   'r',   'r',   'r',   'r',   'r',   'r'),
	('stock_interests',           '',    'r',   'r',   'r',   '',    'r',   'r',   'r',   'r'),
	('consolidations',            '',    'r',   'r',   'r',   '',    '',    'r',   'r',   'r'),
	('pickups',                   '',    'r',   'r',   'r',   'r',   'r',   'r',   'r',   'r'),
	('drop_ship_receipts',        '',    'r',   'r',   'r',   'r',   'r',   'r',   'r',   'r'),
	('technicians',               '',    'r',   'r',   'r',   '',    'r',   'r',   'r',   'r'),
	('appointments',              '',    'r',   'r',   'r',   '',    'r',   'r',   'r',   'r'),
	('service_papers',            '',    'r',   'r',   'r',   '',    'r',   'r',   'r',   'r'),
	('packages',                   '',    'r',   'r',   'r',   'r',   'r',   'r',   'r',   'r'),
	('package_lines',              '',    'r',   'r',   'r',   'r',   'r',   'r',   'r',   'r'),
	('tracking_events',            '',    'r',   'r',   'r',   'r',   'r',   'r',   'r',   'r'),
	('manifests',                  '',    'r',   'r',   'r',   'r',   'r',   'r',   'r',   'r'),
	('shipments',                 '',    'r',   'r',   'r',   'r',   'r',   'r',   'r',   'r'),
	('returns',                   '',    'r',   'r',   'r',   'r',   'r',   'r',   'r',   'r'),
	('return_pieces',             '',    'r',   'r',   'r',   'r',   'r',   'r',   'r',   'r'),
	('payments',                  '',    'r',   'r',   'r',   'r',   'r',   'r',   'r',   'r'),
	('payment_requests',          '',    'r',   'r',   '',    'r',   'r',   'r',   'r',   'r'),
	('credit',                    '',    'r',   'r',   '',    '',    'r',   'r',   'r',   'r'),
	('payment_transactions',      '',    'r',   'r',   '',    'r',   'r',   'r',   'r',   'r'),
	('timeline',                  '',    'r',   'r',   'r',   'r',   'r',   'r',   'r',   'r'),
	('order_statuses',            '',    'r',   'r',   'r',   'r',   'r',   'r',   'r',   'r'),
	('audit',                     '',    '',    'r',   '',    '',    '',    '',    'r',   ''),
	-- what reads no table, and what policies and defaults of columns call
	('version()',                 'x',   '',    '',    '',    '',    '',    '',    '',    ''),
	('help()',                    'x',   '',    '',    '',    '',    '',    '',    '',    ''),
	('error_codes()',             'x',   '',    '',    '',    '',    '',    '',    '',    ''),
	('lifecycle()',               'x',   '',    '',    '',    '',    '',    '',    '',    ''),
	('order_lifecycle()',         'x',   '',    '',    '',    '',    '',    '',    '',    ''),
	('piece_lifecycle()',         'x',   '',    '',    '',    '',    '',    '',    '',    ''),
	('order_types()',             'x',   '',    '',    '',    '',    '',    '',    '',    ''),
	('checks()',                  'x',   '',    '',    '',    '',    '',    '',    '',    ''),
	('currencies()',              'x',   '',    '',    '',    '',    '',    '',    '',    ''),
	('lifecycle_dot()',           'x',   '',    '',    '',    '',    '',    '',    '',    ''),
	('distance_km()',             'x',   '',    '',    '',    '',    '',    '',    '',    ''),
	('ration()',                  'x',   '',    '',    '',    '',    '',    '',    '',    ''),
	('current_org()',             'x',   '',    '',    '',    '',    '',    '',    '',    ''),
	('check_inclusion()',         'x',   '',    '',    '',    '',    '',    '',    '',    ''),
	('check_consistency()',       'x',   '',    '',    '',    '',    '',    '',    '',    ''),
	-- for superusers, and whom they give it
	('install()',                 '',    '',    '',    '',    '',    '',    '',    '',    ''),
	('upgrade()',                 '',    '',    '',    '',    '',    '',    '',    '',    ''),
	('doctor()',                  '',    '',    '',    '',    '',    '',    '',    '',    ''),
	('demo()',                    '',    '',    '',    '',    '',    '',    '',    '',    ''),
	('demo_remove()',             '',    '',    '',    '',    '',    '',    '',    '',    ''),
	('seal_audit()',              '',    '',    '',    '',    '',    '',    '',    '',    ''),
	('tick()',                    '',    '',    '',    '',    '',    '',    '',    '',    ''),
	('grant_access()',            '',    '',    '',    '',    '',    '',    '',    '',    ''),
	('revoke_access()',           '',    '',    '',    '',    '',    '',    '',    '',    ''),
	-- keys
	('next_id()',                 '',    'x',   'x',   '',    'x',   'x',   '',    '',    'x'),
	('next_document_no()',        '',    'x',   'x',   '',    'x',   '',    '',    '',    'x'),
	('default_currency()',        '',    'x',   'x',   'x',   'x',   'x',   'x',   'x',   'x'),
	('channel_id()',              '',    'x',   'x',   'x',   'x',   'x',   'x',   'x',   'x'),
	('customer_id()',             '',    'x',   'x',   'x',   'x',   'x',   'x',   'x',   'x'),
	('product_id()',              '',    'x',   'x',   'x',   'x',   'x',   'x',   'x',   'x'),
	('location_id()',             '',    'x',   'x',   'x',   'x',   'x',   'x',   'x',   'x'),
	-- orders
	('quote()',                   '',    'x',   'x',   '',    'x',   'x',   '',    '',    ''),
	('place_order()',             '',    'x',   'x',   '',    'x',   'x',   '',    '',    ''),
	('place_orders()',            '',    'x',   'x',   '',    'x',   'x',   '',    '',    ''),
	('submit_order()',            '',    'x',   'x',   '',    'x',   '',    '',    '',    ''),
	('confirm_order()',           '',    'x',   'x',   '',    '',    '',    '',    '',    ''),
	('reject_order()',            '',    '',    'x',   '',    '',    '',    '',    '',    ''),
	('close_order()',             '',    'x',   'x',   '',    '',    '',    '',    '',    ''),
	('cancel_order()',            '',    'x',   'x',   '',    'x',   '',    '',    '',    ''),
	('cancel_line()',             '',    'x',   'x',   '',    'x',   '',    '',    '',    ''),
	('change_order()',            '',    'x',   'x',   '',    'x',   '',    '',    '',    ''),
	('set_order_tax()',           '',    'x',   'x',   '',    'x',   '',    '',    '',    ''),
	('hold_order()',              '',    'x',   'x',   'x',   '',    '',    '',    '',    ''),
	('release_hold()',            '',    'x',   'x',   '',    '',    '',    '',    '',    ''),
	('set_address_verdict()',     '',    'x',   'x',   '',    'x',   '',    '',    '',    ''),
	('release_credit_hold()',     '',    '',    'x',   '',    '',    '',    '',    '',    ''),
	('review_credit()',           '',    '',    'x',   '',    '',    '',    '',    '',    ''),
	('credit_position()',         '',    'x',   'x',   '',    '',    'x',   'x',   'x',   ''),
	('_credit_owed()',            '',    '',    'x',   '',    '',    '',    '',    'x',   ''),
	('_credit_counts()',          '',    '',    'x',   '',    '',    '',    '',    'x',   ''),
	('approve_order()',            '',    'x',   'x',   '',    '',    '',    '',    '',    ''),
	('decline_order()',            '',    'x',   'x',   '',    '',    '',    '',    '',    ''),
	('request_approval()',         '',    'x',   'x',   '',    '',    '',    '',    '',    ''),
	('override_price()',           '',    'x',   'x',   '',    '',    '',    '',    '',    ''),
	('reprice_order()',            '',    'x',   'x',   '',    '',    '',    '',    '',    ''),
	('score_order()',              '',    '',    'x',   '',    '',    'x',   '',    '',    ''),
	('resolve_exception()',       '',    'x',   'x',   'x',   '',    '',    '',    '',    ''),
	('propose_substitution()',    '',    'x',   'x',   '',    '',    '',    '',    '',    ''),
	('accept_substitution()',     '',    'x',   'x',   '',    'x',   '',    '',    '',    ''),
	('decline_substitution()',    '',    'x',   'x',   '',    'x',   '',    '',    '',    ''),
	('substitute_backorders()',   '',    '',    'x',   'x',   '',    '',    '',    '',    ''),
	('watch_stock()',             '',    'x',   'x',   '',    'x',   '',    '',    '',    ''),
	('unwatch_stock()',           '',    'x',   'x',   '',    'x',   '',    '',    '',    ''),
	('tell_back_in_stock()',      '',    '',    'x',   'x',   '',    'x',   '',    '',    ''),
	('allocate_order()',          '',    'x',   'x',   'x',   '',    '',    '',    '',    ''),
	('_begin_allocation()',       '',    '',    'x',   'x',   '',    '',    '',    '',    ''),
	('_continue_allocation()',    '',    '',    'x',   'x',   '',    '',    '',    '',    ''),
	('allocate_orders()',         '',    '',    'x',   'x',   '',    '',    '',    '',    ''),
	('reallocate_order()',        '',    'x',   'x',   'x',   '',    '',    '',    '',    ''),
	('backorder_run()',           '',    '',    'x',   '',    '',    '',    '',    '',    ''),
	('fill_backorders()',         '',    '',    'x',   'x',   '',    '',    '',    '',    ''),
	('convert_pre_orders()',      '',    '',    'x',   'x',   '',    '',    '',    '',    ''),
	('request_make()',            '',    '',    'x',   'x',   '',    '',    '',    '',    ''),
	('approve_make()',            '',    '',    'x',   'x',   '',    '',    '',    '',    ''),
	('start_make()',              '',    '',    'x',   'x',   '',    '',    '',    '',    ''),
	('receive_make()',            '',    '',    'x',   'x',   '',    '',    '',    '',    ''),
	('cancel_make()',             '',    '',    'x',   'x',   '',    '',    '',    '',    ''),
	('split_order()',             '',    'x',   'x',   '',    '',    '',    '',    '',    ''),
	('split_backorder()',         '',    'x',   'x',   '',    '',    '',    '',    '',    ''),
	('merge_backorder()',         '',    'x',   'x',   '',    '',    '',    '',    '',    ''),
	('release_order()',           '',    'x',   'x',   'x',   '',    '',    '',    '',    ''),
	('_place_of()',               '',    'x',   'x',   'x',   '',    '',    '',    '',    ''),
	('consolidation_candidates()', '',   'x',   'x',   'x',   '',    '',    '',    '',    ''),
	('consolidate()',             '',    'x',   'x',   'x',   '',    '',    '',    '',    ''),
	('ship_consolidated()',       '',    '',    'x',   'x',   '',    '',    '',    '',    ''),
	('wrap_gift()',                '',    'x',   'x',   '',    'x',   '',    '',    '',    ''),
	('pack()',                     '',    '',    'x',   'x',   '',    '',    '',    '',    ''),
	('unpack()',                   '',    '',    'x',   'x',   '',    '',    '',    '',    ''),
	('void_shipment()',            '',    '',    'x',   'x',   '',    '',    '',    '',    ''),
	('close_manifest()',           '',    '',    'x',   'x',   '',    '',    '',    '',    ''),
	('packing_slip()',             '',    'x',   'x',   'x',   '',    'x',   '',    '',    ''),
	('shipping_label()',           '',    'x',   'x',   'x',   '',    'x',   '',    '',    ''),
	('manifest_sheet()',           '',    'x',   'x',   'x',   '',    'x',   '',    '',    ''),
	('record_tracking()',          '',    '',    'x',   'x',   '',    'x',   '',    '',    ''),
	('fail_delivery()',            '',    '',    'x',   'x',   '',    'x',   '',    '',    ''),
	('retry_delivery()',           '',    'x',   'x',   'x',   '',    '',    '',    '',    ''),
	('return_to_sender()',         '',    'x',   'x',   'x',   '',    'x',   '',    '',    ''),
	('lose_shipment()',            '',    '',    'x',   'x',   '',    '',    '',    '',    ''),
	('ship()',                    '',    '',    'x',   'x',   '',    '',    '',    '',    ''),
	('deliver()',                 '',    '',    'x',   'x',   '',    'x',   '',    '',    ''),
	('authorize_return()',        '',    'x',   'x',   '',    'x',   '',    '',    '',    ''),
	('record_payment()',          '',    'x',   'x',   '',    'x',   'x',   '',    '',    ''),
	('authorize_payment()',       '',    'x',   'x',   '',    'x',   'x',   '',    '',    ''),
	('capture_payment()',         '',    'x',   'x',   '',    'x',   'x',   '',    '',    ''),
	('void_payment()',            '',    'x',   'x',   '',    'x',   'x',   '',    '',    ''),
	('refund_payment()',          '',    'x',   'x',   '',    'x',   'x',   '',    '',    ''),
	('charge_back()',             '',    'x',   'x',   '',    'x',   'x',   '',    '',    ''),
	('complete_order()',          '',    'x',   'x',   '',    'x',   '',    '',    '',    ''),
	('refund_order()',            '',    'x',   'x',   '',    '',    '',    '',    '',    ''),
	('collect_payment()',         '',    'x',   'x',   '',    '',    '',    '',    '',    ''),
	('_payment_sums()',           '',    '',    'x',   '',    '',    '',    '',    'x',   ''),
	('receive_return()',          '',    '',    'x',   'x',   '',    '',    '',    '',    ''),
	('receive_blind_return()',    '',    '',    'x',   'x',   '',    '',    '',    '',    ''),
	('inspect_return()',          '',    '',    'x',   'x',   '',    '',    '',    '',    ''),
	('approve_return()',          '',    '',    'x',   '',    '',    '',    '',    '',    ''),
	('refuse_return()',           '',    '',    'x',   '',    '',    '',    '',    '',    ''),
	('cancel_return()',           '',    'x',   'x',   '',    'x',   '',    '',    '',    ''),
	('explain_return()',          '',    'x',   'x',   'x',   'x',   '',    '',    '',    ''),
	('exchange_return()',         '',    'x',   'x',   '',    'x',   '',    '',    '',    ''),
	('piece_amounts()',           '',    'x',   'x',   'x',   'x',   'x',   'x',   'x',   'x'),
	('explain_price()',           '',    'x',   'x',   'x',   'x',   'x',   'x',   'x',   'x'),
	('explain_promise()',         '',    'x',   'x',   'x',   'x',   'x',   'x',   'x',   'x'),
	('_shares()',                 '',    'x',   'x',   'x',   'x',   'x',   'x',   'x',   'x'),
	('_minor_digits()',           '',    'x',   'x',   'x',   'x',   'x',   'x',   'x',   'x'),
	('_line_value()',             '',    'x',   'x',   'x',   'x',   'x',   'x',   'x',   'x'),
	('_unallocated()',            '',    'x',   'x',   'x',   'x',   'x',   'x',   'x',   'x'),
	('_order_payment_status()',   '',    'x',   'x',   'x',   'x',   'x',   'x',   'x',   'x'),
	('_payment_status()',         '',    'x',   'x',   'x',   'x',   'x',   'x',   'x',   'x'),
	('_part()',                   '',    'x',   'x',   'x',   'x',   'x',   'x',   'x',   'x'),
	('_charge_part()',            '',    'x',   'x',   'x',   'x',   'x',   'x',   'x',   'x'),
	('order_timeline()',          '',    'x',   'x',   'x',   'x',   'x',   'x',   'x',   'x'),
	('explain_status()',          '',    'x',   'x',   'x',   'x',   'x',   'x',   'x',   'x'),
	('flow_id()',                 '',    'x',   'x',   'x',   'x',   'x',   'x',   'x',   'x'),
	('check_flow()',              '',    'x',   'x',   '',    '',    '',    '',    'x',   ''),
	('publish_flow()',            '',    '',    'x',   '',    '',    '',    '',    '',    ''),
	('revise_flow()',             '',    '',    'x',   '',    '',    '',    '',    '',    ''),
	('take_step()',               '',    'x',   'x',   'x',   '',    '',    '',    '',    ''),
	('explain_steps()',           '',    'x',   'x',   'x',   'x',   'x',   'x',   'x',   'x'),
	('flow_dot()',                '',    'x',   'x',   'x',   'x',   'x',   'x',   'x',   'x'),
	('pickup_alternatives()',     '',    'x',   'x',   'x',   'x',   '',    '',    '',    ''),
	('_pickup_alternatives()',    '',    'x',   'x',   'x',   'x',   '',    '',    '',    ''),
	('move_pickup()',             '',    'x',   'x',   'x',   '',    '',    '',    '',    ''),
	('technician_id()',           '',    'x',   'x',   'x',   '',    '',    '',    '',    ''),
	('ready_pickup()',           '',    '',    'x',   'x',   '',    '',    '',    '',    ''),
	('collect_pickup()',         '',    '',    'x',   'x',   '',    '',    '',    '',    ''),
	('reject_pickup()',          '',    '',    'x',   'x',   '',    '',    '',    '',    ''),
	('put_back_pickups()',       '',    '',    'x',   'x',   '',    '',    '',    '',    ''),
	('receive_drop_ship()',      '',    '',    'x',   'x',   '',    'x',   '',    '',    ''),
	('service_slots()',          '',    'x',   'x',   'x',   'x',   '',    '',    '',    ''),
	('book_appointment()',       '',    'x',   'x',   '',    'x',   '',    '',    '',    ''),
	('move_appointment()',       '',    'x',   'x',   '',    'x',   '',    '',    '',    ''),
	('cancel_appointment()',     '',    'x',   'x',   '',    'x',   '',    '',    '',    ''),
	('fail_appointment()',       '',    'x',   'x',   'x',   '',    '',    '',    '',    ''),
	('block_technician()',       '',    '',    'x',   'x',   '',    '',    '',    '',    ''),
	('complete_service()',       '',    '',    'x',   'x',   '',    '',    '',    '',    ''),
	('simulate_sourcing()',       '',    '',    'x',   '',    '',    '',    '',    '',    ''),
	('explain_sourcing()',        '',    'x',   'x',   'x',   '',    '',    '',    '',    ''),
	('why_not_allocated()',       '',    'x',   'x',   'x',   '',    '',    '',    '',    ''),
	-- people
	('find_customers()',          '',    'x',   'x',   'x',   '',    '',    '',    '',    ''),
	('export_customer()',         '',    'x',   'x',   '',    '',    '',    '',    '',    ''),
	('erase_customer()',          '',    '',    'x',   '',    '',    '',    '',    '',    ''),
	('erase_order_person()',      '',    '',    'x',   '',    '',    '',    '',    '',    ''),
	-- stock
	('convert_quantity()',        '',    'x',   'x',   'x',   'x',   'x',   'x',   'x',   'x'),
	('available()',               '',    'x',   'x',   'x',   'x',   'x',   'x',   'x',   'x'),
	('earliest_shipment()',       '',    'x',   'x',   'x',   'x',   'x',   'x',   'x',   'x'),
	('reserve_stock()',           '',    'x',   'x',   '',    'x',   '',    '',    '',    ''),
	('release_stock()',           '',    'x',   'x',   '',    'x',   '',    '',    '',    ''),
	('receive_stock()',           '',    '',    'x',   'x',   '',    'x',   '',    '',    ''),
	('receive_stocks()',          '',    '',    'x',   'x',   '',    'x',   '',    '',    ''),
	('receive_serials()',         '',    '',    'x',   'x',   '',    'x',   '',    '',    ''),
	('remove_serials()',          '',    '',    'x',   'x',   '',    '',    '',    '',    ''),
	('assign_serials()',          '',    'x',   'x',   'x',   '',    '',    '',    '',    ''),
	('adjust_stock()',            '',    '',    'x',   'x',   '',    '',    '',    '',    ''),
	('count_stock()',             '',    '',    'x',   'x',   '',    '',    '',    '',    ''),
	('add_supply()',              '',    '',    'x',   'x',   '',    'x',   '',    '',    ''),
	('change_supply()',           '',    '',    'x',   'x',   '',    'x',   '',    '',    ''),
	('reverse_receipt()',         '',    '',    'x',   'x',   '',    'x',   '',    '',    ''),
	('cancel_supply()',           '',    '',    'x',   'x',   '',    'x',   '',    '',    ''),
	('receive_supply()',          '',    '',    'x',   'x',   '',    'x',   '',    '',    ''),
	('set_safety()',              '',    '',    'x',   'x',   '',    '',    '',    '',    ''),
	-- orders as they were are read from the audit
	('order_as_of()',             '',    '',    'x',   '',    '',    '',    '',    'x',   ''),
	('order_changes()',           '',    '',    'x',   '',    '',    '',    '',    'x',   ''),
	-- checking; what these call inside runs with the rights of who asks, too
	('verify()',                  '',    '',    'x',   '',    '',    '',    '',    'x',   ''),
	('verify_%()',                '',    '',    'x',   '',    '',    '',    '',    'x',   ''),
	('_order_%()',                 '',    '',    'x',   '',    '',    '',    '',    'x',   ''),
	('_seal_state()',              '',    '',    'x',   '',    '',    '',    '',    'x',   ''),
	('_has_key()',                 '',    '',    'x',   '',    '',    '',    '',    'x',   ''),
	('_contact_digest()',          '',    '',    'x',   '',    '',    '',    '',    'x',   ''),
	('_merkle_%()',                '',    '',    'x',   '',    '',    '',    '',    'x',   ''),
	('_block_header()',            '',    '',    'x',   '',    '',    '',    '',    'x',   ''),
	('_to_hex()',                  '',    '',    'x',   '',    '',    '',    '',    'x',   ''),
	('export_digest()',           '',    '',    'x',   '',    '',    '',    '',    'x',   ''),
	('inclusion_proof()',         '',    '',    'x',   '',    '',    '',    '',    'x',   ''),
	('consistency_proof()',       '',    '',    'x',   '',    '',    '',    '',    'x',   '')
	) AS m
$$;
COMMENT ON FUNCTION usom._privileges() IS 'What everybody and each profile may do: r read, i insert, u update, d delete, x execute. Functions are written with parentheses, % stands for any letters. All grants of usom are made from this table; what it does not name is for the owner alone.';
REVOKE ALL ON FUNCTION usom._privileges() FROM PUBLIC;

CREATE FUNCTION usom._profiles() RETURNS text[]
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, usom, pg_temp
	AS $$SELECT ARRAY['agent', 'manager', 'warehouse', 'channel', 'integrator', 'bi', 'auditor', 'break_glass']$$;
COMMENT ON FUNCTION usom._profiles() IS 'Names of the profiles: the group role of each is usom_<profile>.';
REVOKE ALL ON FUNCTION usom._profiles() FROM PUBLIC;

CREATE FUNCTION usom._wanted_grants() RETURNS TABLE (grantee text, kind text, object text, privilege text)
	LANGUAGE sql STABLE STRICT
	SET search_path = pg_catalog, usom, pg_temp
	SET jit = off -- it would take a hundred times as long
	AS $$
	WITH found AS MATERIALIZED (
		SELECT to_jsonb(m) - 'object' AS letters, 'TABLE' AS kind, format('usom.%I', c.relname) AS object
		FROM usom._privileges() m JOIN pg_class c ON c.relname = m.object
		WHERE c.relnamespace = 'usom'::regnamespace AND c.relkind IN ('r', 'p', 'v')
		UNION ALL
		SELECT to_jsonb(m) - 'object', 'ROUTINE', format('usom.%I(%s)', f.proname, pg_get_function_identity_arguments(f.oid))
		FROM (SELECT replace(left(p.object, -2), '_', '\_') AS pattern, p.* FROM usom._privileges() p WHERE p.object LIKE '%()') m
			JOIN pg_proc f ON f.proname LIKE m.pattern
		WHERE f.pronamespace = 'usom'::regnamespace AND f.prorettype <> 'trigger'::regtype
	)
	SELECT DISTINCT CASE p.key WHEN 'everybody' THEN 'PUBLIC' ELSE 'usom_' || p.key END, f.kind, f.object,
		CASE l.letter WHEN 'r' THEN 'SELECT' WHEN 'i' THEN 'INSERT' WHEN 'u' THEN 'UPDATE' WHEN 'd' THEN 'DELETE' WHEN 'x' THEN 'EXECUTE' END
	FROM found f CROSS JOIN LATERAL jsonb_each_text(f.letters - 'pattern') p
		CROSS JOIN LATERAL regexp_split_to_table(nullif(p.value, ''), '') AS l (letter)
$$;
COMMENT ON FUNCTION usom._wanted_grants() IS 'The table of privileges, one row for each grant on what this database has.';
REVOKE ALL ON FUNCTION usom._wanted_grants() FROM PUBLIC;

CREATE FUNCTION usom._made_grants() RETURNS TABLE (grantee text, kind text, object text, privilege text)
	LANGUAGE sql STABLE STRICT
	SET search_path = pg_catalog, usom, pg_temp
	SET jit = off -- it would take a hundred times as long
	AS $$
	SELECT r.rolname::text, 'TABLE', format('usom.%I', c.relname), a.privilege_type
	FROM pg_class c CROSS JOIN LATERAL aclexplode(c.relacl) a JOIN pg_roles r ON r.oid = a.grantee
	WHERE c.relnamespace = 'usom'::regnamespace AND c.relkind IN ('r', 'p', 'v') AND r.rolname IN (SELECT 'usom_' || unnest(usom._profiles()))
	UNION ALL
	SELECT r.rolname::text, 'ROUTINE', format('usom.%I(%s)', f.proname, pg_get_function_identity_arguments(f.oid)), a.privilege_type
	FROM pg_proc f CROSS JOIN LATERAL aclexplode(f.proacl) a JOIN pg_roles r ON r.oid = a.grantee
	WHERE f.pronamespace = 'usom'::regnamespace AND r.rolname IN (SELECT 'usom_' || unnest(usom._profiles()))
$$;
COMMENT ON FUNCTION usom._made_grants() IS 'What the group roles of the profiles were granted in this database.';
REVOKE ALL ON FUNCTION usom._made_grants() FROM PUBLIC;

CREATE FUNCTION usom._settle_privileges() RETURNS void
	LANGUAGE plpgsql VOLATILE STRICT
	SET search_path = pg_catalog, usom, pg_temp
	SET jit = off -- it would take a hundred times as long
	AS $$
DECLARE
	name text;
	command text;
BEGIN
	FOREACH name IN ARRAY usom._profiles() LOOP
		-- another database of the cluster may have made it, or be about to
		CONTINUE WHEN to_regrole('usom_' || name) IS NOT NULL;
		BEGIN
			EXECUTE format('CREATE ROLE %I NOLOGIN', 'usom_' || name);
		EXCEPTION WHEN duplicate_object OR unique_violation THEN
			NULL;
		END;
	END LOOP;
	FOR command IN
		SELECT format('REVOKE %s ON %s %s FROM %I', m.privilege, m.kind, m.object, m.grantee)
		FROM (SELECT * FROM usom._made_grants() EXCEPT SELECT * FROM usom._wanted_grants()) m
		UNION ALL
		SELECT format('GRANT %s ON %s %s TO %I', string_agg(w.privilege, ', '), w.kind, w.object, w.grantee)
		FROM (SELECT * FROM usom._wanted_grants() WHERE grantee <> 'PUBLIC' EXCEPT SELECT * FROM usom._made_grants()) w
		GROUP BY w.kind, w.object, w.grantee
	LOOP
		EXECUTE command;
	END LOOP;
END
$$;
COMMENT ON FUNCTION usom._settle_privileges() IS 'Makes the group roles of the profiles, unless they are there, and brings their privileges to what _privileges() says. Part of install() and upgrade().';
REVOKE ALL ON FUNCTION usom._settle_privileges() FROM PUBLIC;

CREATE FUNCTION usom._is_public(routine oid) RETURNS boolean
	LANGUAGE sql STABLE STRICT
	SET search_path = pg_catalog, usom, pg_temp
	AS $$
	-- what belongs to a type is for whoever may use the type
	SELECT EXISTS (SELECT FROM usom._privileges() m WHERE m.everybody = 'x' AND m.object = f.proname || '()')
		OR EXISTS (SELECT FROM unnest(f.proargtypes || f.prorettype) a (type) JOIN pg_type t ON t.oid = a.type
			WHERE (t.typnamespace = 'usom'::regnamespace AND t.typtype = 'b' AND t.typcategory <> 'A') OR t.oid = 'cstring'::regtype)
	FROM pg_proc f WHERE f.oid = routine
$$;
COMMENT ON FUNCTION usom._is_public(oid) IS 'Is the function for everybody, by the table of privileges or because a type needs it?';
REVOKE ALL ON FUNCTION usom._is_public(oid) FROM PUBLIC;

CREATE FUNCTION usom._sees_channel(channel_id bigint) RETURNS boolean
	AS 'MODULE_PATHNAME', 'usom__sees_channel' LANGUAGE C STABLE PARALLEL RESTRICTED COST 10;
COMMENT ON FUNCTION usom._sees_channel(bigint) IS 'Part of policies: may the caller see orders of the channel? Everybody may call it.';
REVOKE ALL ON FUNCTION usom._sees_channel(bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION usom._sees_channel(bigint) TO PUBLIC;

CREATE FUNCTION usom._sees_order(sales_order_id bigint) RETURNS boolean
	AS 'MODULE_PATHNAME', 'usom__sees_order' LANGUAGE C STABLE PARALLEL RESTRICTED COST 10;
COMMENT ON FUNCTION usom._sees_order(bigint) IS 'Part of policies: may the caller see rows of the order? Null, a row of no order: only if all channels are seen. Everybody may call it.';
REVOKE ALL ON FUNCTION usom._sees_order(bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION usom._sees_order(bigint) TO PUBLIC;

CREATE FUNCTION usom._sees_return(return_order_id bigint) RETURNS boolean
	AS 'MODULE_PATHNAME', 'usom__sees_return' LANGUAGE C STABLE PARALLEL RESTRICTED COST 10;
COMMENT ON FUNCTION usom._sees_return(bigint) IS 'Part of policies: may the caller see rows of the return? Everybody may call it.';
REVOKE ALL ON FUNCTION usom._sees_return(bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION usom._sees_return(bigint) TO PUBLIC;

CREATE FUNCTION usom._secure_table(relation text) RETURNS void
	LANGUAGE plpgsql VOLATILE STRICT
	SET search_path = pg_catalog, usom, pg_temp
	AS $$
DECLARE
	columns name[] := ARRAY(SELECT attname FROM pg_attribute WHERE attrelid = format('usom.%I', relation)::regclass AND NOT attisdropped);
	condition text := '';
BEGIN
	IF relation = 'address' THEN
		condition := ' AND usom._sees_order(NULL)';
	ELSIF relation = 'sales_order' THEN
		condition := ' AND usom._sees_channel(channel_id)';
	ELSIF relation = 'supply' THEN
		condition := ' AND (sales_order_id IS NULL OR usom._sees_order(sales_order_id))';
	ELSIF 'sales_order_id' = ANY (columns) THEN
		condition := ' AND usom._sees_order(sales_order_id)';
	ELSIF 'return_order_id' = ANY (columns) THEN
		condition := ' AND usom._sees_return(return_order_id)';
	END IF;
	EXECUTE format('ALTER TABLE usom.%I ENABLE ROW LEVEL SECURITY', relation);
	EXECUTE format('CREATE POLICY usom_org ON usom.%I USING (org_id = usom.current_org()%s)', relation, condition);
END
$$;
COMMENT ON FUNCTION usom._secure_table(text) IS 'Puts row security on a table with org_id: rows of the caller''s organisation alone, and, where they are of orders or returns, of the channels that the caller may see; addresses are for those who see all channels.';
REVOKE ALL ON FUNCTION usom._secure_table(text) FROM PUBLIC;

/* ---- security ---- */

CREATE FUNCTION usom._add_access("role" text, profile text, org_id bigint, channel_id bigint) RETURNS bigint
	AS 'MODULE_PATHNAME', 'usom__add_access' LANGUAGE C VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom._add_access(text, text, bigint, bigint) IS 'Writes a row of usom.access, unless it is there; answers how many.';
REVOKE ALL ON FUNCTION usom._add_access(text, text, bigint, bigint) FROM PUBLIC;

CREATE FUNCTION usom._remove_access("role" text, profile text, org_id bigint, channel_id bigint) RETURNS bigint
	AS 'MODULE_PATHNAME', 'usom__remove_access' LANGUAGE C VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom._remove_access(text, text, bigint, bigint) IS 'Deletes rows of usom.access, those of one channel or of all; answers how many.';
REVOKE ALL ON FUNCTION usom._remove_access(text, text, bigint, bigint) FROM PUBLIC;

CREATE FUNCTION usom._access_org(profile text, organisation text) RETURNS bigint
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, usom, pg_temp
	AS $$
DECLARE
	found bigint;
BEGIN
	PERFORM usom._check_installed();
	IF profile = ANY (usom._profiles()) IS NOT TRUE THEN
		RAISE EXCEPTION 'there is no profile "%"', coalesce(profile, 'null') USING
			ERRCODE = 'invalid_parameter_value', HINT = format('One of: %s.', array_to_string(usom._profiles(), ', '));
	END IF;
	IF organisation IS NULL THEN
		RETURN usom.current_org();
	END IF;
	SELECT o.org_id INTO found FROM usom.organisation o WHERE o.code = organisation;
	IF found IS NULL THEN
		RAISE EXCEPTION 'organisation "%" does not exist', organisation USING
			ERRCODE = 'US006', HINT = format('INSERT INTO usom.organisation (code) VALUES (%L);', organisation);
	END IF;
	RETURN found;
END
$$;
COMMENT ON FUNCTION usom._access_org(text, text) IS 'Key of the organisation that grant_access() is about; checks the profile, too.';
REVOKE ALL ON FUNCTION usom._access_org(text, text) FROM PUBLIC;

CREATE FUNCTION usom._access_channel(org_id bigint, channel text) RETURNS bigint
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, usom, pg_temp
	AS $$
DECLARE
	found bigint;
BEGIN
	IF channel IS NULL THEN
		RETURN NULL;
	END IF;
	SELECT c.channel_id INTO found FROM usom.channel c WHERE c.org_id = _access_channel.org_id AND c.code = channel;
	IF found IS NULL THEN
		RAISE EXCEPTION 'channel "%" does not exist', channel USING
			ERRCODE = 'US006', HINT = format('INSERT INTO usom.channel (code) VALUES (%L);', channel);
	END IF;
	RETURN found;
END
$$;
COMMENT ON FUNCTION usom._access_channel(bigint, text) IS 'Key of the channel that grant_access() is about; null for null.';
REVOKE ALL ON FUNCTION usom._access_channel(bigint, text) FROM PUBLIC;

CREATE FUNCTION usom._check_duties("role" name, profile text) RETURNS void
	LANGUAGE plpgsql STABLE STRICT
	SET search_path = pg_catalog, usom, pg_temp
	AS $$
DECLARE
	other text := CASE profile WHEN 'integrator' THEN 'usom_manager' WHEN 'manager' THEN 'usom_integrator' END;
	both_of name;
BEGIN
	-- whoever is a member of the role, at whatever distance, gets the profile with it
	SELECT r.rolname INTO both_of FROM pg_roles r
	WHERE NOT r.rolsuper AND other IS NOT NULL AND pg_has_role(r.oid, $1, 'MEMBER') AND pg_has_role(r.oid, other, 'MEMBER')
	ORDER BY r.rolname <> $1, r.rolname LIMIT 1;
	IF both_of IS NOT NULL THEN
		RAISE EXCEPTION 'role "%" cannot be %: it would both write prices and approve', $1, profile USING
			ERRCODE = 'US903', DETAIL = format('Role "%s" is a member of %s.', both_of, other),
			HINT = 'Give the two profiles to two roles, neither a member of the other.';
	END IF;
END
$$;
COMMENT ON FUNCTION usom._check_duties(name, text) IS 'US903 if the role, or a member of it, would both write prices (integrator) and approve (manager).';
REVOKE ALL ON FUNCTION usom._check_duties(name, text) FROM PUBLIC;

CREATE FUNCTION usom.grant_access("role" name, profile text, organisation text DEFAULT NULL, channel text DEFAULT NULL) RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, usom, pg_temp
	AS $$
DECLARE
	org_id bigint := usom._access_org(profile, organisation);
BEGIN
	IF to_regrole(quote_ident($1)) IS NULL THEN
		RAISE EXCEPTION 'role "%" does not exist', coalesce($1, 'null') USING
			ERRCODE = 'undefined_object', HINT = format('CREATE ROLE %I LOGIN;', coalesce($1, 'name'));
	END IF;
	PERFORM usom._check_duties($1, profile);
	IF NOT EXISTS (SELECT FROM pg_auth_members m WHERE m.roleid = to_regrole('usom_' || profile) AND m.member = to_regrole(quote_ident($1))) THEN
		EXECUTE format('GRANT %I TO %I', 'usom_' || profile, $1);
	END IF;
	PERFORM usom._add_access($1, profile, org_id, usom._access_channel(org_id, channel));
END
$$;
COMMENT ON FUNCTION usom.grant_access(name, text, text, text) IS
'Let a role work for an organisation with a profile: it becomes a member of the group role usom_<profile>.
role: an existing role; members of it have its access. profile: agent (orders and customers), manager (agent, warehouse, master data, checks), warehouse (stock, shipping), channel (places and follows orders), integrator (products, prices, customers, feeds), bi (reads), auditor (reads, verifies), break_glass (by SET ROLE usom_break_glass writes what usom keeps, with a reason).
organisation: its code; null: the caller''s. channel: code of the channel whose orders alone the role sees and writes; null: all. Rows add up; a repeated call changes nothing.
A role has the same profiles in all organisations it works for, since privileges are the role''s.
For superusers, and for members of the owner that may grant the group roles. Errors: 22023 unknown profile, 42704 unknown role, US006 unknown organisation or channel, US903 one role would write prices and approve.
Example: SELECT usom.grant_access(''web_shop'', ''channel'', channel => ''web'');';
REVOKE ALL ON FUNCTION usom.grant_access(name, text, text, text) FROM PUBLIC;

CREATE FUNCTION usom.revoke_access("role" name, profile text, organisation text DEFAULT NULL, channel text DEFAULT NULL) RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, usom, pg_temp
	AS $$
DECLARE
	org_id bigint := usom._access_org(profile, organisation);
	removed bigint := usom._remove_access($1, profile, org_id, usom._access_channel(org_id, channel));
BEGIN
	IF removed = 0 THEN
		RAISE NOTICE 'role "%" was not % there', $1, profile USING HINT = 'SELECT * FROM usom.access;';
	ELSIF NOT EXISTS (SELECT FROM usom.access a WHERE a.role = $1 AND a.profile = revoke_access.profile) AND to_regrole(quote_ident($1)) IS NOT NULL THEN
		EXECUTE format('REVOKE %I FROM %I', 'usom_' || profile, $1);
	END IF;
END
$$;
COMMENT ON FUNCTION usom.revoke_access(name, text, text, text) IS
'Take back what grant_access() gave. The role leaves the group role of the profile when it has it for no organisation any more. Sessions notice at their next statement.
role, profile, organisation: as granted; the role may be gone already. channel: that one; null: all of them.
Before DROP ROLE revoke its access: usom.access knows roles by name. Errors: 22023 unknown profile, US006 unknown organisation or channel.
Example: SELECT usom.revoke_access(''web_shop'', ''channel'');';
REVOKE ALL ON FUNCTION usom.revoke_access(name, text, text, text) FROM PUBLIC;

-- Functions are made for everybody unless they say otherwise; these are for profiles.
DO $$
DECLARE
	routine regprocedure;
BEGIN
	FOR routine IN
		SELECT oid FROM pg_proc WHERE pronamespace = 'usom'::regnamespace AND proname !~ '^_' AND has_function_privilege('public', oid, 'EXECUTE') AND NOT usom._is_public(oid)
	LOOP
		EXECUTE format('REVOKE ALL ON ROUTINE %s FROM PUBLIC', routine);
	END LOOP;
END
$$;

/* ---- security ---- */

CREATE FUNCTION usom._doctor_access() RETURNS TABLE ("check" text, trouble text, hint text)
	LANGUAGE sql STABLE STRICT
	SET search_path = pg_catalog, usom, pg_temp
	SET jit = off -- it would take a hundred times as long
	AS $$
	SELECT 'row security', string_agg(c.relname, ', ' ORDER BY c.relname),
			'ALTER TABLE ... ENABLE ROW LEVEL SECURITY; or drop its policy and run: SELECT usom._secure_table(''' || min(c.relname) || ''');'
		FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'org_id'
		WHERE c.relnamespace = 'usom'::regnamespace AND c.relkind IN ('r', 'p')
			AND NOT (c.relrowsecurity AND (SELECT array_agg(p.polname) FROM pg_policy p WHERE p.polrelid = c.oid) = '{usom_org}')
	UNION ALL
	SELECT 'views', string_agg(c.relname, ', ' ORDER BY c.relname), 'ALTER VIEW usom.' || min(c.relname) || ' SET (security_invoker = true);'
		FROM pg_class c
		WHERE c.relnamespace = 'usom'::regnamespace AND c.relkind = 'v' AND c.relname !~ '^_' AND NOT coalesce('security_invoker=true' = ANY (c.reloptions), false)
	UNION ALL
	SELECT 'group roles', string_agg(coalesce(r.rolname, 'usom_' || p.name || ' is missing'), ', '), 'SELECT usom.upgrade(); makes missing ones; others: ALTER ROLE ... NOLOGIN NOSUPERUSER NOBYPASSRLS NOCREATEROLE;'
		FROM unnest(usom._profiles()) AS p (name) LEFT JOIN pg_roles r ON r.rolname = 'usom_' || p.name
		WHERE r.rolname IS NULL OR r.rolsuper OR r.rolbypassrls OR r.rolcreaterole OR r.rolcanlogin
	UNION ALL
	SELECT 'privileges', string_agg(d.words, '; ' ORDER BY d.words), 'Run: SELECT usom.upgrade();'
		FROM (
			SELECT format('%s has %s on %s', m.grantee, m.privilege, m.object) AS words
			FROM (SELECT * FROM usom._made_grants() EXCEPT SELECT * FROM usom._wanted_grants()) m
			UNION ALL
			SELECT format('%s lacks %s on %s', w.grantee, w.privilege, w.object)
			FROM (SELECT * FROM usom._wanted_grants() WHERE grantee <> 'PUBLIC' EXCEPT SELECT * FROM usom._made_grants()) w) d
	UNION ALL
	SELECT 'access', string_agg(DISTINCT a.role, ', '), 'The roles are gone: SELECT usom.revoke_access(role, profile, organisation);'
		FROM usom.access a WHERE NOT EXISTS (SELECT FROM pg_roles r WHERE r.rolname = a.role)
	UNION ALL
	SELECT 'duties', string_agg(r.rolname, ', ' ORDER BY r.rolname), 'A role that both writes prices and approves can do nothing: REVOKE usom_manager or usom_integrator from it.'
		FROM pg_roles r
		WHERE NOT r.rolsuper AND to_regrole('usom_manager') IS NOT NULL AND to_regrole('usom_integrator') IS NOT NULL
			AND pg_has_role(r.oid, to_regrole('usom_manager'), 'MEMBER') AND pg_has_role(r.oid, to_regrole('usom_integrator'), 'MEMBER')
$$;
COMMENT ON FUNCTION usom._doctor_access() IS 'What is wrong with roles, privileges and row security: trouble is null where all is well. Part of doctor().';
REVOKE ALL ON FUNCTION usom._doctor_access() FROM PUBLIC;

/* ---- guide ---- */

CREATE FUNCTION usom.help(topic text DEFAULT NULL)
RETURNS TABLE (topic text, name text, about text)
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, usom, pg_temp
AS $$
	WITH chapter (position, topic, names) AS (VALUES
		(1, 'begin', ARRAY['install', 'upgrade', 'version', 'doctor', 'help', 'demo', 'demo_remove']),
		(2, 'order', ARRAY['quote', 'place_order', 'place_orders', 'submit_order', 'confirm_order', 'reject_order', 'close_order',
			'cancel_order', 'cancel_line', 'change_order', 'set_order_tax', 'set_address_verdict', 'hold_order', 'release_hold', 'release_credit_hold', 'review_credit', 'resolve_exception',
			'approve_order', 'decline_order', 'request_approval', 'score_order', 'override_price', 'reprice_order',
			'propose_substitution', 'accept_substitution', 'decline_substitution', 'substitute_backorders']),
		(3, 'stock', ARRAY['receive_stock', 'receive_stocks', 'adjust_stock', 'count_stock', 'set_safety', 'add_supply', 'change_supply', 'cancel_supply', 'receive_supply', 'reverse_receipt', 'reserve_stock', 'release_stock', 'receive_serials', 'assign_serials', 'remove_serials',
			'watch_stock', 'unwatch_stock', 'tell_back_in_stock',
			'available', 'convert_quantity']),
		(4, 'fulfil', ARRAY['allocate_order', 'allocate_orders', 'reallocate_order', 'explain_sourcing', 'why_not_allocated', 'simulate_sourcing', 'pickup_alternatives', 'move_pickup', 'ready_pickup', 'collect_pickup', 'reject_pickup', 'put_back_pickups', 'receive_drop_ship', 'service_slots', 'book_appointment', 'move_appointment', 'cancel_appointment', 'fail_appointment', 'block_technician', 'complete_service', 'earliest_shipment', 'distance_km', 'split_order', 'split_backorder', 'merge_backorder', 'fill_backorders', 'backorder_run', 'convert_pre_orders', 'request_make', 'approve_make', 'start_make', 'receive_make', 'cancel_make', 'ration', 'release_order', 'consolidation_candidates', 'consolidate', 'ship', 'ship_consolidated', 'deliver',
		(4, 'fulfil', ARRAY['allocate_order', 'allocate_orders', 'reallocate_order', 'explain_sourcing', 'why_not_allocated', 'simulate_sourcing', 'pickup_alternatives', 'move_pickup', 'earliest_shipment', 'distance_km', 'split_order', 'split_backorder', 'merge_backorder', 'fill_backorders', 'backorder_run', 'convert_pre_orders', 'request_make', 'approve_make', 'start_make', 'receive_make', 'cancel_make', 'ration', 'release_order', 'consolidation_candidates', 'consolidate', 'ship', 'ship_consolidated', 'deliver',
			'available']),
		(4, 'fulfil', ARRAY['allocate_order', 'allocate_orders', 'reallocate_order', 'explain_sourcing', 'why_not_allocated', 'simulate_sourcing', 'pickup_alternatives', 'move_pickup', 'earliest_shipment', 'distance_km', 'split_order', 'split_backorder', 'merge_backorder', 'fill_backorders', 'backorder_run', 'convert_pre_orders', 'request_make', 'approve_make', 'start_make', 'receive_make', 'cancel_make', 'ration', 'release_order', 'consolidation_candidates', 'consolidate', 'wrap_gift', 'pack', 'unpack', 'ship', 'ship_consolidated', 'void_shipment', 'close_manifest', 'packing_slip', 'shipping_label', 'manifest_sheet', 'record_tracking', 'deliver', 'fail_delivery', 'retry_delivery', 'return_to_sender', 'lose_shipment',
		(4, 'fulfil', ARRAY['allocate_order', 'allocate_orders', 'reallocate_order', 'explain_sourcing', 'why_not_allocated', 'simulate_sourcing', 'pickup_alternatives', 'move_pickup', 'earliest_shipment', 'distance_km', 'split_order', 'take_step', 'split_backorder', 'merge_backorder', 'fill_backorders', 'backorder_run', 'convert_pre_orders', 'request_make', 'approve_make', 'start_make', 'receive_make', 'cancel_make', 'ration', 'release_order', 'consolidation_candidates', 'consolidate', 'ship', 'ship_consolidated', 'deliver',
			'authorize_return', 'receive_return']),
			'authorize_return', 'approve_return', 'refuse_return', 'cancel_return', 'receive_return', 'receive_blind_return', 'inspect_return', 'exchange_return']),
		(4, 'pay', ARRAY['record_payment', 'authorize_payment', 'capture_payment', 'void_payment', 'refund_payment', 'charge_back', 'complete_order', 'refund_order', 'collect_payment']),
		(5, 'understand', ARRAY['explain_status', 'explain_steps', 'explain_promise', 'explain_price', 'piece_amounts', 'credit_position', 'order_timeline', 'order_as_of', 'order_changes', 'lifecycle', 'order_lifecycle', 'piece_lifecycle', 'order_types', 'checks', 'currencies', 'lifecycle_dot', 'flow_dot',
		(5, 'understand', ARRAY['explain_status', 'explain_return', 'explain_promise', 'explain_price', 'piece_amounts', 'credit_position', 'order_timeline', 'order_as_of', 'order_changes', 'lifecycle', 'order_lifecycle', 'piece_lifecycle', 'order_types', 'checks', 'currencies', 'lifecycle_dot',
			'error_codes']),
		(6, 'verify', ARRAY['verify', 'verify_stock', 'verify_reserved', 'verify_supply', 'verify_capacity', 'verify_quota', 'verify_orders', 'verify_counters', 'verify_statuses',
			'verify_history', 'verify_references', 'verify_pieces', 'verify_kits', 'verify_holds', 'verify_approvals', 'verify_money', 'verify_payments', 'verify_credit', 'verify_returns', 'verify_service', 'verify_vault', 'verify_entries', 'verify_audit']),
		(6, 'verify', ARRAY['verify', 'verify_stock', 'verify_reserved', 'verify_supply', 'verify_capacity', 'verify_quota', 'verify_parcels', 'verify_orders', 'verify_counters', 'verify_statuses',
			'verify_history', 'verify_references', 'verify_pieces', 'verify_kits', 'verify_holds', 'verify_approvals', 'verify_money', 'verify_payments', 'verify_credit', 'verify_returns', 'verify_vault', 'verify_entries', 'verify_audit']),
			'verify_history', 'verify_references', 'verify_pieces', 'verify_kits', 'verify_holds', 'verify_flows', 'verify_approvals', 'verify_money', 'verify_payments', 'verify_credit', 'verify_returns', 'verify_vault', 'verify_entries', 'verify_audit']),
		(7, 'trust', ARRAY['seal_audit', 'tick', 'export_digest', 'inclusion_proof', 'check_inclusion', 'consistency_proof', 'check_consistency']),
		(8, 'people', ARRAY['find_customers', 'export_customer', 'erase_customer', 'erase_order_person']),
		(9, 'keys', ARRAY['next_id', 'next_document_no', 'current_org', 'default_currency', 'channel_id', 'customer_id', 'product_id',
			'location_id', 'technician_id']),
			'location_id']),
		(10, 'flows', ARRAY['check_flow', 'publish_flow', 'revise_flow', 'flow_id']),
		(10, 'access', ARRAY['grant_access', 'revoke_access'])
	), entry AS (
		SELECT coalesce(c.position, 90) AS position, coalesce(array_position(c.names, p.proname::text), 0) AS place,
			coalesce(c.topic, 'more') AS topic, p.proname::text AS name,
			format('%s(%s)', p.proname, pg_get_function_arguments(p.oid)) AS title,
			coalesce(obj_description(p.oid, 'pg_proc'), '') AS comment
		FROM pg_proc p
		LEFT JOIN chapter c ON p.proname = ANY (c.names)
		WHERE p.pronamespace = 'usom'::regnamespace AND p.prokind IN ('f', 'p') AND p.proname NOT LIKE '\_%'
			AND p.prorettype <> ALL (ARRAY['trigger'::regtype, 'event_trigger'::regtype, 'cstring'::regtype])
			AND NOT EXISTS (
				SELECT FROM unnest(p.proargtypes || p.prorettype) a (type)
				JOIN pg_type t ON t.oid = a.type
				WHERE t.typnamespace = 'usom'::regnamespace OR t.oid IN ('cstring'::regtype, 'internal'::regtype))
		UNION ALL
		SELECT CASE r.relkind WHEN 'v' THEN 91 ELSE 92 END, 0, CASE r.relkind WHEN 'v' THEN 'views' ELSE 'tables' END, r.relname::text,
			r.relname::text, coalesce(obj_description(r.oid, 'pg_class'), '')
		FROM pg_class r
		WHERE r.relnamespace = 'usom'::regnamespace AND r.relkind IN ('v', 'r') AND r.relname NOT LIKE '\_%'
		UNION ALL
		SELECT 93, a.attnum, r.relname::text, r.relname || '.' || a.attname, a.attname || ' ' || format_type(a.atttypid, a.atttypmod),
			coalesce(col_description(r.oid, a.attnum), '')
		FROM pg_class r
		JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
		WHERE r.relnamespace = 'usom'::regnamespace AND r.relkind IN ('v', 'r') AND r.relname NOT LIKE '\_%' AND r.relname = $1
	), found AS (
		SELECT e.*, CASE WHEN e.name = $1 THEN e.comment
			ELSE rtrim(split_part(split_part(e.comment, E'\n', 1), '. ', 1), '.') || '.' END AS words
		FROM entry e
		WHERE e.topic = $1 OR e.name = $1 OR ($1 IS NULL AND e.position < 93)
	)
	SELECT s.topic, s.title, s.words
	FROM (
		SELECT f.position, f.place, f.topic, f.name, f.title, f.words
		FROM found f
		UNION ALL
		SELECT e.position, 0, e.topic, '', format('SELECT * FROM usom.help(%L);', e.topic), string_agg(e.name, ', ' ORDER BY e.place, e.name)
		FROM entry e
		WHERE NOT EXISTS (SELECT FROM found)
		GROUP BY e.position, e.topic
	) s
	ORDER BY s.position, s.place, s.name
$$;
COMMENT ON FUNCTION usom.help(text) IS
'What there is, from the comments in the catalog: topic, name (with arguments) and a sentence each. With a topic (begin, order, stock, fulfil, understand, verify, trust, people, keys, access, views, tables) only that; with the name of a function all of its comment; with the name of a view or table its columns. Any other word lists the topics. Works before install().
Example: SELECT * FROM usom.help(''place_order'');';

CREATE FUNCTION usom._demo_master(orders integer) RETURNS void
LANGUAGE sql VOLATILE STRICT
SET search_path = pg_catalog, usom, pg_temp
AS $$
	INSERT INTO usom.location (code, name, kind, priority) VALUES
		('DEMO-NORTH', 'Warehouse north', 'warehouse', 10),
		('DEMO-SOUTH', 'Warehouse south', 'warehouse', 20),
		('DEMO-SHOP', 'Shop in town', 'store', 30)
	ON CONFLICT (org_id, code) DO NOTHING;
	INSERT INTO usom.customer (code, name, email)
	SELECT format('DEMO-C%s', lpad(n::text, 2, '0')), format('Customer %s', n), format('customer%s@example.com', n)
	FROM generate_series(1, 12) n
	ON CONFLICT (org_id, code) DO NOTHING;
	INSERT INTO usom.product (sku, name, kind) VALUES
		('DEMO-TEA', 'Tea, 250 g', 'physical'), ('DEMO-CUP', 'Cup', 'physical'), ('DEMO-SAUCER', 'Saucer', 'physical'),
		('DEMO-SPOON', 'Spoon', 'physical'), ('DEMO-SUGAR', 'Sugar, 1 kg', 'physical'), ('DEMO-TRAY', 'Tray', 'physical'),
		('DEMO-CLOTH', 'Tea cloth', 'physical'), ('DEMO-CAKE', 'Cake stand', 'physical'),
		('DEMO-POT', 'Tea pot, always short', 'physical'), ('DEMO-POST', 'Postage', 'service');
	INSERT INTO usom.price (sku, currency, unit_price)
	SELECT p.sku, usom.default_currency(), p.price
	FROM (VALUES ('DEMO-TEA', 4.95), ('DEMO-CUP', 3.20), ('DEMO-SAUCER', 1.80), ('DEMO-SPOON', 0.95), ('DEMO-SUGAR', 1.49),
		('DEMO-TRAY', 12.50), ('DEMO-CLOTH', 6.75), ('DEMO-CAKE', 24.00), ('DEMO-POT', 18.90), ('DEMO-POST', 4.50)) p (sku, price);
	SELECT usom.receive_stocks(jsonb_agg(jsonb_build_object('location', l.code, 'sku', p.sku, 'reference', 'DEMO-OPENING',
			'quantity', CASE WHEN p.sku = 'DEMO-POT' THEN 1 + orders / 12 ELSE 30 + orders * 4 END) ORDER BY p.sku, l.code))
	FROM usom.product p, usom.location l
	WHERE p.org_id = usom.current_org() AND p.sku LIKE 'DEMO-%' AND p.kind = 'physical'
		AND l.org_id = usom.current_org() AND l.code LIKE 'DEMO-%';
	SELECT usom.reserve_stock('DEMO-CART', 'DEMO-SHOP', 'DEMO-TEA', 2, interval '1 hour');
$$;
COMMENT ON FUNCTION usom._demo_master(integer) IS 'Locations, customers, products, prices and opening stock of the demo, enough for so many orders. Locations and customers that demo_remove() had to leave are taken again.';
REVOKE ALL ON FUNCTION usom._demo_master(integer) FROM PUBLIC;

CREATE FUNCTION usom._demo_document(n integer) RETURNS jsonb
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, usom, pg_temp
AS $$
	SELECT jsonb_strip_nulls(jsonb_build_object(
		'external_id', format('DEMO-%s', lpad(n::text, 6, '0')),
		'channel', (ARRAY['web', 'pos', 'phone', 'rep', 'edi', 'marketplace', 'manual'])[1 + n % 7],
		'customer', CASE WHEN n % 9 > 0 THEN format('DEMO-C%s', lpad((1 + n * 5 % 12)::text, 2, '0')) END,
		'priority', CASE WHEN n % 10 = 0 THEN 1 END,
		'placed_at', to_char(timestamp '2026-01-05 08:00' + n * interval '37 minutes', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
		'draft', CASE WHEN n % 24 IN (1, 2, 20) THEN true END,
		'lines', (
			SELECT jsonb_agg(jsonb_strip_nulls(l.line) ORDER BY l.place)
			FROM (
				SELECT k AS place, jsonb_build_object('sku', (ARRAY['DEMO-TEA', 'DEMO-CUP', 'DEMO-SAUCER', 'DEMO-SPOON', 'DEMO-SUGAR',
						'DEMO-TRAY', 'DEMO-CLOTH', 'DEMO-CAKE'])[1 + (n * 3 + k * 5) % 8],
					'quantity', 2 + (n * 7 + k * 3) % 6,
					'location', CASE WHEN n % 7 = 1 THEN 'DEMO-SHOP' END) AS line
				FROM generate_series(1, 1 + n % 4) k
				UNION ALL
				SELECT 8, jsonb_build_object('sku', 'DEMO-POT', 'quantity', 1 + n % 3) WHERE n % 24 IN (0, 3, 6, 21, 22, 23)
				UNION ALL
				SELECT 9, jsonb_build_object('sku', 'DEMO-POST', 'quantity', 1) WHERE n % 5 = 0
			) l)))
$$;
COMMENT ON FUNCTION usom._demo_document(integer) IS 'Document of the n-th order of the demo: the same for ever.';
REVOKE ALL ON FUNCTION usom._demo_document(integer) FROM PUBLIC;

CREATE FUNCTION usom._demo_live(order_no text, stage integer) RETURNS void
LANGUAGE plpgsql VOLATILE STRICT
SET search_path = pg_catalog, usom, pg_temp
AS $$
DECLARE
	shipment_no text;
	return_no text;
	came jsonb;
BEGIN
	CASE
		WHEN stage IN (2, 20) THEN
			PERFORM usom.hold_order(order_no, 'credit', 'Two invoices are open');
			PERFORM usom.submit_order(order_no);
			IF stage = 20 THEN
				PERFORM usom.reject_order(order_no, 'Credit is used up');
			END IF;
		WHEN stage = 3 THEN PERFORM usom.hold_order(order_no, 'address', 'The street has no number');
		WHEN stage = 4 THEN PERFORM usom.cancel_order(order_no, 'The customer changed her mind');
		WHEN stage = 5 THEN PERFORM usom.cancel_line(order_no, 1, 1, 'One less will do');
		WHEN stage = 6 THEN PERFORM usom.change_order(order_no, '{"lines": [{"line_no": 1, "quantity": 9}]}', reason => 'More guests');
		WHEN stage BETWEEN 7 AND 19 THEN PERFORM usom.release_order(order_no);
		ELSE NULL;
	END CASE;
	IF stage = 8 THEN
		PERFORM usom.ship(order_no, '[{"line_no": 1, "quantity": 1}]', 'DHL', 'JD01' || right(order_no, 4));
	ELSIF stage BETWEEN 9 AND 19 THEN
		shipment_no := usom.ship(order_no, carrier => 'DHL', tracking => 'JD02' || right(order_no, 4));
	END IF;
	IF stage BETWEEN 11 AND 19 THEN
		PERFORM usom.deliver(s) FROM regexp_split_to_table(shipment_no, ', ') s;
	END IF;
	IF stage IN (16, 17) THEN
		SELECT jsonb_agg(jsonb_build_object('line_no', l.line_no, 'quantity', l.quantity_delivered)) INTO came
		FROM usom.order_lines l
		WHERE l.order_no = _demo_live.order_no AND l.quantity_delivered > 0 AND l.sku <> 'DEMO-POST';
		return_no := usom.authorize_return(order_no, came, 'Not what was expected');
		IF stage = 16 THEN
			PERFORM usom.receive_return(return_no, came);
		END IF;
	ELSIF stage IN (18, 19) THEN
		PERFORM usom.close_order(order_no);
	END IF;
END
$$;
COMMENT ON FUNCTION usom._demo_live(text, integer) IS 'Takes an order of the demo as far as its stage (its number modulo 24) says: held, cancelled, changed, released, shipped in part or whole, delivered, returned, closed.';
REVOKE ALL ON FUNCTION usom._demo_live(text, integer) FROM PUBLIC;

CREATE FUNCTION usom._demo_summary() RETURNS TABLE (what text, number bigint)
LANGUAGE sql STABLE STRICT
SET search_path = pg_catalog, usom, pg_temp SET enable_nestloop = off -- the rows are newer than the statistics
AS $$
	WITH made AS (SELECT o.order_no, o.status FROM usom.orders o WHERE o.external_id LIKE 'DEMO-%')
	SELECT 'customers', count(*) FROM usom.customer c WHERE c.org_id = usom.current_org() AND c.code LIKE 'DEMO-%'
	UNION ALL SELECT 'products', count(*) FROM usom.product p WHERE p.org_id = usom.current_org() AND p.sku LIKE 'DEMO-%'
	UNION ALL SELECT 'locations', count(*) FROM usom.location l WHERE l.org_id = usom.current_org() AND l.code LIKE 'DEMO-%'
	UNION ALL SELECT 'orders', count(*) FROM made
	UNION ALL (
		SELECT 'orders ' || s.status, count(m.order_no)
		FROM usom.order_statuses s LEFT JOIN made m ON m.status = s.status
		GROUP BY s.status, s.position ORDER BY s.position)
	UNION ALL SELECT 'order lines', count(*) FROM usom.order_lines l JOIN made m ON m.order_no = l.order_no
	UNION ALL SELECT 'backorders', count(*) FROM usom.backorders b JOIN made m ON m.order_no = b.order_no
	UNION ALL SELECT 'active holds', count(*) FROM usom.holds h JOIN made m ON m.order_no = h.order_no WHERE h.active
	UNION ALL SELECT 'shipments', count(*) FROM usom.shipments s JOIN made m ON m.order_no = s.order_no
	UNION ALL SELECT 'returns', count(DISTINCT r.return_no) FROM usom.returns r JOIN made m ON m.order_no = r.order_no
$$;
COMMENT ON FUNCTION usom._demo_summary() IS 'What there is of the demo, and how many.';
REVOKE ALL ON FUNCTION usom._demo_summary() FROM PUBLIC;

CREATE FUNCTION usom.demo(orders integer DEFAULT 120)
RETURNS TABLE (what text, number bigint)
LANGUAGE plpgsql VOLATILE STRICT
SET search_path = pg_catalog, usom, pg_temp SET usom.reason = 'demo'
AS $$
BEGIN
	PERFORM usom._check_installed();
	IF orders NOT BETWEEN 1 AND 10000 THEN
		RAISE EXCEPTION 'a demo of % orders cannot be made', orders
			USING ERRCODE = 'invalid_parameter_value', HINT = 'Ask for 1 to 10000.';
	END IF;
	IF EXISTS (SELECT FROM usom.product p WHERE p.org_id = usom.current_org() AND p.sku LIKE 'DEMO-%') THEN
		RAISE NOTICE 'the demo is there already'
			USING HINT = 'SELECT * FROM usom.demo_remove(); takes it away.';
	ELSE
		PERFORM usom._demo_master(orders);
		FOR n IN 1 .. orders LOOP
			PERFORM usom._demo_live(p.order_no, n % 24) FROM usom.place_order(usom._demo_document(n)) p;
		END LOOP;
	END IF;
	RETURN QUERY SELECT * FROM usom._demo_summary();
END
$$;
COMMENT ON FUNCTION usom.demo(integer) IS
'Fills the caller''s organisation with a small shop to play with: customers, products, three locations with stock, and so many orders of all channels in all stages of life, with holds, backorders, partial shipments, cancellations and returns. The same each time; made through the public functions alone; all its codes begin with DEMO-. A second call says that it is there. Answers what there is, and how many.
Errors: 22023 for a number of orders not between 1 and 10000.
Example: SELECT * FROM usom.demo();';
REVOKE ALL ON FUNCTION usom.demo(integer) FROM PUBLIC;

CREATE FUNCTION usom.demo_remove()
RETURNS TABLE (what text, number bigint)
AS 'MODULE_PATHNAME', 'usom_demo_remove' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, usom, pg_temp SET usom.reason = 'demo_remove';
COMMENT ON FUNCTION usom.demo_remove() IS
'Takes away what demo() made in the caller''s organisation, and orders that were placed for its products since: everything whose code begins with DEMO-. Locations and customers that other orders or stock use by now stay. The audit keeps what was. Answers what was removed, and how many rows.
Errors: US005 if an order has lines for products of the demo and for others.
Example: SELECT * FROM usom.demo_remove();';
REVOKE ALL ON FUNCTION usom.demo_remove() FROM PUBLIC;

/* ---- what install() runs ---- */

CREATE OR REPLACE VIEW usom._migration (version, number, room, text) WITH (security_invoker = true) AS VALUES

(1, 101, 'base', $usom_step$
CREATE TABLE usom._schema_step (
	version integer NOT NULL,
	number integer NOT NULL,
	room text NOT NULL,
	applied_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (version, number)
);
COMMENT ON TABLE usom._schema_step IS 'Migration steps that install() and upgrade() have run in this database.';
COMMENT ON COLUMN usom._schema_step.version IS 'Schema version the step belongs to.';
COMMENT ON COLUMN usom._schema_step.number IS 'Number of the step within the version.';
COMMENT ON COLUMN usom._schema_step.room IS 'Room whose schema.sql holds the step.';
COMMENT ON COLUMN usom._schema_step.applied_at IS 'When the step was run.';

CREATE SEQUENCE usom.id_seq;
COMMENT ON SEQUENCE usom.id_seq IS 'The local part of usom.next_id().';
CREATE SEQUENCE usom.order_no_seq;
COMMENT ON SEQUENCE usom.order_no_seq IS 'Order numbers where the counter is not gap-free.';
CREATE SEQUENCE usom.consolidation_no_seq;
COMMENT ON SEQUENCE usom.consolidation_no_seq IS 'Numbers of consolidations where the counter is not gap-free.';
CREATE SEQUENCE usom.package_no_seq;
COMMENT ON SEQUENCE usom.package_no_seq IS 'Package numbers where the counter is not gap-free.';
CREATE SEQUENCE usom.manifest_no_seq;
COMMENT ON SEQUENCE usom.manifest_no_seq IS 'Manifest numbers where the counter is not gap-free.';
CREATE SEQUENCE usom.appointment_no_seq;
COMMENT ON SEQUENCE usom.appointment_no_seq IS 'Appointment numbers where the counter is not gap-free.';
CREATE SEQUENCE usom.shipment_no_seq;
COMMENT ON SEQUENCE usom.shipment_no_seq IS 'Shipment numbers where the counter is not gap-free.';
CREATE SEQUENCE usom.return_no_seq;
COMMENT ON SEQUENCE usom.return_no_seq IS 'Return numbers where the counter is not gap-free.';
CREATE SEQUENCE usom.supply_no_seq;
COMMENT ON SEQUENCE usom.supply_no_seq IS 'Supply numbers where the counter is not gap-free.';
CREATE SEQUENCE usom.run_no_seq;
COMMENT ON SEQUENCE usom.run_no_seq IS 'Numbers of backorder runs where the counter is not gap-free.';
CREATE SEQUENCE usom.make_no_seq;
COMMENT ON SEQUENCE usom.make_no_seq IS 'Numbers of make orders where the counter is not gap-free.';

CREATE TABLE usom.document_counter (
	org_id bigint NOT NULL,
	kind text NOT NULL CONSTRAINT document_counter_kind_known CHECK (kind IN ('order', 'shipment', 'return', 'supply', 'make', 'run', 'consolidation', 'package', 'manifest', 'appointment')),
	prefix text NOT NULL,
	digits integer NOT NULL DEFAULT 6 CONSTRAINT document_counter_digits_sane CHECK (digits BETWEEN 1 AND 18),
	gap_free boolean NOT NULL DEFAULT false,
	last_value bigint NOT NULL DEFAULT 0 CONSTRAINT document_counter_not_negative CHECK (last_value >= 0),
	PRIMARY KEY (org_id, kind)
);
COMMENT ON TABLE usom.document_counter IS 'How an organisation numbers its documents. Gap-free counters are drawn under a row lock and serialise their writers; the others come from a sequence.';
COMMENT ON COLUMN usom.document_counter.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.document_counter.kind IS 'order, shipment, return, supply, make, run (of backorders), consolidation, package, manifest or appointment.';
COMMENT ON COLUMN usom.document_counter.prefix IS 'Put before the digits.';
COMMENT ON COLUMN usom.document_counter.digits IS 'The number is padded with zeros to so many digits.';
COMMENT ON COLUMN usom.document_counter.gap_free IS 'On: no number is lost by a rollback, at the price of a queue. Set last_value to the last number used when you switch it on.';
COMMENT ON COLUMN usom.document_counter.last_value IS 'Last number given out by the gap-free counter.';

SELECT usom._guard_master('document_counter', 'kind');
$usom_step$),

(1, 201, 'audit', $usom_step$
-- No CHECK and two indexes: every order writes here. PostgreSQL parses the text
-- of each CHECK anew for each statement, which would double the price of an
-- entry; what they would say is asked by verify_audit().
CREATE TABLE usom.audit_entry (
	org_id bigint NOT NULL,
	audit_entry_id bigint NOT NULL DEFAULT usom.next_id(),
	occurred_at timestamptz NOT NULL,
	transaction_id bigint NOT NULL,
	table_name text NOT NULL,
	operation text NOT NULL,
	row_count integer NOT NULL,
	sales_order_id bigint,
	entry_no integer,
	previous bytea,
	session_role text NOT NULL,
	active_role text NOT NULL,
	app_user text,
	client_addr text NOT NULL,
	application_name text NOT NULL,
	verb text,
	reason text,
	before bytea,
	after bytea,
	digest bytea NOT NULL,
	PRIMARY KEY (org_id, audit_entry_id)
) WITH (toast_tuple_target = 8160);
CREATE UNIQUE INDEX audit_entry_chain_has_no_fork ON usom.audit_entry (org_id, sales_order_id, entry_no) WHERE sales_order_id IS NOT NULL;
COMMENT ON TABLE usom.audit_entry IS 'Who changed what, when and why: one entry for what one statement did to the rows of one table. Rows are only added. Read it as usom.audit. Who searches it by time often may add an index USING brin (occurred_at).';
COMMENT ON COLUMN usom.audit_entry.org_id IS 'Organisation of the rows.';
COMMENT ON COLUMN usom.audit_entry.audit_entry_id IS 'Key; rises within a database.';
COMMENT ON COLUMN usom.audit_entry.occurred_at IS 'Wall clock when the function of usom, or else the statement, ended.';
COMMENT ON COLUMN usom.audit_entry.transaction_id IS 'Transaction, without wraparound: pg_current_xact_id().';
COMMENT ON COLUMN usom.audit_entry.table_name IS 'Table in schema usom.';
COMMENT ON COLUMN usom.audit_entry.operation IS 'INSERT, UPDATE or DELETE.';
COMMENT ON COLUMN usom.audit_entry.row_count IS 'Rows in each image.';
COMMENT ON COLUMN usom.audit_entry.sales_order_id IS 'Order that the rows are of, or that they were changed for; null: none alone.';
COMMENT ON COLUMN usom.audit_entry.entry_no IS 'Number of the entry in the chain of its order, from 1; null without an order.';
COMMENT ON COLUMN usom.audit_entry.previous IS 'Digest of the entry before it in the chain; null for the first and without an order.';
COMMENT ON COLUMN usom.audit_entry.session_role IS 'Role that logged in.';
COMMENT ON COLUMN usom.audit_entry.active_role IS 'Role that SET ROLE chose; else the same.';
COMMENT ON COLUMN usom.audit_entry.app_user IS 'User that the application claimed in usom.app_user; null: none.';
COMMENT ON COLUMN usom.audit_entry.client_addr IS 'Address of the client, or local.';
COMMENT ON COLUMN usom.audit_entry.application_name IS 'What the client calls itself.';
COMMENT ON COLUMN usom.audit_entry.verb IS 'Function of usom that ran; null: plain SQL.';
COMMENT ON COLUMN usom.audit_entry.reason IS 'Why: argument of the function, else usom.reason; null: none given.';
COMMENT ON COLUMN usom.audit_entry.before IS 'The rows as they were, in canonical form: see usom._audit_rows(). Null for INSERT.';
COMMENT ON COLUMN usom.audit_entry.after IS 'The rows as they became, in the same order. Null for DELETE.';
COMMENT ON COLUMN usom.audit_entry.digest IS 'SHA-256 over all other columns: see usom._audit_digest().';
SELECT usom._guard_ledger('audit_entry', 'the function that changes the table it is about');

CREATE TABLE usom.audit_block (
	org_id bigint NOT NULL,
	node smallint NOT NULL,
	block_no integer NOT NULL CONSTRAINT audit_block_no_from_one CHECK (block_no >= 1),
	sealed_at timestamptz NOT NULL,
	entry_ids bigint[] NOT NULL,
	last_id bigint NOT NULL,
	entries_total bigint NOT NULL,
	previous bytea,
	system_id bigint NOT NULL,
	sequence_at bigint NOT NULL,
	next_xid bigint NOT NULL,
	settled_to bigint NOT NULL,
	root bytea NOT NULL,
	digest bytea NOT NULL,
	PRIMARY KEY (org_id, node, block_no),
	CONSTRAINT audit_block_previous_iff_not_first CHECK ((block_no = 1) = (previous IS NULL)),
	CONSTRAINT audit_block_seals_something CHECK (entry_ids <> '{}' AND last_id = entry_ids[cardinality(entry_ids)])
);
CREATE INDEX audit_block_by_last_id ON usom.audit_block (org_id, node, last_id);
COMMENT ON TABLE usom.audit_block IS 'Seals over the audit: a block lists entries that had committed, has the root of the Merkle tree over their digests, and the digest of the block before it. Rows are only added.';
COMMENT ON COLUMN usom.audit_block.org_id IS 'Organisation of the entries.';
COMMENT ON COLUMN usom.audit_block.node IS 'Database that sealed them: usom.node. Each seals what it wrote itself.';
COMMENT ON COLUMN usom.audit_block.block_no IS 'Number of the block with the organisation and node, from 1 without gaps.';
COMMENT ON COLUMN usom.audit_block.sealed_at IS 'Wall clock of the sealing.';
COMMENT ON COLUMN usom.audit_block.entry_ids IS 'Keys of the entries, ascending: the leaves of the tree.';
COMMENT ON COLUMN usom.audit_block.last_id IS 'The last of these keys.';
COMMENT ON COLUMN usom.audit_block.entries_total IS 'Entries in this and all blocks before it.';
COMMENT ON COLUMN usom.audit_block.previous IS 'Digest of the block before; null for the first.';
COMMENT ON COLUMN usom.audit_block.system_id IS 'Cluster that sealed: its system identifier. Transaction numbers of another one mean nothing here.';
COMMENT ON COLUMN usom.audit_block.sequence_at IS 'Last key that had been drawn when sealing began.';
COMMENT ON COLUMN usom.audit_block.next_xid IS 'First transaction that had not begun then: whoever drew such a key is older.';
COMMENT ON COLUMN usom.audit_block.settled_to IS 'No entry with this key or a lower one could still appear when the block was sealed: all of them are in blocks.';
COMMENT ON COLUMN usom.audit_block.root IS 'Root of the Merkle tree (RFC 6962) over the digests of the entries.';
COMMENT ON COLUMN usom.audit_block.digest IS 'SHA-256 over the root and all other columns: what is kept outside of the database.';
SELECT usom._guard_ledger('audit_block', 'usom.seal_audit()');
SELECT usom._audit_table('document_counter');

CREATE VIEW usom.audit WITH (security_invoker = true) AS
SELECT e.audit_entry_id, r.row_no, e.occurred_at, e.table_name, e.operation, e.sales_order_id,
	CASE WHEN e.app_user IS NULL THEN e.active_role ELSE e.app_user || ' (' || e.active_role || ')' END AS who,
	e.session_role, e.client_addr, e.application_name, e.verb, e.reason, e.transaction_id, r.before, r.after
FROM usom.audit_entry e
	CROSS JOIN LATERAL ROWS FROM (usom._audit_rows(e.before), usom._audit_rows(e.after)) WITH ORDINALITY AS r (before, after, row_no)
WHERE e.org_id = usom.current_org();
COMMENT ON VIEW usom.audit IS 'Every row that was inserted, changed or deleted, with who did it and why. Example: SELECT occurred_at, operation, who, after FROM usom.audit WHERE table_name = ''product'' AND occurred_at > now() - interval ''1 day'';';
COMMENT ON COLUMN usom.audit.audit_entry_id IS 'Entry: all rows that one statement touched.';
COMMENT ON COLUMN usom.audit.row_no IS 'Number of the row within the entry.';
COMMENT ON COLUMN usom.audit.occurred_at IS 'Wall clock when the function of usom, or else the statement, ended.';
COMMENT ON COLUMN usom.audit.table_name IS 'Table in schema usom.';
COMMENT ON COLUMN usom.audit.operation IS 'INSERT, UPDATE or DELETE.';
COMMENT ON COLUMN usom.audit.sales_order_id IS 'Order that the rows are of, or that they were changed for; null: none alone.';
COMMENT ON COLUMN usom.audit.who IS 'User that the application claimed and the role it worked as, or the role alone.';
COMMENT ON COLUMN usom.audit.session_role IS 'Role that logged in.';
COMMENT ON COLUMN usom.audit.client_addr IS 'Address of the client, or local.';
COMMENT ON COLUMN usom.audit.application_name IS 'What the client calls itself.';
COMMENT ON COLUMN usom.audit.verb IS 'Function of usom that ran; null: plain SQL.';
COMMENT ON COLUMN usom.audit.reason IS 'Why; null: no reason given.';
COMMENT ON COLUMN usom.audit.transaction_id IS 'Transaction, without wraparound.';
COMMENT ON COLUMN usom.audit.before IS 'The row as it was; null for INSERT.';
COMMENT ON COLUMN usom.audit.after IS 'The row as it became; null for DELETE.';
$usom_step$),

(1, 301, 'party', $usom_step$
CREATE TABLE usom.organisation (
	org_id bigint NOT NULL DEFAULT usom.next_id() PRIMARY KEY,
	code text NOT NULL CONSTRAINT organisation_code_given CHECK (code <> ''),
	name text,
	currency usom.currency_code NOT NULL DEFAULT 'EUR',
	fill_on_receipt boolean NOT NULL DEFAULT false,
	created_at timestamptz NOT NULL DEFAULT now(),
	CONSTRAINT organisation_code_unique UNIQUE (code)
);
COMMENT ON TABLE usom.organisation IS 'A company that sells. Every other row belongs to one.';
COMMENT ON COLUMN usom.organisation.org_id IS 'Key.';
COMMENT ON COLUMN usom.organisation.code IS 'What the setting usom.org names.';
COMMENT ON COLUMN usom.organisation.name IS 'Name for people.';
COMMENT ON COLUMN usom.organisation.currency IS 'ISO 4217 code of orders that name no currency.';
COMMENT ON COLUMN usom.organisation.fill_on_receipt IS 'On: what receive_stock() takes in goes to waiting lines in the same call; a product may say otherwise.';
COMMENT ON COLUMN usom.organisation.created_at IS 'When the row was made.';

CREATE TABLE usom.channel (
	org_id bigint NOT NULL DEFAULT usom.current_org(),
	channel_id bigint NOT NULL DEFAULT usom.next_id(),
	code text NOT NULL CONSTRAINT channel_code_given CHECK (code <> ''),
	name text,
	pricing text NOT NULL DEFAULT 'document' CONSTRAINT channel_pricing_known CHECK (pricing IN ('document', 'list')),
	price_difference text NOT NULL DEFAULT 'accept' CONSTRAINT channel_price_difference_known CHECK (price_difference IN ('accept', 'warn', 'hold', 'refuse')),
	price_tolerance numeric(7,4) NOT NULL DEFAULT 0 CONSTRAINT channel_price_tolerance_percent CHECK (price_tolerance BETWEEN 0 AND 100),
	price_drift numeric(7,4) CONSTRAINT channel_price_drift_percent CHECK (price_drift BETWEEN 0 AND 100),
	invoice_on text NOT NULL DEFAULT 'never' CONSTRAINT channel_invoice_on_known CHECK (invoice_on IN ('never', 'ship', 'deliver')),
	active boolean NOT NULL DEFAULT true,
	created_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (org_id, channel_id),
	CONSTRAINT channel_code_unique UNIQUE (org_id, code)
);
COMMENT ON TABLE usom.channel IS 'A way in which orders arrive: web, pos, phone, rep, edi, marketplace, manual.';
COMMENT ON COLUMN usom.channel.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.channel.channel_id IS 'Key.';
COMMENT ON COLUMN usom.channel.code IS 'What order documents name.';
COMMENT ON COLUMN usom.channel.name IS 'Name for people.';
COMMENT ON COLUMN usom.channel.pricing IS 'document: a price in the order document counts, the list serves lines without one; list: usom prices, and a price in the document is what the sender expects.';
COMMENT ON COLUMN usom.channel.price_tolerance IS 'Of pricing list: per cent of usom''s price that the expected one may be away from it without being another one.';
COMMENT ON COLUMN usom.channel.price_drift IS 'Of pricing list: per cent that list and contract prices may have moved from the agreed ones when an order is released; beyond, the order is put on hold (type price). Null: not looked at.';
COMMENT ON COLUMN usom.channel.price_difference IS 'Of pricing list, where the expected price is another one: accept, warn (a message), hold (type price) or refuse.';
COMMENT ON COLUMN usom.channel.invoice_on IS 'When the event invoice_wanted says what of its orders is to be invoiced: never, ship (units have left) or deliver (units have arrived).';
COMMENT ON COLUMN usom.channel.active IS 'Off: no new orders.';
COMMENT ON COLUMN usom.channel.created_at IS 'When the row was made.';

CREATE TABLE usom.customer (
	org_id bigint NOT NULL DEFAULT usom.current_org(),
	customer_id bigint NOT NULL DEFAULT usom.next_id(),
	code text NOT NULL CONSTRAINT customer_code_given CHECK (code <> ''),
	name text,
	email text,
	phone text,
	substitution usom.substitution NOT NULL DEFAULT 'none',
	segment text CONSTRAINT customer_segment_given CHECK (segment <> ''),
	tax_exemption text CONSTRAINT customer_tax_exemption_given CHECK (tax_exemption <> ''),
	blocked boolean NOT NULL DEFAULT false,
	active boolean NOT NULL DEFAULT true,
	created_at timestamptz NOT NULL DEFAULT now(),
	erased_at timestamptz,
	PRIMARY KEY (org_id, customer_id),
	CONSTRAINT customer_code_unique UNIQUE (org_id, code),
	CONSTRAINT customer_is_sealed CHECK (usom._is_sealed(name) AND usom._is_sealed(email) AND usom._is_sealed(phone)),
	CONSTRAINT customer_erased_is_retired CHECK (erased_at IS NULL OR NOT active)
);
COMMENT ON TABLE usom.customer IS 'Who buys. An order without one is a guest''s. Written by plain SQL; what is written about the person is sealed on its way in: read it as usom.customers.';
COMMENT ON COLUMN usom.customer.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.customer.customer_id IS 'Key.';
COMMENT ON COLUMN usom.customer.code IS 'What order documents name: a pseudonym, no name or e-mail address.';
COMMENT ON COLUMN usom.customer.name IS 'Name for people; write it in clear, it is kept sealed.';
COMMENT ON COLUMN usom.customer.email IS 'Address for messages; write it in clear, it is kept sealed.';
COMMENT ON COLUMN usom.customer.phone IS 'Number for calls; write it in clear, it is kept sealed.';
COMMENT ON COLUMN usom.customer.substitution IS 'none or allowed: may other products take the place of what is short without asking? For lines of order documents that do not say.';
COMMENT ON COLUMN usom.customer.segment IS 'Group that quotas, priorities and runs may name; null: none.';
COMMENT ON COLUMN usom.customer.tax_exemption IS 'Why tax is another one than for others, as tax rates name it: resale, reverse_charge; null: no reason.';
COMMENT ON COLUMN usom.customer.blocked IS 'On: not served for now; what becomes of the orders the check customer says (usom.check_rule).';
COMMENT ON COLUMN usom.customer.active IS 'Off: no new orders.';
COMMENT ON COLUMN usom.customer.created_at IS 'When the row was made.';
COMMENT ON COLUMN usom.customer.erased_at IS 'When erase_customer() made the person unknown; null: never.';

CREATE TABLE usom.customer_address (
	org_id bigint NOT NULL DEFAULT usom.current_org(),
	customer_id bigint NOT NULL,
	address_no integer NOT NULL DEFAULT 1,
	name text,
	line1 text,
	line2 text,
	postcode text,
	city text,
	region text,
	country text CONSTRAINT customer_address_country_iso CHECK (country ~ '^[A-Z]{2}$'),
	latitude double precision CONSTRAINT customer_address_latitude_on_earth CHECK (latitude BETWEEN -90 AND 90),
	longitude double precision CONSTRAINT customer_address_longitude_on_earth CHECK (longitude BETWEEN -180 AND 180),
	address_id bigint,
	PRIMARY KEY (org_id, customer_id, address_no),
	CONSTRAINT customer_address_is_sealed CHECK (usom._is_sealed(name) AND usom._is_sealed(line1) AND usom._is_sealed(line2) AND usom._is_sealed(city)),
	CONSTRAINT customer_address_of_customer FOREIGN KEY (org_id, customer_id) REFERENCES usom.customer ON DELETE RESTRICT ON UPDATE RESTRICT
);
COMMENT ON TABLE usom.customer_address IS 'Where a customer takes deliveries. Written by plain SQL; what tells the door is sealed on its way in: read it as usom.addresses. Orders refer to the snapshot they were placed with.';
COMMENT ON COLUMN usom.customer_address.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.customer_address.customer_id IS 'Customer.';
COMMENT ON COLUMN usom.customer_address.address_no IS 'Number of the address with the customer; 1 is used when an order names none.';
COMMENT ON COLUMN usom.customer_address.name IS 'Name on the label; kept sealed.';
COMMENT ON COLUMN usom.customer_address.line1 IS 'Street and number; kept sealed.';
COMMENT ON COLUMN usom.customer_address.line2 IS 'Second line; kept sealed.';
COMMENT ON COLUMN usom.customer_address.postcode IS 'Postal code; sealed only if it does not look like one.';
COMMENT ON COLUMN usom.customer_address.city IS 'City; kept sealed.';
COMMENT ON COLUMN usom.customer_address.region IS 'State or province: the part of its ISO 3166-2 code after the country (CA, BY); sealed if it does not look like one.';
COMMENT ON COLUMN usom.customer_address.country IS 'ISO 3166 code of two letters.';
COMMENT ON COLUMN usom.customer_address.latitude IS 'Degrees north; kept to two decimals, about a kilometre.';
COMMENT ON COLUMN usom.customer_address.longitude IS 'Degrees east; kept to two decimals.';
COMMENT ON COLUMN usom.customer_address.address_id IS 'Snapshot of the address as it stands, see usom.address. Kept by usom.';

CREATE TABLE usom.address (
	org_id bigint NOT NULL,
	address_id bigint NOT NULL,
	person_id bigint NOT NULL,
	name text,
	line1 text,
	line2 text,
	postcode text,
	city text,
	region text,
	country text,
	latitude double precision,
	longitude double precision,
	verdict text CONSTRAINT address_verdict_known CHECK (verdict IN ('deliverable', 'corrected', 'undeliverable', 'unknown')),
	PRIMARY KEY (org_id, address_id)
);
COMMENT ON TABLE usom.address IS 'Addresses as they were when orders were placed: rows are added, never changed. Texts are sealed; country, region, postcode and coordinates to a kilometre stay readable for the books and for sourcing.';
COMMENT ON COLUMN usom.address.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.address.address_id IS 'Key.';
COMMENT ON COLUMN usom.address.person_id IS 'Whose key opens it: a customer, or the order of a guest.';
COMMENT ON COLUMN usom.address.name IS 'Name on the label, sealed.';
COMMENT ON COLUMN usom.address.line1 IS 'Street and number, sealed.';
COMMENT ON COLUMN usom.address.line2 IS 'Second line, sealed.';
COMMENT ON COLUMN usom.address.postcode IS 'Postal code; sealed only if it does not look like one.';
COMMENT ON COLUMN usom.address.city IS 'City, sealed.';
COMMENT ON COLUMN usom.address.region IS 'Part of an ISO 3166-2 code after the country; sealed if it does not look like one.';
COMMENT ON COLUMN usom.address.country IS 'ISO 3166 code; sealed only if it does not look like one.';
COMMENT ON COLUMN usom.address.latitude IS 'Degrees north, two decimals.';
COMMENT ON COLUMN usom.address.longitude IS 'Degrees east, two decimals.';
COMMENT ON COLUMN usom.address.verdict IS 'What somebody outside found when the address was verified: deliverable, corrected, undeliverable, unknown; null: nobody looked.';

-- No statistics and no other copy: pg_statistic would keep keys that are gone.
CREATE TABLE usom.vault_key (
	org_id bigint NOT NULL,
	person_id bigint NOT NULL,
	key usom.secret NOT NULL,
	PRIMARY KEY (org_id, person_id)
);
ALTER TABLE usom.vault_key ALTER COLUMN key SET STATISTICS 0, ALTER COLUMN key SET STORAGE PLAIN;
COMMENT ON TABLE usom.vault_key IS 'Keys of people: who may SELECT from it reads what is sealed. Deleting a key erases the person. Rows are written by usom alone; the audit keeps the SHA-256 of a key.';
COMMENT ON COLUMN usom.vault_key.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.vault_key.person_id IS 'A customer_id, or the sales_order_id of a guest; 0: the organisation''s own key for usom.vault_index.';
COMMENT ON COLUMN usom.vault_key.key IS 'Key of AES-256-GCM.';

CREATE TABLE usom.vault_index (
	org_id bigint NOT NULL,
	person_id bigint NOT NULL,
	kind text NOT NULL CONSTRAINT vault_index_kind_known CHECK (kind IN ('email', 'phone')),
	digest bytea NOT NULL,
	PRIMARY KEY (org_id, person_id, kind)
);
ALTER TABLE usom.vault_index ALTER COLUMN digest SET STATISTICS 0;
CREATE INDEX vault_index_by_digest ON usom.vault_index (org_id, digest);
COMMENT ON TABLE usom.vault_index IS 'What find_customers() looks in: keyed digests of e-mail addresses and phone numbers. Kept from the rows of customer, so not in the audit; goes when the person is erased.';
COMMENT ON COLUMN usom.vault_index.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.vault_index.person_id IS 'Customer.';
COMMENT ON COLUMN usom.vault_index.kind IS 'email or phone.';
COMMENT ON COLUMN usom.vault_index.digest IS 'HMAC-SHA-256 of the normal form under the organisation''s key.';

CREATE TABLE usom.erasure (
	org_id bigint NOT NULL,
	person_id bigint NOT NULL,
	kind text NOT NULL CONSTRAINT erasure_kind_known CHECK (kind IN ('customer', 'guest')),
	code text NOT NULL,
	reason text,
	erased_at timestamptz NOT NULL DEFAULT now(),
	erased_by text NOT NULL DEFAULT session_user,
	PRIMARY KEY (org_id, person_id)
);
COMMENT ON TABLE usom.erasure IS 'Who was erased, by pseudonym: what is to be erased again when an older backup is restored. Rows are only added.';
COMMENT ON COLUMN usom.erasure.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.erasure.person_id IS 'A customer_id, or the sales_order_id of a guest.';
COMMENT ON COLUMN usom.erasure.kind IS 'customer or guest.';
COMMENT ON COLUMN usom.erasure.code IS 'Code of the customer, or number of the order.';
COMMENT ON COLUMN usom.erasure.reason IS 'Why; do not write who it was.';
COMMENT ON COLUMN usom.erasure.erased_at IS 'Time of the transaction.';
COMMENT ON COLUMN usom.erasure.erased_by IS 'Session user who did it.';

CREATE TABLE usom.retention (
	org_id bigint NOT NULL DEFAULT usom.current_org(),
	what text NOT NULL CONSTRAINT retention_what_known CHECK (what IN ('customer', 'guest')),
	keep_for interval NOT NULL CONSTRAINT retention_keep_for_positive CHECK (keep_for > interval '0'),
	looked_at timestamptz,
	PRIMARY KEY (org_id, what)
);
COMMENT ON TABLE usom.retention IS 'How long people are known; tick() erases those who are due. No row: for ever. Example: INSERT INTO usom.retention VALUES (DEFAULT, ''guest'', ''90 days'');';
COMMENT ON COLUMN usom.retention.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.retention.what IS 'guest: buyers without a customer, counted from the last change of their order. customer: customers, counted from the last change of their last order, or from their own beginning if they have none.';
COMMENT ON COLUMN usom.retention.keep_for IS 'How long after that.';
COMMENT ON COLUMN usom.retention.looked_at IS 'When tick() last looked; it does so once an hour.';

CREATE TABLE usom.access (
	org_id bigint NOT NULL DEFAULT usom.current_org(),
	access_id bigint NOT NULL DEFAULT usom.next_id(),
	role text NOT NULL,
	profile text NOT NULL CONSTRAINT access_profile_known CHECK (profile IN
		('agent', 'manager', 'warehouse', 'channel', 'integrator', 'bi', 'auditor', 'break_glass')),
	channel_id bigint,
	granted_at timestamptz NOT NULL DEFAULT now(),
	granted_by text NOT NULL DEFAULT session_user,
	PRIMARY KEY (org_id, access_id),
	CONSTRAINT access_granted_once UNIQUE NULLS NOT DISTINCT (org_id, role, profile, channel_id),
	CONSTRAINT access_of_channel FOREIGN KEY (org_id, channel_id) REFERENCES usom.channel ON DELETE RESTRICT ON UPDATE RESTRICT
);
COMMENT ON TABLE usom.access IS 'Which role works for which organisation. Written by grant_access() and revoke_access(). A role has the access of every role whose rights it has; superusers and the owner of the tables need none.';
COMMENT ON COLUMN usom.access.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.access.access_id IS 'Key.';
COMMENT ON COLUMN usom.access.role IS 'Name of the role.';
COMMENT ON COLUMN usom.access.profile IS 'agent, manager, warehouse, channel, integrator, bi, auditor or break_glass: the group role usom_<profile> that it was made a member of.';
COMMENT ON COLUMN usom.access.channel_id IS 'Channel whose orders alone it sees and writes; null: all.';
COMMENT ON COLUMN usom.access.granted_at IS 'When it was granted.';
COMMENT ON COLUMN usom.access.granted_by IS 'Session user who granted it.';

-- Rows that replication brings are furnished where they came from, so this trigger is not ENABLE ALWAYS.
CREATE TRIGGER usom_furnish AFTER INSERT ON usom.organisation FOR EACH ROW EXECUTE FUNCTION usom.furnish_organisation();

-- What backends remember of these tables (house.c and others) is forgotten, before any other trigger, by its name, so that those see the change.
CREATE TRIGGER _memo_changed AFTER INSERT OR UPDATE OR DELETE ON usom.organisation
	FOR EACH ROW EXECUTE FUNCTION usom._memo_changed();
ALTER TABLE usom.organisation ENABLE ALWAYS TRIGGER _memo_changed;
CREATE TRIGGER _memo_changed AFTER INSERT OR UPDATE OR DELETE ON usom.channel
	FOR EACH ROW EXECUTE FUNCTION usom._memo_changed();
ALTER TABLE usom.channel ENABLE ALWAYS TRIGGER _memo_changed;

SELECT usom._guard_cards('organisation');
SELECT usom._guard_cards('channel');
SELECT usom._guard_cards('customer');
SELECT usom._guard_cards('customer_address');
SELECT usom._guard_master('organisation', 'code');
SELECT usom._guard_master('channel', 'code');
SELECT usom._guard_master('customer', 'code');
SELECT usom._audit_table('organisation');
SELECT usom._audit_table('channel');
SELECT usom._audit_table('customer');
SELECT usom._audit_table('customer_address');

CREATE TRIGGER usom_seal BEFORE INSERT OR UPDATE ON usom.customer
	FOR EACH ROW EXECUTE FUNCTION usom._seal_customer();
CREATE TRIGGER usom_written_insert AFTER INSERT ON usom.customer REFERENCING NEW TABLE AS newer
	FOR EACH STATEMENT EXECUTE FUNCTION usom._customer_written();
CREATE TRIGGER usom_written_update AFTER UPDATE ON usom.customer REFERENCING OLD TABLE AS older NEW TABLE AS newer
	FOR EACH STATEMENT EXECUTE FUNCTION usom._customer_written();
ALTER TABLE usom.customer ENABLE ALWAYS TRIGGER usom_seal, ENABLE ALWAYS TRIGGER usom_written_insert,
	ENABLE ALWAYS TRIGGER usom_written_update;
CREATE TRIGGER usom_seal BEFORE INSERT OR UPDATE ON usom.customer_address
	FOR EACH ROW EXECUTE FUNCTION usom._seal_address();
CREATE TRIGGER usom_written_insert AFTER INSERT ON usom.customer_address REFERENCING NEW TABLE AS newer
	FOR EACH STATEMENT EXECUTE FUNCTION usom._address_written();
CREATE TRIGGER usom_written_update AFTER UPDATE ON usom.customer_address REFERENCING OLD TABLE AS older NEW TABLE AS newer
	FOR EACH STATEMENT EXECUTE FUNCTION usom._address_written();
ALTER TABLE usom.customer_address ENABLE ALWAYS TRIGGER usom_seal, ENABLE ALWAYS TRIGGER usom_written_insert,
	ENABLE ALWAYS TRIGGER usom_written_update;

SELECT usom._guard_ledger('address', 'the function that changes the address of the order');
SELECT usom._guard_kept('vault_key', 'usom.erase_customer() or usom.erase_order_person()');
SELECT usom._guard_kept('vault_index', 'usom.find_customers(), which reads it');
SELECT usom._guard_cards('retention');
SELECT usom._guard_ledger('erasure', 'usom.erase_customer() or usom.erase_order_person()');
SELECT usom._audit_table('address');
SELECT usom._audit_table('vault_key');
SELECT usom._audit_table('erasure');
SELECT usom._audit_table('retention');

CREATE VIEW usom.customers WITH (security_invoker = true) AS
SELECT c.code AS customer, usom._open(c.org_id, c.name) AS name, usom._open(c.org_id, c.email) AS email,
	usom._open(c.org_id, c.phone) AS phone, c.substitution::text AS substitution, c.active, c.created_at, c.erased_at, c.segment
FROM usom.customer c
WHERE c.org_id = usom.current_org();
COMMENT ON VIEW usom.customers IS 'The customers of the caller''s organisation. Names, addresses and numbers are there for roles that may read usom.vault_key, and null for others. Example: SELECT * FROM usom.customers WHERE customer = ''17850'';';
COMMENT ON COLUMN usom.customers.customer IS 'Code of the customer.';
COMMENT ON COLUMN usom.customers.name IS 'Name for people.';
COMMENT ON COLUMN usom.customers.email IS 'Address for messages; find_customers() searches it.';
COMMENT ON COLUMN usom.customers.phone IS 'Number for calls; find_customers() searches it.';
COMMENT ON COLUMN usom.customers.substitution IS 'none or allowed: may other products take the place of what is short without asking?';
COMMENT ON COLUMN usom.customers.active IS 'Off: no new orders.';
COMMENT ON COLUMN usom.customers.created_at IS 'When the customer was made.';
COMMENT ON COLUMN usom.customers.erased_at IS 'When the person was erased; null: never.';
COMMENT ON COLUMN usom.customers.segment IS 'Group that quotas, priorities and runs may name.';

CREATE VIEW usom.addresses WITH (security_invoker = true) AS
SELECT c.code AS customer, a.address_no, usom._open(a.org_id, a.name) AS name, usom._open(a.org_id, a.line1) AS line1,
	usom._open(a.org_id, a.line2) AS line2, usom._open(a.org_id, a.postcode) AS postcode, usom._open(a.org_id, a.city) AS city,
	usom._open(a.org_id, a.region) AS region, a.country, a.latitude::numeric AS latitude, a.longitude::numeric AS longitude
FROM usom.customer_address a
JOIN usom.customer c ON c.org_id = a.org_id AND c.customer_id = a.customer_id
WHERE a.org_id = usom.current_org();
COMMENT ON VIEW usom.addresses IS 'Where customers take deliveries. What tells the door is there for roles that may read usom.vault_key, and null for others. Example: SELECT * FROM usom.addresses WHERE customer = ''17850'';';
COMMENT ON COLUMN usom.addresses.customer IS 'Code of the customer.';
COMMENT ON COLUMN usom.addresses.address_no IS 'Number of the address with the customer; 1 is used when an order names none.';
COMMENT ON COLUMN usom.addresses.name IS 'Name on the label.';
COMMENT ON COLUMN usom.addresses.line1 IS 'Street and number.';
COMMENT ON COLUMN usom.addresses.line2 IS 'Second line.';
COMMENT ON COLUMN usom.addresses.postcode IS 'Postal code.';
COMMENT ON COLUMN usom.addresses.city IS 'City.';
COMMENT ON COLUMN usom.addresses.region IS 'State or province: the part of its ISO 3166-2 code after the country.';
COMMENT ON COLUMN usom.addresses.country IS 'ISO 3166 code of two letters.';
COMMENT ON COLUMN usom.addresses.latitude IS 'Degrees north, two decimals.';
COMMENT ON COLUMN usom.addresses.longitude IS 'Degrees east, two decimals.';

SELECT usom._guard_kept('access', 'usom.grant_access() or usom.revoke_access()');
SELECT usom._audit_table('access');
CREATE TRIGGER usom_access_changed AFTER INSERT OR UPDATE OR DELETE ON usom.access
	FOR EACH ROW EXECUTE FUNCTION usom._access_changed();
ALTER TABLE usom.access ENABLE ALWAYS TRIGGER usom_access_changed;
-- After the triggers of the audit: it knows every row from its beginning.
INSERT INTO usom.organisation (org_id, code, name) VALUES (1, 'main', 'Main organisation');
$usom_step$),

(1, 401, 'product', $usom_step$
CREATE TABLE usom.product (
	org_id bigint NOT NULL DEFAULT usom.current_org(),
	product_id bigint NOT NULL DEFAULT usom.next_id(),
	sku text NOT NULL CONSTRAINT product_sku_given CHECK (sku <> ''),
	name text,
	kind text NOT NULL DEFAULT 'physical' CONSTRAINT product_kind_known CHECK (kind IN ('physical', 'service', 'kit')),
	kit_policy text NOT NULL DEFAULT 'whole' CONSTRAINT product_kit_policy_known CHECK (kit_policy IN ('whole', 'parts')),
	unit text NOT NULL DEFAULT 'each',
	category text CONSTRAINT product_category_given CHECK (category <> ''),
	weight usom.quantity NOT NULL DEFAULT 0,
	volume usom.quantity NOT NULL DEFAULT 0,
	handling text[] NOT NULL DEFAULT '{}' CONSTRAINT product_handling_codes CHECK (array_position(handling, NULL) IS NULL),
	tax_class text CONSTRAINT product_tax_class_given CHECK (tax_class <> ''),
	decoupling text NOT NULL DEFAULT 'make_to_stock' CONSTRAINT product_decoupling_known CHECK (decoupling IN ('make_to_stock', 'assemble', 'make_to_order', 'engineer_to_order')),
	based_on text,
	attributes jsonb,
	fill_on_receipt boolean,
	tracking text NOT NULL DEFAULT 'none' CONSTRAINT product_tracking_known CHECK (tracking IN ('none', 'lot', 'serial')),
	active boolean NOT NULL DEFAULT true,
	created_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (org_id, product_id),
	CONSTRAINT product_sku_unique UNIQUE (org_id, sku)
);
COMMENT ON TABLE usom.product IS 'What is sold. Physical products are held in stock; services (postage, fees) are not; kits are sold as one and served as their components.';
COMMENT ON COLUMN usom.product.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.product.product_id IS 'Key.';
COMMENT ON COLUMN usom.product.sku IS 'What order documents name.';
COMMENT ON COLUMN usom.product.name IS 'Name for people.';
COMMENT ON COLUMN usom.product.kind IS 'physical, service or kit.';
COMMENT ON COLUMN usom.product.kit_policy IS 'Of a kit: whole, its components are reserved for whole kits alone; parts, each component is reserved and backordered on its own. A change holds for orders that run, too, from their next plan on.';
COMMENT ON COLUMN usom.product.unit IS 'Unit of every quantity of the product.';
COMMENT ON COLUMN usom.product.category IS 'Group of products that sourcing rules may name; null: none.';
COMMENT ON COLUMN usom.product.weight IS 'Kilograms of one unit, for freight.';
COMMENT ON COLUMN usom.product.volume IS 'Litres of one unit, for packing; 0: not known.';
COMMENT ON COLUMN usom.product.handling IS 'Codes of the handling classes that it is of: fragile, cold.';
COMMENT ON COLUMN usom.product.tax_class IS 'Group of products that tax rates may name: food, books; null: none.';
COMMENT ON COLUMN usom.product.decoupling IS 'Where its stock ends: make_to_stock and assemble are served from the shelf; make_to_order and engineer_to_order wait for what is made for them, whatever the type of their order. A change holds from the next plan on.';
COMMENT ON COLUMN usom.product.based_on IS 'Product that one made for an order was derived from; null: none.';
COMMENT ON COLUMN usom.product.attributes IS 'What one made for an order is to be like; null: nothing was said.';
COMMENT ON COLUMN usom.product.fill_on_receipt IS 'Does what receive_stock() takes in go to waiting lines in the same call? Null: as the organisation has it.';
COMMENT ON COLUMN usom.product.tracking IS 'none; lot: units come with the name of their lot; serial: each unit has a number of its own. Changes only while none is on hand.';
COMMENT ON COLUMN usom.product.active IS 'Off: no new orders.';
COMMENT ON COLUMN usom.product.created_at IS 'When the row was made.';

CREATE TABLE usom.kit_component (
	org_id bigint NOT NULL DEFAULT usom.current_org(),
	kit_product_id bigint NOT NULL,
	component_product_id bigint NOT NULL,
	quantity usom.positive_quantity NOT NULL DEFAULT 1,
	PRIMARY KEY (org_id, kit_product_id, component_product_id),
	CONSTRAINT kit_component_of_kit FOREIGN KEY (org_id, kit_product_id) REFERENCES usom.product ON DELETE RESTRICT ON UPDATE RESTRICT,
	CONSTRAINT kit_component_is_product FOREIGN KEY (org_id, component_product_id) REFERENCES usom.product ON DELETE RESTRICT ON UPDATE RESTRICT
);
COMMENT ON TABLE usom.kit_component IS 'What kits are made of. Orders keep what a kit was made of when they were placed.';
COMMENT ON COLUMN usom.kit_component.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.kit_component.kit_product_id IS 'The kit: usom.product_id(''sku'').';
COMMENT ON COLUMN usom.kit_component.component_product_id IS 'What is in it: a physical product, a service, or another kit.';
COMMENT ON COLUMN usom.kit_component.quantity IS 'Units of the component for one kit.';
-- Rows that replication brings were checked where they came from, so this trigger is not ENABLE ALWAYS.
CREATE TRIGGER usom_kit AFTER INSERT OR UPDATE ON usom.kit_component
	FOR EACH ROW EXECUTE FUNCTION usom._check_kit_component();

CREATE VIEW usom.kits WITH (security_invoker = true) AS
SELECT k.sku AS kit, k.name, k.kit_policy AS policy, p.sku AS component, p.kind, trim_scale(c.quantity) AS quantity, k.active
FROM usom.product k
LEFT JOIN usom.kit_component c ON c.org_id = k.org_id AND c.kit_product_id = k.product_id
LEFT JOIN usom.product p ON p.org_id = c.org_id AND p.product_id = c.component_product_id
WHERE k.kind = 'kit' AND k.org_id = usom.current_org();
COMMENT ON VIEW usom.kits IS 'The kits of the caller''s organisation, one row for each component.';
COMMENT ON COLUMN usom.kits.kit IS 'SKU of the kit.';
COMMENT ON COLUMN usom.kits.name IS 'Name of the kit for people.';
COMMENT ON COLUMN usom.kits.policy IS 'whole: its components are reserved for whole kits alone; parts: each on its own.';
COMMENT ON COLUMN usom.kits.component IS 'SKU of what is in it; null: nothing yet, so it cannot be ordered.';
COMMENT ON COLUMN usom.kits.kind IS 'physical, service or kit.';
COMMENT ON COLUMN usom.kits.quantity IS 'Units of the component for one kit.';
COMMENT ON COLUMN usom.kits.active IS 'False: no new orders.';

CREATE TABLE usom.substitute (
	org_id bigint NOT NULL DEFAULT usom.current_org(),
	sku text NOT NULL,
	substitute_sku text NOT NULL,
	quantity usom.positive_quantity NOT NULL DEFAULT 1,
	substitute_quantity usom.positive_quantity NOT NULL DEFAULT 1,
	priority integer NOT NULL DEFAULT 100,
	price_rule text NOT NULL DEFAULT 'keep' CONSTRAINT substitute_price_rule_known CHECK (price_rule IN ('keep', 'lower', 'actual')),
	active boolean NOT NULL DEFAULT true,
	PRIMARY KEY (org_id, sku, substitute_sku),
	CONSTRAINT substitute_of_product FOREIGN KEY (org_id, sku) REFERENCES usom.product (org_id, sku) ON DELETE RESTRICT ON UPDATE RESTRICT,
	CONSTRAINT substitute_by_product FOREIGN KEY (org_id, substitute_sku) REFERENCES usom.product (org_id, sku) ON DELETE RESTRICT ON UPDATE RESTRICT,
	CONSTRAINT substitute_by_another CHECK (sku <> substitute_sku)
);
COMMENT ON TABLE usom.substitute IS 'Which product may take the place of which one that is short. A substitute is not replaced in its turn.';
COMMENT ON COLUMN usom.substitute.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.substitute.sku IS 'Product that is short.';
COMMENT ON COLUMN usom.substitute.substitute_sku IS 'Product that may be sent instead.';
COMMENT ON COLUMN usom.substitute.quantity IS 'So many units of the first ...';
COMMENT ON COLUMN usom.substitute.substitute_quantity IS '... are replaced by so many of the second: 12 and 1 for a box of twelve. Only whole multiples are.';
COMMENT ON COLUMN usom.substitute.priority IS 'Lower is preferred.';
COMMENT ON COLUMN usom.substitute.price_rule IS 'What the customer pays: keep (as for the units replaced, to four decimals a unit), lower (that or the list price, whichever is less) or actual (the list price). Without a list price: keep.';
COMMENT ON COLUMN usom.substitute.active IS 'Off: not proposed any more.';

CREATE VIEW usom.substitutes WITH (security_invoker = true) AS
SELECT r.sku, trim_scale(r.quantity) AS quantity, r.substitute_sku, trim_scale(r.substitute_quantity) AS substitute_quantity,
	r.priority, r.price_rule, r.active
FROM usom.substitute r
WHERE r.org_id = usom.current_org();
COMMENT ON VIEW usom.substitutes IS 'Which product may take the place of which one that is short; ORDER BY sku, priority shows them as they are tried.';
COMMENT ON COLUMN usom.substitutes.sku IS 'Product that is short.';
COMMENT ON COLUMN usom.substitutes.quantity IS 'So many units of it ...';
COMMENT ON COLUMN usom.substitutes.substitute_sku IS 'Product that may be sent instead.';
COMMENT ON COLUMN usom.substitutes.substitute_quantity IS '... are replaced by so many of the other.';
COMMENT ON COLUMN usom.substitutes.priority IS 'Lower is preferred.';
COMMENT ON COLUMN usom.substitutes.price_rule IS 'keep, lower or actual.';
COMMENT ON COLUMN usom.substitutes.active IS 'False: not proposed any more.';

SELECT usom._guard_cards('substitute');
SELECT usom._audit_table('substitute');
SELECT usom._guard_cards('product');
SELECT usom._guard_master('product', 'sku');
SELECT usom._audit_table('product');
SELECT usom._audit_table('kit_component');
$usom_step$),

(1, 402, 'product', $usom_step$
CREATE TABLE usom.product_unit (
	org_id bigint NOT NULL DEFAULT usom.current_org(),
	sku text NOT NULL,
	unit text NOT NULL CONSTRAINT product_unit_given CHECK (unit <> '' AND length(unit) <= 60),
	quantity usom.positive_quantity NOT NULL DEFAULT 1,
	per usom.positive_quantity NOT NULL DEFAULT 1,
	divisible boolean NOT NULL DEFAULT true,
	active boolean NOT NULL DEFAULT true,
	PRIMARY KEY (org_id, sku, unit),
	CONSTRAINT product_unit_of_product FOREIGN KEY (org_id, sku) REFERENCES usom.product (org_id, sku) ON DELETE RESTRICT ON UPDATE RESTRICT
);
COMMENT ON TABLE usom.product_unit IS 'Other units that a product is ordered in: a box of 12. Stock, orders and shipments count in the product''s own unit (usom.product.unit); lines of documents may name one of these, and keep what it was then.';
COMMENT ON COLUMN usom.product_unit.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.product_unit.sku IS 'Product.';
COMMENT ON COLUMN usom.product_unit.unit IS 'Name of the unit, such as box. The product''s own unit needs no row: it is always one.';
COMMENT ON COLUMN usom.product_unit.quantity IS 'So many of the product''s own unit ...';
COMMENT ON COLUMN usom.product_unit.per IS '... are so many of this one: 12 and 1 for a box of twelve, 1 and 12 where one of a dozen is sold.';
COMMENT ON COLUMN usom.product_unit.divisible IS 'Off: only whole numbers of it are ordered.';
COMMENT ON COLUMN usom.product_unit.active IS 'Off: no new lines.';

SELECT usom._guard_cards('product_unit');
SELECT usom._audit_table('product_unit');

CREATE VIEW usom.product_units WITH (security_invoker = true) AS
SELECT p.sku, p.unit AS base_unit, u.unit, trim_scale(u.quantity) AS quantity, trim_scale(u.per) AS per, u.divisible, u.active
FROM usom.product p
JOIN usom.product_unit u ON u.org_id = p.org_id AND u.sku = p.sku
WHERE p.org_id = usom.current_org();
COMMENT ON VIEW usom.product_units IS 'The units that products of the caller''s organisation are ordered in, beside their own.';
COMMENT ON COLUMN usom.product_units.sku IS 'Product.';
COMMENT ON COLUMN usom.product_units.base_unit IS 'Its own unit, that stock and orders count in.';
COMMENT ON COLUMN usom.product_units.unit IS 'The other unit.';
COMMENT ON COLUMN usom.product_units.quantity IS 'So many of the product''s own unit ...';
COMMENT ON COLUMN usom.product_units.per IS '... are so many of the other one.';
COMMENT ON COLUMN usom.product_units.divisible IS 'False: only whole numbers of it are ordered.';
COMMENT ON COLUMN usom.product_units.active IS 'False: no new lines.';
$usom_step$),

(1, 501, 'pricing', $usom_step$
CREATE TABLE usom.price (
	org_id bigint NOT NULL DEFAULT usom.current_org(),
	price_id bigint NOT NULL DEFAULT usom.next_id(),
	sku text NOT NULL,
	currency usom.currency_code NOT NULL DEFAULT 'EUR',
	unit_price usom.price_amount NOT NULL,
	valid_from timestamptz NOT NULL DEFAULT '-infinity',
	valid_to timestamptz,
	per usom.positive_quantity NOT NULL DEFAULT 1,
	unit text NOT NULL DEFAULT '',
	PRIMARY KEY (org_id, price_id),
	CONSTRAINT price_once_at_a_time UNIQUE (org_id, sku, unit, currency, valid_from),
	CONSTRAINT price_valid_to_after_from CHECK (valid_to > valid_from),
	CONSTRAINT price_exact_for_one_unit CHECK (per = 1 OR round(unit_price / per, 4) * per = unit_price),
	CONSTRAINT price_ranges_apart EXCLUDE USING gist (usom._rule_range(org_id, sku, nullif(unit, ''), NULL, NULL, currency, NULL) WITH =,
		tstzrange(valid_from, valid_to) WITH &&) WHERE (valid_to IS NOT NULL),
	CONSTRAINT price_of_product FOREIGN KEY (org_id, sku) REFERENCES usom.product (org_id, sku) ON DELETE RESTRICT ON UPDATE RESTRICT
);
COMMENT ON TABLE usom.price IS 'List prices. An order line without a unit price takes the one that is valid when the order is placed; of several, the one that began last. Prices that have an end do not overlap.';
COMMENT ON COLUMN usom.price.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.price.price_id IS 'Key.';
COMMENT ON COLUMN usom.price.sku IS 'Product.';
COMMENT ON COLUMN usom.price.currency IS 'ISO 4217 code.';
COMMENT ON COLUMN usom.price.unit_price IS 'Price of as many units as per says.';
COMMENT ON COLUMN usom.price.valid_from IS 'From when on; until the next row of the same product and currency.';
COMMENT ON COLUMN usom.price.valid_to IS 'From then on it is not valid, and the price that began before counts again; null: no end.';
COMMENT ON COLUMN usom.price.per IS 'Units that the price is for, such as 100. What one unit costs must come out exact, in four decimals.';
COMMENT ON COLUMN usom.price.unit IS 'Unit of usom.product_unit that the price is for, for lines that are ordered in it; empty: the product''s own. What a box costs need not be twelve times what one costs, nor come out exact for one.';
CREATE TRIGGER usom_rule BEFORE INSERT OR UPDATE ON usom.price
	FOR EACH ROW EXECUTE FUNCTION usom._check_price();

CREATE TABLE usom.price_contract (
	org_id bigint NOT NULL DEFAULT usom.current_org(),
	price_contract_id bigint NOT NULL DEFAULT usom.next_id(),
	customer text,
	segment text,
	sku text,
	category text,
	currency usom.currency_code,
	unit_price usom.price_amount,
	percent numeric(7,4) CONSTRAINT price_contract_percent_sane CHECK (percent > 0 AND percent <= 100),
	discountable boolean NOT NULL DEFAULT true,
	valid_from timestamptz NOT NULL DEFAULT '-infinity',
	valid_to timestamptz,
	PRIMARY KEY (org_id, price_contract_id),
	CONSTRAINT price_contract_with_somebody CHECK (num_nonnulls(customer, segment) = 1),
	CONSTRAINT price_contract_about_something CHECK (num_nonnulls(sku, category) = 1),
	CONSTRAINT price_contract_price_or_percent CHECK (num_nonnulls(unit_price, percent) = 1),
	CONSTRAINT price_contract_price_has_currency CHECK (unit_price IS NULL OR currency IS NOT NULL),
	CONSTRAINT price_contract_price_of_product CHECK (unit_price IS NULL OR sku IS NOT NULL),
	CONSTRAINT price_contract_valid_to_after_from CHECK (valid_to > valid_from),
	CONSTRAINT price_contract_one_at_a_time EXCLUDE USING gist (usom._rule_range(org_id, sku, category, customer, segment, currency, NULL) WITH =,
		tstzrange(valid_from, valid_to) WITH &&)
);
CREATE INDEX price_contract_of_customer ON usom.price_contract (org_id, customer, sku, category) WHERE customer IS NOT NULL;
CREATE INDEX price_contract_of_segment ON usom.price_contract (org_id, segment, sku, category) WHERE segment IS NOT NULL;
COMMENT ON TABLE usom.price_contract IS 'What was agreed with a customer or a segment: a price of a product, or a percentage off the list price of a product or category. Of several that fit, the customer''s counts before the segment''s, that of the product before that of its category, that of the currency before that of any. Two of the same are never valid at once.';
COMMENT ON COLUMN usom.price_contract.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.price_contract.price_contract_id IS 'Key.';
COMMENT ON COLUMN usom.price_contract.customer IS 'Code of the customer; null: it is with a segment.';
COMMENT ON COLUMN usom.price_contract.segment IS 'Segment of customers; null: it is with one customer.';
COMMENT ON COLUMN usom.price_contract.sku IS 'Product; null: it is about a category.';
COMMENT ON COLUMN usom.price_contract.category IS 'Category of products; null: it is about one product.';
COMMENT ON COLUMN usom.price_contract.currency IS 'ISO 4217 code; null: any, for a percentage.';
COMMENT ON COLUMN usom.price_contract.unit_price IS 'Price of one unit; null: it is a percentage.';
COMMENT ON COLUMN usom.price_contract.percent IS 'Percent off the list price; null: it is a price.';
COMMENT ON COLUMN usom.price_contract.discountable IS 'Off: the price is net, quantity breaks, promotions and coupons take nothing off it.';
COMMENT ON COLUMN usom.price_contract.valid_from IS 'From when on.';
COMMENT ON COLUMN usom.price_contract.valid_to IS 'From then on it is not valid; null: no end.';
CREATE TRIGGER usom_rule BEFORE INSERT OR UPDATE ON usom.price_contract
	FOR EACH ROW EXECUTE FUNCTION usom._check_price_contract();
CREATE TRIGGER _memo_changed AFTER INSERT OR UPDATE OR DELETE ON usom.price_contract
	FOR EACH ROW EXECUTE FUNCTION usom._memo_changed();
ALTER TABLE usom.price_contract ENABLE ALWAYS TRIGGER _memo_changed;

CREATE TABLE usom.price_break (
	org_id bigint NOT NULL DEFAULT usom.current_org(),
	price_break_id bigint NOT NULL DEFAULT usom.next_id(),
	sku text,
	category text,
	level text NOT NULL DEFAULT 'line' CONSTRAINT price_break_level_known CHECK (level IN ('line', 'order')),
	min_quantity usom.positive_quantity,
	min_value usom.price_amount,
	currency usom.currency_code,
	unit_price usom.price_amount,
	percent numeric(7,4) CONSTRAINT price_break_percent_sane CHECK (percent > 0 AND percent <= 100),
	valid_from timestamptz NOT NULL DEFAULT '-infinity',
	valid_to timestamptz,
	PRIMARY KEY (org_id, price_break_id),
	CONSTRAINT price_break_sku_or_category CHECK (num_nonnulls(sku, category) <= 1),
	CONSTRAINT price_break_line_by_quantity CHECK ((level = 'line') = (min_quantity IS NOT NULL)),
	CONSTRAINT price_break_order_by_value CHECK ((level = 'order') = (min_value IS NOT NULL)),
	CONSTRAINT price_break_price_or_percent CHECK (num_nonnulls(unit_price, percent) = 1),
	CONSTRAINT price_break_price_of_product CHECK (unit_price IS NULL OR (sku IS NOT NULL AND level = 'line')),
	CONSTRAINT price_break_amount_has_currency CHECK (currency IS NOT NULL OR (unit_price IS NULL AND min_value IS NULL)),
	CONSTRAINT price_break_valid_to_after_from CHECK (valid_to > valid_from),
	CONSTRAINT price_break_one_at_a_time EXCLUDE USING gist (usom._rule_range(org_id, sku, category, level, NULL, currency, coalesce(min_quantity, min_value)) WITH =,
		tstzrange(valid_from, valid_to) WITH &&)
);
CREATE INDEX price_break_of_scope ON usom.price_break (org_id, sku, category, min_quantity) WHERE level = 'line';
COMMENT ON TABLE usom.price_break IS 'What more costs less: from a quantity of a product on (level line), or from a value of the goods of an order on (level order). A break of the product counts before one of its category, that before one of all products; among those, the one with the highest minimum that is reached. A break never raises a price.';
COMMENT ON COLUMN usom.price_break.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.price_break.price_break_id IS 'Key.';
COMMENT ON COLUMN usom.price_break.sku IS 'Product; null: those of the category, or all.';
COMMENT ON COLUMN usom.price_break.category IS 'Category of products; null: any.';
COMMENT ON COLUMN usom.price_break.level IS 'line: by the units of each product; order: by the value of the goods that it is about, taken off them all.';
COMMENT ON COLUMN usom.price_break.min_quantity IS 'Level line: from so many units of the product in the order on.';
COMMENT ON COLUMN usom.price_break.min_value IS 'Level order: from such a value of the goods on.';
COMMENT ON COLUMN usom.price_break.currency IS 'ISO 4217 code; null: any, for a percentage by quantity.';
COMMENT ON COLUMN usom.price_break.unit_price IS 'Price of one unit, if that is less; null: it is a percentage.';
COMMENT ON COLUMN usom.price_break.percent IS 'Percent off the price so far; null: it is a price.';
COMMENT ON COLUMN usom.price_break.valid_from IS 'From when on.';
COMMENT ON COLUMN usom.price_break.valid_to IS 'From then on it is not valid; null: no end.';
CREATE TRIGGER usom_rule BEFORE INSERT OR UPDATE ON usom.price_break
	FOR EACH ROW EXECUTE FUNCTION usom._check_price_break();
CREATE TRIGGER _memo_changed AFTER INSERT OR UPDATE OR DELETE ON usom.price_break
	FOR EACH ROW EXECUTE FUNCTION usom._memo_changed();
ALTER TABLE usom.price_break ENABLE ALWAYS TRIGGER _memo_changed;

CREATE TABLE usom.promotion (
	org_id bigint NOT NULL DEFAULT usom.current_org(),
	promotion_id bigint NOT NULL DEFAULT usom.next_id(),
	code text NOT NULL CONSTRAINT promotion_code_given CHECK (code <> ''),
	name text,
	level text NOT NULL DEFAULT 'line' CONSTRAINT promotion_level_known CHECK (level IN ('line', 'order')),
	segment text,
	channel text,
	skus text[] CONSTRAINT promotion_skus_not_empty CHECK (cardinality(skus) > 0 AND array_position(skus, NULL) IS NULL),
	category text,
	min_quantity usom.positive_quantity,
	max_quantity usom.positive_quantity,
	min_value usom.price_amount,
	currency usom.currency_code,
	percent numeric(7,4) CONSTRAINT promotion_percent_sane CHECK (percent > 0 AND percent <= 100),
	amount usom.price_amount CONSTRAINT promotion_amount_above_zero CHECK (amount > 0),
	unit_price usom.price_amount,
	priority integer NOT NULL DEFAULT 100,
	stacks boolean NOT NULL DEFAULT true,
	exclusion_group text CONSTRAINT promotion_exclusion_group_given CHECK (exclusion_group <> ''),
	needs_coupon boolean NOT NULL DEFAULT false,
	valid_from timestamptz NOT NULL DEFAULT '-infinity',
	valid_to timestamptz,
	active boolean NOT NULL DEFAULT true,
	created_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (org_id, promotion_id),
	CONSTRAINT promotion_code_unique UNIQUE (org_id, code),
	CONSTRAINT promotion_does_one_thing CHECK (num_nonnulls(percent, amount, unit_price) = 1),
	CONSTRAINT promotion_price_of_line CHECK (unit_price IS NULL OR level = 'line'),
	CONSTRAINT promotion_amount_has_currency CHECK (currency IS NOT NULL OR num_nonnulls(amount, unit_price, min_value) = 0),
	CONSTRAINT promotion_max_quantity_from_min CHECK (max_quantity >= min_quantity),
	CONSTRAINT promotion_valid_to_after_from CHECK (valid_to > valid_from)
);
COMMENT ON TABLE usom.promotion IS 'What takes something off for a time: percent, an amount, or down to a fixed price, where all of its conditions hold. Those of level line come before those of level order; among them the lower priority first, then by code.';
COMMENT ON COLUMN usom.promotion.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.promotion.promotion_id IS 'Key.';
COMMENT ON COLUMN usom.promotion.code IS 'Name that explanations and coupons use.';
COMMENT ON COLUMN usom.promotion.name IS 'Name for people.';
COMMENT ON COLUMN usom.promotion.level IS 'line: each line by itself; order: all lines that it is about together, shared by their amounts.';
COMMENT ON COLUMN usom.promotion.segment IS 'Segment of the customer; null: any, guests too.';
COMMENT ON COLUMN usom.promotion.channel IS 'Code of the channel; null: any.';
COMMENT ON COLUMN usom.promotion.skus IS 'Products that it is about; null: those of the category, or all.';
COMMENT ON COLUMN usom.promotion.category IS 'Category of products that it is about; null: any.';
COMMENT ON COLUMN usom.promotion.min_quantity IS 'Units of the product in the order, at least; null: any number.';
COMMENT ON COLUMN usom.promotion.max_quantity IS 'Units of the product in the order, at most; null: any number.';
COMMENT ON COLUMN usom.promotion.min_value IS 'Value of all goods of the order before promotions, at least; null: any.';
COMMENT ON COLUMN usom.promotion.currency IS 'ISO 4217 code of orders that it is about; null: any, for a percentage.';
COMMENT ON COLUMN usom.promotion.percent IS 'Percent off.';
COMMENT ON COLUMN usom.promotion.amount IS 'Amount off: of each unit (level line), of the order (level order); never more than there is.';
COMMENT ON COLUMN usom.promotion.unit_price IS 'Level line: one unit costs so much, if that is less.';
COMMENT ON COLUMN usom.promotion.priority IS 'Lower is tried first.';
COMMENT ON COLUMN usom.promotion.stacks IS 'Off: it applies only to lines that no other promotion applies to.';
COMMENT ON COLUMN usom.promotion.exclusion_group IS 'Of promotions of one group, only the first that fits applies to a line; null: no group.';
COMMENT ON COLUMN usom.promotion.needs_coupon IS 'On: only for orders that bring a coupon of it.';
COMMENT ON COLUMN usom.promotion.valid_from IS 'From when on.';
COMMENT ON COLUMN usom.promotion.valid_to IS 'From then on it is not valid; null: no end.';
COMMENT ON COLUMN usom.promotion.active IS 'Off: it applies to no order that is priced from now on.';
COMMENT ON COLUMN usom.promotion.created_at IS 'When the row was made.';
CREATE TRIGGER usom_rule BEFORE INSERT OR UPDATE ON usom.promotion
	FOR EACH ROW EXECUTE FUNCTION usom._check_promotion();
CREATE TRIGGER _memo_changed AFTER INSERT OR UPDATE OR DELETE ON usom.promotion
	FOR EACH ROW EXECUTE FUNCTION usom._memo_changed();
ALTER TABLE usom.promotion ENABLE ALWAYS TRIGGER _memo_changed;

CREATE TABLE usom.coupon (
	org_id bigint NOT NULL DEFAULT usom.current_org(),
	coupon_id bigint NOT NULL DEFAULT usom.next_id(),
	code text NOT NULL CONSTRAINT coupon_code_given CHECK (code <> ''),
	promotion text NOT NULL,
	limit_uses integer CONSTRAINT coupon_limit_uses_not_negative CHECK (limit_uses >= 0),
	limit_per_customer integer CONSTRAINT coupon_limit_per_customer_some CHECK (limit_per_customer > 0),
	redeemed integer NOT NULL DEFAULT 0 CONSTRAINT coupon_redeemed_not_negative CHECK (redeemed >= 0),
	valid_from timestamptz NOT NULL DEFAULT '-infinity',
	valid_to timestamptz,
	active boolean NOT NULL DEFAULT true,
	created_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (org_id, coupon_id),
	CONSTRAINT coupon_code_unique UNIQUE (org_id, code),
	CONSTRAINT coupon_not_over_redeemed CHECK (redeemed <= limit_uses),
	CONSTRAINT coupon_valid_to_after_from CHECK (valid_to > valid_from)
) WITH (fillfactor = 70);
COMMENT ON TABLE usom.coupon IS 'A code that brings an order a promotion. The row is the lock of its counter, taken after the orders and credit, before stock, by key.';
COMMENT ON COLUMN usom.coupon.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.coupon.coupon_id IS 'Key.';
COMMENT ON COLUMN usom.coupon.code IS 'What the order document names.';
COMMENT ON COLUMN usom.coupon.promotion IS 'Code of the promotion that it brings.';
COMMENT ON COLUMN usom.coupon.limit_uses IS 'Orders that may use it; null: any number. Not below what is redeemed.';
COMMENT ON COLUMN usom.coupon.limit_per_customer IS 'Orders of one customer that may use it, and none of guests; null: any number.';
COMMENT ON COLUMN usom.coupon.redeemed IS 'Orders that use it. Kept by usom from coupon_redemption.';
COMMENT ON COLUMN usom.coupon.valid_from IS 'From when on.';
COMMENT ON COLUMN usom.coupon.valid_to IS 'From then on it is not valid; null: no end.';
COMMENT ON COLUMN usom.coupon.active IS 'Off: no new order may use it.';
COMMENT ON COLUMN usom.coupon.created_at IS 'When the row was made.';
CREATE TRIGGER usom_rule BEFORE INSERT OR UPDATE OF code, promotion, valid_from, valid_to ON usom.coupon
	FOR EACH ROW EXECUTE FUNCTION usom._check_coupon();
CREATE TRIGGER usom_guard_counter BEFORE UPDATE OF redeemed ON usom.coupon
	FOR EACH STATEMENT EXECUTE FUNCTION usom.guard_kept('kept', 'coupon.redeemed', 'usom.place_order() or usom.cancel_order()');
ALTER TABLE usom.coupon ENABLE ALWAYS TRIGGER usom_guard_counter;
-- That there are coupons is remembered, not what they are: counting them makes nobody forget.
CREATE TRIGGER _memo_changed AFTER INSERT ON usom.coupon
	FOR EACH ROW EXECUTE FUNCTION usom._memo_changed();
ALTER TABLE usom.coupon ENABLE ALWAYS TRIGGER _memo_changed;

CREATE TABLE usom.coupon_redemption (
	org_id bigint NOT NULL,
	sales_order_id bigint NOT NULL,
	coupon_id bigint NOT NULL,
	customer_id bigint,
	redeemed_at timestamptz NOT NULL DEFAULT statement_timestamp(),
	released_at timestamptz,
	PRIMARY KEY (org_id, sales_order_id, coupon_id)
);
CREATE INDEX coupon_redemption_of_customer ON usom.coupon_redemption (org_id, coupon_id, customer_id) WHERE released_at IS NULL;
COMMENT ON TABLE usom.coupon_redemption IS 'Which order uses which coupon: the truth that coupon.redeemed sums up. Written under the locks of the order and of the coupon.';
COMMENT ON COLUMN usom.coupon_redemption.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.coupon_redemption.sales_order_id IS 'Order.';
COMMENT ON COLUMN usom.coupon_redemption.coupon_id IS 'Coupon.';
COMMENT ON COLUMN usom.coupon_redemption.customer_id IS 'Customer of the order; null: a guest.';
COMMENT ON COLUMN usom.coupon_redemption.redeemed_at IS 'When the order took it.';
COMMENT ON COLUMN usom.coupon_redemption.released_at IS 'When the order was cancelled or rejected, or changed so that the coupon is off it; null: it counts.';

CREATE TABLE usom.price_step (
	org_id bigint NOT NULL,
	sales_order_id bigint NOT NULL,
	version integer NOT NULL,
	step_no integer NOT NULL,
	line_no integer NOT NULL,
	step text NOT NULL CONSTRAINT price_step_known CHECK (step IN ('document', 'list', 'contract', 'break', 'promotion', 'coupon', 'manual', 'freight', 'tax')),
	rule text,
	unit_price usom.price_amount,
	before usom.amount,
	after usom.amount NOT NULL,
	reason text,
	PRIMARY KEY (org_id, sales_order_id, version, step_no)
);
COMMENT ON TABLE usom.price_step IS 'How the amounts of orders came about: a row for each step of the price waterfall that set or changed the amount of a line. Of each line, a step begins with what the one before it left; the last one leaves what the whole line costs.';
COMMENT ON COLUMN usom.price_step.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.price_step.sales_order_id IS 'Order.';
COMMENT ON COLUMN usom.price_step.version IS 'Version of the order that was priced; the highest one counts.';
COMMENT ON COLUMN usom.price_step.step_no IS 'Number of the step with the order, in the order in which they are taken.';
COMMENT ON COLUMN usom.price_step.line_no IS 'Line. What is taken off the order is shared over its lines.';
COMMENT ON COLUMN usom.price_step.step IS 'document, list, contract, break, promotion, coupon, manual, freight or tax.';
COMMENT ON COLUMN usom.price_step.rule IS 'Which rule: code of the promotion, coupon or rate; whose contract; which minimum.';
COMMENT ON COLUMN usom.price_step.unit_price IS 'Price of one unit from this step on; null: it stays.';
COMMENT ON COLUMN usom.price_step.before IS 'Amount of the whole line before, in the currency of the order; null: there was none.';
COMMENT ON COLUMN usom.price_step.after IS 'Amount of the whole line after.';
COMMENT ON COLUMN usom.price_step.reason IS 'Why, in words.';

SELECT usom._guard_cards('price_contract');
SELECT usom._guard_cards('price_break');
SELECT usom._guard_cards('promotion');
SELECT usom._guard_cards('coupon');
SELECT usom._guard_master('promotion', 'code');
SELECT usom._guard_master('coupon', 'code');
SELECT usom._guard_kept('coupon_redemption', 'usom.place_order() or usom.cancel_order()');
SELECT usom._guard_ledger('price_step', 'usom.change_order()');

CREATE TABLE usom.tax_rate (
	org_id bigint NOT NULL DEFAULT usom.current_org(),
	tax_rate_id bigint NOT NULL DEFAULT usom.next_id(),
	jurisdiction text NOT NULL DEFAULT 'tax' CONSTRAINT tax_rate_jurisdiction_given CHECK (jurisdiction <> ''),
	country text CONSTRAINT tax_rate_country_iso CHECK (country ~ '^[A-Z]{2}$'),
	region text CONSTRAINT tax_rate_region_iso CHECK (region ~ '^[0-9A-Z]{1,3}$'),
	postcode text CONSTRAINT tax_rate_postcode_plain CHECK (postcode ~ '^[0-9A-Z]{1,12}$'),
	tax_class text CONSTRAINT tax_rate_tax_class_given CHECK (tax_class ~ '^[^/]{1,60}$'),
	exemption text CONSTRAINT tax_rate_exemption_given CHECK (exemption ~ '^[^/]{1,60}$'),
	percent numeric(7,4) NOT NULL CONSTRAINT tax_rate_percent_sane CHECK (percent >= 0 AND percent <= 100),
	included boolean NOT NULL DEFAULT false,
	on_freight boolean NOT NULL DEFAULT true,
	valid_from timestamptz NOT NULL DEFAULT '-infinity',
	valid_to timestamptz,
	PRIMARY KEY (org_id, tax_rate_id),
	CONSTRAINT tax_rate_place_in_country CHECK (country IS NOT NULL OR region IS NULL AND postcode IS NULL),
	CONSTRAINT tax_rate_valid_to_after_from CHECK (valid_to > valid_from),
	-- No two keys share 64 bits of hash; were it so, the second would have to be spelled otherwise.
	CONSTRAINT tax_rates_do_not_overlap EXCLUDE USING gist (
		int8range(org_id, org_id, '[]') WITH =,
		numrange(hashtextextended(coalesce(country, '') || '/' || coalesce(region, '') || '/' || coalesce(postcode, '') || '/' || coalesce(tax_class, '') || '//' || coalesce(exemption, ''), 0),
			hashtextextended(coalesce(country, '') || '/' || coalesce(region, '') || '/' || coalesce(postcode, '') || '/' || coalesce(tax_class, '') || '//' || coalesce(exemption, ''), 0), '[]') WITH =,
		tstzrange(valid_from, valid_to) WITH &&)
);
COMMENT ON CONSTRAINT tax_rates_do_not_overlap ON usom.tax_rate IS 'One rate at a time for one exemption, tax class and place.';
COMMENT ON TABLE usom.tax_rate IS 'Tax by where goods go, what they are and who buys them. Of the rates that are in force when an order is placed the most specific one counts, and it alone: one for the customer''s exemption before one for none, then for the tax class, then the longest postal code, then the region, then the country. Without a rate: no tax.';
COMMENT ON COLUMN usom.tax_rate.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.tax_rate.tax_rate_id IS 'Key.';
COMMENT ON COLUMN usom.tax_rate.jurisdiction IS 'Whose tax it is, or its name: what explain_price() shows.';
COMMENT ON COLUMN usom.tax_rate.country IS 'ISO 3166 code of the country that goods are sent to; null: any, or none is known.';
COMMENT ON COLUMN usom.tax_rate.region IS 'State or province: the part of its ISO 3166-2 code after the country; null: any.';
COMMENT ON COLUMN usom.tax_rate.postcode IS 'How the postal code begins: capital letters and digits, nothing between; null: any.';
COMMENT ON COLUMN usom.tax_rate.tax_class IS 'Products with this tax class, 60 characters without a slash; null: all.';
COMMENT ON COLUMN usom.tax_rate.exemption IS 'Customers with this exemption, 60 characters without a slash; null: all.';
COMMENT ON COLUMN usom.tax_rate.percent IS 'Percent of the amount before tax: 19 is 19 %. 0: not taxed.';
COMMENT ON COLUMN usom.tax_rate.included IS 'On: prices and freight have the tax in them; off: it is added.';
COMMENT ON COLUMN usom.tax_rate.on_freight IS 'Off: the freight of such goods is not taxed.';
COMMENT ON COLUMN usom.tax_rate.valid_from IS 'From when on.';
COMMENT ON COLUMN usom.tax_rate.valid_to IS 'Until when, that moment not; null: no end.';

CREATE TABLE usom.freight_charge (
	org_id bigint NOT NULL DEFAULT usom.current_org(),
	freight_charge_id bigint NOT NULL DEFAULT usom.next_id(),
	name text NOT NULL DEFAULT 'freight' CONSTRAINT freight_charge_name_given CHECK (name <> ''),
	channel text,
	order_type text,
	country text CONSTRAINT freight_charge_country_iso CHECK (country ~ '^[A-Z]{2}$'),
	currency usom.currency_code NOT NULL DEFAULT usom.default_currency(),
	order_price usom.price_amount NOT NULL DEFAULT 0,
	weight_price usom.price_amount NOT NULL DEFAULT 0,
	unit_price usom.price_amount NOT NULL DEFAULT 0,
	free_from usom.price_amount,
	valid_from timestamptz NOT NULL DEFAULT '-infinity',
	valid_to timestamptz,
	PRIMARY KEY (org_id, freight_charge_id),
	CONSTRAINT freight_charge_valid_to_after_from CHECK (valid_to > valid_from),
	CONSTRAINT freight_charges_do_not_overlap EXCLUDE USING gist (
		int8range(org_id, org_id, '[]') WITH =,
		numrange(hashtextextended(currency || coalesce(country, '--') || coalesce(order_type, '') || '//' || coalesce(channel, ''), 0),
			hashtextextended(currency || coalesce(country, '--') || coalesce(order_type, '') || '//' || coalesce(channel, ''), 0), '[]') WITH =,
		tstzrange(valid_from, valid_to) WITH &&)
);
COMMENT ON CONSTRAINT freight_charges_do_not_overlap ON usom.freight_charge IS 'One charge at a time for one channel, order type, country and currency.';
COMMENT ON TABLE usom.freight_charge IS 'What customers pay for delivery: a price for the order, for each kilogram and for each unit. Of the rows in the currency of the order that are in force when it is placed the most specific one counts: one for the channel before one for none, then for the order type, then for the country. Orders without goods that are sent, and pick-ups that no row names, pay nothing.';
COMMENT ON COLUMN usom.freight_charge.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.freight_charge.freight_charge_id IS 'Key.';
COMMENT ON COLUMN usom.freight_charge.name IS 'What explain_price() shows.';
COMMENT ON COLUMN usom.freight_charge.channel IS 'Orders of this channel; null: of all.';
COMMENT ON COLUMN usom.freight_charge.order_type IS 'Orders of this type, see usom.order_types(); null: of all types but pick_up.';
COMMENT ON COLUMN usom.freight_charge.country IS 'ISO 3166 code of the country that goods are sent to; null: any, or none is known.';
COMMENT ON COLUMN usom.freight_charge.currency IS 'Of the order, and of the prices of this row.';
COMMENT ON COLUMN usom.freight_charge.order_price IS 'For the order.';
COMMENT ON COLUMN usom.freight_charge.weight_price IS 'For each kilogram of its physical products and kits.';
COMMENT ON COLUMN usom.freight_charge.unit_price IS 'For each unit of its physical products and kits.';
COMMENT ON COLUMN usom.freight_charge.free_from IS 'Goods less discount that are worth so much are delivered free; null: never.';
COMMENT ON COLUMN usom.freight_charge.valid_from IS 'From when on.';
COMMENT ON COLUMN usom.freight_charge.valid_to IS 'Until when, that moment not; null: no end.';
CREATE TRIGGER usom_check BEFORE INSERT OR UPDATE ON usom.freight_charge
	FOR EACH ROW EXECUTE FUNCTION usom._check_freight_charge();
ALTER TABLE usom.freight_charge ENABLE ALWAYS TRIGGER usom_check;

CREATE TRIGGER _memo_changed AFTER INSERT OR UPDATE OR DELETE ON usom.tax_rate
	FOR EACH ROW EXECUTE FUNCTION usom._memo_changed();
ALTER TABLE usom.tax_rate ENABLE ALWAYS TRIGGER _memo_changed;
CREATE TRIGGER _memo_changed AFTER INSERT OR UPDATE OR DELETE ON usom.freight_charge
	FOR EACH ROW EXECUTE FUNCTION usom._memo_changed();
ALTER TABLE usom.freight_charge ENABLE ALWAYS TRIGGER _memo_changed;
SELECT usom._guard_cards('tax_rate');
SELECT usom._guard_cards('freight_charge');

SELECT usom._audit_table('price');
SELECT usom._audit_table('tax_rate');
SELECT usom._audit_table('freight_charge');
SELECT usom._audit_table('price_contract');
SELECT usom._audit_table('price_break');
SELECT usom._audit_table('promotion');
SELECT usom._audit_table('coupon');
SELECT usom._audit_table('coupon_redemption');
SELECT usom._audit_table('price_step');
$usom_step$),

(1, 601, 'stock', $usom_step$
CREATE TABLE usom.location (
	org_id bigint NOT NULL DEFAULT usom.current_org(),
	location_id bigint NOT NULL DEFAULT usom.next_id(),
	code text NOT NULL CONSTRAINT location_code_given CHECK (code <> ''),
	name text,
	kind text NOT NULL DEFAULT 'warehouse' CONSTRAINT location_kind_known CHECK (kind IN ('warehouse', 'store', 'supplier', 'third_party')),
	priority integer NOT NULL DEFAULT 100,
	active boolean NOT NULL DEFAULT true,
	latitude double precision CONSTRAINT location_latitude_on_earth CHECK (latitude BETWEEN -90 AND 90),
	longitude double precision CONSTRAINT location_longitude_on_earth CHECK (longitude BETWEEN -180 AND 180),
	time_zone text NOT NULL DEFAULT 'UTC',
	ships boolean NOT NULL DEFAULT true,
	picks_up boolean NOT NULL DEFAULT false,
	ships_from text NOT NULL DEFAULT 'released' CONSTRAINT location_ships_from_known CHECK (ships_from IN ('released', 'picked', 'packed')),
	pickup_days integer NOT NULL DEFAULT 7 CONSTRAINT location_pickup_days_sane CHECK (pickup_days BETWEEN 0 AND 365),
	order_cost usom.price_amount NOT NULL DEFAULT 0,
	unit_cost usom.price_amount NOT NULL DEFAULT 0,
	handling_cost usom.price_amount NOT NULL DEFAULT 0,
	protected_quantity usom.quantity NOT NULL DEFAULT 0,
	created_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (org_id, location_id),
	CONSTRAINT location_code_unique UNIQUE (org_id, code)
);
COMMENT ON TABLE usom.location IS 'Where stock is held and orders are shipped from.';
COMMENT ON COLUMN usom.location.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.location.location_id IS 'Key.';
COMMENT ON COLUMN usom.location.code IS 'What documents and functions name.';
COMMENT ON COLUMN usom.location.name IS 'Name for people.';
COMMENT ON COLUMN usom.location.kind IS 'warehouse, store, supplier (drop ship) or third_party (3PL).';
COMMENT ON COLUMN usom.location.priority IS 'Lower is asked first.';
COMMENT ON COLUMN usom.location.active IS 'Off: nothing new is reserved here.';
COMMENT ON COLUMN usom.location.latitude IS 'Degrees north.';
COMMENT ON COLUMN usom.location.longitude IS 'Degrees east.';
COMMENT ON COLUMN usom.location.time_zone IS 'Clock of its opening hours and capacity: a name of pg_timezone_names.';
COMMENT ON COLUMN usom.location.ships IS 'Off: serves no order that is to be sent.';
COMMENT ON COLUMN usom.location.picks_up IS 'On: customers may fetch their orders here.';
COMMENT ON COLUMN usom.location.ships_from IS 'Least state that units leave from: released (picking and packing may be skipped), picked, or packed.';
COMMENT ON COLUMN usom.location.pickup_days IS 'So many days after the one when it became ready an order is kept for the customer who fetches it, to the end of the last one.';
COMMENT ON COLUMN usom.location.order_cost IS 'What it costs that an order is served from here at all, in the currency of the organisation.';
COMMENT ON COLUMN usom.location.unit_cost IS 'What each unit costs that is served from here, in the currency of the organisation.';
COMMENT ON COLUMN usom.location.handling_cost IS 'What each shipment costs to pick and pack, freight aside, in the currency of the organisation.';
COMMENT ON COLUMN usom.location.protected_quantity IS 'Units of each product that orders to be sent leave to the shop.';
COMMENT ON COLUMN usom.location.created_at IS 'When the row was made.';

CREATE TABLE usom.stock (
	org_id bigint NOT NULL,
	product_id bigint NOT NULL,
	location_id bigint NOT NULL,
	lot text COLLATE "C" NOT NULL DEFAULT '',
	on_hand usom.quantity NOT NULL DEFAULT 0,
	reserved usom.quantity NOT NULL DEFAULT 0,
	held usom.quantity NOT NULL DEFAULT 0,
	held_until timestamptz,
	safety usom.quantity NOT NULL DEFAULT 0,
	usable_until timestamptz,
	PRIMARY KEY (org_id, product_id, location_id, lot),
	CONSTRAINT stock_not_oversold CHECK (reserved <= on_hand),
	CONSTRAINT stock_held_iff_dated CHECK ((held > 0) = (held_until IS NOT NULL))
) WITH (fillfactor = 50);
COMMENT ON TABLE usom.stock IS 'Balance of a product, location and lot, kept from stock_movement (on_hand), fulfillment_line (reserved) and reservation (held). Written by usom alone; the rows are the locks of the stock, taken in key order.';
COMMENT ON COLUMN usom.stock.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.stock.product_id IS 'Product.';
COMMENT ON COLUMN usom.stock.location_id IS 'Location.';
COMMENT ON COLUMN usom.stock.lot IS 'Lot; empty where the product has none.';
COMMENT ON COLUMN usom.stock.on_hand IS 'Units on the shelf: the sum of the movements.';
COMMENT ON COLUMN usom.stock.reserved IS 'Units promised to order pieces that are not shipped yet.';
COMMENT ON COLUMN usom.stock.held IS 'Units under soft reservations: the sum of their rows. Once held_until has passed, those that have run out are subtracted.';
COMMENT ON COLUMN usom.stock.held_until IS 'Earliest expiry among the soft reservations; null if there is none.';
COMMENT ON COLUMN usom.stock.safety IS 'Units that are never promised.';
COMMENT ON COLUMN usom.stock.usable_until IS 'From then on nothing of it is promised, reserved or shipped: when the lot expires; -infinity: it is blocked; null: for ever. Kept from usom.lot.';

CREATE TABLE usom.stock_movement (
	org_id bigint NOT NULL,
	stock_movement_id bigint NOT NULL DEFAULT usom.next_id(),
	product_id bigint NOT NULL,
	location_id bigint NOT NULL,
	lot text COLLATE "C" NOT NULL DEFAULT '',
	kind text NOT NULL CONSTRAINT stock_movement_kind_known CHECK (kind IN ('receipt', 'reversal', 'adjustment', 'count', 'shipment', 'void', 'return', 'transfer', 'scrap', 'refurbish', 'to_vendor')),
	delta numeric(18,6) NOT NULL CONSTRAINT stock_movement_moves CHECK (delta <> 0 AND delta > -1e12 AND delta < 1e12),
	reference text,
	reason text,
	sales_order_id bigint,
	moved_at timestamptz NOT NULL DEFAULT now(),
	actor text NOT NULL DEFAULT session_user,
	PRIMARY KEY (org_id, stock_movement_id)
);
CREATE INDEX stock_movement_of_receipt ON usom.stock_movement (org_id, reference, product_id) WHERE kind IN ('receipt', 'reversal') AND reference IS NOT NULL;
COMMENT ON TABLE usom.stock_movement IS 'The ledger of stock: every change of on_hand, once, for ever. The truth that stock sums up.';
COMMENT ON COLUMN usom.stock_movement.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.stock_movement.stock_movement_id IS 'Key.';
COMMENT ON COLUMN usom.stock_movement.product_id IS 'Product.';
COMMENT ON COLUMN usom.stock_movement.location_id IS 'Location.';
COMMENT ON COLUMN usom.stock_movement.lot IS 'Lot; empty where the product has none.';
COMMENT ON COLUMN usom.stock_movement.kind IS 'receipt, reversal, adjustment, count, shipment, void (of a shipment that no carrier took) or return; transfer, scrap, refurbish or to_vendor of what came back.';
COMMENT ON COLUMN usom.stock_movement.delta IS 'Units in (positive) or out (negative).';
COMMENT ON COLUMN usom.stock_movement.reference IS 'Document of the outside world, or number of the shipment or return.';
COMMENT ON COLUMN usom.stock_movement.reason IS 'Why, in words.';
COMMENT ON COLUMN usom.stock_movement.sales_order_id IS 'Order that shipped or returned the units.';
COMMENT ON COLUMN usom.stock_movement.moved_at IS 'When the movement was booked.';
COMMENT ON COLUMN usom.stock_movement.actor IS 'Session user who booked it.';

CREATE TABLE usom.reservation (
	org_id bigint NOT NULL,
	reservation_id bigint NOT NULL DEFAULT usom.next_id(),
	owner text NOT NULL,
	product_id bigint NOT NULL,
	location_id bigint NOT NULL,
	lot text COLLATE "C" NOT NULL DEFAULT '',
	quantity usom.quantity NOT NULL CONSTRAINT reservation_of_something CHECK (quantity > 0),
	expires_at timestamptz NOT NULL,
	created_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (org_id, reservation_id),
	CONSTRAINT reservation_once_per_owner UNIQUE (org_id, product_id, location_id, lot, owner)
);
COMMENT ON TABLE usom.reservation IS 'Soft reservations: units kept for a cart or an agent until expires_at, without a job that sweeps them.';
COMMENT ON COLUMN usom.reservation.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.reservation.reservation_id IS 'Key; what reserve_stock returns.';
COMMENT ON COLUMN usom.reservation.owner IS 'Cart, session or agent; a second reservation of the same owner replaces the first.';
COMMENT ON COLUMN usom.reservation.product_id IS 'Product.';
COMMENT ON COLUMN usom.reservation.location_id IS 'Location.';
COMMENT ON COLUMN usom.reservation.lot IS 'Lot; empty where the product has none.';
COMMENT ON COLUMN usom.reservation.quantity IS 'Units kept.';
COMMENT ON COLUMN usom.reservation.expires_at IS 'From then on the row counts no more.';
COMMENT ON COLUMN usom.reservation.created_at IS 'When the row was made.';

CREATE INDEX reservation_by_expiry ON usom.reservation (org_id, product_id, location_id, lot, expires_at);
CREATE INDEX reservation_of_owner ON usom.reservation (org_id, owner);

CREATE TABLE usom.location_capacity (
	org_id bigint NOT NULL DEFAULT usom.current_org(),
	location_capacity_id bigint NOT NULL DEFAULT usom.next_id(),
	location_id bigint NOT NULL,
	on_date date,
	units usom.quantity,
	orders integer CONSTRAINT location_capacity_orders_not_negative CHECK (orders >= 0),
	PRIMARY KEY (org_id, location_capacity_id),
	CONSTRAINT location_capacity_of_location FOREIGN KEY (org_id, location_id) REFERENCES usom.location ON DELETE RESTRICT ON UPDATE RESTRICT,
	CONSTRAINT location_capacity_once_a_day UNIQUE NULLS NOT DISTINCT (org_id, location_id, on_date)
);
COMMENT ON TABLE usom.location_capacity IS 'How much a location ships in a day. Days and hours begin at the location''s own clock. Work is counted from the first row of a location on.';
COMMENT ON COLUMN usom.location_capacity.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.location_capacity.location_capacity_id IS 'Key.';
COMMENT ON COLUMN usom.location_capacity.location_id IS 'Location, see usom.location_id().';
COMMENT ON COLUMN usom.location_capacity.on_date IS 'The one local day that the row is for, instead of the usual; null: every day.';
COMMENT ON COLUMN usom.location_capacity.units IS 'Units at most; null: no limit.';
COMMENT ON COLUMN usom.location_capacity.orders IS 'Orders at most; null: no limit.';

CREATE TABLE usom.location_load (
	org_id bigint NOT NULL,
	location_id bigint NOT NULL,
	on_date date NOT NULL,
	units usom.quantity NOT NULL DEFAULT 0,
	orders integer NOT NULL DEFAULT 0 CONSTRAINT location_load_orders_not_negative CHECK (orders >= 0),
	PRIMARY KEY (org_id, location_id, on_date)
) WITH (fillfactor = 50);
COMMENT ON TABLE usom.location_load IS 'What of a location''s day is taken, kept from capacity_use. The rows are the locks of the capacity: taken after those of stock, by location and day.';
COMMENT ON COLUMN usom.location_load.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.location_load.location_id IS 'Location.';
COMMENT ON COLUMN usom.location_load.on_date IS 'Day at the location''s clock.';
COMMENT ON COLUMN usom.location_load.units IS 'Units to be shipped that day.';
COMMENT ON COLUMN usom.location_load.orders IS 'Orders they are of.';

CREATE TABLE usom.capacity_use (
	org_id bigint NOT NULL,
	location_id bigint NOT NULL,
	on_date date NOT NULL,
	sales_order_id bigint NOT NULL,
	units usom.positive_quantity NOT NULL,
	PRIMARY KEY (org_id, sales_order_id, location_id, on_date)
);
COMMENT ON TABLE usom.capacity_use IS 'What an order takes of a location''s day: the truth that location_load sums up. Written under the lock of the order.';
COMMENT ON COLUMN usom.capacity_use.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.capacity_use.location_id IS 'Location.';
COMMENT ON COLUMN usom.capacity_use.on_date IS 'Day at the location''s clock.';
COMMENT ON COLUMN usom.capacity_use.sales_order_id IS 'Order.';
COMMENT ON COLUMN usom.capacity_use.units IS 'Units of it to be shipped from there that day.';
CREATE TABLE usom.supply (
	org_id bigint NOT NULL,
	supply_id bigint NOT NULL,
	supply_no text NOT NULL CONSTRAINT supply_no_given CHECK (supply_no <> ''),
	kind text NOT NULL CONSTRAINT supply_kind_known CHECK (kind IN ('purchase', 'production', 'transfer', 'return', 'drop_ship')),
	product_id bigint NOT NULL,
	location_id bigint NOT NULL,
	quantity usom.positive_quantity NOT NULL,
	received usom.quantity NOT NULL DEFAULT 0,
	pegged usom.quantity NOT NULL DEFAULT 0,
	expected_at timestamptz NOT NULL,
	confidence numeric(4,3) NOT NULL DEFAULT 1 CONSTRAINT supply_confidence_is_share CHECK (confidence > 0 AND confidence <= 1),
	status text NOT NULL DEFAULT 'expected' CONSTRAINT supply_status_known CHECK (status IN ('expected', 'received', 'cancelled')),
	reference text,
	sales_order_id bigint,
	line_no integer,
	created_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (org_id, supply_id),
	CONSTRAINT supply_no_unique UNIQUE (org_id, supply_no),
	CONSTRAINT supply_expected_iff_rest CHECK ((status = 'expected' AND received < quantity) OR status <> 'expected'),
	CONSTRAINT supply_not_overpegged CHECK (pegged <= CASE status WHEN 'expected' THEN quantity - received ELSE 0 END),
	CONSTRAINT supply_of_line_iff_of_order CHECK ((sales_order_id IS NULL) = (line_no IS NULL))
) WITH (fillfactor = 70);
CREATE INDEX supply_of_line ON usom.supply (org_id, sales_order_id, line_no) WHERE sales_order_id IS NOT NULL;
CREATE INDEX supply_expected ON usom.supply (org_id, product_id, expected_at) WHERE status = 'expected';
COMMENT ON TABLE usom.supply IS 'Stock that is under way: a purchase, a production order, a transfer. Pieces that wait are pegged to it and promised for its date. Written by usom alone; the rows are locks, taken in key order after those of stock.';
COMMENT ON COLUMN usom.supply.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.supply.supply_id IS 'Key.';
COMMENT ON COLUMN usom.supply.supply_no IS 'Number of the document, given by the caller or by the counter.';
COMMENT ON COLUMN usom.supply.kind IS 'purchase, production, transfer, return or drop_ship.';
COMMENT ON COLUMN usom.supply.product_id IS 'Product.';
COMMENT ON COLUMN usom.supply.location_id IS 'Location where it arrives.';
COMMENT ON COLUMN usom.supply.quantity IS 'Units under way when nothing of it has arrived.';
COMMENT ON COLUMN usom.supply.received IS 'Units that have arrived; more than quantity if too many came.';
COMMENT ON COLUMN usom.supply.pegged IS 'Units that waiting pieces count on: the sum of the pieces that name it.';
COMMENT ON COLUMN usom.supply.expected_at IS 'When it is expected.';
COMMENT ON COLUMN usom.supply.confidence IS 'How sure quantity and date are: above 0, 1 is certain.';
COMMENT ON COLUMN usom.supply.status IS 'expected, received (nothing more comes) or cancelled.';
COMMENT ON COLUMN usom.supply.reference IS 'Number of the document of the outside world.';
COMMENT ON COLUMN usom.supply.sales_order_id IS 'Order it is for and for no other; null: for all.';
COMMENT ON COLUMN usom.supply.line_no IS 'Line of that order; null if it is for all.';
COMMENT ON COLUMN usom.supply.created_at IS 'When the row was made.';

CREATE TRIGGER usom_supply_added AFTER INSERT ON usom.supply
	FOR EACH STATEMENT EXECUTE FUNCTION usom._supply_added();
ALTER TABLE usom.supply ENABLE ALWAYS TRIGGER usom_supply_added;

CREATE TABLE usom.stock_interest (
	org_id bigint NOT NULL,
	stock_interest_id bigint NOT NULL DEFAULT usom.next_id(),
	customer_id bigint NOT NULL,
	product_id bigint NOT NULL,
	location_id bigint,
	quantity usom.positive_quantity NOT NULL,
	watched_at timestamptz NOT NULL DEFAULT now(),
	expires_at timestamptz,
	told_at timestamptz,
	PRIMARY KEY (org_id, stock_interest_id)
);
CREATE UNIQUE INDEX stock_interest_once ON usom.stock_interest (org_id, product_id, location_id, customer_id) NULLS NOT DISTINCT WHERE told_at IS NULL;
COMMENT ON TABLE usom.stock_interest IS 'Who wants to be told when a product is in stock again. Reserves nothing.';
COMMENT ON COLUMN usom.stock_interest.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.stock_interest.stock_interest_id IS 'Key.';
COMMENT ON COLUMN usom.stock_interest.customer_id IS 'Customer.';
COMMENT ON COLUMN usom.stock_interest.product_id IS 'Product.';
COMMENT ON COLUMN usom.stock_interest.location_id IS 'Location; null: any.';
COMMENT ON COLUMN usom.stock_interest.quantity IS 'Units the customer wants.';
COMMENT ON COLUMN usom.stock_interest.watched_at IS 'When the customer asked: the order in which they are told.';
COMMENT ON COLUMN usom.stock_interest.expires_at IS 'From then on the interest counts no more; null: until told.';
COMMENT ON COLUMN usom.stock_interest.told_at IS 'When the event was written; null: not yet.';
SELECT usom._guard_kept('stock_interest', 'usom.watch_stock() or usom.unwatch_stock()');
SELECT usom._audit_table('stock_interest');

CREATE TABLE usom.quota (
	org_id bigint NOT NULL DEFAULT usom.current_org(),
	quota_id bigint NOT NULL DEFAULT usom.next_id(),
	code text NOT NULL CONSTRAINT quota_code_given CHECK (code <> ''),
	name text,
	meaning text NOT NULL DEFAULT 'ceiling' CONSTRAINT quota_meaning_known CHECK (meaning IN ('ceiling', 'protection')),
	sku text,
	category text,
	channel text,
	customer text,
	segment text,
	country text CONSTRAINT quota_country_iso CHECK (country ~ '^[A-Z]{2}$'),
	quantity usom.quantity NOT NULL,
	valid_from timestamptz NOT NULL DEFAULT now(),
	valid_to timestamptz,
	every text CONSTRAINT quota_every_known CHECK (every IN ('day', 'week', 'month')),
	time_zone text NOT NULL DEFAULT 'UTC',
	borrows_from text[] CONSTRAINT quota_borrows_from_not_empty CHECK (cardinality(borrows_from) > 0 AND array_position(borrows_from, NULL) IS NULL),
	takes_rest boolean NOT NULL DEFAULT true,
	release_at timestamptz,
	active boolean NOT NULL DEFAULT true,
	created_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (org_id, quota_id),
	CONSTRAINT quota_code_unique UNIQUE (org_id, code),
	CONSTRAINT quota_sku_or_category CHECK (sku IS NULL OR category IS NULL),
	CONSTRAINT quota_protects_a_product CHECK (meaning <> 'protection' OR sku IS NOT NULL),
	CONSTRAINT quota_protects_for_somebody CHECK (meaning <> 'protection' OR num_nonnulls(channel, customer, segment, country) > 0),
	CONSTRAINT quota_released_if_protected CHECK (release_at IS NULL OR meaning = 'protection'),
	CONSTRAINT quota_valid_to_after_from CHECK (valid_to > valid_from)
);
COMMENT ON TABLE usom.quota IS 'Who may have how much of what is scarce. A ceiling: its members get so many units of a product or category in a period at most. A protection: so many units of a product are kept for its members. Members are orders that all of channel, customer, segment and country fit. The row is the lock of what is used of it, taken after those of stock and supply, by key.';
COMMENT ON COLUMN usom.quota.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.quota.quota_id IS 'Key.';
COMMENT ON COLUMN usom.quota.code IS 'Name that messages and other quotas use.';
COMMENT ON COLUMN usom.quota.name IS 'Name for people.';
COMMENT ON COLUMN usom.quota.meaning IS 'ceiling or protection.';
COMMENT ON COLUMN usom.quota.sku IS 'Product; null: those of the category, or all.';
COMMENT ON COLUMN usom.quota.category IS 'Category of products, their units added up; null: any.';
COMMENT ON COLUMN usom.quota.channel IS 'Code of the channel of the order; null: any.';
COMMENT ON COLUMN usom.quota.customer IS 'Code of the customer of the order; null: any, guests too.';
COMMENT ON COLUMN usom.quota.segment IS 'Segment of the customer; null: any, guests too.';
COMMENT ON COLUMN usom.quota.country IS 'ISO 3166 code of two letters of the address; null: any.';
COMMENT ON COLUMN usom.quota.quantity IS 'Units in each period.';
COMMENT ON COLUMN usom.quota.valid_from IS 'From when it is in force; where it does not repeat, also the name of its period: a new one begins with nothing used.';
COMMENT ON COLUMN usom.quota.valid_to IS 'From then on it is not in force; null: for ever.';
COMMENT ON COLUMN usom.quota.every IS 'day, week (from Monday) or month: anew each time; null: once.';
COMMENT ON COLUMN usom.quota.time_zone IS 'Clock at which days, weeks and months begin: a name of pg_timezone_names.';
COMMENT ON COLUMN usom.quota.borrows_from IS 'Codes of quotas whose units members may have when there are no others, in this order; null: none.';
COMMENT ON COLUMN usom.quota.takes_rest IS 'Protection. On: members may have unprotected units when theirs are used up.';
COMMENT ON COLUMN usom.quota.release_at IS 'Protection: from then on the unused units are for all; null: never.';
COMMENT ON COLUMN usom.quota.active IS 'Off: neither limits nor protects, and counts no more.';
COMMENT ON COLUMN usom.quota.created_at IS 'When the row was made.';

CREATE TABLE usom.quota_load (
	org_id bigint NOT NULL,
	quota_id bigint NOT NULL,
	starts_at timestamptz NOT NULL,
	used usom.quantity NOT NULL DEFAULT 0,
	PRIMARY KEY (org_id, quota_id, starts_at)
) WITH (fillfactor = 50);
COMMENT ON TABLE usom.quota_load IS 'What of a quota''s period is used, kept from quota_use. Written under the lock of the quota.';
COMMENT ON COLUMN usom.quota_load.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.quota_load.quota_id IS 'Quota.';
COMMENT ON COLUMN usom.quota_load.starts_at IS 'When the period began.';
COMMENT ON COLUMN usom.quota_load.used IS 'Units allocated.';

CREATE TABLE usom.quota_use (
	org_id bigint NOT NULL,
	sales_order_id bigint NOT NULL,
	line_no integer NOT NULL,
	quota_id bigint NOT NULL,
	lender_id bigint NOT NULL,
	starts_at timestamptz NOT NULL,
	units usom.positive_quantity NOT NULL,
	PRIMARY KEY (org_id, sales_order_id, line_no, quota_id, lender_id, starts_at)
);
CREATE INDEX quota_use_of_lender ON usom.quota_use (org_id, lender_id, starts_at);
COMMENT ON TABLE usom.quota_use IS 'What an order line uses of a quota: the truth that quota_load sums up. Written under the locks of the order and of the quota.';
COMMENT ON COLUMN usom.quota_use.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.quota_use.sales_order_id IS 'Order.';
COMMENT ON COLUMN usom.quota_use.line_no IS 'Line.';
COMMENT ON COLUMN usom.quota_use.quota_id IS 'Quota that the line is a member of.';
COMMENT ON COLUMN usom.quota_use.lender_id IS 'Quota whose units they are; the same unless they are borrowed.';
COMMENT ON COLUMN usom.quota_use.starts_at IS 'Period of the lender.';
COMMENT ON COLUMN usom.quota_use.units IS 'Units.';

CREATE TABLE usom.pre_order_offer (
	org_id bigint NOT NULL DEFAULT usom.current_org(),
	pre_order_offer_id bigint NOT NULL DEFAULT usom.next_id(),
	sku text NOT NULL,
	opens_at timestamptz NOT NULL DEFAULT now(),
	release_at timestamptz NOT NULL,
	quantity usom.quantity,
	when_full text NOT NULL DEFAULT 'refuse' CONSTRAINT pre_order_offer_when_full_known CHECK (when_full IN ('refuse', 'wait')),
	ended_at timestamptz,
	created_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (org_id, pre_order_offer_id),
	CONSTRAINT pre_order_offer_opens_before_release CHECK (opens_at < release_at)
);
CREATE UNIQUE INDEX pre_order_offer_one_at_a_time ON usom.pre_order_offer (org_id, sku) WHERE ended_at IS NULL;
COMMENT ON TABLE usom.pre_order_offer IS 'A product that is sold before its release. From opens_at to release_at its units wait, whoever orders; lines count against quantity, in quota_load and quota_use. From release_at on what they wait for is kept for them until the last one is served. The row is a lock, taken after those of quotas, by key.';
COMMENT ON COLUMN usom.pre_order_offer.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.pre_order_offer.pre_order_offer_id IS 'Key.';
COMMENT ON COLUMN usom.pre_order_offer.sku IS 'Product.';
COMMENT ON COLUMN usom.pre_order_offer.opens_at IS 'From when it is sold.';
COMMENT ON COLUMN usom.pre_order_offer.release_at IS 'From when it is allocated; the promise of its pre-orders.';
COMMENT ON COLUMN usom.pre_order_offer.quantity IS 'Units that are sold before the release; null: any number.';
COMMENT ON COLUMN usom.pre_order_offer.when_full IS 'refuse: an order for more is refused (US208); wait: its line waits like any other, without a promise.';
COMMENT ON COLUMN usom.pre_order_offer.ended_at IS 'When the last pre-order was served, or the offer was ended by hand; null: it stands.';
COMMENT ON COLUMN usom.pre_order_offer.created_at IS 'When the row was made.';
CREATE TRIGGER usom_pre_order BEFORE INSERT OR UPDATE ON usom.pre_order_offer
	FOR EACH ROW EXECUTE FUNCTION usom._check_pre_order();
CREATE TRIGGER usom_quota_changed AFTER INSERT OR UPDATE OR DELETE ON usom.pre_order_offer
	FOR EACH STATEMENT EXECUTE FUNCTION usom._quota_changed();
ALTER TABLE usom.pre_order_offer ENABLE ALWAYS TRIGGER usom_quota_changed;

-- Rows that replication brings were checked where they came from, and may come before what they name, so this trigger is not ENABLE ALWAYS.
CREATE TRIGGER usom_quota BEFORE INSERT OR UPDATE ON usom.quota
	FOR EACH ROW EXECUTE FUNCTION usom._check_quota();
CREATE TRIGGER usom_quota_changed AFTER INSERT OR UPDATE OR DELETE ON usom.quota
	FOR EACH STATEMENT EXECUTE FUNCTION usom._quota_changed();
ALTER TABLE usom.quota ENABLE ALWAYS TRIGGER usom_quota_changed;

CREATE VIEW usom.quotas WITH (security_invoker = true) AS
SELECT q.code AS quota, q.name, q.meaning, q.sku, q.category, q.channel, q.customer, q.segment, q.country, trim_scale(q.quantity) AS quantity,
	coalesce(trim_scale(l.used), 0) AS used, trim_scale(greatest(q.quantity - coalesce(l.used, 0), 0)) AS "left",
	t.starts_at AS period_start, q.every, q.time_zone, q.valid_from, q.valid_to, q.release_at,
	q.active AND q.valid_from <= statement_timestamp() AND coalesce(q.valid_to > statement_timestamp(), true)
		AND coalesce(q.release_at > statement_timestamp(), true) AS in_force,
	q.borrows_from, q.takes_rest
FROM usom.quota q
CROSS JOIN LATERAL (SELECT CASE WHEN q.every IS NULL THEN q.valid_from
	ELSE date_trunc(q.every, statement_timestamp() AT TIME ZONE q.time_zone) AT TIME ZONE q.time_zone END AS starts_at) t
LEFT JOIN usom.quota_load l ON l.org_id = q.org_id AND l.quota_id = q.quota_id AND l.starts_at = t.starts_at
WHERE q.org_id = usom.current_org();
COMMENT ON VIEW usom.quotas IS 'The quotas of the caller''s organisation, with what is used of the present period.';
COMMENT ON COLUMN usom.quotas.quota IS 'Code.';
COMMENT ON COLUMN usom.quotas.name IS 'Name for people.';
COMMENT ON COLUMN usom.quotas.meaning IS 'ceiling or protection.';
COMMENT ON COLUMN usom.quotas.sku IS 'Product; null: those of the category, or all.';
COMMENT ON COLUMN usom.quotas.category IS 'Category of products; null: any.';
COMMENT ON COLUMN usom.quotas.channel IS 'Channel of the order; null: any.';
COMMENT ON COLUMN usom.quotas.customer IS 'Customer of the order; null: any.';
COMMENT ON COLUMN usom.quotas.segment IS 'Segment of the customer; null: any.';
COMMENT ON COLUMN usom.quotas.country IS 'Country of the address; null: any.';
COMMENT ON COLUMN usom.quotas.quantity IS 'Units in each period.';
COMMENT ON COLUMN usom.quotas.used IS 'Units allocated in the present one.';
COMMENT ON COLUMN usom.quotas."left" IS 'Units that can be allocated still.';
COMMENT ON COLUMN usom.quotas.period_start IS 'When the present period began.';
COMMENT ON COLUMN usom.quotas.every IS 'day, week or month; null: once.';
COMMENT ON COLUMN usom.quotas.time_zone IS 'Clock at which periods begin.';
COMMENT ON COLUMN usom.quotas.valid_from IS 'From when it is in force.';
COMMENT ON COLUMN usom.quotas.valid_to IS 'From then on it is not; null: for ever.';
COMMENT ON COLUMN usom.quotas.release_at IS 'Protection: from then on the unused units are for all.';
COMMENT ON COLUMN usom.quotas.in_force IS 'True: it limits or protects now.';
COMMENT ON COLUMN usom.quotas.borrows_from IS 'Quotas whose units members may have when there are no others.';
COMMENT ON COLUMN usom.quotas.takes_rest IS 'Protection. True: members may have unprotected units, too.';

CREATE TRIGGER usom_time_zone BEFORE INSERT OR UPDATE ON usom.location
	FOR EACH ROW EXECUTE FUNCTION usom._check_time_zone();
ALTER TABLE usom.location ENABLE ALWAYS TRIGGER usom_time_zone;

CREATE VIEW usom.locations WITH (security_invoker = true) AS
SELECT l.code AS location, l.name, l.kind, l.active, l.priority, l.ships, l.picks_up, l.time_zone,
	l.latitude::numeric AS latitude, l.longitude::numeric AS longitude,
	trim_scale(l.order_cost) AS order_cost, trim_scale(l.unit_cost) AS unit_cost, trim_scale(l.handling_cost) AS handling_cost,
	trim_scale(l.protected_quantity) AS protected_quantity, l.ships_from
FROM usom.location l
WHERE l.org_id = usom.current_org();
COMMENT ON VIEW usom.locations IS 'The locations of the caller''s organisation.';
COMMENT ON COLUMN usom.locations.location IS 'Code.';
COMMENT ON COLUMN usom.locations.name IS 'Name for people.';
COMMENT ON COLUMN usom.locations.kind IS 'warehouse, store, supplier (drop ship) or third_party (3PL).';
COMMENT ON COLUMN usom.locations.active IS 'False: nothing new is reserved here.';
COMMENT ON COLUMN usom.locations.priority IS 'Lower is asked first.';
COMMENT ON COLUMN usom.locations.ships IS 'False: serves no order that is to be sent.';
COMMENT ON COLUMN usom.locations.picks_up IS 'True: customers may fetch their orders here.';
COMMENT ON COLUMN usom.locations.time_zone IS 'Clock of its opening hours and capacity.';
COMMENT ON COLUMN usom.locations.latitude IS 'Degrees north.';
COMMENT ON COLUMN usom.locations.longitude IS 'Degrees east.';
COMMENT ON COLUMN usom.locations.order_cost IS 'What it costs that an order is served from here at all, in the currency of the organisation.';
COMMENT ON COLUMN usom.locations.unit_cost IS 'What each unit costs, in the currency of the organisation.';
COMMENT ON COLUMN usom.locations.handling_cost IS 'What each shipment costs, freight aside, in the currency of the organisation.';
COMMENT ON COLUMN usom.locations.protected_quantity IS 'Units of each product that orders to be sent leave to the shop.';
COMMENT ON COLUMN usom.locations.ships_from IS 'Least state that units leave from: released, picked or packed.';

CREATE VIEW usom.location_loads WITH (security_invoker = true) AS
SELECT l.code AS location, d.on_date, trim_scale(d.units) AS units, d.orders,
	trim_scale(c.units) AS units_limit, c.orders AS orders_limit,
	CASE WHEN c.units IS NOT NULL THEN trim_scale(greatest(c.units - d.units, 0)) END AS units_free,
	CASE WHEN c.orders IS NOT NULL THEN greatest(c.orders - d.orders, 0) END AS orders_free
FROM usom.location_load d
JOIN usom.location l ON l.org_id = d.org_id AND l.location_id = d.location_id
LEFT JOIN LATERAL (
	SELECT c.units, c.orders FROM usom.location_capacity c
	WHERE c.org_id = d.org_id AND c.location_id = d.location_id AND (c.on_date = d.on_date OR c.on_date IS NULL)
	ORDER BY c.on_date LIMIT 1) c ON true
WHERE d.org_id = usom.current_org();
COMMENT ON VIEW usom.location_loads IS 'How full the days of the locations of the caller''s organisation are: a row for each local day with work at a location whose capacity is limited.';
COMMENT ON COLUMN usom.location_loads.location IS 'Code of the location.';
COMMENT ON COLUMN usom.location_loads.on_date IS 'Day at the location''s clock.';
COMMENT ON COLUMN usom.location_loads.units IS 'Units to be shipped that day.';
COMMENT ON COLUMN usom.location_loads.orders IS 'Orders they are of.';
COMMENT ON COLUMN usom.location_loads.units_limit IS 'Units at most; null: no limit.';
COMMENT ON COLUMN usom.location_loads.orders_limit IS 'Orders at most; null: no limit.';
COMMENT ON COLUMN usom.location_loads.units_free IS 'Units that can be added; null: no limit.';
COMMENT ON COLUMN usom.location_loads.orders_free IS 'Orders that can be added; null: no limit.';

SELECT usom._guard_cards('location');
SELECT usom._guard_cards('reservation');
SELECT usom._guard_cards('supply');
SELECT usom._guard_cards('quota');
SELECT usom._guard_cards('pre_order_offer');
SELECT usom._guard_master('pre_order_offer', 'sku');
SELECT usom._guard_master('quota', 'code');
SELECT usom._guard_kept('quota_load', 'usom.place_order() or usom.allocate_order()');
SELECT usom._guard_kept('quota_use', 'usom.place_order() or usom.allocate_order()');
SELECT usom._guard_master('location', 'code');
SELECT usom._guard_kept('stock', 'usom.receive_stock(), usom.adjust_stock(), usom.count_stock() or usom.set_safety()');
SELECT usom._guard_ledger('stock_movement', 'usom.adjust_stock()');
SELECT usom._guard_kept('reservation', 'usom.reserve_stock() or usom.release_stock()');
SELECT usom._guard_kept('location_load', 'usom.place_order() or usom.allocate_order()');
SELECT usom._guard_kept('capacity_use', 'usom.place_order() or usom.allocate_order()');
SELECT usom._guard_kept('supply', 'usom.add_supply(), usom.change_supply(), usom.receive_supply() or usom.cancel_supply()');

SELECT usom._audit_table('location');
SELECT usom._audit_table('stock');
SELECT usom._audit_table('reservation');
SELECT usom._audit_table('supply');
SELECT usom._audit_table('stock_movement');
SELECT usom._audit_table('quota');
SELECT usom._audit_table('pre_order_offer');
SELECT usom._audit_table('quota_load');
SELECT usom._audit_table('quota_use');
SELECT usom._audit_table('location_capacity');
SELECT usom._audit_table('location_load');
SELECT usom._audit_table('capacity_use');
$usom_step$),

(1, 602, 'stock', $usom_step$
CREATE TABLE usom.lot (
	org_id bigint NOT NULL DEFAULT usom.current_org(),
	product_id bigint NOT NULL,
	lot text COLLATE "C" NOT NULL CONSTRAINT lot_given CHECK (lot <> ''),
	sku text NOT NULL,
	expires_at timestamptz,
	blocked text CONSTRAINT lot_blocked_for_a_reason CHECK (blocked <> ''),
	made_on date,
	supplier text,
	reference text,
	created_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (org_id, product_id, lot),
	CONSTRAINT lot_of_product FOREIGN KEY (org_id, sku) REFERENCES usom.product (org_id, sku) ON DELETE RESTRICT ON UPDATE RESTRICT
);
COMMENT ON TABLE usom.lot IS 'What is known of a lot: INSERT INTO usom.lot (sku, lot, expires_at) before or after it is received; the first receipt makes the row if it is missing. Its stock is promised, first expired first, until it expires, and not while it is blocked.';
COMMENT ON COLUMN usom.lot.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.lot.product_id IS 'Product; found by sku.';
COMMENT ON COLUMN usom.lot.lot IS 'Name of the lot.';
COMMENT ON COLUMN usom.lot.sku IS 'Product, as documents name it.';
COMMENT ON COLUMN usom.lot.expires_at IS 'From then on nothing of it is promised, reserved or shipped; null: never.';
COMMENT ON COLUMN usom.lot.blocked IS 'Why nothing of it is promised, reserved or shipped now; null: it is not blocked. usom.block_lot() takes what is reserved off it, too.';
COMMENT ON COLUMN usom.lot.made_on IS 'Day on which it was made.';
COMMENT ON COLUMN usom.lot.supplier IS 'Who made or delivered it.';
COMMENT ON COLUMN usom.lot.reference IS 'Number of the certificate, or what the supplier calls the lot.';
COMMENT ON COLUMN usom.lot.created_at IS 'When the row was made.';
-- Rows that replication brings were checked where they came from, so this trigger is not ENABLE ALWAYS.
CREATE TRIGGER usom_lot BEFORE INSERT OR UPDATE ON usom.lot
	FOR EACH ROW EXECUTE FUNCTION usom._check_lot();
CREATE TRIGGER usom_lot_added AFTER INSERT ON usom.lot
	REFERENCING NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION usom._lot_written();
CREATE TRIGGER usom_lot_changed AFTER UPDATE ON usom.lot
	REFERENCING NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION usom._lot_written();
CREATE TRIGGER usom_tracking BEFORE UPDATE OF tracking ON usom.product
	FOR EACH ROW WHEN (NEW.tracking <> OLD.tracking) EXECUTE FUNCTION usom._check_tracking();
ALTER TABLE usom.product ENABLE ALWAYS TRIGGER usom_tracking;

CREATE TABLE usom.serial_unit (
	org_id bigint NOT NULL,
	product_id bigint NOT NULL,
	serial text COLLATE "C" NOT NULL CONSTRAINT serial_unit_given CHECK (serial <> ''),
	location_id bigint NOT NULL,
	status text NOT NULL DEFAULT 'on_hand' CONSTRAINT serial_unit_status_known CHECK (status IN ('on_hand', 'reserved', 'picked', 'shipped', 'gone')),
	sales_order_id bigint,
	line_no integer,
	named boolean NOT NULL DEFAULT false,
	reference text,
	changed_at timestamptz NOT NULL DEFAULT now(),
	created_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (org_id, product_id, serial),
	CONSTRAINT serial_unit_of_line_iff_claimed CHECK ((sales_order_id IS NOT NULL) = (status IN ('reserved', 'picked', 'shipped'))),
	CONSTRAINT serial_unit_of_line_iff_of_order CHECK ((sales_order_id IS NULL) = (line_no IS NULL))
) WITH (fillfactor = 70);
CREATE INDEX serial_unit_of_line ON usom.serial_unit (org_id, sales_order_id, line_no) WHERE sales_order_id IS NOT NULL;
CREATE INDEX serial_unit_at ON usom.serial_unit (org_id, product_id, location_id) WHERE status <> 'gone';
COMMENT ON TABLE usom.serial_unit IS 'Units that have a number of their own, each once for ever: where it is, or whose. Its row lock is taken without waiting: who claims it second is refused.';
COMMENT ON COLUMN usom.serial_unit.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.serial_unit.product_id IS 'Product.';
COMMENT ON COLUMN usom.serial_unit.serial IS 'Serial number; of a product each is there once.';
COMMENT ON COLUMN usom.serial_unit.location_id IS 'Location where it is, or was last.';
COMMENT ON COLUMN usom.serial_unit.status IS 'on_hand; reserved or picked for a line, on the shelf still; shipped; gone (taken out of stock).';
COMMENT ON COLUMN usom.serial_unit.sales_order_id IS 'Order that it is for or went to; null: nobody''s.';
COMMENT ON COLUMN usom.serial_unit.line_no IS 'Line of that order.';
COMMENT ON COLUMN usom.serial_unit.named IS 'Asked for by its number: it goes before the others of its line.';
COMMENT ON COLUMN usom.serial_unit.reference IS 'Document of its last step.';
COMMENT ON COLUMN usom.serial_unit.changed_at IS 'When its state changed last.';
COMMENT ON COLUMN usom.serial_unit.created_at IS 'When it was received first.';

SELECT usom._guard_cards('lot');
SELECT usom._guard_master('lot', 'lot');
SELECT usom._guard_kept('serial_unit', 'usom.receive_serials(), usom.assign_serials() or usom.remove_serials()');
SELECT usom._audit_table('lot');
SELECT usom._audit_table('serial_unit');

CREATE VIEW usom.lots WITH (security_invoker = true) AS
SELECT t.sku, t.lot, o.code AS location, coalesce(trim_scale(s.on_hand), 0) AS on_hand, coalesce(trim_scale(s.reserved), 0) AS reserved,
	t.expires_at, t.blocked, t.blocked IS NULL AND coalesce(t.expires_at > statement_timestamp(), true) AS usable,
	t.made_on, t.supplier, t.reference
FROM usom.lot t
LEFT JOIN usom.stock s ON s.org_id = t.org_id AND s.product_id = t.product_id AND s.lot = t.lot
LEFT JOIN usom.location o ON o.org_id = s.org_id AND o.location_id = s.location_id
WHERE t.org_id = usom.current_org();
COMMENT ON VIEW usom.lots IS 'The lots of the caller''s organisation, a row for each location that has or had stock of one. Ask by sku; ORDER BY expires_at shows which goes first.';
COMMENT ON COLUMN usom.lots.sku IS 'Product.';
COMMENT ON COLUMN usom.lots.lot IS 'Name of the lot.';
COMMENT ON COLUMN usom.lots.location IS 'Location; null: none has had any of it yet.';
COMMENT ON COLUMN usom.lots.on_hand IS 'Units on the shelf.';
COMMENT ON COLUMN usom.lots.reserved IS 'Units promised to order pieces that are not shipped yet.';
COMMENT ON COLUMN usom.lots.expires_at IS 'From then on nothing of it is promised, reserved or shipped; null: never.';
COMMENT ON COLUMN usom.lots.blocked IS 'Why it is blocked; null: it is not.';
COMMENT ON COLUMN usom.lots.usable IS 'True: its units are promised now.';
COMMENT ON COLUMN usom.lots.made_on IS 'Day on which it was made.';
COMMENT ON COLUMN usom.lots.supplier IS 'Who made or delivered it.';
COMMENT ON COLUMN usom.lots.reference IS 'Number of the certificate, or what the supplier calls it.';
$usom_step$),

(1, 701, 'order', $usom_step$
-- No foreign keys from line to order and from piece to line: lines and pieces
-- are written by usom in the call that has the order locked, or checked after
-- the statement (usom._line_written), and orders are never deleted.  The checks
-- would be a statement per row; verify() finds an orphan (decision 013).
CREATE TABLE usom.sales_order (
	org_id bigint NOT NULL DEFAULT usom.current_org(),
	sales_order_id bigint NOT NULL DEFAULT usom.next_id(),
	order_no text NOT NULL DEFAULT usom.next_document_no('order'),
	channel_id bigint NOT NULL DEFAULT usom.channel_id('manual'),
	external_id text,
	revision usom.ordinal NOT NULL DEFAULT 1,
	order_type usom.order_type NOT NULL DEFAULT 'standard',
	customer_id bigint,
	status usom.order_status NOT NULL DEFAULT 'draft',
	currency usom.currency_code NOT NULL DEFAULT usom.default_currency(),
	total usom.amount NOT NULL DEFAULT 0,
	priority integer NOT NULL DEFAULT 5,
	placed_at timestamptz NOT NULL DEFAULT now(),
	requested_at timestamptz,
	ship_complete boolean NOT NULL DEFAULT false,
	coupons text[],
	ship_to jsonb,
	address_id bigint,
	payment jsonb,
	instructions text,
	version integer NOT NULL DEFAULT 1,
	payload_digest bytea,
	paid usom.charge,
	parent_order_id bigint,
	created_at timestamptz NOT NULL DEFAULT now(),
	priced_at timestamptz,
	flow_id bigint,
	flow_state text,
	PRIMARY KEY (org_id, sales_order_id),
	CONSTRAINT sales_order_no_unique UNIQUE (org_id, order_no)
);
CREATE UNIQUE INDEX sales_order_external_unique ON usom.sales_order (org_id, channel_id, external_id) WHERE external_id IS NOT NULL;
CREATE INDEX sales_order_of_parent ON usom.sales_order (org_id, parent_order_id) WHERE parent_order_id IS NOT NULL;
CREATE INDEX sales_order_of_customer ON usom.sales_order (org_id, customer_id, sales_order_id) WHERE customer_id IS NOT NULL;
COMMENT ON TABLE usom.sales_order IS 'A customer''s order. The row is the lock of the whole order: whoever changes lines, pieces or holds has it.';
COMMENT ON COLUMN usom.sales_order.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.sales_order.sales_order_id IS 'Key.';
COMMENT ON COLUMN usom.sales_order.order_no IS 'Number for people and other systems.';
COMMENT ON COLUMN usom.sales_order.channel_id IS 'Channel it came by.';
COMMENT ON COLUMN usom.sales_order.external_id IS 'Number the channel gave it; once per channel.';
COMMENT ON COLUMN usom.sales_order.revision IS 'Revision of the channel''s document.';
COMMENT ON COLUMN usom.sales_order.order_type IS 'Flow, see usom.order_types(). Settled when the order is submitted.';
COMMENT ON COLUMN usom.sales_order.customer_id IS 'Customer; null for a guest.';
COMMENT ON COLUMN usom.sales_order.status IS 'draft, submitted, confirmed, cancelled, closed and rejected are decisions; the rest follows from the pieces.';
COMMENT ON COLUMN usom.sales_order.currency IS 'ISO 4217 code of every amount of the order.';
COMMENT ON COLUMN usom.sales_order.total IS 'Sum of the line totals.';
COMMENT ON COLUMN usom.sales_order.priority IS 'Lower is served first; 5 is usual.';
COMMENT ON COLUMN usom.sales_order.placed_at IS 'When the customer ordered.';
COMMENT ON COLUMN usom.sales_order.requested_at IS 'When the customer wants it.';
COMMENT ON COLUMN usom.sales_order.ship_complete IS 'On: the order is shipped as a whole.';
COMMENT ON COLUMN usom.sales_order.coupons IS 'Codes the customer gave.';
COMMENT ON COLUMN usom.sales_order.ship_to IS 'Only written: an address as in the order document goes to usom.address, sealed, and what is kept here is null; {} takes the address away. Read it in usom.orders.';
COMMENT ON COLUMN usom.sales_order.address_id IS 'Snapshot of the address, see usom.address. In ON CONFLICT DO UPDATE: address_id = EXCLUDED.address_id.';
COMMENT ON COLUMN usom.sales_order.payment IS 'Method, reference and authorised amount as of placing.';
COMMENT ON COLUMN usom.sales_order.instructions IS 'Words for those who fulfil it; write them in clear, they are kept sealed.';
COMMENT ON COLUMN usom.sales_order.version IS 'Counts the changes; what change_order compares.';
COMMENT ON COLUMN usom.sales_order.payload_digest IS 'To tell a repeat from another payload: SHA-256 of the document, or HMAC-SHA-256 under the key of the person if it has an address or instructions to seal, so that nobody can try names.';
COMMENT ON COLUMN usom.sales_order.paid IS 'Captured for the order, less what went back or is asked to go back: kept from usom.payment. Null: no payment is known.';
COMMENT ON COLUMN usom.sales_order.parent_order_id IS 'Order that it was split from, see usom.split_order(); null: none.';
COMMENT ON COLUMN usom.sales_order.created_at IS 'When the row was made.';
COMMENT ON COLUMN usom.sales_order.priced_at IS 'The price rules in force then hold for the order, see reprice_order(); null: those of placed_at.';
COMMENT ON COLUMN usom.sales_order.flow_id IS 'Version of the flow that it takes, see usom.flow; null: the built-in one. Settled when it is placed or submitted.';
COMMENT ON COLUMN usom.sales_order.flow_state IS 'State of that flow; null: none but the status. UPDATE ... SET flow_state takes a step, as usom.take_step() does.';

CREATE TABLE usom.order_line (
	org_id bigint NOT NULL DEFAULT usom.current_org(),
	sales_order_id bigint NOT NULL,
	line_no integer NOT NULL,
	product_id bigint NOT NULL,
	quantity usom.positive_quantity NOT NULL,
	unit_price usom.price_amount NOT NULL DEFAULT 0,
	total usom.amount NOT NULL DEFAULT 0,
	location_id bigint,
	requested_at timestamptz,
	substitution usom.substitution NOT NULL DEFAULT 'none',
	partial boolean NOT NULL DEFAULT true,
	quantity_open usom.quantity NOT NULL DEFAULT 0,
	quantity_backordered usom.quantity NOT NULL DEFAULT 0,
	quantity_reserved usom.quantity NOT NULL DEFAULT 0,
	quantity_released usom.quantity NOT NULL DEFAULT 0,
	quantity_picked usom.quantity NOT NULL DEFAULT 0,
	quantity_packed usom.quantity NOT NULL DEFAULT 0,
	quantity_shipped usom.quantity NOT NULL DEFAULT 0,
	quantity_delivered usom.quantity NOT NULL DEFAULT 0,
	quantity_returned usom.quantity NOT NULL DEFAULT 0,
	quantity_cancelled usom.quantity NOT NULL DEFAULT 0,
	kit_line_no integer,
	kit_quantity usom.positive_quantity,
	discount usom.charge NOT NULL DEFAULT 0,
	freight usom.charge NOT NULL DEFAULT 0,
	tax usom.charge NOT NULL DEFAULT 0,
	tax_included boolean NOT NULL DEFAULT false,
	decimals smallint,
	PRIMARY KEY (org_id, sales_order_id, line_no),
	CONSTRAINT order_line_quantity_conserved CHECK (usom._adds_up(quantity, quantity_open, quantity_backordered,
		quantity_reserved, quantity_released, quantity_picked, quantity_packed, quantity_shipped, quantity_delivered,
		quantity_returned, quantity_cancelled))
) WITH (fillfactor = 60);
COMMENT ON TABLE usom.order_line IS 'What is ordered: a product, a quantity, a price. The counters are kept from the pieces and always add up to the quantity.';
COMMENT ON COLUMN usom.order_line.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.order_line.sales_order_id IS 'Order.';
COMMENT ON COLUMN usom.order_line.line_no IS 'Number of the line with the order.';
COMMENT ON COLUMN usom.order_line.product_id IS 'Product.';
COMMENT ON COLUMN usom.order_line.quantity IS 'Units ordered.';
COMMENT ON COLUMN usom.order_line.unit_price IS 'Price of one unit.';
COMMENT ON COLUMN usom.order_line.total IS 'What the units that are not cancelled cost: of unit price times quantity, less discount, plus freight, plus tax unless it is included, the part that they have.';
COMMENT ON COLUMN usom.order_line.location_id IS 'Location that must serve the line; null: any.';
COMMENT ON COLUMN usom.order_line.requested_at IS 'When the customer wants the line; null: as the order.';
COMMENT ON COLUMN usom.order_line.substitution IS 'none or allowed.';
COMMENT ON COLUMN usom.order_line.partial IS 'Off: the line is reserved whole or not at all.';
COMMENT ON COLUMN usom.order_line.quantity_open IS 'Units that nobody has planned yet.';
COMMENT ON COLUMN usom.order_line.quantity_backordered IS 'Units that wait for stock.';
COMMENT ON COLUMN usom.order_line.quantity_reserved IS 'Units reserved in stock.';
COMMENT ON COLUMN usom.order_line.quantity_released IS 'Units handed to the location.';
COMMENT ON COLUMN usom.order_line.quantity_picked IS 'Units picked.';
COMMENT ON COLUMN usom.order_line.quantity_packed IS 'Units packed.';
COMMENT ON COLUMN usom.order_line.quantity_shipped IS 'Units on their way.';
COMMENT ON COLUMN usom.order_line.quantity_delivered IS 'Units the customer has.';
COMMENT ON COLUMN usom.order_line.quantity_returned IS 'Units that came back.';
COMMENT ON COLUMN usom.order_line.quantity_cancelled IS 'Units cancelled.';
COMMENT ON COLUMN usom.order_line.kit_line_no IS 'Of a component: line of its kit. Of a kit whose components are lines: its own number. Null: neither.';
COMMENT ON COLUMN usom.order_line.kit_quantity IS 'Of a component: units for one kit, as the kit was made when it was ordered.';
COMMENT ON COLUMN usom.order_line.discount IS 'Taken off, for all units of the line, cancelled ones too.';
COMMENT ON COLUMN usom.order_line.freight IS 'The line''s share of the freight, for all its units.';
COMMENT ON COLUMN usom.order_line.tax IS 'Tax on all units of the line and their freight.';
COMMENT ON COLUMN usom.order_line.tax_included IS 'On: the tax is in the prices.';
COMMENT ON COLUMN usom.order_line.decimals IS 'Decimals that its amounts are rounded to; null: nothing was added or taken off, the price stands as it came.';

CREATE TABLE usom.fulfillment_line (
	org_id bigint NOT NULL,
	sales_order_id bigint NOT NULL,
	line_no integer NOT NULL,
	piece_no integer NOT NULL,
	product_id bigint NOT NULL,
	location_id bigint,
	lot text COLLATE "C" NOT NULL DEFAULT '',
	status usom.piece_status NOT NULL,
	quantity usom.positive_quantity NOT NULL,
	promised_at timestamptz,
	shipment_id bigint,
	ships_on date,
	supply_id bigint,
	package_id bigint,
	PRIMARY KEY (org_id, sales_order_id, line_no, piece_no),
	CONSTRAINT fulfillment_line_is_sound CHECK (usom._piece_is_sound(status, location_id, supply_id, ships_on, shipment_id))
) WITH (fillfactor = 60);
-- Not WHERE status = 'backordered': a status in an index would make every step of a piece a non-HOT update.
CREATE INDEX fulfillment_line_waiting ON usom.fulfillment_line (org_id, product_id, sales_order_id) WHERE location_id IS NULL;
COMMENT ON TABLE usom.fulfillment_line IS 'A piece: some units of a line that share state, location, lot, promise and shipment. Kept by usom.';
COMMENT ON COLUMN usom.fulfillment_line.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.fulfillment_line.sales_order_id IS 'Order.';
COMMENT ON COLUMN usom.fulfillment_line.line_no IS 'Line.';
COMMENT ON COLUMN usom.fulfillment_line.piece_no IS 'Number of the piece with the line.';
COMMENT ON COLUMN usom.fulfillment_line.product_id IS 'Product.';
COMMENT ON COLUMN usom.fulfillment_line.location_id IS 'Location that serves it; null while it waits, and for services.';
COMMENT ON COLUMN usom.fulfillment_line.lot IS 'Lot it is taken from.';
COMMENT ON COLUMN usom.fulfillment_line.status IS 'State of the units.';
COMMENT ON COLUMN usom.fulfillment_line.quantity IS 'Units.';
COMMENT ON COLUMN usom.fulfillment_line.promised_at IS 'When it is promised; null: no date known.';
COMMENT ON COLUMN usom.fulfillment_line.shipment_id IS 'Shipment it left with.';
COMMENT ON COLUMN usom.fulfillment_line.ships_on IS 'Day at the clock of the location that the piece takes capacity of; null where the location has no limit.';
COMMENT ON COLUMN usom.fulfillment_line.supply_id IS 'Supply that a waiting piece counts on; null: none, or it does not wait.';
COMMENT ON COLUMN usom.fulfillment_line.package_id IS 'Package that its units are in; null: none.';

CREATE TABLE usom.hold (
	org_id bigint NOT NULL,
	hold_id bigint NOT NULL DEFAULT usom.next_id(),
	sales_order_id bigint NOT NULL,
	line_no integer,
	piece_no integer,
	hold_type text NOT NULL CONSTRAINT hold_type_given CHECK (hold_type <> ''),
	reason text,
	blocks text[] NOT NULL CONSTRAINT hold_blocks_known CHECK (blocks <@ ARRAY['confirm', 'release', 'ship', 'change', 'cancel', 'close'] AND blocks <> '{}'),
	expires_at timestamptz,
	placed_at timestamptz NOT NULL DEFAULT now(),
	placed_by text NOT NULL DEFAULT session_user,
	released_at timestamptz,
	released_by text,
	release_reason text,
	check_code text,
	settled boolean NOT NULL DEFAULT false,
	PRIMARY KEY (org_id, hold_id),
	CONSTRAINT hold_piece_of_line CHECK (piece_no IS NULL OR line_no IS NOT NULL),
	CONSTRAINT hold_of_order FOREIGN KEY (org_id, sales_order_id) REFERENCES usom.sales_order ON DELETE RESTRICT ON UPDATE RESTRICT,
	CONSTRAINT hold_released_iff_by CHECK ((released_at IS NULL) = (released_by IS NULL)),
	CONSTRAINT hold_settled_is_released CHECK (NOT settled OR released_at IS NOT NULL)
);
CREATE INDEX hold_of_order ON usom.hold (org_id, sales_order_id) WHERE released_at IS NULL;
COMMENT ON TABLE usom.hold IS 'A row that blocks named actions of an order until it is released or expires. Not a status: many may stand at once.';
COMMENT ON COLUMN usom.hold.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.hold.hold_id IS 'Key.';
COMMENT ON COLUMN usom.hold.sales_order_id IS 'Order.';
COMMENT ON COLUMN usom.hold.line_no IS 'Line; null: the whole order.';
COMMENT ON COLUMN usom.hold.piece_no IS 'Piece of the line; null: the whole line.';
COMMENT ON COLUMN usom.hold.hold_type IS 'Type, see hold_type; others block confirm, release and ship.';
COMMENT ON COLUMN usom.hold.reason IS 'Why.';
COMMENT ON COLUMN usom.hold.blocks IS 'Actions that fail while the hold is active.';
COMMENT ON COLUMN usom.hold.expires_at IS 'From then on it blocks nothing; null: until released.';
COMMENT ON COLUMN usom.hold.placed_at IS 'When it was placed.';
COMMENT ON COLUMN usom.hold.placed_by IS 'Session user who placed it.';
COMMENT ON COLUMN usom.hold.released_at IS 'When it was released by hand.';
COMMENT ON COLUMN usom.hold.released_by IS 'Session user who released it.';
COMMENT ON COLUMN usom.hold.release_reason IS 'Why it was released.';
COMMENT ON COLUMN usom.hold.settled IS 'On: it ended because its cause was gone; off: it stands, has expired, or somebody released it.';
COMMENT ON COLUMN usom.hold.check_code IS 'Check or hold rule that placed it; null: somebody did.';

CREATE TABLE usom.hold_type (
	org_id bigint NOT NULL DEFAULT usom.current_org(),
	code text NOT NULL,
	blocks text[] NOT NULL DEFAULT ARRAY['confirm', 'release', 'ship'] CONSTRAINT hold_type_blocks_known CHECK (blocks <@ ARRAY['confirm', 'release', 'ship', 'change', 'cancel', 'close'] AND blocks <> '{}'),
	description text,
	PRIMARY KEY (org_id, code)
);
COMMENT ON TABLE usom.hold_type IS 'What a hold of a type blocks.';
COMMENT ON COLUMN usom.hold_type.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.hold_type.code IS 'What hold_order names.';
COMMENT ON COLUMN usom.hold_type.blocks IS 'Any of confirm, release, ship, change, cancel, close.';
COMMENT ON COLUMN usom.hold_type.description IS 'Words for people.';
CREATE TRIGGER _memo_changed AFTER INSERT OR UPDATE OR DELETE ON usom.hold_type
	FOR EACH ROW EXECUTE FUNCTION usom._memo_changed();
ALTER TABLE usom.hold_type ENABLE ALWAYS TRIGGER _memo_changed;
CREATE TRIGGER usom_furnish_hold_types AFTER INSERT ON usom.organisation
	FOR EACH ROW EXECUTE FUNCTION usom.furnish_hold_types();

CREATE TABLE usom.order_history (
	org_id bigint NOT NULL,
	sales_order_id bigint NOT NULL,
	version integer NOT NULL,
	event text NOT NULL,
	from_status usom.order_status,
	to_status usom.order_status NOT NULL,
	line_no integer,
	quantity numeric,
	reason text,
	reference text,
	actor text NOT NULL DEFAULT session_user,
	app_user text,
	occurred_at timestamptz NOT NULL DEFAULT now(),
	flow_state text,
	PRIMARY KEY (org_id, sales_order_id, version)
);
COMMENT ON TABLE usom.order_history IS 'One row per change of an order: what was done, from which status to which, by whom and why. Append-only.';
COMMENT ON COLUMN usom.order_history.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.order_history.sales_order_id IS 'Order.';
COMMENT ON COLUMN usom.order_history.version IS 'Version of the order that the change made.';
COMMENT ON COLUMN usom.order_history.event IS 'Verb: place, submit, confirm, hold, release_hold, change, allocate, release, ship, deliver, cancel, close, return.';
COMMENT ON COLUMN usom.order_history.from_status IS 'Status before; null when the order was made.';
COMMENT ON COLUMN usom.order_history.to_status IS 'Status after.';
COMMENT ON COLUMN usom.order_history.line_no IS 'Line, where the change was about one.';
COMMENT ON COLUMN usom.order_history.quantity IS 'Units that the change moved.';
COMMENT ON COLUMN usom.order_history.reason IS 'Why, as the caller said.';
COMMENT ON COLUMN usom.order_history.reference IS 'Shipment, return or hold type.';
COMMENT ON COLUMN usom.order_history.actor IS 'Session user.';
COMMENT ON COLUMN usom.order_history.app_user IS 'Application user, as claimed by usom.app_user.';
COMMENT ON COLUMN usom.order_history.occurred_at IS 'Time of the transaction.';
COMMENT ON COLUMN usom.order_history.flow_state IS 'State of its flow after the change; null: it takes the built-in flow.';

CREATE TRIGGER usom_guard BEFORE INSERT OR UPDATE OR DELETE ON usom.sales_order
	FOR EACH ROW EXECUTE FUNCTION usom._guard_order();
CREATE TRIGGER usom_guard_truncate BEFORE TRUNCATE ON usom.sales_order
	FOR EACH STATEMENT EXECUTE FUNCTION usom.guard_kept('kept', 'sales_order', 'usom.cancel_order()');
ALTER TABLE usom.sales_order ENABLE ALWAYS TRIGGER usom_guard, ENABLE ALWAYS TRIGGER usom_guard_truncate;

CREATE TRIGGER usom_guard BEFORE INSERT OR UPDATE OR DELETE ON usom.order_line
	FOR EACH ROW EXECUTE FUNCTION usom._guard_line();
CREATE TRIGGER usom_guard_truncate BEFORE TRUNCATE ON usom.order_line
	FOR EACH STATEMENT EXECUTE FUNCTION usom.guard_kept('kept', 'order_line', 'usom.change_order()');
-- Named to fire before the triggers of the audit, which rely on the lock of the order.
CREATE TRIGGER add_up_insert AFTER INSERT ON usom.order_line REFERENCING NEW TABLE AS newer
	FOR EACH STATEMENT EXECUTE FUNCTION usom._line_written();
CREATE TRIGGER add_up_update AFTER UPDATE ON usom.order_line REFERENCING OLD TABLE AS older NEW TABLE AS newer
	FOR EACH STATEMENT EXECUTE FUNCTION usom._line_written();
CREATE TRIGGER add_up_delete AFTER DELETE ON usom.order_line REFERENCING OLD TABLE AS older
	FOR EACH STATEMENT EXECUTE FUNCTION usom._line_written();
ALTER TABLE usom.order_line ENABLE ALWAYS TRIGGER usom_guard, ENABLE ALWAYS TRIGGER usom_guard_truncate,
	ENABLE ALWAYS TRIGGER add_up_insert, ENABLE ALWAYS TRIGGER add_up_update, ENABLE ALWAYS TRIGGER add_up_delete;

CREATE TRIGGER usom_guard BEFORE INSERT OR DELETE OR TRUNCATE ON usom.fulfillment_line
	FOR EACH STATEMENT EXECUTE FUNCTION usom.guard_kept('kept', 'fulfillment_line', 'usom.place_order(), usom.change_order() or usom.cancel_line()');
CREATE TRIGGER usom_guard_update BEFORE UPDATE ON usom.fulfillment_line
	FOR EACH ROW EXECUTE FUNCTION usom._guard_piece();
ALTER TABLE usom.fulfillment_line ENABLE ALWAYS TRIGGER usom_guard, ENABLE ALWAYS TRIGGER usom_guard_update;

SELECT usom._guard_cards('sales_order');
SELECT usom._guard_cards('hold');
SELECT usom._guard_cards('hold_type');
SELECT usom._guard_kept('hold', 'usom.hold_order() or usom.release_hold()');
SELECT usom._guard_ledger('order_history', 'the function of the change');
SELECT usom._guard_master('hold_type', 'code');

SELECT usom._audit_table('sales_order');
SELECT usom._audit_table('order_line');
SELECT usom._audit_table('fulfillment_line');
SELECT usom._audit_table('hold');
SELECT usom._audit_table('order_history');
SELECT usom._audit_table('hold_type');

INSERT INTO usom.hold_type (org_id, code, blocks, description)
SELECT o.org_id, t.* FROM usom.organisation o CROSS JOIN usom._standard_hold_types() t;

CREATE TABLE usom.event (
	org_id bigint NOT NULL,
	event_id bigint NOT NULL DEFAULT usom.next_id(),
	sales_order_id bigint,
	event_no integer,
	kind text NOT NULL CONSTRAINT event_kind_given CHECK (kind <> ''),
	payload jsonb NOT NULL,
	occurred_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (org_id, event_id),
	CONSTRAINT event_numbered_with_order UNIQUE (org_id, sales_order_id, event_no),
	CONSTRAINT event_numbered_iff_of_order CHECK ((sales_order_id IS NULL) = (event_no IS NULL))
);
COMMENT ON TABLE usom.event IS 'What customers and other systems are told, written in the transaction that did it. Append-only.';
COMMENT ON COLUMN usom.event.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.event.event_id IS 'Key.';
COMMENT ON COLUMN usom.event.sales_order_id IS 'Order; null: of none.';
COMMENT ON COLUMN usom.event.event_no IS 'Number with the order, from 1 without gaps; null: of none.';
COMMENT ON COLUMN usom.event.kind IS 'What happened: backordered, promise_changed, filled and others.';
COMMENT ON COLUMN usom.event.payload IS 'The particulars, in codes and numbers that people and other systems know.';
COMMENT ON COLUMN usom.event.occurred_at IS 'Time of the transaction.';

CREATE TABLE usom.exception_case (
	org_id bigint NOT NULL,
	exception_case_id bigint NOT NULL DEFAULT usom.next_id(),
	kind text NOT NULL CONSTRAINT exception_case_kind_given CHECK (kind <> ''),
	sales_order_id bigint,
	line_no integer,
	reference text,
	message text NOT NULL,
	detail jsonb,
	due_at timestamptz,
	raised_at timestamptz NOT NULL DEFAULT now(),
	resolved_at timestamptz,
	resolved_by text,
	resolution text,
	PRIMARY KEY (org_id, exception_case_id),
	CONSTRAINT exception_case_line_of_order CHECK (line_no IS NULL OR sales_order_id IS NOT NULL),
	CONSTRAINT exception_case_resolved_iff_by CHECK ((resolved_at IS NULL) = (resolved_by IS NULL) AND (resolved_at IS NULL) = (resolution IS NULL))
);
CREATE UNIQUE INDEX exception_case_open_once ON usom.exception_case (org_id, kind, sales_order_id, line_no, reference) NULLS NOT DISTINCT WHERE resolved_at IS NULL;
CREATE INDEX exception_case_of_order ON usom.exception_case (org_id, sales_order_id) WHERE sales_order_id IS NOT NULL;
COMMENT ON TABLE usom.exception_case IS 'What somebody should look at. Of one kind, order, line and reference at most one is open.';
COMMENT ON COLUMN usom.exception_case.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.exception_case.exception_case_id IS 'Key.';
COMMENT ON COLUMN usom.exception_case.kind IS 'What is wrong.';
COMMENT ON COLUMN usom.exception_case.sales_order_id IS 'Order; null: of none.';
COMMENT ON COLUMN usom.exception_case.line_no IS 'Line; null: of none.';
COMMENT ON COLUMN usom.exception_case.reference IS 'Supply, location, variant or what else tells it from others of its kind; null: nothing.';
COMMENT ON COLUMN usom.exception_case.message IS 'What is wrong, in words.';
COMMENT ON COLUMN usom.exception_case.detail IS 'The numbers.';
COMMENT ON COLUMN usom.exception_case.due_at IS 'When it is too late; null: no date known.';
COMMENT ON COLUMN usom.exception_case.raised_at IS 'Time of the transaction that met it first.';
COMMENT ON COLUMN usom.exception_case.resolved_at IS 'When it was closed; null: open.';
COMMENT ON COLUMN usom.exception_case.resolved_by IS 'Session user who closed it, or whose change took its cause away.';
COMMENT ON COLUMN usom.exception_case.resolution IS 'What was done.';

SELECT usom._guard_cards('exception_case');
SELECT usom._guard_ledger('event', 'the function of the change');
SELECT usom._guard_kept('exception_case', 'usom.resolve_exception()');
SELECT usom._audit_table('event');
SELECT usom._audit_table('exception_case');

CREATE TABLE usom.line_substitution (
	org_id bigint NOT NULL,
	substitution_id bigint NOT NULL DEFAULT usom.next_id(),
	sales_order_id bigint NOT NULL,
	line_no integer NOT NULL,
	substitute_line_no integer,
	product_id bigint NOT NULL,
	substitute_product_id bigint NOT NULL,
	quantity usom.positive_quantity NOT NULL,
	substitute_quantity usom.positive_quantity NOT NULL,
	unit_price usom.price_amount NOT NULL,
	status text NOT NULL CONSTRAINT line_substitution_status_known CHECK (status IN ('proposed', 'accepted', 'declined')),
	automatic boolean NOT NULL,
	proposed_at timestamptz NOT NULL DEFAULT now(),
	expires_at timestamptz,
	decided_at timestamptz,
	decided_by text,
	reason text,
	PRIMARY KEY (org_id, substitution_id),
	CONSTRAINT line_substitution_of_order FOREIGN KEY (org_id, sales_order_id) REFERENCES usom.sales_order ON DELETE RESTRICT ON UPDATE RESTRICT,
	CONSTRAINT line_substitution_line_iff_accepted CHECK ((substitute_line_no IS NOT NULL) = (status = 'accepted')),
	CONSTRAINT line_substitution_proposal_expires CHECK (status <> 'proposed' OR expires_at IS NOT NULL),
	CONSTRAINT line_substitution_decided_iff_by CHECK ((decided_at IS NULL) = (status = 'proposed') AND (decided_at IS NULL) = (decided_by IS NULL))
);
CREATE INDEX line_substitution_of_order ON usom.line_substitution (org_id, sales_order_id);
COMMENT ON TABLE usom.line_substitution IS 'Units of a line that another product takes the place of, or is offered to. What was ordered stays on its line, cancelled.';
COMMENT ON COLUMN usom.line_substitution.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.line_substitution.substitution_id IS 'Key.';
COMMENT ON COLUMN usom.line_substitution.sales_order_id IS 'Order.';
COMMENT ON COLUMN usom.line_substitution.line_no IS 'Line as it was ordered.';
COMMENT ON COLUMN usom.line_substitution.substitute_line_no IS 'Line of the substitute, once it is agreed.';
COMMENT ON COLUMN usom.line_substitution.product_id IS 'Product that is short.';
COMMENT ON COLUMN usom.line_substitution.substitute_product_id IS 'Product that takes its place.';
COMMENT ON COLUMN usom.line_substitution.quantity IS 'Units of the first.';
COMMENT ON COLUMN usom.line_substitution.substitute_quantity IS 'Units of the second.';
COMMENT ON COLUMN usom.line_substitution.unit_price IS 'Price of a unit of the second, in the currency of the order.';
COMMENT ON COLUMN usom.line_substitution.status IS 'proposed, accepted or declined. A proposal ends with expires_at, whatever stands here.';
COMMENT ON COLUMN usom.line_substitution.automatic IS 'On: the line agreed beforehand.';
COMMENT ON COLUMN usom.line_substitution.proposed_at IS 'When it was proposed or done.';
COMMENT ON COLUMN usom.line_substitution.expires_at IS 'From then on the proposal stands no more.';
COMMENT ON COLUMN usom.line_substitution.decided_at IS 'When it was accepted or declined.';
COMMENT ON COLUMN usom.line_substitution.decided_by IS 'Session user who did.';
COMMENT ON COLUMN usom.line_substitution.reason IS 'What the customer said.';

SELECT usom._guard_cards('line_substitution');
SELECT usom._guard_kept('line_substitution', 'usom.propose_substitution() or usom.accept_substitution()');
SELECT usom._audit_table('line_substitution');

CREATE TABLE usom.order_tax (
	org_id bigint NOT NULL,
	sales_order_id bigint NOT NULL,
	line_no integer NOT NULL,
	product_id bigint NOT NULL,
	jurisdiction text NOT NULL,
	amount usom.charge NOT NULL,
	included boolean NOT NULL,
	taxable usom.charge NOT NULL,
	told_at timestamptz NOT NULL DEFAULT statement_timestamp(),
	PRIMARY KEY (org_id, sales_order_id, line_no)
);
COMMENT ON TABLE usom.order_tax IS 'Taxes of lines that somebody outside worked out, as they were told. They stand before every tax rate; if the amount of the line changes later, the tax follows in proportion until it is told again.';
COMMENT ON COLUMN usom.order_tax.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.order_tax.sales_order_id IS 'Order.';
COMMENT ON COLUMN usom.order_tax.line_no IS 'Line.';
COMMENT ON COLUMN usom.order_tax.product_id IS 'What the line was about; for another product the tax does not stand.';
COMMENT ON COLUMN usom.order_tax.jurisdiction IS 'Whose tax it is, as it was told.';
COMMENT ON COLUMN usom.order_tax.amount IS 'Tax on all units of the line.';
COMMENT ON COLUMN usom.order_tax.included IS 'On: it is in the price.';
COMMENT ON COLUMN usom.order_tax.taxable IS 'What it was told for: goods of all units less discount plus freight.';
COMMENT ON COLUMN usom.order_tax.told_at IS 'When it was told last.';

SELECT usom._guard_cards('order_tax');
SELECT usom._guard_kept('order_tax', 'usom.set_order_tax()');
SELECT usom._audit_table('order_tax');

CREATE TABLE usom.hold_rule (
	org_id bigint NOT NULL DEFAULT usom.current_org(),
	hold_rule_id bigint NOT NULL DEFAULT usom.next_id(),
	code text NOT NULL CONSTRAINT hold_rule_code_given CHECK (code <> ''),
	hold_type text NOT NULL DEFAULT 'review' CONSTRAINT hold_rule_hold_type_given CHECK (hold_type <> ''),
	reason text,
	hold_for interval CONSTRAINT hold_rule_hold_for_positive CHECK (hold_for > interval '0'),
	looks_at text[] NOT NULL DEFAULT ARRAY['place', 'submit', 'change'] CONSTRAINT hold_rule_looks_at_known
		CHECK (looks_at <@ ARRAY['place', 'submit', 'change'] AND looks_at <> '{}'),
	when_held text CONSTRAINT hold_rule_when_held_given CHECK (when_held <> ''),
	channel text,
	customer text,
	segment text CONSTRAINT hold_rule_segment_given CHECK (segment <> ''),
	country text CONSTRAINT hold_rule_country_iso CHECK (country ~ '^[A-Z]{2}$'),
	order_type usom.order_type,
	value_above usom.amount,
	currency usom.currency_code,
	active boolean NOT NULL DEFAULT true,
	created_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (org_id, hold_rule_id),
	CONSTRAINT hold_rule_code_unique UNIQUE (org_id, code),
	CONSTRAINT hold_rule_value_in_a_currency CHECK ((value_above IS NULL) = (currency IS NULL)),
	CONSTRAINT hold_rule_raises_another CHECK (when_held <> hold_type)
);
COMMENT ON TABLE usom.hold_rule IS 'Which orders are put on hold by themselves: those that all of its conditions fit, when they are placed, submitted or changed, or when a hold of another type is placed. Rules that raise each other in a circle are refused when they are written (US121).';
COMMENT ON COLUMN usom.hold_rule.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.hold_rule.hold_rule_id IS 'Key.';
COMMENT ON COLUMN usom.hold_rule.code IS 'Name that the hold shows.';
COMMENT ON COLUMN usom.hold_rule.hold_type IS 'Type of the hold that it places.';
COMMENT ON COLUMN usom.hold_rule.reason IS 'Reason that the hold shows; null: its conditions.';
COMMENT ON COLUMN usom.hold_rule.hold_for IS 'How long the hold stands; null: until it is released.';
COMMENT ON COLUMN usom.hold_rule.looks_at IS 'When it looks: place, submit (of a draft), change. One with when_held looks when such a hold is placed.';
COMMENT ON COLUMN usom.hold_rule.when_held IS 'Type of a hold on the order: the rule follows when one is placed; null: no hold is asked for.';
COMMENT ON COLUMN usom.hold_rule.channel IS 'Code of the channel of the order; null: any.';
COMMENT ON COLUMN usom.hold_rule.customer IS 'Code of the customer of the order; null: any, guests too.';
COMMENT ON COLUMN usom.hold_rule.segment IS 'Segment of the customer; null: any, guests too.';
COMMENT ON COLUMN usom.hold_rule.country IS 'ISO 3166 code of two letters of the address; null: any.';
COMMENT ON COLUMN usom.hold_rule.order_type IS 'Flow of the order; null: any.';
COMMENT ON COLUMN usom.hold_rule.value_above IS 'Total of the order is more than this; null: any.';
COMMENT ON COLUMN usom.hold_rule.currency IS 'Currency of value_above: orders in others do not fit.';
COMMENT ON COLUMN usom.hold_rule.active IS 'Off: places no holds.';
COMMENT ON COLUMN usom.hold_rule.created_at IS 'When the row was made.';
CREATE TRIGGER usom_rule BEFORE INSERT OR UPDATE ON usom.hold_rule
	FOR EACH ROW EXECUTE FUNCTION usom._check_hold_rule();
CREATE TRIGGER _memo_changed AFTER INSERT OR UPDATE OR DELETE ON usom.hold_rule
	FOR EACH ROW EXECUTE FUNCTION usom._memo_changed();
ALTER TABLE usom.hold_rule ENABLE ALWAYS TRIGGER _memo_changed;

SELECT usom._guard_cards('hold_rule');
SELECT usom._guard_master('hold_rule', 'code');
SELECT usom._audit_table('hold_rule');
$usom_step$),

(1, 702, 'order', $usom_step$
CREATE TABLE usom.approval_rule (
	org_id bigint NOT NULL DEFAULT usom.current_org(),
	approval_rule_id bigint NOT NULL DEFAULT usom.next_id(),
	code text NOT NULL CONSTRAINT approval_rule_code_given CHECK (code <> ''),
	name text,
	outcome text NOT NULL DEFAULT 'ask' CONSTRAINT approval_rule_outcome_known CHECK (outcome IN ('ask', 'approve')),
	queue text NOT NULL DEFAULT 'manager' CONSTRAINT approval_rule_queue_given CHECK (queue <> ''),
	priority integer NOT NULL DEFAULT 100,
	value_above usom.charge,
	value_up_to usom.charge,
	currency usom.currency_code,
	discount_above numeric(7,4) CONSTRAINT approval_rule_discount_above_percent CHECK (discount_above BETWEEN 0 AND 100),
	discount_up_to numeric(7,4) CONSTRAINT approval_rule_discount_up_to_percent CHECK (discount_up_to BETWEEN 0 AND 100),
	risk_above integer CONSTRAINT approval_rule_risk_above_score CHECK (risk_above BETWEEN 0 AND 100),
	risk_up_to integer CONSTRAINT approval_rule_risk_up_to_score CHECK (risk_up_to BETWEEN 0 AND 100),
	category text CONSTRAINT approval_rule_category_given CHECK (category <> ''),
	customer text,
	segment text CONSTRAINT approval_rule_segment_given CHECK (segment <> ''),
	channel text,
	order_type usom.order_type,
	valid_for interval CONSTRAINT approval_rule_valid_for_some_time CHECK (valid_for > interval '0'),
	escalate_after interval CONSTRAINT approval_rule_escalate_after_not_before CHECK (escalate_after >= interval '0'),
	escalate_to text CONSTRAINT approval_rule_escalate_to_given CHECK (escalate_to <> ''),
	if_declined text NOT NULL DEFAULT 'keep' CONSTRAINT approval_rule_if_declined_known CHECK (if_declined IN ('keep', 'reject')),
	apart_by text NOT NULL DEFAULT 'login' CONSTRAINT approval_rule_apart_by_known CHECK (apart_by IN ('login', 'app_user')),
	active boolean NOT NULL DEFAULT true,
	created_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (org_id, approval_rule_id),
	CONSTRAINT approval_rule_code_unique UNIQUE (org_id, code),
	CONSTRAINT approval_rule_value_range CHECK (value_above < value_up_to),
	CONSTRAINT approval_rule_discount_range CHECK (discount_above < discount_up_to),
	CONSTRAINT approval_rule_risk_range CHECK (risk_above < risk_up_to),
	CONSTRAINT approval_rule_currency_of_value CHECK (currency IS NULL OR num_nonnulls(value_above, value_up_to) > 0),
	CONSTRAINT approval_rule_escalates_iff_to CHECK ((escalate_after IS NULL) = (escalate_to IS NULL)),
	CONSTRAINT approval_rule_asks_to_wait CHECK (outcome = 'ask' OR num_nonnulls(valid_for, escalate_after) = 0)
);
COMMENT ON TABLE usom.approval_rule IS 'Which orders wait for whose approval. An order is held against all that its rules say, by priority: one that asks sends it to its queue and looks on; one that approves is the standard case, and what comes after it is not asked. Every condition that is given has to fit.';
COMMENT ON COLUMN usom.approval_rule.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.approval_rule.approval_rule_id IS 'Key.';
COMMENT ON COLUMN usom.approval_rule.code IS 'Name that approvals and messages use.';
COMMENT ON COLUMN usom.approval_rule.name IS 'Name for people.';
COMMENT ON COLUMN usom.approval_rule.outcome IS 'ask: somebody decides. approve: approved by rule, and rules after it are not asked.';
COMMENT ON COLUMN usom.approval_rule.queue IS 'Whose members decide: a profile (manager, agent ...) or the name of a role.';
COMMENT ON COLUMN usom.approval_rule.priority IS 'Rules with the lower number come first; of equal ones the earlier code.';
COMMENT ON COLUMN usom.approval_rule.value_above IS 'The total is above it; null: any.';
COMMENT ON COLUMN usom.approval_rule.value_up_to IS 'The total is at most this; null: any.';
COMMENT ON COLUMN usom.approval_rule.currency IS 'Orders in this currency alone; null: the number counts, whatever the currency.';
COMMENT ON COLUMN usom.approval_rule.discount_above IS 'Per cent that discounts and overrides take off the goods, above this; null: any.';
COMMENT ON COLUMN usom.approval_rule.discount_up_to IS 'Per cent at most; null: any.';
COMMENT ON COLUMN usom.approval_rule.risk_above IS 'The risk score is above it; an order without a score has none above. Null: any.';
COMMENT ON COLUMN usom.approval_rule.risk_up_to IS 'The risk score is known and at most this; null: any.';
COMMENT ON COLUMN usom.approval_rule.category IS 'A line is of this category of products; for a rule that approves, all of them. Null: any.';
COMMENT ON COLUMN usom.approval_rule.customer IS 'Code of the customer; null: any, guests too.';
COMMENT ON COLUMN usom.approval_rule.segment IS 'Segment of the customer; null: any, guests too.';
COMMENT ON COLUMN usom.approval_rule.channel IS 'Code of the channel; null: any.';
COMMENT ON COLUMN usom.approval_rule.order_type IS 'Type of order; null: any.';
COMMENT ON COLUMN usom.approval_rule.valid_for IS 'How long the question stands, and the answer until the order goes on; null: for ever.';
COMMENT ON COLUMN usom.approval_rule.escalate_after IS 'When the question has waited so long, the members of escalate_to may decide, too; null: never.';
COMMENT ON COLUMN usom.approval_rule.escalate_to IS 'Queue that it escalates to.';
COMMENT ON COLUMN usom.approval_rule.if_declined IS 'keep: the order stays as it is, held, until it is changed or cancelled. reject: it is rejected.';
COMMENT ON COLUMN usom.approval_rule.apart_by IS 'How whoever decides is told from the authors of the order. login: by the role that logged in, and by the application user where both are known. app_user: people share a login, and the application that says who they are is trusted.';
COMMENT ON COLUMN usom.approval_rule.active IS 'Off: not asked for orders from now on; what waits goes on waiting.';
COMMENT ON COLUMN usom.approval_rule.created_at IS 'When the row was made.';
-- Rows that replication brings were checked where they came from, so this trigger is not ENABLE ALWAYS.
CREATE TRIGGER usom_rule BEFORE INSERT OR UPDATE ON usom.approval_rule
	FOR EACH ROW EXECUTE FUNCTION usom._check_approval_rule();

CREATE TABLE usom.price_limit (
	org_id bigint NOT NULL DEFAULT usom.current_org(),
	price_limit_id bigint NOT NULL DEFAULT usom.next_id(),
	code text NOT NULL CONSTRAINT price_limit_code_given CHECK (code <> ''),
	role text NOT NULL DEFAULT 'agent' CONSTRAINT price_limit_role_given CHECK (role <> ''),
	sku text,
	category text CONSTRAINT price_limit_category_given CHECK (category <> ''),
	max_discount numeric(7,4) NOT NULL DEFAULT 0 CONSTRAINT price_limit_max_discount_percent CHECK (max_discount BETWEEN 0 AND 100),
	max_markup numeric(7,4) NOT NULL DEFAULT 0 CONSTRAINT price_limit_max_markup_percent CHECK (max_markup BETWEEN 0 AND 999),
	queue text NOT NULL DEFAULT 'manager' CONSTRAINT price_limit_queue_given CHECK (queue <> ''),
	active boolean NOT NULL DEFAULT true,
	created_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (org_id, price_limit_id),
	CONSTRAINT price_limit_code_unique UNIQUE (org_id, code),
	CONSTRAINT price_limit_sku_or_category CHECK (sku IS NULL OR category IS NULL)
);
CREATE UNIQUE INDEX price_limit_once ON usom.price_limit (org_id, role, sku, category) NULLS NOT DISTINCT WHERE active;
COMMENT ON TABLE usom.price_limit IS 'How far a role may go from the price that the rules say. Of the rows of a role the narrowest counts (product, category, all); of several roles that somebody has, the widest. Beyond it the queue approves. With no rows there are no limits; with some, a role that has none may override nothing by itself.';
COMMENT ON COLUMN usom.price_limit.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.price_limit.price_limit_id IS 'Key.';
COMMENT ON COLUMN usom.price_limit.code IS 'Name that messages use.';
COMMENT ON COLUMN usom.price_limit.role IS 'Who is meant: a profile (agent, manager ...) or the name of a role.';
COMMENT ON COLUMN usom.price_limit.sku IS 'Product; null: those of the category, or all.';
COMMENT ON COLUMN usom.price_limit.category IS 'Category of products; null: any.';
COMMENT ON COLUMN usom.price_limit.max_discount IS 'Per cent below the price at most: the floor.';
COMMENT ON COLUMN usom.price_limit.max_markup IS 'Per cent above the price at most: the ceiling.';
COMMENT ON COLUMN usom.price_limit.queue IS 'Whose members approve what goes beyond: a profile or the name of a role.';
COMMENT ON COLUMN usom.price_limit.active IS 'Off: counts no more.';
COMMENT ON COLUMN usom.price_limit.created_at IS 'When the row was made.';
CREATE TRIGGER usom_price_limit BEFORE INSERT OR UPDATE ON usom.price_limit
	FOR EACH ROW EXECUTE FUNCTION usom._check_price_limit();

CREATE TABLE usom.approval (
	org_id bigint NOT NULL,
	approval_id bigint NOT NULL DEFAULT usom.next_id(),
	sales_order_id bigint NOT NULL,
	queue text NOT NULL,
	rules text[] NOT NULL,
	saw jsonb NOT NULL,
	status text NOT NULL DEFAULT 'pending' CONSTRAINT approval_status_known CHECK (status IN ('pending', 'approved', 'declined', 'void')),
	automatic boolean NOT NULL DEFAULT false,
	content bytea NOT NULL CONSTRAINT approval_content_is_digest CHECK (octet_length(content) = 32),
	asked_at timestamptz NOT NULL DEFAULT now(),
	asked_by text NOT NULL DEFAULT session_user,
	expires_at timestamptz,
	escalates_at timestamptz,
	escalates_to text,
	if_declined text NOT NULL DEFAULT 'keep' CONSTRAINT approval_if_declined_known CHECK (if_declined IN ('keep', 'reject')),
	apart_by text NOT NULL DEFAULT 'login' CONSTRAINT approval_apart_by_known CHECK (apart_by IN ('login', 'app_user')),
	decided_at timestamptz,
	decided_by text,
	decided_for text,
	reason text,
	settled_at timestamptz,
	voided_at timestamptz,
	PRIMARY KEY (org_id, approval_id),
	CONSTRAINT approval_of_order FOREIGN KEY (org_id, sales_order_id) REFERENCES usom.sales_order ON DELETE RESTRICT ON UPDATE RESTRICT,
	CONSTRAINT approval_decided_iff_by CHECK ((decided_at IS NULL) = (decided_by IS NULL)),
	CONSTRAINT approval_decided_unless_pending CHECK (status = 'void' OR (status = 'pending') = (decided_at IS NULL)),
	CONSTRAINT approval_void_iff_dated CHECK ((status = 'void') = (voided_at IS NOT NULL)),
	CONSTRAINT approval_settled_if_approved CHECK (settled_at IS NULL OR status IN ('approved', 'void')),
	CONSTRAINT approval_escalates_iff_to CHECK ((escalates_at IS NULL) = (escalates_to IS NULL)),
	CONSTRAINT approval_automatic_is_approved CHECK (NOT automatic OR status IN ('approved', 'void'))
);
CREATE UNIQUE INDEX approval_once ON usom.approval (org_id, sales_order_id, queue) WHERE status <> 'void' AND NOT automatic;
CREATE INDEX approval_of_order ON usom.approval (org_id, sales_order_id);
COMMENT ON TABLE usom.approval IS 'A question to a queue about the content of an order, and the answer. Both hold for this content alone: when it changes they are void, and what still needs an answer is asked anew.';
COMMENT ON COLUMN usom.approval.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.approval.approval_id IS 'Key.';
COMMENT ON COLUMN usom.approval.sales_order_id IS 'Order.';
COMMENT ON COLUMN usom.approval.queue IS 'Whose members decide: a profile or the name of a role.';
COMMENT ON COLUMN usom.approval.rules IS 'Codes of the rules that ask for it, and of the price limits that were passed.';
COMMENT ON COLUMN usom.approval.saw IS 'What they saw: total, currency, discount, risk and what else they compare; overrides beyond a limit.';
COMMENT ON COLUMN usom.approval.status IS 'pending, approved, declined, or void because the content changed. One that is pending ends with expires_at, whatever stands here.';
COMMENT ON COLUMN usom.approval.automatic IS 'On: approved by a rule, nobody was asked.';
COMMENT ON COLUMN usom.approval.content IS 'SHA-256 of the content of the order when it was asked: see usom._order_content().';
COMMENT ON COLUMN usom.approval.asked_at IS 'When it was asked.';
COMMENT ON COLUMN usom.approval.asked_by IS 'Session user whose call asked.';
COMMENT ON COLUMN usom.approval.expires_at IS 'From then on it is not decided any more, and a decision that the order did not go on by counts for nothing; null: never.';
COMMENT ON COLUMN usom.approval.escalates_at IS 'From then on the members of escalates_to may decide, too; null: never.';
COMMENT ON COLUMN usom.approval.escalates_to IS 'Queue that it escalates to.';
COMMENT ON COLUMN usom.approval.if_declined IS 'keep or reject, see approval_rule.';
COMMENT ON COLUMN usom.approval.apart_by IS 'login or app_user, see approval_rule.';
COMMENT ON COLUMN usom.approval.decided_at IS 'When it was approved or declined.';
COMMENT ON COLUMN usom.approval.decided_by IS 'Session user who decided; of an automatic one, whose call it was.';
COMMENT ON COLUMN usom.approval.decided_for IS 'Application user, as claimed by usom.app_user.';
COMMENT ON COLUMN usom.approval.reason IS 'Why, as whoever decided said.';
COMMENT ON COLUMN usom.approval.settled_at IS 'When all approvals of the order were there and it went on; null: not by this one.';
COMMENT ON COLUMN usom.approval.voided_at IS 'When the content of the order changed.';

CREATE TABLE usom.price_override (
	org_id bigint NOT NULL,
	price_override_id bigint NOT NULL DEFAULT usom.next_id(),
	sales_order_id bigint NOT NULL,
	line_no integer NOT NULL,
	product_id bigint NOT NULL,
	unit_price usom.price_amount NOT NULL,
	price_before usom.price_amount NOT NULL,
	reason text NOT NULL CONSTRAINT price_override_reason_given CHECK (reason <> ''),
	queue text,
	beyond text,
	placed_at timestamptz NOT NULL DEFAULT now(),
	placed_by text NOT NULL DEFAULT session_user,
	placed_for text,
	ended_at timestamptz,
	ended_by text,
	PRIMARY KEY (org_id, price_override_id),
	CONSTRAINT price_override_of_order FOREIGN KEY (org_id, sales_order_id) REFERENCES usom.sales_order ON DELETE RESTRICT ON UPDATE RESTRICT,
	CONSTRAINT price_override_ended_iff_by CHECK ((ended_at IS NULL) = (ended_by IS NULL)),
	CONSTRAINT price_override_beyond_iff_queue CHECK ((beyond IS NULL) = (queue IS NULL))
);
CREATE UNIQUE INDEX price_override_once ON usom.price_override (org_id, sales_order_id, line_no) WHERE ended_at IS NULL;
COMMENT ON TABLE usom.price_override IS 'Prices that people set on lines of orders in place of what the rules say: the step manual of the price.';
COMMENT ON COLUMN usom.price_override.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.price_override.price_override_id IS 'Key.';
COMMENT ON COLUMN usom.price_override.sales_order_id IS 'Order.';
COMMENT ON COLUMN usom.price_override.line_no IS 'Line.';
COMMENT ON COLUMN usom.price_override.product_id IS 'Product of the line when it was set; for another one it does not hold.';
COMMENT ON COLUMN usom.price_override.unit_price IS 'Price of one unit that was set.';
COMMENT ON COLUMN usom.price_override.price_before IS 'What the rules said when it was set.';
COMMENT ON COLUMN usom.price_override.reason IS 'Why.';
COMMENT ON COLUMN usom.price_override.queue IS 'Whose members approve it, because it is beyond a limit; null: it is not.';
COMMENT ON COLUMN usom.price_override.beyond IS 'Code of the limit that it passes, or none if the role has no limit of its own; null: it is within.';
COMMENT ON COLUMN usom.price_override.placed_at IS 'When it was set.';
COMMENT ON COLUMN usom.price_override.placed_by IS 'Session user who set it.';
COMMENT ON COLUMN usom.price_override.placed_for IS 'Application user, as claimed by usom.app_user.';
COMMENT ON COLUMN usom.price_override.ended_at IS 'When another price took its place; null: it holds.';
COMMENT ON COLUMN usom.price_override.ended_by IS 'Session user whose change ended it.';

CREATE TABLE usom.order_risk (
	org_id bigint NOT NULL,
	order_risk_id bigint NOT NULL DEFAULT usom.next_id(),
	sales_order_id bigint NOT NULL,
	score integer NOT NULL CONSTRAINT order_risk_score_range CHECK (score BETWEEN 0 AND 100),
	reason text,
	scored_at timestamptz NOT NULL DEFAULT now(),
	scored_by text NOT NULL DEFAULT session_user,
	PRIMARY KEY (org_id, order_risk_id),
	CONSTRAINT order_risk_of_order FOREIGN KEY (org_id, sales_order_id) REFERENCES usom.sales_order ON DELETE RESTRICT ON UPDATE RESTRICT
);
CREATE INDEX order_risk_of_order ON usom.order_risk (org_id, sales_order_id, order_risk_id);
COMMENT ON TABLE usom.order_risk IS 'What an assessment outside said about an order. The last row counts. Append-only.';
COMMENT ON COLUMN usom.order_risk.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.order_risk.order_risk_id IS 'Key.';
COMMENT ON COLUMN usom.order_risk.sales_order_id IS 'Order.';
COMMENT ON COLUMN usom.order_risk.score IS '0, no risk, to 100.';
COMMENT ON COLUMN usom.order_risk.reason IS 'Why, or who says so.';
COMMENT ON COLUMN usom.order_risk.scored_at IS 'When it was told.';
COMMENT ON COLUMN usom.order_risk.scored_by IS 'Session user who told.';

CREATE TRIGGER _memo_changed AFTER INSERT OR UPDATE OR DELETE ON usom.approval_rule
	FOR EACH ROW EXECUTE FUNCTION usom._memo_changed();
ALTER TABLE usom.approval_rule ENABLE ALWAYS TRIGGER _memo_changed;
CREATE TRIGGER _memo_changed AFTER INSERT OR UPDATE OR DELETE ON usom.price_limit
	FOR EACH ROW EXECUTE FUNCTION usom._memo_changed();
ALTER TABLE usom.price_limit ENABLE ALWAYS TRIGGER _memo_changed;

SELECT usom._guard_cards('approval_rule');
SELECT usom._guard_cards('price_limit');
SELECT usom._guard_cards('approval');
SELECT usom._guard_cards('price_override');
SELECT usom._guard_cards('order_risk');
SELECT usom._guard_master('approval_rule', 'code');
SELECT usom._guard_master('price_limit', 'code');
SELECT usom._guard_kept('approval', 'usom.approve_order() or usom.decline_order()');
SELECT usom._guard_kept('price_override', 'usom.override_price() or usom.reprice_order()');
SELECT usom._guard_ledger('order_risk', 'usom.score_order()');
SELECT usom._audit_table('approval_rule');
SELECT usom._audit_table('price_limit');
SELECT usom._audit_table('approval');
SELECT usom._audit_table('price_override');
SELECT usom._audit_table('order_risk');
$usom_step$),

(1, 704, 'order', $usom_step$
CREATE TABLE usom.flow (
	org_id bigint NOT NULL DEFAULT usom.current_org(),
	flow_id bigint NOT NULL DEFAULT usom.next_id(),
	code text NOT NULL CONSTRAINT flow_code_given CHECK (code <> ''),
	version integer NOT NULL DEFAULT 1 CONSTRAINT flow_version_positive CHECK (version > 0),
	description text,
	published_at timestamptz,
	published_by text,
	created_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (org_id, flow_id),
	CONSTRAINT flow_version_unique UNIQUE (org_id, code, version),
	CONSTRAINT flow_published_iff_by CHECK ((published_at IS NULL) = (published_by IS NULL))
);
COMMENT ON TABLE usom.flow IS 'A flow of orders that somebody wrote, on top of the built-in one: a version of it. A new one begins with one state for each status of orders but draft; usom.publish_flow() checks it, and from then on it does not change (US144). Orders keep the version they began with.';
COMMENT ON COLUMN usom.flow.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.flow.flow_id IS 'Key, see usom.flow_id().';
COMMENT ON COLUMN usom.flow.code IS 'Name that rules and messages use.';
COMMENT ON COLUMN usom.flow.version IS 'Version; later ones are made by usom.revise_flow().';
COMMENT ON COLUMN usom.flow.description IS 'Words for people.';
COMMENT ON COLUMN usom.flow.published_at IS 'When it was published; null: it is being written.';
COMMENT ON COLUMN usom.flow.published_by IS 'Session user who published it.';
COMMENT ON COLUMN usom.flow.created_at IS 'When the row was made.';

CREATE TABLE usom.flow_state (
	org_id bigint NOT NULL DEFAULT usom.current_org(),
	flow_id bigint NOT NULL,
	state text NOT NULL CONSTRAINT flow_state_given CHECK (state <> ''),
	status usom.order_status NOT NULL CONSTRAINT flow_state_not_of_drafts CHECK (status <> 'draft'),
	starts boolean NOT NULL DEFAULT false,
	description text,
	built_in boolean NOT NULL DEFAULT false,
	PRIMARY KEY (org_id, flow_id, state),
	CONSTRAINT flow_state_of_flow FOREIGN KEY (org_id, flow_id) REFERENCES usom.flow ON DELETE RESTRICT ON UPDATE RESTRICT
);
CREATE UNIQUE INDEX flow_state_starts_once ON usom.flow_state (org_id, flow_id, status) WHERE starts;
COMMENT ON TABLE usom.flow_state IS 'A state of a flow: it lies within one status of orders.';
COMMENT ON COLUMN usom.flow_state.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.flow_state.flow_id IS 'Version of the flow.';
COMMENT ON COLUMN usom.flow_state.state IS 'Name of the state.';
COMMENT ON COLUMN usom.flow_state.status IS 'Status that orders in the state have. A draft has no state: its flow is settled when it is submitted.';
COMMENT ON COLUMN usom.flow_state.starts IS 'On: orders that come into the status without a transition of their own begin here. One of the states of a status is it.';
COMMENT ON COLUMN usom.flow_state.description IS 'Words for people.';
COMMENT ON COLUMN usom.flow_state.built_in IS 'On: the flow was made with it; if no transition from it is written, it goes on as the built-in flow does.';

CREATE TABLE usom.flow_transition (
	org_id bigint NOT NULL DEFAULT usom.current_org(),
	flow_id bigint NOT NULL,
	from_state text NOT NULL,
	to_state text NOT NULL,
	rank integer NOT NULL DEFAULT 10,
	description text,
	built_in boolean NOT NULL DEFAULT false,
	PRIMARY KEY (org_id, flow_id, from_state, to_state),
	CONSTRAINT flow_transition_leads_on CHECK (from_state <> to_state),
	CONSTRAINT flow_transition_from FOREIGN KEY (org_id, flow_id, from_state) REFERENCES usom.flow_state ON DELETE RESTRICT ON UPDATE RESTRICT,
	CONSTRAINT flow_transition_to FOREIGN KEY (org_id, flow_id, to_state) REFERENCES usom.flow_state ON DELETE RESTRICT ON UPDATE RESTRICT
);
COMMENT ON TABLE usom.flow_transition IS 'A step of a flow. Between states of one status it is taken by usom.take_step(), or by UPDATE ... SET flow_state; between statuses, when the order goes from the one to the other.';
COMMENT ON COLUMN usom.flow_transition.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.flow_transition.flow_id IS 'Version of the flow.';
COMMENT ON COLUMN usom.flow_transition.from_state IS 'State that it leads from.';
COMMENT ON COLUMN usom.flow_transition.to_state IS 'State that it leads to.';
COMMENT ON COLUMN usom.flow_transition.rank IS 'If several lead to the status that the order goes to, the lowest is asked first, then by the name of the state; the first that its guards let pass is taken.';
COMMENT ON COLUMN usom.flow_transition.description IS 'Words for people.';
COMMENT ON COLUMN usom.flow_transition.built_in IS 'On: nobody wrote it; it was added when the flow was published.';

CREATE TABLE usom.flow_guard (
	org_id bigint NOT NULL DEFAULT usom.current_org(),
	flow_id bigint NOT NULL,
	from_state text NOT NULL,
	to_state text NOT NULL,
	guard text NOT NULL CONSTRAINT flow_guard_named CHECK (guard ~ '^[a-z_][a-z0-9_]*(\.[a-z_][a-z0-9_]*)?$'),
	severity text NOT NULL DEFAULT 'refuse' CONSTRAINT flow_guard_severity_known CHECK (severity IN ('off', 'warn', 'hold', 'refuse')),
	hold_type text NOT NULL DEFAULT 'review' CONSTRAINT flow_guard_hold_type_given CHECK (hold_type <> ''),
	message text,
	PRIMARY KEY (org_id, flow_id, from_state, to_state, guard),
	CONSTRAINT flow_guard_of_transition FOREIGN KEY (org_id, flow_id, from_state, to_state) REFERENCES usom.flow_transition ON DELETE RESTRICT ON UPDATE RESTRICT
);
COMMENT ON TABLE usom.flow_guard IS 'What must be true of an order that takes a step of a flow.';
COMMENT ON COLUMN usom.flow_guard.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.flow_guard.flow_id IS 'Version of the flow.';
COMMENT ON COLUMN usom.flow_guard.from_state IS 'State that the step leads from.';
COMMENT ON COLUMN usom.flow_guard.to_state IS 'State that it leads to.';
COMMENT ON COLUMN usom.flow_guard.guard IS 'One of usom''s own: paid, promised, released, reserved, unheld; or schema.function: a function (org_id bigint, order_no text) RETURNS boolean, STABLE or IMMUTABLE, owned by a superuser or by the owner of usom, as whom it runs. It sees the order as it is before the step; null counts as false.';
COMMENT ON COLUMN usom.flow_guard.severity IS 'If it is not true: refuse: the step is not taken; hold: it is taken, and a hold placed; warn: it is taken, and an exception raised; off: it is not asked.';
COMMENT ON COLUMN usom.flow_guard.hold_type IS 'Type of the hold that is placed.';
COMMENT ON COLUMN usom.flow_guard.message IS 'What people read if it is not true; null: its name.';

CREATE TABLE usom.flow_effect (
	org_id bigint NOT NULL DEFAULT usom.current_org(),
	flow_id bigint NOT NULL,
	from_state text NOT NULL,
	to_state text NOT NULL,
	effect text NOT NULL CONSTRAINT flow_effect_known CHECK (effect IN ('hold', 'release_hold', 'event', 'exception')),
	argument text NOT NULL CONSTRAINT flow_effect_argument_given CHECK (argument <> ''),
	message text,
	PRIMARY KEY (org_id, flow_id, from_state, to_state, effect, argument),
	CONSTRAINT flow_effect_releases_no_approval CHECK (effect <> 'release_hold' OR argument <> 'approval'),
	CONSTRAINT flow_effect_of_transition FOREIGN KEY (org_id, flow_id, from_state, to_state) REFERENCES usom.flow_transition ON DELETE RESTRICT ON UPDATE RESTRICT
);
COMMENT ON TABLE usom.flow_effect IS 'What a step of a flow does besides.';
COMMENT ON COLUMN usom.flow_effect.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.flow_effect.flow_id IS 'Version of the flow.';
COMMENT ON COLUMN usom.flow_effect.from_state IS 'State that the step leads from.';
COMMENT ON COLUMN usom.flow_effect.to_state IS 'State that it leads to.';
COMMENT ON COLUMN usom.flow_effect.effect IS 'hold: place a hold on the order; release_hold: end its active holds of a type; event: tell the outside; exception: raise one for people.';
COMMENT ON COLUMN usom.flow_effect.argument IS 'Type of the hold, or kind of the event or exception.';
COMMENT ON COLUMN usom.flow_effect.message IS 'Reason of the hold, or words of the exception; null: the step.';

CREATE TABLE usom.flow_rule (
	org_id bigint NOT NULL DEFAULT usom.current_org(),
	flow_rule_id bigint NOT NULL DEFAULT usom.next_id(),
	code text NOT NULL CONSTRAINT flow_rule_code_given CHECK (code <> ''),
	flow text NOT NULL,
	order_type usom.order_type,
	channel text,
	active boolean NOT NULL DEFAULT true,
	created_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (org_id, flow_rule_id),
	CONSTRAINT flow_rule_code_unique UNIQUE (org_id, code)
);
CREATE UNIQUE INDEX flow_rule_of_orders_once ON usom.flow_rule (org_id, order_type, channel) NULLS NOT DISTINCT WHERE active;
COMMENT ON TABLE usom.flow_rule IS 'Which orders take which flow: the newest published version of it, when they are placed or submitted. Of several rules that fit the one with both order_type and channel counts, then order_type, then channel. Orders that none fits take the built-in flow.';
COMMENT ON COLUMN usom.flow_rule.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.flow_rule.flow_rule_id IS 'Key.';
COMMENT ON COLUMN usom.flow_rule.code IS 'Name of the rule.';
COMMENT ON COLUMN usom.flow_rule.flow IS 'Code of a published flow.';
COMMENT ON COLUMN usom.flow_rule.order_type IS 'Type of the order; null: any.';
COMMENT ON COLUMN usom.flow_rule.channel IS 'Code of the channel of the order; null: any.';
COMMENT ON COLUMN usom.flow_rule.active IS 'Off: no order takes a flow by it.';
COMMENT ON COLUMN usom.flow_rule.created_at IS 'When the row was made.';

CREATE TRIGGER usom_guard BEFORE INSERT OR UPDATE OR DELETE ON usom.flow
	FOR EACH ROW EXECUTE FUNCTION usom._guard_flow();
CREATE TRIGGER usom_guard BEFORE INSERT OR UPDATE OR DELETE ON usom.flow_state
	FOR EACH ROW EXECUTE FUNCTION usom._guard_flow_part();
CREATE TRIGGER usom_guard BEFORE INSERT OR UPDATE OR DELETE ON usom.flow_transition
	FOR EACH ROW EXECUTE FUNCTION usom._guard_flow_part();
CREATE TRIGGER usom_guard BEFORE INSERT OR UPDATE OR DELETE ON usom.flow_guard
	FOR EACH ROW EXECUTE FUNCTION usom._guard_flow_part();
CREATE TRIGGER usom_guard BEFORE INSERT OR UPDATE OR DELETE ON usom.flow_effect
	FOR EACH ROW EXECUTE FUNCTION usom._guard_flow_part();
ALTER TABLE usom.flow ENABLE ALWAYS TRIGGER usom_guard;
ALTER TABLE usom.flow_state ENABLE ALWAYS TRIGGER usom_guard;
ALTER TABLE usom.flow_transition ENABLE ALWAYS TRIGGER usom_guard;
ALTER TABLE usom.flow_guard ENABLE ALWAYS TRIGGER usom_guard;
ALTER TABLE usom.flow_effect ENABLE ALWAYS TRIGGER usom_guard;
CREATE TRIGGER usom_furnish AFTER INSERT ON usom.flow
	FOR EACH ROW WHEN (NEW.version = 1) EXECUTE FUNCTION usom._furnish_flow();
CREATE TRIGGER usom_rule BEFORE INSERT OR UPDATE ON usom.flow_rule
	FOR EACH ROW EXECUTE FUNCTION usom._check_flow_rule();

CREATE TRIGGER _memo_changed AFTER INSERT OR UPDATE OR DELETE ON usom.flow
	FOR EACH ROW EXECUTE FUNCTION usom._memo_changed();
ALTER TABLE usom.flow ENABLE ALWAYS TRIGGER _memo_changed;
CREATE TRIGGER _memo_changed AFTER INSERT OR UPDATE OR DELETE ON usom.flow_state
	FOR EACH ROW EXECUTE FUNCTION usom._memo_changed();
ALTER TABLE usom.flow_state ENABLE ALWAYS TRIGGER _memo_changed;
CREATE TRIGGER _memo_changed AFTER INSERT OR UPDATE OR DELETE ON usom.flow_transition
	FOR EACH ROW EXECUTE FUNCTION usom._memo_changed();
ALTER TABLE usom.flow_transition ENABLE ALWAYS TRIGGER _memo_changed;
CREATE TRIGGER _memo_changed AFTER INSERT OR UPDATE OR DELETE ON usom.flow_guard
	FOR EACH ROW EXECUTE FUNCTION usom._memo_changed();
ALTER TABLE usom.flow_guard ENABLE ALWAYS TRIGGER _memo_changed;
CREATE TRIGGER _memo_changed AFTER INSERT OR UPDATE OR DELETE ON usom.flow_effect
	FOR EACH ROW EXECUTE FUNCTION usom._memo_changed();
ALTER TABLE usom.flow_effect ENABLE ALWAYS TRIGGER _memo_changed;
CREATE TRIGGER _memo_changed AFTER INSERT OR UPDATE OR DELETE ON usom.flow_rule
	FOR EACH ROW EXECUTE FUNCTION usom._memo_changed();
ALTER TABLE usom.flow_rule ENABLE ALWAYS TRIGGER _memo_changed;

SELECT usom._guard_cards('flow');
SELECT usom._guard_cards('flow_state');
SELECT usom._guard_cards('flow_transition');
SELECT usom._guard_cards('flow_guard');
SELECT usom._guard_cards('flow_effect');
SELECT usom._guard_cards('flow_rule');
SELECT usom._guard_master('flow_rule', 'code');
SELECT usom._audit_table('flow');
SELECT usom._audit_table('flow_state');
SELECT usom._audit_table('flow_transition');
SELECT usom._audit_table('flow_guard');
SELECT usom._audit_table('flow_effect');
SELECT usom._audit_table('flow_rule');

CREATE VIEW usom.flows WITH (security_invoker = true) AS
SELECT f.code, f.version, CASE WHEN f.published_at IS NULL THEN 'draft' ELSE 'published' END AS status, f.description, f.published_at, f.published_by,
	(SELECT count(*) FROM usom.flow_state s WHERE s.org_id = f.org_id AND s.flow_id = f.flow_id) AS states,
	ARRAY(SELECT r.code FROM usom.flow_rule r WHERE r.org_id = f.org_id AND r.flow = f.code AND r.active
		AND f.version = (SELECT max(n.version) FROM usom.flow n WHERE n.org_id = f.org_id AND n.code = f.code AND n.published_at IS NOT NULL) ORDER BY 1) AS rules
FROM usom.flow f
WHERE f.org_id = usom.current_org();
COMMENT ON VIEW usom.flows IS 'Versions of flows of the caller''s organisation.';
COMMENT ON COLUMN usom.flows.code IS 'Flow.';
COMMENT ON COLUMN usom.flows.version IS 'Version.';
COMMENT ON COLUMN usom.flows.status IS 'draft or published.';
COMMENT ON COLUMN usom.flows.description IS 'Words for people.';
COMMENT ON COLUMN usom.flows.published_at IS 'When it was published; null: it is being written.';
COMMENT ON COLUMN usom.flows.published_by IS 'By whom.';
COMMENT ON COLUMN usom.flows.states IS 'How many states it has.';
COMMENT ON COLUMN usom.flows.rules IS 'Rules that send orders to it now.';

CREATE VIEW usom.flow_steps WITH (security_invoker = true) AS
SELECT f.code AS flow, f.version, t.from_state, a.status::text AS from_status, t.to_state, b.status::text AS to_status, t.rank, t.built_in, t.description,
	ARRAY(SELECT g.severity || ': ' || g.guard FROM usom.flow_guard g WHERE g.org_id = t.org_id AND g.flow_id = t.flow_id
		AND g.from_state = t.from_state AND g.to_state = t.to_state ORDER BY g.guard) AS guards,
	ARRAY(SELECT e.effect || ': ' || e.argument FROM usom.flow_effect e WHERE e.org_id = t.org_id AND e.flow_id = t.flow_id
		AND e.from_state = t.from_state AND e.to_state = t.to_state ORDER BY e.effect, e.argument) AS effects
FROM usom.flow_transition t
JOIN usom.flow f ON f.org_id = t.org_id AND f.flow_id = t.flow_id
JOIN usom.flow_state a ON a.org_id = t.org_id AND a.flow_id = t.flow_id AND a.state = t.from_state
JOIN usom.flow_state b ON b.org_id = t.org_id AND b.flow_id = t.flow_id AND b.state = t.to_state
WHERE t.org_id = usom.current_org();
COMMENT ON VIEW usom.flow_steps IS 'Steps of the flows of the caller''s organisation, with their guards and effects.';
COMMENT ON COLUMN usom.flow_steps.flow IS 'Flow.';
COMMENT ON COLUMN usom.flow_steps.version IS 'Version.';
COMMENT ON COLUMN usom.flow_steps.from_state IS 'State that it leads from.';
COMMENT ON COLUMN usom.flow_steps.from_status IS 'Status of that state.';
COMMENT ON COLUMN usom.flow_steps.to_state IS 'State that it leads to.';
COMMENT ON COLUMN usom.flow_steps.to_status IS 'Status of that state.';
COMMENT ON COLUMN usom.flow_steps.rank IS 'Of several that lead to one status the lowest is asked first.';
COMMENT ON COLUMN usom.flow_steps.built_in IS 'On: nobody wrote it; it was added when the flow was published.';
COMMENT ON COLUMN usom.flow_steps.description IS 'Words for people.';
COMMENT ON COLUMN usom.flow_steps.guards IS 'Severity and guard of each.';
COMMENT ON COLUMN usom.flow_steps.effects IS 'Effect and what it is about.';
$usom_step$),

(1, 703, 'order', $usom_step$
CREATE TABLE usom.line_unit (
	org_id bigint NOT NULL,
	sales_order_id bigint NOT NULL,
	line_no integer NOT NULL,
	product_id bigint NOT NULL,
	unit text NOT NULL,
	quantity usom.positive_quantity NOT NULL,
	per usom.positive_quantity NOT NULL,
	unit_price usom.price_amount,
	PRIMARY KEY (org_id, sales_order_id, line_no),
	CONSTRAINT line_unit_of_order FOREIGN KEY (org_id, sales_order_id) REFERENCES usom.sales_order ON DELETE RESTRICT ON UPDATE RESTRICT
);
COMMENT ON TABLE usom.line_unit IS 'The unit that a line was ordered in, where it is not the product''s own, as it was then.';
COMMENT ON COLUMN usom.line_unit.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.line_unit.sales_order_id IS 'Order.';
COMMENT ON COLUMN usom.line_unit.line_no IS 'Line.';
COMMENT ON COLUMN usom.line_unit.product_id IS 'What the line was about; for another product it says nothing.';
COMMENT ON COLUMN usom.line_unit.unit IS 'Name of the unit.';
COMMENT ON COLUMN usom.line_unit.quantity IS 'So many of the product''s own unit ...';
COMMENT ON COLUMN usom.line_unit.per IS '... are so many of this one, in lowest terms.';
COMMENT ON COLUMN usom.line_unit.unit_price IS 'Price of one of this unit that was told; null: none was.';

SELECT usom._guard_cards('line_unit');
SELECT usom._guard_kept('line_unit', 'usom.place_order() or usom.change_order()');
SELECT usom._audit_table('line_unit');

CREATE VIEW usom.line_units WITH (security_invoker = true) AS
SELECT o.order_no, l.line_no, p.sku, u.unit,
	trim_scale(round(l.quantity * u.per / u.quantity, 6)) AS quantity,
	trim_scale(round((l.quantity - l.quantity_cancelled - l.quantity_shipped - l.quantity_delivered - l.quantity_returned) * u.per / u.quantity, 6)) AS quantity_open,
	trim_scale(round((l.quantity_shipped + l.quantity_delivered + l.quantity_returned) * u.per / u.quantity, 6)) AS quantity_left,
	trim_scale(round(l.quantity_cancelled * u.per / u.quantity, 6)) AS quantity_cancelled,
	trim_scale(u.unit_price) AS unit_price,
	p.unit AS base_unit,
	trim_scale(l.quantity) AS base_quantity
FROM usom.line_unit u
JOIN usom.order_line l ON l.org_id = u.org_id AND l.sales_order_id = u.sales_order_id AND l.line_no = u.line_no AND l.product_id = u.product_id
JOIN usom.sales_order o ON o.org_id = u.org_id AND o.sales_order_id = u.sales_order_id
JOIN usom.product p ON p.org_id = u.org_id AND p.product_id = u.product_id
WHERE u.org_id = usom.current_org();
COMMENT ON VIEW usom.line_units IS 'Lines that were ordered in another unit than the product''s own, counted in that unit, to six decimals; nothing is open exactly when the own units are all gone.';
COMMENT ON COLUMN usom.line_units.order_no IS 'Order.';
COMMENT ON COLUMN usom.line_units.line_no IS 'Line.';
COMMENT ON COLUMN usom.line_units.sku IS 'Product.';
COMMENT ON COLUMN usom.line_units.unit IS 'Unit that was ordered.';
COMMENT ON COLUMN usom.line_units.quantity IS 'So many of it.';
COMMENT ON COLUMN usom.line_units.quantity_open IS 'Of them neither cancelled nor gone.';
COMMENT ON COLUMN usom.line_units.quantity_left IS 'Of them shipped, returned ones too.';
COMMENT ON COLUMN usom.line_units.quantity_cancelled IS 'Of them cancelled.';
COMMENT ON COLUMN usom.line_units.unit_price IS 'Price of one of it that was told; null: none was.';
COMMENT ON COLUMN usom.line_units.base_unit IS 'The product''s own unit.';
COMMENT ON COLUMN usom.line_units.base_quantity IS 'So many of that.';
$usom_step$),

(1, 801, 'sourcing', $usom_step$
-- What the planner is fed from.  With none of these tables filled in, every
-- location ships at once, without limit and for nothing.
--
-- Rows that overlap are refused by exclusion constraints over ranges alone,
-- which need no operator class of an extension: a key is the range of itself.
CREATE TABLE usom.location_calendar (
	org_id bigint NOT NULL DEFAULT usom.current_org(),
	location_calendar_id bigint NOT NULL DEFAULT usom.next_id(),
	location_id bigint NOT NULL,
	weekday integer CONSTRAINT location_calendar_weekday_known CHECK (weekday BETWEEN 1 AND 7),
	on_date date CONSTRAINT location_calendar_date_sane CHECK (on_date BETWEEN '1900-01-01' AND '9999-12-31'),
	opens time,
	closes time,
	cut_off time,
	PRIMARY KEY (org_id, location_calendar_id),
	CONSTRAINT location_calendar_of_location FOREIGN KEY (org_id, location_id) REFERENCES usom.location ON DELETE RESTRICT ON UPDATE RESTRICT,
	CONSTRAINT location_calendar_weekly_or_once CHECK ((weekday IS NULL) <> (on_date IS NULL)),
	CONSTRAINT location_calendar_closed_only_once CHECK (opens IS NOT NULL OR on_date IS NOT NULL),
	CONSTRAINT location_calendar_closes_iff_opens CHECK ((opens IS NULL) = (closes IS NULL)),
	CONSTRAINT location_calendar_closes_after_opening CHECK (opens < closes),
	CONSTRAINT location_calendar_cut_off_while_open CHECK (cut_off IS NULL OR (opens IS NOT NULL AND cut_off >= opens AND cut_off <= closes)),
	CONSTRAINT location_calendar_does_not_overlap EXCLUDE USING gist (
		int8range(org_id, org_id, '[]') WITH =,
		int8range(location_id, location_id, '[]') WITH =,
		tsrange(coalesce(on_date, date '0001-01-01' + (weekday - 1)) + coalesce(opens, time '00:00'),
			coalesce(on_date, date '0001-01-01' + (weekday - 1)) + coalesce(closes, time '24:00')) WITH &&)
);
COMMENT ON TABLE usom.location_calendar IS 'When a location ships, by its own clock: hours of each weekday, and exceptions for single dates, which take the place of all hours of their weekday. A location without hours of weekdays is open day and night but for its exceptions. Hours that end at 24:00 and begin at 00:00 go on over midnight.';
COMMENT ON COLUMN usom.location_calendar.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.location_calendar.location_calendar_id IS 'Key.';
COMMENT ON COLUMN usom.location_calendar.location_id IS 'Location, see usom.location_id().';
COMMENT ON COLUMN usom.location_calendar.weekday IS '1 Monday to 7 Sunday, every week; or null.';
COMMENT ON COLUMN usom.location_calendar.on_date IS 'One date, instead of what is usual on it; or null.';
COMMENT ON COLUMN usom.location_calendar.opens IS 'Local time from which on orders leave; null with a date: closed all day.';
COMMENT ON COLUMN usom.location_calendar.closes IS 'Local time at which the last order leaves; 24:00 is the end of the day.';
COMMENT ON COLUMN usom.location_calendar.cut_off IS 'Local time by which an order must be there to leave within these hours; null: until closes.';

COMMENT ON CONSTRAINT location_calendar_does_not_overlap ON usom.location_calendar IS 'Hours of one weekday, or of one date, stand beside each other. A date that is closed has no hours.';

CREATE INDEX location_calendar_of_location_by_day ON usom.location_calendar (org_id, location_id, on_date, weekday);

CREATE TABLE usom.service_level (
	org_id bigint NOT NULL DEFAULT usom.current_org(),
	service_level_id bigint NOT NULL DEFAULT usom.next_id(),
	code text NOT NULL CONSTRAINT service_level_code_given CHECK (code <> ''),
	name text,
	cut_off time,
	late_cost usom.price_amount NOT NULL DEFAULT 0,
	active boolean NOT NULL DEFAULT true,
	created_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (org_id, service_level_id),
	CONSTRAINT service_level_code_unique UNIQUE (org_id, code)
);
COMMENT ON TABLE usom.service_level IS 'How fast a delivery is promised to be: standard, express. How many days it takes is in transit_time, what it costs in freight_rate.';
COMMENT ON COLUMN usom.service_level.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.service_level.service_level_id IS 'Key.';
COMMENT ON COLUMN usom.service_level.code IS 'What rules and rates name.';
COMMENT ON COLUMN usom.service_level.name IS 'Name for people.';
COMMENT ON COLUMN usom.service_level.cut_off IS 'Local time at the location by which an order must be there to leave the same day; null: what the location''s calendar says. The earlier one counts.';
COMMENT ON COLUMN usom.service_level.late_cost IS 'What a day costs by which a unit comes later than requested, in the currency of the organisation.';
COMMENT ON COLUMN usom.service_level.active IS 'Off: not chosen any more.';
COMMENT ON COLUMN usom.service_level.created_at IS 'When the row was made.';

CREATE TABLE usom.transit_time (
	org_id bigint NOT NULL DEFAULT usom.current_org(),
	transit_time_id bigint NOT NULL DEFAULT usom.next_id(),
	service_level_id bigint NOT NULL,
	country text CONSTRAINT transit_time_country_iso CHECK (country ~ '^[A-Z]{2}$'),
	distance_from numeric(9,3) NOT NULL DEFAULT 0 CONSTRAINT transit_time_distance_not_negative CHECK (distance_from >= 0 AND distance_from < 1e6),
	distance_to numeric(9,3),
	days numeric(6,2) NOT NULL CONSTRAINT transit_time_days_sane CHECK (days >= 0 AND days <= 1000),
	PRIMARY KEY (org_id, transit_time_id),
	CONSTRAINT transit_time_of_service_level FOREIGN KEY (org_id, service_level_id) REFERENCES usom.service_level ON DELETE RESTRICT ON UPDATE RESTRICT,
	CONSTRAINT transit_time_distance_to_after_from CHECK (distance_to > distance_from AND distance_to < 1e6),
	CONSTRAINT transit_time_bands_do_not_overlap EXCLUDE USING gist (
		int8range(org_id, org_id, '[]') WITH =,
		int8range(service_level_id, service_level_id, '[]') WITH =,
		int4range(coalesce(ascii(country) * 128 + ascii(right(country, 1)), 0), coalesce(ascii(country) * 128 + ascii(right(country, 1)), 0), '[]') WITH =,
		numrange(distance_from, distance_to) WITH &&)
);
COMMENT ON CONSTRAINT transit_time_bands_do_not_overlap ON usom.transit_time IS 'Distances of one service level and country stand beside each other.';
COMMENT ON TABLE usom.transit_time IS 'How many days a service level takes, by country and distance. Rows of a country come before those of none. Without a row: no time at all.';
COMMENT ON COLUMN usom.transit_time.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.transit_time.transit_time_id IS 'Key.';
COMMENT ON COLUMN usom.transit_time.service_level_id IS 'Service level.';
COMMENT ON COLUMN usom.transit_time.country IS 'ISO 3166 code of two letters of the address; null: any that has no rows of its own.';
COMMENT ON COLUMN usom.transit_time.distance_from IS 'Kilometres as the crow flies from which on the row holds. An unknown distance is in the last band.';
COMMENT ON COLUMN usom.transit_time.distance_to IS 'Kilometres below which it holds; null: any.';
COMMENT ON COLUMN usom.transit_time.days IS 'Days of 24 hours from the shipment to the delivery.';

CREATE TABLE usom.freight_rate (
	org_id bigint NOT NULL DEFAULT usom.current_org(),
	freight_rate_id bigint NOT NULL DEFAULT usom.next_id(),
	service_level_id bigint NOT NULL,
	carrier text NOT NULL DEFAULT '',
	location_id bigint,
	country text CONSTRAINT freight_rate_country_iso CHECK (country ~ '^[A-Z]{2}$'),
	currency usom.currency_code NOT NULL DEFAULT usom.default_currency(),
	distance_from numeric(9,3) NOT NULL DEFAULT 0 CONSTRAINT freight_rate_distance_not_negative CHECK (distance_from >= 0 AND distance_from < 1e6),
	distance_to numeric(9,3),
	weight_from numeric(12,3) NOT NULL DEFAULT 0 CONSTRAINT freight_rate_weight_not_negative CHECK (weight_from >= 0 AND weight_from < 1e9),
	weight_to numeric(12,3),
	shipment_price usom.price_amount NOT NULL DEFAULT 0,
	weight_price usom.price_amount NOT NULL DEFAULT 0,
	PRIMARY KEY (org_id, freight_rate_id),
	CONSTRAINT freight_rate_of_service_level FOREIGN KEY (org_id, service_level_id) REFERENCES usom.service_level ON DELETE RESTRICT ON UPDATE RESTRICT,
	CONSTRAINT freight_rate_of_location FOREIGN KEY (org_id, location_id) REFERENCES usom.location ON DELETE RESTRICT ON UPDATE RESTRICT,
	CONSTRAINT freight_rate_distance_to_after_from CHECK (distance_to > distance_from AND distance_to < 1e6),
	CONSTRAINT freight_rate_weight_to_after_from CHECK (weight_to > weight_from AND weight_to < 1e9),
	-- No two carriers share 64 bits of hash; were it so, the second would have to be spelled otherwise.
	CONSTRAINT freight_rate_bands_do_not_overlap EXCLUDE USING gist (
		int8range(org_id, org_id, '[]') WITH =,
		int8range(service_level_id, service_level_id, '[]') WITH =,
		int8range(coalesce(location_id, 0), coalesce(location_id, 0), '[]') WITH =,
		numrange(hashtextextended(currency || coalesce(country, '--') || carrier, 0), hashtextextended(currency || coalesce(country, '--') || carrier, 0), '[]') WITH =,
		numrange(distance_from, distance_to) WITH &&,
		numrange(weight_from, weight_to) WITH &&)
);
COMMENT ON CONSTRAINT freight_rate_bands_do_not_overlap ON usom.freight_rate IS 'Distances and weights of one service level, carrier, location, country and currency stand beside each other.';
COMMENT ON TABLE usom.freight_rate IS 'What a shipment costs, by service level and carrier, distance and weight. Rows of a location come before those of none, rows of a country before those of none. Without a row: nothing.';
COMMENT ON COLUMN usom.freight_rate.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.freight_rate.freight_rate_id IS 'Key.';
COMMENT ON COLUMN usom.freight_rate.service_level_id IS 'Service level.';
COMMENT ON COLUMN usom.freight_rate.carrier IS 'Carrier; empty where there is one only.';
COMMENT ON COLUMN usom.freight_rate.location_id IS 'Location it is shipped from; null: any that has no rates of its own.';
COMMENT ON COLUMN usom.freight_rate.country IS 'ISO 3166 code of two letters of the address; null: any that has no rates of its own.';
COMMENT ON COLUMN usom.freight_rate.currency IS 'ISO 4217 code of the prices.';
COMMENT ON COLUMN usom.freight_rate.distance_from IS 'Kilometres as the crow flies from which on the row holds. An unknown distance is in the last band.';
COMMENT ON COLUMN usom.freight_rate.distance_to IS 'Kilometres below which it holds; null: any.';
COMMENT ON COLUMN usom.freight_rate.weight_from IS 'Kilograms of the shipment from which on the row holds.';
COMMENT ON COLUMN usom.freight_rate.weight_to IS 'Kilograms below which it holds; null: any.';
COMMENT ON COLUMN usom.freight_rate.shipment_price IS 'Price of the shipment, in currency.';
COMMENT ON COLUMN usom.freight_rate.weight_price IS 'Price of each kilogram, in currency, added to it.';

CREATE TABLE usom.postcode_centroid (
	org_id bigint NOT NULL DEFAULT usom.current_org(),
	country text NOT NULL CONSTRAINT postcode_centroid_country_iso CHECK (country ~ '^[A-Z]{2}$'),
	postcode text COLLATE "C" NOT NULL CONSTRAINT postcode_centroid_postcode_plain CHECK (postcode ~ '^[0-9A-Z]{0,12}$'),
	latitude double precision NOT NULL CONSTRAINT postcode_centroid_latitude_on_earth CHECK (latitude BETWEEN -90 AND 90),
	longitude double precision NOT NULL CONSTRAINT postcode_centroid_longitude_on_earth CHECK (longitude BETWEEN -180 AND 180),
	PRIMARY KEY (org_id, country, postcode)
);
COMMENT ON TABLE usom.postcode_centroid IS 'Where addresses without coordinates are taken to be: the longest beginning of their postal code that is here. COPY usom.postcode_centroid (country, postcode, latitude, longitude) FROM STDIN loads it.';
COMMENT ON COLUMN usom.postcode_centroid.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.postcode_centroid.country IS 'ISO 3166 code of two letters.';
COMMENT ON COLUMN usom.postcode_centroid.postcode IS 'Postal code or its beginning, capitals and digits without spaces and dashes; empty: the whole country.';
COMMENT ON COLUMN usom.postcode_centroid.latitude IS 'Degrees north.';
COMMENT ON COLUMN usom.postcode_centroid.longitude IS 'Degrees east.';

CREATE TABLE usom.sourcing_rule (
	org_id bigint NOT NULL DEFAULT usom.current_org(),
	sourcing_rule_id bigint NOT NULL DEFAULT usom.next_id(),
	code text NOT NULL CONSTRAINT sourcing_rule_code_given CHECK (code <> ''),
	name text,
	priority integer NOT NULL DEFAULT 100,
	active boolean NOT NULL DEFAULT true,
	channels text[] CONSTRAINT sourcing_rule_channels_not_empty CHECK (cardinality(channels) > 0 AND array_position(channels, NULL) IS NULL),
	customers text[] CONSTRAINT sourcing_rule_customers_not_empty CHECK (cardinality(customers) > 0 AND array_position(customers, NULL) IS NULL),
	countries text[] CONSTRAINT sourcing_rule_countries_iso CHECK (array_to_string(countries, ' ', '?') ~ '^[A-Z]{2}( [A-Z]{2})*$'),
	order_types text[] CONSTRAINT sourcing_rule_order_types_not_empty CHECK (cardinality(order_types) > 0 AND array_position(order_types, NULL) IS NULL),
	skus text[] CONSTRAINT sourcing_rule_skus_not_empty CHECK (cardinality(skus) > 0 AND array_position(skus, NULL) IS NULL),
	categories text[] CONSTRAINT sourcing_rule_categories_not_empty CHECK (cardinality(categories) > 0 AND array_position(categories, NULL) IS NULL),
	locations text[] CONSTRAINT sourcing_rule_locations_not_empty CHECK (cardinality(locations) > 0 AND array_position(locations, NULL) IS NULL),
	excluded_locations text[] CONSTRAINT sourcing_rule_excluded_locations_not_empty CHECK (cardinality(excluded_locations) > 0 AND array_position(excluded_locations, NULL) IS NULL),
	location_kinds text[] CONSTRAINT sourcing_rule_location_kinds_known
		CHECK (cardinality(location_kinds) > 0 AND location_kinds <@ ARRAY['warehouse', 'store', 'supplier', 'third_party']),
	most_distance numeric(9,3) CONSTRAINT sourcing_rule_distance_sane CHECK (most_distance > 0 AND most_distance < 1e6),
	location_order text NOT NULL DEFAULT 'cost' CONSTRAINT sourcing_rule_location_order_known CHECK (location_order IN ('cost', 'priority', 'distance', 'listed')),
	service_level text,
	shipment_cost usom.price_amount NOT NULL DEFAULT 0,
	distance_cost usom.price_amount NOT NULL DEFAULT 0,
	late_cost usom.price_amount,
	most_shipments usom.ordinal,
	most_parts usom.ordinal,
	smallest_part usom.positive_quantity,
	ship_complete boolean,
	when_short text NOT NULL DEFAULT 'backorder' CONSTRAINT sourcing_rule_when_short_known CHECK (when_short IN ('backorder', 'next_rule', 'exception')),
	next_rule text,
	created_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (org_id, sourcing_rule_id),
	CONSTRAINT sourcing_rule_code_unique UNIQUE (org_id, code),
	CONSTRAINT sourcing_rule_next_only_when_short CHECK (next_rule IS NULL OR when_short = 'next_rule'),
	CONSTRAINT sourcing_rule_listed_needs_list CHECK (location_order <> 'listed' OR locations IS NOT NULL)
);
COMMENT ON TABLE usom.sourcing_rule IS 'Which locations serve which lines, at what cost and within which limits. For each line the first active rule by priority, then code, whose filters it passes. Without rules: any location that ships, cheapest first, no limits, backorder what is short.';
COMMENT ON COLUMN usom.sourcing_rule.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.sourcing_rule.sourcing_rule_id IS 'Key.';
COMMENT ON COLUMN usom.sourcing_rule.code IS 'Name that explanations and other rules use.';
COMMENT ON COLUMN usom.sourcing_rule.name IS 'Name for people.';
COMMENT ON COLUMN usom.sourcing_rule.priority IS 'Lower is asked first.';
COMMENT ON COLUMN usom.sourcing_rule.active IS 'Off: passed over.';
COMMENT ON COLUMN usom.sourcing_rule.channels IS 'Codes of channels of the order; null: any.';
COMMENT ON COLUMN usom.sourcing_rule.customers IS 'Codes of customers of the order; null: any, guests too.';
COMMENT ON COLUMN usom.sourcing_rule.countries IS 'ISO 3166 codes of two letters of the address; null: any.';
COMMENT ON COLUMN usom.sourcing_rule.order_types IS 'Types of the order; null: any.';
COMMENT ON COLUMN usom.sourcing_rule.skus IS 'Products of the line; null: any.';
COMMENT ON COLUMN usom.sourcing_rule.categories IS 'Categories of the product of the line; null: any.';
COMMENT ON COLUMN usom.sourcing_rule.locations IS 'Codes of the locations that may serve, and no others; null: all.';
COMMENT ON COLUMN usom.sourcing_rule.excluded_locations IS 'Codes of locations that may not serve.';
COMMENT ON COLUMN usom.sourcing_rule.location_kinds IS 'Kinds of locations that may serve: warehouse, store, supplier, third_party; null: all.';
COMMENT ON COLUMN usom.sourcing_rule.most_distance IS 'Kilometres to the address at most; null: any.';
COMMENT ON COLUMN usom.sourcing_rule.location_order IS 'What makes a location better: cost, priority, distance, or its place in locations (listed). Cost decides between equals.';
COMMENT ON COLUMN usom.sourcing_rule.service_level IS 'Code of the service level that freight and transit are taken from; null: the cheapest.';
COMMENT ON COLUMN usom.sourcing_rule.shipment_cost IS 'Added for each shipment, in the currency of the organisation: the higher, the fewer.';
COMMENT ON COLUMN usom.sourcing_rule.distance_cost IS 'Added for each kilometre of a shipment, in the currency of the organisation.';
COMMENT ON COLUMN usom.sourcing_rule.late_cost IS 'Cost of a day that a unit comes later than requested, in the currency of the organisation; null: that of the service level.';
COMMENT ON COLUMN usom.sourcing_rule.most_shipments IS 'Shipments of an order at most; null: any number.';
COMMENT ON COLUMN usom.sourcing_rule.most_parts IS 'Locations that may share a line; null: any number.';
COMMENT ON COLUMN usom.sourcing_rule.smallest_part IS 'Units of a part that is worth its while, when a line is shared; null: any.';
COMMENT ON COLUMN usom.sourcing_rule.ship_complete IS 'True: all of the order or nothing; null: as the order says.';
COMMENT ON COLUMN usom.sourcing_rule.when_short IS 'What happens to units that the rule cannot place: backorder, next_rule, or exception (they wait, and a case of kind unsourced is open until they do no more).';
COMMENT ON COLUMN usom.sourcing_rule.next_rule IS 'Code of the rule that is tried next; null: the next one by priority that fits.';
COMMENT ON COLUMN usom.sourcing_rule.created_at IS 'When the row was made.';

-- Rows that replication brings were checked where they came from, and may come before what they name, so this trigger is not ENABLE ALWAYS.
CREATE TRIGGER usom_rule BEFORE INSERT OR UPDATE ON usom.sourcing_rule
	FOR EACH ROW EXECUTE FUNCTION usom._check_sourcing_rule();

CREATE VIEW usom.location_hours WITH (security_invoker = true) AS
SELECT l.code AS location, c.weekday, c.on_date, to_char(c.opens, 'HH24:MI') AS opens, to_char(c.closes, 'HH24:MI') AS closes,
	to_char(coalesce(c.cut_off, c.closes), 'HH24:MI') AS cut_off, c.opens IS NULL AS closed, l.time_zone
FROM usom.location_calendar c
JOIN usom.location l ON l.org_id = c.org_id AND l.location_id = c.location_id
WHERE c.org_id = usom.current_org();
COMMENT ON VIEW usom.location_hours IS 'When the locations of the caller''s organisation ship.';
COMMENT ON COLUMN usom.location_hours.location IS 'Code of the location.';
COMMENT ON COLUMN usom.location_hours.weekday IS '1 Monday to 7 Sunday, every week; null: an exception.';
COMMENT ON COLUMN usom.location_hours.on_date IS 'Date of the exception.';
COMMENT ON COLUMN usom.location_hours.opens IS 'Local time from which on orders leave.';
COMMENT ON COLUMN usom.location_hours.closes IS 'Local time at which the last one leaves.';
COMMENT ON COLUMN usom.location_hours.cut_off IS 'Local time by which an order must be there.';
COMMENT ON COLUMN usom.location_hours.closed IS 'True: closed all day.';
COMMENT ON COLUMN usom.location_hours.time_zone IS 'Clock of the location.';

CREATE VIEW usom.freight_rates WITH (security_invoker = true) AS
SELECT s.code AS service_level, nullif(f.carrier, '') AS carrier, l.code AS location, f.country, f.currency::text AS currency,
	trim_scale(f.distance_from) AS distance_from, trim_scale(f.distance_to) AS distance_to,
	trim_scale(f.weight_from) AS weight_from, trim_scale(f.weight_to) AS weight_to,
	trim_scale(f.shipment_price) AS shipment_price, trim_scale(f.weight_price) AS weight_price
FROM usom.freight_rate f
JOIN usom.service_level s ON s.org_id = f.org_id AND s.service_level_id = f.service_level_id
LEFT JOIN usom.location l ON l.org_id = f.org_id AND l.location_id = f.location_id
WHERE f.org_id = usom.current_org();
COMMENT ON VIEW usom.freight_rates IS 'What shipments of the caller''s organisation cost.';
COMMENT ON COLUMN usom.freight_rates.service_level IS 'Code of the service level.';
COMMENT ON COLUMN usom.freight_rates.carrier IS 'Carrier; null where there is one only.';
COMMENT ON COLUMN usom.freight_rates.location IS 'Location it is shipped from; null: any.';
COMMENT ON COLUMN usom.freight_rates.country IS 'Country of the address; null: any.';
COMMENT ON COLUMN usom.freight_rates.currency IS 'ISO 4217 code of the prices.';
COMMENT ON COLUMN usom.freight_rates.distance_from IS 'Kilometres from which on the row holds.';
COMMENT ON COLUMN usom.freight_rates.distance_to IS 'Kilometres below which it holds; null: any.';
COMMENT ON COLUMN usom.freight_rates.weight_from IS 'Kilograms from which on the row holds.';
COMMENT ON COLUMN usom.freight_rates.weight_to IS 'Kilograms below which it holds; null: any.';
COMMENT ON COLUMN usom.freight_rates.shipment_price IS 'Price of the shipment, in currency.';
COMMENT ON COLUMN usom.freight_rates.weight_price IS 'Price of each kilogram, in currency.';

CREATE VIEW usom.sourcing_rules WITH (security_invoker = true) AS
SELECT r.code AS rule, r.name, r.priority, r.active, r.channels, r.customers, r.countries, r.order_types, r.skus, r.categories,
	r.locations, r.excluded_locations, r.location_kinds, trim_scale(r.most_distance) AS most_distance, r.location_order, r.service_level,
	trim_scale(r.shipment_cost) AS shipment_cost, trim_scale(r.distance_cost) AS distance_cost, trim_scale(r.late_cost) AS late_cost,
	r.most_shipments::integer AS most_shipments, r.most_parts::integer AS most_parts, trim_scale(r.smallest_part) AS smallest_part,
	r.ship_complete, r.when_short, r.next_rule
FROM usom.sourcing_rule r
WHERE r.org_id = usom.current_org();
COMMENT ON VIEW usom.sourcing_rules IS 'The sourcing rules of the caller''s organisation; ORDER BY priority, rule shows them as they are asked.';
COMMENT ON COLUMN usom.sourcing_rules.rule IS 'Code of the rule.';
COMMENT ON COLUMN usom.sourcing_rules.name IS 'Name for people.';
COMMENT ON COLUMN usom.sourcing_rules.priority IS 'Lower is asked first.';
COMMENT ON COLUMN usom.sourcing_rules.active IS 'False: passed over.';
COMMENT ON COLUMN usom.sourcing_rules.channels IS 'Channels of the order; null: any.';
COMMENT ON COLUMN usom.sourcing_rules.customers IS 'Customers of the order; null: any.';
COMMENT ON COLUMN usom.sourcing_rules.countries IS 'Countries of the address; null: any.';
COMMENT ON COLUMN usom.sourcing_rules.order_types IS 'Types of the order; null: any.';
COMMENT ON COLUMN usom.sourcing_rules.skus IS 'Products of the line; null: any.';
COMMENT ON COLUMN usom.sourcing_rules.categories IS 'Categories of the product; null: any.';
COMMENT ON COLUMN usom.sourcing_rules.locations IS 'Locations that may serve; null: all.';
COMMENT ON COLUMN usom.sourcing_rules.excluded_locations IS 'Locations that may not.';
COMMENT ON COLUMN usom.sourcing_rules.location_kinds IS 'Kinds of locations that may serve; null: all.';
COMMENT ON COLUMN usom.sourcing_rules.most_distance IS 'Kilometres at most; null: any.';
COMMENT ON COLUMN usom.sourcing_rules.location_order IS 'What makes a location better: cost, priority, distance or listed.';
COMMENT ON COLUMN usom.sourcing_rules.service_level IS 'Service level; null: the cheapest.';
COMMENT ON COLUMN usom.sourcing_rules.shipment_cost IS 'Added for each shipment.';
COMMENT ON COLUMN usom.sourcing_rules.distance_cost IS 'Added for each kilometre of a shipment.';
COMMENT ON COLUMN usom.sourcing_rules.late_cost IS 'Of a day that a unit comes late; null: that of the service level.';
COMMENT ON COLUMN usom.sourcing_rules.most_shipments IS 'Shipments of an order at most; null: any number.';
COMMENT ON COLUMN usom.sourcing_rules.most_parts IS 'Locations that may share a line; null: any number.';
COMMENT ON COLUMN usom.sourcing_rules.smallest_part IS 'Units of a part at least; null: any.';
COMMENT ON COLUMN usom.sourcing_rules.ship_complete IS 'True: all of the order or nothing; null: as the order says.';
COMMENT ON COLUMN usom.sourcing_rules.when_short IS 'backorder, next_rule or exception.';
COMMENT ON COLUMN usom.sourcing_rules.next_rule IS 'Rule that is tried next; null: by priority.';

-- What backends remember of these tables (configured.c, master.c and stock/site.c) is forgotten.
CREATE TRIGGER _memo_changed AFTER INSERT OR UPDATE OR DELETE ON usom.location
	FOR EACH ROW EXECUTE FUNCTION usom._memo_changed();
ALTER TABLE usom.location ENABLE ALWAYS TRIGGER _memo_changed;
CREATE TRIGGER _memo_changed AFTER INSERT OR UPDATE OR DELETE ON usom.location_calendar
	FOR EACH ROW EXECUTE FUNCTION usom._memo_changed();
ALTER TABLE usom.location_calendar ENABLE ALWAYS TRIGGER _memo_changed;
CREATE TRIGGER _memo_changed AFTER INSERT OR UPDATE OR DELETE ON usom.location_capacity
	FOR EACH ROW EXECUTE FUNCTION usom._memo_changed();
ALTER TABLE usom.location_capacity ENABLE ALWAYS TRIGGER _memo_changed;
CREATE TRIGGER _memo_changed AFTER INSERT OR UPDATE OR DELETE ON usom.service_level
	FOR EACH ROW EXECUTE FUNCTION usom._memo_changed();
ALTER TABLE usom.service_level ENABLE ALWAYS TRIGGER _memo_changed;
CREATE TRIGGER _memo_changed AFTER INSERT OR UPDATE OR DELETE ON usom.transit_time
	FOR EACH ROW EXECUTE FUNCTION usom._memo_changed();
ALTER TABLE usom.transit_time ENABLE ALWAYS TRIGGER _memo_changed;
CREATE TRIGGER _memo_changed AFTER INSERT OR UPDATE OR DELETE ON usom.freight_rate
	FOR EACH ROW EXECUTE FUNCTION usom._memo_changed();
ALTER TABLE usom.freight_rate ENABLE ALWAYS TRIGGER _memo_changed;
CREATE TRIGGER _memo_changed AFTER INSERT OR UPDATE OR DELETE ON usom.sourcing_rule
	FOR EACH ROW EXECUTE FUNCTION usom._memo_changed();
ALTER TABLE usom.sourcing_rule ENABLE ALWAYS TRIGGER _memo_changed;

SELECT usom._guard_cards('service_level');
SELECT usom._guard_cards('transit_time');
SELECT usom._guard_cards('freight_rate');
SELECT usom._guard_cards('postcode_centroid');
SELECT usom._guard_cards('sourcing_rule');
SELECT usom._guard_master('service_level', 'code');
SELECT usom._guard_master('sourcing_rule', 'code');

SELECT usom._audit_table('location_calendar');
SELECT usom._audit_table('service_level');
SELECT usom._audit_table('transit_time');
SELECT usom._audit_table('freight_rate');
SELECT usom._audit_table('postcode_centroid');
SELECT usom._audit_table('sourcing_rule');
$usom_step$),

(1, 901, 'payment', $usom_step$
CREATE TABLE usom.payment_method (
	org_id bigint NOT NULL DEFAULT usom.current_org(),
	payment_method_id bigint NOT NULL DEFAULT usom.next_id(),
	code text NOT NULL CONSTRAINT payment_method_code_given CHECK (code <> ''),
	name text,
	terms text NOT NULL DEFAULT 'prepaid' CONSTRAINT payment_method_terms_known CHECK (terms IN ('prepaid', 'on_account', 'cod')),
	cover text NOT NULL DEFAULT 'none' CONSTRAINT payment_method_cover_known CHECK (cover IN ('none', 'release', 'ship')),
	days_due integer NOT NULL DEFAULT 30 CONSTRAINT payment_method_days_not_negative CHECK (days_due BETWEEN 0 AND 3650),
	valid_for interval CONSTRAINT payment_method_valid_for_some_time CHECK (valid_for > interval '0'),
	late_capture text NOT NULL DEFAULT 'accept' CONSTRAINT payment_method_late_capture_known CHECK (late_capture IN ('accept', 'refuse')),
	active boolean NOT NULL DEFAULT true,
	created_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (org_id, payment_method_id),
	CONSTRAINT payment_method_code_unique UNIQUE (org_id, code)
);
COMMENT ON TABLE usom.payment_method IS 'How customers pay, and on which terms. A method that has no row is prepaid and demands nothing.';
COMMENT ON COLUMN usom.payment_method.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.payment_method.payment_method_id IS 'Key.';
COMMENT ON COLUMN usom.payment_method.code IS 'What payment.method of the order document names.';
COMMENT ON COLUMN usom.payment_method.name IS 'Name for people.';
COMMENT ON COLUMN usom.payment_method.terms IS 'prepaid: what is authorised is captured shipment by shipment. on_account: each shipment is to be paid days_due after it left. cod: each shipment is paid when it is delivered.';
COMMENT ON COLUMN usom.payment_method.cover IS 'What the order costs must be authorised or paid before it is released (release) or shipped (ship); none: never asked for.';
COMMENT ON COLUMN usom.payment_method.days_due IS 'Of on_account: days from shipment to payment.';
COMMENT ON COLUMN usom.payment_method.valid_for IS 'How long an authorisation holds that says nothing itself; null: without end.';
COMMENT ON COLUMN usom.payment_method.late_capture IS 'A capture that comes after the authorisation has expired: accept (it is recorded, and a case) or refuse (US503).';
COMMENT ON COLUMN usom.payment_method.active IS 'Off: nothing new is paid so.';
COMMENT ON COLUMN usom.payment_method.created_at IS 'When the row was made.';

CREATE TABLE usom.payment (
	org_id bigint NOT NULL,
	payment_id bigint NOT NULL DEFAULT usom.next_id(),
	sales_order_id bigint NOT NULL,
	payment_no integer NOT NULL,
	method text NOT NULL CONSTRAINT payment_method_given CHECK (method <> ''),
	reference text CONSTRAINT payment_reference_given CHECK (reference <> ''),
	currency usom.currency_code NOT NULL,
	authorized usom.charge NOT NULL DEFAULT 0,
	voided usom.charge NOT NULL DEFAULT 0,
	captured usom.charge NOT NULL DEFAULT 0,
	capture_wanted usom.charge NOT NULL DEFAULT 0,
	refunded usom.charge NOT NULL DEFAULT 0,
	refund_wanted usom.charge NOT NULL DEFAULT 0,
	charged_back usom.charge NOT NULL DEFAULT 0,
	expires_at timestamptz,
	created_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (org_id, payment_id),
	CONSTRAINT payment_numbered_with_order UNIQUE (org_id, sales_order_id, payment_no),
	CONSTRAINT payment_of_order FOREIGN KEY (org_id, sales_order_id) REFERENCES usom.sales_order ON DELETE RESTRICT ON UPDATE RESTRICT,
	CONSTRAINT payment_captured_within_authorized CHECK (captured + voided <= authorized),
	CONSTRAINT payment_refunded_within_captured CHECK (refunded + refund_wanted + charged_back <= captured)
) WITH (fillfactor = 60);
CREATE UNIQUE INDEX payment_reference_unique ON usom.payment (org_id, reference) WHERE reference IS NOT NULL;
COMMENT ON TABLE usom.payment IS 'What an order is paid with: one row for an instrument, with what was authorised and became of it. Kept from payment_transaction and payment_request, under the lock of the order.';
COMMENT ON COLUMN usom.payment.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.payment.payment_id IS 'Key.';
COMMENT ON COLUMN usom.payment.sales_order_id IS 'Order.';
COMMENT ON COLUMN usom.payment.payment_no IS 'Number with the order, from 1: shipments are captured from the lowest first, refunds go to the highest first.';
COMMENT ON COLUMN usom.payment.method IS 'Code of the method, see payment_method.';
COMMENT ON COLUMN usom.payment.reference IS 'Reference that the payment provider gave; null: none.';
COMMENT ON COLUMN usom.payment.currency IS 'ISO 4217 code of the amounts: that of the order.';
COMMENT ON COLUMN usom.payment.authorized IS 'Authorised, all in all.';
COMMENT ON COLUMN usom.payment.voided IS 'Of that, given up.';
COMMENT ON COLUMN usom.payment.captured IS 'Of that, taken.';
COMMENT ON COLUMN usom.payment.capture_wanted IS 'Asked of the provider to be captured and not answered yet.';
COMMENT ON COLUMN usom.payment.refunded IS 'Of what was captured, given back.';
COMMENT ON COLUMN usom.payment.refund_wanted IS 'Asked of the provider to be refunded and not answered yet.';
COMMENT ON COLUMN usom.payment.charged_back IS 'Of what was captured, taken back by the buyer''s bank.';
COMMENT ON COLUMN usom.payment.expires_at IS 'From then on what is authorised and not captured covers nothing; null: without end.';
COMMENT ON COLUMN usom.payment.created_at IS 'When the row was made.';

CREATE TABLE usom.payment_line (
	org_id bigint NOT NULL,
	sales_order_id bigint NOT NULL,
	line_no integer NOT NULL,
	captured usom.charge NOT NULL DEFAULT 0,
	captured_tax usom.charge NOT NULL DEFAULT 0,
	capture_wanted usom.charge NOT NULL DEFAULT 0,
	refunded usom.charge NOT NULL DEFAULT 0,
	refunded_tax usom.charge NOT NULL DEFAULT 0,
	refund_wanted usom.charge NOT NULL DEFAULT 0,
	refund_wanted_tax usom.charge NOT NULL DEFAULT 0,
	for_units usom.charge NOT NULL DEFAULT 0,
	for_freight usom.charge NOT NULL DEFAULT 0,
	PRIMARY KEY (org_id, sales_order_id, line_no),
	CONSTRAINT payment_line_refunded_within_captured CHECK (refunded + refund_wanted <= captured),
	CONSTRAINT payment_line_tax_within_captured CHECK (refunded_tax + refund_wanted_tax <= captured_tax)
) WITH (fillfactor = 60);
COMMENT ON TABLE usom.payment_line IS 'What was captured for a line of an order and went back, whatever it was paid with. Kept from payment_transaction and payment_request, under the lock of the order.';
COMMENT ON COLUMN usom.payment_line.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.payment_line.sales_order_id IS 'Order.';
COMMENT ON COLUMN usom.payment_line.line_no IS 'Line; 0: what was captured beyond the lines.';
COMMENT ON COLUMN usom.payment_line.captured IS 'Captured for the line.';
COMMENT ON COLUMN usom.payment_line.captured_tax IS 'Of that, tax.';
COMMENT ON COLUMN usom.payment_line.capture_wanted IS 'Asked of providers to be captured and not answered yet.';
COMMENT ON COLUMN usom.payment_line.refunded IS 'Given back or charged back.';
COMMENT ON COLUMN usom.payment_line.refunded_tax IS 'Of that, tax.';
COMMENT ON COLUMN usom.payment_line.refund_wanted IS 'Asked of providers to be refunded and not answered yet.';
COMMENT ON COLUMN usom.payment_line.refund_wanted_tax IS 'Of that, tax.';
COMMENT ON COLUMN usom.payment_line.for_units IS 'Of what was refunded or is asked for, the amount for units that came back or were cancelled.';
COMMENT ON COLUMN usom.payment_line.for_freight IS 'The amount for freight.';

CREATE TABLE usom.payment_request (
	org_id bigint NOT NULL,
	sales_order_id bigint NOT NULL,
	request_no integer NOT NULL,
	payment_id bigint NOT NULL,
	kind text NOT NULL CONSTRAINT payment_request_kind_known CHECK (kind IN ('capture', 'void', 'refund', 'invoice')),
	amount usom.charge NOT NULL CONSTRAINT payment_request_of_something CHECK (amount > 0),
	reference text,
	lines jsonb,
	reason text,
	due_at timestamptz,
	status text NOT NULL DEFAULT 'wanted' CONSTRAINT payment_request_status_known CHECK (status IN ('wanted', 'done', 'failed', 'withdrawn')),
	wanted_at timestamptz NOT NULL DEFAULT now(),
	answered_at timestamptz,
	PRIMARY KEY (org_id, sales_order_id, request_no),
	CONSTRAINT payment_request_of_payment FOREIGN KEY (org_id, payment_id) REFERENCES usom.payment ON DELETE RESTRICT ON UPDATE RESTRICT,
	CONSTRAINT payment_request_answered_iff_dated CHECK ((status = 'wanted') = (answered_at IS NULL)),
	CONSTRAINT payment_request_due_iff_invoice CHECK ((kind = 'invoice') = (due_at IS NOT NULL))
);
COMMENT ON TABLE usom.payment_request IS 'What the payment provider is asked to do: each left as an event, and is answered by record_payment().';
COMMENT ON COLUMN usom.payment_request.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.payment_request.sales_order_id IS 'Order.';
COMMENT ON COLUMN usom.payment_request.request_no IS 'Number with the order, from 1; with the number of the order it is the name of the request: SO-000001/1.';
COMMENT ON COLUMN usom.payment_request.payment_id IS 'Payment.';
COMMENT ON COLUMN usom.payment_request.kind IS 'capture, void, refund, or invoice: a shipment on account, to be paid by due_at.';
COMMENT ON COLUMN usom.payment_request.amount IS 'Amount, in the currency of the order.';
COMMENT ON COLUMN usom.payment_request.reference IS 'Shipment or return that it is for; null: none.';
COMMENT ON COLUMN usom.payment_request.lines IS 'Shares of the lines: line_no, amount, tax, and of refunds units, freight (amounts of it that are for these).';
COMMENT ON COLUMN usom.payment_request.reason IS 'Why, as the caller said.';
COMMENT ON COLUMN usom.payment_request.due_at IS 'Of an invoice: when it is to be paid.';
COMMENT ON COLUMN usom.payment_request.status IS 'wanted, done, failed or withdrawn.';
COMMENT ON COLUMN usom.payment_request.wanted_at IS 'Time of the transaction that asked.';
COMMENT ON COLUMN usom.payment_request.answered_at IS 'When it was answered or withdrawn; null: not yet.';

CREATE TABLE usom.payment_transaction (
	org_id bigint NOT NULL,
	sales_order_id bigint NOT NULL,
	transaction_no integer NOT NULL,
	payment_id bigint NOT NULL,
	kind text NOT NULL CONSTRAINT payment_transaction_kind_known CHECK (kind IN ('authorize', 'capture', 'sale', 'void', 'refund', 'chargeback')),
	amount usom.charge NOT NULL CONSTRAINT payment_transaction_of_something CHECK (amount > 0),
	reference text NOT NULL CONSTRAINT payment_transaction_reference_given CHECK (reference <> ''),
	outcome text NOT NULL DEFAULT 'ok' CONSTRAINT payment_transaction_outcome_known CHECK (outcome IN ('ok', 'failed')),
	lines jsonb,
	tax usom.charge NOT NULL DEFAULT 0,
	request_no integer,
	expires_at timestamptz,
	occurred_at timestamptz NOT NULL,
	recorded_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (org_id, sales_order_id, transaction_no),
	CONSTRAINT payment_transaction_reference_unique UNIQUE (org_id, kind, reference, outcome),
	CONSTRAINT payment_transaction_of_payment FOREIGN KEY (org_id, payment_id) REFERENCES usom.payment ON DELETE RESTRICT ON UPDATE RESTRICT
);
COMMENT ON TABLE usom.payment_transaction IS 'Ledger of what the payment provider did: the truth that payment and payment_line sum up. Append-only.';
COMMENT ON COLUMN usom.payment_transaction.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.payment_transaction.sales_order_id IS 'Order.';
COMMENT ON COLUMN usom.payment_transaction.transaction_no IS 'Number with the order, from 1.';
COMMENT ON COLUMN usom.payment_transaction.payment_id IS 'Payment.';
COMMENT ON COLUMN usom.payment_transaction.kind IS 'authorize, capture, sale (both at once), void, refund or chargeback.';
COMMENT ON COLUMN usom.payment_transaction.amount IS 'Amount, in the currency of the order.';
COMMENT ON COLUMN usom.payment_transaction.reference IS 'Reference that the provider gave; of a kind and outcome it comes once.';
COMMENT ON COLUMN usom.payment_transaction.outcome IS 'ok or failed; what failed moves no money.';
COMMENT ON COLUMN usom.payment_transaction.lines IS 'Shares of the lines, as in payment_request; null: it moved no money.';
COMMENT ON COLUMN usom.payment_transaction.tax IS 'Tax in the amount: the sum of the shares.';
COMMENT ON COLUMN usom.payment_transaction.request_no IS 'Request that it answers; null: none.';
COMMENT ON COLUMN usom.payment_transaction.expires_at IS 'Of an authorisation: how long it holds; null: without end.';
COMMENT ON COLUMN usom.payment_transaction.occurred_at IS 'When it happened, as the provider said.';
COMMENT ON COLUMN usom.payment_transaction.recorded_at IS 'Time of the transaction that recorded it.';

CREATE TRIGGER usom_furnish_payment_methods AFTER INSERT ON usom.organisation
	FOR EACH ROW EXECUTE FUNCTION usom.furnish_payment_methods();

CREATE TRIGGER _memo_changed AFTER INSERT OR UPDATE OR DELETE ON usom.payment_method
	FOR EACH ROW EXECUTE FUNCTION usom._memo_changed();
ALTER TABLE usom.payment_method ENABLE ALWAYS TRIGGER _memo_changed;

CREATE VIEW usom.payments WITH (security_invoker = true) AS
SELECT o.order_no, p.payment_no, p.method, p.reference, p.currency::text AS currency,
	usom._payment_status(p.authorized, p.voided, p.captured, p.refunded, p.charged_back, p.expires_at <= statement_timestamp()) AS status,
	trim_scale(p.authorized) AS authorized, trim_scale(p.captured) AS captured, trim_scale(p.voided) AS voided,
	trim_scale(p.refunded) AS refunded, trim_scale(p.charged_back) AS charged_back,
	trim_scale(p.capture_wanted) AS capture_wanted, trim_scale(p.refund_wanted) AS refund_wanted,
	trim_scale(CASE WHEN p.expires_at <= statement_timestamp() THEN 0 ELSE p.authorized - p.voided - p.captured END) AS capturable,
	trim_scale(p.captured - p.refunded - p.refund_wanted - p.charged_back) AS refundable,
	p.expires_at, p.created_at
FROM usom.payment p
JOIN usom.sales_order o ON o.org_id = p.org_id AND o.sales_order_id = p.sales_order_id
WHERE p.org_id = usom.current_org();
COMMENT ON VIEW usom.payments IS 'What the orders of the caller''s organisation are paid with. Ask by order_no.';
COMMENT ON COLUMN usom.payments.order_no IS 'Number of the order.';
COMMENT ON COLUMN usom.payments.payment_no IS 'Number with the order.';
COMMENT ON COLUMN usom.payments.method IS 'Code of the method.';
COMMENT ON COLUMN usom.payments.reference IS 'Reference that the payment provider gave; null: none.';
COMMENT ON COLUMN usom.payments.currency IS 'ISO 4217 code of the amounts.';
COMMENT ON COLUMN usom.payments.status IS 'pending (nothing authorised), authorized, expired, voided, partially_captured, captured, partially_refunded, refunded or charged_back.';
COMMENT ON COLUMN usom.payments.authorized IS 'Authorised, all in all.';
COMMENT ON COLUMN usom.payments.captured IS 'Taken.';
COMMENT ON COLUMN usom.payments.voided IS 'Authorised and given up.';
COMMENT ON COLUMN usom.payments.refunded IS 'Given back.';
COMMENT ON COLUMN usom.payments.charged_back IS 'Taken back by the buyer''s bank.';
COMMENT ON COLUMN usom.payments.capture_wanted IS 'Asked of the provider to be captured and not answered yet.';
COMMENT ON COLUMN usom.payments.refund_wanted IS 'Asked of the provider to be refunded and not answered yet.';
COMMENT ON COLUMN usom.payments.capturable IS 'Can be captured still; 0 once the authorisation has expired.';
COMMENT ON COLUMN usom.payments.refundable IS 'Can be refunded still.';
COMMENT ON COLUMN usom.payments.expires_at IS 'From then on what is authorised covers nothing; null: without end.';
COMMENT ON COLUMN usom.payments.created_at IS 'When the row was made.';

CREATE VIEW usom.payment_transactions WITH (security_invoker = true) AS
SELECT o.order_no, t.transaction_no, p.payment_no, p.method, t.kind, trim_scale(t.amount) AS amount, p.currency::text AS currency,
	t.reference, t.outcome, trim_scale(t.tax) AS tax, t.lines,
	o.order_no || '/' || t.request_no AS request, t.expires_at, t.occurred_at, t.recorded_at
FROM usom.payment_transaction t
JOIN usom.payment p ON p.org_id = t.org_id AND p.payment_id = t.payment_id
JOIN usom.sales_order o ON o.org_id = t.org_id AND o.sales_order_id = t.sales_order_id
WHERE t.org_id = usom.current_org();
COMMENT ON VIEW usom.payment_transactions IS 'What the payment provider did for the orders of the caller''s organisation. Ask by order_no.';
COMMENT ON COLUMN usom.payment_transactions.order_no IS 'Number of the order.';
COMMENT ON COLUMN usom.payment_transactions.transaction_no IS 'Number with the order, in the order they were recorded.';
COMMENT ON COLUMN usom.payment_transactions.payment_no IS 'Payment of the order.';
COMMENT ON COLUMN usom.payment_transactions.method IS 'Code of its method.';
COMMENT ON COLUMN usom.payment_transactions.kind IS 'authorize, capture, sale (both at once), void, refund or chargeback.';
COMMENT ON COLUMN usom.payment_transactions.amount IS 'Amount.';
COMMENT ON COLUMN usom.payment_transactions.currency IS 'ISO 4217 code of the amounts.';
COMMENT ON COLUMN usom.payment_transactions.reference IS 'Reference that the provider gave.';
COMMENT ON COLUMN usom.payment_transactions.outcome IS 'ok or failed.';
COMMENT ON COLUMN usom.payment_transactions.tax IS 'Tax in the amount.';
COMMENT ON COLUMN usom.payment_transactions.lines IS 'Shares of the lines: line_no (0: of no line), amount, tax, units, freight.';
COMMENT ON COLUMN usom.payment_transactions.request IS 'Request that it answers, as the event named it; null: none.';
COMMENT ON COLUMN usom.payment_transactions.expires_at IS 'Of an authorisation: how long it holds.';
COMMENT ON COLUMN usom.payment_transactions.occurred_at IS 'When it happened, as the provider said.';
COMMENT ON COLUMN usom.payment_transactions.recorded_at IS 'When it was recorded.';

CREATE VIEW usom.payment_requests WITH (security_invoker = true) AS
SELECT o.order_no, o.order_no || '/' || r.request_no AS request, p.payment_no, p.method, p.reference AS payment_reference, r.kind, r.status,
	trim_scale(r.amount) AS amount, p.currency::text AS currency, r.reference, r.lines, r.reason, r.due_at, r.wanted_at, r.answered_at
FROM usom.payment_request r
JOIN usom.payment p ON p.org_id = r.org_id AND p.payment_id = r.payment_id
JOIN usom.sales_order o ON o.org_id = r.org_id AND o.sales_order_id = r.sales_order_id
WHERE r.org_id = usom.current_org();
COMMENT ON VIEW usom.payment_requests IS 'What payment providers were asked to do for the orders of the caller''s organisation, and what is still to be answered. Ask by order_no.';
COMMENT ON COLUMN usom.payment_requests.order_no IS 'Number of the order.';
COMMENT ON COLUMN usom.payment_requests.request IS 'Name of the request: to be given to the provider so that it is done once, and to record_payment().';
COMMENT ON COLUMN usom.payment_requests.payment_no IS 'Payment of the order.';
COMMENT ON COLUMN usom.payment_requests.method IS 'Code of its method.';
COMMENT ON COLUMN usom.payment_requests.payment_reference IS 'Its reference.';
COMMENT ON COLUMN usom.payment_requests.kind IS 'capture, void, refund or invoice.';
COMMENT ON COLUMN usom.payment_requests.status IS 'wanted, done, failed or withdrawn.';
COMMENT ON COLUMN usom.payment_requests.amount IS 'Amount.';
COMMENT ON COLUMN usom.payment_requests.currency IS 'ISO 4217 code of the amount.';
COMMENT ON COLUMN usom.payment_requests.reference IS 'Shipment or return that it is for.';
COMMENT ON COLUMN usom.payment_requests.lines IS 'Shares of the lines: line_no (0: of no line), amount, tax, units, freight.';
COMMENT ON COLUMN usom.payment_requests.reason IS 'Why, as the caller said.';
COMMENT ON COLUMN usom.payment_requests.due_at IS 'Of an invoice: when it is to be paid.';
COMMENT ON COLUMN usom.payment_requests.wanted_at IS 'When it was asked for.';
COMMENT ON COLUMN usom.payment_requests.answered_at IS 'When it was answered or withdrawn.';

SELECT usom._guard_cards('payment_method');
SELECT usom._guard_cards('payment');
SELECT usom._guard_cards('payment_request');
SELECT usom._guard_cards('payment_transaction');
SELECT usom._guard_master('payment_method', 'code');
SELECT usom._guard_kept('payment', 'usom.record_payment()');
SELECT usom._guard_kept('payment_line', 'usom.record_payment()');
SELECT usom._guard_kept('payment_request', 'usom.refund_order() or usom.record_payment()');
SELECT usom._guard_ledger('payment_transaction', 'usom.record_payment()');
SELECT usom._audit_table('payment_method');
SELECT usom._audit_table('payment');
SELECT usom._audit_table('payment_line');
SELECT usom._audit_table('payment_request');
SELECT usom._audit_table('payment_transaction');

INSERT INTO usom.payment_method (org_id, code, terms, name)
SELECT o.org_id, t.* FROM usom.organisation o CROSS JOIN usom._standard_payment_methods() t;

CREATE TABLE usom.credit_account (
	org_id bigint NOT NULL DEFAULT usom.current_org(),
	credit_account_id bigint NOT NULL DEFAULT usom.next_id(),
	customer_id bigint NOT NULL,
	currency usom.currency_code NOT NULL DEFAULT usom.default_currency(),
	limit_amount usom.amount NOT NULL DEFAULT 0 CONSTRAINT credit_account_limit_not_negative CHECK (limit_amount >= 0),
	exposure usom.amount NOT NULL DEFAULT 0 CONSTRAINT credit_account_exposure_not_negative CHECK (exposure >= 0),
	check_at text NOT NULL DEFAULT 'confirm' CONSTRAINT credit_account_check_at_known CHECK (check_at IN ('none', 'confirm', 'release', 'ship')),
	on_increase text NOT NULL DEFAULT 'hold' CONSTRAINT credit_account_on_increase_known CHECK (on_increase IN ('hold', 'refuse')),
	active boolean NOT NULL DEFAULT true,
	created_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (org_id, credit_account_id),
	CONSTRAINT credit_account_once_per_currency UNIQUE (org_id, customer_id, currency),
	CONSTRAINT credit_account_of_customer FOREIGN KEY (org_id, customer_id) REFERENCES usom.customer ON DELETE RESTRICT ON UPDATE RESTRICT
) WITH (fillfactor = 50);
COMMENT ON TABLE usom.credit_account IS 'How much a customer may owe in a currency. Written by plain SQL but for the exposure, which usom keeps. Orders that name no payment method, or one on account, are counted in the account of their currency; one in a currency without account is held. The row is a lock, taken after orders and before stock, by key.';
COMMENT ON COLUMN usom.credit_account.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.credit_account.credit_account_id IS 'Key.';
COMMENT ON COLUMN usom.credit_account.customer_id IS 'Customer: usom.customer_id(''code'').';
COMMENT ON COLUMN usom.credit_account.currency IS 'ISO 4217 code; only orders in it are counted here.';
COMMENT ON COLUMN usom.credit_account.limit_amount IS 'What all orders may owe together. Raised, it lets held orders go on; lowered, it takes nothing back.';
COMMENT ON COLUMN usom.credit_account.exposure IS 'What they owe: the sum of what orders take, see credit_use. Kept by usom.';
COMMENT ON COLUMN usom.credit_account.check_at IS 'When an order takes its part and is held if it does not fit: confirm, release (before it is handed to the locations) or ship; none: counted from its confirmation on, and never held.';
COMMENT ON COLUMN usom.credit_account.on_increase IS 'An order that has passed becomes more than the limit allows: hold (it is neither released nor shipped until it fits) or refuse (US510).';
COMMENT ON COLUMN usom.credit_account.active IS 'Off: as if check_at were none.';
COMMENT ON COLUMN usom.credit_account.created_at IS 'When the row was made.';

CREATE TABLE usom.credit_use (
	org_id bigint NOT NULL,
	sales_order_id bigint NOT NULL,
	credit_account_id bigint NOT NULL,
	amount usom.amount NOT NULL DEFAULT 0 CONSTRAINT credit_use_not_negative CHECK (amount >= 0),
	wanted usom.amount NOT NULL DEFAULT 0,
	held_at timestamptz,
	beyond usom.amount NOT NULL DEFAULT 0,
	PRIMARY KEY (org_id, sales_order_id),
	CONSTRAINT credit_use_at_most_wanted CHECK (amount <= wanted),
	CONSTRAINT credit_use_short_if_held CHECK (held_at IS NULL OR amount < wanted)
) WITH (fillfactor = 60);
CREATE INDEX credit_use_of_account ON usom.credit_use (org_id, credit_account_id);
CREATE INDEX credit_use_held ON usom.credit_use (org_id, credit_account_id, held_at) WHERE held_at IS NOT NULL;
COMMENT ON TABLE usom.credit_use IS 'What an order takes of a credit account: the truth that the exposure sums up. Written under the locks of the order and of the account.';
COMMENT ON COLUMN usom.credit_use.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.credit_use.sales_order_id IS 'Order.';
COMMENT ON COLUMN usom.credit_use.credit_account_id IS 'Account.';
COMMENT ON COLUMN usom.credit_use.amount IS 'What it takes.';
COMMENT ON COLUMN usom.credit_use.wanted IS 'What it owes: units neither cancelled nor returned, less what was paid and not given back.';
COMMENT ON COLUMN usom.credit_use.held_at IS 'Since when it waits for credit; null: it does not.';
COMMENT ON COLUMN usom.credit_use.beyond IS 'Of what it takes, what was beyond the limit when a manager let it pass.';

CREATE TRIGGER usom_guard_exposure BEFORE INSERT OR UPDATE ON usom.credit_account
	FOR EACH ROW EXECUTE FUNCTION usom._guard_credit_account();
CREATE TRIGGER _memo_changed AFTER INSERT ON usom.credit_account
	FOR EACH ROW EXECUTE FUNCTION usom._memo_changed();
-- Named to fire after the triggers of the audit, which tell of the statement before what follows from it.
CREATE TRIGGER count_insert AFTER INSERT ON usom.credit_account REFERENCING NEW TABLE AS newer
	FOR EACH STATEMENT EXECUTE FUNCTION usom._credit_account_written();
CREATE TRIGGER count_update AFTER UPDATE ON usom.credit_account REFERENCING NEW TABLE AS newer
	FOR EACH STATEMENT EXECUTE FUNCTION usom._credit_account_written();
ALTER TABLE usom.credit_account ENABLE ALWAYS TRIGGER usom_guard_exposure, ENABLE ALWAYS TRIGGER _memo_changed,
	ENABLE ALWAYS TRIGGER count_insert, ENABLE ALWAYS TRIGGER count_update;

CREATE VIEW usom.credit WITH (security_invoker = true) AS
SELECT u.code AS customer, a.currency::text AS currency, trim_scale(a.limit_amount) AS limit_amount, trim_scale(a.exposure) AS exposure,
	trim_scale(greatest(a.limit_amount - a.exposure, 0)) AS free, a.check_at, a.on_increase, a.active,
	w.orders_held, trim_scale(w.amount_held) AS amount_held
FROM usom.credit_account a
JOIN usom.customer u ON u.org_id = a.org_id AND u.customer_id = a.customer_id
CROSS JOIN LATERAL (
	SELECT count(*) AS orders_held, coalesce(sum(c.wanted - c.amount), 0) AS amount_held
	FROM usom.credit_use c
	WHERE c.org_id = a.org_id AND c.credit_account_id = a.credit_account_id AND c.held_at IS NOT NULL) w
WHERE a.org_id = usom.current_org();
COMMENT ON VIEW usom.credit IS 'What customers of the caller''s organisation may owe, and owe. What it is made of: usom.credit_position().';
COMMENT ON COLUMN usom.credit.customer IS 'Code of the customer.';
COMMENT ON COLUMN usom.credit.currency IS 'ISO 4217 code of the amounts.';
COMMENT ON COLUMN usom.credit.limit_amount IS 'What all orders may owe together.';
COMMENT ON COLUMN usom.credit.exposure IS 'What they owe.';
COMMENT ON COLUMN usom.credit.free IS 'What they may owe more; 0 if they are above the limit.';
COMMENT ON COLUMN usom.credit.check_at IS 'confirm, release, ship or none.';
COMMENT ON COLUMN usom.credit.on_increase IS 'hold or refuse.';
COMMENT ON COLUMN usom.credit.active IS 'False: counted, never held.';
COMMENT ON COLUMN usom.credit.orders_held IS 'Orders that wait for credit.';
COMMENT ON COLUMN usom.credit.amount_held IS 'What they would take.';

SELECT usom._guard_master('credit_account', 'customer_id');
SELECT usom._guard_kept('credit_use', 'usom.place_order() or usom.release_credit_hold()');
SELECT usom._audit_table('credit_account');
SELECT usom._audit_table('credit_use');
$usom_step$),

(1, 1001, 'fulfillment', $usom_step$
CREATE TABLE usom.shipment (
	org_id bigint NOT NULL,
	shipment_id bigint NOT NULL DEFAULT usom.next_id(),
	shipment_no text NOT NULL,
	sales_order_id bigint NOT NULL,
	location_id bigint,
	carrier text,
	tracking text,
	consolidation_id bigint,
	service text,
	manifest_id bigint,
	status usom.shipment_status NOT NULL,
	shipped_at timestamptz NOT NULL DEFAULT now(),
	delivered_at timestamptz,
	voided_at timestamptz,
	told_at timestamptz,
	PRIMARY KEY (org_id, shipment_id),
	CONSTRAINT shipment_no_unique UNIQUE (org_id, shipment_no),
	CONSTRAINT shipment_of_order FOREIGN KEY (org_id, sales_order_id) REFERENCES usom.sales_order ON DELETE RESTRICT ON UPDATE RESTRICT,
	CONSTRAINT shipment_voided_iff_dated CHECK ((status = 'voided') = (voided_at IS NOT NULL)),
	CONSTRAINT shipment_delivered_iff_dated CHECK ((status = 'delivered') = (delivered_at IS NOT NULL))
);
CREATE INDEX shipment_ready ON usom.shipment (org_id, location_id) WHERE manifest_id IS NULL AND status = 'shipped';
CREATE INDEX shipment_by_tracking ON usom.shipment (org_id, tracking) WHERE tracking IS NOT NULL;
CREATE INDEX shipment_of_order ON usom.shipment (org_id, sales_order_id);
COMMENT ON TABLE usom.shipment IS 'What left one location for one order at one time.';
COMMENT ON COLUMN usom.shipment.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.shipment.shipment_id IS 'Key.';
COMMENT ON COLUMN usom.shipment.shipment_no IS 'Number for people and carriers.';
COMMENT ON COLUMN usom.shipment.sales_order_id IS 'Order.';
COMMENT ON COLUMN usom.shipment.location_id IS 'Where it left from; null for services alone.';
COMMENT ON COLUMN usom.shipment.carrier IS 'Who carries it.';
COMMENT ON COLUMN usom.shipment.tracking IS 'Carrier''s number.';
COMMENT ON COLUMN usom.shipment.consolidation_id IS 'Consolidation that it left with; null: on its own.';
COMMENT ON COLUMN usom.shipment.service IS 'Service of the carrier: express, standard.';
COMMENT ON COLUMN usom.shipment.manifest_id IS 'Manifest that it was taken along with; null: not yet, or without one.';
COMMENT ON COLUMN usom.shipment.status IS 'See usom.lifecycle(''shipment'').';
COMMENT ON COLUMN usom.shipment.shipped_at IS 'When it left.';
COMMENT ON COLUMN usom.shipment.delivered_at IS 'When it arrived.';
COMMENT ON COLUMN usom.shipment.voided_at IS 'When it was made void; null: it was not.';
COMMENT ON COLUMN usom.shipment.told_at IS 'Time of the carrier''s last word that counted; null: nothing was heard.';

CREATE TABLE usom.consolidation (
	org_id bigint NOT NULL,
	consolidation_id bigint NOT NULL DEFAULT usom.next_id(),
	consolidation_no text NOT NULL,
	customer_id bigint NOT NULL,
	location_id bigint NOT NULL,
	reason text,
	created_at timestamptz NOT NULL DEFAULT now(),
	created_by text NOT NULL DEFAULT session_user,
	shipped_at timestamptz,
	PRIMARY KEY (org_id, consolidation_id),
	CONSTRAINT consolidation_no_unique UNIQUE (org_id, consolidation_no)
);
COMMENT ON TABLE usom.consolidation IS 'Orders of one customer to one address that leave a location as one shipment.';
COMMENT ON COLUMN usom.consolidation.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.consolidation.consolidation_id IS 'Key.';
COMMENT ON COLUMN usom.consolidation.consolidation_no IS 'Number for people.';
COMMENT ON COLUMN usom.consolidation.customer_id IS 'Customer of all its orders.';
COMMENT ON COLUMN usom.consolidation.location_id IS 'Where they leave from.';
COMMENT ON COLUMN usom.consolidation.reason IS 'Why.';
COMMENT ON COLUMN usom.consolidation.created_at IS 'When they were released together.';
COMMENT ON COLUMN usom.consolidation.created_by IS 'Session user who did it.';
COMMENT ON COLUMN usom.consolidation.shipped_at IS 'When it first left; null: not yet.';

CREATE TABLE usom.consolidation_order (
	org_id bigint NOT NULL,
	consolidation_id bigint NOT NULL,
	sales_order_id bigint NOT NULL,
	units usom.positive_quantity NOT NULL,
	PRIMARY KEY (org_id, consolidation_id, sales_order_id),
	CONSTRAINT consolidation_order_of_consolidation FOREIGN KEY (org_id, consolidation_id) REFERENCES usom.consolidation ON DELETE RESTRICT ON UPDATE RESTRICT
);
CREATE INDEX consolidation_order_by_order ON usom.consolidation_order (org_id, sales_order_id);
COMMENT ON TABLE usom.consolidation_order IS 'Orders of a consolidation, also those that were cancelled meanwhile.';
COMMENT ON COLUMN usom.consolidation_order.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.consolidation_order.consolidation_id IS 'Consolidation.';
COMMENT ON COLUMN usom.consolidation_order.sales_order_id IS 'Order.';
COMMENT ON COLUMN usom.consolidation_order.units IS 'Units of it that were released with the others, services aside.';

CREATE VIEW usom.consolidations WITH (security_invoker = true) AS
SELECT c.consolidation_no, u.code AS customer, l.code AS location, o.orders, c.reason, c.created_at, c.created_by, c.shipped_at
FROM usom.consolidation c
CROSS JOIN LATERAL (
	SELECT array_agg(s.order_no ORDER BY s.sales_order_id) AS orders
	FROM usom.consolidation_order m
	JOIN usom.sales_order s ON s.org_id = m.org_id AND s.sales_order_id = m.sales_order_id
	WHERE m.org_id = c.org_id AND m.consolidation_id = c.consolidation_id) o
LEFT JOIN usom.customer u ON u.org_id = c.org_id AND u.customer_id = c.customer_id
LEFT JOIN usom.location l ON l.org_id = c.org_id AND l.location_id = c.location_id
WHERE c.org_id = usom.current_org() AND o.orders IS NOT NULL;
COMMENT ON VIEW usom.consolidations IS 'Orders of the caller''s organisation that leave as one shipment, as far as the caller sees them.';
COMMENT ON COLUMN usom.consolidations.consolidation_no IS 'Number, for usom.ship_consolidated().';
COMMENT ON COLUMN usom.consolidations.customer IS 'Code of the customer.';
COMMENT ON COLUMN usom.consolidations.location IS 'Where they leave from.';
COMMENT ON COLUMN usom.consolidations.orders IS 'Numbers of the orders.';
COMMENT ON COLUMN usom.consolidations.reason IS 'Why.';
COMMENT ON COLUMN usom.consolidations.created_at IS 'When they were released together.';
COMMENT ON COLUMN usom.consolidations.created_by IS 'Session user who did it.';
COMMENT ON COLUMN usom.consolidations.shipped_at IS 'When it first left; null: not yet.';

SELECT usom._guard_cards('consolidation');
SELECT usom._guard_kept('consolidation', 'usom.consolidate()');
SELECT usom._guard_kept('consolidation_order', 'usom.consolidate()');
SELECT usom._audit_table('consolidation');
SELECT usom._audit_table('consolidation_order');

SELECT usom._guard_cards('shipment');
SELECT usom._guard_kept('shipment', 'usom.ship(), usom.deliver() or usom.void_shipment()');
SELECT usom._audit_table('shipment');
$usom_step$),

(1, 1010, 'fulfillment', $usom_step$
CREATE TABLE usom.pickup (
	org_id bigint NOT NULL,
	pickup_id bigint NOT NULL DEFAULT usom.next_id(),
	sales_order_id bigint NOT NULL,
	location_id bigint NOT NULL,
	status text NOT NULL CONSTRAINT pickup_status_known CHECK (status IN ('ready', 'rejected', 'collected', 'put_back', 'withdrawn')),
	ready_at timestamptz,
	collect_until timestamptz,
	reason text,
	ended_at timestamptz,
	PRIMARY KEY (org_id, pickup_id),
	CONSTRAINT pickup_of_order FOREIGN KEY (org_id, sales_order_id) REFERENCES usom.sales_order ON DELETE RESTRICT ON UPDATE RESTRICT,
	CONSTRAINT pickup_window_iff_was_ready CHECK ((ready_at IS NULL) = (collect_until IS NULL)),
	CONSTRAINT pickup_was_ready_unless_rejected CHECK (status = 'rejected' OR ready_at IS NOT NULL),
	CONSTRAINT pickup_ended_iff_over CHECK (status = 'rejected' OR (status = 'ready') = (ended_at IS NULL))
);
CREATE UNIQUE INDEX pickup_open_once ON usom.pickup (org_id, sales_order_id) WHERE ended_at IS NULL;
CREATE INDEX pickup_of_order_ever ON usom.pickup (org_id, sales_order_id);
COMMENT ON TABLE usom.pickup IS 'What was put aside for a customer who fetches it, or what a store could not put aside. Of an order at most one is open; written under the lock of the order.';
COMMENT ON COLUMN usom.pickup.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.pickup.pickup_id IS 'Key.';
COMMENT ON COLUMN usom.pickup.sales_order_id IS 'Order.';
COMMENT ON COLUMN usom.pickup.location_id IS 'Where it is fetched.';
COMMENT ON COLUMN usom.pickup.status IS 'ready, rejected (the store cannot serve it: somebody decides, then it has an end), collected, put_back (nobody came) or withdrawn (cancelled before it was fetched). That the time is over is read from collect_until.';
COMMENT ON COLUMN usom.pickup.ready_at IS 'When the customer was told that it is ready; null: never.';
COMMENT ON COLUMN usom.pickup.collect_until IS 'Until when it is kept for the customer.';
COMMENT ON COLUMN usom.pickup.reason IS 'Why it was rejected or put back.';
COMMENT ON COLUMN usom.pickup.ended_at IS 'When it was fetched, put back, withdrawn, or decided about; null: open.';

CREATE TABLE usom.drop_ship_receipt (
	org_id bigint NOT NULL,
	drop_ship_receipt_id bigint NOT NULL DEFAULT usom.next_id(),
	supply_id bigint NOT NULL,
	sales_order_id bigint NOT NULL,
	line_no integer NOT NULL,
	reference text CONSTRAINT drop_ship_receipt_reference_given CHECK (reference <> ''),
	quantity usom.quantity NOT NULL DEFAULT 0,
	delivered usom.quantity NOT NULL DEFAULT 0,
	surplus usom.quantity NOT NULL DEFAULT 0,
	shipment_id bigint,
	received_at timestamptz NOT NULL DEFAULT now(),
	received_by text NOT NULL DEFAULT session_user,
	PRIMARY KEY (org_id, drop_ship_receipt_id),
	CONSTRAINT drop_ship_receipt_once UNIQUE (org_id, supply_id, reference),
	CONSTRAINT drop_ship_receipt_of_order FOREIGN KEY (org_id, sales_order_id) REFERENCES usom.sales_order ON DELETE RESTRICT ON UPDATE RESTRICT,
	CONSTRAINT drop_ship_receipt_adds_up CHECK (quantity = delivered + surplus),
	CONSTRAINT drop_ship_receipt_shipped_if_delivered CHECK (shipment_id IS NULL OR delivered > 0)
);
CREATE INDEX drop_ship_receipt_of_line ON usom.drop_ship_receipt (org_id, sales_order_id, line_no);
COMMENT ON TABLE usom.drop_ship_receipt IS 'What a supplier sent straight to a customer, one row for each message about it. The row is written before the order is locked: of two messages with one reference the second waits for the first.';
COMMENT ON COLUMN usom.drop_ship_receipt.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.drop_ship_receipt.drop_ship_receipt_id IS 'Key.';
COMMENT ON COLUMN usom.drop_ship_receipt.supply_id IS 'Supply that it was expected of.';
COMMENT ON COLUMN usom.drop_ship_receipt.sales_order_id IS 'Order.';
COMMENT ON COLUMN usom.drop_ship_receipt.line_no IS 'Line.';
COMMENT ON COLUMN usom.drop_ship_receipt.reference IS 'Delivery note or message of the supplier, once for a supply; null: none.';
COMMENT ON COLUMN usom.drop_ship_receipt.quantity IS 'Units that the supplier says it sent.';
COMMENT ON COLUMN usom.drop_ship_receipt.delivered IS 'Of them, units that the line wanted.';
COMMENT ON COLUMN usom.drop_ship_receipt.surplus IS 'Of them, units that nobody wants any more: an exception says so.';
COMMENT ON COLUMN usom.drop_ship_receipt.shipment_id IS 'Shipment that they left with; null: none, or a hold kept them.';
COMMENT ON COLUMN usom.drop_ship_receipt.received_at IS 'When the message came.';
COMMENT ON COLUMN usom.drop_ship_receipt.received_by IS 'Session user who recorded it.';

CREATE TABLE usom.technician (
	org_id bigint NOT NULL DEFAULT usom.current_org(),
	technician_id bigint NOT NULL DEFAULT usom.next_id(),
	code text NOT NULL CONSTRAINT technician_code_given CHECK (code <> ''),
	name text,
	time_zone text NOT NULL DEFAULT 'UTC',
	active boolean NOT NULL DEFAULT true,
	created_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (org_id, technician_id),
	CONSTRAINT technician_code_unique UNIQUE (org_id, code)
);
COMMENT ON TABLE usom.technician IS 'Who does service work at customers.';
COMMENT ON COLUMN usom.technician.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.technician.technician_id IS 'Key.';
COMMENT ON COLUMN usom.technician.code IS 'What functions name; a number or a name for work, not more about the person than work needs.';
COMMENT ON COLUMN usom.technician.name IS 'Name for people.';
COMMENT ON COLUMN usom.technician.time_zone IS 'Clock of the working hours: a name of pg_timezone_names.';
COMMENT ON COLUMN usom.technician.active IS 'Off: gets no new appointments.';
COMMENT ON COLUMN usom.technician.created_at IS 'When the row was made.';

CREATE TABLE usom.technician_skill (
	org_id bigint NOT NULL DEFAULT usom.current_org(),
	technician_id bigint NOT NULL,
	skill text NOT NULL CONSTRAINT technician_skill_given CHECK (skill <> ''),
	valid_until date,
	PRIMARY KEY (org_id, technician_id, skill),
	CONSTRAINT technician_skill_of_technician FOREIGN KEY (org_id, technician_id) REFERENCES usom.technician ON DELETE RESTRICT ON UPDATE RESTRICT
);
COMMENT ON TABLE usom.technician_skill IS 'What a technician can do, or is certified for.';
COMMENT ON COLUMN usom.technician_skill.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.technician_skill.technician_id IS 'Technician, see usom.technician_id().';
COMMENT ON COLUMN usom.technician_skill.skill IS 'Word that service_work names, too.';
COMMENT ON COLUMN usom.technician_skill.valid_until IS 'Last day of the certificate; null: it does not run out.';

CREATE TABLE usom.technician_hours (
	org_id bigint NOT NULL DEFAULT usom.current_org(),
	technician_id bigint NOT NULL,
	weekday integer NOT NULL CONSTRAINT technician_hours_weekday_known CHECK (weekday BETWEEN 1 AND 7),
	begins time NOT NULL,
	ends time NOT NULL,
	PRIMARY KEY (org_id, technician_id, weekday, begins),
	CONSTRAINT technician_hours_of_technician FOREIGN KEY (org_id, technician_id) REFERENCES usom.technician ON DELETE RESTRICT ON UPDATE RESTRICT,
	CONSTRAINT technician_hours_end_after_begin CHECK (begins < ends),
	CONSTRAINT technician_hours_do_not_overlap EXCLUDE USING gist (
		int8range(org_id, org_id, '[]') WITH =,
		int8range(technician_id, technician_id, '[]') WITH =,
		tsrange(date '0001-01-01' + (weekday - 1) + begins, date '0001-01-01' + (weekday - 1) + ends) WITH &&)
);
COMMENT ON TABLE usom.technician_hours IS 'When a technician works, by the clock of the technician. Without any hours, at any time.';
COMMENT ON COLUMN usom.technician_hours.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.technician_hours.technician_id IS 'Technician, see usom.technician_id().';
COMMENT ON COLUMN usom.technician_hours.weekday IS '1 Monday to 7 Sunday.';
COMMENT ON COLUMN usom.technician_hours.begins IS 'Local time from which on appointments may begin.';
COMMENT ON COLUMN usom.technician_hours.ends IS 'Local time at which the last one ends; 24:00 is the end of the day.';
COMMENT ON CONSTRAINT technician_hours_do_not_overlap ON usom.technician_hours IS 'Hours of one weekday stand beside each other.';

CREATE TABLE usom.service_work (
	org_id bigint NOT NULL DEFAULT usom.current_org(),
	product_id bigint NOT NULL,
	minutes integer NOT NULL DEFAULT 60 CONSTRAINT service_work_minutes_sane CHECK (minutes BETWEEN 1 AND 1440),
	skills text[] NOT NULL DEFAULT '{}' CONSTRAINT service_work_skills_given CHECK (array_position(skills, NULL) IS NULL AND array_position(skills, '') IS NULL),
	PRIMARY KEY (org_id, product_id),
	CONSTRAINT service_work_of_product FOREIGN KEY (org_id, product_id) REFERENCES usom.product ON DELETE RESTRICT ON UPDATE RESTRICT
);
COMMENT ON TABLE usom.service_work IS 'How long the work of a service takes and what it asks of the technician. A service without a row takes an hour and asks for nothing.';
COMMENT ON COLUMN usom.service_work.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.service_work.product_id IS 'The service: usom.product_id(''sku'').';
COMMENT ON COLUMN usom.service_work.minutes IS 'Minutes of an appointment.';
COMMENT ON COLUMN usom.service_work.skills IS 'All of these the technician needs.';

CREATE TABLE usom.appointment (
	org_id bigint NOT NULL,
	appointment_id bigint NOT NULL DEFAULT usom.next_id(),
	appointment_no text NOT NULL,
	sales_order_id bigint,
	line_no integer,
	technician_id bigint NOT NULL,
	during tstzrange NOT NULL,
	status text NOT NULL CONSTRAINT appointment_status_known CHECK (status IN ('booked', 'done', 'moved', 'cancelled', 'failed')),
	reason text,
	moved_from bigint,
	booked_at timestamptz NOT NULL DEFAULT now(),
	booked_by text NOT NULL DEFAULT session_user,
	ended_at timestamptz,
	PRIMARY KEY (org_id, appointment_id),
	CONSTRAINT appointment_no_unique UNIQUE (org_id, appointment_no),
	CONSTRAINT appointment_of_order FOREIGN KEY (org_id, sales_order_id) REFERENCES usom.sales_order ON DELETE RESTRICT ON UPDATE RESTRICT,
	CONSTRAINT appointment_of_line_iff_of_order CHECK ((sales_order_id IS NULL) = (line_no IS NULL)),
	CONSTRAINT appointment_has_bounds CHECK (NOT isempty(during) AND NOT lower_inf(during) AND NOT upper_inf(during) AND lower_inc(during) AND NOT upper_inc(during)),
	CONSTRAINT appointment_ended_iff_over CHECK ((status = 'booked') = (ended_at IS NULL)),
	CONSTRAINT technician_booked_once EXCLUDE USING gist (
		int8range(org_id, org_id, '[]') WITH =,
		int8range(technician_id, technician_id, '[]') WITH =,
		during WITH &&) WHERE (status = 'booked')
);
CREATE UNIQUE INDEX appointment_open_once ON usom.appointment (org_id, sales_order_id, line_no) WHERE status = 'booked' AND sales_order_id IS NOT NULL;
CREATE INDEX appointment_of_order_ever ON usom.appointment (org_id, sales_order_id) WHERE sales_order_id IS NOT NULL;
COMMENT ON TABLE usom.appointment IS 'When a technician works on an order line; without an order, when a technician is away. Nobody is booked twice for one time: technician_booked_once.';
COMMENT ON COLUMN usom.appointment.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.appointment.appointment_id IS 'Key.';
COMMENT ON COLUMN usom.appointment.appointment_no IS 'Number for people.';
COMMENT ON COLUMN usom.appointment.sales_order_id IS 'Order; null: an absence.';
COMMENT ON COLUMN usom.appointment.line_no IS 'Line of the service; null: an absence.';
COMMENT ON COLUMN usom.appointment.technician_id IS 'Technician.';
COMMENT ON COLUMN usom.appointment.during IS 'From when to when.';
COMMENT ON COLUMN usom.appointment.status IS 'booked, done, moved (another one took its place), cancelled or failed (the technician could not work).';
COMMENT ON COLUMN usom.appointment.reason IS 'Why it was moved, cancelled or failed, or why the technician is away.';
COMMENT ON COLUMN usom.appointment.moved_from IS 'Appointment that it took the place of.';
COMMENT ON COLUMN usom.appointment.booked_at IS 'When it was booked.';
COMMENT ON COLUMN usom.appointment.booked_by IS 'Session user who did.';
COMMENT ON COLUMN usom.appointment.ended_at IS 'When it was done, moved, cancelled or failed; null: it stands.';
COMMENT ON CONSTRAINT technician_booked_once ON usom.appointment IS 'No technician has two appointments at one time. Range classes of GiST compare the keys, so that no other extension is needed.';

CREATE TABLE usom.service_report (
	org_id bigint NOT NULL,
	appointment_id bigint NOT NULL,
	sales_order_id bigint NOT NULL,
	line_no integer NOT NULL,
	paper jsonb NOT NULL CONSTRAINT service_report_paper_is_object CHECK (jsonb_typeof(paper) = 'object'),
	reported_at timestamptz NOT NULL DEFAULT now(),
	reported_by text NOT NULL DEFAULT session_user,
	PRIMARY KEY (org_id, appointment_id),
	CONSTRAINT service_report_of_appointment FOREIGN KEY (org_id, appointment_id) REFERENCES usom.appointment ON DELETE RESTRICT ON UPDATE RESTRICT
);
COMMENT ON TABLE usom.service_report IS 'Completion papers: what was done, and with which parts, as it was told. They are not changed.';
COMMENT ON COLUMN usom.service_report.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.service_report.appointment_id IS 'Appointment.';
COMMENT ON COLUMN usom.service_report.sales_order_id IS 'Order.';
COMMENT ON COLUMN usom.service_report.line_no IS 'Line of the service.';
COMMENT ON COLUMN usom.service_report.paper IS 'The paper.';
COMMENT ON COLUMN usom.service_report.reported_at IS 'When it was told.';
COMMENT ON COLUMN usom.service_report.reported_by IS 'Session user who told it.';

CREATE VIEW usom.pickups WITH (security_invoker = true) AS
SELECT o.order_no, l.code AS location,
	CASE WHEN p.status = 'ready' AND p.collect_until <= statement_timestamp() THEN 'missed' ELSE p.status END AS status,
	p.ended_at IS NULL AS open,
	(SELECT coalesce(trim_scale(sum(f.quantity)), 0) FROM usom.fulfillment_line f
	 WHERE f.org_id = p.org_id AND f.sales_order_id = p.sales_order_id AND f.location_id = p.location_id
		AND f.status IN ('picked', 'packed') AND p.status = 'ready') AS quantity_ready,
	p.ready_at, p.collect_until, p.reason, p.ended_at
FROM usom.pickup p
JOIN usom.sales_order o ON o.org_id = p.org_id AND o.sales_order_id = p.sales_order_id
LEFT JOIN usom.location l ON l.org_id = p.org_id AND l.location_id = p.location_id
WHERE p.org_id = usom.current_org();
COMMENT ON VIEW usom.pickups IS 'What stores have put aside for customers, and what they could not.';
COMMENT ON COLUMN usom.pickups.order_no IS 'Order.';
COMMENT ON COLUMN usom.pickups.location IS 'Where it is fetched.';
COMMENT ON COLUMN usom.pickups.status IS 'ready, missed (ready, and the time is over), rejected, collected, put_back or withdrawn.';
COMMENT ON COLUMN usom.pickups.open IS 'True: the customer may come, or somebody has to decide.';
COMMENT ON COLUMN usom.pickups.quantity_ready IS 'Units that are put aside now.';
COMMENT ON COLUMN usom.pickups.ready_at IS 'When the customer was told.';
COMMENT ON COLUMN usom.pickups.collect_until IS 'Until when it is kept.';
COMMENT ON COLUMN usom.pickups.reason IS 'Why it was rejected or put back.';
COMMENT ON COLUMN usom.pickups.ended_at IS 'When it ended; null: open.';

CREATE VIEW usom.drop_ship_receipts WITH (security_invoker = true) AS
SELECT o.order_no, r.line_no, s.supply_no, r.reference, trim_scale(r.quantity) AS quantity, trim_scale(r.delivered) AS delivered,
	trim_scale(r.surplus) AS surplus, h.shipment_no, r.received_at, r.received_by
FROM usom.drop_ship_receipt r
JOIN usom.sales_order o ON o.org_id = r.org_id AND o.sales_order_id = r.sales_order_id
LEFT JOIN usom.supply s ON s.org_id = r.org_id AND s.supply_id = r.supply_id
LEFT JOIN usom.shipment h ON h.org_id = r.org_id AND h.shipment_id = r.shipment_id
WHERE r.org_id = usom.current_org();
COMMENT ON VIEW usom.drop_ship_receipts IS 'What suppliers sent straight to customers.';
COMMENT ON COLUMN usom.drop_ship_receipts.order_no IS 'Order.';
COMMENT ON COLUMN usom.drop_ship_receipts.line_no IS 'Line.';
COMMENT ON COLUMN usom.drop_ship_receipts.supply_no IS 'Supply that it was expected of.';
COMMENT ON COLUMN usom.drop_ship_receipts.reference IS 'Delivery note or message of the supplier.';
COMMENT ON COLUMN usom.drop_ship_receipts.quantity IS 'Units that the supplier says it sent.';
COMMENT ON COLUMN usom.drop_ship_receipts.delivered IS 'Of them, units that the line wanted.';
COMMENT ON COLUMN usom.drop_ship_receipts.surplus IS 'Of them, units that nobody wants any more.';
COMMENT ON COLUMN usom.drop_ship_receipts.shipment_no IS 'Shipment that they left with.';
COMMENT ON COLUMN usom.drop_ship_receipts.received_at IS 'When the message came.';
COMMENT ON COLUMN usom.drop_ship_receipts.received_by IS 'Session user who recorded it.';

CREATE VIEW usom.technicians WITH (security_invoker = true) AS
SELECT t.code AS technician, t.name, t.time_zone, t.active,
	ARRAY(SELECT s.skill FROM usom.technician_skill s WHERE s.org_id = t.org_id AND s.technician_id = t.technician_id
		AND (s.valid_until IS NULL OR s.valid_until >= (now() AT TIME ZONE t.time_zone)::date) ORDER BY s.skill COLLATE "C") AS skills
FROM usom.technician t
WHERE t.org_id = usom.current_org();
COMMENT ON VIEW usom.technicians IS 'Technicians of the caller''s organisation and what they can do today.';
COMMENT ON COLUMN usom.technicians.technician IS 'Code.';
COMMENT ON COLUMN usom.technicians.name IS 'Name for people.';
COMMENT ON COLUMN usom.technicians.time_zone IS 'Clock of the working hours.';
COMMENT ON COLUMN usom.technicians.active IS 'False: gets no new appointments.';
COMMENT ON COLUMN usom.technicians.skills IS 'Skills that have not run out.';

CREATE VIEW usom.appointments WITH (security_invoker = true) AS
SELECT a.appointment_no, o.order_no, a.line_no, p.sku, t.code AS technician, lower(a.during) AS starts_at, upper(a.during) AS ends_at,
	CASE WHEN a.sales_order_id IS NULL AND a.status = 'booked' THEN 'away' ELSE a.status END AS status, a.reason,
	CASE WHEN a.status = 'booked' AND a.sales_order_id IS NOT NULL THEN NOT EXISTS (
		SELECT FROM usom.fulfillment_line f JOIN usom.product x ON x.org_id = f.org_id AND x.product_id = f.product_id AND x.kind = 'physical'
		WHERE f.org_id = a.org_id AND f.sales_order_id = a.sales_order_id AND f.status = 'backordered'
			AND coalesce(f.promised_at > lower(a.during), true)) END AS parts_ready,
	(SELECT b.appointment_no FROM usom.appointment b WHERE b.org_id = a.org_id AND b.appointment_id = a.moved_from) AS moved_from,
	a.booked_at, a.booked_by, a.ended_at
FROM usom.appointment a
LEFT JOIN usom.sales_order o ON o.org_id = a.org_id AND o.sales_order_id = a.sales_order_id
LEFT JOIN usom.order_line l ON l.org_id = a.org_id AND l.sales_order_id = a.sales_order_id AND l.line_no = a.line_no
LEFT JOIN usom.product p ON p.org_id = a.org_id AND p.product_id = l.product_id
LEFT JOIN usom.technician t ON t.org_id = a.org_id AND t.technician_id = a.technician_id
WHERE a.org_id = usom.current_org();
COMMENT ON VIEW usom.appointments IS 'When technicians work on which orders, or are away.';
COMMENT ON COLUMN usom.appointments.appointment_no IS 'Number.';
COMMENT ON COLUMN usom.appointments.order_no IS 'Order; null: an absence.';
COMMENT ON COLUMN usom.appointments.line_no IS 'Line of the service.';
COMMENT ON COLUMN usom.appointments.sku IS 'The service.';
COMMENT ON COLUMN usom.appointments.technician IS 'Code of the technician.';
COMMENT ON COLUMN usom.appointments.starts_at IS 'When it begins.';
COMMENT ON COLUMN usom.appointments.ends_at IS 'When it ends.';
COMMENT ON COLUMN usom.appointments.status IS 'booked, away (an absence that stands), done, moved, cancelled or failed.';
COMMENT ON COLUMN usom.appointments.reason IS 'Why it was moved, cancelled or failed, or why the technician is away.';
COMMENT ON COLUMN usom.appointments.parts_ready IS 'True: the parts of the order are there, or promised for before it begins. Null unless booked.';
COMMENT ON COLUMN usom.appointments.moved_from IS 'Appointment that it took the place of.';
COMMENT ON COLUMN usom.appointments.booked_at IS 'When it was booked.';
COMMENT ON COLUMN usom.appointments.booked_by IS 'Session user who did.';
COMMENT ON COLUMN usom.appointments.ended_at IS 'When it was done, moved, cancelled or failed.';

CREATE VIEW usom.service_papers WITH (security_invoker = true) AS
SELECT a.appointment_no, o.order_no, r.line_no, r.paper, r.reported_at, r.reported_by
FROM usom.service_report r
JOIN usom.sales_order o ON o.org_id = r.org_id AND o.sales_order_id = r.sales_order_id
JOIN usom.appointment a ON a.org_id = r.org_id AND a.appointment_id = r.appointment_id
WHERE r.org_id = usom.current_org();
COMMENT ON VIEW usom.service_papers IS 'Completion papers of service work.';
COMMENT ON COLUMN usom.service_papers.appointment_no IS 'Appointment.';
COMMENT ON COLUMN usom.service_papers.order_no IS 'Order.';
COMMENT ON COLUMN usom.service_papers.line_no IS 'Line of the service.';
COMMENT ON COLUMN usom.service_papers.paper IS 'Appointment, order, service, technician, times, work, parts used and left over, and whether the customer accepted it.';
COMMENT ON COLUMN usom.service_papers.reported_at IS 'When it was told.';
COMMENT ON COLUMN usom.service_papers.reported_by IS 'Session user who told it.';

CREATE TRIGGER usom_time_zone BEFORE INSERT OR UPDATE OF time_zone ON usom.technician
	FOR EACH ROW EXECUTE FUNCTION usom._check_time_zone();
ALTER TABLE usom.technician ENABLE ALWAYS TRIGGER usom_time_zone;
CREATE TRIGGER usom_service_work BEFORE INSERT OR UPDATE ON usom.service_work
	FOR EACH ROW EXECUTE FUNCTION usom._check_service_work();
ALTER TABLE usom.service_work ENABLE ALWAYS TRIGGER usom_service_work;

SELECT usom._guard_cards('pickup');
SELECT usom._guard_cards('drop_ship_receipt');
SELECT usom._guard_cards('technician');
SELECT usom._guard_cards('technician_skill');
SELECT usom._guard_cards('service_work');
SELECT usom._guard_cards('appointment');
SELECT usom._guard_cards('service_report');
SELECT usom._guard_master('technician', 'code');
SELECT usom._guard_kept('pickup', 'usom.ready_pickup() or usom.reject_pickup()');
SELECT usom._guard_kept('drop_ship_receipt', 'usom.receive_drop_ship()');
SELECT usom._guard_kept('appointment', 'usom.book_appointment() or usom.cancel_appointment()');
SELECT usom._guard_ledger('service_report', 'usom.complete_service()');
SELECT usom._audit_table('pickup');
SELECT usom._audit_table('drop_ship_receipt');
SELECT usom._audit_table('technician');
SELECT usom._audit_table('technician_skill');
SELECT usom._audit_table('technician_hours');
SELECT usom._audit_table('service_work');
SELECT usom._audit_table('appointment');
SELECT usom._audit_table('service_report');
$usom_step$),

(1, 1020, 'fulfillment', $usom_step$
CREATE TABLE usom.handling_class (
	org_id bigint NOT NULL DEFAULT usom.current_org(),
	handling_class_id bigint NOT NULL DEFAULT usom.next_id(),
	code text NOT NULL CONSTRAINT handling_class_code_given CHECK (code <> ''),
	name text,
	special_packaging boolean NOT NULL DEFAULT false,
	apart boolean NOT NULL DEFAULT false,
	carriers text[] CONSTRAINT handling_class_carriers_not_empty CHECK (cardinality(carriers) > 0 AND array_position(carriers, NULL) IS NULL),
	temperature_from numeric(5,1) CONSTRAINT handling_class_temperature_sane CHECK (temperature_from BETWEEN -273 AND 1000),
	temperature_to numeric(5,1) CONSTRAINT handling_class_temperature_to_sane CHECK (temperature_to BETWEEN -273 AND 1000),
	active boolean NOT NULL DEFAULT true,
	created_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (org_id, handling_class_id),
	CONSTRAINT handling_class_code_unique UNIQUE (org_id, code),
	CONSTRAINT handling_class_temperature_range CHECK (temperature_to >= temperature_from)
);
COMMENT ON TABLE usom.handling_class IS 'How goods want to be handled: fragile, cold, dangerous. Products name the classes that they are of, packaging those that it is fit for.';
COMMENT ON COLUMN usom.handling_class.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.handling_class.handling_class_id IS 'Key.';
COMMENT ON COLUMN usom.handling_class.code IS 'What products and packaging name.';
COMMENT ON COLUMN usom.handling_class.name IS 'Name for people, printed on labels.';
COMMENT ON COLUMN usom.handling_class.special_packaging IS 'On: units leave in a package alone, of a packaging that names the class.';
COMMENT ON COLUMN usom.handling_class.apart IS 'On: units are in no package together with goods that are not of the class.';
COMMENT ON COLUMN usom.handling_class.carriers IS 'Carriers that may take it; null: any.';
COMMENT ON COLUMN usom.handling_class.temperature_from IS 'Degrees Celsius at least, printed on labels; null: no bound.';
COMMENT ON COLUMN usom.handling_class.temperature_to IS 'Degrees Celsius at most; null: no bound.';
COMMENT ON COLUMN usom.handling_class.active IS 'Off: asks for nothing any more.';
COMMENT ON COLUMN usom.handling_class.created_at IS 'When the row was made.';

CREATE TABLE usom.packaging (
	org_id bigint NOT NULL DEFAULT usom.current_org(),
	packaging_id bigint NOT NULL DEFAULT usom.next_id(),
	code text NOT NULL CONSTRAINT packaging_code_given CHECK (code <> ''),
	name text,
	kind text NOT NULL DEFAULT 'box' CONSTRAINT packaging_kind_known CHECK (kind IN ('box', 'envelope', 'bag', 'crate', 'pallet', 'other')),
	length usom.quantity NOT NULL DEFAULT 0,
	width usom.quantity NOT NULL DEFAULT 0,
	height usom.quantity NOT NULL DEFAULT 0,
	weight usom.quantity NOT NULL DEFAULT 0,
	max_weight usom.quantity,
	handling text[] NOT NULL DEFAULT '{}' CONSTRAINT packaging_handling_codes CHECK (array_position(handling, NULL) IS NULL),
	active boolean NOT NULL DEFAULT true,
	created_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (org_id, packaging_id),
	CONSTRAINT packaging_code_unique UNIQUE (org_id, code)
);
COMMENT ON TABLE usom.packaging IS 'Boxes, bags and pallets that units are packed in.';
COMMENT ON COLUMN usom.packaging.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.packaging.packaging_id IS 'Key.';
COMMENT ON COLUMN usom.packaging.code IS 'What usom.pack() names.';
COMMENT ON COLUMN usom.packaging.name IS 'Name for people.';
COMMENT ON COLUMN usom.packaging.kind IS 'box, envelope, bag, crate, pallet or other.';
COMMENT ON COLUMN usom.packaging.length IS 'Centimetres inside; 0: not known.';
COMMENT ON COLUMN usom.packaging.width IS 'Centimetres inside; 0: not known.';
COMMENT ON COLUMN usom.packaging.height IS 'Centimetres inside; 0: not known. With length, width and height known, no more litres of products go in than it has.';
COMMENT ON COLUMN usom.packaging.weight IS 'Kilograms when it is empty.';
COMMENT ON COLUMN usom.packaging.max_weight IS 'Kilograms at most of what is in it; null: no limit.';
COMMENT ON COLUMN usom.packaging.handling IS 'Codes of the handling classes that it is fit for.';
COMMENT ON COLUMN usom.packaging.active IS 'Off: nothing new is packed in it.';
COMMENT ON COLUMN usom.packaging.created_at IS 'When the row was made.';

CREATE TABLE usom.manifest (
	org_id bigint NOT NULL,
	manifest_id bigint NOT NULL DEFAULT usom.next_id(),
	manifest_no text NOT NULL,
	location_id bigint NOT NULL,
	carrier text,
	closed_at timestamptz NOT NULL DEFAULT now(),
	closed_by text NOT NULL DEFAULT session_user,
	PRIMARY KEY (org_id, manifest_id),
	CONSTRAINT manifest_no_unique UNIQUE (org_id, manifest_no)
);
COMMENT ON TABLE usom.manifest IS 'Shipments that a carrier took along from a location at one time.';
COMMENT ON COLUMN usom.manifest.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.manifest.manifest_id IS 'Key.';
COMMENT ON COLUMN usom.manifest.manifest_no IS 'Number for people.';
COMMENT ON COLUMN usom.manifest.location_id IS 'Where they were fetched.';
COMMENT ON COLUMN usom.manifest.carrier IS 'Who took them; null: nobody was named.';
COMMENT ON COLUMN usom.manifest.closed_at IS 'When they were taken.';
COMMENT ON COLUMN usom.manifest.closed_by IS 'Session user who closed it.';

CREATE TABLE usom.package (
	org_id bigint NOT NULL,
	package_id bigint NOT NULL DEFAULT usom.next_id(),
	package_no text NOT NULL,
	sales_order_id bigint NOT NULL,
	location_id bigint NOT NULL,
	packaging_id bigint,
	weight usom.quantity,
	tracking text,
	shipment_id bigint,
	packed_at timestamptz NOT NULL DEFAULT now(),
	packed_by text NOT NULL DEFAULT session_user,
	unpacked_at timestamptz,
	PRIMARY KEY (org_id, package_id),
	CONSTRAINT package_no_unique UNIQUE (org_id, package_no),
	CONSTRAINT package_unpacked_is_not_shipped CHECK (unpacked_at IS NULL OR shipment_id IS NULL),
	CONSTRAINT package_of_order FOREIGN KEY (org_id, sales_order_id) REFERENCES usom.sales_order ON DELETE RESTRICT ON UPDATE RESTRICT
);
CREATE INDEX package_of_order ON usom.package (org_id, sales_order_id);
COMMENT ON TABLE usom.package IS 'Units of one order that were packed together at one location. What is in it are the pieces that name it.';
COMMENT ON COLUMN usom.package.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.package.package_id IS 'Key.';
COMMENT ON COLUMN usom.package.package_no IS 'Number for people.';
COMMENT ON COLUMN usom.package.sales_order_id IS 'Order.';
COMMENT ON COLUMN usom.package.location_id IS 'Where it was packed.';
COMMENT ON COLUMN usom.package.packaging_id IS 'What it is packed in; null: nothing was said.';
COMMENT ON COLUMN usom.package.weight IS 'Kilograms as it was weighed; null: it was not.';
COMMENT ON COLUMN usom.package.tracking IS 'Carrier''s number of the package; null: that of its shipment.';
COMMENT ON COLUMN usom.package.shipment_id IS 'Shipment that it left with; null: it is still there.';
COMMENT ON COLUMN usom.package.packed_at IS 'When packing began.';
COMMENT ON COLUMN usom.package.packed_by IS 'Session user who packed it.';
COMMENT ON COLUMN usom.package.unpacked_at IS 'When it was unpacked again; null: it was not.';

CREATE TABLE usom.gift_wrap (
	org_id bigint NOT NULL,
	sales_order_id bigint NOT NULL,
	line_no integer NOT NULL,
	style text NOT NULL,
	wanted_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (org_id, sales_order_id, line_no),
	CONSTRAINT gift_wrap_style_given CHECK (style <> ''),
	CONSTRAINT gift_wrap_of_order FOREIGN KEY (org_id, sales_order_id) REFERENCES usom.sales_order ON DELETE RESTRICT ON UPDATE RESTRICT
);
COMMENT ON TABLE usom.gift_wrap IS 'Lines that are to be wrapped as gifts.';
COMMENT ON COLUMN usom.gift_wrap.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.gift_wrap.sales_order_id IS 'Order.';
COMMENT ON COLUMN usom.gift_wrap.line_no IS 'Line.';
COMMENT ON COLUMN usom.gift_wrap.style IS 'Paper that is asked for.';
COMMENT ON COLUMN usom.gift_wrap.wanted_at IS 'When it was asked for.';

CREATE TABLE usom.tracking_event (
	org_id bigint NOT NULL,
	tracking_event_id bigint NOT NULL DEFAULT usom.next_id(),
	sales_order_id bigint NOT NULL,
	shipment_id bigint NOT NULL,
	package_id bigint,
	message_id text,
	kind text NOT NULL CONSTRAINT tracking_event_kind_known CHECK (kind IN ('info', 'in_transit', 'out_for_delivery', 'delivered', 'failed', 'returning', 'lost')),
	occurred_at timestamptz NOT NULL,
	place text,
	note text,
	counted boolean NOT NULL,
	recorded_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (org_id, tracking_event_id),
	CONSTRAINT tracking_event_of_shipment FOREIGN KEY (org_id, shipment_id) REFERENCES usom.shipment ON DELETE RESTRICT ON UPDATE RESTRICT
);
CREATE UNIQUE INDEX tracking_event_once ON usom.tracking_event (org_id, shipment_id, message_id) WHERE message_id IS NOT NULL;
CREATE INDEX tracking_event_of_shipment ON usom.tracking_event (org_id, shipment_id, occurred_at);
COMMENT ON TABLE usom.tracking_event IS 'What carriers say of shipments, as it came.';
COMMENT ON COLUMN usom.tracking_event.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.tracking_event.tracking_event_id IS 'Key.';
COMMENT ON COLUMN usom.tracking_event.sales_order_id IS 'Order of the shipment.';
COMMENT ON COLUMN usom.tracking_event.shipment_id IS 'Shipment.';
COMMENT ON COLUMN usom.tracking_event.package_id IS 'Package that the carrier named; null: the shipment.';
COMMENT ON COLUMN usom.tracking_event.message_id IS 'The carrier''s key of the message; the same again says nothing new. Null: it has none.';
COMMENT ON COLUMN usom.tracking_event.kind IS 'info, in_transit, out_for_delivery, delivered, failed, returning or lost.';
COMMENT ON COLUMN usom.tracking_event.occurred_at IS 'When it happened, by the carrier''s word.';
COMMENT ON COLUMN usom.tracking_event.place IS 'Where.';
COMMENT ON COLUMN usom.tracking_event.note IS 'The carrier''s words; nothing about people.';
COMMENT ON COLUMN usom.tracking_event.counted IS 'Did it change the shipment? Off: it came late, or said nothing new.';
COMMENT ON COLUMN usom.tracking_event.recorded_at IS 'When it came.';

CREATE TRIGGER _memo_changed AFTER INSERT OR UPDATE OR DELETE ON usom.handling_class
	FOR EACH ROW EXECUTE FUNCTION usom._memo_changed();
ALTER TABLE usom.handling_class ENABLE ALWAYS TRIGGER _memo_changed;
-- Rows that replication brings were checked where they came from, so these triggers are not ENABLE ALWAYS.
CREATE TRIGGER usom_handling BEFORE INSERT OR UPDATE ON usom.product
	FOR EACH ROW EXECUTE FUNCTION usom._check_handling('sku');
CREATE TRIGGER usom_handling BEFORE INSERT OR UPDATE ON usom.packaging
	FOR EACH ROW EXECUTE FUNCTION usom._check_handling('code');

SELECT usom._guard_cards('handling_class');
SELECT usom._guard_cards('packaging');
SELECT usom._guard_cards('manifest');
SELECT usom._guard_cards('package');
SELECT usom._guard_cards('gift_wrap');
SELECT usom._guard_cards('tracking_event');
SELECT usom._guard_master('handling_class', 'code');
SELECT usom._guard_master('packaging', 'code');
SELECT usom._guard_kept('manifest', 'usom.close_manifest()');
SELECT usom._guard_kept('package', 'usom.pack() or usom.unpack()');
SELECT usom._guard_kept('gift_wrap', 'usom.wrap_gift()');
SELECT usom._guard_ledger('tracking_event', 'usom.record_tracking()');

SELECT usom._audit_table('handling_class');
SELECT usom._audit_table('packaging');
SELECT usom._audit_table('manifest');
SELECT usom._audit_table('package');
SELECT usom._audit_table('gift_wrap');
SELECT usom._audit_table('tracking_event');
$usom_step$),

(1, 1101, 'returns', $usom_step$
CREATE TABLE usom.return_order (
	org_id bigint NOT NULL,
	return_order_id bigint NOT NULL DEFAULT usom.next_id(),
	return_no text NOT NULL,
	sales_order_id bigint NOT NULL,
	status usom.return_status NOT NULL,
	reason text,
	authorized_at timestamptz NOT NULL DEFAULT now(),
	received_at timestamptz,
	expires_at timestamptz,
	is_blind boolean NOT NULL DEFAULT false,
	exchange_order_id bigint,
	PRIMARY KEY (org_id, return_order_id),
	CONSTRAINT return_order_no_unique UNIQUE (org_id, return_no),
	CONSTRAINT return_order_of_order FOREIGN KEY (org_id, sales_order_id) REFERENCES usom.sales_order ON DELETE RESTRICT ON UPDATE RESTRICT,
	CONSTRAINT return_order_received_iff_dated CHECK ((status IN ('received', 'inspected')) = (received_at IS NOT NULL))
);
CREATE INDEX return_order_by_exchange ON usom.return_order (org_id, exchange_order_id) WHERE exchange_order_id IS NOT NULL;
CREATE INDEX return_order_of_order ON usom.return_order (org_id, sales_order_id);
COMMENT ON TABLE usom.return_order IS 'Leave to send goods back, and what came.';
COMMENT ON COLUMN usom.return_order.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.return_order.return_order_id IS 'Key.';
COMMENT ON COLUMN usom.return_order.return_no IS 'Number for people.';
COMMENT ON COLUMN usom.return_order.sales_order_id IS 'Order.';
COMMENT ON COLUMN usom.return_order.status IS 'requested, authorized, partially_received, received, inspected, refused or cancelled. Requested and refused are decisions, the others follow from the units of the lines.';
COMMENT ON COLUMN usom.return_order.reason IS 'Why the customer sends it back.';
COMMENT ON COLUMN usom.return_order.authorized_at IS 'When it was allowed.';
COMMENT ON COLUMN usom.return_order.received_at IS 'When the last unit came.';
COMMENT ON COLUMN usom.return_order.expires_at IS 'Until when the goods must have come; null: no end. What has not come by then is not expected any more.';
COMMENT ON COLUMN usom.return_order.is_blind IS 'The goods came without leave.';
COMMENT ON COLUMN usom.return_order.exchange_order_id IS 'Order of what the customer gets instead; null: none.';

CREATE TABLE usom.return_line (
	org_id bigint NOT NULL,
	return_order_id bigint NOT NULL,
	line_no integer NOT NULL,
	quantity usom.quantity NOT NULL CONSTRAINT return_line_of_something CHECK (quantity > 0),
	quantity_received usom.quantity NOT NULL DEFAULT 0,
	quantity_accepted usom.quantity NOT NULL DEFAULT 0,
	quantity_rejected usom.quantity NOT NULL DEFAULT 0,
	quantity_given_up usom.quantity NOT NULL DEFAULT 0,
	inspects boolean NOT NULL DEFAULT false,
	disposition text NOT NULL DEFAULT 'restock' CONSTRAINT return_line_disposition_known CHECK (disposition IN ('restock', 'refurbish', 'scrap', 'to_vendor')),
	rule text,
	PRIMARY KEY (org_id, return_order_id, line_no),
	CONSTRAINT return_line_of_return FOREIGN KEY (org_id, return_order_id) REFERENCES usom.return_order ON DELETE RESTRICT ON UPDATE RESTRICT,
	CONSTRAINT return_line_not_over_received CHECK (quantity_received + quantity_given_up <= quantity),
	CONSTRAINT return_line_not_over_inspected CHECK (quantity_accepted + quantity_rejected <= quantity_received),
	CONSTRAINT return_line_waits_only_for_inspection CHECK (inspects OR (quantity_accepted = quantity_received AND quantity_rejected = 0))
);
COMMENT ON TABLE usom.return_line IS 'Units of an order line that may come back, and that came.';
COMMENT ON COLUMN usom.return_line.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.return_line.return_order_id IS 'Return.';
COMMENT ON COLUMN usom.return_line.line_no IS 'Line of the order.';
COMMENT ON COLUMN usom.return_line.quantity IS 'Units authorised.';
COMMENT ON COLUMN usom.return_line.quantity_received IS 'Units that came.';
COMMENT ON COLUMN usom.return_line.quantity_accepted IS 'Units of those that were taken back: returned units of the order.';
COMMENT ON COLUMN usom.return_line.quantity_rejected IS 'Units of those that were not taken back: they go to the customer again.';
COMMENT ON COLUMN usom.return_line.quantity_given_up IS 'Units that will not come: the return, or what was left of it, was cancelled or refused.';
COMMENT ON COLUMN usom.return_line.inspects IS 'Units are taken back when they have been inspected, not when they come.';
COMMENT ON COLUMN usom.return_line.disposition IS 'What becomes of its units, unless the inspection says something else: restock, refurbish, scrap or to_vendor.';
COMMENT ON COLUMN usom.return_line.rule IS 'Code of the return rule that it was judged by; null: none.';

CREATE TABLE usom.return_piece (
	org_id bigint NOT NULL,
	return_order_id bigint NOT NULL,
	line_no integer NOT NULL,
	return_piece_no integer NOT NULL,
	quantity usom.positive_quantity NOT NULL,
	disposition text CONSTRAINT return_piece_disposition_known CHECK (disposition IN ('restock', 'refurbish', 'scrap', 'to_vendor', 'reject')),
	piece_no integer,
	location_id bigint,
	condition text,
	received_at timestamptz NOT NULL,
	inspected_at timestamptz,
	PRIMARY KEY (org_id, return_order_id, line_no, return_piece_no),
	CONSTRAINT return_piece_of_line FOREIGN KEY (org_id, return_order_id, line_no) REFERENCES usom.return_line ON DELETE RESTRICT ON UPDATE RESTRICT,
	CONSTRAINT return_piece_of_piece_iff_taken_back CHECK ((piece_no IS NOT NULL) = (disposition IS NOT NULL AND disposition <> 'reject')),
	CONSTRAINT return_piece_inspected_iff_dated CHECK ((disposition IS NOT NULL) = (inspected_at IS NOT NULL))
);
COMMENT ON TABLE usom.return_piece IS 'Units that came back together, and what became of them.';
COMMENT ON COLUMN usom.return_piece.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.return_piece.return_order_id IS 'Return.';
COMMENT ON COLUMN usom.return_piece.line_no IS 'Line of the return and of the order.';
COMMENT ON COLUMN usom.return_piece.return_piece_no IS 'Counts within the line of the return.';
COMMENT ON COLUMN usom.return_piece.quantity IS 'Units.';
COMMENT ON COLUMN usom.return_piece.disposition IS 'restock, refurbish, scrap, to_vendor or reject; null: they wait for inspection.';
COMMENT ON COLUMN usom.return_piece.piece_no IS 'Piece of the order line that they are; null: not taken back.';
COMMENT ON COLUMN usom.return_piece.location_id IS 'Where they came to; null: where they were shipped from.';
COMMENT ON COLUMN usom.return_piece.condition IS 'What the inspection found, in the words of who did it.';
COMMENT ON COLUMN usom.return_piece.received_at IS 'When they came.';
COMMENT ON COLUMN usom.return_piece.inspected_at IS 'When it was last decided what becomes of them.';

SELECT usom._guard_cards('return_order');
SELECT usom._guard_kept('return_order', 'usom.authorize_return() or usom.receive_return()');
SELECT usom._guard_kept('return_line', 'usom.authorize_return() or usom.receive_return()');
SELECT usom._guard_cards('return_piece');
SELECT usom._guard_kept('return_piece', 'usom.receive_return() or usom.inspect_return()');
SELECT usom._audit_table('return_order');
SELECT usom._audit_table('return_line');
SELECT usom._audit_table('return_piece');
$usom_step$),

(1, 1102, 'returns', $usom_step$
CREATE TABLE usom.return_rule (
	org_id bigint NOT NULL DEFAULT usom.current_org(),
	return_rule_id bigint NOT NULL DEFAULT usom.next_id(),
	code text NOT NULL CONSTRAINT return_rule_code_given CHECK (code <> ''),
	priority integer NOT NULL DEFAULT 100,
	sku text CONSTRAINT return_rule_sku_given CHECK (sku <> ''),
	category text CONSTRAINT return_rule_category_given CHECK (category <> ''),
	channel text CONSTRAINT return_rule_channel_given CHECK (channel <> ''),
	segment text CONSTRAINT return_rule_segment_given CHECK (segment <> ''),
	reason text CONSTRAINT return_rule_reason_given CHECK (reason <> ''),
	days integer CONSTRAINT return_rule_days_sensible CHECK (days BETWEEN 0 AND 36500),
	outcome text NOT NULL DEFAULT 'allow' CONSTRAINT return_rule_outcome_known CHECK (outcome IN ('allow', 'ask', 'refuse')),
	late text NOT NULL DEFAULT 'refuse' CONSTRAINT return_rule_late_known CHECK (late IN ('allow', 'ask', 'refuse')),
	valid_days integer CONSTRAINT return_rule_valid_days_sensible CHECK (valid_days BETWEEN 1 AND 36500),
	inspects boolean NOT NULL DEFAULT false,
	disposition text NOT NULL DEFAULT 'restock' CONSTRAINT return_rule_disposition_known CHECK (disposition IN ('restock', 'refurbish', 'scrap', 'to_vendor')),
	active boolean NOT NULL DEFAULT true,
	created_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (org_id, return_rule_id),
	CONSTRAINT return_rule_code_unique UNIQUE (org_id, code)
);
COMMENT ON TABLE usom.return_rule IS 'What may come back, until when, and what becomes of it. Of the active rules whose conditions all fit a line, the one with the lowest priority counts, of several the first by code; a line that none fits may come back, and is on hand again when it comes. Example: INSERT INTO usom.return_rule (code, category, days, inspects) VALUES (''lamps'', ''lighting'', 30, true);';
COMMENT ON COLUMN usom.return_rule.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.return_rule.return_rule_id IS 'Key.';
COMMENT ON COLUMN usom.return_rule.code IS 'Name that returns show.';
COMMENT ON COLUMN usom.return_rule.priority IS 'Lower is looked at first.';
COMMENT ON COLUMN usom.return_rule.sku IS 'Product; null: any.';
COMMENT ON COLUMN usom.return_rule.category IS 'Category of the product; null: any.';
COMMENT ON COLUMN usom.return_rule.channel IS 'Code of the channel of the order; null: any.';
COMMENT ON COLUMN usom.return_rule.segment IS 'Segment of the customer; null: any, guests too.';
COMMENT ON COLUMN usom.return_rule.reason IS 'Reason that the customer gives, word for word; null: any, and none.';
COMMENT ON COLUMN usom.return_rule.days IS 'Days from delivery in which leave is asked for; null: no end. Units that are not delivered yet are in time.';
COMMENT ON COLUMN usom.return_rule.outcome IS 'allow: leave is given; ask: somebody decides, with approve_return() or refuse_return(); refuse: no return.';
COMMENT ON COLUMN usom.return_rule.late IS 'The same for units whose days are over; the stricter of the two counts.';
COMMENT ON COLUMN usom.return_rule.valid_days IS 'Days in which the goods must come once leave is given; null: no end.';
COMMENT ON COLUMN usom.return_rule.inspects IS 'On: units are taken back, and refunded, when inspect_return() says so. Off: when they come.';
COMMENT ON COLUMN usom.return_rule.disposition IS 'What becomes of units: restock (on hand again), refurbish, scrap, to_vendor. An inspection may say something else.';
COMMENT ON COLUMN usom.return_rule.active IS 'Off: fits nothing.';
COMMENT ON COLUMN usom.return_rule.created_at IS 'When the row was made.';
CREATE TRIGGER _memo_changed AFTER INSERT OR UPDATE OR DELETE ON usom.return_rule
	FOR EACH ROW EXECUTE FUNCTION usom._memo_changed();
ALTER TABLE usom.return_rule ENABLE ALWAYS TRIGGER _memo_changed;

SELECT usom._guard_cards('return_rule');
SELECT usom._guard_master('return_rule', 'code');
SELECT usom._audit_table('return_rule');
$usom_step$),

(1, 1201, 'api', $usom_step$
CREATE TRIGGER usom_order_inserted AFTER INSERT ON usom.sales_order REFERENCING NEW TABLE AS newer
	FOR EACH STATEMENT EXECUTE FUNCTION usom._order_written();
CREATE TRIGGER usom_order_updated AFTER UPDATE ON usom.sales_order REFERENCING OLD TABLE AS older NEW TABLE AS newer
	FOR EACH STATEMENT EXECUTE FUNCTION usom._order_written();
ALTER TABLE usom.sales_order ENABLE ALWAYS TRIGGER usom_order_inserted, ENABLE ALWAYS TRIGGER usom_order_updated;

CREATE TRIGGER usom_switch_counter BEFORE UPDATE ON usom.document_counter
	FOR EACH ROW WHEN (OLD.gap_free IS DISTINCT FROM NEW.gap_free) EXECUTE FUNCTION usom.switch_counter();

CREATE TABLE usom.allocation_run (
	org_id bigint NOT NULL,
	allocation_run_id bigint NOT NULL DEFAULT usom.next_id(),
	filter jsonb NOT NULL,
	batch_size integer NOT NULL CONSTRAINT allocation_run_batch_sane CHECK (batch_size BETWEEN 1 AND 10000),
	orders bigint NOT NULL DEFAULT 0 CONSTRAINT allocation_run_orders_not_negative CHECK (orders >= 0),
	orders_done bigint NOT NULL DEFAULT 0,
	units usom.quantity NOT NULL DEFAULT 0,
	reached_priority integer,
	reached_placed_at timestamptz,
	reached_key bigint,
	started_at timestamptz NOT NULL DEFAULT now(),
	started_by text NOT NULL DEFAULT session_user,
	worked_at timestamptz NOT NULL DEFAULT now(),
	ended_at timestamptz,
	PRIMARY KEY (org_id, allocation_run_id),
	CONSTRAINT allocation_run_does_not_pass_its_end CHECK (orders_done BETWEEN 0 AND orders),
	CONSTRAINT allocation_run_reached_whole_key CHECK ((reached_key IS NULL) = (reached_priority IS NULL) AND (reached_key IS NULL) = (reached_placed_at IS NULL)),
	CONSTRAINT allocation_run_ended_iff_done CHECK ((ended_at IS NOT NULL) = (orders_done = orders))
);
CREATE INDEX allocation_run_unfinished ON usom.allocation_run (org_id, allocation_run_id) WHERE ended_at IS NULL;
COMMENT ON TABLE usom.allocation_run IS 'Runs of usom.allocate_orders() and how far they are. Who works on a run has its row locked until the chunk commits.';
COMMENT ON COLUMN usom.allocation_run.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.allocation_run.allocation_run_id IS 'Key.';
COMMENT ON COLUMN usom.allocation_run.filter IS 'Which orders, as given.';
COMMENT ON COLUMN usom.allocation_run.batch_size IS 'Orders of a chunk, planned together and committed.';
COMMENT ON COLUMN usom.allocation_run.orders IS 'How many there were when it began, or was taken up again.';
COMMENT ON COLUMN usom.allocation_run.orders_done IS 'How many of them are done.';
COMMENT ON COLUMN usom.allocation_run.units IS 'Units that got stock.';
COMMENT ON COLUMN usom.allocation_run.reached_priority IS 'Priority of the order that was done last; null: none yet.';
COMMENT ON COLUMN usom.allocation_run.reached_placed_at IS 'When that order was placed.';
COMMENT ON COLUMN usom.allocation_run.reached_key IS 'Its key.';
COMMENT ON COLUMN usom.allocation_run.started_at IS 'When it began.';
COMMENT ON COLUMN usom.allocation_run.started_by IS 'Session user who began it.';
COMMENT ON COLUMN usom.allocation_run.worked_at IS 'When its last chunk was committed.';
COMMENT ON COLUMN usom.allocation_run.ended_at IS 'When it was done; null: it goes on, or was broken off.';

CREATE VIEW usom.allocation_runs WITH (security_invoker = true) AS
SELECT r.allocation_run_id AS run, r.filter, r.batch_size, r.orders, r.orders_done,
	CASE WHEN r.orders > 0 THEN (100 * r.orders_done / r.orders)::integer ELSE 100 END AS percent,
	trim_scale(r.units) AS units, r.started_at, r.started_by, r.worked_at, r.ended_at
FROM usom.allocation_run r
WHERE r.org_id = usom.current_org();
COMMENT ON VIEW usom.allocation_runs IS 'Runs of usom.allocate_orders() of the caller''s organisation and how far they are.';
COMMENT ON COLUMN usom.allocation_runs.run IS 'What allocate_orders(resume => ...) takes.';
COMMENT ON COLUMN usom.allocation_runs.filter IS 'Which orders.';
COMMENT ON COLUMN usom.allocation_runs.batch_size IS 'Orders of a chunk.';
COMMENT ON COLUMN usom.allocation_runs.orders IS 'How many orders there are to do.';
COMMENT ON COLUMN usom.allocation_runs.orders_done IS 'How many are done.';
COMMENT ON COLUMN usom.allocation_runs.percent IS 'The same in percent, rounded down.';
COMMENT ON COLUMN usom.allocation_runs.units IS 'Units that got stock.';
COMMENT ON COLUMN usom.allocation_runs.started_at IS 'When it began.';
COMMENT ON COLUMN usom.allocation_runs.started_by IS 'Session user who began it.';
COMMENT ON COLUMN usom.allocation_runs.worked_at IS 'When its last chunk was committed.';
COMMENT ON COLUMN usom.allocation_runs.ended_at IS 'When it was done; null: it goes on, or was broken off.';

SELECT usom._guard_cards('allocation_run');
SELECT usom._guard_kept('allocation_run', 'usom.allocate_orders()');
SELECT usom._audit_table('allocation_run');

CREATE TABLE usom.make_order (
	org_id bigint NOT NULL,
	make_order_id bigint NOT NULL DEFAULT usom.next_id(),
	make_no text NOT NULL,
	sales_order_id bigint NOT NULL,
	line_no integer NOT NULL,
	product_id bigint NOT NULL,
	location_id bigint NOT NULL,
	quantity usom.positive_quantity NOT NULL,
	due_at timestamptz,
	status text NOT NULL CONSTRAINT make_order_status_known CHECK (status IN ('requested', 'engineering', 'approved', 'in_production', 'received', 'cancelled')),
	note text,
	supply_id bigint,
	requested_at timestamptz NOT NULL DEFAULT now(),
	requested_by text NOT NULL DEFAULT session_user,
	approved_at timestamptz,
	approved_by text,
	started_at timestamptz,
	ended_at timestamptz,
	PRIMARY KEY (org_id, make_order_id),
	CONSTRAINT make_order_no_unique UNIQUE (org_id, make_no),
	CONSTRAINT make_order_approved_iff_by CHECK ((approved_at IS NULL) = (approved_by IS NULL)),
	CONSTRAINT make_order_started_iff_supply CHECK ((started_at IS NULL) = (supply_id IS NULL)),
	CONSTRAINT make_order_started_if_in_production CHECK (status NOT IN ('in_production', 'received') OR started_at IS NOT NULL),
	CONSTRAINT make_order_ended_iff_over CHECK ((status IN ('received', 'cancelled')) = (ended_at IS NOT NULL))
);
CREATE INDEX make_order_of_line ON usom.make_order (org_id, sales_order_id, line_no);
COMMENT ON TABLE usom.make_order IS 'What is made for an order line: requested, or approved by engineering first, then in production with a supply of its own, then received.';
COMMENT ON COLUMN usom.make_order.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.make_order.make_order_id IS 'Key.';
COMMENT ON COLUMN usom.make_order.make_no IS 'Number for people.';
COMMENT ON COLUMN usom.make_order.sales_order_id IS 'Order.';
COMMENT ON COLUMN usom.make_order.line_no IS 'Line.';
COMMENT ON COLUMN usom.make_order.product_id IS 'Product.';
COMMENT ON COLUMN usom.make_order.location_id IS 'Where it is made and received.';
COMMENT ON COLUMN usom.make_order.quantity IS 'Units.';
COMMENT ON COLUMN usom.make_order.due_at IS 'When it is needed; null: not said.';
COMMENT ON COLUMN usom.make_order.status IS 'requested, engineering, approved, in_production, received or cancelled.';
COMMENT ON COLUMN usom.make_order.note IS 'What engineering decided, or why it was cancelled.';
COMMENT ON COLUMN usom.make_order.supply_id IS 'Supply that its production is; null: not begun.';
COMMENT ON COLUMN usom.make_order.requested_at IS 'When it was asked for.';
COMMENT ON COLUMN usom.make_order.requested_by IS 'Session user who did.';
COMMENT ON COLUMN usom.make_order.approved_at IS 'When engineering approved it; null: it has not, or need not.';
COMMENT ON COLUMN usom.make_order.approved_by IS 'Session user who did.';
COMMENT ON COLUMN usom.make_order.started_at IS 'When production began.';
COMMENT ON COLUMN usom.make_order.ended_at IS 'When it was received to its end, or cancelled.';

CREATE VIEW usom.make_orders WITH (security_invoker = true) AS
SELECT m.make_no, o.order_no, m.line_no, p.sku, l.code AS location, trim_scale(m.quantity) AS quantity, m.due_at, m.status, m.note,
	s.supply_no, trim_scale(s.received) AS received, s.expected_at, m.requested_at, m.requested_by, m.approved_at, m.approved_by,
	m.started_at, m.ended_at
FROM usom.make_order m
JOIN usom.sales_order o ON o.org_id = m.org_id AND o.sales_order_id = m.sales_order_id
JOIN usom.product p ON p.org_id = m.org_id AND p.product_id = m.product_id
JOIN usom.location l ON l.org_id = m.org_id AND l.location_id = m.location_id
LEFT JOIN usom.supply s ON s.org_id = m.org_id AND s.supply_id = m.supply_id
WHERE m.org_id = usom.current_org();
COMMENT ON VIEW usom.make_orders IS 'What is made for order lines of the caller''s organisation.';
COMMENT ON COLUMN usom.make_orders.make_no IS 'Number.';
COMMENT ON COLUMN usom.make_orders.order_no IS 'Order.';
COMMENT ON COLUMN usom.make_orders.line_no IS 'Line.';
COMMENT ON COLUMN usom.make_orders.sku IS 'Product.';
COMMENT ON COLUMN usom.make_orders.location IS 'Where it is made and received.';
COMMENT ON COLUMN usom.make_orders.quantity IS 'Units.';
COMMENT ON COLUMN usom.make_orders.due_at IS 'When it is needed.';
COMMENT ON COLUMN usom.make_orders.status IS 'requested, engineering, approved, in_production, received or cancelled.';
COMMENT ON COLUMN usom.make_orders.note IS 'What engineering decided, or why it was cancelled.';
COMMENT ON COLUMN usom.make_orders.supply_no IS 'Supply that its production is.';
COMMENT ON COLUMN usom.make_orders.received IS 'Units that came from production.';
COMMENT ON COLUMN usom.make_orders.expected_at IS 'When the rest is expected.';
COMMENT ON COLUMN usom.make_orders.requested_at IS 'When it was asked for.';
COMMENT ON COLUMN usom.make_orders.requested_by IS 'By whom.';
COMMENT ON COLUMN usom.make_orders.approved_at IS 'When engineering approved it.';
COMMENT ON COLUMN usom.make_orders.approved_by IS 'Who did.';
COMMENT ON COLUMN usom.make_orders.started_at IS 'When production began.';
COMMENT ON COLUMN usom.make_orders.ended_at IS 'When it was received to its end, or cancelled.';

SELECT usom._guard_cards('make_order');
SELECT usom._guard_kept('make_order', 'usom.request_make()');
SELECT usom._audit_table('make_order');
-- Who gets scarce stock: how backorders are filled, and the variants of
-- backorder_run() with their segments.
CREATE TABLE usom.fill_priority (
	org_id bigint NOT NULL DEFAULT usom.current_org(),
	rank usom.ordinal NOT NULL,
	expression text NOT NULL CONSTRAINT fill_priority_expression_known CHECK (usom._is_sort_expression(expression)),
	direction text NOT NULL DEFAULT 'asc' CONSTRAINT fill_priority_direction_known CHECK (direction IN ('asc', 'desc')),
	listed text[],
	PRIMARY KEY (org_id, rank),
	CONSTRAINT fill_priority_listed_iff_codes CHECK (usom._is_listed_right(expression, listed))
);
COMMENT ON TABLE usom.fill_priority IS 'Which backorder is filled first when stock comes: compared by these rows in the order of rank, then by the age of the order. Without rows: by priority, then by placed_at.';
COMMENT ON COLUMN usom.fill_priority.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.fill_priority.rank IS 'Lower is compared first.';
COMMENT ON COLUMN usom.fill_priority.expression IS 'priority, placed_at (age), requested_at, value (total of the order), or channel, segment, service_level by their place in listed.';
COMMENT ON COLUMN usom.fill_priority.direction IS 'asc: the least first; desc: the most.';
COMMENT ON COLUMN usom.fill_priority.listed IS 'Codes of channels, segments or service levels, the first one first; others come after them.';

CREATE TABLE usom.backorder_variant (
	org_id bigint NOT NULL DEFAULT usom.current_org(),
	code text NOT NULL CONSTRAINT backorder_variant_code_given CHECK (code <> ''),
	name text,
	skus text[] CONSTRAINT backorder_variant_skus_not_empty CHECK (cardinality(skus) > 0 AND array_position(skus, NULL) IS NULL),
	categories text[] CONSTRAINT backorder_variant_categories_not_empty CHECK (cardinality(categories) > 0 AND array_position(categories, NULL) IS NULL),
	on_exception text NOT NULL DEFAULT 'stop_item' CONSTRAINT backorder_variant_on_exception_known CHECK (on_exception IN ('stop_item', 'stop_run')),
	fallback text,
	created_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (org_id, code),
	CONSTRAINT backorder_variant_fallback_of_item CHECK (fallback IS NULL OR on_exception = 'stop_item')
);
COMMENT ON TABLE usom.backorder_variant IS 'A way to deal scarce stock out again: what backorder_run() is told. Its segments say which lines are treated how.';
COMMENT ON COLUMN usom.backorder_variant.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.backorder_variant.code IS 'What backorder_run() names.';
COMMENT ON COLUMN usom.backorder_variant.name IS 'Name for people.';
COMMENT ON COLUMN usom.backorder_variant.skus IS 'Products it is about; null: any.';
COMMENT ON COLUMN usom.backorder_variant.categories IS 'Categories of products it is about; null: any.';
COMMENT ON COLUMN usom.backorder_variant.on_exception IS 'What happens when a line cannot have what its strategy promises: stop_item leaves its product as it is (or to fallback), stop_run leaves everything as it is.';
COMMENT ON COLUMN usom.backorder_variant.fallback IS 'Code of the variant that a product is left to after an exception; null: none.';
COMMENT ON COLUMN usom.backorder_variant.created_at IS 'When the row was made.';

CREATE TABLE usom.backorder_segment (
	org_id bigint NOT NULL DEFAULT usom.current_org(),
	variant text NOT NULL,
	rank usom.ordinal NOT NULL,
	name text,
	strategy text NOT NULL CONSTRAINT backorder_segment_strategy_known
		CHECK (strategy IN ('win', 'gain', 'improve', 'redistribute', 'fill', 'lose', 'skip')),
	channels text[] CONSTRAINT backorder_segment_channels_not_empty CHECK (cardinality(channels) > 0 AND array_position(channels, NULL) IS NULL),
	customers text[] CONSTRAINT backorder_segment_customers_not_empty CHECK (cardinality(customers) > 0 AND array_position(customers, NULL) IS NULL),
	segments text[] CONSTRAINT backorder_segment_segments_not_empty CHECK (cardinality(segments) > 0 AND array_position(segments, NULL) IS NULL),
	order_types text[] CONSTRAINT backorder_segment_order_types_not_empty CHECK (cardinality(order_types) > 0 AND array_position(order_types, NULL) IS NULL),
	countries text[] CONSTRAINT backorder_segment_countries_not_empty CHECK (cardinality(countries) > 0 AND array_position(countries, NULL) IS NULL),
	skus text[] CONSTRAINT backorder_segment_skus_not_empty CHECK (cardinality(skus) > 0 AND array_position(skus, NULL) IS NULL),
	categories text[] CONSTRAINT backorder_segment_categories_not_empty CHECK (cardinality(categories) > 0 AND array_position(categories, NULL) IS NULL),
	priority_from integer,
	priority_to integer,
	placed_from timestamptz,
	placed_before timestamptz,
	PRIMARY KEY (org_id, variant, rank),
	CONSTRAINT backorder_segment_of_variant FOREIGN KEY (org_id, variant) REFERENCES usom.backorder_variant ON DELETE RESTRICT ON UPDATE RESTRICT,
	CONSTRAINT backorder_segment_priorities_in_order CHECK (priority_from <= priority_to),
	CONSTRAINT backorder_segment_dates_in_order CHECK (placed_from < placed_before)
);
COMMENT ON TABLE usom.backorder_segment IS 'Lines that a variant treats alike: each belongs to the first segment by rank whose filters it passes. Lines of no segment are left as they are.';
COMMENT ON COLUMN usom.backorder_segment.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.backorder_segment.variant IS 'Code of the variant.';
COMMENT ON COLUMN usom.backorder_segment.rank IS 'Lower is asked first, and served first within a strategy.';
COMMENT ON COLUMN usom.backorder_segment.name IS 'Name for people.';
COMMENT ON COLUMN usom.backorder_segment.strategy IS 'win, gain, improve, redistribute, fill, lose or skip, carried out in this order: see backorder_run().';
COMMENT ON COLUMN usom.backorder_segment.channels IS 'Codes of channels of the order; null: any.';
COMMENT ON COLUMN usom.backorder_segment.customers IS 'Codes of customers of the order; null: any, guests too.';
COMMENT ON COLUMN usom.backorder_segment.segments IS 'Segments of the customer; null: any.';
COMMENT ON COLUMN usom.backorder_segment.order_types IS 'Types of the order; null: any.';
COMMENT ON COLUMN usom.backorder_segment.countries IS 'ISO 3166 codes of two letters of the address; null: any.';
COMMENT ON COLUMN usom.backorder_segment.skus IS 'Products of the line; null: any.';
COMMENT ON COLUMN usom.backorder_segment.categories IS 'Categories of the product of the line; null: any.';
COMMENT ON COLUMN usom.backorder_segment.priority_from IS 'Priority of the order at least; null: any.';
COMMENT ON COLUMN usom.backorder_segment.priority_to IS 'Priority of the order at most; null: any.';
COMMENT ON COLUMN usom.backorder_segment.placed_from IS 'Placed then or later; null: any.';
COMMENT ON COLUMN usom.backorder_segment.placed_before IS 'Placed before; null: any.';

CREATE TABLE usom.backorder_sort (
	org_id bigint NOT NULL DEFAULT usom.current_org(),
	variant text NOT NULL,
	segment_rank usom.ordinal NOT NULL,
	rank usom.ordinal NOT NULL,
	expression text NOT NULL CONSTRAINT backorder_sort_expression_known CHECK (usom._is_sort_expression(expression)),
	direction text NOT NULL DEFAULT 'asc' CONSTRAINT backorder_sort_direction_known CHECK (direction IN ('asc', 'desc')),
	listed text[],
	PRIMARY KEY (org_id, variant, segment_rank, rank),
	CONSTRAINT backorder_sort_of_segment FOREIGN KEY (org_id, variant, segment_rank) REFERENCES usom.backorder_segment ON DELETE RESTRICT ON UPDATE RESTRICT,
	CONSTRAINT backorder_sort_listed_iff_codes CHECK (usom._is_listed_right(expression, listed))
);
COMMENT ON TABLE usom.backorder_sort IS 'Which line of a segment comes first: compared by these rows in the order of rank, then by the age of the order. Without rows: by priority, then by placed_at.';
COMMENT ON COLUMN usom.backorder_sort.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.backorder_sort.variant IS 'Code of the variant.';
COMMENT ON COLUMN usom.backorder_sort.segment_rank IS 'Rank of the segment.';
COMMENT ON COLUMN usom.backorder_sort.rank IS 'Lower is compared first.';
COMMENT ON COLUMN usom.backorder_sort.expression IS 'priority, placed_at (age), requested_at, value (total of the order), or channel, segment, service_level by their place in listed. The present promise is not among them: the run itself moves it.';
COMMENT ON COLUMN usom.backorder_sort.direction IS 'asc: the least first; desc: the most.';
COMMENT ON COLUMN usom.backorder_sort.listed IS 'Codes of channels, segments or service levels, the first one first; others come after them.';

CREATE TABLE usom.backorder_run (
	org_id bigint NOT NULL,
	backorder_run_id bigint NOT NULL,
	run_no text NOT NULL,
	variant text NOT NULL,
	simulated boolean NOT NULL,
	status text NOT NULL CONSTRAINT backorder_run_status_known CHECK (status IN ('done', 'stopped')),
	items integer NOT NULL,
	items_changed integer NOT NULL,
	lines_changed integer NOT NULL,
	orders_changed integer NOT NULL,
	exceptions jsonb NOT NULL,
	actor text NOT NULL DEFAULT session_user,
	app_user text,
	run_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (org_id, backorder_run_id),
	CONSTRAINT backorder_run_no_unique UNIQUE (org_id, run_no)
);
COMMENT ON TABLE usom.backorder_run IS 'Each backorder_run(), simulated ones too. Append-only.';
COMMENT ON COLUMN usom.backorder_run.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.backorder_run.backorder_run_id IS 'Key.';
COMMENT ON COLUMN usom.backorder_run.run_no IS 'Number of the run.';
COMMENT ON COLUMN usom.backorder_run.variant IS 'Code of the variant that was asked for.';
COMMENT ON COLUMN usom.backorder_run.simulated IS 'True: nothing was changed.';
COMMENT ON COLUMN usom.backorder_run.status IS 'done, or stopped by an exception before anything was changed.';
COMMENT ON COLUMN usom.backorder_run.items IS 'Products looked at.';
COMMENT ON COLUMN usom.backorder_run.items_changed IS 'Products dealt out otherwise.';
COMMENT ON COLUMN usom.backorder_run.lines_changed IS 'Lines with a row in backorder_change.';
COMMENT ON COLUMN usom.backorder_run.orders_changed IS 'Orders of these lines.';
COMMENT ON COLUMN usom.backorder_run.exceptions IS 'What could not be promised: an array of {sku, order_no, line_no, variant, strategy, wanted, possible}.';
COMMENT ON COLUMN usom.backorder_run.actor IS 'Session user.';
COMMENT ON COLUMN usom.backorder_run.app_user IS 'Application user, as claimed by usom.app_user.';
COMMENT ON COLUMN usom.backorder_run.run_at IS 'Time of the transaction.';

CREATE TABLE usom.backorder_change (
	org_id bigint NOT NULL,
	backorder_run_id bigint NOT NULL,
	sales_order_id bigint NOT NULL,
	line_no integer NOT NULL,
	product_id bigint NOT NULL,
	variant text NOT NULL,
	segment_rank integer NOT NULL,
	strategy text NOT NULL,
	quantity_wanted numeric NOT NULL,
	quantity_before numeric NOT NULL,
	quantity_after numeric NOT NULL,
	promised_before timestamptz,
	promised_after timestamptz,
	reason text NOT NULL,
	PRIMARY KEY (org_id, backorder_run_id, sales_order_id, line_no)
);
COMMENT ON TABLE usom.backorder_change IS 'What a backorder_run() changed, or would change: a row for each line. Append-only.';
COMMENT ON COLUMN usom.backorder_change.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.backorder_change.backorder_run_id IS 'Run.';
COMMENT ON COLUMN usom.backorder_change.sales_order_id IS 'Order.';
COMMENT ON COLUMN usom.backorder_change.line_no IS 'Line.';
COMMENT ON COLUMN usom.backorder_change.product_id IS 'Product.';
COMMENT ON COLUMN usom.backorder_change.variant IS 'Variant that decided: the one asked for, or a fallback.';
COMMENT ON COLUMN usom.backorder_change.segment_rank IS 'Segment of the line.';
COMMENT ON COLUMN usom.backorder_change.strategy IS 'Strategy of the segment.';
COMMENT ON COLUMN usom.backorder_change.quantity_wanted IS 'Units that the line has or waits for, as far as the run may touch them.';
COMMENT ON COLUMN usom.backorder_change.quantity_before IS 'Units reserved, or promised from supply, before.';
COMMENT ON COLUMN usom.backorder_change.quantity_after IS 'The same after.';
COMMENT ON COLUMN usom.backorder_change.promised_before IS 'When the last of the units before was promised; null: there were none.';
COMMENT ON COLUMN usom.backorder_change.promised_after IS 'When the last of the units after is promised; null: there are none.';
COMMENT ON COLUMN usom.backorder_change.reason IS 'Why, in words.';

CREATE TRIGGER usom_variant BEFORE INSERT OR UPDATE ON usom.backorder_variant
	FOR EACH ROW EXECUTE FUNCTION usom._check_backorder_variant();
CREATE TRIGGER usom_segment BEFORE INSERT OR UPDATE ON usom.backorder_segment
	FOR EACH ROW EXECUTE FUNCTION usom._check_backorder_segment();

CREATE VIEW usom.backorder_runs WITH (security_invoker = true) AS
SELECT r.run_no, r.variant, r.simulated, r.status, r.items, r.items_changed, r.lines_changed, r.orders_changed, r.exceptions, r.actor, r.app_user, r.run_at
FROM usom.backorder_run r
WHERE r.org_id = usom.current_org();
COMMENT ON VIEW usom.backorder_runs IS 'The backorder runs of the caller''s organisation, simulated ones too.';
COMMENT ON COLUMN usom.backorder_runs.run_no IS 'Number of the run.';
COMMENT ON COLUMN usom.backorder_runs.variant IS 'Code of the variant that was asked for.';
COMMENT ON COLUMN usom.backorder_runs.simulated IS 'True: nothing was changed.';
COMMENT ON COLUMN usom.backorder_runs.status IS 'done, or stopped by an exception before anything was changed.';
COMMENT ON COLUMN usom.backorder_runs.items IS 'Products looked at.';
COMMENT ON COLUMN usom.backorder_runs.items_changed IS 'Products dealt out otherwise.';
COMMENT ON COLUMN usom.backorder_runs.lines_changed IS 'Lines with a row in usom.backorder_changes.';
COMMENT ON COLUMN usom.backorder_runs.orders_changed IS 'Orders of these lines.';
COMMENT ON COLUMN usom.backorder_runs.exceptions IS 'What could not be promised: an array of {sku, order_no, line_no, variant, strategy, wanted, possible}.';
COMMENT ON COLUMN usom.backorder_runs.actor IS 'Session user.';
COMMENT ON COLUMN usom.backorder_runs.app_user IS 'Application user, as claimed by usom.app_user.';
COMMENT ON COLUMN usom.backorder_runs.run_at IS 'Time of the transaction.';

CREATE VIEW usom.backorder_changes WITH (security_invoker = true) AS
SELECT r.run_no, o.order_no, c.line_no, p.sku, c.variant, c.segment_rank, c.strategy, trim_scale(c.quantity_wanted) AS quantity_wanted,
	trim_scale(c.quantity_before) AS quantity_before, trim_scale(c.quantity_after) AS quantity_after, c.promised_before, c.promised_after,
	c.reason, r.simulated
FROM usom.backorder_change c
JOIN usom.backorder_run r ON r.org_id = c.org_id AND r.backorder_run_id = c.backorder_run_id
JOIN usom.sales_order o ON o.org_id = c.org_id AND o.sales_order_id = c.sales_order_id
JOIN usom.product p ON p.org_id = c.org_id AND p.product_id = c.product_id
WHERE c.org_id = usom.current_org();
COMMENT ON VIEW usom.backorder_changes IS 'What backorder runs of the caller''s organisation changed, or would change: a row for each line.';
COMMENT ON COLUMN usom.backorder_changes.run_no IS 'Number of the run.';
COMMENT ON COLUMN usom.backorder_changes.order_no IS 'Order.';
COMMENT ON COLUMN usom.backorder_changes.line_no IS 'Line.';
COMMENT ON COLUMN usom.backorder_changes.sku IS 'Product.';
COMMENT ON COLUMN usom.backorder_changes.variant IS 'Variant that decided: the one asked for, or a fallback.';
COMMENT ON COLUMN usom.backorder_changes.segment_rank IS 'Segment of the line.';
COMMENT ON COLUMN usom.backorder_changes.strategy IS 'Strategy of the segment.';
COMMENT ON COLUMN usom.backorder_changes.quantity_wanted IS 'Units that the line has or waits for, as far as the run may touch them.';
COMMENT ON COLUMN usom.backorder_changes.quantity_before IS 'Units reserved, or promised from supply, before.';
COMMENT ON COLUMN usom.backorder_changes.quantity_after IS 'The same after.';
COMMENT ON COLUMN usom.backorder_changes.promised_before IS 'When the last of the units before was promised; null: there were none.';
COMMENT ON COLUMN usom.backorder_changes.promised_after IS 'When the last of the units after is promised; null: there are none.';
COMMENT ON COLUMN usom.backorder_changes.reason IS 'Why, in words.';
COMMENT ON COLUMN usom.backorder_changes.simulated IS 'True: nothing was changed.';

SELECT usom._guard_cards('fill_priority');
SELECT usom._guard_cards('backorder_variant');
SELECT usom._guard_cards('backorder_segment');
SELECT usom._guard_cards('backorder_sort');
SELECT usom._guard_master('backorder_variant', 'code');
SELECT usom._guard_ledger('backorder_run', 'usom.backorder_run()');
SELECT usom._guard_ledger('backorder_change', 'usom.backorder_run()');

SELECT usom._audit_table('fill_priority');
SELECT usom._audit_table('backorder_variant');
SELECT usom._audit_table('backorder_segment');
SELECT usom._audit_table('backorder_sort');
SELECT usom._audit_table('backorder_run');
SELECT usom._audit_table('backorder_change');

CREATE VIEW usom.price_steps WITH (security_invoker = true) AS
SELECT o.order_no, s.version, s.step_no, s.line_no, s.step, s.rule, trim_scale(s.unit_price) AS unit_price,
	trim_scale(s.before) AS before, trim_scale(s.after) AS after, trim_scale(s.after - coalesce(s.before, 0)) AS change,
	o.currency::text AS currency, s.reason,
	s.version = (SELECT max(m.version) FROM usom.price_step m WHERE m.org_id = s.org_id AND m.sales_order_id = s.sales_order_id) AS counts
FROM usom.price_step s
JOIN usom.sales_order o ON o.org_id = s.org_id AND o.sales_order_id = s.sales_order_id
WHERE s.org_id = usom.current_org();
COMMENT ON VIEW usom.price_steps IS 'How the amounts of the orders of the caller''s organisation came about: each step that set or changed the amount of a line. usom.explain_price() shows an order as it counts.';
COMMENT ON COLUMN usom.price_steps.order_no IS 'Order.';
COMMENT ON COLUMN usom.price_steps.version IS 'Version of the order that was priced.';
COMMENT ON COLUMN usom.price_steps.step_no IS 'Number of the step.';
COMMENT ON COLUMN usom.price_steps.line_no IS 'Line.';
COMMENT ON COLUMN usom.price_steps.step IS 'document, list, contract, break, promotion, coupon, manual, freight or tax.';
COMMENT ON COLUMN usom.price_steps.rule IS 'Which contract, minimum, promotion, coupon or rate.';
COMMENT ON COLUMN usom.price_steps.unit_price IS 'Price of one unit from this step on; null: it stays.';
COMMENT ON COLUMN usom.price_steps.before IS 'Amount of the whole line before; null: there was none.';
COMMENT ON COLUMN usom.price_steps.after IS 'Amount of the whole line after.';
COMMENT ON COLUMN usom.price_steps.change IS 'What the step added; less than zero: took off.';
COMMENT ON COLUMN usom.price_steps.currency IS 'ISO 4217 code of the amounts.';
COMMENT ON COLUMN usom.price_steps.reason IS 'Why, in words.';
COMMENT ON COLUMN usom.price_steps.counts IS 'True: of the version that was priced last.';

CREATE TABLE usom.check_rule (
	org_id bigint NOT NULL DEFAULT usom.current_org(),
	check_rule_id bigint NOT NULL DEFAULT usom.next_id(),
	check_code text NOT NULL,
	channel text,
	customer text,
	severity text NOT NULL DEFAULT 'warn' CONSTRAINT check_rule_severity_known CHECK (severity IN ('off', 'warn', 'hold', 'refuse')),
	hold_type text CONSTRAINT check_rule_hold_type_given CHECK (hold_type <> ''),
	hold_for interval CONSTRAINT check_rule_hold_for_positive CHECK (hold_for > interval '0'),
	looks_at text[] NOT NULL DEFAULT ARRAY['place', 'submit', 'change'] CONSTRAINT check_rule_looks_at_known
		CHECK (looks_at <@ ARRAY['place', 'submit', 'change', 'confirm', 'release', 'ship'] AND looks_at <> '{}'),
	parameters jsonb NOT NULL DEFAULT '{}',
	active boolean NOT NULL DEFAULT true,
	version integer NOT NULL DEFAULT 1,
	created_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (org_id, check_rule_id),
	CONSTRAINT check_rule_one_of_a_kind UNIQUE NULLS NOT DISTINCT (org_id, check_code, channel, customer)
);
COMMENT ON TABLE usom.check_rule IS 'How a check that usom knows (usom.checks()) is taken: off, warn, hold or refuse, for all, a channel, a customer, or both; the most specific active row counts. Written by plain SQL; older versions stand in the audit.';
COMMENT ON COLUMN usom.check_rule.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.check_rule.check_rule_id IS 'Key.';
COMMENT ON COLUMN usom.check_rule.check_code IS 'Check, one of usom.checks().';
COMMENT ON COLUMN usom.check_rule.channel IS 'Code of the channel of the order; null: any.';
COMMENT ON COLUMN usom.check_rule.customer IS 'Code of the customer of the order; null: any, guests too.';
COMMENT ON COLUMN usom.check_rule.severity IS 'off: not looked at; warn: said in the messages; hold: the order is put on hold; refuse: the order is refused (US804).';
COMMENT ON COLUMN usom.check_rule.hold_type IS 'Type of the holds it places; null: that of the check.';
COMMENT ON COLUMN usom.check_rule.hold_for IS 'How long its holds stand; null: until they are released.';
COMMENT ON COLUMN usom.check_rule.looks_at IS 'When it looks: place, submit (of a draft), change, confirm, release, ship.';
COMMENT ON COLUMN usom.check_rule.parameters IS 'What the check compares with, see usom.checks().';
COMMENT ON COLUMN usom.check_rule.active IS 'Off: the row does not count, and a less specific one may.';
COMMENT ON COLUMN usom.check_rule.version IS 'Counts the changes of the row; what check_hit names.';
COMMENT ON COLUMN usom.check_rule.created_at IS 'When the row was made.';
CREATE TRIGGER usom_rule BEFORE INSERT OR UPDATE ON usom.check_rule
	FOR EACH ROW EXECUTE FUNCTION usom._check_check_rule();

CREATE TABLE usom.product_restriction (
	org_id bigint NOT NULL DEFAULT usom.current_org(),
	product_restriction_id bigint NOT NULL DEFAULT usom.next_id(),
	sku text,
	category text CONSTRAINT product_restriction_category_given CHECK (category <> ''),
	channel text,
	country text CONSTRAINT product_restriction_country_iso CHECK (country ~ '^[A-Z]{2}$'),
	valid_from timestamptz NOT NULL DEFAULT '-infinity',
	valid_to timestamptz NOT NULL DEFAULT 'infinity',
	reason text,
	PRIMARY KEY (org_id, product_restriction_id),
	CONSTRAINT product_restriction_one_of_a_kind UNIQUE NULLS NOT DISTINCT (org_id, sku, category, channel, country, valid_from),
	CONSTRAINT product_restriction_sku_or_category CHECK (num_nonnulls(sku, category) = 1),
	CONSTRAINT product_restriction_valid_to_after_from CHECK (valid_to > valid_from)
);
COMMENT ON TABLE usom.product_restriction IS 'What is not sold where: a product or category, in a channel, to a country, for a time. The check sellable (usom.check_rule) says what becomes of an order for it.';
COMMENT ON COLUMN usom.product_restriction.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.product_restriction.product_restriction_id IS 'Key.';
COMMENT ON COLUMN usom.product_restriction.sku IS 'Product; null: those of the category.';
COMMENT ON COLUMN usom.product_restriction.category IS 'Category of products; null: the product.';
COMMENT ON COLUMN usom.product_restriction.channel IS 'Code of the channel; null: any.';
COMMENT ON COLUMN usom.product_restriction.country IS 'ISO 3166 code of two letters of the address; null: any.';
COMMENT ON COLUMN usom.product_restriction.valid_from IS 'From when it stands.';
COMMENT ON COLUMN usom.product_restriction.valid_to IS 'From then on it stands no more.';
COMMENT ON COLUMN usom.product_restriction.reason IS 'Why, for the people who ask.';
CREATE TRIGGER usom_rule BEFORE INSERT OR UPDATE ON usom.product_restriction
	FOR EACH ROW EXECUTE FUNCTION usom._check_product_restriction();

CREATE TABLE usom.check_hit (
	org_id bigint NOT NULL,
	check_hit_id bigint NOT NULL DEFAULT usom.next_id(),
	check_rule_id bigint NOT NULL,
	rule_version integer NOT NULL,
	check_code text NOT NULL,
	severity text NOT NULL,
	sales_order_id bigint,
	external_id text,
	path text,
	overridden boolean NOT NULL DEFAULT false,
	reason text,
	occurred_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (org_id, check_hit_id),
	CONSTRAINT check_hit_refused_has_no_order CHECK ((severity = 'refuse') = (sales_order_id IS NULL))
);
CREATE INDEX check_hit_of_rule ON usom.check_hit (org_id, check_rule_id);
CREATE INDEX check_hit_of_order ON usom.check_hit (org_id, sales_order_id) WHERE sales_order_id IS NOT NULL;
COMMENT ON TABLE usom.check_hit IS 'One row each time a rule has found something. Refused documents are here if a batch refused them; what refuses a call as a whole leaves no trace. Append-only: no rule is a queue.';
COMMENT ON COLUMN usom.check_hit.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.check_hit.check_hit_id IS 'Key.';
COMMENT ON COLUMN usom.check_hit.check_rule_id IS 'Rule.';
COMMENT ON COLUMN usom.check_hit.rule_version IS 'Version of the rule.';
COMMENT ON COLUMN usom.check_hit.check_code IS 'Check.';
COMMENT ON COLUMN usom.check_hit.severity IS 'warn, hold or refuse.';
COMMENT ON COLUMN usom.check_hit.sales_order_id IS 'Order; null: refused.';
COMMENT ON COLUMN usom.check_hit.external_id IS 'Of a refused document: the number that the channel gave it.';
COMMENT ON COLUMN usom.check_hit.path IS 'Field that it was about.';
COMMENT ON COLUMN usom.check_hit.overridden IS 'On: the document said that it is all right, and the hold was not placed.';
COMMENT ON COLUMN usom.check_hit.reason IS 'Why it is all right.';
COMMENT ON COLUMN usom.check_hit.occurred_at IS 'Time of the transaction.';

CREATE TABLE usom.order_fingerprint (
	org_id bigint NOT NULL,
	customer_id bigint NOT NULL,
	fingerprint bytea NOT NULL,
	sales_order_id bigint NOT NULL,
	previous_id bigint,
	PRIMARY KEY (org_id, customer_id, fingerprint)
);
COMMENT ON TABLE usom.order_fingerprint IS 'Which order of a customer had just these lines last, where a rule looks for duplicates. The row is the lock of two that are placed at once, taken before their headers are written, by key.';
COMMENT ON COLUMN usom.order_fingerprint.org_id IS 'Organisation.';
COMMENT ON COLUMN usom.order_fingerprint.customer_id IS 'Customer.';
COMMENT ON COLUMN usom.order_fingerprint.fingerprint IS 'SHA-256 of products and quantities.';
COMMENT ON COLUMN usom.order_fingerprint.sales_order_id IS 'The last order with these lines.';
COMMENT ON COLUMN usom.order_fingerprint.previous_id IS 'The one before it.';

CREATE TRIGGER _memo_changed AFTER INSERT OR UPDATE OR DELETE ON usom.check_rule
	FOR EACH ROW EXECUTE FUNCTION usom._memo_changed();
CREATE TRIGGER _memo_changed AFTER INSERT OR UPDATE OR DELETE ON usom.product_restriction
	FOR EACH ROW EXECUTE FUNCTION usom._memo_changed();
ALTER TABLE usom.check_rule ENABLE ALWAYS TRIGGER _memo_changed;
ALTER TABLE usom.product_restriction ENABLE ALWAYS TRIGGER _memo_changed;

CREATE VIEW usom.check_rules WITH (security_invoker = true) AS
SELECT r.check_code, r.channel, r.customer, r.severity, r.hold_type, r.hold_for::text AS hold_for, r.looks_at, r.parameters, r.active, r.version,
	h.hits, h.overridden + o.released AS overrides, h.last_hit_at
FROM usom.check_rule r
CROSS JOIN LATERAL (SELECT count(*) AS hits, count(*) FILTER (WHERE c.overridden) AS overridden, max(c.occurred_at) AS last_hit_at
	FROM usom.check_hit c WHERE c.org_id = r.org_id AND c.check_rule_id = r.check_rule_id) h
CROSS JOIN LATERAL (SELECT count(DISTINCT l.hold_id) AS released
	FROM usom.check_hit c
	JOIN usom.hold l ON l.org_id = c.org_id AND l.sales_order_id = c.sales_order_id AND l.check_code = c.check_code
		AND l.released_at IS NOT NULL AND NOT l.settled
	WHERE c.org_id = r.org_id AND c.check_rule_id = r.check_rule_id AND c.severity = 'hold' AND NOT c.overridden) o
WHERE r.org_id = usom.current_org();
COMMENT ON VIEW usom.check_rules IS 'The rules of checks of the caller''s organisation, with how often each has found something and how often somebody said that it is all right.';
COMMENT ON COLUMN usom.check_rules.check_code IS 'Check, see usom.checks().';
COMMENT ON COLUMN usom.check_rules.channel IS 'Channel; null: any.';
COMMENT ON COLUMN usom.check_rules.customer IS 'Customer; null: any.';
COMMENT ON COLUMN usom.check_rules.severity IS 'off, warn, hold or refuse.';
COMMENT ON COLUMN usom.check_rules.hold_type IS 'Type of its holds; null: that of the check.';
COMMENT ON COLUMN usom.check_rules.hold_for IS 'How long its holds stand, as an interval; null: until they are released.';
COMMENT ON COLUMN usom.check_rules.looks_at IS 'When it looks.';
COMMENT ON COLUMN usom.check_rules.parameters IS 'What the check compares with.';
COMMENT ON COLUMN usom.check_rules.active IS 'False: it does not count.';
COMMENT ON COLUMN usom.check_rules.version IS 'Version of the row.';
COMMENT ON COLUMN usom.check_rules.hits IS 'Findings of all its versions, see check_hits.';
COMMENT ON COLUMN usom.check_rules.overrides IS 'Of them, those that the document or somebody who released the hold said were all right.';
COMMENT ON COLUMN usom.check_rules.last_hit_at IS 'Time of the last one; null: none yet.';

CREATE VIEW usom.check_hits WITH (security_invoker = true) AS
SELECT o.order_no, coalesce(o.external_id, h.external_id) AS external_id, h.check_code, r.channel, r.customer, h.rule_version AS version,
	h.severity, h.path, h.overridden, h.reason, h.occurred_at
FROM usom.check_hit h
JOIN usom.check_rule r ON r.org_id = h.org_id AND r.check_rule_id = h.check_rule_id
LEFT JOIN usom.sales_order o ON o.org_id = h.org_id AND o.sales_order_id = h.sales_order_id
WHERE h.org_id = usom.current_org();
COMMENT ON VIEW usom.check_hits IS 'What the rules of checks of the caller''s organisation have found.';
COMMENT ON COLUMN usom.check_hits.order_no IS 'Order; null: the document was refused.';
COMMENT ON COLUMN usom.check_hits.external_id IS 'Number that the channel gave it.';
COMMENT ON COLUMN usom.check_hits.check_code IS 'Check.';
COMMENT ON COLUMN usom.check_hits.channel IS 'Channel that the rule is for; null: any.';
COMMENT ON COLUMN usom.check_hits.customer IS 'Customer that the rule is for; null: any.';
COMMENT ON COLUMN usom.check_hits.version IS 'Version of the rule.';
COMMENT ON COLUMN usom.check_hits.severity IS 'warn, hold or refuse.';
COMMENT ON COLUMN usom.check_hits.path IS 'Field that it was about; null: the order.';
COMMENT ON COLUMN usom.check_hits.overridden IS 'True: the document said that it is all right.';
COMMENT ON COLUMN usom.check_hits.reason IS 'Why it is all right.';
COMMENT ON COLUMN usom.check_hits.occurred_at IS 'When it was found.';

SELECT usom._guard_cards('check_rule');
SELECT usom._guard_cards('product_restriction');
SELECT usom._guard_cards('check_hit');
SELECT usom._guard_master('check_rule', 'check_code');
SELECT usom._guard_ledger('check_hit', 'the function that placed or changed the order');
SELECT usom._guard_kept('order_fingerprint', 'usom.place_order()');

SELECT usom._audit_table('check_rule');
SELECT usom._audit_table('product_restriction');
SELECT usom._audit_table('check_hit');
SELECT usom._audit_table('order_fingerprint');
$usom_step$),

(1, 1401, 'analytics', $usom_step$
CREATE VIEW usom.orders WITH (security_invoker = true) AS
SELECT o.order_no,
	o.status::text AS status,
	CASE
		WHEN o.status IN ('draft', 'submitted', 'confirmed') THEN 'Pending'
		WHEN o.status = 'processing' THEN 'Processing'
		WHEN o.status IN ('partially_shipped', 'shipped') THEN 'Shipped'
		WHEN o.status IN ('cancelled', 'rejected') THEN 'Cancelled'
		WHEN (SELECT sum(l.quantity_returned) > 0
				 AND sum(l.quantity_returned) = sum(l.quantity - l.quantity_cancelled)
			  FROM usom.order_line l
			  WHERE l.org_id = o.org_id AND l.sales_order_id = o.sales_order_id) THEN 'Returned'
		ELSE 'Delivered'
	END AS status_group,
	ch.code AS channel,
	o.external_id,
	cu.code AS customer,
	o.currency::text AS currency,
	trim_scale(o.total) AS total,
	o.priority,
	o.placed_at,
	(SELECT CASE WHEN count(*) = count(f.promised_at) THEN max(f.promised_at) END
	 FROM usom.fulfillment_line f
	 WHERE f.org_id = o.org_id AND f.sales_order_id = o.sales_order_id
		AND f.status NOT IN ('returned', 'cancelled')) AS promised_at,
	o.order_type::text AS order_type,
	o.requested_at,
	o.ship_complete,
	EXISTS (SELECT FROM usom.hold h
			WHERE h.org_id = o.org_id AND h.sales_order_id = o.sales_order_id
				AND h.released_at IS NULL AND (h.expires_at IS NULL OR h.expires_at > statement_timestamp())) AS held,
	o.coupons,
	CASE WHEN a.address_id IS NOT NULL THEN jsonb_strip_nulls(jsonb_build_object('name', usom._open(a.org_id, a.name),
		'line1', usom._open(a.org_id, a.line1), 'line2', usom._open(a.org_id, a.line2),
		'postcode', usom._open(a.org_id, a.postcode), 'city', usom._open(a.org_id, a.city),
		'region', usom._open(a.org_id, a.region), 'country', usom._open(a.org_id, a.country), 'latitude', a.latitude, 'longitude', a.longitude, 'verdict', a.verdict)) END AS ship_to,
	o.payment,
	usom._open(o.org_id, o.instructions) AS instructions,
	o.revision::integer AS revision,
	o.version,
	o.created_at,
	(SELECT trim_scale(coalesce(sum(usom._part(l.discount, l.quantity - l.quantity_cancelled, l.quantity, l.decimals)), 0))
	 FROM usom.order_line l
	 WHERE l.org_id = o.org_id AND l.sales_order_id = o.sales_order_id) AS discount,
	(SELECT trim_scale(coalesce(sum(usom._part(l.freight, l.quantity - l.quantity_cancelled, l.quantity, l.decimals)), 0))
	 FROM usom.order_line l
	 WHERE l.org_id = o.org_id AND l.sales_order_id = o.sales_order_id) AS freight,
	(SELECT trim_scale(coalesce(sum(usom._part(l.tax, l.quantity - l.quantity_cancelled, l.quantity, l.decimals)), 0))
	 FROM usom.order_line l
	 WHERE l.org_id = o.org_id AND l.sales_order_id = o.sales_order_id) AS tax,
	trim_scale(o.paid) AS paid,
	CASE WHEN o.paid IS NULL THEN 'none' ELSE usom._order_payment_status(o.org_id, o.sales_order_id) END AS payment_status,
	(SELECT p.order_no FROM usom.sales_order p WHERE p.org_id = o.org_id AND p.sales_order_id = o.parent_order_id) AS parent_order_no,
	fl.code AS flow,
	fl.version AS flow_version,
	o.flow_state
FROM usom.sales_order o
LEFT JOIN usom.channel ch ON ch.org_id = o.org_id AND ch.channel_id = o.channel_id
LEFT JOIN usom.customer cu ON cu.org_id = o.org_id AND cu.customer_id = o.customer_id
LEFT JOIN usom.address a ON a.org_id = o.org_id AND a.address_id = o.address_id
LEFT JOIN usom.flow fl ON fl.org_id = o.org_id AND fl.flow_id = o.flow_id
WHERE o.org_id = usom.current_org();
COMMENT ON VIEW usom.orders IS 'The orders of the caller''s organisation, one row each. Ask by order_no or by customer; sub-selects (promised_at, held, the Returned group) cost only when their column is asked for.';
COMMENT ON COLUMN usom.orders.order_no IS 'Number of the order.';
COMMENT ON COLUMN usom.orders.status IS 'Status, see order_statuses.';
COMMENT ON COLUMN usom.orders.status_group IS 'What customers read: Pending, Processing, Shipped, Delivered, Cancelled, Returned (delivered or closed, and everything that was not cancelled came back).';
COMMENT ON COLUMN usom.orders.channel IS 'Channel it came by.';
COMMENT ON COLUMN usom.orders.external_id IS 'Number the channel gave it.';
COMMENT ON COLUMN usom.orders.customer IS 'Code of the customer; null for a guest.';
COMMENT ON COLUMN usom.orders.currency IS 'ISO 4217 code of every amount of the order.';
COMMENT ON COLUMN usom.orders.total IS 'Sum of the line totals, in currency.';
COMMENT ON COLUMN usom.orders.priority IS 'Lower is served first; 5 is usual.';
COMMENT ON COLUMN usom.orders.placed_at IS 'When the customer ordered.';
COMMENT ON COLUMN usom.orders.promised_at IS 'Latest promise of its live pieces (all but returned and cancelled ones); null while one of them has no date, or there are none.';
COMMENT ON COLUMN usom.orders.order_type IS 'Flow, see usom.order_types().';
COMMENT ON COLUMN usom.orders.requested_at IS 'When the customer wants it.';
COMMENT ON COLUMN usom.orders.ship_complete IS 'True: the order is shipped as a whole.';
COMMENT ON COLUMN usom.orders.held IS 'True while a hold is active, see holds.';
COMMENT ON COLUMN usom.orders.coupons IS 'Codes the customer gave.';
COMMENT ON COLUMN usom.orders.ship_to IS 'Address as of placing: name, line1, line2, postcode, city, country, latitude, longitude. Roles that may not read usom.vault_key see country, postcode and degrees alone, and so does everybody once the person was erased.';
COMMENT ON COLUMN usom.orders.payment IS 'Method, reference and authorised amount as of placing.';
COMMENT ON COLUMN usom.orders.instructions IS 'Words for those who fulfil it; null for roles that may not read usom.vault_key.';
COMMENT ON COLUMN usom.orders.revision IS 'Revision of the channel''s document.';
COMMENT ON COLUMN usom.orders.version IS 'Counts the changes; give it to change_order to be told of changes in between.';
COMMENT ON COLUMN usom.orders.created_at IS 'When the row was made.';
COMMENT ON COLUMN usom.orders.discount IS 'Sum of what was taken off its lines, in currency.';
COMMENT ON COLUMN usom.orders.freight IS 'Freight of its lines, in currency.';
COMMENT ON COLUMN usom.orders.tax IS 'Tax on its lines, in currency, whether it is in their prices or added to them.';
COMMENT ON COLUMN usom.orders.paid IS 'Captured for it, less what went back or is asked to go back, in currency; null: no payment is known.';
COMMENT ON COLUMN usom.orders.payment_status IS 'none; pending (a payment, nothing authorised), partially_authorized, authorized, expired, voided; partially_paid, paid; partially_refunded, refunded, charged_back; paid_unallocated: more is paid than what is cancelled, came back, or waits without a date leaves to be paid, so that goods are to be found, a date promised, or money given back.';
COMMENT ON COLUMN usom.orders.parent_order_no IS 'Order that it was split from; null: none.';
COMMENT ON COLUMN usom.orders.flow IS 'Code of the flow that it takes, see flows; null: the built-in one.';
COMMENT ON COLUMN usom.orders.flow_version IS 'Version of that flow; it stays, whatever is published later.';
COMMENT ON COLUMN usom.orders.flow_state IS 'State of that flow, within the status; null: none but the status.';

CREATE VIEW usom.order_lines WITH (security_invoker = true) AS
SELECT o.order_no,
	l.line_no,
	p.sku,
	CASE
		WHEN l.quantity_cancelled = l.quantity THEN 'cancelled'
		WHEN l.quantity_shipped + l.quantity_delivered + l.quantity_returned > 0 THEN
			CASE
				WHEN l.quantity_open + l.quantity_backordered + l.quantity_reserved
					+ l.quantity_released + l.quantity_picked + l.quantity_packed > 0 THEN 'partially_shipped'
				WHEN l.quantity_shipped > 0 THEN 'shipped'
				WHEN l.quantity_delivered > 0 THEN 'delivered'
				ELSE 'returned'
			END
		WHEN l.quantity_released + l.quantity_picked + l.quantity_packed > 0 THEN 'processing'
		WHEN l.quantity_backordered > 0 THEN 'backordered'
		WHEN l.quantity_reserved > 0 AND l.quantity_open = 0 THEN 'reserved'
		ELSE 'open'
	END AS status,
	trim_scale(l.quantity) AS quantity,
	trim_scale(l.unit_price) AS unit_price,
	trim_scale(l.total) AS total,
	trim_scale(l.quantity_reserved) AS quantity_reserved,
	trim_scale(l.quantity_backordered) AS quantity_backordered,
	trim_scale(l.quantity_shipped) AS quantity_shipped,
	trim_scale(l.quantity_delivered) AS quantity_delivered,
	trim_scale(l.quantity_cancelled) AS quantity_cancelled,
	trim_scale(l.quantity_returned) AS quantity_returned,
	trim_scale(l.quantity_open) AS quantity_open,
	trim_scale(l.quantity_released) AS quantity_released,
	trim_scale(l.quantity_picked) AS quantity_picked,
	trim_scale(l.quantity_packed) AS quantity_packed,
	o.currency::text AS currency,
	p.name AS product_name,
	lo.code AS location,
	coalesce(l.requested_at, o.requested_at) AS requested_at,
	l.substitution::text AS substitution,
	l.partial,
	nullif(l.kit_line_no, l.line_no) AS kit_line_no,
	trim_scale(l.kit_quantity) AS kit_quantity,
	trim_scale(CASE WHEN l.discount = 0 THEN 0 ELSE usom._part(l.discount, l.quantity - l.quantity_cancelled, l.quantity, l.decimals) END) AS discount,
	trim_scale(CASE WHEN l.freight = 0 THEN 0 ELSE usom._part(l.freight, l.quantity - l.quantity_cancelled, l.quantity, l.decimals) END) AS freight,
	trim_scale(CASE WHEN l.tax = 0 THEN 0 ELSE usom._part(l.tax, l.quantity - l.quantity_cancelled, l.quantity, l.decimals) END) AS tax,
	l.tax_included
FROM usom.sales_order o
JOIN usom.order_line l ON l.org_id = o.org_id AND l.sales_order_id = o.sales_order_id
LEFT JOIN usom.product p ON p.org_id = l.org_id AND p.product_id = l.product_id
LEFT JOIN usom.location lo ON lo.org_id = l.org_id AND lo.location_id = l.location_id
WHERE o.org_id = usom.current_org();
COMMENT ON VIEW usom.order_lines IS 'The lines of the orders of the caller''s organisation. The counters of a line always add up to its quantity.';
COMMENT ON COLUMN usom.order_lines.order_no IS 'Number of the order.';
COMMENT ON COLUMN usom.order_lines.line_no IS 'Number of the line with the order.';
COMMENT ON COLUMN usom.order_lines.sku IS 'Product.';
COMMENT ON COLUMN usom.order_lines.status IS 'From the counters, the first that fits: cancelled (all of it); once something left: partially_shipped (more is to leave), shipped (some is on its way), delivered (the customer has what did not come back), returned (all that left came back); processing (some is released, picked or packed); backordered (some waits for stock); reserved (all is reserved); open.';
COMMENT ON COLUMN usom.order_lines.quantity IS 'Units ordered.';
COMMENT ON COLUMN usom.order_lines.unit_price IS 'Price of one unit, in currency.';
COMMENT ON COLUMN usom.order_lines.total IS 'What the quantity that is not cancelled costs, in currency: unit price times it, less discount, plus freight, plus tax unless it is included.';
COMMENT ON COLUMN usom.order_lines.quantity_reserved IS 'Units reserved in stock.';
COMMENT ON COLUMN usom.order_lines.quantity_backordered IS 'Units that wait for stock.';
COMMENT ON COLUMN usom.order_lines.quantity_shipped IS 'Units on their way.';
COMMENT ON COLUMN usom.order_lines.quantity_delivered IS 'Units the customer has.';
COMMENT ON COLUMN usom.order_lines.quantity_cancelled IS 'Units cancelled.';
COMMENT ON COLUMN usom.order_lines.quantity_returned IS 'Units that came back.';
COMMENT ON COLUMN usom.order_lines.quantity_open IS 'Units that nobody has planned yet.';
COMMENT ON COLUMN usom.order_lines.quantity_released IS 'Units handed to the location.';
COMMENT ON COLUMN usom.order_lines.quantity_picked IS 'Units picked.';
COMMENT ON COLUMN usom.order_lines.quantity_packed IS 'Units packed.';
COMMENT ON COLUMN usom.order_lines.currency IS 'ISO 4217 code of the amounts.';
COMMENT ON COLUMN usom.order_lines.product_name IS 'Name of the product for people.';
COMMENT ON COLUMN usom.order_lines.location IS 'Location that must serve the line; null: any.';
COMMENT ON COLUMN usom.order_lines.requested_at IS 'When the customer wants the line; without a date of its own, that of the order.';
COMMENT ON COLUMN usom.order_lines.substitution IS 'none or allowed.';
COMMENT ON COLUMN usom.order_lines.partial IS 'False: the line is reserved whole or not at all.';
COMMENT ON COLUMN usom.order_lines.kit_line_no IS 'Of a component: line of its kit, which it goes with; null: no component. The units of a kit''s line are kits, and as far as its components are.';
COMMENT ON COLUMN usom.order_lines.kit_quantity IS 'Of a component: units for one kit; null: no component.';
COMMENT ON COLUMN usom.order_lines.discount IS 'Taken off the quantity that is not cancelled, in currency.';
COMMENT ON COLUMN usom.order_lines.freight IS 'Its share of the freight, in currency.';
COMMENT ON COLUMN usom.order_lines.tax IS 'Tax on it, in currency.';
COMMENT ON COLUMN usom.order_lines.tax_included IS 'True: the tax is in the prices.';

CREATE VIEW usom.order_pieces WITH (security_invoker = true) AS
SELECT o.order_no,
	f.line_no,
	f.piece_no,
	p.sku,
	lo.code AS location,
	f.status::text AS status,
	trim_scale(f.quantity) AS quantity,
	f.promised_at,
	sh.shipment_no,
	nullif(f.lot, '') AS lot,
	su.supply_no,
	pk.package_no
FROM usom.sales_order o
JOIN usom.fulfillment_line f ON f.org_id = o.org_id AND f.sales_order_id = o.sales_order_id
LEFT JOIN usom.product p ON p.org_id = f.org_id AND p.product_id = f.product_id
LEFT JOIN usom.location lo ON lo.org_id = f.org_id AND lo.location_id = f.location_id
LEFT JOIN usom.shipment sh ON sh.org_id = f.org_id AND sh.shipment_id = f.shipment_id
LEFT JOIN usom.supply su ON su.org_id = f.org_id AND su.supply_id = f.supply_id
LEFT JOIN usom.package pk ON pk.org_id = f.org_id AND pk.package_id = f.package_id
WHERE o.org_id = usom.current_org();
COMMENT ON VIEW usom.order_pieces IS 'The pieces of the order lines: units that share state, location, lot, promise and shipment.';
COMMENT ON COLUMN usom.order_pieces.order_no IS 'Number of the order.';
COMMENT ON COLUMN usom.order_pieces.line_no IS 'Line.';
COMMENT ON COLUMN usom.order_pieces.piece_no IS 'Number of the piece with the line.';
COMMENT ON COLUMN usom.order_pieces.sku IS 'Product.';
COMMENT ON COLUMN usom.order_pieces.location IS 'Location that serves it; null while it waits, and for services.';
COMMENT ON COLUMN usom.order_pieces.status IS 'open, backordered, reserved, released, picked, packed, shipped, delivered, returned or cancelled.';
COMMENT ON COLUMN usom.order_pieces.quantity IS 'Units.';
COMMENT ON COLUMN usom.order_pieces.promised_at IS 'When it is promised; null: no date known.';
COMMENT ON COLUMN usom.order_pieces.shipment_no IS 'Shipment it left with.';
COMMENT ON COLUMN usom.order_pieces.lot IS 'Lot it is taken from; null: none.';
COMMENT ON COLUMN usom.order_pieces.supply_no IS 'Supply that it waits for; null: none, or it does not wait.';
COMMENT ON COLUMN usom.order_pieces.package_no IS 'Package that its units are in; null: none.';

CREATE VIEW usom.backorders WITH (security_invoker = true) AS
SELECT o.order_no,
	f.line_no,
	p.sku,
	trim_scale(f.quantity) AS quantity,
	f.promised_at,
	o.priority,
	o.placed_at,
	cu.code AS customer,
	ch.code AS channel,
	round(extract(epoch FROM statement_timestamp() - o.placed_at) / 86400, 2) AS age_days,
	f.piece_no
FROM usom.fulfillment_line f
JOIN usom.sales_order o ON o.org_id = f.org_id AND o.sales_order_id = f.sales_order_id
LEFT JOIN usom.product p ON p.org_id = f.org_id AND p.product_id = f.product_id
LEFT JOIN usom.customer cu ON cu.org_id = o.org_id AND cu.customer_id = o.customer_id
LEFT JOIN usom.channel ch ON ch.org_id = o.org_id AND ch.channel_id = o.channel_id
WHERE f.org_id = usom.current_org() AND f.location_id IS NULL AND f.status = 'backordered';
COMMENT ON VIEW usom.backorders IS 'What waits for stock, one row per waiting piece. Ask by sku or order_no. Filled first come first served: the order that was made first.';
COMMENT ON COLUMN usom.backorders.order_no IS 'Number of the order.';
COMMENT ON COLUMN usom.backorders.line_no IS 'Line.';
COMMENT ON COLUMN usom.backorders.sku IS 'Product.';
COMMENT ON COLUMN usom.backorders.quantity IS 'Units that wait.';
COMMENT ON COLUMN usom.backorders.promised_at IS 'When they are promised; null: no date known.';
COMMENT ON COLUMN usom.backorders.priority IS 'Priority of the order; lower is served first.';
COMMENT ON COLUMN usom.backorders.placed_at IS 'When the customer ordered.';
COMMENT ON COLUMN usom.backorders.customer IS 'Code of the customer; null for a guest.';
COMMENT ON COLUMN usom.backorders.channel IS 'Channel the order came by.';
COMMENT ON COLUMN usom.backorders.age_days IS 'Days since the order was placed.';
COMMENT ON COLUMN usom.backorders.piece_no IS 'Number of the piece with the line.';

CREATE VIEW usom.stock_position WITH (security_invoker = true) AS
SELECT p.sku,
	lo.code AS location,
	trim_scale(sum(s.on_hand)) AS on_hand,
	trim_scale(sum(s.reserved)) AS reserved,
	trim_scale(sum(s.safety)) AS safety,
	trim_scale(coalesce(sum(greatest(s.on_hand - s.reserved - s.safety - h.held, 0)) FILTER (WHERE lo.active AND coalesce(s.usable_until > statement_timestamp(), true)), 0)) AS available,
	(SELECT trim_scale(coalesce(sum(u.quantity - u.received), 0))
	 FROM usom.supply u
	 WHERE u.org_id = s.org_id AND u.product_id = s.product_id AND u.location_id = s.location_id
		AND u.status = 'expected') AS incoming,
	trim_scale(sum(h.held)) AS held
FROM usom.stock s
JOIN usom.product p ON p.org_id = s.org_id AND p.product_id = s.product_id
JOIN usom.location lo ON lo.org_id = s.org_id AND lo.location_id = s.location_id
CROSS JOIN LATERAL (
	SELECT s.held - CASE WHEN s.held_until <= statement_timestamp() THEN
		(SELECT coalesce(sum(r.quantity), 0)
		 FROM usom.reservation r
		 WHERE r.org_id = s.org_id AND r.product_id = s.product_id AND r.location_id = s.location_id
			AND r.lot = s.lot AND r.expires_at <= statement_timestamp())
	ELSE 0 END AS held
) h
WHERE s.org_id = usom.current_org()
GROUP BY p.sku, lo.code, s.org_id, s.product_id, s.location_id;
COMMENT ON VIEW usom.stock_position IS 'Stock per product and location, all lots together. Ask by sku.';
COMMENT ON COLUMN usom.stock_position.sku IS 'Product.';
COMMENT ON COLUMN usom.stock_position.location IS 'Location.';
COMMENT ON COLUMN usom.stock_position.on_hand IS 'Units on the shelf.';
COMMENT ON COLUMN usom.stock_position.reserved IS 'Units promised to order pieces that are not shipped yet.';
COMMENT ON COLUMN usom.stock_position.safety IS 'Units that are never promised.';
COMMENT ON COLUMN usom.stock_position.available IS 'Units that can be promised: on hand less reserved, held and safety, per lot and never below zero; nothing at a location that is not active, nor of a lot that has expired or is blocked. What usom.available() says.';
COMMENT ON COLUMN usom.stock_position.incoming IS 'Units that are expected and have not arrived, see supplies.';
COMMENT ON COLUMN usom.stock_position.held IS 'Units under soft reservations that have not expired.';

CREATE VIEW usom.supplies WITH (security_invoker = true) AS
SELECT u.supply_no,
	u.kind,
	lo.code AS location,
	p.sku,
	trim_scale(u.quantity) AS quantity,
	trim_scale(u.received) AS received,
	trim_scale(u.pegged) AS pegged,
	CASE u.status WHEN 'expected' THEN trim_scale(u.quantity - u.received - u.pegged) ELSE 0 END AS free,
	u.expected_at,
	trim_scale(u.confidence) AS confidence,
	u.status,
	u.status = 'expected' AND u.expected_at < statement_timestamp() AS overdue,
	u.reference,
	o.order_no,
	u.line_no,
	u.created_at
FROM usom.supply u
LEFT JOIN usom.product p ON p.org_id = u.org_id AND p.product_id = u.product_id
LEFT JOIN usom.location lo ON lo.org_id = u.org_id AND lo.location_id = u.location_id
LEFT JOIN usom.sales_order o ON o.org_id = u.org_id AND o.sales_order_id = u.sales_order_id
WHERE u.org_id = usom.current_org();
COMMENT ON VIEW usom.supplies IS 'What is under way to the locations of the caller''s organisation, and what came of it. Ask by sku or supply_no.';
COMMENT ON COLUMN usom.supplies.supply_no IS 'Number of the document.';
COMMENT ON COLUMN usom.supplies.kind IS 'purchase, production, transfer, return or drop_ship.';
COMMENT ON COLUMN usom.supplies.location IS 'Location where it arrives.';
COMMENT ON COLUMN usom.supplies.sku IS 'Product.';
COMMENT ON COLUMN usom.supplies.quantity IS 'Units under way when nothing of it has arrived.';
COMMENT ON COLUMN usom.supplies.received IS 'Units that have arrived.';
COMMENT ON COLUMN usom.supplies.pegged IS 'Units that waiting pieces count on.';
COMMENT ON COLUMN usom.supplies.free IS 'Units that are expected and that nobody counts on.';
COMMENT ON COLUMN usom.supplies.expected_at IS 'When it is expected.';
COMMENT ON COLUMN usom.supplies.confidence IS 'How sure quantity and date are: above 0, 1 is certain.';
COMMENT ON COLUMN usom.supplies.status IS 'expected, received (nothing more comes) or cancelled.';
COMMENT ON COLUMN usom.supplies.overdue IS 'True: its date has passed and it is still expected.';
COMMENT ON COLUMN usom.supplies.reference IS 'Number of the document of the outside world.';
COMMENT ON COLUMN usom.supplies.order_no IS 'Order it is for and for no other; null: for all.';
COMMENT ON COLUMN usom.supplies.line_no IS 'Line of that order.';
COMMENT ON COLUMN usom.supplies.created_at IS 'When it was recorded.';

CREATE VIEW usom.holds WITH (security_invoker = true) AS
SELECT o.order_no,
	h.line_no,
	h.hold_type,
	h.reason,
	h.blocks,
	h.expires_at,
	h.released_at IS NULL AND (h.expires_at IS NULL OR h.expires_at > statement_timestamp()) AS active,
	h.placed_at,
	h.placed_by,
	h.released_at,
	h.released_by,
	h.release_reason,
	h.piece_no,
	h.check_code
FROM usom.hold h
JOIN usom.sales_order o ON o.org_id = h.org_id AND o.sales_order_id = h.sales_order_id
WHERE h.org_id = usom.current_org();
COMMENT ON VIEW usom.holds IS 'Holds past and present. WHERE active shows those that block something now.';
COMMENT ON COLUMN usom.holds.order_no IS 'Number of the order.';
COMMENT ON COLUMN usom.holds.line_no IS 'Line; null: the whole order.';
COMMENT ON COLUMN usom.holds.hold_type IS 'Type.';
COMMENT ON COLUMN usom.holds.reason IS 'Why.';
COMMENT ON COLUMN usom.holds.blocks IS 'Actions that fail while it is active: confirm, release, ship, change, cancel, close.';
COMMENT ON COLUMN usom.holds.expires_at IS 'From then on it blocks nothing; null: until released.';
COMMENT ON COLUMN usom.holds.active IS 'True: neither released nor expired.';
COMMENT ON COLUMN usom.holds.placed_at IS 'When it was placed.';
COMMENT ON COLUMN usom.holds.placed_by IS 'Session user who placed it.';
COMMENT ON COLUMN usom.holds.released_at IS 'When it was released by hand.';
COMMENT ON COLUMN usom.holds.released_by IS 'Session user who released it.';
COMMENT ON COLUMN usom.holds.release_reason IS 'Why it was released.';
COMMENT ON COLUMN usom.holds.piece_no IS 'Piece of the line; null: the whole line, or the order.';
COMMENT ON COLUMN usom.holds.check_code IS 'Check or hold rule that placed it; null: somebody did.';

CREATE VIEW usom.events WITH (security_invoker = true) AS
SELECT e.event_id,
	o.order_no,
	e.event_no,
	e.kind,
	e.payload,
	e.occurred_at
FROM usom.event e
LEFT JOIN usom.sales_order o ON o.org_id = e.org_id AND o.sales_order_id = e.sales_order_id
WHERE e.org_id = usom.current_org();
COMMENT ON VIEW usom.events IS 'What customers and other systems are told. Within an order event_no tells the order of events, without gaps.';
COMMENT ON COLUMN usom.events.event_id IS 'Key.';
COMMENT ON COLUMN usom.events.order_no IS 'Number of the order; null: of none.';
COMMENT ON COLUMN usom.events.event_no IS 'Number with the order, from 1.';
COMMENT ON COLUMN usom.events.kind IS 'What happened.';
COMMENT ON COLUMN usom.events.payload IS 'The particulars.';
COMMENT ON COLUMN usom.events.occurred_at IS 'Time of the transaction that did it.';

CREATE VIEW usom.exceptions WITH (security_invoker = true) AS
SELECT c.exception_case_id AS exception_id,
	c.kind,
	o.order_no,
	c.line_no,
	c.reference,
	c.message,
	c.detail,
	c.due_at,
	c.resolved_at IS NULL AS open,
	c.raised_at,
	c.resolved_at,
	c.resolved_by,
	c.resolution
FROM usom.exception_case c
LEFT JOIN usom.sales_order o ON o.org_id = c.org_id AND o.sales_order_id = c.sales_order_id
WHERE c.org_id = usom.current_org();
COMMENT ON VIEW usom.exceptions IS 'What somebody should look at. WHERE open ORDER BY due_at shows what is left, most urgent first.';
COMMENT ON COLUMN usom.exceptions.exception_id IS 'Key, for usom.resolve_exception().';
COMMENT ON COLUMN usom.exceptions.kind IS 'What is wrong.';
COMMENT ON COLUMN usom.exceptions.order_no IS 'Number of the order; null: of none.';
COMMENT ON COLUMN usom.exceptions.line_no IS 'Line; null: of none.';
COMMENT ON COLUMN usom.exceptions.reference IS 'Supply, location or what else tells it from others of its kind.';
COMMENT ON COLUMN usom.exceptions.message IS 'What is wrong, in words.';
COMMENT ON COLUMN usom.exceptions.detail IS 'The numbers.';
COMMENT ON COLUMN usom.exceptions.due_at IS 'When it is too late; null: no date known.';
COMMENT ON COLUMN usom.exceptions.open IS 'True: nobody has closed it.';
COMMENT ON COLUMN usom.exceptions.raised_at IS 'When it was met first.';
COMMENT ON COLUMN usom.exceptions.resolved_at IS 'When it was closed.';
COMMENT ON COLUMN usom.exceptions.resolved_by IS 'Session user who closed it, or whose change took its cause away.';
COMMENT ON COLUMN usom.exceptions.resolution IS 'What was done.';

CREATE VIEW usom.substitutions WITH (security_invoker = true) AS
SELECT s.substitution_id,
	o.order_no,
	s.line_no,
	p.sku,
	trim_scale(s.quantity) AS quantity,
	t.sku AS substitute_sku,
	trim_scale(s.substitute_quantity) AS substitute_quantity,
	trim_scale(s.unit_price) AS unit_price,
	s.substitute_line_no,
	CASE WHEN s.status = 'proposed' AND s.expires_at <= statement_timestamp() THEN 'expired' ELSE s.status END AS status,
	s.automatic,
	s.proposed_at,
	s.expires_at,
	s.decided_at,
	s.decided_by,
	s.reason
FROM usom.line_substitution s
JOIN usom.sales_order o ON o.org_id = s.org_id AND o.sales_order_id = s.sales_order_id
LEFT JOIN usom.product p ON p.org_id = s.org_id AND p.product_id = s.product_id
LEFT JOIN usom.product t ON t.org_id = s.org_id AND t.product_id = s.substitute_product_id
WHERE s.org_id = usom.current_org();
COMMENT ON VIEW usom.substitutions IS 'Units of lines that another product takes the place of, or is offered to.';
COMMENT ON COLUMN usom.substitutions.substitution_id IS 'Key, for accept_substitution() and decline_substitution().';
COMMENT ON COLUMN usom.substitutions.order_no IS 'Number of the order.';
COMMENT ON COLUMN usom.substitutions.line_no IS 'Line as it was ordered.';
COMMENT ON COLUMN usom.substitutions.sku IS 'Product that was ordered.';
COMMENT ON COLUMN usom.substitutions.quantity IS 'Units of it.';
COMMENT ON COLUMN usom.substitutions.substitute_sku IS 'Product that takes its place.';
COMMENT ON COLUMN usom.substitutions.substitute_quantity IS 'Units of that.';
COMMENT ON COLUMN usom.substitutions.unit_price IS 'Price of one of them, in the currency of the order.';
COMMENT ON COLUMN usom.substitutions.substitute_line_no IS 'Line of the substitute, once it is agreed.';
COMMENT ON COLUMN usom.substitutions.status IS 'proposed, expired, accepted or declined.';
COMMENT ON COLUMN usom.substitutions.automatic IS 'True: the line agreed beforehand.';
COMMENT ON COLUMN usom.substitutions.proposed_at IS 'When it was proposed or done.';
COMMENT ON COLUMN usom.substitutions.expires_at IS 'When the proposal ends.';
COMMENT ON COLUMN usom.substitutions.decided_at IS 'When it was accepted or declined.';
COMMENT ON COLUMN usom.substitutions.decided_by IS 'Session user who did.';
COMMENT ON COLUMN usom.substitutions.reason IS 'What the customer said.';

CREATE VIEW usom.stock_interests WITH (security_invoker = true) AS
SELECT c.code AS customer, p.sku, l.code AS location, trim_scale(i.quantity) AS quantity, i.watched_at, i.expires_at, i.told_at,
	i.told_at IS NULL AND (i.expires_at IS NULL OR i.expires_at > statement_timestamp()) AS open
FROM usom.stock_interest i
LEFT JOIN usom.customer c ON c.org_id = i.org_id AND c.customer_id = i.customer_id
LEFT JOIN usom.product p ON p.org_id = i.org_id AND p.product_id = i.product_id
LEFT JOIN usom.location l ON l.org_id = i.org_id AND l.location_id = i.location_id
WHERE i.org_id = usom.current_org();
COMMENT ON VIEW usom.stock_interests IS 'Who wants to be told when a product is in stock again, and who was.';
COMMENT ON COLUMN usom.stock_interests.customer IS 'Code of the customer.';
COMMENT ON COLUMN usom.stock_interests.sku IS 'Product.';
COMMENT ON COLUMN usom.stock_interests.location IS 'Location; null: any.';
COMMENT ON COLUMN usom.stock_interests.quantity IS 'Units the customer wants.';
COMMENT ON COLUMN usom.stock_interests.watched_at IS 'When the customer asked.';
COMMENT ON COLUMN usom.stock_interests.expires_at IS 'Until when; null: until told.';
COMMENT ON COLUMN usom.stock_interests.told_at IS 'When the event back_in_stock was written.';
COMMENT ON COLUMN usom.stock_interests.open IS 'True: neither told nor expired.';

CREATE VIEW usom.timeline WITH (security_invoker = true) AS
SELECT o.order_no,
	h.occurred_at AS at,
	h.event,
	h.from_status::text AS from_status,
	h.to_status::text AS to_status,
	h.line_no,
	trim_scale(h.quantity) AS quantity,
	h.reason,
	h.actor,
	h.app_user,
	h.reference,
	h.version,
	h.flow_state
FROM usom.order_history h
JOIN usom.sales_order o ON o.org_id = h.org_id AND o.sales_order_id = h.sales_order_id
WHERE h.org_id = usom.current_org();
COMMENT ON VIEW usom.timeline IS 'What was done to the orders, when, by whom and why; version is the order of events. Ask by order_no.';
COMMENT ON COLUMN usom.timeline.order_no IS 'Number of the order.';
COMMENT ON COLUMN usom.timeline.at IS 'When.';
COMMENT ON COLUMN usom.timeline.event IS 'Verb: place, submit, confirm, hold, release_hold, change, allocate, release, ship, deliver, cancel, close, return.';
COMMENT ON COLUMN usom.timeline.from_status IS 'Status before; null when the order was made.';
COMMENT ON COLUMN usom.timeline.to_status IS 'Status after.';
COMMENT ON COLUMN usom.timeline.line_no IS 'Line, where the change was about one.';
COMMENT ON COLUMN usom.timeline.quantity IS 'Units that the change moved.';
COMMENT ON COLUMN usom.timeline.reason IS 'Why, as the caller said.';
COMMENT ON COLUMN usom.timeline.actor IS 'Session user.';
COMMENT ON COLUMN usom.timeline.app_user IS 'Application user, as claimed by usom.app_user.';
COMMENT ON COLUMN usom.timeline.reference IS 'Shipment, return or hold type.';
COMMENT ON COLUMN usom.timeline.version IS 'Version of the order that the change made.';
COMMENT ON COLUMN usom.timeline.flow_state IS 'State of its flow after the change; null: it takes the built-in flow.';

CREATE VIEW usom.pre_orders WITH (security_invoker = true) AS
SELECT f.sku, f.opens_at, f.release_at, trim_scale(f.quantity) AS quantity, coalesce(trim_scale(l.used), 0) AS used,
	CASE WHEN f.quantity IS NOT NULL THEN trim_scale(greatest(f.quantity - coalesce(l.used, 0), 0)) END AS "left",
	coalesce((SELECT trim_scale(sum(p.quantity)) FROM usom.quota_use u
		JOIN usom.fulfillment_line p ON p.org_id = u.org_id AND p.sales_order_id = u.sales_order_id AND p.line_no = u.line_no
		WHERE u.org_id = f.org_id AND u.lender_id = f.pre_order_offer_id AND p.status = 'backordered'), 0) AS waiting,
	f.when_full, f.release_at <= statement_timestamp() AS released, f.ended_at
FROM usom.pre_order_offer f
LEFT JOIN usom.quota_load l ON l.org_id = f.org_id AND l.quota_id = f.pre_order_offer_id AND l.starts_at = f.created_at
WHERE f.org_id = usom.current_org();
COMMENT ON VIEW usom.pre_orders IS 'The pre-order offers of the caller''s organisation.';
COMMENT ON COLUMN usom.pre_orders.sku IS 'Product.';
COMMENT ON COLUMN usom.pre_orders.opens_at IS 'From when it is sold.';
COMMENT ON COLUMN usom.pre_orders.release_at IS 'From when it is allocated.';
COMMENT ON COLUMN usom.pre_orders.quantity IS 'Units that are sold before the release; null: any number.';
COMMENT ON COLUMN usom.pre_orders.used IS 'Units sold so and not cancelled.';
COMMENT ON COLUMN usom.pre_orders."left" IS 'Units that can be sold so still; null: any number.';
COMMENT ON COLUMN usom.pre_orders.waiting IS 'Units of them without stock.';
COMMENT ON COLUMN usom.pre_orders.when_full IS 'refuse or wait.';
COMMENT ON COLUMN usom.pre_orders.released IS 'True: the release has come.';
COMMENT ON COLUMN usom.pre_orders.ended_at IS 'When the last one was served, or the offer was ended; null: it stands.';

CREATE VIEW usom.order_statuses WITH (security_invoker = true) AS
SELECT s.status,
	s.status_group,
	s.meaning,
	ARRAY(SELECT format('%s (%s)', e.verb, e.to_status)
		  FROM usom.order_lifecycle() e
		  WHERE e.from_status = s.status AND e.commanded
		  ORDER BY e.verb, e.to_status) AS next_steps,
	ARRAY(SELECT DISTINCT e.to_status::text
		  FROM usom.order_lifecycle() e
		  WHERE e.from_status = s.status AND NOT e.commanded
		  ORDER BY 1) AS may_become,
	s.position
FROM (VALUES
	(1, 'draft', 'Pending', 'Being written; nothing is reserved and everything can be changed.'),
	(2, 'submitted', 'Pending', 'Handed in; waits for a hold to end or a decision.'),
	(3, 'confirmed', 'Pending', 'Accepted: its units are reserved or backordered.'),
	(4, 'processing', 'Processing', 'Units are released to a location, picked or packed; none has left.'),
	(5, 'partially_shipped', 'Shipped', 'Some units have left, others are to leave.'),
	(6, 'shipped', 'Shipped', 'All units have left; not all have arrived.'),
	(7, 'delivered', 'Delivered', 'The customer has all units, or sent them back (then the group is Returned).'),
	(8, 'closed', 'Delivered', 'Settled; nothing more happens but returns.'),
	(9, 'cancelled', 'Cancelled', 'Called off before anything left.'),
	(10, 'rejected', 'Cancelled', 'Not accepted.')
) s (position, status, status_group, meaning);
COMMENT ON VIEW usom.order_statuses IS 'The statuses of an order, in the order of its life.';
COMMENT ON COLUMN usom.order_statuses.status IS 'Status.';
COMMENT ON COLUMN usom.order_statuses.status_group IS 'What customers read.';
COMMENT ON COLUMN usom.order_statuses.meaning IS 'What it means.';
COMMENT ON COLUMN usom.order_statuses.next_steps IS 'Steps that may be asked for: verb (status it leads to).';
COMMENT ON COLUMN usom.order_statuses.may_become IS 'Statuses that follow by themselves when units move.';
COMMENT ON COLUMN usom.order_statuses.position IS 'Place in the order of life.';
$usom_step$),

(1, 1402, 'analytics', $usom_step$
CREATE VIEW usom.approvals WITH (security_invoker = true) AS
SELECT o.order_no,
	a.queue,
	CASE WHEN a.settled_at IS NULL AND a.status IN ('pending', 'approved') AND a.expires_at <= statement_timestamp() THEN 'expired' ELSE a.status END AS status,
	a.rules,
	o.status::text AS order_status,
	c.code AS channel,
	u.code AS customer,
	trim_scale(o.total) AS total,
	o.currency::text AS currency,
	(a.saw ->> 'discount')::numeric AS discount,
	(a.saw ->> 'risk')::integer AS risk,
	a.saw,
	encode(a.content, 'hex') AS digest,
	a.asked_at,
	a.asked_by,
	round((extract(epoch FROM coalesce(a.decided_at, a.voided_at, statement_timestamp()) - a.asked_at) / 3600)::numeric, 2) AS waited_hours,
	a.expires_at,
	a.escalates_at,
	a.escalates_to,
	a.status = 'pending' AND a.escalates_at <= statement_timestamp() AS escalated,
	a.status = 'pending' AND (a.expires_at > statement_timestamp()) IS NOT FALSE AND (usom._in_queue(a.queue)
		OR (a.escalates_at <= statement_timestamp() AND usom._in_queue(a.escalates_to))) IS TRUE AS mine,
	a.automatic,
	a.decided_at,
	a.decided_by,
	a.decided_for,
	a.reason,
	a.settled_at,
	a.voided_at
FROM usom.approval a
JOIN usom.sales_order o ON o.org_id = a.org_id AND o.sales_order_id = a.sales_order_id
LEFT JOIN usom.channel c ON c.org_id = o.org_id AND c.channel_id = o.channel_id
LEFT JOIN usom.customer u ON u.org_id = o.org_id AND u.customer_id = o.customer_id
WHERE a.org_id = usom.current_org();
COMMENT ON VIEW usom.approvals IS 'What is or was asked about orders, with what whoever decides has to know. WHERE mine is the queue of the caller; WHERE status = ''pending'' that of everybody.';
COMMENT ON COLUMN usom.approvals.order_no IS 'Number of the order.';
COMMENT ON COLUMN usom.approvals.queue IS 'Whose members decide: a profile or a role.';
COMMENT ON COLUMN usom.approvals.status IS 'pending, approved, declined, expired, or void because the order changed.';
COMMENT ON COLUMN usom.approvals.rules IS 'Codes of the rules that ask, and of price limits that were passed.';
COMMENT ON COLUMN usom.approvals.order_status IS 'Status of the order.';
COMMENT ON COLUMN usom.approvals.channel IS 'Channel of the order.';
COMMENT ON COLUMN usom.approvals.customer IS 'Customer; null: a guest.';
COMMENT ON COLUMN usom.approvals.total IS 'Total of the order now.';
COMMENT ON COLUMN usom.approvals.currency IS 'Its currency.';
COMMENT ON COLUMN usom.approvals.discount IS 'Per cent that discounts and overrides took off the goods when it was asked.';
COMMENT ON COLUMN usom.approvals.risk IS 'Risk score when it was asked; null: nobody had told one.';
COMMENT ON COLUMN usom.approvals.saw IS 'What the rules saw: total, currency, discount, risk, customer, segment, channel, and lines that are overridden beyond a limit.';
COMMENT ON COLUMN usom.approvals.digest IS 'SHA-256 of what the order said when it was asked, in hexadecimal: approve_order() takes it.';
COMMENT ON COLUMN usom.approvals.asked_at IS 'When it was asked.';
COMMENT ON COLUMN usom.approvals.asked_by IS 'Session user whose call asked.';
COMMENT ON COLUMN usom.approvals.waited_hours IS 'Hours until it was decided or void, or until now.';
COMMENT ON COLUMN usom.approvals.expires_at IS 'From then on it is not decided any more; null: never.';
COMMENT ON COLUMN usom.approvals.escalates_at IS 'From then on another queue may decide, too; null: never.';
COMMENT ON COLUMN usom.approvals.escalates_to IS 'That queue.';
COMMENT ON COLUMN usom.approvals.escalated IS 'True: it may.';
COMMENT ON COLUMN usom.approvals.mine IS 'True: it waits, and the caller is of the queue that may decide. Whether the order is one of the caller''s own is seen when they do.';
COMMENT ON COLUMN usom.approvals.automatic IS 'True: approved by a rule, nobody was asked.';
COMMENT ON COLUMN usom.approvals.decided_at IS 'When it was approved or declined.';
COMMENT ON COLUMN usom.approvals.decided_by IS 'Session user who decided.';
COMMENT ON COLUMN usom.approvals.decided_for IS 'Application user, as claimed.';
COMMENT ON COLUMN usom.approvals.reason IS 'Why, as whoever decided said.';
COMMENT ON COLUMN usom.approvals.settled_at IS 'When all approvals were there and the order went on.';
COMMENT ON COLUMN usom.approvals.voided_at IS 'When the order changed, so that it counts no more.';

CREATE VIEW usom.price_overrides WITH (security_invoker = true) AS
SELECT o.order_no,
	v.line_no,
	p.sku,
	trim_scale(v.unit_price) AS unit_price,
	trim_scale(v.price_before) AS price_before,
	o.currency::text AS currency,
	v.reason,
	v.queue,
	v.beyond,
	v.placed_at,
	v.placed_by,
	v.placed_for,
	v.ended_at,
	v.ended_by
FROM usom.price_override v
JOIN usom.sales_order o ON o.org_id = v.org_id AND o.sales_order_id = v.sales_order_id
LEFT JOIN usom.product p ON p.org_id = v.org_id AND p.product_id = v.product_id
WHERE v.org_id = usom.current_org();
COMMENT ON VIEW usom.price_overrides IS 'Prices that people set in place of what the rules say. WHERE ended_at IS NULL shows those that hold.';
COMMENT ON COLUMN usom.price_overrides.order_no IS 'Number of the order.';
COMMENT ON COLUMN usom.price_overrides.line_no IS 'Line.';
COMMENT ON COLUMN usom.price_overrides.sku IS 'Product.';
COMMENT ON COLUMN usom.price_overrides.unit_price IS 'Price of one unit that was set.';
COMMENT ON COLUMN usom.price_overrides.price_before IS 'What the rules said.';
COMMENT ON COLUMN usom.price_overrides.currency IS 'Currency of both.';
COMMENT ON COLUMN usom.price_overrides.reason IS 'Why.';
COMMENT ON COLUMN usom.price_overrides.queue IS 'Whose approval it needs, because it is beyond a limit; null: nobody''s.';
COMMENT ON COLUMN usom.price_overrides.beyond IS 'Code of the limit that it passes.';
COMMENT ON COLUMN usom.price_overrides.placed_at IS 'When it was set.';
COMMENT ON COLUMN usom.price_overrides.placed_by IS 'Session user who set it.';
COMMENT ON COLUMN usom.price_overrides.placed_for IS 'Application user, as claimed.';
COMMENT ON COLUMN usom.price_overrides.ended_at IS 'When another price took its place; null: it holds.';
COMMENT ON COLUMN usom.price_overrides.ended_by IS 'Session user whose change ended it.';
$usom_step$),

(1, 1405, 'analytics', $usom_step$
CREATE VIEW usom.serials WITH (security_invoker = true) AS
SELECT p.sku, u.serial, u.status, lo.code AS location, o.order_no, u.line_no, u.reference, u.changed_at, u.created_at
FROM usom.serial_unit u
JOIN usom.product p ON p.org_id = u.org_id AND p.product_id = u.product_id
LEFT JOIN usom.location lo ON lo.org_id = u.org_id AND lo.location_id = u.location_id
LEFT JOIN usom.sales_order o ON o.org_id = u.org_id AND o.sales_order_id = u.sales_order_id
WHERE u.org_id = usom.current_org();
COMMENT ON VIEW usom.serials IS 'Units with serial numbers of the caller''s organisation. Ask by sku and serial, or by order_no.';
COMMENT ON COLUMN usom.serials.sku IS 'Product.';
COMMENT ON COLUMN usom.serials.serial IS 'Serial number.';
COMMENT ON COLUMN usom.serials.status IS 'on_hand; reserved or picked for a line, on the shelf still; shipped; gone (taken out of stock).';
COMMENT ON COLUMN usom.serials.location IS 'Location where it is, or was last.';
COMMENT ON COLUMN usom.serials.order_no IS 'Order that it is for or went to; null: nobody''s.';
COMMENT ON COLUMN usom.serials.line_no IS 'Line of that order.';
COMMENT ON COLUMN usom.serials.reference IS 'Document of its last step.';
COMMENT ON COLUMN usom.serials.changed_at IS 'When its state changed last.';
COMMENT ON COLUMN usom.serials.created_at IS 'When it was received first.';
$usom_step$),

(1, 1453, 'analytics', $usom_step$
CREATE VIEW usom.returns WITH (security_invoker = true) AS
SELECT r.return_no,
	o.order_no,
	r.status::text AS status,
	r.reason,
	r.authorized_at,
	r.received_at,
	l.line_no,
	p.sku,
	trim_scale(l.quantity) AS quantity,
	trim_scale(l.quantity_received) AS quantity_received,
	trim_scale(l.quantity_accepted) AS quantity_accepted,
	trim_scale(l.quantity_rejected) AS quantity_rejected,
	trim_scale(l.quantity_given_up) AS quantity_given_up,
	l.inspects,
	l.disposition,
	l.rule,
	r.expires_at,
	(r.status IN ('authorized', 'partially_received') AND r.expires_at <= statement_timestamp()) IS TRUE AS expired,
	r.is_blind,
	(SELECT e.order_no FROM usom.sales_order e WHERE e.org_id = r.org_id AND e.sales_order_id = r.exchange_order_id) AS exchange_order_no
FROM usom.return_order r
JOIN usom.sales_order o ON o.org_id = r.org_id AND o.sales_order_id = r.sales_order_id
LEFT JOIN usom.return_line l ON l.org_id = r.org_id AND l.return_order_id = r.return_order_id
LEFT JOIN usom.order_line ol ON ol.org_id = r.org_id AND ol.sales_order_id = r.sales_order_id AND ol.line_no = l.line_no
LEFT JOIN usom.product p ON p.org_id = ol.org_id AND p.product_id = ol.product_id
WHERE r.org_id = usom.current_org();
COMMENT ON VIEW usom.returns IS 'Returns, one row per return and order line.';
COMMENT ON COLUMN usom.returns.return_no IS 'Number of the return.';
COMMENT ON COLUMN usom.returns.order_no IS 'Number of the order.';
COMMENT ON COLUMN usom.returns.status IS 'Status of the return: requested, authorized, partially_received, received, inspected, refused or cancelled.';
COMMENT ON COLUMN usom.returns.reason IS 'Why the customer sends it back.';
COMMENT ON COLUMN usom.returns.authorized_at IS 'When it was allowed.';
COMMENT ON COLUMN usom.returns.received_at IS 'When the last unit came.';
COMMENT ON COLUMN usom.returns.line_no IS 'Line of the order.';
COMMENT ON COLUMN usom.returns.sku IS 'Product.';
COMMENT ON COLUMN usom.returns.quantity IS 'Units that may come back.';
COMMENT ON COLUMN usom.returns.quantity_received IS 'Units that came.';
COMMENT ON COLUMN usom.returns.quantity_accepted IS 'Units that were taken back: returned units of the order, which are refunded.';
COMMENT ON COLUMN usom.returns.quantity_rejected IS 'Units that came and were not taken back: they go to the customer again.';
COMMENT ON COLUMN usom.returns.quantity_given_up IS 'Units that are not expected any more: cancelled, or refused.';
COMMENT ON COLUMN usom.returns.inspects IS 'Units wait for usom.inspect_return() when they come.';
COMMENT ON COLUMN usom.returns.disposition IS 'What becomes of them unless the inspection says something else: restock, refurbish, scrap or to_vendor.';
COMMENT ON COLUMN usom.returns.rule IS 'Code of the return rule that the line was judged by; null: none fits it.';
COMMENT ON COLUMN usom.returns.expires_at IS 'Until when the goods must come; null: no end.';
COMMENT ON COLUMN usom.returns.expired IS 'They did not come in time: what has not come is not expected any more.';
COMMENT ON COLUMN usom.returns.is_blind IS 'They came without leave.';
COMMENT ON COLUMN usom.returns.exchange_order_no IS 'Number of the order of what the customer gets instead; null: none.';

CREATE VIEW usom.return_pieces WITH (security_invoker = true) AS
SELECT r.return_no,
	o.order_no,
	p.line_no,
	p.return_piece_no,
	s.sku,
	trim_scale(p.quantity) AS quantity,
	p.disposition,
	coalesce(c.code, f.code) AS location,
	nullif(g.lot, '') AS lot,
	p.piece_no,
	p.condition,
	p.received_at,
	p.inspected_at
FROM usom.return_piece p
JOIN usom.return_order r ON r.org_id = p.org_id AND r.return_order_id = p.return_order_id
JOIN usom.sales_order o ON o.org_id = p.org_id AND o.sales_order_id = r.sales_order_id
LEFT JOIN usom.order_line l ON l.org_id = p.org_id AND l.sales_order_id = r.sales_order_id AND l.line_no = p.line_no
LEFT JOIN usom.product s ON s.org_id = p.org_id AND s.product_id = l.product_id
LEFT JOIN usom.fulfillment_line g ON g.org_id = p.org_id AND g.sales_order_id = r.sales_order_id AND g.line_no = p.line_no AND g.piece_no = p.piece_no
LEFT JOIN usom.location f ON f.org_id = p.org_id AND f.location_id = g.location_id
LEFT JOIN usom.location c ON c.org_id = p.org_id AND c.location_id = p.location_id
WHERE p.org_id = usom.current_org();
COMMENT ON VIEW usom.return_pieces IS 'Units that came back together, and what became of them. What waits for inspection: WHERE disposition IS NULL.';
COMMENT ON COLUMN usom.return_pieces.return_no IS 'Number of the return.';
COMMENT ON COLUMN usom.return_pieces.order_no IS 'Number of the order.';
COMMENT ON COLUMN usom.return_pieces.line_no IS 'Line of the order.';
COMMENT ON COLUMN usom.return_pieces.return_piece_no IS 'Number of the piece within its line of the return.';
COMMENT ON COLUMN usom.return_pieces.sku IS 'Product.';
COMMENT ON COLUMN usom.return_pieces.quantity IS 'Units.';
COMMENT ON COLUMN usom.return_pieces.disposition IS 'restock, refurbish, scrap, to_vendor or reject; null: they wait for inspection.';
COMMENT ON COLUMN usom.return_pieces.location IS 'Where they came to; null while it is not told and they wait.';
COMMENT ON COLUMN usom.return_pieces.lot IS 'Lot that they are of; null: none, or not taken back.';
COMMENT ON COLUMN usom.return_pieces.piece_no IS 'Piece of the order line that they are, see usom.order_pieces; null: not taken back.';
COMMENT ON COLUMN usom.return_pieces.condition IS 'What the inspection found.';
COMMENT ON COLUMN usom.return_pieces.received_at IS 'When they came.';
COMMENT ON COLUMN usom.return_pieces.inspected_at IS 'When it was last decided what becomes of them; null: they wait.';
$usom_step$),

(1, 1420, 'analytics', $usom_step$
CREATE VIEW usom.shipments WITH (security_invoker = true) AS
SELECT s.shipment_no,
	o.order_no,
	lo.code AS location,
	s.carrier,
	s.tracking,
	s.status::text AS status,
	s.shipped_at,
	s.delivered_at,
	(SELECT trim_scale(sum(f.quantity))
	 FROM usom.fulfillment_line f
	 WHERE f.org_id = s.org_id AND f.sales_order_id = s.sales_order_id AND f.shipment_id = s.shipment_id) AS quantity,
	(SELECT c.consolidation_no FROM usom.consolidation c WHERE c.org_id = s.org_id AND c.consolidation_id = s.consolidation_id) AS consolidation_no,
	s.service,
	(SELECT m.manifest_no FROM usom.manifest m WHERE m.org_id = s.org_id AND m.manifest_id = s.manifest_id) AS manifest_no,
	s.voided_at,
	s.told_at
FROM usom.shipment s
JOIN usom.sales_order o ON o.org_id = s.org_id AND o.sales_order_id = s.sales_order_id
LEFT JOIN usom.location lo ON lo.org_id = s.org_id AND lo.location_id = s.location_id
WHERE s.org_id = usom.current_org();
COMMENT ON VIEW usom.shipments IS 'What left: one location, one order, one time. What is in it stands in order_pieces by shipment_no.';
COMMENT ON COLUMN usom.shipments.shipment_no IS 'Number of the shipment.';
COMMENT ON COLUMN usom.shipments.order_no IS 'Number of the order.';
COMMENT ON COLUMN usom.shipments.location IS 'Where it left from; null for services alone.';
COMMENT ON COLUMN usom.shipments.carrier IS 'Who carries it.';
COMMENT ON COLUMN usom.shipments.tracking IS 'Carrier''s number.';
COMMENT ON COLUMN usom.shipments.status IS 'shipped, in_transit, failed, delivered, returning, returned, lost or voided; see usom.lifecycle(''shipment'').';
COMMENT ON COLUMN usom.shipments.shipped_at IS 'When it left.';
COMMENT ON COLUMN usom.shipments.delivered_at IS 'When it arrived.';
COMMENT ON COLUMN usom.shipments.consolidation_no IS 'What it left with as one parcel; null: on its own.';
COMMENT ON COLUMN usom.shipments.quantity IS 'Units in it.';
COMMENT ON COLUMN usom.shipments.service IS 'Service of the carrier; null: nothing was said.';
COMMENT ON COLUMN usom.shipments.manifest_no IS 'Manifest that it was taken along with; null: not yet, or without one.';
COMMENT ON COLUMN usom.shipments.voided_at IS 'When it was made void; null: it was not.';
COMMENT ON COLUMN usom.shipments.told_at IS 'Time of the carrier''s last word that counted; null: nothing was heard.';

CREATE VIEW usom.packages WITH (security_invoker = true) AS
SELECT k.package_no,
	o.order_no,
	lo.code AS location,
	CASE WHEN k.unpacked_at IS NOT NULL THEN 'unpacked' WHEN k.shipment_id IS NOT NULL THEN 'shipped' WHEN c.units IS NULL THEN 'empty' ELSE 'packed' END AS status,
	g.code AS packaging,
	trim_scale(c.units) AS quantity,
	trim_scale(coalesce(k.weight, c.weight + coalesce(g.weight, 0))) AS weight,
	k.weight IS NOT NULL AS weighed,
	ARRAY(SELECT DISTINCT h.code
	 FROM usom.fulfillment_line f
	 JOIN usom.product p ON p.org_id = f.org_id AND p.product_id = f.product_id
	 CROSS JOIN LATERAL unnest(p.handling) AS h (code)
	 WHERE f.org_id = k.org_id AND f.sales_order_id = k.sales_order_id AND f.package_id = k.package_id
	 ORDER BY 1) AS handling,
	s.shipment_no,
	coalesce(k.tracking, s.tracking) AS tracking,
	k.packed_at,
	k.packed_by,
	k.unpacked_at
FROM usom.package k
JOIN usom.sales_order o ON o.org_id = k.org_id AND o.sales_order_id = k.sales_order_id
LEFT JOIN usom.location lo ON lo.org_id = k.org_id AND lo.location_id = k.location_id
LEFT JOIN usom.packaging g ON g.org_id = k.org_id AND g.packaging_id = k.packaging_id
LEFT JOIN usom.shipment s ON s.org_id = k.org_id AND s.shipment_id = k.shipment_id
CROSS JOIN LATERAL (
	SELECT sum(f.quantity) AS units, sum(f.quantity * p.weight) AS weight
	FROM usom.fulfillment_line f
	JOIN usom.product p ON p.org_id = f.org_id AND p.product_id = f.product_id
	WHERE f.org_id = k.org_id AND f.sales_order_id = k.sales_order_id AND f.package_id = k.package_id) c
WHERE k.org_id = usom.current_org();
COMMENT ON VIEW usom.packages IS 'Packages of the orders: units that were packed together at one location.';
COMMENT ON COLUMN usom.packages.package_no IS 'Number of the package.';
COMMENT ON COLUMN usom.packages.order_no IS 'Number of the order.';
COMMENT ON COLUMN usom.packages.location IS 'Where it was packed.';
COMMENT ON COLUMN usom.packages.status IS 'packed, shipped, unpacked, or empty: its units were cancelled.';
COMMENT ON COLUMN usom.packages.packaging IS 'What it is packed in; null: nothing was said.';
COMMENT ON COLUMN usom.packages.quantity IS 'Units in it; null: none.';
COMMENT ON COLUMN usom.packages.weight IS 'Kilograms, packaging included: as weighed, else by the weights of what is in it.';
COMMENT ON COLUMN usom.packages.weighed IS 'True: it was put on a scale.';
COMMENT ON COLUMN usom.packages.handling IS 'Codes of the handling classes of what is in it.';
COMMENT ON COLUMN usom.packages.shipment_no IS 'Shipment that it left with; null: it is still there.';
COMMENT ON COLUMN usom.packages.tracking IS 'Carrier''s number of it, or of its shipment.';
COMMENT ON COLUMN usom.packages.packed_at IS 'When packing began.';
COMMENT ON COLUMN usom.packages.packed_by IS 'Session user who packed it.';
COMMENT ON COLUMN usom.packages.unpacked_at IS 'When it was unpacked again; null: it was not.';

CREATE VIEW usom.package_lines WITH (security_invoker = true) AS
SELECT k.package_no,
	o.order_no,
	f.line_no,
	p.sku,
	p.name AS product_name,
	trim_scale(sum(f.quantity)) AS quantity,
	nullif(f.lot, '') AS lot,
	w.style AS gift_wrap
FROM usom.package k
JOIN usom.sales_order o ON o.org_id = k.org_id AND o.sales_order_id = k.sales_order_id
JOIN usom.fulfillment_line f ON f.org_id = k.org_id AND f.sales_order_id = k.sales_order_id AND f.package_id = k.package_id
LEFT JOIN usom.product p ON p.org_id = f.org_id AND p.product_id = f.product_id
LEFT JOIN usom.gift_wrap w ON w.org_id = f.org_id AND w.sales_order_id = f.sales_order_id AND w.line_no = f.line_no
WHERE k.org_id = usom.current_org()
GROUP BY k.package_no, o.order_no, f.line_no, p.sku, p.name, f.lot, w.style;
COMMENT ON VIEW usom.package_lines IS 'What is in packages, by line and lot.';
COMMENT ON COLUMN usom.package_lines.package_no IS 'Number of the package.';
COMMENT ON COLUMN usom.package_lines.order_no IS 'Number of the order.';
COMMENT ON COLUMN usom.package_lines.line_no IS 'Line.';
COMMENT ON COLUMN usom.package_lines.sku IS 'Product.';
COMMENT ON COLUMN usom.package_lines.product_name IS 'Name of the product.';
COMMENT ON COLUMN usom.package_lines.quantity IS 'Units.';
COMMENT ON COLUMN usom.package_lines.lot IS 'Lot they are of; null: none.';
COMMENT ON COLUMN usom.package_lines.gift_wrap IS 'Paper that the line is wrapped in; null: it is no gift.';

CREATE VIEW usom.tracking_events WITH (security_invoker = true) AS
SELECT s.shipment_no, o.order_no, k.package_no, e.kind, e.occurred_at, e.place, e.note, e.message_id, e.counted, e.recorded_at
FROM usom.tracking_event e
JOIN usom.shipment s ON s.org_id = e.org_id AND s.shipment_id = e.shipment_id
JOIN usom.sales_order o ON o.org_id = e.org_id AND o.sales_order_id = e.sales_order_id
LEFT JOIN usom.package k ON k.org_id = e.org_id AND k.package_id = e.package_id
WHERE e.org_id = usom.current_org();
COMMENT ON VIEW usom.tracking_events IS 'What carriers said of shipments.';
COMMENT ON COLUMN usom.tracking_events.shipment_no IS 'Number of the shipment.';
COMMENT ON COLUMN usom.tracking_events.order_no IS 'Number of the order.';
COMMENT ON COLUMN usom.tracking_events.package_no IS 'Package that was named; null: the shipment.';
COMMENT ON COLUMN usom.tracking_events.kind IS 'info, in_transit, out_for_delivery, delivered, failed, returning or lost.';
COMMENT ON COLUMN usom.tracking_events.occurred_at IS 'When it happened, by the carrier.';
COMMENT ON COLUMN usom.tracking_events.place IS 'Where.';
COMMENT ON COLUMN usom.tracking_events.note IS 'The carrier''s words.';
COMMENT ON COLUMN usom.tracking_events.message_id IS 'The carrier''s key of the message.';
COMMENT ON COLUMN usom.tracking_events.counted IS 'True: it changed the shipment.';
COMMENT ON COLUMN usom.tracking_events.recorded_at IS 'When it came.';

CREATE VIEW usom.manifests WITH (security_invoker = true) AS
SELECT m.manifest_no, lo.code AS location, m.carrier, m.closed_at, m.closed_by, s.shipment_no, o.order_no, s.service, s.tracking,
	c.packages, trim_scale(coalesce(c.weight, 0) + coalesce(u.weight, 0)) AS weight
FROM usom.manifest m
JOIN usom.shipment s ON s.org_id = m.org_id AND s.manifest_id = m.manifest_id
JOIN usom.sales_order o ON o.org_id = s.org_id AND o.sales_order_id = s.sales_order_id
LEFT JOIN usom.location lo ON lo.org_id = m.org_id AND lo.location_id = m.location_id
CROSS JOIN LATERAL (
	SELECT count(*)::integer AS packages, sum(k.weight) AS weight
	FROM usom.packages k WHERE k.order_no = o.order_no AND k.shipment_no = s.shipment_no) c
CROSS JOIN LATERAL (
	SELECT sum(f.quantity * p.weight) AS weight
	FROM usom.fulfillment_line f
	JOIN usom.product p ON p.org_id = f.org_id AND p.product_id = f.product_id
	WHERE f.org_id = s.org_id AND f.sales_order_id = s.sales_order_id AND f.shipment_id = s.shipment_id AND f.package_id IS NULL) u
WHERE m.org_id = usom.current_org();
COMMENT ON VIEW usom.manifests IS 'What carriers took along: a row for each shipment on a closed manifest.';
COMMENT ON COLUMN usom.manifests.manifest_no IS 'Number of the manifest.';
COMMENT ON COLUMN usom.manifests.location IS 'Where it was taken.';
COMMENT ON COLUMN usom.manifests.carrier IS 'Who took it; null: nobody was named.';
COMMENT ON COLUMN usom.manifests.closed_at IS 'When it was taken.';
COMMENT ON COLUMN usom.manifests.closed_by IS 'Session user who closed it.';
COMMENT ON COLUMN usom.manifests.shipment_no IS 'Number of the shipment.';
COMMENT ON COLUMN usom.manifests.order_no IS 'Number of the order.';
COMMENT ON COLUMN usom.manifests.service IS 'Service of the carrier.';
COMMENT ON COLUMN usom.manifests.tracking IS 'Carrier''s number.';
COMMENT ON COLUMN usom.manifests.packages IS 'Packages of the shipment; 0: its units are in none.';
COMMENT ON COLUMN usom.manifests.weight IS 'Kilograms: of its packages, and of units in none.';
$usom_step$),

(1, 1501, 'security', $usom_step$
-- Not FORCE: the statements of the library run as the owner, for whom policies do not hold.
SELECT usom._secure_table(c.relname)
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'org_id'
WHERE c.relnamespace = 'usom'::regnamespace AND c.relkind = 'r'
ORDER BY c.relname;
$usom_step$);
