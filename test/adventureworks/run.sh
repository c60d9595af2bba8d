#!/bin/sh
# The stock of AdventureWorks: 432 products on the shelves and in the bins of 14
# locations, 42,049 postal codes, and 5,000 orders that are sourced over them.
# Nothing may be wrong afterwards, and the explanation of every line has to say
# what has happened.
#
# The 14 locations of the data are in one plant; here each stands in a city of
# its own.  Customers' addresses are those of the data; half of the orders give
# coordinates, half a postal code alone.  Baskets are drawn by a seed.
#
# The connection is psql's own (PGHOST, PGPORT, PGUSER); a database is made and
# dropped.  Prints what it found, and ends with "N passed, N failed".
#
# usage: test/adventureworks/run.sh
#
# AW_SEED       seed of the baskets: 20101201
# AW_ORDERS     5000
# AW_KEEP       yes: the database usom_adventureworks stays
set -eu
here=$(cd "$(dirname "$0")" && pwd -P)
database=usom_adventureworks
export PGOPTIONS="${PGOPTIONS:-} -c client_min_messages=warning"

sql() { psql -X -q -v ON_ERROR_STOP=1 -P pager=off -d "$database" "$@"; }
load() { xz -dc "$here/data/$1.csv.xz" | sql -c "COPY aw.$2 FROM STDIN (FORMAT csv, HEADER)"; }

psql -X -q -d postgres -c "DROP DATABASE IF EXISTS $database" -c "CREATE DATABASE $database"
sql -f "$here/tables.sql" >/dev/null
load Location location
load Product product
load ProductInventory inventory
load Address address
load StateProvince state
load us_zip_centroids zip
sql -v seed="${AW_SEED:-20101201}" -v orders="${AW_ORDERS:-5000}" -f "$here/orders.sql" >/dev/null
sql -At -f "$here/check.sql"
[ "${AW_KEEP:-}" = yes ] || psql -X -q -d postgres -c "DROP DATABASE $database"
