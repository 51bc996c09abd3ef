"""check.py METRICS FORECASTS: what names metrics agrees with what a live grud has printed.

METRICS and FORECASTS are what GET /metrics and GET /metrics/forecasts have answered. Compared are
the table of docs/METRICS.md, each query of config/grafana/grud.json and each rule of
config/prometheus/grud.rules.yml: metrics, labels, and the values that labels are compared with.
Prints each disagreement, and exits with 1 if there is one.
"""

import json
import re
import sys
from collections import defaultdict
from typing import Dict, Iterator, List, Set, Tuple

BOARD, RULES, PAGE = ("config/grafana/grud.json", "config/prometheus/grud.rules.yml",
                      "docs/METRICS.md")
OPERATING = "docs/OPERATING.md"
SCRAPED = {"job", "instance"}  # that Prometheus adds
OWN = {"up"}  # a metric that it makes

Labels = Dict[str, Set[str]]  # the values that a metric's labels had
SAMPLE = re.compile(r'^(\w+)(?:\{(.*)\})? (\S+)$')
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


def read_samples(path: str) -> Tuple[Dict[str, Labels], Dict[str, str]]:
    """The labels of each metric that has a sample, and the types of all."""
    metrics: Dict[str, Labels] = defaultdict(lambda: defaultdict(set))
    types: Dict[str, str] = {}
    for line in open(path, encoding="utf-8"):
        if line.startswith("# TYPE "):
            name, kind = line.split()[2:]
            types[name] = kind
        elif not line.startswith("#"):
            sample = SAMPLE.match(line)
            if not sample:
                raise SystemExit(f"{path}: this is no sample: {line}")
            labels = metrics[sample[1]]
            for label, value in LABEL.findall(sample[2] or ""):
                labels[label].add(value)
    return metrics, types


def family(name: str, types: Dict[str, str]) -> str:
    base = re.sub(r"_(bucket|sum|count)$", "", name)
    return base if types.get(base) == "histogram" else name


class Check:
    def __init__(self, metrics: Dict[str, Labels], types: Dict[str, str]) -> None:
        self.metrics, self.types = metrics, types
        self.used: Set[str] = set()
        self.n_faults = 0

    def fault(self, where: str, what: str) -> None:
        print(f"metrics: {where}: {what}", file=sys.stderr)
        self.n_faults += 1

    def query(self, where: str, query: str, legend: str = "") -> None:
        """Each selector has a live metric and labels that it has, and so have by, on and legend."""
        names: Set[str] = set()
        known = set(SCRAPED)
        text = re.sub(r"\b(by|on|ignoring|group_left|group_right)\s*\([^)]*\)", " ", query)
        for name, matchers in re.findall(r"\b((?:grud|process)_\w+|up)\b(?:\{([^}]*)\})?", text):
            names.add(name)
            known |= self.selector(where, name, matchers)
        if not names:
            self.fault(where, f"no metric in {query}")
        grouped = re.findall(r"\b(?:by|on|ignoring|group_left)\s*\(([^)]*)\)", query)
        for label in [label for labels in grouped for label in re.findall(r"\w+", labels)]:
            if label not in known:
                self.fault(where, f"no label '{label}' in {query}")
        for label in re.findall(r"\{\{\s*(?!end\b)(?:\$labels\.)?(\w+)\s*\}\}", legend):
            if label not in known:
                self.fault(where, f"no label '{label}' of {{{{{label}}}}} in {query}")

    def selector(self, where: str, name: str, matchers: str) -> Set[str]:
        if name in OWN:
            return set()
        labels = self.metrics.get(name)
        if labels is None:
            self.fault(where, f"there is no metric {name}")
            return set()
        self.used.add(family(name, self.types))
        for label, operator, value in re.findall(r'(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"', matchers):
            if label in SCRAPED or "$" in value:
                if label not in SCRAPED and label not in labels:
                    self.fault(where, f"{name} has no label '{label}'")
                continue
            if operator.startswith("!"):
                if label not in labels:
                    self.fault(where, f"{name} has no label '{label}'")
                continue
            values = value.split("|") if "~" in operator else [value]
            for one in values:
                if not any(re.fullmatch(one, live) for live in labels.get(label, set())):
                    self.fault(where, f"{name} never has {label}=\"{one}\"")
        return set(labels)


