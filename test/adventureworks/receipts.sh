#!/bin/sh
# The purchase orders of AdventureWorks, 8,845 lines of 4,012 orders: each is
# recorded as supply and received as the files say, 380 of them short and 563
# with units that were rejected.  Every difference must stand as a case, and
# what was stocked on the shelf.
#
# The connection is psql's own (PGHOST, PGPORT, PGUSER); a database is made and
# dropped.  Prints what it found, and ends with "N passed, N failed".
#
# usage: test/adventureworks/receipts.sh
#
# AW_KEEP       yes: the database usom_receipts stays
set -eu
here=$(cd "$(dirname "$0")" && pwd -P)
database=usom_receipts
export PGOPTIONS="${PGOPTIONS:-} -c client_min_messages=warning"

sql() { psql -X -q -v ON_ERROR_STOP=1 -P pager=off -d "$database" "$@"; }
load() { xz -dc "$here/data/$1.csv.xz" | sql -c "COPY aw.$2 FROM STDIN (FORMAT csv, HEADER)"; }

psql -X -q -d postgres -c "DROP DATABASE IF EXISTS $database" -c "CREATE DATABASE $database"
sql -f "$here/tables.sql" >/dev/null
load Product product
load PurchaseOrderDetail purchase_line
sql -f "$here/receipts.sql" >/dev/null
sql -f "$here/receipts_check.sql"
[ "${AW_KEEP:-}" = yes ] || psql -X -q -d postgres -c "DROP DATABASE $database"
