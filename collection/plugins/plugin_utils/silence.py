# Copyright (c) 2026, pgEdge, Inc.
# PostgreSQL License (see LICENSE or https://opensource.org/license/postgresql)
# SPDX-License-Identifier: PostgreSQL
"""Name the hosts that a play did not hear, for the filters that decide from a look at all of them."""

from __future__ import annotations


def silence(looks):
    """Return which hosts were not heard, and why, or ''. A look that is missing or empty was not taken yet."""
    deaf = [name for name, look in sorted(looks.items()) if look and not look.get('reached')]
    unseen = [name for name, look in sorted(looks.items()) if not look]
    return ' and '.join(([f"{', '.join(deaf)} did not answer"] if deaf else [])
                        + ([f"{', '.join(unseen)} did not look yet (strategy: linear makes all look first)"]
                           if unseen else []))
