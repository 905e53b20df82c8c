"""A row of the table for each test, a column for each core."""

import os
import pathlib

import pytest
from controller import WORK, Controller

CORES = [line.split() for line in (WORK / 'cores').read_text().splitlines()] if WORK.exists() else []
SIGNS = {'passed': 'yes', 'skipped': 'n/a', 'failed': '**failed**'}

INTRODUCTION = """# What was tried with which ansible-core

Written by `make test-matrix`, which runs each row with each core against a Debian 12 host with Patroni, one without any
Python if the row says so. Ansible itself does not support every Python of a host: n/a.

"""


@pytest.fixture(params=CORES, ids=lambda core: core[0])
def controller(request, tmp_path):
    """Return a controller with the collection of the archive, and nothing else, in its home."""
    return Controller(request.param[1], tmp_path)


def pytest_configure(config):
    config.outcomes = {}


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    controller = item.funcargs.get('controller')
    if controller and (call.when == 'call' or report.failed):
        row = item.config.outcomes.setdefault(title(item), {})
        column = controller.version, controller.python
        if row.get(column) != SIGNS['failed']: # a test with several parameters is one row
            row[column] = SIGNS[report.outcome]


def title(item):
    """Return what a test shows: its first line of documentation, for the parameter that it has."""
    values = {name: value for name, value in item.callspec.params.items() if name != 'controller'}
    return item.function.__doc__.splitlines()[0].rstrip('.').format(**values)


def pytest_sessionfinish(session):
    path = os.environ.get('MATRIX_TABLE')
    rows = session.config.outcomes
    if not path or not rows:
        return
    columns = list(dict.fromkeys(column for row in rows.values() for column in row))
    lines = [['ansible-core', *(version for version, _ in columns)], ['---'] * (len(columns) + 1),
             ['Python of the controller', *(python for _, python in columns)]]
    lines += [[name, *(row.get(column, '') for column in columns)] for name, row in rows.items()]
    pathlib.Path(path).write_text(INTRODUCTION + ''.join(f"| {' | '.join(line)} |\n" for line in lines),
                                  encoding='utf-8')
