-- The chain of an order, blocks over all chains, proofs for outsiders.
SELECT count(*) > 0 AS installed FROM usom.install();
\set SHOW_CONTEXT never
SET usom.org = 'chain';
INSERT INTO usom.organisation (code) VALUES ('chain');
INSERT INTO usom.location (code) VALUES ('CH1');
INSERT INTO usom.product (sku) VALUES ('CH-A'), ('CH-B');
SELECT on_hand FROM usom.receive_stock('CH1', 'CH-A', 100);

-- Merkle trees as RFC 6962 has them, against a twin in SQL
CREATE FUNCTION pg_temp.twin_root(leaves bytea[]) RETURNS bytea LANGUAGE plpgsql AS $$
DECLARE
	n integer := cardinality(leaves);
	k integer := 1;
BEGIN
	IF n = 0 THEN RETURN sha256(''); END IF;
	IF n = 1 THEN RETURN sha256('\x00' || leaves[1]); END IF;
	WHILE k * 2 < n LOOP k := k * 2; END LOOP;
	RETURN sha256('\x01' || pg_temp.twin_root(leaves[1:k]) || pg_temp.twin_root(leaves[k + 1:n]));
END
$$;
CREATE TEMP TABLE tree AS
SELECT n, coalesce((SELECT array_agg(sha256(i::text::bytea) ORDER BY i) FROM generate_series(1, n) i), '{}') AS leaves FROM generate_series(0, 40) n;
SELECT count(*) FROM tree WHERE usom._merkle_root(leaves) <> pg_temp.twin_root(leaves);
-- every leaf of every tree climbs to the root, by its own path and place alone
SELECT count(*) AS climbs, count(*) FILTER (WHERE usom._merkle_climb(leaves[i], n, i, usom._merkle_path(leaves, i)) = usom._merkle_root(leaves)) AS right,
	count(*) FILTER (WHERE usom._merkle_climb(leaves[i], n, i % n + 1, usom._merkle_path(leaves, i)) = usom._merkle_root(leaves)) AS wrong_place,
	count(*) FILTER (WHERE usom._merkle_climb(sha256('x'), n, i, usom._merkle_path(leaves, i)) = usom._merkle_root(leaves)) AS wrong_leaf,
	count(*) FILTER (WHERE usom._merkle_climb(leaves[i], n, i, usom._merkle_path(leaves, i) || sha256('x')) IS NOT NULL) AS longer
FROM tree, generate_series(1, n) i WHERE n > 1;
-- every tree is the beginning of every larger one
SELECT count(*) AS pairs,
	count(*) FILTER (WHERE usom._merkle_is_consistent(m, n, usom._merkle_root(leaves[1:m]), usom._merkle_root(leaves), usom._merkle_consistency(leaves, m))) AS right,
	count(*) FILTER (WHERE usom._merkle_is_consistent(m, n, sha256('x'), usom._merkle_root(leaves), usom._merkle_consistency(leaves, m))) AS wrong_older,
	count(*) FILTER (WHERE usom._merkle_is_consistent(m, n, usom._merkle_root(leaves[1:m]), sha256('x'), usom._merkle_consistency(leaves, m))) AS wrong_newer
FROM tree, generate_series(1, n) m WHERE n > 0;
SELECT usom._merkle_root('{NULL}');
SELECT usom._merkle_root('{x}');
SELECT usom._merkle_path('{}', 1);
SELECT usom._merkle_consistency('{}', 0);
SELECT usom._merkle_climb(sha256('x'), 1, 1, array_fill(sha256('x'), ARRAY[100]));

-- what a call does for one order stands in its chain, stock too
SELECT order_no FROM usom.place_order('{"external_id": "1", "lines": [{"sku": "CH-A", "quantity": 3}, {"sku": "CH-B", "quantity": 1}]}') \gset
SELECT status FROM usom.cancel_line(:'order_no', 1, 1, 'less');
CREATE VIEW pg_temp.chain AS
SELECT e.entry_no, e.table_name, e.operation, e.row_count, e.verb, o.external_id, e.digest = usom._audit_digest(e) AS digest_fits,
	e.previous IS NOT DISTINCT FROM lag(e.digest) OVER (PARTITION BY e.sales_order_id ORDER BY e.entry_no) AS linked
