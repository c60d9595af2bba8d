-- Placing orders: what a document may say, and what comes of it.
\getenv srcdir PG_ABS_SRCDIR
\set helpers :srcdir '/sql/include/helpers.sql'
\set ECHO none
\i :helpers
\set ECHO all
\pset format unaligned
SET timezone = 'UTC';
SET datestyle = 'ISO';
INSERT INTO usom.location (code, priority) VALUES ('PLC-A', 1), ('PLC-B', 2);
INSERT INTO usom.product (sku) VALUES ('PLC-1'), ('PLC-2'), ('PLC-3'), ('PLC-4');
INSERT INTO usom.product (sku, kind) VALUES ('PLC-POST', 'service');
INSERT INTO usom.customer (code, name) VALUES ('PLC-ANN', 'Ann');
INSERT INTO usom.customer_address (customer_id, name, line1, city, country) VALUES (usom.customer_id('PLC-ANN'), 'Ann', 'High Street 1', 'Leeds', 'GB');
SELECT usom.receive_stocks('[
	{"location": "PLC-A", "sku": "PLC-1", "quantity": 10}, {"location": "PLC-B", "sku": "PLC-1", "quantity": 20},
	{"location": "PLC-A", "sku": "PLC-2", "quantity": 5}, {"location": "PLC-A", "sku": "PLC-3", "quantity": 1}]');

-- The least a document says: a guest's order by hand, in the currency of the organisation.
SELECT order_no AS o, status, total, currency, quantity_reserved, quantity_backordered, promised_at <= now() + interval '1 minute' AS promised, messages
FROM usom.place_order('{"lines": [{"sku": "PLC-1", "quantity": 2}]}') \gset
SELECT :'status', :'total', :'currency', :'quantity_reserved', :'quantity_backordered', :'promised', :'messages';
SELECT status, status_group, channel, external_id, customer, currency, total, priority, order_type, ship_complete, coupons, ship_to, payment, instructions, revision, version, held
FROM usom.orders WHERE order_no = :'o';
SELECT line_no, sku, status, quantity, unit_price, total, location, substitution, partial FROM usom.order_lines WHERE order_no = :'o';
SELECT * FROM pg_temp.pieces(:'o');

-- All that a document may say.
SELECT order_no AS o, status, total, currency, quantity_reserved, quantity_backordered, promised_at, messages
FROM usom.place_order('{"channel": "web", "external_id": "PLC-1001", "revision": 3, "order_type": "standard", "customer": "PLC-ANN", "currency": "GBP",
	"priority": 2, "placed_at": "2010-12-01T08:26:00Z", "requested_at": "2100-12-24T12:00:00+01:00", "ship_complete": true, "draft": false,
	"coupons": ["TEN", "FREE"],
	"ship_to": {"name": "Bob", "line1": "Low Road 2", "line2": "2nd floor", "postcode": "LS1", "city": "York", "country": "GB", "latitude": 53.96, "longitude": -1.08},
	"payment": {"method": "card", "reference": "psp-1", "authorized": 15.30}, "instructions": "gift wrap",
	"lines": [{"sku": "PLC-1", "quantity": 1.5, "unit_price": 2.55, "location": "PLC-B", "requested_at": "2100-12-20T00:00:00Z", "substitution": "allowed", "partial": false},
		{"sku": "PLC-2", "quantity": 1, "unit_price": 0.3333, "location": null, "requested_at": null}]}') \gset
SELECT :'status', :'total', :'currency', :'quantity_reserved', :'quantity_backordered', :'promised_at', :'messages';
SELECT status, channel, external_id, customer, currency, total, priority, placed_at, promised_at, order_type, requested_at, ship_complete, coupons, ship_to, payment, instructions, revision
FROM usom.orders WHERE order_no = :'o';
SELECT line_no, sku, quantity, unit_price, total, location, requested_at, substitution, partial FROM usom.order_lines WHERE order_no = :'o';
SELECT line_no, piece_no, sku, location, status, quantity, promised_at FROM usom.order_pieces WHERE order_no = :'o';

