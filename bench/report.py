"""Results as JSON, as a table in Markdown and as charts."""

import json
import statistics
import subprocess

from servers import ALL, find

SHORT = {
    "1": "full handshake",
    "3": "resumed handshake",
}


def number(value):
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def median_of(values):
    return statistics.median(values)


def spread(values):
    text = number(median_of(values))
    if len(values) > 1:
        text += f" ({number(min(values))}–{number(max(values))})"
    return text


def is_met(figure):
    return figure["target"] is None or median_of(figure["values"]) <= figure["target"]


def verdict(figure):
    if figure["target"] is None:
        return ""
    if is_met(figure):
        return "met"
    if figure["target"] == 0:
        return "**missed**"
    over = median_of(figure["values"]) / figure["target"] - 1
    return f"**missed by {over:.0%}**" if over >= 0.01 else "**missed by less than 1%**"


def table(results):
    lines = ["| | measured | figure | median (lowest–highest) | target | |"]
    lines.append("| --- | --- | --- | --- | --- | --- |")
    for row in results["rows"]:
        for at, figure in enumerate(row["figures"]):
            unit = f" {figure['unit']}" if figure["unit"] else ""
            target = "" if figure["target"] is None else f"≤ {figure['target']:g}{unit}"
            lines.append(
                f"| {row['row'] if at == 0 else ''} | {row['what'] if at == 0 else ''} "
                f"| {figure['what']} | {spread(figure['values'])}{unit} "
                f"| {target} | {verdict(figure)} |"
            )
    return "\n".join(lines)


def costs(results):
    lines = ["| | measured | unit | median (lowest–highest) of each round |", "| --- | --- | --- | --- |"]
    for row in results["rows"]:
        each = "; ".join(f"{name} {spread(values)}" for name, values in row["values"].items())
        note = f" ({row['note']})" if row["note"] else ""
        lines.append(f"| {row['row']} | {row['what']}{note} | {row['unit']} | {each} |")
    return "\n".join(lines)


def markdown(results):
    machine = results["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in results["versions"].items())
    return f"""# Results

{results['date']}, commit {results['commit']}, on {machine['cpu']} ({machine['cores']} cores,
{machine['memory_gb']:.0f} GB), Linux {machine['kernel']}, {machine['system']}.
{versions}.

Ratios are formed round by round; other load on the machine is in the spread. See
[README.md](README.md) for what each row is, and doc/performance.md for where the time goes.

{table(results)}

## What each cost

{costs(results)}
"""


GNUPLOT = """
set terminal svg size {width},360 dynamic font "sans-serif,13" background "white"
set output "{output}"
set title "{title}"
set style data histograms
set style histogram clustered gap 1
set style fill solid 0.9 border -1
set boxwidth 0.9
set grid ytics
set yrange [0:*]
set ylabel "{ylabel}"
set key {key}
set xtics nomirror
set ytics nomirror
$data << END
{data}
END
plot {plots}
"""

COLORS = ["#2b6cb0", "#9cc3e6", "#c0c0c0"]


def chart(output, title, ylabel, columns, key="top left"):
    """`columns` is {legend: {server: value}}."""
    names = [kind.name for kind in ALL]
    data = "\n".join(
        f'"{name}" ' + " ".join(f"{column[name]:.4f}" for column in columns.values())
        for name in names
    )
    plots = ", ".join(
        f'$data using {at + 2}:xtic(1) title "{legend}" lc rgb "{COLORS[at]}"'
        for at, legend in enumerate(columns)
    )
    script = GNUPLOT.format(
        width=700,
        output=output,
        title=title,
        ylabel=ylabel,
        key=key if len(columns) > 1 else "off",
        data=data,
        plots=plots,
    )
    subprocess.run([find("gnuplot")], input=script, text=True, check=True)


def medians(results, number_of_row):
    for row in results["rows"]:
        if row["row"] == number_of_row:
            return {name: median_of(values) for name, values in row["values"].items()}
    raise KeyError(number_of_row)


def write(results, folder):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "results.json").write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n")
    (folder / "results.md").write_text(markdown(results))
    chart(
        folder / "handshake.svg",
        "Server CPU for a TLS 1.3 handshake, one GET and close (less is better)",
        "µs",
        {legend: medians(results, at) for at, legend in SHORT.items()},
    )
    chart(
        folder / "memory.svg",
        "Resident memory, idle, one domain (less is better)",
        "MB",
        {"memory": medians(results, "6")},
    )
