"""drift.toml: :func:`load` reads, checks and gives it as a :class:`Config`."""

from drift.config.loading import load
from drift.config.model import Config, Image

__all__ = ["Config", "Image", "load"]
