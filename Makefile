# SPDX-License-Identifier: MIT
# `make run` and `make test` are all a newcomer needs; `make help` lists the rest.
# Another flavour in another directory: make BUILD=build/asan SANITIZE=address,undefined

VERSION  := 0.1.0
BUILD    ?= build
SANITIZE ?=
CC       := $(if $(SANITIZE),clang,gcc)
PREFIX   ?= /usr/local
JOBS     ?= $(shell nproc)
ARGS     ?=

# ---- what it stands on -------------------------------------------------------------------------

DEBIAN_RUN := build-essential pkg-config libavcodec-dev libavfilter-dev libavformat-dev libavutil-dev \
  libswscale-dev libswresample-dev libvpx-dev libopus-dev libpango1.0-dev libcairo2-dev libglib2.0-dev \
  libgstreamer1.0-dev libgstreamer-plugins-base1.0-dev libgstreamer-plugins-bad1.0-dev \
  gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad gstreamer1.0-nice \
  libmicrohttpd-dev libwslay-dev libjansson-dev libsqlite3-dev libsodium-dev libssl-dev \
  libjwt-dev libyaml-dev libcurl4-openssl-dev ca-certificates \
  fonts-noto-core fonts-noto-cjk fonts-noto-color-emoji
DEBIAN_TEST := libcmocka-dev clang clang-format clang-tidy cppcheck llvm \
  libclang-rt-14-dev chromium firefox-esr curl ffmpeg openssl git

PACKAGES := libavcodec libavformat libavfilter libavutil libswscale libswresample vpx opus pangocairo glib-2.0 gobject-2.0 \
  jansson sqlite3 libsodium libcrypto libjwt yaml-0.1 libcurl gstreamer-1.0 gstreamer-base-1.0 gstreamer-app-1.0 gstreamer-rtp-1.0 \
  gstreamer-sdp-1.0 gstreamer-video-1.0 gstreamer-webrtc-1.0 libmicrohttpd

# ---- how it is compiled ------------------------------------------------------------------------

WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith \
            -Wvla -Wwrite-strings -Wno-unused-parameter
OPTIMISE := $(if $(SANITIZE),-O1 -fno-omit-frame-pointer,-O2)
SANFLAGS := $(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-sanitize-recover=undefined)
CFLAGS   += -std=gnu11 -g $(OPTIMISE) $(WARNINGS) $(SANFLAGS) -I. -D_GNU_SOURCE \
            -DTESSERA_VERSION='"$(VERSION)"'
LDFLAGS  += $(SANFLAGS)
STARTUP  := $(if $(findstring address,$(SANITIZE)),$(BUILD)/tests/lsan_startup.o)
# Asked for when first needed: `make deps` must work before there is anything to ask.
PKG_CFLAGS = $(eval PKG_CFLAGS := $(shell pkg-config --cflags $(PACKAGES)))$(PKG_CFLAGS)
PKG_LIBS   = $(eval PKG_LIBS := $(shell pkg-config --libs $(PACKAGES)) -lwslay -lm -lpthread)$(PKG_LIBS)

sources = $(sort $(wildcard $(1)/*.c $(1)/*/*.c))
objects = $(patsubst %.c,$(BUILD)/%.o,$(1))
MIXER_OBJECTS := $(call objects,$(call sources,mixer))
MCU_OBJECTS   := $(call objects,$(call sources,mcu))
HTTP_OBJECTS  := $(call objects,$(filter-out http/main.c,$(call sources,http))) $(BUILD)/http/assets_data.o
LIBS          := $(BUILD)/libhttp.a $(BUILD)/libmcu.a $(BUILD)/libmixer.a
ASSETS        := $(shell find assets -type f 2>/dev/null | sort)

