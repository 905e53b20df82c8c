# How `image` makes hosts of the RHEL family (rocky8, rocky9, rocky10). Sourced by it, never run; it
# replaces finish_root and from_packages.
#
# If no registry answers, the result is a stand-in, and its os-release says so (VARIANT): Debian's root with Rocky's
# os-release and shell profiles, without apt and dpkg, with dnf and rpm working on a repository of its own. The
# repository has python3-pip and, up to release 9, python3-setuptools made from those projects' wheels; for release 9
# also PostgreSQL 15, HAProxy and a few tools made from Debian's packages. The stand-in has the Python of that release
# (3.6, 3.9, 3.12) if this machine has one to copy: the one in the prefix PLATFORM_TEST_PYTHON_36, _39 or _312, else
# pyenv's newest; it must run on Debian 12. Otherwise it has Debian's own.
# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # variables of `image`

case $suite in
  rocky8) release=8.10 codename='Green Obsidian' python=3.6 wheels=(pip==9.0.3 setuptools==39.2.0) ;;
  rocky9) release=9.6 codename='Blue Onyx' python=3.9 wheels=(pip==21.3.1 setuptools==53.0.0) ;;
  rocky10) release=10.0 codename='Red Quartz' python=3.12 wheels=(pip==23.3.2) ;;
esac
# The tests' Ansible needs these beside a bare image: RHEL 8 has no Python that it can use.
packages=(systemd dbus sudo acl procps-ng iproute diffutils findutils shadow-utils python3)
[ "$suite" != rocky8 ] || packages=("${packages[@]/python3/python3.11}")

# finish_root prints the part that runs inside a root of the registry.
finish_root() {
  cat <<SCRIPT
set -eu
dnf -qy --setopt=install_weak_deps=False install ${packages[*]}
dnf -q clean all
cp /usr/local/share/ca-certificates/*.crt /etc/pki/ca-trust/source/anchors/ 2>/dev/null && update-ca-trust
[ -e /etc/ssl/certs/ca-certificates.crt ] || ln -s /etc/pki/tls/certs/ca-bundle.crt /etc/ssl/certs/ca-certificates.crt
rm -rf /etc/apt
SCRIPT
  finish_any
}

# recipe covers both kinds.
recipe() {
  finish_root
  standin_root
  interpreter
}

# finish_any prints the part for both kinds of root.
finish_any() {
  cat <<'SCRIPT'
rm -f /etc/machine-id /var/lib/dbus/machine-id
: >/etc/machine-id
id deploy >/dev/null 2>&1 || useradd --create-home --shell /bin/bash deploy
printf 'deploy ALL=(ALL) NOPASSWD: ALL\n' >/etc/sudoers.d/deploy
chmod 0440 /etc/sudoers.d/deploy
# Nothing may install packages or turn the clock behind the tests' back; the kernel is not ours.
systemctl mask dnf-makecache.timer systemd-timesyncd.service systemd-modules-load.service >/dev/null 2>&1
systemctl set-default multi-user.target >/dev/null 2>&1
mkdir -p /var/log/journal
SCRIPT
}

# interpreter prints the prefix of this machine's Python of the release, or nothing.
interpreter() {
  local chosen=PLATFORM_TEST_PYTHON_${python/./}
  if [ -n "${!chosen:-}" ]; then
    echo "${!chosen}"
  elif command -v pyenv >/dev/null; then
    pyenv versions --bare | grep -E "^${python/./\\.}\.[0-9]+\$" | sort -V | tail -n 1 | xargs -r pyenv prefix
  fi
}

# index prints the package index that a pip of today uses by itself. RHEL 8's pip still asks the former address of
# that index, and not every mirror serves it any more.
index() {
  "$venv/bin/python" -c 'from pip._internal.models.index import PyPI; print(PyPI.simple_url)'
}

# pack_interpreter makes a tar of that Python as part of /usr.
pack_interpreter() {
  local prefix=$1
  tar -C "$prefix" --owner=0 --group=0 -cf "$2" --transform 's,^,usr/,' \
    --exclude "lib/python$python/site-packages/*" --exclude "lib/python$python/test" \
    --exclude "lib/python$python/config-*" --exclude '*.a' \
    "bin/python$python" "lib/python$python" \
    "$(cd "$prefix" && echo lib/libpython"$python"*.so.1.0)"
}

# from_packages makes the stand-in from Debian's packages.
from_packages() {
  local prefix
  say "this will be a stand-in for $suite, not Rocky Linux"
  suite=bookworm apt_sources >"$work/sources.list"
  [ -s "$work/sources.list" ] && [ "$(id -u)" = 0 ] ||
    die "no registry answers for $base; a stand-in takes root and Debian's package sources: name an image in $chosen"
  need mmdebstrap:mmdebstrap
  mkdir -p "$work/wheels" "$work/python"
  "$venv/bin/pip" download --quiet --disable-pip-version-check --no-deps -d "$work/wheels" "${wheels[@]}" >&2
  prefix=$(interpreter)
  if [ -n "$prefix" ]; then
    pack_interpreter "$prefix" "$work/python.tar"
  else
    say "there is no Python $python to copy on this machine: the stand-in has Debian's own"
    tar -cf "$work/python.tar" -T /dev/null
  fi
  standin_root >"$work/finish"
  mmdebstrap --quiet --variant=minbase --skip=cleanup \
        --include=systemd,systemd-sysv,dbus,python3,python3-venv,ca-certificates,sudo,acl,procps,iproute2 \
    --include=dnf,rpm,createrepo-c \
        --include=libicu72,libldap-2.5-0,libpam0g,libpq5,libreadline8,libxml2,libxslt1.1,libzstd1,liblz4-1 \
    --include=libgssapi-krb5-2 \
    --include=liblua5.4-0,libopentracing-c-wrapper0,libpcre2-8-0,libjq1,libonig5,libpopt0,libxxhash0 \
        --include=libbz2-1.0,libffi8,libgdbm6,liblzma5,libreadline8,libsqlite3-0,libssl3,libncursesw6,zlib1g,libnsl2 \
    --include=libuuid1,libgdbm-compat4 \
    --aptopt="$work/files/etc/apt/apt.conf.d/90test-host" \
    --customize-hook="tar-in $work/files.tar /" --customize-hook="tar-in $work/python.tar /" \
    --customize-hook="copy-in $work/wheels /root" \
    --customize-hook="chroot \"\$1\" bash <$work/finish" \
    bookworm "$work/root.tar" "$work/sources.list" >&2
  "$engine" import -q --change 'CMD ["/sbin/init"]' "$work/root.tar" "$name" >/dev/null
}

# standin_root is the part that runs inside a root of Debian.
standin_root() {
  cat <<SCRIPT
set -eu
release=$release codename='$codename' python=$python index=$(index)
SCRIPT
  cat "$hosts/standin.sh"
  finish_any
}
