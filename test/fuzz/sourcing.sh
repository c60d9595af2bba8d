#!/bin/sh
# Random bytes as problems for the sourcing optimiser, under address and
# undefined-behaviour sanitizers: libFuzzer where clang has it, else drawn.
#
# usage: test/fuzz/sourcing.sh [RUNS [SEED]]
set -eu
here=$(cd "$(dirname "$0")" && pwd -P)
runs=${1:-1000000}
seed=${2:-1}
program=$(mktemp "${TMPDIR:-/tmp}/usom_fuzz.XXXXXX")
trap 'rm -f "$program"' EXIT
trap 'exit 130' INT TERM

sanitize='-fno-wrapv -fno-omit-frame-pointer -DSHIM_MALLOC'
# shellcheck disable=SC2086
if CC=clang sh "$here/../sourcing/compile.sh" "$here/sourcing.c" "$program" $sanitize \
	-fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all 2>/dev/null; then
	"$program" -runs="$runs" -seed="$seed" -max_len=400 -print_final_stats=1
else
	sh "$here/../sourcing/compile.sh" "$here/sourcing.c" "$program" $sanitize -DDRAW_INPUTS \
		-fsanitize=address,undefined -fno-sanitize-recover=all
	"$program" "$runs" "$seed"
fi
