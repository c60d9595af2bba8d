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

-- ---- all entries at once ----

CREATE TYPE usom._audit_scanned AS (table_name text, total bigint[], audit_entry_id bigint, kind text, detail text);
COMMENT ON TYPE usom._audit_scanned IS 'What usom._audit_scan() says: the sum of a table, or a finding.';

-- The index of the keys gives the order: a sort would need as much room as the entries.
CREATE FUNCTION usom._audit_scan(org_id bigint, settled bigint[], key bytea, orders integer) RETURNS SETOF usom._audit_scanned
	AS 'MODULE_PATHNAME', 'usom__audit_scan' LANGUAGE C STABLE STRICT PARALLEL RESTRICTED
	SET search_path = pg_catalog, usom, pg_temp
	SET enable_sort = off
	SET jit = off
	SET max_parallel_workers_per_gather = 0;
COMMENT ON FUNCTION usom._audit_scan(bigint, bigint[], bytea, integer) IS 'All entries of an organisation, read once. A row for each table with its usom._audit_sum(); one of kind broken if a digest is not that of its columns or the entries of some order are not one chain: usom._audit_walk() finds which; and what usom._verify_blocks() would find. orders: of how many orders states are held in memory (some 40 bytes each, half as much again while it grows); those of others go to a temporary file. Nobody waits for it.';
REVOKE ALL ON FUNCTION usom._audit_scan(bigint, bigint[], bytea, integer) FROM PUBLIC;

CREATE FUNCTION usom._settled_keys() RETURNS bigint[]
	LANGUAGE sql STABLE STRICT
	SET search_path = pg_catalog, usom, pg_temp
	AS $$
	SELECT ARRAY(
		SELECT (SELECT b.settled_to FROM usom.audit_block b WHERE b.org_id = usom.current_org() AND b.node = n ORDER BY b.block_no DESC LIMIT 1)
		FROM generate_series(0, (SELECT max(m.node) FROM usom.audit_block m WHERE m.org_id = usom.current_org())) n ORDER BY n)
	$$;
COMMENT ON FUNCTION usom._settled_keys() IS 'By node from 0: entries up to this key must be in a block.';
REVOKE ALL ON FUNCTION usom._settled_keys() FROM PUBLIC;

CREATE FUNCTION usom._scan_audit(key bytea) RETURNS usom._audit_scanned[]
	LANGUAGE sql STABLE STRICT
	SET search_path = pg_catalog, usom, pg_temp
	AS $$SELECT ARRAY(SELECT s FROM usom._audit_scan(usom.current_org(), usom._settled_keys(), key, 750000) s)$$;
COMMENT ON FUNCTION usom._scan_audit(bytea) IS 'usom._audit_scan() of the caller''s organisation, with states of 750,000 orders in memory: 32 MB.';
REVOKE ALL ON FUNCTION usom._scan_audit(bytea) FROM PUBLIC;

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

-- The index of the chains gives the order of the walk, as that of the keys does for the scan.
CREATE FUNCTION usom._walk_audit(above bigint) RETURNS usom._audit_walked
	LANGUAGE plpgsql STABLE CALLED ON NULL INPUT
	SET search_path = pg_catalog, usom, pg_temp
	SET enable_sort = off
	SET jit = off
	SET max_parallel_workers_per_gather = 0
	AS $$
DECLARE
	org CONSTANT bigint := usom.current_org();
	archived CONSTANT boolean := EXISTS (SELECT FROM usom.audit_archive a WHERE a.org_id = org);
	walked usom._audit_walked;
BEGIN
	IF above IS NULL THEN
		SELECT w.* INTO walked FROM (
			SELECT usom._audit_walk(e, CASE WHEN archived AND e.entry_no > 1 THEN (SELECT h.digest FROM usom.audit_head h
				WHERE h.org_id = org AND h.sales_order_id = e.sales_order_id AND h.entry_no = e.entry_no - 1) END) AS w
			FROM ((SELECT * FROM usom.audit_entry c WHERE c.org_id = org AND c.sales_order_id IS NOT NULL ORDER BY c.sales_order_id, c.entry_no)
				UNION ALL SELECT * FROM usom.audit_entry o WHERE o.org_id = org AND o.sales_order_id IS NULL) e) r, LATERAL (SELECT (r.w).*) w;
	ELSE
		SELECT w.* INTO walked FROM (
			SELECT usom._audit_walk(e, CASE WHEN e.entry_no > 1 THEN coalesce((SELECT p.digest FROM usom.audit_entry p
					WHERE p.org_id = org AND p.sales_order_id = e.sales_order_id AND p.entry_no = e.entry_no - 1),
				(SELECT h.digest FROM usom.audit_head h
					WHERE h.org_id = org AND h.sales_order_id = e.sales_order_id AND h.entry_no = e.entry_no - 1)) END) AS w
			FROM (SELECT * FROM usom.audit_entry c WHERE c.org_id = org AND c.audit_entry_id > above ORDER BY c.sales_order_id, c.entry_no) e) r,
			LATERAL (SELECT (r.w).*) w;
	END IF;
	RETURN walked;
