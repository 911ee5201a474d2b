# For programs outside of this project: the harness and the kernels as one static library each, their headers, a CMake
# package (find_package(chirpbench), targets chirpbench::harness and chirpbench::kernels) and files for pkg-config.
set(lanes baseline)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
    list(APPEND lanes avx2 avx512)
endif()
list(TRANSFORM lanes REPLACE "(.+)" "$<TARGET_OBJECTS:chirp_lanes_\\1>")
add_library(chirpbench_harness STATIC $<TARGET_OBJECTS:chirp_base> $<TARGET_OBJECTS:chirp_harness> $<TARGET_OBJECTS:chirp_built_simd> ${lanes})
add_library(chirpbench_kernels STATIC $<TARGET_OBJECTS:chirp_conv1d_reference>)
foreach(kernel random gemm variational optimizer dropout dense conv1d)
    target_sources(chirpbench_kernels PRIVATE $<TARGET_OBJECTS:chirp_${kernel}>)
endforeach()
set_target_properties(chirpbench_harness chirpbench_kernels PROPERTIES LINKER_LANGUAGE C)

install(TARGETS chirpbench_harness chirpbench_kernels ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(FILES harness/chirpbench_harness.h kernels/chirpbench_kernels.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/chirpbench)
install(DIRECTORY harness kernels DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/chirpbench FILES_MATCHING PATTERN "*.h"
        PATTERN "*_internal.h" EXCLUDE PATTERN "chirpbench_*.h" EXCLUDE
        PATTERN simd EXCLUDE PATTERN parallel EXCLUDE PATTERN cmake EXCLUDE PATTERN random_*.h EXCLUDE PATTERN direct EXCLUDE
        PATTERN transform EXCLUDE PATTERN fft EXCLUDE)

# What the two need besides, by the names of pkg-config; libxsmm's file doesn't name all that its static library needs.
set(modules libcjson hwloc)
if(CHIRP_HAVE_PAPI)
    list(APPEND modules papi)
endif()
string(JOIN " " CHIRP_MODULES ${modules})
string(JOIN " " CHIRP_OPENMP_FLAGS ${OpenMP_C_FLAGS})
set(package ${CMAKE_INSTALL_LIBDIR}/cmake/chirpbench)
file(RELATIVE_PATH CHIRP_UP_FROM_PACKAGE /top/${package} /top)
file(RELATIVE_PATH CHIRP_UP_FROM_PKGCONFIG /top/${CMAKE_INSTALL_LIBDIR}/pkgconfig /top)
include(CMakePackageConfigHelpers)
set(made ${CMAKE_BINARY_DIR}/libraries)
configure_file(harness/cmake/chirpbench-config.cmake.in ${made}/chirpbench-config.cmake @ONLY)
write_basic_package_version_file(${made}/chirpbench-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${made}/chirpbench-config.cmake ${made}/chirpbench-config-version.cmake DESTINATION ${package})
foreach(part harness kernels)
    configure_file(harness/cmake/chirpbench-${part}.pc.in ${made}/chirpbench-${part}.pc @ONLY)
    install(FILES ${made}/chirpbench-${part}.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endforeach()
