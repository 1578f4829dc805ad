"""Which tools and whose networks were tried with the library, and what came of it.

python -m benchmarks.tools     writes docs/networks.md (a minute), with deblurring.csv of benchmarks.deblurring
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from pathlib import Path

import pandas as pd
import torch
from deepinv import models
from torch import Tensor, nn

from benchmarks import deblurring, trainers
from benchmarks.deepinv_tests import CALLS, run_deepinv_test
from wne import NormalizationEquivariant, create_denoiser, list_denoisers, load_denoiser
from wne.adapters.deepinv import DeepinvDenoiser
from wne.adapters.huggingface import HubDenoiser
from wne.adapters.networks import NetworkError, check_network
from wne.adapters.pickles import convert_weights
from wne.checkpoints import load_weights, read_config
from wne.files import write_text
from wne.published import find_weights
from wne.registry import PUBLISHED

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs/networks.md"
PACKAGES = ("deepinv", "huggingface_hub", "lightning", "skorch", "peft")
SMALL: dict[str, dict[str, object]] = {
    "dncnn": {"depth": 4, "width": 8},
    "fdncnn": {"depth": 4, "width": 8},
    "swinir": {"depths": (2,), "embed_dim": 12, "heads": 2, "window": 4},
    "restormer": {"dim": 8, "blocks": (1, 1, 1, 1), "heads": (1, 1, 2, 2), "refinement": 1},
}


# --- tools --------------------------------------------------------------------------------------------


def deepinv_tests() -> str:
    passed = 0
    for backbone, variant in list_denoisers():
        make = partial(create_denoiser, backbone, variant, **SMALL[backbone])
        for test in CALLS:
            run_deepinv_test(test, lambda channels, make=make: DeepinvDenoiser(make(channels=channels)).eval())
            passed += 1
    return f"{passed} of {passed} of its own tests of denoisers, {len(CALLS)} for each of {len(list_denoisers())} denoisers"


def torch_hub() -> str:
    for name in PUBLISHED:
        channels = read_config(find_weights(name))[0]["task"]["channels"]
        y = torch.rand(1, channels, 32, 32, generator=torch.Generator().manual_seed(0))
        loaded = torch.hub.load(str(ROOT), name.replace("-", "_"), source="local")
        assert torch.equal(loaded(y), load_denoiser(find_weights(name))(y)), name
    return f"{len(PUBLISHED)} released networks, the same output"


def hugging_face() -> str:
    y = torch.rand(1, 1, 32, 32, generator=torch.Generator().manual_seed(0))
    for backbone, variant in list_denoisers():
        model = HubDenoiser(backbone, variant, **SMALL[backbone]).eval()
        with tempfile.TemporaryDirectory() as folder:
            model.save_pretrained(folder)
            assert torch.equal(HubDenoiser.from_pretrained(folder)(y), model(y)), (backbone, variant)
    return f"{len(list_denoisers())} denoisers saved and loaded, the same output"


def foreign_weights(save: Callable[[nn.Module], object]) -> str:
    saved, loaded = (create_denoiser("dncnn", "wne", **SMALL["dncnn"]) for _ in range(2))
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "net.pth"), Path(folder, "net.safetensors")
        torch.save(save(saved), source)
        done = convert_weights(source, target).replace(f" to {target}", "")
        load_weights(loaded, target)
    assert all(
        torch.equal(a, b) for a, b in zip(saved.state_dict().values(), loaded.state_dict().values(), strict=True)
    )
    return f"the same weights; {done}"


TOOLS: dict[str, tuple[str, Callable[[], str]]] = {
    "deepinv": ("`wne.adapters.deepinv.DeepinvDenoiser`", deepinv_tests),
    "torch.hub": ("`hubconf.py`", torch_hub),
    "huggingface_hub": ("`wne.adapters.huggingface.HubDenoiser`", hugging_face),
    "Lightning": ("a `LightningModule` around the network, `wne convert`", trainers.lightning),
    "skorch": ("`NeuralNetRegressor(create_denoiser, ...)`", trainers.skorch),
    "PEFT": ("`peft.get_peft_model`", trainers.peft),
    "KAIR, Restormer: `params`": ("`wne convert`", partial(foreign_weights, lambda m: {"params": m.state_dict()})),
    "DataParallel": ("`wne convert`", partial(foreign_weights, lambda m: nn.DataParallel(m).state_dict())),
    "torch.compile": ("`wne convert`", partial(foreign_weights, lambda m: torch.compile(m).state_dict())),
    "AveragedModel": (
        "`wne convert`",
        partial(foreign_weights, lambda m: torch.optim.swa_utils.AveragedModel(m).state_dict()),
    ),
}


# --- networks -----------------------------------------------------------------------------------------

# deepinv's copies of published networks, small where they can be, with random weights.
NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "DnCNN": lambda: models.DnCNN(1, 1, depth=4, nf=8, pretrained=None),
    "UNet": lambda: models.UNet(1, 1, scales=3),
    "SwinIR": lambda: models.SwinIR(in_chans=1, depths=[2], num_heads=[2], embed_dim=12, pretrained=None),
    "Restormer": lambda: models.Restormer(
        1, 1, dim=8, num_blocks=[1, 1, 1, 1], num_refinement_blocks=1, heads=[1, 1, 2, 2], pretrained=None
    ),
    "SCUNet": lambda: models.SCUNet(in_nc=1, config=[1] * 7, dim=64, pretrained=None),
    "PromptIR": lambda: models.PromptIR(1, 1, num_blocks=(1, 1, 1, 1), num_refinement_blocks=1, pretrained=None),
    "MPRNet": lambda: models.MPRNet(1, 1, n_feat=8, scale_unetfeats=8, scale_orsnetfeats=8, num_cab=1, pretrained=None),
    "DRUNet": lambda: models.DRUNet(1, 1, nc=(8, 8, 8, 8), nb=1, pretrained=None),
    "GSDRUNet": lambda: models.GSDRUNet(in_channels=1, out_channels=1, nc=(8, 8, 8, 8), nb=1, pretrained=None),
    "FFDNet": lambda: models.FFDNet(img_channels=1, n_conv_layers=4, nf=8, pretrained=None),
}  # fmt: skip
TOLD = ("DRUNet", "GSDRUNet", "FFDNet")  # the noise level; the others ignore it


def defect(d: DeepinvDenoiser, y: Tensor, a: float, b: float, sigma: float) -> float:
    """|D(a y + b, a sigma) - (a D(y, sigma) + b)|, the largest entry in standard deviations of a y."""
    with torch.no_grad():
        difference = d(a * y + b, a * sigma) - (a * d(y, sigma) + b)
    return float(difference.abs().max() / (a * y.std()))


def network_row(name: str) -> list[str]:
    """Name, how it is called, defect bare and wrapped, and what --backbone says to it."""
    torch.manual_seed(0)
    network = NETWORKS[name]().eval()
    y = torch.rand(1, 1, 64, 64, generator=torch.Generator().manual_seed(0))
    told = "level" if name in TOLD else "blind"
    backbone = network if told == "level" else Blind(network)
    forms = (backbone, NormalizationEquivariant(backbone))
    defects = [f"{defect(DeepinvDenoiser(form, told), y, 3.0, -2.0, 0.1):.0e}" for form in forms]
    try:
        check_network(network, 1, name)
        verdict = "taken"
    except NetworkError as error:
        verdict = f"refused: {str(error).removeprefix(f'{name}: ')}"
    return [name, "sigma / std(y)" if told == "level" else "the image", *defects, verdict]


class Blind(nn.Module):
    """Calls a network of deepinv's with the image alone, though its signature has sigma."""

    def __init__(self, network: nn.Module):
        super().__init__()
        self.network = network

    def forward(self, z: Tensor) -> Tensor:
        return self.network(z, None)


