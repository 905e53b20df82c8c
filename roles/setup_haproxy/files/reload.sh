# shellcheck shell=sh
# usage: sh reload.sh
#
# Has HAProxy read its configuration if it runs, and fails if it goes on with the former one. systemd calls a reload
# done when the signal is sent. HAProxy then binds its ports and starts a worker, or keeps the old worker if it cannot.
# From 3.1 on the new worker binds them, and ends if it cannot: so it has to be there for two seconds.
set -eu

keeps() {
  echo "it goes on with the former configuration: $(
    journalctl --unit haproxy --since -30s --output cat --no-pager | grep -F '[ALERT]' | tail -n 3)" >&2
  exit 1
}

# One that does not run reads the configuration when it starts. One that is about to start may have read the former one.
left=60
while state=$(systemctl is-active haproxy || true) && [ "$state" != active ]; do
  case $state in
    activating | deactivating | reloading) ;;
    *) exit 0 ;;
  esac
  [ "$left" -gt 0 ] || { echo "systemd says for 30 s that it is $state" >&2; exit 1; }
  left=$((left - 1))
  sleep 0.5
done

main=$(systemctl show --property MainPID --value haproxy)
workers() { cat "/proc/$main/task/$main/children"; }
before=" $(workers)"
systemctl reload haproxy || keeps
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
keeps
