"""`python -m krakenwire`: the command line."""

from krakenwire.cli import main

if __name__ == "__main__":
    main()
