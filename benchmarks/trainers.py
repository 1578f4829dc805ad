"""A small wrapped network trained, saved and loaded by what people train networks with."""

from __future__ import annotations

import tempfile
import warnings
from pathlib import Path

import torch
from torch import Tensor, nn

from wne import NormalizationEquivariant, create_denoiser
from wne.adapters.pickles import convert_weights
from wne.checkpoints import load_weights

SIZE = {"depth": 4, "width": 8}
STEPS = 20


def data() -> tuple[Tensor, Tensor]:
    """Noisy and clean ramps, (64, 1, 16, 16) each, in [0, 1] but for the noise."""
    random = torch.Generator().manual_seed(0)
    clean = torch.rand(64, 1, 1, 1, generator=random) * torch.linspace(0.2, 1, 16).expand(64, 1, 16, 16)
    return clean + 0.1 * torch.randn(clean.shape, generator=random), clean


def error(f: nn.Module) -> float:
    noisy, clean = data()
    with torch.no_grad():
        return float(nn.functional.mse_loss(f(noisy), clean))


def same(f: nn.Module, g: nn.Module) -> bool:
    noisy = data()[0]
    with torch.no_grad():
        return torch.equal(f.eval()(noisy), g.eval()(noisy))


def lightning() -> str:
    import lightning

    class Training(lightning.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.model = create_denoiser("dncnn", "wne", **SIZE)

        def training_step(self, batch: list[Tensor], index: int) -> Tensor:
            return nn.functional.mse_loss(self.model(batch[0]), batch[1])

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.Adam(self.parameters(), 1e-3)

    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings(action="ignore"):
        torch.manual_seed(0)
        module = Training()
        before = error(module.model)
        quiet = dict.fromkeys(("logger", "enable_checkpointing", "enable_progress_bar", "enable_model_summary"), False)
        trainer = lightning.Trainer(accelerator="cpu", max_steps=STEPS, default_root_dir=folder, **quiet)
        trainer.fit(module, torch.utils.data.DataLoader(torch.utils.data.TensorDataset(*data()), batch_size=8))
        assert trainer.global_step == STEPS and error(module.model) < before
        saved, converted = Path(folder, "last.ckpt"), Path(folder, "net.safetensors")
        trainer.save_checkpoint(saved)
        assert same(Training.load_from_checkpoint(saved, weights_only=True).model, module.model)
        convert_weights(saved, converted, "state_dict", "model.")
        fresh = create_denoiser("dncnn", "wne", **SIZE)
        load_weights(fresh, converted)
        assert same(fresh, module.model)
    return f"trained {STEPS} steps; its checkpoint loaded by it, and converted: the same output"


def skorch() -> str:
    from sklearn.base import clone
    from skorch import NeuralNetRegressor

    noisy, clean = (images.numpy() for images in data())
    options = {f"module__{name}": value for name, value in {"backbone": "dncnn", "variant": "wne", **SIZE}.items()}
    epochs, batch = 4, 16
    torch.manual_seed(0)
    regressor = NeuralNetRegressor(
        create_denoiser, **options, optimizer=torch.optim.Adam, lr=1e-3, train_split=None, verbose=0,
        max_epochs=epochs, batch_size=batch,
    ).initialize()  # fmt: skip
    before = error(regressor.module_)
    regressor.partial_fit(noisy, clean)
    assert error(regressor.module_) < before
    with tempfile.TemporaryDirectory() as folder:
        saved, again = Path(folder, "net.safetensors"), clone(regressor).initialize()
        regressor.save_params(f_params=saved, use_safetensors=True)
        again.load_params(f_params=saved, use_safetensors=True)
        assert same(again.module_, regressor.module_)
        fresh = create_denoiser("dncnn", "wne", **SIZE)
        load_weights(fresh, saved)
        assert same(fresh, regressor.module_)
    return f"trained {epochs * len(noisy) // batch} steps; its safetensors loaded by it, and by the library: the same output"


def peft() -> str:
    import peft

    def network() -> nn.Module:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            layers = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.Tanh(), nn.Conv2d(8, 1, 3, padding=1))
        return NormalizationEquivariant(layers)

    torch.manual_seed(0)
    adapted = peft.get_peft_model(network(), peft.LoraConfig(r=2, target_modules=["0", "2"]))
    optimizer = torch.optim.Adam([p for p in adapted.parameters() if p.requires_grad], 1e-2)
    before, (noisy, clean) = error(adapted), data()
    for _ in range(STEPS):
        optimizer.zero_grad()
        nn.functional.mse_loss(adapted(noisy), clean).backward()
        optimizer.step()
    assert error(adapted) < before
    with tempfile.TemporaryDirectory() as folder:
        adapted.save_pretrained(folder)
        assert same(peft.PeftModel.from_pretrained(network(), folder), adapted)
    return f"LoRA trained {STEPS} steps, saved and loaded: the same output"
