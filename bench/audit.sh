#!/bin/sh
# What the audit costs: place_order of five lines with the audit's triggers on,
# beside a copy of the database where they are off.  Both have their clients
# connected all the time; half a second those of the one go on, half a second
# those of the other.  So what the machine does besides is shared by both, and
# no run begins with making plans.  Instructions with it and without:
# instructions.sh.
#
# usage: bench/audit.sh
#
# BENCH_SECONDS    seconds of load that count: 32
# BENCH_CLIENTS    clients: 1 16
# BENCH_PRODUCTS   products with stock: 20000
# BENCH_CHECK      set: fail when the audit costs more than it may
# BENCH_LINE       a file: figures for results.md are appended to it
set -eu
. "$(dirname "$0")/peers.sh"
PEERS=usom

clients=${BENCH_CLIENTS:-1 16}
products=${BENCH_PRODUCTS:-20000}
database=usom_bench_audit
turns=$((${BENCH_SECONDS:-32} / $(echo "$clients" | wc -w)))
[ "$turns" -gt 0 ] || turns=1

home=$(mktemp -d "${TMPDIR:-/tmp}/usom_bench.XXXXXX")
pids=
let_go() { for pid in $pids; do kill -CONT "$pid" && kill "$1" "$pid"; done 2>/dev/null || true; }
trap 'let_go -TERM; rm -rf "$home"' EXIT
trap 'exit 130' INT TERM

echo "the audit of place_order, 5 lines, $products products: $turns turns of half a second each way"
bench_database $database "$products"
psql -X -q -d postgres -c "DROP DATABASE IF EXISTS ${database}_off" -c "CREATE DATABASE ${database}_off TEMPLATE $database" 2>/dev/null
bench_audit off ${database}_off
bench_script usom $database "$products" >"$home/order.sql"

of() { [ "$1" = on ] && echo $database || echo ${database}_off; }

# Clients of a way, until they are told that their time is over (SIGALRM, as pgbench tells itself).
begin() { # way clients
	pgbench -n -M simple -c "$2" -j 2 -T 100000 -l --log-prefix="$home/$1.$2" -f "$home/order.sql" -D prepared=0 -D n=0 -D run="$2" "$(of "$1")" >"$home/$1.log" 2>&1 &
	pids="${pids:+$pids }$!"
}

# A half of a turn; when it was goes into a file.
let_run() { # way pid clients turn
	kill -CONT "$2"
	from=$(date +%s.%N)
	sleep 0.5
	kill -STOP "$2"
	echo "$from $(date +%s.%N) $1 $3 $4" >>"$home/turns"
}

# Both ways spent so much until now: nobody runs, and what was asked for is done.
note_spent() { # clients
	sleep 0.1
	for way in off on; do
		bench_spent "$(of $way)" | psql -X -q -At -F ' ' -d postgres | sed "s/^/$way $1 /" >>"$home/spent"
	done
}

for who in $clients; do
	pids=
	for way in off on; do begin $way "$who"; done
	sleep $((2 * $(bench_warm "$who")))
	kill -STOP $pids
	note_spent "$who"
	turn=0
	while [ $turn -lt $turns ]; do
		let_run off "${pids% *}" "$who" $turn
		let_run on "${pids#* }" "$who" $turn
		turn=$((turn + 1))
	done
	note_spent "$who"
	let_go -ALRM
	for pid in $pids; do wait "$pid" || { cat "$home"/o*.log >&2; exit 1; }; done
	pids=
	for way in off on; do
		cat "$home/$way.$who".* | awk -v way=$way -v who="$who" '{ printf "%.6f 0 %s %s\n", $5 + $6 / 1e6, way, who }' >>"$home/orders"
	done
done

# The ratio of the time is the median of those of the turns.  An order counts in
# the last half turn of its way that had begun when it ended; those that ended
# between the two looks at the processor time count for that.
sort -n "$home/turns" "$home/orders" | awk -v clients="$clients" -v spent="$home/spent" -v line="${BENCH_LINE:-/dev/null}" -v worst_file="$home/worst" '
	BEGIN {
		while ((getline text < spent) > 0) {
			split(text, f, " ")
			key = f[1] SUBSEP f[2]
			if (key in from) { to[key] = f[3]; used[key] = f[5] - first[key]; same[key] = f[4] == connected[key] && f[5] != "" }
			else { from[key] = f[3]; first[key] = f[5]; connected[key] = f[4] }
		}
	}
	NF == 5 { turn[$3, $4] = $5; last[$4] = $5; time[$3, $4, $5] = $2 - $1; next }
	$1 >= from[$3, $4] && $1 < to[$3, $4] { orders[$3, $4]++ }
	($3, $4) in turn { done[$3, $4, turn[$3, $4]]++ }
	END {
		printf "\n%-8s%12s%12s%10s%22s%12s%12s%10s\n", "clients", "off", "on", "on/off", "(quartiles)", "CPU us off", "CPU us on", "off/on"
		nc = split(clients, client, " ")
		for (c = 1; c <= nc; c++) {
			who = client[c]
			pairs(who)
			printf "%-8s%12.0f%12.0f%10.3f%22s%12s%12s%10s\n", who, rate("off"), rate("on"), pair, told, cpu("off"), cpu("on"), cpu_ratio()
			if (worst == "" || pair < worst) worst = pair
			told_all = told_all (c > 1 ? " / " : "") sprintf("%.2f", pair)
			told_cpu = told_cpu (c > 1 ? " / " : "") cpu_ratio()
		}
		gsub(/ /, " / ", clients)
		printf "throughput with the audit to that without, at %s clients %s, processor time without to that with %s\n", clients, told_all, told_cpu >>line
		printf "%.2f\n", 1 / worst >worst_file
	}
	function rate(way,    i, n, t) {
		for (i = 0; i <= last[who]; i++) { n += done[way, who, i]; t += time[way, who, i] }
		return n / t
	}
	function cpu(way) { return same[way, who] && orders[way, who] ? sprintf("%.0f", used[way, who] / orders[way, who]) : "-" }
	function cpu_ratio() { return cpu("on") > 0 && cpu("off") > 0 ? sprintf("%.2f", cpu("off") / cpu("on")) : "-" }
	function pairs(who,    i, v, n) {
		for (i = 0; i <= last[who]; i++)
			if (done["off", who, i] > 0)
				v[++n] = done["on", who, i] / time["on", who, i] / done["off", who, i] * time["off", who, i]
		sort(v, n)
		pair = n % 2 ? v[(n + 1) / 2] : (v[n / 2] + v[n / 2 + 1]) / 2
		told = sprintf("(%.3f-%.3f)", v[int((n + 3) / 4)], v[n + 1 - int((n + 3) / 4)])
	}
	function sort(v, k,    i, j, t) {
		for (i = 1; i <= k; i++) for (j = i + 1; j <= k; j++) if (v[j] < v[i]) { t = v[i]; v[i] = v[j]; v[j] = t }
	}'

budget 'time of an order with the audit, times that without, at worst' 1.25 "$(cat "$home/worst")" le
psql -X -q -d postgres -c "DROP DATABASE $database" -c "DROP DATABASE ${database}_off"
budgets_kept
