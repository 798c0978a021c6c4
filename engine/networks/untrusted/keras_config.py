"""A checked description, of Keras 2 or 3, as Keras 3 builds a network from it.

What inference does not need is left out: initializers, regularizers, constraints, precisions
(everything computes in float32), and how layers were built.
"""

from __future__ import annotations

from typing import Any

from engine.core.errors import UserError, quoted
from engine.networks.standard_form import INERT
from engine.networks.untrusted import operations
from engine.networks.untrusted.config_checks import NETWORKS

Config = dict[str, Any]

_LEFT_OUT = ("_initializer", "_regularizer", "_constraint")  # ends of settings' names
# Settings that Keras 3 does not have, or that are not needed.
_MOOT = """dtype batch_input_shape input_shape sparse ragged optional rng_type force_generator fused
renorm renorm_clipping renorm_momentum virtual_batch_size adjustment implementation"""
_DROPPED = frozenset(_MOOT.split())
_SEPARATE = ("DepthwiseConv2D", "SeparableConv2D")  # have "groups" in Keras 2 alone
_UNBUILT = (
    "has no fixed image size: begin it with keras.Input((32, 32, 3)), or the size it takes, and"
    " save it again."
)


def buildable(config: Config, version: str) -> Config:
    """The description of a network that takes one image and gives one output.

    Args:
        config: a description that `config_checks.check_config` passed.
        version: of the Keras that wrote it; empty if not known.

    Raises:
        UserError: it has several inputs or outputs, takes images of any size, or no images; or
            uses an activation that Keras 2 computes otherwise.
    """
    if not version.startswith("3") and _uses(config, "hard_sigmoid"):
        raise UserError("uses the hard_sigmoid of Keras 2, which Keras 3 lacks: export it to ONNX.")
    try:
        network = _network(_plain(config))
        _check_ends(network)
    except (KeyError, TypeError, IndexError, AttributeError, ValueError):
        raise UserError("does not describe a network of layers.") from None
    return network


def _uses(part: Any, activation: str) -> bool:
    if isinstance(part, dict):
        return any(_uses(value, activation) for value in part.values())
    if isinstance(part, list):
        return any(_uses(value, activation) for value in part)
    return bool(part == activation)


def _plain(part: Any) -> Any:
    """`part` with tuples and shapes as lists, as JSON of Keras 3 has them."""
    if isinstance(part, dict):
        if part.get("class_name") in ("__tuple__", "TensorShape"):
            return _plain(part["items"])
        return {key: _plain(value) for key, value in part.items()}
    if isinstance(part, list):
        return [_plain(value) for value in part]
    return part


def _network(part: Config) -> Config:
    settings = part["config"]
    if isinstance(settings, list):  # Sequential before Keras 2.2.3
        settings = {"name": "sequential", "layers": settings}
    built: Config = {"name": _tidy(settings.get("name", "network"))}
    built["layers"] = [_layer(layer) for layer in settings["layers"]]
    if part["class_name"] == "Sequential":
        if not built["layers"]:
            raise UserError("has no layers: it is not loaded.")
        shape = _first_shape(part, settings)
        if shape and built["layers"][0]["class_name"] != "InputLayer":
            first = {"batch_shape": shape, "name": "input_image"}
            built["layers"].insert(0, _described("InputLayer", first))
        return _described("Sequential", built, "keras")
    for key in ("input_layers", "output_layers"):
        ends = _tidy(settings[key])
        # Keras 2 lists a single one, too; Keras 3 would hand on a list of one tensor.
        built[key] = ends[0] if len(ends) == 1 and isinstance(ends, list) else ends
    if any(isinstance(node, list) for layer in built["layers"] for node in layer["inbound_nodes"]):
        _renumber_calls(built)
    return _described("Functional", built, "keras.src.models.functional")


def _renumber_calls(built: Config) -> None:
    """Count calls of networks inside a network of Keras 2 as Keras 3 does, in place.

    Keras 2 counts from 1, since the network's own inputs were a call, too. Keras 3 counts from 0
    but where it names a Functional network as an output.
    """
    inside = {
        layer["config"]["name"]: int(layer["class_name"] == "Functional")
        for layer in built["layers"]
        if layer["class_name"] in NETWORKS
    }
    nodes = [node for layer in built["layers"] for node in layer["inbound_nodes"]]
    sources = [source for node in nodes for source in node if source[0] in inside]
    ends = [built["output_layers"]]
    ends = [end for end in ends if isinstance(end[0], str) and end[0] in inside]
    for name, as_output in inside.items():
        calls = [call for call in (*sources, *ends) if call[0] == name]
        first = min((call[1] for call in calls), default=0)
        for call in calls:
            call[1] -= first
        for end in ends:
            end[1] += as_output if end[0] == name else 0


