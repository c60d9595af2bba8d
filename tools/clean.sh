#!/bin/sh
# Remove ./build/ and what belongs to it elsewhere; its servers are stopped first.
set -eu
. "$(dirname "$0")/lib.sh"
[ -e "$top/build" ] || [ -L "$top/build" ] || exit 0

build=$(cd "$top/build" 2>/dev/null && pwd -P) || {
	rm -f "$top/build"
	exit 0
}
for pid_file in "$build"/*/data/postmaster.pid; do
	[ -f "$pid_file" ] || continue
	data=$(dirname "$pid_file")
	pg_ctl=$(find "$build/tree" -name pg_ctl -type f | head -n 1)
	if [ "$(id -u)" = 0 ]; then
		runuser -u "$(stat -c %U "$data")" -- "$pg_ctl" -D "$data" -m fast -w stop >/dev/null || true
	else
		"$pg_ctl" -D "$data" -m fast -w stop >/dev/null || true
	fi
done
if [ -f "$build/socket" ]; then
	socket=$(cat "$build/socket")
	case $socket in
	/tmp/usom.*) rm -rf "$socket" ;;
	esac
fi
rm -rf "$build"
[ ! -L "$top/build" ] || rm "$top/build"
