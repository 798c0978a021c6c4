"""Models and results on disk."""

from engine.store.backdoor import Backdoor
from engine.store.models import (
    ModelCard,
    StoredModel,
    card_file,
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
    "Backdoor",
    "ModelCard",
    "StoredModel",
    "card_file",
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
