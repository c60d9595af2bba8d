#!/bin/sh
# Credit under load, with exact results: five orders of 300 for a limit of
# 1,000, again and again; then many clients that place, change, cancel, ship and
# return orders, and managers that change limits, while others look: the
# exposure is the sum of what orders take at every look, and never above the
# limit.
#
# The connection is psql's own (PGHOST, PGPORT, PGUSER); a database is made and
# dropped.  Ends with "N passed, N failed".
#
# LOAD_SEED     seed of the random choices, printed
# LOAD_SECONDS  of the mixed part, 6
set -u
seed=${LOAD_SEED:-$(date +%s)}
seconds=${LOAD_SECONDS:-6}
database=usom_credit
passed=0
failed=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

judge() { # judge WHAT FOUND EXPECTED
	if [ "$2" = "$3" ]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "not so: $1: $2, not $3"
	fi
}

ask() { psql -X -q -A -t -v ON_ERROR_STOP=1 -d "$database" -c "$1"; }

echo "LOAD_SEED=$seed"
psql -X -q -d postgres -c "DROP DATABASE IF EXISTS $database" -c "CREATE DATABASE $database" 2>/dev/null
psql -X -q -d "$database" -v ON_ERROR_STOP=1 >/dev/null <<'SQL'
CREATE EXTENSION usom;
SELECT usom.install();
INSERT INTO usom.product (sku) VALUES ('A'), ('B'), ('C');
INSERT INTO usom.location (code) VALUES ('L');
SELECT usom.receive_stock('L', sku, 100000) FROM usom.product;
INSERT INTO usom.customer (code) SELECT 'FIVE-' || n FROM generate_series(1, 20) n;
INSERT INTO usom.customer (code) SELECT 'MIXED-' || n FROM generate_series(1, 4) n;
INSERT INTO usom.customer (code) VALUES ('RELEASE');
INSERT INTO usom.credit_account (customer_id, limit_amount, check_at) SELECT customer_id, 1000, CASE code WHEN 'RELEASE' THEN 'release' ELSE 'confirm' END FROM usom.customer;
CREATE TABLE looked (at timestamptz DEFAULT clock_timestamp(), wrong bigint);
CREATE FUNCTION buy(customer text, quantity numeric) RETURNS text LANGUAGE sql AS $$
	SELECT order_no FROM usom.place_order(jsonb_build_object('customer', customer, 'lines', (SELECT jsonb_agg(jsonb_build_object('sku', sku,
		'quantity', quantity, 'unit_price', 33.33) ORDER BY random()) FROM unnest(ARRAY['A', 'B', 'C']) sku)))
$$;
-- An order of the customer, whoever else wants it.
CREATE FUNCTION pick(of text, VARIADIC wanted text[]) RETURNS SETOF text LANGUAGE sql AS $$
	SELECT o.order_no FROM usom.sales_order o WHERE o.org_id = usom.current_org() AND o.customer_id = usom.customer_id(of) AND o.status::text = ANY (wanted)
	ORDER BY random() LIMIT 1
