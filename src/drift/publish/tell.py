"""The delivery of a run: each target is told what is news to it, once.

What did not arrive is kept as such, shown by whoever looks, and told the next night. Nothing
that fails here fails the run: its report is stored and written before anyone is told.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from functools import partial
from typing import Any

from drift.config.model import Config, Notify
from drift.errors import StoreError
from drift.masking import Mask
from drift.publish.attempts import attempt_all
from drift.publish.channels import channel_of, name_of, receivers, target_of
from drift.publish.items import Item, Of, identity, items_of, lasting, news, over, wanted
from drift.publish.message import Message, What, about_run
from drift.publish.port import Channel
from drift.report.document import narrowed
from drift.report.words import counted
from drift.store.deliveries import Delivery
from drift.store.store import Store

_UNDONE = identity("undone")
_RUN = identity("run")  # the last run that a target was told of


@dataclass(frozen=True, slots=True)
class Told:
    """What came of one target: ``error`` is None where the message arrived."""

    name: str
    error: str | None


@dataclass(frozen=True, slots=True)
class Due:
    """A message that is to be sent, and the items that its target has then been told.

    ``notify`` is the target alone, ``entry`` what drift.toml has: a mail's has all addresses.
    """

    entry: Notify
    notify: Notify
    target: str
    message: Message
    items: Mapping[str, str] = field(default_factory=dict)


def tell_run(
    config: Config, store: Store, document: dict[str, Any], page: str | None = None
) -> list[Told]:
    """Tell all targets of a finished run; ``page`` is its page, where that is served.

    Raises:
        StoreError: what was told cannot be read or kept.
    """
    night = date.fromisoformat(document["run"]["night"])
    shown = _masked(document, Mask(config.masked))
    standing = store.standing(night)
    whole = {image["name"] for image in shown["images"]} >= {i.name for i in config.images}
    due = []
    for entry, notify in _receivers(config):
        target = target_of(notify)
        told = store.told(target)
        late = store.undelivered(target)
        since = min([night, *(delivery.night for delivery in late)])
        items = items_of(notify, config.policy, shown["images"], standing, night, since)
        message = _run_message(notify, shown, items, told, _undone(notify, late), page)
        if message is not None:
            known = {item.id: item.value for item in message.new}
            due.append(Due(entry, notify, target, message, known | {_RUN: shown["run"]["id"]}))
        if whole:
            still = lasting(items, standing) | {_UNDONE, _RUN}
            store.let_be_news(target, over(told, still))
    return _send(config, store, due)


def _receivers(config: Config) -> Iterator[tuple[Notify, Notify]]:
    """Each entry of drift.toml with each that is told by it."""
    return ((entry, notify) for entry in config.notify for notify in receivers(entry))


def _hears(notify: Notify, of: str) -> bool:
    """Whether a target is to be told of such things: ``always`` is all of them."""
    return of in notify.when or "always" in notify.when


def _undone(notify: Notify, late: Iterable[Delivery]) -> tuple[str, ...]:
    """Nights that could not be done, and whose messages did not arrive."""
    if not _hears(notify, Of.BROKEN):
        return ()
    return tuple(
        f"The night of {delivery.night} could not be checked: {delivery.about}"
        for delivery in late
        if delivery.about is not None
    )


def _run_message(
    notify: Notify,
    document: dict[str, Any],
    items: Sequence[Item],
    told: Mapping[str, str],
    lines: tuple[str, ...],
    page: str | None,
) -> Message | None:
    """The run's message to a target; None where there is nothing to tell it."""
    new = news(items, told)
    known = [item for item in items if item not in new and item.of is not Of.RECOVERED]
    again = known if notify.repeat or "always" in notify.when else []
    names = wanted(notify, [image["name"] for image in document["images"]])
    if not names and not (new or lines):
        return None
    night, run = date.fromisoformat(document["run"]["night"]), document["run"]["id"]
    each_run = (notify.repeat and known) or "always" in notify.when
    if not (new or lines or (each_run and told.get(_RUN) != run)):
        return None
    own = narrowed(document, names)
    return Message(What.RUN, night, about_run(own), run, tuple(new), tuple(again), lines, own, page)


def tell_undone(config: Config, store: Store | None, night: date, reason: str) -> list[Told]:
    """Tell those who want to hear of what is broken that a run could not be done, and why.

    The same of the same night is told once. Without a store, or where it fails, all of them
    are told: silence must never mean that all is well.
    """
    said = Mask(config.masked).text(reason)
    verdict = f"The night of {night} could not be checked."
    due = []
    for entry, notify in _receivers(config):
        if not _hears(notify, Of.BROKEN):
            continue
        target = target_of(notify)
        value = identity("undone", night.isoformat(), said)
        if not notify.repeat and _told(store, target).get(_UNDONE) == value:
            continue
        message = Message(What.UNDONE, night, verdict, lines=(said,))
        due.append(Due(entry, notify, target, message, {_UNDONE: value}))
    return _send(config, store, due)


