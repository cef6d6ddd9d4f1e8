#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Draw the curves of bench.json and bench-lab.json with gnuplot.

usage: plot.py FOLDER-OF-JSON FOLDER-OF-PLOTS
"""
import json
import os
import subprocess
import sys

SETTINGS = """
set terminal svg size 640,400 noenhanced font "sans,12" background "white"
set output "{output}"
set title "{title}"
set xlabel "{x}"
set ylabel "{y}"
set logscale {log}
set key {key}
set grid
"""
# A curve: the file, a part of its rows' question, how their name begins, our median or the peer's,
# and the curve's own name.
PLOTS = [
    {"output": "reads.svg", "title": "A read, daemon and client on different CPUs",
     "x": "keys read together", "y": "us for each read", "log": "xy", "key": "outside below",
     "axis": "keys", "curves": [
         ("bench", "C xenstored", "a batch of", "median", "a batch, C xenstored"),
         ("bench", "oxenstored", "a batch of", "median", "a batch, oxenstored"),
         ("bench", "C xenstored", "without an order", "median", "unordered, C xenstored"),
         ("bench", "oxenstored", "without an order", "median", "unordered, oxenstored"),
         ("bench", "C xenstored", "a batch of", "peer", "xs_read, C xenstored"),
         ("bench", "oxenstored", "a batch of", "peer", "xs_read, oxenstored")]},
    {"output": "domains.svg", "title": "In the lab: find the last domain by name, list things of all",
     "x": "domains", "y": "ms", "log": "xy", "key": "outside below",
     "axis": "domains", "curves": [
         ("bench-lab", "the time", "xll_name_to_domid", "median", "xll_name_to_domid"),
         ("bench-lab", "the time", "xll_name_to_domid", "peer", "libxl_name_to_domid"),
         ("bench-lab", "the time", "xl-lite list", "median", "xl-lite list"),
         ("bench-lab", "the time", "xl-lite list", "peer", "xl list"),
         ("bench-lab", "the time", "xll_list_nics, all", "median", "xll_list_nics"),
         ("bench-lab", "the time", "xll_list_nics, all", "peer",
          "libxl_device_nic_list and getinfo"),
         ("bench-lab", "the time", "xll_list_vcpus, all", "median", "xll_list_vcpus"),
         ("bench-lab", "the time", "xll_list_vcpus, all", "peer", "libxl_list_vcpu")]},
    {"output": "contention.svg", "title": "Writers that increment one counter",
     "x": "writers", "y": "commits in a second, all together", "log": "xy", "key": "outside below",
     "axis": "writers", "curves": [
         ("bench", "increment one counter, C xen", "xsu_transaction, commits", "median",
          "xsu_transaction, C xenstored"),
         ("bench", "increment one counter, oxen", "xsu_transaction, commits", "median",
          "xsu_transaction, oxenstored"),
         ("bench", "increment one counter, C xen", "xsu_transaction, commits", "peer",
          "retry at once, C xenstored"),
         ("bench", "increment one counter, oxen", "xsu_transaction, commits", "peer",
          "retry at once, oxenstored")]},
]
SCALES = {("ns", "us for each read"): 1e-3, ("ns", "ms"): 1e-6}


def points(rows, plot, question, name, which):
    """One curve's (x, y), in order."""
    for row in rows:
        if row.get("axis") == plot["axis"] and row["name"].startswith(name) \
                and question in row["question"] and "Which" not in row["question"]:
            summary = row["peer"] if which == "peer" else row
            yield row["x"], summary["median"] * SCALES.get((row["unit"], plot["y"]), 1)


def draw(files, plot, folder):
    """One plot, if its measurements are there."""
    script = SETTINGS.format(**dict(plot, output=os.path.join(folder, plot["output"])))
    curves = []
    for number, (file, question, name, which, title) in enumerate(plot["curves"]):
        data = list(points(files.get(file, []), plot, question, name, which))
        if not data:
            print("plot.py: nothing measured for %s: %s" % (plot["output"], title))
            return
        script += "$c%d << EOD\n%s\nEOD\n" % (number, "\n".join("%g %g" % one for one in data))
        curves.append('$c%d with linespoints lw 2 title "%s"' % (number, title))
    script += "plot " + ", ".join(curves) + "\n"
    subprocess.run(["gnuplot"], input=script, text=True, check=True)
    print("plot.py: %s" % os.path.join(folder, plot["output"]))


def main(source, target):
    """All plots that there is something for."""
    files = {}
    for name in ("bench", "bench-lab"):
        path = os.path.join(source, name + ".json")
        if os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                files[name] = json.load(file)
    for plot in PLOTS:
        draw(files, plot, target)


if __name__ == "__main__":
    main(*sys.argv[1:])
