"""Writes docs/api.md: signatures and docstrings of the public names.

python docs/make_api.py
"""

from __future__ import annotations

import inspect
import re
from importlib import import_module
from pathlib import Path

# Section -> (what it is for, "module:name" in reading order).
SECTIONS: dict[str, tuple[str, tuple[str, ...]]] = {
    "Wrappers": (
        "Around any backbone.",
        ("wne.wrapper:NormalizationEquivariant", "wne.wrapper:BackboneWrapper.forward",
         "wne.wrapper:ScaleEquivariant", "wne.wrapper:InputNormalized",
         "wne.moments:instance_statistics", "wne.moments:normalize"),
    ),
    "Sizes of images": (
        "Large ones by tiles, and any size for networks that need multiples.",
        ("wne.tiling:tiled", "wne.tiling:Tiled", "wne.models.padding:Padded", "wne.models.padding:pad_to_multiple"),
    ),
    "Checks": (
        "For your own tests, and for measuring.",
        ("wne.testing:assert_normalization_equivariant", "wne.equivariance:equivariance_defect",
         "wne.equivariance:Defect", "wne.equivariance:sample_affine"),
    ),
    "Networks and weights": (
        "",
        ("wne.models:create_denoiser", "wne.models:list_denoisers", "wne.models.timm_encoder:TimmDenoiser",
         "wne.checkpoints:load_denoiser", "wne.checkpoints:load_weights",
         "wne.statedict:load_state_dict"),
    ),
    "Other tools": (
        "Each needs the tool that it is named after; see [tools.md](tools.md).",
        ("wne.adapters.deepinv:DeepinvDenoiser", "wne.adapters.deepinv:DeepinvDenoiser.forward",
         "wne.adapters.huggingface:HubDenoiser", "wne.adapters.pickles:convert_weights",
         "wne.adapters.pickles:read_weights"),
    ),
    "Image files": (
        "What `wne denoise` does, as functions; needs `pip install 'wne[cli]'`.",
        ("wne.denoise:ImageDenoiser", "wne.imagefiles:read_image", "wne.imagefiles:write_image",
         "wne.imagefiles:open_image", "wne.imagefiles:write_pages", "wne.jobs:denoise_file"),
    ),
}  # fmt: skip

_HEADINGS = ("Args", "Returns", "Raises", "Range")


def api_page() -> str:
    """The whole page."""
    parts = [
        "# API",
        "",
        "<!-- made by `python docs/make_api.py` from the docstrings; a test keeps it equal to them -->",
        "",
        "What is listed as `wne.<name>` can be imported from `wne`. Importing it needs torch alone.",
        "",
    ]
    for section, (purpose, names) in SECTIONS.items():
        parts += [f"## {section}", ""]
        parts += [purpose, ""] if purpose else []
        for name in names:
            parts += _entry(name)
    return "\n".join(parts).rstrip() + "\n"


def _entry(path: str) -> list[str]:
    import wne

    module, name = path.split(":")
    thing = import_module(module)
    for part in name.split("."):
        thing = getattr(thing, part)
    home = "wne" if name in wne.__all__ else module
    kind = "class " if inspect.isclass(thing) else ""
    # Annotations are strings there; the defaults keep their quotes.
    signature = re.sub(r"(: |-> )'([^']*)'", r"\1\2", str(inspect.signature(thing)))
    return [f"### `{home}.{name}`", "", "```python", f"{kind}{name}{signature}", "```", "", *_body(thing), ""]


def _body(thing: object) -> list[str]:
    """The docstring: its sections as lists, its examples and formulas as they are."""
    lines: list[str] = []
    text, section = inspect.cleandoc(thing.__doc__ or ""), ""
    for block in re.split(r"\n\s*\n", text):
        first, _, rest = block.partition("\n")
        if first.rstrip(":") in _HEADINGS and first.endswith(":"):
            section = first[:-1]
            lines += [f"**{section}**", "", *_items(inspect.cleandoc(rest)), ""]
        elif first.startswith(">>>"):
            lines += ["```python", *block.splitlines(), "```", ""]
        elif first.startswith("    "):
            lines += ["```", *inspect.cleandoc(block).splitlines(), "```", ""]
        else:
            lines += [_escaped(block), ""]
    return lines[:-1]


def _items(text: str) -> list[str]:
    """The "name: what" entries of a section, whose further lines are indented, as a list; other text as it is."""
    entries: list[str] = []
    for line in text.splitlines():
        if line.startswith(" ") and entries:
            entries[-1] += " " + line.strip()
        else:
            entries.append(line)
    named = [re.match(r"([\w, ]+): (.*)", entry) for entry in entries]
    if not all(named):
        return [_escaped(text)]
    return [f"- `{match[1]}`: {_escaped(match[2])}" for match in named if match]


def _escaped(text: str) -> str:
    return text.replace("<", "&lt;").replace("*", "\\*").replace("|", "\\|")


if __name__ == "__main__":
    Path(__file__).with_name("api.md").write_text(api_page())
