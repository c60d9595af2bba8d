#!/bin/sh
# The conventions of the project, checked by reading: needs no server, takes
# seconds.  One line a finding, a summary last; fails if there is a finding.
#
# usage: tools/tidy.sh
set -u
top=$(cd "$(dirname "$0")/.." && pwd)
cd "$top" || exit 1
version=$(sed -n "s/^default_version *= *'\(.*\)'/\1/p" usom.control)

# ROOMS of the Makefile, over its continuation lines.
rooms=$(awk '/^ROOMS *=/ { reading = 1; sub(/^ROOMS *=/, "") }
	reading { more = sub(/\\$/, ""); print; if (!more) exit }' Makefile | tr -s ' \n' ' ')

exec perl tools/tidy.pl "$version" $rooms
