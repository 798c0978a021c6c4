"""Which version of the program this is."""

from __future__ import annotations

PACKAGE = "backdoor-pruning-lab"


def program_version() -> str:
    """The version of the installed package, or of the checkout if none is installed."""
    from importlib import metadata

    try:
        return metadata.version(PACKAGE)
    except metadata.PackageNotFoundError:
        import tomllib

        from engine.core.paths import PROJECT

        project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
        return str(project["project"]["version"])