-- Null stands for a key that was left out, the customer's first address for a missing one.
SELECT order_no AS o FROM usom.place_order('{"channel": null, "external_id": null, "revision": null, "order_type": null, "customer": "PLC-ANN", "currency": null, "priority": null,
	"placed_at": null, "requested_at": null, "ship_complete": null, "draft": null, "coupons": null, "ship_to": null, "payment": null, "instructions": null, "reservation_owner": null,
	"lines": [{"sku": "PLC-1", "quantity": 1, "unit_price": null, "location": null, "requested_at": null, "substitution": null, "partial": null}]}') \gset
SELECT status, channel, external_id, customer, priority, ship_complete, coupons, ship_to, payment, instructions, revision FROM usom.orders WHERE order_no = :'o';
SELECT quantity, unit_price, location, substitution, partial FROM usom.order_lines WHERE order_no = :'o';

-- The same again changes nothing and answers what is there, also with its keys in another order.
SELECT pg_temp.image(order_no) - 'stock' AS before FROM usom.orders WHERE external_id = 'PLC-1001' \gset
CREATE TEMP TABLE twice AS SELECT 1 AS run, p.* FROM usom.place_order('{"external_id": "PLC-1002", "lines": [{"sku": "PLC-1", "quantity": 1, "unit_price": 4}, {"sku": "PLC-4", "quantity": 1, "unit_price": 4}]}') p;
INSERT INTO twice SELECT 2, p.* FROM usom.place_order('{"lines": [{"unit_price": 4, "quantity": 1, "sku": "PLC-1"}, {"sku": "PLC-4", "quantity": 1, "unit_price": 4}], "external_id": "PLC-1002"}') p;
SELECT count(DISTINCT order_no) AS orders, count(DISTINCT (status, total, currency, quantity_reserved, quantity_backordered, promised_at)) AS answers FROM twice;
SELECT run, status, total, quantity_reserved, quantity_backordered, promised_at, messages FROM twice ORDER BY run;
SELECT count(*) FROM usom.order_history h JOIN usom.sales_order o USING (org_id, sales_order_id) WHERE o.external_id = 'PLC-1002';

-- The same number from another channel is another order.
SELECT order_no <> (SELECT order_no FROM twice WHERE run = 1) AS another, messages FROM usom.place_order('{"channel": "web", "external_id": "PLC-1002", "lines": [{"sku": "PLC-1", "quantity": 1, "unit_price": 4}]}');

-- US801: the same number, another payload. US802: an older revision.
SELECT * FROM pg_temp.refused($$SELECT * FROM usom.place_order('{"external_id": "PLC-1002", "lines": [{"sku": "PLC-1", "quantity": 2, "unit_price": 4}]}')$$);
SELECT * FROM pg_temp.refused($$SELECT * FROM usom.place_order('{"channel": "web", "external_id": "PLC-1001", "revision": 4, "lines": [{"sku": "PLC-1", "quantity": 2}]}')$$);
SELECT * FROM pg_temp.refused($$SELECT * FROM usom.place_order('{"channel": "web", "external_id": "PLC-1001", "revision": 2, "lines": [{"sku": "PLC-1", "quantity": 2}]}')$$);
SELECT pg_temp.image(order_no) - 'stock' = :'before' AS unchanged FROM usom.orders WHERE external_id = 'PLC-1001';

-- A repeat is answered after the order has gone on.
SELECT order_no AS o FROM twice WHERE run = 1 \gset
SELECT status FROM usom.cancel_order(:'o', 'changed my mind');
SELECT order_no = :'o' AS same, status, total, quantity_reserved, quantity_backordered, messages
FROM usom.place_order('{"external_id": "PLC-1002", "lines": [{"sku": "PLC-1", "quantity": 1, "unit_price": 4}, {"sku": "PLC-4", "quantity": 1, "unit_price": 4}]}');

-- One location serves the whole line; else the first by priority gives what it has and the rest waits.
SELECT * FROM pg_temp.shelf('PLC-%');
SELECT order_no AS o, quantity_reserved, quantity_backordered, promised_at, messages FROM usom.place_order('{"lines": [{"sku": "PLC-1", "quantity": 12, "unit_price": 1}]}') \gset
SELECT :'quantity_reserved', :'quantity_backordered', :'messages';
SELECT * FROM pg_temp.pieces(:'o');
SELECT order_no AS o, quantity_reserved, quantity_backordered, coalesce(promised_at::text, 'no date') AS promised_at, messages FROM usom.place_order('{"lines": [{"sku": "PLC-2", "quantity": 9, "unit_price": 1}]}') \gset
SELECT :'quantity_reserved', :'quantity_backordered', :'promised_at', :'messages';
SELECT * FROM pg_temp.pieces(:'o');

