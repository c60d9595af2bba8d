-- Partitions of usom.audit_entry: by key, which is by time, as keys rise.

CREATE FUNCTION usom._audit_partitions() RETURNS TABLE (relation text, node integer, first_key bigint, end_key bigint)
	LANGUAGE sql STABLE STRICT
	SET search_path = pg_catalog, usom, pg_temp
	AS $$
	SELECT c.relname::text, (b.keys[1]::bigint >> 53)::integer, b.keys[1]::bigint, b.keys[2]::bigint
	FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
		CROSS JOIN LATERAL regexp_match(pg_get_expr(c.relpartbound, c.oid), 'FROM \(''(\d+)''\) TO \(''(\d+)''\)') AS b (keys)
	WHERE i.inhparent = to_regclass('usom.audit_entry') AND b.keys IS NOT NULL
	$$;
COMMENT ON FUNCTION usom._audit_partitions() IS 'Partitions of usom.audit_entry with the node whose keys they hold, their first key and the one behind their last; without _audit_entry_rest, which holds what no other does.';
REVOKE ALL ON FUNCTION usom._audit_partitions() FROM PUBLIC;

-- The triggers of statements, the policy and the unique index are of each
-- partition; the rest follows from its being one.
CREATE FUNCTION usom._guard_audit_partition(relation text) RETURNS void
	LANGUAGE plpgsql VOLATILE STRICT
	SET search_path = pg_catalog, usom, pg_temp
	AS $$
DECLARE
	part CONSTANT regclass := format('usom.%I', relation)::regclass;
BEGIN
	EXECUTE format('CREATE UNIQUE INDEX IF NOT EXISTS %I ON usom.%I (org_id, sales_order_id, entry_no) WHERE sales_order_id IS NOT NULL',
		relation || '_chain_has_no_fork', relation);
	IF NOT EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = part AND t.tgname = 'usom_guard') THEN
		EXECUTE (SELECT replace(pg_get_triggerdef(t.oid), ' ON usom.audit_entry ', format(' ON usom.%I ', relation))
			FROM pg_trigger t WHERE t.tgrelid = 'usom.audit_entry'::regclass AND t.tgname = 'usom_guard');
	END IF;
	EXECUTE format('ALTER TABLE usom.%I ENABLE ALWAYS TRIGGER usom_guard', relation);
	IF (SELECT c.relrowsecurity FROM pg_class c WHERE c.oid = 'usom.audit_entry'::regclass)
		AND NOT EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = part AND p.polname = 'usom_org') THEN
		PERFORM usom._secure_table(relation);
	END IF;
END
$$;
COMMENT ON FUNCTION usom._guard_audit_partition(text) IS 'Gives a table that becomes a partition of usom.audit_entry what it lacks of guard, policy and index of chains: one that is loaded from an archive may have been loaded in part.';
REVOKE ALL ON FUNCTION usom._guard_audit_partition(text) FROM PUBLIC;

CREATE FUNCTION usom._make_audit_partition(relation text, bounds text) RETURNS void
	LANGUAGE plpgsql VOLATILE STRICT
	SET search_path = pg_catalog, usom, pg_temp
	AS $$
BEGIN
	EXECUTE format('CREATE TABLE usom.%I (LIKE usom.audit_entry INCLUDING ALL) WITH (toast_tuple_target = 8160)', relation);
	EXECUTE format('COMMENT ON TABLE usom.%I IS %L', relation, 'Partition of usom.audit_entry: read it there.');
	PERFORM usom._guard_audit_partition(relation);
	EXECUTE format('ALTER TABLE usom.audit_entry ATTACH PARTITION usom.%I %s', relation, bounds);
END
$$;
COMMENT ON FUNCTION usom._make_audit_partition(text, text) IS 'Makes a table with all that usom.audit_entry has, and attaches it as a partition.';
REVOKE ALL ON FUNCTION usom._make_audit_partition(text, text) FROM PUBLIC;

CREATE FUNCTION usom._greatest_entry(relation text) RETURNS bigint
	LANGUAGE plpgsql STABLE STRICT
	SET search_path = pg_catalog, usom, pg_temp
	AS $$
DECLARE
	greatest_key bigint;
BEGIN
	-- per organisation, since it leads the index
	EXECUTE format('SELECT max(k.key) FROM usom.organisation o, LATERAL (
		SELECT max(e.audit_entry_id) AS key FROM usom.%I e WHERE e.org_id = o.org_id) k', relation) INTO greatest_key;
	RETURN greatest_key;
