"""Results made readable: a terminal table, one offline HTML page, files that are whole or not there.

Everything here takes the plain data of a result (``Comparison.to_dict()``), so that a saved JSON file can be shown again.
"""

from renorm.report._files import write_whole
from renorm.report._page import html_fragment, html_page
from renorm.report._terminal import print_comparison, terminal_text

__all__ = ["html_fragment", "html_page", "print_comparison", "terminal_text", "write_whole"]
