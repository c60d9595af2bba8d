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
			SELECT format('%s %s %s on %s', grantee, CASE WHEN m.grantee IS NULL THEN 'lacks' ELSE 'has' END, privilege, object) AS words
			FROM usom._made_grants() m
				FULL JOIN (SELECT * FROM usom._wanted_grants() WHERE grantee <> 'PUBLIC') w USING (grantee, kind, object, privilege)
			WHERE m.grantee IS NULL OR w.grantee IS NULL) d
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
