"""The report: no number typed by hand where results are told, and nothing refers to what is not there."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from replication.report.artefacts import ARTEFACTS
from replication.report.numbers import NUMBERS, used_macros

pytestmark = pytest.mark.slow  # compiles the report

PAPER = Path(__file__).parents[2] / "paper"
SECTIONS = sorted((PAPER / "sections").glob("*.tex"))
RESULTS = [PAPER / "sections/03-results.tex", PAPER / "sections/04-beyond.tex"]  # where no number is typed by hand
BIBLIOGRAPHY = (PAPER / "references.bib").read_text()


def without_comments(text: str) -> str:
    return re.sub(r"(?<!\\)%.*", "", text)


def bare_numbers(text: str) -> list[str]:
    """Decimal numbers, and whole ones in dB or percent, outside of labels, references and file names."""
    text = re.sub(
        r"\\(?:ref|label|eqref|citet?p?|generated|figureof|ifmade|input|setlength|vspace)\{[^}]*\}(?:\{\d*pt\})?",
        " ",
        without_comments(text),
    )
    return re.findall(r"[-+]?\d+\.\d+|\d+\s*(?:\\,|~)?\s*(?:dB\b|\\%|percent\b)", text)


def whole_text() -> str:
    return "\n".join(without_comments(path.read_text()) for path in [PAPER / "main.tex", *SECTIONS])


@pytest.mark.parametrize("path", RESULTS, ids=lambda path: path.stem)
def test_results_are_told_in_macros_alone(path):
    assert bare_numbers(path.read_text()) == []


@pytest.mark.parametrize(
    "planted", ["gains 0.31 dB", "gains $+0.31$", r"is 30\,dB", r"of 95\,\% of them", "is 12 dB higher"]
)
def test_a_number_typed_by_hand_is_found(planted):
    text = RESULTS[0].read_text()
    middle = text.index("\n\n", len(text) // 2)
    assert bare_numbers(text[:middle] + f" It {planted}. " + text[middle:])


def test_every_macro_of_a_number_is_made():
    used = used_macros(PAPER)
    assert len(used) > 100
    assert not {name: str(file) for name, file in used.items() if name not in NUMBERS}
    for profile in ("default", "bsd400", "published"):
        numbers = (PAPER / profile / "tables/numbers.tex").read_text()
        made = set(re.findall(r"\\newcommand\{\\(\w+)\}", numbers))
        assert set(used) <= made, f"paper/{profile} is out of date; run: replicate tables"


def test_references_are_whole_and_cited():
    entries = dict(re.findall(r"@\w+\{([\w-]+),(.*?)\n\}", BIBLIOGRAPHY, re.S))
    cited = {key.strip() for keys in re.findall(r"\\cite[tp]?\{([^}]+)\}", whole_text()) for key in keys.split(",")}
    assert set(entries) == cited
    for key, fields in entries.items():
        for field in ("author", "title", "year"):
            assert re.search(rf"\b{field}\s*=", fields), f"{key} has no {field}"
        assert re.search(r"\b(journal|booktitle)\s*=", fields), f"{key} does not say where it was published"


def test_labels_and_references_agree():
    text = whole_text() + r"\label{tab:claims}\label{tab:rules}\label{tab:former}"  # these are generated
    labels = re.findall(r"\\label\{([^}]+)\}", text)
    assert len(labels) == len(set(labels))
    assert set(re.findall(r"\\(?:eq)?ref\{([^}]+)\}", text)) <= set(labels)
    floats = {label for label in labels if label.startswith(("fig:", "tab:"))}
    assert floats <= set(re.findall(r"\\ref\{([^}]+)\}", text)), "a float that the text does not mention"


def test_every_figure_and_table_is_shown():
    text, command = whole_text(), {"figure": "figureof", "table": "generated"}
    shown = set(re.findall(r"\\(figureof|generated)\{(\w+)\}", text.replace(r"\fitted{", r"\generated{")))
    wanted = {(command[artefact.kind], artefact.name) for artefact in ARTEFACTS if artefact.in_paper}
    lines = [rf"\{command}{{{name}}}" for command, name in sorted(wanted - shown)]
    assert not lines, (
        f"the report shows neither of {', '.join(lines)}: add each inside a float with caption and label to "
        "paper/sections/03-results.tex, or to paper/sections/04-beyond.tex where the paper has no such result"
    )
    assert not shown - wanted, "shown, and not in src/replication/report/artefacts.py"


@pytest.mark.skipif(shutil.which("latexmk") is None, reason="no LaTeX on this machine")
@pytest.mark.parametrize("profile", ["default", "bsd400", "published"])
def test_the_report_compiles_without_a_gap(profile, tmp_path):
    """No missing reference, citation, figure or number in the summary page, no box that sticks out by 5 pt."""
    made = subprocess.run(
        ["latexmk", "-pdf", "-interaction=nonstopmode", "-halt-on-error", f"-output-directory={tmp_path}",
         rf"-usepretex=\def\profile{{{profile}}}", "main.tex"],
        cwd=PAPER, capture_output=True, text=True,
    )  # fmt: skip
    log = (tmp_path / "main.log").read_text(errors="replace")
    assert made.returncode == 0, log[-2000:]
    assert "undefined" not in log.lower() and "multiply defined" not in log
    too_wide = [float(width) for width in re.findall(r"Overfull \\[hv]box \(([\d.]+)pt", log)]
    assert max(too_wide, default=0) <= 5
