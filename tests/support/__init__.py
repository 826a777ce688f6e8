"""What the tests of every kind share: a real engine, a base image, a real registry."""
