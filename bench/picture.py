"""Draws docs/performance.svg from the results of a run: a bar for each row, and lines for what grows."""

import math
from xml.sax.saxutils import escape

from tables import by_key, group, median, times

WIDTH, MARGIN = 960, 24
BAR_LEFT, BAR_RIGHT, BAR_STEP, BAR_HEIGHT = 330, 800, 24, 14
PANEL_HEIGHT, PLOT_HEIGHT, PLOT_INDENT = 244, 140, 52

# A card of its own colour is readable whatever page it lies on.
STYLE = """
text { font: 13px system-ui, -apple-system, "Segoe UI", "Noto Sans", Helvetica, Arial, sans-serif; fill: #1f2328; }
.title { font-size: 15px; font-weight: 600; } .small { font-size: 11px; fill: #59636e; }
.value { paint-order: stroke; stroke: #ffffff; stroke-width: 6px; stroke-linejoin: round; }
.card { fill: #ffffff; stroke: #d1d9e0; } .grid { stroke: #e4e8ec; } .base { stroke: #818b98; }
.reference { fill: #818b98; } .memory { fill: #0969da; } .looked { fill: #bc4c00; }
.line { fill: none; stroke-width: 2; } .line.memory { stroke: #0969da; fill: none; } .line.looked { stroke: #bc4c00; fill: none; }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3; } .small { fill: #9198a1; } .value { stroke: #0d1117; }
.card { fill: #0d1117; stroke: #3d444d; } .grid { stroke: #262c36; } .base { stroke: #9198a1; }
.reference { fill: #9198a1; } .memory { fill: #4493f8; } .looked { fill: #f0883e; }
.line.memory { stroke: #4493f8; } .line.looked { stroke: #f0883e; }
}
"""
LEGEND = [("reference", "compared with"), ("memory", "answered from memory"),
          ("looked", "looked up in a database or directory for each answer")]


def text(x, y, content, name="", anchor="start"):
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{name}" text-anchor="{anchor}">{escape(content)}</text>'


def rectangle(x, y, width, height, name):
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" rx="2" class="{name}"/>'


def line(x1, y1, x2, y2, name):
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{name}"/>'


def step(most, count):
    """A round number that goes at least count times into most."""
    unit = 10 ** math.floor(math.log10(most / count))
    return max(unit * factor for factor in (1, 2, 5) if unit * factor * count <= most * 1.0001)


def short(number):
    for unit, letter in ((1_000_000, "M"), (1000, "k")):
        if number >= unit:
            return f"{number / unit:g}{letter}"
    return f"{number:g}"


def kind(row):
    if row["key"] in ("nginx", "bare"):
        return "reference"
    return "looked" if row["looked_up"] else "memory"


def legend(x, y):
    parts = []
    for name, label in LEGEND:
        parts += [rectangle(x, y - 10, 12, 12, name), text(x + 18, y, label)]
        x += 44 + 7.4 * len(label)
    return parts


def bars(results, top):
    """The rows of the first table, relative to nginx. Returns what is drawn and where it ends."""
    rows, nginx = group(results, "main"), by_key(results, "nginx")
    ratios = [times(row, nginx, "rate") for row in rows]
    scale = (BAR_RIGHT - BAR_LEFT) / max(ratios)
    first = top + 62
    bottom = first + BAR_STEP * len(rows)
    parts = [text(MARGIN, top + 14, "Requests a second, as multiples of nginx with a static file", "title"),
             *legend(MARGIN, top + 40)]
    tick = step(max(ratios), 4)
    for number in range(int(max(ratios) / tick) + 1):
        x = BAR_LEFT + number * tick * scale
        parts += [line(x, first - 4, x, bottom, "base" if abs(number * tick - 1) < 1e-6 or not number else "grid"),
                  text(x, bottom + 16, f"{number * tick:g}×" if number else "0", "small", "middle")]
    for number, (row, ratio) in enumerate(zip(rows, ratios)):
        y = first + number * BAR_STEP
        parts += [text(BAR_LEFT - 10, y + 11, row["title"], anchor="end"),
                  rectangle(BAR_LEFT, y, max(1, ratio * scale), BAR_HEIGHT, kind(row)),
                  text(BAR_LEFT + ratio * scale + 8, y + 11, f"{ratio:.2f}× · {median(row, 'rate'):,.0f}/s", "small value")]
    return parts, bottom + 24


def panel(x, top, width, title, x_label, lines, name, most):
    """One small chart: lines are (class, label, rows), name is the number drawn, most the end of its axis."""
    left, bottom = x + PLOT_INDENT, top + 40 + PLOT_HEIGHT
    right = x + width - 20
    places = sorted({row["x"] for _, _, rows in lines for row in rows})
    span = math.log10(places[-1] / places[0]) or 1

    def at(row_x):
        return left + 8 + (right - left - 16) * math.log10(row_x / places[0]) / span

    parts = [text(x, top + 12, title, "title")]
    for number, (style, label, _) in enumerate(lines):
        if label:
            at_x = left + 80 * number
            parts += [rectangle(at_x, top + 25, 10, 10, style), text(at_x + 15, top + 34, label, "small")]
    tick = step(most, 4)
    for number in range(int(most / tick + 1e-6) + 1):
        y = bottom - PLOT_HEIGHT * number * tick / most
        parts += [line(left, y, right, y, "grid" if number else "base"),
                  text(left - 6, y + 4, short(number * tick), "small", "end")]
    parts += [text(at(place), bottom + 16, short(place), "small", "middle") for place in places]
    parts.append(text((left + right) / 2, bottom + 34, x_label, "small", "middle"))
    for style, _, rows in lines:
        points = [(at(row["x"]), bottom - PLOT_HEIGHT * median(row, name) / most) for row in rows]
        parts.append(f'<polyline class="line {style}" points="{" ".join(f"{px:.1f},{py:.1f}" for px, py in points)}"/>')
        parts += [f'<circle cx="{px:.1f}" cy="{py:.1f}" r="3" class="{style}"/>' for px, py in points]
    return parts


def growth(results, top):
    """Requests a second and what one costs, by domains, connections and processors. What was not measured is left out."""
    charts = [("domains in SQLite", [("memory", "cached", group(results, "cached")),
                                     ("looked", "not cached", group(results, "uncached"))]),
              ("connections", [("memory", "", group(results, "connections"))]),
              ("processors, for server and load", [("memory", "", group(results, "processors"))])]
    charts = [(label, [each for each in lines if each[2]]) for label, lines in charts]
    charts = [chart for chart in charts if chart[1]]
    width = (WIDTH - 2 * MARGIN) / 3
    parts = []
    for title, name in (("Requests/s", "rate"), ("Server CPU µs/request", "cpu")):
        # One axis for all three, so that they can be compared.
        most = 1.15 * max(median(row, name) for _, lines in charts for _, _, rows in lines for row in rows)
        for number, (label, lines) in enumerate(charts):
            parts += panel(MARGIN + number * width, top, width, title, label, lines, name, most)
        top += PANEL_HEIGHT
    return parts, top


def draw(results):
    parts, end = bars(results, MARGIN)
    more, height = growth(results, end + 24)
    parts = [rectangle(0.5, 0.5, WIDTH - 1, height - 1, "card"), *parts, *more]
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
            f'role="img" aria-label="Requests a second in each row of the tables">\n<style>{STYLE}</style>\n'
            + "\n".join(parts) + "\n</svg>\n")
