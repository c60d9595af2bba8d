-- The row of usom.audit_entry as far as it differs between the entries of a call.
CREATE TYPE usom._audit_row AS (
	audit_entry_id bigint,
	occurred_at timestamptz,
	table_name text,
	operation text,
	row_count integer,
	sales_order_id bigint,
	verb text,
	reason text,
	before bytea,
	after bytea
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
END
$$;
COMMENT ON FUNCTION usom._audit_table(text) IS 'Puts the triggers audit_insert, audit_update and audit_delete on a table of usom. The table needs a column org_id bigint; a column sales_order_id bigint is noted in the entry.';
REVOKE ALL ON FUNCTION usom._audit_table(text) FROM PUBLIC;

-- Views check functions against who reads them, so the readers of usom.audit need it.
CREATE FUNCTION usom._audit_rows(image bytea) RETURNS SETOF jsonb
	AS 'MODULE_PATHNAME', 'usom__audit_rows' LANGUAGE C STABLE STRICT PARALLEL SAFE COST 20 ROWS 5;
COMMENT ON FUNCTION usom._audit_rows(bytea) IS 'Rows of an image of usom.audit_entry, in their order, as to_jsonb() shows them. Errors: 22P03 when the bytes are no image.';
REVOKE ALL ON FUNCTION usom._audit_rows(bytea) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION usom._audit_rows(bytea) TO PUBLIC;

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

CREATE FUNCTION usom._verify_audit_images()
	RETURNS TABLE (area text, entity text, problem text, expected text, actual text)
	LANGUAGE plpgsql STABLE STRICT
	SET search_path = pg_catalog, usom, pg_temp
	AS $$
BEGIN
	RETURN QUERY
	SELECT 'audit', format('audit entry %s', e.audit_entry_id),
		CASE WHEN i.counted < 0 THEN format('the image %s cannot be read', i.side)
			ELSE format('the image %s has another number of rows', i.side) END,
		format('%s rows', e.row_count), CASE WHEN i.counted >= 0 THEN format('%s rows', i.counted) END
	FROM usom.audit_entry e
		CROSS JOIN LATERAL (VALUES ('before', usom._audit_count(e.before)), ('after', usom._audit_count(e.after))) AS i (side, counted)
	WHERE e.org_id = usom.current_org() AND i.counted <> e.row_count
	UNION ALL
	SELECT 'audit', format('audit entry %s', e.audit_entry_id), 'the operation does not go with the images',
		CASE e.operation WHEN 'INSERT' THEN 'after' WHEN 'DELETE' THEN 'before' WHEN 'UPDATE' THEN 'before, after' END,
		concat_ws(', ', CASE WHEN e.before IS NOT NULL THEN 'before' END, CASE WHEN e.after IS NOT NULL THEN 'after' END)
	FROM usom.audit_entry e
	WHERE e.org_id = usom.current_org() AND (e.operation NOT IN ('INSERT', 'UPDATE', 'DELETE')
		OR (e.operation <> 'INSERT') <> (e.before IS NOT NULL) OR (e.operation <> 'DELETE') <> (e.after IS NOT NULL));
END
$$;
COMMENT ON FUNCTION usom._verify_audit_images() IS 'Entries of the audit whose images cannot be read, have another number of rows than the entry says, or do not go with its operation. Part of verify_audit().';
REVOKE ALL ON FUNCTION usom._verify_audit_images() FROM PUBLIC;

CREATE FUNCTION usom._audit_suspects(table_name text, key_columns text[]) RETURNS SETOF bigint
	LANGUAGE plpgsql STABLE STRICT
	SET search_path = pg_catalog, usom, pg_temp
	AS $$
BEGIN
	RETURN QUERY EXECUTE format($query$
		WITH last AS (
			SELECT DISTINCT ON (m.key) m.key, CASE WHEN e.operation <> 'DELETE' THEN m.mark END AS mark
			FROM usom.audit_entry e, usom._audit_marks(coalesce(e.after, e.before), $3) m
			WHERE e.org_id = $1 AND e.table_name = $2
			ORDER BY m.key, e.occurred_at DESC, e.audit_entry_id DESC
		), live AS (
			SELECT m.key, m.mark FROM usom.%I live_row, usom._audit_marks(usom._audit_image(live_row), $3) m WHERE live_row.org_id = $1
		)
		SELECT coalesce(a.key, l.key) FROM last a FULL JOIN live l USING (key) WHERE a.mark IS DISTINCT FROM l.mark
		$query$, table_name)
	USING usom.current_org(), table_name, key_columns;
END
$$;
COMMENT ON FUNCTION usom._audit_suspects(text, text[]) IS 'Hashes of the keys of those rows of a table whose mark differs from that of their last image; _verify_audit_table() looks at them closely.';
REVOKE ALL ON FUNCTION usom._audit_suspects(text, text[]) FROM PUBLIC;

-- A trigger of a row may change the row again before the entry of its own
-- statement is written, so within the last transaction that touched a row any
-- image may be the last one.  Columns that came later are in no old image.
CREATE FUNCTION usom._verify_audit_table(table_name text, key_columns text[])
	RETURNS TABLE (area text, entity text, problem text, expected text, actual text)
	LANGUAGE plpgsql STABLE STRICT
	SET search_path = pg_catalog, usom, pg_temp
	SET timezone = 'UTC'
	SET bytea_output = 'hex'
	SET extra_float_digits = 1
	AS $$
DECLARE
	suspects bigint[] := ARRAY(SELECT usom._audit_suspects(table_name, key_columns));
BEGIN
	IF suspects = '{}' THEN
		RETURN;
	END IF;
	RETURN QUERY EXECUTE format($query$
		WITH suspect AS (
			SELECT unnest($4) AS key
		), ranked AS (
			SELECT key, r.image, e.operation, row_number() OVER w = 1 AS newest,
				first_value(e.transaction_id) OVER w = e.transaction_id AS recent
			FROM usom.audit_entry e,
				ROWS FROM (usom._audit_rows(coalesce(e.after, e.before)), usom._audit_marks(coalesce(e.after, e.before), $3))
					AS r (image, key, mark)
				JOIN suspect USING (key)
			WHERE e.org_id = $1 AND e.table_name = $2 AND usom._audit_count(coalesce(e.after, e.before)) > 0
			WINDOW w AS (PARTITION BY key ORDER BY e.occurred_at DESC, e.audit_entry_id DESC)
		), last AS MATERIALIZED (
			SELECT k.key, k.newest, k.image AS shown, CASE WHEN k.operation <> 'DELETE' THEN k.image END AS image
			FROM ranked k WHERE k.recent
		), live AS (
			SELECT key, to_jsonb(live_row) AS image
			FROM usom.%I live_row, usom._audit_marks(usom._audit_image(live_row), $3) m JOIN suspect USING (key)
			WHERE live_row.org_id = $1
		)
		SELECT 'audit', format('%%s %%s', $2, (SELECT string_agg(coalesce(l.image, x.shown)->>k.name, '/' ORDER BY k.n)
				FROM unnest($3) WITH ORDINALITY AS k (name, n))),
			CASE WHEN l.image IS NULL THEN 'the row is gone, the audit knows nothing of it'
				WHEN x.image IS NULL THEN 'the row is there, the audit knows nothing of it'
				ELSE 'the row differs from its last image' END,
			CASE WHEN l.image IS NULL THEN x.image ELSE d.expected END::text,
			CASE WHEN x.image IS NULL THEN l.image ELSE d.actual END::text
		FROM (SELECT * FROM last n WHERE n.newest) x
			FULL JOIN live l USING (key)
			CROSS JOIN LATERAL (
				SELECT jsonb_object_agg(c.key, c.value) AS expected, jsonb_object_agg(c.key, l.image->c.key) AS actual
				FROM jsonb_each(x.image) c WHERE l.image ? c.key AND l.image->c.key <> c.value) d
		WHERE (l.image IS NULL) <> (x.image IS NULL) OR d.expected IS NOT NULL
			AND NOT EXISTS (SELECT FROM last o WHERE o.key = x.key AND NOT o.newest AND l.image @> o.image)
		ORDER BY 2
		$query$, table_name)
	USING usom.current_org(), table_name, key_columns, suspects;
EXCEPTION WHEN data_exception THEN
	RETURN QUERY SELECT 'audit', format('images of %s', table_name), 'an image cannot be read', NULL::text, SQLERRM;
END
$$;
COMMENT ON FUNCTION usom._verify_audit_table(text, text[]) IS 'Rows of a table that differ from their last image in the audit, or that only one of the two has. Columns that came after the image was written are not compared. Part of verify_audit().';
REVOKE ALL ON FUNCTION usom._verify_audit_table(text, text[]) FROM PUBLIC;

CREATE FUNCTION usom._verify_audit_rows()
	RETURNS TABLE (area text, entity text, problem text, expected text, actual text)
	LANGUAGE plpgsql STABLE STRICT
	SET search_path = pg_catalog, usom, pg_temp
	AS $$
DECLARE
	kept record;
BEGIN
	FOR kept IN
		SELECT t.name, array_agg(a.attname::text ORDER BY k.n) AS key_columns
		FROM unnest(ARRAY['sales_order', 'order_line', 'fulfillment_line', 'stock']) AS t (name)
			JOIN pg_index i ON i.indrelid = to_regclass(format('usom.%I', t.name)) AND i.indisprimary
			CROSS JOIN LATERAL unnest(i.indkey) WITH ORDINALITY AS k (attnum, n)
			JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
		WHERE k.n > 1
		GROUP BY t.name
	LOOP
		RETURN QUERY SELECT * FROM usom._verify_audit_table(kept.name, kept.key_columns);
	END LOOP;
END
$$;
COMMENT ON FUNCTION usom._verify_audit_rows() IS 'Orders, lines, pieces and stock that differ from their last image in the audit. Part of verify_audit().';
REVOKE ALL ON FUNCTION usom._verify_audit_rows() FROM PUBLIC;

CREATE FUNCTION usom.verify_audit()
	RETURNS TABLE (area text, entity text, problem text, expected text, actual text)
	LANGUAGE sql STABLE STRICT
	SET search_path = pg_catalog, usom, pg_temp
	AS $$
	SELECT * FROM usom._verify_audit_images()
	UNION ALL SELECT * FROM usom._verify_audit_rows()
$$;
COMMENT ON FUNCTION usom.verify_audit() IS 'What is wrong with the audit of the organisation: entries that cannot be read, and orders, lines, pieces and stock that differ from their last image there. Empty when all is well. Reads everything once. Errors: US006. Example: SELECT * FROM usom.verify_audit();';
