"""Which of timm's architectures are encoders for every image size; writes docs/timm-encoders.md.

python -m benchmarks.timm_encoders        # a few minutes on one core
"""

from __future__ import annotations

from pathlib import Path

import timm
import torch

from wne.files import write_text
from wne.models.timm_encoder import TimmDenoiser

PAGE = Path(__file__).parents[1] / "docs/timm-encoders.md"
# A small model of each family.
MODELS = (
    "beit_base_patch16_224", "cait_xxs24_224", "coat_tiny", "coatnet_nano_rw_224", "convit_tiny", "convnext_atto",
    "crossvit_tiny_240", "cspresnet50", "davit_tiny", "deit3_small_patch16_224", "densenet121", "dla34",
    "edgenext_xx_small", "efficientformer_l1", "efficientformerv2_s0", "efficientnet_b0", "efficientvit_b0",
    "fastvit_t8", "focalnet_tiny_srf", "gcvit_xxtiny", "ghostnet_100", "hgnet_tiny", "hiera_tiny_224", "hrnet_w18_small",
    "inception_next_tiny", "levit_128s", "maxvit_rmlp_pico_rw_256", "mobilenetv3_small_050", "mobilevit_xxs",
    "mvitv2_tiny", "nest_tiny", "nextvit_small", "pit_ti_224", "poolformer_s12", "pvt_v2_b0", "regnetx_002", "repvit_m1", "resnest14d",
    "rexnet_100", "skresnet18", "resnet18", "resnetv2_50", "sam2_hiera_tiny", "starnet_s050", "swin_tiny_patch4_window7_224",
    "swinv2_tiny_window16_256", "tiny_vit_5m_224", "tnt_s_patch16_224", "twins_svt_small", "vgg11", "visformer_tiny",
    "vit_tiny_patch16_224", "volo_d1_224", "xception41p", "xcit_nano_12_p8_224",
)  # fmt: skip
SIZES = [(1, 1), (40, 70), (64, 64)]


def verdict(model: str) -> tuple[bool, str]:
    """Whether it takes images of several sizes in turn, and to which sides it pads or why it does not."""
    torch.manual_seed(0)
    try:
        f = TimmDenoiser(model, width=4).eval()
    except ValueError as error:
        return False, f"refused: {str(error).split('. Encoders for')[0].replace('|', '/')}"
    with torch.no_grad():
        for size in SIZES:
            out = f(torch.rand(1, 1, *size))
            if out.shape[-2:] != size:
                return False, f"gives {tuple(out.shape)} for {size}"
    at_least = f", at least {f.sides.least}" if f.sides.least > f.sides.multiple else ""
    return True, f"multiples of {f.sides.multiple}{at_least}"


def main() -> None:
    known = [model for model in MODELS if timm.is_model(model)]
    found = {}
    for model in known:
        found[model] = verdict(model)
        print(model, *found[model], flush=True)
    rows = "\n".join(f"| {model} | {'yes' if fits else 'no'} | {how} |" for model, (fits, how) in found.items())
    write_text(
        PAGE,
        f"""# timm's architectures as encoders

<!-- made by `python -m benchmarks.timm_encoders`: timm {timm.__version__}, torch {torch.__version__} -->

`create_denoiser("timm:<name>", "wne")` tries an architecture when it is built, and either takes images of every size from
1 x 1 up, reflected to the sides named here, or is refused in one line. {sum(fits for fits, _ in found.values())} of these
{len(found)} models, one of each family, take every size.

| model | every size | sides, in pixels, or why not |
|---|---|---|
{rows}
""",
    )


if __name__ == "__main__":
    main()
