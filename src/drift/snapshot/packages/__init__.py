"""Which packages an image holds: one cataloguer per ecosystem (see :mod:`.catalogue`)."""
