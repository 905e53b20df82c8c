#!/usr/bin/python
# Copyright (c) 2026, pgEdge, Inc.
# PostgreSQL License (see LICENSE or https://opensource.org/license/postgresql)
# SPDX-License-Identifier: PostgreSQL
"""Documentation of the module patroni_install.

The module itself is a static program, __patroni_install_amd64 or
__patroni_install_arm64 beside this file, which the action plugin of the same
name chooses. Run as a module, this file can only say that the plugin is missing.
"""

from __future__ import annotations

DOCUMENTATION = r'''
---
module: patroni_install
short_description: Install or remove Patroni as one transaction
version_added: 0.3.0
author:
  - pgEdge, Inc. (@pgEdge)
description:
  - Installs Patroni for the database's operating system user, in a virtual environment that pipx manages,
    with a systemd unit, a configuration directory and the programs on the user's E(PATH).
  - The whole run is one transaction. The host ends in the state before or in the state after, also when a download
    fails, the disk is full, or the machine loses power. What was interrupted is repaired by the next run.
  - The new installation is built and tried out of sight and becomes visible only when it was seen working.
  - The service is neither enabled nor started, and a running one is never stopped or restarted.
    Configuring and starting Patroni is another role's work.
  - The module is a static program. It needs no Python on the managed host, save for asynchronous tasks.
requirements:
  - Linux on x86_64 or aarch64
  - systemd (without a running one, as in an image build, the unit is written and not loaded)
  - root on the managed host (O(ignore:become=true))
  - apt or dnf, or pipx and Python 3 already there with O(install_prerequisites=false)
attributes:
  check_mode:
    description: Reports what would change, without writing anything on the host.
    support: full
    details:
      - A version that only the package index knows is reported as the newest that satisfies O(version). With
        O(state=latest) the index is asked for an installation that is there.
  diff_mode:
    description: Shows what changes.
    support: full
    details:
      - The text of the unit and of the blocks in shell profiles, the added OS packages, the version, the links
        and the attributes of directories.
  idempotent:
    description: A second run with the same options changes nothing.
    support: full
    details:
      - A healthy installation of any version satisfies a task without O(version).
  async:
    description: Can be run in the background with the task keyword C(async).
    support: full
    details:
      - Asynchronous tasks need Python on the managed host.
  platform:
    description: The operating systems on which the module runs.
    support: full
    platforms: debian, rhel
options:
  state:
    description:
      - V(present) installs Patroni, and repairs an installation that is broken, with the version it has.
        An installation that is healthy and satisfies O(version) and O(extras) is left as it is.
      - V(latest) installs the newest version that O(version) and the package index allow. If the installed
        one is no older, nothing is built. The index is asked by pip as the user, also in check mode.
      - V(absent) removes the virtual environment, the links that lead into it, the unit and the blocks in shell
        profiles. It is refused while the service is active or enabled.
        While another unit in C(/etc/systemd/system) starts Patroni from O(bin_dir), only what belongs to
        O(service_name) is removed.
        A masked unit stays, and so does one that somebody else wrote, unless it starts the programs that are removed.
        The configuration directory goes only when it is empty; OS packages stay, also those of O(method=package).
    type: str
    choices: [present, latest, absent]
    default: present
  method:
    description:
      - What installs Patroni. V(pipx) makes a virtual environment of pipx, V(package) takes the packages of the
        distribution or of pgEdge.
      - With V(package) the links in O(bin_dir), the C(PATH), the configuration directory and the facts are the same.
        The unit is the package's, with a drop-in of ours that names the user and the configuration; if the package has
        none, it is ours.
      - Packages are added and never upgraded, downgraded or repaired, since that could not be undone. A O(version) that
        neither the installed package nor the one on offer has is refused, and so is O(state=latest).
      - O(python), O(constraints), O(lockfile) and O(wheelhouse) are refused with V(package). The options for the build
        are of no effect.
      - An installation of the one kind is not replaced by the other; remove it first, with its own method and
        O(state=absent).
    type: str
    choices: [pipx, package]
    default: pipx
  packages:
    description:
      - The packages to install with O(method=package), Patroni's own first. A version can be added, as in
        V(patroni=4.0.4-2).
      - By default C(pgedge-patroni), or C(patroni) if no package source offers that, and the packages that O(extras)
        need.
    type: list
    elements: str
  version:
    description:
      - The version of Patroni, exact as V(4.1.5) or as a specifier after PEP 440 such as V(>=4.0,<5).
      - Without it the newest is installed if there is none, and any healthy version is left alone.
    type: str
  extras:
    description:
      - The extras of the Python package C(patroni) to install, among them the database driver and the client of
        the consensus store.
      - They are satisfied when what they require is installed. V(etcd) and V(etcd3) are the same.
    type: list
    elements: str
    default: [psycopg2-binary, etcd]
  user:
    description:
      - The operating system user that owns the installation and runs the service. Its group is its primary group.
      - The user must exist, and must not be root under any name, unless O(state=absent).
    type: str
    default: postgres
  home:
    description:
      - The home directory of O(user), as a cross-check. It is refused when it differs from the one in the user
        database.
      - The default is the home directory in the user database.
    type: path
  bin_dir:
    description:
      - The directory that gets the links to C(patroni), C(patronictl) and the other programs.
      - It is in the home, a directory that is the user's already, C(/opt/NAME/bin), C(/srv/NAME/bin) or
        C(/usr/local/bin), which brings a warning since root has it on its E(PATH). Others are refused, since O(user)
        can change the programs.
      - Outside the home, missing directories are made for root with mode V(0755).
      - The default is C(.local/bin) in the home.
    type: path
  config_dir:
    description:
      - The directory of Patroni's configuration, mode V(0700), owned by O(user).
      - It is in the home, a directory that is the user's already, named C(/etc/patroni) with anything after that, new
        in C(/srv), or new in C(/etc), C(/opt) or C(/var/lib) with a name that begins with C(patroni), C(postgres) or
        C(pg). Others are refused, since root's programs may read what O(user) writes there.
    type: path
    default: /etc/patroni
  config_file:
    description: The name of the file in O(config_dir) that the unit starts Patroni with. The module does not write it.
    type: str
    default: patroni.yaml
  pipx_home:
    description:
      - The home directory of pipx, below which the virtual environment is C(venvs/patroni).
      - The default is C(.local/share/pipx) in the home.
    type: path
  python:
    description:
      - The interpreter for the virtual environment.
      - The default is the system's C(python3).
      - An installation for another version of Python is built anew.
    type: path
  service_name:
    description:
      - The name of the systemd unit, without C(.service).
      - Several services, each with its own task, can share one installation.
    type: str
    default: patroni
  manage_path:
    description:
      - Whether to put O(bin_dir) on the E(PATH) of the user's shells, by a marked block in the profiles that the
        user's shell reads. C(bash), C(sh), C(dash), C(ash), C(ksh), C(mksh), C(zsh) and C(fish) are known. For another
        shell nothing is written, and a warning says so.
      - Blocks in the profiles of a shell that the user had before stay and are kept up to date.
    type: bool
    default: true
  completion:
    description:
      - Whether to write a script that lets bash complete C(patronictl) for the user. The package C(bash-completion),
        which reads it, is not installed.
      - A script there that this module did not write is not replaced; the run is refused.
      - It serves all services of the installation. With V(false) it is removed, while no other service uses the
        installation.
    type: bool
    default: false
  patronictl_config:
    description:
      - Whether the user's login shells export E(PATRONICTL_CONFIG_FILE), unless it is set, so that C(patronictl) finds
        O(config_file) in O(config_dir) without its option C(-c). With C(fish), all of the user's shells do.
      - It can name one file. For a second service of the same installation it is refused.
    type: bool
    default: false
  needrestart:
    description:
      - Whether to write a configuration that keeps C(needrestart) from restarting the service. Its directory is made if
        it is missing, so that a C(needrestart) that comes later keeps to it too.
      - A file there that this module did not write is not replaced; the run is refused.
    type: bool
    default: false
  hardening:
    description:
      - Whether the unit takes rights from the service that neither Patroni nor PostgreSQL uses, nor what they start.
      - The unit has the reason for each directive.
    type: bool
    default: false
  adopt_service:
    description:
      - Whether to take over a unit of O(service_name) in C(/etc/systemd/system) that somebody else wrote. Without it
        such a unit is refused.
      - It has to start Patroni as O(user), with O(config_file) in O(config_dir), also by what its drop-ins set. Later
        runs have to keep to that.
      - What else it sets goes into a drop-in, C(00-patroni_install-adopted.conf), and so do systemd's defaults where
        the module's unit has other values. Its text is kept beside the journal; a warning says where.
      - With V(absent) the drop-in is removed.
    type: bool
    default: false
  install_prerequisites:
    description: Whether to install the OS packages that the build needs.
    type: bool
    default: true
  prerequisites:
    description:
      - The OS packages to install in the place of the family's own list.
      - An empty list stands for no package.
      - The default is C(pipx) on the Debian family and C(python3-pip) on the RHEL family, where pip then installs pipx
        into the user's own environment.
      - If SELinux is enforcing and C(semanage) is missing, C(policycoreutils-python-utils) is added to the default.
      - On a system of neither family, packages that are named here are installed by apt or dnf, whichever is there.
    type: list
    elements: str
  build_dependencies:
    description:
      - Whether to install a compiler and headers for the build, if something has to be built, and to remove them after
        it.
      - These are C(gcc), C(libc6-dev), C(python3-dev) and C(libpq-dev) on the Debian family, C(gcc), C(python3-devel)
        and C(libpq-devel) on the RHEL family, and those of C(libsystemd) with the extra V(systemd). Another O(python)
        in C(/usr/bin) has headers of its own name. Those that are there already stay.
      - The libraries that the extras V(psycopg2) and V(systemd) are linked with stay as well; C(libpq5), or C(libpq).
      - What was built is tried after they were removed, and before it becomes visible.
    type: bool
    default: false
  verify:
    description:
      - How thoroughly to look whether the installation is healthy, besides its structure.
      - V(quick) compares the files of the virtual environment with a manifest that was written when it was installed,
        by type, owner, mode, size and time. What differs is compared with the checksums of the Python packages before
        it is called broken. It takes milliseconds.
      - V(full) compares all files with these checksums and starts the programs, as the user. It takes seconds.
      - What is found is named in the diff and in RV(msg), and mended by building the same version anew.
    type: str
    choices: [quick, full]
    default: quick
  lock_timeout:
    description:
      - How many seconds to wait for another run of this module, and for the locks of the package manager.
    type: int
    default: 300
  timeout:
    description: How many seconds the build of the virtual environment may take.
    type: int
    default: 900
  index_url:
    description:
      - The address of the Python package index, in the place of the one that pip is configured for.
      - Credentials in it appear neither in the result nor in a log or the list of processes.
    type: str
  extra_index_urls:
    description: The addresses of further package indexes. Credentials are treated as those in O(index_url).
    type: list
    elements: str
  constraints:
    description:
      - A file with constraints of pip, on the controller unless O(remote_src=true). It bounds the versions of all
        packages that a build chooses, and with O(state=latest) what counts as the newest.
      - An installation that is healthy is not built anew because of it.
    type: path
  lockfile:
    description:
      - A file of requirements with exact versions and hashes, as C(pip-compile --generate-hashes) or C(uv pip compile
        --generate-hashes) writes it, on the controller unless O(remote_src=true). It must hold everything that is
        installed, and nothing else than requirements. Packages whose hash is another one are refused before they are
        unpacked.
      - V(default) is the file that comes with the module, for the extras C(psycopg2-binary) and C(etcd) on CPython 3.9
        to 3.14.
      - The version of Patroni in it is the one that is installed. An installation with a package of another version
        than the locked one is built anew.
    type: path
  wheelhouse:
    description:
      - A directory or a tar archive of wheels to install from. No package index is asked then.
      - It is on the controller unless O(remote_src=true), and brought to the managed host only if something has to be
        built.
      - A directory on the managed host must be readable for O(user); an archive is read by root.
      - What it lacks for the interpreter and the platform of the host is named before anything is changed.
      - The playbook C(pgedge.platform.wheelhouse) makes one.
    type: path
  installer:
    description:
      - What pipx installs packages with. The result is a virtual environment of pipx in every case.
      - V(pip) is the one that every pipx has.
      - V(uv) takes pipx 1.12 or newer and a C(uv) in C(/usr/local/bin) or C(/usr/bin), and is refused without them.
      - V(auto) takes uv if they are there and pip has no configuration of its own, neither in its files nor in the
        task's C(environment), since uv does not read it; nor may uv have a file C(uv.toml).
      - A build does not let uv read such a file. One that tells where packages come from is refused, unless
        O(index_url), O(lockfile) or O(wheelhouse) does.
    type: str
    choices: [auto, pip, uv]
    default: auto
  remote_src:
    description: Whether O(constraints), O(lockfile) and O(wheelhouse) are on the managed host.
    type: bool
    default: false
  ca_cert:
    description: A file with the certificates of the authorities to trust for the package index, on the managed host.
    type: path
notes:
  - No shell profile is read for the build. Proxies and settings of pip come from the task's C(environment), from pip's
    own configuration files, and from the options.
  - A long run tells its progress in the system journal of the managed host, C(journalctl -t patroni_install -f).
'''

