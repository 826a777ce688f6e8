"""Why an image changed: causes with evidence, and the verdict. Pure: no I/O."""
