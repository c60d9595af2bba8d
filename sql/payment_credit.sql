-- A chargeback that the bank takes back; goods on account that come back before they are paid.
BEGIN;
SET LOCAL TIME ZONE 'UTC';
INSERT INTO usom.organisation (code) VALUES ('payment credit');
SET LOCAL usom.org = 'payment credit';
INSERT INTO usom.location (code) VALUES ('P');
INSERT INTO usom.product (sku) VALUES ('PC-1'), ('PC-2');
INSERT INTO usom.tax_rate (jurisdiction, country, percent, included) VALUES ('DE', 'DE', 19, true);
INSERT INTO usom.payment_method (code, terms, days_due) VALUES ('bill', 'on_account', 30);
SELECT count(*) FROM usom.receive_stocks('[{"location": "P", "sku": "PC-1", "quantity": 100}, {"location": "P", "sku": "PC-2", "quantity": 100}]');
CREATE FUNCTION pg_temp.no(id text) RETURNS text LANGUAGE sql AS $$ SELECT order_no FROM usom.orders WHERE external_id = id $$;
CREATE FUNCTION pg_temp.place(id text, method text) RETURNS text LANGUAGE sql AS $$
	SELECT status FROM usom.place_order(jsonb_build_object('external_id', id, 'currency', 'EUR', 'ship_to', '{"country": "DE"}'::jsonb, 'payment', jsonb_build_object('method', method),
		'lines', '[{"sku": "PC-1", "quantity": 10, "unit_price": 10}, {"sku": "PC-2", "quantity": 3, "unit_price": 3.33}]'::jsonb)) $$;
CREATE FUNCTION pg_temp.send(id text) RETURNS boolean LANGUAGE sql AS $$ SELECT usom.ship(pg_temp.no(id)) IS NOT NULL FROM usom.release_order(pg_temp.no(id)) $$;
CREATE FUNCTION pg_temp.back(id text, lines jsonb) RETURNS boolean LANGUAGE sql AS $$ SELECT count(*) > 0 FROM usom.receive_return(usom.authorize_return(pg_temp.no(id), lines, 'x'), lines) $$;
CREATE FUNCTION pg_temp.refused(command text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	detail text;
BEGIN
	EXECUTE command;
	RETURN 'not refused';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
	RETURN regexp_replace(concat_ws(' | ', SQLSTATE, SQLERRM, nullif(detail, '')), 'SO-\d+', '(order)', 'g');
END
$$;
CREATE VIEW pg_temp.sums AS SELECT o.external_id, l.line_no, l.captured::numeric, l.captured_tax::numeric AS tax, l.capture_wanted::numeric AS wanted, l.refunded::numeric, l.refunded_tax::numeric AS tax_back, l.refund_wanted::numeric, l.for_units::numeric
	FROM usom.payment_line l JOIN usom.sales_order o USING (org_id, sales_order_id) WHERE l.org_id = usom.current_org();
CREATE VIEW pg_temp.asked AS SELECT o.external_id, r.request_no, r.kind, r.amount::numeric, r.status, r.due_at IS NOT NULL AS due, r.lines
	FROM usom.payment_request r JOIN usom.sales_order o USING (org_id, sales_order_id) WHERE r.org_id = usom.current_org();

-- The bank charges back, gives a part back, then the rest: then all is as it was.
SELECT pg_temp.place('REV', 'card');
SELECT payment_status FROM usom.record_payment(pg_temp.no('REV'), 'sale', 109.99, 'REV-SALE');
SELECT pg_temp.send('REV');
SELECT * FROM pg_temp.sums WHERE external_id = 'REV' ORDER BY line_no;
SELECT payment_status FROM usom.record_payment(pg_temp.no('REV'), 'chargeback', 109.99, 'REV-CB');
SELECT * FROM pg_temp.sums WHERE external_id = 'REV' ORDER BY line_no;
SELECT pg_temp.refused(format('SELECT usom.record_payment(%L, ''reversal'', 110, ''REV-R'')', pg_temp.no('REV')));
SELECT pg_temp.refused(format('SELECT usom.record_payment(%L, ''reversal'', 10, ''REV-R'', lines => ''[{"line_no": 1, "amount": 10}]'')', pg_temp.no('REV')));
SELECT payment_status, repeated FROM usom.record_payment(pg_temp.no('REV'), 'reversal', 103, 'REV-R1');
SELECT payment_status, repeated FROM usom.record_payment(pg_temp.no('REV'), 'reversal', 103, 'REV-R1');
SELECT * FROM pg_temp.sums WHERE external_id = 'REV' ORDER BY line_no;
SELECT * FROM usom.verify();
SELECT payment_status FROM usom.record_payment(pg_temp.no('REV'), 'reversal', 6.99, 'REV-R2');
SELECT * FROM pg_temp.sums WHERE external_id = 'REV' ORDER BY line_no;
SELECT trim_scale(captured) AS captured, trim_scale(charged_back) AS charged_back FROM usom.payments WHERE order_no = pg_temp.no('REV');
SELECT * FROM usom.verify();

-- On account: what comes back before it is paid is credited, and the invoice is for what is left.
SELECT pg_temp.place('BILL', 'bill');
SELECT pg_temp.send('BILL');
SELECT request_no, kind, amount, status, due FROM pg_temp.asked WHERE external_id = 'BILL' ORDER BY 1;
SELECT pg_temp.back('BILL', '[{"line_no": 1, "quantity": 4}, {"line_no": 2, "quantity": 1}]');
SELECT request_no, kind, amount, status, due, lines FROM pg_temp.asked WHERE external_id = 'BILL' ORDER BY 1;
SELECT kind, payload->>'amount' AS amount, payload ? 'due_at' AS due FROM usom.events WHERE order_no = pg_temp.no('BILL') AND kind LIKE '%wanted' ORDER BY event_no;
SELECT * FROM usom.verify();
-- It is paid; what comes back then is refunded, and no more than that.
SELECT payment_status FROM usom.record_payment(pg_temp.no('BILL'), 'sale', 66.66, 'BILL-PAID');
SELECT pg_temp.back('BILL', '[{"line_no": 1, "quantity": 2}]');
SELECT request_no, kind, amount, status FROM pg_temp.asked WHERE external_id = 'BILL' ORDER BY 1;
SELECT * FROM pg_temp.sums WHERE external_id = 'BILL' ORDER BY line_no;
SELECT * FROM usom.verify();

-- All of it comes back: nothing is left to pay.
SELECT pg_temp.place('ALL', 'bill');
SELECT pg_temp.send('ALL');
SELECT pg_temp.back('ALL', '[{"line_no": 1, "quantity": 10}, {"line_no": 2, "quantity": 3}]');
SELECT request_no, kind, amount, status FROM pg_temp.asked WHERE external_id = 'ALL' ORDER BY 1;
SELECT * FROM pg_temp.sums WHERE external_id = 'ALL' ORDER BY line_no;
SELECT * FROM usom.verify();
ROLLBACK;
