"""Who is told what and when: news once, what failed the next night, never silence."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from drift.config import Config
from drift.publish.items import Of, items_of
from drift.publish.tell import Told, tell_newer, tell_run, tell_test, tell_undone
from drift.store.store import Store
from support.configured import cause, configured, image, keep_night, night
from support.receivers import Hook, Inbox

OPENSSL = "pkg:deb/debian/openssl"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(f"sqlite:///{tmp_path}/drift.db") as opened:
        yield opened


Night = Callable[..., list[Told]]


class Nights:
    """Nights of a fleet whose runs are told to one webhook."""

    def __init__(self, root: Path, store: Store, hook: Hook) -> None:
        self.root, self.store, self.hook = root, store, hook

    def configure(self, more: str = "", names: str = "web", before: str = "") -> Config:
        text = f'{before}[[notify]]\nwebhook = "{self.hook.url}/x"\n{more}\n'
        self.config = configured(self.root, text, names)
        return self.config

    def night(self, days: int, *images: dict[str, Any], run: str = "") -> int:
        """How many messages came of a night."""
        document = keep_night(self.store, days, *images, run=run)
        before = len(self.hook.requests)
        tell_run(self.config, self.store, document)
        return len(self.hook.requests) - before

    def undone(self, days: int, reason: str) -> int:
        before = len(self.hook.requests)
        tell_undone(self.config, self.store, night(days), reason)
        return len(self.hook.requests) - before


@pytest.fixture
def nights(tmp_path: Path, store: Store, hook: Hook) -> Nights:
    made = Nights(tmp_path, store, hook)
    made.configure()
    return made


def drifted(after: str = "2", name: str = "web", **more: Any) -> Any:
    return image(name, "drifted", cause(OPENSSL, after, **more))


def test_news_are_told_once_and_again_when_they_move_on(nights: Nights) -> None:
    assert nights.night(0, image("web", "first")) == 0
    assert nights.night(1, drifted("2")) == 1
    assert nights.night(2, drifted("2")) == 0, "the same, as an accepted baseline sees it"
    assert nights.night(3, image("web")) == 0
    assert nights.night(4, drifted("3")) == 1


def test_a_second_run_of_a_night_tells_what_the_first_did_not(nights: Nights) -> None:
    assert nights.night(0, image("web", "unknown")) == 1
    assert nights.night(0, drifted("2"), run="again") == 1
    assert nights.night(0, drifted("2"), run="third") == 0


def test_what_did_not_arrive_is_told_the_next_night_though_that_is_quiet(nights: Nights) -> None:
    nights.hook.answers = [500] * 3
    assert nights.night(0, drifted("2")) == 3, "three tries"
    (failed,) = nights.store.undelivered()
    assert failed.error == "the server answered 500 Internal Server Error"
    assert failed.night == night(0)
    assert nights.hook.url not in failed.name
    assert nights.night(1, image("web")) == 1
    assert nights.store.undelivered() == ()
    assert nights.night(2, image("web")) == 0


def test_twice_failed_then_arrived_is_one_delivery(nights: Nights) -> None:
    nights.hook.answers = [500, 503]
    assert nights.night(0, drifted("2")) == 3
    assert nights.store.undelivered() == ()
    ids = {request.headers["X-Drift-Delivery"] for request in nights.hook.requests}
    assert len(ids) == 1
    assert nights.night(1, image("web")) == 0


def test_broken_and_unknown_are_told_until_they_recover(nights: Nights) -> None:
    nights.configure('when = ["broken", "recovered"]')
    gone = image("web", "broken", cause("https://x.example", None, kind="source-unavailable"))
    assert nights.night(0, gone) == 1
    assert nights.night(1, gone) == 0
    assert nights.night(2, image("web", "unknown")) == 1, "that it could not be checked is news"
    assert nights.night(3, image("web", "unknown")) == 0
    assert nights.night(4, image("web")) == 1
    assert nights.night(5, image("web")) == 0
    assert nights.night(6, gone) == 1, "gone again"
    assert nights.night(7, drifted()) == 1, "recovered, whatever else it is"


def test_of_a_mail_each_address_is_told_once(tmp_path: Path, store: Store, inbox: Inbox) -> None:
    def configure(*addresses: str) -> Config:
        return configured(
            tmp_path,
            f'[smtp]\nhost = "127.0.0.1"\nport = {inbox.port}\nsecurity = "none"\n'
            f'sender = "drift@example.org"\n[[notify]]\nmail = {list(addresses)}\n',
        )

    def envelopes() -> list[list[str]]:
        found = [envelope[1] for envelope in inbox.envelopes]
        inbox.envelopes.clear()
        return found

    config = configure("a@example.org", "Bee <b@example.org>")
    inbox.refused = {"b@example.org"}
    told = tell_run(config, store, keep_night(store, 0, drifted("2")))
    assert [(one.name.split()[2], one.error) for one in told] == [
        ("a@example.org", None),
        ("Bee", "the server refused 1 of 1 addresses (550)"),
    ]
    assert envelopes() == [["a@example.org"]]
    (failed,) = store.undelivered()
    assert "b@example.org" in failed.name
    inbox.refused = set()
    tell_run(config, store, keep_night(store, 1, image("web")))
    assert envelopes() == [["b@example.org"]], "who got it does not get it twice"
    assert store.undelivered() == ()
    tell_run(config, store, keep_night(store, 2, drifted("3")))
    assert envelopes() == [["a@example.org", "b@example.org"]], "one mail to both"
    more = configure("a@example.org", "Bee <b@example.org>", "c@example.org")
    tell_run(more, store, keep_night(store, 2, drifted("3"), run="again"))
    assert envelopes() == [["c@example.org"]], "only the new one has not been told"


def test_a_change_of_an_earlier_night_is_not_told_as_the_break(nights: Nights) -> None:
    (notify,) = nights.configure('when = ["broken", "drift"]\nrepeat = true').notify
    keep_night(nights.store, 0, drifted("2"))
    gone = image("web", "broken", cause("https://x.example", None, kind="source-unavailable"))
    keep_night(nights.store, 1, gone)
    standing, policy = nights.store.standing(night(1)), nights.config.policy
    found = items_of(notify, policy, [gone], standing, night(1), night(1))
    assert [(item.of, item.kind) for item in found] == [
        (Of.BROKEN, "source-unavailable"),
        (Of.DRIFT, "package"),
    ]


def test_a_recovery_that_did_not_arrive_is_told_the_next_night(nights: Nights) -> None:
    nights.configure('when = ["recovered"]')
    assert nights.night(0, image("web", "unknown")) == 0
    nights.hook.answers = [500] * 3
    assert nights.night(1, image("web")) == 3
    assert nights.night(2, image("web")) == 1
    assert nights.night(3, image("web")) == 0


def test_repeat_tells_each_night_what_still_stands(nights: Nights) -> None:
    nights.configure("repeat = true")
    assert nights.night(0, drifted("2")) == 1
    assert nights.night(1, image("web")) == 1
    assert nights.night(2, image("web", "unknown")) == 1
    assert nights.night(3, image("web", "unknown")) == 1


def test_always_tells_each_run(nights: Nights) -> None:
    nights.configure('when = ["always"]')
    assert [nights.night(days, image("web")) for days in range(3)] == [1, 1, 1]


@pytest.mark.parametrize("asked", ['when = ["always"]', "repeat = true"])
def test_a_run_that_was_told_is_not_told_again(nights: Nights, asked: str) -> None:
    nights.configure(asked)
    document = keep_night(nights.store, 0, drifted("2"))
    for _ in range(2):  # as `drift check` does, and `drift notify` after it
        tell_run(nights.config, nights.store, document)
    assert len(nights.hook.requests) == 1
    assert nights.night(1, drifted("2")) == 1


def test_only_images_that_are_asked_for_are_told_of(nights: Nights) -> None:
    nights.configure('images = ["api-*"]', "web api-1")
    assert nights.night(0, drifted("2"), image("api-1")) == 0
    assert nights.night(1, drifted("3"), drifted("3", "api-1")) == 1
    told = json.loads(nights.hook.requests[-1].body)
    assert [one["name"] for one in told["images"]] == ["api-1"]
    assert told["summary"]["images"] == 1
    assert told["events"][0]["images"] == ["api-1"]


def test_what_is_tolerated_or_accepted_is_no_news_of_a_flagged_image(nights: Nights) -> None:
    index = cause("index", "7", kind="package-index")
    known = cause("pkg:deb/debian/curl", "9", accepted={"until": "2027-01-01", "reason": ""})
    assert nights.night(0, drifted("2")) == 1
    again = image("web", "drifted", cause(OPENSSL, "2"), index, known)
    assert nights.night(1, again) == 0


def test_an_image_that_its_status_alone_flags_is_told(nights: Nights) -> None:
    nights.configure(before='[policy]\nfail_on = ["identical"]\n')
    assert nights.night(0, image("web", "identical", flagged=True)) == 1
    assert nights.night(1, image("web", "identical", flagged=True)) == 0


def test_a_new_target_is_told_of_tonight_and_not_of_all_that_ever_was(nights: Nights) -> None:
    config = nights.configure()
    keep_night(nights.store, 0, drifted("2"))
    assert nights.night(1, image("web")) == 0
    assert config.notify


def test_a_run_of_some_images_forgets_nothing_of_the_others(nights: Nights) -> None:
    nights.configure(
        before='[policy]\nbaseline = "accepted"\nfail_on = ["repo"]\n', names="web api"
    )
    by_repo = image("web", "drifted", cause("context", "rev2", origin="repo", kind="context"))
    assert nights.night(0, by_repo, image("api")) == 1
    assert nights.night(1, image("api"), run="api-alone") == 0
    assert nights.night(2, by_repo, image("api")) == 0


def test_a_run_that_could_not_be_done_is_told_each_night_once(nights: Nights) -> None:
    assert nights.undone(0, "no engine answers") == 1
    assert json.loads(nights.hook.requests[-1].body)["error"].endswith("no engine answers")
    assert nights.undone(0, "no engine answers") == 0
    assert nights.undone(1, "no engine answers") == 1
    nights.configure('when = ["drift"]')
    assert nights.undone(2, "no engine answers") == 0


def test_a_night_undone_and_untold_is_told_the_next(nights: Nights, hook: Hook) -> None:
    hook.answers = [500] * 3
    assert nights.undone(0, "no engine answers") == 3
    assert nights.night(1, image("web")) == 1
    assert nights.night(2, image("web")) == 0


def test_a_run_that_could_not_be_done_is_told_without_a_store(nights: Nights) -> None:
    assert [told.error for told in tell_undone(nights.config, None, night(0), "no store")] == [None]


def test_a_newer_image_is_told_once_and_again_when_it_moved(nights: Nights) -> None:
    def told(**newest: str) -> int:
        found = {name: (digest, f"{name}: newer") for name, digest in newest.items()}
        return len(tell_newer(nights.config, nights.store, found))

    assert told(web="1") == 0  # to those who did not ask to hear of upgrades
    nights.configure('when = ["upgrade"]')
    assert [told(web="1"), told(web="1"), told(web="1", db="1")] == [1, 0, 1]
    assert "web" not in json.loads(nights.hook.requests[-1].body)["error"]
    assert [told(web="2", db="1"), told(db="1"), told(web="2", db="1")] == [1, 0, 1]


def test_a_newer_image_that_could_not_be_asked_for_meanwhile_is_no_news(nights: Nights) -> None:
    nights.configure('when = ["upgrade"]')
    newer = {"web": ("1", "web: newer")}
    assert len(tell_newer(nights.config, nights.store, newer)) == 1
    assert tell_newer(nights.config, nights.store, {}, ["web"]) == []
    assert tell_newer(nights.config, nights.store, newer) == []


def test_a_test_reaches_every_target_and_is_kept_nowhere(nights: Nights) -> None:
    nights.configure('when = ["recovered"]\n[[notify]]\nurl = "nosuch://thing"')
    told = tell_test(nights.config)
    assert [one.error is None for one in told] == [True, False]
    assert "nosuch" not in f"{told[1].name}{told[1].error}"
    assert told[1].name == "url (drift.toml:6)"
    assert nights.store.undelivered() == ()


def test_what_came_from_variables_is_in_no_message(
    tmp_path: Path, store: Store, hook: Hook
) -> None:
    text = f'[[notify]]\nwebhook = "{hook.url}/${{TOKEN}}"\nwhen = ["always"]\n'
    config = configured(tmp_path, text, TOKEN='hunter2"secret')
    told = image("web", "drifted", cause('pkg:generic/hunter2"secret', "2"), error='hunter2"secret')
    document = keep_night(store, 0, told)
    tell_run(config, store, document)
    assert b"hunter2" not in hook.requests[-1].body
    json.loads(hook.requests[-1].body)
    tell_undone(config, store, night(1), 'cannot read hunter2"secret')
    assert b"hunter2" not in hook.requests[-1].body
