#!/bin/sh
# Backorders under load: a handful of products that everybody wants, orders
# placed and cancelled, stock received and filled, and runs of three variants
# over the same products, several at once.  No error, no deadlock; afterwards
# nothing is given twice, every kept value is right, what each run recorded
# adds up, and once all is filled no unit is free while a line waits, and
# neither a fill nor a run finds anything to do.
#
# LOAD_SECONDS  of the load, 10
set -u
database=usom_backorders
seconds=${LOAD_SECONDS:-10}
. "$(dirname "$0")/lib.sh"

begin <<'SQL'
INSERT INTO usom.location (code, priority) VALUES ('A', 1), ('B', 2);
INSERT INTO usom.product (sku) SELECT 'P' || n FROM generate_series(1, 4) n;
INSERT INTO usom.backorder_variant (code) VALUES ('share'), ('favour'), ('give');
INSERT INTO usom.backorder_segment (variant, rank, strategy, priority_from, priority_to) VALUES
	('share', 1, 'redistribute', NULL, NULL), ('favour', 1, 'gain', 1, 3), ('favour', 2, 'redistribute', NULL, NULL), ('give', 1, 'improve', 1, 2), ('give', 2, 'fill', 3, 6), ('give', 3, 'lose', 9, 9);
INSERT INTO usom.backorder_sort (variant, segment_rank, rank, expression, direction) VALUES ('share', 1, 1, 'priority', 'desc'), ('favour', 2, 1, 'value', 'desc');
SELECT usom.place_order(format('{"priority": %s, "lines": [{"sku": "P%s", "quantity": 3}]}', 1 + n % 9, 1 + n % 4)::jsonb) FROM generate_series(1, 60) n;
-- what somebody else has ended meanwhile is no error
CREATE FUNCTION attempt(command text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE command;
EXCEPTION WHEN SQLSTATE 'US101' OR SQLSTATE 'US105' THEN
	NULL;
END $$;
CREATE FUNCTION some_order() RETURNS text LANGUAGE sql AS $$
	SELECT coalesce((SELECT order_no FROM usom.orders WHERE status = 'confirmed' ORDER BY random() LIMIT 1), 'none')
$$;
SQL

script place <<'SQL'
\set p random(1, 4)
\set q random(1, 6)
\set r random(1, 9)
SELECT count(*) FROM usom.place_order(format('{"priority": %s, "lines": [{"sku": "P%s", "quantity": %s, "partial": %s}, {"sku": "P%s", "quantity": 1}]}', :r, :p, :q, CASE WHEN :r = 8 THEN 'false' ELSE 'true' END, 1 + (:p + :r) % 4)::jsonb);
SQL
script receive <<'SQL'
\set p random(1, 4)
\set q random(1, 4)
SELECT count(*) FROM usom.receive_stock(CASE WHEN :q > 2 THEN 'A' ELSE 'B' END, 'P' || :p, :q);
SQL
script fill <<'SQL'
\set p random(1, 4)
SELECT count(*) FROM usom.fill_backorders('P' || :p);
SQL
script fill_all <<'SQL'
SELECT count(*) FROM usom.fill_backorders();
SQL
script cancel <<'SQL'
SELECT attempt(format('SELECT usom.cancel_order(%L, ''load'')', some_order()));
SQL
script cancel_line <<'SQL'
SELECT attempt(format('SELECT usom.cancel_line(%L, 1, (SELECT least(1, quantity_reserved + quantity_backordered) FROM usom.order_lines WHERE order_no = %1$L AND line_no = 1 AND quantity_reserved + quantity_backordered > 0), ''load'')', o))
FROM (SELECT l.order_no AS o FROM usom.order_lines l JOIN usom.orders o ON o.order_no = l.order_no WHERE o.status = 'confirmed' AND l.line_no = 1 AND l.quantity_reserved + l.quantity_backordered > 1 ORDER BY random() LIMIT 1) o;
SQL
script share <<'SQL'
SELECT count(*) FROM usom.backorder_run('share');
SQL
script favour <<'SQL'
SELECT count(*) FROM usom.backorder_run('favour');
SQL
script give <<'SQL'
SELECT count(*) FROM usom.backorder_run('give');
SQL
mix 'backorders' 10 "$seconds" place@8 receive@6 fill@3 fill_all@1 cancel@3 cancel_line@2 share@2 favour@2 give@1

judge 'nothing is wrong' "$(wrong)" 0
judge 'what came is on the shelf, and what is not free is of one order each' "$(ask "SELECT string_agg(s.sku, ' ') FROM (
	SELECT sku, sum(on_hand) AS on_hand, sum(reserved) AS reserved FROM usom.stock_position GROUP BY sku) s
	WHERE s.on_hand <> (SELECT sum(m.delta) FROM usom.stock_movement m JOIN usom.product p USING (org_id, product_id) WHERE p.sku = s.sku)
	OR s.reserved <> (SELECT sum(l.quantity_reserved) FROM usom.order_lines l WHERE l.sku = s.sku)")" ''
judge 'no run gives a line more than it wants' "$(ask 'SELECT count(*) FROM usom.backorder_change WHERE quantity_after > quantity_wanted OR quantity_after = quantity_before AND promised_after IS NULL')" 0
judge 'a change is an event, and is told once' "$(ask "SELECT count(*) FROM (
	SELECT r.run_no, c.sales_order_id, c.line_no FROM usom.backorder_change c JOIN usom.backorder_run r USING (org_id, backorder_run_id)
	EXCEPT ALL SELECT e.payload->>'run_no', e.sales_order_id, (e.payload->>'line_no')::integer FROM usom.event e WHERE e.payload ? 'run_no') d")" 0
judge 'events of an order have no gaps' "$(ask 'SELECT count(*) FROM (SELECT order_no FROM usom.events WHERE order_no IS NOT NULL GROUP BY 1 HAVING max(event_no) <> count(*)) e')" 0
judge 'runs changed lines' "$(ask 'SELECT bool_and(n > 0) AND count(*) >= 2 FROM (SELECT variant, sum(lines_changed) AS n FROM usom.backorder_run GROUP BY 1) r')" t

# Quiet now.
ask 'SELECT count(*) FROM usom.fill_backorders()' >/dev/null
judge 'no unit is free while a line that may be cut waits' "$(ask "SELECT count(*) FROM usom.stock_position s WHERE s.available > 0
	AND EXISTS (SELECT FROM usom.backorders b JOIN usom.order_lines l USING (order_no, line_no) WHERE b.sku = s.sku AND l.partial)")" 0
judge 'a second fill finds nothing' "$(ask 'SELECT count(*) FROM usom.fill_backorders()')" 0
ask "SELECT count(*) FROM usom.backorder_run('share')" >/dev/null
judge 'a second run finds nothing' "$(ask "SELECT lines_changed FROM usom.backorder_run('share')")" 0
judge 'still nothing is wrong' "$(wrong)" 0
finish
