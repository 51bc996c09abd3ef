#!/usr/bin/env python3
"""page_commands.py [PAGE [LANGUAGE]]: the code on the pages runs as it stands there, each part
against a fresh grud ($GRUD) in a folder of its own. Fails if a command fails, or does not print a
line that the page says it prints (#> or //>; … stands for anything). Without a PAGE it runs none,
but fails if a page has code that nothing runs: it is in PARTS or, as a line, in ELSEWHERE. So it
does if a sentence names an option of grud's or a target of make's that there is not.

What the page has at 127.0.0.1:8080 is at a free port here. A grud that serves goes on behind, as in
another terminal, and ends with its part."""

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Dict, Iterator, List, NamedTuple, Set, Tuple

TREE = Path(__file__).resolve().parents[2]
PAGES = ["README.md", *sorted(f"docs/{page.name}" for page in (TREE / "docs").glob("*.md"))]
CALLER = TREE / "tests" / "e2e" / "test_page_commands.c"
GRUD = Path(os.environ.get("GRUD", TREE / "build" / "grud")).absolute()
SECONDS = 300

WEATHER = """grud init --inputs temp,humidity --outputs temp --layers 8 \\
    -o models/weather.safetensors
"""


def fed(n_readings: int) -> str:
    """What the demo's feeder has recorded by the time that somebody fine-tunes."""
    return f"""cp examples/host-load/host-load.safetensors models
grud --models models --data data --record {n_readings}
seq {n_readings} | jq -c '{{session:"host", x:[. % 100, 40, 0.5, 1000, . * 37 % 501]}}' |
    curl -H 'content-type: application/x-ndjson' --data-binary @- \\
        http://127.0.0.1:8080/v1/models/host-load/steps >fed
"""


# A stream that has been told of a step, and then that its session ends.
FOLLOWED = WEATHER + """grud --models models
pump=http://127.0.0.1:8080/v1/models/weather/sessions/pump-7
curl --json '{"x":[21,0.5]}' $pump/step >stepped
{
    until curl http://127.0.0.1:8080/metrics | grep -c '^grud_http_streams 1$' >seen; do
        sleep 0.1
    done
    curl --json '{"x":[22,0.5]}' $pump/step
    curl -X DELETE $pump
} >told 2>&1 &
"""
# A job that goes on until the page's own, which waits for its end, has been paused.
BEHIND = """jobs=http://127.0.0.1:8080/v1/fine_tuning/jobs
ahead=$(curl $jobs --json '{"model":"host-load","training":{"sessions":["host"]},
    "hyperparameters":{"n_epochs":10000,"early_stopping_patience":null}}' | jq -r .id)
{
    until newest=$(curl "$jobs?limit=1" | jq -r '.data[0].id') &&
        curl $jobs/$newest/events | grep -c 'job was paused' >seen; do sleep 0.1; done
    curl -X POST $jobs/$ahead/cancel
} >told 2>&1 &
"""
TORCH = "import torch\nmodel = torch.nn.ModuleDict({'gru': torch.nn.GRU(2, 8), " \
        "'head': torch.nn.Linear(8, 1)})\n"
# A model of Keras, as far as the page looks at it.
KERAS = """import types
import numpy
model = types.SimpleNamespace(layers=[
    types.SimpleNamespace(get_weights=lambda shapes=shapes: [numpy.ones(s, "f") for s in shapes])
    for shapes in [[(2, 24), (8, 24), (2, 24)], [(8, 1), (1,)]]])
"""


class Part(NamedTuple):
    """Sections of a page that go on with what the ones before them have made."""
    page: str
    headings: Tuple[str, ...] = ()  # all of the page's
    language: str = "sh"
    before: str = ""  # in the shell
    head: str = ""  # in the language
    after: str = ""  # in the shell
    replaced: Tuple[Tuple[str, str], ...] = ()  # places of a real machine
    needs: Tuple[str, ...] = ()  # without these programs or Python modules it is skipped