EXAMPLES = r'''
- name: Install Patroni with the default directories
  pgedge.platform.patroni_install:
  become: true

- name: Install a release of the 4.1 series below /opt
  pgedge.platform.patroni_install:
    version: '>=4.1,<4.2'
    bin_dir: /opt/patroni/bin
  become: true

- name: Install exactly what was tested with this collection
  pgedge.platform.patroni_install:
    lockfile: default
  become: true

- name: Install on hosts that reach no package index
  pgedge.platform.patroni_install:
    wheelhouse: wheelhouse/debian-12-x86_64
    lockfile: wheelhouse/debian-12-x86_64/patroni.lock
  become: true

- name: Install Patroni from an index inside the company
  pgedge.platform.patroni_install:
    index_url: 'https://{{ index_user }}:{{ index_password }}@python.example.com/simple'
    ca_cert: /etc/ssl/certs/example-ca.pem
  become: true
  environment:
    NO_PROXY: python.example.com

- name: Leave the OS packages alone, because pipx is there
  pgedge.platform.patroni_install:
    install_prerequisites: false
  become: true

- name: Keep Patroni at the newest release of the 4 series, and look at every file
  pgedge.platform.patroni_install:
    state: latest
    version: '>=4,<5'
    verify: full
  become: true

- name: Let two services share one installation
  pgedge.platform.patroni_install:
    service_name: 'patroni-{{ item }}'
    config_dir: '/etc/patroni-{{ item }}'
    needrestart: true
  loop: [main, archive]
  become: true

- name: Install the package of the distribution, or pgEdge's where it is on offer
  pgedge.platform.patroni_install:
    method: package
  become: true

- name: Remove Patroni and keep its configuration
  pgedge.platform.patroni_install:
    state: absent
  become: true
'''

