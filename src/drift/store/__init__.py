"""What drift remembers between nights. Only this package imports ``sqlalchemy``."""
