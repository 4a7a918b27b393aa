#!/bin/sh
# What a container runs. `exec`, so that signals reach the supervisor and not this shell.
set -eu
here=$(cd -- "$(dirname -- "$0")" && pwd)
if [ -x "$here/.venv/bin/tzurot" ]; then
    exec "$here/.venv/bin/tzurot" run "$@"
fi
exec tzurot run "$@"
