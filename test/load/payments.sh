#!/bin/sh
# Payments under load: twenty finishers of one order with two references, half
# of them killed before they commit (E6); then captures, refunds, voids,
# chargebacks, returns and cancellations at random, while somebody looks whether
# a ceiling is ever passed (E9).
#
# LOAD_SECONDS  of the random part, 10
set -u
database=usom_payments
seconds=${LOAD_SECONDS:-10}
. "$(dirname "$0")/lib.sh"

begin <<'SQL'
INSERT INTO usom.product (sku) VALUES ('PAY');
INSERT INTO usom.location (code) VALUES ('A');
SELECT usom.receive_stock('A', 'PAY', 1000000);
UPDATE usom.document_counter SET prefix = 'O', digits = 1 WHERE kind = 'order';
CREATE FUNCTION buy(payment jsonb, draft boolean) RETURNS text LANGUAGE sql AS $$
	SELECT order_no FROM usom.place_order(jsonb_build_object('draft', draft, 'payment', payment,
		'lines', '[{"sku": "PAY", "quantity": 10, "unit_price": 9.99}, {"sku": "PAY", "quantity": 3, "unit_price": 0.33}]'::jsonb))
$$;
SQL

# ---- E6 ----

finish_order() { # finish_order ORDER REFERENCE KILLED
	end='COMMIT'
	[ "$3" = yes ] && end='SELECT pg_terminate_backend(pg_backend_pid())'
	printf "BEGIN;\nSELECT payment_status, order_status FROM usom.complete_order('%s', 100.89, '%s');\n%s;\n" "$1" "$2" "$end" |
		psql -X -q -A -t -d "$database" >>"$work/answers.$3" 2>/dev/null
}

order=$(ask "SELECT buy(NULL, true)")
n=0
while [ $n -lt 20 ]; do
	n=$((n + 1))
	finish_order "$order" "psp-$((n % 2))" "$([ $((n % 4)) -lt 2 ] && echo yes || echo no)" &
done
wait
judge 'E6: survivors' "$(grep -c . "$work/answers.no")" 10
judge 'E6: all survivors see the order confirmed' "$(grep -vc '|confirmed$' "$work/answers.no")" 0
judge 'E6: one transition' "$(ask "SELECT string_agg(h.event, ' ' ORDER BY h.version) FROM usom.order_history h JOIN usom.sales_order o USING (org_id, sales_order_id) WHERE o.order_no = '$order' AND h.event IN ('submit', 'confirm')")" 'submit confirm'
judge 'E6: one sale for each reference' "$(ask "SELECT string_agg(reference, ' ' ORDER BY reference) FROM usom.payment_transactions WHERE order_no = '$order'")" 'psp-0 psp-1'
judge 'E6: stock is reserved once' "$(ask "SELECT trim_scale(sum(quantity_reserved)) FROM usom.order_lines WHERE order_no = '$order'")" 13
judge 'E6: what was paid twice is told' "$(ask "SELECT payment_status || ' ' || (SELECT count(*) FROM usom.exceptions e WHERE e.order_no = o.order_no AND e.open) FROM usom.orders o WHERE order_no = '$order'")" 'paid_unallocated 1'
judge 'E6: all is well' "$(wrong)" 0
# All killed: nothing is left, and the order can be finished.
order=$(ask "SELECT buy(NULL, true)")
for n in 1 2 3 4 5 6; do finish_order "$order" "psp-again" yes & done
wait
judge 'E6: killed ones leave nothing' "$(ask "SELECT status || ' ' || payment_status || ' ' || version FROM usom.orders WHERE order_no = '$order'")" 'draft none 1'
judge 'E6: and the order can be finished' "$(ask "SELECT payment_status || ' ' || order_status FROM usom.complete_order('$order', 100.89, 'psp-again')")" 'paid confirmed'

# ---- E9: whatever crosses ----

