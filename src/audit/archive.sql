-- Partitions of the audit go to an archive, and come back.

-- ---- totals: what entries did to the rows of a table ----

CREATE FUNCTION usom._audit_total_add(state internal, before bytea, after bytea) RETURNS internal
	AS 'MODULE_PATHNAME', 'usom__audit_total_add' LANGUAGE C IMMUTABLE CALLED ON NULL INPUT PARALLEL SAFE COST 40;
COMMENT ON FUNCTION usom._audit_total_add(internal, bytea, bytea) IS 'Step of usom._audit_total().';
REVOKE ALL ON FUNCTION usom._audit_total_add(internal, bytea, bytea) FROM PUBLIC;

CREATE FUNCTION usom._audit_total_result(state internal) RETURNS bytea
	AS 'MODULE_PATHNAME', 'usom__audit_total_result' LANGUAGE C IMMUTABLE CALLED ON NULL INPUT PARALLEL SAFE;
COMMENT ON FUNCTION usom._audit_total_result(internal) IS 'End of usom._audit_total().';
REVOKE ALL ON FUNCTION usom._audit_total_result(internal) FROM PUBLIC;

CREATE AGGREGATE usom._audit_total(before bytea, after bytea) (
	SFUNC = usom._audit_total_add, STYPE = internal, SSPACE = 4096, FINALFUNC = usom._audit_total_result, FINALFUNC_MODIFY = READ_ONLY, PARALLEL = SAFE);
COMMENT ON AGGREGATE usom._audit_total(bytea, bytea) IS 'Over entries: 2,048 bits of each row after less those of each row before, in 32 lanes modulo 2^64, then rows after less before, then a hash of their columns (-1 where these differ): 34 numbers of eight bytes in network order. Over images of live rows, as rows after: the same, if the entries tell all that was done. Source: LtHash and AdHash, see src/audit/total.c.';
REVOKE ALL ON FUNCTION usom._audit_total(bytea, bytea) FROM PUBLIC;

CREATE FUNCTION usom._audit_total_plus(one bytea, other bytea) RETURNS bytea
	AS 'MODULE_PATHNAME', 'usom__audit_total_plus' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION usom._audit_total_plus(bytea, bytea) IS 'Total over the entries of both. Errors: 22P03.';
REVOKE ALL ON FUNCTION usom._audit_total_plus(bytea, bytea) FROM PUBLIC;

CREATE AGGREGATE usom._audit_totals(total bytea) (SFUNC = usom._audit_total_plus, STYPE = bytea, PARALLEL = SAFE);
COMMENT ON AGGREGATE usom._audit_totals(bytea) IS 'Totals of usom._audit_total() added up.';
REVOKE ALL ON FUNCTION usom._audit_totals(bytea) FROM PUBLIC;

CREATE FUNCTION usom._live_total(relation text) RETURNS bytea
	LANGUAGE plpgsql STABLE STRICT
	SET search_path = pg_catalog, usom, pg_temp
	AS $$
DECLARE
	total bytea;
BEGIN
	EXECUTE format('SELECT usom._audit_total(NULL, usom._audit_image(live_row)) FROM usom.%I live_row WHERE live_row.org_id = $1', relation)
		INTO total USING usom.current_org();
	RETURN total;
END
$$;
COMMENT ON FUNCTION usom._live_total(text) IS 'usom._audit_total() of the rows of a table as they are; null: none.';
REVOKE ALL ON FUNCTION usom._live_total(text) FROM PUBLIC;

CREATE FUNCTION usom._same_total(told bytea, live bytea, OUT same boolean, OUT comparable boolean) RETURNS record
	LANGUAGE sql IMMUTABLE CALLED ON NULL INPUT PARALLEL SAFE
	SET search_path = pg_catalog, usom, pg_temp
	AS $$
	SELECT t.lanes = l.lanes, t.columns <> '\xffffffffffffffff' AND l.columns IN (t.columns, '\x0000000000000000')
	FROM (SELECT coalesce(told, decode(repeat('00', 272), 'hex'))) AS x (told)
		CROSS JOIN (SELECT coalesce(live, decode(repeat('00', 272), 'hex'))) AS y (live)
		CROSS JOIN LATERAL (SELECT substring(x.told FROM 1 FOR 264), substring(x.told FROM 265)) AS t (lanes, columns)
		CROSS JOIN LATERAL (SELECT substring(y.live FROM 1 FOR 264), substring(y.live FROM 265)) AS l (lanes, columns)
	$$;