def page(tools: list[list[str]], networks: list[list[str]], scores: pd.DataFrame, versions: str) -> str:
    """The whole page."""
    return "\n".join(
        [
            "# Tools and networks that were tried",
            "",
            f"<!-- made by `python -m benchmarks.tools`: {versions} -->",
            "",
            "How to use each of them is in [tools.md](tools.md); the encoders of timm have a [page of their own](timm-encoders.md),",
            "as have [compilation, export and parallel training](exactness.md).",
            "",
            "## Tools",
            "",
            "| tool or origin of weights | through | result |",
            "|---|---|---|",
            *_rows(tools),
            "",
            "## Networks",
            "",
            "Published architectures as deepinv has them, small and with random weights, on 64 x 64 pixels in float32: the",
            "largest deviation of D(3 y - 2, 3 sigma) from 3 D(y, sigma) - 2, in standard deviations of 3 y, bare and in",
            "`NormalizationEquivariant`; and whether `--backbone` takes the network as it is.",
            "",
            "| network | is told | bare | wrapped | `--backbone` |",
            "|---|---|---|---|---|",
            *_rows(networks),
            "",
            *deblurring.section(scores),
            "",
        ]
    )


def _rows(cells: list[list[str]]) -> list[str]:
    return [f"| {' | '.join(row)} |" for row in cells]


if __name__ == "__main__":
    torch.set_num_threads(1)
    tools = [[name, through, check()] for name, (through, check) in TOOLS.items()]
    networks = [network_row(name) for name in NETWORKS]
    versions = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    write_text(
        PAGE, page(tools, networks, pd.read_csv(deblurring.SCORES), f"{versions}, torch {torch.__version__}, CPU")
    )
