"""The wrapper around backbones of every kind: sizes, extra inputs, structured outputs, 3-D and complex images."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from backbones import BACKBONES, ComplexNet, SigmaConditioned, Volume, backbone, seeded
from conftest import random_images
from wne import (
    InputNormalized,
    NormalizationEquivariant,
    ScaleEquivariant,
    assert_normalization_equivariant,
    create_denoiser,
)

# The large encoders take seconds each.
SLOW = ("timm:swin_tiny_patch4_window7_224", "timm:vit_tiny_patch16_224")
NAMES = [pytest.param(name, marks=pytest.mark.slow if name in SLOW else ()) for name in BACKBONES]
every_backbone = pytest.mark.parametrize("name", NAMES)
OUTPUT = {"lraspp": "out"}


def wrap(name: str) -> nn.Module:
    return NormalizationEquivariant(backbone(name), output=OUTPUT.get(name))


@every_backbone
def test_wrapped_backbones_are_equivariant_at_every_size_and_bare_ones_are_not(name):
    channels = BACKBONES[name][0]
    f = wrap(name)
    for height, width in [(32, 32), (37, 21), (64, 33)]:
        y = random_images(2, channels, height, width, dtype=torch.float32)
        assert_normalization_equivariant(f, y)
        with torch.no_grad():
            assert f(y).shape == y.shape
    if name not in OUTPUT:
        with pytest.raises(AssertionError, match="not normalization equivariant"):
            assert_normalization_equivariant(backbone(name), channels=channels)


@every_backbone
def test_images_of_a_batch_do_not_see_each_other(name):
    f, y = wrap(name), random_images(3, BACKBONES[name][0], 32, 40, dtype=torch.float32)
    y[1] *= 1e4
    with torch.no_grad():
        together = f(y)
        for index in range(3):
            alone = f(y[index : index + 1])
            torch.testing.assert_close(
                together[index : index + 1] / alone.std(), alone / alone.std(), rtol=0, atol=1e-4
            )


@pytest.mark.parametrize("name", [name for name in NAMES if name.values != ("tv",)])
def test_wrapped_backbones_train_and_have_the_names_of_the_backbone(name):
    f, y = wrap(name).train(), random_images(2, BACKBONES[name][0], 32, 32, dtype=torch.float32)
    f(y).square().mean().backward()
    gradients = [parameter.grad for parameter in f.parameters() if parameter.grad is not None]
    assert len(gradients) > 0 and all(torch.isfinite(gradient).all() for gradient in gradients)
    assert list(f.state_dict()) == [f"backbone.{name}" for name in backbone(name).state_dict()]


def test_timm_encoders_have_every_variant_and_say_what_is_wrong():
    y = random_images(1, 3, 18, 50, dtype=torch.float32)
    for variant in ("baseline", "wne", "wse", "wne_input"):
        f = create_denoiser("timm:convnext_atto", variant, channels=3, width=8).eval()
        with torch.no_grad():
            assert f(y).shape == y.shape
    with pytest.raises(ValueError, match=r"timm has no model 'convnext_at'.*convnext_"):
        create_denoiser("timm:convnext_at")
    with pytest.raises(ValueError, match="it does not exist for 'timm:convnext_atto'"):
        create_denoiser("timm:convnext_atto", "ne_arch")
    with pytest.raises(ValueError, match="unexpected keyword argument 'depth'"):
        create_denoiser("timm:convnext_atto", depth=3)


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (31, 3)], ids=str)
def test_timm_encoders_take_images_smaller_than_their_stride(size):
    f = create_denoiser("timm:vit_tiny_patch16_224", "wne", width=8).eval()
    with torch.no_grad():
        assert f(random_images(1, 1, *size, dtype=torch.float32)).shape == (1, 1, *size)


def test_plain_functions_can_be_wrapped():
    f = NormalizationEquivariant(lambda z: z.clamp(-1, 1))
    assert_normalization_equivariant(f, dtype=torch.float64)
    assert f.state_dict() == {}
    with pytest.raises(TypeError, match=r"a torch\.nn\.Module or a function, not str"):
        NormalizationEquivariant("dncnn")


# --- extra inputs and outputs -------------------------------------------------------------------------


def test_extra_inputs_reach_the_backbone_and_leave_the_identity_alone():
    f = NormalizationEquivariant(seeded("sigma", SigmaConditioned).double())
    sigma, label = random_images(2, 1, 24, 20, seed=1), torch.tensor([0, 2])
    assert_normalization_equivariant(lambda y: f(y, sigma, label=label), dtype=torch.float64)
    y = random_images(2, 1, 24, 20)
    assert not torch.equal(f(y, sigma, label=label), f(y, sigma, label=label.flip(0)))
    assert not torch.equal(f(y, sigma, label=label), f(y, 2 * sigma, label=label))


class Two(nn.Module):
    """The image, and something else of another shape."""

    def __init__(self, kind: str):
        super().__init__()
        self.kind = kind

    def forward(self, z: Tensor) -> object:
        image, other = z.tanh(), z.mean((2, 3))
        return {"dict": {"image": image, "features": other}, "tuple": (other, image), "list": [other, image]}[self.kind]


@pytest.mark.parametrize(("kind", "output"), [("dict", "image"), ("tuple", 1), ("list", -1)])
def test_one_result_of_several_can_be_chosen(kind, output):
    y = random_images(2, 1, 24, 20)
    f = NormalizationEquivariant(Two(kind), output=output)
    assert_normalization_equivariant(f, y)
    torch.testing.assert_close(f(y), NormalizationEquivariant(nn.Tanh())(y))


@pytest.mark.parametrize(
    ("kind", "output", "message"),
    [
        ("dict", None, r"must return a tensor.*dict with the keys 'image', 'features'.*output="),
        ("tuple", None, r"must return a tensor.*tuple of 2.*output="),
        ("dict", "picture", r"output='picture': the backbone returned dict with the keys 'image', 'features'"),
        ("tuple", 2, r"output=2: the backbone returned tuple of 2"),
        ("tuple", 0, r"must map \(2, 1, 8, 8\) to the same shape, but it returned \(2, 1\)"),
    ],
)
def test_a_result_that_was_not_or_wrongly_chosen_is_refused(kind, output, message):
    with pytest.raises(ValueError, match=message):
        NormalizationEquivariant(Two(kind), output=output)(torch.rand(2, 1, 8, 8))


# --- volumes and complex images -----------------------------------------------------------------------


def test_volumes_are_equivariant():
    y = random_images(2, 1, 5, 12, 9)
    assert_normalization_equivariant(NormalizationEquivariant(seeded("volume", Volume).double()), y)


def test_complex_images_are_equivariant_under_real_scales_and_complex_shifts():
    f = NormalizationEquivariant(seeded("complex", lambda: ComplexNet(dtype=torch.complex128)))
    y = torch.complex(random_images(2, 1, 12, 9), random_images(2, 1, 12, 9, seed=1))
    for a, b in [(3.0, 0.5 - 2j), (0.1, 1j)]:
        torch.testing.assert_close(f(a * y + b), a * f(y) + b, rtol=0, atol=1e-12)
    assert not torch.allclose(f(1j * y), 1j * f(y), atol=1e-3)  # a phase is not in the group
    constant = torch.full((1, 1, 4, 4), 0.3 - 0.7j)
    assert torch.equal(NormalizationEquivariant(ComplexNet())(constant), constant)


# --- the group action: joint or per channel -----------------------------------------------------------


def test_pooling_per_channel_gives_one_scale_and_one_shift_per_channel():
    y = random_images(2, 3, 24, 20)
    joint = NormalizationEquivariant(seeded("mix", lambda: nn.Conv2d(3, 3, 3, padding=1)).double())
    channel = NormalizationEquivariant(joint.backbone, pool="channel")
    assert_normalization_equivariant(joint, y)
    assert_normalization_equivariant(channel, y)  # the larger group contains the smaller
    assert_normalization_equivariant(channel, y, pool="channel")
    with pytest.raises(AssertionError, match="not normalization equivariant"):
        assert_normalization_equivariant(joint, y, pool="channel")


def test_pooling_per_channel_is_joint_pooling_of_each_channel_for_a_depthwise_backbone():
    y = random_images(2, 3, 12, 9)
    each = NormalizationEquivariant(nn.Tanh())
    expected = torch.cat([each(y[:, c : c + 1]) for c in range(3)], 1)
    torch.testing.assert_close(NormalizationEquivariant(nn.Tanh(), pool="channel")(y), expected)


def test_a_constant_channel_maps_to_itself_whatever_the_others_do():
    y = random_images(1, 3, 8, 8, dtype=torch.float32)
    y[:, 1] = 0.1
    f = NormalizationEquivariant(seeded("mix", lambda: nn.Conv2d(3, 3, 3, padding=1)), pool="channel")
    assert torch.equal(f(y)[:, 1], y[:, 1])


def test_an_unknown_pooling_is_refused():
    with pytest.raises(ValueError, match="pool must be 'joint' or 'channel', not 'pixel'"):
        NormalizationEquivariant(nn.Identity(), pool="pixel")


# --- masks --------------------------------------------------------------------------------------------


def masked(f: nn.Module, mask: Tensor):
    return lambda y: f(y, mask=mask)


@pytest.mark.parametrize("prediction", ["direct", "residual"])
@pytest.mark.parametrize("pool", ["joint", "channel"])
def test_masked_entries_have_no_influence_whatever_they_hold(pool, prediction):
    f = NormalizationEquivariant(seeded("mix", lambda: nn.Conv2d(3, 3, 3, padding=1)).double(), prediction, pool=pool)
    y, mask = random_images(2, 3, 24, 20), random_images(2, 1, 24, 20, seed=1) > 0.3
    expected = f(y, mask=mask)
    assert torch.isfinite(expected).all()
    for junk in (0.0, 1e30, float("inf"), float("nan")):
        assert torch.equal(f(torch.where(mask, y, junk), mask=mask), expected)
    assert_normalization_equivariant(masked(f, mask), y, pool=pool)


@pytest.mark.parametrize("prediction", ["direct", "residual"])
@pytest.mark.parametrize("wrapper", [ScaleEquivariant, InputNormalized])
def test_masked_entries_have_no_influence_on_the_other_wrappers_either(wrapper, prediction):
    f = wrapper(seeded("mix", lambda: nn.Conv2d(3, 3, 3, padding=1)).double(), prediction)
    y, mask = random_images(2, 3, 24, 20), random_images(2, 1, 24, 20, seed=1) > 0.3
    expected = f(y, mask=mask)
    assert torch.isfinite(expected).all()
    for junk in (0.0, float("inf"), float("nan")):
        assert torch.equal(f(torch.where(mask, y, junk), mask=mask), expected)


def test_statistics_under_a_mask_are_those_of_what_is_left():
    from wne import instance_statistics

    y, mask = random_images(1, 2, 6, 5), random_images(1, 2, 6, 5, seed=1) > 0.4
    left = y[mask]
    _, mean, std = instance_statistics(y, mask)
    torch.testing.assert_close(mean.item(), left.mean().item())
    torch.testing.assert_close(std.item(), left.std(correction=0).item())
    _, mean, std = instance_statistics(y, mask, "channel")
    for channel in range(2):
        left = y[:, channel][mask[:, channel]]
        torch.testing.assert_close(mean[0, channel].item(), left.mean().item())
        torch.testing.assert_close(std[0, channel].item(), left.std(correction=0).item())


def test_a_mask_of_true_changes_nothing_and_padding_can_be_masked_away():
    f = NormalizationEquivariant(nn.Tanh())
    y = random_images(1, 1, 12, 9)
    torch.testing.assert_close(f(y, mask=torch.ones(1, 1, 1, 1, dtype=torch.bool)), f(y))
    padded = nn.functional.pad(y, (0, 7, 0, 4))
    mask = nn.functional.pad(torch.ones(1, 1, 12, 9), (0, 7, 0, 4)) > 0
    torch.testing.assert_close(f(padded, mask=mask)[..., :12, :9], f(y))
    assert not torch.allclose(f(padded)[..., :12, :9], f(y))


def test_an_image_without_valid_entries_is_nan_and_the_others_are_not():
    y = random_images(3, 1, 6, 5, dtype=torch.float32)
    mask = torch.tensor([True, False, True])[:, None, None, None]
    out = NormalizationEquivariant(nn.Tanh())(y, mask=mask)
    assert out[1].isnan().all() and torch.isfinite(out[[0, 2]]).all()


@pytest.mark.parametrize(
    ("mask", "error", "message"),
    [
        (torch.ones(1, 1, 4, 4), TypeError, "dtype bool.*float32"),
        (torch.ones(4, 4) > 0, ValueError, r"\(4, 4\) does not broadcast to the image's \(2, 3, 4, 4\)"),
        (torch.ones(2, 2, 4, 4) > 0, ValueError, "does not broadcast"),
    ],
)
def test_masks_that_do_not_fit_are_refused(mask, error, message):
    with pytest.raises(error, match=message):
        NormalizationEquivariant(nn.Identity())(torch.rand(2, 3, 4, 4), mask=mask)