COMMENT ON FUNCTION usom._same_total(bytea, bytea) IS 'Is the total of entries that of live rows, and must it be? It need not where columns came or went in between: rows of before have other images.';
REVOKE ALL ON FUNCTION usom._same_total(bytea, bytea) FROM PUBLIC;

-- ---- is a table what was sealed? ----

CREATE FUNCTION usom._archive_range(archive text, OUT first_key bigint, OUT end_key bigint) RETURNS record
	LANGUAGE plpgsql STABLE STRICT
	SET search_path = pg_catalog, usom, pg_temp
	AS $$
BEGIN
	SELECT r.first_key, r.end_key INTO first_key, end_key
	FROM (SELECT a.first_key, a.end_key FROM usom.audit_archive a WHERE a.relation = archive
		UNION ALL SELECT p.first_key, p.end_key FROM usom._audit_partitions() p WHERE p.relation = archive) r
	LIMIT 1;
	IF NOT FOUND OR to_regclass(format('usom.%I', archive)) IS NULL THEN
		RAISE EXCEPTION 'there is no table usom.% that is or was a partition of the audit', quote_ident(archive) USING
			ERRCODE = 'US911', DETAIL = CASE WHEN first_key IS NULL THEN 'usom.audit_archive has no row of this name.' ELSE 'It was detached, and is not in the database.' END,
			HINT = CASE WHEN first_key IS NULL THEN 'Look the name up in usom.audit_archive.' ELSE 'Load it from where it was kept: pg_restore, or psql -f.' END;
	END IF;
END
$$;
COMMENT ON FUNCTION usom._archive_range(text) IS 'Keys that an archive or partition may hold; US911 unless the table is there.';
REVOKE ALL ON FUNCTION usom._archive_range(text) FROM PUBLIC;

CREATE FUNCTION usom.check_archive(archive text) RETURNS TABLE (area text, entity text, problem text, expected text, actual text)
	LANGUAGE plpgsql STABLE STRICT
	SET search_path = pg_catalog, usom, pg_temp
	SET jit = off
	AS $$
DECLARE
	range record;
BEGIN
	PERFORM usom._check_installed(), usom._check_card('archive', archive);
	range := usom._archive_range(archive);
	RETURN QUERY EXECUTE format($query$
		SELECT 'audit', format('audit entry %%s', e.audit_entry_id), 'its digest is not that of its columns', encode(usom._audit_digest(e), 'hex'), encode(e.digest, 'hex')
		FROM usom.%1$I e WHERE e.digest IS DISTINCT FROM usom._audit_digest(e)
		UNION ALL
		SELECT 'audit', format('block %%s of node %%s', b.block_no, b.node), 'its entries are not those that were sealed',
			cardinality(b.entry_ids) || ' entries, root ' || encode(b.root, 'hex'), coalesce(cardinality(l.digests), 0) || ' entries, root ' || coalesce(encode(l.root, 'hex'), 'none')
		FROM usom.audit_block b
			CROSS JOIN LATERAL (SELECT d.digests, CASE WHEN d.digests IS NOT NULL THEN usom._merkle_root(d.digests) END AS root
				FROM (SELECT array_agg(e.digest ORDER BY e.audit_entry_id) FROM usom.%1$I e
					WHERE e.org_id = b.org_id AND e.audit_entry_id = ANY (b.entry_ids)) AS d (digests)) l
		WHERE b.entry_ids[1] >= $1 AND b.last_id < $2 AND b.root IS DISTINCT FROM l.root
		UNION ALL
		SELECT 'audit', format('organisation %%s', c.org_id), 'entries that blocks list, and those that are there', c.sealed::text, c.found::text
		FROM (SELECT org_id, coalesce(s.n, 0) AS sealed, coalesce(f.n, 0) AS found
			FROM (SELECT b.org_id, sum(cardinality(b.entry_ids)) AS n FROM usom.audit_block b WHERE b.entry_ids[1] >= $1 AND b.last_id < $2 GROUP BY 1) s
				FULL JOIN (SELECT e.org_id, count(*) AS n FROM usom.%1$I e GROUP BY 1) f USING (org_id)) c
		WHERE c.sealed <> c.found
		$query$, archive)
	USING range.first_key, range.end_key;
