# Bellpull. `make run` is the shortest way to a ringing phone; `make help` lists
# the rest.
#
# Sources are found, not listed: a new .c in config/, server/, sip/, sip/libre/
# or sip/media/ belongs to the gateway, one in tests/unit/ or tests/calls/ to the
# test program, tests/fuzz/fuzz_*.c are programs of their own.
#
#   DEBUG=1   address and undefined sanitizers, leak tracking   build/debug/
#   TSAN=1    thread sanitizer                                  build/tsan/
#   COVERAGE=1  counts the lines that tests run (gcov)          build/coverage/
#   V=1       shows the commands
#   BELLPULL_CACHE   where source tarballs and built libraries are kept

MAKEFLAGS += --no-builtin-rules --no-print-directory
.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SECONDARY:
SHELL := /bin/sh

PREFIX         ?= /usr/local
SYSCONFDIR     ?= /etc
BELLPULL_CACHE ?= build/cache
# The gateway looks at variables of that prefix, so only who needs it gets it.
unexport BELLPULL_CACHE
AGAIN = $(MAKE) BELLPULL_CACHE=$(BELLPULL_CACHE)

VERSION := 0.1.0

# ---------------------------------------------------------------- variants

ifneq ($(FUZZ),)
VARIANT  := fuzz
B        := build/fuzz
CC       := clang
SANITIZE := -fsanitize=address,undefined,fuzzer-no-link \
            -fno-sanitize-recover=all
else ifneq ($(TSAN),)
VARIANT  := tsan
B        := build/tsan
CC       := gcc
SANITIZE := -fsanitize=thread
else ifneq ($(COVERAGE),)
VARIANT  := coverage
B        := build/coverage
CC       := gcc
SANITIZE := --coverage -fprofile-update=atomic
else ifneq ($(DEBUG),)
VARIANT  := debug
B        := build/debug
CC       := gcc
SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=all
else
VARIANT  := release
B        := build
CC       := gcc
SANITIZE :=
endif

ifeq ($(V),)
Q := @
endif

# ---------------------------------------------------------------- flags

# libre's headers must be read with the switches it was built with.
LIBRE_SWITCHES := -DHAVE_INTTYPES_H -DHAVE_STDBOOL_H -DHAVE_INET6 \
                  -DHAVE_PTHREAD -DHAVE_ATOMIC -DUSE_OPENSSL -DUSE_TLS \
                  -DUSE_DTLS -DLINUX

CPPFLAGS := -I. -isystem $(B)/deps/include/re -isystem $(B)/deps/include/rem \
            -isystem $(B)/deps/include/baresip -D_GNU_SOURCE $(LIBRE_SWITCHES) \
            -DGW_VERSION='"$(VERSION)"'

WARNINGS := -Wall -Wextra -Werror -Wconversion -Wshadow -Wformat=2 -Wvla \
            -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition \
            -Wpointer-arith -Wcast-qual -Wwrite-strings -Wundef \
            -Wimplicit-fallthrough

# gcc's warnings are the ones to heed; clang has others under the same names.
ifeq ($(VARIANT),fuzz)
WARNINGS := -Wall
endif

CFLAGS := -std=gnu11 -g -fPIE -pthread $(WARNINGS)

# What is linked when it is used; libre's two replaced members come from
# sip/libre/, whose objects stand before the archives (see .ci/link-check.sh).
LIBS := -L$(B)/deps/lib -lbaresip -lrem -lre -Wl,--as-needed \
        -lopus -lspandsp -lgsm -lmicrohttpd -lgnutls -lseccomp -lcjson -lsqlite3 -lcurl \
        -lssl -lcrypto -lz -lexpat -lresolv -ldl -lm
LDFLAGS := -pie -pthread -Wl,--wrap=mem_zalloc \
           -Wl,--wrap=udp_listen,--wrap=tcp_listen,--wrap=tcp_accept \
           -Wl,--wrap=sip_msg_decode,--wrap=sip_addr_decode,--wrap=uri_decode

ifeq ($(SANITIZE),)
CFLAGS  += -O2 -D_FORTIFY_SOURCE=2 -fstack-protector-strong \
           -fstack-clash-protection
LDFLAGS += -Wl,-z,relro,-z,now,-z,noexecstack
ifeq ($(shell uname -m),x86_64)
CFLAGS  += -fcf-protection
endif
else
CFLAGS  += -O1 -fno-omit-frame-pointer $(SANITIZE) -DGW_DEBUG
LDFLAGS += $(SANITIZE)
endif