FROM usom.audit_entry e LEFT JOIN usom.sales_order o ON o.org_id = e.org_id AND o.sales_order_id = e.sales_order_id
WHERE e.org_id = usom.current_org() AND e.sales_order_id IS NOT NULL;
SELECT * FROM pg_temp.chain ORDER BY external_id, entry_no;
-- orders of one batch have chains of their own
SELECT count(*) FROM usom.place_orders('[{"external_id": "2", "lines": [{"sku": "CH-A", "quantity": 1}]}, {"external_id": "3", "lines": [{"sku": "CH-A", "quantity": 1}]}]');
SELECT external_id, entry_no, table_name, digest_fits, linked FROM pg_temp.chain WHERE external_id IN ('2', '3') ORDER BY external_id, entry_no;
-- plain SQL too
INSERT INTO usom.sales_order (external_id) VALUES ('4');
INSERT INTO usom.order_line (sales_order_id, line_no, product_id, quantity, unit_price)
	SELECT sales_order_id, 1, usom.product_id('CH-A'), 2, 5 FROM usom.sales_order WHERE external_id = '4' AND org_id = usom.current_org();
UPDATE usom.sales_order SET priority = 1 WHERE external_id IN ('1', '4') AND org_id = usom.current_org();
SELECT external_id, entry_no, table_name, operation, digest_fits, linked FROM pg_temp.chain WHERE external_id = '4' OR external_id = '1' AND verb IS NULL ORDER BY external_id, entry_no;
SELECT count(*) FROM usom.audit_entry e WHERE e.org_id = usom.current_org() AND e.digest IS DISTINCT FROM usom._audit_digest(e);
-- the digest is the same under all settings
SET datestyle = 'German'; SET timezone = 'Asia/Tokyo'; SET extra_float_digits = -10; SET bytea_output = 'escape'; SET search_path = public;
SELECT count(*) FROM usom.audit_entry e WHERE e.org_id = usom.current_org() AND e.digest IS DISTINCT FROM usom._audit_digest(e);
RESET datestyle; RESET timezone; RESET extra_float_digits; RESET bytea_output; RESET search_path;
SELECT usom._audit_digest(p) FROM usom.product p LIMIT 1;

-- blocks
SELECT usom.export_digest() - 'org_id';
SELECT * FROM usom.consistency_proof('{"blocks": 1}');
SELECT block_no FROM usom.seal_audit();
SELECT * FROM usom.seal_audit();
SELECT usom.export_digest() AS older \gset
UPDATE usom.product SET name = 'x' WHERE sku = 'CH-A' AND org_id = usom.current_org();
SELECT usom.inclusion_proof(0);
BEGIN;
SELECT * FROM usom.seal_audit();
-- no function that users may call takes such a lock (theirs are 1 and 2), so none of them can stop sealing
SELECT mode, objsubid FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid();
ROLLBACK;
CALL usom.tick();
BEGIN;
CALL usom.tick();
ROLLBACK;
SELECT usom.export_digest() AS newer \gset
SELECT (:'newer'::jsonb->>'blocks')::integer AS blocks, (:'newer'::jsonb->>'entries')::bigint = count(*) AS all_sealed FROM usom.audit_entry WHERE org_id = usom.current_org();
SELECT block_no, cardinality(entry_ids) = entries_total - coalesce(lag(entries_total) OVER (ORDER BY block_no), 0) AS counted,
	previous IS NOT DISTINCT FROM lag(digest) OVER (ORDER BY block_no) AS linked,
	digest = usom._block_digest(root, usom._block_header(org_id, node, block_no, sealed_at, entry_ids, entries_total, previous, system_id, sequence_at, next_xid, settled_to)) AS digest_fits
FROM usom.audit_block WHERE org_id = usom.current_org() ORDER BY block_no;
SELECT bool_and(usom.check_inclusion(usom.inclusion_proof(audit_entry_id), :'newer')) AS all_in FROM usom.audit_entry WHERE org_id = usom.current_org();
SELECT usom.check_consistency(usom.consistency_proof(:'older'), :'older', :'newer') AS grew,
	usom.check_consistency(usom.consistency_proof(:'newer'), :'newer', :'newer') AS same,
	usom.check_consistency(usom.consistency_proof(:'older'), :'newer', :'older') AS shrank,
	usom.check_consistency('{}', :'older', :'newer') AS nothing,
	usom.check_inclusion('{}', :'newer') AS no_entry;
SELECT usom.check_inclusion(usom.inclusion_proof(max(audit_entry_id)) || '{"entry": "00"}', :'newer') FROM usom.audit_entry WHERE org_id = usom.current_org();
SELECT usom.consistency_proof('{"blocks": 99}');
-- blocks are a ledger
INSERT INTO usom.audit_block SELECT * FROM usom.audit_block;
UPDATE usom.audit_block SET sealed_at = now();
DELETE FROM usom.audit_block;
TRUNCATE usom.audit_block;
-- an organisation seals its own
SET usom.org = 'main';
SELECT count(*) FILTER (WHERE NOT usom.check_inclusion(usom.inclusion_proof(audit_entry_id), usom.export_digest())) FROM (SELECT audit_entry_id FROM usom.audit_entry WHERE org_id = usom.current_org() LIMIT 50) e;
SELECT * FROM usom.verify();
