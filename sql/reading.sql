-- What is asked of a long history is answered from indexes, and with row security as without.
SET client_min_messages = warning;
INSERT INTO usom.organisation (code) VALUES ('reading');
SET usom.org = 'reading';
INSERT INTO usom.location (code) VALUES ('READ');
INSERT INTO usom.product (sku) VALUES ('READ-1'), ('READ-2');
INSERT INTO usom.customer (code) VALUES ('READ-C');
SELECT usom.receive_stock('READ', 'READ-1', 100) IS NOT NULL AS received;
SELECT order_no AS first FROM usom.place_order('{"customer": "READ-C", "lines": [{"sku": "READ-1", "quantity": 1, "unit_price": 2}]}') \gset
SELECT order_no AS waits FROM usom.place_order('{"customer": "READ-C", "lines": [{"sku": "READ-2", "quantity": 1, "unit_price": 2}]}') \gset
SELECT status FROM usom.release_order(:'first');
SELECT count(usom.ship(:'first')) AS shipped;

-- The words of a status are those of its type.
SELECT count(*) AS statuses, bool_and(usom._status_text(s.status::usom.order_status) = s.status) AS same
FROM unnest('{draft,submitted,confirmed,processing,partially_shipped,shipped,delivered,closed,cancelled,rejected}'::text[]) AS s (status);
SELECT proleakproof FROM pg_proc WHERE oid = 'usom._status_text(usom.order_status)'::regprocedure;
SELECT status, count(*) FROM usom.orders WHERE status IN ('confirmed', 'shipped') GROUP BY 1 ORDER BY 1;

-- Which indexes a statement uses, of tables that grow with orders; and which of these it reads from end to end.
DO $$ BEGIN IF to_regrole('usom_regress_reader') IS NULL THEN CREATE ROLE usom_regress_reader; END IF; END $$;
SELECT usom.grant_access('usom_regress_reader', 'manager', 'reading');
CREATE FUNCTION pg_temp.used(question text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	plan jsonb;
BEGIN
	EXECUTE 'EXPLAIN (FORMAT json) ' || question INTO plan;
	RETURN (SELECT string_agg(DISTINCT coalesce(n->>'Index Name', 'all of ' || (n->>'Relation Name')), ', ')
		FROM jsonb_path_query(plan, 'strict $.**?(@."Node Type" == "Index Scan" || @."Node Type" == "Index Only Scan" || @."Node Type" == "Seq Scan")') AS n
		WHERE coalesce(n->>'Index Name', n->>'Relation Name') ~ '^(sales_order|order_line|fulfillment_line|order_history|shipment|stock_movement)');
END
$$;
GRANT EXECUTE ON FUNCTION pg_temp.used(text) TO PUBLIC;
-- As if a million orders were on each page, and nobody had looked at them: what
-- other tests left, and whether autovacuum came by, changes no plan.
BEGIN;
LOCK TABLE usom.sales_order, usom.order_line, usom.fulfillment_line IN SHARE UPDATE EXCLUSIVE MODE;
DELETE FROM pg_statistic WHERE starelid IN ('usom.sales_order'::regclass, 'usom.order_line'::regclass, 'usom.fulfillment_line'::regclass);
UPDATE pg_class SET relpages = 1, reltuples = 1000000, relallvisible = 0
WHERE oid IN ('usom.sales_order'::regclass, 'usom.order_line'::regclass, 'usom.fulfillment_line'::regclass);
SET LOCAL enable_seqscan = off;
SET LOCAL enable_bitmapscan = off;
SET ROLE usom_regress_reader;
SELECT pg_temp.used($$SELECT order_no FROM usom.orders WHERE order_no = 'x'$$) AS by_number;
SELECT pg_temp.used($$SELECT order_no FROM usom.orders WHERE status = 'confirmed'$$) AS by_status;
SELECT pg_temp.used($$SELECT order_no FROM usom.orders WHERE status IN ('submitted', 'processing') ORDER BY placed_at DESC LIMIT 50$$) AS by_statuses;
SELECT pg_temp.used($$SELECT order_no FROM usom.backorders WHERE sku = 'READ-2'$$) AS by_product;
RESET ROLE;
ROLLBACK;
SELECT usom.revoke_access('usom_regress_reader', 'manager', 'reading') \g /dev/null

-- Chains that begin in the wrong place are found, too (verify.sql breaks the rest of them).
SELECT sales_order_id AS shipped_id FROM usom.sales_order WHERE order_no = :'first' \gset
SELECT sales_order_id AS waits_id FROM usom.sales_order WHERE order_no = :'waits' \gset
CREATE FUNCTION pg_temp.broken(change text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	found text[];
BEGIN
	BEGIN
		ALTER TABLE usom.order_history DISABLE TRIGGER USER;
		EXECUTE change;
		found := ARRAY(SELECT concat_ws(' | ', regexp_replace(v.entity, '^order \S+', 'order'), v.problem, v.expected, v.actual) FROM usom.verify_history() AS v ORDER BY 1);
		RAISE EXCEPTION 'undo' USING ERRCODE = 'UNDOA';
	EXCEPTION WHEN SQLSTATE 'UNDOA' THEN
		RETURN QUERY SELECT unnest(found);
	END;
END
$$;
SELECT pg_temp.broken(format('UPDATE usom.order_history SET from_status = NULL WHERE sales_order_id = %s AND version = 2', :shipped_id)) AS begins_nowhere;
SELECT pg_temp.broken(format('UPDATE usom.order_history SET from_status = ''draft'' WHERE sales_order_id = %s AND version = 1', :waits_id)) AS begins_somewhere;
SELECT pg_temp.broken(format('UPDATE usom.order_history SET version = 0 WHERE sales_order_id = %s AND version = 1', :shipped_id)) AS from_zero;
SELECT * FROM usom.verify();
RESET usom.org;