END
$$;
COMMENT ON FUNCTION usom._greatest_entry(text) IS 'Greatest key of the entries of a partition; null if it is empty.';
REVOKE ALL ON FUNCTION usom._greatest_entry(text) FROM PUBLIC;

CREATE FUNCTION usom._node() RETURNS integer
	LANGUAGE sql STABLE STRICT
	SET search_path = pg_catalog, usom, pg_temp
	AS $$SELECT coalesce(nullif(current_setting('usom.node', true), ''), '0')::integer$$;
COMMENT ON FUNCTION usom._node() IS 'usom.node, also where the library that has the setting is not loaded yet.';
REVOKE ALL ON FUNCTION usom._node() FROM PUBLIC;

CREATE FUNCTION usom._next_key() RETURNS bigint
	LANGUAGE sql STABLE STRICT
	SET search_path = pg_catalog, usom, pg_temp
	AS $$SELECT (usom._node()::bigint << 53) + coalesce(pg_sequence_last_value('usom.id_seq'::regclass), 0) + 1$$;
COMMENT ON FUNCTION usom._next_key() IS 'The key that usom.next_id() would draw now.';
REVOKE ALL ON FUNCTION usom._next_key() FROM PUBLIC;

CREATE FUNCTION usom._audit_pace(relation text, first_key bigint, reached bigint) RETURNS bigint
	LANGUAGE plpgsql STABLE STRICT
	SET search_path = pg_catalog, usom, pg_temp
	AS $$
DECLARE
	began timestamptz;
	pace numeric;
BEGIN
	EXECUTE format('SELECT min(k.occurred_at) FROM usom.organisation o, LATERAL (
		SELECT e.occurred_at FROM usom.%I e WHERE e.org_id = o.org_id ORDER BY e.audit_entry_id LIMIT 1) k', relation) INTO began;
	pace := (reached - first_key) / greatest(extract(epoch FROM clock_timestamp() - began), 86400) * 86400 * 30;
	RETURN least(greatest(coalesce(pace, 0), 1 << 22), 1 << 27)::bigint >> 20 << 20;
END
$$;
COMMENT ON FUNCTION usom._audit_pace(text, bigint, bigint) IS 'How many keys the next partition shall hold: those of a month at the pace of the present one, at least 4194304, at most 134217728. An order of five lines draws some 28 until it is delivered, and its entries need 23 kB.';
REVOKE ALL ON FUNCTION usom._audit_pace(text, bigint, bigint) FROM PUBLIC;

-- What continues the chain of an order is nearly always in the last partitions
-- of this node; entries of other nodes may be later than their keys say.
CREATE FUNCTION usom._see_recent() RETURNS void
	LANGUAGE plpgsql VOLATILE STRICT
	SET search_path = pg_catalog, usom, pg_temp
	AS $$
BEGIN
	EXECUTE (SELECT 'CREATE OR REPLACE VIEW usom._audit_recent AS ' || string_agg(
			format('SELECT e.org_id, e.sales_order_id, e.entry_no, e.digest FROM usom.%I e', r.relation), ' UNION ALL ' ORDER BY r.relation)
		FROM (SELECT '_audit_entry_rest' AS relation
			UNION ALL SELECT p.relation FROM (SELECT q.*, row_number() OVER (PARTITION BY q.node ORDER BY q.first_key DESC) AS n FROM usom._audit_partitions() q) p
				WHERE p.n <= 3 OR p.node <> usom._node()) r);
END
$$;
COMMENT ON FUNCTION usom._see_recent() IS 'Makes the view usom._audit_recent: entries in the three last partitions of this node, in those of others, and in the rest. A chain whose last entry is in none of them is looked for in all.';
REVOKE ALL ON FUNCTION usom._see_recent() FROM PUBLIC;

-- Begins behind the last partition, or, where keys have run past it and stand
-- in the rest, ahead of what runs now.
CREATE FUNCTION usom._extend_audit_of(node integer) RETURNS text
	LANGUAGE plpgsql VOLATILE STRICT
	SET search_path = pg_catalog, usom, pg_temp
	AS $$
DECLARE
	base CONSTANT bigint := node::bigint << 53;
	last record;
	reached bigint;
	first_key bigint := base;
	keys bigint := 1 << 22;
	made CONSTANT text := format('_audit_entry_%s_%s', node, lpad((1 + coalesce((
		SELECT max(substring(c.relname FROM '\d+$')::integer) FROM pg_class c
		WHERE c.relnamespace = 'usom'::regnamespace AND c.relname ~ format('^_audit_entry_%s_\d+$', node)), 0))::text, 5, '0'));
