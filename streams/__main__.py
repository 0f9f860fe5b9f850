"""`python -m streams worker`: the same worker as `unisono worker` and `faust -A streams.app worker`."""

from __future__ import annotations

from streams.app import app

app.main()
