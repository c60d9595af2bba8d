#!/bin/sh
# Make anew the documents that are made from the sources: the list of errors,
# the reference (from the COMMENTs of a database), the stories that run what
# the documents show.
set -eu
. "$(dirname "$0")/lib.sh"

# Inside: print the reference.
if [ -n "${USOM_BUILD:-}" ]; then
	export PGDATABASE=usom_doc
	createdb "$PGDATABASE"
	psql -X -q -v ON_ERROR_STOP=1 -c 'CREATE EXTENSION usom' -c 'SELECT usom.install()' >/dev/null 2>&1
	exec sh "$top/tools/make-reference.sh"
fi

sh "$top/tools/make-errors.sh" >"$top/doc/errors.md"
while read -r document name; do
	sh "$top/tools/make-story.sh" "$document" >"$top/sql/$name.sql"
done <"$top/doc/stories.txt"
reference=$(mktemp)
trap 'rm -f "$reference"' EXIT
sh "$top/tools/with-server.sh" doc sh tools/doc.sh >"$reference"
cat "$reference" >"$top/doc/reference.md"
