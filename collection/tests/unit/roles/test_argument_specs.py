# Copyright (c) 2026, pgEdge, Inc.
# PostgreSQL License (see LICENSE or https://opensource.org/license/postgresql)
# SPDX-License-Identifier: PostgreSQL
"""Tests that the roles tell of their variables, and depend on role_config, which holds the defaults."""

from __future__ import annotations

import pathlib

import pytest
import yaml

ROLES = pathlib.Path(__file__).parents[3] / 'roles'
NAMES = sorted(path.name for path in ROLES.iterdir())


def options(role):
    return yaml.safe_load((ROLES / role / 'meta/argument_specs.yml').read_text())['argument_specs']['main']['options']


@pytest.mark.parametrize('role', [name for name in NAMES if name != 'role_config'])
def test_a_role_has_a_readme_that_names_all_its_variables(role):
    readme = (ROLES / role / 'README.md').read_text()
    assert [name for name in options(role) if f'`{name}`' not in readme] == []


@pytest.mark.parametrize('role', [name for name in NAMES if name != 'role_config'])
def test_a_role_depends_on_the_shared_variables(role):
    assert yaml.safe_load((ROLES / role / 'meta/main.yml').read_text())['dependencies'] == [{'role': 'pgedge.platform.role_config'}]
