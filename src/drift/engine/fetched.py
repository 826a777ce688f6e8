"""What BuildKit keeps of the URLs that ``ADD`` fetched, and how it is made to forget it.

Its record of a URL is described as ``http url URL`` (moby/buildkit ``source/http``). Asked for
the URL again, without cache too, it sends the record's ETag by HEAD, and uses the record where
the server says that it still stands.
"""

from __future__ import annotations

from collections.abc import Collection

from drift.engine.connection import Connection
from drift.engine.leavings import cache_records, prune_cache
from drift.source.dockerfile.addresses import web_address

_DESCRIPTION = "http url "


def forget_urls(connection: Connection, urls: Collection[str]) -> tuple[str, ...]:
    """Remove the builder's records of some URLs; those of which one is left, as it is in use.

    URLs are compared as :func:`web_address` writes them: without credentials.

    Raises:
        EngineError: the engine does not answer.
    """
    wanted = {web_address(url) or url for url in urls}
    records = {
        record.id: address
        for record in cache_records(connection).values()
        if record.description.startswith(_DESCRIPTION)
        and (address := web_address(record.description.removeprefix(_DESCRIPTION))) in wanted
    }
    if not records:
        return ()
    removed = prune_cache(connection, records).removed
    return tuple(sorted({url for key, url in records.items() if url and key not in removed}))
