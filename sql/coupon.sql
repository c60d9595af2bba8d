-- Coupons: counted exactly, let go when the order ends, never more than there is.
\getenv srcdir PG_ABS_SRCDIR
\set helpers :srcdir '/sql/include/helpers.sql'
\set ECHO none
\i :helpers
\set ECHO all
\pset format unaligned
SET timezone = 'UTC';
SET datestyle = 'ISO';
INSERT INTO usom.organisation (code) VALUES ('coupons');
SET usom.org = 'coupons';
INSERT INTO usom.location (code) VALUES ('CPN-A');
INSERT INTO usom.product (sku) VALUES ('CPN-1'), ('CPN-2');
INSERT INTO usom.customer (code) VALUES ('CPN-ANN'), ('CPN-BOB');
INSERT INTO usom.price (sku, unit_price) VALUES ('CPN-1', 10), ('CPN-2', 3);
SELECT usom.receive_stocks('[{"location": "CPN-A", "sku": "CPN-1", "quantity": 1000}, {"location": "CPN-A", "sku": "CPN-2", "quantity": 1000}]');
CREATE FUNCTION pg_temp.buy(coupons text, more jsonb DEFAULT '{}') RETURNS TABLE (order_no text, status text, total numeric) LANGUAGE sql AS $$
	SELECT p.order_no, p.status, p.total FROM usom.place_order(jsonb_build_object('placed_at', '2026-06-01T12:00:00Z', 'coupons', string_to_array(coupons, ','),
		'lines', '[{"sku": "CPN-1", "quantity": 2}]'::jsonb) || more) p
$$;
CREATE FUNCTION pg_temp.counts() RETURNS TABLE (code text, redeemed integer, orders bigint) LANGUAGE sql AS $$
	SELECT c.code, c.redeemed, (SELECT count(*) FROM usom.coupon_redemption x WHERE x.org_id = c.org_id AND x.coupon_id = c.coupon_id AND x.released_at IS NULL)
	FROM usom.coupon c WHERE c.org_id = usom.current_org() ORDER BY 1
$$;

-- Before there are any, codes are words.
SELECT status, total FROM pg_temp.buy('ANYTHING');
INSERT INTO usom.promotion (code, name, level, currency, amount, needs_coupon, min_value) VALUES ('CPN-5', 'Five off', 'order', 'EUR', 5, true, 10);
INSERT INTO usom.promotion (code, name, percent, needs_coupon) VALUES ('CPN-50', 'Half', 50, true);
INSERT INTO usom.coupon (code, promotion, limit_uses) VALUES ('FIVE', 'CPN-5', 2);
INSERT INTO usom.coupon (code, promotion, limit_per_customer) VALUES ('HALF', 'CPN-50', 1);
INSERT INTO usom.coupon (code, promotion, valid_to) VALUES ('OLD', 'CPN-50', '2026-06-01');

SELECT order_no AS o, total FROM pg_temp.buy('FIVE', '{"external_id": "CPN-A"}') \gset
SELECT line_no, step, rule, before, after, reason FROM usom.explain_price(:'o') ORDER BY step_no;
-- The same document again redeems nothing; a quote neither.
SELECT order_no = :'o' AS same, total FROM pg_temp.buy('FIVE', '{"external_id": "CPN-A"}');
SELECT usom.quote('{"coupons": ["FIVE"], "lines": [{"sku": "CPN-1", "quantity": 2}]}') -> 'total' AS total;
SELECT * FROM pg_temp.counts();
-- The last use, given twice; then it is used up, for orders and quotes.
SELECT total FROM pg_temp.buy('FIVE,FIVE');
SELECT pg_temp.refused($$SELECT total FROM pg_temp.buy('FIVE')$$);
SELECT p ->> 'code' AS code, p ->> 'message' AS message FROM usom.quote('{"coupons": ["FIVE"], "lines": [{"sku": "CPN-1", "quantity": 2}]}') q, jsonb_array_elements(q -> 'problems') p;
-- Cancelled, it is there again; a second cancel changes nothing; taken again.
SELECT status FROM usom.cancel_order(:'o', 'no more');
SELECT status FROM usom.cancel_order(:'o', 'no more');
SELECT * FROM pg_temp.counts();
SELECT order_no AS o, total FROM pg_temp.buy('FIVE') \gset
SELECT * FROM pg_temp.counts();
-- All of its units cancelled, one line after the other; and rejected.
SELECT status FROM usom.cancel_line(:'o', 1, 2, 'none');
SELECT status FROM usom.orders WHERE order_no = :'o';
SELECT * FROM pg_temp.counts();
SELECT order_no AS o FROM pg_temp.buy('FIVE', '{"draft": true}') \gset
SELECT status FROM usom.hold_order(:'o', 'fraud', 'look');
SELECT status FROM usom.submit_order(:'o');
SELECT * FROM pg_temp.counts();
SELECT status FROM usom.reject_order(:'o', 'fraud');
SELECT * FROM pg_temp.counts();

