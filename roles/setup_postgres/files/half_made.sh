# shellcheck shell=sh
# usage: sh half_made.sh DIRECTORY
#
# Says in one word what a data directory is: `none`, `busy` while a program works in it, `whole`,
# `half` for what initdb or pg_basebackup leaves that was stopped, or `unknown`. Half-made is only what never was a server:
# either it has initdb's own files and no others, no database of a user, and no server was ever started in it; or it is
# a copy that lacks the file which comes last, without which no server starts. Either has no tablespace.
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
for program in /proc/[0-9]*; do
  case $(cat "$program/comm" 2>/dev/null) in
    initdb | pg_ctl | postgres | pg_basebackup | pg_createcluste | pgbackrest | rsync | barman*)
      grep -qsF -e "$directory" "$program/cmdline" && echo busy && exit 0 ;;
  esac
done
[ -z "$(ls -A pg_tblspc 2>/dev/null)" ] || { echo unknown && exit 0; }
if [ -f PG_VERSION ] && [ -f backup_label ] && [ ! -s global/pg_control ]; then
  echo half && exit 0
fi
# initdb's own servers write a process number below zero, as all do that nobody can connect to.
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
