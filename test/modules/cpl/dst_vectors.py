#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes dst_vectors.tsv: each kind of rule of time_vectors.tsv in zones with daylight saving, around
both changes of a year. What must come out is computed by other means than the server's: dateutil
makes the wall times, zoneinfo turns them into instants, and all starts are looked at.

Run by hand (it needs python3-dateutil and a zone database); the table is what tests read."""
import datetime
import pathlib
import re
import zoneinfo

from dateutil import rrule

HERE = pathlib.Path(__file__).resolve().parent
UTC = datetime.timezone.utc
# A zone, and a year whose changes are looked at; Lord Howe changes by half an hour only.
ZONES = ["Europe/Rome", "America/New_York", "Australia/Lord_Howe", "Pacific/Chatham",
         "Australia/Sydney", "America/St_Johns", "Atlantic/Azores", "Europe/Dublin"]
UNITS = {"SECONDLY": 1, "MINUTELY": 60, "HOURLY": 3600}
DAYS = dict(zip(("MO", "TU", "WE", "TH", "FR", "SA", "SU"),
                (rrule.MO, rrule.TU, rrule.WE, rrule.TH, rrule.FR, rrule.SA, rrule.SU)))
SECOND = datetime.timedelta(seconds=1)


def offset(zone, at):
    return at.astimezone(zone).utcoffset()


def exists(zone, wall):
    there = wall.replace(tzinfo=zone).astimezone(UTC)
    return there.astimezone(zone).replace(tzinfo=None) == wall


def instant(zone, wall):
    """The first with this wall time; in a gap by the offset before it (PEP 495, fold=0)."""
    return wall.replace(tzinfo=zone, fold=0).astimezone(UTC)


def changes(zone, year):
    """The instants at which the offset changes."""
    at = datetime.datetime(year, 1, 1, tzinfo=UTC)
    found = []
    while at.year == year:
        later = at + datetime.timedelta(hours=1)
        if offset(zone, at) != offset(zone, later):
            low, high = at, later
            while high - low > SECOND:
                middle = low + (high - low) // 2
                middle = middle.replace(microsecond=0)
                low, high = (middle, high) if offset(zone, middle) == offset(zone, low) else (low, middle)
            found.append(high)
        at = later
    return found


def local(text):
    return datetime.datetime.strptime(text.rstrip("Z"), "%Y%m%dT%H%M%S")


def numbers(text):
    return [int(n) for n in text.split(",")]


def weekdays(text):
    days = []
    for item in text.split(","):
        ordinal, day = re.fullmatch(r"([+-]?\d+)?(\w\w)", item).groups()
        days.append(DAYS[day](int(ordinal)) if ordinal else DAYS[day])
    return days


class Rule:
    """A condition in a zone, as slow and plain as it can be."""

    def __init__(self, zone, attributes):
        self.given = dict(re.findall(r'(\w+)="([^"]*)"', attributes))
        text = self.given["dtstart"]
        self.zone = zoneinfo.ZoneInfo("UTC") if text.endswith("Z") else zone
        self.start = local(text)
        self.freq = self.given.get("freq", "").upper()
        self.days, self.seconds = 0, 0
        if "dtend" in self.given:
            end = instant(self.zone, local(self.given["dtend"]))
            self.seconds = int((end - instant(self.zone, self.start)).total_seconds())
        else:
            weeks, days, hours, minutes, seconds = (int(n or 0) for n in re.fullmatch(
                r"P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?",
                self.given["duration"]).groups())
            self.days, self.seconds = weeks * 7 + days, hours * 3600 + minutes * 60 + seconds

    def end(self, wall, begin):
        if not self.days:
            return begin + datetime.timedelta(seconds=self.seconds)
        return (instant(self.zone, wall + datetime.timedelta(days=self.days))
                + datetime.timedelta(seconds=self.seconds))

    def by(self, name):
        return numbers(self.given[name]) if name in self.given else None

    def walls(self, until):
        """Wall times of starts behind dtstart, as far as that."""
        wanted = {name: self.by(name) for name in ("bymonth", "bymonthday", "byyearday", "byweekno",
                                                   "byhour", "byminute", "bysecond", "bysetpos")}
        if "byday" in self.given:
            wanted["byweekday"] = weekdays(self.given["byday"])
        wkst = DAYS[self.given.get("wkst", "MO").upper()]
        rule = rrule.rrule(getattr(rrule, self.freq), dtstart=self.start, until=until, wkst=wkst,
                           interval=int(self.given.get("interval", 1)),
                           **{name: value for name, value in wanted.items() if value})
        return [wall for wall in rule if wall != self.start]

    def unit_starts(self, until):
        """The same for units below a day: they are counted in real time, and limits are of the wall."""
        step = datetime.timedelta(seconds=UNITS[self.freq] * int(self.given.get("interval", 1)))
        limits = {"bymonth": "month", "byhour": "hour", "byminute": "minute", "bysecond": "second"}
        limits = [(field, self.by(name)) for name, field in limits.items() if name in self.given]
        at = instant(self.zone, self.start) + step
        while at <= until:
            wall = at.astimezone(self.zone).replace(tzinfo=None)
            if all(getattr(wall, field) in values for field, values in limits):
                yield wall, at
            at += step

    def later(self, until):
        if self.freq in UNITS:
            yield from self.unit_starts(until)
            return
        for wall in self.walls(until.astimezone(self.zone).replace(tzinfo=None)):
            if exists(self.zone, wall):
                yield wall, instant(self.zone, wall)

    def starts(self, until):
        first = self.start, instant(self.zone, self.start)
        found = [first]
        most = int(self.given.get("count", 1 << 30)) if self.freq else 1
        for wall, at in self.later(until) if self.freq else ():
            if len(found) == most or not self.before_until(wall, at):
                break
            found.append((wall, at))
        return found

    def before_until(self, wall, at):
        text = self.given.get("until")
        if text is None:
            return True
        if len(text) == 8:
            return wall.date() <= datetime.datetime.strptime(text, "%Y%m%d").date()
        if text.endswith("Z"):
            return at <= local(text).replace(tzinfo=UTC)
        return wall <= local(text)

    def periods(self, until):
        return [(at, self.end(wall, at)) for wall, at in self.starts(until)]


def moved(attributes, days, time):
    """The rule with dtstart, dtend and until so many days later, and at another time of day."""
    was = local(re.search(r'dtstart="(\d+T\d+)', attributes)[1])
    hours, minutes = time if time else (was.hour, was.minute)
    shift = was.replace(hour=hours, minute=minutes) - was + datetime.timedelta(days=days)

    def later(match):
        name, text = match[1], match[2]
        if len(text) == 8:
            there = datetime.datetime.strptime(text, "%Y%m%d") + datetime.timedelta(days=days)
            return f'{name}="{there:%Y%m%d}"'
        return f'{name}="{local(text) + shift:%Y%m%dT%H%M%S}{"Z" if text.endswith("Z") else ""}"'

    return re.sub(r'(dtstart|dtend|until)="([^"]*)"', later, attributes)


def instants(periods, change):
    """Around the change, and at the edges of the periods next to it on both sides."""
    wanted = {change - SECOND, change, change + SECOND}
    before = [p for p in periods if p[0] < change][-2:]
    behind = [p for p in periods if p[0] >= change][:2]
    for begin, end in before + behind:
        wanted |= {begin - SECOND, begin, end - SECOND, end}
    return sorted(wanted)


def row(zone_name, attributes, change):
    zone = zoneinfo.ZoneInfo(zone_name)
    sub_day = 'freq="secondly"' in attributes or 'freq="minutely"' in attributes
    far = datetime.timedelta(hours=6) if sub_day else datetime.timedelta(days=420)
    periods = Rule(zone, attributes).periods(change + far)
    results = []
    for at in instants(periods, change):
        inside = any(begin <= at < end for begin, end in periods)
        results.append(f"{at:%Y-%m-%dT%H:%M:%SZ}={int(inside)}")
    return f"{zone_name}\t{attributes}\t{' '.join(results)}"


def rules():
    seen = []
    for line in (HERE / "time_vectors.tsv").read_text().splitlines():
        fields = line.split("\t")
        if len(fields) > 3 and fields[0].startswith("tv") and fields[2] not in seen:
            seen.append(fields[2])
    return seen


def variants(attributes, zone, change):
    """The rule at its hour, and at one that is left out in spring and comes twice in autumn; what
    would be over by then begins two days before the change, a single period on its day."""
    start = local(re.search(r'dtstart="(\d+T\d+)', attributes)[1])
    before, behind = offset(zone, change - SECOND), offset(zone, change)
    quarter = datetime.timedelta(minutes=15)
    hidden = (change + before).replace(tzinfo=None) + (quarter if behind > before else -quarter)
    single = "freq" not in attributes
    ends = any(word in attributes for word in ("count", "until", '"secondly"', '"minutely"'))
    days = (hidden.date() - start.date()).days - (0 if single else 2)
    days = days if single or ends else 0
    yield moved(attributes, days, None)
    if "byhour" not in attributes:
        yield moved(attributes, days, (hidden.hour, hidden.minute))


def main():
    lines = ["# Rules around the changes of daylight saving, made by dst_vectors.py: zone, condition, and",
             "# instants with 1 when it holds. SPDX-License-Identifier: Apache-2.0"]
    for n, attributes in enumerate(rules()):
        name = ZONES[n % len(ZONES)]
        zone = zoneinfo.ZoneInfo(name)
        for change in changes(zone, 2025):
            for one in variants(attributes, zone, change):
                lines.append(row(name, one, change))
    (HERE / "dst_vectors.tsv").write_text("\n".join(dict.fromkeys(lines)) + "\n")


main()
