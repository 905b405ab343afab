"""Sphinx: guides by hand, the pages of methods and of the API from the catalog."""

import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
# examples compute with one thread and without a screen, here as in CI
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MPLBACKEND", "agg")
os.environ["COLUMNS"] = "84"

import _pages
import renorm

project = "renorm"
author = "The renorm developers"
copyright = "the renorm developers, Apache License 2.0"
version = release = renorm.__version__

extensions = ["sphinx.ext.autodoc", "sphinx.ext.mathjax", "numpydoc", "myst_parser", "sphinx_gallery.gen_gallery"]
exclude_patterns = ["_build", "gallery/*.ipynb", "gallery/*.py", "gallery/*.md5", "gallery/*.zip"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

autodoc_typehints = "none"
autodoc_member_order = "bysource"
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False
math_number_all = False

sphinx_gallery_conf = {
    "examples_dirs": "../gallery",
    "gallery_dirs": "gallery",
    "filename_pattern": r"/plot_",
    "abort_on_example_error": False,  # -W makes a failing example an error, with the rest still shown
    "download_all_examples": False,
    "show_memory": False,
    "capture_repr": ("__repr__",),
    "min_reported_time": 60,
    "remove_config_comments": True,
}

html_theme = "furo"
html_title = f"renorm {release}"
html_show_sourcelink = False
html_copy_source = False


def setup(app):
    app.connect("builder-inited", lambda app: _pages.write(HERE))
    app.connect("autodoc-process-docstring", _pages.plain, priority=900)  # after numpydoc
    return {"parallel_read_safe": True, "parallel_write_safe": True}
