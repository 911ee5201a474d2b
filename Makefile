# The front door. `make study` runs the main job, `make check` passes the tests; both install what is missing first.
#   make deps    Debian packages (as root or with sudo); does nothing when all are present
#   make build   the command, build/chirpbench
#   make check   deps + build with warnings as errors + all tests
#   make study   deps + build + the study (STUDY=folder, PRESET=quick|paper, STRAIN=file and GPS=seconds for real strain)

# what the build needs, then what only tests, reports and peers use
PACKAGES = gcc libc6-dev make cmake pkg-config libxsmm-dev libmpich-dev mpich libpapi-dev libcjson-dev libhdf5-dev \
    libfftw3-dev libcmocka-dev \
    gnuplot-nox libsimgrid-dev libdnnl-dev libbenchmark-dev libbenchmark-tools g++ python3 python3-scipy python3-h5py

JOBS := $(shell nproc)
STUDY ?= study
PRESET ?= quick
STRAIN ?=
GPS ?=
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)
MISSING = $(shell for p in $(PACKAGES); do \
    dpkg-query -W -f='$${db:Status-Status}' $$p 2>/dev/null | grep -qx installed || echo $$p; done)

.PHONY: all deps build build-ci check study clean
all: build

deps:
	@missing="$(MISSING)"; if [ -n "$$missing" ]; then \
	    echo "installing Debian packages: $$missing"; \
	    $(SUDO) apt-get update -q && \
	    $(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $$missing; fi

build:
	cmake --preset release
	cmake --build --preset release -j $(JOBS)

build-ci:
	cmake --preset ci
	cmake --build --preset ci -j $(JOBS)

check: deps
	$(MAKE) build-ci
	ctest --preset ci

study: deps
	$(MAKE) build
	build/chirpbench study --preset $(PRESET) --out $(STUDY) --resume $(if $(STRAIN),--strain $(STRAIN)) $(if $(GPS),--gps $(GPS))

clean:
	rm -rf build build-debug build-sanitize
