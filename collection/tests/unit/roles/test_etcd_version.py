# Copyright (c) 2026, pgEdge, Inc.
# PostgreSQL License (see LICENSE or https://opensource.org/license/postgresql)
# SPDX-License-Identifier: PostgreSQL
"""Tests that the version of etcd is one: the default is what the pages say and what the tests build and run."""

from __future__ import annotations

import pathlib
import re

import pytest
import yaml

ROLES = pathlib.Path(__file__).parents[3] / 'roles'
PIN = yaml.safe_load((ROLES / 'role_config/defaults/main.yml').read_text())['etcd_version']


@pytest.mark.parametrize('role', ['role_config', 'install_etcd'])
def test_the_specification_names_the_pinned_version(role):
    spec = yaml.safe_load((ROLES / role / 'meta/argument_specs.yml').read_text())
    assert spec['argument_specs']['main']['options']['etcd_version']['default'] == PIN


def test_the_readme_names_the_pinned_version():
    readme = (ROLES / 'install_etcd/README.md').read_text()
    assert set(re.findall(r'3\.\d+\.\d+', readme)) == {PIN}


def test_the_tests_build_the_pinned_version():
    sources = next((path for path in ROLES.parents if (path / 'molecule/cluster/etcd/go.mod').exists()), None)
    if sources is None:
        pytest.skip('the collection is not among its sources')
    modules = re.findall(r'go\.etcd\.io/etcd/(etcdctl|etcdutl|server)/v3 v(\S+)',
                         (sources / 'molecule/cluster/etcd/go.mod').read_text())
    assert dict(modules) == dict.fromkeys(['etcdctl', 'etcdutl', 'server'], PIN)
