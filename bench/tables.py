"""Makes the text of docs/performance.md from the results of a run."""

import statistics

import servers


def median(row, name):
    return statistics.median(row[name])


def times(row, other, name):
    """How many times the other's the number is: round by round, because what else the machine does comes and goes."""
    return statistics.median(value / base for value, base in zip(row[name], other[name]))


def group(results, name):
    return [row for row in results["rows"] if name in row["groups"]]


def by_key(results, key):
    return next(row for row in results["rows"] if row["key"] == key)


def markdown(heads, lines):
    lines = [heads, ["---"] + ["---:"] * (len(heads) - 1), *lines]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def main_table(results):
    nginx, bare = by_key(results, "nginx"), by_key(results, "bare")
    lines = [[row["title"], f"{median(row, 'rate'):,.0f}", f"{times(row, nginx, 'rate'):.2f}",
              f"{median(row, 'cpu'):.1f}", f"{times(row, bare, 'cpu'):.2f}",
              f"{median(row, 'behind'):.1f}" if row["has_back_end"] else "", f"{median(row, 'load'):.1f}",
              f"{median(row, 'p50'):.2f}", f"{median(row, 'p99'):.2f}", f"{median(row, 'memory'):.1f}"]
             for row in group(results, "main")]
    return markdown(["", "requests/s", "× nginx", "CPU µs/request", "× bare", "database, LDAP µs", "wrk µs", "p50 ms",
                     "p99 ms", "peak MiB"], lines)


def growth_table(head, rows, title=lambda row: row["title"]):
    """Each is compared with the first."""
    lines = [[title(row), f"{median(row, 'rate'):,.0f}", f"{times(row, rows[0], 'rate'):.2f}",
              f"{median(row, 'cpu'):.1f}", f"{times(row, rows[0], 'cpu'):.2f}", f"{median(row, 'p50'):.2f}",
              f"{median(row, 'p99'):.2f}", f"{median(row, 'memory'):.1f}"] for row in rows]
    return markdown([head, "requests/s", "× first", "CPU µs/request", "× first", "p50 ms", "p99 ms", "peak MiB"], lines)


def connection_memory(rows):
    """KiB that one connection takes, by the rows with the fewest and the most of them."""
    first, last = rows[0], rows[-1]
    return (median(last, "memory") - median(first, "memory")) * 1024 / (last["x"] - first["x"])


def domains_title(row):
    return f"{row['x']:,} domain{'s' * (row['x'] > 1)}, {'not cached' if row['looked_up'] else 'all cached'}"


def busy(row, name):
    """Per cent of one processor."""
    return statistics.median(rate * cost for rate, cost in zip(row["rate"], row[name])) / 1e6 * 100


def growth(results):
    text = ""
    domains = group(results, "cached") + group(results, "uncached")
    if len(domains) > 1:
        text += "### With the number of domains\n\n" + growth_table("in SQLite", domains, domains_title) + "\n"
    connections = group(results, "connections")
    if len(connections) > 1:
        text += ("### With the number of connections\n\n" + growth_table("autoconfig, cached", connections) +
                 f"\nA connection takes {connection_memory(connections):.1f} KiB of the server's memory, beside what the "
                 "kernel keeps for its socket.\n\n")
    alone = group(results, "processor-alone")
    processors = group(results, "processors") + alone
    if processors:
        text += "### With the number of processors\n\n" + growth_table("autoconfig, cached", processors)
    if alone:
        text += (f"\nIn the last row the server kept its processor busy for {busy(alone[0], 'cpu'):.0f} % of the time, and the "
                 f"load its own for {busy(alone[0], 'load'):.0f} %.\n")
    return text


def generator(results):
    """What the load costs: with random names it is a program in Lua that writes each request."""
    shares = [load / (cpu + behind + load) for row in results["rows"]
              for load, cpu, behind in zip(row["load"], row["cpu"], row["behind"])]
    text = f"wrk takes {min(shares) * 100:.0f} to {max(shares) * 100:.0f} % of all processor time that a row costs"
    pair = [row for row in results["rows"] if row["key"] in ("autoconfig", "cached-1000")]
    if len(pair) == 2:
        fixed, random = (median(row, "load") for row in pair)
        text += f"; {fixed:.1f} µs for the same request each time, {random:.1f} µs for random names"
    return text + ".\n"


def document(results):
    machine, starts = results["machine"], results["starts"]
    return (f"{machine['processors']} processors ({machine['model']}), Linux {machine['kernel']}, {results['rounds']} rounds "
            f"of {results['seconds']} s. Unless a row says otherwise, server and load share {machine['used']} processors, "
            f"and the load is wrk with {results['connections']} connections.\n\n"
            "![requests a second in each row, and how they change with domains, connections and processors]"
            "(performance.svg)\n\n"
            f"{main_table(results)}\n"
            f"First answer {starts['first_ms']:.0f} ms after exec. Idle after an answer: {starts['idle_mib']:.1f} MiB "
            f"resident, of which {starts['own_mib']:.1f} MiB are its own and the rest pages of libraries.\n\n"
            f"{generator(results)}\n{growth(results)}")


def put(path, command, text):
    """Puts it between the two lines in which the document names the command that writes there."""
    with open(path) as file:
        before, begin, rest = file.read().partition(f"<!-- {command}: begin -->\n")
    _, end, after = rest.partition(f"<!-- {command}: end -->")
    if not end:
        raise SystemExit(f"bench: {path} has no lines for {command}")
    servers.write(path, before + begin + text + end + after)
