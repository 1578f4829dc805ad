"""The denoisers by name: sizes, shapes, precision and errors; a new backbone is tested by being listed."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import wne
from conftest import random_images, tiny_denoiser, tiny_size
from replication.study.params import load_params
from wne.checkpoints import load_denoiser, save_checkpoint
from wne.models import ARCHITECTURAL_FORMS, BACKBONES, WRAPPERS, create_denoiser, list_denoisers
from wne.models.dncnn import DnCNN, FDnCNN
from wne.models.padding import pad_to_multiple, reflect_pad
from wne.models.precision import Float32Conv2d
from wne.models.restormer import ScaleLayerNorm, ShiftLayerNorm
from wne.models.swinir import SwinIR
from wne.wrapper import BackboneWrapper, InputNormalized, NormalizationEquivariant, ScaleEquivariant

SIZES = [(1, 1), (1, 7), (5, 3), (33, 29)]

every_denoiser = pytest.mark.parametrize("denoiser", list_denoisers(), ids="-".join)


def parameter_count(*name: str, **size: object) -> int:
    with torch.device("meta"):  # counts without drawing 26 million numbers
        return sum(parameter.numel() for parameter in create_denoiser(*name, **size).parameters())


# --- the registry -------------------------------------------------------------------------------------


def test_every_backbone_has_every_wrapper_and_fdncnn_its_architectural_forms():
    expected = set(itertools.product(BACKBONES, WRAPPERS)) | {("fdncnn", form) for form in ARCHITECTURAL_FORMS}
    listed = list_denoisers()
    assert set(listed) == expected and len(listed) == len(expected)
    assert {"dncnn", "fdncnn", "swinir", "restormer"} <= {d.backbone for d in listed}


@pytest.mark.parametrize("backbone", BACKBONES)
def test_each_variant_is_the_class_that_its_name_says(backbone):
    def made(variant: str) -> nn.Module:
        return create_denoiser(backbone, variant, **tiny_size(backbone))

    assert not isinstance(made("baseline"), BackboneWrapper)
    for variant, kind in [("wne", NormalizationEquivariant), ("wse", ScaleEquivariant), ("wne_input", InputNormalized)]:
        assert type(made(variant)) is kind and type(made(variant).backbone) is type(made("baseline"))
        assert made(variant).prediction == "direct"


def test_unknown_names_are_refused_with_the_nearest_known_one():
    for name, nearest in [("restorner", "restormer"), ("dncn", "dncnn"), ("swin_ir", "swinir")]:
        with pytest.raises(ValueError, match=f"unknown backbone '{name}': did you mean '{nearest}'"):
            create_denoiser(name)
    for name, nearest in [("wnee", "wne"), ("base_line", "baseline"), ("nearch", "ne_arch")]:
        with pytest.raises(ValueError, match=f"unknown variant '{name}': did you mean '{nearest}'"):
            create_denoiser("dncnn", name)
    with pytest.raises(ValueError, match=f"unknown backbone 'xyz': known: {', '.join(BACKBONES)}"):
        create_denoiser("xyz")


@pytest.mark.parametrize("variant", ARCHITECTURAL_FORMS)
@pytest.mark.parametrize("backbone", [name for name in BACKBONES if name != "fdncnn"])
def test_architectural_variants_exist_for_fdncnn_alone(backbone, variant):
    with pytest.raises(ValueError, match=f"replaces the layers of fdncnn.*'{backbone}'"):
        create_denoiser(backbone, variant)


@every_denoiser
def test_a_wrong_size_keyword_is_refused_by_name(denoiser):
    with pytest.raises(ValueError, match=rf"{denoiser.backbone}: .*'dept'"):
        create_denoiser(*denoiser, dept=4)


def test_the_package_offers_its_names_on_first_use():
    for name in wne.__all__:
        assert getattr(wne, name) is not None
    assert set(wne.__all__) <= set(dir(wne))  # for completion, before it is used
    with pytest.raises(AttributeError, match="no attribute 'Unknown'"):
        wne.Unknown  # noqa: B018


# --- paper sizes --------------------------------------------------------------------------------------


def test_dncnn_parameters_at_paper_size():
    first = 1 * 64 * 9 + 64
    middle = 64 * 64 * 9 + 2 * 64  # no bias; scale and shift of BatchNorm
    last = 64 * 1 * 9 + 1
    assert parameter_count("dncnn") == first + 18 * middle + last == 667_073


def test_fdncnn_parameters_at_paper_size():
    weights = 1 * 64 * 9 + 18 * 64 * 64 * 9 + 64 * 1 * 9
    biases = 19 * 64 + 1
    assert parameter_count("fdncnn") == weights + biases == 665_921
    assert parameter_count("fdncnn", last_bias=False) == 665_920
    assert parameter_count("fdncnn", "se_arch") == parameter_count("fdncnn", "ne_arch") == weights == 664_704
    # One scalar t; a plain skip has none.
    assert parameter_count("fdncnn", "ne_arch", residual=True) == weights + 1
    assert parameter_count("fdncnn", "se_arch", residual=True) == weights


def test_swinir_parameters_at_paper_size():
    d, hidden, heads, window = 60, 120, 6, 8
    attention = (d * 3 * d + 3 * d) + (d * d + d) + heads * (2 * window - 1) ** 2
    feed = (d * hidden + hidden) + (hidden * d + d)
    block = 2 * (2 * d) + attention + feed
    convolution = d * d * 9 + d
    outside = (1 * d * 9 + d) + 2 * d + convolution + (d * 1 * 9 + 1)
    count = 24 * block + 4 * convolution + outside
    assert parameter_count("swinir") == count == 903_001
    assert parameter_count("swinir", patch_norm=True) == count + 2 * d == 903_121


def test_restormer_parameters_at_paper_size():
    def block(dim: int, heads: int) -> int:
        hidden = int(2.66 * dim)
        attention = heads + dim * 3 * dim + 3 * dim * 9 + dim * dim
        feed = dim * 2 * hidden + 2 * hidden * 9 + hidden * dim
        return 2 * dim + attention + feed

    encoders = 4 * block(48, 1) + 6 * block(96, 2) + 6 * block(192, 4) + 8 * block(384, 8)
    decoders = 6 * block(192, 4) + 6 * block(96, 2) + (4 + 4) * block(96, 1)  # the last two at 2 x 48 channels
    downs = sum(dim * (dim // 2) * 9 for dim in (48, 96, 192))
    ups = sum(dim * 2 * dim * 9 for dim in (96, 192, 384))
    reduces = 384 * 192 + 192 * 96
    count = encoders + decoders + downs + ups + reduces + 1 * 48 * 9 + 96 * 1 * 9
    assert parameter_count("restormer") == count == 26_109_076
    # A shift for each of two LayerNorms a block.
    blocks = {48: 4, 96: 6 + 6 + 4 + 4, 192: 6 + 6, 384: 8}
    shifts = sum(2 * dim * number for dim, number in blocks.items())
    assert parameter_count("restormer", layer_norm="with_bias") == count + shifts == 26_124_052


@pytest.mark.parametrize(
    ("backbone", "inner"), {"dncnn": 64 + 64, "fdncnn": 64 + 64, "swinir": 60 + 60, "restormer": 48 + 96}.items()
)
def test_wrapping_and_colour_change_the_count_as_little_as_they_must(backbone, inner):
    grey = parameter_count(backbone)
    for variant in WRAPPERS:
        assert parameter_count(backbone, variant) == grey
    # Two more channels in and out of the first and last convolutions, and two more biases at the end.
    biases = 0 if backbone == "restormer" else 2
    assert parameter_count(backbone, channels=3) == grey + 2 * 9 * inner + biases


# --- starting points -----------------------------------------------------------------------------------


def started(make: type[nn.Module], **options: object) -> nn.Module:
    torch.manual_seed(0)
    return make(**options)


def test_the_default_start_is_near_the_identity_and_its_name_is_optional():
    for make, options in [(DnCNN, {}), (FDnCNN, {"residual": True}), (SwinIR, {"depths": (2,)})]:
        default, named = started(make, **options), started(make, initialization="near_identity", **options)
        assert all(torch.equal(a, b) for a, b in zip(default.parameters(), named.parameters(), strict=True))
        y = random_images(2, 1, 16, 16, dtype=torch.float32)
        with torch.no_grad():
            assert (default(y) - y).std() < 0.5 * y.std()


def test_dncnn_starts_as_published_with_small_batch_norm_and_an_unscaled_last_layer():
    ours, published = started(DnCNN), started(DnCNN, initialization="published")
    torch.testing.assert_close(published.noise[-1].weight, 10 * ours.noise[-1].weight)
    weights = torch.cat([m.weight for m in published.modules() if isinstance(m, nn.BatchNorm2d)]).detach()
    # |N(0, 2 / 576)| is above 0.025 for two in three, and of either sign.
    assert weights.abs().max() == 0.025
    assert 0.6 < (weights.abs() == 0.025).float().mean() < 0.75 and weights.mean().abs() < 0.003
    assert all((m.bias == 0).all() for m in published.modules() if isinstance(m, nn.BatchNorm2d))
    assert all((m.weight == 1).all() for m in ours.modules() if isinstance(m, nn.BatchNorm2d))


@pytest.mark.parametrize("form", ["ordinary", "scale"])
def test_fdncnn_starts_as_published_where_torch_starts_it(form):
    model = started(FDnCNN, form=form, residual=True, initialization="published")
    torch.manual_seed(0)
    for layer in model.body:
        if isinstance(layer, nn.Conv2d):
            expected = nn.Conv2d(layer.in_channels, layer.out_channels, 3, padding=1, bias=layer.bias is not None)
            assert torch.equal(layer.weight, expected.weight)
            assert layer.bias is None or torch.equal(layer.bias, expected.bias)


def test_swinir_starts_as_published_with_an_unscaled_last_layer():
    ours, published = started(SwinIR, depths=(2,)), started(SwinIR, depths=(2,), initialization="published")
    torch.testing.assert_close(published.reconstruct.weight, 10 * ours.reconstruct.weight)
    torch.testing.assert_close(published.reconstruct.bias, 10 * ours.reconstruct.bias)
    for name, value in ours.state_dict().items():
        assert name.startswith("reconstruct") or torch.equal(value, published.state_dict()[name])


def test_stochastic_depth_rises_from_0_in_the_first_block_to_its_value_in_the_last():
    model = SwinIR(depths=(2, 3), embed_dim=12, heads=2, window=4, drop_path=0.2)
    blocks = [block for group in model.groups for block in group.blocks]
    for path in ("drop_path1", "drop_path2"):
        rates = [getattr(getattr(block, path), "drop_prob", 0.0) for block in blocks]
        assert rates == pytest.approx([0, 0.05, 0.1, 0.15, 0.2])
    without = SwinIR(depths=(2, 3), embed_dim=12, heads=2, window=4)
    assert list(model.state_dict()) == list(without.state_dict())


def test_stochastic_depth_acts_in_training_alone():
    model = started(SwinIR, depths=(2, 2), embed_dim=12, heads=2, window=4, drop_path=0.5)
    y = random_images(8, 1, 8, 8, dtype=torch.float32)
    with torch.no_grad():
        assert not torch.equal(model.train()(y), model(y))
        assert torch.equal(model.eval()(y), model(y))


@pytest.mark.parametrize("drop_path", [-0.1, 1.0])
def test_a_share_that_drops_all_or_less_than_nothing_is_refused(drop_path):
    with pytest.raises(ValueError, match=f"drop_path is a share.*not {drop_path}"):
        SwinIR(drop_path=drop_path)


@pytest.mark.parametrize(
    ("backbone", "option", "known"),
    [
        ("dncnn", "initialization", "'near_identity', 'published'"),
        ("fdncnn", "initialization", "'near_identity', 'published', 'smoothing'"),
        ("swinir", "initialization", "'near_identity', 'published'"),
        ("restormer", "layer_norm", "'bias_free', 'with_bias'"),
    ],
)
def test_an_unknown_value_of_an_option_is_refused_with_the_known_ones(backbone, option, known):
    with pytest.raises(ValueError, match=f"{option} must be one of {known}, not 'publshed'"):
        create_denoiser(backbone, **{option: "publshed"})


@pytest.mark.parametrize(
    ("backbone", "variant", "options"),
    [
        ("dncnn", "wne", {"initialization": "published"}),
        ("fdncnn", "baseline", {"initialization": "published", "last_bias": False}),
        ("fdncnn", "ne_arch", {"initialization": "published", "residual": True}),
        ("swinir", "wne", {"initialization": "published", "drop_path": 0.1}),
        ("restormer", "baseline", {"layer_norm": "with_bias"}),
    ],
    ids=str,
)
def test_a_checkpoint_is_rebuilt_with_its_options(backbone, variant, options, tmp_path):
    size = {**tiny_size(backbone), **options}
    model = create_denoiser(backbone, variant, **size).eval()
    config = {"model": {"backbone": backbone, **size}, "variant": variant, "task": {"channels": 1}}
    save_checkpoint(tmp_path / "run.safetensors", model, config, "fingerprint")
    y = random_images(1, 1, 9, 11, dtype=torch.float32)
    with torch.no_grad():
        torch.testing.assert_close(load_denoiser(tmp_path / "run.safetensors")(y), model(y), rtol=1e-5, atol=1e-5)


def test_the_paper_profile_builds_the_published_networks():
    params = load_params(Path(__file__).parents[2] / "profiles/paper/params.yaml")
    models = {name: spec.size for name, spec in params.models.items()}
    assert all(models[name]["initialization"] == "published" for name in ("dncnn", "fdncnn", "swinir"))
    assert models["swinir"]["drop_path"] == 0.1
    counts = {"dncnn": 667_073, "fdncnn": 665_920, "swinir": 903_121, "restormer": 26_124_052}
    assert {name: parameter_count(name, **models[name]) for name in counts} == counts


# --- shapes and types ---------------------------------------------------------------------------------


@every_denoiser
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_images_of_any_size_keep_their_size(denoiser, size):
    for channels in (1, 3):
        f = tiny_denoiser(*denoiser, channels=channels, dtype=torch.float32)
        y = random_images(2, channels, *size, dtype=torch.float32)
        with torch.no_grad():
            out = f(y)
        assert out.shape == y.shape and out.dtype == y.dtype and torch.isfinite(out).all()


@every_denoiser
def test_train_and_eval_differ_only_through_batch_normalization(denoiser):
    f, y = tiny_denoiser(*denoiser), random_images(2, 1, 9, 11)
    with torch.no_grad():
        same = torch.equal(f.eval()(y), f.train()(y))
    assert same == (denoiser.backbone != "dncnn")  # no dropout, no stochastic depth


@every_denoiser
def test_float32_agrees_with_float64(denoiser):
    y = random_images(2, 1, 9, 11, dtype=torch.float32)
    with torch.no_grad():
        single = tiny_denoiser(*denoiser, dtype=torch.float32)(y)
        double = tiny_denoiser(*denoiser)(y.double())
    # A few dozen layers of unit gain, each with 2^-24 of rounding on values of order 1 to 10.
    torch.testing.assert_close(single.double(), double, rtol=1e-5, atol=1e-5)


@every_denoiser
def test_every_parameter_receives_a_gradient(denoiser):
    f, y = tiny_denoiser(*denoiser).train(), random_images(2, 1, 16, 16)
    (f(y) - 0.5 * y).square().mean().backward()
    for name, parameter in f.named_parameters():
        assert parameter.grad is not None and torch.isfinite(parameter.grad).all(), name
        assert (parameter.grad != 0).any(), name


@pytest.mark.parametrize("backbone", BACKBONES)
def test_no_output_pixel_is_dead(backbone):
    """Every output pixel responds to its own input pixel, at the corners too."""
    f = tiny_denoiser(backbone, "baseline")
    y = random_images(1, 1, 6, 7)
    j = torch.func.jacrev(lambda flat: f(flat.reshape(y.shape)).flatten())(y.flatten())
    assert (j.diagonal() != 0).all()


def test_swinir_shifts_every_other_window():
    """A pixel reaches across a window's border by attention, farther than the convolutions reach."""
    f = tiny_denoiser("swinir", "baseline")
    assert [block.shift_size for block in f.groups[0].blocks] == [(0, 0), (2, 2)]
    y = random_images(1, 1, 16, 16).requires_grad_()
    (gradient,) = torch.autograd.grad(f(y)[0, 0, 0, 0], y)
    # Three convolutions after the blocks reach columns 0 to 3: one window, and one more column of y by the
    # first convolution. Shifted, their windows are 0-1 and 2-5, so two windows of the first block, and 8.
    reach = gradient[0, 0, 0].abs()
    assert reach[5:9].min() > 1e-12
    # The mask adds -100 before a softmax: e^-100, not 0.
    assert reach[9:].max() < 1e-40


