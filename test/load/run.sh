#!/bin/sh
# Twelve clients over twenty products, mixing every verb, at three isolation
# levels, while the audit is sealed.  verify() is asked in the middle, it and the
# invariants at the end, when all is sealed.
# At READ COMMITTED there is no deadlock; at the others 40001 is retried.
#
# The connection is psql's own (PGHOST, PGPORT, PGUSER); a database of each
# level is made and dropped.  Ends with "N passed, N failed".
#
# LOAD_SECONDS    seconds a level, 20
# LOAD_CLIENTS    12
# LOAD_LEVELS     "read committed,repeatable read,serializable"
# LOAD_SEED       seed of the random choices, printed
set -u
here=$(cd "$(dirname "$0")" && pwd)
seconds=${LOAD_SECONDS:-20}
clients=${LOAD_CLIENTS:-12}
levels=${LOAD_LEVELS:-read committed,repeatable read,serializable}
seed=${LOAD_SEED:-$(date +%s)}
passed=0
failed=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

judge() { # judge WHAT FOUND EXPECTED
	if [ "$2" = "$3" ]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "not so: $1: $2, not $3"
	fi
}

ask() { psql -X -q -A -t -v ON_ERROR_STOP=1 -d "$database" "$@"; }

# Every invariant must have no row that breaks it.
invariants() { # invariants WHEN
	if ! ask -F '	' -f "$here/invariants.sql" >"$work/found" 2>"$work/error"; then
		judge "$level, $1: invariants asked" "$(cat "$work/error")" ''
		return
	fi
	while IFS='	' read -r what count; do
		judge "$level, $1: $what" "$count" 0
	done <"$work/found"
}

# The number that stands before or after words of pgbench's report.
reported() { sed -n "s/^$1[:=] *\([0-9.]*\).*/\1/p" "$work/report" | head -n 1; }

weights='place@8 batch@1 ship@6 deliver@3 cancel@3 cancel_line@2 receive@3 count@1 change@3 hold@2 reserve@2 fill@2 return@3 raw@2 rollback@1 seal@1 tick@1 as_of@2'
scripts=
for weight in $weights; do
	scripts="$scripts -f $here/${weight%@*}.sql@${weight#*@}"
done

load() {
	PGOPTIONS="-c default_transaction_isolation=$(echo "$level" | sed 's/ /\\ /g')" \
		pgbench -n -c "$clients" -j 2 -T "$1" --random-seed="$seed" --max-tries="$tries" --failures-detailed $scripts "$database" \
		>"$work/report" 2>"$work/error"
	judge "$level: pgbench ends well" "$? $(grep -v '^pgbench: \(setting random seed\|pghost\)' "$work/error" | grep -v '^pgbench (' | head -n 5)" '0 '
}

echo "LOAD_SEED=$seed"
IFS=,
for level in $levels; do
	unset IFS
	database=usom_load
	tries=1
	[ "$level" = 'read committed' ] || tries=200
	psql -X -q -d postgres -c "DROP DATABASE IF EXISTS $database" -c "CREATE DATABASE $database" 2>/dev/null
	ask -f "$here/setup.sql" >"$work/setup" 2>&1
	judge "$level: set up" "$(cat "$work/setup")" ''

	# Half of the time, then a look while the other half runs.
	load $((seconds / 2))
	judge "$level: failed transactions" "$(reported 'number of failed transactions')" 0
	deadlocks=$(reported 'number of deadlock failures')
	[ "$level" != 'read committed' ] || judge "$level: deadlocks" "${deadlocks:-0}" 0
	{
		sleep $((seconds / 4))
		ask -c 'BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT v::text FROM usom.verify() v; COMMIT' \
			-c "SELECT a::text FROM usom.verify_audit(now() - interval '2 s', (SELECT jsonb_agg(d.digest) FROM load.digest d)) a WHERE a.ok IS DISTINCT FROM true" \
			>"$work/alarm" 2>&1
	} &
	watch=$!
	load $((seconds / 2))
	wait $watch
	judge "$level: failed transactions" "$(reported 'number of failed transactions')" 0
	judge "$level: verify() and verify_audit() under load" "$(cat "$work/alarm")" ''
	judge "$level: sealed at the end" "$(ask -c 'CALL usom.tick()' 2>&1)" ''
	invariants 'at the end'

	echo "$level: $(reported 'number of transactions actually processed') transactions, $(reported 'tps ') a second, $(reported 'number of transactions retried' | grep . || echo 0) retried, ${deadlocks:-0} deadlocks"
	ask -F ' ' -c "SELECT '  ' || verb, count(*) FILTER (WHERE sqlstate = '00000') || ' done,', string_agg(DISTINCT nullif(sqlstate, '00000'), ' ') FROM load.outcome GROUP BY verb ORDER BY verb"
	silent=$(ask -c "SELECT string_agg(verb, ', ') FROM (SELECT verb FROM load.outcome GROUP BY verb HAVING count(*) FILTER (WHERE sqlstate = '00000') = 0) t")
	judge "$level: verbs that were never done" "$silent" ''
	psql -X -q -d postgres -c "DROP DATABASE $database"
	IFS=,
done
unset IFS
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
