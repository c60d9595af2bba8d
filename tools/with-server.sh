#!/bin/sh
# Run a command against a private server: usom built and installed, the server
# started, PGHOST, PGPORT and PGUSER set.  The server stops with the command.
#
# usage: tools/with-server.sh [--with PACKAGE] NAME [--keep] COMMAND [ARGUMENT...]
#
# NAME names the server (server.sh); its cluster is made anew unless --keep.
set -eu
. "$(dirname "$0")/lib.sh"
if [ -z "${USOM_BUILD:-}" ]; then
	with=
	if [ "$1" = --with ]; then
		with="--with $2"
		shift 2
	fi
	exec sh "$top/tools/private.sh" $with sh tools/with-server.sh "$@"
fi

USOM_SERVER=$1
export USOM_SERVER
shift
how=fresh
if [ "$1" = --keep ]; then
	how=start
	shift
fi
sh "$top/tools/build.sh"
trap 'sh "$top/tools/server.sh" stop' EXIT
trap 'exit 130' INT TERM
sh "$top/tools/server.sh" $how
export PGHOST="$USOM_SOCKET/$USOM_SERVER" PGPORT=5432
"$@"
