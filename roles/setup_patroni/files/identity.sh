# shellcheck shell=sh
# usage: sh identity.sh PROGRAMS DIRECTORY
#
# Prints the system identifier of a data directory, or nothing if it holds no server's data. PROGRAMS is the directory
# of PostgreSQL's programs.
set -eu
[ -s "$2/global/pg_control" ] || exit 0
LC_ALL=C timeout 20 "$1/pg_controldata" -D "$2" | sed -n 's/^Database system identifier: *//p'