def test_depth_and_width_are_what_they_say():
    f = create_denoiser("dncnn", depth=6, width=12)
    convolutions = [module for module in f.modules() if isinstance(module, nn.Conv2d)]
    assert len(convolutions) == 6 and {c.out_channels for c in convolutions[:-1]} == {12}
    assert sum(isinstance(module, nn.BatchNorm2d) for module in f.modules()) == 4


def test_fdncnn_with_a_skip_predicts_the_noise():
    f = FDnCNN(depth=3, width=8, residual=True).double()
    y = random_images(1, 1, 6, 6)
    torch.testing.assert_close(f(y), y - f.body(y), rtol=0, atol=0)
    f.residual = False
    torch.testing.assert_close(f(y), f.body(y), rtol=0, atol=0)


@pytest.mark.parametrize("denoiser", [d for d in list_denoisers() if d.variant in ("baseline", "wne")], ids="-".join)
def test_bfloat16_regions_return_float32_intensities(denoiser):
    f, y = tiny_denoiser(*denoiser, dtype=torch.float32), random_images(1, 1, 16, 16, dtype=torch.float32)
    with torch.no_grad():
        exact = f(y)
        with torch.autocast("cpu", torch.bfloat16):
            out = f(y)
    assert out.dtype == torch.float32
    # bfloat16 is off by 2^-9 a layer; its grid would leave multiples of 2^-8 alone between 0.5 and 1.
    assert (out - exact).abs().max() < 0.1
    assert (out != out.bfloat16()).float().mean() > 0.9


