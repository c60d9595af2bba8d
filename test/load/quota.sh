#!/bin/sh
# Quotas and pre-orders under load, with exact results: sixty orders for a
# ceiling of fifty; shops and a web shop over what is kept for the shops;
# pre-orders to the last unit sold, converted while later orders come in.
#
# LOAD_SECONDS  of the mixed part, 6
set -u
database=usom_quota
seconds=${LOAD_SECONDS:-6}
. "$(dirname "$0")/lib.sh"

reserved() { ask "SELECT trim_scale(coalesce(sum(l.quantity_reserved), 0)) FROM usom.order_lines l JOIN usom.orders o ON o.order_no = l.order_no WHERE l.sku = '$1' $2"; }

begin <<'SQL'
INSERT INTO usom.product (sku) VALUES ('CEILING'), ('KEPT'), ('GAME'), ('MIXED');
INSERT INTO usom.location (code) VALUES ('A');
SELECT usom.receive_stock('A', 'CEILING', 1000), usom.receive_stock('A', 'KEPT', 100), usom.receive_stock('A', 'GAME', 60), usom.receive_stock('A', 'MIXED', 1000);
INSERT INTO usom.quota (code, sku, channel, quantity) VALUES ('ceiling', 'CEILING', 'web', 50), ('mixed', 'MIXED', 'web', 40);
INSERT INTO usom.quota (code, meaning, sku, channel, quantity) VALUES ('kept', 'protection', 'KEPT', 'pos', 70);
INSERT INTO usom.pre_order_offer (sku, opens_at, release_at, quantity, when_full) VALUES ('GAME', now() - interval '1 day', now() + interval '1 year', 50, 'wait');
CREATE FUNCTION buy(channel text, sku text, quantity numeric) RETURNS text LANGUAGE sql AS $$
	SELECT order_no FROM usom.place_order(jsonb_build_object('channel', channel, 'lines', jsonb_build_array(jsonb_build_object('sku', sku, 'quantity', quantity, 'unit_price', 1))))
$$;
SQL

load 'sixty for fifty' 60 -t 1 <<'SQL'
SELECT buy('web', 'CEILING', 1);
SQL
judge 'sixty for fifty' "$(reserved CEILING '')" 50
judge 'the quota has counted them' "$(ask "SELECT used FROM usom.quotas WHERE quota = 'ceiling'")" 50

# The web shop has the thirty that are not kept, whatever comes first; the shops have the rest.
load 'the web shop first' 40 -t 1 <<'SQL'
SELECT buy('web', 'KEPT', 1);
SQL
judge 'the web shop has what is not kept' "$(reserved KEPT '')" 30
load 'both' 80 -t 1 <<'SQL'
SELECT buy(CASE WHEN :client_id % 8 = 0 THEN 'web' ELSE 'pos' END, 'KEPT', 1);
SQL
judge 'still no more' "$(reserved KEPT "AND o.channel = 'web'")" 30
judge 'the shops have what is theirs' "$(reserved KEPT "AND o.channel = 'pos'")" 70

# Fifty are sold before the release, sixty want some.  Then it is released, and converted while others order.
load 'pre-orders' 60 -t 1 <<'SQL'
SELECT buy('web', 'GAME', 1);
SQL
judge 'nobody has one' "$(reserved GAME '')" 0
judge 'fifty are sold' "$(ask "SELECT used || ' ' || waiting FROM usom.pre_orders")" '50 50'
ask "UPDATE usom.pre_order_offer SET release_at = now() - interval '1 second'" >/dev/null
load 'the release' 30 -t 1 <<'SQL'
SELECT CASE WHEN :client_id % 3 = 0 THEN (SELECT count(*)::text FROM usom.convert_pre_orders('GAME')) ELSE buy('pos', 'GAME', 1) END;
SQL
ask "SELECT count(*) FROM usom.convert_pre_orders('GAME')" >/dev/null
judge 'those who ordered before it have theirs' "$(ask "SELECT waiting || ' ' || (ended_at IS NOT NULL) FROM usom.pre_orders")" '0 true'
judge 'and the rest is sold' "$(ask 'SELECT count(*) FROM usom.fill_backorders()' >/dev/null; reserved GAME '')" 60

# Orders, changes, cancellations and fills at once: never above the ceiling, and what is used is what lines have.
load 'mixed' 12 -T "$seconds" <<'SQL'
\set n random(1, 4)
\set dice random(1, 10)
SELECT CASE WHEN :dice <= 5 THEN buy('web', 'MIXED', :n)
	WHEN :dice <= 8 THEN (SELECT max(c.status) FROM (SELECT o.order_no FROM usom.sales_order o WHERE o.status = 'confirmed' AND o.placed_at > now() - interval '5 seconds'
		ORDER BY random() LIMIT 1) o, LATERAL usom.cancel_order(o.order_no, 'load') c)
	ELSE (SELECT count(*)::text FROM usom.fill_backorders('MIXED')) END;
SQL
judge 'never above the ceiling' "$(ask "SELECT used <= 40 FROM usom.quotas WHERE quota = 'mixed'")" t
ask "SELECT count(*) FROM usom.fill_backorders('MIXED')" >/dev/null
judge 'what is used is what lines have' "$(ask "SELECT used FROM usom.quotas WHERE quota = 'mixed'")" "$(reserved MIXED '')"
judge 'nothing is wrong' "$(wrong)" 0

finish
