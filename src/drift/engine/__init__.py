"""Who builds: the Docker daemon's API. Only this package imports ``docker``."""
