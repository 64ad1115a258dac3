#!/usr/bin/env python3
"""How long `revision validate` takes on a bundle of 20,000 files, a directory and a zip, beside peers that look at less.

    cargo build --release && python3 benches/validate.py [--files N] [--runs N]

The peers read the same: `find -ls` each file's name, size and mode of the directory, `unzip -tqq` (the program that the agents
call) each file of the zip with its checksum. Commands take turns; told are the median of the runs, the least, and the median of
the CPU; the ratio is that of the medians. Bar: 200 ms. Ends with 1 where a median misses it.
"""

import argparse
import os
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
    pattern: "**"
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
    """Milliseconds of a command that must succeed, on the clock and of CPU."""
    start = time.perf_counter()
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    wall = time.perf_counter() - start
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        sys.exit(f"{command} ended with {child.returncode}")
    return wall * 1000, (usage.ru_utime + usage.ru_stime) * 1000


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
        print(f"{'':<10}{'cdctl ms':>10}{'least':>8}{'CPU':>8}{'peer ms':>10}{'least':>8}{'CPU':>8}{'ratio':>7}  peer")
        for name, *commands in rows:
            commands = [command for command in commands if shutil.which(command[0])]
            runs = [[took(command) for command in commands] for _ in range(options.runs)]
            walls, row = [], f"{name:<10}"
            for ends in zip(*runs):
                wall, cpu = zip(*ends)
                walls.append(statistics.median(wall))
                row += f"{walls[-1]:>10.1f}{min(wall):>8.1f}{statistics.median(cpu):>8.1f}"
            is_missed |= walls[0] > BAR
            if len(walls) > 1:
                row += f"{walls[0] / walls[1]:>7.2f}  {commands[1][0]}"
            print(row)
        sys.exit("the bar is missed" if is_missed else 0)


main()
