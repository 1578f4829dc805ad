"""Results and weights as one tar file in parts of limited size.

    <out>/<profile>/pack.tar.0, .1, ...     as many digits for all parts, so that names sort:
                                            cat pack.tar.* | tar -xf -    in the root of a repository
    <out>/<profile>/manifest.json           sha256 of the tar and of each file in it, type of the weights, what is left out

Weights are float32 where all of them fit into `largest` bytes, else float16; what does not fit even then is left out, the least
important runs first. The folder is replaced as a whole.
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from pathlib import Path

from replication.experiments.budget.record import is_trained
from replication.study.params import Params
from replication.study.paths import ProfilePaths
from wne.files import PREFIX, replacing_folder

MIB = 2**20
PART, LARGEST = 16 * MIB, 60 * MIB  # bytes of a part, and of all parts, where nothing else is asked


def pack(params: Params, paths: ProfilePaths, out: Path, part: int = PART, largest: int = LARGEST) -> list[str]:
    """Writes <out>/<profile>/; returns the trained runs whose weights are left out.

    Raises:
        ValueError: the results alone are larger than `largest`.
    """
    files = [file for file in sorted(paths.results.rglob("*")) if file.is_file() and PREFIX not in str(file)]
    results = {_name(file, paths): file.read_bytes() for file in files}
    trained = [name for name in params.runs if is_trained(params, paths, name)]
    weights = {name: paths.checkpoint(params, name).read_bytes() for name in trained}
    dtype = "float32"
    if _size(results, weights.values()) > largest:
        weights, dtype = {name: half(paths.checkpoint(params, name)) for name in trained}, "float16"
    left_out: list[str] = []
    while _size(results, weights.values()) > largest:
        if not weights:
            raise ValueError(f"{paths.results}: the results alone are larger than {largest} bytes; raise --largest")
        name, _ = weights.popitem()
        left_out.insert(0, name)
    content = results | {_name(paths.checkpoint(params, name), paths): data for name, data in weights.items()}
    tar = _tar(content)
    with replacing_folder(out / params.profile) as folder:
        starts = range(0, len(tar), part)
        digits = len(str(len(starts) - 1))
        for index, start in enumerate(starts):
            (folder / f"pack.tar.{index:0{digits}}").write_bytes(tar[start : start + part])
        manifest = {
            "unpack": "cat pack.tar.* | tar -xf - -C <root of the repository>",
            "sha256": hashlib.sha256(tar).hexdigest(),
            "weights": dtype,
            "left_out": left_out,
            "files": {name: hashlib.sha256(data).hexdigest() for name, data in content.items()},
        }
        (folder / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n")
    return left_out


def half(checkpoint: Path) -> bytes:
    """A checkpoint with float16 in place of float32, but for tensors that exceed its range; `load_denoiser` reads both."""
    import torch
    from safetensors import safe_open
    from safetensors.torch import save

    tensors = {}
    with safe_open(checkpoint, "pt") as file:
        names = file.keys()
        for name in names:
            tensor = file.get_tensor(name)
            halved = tensor.half() if tensor.is_floating_point() else tensor
            tensors[name] = halved if torch.isfinite(halved).all() else tensor
        return save(tensors, metadata=file.metadata())


def _name(file: Path, paths: ProfilePaths) -> str:
    return file.relative_to(paths.root).as_posix()


def _size(results: dict[str, bytes], weights: object) -> int:
    """Bytes of the tar: each file has a header and fills blocks of 512 bytes, and the end is a record of 10,240."""
    return sum(512 + -(-len(data) // 512) * 512 for data in [*results.values(), *weights]) + tarfile.RECORDSIZE


def _tar(content: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, data in content.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return file.getvalue()
