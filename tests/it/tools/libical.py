"""What libical finds wrong in iCalendar files: a line each, nothing when they are clean."""

import sys

import gi

gi.require_version("ICalGLib", "3.0")
from gi.repository import ICalGLib


def wrong(component, path):
    kind = component.isa().value_nick.removesuffix("_component")
    errors = component.get_first_property(ICalGLib.PropertyKind.XLICERROR_PROPERTY)
    while errors is not None:
        yield f"{path}/{kind}: {errors.as_ical_string().strip()}"
        errors = component.get_next_property(ICalGLib.PropertyKind.XLICERROR_PROPERTY)
    inner = component.get_first_component(ICalGLib.ComponentKind.ANY_COMPONENT)
    children = []
    while inner is not None:
        children.append(inner)
        inner = component.get_next_component(ICalGLib.ComponentKind.ANY_COMPONENT)
    for child in children:
        yield from wrong(child, f"{path}/{kind}")


for name in sys.argv[1:]:
    with open(name, encoding="utf-8", newline="") as file:
        calendar = ICalGLib.Component.new_from_string(file.read())
    if calendar is None:
        print(f"{name}: cannot be read")
        continue
    before = calendar.count_errors()
    ICalGLib.restriction_check(calendar)
    for line in wrong(calendar, name):
        print(line.replace("\r", "").replace("\n", ""))
    if before or calendar.count_errors():
        print(f"{name}: {calendar.count_errors()} errors")
    zones = calendar.count_components(ICalGLib.ComponentKind.VTIMEZONE_COMPONENT)
    events = calendar.count_components(ICalGLib.ComponentKind.VEVENT_COMPONENT)
    print(f"# {name}: {events} events, {zones} zones", file=sys.stderr)
