"""What two nights of the same Dockerfile differ in although nothing moved: the tables of
docs/noise.md.

``python bench/noise.py [--builder classic|buildkit] [--base REFERENCE] [--ca FILE]``. For each
builder, two real nights of one image that installs packages by apt and pip, and what drift
says of them, as it is and with ignore rules. Nothing is written but temporary files, images
in the engine and, without ``--base``, an import of ``.work/base.tar`` (``make test`` makes
it); all but the import are gone at the end.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from drift.config import load
from drift.config.model import Config, Ignore
from drift.engine.engine import Engine
from drift.engine.images import own_reference
from drift.nightly.job import Night, check
from drift.nightly.judge import Judge, Judged
from drift.nightly.watch import NobodyWatches
from drift.report.document import image_document
from drift.snapshot.tree import merge
from drift.store.store import Store

IMAGE = "noise"
IMPORTED = "drift-bench/base:latest"
FIRST = date(2026, 11, 1)
DOCKERFILE = """\
FROM {base}
{trust}RUN apt-get update && apt-get install -y --no-install-recommends curl python3-pip
RUN pip install --break-system-packages {option}flask
"""
CONFIGURATION = """\
[engine]
host = "{host}"
builder = "{builder}"

[[image]]
name = "{image}"
context = "app"
pull = "missing"
network = "host"
"""

# The first pattern that matches a path names its class.
CLASSES = {
    "apt: package indexes": ("/var/lib/apt/lists/*",),
    "apt: caches": ("/var/cache/apt/*", "/var/lib/apt/*"),
    "dpkg: database": ("/var/lib/dpkg/*",),
    "logs": ("/var/log/*",),
    "loader cache": ("/etc/ld.so.cache", "/var/cache/ldconfig/*"),
    "bytecode, of apt's packages": ("/usr/lib/*.pyc", "/usr/share/*.pyc"),
    "bytecode, of pip's packages": ("/usr/local/*.pyc",),
    "files of pip's packages": ("/usr/local/*",),
    "certificates": ("/etc/ssl/*",),
}
IGNORED = ("/var/log/**", "/var/cache/**", "/root/.cache/**", "__pycache__/")


@dataclass(frozen=True)
class Result:
    """One builder's two nights: what the image holds, the report, and it with ignore rules."""

    paths: int
    layers: tuple[int, ...]
    report: Mapping[str, Any]
    ignoring: Mapping[str, Any]

    @property
    def entries(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.report["files"]["entries"]
        return found


def two_nights(host: str, builder: str, base: str, ca: Path | None, root: Path) -> Result:
    """Build the image on two nights that are minutes apart, and compare them."""
    _write(host, builder, base, ca, root)
    config = load(root / "drift.toml", {})
    with Engine.connect(host) as engine, Store.open(config.store.url) as store:
        try:
            nights = [
                check(config, engine, store, NobodyWatches(), night=FIRST + timedelta(days=number))
                for number in range(2)
            ]
            return _result(config, store, nights[-1])
        finally:
            for build in store.builds(IMAGE):
                engine.remove(own_reference(IMAGE, build.id))


def _write(host: str, builder: str, base: str, ca: Path | None, root: Path) -> None:
    app = root / "app"
    app.mkdir(parents=True)
    trust = option = ""
    if ca is not None:
        shutil.copy(ca, app / "ca.crt")
        trust, option = "COPY ca.crt /etc/ssl/host.crt\n", "--cert /etc/ssl/host.crt "
    (app / "Dockerfile").write_text(DOCKERFILE.format(base=base, trust=trust, option=option))
    configuration = CONFIGURATION.format(host=host, builder=builder, image=IMAGE)
    (root / "drift.toml").write_text(configuration)


def _result(config: Config, store: Store, night: Night) -> Result:
    report = night.images[0]
    builds = store.builds(IMAGE)
    if report["baseline"] is None or len(builds) < 2:
        raise SystemExit(f"a build failed: {report['error']}\n{''.join(night.logs.values())}")
    ignore = tuple(Ignore(path, "noise") for path in IGNORED)
    judged = Judged(config.images[0], builds[1], (builds[0],))
    again = Judge(store.layers, config.policy, ignore).result(judged)
    snapshot = builds[0].snapshot
    assert snapshot is not None
    tree = merge(store.layers.get(layer.diff_id) for layer in snapshot.layers)
    sizes = tuple(layer.size for layer in snapshot.layers)
    return Result(len(tree.nodes), sizes, report, image_document(again))


def class_of(entry: Mapping[str, Any]) -> str:
    """What a path is, for the table."""
    side = entry["after"] or entry["before"]
    if side["type"] == "directory":
        return "directories"
    path = entry["path"]
    for name, patterns in CLASSES.items():
        if any(fnmatchcase(path, pattern) for pattern in patterns):
            return name
    return "other"


def table(results: Mapping[str, Result]) -> Iterable[str]:
    """How many paths of each class differ in content, and in their time alone, by builder."""
    counts = {
        builder: Counter((class_of(e), e["change"] == "metadata_only") for e in result.entries)
        for builder, result in results.items()
    }
    cells = [(builder, only) for builder in results for only in (False, True)]
    yield (
        "| paths | "
        + " | ".join(
            f"{builder}: {'mtime alone' if only else 'content'}" for builder, only in cells
        )
        + " |"
    )
    yield "|---" + "|--:" * len(cells) + "|"
    for name in (*CLASSES, "directories", "other", "all"):
        numbers = [
            sum(n for (of, alone), n in counts[b].items() if name in ("all", of) and alone is only)
            for b, only in cells
        ]
        yield f"| {name} | " + " | ".join(map(str, numbers)) + " |"


def said(builder: str, result: Result) -> Iterable[str]:
    """What the two reports say."""
    yield f"\n{builder}: {result.paths} paths; layers of {', '.join(map(str, result.layers))} bytes"
    for how, report in (("as it is", result.report), ("with ignore rules", result.ignoring)):
        files, share = report["files"], report["explained"]
        yield (
            f"  {how}: {report['status']}, flagged {str(report['flagged']).lower()}; "
            f"added {files['added']}, removed {files['removed']}, modified {files['modified']}, "
            f"metadata_only {files['metadata_only']}, ignored {files['ignored']}; "
            f"packages changed {len(report['packages']['changed'])}; "
            f"explained files {share['files']:g}, bytes {share['bytes']:g}"
        )
        for cause in report["causes"]:
            line = f"line {cause['instruction']['line']}" if cause["instruction"] else "no line"
            yield (
                f"    {cause['origin']} {cause['kind']} {cause['subject']}: "
                f"{cause['files']['changed']} files, {cause['files']['bytes']} bytes, {line}"
            )
    for entry in result.entries:
        if entry["change"] != "metadata_only" and not entry["path"].endswith(".pyc"):
            yield f"  {','.join(entry['fields'])}: {entry['path']}"


def imported(host: str, tar: Path) -> str:
    """The root file system as an image of the engine's."""
    with Engine.connect(host) as engine, tar.open("rb") as content:
        client = engine.connection.client
        parameters = {"fromSrc": "-", "repo": IMPORTED.partition(":")[0], "tag": "latest"}
        url = engine.connection.url("/images/create")
        client.post(url, params=parameters, data=content, timeout=600).raise_for_status()
    return IMPORTED


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--host", default="unix:///var/run/docker.sock", help="the engine")
    parser.add_argument("--builder", action="append", choices=("classic", "buildkit"))
    parser.add_argument("--base", help="a Debian or Ubuntu image that has package sources")
    parser.add_argument("--tar", type=Path, default=Path(".work/base.tar"))
    parser.add_argument("--ca", type=Path, help="certificates that pip trusts, if not its own")
    chosen = parser.parse_args()
    base = chosen.base or imported(chosen.host, chosen.tar)
    results = {}
    for builder in chosen.builder or ("classic", "buildkit"):
        with tempfile.TemporaryDirectory() as directory:
            root = Path(directory)
            results[builder] = two_nights(chosen.host, builder, base, chosen.ca, root)
    print(*table(results), sep="\n")
    for builder, result in results.items():
        print(*said(builder, result), sep="\n")


if __name__ == "__main__":
    main()
