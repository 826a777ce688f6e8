"""GitHub: an issue for each standing event, a comment on a pull request, a step's outputs.

GitHub's REST API, version 2022-11-28. What comes from strangers (subjects, evidence, a pull
request's artifact) is only ever shown inside of code spans and fences, where GitHub resolves no
mention, issue number, closing keyword, link or HTML.
"""
