"""The picture is the largest pane, and what the user arranges stays within the screen."""

import random

import pytest
from textual.geometry import Region, Size

from tui.widgets.arrangement import Arrangement, Layout, Pane, arrange

BARS = 2
"""Rows of status line and footer."""


def screen(columns: int, rows: int, chosen: Arrangement) -> dict[Pane, Region]:
    return arrange(Size(columns, rows - BARS), chosen)


def inside(region: Region) -> int:
    """Returns the cells within a frame."""
    return (region.width - 2) * (region.height - 2)


@pytest.mark.parametrize(
    ("columns", "rows", "least"),
    [(120, 36, 0.35), (170, 48, 0.45), (200, 55, 0.45), (80, 24, 0.20), (80, 60, 0.35)],
)
def test_the_picture_has_its_share(columns: int, rows: int, least: float) -> None:
    panes = screen(columns, rows, Arrangement())
    assert inside(panes[Pane.PICTURE]) >= least * columns * rows
    assert panes[Pane.FORM].width >= 44
    assert panes[Pane.FORM].height >= 13
    assert panes[Pane.QUEUE].height >= 7


def test_models_have_a_pane_where_there_is_room() -> None:
    assert Pane.MODELS not in screen(80, 24, Arrangement())
    assert screen(170, 48, Arrangement())[Pane.MODELS].width == 28


@pytest.mark.parametrize(("columns", "rows"), [(60, 18), (40, 30), (100, 7)])
def test_a_small_screen_keeps_the_form(columns: int, rows: int) -> None:
    panes = screen(columns, rows, Arrangement())
    assert list(panes) == [Pane.FORM]
    assert panes[Pane.FORM].height >= rows - BARS - 1


def test_the_picture_layout_leaves_one_line_of_the_queue() -> None:
    panes = screen(120, 36, Arrangement(Layout.PICTURE))
    assert set(panes) == {Pane.PICTURE, Pane.QUEUE}
    assert panes[Pane.QUEUE].height == 3
    assert panes[Pane.PICTURE].width == 120


@pytest.mark.parametrize(("columns", "rows"), [(80, 24), (120, 36), (200, 55)])
def test_the_other_layouts_are_what_they_are_called(columns: int, rows: int) -> None:
    balanced = screen(columns, rows, Arrangement())
    write = screen(columns, rows, Arrangement(Layout.WRITE))
    watch = screen(columns, rows, Arrangement(Layout.WATCH))
    assert write[Pane.FORM].area > balanced[Pane.FORM].area
    assert watch[Pane.QUEUE].height == watch[Pane.PICTURE].height == rows - BARS
    assert Pane.FORM not in watch


@pytest.mark.parametrize(("columns", "rows"), [(80, 24), (120, 36), (170, 48)])
@pytest.mark.parametrize("pane", [Pane.MODELS, Pane.QUEUE, Pane.PICTURE])
def test_a_hidden_pane_gives_its_room_to_others(
    columns: int, rows: int, pane: Pane
) -> None:
    chosen = Arrangement().with_toggled(pane)
    panes = screen(columns, rows, chosen)
    assert pane not in panes
    assert sum(region.area for region in panes.values()) == columns * (rows - BARS)
    assert chosen.with_toggled(pane) == Arrangement()


def test_a_zoomed_pane_has_all_the_room() -> None:
    panes = screen(120, 36, Arrangement(zoomed=Pane.QUEUE))
    assert panes == {Pane.QUEUE: Region(0, 0, 120, 34)}


def test_the_last_layout_leads_to_the_first_and_changes_nothing_else() -> None:
    first = chosen = Arrangement(wider=8, hidden=frozenset({Pane.MODELS}))
    seen = []
    for _ in Layout:
        seen.append(chosen.layout)
        chosen = chosen.with_next_layout()
    assert set(seen) == set(Layout)
    assert chosen == first


def test_a_pane_is_revealed_with_as_few_changes_as_possible() -> None:
    hidden = Arrangement(wider=8, hidden=frozenset({Pane.MODELS, Pane.QUEUE}))
    assert hidden.revealing(Pane.QUEUE) == Arrangement(
        wider=8, hidden=frozenset({Pane.MODELS})
    )
    size = Size(120, 34)
    for layout in Layout:
        for pane in Pane:
            chosen = Arrangement(layout, frozenset(Pane) - {Pane.FORM})
            assert pane in arrange(size, chosen.revealing(pane))
            zoomed = Arrangement(layout, zoomed=Pane.PICTURE)
            assert pane in arrange(size, zoomed.revealing(pane))


def test_panes_fill_the_screen_and_never_overlap() -> None:
    dice = random.Random(15)
    for _ in range(3_000):
        size = Size(dice.randint(1, 260), dice.randint(1, 90))
        chosen = Arrangement(
            dice.choice(list(Layout)),
            frozenset(pane for pane in Pane if dice.random() < 0.2) - {Pane.FORM},
            wider=dice.randint(-300, 300),
            higher=dice.randint(-100, 100),
        )
        regions = list(arrange(size, chosen).values())
        for index, region in enumerate(regions):
            assert size.region.contains_region(region), (size, chosen, region)
            assert not any(region.overlaps(other) for other in regions[:index])
