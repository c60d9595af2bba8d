-- Pick tasks are claimed past the executor as by the statement: same tasks, same order, same rows afterwards.
\pset format unaligned
SET client_min_messages = warning;
INSERT INTO usom.organisation (code) VALUES ('pick_claim');
SET usom.org = 'pick_claim';
UPDATE usom.document_counter SET prefix = 'PC-' || left(kind, 1), digits = 1, gap_free = true WHERE org_id = usom.current_org();
INSERT INTO usom.location (code, priority) VALUES ('PC-W', 1), ('PC-V', 2);
INSERT INTO usom.product (sku, name) SELECT 'PC-' || n, 'thing ' || n FROM generate_series(1, 12) n;
INSERT INTO usom.bin (location_id, code, zone, sequence) SELECT usom.location_id('PC-W'), 'B' || n, CASE WHEN n % 2 = 0 THEN 'Z' ELSE '' END, 100 - n FROM generate_series(1, 9) n;
INSERT INTO usom.bin_product (bin_id, product_id) SELECT b.bin_id, usom.product_id('PC-' || n) FROM generate_series(1, 9) n JOIN usom.bin b ON b.org_id = usom.current_org() AND b.code = 'B' || n;
SELECT count(*) FROM generate_series(1, 12) n, usom.receive_stock('PC-W', 'PC-' || n, 1000);
-- Three waves: one without a time, one that leaves tonight, one of the rest.
INSERT INTO usom.wave_rule (code, max_orders) VALUES ('FIRST', 12);
INSERT INTO usom.wave_rule (code, max_orders, cut_off) VALUES ('TONIGHT', 8, '23:59');
SELECT count(*) FROM usom.place_orders((SELECT jsonb_agg(jsonb_build_object('external_id', 'pc' || n, 'lines',
	(SELECT jsonb_agg(jsonb_build_object('sku', 'PC-' || 1 + (n * 5 + k * 7) % 12, 'quantity', 1 + (n + k) % 3, 'unit_price', 1)) FROM generate_series(1, 1 + n % 3) k)) ORDER BY n) FROM generate_series(1, 30) n)) p,
	LATERAL usom.release_order(p.order_no);
SELECT r.code, w.orders, w.tasks FROM (VALUES ('FIRST'), ('TONIGHT'), (NULL)) r (code), usom.plan_wave('PC-W', r.code) w;
-- What nobody wants any more, what has begun, what is claimed, and leases that have run out.
SELECT count(*) FROM (SELECT o.order_no FROM usom.orders o WHERE o.external_id IN ('pc2', 'pc9', 'pc13', 'pc21')) o, usom.cancel_order(o.order_no, 'test');
SELECT count(*) FROM (SELECT t.task FROM usom.pick_tasks t WHERE t.quantity = 3 AND t.status = 'open' AND t.sequence % 2 = 0) t, usom.confirm_pick(t.task, 1);
SELECT count(*) FROM usom.claim_picks('PC-W', 'ann', 7);
SELECT count(*) FROM usom.claim_picks('PC-W', 'bob', 6, '1 microsecond');
SELECT count(*) FROM usom.claim_picks('PC-W', 'cid', 4, '1 microsecond', 'PC-w3');
SELECT count(*) FROM usom.cancel_order((SELECT t.order_no FROM usom.pick_tasks t JOIN usom.pick_task p ON p.org_id = usom.current_org() AND p.pick_task_id = t.task GROUP BY 1
	HAVING bool_or(p.claimed_by = 'ann') AND max(t.quantity_picked) = 0 ORDER BY min(t.task) LIMIT 1), 'test');
SELECT count(*) FROM usom.cancel_order((SELECT t.order_no FROM usom.pick_tasks t JOIN usom.pick_task p ON p.org_id = usom.current_org() AND p.pick_task_id = t.task GROUP BY 1
	HAVING bool_or(p.claimed_by = 'bob') AND max(t.quantity_picked) = 0 ORDER BY min(t.task) LIMIT 1), 'test');
SELECT pg_sleep(0.002);
-- A claim that is taken back: what it answers, in sequence, and what is then in the table.
CREATE FUNCTION pg_temp.claim(direct boolean, picker text, tasks integer) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	answer text;
BEGIN
	PERFORM set_config('usom.direct', direct::text, true);
	SELECT string_agg((to_jsonb(c) - 'claimed_until')::text, E'\n' ORDER BY c.ordinality)
	INTO answer FROM usom.claim_picks('PC-W', picker, tasks) WITH ORDINALITY c;
	answer := concat_ws(E'\n', answer, (SELECT string_agg(concat_ws(',', p.pick_task_id, p.status, p.quantity_picked, p.claimed_by, p.claimed_until > now(), p.ended_at IS NOT NULL), E'\n' ORDER BY p.pick_task_id)
		FROM usom.pick_task p WHERE p.org_id = usom.current_org()));
	RAISE EXCEPTION '%', answer USING ERRCODE = 'ZZ001';
EXCEPTION WHEN SQLSTATE 'ZZ001' THEN
	PERFORM set_config('usom.direct', 'on', true);
	RETURN SQLERRM;
END
$$;
SELECT picker, tasks, pg_temp.claim(true, picker, tasks) = pg_temp.claim(false, picker, tasks) AS same
FROM unnest('{ann,bob,cid,eve}'::text[]) picker, unnest('{1,2,3,5,8,13,21,100}'::int[]) tasks ORDER BY 1, 2;
SELECT usom._direct_updates() @> '{pick_task}' AS updates, array(SELECT r FROM unnest(usom._direct_reads()) r WHERE r ~ 'bin|pick|wave' ORDER BY 1) AS reads;
-- All of them, by turns: each once.
SELECT n, (SELECT count(*) FROM usom.claim_picks('PC-W', 'picker ' || n, 9)) AS tasks FROM generate_series(1, 7) n ORDER BY n;
-- Of many as few statements as of one.
CREATE FUNCTION pg_temp.statements(tasks integer) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE before bigint := usom._statement_count(); BEGIN PERFORM pg_temp.claim(true, 'picker 1', tasks); RETURN usom._statement_count() - before; END $$;
SELECT pg_temp.claim(true, 'picker 1', 1) IS NULL AS first;
SELECT tasks, pg_temp.statements(tasks) FROM unnest('{1,3,9}'::int[]) tasks;
SELECT status, picker IS NULL AS nobody, count(*) FROM usom.pick_tasks GROUP BY 1, 2 ORDER BY 1, 2;
SELECT * FROM usom.verify();
