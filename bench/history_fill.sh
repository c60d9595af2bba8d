# Sourced by the benches that need a history: databases of orders that were.
#
#   history_create DATABASE PRODUCTS      the thousand orders that are copied, and what they need
#   history_grow DATABASE ORDERS AUDITED  on: the audit tells of the copies, too
#   history_open DATABASE                 a hundred open orders, twenty that wait, twenty of one customer
#
# Filling takes a core for each of two sessions.  See history.sql.
here=$(cd "$(dirname "$0")" && pwd -P)

history_ask() { # database options...
	history_database=$1
	shift
	psql -X -q -At -v ON_ERROR_STOP=1 -d "$history_database" "$@"
}

history_create() { # database products
	psql -X -q -d postgres -c "DROP DATABASE IF EXISTS $1" -c "CREATE DATABASE $1" 2>/dev/null
	history_ask "$1" -c 'CREATE EXTENSION usom' -c 'SELECT count(*) FROM usom.install()' >/dev/null
	history_ask "$1" -v products="$2" -f "$here/setup.sql" -f "$here/history.sql"
	history_ask "$1" -c "SELECT bench.live(1000, $2)" >/dev/null
}

history_grow() { # database orders audited
	first=$(history_ask "$1" -c 'SELECT copies + 1 FROM bench.span')
	last=$(($2 / 1000 - 1))
	[ "$first" -le "$last" ] || return 0
	buyers=$(history_ask "$1" -F ', ' -c "SELECT * FROM bench.make_buyers($last)")
	history_ask "$1" -c "SELECT bench.open($([ "$3" = on ] && echo true || echo false))" >/dev/null
	history_ask "$1" -c "CALL bench.copy($first, $last, $buyers, 2)" &
	history_ask "$1" -c "CALL bench.copy($first + 5, $last, $buyers, 2)"
	wait $!
	history_ask "$1" -c "SELECT bench.settle($last), bench.close()" -c 'CALL usom.tick()' >/dev/null
	for table in 'sales_order order_history' 'order_line fulfillment_line shipment stock_movement'; do
		for relation in $table; do
			echo "REINDEX TABLE usom.$relation; VACUUM (FREEZE, ANALYZE) usom.$relation;"
		done | history_ask "$1" -f - &
	done
	wait
	history_ask "$1" -c 'VACUUM ANALYZE'
}

history_open() { # database
	history_ask "$1" >/dev/null <<'SQL'
INSERT INTO usom.customer (code) VALUES ('REGULAR');
INSERT INTO usom.product (sku) VALUES ('SCARCE');
SELECT count(*) FROM usom.place_orders((SELECT jsonb_agg(bench.document('open-', n, 100)) FROM generate_series(1, 100) AS n));
SELECT count(*) FROM usom.place_orders((SELECT jsonb_agg(jsonb_set(bench.document('waits-', n, 100), '{lines,0,sku}', '"SCARCE"')) FROM generate_series(1, 20) AS n));
SELECT count(*) FROM usom.place_orders((SELECT jsonb_agg(bench.document('regular-', n, 100) || '{"customer": "REGULAR"}') FROM generate_series(1, 20) AS n));
SQL
}
