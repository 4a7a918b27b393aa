"""An S3 service that takes every write, whatever its conditions say, as some do."""

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from bot.sandbox.port import HOST

EMPTY = '<?xml version="1.0"?><ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>'
MISSING = '<?xml version="1.0"?><Error><Code>NoSuchKey</Code></Error>'


@asynccontextmanager
async def careless_bucket() -> AsyncIterator[str]:
    """Its endpoint, for as long as it runs."""
    objects: dict[str, bytes] = {}

    async def handle(request: web.Request) -> web.Response:
        key = request.path
        if request.method == "PUT":
            objects[key] = await request.read()
        elif request.method == "DELETE":
            objects.pop(key, None)
            return web.Response(status=204)
        elif "list-type" in request.query:
            return web.Response(text=EMPTY, content_type="application/xml")
        if key not in objects:
            return web.Response(status=404, text=MISSING)
        tag = hashlib.sha256(objects[key]).hexdigest()
        headers = {"ETag": f'"{tag}"', "Last-Modified": "Sat, 28 Nov 2026 12:00:00 GMT"}
        return web.Response(body=objects[key] if request.method == "GET" else b"", headers=headers)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handle)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, HOST, 0)
    await site.start()
    try:
        yield f"http://{HOST}:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
