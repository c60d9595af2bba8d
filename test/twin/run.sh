#!/bin/sh
# PL/pgSQL twins of what is computed in C: random inputs, both must agree.
# One line a twin: ok, or not ok with the first inputs that tell them apart.
#
# usage: test/twin/run.sh          the server that PGHOST and PGPORT name
#
# TWIN_SEED     seed of the inputs: 20101201
# TWIN_CASES    how many, as a multiple of the usual: 1
set -eu
here=$(cd "$(dirname "$0")" && pwd -P)
seed=${TWIN_SEED:-20101201}
cases=${TWIN_CASES:-1}
database=usom_twin

export PGDATABASE=$database

begin_anew() {
	psql -X -q -d postgres -c "DROP DATABASE IF EXISTS $database" -c "CREATE DATABASE $database" 2>/dev/null
	psql -X -q -At -v ON_ERROR_STOP=1 -c 'CREATE EXTENSION usom' -c 'SELECT count(*) FROM usom.install()' -f "$here/twin.sql" >/dev/null
}

begin_anew

log=$(mktemp "${TMPDIR:-/tmp}/usom_twin.XXXXXX")
trap 'rm -f "$log" "$log.error"' EXIT
trap 'exit 130' INT TERM
echo "# seed $seed, cases $cases"
status=0
number=0
for file in plan source ration rationing quantity status image lifecycle flow history calendar lanes kit credit price returns handover batch; do
	# These make master data of their own.
	case $file in lanes | kit | credit | price | returns | batch) begin_anew ;; esac
	# A file prints lines what|cases|difference; no difference is an empty one.
	if ! psql -X -q -At -v ON_ERROR_STOP=1 -v seed="$seed" -v cases="$cases" -f "$here/$file.sql" >"$log" 2>"$log.error"; then
		number=$((number + 1))
		status=1
		echo "not ok $number - $file ran to its end"
		head -n 12 "$log.error" | sed 's/^/#   /'
	fi
	while IFS='|' read -r what count difference; do
		number=$((number + 1))
		if [ -z "$difference" ] && [ "${count:-0}" -gt 0 ]; then
			echo "ok $number - $what ($count cases)"
		else
			status=1
			echo "not ok $number - $what${count:+ ($count cases)}"
			echo "#   $difference"
		fi
	done <"$log"
done
echo "1..$number"
exit $status