def _layer(part: Config) -> Config:
    """One layer, or a network as a layer."""
    if operations.is_arithmetic(part):
        part = operations.as_layer(part)
    kind = part["class_name"]
    if kind in NETWORKS:
        built = _network(part)
    else:
        built = _described(kind, _settings(kind, part["config"]))
    if "inbound_nodes" in part:
        _check_calls(part)
        built["inbound_nodes"] = _tidy(part["inbound_nodes"])
        built["name"] = built["config"]["name"]
    return built


def _described(kind: str, settings: Config, module: str = "keras.layers") -> Config:
    return {"module": module, "class_name": kind, "config": settings, "registered_name": None}


def _settings(kind: str, settings: Config) -> Config:
    """Settings of one layer, as Keras 3 calls them."""
    kept = {
        key: value
        for key, value in settings.items()
        if key not in _DROPPED and not key.endswith(_LEFT_OUT)
    }
    if not kept.get("name"):
        raise UserError("has a layer without a name: it is not loaded.")
    kept["name"] = _tidy(kept["name"])
    if kind == "InputLayer":
        shape = settings.get("batch_shape") or settings.get("batch_input_shape")
        return {"batch_shape": shape, "name": kept["name"]}
    kept.pop("batch_shape", None)
    if kind in _SEPARATE:
        kept.pop("groups", None)
    if kind == "SpatialDropout2D":
        kept = {key: kept[key] for key in ("name", "rate")}
    if kind == "LeakyReLU" and "alpha" in kept:
        kept["negative_slope"] = kept.pop("alpha")
    if kind == "BatchNormalization" and isinstance(kept.get("axis"), list):
        (kept["axis"],) = kept["axis"]
    return kept


def _tidy(names: Any) -> Any:
    """Names of layers without slashes, which Keras 3 does not allow; also inside lists."""
    if isinstance(names, str):
        return names.replace("/", "_")
    if isinstance(names, list):
        return [_tidy(name) for name in names]
    if isinstance(names, dict):
        return {key: _tidy(value) for key, value in names.items()}
    return names


def _first_shape(part: Config, settings: Config) -> list[int | None] | None:
    """The shape that a Sequential network takes, where its description holds it."""
    first = settings["layers"][0]
    inside = first["config"]
    found = (
        settings.get("build_input_shape")
        or part.get("build_config", {}).get("input_shape")
        or (inside.get("batch_input_shape") if isinstance(inside, dict) else None)
        or first.get("build_config", {}).get("input_shape")
    )
    if not found and first["class_name"] in NETWORKS and isinstance(inside, dict):
        nested = inside["layers"][0]
        if nested["class_name"] == "InputLayer":
            return nested["config"].get("batch_shape") or nested["config"]["batch_input_shape"]
        return _first_shape(first, inside)
    return found


def _check_calls(layer: Config) -> None:
    """Refuse a layer that is called as in training, since its outputs are then random."""
    if layer["class_name"] in INERT:  # Keras records its own default
        return
    for node in layer["inbound_nodes"]:
        calls = (
            [node.get("kwargs", {})]
            if isinstance(node, dict)
            else [source[3] for source in node if isinstance(source, list) and len(source) > 3]
        )
        if any(call.get("training") is True for call in calls):
            raise UserError(
                f"calls the layer {quoted(layer['config']['name'])} with training=True: leave that"
                " out and save it again."
            )


def _check_ends(network: Config) -> None:
    """Refuse several inputs or outputs, and whatever does not take images of one size."""
    settings = network["config"]
    if network["class_name"] == "Sequential":
        inputs = [settings["layers"][0]["config"]["name"]]
        if settings["layers"][0]["class_name"] != "InputLayer":
            raise UserError(_UNBUILT)
    else:
        inputs = _names(settings["input_layers"])
        outputs = _names(settings["output_layers"])
        if len(inputs) != 1:
            raise UserError(
                f"has {len(inputs)} inputs ({_listed(inputs)}): only networks that take one image"
                " can be used."
            )
        if len(outputs) != 1:
            raise UserError(
                f"has {len(outputs)} outputs ({_listed(outputs)}): keep the one with the class"
                " scores, and save it again."
            )
    first = next(each["config"] for each in settings["layers"] if each["config"]["name"] in inputs)
    _, *shape = first["batch_shape"]
    if len(shape) != 3:
        raise UserError(f"takes {quoted(shape)}, not images: only image classifiers can be used.")
    if None in shape:
        raise UserError(_UNBUILT)


def _names(ends: Any) -> list[str]:
    """Names of the layers in `input_layers` or `output_layers`."""
    if isinstance(ends, dict):
        return [name for end in ends.values() for name in _names(end)]
    if ends and isinstance(ends[0], str):
        return [ends[0]]
    return [name for end in ends for name in _names(end)]


def _listed(names: list[str]) -> str:
    return ", ".join(names[:4]) + (", ..." if len(names) > 4 else "")
