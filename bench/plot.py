#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Draw the curves of the newest file in bench/results with gnuplot.

usage: plot.py FOLDER-OF-RESULTS FOLDER-OF-PLOTS

A panel answers one question.  In it a colour is one thing that is done; it is solid as we do it and
dashed as the peer does it.  The peer's version comes from the results' line "peer:".
"""
import os
import re
import subprocess
import sys

SETTINGS = """
set terminal svg size 900,{height} noenhanced font "sans,15" background "white"
set output "{output}"
set multiplot layout {rows},2
set logscale xy
set grid back linecolor "#cccccc"
set style data linespoints
set key at graph 0,-0.31 left top Left reverse maxcols 1 samplen 4
set bmargin 7.5
"""
PANEL = """
set title "{title}"
set xlabel "{x}" offset 0,0.6
set ylabel "{y}"
set xrange [{low}:{high}]
set yrange [{from}:*]
set xtics {ticks}
"""
CURVE = ('$c{number} linewidth 2 pointtype 7 pointsize 0.5 dashtype {dash} linecolor "{colour}"'
         ' title "{title}"')
COLOURS = ("#0060a8", "#c05000")
SOLID, DASHED = 1, 2
# What tells where the rows that follow lie on the x axis.
PLACES = (r"(\d+) domains", r"a batch of (\d+) reads", r"  (\d+) writers, medians")


def reads(daemon):
    """One panel: a read on one daemon."""
    table = "Cost of a read by the number of keys, %s," % daemon
    return {"title": "What does a read cost on %s?" % daemon, "x": "keys read together",
            "y": "us for each", "from": 5, "ticks": "autofreq", "ns": 1e-3, "curves": [
                (table, "a batch of", "a batch", COLOURS[0], SOLID),
                (table, "xs_read in turn", "xs_read in turn", COLOURS[0], DASHED),
                (table, "without an order", "a batch without an order", COLOURS[1], SOLID)]}


def writers(daemon):
    """One panel: commits on one daemon."""
    table = "Writers increment one counter, %s" % daemon
    return {"title": "What do writers get done on %s?" % daemon, "x": "writers of one counter",
            "y": "commits in a second", "from": 100, "ticks": "(1, 2, 4, 8, 16)", "curves": [
                (table, "  xsu_transaction", "xsu_transaction", COLOURS[0], SOLID),
                (table, "  retry at once", "retry at once, as libxl", COLOURS[0], DASHED)]}


def domains(title, table, ours, peer):
    """One panel: the time of one thing in the lab."""
    table = r"\d+ domains%s: the time" % table
    return {"title": title, "x": "domains", "y": "ms", "from": "*", "us": 1e-3,
            "ticks": "(1, 3, 10, 30, 100, 300)", "curves": [
                (table, ours, ours, COLOURS[0], SOLID),
                (table, peer, peer.replace(" of each", ""), COLOURS[0], DASHED)]}


PLOTS = {
    "reads.svg": [reads("C xenstored"), reads("oxenstored")],
    "contention.svg": [writers("C xenstored"), writers("oxenstored")],
    "domains.svg": [
        domains("How long does a name take?", "", "xll_name_to_domid", "libxl_name_to_domid"),
        domains("How long does a list take?", "", "xl-lite list", "xl list"),
        domains("How long do all interfaces take?", ", lists", "xll_list_nics, all domains",
                "libxl_device_nic_list + getinfo of each"),
        domains("How long do all vcpus take?", ", lists", "xll_list_vcpus, all domains",
                "libxl_list_vcpu of each")],
}


def parse(text):
    """Rows as (table, name, unit, median, x), in the order of the file."""
    table, x = "", None
    for line in text.splitlines():
        for place in PLACES:
            found = re.match(place, line)
            x = int(found.group(1)) if found else x
        row = re.match(r"(.*?) +(ns|us|ms) +\d+ +[\d.]+ +([\d.]+) +[\d.]+$", line) \
            or re.match(r"(  \S.*?) {2,}()(\d+)( +[\d.]+){4}$", line)
        if row:
            yield table, row.group(1), row.group(2), float(row.group(3)), x
        elif line and not line.startswith(" "):
            table = line


def points(rows, panel, table, name):
    """One curve: x -> y.  Where a row stands twice, the first counts."""
    found = {}
    for row_table, row_name, unit, median, x in rows:
        if re.match(table, row_table) and row_name.startswith(name):
            found.setdefault(x, median * panel.get(unit, 1))
    if not found:
        sys.exit(f"plot.py: nothing measured of {name!r} in {table!r}")
    return found


def panel_script(rows, panel, version):
    """gnuplot's commands for one panel."""
    curves, places, script = [], [], ""
    for number, (table, name, title, colour, dash) in enumerate(panel["curves"]):
        data = points(rows, panel, table, name)
        places += data
        script += "$c%d << EOD\n%s\nEOD\n" % (
            number, "\n".join("%g %g" % one for one in data.items()))
        if dash == DASHED:
            title += ", Xen " + version
        curves.append(CURVE.format(number=number, title=title, colour=colour, dash=dash))
    return script + PANEL.format(**panel, low=min(places) / 1.25, high=max(places) * 1.25) \
        + "plot " + ", ".join(curves) + "\n"


def main(source, target):
    """All plots, from the file whose name begins with the latest date; others have actions alone."""
    files = sorted(name for name in os.listdir(source) if re.match(r"\d.*\.txt$", name))
    if not files:
        sys.exit(f"plot.py: no results in {source}")
    with open(os.path.join(source, files[-1]), encoding="utf-8") as file:
        text = file.read()
    version = re.search(r"^peer:.*?(\d+\.\d+)", text, re.M)
    if not version:
        sys.exit(f"plot.py: {files[-1]} has no line \"peer:\" that tells Xen's version")
    rows = list(parse(text))
    for name, panels in PLOTS.items():
        output = os.path.join(target, name)
        script = SETTINGS.format(height=220 * len(panels), output=output, rows=len(panels) // 2)
        script += "".join(panel_script(rows, panel, version.group(1)) for panel in panels)
        subprocess.run(["gnuplot"], input=script, text=True, check=True)
        print("plot.py: %s" % output)


if __name__ == "__main__":
    main(*sys.argv[1:])
