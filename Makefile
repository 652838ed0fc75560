# Thin front of Meson: each target does all of its own set-up.
BUILD = build
CHECK_BUILD = build-check
PREFIX = /usr/local
DESTDIR =
FUZZ_SECONDS = 60
SOAK_SECONDS = 1200
HOST = 127.0.0.1
PORT = 4243

.PHONY: build run check analyze coverage valgrind bench fuzz soak install format clean packages

# A build directory of another checkout, or of half a run, is made anew.
setup = test -f $(1)/build.ninja || meson setup $(1) $(2)

packages:
	@tools/packages build

build: packages
	@$(call setup,$(BUILD),--prefix=$(PREFIX) --sysconfdir=/etc --localstatedir=/var)
	@ninja -C $(BUILD) programs

run: build
	@tools/run $(BUILD) $(HOST) $(PORT)

check:
	@tools/packages build check
	@/usr/bin/python3 tests/check.py --build $(CHECK_BUILD)

# Part of check, too: what gcc, clang-tidy and cppcheck find without running anything.
analyze:
	@tools/packages build check
	@/usr/bin/python3 tests/check.py --build $(CHECK_BUILD) --only analyze

# How much of src the tests reach; the lines are in build-coverage/coverage/index.html.
coverage:
	@tools/packages build check
	@/usr/bin/python3 tests/coverage.py

# Takes hours: every program of the tests under valgrind.
valgrind:
	@tools/packages build check
	@/usr/bin/python3 tests/valgrind.py

bench:
	@tools/packages build bench
	@bench/run

fuzz:
	@tools/packages build check
	@/usr/bin/python3 tests/check.py --build $(CHECK_BUILD) --only fuzz --fuzz-seconds $(FUZZ_SECONDS)

# Twenty minutes of mixed load while the database and the directory come and go.
soak: build
	@tools/packages check
	@AUTOMXD_BUILD=$(BUILD) /usr/bin/python3 tests/faults/soak.py $(SOAK_SECONDS)

install: build
	@meson configure $(BUILD) --prefix=$(PREFIX)
	@ninja -C $(BUILD)
	@DESTDIR=$(DESTDIR) meson install -C $(BUILD) --no-rebuild

format:
	@git ls-files 'src/*.[ch]' 'tests/*.c' 'bench/*.c' 'docs/*.c' | xargs clang-format -i

clean:
	@rm -rf $(BUILD) $(CHECK_BUILD) $(CHECK_BUILD)-* build-coverage build-valgrind
