#!/bin/sh
# Batches of documents: the Online Retail year as history, and as many orders
# to be placed; how many documents a second each step takes, and that what
# stands is what was brought.  The server is named by PGHOST, PGPORT, PGUSER.
#
# usage: bench/loading.sh
#
# BENCH_UNTIL      documents of the year before this day: 2011-12-10, all of them
# BENCH_CHUNK      documents of a chunk: 500
set -eu
here=$(cd "$(dirname "$0")" && pwd -P)
data=$here/../demo/data/online_retail.csv.xz
until=${BENCH_UNTIL:-2011-12-10}
chunk=${BENCH_CHUNK:-500}
database=usom_bench_loading

ask() { psql -X -q -At -v ON_ERROR_STOP=1 -d $database "$@"; }

psql -X -q -d postgres -c "DROP DATABASE IF EXISTS $database" -c "CREATE DATABASE $database" 2>/dev/null
ask -c 'CREATE EXTENSION usom' -c 'SELECT count(*) FROM usom.install()' >/dev/null
ask -c 'CREATE TABLE source (invoice_no text COLLATE "C", stock_code text, description text, quantity integer, at timestamp, unit_price numeric, customer text, country text)'
xz -dc "$data" | ask -c '\copy source FROM pstdin WITH (FORMAT csv, HEADER)'

# Documents that sell something; a code that does not begin with five digits is a service.
ask -v until="$until" <<'SQL'
SET timezone = 'Europe/London';
SET client_min_messages = warning;
DELETE FROM source WHERE invoice_no !~ '^[0-9]' OR quantity <= 0 OR unit_price < 0 OR at >= :'until';
INSERT INTO usom.location (code) VALUES ('MAIN');
INSERT INTO usom.product (sku, kind) SELECT DISTINCT upper(stock_code), CASE WHEN stock_code ~ '^[0-9]{5}' THEN 'physical' ELSE 'service' END FROM source;
INSERT INTO usom.customer (code) SELECT DISTINCT customer FROM source WHERE customer <> '';
ANALYZE source;
CREATE TABLE document AS
SELECT invoice_no, min(at) AS at, jsonb_build_object('channel', 'web', 'currency', 'GBP', 'customer', nullif(min(customer), ''), 'placed_at', min(at)::timestamptz,
	'lines', jsonb_agg(jsonb_build_object('sku', upper(stock_code), 'quantity', quantity, 'unit_price', unit_price))) AS document
FROM source GROUP BY invoice_no;
SQL

# What a command takes, in seconds of the wall clock.
timed() {
	began=$(date +%s.%N)
	"$@"
	took=$(echo "$began $(date +%s.%N)" | awk '{ printf "%.3f", $2 - $1 }')
}
tell() { printf '%-44s %8.1f s %8.0f documents/s\n' "$1" "$took" "$(echo "$documents $took" | awk '{ print $1 / $2 }')"; }

documents=$(ask -c 'SELECT count(*) FROM document')
printf '%s documents, %s lines\n' "$documents" "$(ask -c "SELECT sum(jsonb_array_length(document -> 'lines')) FROM document")"

brought() {
	ask -c "COPY (SELECT 'history', document || jsonb_build_object('order_no', 'OR-' || invoice_no, 'status', 'delivered', 'shipments', jsonb_build_array(jsonb_build_object(
		'location', 'MAIN', 'shipped_at', (at + interval '1 day')::timestamptz, 'delivered_at', (at + interval '3 days')::timestamptz))) FROM document ORDER BY at, invoice_no) TO STDOUT" |
		ask -c 'COPY usom.load_document (batch, document) FROM STDIN'
}
timed brought; tell 'brought by COPY'
timed ask -c 'SET client_min_messages = warning' -c "CALL usom.load_history('history', $chunk)"; tell 'migrated by load_history()'
ask -F ' ' -c "SELECT coalesce(status, 'all'), measure, brought, stands, ok FROM usom.verify_load('history')"
wrong=$(ask -c "SELECT count(*) FROM usom.verify_load('history') WHERE NOT ok")
total=$(ask -c "SELECT (SELECT sum(quantity * unit_price) FROM source) = (SELECT sum(total) FROM usom.sales_order)")
printf 'what stands is what was brought: %s; totals are those of the file: %s\n' "$([ "$wrong" = 0 ] && echo yes || echo no)" "$total"

placed() {
	ask -c "COPY (SELECT 'orders', document || jsonb_build_object('external_id', invoice_no) FROM document ORDER BY at, invoice_no) TO STDOUT" |
		ask -c 'COPY usom.load_document (batch, document) FROM STDIN'
}
timed placed; tell 'brought by COPY'
timed ask -c 'SET client_min_messages = warning' -c "CALL usom.load_orders('orders', $chunk)"; tell 'placed by load_orders()'
ask -F ' ' -c "SELECT batch, documents, placed, migrated, rejected FROM usom.load_batches ORDER BY 1"
timed ask -c 'SELECT count(*) FROM usom.verify()'; tell 'verify()'
[ "$wrong" = 0 ] && [ "$total" = t ]
