# What the loads of this folder share; sourced by them, with the name of their
# database: . "$(dirname "$0")/lib.sh"
#
# The connection is psql's own (PGHOST, PGPORT, PGUSER).  A load ends with
# "N passed, N failed".
#
# LOAD_SEED     seed of the random choices, printed
# LOAD_SECONDS  of the random part
seed=${LOAD_SEED:-$(date +%s)}
passed=0
failed=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

judge() { # judge WHAT FOUND EXPECTED
	if [ "$2" = "$3" ]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "not so: $1: $2, not $3"
	fi
}

ask() { psql -X -q -A -t -v ON_ERROR_STOP=1 -d "$database" -c "$1"; }

wrong() { ask 'SELECT count(*) FROM usom.verify()'; }

# begin: an empty database with usom; what it is to hold is on standard input
begin() {
	echo "LOAD_SEED=$seed"
	psql -X -q -d postgres -c "DROP DATABASE IF EXISTS $database" -c "CREATE DATABASE $database" 2>/dev/null
	ask 'CREATE EXTENSION usom' && ask 'SELECT count(*) FROM usom.install()' >/dev/null
	psql -X -q -d "$database" -v ON_ERROR_STOP=1 >/dev/null
}

# bench CLIENTS PGBENCH_ARGUMENT...: "status errors", the commonest errors after it
bench() {
	clients=$1
	shift
	pgbench -n -c "$clients" -j 2 --random-seed="$seed" "$@" "$database" >"$work/report" 2>"$work/error"
	echo "$? $(grep -c ERROR "$work/error")$(grep ERROR "$work/error" | sed 's/client [0-9]*//' | sort | uniq -c | sort -rn | head -n 3)"
}

# load WHAT CLIENTS PGBENCH_ARGUMENT...: the script is on standard input
load() {
	what=$1
	shift
	cat >"$work/script"
	judge "$what: pgbench ends well" "$(bench "$@" -f "$work/script")" '0 0'
}

# script NAME: one of several, on standard input, for mix
script() { cat >"$work/$1"; }

# mix WHAT CLIENTS SECONDS NAME@WEIGHT...
mix() {
	what=$1 many=$2 long=$3
	shift 3
	for name; do
		set -- "$@" -f "$work/$name"
		shift
	done
	judge "$what: pgbench ends well" "$(bench "$many" -T "$long" "$@")" '0 0'
	judge "$what: nothing failed" "$(sed -n 's/^number of failed transactions: \([0-9]*\).*/\1/p' "$work/report")" 0
	grep -E '^number of transactions actually' "$work/report"
}

finish() {
	psql -X -q -d postgres -c "DROP DATABASE $database"
	echo "$passed passed, $failed failed"
	[ "$failed" = 0 ]
}
