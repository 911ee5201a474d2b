# The front door. `make study` runs the main job, `make check` passes the tests; both install what is missing first.
#   make deps    Debian packages (as root or with sudo); does nothing when all are present
#   make build   the command, build/chirpbench
#   make install, make uninstall   program, manual pages and completions, under PREFIX (/usr/local) and DESTDIR
#   make package the Debian package and the tarball for any x86-64 processor, in build-package/
#   make check-package   make package, then installs it in a bare Debian made by debootstrap and runs it there (root, network)
#   make dist    the sources of this commit as a tarball, in build-package/
#   make check   deps + build with warnings as errors + all tests
#   make check-avx2   the tests that depend on the instruction set, with a build for AVX2
#   make check-busy   the tests of threads and ranks, while another process keeps every core busy
#   make check-openmpi, check-openmpi-ranks   all tests with Open MPI in place of MPICH, and of those of ranks the ones
#                that check-busy runs too; it is installed when missing
#   make faults  kills, failing disks and refused memory: the long versions of the tests in tests/faults, an hour
#   make soak    training and generation side by side for SOAK_SECONDS (3600): memory, open files and work per step stay level
#   make fuzz    every reader of files and options for SECONDS (600) under libFuzzer (clang), and 1,000 mutated HDF5 files
#   make check-clang, check-tsan, coverage   builds by clang, with the thread sanitizer, with counts of the lines that tests run
#   make format, format-check, tidy   clang-format on all C files (the check changes none) and clang-tidy
#   make study   deps + build + the study (STUDY=folder, PRESET=quick|paper, STRAIN=file and GPS=seconds for real strain)

# what the build needs, then what only tests, reports and peers use
PACKAGES = gcc libc6-dev make cmake pkg-config libxsmm-dev libmpich-dev mpich libpapi-dev libcjson-dev libhdf5-dev \
    libfftw3-dev libhwloc-dev libcmocka-dev libexpat1-dev librandom123-dev \
    gnuplot-nox libsimgrid-dev libdnnl-dev libbenchmark-dev libbenchmark-tools g++ python3 python3-scipy python3-h5py

JOBS := $(shell nproc)
STUDY ?= study
PRESET ?= quick
STRAIN ?=
GPS ?=
PREFIX ?= /usr/local
SECONDS ?= 600
SOAK_SECONDS ?= 3600
BUILD := build
USER_ID := $(shell id -u)
# a text as one word for the shell, whatever stands in it
quote = '$(subst ','\'',$(1))'
MISSING = $(shell for p in $(PACKAGES); do \
    dpkg-query -W -f='$${db:Status-Status}' $$p 2>/dev/null | grep -qx installed || echo $$p; done)

VERSION = $(shell sed -n 's,^project.chirpbench VERSION \([0-9.]*\).*,\1,p' CMakeLists.txt)

.PHONY: all deps build build-ci install uninstall package check-package dist check check-avx2 check-busy check-clang check-tsan \
    check-openmpi check-openmpi-ranks coverage faults fuzz soak format format-check tidy study clean
all: build

deps:
	@missing="$(strip $(MISSING))"; [ -n "$$missing" ] || exit 0; \
	if [ "$(USER_ID)" = 0 ]; then sudo=; \
	elif sudo -n true 2>/dev/null || { [ -t 0 ] && command -v sudo >/dev/null; }; then sudo=sudo; \
	else echo "make deps: this needs root, or sudo. The line for an administrator:"; \
	    echo "    apt-get update && apt-get install -y --no-install-recommends $$missing"; exit 2; fi; \
	echo "installing Debian packages: $$missing"; \
	$$sudo apt-get update -q && \
	$$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $$missing

build:
	cmake --preset release
	cmake --build --preset release -j $(JOBS)

# DESTDIR goes before every path, for packages
install: build
	cmake --install $(BUILD) --prefix $(call quote,$(PREFIX))

