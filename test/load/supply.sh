#!/bin/sh
# Supply under load: orders are placed, changed and cancelled while supply of
# their products is recorded, slips, shrinks, arrives and is cancelled, and
# stock is received and counted.  No error but those that a clerk may make, no
# deadlock; afterwards every kept value is right, nobody counts on more than
# comes, and once all is filled no unit is free while a line waits.
#
# LOAD_SECONDS  of the load, 8
set -u
database=usom_supply
seconds=${LOAD_SECONDS:-8}
. "$(dirname "$0")/lib.sh"

begin <<'SQL'
INSERT INTO usom.location (code) VALUES ('A'), ('B');
INSERT INTO usom.product (sku) SELECT 'P' || n FROM generate_series(1, 3) n;
SELECT usom.add_supply('purchase', 'A', 'P' || n, 5, now() + interval '1 week') FROM generate_series(1, 3) n;
-- what a clerk may do wrong when others are faster is no error of usom
CREATE FUNCTION attempt(command text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE command;
EXCEPTION WHEN SQLSTATE 'US204' OR SQLSTATE 'US105' OR SQLSTATE 'US206' OR SQLSTATE 'US101' OR SQLSTATE 'US201' OR SQLSTATE 'US603' OR SQLSTATE '22023' THEN
	NULL;
END $$;
CREATE FUNCTION some_supply() RETURNS text LANGUAGE sql AS $$SELECT quote_literal(coalesce((SELECT supply_no FROM usom.supplies WHERE status = 'expected' ORDER BY random() LIMIT 1), 'none'))$$;
CREATE FUNCTION some_order() RETURNS text LANGUAGE sql AS $$SELECT quote_literal(coalesce((SELECT order_no FROM usom.backorders ORDER BY random() LIMIT 1), 'none'))$$;
SQL

script place <<'SQL'
\set p random(1, 3)
\set q random(1, 6)
\set r random(1, 9)
SELECT count(*) FROM usom.place_order(format('{"priority": %s, "lines": [{"sku": "P%s", "quantity": %s, "partial": %s}, {"sku": "P%s", "quantity": 1}]}', :r, :p, :q, CASE WHEN :r > 7 THEN 'false' ELSE 'true' END, 1 + (:p + :r) % 3)::jsonb);
SQL
script add <<'SQL'
\set p random(1, 3)
\set q random(1, 15)
SELECT usom.add_supply('purchase', CASE WHEN :q > 5 THEN 'A' ELSE 'B' END, 'P' || :p, :q, now() + :q * interval '1 day');
SQL
script move <<'SQL'
\set q random(1, 15)
SELECT attempt(format('SELECT usom.change_supply(%s, %s, now() + interval ''%s days'')', some_supply(), :q, :q));
SQL
script receive <<'SQL'
\set q random(1, 5)
\set f random(0, 3)
SELECT attempt(format('SELECT usom.receive_supply(%s, %s, final => %L)', some_supply(), :q, :f = 0));
SQL
script fail <<'SQL'
SELECT attempt(format('SELECT usom.cancel_supply(%s, ''load'')', some_supply()));
SQL
script cancel <<'SQL'
SELECT attempt(format('SELECT usom.cancel_order(%s, ''load'')', some_order()));
SQL
script split <<'SQL'
\set q random(1, 3)
SELECT attempt(format('SELECT usom.split_backorder(%s, 1, ''{"rate": {"quantity": %s, "every": "1 week"}}'')', some_order(), :q));
SQL
script fill <<'SQL'
\set p random(1, 3)
SELECT count(*) FROM usom.receive_stock('A', 'P' || :p, 1);
SELECT count(*) FROM usom.fill_backorders('P' || :p);
SQL
script count <<'SQL'
\set p random(1, 3)
\set q random(0, 9)
SELECT attempt(format('SELECT usom.count_stock(''A'', ''P%s'', %s)', :p, :q));
SQL
mix 'supply' 10 "$seconds" place@6 add@2 move@3 receive@4 fail@1 cancel@2 split@1 fill@1 count@1
judge 'nothing is wrong' "$(wrong)" 0
judge 'nobody counts on more than comes' "$(ask "SELECT count(*) FROM usom.supplies WHERE free < 0 OR (status <> 'expected' AND pegged > 0)")" 0
judge 'who counts on supply has a date, and waits' "$(ask "SELECT count(*) FROM usom.order_pieces WHERE supply_no IS NOT NULL AND (promised_at IS NULL OR status <> 'backordered')")" 0
judge 'events of an order have no gaps' "$(ask 'SELECT count(*) FROM (SELECT order_no FROM usom.events WHERE order_no IS NOT NULL GROUP BY 1 HAVING max(event_no) <> count(*)) e')" 0
ask 'SELECT count(*) FROM usom.fill_backorders()' >/dev/null
judge 'no unit is free while a line that may be cut waits' "$(ask "SELECT count(*) FROM usom.stock_position s WHERE s.available > 0
	AND EXISTS (SELECT FROM usom.backorders b JOIN usom.order_lines l USING (order_no, line_no) WHERE b.sku = s.sku AND l.partial)")" 0
judge 'no supply is free while a line that may be cut counts on none' "$(ask "SELECT count(*) FROM usom.supplies s WHERE s.free > 0
	AND EXISTS (SELECT FROM usom.order_pieces p JOIN usom.order_lines l USING (order_no, line_no) WHERE p.sku = s.sku AND p.status = 'backordered' AND p.supply_no IS NULL AND l.partial)")" 0
judge 'something happened' "$(ask "SELECT count(*) FILTER (WHERE status = 'received') > 3 AND count(*) FILTER (WHERE status = 'cancelled') > 0 FROM usom.supplies")" t
finish
