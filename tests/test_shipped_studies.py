"""Every study file that ships is one that loads."""

from __future__ import annotations

from pathlib import Path

import pytest

from lrlc_nas.study import load_config


STUDIES = sorted((Path(__file__).parent.parent / "studies").glob("*.toml"))


@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.stem)
def test_it_loads_and_is_named_as_its_file(path: Path) -> None:
    assert load_config(path).name == path.stem


def test_the_embedded_study_is_the_default() -> None:
    (embedded,) = [path for path in STUDIES if path.stem == "embedded"]
    assert load_config(embedded) == load_config(None)
