#!/bin/sh
# E26: a location ships fifty orders a day, sixty allocations come at once.
# Exactly fifty are taken, what is given back can be taken again, days begin at
# the location's own midnight on both days on which its clock changes, and
# calls that take and give back over many days do not lock each other out.
#
# LOAD_SECONDS  of the last part, 6
set -u
database=usom_capacity
seconds=${LOAD_SECONDS:-6}
. "$(dirname "$0")/lib.sh"

# No piece is behind what is taken here.
wrong() { ask "SELECT count(*) FROM usom.verify() WHERE problem NOT LIKE '%than its pieces are'"; }

taken() { ask "SELECT coalesce(sum(orders), 0) || ' of ' || (SELECT count(*) FROM usom.capacity_use) FROM usom.location_load"; }

begin <<'SQL'
INSERT INTO usom.product (sku, kind) VALUES ('E26', 'service');
INSERT INTO usom.location (code, time_zone) VALUES ('A', 'Europe/Berlin'), ('B', 'America/New_York'), ('C', 'UTC');
INSERT INTO usom.location_capacity (location_id, orders) VALUES (usom.location_id('A'), 50);
CREATE TABLE customer_order AS
	SELECT n, (usom.place_order('{"lines": [{"sku": "E26", "quantity": 1}]}')).order_no FROM generate_series(1, 60) n;
ALTER TABLE customer_order ADD sales_order_id bigint;
UPDATE customer_order o SET sales_order_id = s.sales_order_id FROM usom.sales_order s WHERE s.order_no = o.order_no;
CREATE FUNCTION change(code text, at timestamptz, n integer, units numeric) RETURNS usom._capacity_change LANGUAGE sql AS $$
	SELECT ROW(l.location_id, usom._local_day(l.time_zone, at), o.sales_order_id, units)::usom._capacity_change
	FROM usom.location l, customer_order o WHERE l.code = change.code AND o.n = change.n
$$;
CREATE TABLE wanted (at timestamptz, refused bigint);
SQL

# Sixty at once, each order one unit of the same day.
load 'sixty at once' 60 -t 1 <<'SQL'
SELECT count(*) FROM usom._change_capacity(ARRAY[change('A', '2026-12-01 12:00+01', :client_id + 1, 1)]);
SQL
judge 'sixty at once' "$(taken)" '50 of 50'
judge 'nothing is wrong' "$(wrong)" 0

# A third gives back while all that have none try again; then all try once more.
load 'some give back' 60 -t 1 <<'SQL'
SELECT count(*) FROM usom._change_capacity(ARRAY[change('A', '2026-12-01 12:00+01', :client_id + 1, CASE
	WHEN NOT EXISTS (SELECT FROM usom.capacity_use u JOIN customer_order o USING (sales_order_id) WHERE o.n = :client_id + 1) THEN 1
	WHEN :client_id % 3 = 0 THEN -1 ELSE 0 END)]);
SQL
judge 'never more than fifty' "$(ask 'SELECT max(orders) <= 50 FROM usom.location_load')" t
load 'all try again' 60 -t 1 <<'SQL'
SELECT count(*) FROM usom._change_capacity(ARRAY[change('A', '2026-12-01 12:00+01', :client_id + 1, 1)])
WHERE NOT EXISTS (SELECT FROM usom.capacity_use u JOIN customer_order o USING (sales_order_id) WHERE o.n = :client_id + 1);
SQL
judge 'what was given back is taken' "$(taken)" '50 of 50'
judge 'nothing is wrong' "$(wrong)" 0

# Units over the three days around each change of the clock, Berlin and New York:
# 71 hours in spring, so the last minute is the one before they are over.
ask "DELETE FROM usom.location_capacity;
	INSERT INTO usom.location_capacity (location_id, units) SELECT location_id, 50 FROM usom.location" >/dev/null
for place in 'A|2026-03-28 00:00+01' 'A|2026-10-24 00:00+02' 'B|2026-03-07 00:00-05' 'B|2026-10-31 00:00-04'; do
	code=${place%%|*} begin=${place#*|}
	ask 'TRUNCATE wanted' >/dev/null
	load "clock of $place" 60 -t 5 <<SQL
\\set minute random(0, 71 * 60 - 1)
BEGIN;
INSERT INTO wanted
SELECT t.at, (SELECT count(*) FROM usom._change_capacity(ARRAY[change('$code', t.at, :client_id + 1, 1)]))
FROM (SELECT timestamptz '$begin' + :minute * interval '1 minute') AS t (at);
COMMIT;
SQL
	judge "days of $place" "$(ask "SELECT string_agg(format('%s %s %s', d.day, d.wanted, d.taken), ', ' ORDER BY d.day) FROM (
			SELECT (w.at AT TIME ZONE l.time_zone)::date AS day, count(*) > 50 AS wanted, count(*) FILTER (WHERE w.refused = 0) AS taken
			FROM wanted w, usom.location l WHERE l.code = '$code' GROUP BY 1) d")" \
		"$(ask "SELECT string_agg(format('%s t 50', timestamp '${begin% *}'::date + n), ', ') FROM generate_series(0, 2) n")"
done
judge 'loads around the changes' "$(ask "SELECT DISTINCT units FROM usom.location_loads WHERE on_date < '2026-11-30'")" 50

# Three locations, five days, up to eight changes a call, in any order.
load 'takes and gives' 16 -T "$seconds" <<'SQL'
SELECT count(*) FROM usom._change_capacity(ARRAY(SELECT change(l.code, timestamptz '2027-01-01 12:00+00' + d.day * interval '1 day', :client_id + 1,
		trunc(random() * 15 - 7)::numeric)
	FROM unnest(ARRAY['A', 'B', 'C']) AS l (code), generate_series(0, 4) AS d (day) WHERE random() < 0.5 ORDER BY random() LIMIT 8));
SQL
judge 'limits hold' "$(ask 'SELECT max(units) <= 50 FROM usom.location_load')" t
judge 'days were full' "$(ask "SELECT max(units) > 40 FROM usom.location_load WHERE on_date >= '2027-01-01'")" t
judge 'nothing is wrong' "$(wrong)" 0
sed -n 's/^tps = \([0-9]*\).*/\1 calls a second that take and give back over several days/p' "$work/report"

finish
