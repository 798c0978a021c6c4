"""Checks of a whole network in one HDF5 file, as Keras 2 wrote them and Keras 3 still can."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from engine.core.errors import UserError
from engine.networks.untrusted import weights
from engine.networks.untrusted.config_checks import check_config

MAX_CONFIG = 2 << 20  # bytes of the network's description
_CONFIG, _VERSION, _WEIGHTS = "model_config", "keras_version", "model_weights"


def check(path: Path) -> tuple[dict[str, Any], str]:
    """Check an .h5 file, description and weights.

    Returns:
        The network's description, and the version of the Keras that wrote it.

    Raises:
        UserError: it holds weights without a network, is damaged, points elsewhere, is too large,
            or uses parts that are not allowed.
    """
    import h5py

    weights.check(path)
    try:
        with h5py.File(path, "r") as file:
            config, version = _text(file, _CONFIG), _text(file, _VERSION) or ""
            if config is not None:
                described = json.loads(config)
            complete = _WEIGHTS in file
    except UserError:
        raise
    except RecursionError:
        raise UserError("is nested too deeply: it is not loaded.") from None
    except Exception:  # HDF5 reports damage in many ways
        raise UserError("is not a whole .h5 file: copy it again.") from None
    if config is None or not complete:
        raise UserError(
            "holds weights without a network (`save_weights`): save the whole network with"
            " model.save('network.keras')."
        )
    return check_config(described), version


def _text(file: Any, name: str) -> str | None:
    """An attribute of an HDF5 file as text; None if it has none of that name."""
    if name not in file.attrs:
        return None
    attribute = file.attrs.get_id(name)
    if attribute.shape != () or attribute.dtype.kind not in "OS":
        raise UserError(f"has something else than a text as its {name}: it is not loaded.")
    if attribute.get_storage_size() > MAX_CONFIG:
        raise UserError(f"has an overlong {name}: it is not loaded.")
    found = file.attrs[name]
    text = found.decode("utf-8") if isinstance(found, bytes) else str(found)
    if len(text) > MAX_CONFIG:
        raise UserError(f"has an overlong {name}: it is not loaded.")
    return text
