#!/bin/sh
# Orders behind a pooler in transaction mode: 20 clients straight, 20 through
# pgbouncer, and a thousand connections over 20 of the server; and the first
# call of a client that comes anew, to a connection that others have warmed up.
#
# usage: bench/pooler.sh          the server that PGHOST and PGPORT name
#
# BENCH_SECONDS    seconds of load in all: 60
# BENCH_ROUNDS     turns of all ways: 3
# BENCH_CHECK      set: fail when a budget is missed
set -eu
. "$(dirname "$0")/peers.sh"
PATH=$PATH:/usr/sbin
rounds=${BENCH_ROUNDS:-3}
seconds=$((${BENCH_SECONDS:-60} / (3 * rounds)))
[ "$seconds" -gt 0 ] || seconds=1
database=usom_bench_pooler
servers=20
command -v pgbouncer >/dev/null || {
	echo 'pooler: pgbouncer is not installed'
	budget 'first place_order of a client of a pooler, ms' 5 - le
	exit 0
}

home=$(mktemp -d "${TMPDIR:-/tmp}/usom_bench.XXXXXX")
pooler=
trap '[ -z "$pooler" ] || kill -INT "$pooler" 2>/dev/null || true; rm -rf "$home"' EXIT
trap 'exit 130' INT TERM

ask() { psql -X -q -At -v ON_ERROR_STOP=1 -d $database "$@"; }

bench_database $database 1000
user=$(ask -c 'SELECT session_user')

# As root it becomes nobody, which must reach the folder.
cat >"$home/pgbouncer.ini" <<INI
[databases]
$database = host=${PGHOST:-/var/run/postgresql} port=${PGPORT:-5432} user=$user
[pgbouncer]
listen_addr =
listen_port = 6432
unix_socket_dir = $home
auth_type = trust
auth_file = $home/users
pool_mode = transaction
default_pool_size = $servers
max_client_conn = 1100
logfile = $home/log
pidfile = $home/pid
INI
echo "\"$user\" \"\"" >"$home/users"
become=
if [ "$(id -u)" = 0 ]; then
	chown -R nobody "$home"
	become='-u nobody'
fi
ulimit -n 4096 2>/dev/null || true
# shellcheck disable=SC2086
pgbouncer -q $become "$home/pgbouncer.ini" >"$home/out" 2>&1 &
pooler=$!
tries=0
while [ ! -S "$home/.s.PGSQL.6432" ]; do
	tries=$((tries + 1))
	[ $tries -lt 100 ] || { cat "$home/out" "$home/log" >&2; exit 1; }
	sleep 0.1
done

mkdir "$home/logs"
chmod 777 "$home/logs"
printf '%s\n' '\set a random(1, 150)' '\set b :a + 211' '\set c :a + 422' '\set d :a + 633' '\set e :a + 844' '\set n :n + 1' \
	"SELECT order_no FROM usom.place_order('$(bench_document "p-:way-:client_id-:n" :a :b :c :d :e)');" >"$home/usom.sql"

run=0
load() { # way clients port host
	run=$((run + 1))
	pgbench -n -M simple -c "$2" -j 2 -T "$seconds" -l --log-prefix="$home/logs/$1.$run" -D n=0 -D way=$run \
		-h "$4" -p "$3" -f "$home/usom.sql" $database >"$home/pgbench" 2>&1 || {
		grep -m 3 -i error "$home/pgbench" >&2
		exit 1
	}
	printf '%s|%s|%s\n' "$1" "$2" "$(sed -n 's/^tps = \([0-9.]*\).*/\1/p' "$home/pgbench")" >>"$home/rates"
}
round=0
while [ $round -lt "$rounds" ]; do
	round=$((round + 1))
	load straight 20 "${PGPORT:-5432}" "${PGHOST:-/var/run/postgresql}"
	load pooled 20 6432 "$home"
	load crowded 1000 6432 "$home"
done

echo "orders a second and what a client waits, $rounds rounds of $seconds s"
printf '%-10s %8s %8s %10s %10s %10s\n' '' clients servers orders/s 'p50, ms' 'p99, ms'
for way in straight pooled crowded; do
	clients=$(sed -n "s/^$way|\([0-9]*\)|.*/\1/p" "$home/rates" | head -n 1)
	tps=$(sed -n "s/^$way|.*|//p" "$home/rates" | sort -n | sed -n "$(((rounds + 1) / 2))p")
	cat "$home/logs/$way".* | awk '{ print $3 }' | sort -n >"$home/sorted"
	awk -v way=$way -v clients="$clients" -v servers=$servers -v tps="$tps" '{ t[NR] = $1 }
		END { printf "%-10s %8d %8d %10.0f %10.1f %10.1f\n", way, clients, servers, tps, t[int(NR * .5) + 1] / 1000, t[int(NR * .99) + 1] / 1000 }' "$home/sorted"
	eval "rate_$way=$tps"
done

# A client that comes anew; the connections of the server are warm.
number=0
while [ $number -lt 50 ]; do
	number=$((number + 1))
	printf '%s\n' '\timing on' "SELECT order_no FROM usom.place_order('$(bench_document "new-$number" 1 212 423 634 845)');" |
		psql -X -q -At -v ON_ERROR_STOP=1 -h "$home" -p 6432 -d $database | sed -n 's/^Time: \([0-9.]*\).*/\1/p'
done | sort -n | sed -n 25p >"$home/first"
problems=$(ask -c 'SELECT count(*) FROM usom.verify()')
[ "$problems" = 0 ] || { echo "verify() finds $problems differences"; exit 1; }
kill -INT $pooler
wait $pooler || true
pooler=
psql -X -q -d postgres -c "DROP DATABASE $database"

budget 'first place_order of a client of a pooler, ms' 5 "$(cat "$home/first")" le
budget "1,000 clients over $servers connections to 20 straight, throughput" 0.7 "$(awk -v a="$rate_crowded" -v b="$rate_straight" 'BEGIN { printf "%.2f", a / b }')" ge
budgets_kept
