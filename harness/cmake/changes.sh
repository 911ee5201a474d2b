#!/bin/sh
# usage: changes.sh VERSION   the section of CHANGELOG.md about a version, as the text of its tag
changes=$(dirname "$0")/../../CHANGELOG.md
[ $# = 1 ] || { echo "usage: changes.sh VERSION" >&2; exit 2; }
text=$(awk -v version="$1" '/^## /{ shown = $2 == version; if (shown) print "chirpbench " version; next } shown { if (sub(/^### /, "")) $0 = $0 ":"; print }' "$changes")
[ -n "$text" ] || { echo "changes.sh: CHANGELOG.md has no section on $1" >&2; exit 2; }
printf '%s\n' "$text"
