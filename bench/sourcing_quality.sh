#!/bin/sh
# How far sourcing plans are from the optimum: seeded problems, each solved by
# a MILP solver too; gaps and CPU times.  Needs no server.
#
# usage: bench/sourcing_quality.sh [--install]
#
# --install         install coinor-cbc with apt-get if there is no solver
#
# QUALITY_SMALL     problems of up to 8 lines and 8 locations: 200
# QUALITY_LARGE     of up to 60 lines and 30 locations, without and with daily limits of locations, and over days: 100
# QUALITY_TIMED     that are timed only, of each size: 1000
# QUALITY_SECONDS   that the solver may take for one question: 10
# QUALITY_SEED      1
# QUALITY_SOLVER    cbc or glpsol: what is there
# SOURCING_SHOW     set: a line for each gap
set -eu
here=$(cd "$(dirname "$0")" && pwd -P)

if [ "${1:-}" = --install ] && ! command -v cbc >/dev/null; then
	apt-get install -y -q coinor-cbc >/dev/null
fi
solver=${QUALITY_SOLVER:-$(for name in cbc glpsol; do command -v "$name" >/dev/null && echo "$name" && break; done || true)}
command -v "${CC:-cc}" >/dev/null || { echo 'sourcing quality: there is no C compiler' >&2; exit 1; }

folder=$(mktemp -d "${TMPDIR:-/tmp}/usom_quality.XXXXXX")
trap 'rm -rf "$folder"' EXIT
trap 'exit 130' INT TERM
sh "$here/../test/sourcing/compile.sh" "$here/sourcing_quality.c" "$folder/quality"

status=0
try() { # seconds name cases needs sites
	"$folder/quality" "${solver:-none}" "$folder" "${QUALITY_SEED:-1}" "$@" || status=1
}
timed=${QUALITY_TIMED:-1000}
try 0 5x10 "$timed" 5-5 10-10
try 0 60x30 "$timed" 60-60 30-30
if [ -z "$solver" ]; then
	echo 'no gaps: neither cbc nor glpsol is installed (apt-get install coinor-cbc, or run this with --install)'
	exit $status
fi
try "${QUALITY_SECONDS:-10}" small "${QUALITY_SMALL:-200}" 1-8 1-8 limited
try "${QUALITY_SECONDS:-10}" large "${QUALITY_LARGE:-100}" 1-60 3-30
try "${QUALITY_SECONDS:-10}" limited "${QUALITY_LARGE:-100}" 1-60 3-30 limited
try "${QUALITY_SECONDS:-10}" days "${QUALITY_LARGE:-100}" 1-60 3-30 days
exit $status
