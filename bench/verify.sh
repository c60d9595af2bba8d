#!/bin/sh
# How fast the audit is verified: processor time of one backend over a history
# of orders, part by part, and that it needs no more memory for more entries.
#
# usage: bench/verify.sh
#
# BENCH_ENTRIES    entries: 500000
# BENCH_CHECK      set: fail when entries are verified more slowly than they may
# BENCH_LINE       a file: the figure for results.md is appended to it
set -eu
here=$(cd "$(dirname "$0")" && pwd -P)
entries=${BENCH_ENTRIES:-500000}
limit=200000
database=usom_bench_verify

home=$(mktemp -d "${TMPDIR:-/tmp}/usom_bench.XXXXXX")
trap 'rm -rf "$home"' EXIT
trap 'exit 130' INT TERM

ask() { psql -X -q -At -v ON_ERROR_STOP=1 -d $database "$@"; }

psql -X -q -d postgres -c "DROP DATABASE IF EXISTS $database" -c "CREATE DATABASE $database" 2>/dev/null
ask -c 'CREATE EXTENSION usom' -c 'SELECT count(*) FROM usom.install()' >/dev/null
ask -v products=1000 -f "$here/setup.sql"

# Batches of 500 orders of two lines; a block now and then, as tick() makes them.
ask -v entries="$entries" >/dev/null <<'SQL'
SELECT set_config('bench.entries', :'entries', false);
DO $$
DECLARE
	batch integer := 0;
BEGIN
	WHILE (SELECT count(*) FROM usom.audit_entry) < current_setting('bench.entries')::bigint LOOP
		FOR step IN 1 .. 10 LOOP
			batch := batch + 1;
			PERFORM count(*) FROM usom.place_orders((
				SELECT jsonb_agg(jsonb_build_object('channel', 'web', 'customer', 'C1', 'external_id', batch || '-' || n, 'lines', (
					SELECT jsonb_agg(jsonb_build_object('sku', 'P' || 1 + (batch * 500 + n * 7 + k * 13) % 1000, 'quantity', k, 'unit_price', 2.55))
					FROM generate_series(1, 2) k)))
				FROM generate_series(1, 500) n));
			COMMIT;
		END LOOP;
		PERFORM usom.seal_audit();
		COMMIT;
	END LOOP;
END $$;
SQL
ask -c 'VACUUM ANALYZE'

# Seconds of processor time of the backend, as the kernel counts them.
cat >"$home/parts.sql" <<'SQL'
SET max_parallel_workers_per_gather = 0;
CREATE FUNCTION pg_temp.spent() RETURNS numeric LANGUAGE sql VOLATILE AS $$
	SELECT (split_part(s, ' ', 14)::int + split_part(s, ' ', 15)::int) / 100.0 FROM pg_read_file('/proc/self/stat') AS s $$;
CREATE FUNCTION pg_temp.peak() RETURNS bigint LANGUAGE sql VOLATILE AS $$
	SELECT (regexp_match(s, 'VmHWM:\s+(\d+)'))[1]::bigint - (regexp_match(s, 'RssShmem:\s+(\d+)'))[1]::bigint FROM pg_read_file('/proc/self/status') AS s $$;
SELECT count(*) AS entries, count(DISTINCT sales_order_id) AS orders, (SELECT count(*) FROM usom.audit_block) AS blocks FROM usom.audit_entry \gset
SELECT count(*) FROM usom._verify_audit_blocks(NULL) \g /dev/null
SELECT pg_temp.spent() AS began \gset
CREATE TEMPORARY TABLE scanned AS SELECT k AS key, usom._scan_audit(k) AS sums FROM usom._audit_key() AS k;
SELECT pg_temp.spent() - :began AS chains \gset
SELECT pg_temp.spent() AS began \gset
SELECT count(*) AS bad FROM scanned s, usom._verify_audit_entries(NULL, s.sums) \gset
SELECT count(*) AS bad_rows FROM scanned s, usom._verify_audit_rows(NULL, s.key, s.sums) \gset
SELECT pg_temp.spent() - :began AS rows \gset
SELECT pg_temp.spent() AS began \gset
SELECT ok, pg_temp.spent() - :began AS total FROM usom.verify_audit() \gset
SELECT format('entries %s orders %s blocks %s bad %s ok %s chains %s rows %s total %s peak %s', :entries, :orders, :blocks, :bad + :bad_rows, :'ok', :chains, :rows, :total, pg_temp.peak());
SQL
ask -f "$home/parts.sql" >"$home/out"
awk -v limit=$limit -v line="${BENCH_LINE:-/dev/null}" '
	$1 == "entries" {
		for (i = 1; i < NF; i += 2) v[$i] = $(i + 1)
		printf "%d entries of %d orders in %d blocks\n", v["entries"], v["orders"], v["blocks"]
		printf "digests, links, blocks, images %6.2f s of one core   %8d entries a second: %s\n", v["chains"], v["entries"] / v["chains"],
			(v["entries"] / v["chains"] < limit ? "EXCEEDED" : "kept")
		printf "rows that are there            %6.2f s of one core   %8d entries a second\n", v["rows"], v["entries"] / v["rows"]
		printf "verify_audit()                 %6.2f s of one core   %8d entries a second, %s\n", v["total"], v["entries"] / v["total"], (v["ok"] == "t" && v["bad"] == 0 ? "true" : "EXCEEDED: not true")
		printf "memory of the backend, at most %d MB\n", v["peak"] / 1024
		printf " %.0f / %.0f |", v["entries"] / v["chains"] / 1000, v["entries"] / v["total"] / 1000 >>line
		told = 1
	}
	END { if (!told) print "EXCEEDED: no answer" }' "$home/out" | tee "$home/report"
[ -z "${BENCH_CHECK:-}" ] || ! grep -q EXCEEDED "$home/report"
