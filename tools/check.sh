#!/bin/sh
# Everything that is tried before a change is taken: builds usom as a private
# copy and runs every part, also after one failed, in two lanes at once, each
# on a private server of its own.  Prints a line a part, what failed, and the
# sum as the last line.
#
# usage: tools/check.sh [PART...]       without a PART all of them
set -u
first_parts='tidy build'
first_lane='regress isolation pgtap twin doc adventureworks intake mutate prices coupon quota supply capacity hot'
second_lane='tap sourcing fuzz demo sums load capacity_orders credit backorders payments year bench'
. "$(dirname "$0")/lib.sh"
if [ -z "${USOM_BUILD:-}" ]; then
	start=$(now)
	sh "$top/tools/prepare.sh" || exit 1
	sh "$top/tools/prepare.sh" pgbouncer || warn 'without pgbouncer, the test behind a pooler is skipped'
	export USOM_START="${USOM_START:-$start}"
	exec sh "$top/tools/private.sh" sh tools/check.sh "$@"
fi

USOM_SERVER_CONF=$top/tools/check.conf
export USOM_SERVER_CONF
logs=$USOM_BUILD/log
unbuilt=
wanted=${*:-$first_parts $first_lane $second_lane}
case " $wanted " in *' build '*) ;; *) wanted="build $wanted" ;; esac
for word in $wanted; do
	case " $first_parts $first_lane $second_lane " in *" $word "*) ;; *) die "no part $word: $first_parts $first_lane $second_lane" ;; esac