# ---------------------------------------------------------------- sources

SOURCES := $(wildcard config/*.c server/*.c sip/*.c sip/libre/*.c sip/media/*.c)
MAIN    := $(wildcard server/main.c)
TESTS   := $(wildcard tests/run.c tests/oom.c tests/unit/*.c tests/calls/*.c)
FUZZERS := $(wildcard tests/fuzz/fuzz_*.c)

object   = $(patsubst %.c,$(B)/obj/%.o,$(1))
# What stands in for members of libre is linked by name, the rest as an archive:
# a test takes from it what it uses.
REPLACE := $(call object,$(wildcard sip/libre/*.c))
PARTS   := $(filter-out $(REPLACE),$(call object,$(filter-out $(MAIN),$(SOURCES))))
ARCHIVE := $(B)/libbellpull.a
OBJECTS := $(call object,$(SOURCES) $(TESTS) $(FUZZERS))

# ---------------------------------------------------------------- building

.PHONY: all
ifneq ($(MAIN),)
all: $(B)/bellpull
else
all: $(REPLACE) $(ARCHIVE)
endif

$(ARCHIVE): $(PARTS)
	@echo "  AR    $@"
	@rm -f $@
	$(Q)ar rcs $@ $^

$(B)/bellpull: $(call object,$(MAIN)) $(REPLACE) $(ARCHIVE) .ci/link-check.sh
	@echo "  LD    $@"
	$(Q)$(CC) $(LDFLAGS) -o $@ $(filter %.o %.a,$^) $(LIBS)
	$(Q).ci/link-check.sh $@ $(B)/obj/sip/libre

# The test program's allocations can be made to fail: see tests/oom.c.
WRAPPED := malloc calloc realloc strdup strndup
$(B)/tests/run: $(call object,$(TESTS)) $(REPLACE) $(ARCHIVE) .ci/link-check.sh
	@echo "  LD    $@"
	@mkdir -p $(@D)
	$(Q)$(CC) $(LDFLAGS) $(WRAPPED:%=-Wl,--wrap=%) -o $@ \
		$(filter %.o %.a,$^) $(LIBS)
	$(Q).ci/link-check.sh $@ $(B)/obj/sip/libre

$(B)/obj/%.o: %.c $(B)/flags | $(B)/deps/built
	@echo "  CC    $<"
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

# The page is in the binary: the assembler's .incbin leaves no trace in .d.
$(B)/obj/server/http_static.o: $(wildcard web/* web/*/*.js) server/openapi.json

-include $(OBJECTS:.o=.d)

# The assembler takes the page into this one; the compiler doesn't know.
$(B)/obj/server/http_static.o: $(shell find web -type f) \
                               $(wildcard server/openapi.json)

# Changes only when the flags do, and then everything is compiled again.
$(B)/flags: FORCE
	@mkdir -p $(@D)
	@printf '%s\n' '$(subst ','\'',$(CC) $(CPPFLAGS) $(CFLAGS))' | \
		cmp -s - $@ || \
		printf '%s\n' '$(subst ','\'',$(CC) $(CPPFLAGS) $(CFLAGS))' >$@

.PHONY: FORCE
FORCE:

# ---------------------------------------------------------------- libraries

.PHONY: deps
deps: $(B)/deps/built

$(B)/deps/built: .ci/deps.sh | build/packages-build
	@BELLPULL_CACHE=$(BELLPULL_CACHE) .ci/deps.sh $(VARIANT:coverage=release) $(@D)
	@touch $@

# Debian's packages: build, check or test (see the script for what they hold).
build/packages-%: .ci/packages.sh
	@mkdir -p build
	@.ci/packages.sh $*
	@touch $@

# ---------------------------------------------------------------- running

.PHONY: run
run: $(B)/bellpull
	@exec $(B)/bellpull $(ARGS)

# ---------------------------------------------------------------- testing

# Everything, with the total on the last line. SUITES="unit wire" picks some.
.PHONY: test
test: build/packages-test programs-to-test
	@tests/suite.sh $(SUITES)

.PHONY: programs-to-test
programs-to-test: build/npm
	+@$(AGAIN) all
	+@$(AGAIN) DEBUG=1 all build/debug/tests/run
	+@$(AGAIN) TSAN=1 build/tsan/tests/run
	+@$(AGAIN) FUZZ=1 fuzzers

