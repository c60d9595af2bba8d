CREATE SCHEMA usom;
COMMENT ON SCHEMA usom IS 'Order management. Begin with SELECT usom.install(), then SELECT * FROM usom.help().';
GRANT USAGE ON SCHEMA usom TO PUBLIC;

CREATE DOMAIN usom.quantity AS numeric(18,6)
	CONSTRAINT quantity_in_bounds CHECK (VALUE >= 0 AND VALUE < 1e12);
COMMENT ON DOMAIN usom.quantity IS 'Units of a product: not negative, below 1e12, six decimals. NaN and infinity are not quantities.';

CREATE DOMAIN usom.amount AS numeric(19,4)
	CONSTRAINT amount_in_bounds CHECK (VALUE > -1e15 AND VALUE < 1e15);
COMMENT ON DOMAIN usom.amount IS 'Money in the currency of the column beside it: between -1e15 and 1e15, four decimals. NaN and infinity are not amounts.';

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
COMMENT ON FUNCTION usom.guard_master() IS 'Trigger BEFORE UPDATE or DELETE of a row: refuses deletion and changes of org_id, key and code (US005). Argument: the column with the code.';
REVOKE ALL ON FUNCTION usom.guard_master() FROM PUBLIC;

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
COMMENT ON FUNCTION usom._guard_master(text, text) IS 'Guards a table of master data: rows are retired, not deleted, and org_id, key and code do not change (US005).';
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

CREATE TABLE usom._migration (
	version integer NOT NULL,
	number integer NOT NULL,
	room text NOT NULL,
	text text NOT NULL,
	PRIMARY KEY (version, number)
);
COMMENT ON TABLE usom._migration IS 'What usom.install() and usom.upgrade() run: the DDL of every room, by schema version. A step once released never changes.';
COMMENT ON COLUMN usom._migration.version IS 'Schema version.';
COMMENT ON COLUMN usom._migration.number IS 'Order of the steps: number of the room times 100 and the step within it.';
COMMENT ON COLUMN usom._migration.room IS 'Room of the source.';
COMMENT ON COLUMN usom._migration.text IS 'Statements, run as the owner of the tables.';
REVOKE ALL ON TABLE usom._migration FROM PUBLIC;
