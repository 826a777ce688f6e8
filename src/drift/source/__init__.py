"""What is built: git revisions, build contexts, Dockerfiles."""
