"""The log of facts against an oracle that keeps every snapshot whole."""

from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings

from tests.warehouse.oracle import Source, Universe, worlds

TOGETHER = 20


@settings(max_examples=200 // TOGETHER)
@given(worlds(TOGETHER))
def test_every_as_of_question_is_answered_as_by_whole_snapshots(sources: list[Source]) -> None:
    with TemporaryDirectory() as folder:
        Universe(Path(folder), sources).check()


@settings(max_examples=2)
@given(worlds(8))
def test_neither_a_rebuild_nor_the_order_of_arrival_changes_a_fact(sources: list[Source]) -> None:
    with TemporaryDirectory() as folder, TemporaryDirectory() as other:
        universe = Universe(Path(folder), sources)
        universe.check()
        universe.check_digests(Path(other))
