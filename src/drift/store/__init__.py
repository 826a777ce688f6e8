"""What drift remembers between nights: :class:`drift.store.store.Store`.

Only this package imports ``sqlalchemy`` and ``alembic``.
"""
