#!/bin/sh
#
# run.sh
#		Replays the Online Retail data through usom on a running server.
#
#		usage: demo/run.sh [week|month|year] [--check]
#
#		The server is named by PGHOST, PGPORT, PGUSER as usual, and has the
#		extension installed.  The database usom_demo (or PGDATABASE) is made anew.
#		--check also asserts every figure and plays the documents a second time;
#		it exits with 1 if a fact does not hold.
#
set -eu

here=$(cd "$(dirname "$0")" && pwd)
data=$here/data/online_retail.csv.xz
database=${PGDATABASE:-usom_demo}
span=month
check=

die() { echo "demo: $*" >&2; exit 1; }

for word in "$@"; do
	case $word in
		week | month | year) span=$word ;;
		--check) check=yes ;;
		*) die "unknown word \"$word\"; usage: demo/run.sh [week|month|year] [--check]" ;;
	esac
done
case $span in
	week) until=2010-12-08 ;;
	month) until=2011-01-01 ;;
	year) until=2011-12-10 ;;
esac

command -v xz >/dev/null || die "xz is needed to unpack the data: apt-get install xz-utils"
PGOPTIONS="${PGOPTIONS:-} -c client_min_messages=notice"
PGCLIENTENCODING=UTF8
export PGOPTIONS PGCLIENTENCODING
unset PGDATABASE
sql() { psql -X -q -v ON_ERROR_STOP=1 -P pager=off -d "$database" "$@"; }
server() { psql -X -q -At -v ON_ERROR_STOP=1 -d postgres "$@"; }

# A database that exists is replaced only if it is a former demo or empty.
make_database() {
	if [ "$(server -v db="$database" -f - <<-'SQL'
		SELECT count(*) FROM pg_database WHERE datname = :'db';
		SQL
	)" = 1 ]; then
		[ "$(sql -At -c "SELECT count(*) = 0 OR to_regclass('retail.outcome') IS NOT NULL
			FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
			WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'")" = t ] ||
			die "database $database is in use for something else; set PGDATABASE to another name"
	fi
	server -v db="$database" -f - <<-'SQL'
		SET client_min_messages = warning;
		DROP DATABASE IF EXISTS :"db";
		CREATE DATABASE :"db" TEMPLATE template0 ENCODING 'UTF8';
	SQL
}

now() { date +%s.%N; }
since() { awk -v a="$1" -v b="$(now)" 'BEGIN { printf "%.1f s", b - a }'; }
step() { printf '%-42s' "$1"; begun=$(now); }
done_step() { since "$begun"; echo; }

# Progress comes as notices: one line rewritten on a terminal, one in ten seconds in a log.
progress() {
	count=0
	while IFS= read -r line; do
		case $line in
			NOTICE:*)
				if [ -t 1 ]; then
					printf '\r%-78s' "${line#NOTICE:  }"
				elif [ $((count % 5)) = 0 ]; then
					printf '  %s\n' "${line#NOTICE:  }"
				fi
				count=$((count + 1))
				;;
			*) echo "$line" >&2 ;;
		esac
	done
	[ ! -t 1 ] || printf '\r%-78s\r' ''
}

echo "Replay of the Online Retail data, one $span, in database $database"
echo
step "usom installed"
make_database
sql -o /dev/null <<-'SQL'
	SET client_min_messages = warning;
	CREATE EXTENSION usom;
	SELECT usom.install();
SQL
done_step

step "541,909 lines staged and classified"
xz -dc "$data" | sql -v until="$until" -f "$here/load.sql"
done_step

step "figures of the file asserted"
sql -f "$here/facts.sql"
facts=$(sql -At -c "SELECT f FROM retail.tell_facts() f WHERE f ~ '^not ok'")
[ -z "$facts" ] || { echo; echo "$facts"; die "the file is not the Online Retail data"; }
done_step

step "products, customers, opening stock"
sql -f "$here/expect.sql" -f "$here/replay.sql"
sql -c "CALL retail.set_up()"
done_step

begun=$(now)
# The notices pass through a pipe; whether the replay came to its end is asked afterwards.
sql -v VERBOSITY=terse -c "CALL retail.replay()" 2>&1 | progress
[ "$(sql -At -c "SELECT count(*) FROM retail.timing WHERE verb = 'whole replay'")" = 1 ] || die "the replay stopped"
printf '%-42s' "documents played, one by one"
done_step
sql -c "ANALYZE"

step "audit sealed"
sql -c "CALL usom.tick()"
done_step

if [ -n "$check" ]; then
	step "checked, and played a second time"
	sql -f "$here/check.sql"
	done_step
fi

echo
sql -f "$here/report.sql"

if [ -n "$check" ]; then
	echo
	echo "Facts"
	echo
	sql -At -c "SELECT retail.tell_facts()"
	sql -c "CALL retail.insist()"
fi

# A private server of the tools is opened by make psql.
if [ -n "${USOM_BUILD:-}" ]; then
	reach="make psql"
else
	reach="psql${PGHOST:+ -h $PGHOST}${PGPORT:+ -p $PGPORT}${PGUSER:+ -U $PGUSER} -d $database"
fi
cat <<-TEXT

	Look around:  $reach

	  -- the largest orders, and what the first customer has bought
	  SELECT order_no, status, channel, customer, total FROM usom.orders ORDER BY total DESC LIMIT 5;
	  -- the life of the order with the most history
	  SELECT * FROM usom.order_timeline((SELECT order_no FROM usom.timeline GROUP BY 1 ORDER BY count(*) DESC LIMIT 1));
	  -- what comes back most
	  SELECT sku, product_name, sum(quantity_returned) FROM usom.order_lines GROUP BY 1, 2 ORDER BY 3 DESC LIMIT 10;
TEXT
