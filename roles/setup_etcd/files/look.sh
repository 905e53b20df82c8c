# shellcheck shell=sh
# usage: sh look.sh DIRECTORY ABOVE MARK ETCDCTL...
#
# Describes a host's member of etcd: whether DIRECTORY has data, its file system (or that of ABOVE, if DIRECTORY does
# not exist), the host's mark, and the members that ETCDCTL lists. It prints a line of JSON, with texts in base64.
directory=$1
above=$2
mark=$3
shift 3
[ -n "$(find "$directory/member" -type f -print -quit 2>/dev/null)" ] && data=true || data=false
[ -d "$directory" ] || directory=$above
printf '{"data": %s, "mount": "%s", "mark": "%s", "list": "%s"}\n' "$data" \
  "$(findmnt --noheadings --raw --first-only --output TARGET,UUID,SOURCE --target "$directory" 2>/dev/null |
    base64 --wrap=0)" \
  "$(base64 --wrap=0 <"$mark" 2>/dev/null)" "$("$@" 2>/dev/null | base64 --wrap=0)"
