-- Did what was received come to the shelf, and is every difference a case?
\pset format unaligned
\pset tuples_only on
CREATE TEMP TABLE result (ordinal serial, what text, passed boolean, seen text);
INSERT INTO result (what, passed, seen)
SELECT 'the files have 8,845 lines, 380 received short and 563 with rejects', (count(*), count(*) FILTER (WHERE received < ordered), count(*) FILTER (WHERE rejected > 0)) = (8845, 380, 563),
	format('%s, %s, %s', count(*), count(*) FILTER (WHERE received < ordered), count(*) FILTER (WHERE rejected > 0)) FROM aw.line;
INSERT INTO result (what, passed, seen)
SELECT 'every supply has ended, with the units that the file says', count(*) = 8845 AND bool_and(s.status = 'received' AND s.received = l.stocked AND s.rejected = l.rejected AND s.pegged = 0),
	format('%s of %s', count(*) FILTER (WHERE s.status = 'received' AND s.received = l.stocked AND s.rejected = l.rejected AND s.pegged = 0), count(*))
FROM aw.line l JOIN usom.supplies s USING (supply_no);
INSERT INTO result (what, passed, seen)
SELECT 'short receipts are cases, those and no others, with the missing units', count(*) = 380 AND count(*) FILTER (WHERE e.reference = l.supply_no AND (e.detail->>'missing')::numeric = l.ordered - l.received) = 380,
	format('%s, %s of the files', count(*), count(*) FILTER (WHERE e.reference = l.supply_no AND (e.detail->>'missing')::numeric = l.ordered - l.received))
FROM usom.exceptions e LEFT JOIN aw.line l ON l.supply_no = e.reference AND l.received < l.ordered WHERE e.kind = 'receipt_short';
INSERT INTO result (what, passed, seen)
SELECT 'rejects are cases, those and no others, with the rejected units', count(*) = 563 AND count(*) FILTER (WHERE e.reference = l.supply_no AND (e.detail->>'rejected')::numeric = l.rejected) = 563,
	format('%s, %s of the files', count(*), count(*) FILTER (WHERE e.reference = l.supply_no AND (e.detail->>'rejected')::numeric = l.rejected))
FROM usom.exceptions e LEFT JOIN aw.line l ON l.supply_no = e.reference AND l.rejected > 0 WHERE e.kind = 'receipt_rejected';
INSERT INTO result (what, passed, seen)
SELECT 'the file has no line with more than was ordered, so nothing came too much', count(*) FILTER (WHERE received > ordered) = 0 AND NOT EXISTS (SELECT FROM usom.exceptions WHERE kind = 'receipt_over'), count(*) FILTER (WHERE received > ordered)::text FROM aw.line;
INSERT INTO result (what, passed, seen)
SELECT 'what was stocked is on hand, product by product', bool_and(s.on_hand IS NOT DISTINCT FROM l.stocked), format('%s of %s products', count(*) FILTER (WHERE s.on_hand = l.stocked), count(*))
FROM (SELECT sku, sum(stocked) AS stocked FROM aw.line GROUP BY sku) l LEFT JOIN usom.stock_position s USING (sku);
INSERT INTO result (what, passed, seen)
SELECT 'who waited has units', count(*) = 40 AND bool_and(o.quantity_reserved = 2), format('%s of %s', count(*) FILTER (WHERE o.quantity_reserved = 2), count(*)) FROM aw.waiting w JOIN usom.order_lines o USING (order_no);
INSERT INTO result (what, passed, seen)
SELECT 'what is kept is what follows from it', count(*) = 0, count(*)::text FROM usom.verify();
SELECT CASE WHEN passed THEN 'ok      ' ELSE 'FAILED  ' END || what || ' (' || seen || ')' FROM result ORDER BY ordinal;
SELECT format('%s passed, %s failed', count(*) FILTER (WHERE passed), count(*) FILTER (WHERE passed IS NOT TRUE)) FROM result;
