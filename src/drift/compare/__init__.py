"""How two snapshots differ: layers, merged tree, packages, configuration. Pure functions."""
