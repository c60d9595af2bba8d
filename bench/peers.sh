# Sourced by the benches: the peers, what a client sends to each, and what each
# wrote.
#
#   usom      usom.place_order()
#   bare      one prepared statement with the rows that usom wrote
#   stock     the same and the update of the five stock rows
#   careful   PL/pgSQL over sets, few foreign keys, an audit row a statement
#   twin      PL/pgSQL as people write it
#   unaudited usom.place_order() with the audit's triggers off, in a database of its own; only where it is asked for
#   sourced   usom.place_order() over ten locations by rules, rates and calendars (sourcing_setup.sql), in a database of its own; only where it is asked for

here=$(cd "${bench_folder:-$(dirname "$0")}" && pwd -P)
. "$here/budget.sh"
PEERS='usom bare stock careful twin'

# The document that every peer is given, as a text with the names of its
# variables: the number of the order and five products.
bench_document() { # number product...
	printf '{"channel": "web", "customer": "C1", "external_id": "%s", "lines": [' "$1"
	shift
	quantity=1
	for product; do
		[ $quantity = 1 ] || printf ', '
		printf '{"sku": "P%s", "quantity": %s, "unit_price": 2.55}' "$product" $quantity
		quantity=$((quantity + 1))
	done
	printf ']}'
}

# A database with usom and every peer in it, and the statement of the bare ones.
bench_database() { # name products
	psql -X -q -d postgres -c "DROP DATABASE IF EXISTS $1" -c "CREATE DATABASE $1" 2>/dev/null
	psql -X -q -At -v ON_ERROR_STOP=1 -d "$1" -c 'CREATE EXTENSION usom' -c 'SELECT count(*) FROM usom.install()' >/dev/null
	psql -X -q -At -v ON_ERROR_STOP=1 -v products="$2" -d "$1" -f "$here/setup.sql" \
		-f "$here/peer_bare.sql" -f "$here/peer_twin.sql" -f "$here/peer_careful.sql"
	psql -X -q -At -v ON_ERROR_STOP=1 -d "$1" -c "SELECT order_no FROM usom.place_order('$(bench_document model 1 2 3 4 5)')" >/dev/null
	bench_age "$1" "$2"
}

# Some history for each peer, then statistics: plans made over empty tables are no measure.
bench_age() { # database products
	first=$(psql -X -At -d "$1" -c "SELECT product_id - 1 FROM usom.product WHERE sku = 'P1'")
	for peer in $PEERS; do
		{
			bench_prepare "$peer" "$1"
			echo ';'
			bench_statements "$peer" "$2" "$first" 1 300 | sed 's/$/;/'
		} >"${TMPDIR:-/tmp}/usom_bench.$$"
		psql -X -q -At -v ON_ERROR_STOP=1 -d "$1" -f "${TMPDIR:-/tmp}/usom_bench.$$" >/dev/null
	done
	rm -f "${TMPDIR:-/tmp}/usom_bench.$$"
	psql -X -q -d "$1" -c 'VACUUM ANALYZE'
}

# Orders from .. to as statements of a peer, one a line.  Keys of the bare
# peers, who share their tables, are told apart by a block each.
bench_statements() { # peer products key_of_product_0 from to
	case $1 in bare) block=1 ;; stock) block=2 ;; esac
	n=$4
	while [ "$n" -le "$5" ]; do
		a=$((1 + n * 7919 % $2)) b=$((1 + (n * 7919 + 211) % $2)) c=$((1 + (n * 7919 + 422) % $2))
		d=$((1 + (n * 7919 + 633) % $2)) e=$((1 + (n * 7919 + 844) % $2))
		case $1 in
		bare | stock) echo "EXECUTE place(${block}000000000 + $n, '$1-$n', $(($3 + a)), $(($3 + b)), $(($3 + c)), $(($3 + d)), $(($3 + e)))" ;;
		*) echo "EXECUTE place('$(bench_document "$1-$n" $a $b $c $d $e)')" ;;
		esac
		n=$((n + 1))
	done
}

# What a client prepares once.
bench_prepare() { # peer database
	case $1 in
	usom | unaudited | sourced) echo 'PREPARE place (jsonb) AS SELECT order_no FROM usom.place_order($1)' ;;
	twin | careful) echo "PREPARE place (jsonb) AS SELECT order_no FROM $1.place_order(\$1)" ;;
	bare | stock)
		psql -X -q -At -d "$2" -c "SELECT 'PREPARE place AS ' || bench.bare_statement(
			(SELECT order_no FROM usom.sales_order WHERE external_id = 'model'), $([ "$1" = stock ] && echo true || echo false))"
		;;
	esac
}

# The start of a pgbench script of a peer: prepare once; then five products in
# ascending order, so that peers without a lock order of their own do not deadlock.
bench_begin() { # peer database products
	printf '%s\n' '\if :prepared' '\else'
	bench_prepare "$1" "$2"
	printf '%s\n' ';' '\set prepared 1' '\endif' '\set n :n + 1' "\\set a random(1, $(($3 - 844)))" \
		'\set b :a + 211' '\set c :a + 422' '\set d :a + 633' '\set e :a + 844'
}

# All of it: one order a transaction.  pgbench is given -D prepared=0 -D n=0 -D
# run=NUMBER, another number for each run, so that no two place the same external id.
bench_script() { # peer database products
	bench_begin "$@"
	case $1 in
	bare | stock)
		[ "$1" = bare ] && block=1 || block=2
		first=$(psql -X -At -d "$2" -c "SELECT product_id - 1 FROM usom.product WHERE sku = 'P1'")
		printf '%s\n' "\\set id $block * 1000000000000 + :run * 1000000000 + :client_id * 1000000 + :n" \
			"EXECUTE place(:id, '$1-:run-:client_id-:n', :a + $first, :b + $first, :c + $first, :d + $first, :e + $first);"
		;;
	*) printf '%s\n' "EXECUTE place('$(bench_document "$1-:run-:client_id-:n" :a :b :c :d :e)');" ;;
	esac
}

