-- Every line of every purchase order is expected, then received as the file says.
INSERT INTO usom.location (code, name) VALUES ('AW-DOCK', 'Receiving');
INSERT INTO usom.product (sku, name) SELECT number, name FROM aw.product;
CREATE VIEW aw.line AS
SELECT d.*, format('PO-%s-%s', d.po, d.id) AS supply_no, p.number AS sku
FROM aw.purchase_line d JOIN aw.product p ON p.id = d.product;
-- Customers wait for some of it.
CREATE TABLE aw.waiting AS
SELECT x.sku, p.order_no FROM (SELECT sku, min(id) AS first FROM aw.line WHERE stocked > 0 GROUP BY sku ORDER BY first LIMIT 40) x,
	LATERAL usom.place_order(jsonb_build_object('external_id', 'AW-' || x.sku, 'lines', jsonb_build_array(jsonb_build_object('sku', x.sku, 'quantity', 2, 'unit_price', 1)))) p;
SELECT count(*) FROM (SELECT usom.add_supply('purchase', 'AW-DOCK', l.sku, l.ordered, l.due::timestamptz, reference => 'PO-' || l.po, supply_no => l.supply_no) FROM aw.line l ORDER BY l.id) x;
ANALYZE;
-- What had arrived of order 1 is told before the rest: first what was taken in, then what was refused, then the end.
SELECT count(*) FROM aw.line l, LATERAL usom.receive_supply(l.supply_no, l.stocked, rejected => l.rejected, final => true) r WHERE l.id % 2 = 0;
DO $$
DECLARE
	l record;
BEGIN
	FOR l IN SELECT * FROM aw.line WHERE id % 2 = 1 ORDER BY id LOOP
		IF l.stocked > 1 AND l.stocked < l.ordered THEN
			PERFORM usom.receive_supply(l.supply_no, 1);
			PERFORM usom.receive_supply(l.supply_no, l.stocked - 1, rejected => l.rejected, final => true);
		ELSE
			PERFORM usom.receive_supply(l.supply_no, l.stocked, rejected => l.rejected, final => true);
		END IF;
	END LOOP;
END
$$;
ANALYZE;
