"""The job: the one place where the stages meet."""
