# shellcheck shell=sh
# usage: sh look.sh DIRECTORY FILE...
#
# Says in its first line whether DIRECTORY has the authority's certificate, and the key of it: a power cut can leave
# either empty. Then it prints each FILE that exists, below its name.
directory=$1
shift
key=$(openssl pkey -in "$directory/ca.key" -passin pass: -pubout 2>/dev/null)
certified=$(openssl x509 -in "$directory/ca.crt" -noout -pubkey 2>/dev/null)
[ -n "$key" ] && [ "$key" = "$certified" ] && echo 'key: yes' || echo 'key: no'
tail --verbose --lines=+1 -- "$@" 2>/dev/null
exit 0
