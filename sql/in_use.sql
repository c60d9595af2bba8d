-- Backends look only into tables of rules that their organisation has rows in.
\pset format unaligned
INSERT INTO usom.organisation (code) VALUES ('in_use');
SET usom.org = 'in_use';
CREATE VIEW pg_temp.noted AS SELECT relation, count(*) FROM usom._in_use WHERE org_id = usom.current_org() GROUP BY 1 ORDER BY 1;
CREATE FUNCTION pg_temp.buy(quantity integer) RETURNS TABLE (total numeric, status text) LANGUAGE sql AS $$
	SELECT total, status FROM usom.place_order(jsonb_build_object('lines', jsonb_build_array(jsonb_build_object('sku', 'USE-1', 'quantity', quantity, 'unit_price', 10))))
$$;
INSERT INTO usom.location (code) VALUES ('USE-A');
INSERT INTO usom.product (sku) VALUES ('USE-1');
SELECT usom.receive_stock('USE-A', 'USE-1', 100);
SELECT * FROM pg_temp.noted;
SELECT * FROM pg_temp.buy(1);
-- The first rule counts at once, and not after it was rolled back.
BEGIN;
INSERT INTO usom.promotion (code, percent) VALUES ('TEN', 10);
SELECT * FROM pg_temp.buy(1);
SELECT * FROM pg_temp.noted;
ROLLBACK;
SELECT * FROM pg_temp.buy(1);
SELECT * FROM pg_temp.noted;
-- Nor after a savepoint was rolled back.
BEGIN;
SAVEPOINT before;
INSERT INTO usom.promotion (code, percent) VALUES ('TEN', 10);
SELECT * FROM pg_temp.buy(1);
ROLLBACK TO before;
SELECT * FROM pg_temp.buy(1);
INSERT INTO usom.promotion (code, percent) VALUES ('FIVE', 5);
SELECT * FROM pg_temp.buy(1);
COMMIT;
SELECT * FROM pg_temp.buy(1);
-- A table is noted once, and stays when its rules are gone.
INSERT INTO usom.promotion (code, percent, active) VALUES ('TWENTY', 20, false), ('THIRTY', 30, false);
UPDATE usom.promotion SET active = false WHERE org_id = usom.current_org();
SELECT * FROM pg_temp.buy(1);
SELECT * FROM pg_temp.noted;
-- At SERIALIZABLE and REPEATABLE READ as well.
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT * FROM pg_temp.buy(1);
INSERT INTO usom.freight_charge (name, order_price) VALUES ('flat', 4);
SELECT * FROM pg_temp.buy(1);
ROLLBACK;
BEGIN ISOLATION LEVEL SERIALIZABLE;
INSERT INTO usom.freight_charge (name, order_price) VALUES ('flat', 4);
SELECT * FROM pg_temp.buy(1);
ROLLBACK;
SELECT * FROM pg_temp.buy(1);
-- Rows that came while the triggers slept are told.
ALTER TABLE usom.freight_charge DISABLE TRIGGER _memo_changed;
INSERT INTO usom.freight_charge (name, order_price) VALUES ('flat', 4);
ALTER TABLE usom.freight_charge ENABLE ALWAYS TRIGGER _memo_changed;
SELECT * FROM usom.verify_in_use();
SELECT * FROM pg_temp.buy(1);
UPDATE usom.freight_charge SET name = name WHERE org_id = usom.current_org();
SELECT * FROM pg_temp.buy(1);
-- Each of these tables, from its first row on.
INSERT INTO usom.tax_rate (jurisdiction, country, percent) VALUES ('here', 'AQ', 7);
SELECT * FROM pg_temp.buy(1);
INSERT INTO usom.check_rule (check_code, parameters, severity) VALUES ('limits', '{"lines": 1, "line_quantity": 5}', 'refuse');
SELECT * FROM pg_temp.buy(6);
INSERT INTO usom.quota (code, sku, quantity) VALUES ('TWO', 'USE-1', 2);
SELECT count(*) FROM usom.supply WHERE org_id = usom.current_org();
SELECT * FROM pg_temp.noted;
-- Other organisations have nothing of it.
INSERT INTO usom.organisation (code) VALUES ('in_use_not');
SELECT count(*) FROM usom._in_use u JOIN usom.organisation o USING (org_id) WHERE o.code = 'in_use_not';
SELECT * FROM usom.verify();
-- Nobody writes it by hand.
DELETE FROM usom._in_use;
