#!/usr/bin/env python3
"""The cases of recurrence.rs in python-dateutil: {"engine", "version", "cases": {name: microseconds per run}} as JSON.

Run with the interpreter of KALENDS_PYTHON; needs python-dateutil. With the folder of criterion's results (usually
target/criterion) as argument, "times_faster" is added: dateutil's time divided by ours.
"""
import json
import pathlib
import sys
import time
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import dateutil
from dateutil.rrule import rrulestr

ZURICH = ZoneInfo("Europe/Zurich")
START = datetime(2026, 1, 5, 9, tzinfo=ZURICH)
RULE = "FREQ=WEEKLY;BYDAY=MO,WE"


def ten_years():
    """All ten years of a weekly series, with its instants."""
    rule = rrulestr(RULE + ";UNTIL=20360107T000000Z", dtstart=START)
    return sum(1 for at in rule if at.astimezone(timezone.utc))


def far_window():
    """One week, 500 years on."""
    rule = rrulestr(RULE, dtstart=START)
    return len(rule.between(datetime(2526, 7, 2, tzinfo=timezone.utc), datetime(2526, 7, 9, tzinfo=timezone.utc)))


def microseconds(case, expected):
    assert case() == expected, (case.__name__, case(), expected)
    best = float("inf")
    until = time.monotonic() + 2
    while time.monotonic() < until:
        started = time.perf_counter()
        case()
        best = min(best, time.perf_counter() - started)
    return round(best * 1e6, 1)


def times_faster(criterion, cases):
    result = {}
    for name, theirs in cases.items():
        estimates = json.loads((criterion / name / "kalends" / "new" / "estimates.json").read_text())
        result[name] = round(theirs * 1000 / estimates["mean"]["point_estimate"], 1)
    return result


CASES = {
    "ten years weekly in a zone": microseconds(ten_years, 1044),
    "a week 500 years ahead": microseconds(far_window, 2),
}
REPORT = {"engine": "python-dateutil", "version": dateutil.__version__, "cases": CASES}
if len(sys.argv) > 1:
    REPORT["times_faster"] = times_faster(pathlib.Path(sys.argv[1]), CASES)
print(json.dumps(REPORT))