# Orders a second, and the percentiles 50, 95 and 99 of their milliseconds, from
# the logs that pgbench -l left: of the last so many seconds alone, for a client
# that connects builds its plans first.
bench_rate() { # prefix-of-logs seconds
	cat "$1".* | awk -v seconds="$2" '
		{ at[NR] = $5 + $6 / 1e6; ms[NR] = $3 / 1e3; if (at[NR] > last) last = at[NR] }
		END { for (i = 1; i <= NR; i++) if (at[i] > last - seconds) print ms[i] }' | sort -n | awk -v seconds="$2" '
		{ ms[NR] = $1 }
		END { printf "%.1f %.3f %.3f %.3f\n", NR / seconds, at(0.5), at(0.95), at(0.99) }
		function at(p) { return NR ? ms[int(p * (NR - 1)) + 1] : 0 }'
	rm -f "$1".*
}

# Seconds that so many clients may take to be ready.
bench_warm() { echo $((1 + $1 / 32)); }

# A statement that tells the time in seconds, how many clients are connected to
# a database, and the microseconds of processor time that their backends have
# used, as the kernel counts them.
bench_spent() { # database
	echo "SELECT extract(epoch FROM clock_timestamp()), count(*), sum(split_part(pg_read_file('/proc/' || pid || '/schedstat', 0, 100, true), ' ', 1)::numeric) / 1000
		FROM pg_stat_activity WHERE datname = '$1' AND backend_type = 'client backend' AND pid <> pg_backend_pid();"
}

# What bench_spent says after so many seconds, and again so many later: a line each.
bench_watch() { # database after later
	{
		printf '%s\n' "SELECT pg_sleep($2) \\g /dev/null" "$(bench_spent "$1")" "SELECT pg_sleep($3) \\g /dev/null" "$(bench_spent "$1")"
	} | psql -X -q -At -F ' ' -v ON_ERROR_STOP=1 -d postgres
}

# Orders that ended between the two lines of a bench_watch, by the logs that
# pgbench -l left, and the microseconds of processor time that went to them;
# nothing if clients came or went meanwhile.
bench_used() { # prefix-of-logs file-of-watch
	cat "$1".* | awk '
		FNR == NR { at[NR] = $1; clients[NR] = $2; spent[NR] = $3; next }
		$5 + $6 / 1e6 >= at[1] && $5 + $6 / 1e6 < at[2] { n++ }
		END { if (clients[1] > 0 && clients[1] == clients[2] && n > 0 && spent[2] != "") printf "%d %d\n", n, spent[2] - spent[1] }' "$2" -
}

# What each peer has written: "peer orders lines pieces history audit units", a line each.
bench_written() { # database
	psql -X -q -At -F ' ' -v ON_ERROR_STOP=1 -d "$1" -f "$here/written.sql"
}

# Fails unless what each peer wrote between two bench_writtens is what so many
# orders of bench_document demand, each by its own rules of history and audit,
# and unless rows of bare have the width of those of usom.
#
#   placed     "peer orders", as many lines as runs
bench_same() { # database before after placed
	psql -X -q -At -F ' ' -v ON_ERROR_STOP=1 -d "$1" -c "SELECT * FROM bench.due()" >"$4.due"
	awk '
		FILENAME ~ /due$/ { for (i = 2; i <= 7; i++) due[$1, i] = $i; next }
		FILENAME == ARGV[2] { placed[$1] += $2; next }
		FILENAME == ARGV[3] { for (i = 2; i <= 7; i++) before[$1, i] = $i; next }
		$1 in placed {
			for (i = 2; i <= 7; i++)
				if ($i - before[$1, i] != placed[$1] * due[$1, i]) {
					printf "NOT THE SAME WORK: %s placed %d orders and wrote %d %s, not %d\n",
						$1, placed[$1], $i - before[$1, i], what(i), placed[$1] * due[$1, i]
					bad = 1
				}
			told = told sprintf("%s%s %d", told == "" ? "" : ", ", $1, placed[$1])
		}
		END { if (!bad) print "every peer wrote what its orders demand: " told; exit bad }
		function what(i,    w) { split("orders lines pieces history audit units", w, " "); return w[i - 1] (i > 4 && i < 7 ? " rows" : "") }
	' "$4.due" "$4" "$2" "$3" || return 1
	psql -X -q -At -v ON_ERROR_STOP=1 -d "$1" -c 'SELECT bench.row_width()'
}

# A copy of a database of bench_database, and in it all that sourcing asks.
bench_sourced() { # name database products
	psql -X -q -d postgres -c "DROP DATABASE IF EXISTS $1" -c "CREATE DATABASE $1 TEMPLATE $2" 2>/dev/null
	psql -X -q -At -v ON_ERROR_STOP=1 -v products="$3" -d "$1" -f "$here/sourcing_setup.sql"
}

# The triggers of the audit, on or off.
bench_audit() { # on|off database
	[ "$1" = on ] && word='ENABLE ALWAYS' || word=DISABLE
	psql -X -q -At -v ON_ERROR_STOP=1 -d "$2" >/dev/null <<-SQL
		SELECT format('ALTER TABLE %s $word TRIGGER %I', tgrelid::regclass, tgname)
		FROM pg_trigger WHERE tgfoid = 'usom.audit_statement()'::regprocedure \\gexec
	SQL
}
