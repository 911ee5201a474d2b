# Every build option of chirpbench, once, with a sentence each.
option(CHIRP_NATIVE "Compile the project's own SIMD code for this machine (-march=native); libxsmm's kernels always are" ON)
set(CHIRP_MARCH "native" CACHE STRING "The machine that CHIRP_NATIVE compiles for: gcc's and clang's -march, such as native or haswell (AVX2)")
option(CHIRP_WERROR "Treat warnings as errors (CI does; users' newer compilers may warn about more)" OFF)
option(CHIRP_SANITIZE "Build with AddressSanitizer and UndefinedBehaviorSanitizer" OFF)
option(CHIRP_TESTS "Build the tests (needs cmocka)" ON)
option(CHIRP_PAPI "Count hardware events with PAPI when libpapi-dev is present" ON)
option(CHIRP_ONEDNN "Build the oneDNN peer benchmarks when libdnnl-dev is present" ON)
option(CHIRP_SIMGRID "Build the SimGrid projection when libsimgrid-dev is present" ON)