RETURN = r'''
msg:
  description: What the run did, or why it failed, as one sentence.
  type: str
  returned: always
  sample: Patroni 4.1.5 is installed as it should be; nothing had to be changed.
diff:
  description: What changed, as texts before and after.
  type: list
  elements: dict
  returned: in diff mode, when something changes
  contains:
    before_header:
      description: The name of the object before the change.
      type: str
      returned: always
    before:
      description: The text before the change.
      type: str
      returned: always
    after_header:
      description: The name of the object after the change.
      type: str
      returned: always
    after:
      description: The text after the change.
      type: str
      returned: always
steps:
  description: What was done, or would be done in check mode, in its order. Empty when nothing was to be done.
  type: list
  elements: dict
  returned: success
  contains:
    name:
      description: The step.
      type: str
      returned: always
      sample: unit
    action:
      description: The kind of the step.
      type: str
      returned: always
      sample: create
    path:
      description: The file, directory or link that the step is about. Empty when there is none.
      type: str
      returned: always
      sample: /etc/systemd/system/patroni.service
    milliseconds:
      description: The time that the step took.
      type: int
      returned: not in check mode
      sample: 3
command:
  description: The command that failed, where one did.
  type: str
  returned: failure
  sample: /usr/bin/pipx install patroni[psycopg2-binary,etcd]
output:
  description: The last lines that the failed command printed.
  type: list
  elements: str
  returned: failure
patroni:
  description: The installation as it is after the run, or as check mode predicts it.
  type: dict
  returned: success
  contains: &patroni
    version:
      description: The version that is installed. Null when there is none, or when check mode cannot know it.
      type: str
      returned: always
      sample: 4.1.5
    previous_version:
      description: The version that was installed before the run. Null when there was none.
      type: str
      returned: always
      sample: 4.0.6
    python:
      description: The version of the virtual environment's interpreter. Null when there is none.
      type: str
      returned: always
      sample: '3.11'
    pipx:
      description: The version of pipx on the host. Null when there is none, and with O(method=package).
      type: str
      returned: always
      sample: 1.1.0
    venv:
      description: The virtual environment. Null with O(method=package), which has none.
      type: str
      returned: always
      sample: /var/lib/postgresql/.local/share/pipx/venvs/patroni
    bin_dir:
      description: The directory with the links to the programs.
      type: str
      returned: always
      sample: /var/lib/postgresql/.local/bin
    apps:
      description: The names of the programs in RV(patroni.bin_dir).
      type: list
      elements: str
      returned: always
      sample: [patroni, patronictl]
    packages:
      description: The Python packages in the virtual environment and their versions. With O(method=package) the
        packages of the operating system that are asked for.
      type: dict
      returned: always
      sample:
        patroni: 4.1.5
        psycopg2-binary: 2.9.13
    config_dir:
      description: The directory of the configuration.
      type: str
      returned: always
      sample: /etc/patroni
    service:
      description: The service as systemd sees it. The states are empty where systemd is not running.
      type: dict
      returned: always
      contains:
        name:
          description: The name of the unit, without C(.service).
          type: str
          returned: always
          sample: patroni
        unit:
          description: The unit file.
          type: str
          returned: always
          sample: /etc/systemd/system/patroni.service
        load_state:
          description: Whether systemd has read the unit.
          type: str
          returned: always
          sample: loaded
        active_state:
          description: Whether the service runs.
          type: str
          returned: always
          sample: inactive
        enabled_state:
          description: Whether the service is started at boot.
          type: str
          returned: always
          sample: disabled
restart_required:
  description: Whether the running service is older than the installation and should be restarted, host by host.
  type: bool
  returned: success
warnings:
  description: What should be known although the run succeeded.
  type: list
  elements: str
  returned: when there are any
ansible_facts:
  description: Facts for the following tasks.
  type: dict
  returned: success
  contains:
    pgedge_patroni:
      description: The same as RV(patroni).
      type: dict
      returned: always
      contains: *patroni
'''

import json
import sys


def main():
    """Say what is missing, in the one form that Ansible reads."""
    json.dump({
        'failed': True,
        'msg': 'the action plugin patroni_install is missing on the controller: '
               'install the whole collection pgedge.platform, or copy plugins/action/patroni_install.py too',
    }, sys.stdout)


if __name__ == '__main__':
    main()
