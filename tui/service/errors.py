"""What can go wrong with a request: one class a kind, each saying what happened and
whether it was charged.
"""

from typing import ClassVar


class ServiceError(Exception):
    """A request that did not do what it was for. `str()` is a sentence for the user,
    already harmless.
    """

    kind: ClassVar[str] = "error"
    passing: ClassVar[bool] = False
    """True where patience may help: the same bytes with the same key may be sent again.
    """

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
        """What the server said of single params."""
        self.retry_after = retry_after
        """Seconds that the server asked to wait."""
        self.task_id = task_id
        """Set where a task exists in spite of the error: it must be adopted, not
        repeated.
        """
        self.request_id = request_id
        self.raw = raw
        """The answer's body as it came."""
        self.in_words = True
        """False where an answer gave no reason that can be read: it may be a proxy's,
        not the service's.
        """


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
    """There is no such task, or no such route: nothing was made by this request."""

    kind = "not_found"


class RateLimitError(ServiceError):
    """Too many requests; nothing was made."""

    kind = "rate_limit"
    passing = True


class ServerError(ServiceError):
    """The server has trouble. Whether a task was made is unknown."""

    kind = "server"
    passing = True


class GarbledError(ServiceError):
    """An answer that can't be read, such as a proxy's HTML page. Whether a task was
    made is unknown.
    """

    kind = "garbled"
    passing = True


class NetworkError(ServiceError):
    """No connection, or it broke off. `sent` is False where the request surely never
    left.
    """

    kind = "network"
    passing = True

    def __init__(self, message: str, *, sent: bool = True) -> None:
        super().__init__(message)
        self.sent = sent


class TimedOutError(ServiceError):
    """The service gave no end in the time that was allowed; what was asked of it goes
    on there.
    """

    kind = "timeout"
    passing = True


class UploadError(ServiceError):
    """A source file that could not be uploaded for now; what needs it was not sent."""

    kind = "network"
    passing = True


class DownloadError(ServiceError):
    """A result that could not be fetched."""

    kind = "download"
    passing = True


class GoneError(DownloadError):
    """A result that its address does not bring; `status` is 403, 404 or 410 where the
    file host said so.
    """

    passing = False
