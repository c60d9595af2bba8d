-- What each peer has written (peers.sh, bench_written): orders, lines, pieces,
-- history, audit, units reserved.  bare and stock share tables; blocks of keys
-- of a trillion tell them apart (bench_script).
SELECT 'usom', (SELECT count(*) FROM usom.sales_order), (SELECT count(*) FROM usom.order_line), (SELECT count(*) FROM usom.fulfillment_line),
	(SELECT count(*) FROM usom.order_history), (SELECT count(*) FROM usom.audit_entry), (SELECT trunc(sum(reserved)) FROM usom.stock)
UNION ALL
SELECT p.peer, (SELECT count(*) FROM bare.sales_order WHERE sales_order_id / 1000000000000 = p.block),
	(SELECT count(*) FROM bare.order_line WHERE sales_order_id / 1000000000000 = p.block),
	(SELECT count(*) FROM bare.fulfillment_line WHERE sales_order_id / 1000000000000 = p.block),
	(SELECT count(*) FROM bare.order_history WHERE sales_order_id / 1000000000000 = p.block),
	(SELECT count(*) FROM bare.audit_entry WHERE audit_entry_id / 8 / 1000000000000 = p.block),
	CASE p.peer WHEN 'stock' THEN (SELECT trunc(sum(reserved)) FROM bare.stock) ELSE 0 END
FROM (VALUES ('bare', 1), ('stock', 2)) AS p (peer, block)
UNION ALL
SELECT 'careful', (SELECT count(*) FROM careful.orders), (SELECT count(*) FROM careful.order_line), (SELECT count(*) FROM careful.reservation),
	(SELECT count(*) FROM careful.order_history), (SELECT count(*) FROM careful.audit_log), (SELECT trunc(sum(reserved)) FROM careful.stock)
UNION ALL
SELECT 'twin', (SELECT count(*) FROM twin.orders), (SELECT count(*) FROM twin.order_line), (SELECT count(*) FROM twin.reservation),
	(SELECT count(*) FROM twin.order_history), (SELECT count(*) FROM twin.audit_log), (SELECT trunc(sum(reserved)) FROM twin.stock);
