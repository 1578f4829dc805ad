"""A YAML file as plain values. A key that stands twice in one mapping is a mistake: YAML would let the last one win."""

from __future__ import annotations

from pathlib import Path

import yaml


class ParameterError(ValueError):
    """params.yaml is wrong: one line that says where and what to do."""


class _UniqueKeys(yaml.SafeLoader):
    def compose_mapping_node(self, anchor: str | None) -> yaml.MappingNode:
        node = super().compose_mapping_node(anchor)
        first: dict[tuple[str, str], int] = {}
        for key, _ in node.value:
            line = key.start_mark.line + 1
            if isinstance(key, yaml.ScalarNode):
                if (key.tag, key.value) in first:
                    before = first[key.tag, key.value]
                    raise yaml.YAMLError(f"line {line}: key {key.value!r} for the second time (first in line {before})")
                first[key.tag, key.value] = line
        return node


def read_yaml(path: Path) -> object:
    """What a YAML file says.

    Raises:
        ParameterError: no file that can be read, no YAML, or a key that stands twice in one mapping.
    """
    try:
        return yaml.load(path.read_text(encoding="utf-8"), _UniqueKeys)
    except FileNotFoundError:
        raise ParameterError(f"{path}: no such file; run from the repository root, or give --params") from None
    except OSError as error:
        raise ParameterError(f"{path}: cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise ParameterError(f"{path}: not a text file in UTF-8") from None
    except RecursionError:
        raise ParameterError(f"{path}: brackets or indentation nested too deeply") from None
    except (yaml.YAMLError, ValueError) as error:  # ValueError: a date that does not exist
        raise ParameterError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from None
