"""The log of facts against an oracle that keeps every snapshot whole."""

from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings

from tests.warehouse.oracle import Source, Universe, worlds
from tests.warehouse.worlds import day

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


@settings(max_examples=4)
@given(worlds(TOGETHER))
def test_an_announcement_is_taken_back_where_whole_snapshots_say_so(sources: list[Source]) -> None:
    well_read = [source._replace(flaw="none") for source in sources]
    with TemporaryDirectory() as folder:
        Universe(Path(folder), well_read, known_from=day(-2)).check_revocations()
