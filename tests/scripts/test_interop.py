"""The comparison of the conversations in tests/interop finds what it is there to find."""

import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "interop"))

from letters import LARGE_BYTES, Arrival, Letter, Manners, compare, letters, sha256, without_trace  # noqa: E402

SENT = [Letter("a@s.test", ["b@one.test", "c@two.test"], b"Subject: x\r\n\r\n.dot\r\n"), Letter("", ["d@one.test"], b"")]


def arrivals() -> list[Arrival]:
    return [Arrival(rcpt, letter.mail, sha256(letter.content)) for letter in SENT for rcpt in letter.rcpts]


class Comparison(unittest.TestCase):
    def test_what_arrived_as_it_was_sent_is_good(self):
        verdict = compare(SENT, arrivals())
        self.assertTrue(verdict.good, verdict)
        self.assertEqual(verdict.expected, 3)

    def test_each_fault_is_found_and_named(self):
        first, second, third = arrivals()
        for got, fault, name in (
            ([first, third], "lost", "c@two.test"),
            ([first, second, second, third], "duplicate", "c@two.test"),
            ([first, Arrival("c@two.test", "a@s.test", sha256(b"")), third], "altered", "c@two.test from <a@s.test>"),
            ([first, Arrival("c@two.test", "A@s.test", second.sha256), third], "altered", "c@two.test from <A@s.test>"),
            ([*arrivals(), Arrival("e@one.test", "", first.sha256)], "strangers", "e@one.test"),
        ):
            verdict = compare(SENT, got)
            self.assertFalse(verdict.good)
            self.assertEqual(getattr(verdict, fault), [name])

    def test_only_trace_on_top_is_taken_off(self):
        content = b"Subject: x\r\nReceived: mine\r\n\r\nReceived: body\r\n"
        self.assertEqual(without_trace(b"Received: from a\r\n\tby b\r\nReturn-Path: <>\r\n" + content), content)
        self.assertEqual(without_trace(b""), b"")


class Corpus(unittest.TestCase):
    def test_every_hard_case_is_in_it(self):
        made = letters(1_000)
        self.assertEqual(len({rcpt for letter in made for rcpt in letter.rcpts}), sum(len(letter.rcpts) for letter in made))
        for what, is_there in {
            "a null sender": lambda letter: letter.mail == "",
            "a long sender": lambda letter: len(letter.mail) > 240,
            "five recipients": lambda letter: len(letter.rcpts) == 5,
            "a quoted local part": lambda letter: any(rcpt.startswith('"') for rcpt in letter.rcpts),
            "no content": lambda letter: letter.content == b"",
            "no body": lambda letter: letter.content.endswith(b"\r\n\r\n"),
            "8 bit": lambda letter: letter.eight_bit,
            "a leading dot": lambda letter: b"\r\n.\r\n" in letter.content,
            "a line of 998": lambda letter: any(len(line) == 998 for line in letter.content.split(b"\r\n")),
            "3 MB": lambda letter: len(letter.content) > LARGE_BYTES,
        }.items():
            self.assertTrue(any(map(is_there, made)), what)

    def test_it_is_the_same_each_time_and_fits_the_peer(self):
        self.assertEqual(letters(50, seed=4), letters(50, seed=4))
        plain = letters(200, Manners(quoted=False, empty=False))
        self.assertFalse(any('"' in rcpt for letter in plain for rcpt in letter.rcpts))
        self.assertTrue(all(letter.content for letter in plain))


if __name__ == "__main__":
    unittest.main()
