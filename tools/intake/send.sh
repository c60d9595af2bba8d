#!/bin/sh
# Takes files of EDI and UBL in: converts them, and has usom.ingest() take each
# message.  What it is about, its mapping says.  Prints a line for each message;
# one that is refused (US801: the same order with another content) is told, and
# the rest goes on.
#
# The connection is psql's own (PGHOST, PGDATABASE, PGUSER, PGOPTIONS='-c usom.org=...').
#
# usage: tools/intake/send.sh CHANNEL [--lenient] [FILE...]       without a FILE standard input
#
# INTAKE_TOOLS  where tools/intake/install.sh has put the converter: a folder of the user's
# Ends with 0 if every message was processed, 1 if not, 2 if none could be sent.
set -eu
here=$(cd "$(dirname "$0")" && pwd -P)
[ $# -gt 0 ] || {
	echo "usage: tools/intake/send.sh CHANNEL [--lenient] [FILE...]" >&2
	exit 2
}
channel=$1
shift
tools=$(sh "$here/install.sh" "${INTAKE_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/usom-intake}") || exit 2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
node "$tools/to-json.mjs" "$@" >"$work/messages" || exit 2
psql -X -q -At -v ON_ERROR_STOP=1 -v channel="$channel" -v messages="$work/messages" -f "$here/send.sql" >"$work/told" || exit 2
cat "$work/told"
! grep -qv '^processed' "$work/told"
