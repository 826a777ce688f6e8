"""drift tells why a container image changed overnight, and what came from outside."""

__version__ = "0.1.0"