def _told(store: Store | None, target: str) -> Mapping[str, str]:
    with suppress(StoreError):
        return store.told(target) if store else {}
    return {}


def hear_of_upgrades(config: Config) -> bool:
    """Whether anyone wants to be told which containers have a newer image."""
    return any(_hears(notify, "upgrade") for notify in config.notify)


def tell_newer(
    config: Config,
    store: Store,
    found: Mapping[str, tuple[str, str]],
    unsettled: Collection[str] = (),
) -> list[Told]:
    """Tell those who want to hear of upgrades which containers have a newer image, once each.

    ``found`` gives, by container, the newer image's digest or id, and a line about it.
    ``unsettled`` are containers of which it cannot be said that they are current: what was told
    of them is not news when it is found again.

    Raises:
        StoreError: what was told cannot be read or kept.
    """
    mask = Mask(config.masked)
    names = {identity("newer", name): name for name in sorted(found)}
    still = {*names, *(identity("newer", name) for name in unsettled)}
    due = []
    for entry, notify in _receivers(config):
        if not _hears(notify, "upgrade"):
            continue
        target = identity("newer", target_of(notify))  # runs forget what their own targets knew
        told = store.told(target)
        store.let_be_news(target, over(told, still))
        newest = {item: found[name][0] for item, name in names.items()}
        new = {item: value for item, value in newest.items() if told.get(item) != value}
        if new:
            number = f"{counted(len(new), 'container')} {'has' if len(new) == 1 else 'have'}"
            said = Message(
                What.UPGRADE,
                datetime.now(UTC).date(),
                f"{number} a newer image.",
                lines=tuple(mask.text(found[names[item]][1]) for item in new),
            )
            due.append(Due(entry, notify, target, said, new))
    return _send(config, store, due)


def tell_test(config: Config) -> list[Told]:
    """Send a test to every target. Nothing is kept: a test tells nobody of any night."""
    night = datetime.now(UTC).date()
    lines = ("This is a test: messages of drift arrive here.",)
    said = Message(What.TEST, night, "A test message of drift.", lines=lines)
    due = [Due(entry, notify, target_of(notify), said) for entry, notify in _receivers(config)]
    return _send(config, None, due)


def _send(config: Config, store: Store | None, due: Sequence[Due]) -> list[Told]:
    """Send messages, all at once, and keep what came of each."""
    mask = Mask(config.masked)
    shared = _shared(due)
    channels = [_channel(config, together, mask) for together in shared]
    tries = [
        partial(channel.send, together[0].message)
        for channel, together in zip(channels, shared, strict=True)
    ]
    results = []
    for together, channel, error in zip(shared, channels, attempt_all(tries), strict=True):
        for one in together:
            name = mask.text(name_of(one.notify, config))
            has_it = error is None or any(address in channel.reached for address in one.notify.mail)
            shown = None if has_it else mask.text(str(error))
            results.append(Told(name, shown))
            if store is not None:
                _keep(store, one, name, shown)
    return results


def _shared(due: Iterable[Due]) -> list[list[Due]]:
    """Those that go out as one mail: of one entry, and told the same."""
    found: list[list[Due]] = []
    for one in due:
        for together in found if one.notify.mail else ():
            if (together[0].entry, together[0].message) == (one.entry, one.message):
                together.append(one)
                break
        else:
            found.append([one])
    return found


def _channel(config: Config, together: Sequence[Due], mask: Mask) -> Channel:
    entry = together[0].entry
    addresses = tuple(address for one in together for address in one.notify.mail)
    return channel_of(replace(entry, mail=addresses), config, target_of(entry), mask)


def _keep(store: Store, due: Due, name: str, error: str | None) -> None:
    message = due.message
    about = message.lines[0] if message.what is What.UNDONE else None
    now = datetime.now(UTC)
    with suppress(StoreError):  # it was sent: at worst it is told twice
        store.delivered(
            Delivery(due.target, name, message.run, message.night, now, error, about), due.items
        )


def _masked(value: Any, mask: Mask) -> Any:
    """A JSON value without what must not be shown."""
    if isinstance(value, str):
        return mask.text(value)
    if isinstance(value, dict):
        return {mask.text(key): _masked(item, mask) for key, item in value.items()}
    if isinstance(value, list):
        return [_masked(item, mask) for item in value]
    return value
