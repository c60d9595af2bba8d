# Sourced by the benches: the peers, and what a client sends to each.
#
#   usom      usom.place_order()
#   bare      one prepared statement with the rows that usom wrote
#   stock     the same and the update of the five stock rows
#   careful   PL/pgSQL over sets, few foreign keys, an audit row a statement
#   twin      PL/pgSQL as people write it
#   unaudited usom.place_order() with the audit's triggers off, in a database of its own; only where it is asked for
#   sourced   usom.place_order() over ten locations by rules, rates and calendars (sourcing_setup.sql), in a database of its own; only where it is asked for

here=$(cd "$(dirname "$0")" && pwd -P)
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