# What the suites in JavaScript use, fetched before the network is taken away.
build/npm: tests/package-lock.json tests/package.json | build/packages-test
	@echo "  NPM   the packages of tests/package.json"
	@cd tests && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

.PHONY: check
check: build/packages-check all
	@.ci/check.sh $(PARTS_TO_CHECK)

FUZZ_SECONDS ?= 10
export FUZZ_SECONDS

# Each tests/fuzz/fuzz_x.c becomes build/fuzz/tests/fuzz_x.
.PHONY: fuzz fuzzers
fuzz: build/packages-test
	+@$(AGAIN) FUZZ=1 fuzzers
	@tests/fuzz.sh $(FUZZ_SECONDS)
fuzzers: $(patsubst tests/fuzz/%.c,$(B)/tests/%,$(FUZZERS))
$(B)/tests/fuzz_%: $(B)/obj/tests/fuzz/fuzz_%.o $(REPLACE) $(ARCHIVE)
	@echo "  LD    $@"
	@mkdir -p $(@D)
	$(Q)$(CC) $(LDFLAGS) -fsanitize=fuzzer -o $@ $(filter %.o %.a,$^) $(LIBS)

# How much of it the unit, call and wire tests run, line by line.
.PHONY: coverage
coverage: build/packages-test build/npm
	+@$(AGAIN) COVERAGE=1 all build/coverage/tests/run
	@.ci/coverage.sh $(WORDS)

# Everything at once for long: SOAK_SECONDS=7200 for two hours.
.PHONY: soak
soak: export SOAK_SECONDS ?= 120
soak: build/packages-test build/npm all
	@tests/suite.sh soak

.PHONY: bench
bench: build/packages-test all
	@tests/bench/run.sh $(B)/bellpull

.PHONY: format
format:
	@find config server sip tests -name '*.[ch]' | xargs clang-format -i

.PHONY: longest
longest:
	@.ci/longest.sh

# For .ci/check.sh: how the compiler is called, without its own warnings.
.PHONY: print-cppflags
print-cppflags: $(B)/deps/built
	@printf '%s\n' "$(subst ",\",$(CPPFLAGS)) -std=gnu11"

# ---------------------------------------------------------------- installing

DOC  := $(DESTDIR)$(PREFIX)/share/doc/bellpull
UNIT := $(DESTDIR)$(PREFIX)/lib/systemd/system
ETC  := $(DESTDIR)$(SYSCONFDIR)/bellpull

# The page is inside the program. A configuration that is there stays as it is.
# Documents keep their places, so that links from one to another hold.
.PHONY: install
install: all
	install -d $(DESTDIR)$(PREFIX)/bin $(DOC)/config $(DOC)/docs $(UNIT) $(ETC)
	install -m 755 $(B)/bellpull $(DESTDIR)$(PREFIX)/bin/bellpull
	install -m 644 LICENSE NOTICE README.md $(DOC)
	install -m 644 config/bellpull.json $(DOC)/config
	install -m 644 $(wildcard docs/*.md) $(DOC)/docs
	[ -e $(ETC)/bellpull.json ] || \
		install -m 644 config/bellpull.json $(ETC)/bellpull.json
	sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@SYSCONFDIR@|$(SYSCONFDIR)|' \
		docker/bellpull.service >$(UNIT)/bellpull.service

.PHONY: clean
clean:
	rm -rf $(filter-out build/cache build/packages-%,$(wildcard build/*))

.PHONY: help
help:
	@echo "make            builds build/bellpull (DEBUG=1, TSAN=1: with sanitizers)"
	@echo "make run        builds and starts the gateway with its sandbox"
	@echo "make test       runs every suite; SUITES=\"unit wire\" picks some"
	@echo "make check      format, clang-tidy, cppcheck, includes, link"
	@echo "make format     puts every C file into shape"
	@echo "make fuzz       fuzz targets, FUZZ_SECONDS each"
	@echo "make soak       everything at once for SOAK_SECONDS: memory, descriptors"
	@echo "make coverage   which lines the tests run, by file"
	@echo "make bench      speed and memory against SIPp, as a table"
	@echo "make install    to PREFIX (/usr/local), SYSCONFDIR (/etc), DESTDIR"
	@echo "make deps       builds libre, rem and baresip alone"
	@echo "make longest    the longest functions and files"
	@echo "make clean      removes what was built, but not the tarballs"
