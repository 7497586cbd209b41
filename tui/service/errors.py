"""What can go wrong with a request: one class per kind.

Each says whether something was made or charged.
"""

from typing import ClassVar


class ServiceError(Exception):
    """A request that failed. `str()` is a sentence that is safe to show."""

    kind: ClassVar[str] = "error"
    passing: ClassVar[bool] = False
    """True where waiting may help: the same request may be sent again."""

    def __init__(
        self,
        message: str,
        *,
        status: int = 0,
        fields: dict[str, str] | None = None,
        retry_after: float | None = None,
        task_id: str = "",
        request_id: str = "",
        raw: str = "",
    ) -> None:
        super().__init__(message)
        self.status = status
        self.fields = fields or {}
        """What the server said about single params."""
        self.retry_after = retry_after
        """Seconds that the server asked to wait."""
        self.task_id = task_id
        """Set where a task exists in spite of the error: it must not be sent again."""
        self.request_id = request_id
        self.raw = raw
        """The response's body as it came."""
        self.in_words = True
        """False where the response gave no readable reason: it may be a proxy's."""


class AuthenticationError(ServiceError):
    """The key was refused. Nothing was charged."""

    kind = "authentication"


class CreditsError(ServiceError):
    """The balance is too low. Nothing was charged."""

    kind = "credits"


class RefusedError(ServiceError):
    """The request itself is wrong. Nothing was charged."""

    kind = "validation"


class ConflictError(ServiceError):
    """The Idempotency-Key was used for other input, or a source task isn't ready."""

    kind = "conflict"


class NotFoundError(ServiceError):
    """There is no such task, or no such route. This request made nothing."""

    kind = "not_found"


class RateLimitError(ServiceError):
    """There were too many requests. This one made nothing."""

    kind = "rate_limit"
    passing = True


class ServerError(ServiceError):
    """The server has a problem. Whether a task was made is unknown."""

    kind = "server"
    passing = True


class GarbledError(ServiceError):
    """The response can't be read, such as a proxy's HTML page.

    Whether a task was made is unknown.
    """

    kind = "garbled"
    passing = True


class NetworkError(ServiceError):
    """The connection failed. `sent` is False where the request surely never left."""

    kind = "network"
    passing = True

    def __init__(self, message: str, *, sent: bool = True) -> None:
        super().__init__(message)
        self.sent = sent


class TimedOutError(ServiceError):
    """The task did not end in the time allowed. It goes on at the service."""

    kind = "timeout"
    passing = True


class UploadError(ServiceError):
    """A source file could not be uploaded for now. The task was not sent."""

    kind = "network"
    passing = True


class DownloadError(ServiceError):
    """A result could not be fetched."""

    kind = "download"
    passing = True


class GoneError(DownloadError):
    """A result can't be had from its URL.

    `status` is 403, 404 or 410 where the file host answered so.
    """

    passing = False
