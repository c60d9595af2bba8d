# Sourced by the benches that count instructions, after peers.sh: a cluster of
# its own is filled, stopped, and opened by a single-user backend under
# valgrind.  Two functions that nothing else calls mark where counting begins
# and ends:
#
#   SELECT pg_catalog.pg_my_temp_schema()
#   SELECT pg_catalog.pg_conf_load_time()
#
# may stand several times in the statements; each pair is a count.  Reading the
# statements from a file (some 60 instructions a character) is counted too.
#
# The bin of a PostgreSQL with usom is in PATH.  $home is a folder that goes
# away with the script.
command -v valgrind >/dev/null || {
	echo 'instructions: valgrind is not installed (make bench-instructions brings it)'
	exit 0
}
home=$(mktemp -d "${TMPDIR:-/tmp}/usom_bench.XXXXXX")
data=$home/data
trap 'pg_ctl -D "$data" -m immediate stop >/dev/null 2>&1 || true; rm -rf "$home"' EXIT
trap 'exit 130' INT TERM

# A cluster that runs, at PGHOST and PGPORT.
callgrind_cluster() {
	initdb -D "$data" -U postgres -A trust -E UTF8 --locale=C --no-sync >/dev/null
	cat >>"$data/postgresql.conf" <<-CONF
		listen_addresses = ''
		unix_socket_directories = '$home'
		port = 5432
		shared_buffers = 128MB
		max_wal_size = 4GB
		checkpoint_timeout = 1h
		autovacuum = off
		fsync = off
		timezone = 'UTC'
	CONF
	export PGHOST="$home" PGPORT=5432 PGUSER=postgres
	pg_ctl -D "$data" -w -l "$home/log" start >/dev/null
}

callgrind_stop() { pg_ctl -D "$data" -w -m fast stop >/dev/null; }

# Runs $home/statements, a line each; the counts stand in $home/callgrind.NAME.1 and so on.
callgrind_run() { # database name
	valgrind -q --tool=callgrind --callgrind-out-file="$home/callgrind.$2" \
		--zero-before=pg_my_temp_schema --dump-before=pg_conf_load_time \
		"$(command -v postgres)" --single -D "$data" "$1" <"$home/statements" >"$home/out.$2" 2>"$home/err.$2" || {
		tail -n 5 "$home/err.$2" >&2
		return 1
	}
	if grep -q ERROR "$home/err.$2"; then
		grep -m 3 -A 2 ERROR "$home/err.$2" >&2
		return 1
	fi
	[ -n "${BENCH_PROFILE:-}" ] || return 0
	mkdir -p "$BENCH_PROFILE"
	cp "$home/callgrind.$2".[0-9]* "$BENCH_PROFILE"
}

# Thousand instructions of one of so many calls, of the n-th count of a run.
callgrind_told() { # name n calls
	awk -v n="$3" '/^(totals|summary):/ { printf "%.1f\n", $2 / n / 1000; exit }' "$home/callgrind.$1.$2"
}