END
$$;
COMMENT ON FUNCTION usom._walk_audit(bigint) IS 'usom._audit_walk() of all entries of the caller''s organisation, or of those behind a key.';
REVOKE ALL ON FUNCTION usom._walk_audit(bigint) FROM PUBLIC;

CREATE FUNCTION usom._verify_audit_entries(above bigint, scanned usom._audit_scanned[])
	RETURNS TABLE (kind text, audit_entry_id bigint, entity text, problem text, expected text, actual text)
	LANGUAGE plpgsql STABLE CALLED ON NULL INPUT
	SET search_path = pg_catalog, usom, pg_temp
	AS $$
DECLARE
	walked usom._audit_walked;
BEGIN
	IF above IS NOT NULL OR EXISTS (SELECT FROM unnest(scanned) s WHERE s.kind = 'broken') THEN
		walked := usom._walk_audit(above);
	END IF;
	RETURN QUERY
	SELECT f.kind, f.id, coalesce(format('audit entry %s', f.id), 'audit'), f.detail, NULL::text, NULL::text
	FROM (SELECT walked.kind, walked.audit_entry_id, walked.detail, 2
		UNION ALL SELECT s.kind, s.audit_entry_id, s.detail, 1 FROM unnest(scanned) s WHERE s.kind <> 'broken'
		UNION ALL SELECT b.kind, b.audit_entry_id, b.detail, 1 FROM usom._verify_blocks(usom.current_org(), usom._settled_keys(), above) b) AS f (kind, id, detail, n)
	WHERE f.kind IS NOT NULL
	ORDER BY f.id, f.n;
END
$$;
COMMENT ON FUNCTION usom._verify_audit_entries(bigint, usom._audit_scanned[]) IS 'Entries that are not what they were, not all there, or not linked: by their digests, by the links of their orders, by the blocks that list them; of each of the two the first. above: those behind that key alone; else scanned is what usom._scan_audit() says. Part of verify_audit().';
REVOKE ALL ON FUNCTION usom._verify_audit_entries(bigint, usom._audit_scanned[]) FROM PUBLIC;

-- ---- rows ----

CREATE FUNCTION usom._audited_tables() RETURNS TABLE (relation text, known boolean, key_columns text[])
	LANGUAGE plpgsql STABLE STRICT
	SET search_path = pg_catalog, usom, pg_temp
	AS $$
#variable_conflict use_column
BEGIN
	RETURN QUERY
	-- those that the steps of the library audit, whether their triggers are there or not, and those that anybody audits
	SELECT t.relation, bool_or(t.known), (
		SELECT array_agg(a.attname::text ORDER BY k.n)
		FROM pg_index i CROSS JOIN LATERAL unnest(i.indkey) WITH ORDINALITY AS k (attnum, n)
			JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
		WHERE i.indrelid = to_regclass(format('usom.%I', t.relation)) AND i.indisprimary AND (k.n > 1 OR i.indnkeyatts = 1))
	FROM (SELECT split_part(p.asked, '''', 1) AS relation, true AS known
			FROM usom._migration m, string_to_table(m.text, '_audit_table(''') WITH ORDINALITY AS p (asked, n) WHERE p.n > 1
		UNION SELECT c.relname::text, false FROM pg_trigger g JOIN pg_class c ON c.oid = g.tgrelid
			WHERE c.relnamespace = 'usom'::regnamespace AND g.tgfoid = 'usom.audit_statement()'::regprocedure) AS t
	GROUP BY t.relation;
END
$$;
COMMENT ON FUNCTION usom._audited_tables() IS 'Tables whose rows the audit tells, whether usom itself wants it so, and the columns of their keys but org_id.';
REVOKE ALL ON FUNCTION usom._audited_tables() FROM PUBLIC;

CREATE FUNCTION usom._live_sum(key bytea, org_id bigint, relation text) RETURNS bigint[]
	AS 'MODULE_PATHNAME', 'usom__live_sum' LANGUAGE C STABLE STRICT PARALLEL RESTRICTED
	SET search_path = pg_catalog, usom, pg_temp
	SET jit = off;
