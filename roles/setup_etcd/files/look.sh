# shellcheck shell=sh
# usage: sh look.sh DIRECTORY ABOVE MARK ETCDCTL...
#
# Says what a host shows of its member of etcd: whether DIRECTORY has data, on which file system it is (or ABOVE, while it is not
# there), the host's mark, and the members that ETCDCTL lists. It is a line of JSON, with texts in base64.
directory=$1
above=$2
mark=$3
shift 3
[ -d "$directory/member" ] && data=true || data=false
[ -d "$directory" ] || directory=$above
printf '{"data": %s, "mount": "%s", "mark": "%s", "list": "%s"}\n' "$data" \
  "$(findmnt --noheadings --raw --first-only --output TARGET,UUID,SOURCE --target "$directory" 2>/dev/null | base64 --wrap=0)" \
  "$(base64 --wrap=0 <"$mark" 2>/dev/null)" "$("$@" 2>/dev/null | base64 --wrap=0)"