-- A line that is not to be cut waits as a whole.
SELECT * FROM usom.receive_stock('PLC-B', 'PLC-2', 3);
SELECT order_no AS o, quantity_reserved, quantity_backordered FROM usom.place_order('{"lines": [{"sku": "PLC-2", "quantity": 4, "unit_price": 1, "partial": false}]}') \gset
SELECT :'quantity_reserved', :'quantity_backordered';
SELECT * FROM pg_temp.pieces(:'o');

-- A line of one location takes nothing from others.
SELECT order_no AS o, quantity_reserved, quantity_backordered FROM usom.place_order('{"lines": [{"sku": "PLC-2", "quantity": 4, "unit_price": 1, "location": "PLC-B"}]}') \gset
SELECT * FROM pg_temp.pieces(:'o');

-- E2: the same product on two lines is reserved as their sum.
SELECT order_no AS o, quantity_reserved, quantity_backordered, messages FROM usom.place_order('{"lines": [{"sku": "PLC-3", "quantity": 1, "unit_price": 1}, {"sku": "PLC-3", "quantity": 1, "unit_price": 2}]}') \gset
SELECT :'quantity_reserved', :'quantity_backordered', :'messages';
SELECT * FROM pg_temp.pieces(:'o');
SELECT * FROM pg_temp.shelf('PLC-3');

-- Services need no stock.
SELECT order_no AS o, status, total, quantity_reserved, quantity_backordered, promised_at IS NOT NULL AS promised, messages
FROM usom.place_order('{"lines": [{"sku": "PLC-POST", "quantity": 1, "unit_price": 3.95}]}') \gset
SELECT :'status', :'total', :'quantity_reserved', :'quantity_backordered', :'promised', :'messages';
SELECT * FROM pg_temp.pieces(:'o');

-- Prices: the document's, else the newest of the list when the order was placed, else none.
INSERT INTO usom.price (sku, currency, unit_price, valid_from) VALUES ('PLC-1', 'EUR', 5, '2000-01-01'), ('PLC-1', 'EUR', 7.5, '2020-01-01'), ('PLC-1', 'GBP', 6, '2000-01-01'), ('PLC-1', 'EUR', 99, '2100-01-01');
CREATE TEMP TABLE priced AS SELECT ordinal, order_no, message FROM usom.place_orders('[
	{"currency": "EUR", "lines": [{"sku": "PLC-1", "quantity": 2}]},
	{"currency": "EUR", "placed_at": "2010-01-01T00:00:00Z", "lines": [{"sku": "PLC-1", "quantity": 2}]},
	{"currency": "GBP", "lines": [{"sku": "PLC-1", "quantity": 2}]},
	{"currency": "EUR", "lines": [{"sku": "PLC-1", "quantity": 2, "unit_price": 0}]},
	{"currency": "USD", "lines": [{"sku": "PLC-1", "quantity": 0.333333, "unit_price": 0.3333}]}]');
SELECT p.ordinal, o.currency, l.unit_price, l.total, o.total AS order_total FROM priced p JOIN usom.orders o USING (order_no) JOIN usom.order_lines l USING (order_no) ORDER BY 1;
SELECT total, messages FROM usom.place_order('{"currency": "USD", "lines": [{"sku": "PLC-1", "quantity": 2}]}');

-- A batch: a document that fails costs that document alone.
SELECT count(*) FROM usom.sales_order \gset before_
SELECT ordinal, external_id, outcome, order_no IS NOT NULL AS numbered, sqlstate, pg_temp.mask(message) AS message FROM usom.place_orders('[
	{"external_id": "PLC-2001", "lines": [{"sku": "PLC-4", "quantity": 1, "unit_price": 1}]},
	{"external_id": "PLC-2002", "lines": []},
	{"external_id": "PLC-2003", "customer": "PLC-NOBODY", "lines": [{"sku": "PLC-4", "quantity": 1, "unit_price": 1}, {"sku": "PLC-NONE", "quantity": 1}]},
	{"external_id": "PLC-2001", "lines": [{"sku": "PLC-4", "quantity": 1, "unit_price": 1}]},
	{"external_id": "PLC-2001", "lines": [{"sku": "PLC-4", "quantity": 2, "unit_price": 1}]},
	7, "text", null, [], {}, {"external_id": 5, "lines": [{"sku": "PLC-4", "quantity": 1}]},
	{"lines": [{"sku": "PLC-4", "quantity": 1, "unit_price": 1}]}]');
