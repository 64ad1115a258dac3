#!/usr/bin/env python3
"""How long `revision validate` takes on a bundle of 20,000 files, a directory and a zip, beside peers that look at less.

    cargo build --release && python3 benches/validate.py [--files N] [--runs N]

The peers read the same: `find -ls` each file's name, size and mode of the directory, `unzip -tqq` (the program that the agents
call) each file of the zip with its checksum. Commands take turns; a row is the median of the runs, with the least beside it, and
the ratio that of the medians. Bar: 200 ms. Ends with 1 where a median misses it.
"""

import argparse
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
BAR = 200
APPSPEC = """version: 0.0
os: linux
files:
  - source: app
    destination: /srv/app
permissions:
  - object: /srv/app
    pattern: "*.txt"
    mode: "644"
    type: [file]
hooks:
  ApplicationStart:
    - location: scripts/start.sh
      timeout: 60
"""


def make(site, files):
    """A revision of so many small files, a hundred in each directory."""
    for number in range(files):
        folder = site / "app" / str(number // 100)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{number}.txt").write_text(f"hello {number}\n" * 20)
    (site / "scripts").mkdir()
    script = site / "scripts/start.sh"
    script.write_text("#!/bin/sh\necho\n")
    script.chmod(0o755)
    (site / "appspec.yml").write_text(APPSPEC)


def took(command):
    """Milliseconds of a command that must succeed."""
    start = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    return (time.perf_counter() - start) * 1000


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--cdctl", default=ROOT / "target/release/cdctl")
    options.add_argument("--files", type=int, default=20_000)
    options.add_argument("--runs", type=int, default=15)
    options = options.parse_args()
    cdctl = str(options.cdctl)

    with tempfile.TemporaryDirectory() as folder:
        site, archive = pathlib.Path(folder, "site"), pathlib.Path(folder, "site.zip")
        make(site, options.files)
        took([cdctl, "revision", "bundle", str(site), "--file", str(archive)])
        rows = [
            ("directory", [cdctl, "revision", "validate", str(site)], ["find", str(site), "-ls"]),
            ("zip", [cdctl, "revision", "validate", str(archive)], ["unzip", "-tqq", str(archive)]),
        ]
        is_missed = False
        print(f"{options.files} files, {options.runs} runs, the bar {BAR} ms")
        print(f"{'':<10} {'cdctl ms':>9} {'least':>7} {'peer ms':>9} {'least':>7} {'ratio':>6}  peer")
        for name, ours, theirs in rows:
            is_there = shutil.which(theirs[0]) is not None
            times = {"ours": [], "theirs": []}
            for _ in range(options.runs):
                times["ours"].append(took(ours))
                if is_there:
                    times["theirs"].append(took(theirs))
            median = statistics.median(times["ours"])
            is_missed |= median > BAR
            row = f"{name:<10} {median:>9.1f} {min(times['ours']):>7.1f}"
            if is_there:
                peer = statistics.median(times["theirs"])
                row += f" {peer:>9.1f} {min(times['theirs']):>7.1f} {median / peer:>6.2f}"
            print(row, "", " ".join(theirs[:2] if name == "zip" else [theirs[0], "-ls"]))
        sys.exit("the bar is missed" if is_missed else 0)


main()