def read_table() -> Iterator[Tuple[str, str, Set[str]]]:
    page = open(PAGE, encoding="utf-8").read()
    table = page[page.index("<!-- figures -->"):page.index("<!-- /figures -->")]
    for name, kind, labels in re.findall(r"^\| `(\w+)` \| (\w+) \| ([^|]*) \|", table, re.M):
        yield name, kind, set(re.findall(r"\w+", labels))


def check_table(check: Check) -> Set[str]:
    """Each metric of the page is there with its labels, and no other."""
    said = set()
    for name, kind, labels in read_table():
        said.add(name)
        sample = name + "_bucket" if kind == "histogram" else name
        live = set(check.metrics.get(sample, {})) - ({"le"} if kind == "histogram" else set())
        if check.types.get(name) != kind:
            check.fault(PAGE, f"{name} is no {kind} but {check.types.get(name)}")
        elif sample not in check.metrics:
            check.fault(PAGE, f"nothing in this run has made a sample of {name}")
        elif live != labels:
            check.fault(PAGE, f"{name} has the labels {sorted(live)}, not {sorted(labels)}")
    for name in check.types:
        if name not in said and not name.startswith("grud_yhat"):
            check.fault(PAGE, f"{name} is not said")
    return said


def check_board(check: Check, said: Set[str]) -> None:
    board = json.load(open(BOARD, encoding="utf-8"))
    panels: List[dict] = board["panels"]
    for panel in panels:
        for target in panel.get("targets", []):
            check.query(f"{BOARD}: {panel['title']}", target["expr"], target["legendFormat"])
    if len({panel["id"] for panel in panels}) != len(panels):
        check.fault(BOARD, "two panels have one id")
    for variable in board["templating"]["list"]:
        if variable["type"] == "query":
            selector, label = re.fullmatch(r"label_values\((.*), (\w+)\)",
                                           variable["query"]["query"]).groups()
            check.query(f"{BOARD}: ${variable['name']}", selector, "{{" + label + "}}")
    for name in sorted(said - check.used):
        check.fault(BOARD, f"{name} is on no panel")


def anchors() -> Set[str]:
    page = open(OPERATING, encoding="utf-8").read()
    headings = re.findall(r"^#+ (.*)$", page, re.M)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def check_rules(check: Check) -> None:
    text = open(RULES, encoding="utf-8").read()
    sections = anchors()
    for rule in text.split("- alert: ")[1:]:
        name = rule.split("\n", 1)[0]
        where = f"{RULES}: {name}"
        fields = dict(re.findall(r"^ +(expr|summary|description|runbook_url): (.*)$", rule, re.M))
        if len(fields) < 4:
            check.fault(where, "it has not each of expr, summary, description and runbook_url")
            continue
        check.query(where, fields["expr"], fields["summary"] + fields["description"])
        path, _, section = fields["runbook_url"].partition("#")
        if path != OPERATING or section not in sections:
            check.fault(where, f"there is no {fields['runbook_url']}")


def main() -> int:
    metrics, types = read_samples(sys.argv[1])
    of_sessions, types_of_sessions = read_samples(sys.argv[2])
    metrics.update(of_sessions)
    types.update(types_of_sessions)
    check = Check(metrics, types)
    said = check_table(check)
    check_board(check, said)
    check_rules(check)
    print(f"metrics: {len(said)} metrics, {len(metrics)} with samples: {check.n_faults} faults")
    return 1 if check.n_faults else 0


if __name__ == "__main__":
    sys.exit(main())
