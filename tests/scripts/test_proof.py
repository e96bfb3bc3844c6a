"""scripts/proof keeps what a campaign came to, whatever that is."""

import contextlib
import importlib.machinery
import importlib.util
import io
import tempfile
import unittest
from pathlib import Path

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "proof"


def load():
    loader = importlib.machinery.SourceFileLoader("proof", str(SCRIPT))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("proof", loader))
    loader.exec_module(module)
    return module


class Campaigns(unittest.TestCase):
    def run_campaign(self, script: str) -> dict:
        with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
            campaign = Path(folder) / "tryout"
            campaign.write_text(f"#!/bin/sh\n{script}\n")
            campaign.chmod(0o755)
            with contextlib.redirect_stderr(io.StringIO()):
                return load().run(campaign, 30, 41)

    def test_counts_are_the_last_line_and_the_seed_is_handed_on(self):
        record = self.run_campaign('echo progress; echo "{\\"seconds\\": $2, \\"seed\\": $4}"; echo')
        self.assertEqual(record["counts"], {"seconds": 30, "seed": 41})
        self.assertEqual((record["seed"], record["held"], record["status"]), (41, True, 0))
        self.assertRegex(record["commit"], "^[0-9a-f]{40}$")

    def test_a_failure_is_kept_with_its_counts(self):
        record = self.run_campaign('echo "{\\"lost\\": 1}"; exit 1')
        self.assertEqual((record["held"], record["status"], record["counts"]), (False, 1, {"lost": 1}))

    def test_success_without_counts_does_not_hold(self):
        for script in ("true", "echo done", "echo 3"):
            record = self.run_campaign(script)
            self.assertEqual((record["held"], record["counts"]), (False, None), script)


if __name__ == "__main__":
    unittest.main()
