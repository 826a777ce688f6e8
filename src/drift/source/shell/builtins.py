"""What simple commands do to the shell that runs them, and which of them run another script."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from drift.source.shell.expand import Environment, fields, text_of
from drift.source.shell.syntax import Command
from drift.source.shell.words import Text, Word

SHELLS = frozenset(
    f"{where}{name}"
    for where in ("", "/bin/", "/usr/bin/")
    for name in ("sh", "bash", "dash", "ash", "zsh", "ksh")
)
_ASSIGNMENT = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(\+?)=", re.ASCII)
_PREFIXES = frozenset({"command", "exec", "nohup", "time", "sudo", "env", "nice", "builtin"})
_WITH_ARGUMENT = frozenset({"-u", "-g", "-n", "-C", "-S"})  # of those
_DECLARING = frozenset({"export", "readonly", "local", "declare", "typeset"})
_SUCCEEDING = frozenset({":", "true", "set", "export", "readonly", "local", "cd"})
_COMPARISONS = {"=": True, "==": True, "!=": False}

Assignment = tuple[str, bool, Word]  # name, whether it appends, value


def split(words: Sequence[Word]) -> tuple[list[Assignment], list[Word]]:
    """The leading assignments of a command, and its words."""
    assigned: list[Assignment] = []
    for number, word in enumerate(words):
        found = _assignment(word)
        if found is None:
            return assigned, list(words[number:])
        assigned.append(found)
    return assigned, []


def _assignment(word: Word) -> Assignment | None:
    first = word.parts[0] if word.parts else None
    if not isinstance(first, Text) or first.quoted:
        return None
    match = _ASSIGNMENT.match(first.text)
    if match is None:
        return None
    value = Word((Text(first.text[match.end() :], quoted=True), *word.parts[1:]))
    return match[1], bool(match[2]), value


def assign(assigned: Sequence[Assignment], env: Environment) -> None:
    """Set variables; each sees those before it."""
    for name, appends, word in assigned:
        value = text_of(word, env)
        if appends:
            former = "" if env.is_unset(name) else env.variables.get(name)
            value = None if former is None or value is None else former + value
        env.variables[name] = value


def unprefixed(words: Sequence[str | None], env: Environment) -> Sequence[str | None]:
    """A command without ``sudo``, ``env`` and others that only run it, in its ``env``."""
    while words and words[0] in _PREFIXES:
        words = words[1:]
        while words and (words[0] or "").startswith("-"):
            words = words[2 if words[0] in _WITH_ARGUMENT else 1 :]
        while words and words[0] and _ASSIGNMENT.match(words[0]):
            name, _, value = words[0].partition("=")
            env.variables[name] = value
            words = words[1:]
    return words


def script_of(words: Sequence[str | None]) -> str | None:
    """The script that ``sh -c`` or ``eval`` runs, where it is literal."""
    if words[:1] == ("eval",):
        known = [word for word in words[1:] if word is not None]
        return " ".join(known) if len(known) == len(words) - 1 else None
    if not words or words[0] not in SHELLS:
        return None
    for option, following in pairwise(words[1:]):
        if option is None or option[:1] not in ("-", "+"):
            return None
        if option[:1] == "-" and option[:2] != "--" and "c" in option:
            return following
    return None


def effect(words: Sequence[str | None], env: Environment) -> bool | None:
    """What a command changes in its own shell; how it ends, None where only a run can tell."""
    name, arguments = (words[0] if words else None), words[1:]
    if name == "cd":
        target = next((word for word in arguments if word != "--"), None)
        env.directory = env.path(target) if target and not target.startswith(("-", "~")) else None
    elif name in ("pushd", "popd"):
        env.directory = None
    elif name in _DECLARING:
        _declare(arguments, env)
    elif name in ("unset", "read", "getopts", "mapfile", "readarray", "printf", "let"):
        named = arguments if name != "printf" or "-v" in arguments else ()
        for word in named:
            env.variables[word or ""] = None
    elif name in (".", "source", "eval"):
        env.variables = dict.fromkeys(env.variables)
        env.complete = False
    elif name in ("[", "test"):
        return _test([word for word in arguments if word != "]" or name != "["])
    elif name == "false":
        return False
    return True if name in _SUCCEEDING else None


def _declare(arguments: Sequence[str | None], env: Environment) -> None:
    for word in arguments:
        name, equals, value = (word or "").partition("=")
        if equals and not name.startswith("-"):
            env.variables[name] = value
        elif word is None:  # some variable is set, no one knows which
            env.variables = dict.fromkeys(env.variables)
            env.complete = False


def _test(words: Sequence[str | None]) -> bool | None:
    """``[ a = b ]``, ``[ -n a ]``, ``[ -z a ]`` of literals."""
    if words[:1] == ["!"]:
        status = _test(words[1:])
        return None if status is None else not status
    if None in words:
        return None
    if len(words) == 3 and words[1] in _COMPARISONS:
        return (words[0] == words[2]) is _COMPARISONS[str(words[1])]
    if len(words) == 2 and words[0] in ("-n", "-z"):
        return bool(words[1]) is (words[0] == "-n")
    return None


def output(command: Command, env: Environment) -> str | None:
    """The file that a command's output goes to."""
    for one in reversed(command.redirections):
        if one.operator in (">", ">>", ">|", "&>", "&>>") and one.descriptor in ("", "1"):
            found = fields(one.target, env)
            literal = found[0] if len(found) == 1 else None
            return env.path(literal) if literal and not literal.startswith("~") else None
    return None