SELECT count(*) - :before_count AS placed FROM usom.sales_order;
SELECT count(*) FROM usom.place_orders('[]');
SELECT * FROM pg_temp.refused($$SELECT * FROM usom.place_orders('{"lines": []}')$$);
SELECT * FROM pg_temp.refused($$SELECT * FROM usom.place_orders('7')$$);
SELECT count(*) AS rows_for_null FROM usom.place_orders(NULL);
SELECT count(*) AS rows_for_null FROM usom.place_order(NULL);

-- One external id several times in a batch: the first document that can be placed has it, wherever it stands.
SELECT ordinal, external_id, outcome, sqlstate, message IS NOT NULL AS said FROM usom.place_orders('[
	{"external_id": "PLC-2201", "lines": [{"sku": "PLC-NONE", "quantity": 1}]},
	{"external_id": "PLC-2201", "revision": 2, "lines": [{"sku": "PLC-4", "quantity": 1, "unit_price": 2}]},
	{"external_id": "PLC-2200", "lines": [{"sku": "PLC-4", "quantity": 1, "unit_price": 1}]},
	{"external_id": "PLC-2201", "revision": 3, "lines": [{"sku": "PLC-4", "quantity": 3, "unit_price": 3}]},
	{"external_id": "PLC-2201", "revision": 1, "lines": [{"sku": "PLC-4", "quantity": 1, "unit_price": 1}]},
	{"external_id": "PLC-2201", "revision": 2, "lines": [{"sku": "PLC-4", "quantity": 1, "unit_price": 2}]},
	{"external_id": "PLC-2201", "channel": "web", "lines": [{"sku": "PLC-4", "quantity": 5, "unit_price": 5}]}]') ORDER BY ordinal;
SELECT external_id, channel, revision, total FROM usom.orders WHERE external_id LIKE 'PLC-220%' ORDER BY 1, 2;

-- Scarce stock goes by the order of the documents, not by that of their keys.
INSERT INTO usom.product (sku) VALUES ('PLC-5');
SELECT * FROM usom.receive_stock('PLC-A', 'PLC-5', 6);
CREATE TEMP TABLE scarce AS SELECT ordinal, order_no, external_id FROM usom.place_orders('[
	{"external_id": "PLC-2303", "channel": "web", "lines": [{"sku": "PLC-5", "quantity": 3}]},
	{"external_id": "PLC-2301", "channel": "web", "lines": [{"sku": "PLC-5", "quantity": 2}]},
	{"lines": [{"sku": "PLC-5", "quantity": 2}]},
	{"external_id": "PLC-2300", "lines": [{"sku": "PLC-5", "quantity": 2}]}]');
SELECT p.ordinal, p.external_id, l.quantity, l.quantity_reserved AS reserved, l.quantity_backordered AS backordered
FROM scarce p JOIN usom.order_lines l USING (order_no) ORDER BY p.ordinal;

-- A draft stays a draft: nothing is reserved, and it may be changed by hand.
SELECT order_no AS o, status, quantity_reserved, quantity_backordered, coalesce(promised_at::text, 'no date') AS promised_at FROM usom.place_order('{"external_id": "PLC-3001", "draft": true, "lines": [{"sku": "PLC-1", "quantity": 3, "unit_price": 2}]}') \gset
SELECT :'status', :'quantity_reserved', :'quantity_backordered', :'promised_at';
SELECT count(*) FROM pg_temp.pieces(:'o');
SELECT status, quantity_open FROM usom.order_lines WHERE order_no = :'o';
SELECT messages, status FROM usom.place_order('{"external_id": "PLC-3001", "draft": true, "lines": [{"sku": "PLC-1", "quantity": 3, "unit_price": 2}]}');
SELECT status FROM usom.submit_order(:'o');
SELECT * FROM pg_temp.pieces(:'o');
SELECT messages, status FROM usom.place_order('{"external_id": "PLC-3001", "draft": true, "lines": [{"sku": "PLC-1", "quantity": 3, "unit_price": 2}]}');

