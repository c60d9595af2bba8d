#!/bin/sh
# All EDI, UBL and Shopify files of data/: converted afresh, and compared with
# what is kept converted; then taken in, each file by a channel of its own, once
# as they are and once without what only their envelopes say; then what became
# of them is compared with what was read off the files by hand, and with the
# totals that they tell themselves.
#
# Converting needs Node.js and the packages of tools/intake; without them the
# kept JSON is taken, and a line says so.
#
# The connection is psql's own (PGHOST, PGPORT, PGUSER); a database is made and
# dropped.  Prints what it found, and ends with "N passed, N failed".
#
# usage: test/intake/run.sh [--write]
#
# --write       converts afresh and keeps that
# INTAKE_KEEP   yes: the database usom_intake stays
set -eu
here=$(cd "$(dirname "$0")" && pwd -P)
top=$(cd "$here/../.." && pwd -P)
database=usom_intake
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export PGOPTIONS="${PGOPTIONS:-} -c client_min_messages=warning"

sql() { psql -X -q -v ON_ERROR_STOP=1 -P pager=off -d "$database" "$@"; }

# convert [--lenient]: every message of every file, with the file's name and its place in it; the largest file goes by itself.
convert() {
	(cd "$here/data" && find edi ubl -type f ! -name '*.xz' -print0 | LC_ALL=C sort -z | xargs -0 node "$tools/to-json.mjs" --name "$@")
}

kept() { xz -dc "$here/converted/$1.jsonl.xz"; }

compared= huge=no
if tools=$(sh "$top/tools/intake/install.sh" "${USOM_BUILD:-$top/build}/intake"); then
	convert >"$work/strict"
	convert --lenient >"$work/lenient"
	for mode in strict lenient; do
		if [ "${1:-}" = --write ]; then xz -9 -c "$work/$mode" >"$here/converted/$mode.jsonl.xz"; fi
		if kept $mode | cmp -s - "$work/$mode"; then compared="$compared ok:$mode"; else compared="$compared differs:$mode"; fi
	done
	xz -dc "$here"/data/edi/nerdocs+pydifact/tests__data__huge_file2.edi.xz | node "$tools/to-json.mjs" --lenient >"$work/huge"
	huge=yes
else
	echo "Node.js or its packages are not there: the files are not converted afresh"
	for mode in strict lenient; do kept $mode >"$work/$mode"; done
fi

# named FILE...: a line each, its name and its JSON, with the byte 2 in between.
named() { for file in "$@"; do printf '%s\002%s\n' "$(basename "$file")" "$(tr -d '\n\r\t' <"$file")"; done; }
named "$here"/expected/*.json >"$work/documents"
named "$here"/data/shopify/*.json >"$work/shop"

psql -X -q -d postgres -c "DROP DATABASE IF EXISTS $database" -c "CREATE DATABASE $database"
sql -f "$here/take.sql" -v compared="$compared" -v strict="$work/strict" -v lenient="$work/lenient" -v huge="$work/huge" -v has_huge="$huge" -v documents="$work/documents" -v shop="$work/shop" \
	-v expected="$here/expected.csv"
sent=
if [ $huge = yes ]; then
	sent=$(PGDATABASE=$database INTAKE_TOOLS=$tools sh "$top/tools/intake/send.sh" send "$here/data/edi/own/latin1.edi" "$here/data/edi/own/no_se.edi" || true)
fi
sql -At -f "$here/report.sql" -v has_sent=$huge -v sent="$sent"
[ "${INTAKE_KEEP:-}" = yes ] || psql -X -q -d postgres -c "DROP DATABASE $database"
