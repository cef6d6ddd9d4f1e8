#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Run benchmarks one after the other; their tables go to the terminal and to a file, their rows to
another as one JSON array.

usage: run.py TEXT JSON COMMAND...

Rows come through the file that BENCH_JSON names, and in lines of output that begin with "json ".
"""
import json
import os
import subprocess
import sys
import tempfile


def run(command, text, rows):
    """One command line; its exit status."""
    with subprocess.Popen(command, shell=True, stdout=subprocess.PIPE, text=True,
                          errors="replace") as process:
        for line in process.stdout:
            if line.startswith("json "):
                rows.append(json.loads(line[len("json "):]))
                continue
            for file in (sys.stdout, text):
                file.write(line)
                file.flush()
    return process.returncode


def main(text_path, json_path, *commands):
    """All of them; the first failure ends it."""
    with tempfile.TemporaryDirectory() as folder, open(text_path, "w", encoding="utf-8") as text:
        path = os.path.join(folder, "rows")
        os.environ["BENCH_JSON"] = path
        rows = []
        for command in commands:
            status = run(command, text, rows)
            if os.path.exists(path):
                with open(path, encoding="utf-8") as lines:
                    rows += map(json.loads, lines)
                os.remove(path)
            if status:
                sys.exit(f"run.py: {command}: failed with status {status}")
    with open(json_path, "w", encoding="utf-8") as file:
        file.write("[\n%s\n]\n" % ",\n".join(map(json.dumps, rows)))


if __name__ == "__main__":
    main(*sys.argv[1:])
