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
	), always AS (
		SELECT altered[1] AS relation, (regexp_matches(altered[2], 'ENABLE ALWAYS TRIGGER (\w+)', 'g'))[1] AS name
		FROM usom._migration m, regexp_matches(m.text, 'ALTER TABLE usom\.(\w+)([^;]*)', 'g') AS altered
	), made AS (
		SELECT found[2] AS relation, h.name, true AS always,
			format('CREATE TRIGGER %s ', h.name) || format(h.events || ' EXECUTE FUNCTION ' || h.called, found[2], found[3]) AS definition
		FROM usom._migration m,
			regexp_matches(m.text, 'usom\.(_guard_kept|_guard_ledger|_guard_master|_guard_cards|_audit_table)\(''(\w+)''(?:, ''((?:[^'']|'''')*)'')?\)', 'g') AS found
			JOIN helper h ON h.helper = found[1]
		UNION ALL
		SELECT found[3], found[2], (found[3], found[2]) IN (SELECT w.relation, w.name FROM always w), found[1]
		FROM usom._migration m,
			regexp_matches(m.text, '(CREATE TRIGGER (\w+) [^;%]*? ON usom\.(\w+)\s[^;%]*);', 'g') AS found
	), whole AS (
		SELECT * FROM made
		UNION ALL
		-- a partition has the triggers of statements of its table
		SELECT c.relname::text, m.name, m.always, replace(m.definition, format(' ON usom.%s ', m.relation), format(' ON usom.%s ', c.relname))
		FROM made m JOIN pg_inherits i ON i.inhparent = to_regclass(format('usom.%I', m.relation)) JOIN pg_class c ON c.oid = i.inhrelid
		WHERE c.relispartition AND m.definition ~ 'FOR EACH STATEMENT'
	)
	SELECT m.relation, m.name,
		CASE WHEN m.name ~ '^usom_(guard|card|truncate)' THEN 'guards' WHEN m.name ~ '^audit_' THEN 'audit triggers' ELSE 'other triggers' END,
		m.always, m.definition
	FROM whole m
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
			|| CASE WHEN EXISTS (SELECT FROM pg_class v WHERE v.oid = to_regclass(format('usom.%I', e.relation)) AND v.relkind = 'v') THEN ''	-- it is never switched
				ELSE format('ALTER TABLE usom.%s ENABLE %sTRIGGER %s;', e.relation, CASE WHEN e.always THEN 'ALWAYS ' ELSE '' END, e.name) END
	FROM expected e
		LEFT JOIN pg_trigger t ON t.tgrelid = to_regclass(format('usom.%I', e.relation)) AND t.tgname = e.name
		LEFT JOIN pg_proc p ON p.oid = t.tgfoid
		CROSS JOIN LATERAL (
			SELECT usom._trigger_words(e.definition) AS wanted, usom._trigger_words(pg_get_triggerdef(t.oid)) AS found
			OFFSET 0	-- once for all that asks for them below
		) d
		CROSS JOIN LATERAL (
			SELECT CASE
				WHEN to_regclass(format('usom.%I', e.relation)) IS NULL THEN 'is gone with its table'
				WHEN t.oid IS NULL THEN 'is missing'
				WHEN p.pronamespace <> 'usom'::regnamespace OR split_part(split_part(d.wanted, ' execute function ', 2), ' ', 1) <> p.proname
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
	WHERE c.relnamespace = 'usom'::regnamespace AND t.tgparentid = 0
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
					AND (own.tgname, own.tgtype, own.tgfoid, own.tgargs) = (t.tgname, t.tgtype, t.tgfoid, t.tgargs) AND own.tgenabled IN (t.tgenabled, 'A'))))
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
	SET standard_conforming_strings = on -- the patterns below are written so
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
			FROM (SELECT * FROM usom._doctor_rows() UNION ALL SELECT * FROM usom._doctor_access() UNION ALL SELECT * FROM usom._doctor_growth()) d;
	END IF;
END
$$;
COMMENT ON FUNCTION usom.doctor() IS 'Health of the installation: one row per check, with what is wrong and what to run. For superusers; verify() checks the data. Example: SELECT * FROM usom.doctor() WHERE NOT ok;';
REVOKE ALL ON FUNCTION usom.doctor() FROM PUBLIC;
