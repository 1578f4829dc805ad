"""The layers of the architectural forms, and the two forms of FDnCNN as a whole."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from conftest import random_images, tiny_denoiser
from wne.equivariance import equivariance_defect
from wne.models import create_denoiser
from wne.models.affine import AffineConv2d, AffineResidual, SortPool
from wne.models.dncnn import FDnCNN

ROUNDING = dict(rtol=1e-12, atol=1e-12)  # float64, values of order 1 to 100, up to 72 terms a sum


def affine_convolution(fan_in: int, fan_out: int, generator: torch.Generator, **options: object) -> AffineConv2d:
    layer = AffineConv2d(fan_in, fan_out, **options).double()
    nn.init.normal_(layer.weight, std=0.5, generator=generator)
    return layer


def trained(model: nn.Module, steps: int = 20) -> nn.Module:
    """The constraint must survive what an optimizer does to the free parameters."""
    y = random_images(4, 1, 9, 11)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(steps):
        optimizer.zero_grad()
        (model(y) - y.square()).square().mean().backward()
        optimizer.step()
    return model


# --- affine convolution -------------------------------------------------------------------------------


CONSTRAINTS = ["projection", "differences"]


@pytest.mark.parametrize("constraint", CONSTRAINTS)
@pytest.mark.parametrize("shape", [(1, 1), (1, 8), (8, 3)], ids=str)
@pytest.mark.parametrize("kernel", [1, 3, 5])
def test_constrained_weights_sum_to_one_for_each_output_channel(shape, kernel, constraint, generator):
    layer = affine_convolution(*shape, generator, kernel=kernel, constraint=constraint)
    assert not torch.allclose(layer.weight.sum((1, 2, 3)), torch.ones(shape[1], dtype=torch.float64))
    torch.testing.assert_close(
        layer.constrained_weight().sum((1, 2, 3)), torch.ones(shape[1], dtype=torch.float64), **ROUNDING
    )


def test_the_constraint_is_the_nearest_point_of_the_affine_subspace(generator):
    """An orthogonal projection: idempotent, and what it changes is constant over the weights of a channel."""
    layer = affine_convolution(3, 5, generator)
    projected = layer.constrained_weight().detach()
    change = projected - layer.weight.detach()
    torch.testing.assert_close(change, change[:, :1, :1, :1].expand_as(change), **ROUNDING)
    layer.weight.data.copy_(projected)
    torch.testing.assert_close(layer.constrained_weight(), projected, **ROUNDING)


def test_the_published_constraint_takes_differences_along_the_flattened_weights(generator):
    layer = affine_convolution(2, 3, generator, constraint="differences")
    v, w = layer.weight.detach().reshape(3, 18), layer.constrained_weight().detach().reshape(3, 18)
    for channel in range(3):
        for index in range(18):  # the first one's neighbour is the last one, of the same channel
            expected = v[channel, index - 1] - v[channel, index] + 1 / 18
            torch.testing.assert_close(w[channel, index], expected, **ROUNDING)


def test_the_published_constraint_reaches_every_weight_of_the_projection(generator):
    """W = roll(V, 1) - V + 1 / n is solved by V = -cumsum(W - 1 / n), because the last sum is 0."""
    w = affine_convolution(3, 5, generator).constrained_weight().detach()
    layer = AffineConv2d(3, 5, constraint="differences").double()
    layer.weight.data.copy_(-(w.flatten(1) - 1 / 27).cumsum(1).view_as(w))
    torch.testing.assert_close(layer.constrained_weight(), w, **ROUNDING)


def test_the_published_constraint_starts_as_torch_s_convolution_does():
    torch.manual_seed(0)
    expected = nn.Conv2d(8, 16, 3, bias=False).weight
    torch.manual_seed(0)
    assert torch.equal(AffineConv2d(8, 16, constraint="differences").weight, expected)


def test_an_unknown_constraint_is_refused():
    with pytest.raises(ValueError, match="constraint must be one of 'projection', 'differences', not 'difference'"):
        AffineConv2d(1, 1, constraint="difference")


@pytest.mark.parametrize("constraint", CONSTRAINTS)
def test_the_constraint_survives_training(constraint):
    layer = AffineConv2d(1, 1, constraint=constraint).double()
    before = layer.weight.detach().clone()
    trained(layer)
    assert (layer.weight - before).abs().max() > 0.05
    torch.testing.assert_close(layer.constrained_weight().sum(), torch.tensor(1.0).double(), **ROUNDING)


@pytest.mark.parametrize("constraint", CONSTRAINTS)
@pytest.mark.parametrize("kernel", [1, 3, 5])
def test_affine_convolution_commutes_with_scale_and_shift(kernel, constraint, generator):
    layer = affine_convolution(2, 3, generator, kernel=kernel, constraint=constraint)
    y = random_images(2, 2, 7, 6)
    torch.testing.assert_close(layer(5 * y - 8), 5 * layer(y) - 8, **ROUNDING)
    constant = torch.full((2, 3, 7, 6), 0.1, dtype=torch.float64)
    torch.testing.assert_close(layer(constant[:, :2]), constant, **ROUNDING)


def test_zero_padding_would_break_the_shift_at_the_border(generator):
    layer, y = affine_convolution(1, 1, generator), random_images(1, 1, 7, 6)

    def padded_with_zeros(x: Tensor) -> Tensor:
        return nn.functional.conv2d(x, layer.constrained_weight(), padding=1)

    error = (padded_with_zeros(y + 1) - (padded_with_zeros(y) + 1)).abs()
    assert error[..., 1:-1, 1:-1].max() < 1e-12 < 1e-2 < error.max()


def test_affine_convolution_is_torch_s_with_reflected_borders(generator):
    layer, y = affine_convolution(2, 3, generator), random_images(2, 2, 7, 6)
    reference = nn.Conv2d(2, 3, 3, padding=1, padding_mode="reflect", bias=False).double()
    reference.weight.data.copy_(layer.constrained_weight())
    torch.testing.assert_close(layer(y), reference(y), **ROUNDING)


# --- sorting ------------------------------------------------------------------------------------------


def test_sort_pool_orders_the_pair_of_channels_c_and_c_plus_half():
    x = random_images(2, 6, 4, 5) - 0.5
    out = SortPool()(x)
    assert (out[:, :3] <= out[:, 3:]).all()
    for channel in range(3):
        pair, sorted_pair = x[:, [channel, channel + 3]], out[:, [channel, channel + 3]]
        assert torch.equal(sorted_pair, pair.sort(dim=1).values)


def test_sort_pool_keeps_norms_and_is_idempotent():
    x = random_images(2, 6, 4, 5) - 0.5
    out = SortPool()(x)
    assert torch.equal(out.flatten().sort().values, x.flatten().sort().values)
    assert torch.equal(SortPool()(out), out)


def test_sort_pool_commutes_with_scale_and_shift_and_not_with_a_sign():
    x = random_images(2, 6, 4, 5) - 0.5
    # Powers of two and a shift that costs no bit: order commutes exactly, so equality is exact.
    assert torch.equal(SortPool()(4 * x), 4 * SortPool()(x))
    torch.testing.assert_close(SortPool()(5 * x - 8), 5 * SortPool()(x) - 8, **ROUNDING)
    assert not torch.allclose(SortPool()(-x), -SortPool()(x))
    # The control: ReLU does not commute with a shift.
    assert not torch.allclose(torch.relu(x + 1), torch.relu(x) + 1)


def min_and_max(x: Tensor) -> Tensor:
    u, v = x.chunk(2, dim=1)
    return torch.cat((torch.minimum(u, v), torch.maximum(u, v)), dim=1)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16, torch.float16], ids=str)
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last], ids=str)
def test_sort_pool_is_minimum_and_maximum_whether_or_not_gradients_are_recorded(dtype, layout):
    x = (random_images(2, 6, 4, 5, dtype=dtype) - 0.5).contiguous(memory_format=layout)
    x[0, 1], x[0, 4] = 1e-4, 3e4  # far apart: the difference rounds
    x[1, 2] = x[1, 5]
    x[0, 0, 0, 0] = x[1, 4, 1, 1] = float("nan")
    expected = min_and_max(x)
    assert expected.isnan().sum() == 4  # both of each pair
    for recorded in (False, True):
        with torch.set_grad_enabled(recorded):
            out = SortPool()(x)
        assert out.dtype == dtype and out.is_contiguous(memory_format=layout)
        torch.testing.assert_close(out, expected, rtol=0, atol=0, equal_nan=True)


def test_sort_pool_keeps_the_type_and_the_recorded_graph_under_autocast():
    x = random_images(2, 6, 4, 5, dtype=torch.bfloat16).requires_grad_()
    with torch.autocast("cpu", torch.bfloat16):
        out = SortPool()(x)
        assert out.dtype == torch.bfloat16 and torch.equal(out, min_and_max(x))
    assert torch.autograd.grad(out.sum(), x)[0].dtype == torch.bfloat16


def test_sort_pool_has_exact_first_and_second_derivatives():
    x = (random_images(2, 4, 3, 2) - 0.5).requires_grad_()
    f = SortPool()
    assert torch.autograd.gradcheck(f, (x,), check_forward_ad=True, check_batched_grad=True)
    assert torch.autograd.gradgradcheck(lambda v: f(v) * f(v * v), (x,), check_fwd_over_rev=True)


def test_the_gradient_of_a_tie_takes_the_pair_as_ordered():
    x = torch.full((1, 2, 1, 1), 0.3, dtype=torch.float64, requires_grad=True)
    (gradient,) = torch.autograd.grad(SortPool()(x), x, torch.tensor([2.0, 5.0]).double().view(1, 2, 1, 1))
    assert gradient.flatten().tolist() == [2, 5]


def test_sort_pool_passes_through_vmap_jvp_compile_and_export():
    f, x, t = SortPool(), random_images(3, 2, 4, 3, 2) - 0.5, random_images(3, 2, 4, 3, 2, seed=1)
    expected = torch.stack([min_and_max(image) for image in x])
    assert torch.equal(torch.func.vmap(f)(x), expected)
    out, tangent = torch.func.jvp(f, (x[0],), (t[0],))
    order = x[0].unflatten(1, (2, 2)).argsort(1)
    assert torch.equal(out, expected[0])
    assert torch.equal(tangent, t[0].unflatten(1, (2, 2)).gather(1, order).flatten(1, 2))

    y = x[0].clone().requires_grad_()
    compiled = torch.compile(f, fullgraph=True, backend="aot_eager")
    assert torch.equal(compiled(y), expected[0])
    assert torch.equal(
        torch.autograd.grad(compiled(y).square().sum(), y)[0], torch.autograd.grad(f(y).square().sum(), y)[0]
    )
    assert torch.equal(torch.export.export(f, (torch.ones(2, 4, 3, 2).double(),)).module()(x[0]), expected[0])


# --- affine residual ----------------------------------------------------------------------------------


@pytest.mark.parametrize("t", [-0.5, 0.0, 0.3, 1.0, 2.0])
def test_affine_residual_lets_the_shift_pass_once(t, generator):
    branch, y = affine_convolution(1, 1, generator), random_images(2, 1, 7, 6)
    layer = AffineResidual(branch).double()
    nn.init.constant_(layer.t, t)
    torch.testing.assert_close(layer(5 * y - 8), 5 * layer(y) - 8, **ROUNDING)
    torch.testing.assert_close(layer(y), (1 - t) * y + t * branch(y), **ROUNDING)


def test_an_ordinary_residual_would_pass_the_shift_twice(generator):
    branch, y = affine_convolution(1, 1, generator), random_images(2, 1, 7, 6)
    assert ((y + 1 + branch(y + 1)) - (y + branch(y)) - 2).abs().max() < 1e-12


# --- the whole networks -------------------------------------------------------------------------------


def defects(f: nn.Module, *maps: tuple[float, float]) -> list[float]:
    y = random_images(2, 1, 9, 11)
    return [equivariance_defect(f, y, torch.tensor([a] * 2), torch.tensor([b] * 2)).sharp.max().item() for a, b in maps]


SCALE, SHIFT, BOTH = (2.5, 0.0), (1.0, 7.0), (0.5, -1.0)


@pytest.mark.parametrize("residual", [False, True], ids=["direct", "residual"])
@pytest.mark.parametrize("after", [lambda model: model, trained], ids=["initial", "trained"])
def test_the_published_start_of_ne_arch_is_normalization_equivariant(residual, after):
    torch.manual_seed(0)
    options = {"residual": residual, "form": "normalization", "initialization": "published"}
    model = after(FDnCNN(depth=4, width=8, **options).double())
    assert max(defects(model, SCALE, SHIFT, BOTH)) < 1e-12


def test_the_published_start_of_ne_arch_is_smoother_than_ours():
    """About 0.024 and 0.07 at paper size on white noise of standard deviation 0.29."""
    y, spread = random_images(1, 1, 32, 32, dtype=torch.float32), {}
    for initialization in ("near_identity", "published"):
        torch.manual_seed(0)
        with torch.no_grad():
            spread[initialization] = create_denoiser("fdncnn", "ne_arch", initialization=initialization)(y).std().item()
    assert 0.015 < spread["published"] < 0.035 < 0.05 < spread["near_identity"] < 0.1


@pytest.mark.parametrize("residual", [False, True], ids=["direct", "residual"])
@pytest.mark.parametrize("after", [lambda model: model, trained], ids=["initial", "trained"])
def test_each_form_has_its_symmetry_and_no_more(residual, after):
    def make(form: str) -> nn.Module:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            model = FDnCNN(depth=4, width=8, residual=residual, form=form).double()
        if form == "ordinary":
            # Biases start at 0, where the ordinary form is still the bias-free one.
            for name, parameter in model.named_parameters():
                if name.endswith("bias"):
                    nn.init.constant_(parameter, 0.2)
        return after(model)

    assert max(defects(make("normalization"), SCALE, SHIFT, BOTH)) < 1e-12
    scale = make("scale")
    assert defects(scale, SCALE)[0] < 1e-12
    assert min(defects(scale, SHIFT, BOTH)) > 1e-2
    assert min(defects(make("ordinary"), SCALE, SHIFT, BOTH)) > 1e-2


def test_ne_arch_keeps_constants_and_se_arch_does_not():
    f = tiny_denoiser("fdncnn", "ne_arch")
    y = torch.full((1, 1, 9, 11), 0.1, dtype=torch.float64)
    with torch.no_grad():
        torch.testing.assert_close(f(y), y, **ROUNDING)
        assert not torch.allclose(tiny_denoiser("fdncnn", "se_arch")(y), y)


def test_architectural_forms_have_neither_biases_nor_normalization_layers():
    for variant in ("se_arch", "ne_arch"):
        model = create_denoiser("fdncnn", variant, depth=4, width=8)
        assert all(parameter.ndim == 4 for parameter in model.parameters())
        assert not list(model.buffers())
    assert any(parameter.ndim == 1 for parameter in create_denoiser("fdncnn", depth=4, width=8).parameters())


def test_the_residual_normalization_form_mixes_with_a_trainable_scalar():
    model = FDnCNN(depth=4, width=8, residual=True, form="normalization").double()
    assert isinstance(model.body, AffineResidual) and model.body.t.shape == ()
    before = model.body.t.item()
    trained(model, steps=3)
    assert model.body.t.item() != before


def test_the_last_layer_ignores_autocast_and_the_others_do_not():
    model = FDnCNN(depth=3, width=8, form="normalization")
    seen = []
    for layer in model.body:
        layer.register_forward_hook(lambda _, __, out: seen.append(out.dtype))
    with torch.autocast("cpu", torch.bfloat16):
        model(random_images(1, 1, 8, 8, dtype=torch.float32))
    assert seen == [torch.bfloat16] * 4 + [torch.float32]
