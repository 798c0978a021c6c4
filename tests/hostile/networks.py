"""Network files that must be refused, each made from a genuine one by a few lines."""

from __future__ import annotations

import io
import json
import os
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from tests.fixtures import network_files, onnx_networks

GENUINE = Path(__file__).parents[2] / "models" / "signs-clean" / "model.keras"
MEMBERS = ("metadata.json", "config.json", "model.weights.h5")

Members = dict[str, bytes]
Config = dict[str, Any]
Maker = Callable[[Path], None]

NETWORKS: dict[str, Maker] = {}


def genuine() -> Members:
    with zipfile.ZipFile(GENUINE) as archive:
        return {name: archive.read(name) for name in MEMBERS}


def packed(path: Path, members: Members, method: int = zipfile.ZIP_STORED) -> None:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def hostile(make: Maker) -> Maker:
    """Register a function that writes a hostile file; its name says what is wrong with it."""
    NETWORKS[make.__name__.replace("_", "-")] = make
    return make


def content(name: str, data: bytes) -> None:
    NETWORKS[name] = lambda path: path.write_bytes(data) and None


def members(name: str, change: Callable[[Members], Members], method: int = 0) -> None:
    NETWORKS[name] = lambda path: packed(path, change(genuine()), method)


def config(name: str, change: Callable[[Config], object]) -> None:
    """A genuine archive whose description is changed in place."""

    def make(path: Path) -> None:
        found = genuine()
        described = json.loads(found["config.json"])
        change(described)
        packed(path, found | {"config.json": json.dumps(described).encode()})

    NETWORKS[name] = make


def raw_config(name: str, text: bytes) -> None:
    members(name, lambda found: found | {"config.json": text})


def weights(name: str, declare: Callable[[h5py.File], object]) -> None:
    """A genuine archive with other weights, as `declare` writes them into an empty file."""

    def make(path: Path) -> None:
        buffer = io.BytesIO()
        with h5py.File(buffer, "w") as file:
            declare(file)
        packed(path, genuine() | {"model.weights.h5": buffer.getvalue()})

    NETWORKS[name] = make


def changed_weights(name: str, change: Callable[[h5py.File], object]) -> None:
    """A genuine archive whose weights are changed in place."""

    def make(path: Path) -> None:
        buffer = io.BytesIO(genuine()["model.weights.h5"])
        with h5py.File(buffer, "r+") as file:
            change(file)
        packed(path, genuine() | {"model.weights.h5": buffer.getvalue()})

    NETWORKS[name] = make


def layers(described: Config) -> list[Config]:
    found: list[Config] = described["config"]["layers"]
    return found


def first(described: Config, kind: str) -> Config:
    """Settings of the first layer of a kind."""
    settings: Config = next(
        layer["config"] for layer in layers(described) if layer["class_name"] == kind
    )
    return settings


