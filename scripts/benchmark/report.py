"""What the runs came to together: a table for people, and ratios where every message arrived."""

import statistics
from collections.abc import Iterable

from .case import Case, wanted
from .run import Figures

MIB = 1024 * 1024
COLUMNS = (
    ("case", "<36"),
    ("server", "<13"),
    ("runs", ">4"),
    ("messages/s", ">11"),
    ("+-%", ">5"),
    ("CPU us", ">8"),
    ("user", ">6"),
    ("p99 ms", ">8"),
    ("MiB", ">7"),
    ("flushes", ">8"),
    ("KiB/msg", ">8"),
    ("log B/msg", ">10"),
)


class Summary:
    """Medians of the runs of one server in one case."""

    def __init__(self, case: Case, server: str, runs: list[Figures]) -> None:
        self.case, self.server, self.runs = case, server, runs
        self.complaints = [run.complaint for run in runs if run.complaint]

    def median(self, name: str) -> float:
        return statistics.median(getattr(run, name) for run in self.runs)

    @property
    def rate(self) -> float:
        return self.median("rate")

    @property
    def cpu_us(self) -> float:
        return self.median("cpu_us")

    @property
    def spread(self) -> float:
        """Half of the distance between the best and the worst run, as part of the median."""
        rates = [run.rate for run in self.runs]
        return (max(rates) - min(rates)) / 2 / self.rate if self.rate else 0.0

    def row(self) -> list[str]:
        messages = self.case.messages
        return [
            str(self.case),
            self.server,
            str(len(self.runs)),
            f"{self.rate:,.0f}",
            f"{self.spread * 100:.0f}",
            f"{self.cpu_us:,.1f}",
            f"{self.median('cpu_user_us'):,.1f}",
            f"{statistics.median(run.latency_us.get('p99', 0) for run in self.runs) / 1000:,.1f}",
            f"{self.median('peak_anonymous') / MIB:,.1f}",
            f"{self.median('flushes'):,.0f}",
            f"{self.median('written') / messages / 1024:,.1f}",
            f"{self.median('log_bytes') / messages:,.0f}",
        ]

    def to_json(self) -> dict:
        return {
            "case": str(self.case),
            "server": self.server,
            "runs": len(self.runs),
            "rate": self.rate,
            "cpu_us": self.cpu_us,
            "complaints": self.complaints,
        }


def summaries(cases: Iterable[Case], runs: list[Figures]) -> list[Summary]:
    """One for each server and case that ran, in order of the cases."""
    found = []
    for case in cases:
        of_case = [run for run in runs if run.case == str(case)]
        for server in dict.fromkeys(run.server for run in of_case):
            found.append(Summary(case, server, [run for run in of_case if run.server == server]))
    return found


def ratios(found: list[Summary]) -> list[dict]:
    """Mailreeve against each other server, case by case."""
    rows = []
    for ours in (summary for summary in found if summary.server == "mailreeve"):
        for theirs in (other for other in found if other.case == ours.case and other is not ours):
            row = {"case": str(ours.case), "against": theirs.server}
            complaints = ours.complaints + theirs.complaints
            if complaints:
                rows.append(row | {"no_ratio": complaints})
                continue
            row |= {"rate": ours.rate / theirs.rate, "cpu": ours.cpu_us / theirs.cpu_us}
            if theirs.server.startswith(ours.server):
                # The same without what observes: what that costs.
                row["more_us"] = ours.cpu_us - theirs.cpu_us
            elif limits := wanted(ours.case):
                row["wanted_rate"], row["wanted_cpu"] = limits.rate, limits.cpu
                fast = limits.rate is None or row["rate"] >= limits.rate
                row["met"] = fast and (limits.cpu is None or row["cpu"] <= limits.cpu)
            rows.append(row)
    return rows


def table(found: list[Summary]) -> str:
    lines = [" ".join(f"{name:{width}}" for name, width in COLUMNS)]
    for summary in found:
        lines.append(" ".join(f"{cell:{width}}" for cell, (_, width) in zip(summary.row(), COLUMNS, strict=True)))
        lines += [f"    NOT COMPARED: {complaint}" for complaint in summary.complaints]
    return "\n".join(lines)


def thread_text(found: list[Summary]) -> str:
    """Medians of the CPU a message of our threads; of Postfix there are processes."""
    lines = []
    for summary in (summary for summary in found if summary.server.startswith("mailreeve")):
        names = {name for run in summary.runs for name in run.threads_us}
        each = {name: statistics.median(run.threads_us.get(name, 0.0) for run in summary.runs) for name in names}
        dearest = sorted(each.items(), key=lambda pair: -pair[1])
        parts = ", ".join(f"{name} {us:.1f}" for name, us in dearest if us >= 0.1)
        lines += [f"{summary.case} {summary.server}, us by thread: {parts}"] if parts else []
    return "\n".join(lines)


def ratio_text(rows: list[dict]) -> str:
    lines = []
    for row in rows:
        head = f"{row['case']:<36} against {row['against']:<13}"
        if "no_ratio" in row:
            lines.append(f"{head} no ratio: {row['no_ratio'][0]}")
            continue
        text = f"{head} {row['rate']:5.1f} times the rate, CPU 1/{1 / row['cpu']:.1f}"
        if "more_us" in row:
            text = f"{head} {row['more_us']:+.1f} us of CPU a message at {row['rate']:.2f} times the rate"
        if "met" in row:
            limits = [] if row["wanted_rate"] is None else [f"{row['wanted_rate']:.0f} times"]
            limits += [] if row["wanted_cpu"] is None else [f"CPU 1/{1 / row['wanted_cpu']:.0f}"]
            text += f"   wanted {' and '.join(limits)}: {'met' if row['met'] else 'MISSED'}"
        lines.append(text)
    return "\n".join(lines)
