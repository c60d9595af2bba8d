#!/bin/sh
# Print doc/reference.md from the comments of a database in which usom is
# installed (CREATE EXTENSION usom; SELECT usom.install();).  The connection
# is psql's own: PGHOST, PGPORT, PGDATABASE, PGUSER.
#
# Which room an object belongs to is read from src/, the rest from the catalog.
#
# usage: tools/make-reference.sh > doc/reference.md
set -eu
top=$(cd "$(dirname "$0")/.." && pwd)

# "name<tab>room" for everything that a room's SQL creates.
rooms() {
	cd "$top/src"
	for room in *; do
		[ -d "$room" ] || continue
		cat "$room"/*.sql 2>/dev/null |
		sed -nE "s/^CREATE (OR REPLACE )?(FUNCTION|PROCEDURE|VIEW|TABLE|TYPE|DOMAIN) usom\.([a-z0-9_]+).*/\3	$room/p" |
		sort -u
	done
}

${PSQL:-psql} -X -q -A -t -v ON_ERROR_STOP=1 <<SQL
SET client_min_messages = warning;
SET search_path = pg_catalog;
SELECT usom.version() AS version \\gset
CREATE TEMP TABLE object_room (name text, room text);
COPY object_room FROM STDIN;
$(rooms)
\\.
CREATE TEMP TABLE topic (position integer, room text, title text);
INSERT INTO topic VALUES
	(1, 'api', 'Orders: place, change, fulfil'), (2, 'order', 'Orders: life cycle and holds'), (3, 'stock', 'Stock'),
	(4, 'sourcing', 'Sourcing'), (5, 'fulfillment', 'Shipments'), (6, 'returns', 'Returns'), (7, 'party', 'Organisations, channels, customers'),
	(8, 'product', 'Products'), (9, 'pricing', 'Prices'), (10, 'payment', 'Payments'), (11, 'intake', 'Intake'),
	(12, 'analytics', 'Reading and checking'), (13, 'audit', 'Audit'), (14, 'security', 'Security'),
	(15, 'base', 'Installation and upkeep'), (16, 'guide', 'Help and demo');

-- Types as people write them, defaults without casts.
CREATE FUNCTION pg_temp.short(declaration text) RETURNS text LANGUAGE sql
	RETURN replace(regexp_replace(declaration, '::[a-z ]+', '', 'g'), 'timestamp with time zone', 'timestamptz');

-- A comment as Markdown: a line is a paragraph, the example at the end is code.
CREATE FUNCTION pg_temp.prose(comment text) RETURNS text LANGUAGE sql
	RETURN regexp_replace(replace(comment, E'\n', E'\n\n'), '[[:space:]]+Example: *(.*)\$', E'\n\n\`\`\`\n\\\\1\n\`\`\`');

-- Public functions: no leading underscore, no trigger, nothing that only types need.
CREATE TEMP VIEW public_function AS
SELECT p.oid, p.proname::text AS name, coalesce(r.room, 'base') AS room,
	pg_temp.short(format('usom.%s(%s)', p.proname, pg_get_function_arguments(p.oid))) AS signature,
	pg_temp.short(pg_get_function_result(p.oid)) AS result,
	pg_temp.prose(obj_description(p.oid, 'pg_proc')) AS comment
FROM pg_proc p LEFT JOIN object_room r ON r.name = p.proname
WHERE p.pronamespace = 'usom'::regnamespace AND p.prokind IN ('f', 'p') AND p.proname !~ '^_'
	AND p.prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype, 'cstring'::regtype)
	AND NOT EXISTS (SELECT FROM unnest(p.proargtypes || p.prorettype) AS t (oid)
		JOIN pg_type y ON y.oid = t.oid
		WHERE y.typname IN ('internal', 'cstring') OR (y.typnamespace = 'usom'::regnamespace AND y.typtype = 'b'));

CREATE FUNCTION pg_temp.cell(value text) RETURNS text LANGUAGE sql
	RETURN replace(regexp_replace(coalesce(value, ''), E'\\\\s*\\n\\\\s*', ' ', 'g'), '|', '\\|');
