"""The pages of the site: the fleet, a run's page of one image, an image's nights.

Each is one file that loads nothing but what lies beside it, and works from ``file://``.
"""
