# usom: order management inside PostgreSQL.  See README.md for the two commands.
#
# all, install, installcheck, clean, uninstall are PGXS's, against the server
# of PG_CONFIG.  demo, check, bench and their kin need nothing: they install
# what is missing and run on a private server below ./build/ (tools/private.sh).

EXTENSION  = usom
MODULE_big = usom
EXTVERSION := $(shell sed -n "s/^default_version *= *'\(.*\)'/\1/p" usom.control)

# Lowest first: the order of assembly and the rule of dependency.
ROOMS = base audit party product pricing stock order sourcing payment \
        fulfillment returns api intake analytics security guide

SCRIPT = usom--$(EXTVERSION).sql
PARTS  = $(wildcard src/*/*.sql src/*/*.sql.in)
OBJS   = $(patsubst %.c,%.o,$(sort $(wildcard src/*.c src/*/*.c)))
DATA   = $(SCRIPT) $(wildcard usom--*--*.sql)

PG_CPPFLAGS = -I$(srcdir)/src
# Digests of the audit, cipher of the vault.
SHLIB_LINK += -lcrypto
# Calls within the library are bound when it is linked, not by name whenever a
# backend loads it.
ifneq ($(filter Linux GNU/kFreeBSD FreeBSD NetBSD OpenBSD,$(shell uname -s)),)
SHLIB_LINK += -Wl,-Bsymbolic-functions
endif
# The server's own headers have unused parameters.
PG_CFLAGS   = -Wall -Wextra -Wshadow -Wno-unused-parameter
ifdef WERROR
PG_CFLAGS  += -Werror
endif

# First the tests that ask what stands after install(), then the rest by name.
REGRESS_FIRST  = base state_types install party audit
REGRESS        = $(REGRESS_FIRST) $(filter-out $(REGRESS_FIRST),$(patsubst sql/%.sql,%,$(sort $(wildcard sql/*.sql))))
REGRESS_OPTS   = --load-extension=usom
REGRESS_PREP   = check-script
ISOLATION      = $(patsubst test/isolation/specs/%.spec,%,$(sort $(wildcard test/isolation/specs/*.spec)))
ISOLATION_OPTS = --inputdir=test/isolation --load-extension=usom
TAP_TESTS      = 1
PROVE_TESTS    = test/tap/*.pl

# Targets that bring along what they need.  PGXS is read for the others only:
# it is not there yet on a fresh machine, and has a target check of its own.
OWN = prepare demo psql check check-long bench bench-instructions bench-sourcing tidy doc clean-build
PG_CONFIG ?= pg_config
.DEFAULT_GOAL := all
ifneq ($(filter-out $(OWN),$(or $(MAKECMDGOALS),all)),)
PGXS := $(shell $(PG_CONFIG) --pgxs 2>/dev/null)
ifneq ($(wildcard $(PGXS)),)
include $(PGXS)
clean: clean-build
else
all install installcheck uninstall clean:
	@echo "No PGXS at $(PG_CONFIG): name the server's pg_config (make PG_CONFIG=...), or run: make prepare" >&2; exit 1
endif
endif

$(OBJS): $(wildcard src/*/*.h src/*/*.def) Makefile

$(SCRIPT): $(PARTS) tools/assemble.sh Makefile
	sh tools/assemble.sh $(EXTVERSION) $(ROOMS) > $@.tmp
	mv $@.tmp $@

all: $(SCRIPT)

.PHONY: check-script
check-script:
	@sh tools/assemble.sh $(EXTVERSION) $(ROOMS) | diff -u $(SCRIPT) -

# ---- on a private server ----

# week, month or year
DEMO ?= month

# Scenarios of make bench; none: those of bench/run.sh
SCENARIOS ?=
# What a bench writes in the private copy and this one keeps.
KEEP_RESULTS = { status=$$?; for file in bench/results.md doc/curve.svg; do \
	cmp -s build/src/$$file $$file || cp build/src/$$file $$file || exit 1; done; exit $$status; }

.PHONY: $(OWN)
prepare:
	@sh tools/prepare.sh
demo:
	@sh tools/demo.sh $(DEMO)
psql:
	@sh tools/server.sh psql
ifeq ($(filter-out $(OWN),$(or $(MAKECMDGOALS),all)),)
check:
	@sh tools/check.sh
endif
check-long:
	@sh tools/check-long.sh
bench:
	@USOM_SERVER_CONF=bench/server.conf sh tools/with-server.sh bench sh bench/run.sh $(SCENARIOS); $(KEEP_RESULTS)
bench-instructions:
	@sh tools/with-server.sh --with valgrind bench sh bench/run.sh instructions instructions_life; $(KEEP_RESULTS)
bench-sourcing:
	@sh bench/sourcing_quality.sh
tidy:
	@sh tools/tidy.sh
doc:
	@sh tools/doc.sh

# What these left below ./build/; servers are stopped first.
clean-build:
	@sh tools/clean.sh
