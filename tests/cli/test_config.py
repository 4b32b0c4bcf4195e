"""The configuration: what comes before what, where each value came from, and everything that can be wrong with it."""

from __future__ import annotations

import io
import os
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from krakenwire.cli.configuration import PAIR, PROJECT, Origin
from krakenwire.cli.exits import Exit
from krakenwire.cli.keys import BY_NAME, KEYS
from krakenwire.cli.toml_file import LARGEST, line_of, read_bytes
from krakenwire.sim.background import Simulated
from tests.cli.call import Ended, call

SECRET = "c2VjcmV0IG9mIGEgdGVzdA=="  # noqa: S105 (of the test)
CANARY = "canary-5f3a"


@pytest.fixture
def user_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Where the user's file has to be."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    (tmp_path / "krakenwire").mkdir()
    return tmp_path / "krakenwire" / "config.toml"


def write(path: Path | str, text: str, mode: int = 0o600) -> Path:
    """A file with a mode."""
    made = Path(path)
    made.write_text(text, encoding="utf-8")
    made.chmod(mode)
    return made


def shown(capsys: pytest.CaptureFixture[str], *options: object) -> dict[str, Any]:
    """Every key as `config show --origin` tells it."""
    told: dict[str, Any] = call(capsys, "config", "show", "--origin", "-o", "json", *options).json
    return told


# -------------------------------------------------------------------- what comes before what


