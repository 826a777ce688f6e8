"""An image for scenarios, and its entry in drift.toml."""

from __future__ import annotations

APP = """
[[image]]
name = "app"
context = "app"
pull = "missing"
"""


def simple(base: str) -> dict[str, str]:
    """An image that comes out the same each night, but for its times."""
    return {
        "app/Dockerfile": f"""\
            FROM {base}
            COPY config.txt /etc/app/config.txt
            RUN echo built > /etc/app/built
            CMD ["cat", "/etc/app/config.txt"]
        """,
        "app/config.txt": "colour = blue\n",
    }
