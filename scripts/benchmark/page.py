"""The result as a page: bars for each case and server, no script, nothing loaded from elsewhere."""

from html import escape

BAR, GAP, LEFT, WIDTH = 18, 4, 120, 620
COLOURS = {"mailreeve": "#1f6f8b", "postfix": "#b0752f", "postfix-fast": "#d3a35f"}
STYLE = """
:root { color-scheme: light dark }
body { font: 15px/1.4 system-ui, sans-serif; margin: 2em auto; max-width: 60em; padding: 0 1em }
svg { display: block; max-width: 100% } text { font: 13px system-ui, sans-serif; fill: currentColor }
h2 { margin: 1.5em 0 .2em; font-size: 1.05em } p, dl { margin: .3em 0 } dt { float: left; width: 6em; opacity: .7 }
"""


def page(result: dict) -> str:
    """One HTML page of a result as `scripts/bench` writes it."""
    cases = list(dict.fromkeys(summary["case"] for summary in result["summaries"]))
    facts = "".join(f"<dt>{escape(key)}</dt><dd>{escape(value)}</dd>" for key, value in result["machine"].items())
    sections = "".join(section(case, result) for case in cases)
    return (
        f"<!doctype html>\n<html lang=en><meta charset=utf-8><title>Mailreeve beside others</title><style>{STYLE}</style>\n"
        f"<h1>Mailreeve beside others</h1><dl>{facts}</dl>\n{sections}</html>\n"
    )


def section(case: str, result: dict) -> str:
    of_case = [summary for summary in result["summaries"] if summary["case"] == case]
    charts = chart("messages a second", "rate", of_case) + chart("CPU microseconds a message", "cpu_us", of_case)
    said = "".join(f"<p>{escape(sentence(row))}</p>" for row in result["ratios"] if row["case"] == case)
    return f"<h2>{escape(case)}</h2>\n{charts}{said}\n"


def chart(title: str, field: str, summaries: list[dict]) -> str:
    most = max((summary[field] for summary in summaries), default=0) or 1
    rows = []
    for number, summary in enumerate(summaries):
        top = 22 + number * (BAR + GAP)
        length = summary[field] / most * (WIDTH - LEFT - 90)
        value = f"{summary[field]:,.0f}" if not summary["complaints"] else "not compared"
        rows.append(
            f'<text x="0" y="{top + 13}">{escape(summary["server"])}</text>'
            f'<rect x="{LEFT}" y="{top}" width="{length:.1f}" height="{BAR}" fill="{COLOURS.get(summary["server"], "#777")}"/>'
            f'<text x="{LEFT + length + 6:.1f}" y="{top + 13}">{value}</text>'
        )
    height = 26 + len(summaries) * (BAR + GAP)
    label = escape(f"{title}: " + ", ".join(f"{summary['server']} {summary[field]:,.0f}" for summary in summaries))
    body = "".join(rows)
    return f'<svg role="img" aria-label="{label}" viewBox="0 0 {WIDTH} {height}"><text x="0" y="13">{title}</text>{body}</svg>'


def sentence(row: dict) -> str:
    if "no_ratio" in row:
        return f"No ratio against {row['against']}: {row['no_ratio'][0]}"
    text = f"Against {row['against']}: {row['rate']:.1f} times the rate, 1/{1 / row['cpu']:.1f} of the CPU."
    return text if "met" not in row else f"{text} What is wanted is {'met' if row['met'] else 'missed'}."
