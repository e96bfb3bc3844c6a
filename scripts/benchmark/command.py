"""`scripts/bench`: options, rounds, result."""

import argparse
import json
import platform
import subprocess
import sys
import time
from pathlib import Path

from peers.unpacked import ROOT, PeerError

from .banner import banners
from .case import Case, cases
from .disk import NotADisk
from .page import page
from .report import ratio_text, ratios, summaries, table, thread_text
from .run import Bench, Figures
from .server import NAMES, ON_DEMAND, servers

# Less than this, and the tools would be what is measured.
TOOLS_RATE = 20_000


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="rounds, each with every server (default 3)")
    parser.add_argument("--messages", type=int, default=20_000, help="of 4 KiB a run, at most 1,000 a session; of 64 KiB a quarter")
    parser.add_argument("--only", action="append", default=[], metavar="WORDS", help="cases with these words: 'relay 20'; 'banner'")
    parser.add_argument("--servers", default=",".join(NAMES), help=f"which of: %(default)s,{','.join(ON_DEMAND)}")
    parser.add_argument("--binary", type=Path, help="mailreeve to measure (default: target/release/mailreeve, built)")
    parser.add_argument("--folder", type=Path, default=ROOT / "target" / "bench", help="where the servers write")
    parser.add_argument("--json", type=Path, help="result file, a page with charts beside it (default: FOLDER/result-TIME.json)")
    return parser.parse_args()


def main() -> int:
    chosen = options()
    names = chosen.servers.split(",")
    if unknown := set(names) - {*NAMES, *ON_DEMAND}:
        known = ", ".join((*NAMES, *ON_DEMAND))
        return complain(f"no server is named {', '.join(sorted(unknown))}; there are {known}")
    picked = cases(chosen.messages, chosen.only)
    first_words = "mailreeve" in names and (not chosen.only or "banner" in chosen.only)
    if not picked and not first_words:
        return complain("no case has these words; see --help")
    try:
        bench = Bench(chosen.binary or build(), chosen.folder)
        result = measure(bench, picked, servers(bench.binary, names), chosen.rounds)
        if first_words:
            result["banner"] = banners(bench.binary, chosen.folder)
            median, worst = result["banner"].values()
            print(f"banner while the name server is silent: median {median:.1f} ms, worst {worst:.1f} ms")
    except (NotADisk, PeerError, OSError) as error:
        return complain(str(error))
    path = chosen.json or chosen.folder / f"result-{time.strftime('%Y%m%d-%H%M%S')}.json"
    path.write_text(json.dumps(result, indent=1) + "\n")
    path.with_suffix(".html").write_text(page(result))
    print(f"\n{path}\n{path.with_suffix('.html')}")
    return 1 if any(run["complaint"] for run in result["runs"]) else 0


def measure(bench: Bench, picked: list[Case], competitors: list, rounds: int) -> dict:
    machine = describe(bench)
    print("\n".join(f"{key}: {value}" for key, value in machine.items()))
    for server in competitors:
        print(f"{server.name}: default configuration, except {'; '.join(server.exceptions)}")
    straight = tools(bench, picked)
    runs: list[Figures] = []
    for number in range(rounds):
        for case in picked:
            turn = number % len(competitors)
            for server in competitors[turn:] + competitors[:turn]:
                figures = bench.run(server, case, number)
                runs.append(figures)
                print(line(figures), flush=True)
    found = summaries(picked, runs)
    rows = ratios(found)
    print(f"\nMedians of {rounds} rounds.\n{table(found)}\n{thread_text(found)}\n{ratio_text(rows)}")
    return {
        "machine": machine,
        "exceptions": {server.name: server.exceptions for server in competitors},
        "straight": straight,
        "runs": [run.to_json() for run in runs],
        "summaries": [summary.to_json() for summary in found],
        "ratios": rows,
    }


def tools(bench: Bench, picked: list[Case]) -> dict:
    """Generator straight into the sink, once for each load."""
    rates = {}
    for case in {(case.sessions, case.size): case for case in picked}.values():
        name = f"{case.sessions} x {case.size // 1024} KiB"
        rates[name] = bench.straight(case)["rate"]
        slow = f", UNDER {TOOLS_RATE:,}: the tools limit what can be seen" if too_slow(case, rates[name]) else ""
        print(f"generator straight to sink, {name}: {rates[name]:,.0f} messages/s{slow}", flush=True)
    return rates


def too_slow(case: Case, rate: float) -> bool:
    return case.size <= 4096 and rate < TOOLS_RATE


def line(figures: Figures) -> str:
    head = f"round {figures.round + 1}  {figures.case:<36} {figures.server:<13}"
    if figures.complaint:
        return f"{head} NOT COMPARED: {figures.complaint}"
    disturbed = f"  (others had {figures.others_cpu:.0%} of the machine)" if figures.others_cpu > 0.25 else ""
    return f"{head} {figures.rate:>9,.0f}/s {figures.cpu_us:>9,.1f} us{disturbed}"


def describe(bench: Bench) -> dict[str, str]:
    cpu = next((row for row in Path("/proc/cpuinfo").read_text().splitlines() if row.startswith("model name")), "?: ?")
    commit = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True)
    return {
        "commit": commit.stdout.strip() or "?",
        "machine": f"{cpu.split(': ', 1)[1]}, {len(list(Path('/sys/devices/system/cpu').glob('cpu[0-9]*')))} CPUs",
        "kernel": platform.release(),
        "disk": str(bench.disk),
    }


def build() -> Path:
    subprocess.run(["cargo", "build", "--release", "--jobs=2"], cwd=ROOT, check=True)
    return ROOT / "target" / "release" / "mailreeve"


def complain(text: str) -> int:
    print(f"scripts/bench: {text}", file=sys.stderr)
    return 2
