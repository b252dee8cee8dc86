"""What several files of this folder begin with; a fixture of a file's own comes before these."""

import pytest

from tests.app.fakes import FakeReader, FakeTime


@pytest.fixture
def reader() -> FakeReader:
    return FakeReader()


@pytest.fixture
def time() -> FakeTime:
    return FakeTime()
