#!/bin/sh
# Random inputs for the parts that know no PostgreSQL, each built alone with
# sanitizers.  One line a part: ok, or not ok with the input.
#
# usage: test/fuzz/run.sh
#
# FUZZ_SEED     seed of the inputs: 20101201
# FUZZ_RUNS     inputs a part: 2000000
set -eu
here=$(cd "$(dirname "$0")" && pwd -P)
top=$(cd "$here/../.." && pwd -P)
seed=${FUZZ_SEED:-20101201}
runs=${FUZZ_RUNS:-2000000}

build=$(mktemp -d "${TMPDIR:-/tmp}/usom_fuzz.XXXXXX")
trap 'rm -rf "$build"' EXIT
trap 'exit 130' INT TERM
echo "# seed $seed, runs $runs"
status=0
for part in card; do
	"${CC:-gcc}" -std=gnu99 -O2 -g -Wall -Wextra -Werror -fno-wrapv -fsanitize=address,undefined -fno-sanitize-recover=all \
		-I"$top/src" "$here/$part.c" "$top/src/base/$part.c" -o "$build/$part"
	"$build/$part" "$seed" "$runs" || status=1
done
exit $status
