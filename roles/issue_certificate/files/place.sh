# shellcheck shell=sh
# usage: sh place.sh DIRECTORY GROUP
#
# Puts host.key.new and host.crt.new into the place of host.key and host.crt, both in the same moment: a service that
# starts in between would find a key of another certificate. A pair has a directory of its own, host.key and host.crt
# are links into `pair`, and `pair` is a link to the directory, which one rename turns. Two runs at once may have
# written the key of one and the certificate of the other: such are no pair, and are refused.
set -eu
cd -- "$1"
directory=$1
group=$2

# turn LINK TARGET
turn() {
  ln -sfn -- "$2" "$1.part"
  mv -T -- "$1.part" "$1"
}

# keep NAME KEY CERTIFICATE: a directory with copies of them. NAME is not the one that `pair` leads to: the links may
# lead there already.
keep() {
  rm -rf -- "$1"
  mkdir -m 0750 -- "$1"
  cp --preserve=mode,ownership -T -- "$2" "$1/host.key"
  cp --preserve=mode,ownership -T -- "$3" "$1/host.crt"
  chgrp -- "$group" "$1"
  sync -- "$1/host.key" "$1/host.crt" "$1"
}

new=pair.$(sha256sum <host.crt.new | cut -c 1-16)
former=$(readlink pair || true)
[ "$new" != "$former" ] || new=$new.again
keep "$new" host.key.new host.crt.new
# The copies are compared: the files may be written again.
certified=$(openssl x509 -in "$new/host.crt" -noout -pubkey || true)
if [ -z "$certified" ] || [ "$certified" != "$(openssl pkey -in "$new/host.key" -passin pass: -pubout || true)" ]; then
  rm -rf -- "$new"
  echo "$directory/host.key.new is not the key of host.crt.new, as if two runs wrote them at once. The former pair" \
    "was not changed. Run this again when no other run works on the host" >&2
  exit 1
fi
if [ ! -L host.key ] || [ ! -L host.crt ]; then
  if [ -e host.key ] && [ -e host.crt ]; then # as earlier releases have it: the same two files, behind links
    [ "$former" != pair.former ] && former=pair.former || former=pair.former.again
    keep "$former" host.key host.crt
    turn pair "$former"
  else
    turn pair "$new"
  fi
  turn host.key pair/host.key
  turn host.crt pair/host.crt
fi
turn pair "$new"
sync -- .
for other in pair.*; do # another run may have turned `pair` since
  [ "$other" = "$(readlink pair)" ] || rm -rf -- "$other"
done
rm -f -- host.key.new host.crt.new