-- Unknown, over, not for this order.
SELECT pg_temp.refused($$SELECT total FROM pg_temp.buy('NOTHING')$$);
SELECT pg_temp.refused($$SELECT total FROM pg_temp.buy('OLD')$$);
UPDATE usom.coupon SET limit_uses = 10 WHERE code = 'FIVE';
SELECT pg_temp.refused($$SELECT total FROM pg_temp.buy('FIVE', '{"lines": [{"sku": "CPN-2", "quantity": 3}]}')$$);
UPDATE usom.promotion SET active = false WHERE code = 'CPN-5';
SELECT pg_temp.refused($$SELECT total FROM pg_temp.buy('FIVE')$$);
UPDATE usom.promotion SET active = true WHERE code = 'CPN-5';

-- Once for each customer; guests have no name.
SELECT order_no AS ann, total FROM pg_temp.buy('HALF', '{"customer": "CPN-ANN"}') \gset
SELECT :total AS total;
SELECT pg_temp.refused($$SELECT total FROM pg_temp.buy('HALF', '{"customer": "CPN-ANN"}')$$);
SELECT total FROM pg_temp.buy('HALF', '{"customer": "CPN-BOB"}');
SELECT pg_temp.refused($$SELECT total FROM pg_temp.buy('HALF')$$);

-- Two coupons; below nothing there is nothing.
INSERT INTO usom.promotion (code, level, currency, amount, needs_coupon) VALUES ('CPN-ALL', 'order', 'EUR', 1000, true);
INSERT INTO usom.coupon (code, promotion) VALUES ('ALL', 'CPN-ALL');
SELECT total FROM pg_temp.buy('ALL');
SELECT pg_temp.refused($$SELECT total FROM pg_temp.buy('ALL,FIVE')$$);
SELECT total FROM pg_temp.buy('FIVE,ALL');

-- Changes: a basket that is too small lets go, a bigger one takes again; coupons are changed by name.
UPDATE usom.coupon SET limit_uses = NULL WHERE code = 'FIVE';
SELECT order_no AS o FROM pg_temp.buy('FIVE') \gset
SELECT * FROM pg_temp.counts() WHERE code = 'FIVE';
SELECT status FROM usom.change_order(:'o', '{"lines": [{"line_no": 1, "quantity": 0.5}]}');
SELECT * FROM pg_temp.counts() WHERE code = 'FIVE';
SELECT total FROM usom.orders WHERE order_no = :'o';
SELECT status FROM usom.change_order(:'o', '{"lines": [{"line_no": 1, "quantity": 3}]}');
SELECT * FROM pg_temp.counts() WHERE code = 'FIVE';
SELECT total FROM usom.orders WHERE order_no = :'o';
SELECT pg_temp.refused(format($$SELECT status FROM usom.change_order(%L, '{"coupons": ["NOTHING"]}')$$, :'o'));
SELECT status FROM usom.change_order(:'o', '{"coupons": ["ALL"]}');
SELECT total, coupons FROM usom.orders WHERE order_no = :'o';
SELECT status FROM usom.change_order(:'o', '{"coupons": []}');
SELECT total, coupons FROM usom.orders WHERE order_no = :'o';
SELECT * FROM pg_temp.counts();

-- Drafts take none; they do when they are submitted.
SELECT order_no AS o, total FROM pg_temp.buy('FIVE', '{"draft": true}') \gset
SELECT * FROM pg_temp.counts() WHERE code = 'FIVE';
SELECT status FROM usom.submit_order(:'o');
SELECT * FROM pg_temp.counts() WHERE code = 'FIVE';
INSERT INTO usom.sales_order (order_no, coupons, placed_at) VALUES ('CPN-SQL', '{FIVE}', '2026-06-01');
INSERT INTO usom.order_line (sales_order_id, line_no, product_id, quantity, unit_price) SELECT sales_order_id, 1, usom.product_id('CPN-1'), 2, 10 FROM usom.sales_order WHERE order_no = 'CPN-SQL';
UPDATE usom.sales_order SET status = 'submitted' WHERE order_no = 'CPN-SQL';
SELECT total FROM usom.orders WHERE order_no = 'CPN-SQL';
SELECT * FROM pg_temp.counts() WHERE code = 'FIVE';
UPDATE usom.sales_order SET status = 'cancelled' WHERE order_no = 'CPN-SQL';
SELECT * FROM pg_temp.counts() WHERE code = 'FIVE';