# Redis for the page's nodes, and where the second one listens; it ends with the script.
ENGINE = """free() {
    python3 -c 'import socket; s = socket.create_server(("127.0.0.1", 0)); print(s.getsockname()[1])'
}
engine=$(free)
second=$(free)
redis-server --port "$engine" --bind 127.0.0.1 --dir "$PWD" >engine.log &
trap "kill $!" EXIT
"""
SUNSPOTS = "grud --models examples/sunspots --data data --record 1000\n"
PARTS = [
    Part("docs/API.md", before=FOLLOWED),
    Part("docs/CLUSTER.md", before=ENGINE, needs=("redis-server",),
         replaced=(("redis://127.0.0.1:6379", "redis://127.0.0.1:$engine"),
                   ("127.0.0.1:8081", "127.0.0.1:$second"))),
    Part("docs/DEPLOYING.md"),
    Part("docs/EVALUATION.md", before=SUNSPOTS),
    Part("docs/EXAMPLES.md"),
    Part("docs/EXAMPLES.md", language="python", before=SUNSPOTS),
    Part("docs/EXAMPLES.md", language="js", before=SUNSPOTS, needs=("node",)),
    Part("docs/FINE_TUNING.md", before=WEATHER + fed(1000) + BEHIND),
    Part("docs/GETTING_STARTED.md", ("A curl for each verb", "Fine-tuning"), before=fed(1000)),
    Part("docs/GETTING_STARTED.md", ("A model of your own",), before=WEATHER),
    Part("docs/GETTING_STARTED.md", ("A model of your own",), "python", head=TORCH,
         after="grud inspect models/weather.safetensors\n", needs=("torch", "safetensors")),
    Part("docs/GETTING_STARTED.md", ("A model from a file of readings",)),
    Part("docs/GETTING_STARTED.md", ("From the file to a live chart",)),
    Part("docs/MODELS.md"),
    Part("docs/MODELS.md", language="python", head=KERAS,
         after="grud inspect weather.safetensors\n", needs=("numpy", "safetensors")),
    Part("docs/RULES.md", before="grud --models examples/temperature\n"),
    Part("docs/OPERATING.md", ("Reloading",), before="grud\n"),
    Part("docs/OPERATING.md", ("Backup",), before="GRUD_LISTEN=127.0.0.1:0 grud --data data\n",
         replaced=(("/var/lib/grud", "data"), ("/backup/", ""))),
    Part("docs/OPERATING.md", ("Keys and TLS",)),
]

# Lines that begin so are run by another test, which has the words behind it; or by none, and why.
ELSEWHERE = [
    ("git clone URL", "", "URL stands for an address"),
    ("make run ", "tests/e2e/test_make_run.c", "make run"),
    ("make test ", ".ci/run", "make test"),
    ("make docker && docker run --rm", "tests/docker/test_first_model.sh", "run_of README.md"),
    ("make docker ", "tests/docker/run.sh", "test of the image"),
    ("docker run --rm", "tests/docker/test_first_model.sh", "run_of docs/DEPLOYING.md --rm"),
    ("docker run -d", "tests/docker/test_first_model.sh", "run_of docs/DEPLOYING.md /models:ro"),
    ("docker run -p", "tests/docker/test_options.sh", "run_of docs/DEPLOYING.md GRUD_API_KEYS"),
    ("docker compose -f docker/compose.yaml --profile cluster",
     "tests/docker/test_compose_cluster.sh", "--profile cluster up proxy"),
    ("docker-compose -f docker/compose.yaml --profile cluster",
     "tests/docker/test_compose_cluster.sh", "--profile cluster up proxy"),
    ("docker compose", "tests/docker/test_compose.sh", '"docker compose" docker-compose'),
    ("docker-compose", "tests/docker/test_compose.sh", '"docker compose" docker-compose'),
    ("docker kill -s HUP grud", "tests/docker/test_first_model.sh", "kill -s HUP"),
    ("kubectl create secret generic grud-engine", "tests/checks/kubernetes-cluster.sh",
     "engine/password"),
    ("kubectl apply -k config/kubernetes/cluster", "tests/checks/kubernetes-cluster.sh",
     "kubectl kustomize config/kubernetes/cluster"),
    ("redis-server --port 6379", "tests/proxies/run.sh", "redis-server --port"),
    ("kubectl apply -k config/kubernetes", "tests/kubernetes/pod.sh",
     "apply -k config/kubernetes"),
    ("make build-packages all && sudo make install", "tests/systemd/run.sh", "install"),
    ("systemctl reload grud", "tests/systemd/checks.sh", "systemctl reload grud"),
    ("#include <gru.h>", "tests/checks/install.sh", "docs/LIBRARY.md"),
    ("cc forecast.c", "tests/checks/install.sh", "docs/LIBRARY.md"),
    ("pip install ./tools/convert", "tests/convert/run.sh", "tools/convert"),
    ("grud-convert weather.keras", "tests/convert/test_program.py", "weather.keras"),
    ("scrape_configs:", "tests/metrics/run.sh", "docs/METRICS.md"),
]

