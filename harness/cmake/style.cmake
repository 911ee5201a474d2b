# Targets for people, not for the build: format, format-check and tidy. They need clang-format and clang-tidy only when run.
set(chirp_style ${CMAKE_CURRENT_LIST_DIR}/style.sh)
include(ProcessorCount)
ProcessorCount(chirp_processors)
add_custom_target(format COMMAND ${chirp_style} format VERBATIM USES_TERMINAL)
add_custom_target(format-check COMMAND ${chirp_style} format-check VERBATIM USES_TERMINAL)
add_custom_target(tidy COMMAND ${chirp_style} tidy ${CMAKE_BINARY_DIR} ${chirp_processors} VERBATIM USES_TERMINAL)
add_dependencies(tidy chirp_git_commit)