-- A batch: each document for itself, as far as the coupon goes.
INSERT INTO usom.coupon (code, promotion, limit_uses) VALUES ('TWO', 'CPN-5', 2);
SELECT ordinal, outcome, sqlstate, message FROM usom.place_orders((SELECT jsonb_agg(jsonb_build_object('coupons', jsonb_build_array(c), 'lines', '[{"sku": "CPN-1", "quantity": 2}]'::jsonb)) FROM unnest(ARRAY['TWO', 'NOTHING', 'TWO']) c));
SELECT * FROM pg_temp.counts() WHERE code = 'TWO';
SELECT ordinal, outcome, sqlstate FROM usom.place_orders((SELECT jsonb_agg(jsonb_build_object('coupons', jsonb_build_array(c), 'lines', '[{"sku": "CPN-1", "quantity": 2}]'::jsonb)) FROM unnest(ARRAY['TWO', 'ALL']) c));

-- The last use, wanted by three documents of one batch: the first has it, what else is in the batch is placed; the same for a customer's share.
INSERT INTO usom.coupon (code, promotion, limit_uses) VALUES ('LAST', 'CPN-5', 1);
INSERT INTO usom.coupon (code, promotion, limit_per_customer) VALUES ('ONCE', 'CPN-5', 1);
SELECT ordinal, outcome, sqlstate, message FROM usom.place_orders((SELECT jsonb_agg(jsonb_strip_nulls(jsonb_build_object('coupons', to_jsonb(c), 'customer', u, 'lines', '[{"sku": "CPN-1", "quantity": 2}]'::jsonb)))
	FROM (VALUES ('{LAST}'::text[], NULL), ('{}', NULL), ('{LAST}', NULL), ('{ONCE}', 'CPN-ANN'), ('{ONCE}', 'CPN-BOB'), ('{ONCE}', 'CPN-ANN'), ('{ONCE}', NULL), ('{LAST,ONCE}', 'CPN-BOB')) d (c, u)));
SELECT * FROM pg_temp.counts() WHERE code IN ('LAST', 'ONCE');

-- All that is wrong at once, with what checks find; one alone is its own error.
INSERT INTO usom.check_rule (check_code, severity, parameters) VALUES ('limits', 'refuse', '{"lines": 1}');
SELECT pg_temp.refused($$SELECT usom.place_order('{"placed_at": "2026-06-01T12:00:00Z", "coupons": ["NOTHING", "LAST", "OLD"], "lines": [{"sku": "CPN-1", "quantity": 2}, {"sku": "CPN-2", "quantity": 1}]}')$$);
SELECT p->>'code' AS code, p->>'path' AS path, p->>'severity' AS severity, p->>'message' AS message FROM jsonb_array_elements(usom.quote('{"placed_at": "2026-06-01T12:00:00Z", "coupons": ["NOTHING", "LAST"], "lines": [{"sku": "CPN-1", "quantity": 2}, {"sku": "CPN-2", "quantity": 1}]}') -> 'problems') p;
UPDATE usom.check_rule SET active = false;
SELECT pg_temp.refused($$SELECT usom.place_order('{"placed_at": "2026-06-01T12:00:00Z", "coupons": ["NOTHING"], "lines": [{"sku": "CPN-1", "quantity": 2}]}')$$);
SELECT pg_temp.refused($$SELECT usom.place_order('{"draft": true, "placed_at": "2026-06-01T12:00:00Z", "coupons": ["NOTHING", "LAST"], "lines": [{"sku": "CPN-1", "quantity": 2}]}')$$);

-- Nobody counts by hand, and no limit goes below what is used.
SELECT pg_temp.refused($$UPDATE usom.coupon SET redeemed = 0$$);
SELECT pg_temp.refused($$INSERT INTO usom.coupon (code, promotion, redeemed) VALUES ('MORE', 'CPN-5', 3)$$);
SELECT pg_temp.refused($$INSERT INTO usom.coupon (code, promotion) VALUES ('MORE', 'CPN-9')$$);
SELECT pg_temp.refused($$UPDATE usom.coupon SET limit_uses = 1 WHERE code = 'TWO'$$);
SELECT pg_temp.refused($$DELETE FROM usom.coupon WHERE code = 'OLD'$$);
SELECT pg_temp.refused($$DELETE FROM usom.coupon_redemption$$);
SELECT * FROM usom.verify();
