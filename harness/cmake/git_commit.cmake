# Run at build time: writes OUT (C) with the commit of the sources in DIR, only when it changed.
execute_process(COMMAND git -C ${DIR} describe --always --dirty --abbrev=12 --exclude=*
                OUTPUT_VARIABLE commit OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE failed)
if(failed)
    set(commit "")
endif()
set(text "#include \"harness/machine/machine_internal.h\"\n\nconst char chirp_git_commit[] = \"${commit}\";\n")
set(before "")
if(EXISTS ${OUT})
    file(READ ${OUT} before)
endif()
if(NOT text STREQUAL before)
    file(WRITE ${OUT} "${text}")
endif()
