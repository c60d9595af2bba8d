#!/bin/sh
# Products that everybody wants, their stock in stripes: 64 clients sell one
# to its last unit and no further, while its stripes are made more and fewer;
# then they order, cancel, ship, hold softly, count up and down, and order two
# of them in both orders, while somebody looks on.  What there is of a product
# is at any moment what its orders, its soft holds and its stripes say.
#
# LOAD_SECONDS  of the mixed part, 8
set -u
database=usom_hot
seconds=${LOAD_SECONDS:-8}
. "$(dirname "$0")/lib.sh"

# What is promised of a product at W, of the stock's own rows, is what pieces and stripes say.  Of one snapshot.
kept="SELECT count(*) FROM usom.stock s
	CROSS JOIN LATERAL (SELECT coalesce(sum(l.quantity), 0) AS units FROM usom.fulfillment_line l WHERE l.org_id = s.org_id AND l.product_id = s.product_id
		AND l.location_id = s.location_id AND l.status IN ('reserved', 'released', 'picked', 'packed')) p
	CROSS JOIN LATERAL (SELECT coalesce(sum(t.free), 0) AS units FROM usom.stock_stripe t WHERE t.org_id = s.org_id AND t.product_id = s.product_id AND t.location_id = s.location_id) f
	CROSS JOIN LATERAL (SELECT coalesce(sum(m.delta), 0) AS units FROM usom.stock_movement m WHERE m.org_id = s.org_id AND m.product_id = s.product_id AND m.location_id = s.location_id) m
	WHERE s.reserved <> p.units + f.units OR s.on_hand <> m.units OR s.reserved > s.on_hand"
deadlocks() { ask 'SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()'; }

begin <<'SQL'
INSERT INTO usom.product (sku) VALUES ('LAST'), ('HOT'), ('WARM'), ('COLD');
INSERT INTO usom.location (code, priority) VALUES ('W', 1), ('X', 2);
SELECT usom.receive_stock('W', 'LAST', 500), usom.receive_stock('W', 'HOT', 4000), usom.receive_stock('W', 'WARM', 4000), usom.receive_stock('W', 'COLD', 4000);
SELECT usom.set_stock_stripes('LAST', 'W', 16), usom.set_stock_stripes('HOT', 'W', 32), usom.set_stock_stripes('WARM', 'W', 8);
CREATE FUNCTION buy(VARIADIC lines text[]) RETURNS text LANGUAGE sql AS $$
	SELECT order_no FROM usom.place_order(jsonb_build_object('channel', 'web', 'lines', (
		SELECT jsonb_agg(jsonb_build_object('sku', split_part(line, ' ', 1), 'quantity', split_part(line, ' ', 2)::integer, 'unit_price', 1)) FROM unnest(lines) line)))
$$;
-- One of the latest orders, so that clients meet.
CREATE FUNCTION some_order() RETURNS text LANGUAGE sql AS $$
	SELECT c.prefix || lpad(greatest(1, s.last_value - floor(random() * 100)::bigint)::text, c.digits, '0')
	FROM usom.order_no_seq s, usom.document_counter c WHERE c.kind = 'order' AND c.org_id = usom.current_org()
