# shellcheck shell=sh
# usage: sh reload.sh
#
# Has the running HAProxy read its configuration, and fails if it goes on with the former one. systemd calls a reload
# done when the signal is sent. HAProxy then binds its ports and starts a worker, or keeps the old worker if it cannot.
# From 3.1 on the new worker binds them, and ends if it cannot: so it has to be there for two seconds.
set -eu
main=$(systemctl show --property MainPID --value haproxy)
workers() { cat "/proc/$main/task/$main/children"; }
before=" $(workers)"
systemctl reload haproxy
seen=0
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
  new=
  for worker in $(workers); do
    case $before in
      *" $worker "*) ;;
      *) new=$worker ;;
    esac
  done
  [ -n "$new" ] && seen=$((seen + 1)) || seen=0
  [ "$seen" -lt 5 ] || exit 0
  sleep 0.5
done
echo "it goes on with the former configuration: $(
  journalctl --unit haproxy --since -30s --output cat --no-pager | grep -F '[ALERT]' | tail -n 3)" >&2
exit 1