@pytest.mark.fault("M7")
def test_order_of_sources(
    user_file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Option, environment, project file, user file, default: each comes before what follows, and is named as the origin with its place."""
    name = "urls.public"

    def now(*options: object) -> tuple[object, ...]:
        told = shown(capsys, *options)[name]
        return told["value"], told["origin"], told["where"], told["line"]

    assert now() == ("wss://ws.kraken.com/v2", Origin.DEFAULT, None, None)
    write(user_file, '# mine\n[urls]\npublic = "wss://user.example/v2"\n')
    assert now() == ("wss://user.example/v2", Origin.USER, str(user_file), 3)
    write(PROJECT, 'urls.public = "wss://project.example/v2"\n')
    assert now() == ("wss://project.example/v2", Origin.PROJECT, PROJECT, 1)
    monkeypatch.setenv("KRAKEN_WS_PUBLIC_URL", "wss://variable.example/v2")
    assert now() == ("wss://variable.example/v2", Origin.ENVIRONMENT, "KRAKEN_WS_PUBLIC_URL", None)
    assert now("--url", "wss://option.example") == ("wss://option.example/v2", Origin.OPTION, "--url", None)


def test_output_is_configured(capsys: pytest.CaptureFixture[str]) -> None:
    """The form of the output comes from a file unless -o names one; errors follow it."""
    write(PROJECT, 'output = "json"\n')
    assert call(capsys, "config", "show").json["output"]["value"] == "json"
    assert call(capsys, "verfy").json["error"] == "usage"
    assert call(capsys, "config", "path", "-o", "table").out.startswith("/")


def test_depth_is_configured(capsys: pytest.CaptureFixture[str]) -> None:
    """A book has the configured depth, unless --depth names another; level3, which has other depths, has its own default."""
    write(PROJECT, "depth = 25\n")
    arguments = ("stream", "book", "SOL/USD", "--sim", "--count", "1", "-o", "table")
    assert "25 levels a side" in call(capsys, *arguments).out
    assert "10 levels a side" in call(capsys, *arguments, "--depth", "10").out
    level3 = ("stream", "level3", "SOL/USD", "--sim", "--count", "1", "-o", "table")
    assert "10 levels a side" in call(capsys, *level3).out


def test_relative_names_belong_to_their_file(user_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file that is named without its folder is looked for beside the file that names it."""
    write(user_file, 'cafile = "ca.pem"\n')
    assert shown(capsys)["cafile"]["value"] == str(user_file.parent / "ca.pem")


def test_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    """The table has one line a key; --origin adds where it came from, with the line of the file."""
    write(PROJECT, "\n\ndepth = 100\n")
    plain = call(capsys, "config", "show", "-o", "table").out.splitlines()
    assert [line.split()[0] for line in plain] == [key.name for key in KEYS]
    told = call(capsys, "config", "show", "--origin", "-o", "table").out
    assert "depth               100                          ./krakenwire.toml:3 (project file)" in told
    rows = call(capsys, "config", "show", "-o", "ndjson").out.splitlines()
    assert len(rows) == len(KEYS)


def test_path_names_the_files(user_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`config path` names both files, the stronger first, and says which one is there."""
    write(user_file, "depth = 10\n")
    told = call(capsys, "config", "path", "-o", "json").json["files"]
    assert [(each["origin"], each["exists"]) for each in told] == [
        (Origin.PROJECT, False),
        (Origin.USER, True),
    ]
    assert told[1]["file"] == str(user_file)
    assert "user file, read" in call(capsys, "config", "path", "-o", "table").out


# -------------------------------------------------------------------- what is wrong


@pytest.mark.fault("M7")
@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("depht = 25\n", ":1: there is no key depht", "did you mean depth?"),
        ("\n[url]\npublic = 1\n", ":2: there is no key url", "there are: output, depth"),
        ('[urls]\n\npubic = "wss://a"\n', ":3: there is no key urls.pubic", "did you mean urls.public?"),
        ('public = "wss://a/v2"\n', ":1: there is no key public", "did you mean urls.public?"),
        (
            'depth = "25"\n',
            ":1: depth: one of the numbers 10, 25, 100, 500, 1000 is expected, not a text",
            "levels",
        ),
        (
            "depth = true\n",
            ":1: depth: one of the numbers 10, 25, 100, 500, 1000 is expected, not true or false",
            "",
        ),
        ("# a\ndepth = 11\n", ":2: depth: one of the numbers 10, 25", ""),
        ('output = "xml"\n', ":1: output: one of auto, table, json, ndjson is expected", ""),
        ("cafile = 2026-11-24\n", ":1: cafile: a text is expected, not a time", ""),
        ("cafile = ['a']\n", ":1: cafile: a text is expected, not a list", ""),
        ('cafile = ""\n', ":1: cafile: a text is expected, not an empty one", ""),
        ("urls = 1\n", ":1: there is no key urls", ""),
        ("[output]\na = 1\n", ":1: output: one of auto, table, json, ndjson is expected, not a table", ""),
        ("depth = \n", ":1: this is no TOML", "looks like this"),
        ("a = 1\n[", ":2: this is no TOML", "looks like this"),
        ("depth = 10\ndepth = 25\n", ":2: this is no TOML", "looks like this"),
        ("x" * (LARGEST + 1), ": is longer than 10,000 bytes", ""),
    ],
)
def test_wrong_file(text: str, message: str, hint: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever is wrong with a file is refused with file, line and what was meant or expected, and ends with 2."""
    write(PROJECT, text)
    ended = call(capsys, "config", "show")
    first, second = ended.err.splitlines()
    assert ended.code == Exit.USAGE
    assert first.startswith(f"error: {PROJECT}{message}")
    assert hint in second
    assert call(capsys, "stream", "trade", "BTC/USD", "-o", "json").json["error"] == "config"


@pytest.mark.fault("M7")
def test_check_tells_everything(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """`config check` tells every problem of files and environment; other commands stop at the first and count the others."""
    assert call(capsys, "config", "check", "-o", "table").out == "all is well\n"
    write(PROJECT, "depht = 25\n\ninterval = 2\n")
    monkeypatch.setenv("KRAKEN_SPOT_URL", "ftp://a")
    ended = call(capsys, "config", "check", "-o", "json")
    assert ended.code == Exit.USAGE
    places = [(each["file"], each["line"]) for each in ended.json["problems"]]
    assert places == [("the environment", None), (PROJECT, 1), (PROJECT, 3)]
    assert "2 more: krakenwire config check" in call(capsys, "demo").err
    assert call(capsys, "config", "check", "-o", "table").out.endswith("3 problems\n")


@pytest.mark.fault("M3", "M7")
@pytest.mark.parametrize(
    "key", [key for key in KEYS if key.name.startswith("urls.")], ids=lambda key: key.name
)
def test_plain_text_to_others_is_refused(
    key: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """No source can name an unencrypted host that is not this machine: not a file, not the environment, not an option."""
    plain = "http://203.0.113.5" if key.name == "urls.rest" else "ws://203.0.113.5/v2"
    write(PROJECT, f'{key.name} = "{plain}"\n')
    ended = call(capsys, "doctor")
    assert (ended.code, ended.out) == (Exit.USAGE, "")
    assert f"{PROJECT}:1: {key.name}: " in ended.err
    assert "for this machine only" in ended.err
    Path(PROJECT).unlink()
    monkeypatch.setenv(key.variable, plain)
    assert f"{key.variable}: " in call(capsys, "doctor").err
    monkeypatch.delenv(key.variable)
    ended = call(capsys, "doctor", "--url", "ws://203.0.113.5")
    assert (ended.code, "--url: ws:// is for this machine only" in ended.err) == (Exit.USAGE, True)


def test_file_that_cannot_be_read(capsys: pytest.CaptureFixture[str]) -> None:
    """A file that is there and cannot be read is an error, not an absent one."""
    Path(PROJECT).mkdir()
    ended = call(capsys, "config", "show")
    assert (ended.code, f"{PROJECT}: cannot be read: Is a directory" in ended.err) == (Exit.USAGE, True)


def test_help_does_not_need_a_good_configuration(capsys: pytest.CaptureFixture[str]) -> None:
    """Who has to mend a file can still read how."""
    write(PROJECT, "depht = 25\n")
    assert call(capsys, "config", "--help").code == Exit.OK
    assert call(capsys, "help", "config").code == Exit.OK


NAMES = st.sampled_from(["output", "depth", "urls", "public", "credentials", "a-b", '"x y"'])
VALUES = st.sampled_from(['"t"', "1", "[1,\n 2]", '"""a\nb\n"""', "{a = 1}", "'#'"])
LINES = st.one_of(
    st.builds(lambda name, value: f"{name} = {value}", NAMES, VALUES),
    st.builds(lambda one, two, value: f"{one}.{two} = {value} # = 3", NAMES, NAMES, VALUES),
    st.builds("[{}]".format, NAMES),
    st.just(""),
    st.just("# depth = 3"),
)


@settings(suppress_health_check=[HealthCheck.filter_too_much])
@given(st.lists(LINES, max_size=6))
def test_line_of_a_key(lines: list[str]) -> None:
    """The line told for a key has its name on it, and all lines before it read without the key."""
    text = "\n".join(lines)
    try:
        told = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    for name in told:
        line = line_of(text, (name,))
        assert name not in tomllib.loads("\n".join(text.splitlines()[: line - 1]))
        assert name in text.splitlines()[line - 1]


@given(st.binary(max_size=200))
def test_any_bytes_are_values_or_problems(data: bytes) -> None:
    """Whatever a file holds is read or told; it never raises, and no problem repeats what the file holds as a value."""
    values, problems = read_bytes(data, "a file", BY_NAME)
    assert set(values) <= set(BY_NAME)
    assert all(problem.message and problem.hint for problem in problems)


# -------------------------------------------------------------------- the API key


@pytest.fixture
def exchange() -> Iterator[Simulated]:
    """An exchange with an account."""
    with Simulated(markets=["SOL/USD"]) as simulated:
        yield simulated


def follow(capsys: pytest.CaptureFixture[str], exchange: Simulated, *options: object) -> Ended:
    """Follow the balances of the account for a moment."""
    at = ("--url", exchange.urls.public)
    return call(capsys, "stream", "balances", *at, "--count", "1", "--duration", "10", "-o", "json", *options)


def credentials(exchange: Simulated) -> str:
    """The two lines of a credentials file."""
    key = exchange.key
    return f'secret = "{key.secret.reveal()}"\nkey = "{key.key}"\n'


@pytest.mark.fault("M2")
def test_credentials_file(exchange: Simulated, capsys: pytest.CaptureFixture[str]) -> None:
    """A file with mode 0600 gives the API key, named by the option or by a file; one that others can read does so only with the flag."""
    path = write("key.toml", credentials(exchange))
    assert follow(capsys, exchange, "--credentials-file", path).json["events"] == 1
    write(PROJECT, 'credentials.file = "key.toml"\n', 0o644)
    assert follow(capsys, exchange).code == Exit.OK
    for mode in (0o644, 0o640, 0o604, 0o620):
        path.chmod(mode)
        ended = follow(capsys, exchange)
        assert (ended.code, ended.json["error"]) == (Exit.USAGE, "config")
        assert ended.json["message"].endswith(f"others can read this API key (mode {mode:04o})")
        assert "chmod 600" in ended.json["hint"]
        assert "--allow-readable-credentials" in ended.json["hint"]
    assert follow(capsys, exchange, "--allow-readable-credentials").code == Exit.OK


@pytest.mark.fault("M2")
def test_secret_in_a_configuration_file(exchange: Simulated, capsys: pytest.CaptureFixture[str]) -> None:
    """An API key may stand in a configuration file only if nobody else can read that file."""
    table = f"[credentials]\n{credentials(exchange)}"
    write(PROJECT, table)
    assert follow(capsys, exchange).code == Exit.OK
    write(PROJECT, table, 0o644)
    ended = follow(capsys, exchange)
    assert ended.code == Exit.USAGE
    assert ended.json["message"].startswith(
        f"{PROJECT}:3: credentials.key stands in a file that others can read"
    )
    assert follow(capsys, exchange, "--allow-readable-credentials").code == Exit.OK


@pytest.mark.fault("M2")
def test_credentials_from_standard_input(
    exchange: Simulated, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`--credentials-file -` reads the API key from standard input, but never from a terminal, where it would be seen."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(credentials(exchange).encode())))
    assert follow(capsys, exchange, "--credentials-file", "-").code == Exit.OK

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stdin", Terminal())
    assert "typed on a terminal" in follow(capsys, exchange, "--credentials-file", "-").json["message"]


@pytest.mark.fault("M2", "M7")
@pytest.mark.parametrize(
    ("text", "message", "code"),
    [
        (f'key = "{CANARY}"\n', "key.toml: set both key and secret, or neither", Exit.AUTH),
        (f'key = "k"\nsecret = "{CANARY}"\n', "key.toml: secret must be the Base64 text", Exit.AUTH),
        (f'key = "k"\nsecrte = "{CANARY}"\n', "key.toml:2: there is no key secrte", Exit.USAGE),
        (
            f'key = "k"\nsecret = ["{CANARY}"]\n',
            "key.toml:2: secret: a text is expected, not a list",
            Exit.USAGE,
        ),
        (f"KEY={CANARY}\n", "key.toml:1: this is no TOML", Exit.USAGE),
    ],
)
def test_wrong_credentials_file(
    text: str, message: str, code: Exit, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is wrong with a credentials file is told with its place, and nothing of what it holds."""
    write("key.toml", text)
    ended = call(capsys, "stream", "balances", "--credentials-file", "key.toml", "-o", "json")
    assert (ended.code, ended.json["message"].startswith(message)) == (code, True)
    assert CANARY not in ended.out + ended.err


@pytest.mark.fault("M7")
def test_halves_of_two_sources_make_no_pair(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The environment comes before a file with both parts of the key or not at all; a source that names two keys is refused."""
    write(PROJECT, f'[credentials]\nkey = "k"\nsecret = "{SECRET}"\n')
    monkeypatch.setenv("KRAKEN_API_KEY", "other")
    ended = call(capsys, "stream", "balances", "-o", "json")
    assert ended.code == Exit.AUTH
    assert "KRAKEN_API_KEY (environment): set both" in ended.json["message"]
    monkeypatch.delenv("KRAKEN_API_KEY")
    write(PROJECT, f'[credentials]\nfile = "a"\nkey = "k"\nsecret = "{SECRET}"\n')
    assert "name two API keys" in call(capsys, "config", "check", "-o", "json").json["message"]


@pytest.mark.fault("M2")
@pytest.mark.parametrize("form", ["table", "json", "ndjson"])
def test_secrets_are_not_shown(
    form: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of a secret only is told that it is set, and where."""
    monkeypatch.setenv("KRAKEN_API_KEY", CANARY)
    write(PROJECT, f'credentials.secret = "{CANARY}"\n')
    ended = call(capsys, "config", "show", "--origin", "-o", form)
    assert ended.code == Exit.OK
    assert CANARY not in ended.out
    assert "KRAKEN_API_KEY" in ended.out
    told = shown(capsys)
    assert [told[name]["set"] for name in PAIR] == [True, True]
    assert told["credentials.secret"]["where"] == PROJECT


def test_public_data_needs_no_good_key(
    exchange: Simulated, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Half an API key does not keep anybody from market data."""
    monkeypatch.setenv("KRAKEN_API_KEY", "half")
    at = ("--url", exchange.urls.public)
    assert call(capsys, "stream", "trade", "SOL/USD", *at, "--count", "1").code == Exit.OK


@pytest.mark.leaves_secrets("a file with a key is what the test is about")
@pytest.mark.fault("M2")
def test_a_folder_does_not_send_a_key_away(
    user_file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A project file names no foreign host for a key that it did not bring; this machine, Kraken and a key named by hand are free."""
    key = f'[credentials]\nkey = "k"\nsecret = "{SECRET}"\n'
    write(user_file, key)

    def wrong(urls: str, *options: object) -> str:
        write(PROJECT, urls)
        ended = call(capsys, "config", "check", "-o", "json", *options)
        assert ended.code == (Exit.USAGE if "message" in ended.json else Exit.OK)
        return str(ended.json.get("message", ""))

    foreign = 'urls.public = "wss://a.example"\nurls.rest = "https://a.example"\n'
    assert wrong(foreign) == f"{PROJECT}:2: urls.rest would get the API key of {user_file}:2 (user file)"
    assert wrong('urls.rest = "http://127.0.0.1:1"\n') == ""
    assert wrong('urls.rest = "https://api.kraken.com"\n') == ""
    assert wrong('urls.public = "wss://a.example"\n') == ""
    assert wrong(foreign + key) == ""
    write("key.toml", key.partition("\n")[2])
    assert wrong(foreign + 'credentials.file = "key.toml"\n') == ""
    assert "would get the API key" in wrong(foreign + f'credentials.file = "{user_file}"\n')
    assert wrong(foreign, "--credentials-file", "key.toml") == ""
    monkeypatch.setenv("KRAKEN_API_KEY", "k")
    monkeypatch.setenv("KRAKEN_API_SECRET", SECRET)
    assert "urls.rest would get the API key of KRAKEN_API_KEY" in wrong(foreign)


@pytest.mark.skipif(os.name != "posix", reason="files have no owner here")
def test_project_file_of_somebody_else(capsys: pytest.CaptureFixture[str]) -> None:
    """A project file that another user can change decides nothing."""
    path = write(PROJECT, "depth = 25\n", 0o666)
    assert f"{PROJECT}: another user can change this file" in call(capsys, "demo").err
    path.chmod(0o644)
    assert call(capsys, "config", "show").code == Exit.OK
    if os.geteuid() == 0:
        os.chown(path, 4242, 4242)
        assert "another user can change this file" in call(capsys, "config", "show").err
