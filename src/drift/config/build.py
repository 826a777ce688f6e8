"""From a checked document to the :class:`~drift.config.model.Config` that drift trusts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from drift.config import document, model
from drift.config.mistakes import Path as Place
from drift.config.places import absolute, absolute_database, is_git_url

_PORTS = {"starttls": 587, "tls": 465, "none": 25}


@dataclass(frozen=True, slots=True)
class Builder:
    """Builds the configuration of one file.

    ``expanded`` are the values of its variables; ``line`` tells where a path of it stands.
    """

    file: Path
    environ: Mapping[str, str]
    expanded: tuple[str, ...]
    line: Callable[[Place], int]

    def config(self, checked: document.Document) -> model.Config:
        """The whole configuration."""
        store, report, policy = checked.store, checked.report, checked.policy
        smtp = _smtp(checked.smtp) if checked.smtp else None
        notify = tuple(
            _notify(entry, self.line(("notify", index)))
            for index, entry in enumerate(checked.notify)
        )
        return model.Config(
            path=self.file,
            root=self.file.parent,
            engine=model.Engine(**dict(checked.engine)),
            store=model.Store(**dict(store) | {"url": self._database(store.url)}),
            probe=model.Probe(**dict(checked.probe)),
            report=model.Report(**dict(report) | {"directory": self._path(report.directory)}),
            policy=model.Policy(tuple(policy.fail_on), tuple(policy.tolerate), policy.baseline),
            accept=tuple(model.Accept(**dict(entry)) for entry in checked.accept),
            ignore=_ignore(checked.ignore),
            images=tuple(map(self._image, checked.image)),
            upkeep=_upkeep(checked.upkeep),
            smtp=smtp,
            notify=notify,
            heartbeat=model.Heartbeat(checked.heartbeat.url) if checked.heartbeat else None,
            masked=self._masked(smtp, notify),
        )

    def _path(self, text: str) -> Path:
        return absolute(text, self.file.parent, self.environ)

    def _database(self, url: str) -> str:
        return absolute_database(url, self.file.parent)

    def _image(self, image: document.Image) -> model.Image:
        remote = is_git_url(image.context)
        plain = dict(image) | {
            "tags": tuple(image.tags),
            "context_path": None if remote else self._path(image.context),
            "revision": image.revision if remote else None,
            "args": dict(image.args),
            "volatile_args": tuple(image.volatile_args),
            "secrets": tuple(map(self._secret, image.secrets)),
            "ssh": tuple(image.ssh),
            "extra_hosts": tuple(image.extra_hosts),
            "ignore": _ignore(image.ignore),
        }
        return model.Image(**plain)

    def _secret(self, secret: document.Secret) -> model.Secret:
        file = self._path(secret.file) if secret.file else None
        return model.Secret(id=secret.id, file=file, env=secret.env)

    def _masked(self, smtp: model.Smtp | None, notify: Iterable[model.Notify]) -> tuple[str, ...]:
        secrets = [smtp.password if smtp else None, *(entry.secret for entry in notify)]
        return tuple(dict.fromkeys([*self.expanded, *filter(None, secrets)]))


def _ignore(entries: Iterable[document.Ignore]) -> tuple[model.Ignore, ...]:
    return tuple(model.Ignore(**dict(entry)) for entry in entries)


def _upkeep(upkeep: document.Upkeep) -> model.Upkeep:
    cache = upkeep.build_cache
    plain = dict(upkeep) | {
        "build_cache": model.BuildCache(cache.unused, cache.size) if cache else None,
        "keep": tuple(upkeep.keep),
        "upgrade": tuple(upkeep.upgrade),
        "discard": tuple(upkeep.discard),
    }
    return model.Upkeep(**plain)


def _smtp(smtp: document.Smtp) -> model.Smtp:
    return model.Smtp(**dict(smtp) | {"port": smtp.port or _PORTS[smtp.security]})


def _notify(notify: document.Notify, line: int) -> model.Notify:
    plain = dict(notify) | {
        "mail": tuple(notify.mail or ()),
        "when": tuple(notify.when),
        "images": tuple(notify.images),
        "line": line,
    }
    return model.Notify(**plain)