$$;
CREATE UNLOGGED TABLE outcome (verb text, sqlstate text);
-- What usom refuses (class US) is an answer like another; of the rest pgbench tells.
CREATE FUNCTION attempt(verb text, call text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	state text := '00000';
BEGIN
	BEGIN
		EXECUTE call;
	EXCEPTION WHEN OTHERS THEN
		IF SQLSTATE NOT LIKE 'US%' THEN
			RAISE;
		END IF;
		state := SQLSTATE;
	END;
	INSERT INTO outcome VALUES (verb, state);
END
$$;
SQL

script last <<'SQL'
SELECT buy('LAST 1');
SQL
script last_stripes <<'SQL'
\set n random(0, 40)
SELECT usom.set_stock_stripes('LAST', 'W', :n);
SQL
judge 'the last units: pgbench ends well' "$(bench 64 -t 12 -f "$work/last@20" -f "$work/last_stripes@1")" '0 0'
judge 'every unit of 500 is sold, once' "$(ask "SELECT trim_scale(sum(quantity_reserved)) || ' ' || count(*) FILTER (WHERE quantity_reserved = 1) FROM usom.order_lines WHERE sku = 'LAST'")" '500 500'
judge 'others wait' "$(ask "SELECT count(*) > 0 AND count(*) = sum(quantity_backordered) FROM usom.order_lines WHERE sku = 'LAST' AND quantity_reserved = 0")" t
judge 'nothing is left in a stripe' "$(ask "SELECT coalesce(sum(free), 0) = 0 FROM usom.stock_stripe t JOIN usom.product p USING (org_id, product_id) WHERE p.sku = 'LAST'")" t
judge 'nothing is wrong' "$(wrong)" 0

script place <<'SQL'
\set n random(1, 3)
SELECT buy('HOT ' || :n);
SQL
script both <<'SQL'
\set n random(1, 2)
SELECT CASE :n WHEN 1 THEN buy('HOT 1', 'COLD 1', 'WARM 2') ELSE buy('WARM 1', 'COLD 1', 'HOT 2') END;
SQL
script cancel <<'SQL'
SELECT attempt('cancel', format('SELECT usom.cancel_order(%L, ''load'')', some_order()));
SQL
script ship <<'SQL'
SELECT some_order() AS no \gset
SELECT attempt('release', format('SELECT usom.release_order(%L)', ':no'));
SELECT attempt('ship', format('SELECT usom.ship(%L)', ':no'));
SQL
script hold <<'SQL'
\set n random(1, 20)
SELECT attempt('reserve', format('SELECT usom.reserve_stock(%L, ''W'', ''HOT'', %s, ''1 second'')', 'cart ' || :client_id, :n));
SQL
script unhold <<'SQL'
SELECT attempt('release soft hold', format('SELECT usom.release_stock(%s)', reservation_id)) FROM usom.reservation WHERE owner = 'cart ' || :client_id;
SQL
script adjust <<'SQL'
\set n random(-30, 30)
SELECT attempt('adjust', format('SELECT usom.adjust_stock(''W'', ''HOT'', %s, ''load'')', CASE :n WHEN 0 THEN 1 ELSE :n END));
SQL
script receive <<'SQL'
SELECT attempt('receive', 'SELECT usom.receive_stock(''W'', ''HOT'', 7)');
SQL
script fill <<'SQL'
SELECT attempt('fill', 'SELECT usom.fill_backorders(''HOT'')');
SQL
script stripes <<'SQL'
\set n random(0, 48)
SELECT attempt('stripes', format('SELECT usom.set_stock_stripes(%L, ''W'', %s)', CASE WHEN :n % 2 = 0 THEN 'HOT' ELSE 'WARM' END, :n));
SQL
{
	sleep 2
	n=0
	while [ $n -lt $((seconds * 2 - 4)) ]; do
		ask "$kept"
		sleep 0.5
		n=$((n + 1))
	done >"$work/looks"
	ask 'SELECT count(*) FROM usom.verify_stock()' >>"$work/looks"
} &
watch=$!
mix 'mixed' 64 "$seconds" place@30 both@12 cancel@8 ship@6 hold@4 unhold@2 adjust@3 receive@3 fill@1 stripes@1
wait $watch
judge 'at every moment stock, pieces, stripes and movements agree' "$(grep -vc '^0$' "$work/looks") of $(grep -c . "$work/looks" | sed 's/^[1-9][0-9]*$/some/')" '0 of some'
judge 'every verb was done' "$(ask "SELECT coalesce(string_agg(verb, ', '), '') FROM (SELECT verb FROM outcome GROUP BY verb HAVING count(*) FILTER (WHERE sqlstate = '00000') = 0) t")" ''
judge 'orders had units of stripes' "$(ask 'SELECT sum(takes) > 0 FROM usom.stock_stripe')" t
judge 'deadlocks' "$(deadlocks)" 0
judge 'nothing is wrong' "$(wrong)" 0

# One order more for all there is, and nothing is left.
ask "SELECT usom.release_stock(reservation_id) FROM usom.reservation" >/dev/null
ask "SELECT count(*) FROM usom.fill_backorders('HOT')" >/dev/null
judge 'the rest is sold to the last unit' "$(ask "SELECT buy('HOT ' || coalesce(sum(available), 0)::bigint + 1) IS NULL FROM usom.stock_position WHERE sku = 'HOT'" >/dev/null
	ask "SELECT trim_scale(sum(on_hand - reserved)) || ' ' || trim_scale(usom.available('HOT')) FROM usom.stock_position WHERE sku = 'HOT'")" '0 0'
judge 'nothing is wrong' "$(wrong)" 0

finish