def zeros_deflated(megabytes: int) -> tuple[bytes, int]:
    """So many MB of zeros as a raw deflate stream, and their CRC: made in a moment."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = packer.compress(bytes(1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)
    checksum = 0
    for _ in range(megabytes):
        checksum = zlib.crc32(bytes(1 << 20), checksum)
    return block * megabytes + packer.flush(), checksum


def with_bomb(path: Path, name: str, megabytes: int, declared: int | None = None) -> None:
    """A genuine archive with one member exchanged for zeros; `declared` bytes if it lies."""
    stream, checksum = zeros_deflated(megabytes)
    size = declared or megabytes << 20
    body, directory = b"", b""
    found = genuine()
    for member in MEMBERS:
        data, crc, method, whole = found[member], zlib.crc32(found[member]), 0, len(found[member])
        if member == name:
            data, crc, method, whole = stream, checksum, 8, size
        common = struct.pack("<HHHHHIII", 20, 0, method, 0, 0, crc, len(data), whole)
        common += struct.pack("<HH", len(member), 0)
        directory += b"PK\1\2" + struct.pack("<H", 20) + common
        directory += struct.pack("<HHHII", 0, 0, 0, 0, len(body)) + member.encode()
        body += b"PK\3\4" + common + member.encode() + data
    end = struct.pack("<HHHHIIH", 0, 0, 3, 3, len(directory), len(body), 0)
    path.write_bytes(body + directory + b"PK\5\6" + end)


# Not an archive, or not a whole one.
content("empty", b"")
content("text", b"not a network at all\n")
content("only-a-signature", b"PK\x03\x04")
content("cut-in-half", GENUINE.read_bytes()[: GENUINE.stat().st_size // 2])
content("without-its-end", GENUINE.read_bytes()[:-22])
content("hdf5", genuine()["model.weights.h5"])
content("zeros", bytes(1 << 16))
content("pickle", b"\x80\x04cos\nsystem\n(S'true'\ntR.")


@hostile
def a_tar(path: Path) -> None:
    with tarfile.open(path, "w:gz") as archive:
        for name, data in genuine().items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))


@hostile
def a_folder(path: Path) -> None:
    path.mkdir()


@hostile
def a_pipe(path: Path) -> None:
    os.mkfifo(path)


@hostile
def a_link_to_a_device(path: Path) -> None:
    path.symlink_to("/dev/zero")


@hostile
def a_link_to_nothing(path: Path) -> None:
    path.symlink_to(path.with_name("gone"))


@hostile
def a_hundred_thousand_members(path: Path) -> None:
    entry = b"PK\1\2" + struct.pack("<HHHHHHIIIHHHHHII", 20, 20, 0, 0, 0, 0, 0, 0, 0, 1, *[0] * 6)
    directory = (entry + b"a") * 100_000
    end = struct.pack("<HHHHIIH", 0, 0, 0xFFFF, 0xFFFF, len(directory), 0, 0)
    path.write_bytes(directory + b"PK\5\6" + end)


@hostile
def a_directory_elsewhere(path: Path) -> None:
    whole = bytearray(GENUINE.read_bytes())
    place = whole.rfind(b"PK\5\6")
    whole[place + 16 : place + 20] = struct.pack("<I", 0x7FFFFFFF)
    path.write_bytes(whole)


@hostile
def a_damaged_directory(path: Path) -> None:
    whole = bytearray(GENUINE.read_bytes())
    place = whole.rfind(b"PK\1\2")
    whole[place : place + 30] = bytes(range(30))
    path.write_bytes(whole)


@hostile
def a_wrong_checksum(path: Path) -> None:
    whole = bytearray(GENUINE.read_bytes())
    place = whole.find(b'"class_name"')
    whole[place : place + 3] = b'"x"'
    path.write_bytes(whole)


@hostile
def an_encrypted_member(path: Path) -> None:
    whole = bytearray(GENUINE.read_bytes())
    place = whole.rfind(b"PK\1\2")
    whole[place + 8] |= 1
    path.write_bytes(whole)


@hostile
def a_description_of_two_gigabytes(path: Path) -> None:
    with_bomb(path, "config.json", 2048)


@hostile
def a_description_that_lies_about_its_size(path: Path) -> None:
    with_bomb(path, "config.json", 256, declared=1000)


@hostile
def weights_of_a_gigabyte(path: Path) -> None:
    with_bomb(path, "model.weights.h5", 1024)


@hostile
def weights_just_small_enough(path: Path) -> None:
    with_bomb(path, "model.weights.h5", 500)


members("without-a-description", lambda m: {k: v for k, v in m.items() if "config" not in k})
members("without-weights", lambda m: {k: v for k, v in m.items() if "weights" not in k})
members("without-metadata", lambda m: {k: v for k, v in m.items() if "metadata" not in k})
members("with-a-script", lambda m: m | {"setup.py": b"raise SystemExit"})
members("with-assets", lambda m: m | {"assets/x.txt": b"x"})
members("with-a-way-up", lambda m: m | {"../../x.py": b"x"})
members("packed-with-lzma", lambda m: m, zipfile.ZIP_LZMA)
members("packed-with-bzip2", lambda m: m, zipfile.ZIP_BZIP2)
members("empty-weights", lambda m: m | {"model.weights.h5": b""})

# Descriptions.
raw_config("description-not-json", b"{")
raw_config("description-a-list", b"[]")
raw_config("description-not-utf8", b"\xff\xfe{}")
raw_config("description-a-hundred-thousand-brackets", b"[" * 100_000)
raw_config("description-sixty-deep", b'{"a":' * 60 + b"1" + b"}" * 60)
raw_config("description-empty", b"{}")
raw_config("description-an-endless-number", b'{"units": ' + b"9" * 100_000 + b"}")
config("a-lambda", lambda c: layers(c).append({"module": "keras.layers", "class_name": "Lambda"}))
config("a-saved-model-layer", lambda c: layers(c)[3].update(class_name="TFSMLayer"))
config("a-custom-layer", lambda c: layers(c)[3].update(class_name="Mine", module="mine"))
config("another-module", lambda c: layers(c)[3].update(module="os"))
config("nearly-keras", lambda c: layers(c)[3].update(module="keras_evil.layers"))
config("inside-keras", lambda c: layers(c)[3].update(module="keras.src.utils.file_utils"))
config("another-registered-name", lambda c: layers(c)[3].update(registered_name="evil>Conv2D"))
config("a-class-name-list", lambda c: layers(c)[3].update(class_name=["Conv2D"]))
config("a-class-name-table", lambda c: layers(c)[3].update(class_name={"class_name": "Conv2D"}))
config("a-class-name-null", lambda c: layers(c)[3].update(class_name=None))
config("a-class-name-of-lines", lambda c: layers(c)[3].update(class_name="A\n# B " * 9))
config("a-module-list", lambda c: layers(c)[3].update(module=["keras.layers"]))
FUNCTION = {"module": "builtins", "class_name": "function", "config": "system"}
UNSAFE = FUNCTION | {"module": "keras.config", "config": "enable_unsafe_deserialization"}
config(
    "a-function-as-seed",
    lambda c: first(c, "Conv2D")["kernel_initializer"]["config"].update(seed=FUNCTION),
)
config("a-function-as-dropout-seed", lambda c: first(c, "Dropout").update(seed=UNSAFE))
config(
    "a-table-as-seed",
    lambda c: first(c, "Conv2D")["kernel_initializer"]["config"].update(seed={"x": 1}),
)
config("a-text-as-identity", lambda c: layers(c)[3].update(shared_object_id="x"))
config("a-function-as-activation", lambda c: first(c, "Conv2D").update(activation=FUNCTION))
config("an-unknown-activation", lambda c: first(c, "Conv2D").update(activation="os.system"))
config("a-function-built-with", lambda c: layers(c)[3].update(build_config={"x": FUNCTION}))
config("a-thousand-layers", lambda c: layers(c).extend([layers(c)[-1]] * 1000))
config("a-billion-units", lambda c: first(c, "Dense").update(units=10**9))
config("minus-one-filter", lambda c: first(c, "Conv2D").update(filters=-1))
config("steps-of-nothing", lambda c: first(c, "Conv2D").update(strides=[0, 0]))
config("filters-not-finite", lambda c: first(c, "Conv2D").update(filters=float("inf")))
config("other-filters", lambda c: first(c, "Conv2D").update(filters=33))
config(
    "images-of-a-million",
    lambda c: first(c, "InputLayer").update(batch_shape=[None, 10**6, 10**6, 3]),
)
config(
    "images-of-any-size",
    lambda c: first(c, "InputLayer").update(batch_shape=[None, None, None, 3]),
)
config("no-images", lambda c: first(c, "InputLayer").update(batch_shape=[None, 10]))
config("no-layers", lambda c: layers(c).clear())
config("layers-of-text", lambda c: c["config"].update(layers="none"))
config("a-layer-name-with-a-newline", lambda c: first(c, "Conv2D").update(name="a\nb"))
config("an-endless-layer-name", lambda c: first(c, "Conv2D").update(name="a" * 5000))
config("a-layer-without-a-name", lambda c: first(c, "Conv2D").update(name=None))
config("no-network", lambda c: c.update(class_name="Dense"))
config("maps-instead-of-scores", lambda c: layers(c).__delitem__(slice(-3, None)))

# Weights.
VARS = "layers/conv2d/vars"
weights("arrays-of-terabytes", lambda f: f.create_dataset(f"{VARS}/0", (1 << 20, 1 << 20), "f8"))
weights(
    "gigabytes-in-many-arrays",
    lambda f: [f.create_dataset(f"{VARS}/{n}", (100 << 20,), "f4") for n in range(10)],
)
weights("a-circle", lambda f: f.create_group(VARS).__setitem__("again", f["layers"]))
weights("a-soft-link", lambda f: f.create_group(VARS).__setitem__("0", h5py.SoftLink("/layers")))
weights(
    "a-link-to-another-file",
    lambda f: f.create_group(VARS).__setitem__("0", h5py.ExternalLink("/etc/passwd", "/")),
)
weights(
    "bytes-of-another-file",
    lambda f: f.create_dataset(f"{VARS}/0", (4,), "u1", external=[("/etc/hosts", 0, 4)]),
)
weights("a-named-type", lambda f: f.create_group(VARS).__setitem__("0", np.dtype("f8")))
weights("texts", lambda f: f.create_dataset(f"{VARS}/0", data=["a", "b"]))
weights("records", lambda f: f.create_dataset(f"{VARS}/0", (2,), np.dtype([("a", "f4")])))
weights("no-numbers-at-all", lambda f: f.create_dataset(f"{VARS}/0", data=h5py.Empty("f4")))
weights("ten-thousand-groups", lambda f: [f.create_group(f"layers/g{n}") for n in range(10_000)])
weights("nothing", lambda f: f.create_group("layers"))
weights(
    "another-shape",
    lambda f: f.create_dataset(f"{VARS}/0", data=np.zeros((3, 3, 3, 31), np.float32)),
)


@hostile
def a_virtual_array(path: Path) -> None:
    layout = h5py.VirtualLayout((4,), "u1")
    layout[:] = h5py.VirtualSource("/etc/hosts", "x", (4,))
    buffer = io.BytesIO()
    with h5py.File(buffer, "w", libver="latest") as file:
        file.create_group(VARS).create_virtual_dataset("0", layout)
    packed(path, genuine() | {"model.weights.h5": buffer.getvalue()})


def fill(file: h5py.File, value: float) -> None:
    file[f"{VARS}/0"][...] = value


changed_weights("not-a-number", lambda f: fill(f, float("nan")))
changed_weights("missing-arrays", lambda f: f.__delitem__("layers/dense"))


@hostile
def damaged_weights(path: Path) -> None:
    damaged = bytearray(genuine()["model.weights.h5"])
    damaged[100:400] = bytes(300)
    packed(path, genuine() | {"model.weights.h5": bytes(damaged)})


@hostile
def weights_cut_short(path: Path) -> None:
    packed(path, genuine() | {"model.weights.h5": genuine()["model.weights.h5"][:3000]})


# Other formats; a file's content tells which it is, not its ending.


def h5(name: str, declare: Callable[[h5py.File], object], **settings: Any) -> None:
    """The genuine network in one HDF5 file, its weights as `declare` writes them."""

    def make(path: Path) -> None:
        described = json.loads(genuine()["config.json"])
        first(described, "Conv2D").update(settings)
        with h5py.File(path, "w") as file:
            file.attrs["model_config"] = json.dumps(described)
            declare(file)

    NETWORKS[f"h5-{name}"] = make


KERNEL = "model_weights/conv2d/kernel"
h5("without-weights", lambda f: f.create_group("other"))
h5("of-terabytes", lambda f: f.create_dataset(KERNEL, (1 << 20, 1 << 20), "f8"))
h5("a-soft-link", lambda f: f.__setitem__("model_weights", h5py.SoftLink("/")))
h5("a-link-elsewhere", lambda f: f.__setitem__("model_weights", h5py.ExternalLink("/x", "/")))
h5(
    "bytes-of-another-file",
    lambda f: f.create_dataset(KERNEL, (4,), "u1", external=[("/etc/hosts", 0, 4)]),
)
h5("a-function", lambda f: f.create_group("model_weights"), activation=FUNCTION)
h5("a-description-of-numbers", lambda f: f.attrs.__setitem__("model_config", [1, 2]))
h5("a-long-description", lambda f: f.attrs.__setitem__("model_config", " " * (3 << 20)))
h5("no-description", lambda f: f.attrs.__setitem__("model_config", "{"))


@hostile
def h5_cut_short(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file[KERNEL] = np.zeros(3)
    path.write_bytes(path.read_bytes()[:-2000])


@hostile
def h5_a_lambda(path: Path) -> None:
    described = json.loads(genuine()["config.json"])
    layers(described).append({"class_name": "Lambda", "config": {"function": ["4wEA", None, None]}})
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = json.dumps(described)
        file.create_group("model_weights")


def saved_model(name: str, change: Callable[[Members], Members]) -> None:
    """A zip of a SavedModel of the genuine network, its checkpoint empty."""

    def make(path: Path) -> None:
        described = json.loads(genuine()["config.json"])
        found = {
            "saved_model.pb": b"",
            "keras_metadata.pb": network_files.saved_metadata({"root": described}),
        }
        packed(path, change(found | dict.fromkeys(network_files.CHECKPOINT, bytes(999))), 8)

    NETWORKS[f"saved-model-{name}"] = make


INDEX, DATA = network_files.CHECKPOINT
saved_model("a-damaged-checkpoint", lambda m: m)
saved_model("a-graph-alone", lambda m: {"saved_model.pb": m["saved_model.pb"]})
saved_model("two", lambda m: m | {"other/saved_model.pb": b""})
saved_model("a-way-up", lambda m: {f"../{name}": part for name, part in m.items()})
saved_model("an-absolute-path", lambda m: {f"/tmp/{name}": part for name, part in m.items()})
saved_model("without-weights", lambda m: {name: m[name] for name in m if name != DATA})
saved_model("a-bomb", lambda m: m | {DATA: bytes(300 << 20)})
saved_model("a-large-index", lambda m: m | {INDEX: bytes(5 << 20)})
saved_model("many-files", lambda m: m | {f"assets/{n}": b"" for n in range(2000)})
saved_model("damaged-metadata", lambda m: m | {"keras_metadata.pb": b"\x0a\xff\xff\x03abc"})
saved_model(
    "a-lambda",
    lambda m: (
        m
        | {
            "keras_metadata.pb": network_files.saved_metadata(
                {
                    "root": {
                        "class_name": "Sequential",
                        "config": {"layers": [{"class_name": "Lambda"}]},
                    }
                }
            )
        }
    ),
)


def onnx_file(name: str, change: Callable[[Any], object]) -> None:
    def make(path: Path) -> None:
        model = onnx_networks.NETWORKS["plain"](16, 3)
        change(model)
        path.write_bytes(model.SerializeToString())

    NETWORKS[f"onnx-{name}"] = make


def put_elsewhere(model: Any) -> None:
    """The weights of the first layer lie in another file."""
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = 1
    for key, value in (("location", "../../../etc/passwd"), ("length", "9")):
        tensor.external_data.add(key=key, value=value)


onnx_file("weights-elsewhere", put_elsewhere)
onnx_file("of-terabytes", lambda m: m.graph.initializer[0].dims.extend([1 << 20, 1 << 20]))
onnx_file("an-unknown-operator", lambda m: setattr(m.graph.node[0], "op_type", "Loop"))
content("onnx-damaged", b"\x08\x08\x3a\x05abcde")


@hostile
def onnx_cut_short(path: Path) -> None:
    path.write_bytes(onnx_networks.NETWORKS["plain"](16, 3).SerializeToString()[:-700])


@hostile
def too_much_to_compute(path: Path) -> None:
    """Images of 1024 pixels through the genuine convolutions: gigabytes on the way."""
    found = genuine()
    described = json.loads(found["config.json"])
    first(described, "InputLayer").update(batch_shape=[None, 1024, 1024, 3])
    kept = [layer for layer in layers(described) if layer["class_name"] in ("InputLayer", "Conv2D")]
    for layer in kept:
        layer.pop("build_config", None)
    described["config"]["layers"] = kept
    packed(path, found | {"config.json": json.dumps(described).encode()})