psql -X -q -d "$database" -v ON_ERROR_STOP=1 >/dev/null <<'SQL'
CREATE TABLE played (order_no text);
INSERT INTO played SELECT buy(jsonb_build_object('method', 'card', 'reference', 'auth-' || n, 'authorized', 70), false) FROM generate_series(1, 8) n;
SELECT usom.record_payment(order_no, 'sale', 30.89, 'gift-' || order_no, 'gift_card') FROM played;
SELECT usom.release_order(order_no) FROM played;
CREATE SEQUENCE refs;
-- What may be refused is refused; everything else is an error of the load.
CREATE FUNCTION attempt(command text, VARIADIC arguments text[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format(command, VARIADIC arguments);
EXCEPTION WHEN SQLSTATE 'US501' OR SQLSTATE 'US506' OR SQLSTATE 'US101' OR SQLSTATE 'US104' OR SQLSTATE 'US603' OR SQLSTATE 'US601' OR SQLSTATE 'US701' OR SQLSTATE 'US505' THEN
	NULL;
END $$;
CREATE FUNCTION one() RETURNS text LANGUAGE sql VOLATILE AS $$SELECT order_no FROM played ORDER BY random() LIMIT 1$$;
CREATE FUNCTION reference_of(o text) RETURNS text LANGUAGE sql VOLATILE AS $$SELECT reference FROM usom.payments WHERE order_no = o ORDER BY random() LIMIT 1$$;
CREATE FUNCTION look() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	bad text;
BEGIN
	SELECT string_agg(p.order_no || ' ' || p.payment_no, ', ') INTO bad FROM usom.payments p
	WHERE p.captured + p.voided > p.authorized OR p.refunded + p.refund_wanted + p.charged_back > p.captured;
	IF bad IS NULL THEN
		SELECT string_agg(l.sales_order_id || ' ' || l.line_no, ', ') INTO bad FROM usom.payment_line l
		WHERE l.refunded + l.refund_wanted > l.captured OR l.refunded_tax + l.refund_wanted_tax > l.captured_tax;
	END IF;
	IF bad IS NULL THEN
		-- payments and lines are two readings of one thing
		SELECT string_agg(o.order_no, ', ') INTO bad FROM usom.sales_order o
		WHERE o.paid IS DISTINCT FROM (SELECT sum(l.captured - l.refunded - l.refund_wanted) FROM usom.payment_line l WHERE l.org_id = o.org_id AND l.sales_order_id = o.sales_order_id)
			AND o.paid > 0;
	END IF;
	IF bad IS NOT NULL THEN
		RAISE EXCEPTION 'a ceiling is passed: %', bad;
	END IF;
END $$;
SQL

script capture <<'SQL'
\set cents random(1, 2500)
SELECT attempt('SELECT usom.capture_payment(%1$L, %2$s / 100.0, %3$L, %4$L)', o, :cents::text, 'c' || nextval('refs'), reference_of(o)) FROM one() o;
SQL
script refund <<'SQL'
\set cents random(1, 1500)
SELECT attempt('SELECT usom.refund_order(%1$L, %2$s / 100.0)', o, :cents::text) FROM one() o;
SQL
script line <<'SQL'
\set cents random(1, 900)
\set line random(1, 2)
SELECT attempt('SELECT usom.refund_order(%1$L, lines => ''[{"line_no": %3$s, "amount": %4$s}]'')', o, '', :line::text, (:cents / 100.0)::numeric(9, 2)::text) FROM one() o;
SQL
script answer <<'SQL'
\set fails random(1, 4)
SELECT attempt('SELECT usom.record_payment(%1$L, %2$L, %3$s, %4$L, request => %5$L, outcome => %6$L)', r.order_no, r.kind, r.amount::text, 'a' || nextval('refs'), r.request, CASE WHEN :fails = 1 THEN 'failed' ELSE 'ok' END)
FROM (SELECT * FROM usom.payment_requests WHERE status = 'wanted' AND kind <> 'invoice' ORDER BY random() LIMIT 1) r;
SQL
script fact <<'SQL'
\set cents random(1, 1500)
\set which random(1, 4)
SELECT attempt('SELECT usom.record_payment(%1$L, %2$L, %3$s / 100.0, %4$L, payment_reference => %5$L)', o, (ARRAY['refund', 'chargeback', 'void', 'authorize'])[:which], :cents::text, 'f' || nextval('refs'), reference_of(o)) FROM one() o;
SQL
script order <<'SQL'
\set what random(1, 6)
SELECT CASE :what
	WHEN 1 THEN attempt('SELECT usom.ship(%1$L, ''[{"line_no": 1, "quantity": 1}]'')', o)
	WHEN 2 THEN attempt('SELECT usom.ship(%1$L, ''[{"line_no": 2, "quantity": 1}]'')', o)
	WHEN 3 THEN attempt('SELECT usom.receive_return(usom.authorize_return(%1$L, ''[{"line_no": 1, "quantity": 1}]'', NULL))', o)
	WHEN 4 THEN attempt('SELECT usom.receive_return(usom.authorize_return(%1$L, ''[{"line_no": 2, "quantity": 1}]'', NULL))', o)
	WHEN 5 THEN attempt('SELECT usom.collect_payment(%1$L)', o)
	ELSE attempt('SELECT usom.refund_order(%1$L)', o) END
FROM one() o;
SQL
script look <<'SQL'
SELECT look();
SQL
mix 'whatever crosses' 12 "$seconds" capture@4 refund@3 line@3 answer@8 fact@3 order@3 look@4
judge 'whatever crosses: all is well' "$(wrong)" 0
judge 'something was captured, refunded, charged back, failed' "$(ask "SELECT count(DISTINCT kind || outcome) >= 7 FROM usom.payment_transactions WHERE order_no IN (SELECT order_no FROM played)")" t
ask "SELECT string_agg(kind || ' ' || outcome || ' ' || n, ', ' ORDER BY kind, outcome) FROM (SELECT kind, outcome, count(*) AS n FROM usom.payment_transactions GROUP BY 1, 2) t"
# A decimal of everything: the ledger adds up by itself.
judge 'the ledger says what payments say' "$(ask "SELECT count(*) FROM usom.verify_payments()")" 0

finish
