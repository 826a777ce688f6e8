"""A report directory that shows everything: for the browser's tests and the screenshots."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from drift.attribute.model import Attribution, Cause, Grade, Kind, Origin, Status
from drift.compare.model import Comparison, FileChange
from drift.masking import Mask
from drift.oci import DiffId, Digest
from drift.report.document import image_document
from drift.report.results import Exhibits, ImageResult
from drift.snapshot.model import Entry, LayerDescriptor
from drift.source.model import RepoSide
from drift.store.store import Store
from support import report_samples as samples
from support.site_samples import Site, run_id

MANY = 3500
DOCKERFILE = """\
# syntax=docker/dockerfile:1
ARG DEBIAN=bookworm-slim
FROM debian:bookworm-slim AS runtime
ENV APP_TOKEN=never-shown LANG=C.UTF-8

RUN apt-get update && apt-get install -y --no-install-recommends openssl curl \\
 && rm -rf /var/lib/apt/lists/*

WORKDIR /srv
COPY . .
ADD https://example.org/rules.json /etc/app/rules.json
CMD ["/srv/app"]
"""
_TEXTS = {
    "rules 1": b'{\n  "version": 41,\n  "deny": [\n    "10.0.0.0/8"\n  ]\n}\n',
    "rules 2": b'{\n  "version": 42,\n  "deny": [\n    "10.0.0.0/8",\n    "192.0.2.0/24"\n  ]\n}\n',
}


def texts(digest: Digest) -> bytes | None:
    """The content of a sample's file by the digest that the samples give it."""
    return next((text for name, text in _TEXTS.items() if samples.digest(name) == digest), None)


def web() -> dict[str, Any]:
    """The drifted sample with its Dockerfile, diffs, layers, and two revisions on GitHub."""
    result = samples.drifted()
    shown = Exhibits(
        "Dockerfile", DOCKERFILE.encode(), "https://github.com/example/web.git", texts, Mask()
    )
    comparison = result.comparison
    assert comparison is not None
    files = tuple(_small(change) for change in comparison.files)
    result = replace(result, comparison=replace(comparison, files=files), exhibits=shown)
    return image_document(_with_layers(result))


def _small(change: FileChange) -> FileChange:
    if change.path != "/etc/app/rules.json" or change.after is None:
        return change
    return replace(change, after=change.after._replace(mode=0o666))


def _with_layers(result: ImageResult) -> ImageResult:
    """Four layers on either side, that part above the first."""
    made = (samples.FROM, samples.INSTALL, samples.FETCH, None)
    sizes = (77_000_000, 9_400_000, 5_400, 300)

    def side(build: Any, name: str, revision: str) -> Any:
        layers = tuple(
            LayerDescriptor(
                DiffId(samples.digest(f"{name if n else 'same'} {n}")), size, not n, instruction
            )
            for n, (instruction, size) in enumerate(zip(made, sizes, strict=True))
        )
        repo = RepoSide(samples.digest("c"), samples.digest("d"), revision=revision * 20)
        return replace(
            build,
            snapshot=replace(build.snapshot, layers=layers),
            inputs=replace(build.inputs, repo=repo),
        )

    return replace(
        result,
        baseline=side(result.baseline, "old", "1a"),
        candidate=side(result.candidate, "new", "2b"),
    )


def many(name: str = "many") -> dict[str, Any]:
    """An image with more changed paths than a page holds."""
    changes = tuple(
        samples.modified(f"/opt/app/part{n % 50:02}/file-{n:05}.so", 1000 + n) for n in range(MANY)
    )
    cause = Cause("c1", Origin.EXTERNAL, Kind.BASE_IMAGE, "debian:12", Grade.PROVEN, "a", "b")
    reasons = Attribution((cause,), {change.path: "c1" for change in changes})
    sides = (samples.build(name, night=samples.EARLIER), samples.build(name))
    compared = Comparison(files=changes)
    result = ImageResult(name, Status.DRIFTED, True, *sides, compared, reasons, (sides[1],))
    return image_document(result)


def hostile() -> dict[str, Any]:
    """Strangers' text wherever text can stand, the Dockerfile and a diff among them."""
    result = samples.hostile("evil")
    text = f"FROM x\n{samples.HOSTILE}\n".encode("utf-8", "surrogatepass")
    shown = Exhibits(samples.HOSTILE, text, f"https://github.com/a/{samples.HOSTILE}")
    document = image_document(replace(result, exhibits=shown))
    for entry in document["files"]["entries"]:
        entry["diff"] = f"@@ -1 +1 @@\n-{samples.MARKUP}\n+{samples.MARKUP}</pre>"
    return document


def make(root: Path, *, strangers: bool = True) -> Site:
    """Write the site: sixty nights, the last of them with something of everything.

    Without ``strangers`` nothing in it is hostile or absurdly large.
    """
    fleet = {
        "web": web(),
        "api": image_document(samples.quiet()),
        "worker": image_document(samples.broken()),
        "db": image_document(samples.unknown()),
        "batch": image_document(samples.first()),
        "cache": image_document(samples.noisy()),
        "mail": image_document(samples.known()),
        **({"many": many(), "evil": hostile()} if strangers else {}),
    }
    rules = '[[ignore]]\npath = "/var/log/**"\nreason = "logs"\n'
    if strangers:
        rules += '[[ignore]]\npath = "/<script>alert(1)</script>"\nreason = "<img src=x>"\n'
    site = Site(root, list(fleet), rules)
    with Store.open(site.config.store.url) as store:
        for back in range(59, 1, -1):
            site.record(store, _earlier(fleet, back), samples.NIGHT - timedelta(days=back))
    site.night([fleet[name] for name in ("web", "api", "mail")], samples.EARLIER)
    site.night(list(fleet.values()))
    return site


def _earlier(fleet: dict[str, Any], back: int) -> list[dict[str, Any]]:
    """What an earlier night said: mostly nothing, now and then a drift, a break, no run."""
    said = []
    for place, (name, document) in enumerate(fleet.items()):
        turn = (back * 7 + place * 13) % 31
        if turn == 3 or (name == "batch"):
            continue
        quiet = samples.quiet(name) if turn % 3 else samples.known(name)
        changed = {5: samples.broken(name), 11: samples.drifted(name)}.get(turn)
        shown = image_document(changed or quiet)
        if turn % 3 == 1:
            shown = {**shown, "status": "identical", "origins": [], "causes": []}
        said.append({**shown, "name": document["name"]})
    return said


def page(site: Site, image: str, night: date = samples.NIGHT) -> Path:
    """An image's page of a night."""
    return site.reports / "runs" / run_id(night) / f"{image}.html"


def entry(path: str, text: str) -> Entry:
    """A file whose content is one of the samples' texts."""
    return samples.entry(path, text, len(_TEXTS[text]))
