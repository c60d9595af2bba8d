#!/bin/sh
# E26 on orders: a location ships fifty orders a day, sixty orders are placed
# at once.  Exactly fifty leave that day, the others the next, or wait where
# there is none; what is cancelled can be taken again.  Days follow the clock
# of the location over both of its changes.  Orders over several locations,
# placed, changed, planned again and cancelled at random, never pass a limit,
# never lock each other out, and leave nothing counted that is not there.
#
# LOAD_SECONDS  of the last part, 6
set -u
database=usom_capacity_orders
seconds=${LOAD_SECONDS:-6}
. "$(dirname "$0")/lib.sh"

days() { ask "SELECT string_agg(format('%s: %s', d.on_date - (now() AT TIME ZONE l.time_zone)::date, d.orders), ', ' ORDER BY d.on_date)
	FROM usom.location_loads d JOIN usom.location l ON l.code = d.location WHERE d.location = '$1' AND d.orders > 0"; }
waiting() { ask 'SELECT coalesce(sum(quantity), 0) FROM usom.backorders'; }
empty() { ask "SELECT count(*) FROM usom.orders, usom.cancel_order(order_no, 'over') WHERE status_group IN ('Pending', 'Processing')" >/dev/null; }

# At A, B and C it is about noon: no midnight comes in between.  D keeps a clock of its own, see below.
begin <<'SQL'
INSERT INTO usom.product (sku) SELECT 'P' || n FROM generate_series(1, 60) n;
INSERT INTO usom.location (code, priority, time_zone) SELECT c, n, 'Etc/GMT' || to_char(extract(hour FROM now()) - 12, 'SGFM99')
FROM unnest(ARRAY['A', 'B', 'C', 'D']) WITH ORDINALITY AS x (c, n);
SELECT usom.receive_stock('A', 'P' || n, 1000) FROM generate_series(1, 60) n;
INSERT INTO usom.location_capacity (location_id, orders) VALUES (usom.location_id('A'), 50);
-- The number that a rule of POSIX gives to a day: leap days are not counted.
CREATE FUNCTION julian(ahead integer) RETURNS integer LANGUAGE sql AS $$
	SELECT extract(doy FROM to_date('2001' || to_char(now() + ahead * interval '1 day', 'MMDD'), 'YYYYMMDD'))::integer
$$;
-- change('cancel'): one of the latest orders; another client may have ended it meanwhile.
CREATE FUNCTION change(what text, skip integer, quantity numeric DEFAULT 1) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	o text := (SELECT order_no FROM usom.orders WHERE status = 'confirmed' ORDER BY order_no DESC OFFSET skip LIMIT 1);
BEGIN
	CASE what
		WHEN 'cancel' THEN PERFORM usom.cancel_order(o, 'over');
		WHEN 'again' THEN PERFORM usom.reallocate_order(o, 'again');
		ELSE PERFORM usom.change_order(o, jsonb_build_object('lines', jsonb_build_array(jsonb_build_object('line_no', 1, 'quantity', quantity))));
	END CASE;
EXCEPTION WHEN SQLSTATE 'US101' OR null_value_not_allowed THEN
	NULL;
END
$$;
CREATE FUNCTION place(skus text, quantity numeric DEFAULT 1) RETURNS bigint LANGUAGE sql AS $$
	SELECT count(*) FROM usom.place_order(jsonb_build_object('lines',
		(SELECT jsonb_agg(jsonb_build_object('sku', s, 'quantity', quantity)) FROM unnest(string_to_array(skus, ' ')) s)))
$$;
SQL

# Sixty at once, each of a product of its own, so that no stock brings them into line.
load 'sixty at once' 60 -t 1 <<'SQL'
SELECT place('P' || :client_id + 1);
SQL
judge 'sixty at once' "$(days A)" '0: 50, 1: 10'
judge 'nothing is wrong' "$(wrong)" 0

# A third cancel their order while the others place another one; what is free in the end is taken by the next.
load 'cancelled and placed' 60 -t 1 <<'SQL'
SELECT CASE WHEN :client_id % 3 = 0
	THEN (SELECT count(*) FROM usom.order_pieces p, usom.cancel_order(p.order_no, 'changed my mind') WHERE p.sku = 'P' || :client_id + 1)
	ELSE place('P' || :client_id + 1) END;
SQL
judge 'never more than fifty' "$(ask 'SELECT max(orders) <= 50 FROM usom.location_load')" t
load 'the rest' 20 -t 3 <<'SQL'
SELECT place('P' || :client_id + 1);
SQL
judge 'what was given back is taken' "$(days A)" '0: 50, 1: 50, 2: 40'
judge 'nothing is wrong' "$(wrong)" 0

# No day but today: ten wait, and get the places of those who give up.
empty
ask "INSERT INTO usom.location_calendar (location_id, on_date) SELECT l.location_id, (now() AT TIME ZONE l.time_zone)::date + n
	FROM usom.location l, generate_series(1, 400) n WHERE l.code = 'A'" >/dev/null
load 'today or never' 60 -t 1 <<'SQL'
SELECT place('P' || :client_id + 1);
SQL
judge 'fifty today' "$(days A) $(waiting)" '0: 50 10'
load 'seven give up' 7 -t 1 <<'SQL'
SELECT count(*) FROM (SELECT order_no FROM usom.order_pieces WHERE status = 'reserved' ORDER BY order_no OFFSET :client_id * 7 LIMIT 1) p, usom.cancel_order(p.order_no, 'over');
SQL
given=$(ask 'SELECT 50 - sum(orders) FROM usom.location_load WHERE orders > 0')
judge 'some gave up' "$(ask "SELECT $given BETWEEN 1 AND 7")" t
load 'filled at once' 8 -t 1 <<'SQL'
SELECT count(*) FROM usom.fill_backorders();
SQL
judge 'fifty again' "$(days A) $(waiting)" "0: 50 $((10 - given))"
judge 'nothing is wrong' "$(wrong)" 0

# D is set forward in three days and back in nine: its days are 23 and 25 hours long, five orders leave on each.
# (Nobody keeps such a clock, so the guard of time zones is put aside for it.)
empty
ask "ALTER TABLE usom.location DISABLE TRIGGER usom_time_zone;
	UPDATE usom.location SET time_zone = format('AAA%sBBB,J%s/2,J%s/2', extract(hour FROM now()) - 12, julian(3), julian(9)) WHERE code = 'D';
	ALTER TABLE usom.location ENABLE ALWAYS TRIGGER usom_time_zone;
	UPDATE usom.location SET active = code = 'D';
	INSERT INTO usom.location_capacity (location_id, orders) VALUES (usom.location_id('D'), 5);
	SELECT count(*) FROM generate_series(1, 60) n, usom.receive_stock('D', 'P' || n, 1000)" >/dev/null
load 'over both changes of the clock' 60 -t 1 <<'SQL'
SELECT place('P' || :client_id + 1);
SQL
judge 'five a day' "$(days D)" "$(ask "SELECT string_agg(n || ': 5', ', ' ORDER BY n) FROM generate_series(0, 11) n")"
judge 'days of 23, 24 and 25 hours' "$(ask "SELECT string_agg(DISTINCT h::text, ' ') FROM (
		SELECT extract(epoch FROM p - lag(p) OVER (ORDER BY p)) / 3600 AS h FROM (SELECT DISTINCT promised_at AS p FROM usom.order_pieces WHERE status = 'reserved' AND promised_at > now()) x) y")" \
	'23.0000000000000000 24.0000000000000000 25.0000000000000000'
judge 'promised for the midnights of D' "$(ask "SELECT bool_and((f.promised_at AT TIME ZONE l.time_zone)::date = f.ships_on AND (f.promised_at < now() OR (f.promised_at AT TIME ZONE l.time_zone)::time = '00:00'))
	FROM usom.fulfillment_line f JOIN usom.location l USING (org_id, location_id) WHERE f.status = 'reserved'")" t
judge 'nothing is wrong' "$(wrong)" 0

# Three locations, two products each of which are elsewhere too, all verbs in any order.
empty
ask "DELETE FROM usom.location_calendar;
	UPDATE usom.location SET active = code <> 'D';
	UPDATE usom.location_capacity SET orders = 12, units = 30 WHERE location_id = usom.location_id('A');
	INSERT INTO usom.location_capacity (location_id, orders, units) VALUES (usom.location_id('B'), NULL, 25), (usom.location_id('C'), 9, NULL);
	SELECT count(*) FROM generate_series(1, 40) n, usom.receive_stock(CASE WHEN n % 2 = 0 THEN 'B' ELSE 'C' END, 'P' || n, 1000)" >/dev/null
load 'all at random' 12 -T "$seconds" <<'SQL'
\set what random(1, 10)
\set a random(1, 60)
\set b random(1, 60)
\set c random(1, 60)
\set skip random(0, 40)
\if :what <= 5
SELECT place('P:a P:b P:c', 1 + :what);
\elif :what <= 7
SELECT change('cancel', :skip);
\elif :what = 8
SELECT change('again', :skip);
\elif :what = 9
SELECT change('quantity', :skip, :b);
\else
SELECT count(*) FROM usom.fill_backorders('P:a');
\endif
SQL
judge 'limits hold' "$(ask "SELECT count(*) FROM usom.location_loads WHERE location IN ('A', 'B', 'C') AND on_date > now()::date + 2 AND (units > units_limit OR orders > orders_limit)")" 0
judge 'days were full' "$(ask "SELECT count(*) > 5 FROM usom.location_loads WHERE location IN ('A', 'B', 'C') AND (units_free < 3 OR orders_free = 0)")" t
judge 'nothing is wrong' "$(wrong)" 0
sed -n 's/^tps = \([0-9]*\).*/\1 calls a second on orders that share days/p' "$work/report"

finish