UNIT_TESTS  := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/unit/test_*.c))
PEER_TESTS  := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/peer/test_*.c))
PEER_OBJECTS := $(call objects,$(filter-out tests/peer/main.c tests/peer/slow_disk.c tests/peer/test_%,$(wildcard tests/peer/*.c)))
PEER_COMMON  := $(BUILD)/libpeer.a
LINK_OBJECTS := $(call objects,$(wildcard tests/link/*.c))
FUZZERS     := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/fuzz/fuzz_*.c))

.PHONY: all
all: $(BUILD)/tessera ## build only: build/tessera

$(BUILD)/tessera: $(BUILD)/http/main.o $(STARTUP) $(LIBS)
	@echo "  LD    $@"; $(CC) $(LDFLAGS) -o $@ $^ $(PKG_LIBS)

$(BUILD)/libmixer.a: $(MIXER_OBJECTS)
$(BUILD)/libmcu.a: $(MCU_OBJECTS)
$(BUILD)/libhttp.a: $(HTTP_OBJECTS)
$(PEER_COMMON): $(PEER_OBJECTS)
$(LIBS) $(PEER_COMMON):
	@rm -f $@; ar rcs $@ $^

# The web client, built into the binary. The directories are there for files that go.
$(BUILD)/http/assets_data.o: http/assets_data.sh $(ASSETS) $(shell find assets -type d 2>/dev/null)
	@mkdir -p $(@D); echo "  AS    assets"
	@sh http/assets_data.sh assets > $(BUILD)/http/assets_data.S && $(CC) -c -o $@ $(BUILD)/http/assets_data.S

$(BUILD)/%.o: %.c
	@mkdir -p $(@D); echo "  CC    $<"; $(CC) $(CFLAGS) $(PKG_CFLAGS) -MMD -MP -c -o $@ $<

# A unit test is one file with cmocka's main(); it may use everything but main.c.
$(UNIT_TESTS): $(BUILD)/tests/unit/%: $(BUILD)/tests/unit/%.o $(STARTUP) $(LIBS)
	@echo "  LD    $@"; $(CC) $(LDFLAGS) -o $@ $^ $(PKG_LIBS) -lcmocka -lcurl

# The people of its world are doubles.
$(BUILD)/tests/unit/test_access: LDFLAGS += -Wl,--wrap=accounts_recognise,--wrap=store_get_room_owner,--wrap=session_open

$(BUILD)/tests/unit/test_library: LDFLAGS += -Wl,--wrap=repair_file,--wrap=repair_is_whole,--wrap=repair_measure,--wrap=repair_has_room,--wrap=repair_make_poster,--wrap=repair_make_sheet

# The test client joins like a browser, replays encoded media and can decode what it gets.
$(BUILD)/tests/peer/peer: $(BUILD)/tests/peer/main.o $(STARTUP) $(PEER_COMMON) $(BUILD)/libmixer.a
	@echo "  LD    $@"; $(CC) $(LDFLAGS) -o $@ $^ $(PKG_LIBS) -lcurl
$(PEER_TESTS): $(BUILD)/tests/peer/%: $(BUILD)/tests/peer/%.o $(STARTUP) $(PEER_COMMON) $(BUILD)/libmixer.a \
                                      | $(BUILD)/tests/peer/peer $(BUILD)/tessera
	@echo "  LD    $@"; $(CC) $(LDFLAGS) -o $@ $(filter %.o %.a,$^) $(PKG_LIBS) -lcmocka -lcurl
# The slow disk: preloaded into the server.
$(BUILD)/tests/peer/slow_disk.so: tests/peer/slow_disk.c tests/peer/slow_disk.h
	@mkdir -p $(@D); echo "  CC    $@"; gcc -std=gnu11 -g -O2 $(WARNINGS) -I. -D_GNU_SOURCE -fPIC -shared -o $@ $<
$(BUILD)/tests/peer/test_slow_disk: | $(BUILD)/tests/peer/slow_disk.so
# The bad link: no library of the project's is in it.
$(BUILD)/tests/link/link: $(LINK_OBJECTS) $(STARTUP)
	@echo "  LD    $@"; $(CC) $(LDFLAGS) -o $@ $^ -lm
$(BUILD)/tests/unit/test_link_model: $(BUILD)/tests/link/model.o
$(BUILD)/tests/unit/test_figures: $(BUILD)/tests/peer/figures.o
$(BUILD)/tests/peer/test_link: | $(BUILD)/tests/link/link
$(BUILD)/tests/bench/bench: $(call objects,$(wildcard tests/bench/*.c)) $(PEER_COMMON) $(BUILD)/libmixer.a
	@echo "  LD    $@"; $(CC) $(LDFLAGS) -o $@ $^ $(PKG_LIBS) -lcurl

# Built with SANITIZE=fuzzer-no-link,address by `make fuzz`.
$(FUZZERS): $(BUILD)/tests/fuzz/%: $(BUILD)/tests/fuzz/%.o $(STARTUP) $(LIBS)
	@echo "  LD    $@"; $(CC) $(LDFLAGS) -fsanitize=fuzzer -o $@ $^ $(PKG_LIBS)

# What some of them begin with.
$(BUILD)/tests/fuzz/seeds: $(BUILD)/tests/fuzz/seeds.o $(STARTUP) $(LIBS)
	@echo "  LD    $@"; $(CC) $(LDFLAGS) -o $@ $^ $(PKG_LIBS)

.PHONY: unit-programs peer-programs fuzz-programs
unit-programs: $(UNIT_TESTS)
peer-programs: $(PEER_TESTS)
fuzz-programs: $(FUZZERS) $(BUILD)/tests/fuzz/seeds

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)

# ---- what one does with it -----------------------------------------------------------------------

# $(1): Debian packages; installs those that are missing.
define install_missing
	@missing=$$(for p in $(1); do dpkg-query -W -f='$${Status}' $$p 2>/dev/null | grep -q 'ok installed' || echo $$p; done); \
	if [ -n "$$missing" ]; then \
	  as_root=; [ "$$(id -u)" = 0 ] || as_root=sudo; \
	  echo "Installing:" $$missing; \
	  $$as_root apt-get update -qq && \
	  $$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing; \
	fi
endef

.PHONY: deps test-deps run test unit asan tsan fuzz e2e bench lint fmt install clean help

deps: ## install what the build needs (Debian packages)
	$(call install_missing,$(DEBIAN_RUN))

test-deps: deps ## install what the tests need (Debian and npm packages)
	$(call install_missing,$(DEBIAN_TEST) $(if $(shell command -v node),,nodejs) $(if $(shell command -v npm),,npm))
	@cd tests/e2e && npm ls >/dev/null 2>&1 || npm ci --no-audit --no-fund

run: deps ## build and serve on http://localhost:8080
	@$(MAKE) --no-print-directory -j$(JOBS) all
	@exec $(BUILD)/tessera $(ARGS)

test: test-deps ## run all tests
	@tests/run.sh all

unit: ## the unit tests alone
	@tests/run.sh unit

asan: ## unit and peer tests under ASan and UBSan
	@tests/run.sh asan

tsan: ## the threads' tests under TSan
	@tests/run.sh tsan

fuzz: ## each fuzz target for a minute (SECONDS_EACH=60)
	@tests/run.sh fuzz

e2e: ## the browser tests alone
	@tests/run.sh e2e

bench: test-deps ## the server against its codec floor: the README's table
	@$(MAKE) --no-print-directory -j$(JOBS) all $(BUILD)/tests/bench/bench
	@$(BUILD)/tests/bench/bench --server $(BUILD)/tessera $(ARGS)

lint: ## formatting, house rules, static analysis
	@tests/lint.sh

fmt: ## put all C files into the house's form
	@clang-format -i $$(git ls-files '*.c' '*.h')

install: all ## install the binary (PREFIX=/usr/local)
	install -D -m 755 $(BUILD)/tessera $(DESTDIR)$(PREFIX)/bin/tessera

clean: ## remove what was built
	rm -rf build

help: ## this list
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{printf "%-12s %s\n", $$1, $$2}'
