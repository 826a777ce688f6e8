"""Upkeep: the engine stays clean, and what runs stays current. A room beside the nightly way."""
