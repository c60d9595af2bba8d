# Sourced by the other tools: where things are, and words to the user.
#
# PG_MAJOR    which PostgreSQL is installed and used where none is named: 15
# PG_CONFIG   a pg_config of another PostgreSQL; then that one is used
top=$(cd "$(dirname "$0")/.." && pwd -P)
: "${PG_MAJOR:=15}"

say() { printf '%s\n' "$*"; }
warn() { printf '%s\n' "$*" >&2; }
die() {
	warn "$(basename "$0"): $*"
	exit 1
}

# The pg_config to use, or nothing.  One that lacks the server's headers or
# extension makefiles is of no use.
find_pg_config() {
	for candidate in "${PG_CONFIG:-/usr/lib/postgresql/$PG_MAJOR/bin/pg_config}" ${PG_CONFIG:-pg_config}; do
		candidate=$(command -v "$candidate" 2>/dev/null) || continue
		[ -f "$("$candidate" --pgxs 2>/dev/null)" ] || continue
		[ -f "$("$candidate" --includedir-server)/postgres.h" ] || continue
		[ -x "$("$candidate" --bindir)/postgres" ] || continue
		printf '%s\n' "$candidate"
		return 0
	done
	return 1
}

# Seconds since some fixed time, with hundredths.
now() { date +%s.%N | cut -c 1-13; }

# since START: seconds that passed, one decimal.
since() { awk -v a="$1" -v b="$(now)" 'BEGIN { printf "%.1f", b - a }'; }
