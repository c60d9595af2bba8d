# Sourced by the benches: budgets, each told in one line when it is measured.
#
#   budget NAME LIMIT MEASURED le|ge
#
# says whether MEASURED is at most (le) or at least (ge) LIMIT, both plain
# numbers whose unit is in NAME.  "-" as MEASURED: there was no way to measure
# it here.  The line is printed, and appended to the file that BENCH_BUDGETS
# names, as
#
#   name | limit | measured | met, MISSED or not measured
#
# run.sh prints the lines of all benches as one table at its end (budget_table
# FILE).  budgets_kept, as a last command, fails if BENCH_CHECK is set and this
# script missed a budget.
budgets_missed=0

budget() { # name limit measured le|ge
	case $4 in le) budget_sign='<=' ;; ge) budget_sign='>=' ;; *) echo "budget: $4 is neither le nor ge" >&2; return 2 ;; esac
	case $3 in
	-) budget_verdict='not measured' ;;
	'' | *[!0-9.eE+-]*) echo "budget $1: \"$3\" is no number" >&2; return 2 ;;
	*)
		budget_verdict=$(awk -v limit="$2" -v measured="$3" -v sense="$4" 'BEGIN {
			print (sense == "le" ? measured + 0 <= limit + 0 : measured + 0 >= limit + 0) ? "met" : "MISSED" }')
		;;
	esac
	[ "$budget_verdict" != MISSED ] || budgets_missed=$((budgets_missed + 1))
	printf 'budget: %s | %s %s | %s | %s\n' "$1" "$budget_sign" "$2" "$3" "$budget_verdict"
	[ -z "${BENCH_BUDGETS:-}" ] || printf '%s | %s %s | %s | %s\n' "$1" "$budget_sign" "$2" "$3" "$budget_verdict" >>"$BENCH_BUDGETS"
}

budget_table() { # file
	awk -F ' [|] ' '
		{ line[NR] = $0; if (length($1) > wide) wide = length($1); verdict[$4]++ }
		END {
			printf "%-" wide "s%14s%14s  %s\n", "budget", "limit", "measured", ""
			for (i = 1; i <= NR; i++) {
				split(line[i], f, " [|] ")
				printf "%-" wide "s%14s%14s  %s\n", f[1], f[2], f[3], f[4]
			}
			printf "%d of %d budgets met, %d missed, %d not measured\n", verdict["met"], NR, verdict["MISSED"], verdict["not measured"]
		}' "$1"
}

budgets_kept() { [ -z "${BENCH_CHECK:-}" ] || [ "$budgets_missed" = 0 ]; }
