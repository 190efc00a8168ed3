"""Docs that fail when they fall behind: what the program has stands in them, and what they name is
there. It touches no Keras and no store."""

import argparse
import ast
import re
import shlex
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from itertools import chain
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin

import pytest
import yaml
from pydantic import BaseModel

from experiments.cli.parser import make_parser
from experiments.spec.run_spec import RunSpec
from tests.test_layers import LEVELS, MODULES

ROOT = Path(__file__).resolve().parent.parent
PAGES = {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
         for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))}  # fmt: skip
TEXT = "\n".join(PAGES.values())
#: Files of the program: what they name is there.
CODE = "\n".join(
    path.read_text(encoding="utf-8")
    for path in chain(
        MODULES.values(), (ROOT / "benchmarks").glob("*.py"), (ROOT / "scripts").glob("*.py"),
        (ROOT / "dashboard").rglob("*.js"), [ROOT / "Procfile", ROOT / "Makefile"],
    )
)  # fmt: skip
#: Parts of a spec that end as files do, and methods of Keras' model.
_NO_FIELDS = re.compile(
    r"\.(h5|json|yaml|npz|keras|py|content_hash|load_weights|predict|fit|save)$"
)


def commands(
    parser: argparse.ArgumentParser, path: tuple[str, ...] = ()
) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """Every command by its words, `datasets` and `datasets add`."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, command in action.choices.items():
                yield " ".join((*path, name)), command
                yield from commands(command, (*path, name))


COMMANDS = dict(commands(make_parser()))


def options(command: argparse.ArgumentParser) -> Iterator[str]:
    for action in command._actions:
        if action.help != argparse.SUPPRESS:
            yield from (name for name in action.option_strings if name not in ("-h", "--help"))


def code_spans(text: str) -> set[str]:
    """What stands in backticks, on one line or two."""
    outside = re.sub(r"^ *```.*?^ *```$", "", text, flags=re.S | re.M)
    return {" ".join(span.split()) for span in re.findall(r"`([^`]+)`", outside)}


def fences(text: str, language: str) -> list[str]:
    return re.findall(rf"^ *```{language}\n(.*?)^ *```$", text, flags=re.S | re.M)


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_stands_in_the_docs_with_its_options(name):
    rows = [line for line in PAGES["docs/cli.md"].splitlines()
            if re.match(rf"\| `{name}(?=[ `])(?! [a-z])", line)]  # fmt: skip
    assert len(rows) == 1, f"docs/cli.md has {len(rows)} rows for {name}"
    sections = re.findall(rf"^#+ [^\n]*`{name}`.*?(?=^#+ |\Z)", TEXT, flags=re.S | re.M)
    about = "\n".join([*rows, *sections])
    missing = [option for option in options(COMMANDS[name])
               if option != "--json" and not re.search(rf"{option}(?![\w-])", about)]  # fmt: skip
    assert not missing, f"{name}: {missing} stand in no document"


@pytest.mark.parametrize("page", PAGES)
def test_commands_that_the_docs_name_are_there(page):
    for fence in fences(PAGES[page], "sh"):
        for line in fence.replace("\\\n", " ").splitlines():
            words = shlex.split(line, comments=True)
            if words[:3] == ["python", "-m", "experiments"] or words[:1] == ["kerascope"]:
                make_parser().parse_args(words[3 if words[0] == "python" else 1 :])
    for words in re.findall(r"`python -m experiments ([a-z]+[^`]*)`", PAGES[page]):
        assert words.split()[0] in COMMANDS, words
    known = {
        *re.findall(r'"(--[a-z-]+)"', CODE),
        "--help",
        "--no-header",
        "--no-deps",
    }  # pip's, the last
    for span in code_spans(PAGES[page]):
        named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*(?![\w.-])", span))
        assert named <= known, f"{page}: {named - known}"


def fields(kind: type[BaseModel], path: str = "") -> Iterator[tuple[str, Any]]:
    """Every field of a spec by its dotted name, with its default; of a union those of all."""
    for name, field in kind.model_fields.items():
        parts = list(models_in(field.annotation))
        if not parts:
            yield path + name, "required" if field.is_required() else field.default
        for part in parts:
            yield from fields(part, f"{path}{name}.")


def models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    elif get_origin(annotation) is Annotated:
        yield from models_in(get_args(annotation)[0])
    else:
        for inner in get_args(annotation):
            yield from models_in(inner)


FIELDS = list(fields(RunSpec))


def test_each_field_of_a_spec_stands_in_the_docs_with_its_defaults():
    rows = re.findall(r"^\| `([a-z_.0-9]+)` \|.*\| ([^|]*) \|$", PAGES["docs/spec.md"], re.M)
    documented = {(name, str(yaml.safe_load(default)))
                  for name, cell in rows for default in re.findall(r"`([^`]+)`", cell)}  # fmt: skip
    assert documented == {(name, str(default)) for name, default in FIELDS}


@pytest.mark.parametrize("page", PAGES)
def test_fields_that_the_docs_name_are_there(page):
    known = {name for name, _ in FIELDS}
    known |= {name[:dot] for name in known for dot in range(len(name)) if name[dot] == "."}
    parts = "|".join(RunSpec.model_fields)
    named = set(re.findall(rf"(?<![\w./])(?:{parts})(?:\.[a-z_0-9]+)+", " ".join(
        span for span in code_spans(PAGES[page]) if "(" not in span and "/" not in span
    )))  # fmt: skip
    assert {name for name in named if not _NO_FIELDS.search(name)} <= known
    for fence in fences(PAGES[page], "yaml"):
        for name in flattened(yaml.safe_load(fence)):
            assert name in known, f"{page}: {name}"


def flattened(spec: dict[str, Any], path: str = "") -> Iterator[str]:
    for name, value in spec.items():
        yield path + name
        if isinstance(value, dict):
            yield from flattened(value, f"{path}{name}.")


def settings() -> set[str]:
    """Environment variables that the program reads, and that its Procfile and Makefile do."""
    read = set(re.findall(r'(?:environ\.get\(|environ\[|_port\()"([A-Z_]+)"', CODE))
    return (read | set(re.findall(r"\$\{([A-Z_]+):-", CODE))) - {"PYTHONPATH"}


def test_each_setting_stands_in_the_docs():
    assert {name for name in settings() if f"| `{name}`" not in PAGES["docs/hosting.md"]} == set()


def test_settings_that_the_docs_name_are_there():
    mlflow = Path(str(find_spec("mlflow").origin)).with_name("environment_variables.py")  # type: ignore[union-attr]
    known = CODE + mlflow.read_text(encoding="utf-8")
    named = set(re.findall(r"\b(?:KERASCOPE|MLFLOW|KERAS)_[A-Z_]+\b", TEXT))
    assert {name for name in named if name not in known} == set()


def test_each_page_of_the_dashboard_stands_in_the_docs_and_the_other_way_round():
    titles = set(re.findall(r'Page\(\w+, title="(\w+)"', MODULES["dashboard.app"].read_text()))
    assert {title for title in titles if not re.search(rf"\*{title}( →|\*)", TEXT)} == set()
    for way in re.findall(r"(?<!\*)\*([A-Z]\w+ → [^*]+)\*(?!\*)", TEXT):
        page, *labels = " ".join(way.split()).split(" → ")
        assert page in titles, f"*{way}*: no page is called {page}"
        for label in labels:
            assert label in TEXTS, f"*{way}*: {label!r} stands nowhere on the page"


TEXTS = "\n".join(
    node.value
    for name, path in MODULES.items() if name.startswith("dashboard")
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    if isinstance(node, ast.Constant) and isinstance(node.value, str)
)  # fmt: skip


@cache
def anchors(path: Path) -> set[str]:
    """The anchors that GitHub makes of the headings."""
    text = re.sub(r"^```.*?^```$", "", path.read_text(encoding="utf-8"), flags=re.S | re.M)
    heads = re.findall(r"^#+ (.+)$", text, flags=re.M)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", [*PAGES, "CHANGELOG.md"])
def test_links_and_images_lead_somewhere(page):
    path = ROOT / page
    for link in re.findall(r"\]\(([^)\s]+)\)", path.read_text(encoding="utf-8")):
        if not link.startswith(("http://", "https://")):
            file, _, anchor = link.partition("#")
            target = path.parent / file if file else path
            assert target.exists(), f"{page}: {link}"
            assert not anchor or anchor in anchors(target), f"{page}: {link}"


def test_each_document_is_on_the_first_page():
    names = [page.removeprefix("docs/") for page in PAGES if page.startswith("docs/")]
    names.remove("README.md")
    assert [name for name in names if f"]({name})" not in PAGES["docs/README.md"]] == []


def test_the_table_of_rooms_is_that_of_the_arrows():
    table = re.findall(r"^\| ((?:`[a-z/]+`(?:, )?)+) \|", PAGES["docs/architecture.md"], re.M)
    assert [set(re.findall(r"`([a-z/]+)`", rooms)) for rooms in reversed(table)] == [
        set(level) for level in LEVELS
    ]


@pytest.mark.parametrize("page", PAGES)
def test_modules_and_files_that_the_docs_name_are_there(page):
    paths = r"\b(?:experiments|dashboard|tests|scripts|benchmarks)/[\w/]+\.[a-z0-9]+"
    assert {path for path in re.findall(paths, PAGES[page]) if not (ROOT / path).exists()} == set()
    rooms = {path.parent for path in MODULES.values()}
    for span in code_spans(PAGES[page]):
        if not (m := re.fullmatch(r"([a-z_0-9]+(?:/[a-z_0-9]+)+)(?:\.(\w+))?", span)):
            continue
        file, name = m.groups()
        if not any((room / file.split("/")[0]).exists() for room in (ROOT, *rooms)):
            continue
        found = [base / f"{file}.py" for base in (ROOT, *rooms) if (base / f"{file}.py").exists()]
        if name and found:
            source = found[0].read_text(encoding="utf-8")
            assert name == "py" or re.search(rf"(def|class) {name}\b", source), f"{page}: {span}"
        else:
            places = [base / (f"{file}.{name}" if name else file) for base in (ROOT, *rooms)]
            assert found or any(place.exists() for place in places), f"{page}: {span}"
    for fence in fences(PAGES[page], "python"):
        for node in ast.walk(ast.parse(fence)):
            if isinstance(node, ast.ImportFrom) and node.module in MODULES:
                source = MODULES[node.module].read_text(encoding="utf-8")
                assert all(re.search(rf"\b{one.name}\b", source) for one in node.names), fence
            elif isinstance(node, ast.ImportFrom):
                assert not str(node.module).startswith("experiments"), f"{page}: {node.module}"
