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
