"""What one image holds: layers, merged tree, packages. Nothing is extracted to disk."""