done
rm -f "$logs"/*.tally

stop_server() { USOM_SERVER=$1 sh "$top/tools/server.sh" stop; }
trap 'stop_server check; stop_server check2' EXIT
trap 'kill $lanes 2>/dev/null; wait; exit 130' INT TERM
lanes=

# ---- the tally ----

# counts LOG: "passed failed skipped", read from what the runners print.
#
#   pg_regress    test NAME ... ok | FAILED, or ok N - | not ok N - since 16
#   TAP           ok | not ok, with their directives
#   our scripts   N passed, N failed as the last such line
counts() {
	awk '
		/^[0-9]+ passed, [0-9]+ failed/ { told = 1; told_ok = $1; told_bad = $3; next }
		/^(test )? *[A-Za-z0-9_-]+ +\.\.\. .*ok( \(skipped\))? +[0-9]+ ms/ { ok++; next }
		/^(test )? *[A-Za-z0-9_-]+ +\.\.\. .*FAILED/ { bad++; next }
		/^ok .*# [Ss][Kk][Ii][Pp]/ { skip++; next }
		/^ok / { ok++; next }
		/^not ok .*# T''ODO/ { skip++; next }
		/^not ok / { bad++; next }
		END {
			if (told) { ok = told_ok; bad = told_bad }
			print ok + 0, bad + 0, skip + 0
		}' "$1"
}

# part NAME: run it, count it into a file, show what went wrong.
part() {
	name=$1
	case " $wanted " in *" $name "*) ;; *) return 0 ;; esac
	if [ -n "$unbuilt" ]; then
		echo '0 1 0' >"$logs/$name.tally"
		printf '%-15s not run: usom does not build\n' "$name"
		return 0
	fi
	from=$(now)
	log=$logs/$name.log
	run_part "$name" >"$log" 2>&1 </dev/null
	status=$?
	# shellcheck disable=SC2046
	set -- $(counts "$log")
	ok=$1 bad=$2 skip=$3
	# An exit code that no test accounts for is a failure of its own.
	if [ $status -ne 0 ] && [ "$bad" = 0 ]; then bad=1; fi
	if [ $status -eq 0 ] && [ "$ok$bad$skip" = 000 ]; then ok=1; fi
	echo "$ok $bad $skip" >"$logs/$name.tally"
	{
		printf '%-15s %6d ok %4d failed %6.1f s\n' "$name" "$ok" "$bad" "$(since "$from")"
		[ "$bad" = 0 ] || show "$name" "$log"
	} >"$logs/$name.told"
	cat "$logs/$name.told"
}

# lane SERVER PART...: the parts one after the other, on a server of that name.
lane() {
	export USOM_SERVER="$1" PGHOST="$USOM_SOCKET/$1" PGPORT=5432
	shift
	[ -n "$unbuilt" ] || sh "$top/tools/server.sh" fresh || unbuilt=yes
	for each in "$@"; do part "$each"; done
}

# The lines of a log that tell what failed, then where the rest is.
show() {
	{
		case $1 in
		regress | isolation)
			grep -E 'FAILED|^not ok|ERROR|Error' "$2"
			head -n 80 "$top/$([ "$1" = regress ] && echo regression.diffs || echo output_iso/regression.diffs)"
			;;
		tap | pgtap) grep -E -A 6 '^not ok|^ *# +Failed|^# Looks like|Bad plan|ERROR|died' "$2" | grep -v '^ok ' | head -n 80 ;;
		*) tail -n 40 "$2" ;;
		esac
	} 2>/dev/null | sed 's/^/    /'
	printf '    all of it: %s\n' "$2"
}

# ---- the parts ----

run_make() { make -C "$top" --no-print-directory PG_CONFIG="$PG_CONFIG" with_llvm=no WERROR=1 "$@"; }

# That the script is the one of its rooms is for tidy to say.
# Some of these tests count statements: a vacuum would make backends look up again what they remember.
check_regress() {
	psql -X -q -d postgres -c 'ALTER SYSTEM SET autovacuum = off' -c 'SELECT pg_reload_conf()' >/dev/null || return 1
	run_make installcheck ISOLATION= TAP_TESTS= REGRESS_PREP=
	status=$?
	psql -X -q -d postgres -c 'ALTER SYSTEM RESET autovacuum' -c 'SELECT pg_reload_conf()' >/dev/null || status=1
	return $status
}

# Every file in one database of its own folder's making: the files roll back.
check_pgtap() {
	psql -X -q -d postgres -c 'DROP DATABASE IF EXISTS usom_pgtap' -c 'CREATE DATABASE usom_pgtap' || return 1
	psql -X -q -v ON_ERROR_STOP=1 -d usom_pgtap -c 'CREATE EXTENSION pgtap' -c 'CREATE EXTENSION usom' \
		-c 'SELECT usom.install()' || return 1
	status=0
	for file in "$top"/test/pgtap/*.sql; do
		echo "# $(basename "$file")"
		(cd "$top" && psql -X -q -At -v ON_ERROR_STOP=1 -P pager=off -d usom_pgtap -f "$file") >"$logs/pgtap.one" 2>&1 || {
			echo "not ok - $(basename "$file") ran to its end"
			status=1
		}
		cat "$logs/pgtap.one"
		grep -qE '^not ok|^# Looks like' "$logs/pgtap.one" && status=1
	done
	rm -f "$logs/pgtap.one"
	return $status
}

# The reference is made from the comments of a database.
check_doc() {
	export PGDATABASE=usom_doc
	psql -X -q -d postgres -c 'DROP DATABASE IF EXISTS usom_doc' -c 'CREATE DATABASE usom_doc' &&
		psql -X -q -v ON_ERROR_STOP=1 -c 'CREATE EXTENSION usom' -c 'SELECT usom.install()' >/dev/null &&
		sh "$top/doc/check.sh" --reference
	status=$?
	unset PGDATABASE
	return $status
}

run_part() {
	case $1 in
	tidy) sh "$top/tools/tidy.sh" ;;
	sourcing) sh "$top/test/sourcing/run.sh" ;;
	build) sh "$top/tools/build.sh" ;;
	regress) check_regress ;;
	isolation) run_make installcheck REGRESS= TAP_TESTS= REGRESS_PREP= ;;
	pgtap) check_pgtap ;;
	tap) run_make installcheck REGRESS= ISOLATION= REGRESS_PREP= PROVE_FLAGS="--verbose --timer" ;;
	twin | fuzz | adventureworks) sh "$top/test/$1/run.sh" ;;
	doc) check_doc ;;
	demo) sh "$top/demo/check.sh" ;;
	prices) sh "$top/test/adventureworks/prices.sh" ;;
	intake) sh "$top/test/intake/run.sh" ;;
	mutate | year) sh "$top/test/intake/$1.sh" ;;
	sums) PRICING_ORDERS="${PRICING_ORDERS:-1000}" sh "$top/test/pricing/run.sh" ;;
	load) LOAD_SECONDS=${LOAD_SECONDS:-20} sh "$top/test/load/run.sh" ;;
	bench) BENCH_QUICK=1 BENCH_PICTURE=/dev/null BENCH_RESULTS=/dev/null sh "$top/bench/run.sh" place_order lifecycle curve ;;
	*) sh "$top/test/load/$1.sh" ;;
	esac
}

for each in $first_parts; do part "$each"; done
case $(cat "$logs/build.tally") in *' 0 '*) ;; *) unbuilt=yes ;; esac
lane check $first_lane &
lanes=$!
lane check2 $second_lane &
lanes="$lanes $!"
wait

[ -z "${USOM_START:-}" ] || printf '%-39s %6.1f s\n' 'all' "$(since "$USOM_START")"
# shellcheck disable=SC2046
set -- $(cat "$logs"/*.tally | awk '{ p += $1; f += $2; s += $3 } END { print p + 0, f + 0, s + 0 }')
line="$1 passed, $2 failed"
[ "$3" = 0 ] || line="$line, $3 skipped"
say "$line"
[ "$2" = 0 ]
