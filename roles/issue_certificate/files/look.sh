# shellcheck shell=sh
# usage: sh look.sh DIRECTORY FILE...
#
# Says in its first line whether DIRECTORY has the authority's key. Then it prints each FILE that exists, below its
# name.
directory=$1
shift
[ -f "$directory/ca.key" ] && echo 'key: yes' || echo 'key: no'
tail --verbose --lines=+1 -- "$@" 2>/dev/null
exit 0
