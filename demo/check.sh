#!/bin/sh
#
# check.sh
#		The demo as a test: the first week, every figure asserted.  One line a
#		fact, "ok" or "not ok"; exits with 1 if one does not hold.
#
exec sh "$(dirname "$0")/run.sh" week --check
