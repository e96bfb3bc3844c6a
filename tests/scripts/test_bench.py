"""What scripts/bench says, and when it says nothing."""

import json
import sys
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "scripts"), str(ROOT / "tests")]

from benchmark import case, disk, report, run, server  # noqa: E402
from benchmark.case import Case  # noqa: E402
from benchmark.page import page  # noqa: E402
from benchmark.run import Figures  # noqa: E402

RELAY = Case("relay", 20, 4096, 1000)


def figures(server: str, seconds: float, cpu_us: float, complaint: str | None = None, of: Case = RELAY) -> Figures:
    return Figures(
        server, "1", str(of), 0, of.messages, complaint, seconds=seconds, cpu_user_us=cpu_us, latency_us={"p99": 2000}
    )


def sums(messages: int, checksum: int = 7) -> dict:
    return {"messages": messages, "recipients": messages, "content_bytes": messages * 4096, "checksum": checksum}


class Variants(unittest.TestCase):
    def test_what_observes_is_switched_off_by_settings_and_named_among_the_exceptions(self):
        names = ["mailreeve", *server.ON_DEMAND]
        found = {each.name: each for each in server.servers(Path("mailreeve"), names)}
        self.assertEqual(sorted(found), sorted(names))
        self.assertNotIn("[tracking]", found["mailreeve"].more)
        self.assertIn("[tracking]\nenabled = false\n[recorder]\nenabled = false\n", found["mailreeve-bare"].more)
        self.assertEqual(found["mailreeve-no-recorder"].exceptions[-1], "no recorder")

    def test_what_observing_costs_is_told_and_not_held_against_the_bars(self):
        runs = [figures("mailreeve", 1.0, 130), figures("mailreeve-bare", 1.0, 108)]
        rows = report.ratios(report.summaries([RELAY], runs))
        self.assertEqual([(row["more_us"], "met" in row) for row in rows], [(22, False)])
        self.assertIn("+22.0 us of CPU a message at 1.00 times the rate", report.ratio_text(rows))

    def test_threads_are_told_by_what_they_take(self):
        run = figures("mailreeve", 1.0, 100)
        run.threads_us = {"journal": 9.0, "commit": 20.5, "idle": 0.0}
        text = report.thread_text(report.summaries([RELAY], [run]))
        self.assertEqual(text, "relay 20 x 4 KiB mailreeve, us by thread: commit 20.5, journal 9.0")


class Ratios(unittest.TestCase):
    def test_medians_are_compared_and_limits_judged(self):
        runs = [figures("mailreeve", seconds, 100) for seconds in (1.0, 2.0, 50.0)]
        runs.append(figures("postfix", 24.0, 2000))
        [row] = report.ratios(report.summaries([RELAY], runs))
        self.assertEqual((row["against"], row["rate"], row["cpu"], row["met"]), ("postfix", 12.0, 0.05, True))

    def test_a_limit_missed_is_said(self):
        runs = [figures("mailreeve", 1.0, 300), figures("postfix", 20.0, 2000)]
        rows = report.ratios(report.summaries([RELAY], runs))
        self.assertFalse(rows[0]["met"])
        self.assertIn("20.0 times the rate, CPU 1/6.7   wanted 11 times and CPU 1/15: MISSED", report.ratio_text(rows))

    def test_where_only_one_of_both_is_wanted_the_other_is_not_judged(self):
        [one] = case.cases(20_000, ["one connection"])
        runs = [figures("mailreeve", 1.0, 100, of=one), figures("postfix", 2.0, 1000, of=one)]
        rows = report.ratios(report.summaries([one], runs))
        self.assertIn("2.0 times the rate, CPU 1/10.0   wanted CPU 1/9: met", report.ratio_text(rows))

    def test_one_missing_message_in_one_run_takes_the_ratio_away(self):
        for broken in ("mailreeve", "postfix"):
            runs = [
                figures("mailreeve", 1.0, 100, "lost" if broken == "mailreeve" else None),
                figures("mailreeve", 1.0, 100),
                figures("postfix", 20.0, 2000, "lost" if broken == "postfix" else None),
            ]
            found = report.summaries([RELAY], runs)
            [row] = report.ratios(found)
            self.assertEqual(row["no_ratio"], ["lost"])
            self.assertNotIn("rate", row)
            self.assertIn("no ratio: lost", report.ratio_text([row]))
            self.assertIn("NOT COMPARED: lost", report.table(found))

    def test_figures_survive_as_json(self):
        read = json.loads(json.dumps(figures("mailreeve", 2.0, 100).to_json()))
        self.assertEqual((read["rate"], read["cpu_us"]), (500.0, 100.0))


class Page(unittest.TestCase):
    def test_every_server_has_its_bars_and_words_of_others_stay_words(self):
        runs = [figures("mailreeve", 1.0, 100), figures("postfix", 20.0, 2000, "lost <b>one</b>")]
        found = report.summaries([RELAY], runs)
        machine = {"disk": "ext4 <on> vda"}
        text = page({"machine": machine, "summaries": [s.to_json() for s in found], "ratios": report.ratios(found)})
        self.assertEqual((text.count("<svg"), text.count("<rect")), (2, 4))
        self.assertIn("No ratio against postfix: lost &lt;b&gt;one&lt;/b&gt;", text)
        self.assertIn("ext4 &lt;on&gt; vda", text)


class Sums(unittest.TestCase):
    def sent(self, messages: int) -> dict:
        return {"acked": sums(messages), "refused": {"451 no": 3}, "errors": []}

    def test_equal_sums_have_no_complaint(self):
        self.assertIsNone(run.compare(10, self.sent(10), sums(10)))

    def test_refused_lost_doubled_and_changed_messages_are_told(self):
        self.assertIn("9 of 10 acknowledged: {'451 no': 3}", run.compare(10, self.sent(9), sums(9)))
        for arrived in (sums(9), sums(11), sums(10, checksum=8)):
            self.assertIn("arrived", run.compare(10, self.sent(10), arrived))


class Cases(unittest.TestCase):
    def test_all_and_those_with_the_words(self):
        self.assertEqual(len({str(c) for c in case.cases(20_000, [])}), 11)
        self.assertEqual([str(c) for c in case.cases(20_000, ["relay 100"])], ["relay 100 x 4 KiB", "relay 100 x 64 KiB"])
        self.assertEqual([str(c) for c in case.cases(20_000, ["10 recipients"])], ["relay 20 x 4 KiB, 10 recipients"])
        self.assertEqual([str(c) for c in case.cases(20_000, ["accept 64", "nothing"])][0], "accept 20 x 64 KiB")

    def test_every_session_has_something_to_send(self):
        self.assertTrue(all(c.messages >= 10 * c.sessions for c in case.cases(1, [])))


class Disks(unittest.TestCase):
    def test_memory_is_no_disk(self):
        if disk.file_system(Path("/dev/shm")) != "tmpfs":
            self.skipTest("no tmpfs at /dev/shm")
        with self.assertRaisesRegex(disk.NotADisk, "tmpfs, which is on no disk"):
            disk.Disk(Path("/dev/shm"))


if __name__ == "__main__":
    unittest.main()
