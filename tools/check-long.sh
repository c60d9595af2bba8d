#!/bin/sh
# The tests that gain from time, for hours: load at three isolation levels,
# the crash matrix, a million calls in one session, time limits in every verb.
# Prints their figures; ends with one line "N passed, N failed".
#
# Every figure can be set: LOAD_SECONDS (a level), PRICING_ORDERS, CRASH_ROUNDS, MEMORY_CALLS,
# LIMITS_ROUNDS (tries a verb), FUZZ_RUNS (inputs a part).
set -u
. "$(dirname "$0")/lib.sh"
: "${LOAD_SECONDS:=1800}" "${PRICING_ORDERS:=10000}" "${CRASH_ROUNDS:=1000}" "${MEMORY_CALLS:=1000000}" "${LIMITS_ROUNDS:=1000}" "${FUZZ_RUNS:=100000000}"
export LOAD_SECONDS PRICING_ORDERS CRASH_ROUNDS MEMORY_CALLS LIMITS_ROUNDS FUZZ_RUNS

say "a level of load $LOAD_SECONDS s, $CRASH_ROUNDS crash rounds, $MEMORY_CALLS calls in a session, $LIMITS_ROUNDS limits a verb, $FUZZ_RUNS inputs a fuzzer"
exec sh "$top/tools/check.sh" "$@"
