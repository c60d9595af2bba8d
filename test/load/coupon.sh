#!/bin/sh
# Coupons under load, with exact results: one that may be used once, and twenty
# orders at once (E19); once for each customer; placed, cancelled, changed at once.
#
# LOAD_SECONDS  of the mixed part, 6
set -u
database=usom_coupon
seconds=${LOAD_SECONDS:-6}
. "$(dirname "$0")/lib.sh"

redeemed() { ask "SELECT redeemed FROM usom.coupon WHERE code = '$1'"; }
using() { ask "SELECT count(*) FROM usom.orders WHERE coupons = ARRAY['$1'] AND status = 'confirmed'"; }

begin <<'SQL'
INSERT INTO usom.product (sku) VALUES ('THING');
INSERT INTO usom.location (code) VALUES ('A');
INSERT INTO usom.customer (code) SELECT 'C' || n FROM generate_series(1, 5) n;
SELECT usom.receive_stock('A', 'THING', 100000);
INSERT INTO usom.promotion (code, level, currency, amount, needs_coupon) VALUES ('ten', 'order', 'EUR', 10, true);
INSERT INTO usom.coupon (code, promotion, limit_uses, limit_per_customer) VALUES ('ONCE', 'ten', 1, NULL), ('EACH', 'ten', NULL, 2), ('MIXED', 'ten', 7, NULL);
CREATE FUNCTION buy(coupon text, customer text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	RETURN (usom.place_order(jsonb_build_object('customer', customer, 'coupons', jsonb_build_array(coupon), 'lines', '[{"sku": "THING", "quantity": 1, "unit_price": 8}]'::jsonb))).order_no;
EXCEPTION WHEN SQLSTATE 'US406' THEN
	RETURN 'used up';
END
$$;
-- One of the orders that use MIXED, which another session may have cancelled meanwhile.
CREATE FUNCTION touch(verb text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	one text := (SELECT o.order_no FROM usom.sales_order o WHERE o.status = 'confirmed' AND o.coupons = '{MIXED}' ORDER BY random() LIMIT 1);
BEGIN
	IF verb = 'cancel' THEN
		RETURN (SELECT c.status FROM usom.cancel_order(one, 'load') c WHERE one IS NOT NULL);
	END IF;
	RETURN (SELECT c.status FROM usom.change_order(one, '{"lines": [{"sku": "THING", "quantity": 1, "unit_price": 3}]}') c WHERE one IS NOT NULL);
EXCEPTION WHEN SQLSTATE 'US101' THEN
	RETURN 'cancelled';
END
$$;
SQL

load 'twenty for one' 20 -t 1 <<'SQL'
SELECT buy('ONCE', 'C1');
SQL
judge 'one has it' "$(redeemed ONCE) $(using ONCE)" '1 1'
judge 'nobody pays less than nothing' "$(ask "SELECT min(total) FROM usom.orders")" 0
ask "SELECT usom.cancel_order(order_no, 'load') FROM usom.orders WHERE coupons = '{ONCE}'" >/dev/null
judge 'released on cancel' "$(redeemed ONCE)" 0
load 'twenty for one again' 20 -t 1 <<'SQL'
SELECT buy('ONCE', 'C2');
SQL
judge 'one has it again' "$(redeemed ONCE) $(using ONCE)" '1 1'

load 'twice for each of five' 40 -t 1 <<'SQL'
SELECT buy('EACH', 'C' || (:client_id % 5 + 1));
SQL
judge 'ten have it' "$(redeemed EACH) $(using EACH)" '10 10'
judge 'two of each' "$(ask "SELECT max(n) FROM (SELECT count(*) AS n FROM usom.orders WHERE coupons = '{EACH}' GROUP BY customer) c")" 2

load 'mixed' 12 -T "$seconds" <<'SQL'
\set dice random(1, 10)
SELECT CASE WHEN :dice <= 5 THEN buy('MIXED', 'C1') ELSE touch(CASE WHEN :dice <= 8 THEN 'cancel' ELSE 'change' END) END;
SQL
judge 'never above the limit' "$(ask "SELECT redeemed <= 7 FROM usom.coupon WHERE code = 'MIXED'")" t
judge 'what is counted is what orders use' "$(redeemed MIXED)" "$(using MIXED)"
judge 'nothing is wrong' "$(wrong)" 0

finish
