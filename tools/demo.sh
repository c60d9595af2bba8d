#!/bin/sh
# Replay the real orders of the demo on a private server, which stops
# afterwards; `make psql` opens it again.
#
# usage: tools/demo.sh [week|month|year]
set -eu
. "$(dirname "$0")/lib.sh"
span=${1:-month}
case $span in
week | month | year) ;;
*) die "DEMO=$span: week, month or year" ;;
esac
if [ -z "${USOM_BUILD:-}" ]; then
	exec sh "$top/tools/with-server.sh" demo sh tools/demo.sh "$span"
fi

# demo/run.sh makes this database anew; make psql opens it.
PGDATABASE=usom_demo
export PGDATABASE
echo "$PGDATABASE" >"$USOM_BUILD/demo/database"
sh "$top/demo/run.sh" "$span"
