# Runs inside a root of Debian and makes of it a stand-in for a host of the RHEL family; see
# rhel.sh, which sets the variables. Never run by itself.
# shellcheck shell=bash
# shellcheck disable=SC2154 # release, codename, python and index come from rhel.sh

update-ca-certificates >/dev/null
ldconfig
[ -x "/usr/bin/python$python" ] || python=$(/usr/bin/python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])')
major=${release%%.*}

# What tells programs and people which system this is.
cat >/etc/os-release <<RELEASE
NAME="Rocky Linux"
VERSION="$release ($codename)"
ID="rocky"
ID_LIKE="rhel centos fedora"
VERSION_ID="$release"
PLATFORM_ID="platform:el$major"
PRETTY_NAME="Rocky Linux $release ($codename)"
VARIANT="stand-in made of Debian packages"
RELEASE
echo "Rocky Linux release $release ($codename)" | tee /etc/redhat-release >/etc/rocky-release
rm -f /etc/debian_version

# Shell profiles as those systems have them.
rm -f /etc/skel/.profile
cat >/etc/skel/.bash_profile <<'PROFILE'
# .bash_profile

# Get the aliases and functions
if [ -f ~/.bashrc ]; then
    . ~/.bashrc
fi

# User specific environment and startup programs
PROFILE
cat >/etc/skel/.bashrc <<'PROFILE'
# .bashrc

# Source global definitions
if [ -f /etc/bashrc ]; then
    . /etc/bashrc
fi

# User specific aliases and functions
PROFILE

# An old pip has to be told.
grep -qx '\[global\]' /etc/pip.conf 2>/dev/null || echo '[global]' >>/etc/pip.conf
[ "$major" != 8 ] || sed -i "/^\[global\]/a index-url = $index" /etc/pip.conf

# dnf keeps Debian's Python, as those systems have one of their own for it.
system=$(readlink -f /usr/bin/python3)
sed -i "1s,.*,#!$system," /usr/bin/dnf-3
mkdir -p /usr/libexec
ln -s "$system" /usr/libexec/platform-python
mkdir -p /etc/dnf/vars /etc/rpm /etc/yum.repos.d /var/lib/rpm
echo "$major" >/etc/dnf/vars/releasever
printf '%%_dbpath /var/lib/rpm\n' >/etc/rpm/macros
rpm --initdb
# Debian's rpm refuses to install anything without this option.
mv /usr/bin/rpm /usr/libexec/rpm-program
printf '#!/bin/sh\nexec /usr/libexec/rpm-program --force-debian "$@"\n' >/usr/bin/rpm
chmod 0755 /usr/bin/rpm

# package NAME VERSION FIELDS [SCRIPT] builds an RPM of what is below /root/tree/NAME. It owns the directories that are
# named on stdin. FIELDS and SCRIPT are lines of its spec.
package() {
  local tree=/root/tree/$1
  {
    printf 'Name: %s\nVersion: %s\nRelease: 1.el%s\nSummary: %s\nLicense: MIT\n' "$1" "$2" "$major" "$1"
    printf 'BuildArch: noarch\nAutoReqProv: no\n%s\n' "$3"
    printf '%%description\nMade for tests.\n%%install\ncp -a %s/. %%{buildroot}\n%s\n%%files\n' "$tree" "${4:-}"
    (cd "$tree" && find . ! -type d -printf '"/%P"\n')
    sed 's/.*/%dir "&"/'
  } >"/root/$1.spec"
  rpmbuild --quiet -bb --define '_rpmdir /srv/packages' --define '__os_install_post %{nil}' \
    --define '_binaries_in_noarch_packages_terminate_build 0' --define '_binary_payload w1.gzdio' "/root/$1.spec"
}