CREATE FUNCTION pg_temp.anchor(heading text) RETURNS text LANGUAGE sql
	RETURN replace(regexp_replace(lower(heading), '[^a-z0-9 _-]', '', 'g'), ' ', '-');

-- Columns of a view or table as a Markdown table.
CREATE FUNCTION pg_temp.columns(relation oid) RETURNS text LANGUAGE sql
	RETURN (SELECT E'| column | type | |\\n|---|---|---|\\n' || string_agg(format('| \`%s\` | %s | %s |', attname,
			pg_temp.cell(pg_temp.short(format_type(atttypid, atttypmod))),
			pg_temp.cell(col_description(attrelid, attnum))), E'\\n' ORDER BY attnum)
		FROM pg_attribute WHERE attrelid = relation AND attnum > 0 AND NOT attisdropped);

\\qecho '# Reference'
\\qecho
\\qecho '<!-- Made by tools/make-reference.sh from the comments in the database; do not edit. -->'
\\qecho
\\qecho 'Everything below can be read in psql too: \`SELECT * FROM usom.help()\`, \`\\\\df+ usom.*\`, \`\\\\d+ usom.orders\`.'
\\qecho
SELECT format('- [%s](#%s)', title, pg_temp.anchor(title))
FROM topic WHERE room IN (SELECT room FROM public_function) ORDER BY position;
\\qecho '- [Views](#views)'
\\qecho '- [Tables](#tables)'
\\qecho '- [Types](#types)'
\\qecho '- [Settings](#settings)'

SELECT CASE WHEN row_number() OVER (PARTITION BY t.room ORDER BY f.name, f.signature) = 1 THEN E'\\n## ' || t.title || E'\\n' ELSE '' END
	|| format(E'\\n### \`%s\`\\n\\n%s%s', f.signature,
		CASE WHEN f.result IS NULL THEN 'Procedure.' ELSE format('Returns \`%s\`.', f.result) END, E'\\n\\n' || f.comment)
FROM public_function f JOIN topic t ON t.room = f.room
ORDER BY t.position, f.name, f.signature;

\\qecho
\\qecho '## Views'
SELECT format(E'\\n### \`usom.%s\`\\n\\n%s\\n\\n%s', relname, pg_temp.prose(obj_description(oid, 'pg_class')), pg_temp.columns(oid))
FROM pg_class WHERE relnamespace = 'usom'::regnamespace AND relkind = 'v' AND relname !~ '^_' ORDER BY relname;

\\qecho
\\qecho '## Tables'
\\qecho
\\qecho 'Who reads should take the views. Master data is written by plain INSERT and UPDATE, the rest by functions.'
SELECT format(E'\\n### \`usom.%s\`\\n\\n%s\\n\\n%s', relname, pg_temp.prose(obj_description(oid, 'pg_class')), pg_temp.columns(oid))
FROM pg_class WHERE relnamespace = 'usom'::regnamespace AND relkind IN ('r', 'p') AND relname !~ '^_' ORDER BY relname;

\\qecho
\\qecho '## Types'
\\qecho
\\qecho '| type | |'
\\qecho '|---|---|'
SELECT format('| \`usom.%s\` | %s |', typname, pg_temp.cell(obj_description(oid, 'pg_type')))
FROM pg_type WHERE typnamespace = 'usom'::regnamespace AND typtype IN ('b', 'd') AND typelem = 0 AND typname !~ '^_' ORDER BY typname;

\\qecho
\\qecho '## Settings'
\\qecho
\\qecho '| setting | default | who may set it | |'
\\qecho '|---|---|---|---|'
SELECT format('| \`%s\` | %s | %s | %s |', name, CASE boot_val WHEN '' THEN 'empty' ELSE format('\`%s\`', boot_val) END,
	CASE context WHEN 'user' THEN 'anybody' WHEN 'superuser' THEN 'superuser' ELSE context END, pg_temp.cell(short_desc))
FROM pg_settings WHERE name LIKE 'usom.%' ORDER BY name;
SQL
