# shellcheck shell=sh
# usage: sh stopped_in_createcluster.sh look|take DATA SETTINGS VERSION
#
# Prints `new` if pg_createcluster has everything to make, `again` if it was stopped in data that was never started, or
# is to take over data, and `made` otherwise. It moves three files from the data to the directory of settings, and
# refuses to run if one is there. So `take` copies those back that are there alone. If one is nowhere, it would fail,
# and then remove the data: that is refused.
set -eu
mode=$1
data=$2
settings=$3
version=$4

refuse() {
  echo "$1" >&2
  exit 1
}

found=
for name in postgresql.conf pg_hba.conf pg_ident.conf; do
  [ ! -e "$settings/$name" ] || found=$name
done
if [ ! -e "$data/PG_VERSION" ]; then
  [ -z "$found" ] || refuse "$settings has the settings of a cluster, and $data has no data. Bring the data back, or \
remove the cluster by pg_dropcluster"
  echo new && exit 0
fi
if { [ -e "$settings/conf.d/pgedge.conf" ] || [ -e "$data/postmaster.opts" ]; } \
  && [ -e "$settings/postgresql.conf" ] && [ -e "$settings/pg_hba.conf" ]; then
  echo made && exit 0
fi
there=$(cat "$data/PG_VERSION")
[ "$there" = "$version" ] || refuse "the data in $data is of version $there, and pg_version is $version"
for name in postgresql.conf pg_hba.conf pg_ident.conf; do
  [ -s "$data/$name" ] || [ -s "$settings/$name" ] || refuse "$data has data, and neither it nor $settings has $name, \
and pg_createcluster does not take it over then. Put one there"
done
if [ "$mode" = take ]; then
  for name in postgresql.conf pg_hba.conf pg_ident.conf; do
    [ ! -s "$data/$name" ] || continue
    cp -T -- "$settings/$name" "$data/$name.part"
    mv -T -- "$data/$name.part" "$data/$name"
  done
fi
echo again
