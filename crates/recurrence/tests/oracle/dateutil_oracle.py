#!/usr/bin/env python3
"""python-dateutil as an oracle: one JSON request a line on stdin, one JSON answer a line on stdout.

Request: {"id", "rrule", "dtstart": "YYYYMMDDTHHMMSS", "tzid" or null, "max", "end": "YYYYMMDDTHHMMSS"}
Answer:  {"id", "local": [...], "utc": [...] or null, "done": bool} or {"id", "error": "..."} ("timeout" among them).

`local` is the wall clock as the rule gives it, at most `max` and not after `end`; `done` says that there are no more up
to `end`. `utc` resolves a gap forward by the gap and an overlap to its first pass (fold=0 of PEP 495).
"""
import json
import signal
import sys
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

try:
    import dateutil
    from dateutil.rrule import rrulestr
except ImportError:
    sys.exit("python-dateutil is not installed for " + sys.executable + "; set KALENDS_PYTHON or pip install python-dateutil")

FORMAT = "%Y%m%dT%H%M%S"
SECONDS_PER_RULE = 0.1


class Late(Exception):
    pass


def late(_signal, _frame):
    raise Late


# Processor time, so that a busy machine does not change the answers.
signal.signal(signal.SIGPROF, late)


def utc(local, zone):
    return local.replace(tzinfo=zone, fold=0).astimezone(timezone.utc).strftime(FORMAT) + "Z"


def until_in_local(rrule, zone):
    """dateutil wants UNTIL to be of DTSTART's kind, so rules are expanded on the wall clock."""
    parts = []
    for part in rrule.split(";"):
        name, value = part.split("=", 1)
        if name == "UNTIL":
            if value.endswith("Z"):
                at = datetime.strptime(value[:-1], FORMAT).replace(tzinfo=timezone.utc)
                value = at.astimezone(zone).strftime(FORMAT) if zone else value[:-1]
            elif len(value) == 8:
                value += "T235959"
        parts.append(name + "=" + value)
    return ";".join(parts)


def without_count(rrule):
    parts = rrule.split(";")
    counts = [int(part[6:]) for part in parts if part.startswith("COUNT=")]
    return ";".join(part for part in parts if not part.startswith("COUNT=")), counts[0] if counts else float("inf")


def answer(request):
    zone = ZoneInfo(request["tzid"]) if request["tzid"] else None
    start = datetime.strptime(request["dtstart"], FORMAT)
    end = datetime.strptime(request["end"], FORMAT)
    most = request["max"]
    # DTSTART is always the first instance and COUNT counts it, which dateutil leaves to its callers.
    text, count = without_count(until_in_local(request["rrule"], zone))
    local, done = [start], True
    for at in rrulestr(text, dtstart=start):
        if at <= start:
            continue
        if at > end or len(local) >= count:
            break
        if len(local) == most:
            done = False
            break
        local.append(at)
    return {
        "id": request["id"],
        "local": [at.strftime(FORMAT) for at in local],
        "utc": [utc(at, zone) for at in local] if zone else None,
        "done": done,
    }


def main():
    print(json.dumps({"engine": "python-dateutil", "version": dateutil.__version__}), flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        signal.setitimer(signal.ITIMER_PROF, SECONDS_PER_RULE)
        try:
            result = answer(request)
        except Late:
            result = {"id": request["id"], "error": "timeout"}
        except Exception as error:  # whatever it is, it is the answer for this rule
            result = {"id": request["id"], "error": f"{type(error).__name__}: {error}"}
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
        print(json.dumps(result), flush=False)
    sys.stdout.flush()


if __name__ == "__main__":
    main()