COMMENT ON FUNCTION usom._live_sum(bytea, bigint, text) IS 'usom._audit_sum() of the rows of a table as they are, without their images.';
REVOKE ALL ON FUNCTION usom._live_sum(bytea, bigint, text) FROM PUBLIC;

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
		), hit AS MATERIALIZED (
			-- entries that tell of them: their images are read, once
			SELECT DISTINCT e.audit_entry_id
			FROM usom.audit_entry e CROSS JOIN LATERAL usom._audit_marks(coalesce(e.after, e.before), $3) m JOIN suspect USING (key)
			WHERE e.org_id = $1 AND e.table_name = $2
		), told AS MATERIALIZED (
			-- rows by their place within the entry: that before and that after
			SELECT m.key, e.audit_entry_id AS id, e.transaction_id AS tx, e.operation, m.before, m.after,
				coalesce(m.after, m.before) AS image, row_number() OVER w = 1 AS newest, first_value(e.transaction_id) OVER w = e.transaction_id AS recent
			FROM hit
				JOIN usom.audit_entry e ON e.org_id = $1 AND e.audit_entry_id = hit.audit_entry_id
				CROSS JOIN LATERAL ROWS FROM (usom._audit_marks(coalesce(e.after, e.before), $3), usom._audit_rows(e.before), usom._audit_rows(e.after))
					AS m (key, mark, before, after)
				JOIN suspect USING (key)
			WINDOW w AS (PARTITION BY m.key ORDER BY e.audit_entry_id & $5 DESC, e.audit_entry_id DESC)
		), other AS (
			SELECT t.key, array_agg(t.image) AS images FROM told t WHERE t.recent AND NOT t.newest GROUP BY t.key
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
			WHERE g.prior_tx IS DISTINCT FROM g.tx AND (g.prior_id IS NOT NULL OR NOT EXISTS (SELECT FROM usom.audit_opening a
					WHERE a.org_id = $1 AND a.table_name = $2)) AND ((g.before IS NULL) <> (g.prior IS NULL)
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
				LEFT JOIN other o USING (key)
				CROSS JOIN LATERAL (
					SELECT jsonb_object_agg(c.key, c.value) AS expected, jsonb_object_agg(c.key, l.image->c.key) AS actual
					FROM jsonb_each(x.image) c WHERE l.image ? c.key AND l.image->c.key <> c.value) d
			WHERE (l.image IS NULL) <> (x.image IS NULL) OR d.expected IS NOT NULL
				AND NOT EXISTS (SELECT FROM unnest(o.images) i (image) WHERE l.image @> i.image)
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

-- The totals of entries that are away are kept; with those of the entries that
-- are here they must be those of the rows.
CREATE FUNCTION usom._told_totals() RETURNS TABLE (table_name text, total bytea)
	LANGUAGE plpgsql STABLE STRICT
	SET search_path = pg_catalog, usom, pg_temp
	AS $$
BEGIN
	-- with nothing away, nobody asks
	IF NOT EXISTS (SELECT FROM usom.audit_archive a WHERE a.org_id = usom.current_org()) THEN
		RETURN;
	END IF;
	RETURN QUERY
	SELECT t.table_name, usom._audit_totals(t.total)
	FROM (SELECT o.table_name, o.total FROM usom.audit_opening o WHERE o.org_id = usom.current_org()
		UNION ALL
		SELECT e.table_name, usom._audit_total(e.before, e.after) FROM usom.audit_entry e
		WHERE e.org_id = usom.current_org() AND NOT EXISTS (SELECT FROM usom.audit_archive a
			WHERE a.org_id = e.org_id AND e.audit_entry_id >= a.first_key AND e.audit_entry_id < a.end_key)	-- in a copy by replication they may be here still
		GROUP BY e.table_name) t
	GROUP BY t.table_name;
END
$$;
COMMENT ON FUNCTION usom._told_totals() IS 'What all entries did to the rows of each table, those in archives too; nothing where no entry is away. Part of verify_audit().';
REVOKE ALL ON FUNCTION usom._told_totals() FROM PUBLIC;

CREATE FUNCTION usom._verify_audit_rows(above bigint, key bytea, scanned usom._audit_scanned[])
	RETURNS TABLE (kind text, audit_entry_id bigint, entity text, problem text, expected text, actual text)
	LANGUAGE plpgsql STABLE CALLED ON NULL INPUT
	SET search_path = pg_catalog, usom, pg_temp
	AS $$
DECLARE
	archived boolean := EXISTS (SELECT FROM usom.audit_archive a WHERE a.org_id = usom.current_org());
	told record;
	live bigint[];
	same boolean;
	comparable boolean;
	suspects bigint[];
BEGIN
	-- rows of a few entries are looked up one by one; of many, all rows are compared sooner
	IF 20 * (SELECT count(*) FROM usom.audit_entry e WHERE e.org_id = usom.current_org() AND e.audit_entry_id > above)
			> (SELECT greatest(sum(greatest(c.reltuples, 0)), 1000) FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
				WHERE i.inhparent = 'usom.audit_entry'::regclass) THEN
		above := NULL;
		scanned := usom._scan_audit(key);
	END IF;
	FOR told IN
		SELECT t.relation, t.known, t.key_columns, coalesce(s.total, '{0,0,0}') AS total, s.table_name IS NOT NULL AS touched, a.total AS of_all
		FROM usom._audited_tables() t
			FULL JOIN (SELECT c.table_name, c.total FROM unnest(scanned) c WHERE above IS NULL AND c.table_name IS NOT NULL
				UNION ALL
				SELECT e.table_name, usom._audit_sum(key, e.audit_entry_id, e.operation, e.row_count, e.before, e.after)
				FROM usom.audit_entry e WHERE e.org_id = usom.current_org() AND e.audit_entry_id > above GROUP BY e.table_name) s
				ON s.table_name = t.relation
			LEFT JOIN usom._told_totals() a ON above IS NULL AND a.table_name = t.relation
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
		IF above IS NOT NULL THEN
			same := NOT told.touched;
		ELSIF archived THEN
			SELECT s.* INTO same, comparable FROM usom._same_total(told.of_all, usom._live_total(told.relation)) s;
		ELSE
			live := usom._live_sum(key, usom.current_org(), told.relation);
			same := live = told.total;
			comparable := live[3] = told.total[3];	-- the sums are exact where all rows have the same columns
		END IF;
		CONTINUE WHEN same;
		suspects := ARRAY(SELECT usom._audit_suspects(told.relation, told.key_columns, CASE WHEN archived THEN coalesce(above, -1) ELSE above END));
		RETURN QUERY SELECT * FROM usom._verify_audit_table(told.relation, told.key_columns, suspects);
		IF NOT FOUND AND above IS NULL AND comparable THEN
			RETURN QUERY SELECT 'row_changed', NULL::bigint, told.relation,
				CASE WHEN archived THEN 'the rows do not follow from their entries; what tells which is in an archive' ELSE 'the rows do not follow from their entries' END,
				CASE WHEN NOT archived THEN told.total[2] || ' rows' END, CASE WHEN NOT archived THEN live[2] || ' rows' END;
		END IF;
	END LOOP;
END
$$;
COMMENT ON FUNCTION usom._verify_audit_rows(bigint, bytea, usom._audit_scanned[]) IS 'Rows of all audited tables that do not follow from their entries, after images that cannot be read. key: drawn for this comparison; scanned is what usom._scan_audit() says under it. above: only rows that entries behind that key tell of, unless these are many. Where entries are in an archive, their totals are taken instead, and a row that none of the others tells of is told by its table. Part of verify_audit().';
REVOKE ALL ON FUNCTION usom._verify_audit_rows(bigint, bytea, usom._audit_scanned[]) FROM PUBLIC;

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

-- Whole tables are joined here; whoever plans the statement that calls it may be planning for keys.
CREATE FUNCTION usom._verify_audit_parts(since timestamptz, digests jsonb)
	RETURNS TABLE (kind text, audit_entry_id bigint, entity text, problem text, expected text, actual text)
	LANGUAGE plpgsql STABLE CALLED ON NULL INPUT
	SET search_path = pg_catalog, usom, pg_temp
	SET enable_hashjoin = on SET enable_mergejoin = on SET enable_seqscan = on SET enable_bitmapscan = on SET enable_material = on
	AS $$
DECLARE
	above bigint;
	key CONSTANT bytea := usom._audit_key();
	scanned usom._audit_scanned[];
BEGIN
	above := usom._sealed_before(since);
	RETURN QUERY SELECT * FROM usom._verify_audit_blocks(since);
	IF above IS NULL THEN
		scanned := usom._scan_audit(key);
	END IF;
	RETURN QUERY SELECT * FROM usom._verify_audit_entries(above, scanned);
	RETURN QUERY SELECT * FROM usom._verify_audit_digests(digests);
	RETURN QUERY SELECT * FROM usom._verify_audit_rows(above, key, scanned);
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
