#!/bin/sh
# Compile a program that uses the optimiser, without PostgreSQL.
#
# usage: test/sourcing/compile.sh PROGRAM OUTPUT [COMPILER OPTION...]
set -eu
top=$(cd "$(dirname "$0")/../.." && pwd -P)
program=$1
output=$2
shift 2
cd "$top"
# shellcheck disable=SC2046
exec ${CC:-cc} -O2 -g -Wall -Wextra -Wno-unused-parameter "$@" -Itest/fuzz/shim -Isrc -Itest/sourcing \
	$(for file in candidates greedy fill refill rent change revise flow share search bound branch optimise reason batch ration pool rationing; do echo "src/sourcing/$file.c"; done) \
	test/fuzz/shim/shim.c test/sourcing/instance.c "$program" -o "$output"
