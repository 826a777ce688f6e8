"""The pages that are made from the code: configuration.md from the schema, commands.md from --help.

::

    python docs/reference.py           writes configuration.md anew
    python docs/reference.py --check   fails where it is not what the schema says

commands.md is never written: MkDocs asks for it (:func:`on_files`), so that it cannot be old.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
CONFIGURATION = HERE / "configuration.md"
Schema = dict[str, Any]

_HEAD = """\
<!-- Made by docs/reference.py from the schema: `make docs` says when it is old. -->

# drift.toml

Every key, with its meaning, its default, and an example. The smallest file is one image:

```toml
[[image]]
name = "web"
```

- `${VARIABLES}` are expanded in any string; one that is not set is an error. Their values are
  masked in every log, report and message.
- Durations are written as `90s`, `60m`, `12h`, `7d`, `1y` or `1h30m`, sizes as `64m` or `20GB`.
- Paths are relative to the file.
- An unknown key, a wrong type or a missing context is an error that names the line and the
  nearest valid spelling. Nothing is built then; the exit code is 2.

`drift schema config > drift.schema.json` writes the JSON Schema for editors;
[`drift init`](commands.md#drift-init) writes a commented file for what it finds.
"""

#: How a table is written, by its name in the schema's root.
_LISTS = ("accept", "ignore", "image", "notify")


def configuration() -> str:
    """The page about drift.toml."""
    from drift.config.schema import config_schema

    schema = config_schema()
    parts = [_HEAD]
    for name, node in schema["properties"].items():
        parts.append(_section(schema, name, _table(schema, node)))
    return "\n".join(parts)


def _table(schema: Schema, node: Schema) -> Schema:
    node = node.get("items", node)
    if "$ref" in node:
        found: Schema = schema["$defs"][node["$ref"].rpartition("/")[2]]
        return found
    return node


def _section(schema: Schema, name: str, table: Schema) -> str:
    header = f"[[{name}]]" if name in _LISTS else f"[{name}]"
    lines = [
        f"## `{header}` {{ #{name} }}",
        "",
        _sentence(table.get("description", "")),
        "",
        "| Key | Meaning | Default | Example |",
        "| :-- | :-- | :-- | :-- |",
        *(_row(name, key, value, table) for key, value in table["properties"].items()),
        "",
    ]
    for key, value in table["properties"].items():
        inner = _table(schema, value)
        if inner.get("properties") and key != "ignore":
            lines += [f"### `{name}.{key}` {{ #{name}-{key} }}", ""]
            lines += ["| Key | Meaning | Default | Example |", "| :-- | :-- | :-- | :-- |"]
            rows = inner["properties"].items()
            lines += [_row(f"{name}.{key}", k, v, inner) for k, v in rows]
            lines.append("")
    return "\n".join(lines)


def _row(table: str, key: str, value: Schema, parent: Schema) -> str:
    meaning = _sentence(value.get("description", ""))
    choices = _choices(value)
    if choices and not all(choice in meaning for choice in choices):
        meaning += " One of " if "items" not in value else " Of "
        meaning += ", ".join(f"`{choice}`" for choice in choices) + "."
    if key in parent.get("required", []):
        default = "**required**"
    elif value.get("default") in (None, "", [], {}):
        default = "—"
    else:
        default = f"`{toml(value['default'])}`"
    anchor = f'<a id="{table.replace(".", "-")}-{key}"></a>'
    example = ", ".join(f"`{toml(one)}`" for one in value.get("examples", []))
    cells = (f"{anchor}`{key}`", meaning, default, example.replace('"2026-12-31"', "2026-12-31"))
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _choices(value: Schema) -> list[str]:
    node = value.get("items", value)
    return [str(choice) for choice in node.get("enum", [])]


def _sentence(text: str) -> str:
    text = " ".join(text.split())
    return text if not text or text.endswith(".") else f"{text}."


def toml(value: Any) -> str:
    """A value as drift.toml has it, on one line."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return f"[{', '.join(map(toml, value))}]"
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{key} = {toml(item)}' for key, item in value.items())} }}"
    return json.dumps(value, ensure_ascii=False)


def commands() -> str:
    """The page about the command line: what each command's --help says."""
    import typer
    from typer.testing import CliRunner

    from drift.cli.app import app

    runner = CliRunner(env={"COLUMNS": "100", "NO_COLOR": "1", "TERM": "dumb"})

    def said(*arguments: str) -> str:
        return runner.invoke(app, [*arguments, "--help"], prog_name="drift").output.strip()

    names = [one.name or "" for one in app.registered_commands]
    parts = [
        "# Commands",
        "What each command's `--help` says.",
        _fenced(said()),
        *(f"## drift {name}\n\n{_fenced(said(name))}" for name in names),
    ]
    hidden = typer.main.get_command(app).commands["github"].commands  # type: ignore[attr-defined]
    parts.append(
        "## drift github\n\nFor workflows; the action in `.github/actions/drift` calls it."
    )
    parts += [f"### drift github {name}\n\n{_fenced(said('github', name))}" for name in hidden]
    return "\n\n".join(parts) + "\n"


def _fenced(text: str) -> str:
    return f"```text\n{text}\n```"


# MkDocs' hooks: what is made, and pages that others may write.


def on_config(config: Any) -> Any:
    """Navigation for directories whose pages come and go: upkeep, decisions, causes."""
    config.nav = [_with_pages(entry) for entry in config.nav]
    config.nav = [entry for entry in config.nav if entry is not None]
    return config


def _with_pages(entry: Any) -> Any:
    """An entry ``Title: directory/*`` with the directory's pages; None where it has none."""
    if not isinstance(entry, dict):
        return entry
    ((title, inside),) = entry.items()
    if isinstance(inside, list):
        return {title: [found for one in inside if (found := _with_pages(one)) is not None]}
    if not str(inside).endswith("/*"):
        return entry
    directory = HERE / inside.removesuffix("/*")
    pages = [path.relative_to(HERE).as_posix() for path in _pages(directory)]
    return {title: pages} if pages else None


def _pages(directory: Path) -> Iterator[Path]:
    """The index or README first, then by name."""
    first = [directory / name for name in ("index.md", "README.md")]
    yield from (path for path in first if path.exists())
    yield from (path for path in sorted(directory.glob("*.md")) if path not in first)


def on_files(files: Any, config: Any) -> Any:
    """commands.md, which lies nowhere."""
    from mkdocs.structure.files import File

    files.append(File.generated(config, "commands.md", content=commands()))
    return files


def main(arguments: list[str]) -> int:
    made = configuration()
    if arguments == ["--check"]:
        if CONFIGURATION.read_text() != made:
            print("docs/configuration.md is old: python docs/reference.py", file=sys.stderr)
            return 1
        return 0
    CONFIGURATION.write_text(made)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
