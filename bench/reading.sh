#!/bin/sh
# What reading costs over a long history: each question put to a small and a
# large database by turns, as a role that row security holds for; the ratio of
# the times, and whether its plan reads a table that grows from end to end.
#
# usage: bench/reading.sh SMALL LARGE ORDERS     databases as history.sh makes them
#
# BENCH_ROUNDS     rounds: 5
# BENCH_CHECK      set: fail when a budget is missed
set -eu
here=$(cd "$(dirname "$0")" && pwd -P)
. "$here/budget.sh"
small=$1
large=$2
orders=$3
rounds=${BENCH_ROUNDS:-5}

home=$(mktemp -d "${TMPDIR:-/tmp}/usom_bench.XXXXXX")
trap 'rm -rf "$home"' EXIT
trap 'exit 130' INT TERM

psql -X -q -d postgres -c "DO \$\$ BEGIN IF to_regrole('usom_bench_reader') IS NULL THEN CREATE ROLE usom_bench_reader; END IF; END \$\$"
for database in $small $large; do
	psql -X -q -v ON_ERROR_STOP=1 -d "$database" -o /dev/null <<'SQL'
SET client_min_messages = warning;
SELECT usom.grant_access('usom_bench_reader', 'manager', 'main');
GRANT USAGE ON SCHEMA bench TO usom_bench_reader;
DROP TABLE IF EXISTS bench.sample;
SELECT min(sales_order_id) AS least, max(sales_order_id) AS most FROM usom.sales_order WHERE external_id LIKE 'H%' \gset
CREATE TABLE bench.sample AS SELECT n, o.order_no, o.customer
FROM generate_series(1, 1000) AS n CROSS JOIN LATERAL (
	SELECT s.order_no, c.code AS customer FROM usom.sales_order AS s JOIN usom.customer AS c USING (org_id, customer_id)
	WHERE s.org_id = usom.current_org() AND s.external_id LIKE 'H%' AND s.sales_order_id >= :least + (:most - :least) / 1000 * (n - 1) ORDER BY s.org_id, s.sales_order_id LIMIT 1) AS o;
ALTER TABLE bench.sample ADD PRIMARY KEY (n);
ANALYZE bench.sample;
GRANT SELECT ON bench.sample TO usom_bench_reader;
SQL
done

# Questions; :n is a number from 1 to 1000.
cat >"$home/questions" <<'SQL'
order by number|SELECT * FROM usom.orders WHERE order_no = (SELECT s.order_no FROM bench.sample s WHERE s.n = :n)
lines of an order|SELECT * FROM usom.order_lines WHERE order_no = (SELECT s.order_no FROM bench.sample s WHERE s.n = :n)
pieces of an order|SELECT * FROM usom.order_pieces WHERE order_no = (SELECT s.order_no FROM bench.sample s WHERE s.n = :n)
shipments of an order|SELECT * FROM usom.shipments WHERE order_no = (SELECT s.order_no FROM bench.sample s WHERE s.n = :n)
timeline of an order|SELECT * FROM usom.order_timeline((SELECT s.order_no FROM bench.sample s WHERE s.n = :n))
orders of a customer|SELECT * FROM usom.orders WHERE customer = (SELECT s.customer FROM bench.sample s WHERE s.n = :n) ORDER BY placed_at DESC
orders of a regular|SELECT * FROM usom.orders WHERE customer = 'REGULAR' ORDER BY placed_at DESC
backorders of a product|SELECT * FROM usom.backorders WHERE sku = 'SCARCE'
stock position|SELECT * FROM usom.stock_position WHERE sku = 'P' || :n
available|SELECT usom.available('P' || :n)
open orders, newest 50|SELECT * FROM usom.orders WHERE status = 'confirmed' ORDER BY placed_at DESC LIMIT 50
orders of a day, newest 50|SELECT * FROM usom.orders WHERE placed_at >= now() - interval '1 day' ORDER BY placed_at DESC LIMIT 50
order as of now|SELECT usom.order_as_of('SO-000001', now())
SQL

number=0
while IFS='|' read -r name question; do
	number=$((number + 1))
	printf '\\set n random(1, 1000)\n%s;\n' "$question" >"$home/$number.sql"
	plain=$(psql -X -q -At -d "$large" -c 'SET ROLE usom_bench_reader' -c "EXPLAIN $(echo "$question" | sed 's/:n/7/g')" |
		grep -Eo 'Seq Scan on (sales_order|order_line|fulfillment_line|order_history|shipment|stock_movement|_?audit_entry[0-9_]*|event) ' | sort -u | sed 's/Seq Scan on //' | tr '\n' ' ')
	for database in $small $large; do
		PGOPTIONS='-c role=usom_bench_reader' pgbench -n -M prepared -t 10 -f "$home/$number.sql" "$database" >/dev/null 2>&1
	done
	round=0
	while [ $round -lt "$rounds" ]; do
		for database in $small $large; do
			PGOPTIONS='-c role=usom_bench_reader' pgbench -n -M prepared -t 40 -f "$home/$number.sql" "$database" 2>"$home/error" |
				sed -n 's/^latency average = \([0-9.]*\) ms.*/\1/p' | tr '\n' ' ' >>"$home/times.$number"
		done
		echo >>"$home/times.$number"
		round=$((round + 1))
	done
	awk 'NF == 2 { print $2 / $1, $1, $2 }' "$home/times.$number" | sort -n |
		awk -v name="$name" -v plain="$plain" '{ r[NR] = $1; a[NR] = $2; b[NR] = $3 } END {
			m = int((NR + 1) / 2)
			if (NR == 0) { printf "%-28s could not be asked\n", name; exit }
			printf "%-28s%9.3f ms%9.3f ms%8.2f times%s\n", name, a[m], b[m], r[m], plain == "" ? "" : "   reads all of " plain }'
	awk 'NF == 2 { print $2 / $1 }' "$home/times.$number" | sort -n | awk -v name="$name" '{ r[NR] = $1 } END { printf "%s|%s\n", name, NR ? sprintf("%.2f", r[int((NR + 1) / 2)]) : "-" }' >>"$home/ratios"
done <"$home/questions"
millions=$(awk -v n="$orders" 'BEGIN { printf "%g", n / 1e6 }')
while IFS='|' read -r name ratio; do
	case $name in
	'orders of a customer' | 'orders of a regular') budget "$name over $millions million orders to 10 thousand" 1.5 "$ratio" le ;;
	'order by number' | 'backorders of a product' | 'stock position' | 'open orders, newest 50' | 'orders of a day, newest 50') budget "$name over $millions million orders to 10 thousand" 1.5 "$ratio" le ;;
	esac
done <"$home/ratios"
budgets_kept