# What stands in blocks without commands, and the options of Docker's that sentences name.
DATA = ("", "json")
COMMAND = re.compile(r"(\$ )?(build/)?(grud|curl|make|docker|docker-compose|kubectl|systemctl|sudo|"
                     r"cc|pip|npm|node|python3|examples/\S+)( |$)")
DOCKERS = {"--cpus", "--profile"}


class Language(NamedTuple):
    command: List[str]
    file: str
    say: str  # prints the line {}
    comment: str


LANGUAGES = {
    "sh": Language(["sh"], "run.sh", "echo '{}'", "#"),
    "python": Language([sys.executable], "run.py", "print('{}', flush=True)", "#"),
    "js": Language(["node"], "run.mjs", "console.log('{}');", "//"),
    "c": Language([], "", "", "//"),
    "yaml": Language([], "", "", "#"),
}
LANGUAGES["bash"] = LANGUAGES["sh"]

# awk ends the last line of a reply, which is JSON and does not.
SHELL = """set -eu
curl() {
    { command curl -sS --noproxy '*' $refusals "$@" || touch failed; } | awk 1
    [ ! -e failed ]
}
refusals=--fail-with-body
"""
# grud as a reader calls it, and the one pidof that is not to find another grud.
PROGRAMS = {
    "grud": """#!/bin/sh
case ${1:---} in
--health | [!-]*) exec '%(grud)s' "$@" ;;
esac
rm -f '%(folder)s/port'
'%(grud)s' "$@" >>'%(folder)s/log' 2>&1 &
echo $! >>'%(folder)s/pids'
until [ -s '%(folder)s/port' ]; do
    kill -0 $! 2>/dev/null || { cat '%(folder)s/log' >&2 && exit 1; }
    sleep 0.05
done
""",
    "pidof": "#!/bin/sh\ncat '%(folder)s/pids'\n",
}


class Block(NamedTuple):
    heading: str
    language: str
    lines: List[str]  # of the shell, those that go on are one
    expected: List[str]

    def elsewhere(self) -> List[Tuple[str, str, str]]:
        return [row for row in ELSEWHERE if any(line.startswith(row[0]) for line in self.lines)]

    def code(self) -> str:
        """What is to be run here."""
        kept = [line for line in self.lines
                if not any(line.startswith(begin) for begin, _, _ in ELSEWHERE)]
        command, _, _, comment = LANGUAGES[self.language]
        if not command and self.elsewhere():
            kept = []  # another test takes all of it
        has_code = any(line.strip() and not line.startswith(comment) for line in kept)
        return "\n".join(kept) + "\n" if has_code else ""


def blocks(page: str) -> Iterator[Block]:
    heading = ""
    text = (TREE / page).read_text()
    for found in re.finditer(r"^#+ ([^\n]*)$|^```(\S*)\n(.*?)^```$", text, re.S | re.M):
        language = found[2]
        if found[1]:
            heading = found[1]
        elif language in LANGUAGES:
            marked = LANGUAGES[language].comment + ">"
            lines = found[3].splitlines()
            code = "\n".join(line for line in lines if not line.startswith(marked))
            if language in ("sh", "bash"):
                code = code.replace("\\\n", "\\\0")
            yield Block(heading, language,
                        [line.replace("\0", "\n") for line in code.split("\n")],
                        [line[len(marked) + 1:] for line in lines if line.startswith(marked)])


