#!/bin/sh
# Print the ```sql blocks of a document as a regression test, so that what the
# document shows is run.  The story gets a database of its own, with usom
# installed: its numbers begin at 1, whatever ran before.
#
# usage: tools/make-story.sh doc/tutorial.md > sql/story_tutorial.sql
set -eu
document=$1

cat <<HEAD
-- The SQL of $document, made by tools/make-story.sh: edit the document.
SELECT current_database() AS home \\gset
SET client_min_messages = warning;
DROP DATABASE IF EXISTS usom_story;
CREATE DATABASE usom_story TEMPLATE template0;
\\c usom_story
SET lc_messages = 'C';
SET client_min_messages = warning;
CREATE EXTENSION usom;
SELECT count(*) > 0 AS installed FROM usom.install();
HEAD
awk '
	/^```sql$/ { inside = 1; print heading; heading = ""; next }
	/^```/ { inside = 0; next }
	inside { print; next }
	/^## / { heading = "\n-- " substr($0, 4) }' "$document"
cat <<'TAIL'

\c :home
DROP DATABASE usom_story;
TAIL
