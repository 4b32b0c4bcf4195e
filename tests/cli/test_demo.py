"""`krakenwire demo` runs offline and shows verified books."""

from click.testing import CliRunner

from krakenwire.cli import main


def test_demo_shows_verified_books() -> None:
    """Every book of the sample is verified to the end, and the statistics follow."""
    result = CliRunner().invoke(main, ["demo", "--speed", "0"])
    assert result.exit_code == 0
    assert result.output.count("verified, checksum") == 3 * 10
    assert "error_count      0" in result.output


def test_every_command_has_help_with_an_example() -> None:
    """Each command explains itself and shows an example."""
    for name in main.commands:
        result = CliRunner().invoke(main, [name, "--help"])
        assert result.exit_code == 0
        assert f"Example: krakenwire {name}" in result.output
