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

CREATE FUNCTION usom._direct_inserts() RETURNS text[]
	AS 'MODULE_PATHNAME', 'usom__direct_inserts' LANGUAGE C VOLATILE STRICT PARALLEL RESTRICTED;
COMMENT ON FUNCTION usom._direct_inserts() IS 'Tables that this backend inserts into past the executor, as it found them when it last wrote to them; sorted. A table with triggers, rules or other things that are not of usom is not among them.';
REVOKE ALL ON FUNCTION usom._direct_inserts() FROM PUBLIC;

CREATE FUNCTION usom._direct_reads() RETURNS text[]
	AS 'MODULE_PATHNAME', 'usom__direct_reads' LANGUAGE C VOLATILE STRICT PARALLEL RESTRICTED;
COMMENT ON FUNCTION usom._direct_reads() IS 'Indexes that this backend reads tables by past the executor, as it found them when it last read; sorted. One whose table has partitions, heirs or forced row security is not among them.';
REVOKE ALL ON FUNCTION usom._direct_reads() FROM PUBLIC;

CREATE FUNCTION usom._direct_updates() RETURNS text[]
	AS 'MODULE_PATHNAME', 'usom__direct_updates' LANGUAGE C VOLATILE STRICT PARALLEL RESTRICTED;
COMMENT ON FUNCTION usom._direct_updates() IS 'Tables whose rows this backend locks and updates past the executor, as it found them when it last did; sorted.';
REVOKE ALL ON FUNCTION usom._direct_updates() FROM PUBLIC;

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
COMMENT ON FUNCTION usom._memo_changed() IS 'Trigger AFTER a row of a table was written that backends remember: all of them read it again at the next use. With the table as argument, it is noted in usom._in_use that the organisation has rows in it.';
REVOKE ALL ON FUNCTION usom._memo_changed() FROM PUBLIC;

CREATE FUNCTION usom._note_in_use() RETURNS trigger
	AS 'MODULE_PATHNAME', 'usom__note_in_use' LANGUAGE C
	SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom._note_in_use() IS 'Trigger AFTER a row was written of a table of which backends remember only whether there are any. The table is its argument; it is noted in usom._in_use.';
REVOKE ALL ON FUNCTION usom._note_in_use() FROM PUBLIC;
