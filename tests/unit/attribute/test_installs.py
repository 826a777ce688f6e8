"""What a RUN fetches from, as its commands say."""

from __future__ import annotations

import pytest

from drift.attribute.installs import ANYTHING, downloads, fetched_by, installs_only
from drift.attribute.mounts import may_fetch
from drift.snapshot.model import Instruction

NOWHERE: set[str | None] = set()


@pytest.mark.parametrize(
    ("command", "found"),
    [
        ("make", NOWHERE),
        ("apt-get update && apt-get install -y curl git wget", {"deb"}),
        ("sudo -E /usr/bin/apt-get -y install npm; rm -rf /var/lib/apt/lists/*", {"deb"}),
        ("DEBIAN_FRONTEND=noninteractive apt-get install -y python3-pip", {"deb"}),
        ("apt-get install -y pip && pip3.11 install x", {"deb", "pypi"}),
        ("python3 -m pip install x", {"pypi"}),
        ("python3 -m compileall -q /app && pip freeze > /app/frozen.txt", NOWHERE),
        ("apt-get -y autoremove && apt-get clean", NOWHERE),
        ("npm run build", NOWHERE),
        ("npm ci && npm run build", {"npm"}),
        ("node -e 'require(1)' > /app/bundle.js", NOWHERE),
        ("cat a > /app/git && tar -xf /srv/go.tar -C /usr/local/go", NOWHERE),
        ("git describe > /version", NOWHERE),
        ("git clone https://example.org/a", {ANYTHING}),
        ("go build ./...", {ANYTHING}),
        ("echo git curl >> /notes", NOWHERE),
        ("ls | xargs curl", {ANYTHING}),
        ("timeout 60 apt-get install -y git", {"deb"}),
        ("sh -c 'pip install x'", {"pypi"}),
        ("V=$(curl example.org) && echo $V", {ANYTHING}),
        ("if [ -n x ]; then apk add git; else true; fi", {"apk"}),
        ('["pip", "install", "x"]', {"pypi"}),
        ('["/bin/sh", "-c", "curl example.org"]', {ANYTHING}),
        ("$INSTALLER x", {ANYTHING}),
        ("curl --version > /tools", NOWHERE),
        ("pip --version", NOWHERE),
        ("env > /all; echo $V", NOWHERE),
        ("<<EOF", {ANYTHING}),
        ("echo 'never closed", {ANYTHING}),
    ],
)
def test_what_a_run_fetches_from(command: str, found: set[str | None]) -> None:
    assert fetched_by(f"RUN {command}") == found
    assert may_fetch(f"RUN {command}") is (bool(found) or "://" in command)
    run = Instruction("0", 1, f"RUN {command}")
    assert installs_only(run, "deb") is (found == {"deb"})


@pytest.mark.parametrize(
    ("command", "found"),
    [
        ("curl -o /a https://example.org && cat /a /a > /b", 1),
        ("V=$(curl example.org/v) && wget -qO- example.org/$V | tar xz", 2),
        ("mkdir -p /a && sort /b > /a/b", 0),
        ("curl -o /a https://example.org && sh /a", None),
        ("curl -o /a https://example.org && git clone https://example.org/b", None),
        ("ls | xargs curl", None),
        ("$FETCH https://example.org", None),
        ("exec 3<>/dev/tcp/example.org/80; curl example.org", None),
        ("<<EOF", None),
    ],
)
def test_downloads_of_a_run_that_may_fetch_nothing_else(command: str, found: int | None) -> None:
    assert downloads(f"RUN {command}") == found
