# shellcheck shell=sh
# usage: sh try_parameters.sh PROGRAMS TLS DATA <PARAMETERS
#
# Starts a new server of the directory PROGRAMS with parameters, logs in and writes, and removes it. What it says if
# that fails goes to standard error. It listens on no network, archives nothing, logs nowhere else, and takes little
# memory: whether the host has as much as shared_buffers wants is calculated, and whether the server could write its
# log is looked up. TLS is the directory of the server's certificate. Another certificate stands in for it: the host's
# may be missing or damaged until a later task renews it. DATA is the host's data directory, which may not be there yet.
set -eu
umask 077
programs=$1
tls=$2
real=$3
directory=$(mktemp -d)
data=$directory/data
trap 'exit 1' HUP INT TERM
trap '"$programs/pg_ctl" stop -D "$data" -m immediate >/dev/null 2>&1 || true; rm -rf "$directory"' EXIT

"$programs/initdb" --pgdata "$data" --auth-local peer --auth-host reject --no-sync --encoding UTF8 --locale C >/dev/null
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=trial -days 1 \
  -keyout "$directory/host.key" -out "$directory/host.crt" 2>/dev/null
cp "$directory/host.crt" "$directory/ca.crt"
sed "s#$tls/\(host\.key\|host\.crt\|ca\.crt\)'#$directory/\1'#" >"$directory/parameters"

ask() {
  "$programs/postgres" -C "$1" -c "config_file=$directory/parameters" -c "data_directory=$data" \
    -c "hba_file=$data/pg_hba.conf" -c "ident_file=$data/pg_ident.conf"
}
kilobytes() { sed -n "s/^$1: *\([0-9]*\).*$/\1/p" /proc/meminfo; }
buffers=$(ask shared_buffers) # in blocks of 8 kB, or the end of this
buffers=$((buffers * 8))
memory=$(kilobytes MemTotal)
if [ "$buffers" -ge "$memory" ]; then
  echo "FATAL:  shared_buffers is $((buffers / 1024)) MB, and the host has $((memory / 1024)) MB" >&2
  exit 1
fi
pages=$(($(kilobytes HugePages_Total) * $(kilobytes Hugepagesize)))
if [ "$(ask huge_pages)" = on ] && [ "$buffers" -gt "$pages" ]; then
  echo "FATAL:  huge_pages is on, shared_buffers is $((buffers / 1024)) MB," \
    "and the host has huge pages for $((pages / 1024)) MB" >&2
  exit 1
fi

# The server makes the directory of its log, but none above it.
if [ "$(ask logging_collector)" = on ]; then
  [ -d "$real" ] || real=$data
  logs=$(ask log_directory)
  case $logs in /*) ;; *) logs=$real/$logs ;; esac
  place=$(dirname -- "$logs/$(ask log_filename)")
  if [ ! -e "$place" ] && [ "$place" = "${logs%/}" ]; then
    place=$(dirname -- "$place")
  fi
  if ! { [ -d "$place" ] && [ -w "$place" ] && [ -x "$place" ]; }; then
    echo "FATAL:  the log is to be in $logs, and $(id -un) cannot write in $place" >&2
    exit 1
  fi
fi
library=$(ask archive_library 2>/dev/null || true) # releases before 15 do not know it
if [ -n "$library" ] && [ -n "$(ask archive_command)" ]; then
  echo "FATAL:  archive_library and archive_command are both set: set archive_command to an empty text" >&2
  exit 1
fi

# What the host's own server keeps has to find its place: with less room, or another wal_level, the server would not
# start again. One that does not run is asked by its files, in which the number of a slot's database is at byte 80.
held() {
  PGOPTIONS='' timeout 20 "$programs/psql" -X -q -A -t -F ' ' -h /var/run/postgresql -p "$(ask port)" -d postgres -c "
    SELECT count(*), count(*) FILTER (WHERE slot_type = 'logical'), (SELECT count(*) FROM pg_prepared_xacts)
    FROM pg_replication_slots WHERE NOT temporary" </dev/null 2>/dev/null && return
  slots=0
  logical=0
  for state in "$real"/pg_replslot/*/state; do
    [ -f "$state" ] || continue
    slots=$((slots + 1))
    [ "$(od -A n -t u4 -j 80 -N 4 "$state" | tr -d ' ')" = 0 ] || logical=$((logical + 1))
  done
  echo "$slots $logical $(find "$real/pg_twophase" -type f | wc -l)"
}
if [ -s "$real/global/pg_control" ]; then
  # shellcheck disable=SC2046 # three numbers
  set -- $(held)
  level=$(ask wal_level)
  case $level in logical) unfit=0 ;; replica) unfit=$2 ;; *) unfit=$1 ;; esac
  if [ "$unfit" -gt 0 ]; then
    echo "FATAL:  wal_level is $level, and the server has $1 replication slots, $2 of them logical" >&2
    exit 1
  fi
  if [ "$1" -gt "$(ask max_replication_slots)" ]; then
    echo "FATAL:  max_replication_slots is $(ask max_replication_slots), and the server has $1" >&2
    exit 1
  fi
  if [ "$3" -gt "$(ask max_prepared_transactions)" ]; then
    echo "FATAL:  max_prepared_transactions is $(ask max_prepared_transactions), and the server has $3" >&2
    exit 1
  fi
fi

# The last line of a parameter counts: nothing of the host's own server may be opened or written. Releases from 15 on
# do not know stats_temp_directory, so it cannot be set to something else.
sed -i '/^stats_temp_directory = /Id' "$directory/parameters"
cat >>"$directory/parameters" <<EOF
data_directory = '$data'
listen_addresses = ''
unix_socket_directories = '$directory'
hba_file = '$data/pg_hba.conf'
ident_file = '$data/pg_ident.conf'
external_pid_file = ''
shared_buffers = '16MB'
huge_pages = 'off'
archive_mode = 'off'
logging_collector = 'off'
log_destination = 'stderr'
autovacuum = 'off'
EOF
if ! "$programs/pg_ctl" start -D "$data" -w -t 60 -s -l "$directory/log" -o "-c config_file=$directory/parameters" \
  >/dev/null 2>&1; then
  cat "$directory/log" >&2
  exit 1
fi

# A server that starts may still refuse each session, or each change.
login() {
  PGOPTIONS='' timeout 60 "$programs/psql" -X -q -v ON_ERROR_STOP=1 -v library="$library" \
    -h "$directory" -p "$(ask port)" -d postgres >/dev/null
}
login <<'EOF'
BEGIN;
CREATE ROLE trial;
ROLLBACK;
EOF
[ -z "$library" ] || echo "LOAD :'library';" | login
