"""The paths of both routes."""

from typing import Any

import pytest

from tui.service.routes import status_paths, submit_path

BASE = "https://runapi.ai"


def test_submit_paths() -> None:
    assert submit_path("unified", "flux_2", "remix_image") == "/v1/remix_image"
    assert (
        submit_path("service", "flux_2", "remix_image") == "/api/v1/flux_2/remix_image"
    )


def paths(*args: Any, **options: Any) -> list[str]:
    return [place.path for place in status_paths(*args, **options)]


UNIFIED = [
    "/v1/text_to_image/t1",
    "/v1/tasks/t1",
    "/api/v1/tasks/t1",
    "/api/v1/z_image/text_to_image/t1",
]


def test_a_unified_task_may_be_asked_for_in_four_places() -> None:
    assert paths("unified", "z_image", "text_to_image", "t1") == UNIFIED


def test_a_service_task_is_asked_for_in_one() -> None:
    assert paths("service", "z_image", "text_to_image", "t1") == [UNIFIED[3]]
    assert paths("service", "z_image", "text_to_image", "t1", known="tasks") == [
        UNIFIED[3]
    ]


@pytest.mark.parametrize("route", ["unified", "service"])
def test_a_location_comes_first(route: str) -> None:
    asked = paths(
        route, "z_image", "text_to_image", "t1", location=f"{BASE}/l", known="tasks"
    )
    assert asked[0] == f"{BASE}/l"
    assert len(asked) > 1


@pytest.mark.parametrize(
    ("known", "first"), [("action", 0), ("tasks", 1), ("api-tasks", 2), ("service", 3)]
)
def test_the_place_that_has_answered_comes_first_and_the_others_stay(
    known: str, first: int
) -> None:
    asked = paths("unified", "z_image", "text_to_image", "t1", known=known)
    assert asked[0] == UNIFIED[first]
    assert sorted(asked) == sorted(UNIFIED)


@pytest.mark.parametrize(
    ("task_id", "there"),
    [("a/b", "a%2Fb"), ("a?b#c", "a%3Fb%23c"), ("a b%", "a%20b%25"), ("ü", "%C3%BC")],
)
def test_an_id_is_opaque(task_id: str, there: str) -> None:
    assert all(
        path.endswith(f"/{there}") for path in paths("unified", "s", "a", task_id)
    )
