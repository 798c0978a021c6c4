"""Models and results on disk."""

from engine.store.models import (
    ModelCard,
    StoredModel,
    check_free,
    check_name,
    clean_models,
    copy_as,
    find,
    names,
    open_folder,
    open_network,
    readable_models,
    ready_trigger,
    save,
    save_as,
    versions,
    write_table,
)

__all__ = [
    "ModelCard",
    "StoredModel",
    "check_free",
    "check_name",
    "clean_models",
    "copy_as",
    "find",
    "names",
    "open_folder",
    "open_network",
    "readable_models",
    "ready_trigger",
    "save",
    "save_as",
    "versions",
    "write_table",
]
