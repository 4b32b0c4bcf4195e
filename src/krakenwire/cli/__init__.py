"""The command `krakenwire`. One command a file; this one only gathers them."""

from __future__ import annotations

import click

from krakenwire.cli.demo import demo
from krakenwire.cli.verify import verify


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="krakenwire", prog_name="krakenwire")
def main() -> None:
    """Kraken Spot WebSocket v2: frames in, proven events out."""


main.add_command(demo)
main.add_command(verify)