END
$$;
COMMENT ON FUNCTION usom.check_archive(text) IS 'What is wrong with a table that is or was a partition of the audit, a row each, empty when it holds the very entries that were sealed: digests of entries, roots of blocks, and how many there are; of all organisations. archive: name of the table in schema usom, as in usom.audit_archive; it must be in the database, attached or not. For the owner of the tables. Errors: US001, US911. Example: SELECT * FROM usom.check_archive(''_audit_entry_0_00001'');';
REVOKE ALL ON FUNCTION usom.check_archive(text) FROM PUBLIC;

-- ---- out ----

-- A key up to the last drawn at some moment was drawn by a transaction that had
-- begun by then; once all these have ended, no such entry can come any more.
CREATE FUNCTION usom._is_settled(node integer, end_key bigint, system_id bigint) RETURNS boolean
	LANGUAGE sql STABLE STRICT
	SET search_path = pg_catalog, usom, pg_temp
	AS $$
	SELECT EXISTS (SELECT FROM usom.audit_block b
		WHERE b.node = $1 AND b.sequence_at >= $2 - 1
			AND (b.settled_to >= $2 - 1 OR b.system_id = $3 AND b.next_xid <= pg_snapshot_xmin(pg_current_snapshot())::text::bigint))
	$$;
COMMENT ON FUNCTION usom._is_settled(integer, bigint, bigint) IS 'Can no entry with a key below end_key appear any more? Known from the first block that was sealed after the keys, once all that ran then has ended; of a block that another cluster sealed, from what it says itself, as its transactions mean nothing here and their entries may be on their way.';
REVOKE ALL ON FUNCTION usom._is_settled(integer, bigint, bigint) FROM PUBLIC;

CREATE FUNCTION usom._refuse_archive(archive text, node integer, end_key bigint, system_id bigint) RETURNS void
	LANGUAGE plpgsql STABLE STRICT
	SET search_path = pg_catalog, usom, pg_temp
	AS $$
DECLARE
	bad record;
