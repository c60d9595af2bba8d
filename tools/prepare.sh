#!/bin/sh
# Install what is missing to build, try and measure usom: quietly, with
# apt-get, as root or by sudo.  Does nothing where all is there, and then wants
# no network.  Clusters of the system are neither made, started nor changed.
#
# usage: tools/prepare.sh [valgrind] [pgbouncer]
#
# valgrind is wanted by make bench-instructions alone; pgbouncer by one test and
# one bench, which are skipped where it cannot be had.
set -eu
. "$(dirname "$0")/lib.sh"

missing=
want() { # want PACKAGE COMMAND...: the package, unless the command succeeds
	package=$1
	shift
	"$@" >/dev/null 2>&1 || missing="$missing $package"
}

has_server() { find_pg_config >/dev/null; }
has_pgtap() { [ -f "$("$(find_pg_config)" --sharedir)/extension/pgtap.control" ]; }
has_perl_module() { perl "-M$1" -e 1; }
has_openssl() { echo '#include <openssl/evp.h>' | gcc -E -; }
has_headers() { echo '#include <stdlib.h>' | gcc -E -; }

look() {
	missing=
	want gcc command -v gcc
	want libc6-dev has_headers
	want libssl-dev has_openssl
	want make command -v make
	want xz-utils command -v xz
	want perl has_perl_module Test::Harness
	want libipc-run-perl has_perl_module IPC::Run
	if ! has_server; then
		[ -z "${PG_CONFIG:-}" ] || die "$PG_CONFIG: no server with headers and PGXS there"
		missing="$missing postgresql-$PG_MAJOR postgresql-server-dev-$PG_MAJOR postgresql-$PG_MAJOR-pgtap"
	elif [ -z "${PG_CONFIG:-}" ]; then
		want "postgresql-$PG_MAJOR-pgtap" has_pgtap
	fi
	PATH=$PATH:/usr/sbin
	for tool in "$@"; do
		want "$tool" command -v "$tool"
	done
}

as_root() {
	if [ "$(id -u)" = 0 ]; then
		env DEBIAN_FRONTEND=noninteractive "$@"
	else
		sudo env DEBIAN_FRONTEND=noninteractive "$@"
	fi
}

# Two files stand while packages are installed: the package of the server
# would else make a cluster and start those of the system.
no_cluster=/etc/postgresql-common/createcluster.d/usom.conf
no_start=/usr/sbin/policy-rc.d
made=

hold_clusters() {
	as_root mkdir -p "$(dirname $no_cluster)"
	echo 'create_main_cluster = false' | as_root tee $no_cluster >/dev/null
	made=$no_cluster
	if [ ! -e $no_start ]; then
		printf '#!/bin/sh\nexit 101\n' | as_root tee $no_start >/dev/null
		made="$made $no_start"
		as_root chmod 755 $no_start
	fi
}

let_go() {
	status=$?
	[ -z "$made" ] || as_root rm -f $made
	[ -z "${log:-}" ] || rm -f "$log"
	exit $status
}

look "$@"
[ -n "$missing" ] || exit 0

command -v apt-get >/dev/null || die "missing:$missing; there is no apt-get here to install them with"
[ "$(id -u)" = 0 ] || command -v sudo >/dev/null || die "missing:$missing; install them as root, or install sudo"

say "Installing:$missing (a minute or two, once)"
log=$(mktemp)
trap let_go EXIT
trap 'exit 130' INT TERM
hold_clusters
get="apt-get -q -y -o DPkg::Lock::Timeout=600 -o Dpkg::Options::=--force-confold"
{
	as_root $get update &&
		as_root $get install --no-install-recommends $missing
} >"$log" 2>&1 </dev/null || {
	tail -n 20 "$log" >&2
	die "could not install:$missing"
}
look "$@"
[ -z "$missing" ] || die "still missing after installation:$missing"
