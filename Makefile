# usom: order management inside PostgreSQL.  See README.md for the two commands.

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
PG_CFLAGS   = -Wall -Wextra -Wshadow -Wno-unused-parameter -Wno-sign-compare \
              -Wno-missing-field-initializers -Wno-cast-function-type -Wno-clobbered
ifdef WERROR
PG_CFLAGS  += -Werror
endif

REGRESS        = $(patsubst sql/%.sql,%,$(sort $(wildcard sql/*.sql)))
REGRESS_OPTS   = --load-extension=usom
REGRESS_PREP   = check-script
ISOLATION      = $(patsubst test/isolation/specs/%.spec,%,$(sort $(wildcard test/isolation/specs/*.spec)))
ISOLATION_OPTS = --inputdir=test/isolation --load-extension=usom
TAP_TESTS      = 1
PROVE_TESTS    = test/tap/*.pl

PG_CONFIG ?= pg_config
PGXS := $(shell $(PG_CONFIG) --pgxs)
include $(PGXS)

$(OBJS): $(wildcard src/*/*.h src/*/*.def) Makefile

$(SCRIPT): $(PARTS) tools/assemble.sh Makefile
	sh tools/assemble.sh $(EXTVERSION) $(ROOMS) > $@.tmp
	mv $@.tmp $@

all: $(SCRIPT)

.PHONY: check-script
check-script:
	@sh tools/assemble.sh $(EXTVERSION) $(ROOMS) | diff -u $(SCRIPT) -
