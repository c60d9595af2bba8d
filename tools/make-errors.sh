#!/bin/sh
# Print doc/errors.md from src/base/errors.def and the list of standard codes below.
#
# usage: tools/make-errors.sh > doc/errors.md
set -eu
top=$(cd "$(dirname "$0")/.." && pwd)

cat <<'HEAD'
# Errors

<!-- Made by tools/make-errors.sh from src/base/errors.def; do not edit. -->

Every error of usom has a SQLSTATE of its own. The message names the thing with its business key (order number, SKU, location code), the detail has the
numbers, the hint has the next call to make. Programs should look at the SQLSTATE and never at the words.

The same list is in the database: `SELECT * FROM usom.error_codes()`.

An error undoes the statement that raised it, and with it the whole transaction unless a savepoint was set. Nothing is written by a call that fails.
HEAD

# One table per hundred; fields are the string literals of USOM_ERROR(...).
awk -F'"' '
	BEGIN {
		split("General|Order|Stock|Sourcing|Pricing|Payment|Fulfilment|Returns|Intake|Audit", title, "|")
		last = ""
	}
	/^USOM_ERROR\(/ {
		hundred = substr($2, 3, 1)
		if (hundred != last) {
			printf "\n## US%s: %s\n\n| SQLSTATE | name | what it means | what to do |\n|---|---|---|---|\n", hundred, title[hundred + 1]
			last = hundred
		}
		split($3, name, /[ ,]+/)
		printf "| %s | %s | %s | %s |\n", $2, tolower(name[2]), code($4), code($6)
	}
	# A call or a setting reads better as code; pipes would end the cell.
	function code(s) {
		gsub(/\|/, "\\|", s)
		gsub(/(SELECT )?usom\.[a-z_]+(\(\);?)?/, "`&`", s)
		return s
	}' "$top/src/base/errors.def"

cat <<'TAIL'

## Standard codes

Where PostgreSQL has a code that fits, usom uses it.

| SQLSTATE | when | what to do |
|---|---|---|
| 22003 | a quantity is NaN, Infinity, has more than six decimals or is 1e12 or more | correct the number |
| 22004 | an argument that must be given is null | give it |
| 22023 | an argument is out of its range: a quantity of zero, an expiry in the past | correct the argument |
| 22P02 | a status that does not exist, text that is not JSON | the hint lists the labels |
| 23503 | a line without its order | insert the parent first |
| 23505 | a code, SKU or number that is taken | take another |
| 23514 | a constraint of a table or domain; its name is the sentence that was broken, such as `stock_not_oversold` | the constraint name is in the error's fields |
| 2BP01 | `DROP EXTENSION` while the tables stand | see [operations](operations.md) |
| 39P01 | a trigger function of usom on a table or event it was not written for | let `usom.install()` make the triggers |
| 42501 | the role may not do that | ask for the grant |
| 40001 | serialization failure (REPEATABLE READ and SERIALIZABLE) | run the transaction again |
| 40P01 | deadlock with locks that usom does not take | run the transaction again |
| 55P03 | a lock was not free within `lock_timeout` | run the transaction again |

The last three mean "try again": the same transaction, from its start, with the same input. See [clients](clients.md).
TAIL
