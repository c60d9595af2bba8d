-- The row of usom.audit_entry as far as it differs between the entries of a call.
CREATE TYPE usom._audit_row AS (
	audit_entry_id bigint,
	occurred_at timestamptz,
	transaction_id bigint,
	table_name text,
	operation text,
	row_count integer,
	sales_order_id bigint,
	entry_no integer,
	previous bytea,
	session_role text,
	active_role text,
	app_user text,
	client_addr text,
	application_name text,
	verb text,
	reason text,
	before bytea,
	after bytea,
	digest bytea
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
	-- TRUNCATE has no rows to tell of, so it is refused, after the guards that say more
	EXECUTE format('CREATE TRIGGER usom_truncate BEFORE TRUNCATE ON usom.%I
		FOR EACH STATEMENT EXECUTE FUNCTION usom.guard_kept(''master'', %L, ''Use DELETE, of which the audit tells.'')', table_name, table_name);
	EXECUTE format('ALTER TABLE usom.%I ENABLE ALWAYS TRIGGER usom_truncate', table_name);
END
$$;
COMMENT ON FUNCTION usom._audit_table(text) IS 'Puts the triggers audit_insert, audit_update and audit_delete on a table of usom, and usom_truncate, which refuses TRUNCATE. The table needs a column org_id bigint; a column sales_order_id bigint is noted in the entry.';
REVOKE ALL ON FUNCTION usom._audit_table(text) FROM PUBLIC;

-- Views check functions against who reads them, so the readers of usom.audit need it.
CREATE FUNCTION usom._audit_rows(image bytea) RETURNS SETOF jsonb
	AS 'MODULE_PATHNAME', 'usom__audit_rows' LANGUAGE C STABLE STRICT PARALLEL SAFE COST 20 ROWS 5;
COMMENT ON FUNCTION usom._audit_rows(bytea) IS 'Rows of an image of usom.audit_entry, in their order, as to_jsonb() shows them. Errors: 22P03 when the bytes are no image.';
REVOKE ALL ON FUNCTION usom._audit_rows(bytea) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION usom._audit_rows(bytea) TO PUBLIC;

CREATE FUNCTION usom._audit_digest(entry record) RETURNS bytea
	AS 'MODULE_PATHNAME', 'usom__audit_digest' LANGUAGE C STABLE STRICT PARALLEL SAFE COST 30;
COMMENT ON FUNCTION usom._audit_digest(record) IS 'What the digest of a row of usom.audit_entry must be: SHA-256 over all other columns in a fixed form (src/audit/digest.h); null if the row is numbered without an order or the other way round. Errors: 42804 when it is a row of another table. Example: SELECT count(*) FROM usom.audit_entry e WHERE e.digest IS DISTINCT FROM usom._audit_digest(e);';
REVOKE ALL ON FUNCTION usom._audit_digest(record) FROM PUBLIC;

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

-- ---- blocks and proofs ----

CREATE FUNCTION usom._merkle_root(leaves bytea[]) RETURNS bytea
	AS 'MODULE_PATHNAME', 'usom__merkle_root' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000;
COMMENT ON FUNCTION usom._merkle_root(bytea[]) IS 'Root of the Merkle tree over digests of 32 bytes, as RFC 6962 section 2.1 defines it. Errors: 22P03, 22004.';
REVOKE ALL ON FUNCTION usom._merkle_root(bytea[]) FROM PUBLIC;

CREATE FUNCTION usom._merkle_path(leaves bytea[], place integer) RETURNS bytea[]
	AS 'MODULE_PATHNAME', 'usom__merkle_path' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000;
COMMENT ON FUNCTION usom._merkle_path(bytea[], integer) IS 'Siblings on the way from the leaf at a place (from 1) up to the root: RFC 6962 section 2.1.1. Errors: 22023, 22P03.';
REVOKE ALL ON FUNCTION usom._merkle_path(bytea[], integer) FROM PUBLIC;

CREATE FUNCTION usom._merkle_climb(leaf bytea, count integer, place integer, path bytea[]) RETURNS bytea
	AS 'MODULE_PATHNAME', 'usom__merkle_climb' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100;
COMMENT ON FUNCTION usom._merkle_climb(bytea, integer, integer, bytea[]) IS 'Root that a leaf leads to by its path in a tree of count leaves; null if the path does not fit. Errors: 22P03.';
REVOKE ALL ON FUNCTION usom._merkle_climb(bytea, integer, integer, bytea[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION usom._merkle_climb(bytea, integer, integer, bytea[]) TO PUBLIC;

CREATE FUNCTION usom._merkle_consistency(leaves bytea[], older integer) RETURNS bytea[]
	AS 'MODULE_PATHNAME', 'usom__merkle_consistency' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000;
COMMENT ON FUNCTION usom._merkle_consistency(bytea[], integer) IS 'Proof that the tree over the first older leaves is the beginning of the tree over all: RFC 6962 section 2.1.2. Errors: 22023, 22P03.';
REVOKE ALL ON FUNCTION usom._merkle_consistency(bytea[], integer) FROM PUBLIC;

CREATE FUNCTION usom._merkle_is_consistent(older integer, count integer, older_root bytea, root bytea, proof bytea[]) RETURNS boolean
	AS 'MODULE_PATHNAME', 'usom__merkle_is_consistent' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100;
COMMENT ON FUNCTION usom._merkle_is_consistent(integer, integer, bytea, bytea, bytea[]) IS 'Does the proof lead from the root over older leaves to the root over count leaves? Errors: 22P03.';
REVOKE ALL ON FUNCTION usom._merkle_is_consistent(integer, integer, bytea, bytea, bytea[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION usom._merkle_is_consistent(integer, integer, bytea, bytea, bytea[]) TO PUBLIC;

CREATE FUNCTION usom._block_header(org_id bigint, node smallint, block_no integer, sealed_at timestamptz, entry_ids bigint[],
	entries_total bigint, previous bytea, system_id bigint, sequence_at bigint, next_xid bigint, settled_to bigint) RETURNS bytea
	AS 'MODULE_PATHNAME', 'usom__block_header' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100;
COMMENT ON FUNCTION usom._block_header(bigint, smallint, integer, timestamptz, bigint[], bigint, bytea, bigint, bigint, bigint, bigint) IS 'Digest of all that a block says but the root of its tree; null if anything but previous is null.';
REVOKE ALL ON FUNCTION usom._block_header(bigint, smallint, integer, timestamptz, bigint[], bigint, bytea, bigint, bigint, bigint, bigint) FROM PUBLIC;

CREATE FUNCTION usom._block_digest(root bytea, header bytea) RETURNS bytea
	AS 'MODULE_PATHNAME', 'usom__block_digest' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10;
COMMENT ON FUNCTION usom._block_digest(bytea, bytea) IS 'Digest of a block: over the root of its tree and its header. Errors: 22P03.';
REVOKE ALL ON FUNCTION usom._block_digest(bytea, bytea) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION usom._block_digest(bytea, bytea) TO PUBLIC;

CREATE FUNCTION usom._seal(org_id bigint) RETURNS TABLE (block_no integer, entries integer)
	AS 'MODULE_PATHNAME', 'usom__seal' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE
	SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom._seal(bigint) IS 'Seals what an organisation has committed: see usom.seal_audit().';
REVOKE ALL ON FUNCTION usom._seal(bigint) FROM PUBLIC;

CREATE FUNCTION usom.seal_audit() RETURNS TABLE (block_no integer, entries integer)
	LANGUAGE sql VOLATILE STRICT
	SET search_path = pg_catalog, usom, pg_temp
	AS $$SELECT * FROM usom._seal(usom.current_org())$$;
COMMENT ON FUNCTION usom.seal_audit() IS 'Seals all audit entries of the caller''s organisation that have committed, in blocks of 32768 at most, and notifies the channel usom_audit of each new digest; usom.tick() does it for all organisations. One row per block; none if nothing is new or another session is sealing. Waits for nobody, nobody waits for it: what commits later goes into a later block. Errors: US001, US006. Example: SELECT * FROM usom.seal_audit();';

CREATE FUNCTION usom.export_digest() RETURNS jsonb
	LANGUAGE plpgsql STABLE STRICT
	SET search_path = pg_catalog, usom, pg_temp
	AS $$
BEGIN
	PERFORM usom._check_installed();
	RETURN (
		SELECT jsonb_build_object('org_id', usom.current_org(), 'node', current_setting('usom.node')::smallint,
			'blocks', count(*), 'entries', coalesce(max(b.entries_total), 0),
			'head', encode((array_agg(b.digest ORDER BY b.block_no DESC))[1], 'hex'),
			'tree', encode(usom._merkle_root(array_agg(b.digest ORDER BY b.block_no)), 'hex'), 'sealed_at', max(b.sealed_at))
		FROM usom.audit_block b
		WHERE b.org_id = usom.current_org() AND b.node = current_setting('usom.node')::smallint);
END
$$;
COMMENT ON FUNCTION usom.export_digest() IS 'What to keep outside of the database to prove later that nothing sealed so far was changed: org_id, node, blocks and entries sealed, head (SHA-256 of the last block, which has the one before in it), tree (root of the RFC 6962 tree over the digests of all blocks), sealed_at. Give it to usom.verify_audit(), usom.consistency_proof() or usom.check_inclusion(). head and tree are null before the first block. Errors: US001, US006. Example: psql -Atc "SELECT usom.export_digest()" >> digests.jsonl';

CREATE FUNCTION usom.inclusion_proof(audit_entry_id bigint) RETURNS jsonb
	LANGUAGE plpgsql STABLE STRICT
	SET search_path = pg_catalog, usom, pg_temp
	AS $$
DECLARE
	proof jsonb;
BEGIN
	PERFORM usom._check_installed();
	IF EXISTS (SELECT FROM usom.audit_archive a WHERE a.org_id = usom.current_org()
			AND inclusion_proof.audit_entry_id >= a.first_key AND inclusion_proof.audit_entry_id < a.end_key) THEN
		RAISE EXCEPTION 'audit entry % is in an archive', audit_entry_id USING
			ERRCODE = 'US910', DETAIL = 'The digests of the entries of its block are there, too.', HINT = 'The DBA brings it back: usom.restore_audit().';
	END IF;
	SELECT jsonb_build_object('audit_entry_id', inclusion_proof.audit_entry_id, 'entry', encode(leaves.digests[b.place], 'hex'),
		'place', b.place, 'leaves', cardinality(b.entry_ids), 'path', usom._to_hex(usom._merkle_path(leaves.digests, b.place)),
		'header', encode(usom._block_header(b.org_id, b.node, b.block_no, b.sealed_at, b.entry_ids, b.entries_total, b.previous,
			b.system_id, b.sequence_at, b.next_xid, b.settled_to), 'hex'),
		'block', b.block_no, 'blocks', cardinality(chain.digests), 'block_path', usom._to_hex(usom._merkle_path(chain.digests, b.block_no)))
	INTO proof
	FROM (SELECT s.*, array_position(s.entry_ids, inclusion_proof.audit_entry_id) AS place FROM usom.audit_block s
			WHERE s.org_id = usom.current_org() AND s.last_id >= inclusion_proof.audit_entry_id
				AND s.entry_ids @> ARRAY[inclusion_proof.audit_entry_id]) AS b
		CROSS JOIN LATERAL (SELECT array_agg(e.digest ORDER BY i.n) AS digests
			FROM unnest(b.entry_ids) WITH ORDINALITY AS i (id, n)
				LEFT JOIN usom.audit_entry e ON e.org_id = b.org_id AND e.audit_entry_id = i.id) AS leaves
		CROSS JOIN LATERAL (SELECT array_agg(c.digest ORDER BY c.block_no) AS digests
			FROM usom.audit_block c WHERE c.org_id = b.org_id AND c.node = b.node) AS chain;
	IF proof IS NULL THEN
		RAISE EXCEPTION 'audit entry % is in no block', audit_entry_id USING
			ERRCODE = 'US906', DETAIL = 'Only what is sealed can be proven.', HINT = 'SELECT * FROM usom.seal_audit(); or look the entry up in usom.audit.';
	END IF;
	RETURN proof;
END
$$;
COMMENT ON FUNCTION usom.inclusion_proof(bigint) IS 'Proof that an entry of the audit is among those that the present digest seals: the siblings from the entry to the root of its block, and from the block to the root over all blocks (RFC 6962). Digests are hex. Who has it and the output of usom.export_digest() needs nothing else: see usom.check_inclusion(). Errors: US001, US006, US906 when the entry is unknown or not sealed yet, US910 when it is in an archive. Example: SELECT usom.inclusion_proof(max(audit_entry_id)) FROM usom.audit;';

CREATE FUNCTION usom.check_inclusion(proof jsonb, digest jsonb) RETURNS boolean
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, usom, pg_temp
	AS $$
	SELECT coalesce(proof->'blocks' = digest->'blocks' AND decode(digest->>'tree', 'hex') = usom._merkle_climb(
		usom._block_digest(
			usom._merkle_climb(decode(proof->>'entry', 'hex'), (proof->>'leaves')::integer, (proof->>'place')::integer, usom._from_hex(proof->'path')),
			decode(proof->>'header', 'hex')),
		(proof->>'blocks')::integer, (proof->>'block')::integer, usom._from_hex(proof->'block_path')), false)
	$$;
COMMENT ON FUNCTION usom.check_inclusion(jsonb, jsonb) IS 'Does a proof of usom.inclusion_proof() lead from its entry to a digest of usom.export_digest()? False also when a part is missing. Reads no table: it can be asked in any database that has usom. The entry''s own digest is what usom._audit_digest() gives for its row. Errors: 22023, 22P02 and 22P03 for a proof that cannot be read. Example: SELECT usom.check_inclusion(usom.inclusion_proof(7), usom.export_digest());';

CREATE FUNCTION usom.consistency_proof(older jsonb) RETURNS jsonb
	LANGUAGE plpgsql STABLE STRICT
	SET search_path = pg_catalog, usom, pg_temp
	AS $$
DECLARE
	digests bytea[];
	first_blocks integer := (older->>'blocks')::integer;
BEGIN
	PERFORM usom._check_installed();
	SELECT array_agg(b.digest ORDER BY b.block_no) INTO digests
	FROM usom.audit_block b
	WHERE b.org_id = usom.current_org() AND b.node = coalesce((older->>'node')::smallint, current_setting('usom.node')::smallint);
	IF first_blocks IS NULL OR first_blocks < 1 OR first_blocks > coalesce(cardinality(digests), 0) THEN
		RAISE EXCEPTION 'the digest cannot be compared with the audit of this database' USING
			ERRCODE = 'US907', DETAIL = format('It is over %s blocks, here are %s.', coalesce(older->>'blocks', 'no'), coalesce(cardinality(digests), 0)),
			HINT = 'Give what usom.export_digest() returned; if it did, blocks are missing here: see usom.verify_audit().';
	END IF;
	RETURN jsonb_build_object('older', first_blocks, 'blocks', cardinality(digests),
		'proof', usom._to_hex(usom._merkle_consistency(digests, first_blocks)));
END
$$;
COMMENT ON FUNCTION usom.consistency_proof(jsonb) IS 'Proof that what an older digest of usom.export_digest() sealed is unchanged in what the present one seals: RFC 6962 section 2.1.2, some digests in hex, checked by usom.check_consistency(). Errors: US001, US006, US907 when the digest is of more blocks than there are. Example: SELECT usom.consistency_proof(older) FROM kept_digests;';

CREATE FUNCTION usom.check_consistency(proof jsonb, older jsonb, newer jsonb) RETURNS boolean
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, usom, pg_temp
	AS $$
	SELECT coalesce(proof->'older' = older->'blocks' AND proof->'blocks' = newer->'blocks' AND usom._merkle_is_consistent(
		(proof->>'older')::integer, (proof->>'blocks')::integer, decode(older->>'tree', 'hex'), decode(newer->>'tree', 'hex'),
		usom._from_hex(proof->'proof')), false)
	$$;
COMMENT ON FUNCTION usom.check_consistency(jsonb, jsonb, jsonb) IS 'Does a proof of usom.consistency_proof() lead from an older digest to a newer one? False also when a part is missing. Reads no table. Errors: 22023, 22P02 and 22P03 for a proof that cannot be read. Example: SELECT usom.check_consistency(usom.consistency_proof(older), older, usom.export_digest()) FROM kept_digests;';

CREATE FUNCTION usom._to_hex(digests bytea[]) RETURNS jsonb
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, usom, pg_temp
	AS $$SELECT coalesce(jsonb_agg(encode(d.digest, 'hex') ORDER BY d.n), '[]') FROM unnest(digests) WITH ORDINALITY AS d (digest, n)$$;
COMMENT ON FUNCTION usom._to_hex(bytea[]) IS 'Digests as an array of hex strings.';
REVOKE ALL ON FUNCTION usom._to_hex(bytea[]) FROM PUBLIC;

CREATE FUNCTION usom._from_hex(digests jsonb) RETURNS bytea[]
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, usom, pg_temp
	AS $$SELECT coalesce(array_agg(decode(d.hex, 'hex') ORDER BY d.n), '{}') FROM jsonb_array_elements_text(digests) WITH ORDINALITY AS d (hex, n)$$;
COMMENT ON FUNCTION usom._from_hex(jsonb) IS 'An array of hex strings as digests. Errors: 22023.';
REVOKE ALL ON FUNCTION usom._from_hex(jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION usom._from_hex(jsonb) TO PUBLIC;

-- No SET clause and no SECURITY DEFINER: with either, a procedure cannot commit.
CREATE PROCEDURE usom.tick()
	LANGUAGE plpgsql
	AS $$
DECLARE
	organisation bigint;
BEGIN
	PERFORM usom._check_installed();
	PERFORM usom.prepare_partitions();
	COMMIT;
	FOREACH organisation IN ARRAY ARRAY(SELECT o.org_id FROM usom.organisation AS o ORDER BY o.org_id) LOOP
		PERFORM * FROM usom._seal(organisation);
		COMMIT;
	END LOOP;
	FOREACH organisation IN ARRAY ARRAY(SELECT o.org_id FROM usom.organisation AS o ORDER BY o.org_id) LOOP
		PERFORM usom._convert_pre_orders(organisation);
		PERFORM usom._tell_back_in_stock(organisation);
		PERFORM usom._review_credits(organisation);
		PERFORM usom._tidy_fingerprints(organisation);
		PERFORM usom._retain_messages(organisation);
		PERFORM usom._tidy_drafts(organisation);
		PERFORM usom._watch_channels(organisation);
		COMMIT;
	END LOOP;
	PERFORM usom._retain();
	COMMIT;
	CALL usom._tend_stripes(usom._seen_waits());
END
$$;
COMMENT ON PROCEDURE usom.tick() IS 'What is to be done from time to time, for all organisations, each in a transaction of its own: makes partitions ahead of what grows, seals the audit, gives stock to pre-orders that are released, tells who waits for a product that is in stock again, lets orders go on that there is credit for again, forgets which orders looked alike when no rule looks back so far, drops drafts that are kept no longer, opens cases for channels that are silent or stopped, erases people who are due by usom.retention, then looks a tenth of a second who waits for stock, and divides it into stripes or merges them as usom.organisation (hot_stripes, hot_waiters, hot_for) says. Limits of time never wait for it. For pg_cron or a timer, once a minute. Errors: US001; 2D000 inside a transaction block. Example: CALL usom.tick();';
