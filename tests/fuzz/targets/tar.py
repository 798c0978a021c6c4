"""CIFAR-10's binary archive."""

import gzip
import io
import tarfile

import numpy as np

from engine.datasets import archives
from engine.datasets.cifar10 import Cifar10
from tests.fixtures.tiny_cifar10 import binary_files
from tests.fuzz.mutate import as_tar
from tests.fuzz.run import Target
from tests.fuzz.targets.scratch import written

_RECORDS = 3073 * 2
_FILES = {name: content[:_RECORDS] for name, content in binary_files().items()}


def _seeds():
    plain = [_packed(kind) for kind in (tarfile.GNU_FORMAT, tarfile.PAX_FORMAT)]
    return [*plain, gzip.compress(plain[0], mtime=0)]


def _packed(kind):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=kind) as archive:
        for name, content in _FILES.items():
            member = tarfile.TarInfo(f"cifar-10-batches-bin/{'long' * 30}/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def _parse(content):
    with written("cifar.tar", content) as path:
        files = archives.from_tar(path, _FILES)
    return Cifar10().read(files, 8, np.random.default_rng(0))


TARGET = Target("tar", _seeds, _parse, as_tar)
