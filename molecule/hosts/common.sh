# Shared by the scripts of this directory: the cache's directory, the container engine, and how to say that something
# is missing. Sourced, never run.
# shellcheck shell=bash
# shellcheck disable=SC2034 # the variables serve the scripts that source this

die() {
  printf '%s: %s\n' "${0##*/}" "$*" >&2
  exit 1
}

say() {
  printf '%s: %s\n' "${0##*/}" "$*" >&2
}

# key FILE... prints a short name made from the contents of the files and of stdin.
key() {
  { cat -- "$@" && cat; } | sha256sum | cut -c1-12
}

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
hosts=$root/molecule/hosts
cache=${XDG_CACHE_HOME:-$HOME/.cache}/pgedge-platform
golangci_lint_version=v2.15.0
golangci_lint=$cache/golangci-lint-$golangci_lint_version
govulncheck_version=v1.9.0
govulncheck=$cache/govulncheck-$govulncheck_version
cyclonedx_version=v1.10.0
cyclonedx=$cache/cyclonedx-gomod-$cyclonedx_version
venv=$cache/venv-$( (/usr/bin/python3 -V || python3 -V) 2>/dev/null | key "$hosts/requirements.txt" "$hosts/setup")

# use_tools puts the tools that setup made first on the PATH.
use_tools() {
  export PATH=$venv/bin:$cache/go/bin:$PATH
  export ANSIBLE_COLLECTIONS_PATH=$root/build
  reach_hosts
}

# reach_hosts makes Ansible reach containers with its plugin ssh, as users do.
reach_hosts() {
  export ANSIBLE_PIPELINING=true ANSIBLE_SSH_EXECUTABLE=$hosts/ssh ANSIBLE_SSH_TRANSFER_METHOD=piped
  export ANSIBLE_TIMEOUT=120 # for sudo on a machine that is busy; a host that is down answers at once
}

# need COMMAND:PACKAGE... installs the packages whose command (a name or a path) is missing.
need() {
  local pair missing=()
  for pair in "$@"; do
    command -v "${pair%%:*}" >/dev/null || missing+=("${pair##*:}")
  done
  [ "${#missing[@]}" -eq 0 ] || apt_install "${missing[@]}"
}

apt_install() {
  if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    die "missing on this machine: $*. Install them (for the test hosts: install podman or docker) and try again."
  fi
  say "installing $*"
  apt-get -qq update >&2
  DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0 install --no-install-recommends "$@" >&2
}

# engine prints the container engine: the one of PLATFORM_TEST_ENGINE, else podman, else docker.
engine() {
  if [ -n "${PLATFORM_TEST_ENGINE:-}" ]; then
    echo "$PLATFORM_TEST_ENGINE"
  elif command -v podman >/dev/null; then
    echo podman
  elif command -v docker >/dev/null && docker info >/dev/null 2>&1; then
    echo docker
  fi
}
