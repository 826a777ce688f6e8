"""Telling people of a run: after its report is out, whatever came of that.

Nothing that goes wrong here changes how the command ends: it is said on stderr, kept in the
store, and told by `drift report`, `drift doctor` and the next night.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from drift.cli.output import say
from drift.errors import ConfigError, Error

if TYPE_CHECKING:
    from drift.config import Config
    from drift.publish.tell import Told
    from drift.store.deliveries import Delivery
    from drift.store.store import Store
    from drift.upkeep.running import Running


def tell_of_upgrades(config: Config, document: Mapping[str, Any]) -> None:
    """After a run, tell those who hear of upgrades which running containers have a newer image.

    What the store knows is compared, nothing is pulled. A replay of the past tells nobody.
    """
    from drift.publish.tell import hear_of_upgrades

    if hear_of_upgrades(config):
        with _failing_quietly("looking at what runs"), ExitStack() as opened:
            store = _opened(config, opened)
            if not _is_past(store, date.fromisoformat(document["run"]["night"])):
                _look_and_tell(config, store, opened)


def _look_and_tell(config: Config, store: Store, opened: ExitStack) -> None:
    from drift.engine.engine import Engine
    from drift.upkeep.content import Reader
    from drift.upkeep.running import Looker

    engine = opened.enter_context(Engine.connect(config.engine.host))
    looker = Looker(engine, store, config.images, False, False, Reader(engine, store))
    tell_of_newer(config, store, list(looker.all()))


def tell_of_newer(config: Config, store: Store, found: Sequence[Running]) -> None:
    """Tell those who want to hear of upgrades what was found of what runs, once of each."""
    from drift.publish.tell import tell_newer
    from drift.upkeep.running import State

    newer = {
        one.container.name: (
            _what_is_new(one),
            f"{one.container.name} ({one.reference}): {one.said}",
        )
        for one in found
        if one.state is State.NEWER
    }
    open_ones = (State.SAME, State.HIDDEN, State.UNKNOWN)
    unsettled = [one.container.name for one in found if one.state in open_ones]
    say_told(tell_newer(config, store, newer, unsettled))


def _what_is_new(one: Running) -> str:
    """What makes a newer image news again: the registry's digest; the causes of one that was
    built here, whose id is another each night though its content may not be."""
    from drift.publish.items import identity

    if one.difference is None or one.newest != one.image_id:
        return one.newest or ""
    causes = (f"{c.kind} {c.subject} {c.before} {c.after}" for c in one.difference.causes)
    return identity("causes", *sorted(causes))


def tell_of(config: Config, document: Mapping[str, Any]) -> None:
    """Tell the targets of a run that is stored, and ask for the heartbeat's URL.

    A night that is older than what is stored is a replay of the past: nobody is told.
    """
    if config.notify or config.heartbeat:
        with _failing_quietly("the delivery"), ExitStack() as opened:
            store = _opened(config, opened)
            if not _is_past(store, date.fromisoformat(document["run"]["night"])):
                _tell(config, store, document)


def _tell(config: Config, store: Store, document: Mapping[str, Any]) -> None:
    from drift.publish.tell import tell_run
    from drift.report.document import trim

    try:
        if config.notify:
            page = page_of(config, document["run"]["id"])
            say_told(tell_run(config, store, trim(dict(document)), page))
    finally:
        if config.heartbeat:
            from drift.publish.heartbeat import beat

            error = beat(config.heartbeat.url)
            if error is not None:
                say(f"drift: the heartbeat's URL was not reached: {error}")


@contextmanager
def told_if_undone(config: Config, night: date | None) -> Iterator[None]:
    """Where what is inside cannot be done, tell those who hear of what is broken; it is raised.

    Not where the configuration is wrong, and not where a person stopped it.
    """
    try:
        yield
    except ConfigError:
        raise
    except Exception as error:
        if config.notify:
            with _failing_quietly("the delivery"), ExitStack() as opened:
                _tell_undone(config, opened, night or datetime.now(UTC).date(), error)
        raise


def _tell_undone(config: Config, opened: ExitStack, night: date, error: Exception) -> None:
    from drift.errors import with_hint
    from drift.publish.tell import tell_undone

    store = None
    with suppress(Error):
        store = _opened(config, opened)
        if _is_past(store, night):
            return
    bug = f"a bug in drift: {type(error).__name__}: {error}"
    reason = with_hint(error) if isinstance(error, Error) else bug
    say_told(tell_undone(config, store, night, reason))


def _opened(config: Config, opened: ExitStack) -> Store:
    from drift.store.store import Store

    return opened.enter_context(Store.open(config.store.url))


def _is_past(store: Store, night: date) -> bool:
    return any(run.night > night for run in store.runs(1))


def page_of(config: Config, run: str) -> str | None:
    """Where a run's page is served, None where it is not."""
    from drift.report.places import run_page

    url = config.report.url
    return None if url is None else f"{url.rstrip('/')}/{run_page(run)}"


def say_told(told: Sequence[Told]) -> None:
    """Say on stderr who was told, and who could not be."""
    for one in told:
        said = "told: " if one.error is None else "not delivered: "
        say(f"drift: {said}{one.name}" + (f": {one.error}" if one.error else ""))


def undelivered_in_words(deliveries: Iterable[Delivery]) -> Iterator[str]:
    """Which targets the newest messages did not reach, a line each, with the last error."""
    newest: dict[str, list[Delivery]] = {}
    for delivery in deliveries:
        newest.setdefault(delivery.target, []).append(delivery)
    for failed in newest.values():
        nights = ", ".join(dict.fromkeys(str(delivery.night) for delivery in failed[-3:]))
        yield f"not delivered: {failed[-1].name}, night of {nights}: {failed[-1].error}"


@contextmanager
def _failing_quietly(what: str) -> Iterator[None]:
    """Errors, and bugs too: a night's verdict is never lost to a message about it."""
    try:
        yield
    except Error as error:
        say(f"drift: {what} failed: {error.message}")
    except Exception as error:
        say(f"drift: {what} failed: a bug in drift: {type(error).__name__}: {error}")
