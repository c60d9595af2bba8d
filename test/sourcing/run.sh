#!/bin/sh
# Properties of the sourcing optimiser, of batches, of fair shares and of backorder processing over seeded problems,
# then random bytes through the optimiser's fuzz harness: compiled alone, with sanitizers, without a server.
#
# usage: test/sourcing/run.sh
#
# SOURCING_SEED     seed of the problems: 20101201
# SOURCING_CASES    how many, as a multiple of the usual: 1
# SOURCING_FUZZ         inputs of the harness: 20000
set -eu
here=$(cd "$(dirname "$0")" && pwd -P)
folder=$(mktemp -d "${TMPDIR:-/tmp}/usom_sourcing.XXXXXX")
trap 'rm -rf "$folder"' EXIT
trap 'exit 130' INT TERM

sh "$here/compile.sh" "$here/property.c" "$folder/property"
"$folder/property" "${SOURCING_SEED:-20101201}" "${SOURCING_CASES:-1}" && status=0 || status=$?
sh "$here/compile.sh" "$here/batch_property.c" "$folder/batch"
"$folder/batch" "${SOURCING_SEED:-20101201}" "${SOURCING_CASES:-1}" || status=$?
sh "$here/compile.sh" "$here/ration_property.c" "$folder/ration"
"$folder/ration" "${SOURCING_SEED:-20101201}" "${SOURCING_CASES:-1}" || status=$?
sh "$here/compile.sh" "$here/rationing_property.c" "$folder/rationing" "$here/rationing_case.c"
"$folder/rationing" "${SOURCING_SEED:-20101201}" "${SOURCING_CASES:-1}" || status=$?
sh "$here/../fuzz/sourcing.sh" "${SOURCING_FUZZ:-20000}" >"$folder/fuzz" 2>&1 && echo 'ok - fuzz harness' || {
	echo 'not ok - fuzz harness'
	tail -n 30 "$folder/fuzz"
	status=1
}
exit $status
