#!/bin/sh
# Build usom and install it into the private tree; any warning is an error.
# Run in the private copy (private.sh).
set -eu
. "$(dirname "$0")/lib.sh"
[ -n "${USOM_BUILD:-}" ] || exec sh "$top/tools/private.sh" sh tools/build.sh

log=$USOM_BUILD/log/build.log
make -s -j "$(nproc)" -C "$top" PG_CONFIG="$PG_CONFIG" with_llvm=no WERROR=1 all install >"$log" 2>&1 || {
	grep -E 'error|warning|\*\*\*' "$log" | head -n 40 >&2 || tail -n 40 "$log" >&2
	die "usom does not build; all of it: $log"
}
