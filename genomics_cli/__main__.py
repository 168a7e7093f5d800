"""`python -m genomics_cli`."""

from genomics_cli.main import cli

if __name__ == "__main__":
    cli()
