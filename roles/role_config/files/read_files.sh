# shellcheck shell=sh
# usage: sh read_files.sh PATTERN...
#
# Prints each regular file that matches a PATTERN, up to a megabyte of it, as a line PATH BASE64.
set -u
# shellcheck disable=SC2048 # patterns
for file in $*; do
  if [ -f "$file" ] && [ -r "$file" ]; then
    printf '%s %s\n' "$file" "$(head -c 1000000 -- "$file" | base64 -w 0)"
  fi
done
