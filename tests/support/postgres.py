"""PostgreSQL from Debian's packages in an image, and a client that knows what was committed."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import docker
import psycopg

from support.engine_fixtures import base_tar
from support.fleet import tar

_SERVER = """\
#!/bin/sh
set -e
export PATH=$(echo /usr/lib/postgresql/*/bin):$PATH
if [ ! -s /data/PG_VERSION ]; then
  initdb --pgdata=/data --username=drift --auth=trust --no-locale --encoding=UTF8
  echo "host all all all trust" >>/data/pg_hba.conf
fi
exec postgres -D /data -c listen_addresses='*' -c max_connections=20
"""
_CLEAN = "rm -rf /var/lib/apt/lists/* /var/cache/apt/*"
# Small, as it is packed and read: without the cluster that the package makes, and what the
# just-in-time compiler would need.
_DOCKERFILE = f"""\
FROM base:1
RUN apt-get update && apt-get install -y --no-install-recommends postgresql && {_CLEAN} \
 /var/lib/postgresql/* /etc/postgresql/* /usr/lib/*/libLLVM* /usr/lib/postgresql/*/lib/bitcode \
 && mkdir /data && chown postgres /data
COPY server /server
FROM scratch
COPY --from=0 / /
USER postgres
EXPOSE 5432
VOLUME ["/data"]
STOPSIGNAL SIGINT
HEALTHCHECK --interval=500ms --timeout=5s --retries=10 CMD ["pg_isready", "-q"]
CMD ["sh", "/server"]
"""
_REBUILT = f"""\
FROM postgres:old
USER root
RUN apt-get update && apt-get install -y --no-install-recommends %s && {_CLEAN}
USER postgres
"""


def postgres_image(api: docker.APIClient) -> str:
    """Build the image; its id."""
    with base_tar().open("rb") as base:
        url = f"{api.base_url}/v{api.api_version}/images/create"
        query = {"fromSrc": "-", "repo": "base", "tag": "1"}
        api.post(url, params=query, data=base, timeout=600).raise_for_status()
    return _built(api, "postgres:old", _DOCKERFILE)


def rebuilt(api: docker.APIClient, package: str) -> str:
    """The image with a package more; its id."""
    return _built(api, "postgres:new", _REBUILT % package)


def _built(api: docker.APIClient, name: str, dockerfile: str) -> str:
    body = tar({"Dockerfile": dockerfile.encode(), "server": _SERVER.encode()})
    query = {"t": name, "networkmode": "host", "rm": "1"}
    headers = {"Content-Type": "application/x-tar"}
    url = f"{api.base_url}/v{api.api_version}/build"
    answer = api.post(url, params=query, data=body, headers=headers, timeout=600)
    assert "errorDetail" not in answer.text, answer.text[-2000:]
    return str(api.inspect_image(name)["Id"])


@dataclass
class Client:
    """Commits one row after another to a server on a loopback port, over every interruption.

    A row counts as committed where the server said so, and not otherwise."""

    port: int
    first: int = 0
    committed: list[int] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    def connect(self) -> psycopg.Connection[tuple[int]]:
        return psycopg.connect(
            host="127.0.0.1",
            port=self.port,
            user="drift",
            dbname="postgres",
            connect_timeout=2,
            autocommit=True,
        )

    def run(self) -> None:
        row = self.first
        while not self.over.wait(0.01):
            with suppress(psycopg.Error), self.connect() as server:
                server.execute("CREATE TABLE IF NOT EXISTS kept (row bigint)")
                for _ in range(25):  # then another connection
                    row += 1
                    server.execute("INSERT INTO kept VALUES (%s)", (row,))
                    self.committed.append(row)
                    if self.over.wait(0.005):
                        return

    def goes_on(self, rows: int = 10) -> None:
        """Wait until so many more are committed."""
        enough = len(self.committed) + rows
        deadline = time.monotonic() + 60
        while len(self.committed) < enough:
            assert time.monotonic() < deadline, "the server takes no rows"
            time.sleep(0.01)

    def lost(self) -> set[int]:
        """The committed rows that the server does not have."""
        told = set(self.committed)
        with self.connect() as server:
            return told - {row for (row,) in server.execute("SELECT row FROM kept")}


@contextmanager
def committing(port: int, first: int = 0) -> Iterator[Client]:
    """A client that commits throughout the block; it has committed some when that begins."""
    client = Client(port, first)
    thread = threading.Thread(target=client.run, daemon=True)
    thread.start()
    try:
        client.goes_on()
        yield client
    finally:
        client.over.set()
        thread.join(30)
