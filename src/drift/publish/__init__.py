"""Where a report goes: the site in the report directory, and those who are told."""
