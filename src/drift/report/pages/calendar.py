"""An image's nights as a strip of cells: a letter in each, so that colour is not alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from markupsafe import Markup

from drift.report.words import counted
from drift.store.queries import ImageNight

NO_RUN = "–"
_LETTERS = {
    "first": "F",
    "identical": "I",
    "equivalent": "E",
    "drifted": "D",
    "broken": "B",
    "unknown": "U",
}

#: What each letter means, in the legend's order. The classes are those of the style sheet.
LEGEND = (
    ("I", "identical", "identical"),
    ("E", "equivalent", "equivalent: only noise"),
    ("D", "drifted", "drifted, flagged"),
    ("d", "seen", "drifted, not flagged"),
    ("B", "broken", "broken"),
    ("U", "unknown", "unknown"),
    ("F", "first", "first build"),
    (NO_RUN, "none", "no run"),
)


@dataclass(frozen=True, slots=True)
class Strip:
    """The cells of one image, the oldest night first, in letters; and the same in a sentence."""

    letters: str
    said: str

    @property
    def cells(self) -> Markup:
        """The cells as elements: neighbours of one kind differ in nothing but their place."""
        # The letters are drift's own.
        return Markup("".join(f'<i class="n{_CLASSES[x]}">{x}</i>' for x in self.letters))  # noqa: S704


_CLASSES = {letter: name for letter, name, _ in LEGEND}


def letter(seen: ImageNight | None) -> str:
    """The letter of a night; small for a drift that the policy lets pass."""
    if seen is None:
        return NO_RUN
    found = _LETTERS.get(seen.status, "U")
    return "d" if found == "D" and not seen.flagged else found


def days(until: date, number: int) -> list[date]:
    """So many days up to and with one, the oldest first."""
    return [until - timedelta(days=back) for back in range(number - 1, -1, -1)]


def strip(nights: Sequence[ImageNight], shown: Sequence[date]) -> Strip:
    """The strip of an image for some days."""
    by_night: Mapping[date, ImageNight] = {seen.night: seen for seen in reversed(nights)}
    letters = "".join(letter(by_night.get(day)) for day in shown)
    counts = Counter(letters)
    names = {sign: meaning for sign, _, meaning in LEGEND}
    said = [f"{counts[sign]} {names[sign]}" for sign in names if counts[sign]]
    return Strip(letters, f"{counted(len(letters), 'night')}: {'; '.join(said)}")


def quiet_nights(nights: Mapping[date, bool]) -> int:
    """How many nights in a row, up to the newest that is there, needed nobody."""
    count = 0
    for night in sorted(nights, reverse=True):
        if not nights[night]:
            break
        count += 1
    return count
