-- Orders of another system are written as they ended: nothing is reserved, booked, paid or told.
SET client_min_messages = warning;
SET timezone = 'UTC';
INSERT INTO usom.organisation (code) VALUES ('migrate');
SET usom.org = 'migrate';
INSERT INTO usom.location (code) VALUES ('HI-W'), ('HI-X');
INSERT INTO usom.product (sku) VALUES ('HI-A'), ('HI-B');
INSERT INTO usom.product (sku, kind) VALUES ('HI-POST', 'service'), ('HI-KIT', 'kit');
INSERT INTO usom.product (sku, active) VALUES ('HI-OLD', false);
INSERT INTO usom.customer (code) VALUES ('HI-1');
INSERT INTO usom.credit_account (customer_id, currency, limit_amount) VALUES (usom.customer_id('HI-1'), 'EUR', 1);
SELECT r.sku, r.on_hand FROM usom.receive_stock('HI-W', 'HI-A', 10) r;

COPY usom.load_document (batch, document) FROM stdin;
old	{"order_no": "OLD-1", "channel": "web", "external_id": "W-1", "customer": "HI-1", "currency": "EUR", "placed_at": "2020-01-02T10:00:00Z", "status": "delivered", "total": 31, "ship_to": {"name": "Ada Lovelace", "line1": "12 St James Square", "city": "London", "country": "GB"}, "instructions": "ring twice", "lines": [{"sku": "HI-A", "quantity": 10, "unit_price": 3, "cancelled": 1}, {"sku": "HI-POST", "quantity": 1, "unit_price": 4}], "shipments": [{"location": "HI-W", "carrier": "DHL", "tracking": "T-1", "shipped_at": "2020-01-03T10:00:00Z", "delivered_at": "2020-01-05T10:00:00Z"}]}
old	{"order_no": "OLD-2", "placed_at": "2020-02-02T10:00:00Z", "currency": "EUR", "status": "closed", "total": 116.60, "lines": [{"sku": "HI-OLD", "quantity": 10, "unit_price": 10, "discount": 5, "freight": 2, "tax": 19.60}], "shipments": [{"shipment_no": "DN-1", "location": "HI-W", "shipped_at": "2020-02-03T10:00:00Z", "delivered_at": "2020-02-05T10:00:00Z", "lines": [{"line_no": 1, "quantity": 7}]}, {"location": "HI-X", "shipped_at": "2020-02-04T10:00:00Z", "delivered_at": "2020-02-05T10:00:00Z", "lines": [{"line_no": 1, "quantity": 3, "lot": "L9"}]}], "returns": [{"return_no": "RMA-1", "reason": "too big", "received_at": "2020-02-10T10:00:00Z", "lines": [{"line_no": 1, "quantity": 2}]}, {"received_at": "2020-03-10T10:00:00Z", "lines": [{"line_no": 1, "quantity": 3, "lot": "L9"}]}]}
old	{"order_no": "OLD-3", "placed_at": "2020-02-02T10:00:00Z", "status": "cancelled", "total": 0, "lines": [{"sku": "HI-B", "quantity": 2, "unit_price": 5, "cancelled": 2}]}
old	{"order_no": "OLD-4", "placed_at": "2020-02-02T10:00:00Z", "lines": [{"sku": "HI-A", "quantity": 2.5, "unit_price": 5, "location": "HI-X"}], "shipments": [{"location": "HI-X", "shipped_at": "2020-02-03T10:00:00Z"}]}
old	{"order_no": "OLD-5", "placed_at": "2999-02-02T10:00:00Z", "status": "shipped", "channel": "none", "customer": "HI-9", "lines": [{"sku": "HI-NONE", "quantity": 2}, {"sku": "HI-KIT", "quantity": 1, "cancelled": 2}, {"sku": "HI-A", "quantity": 5, "location": "HI-X"}], "shipments": [{"shipped_at": "2020-02-03T10:00:00Z", "delivered_at": "2020-02-01T10:00:00Z", "lines": [{"line_no": 3, "quantity": 9}, {"line_no": 4, "quantity": 1}]}, {"location": "HI-W", "shipped_at": "2020-02-03T10:00:00Z", "lines": [{"line_no": 3, "quantity": 1}]}]}
old	{"order_no": "OLD-6", "placed_at": "2020-02-02T10:00:00Z", "status": "shipped", "total": 7, "lines": [{"sku": "HI-A", "quantity": 2, "unit_price": 3}], "shipments": [{"location": "HI-W", "shipped_at": "2020-02-03T10:00:00Z", "delivered_at": "2020-02-04T10:00:00Z"}]}
old	{"order_no": "OLD-7", "placed_at": "2020-02-02T10:00:00Z", "lines": [{"sku": "HI-A", "quantity": 2, "unit_price": 3}], "shipments": [{"location": "HI-W", "shipped_at": "2020-02-03T10:00:00Z"}], "returns": [{"received_at": "2020-02-09T10:00:00Z", "lines": [{"line_no": 1, "quantity": 1}]}]}
old	{"order_no": "SO-000777", "placed_at": "2020-02-02T10:00:00Z", "lines": [{"sku": "HI-A", "quantity": 2, "cancelled": 2}]}
old	{"order_no": "OLD-1", "placed_at": "2020-02-02T10:00:00Z", "lines": [{"sku": "HI-A", "quantity": 2, "cancelled": 2}]}
old	{"order_no": "OLD-3", "placed_at": "2020-02-02T10:00:00Z", "status": "cancelled", "total": 0, "lines": [{"sku": "HI-B", "quantity": 2, "unit_price": 5, "cancelled": 2}]}
old	{"order_no": "OLD-8", "placed_at": "2020-02-02T10:00:00Z", "lines": [{"sku": "HI-A", "quantity": 2}], "shipments": [{"shipment_no": "DN-1", "location": "HI-W", "shipped_at": "2020-02-03T10:00:00Z"}]}
old	{"order_no": "OLD-9", "lines": []}
old	{"order_no": "OLD-9", "placed_at": "2020-02-02T10:00:00Z", "colour": "red", "lines": [{"sku": "HI-A", "quantity": 2}]}
\.
CALL usom.load_history('old', 4);
SELECT row_number() OVER (ORDER BY ordinal) AS n, outcome, order_no, sqlstate, regexp_replace(message, 'Known keys.*|\(Key .*', '...') AS message FROM usom.load_document ORDER BY ordinal;
SELECT order_no, status, channel, customer, currency, total, placed_at, version, ship_to ->> 'city' AS city, instructions FROM usom.orders WHERE order_no LIKE 'OLD-%' ORDER BY 1;
SELECT order_no, line_no, sku, quantity, total, quantity_shipped AS shipped, quantity_delivered AS delivered, quantity_cancelled AS cancelled, quantity_returned AS returned FROM usom.order_lines WHERE order_no LIKE 'OLD-%' ORDER BY 1, 2;
SELECT order_no, line_no, piece_no, status, quantity, location, shipment_no, lot FROM usom.order_pieces WHERE order_no LIKE 'OLD-%' ORDER BY 1, 2, 3;
SELECT shipment_no, order_no, location, carrier, tracking, status, shipped_at, delivered_at FROM usom.shipments WHERE order_no LIKE 'OLD-%' ORDER BY 1;
SELECT return_no, order_no, status, reason, received_at FROM usom.returns WHERE order_no LIKE 'OLD-%' ORDER BY 1;
SELECT order_no, line_no, step, before, after FROM usom.price_steps WHERE order_no LIKE 'OLD-%' ORDER BY step_no;
SELECT h.event, h.from_status, h.to_status, h.reference, count(*) FROM usom.order_history h WHERE h.org_id = usom.current_org() GROUP BY 1, 2, 3, 4 ORDER BY 3;
-- Stock is what it was; nobody was told, nothing is owed.
SELECT sku, on_hand, reserved FROM usom.stock_position WHERE sku LIKE 'HI-%';
SELECT count(*) FROM usom.stock_movement m WHERE m.org_id = usom.current_org();
SELECT count(*) FROM usom.event e WHERE e.org_id = usom.current_org();
SELECT count(*) FROM usom.credit_use c WHERE c.org_id = usom.current_org();
SELECT * FROM usom.verify();

-- Life goes on: what was on its way arrives; what was delivered comes back, into the stock of today; nothing is made void.
SELECT s.status FROM usom.deliver('OLD-4-1') s;
SELECT usom.authorize_return('OLD-2', '[{"line_no": 1, "quantity": 2}]', 'late') AS back \gset
SELECT count(*) FROM usom.receive_return(:'back', '[{"line_no": 1, "quantity": 2}]');
SELECT location, sku, on_hand FROM usom.stock_position WHERE sku = 'HI-OLD';
\set VERBOSITY terse
SELECT usom.void_shipment('OLD-1-1', 'wrong');
SELECT usom.cancel_order('OLD-1', 'too late');
INSERT INTO usom.migrated_order SELECT * FROM usom.migrated_order LIMIT 1;
\set VERBOSITY default
SELECT * FROM usom.verify();
