# Interface targets that carry flags: a target has those of the ones it links. Only the sanitizers (below) are for every file of
# the build: a part without them would hide what it does from them.

add_library(chirp_warnings INTERFACE)
target_compile_options(chirp_warnings INTERFACE
    -Wall -Wextra -Wshadow -Wconversion -Wdouble-promotion -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wformat=2
    -Wundef $<$<BOOL:${CHIRP_WERROR}>:-Werror>)

# Own SIMD code: the machine's vectors, and no errno or trap bookkeeping in the way of vectorisation.
# Never -ffast-math: NaN must stay visible and sums keep their order. ISO mode turns FMA contraction off; we want it.
add_library(chirp_simd INTERFACE)
target_compile_options(chirp_simd INTERFACE -O3 -fno-math-errno -fno-trapping-math -ffp-contract=fast -fopenmp-simd)
if(CHIRP_NATIVE)
    target_compile_options(chirp_simd INTERFACE -march=${CHIRP_MARCH})
    if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
        # GCC prefers 256-bit vectors on its own even where 512 are as fast or faster
        target_compile_options(chirp_simd INTERFACE -mprefer-vector-width=512)
    endif()
endif()

if(CHIRP_SANITIZE)
    add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer)
    add_link_options(-fsanitize=address,undefined)
endif()
