"""Every secret of every test is a canary: whatever a test leaves behind is searched for those that were in use while it ran.

Searched are its captured log (from the level debug on), stdout and stderr, the report of a failure, and the files below its `tmp_path`,
each for every form in which a secret can be read. A test whose files are meant to hold one, as a configuration is, says so with the marker
`leaves_secrets`. A find fails the whole run, and names the test and the place, not the secret. The
hooks are pytest's; `tests/conftest.py` imports them.
"""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from krakenwire.logs.redaction import forms
from krakenwire.wire.secret import Secret

FILE_LIMIT = 4_000_000
"""Bytes of a file that are searched."""


class Canaries:
    """The secrets in use, and where they were found."""

    def __init__(self) -> None:
        self.kept: set[str] = set()
        """Those of modules, which are there for every test."""
        self.running: set[str] | None = None
        """Those that were made during the test that runs."""
        self.found: list[str] = []

    def note(self, text: str) -> None:
        """A secret was made."""
        (self.kept if self.running is None else self.running).add(str(text))

    def search(self, text: str, where: str) -> None:
        """Look into something that was left behind."""
        secrets = self.kept | (self.running or set())
        if text and any(form in text for secret in secrets for form in forms(secret)):
            self.found.append(where)


CANARIES = Canaries()
_make = Secret.__init__


def _made(self: Secret, text: str) -> None:
    _make(self, text)
    CANARIES.note(text)


def pytest_configure() -> None:
    """Take note of every secret from now on."""
    Secret.__init__ = _made  # type: ignore[method-assign]


def pytest_unconfigure() -> None:
    """No more."""
    Secret.__init__ = _make  # type: ignore[method-assign]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol() -> Generator[None, Any, Any]:
    """Secrets that are made from here on belong to one test."""
    CANARIES.running = set()
    try:
        return (yield)
    finally:
        CANARIES.running = None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, Any, Any]:
    """The files that a test leaves behind."""
    folder = getattr(item, "funcargs", {}).get("tmp_path")
    if item.get_closest_marker("leaves_secrets"):
        folder = None
    result = yield
    for file in folder.rglob("*") if isinstance(folder, Path) else ():
        if file.is_file() and not file.is_symlink():
            with file.open("rb") as opened:
                text = opened.read(FILE_LIMIT).decode("latin-1")
            CANARIES.search(text, f"{item.nodeid}: {file.name}")
    return result


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """What was captured, and how a failure is shown."""
    for title, text in report.sections:
        CANARIES.search(text, f"{report.nodeid}: {title}")
    if report.longrepr is not None:
        CANARIES.search(str(report.longrepr), f"{report.nodeid}: the report of its failure")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A find fails the run; a process that shares the work with others tells it to the one that shares out."""
    told = getattr(session.config, "workeroutput", None)
    if told is not None:
        told["canaries"] = CANARIES.found
    if CANARIES.found:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """What one of several processes has found."""
    CANARIES.found += getattr(node, "workeroutput", {}).get("canaries", [])


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Where secrets were found."""
    if CANARIES.found:
        terminalreporter.section("secrets were left behind", red=True)
        for where in dict.fromkeys(CANARIES.found):
            terminalreporter.line(where)
