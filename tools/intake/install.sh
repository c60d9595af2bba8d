#!/bin/sh
# Puts the converter and its packages into DIRECTORY, and prints where it is;
# does nothing if it is there.  Fails, and says why, where Node.js or the
# packages cannot be had.
#
# usage: tools/intake/install.sh DIRECTORY
set -eu
here=$(cd "$(dirname "$0")" && pwd -P)
to=$1
command -v node >/dev/null && command -v npm >/dev/null || {
	echo "install.sh: Node.js and npm are not here" >&2
	exit 1
}
mkdir -p "$to"
cp "$here"/*.mjs "$here/package.json" "$here/package-lock.json" "$here/.npmrc" "$to"
if ! cmp -s "$here/package-lock.json" "$to/node_modules/.installed"; then
	(cd "$to" && npm_config_cache="$to/.cache" npm ci --omit=dev --ignore-scripts >"$to/npm.log" 2>&1) || {
		tail -n 3 "$to/npm.log" >&2
		exit 1
	}
	cp "$here/package-lock.json" "$to/node_modules/.installed"
fi
printf '%s\n' "$to"
