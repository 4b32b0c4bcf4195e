"""The pictures in the documents are what the dashboard looks like."""

from __future__ import annotations

from tools.pictures import FOLDER, pictures


def test_pictures_are_up_to_date() -> None:
    """`make pictures` would write the files that are there, and they name nothing from elsewhere."""
    for name, text in pictures().items():
        assert (FOLDER / name).read_text(encoding="utf-8") == text, f"{name}: make pictures"
        assert "http" not in text.replace("http://www.w3.org/2000/svg", "")
        assert "SIM" in text
