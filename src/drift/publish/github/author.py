"""Under which login a token writes: only what that login wrote is drift's own."""

from __future__ import annotations

from drift.errors import PublishError
from drift.publish.github.answers import ForbiddenError
from drift.publish.github.client import Client

#: The login of a workflow's own token, which may not ask for its name. Nobody can sign up
#: under it: logins hold no brackets.
ACTIONS = "github-actions[bot]"


def login(client: Client, named: str | None = None) -> str:
    """The login, as it was named or as GitHub says.

    Raises:
        PublishError: the token is no good.
    """
    if named:
        return named
    try:
        return str(client.get("/user")["login"])
    except (KeyError, TypeError) as error:
        raise PublishError("GitHub's answer about the token's user has no login") from error
    except ForbiddenError:
        return ACTIONS
