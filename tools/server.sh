#!/bin/sh
# A private server below ./build/: a unix socket, no TCP, nothing of the system.
#
# usage: tools/server.sh [fresh|start|stop|status|psql [ARGUMENT...]]
#
#   fresh    throw the cluster away, make a new one, start it
#   start    start it, made first if there is none
#   stop     stop it
#   status   say whether it runs and how to reach it
#   psql     open psql on it; started for that long if it was stopped
#
# USOM_SERVER         name of the server, and of its folder: demo
# USOM_SERVER_CONF    a file of settings to append when the cluster is made
set -eu
. "$(dirname "$0")/lib.sh"
command=${1:-status}
[ $# = 0 ] || shift

# As an ordinary account, in the private copy.
[ -n "${USOM_BUILD:-}" ] || exec sh "$top/tools/private.sh" sh tools/server.sh "$command" "$@"

name=${USOM_SERVER:-demo}
home=$USOM_BUILD/$name
data=$home/data
socket=$USOM_SOCKET/$name
export PGHOST="$socket" PGPORT=5432 PGDATABASE="${PGDATABASE:-postgres}"

running() { [ -f "$data/postmaster.pid" ] && pg_ctl -D "$data" status >/dev/null 2>&1; }

make_cluster() {
	mkdir -p "$home"
	chmod 700 "$home"
	initdb -D "$data" -U postgres -A trust -E UTF8 --locale=C --no-sync >"$home/initdb.log" 2>&1 || {
		cat "$home/initdb.log" >&2
		die "no cluster in $data"
	}
	cat >>"$data/postgresql.conf" <<-CONF
		listen_addresses = ''
		unix_socket_directories = '$socket'
		unix_socket_permissions = 0700
		port = 5432
		max_connections = 120
		max_prepared_transactions = 8
		shared_buffers = 256MB
		max_wal_size = 2GB
		fsync = off
		timezone = 'UTC'
		log_timezone = 'UTC'
		log_line_prefix = '%m [%p] %q%a '
		cluster_name = 'usom $name'
	CONF
	[ -z "${USOM_SERVER_CONF:-}" ] || cat "$USOM_SERVER_CONF" >>"$data/postgresql.conf"
}

start() {
	running && return 0
	[ -f "$data/PG_VERSION" ] || make_cluster
	mkdir -p "$socket"
	chmod 700 "$socket"
	# A socket folder that moved (the checkout did) is told anew.
	pg_ctl -D "$data" -w -t 120 -l "$home/server.log" -o "-c unix_socket_directories='$socket'" start >"$home/start.log" 2>&1 </dev/null || {
		tail -n 20 "$home/server.log" "$home/start.log" >&2
		die "the server $name did not start"
	}
}

stop() {
	running || return 0
	pg_ctl -D "$data" -w -t 120 -m fast stop >/dev/null
}

case $command in
fresh)
	stop
	rm -rf "$data" "$home/server.log"
	start
	;;
start) start ;;
stop) stop ;;
status)
	if running; then
		say "server $name runs: psql -h $socket -U postgres"
	else
		say "server $name is stopped; its folder is $home"
		exit 3
	fi
	;;
psql)
	[ -f "$data/PG_VERSION" ] || die "there is no server $name yet: make $name"
	if ! running; then
		trap stop EXIT
		start
	fi
	[ -n "${USOM_DATABASE:-}" ] || USOM_DATABASE=$(cat "$home/database" 2>/dev/null || echo postgres)
	PGDATABASE=$USOM_DATABASE PSQL_HISTORY=$home/psql_history psql "$@"
	;;
*) die "unknown command $command" ;;
esac
