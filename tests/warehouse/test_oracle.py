"""The log of facts against an oracle that keeps every snapshot whole."""

from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.warehouse.oracle import SOURCES, Source, Universe

TOGETHER = 20


@settings(max_examples=10, deadline=None)
@given(st.lists(SOURCES, min_size=TOGETHER, max_size=TOGETHER))
def test_every_as_of_question_is_answered_as_by_whole_snapshots(sources: list[Source]) -> None:
    with TemporaryDirectory() as folder:
        universe = Universe(Path(folder), sources)
        universe.check()
