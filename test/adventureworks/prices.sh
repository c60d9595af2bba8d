#!/bin/sh
# The prices of AdventureWorks: list prices over four years, 14 special offers
# with quantity ranges and dates, ship methods, tax rates of 29 states.  usom
# prices 5,000 orders by them; a plain SQL query over the files, which shares no
# code with it, prices them again.  Every amount of every line must agree.
#
# Offers for resellers and for customers are for those alone, the best one
# counts.  A ship method is a base and a price for each kilogram.  Rates are for
# retail, wholesale or both.  Who orders what, when and from where is drawn by a
# seed.
#
# The connection is psql's own (PGHOST, PGPORT, PGUSER); a database is made and
# dropped.  Prints what it found, and ends with "N passed, N failed".
#
# usage: test/adventureworks/prices.sh
#
# AW_SEED       seed of the orders: 20101201
# AW_ORDERS     5000
# AW_KEEP       yes: the database usom_adventureworks_prices stays
set -eu
here=$(cd "$(dirname "$0")" && pwd -P)
database=usom_adventureworks_prices
export PGOPTIONS="${PGOPTIONS:-} -c client_min_messages=warning"

sql() { psql -X -q -v ON_ERROR_STOP=1 -P pager=off -d "$database" "$@"; }
load() { xz -dc "$here/data/$1.csv.xz" | sql -c "COPY aw.$2 FROM STDIN (FORMAT csv, HEADER)"; }

psql -X -q -d postgres -c "DROP DATABASE IF EXISTS $database" -c "CREATE DATABASE $database"
sql -f "$here/tables.sql" >/dev/null
load Product product
load Address address
load StateProvince state
load ProductListPriceHistory list_price
load SpecialOffer offer
load SpecialOfferProduct offer_product
load ShipMethod ship_method
load SalesTaxRate tax
sql -v seed="${AW_SEED:-20101201}" -v orders="${AW_ORDERS:-5000}" -f "$here/prices_orders.sql" >/dev/null
sql -At -f "$here/prices_check.sql"
[ "${AW_KEEP:-}" = yes ] || psql -X -q -d postgres -c "DROP DATABASE $database"
