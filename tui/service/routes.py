"""The paths of both routes: where a task is created, and where its status is.

`unified` is `/v1/<action>` as the agent guides show it, `service` is
`/api/v1/<service>/<action>` as the vendor's SDKs use it.
"""

from urllib.parse import quote

from msgspec import Struct

from tui.catalog.spec import RouteName


class StatusPath(Struct, frozen=True):
    """A path or URL that may answer for a task's status."""

    form: str
    """The path's shape, to remember which one answered."""
    path: str


def submit_path(route: RouteName, service: str, action: str) -> str:
    """Returns the path that creates a task."""
    if route == "unified":
        return f"/v1/{_segment(action)}"
    return f"/api/v1/{_segment(service)}/{_segment(action)}"


def status_paths(
    route: RouteName,
    service: str,
    action: str,
    task_id: str,
    location: str = "",
    known: str = "",
) -> list[StatusPath]:
    """Returns the places to ask for a task's status, the most likely one first.

    There are several because the guides never name the unified route's place. `known`
    is the form that has answered before at this base URL.
    """
    name = _segment(task_id)
    action = _segment(action)
    paths = []
    if location:
        paths.append(StatusPath("location", location))
    of_service = StatusPath("service", f"/api/v1/{_segment(service)}/{action}/{name}")
    if route == "service":
        return [*paths, of_service]
    forms = [
        StatusPath("action", f"/v1/{action}/{name}"),
        StatusPath("tasks", f"/v1/tasks/{name}"),
        StatusPath("api-tasks", f"/api/v1/tasks/{name}"),
        of_service,
    ]
    forms.sort(key=lambda place: place.form != known)
    return paths + forms


def _segment(name: str) -> str:
    """Returns a name as one segment of a path: none leads to another place."""
    if name in (".", ".."):
        return name.replace(".", "%2E")
    return quote(name, safe="")