def is_of(part: Part, block: Block) -> bool:
    return LANGUAGES[block.language] is LANGUAGES[part.language] and \
        (not part.headings or block.heading in part.headings)


def logical(expected: List[str]) -> List[str]:
    """Lines that the page breaks within braces are one."""
    lines: List[str] = []
    for line in expected:
        if line.startswith(" ") and lines and lines[-1].count("{") > lines[-1].count("}"):
            lines[-1] += line
        else:
            lines.append(line)
    return lines


def check_printed(where: str, expected: List[str], printed: str) -> None:
    lines = iter(printed.splitlines())
    for line in logical(expected):
        pieces = [r"\s*".join(map(re.escape, piece.split())) for piece in line.split("…")]
        pattern = r"\s*" + r"\s*.*\s*".join(pieces) + r"\s*"
        if not any(re.fullmatch(pattern, candidate) for candidate in lines):
            raise AssertionError(f"{where}: {line!r} is not printed, but:\n{printed}")


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def furnish(folder: Path) -> Dict[str, str]:
    """The folder that the page's commands are run in, and their environment."""
    (folder / "bin").mkdir()
    (folder / "models").mkdir()
    (folder / "node_modules").mkdir()
    for name, text in PROGRAMS.items():
        (folder / "bin" / name).write_text(text % {"grud": GRUD, "folder": folder})
        (folder / "bin" / name).chmod(0o755)
    (folder / "build").symlink_to("bin")
    (folder / "examples").symlink_to(TREE / "examples")
    (folder / "node_modules" / "grud").symlink_to(TREE / "clients" / "js")
    return {**os.environ, "PATH": f"{folder}/bin:{os.environ['PATH']}",
            "PYTHONPATH": str(TREE / "clients" / "python"),
            "GRUD_PORT_FILE": f"{folder}/port", "GRUD_QUEUE_MS": "60000",
            "GRUD_LISTEN": f"127.0.0.1:{free_port()}", "GRUD_LOG_LEVEL": "warn"}


def run_text(language: str, text: str, folder: Path, environment: Dict[str, str]) -> str:
    """What it prints."""
    command, name, _, _ = LANGUAGES[language]
    if language == "sh":
        text = SHELL + text
    text = re.sub(r"(127\.0\.0\.1|localhost):8080", environment["GRUD_LISTEN"], text)
    (folder / name).write_text(text)
    done = subprocess.run([*command, name], cwd=folder, capture_output=True, text=True,
                          timeout=SECONDS, check=False, env=environment)
    if done.returncode != 0 or (folder / "failed").exists():
        raise AssertionError(f"it ends with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def run_part(part: Part, folder: Path) -> int:
    here = [block for block in blocks(part.page) if is_of(part, block) and block.code()]
    if not here:
        raise AssertionError(f"there is nothing to run in {part}")
    text = ""
    for number, block in enumerate(here):
        if part.language == "sh":
            is_refused = any('{"error":' in line for line in block.expected)
            text += "refusals=\n" if is_refused else "refusals=--fail-with-body\n"
        text += LANGUAGES[part.language].say.format(f"== {number}") + "\n" + block.code()
    text = text.replace(":8443", f":{free_port()}")
    for old, new in part.replaced:
        text = text.replace(old, new)
    environment = furnish(folder)
    if part.language == "sh":
        printed = run_text("sh", part.before + part.head + text + part.after, folder, environment)
    else:
        run_text("sh", part.before, folder, environment)
        printed = run_text(part.language, part.head + text, folder, environment)
        run_text("sh", part.after, folder, environment)
    for block, own in zip(here, re.split(r"^== \d+\n", printed, flags=re.M)[1:]):
        check_printed(block.heading, block.expected, own)
    return len(here)


def end_daemons(folder: Path) -> None:
    pids = folder / "pids"
    for pid in pids.read_text().split() if pids.exists() else []:
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(pid), signal.SIGKILL)


