# Copyright (c) 2026, pgEdge, Inc.
# PostgreSQL License (see LICENSE or https://opensource.org/license/postgresql)
# SPDX-License-Identifier: PostgreSQL
"""Let the plugins find each other by the collection's name, as Ansible does, with nothing installed."""

from __future__ import annotations

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[5]))
