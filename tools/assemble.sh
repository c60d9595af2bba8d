#!/bin/sh
# Print the extension script: the members of every room, lowest room first (of
# a room <room>.sql, then its other files by name; schema.sql and schema_*.sql
# are not of them), then the DDL of every room as the view usom._migration for install().
#
# Two directives are understood, each alone on a line of a room's SQL:
#   -- state_type NAME    replaced by src/base/state_type.sql.in for that type
#   -- step N             (schema.sql, then schema_*.sql by name) starts migration step N of the room
#
# usage: assemble.sh VERSION ROOM...
set -eu
# The order of files by name must not depend on who assembles.
export LC_ALL=C
version=$1
shift
top=$(cd "$(dirname "$0")/.." && pwd)

members() {
	awk -v template="$top/src/base/state_type.sql.in" '
		/^-- state_type / {
			while ((getline line < template) > 0) {
				gsub(/@TYPE@/, $3, line)
				print line
			}
			close(template)
			next
		}
		{ print }' "$1"
}

# One row a step.  Step numbers run through all rooms: room number times 100
# plus the step.
steps() {
	awk -v room="$2" -v base="$3" -v comma="$4" '
		/^-- step / { close_step(); number = base + $3; open_step(); next }
		number { print }
		END { close_step() }
		function open_step() {
			printf "%s\n\n(1, %d, %s, $usom_step$\n", comma, number, "\047" room "\047"
			comma = ","
		}
		function close_step() { if (number) printf "$usom_step$)" }' "$1"
}

# Files of a room beside its own and those of its schema.
others() {
	for file in "$top/src/$1"/*.sql; do
		case $file in "$top/src/$1/$1.sql" | */schema.sql | */schema_*.sql) ;; *) echo "$file" ;; esac
	done
}

cat <<HEAD
/* usom--$version.sql: assembled from src/<room>/ by tools/assemble.sh; do not edit. */

-- complain if the script is sourced in psql, rather than by CREATE EXTENSION
\\echo Use "CREATE EXTENSION usom" to load this file. \\quit

HEAD
for room in "$@"; do
	for file in "$top/src/$room/$room.sql" $(others "$room"); do
		[ -f "$file" ] || continue
		printf '%s\n\n' "/* ---- $room ---- */"
		members "$file"
		echo
	done
done
printf '%s\n\n' "/* ---- what install() runs ---- */"
printf 'CREATE OR REPLACE VIEW usom._migration (version, number, room, text) WITH (security_invoker = true) AS VALUES'
number=0
comma=
for room in "$@"; do
	number=$((number + 1))
	for file in "$top/src/$room/schema.sql" "$top/src/$room"/schema_*.sql; do
		[ -f "$file" ] || continue
		steps "$file" "$room" $((number * 100)) "$comma"
		comma=,
	done
done
printf ';\n'