# what the last installation wrote, and the folders that are chirpbench's own
uninstall:
	@[ -f $(BUILD)/install_manifest.txt ] || { echo "make uninstall: no $(BUILD)/install_manifest.txt: nothing was installed from here"; exit 2; }
	@root=$(call quote,$(DESTDIR)); { cat $(BUILD)/install_manifest.txt; echo; } | while IFS= read -r file; do \
	    [ -z "$$file" ] || rm -fv "$$root$$file"; done
	@root=$(call quote,$(DESTDIR)); sed 's,/[^/]*$$,,' $(BUILD)/install_manifest.txt | sort -ru | while IFS= read -r folder; do \
	    case "$$folder" in */chirpbench|*/chirpbench/*) rmdir "$$root$$folder" 2>/dev/null || true ;; esac; done

# one build for each instruction set; the first one brings everything else, too. CMAKE_FLAGS are further options of cmake.
LEVELS = x86-64-v2 x86-64-v3 x86-64-v4
empty :=
PACKED = $(CURDIR)/build-x86-64-v2;chirpbench;ALL;/$(subst $(empty) ,,$(foreach level,$(filter-out x86-64-v2,$(LEVELS)),;$(CURDIR)/build-$(level);chirpbench;level;/))
package: deps
	for level in $(LEVELS); do \
	    cmake -S . -B build-$$level -DCMAKE_BUILD_TYPE=Release -DCHIRP_TESTS=OFF -DCHIRP_LEVELS=ON -DCHIRP_MARCH=$$level $(CMAKE_FLAGS) && \
	    cmake --build build-$$level -j $(JOBS) || exit 1; done
	mkdir -p build-package && cd build-package && \
	    cpack --config ../build-x86-64-v2/CPackConfig.cmake -D CPACK_INSTALL_CMAKE_PROJECTS=$(call quote,$(PACKED))

check-package: package
	.ci/package/check.sh build-package/chirpbench_*.deb

DIST = build-package
dist:
	mkdir -p $(call quote,$(DIST))
	git archive --prefix=chirpbench-$(VERSION)/ -o $(call quote,$(DIST)/chirpbench-$(VERSION).tar.gz) HEAD

build-ci:
	cmake --preset ci
	cmake --build --preset ci -j $(JOBS)

check: deps
	$(MAKE) build-ci
	ctest --preset ci -j $(JOBS)

check-avx2: deps
	@grep -qw avx2 /proc/cpuinfo || { echo "make check-avx2: this processor has no AVX2"; exit 2; }
	cmake --preset avx2
	cmake --build --preset avx2 -j $(JOBS)
	ctest --preset avx2 -j $(JOBS)

# one spinning process a core, nicer than the tests by 5; they end with the shell, however it ends
check-busy: deps
	$(MAKE) build-ci
	@spinners=; trap 'kill $$spinners 2>/dev/null' EXIT INT TERM; \
	for core in $$(seq $(JOBS)); do nice -n 5 sh -c 'while :; do :; done' & spinners="$$spinners $$!"; done; \
	ctest --preset busy

faults: deps build-ci
	for fault in kill_generate memory; do \
	    python3 tests/faults/$$fault.py build/chirpbench build/tests/faults/libchirp_kill_at.so long || exit 1; done

soak: deps build-ci
	python3 tests/faults/soak.py build/chirpbench $(SOAK_SECONDS)

# needs clang, its fuzzer and its OpenMP library besides (Debian packages clang, libclang-rt-14-dev and libomp-dev); inputs
# that reach something new stay in build-fuzz/tests/fuzz
fuzz: deps build-ci
	cmake --preset fuzz
	cmake --build --preset fuzz -j $(JOBS)
	cd build-fuzz/tests/fuzz && $(CURDIR)/tests/fuzz/run.sh ./fuzz $(SECONDS) $(READER)
	python3 tests/fuzz/hdf5.py build/chirpbench 1000

# these need clang and its OpenMP library besides (Debian packages clang and libomp-dev)
check-clang check-tsan: check-%: deps
	cmake --preset $*
	cmake --build --preset $* -j $(JOBS)
	ctest --preset $*

# the build with MPICH is there for the test that compares trainings
check-openmpi-ranks: OPENMPI_BUILD = -t mpi_tests
check-openmpi-ranks: OPENMPI_TESTS = -L mpi -L parallel
check-openmpi check-openmpi-ranks:
	$(MAKE) deps PACKAGES="$(PACKAGES) libopenmpi-dev openmpi-bin"
	$(MAKE) build-ci
	cmake --preset openmpi
	cmake --build --preset openmpi -j $(JOBS) $(OPENMPI_BUILD)
	ctest --preset openmpi $(OPENMPI_TESTS)

# gcov's own summary of every product file, the least covered first
coverage: deps
	cmake --preset coverage
	cmake --build --preset coverage -j $(JOBS)
	ctest --preset coverage
	harness/cmake/coverage.sh build-coverage

format format-check:
	@harness/cmake/style.sh $@

tidy: deps
	cmake --preset ci
	@harness/cmake/style.sh tidy build $(JOBS)

study: deps
	$(MAKE) build
	build/chirpbench study --preset $(call quote,$(PRESET)) --out $(call quote,$(STUDY)) --resume \
	    $(if $(STRAIN),--strain $(call quote,$(STRAIN))) $(if $(GPS),--gps $(call quote,$(GPS)))

clean:
	rm -rf build build-package $(LEVELS:%=build-%) build-avx2 build-debug build-sanitize build-clang build-tsan build-openmpi build-fuzz build-coverage