BEGIN
	SELECT p.* INTO last FROM usom._audit_partitions() p WHERE p.node = $1 ORDER BY p.end_key DESC LIMIT 1;
	IF node = usom._node() THEN
		reached := usom._next_key();
	ELSIF last.relation IS NOT NULL THEN
		reached := usom._greatest_entry(last.relation);	-- of other nodes, replication brings entries
	END IF;
	IF last.relation IS NOT NULL THEN
		IF coalesce(reached, base) - last.first_key < (last.end_key - last.first_key) / 2 THEN
			RETURN NULL;
		END IF;
		keys := usom._audit_pace(last.relation, last.first_key, reached);
		first_key := last.end_key;
	END IF;
	IF reached >= first_key + keys / 2 THEN
		first_key := reached + (1 << 16);
	END IF;
	-- nobody waits long for the rest, which is locked for a moment; the next tick tries again
	BEGIN
		PERFORM usom._make_audit_partition(made, format('FOR VALUES FROM (%s) TO (%s)',
			first_key, base + least(first_key - base + keys, (1::bigint << 53) - 1)));
		PERFORM usom._see_recent();
	EXCEPTION WHEN lock_not_available OR check_violation THEN
		RETURN NULL;
	END;
	RETURN made;
END
$$;
COMMENT ON FUNCTION usom._extend_audit_of(integer) IS 'Makes the next partition of usom.audit_entry for the keys of a node when half of the last one is used up; returns its name, null if it is too early or a reader of the audit would have to be waited for.';
REVOKE ALL ON FUNCTION usom._extend_audit_of(integer) FROM PUBLIC;

CREATE FUNCTION usom._extend_audit() RETURNS SETOF text
	LANGUAGE plpgsql VOLATILE STRICT
	SET search_path = pg_catalog, usom, pg_temp
	SET lock_timeout = '200ms'
	AS $$
DECLARE
	node integer;
BEGIN
	-- not an advisory lock: those anybody may take, and keep
	BEGIN
		LOCK TABLE ONLY usom.audit_entry IN SHARE UPDATE EXCLUSIVE MODE NOWAIT;
	EXCEPTION WHEN lock_not_available THEN
		RETURN;
	END;
	FOR node IN SELECT usom._node() UNION SELECT p.node FROM usom._audit_partitions() p ORDER BY 1 LOOP
		RETURN QUERY SELECT m.made FROM usom._extend_audit_of(node) AS m (made) WHERE m.made IS NOT NULL;
	END LOOP;
END
$$;
COMMENT ON FUNCTION usom._extend_audit() IS 'Makes partitions of usom.audit_entry ahead of the keys: see usom._extend_audit_of(). Names of those that were made. Runs as the owner of the tables.';
REVOKE ALL ON FUNCTION usom._extend_audit() FROM PUBLIC;

CREATE FUNCTION usom.prepare_partitions() RETURNS integer
	AS 'MODULE_PATHNAME', 'usom_prepare_partitions' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE
	SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.prepare_partitions() IS 'Makes partitions of the audit ahead of the keys, and returns how many: usom.tick() does it each minute; by hand on a subscriber of logical replication, where tick() does not run, and before a large load. Waits for nobody longer than 200 milliseconds. For the owner of the tables. Errors: US001. Example: SELECT usom.prepare_partitions();';
REVOKE ALL ON FUNCTION usom.prepare_partitions() FROM PUBLIC;

CREATE FUNCTION usom._doctor_growth() RETURNS TABLE ("check" text, trouble text, hint text)
	LANGUAGE sql STABLE STRICT
	SET search_path = pg_catalog, usom, pg_temp
	AS $$
	SELECT 'partitions', string_agg(w.problem, ', '), 'CALL usom.tick() once a minute: it makes the next partition ahead of time; on a subscriber of logical replication call usom.prepare_partitions(). What stands in the rest stays there and counts as any other.'
	FROM (
		SELECT format('entries up to %s stand in _audit_entry_rest', g.key)
		FROM (SELECT usom._greatest_entry('_audit_entry_rest') AS key WHERE to_regclass('usom._audit_entry_rest') IS NOT NULL) g WHERE g.key IS NOT NULL
		UNION ALL
		SELECT format('no partition of usom.audit_entry holds the next key, %s', usom._next_key())
		WHERE NOT EXISTS (SELECT FROM usom._audit_partitions() p WHERE usom._next_key() >= p.first_key AND usom._next_key() < p.end_key)
	) AS w (problem)
	$$;
COMMENT ON FUNCTION usom._doctor_growth() IS 'What is wrong with partitions: trouble is null where all is well. Part of doctor().';
REVOKE ALL ON FUNCTION usom._doctor_growth() FROM PUBLIC;