def is_there(need: str) -> bool:
    if shutil.which(need):
        return True
    found = subprocess.run([sys.executable, "-c", f"import {need}"], stderr=subprocess.DEVNULL,
                           check=False)
    return found.returncode == 0


def run_page(page: str, language: str) -> None:
    for part in PARTS:
        if part.page != page or language not in ("", part.language):
            continue
        missing = [need for need in part.needs if not is_there(need)]
        if missing:
            print(f"{page}, {part.language}: SKIPPED, there is no {missing[0]}")
            continue
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
            try:
                n = run_part(part, Path(name))
            except (AssertionError, subprocess.TimeoutExpired) as fault:
                raise SystemExit(f"{page}, {part.language}, {part.headings}: {fault}") from fault
            finally:
                end_daemons(Path(name))
        print(f"{page}, {part.language}: {n} blocks run")


def names(command: List[str], pattern: str) -> Set[str]:
    """What the output of a command names."""
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=TREE)
    return set(re.findall(pattern, done.stdout, re.M))


def check_sentences(page: str, options: Set[str], targets: Set[str]) -> Iterator[str]:
    """Of a page, what is no option and no target, and blocks of commands that are not marked so."""
    text = (TREE / page).read_text()
    for language, block in re.findall(r"^```(\S*)\n(.*?)^```$", text, re.S | re.M):
        if language in DATA and any(map(COMMAND.match, block.splitlines())):
            yield f"{page} has commands in a block that is not marked ```sh:\n{block}"
        elif language not in (*DATA, *LANGUAGES):
            yield f"{page} has a block of '{language}'"
    sentences = re.sub(r"^```.*?^```$", "", text, flags=re.S | re.M)
    for code in re.findall(r"`([^`]+)`", sentences):
        if code.startswith(("grud ", "grud-convert ", "--")):
            named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", code)) - options - DOCKERS
        else:
            named = set(re.findall(r"^make ([a-z][a-z0-9-]*)", code)) - targets
        yield from (f"{page}: there is no {name}, as in `{code}`" for name in named)


def check_pages() -> None:
    """Each block has what runs it, and each row is of use."""
    faults: List[str] = []
    used = set()
    n_blocks = n_elsewhere = 0
    completed = [str(GRUD), "completion", "--line"]
    lines = [["--"], *([verb, "--"] for verb in names([*completed, ""], r"^([a-z-]+)\t"))]
    options = names(["cat", "tools/convert/grud_convert.py"], r'"(--[a-z-]+)"').union(
        {"--help"}, *(names([*completed, *line], r"^(--\S+)\t") for line in lines))
    makefiles = ["Makefile", *map(str, TREE.glob("mk/*.mk"))]
    targets = names(["cat", *makefiles], r"^([a-z][a-z0-9-]*)\b.*:")
    for page in PAGES:
        faults += check_sentences(page, options, targets)
        for block in blocks(page):
            n_blocks += 1
            used.update(block.elsewhere())
            if not block.code():
                n_elsewhere += 1
            elif not any(part.page == page and is_of(part, block) for part in PARTS):
                faults.append(f"{page}, '{block.heading}': nothing runs\n{block.code()}")
    for page in {part.page for part in PARTS}:
        if f'"{page}"' not in CALLER.read_text():
            faults.append(f"{CALLER.name} does not run {page}")
    for begin, script, words in ELSEWHERE:
        if script and words not in (TREE / script).read_text():
            faults.append(f"{script} does not run '{begin}': it has no '{words}'")
    faults += [f"no page has a line '{row[0]}'" for row in ELSEWHERE if row not in used]
    if faults:
        raise SystemExit("\n".join(faults))
    print(f"{len(PAGES)} pages: {n_blocks} blocks of code, {n_elsewhere} run by other tests")


if __name__ == "__main__":
    if len(sys.argv) == 1:
        check_pages()
    else:
        run_page(sys.argv[1], (sys.argv[2:] or [""])[0])
