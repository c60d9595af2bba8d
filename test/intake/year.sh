#!/bin/sh
# The Online Retail year as messages: every document is sent twice, in shuffled
# order, by eight sessions at once, read by a mapping.  Each becomes one order,
# with the totals of the file.  Ends with "N passed, N failed".
#
# usage: test/intake/year.sh            the server that PGHOST and PGPORT name
#
# YEAR_DOCUMENTS  so many documents, the first of the year: 2000; 0: all of them
# LOAD_SEED       seed of the shuffling, printed
set -u
top=$(cd "$(dirname "$0")/../.." && pwd)
database=usom_year
documents=${YEAR_DOCUMENTS:-2000}
. "$top/test/load/lib.sh"

begin <<SQL
SET client_min_messages = warning;
CREATE TABLE line (n integer GENERATED ALWAYS AS IDENTITY, invoice text, sku text, name text, quantity numeric, at timestamp, price numeric, customer text, country text);
\copy line (invoice, sku, name, quantity, at, price, customer, country) FROM PROGRAM 'xz -dc "$top/demo/data/online_retail.csv.xz"' WITH (FORMAT csv, HEADER)
UPDATE line SET sku = upper(sku) WHERE sku <> upper(sku);
CREATE TABLE document AS
SELECT invoice AS id, row_number() OVER (ORDER BY invoice) AS number, jsonb_strip_nulls(jsonb_build_object('invoice', invoice, 'buyer', min(customer), 'at', to_char(min(at), 'DD/MM/YYYY HH24:MI'),
	'rows', jsonb_agg(jsonb_build_object('code', sku, 'pieces', quantity::text, 'each', price) ORDER BY n))) AS payload
FROM line WHERE invoice ~ '^[0-9]+\$' GROUP BY invoice HAVING min(quantity) > 0 AND min(price) >= 0;
DELETE FROM document WHERE $documents > 0 AND number > $documents;
DELETE FROM line WHERE NOT EXISTS (SELECT FROM document d WHERE d.id = invoice);
INSERT INTO usom.location (code) VALUES ('MAIN');
INSERT INTO usom.product (sku) SELECT DISTINCT sku FROM line;
INSERT INTO usom.customer (code) SELECT DISTINCT customer FROM line WHERE customer IS NOT NULL;
SELECT count(*) FROM (SELECT sku, sum(quantity) AS quantity FROM line GROUP BY sku) l, LATERAL usom.receive_stock('MAIN', l.sku, l.quantity);
INSERT INTO usom.mapping (code, channel, applies, lines) VALUES ('shop', 'web', 'exists (\$.invoice)', '\$.rows[*]');
INSERT INTO usom.mapping_field (mapping_id, target, source, transforms, argument, fallback, required)
SELECT usom.mapping_id('shop'), f.target, f.source::jsonpath, f.transforms, f.argument, f.fallback, f.required FROM (VALUES
	('external_id', '\$.invoice', ARRAY['trim'], '{}'::jsonb, NULL::jsonb, true), ('customer', '\$.buyer', '{}', '{}', NULL, false),
	('currency', NULL, '{}', '{}', '"GBP"', false),
	('placed_at', '\$.at', ARRAY['date'], '{"date": "DD/MM/YYYY HH24:MI", "zone": "Europe/London"}', NULL, false), ('lines[].sku', '\$.code', ARRAY['trim'], '{}', NULL, true),
	('lines[].quantity', '\$.pieces', ARRAY['number'], '{}', NULL, true), ('lines[].unit_price', '\$.each', ARRAY['number'], '{}', NULL, true)) f (target, source, transforms, argument, fallback, required);
SELECT setseed(($seed % 1000) / 1000.0);
CREATE TABLE post AS SELECT row_number() OVER (ORDER BY random()) AS place, d.id, d.payload FROM document d, generate_series(1, 2);
ALTER TABLE post ADD PRIMARY KEY (place);
CREATE SEQUENCE turn;
CREATE TABLE answer (id text, status text, outcome text, order_no text);
ANALYZE;
SQL

sent=$(ask 'SELECT count(*) FROM post')
from=$(date +%s)
load 'eight sessions' 8 -t $(((sent + 7) / 8)) <<'SQL'
INSERT INTO answer SELECT p.id, i.status, i.outcome, i.order_no FROM (SELECT nextval('turn') AS place) t JOIN post p USING (place), LATERAL usom.ingest('web', p.payload) i;
SQL
echo "$sent messages of $((sent / 2)) documents in $(($(date +%s) - from)) s"

judge 'each was sent' "$(ask 'SELECT count(*) FROM answer')" "$sent"
judge 'each was answered with an order' "$(ask "SELECT count(*) FROM answer WHERE status <> 'processed' OR order_no IS NULL")" 0
judge 'twice with the same one' "$(ask 'SELECT count(*) FROM (SELECT id FROM answer GROUP BY id HAVING count(*) <> 2 OR count(DISTINCT order_no) <> 1) x')" 0
judge 'a document is an order' "$(ask 'SELECT concat_ws($$ $$, count(*), count(DISTINCT external_id)) FROM usom.orders')" "$((sent / 2)) $((sent / 2))"
judge 'and a message' "$(ask "SELECT count(*) FROM usom.inbox WHERE outcome = 'placed'")" "$((sent / 2))"
judge 'lines, units and amounts are those of the file' \
	"$(ask 'SELECT count(*), trim_scale(sum(quantity)), trim_scale(sum(total)) FROM usom.order_lines')" \
	"$(ask 'SELECT count(*), trim_scale(sum(quantity)), trim_scale(sum(quantity * price)) FROM line')"
judge 'document by document' "$(ask 'SELECT count(*) FROM (SELECT invoice, sum(quantity * price) AS total, count(*) AS lines, min(customer) AS customer, min(at) AS at FROM line GROUP BY 1) d
	LEFT JOIN usom.orders o ON o.external_id = d.invoice
	WHERE o.total IS DISTINCT FROM d.total OR o.customer IS DISTINCT FROM d.customer OR o.placed_at IS DISTINCT FROM d.at AT TIME ZONE $$Europe/London$$
		OR d.lines <> (SELECT count(*) FROM usom.order_lines l WHERE l.order_no = o.order_no)')" 0
judge 'every unit is reserved once' "$(ask 'SELECT trim_scale(sum(reserved)) FROM usom.stock_position')" "$(ask 'SELECT trim_scale(sum(quantity)) FROM line')"
judge 'as documents they are repeated' "$(ask "SELECT count(*) FROM (SELECT jsonb_agg(m.document ORDER BY d.number) AS documents FROM document d, LATERAL usom.map_payload('web', d.payload) m GROUP BY d.number / 500) b,
	LATERAL usom.place_orders(b.documents) p WHERE p.outcome <> 'repeated'")" 0
judge 'verify() is empty' "$(wrong)" 0
finish