# from_wheel NAME VERSION FIELDS builds an RPM of a wheel's contents.
from_wheel() {
  local tree=/root/tree/python3-$1 site=/usr/lib/python$python/site-packages
  mkdir -p "$tree$site" "$tree/usr/bin"
  "$system" -m zipfile -e /root/wheels/"$1-$2"-*.whl "$tree$site"
  if [ "$1" = pip ]; then
    printf '#!/usr/bin/python3\nimport re\nimport sys\nfrom pip import main\nsys.exit(main())\n' >"$tree/usr/bin/pip3"
    chmod 0755 "$tree/usr/bin/pip3"
  fi
  "/usr/bin/python$python" -m compileall -q -d "$site" "$tree$site" || true # some modules are of other versions
  find "$tree$site" -mindepth 1 -type d -printf "$site/%P\n" | package "python3-$1" "$2" "$3"
}
for wheel in /root/wheels/*.whl; do
  IFS=- read -r name version _ <<<"${wheel##*/}"
  case $name in
    pip) from_wheel pip "$version" "$([ "$major" -ge 10 ] || echo 'Requires: python3-setuptools')" ;;
    *) from_wheel "$name" "$version" '' ;;
  esac
done

# from_debian NAME PACKAGES [SCRIPT] builds an RPM of what packages of Debian hold, beside what its tree has already.
from_debian() {
  local tree=/root/tree/$1 package
  mkdir -p "$tree/usr"
  for package in $2; do
    dpkg-deb -x /root/debs/"${package}"_*.deb "$tree"
  done
  if [ -d "$tree/lib" ]; then cp -a "$tree/lib" "$tree/usr/" && rm -r "$tree/lib"; fi
  package "$1" 1 '' "${3:-}" </dev/null
}
# What a cluster takes beside Patroni. PGDG's packages have PostgreSQL under that name and in that directory.
if [ "$major" = 9 ]; then
  mkdir /root/debs
  (cd /root/debs && apt-get -qq download postgresql-15 postgresql-client-15 haproxy jq less nano rsync)
  mkdir -p /root/tree/postgresql15-server/usr/lib/tmpfiles.d
  ln -s lib/postgresql/15 /root/tree/postgresql15-server/usr/pgsql-15
  echo 'd /run/postgresql 0755 postgres postgres -' >/root/tree/postgresql15-server/usr/lib/tmpfiles.d/postgresql-15.conf
  from_debian postgresql15-server 'postgresql-15 postgresql-client-15' "$(printf '%%post\nsystemd-tmpfiles --create postgresql-15.conf')"
  from_debian haproxy haproxy "$(printf '%%pre\nuseradd --system --home-dir /var/lib/haproxy --shell /usr/sbin/nologin haproxy')"
  for name in jq less nano rsync; do
    from_debian "$name" "$name"
  done
  # What the root has, and what the packages' scripts are run by.
  mkdir -p /root/tree/{acl,ca-certificates,openssl,kernel-modules-extra,bash}
  for name in acl ca-certificates openssl kernel-modules-extra; do
    package "$name" 1 '' </dev/null
  done
  package bash 1 'Provides: /bin/sh' </dev/null
fi

# The wheels that new virtual environments get there.
rm -rf /usr/share/python-wheels
wheels=/usr/share/python-wheels
[ "$major" != 8 ] || wheels=/usr/share/python3-wheels
install -D -m 0644 -t "$wheels" /root/wheels/*.whl
createrepo_c --quiet /srv/packages
printf '[stand-in]\nname=stand-in\nbaseurl=file:///srv/packages\nenabled=1\ngpgcheck=0\n' >/etc/yum.repos.d/stand-in.repo
rm -rf /root/wheels /root/debs /root/tree /root/*.spec /root/rpmbuild

# The Python of that release, and nothing of Debian's package manager.
ln -sf "python$python" /usr/bin/python3
"/usr/bin/python$python" -c 'import ssl, sqlite3, ctypes, lzma, zlib, venv, ensurepip'
rm -rf /usr/bin/apt /usr/bin/apt-* /usr/bin/dpkg /usr/bin/dpkg-* /etc/apt /var/lib/apt /var/lib/dpkg /var/cache/apt
find /usr/lib -name EXTERNALLY-MANAGED -delete
