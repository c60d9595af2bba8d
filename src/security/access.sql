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
		FROM (SELECT p.* FROM usom._privileges() p WHERE p.object LIKE '%()' AND p.object NOT LIKE '%\%%') m
			JOIN pg_proc f ON f.proname = left(m.object, -2)
		WHERE f.pronamespace = 'usom'::regnamespace AND f.prorettype <> 'trigger'::regtype
		UNION ALL
		SELECT to_jsonb(m.letters) - 'object', 'ROUTINE', format('usom.%I(%s)', f.proname, pg_get_function_identity_arguments(f.oid))
		FROM (SELECT p.object, p AS letters, replace(left(p.object, -2), '_', '\_') AS pattern FROM usom._privileges() p WHERE p.object LIKE '%\%%()' OFFSET 0) m
			JOIN pg_proc f ON f.proname LIKE m.pattern
		WHERE f.pronamespace = 'usom'::regnamespace AND f.prorettype <> 'trigger'::regtype
	)
	SELECT DISTINCT CASE p.key WHEN 'everybody' THEN 'PUBLIC' ELSE 'usom_' || p.key END, f.kind, f.object,
		CASE l.letter WHEN 'r' THEN 'SELECT' WHEN 'i' THEN 'INSERT' WHEN 'u' THEN 'UPDATE' WHEN 'd' THEN 'DELETE' WHEN 'x' THEN 'EXECUTE' END
	FROM found f CROSS JOIN LATERAL jsonb_each_text(f.letters) p
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
		WITH made AS MATERIALIZED (SELECT * FROM usom._made_grants()), wanted AS MATERIALIZED (SELECT * FROM usom._wanted_grants())
		SELECT format('REVOKE %s ON %s %s FROM %I', m.privilege, m.kind, m.object, m.grantee)
		FROM (SELECT * FROM made EXCEPT SELECT * FROM wanted) m
		UNION ALL
		SELECT format('GRANT %s ON %s %s TO %I', string_agg(w.privilege, ', '), w.kind, w.object, w.grantee)
		FROM (SELECT * FROM wanted WHERE grantee <> 'PUBLIC' EXCEPT SELECT * FROM made) w
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
	ELSIF relation IN ('sales_order', 'pick_task', 'inbox_message', 'inbox_payload', 'draft', 'channel_circuit', 'channel_beat') THEN
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
