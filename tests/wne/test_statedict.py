"""Names of parameters: torch's own, with bare state dicts accepted; and the tools that go by those names."""

from __future__ import annotations

import copy

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.distributed.checkpoint.state_dict import get_model_state_dict, set_model_state_dict
from torch.optim.swa_utils import AveragedModel

from conftest import random_images, tiny_denoiser
from wne import load_state_dict
from wne.models import list_denoisers
from wne.statedict import BackboneHolder
from wne.tiling import Tiled, tiled
from wne.wrapper import InputNormalized, NormalizationEquivariant, ScaleEquivariant

WRAPPERS = [NormalizationEquivariant, ScaleEquivariant, InputNormalized]
WRAPPED = [d for d in list_denoisers() if d.variant in ("wne", "wse", "wne_input")]


def small_network() -> nn.Sequential:
    """A network with everything that a state dict holds: weights, biases, buffers."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.Tanh(), nn.Conv2d(4, 1, 1)).double()


def zeroed(model: nn.Module) -> nn.Module:
    model = copy.deepcopy(model)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
    return model


def same(a: nn.Module, b: nn.Module) -> bool:
    pairs = zip(a.parameters(), b.parameters(), strict=True)
    return all(torch.equal(p, q) for p, q in pairs)


# --- names --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wrapper", WRAPPERS)
def test_the_names_are_torch_s_own(wrapper):
    backbone = small_network()
    f = wrapper(backbone)
    assert list(f.state_dict()) == [f"backbone.{name}" for name in backbone.state_dict()]
    assert {name for name, _ in f.named_parameters()} < set(f.state_dict())
    assert [id(p) for p in f.parameters()] == [id(p) for p in backbone.parameters()]
    assert [id(b) for b in f.buffers()] == [id(b) for b in backbone.buffers()]


@pytest.mark.parametrize("denoiser", WRAPPED, ids="-".join)
def test_state_dicts_move_between_wrapped_and_bare(denoiser, tmp_path):
    wrapped, bare = tiny_denoiser(*denoiser), tiny_denoiser(denoiser.backbone, "baseline")
    for target in (zeroed(bare), zeroed(wrapped)):
        for source in (bare, wrapped):
            target = zeroed(target)
            assert not same(target, source)
            load_state_dict(target, source.state_dict())
            assert same(target, source)
    target = zeroed(wrapped)
    target.load_state_dict(bare.state_dict())  # torch's own method takes the bare ones too
    assert same(target, bare)
    save_file(wrapped.state_dict(), tmp_path / "denoiser.safetensors")
    target = zeroed(wrapped)
    target.load_state_dict(load_file(tmp_path / "denoiser.safetensors"))
    assert same(target, wrapped)


class HasBackbone(nn.Module):
    """A module with a submodule `backbone` whose parameters have the names of its own."""

    def __init__(self, own_first: bool):
        super().__init__()
        for name in ("head", "backbone") if own_first else ("backbone", "head"):
            inner = nn.Conv2d(1, 1, 1)
            setattr(self, name, inner if name == "head" else nn.ModuleDict({"head": inner}))

    def forward(self, z: Tensor) -> Tensor:
        return self.backbone["head"](self.head(z))


NESTED = {
    "inside a larger model": lambda: nn.Sequential(nn.Conv2d(1, 1, 1), NormalizationEquivariant(nn.Conv2d(1, 1, 3))),
    "wrapper in wrapper": lambda: NormalizationEquivariant(ScaleEquivariant(nn.Conv2d(1, 1, 1))),
    "wrapper in Sequential in wrapper": lambda: NormalizationEquivariant(
        nn.Sequential(ScaleEquivariant(nn.Sequential(nn.Conv2d(1, 1, 1))), NormalizationEquivariant(nn.Conv2d(1, 1, 1)))
    ),
    "two wrappers side by side": lambda: nn.Sequential(*(NormalizationEquivariant(nn.Conv2d(1, 1, 1)) for _ in "ab")),
    "a backbone named backbone": lambda: NormalizationEquivariant(HasBackbone(own_first=False)),
    "a backbone named backbone, reversed": lambda: NormalizationEquivariant(HasBackbone(own_first=True)),
    "inside a module named backbone": lambda: nn.ModuleDict({"backbone": NormalizationEquivariant(nn.Linear(2, 2))}),
    "tiles": lambda: Tiled(nn.Conv2d(1, 1, 1), tile=8),
}


def without_holders(model: nn.Module) -> nn.Module:
    outer = nn.ModuleDict({"model": copy.deepcopy(model)})
    for parent in [outer, *outer.modules()]:
        for name, child in parent.named_children():
            while isinstance(child, BackboneHolder):
                child = child.backbone
                parent._modules[name] = child
    return outer["model"]


@pytest.mark.parametrize("make", NESTED.values(), ids=NESTED)
def test_bare_state_dicts_load_into_every_nesting(make, generator):
    model = make()
    for parameter in model.parameters():
        nn.init.normal_(parameter, generator=generator)
    bare = without_holders(model).state_dict()
    assert not any(name.startswith("backbone.backbone.backbone") for name in bare)
    # In the other order too: a state dict may come back sorted from a file.
    for given_state in (bare, dict(reversed(bare.items())), model.state_dict()):
        other = make()
        before = dict(given_state)
        other.load_state_dict(given_state, strict=True)
        assert list(before) == list(given_state)  # the caller's dict is left alone
        assert same(other, model)


@pytest.mark.parametrize("load", [lambda f, s: f.load_state_dict(s), load_state_dict], ids=["torch's", "ours"])
@pytest.mark.parametrize("prefix", ["", "backbone."])
def test_loading_is_as_strict_as_without_the_wrapper(load, prefix):
    f = NormalizationEquivariant(nn.Conv2d(1, 1, 3))
    weight, bias = torch.zeros(1, 1, 3, 3), torch.zeros(1)
    with pytest.raises(RuntimeError, match=r"Missing key.*backbone\.bias"):
        load(f, {f"{prefix}weight": weight})
    with pytest.raises(RuntimeError, match="Unexpected key"):
        load(f, {f"{prefix}weight": weight, f"{prefix}bias": bias, "scale": torch.zeros(1)})
    with pytest.raises(RuntimeError, match="size mismatch"):
        load(f, {f"{prefix}weight": weight[..., 1:], f"{prefix}bias": bias})
    with pytest.raises(RuntimeError, match="Missing key"):
        load(f, {})
    assert f.load_state_dict({f"{prefix}weight": weight}, strict=False).missing_keys == ["backbone.bias"]
    assert (f.backbone.weight == 0).all()


def test_parameters_of_a_subclass_are_saved_and_loaded():
    class Calibrated(NormalizationEquivariant):
        def __init__(self, backbone: nn.Module):
            super().__init__(backbone)
            self.gain = nn.Parameter(torch.tensor(2.0))

    f, other = Calibrated(nn.Conv2d(1, 1, 3)), Calibrated(nn.Conv2d(1, 1, 3))
    other.load_state_dict(zeroed(f).state_dict())
    assert other.gain == 0 and (other.backbone.weight == 0).all()
    # The bare weights with the wrapper's own parameter.
    other.load_state_dict({**f.backbone.state_dict(), "gain": torch.tensor(5.0)})
    assert other.gain == 5 and torch.equal(other.backbone.weight, f.backbone.weight)


def test_copies_and_pickles_keep_the_names(tmp_path):
    y = random_images(1, 1, 6, 6)
    for f in (NormalizationEquivariant(small_network()), tiled(NormalizationEquivariant(small_network()), tile=4)):
        f.eval()
        torch.save(f, tmp_path / "f.pt")
        for copied in (copy.deepcopy(f), torch.load(tmp_path / "f.pt", weights_only=False)):
            assert list(copied.state_dict()) == list(f.state_dict())
            assert torch.equal(copied(y), f(y))


# --- tools --------------------------------------------------------------------------------------------


def test_functional_call_uses_the_state_dict_it_is_given():
    f, y = NormalizationEquivariant(small_network()).eval(), random_images(1, 1, 8, 8)
    doubled = {name: 2 * value for name, value in f.state_dict().items() if value.is_floating_point()}
    expected = copy.deepcopy(f)
    expected.load_state_dict(doubled, strict=False)
    out = torch.func.functional_call(f, doubled, (y,))
    assert torch.equal(out, expected(y)) and not torch.allclose(out, f(y))


def test_a_moving_average_by_name_reaches_every_parameter():
    f = NormalizationEquivariant(small_network())
    average = {name: torch.full_like(parameter, 7.0) for name, parameter in f.named_parameters()}
    result = f.load_state_dict(average, strict=False)
    assert not result.unexpected_keys and all("running" in name or "num" in name for name in result.missing_keys)
    assert all((parameter == 7).all() for parameter in f.parameters())


@pytest.mark.parametrize("tile", [None, 4])
def test_averaged_models_and_their_state_dicts(tile):
    f = NormalizationEquivariant(small_network()).eval()
    f = f if tile is None else tiled(f, tile)
    average = AveragedModel(f)
    average.update_parameters(zeroed(f))
    average.update_parameters(f)
    other = AveragedModel(zeroed(f))
    other.load_state_dict(average.state_dict())
    y = random_images(1, 1, 6, 6)
    assert torch.equal(other(y), average(y)) and not torch.allclose(average(y), f(y))


def test_distributed_checkpoints_find_every_parameter():
    f = NormalizationEquivariant(small_network())
    state = get_model_state_dict(f)
    assert set(state) == set(f.state_dict())
    other = zeroed(f)
    set_model_state_dict(other, state)
    assert same(other, f)


def test_fully_sharded_training_finds_every_parameter(tmp_path):
    import torch.distributed as dist
    from torch.distributed.fsdp import fully_shard

    dist.init_process_group("gloo", init_method=f"file://{tmp_path}/rendezvous", rank=0, world_size=1)
    try:
        mesh = torch.distributed.device_mesh.init_device_mesh("cpu", (1,))
        f = NormalizationEquivariant(small_network())
        expected = {name: value.clone() for name, value in f.state_dict().items()}
        fully_shard(f, mesh=mesh)
        state = get_model_state_dict(f)
        assert set(state) == set(expected)
        for name, value in expected.items():
            assert torch.equal(state[name].full_tensor() if hasattr(state[name], "full_tensor") else state[name], value)
    finally:
        dist.destroy_process_group()


def test_peft_writes_and_reads_its_adapters(tmp_path):
    import peft

    def network() -> nn.Module:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            layers = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.Tanh(), nn.Conv2d(4, 1, 3, padding=1))
        return NormalizationEquivariant(layers)

    config = peft.LoraConfig(r=2, target_modules=["0", "2"])
    adapted = peft.get_peft_model(network(), config)
    with torch.no_grad():
        for name, parameter in adapted.named_parameters():
            if "lora" in name:
                parameter.add_(0.1)
    adapted.save_pretrained(tmp_path)
    assert len(load_file(tmp_path / "adapter_model.safetensors")) == 4  # two layers, A and B
    again = peft.PeftModel.from_pretrained(network(), tmp_path)
    y = random_images(1, 1, 8, 8, dtype=torch.float32)
    with torch.no_grad():
        assert torch.equal(again(y), adapted(y)) and not torch.allclose(adapted(y), network()(y))