$$;
-- What somebody does when the order has gone on meanwhile is refused: that is no fault.
CREATE FUNCTION attempt(command text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE command;
	RETURN 'done';
EXCEPTION WHEN SQLSTATE 'US101' OR SQLSTATE 'US102' OR SQLSTATE 'US104' OR SQLSTATE 'US107' OR SQLSTATE 'US510' OR SQLSTATE 'US601' OR SQLSTATE 'US603' OR SQLSTATE 'US701' THEN
	RETURN SQLSTATE;
END
$$;
CREATE FUNCTION look() RETURNS bigint LANGUAGE sql AS $$
	INSERT INTO looked (wrong) SELECT
		(SELECT count(*) FROM usom.verify_credit()) + (SELECT count(*) FROM usom.credit_account WHERE exposure > limit_amount)
	RETURNING wrong
$$;
SQL

# Five at once, for twenty customers: three fit each time.
cat >"$work/five" <<'SQL'
SELECT buy('FIVE-' || (:client_id / 5 + 4 * :round + 1), 3);
\set round :round + 1
SQL
pgbench -n -c 20 -j 2 -t 5 -D round=0 --random-seed="$seed" -f "$work/five" "$database" >"$work/report" 2>"$work/error"
judge 'five at once: pgbench ends well' "$? $(grep -c ERROR "$work/error")" '0 0'
judge 'three of five' "$(ask "SELECT string_agg(DISTINCT concat_ws(' ', x.confirmed, x.held, x.reserved), ', ') FROM (
	SELECT count(*) FILTER (WHERE o.status = 'confirmed') AS confirmed, count(*) FILTER (WHERE o.status = 'submitted') AS held,
		trim_scale(sum((SELECT sum(l.quantity_reserved) FROM usom.order_lines l WHERE l.order_no = o.order_no))) AS reserved
	FROM usom.orders o WHERE o.customer LIKE 'FIVE-%' GROUP BY o.customer) x")" '3 2 27'
judge 'what they take' "$(ask "SELECT string_agg(DISTINCT concat_ws(' ', exposure, orders_held, amount_held), ', ') FROM usom.credit WHERE customer LIKE 'FIVE-%'")" '899.91 2 599.94'

# One of each is cancelled, all customers at once: the oldest held one goes on.
cat >"$work/cancel" <<'SQL'
SELECT c.status FROM (SELECT o.order_no FROM usom.orders o WHERE o.customer = 'FIVE-' || (:client_id + 1) AND o.status = 'confirmed' ORDER BY o.order_no LIMIT 1) o, usom.cancel_order(o.order_no, 'load') c;
SQL
pgbench -n -c 20 -j 2 -t 1 --random-seed="$seed" -f "$work/cancel" "$database" >"$work/report" 2>"$work/error"
judge 'cancelled: pgbench ends well' "$? $(grep -c ERROR "$work/error")" '0 0'
judge 'the oldest goes on' "$(ask "SELECT string_agg(DISTINCT concat_ws(' ', exposure, orders_held), ', ') FROM usom.credit WHERE customer LIKE 'FIVE-%'")" '899.91 1'
judge 'and it is the oldest' "$(ask "SELECT count(*) FROM usom.orders o JOIN usom.orders p ON p.customer = o.customer AND p.status = 'confirmed' AND p.order_no > o.order_no
	JOIN usom.timeline t ON t.order_no = p.order_no AND t.event = 'release_hold' WHERE o.customer LIKE 'FIVE-%' AND o.status = 'submitted'
	AND (SELECT min(h.placed_at) FROM usom.holds h WHERE h.order_no = o.order_no) < (SELECT min(h.placed_at) FROM usom.holds h WHERE h.order_no = p.order_no)")" 0

# Everything at once.  Limits are raised only, so that no exposure is ever above one.
cat >"$work/mixed" <<'SQL'
\set who random(1, 4)
\set n random(1, 4)
\set dice random(1, 100)
SELECT CASE
	WHEN :dice <= 45 THEN buy('MIXED-:who', :n)
	WHEN :dice <= 65 THEN (SELECT attempt(format('SELECT usom.cancel_order(%L, ''load'')', o)) FROM pick('MIXED-:who', 'confirmed', 'submitted') o)
	WHEN :dice <= 75 THEN (SELECT attempt(format('SELECT usom.change_order(%L, ''{"lines": [{"line_no": 2, "quantity": :n}]}'')', o)) FROM pick('MIXED-:who', 'confirmed', 'submitted') o)
	WHEN :dice <= 80 THEN (SELECT attempt(format('SELECT usom.cancel_line(%L, 1, 1, ''load'')', o)) FROM pick('MIXED-:who', 'confirmed', 'submitted') o)
	WHEN :dice <= 88 THEN (SELECT attempt(format('SELECT usom.release_order(%1$L); SELECT usom.ship(%1$L)', o)) FROM pick('MIXED-:who', 'confirmed') o)
	WHEN :dice <= 93 THEN (SELECT attempt(format('SELECT usom.receive_return(usom.authorize_return(%L, ''[{"line_no": 3, "quantity": 1}]'', ''load''), NULL)', o)) FROM pick('MIXED-:who', 'shipped') o)
	WHEN :dice <= 95 THEN (SELECT attempt(format('SELECT usom.hold_order(%1$L, ''address'', ''load''); SELECT usom.release_hold(%1$L, ''address'', ''load'')', o)) FROM pick('MIXED-:who', 'confirmed', 'submitted') o)
	WHEN :dice <= 97 THEN (SELECT string_agg(status, ' ') FROM usom.review_credit('MIXED-:who'))
	ELSE look()::text END;
SQL
cat >"$work/plain" <<'SQL'
\set who random(1, 4)
UPDATE usom.credit_account SET limit_amount = limit_amount + 1 WHERE customer_id = usom.customer_id('MIXED-:who');
SELECT attempt(format('UPDATE usom.sales_order SET status = ''cancelled'' WHERE order_no = %L', o)) FROM pick('MIXED-:who', 'confirmed', 'submitted') o;
SQL
cat >"$work/release" <<'SQL'
\set n random(1, 4)
SELECT buy('RELEASE', :n);
SELECT attempt(format('SELECT usom.release_order(%L)', o)) FROM pick('RELEASE', 'confirmed') o;
SELECT attempt(format('SELECT usom.cancel_order(%L, ''load'')', o)) FROM pick('RELEASE', 'confirmed', 'processing') o;
SQL
pgbench -n -c 16 -j 2 -T "$seconds" --random-seed="$seed" -f "$work/mixed@8" -f "$work/plain@1" -f "$work/release@2" "$database" >"$work/report" 2>"$work/error"
judge 'mixed: pgbench ends well' "$? $(grep -c ERROR "$work/error")" '0 0'
grep -m 3 -A 2 ERROR "$work/error"
judge 'every look found the exposures right' "$(ask 'SELECT sum(wrong) FROM looked')" 0
judge 'there were looks' "$(ask 'SELECT count(*) > 5 FROM looked')" t
judge 'no exposure is above its limit' "$(ask 'SELECT count(*) FROM usom.credit WHERE exposure > limit_amount')" 0
ask 'CALL usom.tick()' >/dev/null
judge 'whoever fits goes on, at the latest with the tick' "$(ask 'SELECT count(*) FROM usom.credit_use c JOIN usom.credit_account a USING (org_id, credit_account_id)
	WHERE c.held_at IS NOT NULL AND a.exposure + c.wanted - c.amount <= a.limit_amount')" 0
judge 'nothing is wrong' "$(ask 'SELECT count(*) FROM usom.verify()')" 0
sed -n 's/^tps = \([0-9.]*\).*/\1 calls a second/p' "$work/report"

psql -X -q -d postgres -c "DROP DATABASE $database"
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
