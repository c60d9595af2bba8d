#!/bin/sh
# Everything that is tried before a change is taken: builds usom as a private
# copy, starts a private server and runs every part, also after one failed.
# Prints a line a part, what failed, and the sum as the last line.
#
# usage: tools/check.sh [PART...]       without a PART all of them
#
# parts: tidy sourcing build regress isolation pgtap tap twin fuzz doc demo load capacity quota coupon supply backorders credit payments adventureworks prices sums capacity_orders
set -u
. "$(dirname "$0")/lib.sh"
if [ -z "${USOM_BUILD:-}" ]; then
	start=$(now)
	sh "$top/tools/prepare.sh" || exit 1
	export USOM_START="${USOM_START:-$start}"
	exec sh "$top/tools/private.sh" sh tools/check.sh "$@"
fi

USOM_SERVER=check
USOM_SERVER_CONF=$top/tools/check.conf
export USOM_SERVER USOM_SERVER_CONF
logs=$USOM_BUILD/log
passed=0
failed=0
skipped=0
unbuilt=
wanted=${*:-tidy sourcing build regress isolation pgtap tap twin fuzz doc demo load capacity quota coupon supply backorders credit payments adventureworks prices sums capacity_orders}

trap 'sh "$top/tools/server.sh" stop' EXIT
trap 'exit 130' INT TERM

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

# part NAME COMMAND...: run it, count it, show what went wrong.
part() {
	name=$1
	shift
	case " $wanted " in *" $name "*) ;; *) return 0 ;; esac
	if [ -n "$unbuilt" ]; then
		failed=$((failed + 1))
		printf '%-10s not run: usom does not build\n' "$name"
		return 0
	fi
	from=$(now)
	log=$logs/$name.log
	"$@" >"$log" 2>&1 </dev/null
	status=$?
	# shellcheck disable=SC2046
	set -- $(counts "$log")
	ok=$1 bad=$2 skip=$3
	# An exit code that no test accounts for is a failure of its own.
	if [ $status -ne 0 ] && [ "$bad" = 0 ]; then bad=1; fi
	if [ $status -eq 0 ] && [ "$ok$bad$skip" = 000 ]; then ok=1; fi
	passed=$((passed + ok)) failed=$((failed + bad)) skipped=$((skipped + skip))
	printf '%-10s %5d ok %4d failed %6.1f s\n' "$name" "$ok" "$bad" "$(since "$from")"
	[ "$bad" = 0 ] || show "$name" "$log"
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

check_build() { sh "$top/tools/build.sh" && sh "$top/tools/server.sh" fresh; }

# That the script is the one of its rooms is for tidy to say.
# Some of these tests count statements: a vacuum would make backends look up again what they remember.
check_regress() {
	psql -X -q -d postgres -c 'ALTER SYSTEM SET autovacuum = off' -c 'SELECT pg_reload_conf()' >/dev/null || return 1
	run_make installcheck ISOLATION= TAP_TESTS= REGRESS_PREP=
	status=$?
	psql -X -q -d postgres -c 'ALTER SYSTEM RESET autovacuum' -c 'SELECT pg_reload_conf()' >/dev/null || status=1
	return $status
}

check_isolation() { run_make installcheck REGRESS= TAP_TESTS= REGRESS_PREP=; }

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

check_tap() { run_make installcheck REGRESS= ISOLATION= REGRESS_PREP= PROVE_FLAGS="--verbose --timer"; }

check_twin() { sh "$top/test/twin/run.sh"; }

check_fuzz() { sh "$top/test/fuzz/run.sh"; }

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

check_demo() { sh "$top/demo/check.sh"; }

check_load() { LOAD_SECONDS=${LOAD_SECONDS:-20} sh "$top/test/load/run.sh"; }

there() { [ -f "$top/$1" ]; }

part tidy sh "$top/tools/tidy.sh"
part sourcing sh "$top/test/sourcing/run.sh"
sh "$top/tools/server.sh" stop
case " $wanted " in *' build '*) ;; *) wanted="build $wanted" ;; esac
before=$failed
part build check_build
[ "$failed" = "$before" ] || unbuilt=yes
export PGHOST="$USOM_SOCKET/$USOM_SERVER" PGPORT=5432
part regress check_regress
part isolation check_isolation
part pgtap check_pgtap
part tap check_tap
there test/twin/run.sh && part twin check_twin
there test/fuzz/run.sh && part fuzz check_fuzz
there doc/check.sh && part doc check_doc
there demo/check.sh && part demo check_demo
part load check_load
part capacity sh "$top/test/load/capacity.sh"
part quota sh "$top/test/load/quota.sh"
part coupon sh "$top/test/load/coupon.sh"
part credit sh "$top/test/load/credit.sh"
part supply sh "$top/test/load/supply.sh"
part backorders sh "$top/test/load/backorders.sh"
part payments sh "$top/test/load/payments.sh"
part adventureworks sh "$top/test/adventureworks/run.sh"
part prices sh "$top/test/adventureworks/prices.sh"
part sums env PRICING_ORDERS="${PRICING_ORDERS:-1000}" sh "$top/test/pricing/run.sh"
part capacity_orders sh "$top/test/load/capacity_orders.sh"

[ -z "${USOM_START:-}" ] || printf '%-34s %6.1f s\n' 'all' "$(since "$USOM_START")"
line="$passed passed, $failed failed"
[ "$skipped" = 0 ] || line="$line, $skipped skipped"
say "$line"
[ "$failed" = 0 ]
