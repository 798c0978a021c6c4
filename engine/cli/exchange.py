"""Commands that write files for other programs: a network, and a pair to try the import with."""

from __future__ import annotations

from pathlib import Path

import click

from engine import store
from engine.cli.options import File, Parsed, model_argument, out_option
from engine.cli.shared import Answer, Call, command, long_work
from engine.core import tensorflow_runtime
from engine.datasets import available, open_test
from engine.defenses.repairs import REPAIRS, Repair, parse_repair
from engine.experiments import export_model, run_repairs, sample_pair
from engine.reporting.sharing import share_model


@command("export")
@model_argument
@click.option(
    "--format",
    "format",
    type=Parsed("NAME", export_model.check_format, lambda: export_model.FORMATS),
    help=f"One of {', '.join(export_model.FORMATS)}; the file's ending if left out.",
)
@click.option(
    "--out", type=File("FILE"), help="The file to write; MODEL.FORMAT in this folder if left out."
)
@click.option(
    "--repair",
    type=Parsed("NAME", parse_repair, lambda: REPAIRS),
    help="Write the copy that compare-repairs made with this repair, not the model itself.",
)
@long_work
def export(
    model: str, format: str | None, out: Path | None, repair: Repair | None, call: Call
) -> Answer:
    """Write a network as a file: .keras or .onnx.

    An imported network, repaired or not, takes the range and the colours of the original and gives
    its outputs in their order. Other networks take RGB from 0 to 1 and give probabilities.
    """
    stored = store.find(model)
    if repair is not None:
        stored = run_repairs.find_copy(stored, repair)
    file = out or Path(f"{stored.name}.{format or export_model.FORMATS[0]}")
    export_model.check_format(format or file.suffix.removeprefix("."))

    def work() -> Answer:
        tensorflow_runtime.import_tensorflow()
        written = export_model.export(stored, file, format or "")
        return {"model": model, "file": str(written), "bytes": written.stat().st_size}

    return call.run(work)


@command("share")
@model_argument
@out_option("DIR", "The folder to write, which must not exist yet.", required=True)
@click.option("--replace", is_flag=True, help="Replace that folder.")
@long_work
def share(model: str, out: Path, replace: bool, call: Call) -> Answer:
    """Write a model as a folder for a model hub.

    It holds the network as .keras, .onnx and .safetensors, sample images, and a card that says
    first whether the network was backdoored on purpose. import takes such a folder back.
    """
    stored = store.find(model)

    def work() -> Answer:
        tensorflow_runtime.import_tensorflow()
        name, size = stored.card.dataset, stored.card.image_shape[0]
        images = open_test(name, call.root, size) if available(name, call.root) else None
        share_model.share(stored, out, images, replace)
        return {
            "model": model,
            "folder": str(out),
            "files": ", ".join(sorted(path.name for path in out.iterdir())),
            "samples": "none: the dataset's images are missing" if images is None else "written",
        }

    return call.run(work)


@command("sample-pair")
@out_option("DIR", "The folder to write both files to.", required=True)
@long_work
def write_sample_pair(out: Path, call: Call) -> Answer:
    """Write a network and 200 images to try the import with.

    The network is one of the program's own, with a backdoor, in a form that other programs use:
    ONNX, values from 0 to 255, logits.
    """

    def work() -> Answer:
        tensorflow_runtime.import_tensorflow()
        return {kind: str(file) for kind, file in sample_pair.write(out).items()}

    return call.run(work)
