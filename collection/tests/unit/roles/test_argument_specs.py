# Copyright (c) 2026, pgEdge, Inc.
# PostgreSQL License (see LICENSE or https://opensource.org/license/postgresql)
# SPDX-License-Identifier: PostgreSQL
"""Tests that the roles describe their variables as role_config does, which holds the defaults."""

from __future__ import annotations

import pathlib

import pytest
import yaml

ROLES = pathlib.Path(__file__).parents[3] / 'roles'
NAMES = sorted(path.name for path in ROLES.iterdir())


def options(role):
    return yaml.safe_load((ROLES / role / 'meta/argument_specs.yml').read_text())['argument_specs']['main']['options']


def values(specification):
    """Return what Ansible checks by, which is all but the words for people."""
    return {name: {key: value for key, value in option.items() if key != 'description'} for name, option in specification.items()}


@pytest.mark.parametrize('role', [name for name in NAMES if name != 'issue_certificate'])
def test_a_role_describes_shared_variables_as_role_config_does(role):
    shared = options('role_config')
    assert values(options(role)) == values({name: shared.get(name, {}) for name in options(role)})


@pytest.mark.parametrize('role', [name for name in NAMES if name != 'role_config'])
def test_a_role_has_a_readme_that_names_all_its_variables(role):
    readme = (ROLES / role / 'README.md').read_text()
    assert [name for name in options(role) if f'`{name}`' not in readme] == []


@pytest.mark.parametrize('role', [name for name in NAMES if name != 'role_config'])
def test_a_role_depends_on_the_shared_variables(role):
    assert yaml.safe_load((ROLES / role / 'meta/main.yml').read_text())['dependencies'] == [{'role': 'pgedge.platform.role_config'}]
