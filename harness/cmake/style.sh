#!/bin/sh
# Formats or inspects all C sources: what the build targets format, format-check and tidy run.
#   style.sh format                 rewrites files as .clang-format says
#   style.sh format-check           exit code 1 and the places when a file is not formatted
#   style.sh tidy BUILD JOBS [FILE...]   clang-tidy with the flags of a build folder; all product sources unless files are named
set -eu
cd "$(dirname "$0")/../.."
mode=${1:?format, format-check or tidy}
need() {
    command -v "$1" >/dev/null || { echo "style.sh: $1 is missing: install Debian package $1" >&2; exit 2; }
}
product() { find harness kernels model suites reports -name '*.c' | sort; }
sources() { find harness kernels model suites reports tests -name '*.c' -o -name '*.h' -o -name '*.cc' | sort; }

case $mode in
format)
    need clang-format
    sources | xargs clang-format -i
    ;;
format-check)
    need clang-format
    sources | xargs clang-format --dry-run --Werror
    ;;
tidy)
    need clang-tidy
    build=${2:?the folder of a build}
    jobs=${3:?how many at a time}
    shift 3
    if [ $# -gt 0 ]; then printf '%s\n' "$@"; else product; fi |
        while read -r file; do
            # what this build leaves out, for want of a library, has no flags to inspect it with
            if grep -qF "/$file\"" "$build/compile_commands.json"; then echo "$file"; fi
        done | xargs -P "$jobs" -n 1 clang-tidy --quiet -p "$build" --extra-arg=-Wno-unknown-warning-option
    ;;
*)
    echo "style.sh: unknown mode '$mode': format, format-check or tidy" >&2
    exit 2
    ;;
esac
