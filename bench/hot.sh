#!/bin/sh
# One product that everybody wants: orders of one unit of it, beside orders of
# as many clients of which each has a product of its own.  The wanted product
# has its stock in one row, or in 8, 32 or 64 stripes.  All ways take turns;
# after them it is counted that each product has lost what its orders got.
# Then stock is sold out by 64 clients, to the last unit and no further.
#
# usage: bench/hot.sh          the server that PGHOST and PGPORT name
#
# BENCH_SECONDS    seconds of load of all: 120
# BENCH_CLIENTS    clients: 4 16 64
# BENCH_ROUNDS     rounds, every way once in each: 3
# BENCH_STRIPES    stripes: 8 32 64
# BENCH_UNITS      units that are sold out: 6000
# BENCH_FSYNC      on: commits reach the disk meanwhile, as they do in earnest; off, as the private server has it
# BENCH_BUDGETS    file that the budgets are appended to
set -eu
here=$(cd "$(dirname "$0")" && pwd -P)
. "$here/budget.sh"
. "$here/hot_lib.sh"

clients=${BENCH_CLIENTS:-4 16 64}
rounds=${BENCH_ROUNDS:-3}
stripes=${BENCH_STRIPES:-8 32 64}
units=${BENCH_UNITS:-6000}
database=usom_bench_hot
ways="own 1 $stripes"
runs=$(($(echo "$ways" | wc -w) * $(echo "$clients" | wc -w) * rounds))
seconds=$(((${BENCH_SECONDS:-120} + runs / 2) / runs))
[ "$seconds" -gt 0 ] || seconds=1

hot_begin
hot_database <<SQL
INSERT INTO usom.product (sku) SELECT 'OWN' || n FROM generate_series(0, 63) n
UNION ALL SELECT 'HOT' || n FROM unnest(string_to_array('1 $stripes', ' ')) n UNION ALL VALUES ('LAST');
SELECT count(*) FROM usom.receive_stocks((SELECT jsonb_agg(jsonb_build_object('location', 'W', 'sku', sku, 'quantity', CASE sku WHEN 'LAST' THEN $units ELSE 100000000 END)) FROM usom.product));
SELECT usom.set_stock_stripes('HOT' || n, 'W', n::integer) FROM unnest(string_to_array('$stripes', ' ')) n;
SELECT usom.set_stock_stripes('LAST', 'W', 64);
SQL
echo "one product that everybody wants, orders of one unit: $seconds s a run, $rounds rounds, fsync $(ask -c 'SHOW fsync')"
for way in $ways; do
	[ "$way" = own ] && sku=OWN:client_id || sku=HOT$way
	hot_script "$sku" >"$home/$way.sql"
done
hot_script LAST >"$home/last.sql"

hot_rounds

# What is reserved of each product: in the stock, of the pieces of orders, and as the clients counted their answers.
hot_table
ask -F ' ' -c "SELECT CASE WHEN p.sku LIKE 'OWN%' THEN 'own' ELSE substr(p.sku, 4) END, sum(l.quantity)
	FROM usom.fulfillment_line l JOIN usom.product p USING (org_id, product_id) WHERE l.status = 'reserved' GROUP BY 1 ORDER BY 1" >"$home/pieces"
differ=$(awk 'FILENAME ~ /calls$/ { calls[$1] += $2; next } { pieces[$1] = $2 }
	END { for (w in calls) if (calls[w] != pieces[w] + 0) printf "%s: %d orders, %d units; ", w, calls[w], pieces[w] }' "$home/calls" "$home/pieces")
[ -z "$differ" ] || { echo "orders and units differ: $differ" && exit 1; }
echo "$(awk '{ n += $2 } END { print n }' "$home/calls") orders have the units that they were told"

# One more wants each unit than there are; a tenth comes too late.
each=$((units * 11 / 10 / 64 + 1))
hot_run last 64 -t $each
sold=$(ask -c "SELECT trim_scale(coalesce(sum(quantity_reserved), 0)) FROM usom.order_lines WHERE sku = 'LAST'")
echo "sold out at 64 clients: $sold of $units units to $((each * 64)) orders of one"
[ "$sold" = "$units" ] && [ "$(ask -c "SELECT trim_scale(available) FROM usom.stock_position WHERE sku = 'LAST'")" = 0 ] || { echo 'not every unit was sold once' && exit 1; }
[ "$(ask -c 'SELECT count(*) FROM usom.verify_stock()')" = 0 ] || { ask -c 'SELECT * FROM usom.verify_stock() LIMIT 5' && exit 1; }
hot_no_deadlock

best=$(echo "$stripes" | awk '{ print $NF }')
budget "hot product, $best stripes, at 16 clients, of uncontended" 0.7 "$(hot_ratio "$best" 16)" ge
budget "hot product, $best stripes, at 64 clients, of uncontended" 0.4 "$(hot_ratio "$best" 64)" ge
psql -X -q -d postgres -c "DROP DATABASE $database"
budgets_kept
