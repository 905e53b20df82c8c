# shellcheck shell=sh
# usage: sh in_use.sh DIRECTORY SERVICE
#
# Looks for processes that work in a directory: it is in their arguments, or they have a file in it open or are in it.
# Prints `free`, `busy` if all of them belong to the service, or `used by` and another one. It opens nothing in the
# directory. Its own processes do not count.
set -eu
directory=$(realpath -- "$1")
escape() { printf '%s' "$1" | sed 's/[][\.*^$+?(){}|]/\\&/g'; }
pattern="($(escape "$1")|$(escape "$directory"))([^A-Za-z0-9._-]|\$)" # not another one whose name begins like that
service=$2

ours=' '
process=$$
while [ "$process" -gt 1 ]; do
  ours="$ours$process "
  process=$(sed -n 's/^PPid:[[:blank:]]*//p' "/proc/$process/status")
done

within() {
  find "$1/cwd" "$1/fd" -maxdepth 1 \( -lname "$directory" -o -lname "$directory/*" \) -print -quit 2>/dev/null
}

answer=free
for process in /proc/[0-9]*; do
  case $ours in
    *" ${process#/proc/} "*) continue ;;
  esac
  if tr '\0' '\n' 2>/dev/null <"$process/cmdline" | grep -qE -e "$pattern" || [ -n "$(within "$process")" ]; then
    name=$(cat "$process/comm" 2>/dev/null) || continue
    grep -qsF "/$service.service" "$process/cgroup" || { echo "used by $name (process ${process#/proc/})" && exit 0; }
    answer=busy
  fi
done
echo "$answer"
