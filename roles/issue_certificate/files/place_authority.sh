# shellcheck shell=sh
# usage: sh place_authority.sh DIRECTORY KEY <CERTIFICATE
#
# Makes CERTIFICATE the authority's, ca.crt in DIRECTORY, and KEY (ca.key.new, or ca.key if that one stays) its key.
# Before the old files are touched, the new ones are compared, and on the disk.
set -eu
cd -- "$1"
key=$2
cat >ca.crt.new
certified=$(openssl x509 -in ca.crt.new -noout -pubkey)
[ "$certified" = "$(openssl pkey -in "$key" -passin pass: -pubout)" ] || {
  echo "$1/$key is not the key of the certificate" >&2
  exit 1
}
chmod 0600 -- "$key"
chmod 0644 ca.crt.new
sync -- "$key" ca.crt.new
[ "$key" = ca.key ] || mv -T -- "$key" ca.key
mv -T ca.crt.new ca.crt
sync -- .
