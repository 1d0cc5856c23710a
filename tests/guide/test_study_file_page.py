"""The page on the study file is that of the models: every key, no other, and as it was generated."""

from __future__ import annotations

import study_file_page

from lrlc_nas.choices import FORMS

COMING: set[str] = set()
"""What another branch brings; empty when it is merged."""


def test_every_key_is_explained_and_no_other() -> None:
    keys = {key for key, _ in study_file_page.explained_keys()}
    assert keys - COMING == set(study_file_page.MEANINGS) - COMING


def test_the_page_is_up_to_date() -> None:
    """If it is not: `python tests/guide/study_file_page.py`."""
    assert study_file_page.PAGE.read_text() == study_file_page.page()


def test_every_form_of_a_token_is_explained() -> None:
    page = study_file_page.page()
    assert all(f"`{form}`" in page for form in FORMS)
