"""The site: guides, results pages, executed notebooks and the API, built by `make site`.

Sphinx's source directory is the root of the repository, so that links between pages work here as they do in the repository.
"""

from __future__ import annotations

import sys
from pathlib import Path

from sphinx.application import Sphinx

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "src")]

import wne  # noqa: E402
from docs.site import docstrings, mathml, modules  # noqa: E402

project = "WNE"
author = "The WNE replication authors"
release = version = wne.__version__

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "sphinx_copybutton",
]
root_doc = "docs/index"
include_patterns = [
    "docs/*.md",
    "data/README.md",
    "notebooks/README.md",
    "profiles/*/README.md",
    "notebooks/executed/*.ipynb",
    "results/*/README.md",
    "results/*/weights/*.md",
]

# Pages
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3
nb_execution_mode = "off"  # the committed notebooks are executed by `make notebooks`
nb_merge_streams = True
html_math_renderer = "mathml"

# API: Google's docstring sections; `single` backticks are code
default_role = "literal"
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 80
napoleon_numpy_docstring = False
napoleon_use_param = False
napoleon_use_rtype = False

# Look
html_theme = "furo"
html_title = "WNE"
html_favicon = "site/static/favicon.svg"
html_static_path = ["site/static", str(ROOT / "build/pictures")]
html_extra_path = ["site/root"]
html_css_files = ["site.css"]
html_js_files = [("explorer.js", {"defer": "defer"})]
html_copy_source = False
html_show_copyright = False
html_show_sphinx = False
pygments_style = "friendly"
pygments_dark_style = "monokai"
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True


def setup(app: Sphinx) -> None:
    for part in (docstrings, mathml, modules):
        part.setup(app)
