# shellcheck shell=sh
# usage: sh half_made.sh DIRECTORY
#
# Prints the state of a data directory in one word: `none`, `whole`, `half` if initdb or pg_basebackup was stopped in it
# or still works in it, or `unknown`. A directory is half-made only if it never was a server.
# Either it has only initdb's own files and no database of a user, and no server was ever started in it. Or it is a
# copy without the file that comes last, and no server starts without that file. Neither has a tablespace.
set -eu
directory=$1
if [ ! -d "$directory" ] || [ -z "$(ls -A -- "$directory")" ]; then
  echo none && exit 0
fi
cd -- "$directory"
databases=$(find base -mindepth 1 -maxdepth 1 -type d 2>/dev/null | wc -l)
if [ -s global/pg_control ] && [ "$databases" -ge 3 ]; then
  echo whole && exit 0
fi
[ -z "$(ls -A pg_tblspc 2>/dev/null)" ] || { echo unknown && exit 0; }
if [ -f PG_VERSION ] && [ -f backup_label ] && [ ! -s global/pg_control ]; then
  echo half && exit 0
fi
# initdb's own servers write a process number below zero, like all servers that nobody can connect to.
case $(head -n 1 postmaster.pid 2>/dev/null) in
  '' | -*) ;;
  *) echo unknown && exit 0 ;;
esac
# shellcheck disable=SC2045 # a name with a blank falls into parts, which are none of initdb's either
for entry in $(ls -A); do
  case $entry in
    PG_VERSION | base | global | pg_* | postgresql.*conf | patroni.dynamic.json | postmaster.pid) ;;
    *) echo unknown && exit 0 ;;
  esac
done
for entry in base/*; do
  [ "${entry#base/}" = '*' ] || [ "${entry#base/}" -lt 16384 ] 2>/dev/null || { echo unknown && exit 0; }
done
echo half
