# Interface targets that carry flags: a target has those of the ones it links. Only the sanitizers and the
# coverage counters (below) are for every file of the build: a part without them would hide what it does from them.

add_library(chirp_warnings INTERFACE)
target_compile_options(chirp_warnings INTERFACE
    -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wformat=2 -Wundef
    # clang takes the constant INFINITY in a double for a promotion of a float; gcc finds the real ones
    $<$<C_COMPILER_ID:GNU>:-Wdouble-promotion>
    # and clang warns of rows of tables that leave their last fields zero, which gcc does not where the rows are named
    $<$<NOT:$<C_COMPILER_ID:GNU>>:-Wno-missing-field-initializers> $<$<BOOL:${CHIRP_WERROR}>:-Werror>)

# Own SIMD code: the machine's vectors, and no errno or trap bookkeeping in the way of vectorisation.
# Never -ffast-math: NaN must stay visible and sums keep their order. ISO mode turns FMA contraction off; we want it.
add_library(chirp_simd INTERFACE)
target_compile_options(chirp_simd INTERFACE -O3 -fno-math-errno -fno-trapping-math -ffp-contract=fast -fopenmp-simd)
# clang warns where it can't vectorise a loop: a matter of speed, which benchmarks judge, and not of what is right
if(CMAKE_C_COMPILER_ID MATCHES "Clang")
    target_compile_options(chirp_simd INTERFACE -Wno-pass-failed)
endif()
if(CHIRP_NATIVE)
    target_compile_options(chirp_simd INTERFACE -march=${CHIRP_MARCH})
    if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
        # GCC prefers 256-bit vectors on its own even where 512 are as fast or faster
        target_compile_options(chirp_simd INTERFACE -mprefer-vector-width=512)
    endif()
endif()

if(CHIRP_SANITIZE STREQUAL "thread")
    # GCC's OpenMP library hides its barriers from the sanitizer, which then reports races that are none; clang's tells them.
    if(NOT CMAKE_C_COMPILER_ID MATCHES "Clang")
        message(FATAL_ERROR "CHIRP_SANITIZE=thread needs clang: use the preset tsan, or set CMAKE_C_COMPILER=clang")
    endif()
    add_compile_options(-fsanitize=thread -fno-omit-frame-pointer)
    add_link_options(-fsanitize=thread)
elseif(CHIRP_SANITIZE STREQUAL "address" OR CHIRP_SANITIZE STREQUAL "ON")
    add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer)
    add_link_options(-fsanitize=address,undefined)
elseif(CHIRP_SANITIZE STREQUAL "fuzz")
    # as address, and every branch is counted for libFuzzer, which tests/fuzz links
    if(NOT CMAKE_C_COMPILER_ID MATCHES "Clang")
        message(FATAL_ERROR "CHIRP_SANITIZE=fuzz needs clang: use the preset fuzz, or set CMAKE_C_COMPILER=clang")
    endif()
    add_compile_options(-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer)
    add_link_options(-fsanitize=address,undefined)
elseif(CHIRP_SANITIZE)
    message(FATAL_ERROR "CHIRP_SANITIZE is '${CHIRP_SANITIZE}': take address, thread, fuzz or nothing")
endif()

if(CHIRP_COVERAGE)
    add_compile_options(--coverage -fprofile-update=atomic)
    add_link_options(--coverage)
endif()
