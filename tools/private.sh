#!/bin/sh
# Run a command where usom can be built, installed and tried without touching
# the system: in a copy of the sources, as an account that PostgreSQL accepts,
# with a copied server to install into.  All of it stands below ./build/:
#
#   build/src      the sources, copied each time; the command starts there
#   build/tree     bin, lib and share of the PostgreSQL that was found
#   build/NAME     cluster, socket and log of a private server (server.sh)
#   build/log      what the parts of a run printed
#
# PostgreSQL refuses to run as root: root's copy belongs to the account
# USOM_ACCOUNT (postgres, or nobody where there is no postgres).  Where that
# account cannot reach ./build/, or where the path has characters that PGXS
# cannot bear (a blank is enough), ./build is a link into /var/tmp.
#
# usage: tools/private.sh [--with PACKAGE] COMMAND [ARGUMENT...]
set -eu
. "$(dirname "$0")/lib.sh"

with=
if [ "${1:-}" = --with ]; then
	with=$2
	shift 2
fi
[ $# -gt 0 ] || die 'no command'

# Already inside: nothing to set up twice.
[ -z "${USOM_BUILD:-}" ] || exec "$@"

sh "$top/tools/prepare.sh" $with
pg_config=$(find_pg_config) || die 'no PostgreSQL found'

root=
account=$(id -un)
if [ "$(id -u)" = 0 ]; then
	root=yes
	account=${USOM_ACCOUNT:-postgres}
	id "$account" >/dev/null 2>&1 || account=nobody
fi

as_account() {
	if [ -n "$root" ]; then
		runuser -u "$account" -- "$@"
	else
		"$@"
	fi
}

# ---- the folder ----

own_folder() { # made, and given to the account
	mkdir -p "$1"
	[ -z "$root" ] || chown "$account:" "$1"
}

choose_build() {
	if [ -L "$top/build" ] && [ ! -d "$top/build/" ]; then
		rm "$top/build"		# what it led to was cleaned away
	fi
	if [ ! -e "$top/build" ]; then
		case $top in
		*[!A-Za-z0-9._/+-]*) link=yes ;;
		*) own_folder "$top/build" && link= ;;
		esac
		if [ -n "$link" ] || ! as_account test -w "$top/build"; then
			[ -n "$link" ] || rmdir "$top/build"
			elsewhere=$(mktemp -d /var/tmp/usom.XXXXXX)
			chmod 755 "$elsewhere"
			ln -s "$elsewhere" "$top/build"
		fi
	fi
	build=$(cd "$top/build" && pwd -P)
	[ -z "$root" ] || chown "$account:" "$build"
	as_account test -w "$build" || die "$build: not writable by $account; remove it (make clean) and try again"
}

# ---- the server's files ----

# Every folder keeps its place relative to bin: that is how PostgreSQL finds
# them.  Headers are linked, they are only read.
copy_tree() {
	bin=$("$pg_config" --bindir)
	stamp="$pg_config $("$pg_config" --version) $(ls -lL "$bin/postgres")"
	[ "$(cat "$build/tree.stamp" 2>/dev/null)" != "$stamp" ] || return 0
	rm -rf "$build/tree" "$build/tree.stamp"
	for folder in "$bin" "$("$pg_config" --pkglibdir)" "$("$pg_config" --sharedir)"; do
		as_account mkdir -p "$build/tree$folder"
		as_account cp -R "$folder/." "$build/tree$folder/"
	done
	for folder in "$("$pg_config" --pkgincludedir)" "$("$pg_config" --includedir-server)"; do
		[ ! -e "$build/tree$folder" ] || continue
		as_account mkdir -p "$(dirname "$build/tree$folder")"
		as_account ln -s "$folder" "$build/tree$folder"
	done
	printf '%s\n' "$stamp" | as_account tee "$build/tree.stamp" >/dev/null
}

# ---- the sources ----

# Root reads, the account writes.  Times are kept, so make builds what changed.
products='--exclude=./build --exclude=./.git --exclude=*.o --exclude=*.so --exclude=*.bc
	--exclude=./results --exclude=./output_iso --exclude=./tmp_check --exclude=./tmp_check_iso --exclude=./log'

copy_sources() {
	as_account mkdir -p "$build/src" "$build/log"
	(cd "$build/src" && find . -type d \( -name results -o -name output_iso -o -name 'tmp_check*' -o -name log \) -prune -o \
		-type f ! -name '*.o' ! -name '*.so' ! -name '*.bc' -print) |
		while IFS= read -r file; do
			[ -e "$top/$file" ] || as_account rm -f "$build/src/$file"
		done
	tar -C "$top" $products -cf - . | as_account tar -C "$build/src" --no-same-owner -xf -
}

# ---- the socket ----

# The path of a socket has at most 107 bytes.
choose_socket() {
	socket=$build
	[ ${#socket} -gt 70 ] || return 0
	socket=$(cat "$build/socket" 2>/dev/null || true)
	if [ -d "$socket" ] && as_account test -O "$socket"; then return 0; fi
	socket=$(as_account mktemp -d /tmp/usom.XXXXXX)
	printf '%s\n' "$socket" | as_account tee "$build/socket" >/dev/null
}

umask 022
choose_build
copy_tree
copy_sources
choose_socket

unset PGHOST PGPORT PGUSER PGPASSWORD PGDATABASE PGSERVICE PGOPTIONS PGDATA PGAPPNAME PGCLIENTENCODING PGTZ PGDATESTYLE PGPASSFILE
bin=$build/tree$("$pg_config" --bindir)
cd "$build/src"
set -- env USOM_BUILD="$build" USOM_SOCKET="$socket" PG_CONFIG="$bin/pg_config" PATH="$bin:$PATH" \
	HOME="$build" LC_ALL=C TZ=UTC PGUSER=postgres MAKEFLAGS= MAKELEVEL= "$@"
[ -z "$root" ] || exec runuser -u "$account" -- "$@"
exec "$@"