-- A cart's soft reservation is given up for its order, and for no other.
SELECT * FROM usom.receive_stock('PLC-A', 'PLC-4', 2);
SELECT usom.reserve_stock('PLC-cart', 'PLC-A', 'PLC-4', 2, '1 hour') > 0 AS kept;
SELECT quantity_reserved, quantity_backordered FROM usom.place_order('{"lines": [{"sku": "PLC-4", "quantity": 2, "unit_price": 1}]}');
SELECT quantity_reserved, quantity_backordered FROM usom.place_order('{"reservation_owner": "PLC-stranger", "lines": [{"sku": "PLC-4", "quantity": 2, "unit_price": 1}]}');
SELECT quantity_reserved, quantity_backordered FROM usom.place_order('{"reservation_owner": "PLC-cart", "lines": [{"sku": "PLC-4", "quantity": 2, "unit_price": 1}]}');
SELECT count(*) AS soft FROM usom.reservation WHERE owner LIKE 'PLC-%';

-- What a cart kept goes over as it would be free: not where it eats into the safety stock, not where nothing is sold any more.
INSERT INTO usom.product (sku) VALUES ('PLC-6');
INSERT INTO usom.location (code, priority) VALUES ('PLC-C', 3);
SELECT usom.receive_stocks('[{"location": "PLC-A", "sku": "PLC-6", "quantity": 5}, {"location": "PLC-C", "sku": "PLC-6", "quantity": 5}]');
SELECT usom.reserve_stock('PLC-full', 'PLC-A', 'PLC-6', 4, '1 hour') > 0 AS kept, usom.reserve_stock('PLC-full', 'PLC-C', 'PLC-6', 4, '1 hour') > 0 AS kept;
SELECT * FROM usom.set_safety('PLC-A', 'PLC-6', 3);
UPDATE usom.location SET active = false WHERE code = 'PLC-C';
SELECT order_no AS o, quantity_reserved, quantity_backordered FROM usom.place_order('{"reservation_owner": "PLC-full", "lines": [{"sku": "PLC-6", "quantity": 4, "unit_price": 1}]}') \gset
SELECT :'quantity_reserved', :'quantity_backordered';
SELECT * FROM pg_temp.pieces(:'o');
SELECT count(*) AS soft FROM usom.reservation WHERE owner = 'PLC-full';
-- Also when the order wants nothing from stock.
SELECT usom.reserve_stock('PLC-post', 'PLC-A', 'PLC-2', 1, '1 hour') > 0 AS kept FROM usom.receive_stock('PLC-A', 'PLC-2', 20);
SELECT quantity_reserved, quantity_backordered FROM usom.place_order('{"reservation_owner": "PLC-post", "lines": [{"sku": "PLC-POST", "quantity": 1}]}');
SELECT count(*) AS soft FROM usom.reservation WHERE owner = 'PLC-post';
-- A draft keeps the cart.
SELECT usom.reserve_stock('PLC-draft', 'PLC-A', 'PLC-2', 1, '1 hour') > 0 AS kept;
SELECT status FROM usom.place_order('{"draft": true, "reservation_owner": "PLC-draft", "lines": [{"sku": "PLC-2", "quantity": 1}]}');
SELECT usom.release_stock(reservation_id) AS kept FROM usom.reservation WHERE owner = 'PLC-draft';

-- What was retired is not sold.
UPDATE usom.product SET active = false WHERE sku = 'PLC-3';
SELECT * FROM pg_temp.refused($$SELECT * FROM usom.place_order('{"lines": [{"sku": "PLC-3", "quantity": 1}]}')$$);
UPDATE usom.location SET active = false WHERE code = 'PLC-B';
SELECT * FROM pg_temp.refused($$SELECT * FROM usom.place_order('{"lines": [{"sku": "PLC-1", "quantity": 1, "location": "PLC-B"}]}')$$);
SELECT quantity_reserved, quantity_backordered FROM usom.place_order('{"lines": [{"sku": "PLC-1", "quantity": 100, "unit_price": 1}]}');
UPDATE usom.customer SET active = false WHERE code = 'PLC-ANN';
SELECT * FROM pg_temp.refused($$SELECT * FROM usom.place_order('{"customer": "PLC-ANN", "lines": [{"sku": "PLC-1", "quantity": 1}]}')$$);
SELECT * FROM usom.verify();