# --- layers -------------------------------------------------------------------------------------------


def test_the_float32_convolution_ignores_autocast():
    layer, x = Float32Conv2d(4, 1, 3, padding=1), random_images(1, 4, 8, 8, dtype=torch.float32)
    expected = layer(x)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(layer(x), expected)
        assert layer(x.bfloat16()).dtype == torch.float32


def test_restormer_s_layer_norm_divides_by_the_deviation_and_keeps_the_mean():
    layer, x = ScaleLayerNorm(6).double(), random_images(2, 6, 4, 5)
    expected = x / (x.var(1, keepdim=True, correction=0) + 1e-5).sqrt()
    torch.testing.assert_close(layer(x), expected)


def test_restormer_s_layer_norm_with_bias_is_torch_s_over_the_channels():
    layer, x = ShiftLayerNorm(6).double(), random_images(2, 6, 4, 5)
    for parameter in layer.parameters():
        parameter.data.copy_(random_images(*parameter.shape))
    weight, bias = layer.weight.flatten(), layer.bias.flatten()
    expected = nn.functional.layer_norm(x.movedim(1, -1), (6,), weight, bias, eps=1e-5).movedim(-1, 1)
    torch.testing.assert_close(layer(x), expected)


def reflected_by_numpy(x: Tensor, left: int, right: int, top: int, bottom: int) -> Tensor:
    """numpy repeats the reflection, so it takes pads of any width."""
    return torch.from_numpy(np.pad(x.numpy(), ((0, 0), (0, 0), (top, bottom), (left, right)), mode="reflect"))


