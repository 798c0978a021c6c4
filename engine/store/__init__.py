"""Models and results on disk."""

from engine.store.models import (
    Card,
    Stored,
    check_free,
    check_name,
    clean_models,
    copy_as,
    find,
    names,
    open_network,
    opened,
    readable,
    ready_trigger,
    save,
    save_as,
    versions,
    write_table,
)

__all__ = [
    "Card",
    "Stored",
    "check_free",
    "check_name",
    "clean_models",
    "copy_as",
    "find",
    "names",
    "open_network",
    "opened",
    "readable",
    "ready_trigger",
    "save",
    "save_as",
    "versions",
    "write_table",
]
