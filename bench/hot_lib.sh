# Sourced by hot.sh and zipf.sh: loads of orders whose clients meet at products.
#
# database, and for hot_rounds and hot_table ways, clients, rounds and seconds,
# are set by who sources it.

ask() { psql -X -q -At -v ON_ERROR_STOP=1 -d "$database" "$@"; }

# A folder, and commits that reach the disk for as long as the script runs.
hot_begin() {
	home=$(mktemp -d "${TMPDIR:-/tmp}/usom_bench.XXXXXX")
	fsync=$(psql -X -At -d postgres -c 'SHOW fsync')
	trap 'rm -rf "$home"; [ "$fsync" = "${BENCH_FSYNC:-on}" ] || hot_fsync "$fsync"' EXIT
	trap 'exit 130' INT TERM
	[ "$fsync" = "${BENCH_FSYNC:-on}" ] || hot_fsync "${BENCH_FSYNC:-on}"
}

hot_fsync() { psql -X -q -d postgres -c "ALTER SYSTEM SET fsync = $1" -c 'SELECT pg_reload_conf()' >/dev/null; }

# A fresh database with a location W, and what standard input says.  tick() is asked by no one, so stripes stay as they are set.
hot_database() {
	psql -X -q -d postgres -c "DROP DATABASE IF EXISTS $database" -c "CREATE DATABASE $database" 2>/dev/null
	ask -c 'CREATE EXTENSION usom' -c 'SELECT count(*) FROM usom.install()' -c "INSERT INTO usom.location (code) VALUES ('W')" >/dev/null
	ask >/dev/null
	ask -c 'VACUUM ANALYZE'
	: >"$home/calls"
	: >"$home/tps"
	: >"$home/late"
}

# The script of a client that orders one of each sku; names may hold variables of pgbench.
hot_script() { # sku...
	lines=
	for sku; do
		lines="$lines${lines:+, }{\"sku\": \"$sku\", \"quantity\": 1, \"unit_price\": 2.55}"
	done
	printf '%s\n' '\if :prepared' '\else' 'PREPARE place (jsonb) AS SELECT order_no FROM usom.place_order($1);' '\set prepared 1' '\endif' \
		"EXECUTE place('{\"channel\": \"web\", \"lines\": [$lines]}');"
}

hot_run() { # way clients how-long...
	way=$1
	who=$2
	shift 2
	rm -f "$home"/log.*
	pgbench -n -M simple -c "$who" -j 2 "$@" -f "$home/$way.sql" -D prepared=0 -l --log-prefix="$home/log" "$database" >"$home/pgbench.log" 2>&1 || {
		tail -n 5 "$home/pgbench.log" >&2
		exit 1
	}
}

# One turn of a way: its rate, its slowest hundredth in ms, and how many calls
# were answered.  The first call of a connection makes its plans; what counts
# begins when every client has had its first answer.
hot_load() { # way clients seconds
	hot_run "$1" "$2" -T $(($3 + 1 + $2 / 32))
	sed -n "s|^number of transactions actually processed: \([0-9]*\).*|$1 \1|p" "$home/pgbench.log" >>"$home/calls"
	cat "$home"/log.* | awk '{ printf "%.6f %d %d %d\n", $5 + $6 / 1e6, $1, $2, $3 }' | sort -n >"$home/answers"
	awk 'FNR == NR { if (!($2 in met)) { met[$2]; from = $1 } to = $1; next } $1 > from { n++ } END { print (to > from ? n / (to - from) : 0) }' \
		"$home/answers" "$home/answers" | sed "s/^/$1 $2 /" >>"$home/tps"
	awk 'FNR == NR { if (!($2 in met)) { met[$2]; from = $1 } next } $1 > from { print $4 }' "$home/answers" "$home/answers" | sort -n |
		awk -v key="$1 $2" '{ t[NR] = $1 } END { print key, t[int(NR * 0.99 + 0.5)] / 1000 }' >>"$home/late"
}

# Every way once in each round, by each number of clients.
hot_rounds() {
	for who in $clients; do
		round=0
		while [ $round -lt "$rounds" ]; do
			for way in $ways; do
				hot_load "$way" "$who" "$seconds"
			done
			round=$((round + 1))
		done
	done
}

# median FILE WAY CLIENTS
hot_median() {
	awk -v w="$2" -v c="$3" '$1 == w && $2 == c { print $3 }' "$1" | sort -n | awk '{ v[NR] = $1 } END { print NR == 0 ? "-" : NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'
}

# Median of the ways' rates, each as a share of the first way's in the same round.
hot_ratio() { # way clients
	awk -v first="${ways%% *}" -v w="$1" -v c="$2" '$2 == c && $1 == first { base = $3 } $2 == c && $1 == w { print $3 / base }' "$home/tps" |
		sort -n | awk '{ v[NR] = $1 } END { if (NR == 0) print "-"; else printf "%.2f\n", NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'
}

hot_spread() { # way clients
	awk -v w="$1" -v c="$2" '$1 == w && $2 == c { n++; if (n == 1 || $3 < least) least = $3; if ($3 > most) most = $3 } END { printf "(%.0f-%.0f)", least, most }' "$home/tps"
}

hot_table() {
	printf '\n%-14s' clients
	for who in $clients; do printf '%8s%14s%7s%9s' "$who" '(spread)' share 'p99 ms'; done
	echo
	for way in $ways; do
		case $way in own) name='own products' ;; 1) name='one row' ;; [0-9]*) name="$way stripes" ;; *) name=$way ;; esac
		printf '%-14s' "$name"
		for who in $clients; do
			printf '%8.0f%14s%7s%9.1f' "$(hot_median "$home/tps" "$way" "$who")" "$(hot_spread "$way" "$who")" \
				"$(hot_ratio "$way" "$who")" "$(hot_median "$home/late" "$way" "$who")"
		done
		echo
	done
}

hot_no_deadlock() {
	deadlocks=$(ask -c 'SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()')
	echo "deadlocks: $deadlocks"
	[ "$deadlocks" = 0 ] || exit 1
}