@pytest.mark.parametrize("pad", list(itertools.product((0, 1, 3), repeat=4)), ids=str)
def test_reflect_pad_is_torch_s_wherever_torch_pads(pad):
    x = random_images(2, 3, 4, 5)
    assert torch.equal(reflect_pad(x, *pad), nn.functional.pad(x, pad, mode="reflect"))


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (7, 1), (2, 2), (2, 5), (3, 4)], ids=str)
@pytest.mark.parametrize("pad", [(1, 1, 1, 1), (0, 7, 0, 7), (3, 0, 9, 2), (20, 13, 17, 31)], ids=str)
def test_reflect_pad_repeats_the_reflection_down_to_one_pixel(size, pad):
    x = random_images(2, 3, *size)
    assert torch.equal(reflect_pad(x, *pad), reflected_by_numpy(x, *pad))


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (8, 8), (33, 29)], ids=str)
def test_pad_to_multiple_adds_the_least_at_the_right_and_the_bottom(size):
    x = random_images(1, 2, *size)
    out = pad_to_multiple(x, 8)
    for got, had in zip(out.shape[-2:], size, strict=True):
        assert got % 8 == 0 and had <= got < had + 8
    assert torch.equal(out[..., : size[0], : size[1]], x)
    assert torch.equal(out, reflected_by_numpy(x, 0, out.shape[-1] - size[1], 0, out.shape[-2] - size[0]))


def test_reflect_pad_passes_gradients_back_to_every_pixel_it_repeats():
    x = random_images(1, 1, 2, 3).requires_grad_()
    assert torch.autograd.gradcheck(lambda v: reflect_pad(v, 4, 5, 3, 2), (x,))