BEGIN
	IF NOT usom._is_settled(node, end_key, system_id) THEN
		RAISE EXCEPTION 'entries may still come to usom.%', archive USING
			ERRCODE = 'US908', DETAIL = 'No block was sealed behind its last key, or a transaction of that time still runs.',
			HINT = 'CALL usom.tick(); and look for old transactions in pg_stat_activity and pg_prepared_xacts.';
	END IF;
	SELECT c.* INTO bad FROM usom.check_archive(archive) c LIMIT 1;
	IF FOUND THEN
		RAISE EXCEPTION 'usom.% is not as it was sealed: %: %', archive, bad.entity, bad.problem USING
			ERRCODE = 'US908', DETAIL = format('Expected %s, found %s.', bad.expected, bad.actual),
			HINT = format('CALL usom.tick(); if it stays, see usom.verify_audit() and SELECT * FROM usom.check_archive(%L).', archive);
	END IF;
	EXECUTE format('SELECT count(*) AS n, string_agg(f.order_no, '', '' ORDER BY f.n) FILTER (WHERE f.n <= 5) AS names
		FROM (SELECT o.order_no, row_number() OVER (ORDER BY o.org_id, o.sales_order_id) AS n FROM usom.sales_order o
			WHERE (o.status < ''delivered'' OR EXISTS (SELECT FROM usom.return_order r WHERE r.org_id = o.org_id AND r.sales_order_id = o.sales_order_id
					AND r.status < ''received''))
				AND EXISTS (SELECT FROM usom.%I e WHERE e.org_id = o.org_id AND e.sales_order_id = o.sales_order_id)) f', archive) INTO bad;
	IF bad.n > 0 THEN
		RAISE EXCEPTION 'usom.% has entries of % that are open: %', archive, bad.n || CASE bad.n WHEN 1 THEN ' order' ELSE ' orders' END,
				bad.names || CASE WHEN bad.n > 5 THEN ', ...' ELSE '' END USING
			ERRCODE = 'US909', DETAIL = 'What an open order was before is read from the audit.',
			HINT = 'Let them be delivered, or cancel what is forgotten; usom.orders lists them.';
	END IF;
END
$$;
COMMENT ON FUNCTION usom._refuse_archive(text, integer, bigint, bigint) IS 'US908 unless all entries of a partition are sealed, as they were sealed, and no further one can come; US909 if it has entries of open orders.';
REVOKE ALL ON FUNCTION usom._refuse_archive(text, integer, bigint, bigint) FROM PUBLIC;

CREATE FUNCTION usom._note_archive(archive text, node integer, first_key bigint, end_key bigint) RETURNS void
	LANGUAGE plpgsql VOLATILE STRICT
	SET search_path = pg_catalog, usom, pg_temp
	AS $$
BEGIN
	EXECUTE format('INSERT INTO usom.audit_archive (org_id, relation, node, first_key, end_key, entries, orders, first_at, last_at, root)
		SELECT e.org_id, $1, $2, $3, $4, count(*), count(DISTINCT e.sales_order_id), min(e.occurred_at), max(e.occurred_at),
			(SELECT usom._merkle_root(array_agg(b.digest ORDER BY b.node, b.block_no)) FROM usom.audit_block b
				WHERE b.org_id = e.org_id AND b.entry_ids[1] >= $3 AND b.last_id < $4)
		FROM usom.%I e GROUP BY e.org_id', archive) USING archive, node, first_key, end_key;
	EXECUTE format('INSERT INTO usom.audit_opening (org_id, relation, table_name, total)
		SELECT e.org_id, $1, e.table_name, usom._audit_total(e.before, e.after) FROM usom.%I e GROUP BY e.org_id, e.table_name', archive) USING archive;
	EXECUTE format('INSERT INTO usom.audit_head AS h (org_id, sales_order_id, entry_no, digest)
		SELECT DISTINCT ON (e.org_id, e.sales_order_id) e.org_id, e.sales_order_id, e.entry_no, e.digest
		FROM usom.%I e WHERE e.sales_order_id IS NOT NULL ORDER BY e.org_id DESC, e.sales_order_id DESC, e.entry_no DESC
		ON CONFLICT (org_id, sales_order_id) DO UPDATE SET entry_no = excluded.entry_no, digest = excluded.digest WHERE h.entry_no < excluded.entry_no', archive);
END
$$;
COMMENT ON FUNCTION usom._note_archive(text, integer, bigint, bigint) IS 'Keeps of a partition what must be known when it is away: what it held, what it did to the rows, and the last entry of each order.';
REVOKE ALL ON FUNCTION usom._note_archive(text, integer, bigint, bigint) FROM PUBLIC;

-- Whoever writes the audit waits while this waits: so it waits shortly, and often.
CREATE FUNCTION usom._alter_audit(command text) RETURNS void
	LANGUAGE plpgsql VOLATILE STRICT
	SET search_path = pg_catalog, usom, pg_temp
	SET lock_timeout = '200ms'
	AS $$
BEGIN
	FOR attempt IN 1 .. 30 LOOP
		BEGIN
			EXECUTE command;
			PERFORM usom._see_recent();
			RETURN;
		EXCEPTION WHEN lock_not_available THEN
			IF attempt = 30 THEN
				RAISE EXCEPTION 'usom.audit_entry is being read by a long statement' USING
					ERRCODE = 'lock_not_available', DETAIL = 'It was tried for a quarter of a minute.', HINT = 'Repeat it when reports and verifications of the audit have ended.';
			END IF;
		END;
		PERFORM pg_sleep(0.3);
	END LOOP;
END
$$;
COMMENT ON FUNCTION usom._alter_audit(text) IS 'Runs a command that needs usom.audit_entry for itself, and makes usom._audit_recent anew, without making others wait for long: 55P03 after a quarter of a minute.';
REVOKE ALL ON FUNCTION usom._alter_audit(text) FROM PUBLIC;

CREATE FUNCTION usom._archive_audit(before timestamptz, system_id bigint) RETURNS text
	LANGUAGE plpgsql VOLATILE STRICT
	SET search_path = pg_catalog, usom, pg_temp
	SET jit = off
	AS $$
DECLARE
	part record;
	last_at timestamptz;
	done integer[] := '{}';
BEGIN
	LOCK TABLE ONLY usom.audit_entry IN SHARE UPDATE EXCLUSIVE MODE;
	FOR part IN
		SELECT p.* FROM usom._audit_partitions() p
		WHERE p.node <> usom._node() OR p.end_key <= usom._next_key()
		ORDER BY p.first_key
	LOOP
		CONTINUE WHEN part.node = ANY (done);
		EXECUTE format('SELECT max(e.occurred_at) FROM usom.%I e', part.relation) INTO last_at;
		CONTINUE WHEN last_at IS NULL;
		done := done || part.node;
		CONTINUE WHEN last_at >= before;
		PERFORM usom._refuse_archive(part.relation, part.node, part.end_key, system_id);
		PERFORM usom._note_archive(part.relation, part.node, part.first_key, part.end_key);
		PERFORM usom._alter_audit(format('ALTER TABLE usom.audit_entry DETACH PARTITION usom.%I', part.relation));
		EXECUTE format('COMMENT ON TABLE usom.%I IS %L', part.relation, 'Was a partition of usom.audit_entry: see usom.audit_archive. Dump it, then drop it.');
		RETURN part.relation;
	END LOOP;
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION usom._archive_audit(timestamptz, bigint) IS 'Detaches the oldest partition of a node if all its entries are from before: see usom.archive_audit().';
REVOKE ALL ON FUNCTION usom._archive_audit(timestamptz, bigint) FROM PUBLIC;

CREATE FUNCTION usom._archive(before timestamptz) RETURNS text
	AS 'MODULE_PATHNAME', 'usom__archive' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE
	SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom._archive(timestamptz) IS 'Runs usom._archive_audit() as the owner of the tables.';
REVOKE ALL ON FUNCTION usom._archive(timestamptz) FROM PUBLIC;

CREATE FUNCTION usom.archive_audit(before timestamptz) RETURNS TABLE (archive text, organisation text, entries bigint, orders bigint, first_at timestamptz, last_at timestamptz, root text)
	LANGUAGE plpgsql VOLATILE STRICT
	SET search_path = pg_catalog, usom, pg_temp
	AS $$
BEGIN
	PERFORM usom._check_installed();
	archive := usom._archive(before);
	RETURN QUERY SELECT a.relation, o.code, a.entries, a.orders, a.first_at, a.last_at, encode(a.root, 'hex')
		FROM usom.audit_archive a JOIN usom.organisation o ON o.org_id = a.org_id
		WHERE a.relation = archive_audit.archive ORDER BY o.code;
END
$$;
COMMENT ON FUNCTION usom.archive_audit(before timestamptz) IS 'Detaches the oldest partition of the audit, if all its entries are from before that time, sealed as they are, and of no open order; one row for each organisation that has entries in it, none if no partition is so old. It stays in schema usom as a table of this name, which the DBA dumps and drops (SET usom.allow_drop = on). Orders go on: the table of the audit is locked for a moment at the end. What the rest must know is kept in usom.audit_archive, usom.audit_opening and usom.audit_head: usom.verify_audit() goes on to compare all rows, and the chains of orders go on. order_as_of(), order_changes() and inclusion_proof() say US910 for orders and entries that are away, until usom.restore_audit(). usom.reason tells why. For the owner of the tables. Errors: US001, US908 not sealed, not as it was sealed, or an old transaction runs, US909 entries of open orders, 55P03 when the table is in use for long. Example: SELECT * FROM usom.archive_audit(now() - interval ''2 years'');';
REVOKE ALL ON FUNCTION usom.archive_audit(timestamptz) FROM PUBLIC;

-- ---- and back ----

CREATE FUNCTION usom._restore_audit(archive text) RETURNS void
	LANGUAGE plpgsql VOLATILE STRICT
	SET search_path = pg_catalog, usom, pg_temp
	SET jit = off
	AS $$
DECLARE
	range record := usom._archive_range(archive);
	later text;
	bad record;
BEGIN
	LOCK TABLE ONLY usom.audit_entry IN SHARE UPDATE EXCLUSIVE MODE;
	IF EXISTS (SELECT FROM usom._audit_partitions() p WHERE p.relation = archive) THEN
		RETURN;
	END IF;
	SELECT min(a.relation) INTO later FROM usom.audit_archive a
	WHERE a.first_key >= range.end_key AND a.first_key >> 53 = range.first_key >> 53;
	IF later IS NOT NULL THEN
		RAISE EXCEPTION 'usom.% is away, and later than usom.%', later, archive USING
			ERRCODE = 'US911', DETAIL = 'The chains of orders would have a gap.', HINT = format('SELECT usom.restore_audit(%L); first.', later);
	END IF;
	-- what is checked is what is attached
	PERFORM usom._guard_audit_partition(archive);
	EXECUTE format('LOCK TABLE usom.%I IN SHARE ROW EXCLUSIVE MODE', archive);
	SELECT c.* INTO bad FROM usom.check_archive(archive) c LIMIT 1;
	IF FOUND THEN
		RAISE EXCEPTION 'usom.% is not as it was sealed: %: %', archive, bad.entity, bad.problem USING
			ERRCODE = 'US908', DETAIL = format('Expected %s, found %s.', bad.expected, bad.actual),
			HINT = format('Load it anew; SELECT * FROM usom.check_archive(%L) tells all.', archive);
	END IF;
	DELETE FROM usom.audit_opening o WHERE o.relation = archive;
	DELETE FROM usom.audit_archive a WHERE a.relation = archive;
	PERFORM usom._alter_audit(format('ALTER TABLE usom.audit_entry ATTACH PARTITION usom.%I FOR VALUES FROM (%s) TO (%s)', archive, range.first_key, range.end_key));
END
$$;
COMMENT ON FUNCTION usom._restore_audit(text) IS 'Attaches an archive again: see usom.restore_audit().';
REVOKE ALL ON FUNCTION usom._restore_audit(text) FROM PUBLIC;

CREATE FUNCTION usom._restore(archive text) RETURNS void
	AS 'MODULE_PATHNAME', 'usom__restore' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE
	SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom._restore(text) IS 'Runs usom._restore_audit() as the owner of the tables.';
REVOKE ALL ON FUNCTION usom._restore(text) FROM PUBLIC;

CREATE FUNCTION usom.restore_audit(archive text) RETURNS void
	LANGUAGE plpgsql VOLATILE STRICT
	SET search_path = pg_catalog, usom, pg_temp
	AS $$
BEGIN
	PERFORM usom._check_installed(), usom._check_card('archive', archive), usom._restore(archive);
END
$$;
COMMENT ON FUNCTION usom.restore_audit(text) IS 'Attaches a table that usom.archive_audit() detached, the latest first, after checking that it holds what was sealed. archive: its name in schema usom; where it was dropped, load it first. Attached already: nothing happens. For the owner of the tables. Errors: US001, US908 when it is not as it was sealed, US911 unknown, not in the database, or a later one is away, 55P03 when the audit is in use for long. Example: SELECT usom.restore_audit(''_audit_entry_0_00001'');';
REVOKE ALL ON FUNCTION usom.restore_audit(text) FROM PUBLIC;

-- ---- what is away ----

CREATE FUNCTION usom._check_at_hand(of_order bigint) RETURNS void
	LANGUAGE plpgsql STABLE STRICT
	SET search_path = pg_catalog, usom, pg_temp
	AS $$
BEGIN
	IF EXISTS (SELECT FROM usom.audit_head h WHERE h.org_id = usom.current_org() AND h.sales_order_id = of_order)
		AND NOT EXISTS (SELECT FROM usom.audit_entry e WHERE e.org_id = usom.current_org() AND e.sales_order_id = of_order AND e.entry_no = 1) THEN
		RAISE EXCEPTION 'what the audit says of the order is in an archive' USING
			ERRCODE = 'US910', DETAIL = (SELECT format('Archives: %s.', string_agg(a.relation, ', ' ORDER BY a.first_key DESC)) FROM usom.audit_archive a WHERE a.org_id = usom.current_org()),
			HINT = 'The DBA brings it back: usom.restore_audit(), the latest first.';
	END IF;
END
$$;
COMMENT ON FUNCTION usom._check_at_hand(bigint) IS 'US910 where the first entries of an order are in an archive.';
REVOKE ALL ON FUNCTION usom._check_at_hand(bigint) FROM PUBLIC;
