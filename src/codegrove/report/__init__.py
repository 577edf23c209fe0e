"""Reports: one self-contained HTML file that opens anywhere and asks nobody.

write_report("report.html", run_report(Run.open("my-run")))
"""

from codegrove.report.build import report_data
from codegrove.report.data import ReportCall, ReportData
from codegrove.report.of_run import run_report
from codegrove.report.run_page import render, write_report

__all__ = ["ReportCall", "ReportData", "render", "report_data", "run_report", "write_report"]
