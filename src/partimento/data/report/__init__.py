"""What is in a dataset: one page to open in a browser."""

from partimento.data.report.page import write_page
from partimento.data.report.survey import Survey, survey

__all__ = ["Survey", "survey", "write_page"]
